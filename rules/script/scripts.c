/*
** scripts.c -- a policy's scripts, loaded.
**
** Owns the set: each script's state, its counts, and the way from a tenant to
** its scripts, so that other tenants' cost nothing. Must not know what is asked.
*/
#include "script.h"

const char *interop_script_did_name(interop_script_did_t did) {
  static const char *const names[] = {
#define INTEROP_X(name, text) text,
    INTEROP_SCRIPT_DEEDS(INTEROP_X)
#undef INTEROP_X
  };
  return (unsigned) did < INTEROP_SCRIPT_DEED_COUNT ? names[did] : "?";
}

size_t interop_policy_scripts(const interop_policy_t *p) {
  return p->img.count[IN_S_SCRIPTS];
}

/* ---- loading */

static bool grow(interop_scripts_t *s) {
  uint32_t room = s->room == 0 ? 8 : s->room * 2;
  in_loaded_t *at;
  if (s->count < s->room) return true;
  at = s->alloc.resize(s->alloc.ctx, s->at, s->room * sizeof(*at), room * sizeof(*at));
  if (at == NULL) return false;
  s->at = at;
  s->room = room;
  return true;
}

static interop_status_t no_memory(interop_diag_t *diag) {
  in_diag_set(diag, INTEROP_NOMEM, "out of memory");
  return INTEROP_NOMEM;
}

/* the name lives in the image, or is copied */
static interop_status_t load(interop_scripts_t *s, const interop_script_source_t *source, const in_pi_script_t *rec,
                             interop_diag_t *diag) {
  in_loaded_t *l;
  interop_status_t rc;
  if (!grow(s)) return no_memory(diag);
  l = &s->at[s->count];
  memset(l, 0, sizeof(*l));
  rc = s->extension->load(source, &in_script_services, &s->alloc, &l->script, diag);
  if (rc != INTEROP_OK) return rc;
  l->recall = source->exact ? NULL : in_recall_new(&s->alloc);
  if (l->recall == NULL && !source->exact) return s->extension->free(l->script), no_memory(diag);
  l->source = in_hash64(source->text.p, source->text.n);
  l->rec = rec;
  l->next = IN_NIL;
  l->most_failures = rec != NULL && rec->failures > 0 ? rec->failures : IN_SCRIPT_FAILURES;
  l->stat.name = source->name;
  s->count++;
  return INTEROP_OK;
}

static interop_status_t load_own(interop_scripts_t *s, const in_pi_script_t *rec, interop_diag_t *diag) {
  const in_image_t *img = &s->policy->img;
  interop_script_source_t source;
  memset(&source, 0, sizeof(source));
  source.name = in_image_str(img, rec->name);
  source.file = in_image_str(img, rec->file);
  source.text = in_image_str(img, rec->text);
  source.budget = rec->budget;
  return load(s, &source, rec, diag);
}

/* ---- whose they are */

static uint32_t *slot_of(const interop_scripts_t *s, in_span_t tenant) {
  uint32_t i = in_hash(tenant) & (s->slots - 1);
  while (s->tenant[i] != IN_NIL
         && !in_eq(in_image_str(&s->policy->img, s->at[s->tenant[i]].rec->tenant), tenant)) i = (i + 1) & (s->slots - 1);
  return &s->tenant[i];
}

uint32_t in_scripts_of(const interop_scripts_t *s, in_span_t tenant) {
  return s->slots == 0 || tenant.p == NULL ? IN_NIL : *slot_of(s, tenant);
}

/* lists in the policy's order: filled from the end */
static bool sort_out(interop_scripts_t *s) {
  uint32_t slots = 2;
  while (slots < s->own * 2) slots *= 2;
  s->tenant = s->alloc.resize(s->alloc.ctx, NULL, 0, slots * sizeof(*s->tenant));
  if (s->tenant == NULL) return false;
  s->slots = slots;
  memset(s->tenant, 0xff, slots * sizeof(*s->tenant));
  for (uint32_t i = s->own; i-- > 0; ) {
    in_span_t tenant = in_image_str(&s->policy->img, s->at[i].rec->tenant);
    uint32_t *first = tenant.n == 0 ? &s->general : slot_of(s, tenant);
    if (tenant.n > 0) s->tenants = true;
    s->at[i].next = *first;
    *first = i;
  }
  return true;
}

static interop_status_t load_all(interop_scripts_t *s, interop_diag_t *diag) {
  const in_image_t *img = &s->policy->img;
  for (uint32_t i = 0; i < img->count[IN_S_SCRIPTS]; i++) {
    interop_status_t rc = load_own(s, in_table(img, SCRIPTS, in_pi_script_t) + i, diag);
    if (rc != INTEROP_OK) return rc;
  }
  s->own = s->count;
  return sort_out(s) ? INTEROP_OK : no_memory(diag);
}

interop_status_t interop_scripts_new(const interop_policy_t *policy, const interop_extension_t *extension,
                                     const interop_alloc_t *alloc, interop_scripts_t **scripts, interop_diag_t *diag) {
  interop_scripts_t *s;
  interop_status_t rc;
  in_diag_clear(diag);
  if (extension->version != INTEROP_EXTENSION_VERSION) {
    in_diag_set(diag, INTEROP_USAGE, "the extension for scripts is of another version");
    return INTEROP_USAGE;
  }
  s = alloc->resize(alloc->ctx, NULL, 0, sizeof(*s));
  if (s == NULL) return no_memory(diag);
  memset(s, 0, sizeof(*s));
  s->policy = policy;
  s->extension = extension;
  s->alloc = *alloc;
  s->general = IN_NIL;
  rc = load_all(s, diag);
  if (rc != INTEROP_OK) interop_scripts_free(s);
  else *scripts = s;
  return rc;
}

interop_status_t interop_scripts_add(interop_scripts_t *s, const interop_script_source_t *source, unsigned *number,
                                     interop_diag_t *diag) {
  interop_script_source_t copy = *source;
  interop_status_t rc;
  char *name = s->alloc.resize(s->alloc.ctx, NULL, 0, source->name.n + 1);
  in_diag_clear(diag);
  if (name == NULL) return no_memory(diag);
  if (source->name.n > 0) memcpy(name, source->name.p, source->name.n);
  copy.name.p = name;
  rc = load(s, &copy, NULL, diag);
  if (rc != INTEROP_OK) s->alloc.resize(s->alloc.ctx, name, source->name.n + 1, 0);
  else *number = s->count;
  return rc;
}

void interop_scripts_free(interop_scripts_t *s) {
  interop_alloc_t a;
  if (s == NULL) return;
  a = s->alloc;
  for (uint32_t i = 0; i < s->count; i++) {
    in_loaded_t *l = &s->at[i];
    s->extension->free(l->script);
    in_recall_free(l->recall, &a);
    if (l->rec == NULL) a.resize(a.ctx, (char *) (uintptr_t) l->stat.name.p, l->stat.name.n + 1, 0);
  }
  if (s->at != NULL) a.resize(a.ctx, s->at, s->room * sizeof(*s->at), 0);
  if (s->tenant != NULL) a.resize(a.ctx, s->tenant, s->slots * sizeof(*s->tenant), 0);
  a.resize(a.ctx, s, sizeof(*s), 0);
}

size_t interop_scripts_count(const interop_scripts_t *s) {
  return s->count;
}

void interop_scripts_stat(const interop_scripts_t *s, size_t i, interop_script_stat_t *stat) {
  memset(stat, 0, sizeof(*stat));
  if (i >= s->count) return;
  *stat = s->at[i].stat;
  stat->set_aside = __atomic_load_n(&in_script_health(&s->at[i])->aside, __ATOMIC_RELAXED) != 0;
}

void interop_scripts_share(interop_scripts_t *s, interop_script_health_t *health) {
  for (uint32_t i = 0; i < s->count; i++) s->at[i].shared = &health[i];
}
