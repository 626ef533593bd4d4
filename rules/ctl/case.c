/*
** case.c -- behaviour cases read: files, what is given, what is sent.
**
** Owns the way from JSON to records and messages. Invariant: a value of a case
** lives as long as its file, what is made of it as long as the case's arena.
*/
#include <stdlib.h>
#include <time.h>
#include "case.h"
#include "../policy/vocab.h"
#include "../api/json.h"

/* ---- files */

static void tell(const in_case_file_t *f, const yyjson_read_err *err) {
  size_t line = 1, column = 1;
  for (size_t i = 0; i < err->pos && i < f->text.n; i++) {
    column = f->text.p[i] == '\n' ? 1 : column + 1;
    line += f->text.p[i] == '\n';
  }
  in_ctl_fail("%s:%zu:%zu: not valid JSON: %s", f->path, line, column, err->msg);
}

bool in_case_open(in_case_file_t *f, const char *path) {
  yyjson_read_err err;
  memset(f, 0, sizeof(*f));
  f->path = path;
  if (!in_ctl_read(path, &f->text)) return false;
  f->doc = yyjson_read_opts((char *) (uintptr_t) f->text.p, f->text.n, YYJSON_READ_NUMBER_AS_RAW, NULL, &err);
  if (f->doc == NULL) {
    tell(f, &err);
    in_case_close(f);
    return false;
  }
  f->root = yyjson_doc_get_root(f->doc);
  return true;
}

void in_case_close(in_case_file_t *f) {
  yyjson_doc_free(f->doc);
  free((void *) (uintptr_t) f->text.p);
  memset(f, 0, sizeof(*f));
}

/* ---- values */

yyjson_val *in_case_get(yyjson_val *object, const char *name) {
  return yyjson_is_obj(object) ? yyjson_obj_get(object, name) : NULL;
}

in_span_t in_case_text(yyjson_val *object, const char *name) {
  yyjson_val *v = in_case_get(object, name);
  return yyjson_is_str(v) ? in_json_str(v) : IN_NONE;
}

bool in_case_true(yyjson_val *object, const char *name) {
  return yyjson_is_true(in_case_get(object, name));
}

int64_t in_case_number(yyjson_val *v, int64_t otherwise) {
  return yyjson_is_raw(v) ? strtoll(yyjson_get_raw(v), NULL, 10) : otherwise;
}

in_span_t in_case_print(const yyjson_val *v, in_arena_t *a) {
  interop_alloc_t alloc = in_arena_alloc(a);
  in_buf_t b;
  in_buf_init(&b, &alloc);
  in_json_print(&b, v, NULL);
  return b.failed ? IN_NONE : in_buf_span(&b);
}

/* ---- what is known */

static bool wrong(interop_diag_t *diag, const char *what) {
  if (diag->status == INTEROP_OK) in_diag_set(diag, INTEROP_SYNTAX, "%s", what);
  return false;
}

static bool put_all(yyjson_val *list, interop_record_kind_t kind, in_memory_t *m, in_arena_t *a, interop_diag_t *diag) {
  size_t i, n;
  yyjson_val *v;
  if (list == NULL) return true;
  if (!yyjson_is_arr(list)) return wrong(diag, "what is given is lists of records");
  yyjson_arr_foreach(list, i, n, v)
    if (in_memory_put_json(m, kind, in_case_print(v, a), diag) != INTEROP_OK) return wrong(diag, "out of memory");
  return true;
}

bool in_case_given(yyjson_val *given, in_memory_t *m, in_arena_t *a, interop_diag_t *diag) {
  static const char *const lists[] = { "tenants", "users", "conversations", "messages", "calls" };
  in_diag_clear(diag);
  for (unsigned k = 0; k < INTEROP_RECORD_COUNT; k++)      /* ORDER: interop_record_kind_t */
    if (!put_all(in_case_get(given, lists[k]), (interop_record_kind_t) k, m, a, diag)) return false;
  return true;
}

/* ---- bodies */

static int sextet(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *p = c == '\0' ? NULL : strchr(digits, c);
  return p == NULL ? -1 : (int) (p - digits);
}

static in_span_t decode_base64(in_span_t s, in_arena_t *a) {
  interop_alloc_t alloc = in_arena_alloc(a);
  uint32_t bits = 0, held = 0;
  in_buf_t b;
  in_buf_init(&b, &alloc);
  for (size_t i = 0; i < s.n; i++) {
    int d = sextet(s.p[i]);
    if (d < 0) continue;
    bits = bits << 6 | (uint32_t) d;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    in_buf_byte(&b, (char) (bits >> held & 0xff));
  }
  return b.failed ? IN_NONE : b.n == 0 ? IN_SPAN("") : in_buf_span(&b);
}

/* json, text or base64 of a request or an answer */
static in_span_t body(yyjson_val *v, in_arena_t *a) {
  yyjson_val *json = in_case_get(v, "json");
  if (json != NULL) return in_case_print(json, a);
  if (in_case_get(v, "text") != NULL) return in_case_text(v, "text");
  if (in_case_get(v, "base64") != NULL) return decode_base64(in_case_text(v, "base64"), a);
  return IN_NONE;
}

static bool headers(yyjson_val *v, in_wire_t *w, in_arena_t *a) {
  size_t i, n;
  yyjson_val *name, *value, *list = in_case_get(v, "headers");
  yyjson_obj_foreach(list, i, n, name, value) {
    in_span_t text = yyjson_is_str(value) ? in_json_str(value) : in_case_print(value, a);
    if (!in_wire_add(w, a, in_json_str(name), text)) return false;
  }
  return true;
}

/* ---- steps */

static bool answers(yyjson_val *step, in_edge_t *e) {
  yyjson_val *list = in_case_get(step, "upstream_answers"), *v;
  size_t i, n;
  in_wire_t *to = in_arena_array(e->arena, yyjson_arr_size(list) + 1, sizeof(*to));
  if (to == NULL) return false;
  e->answers = to;
  yyjson_arr_foreach(list, i, n, v) {
    in_wire_t *w = &to[e->answers_count++];
    w->status = (unsigned) in_case_number(in_case_get(v, "status"), 200);
    w->body = body(v, e->arena);
    if (!headers(v, w, e->arena)) return false;
    if (in_case_get(v, "json") != NULL && in_wire_header(w, "content-type").p == NULL
        && !in_wire_add(w, e->arena, IN_SPAN("Content-Type"), IN_SPAN("application/json"))) return false;
  }
  return true;
}

/* a time, or seconds since 1970 */
static bool set_now(yyjson_val *given, in_edge_t *e, interop_diag_t *diag) {
  yyjson_val *now = in_case_get(given, "now");
  e->now = (int64_t) time(NULL);
  if (now == NULL || (yyjson_is_str(now) && in_time_parse(in_json_str(now), &e->now))) return true;
  return (yyjson_is_raw(now) && in_vocab_number(in_str(yyjson_get_raw(now)), &e->now)) || wrong(diag, "\"now\" is not a time");
}

static bool set_leg(yyjson_val *step, in_edge_t *e, interop_diag_t *diag) {
  yyjson_val *leg = in_case_get(step, "leg");
  e->native = in_eq(in_case_text(step, "leg"), IN_SPAN("native"));
  return leg == NULL || e->native || in_eq(in_case_text(step, "leg"), IN_SPAN("cross"))
         || wrong(diag, "a leg is cross or native");
}

static bool set_client(yyjson_val *step, in_edge_t *e) {
  yyjson_val *client = in_case_get(step, "client");
  e->sender = in_case_text(step, "sender");
  e->client_country = in_case_text(client, "country");
  e->client_agent = in_case_text(client, "agent");
  if (e->client_agent.p == NULL) e->client_agent = in_wire_header(&e->client, "user-agent");
  else return in_wire_add(&e->client, e->arena, IN_SPAN("User-Agent"), e->client_agent);
  return true;
}

bool in_case_step(yyjson_val *given, yyjson_val *step, in_edge_t *e, interop_diag_t *diag) {
  yyjson_val *request = in_case_get(step, "request");
  in_span_t api = in_case_text(step, "api");
  in_diag_clear(diag);
  e->api = interop_policy_api(e->policy, api);
  if (e->api < 0) {
    in_diag_set(diag, INTEROP_SYNTAX, "the policy does not define the API \"%.*s\"", (int) api.n, api.p);
    return false;
  }
  e->client.method = in_case_text(request, "method");
  e->client.target = in_case_text(request, "uri");
  if (e->client.method.p == NULL || e->client.target.p == NULL) return wrong(diag, "a request has a method and a uri");
  e->client.body = body(request, e->arena);
  e->monitor = in_case_true(step, "monitor");
  if (!set_leg(step, e, diag) || !set_now(given, e, diag)) return false;
  if (headers(request, &e->client, e->arena) && set_client(step, e) && answers(step, e)
      && !e->arena->failed)
    return true;
  return wrong(diag, "out of memory");
}

/* ---- what this policy cannot be asked yet */

static bool defines(const interop_policy_t *p, int api, interop_operation_t op) {
  const in_ai_api_t *a = in_table(&p->img, APIS, in_ai_api_t) + api;
  const in_ai_operation_t *o = in_table(&p->img, OPERATIONS, in_ai_operation_t);
  for (uint32_t i = a->operations.first; i < a->operations.first + a->operations.count; i++)
    if (o[i].operation == (uint32_t) op) return true;
  return false;
}

static bool is_batch(yyjson_val *request) {
  in_span_t uri = in_case_text(request, "uri"), type = in_case_text(in_case_get(request, "headers"), "content-type");
  return in_ends(uri, IN_SPAN("/$batch")) || in_ends(uri, IN_SPAN("/%24batch"))
         || in_starts_nocase(type, IN_SPAN("multipart/batching"));
}

/* a user who reads in no system that the policy knows: the name of one that it does not */
static in_span_t unknown_system(const in_image_t *img, yyjson_val *user) {
  in_span_t reads_on = in_case_text(user, "reads_on"), unknown = IN_NONE;
  size_t i, n;
  yyjson_val *v;
  if (reads_on.p != NULL) return in_find_system(img, reads_on) == IN_NIL ? reads_on : IN_NONE;
  yyjson_arr_foreach(in_case_get(user, "systems"), i, n, v) {
    if (!yyjson_is_str(v) || in_find_system(img, in_json_str(v)) != IN_NIL) return IN_NONE;
    unknown = in_json_str(v);
  }
  return unknown;
}

const char *in_case_skip_given(const interop_policy_t *policy, yyjson_val *given, in_arena_t *a) {
  size_t i, n;
  yyjson_val *v;
  yyjson_arr_foreach(in_case_get(given, "users"), i, n, v) {
    in_span_t name = unknown_system(&policy->img, v);
    if (name.p != NULL) return in_arena_printf(a, "the policy does not define the system %.*s", (int) name.n, name.p).p;
  }
  return NULL;
}

const char *in_case_skip(const interop_policy_t *policy, yyjson_val *step, in_arena_t *a) {
  in_span_t name = in_case_text(step, "api");
  int api = interop_policy_api(policy, name);
  if (api < 0) return in_arena_printf(a, "the policy does not define the API %.*s", (int) name.n, name.p).p;
  if (is_batch(in_case_get(step, "request")) && !defines(policy, api, INTEROP_OP_BATCH))
    return in_arena_printf(a, "the policy defines no batch for %.*s", (int) name.n, name.p).p;
  return NULL;
}
