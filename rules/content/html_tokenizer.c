/*
** html_tokenizer.c -- the states of the WHATWG tokenizer, as functions.
**
** Owns the way from bytes to tokens. The standard's character by character
** states are grouped: one function for all the states of a text, one for a
** tag's, one for a comment's, which look for the end and then take what is
** before it as a span. Every byte is looked at a fixed number of times: text
** once for its end and once for references, all else once.
*/
#include "html_tokenizer.h"

#define SPACE  1u                 /* tab, line feed, form feed, carriage return, blank */
#define SLASH  2u
#define CLOSE  4u                 /* > */
#define EQUAL  8u
#define ALPHA  16u
#define MARK   32u                /* ! and ? */
#define NAME_END  (SPACE | SLASH | CLOSE)

static const unsigned char classes[256] = {
  ['\t'] = SPACE, ['\n'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE, [' '] = SPACE,
  ['/'] = SLASH, ['>'] = CLOSE, ['='] = EQUAL, ['!'] = MARK, ['?'] = MARK,
#define X(c)  [c] = ALPHA, [(c) - 32] = ALPHA,
  X('a') X('b') X('c') X('d') X('e') X('f') X('g') X('h') X('i') X('j') X('k') X('l') X('m')
  X('n') X('o') X('p') X('q') X('r') X('s') X('t') X('u') X('v') X('w') X('x') X('y') X('z')
#undef X
};

static inline unsigned class_of(char c) {
  return classes[(unsigned char) c];
}

static in_span_t between(const char *from, const char *to) {
  return in_span(from, (size_t) (to - from));
}

static const char *skip(const char *p, const char *end, unsigned set) {
  while (p < end && (class_of(*p) & set)) p++;
  return p;
}

static const char *seek(const char *p, const char *end, unsigned set) {
  while (p < end && !(class_of(*p) & set)) p++;
  return p;
}

void in_html_init(in_html_t *h, in_span_t input, const in_html_wanted_t *wanted) {
  memset(h, 0, sizeof(*h));
  h->p = input.p == NULL ? "" : input.p;
  h->end = h->p + input.n;
  h->text = between(h->p, h->p);
  h->wanted = wanted;
}

void in_html_switch(in_html_t *h, in_html_state_t state, in_span_t last) {
  h->state = state;
  h->last = last;
}

/* ---- text */

/* does a '<' at p start anything but text? */
static inline bool is_markup(const char *p, const char *end) {
  if (end - p < 2) return false;
  return (class_of(p[1]) & (ALPHA | MARK)) || (p[1] == '/' && end - p > 2);
}

/* is there `word` at p, ASCII case ignored, and then the end of a tag's name? */
static bool is_word(const char *p, const char *end, in_span_t word) {
  return (size_t) (end - p) > word.n && (class_of(p[word.n]) & NAME_END)
         && in_lower(p[word.n - 1]) == in_lower(word.p[word.n - 1])   /* most end here */
         && in_eq_nocase(in_span(p, word.n), word);
}

/* the standard's "appropriate end tag" */
static bool is_end(const in_html_t *h, const char *p) {
  return h->end - p > 2 && p[1] == '/' && h->last.n > 0 && in_lower(p[2]) == in_lower(*h->last.p)
         && is_word(p + 2, h->end, h->last);
}

/* memchr pays off only where the next '<' is not near */
static const char *next_lt(const char *p, const char *end) {
  const char *near = end - p > 16 ? p + 16 : end;
  for (; p < near; p++)
    if (*p == '<') return p;
  p = p == end ? NULL : memchr(p, '<', (size_t) (end - p));
  return p == NULL ? end : p;
}

/* at once over many that start nothing, which is_markup says of each */
static const char *data_end(const in_html_t *h) {
  const char *p = next_lt(h->p, h->end), *last = h->end - 1;
  while (p < last) {
    unsigned next = class_of(p[1]);
    if ((next & (ALPHA | MARK)) || ((next & SLASH) && p + 1 < last)) return p;
    if (*++p != '<') p = next_lt(p, h->end);
  }
  return h->end;
}

static bool has_ref(const char *p, const char *end) {
  const char *near = end - p > 16 ? p + 16 : end;
  for (; p < near; p++)
    if (*p == '&') return true;
  return p < end && memchr(p, '&', (size_t) (end - p)) != NULL;
}

static const char *raw_end(const in_html_t *h) {
  const char *p = next_lt(h->p, h->end);
  while (p < h->end && !is_end(h, p)) p = next_lt(p + 1, h->end);
  return p;
}

static const char *cdata_end(const in_html_t *h) {
  size_t n = (size_t) (h->end - h->p);
  if (n >= 3 && h->p[0] == ']' && h->p[1] == ']' && h->p[2] == '>') return h->p;    /* many may be empty */
  const char *p = memmem(h->p, n, "]]>", 3);
  return p == NULL ? h->end : p;
}

/*
** A script's text: after "<!--" it is escaped, after a "<script" in that it is
** escaped twice, and an end tag then only leads one step back. "-->" ends both;
** its dashes may be those of the "<!--".
*/
static const char *script_end(const in_html_t *h) {
  unsigned depth = 0;
  const char *floor = h->p;       /* dashes before it do not count */
  for (const char *p = h->p; p < h->end; p++) {
    if (*p == '>' && depth > 0 && p - floor >= 2 && p[-1] == '-' && p[-2] == '-') depth = 0;
    if (*p != '<') continue;
    if (depth < 2 && is_end(h, p)) return p;
    if (depth == 0 && h->end - p >= 4 && memcmp(p, "<!--", 4) == 0) {
      depth = 1;
      floor = p + 2;
      p += 3;
    } else if (depth == 1 && is_word(p + 1, h->end, IN_SPAN("script"))) {
      depth = 2;
      floor = p + 8;
      p += 7;
    } else if (depth == 2 && is_word(p + 1, h->end, IN_SPAN("/script"))) {
      depth = 1;
      floor = p + 9;
      p += 8;
    }
  }
  return h->end;
}

/* sets h->text to what comes before the next markup */
static void find_text(in_html_t *h) {
  const char *start = h->p;
  h->how = IN_HTML_NUL;
  switch (h->state) {
    case IN_HTML_DATA:
      h->p = data_end(h);
      h->how = has_ref(start, h->p) ? IN_HTML_REFS : 0;
      break;
    case IN_HTML_RCDATA: h->p = raw_end(h); h->how |= IN_HTML_REFS; break;
    case IN_HTML_RAWTEXT: h->p = raw_end(h); break;
    case IN_HTML_SCRIPT: h->p = script_end(h); break;
    case IN_HTML_CDATA: h->p = cdata_end(h); h->how = 0; break;
    case IN_HTML_PLAINTEXT: h->p = h->end; break;
  }
  h->text = between(start, h->p);
}

static void take_text(in_html_t *h, in_html_token_t *t) {
  const char *start = h->text.p;
  t->kind = IN_HTML_TEXT;
  if (h->how == 0) {
    t->text = h->text;
    h->text = between(h->p, h->p);
  } else {
    t->text = in_html_piece(&h->text, h->how, t->scratch);
  }
  t->raw = between(start, h->text.p);
}

/* ---- tags */

typedef enum { AT_ATTR, AT_CLOSE, AT_END } attr_end_t;

static const char *take_value(const char *p, const char *end, in_span_t *value) {
  const char *start = p;
  if (p < end && (*p == '"' || *p == '\'')) {
    p = memchr(p + 1, *p, (size_t) (end - p - 1));
    *value = between(start + 1, p == NULL ? end : p);
    return p == NULL ? end : p + 1;
  }
  p = seek(p, end, SPACE | CLOSE);
  *value = between(start, p);
  return p;
}

/* from before an attribute's name to behind its value, or to behind the '>' */
static inline attr_end_t take_attr(const char **at, const char *end, in_html_attr_t *a, bool *slash) {
  const char *p = *at, *start;
  *slash = false;
  for (; p < end && (class_of(*p) & (SPACE | SLASH)); p++) *slash = *p == '/';
  *at = p;
  if (p == end) return AT_END;
  if (*p == '>') {
    *at = p + 1;
    return AT_CLOSE;
  }
  start = p;
  p = seek(p + 1, end, NAME_END | EQUAL);   /* a name may start with '=' */
  a->name = between(start, p);
  a->value = IN_NONE;
  *at = p;
  p = skip(p, end, SPACE);
  if (p < end && *p == '=') *at = take_value(skip(p + 1, end, SPACE), end, &a->value);
  return AT_ATTR;
}

bool in_html_attr(in_span_t *attrs, in_html_attr_t *a) {
  bool slash;
  if (attrs->n == 0) return false;
  const char *p = attrs->p, *end = p + attrs->n;
  attr_end_t got = take_attr(&p, end, a, &slash);
  *attrs = between(p, end);
  return got == AT_ATTR;
}

static bool is_wanted(const in_html_wanted_t *w, in_span_t name) {
  return w != NULL && ((w->lengths[*name.p & 31] >> (name.n < 31 ? name.n : 31)) & 1);
}

static void keep_attr(in_html_token_t *t, const in_html_attr_t *a, const char *end) {
  if (t->attr_count == IN_HTML_ATTRS) {
    t->too_many = true;
    return;
  }
  in_html_attr_t *kept = &t->attr[t->attr_count++];
  *kept = *a;
  kept->key = in_html_key_at(a->name, end);
}

/* name starts behind the '<' or "</"; a tag that is not finished, or has too many attributes, is the EOF token */
static void take_tag(in_html_t *h, in_html_token_t *t, in_html_kind_t kind, const char *name) {
  const char *p = seek(name, h->end, NAME_END);
  const char *attrs = p;
  in_html_attr_t a;
  attr_end_t got;
  unsigned count = 0;
  t->text = between(name, p);
  t->key = in_html_key_at(t->text, h->end);
  while ((got = take_attr(&p, h->end, &a, &t->self_closing)) == AT_ATTR && count++ < IN_HTML_ATTRS_MAX)
    if (is_wanted(h->wanted, a.name)) keep_attr(t, &a, h->end);
  t->endless = got == AT_ATTR;
  if (t->endless) p = h->end;
  t->attrs = between(attrs, got == AT_CLOSE ? p - 1 : p);
  t->kind = got == AT_CLOSE ? kind : IN_HTML_EOF;
  t->cut = got != AT_CLOSE;
  t->raw = between(h->p, p);
  h->p = p;
  h->state = IN_HTML_DATA;
  if (t->kind == IN_HTML_START) h->last = t->text;
}

/* ---- comments and their like */

static in_span_t cut_dashes(const char *from, const char *to, bool closed) {
  in_span_t s = between(from, to);
  if (closed && (s.n == 0 || (s.n == 1 && *s.p == '-'))) return in_span(from, 0);
  if (in_ends(s, IN_SPAN("--!"))) return in_span(from, s.n - 3);
  if (in_ends(s, IN_SPAN("--"))) return in_span(from, s.n - 2);
  if (!closed && in_ends(s, IN_SPAN("-"))) return in_span(from, s.n - 1);
  return s;
}

static bool ends_comment(const char *from, const char *gt) {
  in_span_t s = between(from, gt);
  return s.n == 0 || (s.n == 1 && *from == '-') || in_ends(s, IN_SPAN("--"))
         || in_ends(s, IN_SPAN("--!"));
}

static const char *find_gt(const char *p, const char *end) {
  const char *near = end - p > 8 ? p + 8 : end;
  for (; p < near; p++)
    if (*p == '>') return p;
  return p == end ? NULL : memchr(p, '>', (size_t) (end - p));
}

/* from starts behind the "<!--" */
static void take_comment(in_html_t *h, in_html_token_t *t, const char *from) {
  const char *gt = from;
  while ((gt = find_gt(gt, h->end)) != NULL && !ends_comment(from, gt)) gt++;
  t->kind = IN_HTML_COMMENT;
  t->cut = gt == NULL;
  t->text = cut_dashes(from, t->cut ? h->end : gt, !t->cut);
  gt = t->cut ? h->end : gt + 1;
  t->raw = between(h->p, gt);
  h->p = gt;
}

/* a bogus comment or a DOCTYPE: all up to the next '>' */
static void take_bogus(in_html_t *h, in_html_token_t *t, in_html_kind_t kind, const char *from) {
  const char *gt = find_gt(from, h->end);
  t->kind = kind;
  t->cut = gt == NULL;
  t->text = between(from, t->cut ? h->end : gt);
  gt = t->cut ? h->end : gt + 1;
  t->raw = between(h->p, gt);
  h->p = gt;
}

/* at "<!"; false: nothing to give out */
static bool take_declaration(in_html_t *h, in_html_token_t *t) {
  in_span_t s = between(h->p + 2, h->end);
  char c = s.n > 0 ? *s.p : '\0';
  if (c == '[' && h->foreign && in_starts(s, IN_SPAN("[CDATA["))) {
    h->p = s.p + 7;
    h->state = IN_HTML_CDATA;
    return false;
  }
  if (c == '-' && in_starts(s, IN_SPAN("--"))) {
    take_comment(h, t, s.p + 2);
  } else if ((c == 'd' || c == 'D') && in_starts_nocase(s, IN_SPAN("doctype"))) {
    take_bogus(h, t, IN_HTML_DOCTYPE, s.p + 7);
  } else {
    take_bogus(h, t, IN_HTML_COMMENT, s.p);
  }
  return true;
}

/* at a '<' that is_markup, or at the "]]>" of a CDATA section */
static bool take_markup(in_html_t *h, in_html_token_t *t) {
  const char *p = h->p + 1;
  if (h->state == IN_HTML_CDATA) {
    h->p += 3;
    h->state = IN_HTML_DATA;
    return false;
  }
  if (*p == '!') return take_declaration(h, t);
  if (*p == '?') {
    take_bogus(h, t, IN_HTML_COMMENT, p);
  } else if (*p != '/') {
    take_tag(h, t, IN_HTML_START, p);
  } else if (class_of(p[1]) & ALPHA) {
    take_tag(h, t, IN_HTML_END, p + 1);
  } else if (p[1] == '>') {
    h->p += 3;
    return false;
  } else {
    take_bogus(h, t, IN_HTML_COMMENT, p + 1);
  }
  return true;
}

void in_html_next(in_html_t *h, in_html_token_t *t) {
  t->attr_count = 0;
  t->self_closing = t->cut = t->too_many = t->endless = false;
  t->attrs = IN_NONE;
  for (;;) {
    bool markup = h->state == IN_HTML_DATA && h->p < h->end && *h->p == '<' && is_markup(h->p, h->end);
    if (h->text.n == 0 && h->p < h->end && !markup) find_text(h);
    if (h->text.n > 0) {
      take_text(h, t);
      return;
    }
    if (h->p == h->end) break;
    if (take_markup(h, t)) return;
  }
  t->kind = IN_HTML_EOF;
  t->raw = t->text = between(h->end, h->end);
}
