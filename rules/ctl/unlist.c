/*
** unlist.c -- lists of rules to diagrams; see unlist.h.
**
** The diagram of a list is put together as the compiler would (policy/lower.c):
** denials by halves, each matrix from its last row, the strictest of the
** matrices, denials before them. Operations are told apart by a number for each
** kind, side and outcome, since what was worked out is remembered by it.
*/
#include "unlist.h"
#include "../policy/mdd.h"
#include "words.h"

enum { OP_THEN = 16, OP_STRICTEST = 18, OP_LEAVES = 20, OP_RULES = 32 };

typedef struct { const in_unlist_t *u; const in_pi_rule_t *rule; const uint32_t *leaf; } ctx_t;

/* ---- two leaves */

static const in_pi_outcome_t *outcome(const in_unlist_t *u, uint32_t i) {
  return i == u->nothing ? NULL : in_outcome(u->img, i);
}

static bool is(const in_unlist_t *u, uint32_t i, in_outcome_kind_t kind) {
  return i != u->nothing && in_outcome(u->img, i)->kind == (uint32_t) kind;
}

static bool denies(const in_unlist_t *u, uint32_t i) {
  return is(u, i, IN_OUT_DECISION) && outcome(u, i)->verdict == INTEROP_V_DENY;
}

static uint32_t then(void *ctx, uint32_t a, uint32_t b) {
  const in_unlist_t *u = ((ctx_t *) ctx)->u;
  if (is(u, a, IN_OUT_FALSE)) return b;
  if (is(u, a, IN_OUT_UNDETERMINED)) return denies(u, b) ? b : a;
  return denies(u, b) && in_outcome_stricter(u->img, b, a) ? b : a;
}

static uint32_t strictest(void *ctx, uint32_t a, uint32_t b) {
  const in_unlist_t *u = ((ctx_t *) ctx)->u;
  if (a == u->nothing || b == u->nothing) return a == u->nothing ? b : a;
  return in_outcome_stricter(u->img, b, a) ? b : a;
}

static bool same_effect(const in_unlist_t *u, uint32_t a, uint32_t b) {
  const in_pi_outcome_t *x = outcome(u, a), *y = outcome(u, b);
  return x != NULL && y != NULL && x->kind == y->kind && x->verdict == y->verdict && x->reason == y->reason
         && x->strip == y->strip && x->reduce == y->reduce && x->name_slot == y->name_slot
         && x->name_suffix.off == y->name_suffix.off && x->name_suffix.len == y->name_suffix.len;
}

/* a guard, and what holds where it does not */
static uint32_t fire(void *ctx, uint32_t guard, uint32_t rest) {
  const ctx_t *x = ctx;
  bool passes = x->rule->op == IN_LIST_DENY_PASS || x->rule->op == IN_LIST_ROW_PASS;
  if (is(x->u, guard, IN_OUT_TRUE)) return x->rule->outcome;
  if (is(x->u, guard, IN_OUT_FALSE) || passes) return rest;
  return x->rule->op == IN_LIST_ROW && same_effect(x->u, rest, x->rule->outcome) ? rest : guard;
}

static uint32_t other_leaf(void *ctx, uint32_t a, uint32_t b) {
  (void) b;
  return ((ctx_t *) ctx)->leaf[a];
}

/* ---- rules */

static uint32_t join(in_unlist_t *u, uint32_t op, uint32_t a, uint32_t b,
                     uint32_t (*pair)(void *ctx, uint32_t a, uint32_t b)) {
  ctx_t x = { u, NULL, NULL };
  return in_joint_product(u->j, a, b, op + (uint32_t) u->side, pair, &x);
}

static uint32_t apply(in_unlist_t *u, const in_pi_rule_t *r, uint32_t rest) {
  ctx_t x = { u, r, NULL };
  uint32_t guard = in_joint_import(u->j, u->side, r->guard, u->same);
  return in_joint_product(u->j, guard, rest, OP_RULES + (r->outcome * IN_LIST_OPS + r->op) * 2 + (uint32_t) u->side, fire, &x);
}

static bool is_meant(const in_pi_rule_t *r, const in_list_event_t *e) {
  if (e == NULL) return true;
  if (r->crosses && e->from == e->to) return false;
  return (r->ops >> e->operation & 1) && (r->kinds >> e->kind & 1) && (r->from >> e->from & 1) && (r->to >> e->to & 1);
}

/* by halves, as deep as the list is long by its logarithm */
static uint32_t denials(in_unlist_t *u, const in_pi_rule_t *r, uint32_t n, const in_list_event_t *e) {
  uint32_t none = in_joint_leaf(IN_OUTCOME_FALSE);
  if (n > 1) return join(u, OP_THEN, denials(u, r, n / 2, e), denials(u, r + n / 2, n - n / 2, e), then);
  return n == 0 || !is_meant(r, e) ? none : apply(u, r, none);
}

static uint32_t matrix(in_unlist_t *u, const in_pi_rule_t *r, uint32_t n, const in_list_event_t *e) {
  uint32_t rest = in_joint_leaf(u->nothing);
  for (uint32_t i = n; i-- > 0; )
    if (is_meant(&r[i], e)) rest = apply(u, &r[i], rest);
  return rest;
}

static uint32_t list(in_unlist_t *u, uint32_t first, const in_list_event_t *e) {
  const in_pi_rule_t *r = in_table(u->img, LISTS, in_pi_rule_t) + first;
  uint32_t n = 0, deny, base = in_joint_leaf(u->nothing);
  while (r[n].op == IN_LIST_DENY || r[n].op == IN_LIST_DENY_PASS) n++;
  deny = denials(u, r, n, e);
  for (r += n; r->op != IN_LIST_END && !u->j->failed; r += n + (r[n].op == IN_LIST_NEXT)) {
    for (n = 0; r[n].op != IN_LIST_NEXT && r[n].op != IN_LIST_END; ) n++;
    base = join(u, OP_STRICTEST, base, matrix(u, r, n, e), strictest);
  }
  return join(u, OP_THEN, deny, base, then);
}

/* ---- diagrams */

bool in_unlist_init(in_unlist_t *u, in_joint_t *j, int side, bool names) {
  uint32_t unknown = IN_NIL;
  memset(u, 0, sizeof(*u));
  u->j = j;
  u->side = side;
  u->img = j->img[side];
  u->nothing = u->img->count[IN_S_OUTCOMES];
  u->same = in_arena_array(j->arena, (size_t) u->nothing + 1, sizeof(uint32_t));
  u->built = in_arena_array(j->arena, (size_t) u->img->count[IN_S_LISTS] + 1, sizeof(uint32_t));
  for (uint32_t i = 0; i <= u->nothing && u->same != NULL; i++) {
    bool merge = !names && is(u, i, IN_OUT_UNDETERMINED);
    if (merge && unknown == IN_NIL) unknown = i;
    u->same[i] = merge ? unknown : i;
  }
  return u->same != NULL && u->built != NULL;
}

uint32_t in_unlist_cell(in_unlist_t *u, uint32_t root) {
  if (!in_words_is_list(root)) return in_joint_import(u->j, u->side, root, u->same);
  root &= ~IN_LIST;
  if (u->built[root] == 0) u->built[root] = list(u, root, NULL) + 1;
  return u->built[root] - 1;
}

/* of an event operation, kind and systems are known: class 0 where it is not known who reads where */
static uint32_t class_of(const in_unlist_t *u, const in_pi_atom_t *a, const in_list_event_t *e) {
  const uint32_t values[] = { e->operation, e->kind, e->from, e->to }, value = values[in_slot(u->img, a->slot)->field];
  return value < a->map.count ? in_table(u->img, INDEXES, uint32_t)[a->map.first + value] : 0;
}

static bool is_of_event(const in_image_t *img, const in_pi_atom_t *a) {
  const in_pi_slot_t *s = in_slot(img, a->slot);
  return s->subject == IN_SUB_REQUEST && s->field <= IN_RF_TO && a->kind == IN_ATOM_ENUM;
}

uint32_t in_unlist_tenant(in_unlist_t *u, uint32_t first, const in_list_event_t *event) {
  uint32_t root = list(u, first, event);
  for (uint32_t i = 0; i < u->img->count[IN_S_ATOMS]; i++) {
    const in_pi_atom_t *a = in_atom(u->img, i);
    const in_joint_var_t *v = &u->j->var[u->j->var_of[u->side][i]];
    uint32_t c = 0;
    if (!is_of_event(u->img, a)) continue;
    while (c < v->classes && v->map[u->side][c] != class_of(u, a, event)) c++;
    if (c < v->classes) root = in_joint_fix(u->j, root, u->j->var_of[u->side][i], c);
  }
  return root;
}

uint32_t in_unlist_leaves(in_unlist_t *u, uint32_t root, const uint32_t *leaf) {
  ctx_t x = { u, NULL, leaf };
  return in_joint_product(u->j, root, in_joint_leaf(0), OP_LEAVES + (uint32_t) u->side, other_leaf, &x);
}

/* ---- an image without lists */

typedef struct { in_joint_t joint; in_unlist_t u; in_buf_t nodes; uint32_t *where; } flat_t;

/* a class that no value has ends where the unknown does */
static uint32_t class_here(const in_joint_var_t *v, uint32_t class_) {
  uint32_t c = 0;
  while (c < v->classes && v->map[0][c] != class_) c++;
  return c < v->classes ? c : 0;
}

/* children lie before their nodes, in the joint as in the image */
static bool put_nodes(flat_t *f, const in_image_t *img) {
  const in_joint_t *j = &f->joint;
  in_buf_put(&f->nodes, in_span((const char *) in_table(img, NODES, uint32_t), img->count[IN_S_NODES] * sizeof(uint32_t)));
  f->where = in_arena_array(j->arena, (size_t) j->nodes + 1, sizeof(uint32_t));
  for (uint32_t id = 0; id < j->nodes && f->where != NULL; id++) {
    const in_joint_var_t *v = &j->var[j->node[id].var];
    const uint32_t atom = v->atom[0], *kids = in_joint_kids(j, id);
    f->where[id] = (uint32_t) (f->nodes.n / sizeof(uint32_t));
    in_buf_put(&f->nodes, in_span((const char *) &atom, sizeof(atom)));
    for (uint32_t k = 0; k < in_atom(img, atom)->classes; k++) {
      uint32_t kid = kids[class_here(v, k)];
      if (!in_joint_is_leaf(kid)) kid = f->where[kid];
      in_buf_put(&f->nodes, in_span((const char *) &kid, sizeof(kid)));
    }
  }
  return f->where != NULL && !f->nodes.failed && f->nodes.n / sizeof(uint32_t) < IN_LIST;
}

static bool flatten(flat_t *f, const in_image_t *img, in_image_t *flat) {
  in_arena_t *a = f->joint.arena;
  uint32_t n = img->count[IN_S_CELLS], *cell = in_arena_array(a, (size_t) n + 1, sizeof(*cell));
  if (cell == NULL || !in_unlist_init(&f->u, &f->joint, 0, false)) return false;
  memcpy(cell, in_table(img, CELLS, uint32_t), n * sizeof(*cell));
  for (uint32_t i = 0; i < n && !f->joint.failed; i++)
    if (in_words_is_list(cell[i])) (void) in_unlist_cell(&f->u, cell[i]);
  if (f->joint.failed || !put_nodes(f, img)) return false;
  for (uint32_t i = 0; i < n; i++) {
    if (!in_words_is_list(cell[i])) continue;
    cell[i] = in_unlist_cell(&f->u, cell[i]);
    if (!in_joint_is_leaf(cell[i])) cell[i] = f->where[cell[i]];
  }
  *flat = *img;
  flat->section[IN_S_CELLS] = cell;
  flat->section[IN_S_NODES] = f->nodes.p;
  flat->count[IN_S_NODES] = (uint32_t) (f->nodes.n / sizeof(uint32_t));
  return true;
}

bool in_unlist_image(const in_image_t *img, in_arena_t *arena, in_image_t *flat) {
  interop_alloc_t alloc = in_arena_alloc(arena);
  flat_t f;
  bool good;
  memset(&f, 0, sizeof(f));
  in_buf_init(&f.nodes, &alloc);
  good = in_joint_init_lists(&f.joint, img, img, arena) && flatten(&f, img, flat) && !arena->failed;
  in_joint_free(&f.joint);
  return good;
}
