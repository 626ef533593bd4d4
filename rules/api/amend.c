/*
** amend.c -- single members of a body set, added or removed, all else to the
** byte.
**
** Owns following the amends' pointers; the copying is json_print.c's.
*/
#include "body.h"

/* the pointer's last name apart from what leads to it */
static in_span_t parent_of(in_span_t pointer, in_span_t *last) {
  const char *slash = pointer.n > 0 ? memrchr(pointer.p, '/', pointer.n) : NULL;
  if (slash == NULL) return IN_NONE;
  *last = in_span(slash + 1, pointer.n - (size_t) (slash + 1 - pointer.p));
  return in_span(pointer.p, (size_t) (slash - pointer.p));
}

static in_span_t unescape(in_arena_t *arena, in_span_t raw) {
  char *p = in_arena_get(arena, raw.n + 1);
  size_t n = 0;
  if (p == NULL) return IN_NONE;
  for (size_t i = 0; i < raw.n; i++)
    p[n++] = raw.p[i] != '~' || i + 1 == raw.n ? raw.p[i] : raw.p[++i] == '1' ? '/' : '~';
  return in_span(p, n);
}

static bool apply(const in_json_t *j, bool nocase, const in_amend_t *a, in_arena_t *arena, in_edits_t *e) {
  in_span_t last = IN_NONE, above = parent_of(a->pointer, &last);
  yyjson_val *v = in_json_pointer(j->root, a->pointer, nocase);
  if (above.p == NULL) return true;
  if (v != NULL) {
    if (a->value.p != NULL) in_edits_set(e, v, a->value);
    else in_edits_drop(e, v);
    return true;
  }
  yyjson_val *obj = in_json_pointer(j->root, above, nocase);
  if (a->value.p == NULL || !yyjson_is_obj(obj)) return true;
  in_span_t name = unescape(arena, last);
  if (name.p == NULL) return false;
  in_edits_add(e, obj, name, a->value, false);
  return true;
}

interop_status_t in_body_amend(const in_json_t *j, bool nocase, const in_amend_t *amends, size_t count,
                               in_arena_t *arena, in_span_t *body, bool *changed) {
  in_edits_t e;
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(arena);
  *changed = false;
  if (!in_edits_init(&e, j, arena)) return INTEROP_NOMEM;
  for (size_t i = 0; i < count; i++)
    if (!apply(j, nocase, &amends[i], arena, &e)) return INTEROP_NOMEM;
  if (e.failed) return INTEROP_NOMEM;
  if (!e.any) return INTEROP_OK;
  in_buf_init(&out, &alloc);
  if (!in_buf_reserve(&out, j->source.n)) return INTEROP_NOMEM;
  in_json_splice(&out, &e);
  if (out.failed) return INTEROP_NOMEM;
  *body = in_buf_span(&out);
  *changed = true;
  return INTEROP_OK;
}

interop_status_t in_api_amend(const in_image_t *img, const in_event_t *ev, const in_amend_t *amends,
                              size_t count, in_arena_t *arena, in_write_t *w) {
  bool changed;
  memset(w, 0, sizeof(*w));
  w->make = IN_NIL;
  if (ev->body == NULL || !ev->body->is_json) return INTEROP_FULL;
  interop_status_t rc = in_body_amend(&ev->body->json, ev->body->nocase, amends, count, arena,
                                      &w->body, &changed);
  w->body_changed = w->changed = changed;
  if (changed && ev->body->missing) w->content_type = in_records_ref(img, ev->body->op->accepts, 0);
  return rc;
}

/* ---- by the words that a definition gives */

typedef struct {
  const in_body_t *b;
  const in_member_set_t *set;
  size_t count, next;             /* next: of those of parties, which come in the parties' order */
  uint32_t party;                 /* number of the party that comes next */
  in_edits_t *edits;
} setter_t;

static bool holds_already(yyjson_val *v, in_span_t value) {
  return yyjson_is_str(v) && in_eq(in_json_str(v), value);
}

/* the pointer's last name in what leads to it; nothing where that is not there */
static void set_below(setter_t *s, yyjson_val *v, in_run_t pointer, in_span_t value) {
  in_run_t above = { pointer.first, pointer.count - 1 };
  yyjson_val *at = in_json_follow(v, s->b->img, pointer, s->b->nocase), *parent;
  if (at != NULL) {
    if (!holds_already(at, value)) in_edits_set(s->edits, at, value);
    return;
  }
  parent = above.count == 0 ? v : in_json_follow(v, s->b->img, above, s->b->nocase);
  if (yyjson_is_obj(parent))
    in_edits_add(s->edits, parent, in_records_ref(s->b->img, pointer, pointer.count - 1), value, false);
}

static void set_person(setter_t *s, const in_ai_member_t *m, yyjson_val *element, const in_member_set_t *set) {
  if (set->value.p == NULL) {
    in_edits_drop(s->edits, element);
    return;
  }
  for (uint32_t k = 0; k < m->person_sets.count; k++) {
    const in_ai_choice_t *c = in_records_choice(s->b->img, m->person_sets.first + k);
    if (in_eq(in_body_str(s->b, c->word), set->word)) set_below(s, element, c->pointer, set->value);
  }
}

/* what is to be set in the party that comes next */
static void next_party(setter_t *s, const in_ai_member_t *m, yyjson_val *element) {
  for (; s->next < s->count && s->set[s->next].party <= s->party; s->next++)
    if (s->set[s->next].party == s->party) set_person(s, m, element, &s->set[s->next]);
  s->party++;
}

/* what is to be set in the request itself; a word of people counts once it holds for one of them */
static void set_member(setter_t *s, uint32_t node) {
  const in_body_t *b = s->b;
  const in_ai_member_t *m = &b->node[node];
  for (size_t i = 0; i < s->count; i++) {
    const in_member_set_t *set = &s->set[i];
    in_span_t word = m->role == IN_ROLE_NAME ? IN_SPAN("name") : in_body_str(b, m->word);
    if (set->value.p == NULL || !in_eq(set->word, word)) continue;
    yyjson_val *v = b->bound[node], *parent = v == NULL ? in_body_parent(b, node) : NULL;
    if (v != NULL && !holds_already(v, set->value)) in_edits_set(s->edits, v, set->value);
    else if (parent != NULL) in_edits_add(s->edits, parent, in_body_str(b, m->name), set->value, false);
    return;
  }
}

static void set_all(setter_t *s) {
  const in_body_t *b = s->b;
  yyjson_val *e;
  size_t i, n;
  for (uint32_t k = 0; k < b->shape->nodes; k++) {
    const in_ai_member_t *m = &b->node[k];
    yyjson_val *v = in_body_value(b, k);
    if (m->role == IN_ROLE_NAME || m->role == IN_ROLE_SET) set_member(s, k);
    if (m->role == IN_ROLE_PARTY && v != NULL) next_party(s, m, v);
    if (m->role == IN_ROLE_PARTIES && yyjson_is_arr(v)) yyjson_arr_foreach(v, i, n, e) { next_party(s, m, e); }
  }
}

bool in_api_sets(const in_event_t *ev, in_span_t word) {
  const in_body_t *b = ev->body;
  if (b == NULL || !b->is_json || b->shape == NULL) return false;
  for (uint32_t i = 0; i < b->shape->nodes; i++) {
    const in_ai_member_t *m = &b->node[i];
    if (m->role == IN_ROLE_NAME ? in_eq(word, IN_SPAN("name")) : m->role == IN_ROLE_SET && in_eq(in_body_str(b, m->word), word))
      return true;
    for (uint32_t k = 0; k < m->person_sets.count; k++)
      if (in_eq(in_body_str(b, in_records_choice(b->img, m->person_sets.first + k)->word), word)) return true;
  }
  return false;
}

interop_status_t in_api_set(const in_event_t *ev, const in_member_set_t *sets, size_t count, in_arena_t *arena,
                            in_write_t *w) {
  in_edits_t e;
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(arena);
  const in_body_t *b = ev->body;
  memset(w, 0, sizeof(*w));
  w->make = IN_NIL;
  if (b == NULL || !b->is_json || b->shape == NULL) return INTEROP_OK;
  if (!in_edits_init(&e, &b->json, arena)) return INTEROP_NOMEM;
  setter_t s = { b, sets, count, 0, b->op->captures.party != IN_NIL, &e };
  set_all(&s);
  if (e.failed) return INTEROP_NOMEM;
  if (!e.any) return INTEROP_OK;
  in_buf_init(&out, &alloc);
  if (!in_buf_reserve(&out, b->source.n)) return INTEROP_NOMEM;
  in_json_splice(&out, &e);
  if (out.failed) return INTEROP_NOMEM;
  w->body = in_buf_span(&out);
  w->body_changed = w->changed = true;
  if (b->missing) w->content_type = in_records_ref(b->img, b->op->accepts, 0);
  return INTEROP_OK;
}
