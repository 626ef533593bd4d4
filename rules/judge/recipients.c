/*
** recipients.c -- who is addressed, and in which system each of them reads.
**
** Whom a request names (participants added, members of a new conversation,
** targets of a call) are its recipients, with them who is in the call that it
** is about; else all participants of the conversation, or of the call, but the
** sender; where there is neither, the request stays with
** the sender, in their own system. A conversation or call that nobody knows has one
** recipient of whom nothing is known: such a request is never passed.
** The system in which a recipient reads: what a policy's `reads` says; else
** `reads_on`, else the only system they are registered on, else it is not known
** (behaviour.md, section 0).
*/
#include "judge.h"
#include "../store/record.h"

static uint32_t systems(const interop_judge_t *j) {
  return j->policy->img.count[IN_S_SYSTEMS];
}

/* a reading that cannot be told leaves all that depends on it undetermined */
static bool untold(interop_judge_t *j, in_recipient_t *r, const in_pi_reading_t *g, const in_pi_outcome_t *o) {
  const in_image_t *img = &j->policy->img;
  if (o->kind != IN_OUT_UNDETERMINED || g->unknown_passes) return false;
  if (o->slot != IN_NIL) r->untold = in_atom(img, o->slot)->slot & IN_NO_SLOT;
  return true;
}

/* what one reading says; false: nothing, and the next one is asked */
static bool reading_says(interop_judge_t *j, in_recipient_t *r, const in_pi_reading_t *g) {
  uint32_t o;
  in_judge_take(j, r);
  o = in_decide(&j->facts, g->guard);
  if (o == IN_NIL) return false;
  if (in_outcome(&j->policy->img, o)->kind != IN_OUT_TRUE) return untold(j, r, g, in_outcome(&j->policy->img, o));
  r->to = g->to & 0x7f;
  return true;
}

/* where a policy says that they read; false: none says anything of them */
static bool policy_says(interop_judge_t *j, in_recipient_t *r) {
  const in_image_t *img = &j->policy->img;
  const in_pi_reading_t *g = in_table(img, READINGS, in_pi_reading_t);
  const in_where_t *w = j->policy->reading_where;
  bool fetched = j->facts.fetched, said = false;
  j->facts.fetched = true;        /* this is no reason to ask upstream */
  for (uint32_t at = 0; at < img->count[IN_S_READINGS]; at += 64, w++)
    for (uint64_t s = in_where_sent(&j->facts, w) & w->to[r->to]; s != 0 && !said && j->facts.status == INTEROP_OK; s &= s - 1)
      said = reading_says(j, r, &g[at + (uint32_t) __builtin_ctzll(s)]);
  j->facts.fetched = fetched;
  return said;
}

in_recipient_t in_judge_called(in_span_t named, uint32_t to) {
  return (in_recipient_t) { .name = named.p, .name_size = (uint32_t) named.n, .to = to & 0x7f, .untold = IN_NO_SLOT,
                            .outcome = IN_NIL, .party = IN_NIL };
}

static interop_status_t find(interop_judge_t *j, in_span_t named, in_row_t **row) {
  in_span_t record;
  interop_status_t rc;
  if (named.n > UINT32_MAX) return INTEROP_NOMEM;
  if (j->alike == NULL) return in_facts_find(&j->facts, INTEROP_R_USER, named, row);
  rc = in_facts_peek(&j->facts, INTEROP_R_USER, named, &record);
  if (rc != INTEROP_OK) return rc;
  *row = in_judge_alike_row(j, record);
  return *row == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

/* as in_judge_resolve; where a policy was asked, the facts are this recipient's afterwards */
static bool resolve(interop_judge_t *j, in_span_t named, in_recipient_t *r, interop_status_t *rc) {
  in_row_t *row;
  *r = in_judge_called(named, systems(j));
  j->taken = NULL;                /* whoever had this place before */
  *rc = find(j, named, &row);
  if (*rc == INTEROP_MISSING) {
    *rc = INTEROP_OK;
    return true;
  }
  if (*rc != INTEROP_OK) return true;
  r->row = row;
  if (row->id.p != NULL && in_eq_nocase(row->id, j->sender_id)) {
    r->to = j->from & 0x7f;
    return false;
  }
  if (in_judge_alike_reads(j, r)) return true;
  if (!policy_says(j, r)) r->to = row->reads & 0x7f;
  if (j->taken == r) in_facts_reads(&j->facts, r->to);
  *rc = j->facts.status;
  if (*rc == INTEROP_OK) in_judge_alike_read(j, r);
  return true;
}

bool in_judge_resolve(interop_judge_t *j, in_span_t named, in_recipient_t *r, interop_status_t *rc) {
  bool other = resolve(j, named, r, rc);
  j->taken = NULL;                /* *r need not stay */
  return other;
}

/* the sender is no recipient */
static interop_status_t add(interop_judge_t *j, in_span_t named, uint32_t party) {
  in_recipient_t *r = &j->recipients[j->recipient_count];
  interop_status_t rc;
  if (!resolve(j, named, r, &rc) || rc != INTEROP_OK) return rc;
  r->party = party;
  j->recipient_count++;
  return INTEROP_OK;
}

static interop_status_t make_room(interop_judge_t *j, size_t n) {
  size_t size;
  j->recipient_count = 0;
  if (!in_mul(n + 1, sizeof(*j->recipients), &size)) return INTEROP_NOMEM;
  j->recipients = in_arena_raw(&j->arena, size);
  return j->recipients == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

static bool is_there(const interop_judge_t *j, in_span_t id) {
  for (uint32_t i = 0; i < j->recipient_count; i++)
    if (in_eq_nocase(in_judge_id(&j->recipients[i]), id)) return true;
  return false;
}

/* those of a list of the store who are not among the recipients already */
static interop_status_t add_list(interop_judge_t *j, const interop_value_t *list, bool some) {
  in_span_t item, second;
  size_t at = 0;
  interop_status_t rc = INTEROP_OK;
  while (rc == INTEROP_OK && interop_value_item(list, &at, &item, &second))
    if (!in_eq_nocase(item, j->sender_id) && !(some && is_there(j, item))) rc = add(j, item, IN_NIL);
  return rc;
}

/* who takes part; NULL: it is not known */
static const interop_value_t *participants_of(interop_judge_t *j, in_subject_t subject) {
  const in_row_t *row = in_facts_row(&j->facts, subject);
  return row != NULL && row->participants.type == INTEROP_T_LIST ? &row->participants : NULL;
}

/* ---- where those read who take part already, for rules on who may join them, and on lists of them */

#define CROWD_MAX  256u                 /* of more people it is not told */

/* what was looked at while it was not known yet is looked at again */
static void forget_systems(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++) {
    const in_pi_slot_t *s = in_slot(img, in_atom(img, i)->slot);
    if (s->subject == IN_SUB_REQUEST && s->field == IN_RF_SYSTEMS) j->facts.class_[i] = IN_NOT_YET;
  }
}

static interop_status_t pack_systems(interop_judge_t *j, uint64_t mask) {
  in_value_t *v = &j->facts.request[IN_RF_SYSTEMS];
  in_buf_t b;
  in_buf_init(&b, &j->alloc);
  v->count = 0;
  for (uint32_t i = 0; i < systems(j); i++) {
    if ((mask >> i & 1) == 0) continue;
    in_pack_item(&b, in_image_str(&j->policy->img, in_system(&j->policy->img, i)->name), IN_NONE);
    v->count++;
  }
  v->text = b.failed ? IN_NONE : b.n == 0 ? IN_SPAN("") : in_arena_copy(&j->arena, in_buf_span(&b));
  in_buf_free(&b);
  v->known = v->text.p != NULL;
  return v->known ? INTEROP_OK : INTEROP_NOMEM;
}

/* unknown where it is of one of them */
static interop_status_t set_systems(interop_judge_t *j) {
  const interop_value_t *list = j->event.conversation.p != NULL ? participants_of(j, IN_SUB_CONVERSATION) : NULL;
  in_span_t item, second;
  uint64_t mask = 0;
  size_t at = 0;
  if (list == NULL || list->count > CROWD_MAX) return j->facts.status;
  while (interop_value_item(list, &at, &item, &second)) {
    in_recipient_t r;
    interop_status_t rc;
    bool other = in_judge_resolve(j, item, &r, &rc);
    if (rc != INTEROP_OK) return rc;
    if (other && r.to == systems(j)) return INTEROP_OK;
    if (other) mask |= (uint64_t) 1 << r.to;
  }
  forget_systems(j);
  return pack_systems(j, mask);
}

/* whom the request names, and with them who is in the call that it is about */
static interop_status_t add_parties(interop_judge_t *j) {
  const interop_value_t *call = participants_of(j, IN_SUB_CALL);
  interop_status_t rc = j->policy->asks_systems ? set_systems(j) : INTEROP_OK;
  if (rc == INTEROP_OK) rc = make_room(j, j->event.party_count + (call != NULL ? call->count : 0));
  if (rc == INTEROP_OK && !in_judge_alike_begin(j, j->event.party_count)) rc = INTEROP_NOMEM;
  for (uint32_t i = 0; i < j->event.party_count && rc == INTEROP_OK; i++)
    if (!in_eq_nocase(j->event.parties[i], j->request->sender)) rc = add(j, j->event.parties[i], i);
  return rc == INTEROP_OK && call != NULL ? add_list(j, call, true) : rc;
}

static interop_status_t add_participants(interop_judge_t *j, const interop_value_t *list) {
  interop_status_t rc = make_room(j, list->count);
  return rc == INTEROP_OK ? add_list(j, list, false) : rc;
}

/* the one recipient of whom nothing is known, or the sender */
static interop_status_t add_one(interop_judge_t *j, in_span_t id, in_row_t *row, uint32_t to) {
  interop_status_t rc = make_room(j, 1);
  if (rc != INTEROP_OK) return rc;
  j->recipients[0] = in_judge_called(id, to);
  j->recipients[0].row = row;
  j->recipient_count = 1;
  return INTEROP_OK;
}

static interop_status_t stays_with_sender(interop_judge_t *j) {
  return add_one(j, j->sender_id, in_facts_row(&j->facts, IN_SUB_SENDER), j->from);
}

/* nobody knows who takes part: nothing of it may pass */
static interop_status_t nobody_known(interop_judge_t *j, in_span_t fact) {
  j->undetermined = fact;
  return add_one(j, IN_NONE, NULL, systems(j));
}

static interop_status_t add_all(interop_judge_t *j) {
  const interop_value_t *v;
  bool listed = j->event.operation == INTEROP_OP_PARTICIPANT_LIST && j->policy->asks_systems;
  interop_status_t rc = listed ? set_systems(j) : INTEROP_OK;
  if (rc != INTEROP_OK) return rc;
  if (j->event.party_count > 0) return add_parties(j);
  if (j->event.conversation.p != NULL) {
    if ((v = participants_of(j, IN_SUB_CONVERSATION)) != NULL) return add_participants(j, v);
    return j->facts.status != INTEROP_OK ? j->facts.status : nobody_known(j, IN_SPAN("conversation.participants"));
  }
  if (j->event.call.p == NULL) return stays_with_sender(j);
  if ((v = participants_of(j, IN_SUB_CALL)) != NULL) return add_participants(j, v);
  return j->facts.status != INTEROP_OK ? j->facts.status : nobody_known(j, IN_SPAN("call.participants"));
}

interop_status_t in_judge_address(interop_judge_t *j) {
  interop_status_t rc;
  if (j->facts.status != INTEROP_OK) return j->facts.status;
  j->facts.key[IN_SUB_CALL] = j->event.call;
  j->facts.request[IN_RF_SENDER_NAMED].known = j->event.name_at.p != NULL;
  j->facts.request[IN_RF_SENDER_NAMED].text = j->event.name;
  rc = add_all(j);
  if (rc == INTEROP_OK && j->recipient_count == 0) rc = stays_with_sender(j);
  j->facts.request[IN_RF_RECIPIENTS].known = rc == INTEROP_OK;
  j->facts.request[IN_RF_RECIPIENTS].number = j->recipient_count;
  return rc;
}
