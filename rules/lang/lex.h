/*
** lex.h -- bytes to tokens; used by parse.c alone.
**
** Owns the shapes of tokens (syntax.h lists them). Knows nothing of statements.
** No allocation but for the unescaped text of strings that have escapes.
*/
#ifndef IN_LEX_H
#define IN_LEX_H

#include "syntax.h"

typedef enum { IN_LEX_TOKEN, IN_LEX_SEMICOLON, IN_LEX_OPEN, IN_LEX_CLOSE, IN_LEX_END,
               IN_LEX_ERROR } in_lex_t;

typedef struct {
  const in_source_t *source;
  uint32_t at;
  bool json_next;                 /* the last token was the word `json` */
  in_arena_t *arena;
  interop_diag_t *diag;
  in_tok_t tok;                   /* IN_LEX_TOKEN: the token; else only its place */
} in_lexer_t;

void in_lex_init(in_lexer_t *lx, const in_source_t *source, in_arena_t *arena,
                 interop_diag_t *diag);
in_lex_t in_lex_next(in_lexer_t *lx);

#endif
