/*
** case.h -- behaviour cases: a file of them, what is known, what is sent.
**
** Owns the form of case files (t/cases/README.md) but for `expect`, which is
** expect.c's. Must not know the judge. Invariant: a body given as `json` is
** sent compact, its members and the spelling of its numbers as in the file.
*/
#ifndef IN_CASE_H
#define IN_CASE_H

#include <yyjson.h>
#include "edge.h"

typedef struct {
  const char *path;               /* for messages */
  in_span_t text;                 /* owned */
  yyjson_doc *doc;
  yyjson_val *root;
} in_case_file_t;

/* False: told on standard error */
bool in_case_open(in_case_file_t *f, const char *path);
void in_case_close(in_case_file_t *f);

/* a member of an object; NULL if there is none */
yyjson_val *in_case_get(yyjson_val *object, const char *name);
/* its text; absent if it is none */
in_span_t in_case_text(yyjson_val *object, const char *name);
bool in_case_true(yyjson_val *object, const char *name);
int64_t in_case_number(yyjson_val *v, int64_t otherwise);
/* a value as compact JSON */
in_span_t in_case_print(const yyjson_val *v, in_arena_t *a);

/* puts what is known into memory. False: what is wrong is in diag */
bool in_case_given(yyjson_val *given, in_memory_t *m, in_arena_t *a, interop_diag_t *diag);
/* a step's request and upstream's answers into e, whose policy, memory and
** arena are set; `given` has the time. False: diag */
bool in_case_step(yyjson_val *given, yyjson_val *step, in_edge_t *e, interop_diag_t *diag);
/* why this cannot be run with this policy, or NULL; text lives in a */
const char *in_case_skip_given(const interop_policy_t *policy, yyjson_val *given, in_arena_t *a);
const char *in_case_skip(const interop_policy_t *policy, yyjson_val *step, in_arena_t *a);

#endif
