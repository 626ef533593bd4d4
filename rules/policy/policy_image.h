/*
** policy_image.h -- records of the image's policy sections, and how the walk
** reads them.
**
** Decision diagrams lie in NODES, a node being
**     atom, child of class 0, child of class 1, ... (as many as the atom has classes)
** Class 0 of every atom is "unknown". A child is IN_LEAF | index in OUTCOMES or
** the index of a node that lies before this one: a walk therefore ends.
** Guards (of texts, notices, effects) are diagrams too; their leaves are
** outcomes of kind FALSE, TRUE and UNDETERMINED.
*/
#ifndef IN_POLICY_IMAGE_H
#define IN_POLICY_IMAGE_H

#include "../image/image.h"

#define IN_LEAF        0x80000000u
#define IN_LIST        0x40000000u      /* of a cell, without IN_LEAF: an index in LISTS */
#define IN_MAX_CLASSES 62
#define IN_MAX_ATOMS   1024
#define IN_NOT_YET     0xffu            /* class of an atom that was not looked at */

/*
** Whose fact it is: name in the language, the record kind it is a field of (or
** -1), the rank in the walk (what is dear to get comes late: order.c).
*/
#define IN_SUBJECTS(X) \
  X(REQUEST,             "request",             -1,                     0) \
  X(SENDER,              "sender",              INTEROP_R_USER,         1) \
  X(SENDER_TENANT,       "sender.tenant",       INTEROP_R_TENANT,       1) \
  X(RECIPIENT,           "recipient",           INTEROP_R_USER,         1) \
  X(RECIPIENT_TENANT,    "recipient.tenant",    INTEROP_R_TENANT,       1) \
  X(CONVERSATION,        "conversation",        INTEROP_R_CONVERSATION, 1) \
  X(CONVERSATION_TENANT, "conversation.tenant", INTEROP_R_TENANT,       1) \
  X(MESSAGE,             "message",             INTEROP_R_MESSAGE,      2) \
  X(CALL,                "call",                INTEROP_R_CALL,         2)

typedef enum {
#define IN_X(name, text, record, rank) IN_SUB_##name,
  IN_SUBJECTS(IN_X)
#undef IN_X
  IN_SUBJECT_COUNT
} in_subject_t;

/* facts of the request itself, declared by the engine: name, type, text */
#define IN_REQUEST_FACTS(X) \
  X(OPERATION,      ENUM, "operation") \
  X(KIND,           ENUM, "kind") \
  X(FROM,           ENUM, "sender.system")      /* the system that the request comes from */ \
  X(TO,             ENUM, "recipient.system")   /* the system in which this recipient reads */ \
  X(NOW,            TIME, "now") \
  X(CARD,           CODE, "card")               /* what the API calls the card: Poll */ \
  X(NAMED,          CODE, "recipient.named")    /* the recipient as the request names them */ \
  X(SENDER_ID,      CODE, "sender.id") \
  X(RECIPIENT_ID,   CODE, "recipient.id") \
  X(CLIENT_COUNTRY, CODE, "client.country") \
  X(CLIENT_AGENT,   CODE, "client.agent") \
  X(SENDER_NAMED,   CODE, "sender.named")       /* the sender's display name in the request */ \
  X(FEDERATED,      FLAG, "federated")          /* this recipient's tenant is not the sender's */ \
  X(JOINED,         TIME, "sender.joined")      /* when the sender joined the conversation */ \
  X(RECIPIENTS,     NUMBER, "recipients")       /* how many the request is for */ \
  X(CLIENT_ASKS,    CODE, "client.asks")        /* the header Interop-Escalate, or what the operation asks */ \
  X(SYSTEMS,        LIST, "conversation.systems")       /* where those read who take part already */

typedef enum {
#define IN_X(name, type, text) IN_RF_##name,
  IN_REQUEST_FACTS(IN_X)
#undef IN_X
  IN_RF_FEATURE,                  /* + interop_feature_t: "features has link" */
  IN_RF_COUNT = IN_RF_FEATURE + INTEROP_FEATURE_COUNT
} in_request_fact_t;

/* name, text; FLAG: false and true; ENUM: `one of`; CODE: a text compared whole;
   LIST: of texts */
#define IN_FACT_TYPES(X) \
  X(FLAG, "flag") X(ENUM, "one of") X(CODE, "code") X(TEXT, "text") X(TIME, "time") \
  X(NUMBER, "number") X(LIST, "list")

typedef enum {
#define IN_X(name, text) IN_T_##name,
  IN_FACT_TYPES(IN_X)
#undef IN_X
  IN_TYPE_COUNT
} in_type_t;

typedef struct { in_ref_t name, title; uint32_t tier, reserved; } in_pi_system_t;

/* final: no script may relax a denial for it */
typedef struct { in_ref_t name, message; uint32_t status, final; } in_pi_reason_t;

/* given by itself where the verdict is in the set, or one of the features was lost */
typedef struct { in_ref_t name; uint32_t lost, verdicts; uint32_t guard, reserved; } in_pi_notice_t;

/* what stands for a missing value */
typedef enum { IN_DEF_NONE, IN_DEF_VALUE, IN_DEF_TENANT /* same-named field of the tenant */,
               IN_DEF_FETCH /* fetched from upstream; default_number if that fails */,
               IN_DEF_ALIAS /* what lies in an alias between default_text and the byte default_number */,
               IN_DEF_PARENT /* the fact of the conversation's `parent`, else default_number */ } in_default_t;

typedef struct {
  in_ref_t name, default_text;
  int64_t default_number;
  uint32_t record, type, default_kind;
  in_run_t names;                 /* ENUM: its values, in REFS */
  uint32_t tenant_field;          /* IN_DEF_TENANT: index in FIELDS */
  uint32_t hash, reserved;        /* in_hash(name) */
} in_pi_field_t;

/* one fact of one subject; REQUEST: field is an in_request_fact_t */
typedef struct { in_ref_t name; uint32_t subject, field; } in_pi_slot_t;

/*
** An atom sorts a slot's values into classes 1 .. classes-1.
**   ENUM   INDEXES[map + value] is the class
**   FLAG   1 false, 2 true
**   CODE   the literals REFS[texts], sorted; class INDEXES[map + i], else `other`
**   NUMBER breakpoints: INDEXES[map ...] as (low, high) pairs of i64, count of them
**          texts.count; then 2 * count + 1 classes: below the first, the first, between ...
**   REGEX  PREFIX SUFFIX HAS: 1 no, 2 yes; text (or slot_b) is the operand
**   REL    slot against slot_b: 1 less, 2 equal, 3 greater
**   VERSION  text is "PREFIX\nVERSION": 1 the value holds no PREFIX with a version
**          behind it, 2 one below VERSION, 3 that or a later one
*/
typedef enum { IN_ATOM_ENUM, IN_ATOM_FLAG, IN_ATOM_CODE, IN_ATOM_NUMBER, IN_ATOM_REGEX,
               IN_ATOM_PREFIX, IN_ATOM_SUFFIX, IN_ATOM_HAS, IN_ATOM_REL, IN_ATOM_VERSION, IN_ATOM_KINDS } in_atom_kind_t;

typedef struct {
  uint32_t kind, slot, slot_b, classes;
  in_run_t texts, map;
  in_ref_t text;
  uint32_t other, fetch;          /* fetch: looking needs a request to upstream */
} in_pi_atom_t;

typedef struct { in_ref_t name; in_run_t members; } in_pi_set_t;

typedef enum { IN_OUT_FALSE, IN_OUT_TRUE, IN_OUT_UNDETERMINED, IN_OUT_DECISION } in_outcome_kind_t;

typedef struct {
  uint32_t kind, verdict;
  uint32_t reason;                /* in REASONS, or IN_NIL */
  uint32_t slot;                  /* UNDETERMINED: the atom whose fact is unknown; IN_NIL:
                                     it is not known where the recipient reads */
  in_ref_t rule;                  /* "policy.TAG" */
  in_run_t notices;               /* INDEXES of NOTICES */
  uint32_t strip, reduce;         /* STRIP: features; reduce: IN_TEXT_* */
  uint32_t name_slot;             /* AMEND: the fact that is the sender's display name, or IN_NIL: as it is ... */
  uint32_t row;                   /* 1: a matrix says so, 0: a gate, or no policy at all */
  in_ref_t name_suffix;           /* ... with this behind it */
  uint32_t line, file;            /* source line; file: string offset in STRINGS */
} in_pi_outcome_t;

/*
** A rule of a list (list.h): for these operations, kinds and systems (bit sets,
** bit count-of-systems of `to`: not known). ROW: of a matrix, first match;
** _PASS: a guard that is unknown does not fire; NEXT: behind each matrix.
*/
typedef enum { IN_LIST_DENY, IN_LIST_DENY_PASS, IN_LIST_ROW, IN_LIST_ROW_PASS, IN_LIST_NEXT, IN_LIST_END,
               IN_LIST_OPS } in_list_op_t;

typedef struct {
  uint64_t ops, from, to;
  uint32_t kinds, crosses;        /* crosses: only from one system to another */
  uint32_t op, guard, outcome, reserved;
} in_pi_rule_t;

/* a placeholder's text for a direction, first whose guard holds */
typedef struct {
  uint32_t from, to, guard;
  uint32_t system;                /* whose title {system} is */
  in_ref_t text, link;
  uint32_t text_slot, reserved;   /* a fact that overrides the text, or IN_NIL */
} in_pi_text_t;

/* FACT: number is the slot */
typedef enum { IN_SET_FLAG, IN_SET_TEXT, IN_SET_NUMBER, IN_SET_NOW, IN_SET_FACT } in_set_kind_t;

/* where a recipient reads who is reached from a system, first whose guard holds */
typedef struct { uint32_t from, to, guard, unknown_passes; } in_pi_reading_t;

/* an escalation from a system to another: what is said, how long a meeting is used
   again, how long another request's is waited for (seconds); reasons where it fails */
typedef struct {
  uint32_t from, to;
  in_ref_t text, subject;
  uint32_t text_slot;             /* a fact that overrides the text, or IN_NIL */
  uint32_t window, wait;
  uint32_t no_meeting, no_link, not_told, busy;     /* REASONS */
  uint32_t reserved;
} in_pi_escalation_t;

/*
** What is set beside the verdict, in a request or in upstream's answer.
**   FROM   the member `member` is set to the slot's value
**   TEXT   ... to text
**   WITH   ... ends with text
**   CUT    elements of an answer that are older than the slot's time go
*/
typedef enum { IN_AMEND_FROM, IN_AMEND_TEXT, IN_AMEND_WITH, IN_AMEND_CUT, IN_AMEND_KINDS } in_amend_kind_t;

typedef struct {
  uint64_t ops, from, to;         /* bit sets, as in in_pi_rule_t */
  uint32_t crosses, kind, guard, unknown_passes;
  uint32_t slot, reason;          /* FROM, CUT: the fact; CUT: reason of one element that is asked for */
  in_ref_t member, text, rule;
} in_pi_amend_t;

/* what success writes to the store; bit sets, as in in_pi_rule_t: elsewhere the guard holds for nothing */
typedef struct {
  uint64_t ops, from, to;
  uint32_t guard, subject, field, kind;
  int64_t number;
  in_ref_t text;
} in_pi_effect_t;

/* a tenant's own rules: a hash table, in front of it a record whose `slot` is the
   fact that names the tenant, `list` what holds where that is not known */
typedef struct {
  uint64_t key;                   /* in_overlay_hash(id) */
  in_ref_t id;
  uint32_t list, slot;            /* list: index in LISTS; IN_NIL: the place is free */
} in_pi_overlay_t;

/*
** A script, and the events that it is asked about: bit sets, bit count-of-systems of
** `to`: not known. Budgets are 0 where the default holds.
*/
typedef struct {
  uint64_t ops, from, to;
  uint32_t crosses;               /* only from one system to another */
  uint32_t relax;                 /* the mildest verdict that it may relax to, or IN_NIL */
  in_ref_t name, file, text;
  in_ref_t tenant;                /* whose sender's events alone; empty: everybody's */
  interop_budget_t budget;
  uint32_t failures;              /* so many in a row set it aside; 0: the default */
  uint32_t final;                 /* in LISTS: the denials that it may not relax, or IN_NIL */
} in_pi_script_t;

/* of these requests to an API each system has a verdict of its own */
typedef struct { uint64_t ops; uint32_t api, reserved; } in_pi_fanout_t;

/* how the documentation of a system calls what is sent in it: word, its meaning */
#define IN_LABELS(X) \
  X(NAME,    "name")              /* the system itself, where its title is too long */ \
  X(EVENTS,  "events")            /* heading of the column of events */ \
  X(MESSAGE, "message")           /* a row: these operations, with messages of these kinds */ \
  X(ACTION,  "action")            /* the same, for what is done to messages */

typedef enum {
#define IN_X(name, text) IN_LABEL_##name,
  IN_LABELS(IN_X)
#undef IN_X
  IN_LABEL_COUNT
} in_label_t;

typedef struct {
  uint32_t system, label;
  in_ref_t text;
  uint32_t ops[2], kinds, reserved;       /* bit sets; ops: low half first */
} in_pi_label_t;

/* index in CELLS of the decision's root; systems = count of SYSTEMS, `to` == systems:
   it is not known where the recipient reads */
static inline size_t in_cell(uint32_t systems, uint32_t op, uint32_t kind, uint32_t from, uint32_t to) {
  return (((size_t) op * INTEROP_KIND_COUNT + kind) * systems + from) * (systems + 1) + to;
}

/* index in SHOWN: what the matrices make of a message that is read */
static inline size_t in_shown(uint32_t systems, uint32_t kind, uint32_t from, uint32_t to) {
  return ((size_t) kind * systems + from) * systems + to;
}

#endif
