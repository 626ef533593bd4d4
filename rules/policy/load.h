/*
** load.h -- a loaded policy, as decide.c, facts.c and judge/ see it.
**
** Owns the ways into its tables. Invariant: the image has been verified, so an
** index that comes out of it needs no check.
*/
#ifndef IN_LOAD_H
#define IN_LOAD_H

#include "policy_image.h"
#include "regex.h"
#include "../api/api_image.h"

/*
** Of 64 guards, those that may be anything but false: bit sets of guards, for each
** operation, for each system that an event comes from, and for each in which a
** recipient reads (count of systems: it is not known). They hold where all three say so.
*/
typedef struct { uint64_t operation[64], from[64], to[64]; } in_where_t;
#define IN_WHERES(guards)  (((size_t) (guards) + 63) / 64)

/* fields that a row has at hand */
typedef enum { IN_READY_NONE, IN_READY_ID, IN_READY_TENANT } in_ready_t;

struct interop_policy_s {
  in_image_t img;
  interop_alloc_t alloc;
  char revision[24];
  pcre2_general_context *general; /* PCRE2's view of alloc */
  pcre2_code **regex;             /* by atom; NULL where the atom is none */
  uint8_t *recipients;            /* by atom: IN_NOT_YET where its fact is another for each recipient, else 0 */
  uint8_t *names;                 /* by atom: IN_NOT_YET where its fact is how the recipient is called, else 0 */
  uint8_t *others;                /* by subject, by atom: 0 where the class hangs on its record alone, else IN_NOT_YET */
  uint8_t *ready;                 /* by field: in_ready_t */
  in_span_t *heads;               /* by outcome: the header that tells of it alone; or absent */
  uint64_t joined_ops;            /* operations for which some rule may ask for sender.joined */
  uint64_t guarded_notices;       /* those that a guard may give */
  uint32_t *event_atoms;          /* those of a fact that every event has: operation, kind, where it comes from */
  uint32_t *reader_atoms;         /* those of where the recipient reads */
  uint32_t event_atom_count, reader_atom_count;
  in_where_t *notice_where, *reading_where, *amend_where;
  uint64_t lost_notices;          /* those that a lost feature gives */
  uint64_t verdict_notices[INTEROP_VERDICT_COUNT];
  bool asks_systems;              /* some rule asks for conversation.systems */
};

/* bytes of a list of classes by atom: whole blocks, so that sixteen can be had at once */
static inline size_t in_class_bytes(const interop_policy_t *p) {
  return ((size_t) p->img.count[IN_S_ATOMS] + 16) & ~(size_t) 15;
}

#define in_table(img, name, type) ((const type *) (img)->section[IN_S_##name])

static inline const in_pi_atom_t *in_atom(const in_image_t *img, uint32_t i) {
  return in_table(img, ATOMS, in_pi_atom_t) + i;
}
static inline const in_pi_slot_t *in_slot(const in_image_t *img, uint32_t i) {
  return in_table(img, SLOTS, in_pi_slot_t) + i;
}
static inline const in_pi_field_t *in_field(const in_image_t *img, uint32_t i) {
  return in_table(img, FIELDS, in_pi_field_t) + i;
}
static inline const in_pi_outcome_t *in_outcome(const in_image_t *img, uint32_t i) {
  return in_table(img, OUTCOMES, in_pi_outcome_t) + i;
}
static inline const in_pi_system_t *in_system(const in_image_t *img, uint32_t i) {
  return in_table(img, SYSTEMS, in_pi_system_t) + i;
}
static inline const in_pi_reason_t *in_reason(const in_image_t *img, uint32_t i) {
  return in_table(img, REASONS, in_pi_reason_t) + i;
}

/* the name of its reason; absent: it has none */
static inline in_span_t in_outcome_reason(const in_image_t *img, const in_pi_outcome_t *o) {
  return o->reason == IN_NIL ? IN_NONE : in_image_str(img, in_reason(img, o->reason)->name);
}

/* heads.c */
bool in_is_token(in_span_t s);                         /* of RFC 9651 */
bool in_heads_make(interop_policy_t *p);               /* false: no memory */
void in_heads_free(interop_policy_t *p);

/* where.c: fills the tables of in_where_t; false: no memory */
bool in_where_make(interop_policy_t *p);
bool in_slot_of_recipient(const in_image_t *img, uint32_t slot);
/* in which system the recipient reads */
bool in_slot_of_reader(const in_image_t *img, uint32_t slot);
/* how the recipient is called: all that two of them differ in of whom nothing is known */
bool in_slot_of_names(const in_image_t *img, uint32_t slot);
/* index of a reason or system by name, or IN_NIL */
uint32_t in_find_reason(const in_image_t *img, in_span_t name);
uint32_t in_find_system(const in_image_t *img, in_span_t name);

#endif
