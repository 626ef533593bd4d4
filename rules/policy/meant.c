/*
** meant.c -- what a mistyped word was meant to be, where it is not only declared
** names that could stand there.
**
** Owns the words that guards, rows and sections are made of, as candidates for
** "did you mean". Is asked once something is wrong: it refuses what it is asked
** about, and only words the refusal. Reads no rule and changes none.
*/
#include "meant.h"

#define MAX_WORDS  (INTEROP_OPERATION_COUNT + INTEROP_KIND_COUNT + INTEROP_VERDICT_COUNT)

/* false: no word is near */
static bool hint(in_compile_t *c, in_span_t word, const in_span_t *names, size_t n) {
  in_span_t near = in_nearest(word, names, n);
  if (near.p == NULL || in_eq(near, word)) return false;
  in_diag_hint(c->diag, "did you mean \"%.*s\"?", (int) near.n, near.p);
  return true;
}

static size_t operations(in_span_t *to) {
  for (int i = 0; i < INTEROP_OPERATION_COUNT; i++) to[i] = in_str(interop_operation_name((interop_operation_t) i));
  return INTEROP_OPERATION_COUNT;
}

static size_t features(in_span_t *to) {
  for (int i = 0; i < INTEROP_FEATURE_COUNT; i++) to[i] = in_str(interop_feature_name((interop_feature_t) i));
  return INTEROP_FEATURE_COUNT;
}

static size_t kinds(in_span_t *to) {
  for (int i = 0; i < INTEROP_KIND_COUNT; i++) to[i] = in_str(interop_kind_name((interop_kind_t) i));
  return INTEROP_KIND_COUNT;
}

/* ---- rows and sections */

/* what can follow in a rule, in the order of what is meant most */
static size_t tail(in_span_t *to) {
  static const char *const words[] = { "when", "unless", "unknown", "deliver", "notice", "ascii-emoji", "name",
                                       "from", "with", "text", "link", "system", "and", "or" };
  for (size_t i = 0; i < in_countof(words); i++) to[i] = in_str(words[i]);
  return in_countof(words);
}

bool in_meant_tail(in_compile_t *c, const in_tok_t *tok, bool strips, const char *otherwise) {
  in_span_t names[32 + INTEROP_FEATURE_COUNT];
  size_t n = tail(names);
  if (strips) n += features(names + n);
  in_diag_at(c->diag, INTEROP_SYNTAX, tok->place, "this word has no meaning here");
  if (!hint(c, tok->text, names, n)) in_diag_hint(c->diag, "%s", otherwise);
  return false;
}

bool in_meant_when(in_compile_t *c, const in_stmt_t *s, uint32_t at) {
  static const in_span_t words[] = { { "when", 4 }, { "unless", 6 }, { "notice", 6 } };
  in_diag_at(c->diag, INTEROP_SYNTAX, in_stmt_at(s, at), "a denial says when");
  if (at >= s->ntok || !hint(c, s->tok[at].text, words, in_countof(words)))
    in_diag_hint(c->diag, "deny REASON [notice NAME] when GUARD;");
  return false;
}

bool in_meant_reason(in_compile_t *c, const in_tok_t *tok) {
  in_span_t names[32];
  size_t n = tail(names);
  bool other = in_nearest(tok->text, names, n).p != NULL;
  for (uint32_t i = 0; i < c->vocab.reasons.n && other; i++)
    other = in_nearest(tok->text, &c->vocab.reasons.at[i].name, 1).p == NULL;
  if (other) in_vocab_unknown(&c->vocab, "reason", tok, names, n, c->diag);
  else in_vocab_no(&c->vocab, IN_W_REASON, tok, c->diag);
  return false;
}

bool in_meant_operation(in_compile_t *c, const in_tok_t *tok, const char *otherwise) {
  in_span_t names[MAX_WORDS];
  bool class = in_ends(tok->text, IN_SPAN(".*"));
  if (class || in_nearest(tok->text, names, operations(names)).p != NULL) {
    in_vocab_no(&c->vocab, IN_W_OPERATION, tok, c->diag);
  } else {
    in_diag_at(c->diag, INTEROP_SYNTAX, tok->place, "this word has no meaning here");
    in_diag_hint(c->diag, "%s", otherwise);
  }
  return false;
}

bool in_meant_row(in_compile_t *c, const in_tok_t *tok) {
  in_span_t names[MAX_WORDS];
  size_t n = kinds(names);
  for (int i = 0; i < INTEROP_VERDICT_COUNT; i++) names[n++] = in_str(interop_verdict_name((interop_verdict_t) i));
  if (in_nearest(tok->text, names, n).p == NULL && memchr(tok->text.p, '.', tok->text.n) != NULL)
    in_vocab_no(&c->vocab, IN_W_OPERATION, tok, c->diag);
  else
    in_vocab_unknown(&c->vocab, "kind or verdict", tok, names, n, c->diag);
  return false;
}

/* ---- guards */

bool in_meant_test(in_compile_t *c, const in_tok_t *tok) {
  static const char *const words[] = { "toggle", "table", "features", "not", "any", "every", "party" };
  in_span_t names[in_countof(words)];
  for (size_t i = 0; i < in_countof(words); i++) names[i] = in_str(words[i]);
  return hint(c, tok->text, names, in_countof(words));
}

/* praty.country, a_praty.systems: the words that stand for a party */
bool in_meant_party(in_compile_t *c, const in_tok_t *tok) {
  in_span_t *names, first, near;
  uint32_t n = 0;
  const char *dot = tok->text.n > 0 ? memchr(tok->text.p, '.', tok->text.n) : NULL;
  if (dot == NULL || (names = in_arena_array(c->arena, c->vocab.systems.n + 2, sizeof(*names))) == NULL) return false;
  first = in_span(tok->text.p, (size_t) (dot - tok->text.p));
  names[n++] = IN_SPAN("party");
  names[n++] = IN_SPAN("tenant");
  for (uint32_t i = 0; i < c->vocab.systems.n; i++) {
    in_span_t s = c->vocab.systems.at[i].name;
    names[n] = in_arena_printf(c->arena, "%.*s_party", (int) s.n, s.p);
    if (names[n].p != NULL) n++;
  }
  near = in_nearest(first, names, n);
  if (near.p == NULL || in_eq(near, first)) return false;
  in_diag_hint(c->diag, "did you mean \"%.*s%.*s\"?", (int) near.n, near.p, (int) (tok->text.n - first.n), dot);
  return true;
}

bool in_meant_operator(in_compile_t *c, const in_stmt_t *s, uint32_t at) {
  static const char *const words[] = { "in", "has", "is", "not", "matches", "starts", "ends", "version" };
  in_span_t names[in_countof(words)];
  for (size_t i = 0; i < in_countof(words); i++) names[i] = in_str(words[i]);
  return at < s->ntok && s->tok[at].kind == IN_TOK_WORD && hint(c, s->tok[at].text, names, in_countof(words));
}
