/*
** step.c -- requests that the edge makes by itself for an escalation.
**
** Owns their paths, and which of a conversation's names an API understands.
** Must not know why they are made. What stands in a path before its first name
** in braces is taken from the client's own request where both begin alike: an
** API may be spoken under several prefixes, and answers under the one it gave.
*/
#include "path.h"
#include "template.h"

static uint32_t number_of(const in_image_t *img, const in_ai_api_t *api, in_span_t name) {
  for (uint32_t i = 0; i < api->captures.count; i++)
    if (in_eq(in_records_ref(img, api->captures, i), name)) return i;
  return IN_NIL;
}

/* does the operation's path begin as the made one, up to and with its first name? */
static bool begins_alike(in_span_t path, in_span_t prefix, in_span_t name) {
  in_span_t rest;
  if (!in_starts(path, prefix) || !in_ends(prefix, IN_SPAN("/"))) return false;
  rest = in_span(path.p + prefix.n, path.n - prefix.n);
  return rest.n > name.n + 1 && rest.p[0] == '{' && rest.p[name.n + 1] == '}'
         && in_eq(in_span(rest.p + 1, name.n), name);
}

/* the segments of the client's target before the capture, as it spelt them */
static interop_status_t put_prefix(in_span_t target, bool odata, uint32_t depth, in_arena_t *arena, in_buf_t *out) {
  in_path_t path;
  interop_status_t rc = in_path_parse(target, odata, arena, &path);
  for (uint32_t i = 0; rc == INTEROP_OK && i < depth && i < path.count; i++) {
    in_buf_byte(out, '/');
    in_buf_put(out, path.segment[i].raw);
  }
  if (rc == INTEROP_OK) in_buf_byte(out, '/');
  return rc;
}

static interop_status_t put_path(const in_image_t *img, const in_ai_make_t *make, const in_match_t *m, in_span_t op_path,
                                 in_span_t target, in_arena_t *arena, in_buf_t *out) {
  const in_ai_api_t *api = in_records_api(img, make->api);
  in_span_t prefix = in_records_ref(img, make->path, 0), name, made;
  uint32_t n = IN_NIL;
  interop_status_t rc;
  if (make->path.count > 1) {
    name = in_records_ref(img, make->path, 1);
    n = number_of(img, api, name);
    if (n != IN_NIL && !begins_alike(op_path, prefix, name)) n = IN_NIL;
  }
  if (!in_template_path(img, make, m, out)) return INTEROP_FULL;
  if (n == IN_NIL || out->failed) return INTEROP_OK;
  made = in_buf_span(out);
  in_buf_init(out, out->alloc);
  rc = put_prefix(m->target.p != NULL ? m->target : target, (api->flags & IN_API_PATHS_ODATA) != 0, m->depth[n], arena, out);
  if (rc == INTEROP_OK) in_buf_put(out, in_span(made.p + prefix.n, made.n - prefix.n));
  return rc;
}

interop_status_t in_api_step(const in_image_t *img, const in_step_t *step, const in_match_t *m, in_arena_t *arena,
                             in_made_t *made) {
  in_buf_t path, body;
  interop_alloc_t alloc = in_arena_alloc(arena);
  const in_ai_make_t *make = in_records_make(img, step->make);
  in_match_t own = *m;
  uint32_t n = number_of(img, in_records_api(img, make->api), IN_SPAN("conversation"));
  interop_status_t rc;
  own.query = IN_NONE;
  if (n != IN_NIL && step->conversation.p != NULL) {
    own.capture[n] = step->conversation;
    own.raw[n] = IN_NONE;
  }
  in_buf_init(&path, &alloc);
  in_buf_init(&body, &alloc);
  rc = put_path(img, make, &own, in_image_str(img, in_records_operation(img, step->operation)->path), step->target, arena, &path);
  if (rc != INTEROP_OK) return rc;
  in_template_put(img, make->body, (make->flags & IN_MAKE_RAW) != 0, step->vars, step->var_count, &body);
  if (path.failed || body.failed) return INTEROP_NOMEM;
  made->method = in_image_str(img, make->method);
  made->target = in_buf_span(&path);
  made->content_type = in_image_str(img, make->type);
  made->body = body.n == 0 ? IN_SPAN("") : in_buf_span(&body);
  made->make = step->make;
  return INTEROP_OK;
}

bool in_api_escalates(const in_image_t *img, int api, uint32_t *meeting, uint32_t *link) {
  *meeting = in_records_api(img, (uint32_t) api)->meeting;
  *link = in_records_api(img, (uint32_t) api)->link;
  return *meeting != IN_NIL;
}

in_span_t in_api_asks(const in_image_t *img, const in_event_t *ev) {
  return in_image_str(img, in_records_operation(img, ev->op_index)->asks);
}

/* ---- names of conversations */

static bool looks_like(const in_image_t *img, in_run_t forms, in_span_t name) {
  for (uint32_t i = 0; i < forms.count; i++) {
    in_span_t form = in_records_ref(img, forms, i);
    if (in_ends(form, IN_SPAN("*")) ? in_starts(name, in_span(form.p, form.n - 1)) : in_eq(form, name)) return true;
  }
  return false;
}

in_fit_t in_api_named(const in_image_t *img, int api, in_span_t name) {
  const in_ai_api_t *own = in_records_api(img, (uint32_t) api);
  if (looks_like(img, own->named, name)) return IN_FIT_OWN;
  for (uint32_t i = 0; i < img->count[IN_S_APIS]; i++) {
    const in_ai_api_t *a = in_records_api(img, i);
    if (a->system != own->system && looks_like(img, a->named, name)) return IN_FIT_FOREIGN;
  }
  return IN_FIT_OPEN;
}

in_span_t in_api_pair(const in_image_t *img, uint32_t form, in_span_t a, in_span_t b, in_arena_t *arena) {
  for (uint32_t i = 0; i < img->count[IN_S_APIS]; i++) {
    in_run_t r = in_records_api(img, i)->pairs;
    in_span_t p[3];
    if (form >= r.count / 3) {
      form -= r.count / 3;
      continue;
    }
    for (uint32_t k = 0; k < 3; k++) p[k] = in_records_ref(img, r, 3 * form + k);
    return in_arena_printf(arena, "%.*s%.*s%.*s%.*s%.*s", (int) p[0].n, p[0].p, (int) a.n, a.p, (int) p[1].n, p[1].p,
                           (int) b.n, b.p, (int) p[2].n, p[2].p);
  }
  return IN_NONE;
}
