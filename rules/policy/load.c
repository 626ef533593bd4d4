/*
** load.c -- an image to a policy that can be asked: verification and the
** compiling of regular expressions, which are stored as their sources.
** Owns what a loaded policy has besides its image; must not change the image,
** which may be shared and read-only.
*/
#include "load.h"
#include "compile.h"
#include "../api/api.h"

static void *get(const interop_policy_t *p, size_t bytes) {
  void *table = p->alloc.resize(p->alloc.ctx, NULL, 0, bytes);
  return table == NULL ? NULL : memset(table, 0, bytes);
}

static void give(const interop_policy_t *p, void *table, size_t bytes) {
  if (table != NULL) p->alloc.resize(p->alloc.ctx, table, bytes, 0);
}

static interop_status_t bad_regex(const in_image_t *img, const in_pi_atom_t *a, int code, interop_diag_t *diag) {
  PCRE2_UCHAR text[128];
  in_span_t r = in_image_str(img, a->text);
  if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY) {
    in_diag_set(diag, INTEROP_NOMEM, "out of memory");
    return INTEROP_NOMEM;
  }
  if (pcre2_get_error_message(code, text, sizeof(text)) < 0) text[0] = 0;
  in_diag_set(diag, INTEROP_SYNTAX, "the regular expression ~\"%.*s\" is not valid: %s", (int) r.n, r.p, (const char *) text);
  return INTEROP_SYNTAX;
}

static interop_status_t compile_regexes(interop_policy_t *p, interop_diag_t *diag) {
  for (uint32_t i = 0; i < p->img.count[IN_S_ATOMS]; i++) {
    const in_pi_atom_t *a = in_atom(&p->img, i);
    in_span_t r = in_image_str(&p->img, a->text);
    int code;
    size_t at;
    if (a->kind != IN_ATOM_REGEX) continue;
    p->regex[i] = in_regex_compile(r, p->general, true, &code, &at);
    if (p->regex[i] == NULL) return bad_regex(&p->img, a, code, diag);
  }
  return INTEROP_OK;
}

static void find_recipient_atoms(interop_policy_t *p) {
  memset(p->recipients, 0, in_class_bytes(p));
  memset(p->names, 0, in_class_bytes(p));
  for (uint32_t i = 0; i < p->img.count[IN_S_ATOMS]; i++) {
    const in_pi_atom_t *a = in_atom(&p->img, i);
    if (in_slot_of_recipient(&p->img, a->slot) || in_slot_of_recipient(&p->img, a->slot_b)) p->recipients[i] = IN_NOT_YET;
    if (in_slot_of_names(&p->img, a->slot) || in_slot_of_names(&p->img, a->slot_b)) p->names[i] = IN_NOT_YET;
  }
}

static bool of_every_event(const in_image_t *img, const in_pi_atom_t *a) {
  const in_pi_slot_t *s = in_slot(img, a->slot);
  return a->kind == IN_ATOM_ENUM && s->subject == IN_SUB_REQUEST
         && (s->field == IN_RF_OPERATION || s->field == IN_RF_KIND || s->field == IN_RF_FROM);
}

static void find_event_atoms(interop_policy_t *p) {
  for (uint32_t i = 0; i < p->img.count[IN_S_ATOMS]; i++) {
    const in_pi_atom_t *a = in_atom(&p->img, i);
    if (of_every_event(&p->img, a)) p->event_atoms[p->event_atom_count++] = i;
    if (in_slot_of_reader(&p->img, a->slot) || in_slot_of_reader(&p->img, a->slot_b)) p->reader_atoms[p->reader_atom_count++] = i;
  }
}

/* a match that runs into its limits, or a fact to be fetched, is looked at each time */
static void find_kept_atoms(interop_policy_t *p) {
  size_t bytes = in_class_bytes(p);
  memset(p->others, IN_NOT_YET, bytes * IN_SUBJECT_COUNT);
  for (uint32_t i = 0; i < p->img.count[IN_S_ATOMS]; i++) {
    const in_pi_atom_t *a = in_atom(&p->img, i);
    uint32_t subject = in_slot(&p->img, a->slot)->subject;
    if (subject != IN_SUB_REQUEST && a->slot_b == IN_NIL && a->kind != IN_ATOM_REGEX && !a->fetch)
      p->others[subject * bytes + i] = 0;
  }
}

static void find_parts(interop_policy_t *p) {
  for (uint32_t i = 0; i < p->img.count[IN_S_FIELDS]; i++) {
    const in_pi_field_t *f = in_field(&p->img, i);
    in_span_t name = in_image_str(&p->img, f->name);
    bool text = f->type == IN_T_CODE || f->type == IN_T_TEXT;
    p->ready[i] = !text ? IN_READY_NONE : in_eq(name, IN_SPAN("id")) ? IN_READY_ID
                 : in_eq(name, IN_SPAN("tenant")) ? IN_READY_TENANT : IN_READY_NONE;
  }
}

static void find_notices(interop_policy_t *p) {
  const in_pi_notice_t *n = in_table(&p->img, NOTICES, in_pi_notice_t);
  for (uint32_t i = 0; i < p->img.count[IN_S_NOTICES] && i < 64; i++) {
    bool never = (n[i].guard & IN_LEAF) && in_outcome(&p->img, n[i].guard & ~IN_LEAF)->kind != IN_OUT_TRUE;
    if (!never) p->guarded_notices |= (uint64_t) 1 << i;
    if (n[i].lost != 0) p->lost_notices |= (uint64_t) 1 << i;
    for (uint32_t v = 0; v < INTEROP_VERDICT_COUNT; v++)
      p->verdict_notices[v] |= (uint64_t) (n[i].verdicts >> v & 1) << i;
  }
}

/* a guard may ask for a fact whatever the operation is; else amendments do, of their own operations */
static uint64_t operations_that_ask(const in_image_t *img, uint32_t slot) {
  const in_pi_amend_t *a = in_table(img, AMENDS, in_pi_amend_t);
  uint64_t ops = 0;
  for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++)
    if (in_atom(img, i)->slot == slot || in_atom(img, i)->slot_b == slot) return UINT64_MAX;
  for (uint32_t i = 0; i < img->count[IN_S_AMENDS]; i++) ops |= a[i].slot == slot ? a[i].ops : 0;
  return ops;
}

static void find_dear(interop_policy_t *p) {
  for (uint32_t i = 0; i < p->img.count[IN_S_SLOTS]; i++) {
    const in_pi_slot_t *s = in_slot(&p->img, i);
    if (s->subject != IN_SUB_REQUEST) continue;
    if (s->field == IN_RF_JOINED) p->joined_ops |= operations_that_ask(&p->img, i);
    p->asks_systems |= s->field == IN_RF_SYSTEMS;
  }
}

static void write_revision(interop_policy_t *p) {
  static const char hex[] = "0123456789abcdef";
  uint64_t v = ((const in_image_head_t *) (const void *) p->img.base)->checksum;
  for (int i = 15; i >= 0; i--, v >>= 4) p->revision[i] = hex[v & 15];
}

/* tables by atom and by field */
static bool get_tables(interop_policy_t *p) {
  size_t atoms = in_class_bytes(p);
  p->regex = get(p, ((size_t) p->img.count[IN_S_ATOMS] + 1) * sizeof(*p->regex));
  p->recipients = get(p, atoms);
  p->event_atoms = get(p, (atoms + 1) * sizeof(uint32_t));
  p->reader_atoms = get(p, (atoms + 1) * sizeof(uint32_t));
  p->names = get(p, atoms);
  p->others = get(p, atoms * IN_SUBJECT_COUNT);
  p->ready = get(p, (size_t) p->img.count[IN_S_FIELDS] + 1);
  p->notice_where = get(p, (IN_WHERES(p->img.count[IN_S_NOTICES]) + 1) * sizeof(in_where_t));
  p->reading_where = get(p, (IN_WHERES(p->img.count[IN_S_READINGS]) + 1) * sizeof(in_where_t));
  p->amend_where = get(p, (IN_WHERES(p->img.count[IN_S_AMENDS]) + 1) * sizeof(in_where_t));
  return p->regex != NULL && p->recipients != NULL && p->names != NULL && p->others != NULL && p->ready != NULL
         && p->event_atoms != NULL && p->reader_atoms != NULL
         && p->notice_where != NULL && p->reading_where != NULL && p->amend_where != NULL;
}

static void give_tables(interop_policy_t *p) {
  size_t atoms = in_class_bytes(p);
  for (uint32_t i = 0; p->regex != NULL && i < p->img.count[IN_S_ATOMS]; i++) pcre2_code_free(p->regex[i]);
  give(p, p->regex, ((size_t) p->img.count[IN_S_ATOMS] + 1) * sizeof(*p->regex));
  give(p, p->recipients, atoms);
  give(p, p->event_atoms, (atoms + 1) * sizeof(uint32_t));
  give(p, p->reader_atoms, (atoms + 1) * sizeof(uint32_t));
  give(p, p->names, atoms);
  give(p, p->others, atoms * IN_SUBJECT_COUNT);
  give(p, p->ready, (size_t) p->img.count[IN_S_FIELDS] + 1);
  give(p, p->notice_where, (IN_WHERES(p->img.count[IN_S_NOTICES]) + 1) * sizeof(in_where_t));
  give(p, p->reading_where, (IN_WHERES(p->img.count[IN_S_READINGS]) + 1) * sizeof(in_where_t));
  give(p, p->amend_where, (IN_WHERES(p->img.count[IN_S_AMENDS]) + 1) * sizeof(in_where_t));
}

static interop_status_t fill(interop_policy_t *p, const void *image, size_t size, interop_diag_t *diag) {
  interop_status_t rc = in_image_open(image, size, in_record_size, &p->img, diag);
  if (rc == INTEROP_OK) rc = in_policy_verify(&p->img, &p->alloc, diag);
  if (rc == INTEROP_OK) rc = in_api_verify(&p->img, diag);
  if (rc != INTEROP_OK) return rc;
  p->general = in_regex_general(&p->alloc);
  if (p->general == NULL || !get_tables(p) || !in_where_make(p) || !in_heads_make(p) || !in_api_prepare(&p->img, &p->alloc)) {
    in_diag_set(diag, INTEROP_NOMEM, "out of memory");
    return INTEROP_NOMEM;
  }
  write_revision(p);
  find_recipient_atoms(p);
  find_event_atoms(p);
  find_kept_atoms(p);
  find_parts(p);
  find_notices(p);
  find_dear(p);
  return compile_regexes(p, diag);
}

interop_status_t interop_policy_load(const void *image, size_t size, const interop_alloc_t *alloc,
                                     interop_policy_t **policy, interop_diag_t *diag) {
  interop_policy_t *p = alloc->resize(alloc->ctx, NULL, 0, sizeof(*p));
  interop_status_t rc;
  in_diag_clear(diag);
  if (p == NULL) {
    in_diag_set(diag, INTEROP_NOMEM, "out of memory");
    return INTEROP_NOMEM;
  }
  memset(p, 0, sizeof(*p));
  p->alloc = *alloc;
  rc = fill(p, image, size, diag);
  if (rc != INTEROP_OK) {
    interop_policy_free(p);
    return rc;
  }
  *policy = p;
  return INTEROP_OK;
}

void interop_policy_free(interop_policy_t *p) {
  interop_alloc_t a;
  if (p == NULL) return;
  a = p->alloc;
  give_tables(p);
  in_heads_free(p);
  in_api_unprepare(&p->img, &p->alloc);
  pcre2_general_context_free(p->general);
  a.resize(a.ctx, p, sizeof(*p), 0);
}

in_span_t interop_policy_revision(const interop_policy_t *p) {
  return in_span(p->revision, 16);
}

int interop_policy_api(const interop_policy_t *p, in_span_t name) {
  const in_ai_api_t *a = in_table(&p->img, APIS, in_ai_api_t);
  for (uint32_t i = 0; i < p->img.count[IN_S_APIS]; i++)
    if (in_eq(in_image_str(&p->img, a[i].name), name)) return (int) i;
  return -1;
}

in_span_t interop_policy_api_system(const interop_policy_t *p, int api) {
  const in_ai_api_t *a = in_table(&p->img, APIS, in_ai_api_t);
  return in_image_str(&p->img, in_system(&p->img, a[api].system)->name);
}

int interop_policy_bindable(in_span_t name) {
  static const char *const names[] = { "sender", "tenant", "now", "client.country", "client.agent" };
  for (size_t i = 0; i < in_countof(names); i++)
    if (in_eq(name, in_str(names[i]))) return (int) i;
  return -1;
}

uint32_t in_find_reason(const in_image_t *img, in_span_t name) {
  for (uint32_t i = 0; i < img->count[IN_S_REASONS]; i++)
    if (in_eq(in_image_str(img, in_reason(img, i)->name), name)) return i;
  return IN_NIL;
}

uint32_t in_find_system(const in_image_t *img, in_span_t name) {
  for (uint32_t i = 0; i < img->count[IN_S_SYSTEMS]; i++)
    if (in_eq(in_image_str(img, in_system(img, i)->name), name)) return i;
  return IN_NIL;
}

int interop_policy_system(const interop_policy_t *p, interop_span_t name) {
  uint32_t s = in_find_system(&p->img, name);
  return s == IN_NIL ? -1 : (int) s;
}
