/*
** utf8.c -- reading UTF-8, strictly.
**
** Owns what is a valid sequence: table 3-7 of the Unicode standard, thus no
** overlong forms, no surrogates, nothing above U+10FFFF.
*/
#include "base.h"

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

static size_t skip_ascii(in_span_t s, size_t at) {
  uint64_t word;
  while (s.n - at >= sizeof(word)) {
    memcpy(&word, s.p + at, sizeof(word));
    if ((word & 0x8080808080808080ull) != 0) break;
    at += sizeof(word);
  }
  while (at < s.n && (unsigned char) s.p[at] < 0x80) at++;
  return at;
}

size_t in_utf8_check(in_span_t s) {
  size_t at = 0;
  uint32_t cp;
  for (;;) {
    at = skip_ascii(s, at);
    if (at == s.n) return at;
    unsigned n = in_utf8_next(in_span(s.p + at, s.n - at), &cp);
    if (n == 0) return at;
    at += n;
  }
}
