/*
** script.h -- the step between deciding and applying: scripts.
**
** scripts.c  the set of a policy's scripts, loaded by an extension
** ask.c      which of them are asked about an event, what becomes of their answers
** recall.c   what a script gave when it was asked with the same facts before
** verdict.c  answers against the policy's verdict: what a script may, and what not
** services.c what a script may ask of the event
** told.c     what scripts were told and gave, for the audit and for a replay of it
** regex.c, json.c  what it may ask of the library besides
** Knows no language of scripts. Invariant: a script that fails, or that cannot be
** asked, never opens anything: what the policy says stands, or it is denied.
*/
#ifndef IN_SCRIPT_H
#define IN_SCRIPT_H

#include "../judge/judge.h"

#define IN_SCRIPT_FAILURES  10u         /* in a row; then it is set aside */

#define IN_SCRIPT_FOUND     64u         /* a power of two */

typedef struct in_recall_s in_recall_t;

typedef struct {
  interop_script_t *script;
  in_recall_t *recall;                  /* NULL: it is run for each event */
  uint64_t source;                      /* its text's hash */
  const in_pi_script_t *rec;            /* NULL: a configuration's */
  interop_script_stat_t stat;
  uint32_t most_failures;               /* in a row */
  interop_script_health_t own, *shared; /* failures: the own ones where nothing is shared */
  uint32_t next;                        /* of the same tenant, or IN_NIL */
} in_loaded_t;

struct interop_scripts_s {
  const interop_policy_t *policy;
  const interop_extension_t *extension;
  interop_alloc_t alloc;
  in_loaded_t *at;                      /* the policy's first, in its order */
  uint32_t count, room, own;            /* own: how many are the policy's */
  uint32_t general;                     /* first that is everybody's, or IN_NIL */
  uint32_t *tenant;                     /* hash table of tenants: their first, or IN_NIL */
  uint32_t slots;                       /* a power of two */
  bool tenants;                         /* some script is a tenant's */
  uint32_t found[IN_SCRIPT_FOUND];      /* fields that were asked for: where to look first */
};

/* what is asked now: the services' ctx */
typedef struct {
  interop_judge_t *judge;
  in_loaded_t *loaded;
  uint32_t *place;                      /* recall: where what is asked next is noted; NULL: it is not */
} in_asking_t;

static inline interop_script_health_t *in_script_health(in_loaded_t *l) {
  return l->shared != NULL ? l->shared : &l->own;
}

extern const interop_services_t in_script_services;

/* first script of a tenant, or IN_NIL */
uint32_t in_scripts_of(const interop_scripts_t *s, in_span_t tenant);

/*
** ask.c: asks every script that is for the event; the judge's override then says
** what holds. OK; AGAIN, UNAVAILABLE, NOMEM as of a lookup.
*/
interop_status_t in_script_ask(interop_judge_t *j);

/* verdict.c: takes what a script gave. IN_NONE, or why that is no answer */
in_span_t in_script_take(interop_judge_t *j, in_loaded_t *l, const interop_script_result_t *r);
/* it failed: what stands then */
void in_script_failed(interop_judge_t *j, in_span_t name);
void in_script_note(interop_judge_t *j, in_span_t name, interop_script_did_t did, in_span_t error);

/* services.c: what a script is told, before it is noted */
interop_status_t in_script_field(const in_asking_t *a, interop_event_field_t field, interop_value_t *v);
interop_status_t in_script_fact(const in_asking_t *a, interop_script_subject_t of, uint32_t number, in_span_t name,
                                interop_value_t *v);
interop_status_t in_script_people(const in_asking_t *a, interop_value_t *v);

/* told.c */
void in_script_tell_nothing(in_override_t *o);
void in_script_tell(interop_judge_t *j, in_ask_t what, uint32_t of, uint32_t number, in_span_t name,
                    const interop_value_t *v);
/* NULL: it failed */
void in_script_gave(interop_judge_t *j, const in_loaded_t *l, const interop_script_result_t *r);
/* "event.sender.country", "event.recipients[1].id" */
in_span_t in_script_path(in_arena_t *a, in_ask_t what, uint32_t of, uint32_t number, in_span_t name);

/* what a record answers in place of the event; UNAVAILABLE: it does not tell */
struct in_script_record_s {
  interop_status_t (*field)(void *ctx, interop_event_field_t field, interop_value_t *v);
  interop_status_t (*fact)(void *ctx, interop_script_subject_t of, in_span_t path, in_span_t name, interop_value_t *v);
  interop_status_t (*count)(void *ctx, in_span_t name, int64_t *value);
  /* what the script gave then, where it cannot be run again */
  interop_status_t (*gave)(void *ctx, in_span_t script, uint64_t source, interop_script_result_t *r);
  /* does a denial of the list hold for a recipient, by number? */
  bool (*final)(void *ctx, uint32_t recipient, uint32_t list);
  void *ctx;
};

/* recall.c */
in_recall_t *in_recall_new(const interop_alloc_t *alloc);
void in_recall_free(in_recall_t *c, const interop_alloc_t *alloc);
/* true: the script need not be run: *status as of extension_t.run. False: what it asks is to be noted */
bool in_recall_find(in_asking_t *a, interop_script_result_t *r, interop_status_t *status);
void in_recall_field(in_asking_t *a, interop_event_field_t field, interop_status_t status, const interop_value_t *v);
void in_recall_fact(in_asking_t *a, interop_script_subject_t of, uint32_t number, in_span_t name, interop_status_t status,
                    const interop_value_t *v);
void in_recall_people(in_asking_t *a, const interop_value_t *v);
void in_recall_never(in_asking_t *a);   /* it does what is more than an answer */
void in_recall_end(in_asking_t *a, const interop_script_result_t *r);

/* regex.c */
interop_status_t in_script_regex_new(in_span_t pattern, const interop_alloc_t *alloc, interop_regex_t **regex,
                                     size_t *size, char *why, size_t why_size);
void in_script_regex_free(interop_regex_t *re);
interop_status_t in_script_regex_match(interop_regex_t *re, in_span_t text, size_t from, int (*go_on)(void *arg),
                                       void *arg, size_t *spans, uint32_t *groups);
/* json.c */
interop_status_t in_script_json_open(in_span_t text, const interop_alloc_t *alloc, interop_json_t **json, char *why,
                                     size_t why_size);
int in_script_json_next(interop_json_t *json, interop_json_value_t *v);
void in_script_json_close(interop_json_t *json);

#endif
