/*
** declared.h -- facts that are set by hand, held against what a policy declares.
**
** The store takes any fact, as it knows no policy; the one who sets it means one
** that rules ask for. A warning is all that comes of it. Of sources only the
** vocabulary is read: a toggle is flipped in milliseconds.
*/
#ifndef IN_DECLARED_H
#define IN_DECLARED_H

#include "ctl.h"

typedef struct in_declared_s in_declared_t;

/* option: the value of --policy, or NULL: then *d is NULL where none is there, or
** can be read. False: told; give IN_CTL_FOUND */
bool in_declared_open(in_declared_t **d, const char *option);
void in_declared_close(in_declared_t *d);       /* d may be NULL */
/* the fact `name` of a packed record of this kind, told on standard error if the
** policy knows none of this name, or none of such a value */
void in_declared_check(const in_declared_t *d, interop_record_kind_t kind, in_span_t record, in_span_t name);

#endif
