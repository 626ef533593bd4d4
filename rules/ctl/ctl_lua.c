/*
** ctl_lua.c -- interopctl lua: a script checked, or run on one event.
**
** Owns the two verbs. The script is loaded by the extension that the edge uses
** and asked by the judge that the edge runs, so what is shown here is what would
** happen there; only the counting of instructions is exact here, and slower.
*/
#include "case.h"
#include "../api/json.h"

const char in_help_lua[] =
  "usage: interopctl lua check FILE ... [--json]\n"
  "       interopctl lua run FILE --event EVENT.json [--times N] [--json] [OPTION ...]\n\n"
  "check   loads each script as the edge would: errors with file and line.\n"
  "run     asks the script about one event, on top of what the policy says: the\n"
  "        verdict, what it logged, the instructions and the memory that it used.\n"
  "        EVENT.json is an object as a behaviour case (t/cases/README.md): \"given\",\n"
  "        and \"step\", or the first of \"steps\".\n\n"
  "  --event FILE   the event\n"
  "  --times N      the same event N times, one after the other (counters count)\n"
  "  --json         for programs: one object for each file, or each time; what the\n"
  "                 script logged goes to standard error\n"
  IN_PACK_HELP;

typedef struct {
  const char *file, *event, *times;
  in_pack_t pack;
  in_case_file_t json;
  in_memory_t *memory;
  unsigned script;                /* its number */
  bool as_json;
} job_t;

static bool load(in_host_t *h, const char *path, unsigned *number) {
  interop_script_source_t source;
  interop_diag_t diag;
  in_span_t text;
  interop_status_t rc;
  const char *name = strrchr(path, '/');
  if (!in_ctl_read(path, &text)) return false;
  memset(&source, 0, sizeof(source));
  source.name = in_str(name == NULL ? path : name + 1);
  source.file = in_str(path);
  source.text = text;
  source.exact = 1;
  rc = interop_scripts_add(h->scripts, &source, number, &diag);
  interop_alloc_libc.resize(interop_alloc_libc.ctx, (char *) (uintptr_t) text.p, text.n + 1, 0);
  if (rc != INTEROP_OK) in_pack_diag(&diag);
  return rc == INTEROP_OK;
}

static void print(in_buf_t *b) {
  in_ctl_print(in_buf_span(b), stdout);
  in_buf_free(b);
}

static void print_good(const char *file, bool good) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  in_buf_put(&b, IN_SPAN("{\"file\":"));
  in_json_quote(&b, in_str(file));
  in_buf_printf(&b, ",\"good\":%s}\n", good ? "true" : "false");
  print(&b);
}

static int check(int argc, char **argv, job_t *j) {
  int code = IN_CTL_GOOD;
  for (int i = 2; i < argc; i++) {
    unsigned number;
    bool good = load(&j->pack.host, argv[i], &number);
    if (j->as_json) print_good(argv[i], good);
    else if (good) printf("%s: good\n", argv[i]);
    if (!good) code = IN_CTL_FOUND;
  }
  return code;
}

/* ---- run */

static void print_plan(const interop_plan_t *p) {
  printf("verdict       %s", interop_verdict_name(p->verdict));
  if (p->reason.p != NULL) printf(" %.*s", (int) p->reason.n, p->reason.p);
  if (p->rule.p != NULL) printf(" (%.*s)", (int) p->rule.n, p->rule.p);
  printf("\npolicy        %s", interop_verdict_name(p->policy_verdict));
  if (p->policy_reason.p != NULL) printf(" %.*s", (int) p->policy_reason.n, p->policy_reason.p);
  printf(" (%.*s)\n", (int) p->policy_rule.n, p->policy_rule.p);
  printf("script        %s", interop_script_did_name(p->script_did));
  if (p->script_error.p != NULL) {
    fputs(": ", stdout);
    in_ctl_text(p->script_error, stdout);
  }
  printf("\ninstructions  %llu\nmemory        %zu\n", (unsigned long long) p->script_instructions, p->script_memory);
}

static void put(in_buf_t *b, const char *name, in_span_t value) {
  if (value.p == NULL) return;
  in_buf_put(b, b->n == 1 ? IN_SPAN("\"") : IN_SPAN(",\""));
  in_buf_put(b, in_str(name));
  in_buf_put(b, IN_SPAN("\":"));
  in_json_quote(b, value);
}

static void json_plan(const interop_plan_t *p) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  in_buf_byte(&b, '{');
  put(&b, "verdict", in_str(interop_verdict_name(p->verdict)));
  put(&b, "reason", p->reason);
  put(&b, "rule", p->rule);
  put(&b, "policy_verdict", in_str(interop_verdict_name(p->policy_verdict)));
  put(&b, "policy_reason", p->policy_reason);
  put(&b, "policy_rule", p->policy_rule);
  put(&b, "did", in_str(interop_script_did_name(p->script_did)));
  put(&b, "error", p->script_error);
  in_buf_printf(&b, ",\"instructions\":%llu,\"memory\":%zu}\n", (unsigned long long) p->script_instructions, p->script_memory);
  print(&b);
}

static int run_once(job_t *j, yyjson_val *given, yyjson_val *step) {
  in_arena_t arena;
  in_edge_t *e;
  interop_diag_t diag;
  interop_status_t rc = INTEROP_NOMEM;
  in_arena_init(&arena, &interop_alloc_libc);
  e = in_arena_get(&arena, sizeof(*e));
  if (e != NULL) {
    e->policy = j->pack.policy;
    e->memory = j->memory;
    e->arena = &arena;
    e->host = &j->pack.host;
    e->script = j->script;
    rc = in_case_step(given, step, e, &diag) ? in_edge_judge(e) : INTEROP_SYNTAX;
    if (rc == INTEROP_SYNTAX) in_ctl_fail("%s: %s", j->event, diag.text);
    else if (rc != INTEROP_OK) in_ctl_fail("%s", interop_status_name(rc));
    else if (e->judge == NULL || interop_judge_plan(e->judge)->script.p == NULL)
      puts(j->as_json ? "{}" : "no script is asked about this event");
    else if (j->as_json) json_plan(interop_judge_plan(e->judge));
    else print_plan(interop_judge_plan(e->judge));
    in_edge_end(e);
  }
  in_arena_free(&arena);
  return rc == INTEROP_OK ? IN_CTL_GOOD : IN_CTL_FOUND;
}

static int run_times(job_t *j, size_t times) {
  yyjson_val *given = in_case_get(j->json.root, "given"), *step = in_case_get(j->json.root, "step");
  interop_diag_t diag;
  in_arena_t arena;
  int code = IN_CTL_GOOD;
  bool good;
  if (step == NULL) step = yyjson_arr_get(in_case_get(j->json.root, "steps"), 0);
  if (step == NULL) return in_ctl_fail("%s: an event has a \"step\"", j->event);
  in_arena_init(&arena, &interop_alloc_libc);
  good = in_case_given(given, j->memory, &arena, &diag);
  in_arena_free(&arena);
  if (!good) return in_ctl_fail("%s: %s", j->event, diag.text);
  for (size_t i = 0; i < times && code == IN_CTL_GOOD; i++) {
    if (i > 0 && !j->as_json) putchar('\n');
    code = run_once(j, given, step);
  }
  return code;
}

static int run(job_t *j) {
  size_t times = 1;
  int code = IN_CTL_WRONG;
  if (j->times != NULL && (!in_ctl_size(j->times, &times) || times == 0 || times > 10000))
    return in_ctl_wrong("lua", "--times wants a number from 1 to 10000");
  if (!load(&j->pack.host, j->file, &j->script)) return IN_CTL_FOUND;
  if (!in_case_open(&j->json, j->event)) return IN_CTL_WRONG;
  j->pack.host.log = j->as_json ? stderr : stdout;
  j->memory = in_memory_new(&interop_alloc_libc);
  code = j->memory == NULL ? in_ctl_fail("out of memory") : run_times(j, times);
  in_memory_free(j->memory);
  in_case_close(&j->json);
  return code;
}

int in_ctl_lua(int argc, char **argv) {
  job_t j;
  const char *policy = NULL;
  in_option_t options[] = {
    { "--policy", &policy, NULL }, { "--event", &j.event, NULL }, { "--times", &j.times, NULL },
    { "--json", NULL, &j.as_json },
  };
  bool checks;
  int code;
  memset(&j, 0, sizeof(j));
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc < 2 || (strcmp(argv[1], "check") != 0 && strcmp(argv[1], "run") != 0))
    return in_ctl_wrong(argv[0], "check FILE ..., or run FILE --event EVENT.json");
  checks = strcmp(argv[1], "check") == 0;
  if (checks ? argc < 3 : argc != 3) return in_ctl_wrong(argv[0], checks ? "which files?" : "one file at a time");
  if (!checks && j.event == NULL) return in_ctl_wrong(argv[0], "which event? --event EVENT.json");
  if (!in_pack_open_host(&j.pack, policy)) return IN_CTL_FOUND;
  j.file = argv[2];
  code = checks ? check(argc, argv, &j) : run(&j);
  in_pack_close(&j.pack);
  return code;
}
