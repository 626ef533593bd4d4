/*
** expect.c -- `expect` of a step held against what came of it.
**
** Owns every member of `expect`. A member left out is not checked; each that
** does not hold is told by itself, with what was expected and what was got.
*/
#include <stdlib.h>
#include "expect.h"
#include "../api/json.h"

#define BRIEF  300

typedef struct {
  const in_teller_t *t;
  const char *where;              /* "upstream request 2: " */
} ctx_t;

static void fail(const ctx_t *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void fail(const ctx_t *x, const char *fmt, ...) {
  char text[4096];
  va_list args;
  int n = snprintf(text, sizeof(text), "%s", x->where);
  va_start(args, fmt);
  if (n >= 0 && (size_t) n < sizeof(text)) vsnprintf(text + n, sizeof(text) - (size_t) n, fmt, args);
  va_end(args);
  x->t->failed(x->t->ctx, text);
}

/* one line, not too long */
static const char *brief(const ctx_t *x, in_span_t s) {
  interop_alloc_t alloc = in_arena_alloc(x->t->arena);
  in_buf_t b;
  in_buf_init(&b, &alloc);
  if (s.p == NULL) return "nothing";
  for (size_t i = 0; i < s.n && i < BRIEF; i++) {
    unsigned char c = (unsigned char) s.p[i];
    if (c < 0x20 || c == 0x7f) in_buf_printf(&b, "\\u%s%d", "00", (int) (c >> 4));
    else in_buf_byte(&b, (char) c);
    if (c < 0x20 || c == 0x7f) in_buf_byte(&b, "0123456789abcdef"[c & 15]);
  }
  if (s.n > BRIEF) in_buf_put(&b, IN_SPAN("..."));
  in_buf_byte(&b, '\0');
  return b.failed ? "?" : b.p;
}

/* ---- RFC 9651 items */

in_span_t in_item_value(in_span_t item) {
  size_t n = 0;
  item = in_trim(item);
  while (n < item.n && memchr(";, ", item.p[n], 3) == NULL) n++;
  return in_span(item.p, n);
}

/* end of a bare item that starts at i */
static size_t skip_bare(in_span_t s, size_t i) {
  bool quoted = i < s.n && s.p[i] == '"';
  if (!quoted) {
    while (i < s.n && memchr(";, ", s.p[i], 3) == NULL) i++;
    return i;
  }
  for (i++; i < s.n && s.p[i] != '"'; i++)
    if (s.p[i] == '\\') i++;
  return i < s.n ? i + 1 : s.n;
}

static in_span_t unquote(in_span_t s, in_arena_t *a) {
  interop_alloc_t alloc = in_arena_alloc(a);
  in_buf_t b;
  if (s.n < 2 || s.p[0] != '"') return s;
  in_buf_init(&b, &alloc);
  for (size_t i = 1; i + 1 < s.n; i++) {
    if (s.p[i] == '\\' && i + 2 < s.n) i++;
    in_buf_byte(&b, s.p[i]);
  }
  return b.n == 0 ? IN_SPAN("") : in_buf_span(&b);
}

in_span_t in_item_parameter(in_span_t item, const char *name, in_arena_t *a) {
  size_t i = 0, n = strlen(name);
  while (i < item.n) {
    size_t end = skip_bare(item, i);
    in_span_t part = in_span(item.p + i, end - i);
    if (part.n > n && part.p[n] == '=' && in_starts(part, in_str(name))) {
      size_t from = i + n + 1;
      return unquote(in_span(item.p + from, skip_bare(item, from) - from), a);
    }
    i = end > i ? end : i + 1;
    if (i < item.n && item.p[i] == ';') i++;
  }
  return IN_NONE;
}

static bool in_list(in_span_t list, in_span_t name) {
  while (list.n > 0) {
    const char *comma = memchr(list.p, ',', list.n);
    size_t n = comma == NULL ? list.n : (size_t) (comma - list.p);
    if (in_eq(in_item_value(in_span(list.p, n)), name)) return true;
    list = comma == NULL ? IN_NONE : in_span(comma + 1, list.n - n - 1);
  }
  return false;
}

/* ---- JSON values */

/* what members and elements of a pair are still to be compared */
typedef struct { yyjson_val *a, *b; } pair_t;

static bool same_number(const char *a, const char *b) {
  if (strcmp(a, b) == 0) return true;
  if (strlen(a) > 15 || strlen(b) > 15) return false;
  return !(strtod(a, NULL) < strtod(b, NULL)) && !(strtod(a, NULL) > strtod(b, NULL));
}

static bool same_flat(yyjson_val *a, yyjson_val *b) {
  if (yyjson_get_type(a) != yyjson_get_type(b)) return false;
  switch (yyjson_get_type(a)) {
    case YYJSON_TYPE_RAW: return same_number(yyjson_get_raw(a), yyjson_get_raw(b));
    case YYJSON_TYPE_STR: return in_eq(in_json_str(a), in_json_str(b));
    case YYJSON_TYPE_BOOL: return yyjson_is_true(a) == yyjson_is_true(b);
    case YYJSON_TYPE_ARR: return yyjson_arr_size(a) == yyjson_arr_size(b);
    case YYJSON_TYPE_OBJ: return yyjson_obj_size(a) == yyjson_obj_size(b);
    default: return true;
  }
}

static bool push_elements(in_buf_t *todo, pair_t p) {
  size_t i, n;
  yyjson_val *v;
  yyjson_arr_foreach(p.a, i, n, v) {
    pair_t next = { v, yyjson_arr_get(p.b, i) };
    in_buf_put(todo, in_span((const char *) &next, sizeof(next)));
  }
  return !todo->failed;
}

static bool push_members(in_buf_t *todo, pair_t p) {
  size_t i, n;
  yyjson_val *name, *v;
  yyjson_obj_foreach(p.a, i, n, name, v) {
    pair_t next = { v, yyjson_obj_getn(p.b, yyjson_get_str(name), yyjson_get_len(name)) };
    if (next.b == NULL) return false;
    in_buf_put(todo, in_span((const char *) &next, sizeof(next)));
  }
  return !todo->failed;
}

/* equal as JSON: the order of members is of no account */
static bool same(yyjson_val *a, yyjson_val *b) {
  in_buf_t todo;
  pair_t p = { a, b };
  bool equal = true;
  in_buf_init(&todo, &interop_alloc_libc);
  in_buf_put(&todo, in_span((const char *) &p, sizeof(p)));
  while (equal && todo.n > 0 && !todo.failed) {
    todo.n -= sizeof(p);
    memcpy(&p, todo.p + todo.n, sizeof(p));
    equal = same_flat(p.a, p.b);
    if (equal && yyjson_is_arr(p.a)) equal = push_elements(&todo, p);
    else if (equal && yyjson_is_obj(p.a)) equal = push_members(&todo, p);
  }
  in_buf_free(&todo);
  return equal;
}

/* what is no text is looked for as JSON */
static in_span_t wanted(const ctx_t *x, yyjson_val *v) {
  return yyjson_is_str(v) ? in_json_str(v) : in_case_print(v, x->t->arena);
}

/* ---- a value, {"contains": [...]} or {"absent": true} */

static bool has_part(const ctx_t *x, const char *what, in_span_t got, yyjson_val *part) {
  if (in_contains(got, wanted(x, part))) return true;
  fail(x, "%s: expected in it %s, got %s", what, brief(x, in_case_print(part, x->t->arena)), brief(x, got));
  return false;
}

static void contains(const ctx_t *x, const char *what, yyjson_val *parts, in_span_t got) {
  size_t i, n;
  yyjson_val *v;
  if (yyjson_is_str(parts)) has_part(x, what, got, parts);
  yyjson_arr_foreach(parts, i, n, v) {
    has_part(x, what, got, v);
  }
}

/* text: the value as text (a header, or of a JSON string); json: NULL for a header */
static void compare(const ctx_t *x, const char *what, yyjson_val *want, bool there, yyjson_val *json, in_span_t text) {
  if (in_case_true(want, "absent")) {
    if (there) fail(x, "%s: expected none, got %s", what, brief(x, text));
  } else if (!there) {
    fail(x, "%s: expected %s, got none", what, brief(x, in_case_print(want, x->t->arena)));
  } else if (in_case_get(want, "contains") != NULL) {
    contains(x, what, in_case_get(want, "contains"), text);
  } else if (json != NULL ? !same(want, json) : !yyjson_is_str(want) || !in_eq(in_json_str(want), text)) {
    fail(x, "%s: expected %s, got %s", what, brief(x, in_case_print(want, x->t->arena)),
         brief(x, json != NULL ? in_case_print(json, x->t->arena) : text));
  }
}

/* RFC 6901; in_json_pointer wants no other escapes either */
static yyjson_val *follow(yyjson_val *root, in_span_t pointer) {
  return pointer.n == 0 ? root : in_json_pointer(root, pointer, false);
}

static void check_members(const ctx_t *x, yyjson_val *has, yyjson_val *root) {
  size_t i, n;
  yyjson_val *name, *want;
  yyjson_obj_foreach(has, i, n, name, want) {
    yyjson_val *v = follow(root, in_json_str(name));
    in_span_t text = v == NULL ? IN_NONE : yyjson_is_str(v) ? in_json_str(v) : in_case_print(v, x->t->arena);
    compare(x, yyjson_get_str(name), want, v != NULL, v, text);
  }
}

static void check_json(const ctx_t *x, yyjson_val *want, in_span_t body) {
  yyjson_val *json = in_case_get(want, "json"), *has = in_case_get(want, "json_has");
  yyjson_doc *doc;
  if (json == NULL && has == NULL) return;
  doc = body.n == 0 ? NULL
                    : yyjson_read_opts(
                        (char *) (uintptr_t) body.p, body.n, YYJSON_READ_NUMBER_AS_RAW, NULL, NULL);
  if (doc == NULL) {
    fail(x, "body: expected JSON, got %s", brief(x, body));
    return;
  }
  if (json != NULL && !same(json, yyjson_doc_get_root(doc)))
    fail(x, "json: expected %s, got %s", brief(x, in_case_print(json, x->t->arena)), brief(x, body));
  check_members(x, has, yyjson_doc_get_root(doc));
  yyjson_doc_free(doc);
}

/* ---- what requests and responses have in common */

/* a length goes with every body, whatever the client said of its own */
static in_span_t header(const ctx_t *x, const in_wire_t *w, const char *name) {
  if (w->body.n > 0 && in_eq_nocase(in_str(name), IN_SPAN("content-length")))
    return in_arena_printf(x->t->arena, "%zu", w->body.n);
  return in_wire_header(w, name);
}

static void check_headers(const ctx_t *x, yyjson_val *want, const in_wire_t *got) {
  size_t i, n;
  yyjson_val *name, *v, *list = in_case_get(want, "headers");
  yyjson_obj_foreach(list, i, n, name, v) {
    in_span_t value = header(x, got, yyjson_get_str(name));
    in_span_t what = in_arena_printf(x->t->arena, "header %s", yyjson_get_str(name));
    compare(x, what.p == NULL ? "header" : what.p, v, value.p != NULL, NULL, value);
  }
}

static void check_strings(const ctx_t *x, yyjson_val *want, const in_wire_t *got) {
  in_span_t raw = in_wire_raw(got, x->t->arena);
  size_t i, n;
  yyjson_val *v;
  yyjson_arr_foreach(in_case_get(want, "has"), i, n, v)
    if (!in_contains(raw, wanted(x, v))) fail(x, "expected \"%s\" in %s", brief(x, wanted(x, v)), brief(x, raw));
  yyjson_arr_foreach(in_case_get(want, "lacks"), i, n, v)
    if (in_contains(raw, wanted(x, v))) fail(x, "expected no \"%s\" in %s", brief(x, wanted(x, v)), brief(x, raw));
}

static void check_wire(const ctx_t *x, yyjson_val *want, const in_wire_t *got) {
  check_json(x, want, got->body);
  check_headers(x, want, got);
  check_strings(x, want, got);
}

static void check_text(const ctx_t *x, const char *what, yyjson_val *want, const char *member, in_span_t got) {
  in_span_t text = in_case_text(want, member);
  if (text.p != NULL && !in_eq(text, got)) fail(x, "%s: expected %s, got %s", what, brief(x, text), brief(x, got));
}

/* ---- upstream */

static void check_request(const ctx_t *x, yyjson_val *want, const in_wire_t *got, in_span_t sent) {
  check_text(x, "method", want, "method", got->method);
  check_text(x, "uri", want, "uri", got->target);
  check_text(x, "body", want, "text", got->body);
  if (in_case_true(want, "same_bytes") && !in_eq(got->body, sent))
    fail(x, "body: expected the bytes that the client sent, got %s", brief(x, got->body));
  check_wire(x, want, got);
}

static void check_upstream(const in_teller_t *t, yyjson_val *want, const in_edge_t *e) {
  ctx_t x = { t, "" };
  size_t i, n;
  yyjson_val *v;
  if (!yyjson_is_arr(want)) return;
  if (yyjson_arr_size(want) != e->upstream_count)
    fail(&x, "upstream: expected %zu requests, got %u%s%s %s", yyjson_arr_size(want), e->upstream_count,
         e->upstream_count > 0 ? ", " : "", e->upstream_count > 0 ? brief(&x, e->upstream[0].method) : "",
         e->upstream_count > 0 ? brief(&x, e->upstream[0].target) : "");
  yyjson_arr_foreach(want, i, n, v) {
    in_span_t where = in_arena_printf(t->arena, n == 1 ? "upstream: " : "upstream request %zu: ", i + 1);
    x.where = where.p == NULL ? "upstream: " : where.p;
    if (i < e->upstream_count) check_request(&x, v, &e->upstream[i], e->client.body);
  }
}

/* ---- the response */

static bool code_in(in_span_t json, in_span_t code) {
  static const char *const places[] = { "/error/code", "/subcode", "/code" };
  yyjson_doc *doc = json.n == 0 ? NULL : yyjson_read_opts((char *) (uintptr_t) json.p, json.n, 0, NULL, NULL);
  bool found = false;
  for (size_t i = 0; i < in_countof(places) && !found; i++) {
    yyjson_val *v = yyjson_doc_ptr_get(doc, places[i]);
    found = yyjson_is_str(v) && in_eq(in_span(yyjson_get_str(v), yyjson_get_len(v)), code);
  }
  yyjson_doc_free(doc);
  return found;
}

/* in the body, or in the body of one of its parts */
static bool has_code(const in_wire_t *r, in_span_t code) {
  in_span_t s = r->body;
  if (!in_starts_nocase(in_wire_header(r, "content-type"), IN_SPAN("multipart/"))) return code_in(s, code);
  for (size_t i = 0; i < s.n; i++) {
    size_t end = i;
    if (s.p[i] != '{' || i == 0 || s.p[i - 1] != '\n') continue;
    while (end < s.n && !in_starts(in_span(s.p + end, s.n - end), IN_SPAN("\r\n--"))) end++;
    if (code_in(in_span(s.p + i, end - i), code)) return true;
  }
  return false;
}

static void check_response(const in_teller_t *t, yyjson_val *want, const in_edge_t *e) {
  ctx_t x = { t, "response: " };
  int64_t status = in_case_number(in_case_get(want, "status"), -1);
  in_span_t code = in_case_text(want, "code");
  if (want == NULL) return;
  if (status >= 0 && status != (int64_t) e->response.status)
    fail(&x, "status: expected %lld, got %u: %s", (long long) status, e->response.status, brief(&x, e->response.body));
  if (code.p != NULL && !has_code(&e->response, code))
    fail(&x, "code: expected %s, got %s", brief(&x, code), brief(&x, e->response.body));
  check_wire(&x, want, &e->response);
}

static void check_verdict(const in_teller_t *t, yyjson_val *expect, const in_edge_t *e) {
  ctx_t x = { t, "" };
  in_span_t header = in_wire_header(&e->response, "interop-verdict");
  in_span_t verdict = in_case_text(expect, "verdict"), reason = in_case_text(expect, "reason");
  if (verdict.p != NULL && !in_eq(in_item_value(header), verdict))
    fail(&x, "verdict: expected %s%s%s, got %s", brief(&x, verdict), reason.p != NULL ? " because " : "",
         reason.p != NULL ? brief(&x, reason) : "", brief(&x, header));
  else if (reason.p != NULL && !in_eq(in_item_parameter(header, "reason", t->arena), reason))
    fail(&x, "reason: expected %s, got %s", brief(&x, reason), brief(&x, header));
}

static void check_notices(const in_teller_t *t, yyjson_val *expect, const in_edge_t *e) {
  ctx_t x = { t, "" };
  in_span_t given = in_wire_header(&e->response, "interop-notice");
  size_t i, n;
  yyjson_val *v;
  yyjson_arr_foreach(in_case_get(expect, "notices"), i, n, v)
    if (!in_list(given, wanted(&x, v))) fail(&x, "notice: expected %s, got %s", brief(&x, wanted(&x, v)), brief(&x, given));
  yyjson_arr_foreach(in_case_get(expect, "no_notices"), i, n, v)
    if (in_list(given, wanted(&x, v))) fail(&x, "notice: expected no %s, got %s", brief(&x, wanted(&x, v)), brief(&x, given));
}

void in_expect_check(yyjson_val *expect, const in_edge_t *e, const in_teller_t *t) {
  check_verdict(t, expect, e);
  check_notices(t, expect, e);
  check_upstream(t, in_case_get(expect, "upstream"), e);
  check_response(t, in_case_get(expect, "response"), e);
}
