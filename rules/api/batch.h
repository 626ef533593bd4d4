/*
** batch.h -- several requests in one: taken apart, and put together again.
**
** Owns the two forms that a batch can have: members of a JSON list, and a
** multipart body of HTTP messages (RFC 2046, RFC 9112). Knows nothing of
** verdicts: it gives items, and writes what it is told of each. Invariants:
** what two servers could read differently is refused whole, never repaired; an
** item that nobody changes goes on as it came; no recursion, and no copy of the
** batch but the one that parsing makes.
*/
#ifndef IN_BATCH_H
#define IN_BATCH_H

#include "body.h"

#define IN_BATCH_ITEMS  200u      /* the most that a definition may allow */
#define IN_BATCH_URL    8192u     /* bytes of an item's url: as many as nginx takes of a request's */

/* a header line of a part, or of the message in it */
typedef struct { in_span_t name, value; } in_line_t;

/* an HTTP message in a part; line ends taken off */
typedef struct {
  in_span_t line;                 /* its first line */
  in_line_t *field;
  uint32_t fields;
  in_span_t body;
} in_message_t;

/* what stands between two delimiters */
typedef struct {
  in_span_t whole;                /* as it came */
  in_line_t *field;              /* the part's own headers */
  uint32_t fields;
  in_span_t content;              /* behind them: the message as it came */
  in_message_t message;
} in_part_t;

typedef struct {
  in_span_t id;                   /* as spelt; multipart: absent */
  in_span_t method, target;       /* of the request itself */
  in_span_t elsewhere;            /* another reading of the target, which nothing may match; or absent */
  in_span_t content_type, content_encoding;
  in_span_t body;                 /* absent: none */
  in_span_t path_text;            /* absent, or why the target cannot be read */
  in_span_t body_text;            /* absent, or why the body cannot be read */
  uint32_t *after;                /* items that this one waits for */
  uint32_t afters;
  bool base64;                    /* the body came so */
  bool bare;                      /* the url came without its first '/' */
  bool unwanted;                  /* has headers that may not go on */
  yyjson_val *at;                 /* JSON: the item */
  in_part_t part;                 /* multipart */
} in_bitem_t;

typedef struct {
  const in_image_t *img;
  const in_ai_api_t *api;
  const in_ai_operation_t *op;
  const in_ai_batch_t *form;
  in_arena_t *arena;
  bool nocase;
  in_span_t base;                 /* JSON: what urls are relative to: "/v1.0"; or "" */
  in_json_t json;
  yyjson_val *list;
  in_span_t source;
  in_span_t boundary;             /* multipart */
  in_bitem_t *item;
  uint32_t count;
  in_span_t refusal, refusal_text;   /* absent, or the reason's name */
} in_batch_t;

/* the batch that m and ev's operation say it is; NOMEM, or OK with refusal set or not */
interop_status_t in_batch_read(const in_image_t *img, const in_match_t *m, uint32_t op,
                               const interop_request_t *req, in_arena_t *arena, in_batch_t *b);

/* ---- what goes on to upstream */

typedef struct {
  bool stays;                     /* it does not go on */
  in_span_t method, target, content_type;   /* absent: as it came */
  in_span_t body;
  bool body_changed;
  const in_line_t *set;           /* further headers that it gets, in place of its own of these names */
  uint32_t sets;
  uint32_t *after;                /* items that it still waits for */
  uint32_t afters;
  bool after_changed;
} in_batch_send_t;

/* *changed: body is the new batch, content_type its type if that changed too.
** FULL: what was made cannot be said in this form. */
interop_status_t in_batch_write(in_batch_t *b, const in_batch_send_t *send, in_span_t *body,
                                in_span_t *content_type, bool *changed);

/* ---- what upstream answered */

typedef struct {
  bool there;
  unsigned status;                /* 0: it cannot be read */
  in_span_t body;                 /* empty: none; absent: it cannot be read */
  in_span_t location;             /* its header of this name; or absent */
  yyjson_val *at;                 /* JSON */
  in_part_t part;                 /* multipart */
} in_theirs_t;

typedef struct {
  bool read;                      /* the answer could be read */
  in_json_t json;
  yyjson_val *list;
  in_theirs_t *theirs;            /* by item; there is false for those that did not go */
} in_batch_answer_t;

/* send says which items went on, and so whose answer is whose */
interop_status_t in_batch_answers(in_batch_t *b, const in_batch_send_t *send, in_span_t body,
                                  in_batch_answer_t *a);

/* ---- what the client gets */

typedef struct {
  bool ours;                      /* status, type and body are the edge's; else upstream's */
  unsigned status;                /* 0: as it came */
  in_span_t type, body;           /* absent: none; upstream's: as it came */
  bool body_changed;              /* upstream's answer gets this body */
  in_span_t verdict, notice, recipients;  /* absent: none */
  in_span_t retry, sign_in;       /* ours: Retry-After, WWW-Authenticate; absent: none */
} in_reply_t;

/* a may be NULL: nothing went on. body and its media type. FULL: no boundary was found. */
interop_status_t in_batch_reply(in_batch_t *b, in_batch_answer_t *a, const in_reply_t *reply,
                                in_span_t *type, in_span_t *body);

/* ---- shared by the two forms' files */

void in_batch_refuse(in_batch_t *b, in_span_t reason, in_span_t text);
void in_batch_wrong(in_batch_t *b, in_span_t text);      /* malformed_body */
bool in_batch_unwanted(in_span_t name);   /* may a header of an item not go on? */
bool in_batch_ours(in_span_t name);       /* is it one of the edge's own? */
bool in_batch_same(const in_batch_t *b, in_span_t a, in_span_t c);
/* checks an item's target: sets path_text where it can be read in two ways */
interop_status_t in_batch_target(in_batch_t *b, in_bitem_t *i);

/* batch_json.c */
interop_status_t in_batch_json_read(in_batch_t *b, const interop_request_t *req);
interop_status_t in_batch_json_write(in_batch_t *b, const in_batch_send_t *send, in_span_t *body, bool *changed);
interop_status_t in_batch_json_answers(in_batch_t *b, in_span_t body, in_batch_answer_t *a);
interop_status_t in_batch_json_reply(in_batch_t *b, in_batch_answer_t *a, const in_reply_t *reply, in_span_t *body);

/* batch_parts.c */
interop_status_t in_batch_parts_read(in_batch_t *b, const interop_request_t *req);
interop_status_t in_batch_parts_answers(in_batch_t *b, const in_batch_send_t *send, in_span_t body,
                                        in_batch_answer_t *a);
/* batch_parts_write.c */
interop_status_t in_batch_parts_write(in_batch_t *b, const in_batch_send_t *send, in_span_t *body,
                                      in_span_t *content_type, bool *changed);
interop_status_t in_batch_parts_reply(in_batch_t *b, in_batch_answer_t *a, const in_reply_t *reply,
                                      in_span_t *type, in_span_t *body);

#endif
