/*
** span.c -- comparing, searching and hashing spans.
**
** Owns the small questions that every other file asks of a byte range. Knows
** no characters beyond ASCII: UTF-8 is utf8.c's. Nothing here allocates, and
** nothing here reads past a span's end.
*/
#include "base.h"

bool in_eq_nocase(in_span_t a, in_span_t b) {
  if (a.n != b.n) return false;
  if (a.n > 0 && memcmp(a.p, b.p, a.n) == 0) return true;    /* mostly they are spelt alike */
  for (size_t i = 0; i < a.n; i++)
    if (in_lower(a.p[i]) != in_lower(b.p[i])) return false;
  return true;
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
