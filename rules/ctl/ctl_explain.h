/*
** ctl_explain.h -- why an event got its verdict: what explain gathers, and the
** two forms in which it is told.
**
** Everything in it lives in the arena, and as long as the judge.
*/
#ifndef IN_CTL_EXPLAIN_H
#define IN_CTL_EXPLAIN_H

#include "case.h"
#include "words.h"
#include "../judge/judge.h"

/* a fact that a decision looked at */
typedef struct {
  in_span_t name, value;          /* value: in words; absent if it is unknown */
  in_span_t of;                   /* the recipient whose fact it is, if there are several */
  bool by_default;
} in_used_t;

typedef struct {
  in_span_t id, system, outcome, place, rule;
  in_span_t *path;                /* one test each, in words */
  uint32_t steps;
} in_told_t;

typedef struct {
  in_arena_t *arena;
  in_edge_t *edge;
  const interop_plan_t *plan;     /* NULL: outside of policy */
  in_span_t place;                /* of the rule that decided; absent: it has none */
  in_span_t message;              /* of the reason */
  in_told_t *recipient;
  uint32_t recipients;
  in_used_t *fact;
  uint32_t facts;
} in_explained_t;

void in_explain_text(const in_explained_t *x);
void in_explain_json(const in_explained_t *x);

#endif
