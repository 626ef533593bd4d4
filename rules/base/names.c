/*
** names.c -- the texts of the public closed lists.
**
** Owns nothing but the way from number to text; the lists themselves are in
** interop.h, once. A number outside a list has the text "?".
*/
#include "base.h"

#define LOOKUP(function, type, list) \
  const char *function(type v) { \
    static const char *const names[] = { list(NAME) }; \
    return (size_t) v < in_countof(names) ? names[v] : "?"; \
  }

#define NAME(name, text)  text,
LOOKUP(interop_status_name, interop_status_t, INTEROP_STATUSES)
LOOKUP(interop_verdict_name, interop_verdict_t, INTEROP_VERDICTS)
LOOKUP(interop_operation_name, interop_operation_t, INTEROP_OPERATIONS)
LOOKUP(interop_kind_name, interop_kind_t, INTEROP_KINDS)
LOOKUP(interop_record_kind_name, interop_record_kind_t, INTEROP_RECORDS)
#undef NAME

#define NAME(name, text, kind)  text,
LOOKUP(interop_feature_name, interop_feature_t, INTEROP_FEATURES)
#undef NAME
