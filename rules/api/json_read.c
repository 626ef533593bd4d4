/*
** json_read.c -- JSON text into values.
**
** Owns the grammar (RFC 8259, UTF-8, no lone surrogates), the limits of depth
** and of values. The values are yyjson's, in one array in the order of the text,
** so that its look-up serves; the reading is ours, for a message is one long
** string, and that is passed over in blocks. Invariants: a string without
** escapes and a number lie in the text itself, any other string in one buffer
** that is never larger than the text; no recursion.
*/
#include "../base/scan.h"
#include "json_read.h"

/* values that there is room for before they are counted */
#define FEW_VALUES(n)  ((n) <= 4096 ? (n) / 16 + 16 : (n) / 32 + 256)

typedef struct { size_t at, count; } open_t;   /* index of the container; its elements */

typedef struct {
  in_span_t text;
  const char *p, *end;
  in_arena_t *arena;
  yyjson_val *value;
  size_t count, size, most;       /* values: so far, room, limit */
  char *out;                      /* where the next decoded string goes */
  open_t open[IN_JSON_DEPTH];
  unsigned depth;
  interop_status_t status;        /* of what could not be read */
  const char *why;
} reader_t;

static bool fail(reader_t *r, interop_status_t status, const char *at) {
  r->status = status;
  r->why = "unexpected character";
  r->p = at;
  return false;
}

static bool full(reader_t *r, const char *why) {
  r->status = INTEROP_FULL;
  r->why = why;
  return false;
}

/* ---- values */

/* bytes that a value or a name follows; strings' own count too, which is no harm */
static inline in_hits_t hits_mark(in_block_bytes_t x) {
  return in_hits_equal(x, ',') | in_hits_equal(x, ':') | in_hits_equal(x, '[') | in_hits_equal(x, '{');
}

/* a block's hits are -1 each: their sums by column stay above -128 for 127 blocks */
static size_t count_marks(const char *p, size_t n) {
  size_t count = 0;
  while (n >= IN_BLOCK) {
    in_hits_t sum = IN_ALL(0);
    signed char column[IN_BLOCK];
    size_t blocks = n / IN_BLOCK < 127 ? n / IN_BLOCK : 127;
    for (size_t i = 0; i < blocks; i++, p += IN_BLOCK) sum += hits_mark(in_block_at(p));
    memcpy(column, &sum, sizeof(column));
    for (unsigned i = 0; i < IN_BLOCK; i++) count += (size_t) -column[i];
    n -= blocks * IN_BLOCK;
  }
  for (; n > 0; n--, p++) count += *p == ',' || *p == ':' || *p == '[' || *p == '{';
  return count;
}

/* room for all values that can still come: one more than there are marks */
static bool grow(reader_t *r) {
  size_t size, bytes;
  if (r->count >= r->most) return full(r, "too many values, or nested too deep");
  if (!in_add(r->count, count_marks(r->p, (size_t) (r->end - r->p)) + 1, &size)) size = SIZE_MAX;
  if (size > r->most) size = r->most;
  if (!in_mul(size, sizeof(yyjson_val), &bytes)) return fail(r, INTEROP_NOMEM, r->p);
  yyjson_val *v = in_arena_raw(r->arena, bytes);
  if (v == NULL) return fail(r, INTEROP_NOMEM, r->p);
  memcpy(v, r->value, r->count * sizeof(*v));
  r->value = v;
  r->size = size;
  return true;
}

static inline bool add(reader_t *r, uint64_t type, const char *p, size_t n) {
  if (r->count == r->size && !grow(r)) return false;
  yyjson_val *v = &r->value[r->count++];
  v->tag = (uint64_t) n << YYJSON_TAG_BIT | type;
  v->uni.str = p;
  return true;
}

/* ---- strings */

/* what ends a run of a string's bytes that stand for themselves */
static inline in_hits_t hits_string(in_block_bytes_t x) {
  return in_hits_below_or_high(x, 0x20) | in_hits_equal(x, '"') | in_hits_equal(x, '\\');
}

IN_SCANNER(string_run, hits_string)

static const unsigned char hex_digit[256] = {
#define X(c, n)  [c] = (n) + 1
  X('0', 0), X('1', 1), X('2', 2), X('3', 3), X('4', 4), X('5', 5), X('6', 6), X('7', 7), X('8', 8), X('9', 9),
  X('a', 10), X('b', 11), X('c', 12), X('d', 13), X('e', 14), X('f', 15),
  X('A', 10), X('B', 11), X('C', 12), X('D', 13), X('E', 14), X('F', 15)
#undef X
};

/* four digits at p, or a number that no four give */
static uint32_t hex4(const char *p, const char *end) {
  uint32_t v = 0;
  if (end - p < 4) return UINT32_MAX;
  for (int i = 0; i < 4; i++) {
    unsigned d = hex_digit[(unsigned char) p[i]];
    if (d == 0) return UINT32_MAX;
    v = v << 4 | (d - 1);
  }
  return v;
}

static inline char *put(char *out, uint32_t cp) {
  if (cp < 0x80) {
    *out++ = (char) cp;
    return out;
  }
  if (cp < 0x800) {
    *out++ = (char) (0xc0 | cp >> 6);
  } else {
    if (cp < 0x10000) {
      *out++ = (char) (0xe0 | cp >> 12);
    } else {
      *out++ = (char) (0xf0 | cp >> 18);
      *out++ = (char) (0x80 | (cp >> 12 & 0x3f));
    }
    *out++ = (char) (0x80 | (cp >> 6 & 0x3f));
  }
  *out++ = (char) (0x80 | (cp & 0x3f));
  return out;
}

/* behind "\u"; NULL: none, or half of a pair */
static const char *unicode(const char *p, const char *end, char **out) {
  uint32_t cp = hex4(p, end);
  p += 4;
  if (cp > 0xffff || (cp & 0xfc00) == 0xdc00) return NULL;
  if ((cp & 0xfc00) == 0xd800) {
    uint32_t low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : UINT32_MAX;
    if (low > 0xffff || (low & 0xfc00) != 0xdc00) return NULL;
    cp = 0x10000 + ((cp & 0x3ff) << 10 | (low & 0x3ff));
    p += 6;
  }
  *out = put(*out, cp);
  return p;
}

static const char simple[256] = {
  ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
};

/* bytes that stand for themselves; the output is never ahead of the text, so a block fits */
static inline const char *copy_run(const char *p, const char *end, char **out) {
  while (end - p >= (ptrdiff_t) IN_BLOCK) {
    in_block_bytes_t x = in_block_at(p);
    unsigned at = in_first_hit(hits_string(x));
    memcpy(*out, &x, sizeof(x));
    *out += at;
    p += at;
    if (at < IN_BLOCK) return p;
  }
  size_t n = string_run(p, (size_t) (end - p));
  memcpy(*out, p, n);
  *out += n;
  return p + n;
}

/* room for all that can still be decoded, once something has to be */
static bool make_room(reader_t *r, const char *start) {
  if (r->out == NULL) r->out = in_arena_raw(r->arena, (size_t) (r->end - start));
  return r->out != NULL || fail(r, INTEROP_NOMEM, start);
}

/* a string with escapes, the first of them at p */
static bool take_escaped(reader_t *r, const char *start, const char *p) {
  if (!make_room(r, start)) return false;
  char *from = r->out, *out = from + (p - start);
  memcpy(from, start, (size_t) (p - start));
  for (;;) {
    const char *stop = p;
    if (p == r->end || (unsigned char) *p < 0x20) return fail(r, INTEROP_SYNTAX, p);
    if (*p == '"') break;
    if ((unsigned char) *p >= 0x80) {
      p = in_utf8_skip(p, r->end);
      memcpy(out, stop, (size_t) (p - stop));
      out += p - stop;
    } else if (r->end - p >= 2 && simple[(unsigned char) p[1]] != 0) {
      *out++ = simple[(unsigned char) p[1]];
      p += 2;
    } else if (r->end - p < 2 || p[1] != 'u' || (p = unicode(p + 2, r->end, &out)) == NULL) {
      return fail(r, INTEROP_SYNTAX, stop);
    }
    if (p == stop) return fail(r, INTEROP_SYNTAX, p);
    if (p < r->end && *p != '\\') p = copy_run(p, r->end, &out);
  }
  r->out = out;
  r->p = p + 1;
  return add(r, YYJSON_TYPE_STR, from, (size_t) (out - from));
}

static bool take_string(reader_t *r) {
  const char *start = r->p + 1, *p = start + string_run(start, (size_t) (r->end - start));
  while (p < r->end && (unsigned char) *p >= 0x80) {
    const char *stop = p;
    p = in_utf8_skip(p, r->end);
    if (p == stop) return fail(r, INTEROP_SYNTAX, p);
    p += string_run(p, (size_t) (r->end - p));
  }
  if (p == r->end) return fail(r, INTEROP_SYNTAX, p);
  if (*p == '\\') return take_escaped(r, start, p);
  if (*p != '"') return fail(r, INTEROP_SYNTAX, p);
  r->p = p + 1;
  return add(r, YYJSON_TYPE_STR, start, (size_t) (p - start));
}

/* ---- numbers and words */

static inline const char *digits(const char *p, const char *end) {
  while (p < end && (unsigned char) (*p - '0') < 10) p++;
  return p;
}

static bool take_number(reader_t *r) {
  const char *start = r->p, *p = start, *from;
  if (*p == '-') p++;
  from = p;
  p = digits(p, r->end);
  if (p == from || (*from == '0' && p - from > 1)) return fail(r, INTEROP_SYNTAX, from);
  if (p < r->end && *p == '.') {
    from = p + 1;
    p = digits(from, r->end);
    if (p == from) return fail(r, INTEROP_SYNTAX, p);
  }
  if (p < r->end && (*p | 0x20) == 'e') {
    from = p + 1;
    if (from < r->end && (*from == '+' || *from == '-')) from++;
    p = digits(from, r->end);
    if (p == from) return fail(r, INTEROP_SYNTAX, p);
  }
  r->p = p;
  return add(r, YYJSON_TYPE_RAW, start, (size_t) (p - start));
}

static bool take_word(reader_t *r, in_span_t word, uint64_t type) {
  if (!in_starts(in_span(r->p, (size_t) (r->end - r->p)), word)) return fail(r, INTEROP_SYNTAX, r->p);
  r->p += word.n;
  return add(r, type, NULL, 0);
}

static bool take_scalar(reader_t *r) {
  switch (*r->p) {
    case '"': return take_string(r);
    case 't': return take_word(r, IN_SPAN("true"), YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_TRUE);
    case 'f': return take_word(r, IN_SPAN("false"), YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_FALSE);
    case 'n': return take_word(r, IN_SPAN("null"), YYJSON_TYPE_NULL);
    default: return take_number(r);
  }
}

/* ---- containers */

/* false: the end. Mostly there are none */
static inline bool skip_blank(reader_t *r) {
  if (r->p < r->end && *r->p > ' ') return true;
  while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t')) r->p++;
  return r->p < r->end;
}

static bool open_container(reader_t *r, bool obj) {
  if (r->depth == IN_JSON_DEPTH) return full(r, "nested too deep");
  r->open[r->depth++] = (open_t) { r->count, 0 };
  r->p++;
  return add(r, obj ? YYJSON_TYPE_OBJ : YYJSON_TYPE_ARR, NULL, 0);
}

static inline bool in_object(const reader_t *r) {
  return (r->value[r->open[r->depth - 1].at].tag & YYJSON_TYPE_MASK) == YYJSON_TYPE_OBJ;
}

static void close_container(reader_t *r) {
  const open_t *o = &r->open[--r->depth];
  yyjson_val *v = &r->value[o->at];
  v->tag |= (uint64_t) o->count << YYJSON_TAG_BIT;
  v->uni.ofs = (r->count - o->at) * sizeof(*v);
  r->p++;
}

/* a member's name and colon */
static bool take_name(reader_t *r) {
  if (!skip_blank(r) || *r->p != '"') return fail(r, INTEROP_SYNTAX, r->p);
  if (!take_string(r)) return false;
  if (!skip_blank(r) || *r->p != ':') return fail(r, INTEROP_SYNTAX, r->p);
  r->p++;
  return true;
}

/* what follows a value: closes what ends, up to where the next value comes; *done: the text is over */
static bool take_ends(reader_t *r, bool *done) {
  *done = false;
  for (;;) {
    bool more = skip_blank(r);
    if (r->depth == 0) {
      *done = true;
      return !more || fail(r, INTEROP_SYNTAX, r->p);
    }
    if (!more) return fail(r, INTEROP_SYNTAX, r->p);
    bool obj = in_object(r);
    r->open[r->depth - 1].count++;
    if (*r->p == ',') {
      r->p++;
      return !obj || take_name(r);
    }
    if (*r->p != (obj ? '}' : ']')) return fail(r, INTEROP_SYNTAX, r->p);
    close_container(r);
  }
}

static bool take_values(reader_t *r) {
  bool done = false;
  while (!done) {
    if (!skip_blank(r)) return fail(r, INTEROP_SYNTAX, r->p);
    if (*r->p == '{' || *r->p == '[') {
      bool obj = *r->p == '{';
      if (!open_container(r, obj)) return false;
      if (!skip_blank(r)) return fail(r, INTEROP_SYNTAX, r->p);
      if (*r->p != (obj ? '}' : ']')) {
        if (obj && !take_name(r)) return false;
        continue;
      }
      close_container(r);
    } else if (!take_scalar(r)) {
      return false;
    }
    if (!take_ends(r, &done)) return false;
  }
  return true;
}

interop_status_t in_json_read(in_span_t text, size_t most, in_arena_t *arena, in_json_t *j,
                              in_json_error_t *err) {
  reader_t r;
  r.text = text;
  r.p = text.p;
  r.end = text.p + text.n;
  r.arena = arena;
  r.count = 0;
  r.size = FEW_VALUES(text.n);
  r.most = most;
  r.out = NULL;
  r.depth = 0;
  r.value = in_arena_raw(arena, r.size * sizeof(*r.value));
  if (r.value == NULL) return INTEROP_NOMEM;
  if (!take_values(&r)) {
    *err = (in_json_error_t) { (size_t) (r.p - text.p), r.why };
    return r.status;
  }
  j->source = text;
  j->root = r.value;
  j->count = r.count;
  return INTEROP_OK;
}

/* ---- back to the text */

size_t in_json_offset(const in_json_t *j, const yyjson_val *v) {
  in_span_t s = j->source;
  size_t i = 0, left = (size_t) (v - j->root);
  while (i < s.n) {
    char c = s.p[i];
    bool starts = memchr(" \t\r\n,:]}", c, 8) == NULL;
    if (starts && left-- == 0) break;
    i++;
    if (!starts || c == '{' || c == '[') continue;
    if (c != '"') {
      while (i < s.n && memchr(" \t\r\n,:]}", s.p[i], 8) == NULL) i++;
      continue;
    }
    for (; i < s.n && s.p[i] != '"'; i++) i += s.p[i] == '\\';
    i++;
  }
  return i;
}
