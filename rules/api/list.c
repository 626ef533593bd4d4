/*
** list.c -- lists in upstream's answers: people and messages.
**
** Owns finding the elements and what they say of themselves; what to set or
** take away is the caller's to decide. An element that cannot be read stays as
** it is, without an id.
*/
#include "body.h"

/* of a copy: the answer's bytes may be gone before the list is */
static interop_status_t parse(const in_image_t *img, const in_ai_operation_t *op, in_span_t body,
                              in_arena_t *arena, in_json_t *j) {
  in_json_error_t err;
  bool nocase = (in_records_api(img, op->api)->flags & IN_API_MEMBERS_NOCASE) != 0;
  body = in_arena_copy(arena, body);
  if (arena->failed) return INTEROP_NOMEM;
  return in_json_parse(body, nocase ? IN_JSON_NOCASE : 0, arena, j, &err);
}

/* the elements' shape bound to one of them */
static interop_status_t read_item(in_body_t *b, yyjson_val *element, in_item_t *item) {
  in_party_t party = { IN_NONE, IN_NONE, 0 };
  b->json.root = element;
  memset(b->bound, 0, b->shape->nodes * sizeof(*b->bound));
  in_body_bind_again(b);
  b->wrong = IN_NONE;
  for (uint32_t i = 0; i < b->shape->nodes; i++) {
    yyjson_val *v = in_body_value(b, i);
    if (v == NULL) continue;
    if (b->node[i].role == IN_ROLE_TIME && yyjson_is_str(v)) item->time = in_json_str(v);
    if (b->node[i].role != IN_ROLE_PARTY) continue;
    (void) in_body_person(b, &b->node[i], v, &party);
    item->id = party.id;
    item->name = party.name;
  }
  return b->arena->failed ? INTEROP_NOMEM : INTEROP_OK;
}

static in_span_t name_pointer(const in_body_t *b) {
  for (uint32_t i = 0; i < b->shape->nodes; i++)
    if (b->node[i].role == IN_ROLE_PARTY && b->node[i].person_name.count > 0)
      return in_pointer_text(b->img, b->node[i].person_name, b->arena);
  return IN_NONE;
}

static interop_status_t read_items(in_body_t *b, yyjson_val *elements, in_list_t *list) {
  size_t i, n;
  yyjson_val *e;
  list->items = in_arena_array(b->arena, yyjson_arr_size(elements), sizeof(*list->items));
  b->bound = in_arena_array(b->arena, b->shape->nodes, sizeof(*b->bound));
  if (list->items == NULL || b->bound == NULL) return INTEROP_NOMEM;
  yyjson_arr_foreach(elements, i, n, e) {
    interop_status_t rc = read_item(b, e, &list->items[list->count++]);
    if (rc != INTEROP_OK) return rc;
  }
  return INTEROP_OK;
}

interop_status_t in_api_list(const in_image_t *img, const in_event_t *ev, in_span_t body,
                             in_arena_t *arena, in_list_t *list) {
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  memset(list, 0, sizeof(*list));
  if (op->list == IN_NIL) return INTEROP_MISSING;
  in_body_t *b = in_body_new(img, ev->op_index, op->list, arena);
  if (b == NULL) return INTEROP_NOMEM;
  interop_status_t rc = parse(img, op, body, arena, &b->json);
  if (rc != INTEROP_OK) return rc == INTEROP_SYNTAX ? INTEROP_OK : rc;
  b->is_json = true;
  list->at = in_pointer_text(img, op->list_at, arena);
  list->name = name_pointer(b);
  yyjson_val *elements = in_json_follow(b->json.root, img, op->list_at, b->nocase);
  if (arena->failed) return INTEROP_NOMEM;
  return yyjson_is_arr(elements) ? read_items(b, elements, list) : INTEROP_OK;
}

interop_status_t in_api_amend_answer(const in_image_t *img, const in_event_t *ev, in_span_t body,
                                     const in_amend_t *amends, size_t count, in_arena_t *arena,
                                     in_span_t *to, bool *changed) {
  in_json_t j;
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  *changed = false;
  interop_status_t rc = parse(img, op, body, arena, &j);
  if (rc != INTEROP_OK) return rc == INTEROP_SYNTAX ? INTEROP_OK : rc;
  bool nocase = (in_records_api(img, op->api)->flags & IN_API_MEMBERS_NOCASE) != 0;
  return in_body_amend(&j, nocase, amends, count, arena, to, changed);
}
