/*
** scan.h -- bytes of interest, looked for sixteen at a time.
**
** Owns the one way in which long runs are passed over: a block is compared with
** what is looked for, all its bytes at once, and the first that is met counts.
** Written with the compilers' vectors, so that no machine is named but where
** one has an instruction for "which of the sixteen". Invariant: nothing before
** the span or behind its end is read.
*/
#ifndef IN_SCAN_H
#define IN_SCAN_H

#include "base.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define IN_BLOCK  ((size_t) 16)

typedef unsigned char in_block_bytes_t __attribute__((vector_size(16)));
typedef signed char in_hits_t __attribute__((vector_size(16)));
typedef uint64_t in_words_t __attribute__((vector_size(16)));

#define IN_ALL(c)  { c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c }

static inline in_block_bytes_t in_block_at(const char *p) {
  in_block_bytes_t x;
  memcpy(&x, p, sizeof(x));
  return x;
}

/* less than a block, and zeros behind */
static inline in_block_bytes_t in_block_of(const char *p, size_t n) {
  in_block_bytes_t x = IN_ALL(0);
  memcpy(&x, p, n);
  return x;
}

/* which bytes are c; are below c; are below c or not ASCII; are not ASCII; are c in any case */
static inline in_hits_t in_hits_equal(in_block_bytes_t x, unsigned char c) {
  const in_block_bytes_t all = IN_ALL(c);
  return (in_hits_t) (x == all);
}

static inline in_hits_t in_hits_below(in_block_bytes_t x, unsigned char c) {
  const in_block_bytes_t all = IN_ALL(c);
  return (in_hits_t) (x < all);
}

static inline in_hits_t in_hits_below_or_high(in_block_bytes_t x, signed char c) {
  const in_hits_t all = IN_ALL(c);
  return (in_hits_t) ((in_hits_t) x < all);
}

static inline in_hits_t in_hits_high(in_block_bytes_t x) {
  return in_hits_below_or_high(x, 0);
}

static inline in_hits_t in_hits_letter(in_block_bytes_t x, unsigned char lower) {
  const in_block_bytes_t fold = IN_ALL(0x20);
  return in_hits_equal(x | fold, lower);
}

/* the first byte that is hit, IN_BLOCK if none is; for any machine */
static inline unsigned in_first_hit_plain(in_hits_t hits) {
  in_words_t w = (in_words_t) hits;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (w[0] != 0) return (unsigned) __builtin_ctzll(w[0]) / 8;
  if (w[1] != 0) return 8 + (unsigned) __builtin_ctzll(w[1]) / 8;
#else
  if (w[0] != 0) return (unsigned) __builtin_clzll(w[0]) / 8;
  if (w[1] != 0) return 8 + (unsigned) __builtin_clzll(w[1]) / 8;
#endif
  return IN_BLOCK;
}

static inline unsigned in_first_hit(in_hits_t hits) {
#ifdef __SSE2__
  return (unsigned) __builtin_ctz((unsigned) _mm_movemask_epi8((__m128i) hits) | 1u << IN_BLOCK);
#else
  return in_first_hit_plain(hits);
#endif
}

/* bit n: the highest bit of byte n */
static inline uint32_t in_high_bits_plain(in_block_bytes_t x) {
  uint32_t bits = 0;
  for (unsigned i = 0; i < IN_BLOCK; i++) bits |= (uint32_t) (x[i] >> 7) << i;
  return bits;
}

static inline uint32_t in_high_bits(in_block_bytes_t x) {
#ifdef __SSE2__
  return (uint32_t) _mm_movemask_epi8((__m128i) x);
#else
  return in_high_bits_plain(x);
#endif
}

/* bit n: byte n is hit */
static inline uint32_t in_hit_bits(in_hits_t hits) {
  return in_high_bits((in_block_bytes_t) hits);
}

static inline bool in_any_hit(in_hits_t hits) {
#ifdef __SSE2__
  return _mm_movemask_epi8((__m128i) hits) != 0;
#else
  in_words_t w = (in_words_t) hits;
  return (w[0] | w[1]) != 0;
#endif
}

/*
** Makes `size_t name(const char *p, size_t n)`: the offset of the first byte
** that HITS(block) has, or n. HITS must look at single bytes only. The last
** block overlaps the one before, where nothing was met.
*/
#define IN_SCANNER(name, HITS) \
  static inline size_t name(const char *p, size_t n) { \
    size_t i = 0; \
    unsigned at; \
    if (n < IN_BLOCK) { \
      if (n == 0) return 0; \
      at = in_first_hit(HITS(in_block_of(p, n))); \
      return at < n ? at : n; \
    } \
    at = in_first_hit(HITS(in_block_at(p))); \
    if (at < IN_BLOCK) return at; \
    for (i = IN_BLOCK; n - i >= 2 * IN_BLOCK; i += 2 * IN_BLOCK) \
      if (in_any_hit(HITS(in_block_at(p + i)) | HITS(in_block_at(p + i + IN_BLOCK)))) break; \
    for (; n - i >= IN_BLOCK; i += IN_BLOCK) { \
      at = in_first_hit(HITS(in_block_at(p + i))); \
      if (at < IN_BLOCK) return i + at; \
    } \
    if (i == n) return n; \
    return n - IN_BLOCK + in_first_hit(HITS(in_block_at(p + n - IN_BLOCK))); \
  }

#endif
