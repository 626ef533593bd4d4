/*
** path.c -- any bytes as a request target: normalising twice changes nothing
** more, and no accepted segment holds what another server could split at.
*/
#include <stdlib.h>
#include "api/path.h"

static void check(in_span_t target, bool odata) {
  in_arena_t arena;
  in_path_t p, again, lenient;
  in_arena_init(&arena, &interop_alloc_libc);
  if (in_path_parse(target, odata, &arena, &p) != INTEROP_OK) abort();
  if (in_path_lenient(target, odata, &arena, &lenient) != INTEROP_OK) abort();
  if (!p.malformed) {
    for (uint32_t i = 0; i < p.count; i++) {
      in_span_t s = p.segment[i].text;
      if (s.n == 0 || in_eq(s, IN_SPAN(".")) || in_eq(s, IN_SPAN(".."))) abort();
      for (size_t k = 0; k < s.n; k++)
        if (s.p[k] == '/' || s.p[k] == '\\' || s.p[k] == ';' || (unsigned char) s.p[k] < 0x20) abort();
    }
    in_span_t out = in_path_print(&p, &arena);
    if (in_path_parse(out, odata, &arena, &again) != INTEROP_OK) abort();
    if (again.malformed || again.changed || again.count != p.count) abort();
    if (!in_eq(in_path_print(&again, &arena), out)) abort();
    for (uint32_t i = 0; i < p.count; i++)
      if (!in_eq(p.segment[i].text, again.segment[i].text)) abort();
    if (!p.changed && !in_eq(out, target)) abort();
  }
  in_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check(in_span((const char *) data, size), true);
  check(in_span((const char *) data, size), false);
  return 0;
}
