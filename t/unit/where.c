/*
** where.c -- the guards that are passed over for an event are false of it.
**
** Every guard of the shipped policies is walked for every operation and pair of
** systems, with made-up classes for all other facts: where it comes to anything but
** FALSE it must be among those that are looked at. And most are not.
*/
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "policy/facts.h"

#define TRIES  24u

static interop_policy_t *policy;
static uint8_t classes[IN_MAX_ATOMS + 16];
static uint32_t seed = 1;

static uint32_t any(uint32_t n) {
  seed = seed * 1664525u + 1013904223u;
  return (uint32_t) (((uint64_t) seed * n) >> 32);
}

static bool load(const char *path, void **image) {
  interop_diag_t diag;
  size_t size;
  if (interop_compile_file(path, &interop_alloc_libc, image, &size, NULL, NULL, &diag) == INTEROP_OK
      && interop_policy_load(*image, size, &interop_alloc_libc, &policy, &diag) == INTEROP_OK) return true;
  printf("# %s\n", diag.text);
  return false;
}

static uint8_t class_of(const in_pi_atom_t *a, uint32_t value) {
  return value >= a->map.count ? 0 : (uint8_t) in_table(&policy->img, INDEXES, uint32_t)[a->map.first + value];
}

/* an event, of which all that is not given is made up */
static void make_up(uint32_t op, uint32_t from, uint32_t to) {
  const in_image_t *img = &policy->img;
  for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++) {
    const in_pi_atom_t *a = in_atom(img, i);
    const in_pi_slot_t *s = in_slot(img, a->slot);
    bool given = s->subject == IN_SUB_REQUEST && a->kind == IN_ATOM_ENUM;
    classes[i] = (uint8_t) any(a->classes);
    if (given && s->field == IN_RF_OPERATION) classes[i] = class_of(a, op);
    if (given && s->field == IN_RF_FROM) classes[i] = class_of(a, from);
    if (given && s->field == IN_RF_TO) classes[i] = class_of(a, to);
  }
}

static bool holds(uint32_t guard) {
  uint32_t need, node = guard;
  return in_outcome(&policy->img, in_walk(&policy->img, classes, &node, &need))->kind != IN_OUT_FALSE;
}

typedef struct { uint32_t wrong, seen, passed_over, all; } tally_t;

static void look(tally_t *t, const in_where_t *table, uint32_t i, uint32_t guard, uint32_t op, uint32_t from, uint32_t to) {
  const in_where_t *w = &table[i / 64];
  bool met = w->operation[op] & w->from[from] & w->to[to] & (uint64_t) 1 << i % 64;
  t->all++;
  t->passed_over += !met;
  for (uint32_t k = 0; k < TRIES; k++) {
    make_up(op, from, to);
    if (!holds(guard)) continue;
    t->seen++;
    t->wrong += !met;
  }
}

static void look_all(tally_t *t, uint32_t op, uint32_t from, uint32_t to) {
  const in_image_t *img = &policy->img;
  for (uint32_t i = 0; i < img->count[IN_S_NOTICES]; i++)
    look(t, policy->notice_where, i, in_table(img, NOTICES, in_pi_notice_t)[i].guard, op, from, to);
  for (uint32_t i = 0; i < img->count[IN_S_READINGS]; i++) {
    const in_pi_reading_t *r = &in_table(img, READINGS, in_pi_reading_t)[i];
    if (r->from == from) look(t, policy->reading_where, i, r->guard, op, from, to);
  }
  for (uint32_t i = 0; i < img->count[IN_S_AMENDS]; i++) {
    const in_pi_amend_t *a = &in_table(img, AMENDS, in_pi_amend_t)[i];
    if ((a->ops >> op & 1) && (a->from >> from & 1) && (a->to >> to & 1)) look(t, policy->amend_where, i, a->guard, op, from, to);
  }
}

static void shipped(void) {
  uint32_t systems = policy->img.count[IN_S_SYSTEMS];
  tally_t t = { 0, 0, 0, 0 };
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++)
    for (uint32_t from = 0; from < systems; from++)
      for (uint32_t to = 0; to <= systems; to++) look_all(&t, op, from, to);
  is_number(t.wrong, 0, "no guard is passed over that may hold");
  ok(t.seen > 1000, "many did hold (%u)", t.seen);
  ok(t.passed_over * 2 > t.all, "and most are passed over (%u of %u)", t.passed_over, t.all);
}

/* of more guards than a set has room for, each has its own place */
static bool many(FILE *f, const char *here) {
  fprintf(f, "include \"%s/conf.d/vocabulary.rules\";\npolicy p between teams and kaizala {\n"
             "  matrix teams -> kaizala { * deliver; }\n  matrix kaizala -> teams { * deliver; }\n  reads from teams {\n", here);
  for (int i = 0; i < 130; i++)
    fprintf(f, "    kaizala when operation == %s and recipient.kind == service;\n", i % 3 == 0 ? "message.send" : "message.edit");
  fprintf(f, "  }\n}\n");
  return fclose(f) == 0;
}

static void crowded(void) {
  uint32_t wrong = 0, from = in_find_system(&policy->img, IN_SPAN("teams"));
  is_number(policy->img.count[IN_S_READINGS], 130, "130 readings");
  for (uint32_t i = 0; i < policy->img.count[IN_S_READINGS]; i++) {
    const in_where_t *w = &policy->reading_where[i / 64];
    bool sent = w->operation[INTEROP_OP_MESSAGE_SEND] >> i % 64 & 1, edited = w->operation[INTEROP_OP_MESSAGE_EDIT] >> i % 64 & 1;
    wrong += sent != (i % 3 == 0) || edited == sent || !(w->from[from] >> i % 64 & 1) || (w->from[1 - from] >> i % 64 & 1);
  }
  is_number(wrong, 0, "each is looked at for its own operation and system");
}

int main(void) {
  char path[] = "/tmp/interop-where-XXXXXX.rules", here[512];
  void *image = NULL, *other = NULL;
  int fd = mkstemps(path, 6);
  FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
  if (f == NULL || getcwd(here, sizeof(here)) == NULL || !many(f, here)) return ok(0, "a file"), done();
  if (ok(load("conf.d", &image), "the shipped policies")) {
    shipped();
    interop_policy_free(policy);
  }
  if (ok(load(path, &other), "a policy with many readings")) {
    crowded();
    interop_policy_free(policy);
  }
  unlink(path);
  free(image);
  free(other);
  return done();
}
