/*
** diag.c -- errors for people: place, source line, caret, hint.
**
** Owns the form of a diagnostic's text. Invariants: the text is always
** NUL-terminated and never cut inside a UTF-8 sequence; the first error stays.
** The text's last byte is no part of it: it is set once a later error was
** passed over, so that this one's hint does not end up below the first.
*/
#include <stdio.h>
#include "diag.h"

#define CLOSED       (INTEROP_DIAG_MAX - 1)
#define LINE_WIDTH   96u          /* characters of a source line that are shown */
#define LINE_BEFORE  40u          /* of these, before the caret if the line is cut */
#define TEXT_MAX     (INTEROP_DIAG_MAX - 2)
#define NAME_MAX_    120          /* of a file's name */

/* what stands around a place: the line, and where the place is in it */
typedef struct {
  in_span_t line;
  size_t at, end;                 /* byte offsets in the line */
  unsigned number;
} spot_t;

void in_diag_clear(interop_diag_t *d) {
  d->status = INTEROP_OK;
  d->line = d->column = 0;
  d->text[0] = '\0';
  d->text[CLOSED] = 0;
}

static unsigned char_length(in_span_t s) {
  uint32_t cp;
  unsigned n = in_utf8_next(s, &cp);
  return n == 0 ? 1 : n;
}

static in_span_t rest(in_span_t s, size_t at) {
  return in_span(s.p + at, s.n - at);
}

/* cuts an incomplete sequence off the end */
static size_t whole_chars(const char *p, size_t n) {
  size_t at = n;
  while (at > 0 && n - at < 3 && ((unsigned char) p[at - 1] & 0xc0) == 0x80) at--;
  if (at == 0 || (unsigned char) p[at - 1] < 0xc0) return n;
  uint32_t cp;
  return in_utf8_next(in_span(p + at - 1, n - (at - 1)), &cp) == 0 ? at - 1 : n;
}

static void append(interop_diag_t *d, in_span_t s) {
  size_t have = strlen(d->text);
  size_t n = s.n < TEXT_MAX - have ? s.n : whole_chars(s.p, TEXT_MAX - have);
  memcpy(d->text + have, s.p, n);
  d->text[have + n] = '\0';
}

static void append_format(interop_diag_t *d, const char *fmt, va_list args) {
  char part[INTEROP_DIAG_MAX];
  int n = vsnprintf(part, sizeof(part), fmt, args);
  if (n < 0) return;
  size_t size = (size_t) n < sizeof(part) ? (size_t) n : whole_chars(part, sizeof(part) - 1);
  append(d, in_span(part, size));
}

static spot_t find_spot(in_place_t place) {
  in_span_t text = place.source->text;
  size_t at = place.offset < text.n ? place.offset : text.n;
  size_t start = 0, end;
  spot_t spot = { .number = 1 };
  for (size_t i = 0; i < at; i++) {
    if (text.p[i] != '\n') continue;
    spot.number++;
    start = i + 1;
  }
  for (end = at; end < text.n && text.p[end] != '\n'; end++) { /* find the line's end */ }
  if (end > start && text.p[end - 1] == '\r') end--;
  if (at > end) at = end;
  spot.line = text.p == NULL ? IN_SPAN("") : in_span(text.p + start, end - start);
  spot.at = at - start;
  spot.end = place.length < end - at ? at - start + place.length : end - start;
  return spot;
}

static unsigned count_chars(in_span_t s) {
  unsigned count = 0;
  for (size_t i = 0; i < s.n; i += char_length(rest(s, i))) count++;
  return count;
}

/* the byte offset after `count` characters */
static size_t skip_chars(in_span_t s, size_t at, unsigned count) {
  while (count-- > 0 && at < s.n) at += char_length(rest(s, at));
  return at;
}

/* control characters and broken bytes would spoil a terminal: a '?' each */
static void append_line(interop_diag_t *d, in_span_t s) {
  uint32_t cp;
  for (size_t i = 0; i < s.n;) {
    unsigned n = in_utf8_next(rest(s, i), &cp);
    bool bad = n == 0 || (cp < 0x20 && cp != '\t') || (cp >= 0x7f && cp < 0xa0);
    append(d, bad ? IN_SPAN("?") : in_span(s.p + i, n));
    i += n == 0 ? 1 : n;
  }
}

/* below the line: its tabs again, blanks else, so that the caret stands right */
static void append_pad(interop_diag_t *d, in_span_t s) {
  for (size_t i = 0; i < s.n; i += char_length(rest(s, i)))
    append(d, s.p[i] == '\t' ? IN_SPAN("\t") : IN_SPAN(" "));
}

static void append_source(interop_diag_t *d, const spot_t *spot) {
  unsigned before = count_chars(in_span(spot->line.p, spot->at));
  size_t from = 0;
  if (before + LINE_BEFORE > LINE_WIDTH)
    from = skip_chars(spot->line, 0, before - LINE_BEFORE);
  size_t to = skip_chars(spot->line, from, LINE_WIDTH);
  in_span_t cut = from > 0 ? IN_SPAN("...") : IN_SPAN("");
  size_t end = spot->end < to ? spot->end : to;

  append(d, IN_SPAN("\n  "));
  append(d, cut);
  append_line(d, in_span(spot->line.p + from, to - from));
  if (to < spot->line.n) append(d, IN_SPAN("..."));
  append(d, IN_SPAN("\n  "));
  append_pad(d, cut);
  append_pad(d, in_span(spot->line.p + from, spot->at - from));
  append(d, IN_SPAN("^"));
  unsigned marked = end > spot->at ? count_chars(in_span(spot->line.p + spot->at, end - spot->at)) : 0;
  while (marked-- > 1) append(d, IN_SPAN("~"));
}

/* is there an error already? */
static bool closed(interop_diag_t *d) {
  if (d == NULL) return true;
  if (d->status == INTEROP_OK) return false;
  d->text[CLOSED] = 1;
  return true;
}

void in_diag_set(interop_diag_t *d, interop_status_t status, const char *fmt, ...) {
  if (closed(d)) return;
  in_diag_clear(d);
  d->status = status;
  va_list args;
  va_start(args, fmt);
  append_format(d, fmt, args);
  va_end(args);
}

static void append_place(interop_diag_t *d, in_span_t name) {
  char number[32];
  if (name.n > NAME_MAX_) {       /* its end says more than its start */
    append(d, IN_SPAN("..."));
    name = rest(name, name.n - NAME_MAX_);
    while (name.n > 0 && ((unsigned char) *name.p & 0xc0) == 0x80) name = rest(name, 1);
  }
  append_line(d, name);
  int n = snprintf(number, sizeof(number), ":%u:%u: ", d->line, d->column);
  append(d, in_span(number, (size_t) n));
}

void in_diag_at(interop_diag_t *d, interop_status_t status, in_place_t place,
                const char *fmt, ...) {
  if (closed(d)) return;
  in_diag_clear(d);
  d->status = status;
  spot_t spot = { .number = 0 };
  if (place.source != NULL) {
    spot = find_spot(place);
    d->line = spot.number;
    d->column = count_chars(in_span(spot.line.p, spot.at)) + 1;
    append_place(d, place.source->name);
  }
  va_list args;
  va_start(args, fmt);
  append_format(d, fmt, args);
  va_end(args);
  if (place.source != NULL) append_source(d, &spot);
}

void in_diag_hint(interop_diag_t *d, const char *fmt, ...) {
  if (d == NULL || d->status == INTEROP_OK || d->text[CLOSED] != 0) return;
  append(d, IN_SPAN("\n  hint: "));
  va_list args;
  va_start(args, fmt);
  append_format(d, fmt, args);
  va_end(args);
}
