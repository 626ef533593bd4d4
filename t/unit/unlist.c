/*
** unlist.c -- lists of rules and the diagrams that rules/ctl/unlist.c makes of
** them come to the same, for assignments drawn at random: cells of random
** policies, lists by a budget of nothing, and of one that is too large for the
** compiler; and rules of a tenant. What is undetermined is compared as such:
** which of several missing facts is named, the diagrams of cells do not tell.
*/
#include <stdlib.h>

#include "tap.h"
#include "ctl/unlist.h"
#include "ctl/words.h"
#include "policy/compile.h"
#include "policy/facts.h"

static uint64_t state = 88172645463325252u;

static uint32_t dice(uint32_t n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t) (state >> 20) % n;
}

static char text[1 << 16];
static size_t length;

__attribute__((format(printf, 1, 2)))
static void put(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  length += (size_t) vsnprintf(text + length, sizeof(text) - length, fmt, args);
  va_end(args);
}

static const char vocabulary[] =
  "system a { title \"A\"; }\nsystem b { title \"B\"; }\n"
  "reason malformed_path 400 \"-\"; reason malformed_body 400 \"-\"; reason unsupported_media_type 415 \"-\";\n"
  "reason body_too_large 413 \"-\"; reason unmatched 404 \"-\"; reason store_unavailable 503 \"-\";\n"
  "reason r0 403 \"-\"; reason r1 403 \"-\"; reason r2 403 \"-\"; reason no_policy 403 \"-\"; reason undetermined 403 \"-\";\n"
  "record tenant { id code; }\nrecord user { mode one of x y z; }\n";

/* ---- random rules over flags f0 ... */

static unsigned flags;

static void put_guard(void) {
  for (unsigned i = 0, n = 1 + dice(3); i < n; i++) {
    if (i > 0) put(dice(3) > 0 ? " and " : " or ");
    if (dice(3) == 0) put("not ");
    if (dice(6) == 0) put("(sender.mode == %c)", "xyz"[dice(3)]);
    else put("conversation.f%u", dice(flags));
  }
}

static void put_rules(const char *direction) {
  static const char *const verdicts[] = { "deliver", "drop", "placeholder", "plain_text", "deny r1", "deny r0" };
  put("gate for message.send {\n");
  for (unsigned i = 0, n = 1 + dice(5); i < n; i++) {
    put("deny r%u when ", dice(3));
    put_guard();
    put("%s;\n", dice(3) == 0 ? " unknown deliver" : "");
  }
  put("}\nmatrix %s {\n", direction);
  for (unsigned i = 0, n = dice(5); i < n; i++) {
    put("message.send %s %s when ", dice(2) ? "text" : "*", verdicts[dice(in_countof(verdicts))]);
    put_guard();
    put("%s;\n", dice(3) == 0 ? " unknown deliver" : "");
  }
  put("* %s; }\n", verdicts[dice(4)]);
}

static void put_policy(unsigned count) {
  length = 0;
  flags = count;
  put("%srecord conversation {", vocabulary);
  for (unsigned i = 0; i < flags; i++) put(" f%u flag;", i);
  put(" }\npolicy p between a and b {\n");
  put_rules("a -> b");
  put("matrix b -> a { * deliver; } }\npolicy q between a and b {\n");
  put_rules("a -> b");
  put("}\npolicy t for tenant \"T\" between a and b {\n");
  put_rules("a -> b");
  put("}\n");
}

/* ---- compiled with lists */

typedef struct {
  in_compile_t c;
  in_arena_t arena;
  interop_diag_t diag;
  interop_policy_t *policy;
  void *image;
  size_t size;
} made_t;

static bool make(made_t *m, uint32_t budget) {
  in_source_t *src;
  in_stmt_t *stmts;
  memset(m, 0, sizeof(*m));
  in_arena_init(&m->arena, &interop_alloc_libc);
  m->c.arena = &m->arena;
  m->c.alloc = &interop_alloc_libc;
  m->c.diag = &m->diag;
  m->c.dead_is_allowed = true;
  m->c.cell_budget = budget;
  src = in_arena_get(&m->arena, sizeof(*src));
  *src = (in_source_t) { .name = IN_SPAN("made.rules"), .text = in_span(text, length) };
  return in_syntax_parse(src, &m->arena, &stmts, &m->diag) == INTEROP_OK && in_compile_source(&m->c, stmts) == INTEROP_OK
         && in_emit(&m->c, &m->image, &m->size) == INTEROP_OK
         && interop_policy_load(m->image, m->size, &interop_alloc_libc, &m->policy, &m->diag) == INTEROP_OK;
}

static void dispose(made_t *m) {
  interop_policy_free(m->policy);
  if (m->image != NULL) interop_alloc_libc.resize(NULL, m->image, m->size, 0);
  in_builder_free(&m->c.builder);
  in_arena_free(&m->arena);
}

static bool same(const in_image_t *img, uint32_t a, uint32_t b) {
  return a == b || (in_outcome(img, a)->kind == IN_OUT_UNDETERMINED && in_outcome(img, b)->kind == IN_OUT_UNDETERMINED);
}

/* ---- cells */

static unsigned long lists, drawn;

static bool cells_agree(const in_image_t *img, const in_image_t *flat, unsigned draws) {
  uint8_t class_[IN_MAX_ATOMS];
  bool good = true;
  for (uint32_t c = 0; c < img->count[IN_S_CELLS] && good; c++) {
    uint32_t root = in_table(img, CELLS, uint32_t)[c], need;
    if (!in_words_is_list(root)) continue;
    lists++;
    good = !in_words_is_list(in_table(flat, CELLS, uint32_t)[c]);
    for (unsigned t = 0; t < draws && good; t++, drawn++) {
      uint32_t a = root, b = in_table(flat, CELLS, uint32_t)[c];
      for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++) class_[i] = (uint8_t) dice(in_atom(img, i)->classes);
      good = same(img, in_walk(img, class_, &a, &need), in_walk(flat, class_, &b, &need));
    }
  }
  return good;
}

/* ---- a tenant's rules: the diagram is walked by the joint's own nodes */

static uint32_t walk(const in_joint_t *j, uint32_t id, const uint8_t *class_) {
  while (!in_joint_is_leaf(id)) {
    const in_joint_var_t *v = &j->var[j->node[id].var];
    uint32_t c = 0;
    while (v->map[0][c] != class_[v->atom[0]]) c++;
    id = in_joint_kids(j, id)[c];
  }
  return id & ~IN_LEAF;
}

static bool tenant_agrees(const in_image_t *img, in_arena_t *arena, unsigned draws) {
  const in_list_event_t e = { INTEROP_OP_MESSAGE_SEND, dice(2) ? INTEROP_K_TEXT : INTEROP_K_GIF, 0, 1 };
  uint32_t list = in_overlay_find(img, IN_SPAN("T")), root, need;
  uint8_t class_[IN_MAX_ATOMS];
  in_joint_t j;
  in_unlist_t u;
  bool good = list != IN_NIL && in_joint_init_lists(&j, img, img, arena) && in_unlist_init(&u, &j, 0, true);
  if (!good) return false;
  root = in_unlist_tenant(&u, list, &e);
  for (unsigned t = 0; t < draws && good; t++) {
    uint32_t a, b;
    for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++) class_[i] = (uint8_t) dice(in_atom(img, i)->classes);
    a = in_list_walk(img, list, &e, class_, &need);
    b = walk(&j, root, class_);
    good = a == IN_NOTHING ? b == u.nothing : b != u.nothing && same(img, a, b);
  }
  in_joint_free(&j);
  return good;
}

/* ---- */

static void test_random(unsigned policies) {
  unsigned bad = 0, own = 0;
  for (unsigned i = 0; i < policies && bad + own == 0; i++) {
    in_image_t flat;
    made_t m;
    put_policy(3 + dice(6));
    if (!make(&m, 1)) {
      printf("# %s\n", m.diag.text);
      bad++;
      break;
    }
    bad += !in_unlist_image(&m.policy->img, &m.arena, &flat) || !cells_agree(&m.policy->img, &flat, 300);
    own += !tenant_agrees(&m.policy->img, &m.arena, 300);
    if (bad + own > 0) for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) printf("# | %s\n", line);
    dispose(&m);
  }
  ok(bad == 0 && lists > policies, "cells of %u random policies", policies);
  ok(own == 0, "and a tenant's rules in each");
  printf("# %lu lists, %lu drawn\n", lists, drawn);
}

static void put_large(unsigned n) {
  length = 0;
  put("%srecord conversation {", vocabulary);
  for (unsigned i = 0; i < 2 * n; i++) put(" x%u flag;", i);
  put("}\npolicy p everywhere { gate for typing { deny r0 when conversation.x0");
  for (unsigned i = 1; i < n; i++) put(" and conversation.x%u", i);
  put(";\n");
  for (unsigned i = 0; i < n; i++) put("deny r%u when conversation.x%u and conversation.x%u;\n", i % 3, i, n + i);
  put("} }\n");
}

static void test_large(void) {
  in_image_t flat;
  made_t m;
  put_large(40);
  if (!ok(make(&m, 0), "80 facts in 41 rules")) { printf("# %s\n", m.diag.text); return; }
  ok(in_words_has_lists(&m.policy->img), "the compiler makes a list of it");
  ok(in_unlist_image(&m.policy->img, &m.arena, &flat), "which is a diagram all the same");
  ok(flat.count[IN_S_NODES] < 100000, "and a small one");
  ok(cells_agree(&m.policy->img, &flat, 2000), "that comes to the same");
  dispose(&m);
}

int main(void) {
  test_random(300);
  test_large();
  return done();
}
