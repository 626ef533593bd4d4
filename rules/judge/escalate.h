/*
** escalate.h -- what the two files of an escalation share.
**
** escalate.c      the steps: claim, meeting, link, answer
** escalate_to.c   the conversations in which the link is told
** Everything is in the judge's arena. Invariant: a record that other workers see
** names a link only if a meeting answers there.
*/
#ifndef IN_ESCALATE_H
#define IN_ESCALATE_H

#include "judge.h"

#define IN_TARGETS_MAX  64u             /* conversations that one escalation tells */

/* a conversation that is to hear of the link */
typedef struct {
  in_span_t id;                         /* of the store, or as it is named */
  in_span_t name;                       /* as the client's API names it */
  uint32_t to;                          /* the system in which the other reads it */
  bool told;
} in_target_t;

typedef enum { IN_ESC_BEGIN, IN_ESC_MEETING, IN_ESC_LINK, IN_ESC_DONE } in_esc_state_t;

struct in_escalating_s {
  const in_pi_escalation_t *rule;
  const in_pi_outcome_t *outcome;
  uint32_t make_meeting, make_link;     /* MAKES */
  in_target_t target[IN_TARGETS_MAX];
  uint32_t targets, at;
  in_esc_state_t state;
  in_span_t text;                       /* that tells the link, with {link} in it */
  in_span_t key;                        /* of the record that all workers see */
  in_span_t mine;                       /* that record, while the claim is ours */
  in_span_t link;                       /* absent: no meeting yet */
  int64_t made;                         /* time of the request that it was made for */
  int64_t waits_since;                  /* clock; 0: it does not wait */
  uint64_t notices;                     /* before the row's own */
  in_span_t retry, sign_in;             /* headers of the last answer */
};

/* OK; MISSING: there is no conversation in which this API could tell it */
interop_status_t in_escalate_targets(interop_judge_t *j, in_escalating_t *e);

#endif
