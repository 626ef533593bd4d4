/*
** json_read.h -- JSON text into values: the reader behind in_json_parse.
**
** Knows the grammar and its limits; not names that stand twice, nor how errors
** are told.
*/
#ifndef IN_JSON_READ_H
#define IN_JSON_READ_H

#include "json.h"

/*
** OK; NOMEM; SYNTAX; FULL: more than `most` values, or nested too deep. The last
** two tell where. The text must live as long as the values.
*/
interop_status_t in_json_read(in_span_t text, size_t most, in_arena_t *arena, in_json_t *j,
                              in_json_error_t *err);

#endif
