/*
** html_ref.c -- character references, and text decoded piece by piece.
**
** Owns "&...;" in all its forms, the table of names (generated), and the
** standard's corrections of numbers. Linear: a name is looked at once in full
** and at most four times as one of the old names that need no semicolon.
*/
#include "../base/scan.h"
#include "html_tokenizer.h"

typedef struct {
  uint16_t name;                  /* offset in entity_names */
  uint8_t length;
  uint32_t first;
  uint16_t second;                /* 0 = none */
} entity_t;

#include "html_entities.inc"

/* windows-1252, for numbers 128 to 159; 0 = as it is */
static const uint16_t windows[32] = {
  0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
  0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
  0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178
};

/* letters and digits, each once */
static const unsigned char alnum[256] = {
#define X(c)  [c] = 1, [(c) - 32] = 1,
  X('a') X('b') X('c') X('d') X('e') X('f') X('g') X('h') X('i') X('j') X('k') X('l') X('m')
  X('n') X('o') X('p') X('q') X('r') X('s') X('t') X('u') X('v') X('w') X('x') X('y') X('z')
#undef X
  ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
  ['8'] = 1, ['9'] = 1
};

static inline bool is_alnum(char c) {
  return alnum[(unsigned char) c];
}

static inline bool same(const char *a, const char *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (a[i] != b[i]) return false;
  return true;
}

static inline const entity_t *find(const char *name, size_t n, uint32_t hash) {
  for (uint32_t s = hash % ENTITY_SLOTS; entity_slots[s] != 0; s = (s + 1) % ENTITY_SLOTS) {
    const entity_t *e = &entities[entity_slots[s] - 1];
    if (e->length == n && same(entity_names + e->name, name, n)) return e;
  }
  return NULL;
}

static inline size_t put(char *out, uint32_t cp) {
  if (cp < 0x80) {
    out[0] = (char) cp;
    return 1;
  }
  size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  static const unsigned char lead[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
  for (size_t i = n - 1; i > 0; i--, cp >>= 6) out[i] = (char) (0x80 | (cp & 0x3f));
  out[0] = (char) (lead[n] | cp);
  return n;
}

static inline size_t put_entity(char *out, const entity_t *e) {
  size_t n = put(out, e->first);
  return e->second == 0 ? n : n + put(out + n, e->second);
}

static inline uint32_t hash_of(const char *name, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char) name[i]) * 16777619u;
  return h;
}

/* the first eight bytes as one number, the first lowest; what is behind the end is 0 */
static inline uint64_t eight(in_span_t s) {
  uint64_t w = 0;
  memcpy(&w, s.p, s.n < sizeof(w) ? s.n : sizeof(w));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  w = __builtin_bswap64(w);
#endif
  return w;
}

/* the longest of the old names that s starts with, of whose bytes n are letters and digits */
static inline const entity_t *find_legacy(in_span_t s, size_t n) {
  unsigned lengths = legacy_lengths[(unsigned char) *s.p] & ((2u << (n < 8 ? n : 8)) - 1);
  uint64_t all = s.n < 8 ? eight(s) : eight(in_span(s.p, 8));
  while (lengths != 0) {
    unsigned k = 31 - (unsigned) __builtin_clz(lengths);
    uint64_t key = all & (((uint64_t) 1 << (8 * k)) - 1);
    unsigned i = legacy_slots[LEGACY_SLOT(key)];
    if (legacy[i].key == key) return &entities[legacy[i].entity];
    lengths &= ~(1u << k);
  }
  return NULL;
}

/* s starts behind the '&'; gives the bytes taken, 0 = no reference */
static size_t read_named(in_span_t s, unsigned how, char *out, size_t *written) {
  const entity_t *e = NULL;
  size_t n = 0, most = s.n < ENTITY_LONGEST ? s.n : ENTITY_LONGEST;
  while (n < most && is_alnum(s.p[n])) n++;
  if (n < 2) return 0;            /* no name is that short */
  if (n < s.n && s.p[n] == ';') e = find(s.p, n, hash_of(s.p, n));
  if (e != NULL) {
    *written = put_entity(out, e);
    return n + 1;
  }
  e = find_legacy(s, n);
  if (e == NULL) return 0;
  n = e->length;
  if ((how & IN_HTML_IN_ATTR) && n < s.n && (s.p[n] == '=' || is_alnum(s.p[n]))) return 0;
  *written = put_entity(out, e);
  return n;
}

static int digit(char c, unsigned base) {
  if (c >= '0' && c <= '9') return c - '0';
  c = in_lower(c);
  return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint32_t correct(uint32_t cp) {
  if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) return 0xfffd;
  if (cp >= 0x80 && cp < 0xa0 && windows[cp - 0x80] != 0) return windows[cp - 0x80];
  return cp;
}

/* s starts behind the "&#" */
static size_t read_number(in_span_t s, char *out, size_t *written) {
  unsigned base = 10;
  size_t start = 0, i;
  uint32_t cp = 0;
  int d;
  if (s.n > 0 && in_lower(s.p[0]) == 'x') {
    base = 16;
    start = 1;
  }
  for (i = start; i < s.n && (d = digit(s.p[i], base)) >= 0; i++)
    if (cp <= 0x10ffff) cp = cp * base + (uint32_t) d;
  if (i == start) return 0;
  *written = put(out, correct(cp));
  return i + (i < s.n && s.p[i] == ';');
}

/* s starts at a '&' */
static inline size_t read_ref(in_span_t s, unsigned how, char *out, size_t *written) {
  if (s.n < 2) return 0;
  bool number = s.p[1] == '#';
  if (!number && !is_alnum(s.p[1])) return 0;
  size_t skip = number ? 2 : 1;
  in_span_t rest = in_span(s.p + skip, s.n - skip);
  size_t n = number ? read_number(rest, out, written) : read_named(rest, how, out, written);
  return n == 0 ? 0 : n + skip;
}

#define REF_MAX  8u               /* bytes that one reference gives at most */

/* what a byte may need: a look for a reference, or replacing */
static const unsigned char needs[256] = { ['&'] = IN_HTML_REFS, ['\0'] = IN_HTML_NUL };

static inline bool is_special(char c, unsigned how) {
  return (needs[(unsigned char) c] & how) != 0;
}

/* a '&' that starts no reference, as is seen by what is next to it */
static inline bool is_bare(const char *p, const char *end) {
  if (end - p < 3) return true;
  return p[1] != '#' && !(is_alnum(p[1]) && is_alnum(p[2]));
}

/* inside a character: a piece must not end here, or nobody sees what it is */
static inline bool is_inside(char c, size_t n) {
  return ((unsigned char) c & 0xc0) == 0x80 && n < IN_HTML_SCRATCH;
}

/*
** Fills scratch as far as it goes with what stands near to something special;
** a long plain stretch is left to be given out as it is.
*/
static in_span_t decode(in_span_t *rest, unsigned how, char *scratch) {
  const char *p = rest->p, *end = p + rest->n, *plain = p;
  size_t n = 0, taken, written;
  while (p < end && ((n <= IN_HTML_SCRATCH - REF_MAX && p - plain < 32) || is_inside(*p, n))) {
    if (!is_special(*p, how)) {
      scratch[n++] = *p++;
      continue;
    }
    taken = *p == '&' ? read_ref(in_span(p, (size_t) (end - p)), how, scratch + n, &written) : 0;
    if (taken > 0)
      n += written;
    else if (*p == '\0')
      n += put(scratch + n, 0xfffd);
    else
      scratch[n++] = *p;
    p += taken > 0 ? taken : 1;
    plain = p;
  }
  *rest = in_span(p, (size_t) (end - p));
  return in_span(scratch, n);
}

static inline in_hits_t hits_special(in_block_bytes_t x) {
  return in_hits_equal(x, '&') | in_hits_equal(x, '\0');
}

IN_SCANNER(seek_special, hits_special)

/* bytes before the first that is special; where one may be is near to where one was, most of the time */
static size_t plain_length(in_span_t s, unsigned how) {
  const char *p = s.p, *end = s.p + s.n;
  while (p < end) {
    const char *near = end - p < 16 ? end : p + 16;
    for (; p < near; p++)
      if (is_special(*p, how) && !(*p == '&' && is_bare(p, end))) return (size_t) (p - s.p);
    if (how & IN_HTML_NUL) p += seek_special(p, (size_t) (end - p));
    else if (how & IN_HTML_REFS) p = p < end ? memchr(p, '&', (size_t) (end - p)) : NULL;
    else p = end;
    if (p == NULL) p = end;
  }
  return s.n;
}

in_span_t in_html_piece(in_span_t *rest, unsigned how, char scratch[IN_HTML_SCRATCH]) {
  size_t n = plain_length(*rest, how);
  if (n < 16 && n < rest->n) return decode(rest, how, scratch);
  in_span_t piece = in_span(rest->p, n);
  *rest = in_span(rest->p + n, rest->n - n);
  return piece;
}
