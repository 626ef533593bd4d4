/*
** declared.h -- facts that are set by hand, held against what a policy declares.
**
** The store takes any fact, as it knows no policy; the one who sets it means one
** that rules ask for. A warning is all that comes of it.
*/
#ifndef IN_DECLARED_H
#define IN_DECLARED_H

#include "pack.h"

/* the fact `name` of a packed record of this kind, told on standard error if the
** policy knows none of this name, or none of such a value */
void in_declared_check(const in_pack_t *pack, interop_record_kind_t kind, in_span_t record, in_span_t name);

#endif
