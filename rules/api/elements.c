/*
** elements.c -- what upstream's answer holds: people, messages, one by one.
**
** Owns finding the elements, reading what they say, and the edits that are made
** to them; which edits is the caller's to decide. One walk over the answer, all
** that is not edited stays to the byte. Invariant: an answer that does not have
** the form that its definition gives is no answer that could be read.
*/
#include "body.h"

#define MOST_ELEMENTS  4096u      /* far over what any service puts into one answer; more would only cost time */

struct in_elements_s {
  in_body_t *b;                   /* the elements' shape, bound to the present one */
  in_json_t json;                 /* the answer */
  in_edits_t edits;
  bool whole;                     /* the answer is the one element, if nothing is in that */
  bool own;                       /* elements are conversations */
  yyjson_val *now;
  struct { yyjson_val *next; size_t left; } level[IN_JSON_DEPTH];
  unsigned depth;                 /* levels in use */
  size_t count;                   /* elements of all lists that were begun */
  uint32_t more;                  /* number of the node that holds further ones, or IN_NIL */
};

static const in_ai_operation_t *operation(const in_image_t *img, const in_event_t *ev) {
  return in_records_operation(img, ev->op_index);
}

/* ---- what a definition promises */

/* the member of the shape that is set by this word, of a person or of the element */
static const in_ai_member_t *settable(const in_image_t *img, uint32_t shape, in_span_t word, in_run_t *pointer) {
  const in_ai_shape_t *s = in_records_shape(img, shape);
  *pointer = (in_run_t) { 0, 0 };
  for (uint32_t i = 0; i < s->nodes; i++) {
    const in_ai_member_t *m = in_records_member(img, s->root + i);
    if (m->role == IN_ROLE_SET && in_eq(in_image_str(img, m->word), word)) return m;
    if (m->role == IN_ROLE_PARTY && m->person_name.count > 0 && in_eq(word, IN_SPAN("name"))) {
      *pointer = m->person_name;
      return m;
    }
    for (uint32_t k = 0; k < m->person_sets.count; k++) {
      const in_ai_choice_t *c = in_records_choice(img, m->person_sets.first + k);
      *pointer = c->pointer;
      if (in_eq(in_image_str(img, c->word), word)) return m;
    }
  }
  return NULL;
}

static bool has_role(const in_image_t *img, uint32_t shape, in_role_t role) {
  const in_ai_shape_t *s = in_records_shape(img, shape);
  for (uint32_t i = 0; i < s->nodes; i++)
    if (in_records_member(img, s->root + i)->role == (uint32_t) role) return true;
  return false;
}

unsigned in_api_elements_have(const in_image_t *img, const in_event_t *ev) {
  const in_ai_operation_t *op = operation(img, ev);
  if (op->list == IN_NIL) return 0;
  return IN_HAS_ELEMENTS | (has_role(img, op->list, IN_ROLE_CONTENT) ? IN_HAS_CONTENT : 0)
         | (has_role(img, op->list, IN_ROLE_TIME) ? IN_HAS_TIME : 0)
         | (has_role(img, op->list, IN_ROLE_CONVERSATION) ? IN_HAS_OWN : 0)
         | (has_role(img, op->list, IN_ROLE_WITHHELD) ? IN_HAS_WITHHELD : 0)
         | ((op->flags & IN_OPER_ITEM) ? IN_HAS_ONE : 0);
}

uint32_t in_api_shows(const in_image_t *img, const in_event_t *ev) { return operation(img, ev)->shows; }

bool in_api_elements_set(const in_image_t *img, const in_event_t *ev, in_span_t word) {
  const in_ai_operation_t *op = operation(img, ev);
  in_run_t pointer;
  return op->list != IN_NIL && settable(img, op->list, word, &pointer) != NULL;
}

/* ---- opening */

static interop_status_t parse(in_elements_t *e, const in_ai_operation_t *op, in_span_t body, in_arena_t *arena) {
  bool list = op->list_at.count == 0 && !(op->flags & IN_OPER_ITEM);
  in_json_error_t err;
  interop_status_t rc = in_json_parse(body, IN_JSON_BOUNDED | (e->b->nocase ? IN_JSON_NOCASE : 0), arena, &e->json, &err);
  if (rc != INTEROP_OK) return rc;
  if (!(list ? yyjson_is_arr(e->json.root) : yyjson_is_obj(e->json.root))) return INTEROP_SYNTAX;
  return in_edits_init(&e->edits, &e->json, arena) ? INTEROP_OK : INTEROP_NOMEM;
}

/* lists lie in one another no deeper than JSON does */
static void begin_list(in_elements_t *e, yyjson_val *list) {
  e->count += yyjson_arr_size(list);
  if (yyjson_arr_size(list) == 0 || e->depth == IN_JSON_DEPTH) return;
  e->level[e->depth].next = unsafe_yyjson_get_first(list);
  e->level[e->depth++].left = yyjson_arr_size(list);
}

static interop_status_t find(in_elements_t *e, const in_image_t *img, const in_ai_operation_t *op) {
  yyjson_val *list;
  e->whole = (op->flags & IN_OPER_ITEM) != 0;
  e->own = has_role(img, op->list, IN_ROLE_CONVERSATION);
  if (e->whole) {
    e->level[0].next = e->json.root;
    e->level[e->depth++].left = 1;
    return INTEROP_OK;
  }
  list = in_json_follow(e->json.root, img, op->list_at, e->b->nocase);
  if (list == NULL || yyjson_is_null(list)) return INTEROP_OK;
  if (!yyjson_is_arr(list)) return INTEROP_SYNTAX;
  begin_list(e, list);
  return e->count > MOST_ELEMENTS ? INTEROP_SYNTAX : INTEROP_OK;
}

interop_status_t in_api_elements(const in_image_t *img, const in_event_t *ev, in_span_t body,
                                 in_arena_t *arena, in_elements_t **elements) {
  const in_ai_operation_t *op = operation(img, ev);
  in_elements_t *e;
  interop_status_t rc;
  if (op->list == IN_NIL) return INTEROP_MISSING;
  e = in_arena_get(arena, sizeof(*e));
  if (e == NULL || (e->b = in_body_new(img, ev->op_index, op->list, arena)) == NULL) return INTEROP_NOMEM;
  rc = parse(e, op, body, arena);
  if (rc == INTEROP_OK) rc = find(e, img, op);
  if (rc != INTEROP_OK) return rc;
  e->more = IN_NIL;
  for (uint32_t i = 0; i < e->b->shape->nodes; i++)
    if (e->b->node[i].role == IN_ROLE_MORE) e->more = i;
  e->b->is_json = e->b->answers = true;
  e->b->json = e->json;
  e->b->bound = in_arena_array(arena, e->b->shape->nodes, sizeof(*e->b->bound));
  *elements = e;
  return e->b->bound == NULL || !in_body_guess(e->b) ? INTEROP_NOMEM : INTEROP_OK;
}

/* ---- one after the other */

static void read_item(in_body_t *b, in_item_t *item) {
  in_party_t party = { IN_NONE, IN_NONE };
  in_nodes_each(&b->live, i) {
    yyjson_val *v = in_body_value(b, i);
    if (v == NULL) continue;
    switch (b->node[i].role) {
      case IN_ROLE_TIME: if (item->time.p == NULL) item->time = in_body_scalar(v); break;
      case IN_ROLE_MESSAGE: item->message = in_body_scalar(v); break;
      case IN_ROLE_CONVERSATION: item->conversation = in_body_scalar(v); break;
      case IN_ROLE_PARTY:
        (void) in_body_person(b, &b->node[i], v, &party);
        item->id = party.id;
        item->name = party.name;
        break;
      default: break;
    }
  }
}

/* the element's own list of further ones; NULL: it has none */
static yyjson_val *more_of(const in_elements_t *e) {
  return e->more == IN_NIL ? NULL : in_body_value(e->b, e->more);
}

/* what lies in an element that stays comes next */
static bool next(in_elements_t *e) {
  yyjson_val *more = e->now != NULL && in_edits_at(&e->edits, e->now) != IN_EDIT_DROP ? more_of(e) : NULL;
  if (yyjson_is_arr(more) && in_edits_at(&e->edits, more) != IN_EDIT_DROP) begin_list(e, more);
  while (e->depth > 0 && e->level[e->depth - 1].left == 0) e->depth--;
  if (e->depth == 0 || e->count > MOST_ELEMENTS) return false;
  e->now = e->level[e->depth - 1].next;
  if (--e->level[e->depth - 1].left > 0) e->level[e->depth - 1].next = unsafe_yyjson_get_next(e->now);
  return true;
}

bool in_api_element(in_elements_t *e, in_item_t *item) {
  in_body_t *b = e->b;
  yyjson_val *more;
  memset(item, 0, sizeof(*item));
  if (!next(e)) return false;
  b->json.root = e->now;
  b->wrong = IN_NONE;
  in_body_bind_again(b);
  more = more_of(e);
  if (more != NULL && !yyjson_is_arr(more)) in_body_wrong(b, IN_SPAN("a list is wanted"));
  item->whole = e->whole && e->now == e->json.root;
  item->readable = b->wrong.p == NULL;
  if (item->readable) read_item(b, item);
  return true;
}

interop_status_t in_api_element_read(in_elements_t *e, in_event_t *ev) {
  return in_body_item(e->b, ev);
}

interop_status_t in_api_element_write(in_elements_t *e, const in_event_t *ev, interop_verdict_t verdict, in_span_t text,
                                      uint32_t strip, unsigned reduce_flags, in_features_t *lost,
                                      bool *changed) {
  return in_body_rewrite(e->b, ev, verdict, text, strip, reduce_flags, &e->edits, lost, changed);
}

/* sets what the pointer leads to below v; false: there is no such place, or it holds that */
static bool set_at(in_elements_t *e, yyjson_val *v, in_run_t pointer, in_span_t value) {
  in_run_t above = { pointer.first, pointer.count - 1 };
  yyjson_val *at = in_json_follow(v, e->b->img, pointer, e->b->nocase), *parent;
  if (at != NULL) {
    if (yyjson_is_str(at) && in_eq(in_json_str(at), value)) return false;
    in_edits_set(&e->edits, at, value);
    return true;
  }
  parent = above.count == 0 ? v : in_json_follow(v, e->b->img, above, e->b->nocase);
  if (!yyjson_is_obj(parent)) return false;
  in_edits_add(&e->edits, parent, in_records_ref(e->b->img, pointer, pointer.count - 1), value, false);
  return true;
}

bool in_api_element_set(in_elements_t *e, in_span_t word, in_span_t value) {
  in_run_t pointer;
  uint32_t list = (uint32_t) (e->b->shape - in_records_shape(e->b->img, 0));
  const in_ai_member_t *m = settable(e->b->img, list, word, &pointer);
  yyjson_val *v;
  if (m == NULL) return false;
  v = e->b->bound[m - e->b->node];
  if (m->role == IN_ROLE_PARTY) return v != NULL && pointer.count > 0 && set_at(e, v, pointer, value);
  if (v == NULL || (yyjson_is_str(v) && in_eq(in_json_str(v), value))) return false;
  in_edits_set(&e->edits, v, value);
  return true;
}

/* the member of the element that the content is in; NULL: it is not there */
static yyjson_val *around_content(const in_body_t *b) {
  in_run_t top = b->node[0].children;
  uint32_t first = top.first - b->shape->root, node = b->shape->content;
  while (node != IN_NIL && node >= first + top.count) {
    uint32_t up = 1;
    while (node < b->node[up].children.first - b->shape->root
           || node >= b->node[up].children.first - b->shape->root + b->node[up].children.count) up++;
    node = up;
  }
  return node == IN_NIL ? NULL : in_body_value(b, node);
}

bool in_api_element_drop(in_elements_t *e) {
  yyjson_val *v = e->own ? around_content(e->b) : e->whole && e->now == e->json.root ? NULL : e->now;
  if (v == NULL) return false;
  in_edits_drop(&e->edits, v);
  return true;
}

bool in_api_element_withhold(in_elements_t *e) {
  bool some = false;
  for (uint32_t i = 0; i < e->b->shape->nodes; i++) {
    yyjson_val *v = e->b->node[i].role == IN_ROLE_WITHHELD ? in_body_value(e->b, i) : NULL;
    if (v == NULL || (yyjson_is_arr(v) && yyjson_arr_size(v) == 0)) continue;
    in_edits_drop(&e->edits, v);
    some = true;
  }
  return some;
}

interop_status_t in_api_elements_end(in_elements_t *e, in_arena_t *arena, in_span_t *body, bool *changed) {
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(arena);
  *changed = false;
  if (e->count > MOST_ELEMENTS) return INTEROP_SYNTAX;
  if (e->edits.failed) return INTEROP_NOMEM;
  if (!e->edits.any) return INTEROP_OK;
  in_buf_init(&out, &alloc);
  if (!in_buf_reserve(&out, e->json.source.n)) return INTEROP_NOMEM;
  in_json_splice(&out, &e->edits);
  if (out.failed) return INTEROP_NOMEM;
  *body = in_buf_span(&out);
  *changed = true;
  return INTEROP_OK;
}
