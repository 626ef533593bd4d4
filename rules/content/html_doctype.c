/*
** html_doctype.c -- what stands in a DOCTYPE. Nothing that is shown depends on
** it; it is here so that the tokenizer can be held to the standard's tests.
** Owns names, identifiers and the quirks flag; keeps nothing between calls.
*/
#include "html_tokenizer.h"

static in_span_t skip_space(in_span_t s) {
  while (s.n > 0 && memchr("\t\n\f\r ", *s.p, 5) != NULL) s = in_span(s.p + 1, s.n - 1);
  return s;
}

/* takes a quoted identifier; false: no quote, or it is not closed */
static bool take_id(in_span_t *s, in_span_t *id) {
  *s = skip_space(*s);
  if (s->n == 0 || (*s->p != '"' && *s->p != '\'')) return false;
  const char *start = s->p + 1, *end = s->p + s->n;
  const char *close = memchr(start, *s->p, s->n - 1);
  const char *stop = close == NULL ? end : close;
  *id = in_span(start, (size_t) (stop - start));
  if (close != NULL) stop++;
  *s = in_span(stop, (size_t) (end - stop));
  return close != NULL;
}

/* a system identifier; what comes behind it is passed over, an early end too */
static void read_system(in_span_t s, in_html_doctype_t *d) {
  if (!take_id(&s, &d->system_id))
    d->quirks = true;
  else if (skip_space(s).n > 0)
    d->quirks = false;
}

static void read_ids(in_span_t s, in_html_doctype_t *d) {
  bool public = in_starts_nocase(s, IN_SPAN("public"));
  if (!public && !in_starts_nocase(s, IN_SPAN("system"))) {
    d->quirks = true;
    return;
  }
  s = in_span(s.p + 6, s.n - 6);
  if (public) {
    if (!take_id(&s, &d->public_id)) d->quirks = true;
    s = skip_space(s);
    if (s.n == 0 || d->public_id.p == NULL) return;
  }
  read_system(s, d);
}

void in_html_doctype(in_span_t text, bool complete, in_html_doctype_t *d) {
  memset(d, 0, sizeof(*d));
  d->quirks = !complete;
  in_span_t s = skip_space(text);
  size_t n = 0;
  while (n < s.n && memchr("\t\n\f\r ", s.p[n], 5) == NULL) n++;
  if (n == 0) {
    d->quirks = true;
    return;
  }
  d->name = in_span(s.p, n);
  s = skip_space(in_span(s.p + n, s.n - n));
  if (s.n > 0) read_ids(s, d);
}
