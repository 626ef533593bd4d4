/*
** batch_parts_write.c -- multipart bodies written: a batch that goes on, and the
** one answer to it.
**
** Owns the spelling of messages and the choice of a boundary. Invariants: no
** boundary stands in what it delimits; what nobody changed is copied as it came.
*/
#include "batch.h"

static void put_line(in_buf_t *out, in_span_t name, in_span_t value) {
  if (value.p == NULL) return;
  in_buf_put(out, name);
  in_buf_put(out, IN_SPAN(": "));
  in_buf_put(out, value);
  in_buf_put(out, IN_SPAN("\r\n"));
}

/* ---- a boundary that nothing in the parts holds */

static bool is_free(const in_span_t *part, uint32_t n, in_span_t boundary, in_arena_t *arena) {
  in_span_t d = in_arena_printf(arena, "--%.*s", (int) boundary.n, boundary.p);
  for (uint32_t i = 0; i < n; i++)
    if (d.p == NULL || in_contains(part[i], d)) return false;
  return true;
}

/* old where it will do; else one made of what the parts are, so that none can be written to hold it */
static in_span_t choose(const in_span_t *part, uint32_t n, in_span_t old, in_arena_t *arena) {
  uint64_t hash = n;
  if (old.p != NULL && is_free(part, n, old, arena)) return old;
  for (uint32_t i = 0; i < n; i++) hash = hash * 31 + in_hash64(part[i].p, part[i].n);
  for (unsigned tries = 0; tries < 8; tries++) {
    in_span_t b = in_arena_printf(arena, "batch-%u-%08x%08x", tries, (unsigned) (hash >> 32), (unsigned) hash);
    if (b.p != NULL && is_free(part, n, b, arena)) return b;
  }
  return IN_NONE;
}

static interop_status_t join(in_batch_t *b, const in_span_t *part, uint32_t n, in_span_t boundary, in_span_t *body) {
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  size_t size = 8;
  in_buf_init(&out, &alloc);
  for (uint32_t i = 0; i < n; i++) size += part[i].n + boundary.n + 6;
  (void) in_buf_reserve(&out, size + boundary.n);
  for (uint32_t i = 0; i < n; i++) {
    in_buf_put(&out, IN_SPAN("--"));
    in_buf_put(&out, boundary);
    in_buf_put(&out, IN_SPAN("\r\n"));
    in_buf_put(&out, part[i]);
    in_buf_put(&out, IN_SPAN("\r\n"));
  }
  in_buf_put(&out, IN_SPAN("--"));
  in_buf_put(&out, boundary);
  in_buf_put(&out, IN_SPAN("--\r\n"));
  *body = in_buf_span(&out);
  return out.failed ? INTEROP_NOMEM : INTEROP_OK;
}

/* the batch's own type, with this boundary */
static in_span_t type_with(in_batch_t *b, in_span_t boundary) {
  in_span_t type = in_records_ref(b->img, b->op->accepts, 0);
  bool quote = false;
  for (size_t i = 0; i < boundary.n; i++) quote |= strchr("(),/:=? ", boundary.p[i]) != NULL;   /* no token */
  return in_arena_printf(b->arena, quote ? "%.*s; boundary=\"%.*s\"" : "%.*s; boundary=%.*s", (int) type.n, type.p,
                         (int) boundary.n, boundary.p);
}

/* ---- what goes on */

static bool is_changed(const in_bitem_t *i, const in_batch_send_t *s) {
  return i->unwanted || s->method.p != NULL || s->target.p != NULL || s->content_type.p != NULL || s->sets > 0
         || s->body_changed;
}

static bool is_set(const in_batch_send_t *s, in_span_t name) {
  for (uint32_t i = 0; i < s->sets; i++)
    if (in_eq_nocase(name, s->set[i].name)) return true;
  return false;
}

/* the message's headers, with the type and length of what it holds now */
static void put_fields(in_batch_t *b, const in_message_t *m, const in_batch_send_t *s, in_buf_t *out) {
  bool typed = false;
  for (uint32_t i = 0; i < m->fields; i++) {
    in_line_t f = m->field[i];
    if (in_batch_unwanted(f.name) || is_set(s, f.name)) continue;
    if (s->content_type.p != NULL && in_eq_nocase(f.name, IN_SPAN("content-type"))) {
      f.value = s->content_type;
      typed = true;
    }
    if (s->body_changed && in_eq_nocase(f.name, IN_SPAN("content-length")))
      f.value = in_arena_printf(b->arena, "%zu", s->body.n);
    put_line(out, f.name, f.value);
  }
  if (!typed) put_line(out, IN_SPAN("Content-Type"), s->content_type);
  for (uint32_t i = 0; i < s->sets; i++) put_line(out, s->set[i].name, s->set[i].value);
}

static interop_status_t put_item(in_batch_t *b, const in_bitem_t *i, const in_batch_send_t *s, in_span_t *part) {
  const in_message_t *m = &i->part.message;
  in_span_t version = in_span(m->line.p + m->line.n - 8, 8);
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  *part = i->part.whole;
  if (!is_changed(i, s)) return INTEROP_OK;
  in_buf_init(&out, &alloc);
  for (uint32_t k = 0; k < i->part.fields; k++) {
    in_line_t f = i->part.field[k];
    if (!in_batch_unwanted(f.name) && !in_eq_nocase(f.name, IN_SPAN("content-length"))) put_line(&out, f.name, f.value);
  }
  in_buf_put(&out, IN_SPAN("\r\n"));
  in_buf_put(&out, s->method.p != NULL ? s->method : i->method);
  in_buf_byte(&out, ' ');
  in_buf_put(&out, s->target.p != NULL ? s->target : i->target);
  in_buf_byte(&out, ' ');
  in_buf_put(&out, version);
  in_buf_put(&out, IN_SPAN("\r\n"));
  put_fields(b, m, s, &out);
  in_buf_put(&out, IN_SPAN("\r\n"));
  in_buf_put(&out, s->body_changed ? s->body : m->body);
  *part = in_buf_span(&out);
  return out.failed ? INTEROP_NOMEM : INTEROP_OK;
}

interop_status_t in_batch_parts_write(in_batch_t *b, const in_batch_send_t *send, in_span_t *body,
                                      in_span_t *content_type, bool *changed) {
  in_span_t *part = in_arena_array(b->arena, b->count, sizeof(*part)), boundary;
  interop_status_t rc = INTEROP_OK;
  uint32_t n = 0;
  if (part == NULL) return INTEROP_NOMEM;
  for (uint32_t i = 0; i < b->count && rc == INTEROP_OK; i++) {
    *changed |= send[i].stays || is_changed(&b->item[i], &send[i]);
    if (!send[i].stays) rc = put_item(b, &b->item[i], &send[i], &part[n++]);
  }
  if (rc != INTEROP_OK || !*changed) return rc;
  boundary = choose(part, n, b->boundary, b->arena);
  if (boundary.p == NULL) return b->arena->failed ? INTEROP_NOMEM : INTEROP_FULL;
  if (!in_eq(boundary, b->boundary)) {
    *content_type = type_with(b, boundary);
    if (content_type->p == NULL) return INTEROP_NOMEM;
  }
  return join(b, part, n, boundary, body);
}

/* ---- what the client gets */

static const char *phrase(unsigned status) {
  static const struct { unsigned status; const char *text; } known[] = {
    { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 400, "Bad Request" },
    { 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 409, "Conflict" }, { 410, "Gone" },
    { 413, "Content Too Large" }, { 415, "Unsupported Media Type" }, { 424, "Failed Dependency" },
    { 429, "Too Many Requests" }, { 500, "Internal Server Error" }, { 502, "Bad Gateway" },
    { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
  };
  for (size_t i = 0; i < in_countof(known); i++)
    if (known[i].status == status) return known[i].text;
  return status < 400 ? "Done" : "Refused";
}

static void put_head(in_buf_t *out, const in_part_t *part, const in_reply_t *r) {
  if (part == NULL) put_line(out, IN_SPAN("Content-Type"), IN_SPAN("application/http; msgtype=response"));
  for (uint32_t i = 0; part != NULL && i < part->fields; i++)
    if (!in_batch_ours(part->field[i].name) && !in_eq_nocase(part->field[i].name, IN_SPAN("content-length")))
      put_line(out, part->field[i].name, part->field[i].value);
  put_line(out, IN_SPAN("Interop-Verdict"), r->verdict);
  put_line(out, IN_SPAN("Interop-Notice"), r->notice);
  put_line(out, IN_SPAN("Interop-Recipients"), r->recipients);
  in_buf_put(out, IN_SPAN("\r\n"));
}

/* upstream's message with another status, another body, or both */
static void put_edited(const in_message_t *m, unsigned was, const in_reply_t *r, in_buf_t *out) {
  unsigned status = r->status != 0 ? r->status : was;
  if (status == was) in_buf_put(out, m->line);
  else in_buf_printf(out, "HTTP/1.1 %u %s", status, phrase(status));
  in_buf_put(out, IN_SPAN("\r\n"));
  for (uint32_t i = 0; i < m->fields; i++) {
    in_span_t name = m->field[i].name;
    if (r->body_changed && (in_eq_nocase(name, IN_SPAN("content-length")) || in_eq_nocase(name, IN_SPAN("etag"))
                            || ((r->body.n == 0 || r->type.p != NULL) && in_eq_nocase(name, IN_SPAN("content-type"))))) continue;
    put_line(out, name, m->field[i].value);
  }
  if (r->body_changed && r->body.n > 0) {
    put_line(out, IN_SPAN("Content-Type"), r->type);
    in_buf_printf(out, "Content-Length: %zu\r\n", r->body.n);
  }
  in_buf_put(out, IN_SPAN("\r\n"));
  in_buf_put(out, r->body_changed ? r->body : m->body);
}

static void put_ours(const in_reply_t *r, in_buf_t *out) {
  in_buf_printf(out, "HTTP/1.1 %u %s\r\n", r->status, phrase(r->status));
  put_line(out, IN_SPAN("Retry-After"), r->retry);
  put_line(out, IN_SPAN("WWW-Authenticate"), r->sign_in);
  if (r->body.n > 0) {
    put_line(out, IN_SPAN("Content-Type"), r->type);
    in_buf_printf(out, "Content-Length: %zu\r\n", r->body.n);
  }
  in_buf_put(out, IN_SPAN("\r\n"));
  in_buf_put(out, r->body);
}

static interop_status_t put_reply(in_batch_t *b, const in_theirs_t *t, const in_reply_t *r, in_span_t *part) {
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  in_buf_init(&out, &alloc);
  put_head(&out, r->ours ? NULL : &t->part, r);
  if (r->ours) put_ours(r, &out);
  else if (r->status == 0 && !r->body_changed) in_buf_put(&out, t->part.content);
  else put_edited(&t->part.message, t->status, r, &out);
  *part = in_buf_span(&out);
  return out.failed ? INTEROP_NOMEM : INTEROP_OK;
}

interop_status_t in_batch_parts_reply(in_batch_t *b, in_batch_answer_t *a, const in_reply_t *reply,
                                      in_span_t *type, in_span_t *body) {
  in_span_t *part = in_arena_array(b->arena, b->count, sizeof(*part)), boundary;
  interop_status_t rc = INTEROP_OK;
  if (part == NULL) return INTEROP_NOMEM;
  for (uint32_t i = 0; i < b->count && rc == INTEROP_OK; i++)
    rc = put_reply(b, a == NULL ? NULL : &a->theirs[i], &reply[i], &part[i]);
  if (rc != INTEROP_OK) return rc;
  boundary = choose(part, b->count, IN_NONE, b->arena);
  if (boundary.p == NULL) return b->arena->failed ? INTEROP_NOMEM : INTEROP_FULL;
  *type = type_with(b, boundary);
  if (type->p == NULL) return INTEROP_NOMEM;
  return join(b, part, b->count, boundary, body);
}
