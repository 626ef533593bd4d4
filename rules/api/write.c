/*
** write.c -- an event in another form: plain text, placeholder, reply, stripped.
**
** Owns what becomes of each member under each verdict. Everything goes out of
** the values that read.c saw. Invariants: what no definition names does not
** leave in a rewritten message; inert members, their order and the spelling of
** numbers stay; changed is false if nothing had to change.
*/
#include "../content/chars.h"
#include "template.h"

typedef struct {
  in_body_t *b;
  const in_event_t *ev;
  interop_verdict_t verdict;
  in_span_t text;                 /* of a placeholder */
  uint32_t strip;
  unsigned flags;
  in_arena_t *arena;
  interop_alloc_t alloc;
  in_edits_t edits;
  in_features_t lost;
  bool impossible;                /* this message has no such form */
  bool failed;
} writer_t;

static void lose(writer_t *w, uint32_t feature, uint32_t count) {
  uint32_t *c = feature == IN_NIL ? NULL : &w->lost.count[feature];
  if (c != NULL) *c = *c > UINT32_MAX - count ? UINT32_MAX : *c + count;
}

/* ---- texts */

/* what plain text cannot say: all features but characters that stay as they are */
static void lose_by_text(writer_t *w, const in_features_t *f, in_format_t format, bool changed) {
  bool ascii = (w->flags & IN_TEXT_ASCII_EMOJI) != 0;
  for (uint32_t set = in_features_set(f); set != 0; set &= set - 1) {
    uint32_t i = (uint32_t) __builtin_ctz(set);
    bool emoji = i == INTEROP_F_EMOJI;
    if (emoji ? ascii && changed : format != IN_FORMAT_TEXT) lose(w, i, f->count[i]);
  }
}

/* false: no memory */
static bool reduce(writer_t *w, in_span_t s, in_format_t format, in_span_t *text) {
  in_buf_t out;
  in_features_t f;
  memset(&f, 0, sizeof(f));
  if (!in_body_reduced(w->b, s, w->flags, text, &f)) {
    in_buf_init(&out, &w->alloc);
    if (in_body_reduce(w->b, s, format, w->flags, &out, &f) != INTEROP_OK || out.failed) {
      w->failed = true;
      return false;
    }
    *text = out.n == 0 ? IN_SPAN("") : in_buf_span(&out);
  }
  lose_by_text(w, &f, format, !in_eq(*text, s));
  return true;
}

/* HTML without the features to be stripped; *changed: some were there */
static bool strip_html(writer_t *w, in_span_t s, in_span_t *text, bool *changed) {
  in_buf_t out;
  in_features_t f;
  memset(&f, 0, sizeof(f));
  in_buf_init(&out, &w->alloc);
  if (in_body_strip(w->b, s, w->strip, &out, &f) != INTEROP_OK || out.failed) {
    w->failed = true;
    return false;
  }
  *text = out.n == 0 ? IN_SPAN("") : in_buf_span(&out);
  *changed = false;
  for (uint32_t i = 0; i < INTEROP_FEATURE_COUNT; i++) {
    lose(w, i, f.count[i]);
    *changed |= f.count[i] > 0;
  }
  return true;
}

/* ---- content and its format */

/* the word for plain text in this API; absent: it has none */
static in_span_t plain_word(const in_body_t *b) {
  for (uint32_t i = 0; i < b->shape->formats.count; i++) {
    const in_ai_choice_t *c = in_records_choice(b->img, b->shape->formats.first + i);
    if (c->means == IN_FORMAT_TEXT) return in_body_str(b, c->value);
  }
  return IN_NONE;
}

yyjson_val *in_body_parent(const in_body_t *b, uint32_t node) {
  for (uint32_t i = 0; i < b->shape->nodes; i++) {
    uint32_t first = b->node[i].children.first - b->shape->root;
    if (node >= first && node < first + b->node[i].children.count)
      return yyjson_is_obj(b->bound[i]) ? b->bound[i] : NULL;
  }
  return NULL;
}

/* sets a member, or adds it to its object */
static void put_member(writer_t *w, uint32_t node, in_span_t text) {
  in_body_t *b = w->b;
  yyjson_val *v = b->bound[node];
  if (v != NULL) {
    if (!yyjson_is_str(v) || !in_eq(in_json_str(v), text)) in_edits_set(&w->edits, v, text);
    return;
  }
  yyjson_val *obj = in_body_parent(b, node);
  if (obj == NULL) w->impossible = true;
  else in_edits_add(&w->edits, obj, in_body_str(b, b->node[node].name), text, false);
}

/* is this value of the format's member a word for plain text already? */
static bool says_text(const in_body_t *b, yyjson_val *v) {
  if (v == NULL || !yyjson_is_str(v)) return false;
  if (b->has_text && !(b->node[b->shape->content].flags & IN_MEMBER_DATA)) return b->format == IN_FORMAT_TEXT;
  const in_ai_choice_t *c = in_body_choice(b, b->shape->formats, in_json_str(v));
  return c != NULL && c->means == IN_FORMAT_TEXT;
}

static void put_format(writer_t *w) {
  in_body_t *b = w->b;
  if (b->shape->format == IN_NIL) return;
  yyjson_val *v = b->bound[b->shape->format];
  in_span_t word = plain_word(b);
  if (v == NULL && b->shape->text_format == IN_FORMAT_TEXT) return;
  if (word.p == NULL) {
    w->impossible = true;
    return;
  }
  if (says_text(b, v)) return;
  put_member(w, b->shape->format, word);
}

static void put_content(writer_t *w, in_span_t text) {
  in_body_t *b = w->b;
  if (b->shape->content == IN_NIL) {
    w->impossible = true;
    return;
  }
  if (b->node[b->shape->content].flags & IN_MEMBER_DATA) {
    text = in_media_to_data("text/plain", text, w->arena);
    if (text.p == NULL) w->failed = true;
  }
  put_member(w, b->shape->content, text);
  put_format(w);
}

/* is there anything that plain text would not say? HTML that is only lines of text stays */
static bool is_plain(const writer_t *w) {
  const in_features_t *f = &w->ev->features;
  bool emoji = f->count[INTEROP_F_EMOJI] > 0 && (w->flags & IN_TEXT_ASCII_EMOJI) != 0;
  bool custom = f->count[INTEROP_F_CUSTOM_EMOJI] > 0;
  return w->ev->kind == INTEROP_K_TEXT && !emoji && !custom;
}

static void plain_content(writer_t *w) {
  in_span_t text;
  in_body_t *b = w->b;
  if (!b->has_text || is_plain(w)) return;
  if (b->format == IN_FORMAT_TEXT && (w->flags & IN_TEXT_ASCII_EMOJI) == 0) return;   /* goes out as it is */
  if (!reduce(w, b->content, b->format, &text)) return;
  if (b->format != IN_FORMAT_TEXT || !in_eq(text, b->content)) put_content(w, text);
}

/* a message of which nothing is left is none */
static bool shows_nothing(writer_t *w, in_span_t html) {
  in_buf_t out;
  in_features_t f;
  in_span_t left;
  bool blank = true;
  memset(&f, 0, sizeof(f));
  in_buf_init(&out, &w->alloc);
  if (in_body_reduce(w->b, html, IN_FORMAT_HTML, 0, &out, &f) != INTEROP_OK || out.failed) {
    w->failed = true;
    return false;
  }
  left = in_buf_span(&out);
  while (left.n > 0 && blank) {
    uint32_t cp;
    unsigned n = in_utf8_next(left, &cp);
    left = in_span(left.p + n, left.n - n);
    blank = cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r' || cp == 0xa0 || in_char_class(cp) == IN_C_IGNORABLE;
  }
  return blank;
}

static void strip_content(writer_t *w) {
  in_span_t text;
  bool changed;
  in_body_t *b = w->b;
  if (!b->has_text || b->format == IN_FORMAT_TEXT) return;
  if (b->format == IN_FORMAT_MARKDOWN) {
    in_features_t f;
    memset(&f, 0, sizeof(f));
    if (in_body_reduce(b, b->content, b->format, 0, NULL, &f) != INTEROP_OK) w->failed = true;
    for (uint32_t i = 0; i < INTEROP_FEATURE_COUNT; i++)
      if (f.count[i] > 0 && (w->strip & 1u << i)) {
        if (reduce(w, b->content, b->format, &text)) put_content(w, text);
        return;
      }
    return;
  }
  if (!strip_html(w, b->content, &text, &changed) || !changed) return;
  if (shows_nothing(w, text)) w->impossible = true;
  if (b->node[b->shape->content].flags & IN_MEMBER_DATA) text = in_media_to_data("text/html", text, w->arena);
  if (text.p == NULL) w->failed = true;
  put_member(w, b->shape->content, text);
}

/* ---- the other members */

/*
** A text beside the content may be read as HTML or as it stands. What has no
** feature stays; what would still look like markup once reduced has no form
** that both readers take for plain text, and goes.
*/
static void reduce_text(writer_t *w, yyjson_val *v, in_span_t s) {
  in_features_t f;
  in_span_t text;
  memset(&f, 0, sizeof(f));
  if (in_body_text_format(s) == IN_FORMAT_TEXT) {
    if (!is_plain(w) && reduce(w, s, IN_FORMAT_TEXT, &text) && !in_eq(text, s)) in_edits_set(&w->edits, v, text);
    return;
  }
  if (in_body_reduce(w->b, s, IN_FORMAT_HTML, 0, NULL, &f) != INTEROP_OK) w->failed = true;
  bool emoji = f.count[INTEROP_F_EMOJI] > 0 && (w->flags & IN_TEXT_ASCII_EMOJI) != 0;
  if (in_features_kind(&f) == INTEROP_K_TEXT && !emoji && f.count[INTEROP_F_CUSTOM_EMOJI] == 0) return;
  if (!reduce(w, s, IN_FORMAT_HTML, &text)) return;
  if (in_body_text_format(text) == IN_FORMAT_TEXT) in_edits_set(&w->edits, v, text);
  else in_edits_drop(&w->edits, v);
}

static void write_text(writer_t *w, yyjson_val *v) {
  in_span_t text, s;
  bool changed;
  if (!yyjson_is_str(v)) return;
  s = in_json_str(v);
  if (w->verdict == INTEROP_V_PLACEHOLDER) {
    in_edits_drop(&w->edits, v);
  } else if (w->verdict == INTEROP_V_STRIP) {
    if (in_body_text_format(s) == IN_FORMAT_HTML && strip_html(w, s, &text, &changed) && changed)
      in_edits_set(&w->edits, v, text);
  } else {
    reduce_text(w, v, s);
  }
}

static void write_parts(writer_t *w, const in_ai_member_t *m, yyjson_val *list) {
  yyjson_val *e;
  size_t i, n;
  bool strip = w->verdict == INTEROP_V_STRIP;
  if (yyjson_arr_size(list) == 0) return;
  yyjson_arr_foreach(list, i, n, e) {
    uint32_t feature = in_body_part(w->b, m, e);
    if (strip && !(w->strip & 1u << feature)) continue;
    lose(w, feature, 1);
    if (strip) in_edits_drop(&w->edits, e);
  }
  if (!strip) in_edits_drop(&w->edits, list);
}

static void write_part(writer_t *w, const in_ai_member_t *m, yyjson_val *v) {
  bool named = m->feature != IN_NIL && (w->strip & 1u << m->feature);
  if (w->verdict == INTEROP_V_STRIP && !named) return;
  in_edits_drop(&w->edits, v);
  lose(w, m->feature, 1);
}

static void drop_undeclared(writer_t *w, const yyjson_val *v) {
  in_edits_drop(&w->edits, v);
  lose(w, INTEROP_F_UNDECLARED, 1);
}

/* a scalar, or a list of them: what an inert member may be without being `whole` */
static bool is_simple(yyjson_val *v) {
  yyjson_val *e;
  size_t i, n;
  if (yyjson_is_obj(v)) return false;
  if (!yyjson_is_arr(v)) return true;
  yyjson_arr_foreach(v, i, n, e)
    if (yyjson_is_ctn(e)) return false;
  return true;
}

static bool inert_ok(const in_body_t *b, const in_ai_member_t *m, yyjson_val *v) {
  if (yyjson_is_null(v) || (m->flags & IN_MEMBER_WHOLE) || m->children.count > 0) return true;
  if (!(m->flags & IN_MEMBER_NAMED)) return is_simple(v);
  in_span_t s = in_body_scalar(v);
  return s.p != NULL && in_body_choice(b, m->choices, s) != NULL;
}

static void write_inert(writer_t *w, const in_ai_member_t *m, yyjson_val *v) {
  const in_ai_choice_t *c = NULL;
  if (!inert_ok(w->b, m, v)) {
    drop_undeclared(w, v);
    return;
  }
  if (w->verdict != INTEROP_V_STRIP || m->choices.count == 0) return;
  in_span_t s = in_body_scalar(v);
  if (s.p != NULL) c = in_body_choice(w->b, m->choices, s);
  if (c == NULL || c->means == IN_NIL || !(w->strip & 1u << c->means)) return;
  in_edits_drop(&w->edits, v);
  lose(w, c->means, 1);
}

/* members of a declared object that no definition names */
static void drop_others(writer_t *w, uint32_t node) {
  yyjson_val *obj = w->b->bound[node];
  if (!yyjson_is_obj(obj) || (!w->b->others && w->b->node[node].children.count > 0)) return;
  yyjson_val *k = unsafe_yyjson_get_first(obj);
  for (size_t n = unsafe_yyjson_get_len(obj); n > 0; n--) {
    in_span_t name = in_json_str(k);
    if (in_body_child(w->b, node, name) == IN_NIL) drop_undeclared(w, k + 1);
    k = unsafe_yyjson_get_next(k + 1);
  }
}

static void write_card(writer_t *w, yyjson_val *v) {
  if (w->verdict == INTEROP_V_PLACEHOLDER) in_edits_drop(&w->edits, v);
  else if (w->verdict == INTEROP_V_PLAIN_TEXT || w->strip != 0) w->impossible = true;
}

static void write_member(writer_t *w, uint32_t node) {
  const in_ai_member_t *m = &w->b->node[node];
  yyjson_val *v = w->b->bound[node];
  if (v == NULL) return;
  switch (m->role) {
    case IN_ROLE_NONE: drop_others(w, node); break;
    case IN_ROLE_INERT: case IN_ROLE_SET: write_inert(w, m, v); break;
    case IN_ROLE_TEXT: write_text(w, v); break;
    case IN_ROLE_PARTS: write_parts(w, m, v); break;
    case IN_ROLE_PART: if (!yyjson_is_null(v)) write_part(w, m, v); break;
    case IN_ROLE_CARD: if (!yyjson_is_null(v)) write_card(w, v); break;
    case IN_ROLE_REPLY:
      if (w->verdict == INTEROP_V_STRIP || yyjson_is_null(v)) break;
      in_edits_drop(&w->edits, v);
      lose(w, INTEROP_F_QUOTE, 1);
      break;
    case IN_ROLE_MORE: case IN_ROLE_WITHHELD: if (!w->b->answers) drop_undeclared(w, v); break;
    default: break;
  }
}

/* ---- in place */

static void write_content(writer_t *w) {
  if (w->verdict == INTEROP_V_PLAIN_TEXT) plain_content(w);
  else if (w->verdict == INTEROP_V_STRIP) strip_content(w);
  else put_content(w, w->text);
}

/* a placeholder loses everything that the message had */
static void lose_all(writer_t *w) {
  uint32_t undeclared = w->lost.count[INTEROP_F_UNDECLARED], quotes = w->lost.count[INTEROP_F_QUOTE];
  w->lost = w->ev->features;
  w->lost.count[INTEROP_F_IMPORTANCE] = 0;
  w->lost.count[INTEROP_F_UNDECLARED] = undeclared;
  if (w->lost.count[INTEROP_F_QUOTE] < quotes) w->lost.count[INTEROP_F_QUOTE] = quotes;
}

static interop_status_t rewrite_json(writer_t *w, in_write_t *to) {
  in_body_t *b = w->b;
  in_buf_t out;
  if (!in_edits_init(&w->edits, &b->json, w->arena)) return INTEROP_NOMEM;
  in_nodes_each(&b->live, i) write_member(w, i);
  write_content(w);
  if (w->failed || w->edits.failed) return INTEROP_NOMEM;
  if (w->impossible) return INTEROP_FULL;
  if (!w->edits.any) return INTEROP_OK;
  in_buf_init(&out, &w->alloc);
  if (!in_buf_reserve(&out, b->source.n < 65536 ? b->source.n : 65536)) return INTEROP_NOMEM;
  in_json_print(&out, b->json.root, &w->edits);
  if (out.failed) return INTEROP_NOMEM;
  to->body = in_buf_span(&out);
  to->body_changed = to->changed = true;
  return INTEROP_OK;
}

interop_status_t in_body_rewrite(in_body_t *b, const in_event_t *ev, interop_verdict_t verdict, in_span_t text,
                                 uint32_t strip, unsigned reduce_flags, in_edits_t *edits, in_features_t *lost,
                                 bool *changed) {
  writer_t w = { .b = b, .ev = ev, .verdict = verdict, .text = text, .strip = strip, .flags = reduce_flags,
                 .arena = b->arena, .alloc = in_arena_alloc(b->arena), .edits = *edits };
  uint32_t before = edits->count;
  bool any = edits->any;
  w.edits.any = false;
  in_nodes_each(&b->live, i) write_member(&w, i);
  write_content(&w);
  *edits = w.edits;
  *changed = edits->any;
  edits->any = any || *changed;
  if (w.failed || edits->failed) return INTEROP_NOMEM;
  if (verdict == INTEROP_V_PLACEHOLDER) lose_all(&w);
  *lost = w.lost;
  if (!w.impossible) return INTEROP_OK;
  in_edits_back(edits, before);
  return INTEROP_FULL;
}

static interop_status_t rewrite_raw(writer_t *w, in_write_t *to) {
  in_body_t *b = w->b;
  in_span_t text = w->text;
  bool changed = true, html = false;
  if (w->verdict == INTEROP_V_PLAIN_TEXT) {
    if (is_plain(w)) return INTEROP_OK;
    if (!reduce(w, b->content, b->format, &text)) return INTEROP_NOMEM;
    changed = b->format != IN_FORMAT_TEXT || !in_eq(text, b->content);
  } else if (w->verdict == INTEROP_V_STRIP) {
    if (b->format != IN_FORMAT_HTML) return INTEROP_OK;
    if (!strip_html(w, b->content, &text, &changed)) return INTEROP_NOMEM;
    html = true;
  }
  if (!changed) return INTEROP_OK;
  to->body = text;
  to->body_changed = to->changed = true;
  to->content_type = html ? IN_SPAN("text/html; charset=utf-8") : IN_SPAN("text/plain; charset=utf-8");
  return INTEROP_OK;
}

static interop_status_t rewrite(writer_t *w, in_write_t *to) {
  interop_status_t rc = w->b->is_json ? rewrite_json(w, to) : rewrite_raw(w, to);
  if (w->verdict == INTEROP_V_PLACEHOLDER) lose_all(w);
  to->lost = w->lost;
  return rc;
}

/* ---- made anew */

/* members that go along, put before the template's last brace */
static void put_kept(writer_t *w, const in_ai_make_t *make, in_buf_t *out) {
  in_body_t *b = w->b;
  bool some = out->n > 2;
  if (make->keep.count == 0 || !b->is_json || out->failed || out->n < 2 || out->p[out->n - 1] != '}') return;
  out->n--;
  for (uint32_t i = 0; i < make->keep.count; i++) {
    in_span_t name = in_records_ref(b->img, make->keep, i);
    uint32_t node = in_body_child(b, 0, name);
    if (node == IN_NIL || b->bound[node] == NULL || b->node[node].role != IN_ROLE_INERT
        || !inert_ok(b, &b->node[node], b->bound[node])) continue;
    if (some) in_buf_byte(out, ',');
    some = true;
    in_json_quote(out, in_json_str(b->bound[node] - 1));
    in_buf_byte(out, ':');
    in_json_print(out, b->bound[node], NULL);
  }
  in_buf_byte(out, '}');
}

/* for the receipt: what of the body nobody declared */
static bool count_undeclared(writer_t *w) {
  if (!w->b->is_json) return true;
  if (!in_edits_init(&w->edits, &w->b->json, w->arena)) return false;
  in_nodes_each(&w->b->live, i) write_member(w, i);
  return !w->failed && !w->edits.failed;
}

static interop_status_t make_anew(writer_t *w, uint32_t index, const in_match_t *m, in_write_t *to) {
  const in_ai_make_t *make = in_records_make(w->b->img, index);
  in_buf_t path, body;
  in_var_t vars[] = { { IN_SPAN("text"), w->text }, { IN_SPAN("original"), w->ev->message },
                      { IN_SPAN("conversation"), w->ev->conversation } };
  in_buf_init(&path, &w->alloc);
  in_buf_init(&body, &w->alloc);
  if (!count_undeclared(w)) return INTEROP_NOMEM;
  if (!in_template_path(w->b->img, make, m, &path)) return INTEROP_FULL;
  in_template_put(w->b->img, make->body, (make->flags & IN_MAKE_RAW) != 0, vars, in_countof(vars), &body);
  put_kept(w, make, &body);
  if (path.failed || body.failed) return INTEROP_NOMEM;
  lose_all(w);
  to->lost = w->lost;
  to->method = in_body_str(w->b, make->method);
  to->target = in_buf_span(&path);
  to->content_type = in_body_str(w->b, make->type);
  to->body = body.n == 0 ? IN_SPAN("") : in_buf_span(&body);
  to->body_changed = to->changed = true;
  to->answer_status = w->b->op->success;
  to->make = index;
  return INTEROP_OK;
}

/* ---- the verdicts */

/* what the parts beside the content held, which the message's own text is without */
static void lose_parts(const writer_t *w, in_features_t *lost) {
  for (uint32_t f = 0; f < INTEROP_FEATURE_COUNT; f++) {
    uint32_t all = w->ev->features.count[f], text = w->b->reduced_features.count[f];
    if (f != INTEROP_F_IMPORTANCE && all > text) lost->count[f] += all - text;
  }
}

/* the message's own text, sent as another operation */
static interop_status_t text_anew(writer_t *w, uint32_t make, const in_match_t *m, in_write_t *to) {
  if (w->text.p == NULL) {
    if (!w->b->has_text) return INTEROP_FULL;
    if (!reduce(w, w->b->content, w->b->format, &w->text)) return INTEROP_NOMEM;
  }
  in_features_t lost = w->lost;
  memset(&w->lost, 0, sizeof(w->lost));
  interop_status_t rc = make_anew(w, make, m, to);
  lost.count[INTEROP_F_UNDECLARED] = to->lost.count[INTEROP_F_UNDECLARED];
  if (w->verdict == INTEROP_V_PLAIN_TEXT) lose_parts(w, &lost);
  to->lost = lost;
  return rc;
}

static interop_status_t as_reply(writer_t *w, const in_match_t *m, in_write_t *to) {
  uint32_t make = w->b->op->makes[IN_MAKE_REPLY];
  if (make == IN_NIL || w->ev->message.p == NULL) return INTEROP_FULL;
  return text_anew(w, make, m, to);
}

interop_status_t in_api_write(const in_image_t *img, const in_match_t *m, const in_event_t *ev,
                              interop_verdict_t verdict, in_span_t text, uint32_t strip,
                              unsigned reduce_flags, in_arena_t *arena, in_write_t *to) {
  writer_t w;
  (void) img;
  memset(to, 0, sizeof(*to));
  to->make = IN_NIL;
  if (ev->body == NULL || ev->refusal.p != NULL || ev->body->shape == NULL) return INTEROP_FULL;
  memset(&w, 0, sizeof(w));
  w.b = ev->body;
  w.ev = ev;
  w.verdict = verdict;
  w.text = text;
  w.strip = strip;
  w.flags = reduce_flags;
  w.arena = arena;
  w.alloc = in_arena_alloc(arena);
  switch (verdict) {
    case INTEROP_V_STRIP: return rewrite(&w, to);
    case INTEROP_V_PLAIN_TEXT:
      if (w.b->op->makes[IN_MAKE_PLAIN] == IN_NIL) return rewrite(&w, to);
      return text_anew(&w, w.b->op->makes[IN_MAKE_PLAIN], m, to);
    case INTEROP_V_PLACEHOLDER:
      if (w.b->op->makes[IN_MAKE_PLACEHOLDER] == IN_NIL) return rewrite(&w, to);
      return make_anew(&w, w.b->op->makes[IN_MAKE_PLACEHOLDER], m, to);
    case INTEROP_V_AS_REPLY: return as_reply(&w, m, to);
    default: return INTEROP_USAGE;
  }
}

interop_status_t in_api_text(const in_image_t *img, const in_event_t *ev, unsigned reduce_flags,
                             in_arena_t *arena, in_span_t *text) {
  in_buf_t out;
  in_features_t f;
  interop_alloc_t alloc = in_arena_alloc(arena);
  (void) img;
  *text = IN_SPAN("");
  if (ev->body == NULL || !ev->body->has_text) return INTEROP_OK;
  in_buf_init(&out, &alloc);
  memset(&f, 0, sizeof(f));
  interop_status_t rc = in_body_reduce(ev->body, ev->body->content, ev->body->format, reduce_flags, &out, &f);
  if (rc != INTEROP_OK || out.failed) return INTEROP_NOMEM;
  if (out.n > 0) *text = in_buf_span(&out);
  return INTEROP_OK;
}
