/*
** path.c -- the request target taken apart: a row is a target and what is
** forwarded, or that it can be read in more than one way.
*/
#include "api/path.h"
#include "tap.h"

static const struct { const char *target, *want; } rows[] = {
  /* want: the normalised target; "=" the same; "!" malformed. Segments are shown
     decoded after a blank where they differ */
  { "/", "= /" },
  { "", "!" },
  { "*", "!" },
  { "chats", "!" },
  { "/v1.0/chats", "= /v1.0/chats" },
  { "/v1.0/chats/19:a@t/messages", "= /v1.0/chats/19:a@t/messages" },
  { "/v1.0/chats/19%3Aa%40t/messages", "= /v1.0/chats/19:a@t/messages" },
  { "/v1.0/chats/19%3aa/messages?$top=20&a=%2F", "= /v1.0/chats/19:a/messages" },
  { "/v1.0/%63hats", "= /v1.0/chats" },
  { "/a?", "= /a" },
  { "/a?b?c//d/../e", "= /a" },
  /* merged and removed */
  { "/v1.0//chats///a/messages", "/v1.0/chats/a/messages /v1.0/chats/a/messages" },
  { "/v1.0/chats/a/messages/", "/v1.0/chats/a/messages /v1.0/chats/a/messages" },
  { "//", "/ /" },
  { "//v1.0/chats", "/v1.0/chats /v1.0/chats" },
  { "/./a", "/a /a" },
  { "/a/.", "/a /a" },
  { "/a/./b/", "/a/b /a/b" },
  { "/v1.0/me/../chats/./a", "/v1.0/chats/a /v1.0/chats/a" },
  { "/v1.0/me/%2e%2e/chats/%2E/a", "/v1.0/chats/a /v1.0/chats/a" },
  { "/a/.%2e/b", "/b /b" },
  { "/a/b/..", "/a /a" },
  { "/..", "/ /" },
  { "/../../a", "/a /a" },
  { "/a/../../b", "/b /b" },
  { "/a/...", "= /a/..." },
  { "/a/..b", "= /a/..b" },
  { "/v1.0//chats/19%3Aa//messages?x=//", "/v1.0/chats/19%3Aa/messages?x=// /v1.0/chats/19:a/messages" },
  { "/a//?", "/a? /a" },
  { "http://host/v1.0/chats?x", "/v1.0/chats?x /v1.0/chats" },
  { "HTTPS://u:p@host:8/a//b", "/a/b /a/b" },
  { "http://host", "/ /" },
  { "http://host?x=1", "/?x=1 /" },
  /* keys */
  { "/v1.0/chats('a')/messages", "/v1.0/chats/a/messages /v1.0/chats/a/messages" },
  { "/v1.0/chats('19%3Aa%40t')/messages('7')", "/v1.0/chats/19%3Aa%40t/messages/7 /v1.0/chats/19:a@t/messages/7" },
  { "/v1.0/chats(%2719:a%27)", "/v1.0/chats/19:a /v1.0/chats/19:a" },
  { "/v1.0/chats%28'a'%29", "/v1.0/chats/a /v1.0/chats/a" },
  { "/users('o''brien')", "/users/o'brien /users/o'brien" },
  { "/users('o%27%27b%3A')", "/users/o'b: /users/o'b:" },
  { "/users('a b')", "/users/a b /users/a b" },
  { "/a/b(c", "= /a/b(c" },
  { "/a/(b)", "= /a/(b)" },
  { "/users('o'brien')", "!" },
  { "/chats('')", "!" },
  { "/chats('..')", "!" },
  { "/chats('.')/x", "!" },
  { "/chats/..('messages')", "!" },
  { "/chats/%2E%2e('messages')/a", "!" },
  { "/a/.('b')/", "!" },
  { "/a/...('b')", "/a/.../b /a/.../b" },
  { "/chats(a)", "!" },
  { "/chats(id='a')", "!" },
  { "/chats()", "!" },
  { "/chats('a%2Fb')", "!" },
  { "/chats('x(''y'')')", "!" },
  { "/chats(\"a\")", "!" },
  { "/c%ats('a')", "!" },
  /* what can be read in two ways */
  { "/v1.0/chats/a%2Fmessages", "!" },
  { "/v1.0/chats/a%2fmessages", "!" },
  { "/v1.0/chats/a%5Cmessages", "!" },
  { "/v1.0/chats/a\\messages", "!" },
  { "/v1.0/%2563hats/a", "!" },
  { "/v1.0/chats/a%252Fb", "!" },
  { "/v1.0/chats/a%00", "!" },
  { "/v1.0/chats/a%0a", "!" },
  { "/v1.0/chats/a%7F", "!" },
  { "/v1.0/chats/\x01", "!" },
  { "/v1.0/chats;x=1/a", "!" },
  { "/v1.0/chats%3Bx/a", "!" },
  { "/a/..;/b", "!" },
  { "/v1.0/chats/%c0%af", "!" },
  { "/v1.0/chats/%ff", "!" },
  { "/v1.0/chats/%ed%a0%80", "!" },
  { "/v1.0/chats/%", "!" },
  { "/v1.0/chats/%4", "!" },
  { "/v1.0/chats/%zz", "!" },
  { "/v1.0/chats/%u0041", "!" },
  { "/v1.0/chats/a#b", "!" },
  /* not these */
  { "/v1.0/chats/100%25", "= /v1.0/chats/100%" },
  { "/v1.0/chats/%25zz", "= /v1.0/chats/%zz" },
  { "/v1.0/chats/%C3%A9", "= /v1.0/chats/\xc3\xa9" },
  { "/v1.0/chats/a%20b%3Fc", "= /v1.0/chats/a b?c" },
  { "/callConnections:answer", "= /callConnections:answer" },
  { "/participants/:add", "= /participants/:add" },
};

static void show(const in_path_t *p, const char *target, in_arena_t *arena, in_buf_t *b) {
  in_span_t s = in_path_print(p, arena);
  if (p->malformed) {
    in_buf_put(b, IN_SPAN("!"));
    return;
  }
  if (p->changed) in_buf_put(b, s); else in_buf_byte(b, '=');
  if (!p->changed && !in_eq(s, in_str(target))) in_buf_put(b, IN_SPAN("(printed differently)"));
  in_buf_byte(b, ' ');
  for (uint32_t i = 0; i < p->count; i++) in_buf_printf(b, "/%.*s", (int) p->segment[i].text.n, p->segment[i].text.p);
  if (p->count == 0) in_buf_byte(b, '/');
}

static void test_rows(void) {
  for (size_t i = 0; i < in_countof(rows); i++) {
    in_arena_t arena;
    in_path_t p, again;
    in_buf_t b;
    in_arena_init(&arena, &interop_alloc_libc);
    in_buf_init(&b, &interop_alloc_libc);
    in_path_parse(in_str(rows[i].target), true, &arena, &p);
    show(&p, rows[i].target, &arena, &b);
    is_bytes(b.p, b.n, rows[i].want, strlen(rows[i].want), rows[i].target);
    if (!p.malformed) {
      in_span_t s = in_path_print(&p, &arena);
      in_path_parse(s, true, &arena, &again);
      ok(!again.malformed && !again.changed && again.count == p.count
         && in_eq(in_path_print(&again, &arena), s), "... and again gives the same");
    }
    in_buf_free(&b);
    in_arena_free(&arena);
  }
}

static void test_plain(void) {
  in_arena_t arena;
  in_path_t p;
  in_arena_init(&arena, &interop_alloc_libc);
  in_path_parse(IN_SPAN("/chats('a')/b"), false, &arena, &p);
  ok(!p.changed && !p.malformed && p.count == 2, "without keys a parenthesis is a character");
  char many[4 * IN_PATH_MAX + 8];
  for (size_t i = 0; i < sizeof(many); i += 2) memcpy(many + i, "/a", 2);
  in_path_parse(in_span(many, 2 * IN_PATH_MAX), true, &arena, &p);
  ok(!p.malformed && p.count == IN_PATH_MAX, "as many segments as there may be");
  in_path_parse(in_span(many, 2 * IN_PATH_MAX + 2), true, &arena, &p);
  ok(p.malformed && p.broken, "one more is too many");
  in_arena_free(&arena);
}

/* every byte in every place of targets shorter and longer than a block */
static void test_bytes(void) {
  size_t wrong = 0;
  for (size_t n = 3; n <= 50; n++)
    for (size_t at = 2; at < n; at++)
      for (unsigned c = 0; c < 256; c++) {
        char target[50];
        in_arena_t arena;
        in_path_t p;
        bool odd = c < 0x20 || c >= 0x7f || c == '\\' || c == ';' || c == '%';
        if (c == '/' || c == '?' || c == '#') continue;
        memset(target, 'x', n);
        target[0] = '/';
        target[at] = (char) c;
        in_arena_init(&arena, &interop_alloc_libc);
        in_path_parse(in_span(target, n), true, &arena, &p);
        wrong += p.malformed != odd || p.count != 1 || p.segment[0].odd != odd || p.segment[0].raw.n != n - 1;
        in_arena_free(&arena);
      }
  is_number((long long) wrong, 0, "a byte that asks for a look is seen in every place");
}

static void test_lenient(void) {
  static const struct { const char *target, *want; } lenient[] = {
    { "/v1.0/%252563hats%2Fa", "/v1.0/chats/a" }, { "/v1.0\\chats", "/v1.0/chats" },
    { "/v1.0;x/chats;y=1/a", "/v1.0/chats/a" }, { "/other/..%2fv1.0/chats", "/v1.0/chats" },
    { "/a/..;/chats", "/chats" }, { "/ch%00ats", "/chats" }, { "/x/%c0%ae%c0%ae%c0%afchats", "/chats" },
  };
  for (size_t i = 0; i < in_countof(lenient); i++) {
    in_arena_t arena;
    in_path_t p;
    in_arena_init(&arena, &interop_alloc_libc);
    in_path_lenient(in_str(lenient[i].target), true, &arena, &p);
    in_span_t s = in_path_print(&p, &arena);
    is_bytes(s.p, s.n, lenient[i].want, strlen(lenient[i].want), lenient[i].target);
    in_arena_free(&arena);
  }
}

static void test_query(void) {
  in_arena_t arena;
  uint32_t count;
  in_span_t q = IN_SPAN("a=1&conversation=21%3Aa&b&c%6fnversation=2&e=");
  in_arena_init(&arena, &interop_alloc_libc);
  in_span_t v = in_path_query(q, IN_SPAN("a"), &arena, &count);
  ok(count == 1 && in_eq(v, IN_SPAN("1")), "a parameter");
  (void) in_path_query(q, IN_SPAN("conversation"), &arena, &count);
  is_number(count, 2, "a parameter twice, once encoded");
  v = in_path_query(q, IN_SPAN("b"), &arena, &count);
  ok(count == 1 && v.p != NULL && v.n == 0, "a parameter without a value");
  (void) in_path_query(q, IN_SPAN("x"), &arena, &count);
  is_number(count, 0, "no parameter");
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  in_path_encode(&b, IN_SPAN("19:a@t/\xc3\xa9(')%"));
  is_bytes(b.p, b.n, "19:a@t%2F%C3%A9%28'%29%25", 25, "encoded as one segment");
  in_buf_free(&b);
  in_arena_free(&arena);
}

int main(void) {
  test_rows();
  test_plain();
  test_bytes();
  test_lenient();
  test_query();
  return done();
}
