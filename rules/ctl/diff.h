/*
** diff.h -- what the parts of interopctl diff have in common.
**
** ctl_diff.c   the verb: decisions, merging
** diff_tell.c  conditions in words, changes for people and for programs
** diff_rest.c  what is no decision: texts, notices, what is remembered, words
** Owns what is gathered about two policies. Invariant: differs or a change is
** there wherever the two are not the same.
*/
#ifndef IN_DIFF_H
#define IN_DIFF_H

#include "unlist.h"

/* whose rules: everybody's, or a tenant's own, told of as what they say beside everybody's */
typedef struct in_whose_s in_whose_t;
struct in_whose_s { in_span_t id; in_whose_t *next; };

typedef struct {
  in_joint_t *joint;              /* of `when` */
  const in_whose_t *whose;        /* NULL: everybody's */
  uint32_t from, to;              /* systems of the old policy; to: count of them if not known */
  uint32_t one;                   /* leaf: the outcome that the row is about */
  bool is_new;                    /* it is the new one, the others are those that were */
  uint64_t *others;               /* bit set of leaves */
  uint32_t when;                  /* diagram: 1 where it changes, relative to `one` */
  uint32_t where;                 /* ... and whatever was and is */
  uint8_t kinds[INTEROP_OPERATION_COUNT];
} in_change_t;

/* for what is a list of rules: variables in an order of their own */
typedef struct {
  in_joint_t joint;
  in_unlist_t of[2];
  bool there;
} in_lists_t;

typedef struct {
  in_arena_t arena;
  in_joint_t joint;
  in_lists_t cells, owns;         /* for cells that are lists, and for tenants' own rules */
  const in_image_t *img[2];
  in_span_t *outcome;             /* texts of leaves */
  uint32_t outcomes;
  uint32_t *leaf[2], *brief[2];   /* brief: what is undetermined is one, whichever fact is missing */
  uint64_t *pair;                 /* leaves of the product: was << 32 | is; number 0: the same */
  uint32_t pairs, pair_room;
  in_change_t *change;
  uint32_t changes, change_room;
  bool json, all, failed, differs;
  in_span_t note[64];             /* the first of them */
  uint32_t notes;
} in_diff_t;

/* the same system's number in the new policy, or IN_NIL */
uint32_t in_diff_system(const in_diff_t *d, uint32_t old);
static inline bool in_diff_has(const in_change_t *c, uint32_t leaf) { return c->others[leaf / 64] >> leaf % 64 & 1; }
void in_diff_tell(in_diff_t *d);
/* all that is no decision */
void in_diff_rest(in_diff_t *d);

#endif
