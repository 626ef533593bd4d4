/*
** vocab.h -- the words that .rules files declare, as seen while compiling.
**
** Owns the tables of systems, reasons, notices, sets and record fields, and
** their lookup by name. Filled before any policy or API definition is read,
** so that order among files does not matter.
*/
#ifndef IN_VOCAB_H
#define IN_VOCAB_H

#include "../lang/syntax.h"
#include "../image/image.h"

typedef struct in_vocab_s in_vocab_t;

/* index of the name in its section, or -1 */
int in_vocab_system(const in_vocab_t *v, in_span_t name);
int in_vocab_reason(const in_vocab_t *v, in_span_t name);
int in_vocab_notice(const in_vocab_t *v, in_span_t name);
/* set an "unknown NAME 'x'" error at the token, with the nearest name as a hint */
void in_vocab_unknown(const in_vocab_t *v, const char *what, const in_tok_t *tok,
                      const in_span_t *names, size_t count, interop_diag_t *diag);
int in_vocab_systems(const in_vocab_t *v, const in_span_t **names);

/* closed lists by name, -1 if there is none */
int in_operation_by_name(in_span_t s);
int in_kind_by_name(in_span_t s);
int in_feature_by_name(in_span_t s);
int in_verdict_by_name(in_span_t s);

#endif
