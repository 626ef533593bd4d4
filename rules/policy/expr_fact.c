/*
** expr_fact.c -- tests of one fact, and the values in them.
**
**   path (== | != | < | <= | > | >=) (value | path)      path has (value | path)
**   path [not] in (SET | value { value })                path is [not] known
**   path matches ~"regex" | path (starts | ends) with "..."
**   path                                                 of a flag
**   operation, kind, sender.system, recipient.system: (== | != | [not] in) ...
**   features has FEATURE
**   value -> WORD | STRING | tier of SYSTEM
**
** Owns what types can be asked. A word that is nearly a path or a set is taken
** for a mistake, not for a text.
*/
#include "expr.h"
#include "facts.h"
#include "meant.h"
#include "regex.h"

/* ---- values */

static const in_field_t *field_of(const exp_t *e, uint32_t slot) {
  int f = e->c->slots.at[slot].vocab_field;
  return f < 0 ? NULL : &e->c->vocab.fields.at[f];
}

/* words that go on with the guard or end it; [KT-5] is a tag */
static bool is_structure(const exp_t *e) {
  static const char *const words[] = { "and", "or", "not", "when", "unless", "unknown", ")" };
  const in_tok_t *tok = &e->s->tok[e->at];
  for (size_t i = 0; i < in_countof(words); i++)
    if (is(e, words[i])) return true;
  return tok->kind == IN_TOK_WORD && tok->text.n > 0 && tok->text.p[0] == '[';
}

static bool is_value(const exp_t *e) {
  in_tok_kind_t k;
  if (e->at >= e->s->ntok || is_structure(e)) return false;
  k = e->s->tok[e->at].kind;
  return k == IN_TOK_WORD || k == IN_TOK_STRING || k == IN_TOK_PATH;
}

static bool ends_list(const exp_t *e) { return e->at >= e->s->ntok || is_structure(e); }

/* `tier of SYSTEM`, or the token itself */
static bool value_text(exp_t *e, in_span_t *text, in_place_t *place) {
  int sys;
  *place = here(e);
  if (is(e, "tier") && in_tok_is(e->s, e->at + 1, "of") && e->at + 2 < e->s->ntok) {
    e->at += 2;
    sys = in_vocab_system(&e->c->vocab, e->s->tok[e->at].text);
    *place = here(e);
    if (sys < 0) return in_vocab_no(&e->c->vocab, IN_W_SYSTEM, &e->s->tok[e->at], e->c->diag), false;
    *text = e->c->vocab.systems.at[sys].tier;
    e->at++;
    if (text->p == NULL) { fail(e, *place, "this system declares no tier", "tier WORD; in its block"); return false; }
    return true;
  }
  if (!is_value(e)) {
    fail(e, *place, "a value is missing here", "a text that is no word stands in quotes");
    return false;
  }
  *text = e->s->tok[e->at++].text;
  return true;
}

static bool enum_value(exp_t *e, const in_field_t *f, in_span_t text, in_place_t place, uint64_t *bit) {
  in_tok_t tok = { IN_TOK_WORD, text, place };
  int v = in_field_value(f, text);
  if (v < 0) {
    in_vocab_no_value(&e->c->vocab, &tok, f->value, f->values, e->c->diag);
    return false;
  }
  *bit = (uint64_t) 1 << v;
  return true;
}

/* ---- tests on operation, kind and systems: they fold away in a cell */

static bool op_pattern(in_span_t word, uint64_t *bits) {
  int op = in_operation_by_name(word);
  *bits = 0;
  if (op >= 0) { *bits = (uint64_t) 1 << op; return true; }
  if (!in_ends(word, IN_SPAN(".*"))) return false;
  for (int i = 0; i < INTEROP_OPERATION_COUNT; i++)
    if (in_starts(in_str(interop_operation_name((interop_operation_t) i)), in_span(word.p, word.n - 1)))
      *bits |= (uint64_t) 1 << i;
  return *bits != 0;
}

static bool static_value(exp_t *e, in_request_fact_t fact, uint64_t *bits) {
  in_tok_t tok;
  int v;
  if (!is_value(e)) { fail(e, here(e), "a value is missing here", NULL); return false; }
  tok = e->s->tok[e->at];
  if (fact == IN_RF_OPERATION) {
    if (!op_pattern(tok.text, bits)) {
      in_vocab_no(&e->c->vocab, IN_W_OPERATION, &tok, e->c->diag);
      return false;
    }
  } else {
    v = fact == IN_RF_KIND ? in_kind_by_name(tok.text) : in_vocab_system(&e->c->vocab, tok.text);
    if (v < 0) {
      in_vocab_no(&e->c->vocab, fact == IN_RF_KIND ? IN_W_KIND : IN_W_SYSTEM, &tok, e->c->diag);
      return false;
    }
    *bits = (uint64_t) 1 << v;
  }
  e->at++;
  return true;
}

/* sender.system == recipient.system, spelt out over all systems */
static in_expr_t *same_system(exp_t *e) {
  in_expr_t *x = node(e, IN_E_FALSE, NULL, NULL);
  for (uint32_t s = 0; s < e->c->vocab.systems.n; s++)
    x = both(e, IN_E_OR, x, both(e, IN_E_AND, fixed(e, IN_RF_FROM, (uint64_t) 1 << s), fixed(e, IN_RF_TO, (uint64_t) 1 << s)));
  return x;
}

in_expr_t *in_exp_static(exp_t *e, in_request_fact_t fact) {
  uint64_t all = 0, bits;
  bool inverse = take(e, "!=");
  if (inverse || take(e, "==")) {
    if ((fact == IN_RF_FROM && take(e, "recipient.system")) || (fact == IN_RF_TO && take(e, "sender.system")))
      return inverse ? negate(e, same_system(e)) : same_system(e);
    if (!static_value(e, fact, &all)) return NULL;
  } else {
    inverse = take(e, "not");
    if (!take(e, "in")) return fail(e, here(e), "==, != or in is wanted here", "== VALUE, != VALUE, [not] in VALUE ...");
    do {
      if (!static_value(e, fact, &bits)) return NULL;
      all |= bits;
    } while (!ends_list(e));
  }
  return inverse ? negate(e, fixed(e, fact, all)) : fixed(e, fact, all);
}

/* ---- tests on other facts */

static in_expr_t *equals(exp_t *e, uint32_t slot, in_span_t *text, uint32_t n, const in_place_t *place) {
  const in_field_t *f = field_of(e, slot);
  in_pred_t p;
  p = new_predicate(e, IN_P_EQ, slot);
  switch (e->c->slots.at[slot].type) {
    case IN_T_ENUM:
      for (uint32_t i = 0; i < n; i++) {
        uint64_t bit;
        if (!enum_value(e, f, text[i], place[i], &bit)) return NULL;
        p.values |= bit;
      }
      break;
    case IN_T_FLAG:
      for (uint32_t i = 0; i < n; i++) {
        if (!in_eq(text[i], IN_SPAN("true")) && !in_eq(text[i], IN_SPAN("false")))
          return fail(e, place[i], "this fact is a flag: true or false", "or alone: `when FACT`, `when not FACT`");
        p.values |= in_eq(text[i], IN_SPAN("true")) ? 2u : 1u;
      }
      break;
    case IN_T_CODE: case IN_T_TEXT:
      p.text = text;
      p.texts = n;
      break;
    default:
      return fail(e, n > 0 ? place[0] : here(e), "this fact cannot be compared so",
                  e->c->slots.at[slot].type == IN_T_LIST ? "a list: FACT has VALUE" : "==, !=, <, <=, > or >=");
  }
  return predicate(e, &p);
}

static bool slot_is_comparable(const exp_t *e, uint32_t slot) {
  const in_field_t *f = field_of(e, slot);
  in_type_t t = e->c->slots.at[slot].type;
  return t == IN_T_NUMBER || t == IN_T_TIME || (t == IN_T_ENUM && f != NULL && f->ordered);
}

/* is the token here the path of a fact? (not: a value that happens to look so) */
static bool is_path(const exp_t *e) {
  in_span_t field, path;
  if (e->at >= e->s->ntok || e->s->tok[e->at].kind != IN_TOK_WORD) return false;
  path = in_path_resolve(e, e->s->tok[e->at].text);
  return path.p != NULL && (in_eq(path, IN_SPAN("now")) || in_starts(path, IN_SPAN("client."))
                            || in_path_subject(path, &field) >= 0);
}

/* recipent.id is no text that anybody compares with */
static bool is_mistyped_path(exp_t *e) {
  in_span_t *names, path;
  uint32_t n;
  const in_tok_t *tok = &e->s->tok[e->at];
  if (!is_value(e) || tok->kind != IN_TOK_WORD || memchr(tok->text.p, '.', tok->text.n) == NULL) return false;
  path = in_path_resolve(e, tok->text);
  if (path.p == NULL || !in_path_names(e->c, &names, &n) || in_nearest(path, names, n).p == NULL) return false;
  in_path_slot(e->c, tok, path);
  return e->c->diag->status != INTEROP_OK;
}

static bool same_values(const in_field_t *a, const in_field_t *b) {
  if (a == NULL || b == NULL || a->values != b->values) return a == b;
  for (uint32_t i = 0; i < a->values; i++)
    if (!in_eq(a->value[i], b->value[i])) return false;
  return true;
}

static in_expr_t *relation(exp_t *e, uint32_t slot, unsigned cmp) {
  const in_tok_t *tok = &e->s->tok[e->at];
  in_span_t path = in_path_resolve(e, tok->text);
  in_pred_t p;
  in_type_t a = e->c->slots.at[slot].type, b;
  p = new_predicate(e, IN_P_REL, slot);
  p.cmp = cmp;
  p.slot_b = in_path_slot(e->c, tok, path);
  if (p.slot_b == IN_NIL) return NULL;
  b = e->c->slots.at[p.slot_b].type;
  if ((a != b && !(a == IN_T_CODE && b == IN_T_TEXT) && !(a == IN_T_TEXT && b == IN_T_CODE))
      || (a == IN_T_ENUM && !same_values(field_of(e, slot), field_of(e, p.slot_b))))
    return fail(e, tok->place, "the two facts are of different types", NULL);
  if (a == IN_T_LIST) return fail(e, tok->place, "lists cannot be compared", "use has");
  if (cmp != IN_CMP_EQ && cmp != (IN_CMP_LT | IN_CMP_GT) && !slot_is_comparable(e, slot))
    return fail(e, tok->place, "these facts have no order", "== or !=");
  e->at++;
  return predicate(e, &p);
}

static bool number_of(exp_t *e, uint32_t slot, in_span_t text, in_place_t place, int64_t *n) {
  const in_field_t *f = field_of(e, slot);
  if (e->c->slots.at[slot].type == IN_T_TIME) {
    if (in_time_parse(text, n)) return true;
    fail(e, place, "a time is wanted here", "2019-01-15 or 2019-01-15T10:00:00Z");
    return false;
  }
  if (e->c->slots.at[slot].type == IN_T_ENUM) {
    uint64_t bit;
    if (!enum_value(e, f, text, place, &bit)) return false;
    for (*n = 0; bit > 1; bit >>= 1) ++*n;
    return true;
  }
  if (in_vocab_number(text, n)) return true;
  fail(e, place, "a whole number is wanted here", "at most 18 digits");
  return false;
}

static in_expr_t *compare(exp_t *e, uint32_t slot, unsigned cmp) {
  in_pred_t p;
  in_span_t *text = in_arena_get(e->c->arena, sizeof(*text));
  in_place_t place;
  bool equality = cmp == IN_CMP_EQ || cmp == (IN_CMP_LT | IN_CMP_GT);
  if (text == NULL) { in_nomem(e->c); return NULL; }
  if (is_path(e)) return relation(e, slot, cmp);
  if (is_mistyped_path(e)) return NULL;
  if (!value_text(e, text, &place)) return NULL;
  if (equality && e->c->slots.at[slot].type != IN_T_NUMBER && e->c->slots.at[slot].type != IN_T_TIME) {
    in_expr_t *x = equals(e, slot, text, 1, &place);
    return cmp == IN_CMP_EQ ? x : negate(e, x);
  }
  if (!slot_is_comparable(e, slot))
    return fail(e, place, "this fact has no order", "== or !=; a `one of` has one if it is declared `ordered`");
  p = new_predicate(e, IN_P_CMP, slot);
  p.cmp = cmp;
  if (!number_of(e, slot, *text, place, &p.number)) return NULL;
  return predicate(e, &p);
}

/* one word that is no set, but nearly: who means the word itself puts it in quotes */
static bool is_mistyped_set(exp_t *e, uint32_t slot) {
  const in_vocab_t *v = &e->c->vocab;
  const in_field_t *f = field_of(e, slot);
  in_span_t *names = in_arena_array(e->c->arena, v->sets.n + 1, sizeof(*names)), near;
  const in_tok_t *tok = &e->s->tok[e->at];
  exp_t next = *e;
  if (names == NULL || !is_value(e) || tok->kind != IN_TOK_WORD) return false;
  next.at++;
  if (!ends_list(&next) || (f != NULL && in_field_value(f, tok->text) >= 0)) return false;
  for (uint32_t i = 0; i < v->sets.n; i++) names[i] = v->sets.at[i].name;
  near = in_nearest(tok->text, names, v->sets.n);
  if (near.p == NULL) return false;
  in_diag_at(e->c->diag, INTEROP_SYNTAX, tok->place, "unknown set \"%.*s\"", (int) tok->text.n, tok->text.p);
  in_diag_hint(e->c->diag, "did you mean \"%.*s\"? A text stands in quotes", (int) near.n, near.p);
  return true;
}

static in_expr_t *member_of(exp_t *e, uint32_t slot) {
  IN_VEC(in_span_t) text = { NULL, 0, 0 };
  IN_VEC(in_place_t) place = { NULL, 0, 0 };
  int set = is_value(e) ? in_vocab_set(&e->c->vocab, e->s->tok[e->at].text) : -1;
  if (set >= 0) {
    in_set_t *t = &e->c->vocab.sets.at[set];
    t->used = true;
    for (uint32_t i = 0; i < t->count; i++)
      if (!in_vec_push(e->c->arena, &text, t->member[i]) || !in_vec_push(e->c->arena, &place, here(e)))
        return in_nomem(e->c), NULL;
    e->at++;
  } else if (is_mistyped_set(e, slot)) {
    return NULL;
  } else {
    do {
      in_span_t v;
      in_place_t p;
      if (!value_text(e, &v, &p)) return NULL;
      if (!in_vec_push(e->c->arena, &text, v) || !in_vec_push(e->c->arena, &place, p))
        return in_nomem(e->c), NULL;
    } while (!ends_list(e));
  }
  return equals(e, slot, text.at, text.n, place.at);
}

/* the caret stands where the expression goes wrong */
static bool regex_ok(exp_t *e, const in_tok_t *tok) {
  char why[128];
  size_t at;
  in_place_t place = tok->place;
  interop_status_t rc = in_regex_check(tok->text, e->c->alloc, why, sizeof(why), &at);
  if (rc == INTEROP_OK) return true;
  if (rc == INTEROP_NOMEM) return in_nomem(e->c), false;
  place.offset += (uint32_t) at + 2;
  place.length = 1;
  in_diag_at(e->c->diag, INTEROP_SYNTAX, place, "the regular expression is not valid: %s", why);
  return false;
}

static in_expr_t *string_test(exp_t *e, uint32_t slot, in_pred_kind_t kind, in_tok_kind_t want) {
  in_pred_t p;
  in_type_t t = e->c->slots.at[slot].type;
  if (t != IN_T_TEXT && t != IN_T_CODE) return fail(e, here(e), "only a code or a text can be tested so", NULL);
  if (e->at >= e->s->ntok || e->s->tok[e->at].kind != want)
    return fail(e, here(e), want == IN_TOK_REGEX ? "a regular expression is wanted here: ~\"...\""
                                                 : "a string is wanted here", NULL);
  p = new_predicate(e, kind, slot);
  if (kind == IN_P_REGEX && !regex_ok(e, &e->s->tok[e->at])) return NULL;
  p.text = &e->s->tok[e->at++].text;
  p.texts = 1;
  return predicate(e, &p);
}

static in_expr_t *has(exp_t *e, uint32_t slot) {
  in_pred_t p;
  in_type_t t;
  if (e->c->slots.at[slot].type != IN_T_LIST)
    return fail(e, here(e), "only a list can have something", "FACT == VALUE, FACT in VALUE ...");
  if (!is_value(e)) return fail(e, here(e), "a value is missing here", "a text that is no word stands in quotes");
  p = new_predicate(e, IN_P_HAS, slot);
  if (is_path(e)) {
    p.slot_b = in_path_slot(e->c, &e->s->tok[e->at], in_path_resolve(e, e->s->tok[e->at].text));
    if (p.slot_b == IN_NIL) return NULL;
    t = e->c->slots.at[p.slot_b].type;
    if (t != IN_T_CODE && t != IN_T_TEXT) return fail(e, here(e), "a list has texts: this fact is none", NULL);
  } else {
    p.text = &e->s->tok[e->at].text;
    p.texts = 1;
  }
  e->at++;
  return predicate(e, &p);
}

static in_expr_t *known(exp_t *e, uint32_t slot) {
  in_pred_t p;
  bool inverse = take(e, "not");
  in_expr_t *x;
  if (!take(e, "known"))
    return fail(e, here(e), "`is` is followed by `known` or `not known`", "FACT is known; values are compared with ==");
  p = new_predicate(e, IN_P_KNOWN, slot);
  x = predicate(e, &p);
  return inverse ? negate(e, x) : x;
}

/* a mistyped `starts with` reads as a fact alone */
static in_expr_t *not_a_flag(exp_t *e, in_place_t place) {
  fail(e, place, "this fact is not a flag: say what it is compared with", NULL);
  if (!in_meant_operator(e->c, e->s, e->at)) in_diag_hint(e->c->diag, "==, !=, in, has, matches ...");
  return NULL;
}

static in_expr_t *bare_flag(exp_t *e, uint32_t slot, in_place_t place) {
  in_pred_t p;
  if (e->c->slots.at[slot].type != IN_T_FLAG)
    return not_a_flag(e, place);
  p = new_predicate(e, IN_P_EQ, slot);
  p.values = 2;
  return predicate(e, &p);
}

/* FACT version "PREFIX" (< | >=) VERSION */
static in_expr_t *version(exp_t *e, uint32_t slot) {
  static const char form[] = "FACT version \"App/\" < 16.0.11901";
  const in_tok_t *tok = &e->s->tok[e->at];
  in_pred_t p = new_predicate(e, IN_P_VERSION, slot);
  in_span_t *text = in_arena_get(e->c->arena, sizeof(*text));
  in_type_t t = e->c->slots.at[slot].type;
  if (text == NULL) return in_nomem(e->c), NULL;
  if (t != IN_T_TEXT && t != IN_T_CODE) return fail(e, here(e), "only a code or a text holds a version", NULL);
  if (e->at + 2 >= e->s->ntok || tok[0].kind != IN_TOK_STRING || tok[0].text.n == 0
      || memchr(tok[0].text.p, '\n', tok[0].text.n) != NULL)
    return fail(e, here(e), "what stands before the version is wanted here", form);
  p.cmp = in_tok_is(e->s, e->at + 1, "<") ? IN_CMP_LT : in_tok_is(e->s, e->at + 1, ">=") ? IN_CMP_GT | IN_CMP_EQ : 0;
  if (p.cmp == 0) return fail(e, tok[1].place, "a version is below another, or not: < or >=", form);
  if (!in_is_version(tok[2].text)) return fail(e, tok[2].place, "a version is numbers with dots between them", form);
  *text = in_arena_printf(e->c->arena, "%.*s\n%.*s", (int) tok[0].text.n, tok[0].text.p, (int) tok[2].text.n, tok[2].text.p);
  if (text->p == NULL) return in_nomem(e->c), NULL;
  p.text = text;
  p.texts = 1;
  e->at += 3;
  return predicate(e, &p);
}

in_expr_t *in_exp_fact(exp_t *e, uint32_t slot, in_place_t place) {
  static const struct { const char *op; unsigned cmp; } ops[] = {
    { "==", IN_CMP_EQ }, { "!=", IN_CMP_LT | IN_CMP_GT }, { "<", IN_CMP_LT },
    { "<=", IN_CMP_LT | IN_CMP_EQ }, { ">", IN_CMP_GT }, { ">=", IN_CMP_GT | IN_CMP_EQ },
  };
  for (size_t i = 0; i < in_countof(ops); i++)
    if (take(e, ops[i].op)) return compare(e, slot, ops[i].cmp);
  if (take(e, "in")) return member_of(e, slot);
  if (is(e, "not") && in_tok_is(e->s, e->at + 1, "in")) {
    e->at += 2;
    return negate(e, member_of(e, slot));
  }
  if (take(e, "has")) return has(e, slot);
  if (take(e, "is")) return known(e, slot);
  if (take(e, "matches")) return string_test(e, slot, IN_P_REGEX, IN_TOK_REGEX);
  if (is(e, "starts") && in_tok_is(e->s, e->at + 1, "with")) {
    e->at += 2;
    return string_test(e, slot, IN_P_PREFIX, IN_TOK_STRING);
  }
  if (is(e, "ends") && in_tok_is(e->s, e->at + 1, "with")) {
    e->at += 2;
    return string_test(e, slot, IN_P_SUFFIX, IN_TOK_STRING);
  }
  if (take(e, "version")) return version(e, slot);
  return bare_flag(e, slot, place);
}

in_expr_t *in_exp_feature(exp_t *e) {
  in_pred_t p;
  in_span_t name;
  int f;
  e->at++;
  if (!take(e, "has") || !is_value(e)) return fail(e, here(e), "a feature is asked so: features has FEATURE", NULL);
  f = in_feature_by_name(e->s->tok[e->at].text);
  if (f < 0) {
    in_vocab_no(&e->c->vocab, IN_W_FEATURE, &e->s->tok[e->at], e->c->diag);
    return NULL;
  }
  e->at++;
  name = in_arena_printf(e->c->arena, "features.%s", interop_feature_name((interop_feature_t) f));
  if (name.p == NULL) return in_nomem(e->c), NULL;
  p = new_predicate(e, IN_P_EQ, in_slot_get(e->c, IN_SUB_REQUEST, IN_RF_FEATURE + (uint32_t) f, name, IN_T_FLAG, -1));
  p.values = 2;
  return p.slot == IN_NIL ? NULL : predicate(e, &p);
}
