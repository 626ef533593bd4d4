/*
** escalate.c -- a meeting's steps by the clock: claims, leases, the window; and
** every allocation on the way refused once.
**
** Judges share one memory, as workers share theirs; the test is the clock, the
** network and every worker's timer.
*/
#include <stdlib.h>

#include "tap.h"
#include "interop.h"
#include "policy/facts.h"
#include "store/memory.h"

#define LINK   "https://meet.example/1"
#define MADE   "{\"onlineMeetingId\":\"1\",\"joinUrl\":\"" LINK "\"}"
#define NOW    1588582800
#define LEASE  15000

static interop_policy_t *policy;
static in_memory_t *memory;
static interop_source_t source;

typedef struct {
  interop_judge_t *judge;
  interop_request_t request;
  interop_target_t target;
  interop_step_t step;
} party_t;

static interop_status_t start(party_t *p, const interop_alloc_t *alloc, int64_t now) {
  interop_match_t match;
  interop_status_t rc;
  memset(p, 0, sizeof(*p));
  p->target = (interop_target_t) { IN_SPAN("POST"), IN_SPAN("/ucwa/v1/applications/7/communication/conversations/q1/addParticipant") };
  p->request.content_type = IN_SPAN("application/json");
  p->request.body = IN_SPAN("{\"to\":\"sip:ruth@quay.example\"}");
  p->request.sender = IN_SPAN("otto");
  p->request.asks = IN_SPAN("meeting");
  p->request.request_id = IN_SPAN("id");
  p->request.now = now;
  rc = interop_judge_new(policy, interop_policy_api(policy, IN_SPAN("ucwa")), &p->target, alloc, &p->judge, &match);
  return rc == INTEROP_OK ? interop_judge_run(p->judge, &p->request, &source) : rc;
}

static interop_status_t step(party_t *p, int64_t clock) {
  return interop_judge_step(p->judge, &source, clock, &p->step);
}

static interop_status_t answer(party_t *p, int64_t clock, unsigned status, const char *body) {
  return interop_judge_stepped(p->judge, &source, clock, status, IN_SPAN("application/json"), in_str(body));
}

static bool is_at(party_t *p, int64_t clock, const char *name) {
  return step(p, clock) == INTEROP_OK && strcmp(p->step.name, name) == 0;
}

/* all is done, and this was answered */
static bool ended(party_t *p, int64_t clock, unsigned status, const char *reason) {
  const interop_plan_t *plan = interop_judge_plan(p->judge);
  interop_status_t rc = step(p, clock);
  if (rc == INTEROP_MISSING && plan->action == INTEROP_A_ANSWER && plan->status == status && in_eq(plan->reason, in_str(reason)))
    return (status == 409) == (plan->meeting.p != NULL);
  printf("# %s: %u %.*s\n", interop_status_name(rc), plan->status, (int) plan->reason.n, plan->reason.p == NULL ? "" : plan->reason.p);
  return false;
}

static void begin(void) {
  interop_diag_t d;
  in_memory_free(memory);
  memory = in_memory_new(&interop_alloc_libc);
  source = in_memory_source(memory);
  in_memory_put_json(memory, INTEROP_R_TENANT, IN_SPAN("{\"id\":\"t1\"}"), &d);
  in_memory_put_json(memory, INTEROP_R_USER, IN_SPAN("{\"id\":\"otto\",\"tenant\":\"t1\",\"systems\":[\"sfb\"],\"mode\":\"SfBOnly\"}"), &d);
  in_memory_put_json(memory, INTEROP_R_USER, IN_SPAN("{\"id\":\"ruth\",\"tenant\":\"t1\",\"systems\":[\"teams\"],\"mode\":\"TeamsOnly\","
                                                     "\"aliases\":[\"sip:ruth@quay.example\"]}"), &d);
  in_memory_put_json(memory, INTEROP_R_CONVERSATION, IN_SPAN("{\"id\":\"q1\",\"type\":\"one_on_one\",\"participants\":[\"otto\",\"ines\"]}"), &d);
}

static void end(party_t *p) { interop_judge_free(p->judge); }

/* ---- claims */

static void test_two(void) {
  party_t a, b;
  begin();
  ok(start(&a, &interop_alloc_libc, NOW) == INTEROP_OK && start(&b, &interop_alloc_libc, NOW) == INTEROP_OK
         && interop_judge_plan(a.judge)->action == INTEROP_A_STEPS, "two want a meeting");
  ok(is_at(&a, 1000, "meeting") && in_eq(a.step.system, IN_SPAN("sfb")), "the first makes it");
  ok(is_at(&a, 1001, "meeting"), "asked twice, the step is the same");
  ok(step(&b, 1002) == INTEROP_AGAIN, "the second waits");
  ok(answer(&b, 1002, 201, MADE) == INTEROP_USAGE, "and has nothing to be answered");
  ok(answer(&a, 2000, 201, MADE) == INTEROP_OK && is_at(&a, 2000, "link") && in_eq(a.step.system, IN_SPAN("teams")), "its link is told next");
  ok(step(&b, 2001) == INTEROP_AGAIN, "the second waits until it is");
  ok(answer(&a, 3000, 201, "") == INTEROP_OK && ended(&a, 3000, 409, "escalated_to_meeting"), "then the first is answered");
  ok(ended(&b, 3001, 409, "escalated_to_meeting") && in_eq(interop_judge_plan(b.judge)->meeting, IN_SPAN(LINK)), "and the second, with the same link");
  ok(step(&a, 3002) == INTEROP_MISSING && answer(&a, 3002, 201, MADE) == INTEROP_USAGE, "there is no more");
  end(&a);
  end(&b);
}

static void test_lease(void) {
  party_t a, b, c;
  begin();
  start(&a, &interop_alloc_libc, NOW);
  start(&b, &interop_alloc_libc, NOW);
  start(&c, &interop_alloc_libc, NOW);
  ok(is_at(&a, 1000, "meeting"), "a claim");
  interop_judge_renew(a.judge, &source, 14000);
  ok(step(&b, 1000 + LEASE) == INTEROP_AGAIN, "renewed, it holds on");
  ok(step(&b, 14000 + LEASE - 1) == INTEROP_MISSING && ended(&b, 14000 + LEASE, 503, "meeting_under_way")
         && interop_judge_plan(b.judge)->retry_after, "who has waited for ten seconds is told to come again");
  ok(is_at(&c, 14000 + LEASE, "meeting"), "not renewed, it ends: the worker has died");
  interop_judge_renew(a.judge, &source, 40000);
  interop_judge_release(a.judge, &source);
  end(&b);
  start(&b, &interop_alloc_libc, NOW);
  ok(step(&b, 14000 + LEASE + 1) == INTEROP_AGAIN, "what was lost is not renewed, nor given back");
  interop_judge_release(c.judge, &source);
  ok(is_at(&b, 14000 + LEASE + 2, "meeting"), "given back, it is free at once");
  end(&a);
  end(&b);
  end(&c);
}

static void test_window(void) {
  party_t a, b;
  begin();
  start(&a, &interop_alloc_libc, NOW);
  ok(is_at(&a, 1000, "meeting") && answer(&a, 1000, 201, MADE) == INTEROP_OK && is_at(&a, 1000, "link")
         && answer(&a, 1000, 503, "") == INTEROP_OK && ended(&a, 1000, 503, "link_not_delivered"), "a link that was not told");
  end(&a);
  start(&a, &interop_alloc_libc, NOW + 900);
  ok(is_at(&a, 1001, "link"), "is told within the window");
  ok(answer(&a, 1001, 204, "") == INTEROP_OK && ended(&a, 1001, 409, "escalated_to_meeting"), "then it was");
  end(&a);
  start(&a, &interop_alloc_libc, NOW - 900);
  ok(ended(&a, 1002, 409, "escalated_to_meeting"), "a clock that is behind by less than the window is no new meeting");
  start(&b, &interop_alloc_libc, NOW + 901);
  ok(is_at(&b, 1003, "meeting"), "after the window there is a new one");
  end(&a);
  end(&b);
}

/* ---- where nothing can be kept */

static interop_status_t refuse(void *ctx, interop_span_t key, interop_span_t old, interop_span_t record, interop_span_t *there) {
  (void) ctx, (void) key, (void) old, (void) record;
  *there = IN_NONE;
  return INTEROP_UNAVAILABLE;
}

static void test_alone(void) {
  party_t a;
  begin();
  source.swap = refuse;
  start(&a, &interop_alloc_libc, NOW);
  ok(step(&a, 1000) == INTEROP_AGAIN && ended(&a, 11000, 503, "meeting_under_way"), "what cannot be claimed is not begun");
  end(&a);
  source.swap = NULL;
  start(&a, &interop_alloc_libc, NOW);
  ok(is_at(&a, 1000, "meeting") && answer(&a, 1000, 201, MADE) == INTEROP_OK && is_at(&a, 1000, "link") && answer(&a, 1000, 201, "") == INTEROP_OK
         && ended(&a, 1000, 409, "escalated_to_meeting"), "without others there is nothing to claim");
  end(&a);
}

/* ---- memory that is refused */

typedef struct { unsigned long count, refuse; } counter_t;

static void *resize(void *ctx, void *ptr, size_t osize, size_t nsize) {
  counter_t *c = ctx;
  if (nsize > 0 && ++c->count == c->refuse) return NULL;
  return interop_alloc_libc.resize(NULL, ptr, osize, nsize);
}

static interop_status_t whole_way(const interop_alloc_t *alloc) {
  party_t a;
  interop_status_t rc;
  begin();
  rc = start(&a, alloc, NOW);
  while (rc == INTEROP_OK && (rc = step(&a, 1000)) == INTEROP_OK) rc = answer(&a, 1000, 201, a.step.name[0] == 'm' ? MADE : "");
  if (rc == INTEROP_MISSING) rc = interop_judge_plan(a.judge)->meeting.n == strlen(LINK) ? INTEROP_OK : INTEROP_USAGE;
  end(&a);
  return rc;
}

static void test_memory(void) {
  counter_t c = { 0, 0 };
  interop_alloc_t alloc = { resize, &c };
  unsigned long all, bad = 0;
  ok(whole_way(&alloc) == INTEROP_OK, "the whole way");
  all = c.count;
  for (unsigned long i = 1; i <= all; i++) {
    interop_status_t rc;
    c = (counter_t) { 0, i };
    rc = whole_way(&alloc);
    bad += rc != INTEROP_OK && rc != INTEROP_NOMEM;
  }
  ok(bad == 0, "each of its %lu allocations refused", all);
}

/* ---- versions */

static void test_versions(void) {
  static const struct { const char *text; unsigned class_; } rows[] = {
    { "App/1.2.3", 3 }, { "App/1.2.3.0", 3 }, { "App/1.2.3.1", 3 }, { "App/1.2.2", 2 }, { "App/1.2", 2 }, { "App/1", 2 }, { "App/2", 3 },
    { "App/01.002.0003", 3 }, { "App/1.2.10", 3 }, { "App/1.1.99999999999999999999", 2 }, { "App/1.2.99999999999999999999", 3 },
    { "x App/1.2.2 y", 2 }, { "xApp/1.2.2", 1 }, { "App/", 1 }, { "App/x", 1 }, { "", 1 }, { "App", 1 }, { "App/1.2.3beta", 3 },
    { "App/1..5", 2 }, { "App/1.2.", 2 }, { "App/x App/1.0", 2 },
  };
  for (size_t i = 0; i < in_countof(rows); i++)
    ok(in_version_class(in_str(rows[i].text), IN_SPAN("App/\n1.2.3")) == rows[i].class_, "%s against 1.2.3", rows[i].text);
  ok(in_version_class(IN_SPAN("App/1"), IN_SPAN("App/1")) == 1, "a test that is none is never true");
  ok(in_is_version(IN_SPAN("1.20.3")) && in_is_version(IN_SPAN("7")) && !in_is_version(IN_SPAN("1.")) && !in_is_version(IN_SPAN(".1"))
         && !in_is_version(IN_SPAN("1..2")) && !in_is_version(IN_SPAN("1.a")) && !in_is_version(IN_SPAN("")), "what a version is");
}

int main(void) {
  interop_diag_t diag;
  void *image;
  size_t size;
  if (interop_compile_file("conf.d", &interop_alloc_libc, &image, &size, NULL, NULL, &diag) != INTEROP_OK
      || interop_policy_load(image, size, &interop_alloc_libc, &policy, &diag) != INTEROP_OK) {
    printf("Bail out! %s\n", diag.text);
    return 1;
  }
  test_two();
  test_lease();
  test_window();
  test_alone();
  test_memory();
  test_versions();
  in_memory_free(memory);
  interop_policy_free(policy);
  free(image);
  return done();
}
