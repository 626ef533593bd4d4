/*
** bind.c -- the declared members of a body, found in one walk.
**
** Owns the step from JSON to numbered members. Linear in the body: each
** object that holds declared members is gone through once.
*/
#include "body.h"

in_span_t in_body_scalar(const yyjson_val *v) {
  yyjson_val *w = (yyjson_val *) (uintptr_t) v;
  if (v == NULL) return IN_NONE;
  switch (unsafe_yyjson_get_type(w)) {
    case YYJSON_TYPE_STR: case YYJSON_TYPE_RAW: return in_json_str(v);
    case YYJSON_TYPE_BOOL: return unsafe_yyjson_get_bool(w) ? IN_SPAN("true") : IN_SPAN("false");
    default: return IN_NONE;
  }
}

bool in_body_wrong(in_body_t *b, in_span_t text) {
  if (b->wrong.p == NULL) b->wrong = text;
  return false;
}

uint32_t in_body_child(const in_body_t *b, uint32_t node, in_span_t name) {
  in_run_t run = b->node[node].children;
  uint32_t first = run.first - b->shape->root;
  for (uint32_t i = first; i < first + run.count; i++) {
    in_span_t want = in_body_str(b, b->node[i].name);
    if (want.n == name.n && name.n > 0 && ((want.p[0] ^ name.p[0]) & 0x5f) == 0
        && (b->nocase ? in_eq_nocase(want, name) : in_eq(want, name))) return i;
  }
  return IN_NIL;
}

static unsigned name_slot(in_span_t name) {
  if (name.n == 0) return 0;
  return ((unsigned) name.n * 29 + ((unsigned) name.p[0] & 0x1f) * 7 + ((unsigned) name.p[name.n - 1] & 0x1f)) & 255;
}

static void put_name(in_nameset_t *names, unsigned slot, uint32_t child) {
  names->at[slot] = names->at[slot] == 0 && child < IN_NAME_SEVERAL - 1 ? (uint8_t) (child + 1) : IN_NAME_SEVERAL;
}

const in_nameset_t *in_body_names(const in_body_t *b, uint32_t node, in_nameset_t *room) {
  in_run_t run = b->node[node].children;
  if (b->names != NULL && b->names[node] != NULL) return b->names[node];
  memset(room, 0, sizeof(*room));
  for (uint32_t i = 0; i < run.count; i++)
    put_name(room, name_slot(in_body_str(b, b->node[run.first - b->shape->root + i].name)), i);
  return room;
}

uint32_t in_body_named(const in_body_t *b, uint32_t node, const in_nameset_t *names, in_span_t name) {
  uint32_t at = names->at[name_slot(name)], i;
  if (at == 0) return IN_NIL;
  if (at == IN_NAME_SEVERAL) return in_body_child(b, node, name);
  i = b->node[node].children.first - b->shape->root + at - 1;
  in_span_t want = in_body_str(b, b->node[i].name);
  return (b->nocase ? in_eq_nocase(want, name) : in_eq(want, name)) ? i : IN_NIL;
}

/* the sets of all nodes at once, for a shape that is bound again and again; false: no memory */
bool in_body_keep_names(in_body_t *b) {
  const in_nameset_t **names = in_arena_array(b->arena, b->shape->nodes, sizeof(*names));
  for (uint32_t i = 0; names != NULL && i < b->shape->nodes; i++) {
    in_nameset_t *room;
    if (b->node[i].children.count == 0) continue;
    room = in_arena_raw(b->arena, sizeof(*room));
    if (room == NULL) return false;
    names[i] = in_body_names(b, i, room);
  }
  b->names = names;
  return names != NULL;
}

#define FEW  8u                   /* members that are looked up as they are */

static void bind_one(in_body_t *b, uint32_t node, yyjson_val *v) {
  b->bound[node] = v;
  b->live[node / 64] |= (uint64_t) 1 << node % 64;
}

static void bind_object(in_body_t *b, uint32_t node) {
  size_t n = unsafe_yyjson_get_len(b->bound[node]);
  bool few = n < FEW && b->names == NULL;
  in_nameset_t room;
  const in_nameset_t *names = few ? NULL : in_body_names(b, node, &room);
  for (yyjson_val *k = unsafe_yyjson_get_first(b->bound[node]); n > 0; n--) {
    in_span_t name = in_json_str(k);
    uint32_t child = few ? in_body_child(b, node, name) : in_body_named(b, node, names, name);
    if (child != IN_NIL) bind_one(b, child, k + 1);
    else b->others = true;
    k = unsafe_yyjson_get_next(k + 1);
  }
}

/* a list in place of an object hides what is in it, unless the definition counts too */
static void bind_array(in_body_t *b, uint32_t node) {
  in_run_t run = b->node[node].children;
  for (uint32_t i = 0; i < run.count; i++) {
    uint32_t child = run.first - b->shape->root + i;
    uint32_t at = in_json_index(in_body_str(b, b->node[child].name));
    yyjson_val *v = at == UINT32_MAX ? NULL : yyjson_arr_get(b->bound[node], at);
    if (v != NULL) bind_one(b, child, v);
    else if (at == UINT32_MAX && b->node[node].role == IN_ROLE_NONE) in_body_wrong(b, IN_SPAN("a member must be an object"));
  }
}

void in_body_bind_again(in_body_t *b) {
  memset(b->bound, 0, b->shape->nodes * sizeof(*b->bound));
  memset(b->live, 0, sizeof(b->live));
  bind_one(b, 0, b->json.root);
  b->others = false;
  /* children have higher numbers than their parents */
  for (uint32_t i = 0; i < b->shape->nodes; i = in_body_next(b, i + 1)) {
    if (b->node[i].children.count == 0) continue;
    if (yyjson_is_obj(b->bound[i])) bind_object(b, i);
    else if (yyjson_is_arr(b->bound[i]) && i > 0) bind_array(b, i);
    else if (!yyjson_is_null(b->bound[i]) && b->node[i].role == IN_ROLE_NONE)
      in_body_wrong(b, i == 0 ? IN_SPAN("the body must be an object") : IN_SPAN("a member must be an object"));
  }
}

interop_status_t in_body_bind(in_body_t *b) {
  b->bound = in_arena_raw(b->arena, b->shape->nodes * sizeof(*b->bound));
  if (b->bound == NULL) return INTEROP_NOMEM;
  in_body_bind_again(b);
  return INTEROP_OK;
}

const in_ai_choice_t *in_body_choice(const in_body_t *b, in_run_t choices, in_span_t value) {
  for (uint32_t i = 0; i < choices.count; i++) {
    const in_ai_choice_t *c = in_records_choice(b->img, choices.first + i);
    if (in_media_fits(value, in_body_str(b, c->value))) return c;
  }
  return NULL;
}
