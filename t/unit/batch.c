/*
** batch.c -- several requests in one, taken apart: what an item is, what is
** refused and in which words; how `items` is compiled; where in a JSON text a
** value stands.
*/
#include "tap.h"
#include "api/batch.h"
#include "apis.h"

#define ITEMS \
  "items json /requests answers /responses { limit 3 else malformed_body; id /id; method /method; url /url under /{v};\n" \
  "headers /headers; body /body; status /status; after /dependsOn else failed_dependency; silent else no_answer; }"
#define API(oper) "api a of teams { paths ignore case; paths odata keys; members ignore case; guards /{v}/b /{v}/m /p; error json {};\n" oper " }"

static const char definition[] = API(
  "operation message.send POST /{v}/m { body { content /text required text; } }\n"
  "operation batch POST /{v}/b { " ITEMS " }\n"
  "operation batch POST /p { accepts multipart/batching; items multipart { limit 3 else too_many_requests; silent else no_answer; } }");

/* ---- what is in a batch */

static const struct { const char *body, *want; } jsons[] = {
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/m\"}]}", "GET /v1/m (/m)" },
  { " {\"REQUESTS\" : [ {\"Url\":\"m?a=b\",\"id\":\"1\",\"method\":\"PUT\",\"body\": {\"a\":[1.0, \"]\\\"}\"]} ,\"headers\":{\"CONTENT-TYPE\":\"application/json\"}}]}",
    "PUT /v1/m?a=b (/m?a=b) application/json {\"a\":[1.0, \"]\\\"}\"]}" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"m\",\"body\":null,\"headers\":null,\"dependsOn\":null}]}", "GET /v1/m (/m)" },
  { "{\"requests\":[{\"id\":\"a\",\"method\":\"GET\",\"url\":\"m\",\"dependsOn\":[\"B\",\"b\"]},{\"id\":\"b\",\"method\":\"GET\",\"url\":\"m\"}]}",
    "GET /v1/m (/m) after 1 after 1 | GET /v1/m (/m)" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/m\",\"headers\":{\"Content-Type\":\"image/gif\"},\"body\":\"R0lGODlh\"}]}",
    "POST /v1/m (/m) image/gif GIF89a base64" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/m\",\"headers\":{\"Content-Type\":\"image/gif\"},\"body\":{}}]}",
    "POST /v1/m (/m) image/gif {} base64 but the body of this item is not in base64" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/m\",\"headers\":{\"Content-Type\":\"a/x+json\"},\"body\":\"{}\"}]}",
    "POST /v1/m (/m) a/x+json \"{}\" but the body of this item is no object" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/m\",\"headers\":{\"Cookie\":\"x\",\"Content-Encoding\":\"gzip\"}}]}", "POST /v1/m (/m) gzip unwanted" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"m('x')/./y\"}]}", "GET /v1/m('x')/./y (/m('x')/./y)" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/../v2/m\"}]}", "GET /v1/../v2/m (/../v2/m) but the url leads elsewhere" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/..\"}]}", "GET /v1/.. (/..) but the url leads elsewhere" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"//host/m\"}]}", "GET /v1//host/m (//host/m) but the url names a host" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"ftp:m\"}]}", "GET /v1/ftp:m (/ftp:m) but the url names a scheme" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"m%2f\"}]}", "GET /v1/m%2f (/m%2f) but the url can be read in more than one way" },
  /* the whole */
  { "{\"requests\":[", "refused malformed_body: the body is no valid JSON at byte 13: unexpected end of data" },
  { "{}", "refused malformed_body: the body has no list of requests" },
  { "{\"requests\":{}}", "refused malformed_body: the body has no list of requests" },
  { "{\"requests\":[]}", "refused malformed_body: there is no request in the batch" },
  { "{\"requests\":[1,2,3,4]}", "refused malformed_body: at most 3 requests in one" },
  { "{\"requests\":[1],\"x\":1}", "refused malformed_body: the body has a member that nobody declared" },
  { "{\"requests\":[1]}", "refused malformed_body: an item of the batch is no object" },
  { "{\"requests\":[{\"id\":\"1\",\"x\":1}]}", "refused malformed_body: an item of the batch has a member that nobody declared" },
  { "{\"requests\":[{\"id\":1,\"method\":\"GET\",\"url\":\"m\"}]}", "refused malformed_body: an item of the batch has no \"id\" that is a text" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"\"}]}", "refused malformed_body: an item of the batch has no \"url\" that is a text" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"m\",\"headers\":[]}]}", "refused malformed_body: the headers of an item must be an object" },
  { "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"m\",\"headers\":{\"a\":null}}]}", "refused malformed_body: a header of an item must be a text" },
  { "{\"requests\":[{\"id\":\"x\",\"method\":\"GET\",\"url\":\"m\"},{\"id\":\"X\",\"method\":\"GET\",\"url\":\"m\"}]}", "refused malformed_body: two items of the batch have one id" },
  { "{\"requests\":[{\"id\":\"x\",\"method\":\"GET\",\"url\":\"m\",\"dependsOn\":[\"y\"]}]}", "refused malformed_body: an item waits for one that is not there" },
  { "{\"requests\":[{\"id\":\"x\",\"method\":\"GET\",\"url\":\"m\",\"dependsOn\":[\"x\",\"x\"]}]}", "refused malformed_body: what an item waits for must be a list of ids" },
  { "{\"requests\":[{\"id\":\"x\",\"method\":\"GET\",\"url\":\"m\",\"dependsOn\":[\"x\"]}]}", "refused malformed_body: items of the batch wait for each other" },
};

#define P "--b1\r\nContent-Type: application/http; msgtype=request\r\n\r\n"

static const struct { const char *body, *want; } parts[] = {
  { P "GET /p HTTP/1.1\r\n\r\n--b1--", "GET /p" },
  { "\r\n\r\n" P "POST /v1/m HTTP/1.0\r\ncontent-type:text/plain \r\nX:\r\n\r\na\nb\r\n--b1--\r\n\r\n", "POST /v1/m text/plain a\nb" },
  { P "GET /p HTTP/1.1\r\nContent-Length: 0\r\n\r\n\r\n" P "POST /q HTTP/1.1\r\nContent-Length: 2\r\n\r\nab\r\n\r\n--b1--", "GET /p | POST /q ab" },
  { P "GET p HTTP/1.1\r\n\r\n--b1--", "GET p but the target of this request is no path" },
  { P "GET /p%00 HTTP/1.1\r\n\r\n--b1--", "GET /p%00 but the url can be read in more than one way" },
  { P "GET /p HTTP/1.1\r\nAuthorization: x\r\n\r\n--b1--", "GET /p unwanted" },
  { "", "refused malformed_body: the body does not begin with its boundary" },
  { "x" P "GET /p HTTP/1.1\r\n\r\n--b1--", "refused malformed_body: the body does not begin with its boundary" },
  { "--b1--", "refused malformed_body: there is no request in the batch" },
  { P "GET /p HTTP/1.1\r\n\r\n--b1", "refused malformed_body: the parts of the body cannot be told apart" },
  { P "GET /p HTTP/1.1\r\n\r\n--b1--x", "refused malformed_body: the parts of the body cannot be told apart" },
  { P "GET /p HTTP/1.1\r\n\r\n\n--b1--", "refused malformed_body: the parts of the body cannot be told apart" },
  { "--b1\r\n\r\nGET /p HTTP/1.1\r\n\r\n--b1--", "refused malformed_body: a part is no HTTP request" },
  { P "GET /p HTTP/1.1\n\r\n--b1--", "refused malformed_body: the request in a part cannot be read" },
  { P "GET /p HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n--b1--", "refused malformed_body: a header of the request in a part stands twice" },
  { P "GET /p HTTP/1.1\r\nContent-Length: 1\r\n\r\n--b1--", "refused malformed_body: the length of the request in a part is another" },
  { P "GET /p HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n--b1--", "refused malformed_body: the length of the request in a part is another" },
  { P "GET /p HTTP/1.1\r\n\r\n" P "GET /p HTTP/1.1\r\n\r\n" P "GET /p HTTP/1.1\r\n\r\n" P "x\r\n--b1--", "refused too_many_requests: at most 3 requests in one" },
};

static void put_item(in_buf_t *out, const in_batch_t *b, const in_bitem_t *i) {
  in_buf_put(out, i->method);
  in_buf_byte(out, ' ');
  in_buf_put(out, i->target);
  if (i->elsewhere.p != NULL) in_buf_printf(out, " (%.*s)", (int) i->elsewhere.n, i->elsewhere.p);
  if (i->content_type.p != NULL) in_buf_printf(out, " %.*s", (int) i->content_type.n, i->content_type.p);
  if (i->content_encoding.p != NULL) in_buf_printf(out, " %.*s", (int) i->content_encoding.n, i->content_encoding.p);
  if (i->body.p != NULL) in_buf_printf(out, " %.*s", (int) i->body.n, i->body.p);
  if (i->base64) in_buf_printf(out, " base64");
  if (i->unwanted) in_buf_printf(out, " unwanted");
  for (uint32_t k = 0; k < i->afters; k++) in_buf_printf(out, " after %u", i->after[k]);
  if (i->path_text.p != NULL) in_buf_printf(out, " but %.*s", (int) i->path_text.n, i->path_text.p);
  if (i->body_text.p != NULL) in_buf_printf(out, " but %.*s", (int) i->body_text.n, i->body_text.p);
  if (i + 1 < b->item + b->count) in_buf_printf(out, " | ");
}

static void read_batch(const apis_t *a, const char *target, const char *type, const char *body, in_arena_t *arena, in_batch_t *b,
                       const char *name) {
  interop_target_t t = { IN_SPAN("POST"), in_str(target) };
  interop_request_t req;
  in_match_t m;
  memset(&req, 0, sizeof(req));
  req.content_type = in_str(type);
  req.body = in_str(body);
  is_number(in_api_match(&a->img, 0, &t, arena, &m), INTEROP_OK, name);
  is_number(in_batch_read(&a->img, &m, m.operation, &req, arena, b), INTEROP_OK, name);
}

static void check_batch(const apis_t *a, const char *target, const char *type, const char *body, const char *want, const char *name) {
  in_batch_t b;
  in_buf_t out;
  in_arena_t arena;
  in_arena_init(&arena, &interop_alloc_libc);
  in_buf_init(&out, &interop_alloc_libc);
  read_batch(a, target, type, body, &arena, &b, name);
  if (b.refusal.p != NULL)
    in_buf_printf(&out, "refused %.*s: %.*s", (int) b.refusal.n, b.refusal.p, (int) b.refusal_text.n, b.refusal_text.p);
  for (uint32_t i = 0; i < b.count && b.refusal.p == NULL; i++) put_item(&out, &b, &b.item[i]);
  is_bytes(out.p, out.n, want, strlen(want), name);
  in_buf_free(&out);
  in_arena_free(&arena);
}

/* an item's url is as long as a request's may be; one that is longer is not looked at */
static void check_long(const apis_t *a, const char *target, const char *type, const char *head, const char *tail, unsigned n, const char *want) {
  in_buf_t body;
  in_buf_init(&body, &interop_alloc_libc);
  in_buf_put(&body, in_str(head));
  for (unsigned i = 0; i < n; i++) in_buf_byte(&body, i == 0 ? '/' : 'a');
  in_buf_put(&body, in_str(tail));
  in_buf_byte(&body, 0);
  if (want != NULL) check_batch(a, target, type, body.p, want, "a url that is too long");
  else {
    in_batch_t b;
    in_arena_t arena;
    in_arena_init(&arena, &interop_alloc_libc);
    read_batch(a, target, type, body.p, &arena, &b, "a long url");
    ok(b.count == 1 && b.item[0].path_text.p == NULL && b.item[0].target.n >= n, "a url of %u bytes is read", n);
    in_arena_free(&arena);
  }
  in_buf_free(&body);
}

/* ---- what upstream answers */

static const struct { const char *target, *type, *asked, *answer, *want; } answers[] = {
  { "/v1/b", "application/json", "{\"requests\":[{\"id\":\"a\",\"method\":\"GET\",\"url\":\"m\"},{\"id\":\"b\",\"method\":\"GET\",\"url\":\"m\"},{\"id\":\"c\",\"method\":\"GET\",\"url\":\"m\"}]}",
    " {\"Responses\":[{\"id\":\"C\",\"status\":204},{\"status\":200},{\"id\":\"x\"},{\"id\":\"b\",\"status\":\"1\",\"body\":\"YQ==\"},"
    "{\"id\":\"a\",\"status\":201,\"headers\":{\"LOCATION\":\"/m/1\"},\"body\":{ \"k\":1.0}},{\"id\":\"a\",\"status\":500}]}",
    "201 at /m/1 { \"k\":1.0} | 0 unreadable | 204 nothing" },
  { "/v1/b", "application/json", "{\"requests\":[{\"id\":\"a\",\"method\":\"GET\",\"url\":\"m\"}]}", "{\"responses\":{}}", "unread" },
  { "/v1/b", "application/json", "{\"requests\":[{\"id\":\"a\",\"method\":\"GET\",\"url\":\"m\"}]}", "{\"responses\":[{\"id\":\"a\",\"status\":99,\"body\":null}]}", "0 nothing" },
  { "/p", "multipart/batching; boundary=b1", P "GET /p HTTP/1.1\r\n\r\n" P "GET /p HTTP/1.1\r\n\r\n" P "GET /p HTTP/1.1\r\n\r\n--b1--",
    "x\r\n--r \r\n--r\r\nA: b\r\n\r\nHTTP/1.1 201 Made\r\nlocation: /m/2\r\n\r\n\xef{\"k\":1}\r\n--r\r\n\r\nHTTP/1.1 200\r\nContent-Encoding: br\r\n\r\n?\r\n--r--y",
    "unread" },
  { "/p", "multipart/batching; boundary=b1", P "GET /p HTTP/1.1\r\n\r\n" P "GET /p HTTP/1.1\r\n\r\n" P "GET /p HTTP/1.1\r\n\r\n--b1--",
    "x\r\n--r\r\nA: b\r\n\r\nHTTP/1.1 201 Made\r\nlocation: /m/2\r\n\r\n\xef{\"k\":1}\r\n--r\r\n\r\nHTTP/1.1 200\r\nContent-Encoding: br\r\n\r\n?\r\n--r--\r\ny",
    "201 at /m/2 {\"k\":1} | 200 unreadable | silence" },
  { "/p", "multipart/batching; boundary=b1", P "GET /p HTTP/1.1\r\n\r\n--b1--", "--r\r\n\r\nHTTP/1.1 2xx\r\n\r\n\r\n--r--", "0 nothing" },
};

static void put_answer(in_buf_t *out, const in_theirs_t *t) {
  if (out->n > 0) in_buf_printf(out, " | ");
  if (!t->there) {
    in_buf_printf(out, "silence");
    return;
  }
  in_buf_printf(out, "%u", t->status);
  if (t->location.p != NULL) in_buf_printf(out, " at %.*s", (int) t->location.n, t->location.p);
  if (t->body.p == NULL) in_buf_printf(out, " unreadable");
  else if (t->body.n == 0) in_buf_printf(out, " nothing");
  else in_buf_printf(out, " %.*s", (int) t->body.n, t->body.p);
}

static void test_answers(const apis_t *a) {
  for (size_t i = 0; i < in_countof(answers); i++) {
    in_arena_t arena;
    in_batch_t b;
    in_batch_send_t send[3];
    in_batch_answer_t got;
    in_buf_t out;
    char name[32];
    in_arena_init(&arena, &interop_alloc_libc);
    in_buf_init(&out, &interop_alloc_libc);
    memset(send, 0, sizeof(send));
    snprintf(name, sizeof(name), "answer %zu", i + 1);
    read_batch(a, answers[i].target, answers[i].type, answers[i].asked, &arena, &b, name);
    is_number(in_batch_answers(&b, send, in_str(answers[i].answer), &got), INTEROP_OK, name);
    if (!got.read) in_buf_printf(&out, "unread");
    for (uint32_t k = 0; got.read && k < b.count; k++) put_answer(&out, &got.theirs[k]);
    is_bytes(out.p, out.n, answers[i].want, strlen(answers[i].want), name);
    in_buf_free(&out);
    in_arena_free(&arena);
  }
}

/* ---- how it is compiled */

static const struct { const char *source, *want; } errors[] = {
  { API("operation batch POST /{v}/b { }"), "t.rules:2:1: a batch says what its items are\n"
    "  operation batch POST /{v}/b { } }\n  ^~~~~~~~~\n  hint: items json /MEMBER answers /MEMBER { ... }  items multipart { ... }" },
  { API("operation other POST /{v}/b { items multipart { limit 3 else malformed_body; silent else no_answer; } }"),
    "t.rules:2:1: only the operation batch has items\n"
    "  operation other POST /{v}/b { items multipart { limit 3 else malformed_body; silent else no_answ...\n  ^~~~~~~~~" },
  { API("operation batch POST /{v}/b {\nitems list { } }"), "t.rules:3:1: this statement has another form\n  items list { } } }\n  ^~~~~\n"
    "  hint: items json /MEMBER answers /MEMBER { ... }  items multipart { ... }" },
  { API("operation batch POST /{v}/b { items multipart {\nlimit 0 else malformed_body; } }"), "t.rules:3:1: a limit is from 1 to 200\n"
    "  limit 0 else malformed_body; } } }\n  ^~~~~\n  hint: limit 20 else REASON;" },
  { API("operation batch POST /{v}/b { items multipart {\nlimit 3 else malformed_bodi; } }"), "t.rules:3:14: unknown reason \"malformed_bodi\"\n"
    "  limit 3 else malformed_bodi; } } }\n               ^~~~~~~~~~~~~~\n  hint: did you mean \"malformed_body\"?" },
  { API("operation batch POST /{v}/b { items multipart {\nurl /x; } }"), "t.rules:3:1: unknown statement \"url\"\n  url /x; } } }\n  ^~~" },
  { API("operation batch POST /{v}/b {\nitems multipart { limit 3 else malformed_body; } }"),
    "t.rules:3:1: a batch has a limit, and a reason for an answer that does not come\n"
    "  items multipart { limit 3 else malformed_body; } } }\n  ^~~~~\n  hint: limit 20 else REASON;  silent else REASON;" },
  { API("operation batch POST /{v}/b {\nitems json /a answers /b { limit 3 else malformed_body; silent else no_answer; id /id; } }"),
    "t.rules:3:1: an item has id, method, url, headers, body and status\n"
    "  items json /a answers /b { limit 3 else malformed_body; silent else no_answer; id /id; } } }\n  ^~~~~" },
  { API("operation batch POST /{v}/b { items json /a answers /b {\nid /a/b; } }"), "t.rules:3:4: a single member is wanted here\n"
    "  id /a/b; } } }\n     ^~~~\n  hint: id /MEMBER;  method /MEMBER;  headers /MEMBER;  body /MEMBER;  status /MEMBER;" },
  { API("operation message.send POST /p/{w} { } operation batch POST /{v}/b { items json /a answers /b {\nurl /u under /{w}; } }"),
    "t.rules:3:14: that path needs {w}, which this operation's does not have\n  url /u under /{w}; } } }\n               ^~~~" },
  { API("operation batch POST /{v}/b when /x {\n" ITEMS " }"), "t.rules:2:1: a batch has no `when`\n"
    "  operation batch POST /{v}/b when /x {\n  ^~~~~~~~~" },
};

static void test_errors(void) {
  for (size_t i = 0; i < in_countof(errors); i++) {
    apis_t a;
    char name[32];
    const char *sources[] = { "t.rules", errors[i].source, NULL };
    snprintf(name, sizeof(name), "error %zu", i + 1);
    is_number(apis_compile(&a, &interop_alloc_libc, sources), INTEROP_SYNTAX, name);
    is_text(a.diag.text, errors[i].want, name);
    apis_free(&a, &interop_alloc_libc);
  }
}

/* each field of the record that only its own check sees */
static void test_damage(apis_t *a) {
  in_ai_batch_t *b = (in_ai_batch_t *) (uintptr_t) a->img.section[IN_S_BATCHES];
  in_ai_operation_t *op = (in_ai_operation_t *) (uintptr_t) a->img.section[IN_S_OPERATIONS];
  struct { uint32_t *at, value; const char *name; } field[] = {
    { &b->limit, 0, "no limit" }, { &b->limit, IN_BATCH_ITEMS + 1, "too high a limit" }, { &b->base, a->img.count[IN_S_MAKES], "a base" },
    { &b->over.off, 0x7fffffff, "a reason" }, { &b->after.len, 0x7fffffff, "a member" },
    { &op[0].batch, 0, "a batch that is none" }, { &op[1].batch, IN_NIL, "a batch without items" }, { &op[1].batch, 2, "another batch" },
    { &op[2].accepts.count, 0, "a batch of no type" },
  };
  for (size_t i = 0; i < in_countof(field); i++) {
    interop_diag_t diag;
    uint32_t old = *field[i].at;
    in_diag_clear(&diag);
    *field[i].at = field[i].value;
    is_number(in_api_verify(&a->img, &diag), INTEROP_DAMAGED, field[i].name);
    *field[i].at = old;
  }
}

/* ---- where a value stands */

static void test_where(void) {
  static const char text[] = " { \"a\\\\\" : [ 1.50 , \"x\\\"]\", { } ,[[]], true,\"\\\\\"] , \"b\":null } ";
  static const char *const want[] = {
    "{ \"a\\\\\" : [ 1.50 , \"x\\\"]\", { } ,[[]], true,\"\\\\\"] , \"b\":null }", "\"a\\\\\"", "[ 1.50 , \"x\\\"]\", { } ,[[]], true,\"\\\\\"]", "1.50", "\"x\\\"]\"",
    "{ }", "[[]]", "[]", "true", "\"\\\\\"", "\"b\"", "null",
  };
  in_arena_t arena;
  in_json_t j;
  in_json_error_t err;
  yyjson_val *v[in_countof(want)];
  in_span_t where[in_countof(want)];
  in_arena_init(&arena, &interop_alloc_libc);
  is_number(in_json_parse(in_str(text), 0, &arena, &j, &err), INTEROP_OK, "a text of every kind of value");
  is_number((long) j.count, (long) in_countof(want), "its values");
  for (size_t i = 0; i < j.count; i++) v[i] = j.root + i;
  in_json_where(&j, v, where, j.count);
  for (size_t i = 0; i < j.count; i++) is_bytes(where[i].p, where[i].n, want[i], strlen(want[i]), want[i]);
  for (size_t i = 0; i < j.count; i++) {
    in_span_t one = IN_NONE;
    in_json_where(&j, &v[i], &one, 1);
    is_bytes(one.p, one.n, want[i], strlen(want[i]), "that one alone");
  }
  in_arena_free(&arena);
}

int main(void) {
  apis_t a;
  char name[32];
  const char *sources[] = { "t.rules", definition, NULL };
  test_errors();
  test_where();
  if (!ok(apis_compile(&a, &interop_alloc_libc, sources) == INTEROP_OK, "a definition compiles")) printf("# %s\n", a.diag.text);
  for (size_t i = 0; i < in_countof(jsons) && a.bytes != NULL; i++) {
    snprintf(name, sizeof(name), "json %zu", i + 1);
    check_batch(&a, "/v1/b", "application/json", jsons[i].body, jsons[i].want, name);
  }
  for (size_t i = 0; i < in_countof(parts) && a.bytes != NULL; i++) {
    snprintf(name, sizeof(name), "parts %zu", i + 1);
    check_batch(&a, "/p", "multipart/batching; boundary=b1", parts[i].body, parts[i].want, name);
  }
  if (a.bytes != NULL) {
    check_batch(&a, "/p", "multipart/batching", "--b1--", "refused malformed_body: the content type names no boundary", "no boundary");
    check_batch(&a, "/p", "multipart/batching; boundary=\"a\tb\"", "", "refused malformed_body: the content type names no boundary", "none that may be one");
#define LONG_JSON  "/v1/b", "application/json", "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"", "\"}]}"
#define LONG_PART  "/p", "multipart/batching; boundary=b1", P "GET ", " HTTP/1.1\r\n\r\n\r\n--b1--"
    check_long(&a, LONG_JSON, 8192, NULL);
    check_long(&a, LONG_JSON, 8193, "GET / but the url is too long");
    check_long(&a, LONG_PART, 8192, NULL);
    check_long(&a, LONG_PART, 8193, "GET / but the target of this request is too long");
    test_answers(&a);
    test_damage(&a);
  }
  apis_free(&a, &interop_alloc_libc);
  return done();
}
