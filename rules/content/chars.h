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

/* two stages, generated: block of a page of 256, class in the block */
extern const unsigned char in_char_page[0x1100];
extern const unsigned char in_char_classes[][256];

static inline in_char_class_t in_char_class(uint32_t cp) {
  if (cp > 0x10ffff) return IN_C_OTHER;
  return (in_char_class_t) in_char_classes[in_char_page[cp >> 8]][cp & 255];
}

/* ASCII emoticon, or name in colons; ":emoji:" where there is none */
in_span_t in_char_emoji_text(uint32_t cp);

#endif
