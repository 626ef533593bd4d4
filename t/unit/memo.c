/*
** memo.c -- what a worker remembers of records: that it holds, and how much.
**
** Every change of the store is made by another process, as by interopctl or
** another worker, and must be seen by the next snapshot. The allocator counts,
** so that nothing stays and the memo's limit is one.
*/
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "interop.h"
#include "asked.h"
#include "policy/row.h"
#include "store/store.h"

static char path[64];
static interop_store_t *store;
static interop_policy_t *policy, *other;
static interop_diag_t diag;

/* ---- counting */

typedef struct { size_t live; unsigned long count; } counter_t;

static void *resize(void *ctx, void *ptr, size_t osize, size_t nsize) {
  counter_t *c = ctx;
  void *p = interop_alloc_libc.resize(NULL, ptr, osize, nsize);
  c->count += nsize > 0;
  c->live = c->live - (ptr != NULL ? osize : 0) + nsize;
  return p;
}

static counter_t counter;
static const interop_alloc_t counting = { resize, &counter };

static interop_memo_t *new_memo(size_t size) {
  interop_memo_t *m = NULL;
  memset(&counter, 0, sizeof(counter));
  if (interop_memo_new(policy, size, &counting, &m) != INTEROP_OK) exit(1);
  return m;
}

static void free_memo(interop_memo_t *m, const char *name) {
  interop_memo_free(m);
  is_number((long long) counter.live, 0, name);
}

/* ---- the store, written by another process */

typedef struct { interop_record_kind_t kind; const char *json; } line_t;

static interop_status_t put(interop_store_t *s, const line_t *lines, size_t count) {
  interop_status_t rc;
  in_write_t w;
  in_span_t record;
  rc = in_write_begin(&w, s, &diag);
  for (size_t i = 0; rc == INTEROP_OK && i < count; i++) {
    rc = in_record_from_json(in_str(lines[i].json), NULL, &interop_alloc_libc, &record, &diag);
    if (rc != INTEROP_OK) break;
    rc = in_write_put(&w, lines[i].kind, record, &diag);
    free((void *) (uintptr_t) record.p);
  }
  if (rc == INTEROP_OK) return in_write_commit(&w, &diag);
  in_write_abort(&w);
  return rc;
}

/* count 0: the user of that id is deleted */
static void elsewhere(const line_t *lines, size_t count, const char *deleted) {
  interop_store_t *s;
  in_write_t w;
  int status = -1;
  pid_t pid;
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    alarm(60);
    if (interop_store_open(path, 0, 1, &interop_alloc_libc, &s, &diag) != INTEROP_OK) _exit(1);
    if (deleted != NULL) {
      if (in_write_begin(&w, s, &diag) != INTEROP_OK
          || in_write_delete(&w, INTEROP_R_USER, in_str(deleted), &diag) != INTEROP_OK
          || in_write_commit(&w, &diag) != INTEROP_OK) _exit(2);
    } else if (put(s, lines, count) != INTEROP_OK) _exit(3);
    interop_store_close(s);
    _exit(0);
  }
  while (waitpid(pid, &status, 0) < 0) { }
  if (status != 0) printf("# the other process: %d\n", status);
}

static void change(interop_record_kind_t kind, const char *json) {
  line_t line = { kind, json };
  elsewhere(&line, 1, NULL);
}

/* ---- asking the memo */

static interop_status_t last;

/* the row as a snapshot of now has it; held; NULL: not kept, or not found */
static in_row_t *row_of(interop_memo_t *m, interop_record_kind_t kind, in_span_t key) {
  interop_view_t *view;
  in_row_t *row = NULL;
  in_span_t record;
  last = interop_view_begin(store, &view);
  if (last == INTEROP_OK) last = in_memo_find(m, view, kind, key, &row, &record);
  interop_view_end(view);
  return row;
}

static in_row_t *user(interop_memo_t *m, const char *name) {
  return row_of(m, INTEROP_R_USER, in_str(name));
}

static void give(in_row_t *row) {
  if (row != NULL) in_memo_release(row);
}

static const char *field(const in_row_t *row, const char *name) {
  static char text[256];
  in_span_t s = row == NULL ? IN_NONE : in_record_text(row->record, in_str(name));
  snprintf(text, sizeof(text), "%.*s", (int) s.n, s.p == NULL ? "" : s.p);
  return text;
}

#define JONAS(reads) "{\"id\":\"jonas\",\"tenant\":\"t1\",\"systems\":[\"kaizala\",\"teams\"],\"linked_account\":true," \
                     "\"reads_on\":\"" reads "\",\"aliases\":[\"1d000000-0000-4000-8000-00000000c002\",\"jonas@example.org\"]}"

static void remembers(void) {
  interop_memo_t *m = new_memo(0);
  in_row_t *a = user(m, "jonas"), *b;
  unsigned long count = counter.count;
  is_text(field(a, "reads_on"), "teams", "a record");
  ok(a != NULL && in_eq(a->id, IN_SPAN("jonas")) && in_eq(a->tenant, IN_SPAN("t1")), "its id and tenant");
  ok(a != NULL && in_eq(in_image_str(&policy->img, in_system(&policy->img, a->reads)->name), IN_SPAN("teams")), "where they read");
  b = user(m, "jonas");
  ok(a == b && counter.count == count, "is remembered, and asks for no memory again");
  give(b);
  b = user(m, "JONAS");
  ok(b != NULL && in_eq(b->record, a->record), "another spelling gives the same record");
  give(b);
  b = user(m, "jonas@example.org");
  ok(b != NULL && in_eq(b->record, a->record), "an alias as well");
  give(b);
  b = row_of(m, INTEROP_R_TENANT, IN_SPAN("jonas"));
  ok(b == NULL && last == INTEROP_MISSING, "but no other kind");
  give(a);
  free_memo(m, "nothing stays");
}

static void sees_changes(void) {
  interop_memo_t *m = new_memo(0);
  in_row_t *a = user(m, "jonas"), *b, *alias = user(m, "jonas@example.org");
  a->class_[0] = 1;
  change(INTEROP_R_USER, "{\"id\":\"somebody\",\"reads_on\":\"teams\"}");
  b = user(m, "jonas");
  ok(a == b && b->class_[0] == 1, "a change elsewhere leaves a row as it is");
  give(b);
  change(INTEROP_R_USER, JONAS("kaizala"));
  b = user(m, "jonas");
  is_text(field(b, "reads_on"), "kaizala", "a change of the record is seen at once");
  ok(b != NULL && b->class_[0] == IN_NOT_YET, "and what it came to is forgotten");
  is_text(field(a, "reads_on"), "teams", "who holds the row has what it was given");
  give(b);
  b = user(m, "jonas@example.org");
  is_text(field(b, "reads_on"), "kaizala", "by the alias as well");
  give(b);
  change(INTEROP_R_USER, "{\"id\":\"jonas\",\"tenant\":\"t1\",\"reads_on\":\"teams\"}");
  ok(user(m, "jonas@example.org") == NULL && last == INTEROP_MISSING, "an alias that is taken away");
  change(INTEROP_R_USER, "{\"id\":\"heir\",\"aliases\":[\"jonas@example.org\"]}");
  b = user(m, "jonas@example.org");
  is_text(field(b, "id"), "heir", "and given to another");
  give(b);
  elsewhere(NULL, 0, "jonas");
  ok(user(m, "jonas") == NULL && last == INTEROP_MISSING, "a record that is deleted");
  change(INTEROP_R_USER, "{\"id\":\"heir\"}");
  change(INTEROP_R_USER, JONAS("teams"));
  b = user(m, "jonas");
  is_text(field(b, "reads_on"), "teams", "and made anew");
  give(b);
  give(a);
  give(alias);
  free_memo(m, "nothing stays of what was held longest");
}

/* two snapshots at a time: each gets its own */
static void two_views(void) {
  interop_memo_t *m = new_memo(0);
  interop_view_t *old, *new;
  in_row_t *a, *b, *c;
  in_span_t record;
  interop_view_begin(store, &old);
  in_memo_find(m, old, INTEROP_R_USER, IN_SPAN("jonas"), &a, &record);
  change(INTEROP_R_USER, JONAS("kaizala"));
  interop_view_begin(store, &new);
  in_memo_find(m, new, INTEROP_R_USER, IN_SPAN("jonas"), &b, &record);
  in_memo_find(m, old, INTEROP_R_USER, IN_SPAN("jonas"), &c, &record);
  is_text(field(b, "reads_on"), "kaizala", "the new snapshot's");
  is_text(field(c, "reads_on"), "teams", "the old snapshot's, after it");
  interop_view_end(old);
  interop_view_end(new);
  give(a);
  give(b);
  give(c);
  change(INTEROP_R_USER, JONAS("teams"));
  free_memo(m, "nothing stays of two snapshots");
}

/* ---- bounds */

#define MANY  600

static void fill(void) {
  static char text[MANY][64];
  static line_t lines[MANY];
  for (int i = 0; i < MANY; i++) {
    snprintf(text[i], sizeof(text[i]), "{\"id\":\"many-%d\",\"tenant\":\"t1\"}", i);
    lines[i].kind = INTEROP_R_USER;
    lines[i].json = text[i];
  }
  elsewhere(lines, MANY, NULL);
}

static void bounded(void) {
  interop_memo_t *m = new_memo(64 * 1024);
  in_row_t *held = user(m, "many-0"), *row;
  size_t most = 0, table = counter.live, wrong = 0, again = 0;
  char name[32];
  give(user(m, "jonas"));
  for (int i = 0; i < MANY; i++) {
    unsigned long count = counter.count;
    give(user(m, "jonas"));
    again += counter.count == count;
    snprintf(name, sizeof(name), "many-%d", i);
    row = user(m, name);
    wrong += strcmp(field(row, "id"), name) != 0;
    give(row);
    most = counter.live > most ? counter.live : most;
  }
  is_number((long long) wrong, 0, "more records than there is room for");
  ok(most <= 64 * 1024 + table, "stay in their bounds: %zu bytes", most);
  ok(again > MANY * 9 / 10, "and do not drive out who is asked for all the time: %zu of %d", again, MANY);
  is_text(field(held, "id"), "many-0", "a row that is held stays");
  give(held);
  free_memo(m, "nothing stays of many");
}

/* all that the memo may take is held: the rest is not kept, but found */
static void all_held(void) {
  interop_memo_t *m = new_memo(0), *tight;
  in_row_t *held[MANY];
  interop_view_t *view;
  in_span_t record;
  size_t n = 0, found = 0;
  char name[32];
  free_memo(m, "a memo that was never asked");
  tight = new_memo(16 * 1024);
  interop_view_begin(store, &view);
  for (int i = 0; i < MANY; i++) {
    in_row_t *row;
    snprintf(name, sizeof(name), "many-%d", i);
    found += in_memo_find(tight, view, INTEROP_R_USER, in_str(name), &row, &record) == INTEROP_OK;
    if (row != NULL) held[n++] = row;
    else found -= !in_names(record, in_str(name));
  }
  is_number((long long) found, MANY, "every record is found");
  ok(n > 0 && n < MANY, "%zu of them are kept", n);
  interop_view_end(view);
  while (n > 0) give(held[--n]);
  free_memo(tight, "nothing stays of those");
}

static void odd_keys(void) {
  interop_memo_t *m = new_memo(0);
  static char large[200000], bytes[40];
  unsigned long count;
  size_t found = 0;
  memset(large, 'x', sizeof(large));
  give(user(m, "jonas"));
  count = counter.count;
  for (size_t n = 0; n <= sizeof(bytes); n++) {
    memset(bytes, 0, sizeof(bytes));
    found += row_of(m, INTEROP_R_USER, in_span(bytes, n)) != NULL || last != INTEROP_MISSING;
    memset(bytes, 0xff, sizeof(bytes));
    found += row_of(m, INTEROP_R_USER, in_span(bytes, n)) != NULL || last != INTEROP_MISSING;
  }
  found += row_of(m, INTEROP_R_USER, in_span(large, sizeof(large))) != NULL || last != INTEROP_MISSING;
  found += row_of(m, INTEROP_R_USER, IN_SPAN("jonas\0")) != NULL || last != INTEROP_MISSING;
  found += row_of(m, INTEROP_R_USER, IN_NONE) != NULL || last != INTEROP_MISSING;
  found += row_of(m, INTEROP_R_MESSAGE, IN_SPAN("jonas")) != NULL || last != INTEROP_MISSING;
  is_number((long long) found, 0, "names that nobody has are not found");
  ok(counter.count == count, "and nothing of them is kept");
  free_memo(m, "nothing stays of them");
}

/* ---- judging with it */

static interop_status_t snapshot(void *ctx, interop_view_t **view) {
  *view = ctx;
  return INTEROP_OK;
}

static unsigned made, made_wrong;

/* the record that comes with effects is what a merge makes of them */
static void compare_made(const interop_answer_t *a) {
  for (size_t i = 0; i < a->effect_count; i++) {
    const interop_effect_t *e = &a->effects[i];
    interop_span_t merged;
    if (e->made_of == 0) continue;
    made++;
    if (e->made_of > a->effect_count - i
        || interop_record_merge(IN_NONE, e, e->made_of, &interop_alloc_libc, &merged) != INTEROP_OK) { made_wrong++; continue; }
    made_wrong += !in_eq(merged, e->made);
    free((void *) (uintptr_t) merged.p);
  }
}

/* verdict, header, body and effects in one line */
static void say(char *out, size_t size, interop_judge_t *j, const asked_t *q) {
  const interop_plan_t *p = interop_judge_plan(j);
  interop_answer_t a;
  int n = snprintf(out, size, "%.*s|%.*s|%.*s|%.*s", (int) p->verdict_header.n, p->verdict_header.p == NULL ? "" : p->verdict_header.p,
                   (int) p->body.n, p->body.p == NULL ? "" : p->body.p, (int) p->tenant.n, p->tenant.p == NULL ? "" : p->tenant.p,
                   (int) p->answer_body.n, p->answer_body.p == NULL ? "" : p->answer_body.p);
  if (interop_judge_answer(j, 201, in_str(q->answer), &a) != INTEROP_OK) return;
  compare_made(&a);
  for (size_t i = 0; i < a.effect_count; i++)
    n += snprintf(out + n, size - (size_t) n, "|%.*s %.*s", (int) a.effects[i].key.n, a.effects[i].key.p,
                  (int) a.effects[i].field.n, a.effects[i].field.p);
}

static void judge(char *out, size_t size, const interop_policy_t *p, interop_memo_t *m, const asked_t *q) {
  interop_target_t target = { in_str(q->method), in_str(q->target) };
  interop_request_t request = asked_request(q);
  interop_source_t source = { interop_view_lookup, NULL, m, m != NULL ? snapshot : NULL, NULL };
  interop_view_t *view;
  interop_judge_t *j;
  interop_match_t match;
  interop_status_t rc;
  snprintf(out, size, "none");
  if (interop_view_begin(store, &view) != INTEROP_OK) return;
  source.ctx = view;
  rc = interop_judge_new(p, interop_policy_api(p, in_str(q->api)), &target, &interop_alloc_libc, &j, &match);
  if (rc == INTEROP_OK) rc = interop_judge_run(j, &request, &source);
  for (int i = 0; i < 3 && rc == INTEROP_AGAIN; i++) {
    rc = interop_judge_fetched(j, 404, IN_NONE);
    if (rc == INTEROP_OK) rc = interop_judge_run(j, &request, &source);
  }
  if (rc == INTEROP_OK) say(out, size, j, q);
  interop_view_end(view);
  interop_judge_free(j);
}

static void judges(void) {
  interop_memo_t *m = new_memo(0);
  static char want[8192], got[8192];
  unsigned long count;
  for (size_t i = 0; i < in_countof(asked); i++) {
    judge(want, sizeof(want), policy, NULL, &asked[i]);
    judge(got, sizeof(got), policy, m, &asked[i]);
    is_text(got, want, asked[i].name);
    judge(got, sizeof(got), policy, m, &asked[i]);
    is_text(got, want, "... and once more");
  }
  count = counter.count;
  judge(want, sizeof(want), other, NULL, &asked[0]);
  judge(got, sizeof(got), other, m, &asked[0]);
  is_text(got, want, "another policy passes the memo by");
  ok(counter.count == count, "wholly");
  /* a toggle is flipped by another process: the next request sees it, and the next flip */
  judge(got, sizeof(got), policy, m, &asked[0]);
  ok(strncmp(got, "deliver", 7) == 0, "a message is delivered");
  change(INTEROP_R_TENANT, "{\"id\":\"t1\",\"country\":\"KE\",\"residency\":\"EMEA\",\"plan\":\"m365\",\"toggles\":{\"kaizala.enabled\":\"off\"}}");
  judge(got, sizeof(got), policy, m, &asked[0]);
  judge(want, sizeof(want), policy, NULL, &asked[0]);
  ok(strncmp(got, "deny", 4) == 0 && strcmp(got, want) == 0, "a toggle is off");
  change(records[0].kind, records[0].json);
  judge(got, sizeof(got), policy, m, &asked[0]);
  ok(strncmp(got, "deliver", 7) == 0, "and on again");
  free_memo(m, "nothing stays of judges");
}

/* ---- */

static int set_up(void **image) {
  line_t lines[in_countof(records)];
  size_t size;
  strcpy(path, "/tmp/interop-memo-XXXXXX");
  for (size_t i = 0; i < in_countof(records); i++) lines[i] = (line_t) { records[i].kind, records[i].json };
  if (mkdtemp(path) == NULL) return 0;
  if (interop_compile_file("conf.d", &interop_alloc_libc, image, &size, NULL, NULL, &diag) != INTEROP_OK
      || interop_policy_load(*image, size, &interop_alloc_libc, &policy, &diag) != INTEROP_OK
      || interop_policy_load(*image, size, &interop_alloc_libc, &other, &diag) != INTEROP_OK) return printf("# %s\n", diag.text), 0;
  elsewhere(lines, in_countof(lines), NULL);
  fill();
  return interop_store_open(path, 0, 0, &interop_alloc_libc, &store, &diag) == INTEROP_OK;
}

static void clean_up(void *image) {
  char command[96];
  interop_store_close(store);
  interop_policy_free(policy);
  interop_policy_free(other);
  free(image);
  snprintf(command, sizeof(command), "rm -rf %s", path);
  if (system(command) != 0) printf("# %s stays\n", path);
}

int main(void) {
  void *image = NULL;
  if (!ok(set_up(&image), "the shipped policies and a store")) return done();
  remembers();
  sees_changes();
  two_views();
  bounded();
  all_held();
  odd_keys();
  judges();
  ok(made > 0 && made_wrong == 0, "%u records came with the effects that make them, %u of them others", made, made_wrong);
  clean_up(image);
  return done();
}
