/*
** reference.h -- the written semantics of policies, over the rules themselves.
**
** What the diagrams are compared with in the tests: no diagram, no order of
** atoms, no sharing. Reads a finished in_compile_t; knows nothing of images.
*/
#ifndef IN_REFERENCE_H
#define IN_REFERENCE_H

#include "compile.h"

typedef struct {
  uint32_t operation, kind, from, to;   /* to == count of systems: not known */
} in_ref_event_t;

/*
** The class of an atom: 0 unknown; IN_NOT_YET: the evaluation stops there, and
** the atom is what the answer waits for.
*/
typedef struct {
  uint8_t (*class_of)(void *ctx, uint32_t atom);
  void *ctx;
} in_ref_facts_t;

typedef enum { IN_REF_DECIDED, IN_REF_UNDETERMINED, IN_REF_NATIVE, IN_REF_NO_POLICY, IN_REF_NEEDS } in_ref_kind_t;

typedef struct {
  in_ref_kind_t kind;
  uint32_t rule;                        /* DECIDED: index in c->rules */
  uint32_t atom;                        /* UNDETERMINED: unknown atom, IN_NIL: where the
                                           recipient reads; NEEDS: the atom to look at */
} in_ref_answer_t;

in_ref_answer_t in_reference(const in_compile_t *c, const in_ref_event_t *event, const in_ref_facts_t *facts);

/* a guard alone, three-valued: atom is set where it is unknown or needed */
typedef enum { IN_REF_FALSE, IN_REF_TRUE, IN_REF_UNKNOWN, IN_REF_WAITS } in_ref_truth_t;
typedef struct { in_ref_truth_t truth; uint32_t atom; } in_ref_value_t;
in_ref_value_t in_reference_guard(const in_compile_t *c, const in_expr_t *guard, const in_ref_event_t *event,
                                  const in_ref_facts_t *facts);

#endif
