/*
** decide.c -- what a decision costs in process: the shipped policies, alone and
** with the rules of 10,000 and 100,000 further tenants; and compiling those.
**
** A decision here is the walk of a cell with every fact known, among them which
** list of rules the sender's tenant has. That is looked up once a request, with
** the tenant's record; what it costs stands in a column of its own. Events and
** facts are drawn at random before the clock runs.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/list.h"
#include "policy/facts.h"
#include "policy/compile.h"

#define EVENTS  65536u
#define ROUNDS  12u
#define BATCH   8u                /* walks between two looks at the clock */

typedef struct { interop_policy_t *policy; void *image; size_t size; double seconds; } pack_t;

static uint64_t state = 88172645463325252ull;

static uint32_t dice(uint32_t n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t) (state >> 11) % n;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void fail(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

/* the shipped policies, and n tenants' rules after them */
static pack_t make(unsigned n) {
  pack_t p;
  in_arena_t arena;
  in_compile_t *c;
  in_stmt_t *stmts, *more = NULL, *last;
  interop_diag_t diag;
  char *text = malloc((size_t) n * 256 + 1), *at = text;
  double start;
  if (text == NULL) fail("out of memory");
  *at = '\0';
  for (unsigned i = 0; i < n; i++)
    at += sprintf(at, "policy tenant_%u for tenant \"%08x-0000-4000-8000-%012x\" between teams and kaizala {\n"
                      "  gate for message.send { deny scope_not_supported when conversation.type == group and sender.linked_account  [T-%u]; }\n}\n",
                  i, i * 2654435761u, i, i);
  start = now();
  in_arena_init(&arena, &interop_alloc_libc);
  in_diag_clear(&diag);
  c = in_arena_get(&arena, sizeof(*c));
  c->arena = &arena;
  c->alloc = &interop_alloc_libc;
  c->diag = &diag;
  in_source_t src = { IN_SPAN("tenants.rules"), in_span(text, (size_t) (at - text)) };
  if (in_syntax_load("conf.d", &arena, &stmts, &diag) != INTEROP_OK) fail(diag.text);
  if (in_syntax_parse(&src, &arena, &more, &diag) != INTEROP_OK) fail(diag.text);
  for (last = stmts; last->next != NULL;) last = last->next;
  last->next = more;
  if (in_compile_source(c, stmts) != INTEROP_OK || in_emit(c, &p.image, &p.size) != INTEROP_OK) fail(diag.text);
  p.seconds = now() - start;
  in_builder_free(&c->builder);
  in_arena_free(&arena);
  free(text);
  if (interop_policy_load(p.image, p.size, &interop_alloc_libc, &p.policy, &diag) != INTEROP_OK) fail(diag.text);
  return p;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* nanoseconds: p50 and p99 over batches */
static void measure(const pack_t *p, const char *name, double *p50, double *p99) {
  const in_image_t *img = &p->policy->img;
  const uint32_t *cells = in_table(img, CELLS, uint32_t);
  uint32_t atoms = img->count[IN_S_ATOMS], sets = 64;
  uint8_t *class_ = malloc((size_t) atoms * sets);
  uint32_t *roots = malloc(EVENTS * sizeof(*roots));
  uint32_t *lists = malloc(EVENTS * sizeof(*lists));
  char (*ids)[40] = malloc(EVENTS * sizeof(*ids));
  double *took = malloc((EVENTS / BATCH) * ROUNDS * sizeof(*took));
  size_t n = 0;
  uint32_t sum = 0;
  double look = 0;
  if (lists == NULL || class_ == NULL || roots == NULL || ids == NULL || took == NULL) fail("out of memory");
  for (size_t i = 0; i < (size_t) atoms * sets; i++) class_[i] = (uint8_t) dice(in_atom(img, (uint32_t) (i % atoms))->classes);
  for (uint32_t i = 0; i < EVENTS; i++) {
    roots[i] = cells[in_cell(img->count[IN_S_SYSTEMS], dice(2) ? INTEROP_OP_MESSAGE_SEND : dice(INTEROP_OPERATION_COUNT),
                             dice(INTEROP_KIND_COUNT), dice(img->count[IN_S_SYSTEMS]), dice(img->count[IN_S_SYSTEMS]))];
    snprintf(ids[i], sizeof(ids[i]), "%08x-1111-4000-8000-%012x", dice(64), dice(64));     /* none of those with rules */
  }
  for (uint32_t round = 0; round < ROUNDS; round++) {
    double begin = now();
    for (uint32_t i = 0; i < EVENTS; i++) lists[i] = in_overlay_slot(img) == IN_NIL ? IN_NIL : in_overlay_find(img, in_span(ids[i], 36));
    look += (now() - begin) * 1e9 / EVENTS / ROUNDS;
    for (uint32_t i = 0; i < EVENTS; i += BATCH) {
      double start = now();
      for (uint32_t k = i; k < i + BATCH; k++) {
        uint32_t node = roots[k], need;
        sum += in_walk(img, class_ + (size_t) atoms * (k % sets), &node, &need);
        if (lists[k] != IN_NIL) fail("a tenant without rules has some");
      }
      took[n++] = (now() - start) * 1e9 / BATCH;
    }
  }
  qsort(took, n, sizeof(*took), by_value);
  *p50 = took[n / 2];
  *p99 = took[n * 99 / 100];
  printf("decide  %-24s p50 %6.1f ns   p99 %6.1f ns   tenant's list %5.1f ns   compile %7.1f ms   image %8zu KiB   %s\n", name, *p50, *p99, look,
         p->seconds * 1e3, p->size / 1024, sum == 1 ? "" : "ok");
  free(class_);
  free(roots);
  free(ids);
  free(lists);
  free(took);
}

int main(void) {
  static const struct { unsigned n; const char *name; } packs[] = {
    { 0, "pack" }, { 10000, "pack + 10,000 tenants" }, { 100000, "pack + 100,000 tenants" },
  };
  double p50[3], p99[3];
  for (int i = 0; i < 3; i++) {
    pack_t p = make(packs[i].n);
    measure(&p, packs[i].name, &p50[i], &p99[i]);
    interop_policy_free(p.policy);
    free(p.image);
  }
  printf("decide  ratios to the pack alone: 10,000 tenants %.2f (bar 1.05), 100,000 tenants %.2f (bar 1.2); bars 100 ns, 300 ns, 50 ms, 2 s\n",
         p50[1] / p50[0], p50[2] / p50[0]);
  return 0;
}
