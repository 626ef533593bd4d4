/*
** decide.c -- a verdict per recipient, and the one that holds for the request.
**
** A certain denial stands before one that is undetermined, and among denials
** the reason declared first; else the strictest verdict holds. Decisions are
** kept per recipient, so that a walk that had to wait goes on where it was.
*/
#include "judge.h"

static const in_pi_outcome_t *outcome(const interop_judge_t *j, const in_recipient_t *r) {
  return in_outcome(&j->policy->img, r->outcome);
}

void in_judge_notice(interop_judge_t *j, uint32_t notice) {
  if (notice < 64) j->notices |= (uint64_t) 1 << notice;
}

bool in_judge_noticed(const interop_judge_t *j, uint32_t notice) {
  return notice < 64 && (j->notices >> notice & 1);
}

static void set_text(in_facts_t *f, uint32_t fact, in_span_t text) {
  f->request[fact].known = text.p != NULL;
  f->request[fact].text = text;
}

/* is the recipient's tenant another than the sender's? */
static in_value_t federated(const in_row_t *sender, const in_row_t *recipient) {
  in_span_t a = sender != NULL ? sender->tenant : IN_NONE, b = recipient != NULL ? recipient->tenant : IN_NONE;
  in_value_t v;
  memset(&v, 0, sizeof(v));
  v.known = a.p != NULL && b.p != NULL;
  v.number = v.known && !in_eq_nocase(a, b);
  return v;
}

void in_judge_take(interop_judge_t *j, const in_recipient_t *r) {
  in_facts_t *f = &j->facts;
  if (j->taken == r) return;
  j->taken = r;
  in_facts_recipient(f);
  in_facts_set(f, IN_SUB_RECIPIENT, r->row);
  in_facts_reads(f, r->to);
  f->request[IN_RF_FEDERATED] = federated(in_facts_row(f, IN_SUB_SENDER), r->row);
  set_text(f, IN_RF_NAMED, in_judge_named(r));
  set_text(f, IN_RF_RECIPIENT_ID, in_judge_id(r));
}

/* notices that the rules give for this recipient, whose facts are taken */
static interop_status_t take_notices(interop_judge_t *j, const in_recipient_t *r) {
  const in_pi_notice_t *n = in_table(&j->policy->img, NOTICES, in_pi_notice_t);
  const in_where_t *w = j->policy->notice_where;
  for (uint64_t s = j->policy->guarded_notices & in_where_sent(&j->facts, w) & w->to[r->to]; s != 0; s &= s - 1)
    if (in_guard_holds(&j->facts, n[__builtin_ctzll(s)].guard)) j->notices |= s & -s;
  return j->facts.status;
}

/* does a hold before b? */
static bool stricter(const in_pi_outcome_t *a, const in_pi_outcome_t *b) {
  bool da = a->kind == IN_OUT_DECISION && a->verdict == INTEROP_V_DENY;
  bool db = b->kind == IN_OUT_DECISION && b->verdict == INTEROP_V_DENY;
  if (da && db) return a->reason < b->reason;
  if (da != db) return da;
  if (a->kind != b->kind) return a->kind == IN_OUT_UNDETERMINED;
  return a->verdict > b->verdict;
}

/* the verdict of the next one; IN_NIL: facts.status tells why there is none yet */
static uint32_t decide_one(interop_judge_t *j, in_recipient_t *r) {
  in_list_event_t event = { (uint32_t) j->event.operation, (uint32_t) j->event.kind, j->from, r->to };
  uint32_t o;
  in_judge_take(j, r);
  o = in_decide_event(&j->facts, &event);
  return o == IN_NIL || take_notices(j, r) != INTEROP_OK ? IN_NIL : o;
}

/*
** Of those whom nobody knows all facts are alike but their names. Where nobody
** asked for these, what holds for one holds for all: `nobody` is that one.
*/
interop_status_t in_judge_decide(interop_judge_t *j) {
  const in_recipient_t *nobody = NULL;
  for (; j->next < j->recipient_count; j->next++) {
    in_recipient_t *r = &j->recipients[j->next];
    uint32_t o;
    if (nobody != NULL && r->row == NULL && r->to == nobody->to) {
      r->outcome = nobody->outcome;
      continue;
    }
    if (in_judge_alike_decided(j, r)) continue;
    o = decide_one(j, r);
    if (o == IN_NIL) return j->facts.status;
    r->outcome = o;
    in_judge_alike_decide(j, r);
    if (j->next == 0 || stricter(outcome(j, r), outcome(j, &j->recipients[j->final]))) j->final = j->next;
    if (r->row == NULL && !in_facts_asked_names(&j->facts)) nobody = r;
  }
  return INTEROP_OK;
}

bool in_judge_crosses(const interop_judge_t *j) {
  for (uint32_t i = 0; i < j->recipient_count; i++)
    if (j->recipients[i].to != j->from) return true;
  return false;
}
