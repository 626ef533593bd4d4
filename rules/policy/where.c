/*
** where.c -- for which events a guard has to be looked at.
**
** Most guards of notices and readings name the operation and the systems
** that they are for, and are false of every other event whatever else is known.
** Owns the sets of events of which that cannot be told beforehand, made when a policy
** is loaded. Must not know any fact. Invariant: of an event that is in no set of a
** guard, its diagram ends in FALSE whichever classes its other atoms have.
*/
#include "load.h"

typedef enum { OPERATIONS, FROM, TO, SIDES } side_t;

static const uint32_t fact_of[SIDES] = { IN_RF_OPERATION, IN_RF_FROM, IN_RF_TO };

typedef struct { uint64_t of[SIDES]; } sets_t;  /* bit sets, of node or leaf */

typedef struct {
  const in_image_t *img;
  sets_t *node;                   /* by index in NODES, where a node begins */
} work_t;

static sets_t sets_of(const work_t *w, uint32_t root) {
  if (!(root & IN_LEAF)) return w->node[root];
  if (in_outcome(w->img, root & ~IN_LEAF)->kind == IN_OUT_FALSE) return (sets_t) { { 0, 0, 0 } };
  return (sets_t) { { UINT64_MAX, UINT64_MAX, UINT64_MAX } };
}

static bool asks(const in_image_t *img, const in_pi_atom_t *a, side_t side) {
  const in_pi_slot_t *s = in_slot(img, a->slot);
  return a->kind == IN_ATOM_ENUM && s->subject == IN_SUB_REQUEST && s->field == fact_of[side];
}

/* the atom asks for this: of each value, what its child says; what is no value is unknown */
static uint64_t chosen(const work_t *w, uint32_t node, side_t side) {
  const uint32_t *n = in_table(w->img, NODES, uint32_t) + node;
  const in_pi_atom_t *a = in_atom(w->img, n[0]);
  uint64_t set = 0;
  for (uint32_t v = 0; v < 64; v++) {
    uint32_t class_ = v < a->map.count ? in_table(w->img, INDEXES, uint32_t)[a->map.first + v] : 0;
    set |= sets_of(w, n[1 + class_]).of[side] & (uint64_t) 1 << v;
  }
  return set;
}

/* the atom asks for something else, of which anything may be so */
static uint64_t joined(const work_t *w, uint32_t node, side_t side) {
  const uint32_t *n = in_table(w->img, NODES, uint32_t) + node;
  uint64_t set = 0;
  for (uint32_t k = 0; k < in_atom(w->img, n[0])->classes; k++) set |= sets_of(w, n[1 + k]).of[side];
  return set;
}

/* children stand before their parents */
static void fill(work_t *w) {
  const uint32_t *n = in_table(w->img, NODES, uint32_t);
  for (uint32_t i = 0; i < w->img->count[IN_S_NODES]; i += 1 + in_atom(w->img, n[i])->classes)
    for (side_t side = OPERATIONS; side < SIDES; side++)
      w->node[i].of[side] = asks(w->img, in_atom(w->img, n[i]), side) ? chosen(w, i, side) : joined(w, i, side);
}

/* guard number i of a table */
static void put(in_where_t *table, uint32_t i, sets_t s) {
  in_where_t *t = &table[i / 64];
  for (uint32_t v = 0; v < 64; v++) {
    t->operation[v] |= (s.of[OPERATIONS] >> v & 1) << i % 64;
    t->from[v] |= (s.of[FROM] >> v & 1) << i % 64;
    t->to[v] |= (s.of[TO] >> v & 1) << i % 64;
  }
}

/* a reading is for what comes from one system */
static sets_t sets_of_reading(const work_t *w, const in_pi_reading_t *r) {
  sets_t s = sets_of(w, r->guard);
  s.of[FROM] &= (uint64_t) 1 << r->from;
  return s;
}

/* an amendment says itself what it is for; where its guard is false it sets nothing */
static sets_t sets_of_amend(const work_t *w, const in_pi_amend_t *a) {
  sets_t s = sets_of(w, a->guard);
  s.of[OPERATIONS] &= a->ops;
  s.of[FROM] &= a->from;
  s.of[TO] &= a->to;
  return s;
}

static void take(interop_policy_t *p, const work_t *w) {
  const in_pi_notice_t *n = in_table(&p->img, NOTICES, in_pi_notice_t);
  const in_pi_reading_t *r = in_table(&p->img, READINGS, in_pi_reading_t);
  const in_pi_amend_t *a = in_table(&p->img, AMENDS, in_pi_amend_t);
  for (uint32_t i = 0; i < p->img.count[IN_S_NOTICES]; i++) put(p->notice_where, i, sets_of(w, n[i].guard));
  for (uint32_t i = 0; i < p->img.count[IN_S_READINGS]; i++) put(p->reading_where, i, sets_of_reading(w, &r[i]));
  for (uint32_t i = 0; i < p->img.count[IN_S_AMENDS]; i++) put(p->amend_where, i, sets_of_amend(w, &a[i]));
}

bool in_where_make(interop_policy_t *p) {
  size_t bytes = ((size_t) p->img.count[IN_S_NODES] + 1) * sizeof(sets_t);
  work_t w = { &p->img, p->alloc.resize(p->alloc.ctx, NULL, 0, bytes) };
  if (w.node == NULL) return false;
  fill(&w);
  take(p, &w);
  p->alloc.resize(p->alloc.ctx, w.node, bytes, 0);
  return true;
}
