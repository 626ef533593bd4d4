/*
** html_short.c -- most of what a message is made of, by a shorter way: words,
** tags without attributes, plain links.
**
** Owns the loop that reads and writes at once, sixteen bytes at a time. It does
** what the tokenizer, html_text.c and plain.c would do with the same bytes, and
** hands over to them what it does not know; nothing is decided here. Invariant:
** where it writes by itself, there is room for all that is left of the input,
** and two blocks more; what it writes is never longer than what it read.
*/
#include "../base/scan.h"
#include "html_reader.h"

#define ROOM   (IN_BLOCK + 3)     /* bytes that are looked at from one place on */
#define SLACK  (2 * IN_BLOCK)
#define RARE   __attribute__((noinline))   /* out of the loop, whose registers it would take */

/* where it is read, where it is written; to is NULL while others write */
typedef struct { const char *p; char *to; } pen_t;

typedef struct {
  in_reader_t *r;
  const char *last;               /* the last place from which ROOM bytes can be read */
  const char *end;                /* of the input */
  const char *text_end;           /* a '<' or the end: between it and p there is none, if it is behind p */
  const char *seen;               /* what is written up to here is known to plain.shown */
  bool copy;                      /* the input is a copy: nothing may point into it */
  bool done;
} short_t;

/* ---- elements */

/* what an element's tags without attributes need */
enum { MUCH, BARE, BLOCK, BREAK, LINK };

#define IS_BARE(feature, flags)   (((flags) & ~(unsigned) IN_H_FORMAT) == 0 && (feature) != INTEROP_F_QUOTE)
#define IS_BLOCK(feature, flags)  (((flags) & ~(unsigned) (IN_H_DIV | IN_H_SPACED | IN_H_AGAIN)) == 0 \
                                   && ((flags) & IN_H_DIV) == IN_H_DIV && (feature) != INTEROP_F_QUOTE)

#define NONE  IN_F_NO_FEATURE
#define F(x)  INTEROP_F_##x
static const in_care_t care[IN_E_COUNT] = {
#define X(name, tag, feature, flags) \
  [IN_E_##name] = { feature, (flags) & IN_H_SPACED ? 2 : 1, \
    IN_E_##name == IN_E_DIALOG ? MUCH : IN_E_##name == IN_E_A ? LINK : IN_E_##name == IN_E_BR ? BREAK \
    : IS_BARE(feature, flags) ? BARE : IS_BLOCK(feature, flags) ? BLOCK : MUCH },
  IN_ELEMENTS(X)
#undef X
};

/* names of one letter */
static const unsigned char letters[256] = {
#define X(name, letter)  [letter] = IN_E_##name, [(letter) - 32] = IN_E_##name
  X(A, 'a'), X(B, 'b'), X(I, 'i'), X(P, 'p'), X(S, 's'), X(U, 'u')
#undef X
};
#undef NONE
#undef F

/* a vendor's row may say of a known element without attributes what it is */
void in_short_care(in_vendors_t *v) {
  memcpy(v->care, care, sizeof(care));
  for (size_t i = 0; i < v->count; i++) {
    in_span_t tag = v->rows[i].tag;
    if (v->rows[i].attr.n == 0) v->care[in_html_element(tag, in_html_key(tag))].kind = MUCH;
  }
}

/* ---- handing over */

/* before others write: what was written so far is theirs */
static void save(short_t *s, const char *to) {
  in_plain_t *o = &s->r->plain;
  if (to == NULL) return;
  o->out->n = (size_t) (to - o->out->p);
  in_plain_saw(o, in_span(s->seen, (size_t) (to - s->seen)));
}

/* after others wrote, with p still to be read; where a link or emoji may go on, they go on too */
static char *resume(short_t *s, const char *p) {
  in_plain_t *o = &s->r->plain;
  if (!o->words || (o->shown.link | o->shown.emoji)) return NULL;
  if (!in_buf_reserve(o->out, (size_t) (s->end - p) + SLACK)) {
    o->words = false;
    return NULL;
  }
  char *to = o->out->p + o->out->n;
  s->seen = to;
  return to;
}

/* ---- text */

/* up to the next '<': text with references, or that is more than words */
static RARE pen_t put_text(short_t *s, pen_t at) {
  in_plain_t *o = &s->r->plain;
  char scratch[IN_HTML_SCRATCH];
  if (s->text_end <= at.p) {
    s->text_end = memchr(at.p, '<', (size_t) (s->end - at.p));
    if (s->text_end == NULL) s->text_end = s->end;
  }
  in_span_t rest = in_span(at.p, (size_t) (s->text_end - at.p));
  save(s, at.to);
  in_plain_put(o, in_html_piece(&rest, IN_HTML_REFS, scratch));
  return (pen_t) { rest.p, resume(s, rest.p) };
}

static inline bool is_white(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

/* what no word starts with */
static RARE pen_t put_other(short_t *s, pen_t at) {
  if (at.to == NULL || !is_white(*at.p)) return put_text(s, at);
  do at.p++; while (at.p < s->end && is_white(*at.p));
  s->r->plain.waits |= IN_WAITS_SPACE;
  return at;
}

/* what waits; lines that are not simply one or two are written by plain.c */
static inline char *flush(short_t *s, in_plain_t *o, pen_t at) {
  size_t lines = o->newlines + o->breaks;
  if (o->waits & IN_WAITS_LINES) {
    if (!o->started || o->exact || o->tabs > 0 || lines == 0) {
      save(s, at.to);
      in_plain_flush(o);
      return resume(s, at.p);
    }
    at.to[0] = at.to[1] = '\n';
    at.to += lines > 1 ? 2 : 1;
    o->newlines = o->breaks = 0;
    o->row_waits = false;
  } else if (o->waits & IN_WAITS_SPACE) {
    *at.to++ = ' ';
  }
  if (o->waits & IN_WAITS_MARK) o->mark = (size_t) (at.to - o->out->p);
  o->waits = 0;
  return at.to;
}

/* the byte that is shown before what comes next */
static unsigned char byte_before(const short_t *s, const in_plain_t *o, const char *to) {
  if (o->waits & (IN_WAITS_SPACE | IN_WAITS_LINES)) return ' ';
  return to > s->seen ? (unsigned char) to[-1] : (unsigned char) o->shown.recent;
}

/*
** Is the byte at p, which is no '<', one of the words? Of what ends_words stops at,
** '*' and '>' are, and a '.' or ':' where no link can start.
*/
static inline bool is_word(const char *p, unsigned char before) {
  unsigned char next = (unsigned char) p[1];
  switch (*p) {
    case '.': return (before | 0x20) != 'w';
    case ':': return (before | 0x20) != 'o' && next != '/' && next != '<' && next != '&' && next > 0 && next < 0x80;
    case '*': case '>': return true;
    default: return false;
  }
}

/* '.' and ':' differ in the other bits only; '*' and '>' are met by the way */
static inline in_hits_t ends_words(in_block_bytes_t x) {
  static const in_block_bytes_t most = IN_ALL(0xeb);
  return in_hits_below_or_high(x, 0x20) | in_hits_equal(x, '<') | in_hits_equal(x, '&')
         | in_hits_equal(x & most, '.' & 0xeb);
}

/*
** Words with one blank between them, from p on. The first byte is looked at by
** itself, for what was shown before it is not at p - 1. A blank at the end waits,
** for more may follow.
*/
static inline pen_t take_words(short_t *s, in_plain_t *o, pen_t at) {
  if (o->waits && *at.p == ' ') {
    o->waits |= IN_WAITS_SPACE;
    at.p++;
  }
  in_block_bytes_t x = in_block_at(at.p);
  uint32_t blanks = in_hit_bits(in_hits_equal(x, ' ')), before = o->waits != 0;
  uint32_t ends = in_hit_bits(ends_words(x)) | (blanks & (blanks << 1 | before)) | 1u << IN_BLOCK;
  if (ends & 1) {
    if (!is_word(at.p, byte_before(s, o, at.to))) return at;
    ends &= ends - 1;
  }
  if (o->waits && (at.to = flush(s, o, at)) == NULL) return at;
  for (;;) {
    unsigned n = (unsigned) __builtin_ctz(ends);
    memcpy(at.to, &x, sizeof(x));
    while (n < IN_BLOCK && at.p[n] != '<' && is_word(at.p + n, (unsigned char) *(at.p + n - 1))) {
      ends &= ends - 1;
      n = (unsigned) __builtin_ctz(ends);
    }
    at.p += n;
    at.to += n;
    before = blanks >> (IN_BLOCK - 1);
    if (n < IN_BLOCK) {           /* several blanks are one */
      if (*at.p != ' ' || at.to[-1] != ' ') break;
      while (at.p <= s->last && *at.p == ' ') at.p++;
      before = 1;
    }
    if (at.p > s->last) break;
    x = in_block_at(at.p);
    blanks = in_hit_bits(in_hits_equal(x, ' '));
    ends = in_hit_bits(ends_words(x)) | (blanks & (blanks << 1 | before)) | 1u << IN_BLOCK;
  }
  if (at.to[-1] == ' ') {
    at.to--;
    o->waits |= IN_WAITS_SPACE;
  }
  return at;
}

/* ---- tags */

/* `<a href="`, the spelling of nearly all links */
static inline bool is_link(const char *p) {
  return memcmp(p + 1, "a href=\"", 8) == 0;
}

/*
** Such a link without other attributes: what in_reader_start does with it, but for
** the classes that it cannot have. Nothing is taken where it is another one.
*/
static pen_t take_link(short_t *s, pen_t at) {
  static const in_tag_t link = { IN_E_A, IN_H_FORMAT | IN_H_CLOSES, INTEROP_F_LINK, -1, NULL, 0, false, false, false };
  in_reader_t *r = s->r;
  const char *href = at.p + sizeof("<a href=\"") - 1, *quote;
  if (s->copy || ((r->vendors->tags.lengths['a' & 31] >> 1) & 1)) return at;
  quote = memchr(href, '"', (size_t) (s->end - href));
  if (quote == NULL || s->end - quote < 2 || quote[1] != '>') return at;
  r->tags += 4;
  in_feature_add(r->plain.features, link.feature);
  at.p = quote + 2;
  if (r->top[IN_E_A] > 0) {
    save(s, at.to);
    in_tree_close_others(r, &link);
    at.to = resume(s, at.p);
  }
  in_tree_push_bare(r, IN_E_A);
  in_link_open(r, in_span(href, (size_t) (quote - href)));
  return at;
}

/* the tag of any element; done: it is not for us */
static RARE pen_t take_other(short_t *s, pen_t at) {
  save(s, at.to);
  unsigned n = in_reader_short(s->r, at.p);
  s->done = n == 0 || s->r->skip_newline;
  at.p += n;
  if (s->done) s->last = at.p - 1;
  return (pen_t) { at.p, resume(s, at.p) };
}

/* the element whose name, of seven bytes at most, is at p, before a '>'; *n gets its length */
static inline unsigned take_name(const char *p, unsigned *n) {
  uint64_t key;
  if (p[1] == '>') {
    *n = 1;
    return letters[(unsigned char) *p];
  }
  *n = in_html_name(p, &key);
  unsigned id = in_html_slot(in_html_element_slots, key);
  return *n > 0 && in_html_element_keys[id] == key ? id : IN_E_UNKNOWN;
}

/*
** " <URL>" behind a link's text, as most links are shown; NULL: that is not so, or
** it takes more. What is written then does not count.
*/
static char *put_target(short_t *s, pen_t at) {
  in_plain_t *o = &s->r->plain;
  const in_span_t href = s->r->href;
  if (at.to == NULL || (o->waits & IN_WAITS_MARK) || href.n == 0 || (unsigned char) href.p[href.n - 1] <= ' ') return NULL;
  size_t n = (size_t) (at.to - o->out->p), text = n - o->mark;
  if (o->out->size - n < href.n + sizeof(" <>") + (size_t) (s->end - at.p) + SLACK) return NULL;
  char *to = at.to + 2;
  if (in_url_copy(href, s->r->html.end, &to) != href.p + href.n) return NULL;
  n = (size_t) (to - at.to) - 2;
  if (n <= text + 1 && text <= n + 1) return NULL;     /* they may be the same */
  at.to[0] = ' ';
  at.to[1] = '<';
  *to++ = '>';
  in_plain_saw(o, in_span(s->seen, (size_t) (at.to - s->seen)));
  s->seen = to;
  return to;
}

/* a link that is the innermost element, and shows like what is around it */
static pen_t take_link_end(short_t *s, pen_t at) {
  in_reader_t *r = s->r;
  if (!in_tree_is_top(r, IN_E_A)) return take_other(s, at);
  r->tags++;
  at.p += sizeof("</a>") - 1;
  char *to = r->in_link ? put_target(s, at) : NULL;
  if (to != NULL) {
    r->in_link = r->plain.no_links = false;
    in_tree_pop(r, IN_E_A);
    return (pen_t) { at.p, to };
  }
  save(s, at.to);
  in_link_close(r);
  in_tree_pop(r, IN_E_A);
  return (pen_t) { at.p, resume(s, at.p) };
}

static inline pen_t take_end(short_t *s, in_reader_t *r, pen_t at) {
  unsigned n, id = take_name(at.p + 2, &n), kind = r->vendors->care[id].kind;
  if (kind == LINK) return take_link_end(s, at);
  if ((kind != BARE && kind != BLOCK) || !in_tree_is_top(r, id)) return take_other(s, at);
  in_tree_pop(r, id);
  r->tags++;
  at.p += n + 3;
  return at;
}

static inline pen_t take_start(short_t *s, in_reader_t *r, pen_t at) {
  if (is_link(at.p)) {
    pen_t next = take_link(s, at);
    return next.p != at.p ? next : take_other(s, at);
  }
  unsigned n, id = take_name(at.p + 1, &n);
  const in_care_t c = r->vendors->care[id];
  if (c.kind == BARE) {
    in_tree_push_bare(r, id);
  } else if (c.kind == BLOCK && r->top[IN_E_P] == 0) {
    in_plain_break(&r->plain, c.lines);
    in_tree_push_block(r, id, c.lines);
  } else if (c.kind == BREAK) {
    in_plain_newline(&r->plain);
  } else {
    return take_other(s, at);
  }
  in_feature_add(r->plain.features, c.feature);
  r->tags++;
  at.p += n + 2;
  return at;
}

/* ---- all together */

/* from p, which is not behind last; `last` is before p where what comes is not for us */
static pen_t take_all(short_t *s, pen_t at) {
  in_reader_t *r = s->r;
  in_plain_t *o = &r->plain;
  do {
    if (*at.p != '<') {
      at = at.to != NULL ? take_words(s, o, at) : put_text(s, at);
      if (at.p > s->last) break;
      if (*at.p != '<') {
        at = put_other(s, at);
        continue;
      }
    }
    at = at.p[1] == '/' ? take_end(s, r, at) : take_start(s, r, at);
  } while (at.p <= s->last && r->tags <= IN_TAGS_MAX);
  return at;
}

/* the last bytes, where there is no room to look ahead: in a copy, with what is neither tag nor word behind */
static void take_last(short_t *s, pen_t *at) {
  char copy[2 * ROOM];
  size_t n = (size_t) (s->end - at->p);
  const char *from = at->p;
  memset(copy, '<', sizeof(copy));
  memcpy(copy, from, n);
  short_t last = { .r = s->r, .last = copy + n - 1, .end = copy + n, .text_end = copy, .seen = s->seen, .copy = true };
  *at = take_all(&last, (pen_t) { copy, at->to });
  at->p = from + (at->p - copy);
  s->seen = last.seen;
}

void in_short_take(in_reader_t *r) {
  in_html_t *h = &r->html;
  if (h->text.n > 0 || h->state != IN_HTML_DATA || h->foreign || r->top[IN_E_STYLE] > 0 || r->skip_newline) return;
  short_t s = { .r = r, .end = h->end, .text_end = h->p };
  pen_t at = { h->p, resume(&s, h->p) };
  r->token.attr_count = 0;
  if (h->end - at.p >= (ptrdiff_t) ROOM) {
    s.last = h->end - ROOM;
    at = take_all(&s, at);
  }
  if (h->end - at.p < (ptrdiff_t) ROOM && at.p < h->end && !s.done) take_last(&s, &at);
  h->p = at.p;
  save(&s, at.to);
}
