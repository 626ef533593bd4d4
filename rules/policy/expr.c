/*
** expr.c -- the words of a guard to a typed expression over predicates.
**
**   guard   -> conj { or conj }
**   conj    -> term { and term }
**   term    -> not term | ( guard ) | any party TERM | every party TERM | test
**   test    -> path
**            | path (== | != | < | <= | > | >=) (value | path)
**            | path [not] in (SET | value { value })
**            | path is [not] known
**            | path has (value | path) | features has FEATURE
**            | path matches ~"regex" | path starts with "..." | path ends with "..."
**            | toggle NAME [of TENANT] is [not] (on | off)
**            | table NAME is [not] RESULT
**   value   -> WORD | STRING | tier of SYSTEM
**   path    -> sender.linked_account   recipient.tenant.country   now   operation ...
**
** Inside any/every, `party` is the sender in one copy of the term and the
** recipient in the other: the copies are joined by or / and. `SYSTEM_party` is
** whichever of the two is on that system. Nesting and length are bounded (expr.h).
*/
#include "expr.h"

static in_expr_t *term(exp_t *e);

/* any party TERM, every party TERM; also `any party.x == y` */
static in_expr_t *quantified(exp_t *e, in_expr_kind_t kind) {
  uint32_t start;
  in_expr_t *a, *b;
  if (e->party >= 0) return fail(e, here(e), "any and every cannot be nested", "one `any party ( ... )` may hold several tests");
  e->at++;
  if (is(e, "party")) e->at++;
  start = e->at;
  e->party = IN_SUB_SENDER;
  a = term(e);
  e->at = a == NULL ? e->at : start;
  e->party = IN_SUB_RECIPIENT;
  b = a == NULL ? NULL : term(e);
  e->party = -1;
  return both(e, kind, a, b);
}

/* "red_party.linked_account": the party who is on that system */
static in_expr_t *system_party(exp_t *e, const in_tok_t *tok, int system) {
  in_span_t rest = tok->text, path;
  uint32_t start = ++e->at;
  in_expr_t *side, *a, *b;
  uint32_t slot;
  const char *p = memchr(rest.p, '.', rest.n);
  in_span_t field = p == NULL ? IN_NONE : in_span(p, (size_t) (rest.p + rest.n - p));
  path = in_arena_printf(e->c->arena, "sender%.*s", (int) field.n, field.p);
  slot = path.p == NULL ? IN_NIL : in_path_slot(e->c, tok, path);
  if (slot == IN_NIL) return NULL;
  a = in_exp_fact(e, slot, tok->place);
  path = in_arena_printf(e->c->arena, "recipient%.*s", (int) field.n, field.p);
  slot = a == NULL || path.p == NULL ? IN_NIL : in_path_slot(e->c, tok, path);
  if (slot == IN_NIL) return NULL;
  e->at = start;
  b = in_exp_fact(e, slot, tok->place);
  side = fixed(e, IN_RF_FROM, (uint64_t) 1 << system);
  return both(e, IN_E_OR, both(e, IN_E_AND, side, a), both(e, IN_E_AND, negate(e, side), b));
}

static int party_of_system(const exp_t *e, in_span_t word) {
  for (uint32_t i = 0; i < e->c->vocab.systems.n; i++) {
    in_span_t n = e->c->vocab.systems.at[i].name;
    if (in_starts(word, n) && in_starts(in_span(word.p + n.n, word.n - n.n), IN_SPAN("_party."))) return (int) i;
  }
  return -1;
}

/* table NAME is [not] RESULT */
static in_expr_t *table_test(exp_t *e) {
  const in_tok_t *name, *result;
  in_expr_t *x;
  bool inverse;
  if (e->at + 3 >= e->s->ntok || !in_tok_is(e->s, e->at + 2, "is"))
    return fail(e, here(e), "a table is asked so: table NAME is RESULT", NULL);
  name = &e->s->tok[e->at + 1];
  e->at += 3;
  inverse = take(e, "not");
  if (e->at >= e->s->ntok) return fail(e, here(e), "a result of the table is missing here", NULL);
  result = &e->s->tok[e->at++];
  x = in_table_test(e->c, name, result);
  return inverse ? negate(e, x) : x;
}

static in_expr_t *test(exp_t *e) {
  static const in_request_fact_t fixed_facts[] = { IN_RF_OPERATION, IN_RF_KIND, IN_RF_FROM, IN_RF_TO };
  static const char *const fixed_names[] = { "operation", "kind", "sender.system", "recipient.system" };
  const in_tok_t *tok;
  uint32_t slot;
  int system;
  in_span_t path;
  if (e->at >= e->s->ntok || e->s->tok[e->at].kind != IN_TOK_WORD)
    return fail(e, here(e), "a fact is missing here", "sender.mode == TeamsOnly, toggle NAME is on, not ( ... )");
  if (is(e, "toggle")) return in_exp_toggle(e);
  if (is(e, "table")) return table_test(e);
  if (is(e, "features")) return in_exp_feature(e);
  tok = &e->s->tok[e->at];
  system = party_of_system(e, tok->text);
  if (system >= 0) return system_party(e, tok, system);
  path = in_path_resolve(e, tok->text);
  if (path.p == NULL) return in_nomem(e->c), NULL;
  for (size_t i = 0; i < in_countof(fixed_names); i++) {
    if (!in_eq(path, in_str(fixed_names[i]))) continue;
    e->at++;
    return in_exp_static(e, fixed_facts[i]);
  }
  slot = in_path_slot(e->c, tok, path);
  if (slot == IN_NIL) return NULL;
  e->at++;
  return in_exp_fact(e, slot, tok->place);
}

static in_expr_t *term(exp_t *e) {
  in_expr_t *x;
  if (++e->depth > IN_MAX_NESTING)
    return fail(e, here(e), "the guard is nested too deep", "at most 64 levels of parentheses, not, any and toggles");
  if (take(e, "not")) {
    x = negate(e, term(e));
  } else if (take(e, "(")) {
    x = in_exp_guard(e);
    if (x != NULL && !take(e, ")")) x = fail(e, here(e), "')' is missing here", NULL);
  } else if (is(e, "any")) {
    x = quantified(e, IN_E_OR);
  } else if (is(e, "every")) {
    x = quantified(e, IN_E_AND);
  } else {
    x = test(e);
  }
  e->depth--;
  return x;
}

static in_expr_t *conjunction(exp_t *e) {
  in_expr_t *x = term(e);
  while (x != NULL && take(e, "and")) x = both(e, IN_E_AND, x, term(e));
  return x;
}

in_expr_t *in_exp_guard(exp_t *e) {
  in_expr_t *x;
  if (++e->depth > IN_MAX_NESTING)
    return fail(e, here(e), "the guard is nested too deep", "at most 64 levels of parentheses, not, any and toggles");
  x = conjunction(e);
  while (x != NULL && take(e, "or")) x = both(e, IN_E_OR, x, conjunction(e));
  e->depth--;
  return x;
}

static in_expr_t *parse(in_compile_t *c, const in_stmt_t *s, uint32_t *at, int tenant, in_toggle_view_t view) {
  uint32_t nodes = 0;
  exp_t e = { c, s, *at, tenant, -1, view, 0, &nodes, NULL, -1 };
  in_expr_t *x = in_exp_guard(&e);
  *at = e.at;
  return x;
}

in_expr_t *in_expr_parse(in_compile_t *c, const in_stmt_t *s, uint32_t *at, int tenant_subject) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  return parse(c, s, at, tenant_subject, plain);
}

in_expr_t *in_expr_parse_view(in_compile_t *c, const in_stmt_t *s, uint32_t *at, in_toggle_view_t view) {
  return parse(c, s, at, -1, view);
}
