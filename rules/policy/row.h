/*
** row.h -- a record as a policy looks at it, and what a worker remembers of
** the records it has seen.
**
** A row is a copy of a packed record with the parts that every request asks
** for, and the classes of the atoms that hang on this record alone: what one
** request has found out, the next one need not. A memo keeps rows by the names
** they were asked for. Invariants: a row's class is what the record gives under
** the memo's policy; a row is given out only for the snapshot for which it is
** known to hold; whoever was given a row from a memo gives it back.
*/
#ifndef IN_ROW_H
#define IN_ROW_H

#include "load.h"

typedef struct {
  in_span_t record;               /* packed */
  in_span_t id, tenant;           /* texts of the record, or absent */
  interop_value_t participants;   /* a list, or of another type: there is none */
  uint32_t reads;                 /* USER: the system; count of systems: not known */
  uint32_t alike;                 /* 0, or a number that rows share which differ in their ids alone */
  uint8_t *class_;                /* by atom, or IN_NOT_YET */
} in_row_t;

/* of a record that stays where it is; class_ has room for in_class_bytes */
void in_row_fill(in_row_t *row, const interop_policy_t *p, in_span_t record, uint8_t *class_);
/* a row and a copy of the record; NULL = no memory */
in_row_t *in_row_copy(const interop_policy_t *p, in_span_t record, in_arena_t *arena);

/*
** The record of the snapshot, by id or alias. OK: either *row, to be given back
** with in_memo_release, or, where it cannot be kept, *record as interop_view_lookup
** gives it. MISSING, UNAVAILABLE.
*/
interop_status_t in_memo_find(interop_memo_t *m, interop_view_t *view, interop_record_kind_t kind,
                              in_span_t key, in_row_t **row, in_span_t *record);
void in_memo_release(in_row_t *row);
bool in_memo_serves(const interop_memo_t *m, const interop_policy_t *p);

#endif
