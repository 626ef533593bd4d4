/*
** ctl_bench.c -- interopctl bench: what judging by a policy costs on this machine.
**
** Owns the clock and the counting. The events are the first steps of behaviour
** cases; each is judged as at the edge, over what its case says is known, again and
** again. What has to ask upstream first is passed over: that is no cost of the
** policy. Nothing here knows what a verdict should be.
*/
#include <stdlib.h>
#include <time.h>
#include "case.h"
#include "../judge/judge.h"

const char in_help_bench[] =
  "usage: interopctl bench CASES... [--seconds N] [--json] [--policy PATH]\n\n"
  "Judges the first step of every behaviour case again and again and tells what it\n"
  "costs on this machine: a decision, that is a recipient's way through the rules\n"
  "with all facts at hand, and a whole request, from its bytes to the plan.\n\n"
  "  CASES          behaviour cases (JSON; t/cases/README.md tells their form)\n"
  "  --seconds N    how long to judge, 1 to 600; 2 if not given\n"
  "  --json         for programs\n"
  IN_PACK_HELP;

#define SAMPLES  (1u << 20)
#define BATCH    64u              /* decisions between two looks at the clock */

typedef struct event_s event_t;
struct event_s {
  event_t *next;
  in_arena_t arena;
  in_memory_t *memory;
  in_edge_t edge;
};

typedef struct { double *at; uint32_t n; double sum; } samples_t;

typedef struct {
  in_pack_t *pack;
  event_t *events;
  uint32_t count, skipped;
  double seconds;
  samples_t decide, judge;
} run_t;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

/* ---- events */

static void drop(event_t *e) {
  in_edge_end(&e->edge);
  in_memory_free(e->memory);
  in_arena_free(&e->arena);
  free(e);
}

/* judged once: it can be judged, and asks nobody */
static bool usable(run_t *r, event_t *e, yyjson_val *v) {
  yyjson_val *given = in_case_get(v, "given"), *step = yyjson_arr_get_first(in_case_get(v, "steps"));
  interop_diag_t diag;
  if (step == NULL || in_case_skip(r->pack->policy, step, &e->arena) != NULL
      || in_case_skip_given(r->pack->policy, given, &e->arena) != NULL) return false;
  e->edge.policy = r->pack->policy;
  e->edge.host = &r->pack->host;
  e->edge.memory = e->memory;
  e->edge.arena = &e->arena;
  if (!in_case_given(given, e->memory, &e->arena, &diag) || !in_case_step(given, step, &e->edge, &diag)) return false;
  if (in_edge_judge(&e->edge) != INTEROP_OK || e->edge.judge == NULL || e->edge.upstream_count > 0) return false;
  in_edge_end(&e->edge);
  return true;
}

static bool add(run_t *r, yyjson_val *v) {
  event_t *e = calloc(1, sizeof(*e));
  if (e == NULL) return false;
  in_arena_init(&e->arena, &interop_alloc_libc);
  e->memory = in_memory_new(&interop_alloc_libc);
  if (e->memory == NULL || !usable(r, e, v)) {
    r->skipped++;
    drop(e);
    return true;
  }
  e->next = r->events;
  r->events = e;
  r->count++;
  return true;
}

/* events keep spans of the file: it is closed at the end */
static int add_file(run_t *r, in_case_file_t *f, const char *path) {
  size_t i, n;
  yyjson_val *v;
  if (!in_case_open(f, path)) return IN_CTL_WRONG;
  if (!yyjson_is_arr(f->root)) return in_ctl_fail("%s: not an array of cases", path), IN_CTL_WRONG;
  yyjson_arr_foreach(f->root, i, n, v)
    if (!add(r, v)) return in_ctl_fail("out of memory");
  return IN_CTL_GOOD;
}

/* ---- measuring */

static void keep(samples_t *s, double nanoseconds) {
  s->sum += nanoseconds;
  if (s->n < SAMPLES) s->at[s->n++] = nanoseconds;
}

/* the first recipient's way, again with all facts at hand */
static void decide(run_t *r, interop_judge_t *j) {
  in_list_event_t event = { (uint32_t) j->event.operation, (uint32_t) j->event.kind, j->from, 0 };
  volatile uint32_t outcome;      /* so that it is looked for */
  double start;
  if (!j->addressed || j->recipient_count == 0 || j->recipients[0].outcome == IN_NIL) return;
  event.to = j->recipients[0].to;
  in_judge_take(j, &j->recipients[0]);
  outcome = in_decide_event(&j->facts, &event);
  start = now();
  for (uint32_t i = 0; i < BATCH; i++) outcome = in_decide_event(&j->facts, &event);
  (void) outcome;
  keep(&r->decide, (now() - start) / BATCH);
}

static bool judge(run_t *r, event_t *e) {
  double start = now();
  bool good = in_edge_judge(&e->edge) == INTEROP_OK && e->edge.judge != NULL;
  keep(&r->judge, now() - start);
  if (good) decide(r, e->edge.judge);
  in_edge_end(&e->edge);
  return good;
}

static bool measure(run_t *r) {
  double end = now() + r->seconds * 1e9;
  r->decide.at = malloc(SAMPLES * sizeof(double));
  r->judge.at = malloc(SAMPLES * sizeof(double));
  if (r->decide.at == NULL || r->judge.at == NULL) return false;
  do {
    for (event_t *e = r->events; e != NULL; e = e->next)
      if (!judge(r, e)) return false;
  } while (now() < end && r->judge.n < SAMPLES);
  return true;
}

/* ---- telling */

static int by_size(const void *a, const void *b) {
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static double part(samples_t *s, double of) {
  if (s->n == 0) return 0;
  qsort(s->at, s->n, sizeof(*s->at), by_size);
  return s->at[(uint32_t) ((double) (s->n - 1) * of)];
}

static void tell(run_t *r, bool json) {
  double each = r->judge.n == 0 ? 0 : r->judge.sum / r->judge.n;
  double rate = each > 0 ? 1e9 / each : 0;
  printf(json ? "{\"events\":%u,\"skipped\":%u,\"decision\":{\"p50\":%.1f,\"p99\":%.1f},"
                "\"request\":{\"p50\":%.0f,\"p99\":%.0f},\"requests_per_second\":%.0f,\"revision\":\"%s\"}\n"
              : "events         %u, %u passed over\n"
                "decision       p50 %.1f ns, p99 %.1f ns\n"
                "request        p50 %.0f ns, p99 %.0f ns\n"
                "throughput     %.0f requests a second, on one core\n"
                "revision       %s\n",
         r->count, r->skipped, part(&r->decide, 0.5), part(&r->decide, 0.99), part(&r->judge, 0.5), part(&r->judge, 0.99), rate,
         r->pack->policy->revision);
}

static int bench(run_t *r, int argc, char **argv, bool json) {
  in_case_file_t *file = calloc((size_t) argc, sizeof(*file));
  int code = IN_CTL_GOOD;
  if (file == NULL) return in_ctl_fail("out of memory");
  for (int i = 1; i < argc && code == IN_CTL_GOOD; i++) code = add_file(r, &file[i], argv[i]);
  if (code == IN_CTL_GOOD && r->count == 0) code = in_ctl_fail("there is no event that this policy can judge at once");
  if (code == IN_CTL_GOOD && !measure(r)) code = in_ctl_fail("an event could not be judged again");
  if (code == IN_CTL_GOOD) tell(r, json);
  while (r->events != NULL) {
    event_t *next = r->events->next;
    drop(r->events);
    r->events = next;
  }
  for (int i = 1; i < argc; i++) in_case_close(&file[i]);
  free(r->decide.at);
  free(r->judge.at);
  free(file);
  return code;
}

int in_ctl_bench(int argc, char **argv) {
  run_t r = { .seconds = 2 };
  const char *policy = NULL, *seconds = NULL;
  bool json = false;
  size_t n = 2;
  in_option_t options[] = { { "--policy", &policy, NULL }, { "--seconds", &seconds, NULL }, { "--json", NULL, &json } };
  in_pack_t pack;
  int code;
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc < 2) return in_ctl_wrong(argv[0], "which case files?");
  if (seconds != NULL && (!in_ctl_size(seconds, &n) || n == 0 || n > 600))
    return in_ctl_wrong(argv[0], "--seconds wants 1 to 600");
  if (!in_pack_open(&pack, policy)) return IN_CTL_FOUND;
  r.pack = &pack;
  r.seconds = (double) n;
  code = bench(&r, argc, argv, json);
  in_pack_close(&pack);
  return code;
}
