/*
** oom.c -- every allocation is refused once.
**
** Compiling the shipped policies, loading their image and judging requests are
** run again and again, the 1st, 2nd, 3rd ... allocation being refused: that one
** alone, or all from there on. The status must be NOMEM, or the result what it
** is with memory; nothing may stay allocated; and the next try must succeed.
*/
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#include "tap.h"
#include "interop.h"
#include "asked.h"
#include "store/store.h"

/* ---- an allocator that refuses */

typedef struct {
  size_t live;                    /* bytes */
  unsigned long count, refuse;    /* allocations so far; number of the one to refuse, 0: none */
  int persistent;                 /* all later ones too */
  int wrong;                      /* a block came back with another size */
} counter_t;

typedef struct { size_t size; size_t pad; } front_t;

static void *resize(void *ctx, void *ptr, size_t osize, size_t nsize) {
  counter_t *c = ctx;
  front_t *f = ptr == NULL ? NULL : (front_t *) ptr - 1;
  front_t *n;
  if (f != NULL && f->size != osize) c->wrong = 1;
  if (nsize == 0) {
    if (f != NULL) c->live -= f->size;
    free(f);
    return NULL;
  }
  c->count++;
  if (c->refuse != 0 && (c->count == c->refuse || (c->persistent && c->count > c->refuse))) return NULL;
  n = malloc(nsize + sizeof(*n));
  if (n == NULL) abort();
  n->size = nsize;
  if (f != NULL) memcpy(n + 1, f + 1, f->size < nsize ? f->size : nsize);
  c->live += nsize;
  if (f != NULL) c->live -= f->size;
  free(f);
  return n + 1;
}

/* ---- the operations: each gives its status, and frees what it made */

typedef struct { const interop_alloc_t *alloc; char said[4096]; } run_t;
typedef interop_status_t (*operation_t)(run_t *r);

static void *image;               /* of the shipped policies */
static size_t image_size;
static interop_policy_t *policy;
static in_memory_t *memory;
static interop_store_t *store;
static char path[64];

static interop_status_t compile(run_t *r) {
  interop_diag_t diag;
  void *made = NULL;
  size_t size = 0;
  interop_status_t rc = interop_compile_file("conf.d", r->alloc, &made, &size, NULL, NULL, &diag);
  if (rc != INTEROP_OK) {
    if (diag.status != rc) return INTEROP_USAGE;
    return rc;
  }
  snprintf(r->said, sizeof(r->said), "%s", size == image_size && memcmp(made, image, size) == 0 ? "same" : "another image");
  r->alloc->resize(r->alloc->ctx, made, size, 0);
  return rc;
}

static interop_status_t load(run_t *r) {
  interop_diag_t diag;
  interop_policy_t *p = NULL;
  interop_status_t rc = interop_policy_load(image, image_size, r->alloc, &p, &diag);
  if (rc != INTEROP_OK) return diag.status != rc ? INTEROP_USAGE : rc;
  snprintf(r->said, sizeof(r->said), "%.16s", interop_policy_revision(p).p);
  interop_policy_free(p);
  return rc;
}

static void say(run_t *r, const char *what, interop_span_t s) {
  size_t n = strlen(r->said);
  snprintf(r->said + n, sizeof(r->said) - n, " %s=%.*s", what, (int) s.n, s.p == NULL ? "" : s.p);
}

static void say_plan(run_t *r, const interop_plan_t *p) {
  snprintf(r->said, sizeof(r->said), "%s %u %d", interop_verdict_name(p->verdict), p->status, (int) p->action);
  say(r, "reason", p->reason);
  say(r, "rule", p->rule);
  say(r, "verdict", p->verdict_header);
  say(r, "notice", p->notice_header);
  say(r, "receipt", p->receipt);
  say(r, "target", p->target);
  say(r, "body", p->body);
  say(r, "answer", p->answer_body);
}

static const asked_t *asking;
static interop_scripts_t *scripts;      /* NULL: none */
static unsigned script;
static int64_t counted;

static void say_effects(run_t *r, const interop_answer_t *a) {
  for (size_t i = 0; i < a->effect_count; i++) {
    say(r, "effect", a->effects[i].field);
    say(r, "of", a->effects[i].key);
  }
}

static interop_status_t count_up(void *ctx, interop_span_t owner, interop_span_t key, int64_t by, uint32_t ttl, int64_t *value) {
  (void) owner; (void) key; (void) ttl;
  *value = *(int64_t *) ctx += by;
  return INTEROP_OK;
}

static interop_status_t judge_from(run_t *r, interop_source_t source) {
  const asked_t *q = asking;
  interop_judge_t *j = NULL;
  interop_match_t match;
  interop_answer_t answer;
  interop_target_t target = { in_str(q->method), in_str(q->target) };
  interop_request_t request = asked_request(q);
  interop_script_env_t env = { NULL, count_up, &counted };
  interop_status_t rc;
  request.scripts = scripts;
  request.script = script;
  request.script_env = &env;
  rc = interop_judge_new(policy, interop_policy_api(policy, in_str(q->api)), &target, r->alloc, &j, &match);
  if (rc != INTEROP_OK) return rc;
  rc = interop_judge_run(j, &request, &source);
  for (int i = 0; i < 3 && rc == INTEROP_AGAIN; i++) {
    rc = interop_judge_fetched(j, 404, IN_NONE);
    if (rc == INTEROP_OK) rc = interop_judge_run(j, &request, &source);
  }
  if (rc == INTEROP_OK) {
    say_plan(r, interop_judge_plan(j));
    rc = interop_judge_answer(j, 201, in_str(q->answer), &answer);
    if (rc == INTEROP_OK) say_effects(r, &answer);
  }
  interop_judge_free(j);
  return rc;
}

static interop_status_t judge(run_t *r) {
  return judge_from(r, in_memory_source(memory));
}

static interop_status_t snapshot(void *ctx, interop_view_t **view) {
  *view = ctx;
  return INTEROP_OK;
}

/* from a store, twice: the second time by what was remembered at the first */
static interop_status_t judge_remembering(run_t *r) {
  interop_source_t source = { interop_view_lookup, NULL, NULL, snapshot, NULL };
  interop_view_t *view;
  interop_status_t rc = interop_memo_new(policy, 0, r->alloc, &source.memo);
  if (rc != INTEROP_OK) return rc;
  rc = interop_view_begin(store, &view);
  source.ctx = view;
  if (rc == INTEROP_OK) rc = judge_from(r, source);
  if (rc == INTEROP_OK) rc = judge_from(r, source);
  interop_view_end(view);
  interop_memo_free(source.memo);
  return rc;
}

/* a script is loaded and asked; where memory is refused to a call, the same state is asked again */
static const interop_extension_t *host;

static interop_status_t ask_script(run_t *r) {
  static const char text[] = "local words = text.list{ 'spare seal', 'gate' }\nlocal seen = {}\nreturn function(event, verdict)\n"
    "  seen[#seen + 1] = json.decode('{\"a\":[1,2]}').a[2]\n"
    "  local n = counter.incr('asked by ' .. tostring(event.sender.id), 60)\n"
    "  if #seen > 1 or not event.sender.tenant then return deny('again') end\n"
    "  if re.find(event.text, [[(\\w+) s[eo]al]]) and text.contains_any(event.text, words) then\n"
    "    return replace_text('Seal ' .. json.encode({ n > 0 })), notice('formatting-removed'), set_header('X-Seen', 'yes')\n  end\nend";
  interop_script_source_t source = { IN_SPAN("own"), IN_SPAN("own.lua"), in_str(text), { 0, 0, 1000000, 0 }, 0 };
  counter_t *c = r->alloc->ctx;
  interop_diag_t diag;
  interop_status_t rc = interop_scripts_new(policy, host, r->alloc, &scripts, &diag);
  if (rc != INTEROP_OK) return scripts = NULL, rc;
  rc = interop_scripts_add(scripts, &source, &script, &diag);
  if (rc == INTEROP_OK) {
    rc = judge_from(r, in_memory_source(memory));
    c->refuse = 0;
    r->said[0] = '\0';
    if (rc == INTEROP_OK || rc == INTEROP_NOMEM) rc = judge_from(r, in_memory_source(memory)) == INTEROP_OK ? rc : INTEROP_USAGE;
  }
  interop_scripts_free(scripts);
  scripts = NULL;
  script = 0;
  return rc;
}

static int open_host(const char *self) {
  const char *slash = strrchr(self, '/');
  interop_extension_fn entry;
  char file[4096];
  void *library, *symbol;
  snprintf(file, sizeof(file), "%.*s/../interop_lua.so", slash == NULL ? 1 : (int) (slash - self), slash == NULL ? "." : self);
  library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  symbol = library == NULL ? NULL : dlsym(library, INTEROP_EXTENSION_ENTRY);
  if (symbol == NULL) return 0;
  memcpy(&entry, &symbol, sizeof(entry));
  host = entry();
  return 1;
}

/* ---- the loop */

/* every one of the first `dense`, then about `more` over the rest */
static unsigned long next(unsigned long i, unsigned long all, unsigned long dense, unsigned long more) {
  unsigned long step = all > dense ? (all - dense) / more + 1 : 1;
  return i < dense ? i + 1 : i + step;
}

static int refused(operation_t op, counter_t *c, run_t *r, const char *want, unsigned long i, int persistent, const char *name) {
  interop_status_t rc;
  c->count = 0;
  c->refuse = i;
  c->persistent = persistent;
  r->said[0] = '\0';
  rc = op(r);
  c->refuse = 0;
  if (c->live != 0 || c->wrong) {
    printf("# %s, allocation %lu refused%s: %zu bytes stay, sizes %s\n", name, i, persistent ? " and all later" : "", c->live, c->wrong ? "wrong" : "right");
    return 0;
  }
  if (rc == INTEROP_NOMEM || (rc == INTEROP_OK && strcmp(r->said, want) == 0)) return 1;
  printf("# %s, allocation %lu refused%s: %s: %s\n", name, i, persistent ? " and all later" : "", interop_status_name(rc), r->said);
  return 0;
}

static void refuse_all(operation_t op, const char *name, unsigned long dense, unsigned long more) {
  counter_t c;
  interop_alloc_t alloc = { resize, &c };
  run_t r = { &alloc, "" };
  char want[sizeof(r.said)];
  unsigned long all, bad = 0, tries = 0;
  memset(&c, 0, sizeof(c));
  ok(op(&r) == INTEROP_OK && c.live == 0 && !c.wrong, "%s: with memory", name);
  memcpy(want, r.said, sizeof(want));
  all = c.count;
  for (unsigned long i = 1; i <= all && bad < 5; i = next(i, all, dense, more), tries++) {
    bad += !refused(op, &c, &r, want, i, 0, name);
    bad += !refused(op, &c, &r, want, i, 1, name);
  }
  ok(bad == 0, "%s: each of %lu allocations refused", name, all);
  r.said[0] = '\0';
  c.refuse = 0;
  ok(op(&r) == INTEROP_OK && strcmp(r.said, want) == 0 && c.live == 0, "%s: after that as before", name);
  if (getenv("VERBOSE")) printf("# %lu tries of %lu: %s\n", tries, all, want);
}

static int put_all(void) {
  interop_diag_t diag;
  in_write_t w;
  int good;
  strcpy(path, "/tmp/interop-oom-XXXXXX");
  if (mkdtemp(path) == NULL || interop_store_open(path, 0, 1, &interop_alloc_libc, &store, &diag) != INTEROP_OK
      || in_write_begin(&w, store, &diag) != INTEROP_OK) return 0;
  good = 1;
  for (size_t i = 0; good && i < in_countof(records); i++) {
    interop_span_t record;
    good = in_record_from_json(in_str(records[i].json), NULL, &interop_alloc_libc, &record, &diag) == INTEROP_OK
           && in_write_put(&w, records[i].kind, record, &diag) == INTEROP_OK;
    if (good) free((void *) (uintptr_t) record.p);
  }
  return good && in_write_commit(&w, &diag) == INTEROP_OK;
}

static void clean_up(void) {
  char command[96];
  interop_policy_free(policy);
  in_memory_free(memory);
  interop_store_close(store);
  free(image);
  snprintf(command, sizeof(command), "rm -rf %s", path);
  if (system(command) != 0) printf("# %s stays\n", path);
}

static int set_up(void) {
  interop_diag_t diag;
  memory = asked_records();
  if (memory == NULL || !put_all()) return 0;
  if (interop_compile_file("conf.d", &interop_alloc_libc, &image, &image_size, NULL, NULL, &diag) != INTEROP_OK
      || interop_policy_load(image, image_size, &interop_alloc_libc, &policy, &diag) != INTEROP_OK) return printf("# %s\n", diag.text), 0;
  return 1;
}

static void check_verdict(const asked_t *q) {
  run_t r = { &interop_alloc_libc, "" };
  asking = q;
  judge(&r);
  if (q->verdict != NULL && !ok(strncmp(r.said, q->verdict, strlen(q->verdict)) == 0, "%s: %s", q->name, q->verdict)) printf("# %s\n", r.said);
}

int main(int argc, char **argv) {
  char name[128];
  (void) argc;
  if (!ok(set_up(), "the shipped policies and a few records")) return done();
  refuse_all(compile, "compile", 60, 40);
  refuse_all(load, "load", 100000, 1);
  for (size_t i = 0; i < in_countof(asked); i++) {
    check_verdict(&asked[i]);
    refuse_all(judge, asked[i].name, 100000, 1);
    snprintf(name, sizeof(name), "%s, remembered", asked[i].name);
    refuse_all(judge_remembering, name, 100000, 1);
  }
  if (ok(open_host(argv[0]), "the Lua host is opened")) {
    asking = &asked[0];
    refuse_all(ask_script, "a script is loaded and asked, twice", 100000, 1);
  }
  clean_up();
  return done();
}
