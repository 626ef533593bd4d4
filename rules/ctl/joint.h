/*
** joint.h -- the diagrams of two policies over common variables, so that they
** can be compared exactly.
**
** A variable stands for one test of a fact (or for both policies' tests of it);
** its classes are what either of them tells apart, class 0 being "unknown" to
** both. Diagrams are hash-consed: equal functions have equal ids, whatever the
** order in which each policy looks at facts. Tests of texts (regular
** expressions, prefixes) that differ count as independent of one another.
** Memory that runs out is sticky: see failed.
*/
#ifndef IN_JOINT_H
#define IN_JOINT_H

#include "../policy/load.h"

#define IN_JOINT_CLASSES  64

typedef struct {
  uint32_t atom[2];               /* of each policy, or IN_NIL */
  uint32_t classes;
  uint8_t map[2][IN_JOINT_CLASSES];     /* class here -> class of the policy's atom */
} in_joint_var_t;

typedef struct { uint32_t var, kids; } in_joint_node_t;
typedef struct { uint32_t op, a, b, result; } in_joint_memo_t;
typedef struct { uint32_t var, result, *kids; } in_joint_chosen_t;

typedef struct {
  in_arena_t *arena;
  const in_image_t *img[2];
  in_joint_var_t *var;
  uint32_t vars;
  uint32_t *var_of[2];            /* of each atom */
  in_joint_node_t *node;
  uint32_t nodes, node_room;
  uint32_t *kid, kids, kid_room;
  uint32_t *unique, unique_size;  /* node + 1 */
  in_joint_memo_t *memo;
  in_joint_chosen_t *chosen;
  uint32_t memo_size;             /* entries of either */
  uint32_t *imported[2];          /* by node of the image: id + 1 */
  uint32_t most;                  /* nodes; 0: as memory allows */
  bool failed;
} in_joint_t;

/* false: no memory, or a fact with too many classes */
bool in_joint_init(in_joint_t *j, const in_image_t *old, const in_image_t *new_, in_arena_t *arena);
/* the same with its variables in an order that is good for the policies' lists of rules (ranks.c),
   and no more than this many nodes: beyond, failed */
#define IN_JOINT_NODES  4000000u
bool in_joint_init_lists(in_joint_t *j, const in_image_t *old, const in_image_t *new_, in_arena_t *arena);
/* ranks.c: pairs of atoms, IN_NIL where a policy has none, by the place that their variable gets; false: no memory */
bool in_joint_rank(in_joint_t *j, uint32_t (*pair)[2], uint32_t n);
void in_joint_free(in_joint_t *j);
/* a root of policy `side`; its leaves are that policy's outcomes, by leaf[outcome] */
uint32_t in_joint_import(in_joint_t *j, int side, uint32_t root, const uint32_t *leaf);
/* leaves of a and b as pairs: pair(ctx, leaf of a, leaf of b) gives the new leaf; op, from 8 on, is
   another number wherever it gives another one */
uint32_t in_joint_product(in_joint_t *j, uint32_t a, uint32_t b, uint32_t op,
                          uint32_t (*pair)(void *ctx, uint32_t a, uint32_t b), void *ctx);
/* a where the variable has this class */
uint32_t in_joint_fix(in_joint_t *j, uint32_t a, uint32_t var, uint32_t class_);
/* 1 where a ends in this leaf, else 0 */
uint32_t in_joint_where(in_joint_t *j, uint32_t a, uint32_t leaf);
/* some simple b that equals a wherever care is 1 */
uint32_t in_joint_restrict(in_joint_t *j, uint32_t a, uint32_t care);
/* 1 where a or b is */
uint32_t in_joint_either(in_joint_t *j, uint32_t a, uint32_t b);
/* class of a code's text, and whether the atom has it among its own */
uint32_t in_joint_code_class(const in_image_t *img, const in_pi_atom_t *a, in_span_t text);
bool in_joint_code_known(const in_image_t *img, const in_pi_atom_t *a, in_span_t text);
/* is this leaf reached from a? */
bool in_joint_reaches(in_joint_t *j, uint32_t a, uint32_t leaf);

static inline uint32_t in_joint_leaf(uint32_t value) { return IN_LEAF | value; }
static inline bool in_joint_is_leaf(uint32_t id) { return (id & IN_LEAF) != 0; }
static inline const uint32_t *in_joint_kids(const in_joint_t *j, uint32_t id) {
  return j->kid + j->node[id].kids;
}

#endif
