/*
** parts.c -- what a message carries: features of its content, of the texts
** beside it and of the things that go with it.
**
** Owns the step from members to features. Invariant: nothing that is declared
** as content, text, part or card goes uncounted; what no row names counts as
** the strictest that its list knows.
*/
#include "body.h"

#define MOST_PARTS   4096u        /* far over what any service takes; more would only cost time */
#define MOST_IMAGES  32u          /* parts that an <img> is looked up among; more: it may move */

in_features_t in_features_sum(in_features_t a, in_features_t b) {
  for (int i = 0; i < INTEROP_FEATURE_COUNT; i++)
    a.count[i] = a.count[i] > UINT32_MAX - b.count[i] ? UINT32_MAX : a.count[i] + b.count[i];
  return a;
}

interop_kind_t in_features_kind(const in_features_t *f) {
  static const interop_kind_t least[] = {
#define IN_X(name, text, kind) INTEROP_K_##kind,
    INTEROP_FEATURES(IN_X)
#undef IN_X
  };
  interop_kind_t kind = INTEROP_K_TEXT;
  for (uint32_t set = in_features_set(f); set != 0; set &= set - 1)
    if (least[__builtin_ctz(set)] > kind) kind = least[__builtin_ctz(set)];
  return kind;
}

/* ---- parts */

static in_span_t media_of(in_span_t type) {
  const char *end = type.n > 0 ? memchr(type.p, ';', type.n) : NULL;
  if (end != NULL) type.n = (size_t) (end - type.p);
  while (type.n > 0 && (unsigned char) type.p[0] <= ' ') type = in_span(type.p + 1, type.n - 1);
  while (type.n > 0 && (unsigned char) type.p[type.n - 1] <= ' ') type.n--;
  return type;
}

static in_span_t string_at(const in_body_t *b, yyjson_val *v, in_run_t pointer) {
  if (pointer.count == 0) return IN_NONE;
  v = in_json_follow(v, b->img, pointer, b->nocase);
  return yyjson_is_str(v) ? in_json_str(v) : IN_NONE;
}

uint32_t in_body_part(const in_body_t *b, const in_ai_member_t *m, yyjson_val *element) {
  if (m->choices.count == 0) return m->feature != IN_NIL ? m->feature : INTEROP_F_FILE;
  const in_ai_choice_t *c = in_body_choice(b, m->choices, media_of(string_at(b, element, m->by)));
  if (c == NULL || c->means == IN_NIL) return INTEROP_F_CARD;
  if (c->means != INTEROP_F_IMAGE && c->means != INTEROP_F_HOSTED_CONTENT && c->means != INTEROP_F_FILE) return c->means;
  in_span_t url = string_at(b, element, m->url), bytes = string_at(b, element, m->bytes);
  bool gif = (url.p != NULL && in_media_gif_url(b->img, b->api, url))
             || (bytes.p != NULL && in_media_gif_bytes(bytes));
  return gif ? INTEROP_F_GIF : c->means;
}

/* ---- images in the content that are parts of the message */

static in_span_t image_id(const in_body_t *b, in_span_t src) {
  in_span_t prefix = in_body_str(b, b->shape->image_prefix), suffix = in_body_str(b, b->shape->image_suffix);
  if (src.n <= prefix.n + suffix.n || !in_starts_nocase(src, prefix)) return IN_NONE;
  if (!in_eq_nocase(in_span(src.p + src.n - suffix.n, suffix.n), suffix)) return IN_NONE;
  return in_span(src.p + prefix.n, src.n - prefix.n - suffix.n);
}

/* parts by their ids, gathered when the first image asks */
static bool gather_shown(in_body_t *b) {
  yyjson_val *list = in_body_value(b, b->shape->images), *e;
  size_t i, n;
  b->shown = in_arena_array(b->arena, MOST_IMAGES, sizeof(*b->shown));
  if (b->shown == NULL) return false;
  if (!yyjson_is_arr(list)) return true;
  yyjson_arr_foreach(list, i, n, e) {
    if (i == MOST_IMAGES) {
      b->shown_count = IN_NIL;    /* too many to tell */
      return true;
    }
    b->shown[i].id = string_at(b, e, b->shape->image_id);
    b->shown[i].feature = in_body_part(b, &b->node[b->shape->images], e);
    b->shown_count++;
  }
  return true;
}

static int shown_image(in_body_t *b, in_span_t id) {
  if (b->shown == NULL && !gather_shown(b)) return INTEROP_F_GIF;
  if (b->shown_count == IN_NIL) return INTEROP_F_GIF;
  for (uint32_t i = 0; i < b->shown_count; i++)
    if (in_eq(b->shown[i].id, id)) return (int) b->shown[i].feature;
  return INTEROP_F_IMAGE;
}

static int classify_image(void *ctx, in_span_t src) {
  in_body_t *b = ctx;
  src = in_trim(src);
  if (b->is_json && b->shape->images != IN_NIL) {
    in_span_t id = image_id(b, src);
    if (id.p != NULL) return shown_image(b, id);
  }
  return in_media_gif_url(b->img, b->api, src) ? INTEROP_F_GIF : INTEROP_F_IMAGE;
}

/* ---- content */

static bool make_elements(in_body_t *b) {
  uint32_t n = b->api->elements.count;
  if (b->elements != NULL || n == 0) return true;
  b->elements = in_arena_array(b->arena, n, sizeof(*b->elements));
  if (b->elements == NULL) return false;
  for (uint32_t i = 0; i < n; i++) in_ready_element(b->img, b->api->elements.first + i, &b->elements[i]);
  return true;
}

static bool set_up(in_body_t *b, in_format_t format, in_content_t *c) {
  memset(c, 0, sizeof(*c));
  c->format = format;
  if (format == IN_FORMAT_TEXT) return true;
  if (b->img->ready != NULL) {
    c->vendors = b->img->ready->vendors[b->op->api];
  } else {
    if (!make_elements(b)) return false;
    c->elements = b->elements;
    c->element_count = b->api->elements.count;
  }
  c->image = classify_image;
  c->image_ctx = b;
  return true;
}

bool in_body_reduced(const in_body_t *b, in_span_t text, unsigned flags, in_span_t *reduced, in_features_t *found) {
  if (flags != 0 || b->reduced.p == NULL || text.p != b->content.p || text.n != b->content.n) return false;
  *found = b->reduced_features;
  *reduced = b->reduced;
  return true;
}

interop_status_t in_body_reduce(in_body_t *b, in_span_t text, in_format_t format, unsigned flags,
                                in_buf_t *out, in_features_t *features) {
  in_content_t c;
  in_span_t reduced;
  in_features_t found;
  if (out != NULL && in_body_reduced(b, text, flags, &reduced, &found)) {
    *features = in_features_sum(*features, found);
    in_buf_put(out, reduced);
    return out->failed ? INTEROP_NOMEM : INTEROP_OK;
  }
  if (!set_up(b, format, &c)) return INTEROP_NOMEM;
  c.flags = flags;
  c.text = out;
  c.features = features;
  c.tags = b->tags;
  return in_content_read(&c, text);
}

interop_status_t in_body_strip(in_body_t *b, in_span_t text, uint32_t remove, in_buf_t *out,
                               in_features_t *removed) {
  in_content_t c;
  if (!set_up(b, IN_FORMAT_HTML, &c)) return INTEROP_NOMEM;
  c.features = removed;
  return in_content_strip(&c, text, remove, out);
}

/* '<' and a letter, or a character reference */
in_format_t in_body_text_format(in_span_t text) {
  for (size_t i = 0; i + 1 < text.n; i++) {
    char c = text.p[i], d = in_lower(text.p[i + 1]);
    bool letter = d >= 'a' && d <= 'z';
    if (c == '<' && (letter || d == '/' || d == '!' || d == '?')) return IN_FORMAT_HTML;
    if (c == '&' && (letter || d == '#')
        && memchr(text.p + i, ';', text.n - i < 40 ? text.n - i : 40) != NULL) return IN_FORMAT_HTML;
  }
  return IN_FORMAT_TEXT;
}

/* ---- all of a body */

static void count(in_features_t *f, uint32_t feature) {
  if (feature != IN_NIL && f->count[feature] < UINT32_MAX) f->count[feature]++;
}

static bool count_parts(in_body_t *b, uint32_t node, in_features_t *f) {
  yyjson_val *list = in_body_value(b, node), *e;
  size_t i, n;
  if (list == NULL) return true;
  if (!yyjson_is_arr(list)) return in_body_wrong(b, IN_SPAN("a list is wanted"));
  if (yyjson_arr_size(list) > MOST_PARTS) return in_body_wrong(b, IN_SPAN("too many parts"));
  yyjson_arr_foreach(list, i, n, e) {
    if (!yyjson_is_obj(e)) return in_body_wrong(b, IN_SPAN("a list of objects is wanted"));
    count(f, in_body_part(b, &b->node[node], e));
  }
  return true;
}

static bool count_card(in_body_t *b, uint32_t node, in_event_t *ev) {
  yyjson_val *v = in_body_value(b, node);
  const in_ai_member_t *m = &b->node[node];
  if (v == NULL) return true;
  if (!yyjson_is_str(v)) return in_body_wrong(b, IN_SPAN("the name of a card must be a string"));
  const in_ai_choice_t *c = m->choices.count > 0 ? in_body_choice(b, m->choices, in_json_str(v)) : NULL;
  count(&ev->features, c != NULL && c->means != IN_NIL ? c->means
                       : m->feature != IN_NIL ? m->feature : (uint32_t) INTEROP_F_CARD);
  ev->card = in_json_str(v);
  return true;
}

static bool count_inert(in_body_t *b, uint32_t node, in_features_t *f) {
  yyjson_val *v = in_body_value(b, node);
  in_span_t s = in_body_scalar(v);
  if (s.p == NULL || b->node[node].choices.count == 0) return true;
  const in_ai_choice_t *c = in_body_choice(b, b->node[node].choices, s);
  if (c != NULL) count(f, c->means);
  return true;
}

static interop_status_t count_text(in_body_t *b, uint32_t node, in_features_t *f) {
  yyjson_val *v = in_body_value(b, node);
  if (v == NULL) return INTEROP_OK;
  if (!yyjson_is_str(v)) {
    in_body_wrong(b, IN_SPAN("a text must be a string"));
    return INTEROP_OK;
  }
  in_span_t s = in_json_str(v);
  return in_body_reduce(b, s, in_body_text_format(s), 0, NULL, f);
}

/* what counts as a message: a content, or something that goes with one; a further text
   does where a reader has asked for that alone */
static bool is_carrier(const in_body_t *b, uint32_t role) {
  return role == IN_ROLE_CONTENT || role == IN_ROLE_PARTS || role == IN_ROLE_PART || role == IN_ROLE_CARD
         || (role == IN_ROLE_TEXT && b->answers);
}

/* one pass over markup classifies it and keeps its text for whoever writes it later */
static interop_status_t count_content(in_body_t *b, in_event_t *ev) {
  interop_alloc_t alloc = in_arena_alloc(b->arena);
  bool markup = b->format != IN_FORMAT_TEXT;
  in_buf_t out;
  in_buf_init(&out, &alloc);
  if (markup) in_buf_reserve(&out, b->content.n + 64);   /* it is written in blocks */
  interop_status_t rc = in_body_reduce(b, b->content, b->format, 0, markup ? &out : NULL, &ev->features);
  if (rc != INTEROP_OK) return rc;
  if (out.failed) return INTEROP_NOMEM;
  b->reduced_features = ev->features;
  if (markup) b->reduced = out.n > 0 ? in_buf_span(&out) : IN_SPAN("");
  return INTEROP_OK;
}

interop_status_t in_body_features(in_body_t *b, in_event_t *ev) {
  if (b->has_text) {
    interop_status_t rc = count_content(b, ev);
    if (rc != INTEROP_OK) return rc;
    ev->has_content = true;
  }
  in_nodes_each(&b->carried, i) {
    const in_ai_member_t *m = &b->node[i];
    if (in_body_value(b, i) == NULL) continue;
    switch (m->role) {
      case IN_ROLE_PARTS: count_parts(b, i, &ev->features); break;
      case IN_ROLE_PART: count(&ev->features, m->feature); break;
      case IN_ROLE_CARD: count_card(b, i, ev); break;
      case IN_ROLE_INERT: count_inert(b, i, &ev->features); break;
      case IN_ROLE_TEXT:
        if (count_text(b, i, &ev->features) != INTEROP_OK) return INTEROP_NOMEM;
        break;
      default: break;
    }
    if (is_carrier(b, m->role)) ev->has_content = true;
  }
  ev->kind = ev->has_content ? in_features_kind(&ev->features) : INTEROP_K_OTHER;
  return INTEROP_OK;
}
