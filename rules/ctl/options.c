/*
** options.c -- options, messages, files and progress for every verb.
**
** Owns how the command line reads and how it talks. Must not know any verb.
** Invariant: what is wrong is told once, on standard error, with the word
** "interopctl" in front.
*/
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl.h"

#define BAR  30

/* ------------------------------------------------------------ messages */

int in_ctl_wrong(const char *verb, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fprintf(stderr, "interopctl %s: ", verb);
  vfprintf(stderr, fmt, args);
  fprintf(stderr, "\n  interopctl %s --help tells how\n", verb);
  va_end(args);
  return IN_CTL_WRONG;
}

int in_ctl_fail(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fputs("interopctl: ", stderr);
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
  va_end(args);
  return IN_CTL_FOUND;
}

int in_ctl_diag(const interop_diag_t *diag) {
  return in_ctl_fail("%s", diag->text[0] != '\0' ? diag->text : interop_status_name(diag->status));
}

int in_ctl_end(int code) {
  if (fflush(stdout) != 0 || ferror(stdout))
    return in_ctl_fail("standard output: %s", strerror(errno));
  return code;
}

bool in_ctl_colour(FILE *f) {
  const char *none = getenv("NO_COLOR");
  return isatty(fileno(f)) && (none == NULL || none[0] == '\0');
}

void in_ctl_print(in_span_t s, FILE *f) {
  if (s.n > 0)
    fwrite(s.p, 1, s.n, f);
}

/* a record's text must not move a terminal's cursor */
void in_ctl_text(in_span_t s, FILE *f) {
  size_t i;
  for (i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    if (c < 0x20 || c == 0x7f)
      fprintf(f, "\\u%04x", c);
    else
      fputc(c, f);
  }
}

/* ------------------------------------------------------------- options */

static const in_option_t *option(const char *word, size_t n, const in_option_t *options,
                                 size_t count) {
  size_t i;
  for (i = 0; i < count; i++)
    if (in_eq(in_span(word, n), in_str(options[i].name)))
      return &options[i];
  return NULL;
}

static bool unknown(const char *verb, in_span_t word, const in_option_t *options, size_t count) {
  in_span_t names[16], near;
  size_t i;
  for (i = 0; i < count && i < in_countof(names); i++)
    names[i] = in_str(options[i].name);
  near = in_nearest(word, names, i);
  if (near.p != NULL)
    in_ctl_wrong(verb, "no option %.*s; did you mean %.*s?", (int) word.n, word.p,
                 (int) near.n, near.p);
  else
    in_ctl_wrong(verb, "no option %.*s", (int) word.n, word.p);
  return false;
}

/* the option at argv[*i]; *i is left on its last word */
static bool take(int *i, int argc, char **argv, const in_option_t *options, size_t count) {
  const char *word = argv[*i], *equals = strchr(word, '=');
  size_t n = equals == NULL ? strlen(word) : (size_t) (equals - word);
  const in_option_t *o = option(word, n, options, count);
  if (o == NULL)
    return unknown(argv[0], in_span(word, n), options, count);
  if (o->value == NULL && equals == NULL)
    *o->flag = true;
  else if (o->value == NULL)
    return in_ctl_wrong(argv[0], "%s takes no value", o->name) == 0;
  else if (equals != NULL)
    *o->value = equals + 1;
  else if (*i + 1 < argc)
    *o->value = argv[++*i];
  else
    return in_ctl_wrong(argv[0], "%s wants a value", o->name) == 0;
  return true;
}

bool in_ctl_options(int *argc, char **argv, const in_option_t *options, size_t count) {
  bool ended = false;
  int kept = 1, i;
  for (i = 1; i < *argc; i++) {
    if (!ended && strcmp(argv[i], "--") == 0)
      ended = true;
    else if (ended || strncmp(argv[i], "--", 2) != 0)
      argv[kept++] = argv[i];
    else if (!take(&i, *argc, argv, options, count))
      return false;
  }
  *argc = kept;
  argv[kept] = NULL;
  return true;
}

bool in_ctl_size(const char *text, size_t *size) {
  static const char units[] = "kmgt";
  unsigned long long n;
  const char *unit;
  char *end;
  if (text[0] < '0' || text[0] > '9')
    return false;
  errno = 0;
  n = strtoull(text, &end, 10);
  *size = (size_t) n;
  if (errno != 0)
    return false;
  unit = *end == '\0' ? NULL : strchr(units, in_lower(*end));
  if (unit != NULL && end[1] == '\0')
    return in_mul(*size, (size_t) 1 << (10 * (unit - units + 1)), size);
  return *end == '\0';
}

const char *in_ctl_store(const char *verb, const char *name) {
  if (name == NULL)
    name = getenv("INTEROP_STORE");
  if (name == NULL || name[0] == '\0') {
    in_ctl_wrong(verb, "which store? give --store PATH or set INTEROP_STORE");
    return NULL;
  }
  return name;
}

/* --------------------------------------------------------------- store */

static void give_away(const char *path, const char *name) {
  char file[4096];
  struct stat dir, st;
  int n = snprintf(file, sizeof file, "%s/%s", path, name);
  if (n < 0 || (size_t) n >= sizeof file || geteuid() != 0 || stat(path, &dir) != 0
      || lstat(file, &st) != 0 || st.st_uid == dir.st_uid)
    return;
  if (lchown(file, dir.st_uid, dir.st_gid) != 0)
    fprintf(stderr, "interopctl: %s: stays root's: %s\n", file, strerror(errno));
}

bool in_ctl_may_replace(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
    return true;
  in_ctl_fail("%s: %s", path, S_ISDIR(st.st_mode) ? strerror(EISDIR) : "it is not a file");
  return false;
}

interop_store_t *in_ctl_open(const char *path, size_t size, bool create) {
  interop_store_t *store;
  interop_diag_t diag;
  if (interop_store_open(path, size, create, &interop_alloc_libc, &store, &diag) != INTEROP_OK) {
    in_ctl_diag(&diag);
    if (diag.status == INTEROP_MISSING && !create)
      fputs("  hint: interopctl import makes one\n", stderr);
    return NULL;
  }
  if (create) {
    give_away(path, "data.mdb");
    give_away(path, "lock.mdb");
  }
  return store;
}

/* --------------------------------------------------------------- files */

static bool read_all(FILE *f, in_span_t *text) {
  size_t n = 0, size = 65536;
  char *p = malloc(size), *more;
  while (p != NULL) {
    n += fread(p + n, 1, size - n - 1, f);
    if (n + 1 < size)
      break;
    if ((more = realloc(p, size * 2)) == NULL) {
      free(p);
      errno = ENOMEM;
      return false;
    }
    p = more;
    size *= 2;
  }
  if (p == NULL || ferror(f)) {
    free(p);
    return false;
  }
  p[n] = '\0';
  *text = in_span(p, n);
  return true;
}

bool in_ctl_read(const char *path, in_span_t *text) {
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  bool good = f != NULL && read_all(f, text);
  if (!good)
    in_ctl_fail("%s: %s", path, strerror(errno));
  if (f != NULL && f != stdin)
    fclose(f);
  return good;
}

/* ------------------------------------------------------------ progress */

void in_ctl_progress(const char *what, uint64_t done, uint64_t all) {
  unsigned percent = all == 0 ? 100 : (unsigned) (done * 100 / all), i;
  if (!isatty(STDERR_FILENO))
    return;
  fprintf(stderr, "\r%-8s [", what);
  for (i = 0; i < BAR; i++)
    fputc(i * 100 < percent * BAR ? '#' : '.', stderr);
  fprintf(stderr, "] %3u %%", percent);
  if (done == all)
    fputs("\r\033[K", stderr);
  fflush(stderr);
}
