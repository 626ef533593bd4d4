/*
** judge.c -- the public calls; see interop.h for their contract.
**
** Owns the order of the steps. Invariant: a call that gave AGAIN can be made
** again with the same request and goes on where it was.
*/
#include "judge.h"
#include "../script/script.h"

/* bytes of its arena that come with the judge: most requests need no others */
#define ROOM  ((size_t) 8192)

interop_status_t interop_judge_new(const interop_policy_t *policy, int api,
                                   const interop_target_t *target, const interop_alloc_t *alloc,
                                   interop_judge_t **judge, interop_match_t *match) {
  interop_judge_t *j;
  interop_status_t rc;
  if (api < 0 || (uint32_t) api >= policy->img.count[IN_S_APIS]) return INTEROP_USAGE;
  j = alloc->resize(alloc->ctx, NULL, 0, sizeof(*j) + ROOM);
  if (j == NULL) return INTEROP_NOMEM;
  in_zero(j, offsetof(interop_judge_t, facts));
  j->policy = policy;
  j->alloc = *alloc;
  j->api = api;
  j->target = *target;
  j->from = in_table(&policy->img, APIS, in_ai_api_t)[api].system;
  in_arena_init(&j->arena, &j->alloc);
  in_arena_lend(&j->arena, j + 1, ROOM);
  rc = in_facts_init(&j->facts, policy, &j->arena);
  if (rc == INTEROP_OK) rc = in_api_match(&policy->img, api, target, &j->arena, &j->match);
  if (rc != INTEROP_OK) {
    interop_judge_free(j);
    return rc;
  }
  *match = j->match.match;
  *judge = j;
  return INTEROP_OK;
}

void interop_judge_free(interop_judge_t *j) {
  interop_alloc_t a;
  if (j == NULL) return;
  in_judge_batch_free(j);
  in_judge_shown_free(j);
  in_facts_free(&j->facts);
  a = j->alloc;
  in_arena_free(&j->arena);
  a.resize(a.ctx, j, sizeof(*j) + ROOM, 0);
}

/* ---- the facts that the request itself brings */

static void set_text(in_facts_t *f, uint32_t fact, in_span_t text) {
  f->request[fact].known = text.p != NULL;
  f->request[fact].text = text;
}

static void set_number(in_facts_t *f, uint32_t fact, int64_t number) {
  f->request[fact].known = true;
  f->request[fact].number = number;
}

void in_judge_request_facts(interop_judge_t *j) {
  in_facts_t *f = &j->facts;
  const interop_request_t *r = j->request;
  set_number(f, IN_RF_OPERATION, (int64_t) j->event.operation);
  set_number(f, IN_RF_KIND, (int64_t) j->event.kind);
  set_number(f, IN_RF_FROM, (int64_t) j->from);
  set_number(f, IN_RF_NOW, r->now);
  set_text(f, IN_RF_CARD, j->event.card);
  set_text(f, IN_RF_CLIENT_COUNTRY, r->client_country);
  /* a client that does not say what it is stands on no list */
  set_text(f, IN_RF_CLIENT_AGENT, r->client_agent.p != NULL ? r->client_agent : IN_SPAN(""));
  set_text(f, IN_RF_CLIENT_ASKS, r->asks.p != NULL ? r->asks : in_api_asks(&j->policy->img, &j->event));
  f->features = j->event.features.count;
  in_facts_event(f);
  f->conversation_type = j->event.conversation_type;
  f->key[IN_SUB_SENDER] = r->sender;
  f->key[IN_SUB_SENDER_TENANT] = r->tenant;
  f->key[IN_SUB_CONVERSATION] = j->event.conversation;
}

/* who takes part from the beginning has joined at the beginning of time; of who does
   not take part it is not known */
void in_judge_joined(interop_judge_t *j) {
  const in_row_t *row = in_facts_row(&j->facts, IN_SUB_CONVERSATION);
  in_span_t item, second;
  size_t at = 0;
  int64_t time = 0;
  j->facts.request[IN_RF_JOINED].known = false;
  if (row == NULL || row->participants.type != INTEROP_T_LIST) return;
  while (interop_value_item(&row->participants, &at, &item, &second)) {
    if (!in_eq_nocase(item, j->sender_id) && !in_eq_nocase(item, j->request->sender)) continue;
    if (second.p == NULL || in_time_parse(second, &time)) set_number(&j->facts, IN_RF_JOINED, time);
    return;
  }
}

/* ids as the store has them; the message's key needs the conversation's */
static interop_status_t name_subjects(interop_judge_t *j) {
  in_facts_t *f = &j->facts;
  const in_row_t *sender = in_facts_row(f, IN_SUB_SENDER), *conversation = in_facts_row(f, IN_SUB_CONVERSATION);
  j->sender_id = sender != NULL && sender->id.p != NULL ? sender->id : j->request->sender;
  j->conversation_id = conversation != NULL && conversation->id.p != NULL ? conversation->id : j->event.conversation;
  set_text(f, IN_RF_SENDER_ID, j->sender_id);
  if (j->policy->joined_ops >> j->event.operation & 1) in_judge_joined(j);
  if (j->event.message.p == NULL || j->conversation_id.p == NULL) return f->status;
  f->key[IN_SUB_MESSAGE] = in_arena_printf(&j->arena, "%.*s\n%.*s", (int) j->conversation_id.n, j->conversation_id.p,
                                           (int) j->event.message.n, j->event.message.p);
  return f->key[IN_SUB_MESSAGE].p == NULL ? INTEROP_NOMEM : f->status;
}

static interop_status_t read_event(interop_judge_t *j) {
  interop_status_t rc;
  if (j->read) return INTEROP_OK;
  rc = in_api_read(&j->policy->img, &j->match, j->request, &j->arena, j->tags, &j->event);
  if (rc != INTEROP_OK) return rc;
  in_judge_request_facts(j);
  j->read = true;
  return INTEROP_OK;
}

static interop_status_t begin_fetch(interop_judge_t *j) {
  j->facts.status = INTEROP_OK;
  j->fetch = in_api_fetch(&j->policy->img, &j->match, &j->event, &j->arena);
  if (j->fetch.method.p != NULL) {
    j->fetching = true;
    return INTEROP_AGAIN;
  }
  j->facts.fetched = true;                /* this API cannot be asked: the default holds */
  return INTEROP_OK;
}

static interop_status_t judge(interop_judge_t *j) {
  interop_status_t rc = read_event(j);
  if (rc != INTEROP_OK) return rc;
  if (j->event.refusal.p != NULL) return in_judge_refuse(j, j->event.refusal, j->event.refusal_text);
  if (j->event.operation == INTEROP_OP_BATCH) return in_judge_batch(j);
  if (!j->addressed) {
    rc = name_subjects(j);
    if (rc == INTEROP_OK) rc = in_judge_address(j);
    if (rc != INTEROP_OK) return rc;
    j->addressed = true;
  }
  if (j->original.known && !j->original_kept) {
    j->original_kept = true;
    rc = in_judge_keep_original(j);
    if (rc != INTEROP_OK) return rc;
  }
  for (;;) {
    rc = in_judge_decide(j);
    if (rc == INTEROP_OK && j->amend_next == 0) in_judge_refuse_some(j);
    if (rc == INTEROP_OK) in_judge_split(j);
    if (rc == INTEROP_OK) rc = in_script_ask(j);
    if (rc == INTEROP_OK) rc = in_judge_amend(j);
    if (rc == INTEROP_OK) rc = in_judge_part(j);
    if (rc == INTEROP_OK && in_judge_asks_who(j)) rc = INTEROP_AGAIN;
    if (rc != INTEROP_AGAIN) break;
    rc = begin_fetch(j);
    if (rc != INTEROP_OK) return rc;
  }
  return rc == INTEROP_OK ? in_judge_apply(j) : rc;
}

interop_status_t interop_judge_run(interop_judge_t *j, const interop_request_t *request,
                                   const interop_source_t *source) {
  interop_status_t rc;
  if (j->request != NULL) memset(&j->plan, 0, sizeof(j->plan));        /* it was run before */
  j->request = request;
  j->source = *source;            /* the caller's may be gone when an answer comes */
  in_facts_renew(&j->facts, &j->source);
  if (j->match.match == INTEROP_M_REFUSED) rc = in_judge_refuse(j, j->match.refusal, IN_NONE);
  else rc = judge(j);
  if (rc == INTEROP_UNAVAILABLE || rc == INTEROP_DAMAGED || rc == INTEROP_IO) {
    rc = in_judge_refuse(j, IN_SPAN("store_unavailable"), IN_NONE);
    j->plan.retry_after = 1;
  }
  in_facts_renew(&j->facts, &j->source);        /* the snapshot is the caller's again */
  return j->arena.failed ? INTEROP_NOMEM : rc;
}

void interop_judge_location(interop_judge_t *j, in_span_t location) {
  j->location = location;
}

interop_target_t interop_judge_fetch(const interop_judge_t *j) {
  const interop_judge_t *item = in_judge_batch_waits(j);
  return item != NULL ? item->fetch : j->fetch;
}

interop_status_t interop_judge_fetched(interop_judge_t *j, unsigned status, in_span_t body) {
  interop_judge_t *item = in_judge_batch_waits(j);
  interop_status_t rc;
  if (!j->fetching) return INTEROP_USAGE;
  j->fetching = false;
  if (item != NULL) return interop_judge_fetched(item, status, body);
  j->facts.fetched = true;
  if (status < 200 || status > 299) return INTEROP_OK;
  rc = in_api_original(&j->policy->img, &j->event, body, &j->arena, &j->original);
  return rc == INTEROP_NOMEM ? rc : INTEROP_OK;
}

const interop_plan_t *interop_judge_plan(const interop_judge_t *j) {
  return &j->plan;
}
