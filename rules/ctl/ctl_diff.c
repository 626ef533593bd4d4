/*
** ctl_diff.c -- interopctl diff: every class of traffic that two policies decide
** otherwise.
**
** Owns merging. A row is an outcome that was and what it is now (or
** the reverse, where more rows go together so), with the condition that parts what
** changes from what stays, told relative to that outcome: where all of it changes
** there is none. Exact: what no row covers is decided alike.
*/
#include <stdlib.h>
#include "diff.h"
#include "pack.h"
#include "words.h"

const char in_help_diff[] =
  "usage: interopctl diff OLD NEW [--all] [--json]\n\n"
  "Compares two policies (sources or images) over every possible event and tells\n"
  "each class of traffic that is decided otherwise: operations and kinds, outcome\n"
  "before and now, and, where not all of it changes, when. Notices, texts, reasons\n"
  "and what is remembered are compared too, of API definitions whether they are\n"
  "the same. Rules of a single tenant are told as what they say beside everybody's.\n"
  "Where rules are too many for a diagram, it is not told which of several missing\n"
  "facts an undetermined decision names.\n\n"
  "  --all      every condition, where they are many (10000 at most)\n"
  "  --json     for programs\n\n"
  "Exit: 0 no difference, 1 there is one, 2 a policy cannot be read.\n";

#define OP_PAIR  8u               /* of in_joint_product */


/* ---- outcomes of both as leaves */

static in_span_t outcome_text(in_diff_t *d, int side, uint32_t i) {
  const in_image_t *img = d->img[side];
  const in_pi_outcome_t *o = in_outcome(img, i);
  interop_alloc_t alloc = in_arena_alloc(&d->arena);
  in_buf_t b;
  in_buf_init(&b, &alloc);
  if (o->kind == IN_OUT_FALSE || o->kind == IN_OUT_TRUE)
    in_buf_put(&b, o->kind == IN_OUT_TRUE ? IN_SPAN("true") : IN_SPAN("false"));
  else in_words_outcome(&b, img, i);
  for (uint32_t k = 0; k < o->notices.count; k++) {
    uint32_t n = in_table(img, INDEXES, uint32_t)[o->notices.first + k];
    in_buf_put(&b, IN_SPAN(" notice "));
    in_buf_put(&b, in_image_str(img, in_table(img, NOTICES, in_pi_notice_t)[n].name));
  }
  for (int f = 0; f < INTEROP_FEATURE_COUNT && o->verdict == INTEROP_V_STRIP; f++)
    if (o->strip >> f & 1) in_buf_printf(&b, " %s", interop_feature_name((interop_feature_t) f));
  if (o->reduce != 0) in_buf_printf(&b, " reduce %u", o->reduce);
  if (o->name_slot != IN_NIL) {
    in_buf_put(&b, IN_SPAN(" name from "));
    in_buf_put(&b, in_words_slot(img, o->name_slot));
  }
  if (o->name_suffix.len > 0) {
    in_buf_put(&b, IN_SPAN(" name with "));
    in_buf_put(&b, in_image_str(img, o->name_suffix));
  }
  return b.failed ? IN_NONE : in_buf_span(&b);
}

/* texts of leaves, each once; behind a policy's outcomes stands that a tenant's rules say nothing */
static bool make_leaves(in_diff_t *d) {
  size_t all = (size_t) d->img[0]->count[IN_S_OUTCOMES] + d->img[1]->count[IN_S_OUTCOMES] + 3;
  d->outcome = in_arena_array(&d->arena, all + 1, sizeof(*d->outcome));
  for (int s = 0; s < 2; s++) {
    uint32_t nothing = d->img[s]->count[IN_S_OUTCOMES];
    d->leaf[s] = in_arena_array(&d->arena, (size_t) nothing + 1, sizeof(uint32_t));
    d->brief[s] = in_arena_array(&d->arena, (size_t) nothing + 1, sizeof(uint32_t));
    if (d->leaf[s] == NULL || d->brief[s] == NULL || d->outcome == NULL) return false;
    for (uint32_t i = 0; i <= nothing; i++) {
      in_span_t text = i == nothing ? IN_SPAN("as for all") : outcome_text(d, s, i);
      uint32_t k = 0;
      while (k < d->outcomes && !in_eq(d->outcome[k], text)) k++;
      if (k == d->outcomes) d->outcome[d->outcomes++] = text;
      d->leaf[s][i] = k;
    }
  }
  d->outcome[d->outcomes++] = IN_SPAN("deny undetermined");
  for (int s = 0; s < 2; s++)
    for (uint32_t i = 0; i <= d->img[s]->count[IN_S_OUTCOMES]; i++)
      d->brief[s][i] = i < d->img[s]->count[IN_S_OUTCOMES] && in_outcome(d->img[s], i)->kind == IN_OUT_UNDETERMINED
                           ? d->outcomes - 1 : d->leaf[s][i];
  return true;
}

/* ---- changes */

static bool grow(void **at, uint32_t n, uint32_t *have, size_t size) {
  void *more;
  if (n < *have) return true;
  more = realloc(*at, (size_t) (*have == 0 ? 64 : *have * 2) * size);
  if (more == NULL) return false;
  *at = more;
  *have = *have == 0 ? 64 : *have * 2;
  return true;
}

/* 64-bit words of a set of leaves */
static size_t words_of(const in_diff_t *d) { return d->outcomes / 64 + 1; }

static uint32_t pair_up(void *ctx, uint32_t a, uint32_t b) {
  in_diff_t *d = ctx;
  uint64_t p = (uint64_t) a << 32 | b;
  if (a == b) return 0;
  for (uint32_t i = 1; i < d->pairs; i++)
    if (d->pair[i] == p) return i;
  if (!grow((void **) &d->pair, d->pairs, &d->pair_room, sizeof(*d->pair))) {
    d->failed = true;
    return 0;
  }
  d->pair[d->pairs] = p;
  return d->pairs++;
}

static uint32_t count_others(const in_diff_t *d, const in_change_t *c) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < d->outcomes; i++) n += in_diff_has(c, i);
  return n;
}

/* where many outcomes take the place of one, events go together whatever these are */
static bool same_row(const in_diff_t *d, const in_change_t *x, const in_change_t *y) {
  if (x->from != y->from || x->to != y->to || x->one != y->one || x->is_new != y->is_new
      || x->when != y->when || x->joint != y->joint || x->whose != y->whose)
    return false;
  return (count_others(d, x) > 1 && count_others(d, y) > 1)
         || memcmp(x->others, y->others, words_of(d) * sizeof(uint64_t)) == 0;
}

static void add_change(in_diff_t *d, const in_change_t *c, uint32_t op, uint32_t kind) {
  in_change_t *at = NULL;
  for (uint32_t i = 0; i < d->changes && at == NULL; i++)
    if (same_row(d, &d->change[i], c)) at = &d->change[i];
  if (at == NULL) {
    if (!grow((void **) &d->change, d->changes, &d->change_room, sizeof(*d->change))) {
      d->failed = true;
      return;
    }
    at = &d->change[d->changes++];
    *at = *c;
  }
  at->kinds[op] |= (uint8_t) (1u << kind);
  at->where = in_joint_either(at->joint, at->where, c->where);
  for (size_t i = 0; i < words_of(d); i++) at->others[i] |= c->others[i];
}

static uint32_t count_left(const in_diff_t *d, const bool *left, uint32_t one, bool is_new) {
  uint32_t n = 0;
  for (uint32_t i = 1; i < d->pairs; i++) n += left[i] && (uint32_t) (is_new ? d->pair[i] : d->pair[i] >> 32) == one;
  return n;
}

/* the outcome that takes part in most of the changes that are left; if as many, one that was: what
   is told is then when it stops to be */
static uint32_t busiest(const in_diff_t *d, const bool *left, bool *is_new) {
  uint32_t best = 0, most = 0;
  for (int side = 0; side < 2; side++)
    for (uint32_t o = 0; o < d->outcomes; o++) {
      uint32_t n = count_left(d, left, o, side == 1);
      if (n <= most) continue;
      most = n;
      best = o;
      *is_new = side == 1;
    }
  return best;
}

/* takes a row's changes out of what is left; where they are */
static uint32_t take_row(in_diff_t *d, in_joint_t *j, bool *left, uint32_t p, in_change_t *c) {
  uint32_t where = in_joint_leaf(0);
  for (uint32_t i = 1; i < d->pairs; i++) {
    uint32_t was = (uint32_t) (d->pair[i] >> 32), is = (uint32_t) d->pair[i];
    if (!left[i] || (c->is_new ? is : was) != c->one) continue;
    left[i] = false;
    where = in_joint_either(j, where, in_joint_where(j, p, i));
    was = c->is_new ? was : is;
    c->others[was / 64] |= (uint64_t) 1 << was % 64;
  }
  return where;
}

static void add_rows(in_diff_t *d, in_joint_t *j, bool *left, uint32_t remaining, const uint32_t sides[2], uint32_t p,
                     in_change_t c, uint32_t op, uint32_t kind) {
  c.joint = j;
  while (remaining > 0 && !j->failed) {
    uint32_t where;
    c.one = busiest(d, left, &c.is_new);
    c.others = in_arena_array(&d->arena, words_of(d), sizeof(uint64_t));
    if (c.others == NULL) return;
    where = c.where = take_row(d, j, left, p, &c);
    c.when = in_joint_restrict(j, where, in_joint_where(j, sides[c.is_new], c.one));
    add_change(d, &c, op, kind);
    remaining = 0;
    for (uint32_t i = 1; i < d->pairs; i++) remaining += left[i];
  }
}

static void compare_sides(in_diff_t *d, in_joint_t *j, const uint32_t sides[2], in_change_t c, uint32_t op, uint32_t kind) {
  uint32_t p, n = 0;
  bool *left;
  if (sides[0] == sides[1]) return;
  p = in_joint_product(j, sides[0], sides[1], OP_PAIR, pair_up, d);
  left = calloc(d->pairs, sizeof(*left));
  if (left == NULL) d->failed = true;
  for (uint32_t i = 1; i < d->pairs && left != NULL; i++) n += left[i] = in_joint_reaches(j, p, i);
  add_rows(d, j, left, n, sides, p, c, op, kind);
  free(left);
}

static bool want_lists(in_diff_t *d, in_lists_t *l, bool names) {
  if (l->there) return true;
  l->there = in_joint_init_lists(&l->joint, d->img[0], d->img[1], &d->arena)
             && in_unlist_init(&l->of[0], &l->joint, 0, names) && in_unlist_init(&l->of[1], &l->joint, 1, names);
  if (!l->there) d->failed = true;
  return l->there;
}

static void compare_cell(in_diff_t *d, uint32_t op, uint32_t kind, uint32_t old, uint32_t new_, in_change_t c) {
  uint32_t roots[2] = { old, new_ }, sides[2];
  bool lists = in_words_is_list(old) || in_words_is_list(new_);
  if (lists && !want_lists(d, &d->cells, false)) return;
  for (int s = 0; s < 2; s++)
    sides[s] = lists ? in_unlist_leaves(&d->cells.of[s], in_unlist_cell(&d->cells.of[s], roots[s]), d->brief[s])
                     : in_joint_import(&d->joint, s, roots[s], d->leaf[s]);
  compare_sides(d, lists ? &d->cells.joint : &d->joint, sides, c, op, kind);
}

static void compare_direction(in_diff_t *d, uint32_t from, uint32_t to) {
  uint32_t systems[2] = { d->img[0]->count[IN_S_SYSTEMS], d->img[1]->count[IN_S_SYSTEMS] };
  uint32_t f = in_diff_system(d, from), t = in_diff_system(d, to);
  in_change_t c = { .from = from, .to = to };
  if (f == IN_NIL || t == IN_NIL) return;
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++)
    for (uint32_t k = 0; k < INTEROP_KIND_COUNT; k++)
      compare_cell(d, op, k, in_table(d->img[0], CELLS, uint32_t)[in_cell(systems[0], op, k, from, to)],
                   in_table(d->img[1], CELLS, uint32_t)[in_cell(systems[1], op, k, f, t)], c);
}

/* ---- rules of single tenants: what they say beside everybody's */

static uint32_t list_of(const in_diff_t *d, int side, in_span_t id) {
  return d->img[side]->count[IN_S_OVERLAYS] == 0 ? IN_NIL : in_overlay_find(d->img[side], id);
}

static uint32_t tenant_side(in_diff_t *d, int side, uint32_t list, const in_list_event_t *e) {
  in_unlist_t *u = &d->owns.of[side];
  if (list == IN_NIL) return in_joint_leaf(d->leaf[side][u->nothing]);
  return in_unlist_leaves(u, in_unlist_tenant(u, list, e), d->leaf[side]);
}

static void compare_tenant_cells(in_diff_t *d, const in_whose_t *whose, const uint32_t list[2], uint32_t from, uint32_t to) {
  in_list_event_t e[2] = { { 0, 0, from, to }, { 0, 0, in_diff_system(d, from), in_diff_system(d, to) } };
  in_change_t c = { .from = from, .to = to, .whose = whose };
  if (e[1].from == IN_NIL || e[1].to == IN_NIL) return;
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++)
    for (uint32_t k = 0; k < INTEROP_KIND_COUNT && !d->owns.joint.failed; k++) {
      uint32_t sides[2];
      for (int s = 0; s < 2; s++) {
        e[s].operation = op;
        e[s].kind = k;
        sides[s] = tenant_side(d, s, list[s], &e[s]);
      }
      compare_sides(d, &d->owns.joint, sides, c, op, k);
    }
}

static bool same_rule(in_diff_t *d, const in_pi_rule_t *x, const in_pi_rule_t *y) {
  if (x->op != y->op || x->ops != y->ops || x->kinds != y->kinds || x->from != y->from || x->to != y->to) return false;
  if (x->op == IN_LIST_NEXT || x->op == IN_LIST_END) return true;
  return x->crosses == y->crosses && d->leaf[0][x->outcome] == d->leaf[1][y->outcome]
         && in_joint_import(&d->owns.joint, 0, x->guard, d->owns.of[0].same)
                == in_joint_import(&d->owns.joint, 1, y->guard, d->owns.of[1].same);
}

/* rule by rule, as nearly all lists are that are the same; bit sets mean the same where systems do */
static bool same_list(in_diff_t *d, const uint32_t list[2]) {
  const in_pi_rule_t *x = in_table(d->img[0], LISTS, in_pi_rule_t) + list[0];
  const in_pi_rule_t *y = in_table(d->img[1], LISTS, in_pi_rule_t) + list[1];
  for (uint32_t i = 0; i < d->img[0]->count[IN_S_SYSTEMS]; i++)
    if (in_diff_system(d, i) != i) return false;
  for (; same_rule(d, x, y); x++, y++)
    if (x->op == IN_LIST_END) return true;
  return false;
}

static void compare_tenant(in_diff_t *d, in_span_t id) {
  const uint32_t list[2] = { list_of(d, 0, id), list_of(d, 1, id) }, n = d->img[0]->count[IN_S_SYSTEMS];
  in_whose_t *whose;
  if ((list[0] == IN_NIL && list[1] == IN_NIL) || !want_lists(d, &d->owns, true)) return;
  if (list[0] != IN_NIL && list[1] != IN_NIL && same_list(d, list)) return;
  whose = in_arena_get(&d->arena, sizeof(*whose));
  if (whose == NULL) return;
  whose->id = id;
  for (uint32_t from = 0; from < n; from++)
    for (uint32_t to = 0; to <= n; to++) compare_tenant_cells(d, whose, list, from, to);
}

/* a change that several tenants have is one row */
static bool same_change(const in_diff_t *d, const in_change_t *x, const in_change_t *y) {
  return x->whose != NULL && y->whose != NULL && x->from == y->from && x->to == y->to && x->one == y->one
         && x->is_new == y->is_new && x->when == y->when && memcmp(x->kinds, y->kinds, sizeof(x->kinds)) == 0
         && memcmp(x->others, y->others, words_of(d) * sizeof(uint64_t)) == 0;
}

static bool share(in_diff_t *d, in_change_t *at, const in_change_t *other) {
  in_whose_t *w = in_arena_get(&d->arena, sizeof(*w)), *last;
  if (w == NULL) return false;
  w->id = other->whose->id;
  if (at->whose->next == NULL) {        /* its own list: the first one's rows may have different tenants beside it */
    in_whose_t *first = in_arena_get(&d->arena, sizeof(*first));
    if (first == NULL) return false;
    first->id = at->whose->id;
    at->whose = first;
  }
  for (last = (in_whose_t *) (uintptr_t) at->whose; last->next != NULL;) last = last->next;
  last->next = w;
  return true;
}

static void gather_tenants(in_diff_t *d, uint32_t first) {
  uint32_t n = first;
  for (uint32_t i = first; i < d->changes; i++) {
    uint32_t k = first;
    while (k < n && !same_change(d, &d->change[k], &d->change[i])) k++;
    if (k == n) d->change[n++] = d->change[i];
    else if (!share(d, &d->change[k], &d->change[i])) return;
  }
  d->changes = n;
}

static int by_id(const void *a, const void *b) {
  const in_span_t *x = a, *y = b;
  int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
  return r != 0 ? r : (x->n > y->n) - (x->n < y->n);
}

static void compare_tenants(in_diff_t *d) {
  uint32_t first = d->changes, n = 0;
  in_span_t *ids = in_arena_array(&d->arena, (size_t) d->img[0]->count[IN_S_OVERLAYS] + d->img[1]->count[IN_S_OVERLAYS] + 1,
                                  sizeof(*ids));
  if (ids == NULL) return;
  for (int s = 0; s < 2; s++)
    for (uint32_t i = 1; i < d->img[s]->count[IN_S_OVERLAYS]; i++) {
      const in_pi_overlay_t *o = in_table(d->img[s], OVERLAYS, in_pi_overlay_t) + i;
      in_span_t id = in_image_str(d->img[s], o->id);
      if (o->list != IN_NIL && (s == 0 || list_of(d, 0, id) == IN_NIL)) ids[n++] = id;
    }
  qsort(ids, n, sizeof(*ids), by_id);
  for (uint32_t i = 0; i < n; i++) compare_tenant(d, ids[i]);
  compare_tenant(d, IN_NONE);             /* where the tenant is not known */
  gather_tenants(d, first);
}

static void compare(in_diff_t *d) {
  uint32_t n = d->img[0]->count[IN_S_SYSTEMS];
  for (uint32_t from = 0; from < n; from++)
    for (uint32_t to = 0; to <= n; to++) compare_direction(d, from, to);
  compare_tenants(d);
  in_diff_rest(d);
}

/* ---- the verb */

static int run(in_diff_t *d) {
  bool good = in_joint_init(&d->joint, d->img[0], d->img[1], &d->arena) && make_leaves(d);
  d->pairs = 1;
  good = good && grow((void **) &d->pair, 1, &d->pair_room, sizeof(*d->pair));
  if (good) compare(d);
  if (!good || d->failed || d->joint.failed || d->cells.joint.failed || d->owns.joint.failed || d->arena.failed)
    return in_ctl_fail("the policies are too different, or memory ran out");
  in_diff_tell(d);
  return d->changes + d->notes > 0 ? IN_CTL_FOUND : IN_CTL_GOOD;
}

int in_ctl_diff(int argc, char **argv) {
  in_diff_t d = { .all = false };
  in_option_t options[] = { { "--all", NULL, &d.all }, { "--json", NULL, &d.json } };
  in_pack_t old, new_;
  int code;
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc != 3) return in_ctl_wrong(argv[0], "which policy against which?");
  if (!in_pack_open(&old, argv[1])) return IN_CTL_WRONG;
  if (!in_pack_open(&new_, argv[2])) {
    in_pack_close(&old);
    return IN_CTL_WRONG;
  }
  d.img[0] = &old.policy->img;
  d.img[1] = &new_.policy->img;
  in_arena_init(&d.arena, &interop_alloc_libc);
  code = run(&d);
  in_joint_free(&d.joint);
  in_joint_free(&d.cells.joint);
  in_joint_free(&d.owns.joint);
  free(d.pair);
  free(d.change);
  in_arena_free(&d.arena);
  in_pack_close(&old);
  in_pack_close(&new_);
  return code;
}
