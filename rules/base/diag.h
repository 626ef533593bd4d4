/*
** diag.h -- errors for people: place, source line, caret, suggestion.
**
** Owns the form of interop_diag_t's text. Knows sources only as named byte
** ranges. The first error stays; later ones are passed over (sticky).
*/
#ifndef IN_DIAG_H
#define IN_DIAG_H

#include <stdarg.h>
#include "base.h"

typedef struct {
  in_span_t name;                 /* file name as the user gave it */
  in_span_t text;
} in_source_t;

/* a range of a source; source == NULL: no place */
typedef struct {
  const in_source_t *source;
  uint32_t offset, length;
} in_place_t;

void in_diag_clear(interop_diag_t *d);
/* no-ops if d already holds an error; fmt is printf's */
void in_diag_set(interop_diag_t *d, interop_status_t status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void in_diag_at(interop_diag_t *d, interop_status_t status, in_place_t place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* appends "  hint: ..." to an error just set */
void in_diag_hint(interop_diag_t *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* the candidate nearest to word by edit distance, or IN_NONE if none is near */
in_span_t in_nearest(in_span_t word, const in_span_t *candidates, size_t count);

#endif
