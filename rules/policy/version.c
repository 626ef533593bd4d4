/*
** version.c -- versions within texts: `client.agent version "App/" < 16.0.11901`.
**
** Owns their order: number by number, however long; a number that is not there
** counts as 0. The version stands behind the prefix, where that stands at the
** text's beginning or behind a space; a text without one is of neither class.
*/
#include "facts.h"

static bool digit(char c) { return c >= '0' && c <= '9'; }

bool in_is_version(in_span_t s) {
  if (s.n == 0 || !digit(s.p[0]) || !digit(s.p[s.n - 1])) return false;
  for (size_t i = 0; i < s.n; i++)
    if (!digit(s.p[i]) && (s.p[i] != '.' || s.p[i + 1] == '.')) return false;
  return true;
}

/* the next number without its leading zeros; empty where there is none */
static in_span_t take_number(in_span_t *s) {
  in_span_t n;
  size_t i = 0;
  while (i < s->n && digit(s->p[i])) i++;
  n = in_span(s->p, i);
  s->p += i;
  s->n -= i;
  if (s->n > 1 && s->p[0] == '.' && digit(s->p[1])) {
    s->p++;
    s->n--;
  } else {
    s->n = 0;
  }
  while (n.n > 0 && n.p[0] == '0') n = in_span(n.p + 1, n.n - 1);
  return n;
}

static bool below(in_span_t a, in_span_t b) {
  while (a.n > 0 || b.n > 0) {
    in_span_t x = take_number(&a), y = take_number(&b);
    int r = x.n != y.n || x.n == 0 ? 0 : memcmp(x.p, y.p, x.n);
    if (x.n != y.n) return x.n < y.n;
    if (r != 0) return r < 0;
  }
  return false;
}

uint8_t in_version_class(in_span_t text, in_span_t test) {
  const char *end = test.n == 0 ? NULL : memchr(test.p, '\n', test.n);
  in_span_t prefix, wanted;
  if (end == NULL) return 1;
  prefix = in_span(test.p, (size_t) (end - test.p));
  wanted = in_span(end + 1, test.n - prefix.n - 1);
  for (size_t i = 0; text.n > prefix.n && i < text.n - prefix.n; i++) {
    in_span_t rest = in_span(text.p + i, text.n - i);
    if ((i > 0 && text.p[i - 1] != ' ') || !in_starts(rest, prefix) || !digit(rest.p[prefix.n])) continue;
    return below(in_span(rest.p + prefix.n, rest.n - prefix.n), wanted) ? 2 : 3;
  }
  return 1;
}
