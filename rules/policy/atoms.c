/*
** atoms.c -- predicates to atoms: every fact's values sorted into classes.
**
** All predicates on one fact share one atom, whose classes are the sets of
** values that no predicate can tell apart; so `mode == A` and `mode == B`
** exclude one another for the diagrams, and a fact is looked at once. Tests of
** strings, of lists and of two facts are atoms of their own with three classes
** (four where there is an order). Class 0 is always "unknown".
** The class mask of a predicate is what makes it true among the known classes.
*/
#include <stdlib.h>

#include "compile.h"

typedef struct {
  in_compile_t *c;
  uint32_t slot;
  in_pi_atom_t atom;
  uint64_t *signature;            /* per value: what each predicate says, bit per predicate */
} part_t;

static bool partitions(const in_pred_t *p) {
  return p->kind == IN_P_EQ || p->kind == IN_P_CMP || p->kind == IN_P_KNOWN;
}

static interop_status_t too_many(in_compile_t *c, uint32_t slot) {
  in_span_t n = c->slots.at[slot].name;
  in_place_t last = { NULL, 0, 0 };
  for (uint32_t j = 0; j < c->preds.n; j++)
    if (c->preds.at[j].slot == slot) last = c->preds.at[j].place;
  in_diag_at(c->diag, INTEROP_SYNTAX, last, "the rules tell apart too many values of %.*s (more than %d)",
             (int) n.n, n.p, IN_MAX_CLASSES - 1);
  in_diag_hint(c->diag, "values that are treated alike belong into one set");
  return INTEROP_SYNTAX;
}

static uint32_t put_indexes(in_compile_t *c, const uint32_t *v, uint32_t n) {
  return in_builder_add(&c->builder, IN_S_INDEXES, v, n, sizeof(*v));
}

static bool add_atom(in_compile_t *c, const in_pi_atom_t *a) {
  if (c->atoms.n == IN_MAX_ATOMS) {
    in_diag_at(c->diag, INTEROP_SYNTAX, c->preds.n > 0 ? c->preds.at[c->preds.n - 1].place : (in_place_t) { NULL, 0, 0 },
               "the rules look at more than %d facts", IN_MAX_ATOMS);
    return false;
  }
  return in_vec_push(c->arena, &c->atoms, *a) || (in_nomem(c), false);
}

/* does any predicate of the slot tell value i from value k? what each says of a
** value is asked through `truth` */
typedef bool (*truth_t)(const in_pred_t *p, const void *values, uint32_t i);

/*
** Sorts n values into classes by what the slot's predicates say of them:
** class[i] gets 1 ..., the count of classes (with class 0) is returned, 0 if
** there are too many. Sets the predicates' class masks.
*/
static uint32_t sort_values(part_t *x, truth_t truth, const void *values, uint32_t n, uint32_t *class_) {
  uint32_t first[IN_MAX_CLASSES + 1], classes = 1;
  in_compile_t *c = x->c;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t k = 1;
    for (; k < classes; k++) {
      bool same = true;
      for (uint32_t j = 0; j < c->preds.n && same; j++) {
        const in_pred_t *p = &c->preds.at[j];
        if (p->slot == x->slot && partitions(p)) same = truth(p, values, i) == truth(p, values, first[k]);
      }
      if (same) break;
    }
    if (k == classes) {
      if (classes == IN_MAX_CLASSES) return 0;
      first[classes++] = i;
    }
    class_[i] = k;
  }
  for (uint32_t j = 0; j < c->preds.n; j++) {
    in_pred_t *p = &c->preds.at[j];
    if (p->slot != x->slot || !partitions(p)) continue;
    p->atom = c->atoms.n;
    p->classes = 0;
    for (uint32_t k = 1; k < classes; k++)
      if (truth(p, values, first[k])) p->classes |= (uint64_t) 1 << k;
  }
  return classes;
}

/* ---- ENUM and FLAG: values are numbers from 0 */

static bool cmp_true(unsigned cmp, int64_t a, int64_t b) {
  return (a < b && (cmp & IN_CMP_LT)) || (a == b && (cmp & IN_CMP_EQ)) || (a > b && (cmp & IN_CMP_GT));
}

static bool enum_truth(const in_pred_t *p, const void *values, uint32_t i) {
  (void) values;
  if (p->kind == IN_P_KNOWN) return true;
  if (p->kind == IN_P_CMP) return cmp_true(p->cmp, (int64_t) i, p->number);
  return (p->values >> i & 1) != 0;
}

static uint32_t enum_size(const in_compile_t *c, const in_slot_t *s) {
  if (s->type == IN_T_FLAG) return 2;
  if (s->vocab_field >= 0) return c->vocab.fields.at[s->vocab_field].values;
  if (s->field == IN_RF_OPERATION) return INTEROP_OPERATION_COUNT;
  if (s->field == IN_RF_KIND) return INTEROP_KIND_COUNT;
  return c->vocab.systems.n;
}

static interop_status_t enum_atom(part_t *x) {
  uint32_t class_[64], n = enum_size(x->c, &x->c->slots.at[x->slot]);
  x->atom.kind = IN_ATOM_ENUM;
  x->atom.classes = sort_values(x, enum_truth, NULL, n, class_);
  if (x->atom.classes == 0) return too_many(x->c, x->slot);
  x->atom.map.count = n;
  x->atom.map.first = put_indexes(x->c, class_, n);
  return INTEROP_OK;
}

/* ---- CODE: the literals, and all others */

typedef struct { in_span_t *text; uint32_t n; } literals_t;

static bool code_truth(const in_pred_t *p, const void *values, uint32_t i) {
  const literals_t *l = values;
  if (p->kind == IN_P_KNOWN) return true;
  if (i == l->n) return false;                       /* all others */
  for (uint32_t k = 0; k < p->texts; k++)
    if (in_eq(p->text[k], l->text[i])) return true;
  return false;
}

static int by_text(const void *a, const void *b) {
  const in_span_t *x = a, *y = b;
  size_t n = x->n < y->n ? x->n : y->n;
  int r = n > 0 ? memcmp(x->p, y->p, n) : 0;
  return r != 0 ? r : (x->n > y->n) - (x->n < y->n);
}

static bool collect_literals(part_t *x, literals_t *l) {
  uint32_t n = 0, out = 0;
  in_compile_t *c = x->c;
  for (uint32_t j = 0; j < c->preds.n; j++)
    if (c->preds.at[j].slot == x->slot && c->preds.at[j].kind == IN_P_EQ) n += c->preds.at[j].texts;
  l->text = in_arena_array(c->arena, n + 1, sizeof(*l->text));
  if (l->text == NULL) return false;
  l->n = 0;
  for (uint32_t j = 0; j < c->preds.n; j++) {
    const in_pred_t *p = &c->preds.at[j];
    if (p->slot != x->slot || p->kind != IN_P_EQ) continue;
    for (uint32_t k = 0; k < p->texts; k++) l->text[l->n++] = p->text[k];
  }
  qsort(l->text, l->n, sizeof(*l->text), by_text);
  for (uint32_t i = 0; i < l->n; i++)
    if (i == 0 || !in_eq(l->text[i], l->text[i - 1])) l->text[out++] = l->text[i];
  l->n = out;
  return true;
}

static interop_status_t code_atom(part_t *x) {
  literals_t l;
  uint32_t *class_;
  if (!collect_literals(x, &l)) return in_nomem(x->c);
  class_ = in_arena_array(x->c->arena, l.n + 1, sizeof(*class_));
  if (class_ == NULL) return in_nomem(x->c);
  x->atom.kind = IN_ATOM_CODE;
  x->atom.classes = sort_values(x, code_truth, &l, l.n + 1, class_);
  if (x->atom.classes == 0) return too_many(x->c, x->slot);
  x->atom.texts = in_builder_strs(&x->c->builder, l.text, l.n);
  x->atom.map.count = l.n;
  x->atom.map.first = put_indexes(x->c, class_, l.n);
  x->atom.other = class_[l.n];
  return INTEROP_OK;
}

/* ---- NUMBER and TIME: the breakpoints and what lies between them */

typedef struct { int64_t *at; uint32_t n; } breaks_t;

/* value 2i+1 is breakpoint i, value 2i lies below it, value 2n above all */
static bool number_truth(const in_pred_t *p, const void *values, uint32_t i) {
  const breaks_t *b = values;
  uint32_t k = i / 2;
  if (p->kind == IN_P_KNOWN) return true;
  if (i % 2 == 1) return cmp_true(p->cmp, b->at[k], p->number);
  if (k == b->n) return (p->cmp & IN_CMP_GT) != 0;
  return cmp_true(p->cmp, b->at[k] <= p->number ? 0 : 1, b->at[k] <= p->number ? 1 : 0);
}

static int by_number(const void *a, const void *b) {
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
  return (x > y) - (x < y);
}

static interop_status_t number_atom(part_t *x) {
  in_compile_t *c = x->c;
  breaks_t b = { in_arena_array(c->arena, c->preds.n + 1, sizeof(int64_t)), 0 };
  uint32_t *class_, out = 0;
  if (b.at == NULL) return in_nomem(c);
  for (uint32_t j = 0; j < c->preds.n; j++)
    if (c->preds.at[j].slot == x->slot && c->preds.at[j].kind == IN_P_CMP) b.at[b.n++] = c->preds.at[j].number;
  qsort(b.at, b.n, sizeof(*b.at), by_number);
  for (uint32_t i = 0; i < b.n; i++)
    if (i == 0 || b.at[i] != b.at[i - 1]) b.at[out++] = b.at[i];
  b.n = out;
  class_ = in_arena_array(c->arena, 2 * (size_t) b.n + 1, sizeof(*class_));
  if (class_ == NULL) return in_nomem(c);
  x->atom.kind = IN_ATOM_NUMBER;
  x->atom.classes = sort_values(x, number_truth, &b, 2 * b.n + 1, class_);
  if (x->atom.classes == 0) return too_many(c, x->slot);
  x->atom.texts.count = b.n;
  x->atom.texts.first = in_builder_count(&c->builder, IN_S_INDEXES, sizeof(uint32_t));
  for (uint32_t i = 0; i < b.n; i++) {
    uint32_t half[2] = { (uint32_t) (uint64_t) b.at[i], (uint32_t) ((uint64_t) b.at[i] >> 32) };
    put_indexes(c, half, 2);
  }
  x->atom.map.count = 2 * b.n + 1;
  x->atom.map.first = put_indexes(c, class_, 2 * b.n + 1);
  return INTEROP_OK;
}

/* ---- */

static void init_atom(in_compile_t *c, in_pi_atom_t *a, uint32_t slot) {
  memset(a, 0, sizeof(*a));
  a->slot = slot;
  a->slot_b = IN_NIL;
  a->text = in_builder_str(&c->builder, IN_SPAN(""));
  if (c->slots.at[slot].vocab_field >= 0)
    a->fetch = c->vocab.fields.at[c->slots.at[slot].vocab_field].def == IN_DEF_FETCH;
}

static interop_status_t slot_atom(in_compile_t *c, uint32_t slot) {
  part_t x = { c, slot, { 0 }, NULL };
  interop_status_t rc;
  init_atom(c, &x.atom, slot);
  switch (c->slots.at[slot].type) {
    case IN_T_ENUM: case IN_T_FLAG: rc = enum_atom(&x); break;
    case IN_T_NUMBER: case IN_T_TIME: rc = number_atom(&x); break;
    default: rc = code_atom(&x); break;
  }
  if (c->slots.at[slot].type == IN_T_FLAG) x.atom.kind = IN_ATOM_FLAG;
  if (rc != INTEROP_OK) return rc;
  return add_atom(c, &x.atom) ? INTEROP_OK : c->diag->status;
}

static bool same_test(const in_pred_t *a, const in_pred_t *b) {
  return a->kind == b->kind && a->slot == b->slot && a->slot_b == b->slot_b && a->texts == b->texts
         && (a->texts == 0 || in_eq(a->text[0], b->text[0]));
}

/* regex, prefix, suffix, has, rel: an atom for each test that is not there yet */
static interop_status_t test_atom(in_compile_t *c, uint32_t index) {
  static const in_atom_kind_t kinds[] = {
    [IN_P_REGEX] = IN_ATOM_REGEX, [IN_P_PREFIX] = IN_ATOM_PREFIX, [IN_P_SUFFIX] = IN_ATOM_SUFFIX,
    [IN_P_HAS] = IN_ATOM_HAS, [IN_P_REL] = IN_ATOM_REL, [IN_P_VERSION] = IN_ATOM_VERSION,
  };
  in_pred_t *p = &c->preds.at[index];
  in_pi_atom_t a;
  p->classes = (uint64_t) 1 << 2;
  if (p->kind == IN_P_REL)
    p->classes = ((p->cmp & IN_CMP_LT) ? 2u : 0u) | ((p->cmp & IN_CMP_EQ) ? 4u : 0u) | ((p->cmp & IN_CMP_GT) ? 8u : 0u);
  if (p->kind == IN_P_VERSION) p->classes = (uint64_t) 1 << (p->cmp == IN_CMP_LT ? 2 : 3);
  for (uint32_t j = 0; j < index; j++) {
    if (!same_test(&c->preds.at[j], p)) continue;
    p->atom = c->preds.at[j].atom;
    return INTEROP_OK;
  }
  init_atom(c, &a, p->slot);
  a.kind = kinds[p->kind];
  a.slot_b = p->slot_b;
  a.classes = p->kind == IN_P_REL || p->kind == IN_P_VERSION ? 4 : 3;
  if (p->texts > 0) a.text = in_builder_str(&c->builder, p->text[0]);
  p->atom = c->atoms.n;
  return add_atom(c, &a) ? INTEROP_OK : c->diag->status;
}

interop_status_t in_atoms_make(in_compile_t *c) {
  interop_status_t rc = INTEROP_OK;
  for (uint32_t s = 0; s < c->slots.n && rc == INTEROP_OK; s++) {
    bool used = false;
    for (uint32_t j = 0; j < c->preds.n && !used; j++)
      used = c->preds.at[j].slot == s && partitions(&c->preds.at[j]);
    if (used) rc = slot_atom(c, s);
  }
  for (uint32_t j = 0; j < c->preds.n && rc == INTEROP_OK; j++)
    if (!partitions(&c->preds.at[j])) rc = test_atom(c, j);
  return rc;
}
