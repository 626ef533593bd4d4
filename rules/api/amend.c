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
  (void) img;
  memset(w, 0, sizeof(*w));
  w->make = IN_NIL;
  if (ev->body == NULL || !ev->body->is_json) return INTEROP_FULL;
  interop_status_t rc = in_body_amend(&ev->body->json, ev->body->nocase, amends, count, arena,
                                      &w->body, &changed);
  w->body_changed = w->changed = changed;
  return rc;
}
