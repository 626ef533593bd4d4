/*
** reference.c -- see reference.h: the semantics as one would tell them.
**
**   1. A guard is true, false or unknown (Kleene). Of several unknown facts the
**      one that is read first names the unknown.
**   2. A matrix: the first row whose guard is true decides. A row whose guard is
**      unknown makes the matrix undetermined, unless the rows after it come to
**      the same effect; with `unknown deliver` it is passed over.
**   3. Of several policies' matrices the strictest verdict holds: a certain
**      denial, then undetermined, then the verdicts in their order.
**   4. Without a matrix: what stays in one system is native, what crosses has no
**      policy. Where the recipient reads must be known.
**   5. Denials, in the order of their reasons' declaration and then of the
**      source: the first that is true decides, certain before undetermined.
*/
#include "reference.h"

typedef struct {
  const in_compile_t *c;
  const in_ref_event_t *event;
  const in_ref_facts_t *facts;
} ref_t;

/* ---- 1. guards */

static in_ref_value_t value(in_ref_truth_t truth, uint32_t atom) {
  in_ref_value_t v = { truth, atom };
  return v;
}

static in_ref_value_t fixed_test(const ref_t *r, const in_expr_t *e) {
  const in_ref_event_t *ev = r->event;
  uint32_t v = e->fact == IN_RF_OPERATION ? ev->operation : e->fact == IN_RF_KIND ? ev->kind
               : e->fact == IN_RF_FROM ? ev->from : ev->to;
  if (e->fact == IN_RF_TO && v == r->c->vocab.systems.n) return value(IN_REF_UNKNOWN, IN_NIL);
  return value((e->values >> v & 1) ? IN_REF_TRUE : IN_REF_FALSE, 0);
}

static in_ref_value_t test(const ref_t *r, const in_pred_t *p) {
  uint8_t k = r->facts->class_of(r->facts->ctx, p->atom);
  if (k == IN_NOT_YET) return value(IN_REF_WAITS, p->atom);
  if (k == 0) return value(p->kind == IN_P_KNOWN ? IN_REF_FALSE : IN_REF_UNKNOWN, p->atom);
  return value((p->classes >> k & 1) ? IN_REF_TRUE : IN_REF_FALSE, 0);
}

static in_ref_value_t guard(const ref_t *r, const in_expr_t *e) {
  in_ref_value_t a, b;
  in_ref_truth_t ends;
  if (e == NULL || e->kind == IN_E_TRUE) return value(IN_REF_TRUE, 0);
  if (e->kind == IN_E_FALSE) return value(IN_REF_FALSE, 0);
  if (e->kind == IN_E_STATIC) return fixed_test(r, e);
  if (e->kind == IN_E_PRED) return test(r, &r->c->preds.at[e->pred]);
  a = guard(r, e->a);
  if (a.truth == IN_REF_WAITS) return a;
  if (e->kind == IN_E_NOT)
    return a.truth == IN_REF_UNKNOWN ? a : value(a.truth == IN_REF_TRUE ? IN_REF_FALSE : IN_REF_TRUE, 0);
  ends = e->kind == IN_E_AND ? IN_REF_FALSE : IN_REF_TRUE;
  if (a.truth == ends) return a;
  b = guard(r, e->b);
  if (b.truth == ends || b.truth == IN_REF_WAITS) return b;
  return a.truth == IN_REF_UNKNOWN ? a : b;
}

in_ref_value_t in_reference_guard(const in_compile_t *c, const in_expr_t *e, const in_ref_event_t *event,
                                  const in_ref_facts_t *facts) {
  ref_t r = { c, event, facts };
  return guard(&r, e);
}

/* ---- rules */

static in_ref_answer_t answer(in_ref_kind_t kind, uint32_t rule, uint32_t atom) {
  in_ref_answer_t a = { kind, rule, atom };
  return a;
}

static bool concerns(const ref_t *r, const in_rule_t *rule) {
  const in_ref_event_t *e = r->event;
  if (r->c->policies.at[rule->policy].between && e->from == e->to) return false;
  return (rule->ops >> e->operation & 1) && (rule->kinds >> e->kind & 1)
         && (rule->from >> e->from & 1) && (rule->to >> e->to & 1);
}

static bool denies(const ref_t *r, const in_ref_answer_t *a) {
  return a->kind == IN_REF_NO_POLICY
         || (a->kind == IN_REF_DECIDED && r->c->rules.at[a->rule].verdict == INTEROP_V_DENY);
}

static int reason_of(const ref_t *r, const in_ref_answer_t *a) {
  return a->kind == IN_REF_NO_POLICY ? in_vocab_reason(&r->c->vocab, IN_SPAN("no_policy")) : r->c->rules.at[a->rule].reason;
}

/* ---- 2. one policy's matrix, from row `first` on */

static bool same_effect(const ref_t *r, const in_ref_answer_t *a, uint32_t row) {
  const in_rule_t *x, *y = &r->c->rules.at[row];
  if (a->kind != IN_REF_DECIDED) return false;
  x = &r->c->rules.at[a->rule];
  return x->verdict == y->verdict && x->reason == y->reason && x->strip == y->strip && x->reduce == y->reduce
         && x->name_slot == y->name_slot && in_eq(x->name_suffix, y->name_suffix);
}

static in_ref_answer_t matrix(const ref_t *r, uint32_t policy, uint32_t first) {
  for (uint32_t i = first; i < r->c->rules.n; i++) {
    const in_rule_t *rule = &r->c->rules.at[i];
    in_ref_value_t g;
    in_ref_answer_t rest;
    if (rule->kind != IN_R_ROW || rule->policy != policy || !concerns(r, rule)) continue;
    g = guard(r, rule->when);
    if (g.truth == IN_REF_WAITS) return answer(IN_REF_NEEDS, 0, g.atom);
    if (g.truth == IN_REF_TRUE) return answer(IN_REF_DECIDED, i, 0);
    if (g.truth == IN_REF_FALSE || rule->unknown_passes) continue;
    rest = matrix(r, policy, i + 1);
    if (rest.kind == IN_REF_NEEDS || same_effect(r, &rest, i)) return rest;
    return answer(IN_REF_UNDETERMINED, 0, g.atom);
  }
  return answer(IN_REF_NO_POLICY, 0, 0);      /* not reached: matrices are total */
}

/* ---- 3. and 4. all policies */

static bool stricter(const ref_t *r, const in_ref_answer_t *a, const in_ref_answer_t *b) {
  if (denies(r, a) && denies(r, b)) return reason_of(r, a) < reason_of(r, b);
  if (denies(r, a) || denies(r, b)) return denies(r, a);
  if (a->kind == IN_REF_UNDETERMINED || b->kind == IN_REF_UNDETERMINED) return b->kind != IN_REF_UNDETERMINED;
  return r->c->rules.at[a->rule].verdict > r->c->rules.at[b->rule].verdict;
}

static in_ref_answer_t base(const ref_t *r) {
  const in_ref_event_t *e = r->event;
  in_ref_answer_t best = answer(e->from == e->to ? IN_REF_NATIVE : IN_REF_NO_POLICY, 0, 0);
  bool any = false;
  if (e->to == r->c->vocab.systems.n) return answer(IN_REF_UNDETERMINED, 0, IN_NIL);
  for (uint32_t p = 0; p < r->c->policies.n; p++) {
    in_ref_answer_t a;
    if (r->c->policies.at[p].matrix == NULL || !(r->c->policies.at[p].matrix[e->from] >> e->to & 1)) continue;
    a = matrix(r, p, 0);
    if (a.kind == IN_REF_NEEDS) return a;
    if (!any || stricter(r, &a, &best)) best = a;
    any = true;
  }
  return best;
}

/* ---- 5. denials */

/* the next denial behind `last` in the order of reasons, or IN_NIL */
static uint32_t next_denial(const ref_t *r, uint32_t last) {
  uint32_t best = IN_NIL;
  const in_rule_t *rules = r->c->rules.at;
  for (uint32_t i = 0; i < r->c->rules.n; i++) {
    if (rules[i].kind != IN_R_DENY || !concerns(r, &rules[i])) continue;
    if (last != IN_NIL && (rules[i].reason < rules[last].reason || (i <= last && rules[i].reason == rules[last].reason))) continue;
    if (best == IN_NIL || rules[i].reason < rules[best].reason) best = i;
  }
  return best;
}

/* may what the matrices say, or that there is none, be a denial whose reason stands before? */
static bool may_stand_before(const ref_t *r, int reason) {
  if (in_vocab_reason(&r->c->vocab, IN_SPAN("no_policy")) < reason) return true;
  for (uint32_t i = 0; i < r->c->rules.n; i++) {
    const in_rule_t *rule = &r->c->rules.at[i];
    if (rule->kind == IN_R_ROW && rule->verdict == INTEROP_V_DENY && rule->reason < reason && concerns(r, rule)) return true;
  }
  return false;
}

in_ref_answer_t in_reference(const in_compile_t *c, const in_ref_event_t *event, const in_ref_facts_t *facts) {
  ref_t r = { c, event, facts };
  bool unknown = false;
  in_ref_answer_t first = answer(IN_REF_UNDETERMINED, 0, 0), rest;
  for (uint32_t i = next_denial(&r, IN_NIL); i != IN_NIL; i = next_denial(&r, i)) {
    int reason = c->rules.at[i].reason;
    in_ref_value_t g = guard(&r, c->rules.at[i].when);
    if (g.truth == IN_REF_WAITS) return answer(IN_REF_NEEDS, 0, g.atom);
    if (g.truth == IN_REF_TRUE) {
      rest = may_stand_before(&r, reason) ? base(&r) : first;
      if (rest.kind == IN_REF_NEEDS) return rest;
      return denies(&r, &rest) && reason_of(&r, &rest) < reason ? rest : answer(IN_REF_DECIDED, i, 0);
    }
    if (g.truth == IN_REF_FALSE || c->rules.at[i].unknown_passes) continue;
    if (!unknown) first.atom = g.atom;
    unknown = true;
  }
  rest = base(&r);
  return unknown && rest.kind != IN_REF_NEEDS && !denies(&r, &rest) ? first : rest;
}
