/*
** json.c -- strict JSON. With file names as arguments: says of each file
** whether it is accepted ("FILE ok" or "FILE no OFFSET TEXT"), for t/020-json.t.
*/
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "api/json.h"
#include "tap.h"

static interop_status_t parse(in_arena_t *arena, in_span_t text, unsigned flags, in_json_t *j, in_json_error_t *e) {
  in_arena_init(arena, &interop_alloc_libc);
  e->offset = 0;
  e->text = "";
  return in_json_parse(text, flags, arena, j, e);
}

/* ---- files */

static void judge_file(const char *path) {
  static char text[4 << 20];
  in_arena_t arena;
  in_json_t j;
  in_json_error_t e;
  FILE *f = fopen(path, "rb");
  size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text), f);
  if (f == NULL) {
    printf("%s missing\n", path);
    return;
  }
  fclose(f);
  if (parse(&arena, in_span(text, n), 0, &j, &e) == INTEROP_OK) printf("%s ok\n", path);
  else printf("%s no %zu %s\n", path, e.offset, e.text);
  in_arena_free(&arena);
}

/* ---- rows */

static const struct { const char *text; size_t n; unsigned flags; long offset; const char *error; } rows[] = {
#define ROW(text, flags, offset, error) { text, sizeof(text) - 1, flags, offset, error }
  ROW("{}", 0, -1, ""),
  ROW(" [1e400, -0, 0.10] \n", 0, -1, ""),
  ROW("", 0, 0, "there is no text"),
  ROW("\xef\xbb\xbf{}", 0, 0, "a byte order mark"),
  ROW("{}{}", 0, 2, "unexpected content after document"),
  ROW("{\"a\":1,\"b\":{\"a\":2}}", 0, -1, ""),
  ROW("{\"a\":1,\"a\":2}", 0, 7, "a name stands twice"),
  ROW("{\"a\":1,\"\\u0061\":2}", 0, 7, "a name stands twice"),
  ROW("{\"a\":1,\"A\":2}", 0, -1, ""),
  ROW("{\"a\":1,\"A\":2}", IN_JSON_NOCASE, 7, "a name stands twice"),
  ROW("{\"[\":1,\"{\":2,\"@\":3,\"`\":4}", IN_JSON_NOCASE, -1, ""),
  ROW("{\"abcdefghijk\":1,\"ABCDEFGHIJK\":2}", IN_JSON_NOCASE, 17, "a name stands twice"),
  ROW("{\"\xc3\xa9\":1,\"\xc3\x89\":2}", IN_JSON_NOCASE, -1, ""),
  ROW("{\"\":1,\"\":2}", 0, 6, "a name stands twice"),
  ROW("{\"a\\u0000b\":1,\"a\\u0000c\":2}", 0, -1, ""),
  ROW("{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"D\":1}", IN_JSON_NOCASE, 85, "a name stands twice"),
  ROW("{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"D\":1}", 0, -1, ""),
  ROW("[{\"x\":1},{\"y\":1,\"y\":1}]", 0, 16, "a name stands twice"),
  /* names that some readers take for others, in texts that are small */
  ROW("{\"a\\u0000b\":1}", IN_JSON_BOUNDED, 1, "a name can be read in more than one way"),
  ROW("[{\"b\":[{\"a\\u0000\":1}]}]", IN_JSON_BOUNDED, 8, "a name can be read in more than one way"),
  ROW("{\"x\":{\"s\":1,\"\xc5\xbf\":2}}", IN_JSON_BOUNDED | IN_JSON_NOCASE, 12, "a name can be read in more than one way"),
  ROW("{\"key\":1,\"\xe2\x84\xaa" "ey\":2}", IN_JSON_BOUNDED | IN_JSON_NOCASE, 9, "a name can be read in more than one way"),
  ROW("{\"key\":1,\"\xe2\x84\xaa" "ey\":2}", IN_JSON_BOUNDED, -1, ""),
  ROW("{\"a\\u0000\":1,\"b\":1,\"b\":1}", IN_JSON_BOUNDED, 19, "a name stands twice"),
};

static void test_rows(void) {
  for (size_t i = 0; i < in_countof(rows); i++) {
    in_arena_t arena;
    in_json_t j;
    in_json_error_t e;
    interop_status_t rc = parse(&arena, in_span(rows[i].text, rows[i].n), rows[i].flags, &j, &e);
    bool good = rows[i].offset < 0 ? rc == INTEROP_OK
                : rc == INTEROP_SYNTAX && (long) e.offset == rows[i].offset && strcmp(e.text, rows[i].error) == 0;
    if (!ok(good, "row %zu %s", i + 1, rows[i].error)) printf("# status %d at %zu: %s\n", (int) rc, e.offset, e.text);
    in_arena_free(&arena);
  }
}

static void test_depth(void) {
  char text[2 * 100000 + 1];
  in_arena_t arena;
  in_json_t j;
  in_json_error_t e;
  size_t depths[] = { 1, IN_JSON_DEPTH, IN_JSON_DEPTH + 1, 100000 };
  for (size_t i = 0; i < in_countof(depths); i++) {
    size_t n = depths[i];
    memset(text, '[', n);
    memset(text + n, ']', n);
    interop_status_t rc = parse(&arena, in_span(text, 2 * n), 0, &j, &e);
    if (n <= IN_JSON_DEPTH) is_number(rc, INTEROP_OK, "as deep as it may be");
    else ok(rc == INTEROP_SYNTAX && e.offset == IN_JSON_DEPTH && strcmp(e.text, "nested too deep") == 0,
            "%zu deep is refused at the bracket", n);
    in_arena_free(&arena);
  }
}

/* ---- printing and lookup */

static void test_print(void) {
  static const char text[] = " { \"a\" : [ 1.10 , -0 , 1E+2, true,false,null ] , \"b\\n\\u0041\\/\":{\"\":\"\\u0001\\\"\\\\\\b\\f\\n\\r\\t \xc3\xa9\"} } ";
  static const char want[] = "{\"a\":[1.10,-0,1E+2,true,false,null],\"b\\nA/\":{\"\":\"\\u0001\\\"\\\\\\b\\f\\n\\r\\t \xc3\xa9\"}}";
  in_arena_t arena;
  in_json_t j;
  in_json_error_t e;
  in_edits_t edits;
  in_buf_t out;
  in_buf_init(&out, &interop_alloc_libc);
  parse(&arena, in_span(text, sizeof(text) - 1), 0, &j, &e);
  in_json_print(&out, j.root, NULL);
  is_bytes(out.p, out.n, want, sizeof(want) - 1, "printed without white space, numbers as they were spelt");
  out.n = 0;
  in_edits_init(&edits, &j, &arena);
  in_json_splice(&out, &edits);
  is_bytes(out.p, out.n, text, sizeof(text) - 1, "spliced without edits: the same bytes");
  yyjson_val *a = in_json_pointer(j.root, IN_SPAN("/a"), false);
  in_edits_drop(&edits, yyjson_arr_get(a, 0));
  in_edits_drop(&edits, yyjson_arr_get(a, 3));
  in_edits_set(&edits, yyjson_arr_get(a, 4), IN_SPAN("no"));
  in_edits_add(&edits, in_json_pointer(j.root, IN_SPAN("/b\nA~1"), false), IN_SPAN("k"), IN_SPAN("[0]"), true);
  out.n = 0;
  in_json_print(&out, j.root, &edits);
  static const char edited[] = "{\"a\":[-0,1E+2,\"no\",null],\"b\\nA/\":{\"\":\"\\u0001\\\"\\\\\\b\\f\\n\\r\\t \xc3\xa9\",\"k\":[0]}}";
  is_bytes(out.p, out.n, edited, sizeof(edited) - 1, "printed with edits");
  out.n = 0;
  in_json_splice(&out, &edits);
  static const char spliced[] = " { \"a\" : [ -0 , 1E+2,\"no\",null ] , \"b\\n\\u0041\\/\":{\"\":\"\\u0001\\\"\\\\\\b\\f\\n\\r\\t \xc3\xa9\",\"k\":[0]} } ";
  is_bytes(out.p, out.n, spliced, sizeof(spliced) - 1, "spliced with edits");
  in_buf_free(&out);
  in_arena_free(&arena);
}

/* every set of elements dropped from small arrays and objects: both ways out stay JSON */
static void test_drops(void) {
  static const char *const texts[] = { "[1, 2 ,3,4 ]", "{\"a\":1 , \"b\":[ ],\"c\" : {}, \"d\":\"x\"}", "[ 1 ]", "[[1,2],[3 , 4],{\"a\":[5]}]" };
  int bad = 0;
  for (size_t t = 0; t < in_countof(texts); t++) {
    for (unsigned set = 1; set < 1u << 12; set++) {
      in_arena_t arena, second;
      in_json_t j, k;
      in_json_error_t e;
      in_edits_t edits;
      in_buf_t a, b, c;
      in_buf_init(&a, &interop_alloc_libc);
      in_buf_init(&b, &interop_alloc_libc);
      in_buf_init(&c, &interop_alloc_libc);
      parse(&arena, in_str(texts[t]), 0, &j, &e);
      in_edits_init(&edits, &j, &arena);
      bool object = yyjson_is_obj(j.root);
      for (size_t i = 1; i < j.count && i < 12; i++)
        if ((set & 1u << i) && !(object && yyjson_is_str(j.root + i) && i % 2 == 1)) in_edits_drop(&edits, j.root + i);
      if (t < 3 || set % 7 == 0) {
        in_json_print(&a, j.root, &edits);
        in_json_splice(&b, &edits);
        if (parse(&second, in_buf_span(&b), 0, &k, &e) != INTEROP_OK) bad++;
        else in_json_print(&c, k.root, NULL);
        if (!in_eq(in_buf_span(&a), in_buf_span(&c))) {
          if (bad++ == 0) printf("# %s with %x: %.*s and %.*s\n", texts[t], set, (int) a.n, a.p, (int) b.n, b.p);
        }
        in_arena_free(&second);
      }
      in_buf_free(&a);
      in_buf_free(&b);
      in_buf_free(&c);
      in_arena_free(&arena);
    }
  }
  is_number(bad, 0, "whatever is dropped, both ways out say the same");
}

/* a value with blanks where there may be some */
static void make_value(in_buf_t *out, uint64_t *state, unsigned depth) {
  static const char *const scalars[] = { "1", "-0.5e3", "true", "null", "\"\"", "\"a\\\"b\"", "\"x,]}{[:\"", "\"\\u0041\\\\\"", "{}", "[ ]" };
  unsigned kind, n;
#define PICK(most)  ((unsigned) ((*state = *state * 6364136223846793005ull + 1442695040888963407ull) >> 33) % (most))
#define BLANKS()    do { if (PICK(4) == 0) in_buf_put(out, PICK(2) == 0 ? IN_SPAN(" ") : IN_SPAN("\n\t")); } while (0)
  BLANKS();
  kind = depth == 0 ? 0 : PICK(3);
  n = PICK(4);
  if (kind == 0) {
    in_buf_put(out, in_str(scalars[PICK(in_countof(scalars))]));
  } else {
    in_buf_byte(out, kind == 1 ? '[' : '{');
    for (unsigned i = 0; i < n; i++) {
      if (i > 0) in_buf_byte(out, ',');
      BLANKS();
      if (kind == 2) in_buf_printf(out, "\"%s%u\"", PICK(2) == 0 ? "\\\"" : "k", i);
      if (kind == 2) {
        BLANKS();
        in_buf_byte(out, ':');
      }
      make_value(out, state, depth - 1);
    }
    BLANKS();
    in_buf_byte(out, kind == 1 ? ']' : '}');
  }
  BLANKS();
#undef BLANKS
}

/* some values edited, but none within another that is */
static void edit_some(in_edits_t *e, const in_json_t *j, uint64_t *state) {
  static const char *const texts[] = { "new", "a \"longer\" text than what was there", "" };
  const yyjson_val *after = j->root + 1;
  bool key[256] = { false };
  for (yyjson_val *v = j->root; v < j->root + j->count; v++) {
    if (!yyjson_is_obj(v)) continue;
    yyjson_val *k = unsafe_yyjson_get_first(v);
    for (size_t n = unsafe_yyjson_get_len(v); n > 0; n--, k = unsafe_yyjson_get_next(k + 1)) key[k - j->root] = true;
  }
  for (yyjson_val *v = j->root; v < j->root + j->count; v++) {
    unsigned what = PICK(12);
    if (key[v - j->root]) continue;
    if (what == 3 && yyjson_is_obj(v)) in_edits_add(e, v, IN_SPAN("added"), IN_SPAN("x"), false);
    if (v < after || what > 2) continue;
    if (what == 0) in_edits_drop(e, v);
    else in_edits_set(e, v, in_str(texts[PICK(in_countof(texts))]));
    after = unsafe_yyjson_get_next(v);
  }
#undef PICK
}

/* anything edited anywhere: both ways out say the same, and what is not edited stays to the byte */
static void test_edits(void) {
  uint64_t state = 11;
  int bad = 0, some = 0;
  for (int i = 0; i < 20000; i++) {
    in_arena_t arena, second;
    in_json_t j, k;
    in_json_error_t e;
    in_edits_t edits;
    in_buf_t text, a, b, c;
    in_buf_init(&text, &interop_alloc_libc);
    in_buf_init(&a, &interop_alloc_libc);
    in_buf_init(&b, &interop_alloc_libc);
    in_buf_init(&c, &interop_alloc_libc);
    make_value(&text, &state, 4);
    bool good = parse(&arena, in_buf_span(&text), 0, &j, &e) == INTEROP_OK && j.count <= 256 && in_edits_init(&edits, &j, &arena);
    if (good) edit_some(&edits, &j, &state);
    if (good) in_json_print(&a, j.root, &edits);
    if (good) in_json_splice(&b, &edits);
    if (good && parse(&second, in_buf_span(&b), 0, &k, &e) == INTEROP_OK) in_json_print(&c, k.root, NULL);
    some += good && edits.any;
    if (!good || !in_eq(in_buf_span(&a), in_buf_span(&c)) || (!edits.any && !in_eq(in_buf_span(&b), in_buf_span(&text)))) {
      if (bad++ == 0) printf("# %.*s: %.*s and %.*s\n", (int) text.n, text.p, (int) a.n, a.p, (int) b.n, b.p);
    }
    if (good) in_arena_free(&second);
    in_arena_free(&arena);
    in_buf_free(&text);
    in_buf_free(&a);
    in_buf_free(&b);
    in_buf_free(&c);
  }
  is_number(bad, 0, "however it is edited, both ways out say the same");
  ok(some > 5000, "of %d that were", some);
}

static void test_lookup(void) {
  in_arena_t arena;
  in_json_t j;
  in_json_error_t e;
  parse(&arena, IN_SPAN("{\"a\":{\"B/c\":[10,{\"~\":\"x\"}]},\"0\":1}"), 0, &j, &e);
  ok(yyjson_is_str(in_json_pointer(j.root, IN_SPAN("/a/B~1c/1/~0"), false)), "a pointer");
  ok(in_json_pointer(j.root, IN_SPAN("/a/b~1C/1/~0"), false) == NULL, "the case of names counts");
  ok(in_json_pointer(j.root, IN_SPAN("/A/b~1C/1/~0"), true) != NULL, "or does not");
  ok(in_json_pointer(j.root, IN_SPAN("/a/B~1c/2"), false) == NULL, "past the end");
  ok(in_json_pointer(j.root, IN_SPAN("/a/B~1c/01"), false) == NULL, "an index has no leading zero");
  ok(in_json_pointer(j.root, IN_SPAN("/a/B~1c/1/~0/x"), false) == NULL, "nothing inside a string");
  ok(in_json_pointer(j.root, IN_SPAN("a"), false) == NULL, "no pointer");
  ok(in_json_pointer(j.root, IN_SPAN(""), false) == j.root, "the whole");
  ok(in_json_pointer(j.root, IN_SPAN("/0"), false) != NULL, "a name of digits");
  in_arena_free(&arena);
}

/* strings are quoted in blocks: against the same byte by byte */
static void test_quote(void) {
  static const char bytes[] = "aaaaaaaaaaaaaaaaaaaaabcdefg \n\n\n\"\"\\\t\b\f\r\x01\x1f\x7f\xc3";
  uint64_t state = 3;
  int bad = 0;
  for (int i = 0; i < 20000; i++) {
    char s[200];
    in_buf_t out, want;
    size_t n = (size_t) i % sizeof(s);
    unsigned dense = i % 3 == 0 ? 22 : 0;   /* from here on in bytes[] */
    in_buf_init(&out, &interop_alloc_libc);
    in_buf_init(&want, &interop_alloc_libc);
    in_buf_byte(&want, '"');
    for (size_t k = 0; k < n; k++) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      s[k] = i % 7 == 6 && k % 40 != 0 ? 'x' : bytes[dense + (state >> 33) % (sizeof(bytes) - dense)];
      static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
      const char *known = memchr(from, s[k], sizeof(from) - 1);
      if (known != NULL) in_buf_printf(&want, "\\%c", to[known - from]);
      else if ((unsigned char) s[k] < 0x20) in_buf_printf(&want, "\\u%04x", (unsigned) s[k]);
      else in_buf_byte(&want, s[k]);
    }
    in_buf_byte(&want, '"');
    if (i % 5 == 0) in_buf_reserve(&out, 7 * n + 64);
    char *exact = malloc(n == 0 ? 1 : n);
    memcpy(exact, s, n);
    in_json_quote(&out, in_span(exact, n));
    bad += !in_eq(in_buf_span(&out), in_buf_span(&want));
    free(exact);
    in_buf_free(&out);
    in_buf_free(&want);
  }
  is_number(bad, 0, "a string quoted in blocks and byte by byte");
}

/* ---- the measure: against the same byte by byte, where a backslash spares the next quote everywhere */

static size_t most_byte_by_byte(in_span_t s) {
  size_t most = 1;
  bool inside = false;
  for (size_t i = 0; i < s.n; i++) {
    bool spared = s.p[i] == '\\' && ++i < s.n;
    if (i == s.n) break;
    if (s.p[i] == '"' && !spared) inside = !inside;
    else most += !inside && memchr(",:[{", s.p[i], 4) != NULL;
  }
  return most < s.n / 2 + 1 ? most : s.n / 2 + 1;
}

static void test_measure(void) {
  static const char bytes[] = "\"\"\\\\,:[{]}aaaaaaaaaaaaaaaaaaaaaaa\\\"@;Z\xac\xba\x7b";
  static char s[4097 + 200];
  uint64_t state = 5;
  int bad = 0;
  for (size_t i = 0; i < 2000; i++) {
    size_t n = 4097 + i % 200, few = i % 3 == 0 ? 10 : i % 3 == 1 ? 4 : sizeof(bytes) - 1;
    for (size_t k = 0; k < n; k++) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      s[k] = bytes[(state >> 33) % few];
    }
    char *exact = malloc(n);
    memcpy(exact, s, n);
    bad += in_json_most(in_span(exact, n)) != most_byte_by_byte(in_span(exact, n));
    free(exact);
  }
  is_number(bad, 0, "values counted in blocks and byte by byte");
}

/* what stands in a string is no value; where a client's body has one too many is told */
static void test_bound(void) {
  static char text[2 * IN_JSON_VALUES + 8192];
  in_arena_t arena;
  in_json_t j;
  in_json_error_t e;
  size_t n = 0;
  n += (size_t) sprintf(text + n, "[\"\\\"");
  memset(text + n, ',', 5000);
  n += 5000;
  n += (size_t) sprintf(text + n, "\"");
  for (size_t i = 2; i < IN_JSON_VALUES; i++) text[n++] = ',', text[n++] = '0';
  size_t end = n;
  text[n++] = ']';
  is_number(parse(&arena, in_span(text, n), IN_JSON_BOUNDED, &j, &e), INTEROP_OK, "as many values as there may be");
  is_number((long long) j.count, IN_JSON_VALUES, "which are counted without what is in strings");
  in_arena_free(&arena);
  memcpy(text + end, ",0]", 3);
  ok(parse(&arena, in_span(text, end + 3), IN_JSON_BOUNDED, &j, &e) == INTEROP_SYNTAX && e.offset == end
         && strcmp(e.text, "too many values, or nested too deep") == 0, "one more is refused");
  in_arena_free(&arena);
}

/* ---- memory and time */

typedef struct { size_t now, most; long left; } meter_t;

static void *metered(void *ctx, void *ptr, size_t osize, size_t nsize) {
  meter_t *m = ctx;
  if (nsize > 0 && m->left >= 0 && m->left-- == 0) {
    m->left = 0;
    return NULL;
  }
  m->now += nsize;
  m->now -= osize;
  if (m->now > m->most) m->most = m->now;
  if (nsize == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, nsize);
}

static in_span_t many_names(size_t count, const char *format) {
  char *p = malloc(count * 24 + 2);
  size_t n = 0;
  p[n++] = '{';
  for (size_t i = 0; i < count; i++) {
    n += (size_t) sprintf(p + n, "\"");
    n += (size_t) sprintf(p + n, format, (unsigned) i);
    n += (size_t) sprintf(p + n, "\":0%s", i + 1 < count ? "," : "");
  }
  p[n++] = '}';
  return in_span(p, n);
}

static void test_million(void) {
  meter_t m = { 0, 0, -1 };
  interop_alloc_t alloc = { metered, &m };
  in_arena_t arena;
  in_json_t j;
  in_json_error_t e;
  in_span_t text = many_names(1000000, "%x");
  clock_t t = clock();
  in_arena_init(&arena, &alloc);
  ok(in_json_parse(text, IN_JSON_NOCASE, &arena, &j, &e) == INTEROP_OK, "a million names");
  double ms = (double) (clock() - t) * 1000 / CLOCKS_PER_SEC;
  ok(ms < 3000, "in less than three seconds");
  printf("# %zu bytes, %.0f ms, %zu bytes of memory\n", text.n, ms, m.most);
  ok(m.most < 10 * text.n + (1 << 20), "memory is bounded by the text");
  in_arena_free(&arena);
  char *p = (char *) (uintptr_t) text.p;
  memcpy(p + text.n - 9, "f423e", 5);       /* the last name becomes the one before it */
  is_number(in_json_parse(text, 0, &arena, &j, &e), INTEROP_SYNTAX, "the last of a million stands twice");
  is_number((long long) e.offset, (long long) text.n - 10, "and is pointed at");
  in_arena_free(&arena);
  free(p);
  is_number((long long) m.now, 0, "nothing leaks");
}

static void test_no_memory(void) {
  in_span_t text = many_names(4000, "name%u");
  long n = 0;
  interop_status_t rc;
  do {
    meter_t m = { 0, 0, n++ };
    interop_alloc_t alloc = { metered, &m };
    in_arena_t arena;
    in_json_t j;
    in_json_error_t e;
    in_arena_init(&arena, &alloc);
    rc = in_json_parse(text, 0, &arena, &j, &e);
    in_arena_free(&arena);
    if (m.now != 0 || (rc != INTEROP_OK && rc != INTEROP_NOMEM)) break;
  } while (rc == INTEROP_NOMEM && n < 100);
  ok(rc == INTEROP_OK && n > 2, "every allocation refused in turn");
  free((char *) (uintptr_t) text.p);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    for (int i = 1; i < argc; i++) judge_file(argv[i]);
    return 0;
  }
  test_rows();
  test_depth();
  test_print();
  test_drops();
  test_edits();
  test_lookup();
  test_quote();
  test_measure();
  test_bound();
  test_million();
  test_no_memory();
  return done();
}
