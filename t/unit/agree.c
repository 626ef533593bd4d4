/*
** agree.c -- the compiled image and the written semantics give one answer.
**
** For every cell (operation, kind, from, to) the walk of the loaded image and
** rules/policy/reference.c are asked the same questions: an atom is branched on,
** over all of its classes, when one of the two asks for it. States that are
** equal for both (the node of the walk, and what is left of every rule's guard)
** are explored once; how many assignments that stands for is counted. Done for
** the shipped policies and for random small ones; and, since the merging of
** states is code of its own, also with assignments drawn at random, unmerged.
**
** agree [POLICIES [SEED [STATES]]]: how many random policies, drawn from which
** seed, and how many states of the shipped ones (all; valgrind is given fewer).
*/
#include <stdint.h>
#include <stdlib.h>

#include "tap.h"
#include "policy/facts.h"
#include "policy/load.h"
#include "policy/mdd.h"
#include "policy/reference.h"

/* ---- what is left of a guard: terms, each once */

typedef enum { T_FALSE, T_TRUE, T_UNKNOWN, T_PRED, T_NOT, T_AND, T_OR } term_kind_t;
typedef struct { uint32_t kind, a, b; } term_t;

typedef struct {
  in_compile_t c;
  in_arena_t arena;
  interop_diag_t diag;
  interop_policy_t *policy;
  void *image;
  size_t image_size;
  uint8_t *class_;
  term_t *term;
  uint32_t terms, term_room, *term_table, term_slots;
  uint32_t **keys;                /* of states that were explored: length, words ... */
  double *counts;
  uint32_t states, state_slots, limit;  /* limit: 0 for none; what is beyond is only drawn from */
  uint32_t words[1 << 14], word_count;  /* a key being made */
  in_ref_event_t event;
  unsigned long compared;
  char wrong[512];
} agree_t;

static void *must(void *p) {
  if (p == NULL) { puts("Bail out! out of memory"); exit(2); }
  return p;
}

static uint32_t mix(uint32_t h, uint32_t v) { return (h ^ v) * 0x9e3779b1u + (h >> 13); }

static uint32_t term(agree_t *g, uint32_t kind, uint32_t a, uint32_t b) {
  uint32_t h = mix(mix(mix(17, kind), a), b);
  if (g->terms * 2 >= g->term_slots) {
    uint32_t slots = g->term_slots == 0 ? 1024 : g->term_slots * 2;
    free(g->term_table);
    g->term_table = must(calloc(slots, sizeof(uint32_t)));
    g->term_slots = slots;
    for (uint32_t i = 0; i < g->terms; i++) {
      uint32_t k = mix(mix(mix(17, g->term[i].kind), g->term[i].a), g->term[i].b) & (slots - 1);
      while (g->term_table[k] != 0) k = (k + 1) & (slots - 1);
      g->term_table[k] = i + 1;
    }
  }
  for (h &= g->term_slots - 1; g->term_table[h] != 0; h = (h + 1) & (g->term_slots - 1)) {
    const term_t *t = &g->term[g->term_table[h] - 1];
    if (t->kind == kind && t->a == a && t->b == b) return g->term_table[h] - 1;
  }
  if (g->terms == g->term_room) {
    g->term_room = g->term_room == 0 ? 1024 : g->term_room * 2;
    g->term = must(realloc(g->term, g->term_room * sizeof(*g->term)));
  }
  g->term[g->terms] = (term_t) { kind, a, b };
  g->term_table[h] = ++g->terms;
  return g->terms - 1;
}

static uint32_t kind_of(const agree_t *g, uint32_t t) { return g->term[t].kind; }

static uint32_t make_not(agree_t *g, uint32_t a) {
  if (kind_of(g, a) == T_UNKNOWN) return a;
  if (kind_of(g, a) == T_TRUE || kind_of(g, a) == T_FALSE) return term(g, kind_of(g, a) == T_TRUE ? T_FALSE : T_TRUE, 0, 0);
  return term(g, T_NOT, a, 0);
}

static uint32_t make_two(agree_t *g, uint32_t kind, uint32_t a, uint32_t b) {
  uint32_t ends = kind == T_AND ? T_FALSE : T_TRUE, passes = kind == T_AND ? T_TRUE : T_FALSE;
  if (kind_of(g, a) == ends || kind_of(g, b) == passes) return a;
  if (kind_of(g, b) == ends || kind_of(g, a) == passes) return b;
  if (kind_of(g, a) == T_UNKNOWN && kind_of(g, b) == T_UNKNOWN) return a;
  return term(g, kind, a, b);
}

static uint32_t make_pred(agree_t *g, uint32_t pred) {
  const in_pred_t *p = &g->c.preds.at[pred];
  uint8_t k = g->class_[p->atom];
  if (k == IN_NOT_YET) return term(g, T_PRED, pred, 0);
  if (k == 0) return p->kind == IN_P_KNOWN ? term(g, T_FALSE, 0, 0) : term(g, T_UNKNOWN, p->atom, 0);
  return term(g, (p->classes >> k & 1) ? T_TRUE : T_FALSE, 0, 0);
}

static uint32_t of_expr(agree_t *g, const in_expr_t *e) {
  uint32_t v;
  if (e == NULL || e->kind == IN_E_TRUE) return term(g, T_TRUE, 0, 0);
  switch (e->kind) {
    case IN_E_FALSE: return term(g, T_FALSE, 0, 0);
    case IN_E_PRED: return make_pred(g, e->pred);
    case IN_E_NOT: return make_not(g, of_expr(g, e->a));
    case IN_E_AND: v = of_expr(g, e->a); return make_two(g, T_AND, v, of_expr(g, e->b));
    case IN_E_OR: v = of_expr(g, e->a); return make_two(g, T_OR, v, of_expr(g, e->b));
    default: break;
  }
  v = e->fact == IN_RF_OPERATION ? g->event.operation : e->fact == IN_RF_KIND ? g->event.kind
      : e->fact == IN_RF_FROM ? g->event.from : g->event.to;
  if (e->fact == IN_RF_TO && v == g->c.vocab.systems.n) return term(g, T_UNKNOWN, IN_NIL, 0);
  return term(g, (e->values >> v & 1) ? T_TRUE : T_FALSE, 0, 0);
}

/* the term, now that another atom has a class */
static uint32_t again(agree_t *g, uint32_t t) {
  term_t x = g->term[t];
  uint32_t a;
  if (x.kind == T_PRED) return make_pred(g, x.a);
  if (x.kind == T_NOT) return make_not(g, again(g, x.a));
  if (x.kind != T_AND && x.kind != T_OR) return t;
  a = again(g, x.a);
  return make_two(g, x.kind, a, again(g, x.b));
}

/* ---- what is left of a cell's rules */

typedef struct { uint32_t rule, term; } left_t;
typedef struct { left_t *at; uint32_t n; } lefts_t;

static bool concerns(const agree_t *g, const in_rule_t *r) {
  const in_ref_event_t *e = &g->event;
  if (g->c.policies.at[r->policy].between && e->from == e->to) return false;
  return (r->ops >> e->operation & 1) && (r->kinds >> e->kind & 1) && (r->from >> e->from & 1) && (r->to >> e->to & 1);
}

static const agree_t *sorting;

static int by_order(const void *a, const void *b) {
  uint32_t x = ((const left_t *) a)->rule, y = ((const left_t *) b)->rule;
  const in_rule_t *p = &sorting->c.rules.at[x], *q = &sorting->c.rules.at[y];
  if (p->kind != q->kind) return p->kind < q->kind ? -1 : 1;
  if (p->kind == IN_R_DENY && p->reason != q->reason) return p->reason < q->reason ? -1 : 1;
  if (p->kind == IN_R_ROW && p->policy != q->policy) return p->policy < q->policy ? -1 : 1;
  return (x > y) - (x < y);
}

static lefts_t all_rules(agree_t *g) {
  lefts_t l = { must(malloc((g->c.rules.n + 1) * sizeof(left_t))), 0 };
  for (uint32_t i = 0; i < g->c.rules.n; i++) {
    const in_rule_t *r = &g->c.rules.at[i];
    if ((r->kind != IN_R_DENY && r->kind != IN_R_ROW) || !concerns(g, r)) continue;
    l.at[l.n++] = (left_t) { i, of_expr(g, r->when) };
  }
  sorting = g;
  qsort(l.at, l.n, sizeof(*l.at), by_order);
  return l;
}

/* the reason of the first certain denial, which stands over those that are unknown
** wherever they stand; INT32_MAX: there is none */
static int certain(const agree_t *g, const lefts_t *l) {
  for (uint32_t i = 0; i < l->n; i++) {
    const in_rule_t *r = &g->c.rules.at[l->at[i].rule];
    if (r->kind == IN_R_DENY && kind_of(g, l->at[i].term) == T_TRUE) return r->reason;
  }
  return INT32_MAX;
}

/* may a row deny before a denial of this reason does? */
static bool row_may_deny(const agree_t *g, const lefts_t *l, int reason) {
  for (uint32_t i = 0; i < l->n; i++) {
    const in_rule_t *r = &g->c.rules.at[l->at[i].rule];
    if (r->kind == IN_R_ROW && r->verdict == INTEROP_V_DENY && r->reason < reason) return true;
  }
  return false;
}

/* drops what can have no say any more */
static void trim(const agree_t *g, lefts_t *l) {
  uint32_t n = 0, over = IN_NIL;
  int reason = certain(g, l);
  bool unknown = reason != INT32_MAX, denied = false, rows = row_may_deny(g, l, reason);
  for (uint32_t i = 0; i < l->n; i++) {
    const in_rule_t *r = &g->c.rules.at[l->at[i].rule];
    uint32_t k = kind_of(g, l->at[i].term);
    if (k == T_FALSE || (k == T_UNKNOWN && r->unknown_passes)) continue;
    if (r->kind == IN_R_DENY) {
      if (denied || (k == T_UNKNOWN && unknown)) continue;
      denied = k == T_TRUE;
      unknown = unknown || k == T_UNKNOWN;
    } else {
      if ((unknown && !rows) || over == r->policy) continue;
      if (k == T_TRUE) over = r->policy;
    }
    l->at[n++] = l->at[i];
  }
  l->n = n;
}

/* ---- the two answers */

static uint8_t class_of(void *ctx, uint32_t atom) { return ((agree_t *) ctx)->class_[atom]; }

static in_ref_answer_t ask_reference(agree_t *g) {
  in_ref_facts_t f = { class_of, g };
  return in_reference(&g->c, &g->event, &f);
}

static bool agrees(const agree_t *g, const in_ref_answer_t *a, uint32_t outcome) {
  const in_pi_outcome_t *o = in_outcome(&g->policy->img, outcome);
  switch (a->kind) {
    case IN_REF_DECIDED: return g->c.rules.at[a->rule].outcome == outcome;
    case IN_REF_UNDETERMINED: return o->kind == IN_OUT_UNDETERMINED && o->slot == a->atom;
    case IN_REF_NATIVE: return in_eq(in_image_str(&g->policy->img, o->rule), IN_SPAN("native"));
    case IN_REF_NO_POLICY: return in_eq(in_image_str(&g->policy->img, o->rule), IN_SPAN("no_policy"));
    default: return false;
  }
}

static void compare(agree_t *g, const in_ref_answer_t *a, uint32_t outcome) {
  in_span_t rule = in_image_str(&g->policy->img, in_outcome(&g->policy->img, outcome)->rule);
  in_span_t want = a->kind == IN_REF_DECIDED ? g->c.rules.at[a->rule].name : IN_SPAN("");
  size_t n;
  g->compared++;
  if (agrees(g, a, outcome) || g->wrong[0] != '\0') return;
  n = (size_t) snprintf(g->wrong, sizeof(g->wrong), "%s %s %u->%u: image %.*s (%u), reference %d %.*s %u;",
                        interop_operation_name((interop_operation_t) g->event.operation),
                        interop_kind_name((interop_kind_t) g->event.kind), g->event.from, g->event.to,
                        (int) rule.n, rule.p, outcome, (int) a->kind, (int) want.n, want.p, a->atom);
  for (uint32_t i = 0; i < g->c.atoms.n && n + 20 < sizeof(g->wrong); i++)
    if (g->class_[i] != IN_NOT_YET) n += (size_t) snprintf(g->wrong + n, sizeof(g->wrong) - n, " %u=%u", i, g->class_[i]);
}

/* ---- states explored */

static bool has_matrix(const agree_t *g) {
  for (uint32_t i = 0; i < g->c.policies.n; i++) {
    const uint64_t *m = g->c.policies.at[i].matrix;
    if (m != NULL && (m[g->event.from] >> g->event.to & 1)) return true;
  }
  return false;
}

static void make_key(agree_t *g, uint32_t node, const lefts_t *l) {
  g->word_count = 0;
  g->words[g->word_count++] = node;
  g->words[g->word_count++] = g->event.from == g->event.to;
  g->words[g->word_count++] = g->event.to == g->c.vocab.systems.n;
  g->words[g->word_count++] = has_matrix(g);
  for (uint32_t i = 0; i < l->n && g->word_count + 2 < in_countof(g->words); i++) {
    g->words[g->word_count++] = l->at[i].rule;
    g->words[g->word_count++] = l->at[i].term;
  }
}

static uint32_t find_state(const agree_t *g, const uint32_t *words, uint32_t n) {
  uint32_t h = 7;
  for (uint32_t i = 0; i < n; i++) h = mix(h, words[i]);
  for (h &= g->state_slots - 1; g->keys[h] != NULL; h = (h + 1) & (g->state_slots - 1))
    if (g->keys[h][0] == n && memcmp(g->keys[h] + 1, words, n * sizeof(*words)) == 0) break;
  return h;
}

static void grow_states(agree_t *g) {
  uint32_t **old = g->keys, n = g->state_slots;
  double *counts = g->counts;
  if (g->states * 2 < n) return;
  g->state_slots = n == 0 ? 1024 : n * 2;
  g->keys = must(calloc(g->state_slots, sizeof(*g->keys)));
  g->counts = must(calloc(g->state_slots, sizeof(*g->counts)));
  for (uint32_t i = 0; i < n; i++) {
    uint32_t h;
    if (old[i] == NULL) continue;
    h = find_state(g, old[i] + 1, old[i][0]);
    g->keys[h] = old[i];
    g->counts[h] = counts[i];
  }
  free(old);
  free(counts);
}

static void keep_state(agree_t *g, const uint32_t *words, uint32_t n, double count) {
  uint32_t h;
  grow_states(g);
  h = find_state(g, words, n);
  if (g->keys[h] != NULL) {         /* an atom that changed nothing led to the same state */
    g->counts[h] = count;
    return;
  }
  g->keys[h] = must(malloc((n + 1) * sizeof(*words)));
  g->keys[h][0] = n;
  memcpy(g->keys[h] + 1, words, n * sizeof(*words));
  g->counts[h] = count;
  g->states++;
}

static double explore(agree_t *g, uint32_t node, const lefts_t *l);

static double branch(agree_t *g, uint32_t node, const lefts_t *l, uint32_t atom) {
  double count = 0;
  lefts_t sub = { must(malloc((l->n + 1) * sizeof(left_t))), 0 };
  for (uint32_t k = 0; k < g->c.atoms.at[atom].classes; k++) {
    g->class_[atom] = (uint8_t) k;
    sub.n = l->n;
    for (uint32_t i = 0; i < l->n; i++) sub.at[i] = (left_t) { l->at[i].rule, again(g, l->at[i].term) };
    trim(g, &sub);
    count += explore(g, node, &sub);
  }
  g->class_[atom] = IN_NOT_YET;
  free(sub.at);
  return count;
}

static double explore(agree_t *g, uint32_t node, const lefts_t *l) {
  uint32_t need = IN_NIL, outcome = in_walk(&g->policy->img, g->class_, &node, &need);
  uint32_t *words, n;
  double count = 1;
  if (g->limit != 0 && g->states > g->limit) return 0;
  if (outcome != IN_NIL) node = IN_LEAF | outcome;
  make_key(g, node, l);
  grow_states(g);
  {
    uint32_t h = find_state(g, g->words, g->word_count);
    if (g->keys[h] != NULL) return g->counts[h];
  }
  n = g->word_count;
  words = must(malloc(n * sizeof(*words)));
  memcpy(words, g->words, n * sizeof(*words));
  if (outcome != IN_NIL) {
    in_ref_answer_t a = ask_reference(g);
    if (a.kind == IN_REF_NEEDS) need = a.atom;
    else compare(g, &a, outcome);
  }
  if (need != IN_NIL) count = branch(g, node, l, need);
  keep_state(g, words, n, count);
  free(words);
  return count;
}

/* ---- policies */

static unsigned warnings;

static void count_warning(void *ctx, const interop_diag_t *d) {
  (void) ctx;
  warnings += strstr(d->text, "too large for a diagram") != NULL;
}

static bool prepare(agree_t *g, const char *path, const char *text, uint32_t budget) {
  in_stmt_t *stmts;
  in_source_t *src;
  interop_status_t rc;
  memset(g, 0, sizeof(*g));
  in_arena_init(&g->arena, &interop_alloc_libc);
  in_diag_clear(&g->diag);
  g->c.arena = &g->arena;
  g->c.alloc = &interop_alloc_libc;
  g->c.diag = &g->diag;
  g->c.dead_is_allowed = text != NULL;
  g->c.cell_budget = budget;
  g->c.warn = count_warning;
  src = must(in_arena_get(&g->arena, sizeof(*src)));
  if (text != NULL) *src = (in_source_t) { IN_SPAN("random.rules"), in_str(text) };
  rc = text != NULL ? in_syntax_parse(src, &g->arena, &stmts, &g->diag) : in_syntax_load(path, &g->arena, &stmts, &g->diag);
  if (rc == INTEROP_OK) rc = in_compile_source(&g->c, stmts);
  if (rc == INTEROP_OK) rc = in_emit(&g->c, &g->image, &g->image_size);
  if (rc == INTEROP_OK) rc = interop_policy_load(g->image, g->image_size, &interop_alloc_libc, &g->policy, &g->diag);
  if (rc != INTEROP_OK) return false;
  g->class_ = must(malloc(g->c.atoms.n + 1));
  memset(g->class_, IN_NOT_YET, g->c.atoms.n + 1);
  return true;
}

static void dispose(agree_t *g) {
  for (uint32_t i = 0; i < g->state_slots; i++) free(g->keys[i]);
  free(g->keys);
  free(g->counts);
  free(g->term);
  free(g->term_table);
  free(g->class_);
  interop_policy_free(g->policy);
  free(g->image);
  in_builder_free(&g->c.builder);
  in_arena_free(&g->arena);
}

static uint64_t state = 1;

static uint32_t dice(uint32_t n) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (uint32_t) (state >> 33) % n;
}

static void draw(agree_t *g, uint32_t root, unsigned times) {
  for (unsigned t = 0; t < times; t++) {
    uint32_t node = root, need, outcome;
    in_ref_answer_t a;
    for (uint32_t i = 0; i < g->c.atoms.n; i++) g->class_[i] = (uint8_t) dice(g->c.atoms.at[i].classes);
    outcome = in_walk(&g->policy->img, g->class_, &node, &need);
    a = ask_reference(g);
    compare(g, &a, outcome);
  }
  memset(g->class_, IN_NOT_YET, g->c.atoms.n + 1);
}

/* every operation, or (few) two of them; the count of assignments */
static double all_cells(agree_t *g, bool few, unsigned draws) {
  uint32_t other = dice(INTEROP_OPERATION_COUNT);
  const uint32_t *cells = in_table(&g->policy->img, CELLS, uint32_t);
  uint32_t systems = g->c.vocab.systems.n;
  in_ref_event_t *e = &g->event;
  double count = 0;
  for (e->operation = 0; e->operation < INTEROP_OPERATION_COUNT; e->operation++)
    for (e->kind = 0; e->kind < INTEROP_KIND_COUNT && (!few || e->operation == other || e->operation == INTEROP_OP_MESSAGE_SEND); e->kind++)
      for (e->from = 0; e->from < systems; e->from++)
        for (e->to = 0; e->to <= systems && g->wrong[0] == '\0'; e->to++) {
          uint32_t root = cells[in_cell(systems, e->operation, e->kind, e->from, e->to)];
          lefts_t l = all_rules(g);
          trim(g, &l);
          count += explore(g, root, &l);
          draw(g, root, draws);
          free(l.at);
        }
  return count;
}

static void test_shipped(uint32_t limit) {
  static agree_t g;
  double count;
  if (!ok(prepare(&g, "conf.d", NULL, 0), "the shipped policies compile")) {
    printf("# %s\n", g.diag.text);
    return;
  }
  g.limit = limit;
  count = all_cells(&g, false, 200);
  ok(g.wrong[0] == '\0', "image and reference agree over the shipped policies");
  if (g.wrong[0] != '\0') printf("# %s\n", g.wrong);
  ok(count > 100000 && g.states > 1000, "and the space is no small one");
  printf("# %.3g assignments, %u states, %lu compared\n", count, g.states, g.compared);
  dispose(&g);
}

/* ---- random policies */

static char text[1 << 16];
static size_t length;

static void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  length += (size_t) vsnprintf(text + length, sizeof(text) - length, fmt, args);
  va_end(args);
}

static const char vocabulary[] =
  "system a { title \"A\"; tier B; } system b { title \"B\"; tier D; }\n"
  "reason malformed_path 400 \"-\"; reason malformed_body 400 \"-\"; reason unsupported_media_type 415 \"-\";\n"
  "reason body_too_large 413 \"-\"; reason unmatched 404 \"-\"; reason store_unavailable 503 \"-\";\n"
  "reason r0 403 \"-\"; reason r1 403 \"-\"; reason r2 403 \"-\"; reason r3 403 \"-\"; reason no_policy 403 \"-\";\n"
  "reason undetermined 403 \"-\"; reason r4 403 \"-\"; notice n0; notice n1 when sender.system == a;\n"
  "set some { X1 X2 } set more { X2 X3 }\n"
  "record tenant { id code; tier one of none A B C D ordered default none; f flag; c code; n number; }\n"
  "record user { f flag; g flag default true; m one of K L M; l list; c code; t time; }\n"
  "record message { was one of P Q fetched else Q; }\n"
  "toggle t0 default on; toggle t1 default off;\n"
  "toggle t2 { on when tenant.c in some; off otherwise because r3; }\n"
  "table tab (sender.m, recipient.m) { K K same; K|L * other; * M other; * * same; }\n";

static void put_test(void) {
  static const char *const tests[] = {
    "sender.f", "recipient.f", "sender.g", "sender.m == K", "recipient.m != L", "sender.m in K M", "sender.tenant.tier >= B",
    "recipient.tenant.tier > tier of a", "sender.tenant.c in some", "sender.tenant.c in more", "recipient.tenant.c == X3",
    "sender.l has z", "sender.l has recipient.c", "sender.tenant.id == recipient.tenant.id", "sender.c is known",
    "recipient.tenant.n < 5", "recipient.tenant.n >= 5", "recipient.tenant.n == 9", "sender.c matches ~\"^x\"",
    "sender.c starts with \"y\"", "toggle t0 is on", "toggle t1 is off", "toggle t2 is off", "toggle t2 is on",
    "toggle t2 of sender.tenant is off", "operation == message.send", "kind in text gif", "sender.system == a",
    "recipient.system == b", "recipient.system != sender.system", "message.was == P", "any party.f", "every party (party.m == K or party.f)",
    "any party.tenant.f", "a_party.f", "b_party.m == M", "now >= sender.t", "now >= 2020-01-01", "features has link",
    "table tab is same", "table tab is not other", "card == Poll",
  };
  put("%s", tests[dice(in_countof(tests))]);
}

static void put_guard(unsigned depth) {
  uint32_t k = depth == 0 ? 0 : dice(6);
  if (k < 2) { put_test(); return; }
  if (k == 2) { put("not ("); put_guard(depth - 1); put(")"); return; }
  put("(");
  put_guard(depth - 1);
  put(k < 5 ? " and " : " or ");
  put_guard(depth - 1);
  put(")");
}

static void put_gate(void) {
  put(dice(2) ? "gate {\n" : "gate for message.* {\n");
  for (uint32_t n = 1 + dice(4); n > 0; n--) {
    put("deny r%u %s ", dice(5), dice(3) ? "when" : "unless");
    put_guard(2);
    put("%s;\n", dice(4) ? "" : " unknown deliver");
  }
  put("}\n");
}

static void put_matrix(const char *from, const char *to) {
  static const char *const verdicts[] = { "deliver", "plain_text", "placeholder", "drop r1", "deny r0", "deny r4", "strip link",
                                          "deliver ascii-emoji", "drop r1 notice n0" };
  put("matrix %s -> %s {\n", from, to);
  for (uint32_t n = dice(5); n > 0; n--) {
    put("%s %s %s", dice(2) ? "message.send" : "*", dice(2) ? "text" : "*", verdicts[dice(in_countof(verdicts))]);
    if (dice(4)) { put(" when "); put_guard(2); }
    put("%s;\n", dice(4) ? "" : " unknown deliver");
  }
  put("* * %s;\n}\n", verdicts[dice(in_countof(verdicts))]);
}

static void put_policy(unsigned i) {
  static const char *const scopes[] = { "between a and b", "within a", "on b", "everywhere", "everywhere" };
  uint32_t scope = dice(in_countof(scopes));
  put("policy p%u %s {\n", i, scopes[scope]);
  if (dice(4)) put_gate();
  if ((scope == 0 || scope > 2) && dice(4)) put_matrix("a", "b");
  if (scope == 0 && dice(2)) put_matrix("b", "a");
  if (scope == 1 && dice(2)) put_matrix("a", "a");
  if (dice(5) == 0) put("geo for message.send { deny r2 when sender.tenant.c == X1; }\n");
  put("}\n");
}

static void test_random(unsigned policies, uint32_t budget, const char *form) {
  static agree_t g;
  double count = 0;
  unsigned long compared = 0;
  unsigned good = 0;
  for (unsigned i = 0; i < policies; i++) {
    length = 0;
    put("%s", vocabulary);
    for (uint32_t n = 1 + dice(3), k = 0; k < n; k++) put_policy(k);
    if (!prepare(&g, NULL, text, budget)) {
      ok(0, "random policy %u compiles", i);
      printf("# %s\n", g.diag.text);
      return;
    }
    g.limit = 5000;
    count += all_cells(&g, true, 5);
    compared += g.compared;
    if (g.wrong[0] != '\0') {
      ok(0, "image and reference agree over random policy %u", i);
      printf("# %s\n", g.wrong);
      for (char *line = strtok(text + sizeof(vocabulary) - 1, "\n"); line != NULL; line = strtok(NULL, "\n")) printf("# | %s\n", line);
      return;
    }
    good++;
    dispose(&g);
  }
  ok(good == policies, "image and reference agree over %u random policies%s", policies, form);
  printf("# %.3g assignments, %lu compared\n", count, compared);
}

/* ---- a cell that is too large: many conjunctions that have nothing to do with one another */

static void test_large(void) {
  static agree_t g;
  const unsigned n = 14;
  const uint32_t *cells;
  uint32_t lists = 0;
  length = 0;
  put("%s", vocabulary);
  put("record conversation {");
  for (unsigned i = 0; i < 2 * n; i++) put(" x%u flag;", i);
  put("}\npolicy p everywhere { gate for typing { deny r0 when conversation.x0");
  for (unsigned i = 1; i < n; i++) put(" and conversation.x%u", i);
  put(";\n");
  for (unsigned i = 0; i < n; i++) put("deny r%u when conversation.x%u and conversation.x%u;\n", i % 4, i, n + i);
  put("} }\n");
  warnings = 0;
  if (!ok(prepare(&g, NULL, text, 0), "a policy with %u conjunctions compiles", n)) { printf("# %s\n", g.diag.text); return; }
  cells = in_table(&g.policy->img, CELLS, uint32_t);
  for (uint32_t i = 0; i < g.policy->img.count[IN_S_CELLS]; i++) lists += (cells[i] & (IN_LEAF | IN_LIST)) == IN_LIST;
  ok(lists > 0 && lists <= INTEROP_KIND_COUNT * 6, "its large cells are lists, and no others");
  ok(warnings > 0, "and a warning tells");
  g.event.operation = INTEROP_OP_TYPING;
  for (g.event.from = 0; g.event.from < 2; g.event.from++)
    for (g.event.to = 0; g.event.to < 3; g.event.to++)
      draw(&g, cells[in_cell(2, g.event.operation, g.event.kind, g.event.from, g.event.to)], 5000);
  ok(g.wrong[0] == '\0', "image and reference agree over %lu assignments", g.compared);
  if (g.wrong[0] != '\0') printf("# %s\n", g.wrong);
  dispose(&g);
}

/* ---- rules of single tenants, told once more */

static uint32_t unknown_of(const agree_t *g, uint32_t atom) {
  for (uint32_t i = 0; i < g->policy->img.count[IN_S_OUTCOMES]; i++)
    if (in_outcome(&g->policy->img, i)->kind == IN_OUT_UNDETERMINED && in_outcome(&g->policy->img, i)->slot == atom) return i;
  return IN_NIL;
}

static in_ref_value_t tenant_guard(agree_t *g, const in_rule_t *r) {
  in_ref_facts_t f = { class_of, g };
  return in_reference_guard(&g->c, r->when, &g->event, &f);
}

static bool is_tenant_rule(const agree_t *g, const in_rule_t *r, const char *tenant) {
  const in_policy_t *p = &g->c.tenants.at[r->policy];
  const in_ref_event_t *e = &g->event;
  if (!in_eq(p->tenant, in_str(tenant)) || (p->between && e->from == e->to)) return false;
  return (r->ops >> e->operation & 1) && (r->kinds >> e->kind & 1) && (r->from >> e->from & 1) && (r->to >> e->to & 1);
}

static bool same_row_effect(const in_rule_t *a, const in_rule_t *b) {
  return a->verdict == b->verdict && a->reason == b->reason && a->strip == b->strip && a->reduce == b->reduce;
}

/* outcome of a tenant's policy's matrix from the rule `first` on, or IN_NOTHING */
static uint32_t tenant_matrix(agree_t *g, const char *tenant, uint32_t policy, uint32_t first) {
  for (uint32_t i = first; i < g->c.tenant_rules.n; i++) {
    const in_rule_t *r = &g->c.tenant_rules.at[i];
    in_ref_value_t v;
    uint32_t rest;
    if (r->kind != IN_R_ROW || r->policy != policy || !is_tenant_rule(g, r, tenant)) continue;
    v = tenant_guard(g, r);
    if (v.truth == IN_REF_TRUE) return r->outcome;
    if (v.truth == IN_REF_FALSE || r->unknown_passes) continue;
    rest = tenant_matrix(g, tenant, policy, i + 1);
    for (uint32_t k = i + 1; k < g->c.tenant_rules.n; k++)
      if (g->c.tenant_rules.at[k].outcome == rest && same_row_effect(r, &g->c.tenant_rules.at[k])) return rest;
    return unknown_of(g, v.atom);
  }
  return IN_NOTHING;
}

static uint32_t tenant_outcome(agree_t *g, const char *tenant, uint32_t general) {
  const in_image_t *img = &g->policy->img;
  uint32_t best = general, unknown = IN_NOTHING;
  int first = INT32_MAX;
  for (uint32_t i = 0; i < g->c.tenant_rules.n; i++) {
    const in_rule_t *r = &g->c.tenant_rules.at[i];
    in_ref_value_t v;
    if (r->kind != IN_R_DENY || !is_tenant_rule(g, r, tenant)) continue;
    v = tenant_guard(g, r);
    if (v.truth == IN_REF_TRUE && in_outcome_stricter(img, r->outcome, best)) best = r->outcome;
    if (v.truth == IN_REF_UNKNOWN && !r->unknown_passes && r->reason < first) { unknown = unknown_of(g, v.atom); first = r->reason; }
  }
  if (unknown != IN_NOTHING && in_outcome_stricter(img, unknown, best)) best = unknown;
  for (uint32_t p = 0; p < g->c.tenants.n; p++) {
    uint32_t o = tenant_matrix(g, tenant, p, 0);
    if (o != IN_NOTHING && in_outcome_stricter(img, o, best)) best = o;
  }
  return best;
}

/* the atoms of operation, kind and systems get the classes of this cell */
static void set_cell(agree_t *g) {
  const in_image_t *img = &g->policy->img;
  const uint32_t values[] = { g->event.operation, g->event.kind, g->event.from, g->event.to };
  for (uint32_t i = 0; i < g->c.atoms.n; i++) {
    const in_pi_atom_t *a = in_atom(img, i);
    const in_pi_slot_t *s = in_slot(img, a->slot);
    if (s->subject != IN_SUB_REQUEST || s->field > IN_RF_TO || a->kind != IN_ATOM_ENUM) continue;
    g->class_[i] = values[s->field] < a->map.count ? (uint8_t) in_table(img, INDEXES, uint32_t)[a->map.first + values[s->field]] : 0;
  }
}

static bool try_tenant(agree_t *g, const char *tenant) {
  const in_image_t *img = &g->policy->img;
  in_list_event_t e = { g->event.operation, g->event.kind, g->event.from, g->event.to };
  uint32_t node = in_table(img, CELLS, uint32_t)[in_cell(2, e.operation, e.kind, e.from, e.to)], need, general, o, list, want;
  for (uint32_t i = 0; i < g->c.atoms.n; i++) g->class_[i] = (uint8_t) dice(g->c.atoms.at[i].classes);
  set_cell(g);
  general = o = in_walk(img, g->class_, &node, &need);
  list = in_overlay_find(img, in_str(tenant));
  if (list != IN_NIL) o = in_list_walk(img, list, &e, g->class_, &need);
  if (list == IN_NIL || o == IN_NOTHING || !in_outcome_stricter(img, o, general)) o = general;
  want = tenant_outcome(g, tenant, general);
  g->compared++;
  if (o == want) return true;
  /* which of several unknown facts is named is all they may differ in */
  return in_outcome(img, o)->kind == IN_OUT_UNDETERMINED && in_outcome(img, want)->kind == IN_OUT_UNDETERMINED;
}

/* the tenant is not known: undetermined where some tenant has rules, unless denied */
static bool try_nobody(agree_t *g) {
  const in_image_t *img = &g->policy->img;
  in_list_event_t e = { g->event.operation, g->event.kind, g->event.from, g->event.to };
  uint32_t need, o = in_list_walk(img, in_overlay_find(img, IN_NONE), &e, g->class_, &need);
  bool some = false;
  for (unsigned t = 0; t < 3; t++)
    for (uint32_t i = 0; i < g->c.tenant_rules.n; i++) some = some || is_tenant_rule(g, &g->c.tenant_rules.at[i], t == 0 ? "T0" : t == 1 ? "T1" : "T2");
  if (!some) return o == IN_NOTHING;
  return o < IN_NOTHING && in_outcome(img, o)->kind == IN_OUT_UNDETERMINED
         && in_eq(in_image_str(img, in_slot(img, in_atom(img, in_outcome(img, o)->slot)->slot)->name), IN_SPAN("sender.tenant.id"));
}

static void put_tenant(unsigned i) {
  put("policy t%u for tenant \"T%u\" between a and b {\n", i, i / 2);
  if (dice(4)) put_gate();
  if (dice(2)) put_matrix("a", "b");
  put("}\n");
}

static void test_tenants(unsigned policies) {
  static const char *const tenants[] = { "T0", "T1", "T2", "other" };
  static agree_t g;
  unsigned long compared = 0, differ = 0;
  unsigned bad = 0;
  for (unsigned i = 0; i < policies && bad == 0; i++) {
    length = 0;
    put("%s", vocabulary);
    put("policy general between a and b {\n");
    put_gate();
    put_matrix("a", "b");
    put("}\n");
    for (unsigned k = 0; k < 5; k++) put_tenant(k);
    if (!prepare(&g, NULL, text, 0)) {
      ok(0, "random policy %u for tenants compiles", i);
      printf("# %s\n", g.diag.text);
      return;
    }
    for (unsigned t = 0; t < 400; t++) {
      g.event = (in_ref_event_t) { dice(2) ? INTEROP_OP_MESSAGE_SEND : dice(INTEROP_OPERATION_COUNT), dice(INTEROP_KIND_COUNT), dice(2), dice(3) };
      bad += !try_tenant(&g, tenants[dice(4)]);
      if (g.c.tenant_rules.n > 0) bad += !try_nobody(&g);
    }
    compared += g.compared;
    differ += in_overlay_slot(&g.policy->img) != IN_NIL && in_overlay_find(&g.policy->img, IN_SPAN("T0")) != IN_NIL;
    if (bad > 0) for (char *line = strtok(text + sizeof(vocabulary) - 1, "\n"); line != NULL; line = strtok(NULL, "\n")) printf("# | %s\n", line);
    dispose(&g);
  }
  ok(bad == 0 && differ > 0, "rules of tenants hold for those tenants, over %u random policies", policies);
  printf("# %lu compared\n", compared);
}

int main(int argc, char **argv) {
  unsigned policies = argc > 1 ? (unsigned) strtoul(argv[1], NULL, 10) : 700;
  if (argc > 2) state = strtoull(argv[2], NULL, 10);
  test_shipped(argc > 3 ? (uint32_t) strtoul(argv[3], NULL, 10) : 0);
  test_random(policies, 0, "");
  warnings = 0;
  test_random(policies / 4, 1, " whose cells are lists");
  ok(warnings > policies / 4, "and lists they were");
  test_large();
  test_tenants(policies / 8);
  return done();
}
