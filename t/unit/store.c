/*
** store.c -- the durable store and the one in memory: names, transactions,
** sizes, other processes, damage, memory.
*/
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"
#include "../../rules/store/memory.h"
#include "../../rules/store/store.h"

#define KINDS  3

static char top[64];              /* a directory of this run's own */
static interop_diag_t diag;

static const char *path(const char *name) {
  static char p[4][128];
  static int next;
  next = (next + 1) % 4;
  snprintf(p[next], sizeof p[next], "%s/%s", top, name);
  return p[next];
}

static void remove_store(const char *name) {
  char file[160];
  snprintf(file, sizeof file, "%s/data.mdb", path(name));
  unlink(file);
  snprintf(file, sizeof file, "%s/lock.mdb", path(name));
  unlink(file);
  rmdir(path(name));
}

static interop_store_t *open_store(const char *name, size_t size, int create) {
  interop_store_t *s;
  interop_store_open(path(name), size, create, &interop_alloc_libc, &s, &diag);
  return s;
}

static interop_effect_t effect(interop_record_kind_t kind, const char *key, const char *field,
                               interop_value_t value, unsigned create) {
  interop_effect_t e = { .kind = kind, .create = create };
  e.key = in_str(key);
  e.field = in_str(field);
  e.value = value;
  return e;
}

static interop_status_t put_text(interop_store_t *s, const char *id, const char *field,
                                 const char *text) {
  interop_effect_t e = effect(INTEROP_R_USER, id, field, in_value_text(in_str(text)), 1);
  return interop_store_apply(s, &e, 1, &diag);
}

static interop_status_t put_json(interop_store_t *s, interop_record_kind_t kind, const char *json) {
  interop_status_t status;
  in_span_t record;
  in_write_t w;
  in_diag_clear(&diag);
  status = in_record_from_json(in_str(json), NULL, &interop_alloc_libc, &record, &diag);
  if (status != INTEROP_OK || in_write_begin(&w, s, &diag) != INTEROP_OK)
    return diag.status;
  status = in_write_put(&w, kind, record, &diag);
  if (status == INTEROP_OK)
    status = in_write_commit(&w, &diag);
  else
    in_write_abort(&w);
  free((void *) (uintptr_t) record.p);
  return status;
}

/* the record's JSON, or the status in brackets */
static const char *look(interop_store_t *s, interop_record_kind_t kind, in_span_t key) {
  static char out[4][4096];
  static int next;
  interop_status_t status;
  interop_view_t *view;
  in_span_t record;
  in_buf_t b;
  next = (next + 1) % 4;
  status = interop_view_begin(s, &view);
  if (status == INTEROP_OK)
    status = interop_view_lookup(view, kind, key, &record);
  in_buf_init(&b, &interop_alloc_libc);
  if (status == INTEROP_OK)
    status = in_record_to_json(record, IN_NONE, &b);
  if (status == INTEROP_OK)
    snprintf(out[next], sizeof out[next], "%.*s", (int) b.n, b.p);
  else
    snprintf(out[next], sizeof out[next], "[%s]", interop_status_name(status));
  in_buf_free(&b);
  interop_view_end(view);
  return out[next];
}

static const char *user(interop_store_t *s, const char *key) {
  return look(s, INTEROP_R_USER, in_str(key));
}

/* ---------------------------------------------------------------- names */

static void names(void) {
  interop_store_t *s;
  char longs[1300];
  interop_view_t *view;
  is_number(open_store("names", 0, 0) == NULL ? diag.status : 0, INTEROP_MISSING, "no store yet");
  ok(strstr(diag.text, "names: there is no store") != NULL, "... and it says so");
  s = open_store("names", 0, 1);
  ok(s != NULL, "made");
  is_text(user(s, "asha"), "[missing]", "nobody yet");
  put_json(s, INTEROP_R_USER, "{\"id\":\"Asha\",\"aliases\":[\"+91\",\"SIP:a@X\",\"asha\",\"+91\"]}");
  is_text(diag.text, "", "a user with aliases, its own id among them");
  is_text(user(s, "aSHa"), "{\"id\":\"Asha\",\"aliases\":[\"+91\",\"SIP:a@X\",\"asha\",\"+91\"]}",
          "found by its id in another case");
  is_text(user(s, "sip:A@x"), user(s, "asha"), "and by an alias in another case");
  is_text(user(s, ""), "[missing]", "nobody has no name");
  is_text(look(s, INTEROP_R_TENANT, IN_SPAN("asha")), "[missing]", "names are a kind's own");
  is_text(look(s, INTEROP_R_MESSAGE, IN_SPAN("asha")), "[missing]", "messages are not kept");
  is_number(put_json(s, INTEROP_R_USER, "{\"id\":\"bela\",\"aliases\":[\"sip:A@x\"]}"), INTEROP_SYNTAX,
            "an alias of two");
  is_text(diag.text, "user \"bela\": alias \"sip:A@x\" is already an alias of user \"Asha\"", "said so");
  is_text(user(s, "bela"), "[missing]", "and nothing is kept");
  put_json(s, INTEROP_R_USER, "{\"id\":\"bela\",\"aliases\":[\"ASHA\"]}");
  is_text(diag.text, "user \"bela\": alias \"ASHA\" is the id of another user", "an alias that is an id");
  put_json(s, INTEROP_R_USER, "{\"id\":\"+91\"}");
  is_text(diag.text, "user \"+91\": its id is already an alias of user \"Asha\"", "an id that is an alias");
  put_json(s, INTEROP_R_TENANT, "{\"id\":\"asha\"}");
  is_text(diag.text, "", "a tenant may have a user's name");
  put_json(s, INTEROP_R_USER, "{\"id\":\"asha\",\"aliases\":[\"+92\"]}");
  is_text(user(s, "sip:a@x"), "[missing]", "an alias that was taken away leads nowhere");
  is_text(user(s, "+92"), "{\"id\":\"asha\",\"aliases\":[\"+92\"]}", "its new one leads to it");
  put_json(s, INTEROP_R_USER, "{\"id\":\"bela\",\"aliases\":[\"sip:A@x\"]}");
  is_text(user(s, "SIP:A@X"), "{\"id\":\"bela\",\"aliases\":[\"sip:A@x\"]}", "and may be another's");
  memset(longs, 'q', sizeof longs);
  memcpy(longs, "{\"id\":\"", 7);
  memcpy(longs + 607, "\"}", 3);
  put_json(s, INTEROP_R_USER, longs);
  memset(longs, 'Q', 600);
  interop_view_begin(s, &view);
  in_span_t record;
  is_number(interop_view_lookup(view, INTEROP_R_USER, in_span(longs, 600), &record), INTEROP_OK,
            "an id of 600 bytes");
  is_number(interop_view_lookup(view, INTEROP_R_USER, in_span(longs, 599), &record), INTEROP_MISSING,
            "not one of 599");
  interop_view_end(view);
  interop_store_close(s);
  s = open_store("names", 0, 0);
  ok(s != NULL, "opened again");
  is_text(user(s, "SIP:A@X"), "{\"id\":\"bela\",\"aliases\":[\"sip:A@x\"]}", "all is still there");
  interop_store_close(s);
  remove_store("names");
}

/* aliases change hands within one transaction, in any order */
static void swaps(void) {
  static const char *const first[] = { "{\"id\":\"a\",\"aliases\":[\"x\",\"w\"]}",
                                       "{\"id\":\"b\",\"aliases\":[\"y\"]}" };
  static const char *const then[] = { "{\"id\":\"b\",\"aliases\":[\"x\"]}", "{\"id\":\"w\",\"aliases\":[\"v\"]}",
                                      "{\"id\":\"a\",\"aliases\":[\"y\"]}" };
  interop_store_t *s = open_store("swaps", 0, 1);
  in_span_t record;
  in_write_t w;
  size_t i;
  for (i = 0; i < in_countof(first); i++)
    put_json(s, INTEROP_R_USER, first[i]);
  in_write_begin(&w, s, &diag);
  for (i = 0; i < in_countof(then); i++) {
    in_record_from_json(in_str(then[i]), NULL, &interop_alloc_libc, &record, &diag);
    w.tag = i + 1;
    in_write_put(&w, INTEROP_R_USER, record, &diag);
    free((void *) (uintptr_t) record.p);
  }
  is_number(in_write_commit(&w, &diag), INTEROP_OK, "two users swap, a third takes an alias as id");
  is_text(user(s, "x"), then[0], "x is b now");
  is_text(user(s, "y"), then[2], "y is a now");
  is_text(user(s, "v"), then[1], "w is a user of its own");
  in_write_begin(&w, s, &diag);
  is_number(in_write_delete(&w, INTEROP_R_USER, IN_SPAN("A"), &diag), INTEROP_OK, "deleted");
  is_number(in_write_delete(&w, INTEROP_R_USER, IN_SPAN("x"), &diag), INTEROP_MISSING, "not by alias");
  in_write_commit(&w, &diag);
  is_text(user(s, "y"), "[missing]", "its alias is gone with it");
  interop_store_close(s);
  remove_store("swaps");
}

/* -------------------------------------------------------------- effects */

static void effects(void) {
  interop_store_t *s = open_store("effects", 0, 1);
  interop_value_t yes = { INTEROP_T_FLAG, 1, { NULL, 0 }, 0 };
  interop_value_t none = { INTEROP_T_NULL, 0, { NULL, 0 }, 0 };
  interop_view_t *old;
  interop_effect_t e[5];
  in_span_t record;
  interop_value_t v;
  e[0] = effect(INTEROP_R_CONVERSATION, "g-1", "started", yes, 1);
  e[1] = effect(INTEROP_R_CONVERSATION, "g-1", "thread", in_value_text(IN_SPAN("interop")), 0);
  e[2] = effect(INTEROP_R_MESSAGE, "g-1\nm", "author", in_value_text(IN_SPAN("a")), 1);
  e[3] = effect(INTEROP_R_USER, "nobody", "linked_account", none, 0);
  is_number(interop_store_apply(s, e, 4, &diag), INTEROP_OK, "applied");
  is_text(look(s, INTEROP_R_CONVERSATION, IN_SPAN("G-1")),
          "{\"id\":\"g-1\",\"started\":true,\"thread\":\"interop\"}", "made, with its id");
  is_text(user(s, "nobody"), "[missing]", "what is not to be made is not");
  put_json(s, INTEROP_R_CONVERSATION, "{\"id\":\"g-2\",\"aliases\":[\"19:x\"],\"started\":false}");
  e[0] = effect(INTEROP_R_CONVERSATION, "19:X", "started", yes, 1);
  interop_view_begin(s, &old);
  is_number(interop_store_apply(s, e, 1, &diag), INTEROP_OK, "by alias");
  interop_view_lookup(old, INTEROP_R_CONVERSATION, IN_SPAN("g-2"), &record);
  ok(interop_record_get(record, IN_SPAN("started"), &v) == INTEROP_OK && v.number == 0,
     "a view sees what was there when it began");
  interop_view_end(old);
  is_text(look(s, INTEROP_R_CONVERSATION, IN_SPAN("g-2")),
          "{\"id\":\"g-2\",\"aliases\":[\"19:x\"],\"started\":true}", "the next one what is there now");
  e[0] = effect(INTEROP_R_CONVERSATION, "g-2", "deleted", yes, 0);
  e[1] = effect(INTEROP_R_CONVERSATION, "g-1", "id", in_value_text(IN_SPAN("z")), 0);
  is_number(interop_store_apply(s, e, 2, &diag), INTEROP_USAGE, "an id stays");
  is_text(diag.text, "\"g-1\": its id cannot be changed", "... it says");
  is_text(look(s, INTEROP_R_CONVERSATION, IN_SPAN("g-2")),
          "{\"id\":\"g-2\",\"aliases\":[\"19:x\"],\"started\":true}", "and all of it or nothing");
  e[0] = effect(INTEROP_R_CONVERSATION, "g-2", "aliases", none, 0);
  interop_store_apply(s, e, 1, &diag);
  is_text(look(s, INTEROP_R_CONVERSATION, IN_SPAN("19:x")), "[missing]", "aliases follow effects");
  is_number(interop_store_apply(s, NULL, 0, NULL), INTEROP_OK, "no effects, no diagnostic");
  interop_store_close(s);
  remove_store("effects");
}

/* ------------------------------------------------------------ full, sizes */

static void full(void) {
  interop_store_t *s = open_store("full", 1 << 20, 1);
  char id[32], text[2001];
  interop_status_t status = INTEROP_OK;
  char want[200];
  int i, there = 0, n;
  memset(text, 't', 2000);
  text[2000] = '\0';
  for (i = 0; status == INTEROP_OK && i < 5000; i++) {
    snprintf(id, sizeof id, "u%d", i);
    status = put_text(s, id, "t", text);
  }
  n = i - 1;
  is_number(status, INTEROP_FULL, "a store of 1 MiB gets full");
  snprintf(want, sizeof want, "%s: the store is full (1024 KiB); nothing was changed\n"
           "  hint: open it with a larger size; it grows without a restart", path("full"));
  is_text(diag.text, want, "... and says how large it is");
  is_text(user(s, id), "[missing]", "what did not fit is not there");
  for (i = 0; i < n; i++) {
    snprintf(id, sizeof id, "U%d", i);
    there += strlen(user(s, id)) > 2000;
  }
  is_number(there, n, "all that was acknowledged is");
  is_number(put_text(s, "u0", "t", "x"), INTEROP_OK, "less still fits");
  interop_store_close(s);
  s = open_store("full", 4 << 20, 0);
  is_number(put_text(s, "more", "t", text), INTEROP_OK, "opened larger, it takes more");
  interop_store_close(s);
  s = open_store("full", 0, 0);
  is_number(put_text(s, "yet more", "t", text), INTEROP_OK, "and stays that large");
  interop_store_close(s);
  remove_store("full");
}

static int in_child(void (*fn)(void)) {
  int status;
  pid_t pid;
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    alarm(60);
    fn();
    _exit(0);
  }
  while (waitpid(pid, &status, 0) < 0)
    ;
  return status;
}

static void grow_it(void) {
  interop_store_t *s = open_store("grow", 64 << 20, 0);
  char id[32];
  static char text[20001];
  int i;
  memset(text, 't', 20000);
  for (i = 0; i < 400; i++) {
    snprintf(id, sizeof id, "u%d", i);
    if (put_text(s, id, "t", text) != INTEROP_OK)
      _exit(1);
  }
  interop_store_close(s);
}

static void growth(void) {
  interop_store_t *s;
  int status;
  pid_t pid;
  remove_store("grow");
  s = open_store("grow", 1 << 20, 1);
  interop_store_close(s);
  /* the parent opens only after fork, as LMDB wants it */
  fflush(stdout);
  int go[2], ready[2];
  char c;
  if (pipe(go) != 0 || pipe(ready) != 0)
    return;
  pid = fork();
  if (pid == 0) {
    if (read(go[0], &c, 1) == 1)
      grow_it();
    _exit(0);
  }
  s = open_store("grow", 0, 0);
  is_text(user(s, "u399"), "[missing]", "a view before another process lets the store grow");
  if (write(go[1], "x", 1) != 1)
    return;
  while (waitpid(pid, &status, 0) < 0)
    ;
  is_number(status, 0, "it grows");
  ok(strlen(user(s, "U399")) > 4000, "a view after it");
  interop_store_close(s);
  s = open_store("grow", 1 << 20, 0);
  is_number(put_text(s, "mine", "t", "x"), INTEROP_OK, "a writer that asked for less takes the size over");
  is_text(user(s, "mine"), "{\"id\":\"mine\",\"t\":\"x\"}", "... and reads it");
  interop_store_close(s);
  remove_store("grow");
}

static void enlarge_it(void) {
  interop_store_t *s = open_store("large", 4 << 20, 0);
  if (put_text(s, "u0", "t", "x") != INTEROP_OK)    /* on pages that are free */
    _exit(1);
  interop_store_close(s);
}

/* made larger by a process that does not need the room itself */
static void enlarged(void) {
  interop_store_t *s;
  char id[32], text[2001], c;
  interop_status_t rc = INTEROP_OK;
  int i, status, go[2];
  pid_t pid;
  s = open_store("large", 1 << 20, 1);
  interop_store_close(s);
  memset(text, 't', 2000);
  text[2000] = '\0';
  fflush(stdout);
  if (pipe(go) != 0)
    return;
  pid = fork();
  if (pid == 0) {
    alarm(60);
    if (read(go[0], &c, 1) == 1)
      enlarge_it();
    _exit(0);
  }
  s = open_store("large", 0, 0);
  for (i = 0; rc == INTEROP_OK && i < 5000; i++) {
    snprintf(id, sizeof id, "u%d", i);
    rc = put_text(s, id, "t", text);
  }
  is_number(rc, INTEROP_FULL, "full");
  is_number(put_text(s, id, "t", text), INTEROP_FULL, "and stays full");
  if (write(go[1], "x", 1) != 1)
    return;
  while (waitpid(pid, &status, 0) < 0)
    ;
  is_number(status, 0, "another process makes it larger");
  is_number(put_text(s, id, "t", text), INTEROP_OK, "and there is room");
  ok(strlen(user(s, id)) > 2000, "and it is read");
  is_text(user(s, "u0"), "{\"id\":\"u0\",\"t\":\"x\"}", "what the other wrote, too");
  interop_store_close(s);
  remove_store("large");
}

/* ---------------------------------------------------------------- damage */

#define USERS  120

static char *sound;
static size_t sound_size;
static char *expected[USERS];

static void write_file(const char *name, const char *p, size_t n) {
  char file[200];
  int fd;
  mkdir(path(name), 0700);
  snprintf(file, sizeof file, "%s/lock.mdb", path(name));
  unlink(file);
  snprintf(file, sizeof file, "%s/data.mdb", path(name));
  fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, p, n) != (ssize_t) n)
    abort();
  close(fd);
}

static void read_sound(void) {
  char file[200];
  struct stat st;
  int fd;
  snprintf(file, sizeof file, "%s/data.mdb", path("sound"));
  fd = open(file, O_RDONLY);
  if (fd < 0 || fstat(fd, &st) != 0)
    abort();
  sound_size = (size_t) st.st_size;
  sound = malloc(sound_size);
  if (read(fd, sound, sound_size) != (ssize_t) sound_size)
    abort();
  close(fd);
}

/* some large records, and free pages, so that every sort of page is there */
static void make_sound(void) {
  interop_store_t *s = open_store("sound", 1 << 20, 1);
  static char text[9001];
  char id[16], json[400];
  int i;
  for (i = 0; i < USERS; i++) {
    snprintf(json, sizeof json, "{\"id\":\"user-%d\",\"aliases\":[\"a%d\",\"b%d\"],\"mode\":\"TeamsOnly\","
             "\"display_name\":\"A name of some length, so that pages fill up: %d\"}", i, i, i, i);
    put_json(s, INTEROP_R_USER, json);
  }
  memset(text, 't', 9000);
  for (i = 0; i < 4; i++) {
    snprintf(id, sizeof id, "user-%d", i);
    put_text(s, id, "big", text);
  }
  put_text(s, "user-3", "big", "small");
  for (i = 0; i < USERS; i++) {
    snprintf(id, sizeof id, "user-%d", i);
    expected[i] = strdup(user(s, id));
  }
  interop_store_close(s);
  read_sound();
}

static interop_status_t count_one(void *ctx, in_span_t record) {
  (void) record;
  ++*(int *) ctx;
  return INTEROP_OK;
}

/* a map of the size that the file gives cannot be had: the kernel calls that no memory, valgrind an argument */
static bool too_large(void) {
  return diag.status == INTEROP_NOMEM
      || (diag.status == INTEROP_IO && strstr(diag.text, "cannot be opened: Invalid argument") != NULL);
}

/* exit 0: opened, and nothing wrong is told; 1: refused; 2: a lie; else a fault */
static void use_damaged(void) {
  interop_store_t *s = open_store("damaged", 0, 0);
  interop_view_t *view;
  char id[16];
  int i, count = 0;
  if (s == NULL)
    _exit(diag.status == INTEROP_DAMAGED && strstr(diag.text, "damaged: ") != NULL ? 1
          : diag.status == INTEROP_MISSING || too_large() ? 1 : 3);
  for (i = 0; i < USERS; i++) {
    const char *got;
    snprintf(id, sizeof id, i % 2 ? "USER-%d" : "A%d", i);
    got = user(s, id);
    if (got[0] != '[' && strcmp(got, expected[i]) != 0)
      _exit(2);
  }
  if (interop_view_begin(s, &view) == INTEROP_OK) {
    in_view_each(view, INTEROP_R_USER, count_one, &count, NULL);
    interop_view_end(view);
  }
  for (i = 0; i < USERS; i += 3) {
    snprintf(id, sizeof id, "user-%d", i);
    put_text(s, id, "note", "a longer note than was there before, so that pages split");
  }
  interop_store_close(s);
}

static uint64_t rolled = 88172645463325252u;

static uint64_t roll(void) {
  rolled ^= rolled << 13;
  rolled ^= rolled >> 7;
  return rolled ^= rolled << 17;
}

typedef struct {
  int opened, refused, lies, faults;
} tally_t;

static void try_file(const char *p, size_t n, tally_t *t, size_t what) {
  int status;
  write_file("damaged", p, n);
  status = in_child(use_damaged);
  if (status == 0)
    t->opened++;
  else if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
    t->refused++;
  else if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
    t->lies++;
    printf("# a lie after damage at %zu\n", what);
  }
  else {
    t->faults++;
    printf("# status %d after damage at %zu\n", status, what);
  }
}

static void truncated(void) {
  tally_t t = { 0, 0, 0, 0 };
  size_t n;
  for (n = 1; n < sound_size; n += 1361)
    try_file(sound, n, &t, n);
  ok(t.refused > 0 && t.lies == 0 && t.faults == 0,
     "cut anywhere: %d refused, %d had lost free pages only, no lie, no fault", t.refused, t.opened);
}

/* a byte of a head (page, entry, list of pages) does more harm than one of a text */
static void flipped(void) {
  tally_t t = { 0, 0, 0, 0 };
  char *copy = malloc(sound_size);
  int i, tries = getenv("T_FLIPS") != NULL ? atoi(getenv("T_FLIPS")) : 400;
  for (i = 0; i < tries; i++) {
    size_t at = roll() % sound_size;
    if (i % 3 == 0)
      at = at / 4096 * 4096 + roll() % 64;
    else if (i % 3 == 1)
      at = roll() % 8192 / 4096 * 4096 + roll() % 152;
    if (at < 8192 && at % 4096 >= 144 && at % 4096 < 152)
      at -= 8;                    /* the counter of commits: see in_store_check_tree */
    memcpy(copy, sound, sound_size);
    copy[at] = (char) (copy[at] ^ (int) (1 + roll() % 255));
    try_file(copy, sound_size, &t, at);
  }
  free(copy);
  ok(t.refused > 0 && t.opened > 0 && t.lies == 0 && t.faults == 0,
     "a byte changed anywhere: %d refused, %d opened, no lie, no fault", t.refused, t.opened);
}

static void garbled(void) {
  tally_t t = { 0, 0, 0, 0 };
  char *copy = malloc(sound_size);
  size_t i, k;
  for (i = 0; i < sound_size / 4096; i++) {
    memcpy(copy, sound, sound_size);
    for (k = 0; k < 4096; k++)
      copy[i * 4096 + k] = (char) roll();
    try_file(copy, sound_size, &t, i * 4096);
    memcpy(copy + i * 4096, sound + (i * 7 + 3) % (sound_size / 4096) * 4096, 4096);
    try_file(copy, sound_size, &t, i * 4096);
  }
  free(copy);
  ok(t.refused > 0 && t.lies == 0 && t.faults == 0,
     "a whole page garbage or another's: %d refused, %d opened, no lie, no fault", t.refused, t.opened);
}

static void refused(const char *p, size_t n, const char *want, interop_status_t status,
                    const char *name) {
  char text[400];
  write_file("damaged", p, n);
  ok(open_store("damaged", 0, 0) == NULL && diag.status == status, "%s: refused", name);
  snprintf(text, sizeof text, "%s: %s", path("damaged"), want);
  is_text(diag.text, text, name);
}

static void damage(void) {
  char *copy;
  int i;
  make_sound();
  copy = malloc(sound_size);
  memset(copy, 'x', sound_size);
  refused(copy, sound_size, "the store is damaged: page 0 of data.mdb is not the head of a store\n"
          "  hint: put a copy in its place, or move it away and import again", INTEROP_DAMAGED, "garbage");
  refused("", 0, "there is no store", INTEROP_MISSING, "an empty file");
  refused(sound, 100, "the store is damaged: page 0 of data.mdb is not there\n"
          "  hint: put a copy in its place, or move it away and import again", INTEROP_DAMAGED, "a stump");
  memcpy(copy, sound, sound_size);
  copy[20]++;
  refused(copy, sound_size, "the store is damaged: page 0 of data.mdb has another LMDB version's"
          " format\n  hint: put a copy in its place, or move it away and import again", INTEROP_DAMAGED, "another version");
  free(copy);
  truncated();
  flipped();
  garbled();
  free(sound);
  for (i = 0; i < USERS; i++)
    free(expected[i]);
  remove_store("damaged");
  remove_store("sound");
}

/* another program's format */
static void formats(void) {
  interop_store_t *s = open_store("format", 0, 1);
  uint32_t format = 7;
  MDB_val key = { 6, (void *) (uintptr_t) "format" }, data = { sizeof format, &format };
  char want[200];
  MDB_txn *txn;
  MDB_dbi dbi;
  mdb_txn_begin(s->env, NULL, 0, &txn);
  mdb_dbi_open(txn, "meta", 0, &dbi);
  mdb_put(txn, dbi, &key, &data, 0);
  mdb_txn_commit(txn);
  interop_store_close(s);
  s = open_store("format", 0, 1);
  snprintf(want, sizeof want, "%s: the store has format 7; this program reads format 1", path("format"));
  ok(s == NULL, "a store of another format is not opened");
  is_text(diag.text, want, "... it says");
  remove_store("format");
}

/* ---------------------------------------------------------- out of memory */

typedef struct {
  long left, live;
} meter_t;

static void *metered(void *ctx, void *p, size_t osize, size_t nsize) {
  meter_t *m = ctx;
  void *q;
  (void) osize;
  if (nsize == 0) {
    m->live -= p != NULL;
    free(p);
    return NULL;
  }
  if (m->left-- <= 0)
    return NULL;
  q = realloc(p, nsize);
  m->live += p == NULL && q != NULL;
  return q;
}

static interop_status_t use_all(interop_store_t *s, meter_t *m, int tries) {
  interop_value_t yes = { INTEROP_T_FLAG, 1, { NULL, 0 }, 0 };
  interop_effect_t e = effect(INTEROP_R_USER, "new", "f", yes, 1);
  interop_status_t status;
  interop_view_t *view;
  int count = 0;
  m->left = tries;
  in_diag_clear(&diag);
  status = interop_store_apply(s, &e, 1, &diag);
  if (status == INTEROP_OK)
    status = interop_view_begin(s, &view);
  if (status != INTEROP_OK)
    return status;
  status = in_view_each(view, INTEROP_R_USER, count_one, &count, &diag);
  interop_view_end(view);
  return status;
}

static void no_memory(void) {
  meter_t m = { 0, 0 };
  interop_alloc_t alloc = { metered, NULL };
  interop_store_t *s = open_store("memory", 0, 1);
  interop_status_t status = INTEROP_NOMEM;
  int tries, leaks = 0, other = 0;
  alloc.ctx = &m;
  put_json(s, INTEROP_R_USER, "{\"id\":\"a\",\"aliases\":[\"x\"]}");
  interop_store_close(s);
  for (tries = 0; status != INTEROP_OK && tries < 200; tries++) {
    m.left = tries;
    m.live = 0;
    status = interop_store_open(path("memory"), 0, 0, &alloc, &s, &diag);
    other += status != INTEROP_OK && (status != INTEROP_NOMEM || strstr(diag.text, "out of memory") == NULL);
    leaks += status != INTEROP_OK && m.live != 0;
  }
  ok(status == INTEROP_OK && tries > 3 && leaks == 0 && other == 0,
     "opening without memory: says so, keeps nothing (%d tries)", tries);
  for (status = INTEROP_NOMEM, tries = 0, other = 0; status != INTEROP_OK && tries < 200; tries++) {
    status = use_all(s, &m, tries);
    other += status != INTEROP_OK && status != INTEROP_NOMEM;
  }
  ok(status == INTEROP_OK && tries > 3 && other == 0, "writing and reading without it: the same");
  m.left = 1000;
  is_text(user(s, "x"), "{\"id\":\"a\",\"aliases\":[\"x\"]}", "and then it goes on");
  interop_store_close(s);
  is_number(m.live, 0, "nothing is left behind");
  remove_store("memory");
}

/* ---------------------------------------------------------------- loading */

static const char *const lines[] = {
  "{\"id\":\"t\"}", "{\"id\":\"b\",\"aliases\":[\"B2\",\"b2\",\"b\"]}", "{\"id\":\"A\",\"aliases\":[\"a2\"]}",
  "{\"id\":\"c\",\"aliases\":[\"a2\"]}"
};

static interop_status_t fetch(void *ctx, uint64_t place, in_span_t *record) {
  in_span_t *last = ctx;
  interop_status_t s;
  free((void *) (uintptr_t) last->p);
  s = in_record_from_json(in_str(lines[place]), NULL, &interop_alloc_libc, last, &diag);
  *record = *last;
  return s;
}

static interop_status_t load(interop_store_t *s, unsigned count) {
  in_span_t record, last = IN_NONE;
  interop_status_t status;
  in_load_t l;
  in_write_t w;
  unsigned i;
  in_load_init(&l, s);
  for (i = 0; i < count; i++) {
    in_record_from_json(in_str(lines[i]), NULL, &interop_alloc_libc, &record, &diag);
    in_load_add(&l, i == 0 ? INTEROP_R_TENANT : INTEROP_R_USER, record, i);
    free((void *) (uintptr_t) record.p);
  }
  in_load_sort(&l);
  in_write_begin(&w, s, &diag);
  status = in_load_write(&l, &w, fetch, &last, &diag);
  if (status == INTEROP_OK)
    status = in_write_commit(&w, &diag);
  else
    in_write_abort(&w);
  free((void *) (uintptr_t) last.p);
  in_load_free(&l);
  return status;
}

static interop_status_t join_ids(void *ctx, in_span_t record) {
  in_buf_put(ctx, in_record_text(record, IN_SPAN("id")));
  return INTEROP_OK;
}

static void loading(void) {
  interop_store_t *s = open_store("load", 0, 1);
  interop_view_t *view;
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  is_number(load(s, 4), INTEROP_MISSING, "a name that stands twice is not for the quick way");
  is_text(user(s, "b"), "[missing]", "which then writes nothing");
  is_number(load(s, 3), INTEROP_OK, "else it is");
  is_text(user(s, "a2"), lines[2], "found by alias");
  is_text(user(s, "B2"), lines[1], "and another");
  is_text(look(s, INTEROP_R_TENANT, IN_SPAN("T")), lines[0], "and another kind");
  is_number(load(s, 3), INTEROP_MISSING, "only into an empty store");
  put_json(s, INTEROP_R_USER, "{\"id\":\"B-\"}");
  interop_view_begin(s, &view);
  in_view_each(view, INTEROP_R_USER, join_ids, &b, NULL);
  interop_view_end(view);
  is_bytes(b.p, b.n, "AbB-", 4, "all come in the order of their ids, whatever the case");
  in_buf_free(&b);
  interop_store_close(s);
  remove_store("load");
}

/* -------------------------------------------------------------- in memory */

static const char *recall(in_memory_t *m, interop_record_kind_t kind, const char *key) {
  static char out[2][1024];
  static int next;
  interop_source_t source = in_memory_source(m);
  in_span_t record;
  in_buf_t b;
  next ^= 1;
  if (source.lookup(source.ctx, kind, in_str(key), &record) != INTEROP_OK)
    return "[missing]";
  in_buf_init(&b, &interop_alloc_libc);
  in_record_to_json(record, IN_NONE, &b);
  snprintf(out[next], sizeof out[next], "%.*s", (int) b.n, b.p);
  in_buf_free(&b);
  return out[next];
}

static void in_memory(void) {
  in_memory_t *m = in_memory_new(&interop_alloc_libc);
  interop_value_t yes = { INTEROP_T_FLAG, 1, { NULL, 0 }, 0 };
  interop_effect_t e[2];
  char id[64];
  int i, good = 0;
  in_diag_clear(&diag);
  in_memory_put_json(m, INTEROP_R_CONVERSATION, IN_SPAN("{\"id\":\"G-1\",\"aliases\":[\"19:x\"]}"), &diag);
  in_memory_put_json(m, INTEROP_R_MESSAGE, IN_SPAN("{\"id\":\"m\",\"conversation\":\"19:X\"}"), &diag);
  in_memory_put_json(m, INTEROP_R_MESSAGE, IN_SPAN("{\"id\":\"n\",\"conversation\":\"other\"}"), &diag);
  is_text(recall(m, INTEROP_R_CONVERSATION, "19:X"), "{\"id\":\"G-1\",\"aliases\":[\"19:x\"]}", "by alias");
  is_text(recall(m, INTEROP_R_MESSAGE, "g-1\nm"), "{\"id\":\"m\",\"conversation\":\"19:X\"}",
          "a message by its conversation's id");
  is_text(recall(m, INTEROP_R_MESSAGE, "19:x\nm"), "{\"id\":\"m\",\"conversation\":\"19:X\"}", "or its alias");
  is_text(recall(m, INTEROP_R_MESSAGE, "other\nN"), "{\"id\":\"n\",\"conversation\":\"other\"}",
          "or of one that nobody knows");
  is_text(recall(m, INTEROP_R_MESSAGE, "m"), "[missing]", "not without");
  e[0] = effect(INTEROP_R_MESSAGE, "19:x\nnew", "author", in_value_text(IN_SPAN("a")), 1);
  e[1] = effect(INTEROP_R_CONVERSATION, "19:x", "started", yes, 0);
  is_number(in_memory_apply(m, e, 2), INTEROP_OK, "applied");
  is_text(recall(m, INTEROP_R_MESSAGE, "G-1\nnew"), "{\"author\":\"a\"}", "a new message");
  is_text(recall(m, INTEROP_R_CONVERSATION, "g-1"), "{\"id\":\"G-1\",\"aliases\":[\"19:x\"],\"started\":true}",
          "a changed conversation");
  in_memory_put_json(m, INTEROP_R_CONVERSATION, IN_SPAN("{\"id\":\"h\",\"aliases\":[\"19:X\"]}"), &diag);
  is_text(diag.text, "conversation \"h\": alias \"19:X\" already names conversation \"G-1\"", "an alias of two");
  e[0] = effect(INTEROP_R_USER, "u", "linked_account", yes, 0);
  e[1] = effect(INTEROP_R_USER, "v", "linked_account", yes, 1);
  in_memory_apply(m, e, 2);
  is_text(recall(m, INTEROP_R_USER, "u"), "[missing]", "not made");
  is_text(recall(m, INTEROP_R_USER, "V"), "{\"id\":\"v\",\"linked_account\":true}", "made");
  for (i = 0; i < 1000; i++) {
    snprintf(id, sizeof id, "{\"id\":\"u%d\",\"aliases\":[\"w%d\"]}", i, i);
    in_memory_put_json(m, INTEROP_R_USER, in_str(id), &diag);
  }
  for (i = 0; i < 1000; i++) {
    snprintf(id, sizeof id, "W%d", i);
    good += recall(m, INTEROP_R_USER, id)[0] == '{';
  }
  is_number(good, 1000, "a thousand more");
  in_memory_free(m);
}

int main(void) {
  const char *tmp = getenv("TMPDIR");
  snprintf(top, sizeof top, "%.40s/store-XXXXXX", tmp != NULL ? tmp : "/tmp");
  if (mkdtemp(top) == NULL)
    return 1;
  names();
  swaps();
  effects();
  full();
  enlarged();
  growth();
  damage();
  formats();
  no_memory();
  loading();
  in_memory();
  rmdir(top);
  return done();
}
