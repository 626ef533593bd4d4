/*
** answer.c -- upstream's answer: what is remembered, and what the client gets.
**
** Nothing is remembered unless upstream said 2xx. A value that the record has
** already is not written again, so a started conversation costs no disk.
*/
#include "judge.h"
#include "../store/record.h"

static bool ok(unsigned status) { return status >= 200 && status <= 299; }

static bool more_effects(interop_judge_t *j) {
  size_t room = j->effect_room == 0 ? 8 : j->effect_room * 2, size;
  interop_effect_t *more = in_mul(room, sizeof(*more), &size) ? in_arena_raw(&j->arena, size) : NULL;
  if (more == NULL) return false;
  if (j->effect_count > 0) memcpy(more, j->effects, j->effect_count * sizeof(*more));
  j->effects = more;
  j->effect_room = room;
  return true;
}

static inline interop_status_t add_effect(interop_judge_t *j, interop_record_kind_t kind, in_span_t key,
                                          in_span_t field, const interop_value_t *value, bool create) {
  interop_effect_t *e;
  if (j->effect_count == j->effect_room && !more_effects(j)) return INTEROP_NOMEM;
  e = &j->effects[j->effect_count++];
  e->kind = kind;
  e->key = key;
  e->field = field;
  e->value = *value;
  e->create = create;
  e->items = 0;
  e->made_of = 0;
  return INTEROP_OK;
}

static interop_status_t add_text(interop_judge_t *j, interop_record_kind_t kind, in_span_t key,
                                 in_span_t field, in_span_t text) {
  const interop_value_t v = in_value_text(text);
  if (text.p == NULL) return INTEROP_OK;
  return add_effect(j, kind, key, field, &v, true);
}

/* ---- what policy says is to be remembered */

/* of no type where the fact that it is taken from is unknown */
static interop_value_t effect_value(interop_judge_t *j, const in_pi_effect_t *e) {
  interop_value_t v;
  in_value_t from;
  memset(&v, 0, sizeof(v));
  v.number = e->number;
  switch (e->kind) {
    case IN_SET_FLAG: v.type = INTEROP_T_FLAG; break;
    case IN_SET_NUMBER: v.type = INTEROP_T_NUMBER; break;
    case IN_SET_NOW: v.type = INTEROP_T_NUMBER; v.number = j->request->now; break;
    case IN_SET_FACT:
      from = in_facts_value(&j->facts, (uint32_t) e->number);
      v.number = 0;
      v.type = from.known ? INTEROP_T_TEXT : INTEROP_T_NULL;
      v.text = from.text;
      break;
    default: v.type = INTEROP_T_TEXT; v.text = in_image_str(&j->policy->img, e->text);
  }
  return v;
}

static bool same_value(in_span_t record, in_span_t field, const interop_value_t *v) {
  interop_value_t old;
  if (record.p == NULL || interop_record_get(record, field, &old) != INTEROP_OK || old.type != v->type) return false;
  return v->type == INTEROP_T_TEXT ? in_eq(old.text, v->text) : old.number == v->number;
}

/* calls visit for every effect that holds for some recipient and changes something */
typedef interop_status_t (*visit_t)(interop_judge_t *j, const in_pi_effect_t *e, in_span_t record);

static interop_status_t each_effect(interop_judge_t *j, visit_t visit) {
  const in_image_t *img = &j->policy->img;
  const in_pi_effect_t *e = in_table(img, EFFECTS, in_pi_effect_t);
  for (uint32_t i = 0; i < img->count[IN_S_EFFECTS]; i++) {
    if (!(e[i].ops >> j->event.operation & 1) || !(e[i].from >> j->from & 1)) continue;
    for (uint32_t k = 0; k < j->recipient_count; k++) {
      interop_value_t v;
      in_span_t record;
      interop_status_t rc;
      if (!(e[i].to >> j->recipients[k].to & 1)) continue;
      if (in_judge_left_out(j, &j->recipients[k])) continue;      /* nothing came of it there */
      in_judge_take(j, &j->recipients[k]);
      if (!in_guard_holds(&j->facts, e[i].guard)) continue;
      rc = e[i].kind == IN_SET_FACT ? in_judge_own_for(j, &j->recipients[k], (uint32_t) e[i].number) : INTEROP_OK;
      if (rc != INTEROP_OK) return rc;
      in_judge_take(j, &j->recipients[k]);
      v = effect_value(j, &e[i]);
      if (v.type == INTEROP_T_NULL) continue;
      record = in_facts_record(&j->facts, (in_subject_t) e[i].subject);
      if (j->facts.status != INTEROP_OK) return j->facts.status;
      if (same_value(record, in_image_str(img, in_field(img, e[i].field)->name), &v)) break;
      rc = visit(j, &e[i], record);
      if (rc != INTEROP_OK) return rc;
      break;
    }
  }
  return INTEROP_OK;
}

static interop_status_t stop_at_first(interop_judge_t *j, const in_pi_effect_t *e, in_span_t record) {
  (void) j, (void) e, (void) record;
  return INTEROP_AGAIN;
}

static bool changes_roster(const interop_judge_t *j) {
  interop_operation_t op = j->event.operation;
  return (op == INTEROP_OP_PARTICIPANT_ADD || op == INTEROP_OP_PARTICIPANT_REMOVE || op == INTEROP_OP_INVITE_LINK_JOIN)
         && j->conversation_id.p != NULL;
}

bool in_judge_wants_effects(interop_judge_t *j) {
  return changes_roster(j) || j->event.operation == INTEROP_OP_CONVERSATION_CREATE || j->event.operation == INTEROP_OP_CALL_CREATE
         || each_effect(j, stop_at_first) != INTEROP_OK;
}

static interop_status_t set_field(interop_judge_t *j, const in_pi_effect_t *e, in_span_t record) {
  const in_image_t *img = &j->policy->img;
  const in_pi_field_t *f = in_field(img, e->field);
  interop_value_t v = effect_value(j, e);
  in_span_t id = in_facts_text(record, "id");
  if (id.p == NULL) id = j->facts.key[e->subject];
  if (e->subject == IN_SUB_CONVERSATION && id.p == NULL) id = j->conversation_id;
  if (id.p == NULL) return INTEROP_OK;
  return add_effect(j, (interop_record_kind_t)f->record, id, in_image_str(img, f->name), &v,
      f->record == INTEROP_R_CONVERSATION);
}

/* ---- messages and conversations that came to be */

/* how the other side got it: `text`, or `unsupported` where a placeholder stands for it */
static in_span_t delivered_as(const interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  interop_verdict_t v = j->plan.verdict;
  for (uint32_t i = 0; i < j->recipient_count && j->request->native; i++)
    if (in_outcome(img, j->recipients[i].outcome)->verdict > (uint32_t) v && !in_judge_left_out(j, &j->recipients[i]))
      v = (interop_verdict_t) in_outcome(img, j->recipients[i].outcome)->verdict;
  return v >= INTEROP_V_PLACEHOLDER ? IN_SPAN("unsupported") : IN_SPAN("text");
}

in_span_t in_judge_message_key(interop_judge_t *j, in_span_t conversation, in_span_t message) {
  char *p = in_arena_raw(&j->arena, conversation.n + message.n + 1);
  if (p == NULL) return IN_NONE;
  memcpy(p, conversation.p, conversation.n);
  p[conversation.n] = '\n';
  memcpy(p + conversation.n + 1, message.p, message.n);
  return in_span(p, conversation.n + message.n + 1);
}

#define MESSAGE_FIELDS  3u

/* as in_record_of_texts wants them; a test compares with what the effects make */
static const in_name_t message_fields[MESSAGE_FIELDS] = {
  { { "conversation", 12 }, 0x37e6ca06u }, { { "author", 6 }, 0x4f7aba56u }, { { "delivered_as", 12 }, 0x60f9be90u }
};

static interop_status_t keep_message(interop_judge_t *j, in_span_t message, in_span_t author, in_span_t as) {
  const in_span_t texts[MESSAGE_FIELDS] = { j->conversation_id, author, as };
  in_span_t key = in_judge_message_key(j, j->conversation_id, message);
  interop_status_t rc = key.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
  for (uint32_t i = 0; i < MESSAGE_FIELDS && rc == INTEROP_OK; i++)
    rc = add_text(j, INTEROP_R_MESSAGE, key, message_fields[i].name, texts[i]);
  return rc;
}

/* messages are nearly always new: the record of one is made here, with less ado than by merging */
static interop_status_t keep_new_message(interop_judge_t *j, in_span_t message, in_span_t author, in_span_t as) {
  const in_span_t texts[MESSAGE_FIELDS] = { j->conversation_id, author, as };
  size_t first = j->effect_count;
  interop_status_t rc = keep_message(j, message, author, as);
  interop_effect_t *e = &j->effects[first];
  if (rc != INTEROP_OK || j->effect_count - first != MESSAGE_FIELDS) return rc;
  rc = in_record_of_texts(message_fields, texts, MESSAGE_FIELDS, &j->arena, &e->made);
  if (rc == INTEROP_OK) e->made_of = MESSAGE_FIELDS;
  return rc == INTEROP_NOMEM ? rc : INTEROP_OK;        /* what is no record is told by who merges */
}

/* the author of a fetched original, as the store names them */
static in_span_t author_id(interop_judge_t *j, in_span_t raw) {
  in_row_t *row;
  if (raw.p == NULL || in_facts_find(&j->facts, INTEROP_R_USER, raw, &row) != INTEROP_OK || row->id.p == NULL) return raw;
  return row->id;
}

/* what was fetched counts from now on, for this request and the next ones */
interop_status_t in_judge_keep_original(interop_judge_t *j) {
  in_span_t as = j->original.kind == INTEROP_K_TEXT ? IN_SPAN("text") : IN_SPAN("unsupported");
  interop_status_t rc = keep_message(j, j->event.message, author_id(j, j->original.author), as);
  const in_span_t old = in_facts_record(&j->facts, IN_SUB_MESSAGE);
  interop_alloc_t arena = in_arena_alloc(&j->arena);
  in_span_t record;
  in_row_t *row;
  if (rc == INTEROP_OK) rc = interop_record_merge(old, j->effects, j->effect_count, &arena, &record);
  if (rc != INTEROP_OK) return rc;
  row = in_row_copy(j->policy, record, &j->arena);
  if (row == NULL) return INTEROP_NOMEM;
  in_facts_set(&j->facts, IN_SUB_MESSAGE, row);
  memset(j->facts.class_, IN_NOT_YET, (size_t) j->policy->img.count[IN_S_ATOMS]);
  return INTEROP_OK;
}

/* user ids of the sender and the recipients, as a packed list */
static interop_status_t participants(interop_judge_t *j, interop_value_t *v) {
  in_buf_t b;
  in_span_t items = IN_NONE, sender = j->sender_id.p != NULL ? j->sender_id : IN_NONE;
  uint32_t n = 0;
  in_buf_init(&b, &j->alloc);
  if (sender.p != NULL) {
    in_pack_item(&b, sender, IN_NONE);
    n++;
  }
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    if (in_eq(in_judge_id(&j->recipients[i]), sender) || j->recipients[i].refused) continue;
    in_pack_item(&b, in_judge_id(&j->recipients[i]), IN_NONE);
    n++;
  }
  if (!b.failed) items = in_arena_copy(&j->arena, in_buf_span(&b));
  in_buf_free(&b);
  *v = in_value_list(items, n);
  return items.p == NULL && n > 0 ? INTEROP_NOMEM : INTEROP_OK;
}

/*
** What upstream answers with may be a conversation that was there before: who is in
** it is still in it, and what is known of it stays, whatever this request said.
*/
static interop_status_t keep_conversation(interop_judge_t *j, in_span_t id) {
  const in_image_t *img = &j->policy->img;
  interop_value_t list;
  in_row_t *known = NULL;
  interop_status_t rc = in_facts_find(&j->facts, INTEROP_R_CONVERSATION, id, &known);
  in_span_t parent = j->conversation_id;
  if (rc == INTEROP_OK || rc == INTEROP_MISSING) rc = participants(j, &list);
  j->conversation_id = id;
  j->facts.key[IN_SUB_CONVERSATION] = id;
  if (rc == INTEROP_OK) rc = add_effect(j, INTEROP_R_CONVERSATION, id, IN_SPAN("participants"), &list, true);
  if (rc == INTEROP_OK) j->effects[j->effect_count - 1].items = INTEROP_ITEMS_ADD;
  if (rc != INTEROP_OK || known != NULL) return rc;
  if (rc == INTEROP_OK) rc = add_text(j, INTEROP_R_CONVERSATION, id, IN_SPAN("type"), j->event.conversation_type);
  if (rc == INTEROP_OK)
    rc = add_text(j, INTEROP_R_CONVERSATION, id, IN_SPAN("initiated_by"),
        in_image_str(img, in_system(img, j->from)->name));
  /* what is made within another conversation has that one's tenant */
  if (rc == INTEROP_OK && parent.p != NULL) return add_text(j, INTEROP_R_CONVERSATION, id, IN_SPAN("parent"), parent);
  if (rc == INTEROP_OK) rc = add_text(j, INTEROP_R_CONVERSATION, id, IN_SPAN("tenant"), j->plan.tenant);
  return rc;
}

/* who is in a call: those it was made for */
static interop_status_t keep_call(interop_judge_t *j, in_span_t id) {
  interop_value_t list;
  interop_status_t rc;
  if (id.p == NULL) return INTEROP_OK;
  rc = add_text(j, INTEROP_R_CALL, id, IN_SPAN("conversation"), j->event.conversation);
  if (rc == INTEROP_OK) rc = participants(j, &list);
  if (rc == INTEROP_OK) rc = add_effect(j, INTEROP_R_CALL, id, IN_SPAN("participants"), &list, true);
  if (rc == INTEROP_OK)
    rc = add_text(j, INTEROP_R_CALL, id, IN_SPAN("type"), list.count > 2 ? IN_SPAN("group") : IN_SPAN("one_on_one"));
  return rc;
}

/* nobody else knows whom a membership's id means; not where nothing is sent, or nothing would follow:
   where all read in one system it does not matter who of them is there */
bool in_judge_asks_who(interop_judge_t *j) {
  const in_pi_outcome_t *o;
  const in_row_t *row;
  if (j->facts.fetched || !in_api_asks_who(&j->policy->img, &j->event) || !in_judge_crosses(j)) return false;
  o = in_judge_outcome(j, &j->recipients[j->final]);
  if (o->kind != IN_OUT_DECISION || o->verdict == INTEROP_V_DENY) return false;
  if (o->verdict >= INTEROP_V_DROP && !j->request->native) return false;
  row = in_facts_row(&j->facts, IN_SUB_CONVERSATION);
  return row != NULL && row->participants.type == INTEROP_T_LIST;
}

/* who came and who went: the record of a conversation that is known follows */
static interop_status_t keep_roster(interop_judge_t *j) {
  in_buf_t b;
  in_span_t items, joined;
  char now[24];
  uint32_t n = 0;
  interop_value_t list;
  interop_status_t rc;
  bool gone = j->event.operation == INTEROP_OP_PARTICIPANT_REMOVE;
  in_time_format(j->request->now, now);
  joined = gone ? IN_NONE : in_str(now);
  in_buf_init(&b, &j->alloc);
  if (j->event.operation == INTEROP_OP_INVITE_LINK_JOIN) in_pack_item(&b, j->sender_id, joined), n++;
  for (uint32_t i = 0; i < j->recipient_count && j->event.operation != INTEROP_OP_INVITE_LINK_JOIN; i++) {
    if (j->recipients[i].refused || j->recipients[i].party == IN_NIL) continue;
    in_pack_item(&b, in_judge_id(&j->recipients[i]), joined);
    n++;
  }
  if (gone && in_api_asks_who(&j->policy->img, &j->event) && j->original.author.p != NULL)
    in_pack_item(&b, author_id(j, j->original.author), joined), n++;
  items = b.failed || n == 0 ? IN_NONE : in_arena_copy(&j->arena, in_buf_span(&b));
  in_buf_free(&b);
  if (n == 0) return INTEROP_OK;
  if (items.p == NULL) return INTEROP_NOMEM;
  list = in_value_list(items, n);
  rc = add_effect(j, INTEROP_R_CONVERSATION, j->conversation_id, IN_SPAN("participants"), &list, false);
  if (rc == INTEROP_OK) j->effects[j->effect_count - 1].items = gone ? INTEROP_ITEMS_DROP : INTEROP_ITEMS_ADD;
  return rc;
}

static interop_status_t remember(interop_judge_t *j, const in_answer_t *a) {
  interop_status_t rc = INTEROP_OK;
  if (a->conversation.p != NULL && j->event.operation == INTEROP_OP_CONVERSATION_CREATE)
    rc = keep_conversation(j, a->conversation);
  if (rc == INTEROP_OK && a->message.p != NULL && j->conversation_id.p != NULL)
    rc = keep_new_message(j, a->message, j->sender_id, delivered_as(j));
  if (rc == INTEROP_OK && j->event.operation == INTEROP_OP_CALL_CREATE) {
    rc = keep_call(j, a->call);
    if (rc == INTEROP_OK) rc = keep_call(j, a->call_too);
  }
  if (rc == INTEROP_OK && changes_roster(j)) rc = keep_roster(j);
  if (rc == INTEROP_OK) rc = each_effect(j, set_field);
  return rc;
}

interop_status_t interop_judge_answer(interop_judge_t *j, unsigned status, in_span_t body,
                                      interop_answer_t *answer) {
  in_answer_t a;
  interop_status_t rc = INTEROP_OK;
  memset(answer, 0, sizeof(*answer));
  memset(&a, 0, sizeof(a));
  if (j->batch != NULL) return in_judge_batch_answer(j, status, body, answer);
  if (!ok(status) || !j->read || j->plan.action != INTEROP_A_FORWARD) return INTEROP_OK;
  j->effect_count = 0;
  in_facts_renew(&j->facts, &j->source);
  if (j->plan.wants_answer_body && in_api_wants_answer(&j->policy->img, &j->event, j->written ? &j->write : NULL))
    rc = in_api_answer(&j->policy->img, &j->event, j->written ? &j->write : NULL, body, &j->arena, &a);
  if (j->location.p != NULL) in_api_location(&j->policy->img, &j->event, j->location, &j->arena, &a);
  if (rc == INTEROP_OK) rc = remember(j, &a);
  if (rc != INTEROP_OK) return rc;
  answer->effects = j->effects;
  answer->effect_count = j->effect_count;
  if (j->written && j->write.answer_status != 0) {
    answer->status = j->write.answer_status;
    answer->body_changed = 1;
    answer->body = IN_NONE;
  } else if (a.body_changed) {
    answer->body_changed = 1;
    answer->body = a.body;
  }
  if (!j->plan.reads_answer || status == 204 || status == 205) return INTEROP_OK;
  return j->refused > 0 ? in_judge_name_refused(j, body, answer) : in_judge_show(j, body, answer);
}
