/*
** declared.c -- facts that are set by hand, held against what a policy declares.
**
** Owns the warnings. Knows no fact by name but those that the engine reads by
** itself. Changes nothing: a policy that is yet to come may ask for more.
*/
#include <stdlib.h>
#include "declared.h"
#include "pack.h"
#include "../policy/compile.h"

struct in_declared_s {
  in_pack_t pack;
  in_arena_t arena;
  in_vocab_t vocab;               /* fields alone, where it is an image */
};

/* what the engine asks of records, declared or not */
static bool is_own(interop_record_kind_t kind, in_span_t name) {
  static const struct { interop_record_kind_t kind; const char *name; } own[] = {
    { INTEROP_R_TENANT, "aliases" },
    { INTEROP_R_USER, "aliases" }, { INTEROP_R_USER, "tenant" }, { INTEROP_R_USER, "systems" }, { INTEROP_R_USER, "reads_on" },
    { INTEROP_R_CONVERSATION, "aliases" }, { INTEROP_R_CONVERSATION, "tenant" },
    { INTEROP_R_CONVERSATION, "participants" }, { INTEROP_R_CONVERSATION, "parent" },
  };
  for (size_t i = 0; i < in_countof(own); i++)
    if (own[i].kind == kind && in_eq(in_str(own[i].name), name)) return true;
  return false;
}

/* ---- what is declared */

static bool from_image(in_declared_t *d, const char *option) {
  const in_image_t *img;
  if (!in_pack_open(&d->pack, option)) return false;
  img = &d->pack.policy->img;
  for (uint32_t i = 0; i < img->count[IN_S_FIELDS]; i++) {
    const in_pi_field_t *f = in_field(img, i);
    const in_ref_t *names = in_table(img, REFS, in_ref_t) + f->names.first;
    in_field_t to = { .name = in_image_str(img, f->name), .record = (interop_record_kind_t) f->record,
                      .type = (in_type_t) f->type };
    to.value = in_arena_array(&d->arena, f->names.count + 1, sizeof(*to.value));
    if (to.value == NULL) return in_ctl_fail("out of memory"), false;
    for (; to.values < f->names.count; to.values++) to.value[to.values] = in_image_str(img, names[to.values]);
    if (!in_vec_push(&d->arena, &d->vocab.fields, to)) return in_ctl_fail("out of memory"), false;
  }
  return true;
}

static bool from_sources(in_declared_t *d, const char *option) {
  in_stmt_t *stmts;
  in_diag_clear(&d->pack.diag);
  if (in_syntax_load(d->pack.path, &d->arena, &stmts, &d->pack.diag) == INTEROP_OK
      && in_vocab_read(&d->vocab, stmts, &d->pack.diag) == INTEROP_OK) return true;
  if (option != NULL) in_pack_diag(&d->pack.diag);
  return false;
}

bool in_declared_open(in_declared_t **result, const char *option) {
  in_declared_t *d = calloc(1, sizeof(*d));
  bool image, good = false;
  *result = NULL;
  if (d == NULL) return in_ctl_fail("out of memory"), false;
  in_arena_init(&d->arena, &interop_alloc_libc);
  d->vocab.arena = &d->arena;
  if (in_pack_find(&d->pack, option, &image)) good = image ? from_image(d, option) : from_sources(d, option);
  if (good) *result = d;
  else in_declared_close(d);
  return good || option == NULL;
}

void in_declared_close(in_declared_t *d) {
  if (d == NULL) return;
  in_pack_close(&d->pack);
  in_arena_free(&d->arena);
  free(d);
}

/* ---- names */

static void warn_name(const in_declared_t *d, interop_record_kind_t kind, in_span_t name) {
  in_span_t *names = malloc((d->vocab.fields.n + 1) * sizeof(*names)), near;
  size_t n = 0;
  for (uint32_t i = 0; names != NULL && i < d->vocab.fields.n; i++)
    if (d->vocab.fields.at[i].record == kind) names[n++] = d->vocab.fields.at[i].name;
  fprintf(stderr, "interopctl: warning: the policy %s has no fact \"", d->pack.path);
  in_ctl_text(name, stderr);
  fprintf(stderr, "\" of a %s\n", interop_record_kind_name(kind));
  near = in_nearest(name, names, n);
  if (near.p != NULL) fprintf(stderr, "  hint: did you mean \"%.*s\"?\n", (int) near.n, near.p);
  free(names);
}

/* ---- values */

/* as the rules would read it: facts.c */
static bool fits(const in_field_t *f, const interop_value_t *v) {
  int64_t then;
  switch (f->type) {
    case IN_T_FLAG: return v->type == INTEROP_T_FLAG;
    case IN_T_ENUM: return v->type == INTEROP_T_TEXT && in_field_value(f, v->text) >= 0;
    case IN_T_TIME: return v->type == INTEROP_T_NUMBER || (v->type == INTEROP_T_TEXT && in_time_parse(v->text, &then));
    case IN_T_NUMBER: return v->type == INTEROP_T_NUMBER;
    case IN_T_LIST: return v->type == INTEROP_T_LIST;
    default: return v->type == INTEROP_T_TEXT;
  }
}

static void put_values(const in_field_t *f) {
  for (uint32_t i = 0; i < f->values; i++)
    fprintf(stderr, "%s%.*s", i == 0 ? "" : i + 1 == f->values ? " or " : ", ", (int) f->value[i].n, f->value[i].p);
}

static void warn_value(const in_declared_t *d, const in_field_t *f) {
  int n = (int) f->name.n;
  fprintf(stderr, "interopctl: warning: the policy %s takes \"%.*s\" as ", d->pack.path, n, f->name.p);
  switch (f->type) {
    case IN_T_FLAG: fputs("a flag, true or false", stderr); break;
    case IN_T_ENUM: put_values(f); break;
    case IN_T_TIME: fputs("a time, 2019-01-15 or 2019-01-15T10:00:00Z", stderr); break;
    case IN_T_NUMBER: fputs("a number", stderr); break;
    case IN_T_LIST: fprintf(stderr, "a list, %.*s+=ITEM", n, f->name.p); break;
    default: fprintf(stderr, "a text, %.*s:='\"...\"'", n, f->name.p); break;
  }
  fputs(": of another value nothing is known\n", stderr);
}

void in_declared_check(const in_declared_t *d, interop_record_kind_t kind, in_span_t record, in_span_t name) {
  int i = in_vocab_field(&d->vocab, kind, name);
  interop_value_t v;
  if (i < 0 && !is_own(kind, name)) warn_name(d, kind, name);
  else if (i >= 0 && interop_record_get(record, name, &v) == INTEROP_OK && !fits(&d->vocab.fields.at[i], &v))
    warn_value(d, &d->vocab.fields.at[i]);
}
