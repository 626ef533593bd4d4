/*
** scope.c -- which rules each cell has, as sets of bits.
**
** A rule is for some operations, kinds and pairs of systems; a cell's rules are
** the intersection of one set for each of these. Cells that have the same rules,
** whose guards ask nothing of the cell (or find the same there), and over which
** the same policies have matrices, decide alike: they have one key, and need be
** lowered once. Knows nothing of diagrams.
*/
#include "lower.h"

static uint64_t *sets(in_compile_t *c, const in_scope_t *s, uint32_t count) {
  return in_arena_array(c->arena, (size_t) s->words * count, sizeof(uint64_t));
}

static void put(uint64_t *set, uint32_t words, uint64_t which, uint32_t count, uint32_t rule) {
  for (uint32_t i = 0; i < count; i++)
    if (which >> i & 1) set[(size_t) i * words + rule / 64] |= (uint64_t) 1 << rule % 64;
}

static void put_rule(const in_compile_t *c, in_scope_t *s, uint32_t i) {
  const in_rule_t *r = &c->rules.at[i];
  if (r->kind != IN_R_DENY && r->kind != IN_R_ROW) return;
  put(s->op, s->words, r->ops, INTEROP_OPERATION_COUNT, i);
  put(s->kind, s->words, r->kinds, INTEROP_KIND_COUNT, i);
  put(s->from, s->words, r->from, s->systems, i);
  put(s->to, s->words, r->to, s->systems + 1, i);
  put(s->crossing, s->words, 1, 1, i);
  put(s->staying, s->words, !c->policies.at[r->policy].between, 1, i);
  s->varies[i] = in_guard_varies(r->when);
}

static void put_matrices(const in_compile_t *c, in_scope_t *s) {
  for (uint32_t p = 0; p < c->policies.n; p++) {
    const uint64_t *m = c->policies.at[p].matrix;
    for (uint32_t from = 0; m != NULL && from < s->systems; from++)
      put(s->policies + (size_t) from * (s->systems + 1) * s->policy_words, s->policy_words, m[from], s->systems, p);
  }
}

bool in_scope_make(in_compile_t *c, in_scope_t *s) {
  uint32_t n = c->vocab.systems.n;
  s->words = c->rules.n / 64 + 1;
  s->policy_words = c->policies.n / 64 + 1;
  s->systems = n;
  s->op = sets(c, s, INTEROP_OPERATION_COUNT);
  s->kind = sets(c, s, INTEROP_KIND_COUNT);
  s->from = sets(c, s, n);
  s->to = sets(c, s, n + 1);
  s->crossing = sets(c, s, 1);
  s->staying = sets(c, s, 1);
  s->varies = in_arena_array(c->arena, c->rules.n + 1, sizeof(*s->varies));
  s->policies = in_arena_array(c->arena, (size_t) n * (n + 1) * s->policy_words, sizeof(uint64_t));
  if (c->arena->failed) return in_nomem(c), false;
  for (uint32_t i = 0; i < c->rules.n; i++) put_rule(c, s, i);
  put_matrices(c, s);
  return true;
}

uint32_t in_scope_key_words(const in_scope_t *s) { return s->words + s->policy_words + 1; }

/* a fact of the cell, where some guard asks for it */
static uint64_t own(uint32_t varies, in_request_fact_t fact, uint32_t value) {
  return (varies >> fact & 1) ? value + 1 : 0;
}

void in_scope_key(const in_scope_t *s, const in_low_cell_t *x, uint64_t *key) {
  const uint64_t *side = x->from == x->to ? s->staying : s->crossing;
  const uint64_t *policies = s->policies + ((size_t) x->from * (s->systems + 1) + x->to) * s->policy_words;
  uint32_t w = s->words, varies = 0;
  for (uint32_t i = 0; i < w; i++) {
    key[i] = s->op[(size_t) x->op * w + i] & s->kind[(size_t) x->kind * w + i] & s->from[(size_t) x->from * w + i]
             & s->to[(size_t) x->to * w + i] & side[i];
    for (uint64_t left = key[i]; left != 0; left &= left - 1)
      varies |= s->varies[i * 64 + (uint32_t) __builtin_ctzll(left)];
  }
  memcpy(key + w, policies, s->policy_words * sizeof(*policies));
  key[w + s->policy_words] = (uint64_t) (x->from == x->to) << 32 | (uint64_t) (x->to == s->systems) << 33
                             | own(varies, IN_RF_OPERATION, x->op) | own(varies, IN_RF_KIND, x->kind) << 8
                             | own(varies, IN_RF_FROM, x->from) << 16 | own(varies, IN_RF_TO, x->to) << 24;
}
