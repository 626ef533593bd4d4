/*
** default.c -- the diagrams walked with facts at their defaults.
**
** Owns which class is taken at a node; see default.h for the rule. Children lie
** before their parents, so that one pass over the nodes does it.
*/
#include <stdlib.h>
#include "default.h"

static const in_pi_field_t *field_of(const in_image_t *img, const in_pi_atom_t *a) {
  const in_pi_slot_t *s = in_slot(img, a->slot);
  return s->subject == IN_SUB_REQUEST ? NULL : in_field(img, s->field);
}

uint32_t in_default_field(const in_image_t *img) {
  for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++) {
    const in_pi_slot_t *s = in_slot(img, in_atom(img, i)->slot);
    if (s->subject == IN_SUB_MESSAGE && in_atom(img, i)->kind == IN_ATOM_ENUM) return s->field;
  }
  return IN_NIL;
}

static uint32_t map_at(const in_image_t *img, const in_pi_atom_t *a, int64_t value) {
  if (value < 0 || (uint64_t) value >= a->map.count) return 0;
  return in_table(img, INDEXES, uint32_t)[a->map.first + (uint32_t) value];
}

static bool is_asked(const in_walked_t *w, const in_pi_atom_t *a) {
  const in_pi_slot_t *s = in_slot(w->img, a->slot);
  return a->kind == IN_ATOM_ENUM && s->subject == IN_SUB_MESSAGE && s->field == w->field;
}

static bool is_toggle(const in_image_t *img, const in_pi_atom_t *a) {
  const in_pi_field_t *f = field_of(img, a);
  return f != NULL && f->record == INTEROP_R_TENANT && in_starts(in_image_str(img, f->name), IN_SPAN("toggles."));
}

/* class of the fact's default, or 0 */
static uint32_t default_class(const in_image_t *img, const in_pi_atom_t *a) {
  const in_pi_field_t *f = field_of(img, a);
  if (f == NULL || (f->default_kind != IN_DEF_VALUE && f->default_kind != IN_DEF_FETCH)) return 0;
  if (a->kind == IN_ATOM_ENUM || a->kind == IN_ATOM_FLAG) return map_at(img, a, f->default_number);
  return a->kind == IN_ATOM_HAS ? 1 : 0;       /* a list's default is empty */
}

static uint16_t mask_in(const in_walked_t *w, const uint16_t *mask, uint32_t root) {
  const in_pi_outcome_t *o;
  if (!(root & IN_LEAF)) return mask[root];
  o = in_outcome(w->img, root & ~IN_LEAF);
  switch (o->kind) {
    case IN_OUT_TRUE: return IN_HELD;
    case IN_OUT_FALSE: return IN_NOT_HELD;
    case IN_OUT_DECISION: return o->verdict == INTEROP_V_DENY && !o->row ? 0 : (uint16_t) (1u << o->verdict);
    default: return 0;
  }
}

uint16_t in_default_mask(const in_walked_t *w, uint32_t root) {
  return mask_in(w, w->mask, root);
}

uint16_t in_default_unset(const in_walked_t *w, uint32_t root) {
  return mask_in(w, w->unset, root);
}

/* what an administrator sets so that a gate is passed: toggles, and lists of who is allowed */
static bool is_setting(const in_image_t *img, const in_pi_atom_t *a) {
  return a->kind == IN_ATOM_HAS || is_toggle(img, a);
}

/*
** The class to take at a node; 0: all of them. What is true or false of the
** parties (a linked account, a chat that was started) is as it passes a gate;
** so are settings, but not in the mask of what is unset.
*/
static uint32_t class_in(const in_walked_t *w, const uint16_t *mask, uint32_t node) {
  const uint32_t *n = in_table(w->img, NODES, uint32_t) + node;
  const in_pi_atom_t *a = in_atom(w->img, n[0]);
  uint32_t d = is_asked(w, a) ? map_at(w->img, a, w->value) : default_class(w->img, a);
  bool differs = a->kind == IN_ATOM_FLAG ? !is_setting(w->img, a) || mask == w->mask
                                         : is_setting(w->img, a) && mask == w->mask;
  return d != 0 && differs && !is_asked(w, a) && mask_in(w, mask, n[1 + d]) == 0 ? 0 : d;
}

static uint32_t class_at(const in_walked_t *w, uint32_t node) {
  return class_in(w, w->mask, node);
}

static uint16_t reached(const in_walked_t *w, const uint16_t *mask, uint32_t node, uint32_t taken) {
  const uint32_t *n = in_table(w->img, NODES, uint32_t) + node;
  uint16_t all = 0;
  if (taken != 0) return mask_in(w, mask, n[1 + taken]);
  for (uint32_t k = 1; k < in_atom(w->img, n[0])->classes; k++) all |= mask_in(w, mask, n[1 + k]);
  return all;
}

bool in_default_walk(in_walked_t *w, const in_image_t *img, uint32_t field, uint32_t value) {
  const uint32_t *n = in_table(img, NODES, uint32_t);
  memset(w, 0, sizeof(*w));
  w->img = img;
  w->field = field;
  w->value = value;
  w->mask = calloc((size_t) img->count[IN_S_NODES] + 1, sizeof(*w->mask));
  w->decisive = calloc((size_t) img->count[IN_S_SLOTS] + 1, 1);
  w->unset = calloc((size_t) img->count[IN_S_NODES] + 1, sizeof(*w->unset));
  w->set = calloc((size_t) img->count[IN_S_SLOTS] + 1, 1);
  if (w->mask == NULL || w->decisive == NULL || w->unset == NULL || w->set == NULL) return false;
  for (uint32_t i = 0; i < img->count[IN_S_NODES]; i += 1 + in_atom(img, n[i])->classes) {
    w->unset[i] = reached(w, w->unset, i, class_in(w, w->unset, i));
    w->mask[i] = reached(w, w->mask, i, class_at(w, i));
  }
  return true;
}

void in_default_free(in_walked_t *w) {
  free(w->mask);
  free(w->decisive);
  free(w->unset);
  free(w->set);
}

/* ---- which defaults matter */

static void judge_default(in_walked_t *w, uint32_t node, uint32_t taken) {
  const uint32_t *n = in_table(w->img, NODES, uint32_t) + node;
  const in_pi_atom_t *a = in_atom(w->img, n[0]);
  if (is_asked(w, a)) return;
  for (uint32_t k = 1; k < a->classes; k++) {
    uint16_t other = in_default_mask(w, n[1 + k]);
    if (other != 0 && other != in_default_mask(w, n[1 + taken])) w->decisive[a->slot] = 1;
  }
}

static bool is_set(const in_walked_t *w, uint32_t node) {
  const in_pi_atom_t *a = in_atom(w->img, in_table(w->img, NODES, uint32_t)[node]);
  return w->mask[node] != 0 && is_setting(w->img, a) && default_class(w->img, a) != 0;
}

bool in_default_mark(in_walked_t *w, uint32_t root, bool set) {
  const uint32_t *n = in_table(w->img, NODES, uint32_t);
  uint32_t count = w->img->count[IN_S_NODES];
  unsigned char *todo = calloc((size_t) count + 1, 1);
  if (todo == NULL) return false;
  if (!(root & IN_LEAF)) todo[root] = 1;
  for (uint32_t i = root & IN_LEAF ? 0 : root + 1; i-- > 0; ) {
    uint32_t taken = todo[i] ? class_at(w, i) : 0;
    if (!todo[i]) continue;
    if (taken != 0) judge_default(w, i, taken);
    else if (set && is_set(w, i)) w->set[in_atom(w->img, n[i])->slot] = 1;
    for (uint32_t k = 1; k < in_atom(w->img, n[i])->classes; k++)
      if ((taken == 0 || k == taken) && !(n[i + 1 + k] & IN_LEAF)) todo[n[i + 1 + k]] = 1;
  }
  free(todo);
  return true;
}
