/*
** json_print.c -- printing JSON values, with edits.
**
** Two ways out: print writes a value anew without white space; splice copies
** the source and changes only what is edited. Both walk the values' array in
** its own order, so an edit is found by a mark beside its value. Invariants:
** order of members and spelling of numbers stay; nothing that is dropped
** leaves a byte behind.
*/
#include <stdlib.h>
#include "../base/scan.h"
#include "json.h"

/* ---- edits */

bool in_edits_init(in_edits_t *e, const in_json_t *j, in_arena_t *arena) {
  memset(e, 0, sizeof(*e));
  e->json = j;
  e->arena = arena;
  e->mark = in_arena_get(arena, j->count);
  e->failed = e->mark == NULL;
  return !e->failed;
}

void in_edits_drop(in_edits_t *e, const yyjson_val *v) {
  e->mark[v - e->json->root] = IN_EDIT_DROP;
  e->any = true;
}

/* of a text of thousands of values many may be edited: room that is not used is not touched */
static uint32_t more_texts(const in_edits_t *e) {
  if (e->size > 0) return e->size * 2;
  return e->json->count < 4096 ? 8 : (uint32_t) (e->json->count / 8);
}

static void push_text(in_edits_t *e, in_edit_text_t t) {
  if (e->count == e->size) {
    uint32_t size = more_texts(e);
    size_t bytes;
    in_edit_text_t *p = in_mul(size, sizeof(*p), &bytes) ? in_arena_raw(e->arena, bytes) : NULL;
    if (p == NULL) {
      e->failed = true;
      return;
    }
    if (e->count > 0) memcpy(p, e->text, e->count * sizeof(*p));
    e->text = p;
    e->size = size;
  }
  t.order = e->count;
  e->text[e->count++] = t;
  e->any = true;
}

void in_edits_set(in_edits_t *e, const yyjson_val *v, in_span_t text) {
  e->mark[v - e->json->root] = IN_EDIT_SET;
  push_text(e, (in_edit_text_t) { v, IN_NONE, text, false, 0 });
}

void in_edits_set_json(in_edits_t *e, const yyjson_val *v, in_span_t json) {
  e->mark[v - e->json->root] = IN_EDIT_SET;
  push_text(e, (in_edit_text_t) { v, IN_NONE, json, true, 0 });
}

void in_edits_add(in_edits_t *e, const yyjson_val *obj, in_span_t name, in_span_t text, bool json) {
  e->mark[obj - e->json->root] = IN_EDIT_ADD;
  push_text(e, (in_edit_text_t) { obj, name, text, json, 0 });
}

void in_edits_back(in_edits_t *e, uint32_t count) {
  while (e->count > count) {
    unsigned char *mark = &e->mark[e->text[--e->count].at - e->json->root];
    if (*mark != IN_EDIT_DROP) *mark = IN_EDIT_KEEP;
  }
}

static int order_texts(const void *a, const void *b) {
  const in_edit_text_t *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

/* mostly there are few, or they are nearly in order */
static void sort_texts(in_edits_t *e) {
  size_t moves = 0;
  for (uint32_t i = 1; i < e->count; i++) {
    in_edit_text_t t;
    uint32_t at = i;
    if (order_texts(&e->text[i - 1], &e->text[i]) < 0) continue;
    t = e->text[i];
    for (; at > 0 && order_texts(&e->text[at - 1], &t) > 0; at--) e->text[at] = e->text[at - 1];
    e->text[at] = t;
    moves += i - at;
    if (moves <= 8 * (size_t) e->count) continue;
    qsort(e->text, e->count, sizeof(*e->text), order_texts);
    return;
  }
}

/* the first text for v; there is one, or v would not be marked */
static uint32_t find_text(const in_edits_t *e, const yyjson_val *v) {
  uint32_t low = 0, high = e->count;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (e->text[mid].at < v) low = mid + 1; else high = mid;
  }
  return low;
}

/* ---- strings */

/* what cannot stand in a string as it is */
static inline in_hits_t hits_escape(in_block_bytes_t x) {
  return in_hits_below(x, 0x20) | in_hits_equal(x, '"') | in_hits_equal(x, '\\');
}

IN_SCANNER(skip_plain, hits_escape)

#define ESCAPE  6u                /* bytes of the longest */

static const char short_escape[256] = {
  ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
};

/* can it not stand as it is? */
static const bool escaped[256] = { [0 ... 0x1f] = true, ['"'] = true, ['\\'] = true };

static inline char *put_escape(char *to, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  to[0] = '\\';
  if (short_escape[c] != 0) {
    to[1] = short_escape[c];
    return to + 2;
  }
  to[1] = 'u';
  to[2] = to[3] = '0';
  to[4] = hex[c >> 4];
  to[5] = hex[c & 15];
  return to + ESCAPE;
}

/* does one of eight bytes need an escape? which does not matter, nor their order */
static inline bool any_escape(uint64_t w) {
  const uint64_t ones = 0x0101010101010101ull;
  uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
  return (((w - ones * 0x20) | (quote - ones) | (slash - ones)) & ~w & ones * 0x80) != 0;
}

/* eight and four bytes, then one by one: short strings, and what stands near to an escape */
static inline char *quote_bytes(char *to, const char *p, const char *end) {
  const uint64_t blanks = 0x2020202000000000ull;
  uint64_t w;
  uint32_t half;
  if (end - p >= (ptrdiff_t) sizeof(w)) {
    memcpy(&w, p, sizeof(w));
    memcpy(to, &w, sizeof(w));
    if (!any_escape(w)) to += sizeof(w), p += sizeof(w);
  }
  if (end - p >= (ptrdiff_t) sizeof(half)) {
    memcpy(&half, p, sizeof(half));
    memcpy(to, &half, sizeof(half));
    if (!any_escape(half | blanks)) to += sizeof(half), p += sizeof(half);
  }
  for (; p < end; p++) {
    if (escaped[(unsigned char) *p]) to = put_escape(to, (unsigned char) *p); else *to++ = *p;
  }
  return to;
}

/* of a block at most: its first and last bytes are all of it, and mostly none needs an escape */
static inline char *quote_short(char *to, const char *p, size_t n) {
  uint64_t w[2];
  uint32_t half[2];
  in_block_bytes_t x;
  if (n >= sizeof(w[0])) {
    memcpy(&w[0], p, sizeof(w[0]));
    memcpy(&w[1], p + n - sizeof(w[1]), sizeof(w[1]));
    memcpy(&x, w, sizeof(x));
    if (in_any_hit(hits_escape(x))) return quote_bytes(to, p, p + n);
    memcpy(to, &w[0], sizeof(w[0]));
    memcpy(to + n - sizeof(w[1]), &w[1], sizeof(w[1]));
    return to + n;
  }
  if (n < sizeof(half[0])) return quote_bytes(to, p, p + n);
  memcpy(&half[0], p, sizeof(half[0]));
  memcpy(&half[1], p + n - sizeof(half[1]), sizeof(half[1]));
  memcpy(&w[0], half, sizeof(w[0]));
  if (any_escape(w[0])) return quote_bytes(to, p, p + n);
  memcpy(to, &half[0], sizeof(half[0]));
  memcpy(to + n - sizeof(half[1]), &half[1], sizeof(half[1]));
  return to + n;
}

/* room for a block that is all escapes */
#define ROOM  (IN_BLOCK * ESCAPE)

/*
** Blocks of s as long as there is room, then its rest. Where the first bytes of one
** have an escape, those that are next to it are taken one by one. Gives the bytes taken.
*/
static size_t quote_blocks(in_buf_t *out, in_span_t s) {
  const char *p = s.p, *end = s.p + s.n, *full = out->p + out->size - ROOM;
  char *to = out->p + out->n;
  while (end - p >= (ptrdiff_t) IN_BLOCK && to <= full) {
    size_t left = (size_t) (end - p), room = (size_t) (full - to) + IN_BLOCK;
    const char *last = p + (left < room ? left : room) - IN_BLOCK;
    uint32_t bits;
    for (;;) {
      in_block_bytes_t x = in_block_at(p);
      bits = in_hit_bits(hits_escape(x));
      memcpy(to, &x, sizeof(x));
      if (bits != 0) break;
      to += IN_BLOCK;
      p += IN_BLOCK;
      if (p > last) break;
    }
    if (bits == 0) continue;
    unsigned at = (unsigned) __builtin_ctz(bits);
    to += at;
    p += at;
    for (; p < end && escaped[(unsigned char) *p] && to <= full; p++) to = put_escape(to, (unsigned char) *p);
    if (at >= 4 || to > full) continue;
    last = end - p < (ptrdiff_t) IN_BLOCK ? end : p + IN_BLOCK;
    to = quote_bytes(to, p, last);
    p = last;
  }
  if (end - p < (ptrdiff_t) IN_BLOCK && to <= full) {
    to = quote_bytes(to, p, end);
    p = end;
  }
  out->n = (size_t) (to - out->p);
  return (size_t) (p - s.p);
}

/* where room is short, or has a limit: no more than is needed */
static size_t quote_tight(in_buf_t *out, in_span_t s) {
  size_t n = skip_plain(s.p, s.n);
  in_buf_put(out, in_span(s.p, n));
  if (n < s.n) {
    char escape[ESCAPE];
    in_buf_put(out, in_span(escape, (size_t) (put_escape(escape, (unsigned char) s.p[n++]) - escape)));
  }
  return n;
}

static __attribute__((noinline))        /* short ones need none of its registers */
void quote_long(in_buf_t *out, in_span_t s) {
  in_buf_byte(out, '"');
  while (s.n > 0 && !out->failed) {
    size_t n = in_buf_fits(out, ROOM) ? quote_blocks(out, s) : quote_tight(out, s);
    s = in_span(s.p + n, s.n - n);
  }
  in_buf_byte(out, '"');
}

void in_json_quote(in_buf_t *out, in_span_t s) {
  if (s.n > IN_BLOCK || !in_buf_fits(out, ROOM + 2)) {
    quote_long(out, s);
    return;
  }
  char *to = out->p + out->n;
  *to++ = '"';
  to = quote_short(to, s.p, s.n);
  *to++ = '"';
  out->n = (size_t) (to - out->p);
}

static void put_text(in_buf_t *out, const in_edit_text_t *t) {
  if (t->json) in_buf_put(out, t->text); else in_json_quote(out, t->text);
}

static void put_scalar(in_buf_t *out, const yyjson_val *v) {
  switch (unsafe_yyjson_get_type((void *) (uintptr_t) v)) {
    case YYJSON_TYPE_STR: in_json_quote(out, in_json_str(v)); break;
    case YYJSON_TYPE_RAW: in_buf_put(out, in_json_str(v)); break;
    case YYJSON_TYPE_BOOL:
      in_buf_put(out, unsafe_yyjson_get_bool((void *) (uintptr_t) v) ? IN_SPAN("true") : IN_SPAN("false"));
      break;
    default: in_buf_put(out, IN_SPAN("null")); break;
  }
}

/* ---- print */

typedef struct {
  const yyjson_val *ctn, *end;
  bool obj, some;                 /* some: a member or element was printed */
} level_t;

static void put_added(in_buf_t *out, const in_edits_t *e, level_t *l) {
  for (uint32_t i = find_text(e, l->ctn); i < e->count && e->text[i].at == l->ctn; i++) {
    if (l->some) in_buf_byte(out, ',');
    l->some = true;
    in_json_quote(out, e->text[i].name);
    in_buf_byte(out, ':');
    put_text(out, &e->text[i]);
  }
}

static void close_level(in_buf_t *out, in_edits_t *e, level_t *l) {
  if (e != NULL && in_edits_at(e, l->ctn) == IN_EDIT_ADD) put_added(out, e, l);
  in_buf_byte(out, l->obj ? '}' : ']');
}

static const yyjson_val *after(const yyjson_val *v) {
  return unsafe_yyjson_get_next((void *) (uintptr_t) v);
}

void in_json_print(in_buf_t *out, const yyjson_val *top, in_edits_t *e) {
  level_t level[IN_JSON_DEPTH + 1];
  unsigned depth = 0;
  const yyjson_val *v = top, *end = after(top);
  if (e != NULL) sort_texts(e);
  for (;;) {
    /* a level is filled before depth counts it */
    /* cppcheck-suppress uninitvar */
    while (depth > 0 && v == level[depth - 1].end) close_level(out, e, &level[--depth]);
    if (v == end) return;
    level_t *l = depth > 0 ? &level[depth - 1] : NULL;
    bool named = l != NULL && l->obj;
    const yyjson_val *key = named ? v++ : v;
    in_edit_t edit = e == NULL ? IN_EDIT_KEEP : in_edits_at(e, v);
    if (edit == IN_EDIT_DROP) {
      v = after(v);
      continue;
    }
    if (l != NULL && l->some) in_buf_byte(out, ',');
    if (l != NULL) l->some = true;
    if (named) {
      in_json_quote(out, in_json_str(key));
      in_buf_byte(out, ':');
    }
    if (edit == IN_EDIT_SET) {
      put_text(out, &e->text[find_text(e, v)]);
      v = after(v);
    } else if (unsafe_yyjson_is_ctn((void *) (uintptr_t) v)) {
      if (depth > IN_JSON_DEPTH) { out->failed = true; return; }
      level[depth++] = (level_t) { v, after(v), unsafe_yyjson_is_obj((void *) (uintptr_t) v), false };
      in_buf_byte(out, level[depth - 1].obj ? '{' : '[');
      v++;
    } else {
      put_scalar(out, v++);
    }
  }
}

/* ---- splice: the source's tokens and the values' array come in one order */

typedef struct {
  level_t at;
  size_t kept;                    /* in the source, behind the last element that stays */
} span_level_t;

typedef struct {
  in_buf_t *out;
  in_edits_t *e;
  in_span_t s;
  size_t i;                       /* in the source */
  size_t copied;                  /* source copied up to here: no further than to what changes */
  const yyjson_val *v;
  const yyjson_val *next;         /* the next that is edited, from v on */
} splice_t;

static bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blank(splice_t *p) {
  while (p->i < p->s.n && blank(p->s.p[p->i])) p->i++;
}

/* the first value from v on that has an edit, or the end */
static const yyjson_val *find_mark(const in_edits_t *e, const yyjson_val *v) {
  size_t i = (size_t) (v - e->json->root), n = e->json->count;
  uint64_t w;
  for (; n - i >= sizeof(w); i += sizeof(w)) {
    memcpy(&w, e->mark + i, sizeof(w));
    if (w != 0) break;
  }
  while (i < n && e->mark[i] == IN_EDIT_KEEP) i++;
  return e->json->root + i;
}

/* a scalar's bytes; the text was parsed, so it is well formed */
static void skip_scalar(splice_t *p) {
  if (p->s.p[p->i] == '"') {
    p->i = in_json_after_string(p->s, p->i);
    return;
  }
  while (p->i < p->s.n && !blank(p->s.p[p->i]) && memchr(",]}", p->s.p[p->i], 3) == NULL) p->i++;
}

/* the same where the value is known: a string's text stands where it stood in the source */
static void skip_known(splice_t *p, const yyjson_val *v) {
  size_t from;
  if (!yyjson_is_str((void *) (uintptr_t) v)) {
    skip_scalar(p);
    return;
  }
  from = (size_t) (v->uni.str - p->e->json->copy);
#ifdef YYJSON_SUBTYPE_NOESC
  if (unsafe_yyjson_get_subtype((void *) (uintptr_t) v) == YYJSON_SUBTYPE_NOESC) {
    p->i = from + in_json_str(v).n + 1;
    return;
  }
#endif
  p->i = in_json_after_string(p->s, from - 1);
}

/* up to where as many containers are closed; not over the last bracket where it is the rest of one */
static void skip_depth(splice_t *p, unsigned depth, bool rest) {
  do {
    char c;
    skip_blank(p);
    c = p->s.p[p->i];
    if (rest && depth == 1 && (c == '}' || c == ']')) return;
    if (c == '{' || c == '[') depth++, p->i++;
    else if (c == '}' || c == ']') depth--, p->i++;
    else if (c == ',' || c == ':') p->i++;
    else skip_scalar(p);
  } while (depth > 0 && p->i < p->s.n);
}

static void skip_value(splice_t *p) {
  if (unsafe_yyjson_is_ctn((void *) (uintptr_t) p->v)) skip_depth(p, 0, false);
  else skip_known(p, p->v);
}

static void copy_to(splice_t *p, size_t to) {
  if (to > p->copied) in_buf_put(p->out, in_span(p->s.p + p->copied, to - p->copied));
  p->copied = to;
}

/* takes an element away, with the comma before it or, if it is the first, after it */
static void drop_element(splice_t *p, const span_level_t *l) {
  if (p->copied < l->kept) copy_to(p, l->kept);
  skip_value(p);
  if (!l->at.some) {
    size_t end = p->i;
    skip_blank(p);
    if (p->i < p->s.n && p->s.p[p->i] == ',') p->i++; else p->i = end;
  }
  p->copied = p->i;
}

static void set_value(splice_t *p) {
  copy_to(p, p->i);
  skip_value(p);
  p->copied = p->i;
  put_text(p->out, &p->e->text[find_text(p->e, p->v)]);
}

static void close_span(splice_t *p, span_level_t *l) {
  skip_blank(p);
  if (in_edits_at(p->e, l->at.ctn) == IN_EDIT_ADD) {
    size_t rest = p->i;
    while (rest > p->copied && blank(p->s.p[rest - 1])) rest--;
    copy_to(p, rest);
    put_added(p->out, p->e, &l->at);
  }
  p->i++;
}

/* to where the next element begins, over its name */
static void enter_element(splice_t *p, const span_level_t *l) {
  skip_blank(p);
  if (l == NULL) return;
  if (l->at.some && p->s.p[p->i] == ',') p->i++;
  if (l->at.obj) {
    skip_known(p, p->v++);
    skip_blank(p);
    p->i++;                       /* the colon */
  }
  skip_blank(p);
}

/* one element with all that is in it; false: it was entered only */
static bool splice_element(splice_t *p, span_level_t *l, in_edit_t edit) {
  if (edit == IN_EDIT_DROP && l != NULL) {
    drop_element(p, l);
    return true;
  }
  if (l != NULL) l->at.some = true;
  if (edit == IN_EDIT_SET) set_value(p);
  else if (p->next >= after(p->v) || !unsafe_yyjson_is_ctn((void *) (uintptr_t) p->v)) skip_value(p);
  else return false;
  if (l != NULL) l->kept = p->i;
  return true;
}

void in_json_splice(in_buf_t *out, in_edits_t *e) {
  span_level_t level[IN_JSON_DEPTH + 1];
  unsigned depth = 0;
  splice_t p = { .out = out, .e = e, .s = e->json->source, .v = e->json->root };
  const yyjson_val *end = p.v + e->json->count;
  sort_texts(e);
  p.next = find_mark(e, p.v);
  for (;;) {
    /* a level is filled before depth counts it */
    /* cppcheck-suppress uninitvar */
    while (depth > 0 && p.v == level[depth - 1].at.end) {
      close_span(&p, &level[--depth]);
      if (depth > 0) level[depth - 1].kept = p.i;
    }
    if (p.v == end || out->failed) break;
    span_level_t *l = depth > 0 ? &level[depth - 1] : NULL;
    if (l != NULL && p.next >= l->at.end) {      /* nothing else changes here */
      skip_depth(&p, 1, true);
      l->at.some = true;
      p.v = l->at.end;
      continue;
    }
    enter_element(&p, l);
    if (splice_element(&p, l, in_edits_at(e, p.v))) {
      p.v = after(p.v);
    } else {
      if (depth > IN_JSON_DEPTH) { out->failed = true; return; }
      level[depth++] = (span_level_t) {
        { p.v, after(p.v), unsafe_yyjson_is_obj((void *) (uintptr_t) p.v), false }, ++p.i };
      p.v++;
    }
    if (p.next < p.v) p.next = find_mark(e, p.v);
  }
  copy_to(&p, p.s.n);
}
