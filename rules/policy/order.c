/*
** order.c -- the order in which diagrams ask their atoms.
**
** What is dear to get comes late: facts of the request first, then records of
** parties and conversations, of messages and calls, regular expressions, and
** what must be fetched. Within that, atoms stand as the rules ask for them, the
** denials in the order in which they are judged, then the rows: what one rule
** asks stands together, so that a diagram need not carry half an answer past
** all the others (the shipped policies' diagrams are five times smaller for it).
** Knows nothing of diagrams; equal sources give equal orders.
*/
#include <stdlib.h>

#include "lower.h"

#define NOWHERE  ((uint32_t) 1 << 20)

typedef struct { uint32_t rank, first, atom; } place_t;

static int by_place(const void *a, const void *b) {
  const place_t *x = a, *y = b;
  if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  return (x->atom > y->atom) - (x->atom < y->atom);
}

static uint32_t rank_of(const in_compile_t *c, uint32_t atom) {
  static const uint32_t ranks[] = {
#define IN_X(name, text, record, rank) rank,
    IN_SUBJECTS(IN_X)
#undef IN_X
  };
  const in_pi_atom_t *a = &c->atoms.at[atom];
  uint32_t r = ranks[c->slots.at[a->slot].subject];
  if (a->slot_b != IN_NIL && ranks[c->slots.at[a->slot_b].subject] > r) r = ranks[c->slots.at[a->slot_b].subject];
  if (a->kind == IN_ATOM_REGEX) r += 4;
  return a->fetch ? 100 : r;
}

/* recursion is as deep as the guard is long, which its reader bounds */
static void find_first(const in_compile_t *c, const in_expr_t *e, place_t *p, uint32_t *n) {
  if (e == NULL) return;
  if (e->kind == IN_E_PRED) {
    place_t *at = &p[c->preds.at[e->pred].atom];
    if (at->first == NOWHERE) at->first = (*n)++;
    return;
  }
  find_first(c, e->a, p, n);
  find_first(c, e->b, p, n);
}

bool in_order_atoms(const in_compile_t *c, const uint32_t *denials, uint32_t count, uint32_t *level) {
  place_t *p = in_arena_array(c->arena, c->atoms.n + 1, sizeof(*p));
  uint32_t n = 0;
  if (p == NULL) return false;
  for (uint32_t i = 0; i < c->atoms.n; i++) p[i] = (place_t) { rank_of(c, i), NOWHERE, i };
  for (uint32_t i = 0; i < count; i++) find_first(c, c->rules.at[denials[i]].when, p, &n);
  for (uint32_t i = 0; i < c->rules.n; i++) find_first(c, c->rules.at[i].when, p, &n);
  qsort(p, c->atoms.n, sizeof(*p), by_place);
  for (uint32_t i = 0; i < c->atoms.n; i++) level[p[i].atom] = i;
  return true;
}
