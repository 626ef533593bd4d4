/*
** api_image.h -- records of the image's API sections.
**
** Owned by api/. Every field that is an index, a run or a string is checked by
** in_api_verify before anything reads it. Trees (ROUTES, MEMBERS) are stored
** with each node's children in one run that lies behind the node, so that a
** walk down always ends. A list of names is a run of REFS; a pointer into a
** body or an answer is such a list.
*/
#ifndef IN_API_IMAGE_H
#define IN_API_IMAGE_H

#include "../image/image.h"

/* in_ai_api_t.flags */
#define IN_API_PATHS_NOCASE    1u
#define IN_API_PATHS_ODATA     2u
#define IN_API_MEMBERS_NOCASE  4u
#define IN_API_ANYWHERE        8u /* has routes that are guards wherever they stand */

typedef struct {
  in_ref_t name;
  uint32_t system, flags;
  uint32_t route;                 /* ROUTES: the root; its children are first segments */
  in_run_t captures;              /* REFS: names of captured segments, by number */
  in_run_t operations;            /* OPERATIONS */
  in_run_t elements;              /* ELEMENTS */
  in_run_t gif_hosts;             /* REFS: hosts whose images move */
  in_run_t makes;                 /* MAKES */
  in_ref_t error_type;            /* content type of the error envelope */
  in_run_t error;                 /* REFS: a template, see in_ai_make_t */
  uint32_t meeting, link;         /* MAKES: a meeting, the message with its link; or IN_NIL both */
  in_run_t named;                 /* REFS: what ids of conversations look like here: "19:*" */
  in_run_t pairs;                 /* REFS: in threes, a pair's conversation: "19:" "_" "@space" */
  uint32_t digest[2];             /* of the definition's words: whether two policies have the same */
} in_ai_api_t;

#define IN_ROUTE_GUARD     1u     /* what begins with this is under policy */
#define IN_ROUTE_ANYWHERE  2u     /* what has this in it is */

/* a segment: fixed (capture == IN_NIL, text in prefix) or prefix{capture}suffix */
typedef struct {
  in_ref_t prefix, suffix;
  uint32_t capture, flags;
  in_run_t children;              /* ROUTES: fixed ones first */
  in_run_t operations;            /* INDEXES: OPERATIONS that end here, one a method */
} in_ai_route_t;

#define IN_OPER_OPAQUE  1u        /* the body passes unread, only its type is judged */
#define IN_OPER_ITEM    2u        /* the answer is no list: it is one such element itself */
#define IN_OPER_WHO     4u        /* the original tells who is removed */

/* what of an operation is in its path: captures by number, or IN_NIL */
typedef struct { uint32_t conversation, message, party, call; } in_ai_captures_t;

/* verdicts that may send another operation: its MAKES record, by number */
#define IN_MAKE_PLACEHOLDER  0
#define IN_MAKE_REPLY        1
#define IN_MAKE_PLAIN        2
#define IN_MAKE_COUNT        3

typedef struct {
  uint32_t operation;             /* interop_operation_t */
  uint32_t api, flags, success;   /* success: status of an empty success, or 0 */
  in_ref_t method, path;
  uint32_t next;                  /* OPERATIONS: next candidate of the same route, or IN_NIL */
  in_run_t when;                  /* a member that must be there ... */
  in_run_t when_values;           /* REFS: ... with one of these values (none: any) */
  in_ref_t when_query;            /* a query parameter that must be there */
  in_run_t accepts;               /* REFS: media types */
  uint32_t shape;                 /* SHAPES: the body, or IN_NIL: none is allowed */
  in_ai_captures_t captures;
  in_ref_t query_conversation;    /* query parameter that names the conversation */
  in_ref_t conversation_type;     /* of what is created, where the API has one type only */
  in_ref_t asks;                  /* what the client asks for by calling it: "meeting" */
  uint32_t makes[IN_MAKE_COUNT];  /* MAKES by verdict, or IN_NIL: in the request's own form */
  in_run_t set_to, set_from;      /* a member of the answer set from another */
  in_run_t id, conversation_id, call_id, call_too;    /* in the answer */
  uint32_t original;              /* MAKES: how to fetch the original, or IN_NIL */
  uint32_t original_shape;        /* SHAPES: its body */
  in_run_t original_author;
  uint32_t shows;                 /* the answer is this feature of the message itself, or IN_NIL */
  uint32_t list;                  /* SHAPES: elements of the answer's list, or IN_NIL */
  in_run_t list_at;
  in_run_t refused_at, refused;   /* the answer's list of those who were refused; REFS: a template */
  in_ref_t location[3];           /* forms of the header Location: ids of message, conversation, call */
  uint32_t batch;                 /* BATCHES: the request holds others, or IN_NIL */
} in_ai_operation_t;

#define IN_BATCH_PARTS  1u        /* a multipart body of HTTP messages; else a list in JSON */

/* several requests in one; names are members of an item, empty where there is none */
typedef struct {
  uint32_t flags, limit;          /* limit: items */
  in_ref_t over, silent, failed;  /* reasons: too many, no answer came, what it waits for failed */
  in_ref_t list, answers;         /* members of the body: the items; and their answers */
  in_ref_t id, method, url, headers, body, status, after;
  uint32_t base;                  /* MAKES: the path that urls are relative to, or IN_NIL */
} in_ai_batch_t;


/* what a member of a body is for */
#define IN_ROLES(X) \
  X(NONE,         "")             /* holds others */ \
  X(INERT,        "inert")        /* stays */ \
  X(CONTENT,      "content")      /* the message */ \
  X(FORMAT,       "format")       /* how the content is written */ \
  X(TEXT,         "text")         /* a further representation of it */ \
  X(PARTS,        "parts")        /* a list of things that go with it */ \
  X(PART,         "part")         /* one such thing */ \
  X(CARD,         "card")         /* names what the message is */ \
  X(REPLY,        "reply")        /* names the message replied to */ \
  X(MESSAGE,      "message")      /* names the message that is meant */ \
  X(CONVERSATION, "conversation") \
  X(CALL,         "call") \
  X(NAME,         "name")         /* the sender's display name */ \
  X(TYPE,         "type")         /* type of the conversation */ \
  X(PARTIES,      "parties")      /* people, a list */ \
  X(PARTY,        "party")        /* one person */ \
  X(TIME,         "time")         /* when an element of a list was made */ \
  X(SET,          "set")          /* what policies may set, by a word */ \
  X(MORE,         "more")         /* in an answer's element: a list of further such elements */ \
  X(WITHHELD,     "withheld")     /* ... what is not shown where messages are judged for their reader */

typedef enum {
#define IN_X(name, text) IN_ROLE_##name,
  IN_ROLES(IN_X)
#undef IN_X
  IN_ROLE_COUNT
} in_role_t;

#define IN_MEMBER_REQUIRED  1u
#define IN_MEMBER_DATA      2u    /* CONTENT: a data: URI */
#define IN_MEMBER_WHOLE     4u    /* INERT: with all that is in it */
#define IN_MEMBER_NAMED     8u    /* its choices close the list of values */
#define IN_MEMBER_SPACED    16u   /* PARTIES, PARTY: white space in an id means nothing */

#define IN_NAME_SLOTS   64u
#define IN_NAME_SEVERAL 255u

/* a member that an API definition names; number of the node = index - shape's root */
typedef struct {
  in_ref_t name;
  uint32_t role, flags;
  uint32_t feature;               /* or IN_NIL; PARTS without `by`, PART, CARD */
  in_run_t children;              /* MEMBERS */
  in_ref_t slots;                 /* by in_name_slot of a child's name: 1 + its place, 0 for none, SEVERAL: more than one */
  in_run_t choices;               /* CHOICES: what values mean */
  in_run_t by, url, bytes;        /* PARTS: in an element, its type, address, content in base64 */
  in_run_t person, person_name;   /* PARTIES, PARTY: CHOICES that say who; display name */
  in_run_t person_at;             /* PARTIES: where in an element the person is */
  in_run_t person_sets;           /* CHOICES: word and pointer of what policies may set in an element */
  uint32_t most;                  /* PARTIES: how many at most; 0: as many as there are */
  in_ref_t over;                  /* ... and the reason for which more are refused */
  in_ref_t word;                  /* SET */
} in_ai_member_t;

#define IN_BODY_NODES   256u      /* members of a body, at most; a multiple of 64 */

/* a body: a tree of members */
typedef struct {
  uint32_t root, nodes;           /* MEMBERS root .. root + nodes - 1 */
  uint32_t asked[IN_BODY_NODES / 32];      /* set of the nodes that are looked at even where they are not there */
  uint32_t content, format;       /* numbers of nodes, or IN_NIL */
  uint32_t text_format;           /* in_format_t where the format's member is absent */
  in_run_t formats;               /* CHOICES: values of the format's member */
  in_run_t raw;                   /* CHOICES: media types of a body that is the content itself */
  uint32_t images;                /* number of the PARTS node that <img src> may name, or IN_NIL */
  in_ref_t image_prefix, image_suffix;      /* src around the part's id */
  in_run_t image_id;              /* the id in an element */
  in_run_t exactly_one;           /* REFS: names of members of the root */
} in_ai_shape_t;

/*
** One row of "value means ...", or of "this is who".
** person: pointer says where the id is, form how the raw id is written (with
** {id}); likes are forms that are taken off; when: pointer that must hold value.
*/
typedef struct {
  in_ref_t value;                 /* with '*' at its end: what begins so */
  uint32_t means;                 /* feature, format, or IN_NIL */
  in_ref_t word;                  /* TYPE: the store's word */
  in_run_t pointer, when, likes;
  in_ref_t form;
} in_ai_choice_t;

/* see in_element_t */
typedef struct {
  in_ref_t tag, attr, value, text_attr;
  uint32_t feature, flags;        /* feature: or IN_NIL */
} in_ai_element_t;

/*
** A request (or, for an original, a GET) that is made anew. Templates are REFS
** in turns: bytes, name of a variable, bytes, ...; a variable becomes a JSON
** string. path: the same, a variable being a capture, percent-encoded.
*/
#define IN_MAKE_RAW  1u            /* the body is text, not JSON */

typedef struct {
  in_ref_t name, method, type;
  uint32_t flags, api;
  in_run_t path, body;
  in_run_t keep;                  /* REFS: members of the root that go along */
  in_run_t pick;                  /* where in the answer the link is */
} in_ai_make_t;

#endif
