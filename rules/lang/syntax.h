/*
** syntax.h -- bytes to tokens to statements.
**
** Owns the outer form of .rules files, the same for everything in them and
** like nginx's: a statement is words ended by ';' or by a block { ... } of
** statements; '#' starts a comment. What statements mean is others' business
** (policy/, api/). `include "file.rules";` is done here, relative to the
** including file, each file once.
**
** Tokens:
**   WORD    letters, digits and . _ - * : @ + $ % ~ | [ ] '  as in  message.send  2018-12
**   STRING  "..." with \" \\ \n \r \t \u{hex} escapes, unescaped in text
**   PATH    starts with '/' and runs to white space, ';', ',' or '(' ')';
**           braces inside are part of it:  /{v}/chats/{conversation}
**   OP      == != < <= > >= -> = , ( ) !
**   REGEX   ~"..." ; text as written between the quotes, nothing unescaped
**   JSON    after the word `json`: everything from '{' or '[' to its match, as written
** In a block with exactly one statement the last ';' may be left out:
**   set live { IN PH KE }
*/
#ifndef IN_SYNTAX_H
#define IN_SYNTAX_H

#include "../base/diag.h"

typedef enum { IN_TOK_WORD, IN_TOK_STRING, IN_TOK_PATH, IN_TOK_OP, IN_TOK_REGEX,
               IN_TOK_JSON } in_tok_kind_t;

typedef struct {
  in_tok_kind_t kind;
  in_span_t text;
  in_place_t place;
} in_tok_t;

typedef struct in_stmt_s in_stmt_t;
struct in_stmt_s {
  in_tok_t *tok;                  /* ntok >= 1 */
  uint32_t ntok;
  bool has_block;
  in_stmt_t *block;               /* first statement of the block, or NULL */
  in_stmt_t *next;
  in_place_t open;                /* the '{', if it has a block */
  in_place_t end;                 /* the ';' or '}' */
};

/*
** Reads path (a file, or a directory: every *.rules below it, in name order)
** into statements that live in arena. At most 16 MiB a file, 64 MiB in all,
** blocks nested at most 32 deep. Names are ordered by their bytes, whatever the
** locale; what is no *.rules file, hidden or named *.conf is passed over.
*/
interop_status_t in_syntax_load(const char *path, in_arena_t *arena, in_stmt_t **stmts,
                                interop_diag_t *diag);
/* the same for one source in memory; `include` is then an error */
interop_status_t in_syntax_parse(const in_source_t *source, in_arena_t *arena,
                                 in_stmt_t **stmts, interop_diag_t *diag);

/* helpers for readers of statements */
/* i-th token is this WORD or OP; inline, that the word's length is a constant */
static inline bool in_tok_is(const in_stmt_t *s, uint32_t i, const char *word) {
  return i < s->ntok && (s->tok[i].kind == IN_TOK_WORD || s->tok[i].kind == IN_TOK_OP)
         && in_eq(s->tok[i].text, in_str(word));
}
in_place_t in_stmt_place(const in_stmt_t *s);                       /* of the first token */
/* of the i-th token, or of what stands where it is missing */
in_place_t in_stmt_at(const in_stmt_t *s, uint32_t i);

#endif
