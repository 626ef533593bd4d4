/*
** default.h -- what becomes of ordinary traffic: the diagrams walked with facts
** at their defaults.
**
** Owns one rule, which is applied to every node of every diagram:
**   - a fact of the message is what the caller says;
**   - a toggle is unset and a list empty, unless that ends in nothing but gates'
**     denials: then it is what passes them;
**   - what is true or false has its default on the same condition;
**   - another fact has its default, or any value if it has none;
**   - denials of gates, and what is not known, do not count.
** So gates are passed wherever an administrator or the people's own facts can
** pass them, and what is left is what the matrix says.
*/
#ifndef IN_DEFAULT_H
#define IN_DEFAULT_H

#include "../policy/load.h"

#define IN_HELD      (1u << 14)   /* a guard that can be true */
#define IN_NOT_HELD  (1u << 15)

typedef struct {
  const in_image_t *img;
  uint32_t field;                 /* FIELDS: the message's fact, or IN_NIL: there is none */
  uint32_t value;                 /* its value, by number */
  uint16_t *mask;                 /* of each node: verdicts that can be reached, a bit each */
  uint16_t *unset;                /* the same with every toggle unset and every list empty */
  unsigned char *decisive;        /* of each slot: another value than its default would change it */
  unsigned char *set;             /* of each slot: it is not at its default, so that a gate is passed */
} in_walked_t;

/* the fact of a message that decisions ask for (`delivered_as`), or IN_NIL */
uint32_t in_default_field(const in_image_t *img);
/* false: no memory */
bool in_default_walk(in_walked_t *w, const in_image_t *img, uint32_t field, uint32_t value);
void in_default_free(in_walked_t *w);
/* verdicts of a root (a cell's, a guard's) */
uint16_t in_default_mask(const in_walked_t *w, uint32_t root);
/* the same with every toggle unset and every list empty */
uint16_t in_default_unset(const in_walked_t *w, uint32_t root);
/* marks in w->decisive, and in w->set if that is of interest, which facts made a root what it is */
bool in_default_mark(in_walked_t *w, uint32_t root, bool set);

#endif
