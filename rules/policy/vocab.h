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
/* the names of all systems, in arena memory; 0 of them if there is no memory */
int in_vocab_systems(const in_vocab_t *v, const in_span_t **names);

/* what a word can be the name of: list, what it is called */
#define IN_WORD_LISTS(X) \
  X(OPERATION, "operation") X(KIND, "kind") X(FEATURE, "feature") X(VERDICT, "verdict") \
  X(RECORD, "record") X(SYSTEM, "system") X(REASON, "reason") X(NOTICE, "notice") \
  X(TOGGLE, "toggle")

typedef enum {
#define IN_X(name, text) IN_W_##name,
  IN_WORD_LISTS(IN_X)
#undef IN_X
  IN_WORD_LIST_COUNT
} in_word_list_t;

/* the same error for a name of that list, which is then its own candidates; the
** hint is the nearest name, or all of them where they are few */
void in_vocab_no(const in_vocab_t *v, in_word_list_t list, const in_tok_t *tok, interop_diag_t *diag);
/* the same for a value of an enumeration */
void in_vocab_no_value(const in_vocab_t *v, const in_tok_t *tok, const in_span_t *values,
                       uint32_t count, interop_diag_t *diag);

/* -?[0-9]{1,18} */
bool in_vocab_number(in_span_t s, int64_t *n);

/* closed lists by name, -1 if there is none */
int in_operation_by_name(in_span_t s);
int in_kind_by_name(in_span_t s);
int in_feature_by_name(in_span_t s);
int in_verdict_by_name(in_span_t s);

#endif
