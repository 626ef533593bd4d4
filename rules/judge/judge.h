/*
** judge.h -- one request's way through match, normalise, gather, decide, apply.
**
** judge.c      the public calls, in order
** recipients.c who is addressed, and where each of them reads
** decide.c     a verdict per recipient, the strictest of them
** (script/     what scripts make of it)
** apply.c      the verdict on the wire: the plan
** answer.c     upstream's answer: what is remembered, what the client gets
** batch.c      several requests in one
** fanout.c     which systems get it, where each has its own verdict
** escalate.c   a meeting instead: the requests it takes, one after the other
** header.c     values of the project's own headers (RFC 9651)
** amend.c      what is set or cut beside the verdict; who is refused alone
** shown.c      upstream's answer as this reader may see it
** audit.c      what was judged and by which facts, for an audit log
** Everything a judge needs lives in its arena. A step that must wait (a fact to
** be fetched) leaves the judge as it was, so that run can be called again.
*/
#ifndef IN_JUDGE_H
#define IN_JUDGE_H

#include "../api/api.h"
#include "../policy/facts.h"

#define IN_NO_SLOT  0xffffffu

/* a request may name tens of thousands: what can be told from the rest is not kept */
typedef struct {
  const char *name;               /* as the request, or a list of the store, has it; NULL: nobody is known */
  in_row_t *row;                  /* NULL: nobody knows them */
  uint32_t name_size;
  uint32_t outcome;
  uint32_t party;                 /* number among those whom the request names; IN_NIL: it does not */
  uint32_t to : 7;                /* system in which they read; count of systems: not known */
  uint32_t refused : 1;           /* alone: the others go on */
  uint32_t untold : 24;           /* slot of the fact without which it is not known, or IN_NO_SLOT */
} in_recipient_t;

static inline in_span_t in_judge_named(const in_recipient_t *r) { return in_span(r->name, r->name_size); }

/* of the store, or as the request names them */
static inline in_span_t in_judge_id(const in_recipient_t *r) {
  return r->row != NULL && r->row->id.p != NULL ? r->row->id : in_judge_named(r);
}

typedef struct in_alike_s in_alike_t;
typedef struct in_batch_judge_s in_batch_judge_t;
typedef struct in_escalating_s in_escalating_t;
typedef struct { const char *name; in_span_t value; } in_subst_t;
/* an amendment that holds for a recipient */
typedef struct { const in_pi_amend_t *rule; uint32_t recipient; in_span_t value; } in_amendment_t;

/* what scripts were told (a fact, a counter's value), and what each of them gave: for the audit */
#define IN_TOLD_MAX  64u
typedef enum { IN_ASK_FIELD, IN_ASK_FACT, IN_ASK_PEOPLE, IN_ASK_COUNTER } in_ask_t;
typedef struct in_script_told_s in_script_told_t;
typedef struct in_gave_s in_gave_t;
struct in_script_told_s { in_script_told_t *next; in_ask_t what; uint32_t of, number; in_span_t name; interop_value_t value; };
struct in_gave_s { in_gave_t *next; in_span_t script, gave, reason; uint64_t source; };
/* where scripts are told from a record of what they were told, in place of an event: replay */
typedef struct in_script_record_s in_script_record_t;

/* what scripts make of the verdict (script/) */
typedef struct {
  bool active;                    /* the outcome below holds in place of the policy's */
  bool tightened;                 /* by a script, so that no other may relax it */
  in_pi_outcome_t outcome;
  in_span_t rule, reason, message;
  in_span_t text;                 /* a placeholder's, or what replaces the message; absent: the policy's */
  bool replaces;                  /* ... which is told as plain_text */
  in_span_t script, error;        /* what is told of them */
  interop_script_did_t did;
  uint64_t instructions;
  size_t memory;
  interop_script_action_t *headers;
  uint32_t header_count;
  bool read;                      /* the message's plain text was made */
  in_span_t plain;
  int64_t *counted;               /* what counters gave: a script that is asked again is told the same */
  uint32_t counts, count;
  in_script_told_t *told, **told_end;
  in_gave_t *gave, **gave_end;
  uint32_t tolds;
  bool final_asked;               /* whether a denial of this list holds that no script may relax */
  uint32_t final;
  const in_script_record_t *record;
} in_override_t;

struct interop_judge_s {
  const interop_policy_t *policy;
  interop_alloc_t alloc;
  in_arena_t arena;
  int api;
  uint32_t from;                  /* the API's system */
  interop_target_t target;
  const interop_request_t *request;
  interop_source_t source;
  bool read;                      /* the event has been read */
  in_event_t event;
  in_span_t sender_id, conversation_id;   /* of the store */
  in_recipient_t *recipients;
  uint32_t recipient_count;
  bool addressed;                 /* recipients were found */
  in_alike_t *alike;              /* of many recipients; or NULL */
  const in_recipient_t *taken;    /* whose facts the recipient's are now */
  uint32_t next;                  /* recipient to decide next */
  uint32_t final;                 /* recipient whose outcome holds */
  uint64_t notices;               /* bit set, 64 at most */
  bool fetching;
  interop_target_t fetch;
  in_original_t original;         /* as fetched; kept when the judge runs on, as only then
                                     there is a source to look its author up in */
  bool original_kept;
  in_write_t write;
  bool written;
  in_span_t undetermined;         /* "recipient.linked_account" */
  in_override_t override;
  interop_plan_t plan;
  in_escalating_t *escalating;    /* the plan's action is, or was, STEPS */
  interop_answer_t answer;
  interop_effect_t *effects;
  size_t effect_count, effect_room;
  in_batch_judge_t *batch;        /* a judge for each of several requests, or NULL */
  bool in_batch;                  /* this one is one of them */
  unsigned *tags;                 /* of HTML in all of them; NULL: it is alone */
  /* fanout.c */
  bool per_system;                /* each system has a verdict of its own; `final` is of one that gets it */
  uint64_t left_out;              /* bit set of systems that it does not go to */
  uint64_t formless;              /* of these: as the API has no form for what they would get */
  /* amend.c */
  in_amendment_t *amendments;
  uint32_t amendment_count, amendment_room;
  uint32_t amend_next;            /* recipient to look at next */
  int64_t cut;                    /* elements of the answer from before this are not shown */
  const in_pi_amend_t *cut_rule;  /* NULL: all are */
  uint32_t refused;               /* recipients refused alone */
  bool reads;                     /* messages of other systems are in the answer, and may be reduced */
  uint32_t withheld;              /* outcome for which the answer, a part of a message, is refused; IN_NIL: it is not */
  in_span_t location;             /* the answer's header */
  interop_judge_t *shown;         /* judges the answer's elements, one after the other */
  /* large, and not zeroed but by in_facts_init and in_api_match */
  in_facts_t facts;
  in_match_t match;
};

/* recipients.c */
interop_status_t in_judge_address(interop_judge_t *j);
/* one user as a recipient; false: it is the sender. Its record lives in the arena */
bool in_judge_resolve(interop_judge_t *j, in_span_t named, in_recipient_t *r, interop_status_t *rc);
/* nothing but a name, of at most 4 GB; a system in which they read */
in_recipient_t in_judge_called(in_span_t named, uint32_t to);
/* alike.c: many of whom policy knows the same */
bool in_judge_alike_begin(interop_judge_t *j, uint32_t count);
in_row_t *in_judge_alike_row(interop_judge_t *j, in_span_t record);
bool in_judge_alike_reads(const interop_judge_t *j, in_recipient_t *r);
void in_judge_alike_read(interop_judge_t *j, const in_recipient_t *r);
bool in_judge_alike_decided(const interop_judge_t *j, in_recipient_t *r);
void in_judge_alike_decide(interop_judge_t *j, const in_recipient_t *r);
interop_status_t in_judge_own(interop_judge_t *j, in_recipient_t *r);
interop_status_t in_judge_own_for(interop_judge_t *j, in_recipient_t *r, uint32_t slot);
/* decide.c */
interop_status_t in_judge_decide(interop_judge_t *j);
bool in_judge_crosses(const interop_judge_t *j);
void in_judge_take(interop_judge_t *j, const in_recipient_t *r);    /* facts are now this recipient's */
/* apply.c */
interop_status_t in_judge_apply(interop_judge_t *j);
/* the recipient's outcome, or a script's in its place */
const in_pi_outcome_t *in_judge_outcome(const interop_judge_t *j, const in_recipient_t *r);
interop_status_t in_judge_refuse(interop_judge_t *j, in_span_t reason, in_span_t detail);
interop_status_t in_judge_placeholder(interop_judge_t *j, const in_recipient_t *r, in_span_t *text);
/* the answer in the API's error form; status 0: the reason's own */
interop_status_t in_judge_tell(interop_judge_t *j, interop_verdict_t verdict, uint32_t reason, unsigned status,
                               in_span_t message);
/* what the client is told of a reason; with a detail behind it, unless that is absent */
in_span_t in_judge_message(interop_judge_t *j, uint32_t reason, in_span_t detail);
interop_status_t in_judge_headers(interop_judge_t *j);
in_span_t in_judge_expand(interop_judge_t *j, in_span_t t, const in_subst_t *s, size_t n);
in_span_t in_judge_request_id(const interop_judge_t *j);
void in_judge_row_notices(interop_judge_t *j, const in_pi_outcome_t *o);
/* those that stand for a verdict or for what was lost */
void in_judge_own_notices(interop_judge_t *j, interop_verdict_t verdict);
/* the fact without which this recipient's outcome cannot be told */
in_span_t in_judge_unknown_fact(interop_judge_t *j, const in_recipient_t *r, const in_pi_outcome_t *o);
/* escalate.c */
interop_status_t in_judge_escalate(interop_judge_t *j, const in_recipient_t *r, const in_pi_outcome_t *o);
/* the answer in place of what was planned, for interop_judge_answer */
interop_status_t in_judge_deny_answer(interop_judge_t *j, uint32_t reason, in_span_t rule, in_span_t name);
/* amend.c: AGAIN: a fact is to be fetched; USAGE: the plan is a denial already */
interop_status_t in_judge_amend(interop_judge_t *j);
/* takes those who are denied apart from those who go on; the final outcome is theirs */
void in_judge_refuse_some(interop_judge_t *j);
interop_status_t in_judge_amend_request(interop_judge_t *j);
/* must the answer be read before this reader gets it? */
bool in_judge_reads_answer(interop_judge_t *j);
/* does the amendment's scope hold for what comes from here and goes there? */
bool in_amend_in_scope(const interop_judge_t *j, const in_pi_amend_t *a, uint32_t to);
/* the value that the rule sets; absent: it is not known, or there is nothing to set */
in_span_t in_amend_value(interop_judge_t *j, const in_pi_amend_t *a, in_span_t now);
/* 1: it holds, 0: it does not, -1: it cannot be told (and does not pass), or facts.status is set */
int in_amend_holds(interop_judge_t *j, const in_pi_amend_t *a);
/* shown.c: the answer as this reader gets it */
interop_status_t in_judge_show(interop_judge_t *j, in_span_t body, interop_answer_t *answer);
interop_status_t in_judge_name_refused(interop_judge_t *j, in_span_t body, interop_answer_t *answer);
void in_judge_shown_free(interop_judge_t *j);
/* may the reader have the part of a message that the answer is? AGAIN: the message is to be fetched */
interop_status_t in_judge_part(interop_judge_t *j);
/* fanout.c: when all are decided */
void in_judge_split(interop_judge_t *j);
static inline bool in_judge_left_out(const interop_judge_t *j, const in_recipient_t *r) {
  return j->per_system && (j->left_out >> r->to & 1);
}
/* the API has no form for the final verdict: others may get theirs; false: there are none */
bool in_judge_leave_out(interop_judge_t *j);
/* by system, the number of the recipient whose verdict is the strictest, or IN_NIL; how many there are */
#define IN_SYSTEMS_ROOM  128u
uint32_t in_judge_strictest(const interop_judge_t *j, uint32_t best[IN_SYSTEMS_ROOM]);
/* what is told of the system of that recipient */
typedef struct { interop_verdict_t verdict; in_span_t reason; } in_told_verdict_t;
in_told_verdict_t in_judge_told(interop_judge_t *j, const in_recipient_t *r);
/* the header that names them, and the notices of those that are left out */
interop_status_t in_judge_tell_systems(interop_judge_t *j);
/* header.c: p == NULL: no memory */
in_span_t in_judge_verdict_header(interop_judge_t *j);
in_span_t in_judge_notice_header(interop_judge_t *j);
in_span_t in_judge_receipt(interop_judge_t *j);
interop_status_t in_judge_cross_header(interop_judge_t *j);
/* does the matrices' word on messages from there to here ever change one? (amend.c) */
bool in_judge_may_reduce(const interop_judge_t *j, uint32_t from);
in_span_t in_judge_recipients_header(interop_judge_t *j);
/* judge.c */
void in_judge_request_facts(interop_judge_t *j);
/* when the sender joined the conversation */
void in_judge_joined(interop_judge_t *j);
/* answer.c */
in_span_t in_judge_message_key(interop_judge_t *j, in_span_t conversation, in_span_t message);
bool in_judge_wants_effects(interop_judge_t *j);
interop_status_t in_judge_keep_original(interop_judge_t *j);
/* is upstream to be asked who leaves, before they have left? */
bool in_judge_asks_who(interop_judge_t *j);

/* batch.c */
interop_status_t in_judge_batch(interop_judge_t *j);
interop_status_t in_judge_batch_answer(interop_judge_t *j, unsigned status, in_span_t body, interop_answer_t *answer);
interop_judge_t *in_judge_batch_waits(const interop_judge_t *j);    /* the item that a fact is fetched for, or NULL */
interop_judge_t *in_judge_batch_steps(const interop_judge_t *j);    /* an item whose plan is STEPS, or NULL */
interop_status_t in_judge_batch_stepped(interop_judge_t *j);        /* no item has any: the plan of the whole */
/* the judge of the i-th item, NULL where it was under no policy; false: there are no more */
bool in_judge_batch_item(const interop_judge_t *j, size_t i, interop_judge_t **item);
void in_judge_batch_free(interop_judge_t *j);

void in_judge_notice(interop_judge_t *j, uint32_t notice);
bool in_judge_noticed(const interop_judge_t *j, uint32_t notice);

#endif
