/*
** mdd.c -- see mdd.h. Recursion is as deep as there are atoms, at most.
**
** Owns nodes and their sharing. Invariant: equal diagrams are one node, so that
** equality is equality of numbers; children are made before their parents.
*/
#include <stdlib.h>

#include "mdd.h"

#define MAX_NODES   ((uint32_t) 1 << 22)
#define MAX_CACHE   ((uint32_t) 1 << 17)

typedef struct { uint32_t atom, child; } mdd_node_t;     /* child: index in the pool */

typedef struct { uint32_t op, arg, a, b, result; } cached_t;      /* op: + 1; 0: nothing here */

struct in_mdd_s {
  IN_VEC(mdd_node_t) nodes;
  IN_VEC(uint32_t) pool;
  uint32_t *table, slots;               /* hash of nodes: id + 1 */
  cached_t *cache;                      /* of results; it grows with the table */
  uint32_t cached;                      /* its places, a power of two */
  const uint32_t *level;                /* of an atom: its place in the order */
  uint32_t *unknown;                    /* by atom, IN_NIL last: outcome + 1 */
  uint32_t limit, mark, mark_pool;      /* of nodes; where the budget began */
  uint64_t steps;                       /* left of it */
  bool over;
};

interop_status_t in_mdd_new(in_compile_t *c, const uint32_t *level) {
  in_mdd_t *m = in_arena_get(c->arena, sizeof(*m));
  if (m == NULL) return in_nomem(c);
  m->unknown = in_arena_array(c->arena, c->atoms.n + 1, sizeof(*m->unknown));
  if (m->unknown == NULL) return in_nomem(c);
  m->level = level;
  c->mdd = m;
  in_mdd_unlimited(c);
  return INTEROP_OK;
}

uint32_t in_mdd_count(const in_compile_t *c) { return c->mdd->nodes.n; }
uint32_t in_mdd_atom(const in_compile_t *c, uint32_t id) { return c->mdd->nodes.at[id].atom; }
const uint32_t *in_mdd_children(const in_compile_t *c, uint32_t id) {
  return &c->mdd->pool.at[c->mdd->nodes.at[id].child];
}

/* ---- nodes, each once */

static uint32_t hash_node(uint32_t atom, const uint32_t *child, uint32_t n) {
  uint32_t h = atom * 2654435761u;
  for (uint32_t i = 0; i < n; i++) h = (h ^ child[i]) * 16777619u + (h >> 15);
  return h;
}

/* every node back into a table that is empty */
static void fill_table(const in_compile_t *c, uint32_t *t, uint32_t slots) {
  const in_mdd_t *m = c->mdd;
  for (uint32_t id = 0; id < m->nodes.n; id++) {
    uint32_t atom = m->nodes.at[id].atom;
    uint32_t h = hash_node(atom, in_mdd_children(c, id), c->atoms.at[atom].classes) & (slots - 1);
    while (t[h] != 0) h = (h + 1) & (slots - 1);
    t[h] = id + 1;
  }
}

static cached_t *cache_slot(cached_t *cache, uint32_t size, const cached_t *key) {
  uint32_t h = (key->a * 2654435761u) ^ (key->b * 2246822519u) ^ (key->arg * 3266489917u) ^ (key->op << 7);
  return &cache[(h ^ (h >> 16)) & (size - 1)];
}

static bool grow_cache(in_compile_t *c, uint32_t size) {
  in_mdd_t *m = c->mdd;
  cached_t *to = in_arena_array(c->arena, size, sizeof(*to));
  if (to == NULL) return in_nomem(c), false;
  for (uint32_t i = 0; i < m->cached; i++)
    if (m->cache[i].op != 0) *cache_slot(to, size, &m->cache[i]) = m->cache[i];
  m->cache = to;
  m->cached = size;
  return true;
}

static bool rehash(in_compile_t *c) {
  in_mdd_t *m = c->mdd;
  uint32_t slots = m->slots == 0 ? 4096 : m->slots * 2;
  uint32_t *t = in_arena_array(c->arena, slots, sizeof(*t));
  if (t == NULL) return in_nomem(c), false;
  fill_table(c, t, slots);
  m->table = t;
  m->slots = slots;
  return slots > MAX_CACHE || grow_cache(c, slots);
}

static uint32_t add_node(in_compile_t *c, uint32_t atom, const uint32_t *child, uint32_t n, uint32_t slot) {
  in_mdd_t *m = c->mdd;
  mdd_node_t node = { atom, m->pool.n };
  if (m->nodes.n >= m->limit) return m->over = true, IN_MDD_NONE;
  if (m->nodes.n == MAX_NODES) {
    in_diag_set(c->diag, INTEROP_SYNTAX, "the policy's decisions are too large to compile");
    return IN_MDD_NONE;
  }
  for (uint32_t i = 0; i < n; i++)
    if (!in_vec_push(c->arena, &m->pool, child[i])) return in_nomem(c), IN_MDD_NONE;
  if (!in_vec_push(c->arena, &m->nodes, node)) return in_nomem(c), IN_MDD_NONE;
  m->table[slot] = m->nodes.n;
  return m->nodes.n - 1;
}

static uint32_t make(in_compile_t *c, uint32_t atom, const uint32_t *child) {
  in_mdd_t *m = c->mdd;
  uint32_t n = c->atoms.at[atom].classes, h, i = 1;
  while (i < n && child[i] == child[0]) i++;
  if (i == n) return child[0];
  if (m->nodes.n * 2 >= m->slots && !rehash(c)) return IN_MDD_NONE;
  h = hash_node(atom, child, n) & (m->slots - 1);
  while (m->table[h] != 0) {
    uint32_t id = m->table[h] - 1;
    if (m->nodes.at[id].atom == atom && memcmp(in_mdd_children(c, id), child, n * sizeof(*child)) == 0) return id;
    h = (h + 1) & (m->slots - 1);
  }
  return add_node(c, atom, child, n, h);
}

/* ---- budgets */

void in_mdd_budget(in_compile_t *c, uint32_t nodes) {
  in_mdd_t *m = c->mdd;
  m->mark = m->nodes.n;
  m->mark_pool = m->pool.n;
  m->limit = m->nodes.n + nodes;
  m->steps = (uint64_t) nodes * 64;
  m->over = false;
}

void in_mdd_unlimited(in_compile_t *c) {
  c->mdd->limit = UINT32_MAX;
  c->mdd->steps = UINT64_MAX;
}

bool in_mdd_is_over(const in_compile_t *c) { return c->mdd->over; }

void in_mdd_undo(in_compile_t *c) {
  in_mdd_t *m = c->mdd;
  m->nodes.n = m->mark;
  m->pool.n = m->mark_pool;
  if (m->slots == 0) return;
  memset(m->cache, 0, m->cached * sizeof(*m->cache));
  memset(m->table, 0, m->slots * sizeof(*m->table));
  fill_table(c, m->table, m->slots);
}

uint32_t in_mdd_undetermined(in_compile_t *c, uint32_t atom) {
  in_pi_outcome_t o;
  uint32_t *known = &c->mdd->unknown[atom == IN_NIL ? c->atoms.n : atom];
  if (*known != 0) return *known - 1;
  memset(&o, 0, sizeof(o));
  o.kind = IN_OUT_UNDETERMINED;
  o.verdict = INTEROP_V_DENY;
  o.reason = IN_NIL;
  o.slot = atom;
  o.name_slot = IN_NIL;
  o.rule = in_builder_str(&c->builder, IN_SPAN(""));
  if (!in_vec_push(c->arena, &c->outcomes, o)) return in_nomem(c), IN_MDD_NONE;
  *known = c->outcomes.n;
  return c->outcomes.n - 1;
}

uint32_t in_mdd_pred(in_compile_t *c, const in_pred_t *p) {
  uint32_t child[IN_MAX_CLASSES + 1], n = c->atoms.at[p->atom].classes;
  child[0] = p->kind == IN_P_KNOWN ? IN_OUTCOME_FALSE : in_mdd_undetermined(c, p->atom);
  if (child[0] == IN_MDD_NONE) return IN_MDD_NONE;
  child[0] |= IN_LEAF;
  for (uint32_t k = 1; k < n; k++)
    child[k] = IN_LEAF | ((p->classes >> k & 1) ? IN_OUTCOME_TRUE : IN_OUTCOME_FALSE);
  return make(c, p->atom, child);
}

/* ---- leaves */

static bool same_effect(const in_pi_outcome_t *a, const in_pi_outcome_t *b) {
  return a->kind == b->kind && a->verdict == b->verdict && a->reason == b->reason
         && a->strip == b->strip && a->reduce == b->reduce && a->name_slot == b->name_slot
         && a->name_suffix.off == b->name_suffix.off && a->name_suffix.len == b->name_suffix.len;
}

static bool denies(const in_pi_outcome_t *o) {
  return o->kind == IN_OUT_DECISION && o->verdict == INTEROP_V_DENY;
}

/* rule `arg` over what follows (b), its guard a being a leaf */
static uint32_t fire(const in_compile_t *c, in_mdd_op_t op, uint32_t a, uint32_t b, uint32_t arg) {
  const in_pi_outcome_t *o = c->outcomes.at;
  bool denial = op == IN_MDD_FIRE_DENY || op == IN_MDD_FIRE_DENY_PASS;
  /* a denial of a matrix may have the reason that stands first */
  if (a == IN_OUTCOME_TRUE) return denial && denies(&o[b]) && o[b].reason < o[arg].reason ? b : arg;
  if (a == IN_OUTCOME_FALSE || op == IN_MDD_FIRE_ROW_PASS || op == IN_MDD_FIRE_DENY_PASS) return b;
  if (denial && denies(&o[b])) return b;
  if (!denial && same_effect(&o[b], &o[arg])) return b;
  return a;
}

static uint32_t strictest(const in_compile_t *c, uint32_t a, uint32_t b) {
  const in_pi_outcome_t *x = &c->outcomes.at[a], *y = &c->outcomes.at[b];
  if (a == IN_OUTCOME_FALSE) return b;
  if (b == IN_OUTCOME_FALSE) return a;
  if (denies(x) && denies(y)) return y->reason < x->reason ? b : a;
  if (denies(x) || denies(y)) return denies(x) ? a : b;
  if (x->kind == IN_OUT_UNDETERMINED || y->kind == IN_OUT_UNDETERMINED) return x->kind == IN_OUT_UNDETERMINED ? a : b;
  return y->verdict > x->verdict ? b : a;
}

static uint32_t leaves(const in_compile_t *c, in_mdd_op_t op, uint32_t a, uint32_t b, uint32_t arg) {
  switch (op) {
    case IN_MDD_NOT: return a == IN_OUTCOME_TRUE ? IN_OUTCOME_FALSE : a == IN_OUTCOME_FALSE ? IN_OUTCOME_TRUE : a;
    case IN_MDD_AND: return a == IN_OUTCOME_FALSE || b == IN_OUTCOME_FALSE ? IN_OUTCOME_FALSE
                            : a == IN_OUTCOME_TRUE ? b : a;
    case IN_MDD_OR: return a == IN_OUTCOME_TRUE || b == IN_OUTCOME_TRUE ? IN_OUTCOME_TRUE
                           : a == IN_OUTCOME_FALSE ? b : a;
    case IN_MDD_THEN: return fire(c, IN_MDD_FIRE_DENY, denies(&c->outcomes.at[a]) ? IN_OUTCOME_TRUE : a, b, a);
    case IN_MDD_STRICTEST: return strictest(c, a, b);
    case IN_MDD_PICK: return a == IN_OUTCOME_TRUE ? b : IN_OUTCOME_FALSE;
    default: return fire(c, op, a, b, arg);
  }
}

/* ---- apply */

static uint32_t level_of(const in_compile_t *c, uint32_t id) {
  return (id & IN_LEAF) ? UINT32_MAX : c->mdd->level[in_mdd_atom(c, id)];
}

/* what one leaf alone decides; IN_NIL: nothing */
static uint32_t shortcut(in_mdd_op_t op, uint32_t a, uint32_t b) {
  const uint32_t no = IN_LEAF | IN_OUTCOME_FALSE, yes = IN_LEAF | IN_OUTCOME_TRUE;
  switch (op) {
    case IN_MDD_NOT: return IN_NIL;
    case IN_MDD_AND: return a == no || b == no ? no : a == yes ? b : b == yes ? a : IN_NIL;
    case IN_MDD_OR: return a == yes || b == yes ? yes : a == no ? b : b == no ? a : IN_NIL;
    case IN_MDD_STRICTEST: return a == no ? b : b == no ? a : IN_NIL;
    case IN_MDD_PICK: return a == no ? no : a == yes ? b : IN_NIL;
    default: return a == no ? b : IN_NIL;
  }
}

uint32_t in_mdd_apply(in_compile_t *c, in_mdd_op_t op, uint32_t a, uint32_t b, uint32_t arg) {
  in_mdd_t *m = c->mdd;
  cached_t key = { (uint32_t) op + 1, arg, a, b, 0 }, *slot;
  uint32_t child[IN_MAX_CLASSES + 1], la, lb, atom, n;
  if (a == IN_MDD_NONE || b == IN_MDD_NONE) return IN_MDD_NONE;
  if ((a & IN_LEAF) && (b & IN_LEAF)) return IN_LEAF | leaves(c, op, a & ~IN_LEAF, b & ~IN_LEAF, arg);
  if ((key.result = shortcut(op, a, b)) != IN_NIL) return key.result;
  if (m->steps-- == 0) return m->over = true, m->steps = 0, IN_MDD_NONE;
  slot = cache_slot(m->cache, m->cached, &key);
  if (slot->op == key.op && slot->arg == arg && slot->a == a && slot->b == b) return slot->result;
  la = level_of(c, a);
  lb = level_of(c, b);
  atom = in_mdd_atom(c, la <= lb ? a : b);
  n = c->atoms.at[atom].classes;
  for (uint32_t k = 0; k < n; k++) {
    uint32_t x = la <= lb ? in_mdd_children(c, a)[k] : a;
    uint32_t y = lb <= la ? in_mdd_children(c, b)[k] : b;
    child[k] = in_mdd_apply(c, op, x, y, arg);
    if (child[k] == IN_MDD_NONE) return IN_MDD_NONE;
  }
  key.result = make(c, atom, child);
  if (key.result != IN_MDD_NONE) *cache_slot(m->cache, m->cached, &key) = key;   /* it may have grown */
  return key.result;
}
