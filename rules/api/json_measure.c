/*
** json_measure.c -- how many values a text holds, before it is parsed.
**
** Owns the count by which memory is set aside and long bodies are refused. Knows
** strings and the bytes that a value or a name follows, and no more of JSON: of a
** text that is none, what it says holds up to where the parser stops. Invariant:
** linear whatever the text is made of, as most of it may be one string of marks.
*/
#include "json.h"
#include "../base/scan.h"

#define SMALL  4096u              /* texts up to this are not counted */
#define BITS   ((size_t) 64)

/* bit n: byte n of 64 is one */
typedef struct { uint64_t quotes, slashes, marks; } bits_t;

static bits_t look(const char *p) {
  static const in_block_bytes_t fold = IN_ALL(0x20);   /* [ and { differ in this bit only */
  bits_t b = { 0, 0, 0 };
  for (unsigned at = 0; at < BITS; at += IN_BLOCK) {
    in_block_bytes_t x = in_block_at(p + at);
    in_hits_t marks = in_hits_equal(x, ',') | in_hits_equal(x, ':') | in_hits_equal(x | fold, '{');
    b.quotes |= (uint64_t) in_hit_bits(in_hits_equal(x, '"')) << at;
    b.slashes |= (uint64_t) in_hit_bits(in_hits_equal(x, '\\')) << at;
    b.marks |= (uint64_t) in_hit_bits(marks) << at;
  }
  return b;
}

/* the bytes behind a backslash that counts; *first: the first of all is one, then the first of the next 64 */
static uint64_t behind_slashes(uint64_t slashes, uint64_t *first) {
  uint64_t behind = *first;
  *first = 0;
  slashes &= ~behind;
  if ((slashes & slashes << 1) == 0) {
    *first = slashes >> (BITS - 1);
    return behind | slashes << 1;
  }
  while (slashes != 0) {
    uint64_t one = slashes & (~slashes + 1);
    behind |= one << 1;
    *first = one >> (BITS - 1);
    slashes &= ~(one | one << 1);
  }
  return behind;
}

/* the bytes from each quote to the next, without that */
static uint64_t between(uint64_t quotes) {
  for (unsigned by = 1; by < BITS; by *= 2) quotes ^= quotes << by;
  return quotes;
}

static size_t count_marks(in_span_t text) {
  size_t count = 0;
  uint64_t inside = 0, first = 0; /* inside: all bits, where a string goes on */
  for (size_t i = 0; i < text.n; i += BITS) {
    char last[BITS] = { 0 };
    const char *p = text.p + i;
    if (text.n - i < BITS) p = memcpy(last, p, text.n - i);
    bits_t b = look(p);
    if ((b.slashes | first) != 0) b.quotes &= ~behind_slashes(b.slashes, &first);
    inside ^= between(b.quotes);
    count += (size_t) __builtin_popcountll(b.marks & ~inside);
    inside = (uint64_t) 0 - (inside >> (BITS - 1));
  }
  return count;
}

size_t in_json_most(in_span_t text) {
  size_t half = text.n / 2 + 1;
  if (text.n <= SMALL) return half;
  size_t marks = count_marks(text) + 1;
  return marks < half ? marks : half;
}

size_t in_json_limit(in_span_t text, size_t most) {
  size_t depth = 0, marks = 0, i;
  for (i = 0; i < text.n; i++) {
    char c = text.p[i];
    if (c == '"') {
      for (i++; i < text.n && text.p[i] != '"'; i++) i += text.p[i] == '\\';
      continue;
    }
    if ((c == '{' || c == '[') && ++depth > IN_JSON_DEPTH) break;
    if (c == '}' || c == ']') depth--;
    if ((c == '{' || c == '[' || c == ',' || c == ':') && ++marks >= most) break;
  }
  return i;
}
