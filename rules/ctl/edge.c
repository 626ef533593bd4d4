/*
** edge.c -- the way of one request, from match to response, without sockets.
**
** Owns the order of the judge's calls and what becomes of headers. It does what
** the module does, in the same order; a difference in outcome is an error here.
*/
#include "edge.h"
#include "../judge/escalate.h"
#include "../api/json.h"

/* ---- messages */

bool in_wire_add(in_wire_t *w, in_arena_t *a, in_span_t name, in_span_t value) {
  if (w->header == NULL || w->headers == w->room) {
    uint32_t room = w->room == 0 ? 8 : w->room * 2;
    in_header_t *more = in_arena_array(a, room, sizeof(*more));
    if (more == NULL) return false;
    if (w->header != NULL) memcpy(more, w->header, w->headers * sizeof(*more));
    w->header = more;
    w->room = room;
  }
  w->header[w->headers++] = (in_header_t) { name, value };
  return true;
}

/* NULL: there is none of that name */
static in_header_t *find(const in_wire_t *w, in_span_t name) {
  for (uint32_t i = 0; i < w->headers; i++)
    if (in_eq_nocase(w->header[i].name, name)) return &w->header[i];
  return NULL;
}

in_span_t in_wire_header(const in_wire_t *w, const char *name) {
  const in_header_t *h = find(w, in_str(name));
  return h != NULL ? h->value : IN_NONE;
}

static void drop(in_wire_t *w, uint32_t i) {
  memmove(&w->header[i], &w->header[i + 1], (w->headers - i - 1) * sizeof(*w->header));
  w->headers--;
}

static bool set(in_wire_t *w, in_arena_t *a, const char *name, in_span_t value) {
  in_header_t *h = find(w, in_str(name));
  if (h == NULL) return in_wire_add(w, a, in_str(name), value);
  h->value = value;
  return true;
}

/* a script's header stands for all of that name that the client sent */
static bool set_own(in_wire_t *w, in_arena_t *a, const interop_script_action_t *h) {
  for (uint32_t i = w->headers; i-- > 0; )
    if (in_eq_nocase(w->header[i].name, h->first)) drop(w, i);
  return in_wire_add(w, a, h->first, h->second);
}

in_span_t in_wire_raw(const in_wire_t *w, in_arena_t *a) {
  interop_alloc_t alloc = in_arena_alloc(a);
  in_buf_t b;
  in_buf_init(&b, &alloc);
  if (w->method.p != NULL) {
    in_buf_put(&b, w->method);
    in_buf_byte(&b, ' ');
    in_buf_put(&b, w->target);
    in_buf_put(&b, IN_SPAN(" HTTP/1.1\r\n"));
  } else {
    in_buf_printf(&b, "HTTP/1.1 %u\r\n", w->status);
  }
  for (uint32_t i = 0; i < w->headers; i++) {
    in_buf_put(&b, w->header[i].name);
    in_buf_put(&b, IN_SPAN(": "));
    in_buf_put(&b, w->header[i].value);
    in_buf_put(&b, IN_SPAN("\r\n"));
  }
  in_buf_put(&b, IN_SPAN("\r\n"));
  in_buf_put(&b, w->body);
  return b.failed ? IN_NONE : in_buf_span(&b);
}

/* ---- towards upstream */

static bool is_one_of(in_span_t name, const char *const *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (in_eq_nocase(name, in_str(list[i]))) return true;
  return false;
}

/* headers that would let upstream do what was not judged */
static bool unwanted(const in_edge_t *e, in_span_t name) {
  static const char *const overrides[] = {
    "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
  };
  if (e->monitor) return false;
  if (name.n > 8 && in_starts_nocase(name, IN_SPAN("interop-"))) return true;
  return e->match != INTEROP_M_OUTSIDE && is_one_of(name, overrides, in_countof(overrides));
}

/* a part of an answer, or a compressed one, could not be read */
static bool unreadable(in_span_t name) {
  static const char *const forms[] = { "accept-encoding", "range", "if-range" };
  return is_one_of(name, forms, in_countof(forms));
}

static bool copy_headers(const in_edge_t *e, const interop_plan_t *plan, in_wire_t *to) {
  bool reads = plan != NULL && plan->reads_answer && !e->monitor;
  to->header = NULL;
  to->headers = to->room = 0;
  for (uint32_t i = 0; i < e->client.headers; i++)
    if (!unwanted(e, e->client.header[i].name) && !(reads && unreadable(e->client.header[i].name))
        && !in_wire_add(to, e->arena, e->client.header[i].name, e->client.header[i].value)) return false;
  return true;
}

/* records the request and takes the answer to it */
static interop_status_t send(in_edge_t *e, const in_wire_t *request, in_wire_t *answer) {
  memset(answer, 0, sizeof(*answer));
  if (e->upstream_count == IN_EDGE_UPSTREAM) return INTEROP_FULL;
  e->upstream[e->upstream_count++] = *request;
  if (e->answers_used < e->answers_count) {
    const in_wire_t *from = &e->answers[e->answers_used++];
    *answer = *from;
    answer->header = NULL;
    answer->headers = answer->room = 0;
    for (uint32_t i = 0; i < from->headers; i++)
      if (!in_wire_add(answer, e->arena, from->header[i].name, from->header[i].value)) return INTEROP_NOMEM;
    return INTEROP_OK;
  }
  answer->status = 200;
  answer->body = IN_SPAN("{}");
  return in_wire_add(answer, e->arena, IN_SPAN("Content-Type"), IN_SPAN("application/json"))
             ? INTEROP_OK
             : INTEROP_NOMEM;
}

static interop_status_t forward(in_edge_t *e, const interop_plan_t *plan, in_wire_t *answer) {
  in_wire_t w = e->client;
  if (!copy_headers(e, plan, &w)) return INTEROP_NOMEM;
  if (plan != NULL && !e->monitor) {
    for (size_t i = 0; i < plan->header_count; i++)
      if (!set_own(&w, e->arena, &plan->headers[i])) return INTEROP_NOMEM;
    if (plan->cross_header.p != NULL && !set(&w, e->arena, "Interop-Cross", plan->cross_header)) return INTEROP_NOMEM;
    if (plan->recipients_header.p != NULL && !set(&w, e->arena, "Interop-Recipients", plan->recipients_header))
      return INTEROP_NOMEM;
    if (plan->method.p != NULL) w.method = plan->method;
    if (plan->target.p != NULL) w.target = plan->target;
    if (plan->body_changed) w.body = plan->body;
    if (plan->content_type.p != NULL && !set(&w, e->arena, "Content-Type", plan->content_type)) return INTEROP_NOMEM;
  }
  return send(e, &w, answer);
}

/* what belongs to the body or the form of the client's own request */
static bool not_for_fetch(in_span_t name) {
  static const char *const dropped[] = {
    "accept-encoding", "content-encoding", "content-length", "content-type", "if-match", "if-modified-since",
    "if-none-match", "if-range", "if-unmodified-since", "prefer", "range", "transfer-encoding",
  };
  return is_one_of(name, dropped, in_countof(dropped)) || in_starts_nocase(name, IN_SPAN("interop-"));
}

/* the client's headers, its credentials among them, for a request of our own */
static bool copy_for_own(const in_edge_t *e, in_wire_t *w) {
  for (uint32_t i = 0; i < e->client.headers; i++)
    if (!not_for_fetch(e->client.header[i].name) && !unwanted(e, e->client.header[i].name)
        && !in_wire_add(w, e->arena, e->client.header[i].name, e->client.header[i].value)) return false;
  return true;
}

/* in monitor mode upstream hears of nothing but the client's requests */
static interop_status_t fetch(in_edge_t *e) {
  interop_target_t t = interop_judge_fetch(e->judge);
  in_wire_t w, answer;
  interop_status_t rc;
  if (e->monitor) return interop_judge_fetched(e->judge, 0, IN_NONE);
  memset(&w, 0, sizeof(w));
  w.method = IN_SPAN("GET");
  w.target = t.target;
  if (!copy_for_own(e, &w)) return INTEROP_NOMEM;
  rc = send(e, &w, &answer);
  return rc == INTEROP_OK ? interop_judge_fetched(e->judge, answer.status, answer.body) : rc;
}

/* {"joinWebUrl":"..."}: an answer as upstream gives it, where nobody says one */
static in_span_t sample_meeting(const in_edge_t *e) {
  const in_image_t *img = &e->policy->img;
  const interop_judge_t *item = in_judge_batch_steps(e->judge), *j = item != NULL ? item : e->judge;
  in_run_t pick = in_table(img, MAKES, in_ai_make_t)[j->escalating->make_meeting].pick;
  interop_alloc_t alloc = in_arena_alloc(e->arena);
  in_buf_t b;
  in_buf_init(&b, &alloc);
  for (uint32_t i = 0; i < pick.count; i++) {
    in_buf_byte(&b, '{');
    in_json_quote(&b, in_image_str(img, in_table(img, REFS, in_ref_t)[pick.first + i]));
    in_buf_byte(&b, ':');
  }
  in_json_quote(&b, IN_SPAN("https://meeting.example/join"));
  for (uint32_t i = 0; i < pick.count; i++) in_buf_byte(&b, '}');
  return b.failed ? IN_NONE : in_buf_span(&b);
}

/* the requests of an escalation; there is nobody beside us to wait for */
static interop_status_t steps(in_edge_t *e) {
  interop_source_t source = e->source.lookup != NULL ? e->source : in_memory_source(e->memory);
  interop_step_t step;
  interop_status_t rc;
  int64_t clock = e->now * 1000;
  bool assumed;
  while ((rc = interop_judge_step(e->judge, &source, clock, &step)) != INTEROP_MISSING) {
    in_wire_t w, answer;
    memset(&w, 0, sizeof(w));
    clock += 100;
    if (rc == INTEROP_AGAIN) continue;
    if (rc != INTEROP_OK) return rc;
    w.method = step.method;
    w.target = step.target;
    w.body = step.body;
    assumed = e->assumes && e->answers_used == e->answers_count;
    if (!copy_for_own(e, &w) || !in_wire_add(&w, e->arena, IN_SPAN("Content-Type"), step.content_type)) return INTEROP_NOMEM;
    rc = send(e, &w, &answer);
    if (assumed) answer.body = sample_meeting(e);
    if (rc == INTEROP_OK)
      interop_judge_step_headers(e->judge, in_wire_header(&answer, "retry-after"), in_wire_header(&answer, "www-authenticate"));
    if (rc == INTEROP_OK)
      rc = interop_judge_stepped(e->judge, &source, clock, answer.status, in_wire_header(&answer, "content-type"), answer.body);
    if (rc != INTEROP_OK) return rc;
  }
  return INTEROP_OK;
}

/* ---- judging */

static void fill_request(in_edge_t *e) {
  interop_request_t *q = &e->request;
  memset(q, 0, sizeof(*q));
  q->content_type = in_wire_header(&e->client, "content-type");
  q->content_encoding = in_wire_header(&e->client, "content-encoding");
  q->sender = e->sender;
  q->client_country = e->client_country;
  q->client_agent = e->client_agent;
  q->asks = in_wire_header(&e->client, "interop-escalate");
  q->request_id = IN_SPAN("00000000000000000000000000000000");
  q->now = e->now;
  if (e->host != NULL) {
    q->scripts = e->host->scripts;
    q->script = e->script;
    e->host->now = e->now;
    q->script_env = &e->host->env;
  }
  q->native = e->native;
  q->too_large = e->client.body.n > IN_EDGE_MAX_BODY;
  if (e->match != INTEROP_M_REFUSED && !q->too_large) q->body = e->client.body;
}

/* as interop_audit_log does */
static interop_status_t audit(const in_edge_t *e) {
  in_span_t json;
  interop_status_t rc = interop_judge_audit(e->judge, &json);
  if (rc == INTEROP_OK) fprintf(e->audit, "{\"judged\":%.*s}\n", (int) json.n, json.p);
  return rc;
}

interop_status_t in_edge_judge(in_edge_t *e) {
  interop_target_t t = { e->client.method, e->client.target };
  interop_source_t source = e->source.lookup != NULL ? e->source : in_memory_source(e->memory);
  interop_status_t rc = interop_judge_new(e->policy, e->api, &t, &interop_alloc_libc, &e->judge, &e->match);
  if (rc != INTEROP_OK) return rc;
  if (e->match == INTEROP_M_OUTSIDE) {
    in_edge_end(e);
    return INTEROP_OK;
  }
  fill_request(e);
  while ((rc = interop_judge_run(e->judge, &e->request, &source)) == INTEROP_AGAIN)
    if ((rc = fetch(e)) != INTEROP_OK) return rc;
  if (rc == INTEROP_OK && e->audit != NULL) rc = audit(e);
  if (rc == INTEROP_OK) {
    const interop_plan_t *plan = interop_judge_plan(e->judge);
    rc = in_memory_apply(e->memory, plan->effects, plan->effect_count);
  }
  return rc;
}

void in_edge_end(in_edge_t *e) {
  interop_judge_free(e->judge);
  e->judge = NULL;
}

/* ---- the response */

static interop_status_t add_verdict(in_edge_t *e, const interop_plan_t *plan) {
  in_wire_t *r = &e->response;
  if (e->monitor) return INTEROP_OK;
  if (plan->verdict_header.p != NULL && !set(r, e->arena, "Interop-Verdict", plan->verdict_header))
    return INTEROP_NOMEM;
  if (plan->recipients_header.p != NULL && !set(r, e->arena, "Interop-Recipients", plan->recipients_header))
    return INTEROP_NOMEM;
  if (plan->notice_header.p != NULL
      && !in_wire_add(r, e->arena, IN_SPAN("Interop-Notice"), plan->notice_header)) return INTEROP_NOMEM;
  return INTEROP_OK;
}

static interop_status_t answer(in_edge_t *e, const interop_plan_t *plan) {
  in_wire_t *r = &e->response;
  bool good = true;
  r->status = plan->status;
  r->body = plan->status == 204 ? IN_NONE : plan->answer_body;
  if (r->body.p != NULL && plan->answer_type.p != NULL)
    good = in_wire_add(r, e->arena, IN_SPAN("Content-Type"), plan->answer_type);
  if (good && plan->status >= 400) good = in_wire_add(r, e->arena, IN_SPAN("Cache-Control"), IN_SPAN("no-store"));
  if (good && plan->meeting.p != NULL) good = in_wire_add(r, e->arena, IN_SPAN("Interop-Meeting"), plan->meeting);
  if (good && plan->retry_after) good = in_wire_add(r, e->arena, IN_SPAN("Retry-After"), IN_SPAN("1"));
  if (good && plan->retry.p != NULL) good = in_wire_add(r, e->arena, IN_SPAN("Retry-After"), plan->retry);
  if (good && plan->sign_in.p != NULL) good = in_wire_add(r, e->arena, IN_SPAN("WWW-Authenticate"), plan->sign_in);
  return good ? add_verdict(e, plan) : INTEROP_NOMEM;
}

/* another body: nothing that described the old one may stay */
static interop_status_t replace(in_edge_t *e, const interop_answer_t *a) {
  static const char *const stale[] = {
    "content-length", "content-encoding", "accept-ranges", "last-modified", "etag",
  };
  in_wire_t *r = &e->response;
  for (uint32_t i = r->headers; i-- > 0; )
    if (is_one_of(r->header[i].name, stale, in_countof(stale))
        || (a->body.n == 0 && in_eq_nocase(r->header[i].name, IN_SPAN("content-type")))) drop(r, i);
  r->body = a->body;
  if (a->content_type.p == NULL || a->body.n == 0) return INTEROP_OK;
  return set(r, e->arena, "Content-Type", a->content_type) ? INTEROP_OK : INTEROP_NOMEM;
}

static interop_status_t take_answer(in_edge_t *e, const interop_plan_t *plan) {
  interop_answer_t a;
  bool readable = plan->wants_answer_body && in_wire_header(&e->response, "content-encoding").n == 0;
  in_span_t body = e->response.body.p != NULL ? e->response.body : IN_SPAN("");
  interop_status_t rc;
  if (e->response.status == 206) readable = false;
  interop_judge_location(e->judge, in_wire_header(&e->response, "location"));
  rc = interop_judge_answer(e->judge, e->response.status, readable ? body : IN_NONE, &a);
  if (rc == INTEROP_OK) rc = in_memory_apply(e->memory, a.effects, a.effect_count);
  if (rc != INTEROP_OK || e->monitor) return rc;
  if (a.status != 0) e->response.status = a.status;
  rc = a.body_changed ? replace(e, &a) : INTEROP_OK;
  if (rc == INTEROP_OK && a.refused && !set(&e->response, e->arena, "Cache-Control", IN_SPAN("no-store"))) rc = INTEROP_NOMEM;
  return rc;
}

interop_status_t in_edge_finish(in_edge_t *e) {
  const interop_plan_t *plan;
  interop_status_t rc;
  if (e->judge == NULL) return forward(e, NULL, &e->response);
  plan = interop_judge_plan(e->judge);
  if (plan->action == INTEROP_A_STEPS && !e->monitor && (rc = steps(e)) != INTEROP_OK) return rc;
  if (plan->action == INTEROP_A_ANSWER && !e->monitor) return answer(e, plan);
  rc = forward(e, plan, &e->response);
  if (rc == INTEROP_OK && plan->wants_answer && plan->action == INTEROP_A_FORWARD) rc = take_answer(e, plan);
  return rc == INTEROP_OK ? add_verdict(e, plan) : rc;
}

interop_status_t in_edge_run(in_edge_t *e) {
  interop_status_t rc = in_edge_judge(e);
  return rc == INTEROP_OK ? in_edge_finish(e) : rc;
}
