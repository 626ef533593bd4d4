/*
** strip.c -- HTML without some features, the rest as it is spelt.
**
** Owns the verdict strip: tags that carry a removed feature go, their text
** stays; an image or file becomes a link to its target where that is an
** absolute http or https URL. What is not shown goes too: comments, and the
** content of removed elements that hide it. Links and emoji that are text stay.
** Past IN_TAGS_MAX and IN_HTML_ATTRS_MAX nothing is kept. The result, read again, has none of the removed features' elements.
*/
#include "html_reader.h"

typedef struct {
  in_reader_t reader;
  in_buf_t *out;
  uint32_t remove;
  unsigned inside;                /* depth of a dropped element whose content goes; 0 = none */
  bool keep_images;               /* ... but for links to images in it */
  bool raw_dropped;               /* the raw text that comes belongs to a dropped tag */
} strip_t;

#define HAS(set, feature)  ((feature) >= 0 && (((set) >> (feature)) & 1))

static void put_escaped(in_buf_t *out, in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    switch (s.p[i]) {
      case '&': in_buf_put(out, IN_SPAN("&amp;")); break;
      case '<': in_buf_put(out, IN_SPAN("&lt;")); break;
      case '>': in_buf_put(out, IN_SPAN("&gt;")); break;
      case '"': in_buf_put(out, IN_SPAN("&quot;")); break;
      default: in_buf_byte(out, s.p[i]); break;
    }
  }
}

static void put_decoded(in_buf_t *out, in_span_t raw) {
  char scratch[IN_HTML_SCRATCH];
  while (raw.n > 0)
    put_escaped(out, in_html_piece(&raw, IN_HTML_REFS | IN_HTML_IN_ATTR | IN_HTML_NUL, scratch));
}

static in_span_t link_target(const in_reader_t *r, const in_tag_t *tag) {
  static const in_attr_id_t sources[] = { IN_A_SRC, IN_A_DATA, IN_A_HREF, IN_A_POSTER };
  char buf[IN_VALUE_MAX];
  bool cut;
  for (size_t i = 0; i < in_countof(sources); i++) {
    if (!((tag->seen >> sources[i]) & 1)) continue;
    in_span_t url = in_html_value(r->value[sources[i]], buf, &cut);
    while (url.n > 0 && (unsigned char) *url.p <= ' ') url = in_span(url.p + 1, url.n - 1);
    if (in_starts_nocase(url, IN_SPAN("https://")) || in_starts_nocase(url, IN_SPAN("http://")))
      return r->value[sources[i]];
  }
  return IN_NONE;
}

static void put_link(strip_t *s, const in_tag_t *tag) {
  in_span_t target = link_target(&s->reader, tag);
  bool alt = ((tag->seen >> IN_A_ALT) & 1) && s->reader.value[IN_A_ALT].n > 0;
  bool open = s->reader.top[IN_E_A] > 0;
  if (target.p == NULL) return;
  if (HAS(s->remove, INTEROP_F_LINK) || open) {
    in_buf_byte(s->out, ' ');
    put_decoded(s->out, target);
    return;
  }
  in_buf_put(s->out, IN_SPAN("<a href=\""));
  put_decoded(s->out, target);
  in_buf_put(s->out, IN_SPAN("\">"));
  put_decoded(s->out, alt ? s->reader.value[IN_A_ALT] : target);
  in_buf_put(s->out, IN_SPAN("</a>"));
}

static bool is_media(int feature) {
  return feature == INTEROP_F_IMAGE || feature == INTEROP_F_GIF || feature == INTEROP_F_FILE
         || feature == INTEROP_F_HOSTED_CONTENT || feature == INTEROP_F_CARD;
}

/* the text that a vendor's element keeps in an attribute */
static void put_vendor_text(strip_t *s, const in_tag_t *tag) {
  const in_html_token_t *t = &s->reader.token;
  if (tag->vendor == NULL || tag->vendor->text_attr.n == 0) return;
  for (unsigned i = 0; i < t->attr_count; i++) {
    if (!in_eq_nocase(t->attr[i].name, tag->vendor->text_attr)) continue;
    put_decoded(s->out, t->attr[i].value);
    return;
  }
}

/* an element that is more than its attributes may stay, without these */
static void put_bare(strip_t *s, const in_tag_t *tag, bool element_stays) {
  if (!element_stays || (tag->flags & IN_H_IMAGE)) return;
  in_buf_byte(s->out, '<');
  in_buf_put(s->out, s->reader.token.text);
  in_buf_byte(s->out, '>');
}

/* gives whether the start tag is gone */
static bool start_tag(strip_t *s, const in_tag_t *tag) {
  bool feature = HAS(s->remove, tag->feature), image = HAS(s->remove, tag->image);
  int own = tag->id < IN_E_COUNT ? in_html_elements[tag->id].feature : INTEROP_F_FORMATTING;
  if (tag->vendor != NULL) own = tag->vendor->feature;
  if (!feature && !image) {
    if (s->inside == 0) in_buf_put(s->out, s->reader.token.raw);
    return s->inside != 0;
  }
  if (feature) in_feature_add(s->reader.c->features, tag->feature);
  if (image) in_feature_add(s->reader.c->features, tag->image);
  if (s->inside != 0 && !(s->keep_images && is_media(feature ? tag->feature : tag->image))) return true;
  if ((image && (tag->flags & IN_H_IMAGE)) || (feature && is_media(tag->feature))) put_link(s, tag);
  if (s->inside != 0) return true;
  if (feature) put_vendor_text(s, tag);
  bool stays = !HAS(s->remove, own) && !(tag->flags & IN_H_IMAGE) && tag->id != IN_E_STYLE;
  put_bare(s, tag, stays);
  return !stays;
}

static void on_start(strip_t *s) {
  in_reader_t *r = &s->reader;
  in_tag_t *tag = &r->tag;
  unsigned depth;
  in_tag_read(r, tag);
  if (tag->id == IN_E_STYLE) tag->image = INTEROP_F_GIF;   /* it may name any */
  bool foreign = r->html.foreign;
  bool dropped = start_tag(s, tag);
  if (!in_tree_start(r, tag) || (tag->flags & IN_H_VOID)) return;
  if (r->token.self_closing && (foreign || tag->vendor != NULL || (tag->flags & IN_H_FOREIGN))) return;
  depth = r->depth;
  in_tree_push(r, tag);
  if (r->depth > depth) r->open[depth].dropped = dropped;
  bool hides = (tag->flags & (IN_H_HIDDEN | IN_H_FOREIGN)) || tag->hides
               || (tag->vendor != NULL && tag->vendor->text_attr.n > 0);
  if (dropped && hides && s->inside == 0 && r->depth > depth) {
    s->inside = r->depth;
    s->keep_images = tag->vendor != NULL;
  }
  s->raw_dropped = dropped;
  if (!foreign) in_reader_switch(r, tag->flags);
}

static void on_end(strip_t *s) {
  in_reader_t *r = &s->reader;
  uint32_t flags;
  unsigned id = in_tag_id(r, r->token.text, r->token.key, &flags);
  unsigned at = r->top[id];
  bool keep = s->inside == 0 && (at == 0 || !r->open[at - 1].dropped);
  if (flags & IN_H_IGNORED) return;
  in_tree_end(r, id, flags);
  if (s->inside > r->depth) {
    s->inside = 0;
    keep = false;
  }
  if (keep) in_buf_put(s->out, r->token.raw);
}

/*
** A '<' that is text is escaped: a tag that was removed behind it must not make
** a tag of it and what follows.
*/
static void on_text(strip_t *s) {
  in_span_t raw = s->reader.token.raw;
  in_html_state_t state = s->reader.html.state;
  if (s->inside != 0) return;
  if (state != IN_HTML_DATA && state != IN_HTML_CDATA) {
    if (!s->raw_dropped) in_buf_put(s->out, raw);
    return;
  }
  while (raw.n > 0) {
    const char *lt = memchr(raw.p, '<', raw.n);
    size_t n = lt == NULL ? raw.n : (size_t) (lt - raw.p);
    in_buf_put(s->out, in_span(raw.p, n));
    if (lt != NULL) {
      in_buf_put(s->out, IN_SPAN("&lt;"));
      n++;
    }
    raw = in_span(raw.p + n, raw.n - n);
  }
}

/* implied end tags may have closed what hid its content */
static void settle(strip_t *s) {
  if (s->inside > s->reader.depth) s->inside = 0;
}

interop_status_t in_content_strip(const in_content_t *c, in_span_t input, uint32_t remove,
                                  in_buf_t *out) {
  in_content_t quiet = *c;
  strip_t s;
  quiet.text = NULL;
  in_reader_init(&s.reader, &quiet);
  in_html_init(&s.reader.html, input, &s.reader.vendors->attrs);
  s.out = out;
  s.remove = remove;
  s.inside = 0;
  s.keep_images = s.raw_dropped = false;
  do {
    if (s.reader.tags > IN_TAGS_MAX) in_reader_give_up(&s.reader);
    in_html_next(&s.reader.html, &s.reader.token);
    if (s.reader.token.kind != IN_HTML_TEXT) s.reader.tags += s.reader.token.attrs.n > 0 ? 4 : 1;
    switch (s.reader.token.kind) {
      case IN_HTML_TEXT: on_text(&s); break;
      case IN_HTML_START: on_start(&s); break;
      case IN_HTML_END: on_end(&s); break;
      default: break;
    }
    settle(&s);
  } while (s.reader.token.kind != IN_HTML_EOF);
  if (s.reader.token.endless) in_reader_give_up(&s.reader);
  return out->failed ? INTEROP_NOMEM : INTEROP_OK;
}
