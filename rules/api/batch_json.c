/*
** batch_json.c -- a batch that is a list in JSON: its items read and rewritten.
**
** Owns the members of an item. An item holds its request's body as JSON, or in
** base64 where its type is another. Invariants: ids are told apart without
** regard to case; what an item waits for is in the batch, and no circle; a
** member that the definition does not name refuses the whole.
*/
#include "batch.h"
#include "path.h"

static in_span_t member(const in_batch_t *b, in_ref_t r) {
  return in_image_str(b->img, r);
}

static yyjson_val *get(const in_batch_t *b, yyjson_val *obj, in_ref_t name) {
  yyjson_val *v = name.len == 0 ? NULL : in_json_get(obj, member(b, name), b->nocase);
  return v == NULL || yyjson_is_null(v) ? NULL : v;
}

/* a text that must be there */
static bool text_of(in_batch_t *b, yyjson_val *item, in_ref_t name, in_span_t *s) {
  yyjson_val *v = get(b, item, name);
  if (v != NULL && yyjson_is_str(v) && unsafe_yyjson_get_len(v) > 0) {
    *s = in_json_str(v);
    return true;
  }
  in_batch_wrong(b, in_arena_printf(b->arena, "an item of the batch has no \"%.*s\" that is a text", (int) member(b, name).n,
                                    member(b, name).p));
  return false;
}

/* ---- an item */

static bool known_members(in_batch_t *b, yyjson_val *item) {
  const in_ref_t names[] = { b->form->id, b->form->method, b->form->url, b->form->headers, b->form->body, b->form->after };
  size_t at, n;
  yyjson_val *k, *v;
  yyjson_obj_foreach(item, at, n, k, v) {
    size_t i = 0;
    while (i < in_countof(names) && !(names[i].len > 0 && in_batch_same(b, member(b, names[i]), in_json_str(k)))) i++;
    if (i == in_countof(names)) return in_batch_wrong(b, IN_SPAN("an item of the batch has a member that nobody declared")), false;
  }
  return true;
}

/* no control character: an item is made a request of its own by who reads the batch */
static bool one_line(in_span_t s) {
  for (size_t i = 0; i < s.n; i++)
    if (((unsigned char) s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f) return false;
  return true;
}

static bool without_space(in_span_t s) {
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char) s.p[i] <= ' ' || s.p[i] == 0x7f) return false;
  return s.n > 0;
}

static bool is_name(in_span_t s) {
  return without_space(s) && memchr(s.p, ':', s.n) == NULL;
}

static bool read_header(in_batch_t *b, in_bitem_t *i, in_span_t name, yyjson_val *v) {
  if (!yyjson_is_str(v)) return in_batch_wrong(b, IN_SPAN("a header of an item must be a text")), false;
  if (!is_name(name) || !one_line(in_json_str(v)))
    return in_batch_wrong(b, IN_SPAN("a header of an item is none")), false;
  if (in_eq_nocase(name, IN_SPAN("content-type"))) {
    if (i->content_type.p != NULL) return in_batch_wrong(b, IN_SPAN("a header of an item stands twice")), false;
    i->content_type = in_json_str(v);
  }
  if (in_eq_nocase(name, IN_SPAN("content-encoding"))) {
    if (i->content_encoding.p != NULL) return in_batch_wrong(b, IN_SPAN("a header of an item stands twice")), false;
    i->content_encoding = in_json_str(v);
  }
  i->unwanted |= in_batch_unwanted(name);
  return true;
}

static bool read_headers(in_batch_t *b, in_bitem_t *i) {
  yyjson_val *h = get(b, i->at, b->form->headers), *k, *v;
  size_t at, n;
  if (h == NULL) return true;
  if (!yyjson_is_obj(h)) return in_batch_wrong(b, IN_SPAN("the headers of an item must be an object")), false;
  yyjson_obj_foreach(h, at, n, k, v)
    if (!read_header(b, i, in_json_str(k), v)) return false;
  return true;
}

/* relative to the base, with or without its first '/' */
static bool read_url(in_batch_t *b, in_bitem_t *i) {
  in_span_t url;
  if (!text_of(b, i->at, b->form->url, &url)) return false;
  if (url.n > IN_BATCH_URL) {     /* it is looked at no more */
    i->path_text = IN_SPAN("the url is too long");
    i->target = IN_SPAN("/");
    return true;
  }
  i->bare = url.p[0] != '/';
  if (url.n > 1 && url.p[0] == '/' && url.p[1] == '/') i->path_text = IN_SPAN("the url names a host");
  i->elsewhere = in_arena_printf(b->arena, "%s%.*s", i->bare ? "/" : "", (int) url.n, url.p);
  i->target = in_arena_printf(b->arena, "%.*s%.*s", (int) b->base.n, b->base.p, (int) i->elsewhere.n, i->elsewhere.p);
  if (!without_space(url)) i->path_text = IN_SPAN("the url can be read in more than one way");
  if (b->base.n == 0) i->elsewhere = IN_NONE;
  return true;
}

static bool read_item(in_batch_t *b, in_bitem_t *i) {
  if (!yyjson_is_obj(i->at)) return in_batch_wrong(b, IN_SPAN("an item of the batch is no object")), false;
  if (!known_members(b, i->at) || !text_of(b, i->at, b->form->id, &i->id)
      || !text_of(b, i->at, b->form->method, &i->method)) return false;
  if (!is_name(i->method)) return in_batch_wrong(b, IN_SPAN("the method of an item is none")), false;
  return read_url(b, i) && read_headers(b, i);
}

/* ---- bodies */

/* the body as bytes; what cannot be read is this item's own fault */
static void take_body(in_batch_t *b, in_bitem_t *i, yyjson_val *v, in_span_t where) {
  in_span_t type;
  bool known = in_media_type(i->content_type, &type);
  i->body = where;
  if (!known || in_media_is_json(type)) {
    if (known && yyjson_is_str(v)) i->body_text = IN_SPAN("the body of this item is no object");
    return;
  }
  i->base64 = true;
  if (!yyjson_is_str(v) || !in_media_from_base64(in_json_str(v), b->arena, &i->body))
    i->body_text = IN_SPAN("the body of this item is not in base64");
}

static interop_status_t read_bodies(in_batch_t *b) {
  yyjson_val **v = in_arena_array(b->arena, b->count, sizeof(*v));
  in_span_t *where = in_arena_array(b->arena, b->count, sizeof(*where));
  uint32_t n = 0;
  if (v == NULL || where == NULL) return INTEROP_NOMEM;
  for (uint32_t i = 0; i < b->count; i++) {
    yyjson_val *body = get(b, b->item[i].at, b->form->body);
    if (body != NULL) v[n++] = body;
  }
  in_json_where(&b->json, v, where, n);
  for (uint32_t i = 0, k = 0; i < b->count; i++) {
    yyjson_val *body = get(b, b->item[i].at, b->form->body);
    if (body == NULL) continue;
    take_body(b, &b->item[i], body, where[k]);
    k++;
  }
  return INTEROP_OK;
}

/* ---- ids, and what waits for what */

static uint32_t by_id(const in_batch_t *b, in_span_t id) {
  uint32_t i = 0;
  while (i < b->count && !in_eq_nocase(b->item[i].id, id)) i++;
  return i;
}

static bool unique_ids(in_batch_t *b) {
  for (uint32_t i = 0; i < b->count; i++)
    if (by_id(b, b->item[i].id) != i) return in_batch_wrong(b, IN_SPAN("two items of the batch have one id")), false;
  return true;
}

/* "$1/...": some who read batches put there what item 1 was answered with */
static void find_references(in_batch_t *b) {
  for (uint32_t i = 0; i < b->count; i++) {
    in_span_t s = b->item[i].elsewhere.p != NULL ? b->item[i].elsewhere : b->item[i].target;
    size_t n = 0;
    while (s.n > 0 && *s.p == '/') s = in_span(s.p + 1, s.n - 1);
    while (n < s.n && memchr("/?", s.p[n], 2) == NULL) n++;
    in_span_t name = in_path_decode(in_span(s.p, n), b->arena);
    if (name.n > 1 && name.p[0] == '$' && by_id(b, in_span(name.p + 1, name.n - 1)) < b->count)
      b->item[i].path_text = IN_SPAN("the url names another item");
  }
}

static bool read_after(in_batch_t *b, in_bitem_t *i) {
  yyjson_val *list = get(b, i->at, b->form->after), *v;
  size_t at, n;
  if (list == NULL) return true;
  if (!yyjson_is_arr(list) || yyjson_arr_size(list) > b->count)
    return in_batch_wrong(b, IN_SPAN("what an item waits for must be a list of ids")), false;
  i->after = in_arena_array(b->arena, yyjson_arr_size(list) + 1, sizeof(*i->after));
  if (i->after == NULL) return false;
  yyjson_arr_foreach(list, at, n, v) {
    uint32_t k = yyjson_is_str(v) ? by_id(b, in_json_str(v)) : b->count;
    if (k == b->count) return in_batch_wrong(b, IN_SPAN("an item waits for one that is not there")), false;
    i->after[i->afters++] = k;
  }
  return true;
}

static bool all_done(const in_bitem_t *i, const bool *done) {
  for (uint32_t k = 0; k < i->afters; k++)
    if (!done[i->after[k]]) return false;
  return true;
}

/* in each round something must become possible */
static bool no_circle(in_batch_t *b) {
  bool done[IN_BATCH_ITEMS] = { false };
  for (uint32_t left = b->count, before = 0; left > 0; ) {
    before = left;
    for (uint32_t i = 0; i < b->count; i++) {
      if (done[i] || !all_done(&b->item[i], done)) continue;
      done[i] = true;
      left--;
    }
    if (left == before) return in_batch_wrong(b, IN_SPAN("items of the batch wait for each other")), false;
  }
  return true;
}

/* ---- the whole */

static bool find_list(in_batch_t *b) {
  yyjson_val *root = b->json.root;
  b->list = get(b, root, b->form->list);
  if (b->list == NULL || !yyjson_is_arr(b->list)) in_batch_wrong(b, IN_SPAN("the body has no list of requests"));
  else if (yyjson_obj_size(root) != 1) in_batch_wrong(b, IN_SPAN("the body has a member that nobody declared"));
  else if (yyjson_arr_size(b->list) == 0) in_batch_wrong(b, IN_SPAN("there is no request in the batch"));
  else if (yyjson_arr_size(b->list) > b->form->limit)
    in_batch_refuse(b, in_image_str(b->img, b->form->over),
                    in_arena_printf(b->arena, "at most %u requests in one", b->form->limit));
  return b->refusal.p == NULL;
}

static interop_status_t parse(in_batch_t *b, in_span_t body) {
  in_json_error_t err;
  interop_status_t rc = in_json_parse(body, IN_JSON_BOUNDED | (b->nocase ? IN_JSON_NOCASE : 0), b->arena, &b->json, &err);
  if (rc != INTEROP_SYNTAX) return rc;
  in_batch_wrong(b, in_arena_printf(b->arena, "the body is no valid JSON at byte %zu: %s", err.offset, err.text));
  return INTEROP_OK;
}

interop_status_t in_batch_json_read(in_batch_t *b, const interop_request_t *req) {
  size_t at, n;
  yyjson_val *v;
  interop_status_t rc = parse(b, req->body);
  if (rc != INTEROP_OK || b->refusal.p != NULL || !find_list(b)) return rc;
  b->item = in_arena_array(b->arena, yyjson_arr_size(b->list), sizeof(*b->item));
  if (b->item == NULL) return INTEROP_NOMEM;
  yyjson_arr_foreach(b->list, at, n, v) {
    b->item[b->count].at = v;
    if (!read_item(b, &b->item[b->count++])) return INTEROP_OK;
  }
  if (!unique_ids(b)) return INTEROP_OK;
  find_references(b);
  for (uint32_t i = 0; i < b->count; i++)
    if (!read_after(b, &b->item[i])) return INTEROP_OK;
  return no_circle(b) ? read_bodies(b) : INTEROP_OK;
}

/* ---- what goes on */

static in_span_t quoted(in_batch_t *b, in_span_t s) {
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  in_buf_init(&out, &alloc);
  in_json_quote(&out, s);
  return out.failed ? IN_NONE : in_buf_span(&out);
}

static bool is_set(const in_batch_send_t *s, in_span_t name) {
  if (s->content_type.p != NULL && in_eq_nocase(name, IN_SPAN("content-type"))) return true;
  for (uint32_t i = 0; i < s->sets; i++)
    if (in_eq_nocase(name, s->set[i].name)) return true;
  return s->body_changed && in_eq_nocase(name, IN_SPAN("content-length"));
}

/* new headers behind those that stay, or an object of them */
static void add_headers(in_batch_t *b, in_edits_t *e, in_bitem_t *i, const in_line_t *line, uint32_t n) {
  yyjson_val *h = get(b, i->at, b->form->headers);
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  if (h != NULL) {
    for (uint32_t k = 0; k < n; k++) in_edits_add(e, h, line[k].name, line[k].value, false);
    return;
  }
  in_buf_init(&out, &alloc);
  for (uint32_t k = 0; k < n; k++) {
    in_buf_byte(&out, k == 0 ? '{' : ',');
    in_json_quote(&out, line[k].name);
    in_buf_byte(&out, ':');
    in_json_quote(&out, line[k].value);
  }
  in_buf_byte(&out, '}');
  e->failed |= out.failed;
  if (out.failed) return;
  h = in_json_get(i->at, member(b, b->form->headers), b->nocase);
  if (h != NULL) in_edits_set_json(e, h, in_buf_span(&out));
  else in_edits_add(e, i->at, member(b, b->form->headers), in_buf_span(&out), true);
}

static void put_headers(in_batch_t *b, in_edits_t *e, in_bitem_t *i, const in_batch_send_t *s) {
  yyjson_val *h = get(b, i->at, b->form->headers), *type = in_json_get(h, IN_SPAN("content-type"), true), *k, *v;
  in_line_t *line = in_arena_array(b->arena, (size_t) s->sets + 1, sizeof(*line));
  size_t at, n;
  uint32_t lines = 0;
  e->failed |= line == NULL;
  if (line == NULL) return;
  if (h != NULL) {
    yyjson_obj_foreach(h, at, n, k, v)
      if (v != type && (in_batch_unwanted(in_json_str(k)) || is_set(s, in_json_str(k)))) in_edits_drop(e, v);
  }
  if (s->content_type.p != NULL && type != NULL) in_edits_set(e, type, s->content_type);
  else if (s->content_type.p != NULL) line[lines++] = (in_line_t) { IN_SPAN("Content-Type"), s->content_type };
  for (uint32_t l = 0; l < s->sets; l++) line[lines++] = s->set[l];
  if (lines > 0) add_headers(b, e, i, line, lines);
}

static void put_body(in_batch_t *b, in_edits_t *e, in_bitem_t *i, const in_batch_send_t *s) {
  yyjson_val *v = in_json_get(i->at, member(b, b->form->body), b->nocase);
  in_span_t json = s->body, type = IN_SPAN("application/json");
  if (s->body.n == 0) {
    if (v != NULL) in_edits_drop(e, v);
    return;
  }
  if (s->content_type.p != NULL ? !in_media_type(s->content_type, &type) || !in_media_is_json(type) : i->base64)
    json = quoted(b, in_media_to_base64(s->body, b->arena));
  if (v != NULL) in_edits_set_json(e, v, json);
  else in_edits_add(e, i->at, member(b, b->form->body), json, true);
}

static void put_after(in_batch_t *b, in_edits_t *e, in_bitem_t *i, const in_batch_send_t *s) {
  yyjson_val *v = get(b, i->at, b->form->after);
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  if (v == NULL) return;
  if (s->afters == 0) {
    in_edits_drop(e, v);
    return;
  }
  in_buf_init(&out, &alloc);
  for (uint32_t k = 0; k < s->afters; k++) {
    in_buf_byte(&out, k == 0 ? '[' : ',');
    in_json_quote(&out, b->item[s->after[k]].id);
  }
  in_buf_byte(&out, ']');
  e->failed |= out.failed;
  if (!out.failed) in_edits_set_json(e, v, in_buf_span(&out));
}

/* false: its target is not below the base */
static bool put_item(in_batch_t *b, in_edits_t *e, in_bitem_t *i, const in_batch_send_t *s) {
  if (s->target.p != NULL) {
    size_t cut = b->base.n + (i->bare ? 1 : 0);
    if (!in_starts(s->target, b->base) || s->target.n <= cut || s->target.p[b->base.n] != '/') return false;
    in_edits_set(e, get(b, i->at, b->form->url), in_span(s->target.p + cut, s->target.n - cut));
  }
  if (s->method.p != NULL) in_edits_set(e, get(b, i->at, b->form->method), s->method);
  if (i->unwanted || s->body_changed || s->sets > 0 || s->content_type.p != NULL) put_headers(b, e, i, s);
  if (s->body_changed) put_body(b, e, i, s);
  if (s->after_changed) put_after(b, e, i, s);
  return true;
}

interop_status_t in_batch_json_write(in_batch_t *b, const in_batch_send_t *send, in_span_t *body, bool *changed) {
  in_edits_t e;
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  if (!in_edits_init(&e, &b->json, b->arena)) return INTEROP_NOMEM;
  for (uint32_t i = 0; i < b->count; i++) {
    if (send[i].stays) in_edits_drop(&e, b->item[i].at);
    else if (!put_item(b, &e, &b->item[i], &send[i])) return INTEROP_FULL;
  }
  if (e.failed) return INTEROP_NOMEM;
  *changed = e.any;
  if (!e.any) return INTEROP_OK;
  in_buf_init(&out, &alloc);
  in_json_splice(&out, &e);
  *body = in_buf_span(&out);
  return out.failed || e.failed ? INTEROP_NOMEM : INTEROP_OK;
}
