/*
** batch_answer.c -- the answers to a batch in JSON: upstream's, and the client's.
**
** Owns stitching: one answer for each item, in the order of the request,
** upstream's with the verdict added, else the edge's own. Upstream is not
** judged: an answer that nobody asked for is left out, one that cannot be read
** counts as none.
*/
#include "batch.h"

static in_span_t member(const in_batch_t *b, in_ref_t r) {
  return in_image_str(b->img, r);
}

static yyjson_val *get(const in_batch_t *b, yyjson_val *obj, in_ref_t name) {
  return in_json_get(obj, member(b, name), b->nocase);
}

static yyjson_val *get_body(const in_batch_t *b, yyjson_val *v) {
  yyjson_val *body = get(b, v, b->form->body);
  return body == NULL || yyjson_is_null(body) ? NULL : body;
}

/* ---- upstream's */

static void take(in_batch_t *b, in_batch_answer_t *a, yyjson_val *v) {
  yyjson_val *id = get(b, v, b->form->id), *status = get(b, v, b->form->status), *h;
  uint32_t i = 0, n;
  if (id == NULL || !yyjson_is_str(id)) return;
  while (i < b->count && !in_eq_nocase(b->item[i].id, in_json_str(id))) i++;
  if (i == b->count || a->theirs[i].there) return;
  n = status == NULL || !yyjson_is_raw(status) ? UINT32_MAX : in_json_index(in_json_str(status));
  a->theirs[i].there = true;
  a->theirs[i].at = v;
  a->theirs[i].status = n >= 100 && n <= 999 ? n : 0;
  a->theirs[i].body = get_body(b, v) == NULL ? IN_SPAN("") : IN_NONE;
  h = in_json_get(get(b, v, b->form->headers), IN_SPAN("location"), true);
  if (yyjson_is_str(h)) a->theirs[i].location = in_json_str(h);
}

/* bodies in JSON, in the order of the text; any other cannot be read */
static interop_status_t take_bodies(in_batch_t *b, in_batch_answer_t *a) {
  size_t at, n, count = 0;
  yyjson_val *v, **value = in_arena_array(b->arena, b->count, sizeof(*value));
  in_span_t *where = in_arena_array(b->arena, b->count, sizeof(*where));
  uint32_t *of = in_arena_array(b->arena, b->count, sizeof(*of));
  if (value == NULL || where == NULL || of == NULL) return INTEROP_NOMEM;
  yyjson_arr_foreach(a->list, at, n, v) {
    yyjson_val *body = get_body(b, v);
    uint32_t i = 0;
    while (i < b->count && a->theirs[i].at != v) i++;
    if (i == b->count || body == NULL || !yyjson_is_ctn(body)) continue;
    of[count] = i;
    value[count++] = body;
  }
  in_json_where(&a->json, value, where, count);
  for (size_t k = 0; k < count; k++) a->theirs[of[k]].body = where[k];
  return INTEROP_OK;
}

interop_status_t in_batch_json_answers(in_batch_t *b, in_span_t body, in_batch_answer_t *a) {
  in_json_error_t err;
  size_t at, n;
  yyjson_val *v;
  interop_status_t rc = in_json_parse(body, b->nocase ? IN_JSON_NOCASE : 0, b->arena, &a->json, &err);
  if (rc != INTEROP_OK) return rc == INTEROP_SYNTAX ? INTEROP_OK : rc;
  a->list = get(b, a->json.root, b->form->answers);
  if (a->list == NULL || !yyjson_is_arr(a->list)) return INTEROP_OK;
  a->read = true;
  yyjson_arr_foreach(a->list, at, n, v) { take(b, a, v); }
  return take_bodies(b, a);
}

/* ---- the client's */

static void put_name(in_buf_t *out, in_span_t name) {
  in_json_quote(out, name);
  in_buf_byte(out, ':');
}

static void put_pair(in_buf_t *out, in_span_t name, in_span_t value) {
  if (value.p == NULL) return;
  if (out->p[out->n - 1] != '{') in_buf_byte(out, ',');
  put_name(out, name);
  in_json_quote(out, value);
}

static void put_ours(in_batch_t *b, const in_bitem_t *i, const in_reply_t *r, in_buf_t *out) {
  in_span_t type;
  bool json = r->type.p == NULL || (in_media_type(r->type, &type) && in_media_is_json(type));
  in_buf_byte(out, '{');
  put_name(out, member(b, b->form->id));
  in_json_quote(out, i->id);
  in_buf_byte(out, ',');
  put_name(out, member(b, b->form->status));
  in_buf_printf(out, "%u,", r->status);
  put_name(out, member(b, b->form->headers));
  in_buf_byte(out, '{');
  if (out->failed) return;
  if (r->body.n > 0) put_pair(out, IN_SPAN("Content-Type"), r->type);
  put_pair(out, IN_SPAN("Retry-After"), r->retry);
  put_pair(out, IN_SPAN("WWW-Authenticate"), r->sign_in);
  put_pair(out, IN_SPAN("Interop-Verdict"), r->verdict);
  put_pair(out, IN_SPAN("Interop-Notice"), r->notice);
  in_buf_byte(out, '}');
  if (r->body.n > 0) {
    in_buf_byte(out, ',');
    put_name(out, member(b, b->form->body));
    if (json) in_buf_put(out, r->body);
    else in_json_quote(out, in_media_to_base64(r->body, b->arena));
  }
  in_buf_byte(out, '}');
}

/* does this header of upstream's answer go? ours are told by us alone, a new body has a length of its own */
static bool goes(in_span_t name, const in_reply_t *r) {
  if (in_batch_ours(name)) return true;
  if (!r->body_changed) return false;
  return in_eq_nocase(name, IN_SPAN("content-length")) || in_eq_nocase(name, IN_SPAN("etag"))
         || ((r->body.n == 0 || r->type.p != NULL) && in_eq_nocase(name, IN_SPAN("content-type")));
}

static in_span_t new_type(const in_reply_t *r) {
  return r->body_changed && r->body.n > 0 ? r->type : IN_NONE;
}

static void edit_headers(in_batch_t *b, in_edits_t *e, const in_theirs_t *t, const in_reply_t *r) {
  yyjson_val *h = get(b, t->at, b->form->headers), *k, *v;
  size_t at, n;
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  if (h != NULL && yyjson_is_obj(h)) {
    yyjson_obj_foreach(h, at, n, k, v)
      if (goes(in_json_str(k), r)) in_edits_drop(e, v);
    if (new_type(r).p != NULL) in_edits_add(e, h, IN_SPAN("Content-Type"), new_type(r), false);
    if (r->verdict.p != NULL) in_edits_add(e, h, IN_SPAN("Interop-Verdict"), r->verdict, false);
    if (r->notice.p != NULL) in_edits_add(e, h, IN_SPAN("Interop-Notice"), r->notice, false);
    if (r->recipients.p != NULL) in_edits_add(e, h, IN_SPAN("Interop-Recipients"), r->recipients, false);
    return;
  }
  if (r->verdict.p == NULL) return;
  in_buf_init(&out, &alloc);
  in_buf_byte(&out, '{');
  if (!out.failed) put_pair(&out, IN_SPAN("Content-Type"), new_type(r));
  if (!out.failed) put_pair(&out, IN_SPAN("Interop-Verdict"), r->verdict);
  if (!out.failed) put_pair(&out, IN_SPAN("Interop-Notice"), r->notice);
  if (!out.failed) put_pair(&out, IN_SPAN("Interop-Recipients"), r->recipients);
  in_buf_byte(&out, '}');
  e->failed |= out.failed;
  if (out.failed) return;
  if (h != NULL) in_edits_set_json(e, h, in_buf_span(&out));
  else in_edits_add(e, t->at, member(b, b->form->headers), in_buf_span(&out), true);
}

static void edit_theirs(in_batch_t *b, in_edits_t *e, const in_theirs_t *t, const in_reply_t *r) {
  yyjson_val *body = get(b, t->at, b->form->body), *status = get(b, t->at, b->form->status);
  edit_headers(b, e, t, r);
  if (r->status != 0 && status != NULL)
    in_edits_set_json(e, status, in_arena_printf(b->arena, "%u", r->status));
  if (!r->body_changed) return;
  if (r->body.n == 0) {
    if (body != NULL) in_edits_drop(e, body);
  } else if (body != NULL) {
    in_edits_set_json(e, body, r->body);
  } else {
    in_edits_add(e, t->at, member(b, b->form->body), r->body, true);
  }
}

static void put_list(in_batch_t *b, in_batch_answer_t *a, in_edits_t *e, const in_reply_t *reply, in_buf_t *out) {
  in_buf_byte(out, '[');
  for (uint32_t i = 0; i < b->count && !out->failed; i++) {
    if (i > 0) in_buf_byte(out, ',');
    if (reply[i].ours) put_ours(b, &b->item[i], &reply[i], out);
    else in_json_print(out, a->theirs[i].at, e);
  }
  in_buf_byte(out, ']');
}

interop_status_t in_batch_json_reply(in_batch_t *b, in_batch_answer_t *a, const in_reply_t *reply, in_span_t *body) {
  in_edits_t e;
  in_buf_t list, out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  bool theirs = a != NULL && a->read;
  if (theirs && !in_edits_init(&e, &a->json, b->arena)) return INTEROP_NOMEM;
  for (uint32_t i = 0; i < b->count; i++) {
    if (reply[i].ours) continue;
    if (!theirs) return INTEROP_USAGE;      /* whose answer would that be? */
    edit_theirs(b, &e, &a->theirs[i], &reply[i]);
  }
  in_buf_init(&list, &alloc);
  in_buf_init(&out, &alloc);
  put_list(b, a, theirs ? &e : NULL, reply, &list);
  if (list.failed || (theirs && e.failed)) return INTEROP_NOMEM;
  if (theirs) {
    in_edits_set_json(&e, a->list, in_buf_span(&list));
    if (e.failed) return INTEROP_NOMEM;
    in_json_print(&out, a->json.root, &e);
  } else {
    in_buf_byte(&out, '{');
    put_name(&out, member(b, b->form->answers));
    in_buf_put(&out, in_buf_span(&list));
    in_buf_byte(&out, '}');
  }
  *body = in_buf_span(&out);
  return out.failed ? INTEROP_NOMEM : INTEROP_OK;
}
