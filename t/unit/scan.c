/*
** scan.c -- what is looked for in blocks against the same byte by byte: the
** scanners of rules/base/scan.h, and the content's short ways against the long
** ones over made-up input.
*/
#include <stdlib.h>
#include "tap.h"
#include "../../rules/base/scan.h"
#include "../../rules/content/html_elements.h"
#include "../../rules/content/plain.h"

static uint64_t state = 1;

static unsigned dice(unsigned n) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned) ((state >> 33) % n);
}

/* ---- scanners */

static inline in_hits_t hits(in_block_bytes_t x) {
  return in_hits_below(x, 0x20) | in_hits_equal(x, '"') | in_hits_letter(x, 'w') | in_hits_high(x);
}

IN_SCANNER(scan, hits)

static bool hit(unsigned char c) {
  return c < 0x20 || c == '"' || (c | 0x20) == 'w' || c >= 0x80;
}

static void test_scanner(void) {
  int bad = 0;
  for (unsigned c = 0; c < 256; c++) {
    for (size_t n = 0; n < 50; n++) {
      char *p = malloc(n + 1);              /* a sanitizer sees what is read behind */
      memset(p, 'a', n);
      for (size_t at = 0; at < n; at++) {
        p[at] = (char) c;
        bad += scan(p, n) != (hit((unsigned char) c) ? at : n);
        p[at] = 'a';
      }
      bad += scan(p, n) != n;
      free(p);
    }
  }
  is_number(bad, 0, "every byte at every place of a short span");
}

static void test_first(void) {
  int bad = 0;
  for (unsigned set = 0; set < 1u << IN_BLOCK; set++) {
    unsigned char lanes[IN_BLOCK];
    in_hits_t h;
    for (unsigned i = 0; i < IN_BLOCK; i++) lanes[i] = (set >> i) & 1 ? 0xff : 0;
    memcpy(&h, lanes, sizeof(h));
    unsigned first = set == 0 ? IN_BLOCK : (unsigned) __builtin_ctz(set);
    bad += in_first_hit(h) != first || in_first_hit_plain(h) != first;
    bad += in_hit_bits(h) != set || in_high_bits_plain((in_block_bytes_t) h) != set;
  }
  is_number(bad, 0, "the first hit of every set, and all of them, in both spellings");
}

static void test_wanted(void) {
  in_html_wanted_t w;
  memset(&w, 0, sizeof(w));
  w.lengths['o' & 31] = ~0u << 5;
  for (int i = 1; i < IN_A_COUNT; i++) {
    in_span_t name = in_html_attr_name((in_attr_id_t) i);
    w.lengths[*name.p & 31] |= 1u << (name.n < 31 ? name.n : 31);
  }
  ok(memcmp(&w, &in_html_wanted_attrs, sizeof(w)) == 0, "attributes that are wanted (else run elements.py)");
}

/* ---- text, whole and character by character */

static const char *const words[] = {
  "w", "ww", "www", "www.", ".", ":", "/", "//", "://", "http", "HTTP", "mailto", "mailto:", "x", "0", " ", "  ",
  "Truck 14 is at the gate", "and waits for the papers of lane three. ", "0123456789abcdef", "0123456789abcde ",
  "\n", "\t", "\r", "\f", "\x01", "\x7f", "\xc3\xa9", "\xe0\xa4\xae", "\xe2\x80\x8b", "\xf0\x9f\x98\x80", "\xef\xb8\x8f",
  "1\xef\xb8\x8f\xe2\x83\xa3", "\xf0\x9f\x87\xa9", "\xe2\x98\xba", "NUL"
};

static const char *const tags[] = {
  "<p>", "</p>", "<b>", "</b>", "<i>", "</i>", "<div>", "</div>", "<br>", "<ul>", "<li>", "</ul>", "<pre>", "</pre>",
  "<table>", "<tr>", "<td>", "</table>", "<blockquote>", "</blockquote>", "<a href=http://x/y>", "</a>", "<span hidden>",
  "</span>", "<h1>", "</h1>", "<x>", "</x>", "&amp;", "&lt;", "&#119;", "<", "&", "<style>", "</style>", "<svg>", "</svg>"
};

static void put(in_buf_t *b, const char *s) {
  if (strcmp(s, "NUL") == 0) in_buf_byte(b, '\0'); else in_buf_put(b, in_str(s));
}

typedef struct { in_buf_t text; in_features_t features; } seen_t;

static void begin(seen_t *s, size_t limit) {
  in_buf_init(&s->text, &interop_alloc_libc);
  s->text.limit = limit;
  memset(&s->features, 0, sizeof(s->features));
}

static bool same(const seen_t *a, const seen_t *b) {
  return in_eq(in_buf_span(&a->text), in_buf_span(&b->text))
         && memcmp(&a->features, &b->features, sizeof(a->features)) == 0;
}

static size_t character(in_span_t s) {
  uint32_t cp;
  unsigned n = in_utf8_next(s, &cp);
  return n == 0 ? 1 : n;
}

static bool whole_is_parts(in_span_t s, bool verbatim) {
  seen_t whole, parts;
  in_plain_t o;
  begin(&whole, 0);
  in_plain_init(&o, &whole.text, &whole.features, 0);
  o.verbatim = verbatim;
  in_plain_put(&o, s);
  in_plain_end(&o);
  begin(&parts, 0);
  in_plain_init(&o, &parts.text, &parts.features, 0);
  o.verbatim = verbatim;
  for (size_t n; s.n > 0; s = in_span(s.p + n, s.n - n)) {
    n = character(s);
    in_plain_put(&o, in_span(s.p, n));
  }
  in_plain_end(&o);
  bool good = same(&whole, &parts);
  in_buf_free(&whole.text);
  in_buf_free(&parts.text);
  return good;
}

static void show(in_span_t s) {
  printf("# ");
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < ' ' || s.p[i] > '~') printf("\\x%02x", (unsigned char) s.p[i]); else putchar(s.p[i]);
  putchar('\n');
}

/* a copy of just this size, for sanitizers */
static in_span_t exact(const in_buf_t *b) {
  char *p = malloc(b->n == 0 ? 1 : b->n);
  if (b->n > 0) memcpy(p, b->p, b->n);
  return in_span(p, b->n);
}

static void test_text(void) {
  int bad = 0;
  for (int i = 0; i < 20000; i++) {
    in_buf_t b;
    in_buf_init(&b, &interop_alloc_libc);
    for (unsigned k = dice(24) + 1; k > 0; k--) put(&b, words[dice(in_countof(words))]);
    in_span_t s = exact(&b);
    bool good = whole_is_parts(s, false) && whole_is_parts(s, true);
    if (!good && bad++ == 0) show(s);
    free((char *) (uintptr_t) s.p);
    in_buf_free(&b);
  }
  is_number(bad, 0, "a text is what its characters are, one by one");
}

/* ---- HTML: words and bare tags have a way of their own, but not where the output has a limit */

static void html(seen_t *to, in_span_t s, size_t limit) {
  begin(to, limit);
  in_content_t c = { IN_FORMAT_HTML, NULL, 0, NULL, NULL, NULL, 0, &to->text, &to->features, NULL };
  in_content_read(&c, s);
}

static void test_html(void) {
  int bad = 0, spelt = 0;
  for (int i = 0; i < 20000; i++) {
    in_buf_t bare, spaced;
    seen_t a, b;
    in_buf_init(&bare, &interop_alloc_libc);
    in_buf_init(&spaced, &interop_alloc_libc);
    for (unsigned k = dice(30) + 1; k > 0; k--) {
      const char *tag = tags[dice(in_countof(tags))], *word = words[dice(in_countof(words))];
      bool markup = dice(2) == 0;
      put(&bare, markup ? tag : word);
      put(&spaced, markup ? tag : word);
      if (markup && tag[0] == '<' && tag[strlen(tag) - 1] == '>') {
        spaced.p[spaced.n - 1] = ' ';       /* <b> as <b > */
        in_buf_byte(&spaced, '>');
      }
    }
    in_span_t s = exact(&bare), t = exact(&spaced);
    html(&a, s, 0);
    html(&b, s, SIZE_MAX / 2);
    if (!same(&a, &b) && bad++ == 0) show(s);
    in_buf_free(&b.text);
    html(&b, t, SIZE_MAX / 2);
    if (!same(&a, &b) && spelt++ == 0) show(t);
    in_buf_free(&b.text);
    in_buf_free(&a.text);
    in_buf_free(&bare);
    in_buf_free(&spaced);
    free((char *) (uintptr_t) s.p);
    free((char *) (uintptr_t) t.p);
  }
  is_number(bad, 0, "words by the short way are words by the long one");
  is_number(spelt, 0, "so are bare tags");
}

int main(void) {
  test_first();
  test_scanner();
  test_wanted();
  test_text();
  test_html();
  return done();
}
