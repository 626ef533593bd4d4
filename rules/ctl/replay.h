/*
** replay.h -- decisions of an audit log, decided again by another policy.
**
** Owns the reading of an audit record (rules/judge/audit.c writes it) as facts
** of a policy. Invariant: nothing is guessed. A fact that the record does not
** tell, as the rules of its day did not ask for it, ends the decision, and is
** told; so does a system that the policy does not have.
*/
#ifndef IN_REPLAY_H
#define IN_REPLAY_H

#include <yyjson.h>
#include "../policy/facts.h"

typedef enum {
  IN_REPLAY_DECIDED,
  IN_REPLAY_NO_FACT,              /* `missing` was not recorded */
  IN_REPLAY_UNKNOWN,              /* `missing` is a word that the policy does not know */
  IN_REPLAY_FAILED                /* no memory */
} in_replay_status_t;

typedef struct {
  in_replay_status_t status;
  uint32_t outcome;               /* DECIDED */
  in_span_t missing;
} in_replayed_t;

typedef struct {
  const interop_policy_t *policy;
  in_arena_t *arena;              /* of one record */
  in_facts_t facts;
  yyjson_val *judged, *recipient; /* what is decided again */
  in_list_event_t event;
  unsigned char *told;            /* by slot: 0 not recorded, 1 recorded as unknown, 2 known */
} in_replay_t;

/* the object "judged" of a line; false: it is none that can be judged again */
bool in_replay_begin(in_replay_t *r, const interop_policy_t *policy, yyjson_val *judged, in_arena_t *arena);
void in_replay_end(in_replay_t *r);
/* one of its recipients */
in_replayed_t in_replay_recipient(in_replay_t *r, yyjson_val *recipient);

/* a text member, or absent */
in_span_t in_replay_text(yyjson_val *object, const char *name);

#endif
