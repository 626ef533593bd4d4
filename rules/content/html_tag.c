/*
** html_tag.c -- what a tag is: which element, with which features.
**
** Owns classification. One pass over the attributes that were wanted; of
** repeated ones the first counts, as in browsers. What cannot be told is
** judged strictly: a tag with more attributes of interest than a token holds
** is a card, a URL too long to judge is a GIF.
*/
#include "html_reader.h"

static void want(in_html_wanted_t *w, in_span_t name) {
  if (name.n > 0) w->lengths[*name.p & 31] |= 1u << (name.n < 31 ? name.n : 31);
}

static bool wants(const in_html_wanted_t *w, in_span_t name) {
  return (w->lengths[*name.p & 31] >> (name.n < 31 ? name.n : 31)) & 1;
}

static void prepare(in_vendors_t *v, const in_element_t *rows, size_t count) {
  v->rows = rows;
  v->count = count;
  v->attrs = in_html_wanted_attrs;
  memset(&v->tags, 0, sizeof(v->tags));
  for (size_t i = 0; i < count; i++) {
    want(&v->tags, rows[i].tag);
    if (i < IN_VENDORS) v->key[i] = in_html_key(rows[i].tag);
    want(&v->attrs, rows[i].attr);
    want(&v->attrs, rows[i].text_attr);
  }
  in_short_care(v);
}

in_vendors_t *in_vendors_new(const in_element_t *rows, size_t count, const interop_alloc_t *alloc) {
  in_vendors_t *v = alloc->resize(alloc->ctx, NULL, 0, sizeof(*v));
  if (v != NULL) prepare(v, rows, count);
  return v;
}

void in_vendors_free(in_vendors_t *v, const interop_alloc_t *alloc) {
  if (v != NULL) alloc->resize(alloc->ctx, v, sizeof(*v), 0);
}

void in_reader_init(in_reader_t *r, const in_content_t *c) {
  r->c = c;
  in_plain_init(&r->plain, c->text, c->features, c->flags);
  r->vendors = c->vendors != NULL ? c->vendors : &r->own;
  if (c->vendors == NULL) prepare(&r->own, c->elements, c->element_count);
  r->depth = 0;
  r->tags = c->tags != NULL ? *c->tags : 0;
  memset(r->top, 0, sizeof(r->top));
  r->around = (in_around_t) { 0, 0 };
  r->show = 0;
  r->skip_newline = r->in_link = r->deep = false;
}

/* ---- which element */

static bool is_row(const in_reader_t *r, size_t i, in_span_t name, uint64_t key) {
  if (i < IN_VENDORS && r->vendors->key[i] != key) return false;
  return (i < IN_VENDORS && name.n < 8) || in_eq_nocase(r->vendors->rows[i].tag, name);
}

static unsigned vendor_id(const in_reader_t *r, in_span_t name, uint64_t key) {
  if (wants(&r->vendors->tags, name))
    for (size_t i = 0; i < r->vendors->count; i++)
      if (is_row(r, i, name, key)) return IN_VENDOR + (unsigned) (i < IN_VENDORS ? i : IN_VENDORS - 1);
  return 0;
}

static unsigned unknown_id(uint64_t key) {
  return IN_UNKNOWN + (unsigned) ((key * IN_INDEX_MULT) >> 32) % IN_UNKNOWNS;
}

unsigned in_tag_id(in_reader_t *r, in_span_t name, uint64_t key, uint32_t *flags) {
  in_element_id_t id = in_html_element(name, key);
  if (id == IN_E_IMAGE && r->top[IN_E_SVG] == 0) id = IN_E_IMG;
  *flags = in_html_elements[id].flags;
  if (id != IN_E_UNKNOWN) return (unsigned) id;
  unsigned vendor = vendor_id(r, name, key);
  return vendor > 0 ? vendor : unknown_id(key);
}

/* an attribute of the token by its name; the first of that name */
static bool find_attr(const in_html_token_t *t, in_span_t name, in_span_t *value) {
  for (unsigned i = 0; i < t->attr_count; i++) {
    if (!in_eq_nocase(t->attr[i].name, name)) continue;
    *value = t->attr[i].value;
    return true;
  }
  return false;
}

static bool row_matches(const in_reader_t *r, const in_element_t *e) {
  char buf[IN_VALUE_MAX];
  bool cut;
  in_span_t value;
  if (e->attr.n == 0) return true;
  if (!find_attr(&r->token, e->attr, &value)) return false;
  return e->value.n == 0 || in_contains(in_html_value(value, buf, &cut), e->value);
}

static const in_element_t *find_vendor(const in_reader_t *r) {
  if (!wants(&r->vendors->tags, r->token.text)) return NULL;
  for (size_t i = 0; i < r->vendors->count; i++)
    if (is_row(r, i, r->token.text, r->token.key) && row_matches(r, &r->vendors->rows[i]))
      return &r->vendors->rows[i];
  return NULL;
}

/* ---- attributes */

#define BIT(a)       (1u << (a))
#define HAS(tag, a)  (((tag)->seen >> IN_A_##a) & 1)

static void read_attrs(in_reader_t *r, in_tag_t *tag) {
  const in_html_token_t *t = &r->token;
  for (unsigned i = 0; i < t->attr_count; i++) {
    in_span_t name = t->attr[i].name;
    in_attr_id_t id = in_html_attr_id(name, t->attr[i].key);
    if (id == IN_A_NONE) {
      if (name.n > 4 && in_starts_nocase(name, IN_SPAN("on"))) tag->feature = INTEROP_F_CARD;
      continue;
    }
    if (tag->seen & BIT(id)) continue;
    tag->seen |= BIT(id);
    r->value[id] = t->attr[i].value;
    if (in_html_attr_role(id) == IN_AR_LOOKS && tag->feature < 0) tag->feature = INTEROP_F_FORMATTING;
  }
  if (t->too_many) tag->feature = INTEROP_F_CARD;
}

/* do these attributes of the element name images? */
static bool is_image_source(const in_tag_t *tag, int a) {
  if (in_html_attr_role((in_attr_id_t) a) == IN_AR_IMAGE) return true;
  if (a == IN_A_HREF) return (tag->flags & IN_H_IMAGE) != 0;
  return a == IN_A_SRC && ((tag->flags & IN_H_IMAGE) || (tag->feature != INTEROP_F_CARD
                                                         && tag->feature != INTEROP_F_FILE));
}

/* attributes that can name an image, of some element at least */
#define IMAGES  (BIT(IN_A_HREF) | BIT(IN_A_SRC) | BIT(IN_A_SRCSET) | BIT(IN_A_IMAGESRCSET) \
                 | BIT(IN_A_POSTER) | BIT(IN_A_BACKGROUND) | BIT(IN_A_LOWSRC) | BIT(IN_A_DYNSRC) \
                 | BIT(IN_A_DATA) | BIT(IN_A_XLINK_HREF) | BIT(IN_A_ICON) | BIT(IN_A_DATA_SRC) \
                 | BIT(IN_A_SOURCE))

static void read_images(const in_reader_t *r, in_tag_t *tag) {
  for (uint32_t left = tag->seen & IMAGES; left != 0; left &= left - 1) {
    int a = __builtin_ctz(left);
    if (!is_image_source(tag, a)) continue;
    int image = a == IN_A_SRCSET || a == IN_A_IMAGESRCSET ? in_html_images(r->c, r->value[a])
                                                          : in_html_image(r->c, r->value[a]);
    if (a == IN_A_SOURCE && image != INTEROP_F_GIF) continue;   /* no browser's: a vendor's own */
    tag->image = in_html_stricter(tag->image, image);
  }
}

static void read_style(in_reader_t *r, in_tag_t *tag) {
  in_style_t *style = &r->style;
  in_html_style(r->c, r->value[IN_A_STYLE], style);
  tag->styled = true;
  tag->image = in_html_stricter(tag->image, style->image);
  if (style->looks && tag->feature < 0) tag->feature = INTEROP_F_FORMATTING;
  if (style->display == IN_DISPLAY_NONE) tag->hides = true;
  if (style->display == IN_DISPLAY_BLOCK) tag->flags |= IN_H_BLOCK;
  if (style->display == IN_DISPLAY_INLINE) tag->flags &= ~(IN_H_BLOCK | IN_H_SPACED);
}

static void read_hiding(in_tag_t *tag) {
  if (HAS(tag, HIDDEN) || HAS(tag, POPOVER)) {
    tag->hides = true;
    if (tag->feature < 0) tag->feature = INTEROP_F_FORMATTING;
  }
  if (tag->id == IN_E_DIALOG && !HAS(tag, OPEN)) tag->hides = true;
}

static void read_special(const in_reader_t *r, in_tag_t *tag) {
  char buf[IN_VALUE_MAX];
  bool cut;
  in_span_t v;
  if (tag->id == IN_E_A && HAS(tag, HREF) && tag->feature == INTEROP_F_FORMATTING) {
    tag->feature = INTEROP_F_LINK;
  } else if (tag->id == IN_E_META && HAS(tag, HTTP_EQUIV)) {
    v = in_html_value(r->value[IN_A_HTTP_EQUIV], buf, &cut);
    tag->feature = in_eq_nocase(in_trim(v), IN_SPAN("content-type")) ? INTEROP_F_FORMATTING
                                                                     : INTEROP_F_CARD;
  } else if (tag->id == IN_E_IMG && tag->image < 0) {
    tag->image = INTEROP_F_IMAGE;
  }
}

/* a vendor's row says what the element is: an <img> may so be something else, unless
** it moves; an image that any other element shows still counts */
static void apply_vendor(in_tag_t *tag) {
  const in_element_t *e = tag->vendor;
  if (tag->feature != INTEROP_F_CARD) tag->feature = e->feature;
  if (e->flags & IN_EL_NONE) tag->feature = -1;
  if (e->feature == INTEROP_F_GIF || (tag->id == IN_E_IMG && tag->image != INTEROP_F_GIF)) tag->image = -1;
  if (e->flags & IN_EL_HIDDEN) tag->flags |= IN_H_HIDDEN;
  if (e->flags & IN_EL_BLOCK) tag->flags |= IN_H_BLOCK;
  if (e->flags & IN_EL_PRE) tag->flags |= IN_H_PRE;
}

/* tags without attributes, ready made */
#define NONE  IN_F_NO_FEATURE
#define F(x)  INTEROP_F_##x
static const in_tag_t short_tags[IN_E_COUNT] = {
  { 0, IN_H_SLOW, 0, 0, NULL, 0, false, false, false },
#define X(name, tag, feature, flags)  \
  { IN_E_##name, flags, feature, -1, NULL, 0, false, (feature) == INTEROP_F_QUOTE, \
    ((flags) & IN_H_HIDDEN) != 0 },
  IN_ELEMENTS(X)
#undef X
};
#undef NONE
#undef F

static void set_plain(in_tag_t *tag, unsigned id, uint32_t flags, int feature) {
  *tag = (in_tag_t) { .id = id, .flags = flags, .feature = feature, .image = -1 };
}

static bool is_known(uint64_t key) {
  return in_html_element_keys[in_html_slot(in_html_element_slots, key)] == key;
}

/* the first row of the tag names it, the first without an attribute applies */
static const in_tag_t *short_vendor(in_reader_t *r, uint64_t key, size_t row) {
  set_plain(&r->tag, IN_VENDOR + (unsigned) row, 0, INTEROP_F_FORMATTING);
  for (; row < r->vendors->count; row++) {
    if (r->vendors->key[row] != key || r->vendors->rows[row].attr.n > 0) continue;
    r->tag.vendor = &r->vendors->rows[row];
    apply_vendor(&r->tag);
    r->tag.hides = (r->tag.flags & IN_H_HIDDEN) != 0;
    r->tag.quote = r->tag.feature == INTEROP_F_QUOTE;
    break;
  }
  return &r->tag;
}

static bool is_name(uint64_t key, unsigned n) {
  for (key -= n; key != 0; key >>= 8) {
    unsigned c = key & 0xff;
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  }
  return true;
}

const in_tag_t *in_tag_short(in_reader_t *r, uint64_t key, unsigned n) {
  unsigned slot = in_html_slot(in_html_element_slots, key);
  if ((r->vendors->tags.lengths[(key - n) & 31] >> n) & 1) {
    if (r->vendors->count > IN_VENDORS) return NULL;
    for (size_t i = 0; i < r->vendors->count; i++)
      if (r->vendors->key[i] == key) return is_known(key) ? NULL : short_vendor(r, key, i);
  }
  if (in_html_element_keys[slot] == key) {
    const in_tag_t *tag = &short_tags[slot];
    return (tag->flags & IN_H_SLOW) || slot == IN_E_DIALOG ? NULL : tag;
  }
  unsigned first = (key - n) & 0xff;
  if (first < 'a' || first > 'z' || !is_name(key, n)) return NULL;
  set_plain(&r->tag, unknown_id(key), 0, INTEROP_F_FORMATTING);
  return &r->tag;
}

void in_tag_read(in_reader_t *r, in_tag_t *tag) {
  const in_html_token_t *t = &r->token;
  tag->id = in_tag_id(r, t->text, t->key, &tag->flags);
  tag->feature = tag->id < IN_E_COUNT ? in_html_elements[tag->id].feature
                                      : INTEROP_F_FORMATTING;
  tag->vendor = NULL;
  tag->image = -1;
  tag->seen = 0;
  tag->styled = false;
  tag->hides = (tag->flags & IN_H_HIDDEN) != 0;
  if (t->attr_count > 0) {
    read_attrs(r, tag);
    if (tag->seen != 0) {
      read_images(r, tag);
      if (HAS(tag, STYLE)) read_style(r, tag);
    }
  }
  read_hiding(tag);
  read_special(r, tag);
  tag->vendor = find_vendor(r);
  if (tag->vendor != NULL) apply_vendor(tag);
  tag->hides = tag->hides || (tag->flags & IN_H_HIDDEN);
  tag->quote = tag->feature == INTEROP_F_QUOTE;
}
