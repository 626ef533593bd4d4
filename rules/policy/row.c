/*
** row.c -- a record to a row.
**
** Owns which parts of a record are taken out once for all: names of fields that
** the engine itself gives a meaning. Must not decide, and knows no store.
*/
#include "row.h"
#include "../store/record.h"

/* what `reads_on` says, else the only system that they are registered on */
static uint32_t reading_system(const interop_policy_t *p, in_span_t record) {
  uint32_t none = p->img.count[IN_S_SYSTEMS], sys;
  in_span_t name = in_record_text(record, IN_SPAN("reads_on")), second;
  interop_value_t v;
  size_t at = 0;
  if (name.p == NULL
      && (interop_record_get(record, IN_SPAN("systems"), &v) != INTEROP_OK || v.type != INTEROP_T_LIST
          || v.count != 1 || !interop_value_item(&v, &at, &name, &second))) return none;
  sys = in_find_system(&p->img, name);
  return sys == IN_NIL ? none : sys;
}

void in_row_fill(in_row_t *row, const interop_policy_t *p, in_span_t record, uint8_t *class_) {
  row->record = record;
  row->id = in_record_text(record, IN_SPAN("id"));
  row->tenant = in_record_text(record, IN_SPAN("tenant"));
  if (interop_record_get(record, IN_SPAN("participants"), &row->participants) != INTEROP_OK)
    memset(&row->participants, 0, sizeof(row->participants));
  row->reads = reading_system(p, record);
  row->alike = 0;
  row->class_ = class_;
  memset(class_, IN_NOT_YET, in_class_bytes(p));
}

in_row_t *in_row_copy(const interop_policy_t *p, in_span_t record, in_arena_t *arena) {
  in_row_t *row = in_arena_raw(arena, sizeof(*row));
  uint8_t *class_ = in_arena_raw(arena, in_class_bytes(p));
  record = in_arena_copy(arena, record);
  if (row == NULL || class_ == NULL || record.p == NULL) return NULL;
  in_row_fill(row, p, record, class_);
  return row;
}
