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

static inline uint32_t four_at(const char *p) {
  uint32_t w;
  memcpy(&w, p, sizeof(w));
  return w;
}

static inline uint64_t eight_at(const char *p) {
  uint64_t w;
  memcpy(&w, p, sizeof(w));
  return w;
}

/* mostly a name is spelt as it is declared, and then its two ends say so; false: look closer */
static inline bool is_spelt_alike(const char *a, const char *b, size_t n) {
  if (n >= 8) return n <= 16 && eight_at(a) == eight_at(b) && eight_at(a + n - 8) == eight_at(b + n - 8);
  return n >= 4 && four_at(a) == four_at(b) && four_at(a + n - 4) == four_at(b + n - 4);
}

static inline bool is_named(const in_body_t *b, uint32_t node, in_span_t name) {
  in_span_t want = in_body_str(b, b->node[node].name);
  if (want.n != name.n) return false;
  if (is_spelt_alike(want.p, name.p, name.n)) return true;
  return b->nocase ? in_eq_nocase(want, name) : in_eq(want, name);
}

/* the names that are declared in one object */
typedef struct {
  const unsigned char *slots;     /* see in_ai_member_t */
  uint32_t first, count;
} names_t;

static inline names_t names_of(const in_body_t *b, uint32_t node) {
  const in_ai_member_t *m = &b->node[node];
  return (names_t) { (const unsigned char *) in_body_str(b, m->slots).p, m->children.first - b->shape->root,
                     m->children.count };
}

/* most members of a large object are none of the declared ones, and need no look */
static inline __attribute__((always_inline))
uint32_t find_name(const in_body_t *b, const names_t *o, in_span_t name) {
  uint32_t at = o->count == 0 ? 0 : o->slots[in_name_slot(name)];
  if (at == 0) return IN_NIL;
  if (at != IN_NAME_SEVERAL) return is_named(b, o->first + at - 1, name) ? o->first + at - 1 : IN_NIL;
  for (uint32_t i = o->first; i < o->first + o->count; i++)
    if (is_named(b, i, name)) return i;
  return IN_NIL;
}

uint32_t in_body_child(const in_body_t *b, uint32_t node, in_span_t name) {
  const names_t names = names_of(b, node);
  return find_name(b, &names, name);
}

/* roles of members that in_body_features looks at */
#define CARRIED  (IN_ROLE_BIT(IN_ROLE_CONTENT) | IN_ROLE_BIT(IN_ROLE_PARTS) | IN_ROLE_BIT(IN_ROLE_PART) \
                  | IN_ROLE_BIT(IN_ROLE_CARD) | IN_ROLE_BIT(IN_ROLE_INERT) | IN_ROLE_BIT(IN_ROLE_TEXT))

/* what the later steps ask of all members is noted here, so that most of them need no walk */
static inline void bind(in_body_t *b, uint32_t node, yyjson_val *v) {
  const in_ai_member_t *m = &b->node[node];
  uint32_t role = IN_ROLE_BIT(m->role);
  uint64_t bit = (uint64_t) 1 << node % 64;
  b->bound[node] = v;
  b->live.bits[node / 64] |= bit;
  if (m->children.count > 0) b->open.bits[node / 64] |= bit;
  if (role & CARRIED) b->carried.bits[node / 64] |= bit;
  b->roles |= role;
  b->most |= m->most;
  b->nulls |= unsafe_yyjson_is_null(v);
}

static uint32_t guess_name(in_body_t *b, uint32_t node, const names_t *names, in_span_t name) {
  in_guess_t *g = &b->guess[b->names++ % IN_GUESSES];
  if (g->node != node || !in_eq(g->name, name)) *g = (in_guess_t) { name, node, find_name(b, names, name) };
  return g->child;
}

static void bind_object(in_body_t *b, uint32_t node) {
  const names_t names = names_of(b, node);
  yyjson_val *k = unsafe_yyjson_get_first(b->bound[node]);
  for (size_t n = unsafe_yyjson_get_len(b->bound[node]); n > 0; n--, k = unsafe_yyjson_get_next(k + 1)) {
    in_span_t name = in_json_str(k);
    uint32_t child = b->guess != NULL ? guess_name(b, node, &names, name) : find_name(b, &names, name);
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
  memset(&b->open, 0, sizeof(b->open));
  memset(&b->carried, 0, sizeof(b->carried));
  b->roles = b->most = 0;
  b->nulls = b->others = false;
  b->names = 0;
  bind(b, 0, b->json.root);
  /* children have higher numbers than their parents */
  in_nodes_each(&b->open, i) {
    if (yyjson_is_obj(b->bound[i])) bind_object(b, i);
    else if (yyjson_is_arr(b->bound[i]) && i > 0) bind_array(b, i);
    else if (!yyjson_is_null(b->bound[i]) && b->node[i].role == IN_ROLE_NONE)
      in_body_wrong(b, i == 0 ? IN_SPAN("the body must be an object") : IN_SPAN("a member must be an object"));
  }
}

bool in_body_guess(in_body_t *b) {
  b->guess = in_arena_array(b->arena, IN_GUESSES, sizeof(*b->guess));
  for (uint32_t i = 0; b->guess != NULL && i < IN_GUESSES; i++) b->guess[i].node = IN_NIL;
  return b->guess != NULL;
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
