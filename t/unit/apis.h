/*
** apis.h -- API definitions compiled for a test: sources in, image out.
*/
#ifndef T_APIS_H
#define T_APIS_H

#include <stdio.h>
#include <stdlib.h>
#include "api/api.h"
#include "policy/compile.h"

#define VOCABULARY \
  "system teams { title \"Teams\"; tier C; } system kaizala { title \"Kaizala\"; tier C; }\n" \
  "system acs { title \"ACS\"; tier C; } system sfb { title \"SfB\"; tier C; }\n" \
  "reason malformed_body 400 \"-\"; reason failed_dependency 424 \"-\"; reason no_answer 502 \"-\";\n" \
  "reason too_many_requests 429 \"-\"; reason too_many_members 400 \"-\";\n"

typedef struct {
  in_arena_t arena;               /* of the compilation */
  void *bytes;
  size_t size;
  in_image_t img;
  interop_diag_t diag;
} apis_t;

__attribute__((unused))
static char *apis_slurp(const char *path) {
  FILE *f = fopen(path, "rb");
  char *p = malloc(1 << 20);
  size_t n = f != NULL && p != NULL ? fread(p, 1, (1 << 20) - 1, f) : 0;
  if (f != NULL) fclose(f);
  if (p != NULL) p[n] = 0;
  return p;
}

static interop_status_t apis_source(apis_t *a, in_builder_t *b, in_vocab_t *v, const char *name,
                                    const char *text) {
  in_source_t *src = in_arena_get(&a->arena, sizeof(*src));
  in_stmt_t *stmts;
  if (src == NULL) return INTEROP_NOMEM;
  src->name = in_str(name);
  src->text = in_str(text);
  interop_status_t rc = in_syntax_parse(src, &a->arena, &stmts, &a->diag);
  if (rc == INTEROP_OK) rc = in_vocab_read(v, stmts, &a->diag);
  for (; rc == INTEROP_OK && stmts != NULL; stmts = stmts->next)
    if (in_tok_is(stmts, 0, "api")) rc = in_api_compile(v, stmts, b, &a->arena, &a->diag);
  return rc;
}

static void apis_systems(in_builder_t *b, const in_vocab_t *v) {
  for (uint32_t i = 0; i < v->systems.n; i++) {
    in_pi_system_t s = { in_builder_str(b, v->systems.at[i].name), { 0, 0 }, 0, 0 };
    in_builder_add(b, IN_S_SYSTEMS, &s, 1, sizeof(s));
  }
}

/* sources: name, text, name, text, ..., NULL */
__attribute__((unused))
static interop_status_t apis_compile(apis_t *a, const interop_alloc_t *alloc, const char *const *sources) {
  in_vocab_t v;
  in_builder_t b;
  memset(a, 0, sizeof(*a));
  memset(&v, 0, sizeof(v));
  in_arena_init(&a->arena, alloc);
  in_diag_clear(&a->diag);
  v.arena = &a->arena;
  in_builder_init(&b, &a->arena, alloc);
  in_builder_str(&b, IN_SPAN(""));
  interop_status_t rc = apis_source(a, &b, &v, "vocabulary", VOCABULARY);
  for (; rc == INTEROP_OK && sources[0] != NULL; sources += 2)
    rc = apis_source(a, &b, &v, sources[0], sources[1]);
  apis_systems(&b, &v);
  if (rc == INTEROP_OK) rc = in_api_finish(&v, &b, &a->arena, &a->diag);
  if (rc == INTEROP_OK) rc = in_builder_finish(&b, in_record_size, alloc, &a->bytes, &a->size);
  if (rc == INTEROP_OK) rc = in_image_open(a->bytes, a->size, in_record_size, &a->img, &a->diag);
  if (rc == INTEROP_OK) rc = in_api_verify(&a->img, &a->diag);
  in_builder_free(&b);
  return rc;
}

__attribute__((unused))
static void apis_free(apis_t *a, const interop_alloc_t *alloc) {
  in_arena_free(&a->arena);
  if (a->bytes != NULL) alloc->resize(alloc->ctx, a->bytes, a->size, 0);
}

__attribute__((unused))
static int apis_find(const apis_t *a, const char *name) {
  const in_ai_api_t *r = (const in_ai_api_t *) a->img.section[IN_S_APIS];
  for (uint32_t i = 0; i < a->img.count[IN_S_APIS]; i++)
    if (in_eq(in_image_str(&a->img, r[i].name), in_str(name))) return (int) i;
  return -1;
}

/* one request through match and read */
typedef struct {
  in_arena_t arena;
  in_match_t m;
  in_event_t ev;
  interop_status_t rc;
} apis_run_t;

__attribute__((unused))
static void apis_read(const apis_t *a, const interop_alloc_t *alloc, apis_run_t *r, const char *api,
                      const char *method, const char *target, const char *type, const char *body, size_t n) {
  interop_target_t t = { in_str(method), in_str(target) };
  interop_request_t req;
  memset(&req, 0, sizeof(req));
  memset(&r->ev, 0, sizeof(r->ev));
  in_arena_init(&r->arena, alloc);
  if (type != NULL) req.content_type = in_str(type);
  if (body != NULL) req.body = in_span(body, n);
  r->rc = in_api_match(&a->img, apis_find(a, api), &t, &r->arena, &r->m);
  if (r->rc == INTEROP_OK && r->m.operation != IN_NIL)
    r->rc = in_api_read(&a->img, &r->m, &req, &r->arena, NULL, &r->ev);
}

#endif
