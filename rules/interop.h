/*
** interop.h -- the library's only public header.
**
** The library judges one chat API request: which operation it is, what it
** carries, whether tenant policy lets it through and in which form. It does no
** I/O but what interop_store_* and interop_compile_file say, starts no thread,
** never prints, never exits, reads no environment and keeps no global state.
**
** Strings are spans {p, n}: not NUL-terminated, NUL is legal inside; p == NULL
** means absent. Times are seconds since 1970-01-01T00:00:00Z. Sizes are bytes.
** Every function that can fail returns an interop_status_t; what is wrong with
** a source, a record or a file is told in a caller-owned interop_diag_t.
** One handle is for one thread at a time, but for interop_policy_t, which is
** read-only after loading and may be shared by threads and by fork.
*/
#ifndef INTEROP_H
#define INTEROP_H

#include <stddef.h>
#include <stdint.h>
#include "interop_lists.h"

#if defined(__GNUC__)
#define INTEROP_API  __attribute__((visibility("default")))
#else
#define INTEROP_API
#endif

typedef struct { const char *p; size_t n; } interop_span_t;

/* ------------------------------------------------------------- status */

/* name, value on the command line, what it means */
#define INTEROP_STATUSES(X) \
  X(OK,          "ok")           /* done */ \
  X(AGAIN,       "again")        /* a fact must be fetched first: interop_judge_fetch */ \
  X(MISSING,     "missing")      /* there is no such record; not an error by itself */ \
  X(NOMEM,       "out of memory") \
  X(SYNTAX,      "not valid")    /* source, record or body cannot be read: see the diagnostic */ \
  X(DAMAGED,     "damaged")      /* image or store fails its checks */ \
  X(FULL,        "full")         /* the store's size limit is reached */ \
  X(UNAVAILABLE, "unavailable")  /* the store cannot be used now */ \
  X(IO,          "i/o error")    /* see the diagnostic */ \
  X(USAGE,       "wrong use")    /* the call's arguments do not fit */

typedef enum {
#define INTEROP_X(name, text) INTEROP_##name,
  INTEROP_STATUSES(INTEROP_X)
#undef INTEROP_X
  INTEROP_STATUS_COUNT
} interop_status_t;

/* names of the closed lists, see interop_lists.h */
INTEROP_API const char *interop_verdict_name(interop_verdict_t v);
INTEROP_API const char *interop_operation_name(interop_operation_t op);
INTEROP_API const char *interop_kind_name(interop_kind_t k);
INTEROP_API const char *interop_feature_name(interop_feature_t f);
INTEROP_API const char *interop_record_kind_name(interop_record_kind_t k);
INTEROP_API const char *interop_status_name(interop_status_t s);

/* ------------------------------------------------------------- memory */

/*
** One function does it all, as in Lua: ptr == NULL allocates nsize bytes,
** nsize == 0 frees, else resizes; osize is the old size. NULL = no memory, and
** the old block is then untouched. Blocks are aligned for any type.
*/
typedef struct {
  void *(*resize)(void *ctx, void *ptr, size_t osize, size_t nsize);
  void *ctx;
} interop_alloc_t;

INTEROP_API extern const interop_alloc_t interop_alloc_libc;  /* realloc and free */

/* --------------------------------------------------------- diagnostics */

#define INTEROP_DIAG_MAX  1024

/*
** What is wrong, for people. Whoever takes one clears it first: the caller need
** not. text is NUL-terminated, cut at the end if need be, and, where a place is
** known, has the form
**   FILE:LINE:COLUMN: MESSAGE\n  SOURCE LINE\n  ^~~~\n  hint: ...
*/
typedef struct {
  interop_status_t status;
  unsigned line, column;          /* from 1; 0 = no place */
  char text[INTEROP_DIAG_MAX];
} interop_diag_t;

/* -------------------------------------------------------------- policy */

/* A loaded, verified image: rules, tables and API definitions. Read-only. */
typedef struct interop_policy_s interop_policy_t;

/*
** Compiles the file, or every *.rules below the directory in name order, into
** an image: one block from alloc of *size bytes, owned by the caller.
** SYNTAX, IO, NOMEM; the diagnostic holds the first error. Warnings (dead or
** shadowed rows are errors, a cell over its node budget is a warning) go to
** warn, which may be NULL.
*/
INTEROP_API interop_status_t interop_compile_file(const char *path,
    const interop_alloc_t *alloc, void **image, size_t *size,
    void (*warn)(void *ctx, const interop_diag_t *d), void *ctx, interop_diag_t *diag);

/*
** Loads an image of size bytes, 8-byte aligned, which must stay as it is and
** where it is as long as the policy lives. Every offset is checked: whatever
** is accepted can be evaluated without fault. DAMAGED, NOMEM.
*/
INTEROP_API interop_status_t interop_policy_load(const void *image, size_t size,
    const interop_alloc_t *alloc, interop_policy_t **policy, interop_diag_t *diag);
INTEROP_API void interop_policy_free(interop_policy_t *policy);

/* hex of the image's checksum: 16 characters */
INTEROP_API interop_span_t interop_policy_revision(const interop_policy_t *policy);
/* index of an API by its name, or -1 */
INTEROP_API int interop_policy_api(const interop_policy_t *policy, interop_span_t name);
/* index of a system by its name, or -1 */
INTEROP_API int interop_policy_system(const interop_policy_t *policy, interop_span_t name);
/* index of a declared fact that a configuration may bind ("client.country"), or -1 */
INTEROP_API int interop_policy_bindable(interop_span_t name);

/* --------------------------------------------------------------- facts */

/*
** Where records come from. lookup finds the record of a kind by its id or one
** of its aliases; for MESSAGE the key is "{conversation id}\n{id}".
** The record (packed, see interop_record_get) must stay valid until the next
** lookup through the same source. OK, MISSING, or UNAVAILABLE (the request is
** then answered 503).
*/
typedef struct interop_view_s interop_view_t;   /* a store's snapshot, see below */
typedef struct interop_memo_s interop_memo_t;

typedef struct {
  interop_status_t (*lookup)(void *ctx, interop_record_kind_t kind,
                             interop_span_t key, interop_span_t *record);
  void *ctx;
  /*
  ** Both or none (NULL). snapshot gives the view to judge by, the same one until
  ** interop_judge_run or interop_judge_answer returns, or NULL: there is no store.
  ** Records of kinds TENANT, USER and CONVERSATION are then looked for in it, by way
  ** of the memo, and lookup is asked only for what it has not. OK, UNAVAILABLE, NOMEM.
  */
  interop_memo_t *memo;
  interop_status_t (*snapshot)(void *ctx, interop_view_t **view);
  /* For interop_judge_step alone, NULL else: records of what the edge itself has
  ** under way, seen by all workers. If `old` (absent: none) is what stands under
  ** key, it becomes `record` at one stroke: OK. Else AGAIN, and *there is what
  ** stands there. A record may be forgotten; NOMEM, UNAVAILABLE: not kept. */
  interop_status_t (*swap)(void *ctx, interop_span_t key, interop_span_t old,
                           interop_span_t record, interop_span_t *there);
} interop_source_t;

/*
** What a worker remembers of records that it has judged by: at most size bytes
** (0: 8 MiB) from alloc. It is asked for each record before the store is, and
** gives one out only while the store's snapshot still has it. One thread's; for
** judges by this policy, others pass it by. The policy must outlive it, and it
** the judges that were run with it. NOMEM.
*/
INTEROP_API interop_status_t interop_memo_new(const interop_policy_t *policy, size_t size,
    const interop_alloc_t *alloc, interop_memo_t **memo);
INTEROP_API void interop_memo_free(interop_memo_t *memo);

typedef enum { INTEROP_T_NULL, INTEROP_T_FLAG, INTEROP_T_NUMBER, INTEROP_T_TEXT,
               INTEROP_T_LIST } interop_type_t;

/*
** One field's value. NUMBER and FLAG in number; TEXT in text; LIST as count
** items, read with interop_value_item. A list item is a text, with an
** optional second text (participants: user and the time of joining).
*/
typedef struct {
  interop_type_t type;
  int64_t number;
  interop_span_t text;            /* LIST: the packed items */
  uint32_t count;
} interop_value_t;

INTEROP_API interop_status_t interop_record_get(interop_span_t record,
    interop_span_t field, interop_value_t *value);
/* false at the end; *at starts at 0 and is advanced */
INTEROP_API int interop_value_item(const interop_value_t *value, size_t *at,
    interop_span_t *item, interop_span_t *second);

/*
** A JSON object, as `interopctl import` takes one line of it but without its
** kind, as a packed record from alloc of record->n bytes. It must have an id.
** SYNTAX (the diagnostic says what and where), NOMEM.
*/
INTEROP_API interop_status_t interop_record_parse(interop_span_t json,
    const interop_alloc_t *alloc, interop_span_t *record, interop_diag_t *diag);

#define INTEROP_ITEMS_ADD   1
#define INTEROP_ITEMS_DROP  2

/* A change that a request causes when upstream has said 2xx. */
typedef struct {
  interop_record_kind_t kind;
  interop_span_t key;             /* record id, or "{conversation id}\n{id}" */
  interop_span_t field;
  interop_value_t value;          /* LIST: text holds packed items */
  unsigned create;                /* 1: the record may be new; 0: only if it exists */
  unsigned items;                 /* LIST: 0: the value is the list, INTEROP_ITEMS_ADD: its items are put
                                     into the list (each once, its second text stays), _DROP: taken out */
  unsigned made_of;               /* > 0: this effect and those behind it, so many in all, make the record
                                     `made` where there is none; a merge would make the same */
  interop_span_t made;
} interop_effect_t;

/* --------------------------------------------------------------- store */

typedef struct interop_store_s interop_store_t;

/*
** Opens or creates (create != 0) the LMDB environment at path (a directory) of
** at most size bytes (0: as it is, or 1 GiB). Any number of processes may hold
** it open. MISSING, DAMAGED, IO, NOMEM.
*/
INTEROP_API interop_status_t interop_store_open(const char *path, size_t size,
    int create, const interop_alloc_t *alloc, interop_store_t **store, interop_diag_t *diag);
INTEROP_API void interop_store_close(interop_store_t *store);

/*
** A read view: a snapshot, usable as an interop_source_t (ctx = the view). One
** per thread and store at a time; begin/end cost no system call after the first.
*/
INTEROP_API interop_status_t interop_view_begin(interop_store_t *store, interop_view_t **view);
INTEROP_API void interop_view_end(interop_view_t *view);
INTEROP_API interop_status_t interop_view_lookup(void *view, interop_record_kind_t kind,
    interop_span_t key, interop_span_t *record);

/*
** Writes effects of kinds TENANT, USER, CONVERSATION in one transaction (others
** are passed over); durable when it returns. May block on the disk: never call
** it in an event loop. FULL, IO, NOMEM, DAMAGED.
*/
INTEROP_API interop_status_t interop_store_apply(interop_store_t *store,
    const interop_effect_t *effects, size_t count, interop_diag_t *diag);

/*
** Merges effects of one record into old (may be empty) and gives the packed
** new record in *record, allocated from alloc with size record->n. For keeping
** MESSAGE and CALL records elsewhere.
*/
INTEROP_API interop_status_t interop_record_merge(interop_span_t old,
    const interop_effect_t *effects, size_t count, const interop_alloc_t *alloc,
    interop_span_t *record);

/* ------------------------------------------------------------- scripts */

/*
** Scripts of admins, in a language that the library does not know: an extension
** is a shared object that exports interop_extension (INTEROP_EXTENSION_ENTRY)
** and whoever has the library opens it: dlopen with RTLD_NOW, RTLD_LOCAL and, so
** that another copy of the language in the process is not taken for its own,
** RTLD_DEEPBIND. It calls the library only through interop_services_t.
*/
#define INTEROP_EXTENSION_VERSION  1u
#define INTEROP_EXTENSION_ENTRY    "interop_extension"

/* what a script may give: name, word in scripts, the verdict that it asks for (DELIVER for
** those that ask for none), may have a text, must have one */
#define INTEROP_SCRIPT_ACTIONS(X) \
  X(DELIVER, "deliver", DELIVER, 0, 0) X(PLAIN_TEXT, "plain_text", PLAIN_TEXT, 0, 0) \
  X(REPLACE_TEXT, "replace_text", PLAIN_TEXT, 1, 1)     /* another text in its place */ \
  X(PLACEHOLDER, "placeholder", PLACEHOLDER, 1, 0)      /* the policy's text, or this */ \
  X(DROP, "drop", DROP, 0, 0) X(DENY, "deny", DENY, 1, 1)       /* a reason, and in second a message */ \
  X(NOTICE, "notice", DELIVER, 1, 1)                    /* a declared notice */ \
  X(SET_HEADER, "set_header", DELIVER, 1, 1)            /* a request header, in second its value */
typedef enum {
#define INTEROP_X(name, text, verdict, may, must) INTEROP_SA_##name,
  INTEROP_SCRIPT_ACTIONS(INTEROP_X)
#undef INTEROP_X
  INTEROP_SCRIPT_ACTION_COUNT
} interop_script_action_kind_t;

typedef struct {
  interop_script_action_kind_t kind;
  interop_span_t first, second;   /* absent: not given */
} interop_script_action_t;

/* fields of an event that are no records': name, path in scripts; lua/REFERENCE.md tells them */
#define INTEROP_EVENT_FIELDS(X) \
  X(OPERATION, "event.operation") X(KIND, "event.kind") X(API, "event.api") X(SYSTEM, "event.system") \
  X(TEXT, "event.text")           /* plain text; made when it is touched */ \
  X(CARD, "event.card") X(TIME, "event.time") X(COUNTRY, "event.client.country") \
  X(AGENT, "event.client.agent") X(VERDICT, "verdict.name") X(RULE, "verdict.rule") X(REASON, "verdict.reason")
typedef enum {
#define INTEROP_X(name, text) INTEROP_EV_##name,
  INTEROP_EVENT_FIELDS(INTEROP_X)
#undef INTEROP_X
  INTEROP_EVENT_FIELD_COUNT
} interop_event_field_t;

/* whose facts a script may ask for: name, path in scripts; TENANT: the sender's */
#define INTEROP_SCRIPT_SUBJECTS(X) \
  X(SENDER, "event.sender") X(TENANT, "event.tenant") X(RECIPIENT, "event.recipients") \
  X(CONVERSATION, "event.conversation") X(MESSAGE, "event.message") X(FEATURES, "event.features")
typedef enum {
#define INTEROP_X(name, text) INTEROP_SS_##name,
  INTEROP_SCRIPT_SUBJECTS(INTEROP_X)
#undef INTEROP_X
  INTEROP_SCRIPT_SUBJECT_COUNT
} interop_script_subject_t;

typedef struct interop_regex_s interop_regex_t;
typedef struct interop_json_s interop_json_t;
/* a value of JSON, in the order of the text: an array's or object's count values follow it
   (an object's members as text and value) */
typedef enum { INTEROP_J_NULL, INTEROP_J_FALSE, INTEROP_J_TRUE, INTEROP_J_NUMBER, INTEROP_J_TEXT,
               INTEROP_J_ARRAY, INTEROP_J_OBJECT } interop_json_kind_t;
typedef struct { interop_json_kind_t kind; interop_span_t text; size_t count; } interop_json_value_t;

#define INTEROP_REGEX_GROUPS  16u        /* the match and what its groups caught, at most */

/*
** What an extension may ask of the library. ctx is what interop_extension_t.run
** was given. None of these calls back but `go_on`, which must not leave by a jump.
*/
typedef struct {
  interop_status_t (*field)(void *ctx, interop_event_field_t field, interop_value_t *value);
  /* a fact of a record, NULL: not known. MISSING: no such fact is declared; USAGE: but some
     whose names begin so ("toggles"). Of RECIPIENT: number from 0. Of FEATURES: a FLAG. Any
     other status ends the call */
  interop_status_t (*fact)(void *ctx, interop_script_subject_t of, uint32_t number,
                           interop_span_t name, interop_value_t *value);
  uint32_t (*recipients)(void *ctx);
  int (*item)(const interop_value_t *list, size_t *at, interop_span_t *item, interop_span_t *second);
  void (*log)(void *ctx, interop_span_t line);
  /* adds `by` (0: asks only) to the script's and tenant's counter, which a first addition
     starts, to end after ttl seconds. UNAVAILABLE: there are no counters */
  interop_status_t (*count)(void *ctx, interop_span_t name, int64_t by, uint32_t ttl, int64_t *value);

  /* SYNTAX: why says what is wrong with the pattern, at which byte */
  interop_status_t (*regex_new)(interop_span_t pattern, const interop_alloc_t *alloc,
                                interop_regex_t **regex, size_t *size, char *why, size_t why_size);
  void (*regex_free)(interop_regex_t *regex);
  /* MISSING: no match; FULL: it would cost too much, or go_on said so. spans has room
     for INTEROP_REGEX_GROUPS pairs of offsets; ~0: a group that caught nothing */
  interop_status_t (*regex_match)(interop_regex_t *regex, interop_span_t text, size_t from,
                                  int (*go_on)(void *arg), void *arg, size_t *spans, uint32_t *groups);

  interop_status_t (*json_open)(interop_span_t text, const interop_alloc_t *alloc, interop_json_t **json,
                                char *why, size_t why_size);
  int (*json_next)(interop_json_t *json, interop_json_value_t *value);    /* 0: that was all */
  void (*json_close)(interop_json_t *json);
} interop_services_t;

/* name, default, smallest, largest */
#define INTEROP_BUDGETS(X) \
  X(instructions,  100000, 1000,  10000000)   /* of the language */ \
  X(memory,       1048576, 65536, 67108864)   /* bytes: all that it holds */ \
  X(microseconds,    5000, 100,   1000000)    /* wall time */ \
  X(output,         65536, 256,   1048576)    /* bytes of what it gives and logs */

typedef struct {
#define INTEROP_X(name, usual, least, most) uint32_t name;
  INTEROP_BUDGETS(INTEROP_X)
#undef INTEROP_X
} interop_budget_t;

typedef struct {
  interop_span_t name;            /* "quota" */
  interop_span_t file;            /* for diagnostics */
  interop_span_t text;
  interop_budget_t budget;        /* 0: the default */
  unsigned exact:1;               /* count every instruction: for tools, it is slower */
} interop_script_source_t;

/* how a call ended; ERROR: the script's own; RESULT: it returned what is none of the actions */
typedef enum { INTEROP_SE_DONE, INTEROP_SE_ERROR, INTEROP_SE_INSTRUCTIONS, INTEROP_SE_MEMORY, INTEROP_SE_TIME,
               INTEROP_SE_OUTPUT, INTEROP_SE_RESULT } interop_script_end_t;

#define INTEROP_SCRIPT_GIVES  16u        /* actions of one call, at most */

/* spans live until the script is run again or freed */
typedef struct {
  interop_script_end_t end;
  interop_script_action_t action[INTEROP_SCRIPT_GIVES];
  uint32_t actions;
  interop_span_t error;           /* "FILE:LINE: what"; absent if done */
  uint64_t instructions, nanoseconds;
  size_t memory;                  /* the most that it held */
} interop_script_result_t;

typedef struct interop_script_s interop_script_t;
typedef struct {
  uint32_t version;               /* INTEROP_EXTENSION_VERSION */
  const char *language;           /* "Lua 5.4" */
  /* compiles, and runs what is to be run once. SYNTAX (diag: FILE:LINE: what, the line), NOMEM,
     UNAVAILABLE (the language is not the one that it should be). The source need not stay */
  interop_status_t (*load)(const interop_script_source_t *source, const interop_services_t *services,
                           const interop_alloc_t *alloc, interop_script_t **script, interop_diag_t *diag);
  /* one event, within the budget. OK: see result, also where it failed; else what a service
     said (AGAIN, UNAVAILABLE, NOMEM): nothing is decided. What it gives depends on nothing but
     what the services told it, in the order of its questions: it may not be run where that is known */
  interop_status_t (*run)(interop_script_t *script, void *ctx, interop_script_result_t *result);
  void (*free)(interop_script_t *script);
} interop_extension_t;
typedef const interop_extension_t *(*interop_extension_fn)(void);

/* ---- the scripts of a policy, loaded: one set per process that judges */

typedef struct interop_scripts_s interop_scripts_t;
/* what a script needs of whoever runs the judge; each may be NULL */
typedef struct {
  void (*log)(void *ctx, int error, interop_span_t script, interop_span_t line);
  /* as interop_services_t.count. owner: the tenant whose it is, who may not take others' room */
  interop_status_t (*count)(void *ctx, interop_span_t owner, interop_span_t key, int64_t by, uint32_t ttl, int64_t *value);
  void *ctx;
} interop_script_env_t;

/* what scripts did to the policy's verdict; REFUSED: would have relaxed more than they may */
#define INTEROP_SCRIPT_DEEDS(X) \
  X(KEPT, "kept") X(TIGHTENED, "tightened") X(RELAXED, "relaxed") X(REFUSED, "refused") X(FAILED, "failed")
typedef enum {
#define INTEROP_X(name, text) INTEROP_SD_##name,
  INTEROP_SCRIPT_DEEDS(INTEROP_X)
#undef INTEROP_X
  INTEROP_SCRIPT_DEED_COUNT
} interop_script_did_t;

typedef struct {
  interop_span_t name;
  uint64_t runs, did[INTEROP_SCRIPT_DEED_COUNT];
  unsigned set_aside:1;           /* failed too often in a row: not run any more */
} interop_script_stat_t;

INTEROP_API const char *interop_script_did_name(interop_script_did_t did);

/* how many a policy attaches; without them no extension is needed */
INTEROP_API size_t interop_policy_scripts(const interop_policy_t *policy);
/*
** Loads all of a policy's scripts; the policy and the extension must outlive the
** set. What extension_t.load says; the diagnostic has the script's file and line.
*/
INTEROP_API interop_status_t interop_scripts_new(const interop_policy_t *policy,
    const interop_extension_t *extension, const interop_alloc_t *alloc,
    interop_scripts_t **scripts, interop_diag_t *diag);
/* one more, that a configuration attaches: its number for interop_request_t.script */
INTEROP_API interop_status_t interop_scripts_add(interop_scripts_t *scripts,
    const interop_script_source_t *source, unsigned *number, interop_diag_t *diag);
/* how often a script has failed: two words that any process may change at any time */
typedef struct { uint32_t row, aside; } interop_script_health_t;
/*
** Where all processes count failures, each for its own set: one for each script,
** zeroed, in memory that they share. Before they part; without it each counts for itself
*/
INTEROP_API void interop_scripts_share(interop_scripts_t *scripts, interop_script_health_t *health);
INTEROP_API void interop_scripts_free(interop_scripts_t *scripts);
INTEROP_API size_t interop_scripts_count(const interop_scripts_t *scripts);
INTEROP_API void interop_scripts_stat(const interop_scripts_t *scripts, size_t i, interop_script_stat_t *stat);

/* --------------------------------------------------------------- judge */

/* One request's way through match, normalise, decide and apply. */
typedef struct interop_judge_s interop_judge_t;

typedef struct {
  interop_span_t method;          /* "POST" */
  interop_span_t target;          /* as on the request line: path and query, undecoded */
} interop_target_t;

typedef struct {
  interop_span_t content_type, content_encoding;   /* header values or absent */
  interop_span_t body;            /* absent or empty: none */
  interop_span_t sender, tenant;  /* raw ids as bound by the configuration */
  interop_span_t client_country, client_agent;
  interop_span_t asks;            /* header Interop-Escalate, or absent */
  interop_span_t request_id;      /* absent: asked for when an answer needs it */
  interop_span_t (*make_request_id)(void *ctx);   /* may be NULL */
  void *make_ctx;
  int64_t now;
  interop_scripts_t *scripts;     /* NULL: what the policy's scripts would say is not known */
  unsigned script;                /* one more that runs: its number from interop_scripts_add; 0: none */
  const interop_script_env_t *script_env;         /* may be NULL: no log, no counters */
  unsigned native:1;              /* interop_leg native */
  unsigned too_large:1;           /* the body is over the limit and was not read */
} interop_request_t;

/* what interop_judge_match found */
typedef enum {
  INTEROP_M_OUTSIDE,              /* no guarded path: pass it, body unread */
  INTEROP_M_PLAIN,                /* under policy, the body need not be read */
  INTEROP_M_BODY,                 /* under policy, the whole body is needed */
  INTEROP_M_REFUSED               /* 404 or 400: run the judge, it has the answer */
} interop_match_t;

/* what to do with the request */
typedef enum {
  INTEROP_A_FORWARD,
  INTEROP_A_ANSWER,
  INTEROP_A_STEPS                 /* make what interop_judge_step asks for, then it is ANSWER */
} interop_action_t;

/* All spans live as long as the judge. */
typedef struct {
  interop_verdict_t verdict;      /* the request's own: on a native leg deliver, amend or deny */
  interop_action_t action;
  interop_span_t reason, rule, message;
  interop_span_t verdict_header;  /* value of Interop-Verdict (RFC 9651 item); absent: none */
  interop_span_t notice_header;   /* value of Interop-Notice; absent: none */
  interop_span_t cross_header;    /* request header Interop-Cross; absent: none */
  interop_span_t recipients_header;       /* request and response header Interop-Recipients; absent: none */
  interop_span_t receipt;         /* "formatting=2 link=1" */
  interop_span_t system;          /* the system that should get it */
  interop_span_t tenant, sender;  /* ids of the store */
  interop_operation_t operation;
  interop_kind_t kind;

  /* FORWARD: what changed; absent span = as it came */
  interop_span_t method, target, content_type;
  interop_span_t body;            /* valid if body_changed */
  unsigned body_changed:1;
  unsigned crosses:1;             /* some recipient reads in another system */

  /* ANSWER */
  unsigned status;
  interop_span_t answer_type, answer_body;   /* absent: no body */
  interop_span_t meeting;         /* value of Interop-Meeting: where to join; absent: none */
  interop_span_t retry, sign_in;  /* values of Retry-After and WWW-Authenticate; absent: none */

  /* the answer's side: what interop_judge_answer wants */
  unsigned wants_answer:1;        /* call it with upstream's status */
  unsigned wants_answer_body:1;   /* ... and whole body, before the client gets anything */
  unsigned retry_after:1;         /* ANSWER 503: store not available */
  unsigned reads_answer:1;        /* with wants_answer_body: the answer is for this reader alone once it
                                     was judged: whole, not compressed, or not at all */

  /* what scripts made of it; script absent: none was asked */
  interop_span_t script;          /* the one that changed the verdict, else that failed or was refused, else the last */
  interop_script_did_t script_did;
  interop_span_t script_error;    /* why it failed, or what it was refused */
  interop_verdict_t policy_verdict;       /* before them */
  interop_span_t policy_rule, policy_reason;
  uint64_t script_instructions;   /* of all that were asked */
  size_t script_memory;           /* the most of any */
  const interop_script_action_t *headers; /* FORWARD: request headers that a script sets */
  size_t header_count;

  /* MESSAGE and CALL records learnt on the way (a fetched original): keep them
     at once, whatever becomes of the request */
  const interop_effect_t *effects;
  size_t effect_count;
} interop_plan_t;

typedef struct {
  unsigned status;                /* 0: as it came */
  unsigned body_changed:1;
  unsigned refused:1;             /* the body is the edge's own, an error */
  interop_span_t content_type, body;   /* if body_changed */
  const interop_effect_t *effects;     /* to be made durable before the client hears */
  size_t effect_count;
} interop_answer_t;

/*
** Starts a judge for one request to API number api. Everything it needs comes
** from alloc and is given back by interop_judge_free (an arena whose resize
** ignores frees will do). The target's bytes must outlive the judge.
*/
INTEROP_API interop_status_t interop_judge_new(const interop_policy_t *policy, int api,
    const interop_target_t *target, const interop_alloc_t *alloc,
    interop_judge_t **judge, interop_match_t *match);
INTEROP_API void interop_judge_free(interop_judge_t *judge);

#define INTEROP_FETCHES_MAX  24   /* how often one judge says AGAIN, at most */

/*
** Judges. The request's spans must outlive the judge. OK: the plan is ready.
** AGAIN: a fact is to be fetched first, see interop_judge_fetch; then call run
** again with the same request. NOMEM. A store that is UNAVAILABLE gives OK and
** a plan that answers 503.
*/
INTEROP_API interop_status_t interop_judge_run(interop_judge_t *judge,
    const interop_request_t *request, const interop_source_t *source);

/* After AGAIN: the request to make to upstream with the client's credentials. */
INTEROP_API interop_target_t interop_judge_fetch(const interop_judge_t *judge);
/* Its answer; status 0: it failed, the fact stays missing. */
INTEROP_API interop_status_t interop_judge_fetched(interop_judge_t *judge,
    unsigned status, interop_span_t body);

/* a request that the edge makes itself, with the client's credentials */
typedef struct {
  const char *name;               /* "meeting", "link": for logs */
  interop_span_t system;          /* to which it goes */
  interop_span_t method, target, content_type, body;
} interop_step_t;

/*
** While the plan's action is STEPS. clock: milliseconds, the same for all
** workers. OK: make *step, then call interop_judge_stepped, then this again.
** AGAIN: another request is about the same; call again in a tenth of a second.
** MISSING: nothing is left to be made, the plan's action is now ANSWER (of a
** batch, FORWARD where items of it go on). NOMEM.
** Whoever makes steps calls interop_judge_renew every few seconds, and
** interop_judge_release if it gives up before MISSING.
*/
INTEROP_API interop_status_t interop_judge_step(interop_judge_t *judge,
    const interop_source_t *source, int64_t clock, interop_step_t *step);
/* Its answer; status 0: none came, body absent: it cannot be read or is not upstream's own. */
INTEROP_API interop_status_t interop_judge_stepped(interop_judge_t *judge,
    const interop_source_t *source, int64_t clock, unsigned status,
    interop_span_t content_type, interop_span_t body);
/* Before interop_judge_stepped: its answer's headers Retry-After and WWW-Authenticate; absent:
   none. A failure that is handed on takes them along. */
INTEROP_API void interop_judge_step_headers(interop_judge_t *judge, interop_span_t retry,
    interop_span_t sign_in);
INTEROP_API void interop_judge_renew(interop_judge_t *judge,
    const interop_source_t *source, int64_t clock);
INTEROP_API void interop_judge_release(interop_judge_t *judge, const interop_source_t *source);

INTEROP_API const interop_plan_t *interop_judge_plan(const interop_judge_t *judge);
/*
** The plan of the i-th of several requests in one (0 is the first), in their
** order; NULL: there are no more, or the request is no batch. For counting and
** telling only: the judge's own plan holds what is to be done. One that is under
** no policy has no verdict_header.
*/
INTEROP_API const interop_plan_t *interop_judge_item(const interop_judge_t *judge, size_t i);

/* Before interop_judge_answer: the answer's header Location, if it has one. */
INTEROP_API void interop_judge_location(interop_judge_t *judge, interop_span_t location);

/*
** What was judged and by which facts, as one JSON object without line breaks, for
** an audit log: behind an interop_judge_run that gave OK, while its source is
** still there. No content is in it. *json lives as long as the judge. NOMEM.
*/
INTEROP_API interop_status_t interop_judge_audit(interop_judge_t *judge, interop_span_t *json);

/*
** Upstream's answer to a forwarded request. body.p == NULL: it could not be
** read (too large, compressed); empty: there is none. *answer lives as long as
** the judge; the effects are already in the form interop_store_apply takes. The
** plan's verdict and headers are those of the answer from then on. Records are
** looked up through the source that interop_judge_run was given.
*/
INTEROP_API interop_status_t interop_judge_answer(interop_judge_t *judge,
    unsigned status, interop_span_t body, interop_answer_t *answer);

/* Name of an API's system, for interop_system when nothing was judged. */
INTEROP_API interop_span_t interop_policy_api_system(const interop_policy_t *policy, int api);

#endif
