/*
** verify.c -- the policy sections of an image: every index, run, enumeration
** and diagram is checked, so that the walk needs no checks of its own.
**
** A diagram is sound if every node lies where a node begins and its children
** are leaves or nodes before it; then every walk ends after at most as many
** steps as there are nodes below its root.
*/
#include "policy_image.h"
#include "compile.h"

static interop_status_t damaged(interop_diag_t *diag, const char *what) {
  in_diag_set(diag, INTEROP_DAMAGED, "the policy image is damaged: %s", what);
  in_diag_hint(diag, "compile it again from its sources");
  return INTEROP_DAMAGED;
}

#define EACH(img, name, type, var) \
  for (const type *(var) = (img)->section[IN_S_##name], *end_ = (var) + (img)->count[IN_S_##name]; (var) < end_; (var)++)

/* some strings are used from an offset up to their NUL */
static bool strings_ok(const in_image_t *img) {
  uint32_t n = img->count[IN_S_STRINGS];
  return n > 0 && ((const char *) img->section[IN_S_STRINGS])[n - 1] == '\0';
}

static bool refs_ok(const in_image_t *img) {
  EACH(img, REFS, in_ref_t, r) if (!in_image_ref_ok(img, *r)) return false;
  return true;
}

static bool words_ok(const in_image_t *img) {
  if (img->count[IN_S_SYSTEMS] > IN_MAX_SYSTEMS) return false;
  EACH(img, SYSTEMS, in_pi_system_t, s) if (!in_image_ref_ok(img, s->name) || !in_image_ref_ok(img, s->title)) return false;
  EACH(img, REASONS, in_pi_reason_t, r)
    if (!in_image_ref_ok(img, r->name) || !in_image_ref_ok(img, r->message) || r->status < 400 || r->status > 599) return false;
  EACH(img, SETS, in_pi_set_t, s) if (!in_image_ref_ok(img, s->name) || !in_image_run_ok(img, IN_S_REFS, s->members)) return false;
  return true;
}

static bool field_ok(const in_image_t *img, const in_pi_field_t *f) {
  const in_pi_field_t *t = NULL;
  if (!in_image_ref_ok(img, f->name) || !in_image_ref_ok(img, f->default_text)
      || !in_image_run_ok(img, IN_S_REFS, f->names) || f->record >= INTEROP_RECORD_COUNT
      || f->type >= IN_TYPE_COUNT || f->default_kind > IN_DEF_PARENT) return false;
  if (f->default_kind != IN_DEF_TENANT) return true;
  if (f->tenant_field >= img->count[IN_S_FIELDS]) return false;
  t = (const in_pi_field_t *) img->section[IN_S_FIELDS] + f->tenant_field;
  return t->type == f->type && t->record == INTEROP_R_TENANT;
}

/* a subject's fact is one of its record */
static bool field_of_subject(const in_image_t *img, uint32_t subject, uint32_t field) {
  static const int records[] = {
#define IN_X(name, text, record, rank) record,
    IN_SUBJECTS(IN_X)
#undef IN_X
  };
  const in_pi_field_t *f = img->section[IN_S_FIELDS];
  return field < img->count[IN_S_FIELDS] && (int) f[field].record == records[subject];
}

static bool facts_ok(const in_image_t *img) {
  EACH(img, FIELDS, in_pi_field_t, f) if (!field_ok(img, f)) return false;
  EACH(img, SLOTS, in_pi_slot_t, s) {
    if (!in_image_ref_ok(img, s->name) || s->subject >= IN_SUBJECT_COUNT) return false;
    if (s->subject == IN_SUB_REQUEST ? s->field >= IN_RF_COUNT : !field_of_subject(img, s->subject, s->field)) return false;
  }
  return true;
}

/* class numbers of an atom's map lie below its count of classes */
static bool map_ok(const in_image_t *img, const in_pi_atom_t *a) {
  const uint32_t *m = img->section[IN_S_INDEXES];
  if (!in_image_run_ok(img, IN_S_INDEXES, a->map)) return false;
  for (uint32_t i = 0; i < a->map.count; i++) {
    uint32_t k = m[a->map.first + i];
    if (k == 0 || k >= a->classes) return false;
  }
  return true;
}

static bool atom_ok(const in_image_t *img, const in_pi_atom_t *a) {
  in_run_t halves = a->texts;
  if (a->kind >= IN_ATOM_KINDS || a->slot >= img->count[IN_S_SLOTS] || !in_image_ref_ok(img, a->text)
      || (a->slot_b != IN_NIL && a->slot_b >= img->count[IN_S_SLOTS])
      || a->classes < 2 || a->classes > IN_MAX_CLASSES) return false;
  if (a->fetch && ((const in_pi_slot_t *) img->section[IN_S_SLOTS])[a->slot].subject == IN_SUB_REQUEST) return false;
  switch (a->kind) {
    case IN_ATOM_ENUM: case IN_ATOM_FLAG: return map_ok(img, a);
    case IN_ATOM_CODE: return map_ok(img, a) && in_image_run_ok(img, IN_S_REFS, a->texts)
                              && a->texts.count == a->map.count && a->other > 0 && a->other < a->classes;
    case IN_ATOM_NUMBER:
      if (halves.count > UINT32_MAX / 4) return false;
      halves.count *= 2;
      return map_ok(img, a) && in_image_run_ok(img, IN_S_INDEXES, halves) && a->map.count == 2 * a->texts.count + 1;
    case IN_ATOM_REL: return a->classes == 4 && a->slot_b != IN_NIL;
    case IN_ATOM_VERSION: return a->classes == 4;
    default: return a->classes == 3;
  }
}

static bool atoms_ok(const in_image_t *img) {
  if (img->count[IN_S_ATOMS] > IN_MAX_ATOMS) return false;
  EACH(img, ATOMS, in_pi_atom_t, a) if (!atom_ok(img, a)) return false;
  return true;
}

static bool outcomes_ok(const in_image_t *img) {
  EACH(img, OUTCOMES, in_pi_outcome_t, o) {
    const uint32_t *n = img->section[IN_S_INDEXES];
    if (o->kind > IN_OUT_DECISION || o->verdict >= INTEROP_VERDICT_COUNT || !in_image_ref_ok(img, o->rule)
        || (o->reason != IN_NIL && o->reason >= img->count[IN_S_REASONS])
        || (o->slot != IN_NIL && o->slot >= img->count[IN_S_ATOMS])
        || o->row > 1 || (o->name_slot != IN_NIL && o->name_slot >= img->count[IN_S_SLOTS]) || !in_image_ref_ok(img, o->name_suffix)
        || o->file >= img->count[IN_S_STRINGS] || !in_image_run_ok(img, IN_S_INDEXES, o->notices)) return false;
    for (uint32_t i = 0; i < o->notices.count; i++)
      if (n[o->notices.first + i] >= img->count[IN_S_NOTICES]) return false;
  }
  return true;
}

/*
** What a diagram can end in: decisions (for cells) or truth (for guards), or
** both, which is neither.
*/
enum { ENDS_DECISION = 1, ENDS_TRUTH = 2, ENDS_UNKNOWN = 4 };

static unsigned leaf_ends(const in_image_t *img, uint32_t outcome) {
  uint32_t kind = ((const in_pi_outcome_t *) img->section[IN_S_OUTCOMES])[outcome].kind;
  return kind == IN_OUT_DECISION ? ENDS_DECISION : kind == IN_OUT_UNDETERMINED ? ENDS_UNKNOWN : ENDS_TRUTH;
}

/* 0: it is no root */
static unsigned root_ends(const in_image_t *img, const unsigned char *ends, uint32_t root) {
  if (root & IN_LEAF) return (root & ~IN_LEAF) < img->count[IN_S_OUTCOMES] ? leaf_ends(img, root & ~IN_LEAF) : 0;
  return root < img->count[IN_S_NODES] ? ends[root] : 0;
}

/* notes where nodes begin, and what they end in; false if the section is no row
** of sound nodes */
static bool nodes_ok(const in_image_t *img, unsigned char *ends) {
  const uint32_t *n = img->section[IN_S_NODES];
  const in_pi_atom_t *atoms = img->section[IN_S_ATOMS];
  uint32_t count = img->count[IN_S_NODES], i = 0;
  while (i < count) {
    uint32_t classes;
    unsigned all = 0;
    if (n[i] >= img->count[IN_S_ATOMS]) return false;
    classes = atoms[n[i]].classes;
    if (classes > count - i - 1) return false;
    for (uint32_t k = 1; k <= classes; k++) {
      unsigned child = (n[i + k] & IN_LEAF) || n[i + k] < i ? root_ends(img, ends, n[i + k]) : 0;
      if (child == 0) return false;
      all |= child;
    }
    ends[i] = (unsigned char) all;
    i += 1 + classes;
  }
  return true;
}

static bool guard_ok(const in_image_t *img, const unsigned char *ends, uint32_t root) {
  unsigned e = root_ends(img, ends, root);
  return e != 0 && (e & ENDS_DECISION) == 0;
}

static bool cell_ok(const in_image_t *img, const unsigned char *ends, uint32_t root) {
  unsigned e;
  if ((root & (IN_LEAF | IN_LIST)) == IN_LIST) return (root & ~IN_LIST) < img->count[IN_S_LISTS];
  e = root_ends(img, ends, root);
  return e != 0 && (e & ENDS_TRUTH) == 0;
}

/* every list ends, since the last rule is an end */
static bool lists_ok(const in_image_t *img, const unsigned char *ends) {
  uint32_t n = img->count[IN_S_LISTS];
  EACH(img, LISTS, in_pi_rule_t, r) {
    if (r->op >= IN_LIST_OPS) return false;
    if (r->op == IN_LIST_NEXT) continue;
    if (r->outcome >= img->count[IN_S_OUTCOMES] || leaf_ends(img, r->outcome) == ENDS_TRUTH) return false;
    if (r->op != IN_LIST_END && !guard_ok(img, ends, r->guard)) return false;
  }
  return n == 0 || ((const in_pi_rule_t *) img->section[IN_S_LISTS])[n - 1].op == IN_LIST_END;
}

static bool overlays_ok(const in_image_t *img) {
  uint32_t n = img->count[IN_S_OVERLAYS];
  const in_pi_overlay_t *o = img->section[IN_S_OVERLAYS];
  if (n == 0) return true;
  if (n < 2 || ((n - 1) & (n - 2)) != 0 || o->slot >= img->count[IN_S_SLOTS] || o->list == IN_NIL) return false;
  for (uint32_t i = 0; i < n; i++)
    if (!in_image_ref_ok(img, o[i].id) || (o[i].list != IN_NIL && o[i].list >= img->count[IN_S_LISTS])) return false;
  return true;
}

static bool labels_ok(const in_image_t *img) {
  EACH(img, LABELS, in_pi_label_t, l)
    if (l->system >= img->count[IN_S_SYSTEMS] || l->label >= IN_LABEL_COUNT || !in_image_ref_ok(img, l->text)) return false;
  return true;
}

static bool escalations_ok(const in_image_t *img) {
  uint32_t systems = img->count[IN_S_SYSTEMS], reasons = img->count[IN_S_REASONS];
  EACH(img, ESCALATIONS, in_pi_escalation_t, e)
    if (e->from >= systems || e->to >= systems || !in_image_ref_ok(img, e->text) || !in_image_ref_ok(img, e->subject)
        || (e->text_slot != IN_NIL && e->text_slot >= img->count[IN_S_SLOTS]) || e->no_meeting >= reasons
        || e->no_link >= reasons || e->not_told >= reasons || e->busy >= reasons) return false;
  return true;
}

static bool fanouts_ok(const in_image_t *img) {
  EACH(img, FANOUTS, in_pi_fanout_t, f) if (f->api >= img->count[IN_S_APIS]) return false;
  return true;
}

static bool scripts_ok(const in_image_t *img) {
  EACH(img, SCRIPTS, in_pi_script_t, s)
    if (!in_image_ref_ok(img, s->name) || !in_image_ref_ok(img, s->file) || !in_image_ref_ok(img, s->text)
        || !in_image_ref_ok(img, s->tenant) || (s->relax != IN_NIL && s->relax >= INTEROP_VERDICT_COUNT)
        || (s->final != IN_NIL && s->final >= img->count[IN_S_LISTS])) return false;
  return true;
}

static bool amends_ok(const in_image_t *img, const unsigned char *ends) {
  uint32_t systems = img->count[IN_S_SYSTEMS];
  if (img->count[IN_S_SHOWN] != in_shown(systems, INTEROP_KIND_COUNT, 0, 0)) return false;
  EACH(img, SHOWN, uint32_t, r) if (!cell_ok(img, ends, *r)) return false;
  EACH(img, AMENDS, in_pi_amend_t, a)
    if (!guard_ok(img, ends, a->guard) || a->kind >= IN_AMEND_KINDS || !in_image_ref_ok(img, a->member)
        || !in_image_ref_ok(img, a->text) || !in_image_ref_ok(img, a->rule)
        || (a->slot == IN_NIL ? a->kind == IN_AMEND_FROM || a->kind == IN_AMEND_CUT : a->slot >= img->count[IN_S_SLOTS])
        || (a->reason == IN_NIL ? a->kind == IN_AMEND_CUT : a->reason >= img->count[IN_S_REASONS])) return false;
  return true;
}

static bool roots_ok(const in_image_t *img, const unsigned char *ends) {
  uint32_t systems = img->count[IN_S_SYSTEMS];
  if (img->count[IN_S_CELLS] != in_cell(systems, INTEROP_OPERATION_COUNT, 0, 0, 0)) return false;
  EACH(img, CELLS, uint32_t, r) if (!cell_ok(img, ends, *r)) return false;
  if (!lists_ok(img, ends) || !overlays_ok(img) || !scripts_ok(img) || !amends_ok(img, ends)) return false;
  EACH(img, NOTICES, in_pi_notice_t, n) if (!in_image_ref_ok(img, n->name) || !guard_ok(img, ends, n->guard)) return false;
  EACH(img, TEXTS, in_pi_text_t, t)
    if (!guard_ok(img, ends, t->guard) || t->from >= systems || t->to >= systems || t->system >= systems
        || !in_image_ref_ok(img, t->text) || !in_image_ref_ok(img, t->link)
        || (t->text_slot != IN_NIL && t->text_slot >= img->count[IN_S_SLOTS])) return false;
  EACH(img, READINGS, in_pi_reading_t, r)
    if (!guard_ok(img, ends, r->guard) || r->from >= systems || r->to >= systems) return false;
  EACH(img, EFFECTS, in_pi_effect_t, e)
    if (!guard_ok(img, ends, e->guard) || e->subject >= IN_SUBJECT_COUNT || e->subject == IN_SUB_REQUEST
        || !field_of_subject(img, e->subject, e->field) || e->kind > IN_SET_FACT
        || (e->kind == IN_SET_FACT && (e->number < 0 || e->number >= (int64_t) img->count[IN_S_SLOTS]))
        || !in_image_ref_ok(img, e->text)) return false;
  return true;
}

interop_status_t in_policy_verify(const in_image_t *img, const interop_alloc_t *alloc, interop_diag_t *diag) {
  interop_status_t rc = INTEROP_OK;
  unsigned char *ends;
  if (!strings_ok(img) || !refs_ok(img) || !words_ok(img) || !labels_ok(img)) return damaged(diag, "its words");
  if (!facts_ok(img) || !atoms_ok(img) || !escalations_ok(img) || !fanouts_ok(img)) return damaged(diag, "its facts");
  if (!outcomes_ok(img)) return damaged(diag, "its outcomes");
  ends = alloc->resize(alloc->ctx, NULL, 0, (size_t) img->count[IN_S_NODES] + 1);
  if (ends == NULL) {
    in_diag_set(diag, INTEROP_NOMEM, "out of memory");
    return INTEROP_NOMEM;
  }
  memset(ends, 0, (size_t) img->count[IN_S_NODES] + 1);
  if (!nodes_ok(img, ends) || !roots_ok(img, ends)) rc = damaged(diag, "its decisions");
  alloc->resize(alloc->ctx, ends, (size_t) img->count[IN_S_NODES] + 1, 0);
  return rc;
}
