/*
** expr.h -- what the readers of guards share: where they are, and nodes.
**
** slots.c       facts by their paths; predicates, each once
** expr.c        and, or, not, any, every, parties, tables
** expr_fact.c   tests of one fact; values
** expr_toggle.c tests of toggles
** Knows nothing of rules. A reader that fails has set an error and gives NULL.
*/
#ifndef IN_EXPR_H
#define IN_EXPR_H

#include "compile.h"

#define IN_MAX_NESTING      64
#define IN_MAX_GUARD_NODES  8192        /* recursion over a guard is never deeper */

typedef struct exp_s exp_t;
struct exp_s {
  in_compile_t *c;
  const in_stmt_t *s;
  uint32_t at;
  int tenant;                     /* subject that `tenant` means, or -1 */
  int party;                      /* subject that `party` means, or -1 */
  in_toggle_view_t view;
  unsigned depth;
  uint32_t *nodes;                /* made for this guard so far */
  const exp_t *outer;             /* the guard whose toggle's default this is */
  int toggle;                     /* that toggle */
};

/* ---- helpers */

static inline in_expr_t *fail(exp_t *e, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(e->c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(e->c->diag, "%s", hint);
  return NULL;
}

static inline in_place_t here(const exp_t *e) { return in_stmt_at(e->s, e->at); }

static inline bool is(const exp_t *e, const char *word) { return in_tok_is(e->s, e->at, word); }

static inline bool take(exp_t *e, const char *word) {
  if (!is(e, word)) return false;
  e->at++;
  return true;
}

static inline in_expr_t *node(exp_t *e, in_expr_kind_t kind, in_expr_t *a, in_expr_t *b) {
  in_expr_t *n;
  if (++*e->nodes > IN_MAX_GUARD_NODES) return fail(e, here(e), "the guard is too long", "split it, or write a table");
  n = in_arena_get(e->c->arena, sizeof(*n));
  if (n == NULL) { in_nomem(e->c); return NULL; }
  n->kind = kind;
  n->a = a;
  n->b = b;
  return n;
}

static inline in_expr_t *negate(exp_t *e, in_expr_t *a) {
  return a == NULL ? NULL : node(e, IN_E_NOT, a, NULL);
}

static inline in_expr_t *both(exp_t *e, in_expr_kind_t kind, in_expr_t *a, in_expr_t *b) {
  return a == NULL || b == NULL ? NULL : node(e, kind, a, b);
}

static inline in_expr_t *predicate(exp_t *e, const in_pred_t *p) {
  in_expr_t *n = node(e, IN_E_PRED, NULL, NULL);
  if (n == NULL) return NULL;
  n->pred = in_pred_get(e->c, p);
  return n->pred == IN_NIL ? NULL : n;
}

static inline in_expr_t *fixed(exp_t *e, in_request_fact_t fact, uint64_t values) {
  in_expr_t *n = node(e, IN_E_STATIC, NULL, NULL);
  if (n == NULL) return NULL;
  n->fact = fact;
  n->values = values;
  return n;
}

static inline in_pred_t new_predicate(const exp_t *e, in_pred_kind_t kind, uint32_t slot) {
  in_pred_t p;
  memset(&p, 0, sizeof(p));
  p.kind = kind;
  p.slot = slot;
  p.slot_b = IN_NIL;
  p.place = e->at > 0 ? e->s->tok[e->at - 1].place : here(e);
  return p;
}

/* ---- slots.c */

/* slot of a path that `party` and `tenant` were replaced in; tok is as written */
uint32_t in_path_slot(in_compile_t *c, const in_tok_t *tok, in_span_t path);
/* of the subject's field; IN_NIL: there is none */
uint32_t in_record_slot(in_compile_t *c, int subject, in_span_t field);
/* the subject whose name begins the path, and the rest; -1: none */
int in_path_subject(in_span_t path, in_span_t *field);
const char *in_subject_text(int subject);
/* all paths, for "did you mean"; false: no memory */
bool in_path_names(in_compile_t *c, in_span_t **names, uint32_t *count);
/* `party` and `tenant` replaced by what they mean here; p == NULL: no memory */
in_span_t in_path_resolve(const exp_t *e, in_span_t path);

/* ---- readers */

in_expr_t *in_exp_guard(exp_t *e);                     /* up to a word that does not belong to it */
in_expr_t *in_exp_fact(exp_t *e, uint32_t slot, in_place_t place);     /* what stands behind a path */
in_expr_t *in_exp_static(exp_t *e, in_request_fact_t fact);
in_expr_t *in_exp_feature(exp_t *e);
in_expr_t *in_exp_toggle(exp_t *e);

#endif
