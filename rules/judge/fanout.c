/*
** fanout.c -- requests of which each system gets a verdict of its own
** (per_recipient).
**
** Upstream is told, system by system, what was decided, and delivers to no system
** that is denied or dropped. It gets one body: what the strictest of the verdicts
** that go on makes of the message, so that no system gets more than it may, even
** if upstream made no difference between them. Owns which systems those are; must
** not decide about any recipient. Where it cannot be split (somebody reads nobody
** knows where; a meeting takes its place; nobody would get it), the strictest
** verdict holds for all, as it does without per_recipient.
*/
#include "judge.h"

static const in_pi_outcome_t *outcome(const interop_judge_t *j, uint32_t recipient) {
  return in_outcome(&j->policy->img, j->recipients[recipient].outcome);
}

static bool is_asked_for(const interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  const in_pi_fanout_t *f = in_table(img, FANOUTS, in_pi_fanout_t);
  for (uint32_t i = 0; i < img->count[IN_S_FANOUTS]; i++)
    if (f[i].api == (uint32_t) j->api && (f[i].ops >> j->event.operation & 1)) return true;
  return false;
}

static bool before(const interop_judge_t *j, uint32_t a, uint32_t b) {
  return b == IN_NIL || in_outcome_stricter(&j->policy->img, j->recipients[a].outcome, j->recipients[b].outcome);
}

uint32_t in_judge_strictest(const interop_judge_t *j, uint32_t best[IN_SYSTEMS_ROOM]) {
  uint32_t n = j->policy->img.count[IN_S_SYSTEMS];
  for (uint32_t s = 0; s <= n; s++) best[s] = IN_NIL;
  for (uint32_t i = 0; i < j->recipient_count; i++)
    if (!j->recipients[i].refused && before(j, i, best[j->recipients[i].to])) best[j->recipients[i].to] = i;
  return n;
}

static bool goes_on(const in_pi_outcome_t *o) {
  return o->kind == IN_OUT_DECISION && o->verdict < INTEROP_V_DROP;
}

/* the strictest of those that go on becomes the request's; false: there is none */
static bool choose(interop_judge_t *j, const uint32_t *best, uint32_t n) {
  uint32_t final = IN_NIL;
  for (uint32_t s = 0; s < n; s++)
    if (best[s] != IN_NIL && !(j->left_out >> s & 1) && before(j, best[s], final)) final = best[s];
  if (final != IN_NIL) j->final = final;
  return final != IN_NIL;
}

void in_judge_split(interop_judge_t *j) {
  uint32_t best[IN_SYSTEMS_ROOM], n;
  j->per_system = false;
  j->left_out = j->formless = 0;
  if (!is_asked_for(j)) return;
  n = in_judge_strictest(j, best);
  if (best[n] != IN_NIL) return;
  for (uint32_t s = 0; s < n; s++) {
    if (best[s] == IN_NIL || goes_on(outcome(j, best[s]))) continue;
    if (outcome(j, best[s])->kind == IN_OUT_DECISION && outcome(j, best[s])->verdict == INTEROP_V_ESCALATE) {
      j->left_out = 0;
      return;
    }
    j->left_out |= (uint64_t) 1 << s;
  }
  j->per_system = choose(j, best, n);
}

bool in_judge_leave_out(interop_judge_t *j) {
  uint32_t best[IN_SYSTEMS_ROOM], n, verdict = outcome(j, j->final)->verdict;
  uint64_t before_it = j->left_out;
  if (!j->per_system || j->override.active) return false;
  n = in_judge_strictest(j, best);
  for (uint32_t s = 0; s < n; s++)
    if (best[s] != IN_NIL && !(before_it >> s & 1) && outcome(j, best[s])->verdict == verdict) j->left_out |= (uint64_t) 1 << s;
  j->formless |= j->left_out & ~before_it;
  if (choose(j, best, n)) return true;
  j->per_system = false;          /* nobody is left: it is denied to all */
  return false;
}

/* ---- what is told */

static in_span_t reason_of(interop_judge_t *j, const in_recipient_t *r, const in_pi_outcome_t *o) {
  const in_image_t *img = &j->policy->img;
  in_span_t fact;
  if (o->kind == IN_OUT_DECISION) return o->reason == IN_NIL ? IN_NONE : in_image_str(img, in_reason(img, o->reason)->name);
  fact = in_judge_unknown_fact(j, r, o);
  return in_arena_printf(&j->arena, "undetermined:%.*s", (int) fact.n, fact.p);
}

in_told_verdict_t in_judge_told(interop_judge_t *j, const in_recipient_t *r) {
  const in_pi_outcome_t *o = in_outcome(&j->policy->img, r->outcome);
  const in_override_t *x = &j->override;
  in_told_verdict_t t = { (interop_verdict_t) o->verdict, reason_of(j, r, o) };
  if (o->kind != IN_OUT_DECISION || (j->formless >> r->to & 1)) t.verdict = INTEROP_V_DENY;
  if (in_judge_left_out(j, r)) return t;
  if (x->active && (x->tightened ? x->outcome.verdict > o->verdict : x->outcome.verdict < o->verdict)) {
    t.verdict = (interop_verdict_t) x->outcome.verdict;
    t.reason = x->reason;
  }
  /* there was nothing in it that had to change */
  if (j->plan.verdict == INTEROP_V_DELIVER && !j->request->native && t.verdict > INTEROP_V_DELIVER)
    t = (in_told_verdict_t) { INTEROP_V_DELIVER, IN_NONE };
  return t;
}

interop_status_t in_judge_tell_systems(interop_judge_t *j) {
  uint32_t best[IN_SYSTEMS_ROOM], n = in_judge_strictest(j, best);
  for (uint32_t s = 0; s < n; s++) {
    if (best[s] == IN_NIL || !(j->left_out >> s & 1)) continue;
    in_judge_row_notices(j, outcome(j, best[s]));
    in_judge_own_notices(j, in_judge_told(j, &j->recipients[best[s]]).verdict);
  }
  j->plan.recipients_header = in_judge_recipients_header(j);
  return j->plan.recipients_header.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
}
