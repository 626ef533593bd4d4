/*
** regex.c -- see regex.h. PCRE2 frees without a size: every block it gets has
** its size in front.
** Owns the limits under which patterns are compiled and matched; must not know
** which fact is matched.
*/
#include "regex.h"

#define MAX_SOURCE   1024u        /* bytes of a pattern */
#define MAX_PARENS   50u
#define MATCH_LIMIT  10000u
#define DEPTH_LIMIT  200u
#define HEAP_LIMIT   64u          /* KiB */
#define FRONT        16u          /* keeps blocks aligned for any type */

static void *get(PCRE2_SIZE size, void *ctx) {
  const interop_alloc_t *a = ctx;
  size_t whole;
  char *p;
  if (!in_add(size, FRONT, &whole)) return NULL;
  p = a->resize(a->ctx, NULL, 0, whole);
  if (p == NULL) return NULL;
  memcpy(p, &whole, sizeof(whole));
  return p + FRONT;
}

static void put(void *block, void *ctx) {
  const interop_alloc_t *a = ctx;
  size_t whole;
  if (block == NULL) return;
  memcpy(&whole, (char *) block - FRONT, sizeof(whole));
  a->resize(a->ctx, (char *) block - FRONT, whole, 0);
}

pcre2_general_context *in_regex_general(const interop_alloc_t *alloc) {
  return pcre2_general_context_create(get, put, (void *) (uintptr_t) alloc);
}

pcre2_code *in_regex_compile(in_span_t source, pcre2_general_context *general, bool jit, int *code, size_t *at) {
  pcre2_compile_context *limits = pcre2_compile_context_create(general);
  pcre2_code *re;
  *at = 0;
  *code = PCRE2_ERROR_NOMEMORY;
  if (limits == NULL) return NULL;
  pcre2_set_max_pattern_length(limits, MAX_SOURCE);
  pcre2_set_parens_nest_limit(limits, MAX_PARENS);
  re = pcre2_compile((PCRE2_SPTR) (source.p == NULL ? "" : source.p), source.n,
                     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, code, at, limits);
  pcre2_compile_context_free(limits);
  if (re != NULL && jit) (void) pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);     /* without it: slower */
  return re;
}

pcre2_match_context *in_regex_limits(pcre2_general_context *general) {
  pcre2_match_context *m = pcre2_match_context_create(general);
  if (m == NULL) return NULL;
  pcre2_set_match_limit(m, MATCH_LIMIT);
  pcre2_set_depth_limit(m, DEPTH_LIMIT);
  pcre2_set_heap_limit(m, HEAP_LIMIT);
  return m;
}

interop_status_t in_regex_check(in_span_t source, const interop_alloc_t *alloc, char *why,
                                size_t why_size, size_t *at) {
  pcre2_general_context *general = in_regex_general(alloc);
  pcre2_code *re;
  int code;
  *at = 0;
  if (general == NULL) return INTEROP_NOMEM;
  re = in_regex_compile(source, general, false, &code, at);
  if (re == NULL && pcre2_get_error_message(code, (PCRE2_UCHAR *) why, why_size) < 0) why[0] = '\0';
  pcre2_code_free(re);
  pcre2_general_context_free(general);
  if (re != NULL) return INTEROP_OK;
  return code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY ? INTEROP_NOMEM : INTEROP_SYNTAX;
}
