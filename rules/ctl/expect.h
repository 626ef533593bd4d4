/*
** expect.h -- what a case expects, held against what came of a step.
**
** Owns the member `expect` of a step. Must not know policies or the judge: it
** sees what a client and an upstream would see.
*/
#ifndef IN_EXPECT_H
#define IN_EXPECT_H

#include "case.h"

/* where failures are told, one call each: what, e.g. "verdict: expected deny, got deliver" */
typedef struct {
  void (*failed)(void *ctx, const char *what);
  void *ctx;
  in_arena_t *arena;
} in_teller_t;

void in_expect_check(yyjson_val *expect, const in_edge_t *e, const in_teller_t *t);
/* value and parameter of an RFC 9651 item; absent if there is none */
in_span_t in_item_value(in_span_t item);
in_span_t in_item_parameter(in_span_t item, const char *name, in_arena_t *a);

#endif
