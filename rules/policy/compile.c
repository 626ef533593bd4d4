/*
** compile.c -- the order of compiling: vocabulary, API definitions, policies,
** predicates to atoms, rules to diagrams, all of it to an image.
** Owns that order and what is checked at its end; each stage has a file of its
** own, and the first error ends it.
*/
#include "compile.h"
#include "label.h"
#include "../api/api.h"

unsigned in_line_of(in_compile_t *c, in_place_t p) {
  in_place_t *last = &c->line_place;
  if (last->source != p.source || last->offset > p.offset) {
    *last = (in_place_t) { p.source, 0, 0 };
    c->line = 1;
  }
  for (; last->offset < p.offset; last->offset++) c->line += p.source->text.p[last->offset] == '\n';
  return c->line;
}

void in_warn(const in_compile_t *c, const interop_diag_t *w) {
  if (c->warn != NULL) c->warn(c->warn_ctx, w);
}

/* reasons that the engine itself gives; a vocabulary must declare them */
static const char *const own_reasons[] = {
  "malformed_path", "malformed_body", "unsupported_media_type", "body_too_large", "unmatched",
  "undetermined", "no_policy", "store_unavailable",
};

static interop_status_t check_reasons(in_compile_t *c) {
  for (size_t i = 0; i < in_countof(own_reasons); i++) {
    if (in_vocab_reason(&c->vocab, in_str(own_reasons[i])) >= 0) continue;
    in_diag_set(c->diag, INTEROP_SYNTAX, "the reason \"%s\", which the engine gives, is not declared", own_reasons[i]);
    in_diag_hint(c->diag, "reason %s 403 \"what the client is told\";", own_reasons[i]);
    return INTEROP_SYNTAX;
  }
  return INTEROP_OK;
}

static interop_status_t unknown_statement(in_compile_t *c, const in_stmt_t *s) {
  static const in_span_t words[] = {
    { "system", 6 }, { "reason", 6 }, { "notice", 6 }, { "set", 3 }, { "record", 6 },
    { "toggle", 6 }, { "labels", 6 }, { "table", 5 }, { "policy", 6 }, { "api", 3 }, { "include", 7 },
  };
  if (in_tok_is(s, 0, "include")) {
    in_diag_at(c->diag, INTEROP_SYNTAX, s->tok[0].place, "only a file can include another");
    return INTEROP_SYNTAX;
  }
  in_vocab_unknown(&c->vocab, "statement", &s->tok[0], words, in_countof(words), c->diag);
  if (in_nearest(s->tok[0].text, words, in_countof(words)).p == NULL)
    in_diag_hint(c->diag, "known are system, reason, notice, set, record, toggle, labels, table, policy, api and include");
  return INTEROP_SYNTAX;
}

/* first of all: a mistyped `reason` would be told as a reason that is unknown elsewhere */
static interop_status_t check_statements(in_compile_t *c, const in_stmt_t *stmts) {
  static const char *const others[] = { "policy", "labels", "api", "table" };
  for (const in_stmt_t *s = stmts; s != NULL; s = s->next) {
    bool known = in_vocab_owns(s);
    for (size_t i = 0; i < in_countof(others) && !known; i++) known = in_tok_is(s, 0, others[i]);
    if (!known) return unknown_statement(c, s);
  }
  return INTEROP_OK;
}

static interop_status_t read_all(in_compile_t *c, const in_stmt_t *stmts) {
  interop_status_t rc = check_statements(c, stmts);
  if (rc == INTEROP_OK) rc = in_vocab_read(&c->vocab, stmts, c->diag);
  if (rc == INTEROP_OK) rc = check_reasons(c);
  if (rc == INTEROP_OK) rc = in_tables_check(c);
  for (const in_stmt_t *s = stmts; s != NULL && rc == INTEROP_OK; s = s->next) {
    if (in_tok_is(s, 0, "policy")) rc = in_policy_read(c, s);
    else if (in_tok_is(s, 0, "labels")) rc = in_labels_read(c, s);
  }
  for (const in_stmt_t *s = stmts; s != NULL && rc == INTEROP_OK; s = s->next)
    if (in_tok_is(s, 0, "api")) rc = in_api_compile(&c->vocab, s, &c->builder, c->arena, c->diag);
  if (rc == INTEROP_OK) rc = in_api_finish(&c->vocab, &c->builder, c->arena, c->diag);
  if (rc == INTEROP_OK) rc = in_escalations_check(c);
  if (rc == INTEROP_OK) rc = in_fanouts_check(c);
  return rc;
}

static interop_status_t read_notices(in_compile_t *c) {
  uint32_t n = c->vocab.notices.n;
  c->notice_when = in_arena_array(c->arena, n + 1, sizeof(*c->notice_when));
  if (c->notice_when == NULL) return in_nomem(c);
  for (uint32_t i = 0; i < n; i++) {
    const in_notice_t *t = &c->vocab.notices.at[i];
    uint32_t at = t->when_at;
    if (t->when == NULL) continue;
    c->notice_when[i] = in_expr_parse(c, t->when, &at, -1);
    if (c->notice_when[i] == NULL) return c->diag->status;
    if (at < t->when->ntok) {
      in_diag_at(c->diag, INTEROP_SYNTAX, t->when->tok[at].place, "this word has no meaning in a guard");
      in_diag_hint(c->diag, "the guard is the end of a notice");
      return c->diag->status;
    }
  }
  return INTEROP_OK;
}

/*
** Outside of a cell, operation, kind and systems are facts like others: their
** tests become predicates. Recursion is bounded by the parser.
*/
static bool unfold(in_compile_t *c, in_expr_t *e) {
  static const char *const names[] = { "operation", "kind", "sender.system", "recipient.system" };
  in_pred_t p;
  if (e == NULL) return true;
  if (e->kind == IN_E_STATIC) {
    memset(&p, 0, sizeof(p));
    p.kind = IN_P_EQ;
    p.slot = in_slot_get(c, IN_SUB_REQUEST, (uint32_t) e->fact, in_str(names[e->fact]), IN_T_ENUM, -1);
    p.slot_b = IN_NIL;
    p.values = e->values;
    e->kind = IN_E_PRED;
    e->pred = p.slot == IN_NIL ? IN_NIL : in_pred_get(c, &p);
    return e->pred != IN_NIL;
  }
  return unfold(c, e->a) && unfold(c, e->b);
}

static interop_status_t unfold_all(in_compile_t *c) {
  for (uint32_t i = 0; i < c->tenant_rules.n; i++)
    if (!unfold(c, c->tenant_rules.at[i].when)) return c->diag->status;
  for (uint32_t i = 0; i < c->rules.n; i++)
    if (c->rules.at[i].kind != IN_R_DENY && c->rules.at[i].kind != IN_R_ROW && !unfold(c, c->rules.at[i].when))
      return c->diag->status;
  for (uint32_t i = 0; i < c->vocab.notices.n; i++)
    if (!unfold(c, c->notice_when[i])) return c->diag->status;
  return INTEROP_OK;
}

/* ---- what nothing asks for */

static void warn_unused(const in_compile_t *c, const char *what, in_span_t name, in_place_t place) {
  interop_diag_t w;
  in_diag_clear(&w);
  in_diag_at(&w, INTEROP_SYNTAX, place, "%s \"%.*s\" is never used", what, (int) name.n, name.p);
  in_warn(c, &w);
}

static void check_used(const in_compile_t *c) {
  const in_vocab_t *v = &c->vocab;
  for (uint32_t i = 0; i < v->sets.n; i++)
    if (!v->sets.at[i].used) warn_unused(c, "the set", v->sets.at[i].name, v->sets.at[i].place);
  for (uint32_t i = 0; i < v->toggles.n; i++)
    if (!v->toggles.at[i].used) warn_unused(c, "the toggle", v->toggles.at[i].name, v->toggles.at[i].place);
  for (uint32_t i = 0; i < v->notices.n; i++) {
    const in_notice_t *n = &v->notices.at[i];
    if (!n->used && n->when == NULL && n->lost == 0 && n->verdicts == 0) warn_unused(c, "the notice", n->name, n->place);
  }
}

/* rules of single tenants hang on sender.tenant.id: it must be an atom */
static interop_status_t ask_tenant(in_compile_t *c) {
  int f = in_vocab_field(&c->vocab, INTEROP_R_TENANT, IN_SPAN("id"));
  in_pred_t p;
  if (f < 0 || c->vocab.fields.at[f].type != IN_T_CODE) {
    in_diag_at(c->diag, INTEROP_SYNTAX, c->tenants.at[0].place, "policies for tenants need the tenant's fact id, of type code");
    in_diag_hint(c->diag, "record tenant { id code; }");
    return INTEROP_SYNTAX;
  }
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_KNOWN;
  p.slot = in_slot_get(c, IN_SUB_SENDER_TENANT, (uint32_t) f, IN_SPAN("sender.tenant.id"), IN_T_CODE, f);
  p.slot_b = IN_NIL;
  p.place = c->tenants.at[0].place;
  c->tenant_pred = p.slot == IN_NIL ? IN_NIL : in_pred_get(c, &p);
  return c->tenant_pred == IN_NIL ? c->diag->status : INTEROP_OK;
}

interop_status_t in_compile_source(in_compile_t *c, const in_stmt_t *stmts) {
  interop_status_t rc;
  c->vocab.arena = c->arena;
  c->stmts = stmts;
  in_builder_init(&c->builder, c->arena, c->alloc);
  in_builder_str(&c->builder, IN_SPAN(""));
  rc = read_all(c, stmts);
  if (rc == INTEROP_OK) rc = in_amends_check(c);
  if (rc == INTEROP_OK) rc = read_notices(c);
  if (rc == INTEROP_OK) rc = unfold_all(c);
  if (rc == INTEROP_OK) rc = in_scripts_finals(c, unfold);
  if (rc == INTEROP_OK && c->tenant_rules.n > 0) rc = ask_tenant(c);
  if (rc == INTEROP_OK) rc = in_atoms_make(c);
  if (rc == INTEROP_OK) rc = in_policy_lower(c);
  if (rc == INTEROP_OK) rc = in_scripts_lower(c);
  if (rc == INTEROP_OK && c->arena->failed) rc = in_nomem(c);
  if (rc == INTEROP_OK) check_used(c);
  return rc;
}

interop_status_t interop_compile_file(const char *path, const interop_alloc_t *alloc,
                                      void **image, size_t *size,
                                      void (*warn)(void *ctx, const interop_diag_t *d), void *ctx,
                                      interop_diag_t *diag) {
  in_arena_t arena;
  in_compile_t *c;
  in_stmt_t *stmts;
  interop_status_t rc;
  in_diag_clear(diag);
  in_arena_init(&arena, alloc);
  c = in_arena_get(&arena, sizeof(*c));
  if (c == NULL) {
    in_diag_set(diag, INTEROP_NOMEM, "out of memory");
    return INTEROP_NOMEM;
  }
  c->arena = &arena;
  c->alloc = alloc;
  c->diag = diag;
  c->warn = warn;
  c->warn_ctx = ctx;
  rc = in_syntax_load(path, &arena, &stmts, diag);
  if (rc == INTEROP_OK) {
    rc = in_compile_source(c, stmts);
    if (rc == INTEROP_OK) rc = in_emit(c, image, size);
    in_builder_free(&c->builder);
  }
  if (rc != INTEROP_OK && diag->status == INTEROP_OK) in_diag_set(diag, rc, "%s", interop_status_name(rc));
  in_arena_free(&arena);
  return rc;
}
