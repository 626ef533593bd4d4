/*
** shown.c -- upstream's answer as this reader may see it.
**
** Owns what becomes of its elements: what is older than the reader's membership
** goes, a message that the reader's system cannot show is reduced as it would
** have been when it was sent, people get the names that policy gives them. Each
** element is judged by a judge of its own: of people the reader is the sender and
** the person the recipient; of a message its author is the sender and the reader
** the recipient. Invariants: an answer that cannot be read is refused; what
** cannot be told of a message counts against it; linear in the answer, and what
** was needed for elements is given back every now and then.
*/
#include "../base/scan.h"
#include "judge.h"

#define ROUND    256u             /* elements between two times of giving back */
#define AUTHORS  16u

typedef struct {
  interop_judge_t *j;
  in_elements_t *e;
  in_item_t item;
  unsigned have;
  interop_verdict_t verdict;      /* the strictest that changed something */
  in_span_t rule, reason;
  in_features_t lost;
  uint64_t others;                /* systems of those who write in the conversation, but the reader's */
  const in_pi_amend_t *cut_rule;  /* as of the judge; or of the element's own conversation */
  int64_t cut;
  bool amended, refused;
  in_span_t amended_rule;
  in_recipient_t author[AUTHORS]; /* by a hash of their ids, until what they stand on is given back */
  struct { bool known; const in_row_t *row; in_span_t id; uint32_t from; } last;  /* whose facts the messages' judge has */
  const uint8_t *of_message;      /* by atom: IN_NOT_YET where it looks at the message's record; or NULL */
} show_t;

/* ---- judges for elements */

static void free_one(interop_judge_t **s) {
  interop_judge_t *old = *s;
  if (old == NULL) return;
  in_facts_free(&old->facts);
  in_arena_free(&old->arena);
  old->alloc.resize(old->alloc.ctx, old, sizeof(*old), 0);
  *s = NULL;
}

void in_judge_shown_free(interop_judge_t *j) {
  if (j->shown != NULL) free_one(&j->shown->shown);
  free_one(&j->shown);
}

/* a judge with the request's own facts; the reader is its sender */
static interop_judge_t *new_one(const interop_judge_t *j) {
  interop_judge_t *s = j->alloc.resize(j->alloc.ctx, NULL, 0, sizeof(*s));
  if (s == NULL) return NULL;
  memset(s, 0, sizeof(*s));
  s->policy = j->policy;
  s->alloc = j->alloc;
  s->api = j->api;
  s->from = j->from;
  s->request = j->request;
  s->source = j->source;
  s->event = j->event;
  s->sender_id = j->sender_id;
  s->conversation_id = j->conversation_id;
  in_arena_init(&s->arena, &s->alloc);
  if (in_facts_init(&s->facts, j->policy, &s->arena) != INTEROP_OK) {
    free_one(&s);
    return NULL;
  }
  in_facts_renew(&s->facts, &s->source);
  s->facts.fetched = true;
  s->recipients = in_arena_array(&s->arena, 1, sizeof(*s->recipients));
  s->recipient_count = 1;
  in_judge_request_facts(s);
  s->facts.request[IN_RF_SENDER_ID] = j->facts.request[IN_RF_SENDER_ID];
  s->facts.request[IN_RF_JOINED] = j->facts.request[IN_RF_JOINED];
  s->facts.request[IN_RF_RECIPIENTS] = j->facts.request[IN_RF_RECIPIENTS];
  s->facts.request[IN_RF_SYSTEMS] = j->facts.request[IN_RF_SYSTEMS];
  s->facts.key[IN_SUB_CALL] = j->event.call;
  if (s->recipients == NULL) free_one(&s);
  return s;
}

/* ->shown judges people, ->shown->shown messages */
static bool make_judges(interop_judge_t *j) {
  if (j->shown != NULL) return true;
  j->shown = new_one(j);
  if (j->shown != NULL) j->shown->shown = new_one(j);
  return j->shown != NULL && j->shown->shown != NULL;
}

/* ---- what came of it */

static void raise(show_t *x, interop_verdict_t verdict, in_span_t rule, in_span_t reason) {
  if (verdict <= x->verdict) return;
  x->verdict = verdict;
  x->rule = rule;
  x->reason = reason;
}

static void amended(show_t *x, const in_pi_amend_t *a) {
  if (!x->amended) x->amended_rule = in_image_str(&x->j->policy->img, a->rule);
  x->amended = true;
}

static void lose(show_t *x, const in_features_t *lost) {
  for (uint32_t i = 0; i < INTEROP_FEATURE_COUNT; i++) {
    uint32_t *c = &x->lost.count[i];
    *c = *c > UINT32_MAX - lost->count[i] ? UINT32_MAX : *c + lost->count[i];
  }
}

/* the one element that was asked for is refused */
static interop_status_t refuse(show_t *x, uint32_t reason, in_span_t rule, in_span_t name) {
  x->refused = true;
  return in_judge_deny_answer(x->j, reason, rule, name);
}

/* what is known of the request's own conversation */
static show_t new_show(interop_judge_t *j) {
  show_t x = { .j = j, .have = in_api_elements_have(&j->policy->img, &j->event), .cut_rule = j->cut_rule, .cut = j->cut };
  for (uint32_t i = 0; i < j->recipient_count; i++)
    if (j->recipients[i].to != j->from && j->recipients[i].to < j->policy->img.count[IN_S_SYSTEMS])
      x.others |= (uint64_t) 1 << j->recipients[i].to;
  return x;
}

/* ---- what is older than the reader's membership */

/* a date, or seconds or milliseconds since 1970 */
static bool read_time(in_span_t s, int64_t *seconds) {
  int64_t n = 0;
  size_t i = 0;
  for (; i < s.n && i < 15 && s.p[i] >= '0' && s.p[i] <= '9'; i++) n = n * 10 + (s.p[i] - '0');
  if (i == 0 || i < s.n) return s.p != NULL && in_time_parse(s, seconds);
  *seconds = n > 99999999999 ? n / 1000 : n;
  return true;
}

/* is the element all there is, so that it is shown or refused? Conversations are shown */
static bool all(const show_t *x) { return x->item.whole && !(x->have & IN_HAS_OWN); }

static interop_status_t cut(show_t *x, bool *gone) {
  const in_pi_amend_t *a = x->cut_rule;
  int64_t time;
  *gone = a != NULL && !(x->item.readable && read_time(x->item.time, &time) && time >= x->cut);
  if (!*gone) return INTEROP_OK;
  if (all(x)) return refuse(x, a->reason, in_image_str(&x->j->policy->img, a->rule), IN_NONE);
  if (in_api_element_drop(x->e)) amended(x, a);
  return INTEROP_OK;
}

/* ---- an element that is a conversation has its own people, and its own history */

static bool concerns(const show_t *x, const in_pi_amend_t *a) {
  const interop_judge_t *j = x->j;
  uint64_t to = x->others | (a->crosses ? 0 : (uint64_t) 1 << j->from);
  return a->kind == IN_AMEND_CUT && (a->ops >> j->event.operation & 1) && (a->from >> j->from & 1) && (a->to & to) != 0;
}

/* what the reader sees of it begins here; where that cannot be told, nothing is seen */
static interop_status_t find_cut(show_t *x) {
  interop_judge_t *s = x->j->shown;
  const in_image_t *img = &s->policy->img;
  const in_pi_amend_t *a = in_table(img, AMENDS, in_pi_amend_t), *end = a + img->count[IN_S_AMENDS];
  for (; a < end; a++) {
    int holds = concerns(x, a) ? in_amend_holds(s, a) : 0;
    in_value_t v;
    if (s->facts.status != INTEROP_OK) return s->facts.status;
    if (holds == 0) continue;
    v = in_facts_value(&s->facts, a->slot);
    if (holds > 0 && !v.known && a->unknown_passes) continue;
    if (holds < 0 || !v.known) v.number = INT64_MAX;
    if (v.number <= 0 || (x->cut_rule != NULL && v.number <= x->cut)) continue;
    x->cut = v.number;
    x->cut_rule = a;
  }
  return INTEROP_OK;
}

static void move_to(interop_judge_t *s, in_span_t id, in_row_t *row) {
  in_facts_t *f = &s->facts;
  s->event.conversation = id;
  s->conversation_id = row != NULL && row->id.p != NULL ? row->id : id;
  f->key[IN_SUB_CONVERSATION] = id;
  f->key[IN_SUB_CONVERSATION_TENANT] = IN_NONE;
  f->look[IN_SUB_CONVERSATION_TENANT] = IN_LOOK_NOT_YET;
  memset(f->class_, IN_NOT_YET, in_class_bytes(s->policy));
  in_facts_set(f, IN_SUB_CONVERSATION, row);
  s->taken = NULL;
}

/* those who take part, but the reader: where each of them reads and writes */
static interop_status_t find_others(show_t *x, const in_row_t *row) {
  uint32_t systems = x->j->policy->img.count[IN_S_SYSTEMS];
  in_span_t item, second;
  size_t at = 0;
  x->others = ~(uint64_t) 0;
  if (row == NULL || row->participants.type != INTEROP_T_LIST) return INTEROP_OK;
  x->others = 0;
  while (interop_value_item(&row->participants, &at, &item, &second)) {
    in_recipient_t r;
    interop_status_t rc;
    bool other = in_judge_resolve(x->j->shown, item, &r, &rc);
    if (rc != INTEROP_OK) return rc;
    if (other) x->others |= r.to < systems ? (uint64_t) 1 << r.to : ~(uint64_t) 0;
  }
  return INTEROP_OK;
}

static interop_status_t enter(show_t *x) {
  interop_judge_t *s = x->j->shown;
  in_span_t id = x->item.conversation;
  in_row_t *row = NULL;
  interop_status_t rc = id.p == NULL ? INTEROP_MISSING : in_facts_find(&s->facts, INTEROP_R_CONVERSATION, id, &row);
  if (rc != INTEROP_OK && rc != INTEROP_MISSING) return rc;
  memset(x->author, 0, sizeof(x->author));
  x->last.known = false;
  x->cut_rule = NULL;
  x->cut = 0;
  move_to(s, id, row);
  move_to(s->shown, id, row);
  in_judge_joined(s);
  s->shown->facts.request[IN_RF_JOINED] = s->facts.request[IN_RF_JOINED];
  rc = find_others(x, row);
  x->others &= ~((uint64_t) 1 << x->j->from);
  return rc == INTEROP_OK ? find_cut(x) : rc;
}

/* ---- what is in the element beside its message */

static void withhold(show_t *x) {
  bool hide = x->cut_rule != NULL;
  if (!(x->have & IN_HAS_WITHHELD)) return;
  for (uint32_t s = 0; s < x->j->policy->img.count[IN_S_SYSTEMS] && !hide; s++)
    hide = (x->others >> s & 1) != 0 && in_judge_may_reduce(x->j, s);
  if (hide && in_api_element_withhold(x->e)) raise(x, INTEROP_V_STRIP, IN_SPAN("withheld"), IN_NONE);
}

/* ---- messages */

static bool of_message(const in_image_t *img, uint32_t slot) {
  return slot != IN_NIL && in_slot(img, slot)->subject == IN_SUB_MESSAGE;
}

/* what is to be looked at anew for another message of the same author, all else being equal */
static bool mark_message_atoms(show_t *x) {
  const interop_policy_t *p = x->j->policy;
  uint8_t *mark = in_arena_get(&x->j->arena, in_class_bytes(p));
  for (uint32_t i = 0; mark != NULL && i < p->img.count[IN_S_ATOMS]; i++)
    if (of_message(&p->img, in_atom(&p->img, i)->slot) || of_message(&p->img, in_atom(&p->img, i)->slot_b)) mark[i] = IN_NOT_YET;
  x->of_message = mark;
  return mark != NULL;
}

static bool same_features(const in_features_t *a, const in_features_t *b) {
  for (uint32_t i = 0; i < INTEROP_FEATURE_COUNT; i++)
    if ((a->count[i] > 0) != (b->count[i] > 0)) return false;
  return true;
}

/* is this message, but for its id, like the one before it? */
static bool alike(const show_t *x, const in_event_t *ev, const in_recipient_t *author, uint32_t from) {
  const in_event_t *was = &x->j->shown->shown->event;
  return x->last.known && x->last.row == author->row && x->last.from == from && in_eq(x->last.id, in_judge_id(author))
         && was->kind == ev->kind && in_eq(was->card, ev->card) && same_features(&was->features, &ev->features);
}

/* the author as the sender of such a message to the reader */
static void take_author(show_t *x, const in_event_t *ev, const in_recipient_t *author, uint32_t from) {
  interop_judge_t *j = x->j, *s = j->shown->shown;
  in_facts_t *f = &s->facts;
  s->event.operation = INTEROP_OP_MESSAGE_SEND;
  s->event.kind = ev->kind;
  s->event.features = ev->features;
  s->event.card = ev->card;
  s->from = from;
  s->sender_id = in_judge_id(author);
  memset(f->class_, IN_NOT_YET, in_class_bytes(j->policy));
  in_judge_request_facts(s);
  f->request[IN_RF_SENDER_ID].known = s->sender_id.p != NULL;
  f->request[IN_RF_SENDER_ID].text = s->sender_id;
  f->key[IN_SUB_SENDER_TENANT] = IN_NONE;
  f->look[IN_SUB_SENDER_TENANT] = IN_LOOK_NOT_YET;
  in_facts_set(f, IN_SUB_SENDER, author->row);
  f->overlay_known = false;
  s->recipients[0] = in_judge_called(j->request->sender, j->from);
  s->recipients[0].row = in_facts_row(&j->facts, IN_SUB_SENDER);
  s->taken = NULL;
  in_judge_take(s, &s->recipients[0]);
  x->last.known = true;
  x->last.row = author->row;
  x->last.id = s->sender_id;
  x->last.from = from;
}

static void forget_message(const show_t *x, uint8_t *class_) {
  in_words_t word, mask;
  for (size_t i = 0; i < in_class_bytes(x->j->policy); i += sizeof(word)) {
    memcpy(&word, class_ + i, sizeof(word));
    memcpy(&mask, x->of_message + i, sizeof(mask));
    word |= mask;                 /* IN_NOT_YET has all bits */
    memcpy(class_ + i, &word, sizeof(word));
  }
}

/* what policy says of this message from its author to the reader, over all from a system */
static uint32_t decide_from(show_t *x, const in_event_t *ev, const in_recipient_t *author, uint32_t from) {
  interop_judge_t *j = x->j, *s = j->shown->shown;
  const in_list_event_t sent = { INTEROP_OP_MESSAGE_SEND, (uint32_t) ev->kind, from, j->from };
  in_facts_t *f = &s->facts;
  if (alike(x, ev, author, from) && (x->of_message != NULL || mark_message_atoms(x))) forget_message(x, f->class_);
  else take_author(x, ev, author, from);
  s->event.features = ev->features;
  s->event.card = ev->card;
  s->event.message = x->item.message;
  f->look[IN_SUB_MESSAGE] = IN_LOOK_NOT_YET;
  f->key[IN_SUB_MESSAGE] = IN_NONE;
  if (x->item.message.p != NULL && s->conversation_id.p != NULL)
    f->key[IN_SUB_MESSAGE] = in_judge_message_key(s, s->conversation_id, x->item.message);
  return in_decide_shown(f, &sent);
}

/* the author as somebody to be reached from here; false: it is the reader */
static bool find_author(show_t *x, in_recipient_t *author, interop_status_t *rc) {
  interop_judge_t *people = x->j->shown;
  in_recipient_t *known = &x->author[in_hash(x->item.id) % AUTHORS];
  *rc = INTEROP_OK;
  if (known->name == NULL || !in_eq(in_judge_named(known), x->item.id)) {
    bool other;
    people->taken = NULL;
    other = in_judge_resolve(people, x->item.id, known, rc);
    known->refused = !other;      /* here: it is the reader */
    if (*rc != INTEROP_OK) return true;
  }
  *author = *known;
  return !known->refused;
}

/* where the author writes is told by where they can be reached from here; of an author
   nobody knows the strictest holds that holds for any of the others */
static interop_status_t decide(show_t *x, const in_event_t *ev, uint32_t *outcome, uint32_t *from) {
  interop_judge_t *j = x->j;
  uint32_t systems = j->policy->img.count[IN_S_SYSTEMS];
  in_recipient_t author = in_judge_called(x->item.id, systems);
  interop_status_t rc = INTEROP_OK;
  *outcome = IN_NIL;
  if (x->item.id.p != NULL && !find_author(x, &author, &rc)) return rc;
  if (rc != INTEROP_OK || author.to == j->from) return rc;
  for (uint32_t s = 0; s < systems; s++) {
    bool meant = author.to == s || (author.to == systems && (x->others >> s & 1) != 0);
    uint32_t o;
    if (!meant) continue;
    o = decide_from(x, ev, &author, s);
    if (o == IN_NIL) return j->shown->shown->facts.status;
    if (*outcome != IN_NIL && !in_outcome_stricter(&j->policy->img, o, *outcome)) continue;
    *outcome = o;
    *from = s;
  }
  /* what the strictest says in words is said with its own facts */
  if (*outcome != IN_NIL && author.to == systems) (void) decide_from(x, ev, &author, *from);
  return j->shown->shown->facts.status;
}

static in_span_t reason_of(const show_t *x, const in_pi_outcome_t *o) {
  const in_image_t *img = &x->j->policy->img;
  if (o->reason != IN_NIL) return in_image_str(img, in_reason(img, o->reason)->name);
  return o->kind == IN_OUT_UNDETERMINED ? IN_SPAN("undetermined") : IN_NONE;
}

static interop_status_t gone(show_t *x, const in_pi_outcome_t *o) {
  in_span_t rule = in_image_str(&x->j->policy->img, o->rule);
  if (all(x))
    return refuse(x, o->reason != IN_NIL ? o->reason : in_find_reason(&x->j->policy->img, IN_SPAN("undetermined")), rule,
                  IN_SPAN("undetermined"));
  if (in_api_element_drop(x->e)) raise(x, INTEROP_V_DROP, rule, reason_of(x, o));
  return INTEROP_OK;
}

static void notices(show_t *x, const in_pi_outcome_t *o) {
  const uint32_t *n = in_table(&x->j->policy->img, INDEXES, uint32_t) + o->notices.first;
  for (uint32_t i = 0; i < o->notices.count; i++) in_judge_notice(x->j, n[i]);
}

static interop_status_t write_as(show_t *x, const in_event_t *ev, const in_pi_outcome_t *o, interop_verdict_t verdict) {
  interop_judge_t *s = x->j->shown->shown;
  in_features_t lost;
  in_span_t text = IN_NONE;
  bool changed = false;
  interop_status_t rc = INTEROP_OK;
  memset(&lost, 0, sizeof(lost));
  if (verdict == INTEROP_V_PLACEHOLDER) {
    rc = in_judge_placeholder(s, &s->recipients[0], &text);
    if (rc == INTEROP_OK) text = in_arena_copy(&x->j->arena, text);
    if (rc == INTEROP_OK && text.p == NULL) rc = INTEROP_NOMEM;
  }
  if (rc == INTEROP_OK) rc = in_api_element_write(x->e, ev, verdict, text, o->strip, o->reduce, &lost, &changed);
  if (rc == INTEROP_FULL && verdict != INTEROP_V_PLACEHOLDER) return write_as(x, ev, o, INTEROP_V_PLACEHOLDER);
  if (rc == INTEROP_FULL) return gone(x, o);
  if (rc != INTEROP_OK || !changed) return rc;
  lose(x, &lost);
  notices(x, o);
  raise(x, verdict, in_image_str(&x->j->policy->img, o->rule), reason_of(x, o));
  return INTEROP_OK;
}

static interop_status_t reduce(show_t *x) {
  const in_image_t *img = &x->j->policy->img;
  const in_pi_outcome_t *o;
  in_event_t ev;
  uint32_t outcome, from;
  interop_status_t rc = x->item.readable ? in_api_element_read(x->e, &ev) : INTEROP_SYNTAX;
  bool unreadable = rc == INTEROP_SYNTAX;
  if (unreadable) {
    memset(&ev, 0, sizeof(ev));
    ev.kind = INTEROP_K_OTHER;
  } else if (rc != INTEROP_OK || !ev.has_content) {
    return rc;
  }
  rc = decide(x, &ev, &outcome, &from);
  if (rc != INTEROP_OK || outcome == IN_NIL) return rc;
  o = in_outcome(img, outcome);
  if (unreadable) return gone(x, o);
  if (o->kind != IN_OUT_DECISION)
    return all(x) ? gone(x, o) : write_as(x, &ev, o, INTEROP_V_PLACEHOLDER);
  switch (o->verdict) {
    case INTEROP_V_DELIVER: case INTEROP_V_AMEND: return INTEROP_OK;
    case INTEROP_V_STRIP: case INTEROP_V_PLAIN_TEXT: case INTEROP_V_PLACEHOLDER:
      return write_as(x, &ev, o, (interop_verdict_t) o->verdict);
    case INTEROP_V_AS_REPLY: return write_as(x, &ev, o, INTEROP_V_PLAIN_TEXT);
    case INTEROP_V_DROP: return gone(x, o);
    default: return all(x) ? gone(x, o) : write_as(x, &ev, o, INTEROP_V_PLACEHOLDER);
  }
}

/* ---- the answer is a part of one message: a picture, a file */

/* who wrote the message; false: the record does not say */
static bool find_writer(interop_judge_t *j, in_span_t *author) {
  *author = in_facts_text(in_facts_record(&j->facts, IN_SUB_MESSAGE), "author");
  return author->p != NULL;
}

/* what is left of a message that is stripped has lost the feature, or not */
static bool shows(const in_pi_outcome_t *o, uint32_t feature) {
  if (o->kind != IN_OUT_DECISION) return false;
  if (o->verdict == INTEROP_V_STRIP) return (o->strip >> feature & 1) == 0;
  return o->verdict == INTEROP_V_DELIVER || o->verdict == INTEROP_V_AMEND;
}

static interop_status_t judge_part(interop_judge_t *j, uint32_t feature) {
  show_t x = new_show(j);
  uint32_t outcome = IN_NIL, from = 0;
  in_event_t ev = j->event;
  interop_status_t rc;
  const in_pi_outcome_t *said = in_judge_outcome(j, &j->recipients[j->final]);
  if (x.others == 0 || said->kind != IN_OUT_DECISION || said->verdict == INTEROP_V_DENY) return INTEROP_OK;
  if (!find_writer(j, &x.item.id) && !j->facts.fetched) return INTEROP_AGAIN;
  if (!make_judges(j)) return INTEROP_NOMEM;
  memset(&ev.features, 0, sizeof(ev.features));
  ev.features.count[feature] = 1;
  ev.kind = in_features_kind(&ev.features);
  x.item.message = j->event.message;
  rc = decide(&x, &ev, &outcome, &from);
  if (rc == INTEROP_OK && outcome != IN_NIL && !shows(in_outcome(&j->policy->img, outcome), feature)) j->withheld = outcome;
  in_judge_shown_free(j);
  return rc;
}

interop_status_t in_judge_part(interop_judge_t *j) {
  uint32_t feature = in_api_shows(&j->policy->img, &j->event);
  j->withheld = IN_NIL;
  return feature == IN_NIL ? INTEROP_OK : judge_part(j, feature);
}

/* ---- people */

/* one word's rules, the first that has a value, then what goes behind it */
static interop_status_t set_word(show_t *x, in_recipient_t *r, const in_pi_amend_t *first) {
  interop_judge_t *j = x->j, *s = j->shown;
  const in_image_t *img = &j->policy->img;
  const in_pi_amend_t *a = in_table(img, AMENDS, in_pi_amend_t), *end = a + img->count[IN_S_AMENDS], *by = NULL;
  in_span_t word = in_image_str(img, first->member), value = IN_NONE;
  if (in_eq(word, IN_SPAN("name"))) value = x->item.name.p != NULL ? x->item.name : IN_SPAN("");
  for (a = first; a < end; a++) {
    in_span_t next;
    int holds;
    if (a->kind == IN_AMEND_CUT || !(a->ops >> j->event.operation & 1) || !in_eq(in_image_str(img, a->member), word)
        || !in_amend_in_scope(s, a, r->to)) continue;
    in_judge_take(s, r);
    holds = in_amend_holds(s, a);
    if (s->facts.status != INTEROP_OK) return s->facts.status;
    if (holds == 0) continue;
    next = holds > 0 ? in_amend_value(s, a, value) : IN_NONE;
    if (s->arena.failed) return INTEROP_NOMEM;
    if (next.p == NULL && !a->unknown_passes)
      return refuse(x, in_find_reason(img, IN_SPAN("undetermined")), in_image_str(img, a->rule), IN_SPAN("undetermined"));
    if (next.p == NULL || (a->kind == IN_AMEND_WITH && next.n == in_image_str(img, a->text).n)) continue;
    value = next;
    by = by == NULL ? a : by;
  }
  if (by == NULL) return INTEROP_OK;
  value = in_arena_copy(&j->arena, value);
  if (value.p == NULL) return INTEROP_NOMEM;
  if (in_api_element_set(x->e, word, value)) amended(x, by);
  return INTEROP_OK;
}

static bool first_of_word(const in_image_t *img, const in_pi_amend_t *a) {
  const in_pi_amend_t *b = in_table(img, AMENDS, in_pi_amend_t);
  for (; b < a; b++)
    if (b->kind != IN_AMEND_CUT && in_eq(in_image_str(img, b->member), in_image_str(img, a->member))) return false;
  return true;
}

static interop_status_t set_names(show_t *x) {
  interop_judge_t *j = x->j, *s = j->shown;
  const in_image_t *img = &j->policy->img;
  const in_pi_amend_t *a = in_table(img, AMENDS, in_pi_amend_t), *end = a + img->count[IN_S_AMENDS];
  in_recipient_t *r = &s->recipients[0];
  interop_status_t rc = INTEROP_OK;
  if (j->amendment_count == 0 || !x->item.readable || x->item.id.p == NULL) return INTEROP_OK;
  s->taken = NULL;
  (void) in_judge_resolve(s, x->item.id, r, &rc);
  s->taken = NULL;
  for (; a < end && rc == INTEROP_OK && !x->refused; a++)
    if (a->kind != IN_AMEND_CUT && first_of_word(img, a) && in_api_elements_set(img, &j->event, in_image_str(img, a->member)))
      rc = set_word(x, r, a);
  return rc;
}

/* ---- the whole answer */

static interop_status_t each(show_t *x) {
  interop_status_t rc = INTEROP_OK;
  for (uint32_t n = 0; rc == INTEROP_OK && !x->refused && in_api_element(x->e, &x->item); n++) {
    bool out = false;
    if (n % ROUND == ROUND - 1) {
      in_judge_shown_free(x->j);
      memset(x->author, 0, sizeof(x->author));
      x->last.known = false;
    }
    if (!make_judges(x->j)) return INTEROP_NOMEM;
    rc = (x->have & IN_HAS_OWN) && x->j->event.conversation.p == NULL ? enter(x) : INTEROP_OK;
    if (rc == INTEROP_OK) rc = cut(x, &out);
    if (rc == INTEROP_OK && !out && x->j->reads) rc = reduce(x);
    if (rc == INTEROP_OK && !x->refused) withhold(x);
    if (rc == INTEROP_OK && !out && !x->refused) rc = set_names(x);
  }
  return rc;
}

/* the edge's own answer in place of upstream's */
static void answer_refusal(interop_judge_t *j, interop_answer_t *answer) {
  j->plan.action = INTEROP_A_FORWARD;
  answer->status = j->plan.status;
  answer->content_type = j->plan.answer_type;
  answer->body = j->plan.answer_body;
  answer->body_changed = answer->refused = 1;
}

static interop_status_t refuse_unreadable(interop_judge_t *j, interop_answer_t *answer) {
  static const in_span_t name = { "unreadable_answer", 17 };
  interop_status_t rc = in_judge_deny_answer(j, in_find_reason(&j->policy->img, name), name, name);
  if (rc == INTEROP_OK) answer_refusal(j, answer);
  return rc;
}

/* the plan tells of the answer from now on */
static interop_status_t tell(show_t *x) {
  interop_judge_t *j = x->j;
  if (x->amended && x->verdict < INTEROP_V_AMEND) raise(x, INTEROP_V_AMEND, x->amended_rule, IN_NONE);
  if (x->verdict == INTEROP_V_DELIVER) return INTEROP_OK;
  j->write.lost = x->lost;
  j->written = true;
  if (x->verdict > j->plan.verdict) {
    j->plan.verdict = x->verdict;
    j->plan.rule = x->rule;
    j->plan.reason = x->reason;
  }
  return in_judge_headers(j);
}

interop_status_t in_judge_show(interop_judge_t *j, in_span_t body, interop_answer_t *answer) {
  show_t x = new_show(j);
  interop_status_t rc;
  bool changed = false;
  if (x.have == 0 || (body.p != NULL && body.n == 0)) return INTEROP_OK;
  if (body.p == NULL) return refuse_unreadable(j, answer);
  rc = in_api_elements(&j->policy->img, &j->event, body, &j->arena, &x.e);
  if (rc == INTEROP_SYNTAX) return refuse_unreadable(j, answer);
  if (rc == INTEROP_OK) rc = each(&x);
  if (rc == INTEROP_OK && x.refused) {
    answer_refusal(j, answer);
    return INTEROP_OK;
  }
  if (rc == INTEROP_OK) rc = in_api_elements_end(x.e, &j->arena, &answer->body, &changed);
  if (rc == INTEROP_SYNTAX) return refuse_unreadable(j, answer);
  if (rc != INTEROP_OK || !changed) return rc;
  answer->body_changed = 1;
  return tell(&x);
}

/* ---- those who were refused, for an answer that names them */

static interop_status_t put_refused(interop_judge_t *j, const in_recipient_t *r, in_buf_t *out) {
  const in_image_t *img = &j->policy->img;
  const in_pi_outcome_t *o = in_outcome(img, r->outcome);
  uint32_t reason = o->reason != IN_NIL ? o->reason : in_find_reason(img, IN_SPAN("undetermined"));
  in_span_t name = reason == IN_NIL ? IN_SPAN("denied") : in_image_str(img, in_reason(img, reason)->name);
  in_var_t vars[] = {
    { IN_SPAN("reason"), name },
    { IN_SPAN("message"), reason == IN_NIL ? IN_SPAN("Refused by policy.") : in_image_str(img, in_reason(img, reason)->message) },
    { IN_SPAN("who"), in_judge_named(r) },
  };
  if (out->n > 0) in_buf_byte(out, ',');
  return in_api_refused(img, &j->event, vars, in_countof(vars), out);
}

interop_status_t in_judge_name_refused(interop_judge_t *j, in_span_t body, interop_answer_t *answer) {
  in_buf_t items;
  interop_alloc_t alloc = in_arena_alloc(&j->arena);
  interop_status_t rc = INTEROP_OK;
  in_buf_init(&items, &alloc);
  for (uint32_t i = 0; i < j->recipient_count && rc == INTEROP_OK; i++)
    if (j->recipients[i].refused) rc = put_refused(j, &j->recipients[i], &items);
  if (rc == INTEROP_OK)
    rc = in_api_refused_put(&j->policy->img, &j->event, body, in_buf_span(&items), &j->arena, &answer->body);
  if (rc == INTEROP_SYNTAX) return refuse_unreadable(j, answer);
  answer->body_changed = rc == INTEROP_OK;
  answer->content_type = body.n == 0 ? IN_SPAN("application/json") : IN_NONE;
  return rc;
}
