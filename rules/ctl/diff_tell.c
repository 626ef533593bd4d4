/*
** diff_tell.c -- changes of a policy for people, and for programs.
**
** Owns conditions in words and layout; compares nothing. Invariant: each change
** is told; where its conditions are more than one reads, what they have in common
** and how many there are.
*/
#include <stdlib.h>
#include "diff.h"
#include "pack.h"
#include "words.h"
#include "../api/json.h"

#define FEW    6                  /* values of a list that are told */
#define MOST   10000              /* conditions that are told at all, one by one */
#define CUBES  6                  /* conditions of a row that are told one by one without --all */

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

static void put_condition(in_buf_t *b, const in_diff_t *d, const in_joint_t *j, uint32_t var, uint64_t classes) {
  const in_joint_var_t *v = &j->var[var];
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
  const in_joint_t *joint;
  uint32_t var[IN_MAX_ATOMS];
  uint64_t classes[IN_MAX_ATOMS];
  uint32_t depth;
  void (*tell)(void *ctx, in_span_t text);
  void *ctx;
} cubes_t;

static void tell_cube(cubes_t *x) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  for (uint32_t i = 0; i < x->depth; i++) {
    if (i > 0) in_buf_put(&b, IN_SPAN(" and "));
    put_condition(&b, x->d, x->joint, x->var[i], x->classes[i]);
  }
  x->tell(x->ctx, in_buf_span(&b));
  in_buf_free(&b);
}

/* ways to 1; classes that lead to the same place go together */
static void each_cube(cubes_t *x, uint32_t id) {
  const in_joint_t *j = x->joint;
  const uint32_t *kids;
  uint32_t n;
  if (in_joint_is_leaf(id)) {
    if (id == in_joint_leaf(1)) tell_cube(x);
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

/* how many ways there are to 1, as each_cube goes; they may be more than can be gone */
static double count_ways(const in_joint_t *j, uint32_t id, double *known) {
  const uint32_t *kids;
  uint32_t n;
  double all = 0;
  if (in_joint_is_leaf(id)) return id == in_joint_leaf(1);
  if (known[id] > 0) return known[id];
  kids = in_joint_kids(j, id);
  n = j->var[j->node[id].var].classes;
  for (uint32_t c = 0; c < n; c++) {
    uint32_t k = 0;
    while (kids[k] != kids[c]) k++;
    if (k == c) all += count_ways(j, kids[c], known);
  }
  return known[id] = all;
}

/* what all ways have in common, fact by fact; false: nothing */
static bool put_hull(in_buf_t *b, const in_diff_t *d, in_joint_t *j, uint32_t id) {
  bool some = false;
  for (uint32_t v = 0; v < j->vars; v++) {
    uint64_t may = 0, all = j->var[v].classes == 64 ? UINT64_MAX : ((uint64_t) 1 << j->var[v].classes) - 1;
    for (uint32_t c = 0; c < j->var[v].classes; c++)
      if (in_joint_fix(j, id, v, c) != in_joint_leaf(0)) may |= (uint64_t) 1 << c;
    if (may == all) continue;
    if (some) in_buf_put(b, IN_SPAN(" and "));
    put_condition(b, d, j, v, may);
    some = true;
  }
  return some;
}

/* ---- telling */

static in_span_t system_name(const in_diff_t *d, uint32_t i) {
  const in_image_t *img = d->img[0];
  return i < img->count[IN_S_SYSTEMS] ? in_image_str(img, in_system(img, i)->name) : IN_SPAN("(not known)");
}

/* do all operations of the family ("message.", or "": all there are) have the same kinds as this one? */
static bool whole_family(const in_change_t *c, uint32_t op, in_span_t family) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < INTEROP_OPERATION_COUNT; i++) {
    if (!in_starts(in_str(interop_operation_name((interop_operation_t) i)), family)) continue;
    if (c->kinds[i] != c->kinds[op]) return false;
    n++;
  }
  return n > 1;
}

/* "message." of "message.send"; "" of what has no family */
static in_span_t family_of(uint32_t op) {
  in_span_t name = in_str(interop_operation_name((interop_operation_t) op));
  const char *dot = memchr(name.p, '.', name.n);
  return dot == NULL ? IN_SPAN("") : in_span(name.p, (size_t) (dot - name.p) + 1);
}

/* those with the same kinds as op; whole families as policies name them: "message.*", "*" */
static void put_operations(const in_change_t *c, uint32_t op, void (*put)(void *ctx, const char *text), void *ctx) {
  if (whole_family(c, op, IN_SPAN(""))) {
    put(ctx, "*");
    return;
  }
  for (uint32_t i = op, n = 0; i < INTEROP_OPERATION_COUNT; i++) {
    in_span_t family = family_of(i);
    bool whole = family.n > 0 && c->kinds[i] == c->kinds[op] && whole_family(c, op, family);
    char name[64];
    if (c->kinds[i] != c->kinds[op] || (whole && i > 0 && in_eq(family_of(i - 1), family))) continue;
    if (n++ > 0) put(ctx, " ");
    snprintf(name, sizeof(name), "%.*s*", (int) family.n, family.p);
    put(ctx, whole ? name : interop_operation_name((interop_operation_t) i));
  }
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
    put_operations(c, op, put, ctx);
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
    if (in_diff_has(c, i)) put(ctx, d->outcome[i]);
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

/* "tenants a, b and 7 more: " */
static void print_whose(const in_whose_t *w) {
  uint32_t n = 0;
  if (w == NULL) return;
  fputs(w->next == NULL ? "tenant " : "tenants ", stdout);
  for (; w != NULL; w = w->next, n++) {
    if (n >= FEW) continue;
    if (n > 0) fputs(", ", stdout);
    in_ctl_text(w->id.p == NULL ? IN_SPAN("(not known)") : w->id, stdout);
  }
  if (n > FEW) printf(" and %u more", n - FEW);
  fputs(": ", stdout);
}

static double ways_of(const in_change_t *c) {
  double *known = calloc((size_t) c->joint->nodes + 1, sizeof(*known)), ways;
  if (known == NULL) return 0;
  ways = count_ways(c->joint, c->when, known);
  free(known);
  return ways;
}

/* more conditions than one reads: what they have in common, and how many there are */
static bool put_many(const in_diff_t *d, const in_change_t *c) {
  double ways = ways_of(c);
  in_buf_t b;
  if (ways <= (d->all ? MOST : CUBES)) return false;
  in_buf_init(&b, &interop_alloc_libc);
  if (put_hull(&b, d, c->joint, c->where)) {
    fputs("      only when ", stdout);
    in_ctl_text(in_buf_span(&b), stdout);
    putchar('\n');
  }
  in_buf_free(&b);
  printf(ways > MOST ? "      on conditions too many to be told\n" : "      on %.0f conditions (--all)\n", ways);
  return true;
}

static void put_change(const in_diff_t *d, const in_change_t *c) {
  bool first = true;
  cubes_t x = { .d = d, .joint = c->joint, .tell = print_when, .ctx = &first };
  in_span_t from = system_name(d, c->from), to = system_name(d, c->to), one = d->outcome[c->one];
  print_whose(c->whose);
  printf("%.*s -> %.*s  ", (int) from.n, from.p, (int) to.n, to.p);
  put_events(c, print, NULL, "; ");
  fputs("\n    ", stdout);
  if (!c->is_new) printf("%.*s  ->  ", (int) one.n, one.p);
  print_others(d, c);
  if (c->is_new) printf("  ->  %.*s", (int) one.n, one.p);
  putchar('\n');
  if (c->when == in_joint_leaf(1)) return;
  if (!put_many(d, c)) each_cube(&x, c->when);
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

/* what too many conditions have in common */
static void json_hull(const in_diff_t *d, in_buf_t *b, const in_change_t *c) {
  in_buf_t h;
  in_buf_init(&h, &interop_alloc_libc);
  (void) put_hull(&h, d, c->joint, c->where);
  in_buf_put(b, IN_SPAN(",\"only_when\":"));
  in_json_quote(b, h.n > 0 ? in_buf_span(&h) : IN_SPAN(""));
  in_buf_free(&h);
}

static void json_change(const in_diff_t *d, in_buf_t *b, const in_change_t *c) {
  cubes_t x = { .d = d, .joint = c->joint, .tell = append_when, .ctx = b };
  in_buf_put(b, c->whose == NULL ? IN_SPAN("{\"from\":") : IN_SPAN("{\"tenants\":["));
  for (const in_whose_t *w = c->whose; w != NULL; w = w->next) append_when(b, w->id.p == NULL ? IN_SPAN("") : w->id);
  if (c->whose != NULL) in_buf_put(b, IN_SPAN("],\"from\":"));
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
  if (c->when != in_joint_leaf(1) && ways_of(c) <= MOST) each_cube(&x, c->when);
  in_buf_byte(b, ']');
  if (c->when != in_joint_leaf(1) && ways_of(c) > MOST) json_hull(d, b, c);
  in_buf_byte(b, '}');
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

void in_diff_tell(in_diff_t *d) {
  if (d->json) put_json(d);
  else put_text(d);
}
