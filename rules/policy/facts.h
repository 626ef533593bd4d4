/*
** facts.h -- facts of one event and one recipient: values, and the classes that
** the walk asks for.
**
** Records are looked up when a fact is first asked for and copied, so that the
** source's own memory is not held. A value is unknown where the record has none
** and no default stands for it. Defaults hold where the record exists, or is a
** conversation, message or call (which begin to exist with the first event);
** nothing is assumed of users and tenants that nobody knows.
*/
#ifndef IN_FACTS_H
#define IN_FACTS_H

#include "list.h"
#include "row.h"

typedef struct {
  bool known;
  uint32_t count;                 /* LIST */
  int64_t number;                 /* FLAG, ENUM (index), NUMBER, TIME */
  in_span_t text;                 /* CODE, TEXT; LIST: the packed items */
} in_value_t;

typedef enum { IN_LOOK_NOT_YET, IN_LOOK_FOUND, IN_LOOK_MISSING } in_look_t;

typedef struct {
  const interop_policy_t *policy;
  const interop_source_t *source;
  in_arena_t *arena;
  in_look_t look[IN_SUBJECT_COUNT];
  in_row_t *row[IN_SUBJECT_COUNT];        /* where look says FOUND */
  in_row_t *held[8];                      /* rows to be given back to the memo, */
  uint32_t held_count;
  struct in_hold_s *more_held;            /* and further ones */
  interop_view_t *view;                   /* the snapshot that the source gave, if it was asked: it has a memo
                                             of this policy, and a store */
  bool viewed;
  in_span_t key[IN_SUBJECT_COUNT];        /* what to look up; absent: nothing is named */
  in_value_t request[IN_RF_COUNT];
  const uint32_t *features;               /* how many of each the event has; NULL: the request's facts say it */
  in_span_t conversation_type;            /* of a conversation that is being created */
  bool elsewhere;                         /* the last value is not its own record's */
  bool fetched;                           /* the original was asked for, or cannot be */
  pcre2_general_context *general;         /* all three: made at the first regex */
  pcre2_match_data *match_data;
  pcre2_match_context *match_context;
  uint8_t *class_;                        /* by atom; IN_NOT_YET */
  bool overlay_known;
  uint32_t overlay;                       /* list of the sender's tenant, or IN_NIL */
  interop_status_t status;                /* NOMEM, UNAVAILABLE: sticky */
} in_facts_t;

interop_status_t in_facts_init(in_facts_t *f, const interop_policy_t *p, in_arena_t *arena);
void in_facts_free(in_facts_t *f);
/* forgets what hangs on the recipient */
void in_facts_recipient(in_facts_t *f);
/* the request's facts are there: operation, kind, and where it comes from */
void in_facts_event(in_facts_t *f);
/* it is known now in which system the recipient reads; count of systems: that it is not known */
void in_facts_reads(in_facts_t *f, uint32_t system);
/* was anything asked about how the recipient is called? */
bool in_facts_asked_names(const in_facts_t *f);
/* the source may have another snapshot from now on */
void in_facts_renew(in_facts_t *f, const interop_source_t *source);
/* a record that is nobody's subject; OK: *row stays as long as the facts do */
interop_status_t in_facts_find(in_facts_t *f, interop_record_kind_t kind, in_span_t key, in_row_t **row);
/* the same without a row or a copy: *record stays until the next look-up */
interop_status_t in_facts_peek(in_facts_t *f, interop_record_kind_t kind, in_span_t key, in_span_t *record);
/* from now on this is the subject's record; NULL: there is none */
void in_facts_set(in_facts_t *f, in_subject_t subject, in_row_t *row);
/* the subject's record, looked up at need; NULL, absent: there is none */
in_row_t *in_facts_row(in_facts_t *f, in_subject_t subject);
in_span_t in_facts_record(in_facts_t *f, in_subject_t subject);
in_value_t in_facts_value(in_facts_t *f, uint32_t slot);
/* the same of a subject that is no slot's; field: index in FIELDS, of the subject's record */
in_value_t in_facts_field(in_facts_t *f, in_subject_t subject, uint32_t field);
/* a record's aliases; no list: it has none */
interop_value_t in_facts_aliases(in_span_t record);
/* what stands in them for a field whose default that is; absent: nothing */
in_span_t in_facts_alias_part(const in_image_t *img, const in_pi_field_t *fl, const interop_value_t *aliases);
/* a field of a record by its name, as text; absent if it is none */
in_span_t in_facts_text(in_span_t record, const char *field);

/* decides: an outcome's index, or IN_NIL: f->status tells why (AGAIN: fetch first) */
uint32_t in_decide(in_facts_t *f, uint32_t root);
/* the same for a cell, with the rules of the sender's tenant over it */
uint32_t in_decide_event(in_facts_t *f, const in_list_event_t *event);
/* what becomes of a message that is read: the event is its sending, gates are not asked */
uint32_t in_decide_shown(in_facts_t *f, const in_list_event_t *event);
/* does a denial of the list hold, or may it, for a final reason? Also where that cannot be told */
bool in_final_holds(in_facts_t *f, const in_list_event_t *event, uint32_t list);
/* gives the atom its class; false: f->status tells why not */
bool in_facts_look(in_facts_t *f, uint32_t atom);
bool in_guard_decides(in_facts_t *f, uint32_t root);
/* the guards that may hold for this event, whoever gets it; the others need not be looked at */
static inline uint64_t in_where_sent(const in_facts_t *f, const in_where_t *w) {
  return w->operation[f->request[IN_RF_OPERATION].number] & w->from[f->request[IN_RF_FROM].number];
}
/* a guard that is certainly true; most hang on nothing */
static inline bool in_guard_holds(in_facts_t *f, uint32_t root) {
  if (root & IN_LEAF) return in_outcome(&f->policy->img, root & ~IN_LEAF)->kind == IN_OUT_TRUE;
  return in_guard_decides(f, root);
}

/* version.c: the class of a text for a VERSION atom's test */
uint8_t in_version_class(in_span_t text, in_span_t test);
bool in_is_version(in_span_t s);        /* digits, and dots between them */

/* the pure walk: an outcome's index, or the atom to look at first in *need (and
** IN_NIL). *node is the root at first and is kept for going on. */
uint32_t in_walk(const in_image_t *img, const uint8_t *class_, uint32_t *node, uint32_t *need);

#endif
