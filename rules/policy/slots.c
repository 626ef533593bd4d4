/*
** slots.c -- the facts that rules look at, and what they ask of them.
**
** Owns the list of slots (one fact of one subject each) and of predicates,
** either of which is kept once, so that 100,000 rules that ask the same cost one
** atom. Knows nothing of how guards are written but what a path is.
*/
#include "expr.h"
#include "meant.h"

interop_status_t in_nomem(in_compile_t *c) {
  in_diag_set(c->diag, INTEROP_NOMEM, "out of memory");
  return INTEROP_NOMEM;
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
#define IN_X(name, text, record, rank) { text, (interop_record_kind_t) ((record) < 0 ? 0 : (record)), (record) >= 0 },
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
uint32_t in_record_slot(in_compile_t *c, int subject, in_span_t field) {
  int f = in_vocab_field(&c->vocab, subjects[subject].record, field);
  in_span_t name;
  if (f < 0) return IN_NIL;
  name = in_arena_printf(c->arena, "%s.%.*s", subjects[subject].text, (int) field.n, field.p);
  if (name.p == NULL) { in_nomem(c); return IN_NIL; }
  return in_slot_get(c, (in_subject_t) subject, (uint32_t) f, name, c->vocab.fields.at[f].type, f);
}

/* the subject whose name is the longest prefix of the path, and the rest */
int in_path_subject(in_span_t path, in_span_t *field) {
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

bool in_path_names(in_compile_t *c, in_span_t **names, uint32_t *count) {
  static const char *const facts[] = {
#define IN_X(name, type, text) text,
    IN_REQUEST_FACTS(IN_X)
#undef IN_X
  };
  IN_VEC(in_span_t) list = { NULL, 0, 0 };
  for (size_t i = 0; i < in_countof(facts); i++)
    if (!in_vec_push(c->arena, &list, in_str(facts[i]))) return in_nomem(c), false;
  for (int s = 0; s < IN_SUBJECT_COUNT; s++) {
    for (uint32_t i = 0; subjects[s].has && i < c->vocab.fields.n; i++) {
      const in_field_t *f = &c->vocab.fields.at[i];
      in_span_t n;
      if (f->record != subjects[s].record) continue;
      n = in_arena_printf(c->arena, "%s.%.*s", subjects[s].text, (int) f->name.n, f->name.p);
      if (n.p == NULL || !in_vec_push(c->arena, &list, n)) return in_nomem(c), false;
    }
  }
  *names = list.at;
  *count = list.n;
  return true;
}

/* the suggestion begins with the word that was written: party, tenant, SYSTEM_party */
static void unknown_fact(in_compile_t *c, const in_tok_t *tok, in_span_t path) {
  const char *dot = tok->text.n > 0 ? memchr(tok->text.p, '.', tok->text.n) : NULL;
  in_span_t *names, near, word, by;
  uint32_t n;
  if (!in_path_names(c, &names, &n)) return;
  near = in_nearest(path, names, n);
  in_vocab_unknown(&c->vocab, "fact", tok, NULL, 0, c->diag);
  if (in_eq(path, tok->text) && in_starts(path, IN_SPAN("party.")))
    in_diag_hint(c->diag, "`party` is a party inside of `any party ( ... )` and `every party ( ... )`");
  else if (in_eq(path, tok->text) && in_starts(path, IN_SPAN("tenant.")))
    in_diag_hint(c->diag, "whose? sender.%.*s, recipient.%.*s", (int) path.n, path.p, (int) path.n, path.p);
  if (in_meant_party(c, tok) || (near.p == NULL && in_meant_test(c, tok))) return;
  if (near.p == NULL || in_starts(path, IN_SPAN("party.")) || in_starts(path, IN_SPAN("tenant."))) return;
  word = dot == NULL ? tok->text : in_span(tok->text.p, (size_t) (dot - tok->text.p));
  by = in_span(path.p, path.n - (tok->text.n - word.n));
  if (!in_eq(path, tok->text) && in_starts(near, by))
    in_diag_hint(c->diag, "did you mean \"%.*s%.*s\"?", (int) word.n, word.p, (int) (near.n - by.n), near.p + by.n);
  else
    in_diag_hint(c->diag, "did you mean \"%.*s\"?", (int) near.n, near.p);
}

uint32_t in_path_slot(in_compile_t *c, const in_tok_t *tok, in_span_t path) {
  in_span_t field;
  uint32_t slot = request_slot(c, path);
  int subject;
  if (slot != IN_NIL) return slot;
  subject = in_path_subject(path, &field);
  if (subject >= 0) slot = in_record_slot(c, subject, field);
  if (slot == IN_NIL && c->diag->status == INTEROP_OK) unknown_fact(c, tok, path);
  return slot;
}

/* `party` and `tenant` replaced by what they mean here */
in_span_t in_path_resolve(const exp_t *e, in_span_t path) {
  if (e->party >= 0) path = substitute(e->c, path, "party", subjects[e->party].text);
  if (e->tenant >= 0 && path.p != NULL) path = substitute(e->c, path, "tenant", subjects[e->tenant].text);
  return path;
}

uint32_t in_expr_slot(in_compile_t *c, const in_tok_t *tok, int tenant_subject) {
  exp_t e = { .c = c, .tenant = tenant_subject, .party = -1 };
  in_span_t path = in_path_resolve(&e, tok->text);
  return path.p == NULL ? (in_nomem(c), IN_NIL) : in_path_slot(c, tok, path);
}

const char *in_subject_text(int subject) { return subjects[subject].text; }

/* ---- predicates, each once: a hash table of index + 1 */

static uint32_t hash_pred(const in_pred_t *p) {
  uint64_t h = in_hash64(&p->values, sizeof(p->values)) ^ ((uint64_t) p->kind << 8 | p->cmp);
  h = (h ^ p->slot) * 0x9e3779b97f4a7c15ull;
  h = (h ^ p->slot_b ^ (uint64_t) p->number << 7) * 0x9e3779b97f4a7c15ull;
  for (uint32_t i = 0; i < p->texts; i++) h = (h ^ in_hash(p->text[i])) * 0x9e3779b97f4a7c15ull;
  return (uint32_t) (h >> 32);
}

static bool same_pred(const in_pred_t *a, const in_pred_t *b) {
  if (a->kind != b->kind || a->slot != b->slot || a->slot_b != b->slot_b || a->values != b->values
      || a->cmp != b->cmp || a->number != b->number || a->texts != b->texts) return false;
  for (uint32_t i = 0; i < a->texts; i++)
    if (!in_eq(a->text[i], b->text[i])) return false;
  return true;
}

static bool grow_preds(in_compile_t *c) {
  uint32_t slots = c->pred_slots == 0 ? 256 : c->pred_slots * 2;
  uint32_t *t = in_arena_array(c->arena, slots, sizeof(*t));
  if (t == NULL) return in_nomem(c), false;
  for (uint32_t i = 0; i < c->preds.n; i++) {
    uint32_t h = hash_pred(&c->preds.at[i]) & (slots - 1);
    while (t[h] != 0) h = (h + 1) & (slots - 1);
    t[h] = i + 1;
  }
  c->pred_table = t;
  c->pred_slots = slots;
  return true;
}

uint32_t in_pred_get(in_compile_t *c, const in_pred_t *p) {
  uint32_t h;
  if (c->preds.n * 2 >= c->pred_slots && !grow_preds(c)) return IN_NIL;
  h = hash_pred(p) & (c->pred_slots - 1);
  for (; c->pred_table[h] != 0; h = (h + 1) & (c->pred_slots - 1))
    if (same_pred(&c->preds.at[c->pred_table[h] - 1], p)) return c->pred_table[h] - 1;
  if (!in_vec_push(c->arena, &c->preds, *p)) return in_nomem(c), IN_NIL;
  c->pred_table[h] = c->preds.n;
  return c->preds.n - 1;
}
