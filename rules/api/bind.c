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

static bool is_named(const in_body_t *b, uint32_t node, in_span_t name) {
  in_span_t want = in_body_str(b, b->node[node].name);
  return b->nocase ? in_eq_nocase(want, name) : in_eq(want, name);
}

/* most members of a large object are none of the declared ones, and need no look */
uint32_t in_body_child(const in_body_t *b, uint32_t node, in_span_t name) {
  const in_ai_member_t *m = &b->node[node];
  const unsigned char *slots = (const unsigned char *) in_body_str(b, m->slots).p;
  uint32_t first = m->children.first - b->shape->root, at = m->children.count == 0 ? 0 : slots[in_name_slot(name)];
  if (at == 0) return IN_NIL;
  if (at != IN_NAME_SEVERAL) return is_named(b, first + at - 1, name) ? first + at - 1 : IN_NIL;
  for (uint32_t i = first; i < first + m->children.count; i++)
    if (is_named(b, i, name)) return i;
  return IN_NIL;
}

static void bind(in_body_t *b, uint32_t node, yyjson_val *v) {
  b->bound[node] = v;
  b->live.bits[node / 64] |= (uint64_t) 1 << node % 64;
}

static void bind_object(in_body_t *b, uint32_t node) {
  yyjson_val *k = unsafe_yyjson_get_first(b->bound[node]);
  for (size_t n = unsafe_yyjson_get_len(b->bound[node]); n > 0; n--, k = unsafe_yyjson_get_next(k + 1)) {
    uint32_t child = in_body_child(b, node, in_json_str(k));
    if (child != IN_NIL) bind(b, child, k + 1);
    else b->others = true;
  }
}

/* a list in place of an object hides what is in it, unless the definition counts too */
static void bind_array(in_body_t *b, uint32_t node) {
  in_run_t run = b->node[node].children;
  for (uint32_t i = 0; i < run.count; i++) {
    uint32_t child = run.first - b->shape->root + i;
    uint32_t at = in_json_index(in_body_str(b, b->node[child].name));
    yyjson_val *v = at == UINT32_MAX ? NULL : yyjson_arr_get(b->bound[node], at);
    if (v != NULL) bind(b, child, v);
    else if (at == UINT32_MAX && b->node[node].role == IN_ROLE_NONE) in_body_wrong(b, IN_SPAN("a member must be an object"));
  }
}

void in_body_bind_again(in_body_t *b) {
  memset(b->bound, 0, b->shape->nodes * sizeof(*b->bound));
  memset(&b->live, 0, sizeof(b->live));
  bind(b, 0, b->json.root);
  b->others = false;
  /* children have higher numbers than their parents */
  in_nodes_each(&b->live, i) {
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
