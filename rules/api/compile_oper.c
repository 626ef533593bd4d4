/*
** compile_oper.c -- `operation` statements.
**
**   operation NAME METHOD /PATH [when /POINTER [VALUE ...]] [when query NAME] { ... }
**
** Owns what can stand in the block, one function a statement. Operations that
** share a method and a path are candidates, told apart by `when`, in order.
*/
#include "compile.h"

typedef struct {
  in_apic_t *c;
  in_oper_t *o;
  bool has_body;
} reader_t;

static bool bad_form(reader_t *r, const in_stmt_t *s, const char *form) {
  return in_apic_bad(r->c, in_stmt_place(s), form, "this statement has another form");
}

/* ---- statements of the block */

static bool read_body(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "body SHAPE [optional];  body [SHAPE] { ... }  body opaque;";
  bool lenient = s->ntok > 1 && in_tok_is(s, s->ntok - 1, "optional");
  uint32_t n = s->ntok - (lenient ? 1 : 0);
  if (r->has_body) return in_apic_bad(r->c, in_stmt_place(s), NULL, "body stands twice");
  r->has_body = true;
  if (n == 2 && in_tok_is(s, 1, "opaque") && !s->has_block) {
    r->o->rec.flags |= IN_OPER_OPAQUE;
    return true;
  }
  if (n > 2 || (n == 1 && !s->has_block)) return bad_form(r, s, form);
  return in_apic_shape(r->c, n == 2 ? &s->tok[1] : NULL, s->has_block ? s->block : NULL, lenient,
                       in_stmt_place(s), &r->o->rec.shape);
}

static bool read_accepts(reader_t *r, const in_stmt_t *s) {
  in_span_t types[16];
  uint32_t n = s->ntok - 1;
  if (n == 0 || n > in_countof(types) || s->has_block) return bad_form(r, s, "accepts TYPE/SUBTYPE ...;");
  for (uint32_t i = 0; i < n; i++) {
    types[i] = s->tok[i + 1].text;
    if (!in_apic_word(s, i + 1) || memchr(types[i].p, '/', types[i].n) == NULL)
      return in_apic_bad(r->c, s->tok[i + 1].place, "accepts TYPE/SUBTYPE ...;", "this is no media type");
  }
  r->o->rec.accepts = in_builder_strs(r->c->b, types, n);
  return true;
}

static bool read_success(reader_t *r, const in_stmt_t *s) {
  uint32_t n = s->ntok == 2 ? in_json_index(s->tok[1].text) : UINT32_MAX;
  if (s->has_block || n < 200 || n > 299)
    return in_apic_bad(r->c, in_stmt_place(s), "success 204;", "success is a status from 200 to 299");
  r->o->rec.success = n;
  return true;
}

/* WORD from location "messages/{id}": 0: it is none of these, 1: read, -1: an error */
static int read_location(reader_t *r, const in_stmt_t *s, int which) {
  if (!in_tok_is(s, 1, "from") || !in_tok_is(s, 2, "location")) return 0;
  if (s->ntok == 4 && !s->has_block && s->tok[3].kind == IN_TOK_STRING && in_contains(s->tok[3].text, IN_SPAN("{id}"))) {
    r->o->rec.location[which] = in_builder_str(r->c->b, s->tok[3].text);
    return 1;
  }
  (void) bad_form(r, s, "id from location \"messages/{id}\";");
  return -1;
}

static bool read_id(reader_t *r, const in_stmt_t *s) {
  int from = read_location(r, s, 0);
  if (from != 0) return from > 0;
  if (s->ntok != 2 || s->has_block) return bad_form(r, s, "id /POINTER;");
  return in_apic_pointer(r->c, s, 1, "id /POINTER;", &r->o->rec.id);
}

static bool read_conversation(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "conversation /POINTER;  conversation from query NAME;";
  int from = read_location(r, s, 1);
  if (from != 0) return from > 0;
  if (s->ntok == 4 && in_tok_is(s, 1, "from") && in_tok_is(s, 2, "query") && in_apic_word(s, 3)) {
    r->o->rec.query_conversation = in_builder_str(r->c->b, s->tok[3].text);
    return true;
  }
  if (s->ntok != 2 || s->has_block) return bad_form(r, s, form);
  return in_apic_pointer(r->c, s, 1, form, &r->o->rec.conversation_id);
}

static bool read_call(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "call /POINTER [/POINTER];";
  int from = read_location(r, s, 2);
  if (from != 0) return from > 0;
  if (s->ntok < 2 || s->ntok > 3 || s->has_block) return bad_form(r, s, form);
  return in_apic_pointer(r->c, s, 1, form, &r->o->rec.call_id)
         && (s->ntok == 2 || in_apic_pointer(r->c, s, 2, form, &r->o->rec.call_too));
}

static bool read_type(reader_t *r, const in_stmt_t *s) {
  if (s->ntok != 2 || s->has_block || !in_apic_word(s, 1)) return bad_form(r, s, "type WORD;");
  r->o->rec.conversation_type = in_builder_str(r->c->b, s->tok[1].text);
  return true;
}

static bool read_asks(reader_t *r, const in_stmt_t *s) {
  if (s->ntok != 2 || s->has_block || !in_apic_word(s, 1)) return bad_form(r, s, "asks WORD;");
  r->o->rec.asks = in_builder_str(r->c->b, s->tok[1].text);
  return true;
}

/* who is meant stands in upstream's answer to another request */
static bool read_fetched(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "party fetched GET /PATH { party /POINTER ...; }";
  in_ai_operation_t *o = &r->o->rec;
  if (s->ntok != 4 || !s->has_block || s->block == NULL || o->original != IN_NIL) return bad_form(r, s, form);
  if (o->operation != INTEROP_OP_PARTICIPANT_REMOVE)
    return in_apic_bad(r->c, in_stmt_place(s), NULL, "only who is removed is asked for like this");
  o->flags |= IN_OPER_WHO;
  return in_apic_make_bare(r->c, &s->tok[2], &s->tok[3], &o->original)
         && in_apic_path_has(r->c, r->o, &s->tok[3], o->original)
         && in_apic_shape(r->c, NULL, s->block, true, in_stmt_place(s), &o->original_shape);
}

static bool read_party(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "party from NAME;  party fetched GET /PATH { ... }";
  if (in_tok_is(s, 1, "fetched")) return read_fetched(r, s);
  if (s->ntok != 3 || s->has_block || !in_tok_is(s, 1, "from")) return bad_form(r, s, form);
  for (uint32_t i = 0; i < r->o->path.count; i++) {
    uint32_t n = r->o->path.seg[i].capture;
    if (n == IN_NIL || !in_eq(r->c->capture[n], s->tok[2].text)) continue;
    r->o->rec.captures.party = n;
    return true;
  }
  return in_apic_unknown(r->c, "name of a path's segment", &s->tok[2], r->c->capture, r->c->captures);
}

/* every segment that the made request's path wants is in this operation's path */
bool in_apic_path_has(in_apic_t *c, const in_oper_t *o, const in_tok_t *at, uint32_t make) {
  if (c->b->failed) return in_apic_nomem(c);
  const in_ai_make_t *m = (const in_ai_make_t *) (const void *) c->b->section[IN_S_MAKES].p + make;
  const in_ref_t *refs = (const in_ref_t *) (const void *) c->b->section[IN_S_REFS].p;
  for (uint32_t i = 1; i < m->path.count; i += 2) {
    in_ref_t ref = refs[m->path.first + i];
    in_span_t name = in_span(c->b->section[IN_S_STRINGS].p + ref.off, ref.len);
    uint32_t n = in_apic_capture(c, name), k = 0;
    while (k < o->path.count && o->path.seg[k].capture != n) k++;
    if (k == o->path.count)
      return in_apic_bad(c, at->place, NULL, "that path needs {%.*s}, which this operation's does not have",
                         (int) name.n, name.p);
  }
  return true;
}

static bool read_makes(reader_t *r, const in_stmt_t *s, int which) {
  static const char form[] = "placeholder makes NAME [answer set /POINTER from /POINTER];";
  if ((s->ntok != 3 && s->ntok != 8) || s->has_block || !in_tok_is(s, 1, "makes") || !in_apic_word(s, 2))
    return bad_form(r, s, form);
  in_named_t *n = in_apic_find(r->c->makes, s->tok[2].text);
  if (n == NULL) return in_apic_unnamed(r->c, "make", &s->tok[2], r->c->makes);
  r->o->rec.makes[which] = n->index;
  if (!in_apic_path_has(r->c, r->o, &s->tok[2], n->index)) return false;
  if (s->ntok == 3) return true;
  if (!in_tok_is(s, 3, "answer") || !in_tok_is(s, 4, "set") || !in_tok_is(s, 6, "from"))
    return bad_form(r, s, form);
  return in_apic_pointer(r->c, s, 5, form, &r->o->rec.set_to)
         && in_apic_pointer(r->c, s, 7, form, &r->o->rec.set_from);
}

static bool read_placeholder(reader_t *r, const in_stmt_t *s) {
  return read_makes(r, s, IN_MAKE_PLACEHOLDER);
}

static bool read_plain_text(reader_t *r, const in_stmt_t *s) {
  return read_makes(r, s, IN_MAKE_PLAIN);
}

static bool read_as_reply(reader_t *r, const in_stmt_t *s) {
  return read_makes(r, s, IN_MAKE_REPLY);
}

static bool read_original(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "original GET /PATH body SHAPE [author /POINTER];";
  in_ai_operation_t *o = &r->o->rec;
  if ((s->ntok != 5 && s->ntok != 7) || s->has_block || !in_tok_is(s, 3, "body")
      || (s->ntok == 7 && !in_tok_is(s, 5, "author"))) return bad_form(r, s, form);
  if (!in_apic_make_bare(r->c, &s->tok[1], &s->tok[2], &o->original)
      || !in_apic_path_has(r->c, r->o, &s->tok[2], o->original)) return false;
  if (!in_apic_shape(r->c, &s->tok[4], NULL, true, s->tok[4].place, &o->original_shape)) return false;
  return s->ntok == 5 || in_apic_pointer(r->c, s, 6, form, &o->original_author);
}

/* the answer is a part of the message, and nothing that could be read */
static bool read_shows(reader_t *r, const in_stmt_t *s) {
  if (s->ntok != 2 || s->has_block) return bad_form(r, s, "shows FEATURE;");
  return in_apic_feature(r->c, &s->tok[1], &r->o->rec.shows);
}

/* elements of a list that is answered: people, or messages and their times */
static bool read_list(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "list /POINTER [SHAPE] { ... }";
  if (s->ntok < 2 || s->ntok > 3 || !s->has_block || s->block == NULL) return bad_form(r, s, form);
  if (r->o->rec.list != IN_NIL) return in_apic_bad(r->c, in_stmt_place(s), NULL, "the answer is described twice");
  bool all = s->tok[1].kind == IN_TOK_STRING && s->tok[1].text.n == 0;    /* the answer is the list */
  return (all || in_apic_pointer(r->c, s, 1, form, &r->o->rec.list_at))
         && in_apic_shape(r->c, s->ntok == 3 ? &s->tok[2] : NULL, s->block, true, in_stmt_place(s), &r->o->rec.list);
}

/* the answer is one such element */
static bool read_item(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "item [SHAPE] { ... }";
  if (s->ntok > 2 || !s->has_block || s->block == NULL) return bad_form(r, s, form);
  if (r->o->rec.list != IN_NIL) return in_apic_bad(r->c, in_stmt_place(s), NULL, "the answer is described twice");
  r->o->rec.flags |= IN_OPER_ITEM;
  return in_apic_shape(r->c, s->ntok == 2 ? &s->tok[1] : NULL, s->block, true, in_stmt_place(s), &r->o->rec.list);
}

/* those whom policy refuses are named in the answer, the others go on */
static bool read_refused(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "refused /POINTER json { ... };";
  if (s->ntok != 4 || s->has_block || !in_tok_is(s, 2, "json") || s->tok[3].kind != IN_TOK_JSON) return bad_form(r, s, form);
  return in_apic_pointer(r->c, s, 1, form, &r->o->rec.refused_at) && in_apic_template(r->c, &s->tok[3], &r->o->rec.refused);
}

static bool read_items(reader_t *r, const in_stmt_t *s) {
  return in_apic_batch(r->c, r->o, s);
}

static const struct { const char *word; bool (*read)(reader_t *r, const in_stmt_t *s); } rows[] = {
  { "body", read_body }, { "accepts", read_accepts }, { "success", read_success }, { "id", read_id },
  { "conversation", read_conversation }, { "call", read_call }, { "type", read_type }, { "asks", read_asks },
  { "party", read_party }, { "placeholder", read_placeholder }, { "plain_text", read_plain_text }, { "as_reply", read_as_reply },
  { "original", read_original }, { "list", read_list }, { "item", read_item }, { "shows", read_shows },
  { "refused", read_refused }, { "items", read_items },
};

static bool read_block(reader_t *r) {
  for (const in_stmt_t *s = r->o->stmt->block; s != NULL; s = s->next) {
    size_t i = 0;
    while (i < in_countof(rows) && !in_tok_is(s, 0, rows[i].word)) i++;
    if (i < in_countof(rows)) {
      if (!rows[i].read(r, s)) return false;
      continue;
    }
    in_span_t names[in_countof(rows)];
    for (i = 0; i < in_countof(rows); i++) names[i] = in_str(rows[i].word);
    return in_apic_unknown(r->c, "statement", &s->tok[0], names, in_countof(rows));
  }
  return true;
}

/* ---- the head */

static const char head_form[] = "operation NAME METHOD /PATH [when /POINTER [VALUE ...]];";

static bool read_when(reader_t *r) {
  const in_stmt_t *s = r->o->stmt;
  in_ai_operation_t *o = &r->o->rec;
  r->o->always = s->ntok == 4;
  if (s->ntok == 4) return true;
  if (!in_tok_is(s, 4, "when") || s->ntok < 6)
    return in_apic_bad(r->c, s->tok[4].place, head_form, "`when` and what must hold are wanted here");
  if (in_tok_is(s, 5, "query")) {
    if (s->ntok != 7) return in_apic_bad(r->c, s->tok[5].place, "when query NAME", "a query parameter is wanted");
    o->when_query = in_builder_str(r->c->b, s->tok[6].text);
    return true;
  }
  if (!in_apic_pointer(r->c, s, 5, head_form, &o->when)) return false;
  o->when_values.first = in_builder_count(r->c->b, IN_S_REFS, sizeof(in_ref_t));
  for (uint32_t i = 6; i < s->ntok; i++) {
    if (!in_apic_word(s, i)) return in_apic_bad(r->c, s->tok[i].place, head_form, "a value is wanted here");
    in_ref_t ref = in_builder_str(r->c->b, s->tok[i].text);
    in_builder_add(r->c->b, IN_S_REFS, &ref, 1, sizeof(ref));
    o->when_values.count++;
  }
  return true;
}

static bool operation_named(reader_t *r, const in_tok_t *tok) {
  in_span_t names[INTEROP_OPERATION_COUNT];
  int op = in_operation_by_name(tok->text);
  if (op >= 0) {
    r->o->rec.operation = (uint32_t) op;
    return true;
  }
  for (int i = 0; i < INTEROP_OPERATION_COUNT; i++)
    names[i] = in_str(interop_operation_name((interop_operation_t) i));
  return in_apic_unknown(r->c, "operation", tok, names, in_countof(names));
}

static bool is_method(in_span_t s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < 'A' || s.p[i] > 'Z') return false;
  return s.n > 0;
}

static bool read_head(reader_t *r) {
  const in_stmt_t *s = r->o->stmt;
  in_ai_operation_t *o = &r->o->rec;
  if (s->ntok < 4 || s->tok[3].kind != IN_TOK_PATH || !is_method(s->tok[2].text))
    return in_apic_bad(r->c, in_stmt_place(s), head_form, "an operation has a name, a method and a path");
  if (!operation_named(r, &s->tok[1])) return false;
  if (in_eq(s->tok[2].text, IN_SPAN("HEAD")))
    return in_apic_bad(r->c, s->tok[2].place, NULL, "HEAD is judged as GET");
  o->method = in_builder_str(r->c->b, s->tok[2].text);
  o->path = in_builder_str(r->c->b, s->tok[3].text);
  return in_apic_pattern(r->c, &s->tok[3], &r->o->path) && read_when(r);
}

static uint32_t capture_in(const reader_t *r, const char *name) {
  uint32_t n = in_apic_capture(r->c, in_str(name));
  for (uint32_t i = 0; n != IN_NIL && i < r->o->path.count; i++)
    if (r->o->path.seg[i].capture == n) return n;
  return IN_NIL;
}

static in_oper_t *new_operation(in_apic_t *c) {
  if (c->opers == c->oper_size) {
    uint32_t size = c->oper_size == 0 ? 32 : c->oper_size * 2;
    in_oper_t *p = in_arena_array(c->arena, size, sizeof(*p));
    if (p == NULL) {
      in_apic_nomem(c);
      return NULL;
    }
    if (c->opers > 0) memcpy(p, c->oper, c->opers * sizeof(*p));
    c->oper = p;
    c->oper_size = size;
  }
  return &c->oper[c->opers];
}

/* a body that is the content itself brings its own media types */
static bool is_raw(const in_apic_t *c, uint32_t shape) {
  if (shape == IN_NIL || c->b->failed) return false;
  return ((const in_ai_shape_t *) (const void *) c->b->section[IN_S_SHAPES].p)[shape].raw.count > 0;
}

bool in_apic_operation(in_apic_t *c, const in_stmt_t *s) {
  reader_t r = { .c = c, .o = new_operation(c) };
  if (r.o == NULL) return false;
  in_ai_operation_t *o = &r.o->rec;
  memset(r.o, 0, sizeof(*r.o));
  r.o->stmt = s;
  o->api = c->api;
  o->next = o->shape = o->original = o->original_shape = o->shows = o->list = o->batch = IN_NIL;
  o->makes[IN_MAKE_PLACEHOLDER] = o->makes[IN_MAKE_REPLY] = o->makes[IN_MAKE_PLAIN] = IN_NIL;
  o->captures.party = o->captures.call = IN_NIL;
  if (!read_head(&r)) return false;
  o->captures.conversation = capture_in(&r, "conversation");
  o->captures.message = capture_in(&r, "message");
  o->captures.call = capture_in(&r, "call");
  if (!read_block(&r) || !in_apic_batch_there(c, r.o)) return false;
  if (o->accepts.count == 0 && !(o->flags & IN_OPER_OPAQUE) && !is_raw(c, o->shape)) {
    in_span_t json = IN_SPAN("application/json");
    o->accepts = in_builder_strs(c->b, &json, 1);
  }
  if (c->b->failed) return in_apic_nomem(c);
  c->opers++;
  return in_apic_route(c, c->opers - 1);
}
