/*
** compile.c -- `api` blocks: the settings of an API, and the order in which
** its parts are compiled.
**
**   api NAME of SYSTEM { SETTING ... shape ... make ... operation ... error ... }
**
** Owns the block's own statements; routes, bodies, makes and operations have
** files of their own. Names may be used before they are declared.
*/
#include <stdarg.h>
#include <stdio.h>
#include "compile.h"

/* ---- errors */

bool in_apic_bad(in_apic_t *c, in_place_t at, const char *hint, const char *fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  in_diag_at(c->diag, INTEROP_SYNTAX, at, "%s", text);
  if (hint != NULL) in_diag_hint(c->diag, "%s", hint);
  return false;
}

bool in_apic_unknown(in_apic_t *c, const char *what, const in_tok_t *tok,
                     const in_span_t *names, size_t count) {
  in_vocab_unknown(c->v, what, tok, names, count, c->diag);
  return false;
}

bool in_apic_nomem(in_apic_t *c) {
  in_diag_set(c->diag, INTEROP_NOMEM, "out of memory");
  return false;
}

/* ---- tokens */

bool in_apic_word(const in_stmt_t *s, uint32_t i) {
  return i < s->ntok && (s->tok[i].kind == IN_TOK_WORD || s->tok[i].kind == IN_TOK_STRING);
}

bool in_apic_is_pointer(const in_stmt_t *s, uint32_t i) {
  if (i >= s->ntok) return false;
  return s->tok[i].kind == IN_TOK_PATH
         || (s->tok[i].kind == IN_TOK_STRING && in_starts(s->tok[i].text, IN_SPAN("/")));
}

bool in_apic_no_block(in_apic_t *c, const in_stmt_t *s, const char *form) {
  return !s->has_block || in_apic_bad(c, in_stmt_place(s), form, "this statement has no block");
}

in_named_t *in_apic_find(in_named_t *list, in_span_t name) {
  while (list != NULL && !in_eq(list->name->text, name)) list = list->next;
  return list;
}

bool in_apic_unnamed(in_apic_t *c, const char *what, const in_tok_t *tok, in_named_t *list) {
  in_span_t names[32];
  size_t n = 0;
  for (; list != NULL && n < in_countof(names); list = list->next) names[n++] = list->name->text;
  return in_apic_unknown(c, what, tok, names, n);
}

bool in_apic_feature(in_apic_t *c, const in_tok_t *tok, uint32_t *feature) {
  in_span_t names[INTEROP_FEATURE_COUNT];
  int f = in_feature_by_name(tok->text);
  if (f >= 0 && f != INTEROP_F_UNDECLARED) {
    *feature = (uint32_t) f;
    return true;
  }
  for (int i = 0; i < INTEROP_FEATURE_COUNT; i++)
    names[i] = in_str(interop_feature_name((interop_feature_t) i));
  return in_apic_unknown(c, "feature", tok, names, INTEROP_F_UNDECLARED);
}

/* ---- pointers */

static in_span_t unescape(in_apic_t *c, in_span_t raw) {
  char *p = in_arena_get(c->arena, raw.n + 1);
  size_t n = 0;
  if (p == NULL) return IN_NONE;
  for (size_t i = 0; i < raw.n; i++)
    p[n++] = raw.p[i] != '~' || i + 1 == raw.n ? raw.p[i] : raw.p[++i] == '1' ? '/' : '~';
  return in_span(p, n);
}

bool in_apic_names(in_apic_t *c, const in_tok_t *tok, in_names_t *names) {
  in_span_t rest = tok->text, raw;
  uint32_t count = 0;
  for (size_t i = 0; i < rest.n; i++) count += rest.p[i] == '/';
  names->name = in_arena_array(c->arena, count + 1, sizeof(in_span_t));
  names->count = 0;
  if (names->name == NULL) return in_apic_nomem(c);
  while (in_json_step(&rest, &raw)) {
    in_span_t name = unescape(c, raw);
    if (name.p == NULL) return in_apic_nomem(c);
    if (name.n == 0) return in_apic_bad(c, tok->place, NULL, "a member without a name in this pointer");
    names->name[names->count++] = name;
  }
  return true;
}

bool in_apic_pointer(in_apic_t *c, const in_stmt_t *s, uint32_t i, const char *form, in_run_t *run) {
  in_names_t names;
  if (!in_apic_is_pointer(s, i)) {
    const in_tok_t *t = &s->tok[i < s->ntok ? i : s->ntok - 1];
    return in_apic_bad(c, t->place, form, i < s->ntok ? "a pointer is wanted here"
                                                      : "a pointer is wanted after this");
  }
  if (!in_apic_names(c, &s->tok[i], &names)) return false;
  *run = in_builder_strs(c->b, names.name, names.count);
  return true;
}

/* ---- settings */

typedef bool (*read_fn)(in_apic_t *c, const in_stmt_t *s);

static bool read_paths(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "paths ignore case;  paths odata keys;  paths optional /PREFIX;";
  if (s->has_block) return in_apic_bad(c, in_stmt_place(s), form, "this statement has no block");
  if (s->ntok == 3 && in_tok_is(s, 1, "ignore") && in_tok_is(s, 2, "case"))
    c->rec.flags |= IN_API_PATHS_NOCASE;
  else if (s->ntok == 3 && in_tok_is(s, 1, "odata") && in_tok_is(s, 2, "keys"))
    c->rec.flags |= IN_API_PATHS_ODATA;
  else if (s->ntok == 3 && in_tok_is(s, 1, "optional") && s->tok[2].kind == IN_TOK_PATH)
    return in_apic_pattern(c, &s->tok[2], &c->optional);
  else
    return in_apic_bad(c, in_stmt_place(s), form, "this is nothing that paths can be");
  return true;
}

static bool read_members(in_apic_t *c, const in_stmt_t *s) {
  if (s->ntok != 3 || s->has_block || !in_tok_is(s, 1, "ignore") || !in_tok_is(s, 2, "case"))
    return in_apic_bad(c, in_stmt_place(s), "members ignore case;", "this is nothing that members can be");
  c->rec.flags |= IN_API_MEMBERS_NOCASE;
  c->nocase_members = true;
  return true;
}

static bool read_guards(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "guards /PATH ...;  guards anywhere /PATH ...;";
  in_pattern_t p;
  uint32_t first = in_tok_is(s, 1, "anywhere") ? 2 : 1;
  if (!in_apic_no_block(c, s, form)) return false;
  if (s->ntok == first) return in_apic_bad(c, s->tok[first - 1].place, form, "a path is wanted after this");
  if (first == 2) c->rec.flags |= IN_API_ANYWHERE;
  for (uint32_t i = first; i < s->ntok; i++) {
    if (s->tok[i].kind != IN_TOK_PATH) return in_apic_bad(c, s->tok[i].place, form, "a path is wanted here");
    if (!in_apic_pattern(c, &s->tok[i], &p)) return false;
    if (!(first == 2 ? in_apic_guard_anywhere(c, &p) : in_apic_guard(c, &p))) return false;
  }
  return true;
}

static bool read_alias(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "alias /PATH ... as /PATH;";
  in_pattern_t to;
  uint32_t n = s->ntok;
  if (n < 4 || s->has_block || !in_tok_is(s, n - 2, "as") || s->tok[n - 1].kind != IN_TOK_PATH)
    return in_apic_bad(c, in_stmt_place(s), form, "an alias names paths and what they mean");
  if (!in_apic_pattern(c, &s->tok[n - 1], &to)) return false;
  for (uint32_t i = 1; i < n - 2; i++) {
    in_alias_t *a = in_arena_get(c->arena, sizeof(*a));
    if (a == NULL) return in_apic_nomem(c);
    if (s->tok[i].kind != IN_TOK_PATH)
      return in_apic_bad(c, s->tok[i].place, form, "a path is wanted here");
    if (!in_apic_pattern(c, &s->tok[i], &a->from) || !in_apic_guard(c, &a->from)) return false;
    a->to = to;
    a->next = c->aliases;
    c->aliases = a;
  }
  return true;
}

static bool read_gifs(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "gifs HOST ...;";
  if (c->rec.gif_hosts.count > 0) return in_apic_bad(c, in_stmt_place(s), NULL, "gifs stands twice");
  if (!in_apic_no_block(c, s, form)) return false;
  in_run_t run = { in_builder_count(c->b, IN_S_REFS, sizeof(in_ref_t)), 0 };
  for (uint32_t i = 1; i < s->ntok; i++, run.count++) {
    if (!in_apic_word(s, i)) return in_apic_bad(c, s->tok[i].place, form, "a host is wanted here");
    in_ref_t r = in_builder_str(c->b, s->tok[i].text);
    in_builder_add(c->b, IN_S_REFS, &r, 1, sizeof(r));
  }
  c->rec.gif_hosts = run;
  return true;
}

static bool read_element_row(in_apic_t *c, const in_stmt_t *s, in_ai_element_t *e) {
  static const char form[] = "feature NAME;  text @ATTRIBUTE;  hidden;  block;  pre;  group;";
  static const struct { const char *name; uint32_t flag; } flags[] = {
    { "hidden", IN_EL_HIDDEN }, { "block", IN_EL_BLOCK }, { "pre", IN_EL_PRE }, { "group", IN_EL_NONE } };
  if (in_tok_is(s, 0, "feature") && s->ntok == 2 && !s->has_block)
    return in_apic_feature(c, &s->tok[1], &e->feature);
  if (in_tok_is(s, 0, "text") && s->ntok == 2 && in_starts(s->tok[1].text, IN_SPAN("@"))) {
    e->text_attr = in_builder_str(c->b, in_span(s->tok[1].text.p + 1, s->tok[1].text.n - 1));
    return true;
  }
  for (size_t i = 0; i < in_countof(flags); i++) {
    if (s->ntok != 1 || !in_tok_is(s, 0, flags[i].name)) continue;
    e->flags |= flags[i].flag;
    return true;
  }
  return in_apic_bad(c, in_stmt_place(s), form, "this says nothing about an element");
}

static bool read_element(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "element TAG [@ATTRIBUTE [VALUE]] { feature NAME; ... }";
  in_ai_element_t e = { .feature = IN_NIL };
  if (!in_apic_word(s, 1) || s->ntok > 4 || !s->has_block)
    return in_apic_bad(c, in_stmt_place(s), form, "an element has a tag and a block");
  e.tag = in_builder_str(c->b, s->tok[1].text);
  if (s->ntok > 2) {
    if (!in_starts(s->tok[2].text, IN_SPAN("@")) || s->tok[2].text.n < 2)
      return in_apic_bad(c, s->tok[2].place, form, "an attribute begins with '@'");
    e.attr = in_builder_str(c->b, in_span(s->tok[2].text.p + 1, s->tok[2].text.n - 1));
  }
  if (s->ntok > 3) e.value = in_builder_str(c->b, s->tok[3].text);
  for (const in_stmt_t *row = s->block; row != NULL; row = row->next)
    if (!read_element_row(c, row, &e)) return false;
  in_builder_add(c->b, IN_S_ELEMENTS, &e, 1, sizeof(e));
  c->rec.elements.count++;
  return true;
}

static bool read_error(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "error [TYPE] json { ... };";
  uint32_t n = s->ntok;
  if (n < 3 || n > 4 || s->tok[n - 1].kind != IN_TOK_JSON)
    return in_apic_bad(c, in_stmt_place(s), form, "an error is a JSON template");
  if (c->rec.error.count > 0) return in_apic_bad(c, in_stmt_place(s), NULL, "error stands twice");
  c->rec.error_type = in_builder_str(c->b, n == 4 ? s->tok[1].text : IN_SPAN("application/json"));
  return in_apic_template(c, &s->tok[n - 1], &c->rec.error);
}

/* ---- names first, so that order does not matter */

static bool add_named(in_apic_t *c, const in_stmt_t *s, const char *form, in_named_t **list) {
  if (!in_apic_word(s, 1) || !s->has_block)
    return in_apic_bad(c, in_stmt_place(s), form, "a name and a block are wanted");
  if (in_apic_find(*list, s->tok[1].text) != NULL)
    return in_apic_bad(c, s->tok[1].place, NULL, "\"%.*s\" is declared twice",
                       (int) s->tok[1].text.n, s->tok[1].text.p);
  in_named_t *n = in_arena_get(c->arena, sizeof(*n));
  if (n == NULL) return in_apic_nomem(c);
  n->name = &s->tok[1];
  n->stmt = s;
  n->index = IN_NIL;
  while (*list != NULL) list = &(*list)->next;
  *list = n;
  return true;
}

static bool name_shape(in_apic_t *c, const in_stmt_t *s) {
  return add_named(c, s, "shape NAME [of SHAPE] { ... }", &c->shapes);
}

static bool name_identity(in_apic_t *c, const in_stmt_t *s) {
  return add_named(c, s, "identity NAME { id /POINTER ...; ... }", &c->identities);
}

static bool name_make(in_apic_t *c, const in_stmt_t *s) {
  return add_named(c, s, "make NAME { METHOD /PATH;  json { ... };  ... }", &c->makes);
}

/* what stands in an api block: read in the passes' order */
static const struct { const char *word; int pass; read_fn read; } kinds[] = {
  { "paths", 0, read_paths }, { "members", 0, read_members }, { "element", 0, read_element },
  { "gifs", 0, read_gifs }, { "shape", 0, name_shape }, { "identity", 0, name_identity },
  { "make", 0, name_make }, { "guards", 1, read_guards }, { "alias", 1, read_alias },
  { "error", 1, read_error }, { "conversations", 1, in_apic_conversations },
  { "operation", 2, in_apic_operation }, { "escalation", 2, in_apic_escalation },
};

static bool read_pass(in_apic_t *c, int pass) {
  for (const in_stmt_t *s = c->stmt->block; s != NULL; s = s->next) {
    size_t i = 0;
    while (i < in_countof(kinds) && !in_tok_is(s, 0, kinds[i].word)) i++;
    if (i < in_countof(kinds)) {
      if (kinds[i].pass == pass && !kinds[i].read(c, s)) return false;
      continue;
    }
    in_span_t names[in_countof(kinds)];
    for (i = 0; i < in_countof(kinds); i++) names[i] = in_str(kinds[i].word);
    return in_apic_unknown(c, "statement", &s->tok[0], names, in_countof(kinds));
  }
  return true;
}

static bool compile_makes(in_apic_t *c) {
  for (in_named_t *n = c->makes; n != NULL; n = n->next)
    if (!in_apic_make(c, n)) return false;
  return true;
}

static bool write_operations(in_apic_t *c) {
  c->rec.operations.count = c->opers;
  for (uint32_t i = 0; i < c->opers; i++)
    in_builder_add(c->b, IN_S_OPERATIONS, &c->oper[i].rec, 1, sizeof(in_ai_operation_t));
  return true;
}

/* as deep as blocks are nested, which the parser bounds */
static uint64_t digest(const in_stmt_t *s, uint64_t h) {
  for (; s != NULL; s = s->next) {
    for (uint32_t i = 0; i < s->ntok; i++)
      h = (h ^ in_hash64(s->tok[i].text.p, s->tok[i].text.n) ^ (uint64_t) s->tok[i].kind) * 0x9e3779b97f4a7c15ull + 1;
    h = digest(s->block, (h ^ (uint64_t) s->has_block) * 0x9e3779b97f4a7c15ull + 3) * 31 + 7;
  }
  return h;
}

static bool write_api(in_apic_t *c) {
  uint64_t h = digest(c->stmt->block, 1);
  c->rec.digest[0] = (uint32_t) h;
  c->rec.digest[1] = (uint32_t) (h >> 32);
  c->rec.captures = in_builder_strs(c->b, c->capture, c->captures);
  c->rec.makes.count = in_builder_count(c->b, IN_S_MAKES, sizeof(in_ai_make_t)) - c->rec.makes.first;
  in_builder_add(c->b, IN_S_APIS, &c->rec, 1, sizeof(c->rec));
  return !c->b->failed || in_apic_nomem(c);
}

/* ---- the block */

static bool read_head(in_apic_t *c) {
  const in_stmt_t *s = c->stmt;
  if (s->ntok != 4 || !in_apic_word(s, 1) || !in_tok_is(s, 2, "of") || !in_apic_word(s, 3) || !s->has_block)
    return in_apic_bad(c, in_stmt_place(s), "api NAME of SYSTEM { ... }", "an api has a name and a system");
  int system = in_vocab_system(c->v, s->tok[3].text);
  if (system < 0) {
    const in_span_t *names;
    int n = in_vocab_systems(c->v, &names);
    return in_apic_unknown(c, "system", &s->tok[3], names, (size_t) n);
  }
  c->rec.name = in_builder_str(c->b, s->tok[1].text);
  c->rec.system = (uint32_t) system;
  return true;
}

/* a name that an earlier block has */
static bool check_new(in_apic_t *c) {
  if (c->b->failed) return in_apic_nomem(c);
  const in_ai_api_t *old = (const in_ai_api_t *) (const void *) c->b->section[IN_S_APIS].p;
  const char *strings = c->b->section[IN_S_STRINGS].p;
  for (uint32_t i = 0; i < c->api; i++)
    if (in_eq(in_span(strings + old[i].name.off, old[i].name.len), c->stmt->tok[1].text))
      return in_apic_bad(c, c->stmt->tok[1].place, NULL, "the api \"%.*s\" is declared twice",
                         (int) c->stmt->tok[1].text.n, c->stmt->tok[1].text.p);
  return true;
}

interop_status_t in_api_compile(const in_vocab_t *v, const in_stmt_t *stmt, in_builder_t *b,
                                in_arena_t *arena, interop_diag_t *diag) {
  in_apic_t c = { .v = v, .b = b, .arena = arena, .diag = diag, .stmt = stmt };
  c.api = in_builder_count(b, IN_S_APIS, sizeof(in_ai_api_t));
  c.rec.elements.first = in_builder_count(b, IN_S_ELEMENTS, sizeof(in_ai_element_t));
  c.rec.operations.first = in_builder_count(b, IN_S_OPERATIONS, sizeof(in_ai_operation_t));
  c.rec.makes.first = in_builder_count(b, IN_S_MAKES, sizeof(in_ai_make_t));
  c.rec.meeting = c.rec.link = IN_NIL;
  c.root = in_arena_get(arena, sizeof(*c.root));
  c.rnodes = 1;
  if (c.root == NULL) in_apic_nomem(&c);
  else if (read_head(&c) && check_new(&c) && read_pass(&c, 0) && read_pass(&c, 1)
           && compile_makes(&c) && read_pass(&c, 2)) {
    if (c.rec.error.count == 0)
      in_apic_bad(&c, stmt->tok[1].place, "error json { \"code\": \"$reason\" };",
                  "this api does not say what an error looks like");
    else if (in_apic_write_routes(&c) && write_operations(&c) && write_api(&c))
      return INTEROP_OK;
  }
  if (diag->status == INTEROP_OK) in_apic_nomem(&c);
  return diag->status;
}

/* every block is complete by itself; nothing needs them all */
interop_status_t in_api_finish(const in_vocab_t *v, in_builder_t *b, in_arena_t *arena,
                               interop_diag_t *diag) {
  (void) v;
  (void) arena;
  if (!b->failed) return INTEROP_OK;
  in_diag_set(diag, INTEROP_NOMEM, "out of memory");
  return INTEROP_NOMEM;
}
