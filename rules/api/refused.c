/*
** refused.c -- an answer that names those whom policy refused, and ids that an
** answer's header Location names.
**
** Owns where in an answer these stand. Must not know why anybody was refused.
** Invariant: what upstream itself put into its list stays in front.
*/
#include "template.h"
#include "path.h"

bool in_api_may_refuse(const in_image_t *img, const in_event_t *ev) {
  return in_records_operation(img, ev->op_index)->refused.count > 0 && ev->body != NULL && ev->body->is_json;
}

interop_status_t in_api_refused(const in_image_t *img, const in_event_t *ev, const in_var_t *vars, size_t count,
                                in_buf_t *out) {
  in_template_put(img, in_records_operation(img, ev->op_index)->refused, false, vars, count, out);
  return out->failed ? INTEROP_NOMEM : INTEROP_OK;
}

/* upstream's own list, and ours behind it */
static void put_list(in_buf_t *out, const yyjson_val *list, in_span_t items) {
  if (list == NULL || yyjson_arr_size((yyjson_val *) (uintptr_t) list) == 0) {
    in_buf_byte(out, '[');
  } else {
    in_json_print(out, list, NULL);
    out->n--;
    in_buf_byte(out, ',');
  }
  in_buf_put(out, items);
  in_buf_byte(out, ']');
}

static interop_status_t put_into(const in_image_t *img, in_json_t *j, in_run_t at, bool nocase, in_span_t items,
                                 in_arena_t *arena, in_span_t *to) {
  in_run_t above = { at.first, at.count - 1 };
  in_edits_t e;
  in_buf_t list, out;
  interop_alloc_t alloc = in_arena_alloc(arena);
  yyjson_val *old = in_json_follow(j->root, img, at, nocase);
  yyjson_val *parent = above.count == 0 ? j->root : in_json_follow(j->root, img, above, nocase);
  if (old != NULL && !yyjson_is_arr(old) && !yyjson_is_null(old)) return INTEROP_SYNTAX;
  if (!yyjson_is_obj(parent)) return INTEROP_SYNTAX;
  if (!in_edits_init(&e, j, arena)) return INTEROP_NOMEM;
  in_buf_init(&list, &alloc);
  put_list(&list, yyjson_is_arr(old) ? old : NULL, items);
  if (list.failed) return INTEROP_NOMEM;
  if (old != NULL) in_edits_set_json(&e, old, in_buf_span(&list));
  else in_edits_add(&e, parent, in_records_ref(img, at, at.count - 1), in_buf_span(&list), true);
  in_buf_init(&out, &alloc);
  in_json_splice(&out, &e);
  if (out.failed || e.failed) return INTEROP_NOMEM;
  *to = in_buf_span(&out);
  return INTEROP_OK;
}

interop_status_t in_api_refused_put(const in_image_t *img, const in_event_t *ev, in_span_t body, in_span_t items,
                                    in_arena_t *arena, in_span_t *to) {
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  bool nocase = (in_records_api(img, op->api)->flags & IN_API_MEMBERS_NOCASE) != 0;
  in_json_t j;
  in_json_error_t err;
  interop_status_t rc;
  if (body.p == NULL) return INTEROP_SYNTAX;
  rc = in_json_parse(in_trim(body).n == 0 ? IN_SPAN("{}") : body, nocase ? IN_JSON_NOCASE : 0, arena, &j, &err);
  return rc == INTEROP_OK ? put_into(img, &j, op->refused_at, nocase, items, arena, to) : rc;
}

/* ---- Location */

bool in_api_wants_location(const in_image_t *img, const in_event_t *ev) {
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  return op->location[0].len + op->location[1].len + op->location[2].len > 0;
}

void in_api_location(const in_image_t *img, const in_event_t *ev, in_span_t location, in_arena_t *arena,
                     struct in_answer_s *a) {
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  in_span_t *to[3] = { &a->message, &a->conversation, &a->call };
  const char *end = location.n > 0 ? memchr(location.p, '?', location.n) : NULL;
  if (end != NULL) location.n = (size_t) (end - location.p);
  while (location.n > 0 && location.p[location.n - 1] == '/') location.n--;
  for (int i = 0; i < 3; i++) {
    if (to[i]->p != NULL || op->location[i].len == 0) continue;
    in_span_t id = in_body_form(arena, location, in_image_str(img, op->location[i]));
    if (id.p != NULL) *to[i] = in_path_decode(id, arena);
  }
}
