/*
** base.c -- tests of rules/base: spans, arena, buffer, UTF-8, time,
** diagnostics, names; and each of the allocating ones without memory.
*/
#include <stdlib.h>
#include "tap.h"
#include "../../rules/base/diag.h"

#define S  IN_SPAN

/* an allocator that counts bytes and refuses the allocation number `refuse` */
typedef struct {
  size_t live, calls, refuse;
} meter_t;

static void *resize(void *ctx, void *ptr, size_t osize, size_t nsize) {
  meter_t *m = ctx;
  if (nsize > osize && ++m->calls == m->refuse) return NULL;
  m->live = m->live - (ptr == NULL ? 0 : osize) + nsize;
  return interop_alloc_libc.resize(NULL, ptr, osize, nsize);
}

/* bytes in every place of spans of every size up to 20, against the plain way */
static void test_nocase(void) {
  static const char bytes[] = "@AZ[`az{0\0\x80\xc1\xda\xe1\xfa ";
  size_t wrong = 0, wrong_ascii = 0;
  for (size_t n = 1; n <= 20; n++)
    for (size_t at = 0; at < n; at++)
      for (size_t x = 0; x < sizeof(bytes); x++)
        for (size_t y = 0; y < sizeof(bytes); y++) {
          char *a = malloc(n), *b = malloc(n);       /* of this size, so that nothing behind is read unseen */
          if (a == NULL || b == NULL) abort();
          memset(a, 'Q', n);
          memset(b, 'q', n);
          a[at] = bytes[x];
          b[at] = bytes[y];
          wrong += in_eq_nocase(in_span(a, n), in_span(b, n)) != (in_lower(bytes[x]) == in_lower(bytes[y]));
          wrong_ascii += (in_utf8_check(in_span(a, n)) == n) != ((unsigned char) bytes[x] < 0x80);
          free(a);
          free(b);
        }
  is_number((long long) wrong, 0, "case ignored in every place, of letters only");
  is_number((long long) wrong_ascii, 0, "a byte that is not ASCII is seen in every place");
}

static void test_span(void) {
  ok(in_eq(S("a\0b"), S("a\0b")), "equal with a NUL inside");
  ok(!in_eq(S("a\0b"), S("a\0c")), "differs after a NUL");
  ok(in_eq(IN_NONE, S("")), "absent equals empty");
  ok(in_eq_nocase(S("AbZ"), S("aBz")), "case ignored");
  ok(!in_eq_nocase(S("@["), S("`{")), "only letters have case");
  ok(in_starts(S("abc"), S("ab")) && !in_starts(S("a"), S("ab")), "starts");
  ok(in_starts_nocase(S("HTTPS://"), S("http")), "starts, case ignored");
  ok(in_ends(S("x.gif"), S(".gif")) && !in_ends(S("gif"), S(".gif")), "ends");
  ok(in_contains(S("a\0bc"), S("\0b")) && !in_contains(S("ab"), S("ba")), "contains");
  ok(in_contains(IN_NONE, S("")), "everything contains nothing");
  ok(in_eq(in_trim(S(" \t a b\t ")), S("a b")), "trim");
  ok(in_trim(S("  ")).n == 0, "trim all");
  is_number(in_hash(S("")), 2166136261, "hash of nothing");
  is_number(in_hash(S("a")), 0xe40c292c, "hash of a");
  char block[64] = { 0 };
  uint64_t before = in_hash64(block, 64);
  int same = 0;
  for (int i = 0; i < 64 * 8; i++) {
    block[i / 8] = (char) (block[i / 8] ^ (1 << (i % 8)));
    same += in_hash64(block, 64) == before;
    block[i / 8] = (char) (block[i / 8] ^ (1 << (i % 8)));
  }
  is_number(same, 0, "each bit of a block changes its checksum");
  ok(in_hash64(block, 63) != before && in_hash64(block, 7) != in_hash64(block, 8),
     "so does its length");
  size_t r;
  ok(in_add(1, 2, &r) && r == 3 && !in_add(SIZE_MAX, 1, &r), "checked addition");
  ok(in_mul(3, 2, &r) && r == 6 && !in_mul(SIZE_MAX / 2, 3, &r), "checked multiplication");
}

static void test_arena(void) {
  meter_t m = { 0, 0, 0 };
  interop_alloc_t alloc = { resize, &m };
  in_arena_t a;
  in_arena_init(&a, &alloc);
  int bad = 0;
  for (size_t i = 0; i < 3000; i++) {
    size_t n = i % 7 == 0 ? 5000 : i % 100;
    unsigned char *p = in_arena_get(&a, n);
    if (p == NULL || (uintptr_t) p % 8 != 0) bad++;
    for (size_t k = 0; p != NULL && k < n; k++) bad += p[k] != 0;
    if (p != NULL) memset(p, 0xa5, n);
  }
  is_number(bad, 0, "3000 pieces, aligned and zeroed");
  ok(m.calls < 600, "small pieces share blocks");
  ok(in_arena_array(&a, SIZE_MAX / 2, 3) == NULL && a.failed, "an array too large fails");
  ok(in_arena_get(&a, 1) == NULL, "and stays failed");
  in_arena_free(&a);
  is_number((long long) m.live, 0, "all given back");

  in_span_t s = in_arena_copy(&a, S("x\0y"));
  ok(in_eq(s, S("x\0y")) && s.p[3] == '\0', "copy, with a NUL behind");
  ok(in_arena_copy(&a, IN_NONE).p == NULL, "absent stays absent");
  ok(in_arena_copy(&a, S("")).p != NULL, "empty is not absent");
  s = in_arena_printf(&a, "%s-%d-%u-%zu-%.*s", "a", -1, 2u, (size_t) 3, 2, "bcd");
  is_bytes(s.p, s.n, "a--1-2-3-bc", 11, "printf");

  interop_alloc_t inner = in_arena_alloc(&a);
  in_buf_t b;
  in_buf_init(&b, &inner);
  for (int i = 0; i < 100000; i++) in_buf_byte(&b, (char) i);
  for (int i = 0; i < 100000; i++) bad += b.p[i] != (char) i;
  is_number(bad, 0, "a buffer that grows in an arena");
  ok(m.live < b.size + 70000, "which leaves no halves of it behind");
  char *other = in_arena_get(&a, 40000);
  memset(other, 'y', 40000);
  for (int i = 0; i < 100000; i++) in_buf_byte(&b, (char) i);
  for (int i = 0; i < 200000; i++) bad += b.p[i] != (char) (i % 100000);
  for (int i = 0; i < 40000; i++) bad += other[i] != 'y';
  is_number(bad, 0, "not over what came after it");
  in_buf_free(&b);
  in_arena_free(&a);
  is_number((long long) m.live, 0, "all given back again");
  m = (meter_t) { 0, 0, 1 };
  ok(in_arena_copy(&a, S("x")).p == NULL && a.failed, "copy without memory");
  in_arena_free(&a);
}

static void test_buf(void) {
  meter_t m = { 0, 0, 0 };
  interop_alloc_t alloc = { resize, &m };
  in_buf_t b;
  in_buf_init(&b, &alloc);
  in_buf_put(&b, IN_NONE);
  ok(b.p == NULL && !b.failed, "nothing put, nothing allocated");
  in_buf_put(&b, S("a\0"));
  in_buf_byte(&b, 'b');
  in_buf_printf(&b, "%d", 42);
  is_bytes(b.p, b.n, "a\0b42", 5, "puts");
  b.n = 0;
  in_buf_utf8(&b, 0x24);
  in_buf_utf8(&b, 0xe4);
  in_buf_utf8(&b, 0x20ac);
  in_buf_utf8(&b, 0x1f600);
  in_buf_utf8(&b, 0xd800);
  in_buf_utf8(&b, 0x110000);
  is_bytes(b.p, b.n, "$\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd", 16, "utf8");
  static const struct { int64_t n; const char *text; } numbers[] = {
    { 0, "0" }, { 7, "7" }, { -7, "-7" }, { 10, "10" }, { 4294967296, "4294967296" },
    { INT64_MAX, "9223372036854775807" }, { INT64_MIN, "-9223372036854775808" },
  };
  for (size_t i = 0; i < in_countof(numbers); i++) {
    size_t from = b.n;
    in_buf_number(&b, numbers[i].n);
    is_bytes(b.p + from, b.n - from, numbers[i].text, strlen(numbers[i].text), "a number in decimal");
    b.n = from;
  }
  for (int i = 0; i < 1000; i++) in_buf_printf(&b, "%03d", i);
  ok(b.n == 3016 && in_eq(in_span(b.p + 3013, 3), S("999")), "printf grows");
  in_buf_free(&b);
  is_number((long long) m.live, 0, "given back");

  b.limit = 5;
  in_buf_put(&b, S("12345"));
  ok(!b.failed, "as much as the limit");
  in_buf_byte(&b, '6');
  ok(b.failed && b.n == 5, "over the limit");
  b.n = 0;
  in_buf_byte(&b, 'x');
  ok(b.failed && b.n == 0, "failed stays failed");
  in_buf_free(&b);
  b.limit = 5;
  in_buf_printf(&b, "%s", "12345");
  ok(!b.failed && b.n == 5, "printf up to the limit");
  in_buf_printf(&b, "%s", "6");
  ok(b.failed && b.n == 5, "printf over it");
  in_buf_free(&b);
  ok(!in_buf_reserve(&b, SIZE_MAX) && b.failed, "a size that does not fit");
  in_buf_free(&b);

  m.refuse = m.calls + 1;
  in_buf_put(&b, S("x"));
  ok(b.failed && b.n == 0, "put without memory");
  in_buf_free(&b);
  is_number((long long) m.live, 0, "nothing leaks");
}

/* runs of longer characters, by masks and one by one */
static void test_utf8_skip(void) {
  static const unsigned char more[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff };
  int bad = 0;
  for (unsigned i = 0x80 * 256; i < 0x10000; i++) {
    for (unsigned k = 0; k < 256; k++) {
      for (size_t n = 1; n <= 6; n++) {
        char s[6] = { (char) (i >> 8), (char) i, (char) more[k >> 4], (char) more[k & 15], '\xc3', '\xa9' };
        const char *p = s, *end = s + n;
        uint32_t cp;
        unsigned one;
        while (p < end && (unsigned char) *p >= 0x80 && (one = in_utf8_next(in_span(p, (size_t) (end - p)), &cp)) > 0) p += one;
        bad += in_utf8_skip(s, end) != p;
      }
    }
  }
  is_number(bad, 0, "runs of characters beyond ASCII");
}

static void test_utf8(void) {
  static const struct { in_span_t s; size_t good; } rows[] = {
    { S(""), 0 }, { S("abc\0def ghi jkl"), 15 }, { S("\xc3\xa4"), 2 },
    { S("\xed\x9f\xbf\xee\x80\x80"), 6 }, { S("\xf4\x8f\xbf\xbf"), 4 },
    { S("a\x80"), 1 }, { S("a\xc3"), 1 }, { S("\xc0\xaf"), 0 }, { S("\xc1\xbf"), 0 },
    { S("\xe0\x9f\xbf"), 0 }, { S("\xed\xa0\x80"), 0 }, { S("\xf0\x8f\xbf\xbf"), 0 },
    { S("\xf4\x90\x80\x80"), 0 }, { S("\xf5\x80\x80\x80"), 0 }, { S("\xff"), 0 },
    { S("0123456789abcdef\xe2\x82"), 16 }, { S("\xe2\x82\xac\xe2\x28\xac"), 3 },
  };
  int bad = 0;
  for (size_t i = 0; i < in_countof(rows); i++) {
    if (in_utf8_check(rows[i].s) == rows[i].good) continue;
    printf("# row %zu: %zu\n", i, in_utf8_check(rows[i].s));
    bad++;
  }
  is_number(bad, 0, "what is UTF-8");
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  for (uint32_t c = 0; c <= 0x10ffff; c++) {
    uint32_t back = 0;
    if (c >= 0xd800 && c <= 0xdfff) continue;
    b.n = 0;
    in_buf_utf8(&b, c);
    bad += in_utf8_next(in_buf_span(&b), &back) != b.n || back != c;
  }
  is_number(bad, 0, "every code point there and back");
  in_buf_free(&b);
}

static void test_time(void) {
  static const struct { const char *text; int64_t seconds; } good[] = {
    { "1970-01-01", 0 }, { "2019-01-15", 1547510400 }, { "2019-01-15T10:00:00Z", 1547546400 },
    { "2019-01-15T10:00:00.1234567Z", 1547546400 }, { "2019-01-15T10:00:00+01:00", 1547542800 },
    { "2019-01-15t10:00:00.5-00:30", 1547548200 }, { "1969-12-31T23:59:59Z", -1 },
    { "2000-02-29", 951782400 }, { "0000-01-01", -62167219200 }, { "9999-12-31T23:59:59Z", 253402300799 },
  };
  static const char *const wrong[] = {
    "", "2019", "2019-01", "2019-1-15", "2019-00-01", "2019-13-01", "2019-02-29", "1900-02-29",
    "2019-04-31", "2019-01-15T", "2019-01-15T10:00:00", "2019-01-15T10:00Z", "2019-01-15T24:00:00Z",
    "2019-01-15T10:60:00Z", "2019-01-15T10:00:60Z", "2019-01-15T10:00:00.Z", "2019-01-15T10:00:00+0100",
    "2019-01-15T10:00:00+24:00", "2019-01-15 10:00:00Z", "2019-01-15T10:00:00Zx", " 2019-01-15",
    "-019-01-15", "2019-01-15T10:00:00+01",
  };
  int bad = 0;
  int64_t t;
  char out[24];
  for (size_t i = 0; i < in_countof(good); i++) {
    if (in_time_parse(in_str(good[i].text), &t) && t == good[i].seconds) continue;
    printf("# %s: %lld\n", good[i].text, (long long) t);
    bad++;
  }
  is_number(bad, 0, "times that are read");
  for (size_t i = 0; i < in_countof(wrong); i++) {
    if (!in_time_parse(in_str(wrong[i]), &t)) continue;
    printf("# %s was accepted\n", wrong[i]);
    bad++;
  }
  is_number(bad, 0, "times that are refused");
  for (int64_t i = -62167219200; i < 253402300799; i += 86400 * 17 + 12345) {
    in_time_format(i, out);
    bad += strlen(out) != 20 || !in_time_parse(in_str(out), &t) || t != i;
  }
  is_number(bad, 0, "there and back");
  in_time_format(INT64_MAX, out);
  is_text(out, "9999-12-31T23:59:59Z", "the last time");
  in_time_format(INT64_MIN, out);
  is_text(out, "0000-01-01T00:00:00Z", "the first time");
}

static void test_diag(void) {
  in_source_t source = { S("a.rules"), S("one\n\tif \xc3\xa4 client is\r\nthree\001") };
  interop_diag_t d;
  in_diag_clear(&d);
  in_diag_hint(&d, "x");
  is_text(d.text, "", "no hint without an error");
  in_diag_at(&d, INTEROP_SYNTAX, (in_place_t) { &source, 11, 6 }, "no field '%s'", "client");
  in_diag_hint(&d, "did you mean '%s'?", "sender");
  is_text(d.text, "a.rules:2:7: no field 'client'\n  \tif \xc3\xa4 client is\n  \t     ^~~~~~\n"
          "  hint: did you mean 'sender'?", "place, line, caret, hint");
  ok(d.status == INTEROP_SYNTAX && d.line == 2 && d.column == 7, "place as numbers");
  in_diag_at(&d, INTEROP_IO, (in_place_t) { NULL, 0, 0 }, "second");
  in_diag_hint(&d, "of the second");
  ok(strstr(d.text, "second") == NULL && d.status == INTEROP_SYNTAX, "the first error stays");

  in_diag_clear(&d);
  in_diag_at(&d, INTEROP_SYNTAX, (in_place_t) { &source, 21, 90 }, "m");
  is_text(d.text, "a.rules:2:16: m\n  \tif \xc3\xa4 client is\n  \t              ^", "at a line's end");
  in_diag_clear(&d);
  in_diag_at(&d, INTEROP_SYNTAX, (in_place_t) { &source, 999, 1 }, "m");
  is_text(d.text, "a.rules:3:7: m\n  three?\n        ^", "behind the end");
  in_diag_clear(&d);
  in_source_t empty = { S("e"), IN_NONE };
  in_diag_at(&d, INTEROP_SYNTAX, (in_place_t) { &empty, 0, 0 }, "nothing");
  is_text(d.text, "e:1:1: nothing\n  \n  ^", "an empty source");
  in_diag_clear(&d);
  in_diag_set(&d, INTEROP_NOMEM, "no memory for %zu bytes", (size_t) 7);
  is_text(d.text, "no memory for 7 bytes", "without a place");
  ok(d.line == 0 && d.column == 0, "no place as numbers");
}

static void test_long_diag(void) {
  char line[4001], name[400];
  memset(line, 'x', sizeof(line));
  memset(name, 'n', sizeof(name));
  in_source_t source = { in_span(name, sizeof(name)), in_span(line, sizeof(line)) };
  interop_diag_t d;
  in_diag_clear(&d);
  line[2000] = 'Y';
  in_diag_at(&d, INTEROP_SYNTAX, (in_place_t) { &source, 2000, 3 }, "m");
  char *text = strchr(d.text, '\n'), *caret = strchr(text + 1, '\n');
  is_number(strchr(text, 'Y') - text, strchr(caret, '^') - caret, "the caret of a cut line");
  ok(strncmp(text, "\n  ...", 6) == 0 && strncmp(caret - 3, "...\n", 4) == 0, "cut at both ends");
  ok(strstr(d.text, ":1:2001: m\n") != NULL && strncmp(d.text, "...nnn", 6) == 0, "a long name");

  for (size_t i = 0; i < 3999; i += 3) memcpy(line + i, "\xe2\x82\xac", 3);
  in_diag_clear(&d);
  in_diag_at(&d, INTEROP_SYNTAX, (in_place_t) { &source, 0, 4000 }, "%.*s", 1500, line);
  in_diag_hint(&d, "%s", "h");
  ok(strlen(d.text) > INTEROP_DIAG_MAX - 8 && strlen(d.text) < INTEROP_DIAG_MAX, "cut to size");
  is_number((long long) in_utf8_check(in_str(d.text)), (long long) strlen(d.text),
            "not inside a character");
}

static void test_nearest(void) {
  static const in_span_t words[] = { S("sender"), S("tenant"), S("conversation"), S("to") };
#define NEAR(word)  in_nearest(S(word), words, in_countof(words))
  ok(in_eq(NEAR("sendre"), words[0]), "a swap");
  ok(in_eq(NEAR("tennant"), words[1]), "a letter too many");
  ok(in_eq(NEAR("converstion"), words[2]), "a letter missing");
  ok(NEAR("policy").p == NULL, "nothing near");
  ok(NEAR("x").p == NULL && NEAR("").p == NULL, "too short");
  char word[200];
  memset(word, 'a', sizeof(word));
  ok(in_nearest(in_span(word, sizeof(word)), words, 4).p == NULL, "too long");
}

static void test_names(void) {
  is_text(interop_verdict_name(INTEROP_V_PLAIN_TEXT), "plain_text", "a verdict");
  is_text(interop_operation_name(INTEROP_OP_OTHER), "other", "an operation");
  is_text(interop_kind_name(INTEROP_K_ACTION_CARD), "action_card", "a kind");
  is_text(interop_feature_name(INTEROP_F_UNDECLARED), "undeclared", "a feature");
  is_text(interop_record_kind_name(INTEROP_R_CALL), "call", "a record");
  is_text(interop_status_name(INTEROP_NOMEM), "out of memory", "a status");
  is_text(interop_status_name(INTEROP_STATUS_COUNT), "?", "no status");
}

int main(void) {
  test_span();
  test_nocase();
  test_arena();
  test_buf();
  test_utf8();
  test_utf8_skip();
  test_time();
  test_diag();
  test_long_diag();
  test_nearest();
  test_names();
  return done();
}
