/*
** utf8.c -- reading UTF-8, strictly.
**
** Owns what is a valid sequence: table 3-7 of the Unicode standard, thus no
** overlong forms, no surrogates, nothing above U+10FFFF.
*/
#include "scan.h"

/* length by the first byte, and the range of the second; 0 = no first byte */
static unsigned first_byte(unsigned char c, unsigned char *low, unsigned char *high) {
  *low = 0x80;
  *high = 0xbf;
  if (c < 0x80) return 1;
  if (c < 0xc2) return 0;
  if (c < 0xe0) return 2;
  if (c < 0xf0) {
    if (c == 0xe0) *low = 0xa0;
    if (c == 0xed) *high = 0x9f;
    return 3;
  }
  if (c > 0xf4) return 0;
  if (c == 0xf0) *low = 0x90;
  if (c == 0xf4) *high = 0x8f;
  return 4;
}

unsigned in_utf8_next(in_span_t s, uint32_t *cp) {
  if (s.n == 0) return 0;
  const unsigned char *p = (const unsigned char *) s.p;
  unsigned char low, high;
  unsigned n = first_byte(p[0], &low, &high);
  if (n == 0 || n > s.n) return 0;
  if (n == 1) {
    *cp = p[0];
    return 1;
  }
  if (p[1] < low || p[1] > high) return 0;
  uint32_t c = p[0] & (0x7fu >> n);
  for (unsigned i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    c = (c << 6) | (p[i] & 0x3fu);
  }
  *cp = c;
  return n;
}

/*
** Length of the character of two to four bytes at p, where four bytes can be
** read; 0: ASCII, or none.
*/
static inline unsigned quick(const char *p) {
  uint32_t w;
  memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  w = __builtin_bswap32(w);
#endif
  if ((w & 0x00c0c0f0u) == 0x008080e0u)
    return (w & 0x200fu) != 0 && (w & 0x200fu) != 0x200du ? 3 : 0;
  if ((w & 0xc0e0u) == 0x80c0u) return (w & 0x1eu) != 0 ? 2 : 0;
  if ((w & 0xc0c0c0f8u) == 0x808080f0u) {
    uint32_t plane = w & 0x3007u;           /* F0 90.. to F4 8F.. */
    return (plane & 4) ? (plane == 4 ? 4 : 0) : (plane != 0 ? 4 : 0);
  }
  return 0;
}

const char *in_utf8_skip(const char *p, const char *end) {
  unsigned n;
  uint32_t cp;
  while (end - p >= 4) {
    if ((n = quick(p)) == 0) return p;
    p += n;
  }
  while (p < end && (unsigned char) *p >= 0x80 && (n = in_utf8_next(in_span(p, (size_t) (end - p)), &cp)) > 0) p += n;
  return p;
}

static inline in_hits_t hits(in_block_bytes_t x) {
  return in_hits_high(x);
}

IN_SCANNER(ascii, hits)

/* of less than a block: are they all ASCII? */
static bool few_ascii(const char *p, size_t n) {
  uint64_t first = 0, last = 0;
  if (n >= sizeof(first)) {
    memcpy(&first, p, sizeof(first));
    memcpy(&last, p + n - sizeof(last), sizeof(last));
  } else if (n >= sizeof(uint32_t)) {
    memcpy(&first, p, sizeof(uint32_t));
    memcpy(&last, p + n - sizeof(uint32_t), sizeof(uint32_t));
  } else {
    for (size_t i = 0; i < n; i++) first |= (uint64_t) (unsigned char) p[i];
  }
  return ((first | last) & 0x8080808080808080ull) == 0;
}

size_t in_utf8_check(in_span_t s) {
  const char *p = s.p, *end = p + s.n, *stop;
  if (s.n < IN_BLOCK && few_ascii(p, s.n)) return s.n;
  do {
    p += ascii(p, (size_t) (end - p));
    stop = p;
    p = in_utf8_skip(p, end);
  } while (p > stop);
  return s.n - (size_t) (end - p);
}
