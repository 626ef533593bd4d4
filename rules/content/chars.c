/*
** chars.c -- classes of characters and names of emoji, from a generated table.
*/
#include "chars.h"
#include "emoji.inc"

in_char_class_t in_char_class(uint32_t cp) {
  if (cp > 0x10ffff) return IN_C_OTHER;
  return (in_char_class_t) char_class[char_page[cp >> 8]][cp & 255];
}

in_span_t in_char_emoji_text(uint32_t cp) {
  unsigned block = cp > 0x10ffff ? NAMED_BLOCKS : char_page[cp >> 8];
  uint16_t at = block < NAMED_BLOCKS ? name_at[block][cp & 255] : 0;
  return at == 0 ? IN_SPAN(":emoji:") : in_str(name_text + at);
}
