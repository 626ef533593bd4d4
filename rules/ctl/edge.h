/*
** edge.h -- one request through the edge, without sockets.
**
** Owns what the nginx module does around the judge: which calls come in which
** order, what becomes of headers, how a response is composed, when effects are
** kept. Must not know what is expected of any of it. Invariant: the judge is
** driven by the public calls only, as the module drives it, so that a case has
** one outcome here and there.
*/
#ifndef IN_EDGE_H
#define IN_EDGE_H

#include "pack.h"
#include "../store/memory.h"

typedef struct { in_span_t name, value; } in_header_t;

/* a request or a response; spans live in the case's arena */
typedef struct {
  in_span_t method, target;       /* a response: absent */
  unsigned status;
  in_header_t *header;
  uint32_t headers, room;
  in_span_t body;                 /* absent: none */
} in_wire_t;

#define IN_EDGE_MAX_BODY  ((size_t) 1 << 20)    /* interop_max_body's default */
#define IN_EDGE_UPSTREAM  (INTEROP_FETCHES_MAX + 8)    /* requests of one exchange, at most */

typedef struct {
  const interop_policy_t *policy;
  in_memory_t *memory;
  interop_source_t source;        /* where records are looked up; lookup NULL: in memory */
  in_arena_t *arena;
  int api;
  bool native, monitor;
  bool assumes;                   /* a meeting that upstream_answers do not tell of is made */
  in_span_t sender, client_country, client_agent;
  int64_t now;
  in_host_t *host;                /* what runs scripts; NULL: nothing does */
  unsigned script;                /* one that the location attaches; 0: none */
  in_wire_t client;               /* what the client sends */
  const in_wire_t *answers;       /* upstream's, in order; used up: 200 with {} */
  uint32_t answers_count, answers_used;
  FILE *audit;                    /* where a line is written for what was judged; NULL: nowhere */
  /* what came of it */
  in_wire_t upstream[IN_EDGE_UPSTREAM];
  uint32_t upstream_count;
  in_wire_t response;
  interop_request_t request;
  interop_judge_t *judge;         /* NULL: outside of policy */
  interop_match_t match;
} in_edge_t;

/* OK, or why it could not be run to its end; the judge stays until in_edge_end */
interop_status_t in_edge_run(in_edge_t *e);
/* the two halves of it: up to the plan (nothing is sent, nothing kept but what
** was fetched), and what the plan says */
interop_status_t in_edge_judge(in_edge_t *e);
interop_status_t in_edge_finish(in_edge_t *e);
void in_edge_end(in_edge_t *e);

bool in_wire_add(in_wire_t *w, in_arena_t *a, in_span_t name, in_span_t value);
/* value of a header, by its name in any case; absent if there is none */
in_span_t in_wire_header(const in_wire_t *w, const char *name);
/* all of it as it would stand on the wire */
in_span_t in_wire_raw(const in_wire_t *w, in_arena_t *a);

#endif
