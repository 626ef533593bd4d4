/*
** joint.c -- common variables and hash-consed diagrams; see joint.h.
**
** Owns which classes two tests of one fact have in common, and the operations on
** diagrams. Recursion is as deep as there are variables, which IN_MAX_ATOMS bounds.
*/
#include <stdlib.h>
#include "joint.h"
#include "words.h"

enum { OP_WHERE = 1, OP_RESTRICT, OP_OR, OP_FIX };

/* ---- variables */

static uint32_t map_at(const in_image_t *img, const in_pi_atom_t *a, uint32_t i) {
  return in_table(img, INDEXES, uint32_t)[a->map.first + i];
}

static bool same_test(const in_image_t *x, const in_pi_atom_t *a, const in_image_t *y, const in_pi_atom_t *b) {
  if (a->kind != b->kind || !in_eq(in_words_slot(x, a->slot), in_words_slot(y, b->slot))) return false;
  if ((a->slot_b == IN_NIL) != (b->slot_b == IN_NIL)) return false;
  if (a->slot_b != IN_NIL) return in_eq(in_words_slot(x, a->slot_b), in_words_slot(y, b->slot_b));
  return a->kind <= IN_ATOM_NUMBER || in_eq(in_image_str(x, a->text), in_image_str(y, b->text));
}

/* a class for the pair, new if there is none yet */
static bool add_pair(in_joint_var_t *v, uint32_t old, uint32_t new_) {
  for (uint32_t i = 0; i < v->classes; i++)
    if (v->map[0][i] == old && v->map[1][i] == new_) return true;
  if (v->classes == IN_JOINT_CLASSES) return false;
  v->map[0][v->classes] = (uint8_t) old;
  v->map[1][v->classes++] = (uint8_t) new_;
  return true;
}

static uint32_t enum_class(const in_image_t *img, const in_pi_atom_t *a, in_span_t name) {
  for (uint32_t i = 0; i < a->map.count; i++)
    if (in_eq(in_words_enum(img, a->slot, i), name)) return map_at(img, a, i);
  return 0;
}

uint32_t in_joint_code_class(const in_image_t *img, const in_pi_atom_t *a, in_span_t text) {
  const in_ref_t *texts = in_table(img, REFS, in_ref_t) + a->texts.first;
  for (uint32_t i = 0; i < a->texts.count; i++)
    if (in_eq(in_image_str(img, texts[i]), text)) return map_at(img, a, i);
  return a->other;
}

bool in_joint_code_known(const in_image_t *img, const in_pi_atom_t *a, in_span_t text) {
  const in_ref_t *texts = in_table(img, REFS, in_ref_t) + a->texts.first;
  for (uint32_t i = 0; i < a->texts.count; i++)
    if (in_eq(in_image_str(img, texts[i]), text)) return true;
  return false;
}

static int64_t break_at(const in_image_t *img, const in_pi_atom_t *a, uint32_t i) {
  const uint32_t *half = in_table(img, INDEXES, uint32_t) + a->texts.first + 2 * (size_t) i;
  return (int64_t) ((uint64_t) half[0] | (uint64_t) half[1] << 32);
}

/* class of n itself, or (after) of what lies just above it */
static uint32_t number_class(const in_image_t *img, const in_pi_atom_t *a, int64_t n, bool after) {
  uint32_t i = 0;
  while (i < a->texts.count && break_at(img, a, i) < n) i++;
  if (i < a->texts.count && break_at(img, a, i) == n) return map_at(img, a, after ? 2 * i + 2 : 2 * i + 1);
  return map_at(img, a, 2 * i);
}

/* pairs of classes at every value that one of the two (side) tells apart */
static bool add_values(const in_joint_t *j, in_joint_var_t *v, int side) {
  const in_image_t *img = j->img[side], *x = j->img[0], *y = j->img[1];
  const in_pi_atom_t *a = in_atom(img, v->atom[side]), *p = in_atom(x, v->atom[0]), *q = in_atom(y, v->atom[1]);
  bool good = true;
  for (uint32_t i = 0; i < a->map.count && a->kind <= IN_ATOM_FLAG; i++) {
    in_span_t name = in_words_enum(img, a->slot, i);
    good = good && add_pair(v, enum_class(x, p, name), enum_class(y, q, name));
  }
  for (uint32_t i = 0; i < a->texts.count && a->kind == IN_ATOM_CODE; i++) {
    in_span_t text = in_image_str(img, in_table(img, REFS, in_ref_t)[a->texts.first + i]);
    good = good && add_pair(v, in_joint_code_class(x, p, text), in_joint_code_class(y, q, text));
  }
  for (uint32_t i = 0; i < a->texts.count && a->kind == IN_ATOM_NUMBER; i++) {
    int64_t n = break_at(img, a, i);
    good = good && add_pair(v, number_class(x, p, n, false), number_class(y, q, n, false))
           && add_pair(v, number_class(x, p, n, true), number_class(y, q, n, true));
  }
  return good;
}

static bool join_classes(const in_joint_t *j, in_joint_var_t *v) {
  const in_pi_atom_t *p = v->atom[0] == IN_NIL ? NULL : in_atom(j->img[0], v->atom[0]);
  const in_pi_atom_t *q = v->atom[1] == IN_NIL ? NULL : in_atom(j->img[1], v->atom[1]);
  const in_pi_atom_t *one = p != NULL ? p : q;
  v->classes = 0;
  if (one == NULL) return false;
  if (p == NULL || q == NULL || one->kind > IN_ATOM_NUMBER) {
    for (uint32_t k = 0; k < one->classes; k++)
      if (!add_pair(v, k, k)) return false;
    return true;
  }
  add_pair(v, 0, 0);
  if (one->kind == IN_ATOM_CODE && !add_pair(v, p->other, q->other)) return false;
  if (one->kind == IN_ATOM_NUMBER && !add_pair(v, map_at(j->img[0], p, 0), map_at(j->img[1], q, 0))) return false;
  return add_values(j, v, 0) && add_values(j, v, 1);
}

static uint32_t find_atom(const in_joint_t *j, const in_pi_atom_t *old) {
  for (uint32_t i = 0; i < j->img[1]->count[IN_S_ATOMS]; i++)
    if (same_test(j->img[0], old, j->img[1], in_atom(j->img[1], i))) return i;
  return IN_NIL;
}

static bool add_var(in_joint_t *j, uint32_t old, uint32_t new_) {
  in_joint_var_t *v = &j->var[j->vars];
  v->atom[0] = old;
  v->atom[1] = new_;
  if (old != IN_NIL) j->var_of[0][old] = j->vars;
  if (new_ != IN_NIL) j->var_of[1][new_] = j->vars;
  j->vars++;
  return join_classes(j, v);
}

/* the old policy's order; what only the new one asks for comes after */
static uint32_t pair_atoms(const in_joint_t *j, uint32_t (*pair)[2], unsigned char *had) {
  uint32_t olds = j->img[0]->count[IN_S_ATOMS], news = j->img[1]->count[IN_S_ATOMS], n = 0;
  for (uint32_t i = 0; i < olds; i++) {
    uint32_t k = find_atom(j, in_atom(j->img[0], i));
    pair[n][0] = i;
    pair[n++][1] = k;
    if (k != IN_NIL) had[k] = 1;
  }
  for (uint32_t i = 0; i < news; i++) {
    if (had[i]) continue;
    pair[n][0] = IN_NIL;
    pair[n++][1] = i;
  }
  return n;
}

static bool make_vars(in_joint_t *j, bool lists) {
  uint32_t olds = j->img[0]->count[IN_S_ATOMS], news = j->img[1]->count[IN_S_ATOMS], n;
  uint32_t (*pair)[2] = in_arena_array(j->arena, (size_t) olds + news + 1, sizeof(*pair));
  unsigned char *had = in_arena_get(j->arena, (size_t) news + 1);
  j->var = in_arena_array(j->arena, (size_t) olds + news + 1, sizeof(*j->var));
  j->var_of[0] = in_arena_array(j->arena, (size_t) olds + 1, sizeof(uint32_t));
  j->var_of[1] = in_arena_array(j->arena, (size_t) news + 1, sizeof(uint32_t));
  if (pair == NULL || had == NULL || j->var == NULL || j->var_of[0] == NULL || j->var_of[1] == NULL) return false;
  n = pair_atoms(j, pair, had);
  if (lists && !in_joint_rank(j, pair, n)) return false;
  for (uint32_t i = 0; i < n; i++)
    if (!add_var(j, pair[i][0], pair[i][1])) return false;
  return true;
}

static bool init(in_joint_t *j, const in_image_t *old, const in_image_t *new_, in_arena_t *arena, bool lists) {
  memset(j, 0, sizeof(*j));
  j->arena = arena;
  j->img[0] = old;
  j->img[1] = new_;
  j->unique_size = 1u << 12;
  j->memo_size = 1u << 16;
  j->unique = calloc(j->unique_size, sizeof(*j->unique));
  j->memo = calloc(j->memo_size, sizeof(*j->memo));
  j->chosen = calloc(j->memo_size, sizeof(*j->chosen));
  for (int s = 0; s < 2; s++)
    j->imported[s] = in_arena_array(arena, (size_t) j->img[s]->count[IN_S_NODES] + 1, sizeof(uint32_t));
  return j->unique != NULL && j->memo != NULL && j->chosen != NULL && j->imported[0] != NULL
         && j->imported[1] != NULL && make_vars(j, lists);
}

bool in_joint_init(in_joint_t *j, const in_image_t *old, const in_image_t *new_, in_arena_t *arena) {
  return init(j, old, new_, arena, false);
}

bool in_joint_init_lists(in_joint_t *j, const in_image_t *old, const in_image_t *new_, in_arena_t *arena) {
  bool good = init(j, old, new_, arena, true);
  j->most = IN_JOINT_NODES;
  return good;
}

void in_joint_free(in_joint_t *j) {
  free(j->unique);
  free(j->memo);
  free(j->chosen);
  free(j->node);
  free(j->kid);
}

/* ---- nodes */

static bool room(in_joint_t *j, uint32_t kids) {
  if (j->nodes == j->node_room) {
    uint32_t n = j->node_room == 0 ? 1024 : j->node_room * 2;
    in_joint_node_t *more = realloc(j->node, n * sizeof(*more));
    if (more == NULL) return false;
    j->node = more;
    j->node_room = n;
  }
  if (j->kids + kids > j->kid_room) {
    uint32_t n = j->kid_room == 0 ? 8192 : j->kid_room * 2;
    uint32_t *more = realloc(j->kid, n * sizeof(*more));
    if (more == NULL) return false;
    j->kid = more;
    j->kid_room = n;
  }
  return true;
}

static uint32_t hash_kids(uint32_t var, const uint32_t *kids, uint32_t n) {
  uint64_t h = in_hash64(kids, n * sizeof(*kids)) ^ (uint64_t) var * 0x9e3779b97f4a7c15u;
  return (uint32_t) (h ^ h >> 32);
}

static bool grow_unique(in_joint_t *j) {
  uint32_t size = j->unique_size * 2;
  uint32_t *table = calloc(size, sizeof(*table));
  if (table == NULL) return false;
  for (uint32_t id = 0; id < j->nodes; id++) {
    uint32_t var = j->node[id].var, i = hash_kids(var, in_joint_kids(j, id), j->var[var].classes) & (size - 1);
    while (table[i] != 0) i = (i + 1) & (size - 1);
    table[i] = id + 1;
  }
  free(j->unique);
  j->unique = table;
  j->unique_size = size;
  return true;
}

/* the node, each once; kids that are all the same need none */
static uint32_t make(in_joint_t *j, uint32_t var, const uint32_t *kids) {
  uint32_t n = j->var[var].classes, i, k = 1;
  while (k < n && kids[k] == kids[0]) k++;
  if (k == n || j->failed) return kids[0];
  if (j->nodes * 2 >= j->unique_size && !grow_unique(j)) j->failed = true;
  for (i = hash_kids(var, kids, n) & (j->unique_size - 1); j->unique[i] != 0; i = (i + 1) & (j->unique_size - 1)) {
    uint32_t id = j->unique[i] - 1;
    if (j->node[id].var == var && memcmp(in_joint_kids(j, id), kids, n * sizeof(*kids)) == 0) return id;
  }
  if (j->failed || (j->most != 0 && j->nodes >= j->most) || !room(j, n)) {
    j->failed = true;
    return kids[0];
  }
  memcpy(j->kid + j->kids, kids, n * sizeof(*kids));
  j->node[j->nodes] = (in_joint_node_t) { var, j->kids };
  j->kids += n;
  j->unique[i] = ++j->nodes;
  return j->nodes - 1;
}

static uint32_t top(const in_joint_t *j, uint32_t id) {
  return in_joint_is_leaf(id) ? IN_NIL : j->node[id].var;
}

static uint32_t cofactor(const in_joint_t *j, uint32_t id, uint32_t var, uint32_t class_) {
  return top(j, id) == var ? in_joint_kids(j, id)[class_] : id;
}

/* a lossy table: what is not found is worked out again */
static in_joint_memo_t *memo(in_joint_t *j, uint32_t op, uint32_t a, uint32_t b) {
  uint64_t h = ((uint64_t) a << 32 | b) * 0x9e3779b97f4a7c15u ^ (uint64_t) op * 0xff51afd7ed558ccdu;
  return &j->memo[(uint32_t) (h >> 40) & (j->memo_size - 1)];
}

static bool known(const in_joint_memo_t *m, uint32_t op, uint32_t a, uint32_t b) {
  return m->op == op && m->a == a && m->b == b;
}

/* ---- import: a policy's own order to the common one */

static uint32_t choose(in_joint_t *j, uint32_t var, const uint32_t *kids);

/* the first variable that some kid looks at is not var: var comes below it */
static uint32_t choose_below(in_joint_t *j, uint32_t first, uint32_t var, const uint32_t *kids) {
  uint32_t part[IN_JOINT_CLASSES] = { 0 }, result[IN_JOINT_CLASSES] = { 0 };
  for (uint32_t k = 0; k < j->var[first].classes; k++) {
    for (uint32_t c = 0; c < j->var[var].classes; c++) part[c] = cofactor(j, kids[c], first, k);
    result[k] = choose(j, var, part);
  }
  return make(j, first, result);
}

/* what was chosen before, by all that it was chosen from; NULL: no memory */
static in_joint_chosen_t *chosen(in_joint_t *j, uint32_t var, const uint32_t *kids) {
  uint32_t n = j->var[var].classes;
  in_joint_chosen_t *m = &j->chosen[hash_kids(var, kids, n) & (j->memo_size - 1)];
  if (m->kids == NULL || m->var != var || memcmp(m->kids, kids, n * sizeof(*kids)) != 0) {
    m->kids = in_arena_array(j->arena, n, sizeof(*kids));
    if (m->kids == NULL) return NULL;
    memcpy(m->kids, kids, n * sizeof(*kids));
    m->var = var;
    m->result = IN_NIL;
  }
  return m;
}

/* kid number c where var is in class c, whatever the kids look at */
static uint32_t choose(in_joint_t *j, uint32_t var, const uint32_t *kids) {
  uint32_t first = var, part[IN_JOINT_CLASSES] = { 0 }, r;
  in_joint_chosen_t *m;
  for (uint32_t c = 0; c < j->var[var].classes; c++)
    if (top(j, kids[c]) < first) first = top(j, kids[c]);
  if (first == var) {
    for (uint32_t c = 0; c < j->var[var].classes; c++) part[c] = cofactor(j, kids[c], var, c);
    return make(j, var, part);
  }
  if (j->failed) return in_joint_leaf(0);
  m = chosen(j, var, kids);
  if (m != NULL && m->result != IN_NIL) return m->result;
  r = choose_below(j, first, var, kids);
  m = chosen(j, var, kids);
  if (m != NULL) m->result = r;
  else j->failed = true;
  return r;
}

uint32_t in_joint_import(in_joint_t *j, int side, uint32_t root, const uint32_t *leaf) {
  const uint32_t *n;
  const in_joint_var_t *v;
  uint32_t kids[IN_JOINT_CLASSES] = { 0 }, var;
  if (root & IN_LEAF) return in_joint_leaf(leaf[root & ~IN_LEAF]);
  if (j->imported[side][root] != 0) return j->imported[side][root] - 1;
  n = in_table(j->img[side], NODES, uint32_t) + root;
  var = j->var_of[side][n[0]];
  v = &j->var[var];
  for (uint32_t c = 0; c < v->classes; c++) kids[c] = in_joint_import(j, side, n[1 + v->map[side][c]], leaf);
  root = (j->imported[side][root] = choose(j, var, kids) + 1) - 1;
  return root;
}

/* ---- operations */

typedef struct { uint32_t op; uint32_t (*pair)(void *ctx, uint32_t a, uint32_t b); void *ctx; } pairing_t;

static uint32_t product(in_joint_t *j, uint32_t a, uint32_t b, const pairing_t *p) {
  uint32_t kids[IN_JOINT_CLASSES] = { 0 }, var = top(j, a) < top(j, b) ? top(j, a) : top(j, b), r;
  in_joint_memo_t *m = memo(j, p->op, a, b);
  if (var == IN_NIL) return in_joint_leaf(p->pair(p->ctx, a & ~IN_LEAF, b & ~IN_LEAF));
  if (j->failed) return in_joint_leaf(0);
  if (known(m, p->op, a, b)) return m->result;
  for (uint32_t c = 0; c < j->var[var].classes; c++)
    kids[c] = product(j, cofactor(j, a, var, c), cofactor(j, b, var, c), p);
  r = make(j, var, kids);
  *m = (in_joint_memo_t) { p->op, a, b, r };
  return r;
}

uint32_t in_joint_product(in_joint_t *j, uint32_t a, uint32_t b, uint32_t op,
                          uint32_t (*pair)(void *ctx, uint32_t a, uint32_t b), void *ctx) {
  pairing_t p = { op, pair, ctx };
  return product(j, a, b, &p);
}

uint32_t in_joint_fix(in_joint_t *j, uint32_t a, uint32_t var, uint32_t class_) {
  uint32_t kids[IN_JOINT_CLASSES] = { 0 }, r, by = var * IN_JOINT_CLASSES + class_;
  in_joint_memo_t *m = memo(j, OP_FIX, a, by);
  if (top(j, a) >= var) return cofactor(j, a, var, class_);
  if (j->failed) return in_joint_leaf(0);
  if (known(m, OP_FIX, a, by)) return m->result;
  for (uint32_t c = 0; c < j->var[j->node[a].var].classes; c++)
    kids[c] = in_joint_fix(j, in_joint_kids(j, a)[c], var, class_);
  r = make(j, j->node[a].var, kids);
  *m = (in_joint_memo_t) { OP_FIX, a, by, r };
  return r;
}

uint32_t in_joint_where(in_joint_t *j, uint32_t a, uint32_t leaf) {
  uint32_t kids[IN_JOINT_CLASSES] = { 0 }, r;
  in_joint_memo_t *m = memo(j, OP_WHERE, a, leaf);
  if (in_joint_is_leaf(a)) return in_joint_leaf((a & ~IN_LEAF) == leaf);
  if (j->failed) return in_joint_leaf(0);
  if (known(m, OP_WHERE, a, leaf)) return m->result;
  for (uint32_t c = 0; c < j->var[j->node[a].var].classes; c++)
    kids[c] = in_joint_where(j, in_joint_kids(j, a)[c], leaf);
  r = make(j, j->node[a].var, kids);
  *m = (in_joint_memo_t) { OP_WHERE, a, leaf, r };
  return r;
}

uint32_t in_joint_either(in_joint_t *j, uint32_t a, uint32_t b) {
  uint32_t kids[IN_JOINT_CLASSES] = { 0 }, var = top(j, a) < top(j, b) ? top(j, a) : top(j, b), r;
  in_joint_memo_t *m = memo(j, OP_OR, a, b);
  if (a == b || b == in_joint_leaf(0) || a == in_joint_leaf(1)) return a;
  if (a == in_joint_leaf(0) || b == in_joint_leaf(1)) return b;
  if (j->failed) return in_joint_leaf(0);
  if (known(m, OP_OR, a, b)) return m->result;
  for (uint32_t c = 0; c < j->var[var].classes; c++)
    kids[c] = in_joint_either(j, cofactor(j, a, var, c), cofactor(j, b, var, c));
  r = make(j, var, kids);
  *m = (in_joint_memo_t) { OP_OR, a, b, r };
  return r;
}

/* care whatever its first variable is: what a does not look at is not brought in */
static uint32_t forget_first(in_joint_t *j, uint32_t care) {
  uint32_t var = j->node[care].var, r = in_joint_leaf(0);
  for (uint32_t c = 0; c < j->var[var].classes; c++) r = in_joint_either(j, r, in_joint_kids(j, care)[c]);
  return r;
}

/*
** Classes without care take after one that has it, but that "unknown" is not
** brought in where it does not matter.
*/
static uint32_t restrict_kids(in_joint_t *j, uint32_t var, uint32_t a, uint32_t care) {
  uint32_t kids[IN_JOINT_CLASSES] = { 0 }, some = IN_NIL;
  bool differ = false;
  for (uint32_t c = 0; c < j->var[var].classes; c++) {
    uint32_t d = cofactor(j, care, var, c);
    kids[c] = d == in_joint_leaf(0) ? IN_NIL : in_joint_restrict(j, cofactor(j, a, var, c), d);
    if (kids[c] == IN_NIL) continue;
    differ = differ || (some != IN_NIL && some != kids[c]);
    some = kids[c];
  }
  if (!differ) return some;
  for (uint32_t c = 0; c < j->var[var].classes; c++)
    if (kids[c] == IN_NIL) kids[c] = c > 0 ? kids[c - 1] : in_joint_leaf(0);
  return make(j, var, kids);
}

uint32_t in_joint_restrict(in_joint_t *j, uint32_t a, uint32_t care) {
  uint32_t var = top(j, a) < top(j, care) ? top(j, a) : top(j, care), r;
  in_joint_memo_t *m = memo(j, OP_RESTRICT, a, care);
  if (in_joint_is_leaf(a) || in_joint_is_leaf(care)) return a;
  if (j->failed) return in_joint_leaf(0);
  if (known(m, OP_RESTRICT, a, care)) return m->result;
  r = top(j, care) < top(j, a) ? in_joint_restrict(j, a, forget_first(j, care)) : restrict_kids(j, var, a, care);
  *m = (in_joint_memo_t) { OP_RESTRICT, a, care, r };
  return r;
}

bool in_joint_reaches(in_joint_t *j, uint32_t a, uint32_t leaf) {
  return in_joint_where(j, a, leaf) != in_joint_leaf(0);
}
