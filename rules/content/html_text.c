/*
** html_text.c -- HTML as a reader sees it: the loop over tokens.
**
** Owns what is shown of what was tokenised: hidden text, link targets, text of
** vendors' elements. Features are counted in hidden parts too: another client
** may show them.
*/
#include "../base/scan.h"
#include "html_reader.h"
#include "html_text.h"

void in_show_set(in_reader_t *r, unsigned show) {
  bool quoted = (show & IN_SHOW_QUOTE) && (r->c->flags & IN_TEXT_NO_QUOTES);
  r->show = show;
  in_plain_show(&r->plain, (show & (IN_SHOW_NONE | IN_SHOW_INVISIBLE)) || quoted, (show & IN_SHOW_PRE) != 0);
  r->html.foreign = (show & IN_SHOW_FOREIGN) != 0;
}

/* ---- links */

/* bytes of a URL that do not go out as they are, or are spelt in another way */
static inline in_hits_t hits_url(in_block_bytes_t x) {
  return in_hits_below(x, ' ' + 1) | in_hits_equal(x, 0x7f) | in_hits_equal(x, '<') | in_hits_equal(x, '>')
         | in_hits_equal(x, '&');
}

IN_SCANNER(plain_url, hits_url)

/* the others */
static const bool url_plain[256] = {
  ['!' ... '&' - 1] = true, ['&' + 1 ... '<' - 1] = true, ['='] = true, ['>' + 1 ... '~'] = true, [0x80 ... 0xff] = true
};

/* a byte of a URL, of which '&' is no reference any more; gives what it becomes */
static inline size_t url_byte(char *to, char c, bool first) {
  if (c == '<' || c == '>' || (c == ' ' && !first)) {
    memcpy(to, c == '<' ? "%3C" : c == '>' ? "%3E" : "%20", 3);
    return 3;
  }
  *to = c;
  return (unsigned char) c > ' ' && c != 0x7f;
}

/* the next piece of it, decoded */
static void put_url_piece(in_buf_t *out, size_t start, in_span_t *raw) {
  char scratch[IN_HTML_SCRATCH], bytes[3 * 64];
  in_span_t piece = in_html_piece(raw, IN_HTML_REFS | IN_HTML_IN_ATTR | IN_HTML_NUL, scratch);
  while (piece.n > 0) {
    size_t n = plain_url(piece.p, piece.n), k = 0;
    in_buf_put(out, in_span(piece.p, n));
    piece = in_span(piece.p + n, piece.n - n);
    for (n = 0; n < piece.n && n < 64; n++) k += url_byte(bytes + k, piece.p[n], out->n + k == start);
    in_buf_put(out, in_span(bytes, k));
    piece = in_span(piece.p + n, piece.n - n);
  }
}

const char *in_url_copy(in_span_t raw, const char *readable, char **to) {
  const char *p = raw.p, *end = p + raw.n;
  char *put = *to;
  for (;;) {
    ptrdiff_t at = IN_BLOCK;
    for (; readable - p >= (ptrdiff_t) IN_BLOCK && at == (ptrdiff_t) IN_BLOCK; p += at, put += at) {
      in_block_bytes_t x = in_block_at(p);
      at = (ptrdiff_t) in_first_hit(hits_url(x));
      memcpy(put, &x, sizeof(x));
      if (at > end - p) at = end - p;
    }
    while (p < end && url_plain[(unsigned char) *p]) *put++ = *p++;
    if (end - p < 5 || memcmp(p, "&amp;", 5) != 0) break;
    *put++ = '&';
    p += 5;
  }
  *to = put;
  return p;
}

static size_t put_plain_url(in_buf_t *out, in_span_t raw) {
  size_t n;
  if (out->limit == 0 && in_buf_reserve(out, raw.n)) {
    char *to = out->p + out->n;
    n = (size_t) (in_url_copy(raw, raw.p + raw.n, &to) - raw.p);
    out->n = (size_t) (to - out->p);
    return n;
  }
  n = plain_url(raw.p, raw.n);
  in_buf_put(out, in_span(raw.p, n));
  return n;
}

/* a URL on one line, without what would end it inside <...> */
static void put_url(in_buf_t *out, in_span_t raw) {
  size_t start = out->n;
  while (raw.n > 0 && (unsigned char) raw.p[raw.n - 1] <= ' ') raw.n--;
  while (raw.n > 0 && !out->failed) {
    size_t n = put_plain_url(out, raw);
    raw = in_span(raw.p + n, raw.n - n);
    if (raw.n > 0) put_url_piece(out, start, &raw);
  }
}

static in_span_t without_slash(in_span_t s) {
  return s.n > 0 && s.p[s.n - 1] == '/' ? in_span(s.p, s.n - 1) : s;
}

/* "text <url>"; the URL alone where the text is the URL, or is not there */
static void put_target(in_plain_t *o, in_span_t href) {
  in_buf_t *out = o->out;
  if (o->waits & IN_WAITS_MARK) {
    if (href.n == 0) return;
    in_plain_flush(o);
    if (out != NULL) put_url(out, href);
    return;
  }
  if (out == NULL) return;
  size_t text_end = out->n;
  in_buf_put(out, IN_SPAN(" <"));
  size_t url = out->n;
  put_url(out, href);
  if (out->failed) return;
  in_span_t text = in_span(out->p + o->mark, text_end - o->mark);
  in_span_t target = in_span(out->p + url, out->n - url);
  if (target.n == 0) {
    out->n = text_end;
  } else if (in_eq(without_slash(text), without_slash(target))) {
    memmove(out->p + o->mark, target.p, target.n);
    out->n = o->mark + target.n;
  } else {
    in_buf_byte(out, '>');
  }
}

void in_link_close(in_reader_t *r) {
  in_plain_t *o = &r->plain;
  if (!r->in_link) return;
  r->in_link = false;
  o->no_links = false;
  if (!o->hidden) put_target(o, r->href);
  o->waits &= ~IN_WAITS_MARK;
  o->shown.emoji = 0;
}

/* ---- tags */

static void put_value(in_reader_t *r, in_span_t raw, bool counted) {
  char scratch[IN_HTML_SCRATCH];
  r->plain.no_emoji = counted;
  while (raw.n > 0)
    in_plain_put(&r->plain, in_html_piece(&raw, IN_HTML_REFS | IN_HTML_IN_ATTR | IN_HTML_NUL, scratch));
  r->plain.no_emoji = false;
}

/* text that an attribute holds is shown in place of the content */
static bool show_vendor(in_reader_t *r, const in_tag_t *tag) {
  const in_span_t name = tag->vendor->text_attr;
  for (unsigned i = 0; name.n > 0 && i < r->token.attr_count; i++) {
    if (!in_eq_nocase(r->token.attr[i].name, name)) continue;
    if (!(tag->flags & IN_H_HIDDEN))
      put_value(r, r->token.attr[i].value,
                tag->feature == INTEROP_F_EMOJI || tag->feature == INTEROP_F_CUSTOM_EMOJI);
    return true;
  }
  return false;
}

/* how the standard's tree construction has the element's content read */
void in_reader_switch(in_reader_t *r, uint32_t flags) {
  if (flags & IN_H_RCDATA)
    in_html_switch(&r->html, IN_HTML_RCDATA, r->token.text);
  else if (flags & IN_H_RAWTEXT)
    in_html_switch(&r->html, IN_HTML_RAWTEXT, r->token.text);
  else if (flags & IN_H_SCRIPT)
    in_html_switch(&r->html, IN_HTML_SCRIPT, r->token.text);
  else if (flags & IN_H_REST)
    in_html_switch(&r->html, IN_HTML_PLAINTEXT, IN_NONE);
}

/*
** A paragraph, list item or the like where such a one is innermost: that one
** ends, and this takes its place on the stack as it is.
*/
static inline bool is_again(const in_reader_t *r, const in_tag_t *tag) {
  if (!(tag->flags & IN_H_AGAIN) || tag->styled || tag->hides || r->depth == 0) return false;
  const in_open_t *e = &r->open[r->depth - 1];
  return e->id == tag->id && r->top[tag->id] == r->depth && e->show == r->show
         && e->lines == in_tag_lines(tag);
}

/*
** false: the element is not open, for it is ignored or has no content. A tag
** with a vendor's row is r->tag itself.
*/
static bool open_element(in_reader_t *r, const in_tag_t *tag) {
  in_feature_add(r->c->features, tag->feature);
  if (in_tag_is_bare(tag)) {
    in_tree_push_bare(r, tag->id);
    return true;
  }
  if (is_again(r, tag)) {
    in_plain_break(&r->plain, in_tag_lines(tag));
    return true;
  }
  if (!in_tree_start(r, tag)) return false;
  if (tag->id == IN_E_BR) in_plain_newline(&r->plain);
  if ((tag->flags & IN_H_BLOCK) && !tag->hides) in_plain_break(&r->plain, in_tag_lines(tag));
  if (tag->vendor != NULL && show_vendor(r, tag)) r->tag.hides = true;
  if (tag->flags & IN_H_VOID) return false;
  in_tree_push(r, tag);
  return true;
}

/* elements that are written as if they had no content have none */
static bool is_closed(const in_reader_t *r, const in_tag_t *tag) {
  return r->token.self_closing
         && (r->html.foreign || tag->vendor != NULL || (tag->flags & IN_H_FOREIGN));
}

void in_reader_start(in_reader_t *r) {
  in_tag_t *tag = &r->tag;
  bool foreign = r->html.foreign;
  in_tag_read(r, tag);
  in_feature_add(r->c->features, tag->image);
  if (is_closed(r, tag)) tag->flags |= IN_H_VOID;
  if (!open_element(r, tag)) return;
  if (tag->id == IN_E_A && tag->feature == INTEROP_F_LINK) in_link_open(r, r->value[IN_A_HREF]);
  if (!foreign) in_reader_switch(r, tag->flags);
  r->skip_newline = tag->id == IN_E_PRE || tag->id == IN_E_LISTING || tag->id == IN_E_TEXTAREA;
}

static void end_element(in_reader_t *r, unsigned id, uint32_t flags) {
  if (id == IN_E_BR)
    in_plain_newline(&r->plain);
  else if (!(flags & IN_H_IGNORED))
    in_tree_end(r, id, flags);
}

void in_reader_end(in_reader_t *r) {
  uint32_t flags;
  unsigned id = in_tag_id(r, r->token.text, r->token.key, &flags);
  end_element(r, id, flags);
}

/* ---- text */

/* a style sheet can name images, import others and hide both from us */
static void read_sheet(in_reader_t *r, in_span_t s) {
  if (memchr(s.p, '(', s.n) != NULL || memchr(s.p, '@', s.n) != NULL || memchr(s.p, '\\', s.n) != NULL)
    in_feature_add(r->c->features, INTEROP_F_GIF);
}

static void text(in_reader_t *r, bool first) {
  in_span_t s = r->token.text;
  bool raw = r->html.state == IN_HTML_RAWTEXT || r->html.state == IN_HTML_SCRIPT;
  if (r->depth > 0 && r->open[r->depth - 1].id == IN_E_STYLE) read_sheet(r, s);
  if (raw && in_reader_hides(r)) return;
  if (first && s.n > 0 && *s.p == '\n') s = in_span(s.p + 1, s.n - 1);
  if (first && in_starts(s, IN_SPAN("\r\n"))) s = in_span(s.p + 2, s.n - 2);
  in_plain_put(&r->plain, s);
}

/* the input ends inside a tag: a server that puts it into a page may finish it */
static void count_cut(in_reader_t *r) {
  if (r->token.text.n > 0) {
    in_tag_read(r, &r->tag);
    in_feature_add(r->c->features, r->tag.feature);
    in_feature_add(r->c->features, r->tag.image);
  }
  in_feature_add(r->c->features, INTEROP_F_FORMATTING);
  if (r->token.endless) in_reader_give_up(r);
}

/* "[if mso]> ... <![endif]": some clients of mail and chat show what is in it */
static bool is_conditional(in_span_t comment) {
  comment = in_trim(comment);
  return in_starts_nocase(comment, IN_SPAN("[if")) || in_starts_nocase(comment, IN_SPAN("[endif"));
}

void in_reader_give_up(in_reader_t *r) {
  static const interop_feature_t any[] = {
    INTEROP_F_FORMATTING, INTEROP_F_LINK, INTEROP_F_IMAGE, INTEROP_F_GIF, INTEROP_F_FILE, INTEROP_F_CARD
  };
  for (size_t i = 0; i < in_countof(any); i++) in_feature_add(r->c->features, (int) any[i]);
  r->html.p = r->html.end;
  r->html.text.n = 0;
}

/* ---- the loop */

unsigned in_reader_short(in_reader_t *r, const char *p) {
  uint64_t key;
  bool end;
  unsigned n = in_html_short_tag(p, &key, &end);
  if (n == 0) return 0;
  const in_tag_t *tag = in_tag_short(r, key, n);
  if (tag == NULL) return 0;
  r->tags++;
  if (end)
    end_element(r, tag->id, tag->flags);
  else if (open_element(r, tag))
    r->skip_newline = tag->id == IN_E_PRE || tag->id == IN_E_LISTING;
  return n + 2 + end;
}

void in_reader_run(in_reader_t *r) {
  for (;;) {
    in_short_take(r);
    if (r->tags > IN_TAGS_MAX) in_reader_give_up(r);
    bool first = r->skip_newline;
    r->skip_newline = false;
    in_html_next(&r->html, &r->token);
    switch (r->token.kind) {
      case IN_HTML_TEXT: text(r, first); break;
      case IN_HTML_START:
        r->tags += r->token.attrs.n > 0 ? 4 : 1;
        in_reader_start(r);
        break;
      case IN_HTML_END:
        r->tags++;
        in_reader_end(r);
        break;
      case IN_HTML_COMMENT:
        r->tags++;
        if (r->token.cut || is_conditional(r->token.text)) in_feature_add(r->c->features, INTEROP_F_FORMATTING);
        break;
      case IN_HTML_DOCTYPE: r->tags++; break;
      case IN_HTML_EOF:
        if (r->token.cut) count_cut(r);
        return;
    }
  }
}

void in_reader_finish(in_reader_t *r) {
  in_tree_close(r, 0);
  in_plain_end(&r->plain);
}

void in_html_text(const in_content_t *c, in_span_t input) {
  in_reader_t r;
  in_reader_init(&r, c);
  in_html_init(&r.html, input, &r.vendors->attrs);
  in_reader_run(&r);
  in_reader_finish(&r);
  if (c->tags != NULL) *c->tags = r.tags;
}
