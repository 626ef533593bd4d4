/*
** declared.c -- facts that are set by hand, held against what a policy declares.
**
** Owns the warnings. Knows no fact by name but those that the engine reads by
** itself. Changes nothing: a policy that is yet to come may ask for more.
*/
#include <stdlib.h>
#include "declared.h"
#include "../base/diag.h"

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

static const in_pi_field_t *find(const in_image_t *img, interop_record_kind_t kind, in_span_t name) {
  for (uint32_t i = 0; i < img->count[IN_S_FIELDS]; i++) {
    const in_pi_field_t *f = in_field(img, i);
    if (f->record == (uint32_t) kind && in_eq(in_image_str(img, f->name), name)) return f;
  }
  return NULL;
}

static void warn_name(const in_pack_t *p, interop_record_kind_t kind, in_span_t name) {
  const in_image_t *img = &p->policy->img;
  in_span_t *names = malloc((img->count[IN_S_FIELDS] + 1) * sizeof(*names)), near;
  size_t n = 0;
  for (uint32_t i = 0; names != NULL && i < img->count[IN_S_FIELDS]; i++)
    if (in_field(img, i)->record == (uint32_t) kind) names[n++] = in_image_str(img, in_field(img, i)->name);
  fprintf(stderr, "interopctl: warning: the policy %s has no fact \"", p->path);
  in_ctl_text(name, stderr);
  fprintf(stderr, "\" of a %s\n", interop_record_kind_name(kind));
  near = in_nearest(name, names, n);
  if (near.p != NULL) fprintf(stderr, "  hint: did you mean \"%.*s\"?\n", (int) near.n, near.p);
  free(names);
}

/* ---- values */

static bool is_one(const in_image_t *img, const in_pi_field_t *f, in_span_t text) {
  const in_ref_t *names = in_table(img, REFS, in_ref_t) + f->names.first;
  for (uint32_t i = 0; i < f->names.count; i++)
    if (in_eq(in_image_str(img, names[i]), text)) return true;
  return false;
}

/* as the rules would read it: facts.c */
static bool fits(const in_image_t *img, const in_pi_field_t *f, const interop_value_t *v) {
  int64_t then;
  switch (f->type) {
    case IN_T_FLAG: return v->type == INTEROP_T_FLAG;
    case IN_T_ENUM: return v->type == INTEROP_T_TEXT && is_one(img, f, v->text);
    case IN_T_TIME: return v->type == INTEROP_T_NUMBER || (v->type == INTEROP_T_TEXT && in_time_parse(v->text, &then));
    case IN_T_NUMBER: return v->type == INTEROP_T_NUMBER;
    case IN_T_LIST: return v->type == INTEROP_T_LIST;
    default: return v->type == INTEROP_T_TEXT;
  }
}

static void put_values(const in_image_t *img, const in_pi_field_t *f) {
  const in_ref_t *names = in_table(img, REFS, in_ref_t) + f->names.first;
  for (uint32_t i = 0; i < f->names.count; i++) {
    in_span_t s = in_image_str(img, names[i]);
    fprintf(stderr, "%s%.*s", i == 0 ? "" : i + 1 == f->names.count ? " or " : ", ", (int) s.n, s.p);
  }
}

static void warn_value(const in_pack_t *p, const in_pi_field_t *f, in_span_t name) {
  fprintf(stderr, "interopctl: warning: the policy %s takes \"%.*s\" as ", p->path, (int) name.n, name.p);
  switch (f->type) {
    case IN_T_FLAG: fputs("a flag, true or false", stderr); break;
    case IN_T_ENUM: put_values(&p->policy->img, f); break;
    case IN_T_TIME: fputs("a time, 2019-01-15 or 2019-01-15T10:00:00Z", stderr); break;
    case IN_T_NUMBER: fputs("a number", stderr); break;
    case IN_T_LIST: fprintf(stderr, "a list, %.*s+=ITEM", (int) name.n, name.p); break;
    default: fprintf(stderr, "a text, %.*s:='\"...\"'", (int) name.n, name.p); break;
  }
  fputs(": of another value nothing is known\n", stderr);
}

void in_declared_check(const in_pack_t *pack, interop_record_kind_t kind, in_span_t record, in_span_t name) {
  const in_image_t *img = &pack->policy->img;
  const in_pi_field_t *f = find(img, kind, name);
  interop_value_t v;
  if (f == NULL && !is_own(kind, name)) warn_name(pack, kind, name);
  else if (f != NULL && interop_record_get(record, name, &v) == INTEROP_OK && !fits(img, f, &v)) warn_value(pack, f, name);
}
