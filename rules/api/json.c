/*
** json.c -- reading JSON strictly.
**
** Owns the parse, the search for duplicate names, and lookup. Invariants: memory
** is bounded by the text's own count of values; a search for duplicates costs n
** steps, or n log n where names were chosen to collide.
*/
#include "json.h"
#include "../base/scan.h"

#define FEW_NAMES    12u          /* objects up to this are compared pairwise */
#define FEW_VALUES   256u         /* texts of up to so many values are looked at in one walk */
#define PROBES       8u           /* per name, on average, before sorting instead */

/* ---- memory: one block for the values, large enough from the start */

typedef struct {
  in_arena_t *arena;
  size_t most;                    /* bytes that the values can need */
  void *given;
  size_t size;
} pool_t;

static void *pool_malloc(void *ctx, size_t size) {
  pool_t *p = ctx;
  p->size = size > p->most ? size : p->most;
  p->given = in_arena_raw(p->arena, p->size);
  return p->given;
}

static void *pool_realloc(void *ctx, void *ptr, size_t old_size, size_t size) {
  pool_t *p = ctx;
  if (ptr == p->given && size <= p->size) return ptr;
  void *q = in_arena_raw(p->arena, size);
  if (q != NULL) {
    memcpy(q, ptr, old_size < size ? old_size : size);
    p->given = q;
    p->size = size;
  }
  return q;
}

static void pool_free(void *ctx, void *ptr) {
  (void) ctx;
  (void) ptr;
}

/* ---- duplicate names */

/* up to eight bytes; the copy of the text goes on for more after its last */
static uint64_t load_word(const char *p, size_t n) {
  uint64_t w;
  memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  w = __builtin_bswap64(w);
#endif
  return n >= 8 ? w : w & (((uint64_t) 1 << (8 * n)) - 1);
}

static uint32_t hash_name(in_span_t s, uint64_t seed, bool nocase) {
  uint64_t h = seed ^ s.n;
  for (size_t i = 0; i < s.n; i += 8) {
    uint64_t w = load_word(s.p + i, s.n - i);
    if (nocase) w = in_lower_word(w);
    __extension__ unsigned __int128 m = (unsigned __int128) (h ^ w) * 0x9e3779b97f4a7c15ull;
    h = (uint64_t) m ^ (uint64_t) (m >> 64) ^ seed;
  }
  h *= 0xd6e8feb86659fd93ull;
  return (uint32_t) (h >> 32);
}

static bool same_name(in_span_t a, in_span_t b, bool nocase) {
  return nocase ? in_eq_nocase(a, b) : in_eq(a, b);
}

/* the name after this one in its object */
static yyjson_val *next_name(yyjson_val *key) {
  return unsafe_yyjson_get_next(key + 1);
}

static yyjson_val *pair_of_few(yyjson_val *obj, size_t n, bool nocase) {
  yyjson_val *key[FEW_NAMES], *k = unsafe_yyjson_get_first(obj);
  for (size_t i = 0; i < n; i++, k = next_name(k)) {
    in_span_t name = in_json_str(k);
    for (size_t m = 0; m < i; m++)
      if (unsafe_yyjson_get_len(key[m]) == name.n
          && same_name(in_json_str(key[m]), name, nocase)) return k;
    key[i] = k;
  }
  return NULL;
}

/* what a search needs; the tables are as large as the largest object needs */
typedef struct {
  const in_json_t *json;
  in_arena_t *arena;
  bool nocase, failed;
  uint64_t seed;
  uint32_t *slot;                 /* 1 + index of the name's value, above it bits of the hash; 0: free */
  uint32_t index;                 /* the bits that an index takes; 0: not known yet */
  size_t slots;
} search_t;

/* merge sort: names that were made to collide shall not make the search slow */
static int order_names(in_span_t a, in_span_t b, bool nocase) {
  if (a.n != b.n) return a.n < b.n ? -1 : 1;
  for (size_t i = 0; i < a.n; i++) {
    int x = (unsigned char) (nocase ? in_lower(a.p[i]) : a.p[i]);
    int y = (unsigned char) (nocase ? in_lower(b.p[i]) : b.p[i]);
    if (x != y) return x - y;
  }
  return 0;
}

static void merge(yyjson_val **to, yyjson_val **a, size_t na, yyjson_val **b, size_t nb, bool nocase) {
  while (na > 0 && nb > 0) {
    bool first = order_names(in_json_str(*a), in_json_str(*b), nocase) <= 0;
    *to++ = first ? *a++ : *b++;
    if (first) na--; else nb--;
  }
  while (na-- > 0) *to++ = *a++;
  while (nb-- > 0) *to++ = *b++;
}

static yyjson_val *pair_by_sorting(search_t *s, yyjson_val *obj, size_t n) {
  yyjson_val **a = in_arena_array(s->arena, n, sizeof(*a));
  yyjson_val **b = in_arena_array(s->arena, n, sizeof(*b));
  yyjson_val *k = unsafe_yyjson_get_first(obj);
  if (a == NULL || b == NULL) {
    s->failed = true;
    return NULL;
  }
  for (size_t i = 0; i < n; i++, k = next_name(k)) a[i] = k;
  for (size_t run = 1; run < n; run *= 2) {
    for (size_t i = 0; i < n; i += 2 * run) {
      size_t mid = n - i < run ? n : i + run, end = n - i < 2 * run ? n : i + 2 * run;
      merge(b + i, a + i, mid - i, a + mid, end - mid, s->nocase);
    }
    yyjson_val **t = a;
    a = b;
    b = t;
  }
  for (size_t i = 1; i < n; i++)
    if (order_names(in_json_str(a[i - 1]), in_json_str(a[i]), s->nocase) == 0)
      return a[i] > a[i - 1] ? a[i] : a[i - 1];
  return NULL;
}

static bool make_slots(search_t *s, size_t n) {
  size_t slots = 64;
  while (slots < n + n / 2) slots *= 2;
  if (slots > s->slots) {
    s->slot = in_arena_array(s->arena, slots, sizeof(*s->slot));
    s->slots = slots;
    s->failed = s->slot == NULL;
    return !s->failed;
  }
  memset(s->slot, 0, slots * sizeof(*s->slot));
  return true;
}

static yyjson_val *pair_of_many(search_t *s, yyjson_val *obj, size_t n) {
  size_t probes = 0, mask = 64;
  if (!make_slots(s, n)) return NULL;
  while (s->index < s->json->count) s->index = s->index << 1 | 1;
  while (mask < n + n / 2) mask *= 2;
  mask--;
  yyjson_val *k = unsafe_yyjson_get_first(obj);
  for (size_t i = 0; i < n; i++, k = next_name(k)) {
    in_span_t name = in_json_str(k);
    uint32_t hash = hash_name(name, s->seed, s->nocase);
    size_t at = hash & mask;
    hash &= ~s->index;
    for (; s->slot[at] != 0; at = (at + 1) & mask) {
      if (++probes > PROBES * n + 64) return pair_by_sorting(s, obj, n);
      if ((s->slot[at] & ~s->index) == hash
          && same_name(in_json_str(s->json->root + (s->slot[at] & s->index) - 1), name, s->nocase)) return k;
    }
    s->slot[at] = hash | ((uint32_t) (k - s->json->root) + 1);
  }
  return NULL;
}

/* containers inside one another: the ends of those that are open */
typedef struct { const yyjson_val *end[IN_JSON_DEPTH]; unsigned depth; } nest_t;

static bool nest(nest_t *n, yyjson_val *ctn) {
  while (n->depth > 0 && ctn >= n->end[n->depth - 1]) n->depth--;
  if (n->depth == IN_JSON_DEPTH) return false;
  n->end[n->depth++] = unsafe_yyjson_get_next(ctn);
  return true;
}

/* one walk over all values: depth, and names that stand twice (*key: the second) */
static interop_status_t check(const in_json_t *j, bool nocase, in_arena_t *arena, yyjson_val **key) {
  search_t s = { .json = j, .arena = arena, .nocase = nocase,
                 .seed = (uint64_t) (uintptr_t) j->copy * 0xa0761d6478bd642full };
  nest_t nested;                  /* its ends are set as they are needed */
  nested.depth = 0;
  *key = NULL;
  for (yyjson_val *v = j->root, *last = v + j->count; v < last; v++) {
    if (!unsafe_yyjson_is_ctn(v)) continue;
    if (!nest(&nested, v)) return INTEROP_FULL;
    size_t n = unsafe_yyjson_get_len(v);
    if (n < 2 || !unsafe_yyjson_is_obj(v)) continue;
    *key = n <= FEW_NAMES ? pair_of_few(v, n, nocase) : pair_of_many(&s, v, n);
    if (s.failed) return INTEROP_NOMEM;
    if (*key != NULL) return INTEROP_SYNTAX;
  }
  return INTEROP_OK;
}

/* ---- names that some readers take for others */

/* has it a NUL, or a byte that is not ASCII? */
static inline bool is_unusual(in_span_t name) {
  for (size_t i = 0; i < name.n; i += IN_BLOCK) {
    uint32_t bits = in_hit_bits(in_hits_below_or_high(in_block_at(name.p + i), 1));
    if (name.n - i < IN_BLOCK) bits &= (1u << (name.n - i)) - 1;
    if (bits != 0) return true;
  }
  return false;
}

static inline in_hits_t unusual(in_block_bytes_t x) {
  return in_hits_equal(x, 0) | in_hits_equal(x, 0xc5) | in_hits_equal(x, 0xe2);
}

IN_SCANNER(find_unusual, unusual)

/* one that ends at a NUL for some; in any case, one with a letter that folds to ASCII's: long s, Kelvin */
static bool is_ambiguous(in_span_t name, bool nocase) {
  if (!is_unusual(name)) return false;
  for (size_t i = 0; (i += find_unusual(name.p + i, name.n - i)) < name.n; i++) {
    in_span_t rest = in_span(name.p + i, name.n - i);
    if (*rest.p == 0) return true;
    if (nocase && (in_starts(rest, IN_SPAN("\xc5\xbf")) || in_starts(rest, IN_SPAN("\xe2\x84\xaa")))) return true;
  }
  return false;
}

static yyjson_val *find_ambiguous(const in_json_t *j, bool nocase) {
  for (yyjson_val *v = j->root, *last = v + j->count; v < last; v++) {
    if (!unsafe_yyjson_is_obj(v)) continue;
    yyjson_val *k = unsafe_yyjson_get_first(v);
    for (size_t n = unsafe_yyjson_get_len(v); n > 0; n--, k = next_name(k))
      if (is_ambiguous(in_json_str(k), nocase)) return k;
  }
  return NULL;
}

/* ---- what is small */

/* a few names, all of which are usual and differ */
static bool has_plain_names(yyjson_val *obj, bool nocase) {
  size_t n = unsafe_yyjson_get_len(obj);
  uint64_t lengths = 0;
  bool clash = false;
  yyjson_val *k = unsafe_yyjson_get_first(obj);
  if (n > FEW_NAMES) return false;
  for (size_t left = n; left > 0; left--, k = next_name(k)) {
    in_span_t name = in_json_str(k);
    uint64_t length = (uint64_t) 1 << name.n % 64;
    if (is_unusual(name)) return false;
    clash |= (lengths & length) != 0;     /* only names of one length can be the same */
    lengths |= length;
  }
  return !clash || pair_of_few(obj, n, nocase) == NULL;
}

/*
** Is there nothing in it that check or find_ambiguous could find? Most bodies are so
** small that this is told in one walk; they are asked only where it is not, and give
** the reason.
*/
static bool is_harmless(const in_json_t *j, bool nocase) {
  unsigned containers = 0;
  if (j->count > FEW_VALUES) return false;
  for (yyjson_val *v = j->root, *last = v + j->count; v < last; v++) {
    if (!unsafe_yyjson_is_ctn(v)) continue;
    if (++containers > IN_JSON_DEPTH) return false;
    if (unsafe_yyjson_is_obj(v) && !has_plain_names(v, nocase)) return false;
  }
  return true;
}

/* ---- parse */

static interop_status_t refuse(in_json_error_t *err, size_t offset, const char *text) {
  err->offset = offset;
  err->text = text;
  return INTEROP_SYNTAX;
}

/* so that a block can be read at any place of the text */
#define PADDING  (YYJSON_PADDING_SIZE + IN_BLOCK)

static interop_status_t read_values(in_span_t text, size_t values, in_arena_t *arena,
                                    in_json_t *j, in_json_error_t *err) {
  pool_t pool = { .arena = arena };
  yyjson_alc alc = { pool_malloc, pool_realloc, pool_free, &pool };
  yyjson_read_err e;
  size_t size;
  if (!in_add(text.n, PADDING, &size)
      || !in_mul(values + 16, sizeof(yyjson_val), &pool.most)) return INTEROP_NOMEM;
  char *copy = in_arena_raw(arena, size);
  if (copy == NULL) return INTEROP_NOMEM;
  memcpy(copy, text.p, text.n);
  memset(copy + text.n, 0, PADDING);
  yyjson_doc *doc = yyjson_read_opts(copy, text.n, YYJSON_READ_INSITU | YYJSON_READ_NUMBER_AS_RAW,
                                     &alc, &e);
  if (doc == NULL) {
    if (e.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION || arena->failed) return INTEROP_NOMEM;
    return refuse(err, e.pos < text.n ? e.pos : text.n, e.msg);
  }
  j->source = text;
  j->copy = copy;
  j->root = yyjson_doc_get_root(doc);
  j->count = yyjson_doc_get_val_count(doc);
  return INTEROP_OK;
}

interop_status_t in_json_parse(in_span_t text, unsigned flags, in_arena_t *arena,
                               in_json_t *j, in_json_error_t *err) {
  yyjson_val *key;
  if (text.n == 0) return refuse(err, 0, "there is no text");
  if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) return refuse(err, 0, "a byte order mark");
  size_t values = in_json_most(text);
  if ((flags & IN_JSON_BOUNDED) && values > IN_JSON_VALUES) {
    size_t at = in_json_limit(text, IN_JSON_VALUES);
    if (at < text.n) return refuse(err, at, "too many values, or nested too deep");
  }
  interop_status_t rc = read_values(text, values, arena, j, err);
  if (rc != INTEROP_OK || is_harmless(j, (flags & IN_JSON_NOCASE) != 0)) return rc;
  rc = check(j, (flags & IN_JSON_NOCASE) != 0, arena, &key);
  if (rc == INTEROP_FULL) return refuse(err, in_json_limit(text, SIZE_MAX), "nested too deep");
  if (rc == INTEROP_SYNTAX)
    return refuse(err, (size_t) (key->uni.str - j->copy) - 1, "a name stands twice");
  if (rc == INTEROP_OK && (flags & IN_JSON_BOUNDED)
      && (key = find_ambiguous(j, (flags & IN_JSON_NOCASE) != 0)) != NULL)
    return refuse(err, (size_t) (key->uni.str - j->copy) - 1, "a name can be read in more than one way");
  return rc;
}

/* ---- lookup */

yyjson_val *in_json_get(yyjson_val *obj, in_span_t name, bool nocase) {
  if (!yyjson_is_obj(obj)) return NULL;
  yyjson_val *k = unsafe_yyjson_get_first(obj);
  for (size_t n = unsafe_yyjson_get_len(obj); n > 0; n--, k = next_name(k))
    if (unsafe_yyjson_get_len(k) == name.n && same_name(in_json_str(k), name, nocase)) return k + 1;
  return NULL;
}

uint32_t in_json_index(in_span_t name) {
  uint32_t i = 0;
  if (name.n == 0 || name.n > 9 || (name.n > 1 && name.p[0] == '0')) return UINT32_MAX;
  for (size_t at = 0; at < name.n; at++) {
    if (name.p[at] < '0' || name.p[at] > '9') return UINT32_MAX;
    i = i * 10 + (uint32_t) (name.p[at] - '0');
  }
  return i;
}

static yyjson_val *get_step(yyjson_val *v, in_span_t name, bool nocase) {
  if (!yyjson_is_arr(v)) return in_json_get(v, name, nocase);
  uint32_t i = in_json_index(name);
  return i == UINT32_MAX ? NULL : yyjson_arr_get(v, i);
}

yyjson_val *in_json_follow(yyjson_val *v, const in_image_t *img, in_run_t names, bool nocase) {
  const in_ref_t *r = (const in_ref_t *) img->section[IN_S_REFS] + names.first;
  for (uint32_t i = 0; v != NULL && i < names.count; i++)
    v = get_step(v, in_image_str(img, r[i]), nocase);
  return v;
}

bool in_json_step(in_span_t *pointer, in_span_t *raw) {
  if (pointer->n == 0 || pointer->p[0] != '/') return false;
  in_span_t rest = in_span(pointer->p + 1, pointer->n - 1);
  const char *end = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
  *raw = in_span(rest.p, end == NULL ? rest.n : (size_t) (end - rest.p));
  *pointer = in_span(rest.p + raw->n, rest.n - raw->n);
  return true;
}

bool in_json_name_is(in_span_t raw, in_span_t name, bool nocase) {
  size_t i = 0, k = 0;
  for (; i < raw.n && k < name.n; i++, k++) {
    char c = raw.p[i];
    if (c == '~' && i + 1 < raw.n) c = raw.p[++i] == '1' ? '/' : '~';
    if (c != name.p[k] && !(nocase && in_lower(c) == in_lower(name.p[k]))) return false;
  }
  return i == raw.n && k == name.n;
}

static yyjson_val *get_raw(yyjson_val *v, in_span_t raw, bool nocase) {
  if (!yyjson_is_obj(v)) return get_step(v, raw, nocase);
  yyjson_val *k = unsafe_yyjson_get_first(v);
  for (size_t n = unsafe_yyjson_get_len(v); n > 0; n--, k = next_name(k))
    if (in_json_name_is(raw, in_json_str(k), nocase)) return k + 1;
  return NULL;
}

yyjson_val *in_json_pointer(yyjson_val *v, in_span_t pointer, bool nocase) {
  in_span_t raw;
  while (v != NULL && in_json_step(&pointer, &raw)) v = get_raw(v, raw, nocase);
  return pointer.n == 0 ? v : NULL;
}
