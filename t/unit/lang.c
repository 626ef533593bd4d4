/*
** lang.c -- every error of the language, by its exact text.
**
** Reads t/lang/NAME.case. A case is
**     === TITLE
**     source lines
**     ---
**     what is said: warnings, then the error or "ok"
** The sources are compiled after t/lang/base.rules as "case.rules"; in a file
** whose name begins with "alone" without it; in one that begins with "bytes"
** \xHH stands for a byte. `lang FILE` prints the file with what is said now.
** Includes and directories are tried in a folder made for it.
*/
#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "policy/compile.h"

static char said[1 << 14];

static void add(const char *before, const char *text) {
  size_t n = strlen(said);
  snprintf(said + n, sizeof(said) - n, "%s%s\n", before, text);
}

static void warn(void *ctx, const interop_diag_t *d) {
  (void) ctx;
  add("warning: ", d->text);
}

static char *slurp(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  char *p = malloc(1 << 20);
  if (f == NULL || p == NULL) { free(p); return NULL; }
  *n = fread(p, 1, (1 << 20) - 1, f);
  p[*n] = '\0';
  fclose(f);
  return p;
}

/* ---- one source */

static in_stmt_t *after(in_stmt_t *first, in_stmt_t *second) {
  in_stmt_t *s = first;
  if (first == NULL) return second;
  while (s->next != NULL) s = s->next;
  s->next = second;
  return first;
}

static void compile(in_span_t base, in_span_t source) {
  in_arena_t arena;
  in_compile_t *c;
  interop_diag_t diag;
  in_stmt_t *first = NULL, *second = NULL;
  in_source_t sources[2] = { { IN_SPAN("base.rules"), base }, { IN_SPAN("case.rules"), source } };
  interop_status_t rc = INTEROP_OK;
  said[0] = '\0';
  in_diag_clear(&diag);
  in_arena_init(&arena, &interop_alloc_libc);
  c = in_arena_get(&arena, sizeof(*c));
  if (c == NULL) return;
  c->arena = &arena;
  c->alloc = &interop_alloc_libc;
  c->diag = &diag;
  c->warn = warn;
  if (base.p != NULL) rc = in_syntax_parse(&sources[0], &arena, &first, &diag);
  if (rc == INTEROP_OK) rc = in_syntax_parse(&sources[1], &arena, &second, &diag);
  if (rc == INTEROP_OK) {
    rc = in_compile_source(c, after(first, second));
    in_builder_free(&c->builder);
  }
  if (rc != diag.status) add("", "the status is not the diagnostic's");
  add("", rc == INTEROP_OK ? "ok" : diag.text);
  in_arena_free(&arena);
}

static size_t unescape(const char *from, size_t n, char *to) {
  size_t out = 0;
  for (size_t i = 0; i < n; i++) {
    unsigned byte;
    if (from[i] == '\\' && i + 3 < n && from[i + 1] == 'x' && sscanf(from + i + 2, "%2x", &byte) == 1) {
      to[out++] = (char) byte;
      i += 3;
    } else {
      to[out++] = from[i];
    }
  }
  return out;
}

/* ---- files of cases */

typedef struct { const char *title, *source, *want; size_t title_n, source_n, want_n; } case_t;

/* false at the end, or where the form is wrong */
static bool next_case(const char **at, const char *end, case_t *k) {
  const char *p = *at, *q;
  if (p >= end || strncmp(p, "=== ", 4) != 0) return false;
  q = strchr(p, '\n');
  if (q == NULL) return false;
  k->title = p + 4;
  k->title_n = (size_t) (q - k->title);
  k->source = q + 1;
  q = strncmp(k->source, "---\n", 4) == 0 ? k->source - 1 : strstr(k->source, "\n---\n");
  if (q == NULL) return false;
  k->source_n = (size_t) (q + 1 - k->source);
  k->want = q + 5;
  q = strncmp(k->want, "=== ", 4) == 0 ? k->want - 1 : strstr(k->want, "\n=== ");
  k->want_n = q == NULL ? (size_t) (end - k->want) : (size_t) (q + 1 - k->want);
  *at = k->want + k->want_n;
  return true;
}

static void run_file(const char *path, const char *name, in_span_t base, bool print) {
  size_t n = 0, cases = 0;
  char *text = slurp(path, &n), *bytes = malloc(1 << 18);
  const char *at = text, *end = text == NULL ? NULL : text + n;
  case_t k;
  while (text != NULL && bytes != NULL && next_case(&at, end, &k)) {
    bool raw = strncmp(name, "bytes", 5) == 0;
    size_t len = k.source_n < (1 << 18) ? k.source_n : 0;
    if (raw) len = unescape(k.source, len, bytes);
    else memcpy(bytes, k.source, len);
    compile(strncmp(name, "alone", 5) == 0 ? IN_NONE : base, in_span(bytes, len));
    cases++;
    if (print) {
      printf("=== %.*s\n%.*s---\n%s", (int) k.title_n, k.title, (int) k.source_n, k.source, said);
      continue;
    }
    if (ok(strlen(said) == k.want_n && memcmp(said, k.want, k.want_n) == 0, "%s: %.*s", name, (int) k.title_n, k.title)) continue;
    tap_show("got", said, strlen(said));
    tap_show("expected", k.want, k.want_n);
  }
  if (!print) ok(cases > 0 && at == end, "%s: read to its end", name);
  free(text);
  free(bytes);
}

static int is_case(const struct dirent *e) {
  size_t n = strlen(e->d_name);
  return n > 5 && strcmp(e->d_name + n - 5, ".case") == 0;
}

/* ---- files and directories */

static char folder[64] = "/tmp/interop-lang-XXXXXX";

static void put_file(const char *name, const char *text) {
  char path[512];
  FILE *f;
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  f = fopen(path, "w");
  if (f == NULL) return;
  fputs(text, f);
  fclose(f);
}

/* what loading says, the folder's name left out */
static void load(const char *name, const char *want, const char *title) {
  in_arena_t arena;
  interop_diag_t diag;
  in_stmt_t *stmts;
  char path[512], *p;
  in_arena_init(&arena, &interop_alloc_libc);
  in_diag_clear(&diag);
  snprintf(path, sizeof(path), "%s%s%s", folder, name[0] == '\0' ? "" : "/", name);
  said[0] = '\0';
  if (in_syntax_load(path, &arena, &stmts, &diag) != INTEROP_OK) add("", diag.text);
  else for (const in_stmt_t *s = stmts; s != NULL; s = s->next) add("", in_arena_printf(&arena, "%.*s", (int) s->tok[0].text.n, s->tok[0].text.p).p);
  while ((p = strstr(said, folder)) != NULL) memmove(p, p + strlen(folder), strlen(p + strlen(folder)) + 1);
  is_text(said, want, title);
  in_arena_free(&arena);
}

static void make_deep(void) {
  char path[512];
  size_t n = (size_t) snprintf(path, sizeof(path), "%s/deep", folder);
  for (int i = 0; i < 40; i++) {
    mkdir(path, 0700);
    n += (size_t) snprintf(path + n, sizeof(path) - n, "/d");
  }
}

static void remove_tree(void) {
  char command[128];
  snprintf(command, sizeof(command), "rm -rf '%s'", folder);
  if (strncmp(folder, "/tmp/interop-lang-", 18) == 0 && system(command) != 0) puts("# the folder stays");
}

static void test_files(void) {
  char path[256], other[256];
  if (!ok(mkdtemp(folder) != NULL, "a folder")) return;
  load("none.rules", "/none.rules: No such file or directory\n", "a file that is not there");
  put_file("empty.rules", "# nothing\n");
  load("empty.rules", "/empty.rules: there is no statement in it\n", "a file without statements");
  put_file("miss.rules", "a;\ninclude \"gone.rules\";\n");
  load("miss.rules", "/miss.rules:2:9: cannot read \"/gone.rules\": No such file or directory\n  include \"gone.rules\";\n          ^~~~~~~~~~~~\n",
       "an include that is not there");
  put_file("bare.rules", "include;\n");
  load("bare.rules", "/bare.rules:1:1: include takes one string\n  include;\n  ^~~~~~~\n  hint: include \"file.rules\";\n", "an include of nothing");
  put_file("self.rules", "a; include \"self.rules\"; b;\n");
  load("self.rules", "a\nb\n", "a file that includes itself is read once");
  put_file("one.rules", "a; include \"two.rules\"; c;\n");
  put_file("two.rules", "include \"./one.rules\"; b;\n");
  load("one.rules", "a\nb\nc\n", "files that include one another");
  put_file("slip.rules", "a;\ninclude \"bad.rules\";\n");
  put_file("bad.rules", "ok;\n  b \"x;\n");
  load("slip.rules", "/bad.rules:2:5: the string does not end on this line\n    b \"x;\n      ^~~\n  hint: close it with '\"'\n",
       "an error in an included file names that file");
  snprintf(path, sizeof(path), "%s/pipe.rules", folder);
  mkfifo(path, 0600);
  load("pipe.rules", "/pipe.rules: it is not a file\n", "a pipe holds nobody");
  unlink(path);
  put_file("big.rules", "# ");
  snprintf(path, sizeof(path), "%s/big.rules", folder);
  if (truncate(path, (16 << 20) + 1) == 0) load("big.rules", "/big.rules: it is larger than 16 MiB\n", "a file that is too large");
  unlink(path);
  snprintf(path, sizeof(path), "%s/tree", folder);
  mkdir(path, 0700);
  snprintf(path, sizeof(path), "%s/tree/b", folder);
  mkdir(path, 0700);
  put_file("tree/c.rules", "c;");
  put_file("tree/B.rules", "B;");
  put_file("tree/a.rules", "a;");
  put_file("tree/_.rules", "underscore;");
  put_file("tree/b/x.rules", "x;");
  put_file("tree/note.txt", "{{{");
  put_file("tree/site.conf", "{{{");
  put_file("tree/.hidden.rules", "{{{");
  snprintf(other, sizeof(other), "%s/tree/loop", folder);
  if (symlink(".", other) == 0) load("tree", "B\nunderscore\na\nx\nc\n", "a directory in the order of bytes, each thing once");
  make_deep();
  load("deep", "/deep/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d: directories are nested more than 32 deep\n",
       "directories that are nested too deep");
  for (int i = 0; i < 40; i++) {
    snprintf(path, sizeof(path), "n%d.rules", i);
    snprintf(other, sizeof(other), "include \"n%d.rules\"; s%d;", i + 1, i);
    put_file(path, other);
  }
  load("n0.rules", "/n32.rules:1:9: cannot read \"/n33.rules\": includes are nested more than 32 deep\n  include \"n33.rules\"; s32;\n          ^~~~~~~~~~~\n",
       "includes that are nested too deep");
  remove_tree();
}

int main(int argc, char **argv) {
  size_t n = 0;
  char *base = slurp("t/lang/base.rules", &n), path[512];
  struct dirent **list;
  int count;
  if (base == NULL) return printf("Bail out! t/lang/base.rules\n"), 2;
  if (argc > 1) {
    const char *slash = strrchr(argv[1], '/');
    run_file(argv[1], slash == NULL ? argv[1] : slash + 1, in_span(base, n), true);
    free(base);
    return 0;
  }
  count = scandir("t/lang", &list, is_case, alphasort);
  for (int i = 0; i < count; i++) {
    snprintf(path, sizeof(path), "t/lang/%s", list[i]->d_name);
    run_file(path, list[i]->d_name, in_span(base, n), false);
    free(list[i]);
  }
  if (count >= 0) free(list);
  ok(count > 3, "files of cases");
  test_files();
  free(base);
  return done();
}
