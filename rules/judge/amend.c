/*
** amend.c -- what is set or cut beside the verdict, and who is refused alone.
**
** Owns which amendments hold for whom, and what they set in the request. An
** amendment goes with every verdict that forwards the request: what a matrix
** makes of the content takes nothing from it. Must not know what an answer looks
** like. Invariant: an amendment that cannot be told is a denial, unless its rule
** passes what is unknown.
*/
#include "judge.h"

/* ---- one rule */

bool in_amend_in_scope(const interop_judge_t *j, const in_pi_amend_t *a, uint32_t to) {
  if (a->crosses && j->from == to) return false;
  return (a->from >> j->from & 1) && (a->to >> to & 1);
}

/* its outcome; IN_NIL: facts.status tells why not */
static uint32_t outcome_of(interop_judge_t *j, const in_pi_amend_t *a) { return in_decide(&j->facts, a->guard); }

int in_amend_holds(interop_judge_t *j, const in_pi_amend_t *a) {
  uint32_t o = outcome_of(j, a);
  if (o == IN_NIL) return -1;
  if (in_outcome(&j->policy->img, o)->kind == IN_OUT_TRUE) return 1;
  return in_outcome(&j->policy->img, o)->kind == IN_OUT_UNDETERMINED && !a->unknown_passes ? -1 : 0;
}

static bool is_time(const in_image_t *img, uint32_t slot) {
  const in_pi_slot_t *s = in_slot(img, slot);
  if (s->subject == IN_SUB_REQUEST) return s->field == IN_RF_NOW || s->field == IN_RF_JOINED;
  return in_field(img, s->field)->type == IN_T_TIME;
}

in_span_t in_amend_value(interop_judge_t *j, const in_pi_amend_t *a, in_span_t now) {
  const in_image_t *img = &j->policy->img;
  in_span_t text = in_image_str(img, a->text);
  in_value_t v;
  char time[24];
  if (a->kind == IN_AMEND_TEXT) return text;
  if (a->kind == IN_AMEND_WITH) {
    if (now.p == NULL || in_ends(now, text)) return now;
    return in_arena_printf(&j->arena, "%.*s%.*s", (int) now.n, now.p, (int) text.n, text.p);
  }
  v = in_facts_value(&j->facts, a->slot);
  if (!v.known) return IN_NONE;
  if (!is_time(img, a->slot)) return v.text.n > 0 ? v.text : IN_NONE;
  in_time_format(v.number, time);
  return in_arena_copy(&j->arena, in_str(time));
}

/* ---- whom they hold for */

static bool is_denial(const in_pi_outcome_t *o) {
  return o->kind != IN_OUT_DECISION || o->verdict == INTEROP_V_DENY;
}

/* the request is denied, as the fact behind the rule is not known */
static interop_status_t cannot_tell(interop_judge_t *j, uint32_t k, uint32_t outcome, uint32_t slot) {
  const in_image_t *img = &j->policy->img;
  j->recipients[k].untold = slot & IN_NO_SLOT;
  for (uint32_t i = 0; outcome == IN_NIL && i < img->count[IN_S_OUTCOMES]; i++)
    if (in_outcome(img, i)->kind == IN_OUT_UNDETERMINED && in_outcome(img, i)->slot == IN_NIL) outcome = i;
  if (outcome == IN_NIL) return INTEROP_USAGE;
  j->recipients[k].outcome = outcome;
  j->final = k;
  return INTEROP_USAGE;
}

static interop_status_t keep(interop_judge_t *j, const in_pi_amend_t *a, uint32_t k, in_span_t value) {
  if (j->amendment_count == j->amendment_room) {
    uint32_t room = j->amendment_room == 0 ? 8 : j->amendment_room * 2;
    in_amendment_t *more = in_arena_array(&j->arena, room, sizeof(*more));
    if (more == NULL) return INTEROP_NOMEM;
    if (j->amendment_count > 0) memcpy(more, j->amendments, j->amendment_count * sizeof(*more));
    j->amendments = more;
    j->amendment_room = room;
  }
  j->amendments[j->amendment_count++] = (in_amendment_t) { a, k, value };
  return INTEROP_OK;
}

static interop_status_t take_cut(interop_judge_t *j, const in_pi_amend_t *a, uint32_t k) {
  in_value_t v = in_facts_value(&j->facts, a->slot);
  if (!v.known) return a->unknown_passes ? INTEROP_OK : cannot_tell(j, k, IN_NIL, a->slot);
  if (j->cut_rule == NULL ? v.number <= 0 : v.number <= j->cut) return INTEROP_OK;
  j->cut = v.number;
  j->cut_rule = a;
  return INTEROP_OK;
}

/* one rule for the recipient whose facts are taken */
static interop_status_t take_rule(interop_judge_t *j, const in_pi_amend_t *a, uint32_t k) {
  const in_image_t *img = &j->policy->img;
  in_span_t word = in_image_str(img, a->member), value;
  bool asked = a->kind != IN_AMEND_CUT && in_api_sets(&j->event, word);
  bool shown = a->kind != IN_AMEND_CUT && in_api_elements_set(img, &j->event, word);
  uint32_t o;
  if (a->kind != IN_AMEND_CUT && !asked && !shown) return INTEROP_OK;
  o = outcome_of(j, a);
  if (o == IN_NIL) return j->facts.status;
  if (in_outcome(img, o)->kind == IN_OUT_UNDETERMINED && !a->unknown_passes) return cannot_tell(j, k, o, IN_NO_SLOT);
  if (in_outcome(img, o)->kind != IN_OUT_TRUE) return INTEROP_OK;
  if (a->kind == IN_AMEND_CUT) return take_cut(j, a, k);
  if (!asked) return keep(j, a, k, IN_NONE);
  value = in_amend_value(j, a, IN_SPAN(""));
  if (j->arena.failed) return INTEROP_NOMEM;
  if (value.p == NULL && !a->unknown_passes) return cannot_tell(j, k, IN_NIL, a->slot);
  return value.p == NULL ? INTEROP_OK : keep(j, a, k, value);
}

static interop_status_t take_in_scope(interop_judge_t *j, const in_pi_amend_t *a, uint32_t k) {
  interop_status_t rc;
  if (!in_amend_in_scope(j, a, j->recipients[k].to)) return INTEROP_OK;
  rc = in_judge_own_for(j, &j->recipients[k], a->slot);
  if (rc != INTEROP_OK) return rc;
  in_judge_take(j, &j->recipients[k]);
  return take_rule(j, a, k);
}

/* the rules in their order, of 64 those that the event may meet */
static interop_status_t take_all(interop_judge_t *j, uint32_t k) {
  const in_image_t *img = &j->policy->img;
  const in_pi_amend_t *a = in_table(img, AMENDS, in_pi_amend_t);
  const in_where_t *w = j->policy->amend_where;
  uint32_t before = j->amendment_count;
  for (uint32_t at = 0; at < img->count[IN_S_AMENDS]; at += 64, w++)
    for (uint64_t s = in_where_sent(&j->facts, w) & w->to[j->recipients[k].to]; s != 0; s &= s - 1) {
      interop_status_t rc = take_in_scope(j, &a[at + (uint32_t) __builtin_ctzll(s)], k);
      if (rc == INTEROP_AGAIN) j->amendment_count = before;
      if (rc != INTEROP_OK) return rc;
    }
  return INTEROP_OK;
}

static bool concerned(const interop_judge_t *j) {
  uint64_t some = 0;
  for (size_t i = 0; i < IN_WHERES(j->policy->img.count[IN_S_AMENDS]); i++)
    some |= in_where_sent(&j->facts, &j->policy->amend_where[i]);
  return some != 0;
}

/* the list that holds where the tenant is not known speaks of all that some tenant's matrix is about */
bool in_judge_may_reduce(const interop_judge_t *j, uint32_t from) {
  const in_image_t *img = &j->policy->img;
  uint32_t n = img->count[IN_S_SYSTEMS];
  uint32_t tenants = img->count[IN_S_OVERLAYS] == 0 ? IN_NIL : in_overlay_find(img, IN_NONE);
  for (uint32_t kind = 0; kind < INTEROP_K_OTHER; kind++) {
    const in_list_event_t sent = { INTEROP_OP_MESSAGE_SEND, kind, from, j->from };
    uint32_t root = in_table(img, SHOWN, uint32_t)[in_shown(n, kind, from, j->from)];
    if (!(root & IN_LEAF) || (tenants != IN_NIL && in_list_has_row(img, tenants, &sent))) return true;
    if (in_outcome(img, root & ~IN_LEAF)->kind != IN_OUT_DECISION
        || in_outcome(img, root & ~IN_LEAF)->verdict != INTEROP_V_DELIVER) return true;
  }
  return false;
}

/* of a list of conversations it is not known who is in them */
static bool reads_any(const interop_judge_t *j) {
  uint32_t n = j->policy->img.count[IN_S_SYSTEMS];
  for (uint32_t i = 0; i < n; i++)
    if (i != j->from && in_judge_may_reduce(j, i)) return true;
  return false;
}

static bool reads_others(const interop_judge_t *j) {
  uint32_t n = j->policy->img.count[IN_S_SYSTEMS], seen = j->from;
  unsigned have = in_api_elements_have(&j->policy->img, &j->event);
  if (!(have & (IN_HAS_CONTENT | IN_HAS_WITHHELD))) return false;
  if ((have & IN_HAS_OWN) && j->event.conversation.p == NULL) return reads_any(j);
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    uint32_t to = j->recipients[i].to;
    if (to == seen || to >= n || to == j->from) continue;
    if (in_judge_may_reduce(j, to)) return true;
    seen = to;
  }
  return false;
}

interop_status_t in_judge_amend(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  if (is_denial(in_outcome(img, j->recipients[j->final].outcome))) return INTEROP_OK;
  j->reads = reads_others(j);
  if (!concerned(j)) return INTEROP_OK;
  for (; j->amend_next < j->recipient_count; j->amend_next++) {
    const in_recipient_t *r = &j->recipients[j->amend_next];
    interop_status_t rc = r->refused || in_judge_left_out(j, r) ? INTEROP_OK : take_all(j, j->amend_next);
    if (rc != INTEROP_OK) return rc == INTEROP_USAGE ? INTEROP_OK : rc;
  }
  return INTEROP_OK;
}

/* ---- some are refused, the others go on */

void in_judge_refuse_some(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  uint32_t left = 0, refused = 0, final = IN_NIL;
  if (!is_denial(in_outcome(img, j->recipients[j->final].outcome)) || !in_api_may_refuse(img, &j->event)) return;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    bool denied = is_denial(in_outcome(img, j->recipients[i].outcome));
    if (denied && j->recipients[i].party == IN_NIL) return;     /* it is not in the request's hand */
    refused += denied;
    left += !denied && j->recipients[i].party != IN_NIL;
  }
  if (left == 0) return;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    in_recipient_t *r = &j->recipients[i];
    r->refused = is_denial(in_outcome(img, r->outcome));
    if (!r->refused && (final == IN_NIL || in_outcome_stricter(img, r->outcome, j->recipients[final].outcome))) final = i;
  }
  j->final = final;
  j->refused = refused;
}

/* ---- the request */

/* the sender's name after all rules that speak of it; *rule: the first that does */
static in_span_t name_after(interop_judge_t *j, const in_pi_amend_t **rule) {
  in_span_t name = j->event.name.p == NULL ? IN_SPAN("") : j->event.name;
  *rule = NULL;
  for (uint32_t i = 0; i < j->amendment_count; i++) {
    const in_amendment_t *a = &j->amendments[i];
    if (a->value.p == NULL || !in_eq(in_image_str(&j->policy->img, a->rule->member), IN_SPAN("name"))) continue;
    if (*rule == NULL) *rule = a->rule;
    name = a->rule->kind == IN_AMEND_WITH ? in_amend_value(j, a->rule, name) : a->value;
  }
  return name;
}

/* in the order of the parties; *n: how many */
static in_member_set_t *gather_sets(interop_judge_t *j, size_t *n) {
  const in_image_t *img = &j->policy->img;
  in_member_set_t *s = in_arena_array(&j->arena, (size_t) j->amendment_count + j->refused + 1, sizeof(*s));
  const in_pi_amend_t *rule;
  in_span_t name = name_after(j, &rule);
  uint32_t at = 0;
  *n = 0;
  if (s == NULL || name.p == NULL) return NULL;
  for (uint32_t k = 0; k < j->recipient_count; k++) {
    if (j->recipients[k].refused) s[(*n)++] = (in_member_set_t) { IN_NONE, IN_NONE, j->recipients[k].party };
    for (; at < j->amendment_count && j->amendments[at].recipient == k; at++) {
      in_span_t word = in_image_str(img, j->amendments[at].rule->member);
      if (j->amendments[at].value.p == NULL || in_eq(word, IN_SPAN("name"))) continue;
      s[(*n)++] = (in_member_set_t) { word, j->amendments[at].value, j->recipients[k].party };
    }
  }
  if (rule != NULL && j->event.name_at.p != NULL) s[(*n)++] = (in_member_set_t) { IN_SPAN("name"), name, IN_NIL };
  return s;
}

/* the event to set in: the request's, or what the verdict made of it */
static interop_status_t event_now(interop_judge_t *j, in_event_t *ev) {
  interop_request_t q = *j->request;
  *ev = j->event;
  if (!j->plan.body_changed) return INTEROP_OK;
  q.body = j->plan.body;
  if (j->plan.content_type.p != NULL) q.content_type = j->plan.content_type;
  return in_api_read(&j->policy->img, &j->match, &q, &j->arena, NULL, ev);
}

/* refusals are told with the strictest of their reasons */
static void tell_refused(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  uint32_t worst = IN_NIL;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    uint32_t o = j->recipients[i].outcome;
    if (j->recipients[i].refused && (worst == IN_NIL || in_outcome_stricter(img, o, worst))) worst = o;
  }
  if (worst == IN_NIL) return;
  j->plan.rule = in_image_str(img, in_outcome(img, worst)->rule);
  j->plan.reason = in_outcome(img, worst)->reason == IN_NIL
                   ? IN_SPAN("undetermined") : in_image_str(img, in_reason(img, in_outcome(img, worst)->reason)->name);
}

static interop_status_t set_all(interop_judge_t *j) {
  in_member_set_t *sets;
  in_event_t ev;
  in_write_t w = { .changed = false };
  size_t n;
  interop_status_t rc;
  sets = gather_sets(j, &n);
  if (sets == NULL) return INTEROP_NOMEM;
  if (n == 0) return INTEROP_OK;
  rc = event_now(j, &ev);
  if (rc == INTEROP_OK) rc = in_api_set(&ev, sets, n, &j->arena, &w);
  if (rc != INTEROP_OK || !w.changed) return rc;
  j->plan.body = w.body;
  j->plan.body_changed = 1;
  if (w.content_type.p != NULL) j->plan.content_type = w.content_type;
  if (j->plan.verdict == INTEROP_V_DELIVER) {
    j->plan.verdict = INTEROP_V_AMEND;
    if (j->amendment_count > 0) j->plan.rule = in_image_str(&j->policy->img, j->amendments[0].rule->rule);
  }
  tell_refused(j);
  return INTEROP_OK;
}

interop_status_t in_judge_amend_request(interop_judge_t *j) {
  if ((j->amendment_count == 0 && j->refused == 0) || (j->written && j->write.make != IN_NIL)) return INTEROP_OK;
  return set_all(j);
}

/* ---- the answer */

bool in_judge_reads_answer(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  if (in_api_elements_have(img, &j->event) == 0) return j->refused > 0;
  if (j->cut_rule != NULL || j->reads || j->refused > 0) return true;
  for (uint32_t i = 0; i < j->amendment_count; i++)
    if (in_api_elements_set(img, &j->event, in_image_str(img, j->amendments[i].rule->member))) return true;
  return false;
}
