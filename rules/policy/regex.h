/*
** regex.h -- PCRE2 with the library's allocator and limits.
**
** Owns what a regular expression may cost: its length and nesting, and the
** steps and memory of a match. Knows nothing of policies.
*/
#ifndef IN_REGEX_H
#define IN_REGEX_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "../base/base.h"

/* alloc must stay where it is; NULL: no memory */
pcre2_general_context *in_regex_general(const interop_alloc_t *alloc);
/*
** NULL: *code is PCRE2's error (PCRE2_ERROR_NOMEMORY: no memory), *at the
** place in the source. With jit it is made fast, where that is possible.
*/
pcre2_code *in_regex_compile(in_span_t source, pcre2_general_context *general, bool jit, int *code, size_t *at);
/* limits of a match; NULL: no memory */
pcre2_match_context *in_regex_limits(pcre2_general_context *general);
/*
** Can it be used in a guard? SYNTAX: why not and where; NOMEM.
*/
interop_status_t in_regex_check(in_span_t source, const interop_alloc_t *alloc, char *why,
                                size_t why_size, size_t *at);

#endif
