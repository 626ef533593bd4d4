/*
** unlist.h -- decisions that are lists of rules, as diagrams.
**
** A cell that outgrew its diagram when it was compiled, or a tenant's own rules,
** come to a diagram all the same where the variables stand in an order that is
** good for lists. Owns that order, and what a list comes to (policy/list.c tells
** how it is walked; both come to the same). Leaves are numbers of outcomes, and
** `nothing` where the list says nothing.
*/
#ifndef IN_UNLIST_H
#define IN_UNLIST_H

#include "joint.h"
#include "../policy/list.h"

typedef struct {
  in_joint_t *j;
  int side;
  const in_image_t *img;
  uint32_t *same;                 /* of each outcome its own number, or that of the first alike */
  uint32_t *built;                /* of each rule of LISTS: the cell's list that begins here, id + 1 */
  uint32_t nothing;
} in_unlist_t;

/* the joint was made with in_joint_init_lists. names: which fact is missing where a decision is
   undetermined is told apart, which makes diagrams of long lists large. false: no memory */
bool in_unlist_init(in_unlist_t *u, in_joint_t *j, int side, bool names);
/* a cell's root, a list or not */
uint32_t in_unlist_cell(in_unlist_t *u, uint32_t root);
/* what the rules of a tenant's list say of an event */
uint32_t in_unlist_tenant(in_unlist_t *u, uint32_t first, const in_list_event_t *event);
/* leaves by number: another leaf for each */
uint32_t in_unlist_leaves(in_unlist_t *u, uint32_t root, const uint32_t *leaf);

/*
** The image with every list of CELLS as a diagram; *flat and what it refers to
** live in the arena and in img. false: no memory, or one of them is too large
*/
bool in_unlist_image(const in_image_t *img, in_arena_t *arena, in_image_t *flat);

#endif
