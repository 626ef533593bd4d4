/*
** label.c -- reading of labels; see label.h for their form.
**
** Owns nothing after reading: records go to the builder as they come. Must not
** touch what decides.
*/
#include "label.h"

static const char *const words[] = {
#define IN_X(name, text) text,
  IN_LABELS(IN_X)
#undef IN_X
};

static bool bad(in_compile_t *c, in_place_t place, const char *msg) {
  in_diag_at(c->diag, INTEROP_SYNTAX, place, "%s", msg);
  in_diag_hint(c->diag, "name \"TEXT\", events \"TEXT\", message or action \"TEXT\" OPERATION ... KIND ...");
  return false;
}

/* operations that a word means: one, or with .* at its end all that begin so */
static uint64_t operations(in_span_t w) {
  int op = in_operation_by_name(w);
  uint64_t bits = 0;
  if (op >= 0) return (uint64_t) 1 << op;
  if (!in_ends(w, IN_SPAN(".*"))) return 0;
  for (int i = 0; i < INTEROP_OPERATION_COUNT; i++)
    if (in_starts(in_str(interop_operation_name((interop_operation_t) i)), in_span(w.p, w.n - 1)))
      bits |= (uint64_t) 1 << i;
  return bits;
}

static bool unknown_word(in_compile_t *c, const in_tok_t *tok) {
  in_span_t names[INTEROP_OPERATION_COUNT + INTEROP_KIND_COUNT];
  size_t n = 0;
  for (int i = 0; i < INTEROP_OPERATION_COUNT; i++)
    names[n++] = in_str(interop_operation_name((interop_operation_t)i));
  for (int i = 0; i < INTEROP_KIND_COUNT; i++) names[n++] = in_str(interop_kind_name((interop_kind_t) i));
  in_vocab_unknown(&c->vocab, "operation or kind", tok, names, n, c->diag);
  return false;
}

/* the operations and kinds of a row; "other" is a kind once an operation was named */
static bool read_row(in_compile_t *c, const in_stmt_t *s, in_pi_label_t *l) {
  uint64_t ops = 0;
  for (uint32_t i = 2; i < s->ntok; i++) {
    uint64_t op = ops != 0 && in_tok_is(s, i, "other") ? 0 : operations(s->tok[i].text);
    int kind = in_kind_by_name(s->tok[i].text);
    if (op == 0 && kind < 0) return unknown_word(c, &s->tok[i]);
    ops |= op;
    if (op == 0) l->kinds |= 1u << kind;
  }
  if (ops == 0) return bad(c, s->end, "a label's row names operations");
  if (l->kinds == 0) l->kinds = (1u << INTEROP_KIND_COUNT) - 1;
  l->ops[0] = (uint32_t) ops;
  l->ops[1] = (uint32_t) (ops >> 32);
  return true;
}

static bool read_label(in_compile_t *c, const in_stmt_t *s, uint32_t system) {
  in_pi_label_t l;
  memset(&l, 0, sizeof(l));
  l.system = system;
  while (l.label < IN_LABEL_COUNT && !in_tok_is(s, 0, words[l.label])) l.label++;
  if (l.label == IN_LABEL_COUNT || s->has_block) return bad(c, in_stmt_place(s), "this is not a label");
  if (s->ntok < 2 || s->tok[1].kind != IN_TOK_STRING) return bad(c, in_stmt_place(s), "a label's text is missing");
  l.text = in_builder_str(&c->builder, s->tok[1].text);
  if (l.label == IN_LABEL_MESSAGE || l.label == IN_LABEL_ACTION) {
    if (!read_row(c, s, &l)) return false;
  } else if (s->ntok > 2) {
    return bad(c, s->tok[2].place, "this word has no meaning here");
  }
  in_builder_add(&c->builder, IN_S_LABELS, &l, 1, sizeof(l));
  return !c->builder.failed || (in_nomem(c), false);
}

interop_status_t in_labels_read(in_compile_t *c, const in_stmt_t *s) {
  const in_span_t *names;
  int n, system = s->ntok == 2 ? in_vocab_system(&c->vocab, s->tok[1].text) : -1;
  if (s->ntok != 2 || !s->has_block) {
    bad(c, in_stmt_place(s), "labels are those of a system, in a block");
    return c->diag->status;
  }
  if (system < 0) {
    n = in_vocab_systems(&c->vocab, &names);
    in_vocab_unknown(&c->vocab, "system", &s->tok[1], names, n < 0 ? 0 : (size_t) n, c->diag);
    return c->diag->status;
  }
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_label(c, b, (uint32_t) system)) return c->diag->status;
  return INTEROP_OK;
}
