/*
** base.h -- spans, checked sizes, arena and growable buffer.
**
** Owns what every other file of the library stands on. Knows nothing of
** policies, APIs or content. Invariants: an arena never moves what it gave; a
** buffer that failed once stays failed (sticky), so that a row of puts is
** checked once, at the end.
*/
#ifndef IN_BASE_H
#define IN_BASE_H

#include <stdbool.h>
#include <string.h>
#include "../interop.h"

typedef interop_span_t in_span_t;

#define IN_SPAN(lit)  ((in_span_t) { (lit), sizeof(lit) - 1 })
#define IN_NONE       ((in_span_t) { NULL, 0 })
#define in_countof(a) (sizeof(a) / sizeof((a)[0]))

static inline in_span_t in_span(const char *p, size_t n) {
  in_span_t s = { p, n };
  return s;
}

static inline in_span_t in_str(const char *s) {
  return in_span(s, strlen(s));
}

static inline bool in_eq(in_span_t a, in_span_t b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool in_same_nocase(const char *a, const char *b, size_t n);   /* n > 0 */
static inline bool in_eq_nocase(in_span_t a, in_span_t b) {    /* ASCII case only */
  if (a.n != b.n || (a.n > 0 && ((a.p[0] ^ b.p[0]) & 0x5f) != 0)) return false;   /* a first letter, in any case */
  return a.n == 0 || a.p == b.p || in_same_nocase(a.p, b.p, a.n);
}

bool in_starts(in_span_t s, in_span_t prefix);
bool in_starts_nocase(in_span_t s, in_span_t prefix);
bool in_ends(in_span_t s, in_span_t suffix);
bool in_contains(in_span_t s, in_span_t part);
in_span_t in_trim(in_span_t s);                        /* spaces and tabs at both ends */
static inline char in_lower(char c) { return (c >= 'A' && c <= 'Z') ? (char) (c | 0x20) : c; }

/* ASCII letters to lower case, eight at a time */
static inline uint64_t in_lower_word(uint64_t w) {
  const uint64_t ones = 0x0101010101010101ull, high = ones * 0x80;
  uint64_t low = w & ~high;
  uint64_t from_a = low + ones * (0x80 - 'A'), past_z = low + ones * (0x80 - 'Z' - 1);
  uint64_t upper = (from_a ^ past_z) & ~w & high;
  return w | (upper >> 2);
}

void in_zero(void *p, size_t n);                       /* for what is large */
uint32_t in_hash(in_span_t s);                         /* FNV-1a, 32 bits */
uint64_t in_hash64(const void *p, size_t n);           /* for checksums */

/* a + b and a * b, or false where the result does not fit */
static inline bool in_add(size_t a, size_t b, size_t *r) { return !__builtin_add_overflow(a, b, r); }
static inline bool in_mul(size_t a, size_t b, size_t *r) { return !__builtin_mul_overflow(a, b, r); }

/* ---- arena: many small blocks with one end of life */

typedef struct in_block_s in_block_t;

typedef struct {
  const interop_alloc_t *alloc;
  in_block_t *blocks;             /* newest first */
  char *top;                      /* the end of what is taken of the newest, */
  size_t left;                    /* and the bytes from there on; none after a failure */
  bool failed;                    /* an allocation was refused */
} in_arena_t;

void in_arena_init(in_arena_t *a, const interop_alloc_t *alloc);
void in_arena_lend(in_arena_t *a, void *p, size_t size);    /* room that is taken first, 8-byte aligned; the lender's */
void in_arena_free(in_arena_t *a);
void *in_arena_get(in_arena_t *a, size_t size);        /* zeroed, 8-byte aligned; NULL = no memory */
void *in_arena_array(in_arena_t *a, size_t count, size_t size);
void *in_arena_more(in_arena_t *a, size_t size);       /* for in_arena_raw alone */
in_span_t in_arena_copy(in_arena_t *a, in_span_t s);   /* p == NULL = no memory (s.n > 0) */
/* printf-like into the arena, NUL after the text; understands %s %d %u %zu and
** %.*s; p == NULL = no memory */
in_span_t in_arena_printf(in_arena_t *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* as in_arena_get, but not zeroed */
static inline void *in_arena_raw(in_arena_t *a, size_t size) {
  size_t whole = (size + 7) & ~(size_t) 7;
  char *p = a->top;
  if (size - 1 >= a->left || whole > a->left) return in_arena_more(a, size);    /* size 0 as well */
  a->top = p + whole;
  a->left -= whole;
  return p;
}

/* ---- buffer: bytes that grow */

typedef struct {
  const interop_alloc_t *alloc;
  char *p;
  size_t n, size;
  size_t limit;                   /* 0 = none; growing over it fails */
  bool failed;
} in_buf_t;

void in_buf_init(in_buf_t *b, const interop_alloc_t *alloc);
void in_buf_free(in_buf_t *b);
bool in_buf_reserve(in_buf_t *b, size_t more);
void in_buf_put_more(in_buf_t *b, in_span_t s);        /* where it may not fit */
void in_buf_utf8(in_buf_t *b, uint32_t codepoint);
void in_buf_number(in_buf_t *b, int64_t n);             /* in decimal */
void in_buf_printf(in_buf_t *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline in_span_t in_buf_span(const in_buf_t *b) { return in_span(b->p, b->n); }

static inline bool in_buf_fits(const in_buf_t *b, size_t n) {
  return n <= b->size - b->n && b->limit == 0 && !b->failed;
}

static inline void in_buf_put(in_buf_t *b, in_span_t s) {
  if (s.n == 0) return;
  if (!in_buf_fits(b, s.n)) {
    in_buf_put_more(b, s);
    return;
  }
  memcpy(b->p + b->n, s.p, s.n);
  b->n += s.n;
}

static inline void in_buf_byte(in_buf_t *b, char c) {
  if (in_buf_fits(b, 1))
    b->p[b->n++] = c;
  else
    in_buf_put_more(b, in_span(&c, 1));
}

/* ---- UTF-8 */

/* length of the valid sequence at s, 0 if it is invalid; *cp gets the code point */
unsigned in_utf8_next(in_span_t s, uint32_t *cp);
/* offset of the first invalid byte, or s.n */
size_t in_utf8_check(in_span_t s);
/* p where ASCII, the end or what is no UTF-8 comes: behind a run of longer characters */
const char *in_utf8_skip(const char *p, const char *end);

/* ---- time: "2019-01-15", "2019-01-15T10:00:00Z", with fraction or offset */
bool in_time_parse(in_span_t s, int64_t *seconds);
/* writes "2019-01-15T10:00:00Z" (20 characters and a NUL) */
void in_time_format(int64_t seconds, char out[24]);

/* an interop_alloc_t as arena, for libraries that want an allocator: frees are ignored */
interop_alloc_t in_arena_alloc(in_arena_t *a);

#endif
