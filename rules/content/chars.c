/*
** chars.c -- classes of characters and names of emoji, from a generated table.
**
** Owns the look-up; the table is emoji.inc, made by emoji.py from Unicode data.
** Invariant: a code point that the table does not name is an ordinary character.
*/
#include "chars.h"
#include "emoji.inc"

in_span_t in_char_emoji_text(uint32_t cp) {
  unsigned block = cp > 0x10ffff ? NAMED_BLOCKS : in_char_page[cp >> 8];
  uint16_t at = block < NAMED_BLOCKS ? name_at[block][cp & 255] : 0;
  return at == 0 ? IN_SPAN(":emoji:") : in_str(name_text + at);
}
