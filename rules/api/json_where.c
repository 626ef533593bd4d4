/*
** json_where.c -- where in the text a value stands.
**
** Owns one walk over the text beside the array of its values. Invariants: the
** text was parsed, so every token has its value; one pass, whatever is asked.
*/
#include "json.h"

/* backslashes before a quote count in pairs */
size_t in_json_after_string(in_span_t s, size_t i) {
  size_t start = ++i;
  for (;;) {
    const char *quote = memchr(s.p + i, '"', s.n - i);
    size_t end, slashes = 0;
    if (quote == NULL) return s.n;
    end = (size_t) (quote - s.p);
    while (end - slashes > start && s.p[end - slashes - 1] == '\\') slashes++;
    if (slashes % 2 == 0) return end + 1;
    start = i = end + 1;
  }
}

static size_t after_word(in_span_t s, size_t i) {
  while (i < s.n && memchr(",:]} \t\r\n", s.p[i], 8) == NULL) i++;
  return i;
}

static bool is_between(char c) {
  return c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void in_json_where(const in_json_t *j, yyjson_val *const *v, in_span_t *where, size_t n) {
  in_span_t s = j->source;
  const yyjson_val *at = j->root;
  size_t open[IN_JSON_DEPTH + 1], depth = 0, next = 0, i = 0;
  while (i < s.n && (next < n || depth > 0)) {
    char c = s.p[i];
    if (is_between(c)) {
      i++;
    } else if (c == ']' || c == '}') {
      size_t k = depth > 0 ? open[--depth] : n;
      i++;
      if (k < n) where[k].n = (size_t) (s.p + i - where[k].p);
    } else {
      size_t k = next < n && at == v[next] ? next++ : n;
      if (k < n) where[k].p = s.p + i;
      at++;
      if (c == '[' || c == '{') {
        if (depth > IN_JSON_DEPTH) return;
        open[depth++] = k;
        i++;
        continue;
      }
      i = c == '"' ? in_json_after_string(s, i) : after_word(s, i);
      if (k < n) where[k].n = (size_t) (s.p + i - where[k].p);
    }
  }
}
