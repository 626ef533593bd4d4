/*
** batch.c -- several requests in one: what both forms have in common.
**
** Owns which headers of an item may go on, and whether an item's target can be
** read in one way only. Must not know how a form is written. Invariant: a
** target that leaves the batch's own base, or names a host, is refused.
*/
#include "batch.h"
#include "path.h"
#include "template.h"

void in_batch_refuse(in_batch_t *b, in_span_t reason, in_span_t text) {
  if (b->refusal.p != NULL) return;
  b->refusal = reason;
  b->refusal_text = text;
}

void in_batch_wrong(in_batch_t *b, in_span_t text) {
  in_batch_refuse(b, IN_SPAN("malformed_body"), text);
}

bool in_batch_same(const in_batch_t *b, in_span_t a, in_span_t c) {
  return b->nocase ? in_eq_nocase(a, c) : in_eq(a, c);
}

/* does a header's name begin so? '_' is '-' to many who read them */
static bool begins(in_span_t name, const char *with) {
  size_t i = 0;
  for (; i < name.n && with[i] != 0; i++) {
    char c = in_lower(name.p[i]);
    if (c != with[i] && !(c == '_' && with[i] == '-')) return false;
  }
  return with[i] == 0;
}

bool in_batch_ours(in_span_t name) {
  return name.n > 8 && begins(name, "interop-");
}

/*
** An upstream that listened to these would do what was not judged: the same for
** an item as for a request of its own. Whose item it is the batch's headers say.
*/
bool in_batch_unwanted(in_span_t name) {
  static const char *const names[] = {
    "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
    "authorization", "proxy-authorization", "cookie", "transfer-encoding",
  };
  for (size_t i = 0; i < in_countof(names); i++)
    if (name.n == strlen(names[i]) && begins(name, names[i])) return true;
  return in_batch_ours(name);
}

/* ---- targets */

/* is path below base, both as they were normalised? */
static bool below(const in_path_t *path, const in_path_t *base) {
  if (path->count <= base->count) return false;
  for (uint32_t i = 0; i < base->count; i++)
    if (!in_eq(path->segment[i].raw, base->segment[i].raw)) return false;
  return true;
}

interop_status_t in_batch_target(in_batch_t *b, in_bitem_t *i) {
  in_path_t path, base;
  bool odata = (b->api->flags & IN_API_PATHS_ODATA) != 0;
  interop_status_t rc = in_path_parse(i->target, odata, b->arena, &path);
  memset(&base, 0, sizeof(base));
  if (rc == INTEROP_OK && b->base.n > 0) rc = in_path_parse(b->base, odata, b->arena, &base);
  if (rc != INTEROP_OK) return rc;
  if (path.malformed) i->path_text = IN_SPAN("the url can be read in more than one way");
  else if (!below(&path, &base)) i->path_text = IN_SPAN("the url leads elsewhere");
  else if (memchr(path.segment[base.count].text.p, ':', path.segment[base.count].text.n) != NULL)
    i->path_text = IN_SPAN("the url names a scheme");
  return INTEROP_OK;
}

/* the path that urls are relative to, as the request's own path spells it */
static interop_status_t find_base(in_batch_t *b, const in_match_t *m) {
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  in_match_t bare = *m;
  b->base = IN_SPAN("");
  if (b->form->base == IN_NIL) return INTEROP_OK;
  bare.query = IN_NONE;
  in_buf_init(&out, &alloc);
  if (!in_template_path(b->img, in_records_make(b->img, b->form->base), &bare, &out)) return INTEROP_USAGE;
  if (out.failed) return INTEROP_NOMEM;
  b->base = in_buf_span(&out);
  return INTEROP_OK;
}

/* ---- both forms */

interop_status_t in_batch_read(const in_image_t *img, const in_match_t *m, uint32_t op,
                               const interop_request_t *req, in_arena_t *arena, in_batch_t *b) {
  interop_status_t rc;
  memset(b, 0, sizeof(*b));
  b->img = img;
  b->arena = arena;
  b->op = in_records_operation(img, op);
  b->api = in_records_api(img, b->op->api);
  b->form = in_records_batch(img, b->op->batch);
  b->nocase = (b->api->flags & IN_API_MEMBERS_NOCASE) != 0;
  b->source = req->body;
  rc = find_base(b, m);
  if (rc != INTEROP_OK) return rc;
  rc = b->form->flags & IN_BATCH_PARTS ? in_batch_parts_read(b, req) : in_batch_json_read(b, req);
  for (uint32_t i = 0; i < b->count && rc == INTEROP_OK && b->refusal.p == NULL; i++)
    if (b->item[i].path_text.p == NULL) rc = in_batch_target(b, &b->item[i]);
  return arena->failed ? INTEROP_NOMEM : rc;
}

interop_status_t in_batch_write(in_batch_t *b, const in_batch_send_t *send, in_span_t *body,
                                in_span_t *content_type, bool *changed) {
  *content_type = IN_NONE;
  *body = IN_NONE;
  *changed = false;
  if (b->form->flags & IN_BATCH_PARTS) return in_batch_parts_write(b, send, body, content_type, changed);
  return in_batch_json_write(b, send, body, changed);
}

interop_status_t in_batch_answers(in_batch_t *b, const in_batch_send_t *send, in_span_t body,
                                  in_batch_answer_t *a) {
  interop_status_t rc;
  memset(a, 0, sizeof(*a));
  a->theirs = in_arena_array(b->arena, b->count, sizeof(*a->theirs));
  if (a->theirs == NULL) return INTEROP_NOMEM;
  if (body.p == NULL || body.n == 0) return INTEROP_OK;
  rc = b->form->flags & IN_BATCH_PARTS ? in_batch_parts_answers(b, send, body, a) : in_batch_json_answers(b, body, a);
  for (uint32_t i = 0; i < b->count; i++)
    if (send[i].stays) a->theirs[i].there = false;
  return b->arena->failed ? INTEROP_NOMEM : rc;
}

interop_status_t in_batch_reply(in_batch_t *b, in_batch_answer_t *a, const in_reply_t *reply,
                                in_span_t *type, in_span_t *body) {
  if (b->form->flags & IN_BATCH_PARTS) return in_batch_parts_reply(b, a, reply, type, body);
  *type = IN_SPAN("application/json");
  return in_batch_json_reply(b, a, reply, body);
}
