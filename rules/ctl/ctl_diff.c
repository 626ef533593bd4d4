/*
** ctl_diff.c -- interopctl diff: every class of traffic that two policies decide
** otherwise.
**
** Owns merging and telling. A row is an outcome that was and what it is now (or
** the reverse, where more rows go together so), with the condition that parts what
** changes from what stays, told relative to that outcome: where all of it changes
** there is none. Exact: what no row covers is decided alike.
*/
#include <stdlib.h>
#include "diff.h"
#include "pack.h"
#include "words.h"
#include "../api/json.h"

const char in_help_diff[] =
  "usage: interopctl diff OLD NEW [--all] [--json]\n\n"
  "Compares two policies (sources or images) over every possible event and tells\n"
  "each class of traffic that is decided otherwise: operations and kinds, outcome\n"
  "before and now, and, where not all of it changes, when. Notices, texts, reasons\n"
  "and what is remembered are compared too, of API definitions whether they are\n"
  "the same.\n\n"
  "  --all      every condition, where they are many\n"
  "  --json     for programs\n\n"
  "Exit 1 if there is any difference.\n";

#define FEW    6                  /* values of a list that are told */
#define CUBES  6                  /* conditions of a row that are told without --all */


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

static bool make_leaves(in_diff_t *d) {
  size_t all = (size_t) d->img[0]->count[IN_S_OUTCOMES] + d->img[1]->count[IN_S_OUTCOMES];
  d->outcome = in_arena_array(&d->arena, all + 1, sizeof(*d->outcome));
  for (int s = 0; s < 2; s++) {
    d->leaf[s] = in_arena_array(&d->arena, (size_t) d->img[s]->count[IN_S_OUTCOMES] + 1, sizeof(uint32_t));
    if (d->leaf[s] == NULL || d->outcome == NULL) return false;
    for (uint32_t i = 0; i < d->img[s]->count[IN_S_OUTCOMES]; i++) {
      in_span_t text = outcome_text(d, s, i);
      uint32_t k = 0;
      while (k < d->outcomes && !in_eq(d->outcome[k], text)) k++;
      if (k == d->outcomes) d->outcome[d->outcomes++] = text;
      d->leaf[s][i] = k;
    }
  }
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

static bool in_set(const in_change_t *c, uint32_t leaf) {
  return c->others[leaf / 64] >> leaf % 64 & 1;
}

static uint32_t count_others(const in_diff_t *d, const in_change_t *c) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < d->outcomes; i++) n += in_set(c, i);
  return n;
}

/* where many outcomes take the place of one, events go together whatever these are */
static bool same_row(const in_diff_t *d, const in_change_t *x, const in_change_t *y) {
  if (x->from != y->from || x->to != y->to || x->one != y->one || x->is_new != y->is_new
      || x->when != y->when)
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
  for (size_t i = 0; i < words_of(d); i++) at->others[i] |= c->others[i];
}

/* the outcome, old or new, that takes part in most of the changes that are left */
static uint32_t busiest(const in_diff_t *d, const bool *left, bool *is_new) {
  uint32_t best = 0, most = 0;
  for (uint32_t o = 0; o < d->outcomes; o++) {
    uint32_t n[2] = { 0, 0 };
    for (uint32_t i = 1; i < d->pairs; i++) {
      n[0] += left[i] && (uint32_t) (d->pair[i] >> 32) == o;
      n[1] += left[i] && (uint32_t) d->pair[i] == o;
    }
    for (int s = 0; s < 2; s++)
      if (n[s] > most) {
        most = n[s];
        best = o;
        *is_new = s == 1;
      }
  }
  return best;
}

/* takes a row's changes out of what is left; where they are */
static uint32_t take_row(in_diff_t *d, bool *left, uint32_t p, in_change_t *c) {
  uint32_t where = in_joint_leaf(0);
  for (uint32_t i = 1; i < d->pairs; i++) {
    uint32_t was = (uint32_t) (d->pair[i] >> 32), is = (uint32_t) d->pair[i];
    if (!left[i] || (c->is_new ? is : was) != c->one) continue;
    left[i] = false;
    where = in_joint_either(&d->joint, where, in_joint_where(&d->joint, p, i));
    was = c->is_new ? was : is;
    c->others[was / 64] |= (uint64_t) 1 << was % 64;
  }
  return where;
}

static void add_rows(in_diff_t *d, bool *left, uint32_t remaining, const uint32_t sides[2], uint32_t p, in_change_t c,
                     uint32_t op, uint32_t kind) {
  while (remaining > 0) {
    uint32_t where;
    c.one = busiest(d, left, &c.is_new);
    c.others = in_arena_array(&d->arena, words_of(d), sizeof(uint64_t));
    if (c.others == NULL) return;
    where = take_row(d, left, p, &c);
    c.when = in_joint_restrict(&d->joint, where, in_joint_where(&d->joint, sides[c.is_new], c.one));
    add_change(d, &c, op, kind);
    remaining = 0;
    for (uint32_t i = 1; i < d->pairs; i++) remaining += left[i];
  }
}

static void compare_cell(in_diff_t *d, uint32_t op, uint32_t kind, uint32_t old, uint32_t new_, in_change_t c) {
  uint32_t sides[2] = {in_joint_import(&d->joint, 0, old, d->leaf[0]),
      in_joint_import(&d->joint, 1, new_, d->leaf[1])};
  uint32_t p, n = 0;
  bool *left;
  if (sides[0] == sides[1]) return;
  p = in_joint_product(&d->joint, sides[0], sides[1], pair_up, d);
  left = calloc(d->pairs, sizeof(*left));
  if (left == NULL) d->failed = true;
  for (uint32_t i = 1; i < d->pairs && left != NULL; i++) n += left[i] = in_joint_reaches(&d->joint, p, i);
  add_rows(d, left, n, sides, p, c, op, kind);
  free(left);
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

static void compare(in_diff_t *d) {
  uint32_t n = d->img[0]->count[IN_S_SYSTEMS];
  for (uint32_t from = 0; from < n; from++)
    for (uint32_t to = 0; to <= n; to++) compare_direction(d, from, to);
  in_diff_rest(d);
}

/* ---- conditions in words */

static uint64_t side_classes(const in_joint_var_t *v, int side, uint64_t classes, bool *exact) {
  uint64_t in = 0, out = 0;
  for (uint32_t c = 0; c < v->classes; c++) *(classes >> c & 1 ? &in : &out) |= (uint64_t) 1 << v->map[side][c];
  *exact = (in & out) == 0;
  return in;
}

static uint32_t joint_class(const in_joint_var_t *v, uint32_t old, uint32_t new_) {
  for (uint32_t c = 0; c < v->classes; c++)
    if (v->map[0][c] == old && v->map[1][c] == new_) return c;
  return 0;
}

/* a code's values one by one, those of both policies; if others are in, those that are not */
static void put_codes(in_buf_t *b, const in_diff_t *d, const in_joint_var_t *v, uint64_t classes) {
  const in_pi_atom_t *a[2] = { in_atom(d->img[0], v->atom[0]), in_atom(d->img[1], v->atom[1]) };
  bool other = classes >> joint_class(v, a[0]->other, a[1]->other) & 1;
  uint32_t n = 0;
  in_buf_put(b, in_words_slot(d->img[0], a[0]->slot));
  in_buf_put(b, other ? IN_SPAN(" is not ") : IN_SPAN(" = "));
  for (int s = 0; s < 2; s++)
    for (uint32_t i = 0; i < a[s]->texts.count; i++) {
      in_span_t text = in_image_str(d->img[s], in_table(d->img[s], REFS, in_ref_t)[a[s]->texts.first + i]);
      bool there = s == 1 && in_joint_code_known(d->img[0], a[0], text);
      uint32_t c = joint_class(v, in_joint_code_class(d->img[0], a[0], text),
          in_joint_code_class(d->img[1], a[1], text));
      if (there || (classes >> c & 1) == other) continue;
      if (n < FEW && n > 0) in_buf_put(b, IN_SPAN(" or "));
      if (n++ < FEW) in_buf_put(b, text);
    }
  if (n > FEW) in_buf_printf(b, " or %u more", n - FEW);
  if (n == 0) in_buf_put(b, other ? IN_SPAN("unknown") : IN_SPAN("nothing"));
  if (classes & 1 && n > 0) in_buf_put(b, IN_SPAN(" or unknown"));
}

static void put_condition(in_buf_t *b, const in_diff_t *d, uint32_t var, uint64_t classes) {
  const in_joint_var_t *v = &d->joint.var[var];
  uint64_t told[2] = { 0, 0 };
  bool exact[2] = { false, false };
  for (int s = 0; s < 2; s++)
    if (v->atom[s] != IN_NIL) told[s] = side_classes(v, s, classes, &exact[s]);
  if (exact[1] || v->atom[0] == IN_NIL) {
    in_words_classes(b, d->img[1], v->atom[1], told[1]);
  } else if (exact[0] || v->atom[1] == IN_NIL) {
    in_words_classes(b, d->img[0], v->atom[0], told[0]);
  } else if (in_atom(d->img[0], v->atom[0])->kind == IN_ATOM_CODE) {
    put_codes(b, d, v, classes);
  } else {
    in_words_classes(b, d->img[0], v->atom[0], told[0]);
    in_buf_put(b, IN_SPAN(" and "));
    in_words_classes(b, d->img[1], v->atom[1], told[1]);
  }
}

typedef struct {
  const in_diff_t *d;
  uint32_t var[IN_MAX_ATOMS];
  uint64_t classes[IN_MAX_ATOMS];
  uint32_t depth, count;
  void (*tell)(void *ctx, in_span_t text);
  void *ctx;
} cubes_t;

static void tell_cube(cubes_t *x) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  for (uint32_t i = 0; i < x->depth; i++) {
    if (i > 0) in_buf_put(&b, IN_SPAN(" and "));
    put_condition(&b, x->d, x->var[i], x->classes[i]);
  }
  x->tell(x->ctx, in_buf_span(&b));
  in_buf_free(&b);
}

/* ways to 1; classes that lead to the same place go together */
static void each_cube(cubes_t *x, uint32_t id) {
  const in_joint_t *j = &x->d->joint;
  const uint32_t *kids;
  uint32_t n;
  if (in_joint_is_leaf(id)) {
    if (id == in_joint_leaf(1) && (x->d->all || x->count < CUBES)) tell_cube(x);
    x->count += id == in_joint_leaf(1);
    return;
  }
  kids = in_joint_kids(j, id);
  n = j->var[j->node[id].var].classes;
  for (uint32_t c = 0; c < n && x->depth < IN_MAX_ATOMS; c++) {
    uint64_t same = 0;
    bool had = false;
    for (uint32_t k = 0; k < n; k++) {
      had = had || (k < c && kids[k] == kids[c]);
      if (kids[k] == kids[c]) same |= (uint64_t) 1 << k;
    }
    if (had) continue;
    x->var[x->depth] = j->node[id].var;
    x->classes[x->depth++] = same;
    each_cube(x, kids[c]);
    x->depth--;
  }
}

/* ---- telling */

static in_span_t system_name(const in_diff_t *d, uint32_t i) {
  const in_image_t *img = d->img[0];
  return i < img->count[IN_S_SYSTEMS] ? in_image_str(img, in_system(img, i)->name) : IN_SPAN("(not known)");
}

/* operations whose kinds are the same, and those kinds */
static void put_events(const in_change_t *c, void (*put)(void *ctx, const char *text), void *ctx, const char *between) {
  bool first = true;
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++) {
    bool had = c->kinds[op] == 0;
    for (uint32_t i = 0; i < op; i++) had = had || c->kinds[i] == c->kinds[op];
    if (had) continue;
    if (!first) put(ctx, between);
    first = false;
    for (uint32_t i = op, n = 0; i < INTEROP_OPERATION_COUNT; i++) {
      if (c->kinds[i] != c->kinds[op]) continue;
      if (n++ > 0) put(ctx, " ");
      put(ctx, interop_operation_name((interop_operation_t) i));
    }
    for (uint32_t k = 0; k < INTEROP_KIND_COUNT && c->kinds[op] != (1u << INTEROP_KIND_COUNT) - 1; k++) {
      if (!(c->kinds[op] >> k & 1)) continue;
      put(ctx, (c->kinds[op] & ((1u << k) - 1)) == 0 ? ": " : ", ");
      put(ctx, interop_kind_name((interop_kind_t) k));
    }
  }
}

static void print(void *ctx, const char *text) { (void) ctx, fputs(text, stdout); }

static void print_when(void *ctx, in_span_t text) {
  bool *first = ctx;
  fputs(*first ? "      when " : "      or   ", stdout);
  in_ctl_text(text, stdout);
  putchar('\n');
  *first = false;
}

static void put_others(const in_diff_t *d, const in_change_t *c, void (*put)(void *ctx, in_span_t text), void *ctx) {
  for (uint32_t i = 0; i < d->outcomes; i++)
    if (in_set(c, i)) put(ctx, d->outcome[i]);
}

/* outcomes one by one, those that are undetermined at the end and by their number */
typedef struct { uint32_t told, undetermined; } printed_t;

static void print_outcome(void *ctx, in_span_t text) {
  printed_t *p = ctx;
  if (in_starts(text, IN_SPAN("deny undetermined:")) && p->undetermined++ > 0) return;
  printf("%s%.*s", p->told++ > 0 ? " | " : "", (int) text.n, text.p);
}

static void print_others(const in_diff_t *d, const in_change_t *c) {
  printed_t p = { 0, 0 };
  put_others(d, c, print_outcome, &p);
  if (p.undetermined > 1) printf(" and %u more that are undetermined", p.undetermined - 1);
}

static void put_change(const in_diff_t *d, const in_change_t *c) {
  bool first = true;
  cubes_t x = { .d = d, .tell = print_when, .ctx = &first };
  in_span_t from = system_name(d, c->from), to = system_name(d, c->to), one = d->outcome[c->one];
  printf("%.*s -> %.*s  ", (int) from.n, from.p, (int) to.n, to.p);
  put_events(c, print, NULL, "; ");
  fputs("\n    ", stdout);
  if (!c->is_new) printf("%.*s  ->  ", (int) one.n, one.p);
  print_others(d, c);
  if (c->is_new) printf("  ->  %.*s", (int) one.n, one.p);
  putchar('\n');
  if (c->when != in_joint_leaf(1)) each_cube(&x, c->when);
  if (!d->all && x.count > CUBES) printf("      or   %u more conditions (--all)\n", x.count - CUBES);
}

static void put_text(const in_diff_t *d) {
  for (uint32_t i = 0; i < d->changes; i++) put_change(d, &d->change[i]);
  for (uint32_t i = 0; i < d->notes; i++) printf("differs: %.*s\n", (int) d->note[i].n, d->note[i].p);
  if (d->changes + d->notes == 0) puts("no difference");
}

static void append(void *ctx, const char *text) { in_buf_put(ctx, in_str(text)); }

static void append_when(void *ctx, in_span_t text) {
  in_buf_t *b = ctx;
  if (b->p[b->n - 1] != '[') in_buf_byte(b, ',');
  in_json_quote(b, text);
}

static void json_change(const in_diff_t *d, in_buf_t *b, const in_change_t *c) {
  cubes_t x = { .d = d, .tell = append_when, .ctx = b };
  in_buf_put(b, IN_SPAN("{\"from\":"));
  in_json_quote(b, system_name(d, c->from));
  in_buf_put(b, IN_SPAN(",\"to\":"));
  in_json_quote(b, system_name(d, c->to));
  in_buf_put(b, IN_SPAN(",\"events\":[\""));
  put_events(c, append, b, "\",\"");
  for (int is_new = 0; is_new < 2; is_new++) {
    in_buf_put(b, is_new ? IN_SPAN("],\"new\":[") : IN_SPAN("\"],\"old\":["));
    if (c->is_new == (is_new == 1)) in_json_quote(b, d->outcome[c->one]);
    else put_others(d, c, append_when, b);
  }
  in_buf_put(b, IN_SPAN("],\"when\":["));
  if (c->when != in_joint_leaf(1)) each_cube(&x, c->when);
  in_buf_put(b, IN_SPAN("]}"));
}

static void put_json(in_diff_t *d) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  d->all = true;
  in_buf_put(&b, IN_SPAN("{\"changes\":["));
  for (uint32_t i = 0; i < d->changes; i++) {
    if (i > 0) in_buf_put(&b, IN_SPAN(",\n "));
    json_change(d, &b, &d->change[i]);
  }
  in_buf_put(&b, IN_SPAN("],\"differs\":["));
  for (uint32_t i = 0; i < d->notes; i++) append_when(&b, d->note[i]);
  in_buf_put(&b, IN_SPAN("]}\n"));
  in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
}

static int run(in_diff_t *d) {
  bool good = in_joint_init(&d->joint, d->img[0], d->img[1], &d->arena) && make_leaves(d);
  if (in_words_has_lists(d->img[0]) || in_words_has_lists(d->img[1]))
    return in_ctl_fail("a policy has decisions that outgrew their diagrams: they cannot be compared exactly");
  d->pairs = 1;
  good = good && grow((void **) &d->pair, 1, &d->pair_room, sizeof(*d->pair));
  if (good) compare(d);
  if (!good || d->failed || d->joint.failed || d->arena.failed)
    return in_ctl_fail("the policies are too different, or memory ran out");
  if (d->json) put_json(d);
  else put_text(d);
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
  free(d.pair);
  free(d.change);
  in_arena_free(&d.arena);
  in_pack_close(&old);
  in_pack_close(&new_);
  return code;
}
