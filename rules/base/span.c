/*
** span.c -- comparing, searching and hashing spans.
**
** Owns the small questions that every other file asks of a byte range. Knows
** no characters beyond ASCII: UTF-8 is utf8.c's. Nothing here allocates, and
** nothing here reads past a span's end.
*/
#include "base.h"

static uint64_t word_at(const char *p) {
  uint64_t w;
  memcpy(&w, p, sizeof(w));
  return w;
}

/* one to seven bytes in a word, some of them twice */
static uint64_t word_of(const char *p, size_t n) {
  uint32_t first, last;
  if (n < sizeof(first))
    return (uint64_t) (unsigned char) p[0] | (uint64_t) (unsigned char) p[n / 2] << 8
           | (uint64_t) (unsigned char) p[n - 1] << 16;
  memcpy(&first, p, sizeof(first));
  memcpy(&last, p + n - sizeof(last), sizeof(last));
  return first | (uint64_t) last << 32;
}

/* mostly they are spelt alike */
static inline bool alike(uint64_t a, uint64_t b) {
  return a == b || in_lower_word(a) == in_lower_word(b);
}

bool in_same_nocase(const char *a, const char *b, size_t n) {
  if (n < sizeof(uint64_t)) return alike(word_of(a, n), word_of(b, n));
  for (size_t i = 0; i < n - sizeof(uint64_t); i += sizeof(uint64_t))
    if (!alike(word_at(a + i), word_at(b + i))) return false;
  return alike(word_at(a + n - sizeof(uint64_t)), word_at(b + n - sizeof(uint64_t)));
}

/* a memset whose size the compiler knows is made a slow string instruction */
void in_zero(void *p, size_t n) {
  memset(p, 0, n);
}

bool in_starts(in_span_t s, in_span_t prefix) {
  return s.n >= prefix.n && in_eq(in_span(s.p, prefix.n), prefix);
}

bool in_starts_nocase(in_span_t s, in_span_t prefix) {
  return s.n >= prefix.n && in_eq_nocase(in_span(s.p, prefix.n), prefix);
}

bool in_ends(in_span_t s, in_span_t suffix) {
  if (suffix.n == 0) return true;
  return s.n >= suffix.n && in_eq(in_span(s.p + (s.n - suffix.n), suffix.n), suffix);
}

bool in_contains(in_span_t s, in_span_t part) {
  if (part.n == 0) return true;
  return s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL;
}

in_span_t in_trim(in_span_t s) {
  while (s.n > 0 && (*s.p == ' ' || *s.p == '\t')) s.p++, s.n--;
  while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
  return s;
}

uint32_t in_hash(in_span_t s) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < s.n; i++) h = (h ^ (unsigned char) s.p[i]) * 16777619u;
  return h;
}

/*
** Eight bytes a step. Each step is a bijection of the state for a given word
** and of the word for a given state, so that a change confined to one word
** always changes the sum.
*/
static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0x9e3779b97f4a7c15ull;
  return h ^ (h >> 32);
}

uint64_t in_hash64(const void *p, size_t n) {
  const char *s = p;
  uint64_t h = mix(0xcbf29ce484222325ull, n);
  uint64_t word;
  for (; n >= sizeof(word); s += sizeof(word), n -= sizeof(word)) {
    memcpy(&word, s, sizeof(word));
    h = mix(h, word);
  }
  word = 0;
  if (n > 0) memcpy(&word, s, n);
  return mix(h, word);
}
