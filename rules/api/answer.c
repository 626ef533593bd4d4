/*
** answer.c -- what the edge answers itself, and what it reads in upstream's
** answers.
**
** Owns error envelopes, ids in answers, the members that a client's own success
** form wants, and originals that are fetched. Upstream is not judged: an answer
** that cannot be read yields nothing, and is handed on as it came.
*/
#include "template.h"

static bool parse(const in_image_t *img, uint32_t api, in_span_t body, in_arena_t *arena, in_json_t *j,
                  interop_status_t *rc) {
  in_json_error_t err;
  bool nocase = (in_records_api(img, api)->flags & IN_API_MEMBERS_NOCASE) != 0;
  *rc = in_json_parse(body, nocase ? IN_JSON_NOCASE : 0, arena, j, &err);
  bool good = *rc == INTEROP_OK;
  if (*rc == INTEROP_SYNTAX) *rc = INTEROP_OK;
  return good;
}

static bool nocase_of(const in_image_t *img, uint32_t api) {
  return (in_records_api(img, api)->flags & IN_API_MEMBERS_NOCASE) != 0;
}

/* ---- the edge's own */

interop_status_t in_api_error(const in_image_t *img, int api, const in_var_t *vars, size_t count,
                              in_arena_t *arena, in_span_t *content_type, in_span_t *body) {
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(arena);
  if (api < 0 || (uint32_t) api >= img->count[IN_S_APIS]) return INTEROP_USAGE;
  const in_ai_api_t *a = in_records_api(img, (uint32_t) api);
  in_buf_init(&out, &alloc);
  in_template_put(img, a->error, false, vars, count, &out);
  if (out.failed) return INTEROP_NOMEM;
  *content_type = in_image_str(img, a->error_type);
  *body = in_buf_span(&out);
  return INTEROP_OK;
}

unsigned in_api_drop_status(const in_image_t *img, const in_event_t *ev) {
  unsigned status = in_records_operation(img, ev->op_index)->success;
  return status != 0 ? status : 202;
}

interop_status_t in_api_make(const in_image_t *img, int api, in_span_t name, const in_match_t *m,
                             const in_var_t *vars, size_t count, in_arena_t *arena, in_made_t *made) {
  in_buf_t path, body;
  interop_alloc_t alloc = in_arena_alloc(arena);
  if (api < 0 || (uint32_t) api >= img->count[IN_S_APIS]) return INTEROP_USAGE;
  const in_ai_api_t *a = in_records_api(img, (uint32_t) api);
  uint32_t i = a->makes.first, end = a->makes.first + a->makes.count;
  while (i < end && !in_eq(in_image_str(img, in_records_make(img, i)->name), name)) i++;
  if (i == end) return INTEROP_MISSING;
  const in_ai_make_t *make = in_records_make(img, i);
  in_buf_init(&path, &alloc);
  in_buf_init(&body, &alloc);
  if (!in_template_path(img, make, m, &path)) return INTEROP_FULL;
  in_template_put(img, make->body, (make->flags & IN_MAKE_RAW) != 0, vars, count, &body);
  if (path.failed || body.failed) return INTEROP_NOMEM;
  made->method = in_image_str(img, make->method);
  made->target = in_buf_span(&path);
  made->content_type = in_image_str(img, make->type);
  made->body = body.n == 0 ? IN_SPAN("") : in_buf_span(&body);
  made->make = i;
  return INTEROP_OK;
}

interop_status_t in_api_pick(const in_image_t *img, uint32_t make, in_span_t body, in_arena_t *arena,
                             in_span_t *text) {
  in_json_t j;
  interop_status_t rc;
  *text = IN_NONE;
  if (make >= img->count[IN_S_MAKES]) return INTEROP_USAGE;
  const in_ai_make_t *m = in_records_make(img, make);
  if (m->pick.count > 0 && parse(img, m->api, body, arena, &j, &rc))
    *text = in_arena_copy(arena, in_body_scalar(in_json_follow(j.root, img, m->pick, nocase_of(img, m->api))));
  else if (m->pick.count > 0)
    return rc;
  return INTEROP_OK;
}

/* ---- upstream's */

static bool sets_member(const in_ai_operation_t *op, const in_write_t *w) {
  return w != NULL && w->make != IN_NIL && w->make == op->makes[IN_MAKE_PLACEHOLDER] && op->set_to.count > 0;
}

bool in_api_wants_answer(const in_image_t *img, const in_event_t *ev, const in_write_t *w) {
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  return op->id.count > 0 || op->conversation_id.count > 0 || op->call_id.count > 0 || sets_member(op, w);
}

/* a copy, for the answer's bytes may be gone before the id is kept */
static in_span_t id_at(const in_image_t *img, const in_json_t *j, in_run_t pointer, bool nocase, in_arena_t *arena) {
  if (pointer.count == 0) return IN_NONE;
  yyjson_val *v = in_json_follow(j->root, img, pointer, nocase);
  return yyjson_is_str(v) || yyjson_is_raw(v) ? in_arena_copy(arena, in_body_scalar(v)) : IN_NONE;
}

in_span_t in_pointer_text(const in_image_t *img, in_run_t names, in_arena_t *arena) {
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(arena);
  in_buf_init(&out, &alloc);
  for (uint32_t i = 0; i < names.count; i++) {
    in_span_t s = in_records_ref(img, names, i);
    in_buf_byte(&out, '/');
    for (size_t k = 0; k < s.n; k++) {
      if (s.p[k] == '~') in_buf_put(&out, IN_SPAN("~0"));
      else if (s.p[k] == '/') in_buf_put(&out, IN_SPAN("~1"));
      else in_buf_byte(&out, s.p[k]);
    }
  }
  return out.failed ? IN_NONE : in_buf_span(&out);
}

static interop_status_t set_member(const in_image_t *img, const in_ai_operation_t *op, const in_json_t *j,
                                   in_arena_t *arena, in_answer_t *a) {
  bool nocase = nocase_of(img, op->api);
  in_amend_t amend = { in_pointer_text(img, op->set_to, arena), id_at(img, j, op->set_from, nocase, arena) };
  if (amend.pointer.p == NULL) return INTEROP_NOMEM;
  if (amend.value.p == NULL) return INTEROP_OK;
  return in_body_amend(j, nocase, &amend, 1, arena, &a->body, &a->body_changed);
}

interop_status_t in_api_answer(const in_image_t *img, const in_event_t *ev, const in_write_t *w,
                               in_span_t body, in_arena_t *arena, in_answer_t *a) {
  in_json_t j;
  interop_status_t rc;
  memset(a, 0, sizeof(*a));
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  if (!parse(img, op->api, body, arena, &j, &rc)) return rc;
  bool nocase = nocase_of(img, op->api);
  a->message = id_at(img, &j, op->id, nocase, arena);
  a->conversation = id_at(img, &j, op->conversation_id, nocase, arena);
  a->call = id_at(img, &j, op->call_id, nocase, arena);
  a->call_too = id_at(img, &j, op->call_too, nocase, arena);
  if (arena->failed) return INTEROP_NOMEM;
  return sets_member(op, w) ? set_member(img, op, &j, arena, a) : INTEROP_OK;
}

/* ---- originals */

interop_target_t in_api_fetch(const in_image_t *img, const in_match_t *m, const in_event_t *ev,
                              in_arena_t *arena) {
  interop_target_t t = { IN_NONE, IN_NONE };
  in_buf_t path;
  interop_alloc_t alloc = in_arena_alloc(arena);
  in_match_t bare = *m;
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  if (op->original == IN_NIL) return t;
  /* the client's own query could hide a part of the original */
  if (in_records_api(img, op->api)->flags & IN_API_PATHS_ODATA) bare.query = IN_NONE;
  in_buf_init(&path, &alloc);
  if (!in_template_path(img, in_records_make(img, op->original), &bare, &path) || path.failed) return t;
  t.method = in_image_str(img, in_records_make(img, op->original)->method);
  t.target = in_buf_span(&path);
  return t;
}

bool in_api_asks_who(const in_image_t *img, const in_event_t *ev) {
  return (in_records_operation(img, ev->op_index)->flags & IN_OPER_WHO) != 0;
}

interop_status_t in_api_original(const in_image_t *img, const in_event_t *ev, in_span_t body,
                                 in_arena_t *arena, in_original_t *o) {
  interop_status_t rc;
  in_event_t old;
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  memset(o, 0, sizeof(*o));
  memset(&old, 0, sizeof(old));
  o->kind = INTEROP_K_OTHER;
  if (op->original == IN_NIL) return INTEROP_OK;
  in_body_t *b = in_body_new(img, ev->op_index, op->original_shape, arena);
  if (b == NULL) return INTEROP_NOMEM;
  b->is_json = true;
  b->source = body;
  if (!parse(img, op->api, body, arena, &b->json, &rc)) return rc;
  rc = in_body_read(b, &old);
  if (rc != INTEROP_OK || b->wrong.p != NULL) return rc;
  if (b->op->flags & IN_OPER_WHO) {
    if (old.party_count == 1) o->author = in_arena_copy(arena, old.parties[0]);
    return arena->failed ? INTEROP_NOMEM : INTEROP_OK;
  }
  o->known = old.has_content;
  o->kind = old.kind;
  o->author = id_at(img, &b->json, op->original_author, b->nocase, arena);
  return INTEROP_OK;
}
