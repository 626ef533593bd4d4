/*
** verify.c -- a loaded image's API sections are sound.
**
** Owns the checks that every other file at run time relies on: indices and runs
** inside their sections, strings inside STRINGS, enum values known, trees that
** are trees (each node's children in the run that follows the last one's), and
** chains that end.
*/
#include "batch.h"
#include "records.h"

typedef struct {
  const in_image_t *img;
  interop_diag_t *diag;
} check_t;

static bool bad(check_t *k, const char *what, uint32_t i) {
  in_diag_set(k->diag, INTEROP_DAMAGED, "the image's %s %u is damaged", what, i);
  return false;
}

static bool ref(const check_t *k, in_ref_t r) {
  return in_image_ref_ok(k->img, r);
}

static bool run(const check_t *k, in_section_t s, in_run_t r) {
  return in_image_run_ok(k->img, s, r);
}

static bool refs(const check_t *k, in_run_t r) {
  return run(k, IN_S_REFS, r);
}

static bool index_ok(const check_t *k, in_section_t s, uint32_t i) {
  return i == IN_NIL || i < k->img->count[s];
}

static bool feature(uint32_t f) {
  return f == IN_NIL || f < INTEROP_FEATURE_COUNT;
}

static bool capture(uint32_t n) {
  return n == IN_NIL || n < IN_CAPTURES;
}

/* ---- one record each */

static bool check_choice(const check_t *k, const in_ai_choice_t *c) {
  return ref(k, c->value) && ref(k, c->word) && ref(k, c->form) && refs(k, c->pointer)
         && refs(k, c->when) && refs(k, c->likes);
}

static bool check_formats(const check_t *k, in_run_t r) {
  if (!run(k, IN_S_CHOICES, r)) return false;
  for (uint32_t i = 0; i < r.count; i++)
    if (in_records_choice(k->img, r.first + i)->means > IN_FORMAT_MARKDOWN) return false;
  return true;
}

static bool check_features(const check_t *k, in_run_t r) {
  if (!run(k, IN_S_CHOICES, r)) return false;
  for (uint32_t i = 0; i < r.count; i++)
    if (!feature(in_records_choice(k->img, r.first + i)->means)) return false;
  return true;
}

static bool check_member(const check_t *k, const in_ai_member_t *m) {
  if (m->role >= IN_ROLE_COUNT || !feature(m->feature) || !ref(k, m->name)) return false;
  if (m->role == IN_ROLE_PARTS && m->feature == IN_NIL && m->choices.count == 0) return false;
  if (m->role == IN_ROLE_CARD && m->feature == IN_NIL && m->choices.count == 0) return false;
  if (!run(k, IN_S_CHOICES, m->choices)
      || (m->role != IN_ROLE_FORMAT && m->role != IN_ROLE_TYPE && !check_features(k, m->choices)))
    return false;
  return refs(k, m->by) && refs(k, m->url) && refs(k, m->bytes) && run(k, IN_S_CHOICES, m->person)
         && refs(k, m->person_name) && refs(k, m->person_at) && run(k, IN_S_MEMBERS, m->children)
         && run(k, IN_S_CHOICES, m->person_sets) && ref(k, m->word)
         && ref(k, m->over) && ref(k, m->slots) && (m->most == 0 || (m->role == IN_ROLE_PARTIES && m->over.len > 0));
}

static bool check_slots(const check_t *k, const in_ai_member_t *m) {
  unsigned char slots[IN_NAME_SLOTS] = { 0 };
  for (uint32_t i = 0; i < m->children.count; i++)
    in_name_put(slots, in_image_str(k->img, in_records_member(k->img, m->children.first + i)->name), i);
  return in_eq(in_image_str(k->img, m->slots), in_span((const char *) slots, m->children.count == 0 ? 0 : sizeof(slots)));
}

static bool check_shape(const check_t *k, const in_ai_shape_t *s) {
  in_run_t nodes = { s->root, s->nodes };
  uint32_t next = s->root + 1, asked[in_countof(s->asked)] = { 0 };
  if (s->nodes == 0 || s->nodes > IN_BODY_NODES || !run(k, IN_S_MEMBERS, nodes)) return false;
  for (uint32_t i = 0; i < s->nodes; i++) {
    const in_ai_member_t *m = in_records_member(k->img, s->root + i);
    if ((m->flags & IN_MEMBER_REQUIRED) || m->role == IN_ROLE_NAME) asked[i / 32] |= 1u << i % 32;
    if (m->children.first != next || m->children.count > s->root + s->nodes - next) return false;
    if (!check_slots(k, m)) return false;
    next += m->children.count;
  }
  if (next != s->root + s->nodes || memcmp(asked, s->asked, sizeof(asked)) != 0) return false;
  return (s->content == IN_NIL || s->content < s->nodes) && (s->format == IN_NIL || s->format < s->nodes)
         && (s->images == IN_NIL || s->images < s->nodes)
         && (s->text_format == IN_NIL || s->text_format <= IN_FORMAT_MARKDOWN)
         && check_formats(k, s->formats) && check_formats(k, s->raw) && ref(k, s->image_prefix)
         && ref(k, s->image_suffix) && refs(k, s->image_id) && refs(k, s->exactly_one);
}

static bool check_make(const check_t *k, const in_ai_make_t *m) {
  return ref(k, m->name) && ref(k, m->method) && ref(k, m->type) && refs(k, m->path) && refs(k, m->body)
         && m->path.count % 2 == 1 && (m->body.count == 0 || m->body.count % 2 == 1)
         && refs(k, m->keep) && refs(k, m->pick) && m->api < k->img->count[IN_S_APIS];
}

static bool check_operation(const check_t *k, uint32_t i, const in_ai_operation_t *o) {
  if (o->operation >= INTEROP_OPERATION_COUNT || o->api >= k->img->count[IN_S_APIS]) return false;
  if (o->next != IN_NIL && (o->next <= i || o->next >= k->img->count[IN_S_OPERATIONS])) return false;
  if (o->success > 999 || !capture(o->captures.conversation) || !capture(o->captures.message)
      || !capture(o->captures.party) || !capture(o->captures.call)) return false;
  if ((o->original == IN_NIL) != (o->original_shape == IN_NIL)) return false;
  return ref(k, o->method) && ref(k, o->path) && refs(k, o->when) && refs(k, o->when_values)
         && ref(k, o->when_query) && refs(k, o->accepts) && index_ok(k, IN_S_SHAPES, o->shape)
         && ref(k, o->query_conversation) && ref(k, o->conversation_type) && ref(k, o->asks)
         && index_ok(k, IN_S_MAKES, o->makes[IN_MAKE_PLACEHOLDER])
         && index_ok(k, IN_S_MAKES, o->makes[IN_MAKE_REPLY]) && index_ok(k, IN_S_MAKES, o->makes[IN_MAKE_PLAIN])
         && refs(k, o->set_to) && refs(k, o->set_from) && refs(k, o->id) && refs(k, o->conversation_id)
         && refs(k, o->call_id) && refs(k, o->call_too) && index_ok(k, IN_S_MAKES, o->original)
         && index_ok(k, IN_S_SHAPES, o->original_shape) && refs(k, o->original_author)
         && feature(o->shows) && index_ok(k, IN_S_SHAPES, o->list) && refs(k, o->list_at)
         && refs(k, o->refused_at) && refs(k, o->refused) && (o->refused.count == 0 || o->refused.count % 2 == 1)
         && ref(k, o->location[0]) && ref(k, o->location[1]) && ref(k, o->location[2])
         && index_ok(k, IN_S_BATCHES, o->batch)
         && (o->operation == INTEROP_OP_BATCH) == (o->batch != IN_NIL) && (o->batch == IN_NIL || o->accepts.count > 0);
}

static bool check_batch(const check_t *k, const in_ai_batch_t *b) {
  const in_ref_t names[] = { b->over, b->silent, b->failed, b->list, b->answers, b->id, b->method, b->url, b->headers,
                             b->body, b->status, b->after };
  for (size_t i = 0; i < in_countof(names); i++)
    if (!ref(k, names[i])) return false;
  return b->limit > 0 && b->limit <= IN_BATCH_ITEMS && index_ok(k, IN_S_MAKES, b->base);
}

static bool check_element(const check_t *k, const in_ai_element_t *e) {
  return ref(k, e->tag) && ref(k, e->attr) && ref(k, e->value) && ref(k, e->text_attr) && feature(e->feature);
}

static bool check_route(const check_t *k, const in_ai_route_t *r) {
  if (!ref(k, r->prefix) || !ref(k, r->suffix) || !capture(r->capture) || !run(k, IN_S_INDEXES, r->operations))
    return false;
  const uint32_t *op = in_records_index(k->img, r->operations);
  for (uint32_t i = 0; i < r->operations.count; i++)
    if (op[i] >= k->img->count[IN_S_OPERATIONS]) return false;
  return true;
}

/* the trie of one API; *next: the first node that belongs to no API yet */
static bool check_trie(const check_t *k, const in_ai_api_t *a, uint32_t *next) {
  uint32_t count = k->img->count[IN_S_ROUTES];
  if (a->route != *next || a->route >= count) return false;
  *next = a->route + 1;
  for (uint32_t i = a->route; i < *next; i++) {
    in_run_t r = in_records_route(k->img, i)->children;
    if (r.first != *next || r.count > count - *next) return false;
    *next += r.count;
  }
  return true;
}

static bool check_api(const check_t *k, const in_ai_api_t *a) {
  return ref(k, a->name) && a->system < k->img->count[IN_S_SYSTEMS] && refs(k, a->captures)
         && a->captures.count <= IN_CAPTURES && run(k, IN_S_OPERATIONS, a->operations)
         && run(k, IN_S_ELEMENTS, a->elements) && refs(k, a->gif_hosts) && run(k, IN_S_MAKES, a->makes)
         && ref(k, a->error_type) && refs(k, a->error) && a->error.count % 2 == 1
         && index_ok(k, IN_S_MAKES, a->meeting) && index_ok(k, IN_S_MAKES, a->link)
         && (a->meeting == IN_NIL) == (a->link == IN_NIL) && refs(k, a->named) && refs(k, a->pairs)
         && a->pairs.count % 3 == 0;
}

/* ---- all of a section */

#define CHECK_ALL(section, what, call) \
  for (uint32_t i = 0; i < k.img->count[IN_S_##section]; i++) \
    if (!(call)) { bad(&k, what, i); return INTEROP_DAMAGED; }

interop_status_t in_api_verify(const in_image_t *img, interop_diag_t *diag) {
  check_t k = { img, diag };
  uint32_t next = 0;
  const in_ref_t *r = (const in_ref_t *) img->section[IN_S_REFS];
  CHECK_ALL(REFS, "string", ref(&k, r[i]))
  CHECK_ALL(CHOICES, "choice", check_choice(&k, in_records_choice(img, i)))
  CHECK_ALL(MEMBERS, "member", check_member(&k, in_records_member(img, i)))
  CHECK_ALL(SHAPES, "shape", check_shape(&k, in_records_shape(img, i)))
  CHECK_ALL(ELEMENTS, "element", check_element(&k, in_records_element(img, i)))
  CHECK_ALL(MAKES, "request", check_make(&k, in_records_make(img, i)))
  CHECK_ALL(BATCHES, "batch", check_batch(&k, in_records_batch(img, i)))
  CHECK_ALL(OPERATIONS, "operation", check_operation(&k, i, in_records_operation(img, i)))
  CHECK_ALL(ROUTES, "route", check_route(&k, in_records_route(img, i)))
  CHECK_ALL(APIS, "api", check_api(&k, in_records_api(img, i)) && check_trie(&k, in_records_api(img, i), &next))
  return INTEROP_OK;
}
