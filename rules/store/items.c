/*
** items.c -- effects on the items of a list: put in, taken out.
**
** Owns how a list follows who comes and who goes. Must not know whose list it
** is. Invariants: an item is there once; one that is there already stays as it
** is, with its second text; linear in both lists.
*/
#include "record.h"

/* items by their text: indices + 1 into at[] */
typedef struct { in_span_t *text; uint32_t *slot, slots, n; } set_t;

/* is it there? if not, and it is to be, it is from now on */
static bool set_has(set_t *s, in_span_t text, bool add) {
  uint32_t h = in_hash(text) & (s->slots - 1);
  for (; s->slot[h] != 0; h = (h + 1) & (s->slots - 1))
    if (in_eq(s->text[s->slot[h] - 1], text)) return true;
  if (add) {
    s->text[s->n] = text;
    s->slot[h] = ++s->n;
  }
  return false;
}

/* with room for some more */
static bool set_init(set_t *s, const interop_value_t *list, uint32_t more, in_arena_t *a) {
  in_span_t second, text;
  size_t at = 0;
  uint32_t room = list->count + more;
  for (s->slots = 16; s->slots / 2 <= room; s->slots *= 2) { /* a power of two */ }
  s->text = in_arena_array(a, (size_t) room + 1, sizeof(*s->text));
  s->slot = in_arena_array(a, s->slots, sizeof(*s->slot));
  if (s->text == NULL || s->slot == NULL) return false;
  s->n = 0;
  while (s->n < list->count && interop_value_item(list, &at, &text, &second)) (void) set_has(s, text, true);
  return true;
}

/* items of `from` that are not in the set; with add, each once */
static uint32_t put_some(in_buf_t *b, const interop_value_t *from, set_t *s, bool add, bool *pairs) {
  in_span_t item, second;
  size_t at = 0;
  uint32_t n = 0;
  while (interop_value_item(from, &at, &item, &second)) {
    if (s != NULL && set_has(s, item, add)) continue;
    in_pack_item(b, item, second);
    *pairs = *pairs || second.p != NULL;
    n++;
  }
  return n;
}

static interop_status_t change(in_draft_t *d, const interop_effect_t *e) {
  in_field_t *f = in_draft_find(d, e->field);
  interop_value_t old = in_value_list(IN_NONE, 0), now;
  interop_alloc_t alloc = in_arena_alloc(d->arena);
  in_buf_t b;
  set_t s;
  uint32_t n;
  bool pairs = false;
  if (f != NULL && f->value.type == INTEROP_T_LIST) old = f->value;
  bool add = e->items == INTEROP_ITEMS_ADD;
  if (!set_init(&s, add ? &old : &e->value, add ? e->value.count : 0, d->arena)) return INTEROP_NOMEM;
  in_buf_init(&b, &alloc);
  n = put_some(&b, &old, add ? NULL : &s, false, &pairs);
  if (add) n += put_some(&b, &e->value, &s, true, &pairs);
  if (b.failed) return INTEROP_NOMEM;
  now = in_value_list(b.n == 0 ? IN_NONE : in_buf_span(&b), n);
  in_draft_set(d, e->field, &now);
  f = in_draft_find(d, e->field);
  if (f == NULL) return INTEROP_NOMEM;
  /* the names under which pairs are exported, where the list had none yet */
  if (pairs && f->pair[0].p == NULL) {
    f->pair[0] = IN_SPAN("user");
    f->pair[1] = IN_SPAN("joined");
  }
  return INTEROP_OK;
}

interop_status_t in_draft_apply(in_draft_t *d, const interop_effect_t *e) {
  if (e->items != 0 && e->value.type == INTEROP_T_LIST) return change(d, e);
  in_draft_set(d, e->field, &e->value);
  return INTEROP_OK;
}
