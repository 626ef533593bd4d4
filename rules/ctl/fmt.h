/*
** fmt.h -- a source in its canonical form.
**
** Owns white space and nothing else: words, comments and where the author began
** a line stay. Invariants: the result has the same words in the same order, and
** formatting it again changes nothing.
*/
#ifndef IN_FMT_H
#define IN_FMT_H

#include "../lang/lex.h"

/* appends the formatted source. SYNTAX (the diagnostic says where), NOMEM */
interop_status_t in_fmt(const in_source_t *source, in_buf_t *out, interop_diag_t *diag);

#endif
