/*
** list.c -- see list.h.
**
** In a list the denials stand first, in the order of their reasons; then the
** rows of each matrix, IN_LIST_NEXT behind each; IN_LIST_END at its end, with what
** holds in a cell about which the list says nothing.
*/
#include "list.h"

typedef struct {
  const in_image_t *img;
  const uint8_t *class_;
  const in_list_event_t *event;
  uint32_t need;                  /* IN_NIL: nothing */
  uint32_t denied, unknown;       /* outcomes, or IN_NOTHING */
  uint32_t base;                  /* what the matrices so far come to */
  uint32_t row;                   /* what this matrix comes to, once it is known */
  uint32_t pending, pending_unknown;      /* first row whose guard is unknown; how */
  bool mixed;                     /* rows that are unknown have different effects */
} list_t;

static bool denies(const list_t *l, uint32_t outcome) {
  const in_pi_outcome_t *o = in_outcome(l->img, outcome);
  return o->kind == IN_OUT_DECISION && o->verdict == INTEROP_V_DENY;
}

bool in_outcome_stricter(const in_image_t *img, uint32_t a, uint32_t b) {
  const in_pi_outcome_t *x = in_outcome(img, a), *y = in_outcome(img, b);
  bool dx = x->kind == IN_OUT_DECISION && x->verdict == INTEROP_V_DENY;
  bool dy = y->kind == IN_OUT_DECISION && y->verdict == INTEROP_V_DENY;
  if (dx && dy) return x->reason < y->reason;
  if (dx || dy) return dx;
  if (x->kind != y->kind) return x->kind == IN_OUT_UNDETERMINED;
  return x->kind == IN_OUT_DECISION && x->verdict > y->verdict;
}

static bool same_effect(const list_t *l, uint32_t a, uint32_t b) {
  const in_pi_outcome_t *x = in_outcome(l->img, a), *y = in_outcome(l->img, b);
  return x->kind == y->kind && x->verdict == y->verdict && x->reason == y->reason && x->strip == y->strip
         && x->reduce == y->reduce && x->name_slot == y->name_slot
         && x->name_suffix.off == y->name_suffix.off && x->name_suffix.len == y->name_suffix.len;
}

static bool is_meant(const list_t *l, const in_pi_rule_t *r) {
  const in_list_event_t *e = l->event;
  if (e == NULL) return true;
  if (r->crosses && e->from == e->to) return false;
  return (r->ops >> e->operation & 1) && (r->kinds >> e->kind & 1) && (r->from >> e->from & 1) && (r->to >> e->to & 1);
}

/* the guard's outcome: FALSE, TRUE, UNDETERMINED; IN_NIL: l->need first */
static uint32_t guard(list_t *l, uint32_t n) {
  const uint32_t *nodes = in_table(l->img, NODES, uint32_t);
  while (!(n & IN_LEAF)) {
    uint8_t k = l->class_[nodes[n]];
    if (k == IN_NOT_YET) {
      l->need = nodes[n];
      return IN_NIL;
    }
    n = nodes[n + 1 + k];
  }
  return n & ~IN_LEAF;
}

static void deny(list_t *l, const in_pi_rule_t *r) {
  uint32_t g;
  if (l->denied != IN_NOTHING || (g = guard(l, r->guard)) == IN_NIL) return;
  if (in_outcome(l->img, g)->kind == IN_OUT_TRUE) l->denied = r->outcome;
  else if (in_outcome(l->img, g)->kind == IN_OUT_UNDETERMINED && r->op == IN_LIST_DENY && l->unknown == IN_NOTHING) l->unknown = g;
}

/* with a certain denial, only a row that denies for a reason that stands before counts */
static bool matters(const list_t *l, const in_pi_rule_t *first) {
  if (l->denied == IN_NOTHING) return true;
  for (const in_pi_rule_t *r = first; r->op != IN_LIST_END; r++)
    if (r->op != IN_LIST_NEXT && denies(l, r->outcome) && is_meant(l, r)
        && in_outcome(l->img, r->outcome)->reason < in_outcome(l->img, l->denied)->reason) return true;
  return false;
}

static void row(list_t *l, const in_pi_rule_t *r) {
  uint32_t g;
  in_outcome_kind_t kind;
  if (l->row != IN_NOTHING || (g = guard(l, r->guard)) == IN_NIL) return;
  kind = (in_outcome_kind_t) in_outcome(l->img, g)->kind;
  if (kind == IN_OUT_FALSE || (kind == IN_OUT_UNDETERMINED && r->op == IN_LIST_ROW_PASS)) return;
  if (kind == IN_OUT_TRUE) {
    bool same = l->pending == IN_NOTHING || (!l->mixed && same_effect(l, l->pending, r->outcome));
    l->row = same ? r->outcome : l->pending_unknown;
  } else if (l->pending == IN_NOTHING) {
    l->pending = r->outcome;
    l->pending_unknown = g;
  } else if (!same_effect(l, l->pending, r->outcome)) {
    l->mixed = true;
  }
}

static void end_matrix(list_t *l) {
  if (l->row != IN_NOTHING && (l->base == IN_NOTHING || in_outcome_stricter(l->img, l->row, l->base))) l->base = l->row;
  l->row = l->pending = IN_NOTHING;
  l->mixed = false;
}

static uint32_t result(const list_t *l) {
  if (l->denied != IN_NOTHING)
    return l->base != IN_NOTHING && denies(l, l->base) && in_outcome_stricter(l->img, l->base, l->denied) ? l->base : l->denied;
  if (l->unknown != IN_NOTHING && (l->base == IN_NOTHING || !denies(l, l->base))) return l->unknown;
  return l->base;
}

static uint32_t walk(const in_image_t *img, uint32_t first, const in_list_event_t *event, bool rows,
                     const uint8_t *class_, uint32_t *need) {
  list_t l = { img, class_, event, IN_NIL, IN_NOTHING, IN_NOTHING, IN_NOTHING, IN_NOTHING, IN_NOTHING, IN_NOTHING, false };
  const in_pi_rule_t *r = in_table(img, LISTS, in_pi_rule_t) + first;
  for (; r->op != IN_LIST_END && l.need == IN_NIL; r++) {
    if (r->op == IN_LIST_NEXT) end_matrix(&l);
    else if (!is_meant(&l, r)) continue;
    else if (r->op == IN_LIST_DENY || r->op == IN_LIST_DENY_PASS) { if (!rows) deny(&l, r); }
    else if (matters(&l, r)) row(&l, r);
  }
  *need = l.need;
  if (l.need != IN_NIL) return IN_NIL;
  return result(&l) == IN_NOTHING && event == NULL ? r->outcome : result(&l);
}

uint32_t in_list_walk(const in_image_t *img, uint32_t first, const in_list_event_t *event,
                      const uint8_t *class_, uint32_t *need) {
  return walk(img, first, event, false, class_, need);
}

uint32_t in_list_rows(const in_image_t *img, uint32_t first, const in_list_event_t *event,
                      const uint8_t *class_, uint32_t *need) {
  return walk(img, first, event, true, class_, need);
}

bool in_list_has_row(const in_image_t *img, uint32_t first, const in_list_event_t *event) {
  const list_t l = { .img = img, .event = event };
  for (const in_pi_rule_t *r = in_table(img, LISTS, in_pi_rule_t) + first; r->op != IN_LIST_END; r++)
    if ((r->op == IN_LIST_ROW || r->op == IN_LIST_ROW_PASS) && is_meant(&l, r)) return true;
  return false;
}

static bool is_final(const list_t *l, uint32_t outcome) {
  uint32_t reason = in_outcome(l->img, outcome)->reason;
  return denies(l, outcome) && reason != IN_NIL && in_reason(l->img, reason)->final;
}

uint32_t in_list_final(const in_image_t *img, uint32_t first, const in_list_event_t *event,
                       const uint8_t *class_, uint32_t *need) {
  list_t l = { .img = img, .class_ = class_, .event = event, .need = IN_NIL };
  for (const in_pi_rule_t *r = in_table(img, LISTS, in_pi_rule_t) + first; r->op != IN_LIST_END; r++) {
    uint32_t g;
    if (r->op == IN_LIST_NEXT || !is_final(&l, r->outcome) || !is_meant(&l, r)) continue;
    g = guard(&l, r->guard);
    *need = l.need;
    if (g == IN_NIL) return IN_NIL;
    if (in_outcome(img, g)->kind != IN_OUT_FALSE) return r->outcome;
  }
  return IN_NOTHING;
}

/* ---- whose list it is: OVERLAYS[0] tells of the table that follows it */

uint64_t in_overlay_hash(in_span_t id) {
  uint64_t h = 0x9e3779b97f4a7c15ull ^ id.n, v = 0;
  size_t i = 0;
  for (; id.n - i >= 8; i += 8) {
    memcpy(&v, id.p + i, 8);
    h = (h ^ v) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  for (v = 0; i < id.n; i++) v = v << 8 | (unsigned char) id.p[i];
  h = (h ^ v) * 0xc4ceb9fe1a85ec53ull;
  return h ^ h >> 29;
}

uint32_t in_overlay_slot(const in_image_t *img) {
  return img->count[IN_S_OVERLAYS] == 0 ? IN_NIL : in_table(img, OVERLAYS, in_pi_overlay_t)->slot;
}

uint32_t in_overlay_find(const in_image_t *img, in_span_t id) {
  const in_pi_overlay_t *t = in_table(img, OVERLAYS, in_pi_overlay_t) + 1;
  uint32_t slots = img->count[IN_S_OVERLAYS] - 1;
  uint64_t h;
  if (id.p == NULL) return t[-1].list;
  h = in_overlay_hash(id);
  for (uint32_t k = 0, i = (uint32_t) h & (slots - 1); k < slots && t[i].list != IN_NIL; k++, i = (i + 1) & (slots - 1))
    if (t[i].key == h && in_eq(in_image_str(img, t[i].id), id)) return t[i].list;
  return IN_NIL;
}
