/*
** meant.h -- suggestions for mistyped words: see meant.c.
**
** The first ones say what is wrong, and return false. Those of guards add a hint
** to an error that has none yet; they return false where no word is near.
*/
#ifndef IN_MEANT_H
#define IN_MEANT_H

#include "compile.h"

/* a word that no rule goes on with; strips: features could stand there too */
bool in_meant_tail(in_compile_t *c, const in_tok_t *tok, bool strips, const char *otherwise);
/* a denial that does not go on with its guard */
bool in_meant_when(in_compile_t *c, const in_stmt_t *s, uint32_t at);
/* a row's word behind its verdict */
bool in_meant_reason(in_compile_t *c, const in_tok_t *tok);
/* a word behind the operations of `for` */
bool in_meant_operation(in_compile_t *c, const in_tok_t *tok, const char *otherwise);
/* a row's word between its operations and its verdict */
bool in_meant_row(in_compile_t *c, const in_tok_t *tok);

/* where a test begins: toggle, table, every ... */
bool in_meant_test(in_compile_t *c, const in_tok_t *tok);
/* where a path begins: party, tenant, SYSTEM_party */
bool in_meant_party(in_compile_t *c, const in_tok_t *tok);
/* where a fact's operator stands */
bool in_meant_operator(in_compile_t *c, const in_stmt_t *s, uint32_t at);

#endif
