/*
** html_style.c -- inline style: what hides, what stands on its own lines, what
** only lays out, and images (see html_attrs.h).
**
** Style is plain only if it is obviously so: declarations of layout, or of
** what is there anyway, without strings, comments or functions. Anything else
** counts as formatting; anything that could name an image, as an image.
*/
#include "html_attrs.h"

#define STYLE_MAX  1024u

/* ASCII lower case, CSS escapes decoded (a code point beyond ASCII becomes '?') */
static in_span_t unescape(in_span_t s, char out[STYLE_MAX], bool *cut) {
  size_t n = 0, i = 0;
  while (i < s.n && n < STYLE_MAX) {
    char c = s.p[i++];
    if (c == '\\' && i < s.n) {
      uint32_t cp = 0;
      size_t digits = 0;
      for (; digits < 6 && i < s.n; digits++, i++) {
        c = in_lower(s.p[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) break;
        cp = cp * 16 + (uint32_t) (c <= '9' ? c - '0' : c - 'a' + 10);
      }
      if (digits == 0)
        c = s.p[i++];
      else
        c = cp > 0 && cp < 0x80 ? (char) cp : '?';
      if (digits > 0 && i < s.n && memchr(" \t\n\r\f", s.p[i], 5) != NULL) i++;
    }
    out[n++] = c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
  }
  *cut = *cut || i < s.n;
  return in_span(out, n);
}

/* ---- images */

static in_span_t url_argument(in_span_t s) {
  while (s.n > 0 && memchr(" \t\n\r\f\"'", *s.p, 7) != NULL) s = in_span(s.p + 1, s.n - 1);
  size_t n = 0;
  while (n < s.n && memchr("\"')", s.p[n], 3) == NULL) n++;
  return in_span(s.p, n);
}

/* functions that only compute a number or a colour */
static bool is_harmless(in_span_t before) {
  static const in_span_t names[] = {
    { "rgb", 3 }, { "rgba", 4 }, { "hsl", 3 }, { "hsla", 4 }, { "calc", 4 }, { "min", 3 },
    { "max", 3 }, { "clamp", 5 }, { "scale", 5 }, { "rotate", 6 }, { "translate", 9 },
  };
  size_t n = 0;
  while (n < before.n) {
    char c = before.p[before.n - 1 - n];
    if (!(c >= 'a' && c <= 'z') && c != '-') break;
    n++;
  }
  in_span_t name = in_span(before.p + (before.n - n), n);
  for (size_t i = 0; i < in_countof(names); i++)
    if (in_eq(name, names[i])) return true;
  return n == 0;
}

static int find_images(const in_content_t *c, in_span_t s) {
  int feature = -1;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '@') return INTEROP_F_GIF;
    if (s.p[i] != '(') continue;
    in_span_t before = in_span(s.p, i);
    if (in_ends(before, IN_SPAN("url")))
      feature = in_html_stricter(feature, in_html_image(c, url_argument(in_span(s.p + i + 1, s.n - i - 1))));
    else if (!is_harmless(before))
      return INTEROP_F_GIF;
  }
  return feature;
}

/* ---- declarations */

static in_span_t trim(in_span_t s) {
  while (s.n > 0 && (unsigned char) *s.p <= ' ') s = in_span(s.p + 1, s.n - 1);
  while (s.n > 0 && (unsigned char) s.p[s.n - 1] <= ' ') s.n--;
  return s;
}

/* takes up to the separator, or all */
static in_span_t take(in_span_t *s, char separator) {
  size_t n = 0;
  while (n < s->n && s->p[n] != separator) n++;
  in_span_t part = in_span(s->p, n);
  if (n < s->n) n++;
  *s = in_span(s->p + n, s->n - n);
  return part;
}

/* is s one of the words, which are separated by one blank each? */
static bool is_in(in_span_t s, const char *words) {
  for (;;) {
    size_t n = 0;
    while (n < s.n && words[n] == s.p[n]) n++;
    if (n == s.n && (words[n] == ' ' || words[n] == '\0')) return true;
    for (words += n; *words != ' '; words++)
      if (*words == '\0') return false;
    words++;
  }
}

static void set_display(in_style_t *style, in_span_t v) {
  if (is_in(v, "none"))
    style->display = IN_DISPLAY_NONE;
  else if (is_in(v, "block flex grid list-item table flow-root"))
    style->display = IN_DISPLAY_BLOCK;
  else if (in_starts(v, IN_SPAN("inline")) || is_in(v, "contents"))
    style->display = IN_DISPLAY_INLINE;
  else
    style->looks = true;
}

static bool is_layout(in_span_t name) {
  return in_starts(name, IN_SPAN("margin")) || in_starts(name, IN_SPAN("padding"))
         || is_in(name, "line-height box-sizing word-break word-wrap overflow-wrap direction");
}

static void read_declaration(in_style_t *style, in_span_t text) {
  in_span_t v = text, name = trim(take(&v, ':'));
  v = trim(take(&v, '!'));
  if (name.n == 0) return;
  if (is_in(name, "display")) {
    set_display(style, v);
  } else if (is_in(name, "visibility")) {
    style->visible = is_in(v, "hidden collapse") ? IN_STYLE_NO : is_in(v, "visible") ? IN_STYLE_YES
                     : style->visible;
  } else if (is_in(name, "white-space")) {
    style->pre = is_in(v, "pre pre-wrap pre-line break-spaces") ? IN_STYLE_YES
                 : is_in(v, "normal nowrap") ? IN_STYLE_NO : style->pre;
  } else if (!is_layout(name)
             && !is_in(v, "normal none inherit initial unset revert transparent auto")) {
    style->looks = true;
  }
}

/* strings, comments, functions, escapes and the like */
static const unsigned char special[256] = {
  ['"'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1, ['{'] = 1, ['}'] = 1, ['['] = 1, [']'] = 1,
  ['@'] = 1, ['\\'] = 1, ['<'] = 1, ['?'] = 1, ['*'] = 1
};

static bool is_simple(in_span_t s) {
  unsigned found = 0;
  for (size_t i = 0; i < s.n; i++) found |= special[(unsigned char) s.p[i]];
  return found == 0;
}

void in_html_style(const in_content_t *c, in_span_t raw, in_style_t *style) {
  char decoded[IN_VALUE_MAX], lower[STYLE_MAX];
  bool cut;
  memset(style, 0, sizeof(*style));
  in_span_t spelt = in_html_value(raw, decoded, &cut);
  in_span_t s = unescape(spelt, lower, &cut);
  style->looks = cut || !is_simple(s) || !is_simple(spelt);
  style->image = cut ? INTEROP_F_GIF : style->looks ? find_images(c, s) : -1;
  while (s.n > 0) read_declaration(style, take(&s, ';'));
  if (style->display == IN_DISPLAY_NONE || style->visible != IN_STYLE_INHERIT) style->looks = true;
}
