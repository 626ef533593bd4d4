/*
** recall.c -- what a script gave when it was asked with the same facts before.
**
** A script's call begins where its loading has ended, and has nothing to go by
** but what it asks for: the same answers lead to the same next question, and in
** the end to the same actions. So what it asked, was told and gave is kept as a
** tree, in a fixed room for each script of a process; an event is led along it
** by asking the questions again, each of this event, and only where an answer is
** new the script itself is run. Invariants: every question is asked of the event
** at hand, in the script's order; what leaves something behind (a counter, a line
** for the log), what failed, and what was led by the message's text is never kept.
*/
#include <stddef.h>
#include "script.h"

#define ROOM      (48u * 1024)          /* bytes; when they are full, it begins anew */
#define SLOTS     1024u                 /* a power of two */
#define FILLED    (SLOTS / 4 * 3)
#define TEXT_MAX  128u                  /* bytes of an answer */
#define ROUND     1024u                 /* events after which it is seen whether it helps ... */
#define REST      (16u * ROUND)         /* ... and for which it rests if not */

/* places in the room; 0: nobody knows yet, NEVER: it must be run from here on */
#define NEVER     1u
#define FIRST     8u

#define END  (IN_ASK_COUNTER + 1)       /* no question, but what was given in the end */

typedef struct {
  uint8_t what, of;
  uint16_t n;                           /* of name */
  uint32_t number;
  uint32_t last;                        /* answer that was found last */
  char name[];
} question_t;

typedef struct {
  uint64_t hash;                        /* of all that is behind `then` */
  uint32_t then;                        /* what came next */
  uint32_t question;
  int64_t number;
  uint32_t count;
  uint8_t status, type;
  bool absent;                          /* the text */
  uint8_t n;
  char text[];
} answer_t;

typedef struct {
  uint8_t what;
  uint32_t actions;
  uint64_t instructions;
  size_t memory;
  interop_script_action_t action[];
} end_t;

struct in_recall_s {
  uint32_t first;                       /* place of the first question */
  uint32_t top;
  uint32_t answers;
  uint32_t asked, found;                /* events of this round */
  uint32_t rest;                        /* events to come that are not looked for */
  uint32_t slot[SLOTS];                 /* answers by hash */
  _Alignas(16) char room[ROOM];
};

in_recall_t *in_recall_new(const interop_alloc_t *alloc) {
  in_recall_t *c = alloc->resize(alloc->ctx, NULL, 0, sizeof(*c));
  if (c == NULL) return NULL;
  memset(c, 0, offsetof(in_recall_t, room));
  c->top = FIRST;
  return c;
}

void in_recall_free(in_recall_t *c, const interop_alloc_t *alloc) {
  if (c != NULL) alloc->resize(alloc->ctx, c, sizeof(*c), 0);
}

static void forget(in_recall_t *c) {
  c->first = c->answers = 0;
  c->top = FIRST;
  memset(c->slot, 0, sizeof(c->slot));
}

/* 0: there is no room */
static uint32_t take(in_recall_t *c, size_t n) {
  uint32_t place = c->top;
  n = (n + 7) & ~(size_t) 7;
  if (n > ROOM - place) return 0;
  c->top += (uint32_t) n;
  return place;
}

static void *at(in_recall_t *c, uint32_t place) {
  return c->room + place;
}

/* ---- answers */

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

static uint64_t hash_of(uint32_t question, interop_status_t status, const interop_value_t *v) {
  uint64_t h = mix((uint64_t) question << 32 | (uint64_t) status << 8 | (uint64_t) v->type, (uint64_t) v->number);
  return v->text.n == 0 ? h : mix(h, in_hash64(v->text.p, v->text.n) ^ v->count);
}

static bool is_same(const answer_t *a, uint32_t question, interop_status_t status, const interop_value_t *v) {
  return a->question == question && a->status == (uint8_t) status && a->type == (uint8_t) v->type
         && a->number == v->number && a->count == v->count && a->absent == (v->text.p == NULL) && a->n == v->text.n
         && (v->text.p == NULL || memcmp(a->text, v->text.p, a->n) == 0);
}

/* the answer's slot, or the free one where it belongs */
static uint32_t *find(in_recall_t *c, uint64_t hash, uint32_t question, interop_status_t status, const interop_value_t *v) {
  uint32_t i = (uint32_t) hash & (SLOTS - 1);
  for (; c->slot[i] != 0; i = (i + 1) & (SLOTS - 1)) {
    const answer_t *a = at(c, c->slot[i]);
    if (a->hash == hash && is_same(a, question, status, v)) break;
  }
  return &c->slot[i];
}

/* NULL: there is no room */
static answer_t *add(in_recall_t *c, uint32_t *slot, uint64_t hash, uint32_t question, interop_status_t status,
                     const interop_value_t *v) {
  uint32_t place = c->answers == FILLED ? 0 : take(c, sizeof(answer_t) + v->text.n);
  answer_t *a;
  if (place == 0) return NULL;
  a = at(c, place);
  *a = (answer_t) { .hash = hash, .question = question, .number = v->number, .count = v->count,
                    .status = (uint8_t) status, .type = (uint8_t) v->type, .absent = v->text.p == NULL,
                    .n = (uint8_t) v->text.n };
  if (v->text.p != NULL) memcpy(a->text, v->text.p, a->n);
  *slot = place;
  c->answers++;
  return a;
}

/* ---- looking */

static interop_status_t ask(in_asking_t *a, const question_t *q, interop_value_t *v) {
  switch (q->what) {
    case IN_ASK_FIELD: return in_script_field(a, (interop_event_field_t) q->of, v);
    case IN_ASK_FACT: return in_script_fact(a, (interop_script_subject_t) q->of, q->number, in_span(q->name, q->n), v);
    default: return in_script_people(a, v);
  }
}

static void give(const end_t *e, interop_script_result_t *r) {
  r->end = INTEROP_SE_DONE;
  r->error = IN_NONE;
  r->actions = e->actions;
  for (uint32_t i = 0; i < e->actions; i++) r->action[i] = e->action[i];
  r->instructions = e->instructions;
  r->memory = e->memory;
  r->nanoseconds = 0;
}

static bool is_answer(interop_status_t status) {
  return status == INTEROP_OK || status == INTEROP_MISSING || status == INTEROP_USAGE;
}

/* most events are like the one before */
static uint32_t find_again(in_recall_t *c, question_t *q, uint32_t question, interop_status_t status, const interop_value_t *v) {
  if (q->last != 0 && is_same(at(c, q->last), question, status, v)) return q->last;
  q->last = *find(c, hash_of(question, status, v), question, status, v);
  return q->last;
}

/* true: *status says what of: OK, r is what it gives; else the event cannot be asked */
static bool follow(in_recall_t *c, in_asking_t *a, interop_script_result_t *r, interop_status_t *status) {
  uint32_t place = c->first;
  while (place > NEVER) {
    question_t *q = at(c, place);
    interop_status_t rc = INTEROP_OK;
    interop_value_t v;
    uint32_t to;
    if (q->what == END) give(at(c, place), r);
    else rc = ask(a, q, &v);
    if (q->what == END || !is_answer(rc)) return *status = rc, true;
    to = find_again(c, q, place, rc, &v);
    place = to == 0 ? 0 : ((const answer_t *) at(c, to))->then;
  }
  return false;
}

/* it helps where many events are alike; else it rests for a while */
static bool rests(in_recall_t *c) {
  if (c->rest > 0) return c->rest--, true;
  if (c->asked++ < ROUND) return false;
  c->rest = c->found < ROUND / 4 ? REST : 0;
  c->asked = c->found = 0;
  return c->rest > 0;
}

bool in_recall_find(in_asking_t *a, interop_script_result_t *r, interop_status_t *status) {
  in_recall_t *c = a->loaded->recall;
  a->place = NULL;
  if (c == NULL || rests(c)) return false;
  if (follow(c, a, r, status)) return c->found++, true;
  a->place = &c->first;
  return false;
}

/* ---- noting, while the script is run */

/* the question that stands at the place where the run has come to, or is put there */
static uint32_t note_question(in_recall_t *c, in_asking_t *a, unsigned what, unsigned of, uint32_t number, in_span_t name) {
  question_t *q;
  if (*a->place == 0) {
    uint32_t place = name.n > TEXT_MAX ? 0 : take(c, sizeof(*q) + name.n);
    if (place == 0) return 0;
    q = at(c, place);
    *q = (question_t) { (uint8_t) what, (uint8_t) of, (uint16_t) name.n, number, 0 };
    if (name.n > 0) memcpy(q->name, name.p, name.n);
    return *a->place = place;
  }
  if (*a->place == NEVER) return 0;
  q = at(c, *a->place);
  return q->what == what && q->of == of && q->number == number && in_eq(in_span(q->name, q->n), name) ? *a->place : 0;
}

static void note(in_asking_t *a, unsigned what, unsigned of, uint32_t number, in_span_t name, interop_status_t status,
                 const interop_value_t *v) {
  in_recall_t *c = a->loaded->recall;
  uint32_t question, *slot;
  uint64_t hash;
  answer_t *answer;
  if (a->place == NULL) return;
  question = is_answer(status) && v->text.n <= TEXT_MAX ? note_question(c, a, what, of, number, name) : 0;
  if (question == 0) {
    if (ROOM - c->top < 2 * TEXT_MAX) forget(c);
    a->place = NULL;
    return;
  }
  hash = hash_of(question, status, v);
  slot = find(c, hash, question, status, v);
  answer = *slot != 0 ? at(c, *slot) : add(c, slot, hash, question, status, v);
  if (answer == NULL) forget(c);
  a->place = answer == NULL ? NULL : &answer->then;
}

void in_recall_field(in_asking_t *a, interop_event_field_t field, interop_status_t status, const interop_value_t *v) {
  if (field == INTEROP_EV_TEXT) in_recall_never(a);
  else note(a, IN_ASK_FIELD, (unsigned) field, 0, IN_NONE, status, v);
}

void in_recall_fact(in_asking_t *a, interop_script_subject_t of, uint32_t number, in_span_t name, interop_status_t status,
                    const interop_value_t *v) {
  note(a, IN_ASK_FACT, (unsigned) of, number, name, status, v);
}

void in_recall_people(in_asking_t *a, const interop_value_t *v) {
  note(a, IN_ASK_PEOPLE, 0, 0, IN_NONE, INTEROP_OK, v);
}

void in_recall_never(in_asking_t *a) {
  if (a->place != NULL && *a->place == 0) *a->place = NEVER;
  a->place = NULL;
}

static size_t texts(const interop_script_result_t *r) {
  size_t n = 0;
  for (uint32_t i = 0; i < r->actions; i++) n += r->action[i].first.n + r->action[i].second.n;
  return n;
}

static in_span_t put(char **to, in_span_t s) {
  in_span_t copy = { s.p == NULL ? NULL : *to, s.n };
  if (s.p != NULL) memcpy(*to, s.p, s.n);
  *to += s.n;
  return copy;
}

void in_recall_end(in_asking_t *a, const interop_script_result_t *r) {
  in_recall_t *c = a->loaded->recall;
  size_t actions = r->actions * sizeof(r->action[0]);
  uint32_t place;
  char *to;
  end_t *e;
  if (a->place == NULL || *a->place != 0) return;
  if (r->end != INTEROP_SE_DONE || texts(r) > ROOM / 16) {
    in_recall_never(a);
    return;
  }
  place = take(c, sizeof(*e) + actions + texts(r));
  if (place == 0) {
    forget(c);
    return;
  }
  e = at(c, place);
  e->what = END;
  e->actions = r->actions;
  e->instructions = r->instructions;
  e->memory = r->memory;
  to = (char *) (e->action + r->actions);
  for (uint32_t i = 0; i < r->actions; i++) {
    const interop_script_action_t *from = &r->action[i];
    e->action[i].kind = from->kind;
    e->action[i].first = put(&to, from->first);
    e->action[i].second = put(&to, from->second);
  }
  *a->place = place;
}
