/*
** memory.h -- records in memory, with the store's meaning of names.
**
** Owns a source for tests and for the command line's own test runs: what the
** store and the module's shared memory do together, in one place and without
** disk. Invariant: ids and aliases are found as the store finds them, in any
** ASCII case; an id goes before an alias.
**
** A MESSAGE is kept under "{conversation id}\n{id}"; it is found under every name
** of the conversation. Where the object names no conversation, that part is
** empty: "\n{id}". A CALL is kept under its id.
*/
#ifndef IN_MEMORY_H
#define IN_MEMORY_H

#include "record.h"

typedef struct in_memory_s in_memory_t;

in_memory_t *in_memory_new(const interop_alloc_t *alloc);    /* NULL = no memory */
void in_memory_free(in_memory_t *m);
/*
** Puts the record of a JSON object (text as in_record_from_json takes it,
** without "kind") in place of the one of its id. SYNTAX (an alias of another
** record of the kind included), NOMEM.
*/
interop_status_t in_memory_put_json(in_memory_t *m, interop_record_kind_t kind,
                                    in_span_t object, interop_diag_t *diag);
/* all kinds; a missing record is made only by effects with create */
interop_status_t in_memory_apply(in_memory_t *m, const interop_effect_t *effects, size_t count);
/* an interop_source_t's lookup: ctx is the in_memory_t */
interop_status_t in_memory_lookup(void *ctx, interop_record_kind_t kind,
                                  interop_span_t key, interop_span_t *record);
/* an interop_source_t's swap */
interop_status_t in_memory_swap(void *ctx, interop_span_t key, interop_span_t old,
                                interop_span_t record, interop_span_t *there);
interop_source_t in_memory_source(in_memory_t *m);

#endif
