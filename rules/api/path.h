/*
** path.h -- the request target, taken apart once.
**
** Owns splitting, decoding and normalising; knows no operation. What two
** servers could read differently (an encoded slash, a backslash, a second
** encoding, control characters, invalid UTF-8, ';' parameters, odd keys) is
** never decided here: the path is marked malformed, and match.c asks whether
** any reading of it is under guard. Invariant: parsing in_path_print's target
** again gives the same segments and nothing more to change.
*/
#ifndef IN_PATH_H
#define IN_PATH_H

#include "../base/base.h"

#define IN_PATH_MAX    64u        /* segments; more is malformed */

typedef struct {
  in_span_t raw;                  /* as it came; an OData key without quotes and parentheses */
  in_span_t text;                 /* decoded */
  bool odd;                       /* could be read in two ways */
} in_segment_t;

typedef struct {
  in_segment_t *segment;
  uint32_t count;
  in_span_t query;                /* after '?', or absent */
  bool changed;                   /* normalising merged, split or removed something */
  bool malformed;                 /* a segment is odd, or: */
  bool broken;                    /* the target as a whole cannot be read */
} in_path_t;

/* NOMEM or OK; odata: name('key') is name/key */
interop_status_t in_path_parse(in_span_t target, bool odata, in_arena_t *arena, in_path_t *path);
/* the normalised target; p == NULL: no memory */
in_span_t in_path_print(const in_path_t *path, in_arena_t *arena);
/*
** The most lenient reading of a path: decoded until nothing is left to decode,
** '\' as '/', parameters, control characters, dots and spaces at a segment's end
** gone, letters that are ASCII's to somebody as ASCII. For asking "could this be
** ...?" only.
*/
interop_status_t in_path_lenient(in_span_t target, bool odata, in_arena_t *arena, in_path_t *path);
/* is there anything in a path that is not malformed which only some servers forgive? */
bool in_path_forgiven(const in_path_t *path);
/* value of a query parameter, decoded; *count says how often it stands there */
in_span_t in_path_query(in_span_t query, in_span_t name, in_arena_t *arena, uint32_t *count);
/* appends s percent-encoded as one segment */
void in_path_encode(in_buf_t *out, in_span_t s);
/* percent-decoded; absent: it cannot be read, or no memory */
in_span_t in_path_decode(in_span_t s, in_arena_t *arena);
int in_hex(char c);               /* value of a hexadecimal digit, or -1 */

#endif
