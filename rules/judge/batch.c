/*
** batch.c -- several requests in one: a judge for each, and one plan of theirs.
**
** Owns what an item's outcome means for the others and for the whole. How a
** batch is written is api/'s. Each item is judged as if it had come alone, in
** the order of the request; what one of them will change, the others do not see.
** Invariants: what is denied, dropped or waits for what is denied does not go
** on; an item is never a batch itself; nothing is decided twice, so that a judge
** that had to wait goes on with the item that it waited for.
*/
#include "judge.h"
#include "../api/batch.h"

/* what becomes of an item */
typedef enum { ITEM_NEW, ITEM_PASSES, ITEM_JUDGED } state_t;

typedef struct {
  state_t state;
  bool doomed;                    /* it waits for one that is denied */
  interop_judge_t *judge;
  interop_match_t match;
  interop_target_t target;
  interop_request_t request;
} item_t;

struct in_batch_judge_s {
  in_batch_t form;
  item_t *item;
  in_batch_send_t *send;
  uint32_t next, fetches;
  unsigned tags;                  /* of HTML in all items */
  bool waiting;                   /* the next item waits for a fact */
};

static const interop_plan_t *plan_of(const item_t *i) {
  return interop_judge_plan(i->judge);
}

static bool goes_on(const item_t *i) {
  return i->state == ITEM_PASSES || (!i->doomed && plan_of(i)->action == INTEROP_A_FORWARD);
}

static bool denied(const item_t *i) {
  return i->state != ITEM_PASSES && plan_of(i)->action == INTEROP_A_ANSWER && plan_of(i)->verdict == INTEROP_V_DENY;
}

/* does what waits for it wait in vain? */
static bool failed(const item_t *i) {
  if (i->doomed || i->state == ITEM_PASSES) return i->doomed;
  return plan_of(i)->action == INTEROP_A_STEPS || (plan_of(i)->action == INTEROP_A_ANSWER && plan_of(i)->status >= 400);
}

/* ---- one item */

static void fill_request(interop_judge_t *j, item_t *i, const in_bitem_t *b) {
  i->target.method = b->method;
  i->target.target = b->target;
  i->request = *j->request;
  i->request.content_type = b->content_type;
  i->request.content_encoding = b->content_encoding;
  i->request.body = b->body;
}

/* the answer of its own that an item gets for this reason */
static interop_status_t refuse(item_t *i, in_span_t reason, in_span_t text) {
  interop_judge_t *j = i->judge;
  const interop_effect_t *effects = j->plan.effects;
  size_t count = j->plan.effect_count;
  memset(&j->plan, 0, sizeof(j->plan));
  j->notices = 0;
  j->request = &i->request;
  j->written = false;
  i->state = ITEM_JUDGED;
  j->plan.effects = effects;
  j->plan.effect_count = count;
  return in_judge_refuse(j, reason, text);
}

/*
** No operation as it stands, but one if its url were read in another way; or under
** no guard, but then under one.
*/
static interop_status_t match_elsewhere(interop_judge_t *j, const item_t *i, const in_bitem_t *b, bool *guarded) {
  interop_target_t t = { b->method, b->elsewhere };
  in_match_t m;
  interop_status_t rc;
  *guarded = false;
  if (b->elsewhere.p == NULL) return INTEROP_OK;
  rc = in_api_match(&j->policy->img, j->api, &t, &j->arena, &m);
  *guarded = rc == INTEROP_OK && m.match != INTEROP_M_OUTSIDE
             && (i->match == INTEROP_M_OUTSIDE || m.match != INTEROP_M_REFUSED);
  return rc;
}

static interop_status_t begin_item(interop_judge_t *j, item_t *i, const in_bitem_t *b) {
  bool guarded;
  interop_status_t rc;
  fill_request(j, i, b);
  rc = interop_judge_new(j->policy, j->api, &i->target, &j->alloc, &i->judge, &i->match);
  if (rc != INTEROP_OK) return rc;
  i->judge->in_batch = true;
  i->judge->tags = &j->batch->tags;
  if (b->path_text.p != NULL) return refuse(i, IN_SPAN("malformed_path"), b->path_text);
  if (i->match == INTEROP_M_OUTSIDE || i->match == INTEROP_M_REFUSED) {
    rc = match_elsewhere(j, i, b, &guarded);
    if (rc == INTEROP_OK && guarded) return refuse(i, IN_SPAN("malformed_path"), IN_SPAN("the url leads elsewhere"));
    if (rc != INTEROP_OK || i->match == INTEROP_M_REFUSED) return rc;
    i->state = ITEM_PASSES;
    return rc;
  }
  if (i->match != INTEROP_M_REFUSED && b->body_text.p != NULL) return refuse(i, IN_SPAN("malformed_body"), b->body_text);
  return INTEROP_OK;
}

static interop_status_t run_item(interop_judge_t *j, item_t *i) {
  interop_status_t rc;
  while ((rc = interop_judge_run(i->judge, &i->request, &j->source)) == INTEROP_AGAIN) {
    if (j->batch->fetches < INTEROP_FETCHES_MAX) return j->batch->fetches++, INTEROP_AGAIN;
    rc = interop_judge_fetched(i->judge, 0, IN_NONE);      /* one too many: the fact stays missing */
    if (rc != INTEROP_OK) return rc;
  }
  if (rc == INTEROP_OK) i->state = ITEM_JUDGED;
  return rc == INTEROP_OK && plan_of(i)->retry_after ? INTEROP_UNAVAILABLE : rc;
}

static interop_status_t judge_items(interop_judge_t *j) {
  in_batch_judge_t *k = j->batch;
  for (; k->next < k->form.count; k->next++) {
    item_t *i = &k->item[k->next];
    interop_status_t rc = INTEROP_OK;
    if (i->judge == NULL) rc = begin_item(j, i, &k->form.item[k->next]);
    if (rc == INTEROP_OK && i->state == ITEM_NEW) rc = run_item(j, i);
    k->waiting = rc == INTEROP_AGAIN;
    if (rc != INTEROP_OK) return rc;
  }
  return INTEROP_OK;
}

/* ---- what waits for what */

static bool waits_for_doomed(const in_batch_judge_t *k, uint32_t at) {
  const in_bitem_t *b = &k->form.item[at];
  for (uint32_t n = 0; n < b->afters; n++)
    if (failed(&k->item[b->after[n]])) return true;
  return false;
}

static interop_status_t doom_items(in_batch_judge_t *k) {
  const in_span_t reason = in_image_str(k->form.img, k->form.form->failed);
  for (bool more = true; more; ) {
    more = false;
    for (uint32_t i = 0; i < k->form.count; i++) {
      if (k->item[i].doomed || !waits_for_doomed(k, i)) continue;
      k->item[i].doomed = more = true;
    }
  }
  for (uint32_t i = 0; i < k->form.count; i++) {
    interop_status_t rc = k->item[i].doomed ? refuse(&k->item[i], reason, IN_NONE) : INTEROP_OK;
    if (rc != INTEROP_OK) return rc;
  }
  return INTEROP_OK;
}

/* what an item waits for upstream: one that was dropped counts as done, once what it waited for is */
static interop_status_t find_after(in_batch_judge_t *k, uint32_t at, in_arena_t *arena) {
  in_batch_send_t *s = &k->send[at];
  bool seen[IN_BATCH_ITEMS] = { false };
  uint32_t *todo = in_arena_array(arena, k->form.count + 1, sizeof(*todo)), n = 0;
  s->after = in_arena_array(arena, k->form.count + 1, sizeof(*s->after));
  if (todo == NULL || s->after == NULL) return INTEROP_NOMEM;
  todo[n++] = at;
  while (n > 0) {
    const in_bitem_t *b = &k->form.item[todo[--n]];
    for (uint32_t i = 0; i < b->afters; i++) {
      uint32_t to = b->after[i];
      if (seen[to]) continue;
      seen[to] = true;
      if (goes_on(&k->item[to])) {
        s->after[s->afters++] = to;
      } else {
        s->after_changed = true;
        todo[n++] = to;
      }
    }
  }
  return INTEROP_OK;
}

/* ---- what goes on */

/* headers that upstream gets with it: what a fan-out must do, what a script sets */
static interop_status_t send_headers(const interop_plan_t *p, in_batch_send_t *s, in_arena_t *arena) {
  in_line_t *line;
  if (p->cross_header.p == NULL && p->recipients_header.p == NULL && p->header_count == 0) return INTEROP_OK;
  line = in_arena_array(arena, p->header_count + 2, sizeof(*line));
  if (line == NULL) return INTEROP_NOMEM;
  for (size_t i = 0; i < p->header_count; i++)
    line[s->sets++] = (in_line_t) { p->headers[i].first, p->headers[i].second };
  if (p->cross_header.p != NULL) line[s->sets++] = (in_line_t) { IN_SPAN("Interop-Cross"), p->cross_header };
  if (p->recipients_header.p != NULL) line[s->sets++] = (in_line_t) { IN_SPAN("Interop-Recipients"), p->recipients_header };
  s->set = line;
  return INTEROP_OK;
}

static interop_status_t send_item(const item_t *i, in_batch_send_t *s, in_arena_t *arena) {
  const interop_plan_t *p = plan_of(i);
  s->stays = !goes_on(i);
  if (s->stays || i->state == ITEM_PASSES) return INTEROP_OK;
  s->method = p->method;
  s->target = p->target;
  s->content_type = p->content_type;
  s->body = p->body;
  s->body_changed = p->body_changed;
  return send_headers(p, s, arena);
}

static interop_status_t write_batch(interop_judge_t *j, bool *refused) {
  in_batch_judge_t *k = j->batch;
  in_span_t body, type;
  bool changed;
  interop_status_t rc = INTEROP_OK;
  *refused = false;
  for (uint32_t i = 0; i < k->form.count && rc == INTEROP_OK; i++) {
    rc = send_item(&k->item[i], &k->send[i], &j->arena);
    if (rc == INTEROP_OK && k->form.item[i].afters > 0) rc = find_after(k, i, &j->arena);
  }
  if (rc == INTEROP_OK) rc = in_batch_write(&k->form, k->send, &body, &type, &changed);
  if (rc == INTEROP_FULL) {
    *refused = true;
    return in_judge_refuse(j, IN_SPAN("malformed_body"), IN_SPAN("what was made of it cannot be said in a batch"));
  }
  if (rc != INTEROP_OK) return rc;
  j->plan.action = INTEROP_A_FORWARD;
  j->plan.target = j->match.target;
  j->plan.body = body;
  j->plan.body_changed = changed;
  j->plan.content_type = type;
  return INTEROP_OK;
}

/* ---- the plan of the whole */

/* an item that speaks for the batch: the strictest that is not denied, else the first reason */
static bool speaks_before(const interop_judge_t *j, const item_t *a, const item_t *b) {
  const in_image_t *img = &j->policy->img;
  if (a->state == ITEM_PASSES || b->state == ITEM_PASSES) return b->state == ITEM_PASSES && !denied(a);
  if (denied(a) != denied(b)) return denied(b);
  if (!denied(a)) return plan_of(a)->verdict > plan_of(b)->verdict;
  return in_find_reason(img, plan_of(a)->reason) < in_find_reason(img, plan_of(b)->reason);
}

static const item_t *speaker(const interop_judge_t *j) {
  const in_batch_judge_t *k = j->batch;
  const item_t *best = &k->item[0];
  for (uint32_t i = 1; i < k->form.count; i++)
    if (speaks_before(j, &k->item[i], best)) best = &k->item[i];
  return best;
}

static interop_status_t gather_effects(interop_judge_t *j) {
  in_batch_judge_t *k = j->batch;
  interop_effect_t *all;
  size_t n = 0;
  for (uint32_t i = 0; i < k->form.count; i++) n += plan_of(&k->item[i])->effect_count;
  if (n == 0) return INTEROP_OK;
  all = in_arena_array(&j->arena, n, sizeof(*all));
  if (all == NULL) return INTEROP_NOMEM;
  j->plan.effects = all;
  for (uint32_t i = 0; i < k->form.count; i++) {
    const interop_plan_t *p = plan_of(&k->item[i]);
    if (p->effect_count > 0) memcpy(all + j->plan.effect_count, p->effects, p->effect_count * sizeof(*all));
    j->plan.effect_count += p->effect_count;
  }
  return INTEROP_OK;
}

static void take_notices(interop_judge_t *j) {
  for (uint32_t i = 0; i < j->batch->form.count; i++)
    j->notices |= j->batch->item[i].judge->notices;
}

static interop_status_t speak(interop_judge_t *j) {
  const interop_plan_t *p = plan_of(speaker(j));
  const in_image_t *img = &j->policy->img;
  j->plan.operation = INTEROP_OP_BATCH;
  j->plan.kind = INTEROP_K_OTHER;
  j->plan.system = p->system.p != NULL ? p->system : in_image_str(img, in_system(img, j->from)->name);
  for (uint32_t i = 0; i < j->batch->form.count && j->plan.sender.p == NULL; i++) {
    j->plan.sender = plan_of(&j->batch->item[i])->sender;
    j->plan.tenant = plan_of(&j->batch->item[i])->tenant;
  }
  if (j->plan.tenant.p == NULL) j->plan.tenant = j->request->tenant;
  j->plan.verdict = p->verdict;
  j->plan.reason = p->reason;
  j->plan.rule = p->rule;
  j->plan.message = p->message;
  take_notices(j);
  j->plan.verdict_header = in_judge_verdict_header(j);
  j->plan.notice_header = in_judge_notice_header(j);
  return j->arena.failed || j->plan.verdict_header.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

/* the edge's own answer to an item */
static void reply_ours(const item_t *i, in_reply_t *r) {
  const interop_plan_t *p = plan_of(i);
  r->ours = true;
  r->status = p->status;
  r->type = p->answer_type;
  r->body = p->answer_body;
  r->verdict = p->verdict_header;
  r->notice = p->notice_header;
  r->retry = p->retry.p != NULL ? p->retry : p->retry_after ? IN_SPAN("1") : IN_NONE;
  r->sign_in = p->sign_in;
}

static interop_status_t answer_all(interop_judge_t *j) {
  in_batch_judge_t *k = j->batch;
  in_reply_t *reply = in_arena_array(&j->arena, k->form.count, sizeof(*reply));
  interop_status_t rc;
  if (reply == NULL) return INTEROP_NOMEM;
  for (uint32_t i = 0; i < k->form.count; i++) reply_ours(&k->item[i], &reply[i]);
  rc = in_batch_reply(&k->form, NULL, reply, &j->plan.answer_type, &j->plan.answer_body);
  j->plan.action = INTEROP_A_ANSWER;
  j->plan.status = 200;
  return rc;
}

static interop_status_t make_plan(interop_judge_t *j) {
  in_batch_judge_t *k = j->batch;
  bool some = false, judged = false, refused = false;
  interop_status_t rc = doom_items(k);
  for (uint32_t i = 0; i < k->form.count && rc == INTEROP_OK; i++) {
    some |= goes_on(&k->item[i]);
    judged |= k->item[i].state != ITEM_PASSES;
    j->plan.reads_answer |= goes_on(&k->item[i]) && k->item[i].state != ITEM_PASSES && plan_of(&k->item[i])->reads_answer;
  }
  if (rc == INTEROP_OK && in_judge_batch_steps(j) != NULL) {
    j->plan.action = INTEROP_A_STEPS;
    return speak(j);
  }
  if (rc == INTEROP_OK) rc = some ? write_batch(j, &refused) : answer_all(j);
  if (rc != INTEROP_OK || refused) return rc;
  j->plan.wants_answer = j->plan.wants_answer_body = some && judged;
  rc = speak(j);
  return rc == INTEROP_OK ? gather_effects(j) : rc;
}

/* the item whose requests are to be made next; NULL: none has any, or all are made */
interop_judge_t *in_judge_batch_steps(const interop_judge_t *j) {
  const in_batch_judge_t *k = j->batch;
  for (uint32_t i = 0; k != NULL && i < k->form.count; i++)
    if (k->item[i].state == ITEM_JUDGED && plan_of(&k->item[i])->action == INTEROP_A_STEPS) return k->item[i].judge;
  return NULL;
}

interop_status_t in_judge_batch_stepped(interop_judge_t *j) {
  memset(&j->plan, 0, sizeof(j->plan));
  return make_plan(j);
}

/* ---- the steps */

static interop_status_t begin(interop_judge_t *j) {
  in_batch_judge_t *k = in_arena_get(&j->arena, sizeof(*k));
  interop_status_t rc;
  if (k == NULL) return INTEROP_NOMEM;
  rc = in_batch_read(&j->policy->img, &j->match, j->event.op_index, j->request, &j->arena, &k->form);
  if (rc != INTEROP_OK) return rc;
  j->event.refusal = k->form.refusal;
  j->event.refusal_text = k->form.refusal_text;
  if (k->form.refusal.p != NULL) return INTEROP_OK;
  k->item = in_arena_array(&j->arena, k->form.count, sizeof(*k->item));
  k->send = in_arena_array(&j->arena, k->form.count, sizeof(*k->send));
  if (k->item == NULL || k->send == NULL) return INTEROP_NOMEM;
  j->batch = k;
  return INTEROP_OK;
}

interop_status_t in_judge_batch(interop_judge_t *j) {
  interop_status_t rc;
  if (j->in_batch) return in_judge_refuse(j, IN_SPAN("malformed_body"), IN_SPAN("a batch holds no other batch"));
  if (j->batch == NULL && (rc = begin(j)) != INTEROP_OK) return rc;
  if (j->batch == NULL) return in_judge_refuse(j, j->event.refusal, j->event.refusal_text);
  rc = judge_items(j);
  if (rc == INTEROP_AGAIN) j->fetching = true;
  return rc == INTEROP_OK ? make_plan(j) : rc;
}

void in_judge_batch_free(interop_judge_t *j) {
  for (uint32_t i = 0; j->batch != NULL && i < j->batch->form.count; i++) interop_judge_free(j->batch->item[i].judge);
}

interop_judge_t *in_judge_batch_waits(const interop_judge_t *j) {
  const in_batch_judge_t *k = j->batch;
  return k != NULL && k->waiting ? k->item[k->next].judge : NULL;
}

bool in_judge_batch_item(const interop_judge_t *j, size_t i, interop_judge_t **item) {
  const in_batch_judge_t *k = j->batch;
  if (k == NULL || i >= k->form.count) return false;
  *item = k->item[i].state == ITEM_JUDGED ? k->item[i].judge : NULL;
  return true;
}

const interop_plan_t *interop_judge_item(const interop_judge_t *j, size_t i) {
  const in_batch_judge_t *k = j->batch;
  return k != NULL && i < k->form.count && k->item[i].judge != NULL ? plan_of(&k->item[i]) : NULL;
}

/* ---- upstream's answer */

/* has what a dropped item waited for come to nothing? */
static bool came_to_nothing(const in_batch_judge_t *k, const in_batch_answer_t *a, uint32_t at) {
  const in_batch_send_t *s = &k->send[at];
  for (uint32_t i = 0; i < s->afters; i++) {
    const in_theirs_t *t = &a->theirs[s->after[i]];
    if (!t->there || t->status < 200 || t->status > 399) return true;
  }
  return false;
}

static interop_status_t reply_theirs(item_t *i, const in_theirs_t *t, in_reply_t *r, interop_answer_t *answer) {
  interop_status_t rc;
  if (i->state == ITEM_PASSES) return INTEROP_OK;
  r->verdict = plan_of(i)->verdict_header;
  r->notice = plan_of(i)->notice_header;
  r->recipients = plan_of(i)->recipients_header;
  if (!plan_of(i)->wants_answer) return INTEROP_OK;
  interop_judge_location(i->judge, t->location);
  rc = interop_judge_answer(i->judge, t->status, t->body, answer);
  if (rc != INTEROP_OK) return rc;
  r->verdict = plan_of(i)->verdict_header;        /* what was read may have changed them */
  r->notice = plan_of(i)->notice_header;
  r->type = answer->content_type;
  r->status = answer->status;
  r->body_changed = answer->body_changed;
  r->body = answer->body;
  return INTEROP_OK;
}

/* an item that upstream says nothing of: refused or dropped here, or upstream kept silent */
static interop_status_t reply_silent(in_batch_judge_t *k, const in_batch_answer_t *a, uint32_t at, in_reply_t *r) {
  const in_ai_batch_t *form = k->form.form;
  item_t *i = &k->item[at];
  interop_status_t rc = INTEROP_OK;
  if (!k->send[at].stays) rc = refuse(i, in_image_str(k->form.img, form->silent), IN_NONE);
  else if (!failed(i) && came_to_nothing(k, a, at)) rc = refuse(i, in_image_str(k->form.img, form->failed), IN_NONE);
  reply_ours(i, r);
  return rc;
}

static interop_status_t reply_all(interop_judge_t *j, const in_batch_answer_t *a, in_reply_t *reply, interop_answer_t *each) {
  in_batch_judge_t *k = j->batch;
  interop_status_t rc = INTEROP_OK;
  for (uint32_t i = 0; i < k->form.count && rc == INTEROP_OK; i++)
    if (a->theirs[i].there) rc = reply_theirs(&k->item[i], &a->theirs[i], &reply[i], &each[i]);
  if (rc == INTEROP_OK) rc = speak(j);    /* what was read may have changed a verdict, what failed does not */
  for (uint32_t i = 0; i < k->form.count && rc == INTEROP_OK; i++)
    if (!a->theirs[i].there) rc = reply_silent(k, a, i, &reply[i]);
  return rc;
}

static interop_status_t keep_effects(interop_judge_t *j, const interop_answer_t *a, uint32_t count, interop_answer_t *answer) {
  interop_effect_t *all;
  size_t n = 0;
  for (uint32_t i = 0; i < count; i++) n += a[i].effect_count;
  if (n == 0) return INTEROP_OK;
  all = in_arena_array(&j->arena, n, sizeof(*all));
  if (all == NULL) return INTEROP_NOMEM;
  answer->effects = all;
  for (uint32_t i = 0; i < count; i++) {
    if (a[i].effect_count > 0) memcpy(all + answer->effect_count, a[i].effects, a[i].effect_count * sizeof(*all));
    answer->effect_count += a[i].effect_count;
  }
  return INTEROP_OK;
}

/* an answer that cannot be read is handed on, where none of it would be ours */
static bool nothing_of_ours(const in_batch_judge_t *k, const in_batch_answer_t *a) {
  for (uint32_t i = 0; i < k->form.count; i++)
    if (!goes_on(&k->item[i]) || (k->item[i].state != ITEM_PASSES && plan_of(&k->item[i])->reads_answer)) return false;
  return !a->read;
}

interop_status_t in_judge_batch_answer(interop_judge_t *j, unsigned status, in_span_t body, interop_answer_t *answer) {
  in_batch_judge_t *k = j->batch;
  in_batch_answer_t a;
  in_reply_t *reply;
  interop_answer_t *each;
  interop_status_t rc;
  if (status < 200 || status > 299 || j->plan.action != INTEROP_A_FORWARD) return INTEROP_OK;
  rc = in_batch_answers(&k->form, k->send, body, &a);
  if (rc != INTEROP_OK || nothing_of_ours(k, &a)) return rc;
  reply = in_arena_array(&j->arena, k->form.count, sizeof(*reply));
  each = in_arena_array(&j->arena, k->form.count, sizeof(*each));
  if (reply == NULL || each == NULL) return INTEROP_NOMEM;
  rc = reply_all(j, &a, reply, each);
  if (rc == INTEROP_OK) rc = in_batch_reply(&k->form, &a, reply, &answer->content_type, &answer->body);
  if (rc == INTEROP_OK) rc = keep_effects(j, each, k->form.count, answer);
  answer->body_changed = 1;
  return j->arena.failed ? INTEROP_NOMEM : rc;
}
