/*
** nearest.c -- "did you mean": the known word nearest to a mistyped one.
**
** Owns the measure: insertions, deletions, substitutions and swaps of
** neighbours cost one each. Near is at most a third of the word's length, and
** at least one. Words over WORD_MAX bytes are near to nothing.
*/
#include "diag.h"

#define WORD_MAX  48u

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t distance(in_span_t a, in_span_t b) {
  size_t rows[3][WORD_MAX + 1];
  size_t *older = rows[0], *old = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b.n; j++) old[j] = j;
  for (size_t i = 1; i <= a.n; i++) {
    row[0] = i;
    for (size_t j = 1; j <= b.n; j++) {
      size_t d = old[j - 1] + (in_lower(a.p[i - 1]) != in_lower(b.p[j - 1]));
      d = min(d, min(old[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
        d = min(d, older[j - 2] + 1);
      row[j] = d;
    }
    size_t *free_row = older;
    older = old;
    old = row;
    row = free_row;
  }
  return old[b.n];
}

in_span_t in_nearest(in_span_t word, const in_span_t *candidates, size_t count) {
  in_span_t best = IN_NONE;
  if (word.n == 0 || word.n > WORD_MAX) return best;
  size_t best_distance = (word.n < 3 ? 1 : word.n / 3) + 1;
  for (size_t i = 0; i < count; i++) {
    if (candidates[i].n == 0 || candidates[i].n > WORD_MAX) continue;
    size_t d = distance(word, candidates[i]);
    if (d >= best_distance || d >= candidates[i].n) continue;
    best_distance = d;
    best = candidates[i];
  }
  return best;
}
