/*
** overlay.c -- the rules of single tenants to lists behind a hash table.
**
** A tenant's list holds that tenant's denials in the order of their reasons, then
** its matrices. It costs nothing where the sender is of another tenant. Where the
** sender's tenant is not known, what some tenant's rules are about is undetermined.
** A tenant's matrix is over a general one: it cannot open what no policy opens.
*/
#include <stdlib.h>

#include "mdd.h"
#include "list.h"

#define MAX_SCOPES  32u           /* distinct scopes that are kept apart */

typedef struct { in_span_t tenant; int rank; uint32_t policy, rule; } ranked_t;

static int by_tenant(const void *a, const void *b) {
  const ranked_t *x = a, *y = b;
  size_t n = x->tenant.n < y->tenant.n ? x->tenant.n : y->tenant.n;
  int r = memcmp(x->tenant.p, y->tenant.p, n);
  if (r != 0 || x->tenant.n != y->tenant.n) return r != 0 ? r : x->tenant.n < y->tenant.n ? -1 : 1;
  if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  if (x->rank == INT32_MAX && x->policy != y->policy) return x->policy < y->policy ? -1 : 1;
  return (x->rule > y->rule) - (x->rule < y->rule);
}

static bool put(in_compile_t *c, const in_pi_rule_t *r) {
  return in_vec_push(c->arena, &c->lists, *r) || (in_nomem(c), false);
}

static bool put_mark(in_compile_t *c, in_list_op_t op) {
  in_pi_rule_t r;
  memset(&r, 0, sizeof(r));
  r.op = op;
  r.outcome = in_mdd_undetermined(c, c->preds.at[c->tenant_pred].atom);
  if (r.outcome == IN_MDD_NONE) return false;
  return put(c, &r);
}

static bool put_rule(in_compile_t *c, in_rule_t *r, uint32_t *guards) {
  in_pi_rule_t p;
  memset(&p, 0, sizeof(p));
  p.ops = r->ops;
  p.kinds = (uint32_t) r->kinds;
  p.from = r->from;
  p.to = r->to;
  p.crosses = c->tenants.at[r->policy].between;
  if (r->kind == IN_R_DENY) p.op = r->unknown_passes ? IN_LIST_DENY_PASS : IN_LIST_DENY;
  else p.op = r->unknown_passes ? IN_LIST_ROW_PASS : IN_LIST_ROW;
  p.guard = in_rule_guard(c, r);
  if (p.guard == IN_MDD_NONE) return false;
  p.outcome = r->outcome;
  guards[r - c->tenant_rules.at] = p.guard;
  return put(c, &p);
}

static bool may_hold(const unsigned char *holds, uint32_t root) {
  return (root & IN_LEAF) ? root == (IN_LEAF | IN_OUTCOME_TRUE) : holds[root];
}

/* a rule whose guard is nowhere true is a mistake; children lie before their nodes */
static bool check_guards(in_compile_t *c, const uint32_t *guards) {
  uint32_t n = in_mdd_count(c);
  unsigned char *holds = in_arena_get(c->arena, (size_t) n + 1);
  if (holds == NULL) return in_nomem(c), false;
  for (uint32_t id = 0; id < n; id++)
    for (uint32_t k = 0; k < c->atoms.at[in_mdd_atom(c, id)].classes && !holds[id]; k++)
      holds[id] = may_hold(holds, in_mdd_children(c, id)[k]);
  for (uint32_t i = 0; i < c->tenant_rules.n; i++) {
    if (may_hold(holds, guards[i]) || c->dead_is_allowed) continue;
    in_diag_at(c->diag, INTEROP_SYNTAX, c->tenant_rules.at[i].place, "this rule never decides");
    in_diag_hint(c->diag, "its guard can never be true here");
    return false;
  }
  return true;
}

/* ---- matrices of tenants: whole, and over a general one */

static bool is_rest(const in_rule_t *r) {
  return r->when == NULL && r->ops == ((uint64_t) 1 << INTEROP_OPERATION_COUNT) - 1
         && r->kinds == ((uint64_t) 1 << INTEROP_KIND_COUNT) - 1;
}

static bool has_general(const in_compile_t *c, const in_rule_t *r) {
  for (uint32_t i = 0; i < c->policies.n; i++) {
    const in_policy_t *p = &c->policies.at[i];
    for (uint32_t f = 0; f < c->vocab.systems.n && p->matrix != NULL; f++)
      if ((r->from >> f & 1) && (p->matrix[f] & r->to) != 0) return true;
  }
  return false;
}

static bool check_row(in_compile_t *c, uint32_t i) {
  const in_rule_t *r = &c->tenant_rules.at[i], *next = i + 1 < c->tenant_rules.n ? r + 1 : NULL;
  bool last = next == NULL || next->kind != IN_R_ROW || next->policy != r->policy || next->from != r->from || next->to != r->to;
  if (last && !is_rest(r)) {
    in_diag_at(c->diag, INTEROP_SYNTAX, r->place, "this matrix has no row for all the rest");
    in_diag_hint(c->diag, "end it with  *  *  VERDICT;");
    return false;
  }
  if (!has_general(c, r)) {
    in_diag_at(c->diag, INTEROP_SYNTAX, r->place, "no general policy has a matrix for this direction");
    in_diag_hint(c->diag, "a tenant's matrix makes a general one stricter");
    return false;
  }
  return true;
}

/* ---- the lists */

static bool put_tenant(in_compile_t *c, const ranked_t *r, uint32_t n, uint32_t *guards) {
  in_pi_overlay_t o = { in_overlay_hash(r->tenant), in_builder_str(&c->builder, r->tenant), c->lists.n, 0 };
  for (uint32_t i = 0; i < n; i++) {
    in_rule_t *rule = &c->tenant_rules.at[r[i].rule];
    bool ends = rule->kind == IN_R_ROW && (i + 1 == n || r[i + 1].policy != r[i].policy);
    if (!put_rule(c, rule, guards) || (ends && !put_mark(c, IN_LIST_NEXT))) return false;
  }
  if (!put_mark(c, IN_LIST_END)) return false;
  return in_vec_push(c->arena, &c->overlays, o) || (in_nomem(c), false);
}

static bool same_scope(const in_pi_rule_t *a, const in_pi_rule_t *b) {
  return a->ops == b->ops && a->kinds == b->kinds && a->from == b->from && a->to == b->to && a->crosses == b->crosses;
}

/* no more than these are kept apart: the rest is joined */
static void join_scope(in_pi_rule_t *all, const in_pi_rule_t *r) {
  all->ops |= r->ops;
  all->kinds |= r->kinds;
  all->from |= r->from;
  all->to |= r->to;
  all->crosses &= r->crosses;
}

/* what some tenant's denials, or rows, are about, each scope once; lists[end ...] are not looked at */
static bool put_scopes(in_compile_t *c, uint32_t end, bool rows, uint32_t unknown) {
  uint32_t first = c->lists.n;
  for (uint32_t i = 0; i < end; i++) {
    in_pi_rule_t r = c->lists.at[i];
    uint32_t k = first;
    if (r.op >= IN_LIST_NEXT || r.ops == UINT64_MAX || (r.op >= IN_LIST_ROW) != rows) continue;    /* MAX: of a cell */
    while (k < c->lists.n && !same_scope(&c->lists.at[k], &r)) k++;
    if (k < c->lists.n) continue;
    r.op = rows ? IN_LIST_ROW : IN_LIST_DENY;
    r.guard = IN_LEAF | (rows ? (uint32_t) IN_OUTCOME_TRUE : unknown);
    r.outcome = unknown;
    if (c->lists.n - first == MAX_SCOPES) join_scope(&c->lists.at[first], &r);
    else if (!put(c, &r)) return false;
  }
  return !rows || c->lists.n == first || put_mark(c, IN_LIST_NEXT);
}

/* where some tenant has rules, and the tenant is not known: of what is read only rows count */
static uint32_t put_unknown(in_compile_t *c) {
  uint32_t end = c->lists.n, u = in_mdd_undetermined(c, c->preds.at[c->tenant_pred].atom);
  if (u == IN_MDD_NONE || !put_scopes(c, end, false, u) || !put_scopes(c, end, true, u)) return IN_NIL;
  return put_mark(c, IN_LIST_END) ? end : IN_NIL;
}

/* overlays as they are in the image: the front record, then the table */
static interop_status_t make_table(in_compile_t *c, uint32_t unknown) {
  uint32_t n = c->overlays.n, slots = 2;
  in_pi_overlay_t *t;
  while (slots < n * 2) slots *= 2;
  t = in_arena_array(c->arena, (size_t) slots + 1, sizeof(*t));
  if (t == NULL) return in_nomem(c);
  t[0].id = in_builder_str(&c->builder, IN_SPAN(""));
  t[0].list = unknown;
  t[0].slot = c->preds.at[c->tenant_pred].slot;
  for (uint32_t i = 1; i <= slots; i++) {
    t[i].id = t[0].id;
    t[i].list = IN_NIL;
  }
  for (uint32_t i = 0; i < n; i++) {
    uint32_t h = (uint32_t) c->overlays.at[i].key & (slots - 1);
    while (t[1 + h].list != IN_NIL) h = (h + 1) & (slots - 1);
    t[1 + h] = c->overlays.at[i];
  }
  c->overlays.at = t;
  c->overlays.n = c->overlays.size = slots + 1;
  return INTEROP_OK;
}

interop_status_t in_overlays_make(in_compile_t *c) {
  uint32_t n = c->tenant_rules.n, unknown;
  ranked_t *r = in_arena_array(c->arena, n, sizeof(*r));
  uint32_t *guards = in_arena_array(c->arena, n, sizeof(*guards));
  if (r == NULL || guards == NULL) return in_nomem(c);
  for (uint32_t i = 0; i < n; i++) {
    const in_rule_t *rule = &c->tenant_rules.at[i];
    r[i] = (ranked_t) { c->tenants.at[rule->policy].tenant, rule->kind == IN_R_DENY ? rule->reason : INT32_MAX, rule->policy, i };
    if (rule->kind == IN_R_ROW && !check_row(c, i)) return c->diag->status;
    /* in the order of the source: lines are counted on from the last */
    if (!in_rule_outcome(c, &c->tenant_rules.at[i])) return c->diag->status;
  }
  qsort(r, n, sizeof(*r), by_tenant);
  for (uint32_t i = 0, k; i < n; i = k) {
    for (k = i + 1; k < n && in_eq(r[k].tenant, r[i].tenant);) k++;
    if (!put_tenant(c, &r[i], k - i, guards)) return c->diag->status;
  }
  if (!check_guards(c, guards)) return c->diag->status;
  unknown = put_unknown(c);
  return unknown == IN_NIL ? c->diag->status : make_table(c, unknown);
}
