/*
** compile.h -- compiling `api` blocks; shared by the compile_*.c files alone.
**
** Owns the state of one block's compilation. Everything lives in the compile's
** arena. Functions give false once the diagnostic holds an error.
*/
#ifndef IN_API_COMPILE_H
#define IN_API_COMPILE_H

#include "api.h"
#include "json.h"
#include "records.h"

typedef struct { in_span_t *name; uint32_t count; } in_names_t;

/* a segment of a path pattern: fixed text in prefix, or prefix{capture}suffix */
typedef struct { in_span_t prefix, suffix; uint32_t capture; } in_pseg_t;
typedef struct { in_pseg_t *seg; uint32_t count; } in_pattern_t;

/* a route node while it is built */
typedef struct in_rnode_s in_rnode_t;
struct in_rnode_s {
  in_pseg_t seg;
  uint32_t flags;
  uint32_t index;                 /* in ROUTES, once numbered */
  uint32_t *operation;            /* first candidates: numbers within the API */
  uint32_t operations, size;
  in_rnode_t *child, *next;
};

/* a block that others refer to by name */
typedef struct in_named_s in_named_t;
struct in_named_s {
  const in_tok_t *name;
  const in_stmt_t *stmt;
  uint32_t index;
  in_named_t *next;
};

typedef struct in_alias_s in_alias_t;
struct in_alias_s { in_pattern_t from, to; in_alias_t *next; };

typedef struct {
  in_ai_operation_t rec;
  in_pattern_t path;
  const in_stmt_t *stmt;
  bool always;                    /* has no `when`: nothing after it is reached */
} in_oper_t;

typedef struct {
  const in_vocab_t *v;
  in_builder_t *b;
  in_arena_t *arena;
  interop_diag_t *diag;
  const in_stmt_t *stmt;          /* the block */
  in_ai_api_t rec;
  uint32_t api;                   /* its index */
  bool nocase_members;
  in_span_t capture[IN_CAPTURES];
  uint32_t captures;
  in_named_t *shapes, *identities, *makes;
  in_alias_t *aliases;
  in_pattern_t optional;
  in_rnode_t *root;
  uint32_t rnodes;
  in_oper_t *oper;
  uint32_t opers, oper_size;
} in_apic_t;

/* ---- compile.c */
bool in_apic_bad(in_apic_t *c, in_place_t at, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool in_apic_unknown(in_apic_t *c, const char *what, const in_tok_t *tok,
                     const in_span_t *names, size_t count);
bool in_apic_nomem(in_apic_t *c);
bool in_apic_word(const in_stmt_t *s, uint32_t i);       /* a WORD or STRING is there */
bool in_apic_is_pointer(const in_stmt_t *s, uint32_t i); /* a PATH, or a STRING with '/' */
bool in_apic_no_block(in_apic_t *c, const in_stmt_t *s, const char *form);
in_named_t *in_apic_find(in_named_t *list, in_span_t name);
/* unknown NAME, with the nearest of the list */
bool in_apic_unnamed(in_apic_t *c, const char *what, const in_tok_t *tok, in_named_t *list);
bool in_apic_feature(in_apic_t *c, const in_tok_t *tok, uint32_t *feature);
bool in_apic_names(in_apic_t *c, const in_tok_t *tok, in_names_t *names);
bool in_apic_pointer(in_apic_t *c, const in_stmt_t *s, uint32_t i, const char *form, in_run_t *run);

/* ---- compile_route.c */
bool in_apic_pattern(in_apic_t *c, const in_tok_t *tok, in_pattern_t *p);
bool in_apic_guard(in_apic_t *c, const in_pattern_t *p);
bool in_apic_guard_anywhere(in_apic_t *c, const in_pattern_t *p);
/* enters the operation under its path and all its aliases */
bool in_apic_route(in_apic_t *c, uint32_t oper);
bool in_apic_write_routes(in_apic_t *c);
uint32_t in_apic_capture(const in_apic_t *c, in_span_t name);   /* IN_NIL: there is none */

/* ---- compile_body.c */
/* the body that statements describe; name: a shape, or absent; more: a block, or NULL */
bool in_apic_shape(in_apic_t *c, const in_tok_t *name, const in_stmt_t *more, bool lenient,
                   in_place_t place, uint32_t *shape);

/* ---- compile_parts.c: what values mean, who people are */
bool in_apic_choices(in_apic_t *c, const in_stmt_t *s, in_role_t role, in_run_t *run);
bool in_apic_person(in_apic_t *c, const in_stmt_t *s, uint32_t *at, in_ai_member_t *m);

/* ---- compile_make.c */
bool in_apic_template(in_apic_t *c, const in_tok_t *json, in_run_t *run);
bool in_apic_make(in_apic_t *c, in_named_t *named);
/* a request without a body: method and path */
bool in_apic_make_bare(in_apic_t *c, const in_tok_t *method, const in_tok_t *path, uint32_t *make);

/* ---- compile_batch.c */
bool in_apic_batch(in_apic_t *c, in_oper_t *o, const in_stmt_t *s);
/* an operation has items if it is a batch, and only then */
bool in_apic_batch_there(in_apic_t *c, const in_oper_t *o);

/* ---- compile_meet.c: meetings, and how conversations are named */
bool in_apic_escalation(in_apic_t *c, const in_stmt_t *s);
bool in_apic_conversations(in_apic_t *c, const in_stmt_t *s);

/* ---- compile_oper.c */
/* every segment that the made request's path wants is in this operation's path */
bool in_apic_path_has(in_apic_t *c, const in_oper_t *o, const in_tok_t *at, uint32_t make);
bool in_apic_operation(in_apic_t *c, const in_stmt_t *s);

#endif
