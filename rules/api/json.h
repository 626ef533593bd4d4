/*
** json.h -- strict JSON, as the API definitions need it.
**
** Owns what is refused beyond the grammar (byte order mark, duplicate names,
** lone surrogates, depth), looking members up, and printing with edits. Knows
** JSON only: not what a member means. On yyjson; its values lie in one array in
** the order of the text, which the walks here rely on. Numbers keep their
** spelling. Linear in the text's length, no recursion.
*/
#ifndef IN_JSON_H
#define IN_JSON_H

#include <yyjson.h>
#include "../image/image.h"

#define IN_JSON_DEPTH   64u
#define IN_JSON_VALUES  131072u   /* the most that a body from a client may hold */

#define IN_JSON_NOCASE  1u        /* names that differ in ASCII case only are the same */
#define IN_JSON_BOUNDED 2u        /* a client's: no more than IN_JSON_VALUES, no name that is two to some */

typedef struct {
  in_span_t source;               /* the text as it came */
  yyjson_val *root;
  size_t count;                   /* values, names among them: root[0 .. count - 1] */
  const char *copy;               /* where the values' strings lie */
} in_json_t;

typedef struct { size_t offset; const char *text; } in_json_error_t;

/* OK, NOMEM, or SYNTAX with the error's place and text. j lives in arena. */
interop_status_t in_json_parse(in_span_t text, unsigned flags, in_arena_t *arena,
                               in_json_t *j, in_json_error_t *err);
static inline in_span_t in_json_str(const yyjson_val *v) {
  return in_span(v->uni.str, unsafe_yyjson_get_len((void *) (uintptr_t) v));
}

/* the member's value, or NULL; NULL too if obj is NULL or no object */
yyjson_val *in_json_get(yyjson_val *obj, in_span_t name, bool nocase);
/* follows names, and in arrays decimal indices, from v; NULL: there is nothing */
yyjson_val *in_json_follow(yyjson_val *v, const in_image_t *img, in_run_t names, bool nocase);
/* the same by a pointer's text (RFC 6901), whose names must need no unescaping but ~0 and ~1 */
yyjson_val *in_json_pointer(yyjson_val *v, in_span_t pointer, bool nocase);
/* takes the next name off a pointer; false at its end or if it is none */
bool in_json_step(in_span_t *pointer, in_span_t *raw);
/* is raw, a pointer's name with ~0 and ~1, this name? */
bool in_json_name_is(in_span_t raw, in_span_t name, bool nocase);
/* decimal index without leading zero, or UINT32_MAX */
uint32_t in_json_index(in_span_t name);

/* json_measure.c: how many values a text can hold at most */
size_t in_json_most(in_span_t text);
/* where a text becomes too deep, or holds more than `most` values; at its end or behind it if nowhere */
size_t in_json_limit(in_span_t text, size_t most);

/* json_where.c: where in the source each of n values stands; in the order of the text */
void in_json_where(const in_json_t *j, yyjson_val *const *v, in_span_t *where, size_t n);
/* in a text that was parsed: the end of the string whose first quote is at i */
size_t in_json_after_string(in_span_t s, size_t i);

/* ---- printing */

/* what becomes of a value; DROP on a member's value takes the name too */
typedef enum { IN_EDIT_KEEP, IN_EDIT_DROP, IN_EDIT_SET, IN_EDIT_ADD } in_edit_t;

typedef struct {
  const yyjson_val *at;           /* ADD: the object that gets a member */
  in_span_t name;                 /* ADD: its name; SET: absent */
  in_span_t text;
  bool json;                      /* text is JSON already, else a string's text */
  uint32_t order;
} in_edit_text_t;

typedef struct {
  const in_json_t *json;
  unsigned char *mark;            /* in_edit_t of each value */
  in_edit_text_t *text;           /* in the order of their values, once printing began */
  uint32_t count, size;
  in_arena_t *arena;
  bool any, failed;
} in_edits_t;

bool in_edits_init(in_edits_t *e, const in_json_t *j, in_arena_t *arena);
void in_edits_drop(in_edits_t *e, const yyjson_val *v);
void in_edits_set(in_edits_t *e, const yyjson_val *v, in_span_t text);
void in_edits_set_json(in_edits_t *e, const yyjson_val *v, in_span_t json);
void in_edits_add(in_edits_t *e, const yyjson_val *obj, in_span_t name, in_span_t text, bool json);
/* takes texts back, down to this count; what was dropped stays dropped */
void in_edits_back(in_edits_t *e, uint32_t count);
static inline in_edit_t in_edits_at(const in_edits_t *e, const yyjson_val *v) {
  return (in_edit_t) e->mark[v - e->json->root];
}

/* appends a JSON string with its quotes */
void in_json_quote(in_buf_t *out, in_span_t s);
/* prints v without white space, edited (e may be NULL) */
void in_json_print(in_buf_t *out, const yyjson_val *v, in_edits_t *e);
/* copies the source, edited; what is not edited stays to the byte */
void in_json_splice(in_buf_t *out, in_edits_t *e);

#endif
