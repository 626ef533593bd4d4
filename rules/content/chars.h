/*
** chars.h -- what a character is to the content's reader: an emoji, something
** without a look of its own, or anything else. The classes come from Unicode's
** data through emoji.py (ORDER: as there).
*/
#ifndef IN_CHARS_H
#define IN_CHARS_H

#include "content.h"

typedef enum {
  IN_C_OTHER,
  IN_C_IGNORABLE,                 /* shows nothing: joiners, direction marks, selectors */
  IN_C_EMOJI,
  IN_C_SYMBOL,                    /* an emoji only if U+FE0F follows */
  IN_C_MODIFIER,                  /* skin tone: an emoji of its own, or part of the one before */
  IN_C_REGIONAL,                  /* two make a flag */
  IN_C_KEYCAP                     /* makes an emoji of the digit before */
} in_char_class_t;

in_char_class_t in_char_class(uint32_t cp);
/* ASCII emoticon, or name in colons; ":emoji:" where there is none */
in_span_t in_char_emoji_text(uint32_t cp);

#endif
