/*
** ctl_test.c -- interopctl test: behaviour cases in the engine alone.
**
** Owns the running and the counting. Every case has a store of its own, in
** memory; its steps are judged one after the other by the calls that the nginx
** module makes. Must not know any expectation: see expect.h.
*/
#include <errno.h>
#include "expect.h"
#include "../api/json.h"

const char in_help_test[] =
  "usage: interopctl test [--policy PATH] [--only ID] [--verbose | --json]\n"
  "                         [--audit LOG] FILE ...\n\n"
  "Runs behaviour cases (JSON arrays; t/cases/README.md tells their form) through\n"
  "the engine, without nginx. One line for each expectation that failed, and\n"
  "\"N passed, N failed\" last. Cases for APIs that the policy does not define are\n"
  "skipped, and it says so.\n\n"
  "  --only ID      this case alone; ID* for all that begin so\n"
  "  --verbose      also what passed, and what was exchanged in cases that failed\n"
  "  --json         for programs: the counts, what failed and what was skipped\n"
  "  --audit LOG    writes what interop_audit_log would; interopctl replay reads it\n"
  IN_PACK_HELP
  "\nExit: 0 no case failed, 1 some did, 2 a file cannot be read, or is no list of cases.\n";

typedef struct {
  const interop_policy_t *policy;
  in_host_t *host;
  const char *only;
  FILE *audit;
  bool verbose, json, found;      /* found: --only meant one */
  in_buf_t told;                  /* json: what failed and what was skipped */
  unsigned passed, failed, skipped;
} run_t;

typedef struct { run_t *run; in_span_t id; unsigned step, failures; } case_t;

/* {"id":"...","step":1,"failed":"..."} */
static void tell_json(case_t *c, const char *member, const char *what) {
  in_buf_t *b = &c->run->told;
  in_buf_put(b, b->n == 0 ? IN_SPAN("{\"id\":") : IN_SPAN(",\n {\"id\":"));
  in_json_quote(b, c->id);
  if (c->step > 0) in_buf_printf(b, ",\"step\":%u", c->step);
  in_buf_printf(b, ",\"%s\":", member);
  in_json_quote(b, in_str(what));
  in_buf_byte(b, '}');
}

static void tell_failed(void *ctx, const char *what) {
  case_t *c = ctx;
  if (c->run->json) {
    c->failures++;
    tell_json(c, "failed", what);
    return;
  }
  if (in_ctl_colour(stdout)) printf("\033[31m%.*s\033[0m", (int) c->id.n, c->id.p);
  else in_ctl_print(c->id, stdout);
  if (c->step > 0) printf(" step %u", c->step);
  printf(": %s\n", what);
  c->failures++;
}

static void show(const char *what, const in_wire_t *w, in_arena_t *a) {
  in_span_t raw = in_wire_raw(w, a);
  printf("  %s\n    ", what);
  for (size_t i = 0; i < raw.n; i++) {
    if (raw.p[i] == '\n') fputs("\n    ", stdout);
    else if (raw.p[i] != '\r') in_ctl_text(in_span(raw.p + i, 1), stdout);
  }
  putchar('\n');
}

static void show_exchange(const in_edge_t *e) {
  show("client sent:", &e->client, e->arena);
  for (uint32_t i = 0; i < e->upstream_count; i++) show("upstream got:", &e->upstream[i], e->arena);
  show("client got:", &e->response, e->arena);
}

static bool run_step(case_t *c, yyjson_val *given, yyjson_val *step, in_memory_t *m, in_arena_t *a) {
  in_teller_t t = { tell_failed, c, a };
  unsigned before = c->failures;
  in_edge_t *e = in_arena_get(a, sizeof(*e));
  interop_diag_t diag;
  interop_status_t rc;
  if (e == NULL) return false;
  e->policy = c->run->policy;
  e->host = c->run->host;
  e->memory = m;
  e->arena = a;
  if (!in_case_step(given, step, e, &diag)) return tell_failed(c, diag.text), true;
  e->audit = c->run->audit;
  rc = in_edge_run(e);
  if (rc != INTEROP_OK) tell_failed(c, interop_status_name(rc));
  else in_expect_check(in_case_get(step, "expect"), e, &t);
  if (c->run->verbose && c->failures > before) show_exchange(e);
  in_edge_end(e);
  return true;
}

static bool run_steps(case_t *c, yyjson_val *v, in_memory_t *m, in_arena_t *a) {
  yyjson_val *given = in_case_get(v, "given"), *step;
  interop_diag_t diag;
  size_t i, n;
  if (!in_case_given(given, m, a, &diag)) return tell_failed(c, diag.text), true;
  yyjson_arr_foreach(in_case_get(v, "steps"), i, n, step) {
    c->step = (unsigned) i + 1;
    if (!run_step(c, given, step, m, a)) return false;
  }
  return true;
}

static const char *reason_to_skip(const run_t *run, yyjson_val *v, in_arena_t *a) {
  size_t i, n;
  yyjson_val *step;
  yyjson_arr_foreach(in_case_get(v, "steps"), i, n, step) {
    const char *why = in_case_skip(run->policy, step, a);
    if (why != NULL) return why;
  }
  return in_case_skip_given(run->policy, in_case_get(v, "given"), a);
}

static void count(run_t *run, const case_t *c, yyjson_val *v) {
  in_span_t about = in_case_text(v, "about");
  if (c->failures > 0) {
    run->failed++;
    return;
  }
  run->passed++;
  if (run->verbose) printf("%.*s: passed: %.*s\n", (int) c->id.n, c->id.p, (int) about.n, about.p);
}

static void run_case(run_t *run, yyjson_val *v) {
  case_t c = { run, in_case_text(v, "id"), 0, 0 };
  in_memory_t *m = in_memory_new(&interop_alloc_libc);
  in_arena_t a;
  const char *why;
  in_arena_init(&a, &interop_alloc_libc);
  in_host_renew(run->host);
  if (c.id.p == NULL) c.id = IN_SPAN("(a case without id)");
  why = reason_to_skip(run, v, &a);
  if (why != NULL) {
    if (run->json) tell_json(&c, "skipped", why);
    else printf("%.*s: skipped: %s\n", (int) c.id.n, c.id.p, why);
    run->skipped++;
  } else {
    if (in_case_get(v, "steps") == NULL) tell_failed(&c, "a case has steps");
    else if (m == NULL || !run_steps(&c, v, m, &a)) tell_failed(&c, "out of memory");
    count(run, &c, v);
  }
  in_memory_free(m);
  in_arena_free(&a);
}

static bool wanted(const run_t *run, in_span_t id) {
  in_span_t only;
  if (run->only == NULL) return true;
  only = in_str(run->only);
  if (in_ends(only, IN_SPAN("*"))) return in_starts(id, in_span(only.p, only.n - 1));
  return in_eq(id, only);
}

static int run_file(run_t *run, const char *path) {
  in_case_file_t f;
  size_t i, n;
  yyjson_val *v;
  int code = IN_CTL_GOOD;
  if (!in_case_open(&f, path)) return IN_CTL_WRONG;
  if (!yyjson_is_arr(f.root)) {
    in_ctl_fail("%s: not an array of cases", path);
    code = IN_CTL_WRONG;
  }
  yyjson_arr_foreach(f.root, i, n, v) {
    if (!wanted(run, in_case_text(v, "id"))) continue;
    run->found = true;
    run_case(run, v);
  }
  in_case_close(&f);
  return code;
}

static void put_json(const run_t *run) {
  printf("{\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"cases\":[", run->passed, run->failed, run->skipped);
  in_ctl_print(in_buf_span(&run->told), stdout);
  puts("]}");
}

int in_ctl_test(int argc, char **argv) {
  run_t run = { 0 };
  const char *policy = NULL, *audit = NULL;
  in_option_t options[] = {
    { "--policy", &policy, NULL }, { "--only", &run.only, NULL }, { "--verbose", NULL, &run.verbose },
    { "--json", NULL, &run.json }, { "--audit", &audit, NULL },
  };
  in_pack_t pack;
  int code = IN_CTL_GOOD;
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc < 2) return in_ctl_wrong(argv[0], "which case files?");
  if (run.json && run.verbose) return in_ctl_wrong(argv[0], "--verbose is for people, --json for programs");
  if (audit != NULL && (run.audit = fopen(audit, "w")) == NULL) {
    in_ctl_fail("%s: %s", audit, strerror(errno));
    return IN_CTL_FOUND;
  }
  in_buf_init(&run.told, &interop_alloc_libc);
  if (!in_pack_open(&pack, policy)) return IN_CTL_FOUND;
  run.policy = pack.policy;
  run.host = &pack.host;
  for (int i = 1; i < argc && code == IN_CTL_GOOD; i++) code = run_file(&run, argv[i]);
  in_pack_close(&pack);
  if (run.only != NULL && !run.found && code == IN_CTL_GOOD) code = in_ctl_wrong(argv[0], "no case %s", run.only);
  if (run.audit != NULL && fclose(run.audit) != 0 && in_ctl_fail("%s: %s", audit, strerror(errno))) code = IN_CTL_FOUND;
  if (run.json && code == IN_CTL_GOOD) put_json(&run);
  in_buf_free(&run.told);
  if (code != IN_CTL_GOOD) return code;
  if (run.json) return run.failed > 0 ? IN_CTL_FOUND : IN_CTL_GOOD;
  printf("%u passed, %u failed", run.passed, run.failed);
  if (run.skipped > 0) printf(", %u skipped", run.skipped);
  putchar('\n');
  return run.failed > 0 ? IN_CTL_FOUND : IN_CTL_GOOD;
}
