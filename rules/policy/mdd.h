/*
** mdd.h -- hash-consed multi-valued decision diagrams.
**
** A diagram is an id: IN_LEAF | outcome, or a node that asks one atom and has a
** child per class. Equal functions have equal ids. Atoms are asked in one fixed
** order (dear ones last), each at most once on a way, so a walk is never longer
** than there are atoms.
*/
#ifndef IN_MDD_H
#define IN_MDD_H

#include "compile.h"

#define IN_MDD_NONE  0xffffffffu        /* no memory, or over the node budget */

/* what in_mdd_apply does with two leaves */
typedef enum {
  IN_MDD_NOT,                           /* b is not looked at */
  IN_MDD_AND, IN_MDD_OR,
  IN_MDD_FIRE_DENY,                     /* a: guard, b: what follows, arg: the rule's outcome */
  IN_MDD_FIRE_ROW,
  IN_MDD_FIRE_DENY_PASS,                /* the same; a guard that is unknown does not fire */
  IN_MDD_FIRE_ROW_PASS,
  IN_MDD_THEN,                          /* what denials say, and what others after them do */
  IN_MDD_STRICTEST,                     /* two policies' outcomes; FALSE: none */
  IN_MDD_PICK                           /* b where a is true, else FALSE */
} in_mdd_op_t;

/* level: an atom's place in the order (order.c); it must live as long */
interop_status_t in_mdd_new(in_compile_t *c, const uint32_t *level);
/* diagram of a predicate: TRUE, FALSE, and UNDETERMINED where its fact is unknown */
uint32_t in_mdd_pred(in_compile_t *c, const in_pred_t *p);
uint32_t in_mdd_apply(in_compile_t *c, in_mdd_op_t op, uint32_t a, uint32_t b, uint32_t arg);
/* the outcome for "atom is unknown"; IN_NIL: how the recipient reads */
uint32_t in_mdd_undetermined(in_compile_t *c, uint32_t atom);

/*
** A budget of new nodes for what is built from now on; with in_mdd_unlimited it
** ends. What goes over it gives IN_MDD_NONE without an error: in_mdd_is_over. Then
** in_mdd_undo takes back all nodes since the budget began.
*/
void in_mdd_budget(in_compile_t *c, uint32_t nodes);
void in_mdd_unlimited(in_compile_t *c);
bool in_mdd_is_over(const in_compile_t *c);
void in_mdd_undo(in_compile_t *c);

uint32_t in_mdd_count(const in_compile_t *c);
uint32_t in_mdd_atom(const in_compile_t *c, uint32_t id);
const uint32_t *in_mdd_children(const in_compile_t *c, uint32_t id);

#define IN_OUTCOME_FALSE  0u            /* indices of the first two outcomes */
#define IN_OUTCOME_TRUE   1u

#endif
