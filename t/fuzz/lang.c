/*
** lang.c -- any bytes as .rules: they compile to an image that is accepted, or
** give an error whose text ends and whose place is in the source.
*/
#include <stdlib.h>
#include "policy/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  in_arena_t arena;
  in_compile_t *c;
  in_stmt_t *stmts;
  interop_diag_t diag;
  interop_policy_t *p;
  void *image = NULL;
  size_t n = 0;
  interop_status_t rc;
  in_source_t src = { IN_SPAN("fuzz.rules"), in_span((const char *) data, size) };
  in_diag_clear(&diag);
  in_arena_init(&arena, &interop_alloc_libc);
  c = in_arena_get(&arena, sizeof(*c));
  if (c == NULL) return 0;
  c->arena = &arena;
  c->alloc = &interop_alloc_libc;
  c->diag = &diag;
  rc = in_syntax_parse(&src, &arena, &stmts, &diag);
  if (rc == INTEROP_OK) {
    rc = in_compile_source(c, stmts);
    if (rc == INTEROP_OK) rc = in_emit(c, &image, &n);
    in_builder_free(&c->builder);
  }
  if (rc != diag.status || memchr(diag.text, 0, sizeof(diag.text)) == NULL || diag.line > size + 1) abort();
  if (rc == INTEROP_OK) {
    if (interop_policy_load(image, n, &interop_alloc_libc, &p, &diag) != INTEROP_OK) abort();
    interop_policy_free(p);
    interop_alloc_libc.resize(NULL, image, n, 0);
  }
  in_arena_free(&arena);
  return 0;
}
