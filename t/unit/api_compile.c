/*
** api_compile.c -- API definitions that are wrong, by the exact text of the
** error; memory that runs out at every allocation; images that were damaged.
*/
#include "apis.h"
#include "tap.h"

/* ---- errors */

#define API(body)  "api a of teams { guards /x; error json {}; " body " }\n"

static const struct { const char *source, *want; } errors[] = {
  { "api a of teams { guards /x; }\n",
    "t.rules:1:5: this api does not say what an error looks like\n"
    "  api a of teams { guards /x; }\n      ^\n  hint: error json { \"code\": \"$reason\" };" },
  { "api a of team { error json {}; }\n",
    "t.rules:1:10: unknown system \"team\"\n  api a of team { error json {}; }\n           ^~~~\n  hint: did you mean \"teams\"?" },
  { "api a { error json {}; }\n",
    "t.rules:1:1: an api has a name and a system\n  api a { error json {}; }\n  ^~~\n  hint: api NAME of SYSTEM { ... }" },
  { API("opration message.send POST /x;"),
    "t.rules:1:44: unknown statement \"opration\"\n"
    "  " "api a of teams { guards /x; error json {}; opration message.send POST /x; }\n"
    "                                             ^~~~~~~~\n  hint: did you mean \"operation\"?" },
  { API("operation message.sned POST /x;"),
    "t.rules:1:54: unknown operation \"message.sned\"\n"
    "  " "api a of teams { guards /x; error json {}; operation message.sned POST /x; }\n"
    "                                                       ^~~~~~~~~~~~\n  hint: did you mean \"message.send\"?" },
  { API("operation message.send POST /y;"),
    "t.rules:1:72: no guard covers this path\n"
    "  ...or json {}; operation message.send POST /y; }\n"
    "                                             ^~\n"
    "  hint: guards name the prefixes that are under policy" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x;\noperation typing POST /x;\n}",
    "t.rules:3:23: this request means \"typing\" already\n  operation typing POST /x;\n                        ^~\n"
    "  hint: only operations with `when` can share a request" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x/{a}/{a};\n}",
    "t.rules:2:23: {a} stands twice in this path\n  operation typing POST /x/{a}/{a};\n                        ^~~~~~~~~~" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x/{a}{b};\n}",
    "t.rules:2:23: the braces of this path do not fit\n  operation typing POST /x/{a}{b};\n                        ^~~~~~~~~\n  hint: /{name}/fixed/{other}" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body mesage; }\nshape message { content /c text; }\n}",
    "t.rules:2:33: unknown shape \"mesage\"\n  operation typing POST /x { body mesage; }\n                                  ^~~~~~\n"
    "  hint: did you mean \"message\"?" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { bdy m; }\n}",
    "t.rules:2:28: unknown statement \"bdy\"\n  operation typing POST /x { bdy m; }\n                             ^~~\n  hint: did you mean \"body\"?" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { success 404; }\n}",
    "t.rules:2:28: success is a status from 200 to 299\n  operation typing POST /x { success 404; }\n                             ^~~~~~~\n  hint: success 204;" },
  { "api a of teams { guards /x; error json {};\nelement emoji { feature emojy; }\n}",
    "t.rules:2:25: unknown feature \"emojy\"\n  element emoji { feature emojy; }\n                          ^~~~~\n  hint: did you mean \"emoji\"?" },
  { "api a of teams { guards /x; error json { \"code\": \"$reson\" };\n}",
    "t.rules:1:51: unknown variable \"$reson\"\n  api a of teams { guards /x; error json { \"code\": \"$reson\" };\n"
    "                                                    ^~~~~~\n  hint: did you mean \"$reason\"?" },
  { "api a of teams { guards /x; error json { \"code\": 1, \"code\": 2 };\n}",
    "t.rules:1:53: this is no JSON: a name stands twice\n  api a of teams { guards /x; error json { \"code\": 1, \"code\": 2 };\n"
    "                                                      ^" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { content /c; } }\n}",
    "t.rules:2:43: a format is wanted: text, html or markdown\n  operation typing POST /x { body { content /c; } }\n"
    "                                            ^~\n  hint: content /POINTER [required] [data] text|html|markdown;  "
    "content /POINTER [required] format /POINTER [default FORMAT] { VALUE ... FORMAT; ... }  content raw { TYPE ... FORMAT; ... }" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { inert /c;  inert /c; } }\n}",
    "t.rules:2:52: \"/c\" is declared twice\n  operation typing POST /x { body { inert /c;  inert /c; } }\n"
    "                                                     ^~" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { parts /c mention;  inert /c/d; } }\n}",
    "t.rules:2:41: members inside \"c\" are declared too, which has a meaning as a whole\n"
    "  operation typing POST /x { body { parts /c mention;  inert /c/d; } }\n                                          ^~" },
  { "api a of teams { guards /x; error json {};\nshape m { parts /c by /d { image/gif gif; } }\noperation typing POST /x { body m; }\n}",
    "t.rules:2:43: a row for everything else is missing\n  shape m { parts /c by /d { image/gif gif; } }\n"
    "                                            ^\n  hint: * file;" },
  { "api a of teams { guards /x; error json {};\nshape m { parts /c by /d { * gif; image/gif gif; } }\noperation typing POST /x { body m; }\n}",
    "t.rules:2:35: this row is never reached: '*' stands before it\n  shape m { parts /c by /d { * gif; image/gif gif; } }\n"
    "                                    ^~~~~~~~~" },
  { "api a of teams { guards /x; error json {};\nmake m { POST /x/{conversation}; json { }; }\noperation typing POST /x { placeholder makes m; }\n}",
    "t.rules:3:46: that path needs {conversation}, which this operation's does not have\n"
    "  operation typing POST /x { placeholder makes m; }\n                                               ^" },
  { "api a of teams { guards /x; error json {};\nmake m { POST /x; json [ ]; keep /a; }\n}",
    "t.rules:2:6: members can be kept in a JSON object only\n  make m { POST /x; json [ ]; keep /a; }\n       ^" },
  { "api a of teams { guards /x; error json {};\nshape a of b { content /c text; }\nshape b of a { inert /d; }\noperation typing POST /x { body a; }\n}",
    "t.rules:3:12: shapes are inside one another too deep\n  shape b of a { inert /d; }\n             ^" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { parties /c id /i most 0 else malformed_body; } }\n}",
    "t.rules:2:52: a number from 1 to 131072 is wanted after this\n  operation typing POST /x { body { parties /c id /i most 0 else malformed_body; } }\n"
    "                                                     ^~~~\n  hint: most 200 else REASON" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { parties /c id /i most 131073 else malformed_body; } }\n}",
    "t.rules:2:52: a number from 1 to 131072 is wanted after this\n  operation typing POST /x { body { parties /c id /i most 131073 else malformed_body; } }\n"
    "                                                     ^~~~\n  hint: most 200 else REASON" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { parties /c id /i most 2 or malformed_body; } }\n}",
    "t.rules:2:52: a reason for more than this is wanted\n  operation typing POST /x { body { parties /c id /i most 2 or malformed_body; } }\n"
    "                                                     ^~~~\n  hint: most 200 else REASON" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { parties /c id /i most 2 else malformed_bodi; } }\n}",
    "t.rules:2:64: unknown reason \"malformed_bodi\"\n  ...x { body { parties /c id /i most 2 else malformed_bodi; } }\n"
    "                                             ^~~~~~~~~~~~~~\n  hint: did you mean \"malformed_body\"?" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { parties /c id /i most 2 else malformed_body most 3 else malformed_body; } }\n}",
    "t.rules:2:79: most stands twice\n  ...ies /c id /i most 2 else malformed_body most 3 else malformed_body; } }\n"
    "                                             ^~~~" },
  { "api a of teams { guards /x; error json {};\noperation typing POST /x { body { party /c id /i most 2 else malformed_body; } }\n}",
    "t.rules:2:50: only a list of people has a most\n  operation typing POST /x { body { party /c id /i most 2 else malformed_body; } }\n"
    "                                                   ^~~~" },
  { "api a of teams { guards /x; error json {};\noperation message.get GET /x { item { more /a;  more /b; } }\n}",
    "t.rules:2:49: an element has one list of further ones\n"
    "  operation message.get GET /x { item { more /a;  more /b; } }\n"
    "                                                  ^~~~" },
  { "api a of teams { guards /x; error json {};\noperation message.get GET /x { item { more /a b; } }\n}",
    "t.rules:2:39: a member of the element itself is wanted here\n"
    "  operation message.get GET /x { item { more /a b; } }\n"
    "                                        ^~~~\n"
    "  hint: more /MEMBER;" },
  { "api a of teams { guards /x; error json {};\noperation message.get GET /x { shows; }\n}",
    "t.rules:2:32: this statement has another form\n"
    "  operation message.get GET /x { shows; }\n"
    "                                 ^~~~~\n"
    "  hint: shows FEATURE;" },
  { "api a of teams { guards /x; error json {};\noperation message.get GET /x { shows movie; }\n}",
    "t.rules:2:38: unknown feature \"movie\"\n"
    "  operation message.get GET /x { shows movie; }\n"
    "                                       ^~~~~" },
  { "api a of teams { guards /x; error json {};\noperation message.get GET /x/{m} { party fetched GET /x/{m} { party /who id /id; } }\n}",
    "t.rules:2:36: only who is removed is asked for like this\n"
    "  operation message.get GET /x/{m} { party fetched GET /x/{m} { party /who id /id; } }\n"
    "                                     ^~~~~" },
  { "api a of teams { guards /x; error json {};\noperation participant.remove DELETE /x/{m} { party fetched GET /x/{n} { party /who id /id; } }\n}",
    "t.rules:2:64: that path needs {n}, which this operation's does not have\n"
    "  ...emove DELETE /x/{m} { party fetched GET /x/{n} { party /who id /id; } }\n"
    "                                             ^~~~~~" },
  { "api a of teams { guards /x; error json {};\noperation participant.remove DELETE /x/{m} { party fetched GET /x; }\n}",
    "t.rules:2:46: this statement has another form\n"
    "  operation participant.remove DELETE /x/{m} { party fetched GET /x; }\n"
    "                                               ^~~~~\n"
    "  hint: party fetched GET /PATH { party /POINTER ...; }" },
  { "api a of teams { guards /x; error json {};\noperation message.get GET /x { item { withheld; } }\n}",
    "t.rules:2:39: pointers are wanted\n"
    "  operation message.get GET /x { item { withheld; } }\n"
    "                                        ^~~~~~~~\n"
    "  hint: withheld /POINTER ...;" },
  { "api a of teams { guards /x; error json {}; }\napi a of teams { guards /x; error json {}; }\n",
    "t.rules:2:5: the api \"a\" is declared twice\n  api a of teams { guards /x; error json {}; }\n      ^" },
};

static void test_errors(void) {
  for (size_t i = 0; i < in_countof(errors); i++) {
    apis_t a;
    char name[32];
    const char *sources[] = { "t.rules", errors[i].source, NULL };
    interop_status_t rc = apis_compile(&a, &interop_alloc_libc, sources);
    snprintf(name, sizeof(name), "error %zu", i + 1);
    ok(rc == INTEROP_SYNTAX, "%s is found", name);
    is_text(a.diag.text, errors[i].want, name);
    apis_free(&a, &interop_alloc_libc);
  }
}

/* ---- no memory */

typedef struct { size_t now; long left; } meter_t;

static void *metered(void *ctx, void *ptr, size_t osize, size_t nsize) {
  meter_t *m = ctx;
  if (nsize > 0 && m->left >= 0 && m->left-- == 0) {
    m->left = 0;
    return NULL;
  }
  m->now += nsize;
  m->now -= osize;
  if (nsize == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, nsize);
}

static void test_compile_no_memory(const char *const *sources) {
  interop_status_t rc;
  long n = 0, bad = 0;
  do {
    apis_t a;
    meter_t m = { 0, n++ };
    interop_alloc_t alloc = { metered, &m };
    rc = apis_compile(&a, &alloc, sources);
    apis_free(&a, &alloc);
    if ((rc != INTEROP_OK && rc != INTEROP_NOMEM) || m.now != 0) bad++;
  } while (rc != INTEROP_OK && n < 5000);
  ok(rc == INTEROP_OK && bad == 0 && n > 20, "compiling: each of %ld allocations refused in turn", n - 1);
}

static interop_status_t whole_way(const apis_t *a, const interop_alloc_t *alloc) {
  static const char big[] = "{\"body\":{\"contentType\":\"html\",\"content\":\"<p>see <b>new</b> <a href='https://c.example/'>map</a></p>\"},\"attachments\":[{\"contentType\":\"image/png\"}],\"x\":1}";
  apis_run_t r;
  in_write_t w;
  in_answer_t ans;
  in_span_t type, body;
  in_original_t o;
  static const in_amend_t amend = { { "/new", 4 }, { "n", 1 } };
  interop_status_t rc;
  apis_read(a, alloc, &r, "graph", "PATCH", "/v1.0//chats('19%3Aa')/messages/9", "application/json", big, sizeof(big) - 1);
  rc = r.rc;
  if (rc == INTEROP_OK) rc = in_api_write(&a->img, &r.m, &r.ev, INTEROP_V_PLAIN_TEXT, IN_NONE, 0, 0, &r.arena, &w);
  if (rc == INTEROP_OK) rc = in_api_write(&a->img, &r.m, &r.ev, INTEROP_V_STRIP, IN_NONE, ~0u, 0, &r.arena, &w);
  if (rc == INTEROP_OK) rc = in_api_amend(&a->img, &r.ev, &amend, 1, &r.arena, &w);
  if (rc == INTEROP_OK) rc = in_api_write(&a->img, &r.m, &r.ev, INTEROP_V_PLACEHOLDER, IN_SPAN("t"), 0, 0, &r.arena, &w);
  if (rc == INTEROP_OK) rc = in_api_answer(&a->img, &r.ev, &w, IN_SPAN("{\"id\":\"5\"}"), &r.arena, &ans);
  if (rc == INTEROP_OK) rc = in_api_error(&a->img, apis_find(a, "graph"), NULL, 0, &r.arena, &type, &body);
  if (rc == INTEROP_OK && in_api_fetch(&a->img, &r.m, &r.ev, &r.arena).target.p == NULL) rc = INTEROP_NOMEM;
  if (rc == INTEROP_OK) rc = in_api_original(&a->img, &r.ev, IN_SPAN("{\"body\":{\"content\":\"x\"}}"), &r.arena, &o);
  in_arena_free(&r.arena);
  return rc;
}

static void test_request_no_memory(const apis_t *a) {
  interop_status_t rc;
  long n = 0, bad = 0;
  do {
    meter_t m = { 0, n++ };
    interop_alloc_t alloc = { metered, &m };
    rc = whole_way(a, &alloc);
    if ((rc != INTEROP_OK && rc != INTEROP_NOMEM) || m.now != 0) bad++;
  } while (rc != INTEROP_OK && n < 5000);
  ok(rc == INTEROP_OK && bad == 0 && n > 1, "a request: each of %ld allocations refused in turn", n - 1);
}

/* ---- damaged images: whatever verify accepts must do no harm */

static uint32_t state = 12345;

static uint32_t chance(uint32_t below) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % below;
}

static void test_damage(apis_t *a) {
  static const in_section_t sections[] = { IN_S_APIS, IN_S_ROUTES, IN_S_OPERATIONS, IN_S_SHAPES, IN_S_MEMBERS,
                                           IN_S_CHOICES, IN_S_ELEMENTS, IN_S_MAKES, IN_S_REFS, IN_S_INDEXES };
  int accepted = 0, refused = 0;
  for (int i = 0; i < 20000; i++) {
    in_section_t s = sections[chance(in_countof(sections))];
    uint32_t words = a->img.count[s] * in_record_size[s] / 4;
    uint32_t *at = (uint32_t *) (uintptr_t) a->img.section[s] + chance(words), old = *at;
    interop_diag_t diag;
    static const uint32_t values[] = { 0, 1, 2, 7, 100, IN_NIL, 0x7fffffff, 0x80000000u };
    *at = chance(3) == 0 ? old + chance(5) - 2 : values[chance(in_countof(values))];
    in_diag_clear(&diag);
    if (in_api_verify(&a->img, &diag) == INTEROP_OK) {
      accepted++;
      (void) whole_way(a, &interop_alloc_libc);
    } else {
      refused++;
    }
    *at = old;
  }
  ok(accepted > 1000 && refused > 1000, "images damaged in one word: %d accepted and used, %d refused", accepted, refused);
}

/* one field each that only its own check sees */
static void test_fields(apis_t *a) {
  in_ai_operation_t *op = (in_ai_operation_t *) (uintptr_t) a->img.section[IN_S_OPERATIONS];
  in_ai_route_t *route = (in_ai_route_t *) (uintptr_t) a->img.section[IN_S_ROUTES];
  in_ai_member_t *member = (in_ai_member_t *) (uintptr_t) a->img.section[IN_S_MEMBERS];
  in_ai_shape_t *shape = (in_ai_shape_t *) (uintptr_t) a->img.section[IN_S_SHAPES];
  struct { uint32_t *at, value; const char *name; } field[] = {
    { &op->captures.conversation, IN_CAPTURES, "a capture" }, { &route[1].capture, IN_CAPTURES, "a route's capture" },
    { &op->operation, INTEROP_OPERATION_COUNT, "an operation" }, { &op->shape, a->img.count[IN_S_SHAPES], "a shape" },
    { &op->next, 0, "a chain that goes back" }, { &member[1].role, IN_ROLE_COUNT, "a role" },
    { &member[1].feature, INTEROP_FEATURE_COUNT, "a feature" }, { &shape->content, shape->nodes, "a node" },
    { &shape->text_format, IN_FORMAT_MARKDOWN + 1, "a format" }, { &route->children.first, 0, "a trie that loops" },
  };
  for (size_t i = 0; i < in_countof(field); i++) {
    interop_diag_t diag;
    uint32_t old = *field[i].at;
    in_diag_clear(&diag);
    *field[i].at = field[i].value;
    is_number(in_api_verify(&a->img, &diag), INTEROP_DAMAGED, field[i].name);
    *field[i].at = old;
  }
}

int main(void) {
  apis_t a;
  const char *sources[] = { "graph.rules", apis_slurp("conf.d/apis/graph.rules"),
                            "kaizala.rules", apis_slurp("conf.d/apis/kaizala.rules"), NULL };
  test_errors();
  if (ok(apis_compile(&a, &interop_alloc_libc, sources) == INTEROP_OK, "the definitions compile")) {
    test_compile_no_memory(sources);
    test_request_no_memory(&a);
    test_fields(&a);
    test_damage(&a);
  }
  apis_free(&a, &interop_alloc_libc);
  free((char *) (uintptr_t) sources[1]);
  free((char *) (uintptr_t) sources[3]);
  return done();
}
