/*
** buf.c -- bytes that grow.
**
** Owns growing and the limit. Invariants: n <= size; a buffer that failed once
** stays failed and keeps what it held before, so that a row of puts is checked
** once, at the end. Bytes put must not lie in the buffer itself.
*/
#include <stdarg.h>
#include <stdio.h>
#include "base.h"

#define FIRST_SIZE  128u

void in_buf_init(in_buf_t *b, const interop_alloc_t *alloc) {
  memset(b, 0, sizeof(*b));
  b->alloc = alloc;
}

void in_buf_free(in_buf_t *b) {
  if (b->p != NULL) b->alloc->resize(b->alloc->ctx, b->p, b->size, 0);
  size_t limit = b->limit;
  in_buf_init(b, b->alloc);
  b->limit = limit;
}

static bool grow(in_buf_t *b, size_t need) {
  size_t size;
  if (!in_mul(b->size, 2, &size)) size = need;
  if (size < FIRST_SIZE) size = FIRST_SIZE;
  if (size < need) size = need;
  char *p = b->alloc->resize(b->alloc->ctx, b->p, b->size, size);
  if (p == NULL) return false;
  b->p = p;
  b->size = size;
  return true;
}

bool in_buf_reserve(in_buf_t *b, size_t more) {
  size_t need;
  if (b->failed) return false;
  if (more <= b->size - b->n && b->limit == 0) return true;
  if (!in_add(b->n, more, &need) || (b->limit != 0 && need > b->limit)
      || (need > b->size && !grow(b, need))) {
    b->failed = true;
    return false;
  }
  return true;
}

void in_buf_put_more(in_buf_t *b, in_span_t s) {
  if (s.n == 0 || !in_buf_reserve(b, s.n)) return;
  memcpy(b->p + b->n, s.p, s.n);
  b->n += s.n;
}

/* what is no code point is written as U+FFFD */
void in_buf_utf8(in_buf_t *b, uint32_t cp) {
  if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) cp = 0xfffd;
  char s[4];
  unsigned n;
  if (cp < 0x80) {
    n = 1;
    s[0] = (char) cp;
  } else if (cp < 0x800) {
    n = 2;
    s[0] = (char) (0xc0 | (cp >> 6));
  } else if (cp < 0x10000) {
    n = 3;
    s[0] = (char) (0xe0 | (cp >> 12));
  } else {
    n = 4;
    s[0] = (char) (0xf0 | (cp >> 18));
  }
  for (unsigned i = 1; i < n; i++) s[i] = (char) (0x80 | ((cp >> (6 * (n - 1 - i))) & 0x3f));
  in_buf_put(b, in_span(s, n));
}

void in_buf_number(in_buf_t *b, int64_t n) {
  char digits[24];
  size_t at = sizeof(digits);
  uint64_t left = n < 0 ? 0 - (uint64_t) n : (uint64_t) n;
  do digits[--at] = (char) ('0' + left % 10); while ((left /= 10) > 0);
  if (n < 0) digits[--at] = '-';
  in_buf_put(b, in_span(digits + at, sizeof(digits) - at));
}

void in_buf_printf(in_buf_t *b, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  size_t size = n < 0 ? SIZE_MAX : (size_t) n;
  /* the NUL that vsnprintf writes is not part of the text, nor of the limit */
  if (in_buf_reserve(b, size)
      && (b->size - b->n > size || grow(b, b->n + size + 1))) {
    vsnprintf(b->p + b->n, size + 1, fmt, again);
    b->n += size;
  } else {
    b->failed = true;
  }
  va_end(again);
  va_end(args);
}
