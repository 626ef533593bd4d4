/*
** html_attrs.c -- images behind URLs (see html_attrs.h).
**
** A URL is read as browsers do: blanks and control characters at its ends and
** line ends inside do not count, the scheme has no case. A data: URL is judged
** by its first bytes too, for browsers believe these more than the type given.
*/
#include "html_attrs.h"

/* behind a decoder's last piece there is always room for another */
#define ROOM  IN_HTML_SCRATCH

/* any of these bytes in s? what is short is looked at without a call */
static bool has_any(in_span_t s, const char *set) {
  if (s.n > 48) {
    for (; *set != '\0'; set++)
      if (memchr(s.p, *set, s.n) != NULL) return true;
    return false;
  }
  for (size_t i = 0; i < s.n; i++)
    for (const char *c = set; *c != '\0'; c++)
      if (s.p[i] == *c) return true;
  return false;
}

static bool has_nul(in_span_t s) {
  if (s.n > 48) return memchr(s.p, '\0', s.n) != NULL;
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] == '\0') return true;
  return false;
}

in_span_t in_html_value(in_span_t raw, char buf[IN_VALUE_MAX], bool *cut) {
  char scratch[IN_HTML_SCRATCH];
  size_t n = 0;
  *cut = false;
  if (!has_any(raw, "&") && !has_nul(raw)) return raw;
  while (raw.n > 0 && !*cut) {
    in_span_t piece = in_html_piece(&raw, IN_HTML_REFS | IN_HTML_IN_ATTR | IN_HTML_NUL, scratch);
    if (piece.n > IN_VALUE_MAX - n) {
      piece.n = IN_VALUE_MAX - n;
      *cut = true;
    }
    memcpy(buf + n, piece.p, piece.n);
    n += piece.n;
  }
  return in_span(buf, n);
}

/* blanks off the ends, line ends and tabs out of it; into buf only if need be */
static in_span_t clean(in_span_t s, char buf[IN_VALUE_MAX], bool *cut) {
  size_t n = 0, i = 0;
  while (s.n > 0 && (unsigned char) *s.p <= ' ') s = in_span(s.p + 1, s.n - 1);
  while (s.n > 0 && (unsigned char) s.p[s.n - 1] <= ' ') s.n--;
  if (!has_any(s, "\n\r\t")) return s;
  for (; i < s.n && n < IN_VALUE_MAX; i++)
    if (memchr("\n\r\t", s.p[i], 3) == NULL) buf[n++] = s.p[i];
  if (i < s.n) *cut = true;
  return in_span(buf, n);
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = in_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* the next byte, percent-decoded; false at the end */
static bool next_byte(in_span_t *s, char *c) {
  size_t n = 1;
  if (s->n == 0) return false;
  *c = *s->p;
  if (*c == '%' && s->n > 2 && hex(s->p[1]) >= 0 && hex(s->p[2]) >= 0) {
    *c = (char) (hex(s->p[1]) * 16 + hex(s->p[2]));
    n = 3;
  }
  *s = in_span(s->p + n, s->n - n);
  return true;
}

/* does what follows a data: URL's comma start like a GIF, as it is or in base64? */
static bool is_gif_data(in_span_t s) {
  char start[4], c;
  size_t n = 0;
  while (n < sizeof(start) && next_byte(&s, &c))
    if ((unsigned char) c > ' ') start[n++] = c;
  return n == sizeof(start) && (memcmp(start, "R0lG", 4) == 0 || memcmp(start, "GIF8", 4) == 0);
}

static bool is_gif_path(in_span_t s) {
  size_t n = 0;
  char tail[4] = { 0 }, c;
  while (n < s.n && s.p[n] != '?' && s.p[n] != '#') n++;
  s.n = n;
  if (n < 4 || (in_lower(s.p[n - 1]) != 'f' && s.p[n - 3] != '%')) return false;
  if (s.n > 16) s = in_span(s.p + (s.n - 16), 16);   /* four bytes, each percent-encoded, fit */
  while (next_byte(&s, &c)) {
    memmove(tail, tail + 1, 3);
    tail[3] = in_lower(c);
  }
  return memcmp(tail, ".gif", 4) == 0;
}

static int by_url(in_span_t url, bool cut) {
  if (url.n > 4 && url.p[4] == ':' && in_starts_nocase(url, IN_SPAN("data:"))) {
    const char *comma = memchr(url.p, ',', url.n);
    size_t head = comma == NULL ? url.n : (size_t) (comma - url.p);
    bool gif = in_starts_nocase(url, IN_SPAN("data:image/gif"))
               || memchr(url.p, '%', head) != NULL   /* a type that is hidden */
               || (comma != NULL && is_gif_data(in_span(comma + 1, url.n - head - 1)));
    return gif ? INTEROP_F_GIF : INTEROP_F_IMAGE;
  }
  bool whole = !cut || memchr(url.p, '?', url.n) != NULL || memchr(url.p, '#', url.n) != NULL;
  return is_gif_path(url) || !whole ? INTEROP_F_GIF : INTEROP_F_IMAGE;
}

static int judge(const in_content_t *c, in_span_t url, bool cut) {
  int feature = by_url(url, cut);
  if (c->image == NULL) return feature;
  int told = c->image(c->image_ctx, url);
  bool vague = told < 0 || told == INTEROP_F_IMAGE || told == INTEROP_F_HOSTED_CONTENT;
  return feature == INTEROP_F_GIF && vague ? feature : told < 0 ? feature : told;
}

int in_html_image(const in_content_t *c, in_span_t raw) {
  char decoded[IN_VALUE_MAX], cleaned[IN_VALUE_MAX];
  bool cut;
  in_span_t url = in_html_value(raw, decoded, &cut);
  return judge(c, clean(url, cleaned, &cut), cut);
}

static bool is_break(char c) {
  return (unsigned char) c <= ' ' || c == ',';
}

/* a data: URL has commas itself: then what is behind them is judged as well */
int in_html_images(const in_content_t *c, in_span_t raw) {
  char decoded[IN_VALUE_MAX];
  bool cut;
  int feature = INTEROP_F_IMAGE;
  in_span_t s = in_html_value(raw, decoded, &cut);
  if (s.n > IN_VALUE_MAX || cut) return INTEROP_F_GIF;
  for (size_t i = 0, n; i < s.n; i += n + 1) {
    for (n = 0; i + n < s.n && !is_break(s.p[i + n]); n++) { /* find the end */ }
    in_span_t url = in_span(s.p + i, n);
    if (n == 0) continue;
    if (is_gif_data(url)) feature = INTEROP_F_GIF;
    feature = in_html_stricter(feature, judge(c, url, false));
  }
  return feature;
}

static const interop_kind_t kinds[] = {
#define X(name, text, kind)  INTEROP_K_##kind,
  INTEROP_FEATURES(X)
#undef X
};

int in_html_stricter(int a, int b) {
  if (a < 0) return b;
  if (b < 0) return a;
  return kinds[b] > kinds[a] ? b : a;
}
