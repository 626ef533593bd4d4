/*
** body.h -- a request's body as it was read; shared by the files that read it
** and those that rewrite it.
**
** Owns in_body_s. What stands here was seen once, by read.c; everything later
** works on these values and never on the request's bytes again, but for
** splicing, whose positions come from the same parse.
*/
#ifndef IN_BODY_H
#define IN_BODY_H

#include "api.h"
#include "json.h"
#include "records.h"

/* ---- media.c */

/* type/subtype of a Content-Type; false: malformed, or a charset that is not UTF-8 */
bool in_media_type(in_span_t header, in_span_t *type);
/* a parameter's value; false: it is not there, or twice */
bool in_media_parameter(in_span_t header, in_span_t wanted, in_span_t *value);
bool in_media_is_json(in_span_t type);
/* value against a choice's: equal but for ASCII case, or beginning as one that ends in '*' */
bool in_media_fits(in_span_t value, in_span_t pattern);
/* takes "data:TYPE;base64,DATA" apart; the data decoded; false: malformed; NOMEM in arena */
bool in_media_data(in_span_t uri, in_arena_t *arena, in_span_t *type, in_span_t *data);
bool in_media_from_base64(in_span_t s, in_arena_t *arena, in_span_t *data);
in_span_t in_media_to_base64(in_span_t data, in_arena_t *arena);      /* absent: no memory */
/* "data:TYPE;charset=utf-8;base64,..." */
in_span_t in_media_to_data(const char *type, in_span_t data, in_arena_t *arena);
/* does an address, or the base64 of some bytes, show a GIF? */
bool in_media_gif_url(const in_image_t *img, const in_ai_api_t *api, in_span_t url);
bool in_media_gif_bytes(in_span_t base64);

/* ---- ready.c: an image's elements */

typedef struct in_api_ready_s {
  in_element_t *elements;         /* as ELEMENTS */
  in_vendors_t **vendors;         /* by API */
} in_api_ready_t;

void in_ready_element(const in_image_t *img, uint32_t index, in_element_t *to);    /* *to is zero */

/* ---- the body */

/* a part that the content may show: its id, its feature */
typedef struct { in_span_t id; uint32_t feature; } in_shown_t;

/* a set of nodes, gone through in their order; what is put in behind i is met as well */
typedef struct { uint64_t bits[IN_BODY_NODES / 64]; } in_nodes_t;

#define in_nodes_each(set, i) \
  for (uint32_t i = 0, in_w = 0; in_w < in_countof((set)->bits); in_w++) \
    for (uint64_t in_s = (set)->bits[in_w]; in_s != 0 && (i = in_w * 64 + (uint32_t) __builtin_ctzll(in_s), true); \
         in_s = (set)->bits[in_w] & ~(uint64_t) 1 << i % 64)

/* a set of roles, for a question to all members at once */
#define IN_ROLE_BIT(role)  (1u << (role))
_Static_assert(IN_ROLE_COUNT <= 32, "a set of roles is 32 bits");

/* elements of a list have mostly the same names in the same order: what the n-th was the last time */
#define IN_GUESSES  64u
typedef struct { in_span_t name; uint32_t node, child; } in_guess_t;

struct in_body_s {
  const in_image_t *img;
  const in_ai_api_t *api;
  const in_ai_operation_t *op;
  const in_ai_shape_t *shape;
  const in_ai_member_t *node;     /* the shape's members by number */
  in_arena_t *arena;
  bool nocase;                    /* members' names */
  bool is_json;                   /* else raw: the body is the content */
  bool missing;                   /* there is none: the source stands for it */
  bool has_text;                  /* content below is valid */
  bool others;                    /* an object that was bound has members of which no row knows */
  in_guess_t *guess;              /* IN_GUESSES, for who is bound again and again; or NULL */
  uint32_t names;                 /* looked up since the last time */
  bool answers;                   /* an element of upstream's answer, no body of a client's */
  in_json_t json;
  yyjson_val **bound;             /* by number: the member's value, or NULL */
  in_nodes_t live;                /* the numbers that have one */
  in_nodes_t open;                /* those of them that declare members of their own */
  in_nodes_t carried;             /* ... that may say what the message carries */
  uint32_t roles;                 /* which roles they have */
  uint32_t most;                  /* not 0: one of them is a list that may be too long */
  bool nulls;                     /* one of them is null */
  in_span_t source;               /* the body as it came */
  in_span_t content;
  in_format_t format;
  in_span_t reduced;              /* markup's plain text, from the pass that classified it */
  in_features_t reduced_features; /* what that pass found */
  unsigned *tags;                 /* of HTML, read so far in the whole request; NULL: this content's alone count */
  in_element_t *elements;
  in_shown_t *shown;              /* once an <img> asked */
  uint32_t shown_count;
  in_span_t wrong;                /* what cannot be read, for people; absent: all is well */
};

static inline in_span_t in_body_str(const in_body_t *b, in_ref_t r) {
  return in_image_str(b->img, r);
}

/* a value that is there and is not null */
static inline yyjson_val *in_body_value(const in_body_t *b, uint32_t node) {
  yyjson_val *v = b->bound[node];
  return v == NULL || yyjson_is_null(v) ? NULL : v;
}

/* ---- bind.c */

/* finds every declared member in one walk */
interop_status_t in_body_bind(in_body_t *b);
void in_body_bind_again(in_body_t *b);  /* to another root; bound is there */
bool in_body_guess(in_body_t *b);       /* it will be, to many that are alike; false: no memory */
/* the number of a child's node by the member's name, or IN_NIL */
uint32_t in_body_child(const in_body_t *b, uint32_t node, in_span_t name);
/* text of a string, number, true or false; absent for anything else */
in_span_t in_body_scalar(const yyjson_val *v);
/* the choice that a value falls under, or NULL */
const in_ai_choice_t *in_body_choice(const in_body_t *b, in_run_t choices, in_span_t value);
bool in_body_wrong(in_body_t *b, in_span_t text);          /* false */

/* ---- parts.c */

/* feature of an element of a list of parts */
uint32_t in_body_part(const in_body_t *b, const in_ai_member_t *m, yyjson_val *element);
/* reads a text as content: classifies, and writes plain text if out is not NULL */
interop_status_t in_body_reduce(in_body_t *b, in_span_t text, in_format_t format, unsigned flags,
                                in_buf_t *out, in_features_t *features);
/* the same without work, where the pass that classified the content did it already; false: it did not */
bool in_body_reduced(const in_body_t *b, in_span_t text, unsigned flags, in_span_t *reduced, in_features_t *found);
/* removes features from HTML */
interop_status_t in_body_strip(in_body_t *b, in_span_t text, uint32_t remove, in_buf_t *out,
                               in_features_t *removed);
/* has a text member markup, or is it plain? */
in_format_t in_body_text_format(in_span_t text);
interop_status_t in_body_features(in_body_t *b, in_event_t *ev);
in_features_t in_features_sum(in_features_t a, in_features_t b);

/* ---- people.c */
interop_status_t in_body_people(in_body_t *b, in_event_t *ev);
/* does a list name more than its definition says at most? *reason: for which it is refused then */
bool in_body_crowded(const in_body_t *b, in_span_t *reason, in_span_t *detail);
/* who one element names; false: it cannot be told */
bool in_body_person(in_body_t *b, const in_ai_member_t *m, yyjson_val *v, in_party_t *party);
/* ---- answer.c */
in_span_t in_pointer_text(const in_image_t *img, in_run_t names, in_arena_t *arena);

/* ---- amend.c */
interop_status_t in_body_amend(const in_json_t *j, bool nocase, const in_amend_t *amends, size_t count,
                               in_arena_t *arena, in_span_t *body, bool *changed);

/* ---- write.c: the members of a bound body in another form, as edits; FULL: it has none, and
   no edit stays */
interop_status_t in_body_rewrite(in_body_t *b, const in_event_t *ev, interop_verdict_t verdict, in_span_t text,
                                 uint32_t strip, unsigned reduce_flags, in_edits_t *edits, in_features_t *lost,
                                 bool *changed);

/* the object that holds the node, or would; NULL: it is not there */
yyjson_val *in_body_parent(const in_body_t *b, uint32_t node);

/* ---- people.c: the id in a value that ends like the form "rooms/{id}"; absent if it does not */
in_span_t in_body_form(in_arena_t *arena, in_span_t value, in_span_t form);

/* ---- read.c: a body by its shape alone, for answers */
interop_status_t in_body_read(in_body_t *b, in_event_t *ev);
/* the content of an element that is bound; SYNTAX: it has another form */
interop_status_t in_body_item(in_body_t *b, in_event_t *ev);
in_body_t *in_body_new(const in_image_t *img, uint32_t op, uint32_t shape, in_arena_t *arena);

#endif
