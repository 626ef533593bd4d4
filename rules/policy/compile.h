/*
** compile.h -- what the stages of policy compilation hand to one another.
**
** vocab.c   statements -> vocabulary (systems, reasons, facts, toggles ...)
** slots.c   facts by their paths, and predicates, each once
** expr*.c   words of a guard -> typed expression over predicates
** table.c   decision tables, asked in guards
** policy.c  policy blocks -> rules
** escalation.c  what an escalation says
** fanout.c  of which requests each system has its own verdict
** atoms.c   predicates -> atoms (every fact's values sorted into classes)
** mdd.c     hash-consed decision diagrams and the operations on them
** order.c   the order in which diagrams ask atoms
** guard.c   guards -> diagrams
** scope.c   which rules each cell has
** lower.c   rules -> one diagram per cell, or a list where that would be too large
** script.c  scripts, and the denials that none may relax
** overlay.c rules of single tenants -> lists behind a hash table
** emit.c    all of it -> records of the image
** compile.c the order of all this
** Everything lives in one arena; the first error ends it.
*/
#ifndef IN_COMPILE_H
#define IN_COMPILE_H

#include "vocab.h"
#include "policy_image.h"

#define IN_MAX_SYSTEMS  62
#define IN_MAX_VALUES   62              /* of a `one of` */
#define IN_MAX_NOTICES  64              /* a judge keeps them in 64 bits */

/* growable array of type in an arena */
#define IN_VEC(type)  struct { type *at; uint32_t n, size; }
#define in_vec_push(arena, vec, item) \
  (in_vec_room((arena), (void **) &(vec)->at, (vec)->n, &(vec)->size, sizeof(*(vec)->at)) \
   ? ((vec)->at[(vec)->n] = (item), (vec)->n++, true) : false)
bool in_vec_room(in_arena_t *a, void **at, uint32_t n, uint32_t *size, size_t item);

typedef struct { in_span_t name, title, tier; in_place_t place; } in_system_t;
typedef struct { in_span_t name, message; uint32_t status; in_place_t place; bool used, final; } in_reason_t;
typedef struct { in_span_t name; uint32_t lost, verdicts; const in_stmt_t *when; uint32_t when_at;
                 in_place_t place; bool used; } in_notice_t;
typedef struct { in_span_t name; in_span_t *member; uint32_t count; in_place_t place; bool used; } in_set_t;

typedef struct {
  in_span_t name;
  interop_record_kind_t record;
  in_type_t type;
  bool ordered;                   /* ENUM: < and > may be used */
  in_span_t *value;               /* ENUM */
  uint32_t values;
  in_default_t def;
  int64_t def_number;             /* FLAG, NUMBER, TIME; ENUM: index */
  in_span_t def_text;
  in_place_t place;
} in_field_t;

typedef struct {
  in_span_t name;
  int field;                      /* toggles.NAME of the tenant: unset on off */
  const in_stmt_t *on_when;       /* `on when EXPR`, or NULL */
  uint32_t on_when_at;
  bool default_on;                /* without on_when */
  int because;                    /* reason of an off by default, or -1 */
  in_place_t place;
  bool used;
} in_toggle_t;

struct in_vocab_s {
  in_arena_t *arena;
  IN_VEC(in_system_t) systems;
  IN_VEC(in_reason_t) reasons;
  IN_VEC(in_notice_t) notices;
  IN_VEC(in_set_t) sets;
  IN_VEC(in_field_t) fields;
  IN_VEC(in_toggle_t) toggles;
};

/* reads every vocabulary statement of the list; others are left alone */
interop_status_t in_vocab_read(in_vocab_t *v, const in_stmt_t *stmts, interop_diag_t *diag);
bool in_vocab_owns(const in_stmt_t *stmt);      /* is it a vocabulary statement? */
int in_vocab_field(const in_vocab_t *v, interop_record_kind_t record, in_span_t name);
int in_vocab_toggle(const in_vocab_t *v, in_span_t name);
int in_vocab_set(const in_vocab_t *v, in_span_t name);
int in_field_value(const in_field_t *f, in_span_t name);   /* ENUM: index or -1 */

/* ---- predicates and expressions */

typedef enum { IN_P_EQ, IN_P_CMP, IN_P_KNOWN, IN_P_REGEX, IN_P_PREFIX, IN_P_SUFFIX, IN_P_HAS,
               IN_P_REL, IN_P_VERSION } in_pred_kind_t;

typedef enum { IN_CMP_LT = 1, IN_CMP_EQ = 2, IN_CMP_GT = 4 } in_cmp_t;    /* may be or-ed */

typedef struct {
  in_pred_kind_t kind;
  uint32_t slot, slot_b;          /* slot_b: REL, HAS; IN_NIL: constant */
  uint64_t values;                /* EQ on ENUM and FLAG: bit per value */
  in_span_t *text;                /* EQ on CODE */
  uint32_t texts;
  unsigned cmp;                   /* CMP, REL: in_cmp_t bits that make it true */
  int64_t number;                 /* CMP */
  in_place_t place;               /* where it stands first */
  /* after in_atoms_make: */
  uint32_t atom;
  uint64_t classes;               /* bit per class that makes it true */
} in_pred_t;

typedef struct { uint32_t subject, field; in_span_t name; in_type_t type; int vocab_field; } in_slot_t;

typedef enum { IN_E_FALSE, IN_E_TRUE, IN_E_AND, IN_E_OR, IN_E_NOT, IN_E_PRED, IN_E_STATIC } in_expr_kind_t;

typedef struct in_expr_s in_expr_t;
struct in_expr_s {
  in_expr_kind_t kind;
  in_expr_t *a, *b;               /* AND, OR: both; NOT: a */
  uint32_t pred;                  /* PRED */
  in_request_fact_t fact;         /* STATIC: OPERATION, KIND, FROM, TO */
  uint64_t values;                /* STATIC: bit per value that makes it true */
  /* guard.c: */
  bool looked;                    /* `varies` is known */
  uint32_t varies;                /* what of the cell it depends on: bit per fact */
  uint32_t diagram;               /* of one that depends on none: + 1, 0: not made yet */
};

typedef enum { IN_R_DENY, IN_R_ROW, IN_R_TEXT, IN_R_EFFECT, IN_R_READING, IN_R_AMEND } in_rule_kind_t;

typedef struct {
  in_rule_kind_t kind;
  uint32_t policy;
  uint64_t ops, kinds;            /* bit sets; the rule is for these alone */
  uint64_t from, to;              /* bit sets of systems; bit `systems` in to: not known */
  in_expr_t *when;                /* NULL: always */
  bool unknown_passes;            /* `unknown deliver`: a guard that is unknown does not fire */
  interop_verdict_t verdict;      /* ROW, DENY */
  int reason;
  uint32_t strip, reduce;
  uint32_t name_slot;             /* AMEND; IN_NIL: the name that is there */
  in_span_t name_suffix;
  uint32_t *notices, notice_count;
  in_span_t tag;                  /* "KT-5", or absent */
  in_place_t place;
  in_span_t name;                 /* "policy.KT-5" */
  in_pi_text_t text;              /* TEXT, before its strings are in the image */
  in_span_t text_text, text_link;
  in_pi_effect_t effect;          /* EFFECT */
  in_span_t effect_text;
  in_pi_reading_t reading;        /* READING */
  in_pi_amend_t amend;            /* AMEND */
  in_span_t amend_member, amend_text;
  uint32_t outcome;               /* index in OUTCOMES, DENY and ROW */
  bool decides;                   /* some cell's diagram has it as a leaf */
  bool applies;                   /* some cell has it in its list */
} in_rule_t;

typedef struct { in_pi_escalation_t rec; in_span_t text, subject; in_place_t place; } in_escalation_t;

typedef struct { in_pi_fanout_t rec; in_place_t place; } in_fanout_t;

typedef struct {
  in_span_t name, tenant;         /* tenant: whose policy it is; absent: everybody's */
  in_place_t place;
  uint64_t from, to;
  bool between;
  uint32_t a, b;
  uint64_t *matrix;               /* by `from`: the systems it has a matrix to; NULL: none */
} in_policy_t;

/* a script that a policy attaches; rec: all but its texts, and what is made later */
typedef struct {
  in_span_t name, file, text, tenant;
  in_pi_script_t rec;
  in_place_t place;
} in_script_t;

/* hash-consed diagram nodes: id of a leaf is its outcome */
typedef struct in_mdd_s in_mdd_t;

typedef struct in_compile_s in_compile_t;
struct in_compile_s {
  in_arena_t *arena;
  const interop_alloc_t *alloc;
  interop_diag_t *diag;
  void (*warn)(void *ctx, const interop_diag_t *d);
  void *warn_ctx;
  in_vocab_t vocab;
  const in_stmt_t *stmts;         /* all of the source */
  IN_VEC(in_slot_t) slots;
  IN_VEC(in_pred_t) preds;
  uint32_t *pred_table, pred_slots;     /* hash of preds: index + 1 */
  in_place_t line_place;                /* where in_line_of was last */
  unsigned line;
  IN_VEC(in_pi_atom_t) atoms;
  IN_VEC(in_policy_t) policies;
  IN_VEC(in_rule_t) rules;
  IN_VEC(in_policy_t) tenants;          /* policies of single tenants, and their rules: */
  IN_VEC(in_rule_t) tenant_rules;       /* .policy is an index in tenants */
  IN_VEC(in_pi_rule_t) lists;           /* guards are still diagrams' ids */
  IN_VEC(in_pi_overlay_t) overlays;
  IN_VEC(in_script_t) scripts;
  IN_VEC(in_rule_t) finals;             /* denials that scripts may not relax, their guards unfolded */
  uint32_t final_list;                  /* ... in lists, or IN_NIL */
  in_span_t *name_table;                /* names of policies */
  uint32_t name_slots, names;
  uint32_t tenant_pred;                 /* sender.tenant.id is known; IN_NIL: no tenant has rules */
  IN_VEC(in_pi_outcome_t) outcomes;
  IN_VEC(in_escalation_t) escalations;
  IN_VEC(in_fanout_t) fanouts;
  in_expr_t **notice_when;        /* guards of the notices, NULL: none */
  in_builder_t builder;
  in_mdd_t *mdd;
  uint32_t *cells;                /* roots: mdd ids */
  uint32_t cell_count;
  uint32_t *shown;                /* roots by in_shown */
  uint32_t shown_count;
  /* for tests with made-up policies: */
  bool dead_is_allowed;
  uint32_t cell_budget;                 /* 0: the usual one */
};

/* expr.c: parses tok[*at ...] of the statement up to a word it does not know;
** `tenant` in it means tenant_subject, `party` is only known inside any/every */
in_expr_t *in_expr_parse(in_compile_t *c, const in_stmt_t *s, uint32_t *at, int tenant_subject);
/* a toggle's state: which is one of the four below */
typedef enum { IN_TG_ON, IN_TG_OFF, IN_TG_OFF_EXPLICIT, IN_TG_OFF_DEFAULT } in_toggle_state_t;
/* `deny R when [...] toggle T is off` names a toggle with `because`: -1 or its index */
int in_expr_toggle_because(const in_compile_t *c, const in_stmt_t *s, uint32_t at);
/* while >= 0, "toggle T is off" of this toggle is read as the state given */
typedef struct { int toggle; in_toggle_state_t state; } in_toggle_view_t;
in_expr_t *in_expr_parse_view(in_compile_t *c, const in_stmt_t *s, uint32_t *at,
                              in_toggle_view_t view);
uint32_t in_slot_get(in_compile_t *c, in_subject_t subject, uint32_t field, in_span_t name,
                     in_type_t type, int vocab_field);
/* slot of a path such as "recipient.tenant.country", or IN_NIL with an error set */
uint32_t in_expr_slot(in_compile_t *c, const in_tok_t *tok, int tenant_subject);
interop_status_t in_nomem(in_compile_t *c);
unsigned in_line_of(in_compile_t *c, in_place_t place);     /* line number; cheap in source order */
/* a warning; its text is made by in_diag_at into *w, which the caller cleared */
void in_warn(const in_compile_t *c, const interop_diag_t *w);
/* the predicate's index, old or new; IN_NIL: no memory */
uint32_t in_pred_get(in_compile_t *c, const in_pred_t *p);

/* table.c */
in_expr_t *in_table_test(in_compile_t *c, const in_tok_t *name, const in_tok_t *result);
interop_status_t in_tables_check(in_compile_t *c);

/* script.c: from tok[at] on, what follows the file and the operations of `script NAME "FILE" ...;` */
bool in_script_read(in_compile_t *c, const in_stmt_t *s, uint32_t at, in_script_t *script);
/* when all rules are read, and before there are atoms: copies of the final denials */
interop_status_t in_scripts_finals(in_compile_t *c, bool (*unfold)(in_compile_t *c, in_expr_t *e));
/* when the rules are lowered: their list */
interop_status_t in_scripts_lower(in_compile_t *c);
void in_scripts_emit(in_compile_t *c);

/* policy.c */
interop_status_t in_policy_read(in_compile_t *c, const in_stmt_t *stmt);
/* operations from tok[*at] on */
bool in_policy_ops(in_compile_t *c, const in_stmt_t *s, uint32_t *at, uint64_t *ops);
/* fanout.c: one statement of a policy; that its API sends such things */
bool in_fanout_read(in_compile_t *c, const in_stmt_t *s, const in_policy_t *p);
interop_status_t in_fanouts_check(in_compile_t *c);
/* escalation.c: one block; every row that escalates has one, and an API that can */
bool in_escalation_read(in_compile_t *c, const in_stmt_t *s, uint32_t from, uint32_t to);
interop_status_t in_escalations_check(in_compile_t *c);
/* amendment.c: what a row of `amend` says, up to its guard; that some API has what it sets */
bool in_amend_read(in_compile_t *c, const in_stmt_t *s, in_rule_t *r);
interop_status_t in_amends_check(in_compile_t *c);
/* atoms.c */
interop_status_t in_atoms_make(in_compile_t *c);
/* mdd.c, lower.c, emit.c: see there */
interop_status_t in_policy_lower(in_compile_t *c);
uint32_t in_guard_mdd(in_compile_t *c, in_expr_t *e);   /* a guard as a diagram */
/* bit per value of that fact of the request (operation, system) with which a guard may hold */
uint64_t in_guard_values(const in_compile_t *c, const in_expr_t *e, in_request_fact_t fact);
/* a rule's guard, which asks nothing of the cell, within its budget */
uint32_t in_rule_guard(in_compile_t *c, in_rule_t *r);
bool in_rule_outcome(in_compile_t *c, in_rule_t *r);
/* overlay.c: the rules of single tenants to lists */
interop_status_t in_overlays_make(in_compile_t *c);
interop_status_t in_emit(in_compile_t *c, void **image, size_t *size);

/* sizes of all records, for the container */
extern const uint32_t in_record_size[IN_SECTION_COUNT];
interop_status_t in_policy_verify(const in_image_t *img, const interop_alloc_t *alloc,
                                  interop_diag_t *diag);


/* compile.c: everything up to the emission, for interop_compile_file and for
** tests that compare the source with the image. c->arena, alloc, diag, warn are
** set by the caller, who frees the arena and c->builder. */
interop_status_t in_compile_source(in_compile_t *c, const in_stmt_t *stmts);

#endif
