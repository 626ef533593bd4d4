/*
** lower.c -- rules to one decision diagram per cell.
**
** A cell is (operation, kind, from, to). In a cell:
**   - tests on operation, kind and systems are constants;
**   - what the matrices of all policies say is combined, the strictest holds;
**   - the denials stand before it, in the order of their reasons' declaration,
**     then of the rules: the first that is true decides; one that is unknown
**     makes the decision undetermined unless a later one is certain.
** A row or denial that decides nowhere is dead, and an error; so is a matrix
** that leaves an event without a row.
*/
#include <stdlib.h>

#include "lower.h"

#define CELL_BUDGET   50000u            /* nodes that one cell may make */

typedef in_low_cell_t cell_t;

typedef struct { uint32_t *rule, *guard, n; uint32_t base; } list_t;

typedef struct {
  in_compile_t *c;
  uint32_t *order;                /* denials, in the order of their reasons */
  uint32_t denials;
  uint32_t native, no_policy, not_known;      /* outcomes */

  IN_VEC(uint32_t) spilled;       /* where lists of cells begin */
  IN_VEC(list_t) lists;
  IN_VEC(uint32_t) roots;
} low_t;

static uint32_t leaf(uint32_t outcome) { return in_leaf(outcome); }

static bool is_list(uint32_t root) { return (root & (IN_LEAF | IN_LIST)) == IN_LIST; }

/* ---- which rules a cell has */

static bool in_scope(const in_compile_t *c, const in_rule_t *r, const cell_t *cell) {
  const in_policy_t *p = &c->policies.at[r->policy];
  if (p->between && cell->from == cell->to) return false;
  return (r->ops >> cell->op & 1) && (r->kinds >> cell->kind & 1)
         && (r->from >> cell->from & 1) && (r->to >> cell->to & 1);
}

static bool has_matrix(const in_policy_t *p, const cell_t *cell) {
  return p->matrix != NULL && cell->to < IN_MAX_SYSTEMS && (p->matrix[cell->from] >> cell->to & 1);
}

static in_mdd_op_t row_op(const in_rule_t *r) {
  if (r->kind == IN_R_DENY) return r->unknown_passes ? IN_MDD_FIRE_DENY_PASS : IN_MDD_FIRE_DENY;
  return r->unknown_passes ? IN_MDD_FIRE_ROW_PASS : IN_MDD_FIRE_ROW;
}

/* the matrix's last row, behind which the missing one belongs */
static in_place_t matrix_place(const in_compile_t *c, uint32_t policy, const cell_t *cell) {
  in_place_t place = c->policies.at[policy].place;
  for (uint32_t i = 0; i < c->rules.n; i++) {
    const in_rule_t *r = &c->rules.at[i];
    if (r->kind == IN_R_ROW && r->policy == policy && (r->from >> cell->from & 1) && (r->to >> cell->to & 1)) place = r->place;
  }
  return place;
}

static bool not_total(in_compile_t *c, uint32_t policy, const cell_t *cell) {
  in_span_t f = c->vocab.systems.at[cell->from].name, t = c->vocab.systems.at[cell->to].name;
  in_diag_at(c->diag, INTEROP_SYNTAX, matrix_place(c, policy, cell), "matrix %.*s -> %.*s has no row for %s %s",
             (int) f.n, f.p, (int) t.n, t.p, interop_operation_name((interop_operation_t) cell->op),
             interop_kind_name((interop_kind_t) cell->kind));
  in_diag_hint(c->diag, "end the matrix with a row for all the rest:  *  *  drop  REASON;");
  return false;
}

static bool reaches(in_compile_t *c, uint32_t id, uint32_t outcome);

/* the rows of one policy's matrix, first row outermost */
static uint32_t matrix_mdd(in_compile_t *c, uint32_t policy, const cell_t *cell) {
  uint32_t d = leaf(IN_OUTCOME_FALSE), g;
  bool total = false;
  for (uint32_t i = c->rules.n; i-- > 0;) {
    in_rule_t *r = &c->rules.at[i];
    if (r->kind != IN_R_ROW || r->policy != policy || !in_scope(c, r, cell)) continue;
    r->applies = true;
    g = in_cell_guard(c, r->when, cell);
    total = total || g == leaf(IN_OUTCOME_TRUE);
    d = in_mdd_apply(c, row_op(r), g, d, r->outcome);
  }
  if (d == IN_MDD_NONE || total || !reaches(c, d, IN_OUTCOME_FALSE)) return d;
  return not_total(c, policy, cell) ? d : IN_MDD_NONE;
}

static uint32_t base_mdd(low_t *l, const cell_t *cell) {
  in_compile_t *c = l->c;
  uint32_t d = leaf(IN_OUTCOME_FALSE);
  if (cell->to == c->vocab.systems.n) return leaf(l->not_known);
  for (uint32_t p = 0; p < c->policies.n && d != IN_MDD_NONE; p++)
    if (has_matrix(&c->policies.at[p], cell))
      d = in_mdd_apply(c, IN_MDD_STRICTEST, d, matrix_mdd(c, p, cell), 0);
  if (d == leaf(IN_OUTCOME_FALSE)) return leaf(cell->from == cell->to ? l->native : l->no_policy);
  return d;
}

/* ---- lists, each built once */

/* denials by halves: what two halves say is small beside what both say over the
** matrices, and cells that have one half in common share it */
static uint32_t denials_mdd(in_compile_t *c, const list_t *s, uint32_t from, uint32_t to) {
  uint32_t half = from + (to - from) / 2, a;
  if (from == to) return leaf(IN_OUTCOME_FALSE);
  if (to - from == 1) {
    const in_rule_t *r = &c->rules.at[s->rule[from]];
    return in_mdd_apply(c, row_op(r), s->guard[from], leaf(IN_OUTCOME_FALSE), r->outcome);
  }
  a = denials_mdd(c, s, from, half);
  return a == IN_MDD_NONE ? a : in_mdd_apply(c, IN_MDD_THEN, a, denials_mdd(c, s, half, to), 0);
}

static uint32_t build_list(in_compile_t *c, const list_t *s) {
  return in_mdd_apply(c, IN_MDD_THEN, denials_mdd(c, s, 0, s->n), s->base, 0);
}

static bool same_list(const list_t *a, const list_t *b) {
  return a->n == b->n && a->base == b->base
         && (a->n == 0 || (memcmp(a->rule, b->rule, a->n * sizeof(*a->rule)) == 0
                           && memcmp(a->guard, b->guard, a->n * sizeof(*a->guard)) == 0));
}

static bool keep_list(low_t *l, const list_t *s, uint32_t root) {
  in_compile_t *c = l->c;
  list_t copy = *s;
  copy.rule = in_arena_array(c->arena, s->n + 1, sizeof(*s->rule));
  copy.guard = in_arena_array(c->arena, s->n + 1, sizeof(*s->guard));
  if (copy.rule == NULL || copy.guard == NULL) return in_nomem(c), false;
  if (s->n > 0) {
    memcpy(copy.rule, s->rule, s->n * sizeof(*s->rule));
    memcpy(copy.guard, s->guard, s->n * sizeof(*s->guard));
  }
  return (in_vec_push(c->arena, &l->lists, copy) && in_vec_push(c->arena, &l->roots, root)) || (in_nomem(c), false);
}

static uint32_t list_root(low_t *l, const list_t *s) {
  uint32_t root;
  for (uint32_t i = 0; i < l->lists.n; i++)
    if (same_list(&l->lists.at[i], s)) return l->roots.at[i];
  root = build_list(l->c, s);
  return root == IN_MDD_NONE || !keep_list(l, s, root) ? IN_MDD_NONE : root;
}

/* the guards of all of the cell's rules, so that they are there before its budget
** begins; those of denials into the list */
static bool cell_guards(low_t *l, const cell_t *cell, list_t *scratch) {
  in_compile_t *c = l->c;
  scratch->n = 0;
  for (uint32_t i = 0; i < l->denials; i++) {
    in_rule_t *r = &c->rules.at[l->order[i]];
    uint32_t g;
    if (!in_scope(c, r, cell)) continue;
    g = in_cell_rule_guard(c, r, cell);
    if (g == IN_MDD_NONE) return false;
    if (g == leaf(IN_OUTCOME_FALSE)) continue;
    r->applies = true;
    scratch->rule[scratch->n] = l->order[i];
    scratch->guard[scratch->n++] = g;
  }
  for (uint32_t i = 0; i < c->rules.n; i++) {
    const in_rule_t *r = &c->rules.at[i];
    if (r->kind == IN_R_ROW && in_scope(c, r, cell) && in_cell_rule_guard(c, r, cell) == IN_MDD_NONE) return false;
  }
  return true;
}

/* ---- cells that are too large for a diagram */

static bool put_rule(in_compile_t *c, in_list_op_t op, uint32_t guard, uint32_t outcome) {
  in_pi_rule_t r = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX, 0, op, guard, outcome, 0 };
  return in_vec_push(c->arena, &c->lists, r) || (in_nomem(c), false);
}

static bool put_matrix(low_t *l, uint32_t policy, const cell_t *cell) {
  in_compile_t *c = l->c;
  bool total = false;
  for (uint32_t i = 0; i < c->rules.n && !total; i++) {
    in_rule_t *r = &c->rules.at[i];
    uint32_t g;
    if (r->kind != IN_R_ROW || r->policy != policy || !in_scope(c, r, cell)) continue;
    g = in_cell_rule_guard(c, r, cell);
    if (g == IN_MDD_NONE || !put_rule(c, r->unknown_passes ? IN_LIST_ROW_PASS : IN_LIST_ROW, g, r->outcome)) return false;
    r->applies = true;
    total = g == leaf(IN_OUTCOME_TRUE);
  }
  return total ? put_rule(c, IN_LIST_NEXT, 0, 0) : not_total(c, policy, cell);
}

static bool put_base(low_t *l, const cell_t *cell) {
  in_compile_t *c = l->c;
  bool any = false;
  uint32_t o = cell->to == c->vocab.systems.n ? l->not_known : cell->from == cell->to ? l->native : l->no_policy;
  for (uint32_t p = 0; p < c->policies.n; p++) {
    if (!has_matrix(&c->policies.at[p], cell)) continue;
    if (!put_matrix(l, p, cell)) return false;
    any = true;
  }
  return any || (put_rule(c, IN_LIST_ROW, leaf(IN_OUTCOME_TRUE), o) && put_rule(c, IN_LIST_NEXT, 0, 0));
}

static bool put_list(low_t *l, const cell_t *cell, const list_t *s) {
  for (uint32_t i = 0; i < s->n; i++) {
    const in_rule_t *r = &l->c->rules.at[s->rule[i]];
    if (!put_rule(l->c, r->unknown_passes ? IN_LIST_DENY_PASS : IN_LIST_DENY, s->guard[i], r->outcome)) return false;
  }
  return put_base(l, cell) && put_rule(l->c, IN_LIST_END, 0, l->no_policy);
}

static void tell_list(const low_t *l, const cell_t *cell, uint32_t rules) {
  interop_diag_t w;
  in_span_t f = l->c->vocab.systems.at[cell->from].name;
  in_place_t place = { NULL, 0, 0 };
  for (uint32_t i = 0; i < l->c->rules.n && place.source == NULL; i++)
    if (in_scope(l->c, &l->c->rules.at[i], cell)) place = l->c->rules.at[i].place;
  in_diag_clear(&w);
  in_diag_at(&w, INTEROP_SYNTAX, place,
             "the decision for %s %s from %.*s is too large for a diagram: its %u rules are looked at one by one",
             interop_operation_name((interop_operation_t) cell->op), interop_kind_name((interop_kind_t) cell->kind),
             (int) f.n, f.p, rules);
  in_warn(l->c, &w);
}

/* the list that begins at `first` is kept, unless an earlier one is the same */
static uint32_t keep_rules(low_t *l, const cell_t *cell, uint32_t first) {
  in_compile_t *c = l->c;
  uint32_t n = c->lists.n - first;
  for (uint32_t i = 0; i < l->spilled.n; i++) {
    uint32_t old = l->spilled.at[i];
    if (old + n > first || memcmp(&c->lists.at[old], &c->lists.at[first], n * sizeof(*c->lists.at)) != 0) continue;
    c->lists.n = first;
    return IN_LIST | old;
  }
  if (!in_vec_push(c->arena, &l->spilled, first)) return in_nomem(c), IN_MDD_NONE;
  tell_list(l, cell, n);
  return IN_LIST | first;
}

/* a cell whose list was kept before is not tried again */
static uint32_t known_list(low_t *l, const cell_t *cell, const list_t *s) {
  in_compile_t *c = l->c;
  uint32_t first = c->lists.n, n, root = IN_NIL;
  if (l->spilled.n == 0) return IN_NIL;
  if (!put_list(l, cell, s)) return IN_MDD_NONE;
  n = c->lists.n - first;
  for (uint32_t i = 0; i < l->spilled.n && root == IN_NIL; i++)
    if (l->spilled.at[i] + n <= first && memcmp(&c->lists.at[l->spilled.at[i]], &c->lists.at[first], n * sizeof(*c->lists.at)) == 0)
      root = IN_LIST | l->spilled.at[i];
  c->lists.n = first;
  return root;
}

static uint32_t cell_root(low_t *l, const cell_t *cell, list_t *scratch) {
  in_compile_t *c = l->c;
  uint32_t root, first = c->lists.n;
  if (!cell_guards(l, cell, scratch)) return IN_MDD_NONE;
  root = known_list(l, cell, scratch);
  if (root != IN_NIL || c->diag->status != INTEROP_OK) return root;
  in_mdd_budget(c, c->cell_budget != 0 ? c->cell_budget : CELL_BUDGET);
  scratch->base = base_mdd(l, cell);
  root = scratch->base == IN_MDD_NONE ? IN_MDD_NONE : list_root(l, scratch);
  in_mdd_unlimited(c);
  if (root != IN_MDD_NONE || !in_mdd_is_over(c) || c->diag->status != INTEROP_OK) return root;
  in_mdd_undo(c);
  return put_list(l, cell, scratch) ? keep_rules(l, cell, first) : IN_MDD_NONE;
}

/* ---- cells that decide alike, lowered once: a hash table of their keys */

typedef struct {
  in_scope_t scope;
  list_t scratch;
  uint64_t *key;                  /* of the cell at hand */
  IN_VEC(uint64_t) keys;          /* of those that were made, one behind the other */
  IN_VEC(uint32_t) roots;
  uint32_t *table, slots, words;
} alike_t;

static uint32_t *find_alike(const alike_t *x, const uint64_t *key) {
  uint32_t h = (uint32_t) (in_hash64(key, x->words * sizeof(*key)) >> 16) & (x->slots - 1);
  for (; x->table[h] != 0; h = (h + 1) & (x->slots - 1))
    if (memcmp(&x->keys.at[(size_t) (x->table[h] - 1) * x->words], key, x->words * sizeof(*key)) == 0) break;
  return &x->table[h];
}

static bool keep_alike(low_t *l, alike_t *x, uint32_t *slot, uint32_t root) {
  in_arena_t *a = l->c->arena;
  for (uint32_t i = 0; i < x->words; i++)
    if (!in_vec_push(a, &x->keys, x->key[i])) return in_nomem(l->c), false;
  if (!in_vec_push(a, &x->roots, root)) return in_nomem(l->c), false;
  *slot = x->roots.n;
  return true;
}

static bool make_cell(low_t *l, alike_t *x, const cell_t *cell) {
  in_compile_t *c = l->c;
  uint32_t *slot, root;
  in_scope_key(&x->scope, cell, x->key);
  slot = find_alike(x, x->key);
  root = *slot != 0 ? x->roots.at[*slot - 1] : cell_root(l, cell, &x->scratch);
  if (root == IN_MDD_NONE || (*slot == 0 && !keep_alike(l, x, slot, root))) return false;
  c->cells[in_cell(c->vocab.systems.n, cell->op, cell->kind, cell->from, cell->to)] = root;
  return true;
}

static bool init_alike(low_t *l, alike_t *x) {
  in_compile_t *c = l->c;
  memset(x, 0, sizeof(*x));
  if (!in_scope_make(c, &x->scope)) return false;
  x->words = in_scope_key_words(&x->scope);
  for (x->slots = 2; x->slots < c->cell_count * 2;) x->slots *= 2;
  x->table = in_arena_array(c->arena, x->slots, sizeof(*x->table));
  x->key = in_arena_array(c->arena, x->words, sizeof(*x->key));
  x->scratch.rule = in_arena_array(c->arena, c->rules.n + 1, sizeof(uint32_t));
  x->scratch.guard = in_arena_array(c->arena, c->rules.n + 1, sizeof(uint32_t));
  return !c->arena->failed || (in_nomem(c), false);
}

static bool make_cells(low_t *l) {
  in_compile_t *c = l->c;
  uint32_t n = c->vocab.systems.n;
  alike_t alike;
  c->cell_count = (uint32_t) in_cell(n, INTEROP_OPERATION_COUNT, 0, 0, 0);
  c->cells = in_arena_array(c->arena, c->cell_count + 1, sizeof(*c->cells));
  if (c->cells == NULL || !init_alike(l, &alike)) return in_nomem(c), false;
  for (cell_t x = { 0, 0, 0, 0 }; x.op < INTEROP_OPERATION_COUNT; x.op++)
    for (x.kind = 0; x.kind < INTEROP_KIND_COUNT; x.kind++)
      for (x.from = 0; x.from < n; x.from++)
        for (x.to = 0; x.to <= n; x.to++)
          if (!make_cell(l, &alike, &x)) return false;
  return true;
}

/*
** What the matrices alone make of a message that is read: the rows of
** message.send, since reading is not gated.
*/
static uint32_t shown_root(low_t *l, const cell_t *cell) {
  in_compile_t *c = l->c;
  uint32_t root, first = c->lists.n;
  in_mdd_budget(c, c->cell_budget != 0 ? c->cell_budget : CELL_BUDGET);
  root = base_mdd(l, cell);
  in_mdd_unlimited(c);
  if (root != IN_MDD_NONE || !in_mdd_is_over(c) || c->diag->status != INTEROP_OK) return root;
  in_mdd_undo(c);
  return put_base(l, cell) && put_rule(c, IN_LIST_END, 0, l->no_policy) ? keep_rules(l, cell, first) : IN_MDD_NONE;
}

static bool make_shown(low_t *l) {
  in_compile_t *c = l->c;
  uint32_t n = c->vocab.systems.n;
  c->shown_count = (uint32_t) in_shown(n, INTEROP_KIND_COUNT, 0, 0);
  c->shown = in_arena_array(c->arena, c->shown_count + 1, sizeof(*c->shown));
  if (c->shown == NULL) return in_nomem(c), false;
  for (cell_t x = { INTEROP_OP_MESSAGE_SEND, 0, 0, 0 }; x.kind < INTEROP_KIND_COUNT; x.kind++)
    for (x.from = 0; x.from < n; x.from++)
      for (x.to = 0; x.to < n; x.to++) {
        uint32_t root = shown_root(l, &x);
        if (root == IN_MDD_NONE) return false;
        c->shown[in_shown(n, x.kind, x.from, x.to)] = root;
      }
  return true;
}

/* ---- outcomes */

static uint32_t add_outcome(in_compile_t *c, in_outcome_kind_t kind, interop_verdict_t v, int reason, const char *rule) {
  in_pi_outcome_t o;
  memset(&o, 0, sizeof(o));
  o.kind = (uint32_t) kind;
  o.verdict = (uint32_t) v;
  o.reason = reason < 0 ? IN_NIL : (uint32_t) reason;
  o.slot = IN_NIL;
  o.rule = in_builder_str(&c->builder, in_str(rule));
  o.name_slot = IN_NIL;
  if (!in_vec_push(c->arena, &c->outcomes, o)) return in_nomem(c), IN_MDD_NONE;
  return c->outcomes.n - 1;
}

bool in_rule_outcome(in_compile_t *c, in_rule_t *r) {
  in_pi_outcome_t o;
  memset(&o, 0, sizeof(o));
  o.kind = IN_OUT_DECISION;
  o.verdict = (uint32_t) r->verdict;
  o.reason = r->reason < 0 ? IN_NIL : (uint32_t) r->reason;
  o.slot = IN_NIL;
  o.rule = in_builder_str(&c->builder, r->name);
  o.strip = r->strip;
  o.reduce = r->reduce;
  o.name_slot = r->name_slot;
  o.name_suffix = in_builder_str(&c->builder, r->name_suffix.p == NULL ? IN_SPAN("") : r->name_suffix);
  o.line = in_line_of(c, r->place);
  o.file = in_builder_str(&c->builder, r->place.source->name).off;
  o.row = r->kind == IN_R_ROW;
  o.notices.count = r->notice_count;
  o.notices.first = in_builder_add(&c->builder, IN_S_INDEXES, r->notices, r->notice_count, sizeof(uint32_t));
  r->outcome = c->outcomes.n;
  return in_vec_push(c->arena, &c->outcomes, o) || (in_nomem(c), false);
}

static bool make_outcomes(low_t *l) {
  in_compile_t *c = l->c;
  add_outcome(c, IN_OUT_FALSE, INTEROP_V_DELIVER, -1, "");
  add_outcome(c, IN_OUT_TRUE, INTEROP_V_DELIVER, -1, "");
  l->native = add_outcome(c, IN_OUT_DECISION, INTEROP_V_DELIVER, -1, "native");
  l->no_policy = add_outcome(c, IN_OUT_DECISION, INTEROP_V_DENY, in_vocab_reason(&c->vocab, IN_SPAN("no_policy")), "no_policy");
  l->not_known = in_mdd_undetermined(c, IN_NIL);
  for (uint32_t i = 0; i < c->rules.n; i++) {
    in_rule_t *r = &c->rules.at[i];
    if ((r->kind == IN_R_DENY || r->kind == IN_R_ROW || r->kind == IN_R_AMEND) && !in_rule_outcome(c, r)) return false;
  }
  return l->not_known != IN_MDD_NONE && c->diag->status == INTEROP_OK;
}

typedef struct { int reason; uint32_t rule; } ranked_t;

static int by_reason(const void *a, const void *b) {
  const ranked_t *x = a, *y = b;
  if (x->reason != y->reason) return x->reason < y->reason ? -1 : 1;
  return (x->rule > y->rule) - (x->rule < y->rule);
}

static bool order_denials(low_t *l) {
  in_compile_t *c = l->c;
  ranked_t *r = in_arena_array(c->arena, c->rules.n + 1, sizeof(*r));
  l->order = in_arena_array(c->arena, c->rules.n + 1, sizeof(*l->order));
  if (r == NULL || l->order == NULL) return in_nomem(c), false;
  for (uint32_t i = 0; i < c->rules.n; i++)
    if (c->rules.at[i].kind == IN_R_DENY) r[l->denials++] = (ranked_t) { c->rules.at[i].reason, i };
  qsort(r, l->denials, sizeof(*r), by_reason);
  for (uint32_t i = 0; i < l->denials; i++) l->order[i] = r[i].rule;
  return true;
}

/* ---- what decides nowhere */

static bool mark(in_compile_t *c, uint32_t id, unsigned char *seen, unsigned char *out) {
  if (id & IN_LEAF) { out[id & ~IN_LEAF] = 1; return true; }
  if (seen[id]) return true;
  seen[id] = 1;
  for (uint32_t k = 0; k < c->atoms.at[in_mdd_atom(c, id)].classes; k++)
    mark(c, in_mdd_children(c, id)[k], seen, out);
  return true;
}

static bool reaches(in_compile_t *c, uint32_t id, uint32_t outcome) {
  unsigned char *seen, *out;
  if (id & IN_LEAF) return (id & ~IN_LEAF) == outcome;
  seen = in_arena_get(c->arena, in_mdd_count(c) + 1);
  out = in_arena_get(c->arena, c->outcomes.n + 1);
  if (seen == NULL || out == NULL) return in_nomem(c), true;
  mark(c, id, seen, out);
  return out[outcome] != 0;
}

/* a rule whose outcome the diagram can end in, of the dead one's own kind if there is one */
static in_span_t reached(in_compile_t *c, uint32_t id, in_rule_kind_t kind) {
  in_span_t other = IN_NONE;
  for (uint32_t i = 0; id != IN_MDD_NONE && i < c->rules.n; i++) {
    const in_rule_t *r = &c->rules.at[i];
    if (r->outcome == IN_NIL || (other.p != NULL && r->kind != kind)) continue;
    if (!reaches(c, id, r->outcome)) continue;
    if (r->kind == kind) return r->name;
    other = r->name;
  }
  return other;
}

/* some rule that decides where the dead rule's guard is true */
static in_span_t shadower(in_compile_t *c, const in_rule_t *r) {
  uint32_t n = c->vocab.systems.n;
  for (cell_t x = { 0, 0, 0, 0 }; x.op < INTEROP_OPERATION_COUNT; x.op++)
    for (x.kind = 0; x.kind < INTEROP_KIND_COUNT; x.kind++)
      for (x.from = 0; x.from < n; x.from++)
        for (x.to = 0; x.to < n; x.to++) {
          uint32_t cell = c->cells[in_cell(n, x.op, x.kind, x.from, x.to)];
          in_span_t by;
          if (!in_scope(c, r, &x) || is_list(cell)) continue;
          by = reached(c, in_mdd_apply(c, IN_MDD_PICK, in_cell_guard(c, r->when, &x), cell, 0), r->kind);
          if (by.p != NULL) return by;
        }
  return IN_NONE;
}

static bool report_dead(in_compile_t *c, const in_rule_t *r) {
  in_span_t by = r->applies ? shadower(c, r) : IN_NONE;
  in_diag_at(c->diag, INTEROP_SYNTAX, r->place, r->kind == IN_R_DENY ? "this denial never decides" : "this row never decides");
  if (by.p != NULL) in_diag_hint(c->diag, "wherever it holds, %.*s decides first", (int) by.n, by.p);
  else in_diag_hint(c->diag, "its guard can never be true here");
  return false;
}

static bool check_dead(in_compile_t *c) {
  unsigned char *seen = in_arena_get(c->arena, in_mdd_count(c) + 1);
  unsigned char *out = in_arena_get(c->arena, c->outcomes.n + 1);
  if (seen == NULL || out == NULL) return in_nomem(c), false;
  for (uint32_t i = 0; i < c->cell_count; i++)
    if (!is_list(c->cells[i])) mark(c, c->cells[i], seen, out);
  for (uint32_t i = 0; i < c->lists.n; i++)
    if (c->lists.at[i].op < IN_LIST_NEXT) out[c->lists.at[i].outcome] = 1;
  for (uint32_t i = 0; i < c->rules.n; i++) {
    in_rule_t *r = &c->rules.at[i];
    if (r->outcome == IN_NIL || r->kind == IN_R_AMEND) continue;
    r->decides = out[r->outcome] != 0;
    if (!r->decides && !c->dead_is_allowed) return report_dead(c, r);
  }
  return true;
}

interop_status_t in_policy_lower(in_compile_t *c) {
  low_t l;
  uint32_t *level = in_arena_array(c->arena, c->atoms.n + 1, sizeof(*level));
  memset(&l, 0, sizeof(l));
  l.c = c;
  if (level == NULL || !order_denials(&l) || !in_order_atoms(c, l.order, l.denials, level)) return in_nomem(c);
  if (in_mdd_new(c, level) != INTEROP_OK) return c->diag->status;
  if (!make_outcomes(&l) || !make_cells(&l) || !make_shown(&l) || !check_dead(c)) return c->diag->status;
  return c->tenant_rules.n == 0 ? INTEROP_OK : in_overlays_make(c);
}
