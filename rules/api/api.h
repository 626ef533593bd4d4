/*
** api.h -- API definitions: compiling `api` blocks, and the four things that
** are done with them: match a request, read an event, write a rewrite, read
** an answer.
**
** Knows the image's API sections and JSON; knows nothing of policies, facts or
** verdicts' reasons. Everything it gives lives in the arena that it was given.
** Invariant: what in_api_read saw is what in_api_write forwards; there is no
** second reading of the bytes.
*/
#ifndef IN_API_H
#define IN_API_H

#include "../policy/vocab.h"
#include "../content/content.h"
#include "api_image.h"

/* ---- compiling (behind in_api_compile the *_image.h records of this part) */

/* one `api NAME of SYSTEM { ... }` statement; errors go to diag */
interop_status_t in_api_compile(const in_vocab_t *v, const in_stmt_t *stmt, in_builder_t *b,
                                in_arena_t *arena, interop_diag_t *diag);
/* after all: checks what needs all APIs, builds the route tries */
interop_status_t in_api_finish(const in_vocab_t *v, in_builder_t *b, in_arena_t *arena,
                               interop_diag_t *diag);
/* every record of the API sections is sound: offsets, indices, enum values */
interop_status_t in_api_verify(const in_image_t *img, interop_diag_t *diag);
/* img->ready, for a verified image; false: no memory, in_api_unprepare frees what is there */
bool in_api_prepare(in_image_t *img, const interop_alloc_t *alloc);
void in_api_unprepare(in_image_t *img, const interop_alloc_t *alloc);

/* ---- match: normalised method and path -> operation */

#define IN_CAPTURES 16

typedef struct {
  interop_match_t match;
  in_span_t refusal;              /* REFUSED: reason name "malformed_path" or "unmatched" */
  int api;
  uint32_t operation;             /* index in OPERATIONS; several candidates share a route,
                                     the body decides: first of a run, see api_image.h */
  in_span_t capture[IN_CAPTURES]; /* decoded segments, by the API's capture numbers; or absent */
  in_span_t raw[IN_CAPTURES];     /* the same as they came */
  uint8_t depth[IN_CAPTURES];     /* which segment of the path it was */
  in_span_t query;                /* as it came, without its '?'; or absent */
  in_span_t target;               /* to forward: p == NULL if the target can stay as it came */
} in_match_t;

interop_status_t in_api_match(const in_image_t *img, int api, const interop_target_t *t,
                              in_arena_t *arena, in_match_t *m);

/* ---- read: request -> event */

/* somebody of whom an element of an answer tells */
typedef struct {
  in_span_t id;                   /* raw id, after the API's `like` pattern was taken off */
  in_span_t name;                 /* display name, or absent */
} in_party_t;

typedef struct in_body_s in_body_t;       /* the parsed body and where things are in it */

typedef struct {
  interop_operation_t operation;
  uint32_t op_index;              /* the operation definition chosen */
  interop_kind_t kind;
  in_features_t features;
  in_span_t conversation;         /* as the request names it, or absent */
  in_span_t message;              /* the original of an edit, delete, reply, reaction */
  in_span_t name;                 /* the sender's display name as the request gives it; empty: none */
  in_span_t name_at;              /* where it stands, a JSON pointer; absent: the API has no place for it */
  in_span_t call;                 /* as the request names it, or absent */
  in_span_t card;                 /* what the API calls the card: "Poll" */
  in_span_t conversation_type;    /* create: enum value of the store's fact, or absent */
  const in_span_t *parties;       /* raw ids of participants, targets of a call ... as they are named */
  uint32_t party_count;
  bool has_content;
  in_body_t *body;                /* NULL: none */
  in_span_t refusal;              /* absent, or the reason name: "malformed_body",
                                     "unsupported_media_type", "body_too_large" */
  in_span_t refusal_text;         /* what was wrong, for the message; may be absent */
} in_event_t;

/* the kind of a message that has these */
interop_kind_t in_features_kind(const in_features_t *f);

/* tags: of HTML, read before in the same request, added to; NULL: each content's count alone */
interop_status_t in_api_read(const in_image_t *img, const in_match_t *m, const interop_request_t *req,
                             in_arena_t *arena, unsigned *tags, in_event_t *ev);

/* ---- write: event + verdict -> what upstream gets */

typedef struct {
  in_span_t method, target, content_type;   /* absent: as it came (target: as in_match_t says) */
  in_span_t body;
  bool body_changed;
  in_features_t lost;             /* loss receipt */
  bool changed;                   /* false: nothing needed to change; the verdict is deliver */
  /* the client's own success form, where another operation goes upstream or none */
  unsigned answer_status;         /* 0: upstream's */
  uint32_t make;                  /* the MAKES record used, or IN_NIL */
} in_write_t;

/*
** verdict: STRIP (features bit set in strip), PLAIN_TEXT, PLACEHOLDER and
** AS_REPLY (text = placeholder's text; for AS_REPLY absent: the message's own
** text). reduce_flags: IN_TEXT_*. FULL if the API definition has no form for
** this (the judge then denies).
*/
interop_status_t in_api_write(const in_image_t *img, const in_match_t *m, const in_event_t *ev,
                              interop_verdict_t verdict, in_span_t text, uint32_t strip,
                              unsigned reduce_flags, in_arena_t *arena, in_write_t *w);

/* the message's plain text (for as_reply, header Interop-Cross, scripts) */
interop_status_t in_api_text(const in_image_t *img, const in_event_t *ev, unsigned reduce_flags,
                             in_arena_t *arena, in_span_t *text);

struct in_answer_s;

/* ---- amend: single members set, all else to the byte */
typedef struct {
  in_span_t pointer;              /* RFC 6901; its last name may be new in an object */
  in_span_t value;                /* text; absent: the member or element is removed */
} in_amend_t;

/*
** Only w->body, body_changed and changed are set, and content_type where there was no body. A pointer that leads nowhere
** is passed over. FULL if the body is not JSON.
*/
interop_status_t in_api_amend(const in_image_t *img, const in_event_t *ev, const in_amend_t *amends,
                              size_t count, in_arena_t *arena, in_write_t *w);

/*
** The same by the words that the definition gives to members. party: number in
** the event's parties; the sets are in their order. A value that is absent takes
** the party out of its list. What the request has no place for is passed over.
*/
typedef struct { in_span_t word, value; uint32_t party; } in_member_set_t;
interop_status_t in_api_set(const in_event_t *ev, const in_member_set_t *sets, size_t count, in_arena_t *arena,
                            in_write_t *w);

typedef struct { in_span_t name, value; } in_var_t;

/* ---- some of those whom a request names are refused, the others go on */

/* has the request a place for this word? */
bool in_api_sets(const in_event_t *ev, in_span_t word);
bool in_api_may_refuse(const in_image_t *img, const in_event_t *ev);
/* one of the refused as the answer names them, a JSON text */
interop_status_t in_api_refused(const in_image_t *img, const in_event_t *ev, const in_var_t *vars, size_t count,
                                in_buf_t *out);
/* the answer with these in its list; SYNTAX: it cannot be read */
interop_status_t in_api_refused_put(const in_image_t *img, const in_event_t *ev, in_span_t body, in_span_t items,
                                    in_arena_t *arena, in_span_t *to);

/* does the definition read ids from the header Location? */
bool in_api_wants_location(const in_image_t *img, const in_event_t *ev);
/* the id in the answer's header Location, where the definition says so */
void in_api_location(const in_image_t *img, const in_event_t *ev, in_span_t location, in_arena_t *arena,
                     struct in_answer_s *a);

/* ---- answers of the edge's own */

/* the variables that templates may name: "$reason" */
#define IN_VARIABLES(X) \
  X(TEXT, "text") X(ORIGINAL, "original") X(REASON, "reason") X(MESSAGE, "message") \
  X(REQUEST_ID, "request_id") X(NOW, "now") X(SYSTEM, "system") X(LINK, "link") \
  X(SUBJECT, "subject") X(CONVERSATION, "conversation") X(OTHER, "other") X(WHO, "who")

/* body of the API's error envelope: variables reason message request_id now ... */
interop_status_t in_api_error(const in_image_t *img, int api, const in_var_t *vars, size_t count,
                              in_arena_t *arena, in_span_t *content_type, in_span_t *body);
/* the operation's empty success: its status (202 if the definition names none) */
unsigned in_api_drop_status(const in_image_t *img, const in_event_t *ev);

/*
** A request of the edge's own, from `make NAME` of the API: "meeting", "message".
** MISSING if the API has none of this name, FULL if m lacks a segment of its path.
*/
typedef struct {
  in_span_t method, target, content_type, body;
  uint32_t make;                  /* for in_api_pick */
} in_made_t;
interop_status_t in_api_make(const in_image_t *img, int api, in_span_t name, const in_match_t *m,
                             const in_var_t *vars, size_t count, in_arena_t *arena, in_made_t *made);
/* what the make's `pick` points to in its answer; *text absent: there is nothing. NOMEM */
interop_status_t in_api_pick(const in_image_t *img, uint32_t make, in_span_t body, in_arena_t *arena,
                             in_span_t *text);

/* ---- escalations: a meeting, and the message with its link */

/* false: this API cannot */
bool in_api_escalates(const in_image_t *img, int api, uint32_t *meeting, uint32_t *link);
/* what the client asks for by the operation itself: "meeting"; or empty */
in_span_t in_api_asks(const in_image_t *img, const in_event_t *ev);

typedef struct {
  uint32_t make, operation;       /* operation: the client's, whose captures are m's */
  in_span_t target;               /* the client's */
  in_span_t conversation;         /* {conversation} of the path; absent: the client's own */
  const in_var_t *vars;
  size_t var_count;
} in_step_t;

/* FULL: m lacks a segment of its path. The client's query does not go along. */
interop_status_t in_api_step(const in_image_t *img, const in_step_t *step, const in_match_t *m,
                             in_arena_t *arena, in_made_t *made);

/* does a conversation's name look like one of this API's, or of another system's? */
typedef enum { IN_FIT_FOREIGN, IN_FIT_OPEN, IN_FIT_OWN } in_fit_t;
in_fit_t in_api_named(const in_image_t *img, int api, in_span_t name);
/* the id of two people's own conversation, by form number 0, 1, ...; absent: no more forms, or no memory */
in_span_t in_api_pair(const in_image_t *img, uint32_t form, in_span_t a, in_span_t b, in_arena_t *arena);

/* ---- answers of upstream */

/* does the answer's body matter (an id to remember, a member to set)? */
bool in_api_wants_answer(const in_image_t *img, const in_event_t *ev, const in_write_t *w);

typedef struct in_answer_s {
  in_span_t message;              /* id of the message sent, or absent */
  in_span_t conversation;         /* id of the conversation created, or absent */
  in_span_t call, call_too;       /* ids of the call that came to be, or absent */
  in_span_t body;                 /* new body for the client, if body_changed */
  bool body_changed;
} in_answer_t;

/* a 2xx answer; a body that cannot be read yields absent ids, not an error */
interop_status_t in_api_answer(const in_image_t *img, const in_event_t *ev, const in_write_t *w,
                               in_span_t body, in_arena_t *arena, in_answer_t *a);

/* ---- elements of upstream's answer: people, messages */

typedef struct in_elements_s in_elements_t;

typedef struct {
  in_span_t id, name, time;       /* who (raw id), display name, time; absent: not there */
  in_span_t message;              /* the message's id */
  in_span_t conversation;         /* the id of the conversation that the element is */
  bool whole;                     /* it is the answer itself */
  bool readable;                  /* it has the form that its definition gives */
} in_item_t;

#define IN_HAS_ELEMENTS 1u
#define IN_HAS_CONTENT  2u        /* they are messages */
#define IN_HAS_TIME     4u
#define IN_HAS_ONE      8u        /* the answer is the one element */
#define IN_HAS_OWN      16u       /* they are conversations, a message is in them */
#define IN_HAS_WITHHELD 32u       /* there is more in them than can be judged */

/* what the operation's definition says of them: IN_HAS_ bits, 0: it names none */
unsigned in_api_elements_have(const in_image_t *img, const in_event_t *ev);
/* can this word be set in them? */
bool in_api_elements_set(const in_image_t *img, const in_event_t *ev, in_span_t word);
/* SYNTAX: the answer cannot be read; MISSING: the definition names no elements; NOMEM */
interop_status_t in_api_elements(const in_image_t *img, const in_event_t *ev, in_span_t body,
                                 in_arena_t *arena, in_elements_t **elements);
/* the next one; false: there is none */
bool in_api_element(in_elements_t *e, in_item_t *item);
/* the present one as a message: SYNTAX: it cannot be read */
interop_status_t in_api_element_read(in_elements_t *e, in_event_t *ev);
/* ... in another form, as in_api_write in place; FULL: it has none, and nothing was changed */
interop_status_t in_api_element_write(in_elements_t *e, const in_event_t *ev, interop_verdict_t verdict, in_span_t text,
                                      uint32_t strip, unsigned reduce_flags, in_features_t *lost, bool *changed);
bool in_api_element_set(in_elements_t *e, in_span_t word, in_span_t value);    /* true: it was another */
/* not if it is the answer itself; of a conversation, the message in it. true: it was there */
bool in_api_element_drop(in_elements_t *e);
bool in_api_element_withhold(in_elements_t *e);        /* what is not to be shown; true: some was there */
/* the feature that the answer is, of the message that the request names; IN_NIL: it is none */
uint32_t in_api_shows(const in_image_t *img, const in_event_t *ev);
/* the answer as it is now, all else to the byte; *changed: body is new */
interop_status_t in_api_elements_end(in_elements_t *e, in_arena_t *arena, in_span_t *body, bool *changed);

/* ---- the original of an edit or delete, fetched from upstream (KT-20) */

/* method and target; method absent: this API cannot */
interop_target_t in_api_fetch(const in_image_t *img, const in_match_t *m, const in_event_t *ev,
                              in_arena_t *arena);
/* author: where the definition says so, who is removed (known is false then) */
typedef struct { interop_kind_t kind; in_span_t author; bool known; } in_original_t;
/* is upstream to be asked who is removed? */
bool in_api_asks_who(const in_image_t *img, const in_event_t *ev);
interop_status_t in_api_original(const in_image_t *img, const in_event_t *ev, in_span_t body,
                                 in_arena_t *arena, in_original_t *o);

#endif
