/*
** escalate_to.c -- where the link of a meeting is told.
**
** Owns the choice: the conversation that the request is about; for a call, the
** one it was made from, else the one that its two parties have with each other;
** and for whoever is to be added, the one they have with the sender, where it is
** known. A conversation has a name in each system: taken is one that the
** client's API understands. Must not know what is told.
*/
#include "escalate.h"
#include "../store/record.h"

#define NAMES_MAX  8u                   /* of a person, tried in ids of pairs */

static interop_status_t look_up(interop_judge_t *j, in_span_t key, in_span_t *record) {
  in_row_t *row;
  interop_status_t rc = in_facts_find(&j->facts, INTEROP_R_CONVERSATION, key, &row);
  *record = rc == INTEROP_OK ? row->record : IN_NONE;
  return rc;
}

/* ---- a conversation's name in this API */

static void better(const interop_judge_t *j, in_span_t name, in_span_t *best, in_fit_t *fit) {
  in_fit_t f = name.n == 0 ? IN_FIT_FOREIGN : in_api_named(&j->policy->img, j->api, name);
  if (f <= *fit) return;
  *best = name;
  *fit = f;
}

/* absent: all its names are another system's */
static in_span_t name_of(const interop_judge_t *j, in_span_t record, in_span_t known_as) {
  in_span_t best = IN_NONE, item, second;
  in_fit_t fit = IN_FIT_FOREIGN;
  interop_value_t list;
  size_t at = 0;
  better(j, known_as, &best, &fit);
  better(j, in_facts_text(record, "id"), &best, &fit);
  if (record.p != NULL && interop_record_get(record, IN_SPAN("aliases"), &list) == INTEROP_OK && list.type == INTEROP_T_LIST)
    while (interop_value_item(&list, &at, &item, &second)) better(j, item, &best, &fit);
  return best;
}

static void add(in_escalating_t *e, in_span_t id, in_span_t name, uint32_t to) {
  for (uint32_t i = 0; i < e->targets; i++)
    if (in_eq_nocase(e->target[i].id, id)) return;
  if (e->targets == IN_TARGETS_MAX || id.n == 0 || name.n == 0) return;
  e->target[e->targets++] = (in_target_t) { id, name, to, false };
}

/* ---- the conversation of two people */

/* letters, digits and '-': what can be a part of an id */
static bool plain(in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-')) return false;
  }
  return s.n > 0;
}

static uint32_t names_of(in_span_t record, in_span_t names[NAMES_MAX]) {
  in_span_t id = in_facts_text(record, "id"), item, second;
  interop_value_t list;
  uint32_t n = 0;
  size_t at = 0;
  if (plain(id)) names[n++] = id;
  if (record.p == NULL || interop_record_get(record, IN_SPAN("aliases"), &list) != INTEROP_OK || list.type != INTEROP_T_LIST)
    return n;
  while (n < NAMES_MAX && interop_value_item(&list, &at, &item, &second))
    if (plain(item)) names[n++] = item;
  return n;
}

static bool takes_part(in_span_t record, in_span_t user) {
  interop_value_t list;
  in_span_t item, second;
  size_t at = 0;
  if (interop_record_get(record, IN_SPAN("participants"), &list) != INTEROP_OK || list.type != INTEROP_T_LIST) return false;
  while (interop_value_item(&list, &at, &item, &second))
    if (in_eq_nocase(item, user)) return true;
  return false;
}

static bool is_theirs(const interop_judge_t *j, const in_recipient_t *r, in_span_t record) {
  interop_value_t gone;
  if (interop_record_get(record, IN_SPAN("deleted"), &gone) == INTEROP_OK && gone.type == INTEROP_T_FLAG && gone.number != 0)
    return false;
  return takes_part(record, j->sender_id) && takes_part(record, in_judge_id(r));
}

/* the pair's conversation under one form of ids, whoever of the two is named first */
static interop_status_t try_form(interop_judge_t *j, const in_recipient_t *r, uint32_t form, in_span_t *record, bool *more) {
  in_span_t a[NAMES_MAX], b[NAMES_MAX];
  uint32_t na = names_of(in_facts_record(&j->facts, IN_SUB_SENDER), a), nb = names_of(r->row != NULL ? r->row->record : IN_NONE, b);
  for (uint32_t i = 0; i < 2 * na * nb; i++) {
    in_span_t x = a[i / 2 / nb], y = b[i / 2 % nb];
    in_span_t id = in_api_pair(&j->policy->img, form, i % 2 == 0 ? x : y, i % 2 == 0 ? y : x, &j->arena);
    interop_status_t rc;
    *more = id.p != NULL;
    if (!*more) return j->arena.failed ? INTEROP_NOMEM : INTEROP_MISSING;
    rc = look_up(j, id, record);
    if (rc == INTEROP_OK && is_theirs(j, r, *record)) return rc;
    if (rc != INTEROP_OK && rc != INTEROP_MISSING) return rc;
  }
  *more = *more && na > 0 && nb > 0;
  return INTEROP_MISSING;
}

static interop_status_t add_pair(interop_judge_t *j, in_escalating_t *e, const in_recipient_t *r) {
  in_span_t record;
  interop_status_t rc = INTEROP_MISSING;
  bool more = true;
  for (uint32_t form = 0; more && rc == INTEROP_MISSING; form++) rc = try_form(j, r, form, &record, &more);
  if (rc == INTEROP_OK) add(e, in_facts_text(record, "id"), name_of(j, record, IN_NONE), r->to);
  return rc == INTEROP_MISSING ? INTEROP_OK : rc;
}

/* ---- all of them */

/* the conversation of the request, or that of its call; absent: it has none */
static in_span_t named_by(interop_judge_t *j) {
  if (j->event.conversation.p != NULL) return j->event.conversation;
  return in_facts_text(in_facts_record(&j->facts, IN_SUB_CALL), "conversation");
}

static interop_status_t add_own(interop_judge_t *j, in_escalating_t *e) {
  const in_recipient_t *r = &j->recipients[j->final];
  in_span_t name = named_by(j), record = IN_NONE;
  interop_status_t rc;
  if (name.p == NULL) return j->recipient_count == 1 ? add_pair(j, e, r) : INTEROP_OK;
  rc = look_up(j, name, &record);
  if (rc != INTEROP_OK && rc != INTEROP_MISSING) return rc;
  add(e, record.p != NULL ? in_facts_text(record, "id") : name, name_of(j, record, name), r->to);
  return INTEROP_OK;
}

static bool is_named(const interop_judge_t *j, const in_recipient_t *r) {
  for (uint32_t i = 0; i < j->event.party_count; i++)
    if (in_eq(j->event.parties[i], in_judge_named(r))) return true;
  return false;
}

interop_status_t in_escalate_targets(interop_judge_t *j, in_escalating_t *e) {
  interop_status_t rc = add_own(j, e);
  if (rc == INTEROP_OK && e->targets == 0) return INTEROP_MISSING;
  for (uint32_t i = 0; i < j->recipient_count && rc == INTEROP_OK; i++)
    if (is_named(j, &j->recipients[i])) rc = add_pair(j, e, &j->recipients[i]);
  return rc;
}
