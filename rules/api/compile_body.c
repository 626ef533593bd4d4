/*
** compile_body.c -- shapes: what the members of a body are for.
**
**   content /body/content required format /body/contentType default text { text text; html html; }
**   text /subject /summary;
**   parts /attachments by /contentType [url /contentUrl] { VALUE ... FEATURE; ... }
**   inert /importance { normal; high feature importance; }   inert /locale;   inert whole /data;
**
** Owns making one tree of members of all statements. A shape's statements are
** read anew for every body that uses it, below the pointer where it stands.
*/
#include "compile.h"

#define MAX_SHAPES  16u           /* shapes inside one another */

typedef struct node_s node_t;
struct node_s {
  in_ai_member_t rec;
  in_span_t name;
  in_place_t place;
  node_t *child, *next, *parent;
  uint32_t number;
};

typedef struct {
  in_apic_t *c;
  node_t *root, *base;            /* base: where pointers start */
  uint32_t nodes, depth;
  in_ai_shape_t rec;
  node_t *content, *format, *images, *more;
  bool lenient;
} reader_t;

typedef bool (*read_fn)(reader_t *r, const in_stmt_t *s);

/* ---- the tree */

static node_t *new_node(reader_t *r, node_t *parent, in_span_t name) {
  node_t *n = in_arena_get(r->c->arena, sizeof(*n)), **link;
  if (n == NULL) {
    in_apic_nomem(r->c);
    return NULL;
  }
  n->name = name;
  n->parent = parent;
  n->rec.feature = IN_NIL;
  r->nodes++;
  if (parent == NULL) return n;
  for (link = &parent->child; *link != NULL; link = &(*link)->next) { /* to the end */ }
  *link = n;
  return n;
}

static node_t *child_named(const reader_t *r, const node_t *n, in_span_t name) {
  node_t *k = n->child;
  while (k != NULL && !(r->c->nocase_members ? in_eq_nocase(k->name, name) : in_eq(k->name, name)))
    k = k->next;
  return k;
}

static node_t *node_at(reader_t *r, const in_stmt_t *s, uint32_t i, const char *form) {
  in_names_t names;
  node_t *n = r->base;
  if (!in_apic_is_pointer(s, i)) {
    in_apic_bad(r->c, s->tok[i < s->ntok ? i : s->ntok - 1].place, form,
                i < s->ntok ? "a pointer is wanted here" : "a pointer is wanted after this");
    return NULL;
  }
  if (!in_apic_names(r->c, &s->tok[i], &names)) return NULL;
  for (uint32_t k = 0; n != NULL && k < names.count; k++) {
    node_t *next = child_named(r, n, names.name[k]);
    n = next != NULL ? next : new_node(r, n, names.name[k]);
  }
  if (r->nodes > IN_BODY_NODES) {
    in_apic_bad(r->c, s->tok[i].place, NULL, "a body has at most %u members", IN_BODY_NODES);
    return NULL;
  }
  return n;
}

static bool give_role(reader_t *r, node_t *n, in_role_t role, const in_tok_t *tok) {
  if (n->rec.role != IN_ROLE_NONE)
    return in_apic_bad(r->c, tok->place, NULL, "\"%.*s\" is declared twice", (int) tok->text.n, tok->text.p);
  n->rec.role = role;
  n->place = tok->place;
  return true;
}

/* a pointer with a role: the node, or NULL after an error */
static node_t *declare(reader_t *r, const in_stmt_t *s, uint32_t i, in_role_t role, const char *form) {
  node_t *n = node_at(r, s, i, form);
  return n != NULL && give_role(r, n, role, &s->tok[i]) ? n : NULL;
}

static bool unexpected(reader_t *r, const in_stmt_t *s, uint32_t i, const char *form) {
  return in_apic_bad(r->c, s->tok[i].place, form, "nothing is wanted here");
}

/* ---- content */

static const char content_form[] =
  "content /POINTER [required] [data] text|html|markdown;  "
  "content /POINTER [required] format /POINTER [default FORMAT] { VALUE ... FORMAT; ... }  "
  "content raw { TYPE ... FORMAT; ... }";

static bool format_named(reader_t *r, const in_stmt_t *s, uint32_t i, uint32_t *format) {
  if (in_tok_is(s, i, "text")) *format = IN_FORMAT_TEXT;
  else if (in_tok_is(s, i, "html")) *format = IN_FORMAT_HTML;
  else if (in_tok_is(s, i, "markdown")) *format = IN_FORMAT_MARKDOWN;
  else return in_apic_bad(r->c, s->tok[i < s->ntok ? i : s->ntok - 1].place, content_form,
                          "a format is wanted: text, html or markdown");
  return true;
}

static bool read_raw(reader_t *r, const in_stmt_t *s) {
  if (s->ntok != 2 || !s->has_block || r->base != r->root)
    return in_apic_bad(r->c, in_stmt_place(s), content_form, "a raw body has media types");
  return in_apic_choices(r->c, s, IN_ROLE_FORMAT, &r->rec.raw);
}

static bool read_formats(reader_t *r, const in_stmt_t *s, uint32_t i) {
  r->format = declare(r, s, i + 1, IN_ROLE_FORMAT, content_form);
  if (r->format == NULL) return false;
  i += 2;
  if (in_tok_is(s, i, "default")) {
    if (!format_named(r, s, i + 1, &r->rec.text_format)) return false;
    i += 2;
  }
  if (i != s->ntok || !s->has_block)
    return in_apic_bad(r->c, in_stmt_place(s), content_form, "a block of formats is wanted");
  return in_apic_choices(r->c, s, IN_ROLE_FORMAT, &r->rec.formats);
}

static bool read_content(reader_t *r, const in_stmt_t *s) {
  uint32_t i = 2;
  if (r->content != NULL || r->rec.raw.count > 0)
    return in_apic_bad(r->c, in_stmt_place(s), NULL, "a body has one content");
  if (in_tok_is(s, 1, "raw")) return read_raw(r, s);
  node_t *n = r->content = declare(r, s, 1, IN_ROLE_CONTENT, content_form);
  if (n == NULL) return false;
  for (; in_tok_is(s, i, "required") || in_tok_is(s, i, "data"); i++)
    n->rec.flags |= in_tok_is(s, i, "data") ? IN_MEMBER_DATA : IN_MEMBER_REQUIRED;
  if (in_tok_is(s, i, "format")) return read_formats(r, s, i);
  if (s->has_block) return in_apic_bad(r->c, in_stmt_place(s), content_form, "a block needs `format`");
  if (i == s->ntok && (n->rec.flags & IN_MEMBER_DATA)) return true;
  if (!format_named(r, s, i, &r->rec.text_format)) return false;
  return i + 1 == s->ntok || unexpected(r, s, i + 1, content_form);
}

/* ---- members of one role, several to a statement */

static bool read_many(reader_t *r, const in_stmt_t *s, in_role_t role, const char *form) {
  if (s->ntok < 2 || s->has_block) return in_apic_bad(r->c, in_stmt_place(s), form, "pointers are wanted");
  for (uint32_t i = 1; i < s->ntok; i++)
    if (declare(r, s, i, role, form) == NULL) return false;
  return true;
}

static bool read_text(reader_t *r, const in_stmt_t *s) {
  return read_many(r, s, IN_ROLE_TEXT, "text /POINTER ...;");
}

static bool read_reply(reader_t *r, const in_stmt_t *s) {
  return read_many(r, s, IN_ROLE_REPLY, "reply /POINTER;");
}

static bool read_message(reader_t *r, const in_stmt_t *s) {
  return read_many(r, s, IN_ROLE_MESSAGE, "message /POINTER;");
}

static bool read_conversation(reader_t *r, const in_stmt_t *s) {
  return read_many(r, s, IN_ROLE_CONVERSATION, "conversation /POINTER;");
}

static bool read_name(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "name /POINTER;";
  node_t *n = s->ntok == 2 && !s->has_block ? declare(r, s, 1, IN_ROLE_NAME, form) : NULL;
  return n != NULL || (r->c->diag->status == INTEROP_OK && in_apic_bad(r->c, in_stmt_place(s), form, "this form is not known"));
}

static bool read_call(reader_t *r, const in_stmt_t *s) {
  return read_many(r, s, IN_ROLE_CALL, "call /POINTER;");
}

static bool read_time(reader_t *r, const in_stmt_t *s) {
  return read_many(r, s, IN_ROLE_TIME, "time /POINTER;");
}

static bool read_withheld(reader_t *r, const in_stmt_t *s) {
  return read_many(r, s, IN_ROLE_WITHHELD, "withheld /POINTER ...;");
}

/* a list of elements of this very shape */
static bool read_more(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "more /MEMBER;";
  if (s->ntok != 2 || s->has_block || r->base != r->root)
    return in_apic_bad(r->c, in_stmt_place(s), form, "a member of the element itself is wanted here");
  if (r->more != NULL) return in_apic_bad(r->c, in_stmt_place(s), NULL, "an element has one list of further ones");
  return (r->more = declare(r, s, 1, IN_ROLE_MORE, form)) != NULL;
}

static bool read_inert(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "inert [whole] /POINTER ...;  inert /POINTER { VALUE ... [feature NAME]; ... }";
  bool whole = in_tok_is(s, 1, "whole");
  uint32_t i = whole ? 2 : 1;
  if (i >= s->ntok) return in_apic_bad(r->c, in_stmt_place(s), form, "pointers are wanted");
  if (s->has_block && (whole || s->ntok != 2))
    return in_apic_bad(r->c, in_stmt_place(s), form, "values belong to one member");
  for (; i < s->ntok; i++) {
    node_t *n = declare(r, s, i, IN_ROLE_INERT, form);
    if (n == NULL) return false;
    if (whole) n->rec.flags |= IN_MEMBER_WHOLE;
    if (!s->has_block) continue;
    n->rec.flags |= IN_MEMBER_NAMED;
    if (!in_apic_choices(r->c, s, IN_ROLE_INERT, &n->rec.choices)) return false;
  }
  return true;
}

/* set WORD /POINTER: a member that policies may set by this word */
static bool read_set(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "set WORD /POINTER;";
  node_t *n;
  if (s->ntok != 3 || s->has_block || s->tok[1].kind != IN_TOK_WORD)
    return in_apic_bad(r->c, in_stmt_place(s), form, "a word and a pointer are wanted");
  if (in_tok_is(s, 1, "name"))
    return in_apic_bad(r->c, s->tok[1].place, "name /POINTER;", "the sender's display name has a statement of its own");
  n = declare(r, s, 2, IN_ROLE_SET, form);
  if (n != NULL) n->rec.word = in_builder_str(r->c->b, s->tok[1].text);
  return n != NULL;
}

/* ---- things that go with a message */

static bool read_parts_by(reader_t *r, const in_stmt_t *s, node_t *n, const char *form) {
  uint32_t i = 2;
  if (!s->has_block) return in_apic_bad(r->c, in_stmt_place(s), form, "a block of types is wanted");
  while (i < s->ntok) {
    in_run_t *run = in_tok_is(s, i, "by") ? &n->rec.by : in_tok_is(s, i, "url") ? &n->rec.url
                    : in_tok_is(s, i, "bytes") ? &n->rec.bytes : NULL;
    if (run == NULL) return unexpected(r, s, i, form);
    if (!in_apic_pointer(r->c, s, i + 1, form, run)) return false;
    i += 2;
  }
  if (n->rec.by.count == 0) return in_apic_bad(r->c, in_stmt_place(s), form, "`by` is missing");
  return in_apic_choices(r->c, s, IN_ROLE_PARTS, &n->rec.choices);
}

static bool read_parts(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "parts /POINTER FEATURE;  "
    "parts /POINTER by /POINTER [url /POINTER] [bytes /POINTER] { VALUE ... FEATURE; ... }";
  node_t *n = declare(r, s, 1, IN_ROLE_PARTS, form);
  if (n == NULL) return false;
  if (s->ntok == 3 && !s->has_block) return in_apic_feature(r->c, &s->tok[2], &n->rec.feature);
  return read_parts_by(r, s, n, form);
}

static bool read_part(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "part /POINTER [FEATURE];";
  node_t *n = declare(r, s, 1, IN_ROLE_PART, form);
  if (n == NULL) return false;
  if (s->ntok > 3 || s->has_block) return in_apic_bad(r->c, in_stmt_place(s), form, "this is no part");
  return s->ntok == 2 || in_apic_feature(r->c, &s->tok[2], &n->rec.feature);
}

static bool read_card(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "card /POINTER FEATURE;  card /POINTER { VALUE ... FEATURE; ... }";
  node_t *n = declare(r, s, 1, IN_ROLE_CARD, form);
  if (n == NULL) return false;
  if (s->has_block && s->ntok == 2) return in_apic_choices(r->c, s, IN_ROLE_CARD, &n->rec.choices);
  if (s->ntok == 3 && !s->has_block) return in_apic_feature(r->c, &s->tok[2], &n->rec.feature);
  return in_apic_bad(r->c, in_stmt_place(s), form, "a feature or a block is wanted");
}

static bool read_images(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "images \"PREFIX{id}SUFFIX\" in /POINTER by /POINTER;";
  if (s->ntok != 6 || s->has_block || !in_tok_is(s, 2, "in") || !in_tok_is(s, 4, "by") || !in_apic_word(s, 1))
    return in_apic_bad(r->c, in_stmt_place(s), form, "this statement has another form");
  in_span_t src = s->tok[1].text;
  const char *id = src.n > 0 ? memmem(src.p, src.n, "{id}", 4) : NULL;
  if (id == NULL) return in_apic_bad(r->c, s->tok[1].place, form, "{id} is missing in this form");
  r->rec.image_prefix = in_builder_str(r->c->b, in_span(src.p, (size_t) (id - src.p)));
  r->rec.image_suffix = in_builder_str(r->c->b, in_span(id + 4, src.n - (size_t) (id - src.p) - 4));
  r->images = node_at(r, s, 3, form);
  if (r->images == NULL) return false;
  r->images->place = s->tok[3].place;
  return in_apic_pointer(r->c, s, 5, form, &r->rec.image_id);
}

/* ---- people, and the rest */

static bool read_type(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "type /POINTER { VALUE ... WORD; ... }";
  node_t *n = declare(r, s, 1, IN_ROLE_TYPE, form);
  if (n == NULL) return false;
  if (s->ntok != 2 || !s->has_block) return in_apic_bad(r->c, in_stmt_place(s), form, "a block is wanted");
  return in_apic_choices(r->c, s, IN_ROLE_TYPE, &n->rec.choices);
}

static bool read_parties(reader_t *r, const in_stmt_t *s) {
  uint32_t i = 2;
  node_t *n = declare(r, s, 1, IN_ROLE_PARTIES, "parties /POINTER ...;");
  return n != NULL && in_apic_person(r->c, s, &i, &n->rec);
}

static bool read_party(reader_t *r, const in_stmt_t *s) {
  uint32_t i = in_apic_is_pointer(s, 1) ? 2 : 1;
  node_t *n = i == 2 ? node_at(r, s, 1, "party [/POINTER] ...;") : r->base;
  if (n == NULL || !give_role(r, n, IN_ROLE_PARTY, &s->tok[i - 1])) return false;
  return in_apic_person(r->c, s, &i, &n->rec);
}

static bool read_required(reader_t *r, const in_stmt_t *s) {
  if (s->ntok < 2 || s->has_block)
    return in_apic_bad(r->c, in_stmt_place(s), "required /POINTER ...;", "pointers are wanted");
  for (uint32_t i = 1; i < s->ntok; i++) {
    node_t *n = node_at(r, s, i, "required /POINTER ...;");
    if (n == NULL) return false;
    n->rec.flags |= IN_MEMBER_REQUIRED;
  }
  return true;
}

static bool read_one_of(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "one of /MEMBER /MEMBER ...;";
  in_span_t names[8];
  in_names_t one;
  if (!in_tok_is(s, 1, "of") || s->ntok < 4 || s->ntok - 2 > in_countof(names) || s->has_block
      || r->base != r->root || r->rec.exactly_one.count > 0)
    return in_apic_bad(r->c, in_stmt_place(s), form, "this statement has another form");
  for (uint32_t i = 2; i < s->ntok; i++) {
    if (!in_apic_is_pointer(s, i) || !in_apic_names(r->c, &s->tok[i], &one) || one.count != 1)
      return in_apic_bad(r->c, s->tok[i].place, form, "a member of the body itself is wanted here");
    names[i - 2] = one.name[0];
  }
  r->rec.exactly_one = in_builder_strs(r->c->b, names, s->ntok - 2);
  return true;
}

static bool read_stmts(reader_t *r, const in_stmt_t *s);

static bool read_shape(reader_t *r, const in_tok_t *name) {
  in_named_t *n = in_apic_find(r->c->shapes, name->text);
  if (n == NULL) return in_apic_unnamed(r->c, "shape", name, r->c->shapes);
  if (++r->depth > MAX_SHAPES)
    return in_apic_bad(r->c, name->place, NULL, "shapes are inside one another too deep");
  const in_stmt_t *s = n->stmt;
  if (s->ntok == 4 && in_tok_is(s, 2, "of")) {
    if (!read_shape(r, &s->tok[3])) return false;
  } else if (s->ntok != 2) {
    return in_apic_bad(r->c, s->tok[2].place, "shape NAME [of SHAPE] { ... }", "nothing is wanted here");
  }
  if (!read_stmts(r, s->block)) return false;
  r->depth--;
  return true;
}

static bool read_within(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "within /POINTER SHAPE;";
  node_t *old = r->base;
  if (s->ntok != 3 || s->has_block || !in_apic_word(s, 2))
    return in_apic_bad(r->c, in_stmt_place(s), form, "a pointer and a shape are wanted");
  r->base = node_at(r, s, 1, form);
  if (r->base == NULL || !read_shape(r, &s->tok[2])) return false;
  r->base = old;
  return true;
}

static const struct { const char *word; read_fn read; } rows[] = {
  { "content", read_content }, { "text", read_text }, { "parts", read_parts }, { "part", read_part },
  { "card", read_card }, { "reply", read_reply }, { "message", read_message },
  { "conversation", read_conversation }, { "call", read_call }, { "name", read_name },
  { "inert", read_inert }, { "images", read_images },
  { "type", read_type }, { "parties", read_parties }, { "party", read_party },
  { "required", read_required }, { "one", read_one_of }, { "within", read_within },
  { "time", read_time }, { "set", read_set }, { "more", read_more }, { "withheld", read_withheld },
};

static bool read_stmts(reader_t *r, const in_stmt_t *s) {
  for (; s != NULL; s = s->next) {
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

/* ---- the whole */

/* members inside a content, a list of parts, ... would be judged by nobody */
static bool check_node(reader_t *r, const node_t *n) {
  bool holds = n->rec.role == IN_ROLE_NONE || n->rec.role == IN_ROLE_INERT || n->rec.role == IN_ROLE_PARTY;
  if (n->child != NULL && !holds)
    return in_apic_bad(r->c, n->place, NULL, "members inside \"%.*s\" are declared too, which has a meaning as a whole",
                       (int) n->name.n, n->name.p);
  return true;
}

static bool check_body(reader_t *r, in_place_t place) {
  if (r->images != NULL && r->images->rec.role != IN_ROLE_PARTS)
    return in_apic_bad(r->c, r->images->place, NULL, "images refer to a list of parts");
  if (r->rec.raw.count > 0 && r->nodes > 1)
    return in_apic_bad(r->c, place, NULL, "a raw body has no members");
  return true;
}

static in_ref_t write_slots(reader_t *r, const node_t *n) {
  unsigned char slots[IN_NAME_SLOTS] = { 0 };
  uint32_t count = 0;
  for (const node_t *k = n->child; k != NULL; k = k->next) in_name_put(slots, k->name, count++);
  return in_builder_str(r->c->b, in_span((const char *) slots, count == 0 ? 0 : sizeof(slots)));
}

static bool write_nodes(reader_t *r) {
  node_t **queue = in_arena_array(r->c->arena, r->nodes, sizeof(*queue));
  uint32_t first = in_builder_count(r->c->b, IN_S_MEMBERS, sizeof(in_ai_member_t)), tail = 1;
  if (queue == NULL) return in_apic_nomem(r->c);
  queue[0] = r->root;
  r->rec.root = first;
  r->rec.nodes = r->nodes;
  for (uint32_t i = 0; i < r->nodes; i++) {
    node_t *n = queue[i];
    n->number = i;
    if (!check_node(r, n)) return false;
    n->rec.name = in_builder_str(r->c->b, n->name);
    n->rec.children.first = first + tail;
    for (node_t *k = n->child; k != NULL; k = k->next) queue[tail++] = k;
    n->rec.children.count = first + tail - n->rec.children.first;
    n->rec.slots = write_slots(r, n);
    if (r->lenient) n->rec.flags &= ~IN_MEMBER_REQUIRED;
    if ((n->rec.flags & IN_MEMBER_REQUIRED) || n->rec.role == IN_ROLE_NAME) r->rec.asked[i / 32] |= 1u << i % 32;
    in_builder_add(r->c->b, IN_S_MEMBERS, &n->rec, 1, sizeof(n->rec));
  }
  return true;
}

bool in_apic_shape(in_apic_t *c, const in_tok_t *name, const in_stmt_t *more, bool lenient,
                   in_place_t place, uint32_t *shape) {
  reader_t r = { .c = c, .lenient = lenient };
  r.rec.content = r.rec.format = r.rec.images = IN_NIL;
  r.rec.text_format = IN_NIL;
  r.root = r.base = new_node(&r, NULL, IN_SPAN(""));
  if (r.root == NULL) return false;
  if (name != NULL && !read_shape(&r, name)) return false;
  if (!read_stmts(&r, more) || !check_body(&r, place) || !write_nodes(&r)) return false;
  if (r.content != NULL) r.rec.content = r.content->number;
  if (r.format != NULL) r.rec.format = r.format->number;
  if (r.images != NULL) r.rec.images = r.images->number;
  if (lenient) r.rec.exactly_one.count = 0;
  *shape = in_builder_add(c->b, IN_S_SHAPES, &r.rec, 1, sizeof(r.rec));
  return !c->b->failed || in_apic_nomem(c);
}
