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

/* ------------------------------------------------- the closed lists */

/* ORDER: from mildest to strictest (behaviour section 1) */
#define INTEROP_VERDICTS(X) \
  X(DELIVER,     "deliver")      /* the request, byte for byte */ \
  X(AMEND,       "amend")        /* single members set */ \
  X(STRIP,       "strip")        /* named features removed, the rest in its own format */ \
  X(PLAIN_TEXT,  "plain_text")   /* content reduced to plain text */ \
  X(AS_REPLY,    "as_reply")     /* a new message that replies to the original */ \
  X(PLACEHOLDER, "placeholder")  /* "Unsupported message. Open it in ..." */ \
  X(DROP,        "drop")         /* nothing goes upstream, the client is told success */ \
  X(ESCALATE,    "escalate")     /* a meeting instead */ \
  X(DENY,        "deny")         /* refused in the API's own error form */

typedef enum {
#define INTEROP_X(name, text) INTEROP_V_##name,
  INTEROP_VERDICTS(INTEROP_X)
#undef INTEROP_X
  INTEROP_VERDICT_COUNT
} interop_verdict_t;

#define INTEROP_OPERATIONS(X) \
  X(CONVERSATION_CREATE, "conversation.create") X(CONVERSATION_UPDATE, "conversation.update") \
  X(CONVERSATION_DELETE, "conversation.delete") X(CONVERSATION_GET, "conversation.get") \
  X(CONVERSATION_LIST, "conversation.list") \
  X(PARTICIPANT_ADD, "participant.add") X(PARTICIPANT_REMOVE, "participant.remove") \
  X(PARTICIPANT_LIST, "participant.list") \
  X(MESSAGE_SEND, "message.send") X(MESSAGE_REPLY, "message.reply") \
  X(MESSAGE_EDIT, "message.edit") X(MESSAGE_DELETE, "message.delete") \
  X(MESSAGE_UNDELETE, "message.undelete") X(MESSAGE_GET, "message.get") \
  X(MESSAGE_LIST, "message.list") \
  X(REACTION_ADD, "reaction.add") X(REACTION_REMOVE, "reaction.remove") \
  X(TYPING, "typing") X(READ_RECEIPT, "read_receipt") \
  X(CALL_CREATE, "call.create") X(CALL_ANSWER, "call.answer") \
  X(CALL_ADD_PARTICIPANT, "call.add_participant") X(CALL_TRANSFER, "call.transfer") \
  X(CALL_REDIRECT, "call.redirect") X(CALL_HANGUP, "call.hangup") \
  X(RECORDING_START, "recording.start") X(RECORDING_STOP, "recording.stop") \
  X(TRANSCRIPTION_START, "transcription.start") X(TRANSCRIPTION_STOP, "transcription.stop") \
  X(SCREEN_SHARE_START, "screen_share.start") X(MEETING_CREATE, "meeting.create") \
  X(MEDIA_UPLOAD, "media.upload") X(ACCOUNT_LINK, "account.link") \
  X(ACCOUNT_UNLINK, "account.unlink") X(GROUP_MAP, "group.map") \
  X(INVITE_LINK_CREATE, "invite_link.create") X(INVITE_LINK_JOIN, "invite_link.join") \
  X(BATCH, "batch") X(OTHER, "other")

typedef enum {
#define INTEROP_X(name, text) INTEROP_OP_##name,
  INTEROP_OPERATIONS(INTEROP_X)
#undef INTEROP_X
  INTEROP_OPERATION_COUNT
} interop_operation_t;

/* ORDER: from least to most demanding; a message's kind is the most demanding
** thing in it; OTHER stands apart (no message, or nothing of it is known) */
#define INTEROP_KINDS(X) \
  X(TEXT, "text") X(RICH_TEXT, "rich_text") X(IMAGE, "image") X(GIF, "gif") \
  X(ATTACHMENT, "attachment") X(ACTION_CARD, "action_card") X(OTHER, "other")

typedef enum {
#define INTEROP_X(name, text) INTEROP_K_##name,
  INTEROP_KINDS(INTEROP_X)
#undef INTEROP_X
  INTEROP_KIND_COUNT
} interop_kind_t;

/* name, text, the kind that a message with it has at least */
#define INTEROP_FEATURES(X) \
  X(FORMATTING, "formatting", RICH_TEXT) X(LINK, "link", RICH_TEXT) \
  X(MENTION, "mention", RICH_TEXT) X(EMOJI, "emoji", TEXT) \
  X(CUSTOM_EMOJI, "custom_emoji", TEXT) X(IMAGE, "image", IMAGE) \
  X(GIF, "gif", GIF) X(FILE, "file", ATTACHMENT) X(CARD, "card", ACTION_CARD) \
  X(CODE, "code", RICH_TEXT) X(TABLE, "table", RICH_TEXT) \
  X(QUOTE, "quote", RICH_TEXT) X(HOSTED_CONTENT, "hosted_content", IMAGE) \
  X(IMPORTANCE, "importance", TEXT) \
  X(UNDECLARED, "undeclared", TEXT)  /* members of a body that nobody declared; receipts only */

typedef enum {
#define INTEROP_X(name, text, kind) INTEROP_F_##name,
  INTEROP_FEATURES(INTEROP_X)
#undef INTEROP_X
  INTEROP_FEATURE_COUNT
} interop_feature_t;

/* what the store keeps; MESSAGE and CALL live in shared memory in nginx */
#define INTEROP_RECORDS(X) \
  X(TENANT, "tenant") X(USER, "user") X(CONVERSATION, "conversation") \
  X(MESSAGE, "message") X(CALL, "call")

typedef enum {
#define INTEROP_X(name, text) INTEROP_R_##name,
  INTEROP_RECORDS(INTEROP_X)
#undef INTEROP_X
  INTEROP_RECORD_COUNT
} interop_record_kind_t;

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
** What is wrong, for people. text is NUL-terminated, cut at the end if need
** be, and, where a place is known, has the form
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
** of its aliases; for MESSAGE and CALL the key is "{conversation id}\n{id}".
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
  ** interop_judge_run returns, or NULL: there is no store. Records of kinds TENANT,
  ** USER and CONVERSATION are then looked for in it, by way of the memo, and
  ** lookup is asked only for what it has not. OK, UNAVAILABLE, NOMEM.
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

/* A change that a request causes when upstream has said 2xx. */
typedef struct {
  interop_record_kind_t kind;
  interop_span_t key;             /* record id, or "{conversation id}\n{id}" */
  interop_span_t field;
  interop_value_t value;          /* LIST: text holds packed items */
  unsigned create;                /* 1: the record may be new; 0: only if it exists */
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
  interop_span_t receipt;         /* "formatting=2 link=1" */
  interop_span_t system;          /* the system that should get it */
  interop_span_t tenant, sender;  /* ids of the store */
  interop_operation_t operation;
  interop_kind_t kind;

  /* FORWARD: what changed; absent span = as it came */
  interop_span_t method, target, content_type;
  interop_span_t body;            /* valid if body_changed */
  unsigned body_changed:1;

  /* ANSWER */
  unsigned status;
  interop_span_t answer_type, answer_body;   /* absent: no body */
  interop_span_t meeting;         /* value of Interop-Meeting: where to join; absent: none */

  /* the answer's side: what interop_judge_answer wants */
  unsigned wants_answer:1;        /* call it with upstream's status */
  unsigned wants_answer_body:1;   /* ... and whole body, before the client gets anything */
  unsigned retry_after:1;         /* ANSWER 503: store not available */

  /* MESSAGE and CALL records learnt on the way (a fetched original): keep them
     at once, whatever becomes of the request */
  const interop_effect_t *effects;
  size_t effect_count;
} interop_plan_t;

typedef struct {
  unsigned status;                /* 0: as it came */
  unsigned body_changed:1;
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
** MISSING: nothing is left to be made, the plan's action is now ANSWER. NOMEM.
** Whoever makes steps calls interop_judge_renew every few seconds, and
** interop_judge_release if it gives up before MISSING.
*/
INTEROP_API interop_status_t interop_judge_step(interop_judge_t *judge,
    const interop_source_t *source, int64_t clock, interop_step_t *step);
/* Its answer; status 0: none came, body absent: it cannot be read or is not upstream's own. */
INTEROP_API interop_status_t interop_judge_stepped(interop_judge_t *judge,
    const interop_source_t *source, int64_t clock, unsigned status,
    interop_span_t content_type, interop_span_t body);
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

/*
** Upstream's answer to a forwarded request. *answer lives as long as the
** judge; the effects are already in the form interop_store_apply takes.
*/
INTEROP_API interop_status_t interop_judge_answer(interop_judge_t *judge,
    unsigned status, interop_span_t body, interop_answer_t *answer);

/* Name of an API's system, for interop_system when nothing was judged. */
INTEROP_API interop_span_t interop_policy_api_system(const interop_policy_t *policy, int api);

#endif
