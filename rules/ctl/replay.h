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
#include "host.h"
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

/* does a denial of the list hold for it? DECIDED: *holds says so */
in_replayed_t in_replay_final(in_replay_t *r, yyjson_val *recipient, uint32_t list, bool *holds);
/* a record's value as a fact */
bool in_replay_value(in_replay_t *r, yyjson_val *v, interop_value_t *value);

/*
** replay_script.c: what scripts made of the verdict and would make of it now;
** outcome: of each recipient of the record, as the policy decides it now. DECIDED:
** was and becomes are words ("deny x"), absent where no script is in it
*/
typedef struct { in_replay_status_t status; in_span_t was, becomes, rule, missing; } in_replayed_script_t;
in_replayed_script_t in_replay_scripts(in_replay_t *r, in_host_t *host, const uint32_t *outcome);

/* a text member, or absent */
in_span_t in_replay_text(yyjson_val *object, const char *name);

#endif
