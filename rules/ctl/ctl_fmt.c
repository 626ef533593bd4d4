/*
** ctl_fmt.c -- interopctl fmt: sources in their canonical form.
**
** Owns finding the files, and writing them as a whole or not at all. What came
** out is read again before it is written: it must have the same words, and must
** stay as it is when it is formatted once more.
*/
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"
#include "fmt.h"
#include "../api/json.h"

const char in_help_fmt[] =
  "usage: interopctl fmt PATH... [--check] [--json]\n\n"
  "Brings policy sources into their canonical form: four spaces a block, the rows\n"
  "of a table under one another, lines that go on under what they belong to. Words,\n"
  "comments and where a line begins stay; two spaces or more between words make a\n"
  "column. Tells the files that it changed.\n\n"
  "  PATH      files, or directories of *.rules; - is standard input, and what\n"
  "            comes out goes to standard output\n"
  "  --check   change nothing: tell the files that are not in this form\n"
  "  --json    for programs: those files\n"
  "\nExit: 0 good, 1 some file is not in this form (--check), or cannot be read.\n";

typedef struct { bool check, json, found, failed; in_buf_t paths; } run_t;

/* ---- is what came out the same policy? */

static bool same_words(const in_source_t *a, const in_source_t *b, in_arena_t *arena) {
  in_lexer_t x, y;
  interop_diag_t diag;
  in_lex_t p, q;
  in_lex_init(&x, a, arena, &diag);
  in_lex_init(&y, b, arena, &diag);
  do {
    p = in_lex_next(&x);
    q = in_lex_next(&y);
    if (p != q || p == IN_LEX_ERROR) return false;
    if (p == IN_LEX_TOKEN && x.tok.kind != y.tok.kind) return false;
    if (p == IN_LEX_TOKEN && x.tok.kind != IN_TOK_JSON && !in_eq(x.tok.text, y.tok.text)) return false;
  } while (p != IN_LEX_END);
  return true;
}

static bool sound(const in_source_t *from, in_span_t text, in_span_t name) {
  in_source_t to = { name, text };
  in_arena_t arena;
  in_buf_t again;
  interop_diag_t diag;
  bool good;
  in_arena_init(&arena, &interop_alloc_libc);
  in_buf_init(&again, &interop_alloc_libc);
  good = same_words(from, &to, &arena) && in_fmt(&to, &again, &diag) == INTEROP_OK && in_eq(in_buf_span(&again), text);
  in_buf_free(&again);
  in_arena_free(&arena);
  return good;
}

/* ---- one file */

static bool write_file(const char *path, in_span_t text) {
  char temporary[4096];
  struct stat st;
  FILE *f;
  int fd, n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
  bool good;
  if (n < 0 || (size_t) n >= sizeof(temporary)) { errno = ENAMETOOLONG; return false; }
  if (stat(path, &st) != 0) return false;
  if (!S_ISREG(st.st_mode)) { errno = EINVAL; return false; }
  if ((fd = mkstemp(temporary)) < 0) return false;
  f = fdopen(fd, "wb");
  good = f != NULL && fchmod(fd, st.st_mode & 07777) == 0 && fwrite(text.p, 1, text.n, f) == text.n && fflush(f) == 0;
  if (f == NULL) close(fd);
  else if (fclose(f) != 0) good = false;
  if (good && rename(temporary, path) == 0) return true;
  n = errno;
  unlink(temporary);
  errno = n;
  return false;
}

static void put_path(run_t *r, const char *path) {
  if (r->paths.n > 0) in_buf_byte(&r->paths, ',');
  in_json_quote(&r->paths, in_str(path));
}

static void end_file(run_t *r, const char *path, in_span_t before, in_span_t after) {
  bool changed = !in_eq(before, after);
  if (strcmp(path, "-") == 0) {
    if (!r->check) in_ctl_print(after, stdout);
    else if (changed) puts("standard input");
  } else if (changed) {
    if (r->json) put_path(r, path);
    else puts(path);
    if (!r->check && !write_file(path, after)) r->failed = in_ctl_fail("%s: %s", path, strerror(errno)) != 0;
  }
  r->found = r->found || changed;
}

static void format(run_t *r, const char *path) {
  in_source_t source = { in_str(path), IN_NONE };
  interop_diag_t diag;
  in_buf_t out;
  in_diag_clear(&diag);
  if (!in_ctl_read(path, &source.text)) {
    r->failed = true;
    return;
  }
  in_buf_init(&out, &interop_alloc_libc);
  if (in_fmt(&source, &out, &diag) != INTEROP_OK) r->failed = in_ctl_diag(&diag) != 0;
  else if (!sound(&source, in_buf_span(&out), source.name)) r->failed = in_ctl_fail("%s: it cannot be formatted", path) != 0;
  else end_file(r, path, source.text, in_buf_span(&out));
  in_buf_free(&out);
  free((void *) (uintptr_t) source.text.p);
}

/* ---- files of a directory, in the order of their names */

static int wanted(const struct dirent *e) { return e->d_name[0] != '.'; }

static bool is_source(const char *name) { return in_ends(in_str(name), IN_SPAN(".rules")); }

static void walk(run_t *r, const char *path, unsigned depth) {
  struct dirent **list;
  struct stat st;
  int n;
  if (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
    format(r, path);
    return;
  }
  n = depth > 16 ? -1 : scandir(path, &list, wanted, alphasort);
  if (n < 0) r->failed = in_ctl_fail("%s: %s", path, depth > 16 ? "directories are nested too deep" : strerror(errno)) != 0;
  for (int i = 0; i < n; i++) {
    char name[4096];
    int len = snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name);
    bool fits = len > 0 && (size_t) len < sizeof(name);
    if (fits && stat(name, &st) == 0 && (S_ISDIR(st.st_mode) || is_source(name))) walk(r, name, depth + 1);
    free(list[i]);
  }
  if (n >= 0) free(list);
}

int in_ctl_fmt(int argc, char **argv) {
  run_t r = { .check = false };
  in_option_t options[] = { { "--check", NULL, &r.check }, { "--json", NULL, &r.json } };
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc < 2) return in_ctl_wrong(argv[0], "which files?");
  for (int i = 1; i < argc && r.json; i++)
    if (strcmp(argv[i], "-") == 0) return in_ctl_wrong(argv[0], "--json tells files: standard input is none");
  in_buf_init(&r.paths, &interop_alloc_libc);
  for (int i = 1; i < argc; i++) walk(&r, argv[i], 0);
  if (r.json) {
    fputs("{\"files\":[", stdout);
    in_ctl_print(in_buf_span(&r.paths), stdout);
    puts("]}");
  }
  in_buf_free(&r.paths);
  return r.failed || (r.check && r.found) ? IN_CTL_FOUND : IN_CTL_GOOD;
}
