/*
** guard.c -- guards to diagrams.
**
** In a cell, tests of operation, kind and systems are constants; a guard that
** asks for none of them has one diagram for all cells, made once. Knows nothing
** of which rules a cell has.
*/
#include "lower.h"

#define GUARD_BUDGET  20000u            /* nodes that one guard may make */

static uint32_t static_leaf(in_compile_t *c, const in_expr_t *e, const in_low_cell_t *cell) {
  uint32_t v = e->fact == IN_RF_OPERATION ? cell->op : e->fact == IN_RF_KIND ? cell->kind
               : e->fact == IN_RF_FROM ? cell->from : cell->to;
  if (e->fact == IN_RF_TO && v == c->vocab.systems.n) {
    uint32_t u = in_mdd_undetermined(c, IN_NIL);
    return u == IN_MDD_NONE ? u : in_leaf(u);
  }
  return in_leaf((e->values >> v & 1) ? IN_OUTCOME_TRUE : IN_OUTCOME_FALSE);
}

static uint32_t make_guard(in_compile_t *c, in_expr_t *e, const in_low_cell_t *cell) {
  uint32_t a;
  switch (e->kind) {
    case IN_E_FALSE: return in_leaf(IN_OUTCOME_FALSE);
    case IN_E_TRUE: return in_leaf(IN_OUTCOME_TRUE);
    case IN_E_STATIC: return static_leaf(c, e, cell);
    case IN_E_PRED: return in_mdd_pred(c, &c->preds.at[e->pred]);
    case IN_E_NOT: return in_mdd_apply(c, IN_MDD_NOT, in_cell_guard(c, e->a, cell), in_leaf(0), 0);
    case IN_E_AND:
      a = in_cell_guard(c, e->a, cell);
      if (a == in_leaf(IN_OUTCOME_FALSE)) return a;
      return in_mdd_apply(c, IN_MDD_AND, a, in_cell_guard(c, e->b, cell), 0);
    default:
      a = in_cell_guard(c, e->a, cell);
      if (a == in_leaf(IN_OUTCOME_TRUE)) return a;
      return in_mdd_apply(c, IN_MDD_OR, a, in_cell_guard(c, e->b, cell), 0);
  }
}

uint32_t in_guard_varies(in_expr_t *e) {
  if (e == NULL) return 0;
  if (!e->looked) {
    e->varies = e->kind == IN_E_STATIC ? 1u << e->fact : in_guard_varies(e->a) | in_guard_varies(e->b);
    e->looked = true;
  }
  return e->varies;
}

static bool asks_for(const in_compile_t *c, const in_expr_t *e, in_request_fact_t fact) {
  const in_pred_t *p = e->kind == IN_E_PRED ? &c->preds.at[e->pred] : NULL;
  const in_slot_t *s = p == NULL || p->kind != IN_P_EQ ? NULL : &c->slots.at[p->slot];
  return s != NULL && s->subject == IN_SUB_REQUEST && s->field == (uint32_t) fact;
}

/* a guard that nothing is known of may hold with all of them */
uint64_t in_guard_values(const in_compile_t *c, const in_expr_t *e, in_request_fact_t fact) {
  const uint64_t all = ~(uint64_t) 0;
  if (e == NULL) return all;
  switch (e->kind) {
    case IN_E_FALSE: return 0;
    case IN_E_AND: return in_guard_values(c, e->a, fact) & in_guard_values(c, e->b, fact);
    case IN_E_OR: return in_guard_values(c, e->a, fact) | in_guard_values(c, e->b, fact);
    case IN_E_NOT: return asks_for(c, e->a, fact) ? ~c->preds.at[e->a->pred].values : all;
    default: return asks_for(c, e, fact) ? c->preds.at[e->pred].values : all;
  }
}

/* recursion is as deep as the guard is long, which its reader bounds; a guard that
** asks nothing of the cell has the same diagram in all of them */
uint32_t in_cell_guard(in_compile_t *c, in_expr_t *e, const in_low_cell_t *cell) {
  uint32_t d;
  if (e == NULL) return in_leaf(IN_OUTCOME_TRUE);
  if (in_guard_varies(e) != 0) return make_guard(c, e, cell);
  if (e->diagram != 0) return e->diagram - 1;
  d = make_guard(c, e, cell);
  e->diagram = d + 1;             /* no memory: 0 */
  return d;
}

uint32_t in_guard_mdd(in_compile_t *c, in_expr_t *e) {
  static const in_low_cell_t none = { 0, 0, 0, 0 };
  return in_cell_guard(c, e, &none);
}

uint32_t in_cell_rule_guard(in_compile_t *c, const in_rule_t *r, const in_low_cell_t *cell) {
  uint32_t d;
  in_mdd_budget(c, GUARD_BUDGET);
  d = in_cell_guard(c, r->when, cell);
  if (d == IN_MDD_NONE && in_mdd_is_over(c)) {
    in_diag_at(c->diag, INTEROP_SYNTAX, r->place, "the guard of this rule is too large to compile");
    in_diag_hint(c->diag, "write a rule for each part of its `or`");
  }
  in_mdd_unlimited(c);
  return d;
}

uint32_t in_rule_guard(in_compile_t *c, in_rule_t *r) {
  static const in_low_cell_t none = { 0, 0, 0, 0 };
  return in_cell_rule_guard(c, r, &none);
}
