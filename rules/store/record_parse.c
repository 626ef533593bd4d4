/*
** record_parse.c -- a record that somebody else keeps, as the library takes it.
**
** Owns the public door to JSON records, for facts that come by a subrequest.
** Must not know the store; what a record may be is record_json.c's.
*/
#include "record.h"

interop_status_t interop_record_parse(interop_span_t json, const interop_alloc_t *alloc,
                                      interop_span_t *record, interop_diag_t *diag) {
  in_diag_clear(diag);
  return in_record_from_json(json, NULL, alloc, record, diag);
}
