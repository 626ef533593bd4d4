/*
** escalate.c -- a meeting instead: the steps that it takes, and their failures.
**
** Owns the order: claim the action for this request, make the meeting, tell its
** link, answer. The record of the action stands where all workers see it: who
** finds it claimed waits, who finds a link within the window uses it again and
** tells only who was not told. Must not know how a step is made.
** Invariants: no link is told that upstream did not give; a meeting whose link
** could not be told is kept, and the next attempt tells it; whatever fails is
** answered, and the claim is given back.
*/
#include "escalate.h"
#include "../store/record.h"

#define LEASE      15000                /* milliseconds that a claim holds without being renewed */
#define LINK_MAX   2048u
#define TRIES      8

/* ---- the record that all workers see */

static void put_number(in_draft_t *d, const char *name, int64_t n) {
  in_field_t *f = in_draft_add(d, in_str(name));
  if (f == NULL) return;
  memset(&f->value, 0, sizeof(f->value));
  f->value.type = INTEROP_T_NUMBER;
  f->value.number = n;
}

static void put_text(in_draft_t *d, const char *name, in_span_t text) {
  in_field_t *f = text.p == NULL ? NULL : in_draft_add(d, in_str(name));
  if (f != NULL) f->value = in_value_text(text);
}

static bool put_told(in_draft_t *d, interop_judge_t *j, const in_escalating_t *e) {
  in_buf_t b;
  in_span_t items = IN_NONE;
  in_field_t *f = in_draft_add(d, IN_SPAN("told"));
  uint32_t n = 0;
  bool good;
  in_buf_init(&b, &j->alloc);
  for (uint32_t i = 0; i < e->targets; i++) {
    if (!e->target[i].told) continue;
    in_pack_item(&b, e->target[i].id, IN_NONE);
    n++;
  }
  if (n > 0 && !b.failed) items = in_arena_copy(&j->arena, in_buf_span(&b));
  good = !b.failed && (n == 0 || items.p != NULL) && f != NULL;
  in_buf_free(&b);
  if (good) f->value = in_value_list(items, n);
  return good;
}

/* until: clock at which the claim ends; 0: nobody's */
static bool pack(interop_judge_t *j, const in_escalating_t *e, int64_t until, in_span_t *record) {
  in_draft_t d;
  interop_alloc_t arena = in_arena_alloc(&j->arena);
  in_draft_init(&d, &j->arena);
  put_number(&d, "until", until);
  if (until != 0) put_text(&d, "owner", in_judge_request_id(j));
  if (e->link.p != NULL) {
    put_text(&d, "link", e->link);
    put_number(&d, "time", e->made);
    if (!put_told(&d, j, e)) return false;
  }
  return in_draft_pack(&d, &arena, record, NULL) == INTEROP_OK;
}

static int64_t number(in_span_t record, const char *name) {
  interop_value_t v;
  if (record.p == NULL || interop_record_get(record, in_str(name), &v) != INTEROP_OK || v.type != INTEROP_T_NUMBER) return 0;
  return v.number;
}

static bool was_told(in_span_t record, in_span_t id) {
  interop_value_t list;
  in_span_t item, second;
  size_t at = 0;
  if (interop_record_get(record, IN_SPAN("told"), &list) != INTEROP_OK || list.type != INTEROP_T_LIST) return false;
  while (interop_value_item(&list, &at, &item, &second))
    if (in_eq_nocase(item, id)) return true;
  return false;
}

/* a meeting that is there is used again within the window */
static bool take_over(interop_judge_t *j, in_escalating_t *e, in_span_t record) {
  in_span_t link = in_facts_text(record, "link");
  int64_t age = j->request->now - number(record, "time"), window = (int64_t) e->rule->window;
  e->link = IN_NONE;
  if (link.p == NULL || age > window || age < -window) return true;
  e->link = in_arena_copy(&j->arena, link);
  e->made = number(record, "time");
  for (uint32_t i = 0; i < e->targets; i++) e->target[i].told = was_told(record, e->target[i].id);
  return e->link.p != NULL;
}

/* what stands there becomes ours, or ours what it is now; false: it could not be kept */
static bool swap_mine(interop_judge_t *j, const interop_source_t *source, in_escalating_t *e, int64_t until) {
  in_span_t record, there;
  if (e->mine.p == NULL || source->swap == NULL || !pack(j, e, until, &record)) return false;
  if (source->swap(source->ctx, e->key, e->mine, record, &there) != INTEROP_OK) return false;
  e->mine = until == 0 ? IN_NONE : record;
  return true;
}

/* in a batch it is an item's */
static interop_judge_t *whose(interop_judge_t *j) {
  interop_judge_t *item = in_judge_batch_steps(j);
  return item != NULL ? item : j;
}

void interop_judge_renew(interop_judge_t *j, const interop_source_t *source, int64_t clock) {
  j = whose(j);
  if (j->escalating != NULL) (void) swap_mine(j, source, j->escalating, clock + LEASE);
}

void interop_judge_release(interop_judge_t *j, const interop_source_t *source) {
  j = whose(j);
  if (j->escalating != NULL) (void) swap_mine(j, source, j->escalating, 0);
}

/* ---- the end of it */

/* a text of the policy, with where to join and on which system */
static in_span_t filled(interop_judge_t *j, in_span_t text) {
  const in_image_t *img = &j->policy->img;
  in_subst_t s[2] = { { "link", j->escalating->link }, { "system", in_image_str(img, in_system(img, j->from)->title) } };
  return in_judge_expand(j, text, s, 2);
}

static interop_status_t finish(interop_judge_t *j, const interop_source_t *source) {
  in_escalating_t *e = j->escalating;
  if (source != NULL) interop_judge_release(j, source);
  e->state = IN_ESC_DONE;
  j->plan.action = INTEROP_A_ANSWER;
  return j->arena.failed ? INTEROP_NOMEM : INTEROP_OK;
}

static interop_status_t fail(interop_judge_t *j, const interop_source_t *source, uint32_t reason, unsigned status,
                             in_span_t detail) {
  in_escalating_t *e = j->escalating;
  interop_verdict_t verdict = e->state == IN_ESC_BEGIN ? INTEROP_V_DENY : INTEROP_V_ESCALATE;
  interop_status_t rc;
  j->notices = e->notices;
  j->plan.reason = in_image_str(&j->policy->img, in_reason(&j->policy->img, reason)->name);
  rc = in_judge_tell(j, verdict, reason, status, in_judge_message(j, reason, detail));
  return rc == INTEROP_OK ? finish(j, source) : rc;
}

/*
** Upstream's failure is the client's to know: it is handed on as it came. What
** upstream did not say itself is said in the API's form.
*/
static interop_status_t fail_as(interop_judge_t *j, const interop_source_t *source, uint32_t reason, unsigned status,
                                in_span_t type, in_span_t body) {
  unsigned own = status >= 400 && status <= 599 ? status : 0;
  in_span_t detail = status == 0 ? IN_SPAN("no answer") : in_arena_printf(&j->arena, "answered with %u", status);
  interop_status_t rc = fail(j, source, reason, own, detail);
  if (rc != INTEROP_OK || own == 0) return rc;
  j->plan.retry = j->escalating->retry;
  j->plan.sign_in = j->escalating->sign_in;
  if (body.n == 0) return rc;
  j->plan.answer_type = in_arena_copy(&j->arena, type);
  j->plan.answer_body = in_arena_copy(&j->arena, body);
  return j->plan.answer_body.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

/* the link stands in a header: one line of what can be seen */
static bool is_link(in_span_t s) {
  if (s.n > LINK_MAX || !(in_starts_nocase(s, IN_SPAN("https://")) || in_starts_nocase(s, IN_SPAN("http://")))) return false;
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] <= 0x20 || s.p[i] >= 0x7f) return false;
  return true;
}

static interop_status_t succeed(interop_judge_t *j, const interop_source_t *source) {
  in_escalating_t *e = j->escalating;
  in_span_t text = in_judge_message(j, e->outcome->reason, IN_NONE), message = filled(j, text);
  interop_status_t rc;
  if (in_eq(message, text)) message = in_arena_printf(&j->arena, "%.*s %.*s", (int) text.n, text.p, (int) e->link.n, e->link.p);
  if (message.p == NULL) return INTEROP_NOMEM;
  j->plan.meeting = e->link;
  rc = in_judge_tell(j, INTEROP_V_ESCALATE, e->outcome->reason, e->outcome->reason == IN_NIL ? 409 : 0, message);
  return rc == INTEROP_OK ? finish(j, source) : rc;
}

/* ---- the claim */

/* AGAIN: another request is at it; OK: ours, or all is done already */
static interop_status_t claim(interop_judge_t *j, const interop_source_t *source, int64_t clock) {
  in_escalating_t *e = j->escalating;
  in_span_t there = IN_NONE, record, old;
  interop_status_t rc = INTEROP_AGAIN;
  for (int i = 0; i < TRIES && rc == INTEROP_AGAIN && source->swap != NULL; i++) {
    old = there.p == NULL ? IN_NONE : in_arena_copy(&j->arena, there);
    if (!take_over(j, e, old)) return INTEROP_NOMEM;
    if (number(old, "until") > clock) return INTEROP_AGAIN;
    if (!pack(j, e, clock + LEASE, &record)) return INTEROP_NOMEM;
    rc = source->swap(source->ctx, e->key, old, record, &there);
    if (rc == INTEROP_OK) e->mine = record;
  }
  if (source->swap == NULL || rc == INTEROP_OK || rc == INTEROP_NOMEM) return source->swap == NULL ? INTEROP_OK : rc;
  return INTEROP_AGAIN;                 /* what cannot be claimed is not begun */
}

static uint32_t first_untold(const in_escalating_t *e) {
  uint32_t i = 0;
  while (i < e->targets && e->target[i].told) i++;
  return i;
}

static interop_status_t begin(interop_judge_t *j, const interop_source_t *source, int64_t clock) {
  in_escalating_t *e = j->escalating;
  interop_status_t rc = claim(j, source, clock);
  if (rc == INTEROP_AGAIN) {
    if (e->link.p != NULL && first_untold(e) == e->targets) return succeed(j, NULL);
    if (e->waits_since == 0) e->waits_since = clock;
    if (clock - e->waits_since < (int64_t) e->rule->wait * 1000) return INTEROP_AGAIN;
    rc = fail(j, NULL, e->rule->busy, 0, IN_NONE);
    j->plan.retry_after = 1;
    return rc;
  }
  if (rc == INTEROP_OK) e->state = e->link.p == NULL ? IN_ESC_MEETING : IN_ESC_LINK;
  return rc;
}

/* ---- the requests */

static interop_status_t make(interop_judge_t *j, uint32_t number_of_make, in_span_t conversation, const in_var_t *vars,
                             size_t count, interop_step_t *to) {
  in_step_t step = { number_of_make, j->event.op_index, j->target.target, conversation, vars, count };
  in_made_t made;
  interop_status_t rc = in_api_step(&j->policy->img, &step, &j->match, &j->arena, &made);
  if (rc != INTEROP_OK) return rc;
  to->method = made.method;
  to->target = made.target;
  to->content_type = made.content_type;
  to->body = made.body;
  return INTEROP_OK;
}

static interop_status_t meeting_step(interop_judge_t *j, interop_step_t *step) {
  in_escalating_t *e = j->escalating;
  in_var_t vars[1] = { { IN_SPAN("subject"), filled(j, in_image_str(&j->policy->img, e->rule->subject)) } };
  step->name = "meeting";
  step->system = in_image_str(&j->policy->img, in_system(&j->policy->img, j->from)->name);
  return make(j, e->make_meeting, e->target[0].name, vars, 1, step);
}

static interop_status_t link_step(interop_judge_t *j, interop_step_t *step) {
  in_escalating_t *e = j->escalating;
  const in_image_t *img = &j->policy->img;
  const in_target_t *t = &e->target[e->at];
  in_var_t vars[3] = {
    { IN_SPAN("text"), filled(j, e->text) }, { IN_SPAN("link"), e->link }, { IN_SPAN("conversation"), t->name },
  };
  if (vars[0].value.p == NULL) return INTEROP_NOMEM;
  step->name = "link";
  step->system = in_image_str(img, in_system(img, t->to < img->count[IN_S_SYSTEMS] ? t->to : j->from)->name);
  return make(j, e->make_link, t->name, vars, 3, step);
}

static interop_status_t own_step(interop_judge_t *j, const interop_source_t *source, int64_t clock, interop_step_t *step) {
  in_escalating_t *e = j->escalating;
  interop_status_t rc = INTEROP_OK;
  memset(step, 0, sizeof(*step));
  if (e == NULL || j->plan.action != INTEROP_A_STEPS) return INTEROP_MISSING;
  if (e->state == IN_ESC_BEGIN) rc = begin(j, source, clock);
  if (rc != INTEROP_OK) return rc;
  if (e->state == IN_ESC_MEETING) {
    rc = meeting_step(j, step);
    if (rc == INTEROP_FULL) rc = fail(j, source, e->rule->no_meeting, 0, IN_NONE);
  }
  if (e->state == IN_ESC_LINK) {
    e->at = first_untold(e);
    rc = e->at == e->targets ? succeed(j, source) : link_step(j, step);
    if (rc == INTEROP_FULL) rc = fail(j, source, e->rule->not_told, 0, IN_NONE);
  }
  if (rc != INTEROP_OK) return rc;
  return e->state == IN_ESC_DONE ? INTEROP_MISSING : j->arena.failed ? INTEROP_NOMEM : INTEROP_OK;
}

interop_status_t interop_judge_step(interop_judge_t *j, const interop_source_t *source, int64_t clock,
                                    interop_step_t *step) {
  interop_judge_t *item;
  interop_status_t rc;
  if (j->batch == NULL || j->plan.action != INTEROP_A_STEPS) return own_step(j, source, clock, step);
  while ((item = in_judge_batch_steps(j)) != NULL)
    if ((rc = own_step(item, source, clock, step)) != INTEROP_MISSING) return rc;
  rc = in_judge_batch_stepped(j);
  return rc == INTEROP_OK ? INTEROP_MISSING : rc;
}

/* ---- their answers */

static bool ok(unsigned status) { return status >= 200 && status <= 299; }

static interop_status_t meeting_made(interop_judge_t *j, const interop_source_t *source, int64_t clock, in_span_t body) {
  in_escalating_t *e = j->escalating;
  in_span_t link = IN_NONE;
  interop_status_t rc = body.n == 0 ? INTEROP_OK : in_api_pick(&j->policy->img, e->make_meeting, body, &j->arena, &link);
  if (rc != INTEROP_OK) return rc;
  if (!is_link(link)) return fail(j, source, e->rule->no_link, 0, IN_SPAN("no link in the answer"));
  e->link = in_arena_copy(&j->arena, link);
  if (e->link.p == NULL) return INTEROP_NOMEM;
  e->made = j->request->now;
  e->state = IN_ESC_LINK;
  (void) swap_mine(j, source, e, clock + LEASE);
  return INTEROP_OK;
}

/* what can stand in a header, and in a text */
static in_span_t header(interop_judge_t *j, in_span_t value) {
  for (size_t i = 0; i < value.n; i++)
    if (value.p[i] < 0x20 || value.p[i] > 0x7e) return IN_NONE;
  return value.n == 0 ? IN_NONE : in_arena_copy(&j->arena, value);
}

void interop_judge_step_headers(interop_judge_t *j, in_span_t retry, in_span_t sign_in) {
  in_escalating_t *e;
  j = whose(j);
  e = j->escalating;
  if (e == NULL) return;
  e->retry = header(j, retry);
  e->sign_in = header(j, sign_in);
}

interop_status_t interop_judge_stepped(interop_judge_t *j, const interop_source_t *source, int64_t clock, unsigned status,
                                       interop_span_t content_type, interop_span_t body) {
  in_escalating_t *e;
  j = whose(j);
  e = j->escalating;
  if (e == NULL || j->plan.action != INTEROP_A_STEPS || e->state == IN_ESC_BEGIN) return INTEROP_USAGE;
  if (e->state == IN_ESC_MEETING)
    return ok(status) ? meeting_made(j, source, clock, body) : fail_as(j, source, e->rule->no_meeting, status, content_type, body);
  if (!ok(status)) return fail_as(j, source, e->rule->not_told, status, content_type, body);
  e->target[e->at].told = true;
  (void) swap_mine(j, source, e, clock + LEASE);
  return INTEROP_OK;
}

/* ---- the beginning of it */

static const in_pi_escalation_t *rule_for(const interop_judge_t *j, uint32_t to) {
  const in_pi_escalation_t *e = in_table(&j->policy->img, ESCALATIONS, in_pi_escalation_t);
  for (uint32_t i = 0; i < j->policy->img.count[IN_S_ESCALATIONS]; i++)
    if (e[i].from == j->from && e[i].to == to) return &e[i];
  return NULL;
}

/* the same person, the same kind of action, the same conversation */
static in_span_t key_of(interop_judge_t *j, const in_escalating_t *e) {
  const char *op = interop_operation_name(j->event.operation);
  in_span_t id = e->target[0].id;
  return in_arena_printf(&j->arena, "%.*s\n%s\n%.*s", (int) id.n, id.p, op, (int) j->sender_id.n, j->sender_id.p);
}

/* the fact's text, where there is one that says where to join */
static in_span_t text_of(interop_judge_t *j, const in_pi_escalation_t *rule) {
  in_value_t v;
  memset(&v, 0, sizeof(v));
  if (rule->text_slot != IN_NIL) v = in_facts_value(&j->facts, rule->text_slot);
  if (v.known && v.text.n > 5 && memmem(v.text.p, v.text.n, "{link}", 6) != NULL) return v.text;
  return in_image_str(&j->policy->img, rule->text);
}

interop_status_t in_judge_escalate(interop_judge_t *j, const in_recipient_t *r, const in_pi_outcome_t *o) {
  const in_image_t *img = &j->policy->img;
  in_escalating_t *e = in_arena_get(&j->arena, sizeof(*e));
  const in_pi_escalation_t *rule = rule_for(j, r->to);
  interop_status_t rc;
  if (e == NULL) return INTEROP_NOMEM;
  memset(e, 0, sizeof(*e));
  if (rule == NULL) return in_judge_refuse(j, IN_SPAN("no_policy"), IN_NONE);
  j->escalating = e;
  e->rule = rule;
  e->outcome = o;
  e->notices = j->notices;
  in_judge_take(j, r);
  if (!in_api_escalates(img, j->api, &e->make_meeting, &e->make_link)) return fail(j, NULL, rule->no_meeting, 0, IN_NONE);
  rc = in_escalate_targets(j, e);
  if (rc == INTEROP_MISSING) return fail(j, NULL, rule->not_told, 0, IN_SPAN("no conversation is known"));
  if (rc != INTEROP_OK) return rc;
  e->key = key_of(j, e);
  e->text = text_of(j, rule);
  in_judge_row_notices(j, o);
  j->plan.action = INTEROP_A_STEPS;
  if (o->reason != IN_NIL) j->plan.message = in_image_str(img, in_reason(img, o->reason)->message);
  return e->key.p == NULL ? INTEROP_NOMEM : in_judge_headers(j);
}
