/*
** compile_make.c -- templates and `make` blocks: requests that are made anew.
**
**   make NAME { METHOD /PATH;  json { ... };  [keep /MEMBER ...;]  [pick /POINTER;] }
**   make NAME { METHOD /PATH;  text "$text";  [type text/plain;] }
**
** Owns taking templates apart, so that at run time nothing is parsed: pieces
** of text and names of variables in turns. A string that is "$name" is a
** variable; anything else in a template stays as it is.
*/
#include "compile.h"

static bool is_variable(in_span_t name) {
#define IN_X(id, text) if (in_eq(name, IN_SPAN(text))) return true;
  IN_VARIABLES(IN_X)
#undef IN_X
  return false;
}

static bool unknown_variable(in_apic_t *c, const in_tok_t *tok) {
  static const in_span_t names[] = {
#define IN_X(id, text) { "$" text, sizeof("$" text) - 1 },
    IN_VARIABLES(IN_X)
#undef IN_X
  };
  return in_apic_unknown(c, "variable", tok, names, in_countof(names));
}

/* pieces are between NUL bytes, which printed JSON does not hold */
static bool split_pieces(in_apic_t *c, in_span_t text, in_run_t *run) {
  run->first = in_builder_count(c->b, IN_S_REFS, sizeof(in_ref_t));
  run->count = 0;
  for (;;) {
    const char *nul = text.n > 0 ? memchr(text.p, 0, text.n) : NULL;
    size_t n = nul == NULL ? text.n : (size_t) (nul - text.p);
    in_ref_t r = in_builder_str(c->b, in_span(text.p, n));
    in_builder_add(c->b, IN_S_REFS, &r, 1, sizeof(r));
    run->count++;
    if (nul == NULL) return !c->b->failed || in_apic_nomem(c);
    text = in_span(nul + 1, text.n - n - 1);
  }
}

static in_tok_t token_in(const in_tok_t *json, size_t offset, in_span_t text) {
  in_tok_t t = *json;
  t.text = text;
  t.place.offset += (uint32_t) offset;
  t.place.length = (uint32_t) text.n;
  return t;
}

/* marks the strings that are variables */
static bool mark_variables(in_apic_t *c, const in_tok_t *tok, const in_json_t *j, in_edits_t *e) {
  for (yyjson_val *v = j->root; v < j->root + j->count; v++) {
    if (!yyjson_is_str(v)) continue;
    in_span_t s = in_json_str(v);
    if (s.n < 2 || s.p[0] != '$') continue;
    in_span_t name = in_span(s.p + 1, s.n - 1);
    if (!is_variable(name)) {
      in_tok_t at = token_in(tok, (size_t) (s.p - j->copy), s);
      return unknown_variable(c, &at);
    }
    in_span_t piece = in_arena_printf(c->arena, "%c%.*s%c", 1, (int) name.n, name.p, 1);
    if (piece.p == NULL) return in_apic_nomem(c);
    ((char *) (uintptr_t) piece.p)[0] = ((char *) (uintptr_t) piece.p)[piece.n - 1] = 0;
    in_edits_set(e, v, piece);
    if (!e->failed) e->text[e->count - 1].json = true;
  }
  return !e->failed || in_apic_nomem(c);
}

bool in_apic_template(in_apic_t *c, const in_tok_t *tok, in_run_t *run) {
  in_json_t j;
  in_json_error_t err;
  in_edits_t e;
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(c->arena);
  interop_status_t rc = in_json_parse(tok->text, 0, c->arena, &j, &err);
  if (rc == INTEROP_NOMEM) return in_apic_nomem(c);
  if (rc != INTEROP_OK) {
    in_tok_t at = token_in(tok, err.offset, in_span(tok->text.p, 1));
    return in_apic_bad(c, at.place, NULL, "this is no JSON: %s", err.text);
  }
  if (!in_edits_init(&e, &j, c->arena)) return in_apic_nomem(c);
  if (!mark_variables(c, tok, &j, &e)) return false;
  in_buf_init(&out, &alloc);
  in_json_print(&out, j.root, &e);
  if (out.failed) return in_apic_nomem(c);
  return split_pieces(c, in_buf_span(&out), run);
}

/* "$text" or any text around it */
static bool text_template(in_apic_t *c, const in_tok_t *tok, in_run_t *run) {
  in_span_t s = tok->text;
  if (s.n < 2 || s.p[0] != '$' || !is_variable(in_span(s.p + 1, s.n - 1))) return unknown_variable(c, tok);
  in_span_t pieces[3] = { IN_SPAN(""), in_span(s.p + 1, s.n - 1), IN_SPAN("") };
  *run = in_builder_strs(c->b, pieces, 3);
  return true;
}

/* ---- paths */

static bool path_template(in_apic_t *c, const in_tok_t *tok, in_run_t *run) {
  in_pattern_t p;
  in_buf_t out;
  interop_alloc_t alloc = in_arena_alloc(c->arena);
  if (!in_apic_pattern(c, tok, &p)) return false;
  in_buf_init(&out, &alloc);
  for (uint32_t i = 0; i < p.count; i++) {
    in_buf_byte(&out, '/');
    in_buf_put(&out, p.seg[i].prefix);
    if (p.seg[i].capture == IN_NIL) continue;
    in_buf_byte(&out, '\0');
    in_buf_put(&out, c->capture[p.seg[i].capture]);
    in_buf_byte(&out, '\0');
    in_buf_put(&out, p.seg[i].suffix);
  }
  if (out.failed) return in_apic_nomem(c);
  return split_pieces(c, in_buf_span(&out), run);
}

static bool is_method(in_span_t s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < 'A' || s.p[i] > 'Z') return false;
  return s.n > 0;
}

bool in_apic_make_bare(in_apic_t *c, const in_tok_t *method, const in_tok_t *path, uint32_t *make) {
  in_ai_make_t m = { .api = c->api };
  if (!is_method(method->text))
    return in_apic_bad(c, method->place, NULL, "a method is wanted here: GET, POST, ...");
  if (path->kind != IN_TOK_PATH)
    return in_apic_bad(c, path->place, NULL, "a path is wanted here");
  m.method = in_builder_str(c->b, method->text);
  if (!path_template(c, path, &m.path)) return false;
  *make = in_builder_add(c->b, IN_S_MAKES, &m, 1, sizeof(m));
  return true;
}

/* ---- blocks */

static const char make_form[] = "METHOD /PATH;  json { ... };  keep /MEMBER ...;";

static bool read_keep(in_apic_t *c, const in_stmt_t *s, in_ai_make_t *m) {
  in_names_t names;
  if (m->keep.count > 0) return in_apic_bad(c, in_stmt_place(s), NULL, "keep stands twice");
  in_span_t *all = in_arena_array(c->arena, s->ntok, sizeof(*all));
  if (all == NULL) return in_apic_nomem(c);
  for (uint32_t i = 1; i < s->ntok; i++) {
    if (!in_apic_is_pointer(s, i))
      return in_apic_bad(c, s->tok[i].place, make_form, "a pointer is wanted here");
    if (!in_apic_names(c, &s->tok[i], &names)) return false;
    if (names.count != 1)
      return in_apic_bad(c, s->tok[i].place, NULL, "only members of the body itself can be kept");
    all[i - 1] = names.name[0];
  }
  m->keep = in_builder_strs(c->b, all, s->ntok - 1);
  return true;
}

static bool read_row(in_apic_t *c, const in_stmt_t *s, in_ai_make_t *m) {
  if (s->has_block) return in_apic_bad(c, in_stmt_place(s), make_form, "this statement has no block");
  if (in_tok_is(s, 0, "json") && s->ntok == 2 && s->tok[1].kind == IN_TOK_JSON) {
    m->type = in_builder_str(c->b, IN_SPAN("application/json"));
    return in_apic_template(c, &s->tok[1], &m->body);
  }
  if (in_tok_is(s, 0, "text") && s->ntok == 2 && in_apic_word(s, 1)) {
    m->type = in_builder_str(c->b, IN_SPAN("text/plain"));
    m->flags |= IN_MAKE_RAW;
    return text_template(c, &s->tok[1], &m->body);
  }
  if (in_tok_is(s, 0, "type") && s->ntok == 2 && in_apic_word(s, 1)) {
    m->type = in_builder_str(c->b, s->tok[1].text);
    return true;
  }
  if (in_tok_is(s, 0, "keep") && s->ntok > 1) return read_keep(c, s, m);
  if (in_tok_is(s, 0, "pick") && s->ntok == 2) return in_apic_pointer(c, s, 1, make_form, &m->pick);
  if (s->ntok == 2 && s->tok[1].kind == IN_TOK_PATH && is_method(s->tok[0].text)) {
    m->method = in_builder_str(c->b, s->tok[0].text);
    return path_template(c, &s->tok[1], &m->path);
  }
  return in_apic_bad(c, in_stmt_place(s), make_form, "this says nothing about a request");
}

/* members are kept by being put before the template's last brace */
static bool check_keep(in_apic_t *c, const in_named_t *n, const in_ai_make_t *m) {
  if (m->keep.count == 0) return true;
  const in_ref_t *refs = (const in_ref_t *) (const void *) c->b->section[IN_S_REFS].p;
  in_ref_t last = refs[m->body.first + m->body.count - 1];
  const char *strings = c->b->section[IN_S_STRINGS].p;
  if (last.len > 0 && strings[last.off + last.len - 1] == '}' && !(m->flags & IN_MAKE_RAW)) return true;
  return in_apic_bad(c, n->name->place, NULL, "members can be kept in a JSON object only");
}

bool in_apic_make(in_apic_t *c, in_named_t *named) {
  in_ai_make_t m = { .api = c->api };
  if (named->stmt->ntok != 2)
    return in_apic_bad(c, named->stmt->tok[2].place, "make NAME { ... }", "nothing is wanted here");
  m.name = in_builder_str(c->b, named->name->text);
  for (const in_stmt_t *s = named->stmt->block; s != NULL; s = s->next)
    if (!read_row(c, s, &m)) return false;
  if (c->b->failed) return in_apic_nomem(c);
  if (m.method.len == 0 || m.body.count == 0)
    return in_apic_bad(c, named->name->place, make_form, "a request needs a method, a path and a body");
  if (!check_keep(c, named, &m)) return false;
  named->index = in_builder_add(c->b, IN_S_MAKES, &m, 1, sizeof(m));
  return true;
}
