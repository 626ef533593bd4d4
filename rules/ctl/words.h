/*
** words.h -- a policy's insides in words: facts, values, classes of values.
**
** Owns how diagrams are told to people. Reads images only; must not decide.
** What is appended is not NUL-terminated; a buffer's failure is the caller's.
*/
#ifndef IN_WORDS_H
#define IN_WORDS_H

#include "../policy/facts.h"

/* a cell that outgrew its diagram and is a list of rules */
static inline bool in_words_is_list(uint32_t root) { return (root & (IN_LEAF | IN_LIST)) == IN_LIST; }
bool in_words_has_lists(const in_image_t *img);

in_span_t in_words_slot(const in_image_t *img, uint32_t slot);
/* name of value number n of an ENUM fact, engine's own (operation, kind, systems) included */
in_span_t in_words_enum(const in_image_t *img, uint32_t slot, uint32_t n);
uint32_t in_words_enums(const in_image_t *img, uint32_t slot);     /* how many it has */
/* "IN", "2020-07-01T00:00:00Z", "red, blue", "unknown" */
void in_words_value(in_buf_t *b, const in_image_t *img, uint32_t slot, const in_value_t *v);
/* what it means that an atom's value is in this class: "sender.tenant.phase = moving" */
void in_words_class(in_buf_t *b, const in_image_t *img, uint32_t atom, uint32_t class_);
/* the same for several classes (a bit each) */
void in_words_classes(in_buf_t *b, const in_image_t *img, uint32_t atom, uint64_t classes);
/* "conf.d/policies/x.rules:41"; nothing where an outcome has no source */
void in_words_place(in_buf_t *b, const in_image_t *img, const in_pi_outcome_t *o);
/* "placeholder gif_unsupported", "deny undetermined:sender.tenant" */
void in_words_outcome(in_buf_t *b, const in_image_t *img, uint32_t outcome);

#endif
