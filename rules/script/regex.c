/*
** regex.c -- regular expressions for scripts: PCRE2, and a bound on its time.
**
** Owns the bound. PCRE2's match limit holds for each place where a match may
** start, so it does not bound a match; here a match is tried at a few places at
** a time, and whoever asked says in between whether to go on. Between two such
** questions lies about a millisecond, whatever the pattern and the text are.
*/
#include <stdio.h>
#include "script.h"
#include "../policy/regex.h"

#define TEXT_MAX     32768u             /* bytes of a text */
#define SOURCE_MAX   1024u              /* bytes of a pattern */
#define PARENS_MAX   50u
#define STEPS        65536u             /* of all starts of a piece, at first */
#define LIMIT        5000u              /* of one start, at last */
#define DEPTH        1000u
#define HEAP         512u               /* KiB */
#define WORK         (1u << 20)         /* starts of a piece times the text's length */
#define FEW          4u                 /* starts of a piece that are dear */

struct interop_regex_s {
  interop_alloc_t alloc;
  pcre2_general_context *general;
  pcre2_code *code;
  pcre2_match_data *data;
  pcre2_match_context *limits;
};

void in_script_regex_free(interop_regex_t *re) {
  interop_alloc_t a;
  if (re == NULL) return;
  pcre2_match_context_free(re->limits);
  pcre2_match_data_free(re->data);
  pcre2_code_free(re->code);
  pcre2_general_context_free(re->general);
  a = re->alloc;
  a.resize(a.ctx, re, sizeof(*re), 0);
}

static interop_status_t compile(interop_regex_t *re, in_span_t pattern, char *why, size_t why_size) {
  pcre2_compile_context *c = pcre2_compile_context_create(re->general);
  int code = PCRE2_ERROR_NOMEMORY;
  size_t at = 0;
  if (c == NULL) return INTEROP_NOMEM;
  pcre2_set_max_pattern_length(c, SOURCE_MAX);
  pcre2_set_parens_nest_limit(c, PARENS_MAX);
  re->code = pcre2_compile((PCRE2_SPTR) (pattern.p == NULL ? "" : pattern.p), pattern.n,
                           PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT,
                           &code, &at, c);
  pcre2_compile_context_free(c);
  if (re->code != NULL) return INTEROP_OK;
  if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY) return INTEROP_NOMEM;
  if (pcre2_get_error_message(code, (PCRE2_UCHAR *) why, why_size) < 0) snprintf(why, why_size, "error %d", code);
  return INTEROP_SYNTAX;
}

static interop_status_t make(interop_regex_t *re, in_span_t pattern, size_t *size, char *why, size_t why_size) {
  interop_status_t rc;
  size_t bytes = 0;
  re->general = in_regex_general(&re->alloc);
  if (re->general == NULL) return INTEROP_NOMEM;
  rc = compile(re, pattern, why, why_size);
  if (rc != INTEROP_OK) return rc;
  re->data = pcre2_match_data_create(INTEROP_REGEX_GROUPS, re->general);
  re->limits = pcre2_match_context_create(re->general);
  if (re->data == NULL || re->limits == NULL) return INTEROP_NOMEM;
  pcre2_set_depth_limit(re->limits, DEPTH);
  pcre2_set_heap_limit(re->limits, HEAP);
  (void) pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);       /* without it: slower */
  *size = sizeof(*re) + 1024;
  if (pcre2_pattern_info(re->code, PCRE2_INFO_SIZE, &bytes) == 0) *size += bytes;
  if (pcre2_pattern_info(re->code, PCRE2_INFO_JITSIZE, &bytes) == 0) *size += bytes;
  return INTEROP_OK;
}

interop_status_t in_script_regex_new(in_span_t pattern, const interop_alloc_t *alloc, interop_regex_t **regex,
                                     size_t *size, char *why, size_t why_size) {
  interop_regex_t *re = alloc->resize(alloc->ctx, NULL, 0, sizeof(*re));
  interop_status_t rc;
  if (re == NULL) return INTEROP_NOMEM;
  memset(re, 0, sizeof(*re));
  re->alloc = *alloc;
  rc = make(re, pattern, size, why, why_size);
  if (rc != INTEROP_OK) in_script_regex_free(re);
  else *regex = re;
  return rc;
}

/* ---- matching */

typedef struct {
  interop_regex_t *re;
  in_span_t text;
  uint32_t options;
} search_t;

/* starts in [from, to); PCRE2's code */
static int try_at(const search_t *s, size_t from, size_t to, uint32_t limit) {
  int rc;
  pcre2_set_offset_limit(s->re->limits, to - 1);
  pcre2_set_match_limit(s->re->limits, limit);
  rc = pcre2_match(s->re->code, (PCRE2_SPTR) (s->text.p == NULL ? "" : s->text.p), s->text.n, from, s->options,
                   s->re->data, s->re->limits);
  if (rc != PCRE2_ERROR_JIT_STACKLIMIT) return rc;
  return pcre2_match(s->re->code, (PCRE2_SPTR) s->text.p, s->text.n, from, s->options | PCRE2_NO_JIT, s->re->data,
                     s->re->limits);
}

/* a start lies at a character's first byte */
static size_t at_character(in_span_t text, size_t at) {
  while (at < text.n && ((unsigned char) text.p[at] & 0xc0) == 0x80) at++;
  return at;
}

/* the same where a start may cost much: a few at a time */
static int try_dear(const search_t *s, size_t from, size_t to, int (*go_on)(void *arg), void *arg) {
  while (from < to) {
    size_t end = at_character(s->text, from + FEW < to ? from + FEW : to);
    int rc = try_at(s, from, end, LIMIT);
    if (rc != PCRE2_ERROR_NOMATCH) return rc;
    if (!go_on(arg)) return PCRE2_ERROR_MATCHLIMIT;
    from = end;
  }
  return PCRE2_ERROR_NOMATCH;
}

static int search(const search_t *s, size_t from, int (*go_on)(void *arg), void *arg) {
  size_t n = s->text.n + 1, piece = WORK / n < FEW ? FEW : WORK / n;
  uint32_t limit = STEPS / (uint32_t) n < 16 ? 16 : STEPS / (uint32_t) n;
  while (from < n) {
    size_t end = at_character(s->text, n - from > piece ? from + piece : n);
    int rc = try_at(s, from, end, limit);
    if (rc == PCRE2_ERROR_MATCHLIMIT) rc = try_dear(s, from, end, go_on, arg);
    if (rc != PCRE2_ERROR_NOMATCH) return rc;
    from = end;
    if (from < n && !go_on(arg)) return PCRE2_ERROR_MATCHLIMIT;
  }
  return PCRE2_ERROR_NOMATCH;
}

interop_status_t in_script_regex_match(interop_regex_t *re, in_span_t text, size_t from, int (*go_on)(void *arg),
                                       void *arg, size_t *spans, uint32_t *groups) {
  search_t s = { re, text, 0 };
  const size_t *v;
  int rc;
  if (text.n > TEXT_MAX) return INTEROP_FULL;
  if (in_utf8_check(text) == text.n) s.options = PCRE2_NO_UTF_CHECK;
  rc = search(&s, from, go_on, arg);
  if (rc == PCRE2_ERROR_NOMATCH) return INTEROP_MISSING;
  if (rc == PCRE2_ERROR_NOMEMORY) return INTEROP_NOMEM;
  if (rc < 0) return INTEROP_FULL;
  *groups = 0;
  if (pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, groups) != 0) return INTEROP_FULL;
  ++*groups;
  if (*groups > INTEROP_REGEX_GROUPS) *groups = INTEROP_REGEX_GROUPS;
  v = pcre2_get_ovector_pointer(re->data);
  for (uint32_t i = 0; i < *groups * 2; i++)
    spans[i] = rc > 0 && i / 2 >= (uint32_t) rc ? PCRE2_UNSET : v[i];
  if (spans[0] > spans[1]) return INTEROP_MISSING;      /* \K in a lookahead can do that */
  return INTEROP_OK;
}
