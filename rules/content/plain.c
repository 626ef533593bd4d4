/*
** plain.c -- text as a reader sees it (see plain.h).
**
** One pass; a run of ordinary ASCII is found with a table and copied whole.
** Links and emoji are found in what is seen: markup between the letters and
** characters that show nothing do not hide them.
*/
#include "plain.h"
#include "chars.h"
#include "../base/scan.h"

enum { ORDINARY, WHITE, BLANK, TRIGGER, HIGH, NUL };

static const unsigned char classes[256] = {
  ['\0'] = NUL, ['\t'] = WHITE, ['\n'] = WHITE, ['\f'] = WHITE, ['\r'] = WHITE, [' '] = BLANK,
  [':'] = TRIGGER, ['.'] = TRIGGER,
  [0x80 ... 0xff] = HIGH,
};

/* in_scan_t.link */
enum { NO_LINK, COLON, SLASH, ANY_FOLLOWS, WORD_FOLLOWS, MAIL_FOLLOWS };
/* in_scan_t.emoji */
enum { NO_EMOJI, EMOJI, JOINED, FLAG, SYMBOL };

#define ZWJ  0x200du
#define VS16 0xfe0fu

void in_plain_init(in_plain_t *o, in_buf_t *out, in_features_t *features, unsigned flags) {
  memset(o, 0, sizeof(*o));
  o->out = out;
  o->start = out == NULL ? 0 : out->n;
  o->features = features;
  o->ascii_emoji = (flags & IN_TEXT_ASCII_EMOJI) != 0;
  o->waits = IN_WAITS_LINES;      /* for the start */
  in_plain_show(o, false, false);
}

void in_plain_show(in_plain_t *o, bool hidden, bool pre) {
  o->hidden = hidden;
  o->pre = pre;
  o->words = !hidden && !pre && o->out != NULL && o->out->limit == 0;
}

static inline bool shows(const in_plain_t *o) { return o->out != NULL && !o->hidden; }

static void forget_waiting(in_plain_t *o) {
  o->newlines = o->breaks = o->tabs = o->waits = 0, o->exact = o->row_waits = false;
}

static inline in_scan_t *scan_of(in_plain_t *o) { return o->hidden ? &o->unseen : &o->shown; }

/* ---- lines */

void in_plain_row(in_plain_t *o) {
  if (o->hidden) return;
  o->tabs = 0;
  in_plain_break(o, 1);
  o->row_waits = true;
}

/* line ends inside the cell before do not leave the row either */
void in_plain_cell(in_plain_t *o) {
  if (o->hidden) return;
  o->breaks = o->row_waits;
  o->newlines = 0;
  o->tabs++;
  in_plain_wait(o);
  o->shown.recent <<= 8;
}

static void put_times(in_buf_t *out, char c, size_t n) {
  if (!in_buf_reserve(out, n)) return;
  for (size_t i = 0; i < n; i++) out->p[out->n + i] = c;
  out->n += n;
}

static void write_waiting(in_plain_t *o) {
  size_t lines = o->newlines + o->breaks;
  if (!o->exact && lines > 2) lines = 2;
  if (!o->started) lines = 0;
  if (lines > 0) put_times(o->out, '\n', lines);
  if (o->tabs > 0) put_times(o->out, '\t', o->tabs);
  if ((o->waits & IN_WAITS_SPACE) && o->started && lines == 0 && o->tabs == 0) in_buf_byte(o->out, ' ');
  if (o->waits & IN_WAITS_MARK) o->mark = o->out->n;
}

void in_plain_flush(in_plain_t *o) {
  if (!o->waits) return;
  if (o->out != NULL) write_waiting(o);
  forget_waiting(o);
  o->started = true;
}

/* something visible comes: is it written? what waits must not depend on that */
static inline bool writes(in_plain_t *o) {
  if (shows(o)) return true;
  if (!o->hidden && o->waits) in_plain_flush(o);
  return false;
}

void in_plain_end(in_plain_t *o) {
  if (o->out == NULL || o->verbatim) return;
  while (o->out->n > o->start && memchr(" \t\n", o->out->p[o->out->n - 1], 3) != NULL) o->out->n--;
}

static void write_shown(in_plain_t *o, in_span_t s) {
  in_buf_t *out = o->out;
  if (!writes(o)) return;
  if (o->waits) in_plain_flush(o);
  if (s.n > 4 || out->failed || out->limit != 0 || out->size - out->n < 4) {
    in_buf_put(out, s);
    return;
  }
  char *to = out->p + out->n;
  switch (s.n) {                  /* the length of a character: a copy without a call */
    case 4: to[3] = s.p[3];       /* fall through */
    case 3: to[2] = s.p[2];       /* fall through */
    case 2: to[1] = s.p[1];       /* fall through */
    case 1: to[0] = s.p[0];       /* fall through */
    default: out->n += s.n;
  }
}

/* ---- white space */

static inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* line ends and form feeds, which show nothing, from i on; gives where they end */
static size_t put_lines(in_plain_t *o, in_span_t s, size_t i) {
  size_t lines = 0;
  for (; i < s.n && !is_blank(s.p[i]); i++)
    lines += s.p[i] == '\r' || (s.p[i] == '\n' && !(i > 0 && s.p[i - 1] == '\r'));
  if (lines == 0 || o->hidden) return i;
  in_plain_newline(o);
  o->newlines += lines - 1;
  o->exact = true;
  return i;
}

static void put_pre_white(in_plain_t *o, in_span_t s) {
  size_t i = 0;
  while (i < s.n) {
    if (is_blank(s.p[i])) write_shown(o, in_span(s.p + i++, 1));
    else i = put_lines(o, s, i);
  }
}

static void put_white(in_plain_t *o, in_span_t s) {
  in_scan_t *scan = scan_of(o);
  if (o->verbatim)
    write_shown(o, s);
  else if (o->pre)
    put_pre_white(o, s);
  else if (!o->hidden)
    o->waits |= IN_WAITS_SPACE;
  scan->recent <<= 8;
  scan->link = scan->emoji = 0;
}

/* ---- links */

static bool is_word(unsigned c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

static void count_link(in_plain_t *o) {
  if (!o->no_links) in_feature_add(o->features, INTEROP_F_LINK);
}

/* c follows what looked like the start of a link */
static void step_link(in_plain_t *o, in_scan_t *scan, unsigned char c) {
  unsigned link = scan->link;
  scan->link = NO_LINK;
  bool word = is_word(c < 0x80 ? c | 0x20u : c);
  if ((link == COLON || link == SLASH) && c == '/')
    scan->link = link + 1;
  else if (link == MAIL_FOLLOWS && c == '/')
    scan->link = SLASH;
  else if ((link == ANY_FOLLOWS && c > ' ') || (link >= WORD_FOLLOWS && word))
    count_link(o);
}

/* the eight bytes before position i of s, case folded, newest lowest; what is earlier is remembered */
static inline uint64_t before(const in_scan_t *scan, in_span_t s, size_t i) {
  uint64_t r;
  if (i >= sizeof(r)) {
    memcpy(&r, s.p + (i - sizeof(r)), sizeof(r));
    return __builtin_bswap64(r) | 0x2020202020202020ull;
  }
  r = scan->recent;
  for (size_t k = 0; k < i; k++) r = (r << 8) | ((unsigned char) s.p[k] | 0x20u);
  return r;
}

static inline bool is_www(uint64_t r) {
  return (r & 0xffffff) == 0x777777 && !is_word((r >> 24) & 0xff);
}

static inline bool is_mailto(uint64_t r) {
  return (r & 0xffffffffffffull) == 0x6d61696c746full;
}

/* at a ':' or '.': is this the start of a link? */
static void start_link(in_scan_t *scan, char c) {
  uint64_t r = scan->recent;
  if (c == '.') {
    if (is_www(r)) scan->link = WORD_FOLLOWS;
  } else if (is_mailto(r)) {
    scan->link = MAIL_FOLLOWS;
  } else if (is_word(r & 0xff)) {
    scan->link = COLON;
  }
}

static inline void remember(in_scan_t *scan, in_span_t s) {
  uint64_t r;
  if (s.n >= sizeof(r)) {
    memcpy(&r, s.p + (s.n - sizeof(r)), sizeof(r));
    r = __builtin_bswap64(r) | 0x2020202020202020ull;
  } else {
    r = scan->recent;
    for (size_t i = 0; i < s.n; i++) r = (r << 8) | ((unsigned char) s.p[i] | 0x20u);
  }
  scan->recent = r;
}

/*
** A ':' or '.' inside a run: false if it may start a link that only what comes
** later can decide, or one with invisible characters or NULs inside.
*/
static inline bool pass_trigger(in_plain_t *o, const in_scan_t *scan, in_span_t s, size_t i) {
  size_t left = s.n - i;
  uint64_t r = before(scan, s, i);
  const char *p = s.p + i;
  if (*p == '.') {
    if (!is_www(r)) return true;
    if (left < 2 || p[1] == '\0' || (p[1] & 0x80)) return false;
    if (is_word((unsigned char) p[1] | 0x20u)) count_link(o);
    return true;
  }
  if (!is_word(r & 0xff)) return true;
  if (left < 4 || ((p[1] | p[2] | p[3]) & 0x80) || p[1] == '\0' || p[2] == '\0' || p[3] == '\0') return false;
  if ((p[1] == '/' && p[2] == '/' && (unsigned char) p[3] > ' ')
      || (is_mailto(r) && is_word((unsigned char) p[1] | 0x20u)))
    count_link(o);
  return true;
}

/* ---- emoji */

static void count_emoji(in_plain_t *o) { if (!o->no_emoji) in_feature_add(o->features, INTEROP_F_EMOJI); }

static void put_flag(in_plain_t *o, uint32_t cp, bool second) {
  if (!writes(o)) return;
  in_plain_flush(o);
  if (!second) in_buf_put(o->out, IN_SPAN(":flag_"));
  in_buf_byte(o->out, (char) ('a' + (cp - 0x1f1e6)));
  if (second) in_buf_byte(o->out, ':');
}

static void put_emoji(in_plain_t *o, in_span_t spelt, uint32_t cp, in_char_class_t class) {
  in_scan_t *scan = scan_of(o);
  bool second = class == IN_C_REGIONAL && scan->emoji == FLAG;
  bool part = (class == IN_C_MODIFIER && scan->emoji == EMOJI) || scan->emoji == JOINED || second;
  if (!part) count_emoji(o);
  scan->emoji = class == IN_C_REGIONAL && !second ? FLAG : EMOJI;
  if (!o->ascii_emoji)
    write_shown(o, spelt);
  else if (class == IN_C_REGIONAL)
    put_flag(o, cp, second);
  else if (class == IN_C_EMOJI || !part)
    write_shown(o, in_char_emoji_text(cp));
}

/* U+FE0F behind a symbol makes it an emoji after all */
static void make_emoji(in_plain_t *o, in_scan_t *scan) {
  uint32_t cp;
  count_emoji(o);
  scan->emoji = EMOJI;
  if (!o->ascii_emoji || !shows(o) || o->out->failed) return;
  in_span_t symbol = in_span(o->out->p + scan->symbol_at, o->out->n - scan->symbol_at);
  if (in_utf8_next(symbol, &cp) == 0) return;
  o->out->n = scan->symbol_at;
  in_buf_put(o->out, in_char_emoji_text(cp));
}

/* characters that show nothing: kept, but seen through */
static void put_ignorable(in_plain_t *o, in_span_t spelt, uint32_t cp) {
  in_scan_t *scan = scan_of(o);
  bool in_emoji = scan->emoji == EMOJI || scan->emoji == JOINED;
  if (cp == VS16 && scan->emoji == SYMBOL) {
    make_emoji(o, scan);
    in_emoji = true;
  } else if (in_emoji && cp == ZWJ) {
    scan->emoji = JOINED;
  } else if (!in_emoji) {
    scan->emoji = NO_EMOJI;
  }
  if (o->ascii_emoji && (in_emoji || cp == VS16)) return;
  write_shown(o, spelt);
}

static void put_symbol(in_plain_t *o, in_span_t spelt) {
  in_scan_t *scan = scan_of(o);
  write_shown(o, spelt);
  scan->emoji = SYMBOL;
  if (shows(o)) scan->symbol_at = o->out->n - (o->out->failed ? 0 : spelt.n);
}

static void put_keycap(in_plain_t *o, in_span_t spelt) {
  count_emoji(o);
  scan_of(o)->emoji = EMOJI;
  if (!o->ascii_emoji) write_shown(o, spelt);
}

static void put_other(in_plain_t *o, in_span_t spelt) {
  scan_of(o)->emoji = NO_EMOJI;
  write_shown(o, spelt);
}

/* ---- all together */

/* a character that ended a run */
typedef struct {
  unsigned length;
  uint32_t cp;
  in_char_class_t class;
} char_t;

/* length of the character at s and its class; a byte that is none counts as OTHER */
static inline __attribute__((always_inline))
unsigned read_char(in_span_t s, uint32_t *cp, in_char_class_t *class) {
  const unsigned char *p = (const unsigned char *) s.p;
  unsigned n;
#define MORE(i)  ((p[i] & 0xc0) == 0x80)
  if (p[0] < 0xc2) {
    n = 0;
  } else if (p[0] < 0xe0 && s.n > 1 && MORE(1)) {
    *cp = ((p[0] & 0x1fu) << 6) | (p[1] & 0x3fu);
    n = 2;
  } else if (p[0] > 0xe0 && p[0] < 0xf0 && p[0] != 0xed && s.n > 2 && MORE(1) && MORE(2)) {
    *cp = ((p[0] & 0x0fu) << 12) | ((p[1] & 0x3fu) << 6) | (p[2] & 0x3fu);
    n = 3;
  } else if (p[0] == 0xf0 && s.n > 3 && p[1] >= 0x90 && MORE(1) && MORE(2) && MORE(3)) {
    *cp = ((p[1] & 0x3fu) << 12) | ((p[2] & 0x3fu) << 6) | (p[3] & 0x3fu);
    n = 4;
  } else {
    n = p[0] > 0xf4 ? 0 : in_utf8_next(s, cp);
  }
#undef MORE
  *class = n == 0 ? IN_C_OTHER : in_char_class(*cp);
  return n == 0 ? 1 : n;
}

/*
** Emoji side by side, each of four bytes and by itself: what put_emoji does with
** them one by one. Gives the bytes taken; 0 where there is more to think of.
*/
static size_t put_emojis(in_plain_t *o, in_span_t s) {
  in_scan_t *scan = scan_of(o);
  size_t n = 0;
  if (o->ascii_emoji || scan->link != NO_LINK || scan->emoji == JOINED) return 0;
  for (; s.n - n >= 4; n += 4) {
    const unsigned char *p = (const unsigned char *) s.p + n;
    if (p[0] != 0xf0 || p[1] < 0x90 || ((p[1] & p[2] & p[3]) & 0xc0) != 0x80 || ((p[1] | p[2] | p[3]) & 0x40)) break;
    if (in_char_class(((p[1] & 0x3fu) << 12) | ((p[2] & 0x3fu) << 6) | (p[3] & 0x3fu)) != IN_C_EMOJI) break;
  }
  if (n == 0) return 0;
  if (!o->no_emoji) o->features->count[INTEROP_F_EMOJI] += (uint32_t) (n / 4);
  scan->recent = n >= 32 ? 0x8080808080808080ull : (scan->recent << (2 * n)) | (0x8080808080808080ull >> (64 - 2 * n));
  scan->emoji = EMOJI;
  write_shown(o, in_span(s.p, n));
  return n;
}

static size_t put_high(in_plain_t *o, in_span_t s, const char_t *c) {
  if (c->class == IN_C_EMOJI) {
    size_t n = put_emojis(o, s);
    if (n > 0) return n;
  }
  in_span_t spelt = in_span(s.p, c->length);
  in_scan_t *scan = scan_of(o);
  if (c->class != IN_C_IGNORABLE) {
    if (scan->link != NO_LINK) step_link(o, scan, 0x80);
    scan->recent = (scan->recent << 8) | 0x80;
  }
  switch (c->class) {
    case IN_C_OTHER: put_other(o, spelt); break;
    case IN_C_IGNORABLE: put_ignorable(o, spelt, c->cp); break;
    case IN_C_SYMBOL: put_symbol(o, spelt); break;
    case IN_C_KEYCAP: put_keycap(o, spelt); break;
    case IN_C_EMOJI: case IN_C_MODIFIER: case IN_C_REGIONAL:
      put_emoji(o, spelt, c->cp, c->class);
      break;
  }
  return spelt.n;
}

/* may the white space at i stand inside a run? */
static inline bool is_inner(const in_plain_t *o, in_span_t s, size_t i, bool *dirty) {
  unsigned class = classes[(unsigned char) s.p[i]];
  if (o->verbatim) return true;
  if (class == NUL || i == 0 || i + 1 == s.n) return false;
  *dirty |= class == WHITE;
  if (o->pre) return true;
  unsigned next = classes[(unsigned char) s.p[i + 1]];
  return next == ORDINARY || next == HIGH || next == TRIGGER;
}

/*
** What may start a link: a '.' behind a 'w', a ':' behind an 'o' or before a
** slash, or before something that is not seen. Reads the bytes around the block.
*/
static inline in_hits_t hits_link(in_block_bytes_t x, const char *p) {
  in_block_bytes_t last = in_block_at(p - 1), next = in_block_at(p + 1);
  in_hits_t slash = in_hits_equal(next, '/') | in_hits_below_or_high(next, 1) | in_hits_letter(last, 'o');
  return (in_hits_equal(x, ':') & slash) | (in_hits_equal(x, '.') & in_hits_letter(last, 'w'));
}

/*
** bit n: byte n is not ASCII, or a '.' or ':', which differ in two bits only, or NUL if
** these count; '*' and '>' are met by the way
*/
static inline uint32_t notable(const char *p, bool nul) {
  static const in_block_bytes_t most = IN_ALL(0xeb);
  in_block_bytes_t x = in_block_at(p);
  in_hits_t hits = in_hits_equal(x & most, '.' & 0xeb);
  if (nul) hits |= in_hits_equal(x, 0);
  return in_high_bits(x | (in_block_bytes_t) hits);
}

/* the first of these bytes from p on that is not ASCII, or may start a link (see hits_link); 64: none is */
static inline unsigned first_notable(const char *p, uint64_t bits) {
  for (; bits != 0; bits &= bits - 1) {
    const char *c = p + __builtin_ctzll(bits);
    unsigned last = (unsigned char) c[-1] | 0x20u;
    if (*c == '.' ? last == 'w' : (signed char) *c < 1) break;
    if (*c == ':' && (last == 'o' || c[1] == '/' || (signed char) c[1] < 1)) break;
  }
  return bits == 0 ? 64 : (unsigned) __builtin_ctzll(bits);
}

/*
** Over what needs no second look where white space counts, and maybe NUL: 64 bytes at a time, then
** sixteen; the last ones are met again in a block that ends before the last byte. i > 0
*/
static inline size_t skip_plain(in_span_t s, size_t i, bool nul) {
  unsigned at;
  for (; s.n - i > 64; i += 64) {
    const char *p = s.p + i;
    uint64_t bits = notable(p, nul) | (uint64_t) notable(p + 16, nul) << 16 | (uint64_t) notable(p + 32, nul) << 32
                    | (uint64_t) notable(p + 48, nul) << 48;
    if ((at = first_notable(p, bits)) < 64) return i + at;
  }
  for (; s.n - i > IN_BLOCK; i += IN_BLOCK)
    if ((at = first_notable(s.p + i, notable(s.p + i, nul))) < 64) return i + at;
  if (s.n < IN_BLOCK + 2 || i == s.n) return i;
  const char *p = s.p + s.n - 1 - IN_BLOCK;
  at = first_notable(p, notable(p, nul) & ~(uint64_t) 0 << (s.p + i - p));
  return at < 64 ? (size_t) (p - s.p) + at : s.n - 1;
}

/*
** The same among words with one blank between: the first byte of the block that
** is neither, or may start a link. What may be part of a link is looked at only
** where it comes before.
*/
static inline unsigned words_end(const char *p, in_block_bytes_t x) {
  static const in_block_bytes_t most = IN_ALL(0xeb);
  in_hits_t blanks = in_hits_equal(x, ' ') & in_hits_equal(in_block_at(p - 1), ' ');
  in_hits_t ends = in_hits_below_or_high(x, 0x20) | blanks;
  unsigned at = in_first_hit(ends);
  if (in_first_hit(in_hits_equal(x & most, '.' & 0xeb)) >= at) return at;
  return in_first_hit(ends | hits_link(x, p));
}

/* the same where blanks side by side are one: over words with one blank between */
static inline size_t skip_words(in_span_t s, size_t i) {
  size_t from = i;
  unsigned at = 0;
  for (; s.n - i > IN_BLOCK; i += IN_BLOCK)
    if ((at = words_end(s.p + i, in_block_at(s.p + i))) < IN_BLOCK) break;
  if (s.n - i > IN_BLOCK) i += at;
  return i > from && s.p[i - 1] == ' ' ? i - 1 : i;   /* a blank's next byte says whether it stays */
}

/* four bytes at p, the first lowest */
static inline uint32_t four(const char *p) {
  uint32_t w;
  memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  w = __builtin_bswap32(w);
#endif
  return w;
}

/*
** Over words of other scripts: ordinary characters of two bytes, those of three
** whose whole page is ordinary, and letters of ASCII between them. What is no
** UTF-8 among them is ordinary too.
*/
static inline size_t skip_script(in_span_t s, size_t i) {
  const unsigned char ordinary = in_char_page[1];
  while (s.n - i >= sizeof(uint32_t)) {
    uint32_t w = four(s.p + i);
    if ((w & 0xc0c0f0u) == 0x8080e0u && in_char_page[((w & 15) << 4) | ((w >> 10) & 15)] == ordinary)
      i += 3;
    else if ((w & 0xc0e0u) == 0x80c0u && in_char_class(((w & 0x1f) << 6) | ((w >> 8) & 0x3f)) == IN_C_OTHER)
      i += 2;
    else if (classes[w & 0xff] == ORDINARY && (w & 0x8000u))
      i++;
    else
      break;
  }
  return i;
}

/*
** The length of a run that can be written as one: ordinary characters of any
** script, and what is between them. *dirty: its white space must be folded.
** *ended is set where a character that is not ASCII ends it.
*/
static size_t run_length(in_plain_t *o, in_span_t s, bool *dirty, char_t *ended) {
  const unsigned char *p = (const unsigned char *) s.p;
  const in_scan_t *scan = scan_of(o);
  size_t i = 0, leap = 1;         /* leap: where long steps are worth a try again */
  *dirty = false;
  for (;;) {
    if (i >= leap) {
      size_t from = i;
      i = o->verbatim ? skip_plain(s, i, false) : o->pre ? skip_plain(s, i, true) : skip_words(s, i);
      *dirty |= o->pre && i > from;
      leap = i + (i - from >= 16 ? 1 : 16);
    }
    while (i < s.n && classes[p[i]] == ORDINARY) i++;
    if (i == s.n) break;
    if (p[i] >= 0x80) {
      if ((i = skip_script(s, i)) == s.n) break;
      if (p[i] < 0x80) continue;
      ended->length = read_char(in_span(s.p + i, s.n - i), &ended->cp, &ended->class);
      if (ended->class != IN_C_OTHER) break;
      i += ended->length;
    } else if (classes[p[i]] == TRIGGER) {
      if (scan->link != NO_LINK || !pass_trigger(o, scan, s, i)) break;
      i++;
    } else {
      if (!is_inner(o, s, i, dirty)) break;
      i++;
    }
  }
  if (o->pre && !o->verbatim)
    while (i > 0 && p[i - 1] <= ' ' && classes[p[i - 1]] != ORDINARY) i--;
  return i;
}

/* white space of a run that was written as it is spelt: each becomes a blank */
static void fold_blanks(in_buf_t *out, size_t from) {
  for (size_t i = from; i < out->n; i++)
    if (classes[(unsigned char) out->p[i]] == WHITE) out->p[i] = ' ';
}

/* the same where it counts: CR LF and CR become LF, form feeds go */
static void fold_lines(in_buf_t *out, size_t from) {
  char *p = out->p;
  size_t to = from;
  char last = 0;
  if (memchr(p + from, '\r', out->n - from) == NULL && memchr(p + from, '\f', out->n - from) == NULL)
    return;
  for (size_t i = from; i < out->n; i++) {
    char c = p[i];
    if (c != '\f' && !(c == '\n' && last == '\r')) p[to++] = c == '\r' ? '\n' : c;
    last = c;
  }
  out->n = to;
}

static void put_run(in_plain_t *o, in_span_t s, bool dirty) {
  in_scan_t *scan = scan_of(o);
  for (size_t i = 0; scan->link != NO_LINK && i < s.n; i++)
    step_link(o, scan, (unsigned char) s.p[i]);
  scan->emoji = NO_EMOJI;
  remember(scan, s);
  if (!writes(o)) return;
  in_plain_flush(o);
  size_t from = o->out->n;
  in_buf_put(o->out, s);
  if (!dirty || o->verbatim || o->out->failed) return;
  if (o->pre)
    fold_lines(o->out, from);
  else
    fold_blanks(o->out, from);
}

static void put_trigger(in_plain_t *o, in_span_t s) {
  in_scan_t *scan = scan_of(o);
  if (scan->link != NO_LINK) step_link(o, scan, (unsigned char) *s.p);
  if (scan->link == NO_LINK) start_link(scan, *s.p);
  scan->emoji = NO_EMOJI;
  remember(scan, s);
  write_shown(o, s);
}

static size_t white_length(in_span_t s) {
  size_t n = 1;
  while (n < s.n && (classes[(unsigned char) s.p[n]] == WHITE || s.p[n] == ' ')) n++;
  return n;
}

/* what stands where no run can start */
static size_t put_special(in_plain_t *o, in_span_t s, const char_t *c) {
  size_t n = 1;
  switch (classes[(unsigned char) *s.p]) {
    case TRIGGER: put_trigger(o, in_span(s.p, 1)); break;
    case HIGH: return put_high(o, s, c);
    case NUL: break;              /* the standard's tree construction drops it */
    default:
      n = white_length(s);
      put_white(o, in_span(s.p, n));
      break;
  }
  return n;
}

void in_plain_saw(in_plain_t *o, in_span_t s) {
  remember(&o->shown, s);
  if (o->waits & (IN_WAITS_SPACE | IN_WAITS_LINES)) o->shown.recent <<= 8;
}

void in_plain_put(in_plain_t *o, in_span_t s) {
  bool dirty;
  char_t ended = { 0, 0, IN_C_OTHER };
  while (s.n > 0) {
    size_t n = 0;
    if ((unsigned char) *s.p >= 0x80) ended.length = read_char(s, &ended.cp, &ended.class);
    if ((unsigned char) *s.p < 0x80 || ended.class == IN_C_OTHER)
      n = run_length(o, s, &dirty, &ended);
    if (n > 0)
      put_run(o, in_span(s.p, n), dirty);
    else
      n = put_special(o, s, &ended);
    s = in_span(s.p + n, s.n - n);
  }
}
