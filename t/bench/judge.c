/*
** judge.c -- what one request costs in the library: match, read, decide, apply,
** answer, over the shipped policies and a real store. Prints nanoseconds a
** request; under callgrind its instruction counts are repeatable.
**
**   build/bench/judge [rounds] [plain|rich|all]
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interop.h"

#define POOL  (256 * 1024)

/* as nginx's pool: takes, never gives back before the request's end */
typedef struct { _Alignas(16) char p[POOL]; size_t at; } pool_t;

static void *take(void *ctx, void *ptr, size_t osize, size_t nsize) {
  pool_t *pool = ctx;
  size_t n = (nsize + 15) & ~(size_t) 15;
  char *p;
  if (nsize == 0 || nsize <= osize) return nsize == 0 ? NULL : ptr;
  if (POOL - pool->at < n) return NULL;
  p = pool->p + pool->at;
  pool->at += n;
  if (ptr != NULL) memcpy(p, ptr, osize);
  return p;
}

static interop_span_t span(const char *s) {
  interop_span_t r = { s, strlen(s) };
  return r;
}

static char plain[2048], rich[2048];

static void make_bodies(void) {
  strcpy(plain, "{\"body\":{\"contentType\":\"text\",\"content\":\"");
  for (int i = 0; i < 15; i++) strcat(plain, "Truck 14 is at the gate and waits for the papers of lane three. ");
  strcat(plain, "\"}}");
  strcpy(rich, "{\"body\":{\"contentType\":\"html\",\"content\":\"<div>");
  for (int i = 0; i < 7; i++)
    strcat(rich, "<p>Truck <b>14</b> is at the <i>gate</i>, see <a href=\\\"https://contoso.example/m?a=1&amp;b=2\\\">map</a>.</p>");
  strcat(rich, "</div>\"},\"importance\":\"normal\"}");
}

static void effect(interop_store_t *store, interop_record_kind_t kind, const char *key, const char *field, const char *text, int list) {
  interop_effect_t e;
  interop_diag_t d;
  memset(&e, 0, sizeof(e));
  e.kind = kind;
  e.key = span(key);
  e.field = span(field);
  e.create = 1;
  e.value.type = list == 2 ? INTEROP_T_FLAG : INTEROP_T_TEXT;
  e.value.number = 1;
  e.value.text = span(text);
  if (list == 1) {
    static char packed[4][512];
    static int n;
    char *p = packed[n++ & 3];
    size_t at = 0;
    e.value.type = INTEROP_T_LIST;
    e.value.count = 0;
    for (const char *s = text; *s != '\0'; e.value.count++) {
      uint32_t len = (uint32_t) strcspn(s, ","), none = 0xffffffffu;
      memcpy(p + at, &len, 4);
      memcpy(p + at + 4, &none, 4);
      memcpy(p + at + 8, s, len);
      at += 8 + len;
      s += len + (s[len] == ',');
    }
    e.value.text.p = p;
    e.value.text.n = at;
  }
  if (interop_store_apply(store, &e, 1, &d) != INTEROP_OK) { fprintf(stderr, "%s\n", d.text); exit(1); }
}

static void fill(interop_store_t *s) {
  static const char *const users[] = { "asha", "bela" };
  effect(s, INTEROP_R_TENANT, "t1", "country", "IN", 0);
  effect(s, INTEROP_R_TENANT, "t1", "plan", "o365", 0);
  effect(s, INTEROP_R_TENANT, "t1", "edition.teams_kaizala", "2019-04", 0);
  for (int i = 0; i < 2; i++) {
    effect(s, INTEROP_R_USER, users[i], "tenant", "t1", 0);
    effect(s, INTEROP_R_USER, users[i], "systems", "kaizala,teams", 1);
    effect(s, INTEROP_R_USER, users[i], "linked_account", "", 2);
    effect(s, INTEROP_R_USER, users[i], "reads_on", i == 0 ? "kaizala" : "teams", 0);
  }
  effect(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "type", "one_on_one", 0);
  effect(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "participants", "asha,bela", 1);
  effect(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "started", "", 2);
  effect(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "tenant", "t1", 0);
}

static interop_status_t snapshot(void *ctx, interop_view_t **view) {
  *view = ctx;
  return INTEROP_OK;
}

static interop_memo_t *memo;

static interop_verdict_t one(const interop_policy_t *policy, int api, interop_store_t *store, const char *body) {
  static pool_t pool;
  interop_alloc_t alloc = { take, &pool };
  interop_target_t target = { span("POST"), span("/v1.0/chats/19:x@thread.v2/messages") };
  interop_request_t req;
  interop_source_t source;
  interop_view_t *view;
  interop_judge_t *j;
  interop_match_t match;
  interop_answer_t answer;
  interop_verdict_t v;
  pool.at = 0;
  memset(&req, 0, sizeof(req));
  req.content_type = span("application/json");
  req.body = span(body);
  req.sender = span("bela");
  req.now = 1547546400;
  if (interop_view_begin(store, &view) != INTEROP_OK) exit(1);
  source.lookup = interop_view_lookup;
  source.ctx = view;
  source.memo = memo;
  source.snapshot = snapshot;
  if (interop_judge_new(policy, api, &target, &alloc, &j, &match) != INTEROP_OK || match != INTEROP_M_BODY
      || interop_judge_run(j, &req, &source) != INTEROP_OK) exit(1);
  v = interop_judge_plan(j)->verdict;
  if (interop_judge_answer(j, 201, span("{\"id\":\"1547546400123\",\"messageType\":\"message\"}"), &answer) != INTEROP_OK) exit(1);
  interop_judge_free(j);
  interop_view_end(view);
  return v;
}

static double run(const interop_policy_t *p, int api, interop_store_t *s, const char *body, long rounds) {
  struct timespec a, b;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  for (long i = 0; i < rounds; i++) one(p, api, s, body);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  return ((double) (b.tv_sec - a.tv_sec) * 1e9 + (double) (b.tv_nsec - a.tv_nsec)) / (double) rounds;
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 100000;
  const char *which = argc > 2 ? argv[2] : "all";
  char dir[] = "/tmp/interop-bench-XXXXXX", command[64];
  interop_diag_t d;
  interop_store_t *store;
  interop_policy_t *policy;
  void *image;
  size_t size;
  int api;
  if (interop_compile_file("conf.d", &interop_alloc_libc, &image, &size, NULL, NULL, &d) != INTEROP_OK
      || interop_policy_load(image, size, &interop_alloc_libc, &policy, &d) != INTEROP_OK
      || mkdtemp(dir) == NULL || interop_store_open(dir, 0, 1, &interop_alloc_libc, &store, &d) != INTEROP_OK) {
    fprintf(stderr, "%s\n", d.text);
    return 1;
  }
  api = interop_policy_api(policy, span("graph"));
  if (getenv("B_NO_MEMO") == NULL && interop_memo_new(policy, 0, &interop_alloc_libc, &memo) != INTEROP_OK) return 1;
  make_bodies();
  fill(store);
  if (strcmp(which, "rich") != 0)
    printf("judge 1 KB text   %-10s %8.0f ns\n", interop_verdict_name(one(policy, api, store, plain)), run(policy, api, store, plain, rounds));
  if (strcmp(which, "plain") != 0)
    printf("judge 1 KB html   %-10s %8.0f ns\n", interop_verdict_name(one(policy, api, store, rich)), run(policy, api, store, rich, rounds));
  interop_memo_free(memo);
  interop_store_close(store);
  interop_policy_free(policy);
  snprintf(command, sizeof(command), "rm -rf %s", dir);
  return system(command) != 0;
}
