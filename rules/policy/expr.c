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
** whichever of the two is on that system. Nesting is bounded by MAX_NESTING.
*/
#include "compile.h"

#define MAX_NESTING 64

typedef struct {
  in_compile_t *c;
  const in_stmt_t *s;
  uint32_t at;
  int tenant;                     /* subject that `tenant` means, or -1 */
  int party;                      /* subject that `party` means, or -1 */
  in_toggle_view_t view;
  unsigned depth;
} exp_t;

static in_expr_t *guard(exp_t *e);
static in_expr_t *term(exp_t *e);

interop_status_t in_nomem(in_compile_t *c) {
  in_diag_set(c->diag, INTEROP_NOMEM, "out of memory");
  return INTEROP_NOMEM;
}

static in_expr_t *fail(exp_t *e, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(e->c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(e->c->diag, "%s", hint);
  return NULL;
}

/* place of the token here, or of the last one if there is none */
static in_place_t here(const exp_t *e) {
  return e->at < e->s->ntok ? e->s->tok[e->at].place : e->s->end;
}

static bool is(const exp_t *e, const char *word) {
  return in_tok_is(e->s, e->at, word);
}

static bool take(exp_t *e, const char *word) {
  if (!is(e, word)) return false;
  e->at++;
  return true;
}

static in_expr_t *node(exp_t *e, in_expr_kind_t kind, in_expr_t *a, in_expr_t *b) {
  in_expr_t *n = in_arena_get(e->c->arena, sizeof(*n));
  if (n == NULL) { in_nomem(e->c); return NULL; }
  n->kind = kind;
  n->a = a;
  n->b = b;
  return n;
}

static in_expr_t *negate(exp_t *e, in_expr_t *a) {
  return a == NULL ? NULL : node(e, IN_E_NOT, a, NULL);
}

static in_expr_t *both(exp_t *e, in_expr_kind_t kind, in_expr_t *a, in_expr_t *b) {
  return a == NULL || b == NULL ? NULL : node(e, kind, a, b);
}

static in_expr_t *predicate(exp_t *e, const in_pred_t *p) {
  in_expr_t *n = node(e, IN_E_PRED, NULL, NULL);
  if (n == NULL) return NULL;
  n->pred = e->c->preds.n;
  if (!in_vec_push(e->c->arena, &e->c->preds, *p)) { in_nomem(e->c); return NULL; }
  return n;
}

static in_expr_t *fixed(exp_t *e, in_request_fact_t fact, uint64_t values) {
  in_expr_t *n = node(e, IN_E_STATIC, NULL, NULL);
  if (n == NULL) return NULL;
  n->fact = fact;
  n->values = values;
  return n;
}

/* ---- slots and paths */

uint32_t in_slot_get(in_compile_t *c, in_subject_t subject, uint32_t field, in_span_t name,
                     in_type_t type, int vocab_field) {
  in_slot_t s = { (uint32_t) subject, field, name, type, vocab_field };
  for (uint32_t i = 0; i < c->slots.n; i++)
    if (c->slots.at[i].subject == (uint32_t) subject && c->slots.at[i].field == field) return i;
  if (!in_vec_push(c->arena, &c->slots, s)) { in_nomem(c); return IN_NIL; }
  return c->slots.n - 1;
}

static const struct { const char *text; interop_record_kind_t record; int has; } subjects[] = {
#define IN_X(name, text, record, rank) { text, (interop_record_kind_t) (record < 0 ? 0 : record), record >= 0 },
  IN_SUBJECTS(IN_X)
#undef IN_X
};

static uint32_t request_slot(in_compile_t *c, in_span_t path) {
  static const struct { const char *text; in_type_t type; } facts[] = {
#define IN_X(name, type, text) { text, IN_T_##type },
    IN_REQUEST_FACTS(IN_X)
#undef IN_X
  };
  for (uint32_t i = 0; i < in_countof(facts); i++)
    if (in_eq(path, in_str(facts[i].text)))
      return in_slot_get(c, IN_SUB_REQUEST, i, in_str(facts[i].text), facts[i].type, -1);
  return IN_NIL;
}

/* "subject.field" for one subject: a slot, or IN_NIL */
static uint32_t record_slot(in_compile_t *c, int subject, in_span_t field) {
  int f = in_vocab_field(&c->vocab, subjects[subject].record, field);
  in_span_t name;
  if (f < 0) return IN_NIL;
  name = in_arena_printf(c->arena, "%s.%.*s", subjects[subject].text, (int) field.n, field.p);
  if (name.p == NULL) { in_nomem(c); return IN_NIL; }
  return in_slot_get(c, (in_subject_t) subject, (uint32_t) f, name, c->vocab.fields.at[f].type, f);
}

/* the subject whose name is the longest prefix of the path, and the rest */
static int split_subject(in_span_t path, in_span_t *field) {
  int best = -1;
  size_t n = 0;
  for (int i = 0; i < IN_SUBJECT_COUNT; i++) {
    in_span_t t = in_str(subjects[i].text);
    if (!subjects[i].has || t.n < n || !in_starts(path, t) || path.n <= t.n + 1 || path.p[t.n] != '.') continue;
    best = i;
    n = t.n;
  }
  if (best >= 0) *field = in_span(path.p + n + 1, path.n - n - 1);
  return best;
}

static in_span_t substitute(in_compile_t *c, in_span_t path, const char *word, const char *by) {
  size_t n = strlen(word);
  if (!in_starts(path, in_str(word)) || path.n <= n || path.p[n] != '.') return path;
  return in_arena_printf(c->arena, "%s%.*s", by, (int) (path.n - n), path.p + n);
}

static void unknown_fact(in_compile_t *c, const in_tok_t *tok, in_span_t path) {
  IN_VEC(in_span_t) names = { NULL, 0, 0 };
  for (int s = 0; s < IN_SUBJECT_COUNT; s++) {
    for (uint32_t i = 0; subjects[s].has && i < c->vocab.fields.n; i++) {
      const in_field_t *f = &c->vocab.fields.at[i];
      in_span_t n;
      if (f->record != subjects[s].record) continue;
      n = in_arena_printf(c->arena, "%s.%.*s", subjects[s].text, (int) f->name.n, f->name.p);
      if (n.p == NULL || !in_vec_push(c->arena, &names, n)) { in_nomem(c); return; }
    }
  }
  (void) path;
  in_vocab_unknown(&c->vocab, "fact", tok, names.at, names.n, c->diag);
}

static uint32_t path_slot(in_compile_t *c, const in_tok_t *tok, in_span_t path) {
  in_span_t field;
  uint32_t slot = request_slot(c, path);
  int subject;
  if (slot != IN_NIL) return slot;
  subject = split_subject(path, &field);
  if (subject >= 0) slot = record_slot(c, subject, field);
  if (slot == IN_NIL && c->diag->status == INTEROP_OK) unknown_fact(c, tok, path);
  return slot;
}

/* `party` and `tenant` replaced by what they mean here */
static in_span_t resolve(exp_t *e, in_span_t path) {
  if (e->party >= 0) path = substitute(e->c, path, "party", subjects[e->party].text);
  if (e->tenant >= 0 && path.p != NULL) path = substitute(e->c, path, "tenant", subjects[e->tenant].text);
  return path;
}

uint32_t in_expr_slot(in_compile_t *c, const in_tok_t *tok, int tenant_subject) {
  exp_t e = { c, NULL, 0, tenant_subject, -1, { -1, IN_TG_OFF }, 0 };
  in_span_t path = resolve(&e, tok->text);
  return path.p == NULL ? (in_nomem(c), IN_NIL) : path_slot(c, tok, path);
}

/* ---- values */

static const in_field_t *field_of(const exp_t *e, uint32_t slot) {
  int f = e->c->slots.at[slot].vocab_field;
  return f < 0 ? NULL : &e->c->vocab.fields.at[f];
}

/* `tier of SYSTEM`, or the token itself */
static bool value_text(exp_t *e, in_span_t *text, in_place_t *place) {
  int sys;
  *place = here(e);
  if (is(e, "tier") && in_tok_is(e->s, e->at + 1, "of") && e->at + 2 < e->s->ntok) {
    e->at += 2;
    sys = in_vocab_system(&e->c->vocab, e->s->tok[e->at].text);
    *place = here(e);
    if (sys < 0) { fail(e, *place, "this is not a system", NULL); return false; }
    *text = e->c->vocab.systems.at[sys].tier;
    e->at++;
    if (text->p == NULL) { fail(e, *place, "this system declares no tier", NULL); return false; }
    return true;
  }
  if (e->at >= e->s->ntok || e->s->tok[e->at].kind == IN_TOK_OP || e->s->tok[e->at].kind == IN_TOK_JSON) {
    fail(e, *place, "a value is missing here", NULL);
    return false;
  }
  *text = e->s->tok[e->at++].text;
  return true;
}

static bool enum_value(exp_t *e, const in_field_t *f, in_span_t text, in_place_t place, uint64_t *bit) {
  in_tok_t tok = { IN_TOK_WORD, text, place };
  int v = in_field_value(f, text);
  if (v < 0) {
    in_vocab_unknown(&e->c->vocab, "value", &tok, f->value, f->values, e->c->diag);
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
  if (e->at >= e->s->ntok) { fail(e, here(e), "a value is missing here", NULL); return false; }
  tok = e->s->tok[e->at];
  if (fact == IN_RF_OPERATION) {
    if (!op_pattern(tok.text, bits)) {
      in_vocab_unknown(&e->c->vocab, "operation", &tok, NULL, 0, e->c->diag);
      return false;
    }
  } else {
    v = fact == IN_RF_KIND ? in_kind_by_name(tok.text) : in_vocab_system(&e->c->vocab, tok.text);
    if (v < 0) {
      in_vocab_unknown(&e->c->vocab, fact == IN_RF_KIND ? "kind" : "system", &tok, NULL, 0, e->c->diag);
      return false;
    }
    *bits = (uint64_t) 1 << v;
  }
  e->at++;
  return true;
}

static bool ends_list(const exp_t *e) {
  static const char *const stop[] = { "and", "or", "unless", "when", "unknown", "not", ")" };
  if (e->at >= e->s->ntok) return true;
  for (size_t i = 0; i < in_countof(stop); i++)
    if (is(e, stop[i])) return true;
  return e->s->tok[e->at].text.n > 0 && e->s->tok[e->at].text.p[0] == '[';
}

/* sender.system == recipient.system, spelt out over all systems */
static in_expr_t *same_system(exp_t *e) {
  in_expr_t *x = node(e, IN_E_FALSE, NULL, NULL);
  for (uint32_t s = 0; s < e->c->vocab.systems.n; s++)
    x = both(e, IN_E_OR, x, both(e, IN_E_AND, fixed(e, IN_RF_FROM, (uint64_t) 1 << s), fixed(e, IN_RF_TO, (uint64_t) 1 << s)));
  return x;
}

static in_expr_t *static_test(exp_t *e, in_request_fact_t fact) {
  uint64_t all = 0, bits;
  bool inverse = take(e, "!=");
  if (inverse || take(e, "==")) {
    if (fact == IN_RF_FROM && take(e, "recipient.system"))
      return inverse ? negate(e, same_system(e)) : same_system(e);
    if (!static_value(e, fact, &all)) return NULL;
  } else {
    inverse = take(e, "not");
    if (!take(e, "in")) return fail(e, here(e), "==, != or in is wanted here", NULL);
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
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_EQ;
  p.slot = slot;
  p.slot_b = IN_NIL;
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
          return fail(e, place[i], "this fact is a flag: true or false", NULL);
        p.values |= in_eq(text[i], IN_SPAN("true")) ? 2u : 1u;
      }
      break;
    case IN_T_CODE: case IN_T_TEXT:
      p.text = text;
      p.texts = n;
      break;
    default:
      return fail(e, place[0], "a value of this fact's type cannot stand here", NULL);
  }
  return predicate(e, &p);
}

static bool slot_is_comparable(const exp_t *e, uint32_t slot) {
  const in_field_t *f = field_of(e, slot);
  in_type_t t = e->c->slots.at[slot].type;
  return t == IN_T_NUMBER || t == IN_T_TIME || (t == IN_T_ENUM && f != NULL && f->ordered);
}

/* is the token here the path of a fact? (not: a value that happens to look so) */
static bool is_path(exp_t *e) {
  in_span_t field, path;
  if (e->at >= e->s->ntok || e->s->tok[e->at].kind != IN_TOK_WORD) return false;
  path = resolve(e, e->s->tok[e->at].text);
  return path.p != NULL && (in_eq(path, IN_SPAN("now")) || in_eq(path, IN_SPAN("sender.id"))
                            || in_eq(path, IN_SPAN("recipient.id")) || split_subject(path, &field) >= 0);
}

static in_expr_t *relation(exp_t *e, uint32_t slot, unsigned cmp) {
  const in_tok_t *tok = &e->s->tok[e->at];
  in_span_t path = resolve(e, tok->text);
  in_pred_t p;
  in_type_t a = e->c->slots.at[slot].type, b;
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_REL;
  p.slot = slot;
  p.cmp = cmp;
  p.slot_b = path_slot(e->c, tok, path);
  if (p.slot_b == IN_NIL) return NULL;
  b = e->c->slots.at[p.slot_b].type;
  if (a != b && !(a == IN_T_CODE && b == IN_T_TEXT) && !(a == IN_T_TEXT && b == IN_T_CODE))
    return fail(e, tok->place, "the two facts are of different types", NULL);
  if (a == IN_T_LIST) return fail(e, tok->place, "lists cannot be compared", "use has");
  if (cmp != IN_CMP_EQ && cmp != (IN_CMP_LT | IN_CMP_GT) && !slot_is_comparable(e, slot))
    return fail(e, tok->place, "these facts have no order", NULL);
  e->at++;
  return predicate(e, &p);
}

static bool number_of(exp_t *e, uint32_t slot, in_span_t text, in_place_t place, int64_t *n) {
  const in_field_t *f = field_of(e, slot);
  uint64_t v = 0;
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
  for (size_t i = 0; i < text.n && i < 18; i++) {
    if (text.p[i] < '0' || text.p[i] > '9') { v = UINT64_MAX; break; }
    v = v * 10 + (uint64_t) (text.p[i] - '0');
  }
  if (text.n == 0 || text.n > 18 || v == UINT64_MAX) {
    fail(e, place, "a whole number is wanted here", NULL);
    return false;
  }
  *n = (int64_t) v;
  return true;
}

static in_expr_t *compare(exp_t *e, uint32_t slot, unsigned cmp) {
  in_pred_t p;
  in_span_t *text = in_arena_get(e->c->arena, sizeof(*text));
  in_place_t place;
  bool equality = cmp == IN_CMP_EQ || cmp == (IN_CMP_LT | IN_CMP_GT);
  if (text == NULL) { in_nomem(e->c); return NULL; }
  if (is_path(e)) return relation(e, slot, cmp);
  if (!value_text(e, text, &place)) return NULL;
  if (equality && e->c->slots.at[slot].type != IN_T_NUMBER && e->c->slots.at[slot].type != IN_T_TIME) {
    in_expr_t *x = equals(e, slot, text, 1, &place);
    return cmp == IN_CMP_EQ ? x : negate(e, x);
  }
  if (!slot_is_comparable(e, slot)) return fail(e, place, "this fact has no order", NULL);
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_CMP;
  p.slot = slot;
  p.slot_b = IN_NIL;
  p.cmp = cmp;
  if (!number_of(e, slot, *text, place, &p.number)) return NULL;
  return predicate(e, &p);
}

static in_expr_t *member_of(exp_t *e, uint32_t slot) {
  IN_VEC(in_span_t) text = { NULL, 0, 0 };
  IN_VEC(in_place_t) place = { NULL, 0, 0 };
  int set = e->at < e->s->ntok ? in_vocab_set(&e->c->vocab, e->s->tok[e->at].text) : -1;
  if (set >= 0) {
    const in_set_t *t = &e->c->vocab.sets.at[set];
    for (uint32_t i = 0; i < t->count; i++)
      if (!in_vec_push(e->c->arena, &text, t->member[i]) || !in_vec_push(e->c->arena, &place, here(e)))
        return in_nomem(e->c), NULL;
    e->at++;
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

static in_expr_t *string_test(exp_t *e, uint32_t slot, in_pred_kind_t kind, in_tok_kind_t want) {
  in_pred_t p;
  in_type_t t = e->c->slots.at[slot].type;
  if (t != IN_T_TEXT && t != IN_T_CODE) return fail(e, here(e), "only texts can be tested so", NULL);
  if (e->at >= e->s->ntok || e->s->tok[e->at].kind != want)
    return fail(e, here(e), want == IN_TOK_REGEX ? "a regular expression is wanted here: ~\"...\""
                                                 : "a string is wanted here", NULL);
  memset(&p, 0, sizeof(p));
  p.kind = kind;
  p.slot = slot;
  p.slot_b = IN_NIL;
  p.text = &e->s->tok[e->at++].text;
  p.texts = 1;
  return predicate(e, &p);
}

static in_expr_t *has(exp_t *e, uint32_t slot) {
  in_pred_t p;
  if (e->c->slots.at[slot].type != IN_T_LIST) return fail(e, here(e), "only a list can have something", NULL);
  if (e->at >= e->s->ntok) return fail(e, here(e), "a value is missing here", NULL);
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_HAS;
  p.slot = slot;
  p.slot_b = IN_NIL;
  if (is_path(e)) {
    p.slot_b = path_slot(e->c, &e->s->tok[e->at], resolve(e, e->s->tok[e->at].text));
    if (p.slot_b == IN_NIL) return NULL;
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
  if (!take(e, "known")) return fail(e, here(e), "`is` is followed by [not] known", NULL);
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_KNOWN;
  p.slot = slot;
  p.slot_b = IN_NIL;
  x = predicate(e, &p);
  return inverse ? negate(e, x) : x;
}

static in_expr_t *bare_flag(exp_t *e, uint32_t slot, in_place_t place) {
  in_pred_t p;
  if (e->c->slots.at[slot].type != IN_T_FLAG)
    return fail(e, place, "this fact is not a flag: say what it is compared with", "==, !=, in, has, matches ...");
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_EQ;
  p.slot = slot;
  p.slot_b = IN_NIL;
  p.values = 2;
  return predicate(e, &p);
}

static in_expr_t *fact_test(exp_t *e, uint32_t slot, in_place_t place) {
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
  return bare_flag(e, slot, place);
}

static in_expr_t *feature_test(exp_t *e) {
  in_pred_t p;
  in_span_t name;
  int f;
  e->at++;
  if (!take(e, "has") || e->at >= e->s->ntok) return fail(e, here(e), "features has FEATURE", NULL);
  f = in_feature_by_name(e->s->tok[e->at].text);
  if (f < 0) {
    in_vocab_unknown(&e->c->vocab, "feature", &e->s->tok[e->at], NULL, 0, e->c->diag);
    return NULL;
  }
  e->at++;
  name = in_arena_printf(e->c->arena, "features.%s", interop_feature_name((interop_feature_t) f));
  if (name.p == NULL) return in_nomem(e->c), NULL;
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_EQ;
  p.slot = in_slot_get(e->c, IN_SUB_REQUEST, IN_RF_FEATURE + (uint32_t) f, name, IN_T_FLAG, -1);
  p.slot_b = IN_NIL;
  p.values = 2;
  return p.slot == IN_NIL ? NULL : predicate(e, &p);
}

/* ---- toggles */

static in_expr_t *toggle_field(exp_t *e, const in_toggle_t *t, int tenant, uint64_t values) {
  const in_field_t *f = &e->c->vocab.fields.at[t->field];
  in_pred_t p;
  memset(&p, 0, sizeof(p));
  p.kind = IN_P_EQ;
  p.slot = record_slot(e->c, tenant, f->name);
  p.slot_b = IN_NIL;
  p.values = values;
  return p.slot == IN_NIL ? NULL : predicate(e, &p);
}

/* is the toggle on by default for this tenant? */
static in_expr_t *toggle_default(exp_t *e, const in_toggle_t *t, int tenant) {
  exp_t sub = *e;
  in_expr_t *x;
  if (t->on_when == NULL) return node(e, t->default_on ? IN_E_TRUE : IN_E_FALSE, NULL, NULL);
  sub.s = t->on_when;
  sub.at = t->on_when_at;
  sub.tenant = tenant;
  sub.party = -1;
  x = guard(&sub);
  if (x != NULL && sub.at < sub.s->ntok) return fail(&sub, here(&sub), "this word has no meaning in a guard", NULL);
  return x;
}

#define VALUE_UNSET 1u
#define VALUE_ON    2u
#define VALUE_OFF   4u

static in_expr_t *toggle_of(exp_t *e, const in_toggle_t *t, int tenant, in_toggle_state_t state) {
  in_expr_t *x;
  if (state == IN_TG_OFF_EXPLICIT) return toggle_field(e, t, tenant, VALUE_OFF);
  x = toggle_default(e, t, tenant);
  if (state != IN_TG_ON) x = negate(e, x);
  x = both(e, IN_E_AND, toggle_field(e, t, tenant, VALUE_UNSET), x);
  if (state == IN_TG_OFF_DEFAULT) return x;
  return both(e, IN_E_OR, toggle_field(e, t, tenant, state == IN_TG_ON ? VALUE_ON : VALUE_OFF), x);
}

/* every party's tenant must have it on; off is: some party's tenant has it off */
static in_expr_t *toggle_parties(exp_t *e, const in_toggle_t *t, in_toggle_state_t state) {
  return both(e, state == IN_TG_ON ? IN_E_AND : IN_E_OR,
              toggle_of(e, t, IN_SUB_SENDER_TENANT, state),
              toggle_of(e, t, IN_SUB_RECIPIENT_TENANT, state));
}

static int tenant_subject(const exp_t *e) {
  static const int tenants[] = { IN_SUB_SENDER_TENANT, IN_SUB_RECIPIENT_TENANT, IN_SUB_CONVERSATION_TENANT };
  for (size_t i = 0; i < in_countof(tenants); i++)
    if (is(e, subjects[tenants[i]].text)) return tenants[i];
  return -1;
}

static in_expr_t *toggle_test(exp_t *e) {
  int t, of = e->tenant;
  bool inverse, on;
  in_toggle_state_t state;
  in_expr_t *x;
  const in_toggle_t *tg;
  e->at++;
  t = e->at < e->s->ntok ? in_vocab_toggle(&e->c->vocab, e->s->tok[e->at].text) : -1;
  if (t < 0) {
    in_span_t *names = in_arena_array(e->c->arena, e->c->vocab.toggles.n + 1, sizeof(*names));
    if (names == NULL || e->at >= e->s->ntok) return fail(e, here(e), "the name of a toggle is missing here", NULL);
    for (uint32_t i = 0; i < e->c->vocab.toggles.n; i++) names[i] = e->c->vocab.toggles.at[i].name;
    in_vocab_unknown(&e->c->vocab, "toggle", &e->s->tok[e->at], names, e->c->vocab.toggles.n, e->c->diag);
    return NULL;
  }
  e->at++;
  if (take(e, "of")) {
    of = tenant_subject(e);
    if (of < 0) return fail(e, here(e), "a tenant is wanted here", "sender.tenant, recipient.tenant or conversation.tenant");
    e->at++;
  }
  if (!take(e, "is")) return fail(e, here(e), "`is on` or `is off` is missing here", NULL);
  inverse = take(e, "not");
  on = is(e, "on");
  if (!take(e, "on") && !take(e, "off")) return fail(e, here(e), "a toggle is on or off", NULL);
  state = on ? IN_TG_ON : IN_TG_OFF;
  if (!on && !inverse && e->view.toggle == t) state = e->view.state;
  tg = &e->c->vocab.toggles.at[t];
  x = of >= 0 ? toggle_of(e, tg, of, state) : toggle_parties(e, tg, state);
  return inverse ? negate(e, x) : x;
}

int in_expr_toggle_because(const in_compile_t *c, const in_stmt_t *s, uint32_t at) {
  for (uint32_t i = at; i + 3 < s->ntok + 1 && i + 1 < s->ntok; i++) {
    int t;
    if (!in_tok_is(s, i, "toggle")) continue;
    t = in_vocab_toggle(&c->vocab, s->tok[i + 1].text);
    if (t >= 0 && c->vocab.toggles.at[t].because >= 0) return t;
  }
  return -1;
}

/* ---- structure */

/* any party TERM, every party TERM; also `any party.x == y` */
static in_expr_t *quantified(exp_t *e, in_expr_kind_t kind) {
  uint32_t start;
  in_expr_t *a, *b;
  if (e->party >= 0) return fail(e, here(e), "any and every cannot be nested", NULL);
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

/* "kaizala_party.linked_account": the party who is on that system */
static in_expr_t *system_party(exp_t *e, const in_tok_t *tok, int system) {
  in_span_t rest = tok->text, path;
  uint32_t start = ++e->at;
  in_expr_t *side, *a, *b;
  uint32_t slot;
  const char *p = memchr(rest.p, '.', rest.n);
  in_span_t field = p == NULL ? IN_NONE : in_span(p, (size_t) (rest.p + rest.n - p));
  path = in_arena_printf(e->c->arena, "sender%.*s", (int) field.n, field.p);
  slot = path.p == NULL ? IN_NIL : path_slot(e->c, tok, path);
  if (slot == IN_NIL) return NULL;
  a = fact_test(e, slot, tok->place);
  path = in_arena_printf(e->c->arena, "recipient%.*s", (int) field.n, field.p);
  slot = a == NULL || path.p == NULL ? IN_NIL : path_slot(e->c, tok, path);
  if (slot == IN_NIL) return NULL;
  e->at = start;
  b = fact_test(e, slot, tok->place);
  side = fixed(e, IN_RF_FROM, (uint64_t) 1 << system);
  return both(e, IN_E_OR, both(e, IN_E_AND, side, a), both(e, IN_E_AND, negate(e, side), b));
}

static int party_of_system(const exp_t *e, in_span_t word) {
  for (uint32_t i = 0; i < e->c->vocab.systems.n; i++) {
    in_span_t n = e->c->vocab.systems.at[i].name;
    in_span_t rest = { word.p + n.n, word.n - n.n };
    if (in_starts(word, n) && in_starts(rest, IN_SPAN("_party."))) return (int) i;
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
    return fail(e, here(e), "a fact is missing here", NULL);
  if (is(e, "toggle")) return toggle_test(e);
  if (is(e, "table")) return table_test(e);
  if (is(e, "features")) return feature_test(e);
  tok = &e->s->tok[e->at];
  system = party_of_system(e, tok->text);
  if (system >= 0) return system_party(e, tok, system);
  path = resolve(e, tok->text);
  if (path.p == NULL) return in_nomem(e->c), NULL;
  for (size_t i = 0; i < in_countof(fixed_names); i++) {
    if (!in_eq(path, in_str(fixed_names[i]))) continue;
    e->at++;
    return static_test(e, fixed_facts[i]);
  }
  slot = path_slot(e->c, tok, path);
  if (slot == IN_NIL) return NULL;
  e->at++;
  return fact_test(e, slot, tok->place);
}

static in_expr_t *term(exp_t *e) {
  in_expr_t *x;
  if (++e->depth > MAX_NESTING) return fail(e, here(e), "the guard is nested too deep", NULL);
  if (take(e, "not")) {
    x = negate(e, term(e));
  } else if (take(e, "(")) {
    x = guard(e);
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

static in_expr_t *guard(exp_t *e) {
  in_expr_t *x;
  if (++e->depth > MAX_NESTING) return fail(e, here(e), "the guard is nested too deep", NULL);
  x = conjunction(e);
  while (x != NULL && take(e, "or")) x = both(e, IN_E_OR, x, conjunction(e));
  e->depth--;
  return x;
}

in_expr_t *in_expr_parse(in_compile_t *c, const in_stmt_t *s, uint32_t *at, int tenant_subject_) {
  exp_t e = { c, s, *at, tenant_subject_, -1, { -1, IN_TG_OFF }, 0 };
  in_expr_t *x = guard(&e);
  *at = e.at;
  return x;
}

in_expr_t *in_expr_parse_view(in_compile_t *c, const in_stmt_t *s, uint32_t *at, in_toggle_view_t view) {
  exp_t e = { c, s, *at, -1, -1, view, 0 };
  in_expr_t *x = guard(&e);
  *at = e.at;
  return x;
}
