/*
** tap.h -- the little of TAP that the unit tests need.
**
** A test calls ok() and its kin, then returns done(). Values that differ are
** shown with control bytes escaped.
*/
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((unused, format(printf, 2, 3)))
static int ok(int good, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  tap_count++;
  if (!good) tap_failed++;
  printf("%sok %d - ", good ? "" : "not ", tap_count);
  vprintf(fmt, args);
  putchar('\n');
  va_end(args);
  return good;
}

__attribute__((unused))
static void tap_show(const char *what, const char *p, size_t n) {
  printf("# %s: \"", what);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char) p[i];
    if (c == '\n')
      printf("\\n");
    else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
      printf("\\x%02x", c);
    else
      putchar(c);
  }
  printf("\"\n");
}

/* bytes p, n against the text `want` */
__attribute__((unused))
static int is_bytes(const char *p, size_t n, const char *want, size_t want_n, const char *name) {
  int good = n == want_n && (n == 0 || memcmp(p, want, n) == 0);
  ok(good, "%s", name);
  if (!good) {
    tap_show("got", p, n);
    tap_show("expected", want, want_n);
  }
  return good;
}

__attribute__((unused))
static int is_text(const char *got, const char *want, const char *name) {
  return is_bytes(got, strlen(got), want, strlen(want), name);
}

__attribute__((unused))
static int is_number(long long got, long long want, const char *name) {
  int good = got == want;
  ok(good, "%s", name);
  if (!good) printf("# got: %lld\n# expected: %lld\n", got, want);
  return good;
}

__attribute__((unused))
static int done(void) {
  printf("1..%d\n", tap_count);
  return tap_failed != 0;
}

#endif
