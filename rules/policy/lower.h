/*
** lower.h -- what the files that lower rules to diagrams share.
**
** order.c  the order in which atoms are asked
** guard.c  guards to diagrams
** scope.c  which rules each cell has
** lower.c  cells to diagrams, or to lists
*/
#ifndef IN_LOWER_H
#define IN_LOWER_H

#include "mdd.h"

/* to == count of systems: it is not known where the recipient reads */
typedef struct { uint32_t op, kind, from, to; } in_low_cell_t;

static inline uint32_t in_leaf(uint32_t outcome) { return IN_LEAF | outcome; }

/* ---- order.c */

/* level[atom]: its place; denials in the order in which they are judged. false: no memory */
bool in_order_atoms(const in_compile_t *c, const uint32_t *denials, uint32_t count, uint32_t *level);

/* ---- guard.c */

uint32_t in_cell_guard(in_compile_t *c, in_expr_t *e, const in_low_cell_t *cell);
/* the same within a budget: what goes over it is an error that tells the rule */
uint32_t in_cell_rule_guard(in_compile_t *c, const in_rule_t *r, const in_low_cell_t *cell);
/* what of the cell a guard depends on: bit per fact, 1 << IN_RF_OPERATION ... */
uint32_t in_guard_varies(in_expr_t *e);

/* ---- scope.c: sets of rules, bit by index */

typedef struct {
  uint32_t words, policy_words, systems;
  uint64_t *op, *kind, *from, *to;      /* rules that are for it, `words` for each */
  uint64_t *crossing, *staying;         /* rules that are for from != to, from == to */
  uint64_t *policies;                   /* with a matrix, by from * (systems + 1) + to */
  uint32_t *varies;                     /* in_guard_varies of each rule's guard */
} in_scope_t;

bool in_scope_make(in_compile_t *c, in_scope_t *s);
/* key gets in_scope_key_words(s) words: cells with equal keys decide alike */
void in_scope_key(const in_scope_t *s, const in_low_cell_t *cell, uint64_t *key);
uint32_t in_scope_key_words(const in_scope_t *s);

#endif
