/*
** ranks.c -- an order of variables in which lists of rules have small diagrams.
**
** What one rule asks stands together: each rule pulls its variables to their
** common middle, over and over, and the order in which the rules are shortest
** all in all is kept (the method is known as FORCE). Must not change what is
** asked, only when; equal policies give equal orders.
*/
#include <stdlib.h>
#include "joint.h"

#define ROUNDS  40

typedef struct { uint32_t first, count; } edge_t;       /* a rule: a run of variables */
typedef struct { double at; uint32_t var; } pull_t;

typedef struct {
  in_joint_t *j;
  uint32_t *index[2];             /* of an atom: number of its pair */
  uint32_t n;                     /* pairs */
  edge_t *edge;
  uint32_t edges, *of, members, room;
  uint32_t *seen;                 /* by pair: number of the edge that has it, + 1 */
  uint32_t *place, *best;         /* of a pair; of the shortest order so far */
  double shortest;
} ranks_t;

/* ---- what each rule asks */

static bool add(ranks_t *k, uint32_t pair) {
  if (k->seen[pair] == k->edges + 1) return true;
  k->seen[pair] = k->edges + 1;
  if (k->members == k->room) {
    uint32_t room = k->room == 0 ? 256 : k->room * 2, *more = realloc(k->of, room * sizeof(*more));
    if (more == NULL) return false;
    k->of = more;
    k->room = room;
  }
  k->of[k->members++] = pair;
  return true;
}

/* children lie before their nodes: from the root down, each node once */
static bool ask(ranks_t *k, int side, uint32_t root, unsigned char *todo) {
  const in_image_t *img = k->j->img[side];
  const uint32_t *nodes = in_table(img, NODES, uint32_t);
  uint32_t left = 1;
  bool good = true;
  todo[root] = 1;
  for (uint32_t i = root + 1; left > 0 && i-- > 0; ) {
    if (!todo[i]) continue;
    todo[i] = 0;
    left--;
    good = good && add(k, k->index[side][nodes[i]]);
    for (uint32_t c = 1; c <= in_atom(img, nodes[i])->classes; c++)
      if (!(nodes[i + c] & IN_LEAF) && !todo[nodes[i + c]]) todo[nodes[i + c]] = 1, left++;
  }
  return good;
}

static bool gather(ranks_t *k, int side) {
  const in_image_t *img = k->j->img[side];
  const in_pi_rule_t *r = in_table(img, LISTS, in_pi_rule_t);
  unsigned char *todo = in_arena_get(k->j->arena, (size_t) img->count[IN_S_NODES] + 1);
  uint32_t last = IN_NIL;
  if (todo == NULL) return false;
  for (uint32_t i = 0; i < img->count[IN_S_LISTS]; i++) {
    uint32_t first = k->members;
    if (r[i].op >= IN_LIST_NEXT || (r[i].guard & IN_LEAF) || r[i].guard == last) continue;
    last = r[i].guard;
    if (!ask(k, side, r[i].guard, todo)) return false;
    k->edge[k->edges++] = (edge_t) { first, k->members - first };
  }
  return true;
}

/* ---- the order */

static double length(const ranks_t *k) {
  double all = 0;
  for (uint32_t e = 0; e < k->edges; e++) {
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < k->edge[e].count; i++) {
      uint32_t at = k->place[k->of[k->edge[e].first + i]];
      if (at < least) least = at;
      if (at > most) most = at;
    }
    all += most - least;
  }
  return all;
}

static int by_pull(const void *a, const void *b) {
  const pull_t *x = a, *y = b;
  if (x->at < y->at || x->at > y->at) return x->at < y->at ? -1 : 1;
  return (x->var > y->var) - (x->var < y->var);
}

static void settle(ranks_t *k, pull_t *pull) {
  double now;
  qsort(pull, k->n, sizeof(*pull), by_pull);
  for (uint32_t i = 0; i < k->n; i++) k->place[pull[i].var] = i;
  now = length(k);
  if (k->shortest >= 0 && now >= k->shortest) return;
  k->shortest = now;
  memcpy(k->best, k->place, k->n * sizeof(*k->best));
}

/* each rule pulls to its middle, short ones more; what no rule asks stays at the end */
static void pull_all(ranks_t *k, pull_t *pull, double *weight) {
  for (uint32_t v = 0; v < k->n; v++) pull[v] = (pull_t) { 0, v }, weight[v] = 0;
  for (uint32_t e = 0; e < k->edges; e++) {
    double middle = 0, w = 1.0 / ((double) k->edge[e].count * k->edge[e].count);
    for (uint32_t i = 0; i < k->edge[e].count; i++) middle += k->place[k->of[k->edge[e].first + i]];
    middle /= k->edge[e].count;
    for (uint32_t i = 0; i < k->edge[e].count; i++) {
      pull[k->of[k->edge[e].first + i]].at += w * middle;
      weight[k->of[k->edge[e].first + i]] += w;
    }
  }
  for (uint32_t v = 0; v < k->n; v++) pull[v].at = weight[v] > 0 ? pull[v].at / weight[v] : (double) k->n + v;
}

static int by_size(const void *a, const void *b) {
  const edge_t *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? -1 : 1;
  return (x->first > y->first) - (x->first < y->first);
}

/* at first: the short rules' variables, one rule after the other */
static void begin(ranks_t *k, pull_t *pull) {
  uint32_t next = 0;
  qsort(k->edge, k->edges, sizeof(*k->edge), by_size);
  for (uint32_t v = 0; v < k->n; v++) pull[v] = (pull_t) { (double) k->n + v, v };
  for (uint32_t e = 0; e < k->edges; e++)
    for (uint32_t i = 0; i < k->edge[e].count; i++) {
      pull_t *p = &pull[k->of[k->edge[e].first + i]];
      if (p->at >= k->n) p->at = next++;
    }
  settle(k, pull);
}

static bool order(ranks_t *k, uint32_t (*pair)[2]) {
  in_arena_t *a = k->j->arena;
  pull_t *pull = in_arena_array(a, (size_t) k->n + 1, sizeof(*pull));
  double *weight = in_arena_array(a, (size_t) k->n + 1, sizeof(*weight));
  uint32_t (*copy)[2] = in_arena_array(a, (size_t) k->n + 1, sizeof(*copy));
  if (pull == NULL || weight == NULL || copy == NULL) return false;
  k->shortest = -1;
  begin(k, pull);
  for (int i = 0; i < ROUNDS; i++) {
    pull_all(k, pull, weight);
    settle(k, pull);
  }
  memcpy(copy, pair, k->n * sizeof(*copy));
  for (uint32_t v = 0; v < k->n; v++) memcpy(pair[k->best[v]], copy[v], sizeof(*copy));
  return true;
}

bool in_joint_rank(in_joint_t *j, uint32_t (*pair)[2], uint32_t n) {
  ranks_t k = { .j = j, .n = n };
  bool good = true;
  size_t rules = (size_t) j->img[0]->count[IN_S_LISTS] + j->img[1]->count[IN_S_LISTS];
  k.edge = in_arena_array(j->arena, rules + 1, sizeof(*k.edge));
  k.seen = in_arena_array(j->arena, (size_t) n + 1, sizeof(uint32_t));
  k.place = in_arena_array(j->arena, (size_t) n + 1, sizeof(uint32_t));
  k.best = in_arena_array(j->arena, (size_t) n + 1, sizeof(uint32_t));
  for (int s = 0; s < 2; s++) {
    k.index[s] = in_arena_array(j->arena, (size_t) j->img[s]->count[IN_S_ATOMS] + 1, sizeof(uint32_t));
    good = good && k.index[s] != NULL;
  }
  good = good && k.edge != NULL && k.seen != NULL && k.place != NULL && k.best != NULL;
  for (uint32_t i = 0; i < n && good; i++)
    for (int s = 0; s < 2; s++)
      if (pair[i][s] != IN_NIL) k.index[s][pair[i][s]] = i;
  good = good && gather(&k, 0) && gather(&k, 1) && order(&k, pair);
  free(k.of);
  return good;
}
