/*
** recipients.c -- who is addressed, and in which system each of them reads.
**
** Whom a request names (participants added, members of a new conversation,
** targets of a call) are its recipients; else all participants of the
** conversation but the sender; where there is neither, the request stays with
** the sender, in their own system. A conversation that nobody knows has one
** recipient of whom nothing is known: such a request is never passed.
** The system in which a recipient reads: `reads_on`, else the only system they
** are registered on, else it is not known (behaviour.md, section 0).
*/
#include "judge.h"

static uint32_t systems(const interop_judge_t *j) {
  return j->policy->img.count[IN_S_SYSTEMS];
}

static uint32_t reading_system(const interop_judge_t *j, in_span_t record) {
  interop_value_t v;
  in_span_t name = in_facts_text(record, "reads_on"), item, second;
  size_t at = 0;
  uint32_t sys;
  if (name.p == NULL) {
    if (record.p == NULL || interop_record_get(record, IN_SPAN("systems"), &v) != INTEROP_OK
        || v.type != INTEROP_T_LIST || v.count != 1 || !interop_value_item(&v, &at, &item, &second)) return systems(j);
    name = item;
  }
  sys = in_find_system(&j->policy->img, name);
  return sys == IN_NIL ? systems(j) : sys;
}

static interop_status_t add(interop_judge_t *j, in_span_t named) {
  in_recipient_t *r = &j->recipients[j->recipient_count];
  in_span_t found, id;
  interop_status_t rc = j->facts.source->lookup(j->facts.source->ctx, INTEROP_R_USER, named, &found);
  memset(r, 0, sizeof(*r));
  r->named = r->id = named;
  r->to = systems(j);
  r->outcome = IN_NIL;
  if (rc == INTEROP_MISSING) {
    j->recipient_count++;
    return INTEROP_OK;
  }
  if (rc != INTEROP_OK) return rc;
  id = in_facts_text(found, "id");
  if (id.p != NULL && in_eq_nocase(id, j->sender_id)) return INTEROP_OK;        /* the sender is none */
  r->record = in_arena_copy(&j->arena, found);
  if (r->record.p == NULL) return INTEROP_NOMEM;
  id = in_facts_text(r->record, "id");
  if (id.p != NULL) r->id = id;
  r->to = reading_system(j, r->record);
  j->recipient_count++;
  return INTEROP_OK;
}

static interop_status_t make_room(interop_judge_t *j, size_t n) {
  j->recipient_count = 0;
  j->recipients = in_arena_array(&j->arena, n + 1, sizeof(*j->recipients));
  return j->recipients == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

static interop_status_t add_parties(interop_judge_t *j) {
  interop_status_t rc = make_room(j, j->event.party_count);
  for (uint32_t i = 0; i < j->event.party_count && rc == INTEROP_OK; i++)
    if (!in_eq_nocase(j->event.parties[i].id, j->request->sender)) rc = add(j, j->event.parties[i].id);
  return rc;
}

static interop_status_t add_participants(interop_judge_t *j, const interop_value_t *list) {
  in_span_t item, second;
  size_t at = 0;
  interop_status_t rc = make_room(j, list->count);
  while (rc == INTEROP_OK && interop_value_item(list, &at, &item, &second))
    if (!in_eq_nocase(item, j->sender_id)) rc = add(j, item);
  return rc;
}

/* the one recipient of whom nothing is known, or the sender */
static interop_status_t add_one(interop_judge_t *j, in_span_t id, in_span_t record, uint32_t to) {
  interop_status_t rc = make_room(j, 1);
  if (rc != INTEROP_OK) return rc;
  memset(&j->recipients[0], 0, sizeof(j->recipients[0]));
  j->recipients[0].id = j->recipients[0].named = id;
  j->recipients[0].record = record;
  j->recipients[0].to = to;
  j->recipients[0].outcome = IN_NIL;
  j->recipient_count = 1;
  return INTEROP_OK;
}

static interop_status_t stays_with_sender(interop_judge_t *j) {
  return add_one(j, j->sender_id, in_facts_record(&j->facts, IN_SUB_SENDER), j->from);
}

interop_status_t in_judge_address(interop_judge_t *j) {
  in_span_t conversation = in_facts_record(&j->facts, IN_SUB_CONVERSATION);
  interop_value_t v;
  interop_status_t rc;
  if (j->facts.status != INTEROP_OK) return j->facts.status;
  if (j->event.party_count > 0) {
    rc = add_parties(j);
  } else if (j->event.conversation.p == NULL) {
    return stays_with_sender(j);
  } else if (conversation.p == NULL || interop_record_get(conversation, IN_SPAN("participants"), &v) != INTEROP_OK
             || v.type != INTEROP_T_LIST) {
    j->undetermined = IN_SPAN("conversation.participants");
    return add_one(j, IN_NONE, IN_NONE, systems(j));
  } else {
    rc = add_participants(j, &v);
  }
  return rc == INTEROP_OK && j->recipient_count == 0 ? stays_with_sender(j) : rc;
}
