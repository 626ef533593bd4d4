/*
** ctl_replay.c -- interopctl replay: what an audit log would say under another
** policy.
**
** Owns reading the log line by line and gathering what came out otherwise; how
** one record is decided again is replay.c's. A line of another form is told and
** passed over, so that a log may be mixed; what cannot be told is counted, and
** never taken for "the same".
*/
#include <errno.h>
#include <stdlib.h>
#include "pack.h"
#include "replay.h"
#include "words.h"
#include "../api/json.h"

const char in_help_replay[] =
  "usage: interopctl replay LOG... [--json] [--policy PATH]\n\n"
  "Decides what an audit log (interop_audit_log) recorded once more, by another\n"
  "policy, with the facts of its day, and tells what comes out otherwise, merged\n"
  "into rows, the most frequent first. What would need a fact that was not recorded,\n"
  "as no rule asked for it then, is counted apart. Where each recipient reads is\n"
  "taken from the log. Scripts are asked again with the facts and counters that they\n"
  "were told then; of one that read the message's text, its answer of then is taken\n"
  "if it is the same script; so is that of a location's script.\n\n"
  "  LOG            files of JSON lines; - is standard input\n"
  "  --json         for programs\n"
  IN_PACK_HELP
  "\nExit: 0 nothing changes, 1 something does, or cannot be told or read.\n";

typedef struct {
  in_span_t about, was, becomes;  /* "message.send gif FROM -> TO", "deny x", "deliver" */
  in_span_t rule, missing;
  uint64_t count, line;
  const char *path;               /* where it was first */
} row_t;

typedef struct {
  const interop_policy_t *policy;
  in_host_t *host;
  in_arena_t arena;               /* of rows */
  row_t *row;
  size_t rows, room;
  uint64_t requests, recipients, changed, untold, passed, unread;
  const char *path;
  uint64_t line;
  bool json, failed;
} run_t;

/* ---- rows */

static row_t *find(run_t *r, const row_t *key) {
  for (size_t i = 0; i < r->rows; i++)
    if (in_eq(r->row[i].about, key->about) && in_eq(r->row[i].was, key->was) && in_eq(r->row[i].becomes, key->becomes)
        && in_eq(r->row[i].missing, key->missing)) return &r->row[i];
  return NULL;
}

static bool grow(run_t *r) {
  size_t room = r->room == 0 ? 64 : r->room * 2;
  row_t *more;
  if (r->rows < r->room) return true;
  more = realloc(r->row, room * sizeof(*more));
  if (more == NULL) return false;
  r->row = more;
  r->room = room;
  return true;
}

static void count(run_t *r, const row_t *key) {
  row_t *row = find(r, key);
  if (row == NULL && grow(r)) {
    row = &r->row[r->rows++];
    *row = *key;
    row->about = in_arena_copy(&r->arena, key->about);
    row->was = in_arena_copy(&r->arena, key->was);
    row->becomes = in_arena_copy(&r->arena, key->becomes);
    row->rule = in_arena_copy(&r->arena, key->rule);
    row->missing = in_arena_copy(&r->arena, key->missing);
    row->path = r->path;
    row->line = r->line;
  }
  if (row == NULL || r->arena.failed) r->failed = true;
  else row->count++;
}

/* ---- one recipient */

/* "deny undetermined:x" is the same outcome, whatever rule it stands in */
static in_span_t was(in_arena_t *a, yyjson_val *recipient) {
  in_span_t verdict = in_replay_text(recipient, "verdict"), reason = in_replay_text(recipient, "reason");
  if (verdict.p == NULL) return IN_NONE;
  return reason.p == NULL ? in_arena_printf(a, "%.*s", (int) verdict.n, verdict.p)
                          : in_arena_printf(a, "%.*s %.*s", (int) verdict.n, verdict.p, (int) reason.n, reason.p);
}

/* where they read was not known: which fact of theirs was missing, the log tells better */
static bool same_outcome(const row_t *key) {
  return in_eq(key->was, key->becomes)
         || (in_eq(key->becomes, IN_SPAN("deny undetermined:recipient.reads_on"))
             && in_starts(key->was, IN_SPAN("deny undetermined:")));
}

/* its outcome; IN_NIL: it cannot be told, or was not decided by rules */
static uint32_t judge_recipient(run_t *r, in_replay_t *x, yyjson_val *recipient) {
  interop_alloc_t alloc = in_arena_alloc(x->arena);
  in_span_t system = in_replay_text(recipient, "system"), from = in_replay_text(x->judged, "from");
  in_replayed_t again;
  in_buf_t b;
  row_t key = { .was = was(x->arena, recipient) };
  if (key.was.p == NULL) return r->passed++, IN_NIL;
  r->recipients++;
  again = in_replay_recipient(x, recipient);
  if (again.status == IN_REPLAY_FAILED) return r->failed = true, IN_NIL;
  if (system.p == NULL) system = IN_SPAN("?");
  key.about = in_arena_printf(x->arena, "%s %s %.*s -> %.*s",
                              interop_operation_name((interop_operation_t) x->event.operation),
                              interop_kind_name((interop_kind_t) x->event.kind), (int) from.n, from.p, (int) system.n, system.p);
  if (again.status != IN_REPLAY_DECIDED) {
    key.missing = again.status == IN_REPLAY_NO_FACT ? again.missing : IN_SPAN("");
    key.becomes = again.status == IN_REPLAY_UNKNOWN ? again.missing : IN_NONE;
    r->untold++;
    count(r, &key);
    return IN_NIL;
  }
  in_buf_init(&b, &alloc);
  in_words_outcome(&b, &r->policy->img, again.outcome);
  key.becomes = in_buf_span(&b);
  key.rule = in_image_str(&r->policy->img, in_outcome(&r->policy->img, again.outcome)->rule);
  if (b.failed) r->failed = true;
  if (same_outcome(&key)) return again.outcome;
  r->changed++;
  count(r, &key);
  return again.outcome;
}

/* ---- scripts: of a request, when all of its recipients are decided */

/* of several systems' verdicts in one request, each with its own, scripts changed the one that was told */
static bool can_ask(yyjson_val *judged, size_t n) {
  return n > 0 && yyjson_get_sint(yyjson_obj_get(judged, "recipient_count")) == (int64_t) n
         && yyjson_obj_get(judged, "systems") == NULL;
}

static void judge_scripts(run_t *r, in_replay_t *x, const uint32_t *outcome) {
  in_span_t from = in_replay_text(x->judged, "from");
  in_replayed_script_t again = in_replay_scripts(x, r->host, outcome);
  row_t key = { .was = again.was, .becomes = again.becomes, .rule = again.rule };
  if (again.status == IN_REPLAY_FAILED) r->failed = true;
  if (again.status == IN_REPLAY_FAILED || again.was.p == NULL) return;
  if (again.status == IN_REPLAY_DECIDED && in_eq(again.was, again.becomes)) return;
  key.missing = again.status == IN_REPLAY_DECIDED ? IN_NONE : again.missing;
  key.about = in_arena_printf(x->arena, "%s %s %.*s, by scripts",
                              interop_operation_name((interop_operation_t) x->event.operation),
                              interop_kind_name((interop_kind_t) x->event.kind), (int) from.n, from.p);
  if (again.status == IN_REPLAY_DECIDED) r->changed++; else r->untold++;
  count(r, &key);
}

static void judge_all(run_t *r, in_replay_t *x) {
  yyjson_val *recipients = yyjson_obj_get(x->judged, "recipients"), *v;
  size_t i, n = yyjson_arr_size(recipients);
  uint32_t *outcome = in_arena_array(x->arena, n + 1, sizeof(*outcome));
  bool all = outcome != NULL && can_ask(x->judged, n);
  r->requests++;
  if (outcome == NULL) return;
  yyjson_arr_foreach(recipients, i, n, v) {
    outcome[i] = judge_recipient(r, x, v);
    all = all && outcome[i] != IN_NIL;
  }
  if (all) judge_scripts(r, x, outcome);
}

/* the system that it came from is none of this policy's */
static bool no_system(run_t *r, yyjson_val *judged) {
  in_span_t from = in_replay_text(judged, "from"), operation = in_replay_text(judged, "operation");
  row_t key = { .was = in_replay_text(judged, "verdict"), .becomes = from, .missing = IN_SPAN("") };
  if (from.p == NULL || operation.p == NULL || key.was.p == NULL || yyjson_arr_size(yyjson_obj_get(judged, "recipients")) == 0
      || in_find_system(&r->policy->img, from) != IN_NIL) return false;
  key.about = in_arena_printf(&r->arena, "%.*s %.*s", (int) operation.n, operation.p, (int) from.n, from.p);
  if (key.about.p == NULL) r->failed = true;
  else count(r, &key);
  r->untold++;
  return true;
}

static void judge_record(run_t *r, yyjson_val *judged) {
  yyjson_val *items = yyjson_obj_get(judged, "items"), *v;
  in_arena_t arena;
  in_replay_t x;
  size_t i, n;
  yyjson_arr_foreach(items, i, n, v)
    if (yyjson_is_obj(v)) judge_record(r, v);          /* an item has no items: audit.c */
  in_arena_init(&arena, &interop_alloc_libc);
  if (in_replay_begin(&x, r->policy, judged, &arena)) {
    judge_all(r, &x);
  } else if (no_system(r, judged)) {
    r->requests++;
  } else if (items == NULL) {
    r->passed++;
  }
  if (arena.failed) r->failed = true;
  in_replay_end(&x);
  in_arena_free(&arena);
}

/* ---- the log */

static void read_line(run_t *r, char *line, size_t n) {
  yyjson_doc *doc = yyjson_read(line, n, 0);
  yyjson_val *judged = yyjson_obj_get(yyjson_doc_get_root(doc), "judged");
  if (yyjson_is_obj(judged)) judge_record(r, judged);
  else {
    in_ctl_fail("%s:%llu: this line is no audit record", r->path, (unsigned long long) r->line);
    r->unread++;
  }
  yyjson_doc_free(doc);
}

static bool read_log(run_t *r, const char *path) {
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  char *line = NULL;
  size_t size = 0;
  ssize_t n = 0;
  bool good;
  if (f == NULL) return in_ctl_fail("%s: %s", path, strerror(errno)) == 0;
  r->path = f == stdin ? "standard input" : path;
  for (r->line = 1; !r->failed && (n = getline(&line, &size, f)) >= 0; r->line++)
    if (n > 1 || (n == 1 && line[0] != '\n')) read_line(r, line, (size_t) n);
  good = !ferror(f);
  if (!good) in_ctl_fail("%s: %s", path, strerror(errno));
  free(line);
  if (f != stdin) fclose(f);
  return good;
}

/* ---- telling */

static int by_count(const void *a, const void *b) {
  const row_t *x = a, *y = b;
  if ((x->missing.p == NULL) != (y->missing.p == NULL)) return x->missing.p == NULL ? -1 : 1;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  if (strcmp(x->path, y->path) != 0) return strcmp(x->path, y->path);
  return (x->line > y->line) - (x->line < y->line);
}

static void put_row(const row_t *row) {
  printf("%8llu  ", (unsigned long long) row->count);
  in_ctl_text(row->about, stdout);
  printf(": ");
  in_ctl_text(row->was, stdout);
  if (row->missing.p == NULL) {
    printf(" => ");
    in_ctl_text(row->becomes, stdout);
    if (row->rule.n > 0) printf("  (%.*s)", (int) row->rule.n, row->rule.p);
  } else if (row->missing.n > 0) {
    printf(" => ? it hangs on %.*s, which was not recorded", (int) row->missing.n, row->missing.p);
  } else {
    printf(" => ? the policy has no system ");
    in_ctl_text(row->becomes, stdout);
  }
  printf("\n          first: %s:%llu\n", row->path, (unsigned long long) row->line);
}

static void put_text(const run_t *r) {
  printf("%llu requests, %llu recipients: %llu change, %llu cannot be told", (unsigned long long) r->requests,
         (unsigned long long) r->recipients, (unsigned long long) r->changed, (unsigned long long) r->untold);
  if (r->passed > 0) printf(", %llu were not decided by rules", (unsigned long long) r->passed);
  if (r->unread > 0) printf(", %llu lines could not be read", (unsigned long long) r->unread);
  printf("\n");
  for (size_t i = 0; i < r->rows; i++) put_row(&r->row[i]);
}

static void put_member(in_buf_t *b, const char *name, in_span_t v) {
  in_buf_printf(b, ",\"%s\":", name);
  in_json_quote(b, v);
}

static void put_json(run_t *r) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  in_buf_printf(&b, "{\"requests\":%zu,\"recipients\":%zu,\"changed\":%zu,\"untold\":%zu,\"passed\":%zu,"
                "\"unread\":%zu,\"rows\":[",
                (size_t) r->requests,
                (size_t) r->recipients, (size_t) r->changed, (size_t) r->untold, (size_t) r->passed, (size_t) r->unread);
  for (size_t i = 0; i < r->rows; i++) {
    const row_t *row = &r->row[i];
    in_buf_printf(&b, "%s{\"count\":%zu", i == 0 ? "" : ",", (size_t) row->count);
    put_member(&b, "about", row->about);
    put_member(&b, "was", row->was);
    if (row->missing.n == 0) put_member(&b, row->missing.p == NULL ? "becomes" : "no_system", row->becomes);
    else put_member(&b, "missing", row->missing);
    if (row->rule.n > 0) put_member(&b, "rule", row->rule);
    put_member(&b, "path", in_str(row->path));
    in_buf_printf(&b, ",\"line\":%zu}", (size_t) row->line);
  }
  in_buf_put(&b, IN_SPAN("]}\n"));
  if (b.failed) r->failed = true; else in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
}

static bool run(run_t *r, int argc, char **argv) {
  bool good = true;
  for (int i = 1; i < argc && good; i++) good = read_log(r, argv[i]);
  if (good && !r->failed) {
    if (r->rows > 0) qsort(r->row, r->rows, sizeof(*r->row), by_count);
    if (r->json) put_json(r); else put_text(r);
  }
  if (r->failed) in_ctl_fail("out of memory");
  return good && !r->failed;
}

int in_ctl_replay(int argc, char **argv) {
  run_t r = { 0 };
  const char *policy = NULL;
  in_option_t options[] = { { "--policy", &policy, NULL }, { "--json", NULL, &r.json } };
  in_pack_t pack;
  bool good;
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc < 2) return in_ctl_wrong(argv[0], "which audit log?");
  if (!in_pack_open(&pack, policy)) return IN_CTL_FOUND;
  r.policy = pack.policy;
  r.host = &pack.host;
  in_arena_init(&r.arena, &interop_alloc_libc);
  good = run(&r, argc, argv);
  good = good && r.changed == 0 && r.untold == 0 && r.unread == 0;
  in_arena_free(&r.arena);
  free(r.row);
  in_pack_close(&pack);
  return good ? IN_CTL_GOOD : IN_CTL_FOUND;
}
