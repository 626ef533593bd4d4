/*
** path.c -- the request target, taken apart once (see path.h).
**
** Owns decoding and normalising of paths. Must not know APIs or operations.
** Invariants: what could be read in two ways is marked odd, never repaired; the
** raw bytes of a segment are kept beside its decoded text.
*/
#include "../base/scan.h"
#include "path.h"

int in_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = in_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* the byte that "%XX" at s stands for, or -1 */
static int escape_at(in_span_t s, size_t i) {
  if (i + 2 >= s.n || s.p[i] != '%') return -1;
  int hi = in_hex(s.p[i + 1]), lo = in_hex(s.p[i + 2]);
  return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

/* one step of decoding; what is no escape stays, and makes *bad true */
static in_span_t decode(in_span_t s, in_arena_t *arena, bool *bad) {
  if (s.n == 0 || memchr(s.p, '%', s.n) == NULL) return s;
  char *p = in_arena_get(arena, s.n);
  size_t n = 0;
  if (p == NULL) return IN_NONE;
  for (size_t i = 0; i < s.n; i++) {
    int c = escape_at(s, i);
    if (c >= 0) i += 2;
    else if (s.p[i] == '%') *bad = true;
    p[n++] = c >= 0 ? (char) c : s.p[i];
  }
  return in_span(p, n);
}

in_span_t in_path_decode(in_span_t s, in_arena_t *arena) {
  bool bad = false;
  in_span_t text = decode(s, arena, &bad);
  return bad || in_utf8_check(text) != text.n ? IN_NONE : text;
}

/* could another server read this decoded segment differently? */
static bool odd_text(in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' || c == ';') return true;
    if (c == '%' && escape_at(s, i) >= 0) return true;
  }
  return in_utf8_check(s) != s.n;
}

static bool is_dots(in_span_t s) {
  return in_eq(s, IN_SPAN(".")) || in_eq(s, IN_SPAN(".."));
}

/* what a byte may ask for: decoding, a look at its segment, nothing */
#define PERCENT  1u
#define ODD      2u
#define HIGH     4u
#define PAREN    8u
#define DOT      16u
#define SLASH    32u

static const unsigned char classes[256] = {
  ['%'] = PERCENT, ['\\'] = ODD, [';'] = ODD, [0x7f] = ODD, [')'] = PAREN, ['.'] = DOT, ['/'] = SLASH,
#define X(c)  [c] = ODD, [(c) + 1] = ODD, [(c) + 2] = ODD, [(c) + 3] = ODD, \
              [(c) + 4] = ODD, [(c) + 5] = ODD, [(c) + 6] = ODD, [(c) + 7] = ODD,
  X(0) X(8) X(16) X(24)
#undef X
#define X(c)  [c] = HIGH, [(c) + 1] = HIGH, [(c) + 2] = HIGH, [(c) + 3] = HIGH,
#define Y(c)  X(c) X((c) + 4) X((c) + 8) X((c) + 12)
  Y(0x80) Y(0x90) Y(0xa0) Y(0xb0) Y(0xc0) Y(0xd0) Y(0xe0) Y(0xf0)
#undef X
#undef Y
};

/* ---- segments */

typedef struct {
  in_path_t *path;
  in_arena_t *arena;
  uint32_t size;
  bool odata, failed;
} builder_t;

/* room for one more; nearly all paths need it once */
static bool more_room(builder_t *b) {
  in_path_t *p = b->path;
  uint32_t size = b->size == 0 ? 12 : IN_PATH_MAX;
  if (p->count == IN_PATH_MAX) {
    p->broken = true;
    return false;
  }
  in_segment_t *s = in_arena_raw(b->arena, size * sizeof(*s));
  if (s == NULL) {
    b->failed = true;
    return false;
  }
  if (p->count > 0) memcpy(s, p->segment, p->count * sizeof(*s));
  p->segment = s;
  b->size = size;
  return true;
}

static inline void push(builder_t *b, in_span_t raw, in_span_t text, bool odd) {
  in_path_t *p = b->path;
  if (p->count == b->size && !more_room(b)) return;
  p->segment[p->count++] = (in_segment_t) { raw, text, odd };
  p->malformed |= odd;
}

/* '' inside a quoted key is one quote; false where a single one stands */
static bool undouble(in_span_t *s, in_arena_t *arena) {
  if (s->n == 0 || memchr(s->p, '\'', s->n) == NULL) return true;
  char *p = in_arena_get(arena, s->n);
  size_t n = 0;
  if (p == NULL) return false;
  for (size_t i = 0; i < s->n; i++) {
    if (s->p[i] == '\'' && (++i == s->n || s->p[i] != '\'')) return false;
    p[n++] = s->p[i];
  }
  *s = in_span(p, n);
  return true;
}

/* the quote, plain or encoded, at the end of the raw key */
static size_t quote_size(in_span_t raw, bool at_end) {
  if (raw.n >= 3 && escape_at(raw, at_end ? raw.n - 3 : 0) == '\'') return 3;
  return raw.n >= 1 && raw.p[at_end ? raw.n - 1 : 0] == '\'' ? 1 : 0;
}

/* where in raw the n-th decoded byte starts */
static size_t raw_offset(in_span_t raw, size_t n) {
  size_t i = 0;
  for (; n > 0 && i < raw.n; n--) i += escape_at(raw, i) >= 0 ? 3 : 1;
  return i;
}

/*
** name('key') as two segments. Whatever else has parentheses at its end stays
** whole and odd, after a segment of the name alone: it names the same thing to
** a server that reads it as a key.
*/
static void push_keyed(builder_t *b, in_span_t raw, in_span_t text, const char *open, bool bad) {
  size_t name = (size_t) (open - text.p), at = raw_offset(raw, name);
  in_span_t in_text = in_span(open + 1, text.n - name - 2);
  in_span_t in_raw = in_span(raw.p + at, raw.n - at);
  in_raw = in_span(in_raw.p + raw_offset(in_raw, 1), in_raw.n - raw_offset(in_raw, 1));
  in_raw.n = raw_offset(in_raw, in_text.n);
  bool quoted = in_text.n > 2 && in_text.p[0] == '\'' && in_text.p[in_text.n - 1] == '\'';
  bool good = quoted;
  if (quoted) {
    size_t q = quote_size(in_raw, false), z = quote_size(in_raw, true);
    in_text = in_span(in_text.p + 1, in_text.n - 2);
    in_raw = in_span(in_raw.p + q, in_raw.n - q - z);
    bool plain = memchr(in_text.p, '\'', in_text.n) == NULL;
    good = undouble(&in_text, b->arena) && !is_dots(in_text) && in_text.p[in_text.n - 1] != ')';
    if (!plain && good) {
      in_buf_t again;
      interop_alloc_t alloc = in_arena_alloc(b->arena);
      in_buf_init(&again, &alloc);
      in_path_encode(&again, in_text);
      b->failed |= again.failed;
      in_raw = in_buf_span(&again);
    }
  }
  in_span_t before = in_span(text.p, name);
  push(b, in_span(raw.p, at), before, bad || is_dots(before) || odd_text(before));
  push(b, in_raw, in_text, !good || odd_text(in_text));
  b->path->changed = true;
}

static void push_decoded(builder_t *b, in_span_t raw) {
  in_path_t *p = b->path;
  bool bad = false;
  in_span_t text = decode(raw, b->arena, &bad);
  if (raw.n > 0 && text.p == NULL) {
    b->failed = true;
    return;
  }
  if (is_dots(text)) {
    p->changed = true;
    if (text.n == 2 && p->count > 0) p->count--;
    return;
  }
  const char *open = b->odata && text.n > 2 && text.p[text.n - 1] == ')'
                     ? memchr(text.p, '(', text.n) : NULL;
  if (open != NULL && open > text.p)
    push_keyed(b, raw, text, open, bad);
  else
    push(b, raw, text, bad || odd_text(text));
}

/* found: the classes of its bytes */
static inline void push_segment(builder_t *b, in_span_t raw, unsigned found) {
  if ((found & (PERCENT | ODD | HIGH)) || ((found & DOT) && raw.n <= 2) || (b->odata && (found & PAREN)))
    push_decoded(b, raw);
  else
    push(b, raw, raw, false);
}

/* ---- the target */

/* "http://host" before the path, which a proxy's client may send */
static in_span_t after_authority(in_span_t target, bool *absolute) {
  *absolute = false;
  if (target.n > 0 && target.p[0] == '/') return target;
  size_t scheme = in_starts_nocase(target, IN_SPAN("http://")) ? 7
                  : in_starts_nocase(target, IN_SPAN("https://")) ? 8 : 0;
  *absolute = scheme > 0;
  if (scheme == 0) return target;
  size_t i = scheme;
  while (i < target.n && target.p[i] != '/' && target.p[i] != '?' && target.p[i] != '\\') i++;
  return in_span(target.p + i, target.n - i);
}

/* what makes a look at single bytes necessary, or ends the path */
static inline in_hits_t special(in_block_bytes_t x) {
  return in_hits_below_or_high(x, 0x20) | in_hits_equal(x, '%') | in_hits_equal(x, ')') | in_hits_equal(x, ';')
         | in_hits_equal(x, '\\') | in_hits_equal(x, 0x7f) | in_hits_equal(x, '#') | in_hits_equal(x, '?');
}

IN_SCANNER(find_special, special)

/* the end of the segment at i, and the classes of its bytes */
static size_t segment_end(in_span_t s, size_t i, bool plain, unsigned *found) {
  unsigned class = 0;
  if (plain) {
    const char *slash = memchr(s.p + i, '/', s.n - i);
    *found = DOT;                 /* it may have one */
    return slash == NULL ? s.n : (size_t) (slash - s.p);
  }
  *found = 0;
  for (; i < s.n && !((class = classes[(unsigned char) s.p[i]]) & SLASH); i++) *found |= class;
  return i;
}

static void split(builder_t *b, in_span_t s, bool plain) {
  size_t i = 0;
  while (i < s.n && !b->failed) {
    size_t start = ++i;           /* past the '/' */
    unsigned found;
    i = segment_end(s, i, plain, &found);
    if (i == start) {
      if (s.n > 1) b->path->changed = true;
    } else {
      push_segment(b, in_span(s.p + start, i - start), found);
    }
  }
}

static bool has_fragment(in_span_t s) {
  return s.n > 0 && memchr(s.p, '#', s.n) != NULL;
}

interop_status_t in_path_parse(in_span_t target, bool odata, in_arena_t *arena, in_path_t *path) {
  bool absolute, plain = find_special(target.p, target.n) == target.n;
  memset(path, 0, sizeof(*path));
  builder_t b = { path, arena, 0, odata, false };
  path->broken = !plain && has_fragment(target);
  in_span_t s = after_authority(target, &absolute);
  path->changed = absolute;
  const char *mark = plain || s.n == 0 ? NULL : memchr(s.p, '?', s.n);
  if (mark != NULL) {
    path->query = in_span(mark + 1, (size_t) (s.p + s.n - (mark + 1)));
    s.n = (size_t) (mark - s.p);
  }
  if (s.n > 0 && s.p[0] == '/') split(&b, s, plain || find_special(s.p, s.n) == s.n);
  else if (!absolute || s.n > 0) path->broken = true;
  if (path->broken) path->malformed = true;
  return b.failed ? INTEROP_NOMEM : INTEROP_OK;
}

in_span_t in_path_print(const in_path_t *path, in_arena_t *arena) {
  size_t n = 1 + (path->query.p != NULL ? path->query.n + 1 : 0);
  for (uint32_t i = 0; i < path->count; i++) n += path->segment[i].raw.n + 1;
  char *p = in_arena_get(arena, n), *q = p;
  if (p == NULL) return IN_NONE;
  for (uint32_t i = 0; i < path->count; i++) {
    *q++ = '/';
    memcpy(q, path->segment[i].raw.p, path->segment[i].raw.n);
    q += path->segment[i].raw.n;
  }
  if (path->count == 0) *q++ = '/';
  if (path->query.p != NULL) {
    *q++ = '?';
    if (path->query.n > 0) memcpy(q, path->query.p, path->query.n);
    q += path->query.n;
  }
  return in_span(p, (size_t) (q - p));
}

/* ---- the lenient reading */

/* overlong forms of ASCII, which some decoders accept */
static char overlong(in_span_t s, size_t i) {
  unsigned char c = (unsigned char) s.p[i];
  if ((c != 0xc0 && c != 0xc1) || i + 1 >= s.n) return 0;
  unsigned char d = (unsigned char) s.p[i + 1];
  return (d & 0xc0) == 0x80 ? (char) (((c & 1) << 6) | (d & 0x3f)) : 0;
}

/*
** What Unicode folds to a letter of ASCII (long s, Kelvin), and the wide forms of
** ASCII, which some servers take for it: that letter, and its size.
*/
static char folded(in_span_t s, size_t i, size_t *size) {
  const unsigned char *p = (const unsigned char *) s.p + i;
  size_t n = s.n - i;
  *size = 3;
  if (n >= 2 && p[0] == 0xc5 && p[1] == 0xbf) {
    *size = 2;
    return 's';
  }
  if (n < 3) return 0;
  if (p[0] == 0xe2 && p[1] == 0x84 && p[2] == 0xaa) return 'k';
  if (p[0] != 0xef || (p[1] != 0xbc && p[1] != 0xbd) || (p[2] & 0xc0) != 0x80) return 0;
  unsigned wide = (unsigned) (p[1] - 0xbc) * 64 + (p[2] & 0x3fu) + 0x20;
  return wide > 0x20 && wide < 0x7f ? (char) wide : 0;
}

/* a segment without the dots and spaces at its end, if anything is left of it */
static size_t trim_segment(const char *p, size_t n) {
  size_t start = n, end = n;
  while (start > 0 && p[start - 1] != '/') start--;
  while (end > start && (p[end - 1] == '.' || p[end - 1] == ' ')) end--;
  return end > start ? end : n;
}

static size_t simplify(char *p, size_t n) {
  size_t to = 0, size;
  bool parameter = false;
  for (size_t i = 0; i < n; i++) {
    char c = overlong(in_span(p, n), i);
    if (c != 0) i++;
    else if ((c = folded(in_span(p, n), i, &size)) != 0) i += size - 1;
    else c = p[i];
    if (c == '\\') c = '/';
    if (c == '/') parameter = false;
    if (c == ';') parameter = true;
    if (parameter || (unsigned char) c < 0x20 || c == 0x7f) continue;
    if (c == '/') to = trim_segment(p, to);
    p[to++] = c;
  }
  return trim_segment(p, to);
}

bool in_path_forgiven(const in_path_t *path) {
  for (uint32_t i = 0; i < path->count; i++) {
    in_span_t s = path->segment[i].text;
    if (s.n > 0 && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ' ')) return true;
    for (size_t k = 0; k < s.n; k++)
      if ((unsigned char) s.p[k] >= 0x80) return true;
  }
  return false;
}

interop_status_t in_path_lenient(in_span_t target, bool odata, in_arena_t *arena, in_path_t *path) {
  bool absolute, bad = false;
  in_span_t s = after_authority(target, &absolute);
  const char *mark = s.n > 0 ? memchr(s.p, '?', s.n) : NULL;
  if (mark != NULL) s.n = (size_t) (mark - s.p);
  char *p = in_arena_get(arena, s.n + 1);
  if (p == NULL) return INTEROP_NOMEM;
  p[0] = '/';
  if (s.n > 0) memcpy(p + 1, s.p, s.n);
  in_span_t text = in_span(p, s.n + 1);
  for (int i = 0; i < 4; i++) {
    in_span_t next = decode(text, arena, &bad);
    if (next.p == NULL) return INTEROP_NOMEM;
    if (next.p == text.p) break;
    text = next;
  }
  text.n = simplify((char *) (uintptr_t) text.p, text.n);
  const char *end = text.n > 0 ? memchr(text.p, '?', text.n) : NULL;
  if (end == NULL && text.n > 0) end = memchr(text.p, '#', text.n);
  if (end != NULL) text.n = (size_t) (end - text.p);
  return in_path_parse(text, odata, arena, path);
}

/* ---- query and encoding */

in_span_t in_path_query(in_span_t query, in_span_t name, in_arena_t *arena, uint32_t *count) {
  in_span_t value = IN_NONE;
  *count = 0;
  while (query.n > 0) {
    const char *amp = memchr(query.p, '&', query.n);
    in_span_t pair = in_span(query.p, amp == NULL ? query.n : (size_t) (amp - query.p));
    const char *eq = pair.n > 0 ? memchr(pair.p, '=', pair.n) : NULL;
    in_span_t key = in_span(pair.p, eq == NULL ? pair.n : (size_t) (eq - pair.p));
    bool bad = false;
    if (in_eq_nocase(decode(key, arena, &bad), name)) {
      (*count)++;
      value = eq == NULL ? IN_SPAN("") : decode(in_span(eq + 1, pair.n - key.n - 1), arena, &bad);
    }
    if (amp == NULL) break;
    query.n -= pair.n + 1;
    query.p = amp + 1;
  }
  return value;
}

void in_path_encode(in_buf_t *out, in_span_t s) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                 || (c != 0 && strchr("-._~:@!$'*,=+", c) != NULL);
    if (plain) {
      in_buf_byte(out, (char) c);
      continue;
    }
    char three[3] = { '%', hex[c >> 4], hex[c & 15] };
    in_buf_put(out, in_span(three, 3));
  }
}
