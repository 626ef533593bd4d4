/*
** lua.c -- the Lua host by itself: what a script can do, what it cannot, what
** it costs, and memory that is refused to it at every place.
**
** The event is made up here; regexes and JSON are the library's.
*/
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "tap.h"
#include "rules/script/script.h"

static const interop_extension_t *lua;
static char logged[4096];
static int64_t counter;
static interop_status_t stop_with;      /* what the field `card` answers */

/* ---- an event */

static interop_status_t field(void *ctx, interop_event_field_t f, interop_value_t *v) {
  (void) ctx;
  memset(v, 0, sizeof(*v));
  v->type = INTEROP_T_TEXT;
  switch (f) {
    case INTEROP_EV_OPERATION: v->text = IN_SPAN("message.send"); break;
    case INTEROP_EV_KIND: v->text = IN_SPAN("text"); break;
    case INTEROP_EV_TEXT: v->text = IN_SPAN("Meet me at gate 7, or gate 12."); break;
    case INTEROP_EV_TIME: v->type = INTEROP_T_NUMBER; v->number = 1547546400; break;
    case INTEROP_EV_VERDICT: v->text = IN_SPAN("deliver"); break;
    case INTEROP_EV_CARD: v->type = INTEROP_T_NULL; return stop_with;
    default: v->type = INTEROP_T_NULL;
  }
  return INTEROP_OK;
}

static interop_status_t fact(void *ctx, interop_script_subject_t of, uint32_t number, in_span_t name, interop_value_t *v) {
  (void) ctx;
  memset(v, 0, sizeof(*v));
  if (in_eq(name, IN_SPAN("id"))) {
    v->type = INTEROP_T_TEXT;
    v->text = of == INTEROP_SS_RECIPIENT ? (number == 0 ? IN_SPAN("mira") : IN_SPAN("ruth")) : IN_SPAN("jonas");
  } else if (in_eq(name, IN_SPAN("linked"))) {
    v->type = INTEROP_T_FLAG;
  } else if (in_eq(name, IN_SPAN("toggles"))) {
    return INTEROP_USAGE;
  } else if (in_eq(name, IN_SPAN("toggles.a.b"))) {
    v->type = INTEROP_T_TEXT;
    v->text = IN_SPAN("on");
  } else if (!in_eq(name, IN_SPAN("country"))) {
    return INTEROP_MISSING;
  }
  return INTEROP_OK;
}

static uint32_t recipients(void *ctx) { (void) ctx; return 2; }

static void write_log(void *ctx, in_span_t line) {
  size_t n = strlen(logged);
  (void) ctx;
  if (n + line.n + 2 > sizeof(logged)) return;
  memcpy(logged + n, line.p, line.n);
  memcpy(logged + n + line.n, "\n", 2);
}

static interop_status_t count(void *ctx, in_span_t name, int64_t by, uint32_t ttl, int64_t *value) {
  (void) ctx; (void) ttl; (void) name;
  *value = counter += by;
  return INTEROP_OK;
}

static interop_services_t services(void) {
  interop_services_t s = in_script_services;
  s.field = field;
  s.fact = fact;
  s.recipients = recipients;
  s.log = write_log;
  s.count = count;
  return s;
}

static interop_services_t own;
static interop_diag_t diag;

static interop_script_t *load_with(const char *text, const interop_budget_t *b, const interop_alloc_t *a) {
  interop_script_source_t source;
  interop_script_t *s = NULL;
  memset(&source, 0, sizeof(source));
  source.name = IN_SPAN("s");
  source.file = IN_SPAN("s.lua");
  source.text = in_str(text);
  if (b != NULL) source.budget = *b;
  memset(&diag, 0, sizeof(diag));
  if (lua->load(&source, &own, a, &s, &diag) != INTEROP_OK) return NULL;
  return s;
}

/* what is no matter of time is given enough of it: the machine may be busy */
static interop_script_t *load(const char *text) {
  static const interop_budget_t b = { 0, 0, 1000000, 0 };
  return load_with(text, &b, &interop_alloc_libc);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* ---- what it can */

/* body of the function: it must not fail; its log */
static const char *said(const char *body) {
  static char text[8192];
  interop_script_result_t r;
  interop_script_t *s;
  logged[0] = '\0';
  snprintf(text, sizeof(text), "return function(event, verdict) %s end", body);
  s = load(text);
  if (s == NULL) return diag.text;
  if (lua->run(s, NULL, &r) != INTEROP_OK) snprintf(logged, sizeof(logged), "a status");
  else if (r.end != INTEROP_SE_DONE) snprintf(logged, sizeof(logged), "%.*s", (int) r.error.n, r.error.p);
  lua->free(s);
  if (logged[0] != '\0' && logged[strlen(logged) - 1] == '\n') logged[strlen(logged) - 1] = '\0';
  return logged;
}

static void test_use(void) {
  static const struct { const char *body, *log, *name; } t[] = {
    { "log(event.operation, event.kind, event.time, verdict.name)", "message.send text 1547546400 deliver", "fields" },
    { "log(event.sender.id, #event.recipients, event.recipients[2].id, event.recipients[3])", "jonas 2 ruth nil", "people" },
    { "for i, p in ipairs(event.recipients) do log(i, p.id) end", "1 mira\n2 ruth", "people in a loop" },
    { "log(event.sender.country == nil, event.sender.linked == false, event.sender.linked == nil)", "true true false",
      "what is not known is nil, and another thing than false" },
    { "log(event.tenant.toggles['a.b'], event.tenant['toggles.a.b'])", "on on", "names with a dot" },
    { "log(event.client.country, event.reason)", "s.lua:1: there is no field \"reason\"", "a name that nothing has" },
    { "log(event.sender.contry)", "s.lua:1: there is no field \"contry\"", "a fact that nobody declared" },
    { "event.kind = 'x'", "s.lua:1: an event and a verdict cannot be changed; return what is to be done", "an event is read-only" },
    { "log(re.match(event.text, [[gate (\\d+)]]), re.find(event.text, 'gate'))", "7 12 15", "match and find" },
    { "for n in re.gmatch(event.text, [[\\d+]]) do log(n) end", "7\n12", "gmatch" },
    { "log(re.gsub(event.text, [[gate (\\d+)]], 'G%1'))", "Meet me at G7, or G12. 2", "gsub" },
    { "log(re.gsub('a b c', [[\\w]], { a = '1', c = '3' }))", "1 b 3 3", "gsub by a table" },
    { "log(re.gsub('abc', '', '-'))", "-a-b-c- 4", "empty matches go on" },
    { "log(('x1'):match([[\\d]]), ('x'):find('x', 1, true), string.gsub('aa', 'a', 'b', 1))", "1 1 ba 1", "as methods of texts" },
    { "log(re.match('aé', '.$'))", "é", "regexes are over UTF-8" },
    { "log(text.words('one two  three'), text.contains('abc', 'bc'))", "3 true", "text" },
    { "log(text.contains_any('meet PROJECT  kestrel now', text.list{ 'owl', 'Project Kestrel' }))", "project kestrel", "word lists" },
    { "log(text.contains_any('owls', text.list{ 'owl' }))", "nil", "whole words" },
    { "log(text.hash('jonas') == text.hash('jonas'), text.hash('a') ~= text.hash('b'), text.hash('x') < 2^31)", "true true true",
      "hash" },
    { "local d = time.date(event.time, 330) log(d.year, d.month, d.day, d.hour, d.min, d.wday)", "2019 1 15 15 30 2", "dates" },
    { "log(time.format(event.time), time.parse('2019-01-15T10:00:00Z'), time.parse('2019-13-01'))",
      "2019-01-15T10:00:00Z 1547546400 nil", "times" },
    { "local v = json.decode('{\"a\":[1,2.5,\"x\",null,true,{}],\"b\":-3}') log(v.a[1], v.a[2], v.a[3], v.a[4] == json.null, v.a[5], v.b)",
      "1 2.5 x true true -3", "json.decode" },
    { "log(json.encode({ a = { 1, 'x\"\\n', true } }), json.encode('x'), json.encode({}))", "{\"a\":[1,\"x\\\"\\u000a\",true]} \"x\" {}",
      "json.encode" },
    { "log(json.decode('[1,]'))", NULL, "json that is none" },
    { "log(counter.incr('n', 60), counter.incr('n', 60, 2), counter.get('n'))", "1 3 3", "counters" },
    { "log(pcall(error, { 1 }))", "false table", "pcall" },
    { "log(select(2, pcall(function() error('no', 0) end)))", "no", "an error's text" },
    { "log(tostring(print or 1))", "s.lua:1: there is nothing called \"print\" here", "no name is a slip of the pen" },
    { "log(tostring({}), tostring(log), string.format('%s %5.1f %d', log, 2.25, 7))", "table function function   2.2 7",
      "no address is told" },
    { "log(string.format('%p', 'x'))", "s.lua:1: %p is not there", "nor by %p" },
    { "local t = { 3, 1, 2 } table.sort(t, function(a, b) return a > b end) log(table.concat(t, ','), table.unpack(t))", "3,2,1 3 2 1",
      "table" },
    { "goto x ::x:: log(7 // 2, math.type(1), utf8.len('aé'), #'abc')", "3 integer 2 3", "the language itself" },
    { "log(1 // 0)", "s.lua:1: attempt to divide by zero", "an integer division by nothing" },
  };
  for (size_t i = 0; i < in_countof(t); i++) {
    const char *got;
    counter = 0;
    got = said(t[i].body);
    if (t[i].log != NULL) is_text(got, t[i].log, t[i].name);
    else ok(strncmp(got, "s.lua:1: this is not JSON", 25) == 0, "%s", t[i].name);
  }
}

/* ---- what it gives */

static void test_actions(void) {
  static const struct { const char *body; interop_script_end_t end; uint32_t actions; const char *error, *name; } t[] = {
    { "return", INTEROP_SE_DONE, 0, NULL, "nothing" },
    { "return nil", INTEROP_SE_DONE, 0, NULL, "nil" },
    { "deny('x')", INTEROP_SE_DONE, 0, NULL, "an action that is not returned does nothing" },
    { "return deny('x', 'y'), notice('n'), set_header('X-A', 'b')", INTEROP_SE_DONE, 3, NULL, "three actions" },
    { "return 'deny'", INTEROP_SE_RESULT, 0,
      "s.lua: a script returns deny(...), notice(...) and the like, or nothing; this returned a string", "a text" },
    { "return json.null", INTEROP_SE_RESULT, 0,
      "s.lua: a script returns deny(...), notice(...) and the like, or nothing; this returned a userdata", "another light userdata" },
    { "return deny('x'), drop()", INTEROP_SE_RESULT, 0, "s.lua: a script returned more than one verdict", "two verdicts" },
    { "return deny()", INTEROP_SE_ERROR, 0, "s.lua:1: bad argument #1 to 'deny' (string expected, got no value)", "deny wants a reason" },
    { "return deny(1)", INTEROP_SE_ERROR, 0, "s.lua:1: bad argument #1 to 'deny' (string expected, got number)", "which is a text" },
    { "return drop('x')", INTEROP_SE_ERROR, 0, "s.lua:1: drop takes 0 texts", "drop wants nothing" },
    { "for i = 1, 17 do notice('x') end", INTEROP_SE_ERROR, 0, "s.lua:1: too many actions: at most 16", "seventeen actions" },
    { "error('why')", INTEROP_SE_ERROR, 0, "s.lua:1: why", "an error" },
    { "error({})", INTEROP_SE_ERROR, 0, "s.lua: the error is no text but a table", "an error that is no text" },
    { "return deny(('x'):rep(70000))", INTEROP_SE_OUTPUT, 0, "s.lua:1: more output than its budget has", "too much output" },
    { "for i = 1, 200 do log(('x'):rep(1000)) end", INTEROP_SE_OUTPUT, 0, "s.lua:1: more output than its budget has", "too much log" },
  };
  for (size_t i = 0; i < in_countof(t); i++) {
    char text[512];
    interop_script_result_t r;
    interop_script_t *s;
    logged[0] = '\0';
    snprintf(text, sizeof(text), "return function(event, verdict) %s end", t[i].body);
    s = load(text);
    if (!ok(s != NULL && lua->run(s, NULL, &r) == INTEROP_OK, "%s", t[i].name)) continue;
    ok(r.end == t[i].end && r.actions == t[i].actions, "  ends as it should: %d, %u", (int) r.end, r.actions);
    if (t[i].error != NULL) is_bytes(r.error.p, r.error.n, t[i].error, strlen(t[i].error), "  and says why");
    lua->free(s);
  }
}

/* ---- loading */

static void test_loading(void) {
  static const struct { const char *text, *error, *name; } t[] = {
    { "local x = 1\nretrun 2\n", "s.lua:2: syntax error near '2'\n  retrun 2", "a syntax error, with the line" },
    { "return 1", "s.lua: a script returns its function: return function(event, verdict) ... end", "no function" },
    { "x = 1", "s.lua:1: x cannot be set: what is not the script's own is read-only; write \"local x\"\n  x = 1", "a global" },
    { "string.rep = nil", "s.lua:1: rep cannot be set: what is not the script's own is read-only; write \"local rep\"\n  string.rep = nil",
      "a library" },
    { "counter.incr('x', 1)", "s.lua:1: a counter is for the script's function: there is no event yet\n  counter.incr('x', 1)",
      "a counter without an event" },
    { "\x1bLua", "s.lua: attempt to load a binary chunk (mode is 't')", "a binary chunk" },
    { "while true do end", "s.lua:1: more instructions than its budget has\n  while true do end", "an endless loop" },
    { "local t = {} for i = 1, 1e6 do t[i] = {} end", "s.lua: it needs more memory than its budget has: 1048576 bytes", "too much memory" },
    { "return function() return re.find('x', '(') end", NULL, "a wrong regex is told when it is used" },
  };
  for (size_t i = 0; i < in_countof(t); i++) {
    interop_script_t *s = load(t[i].text);
    if (t[i].error == NULL) ok(s != NULL, "%s", t[i].name);
    else is_text(s == NULL ? diag.text : "it loads", t[i].error, t[i].name);
    if (s != NULL) lua->free(s);
  }
  is_text(said("re.find('x', '(')"), "s.lua:1: the regular expression is not valid: missing closing parenthesis", "a wrong regex");
}

/* ---- nothing stays */

static void test_fresh(void) {
  interop_script_t *s = load("local n, seen = 0, {}\nreturn function(event)\n  n = n + 1\n  seen[#seen + 1] = n\n"
                             "  log(n, #seen, pcall(function() table.insert(seen, 1) end))\n"
                             "  if n > 0 then local t = {} for i = 1, 5000 do t[i] = 'x' .. i end end\nend");
  interop_script_result_t r;
  size_t memory = 0;
  bool same = true;
  if (!ok(s != NULL, "a script that keeps things")) return;
  for (int i = 0; i < 50; i++) {
    logged[0] = '\0';
    if (lua->run(s, NULL, &r) != INTEROP_OK || r.end != INTEROP_SE_DONE || strcmp(logged, "1 1 true\n") != 0) same = false;
    if (i == 0) memory = r.memory;
  }
  ok(same, "every call begins where the loading has ended");
  ok(memory == r.memory, "and needs as much memory as the first: %zu, %zu", memory, r.memory);
  lua->free(s);
}

/* ---- hostility: it ends, within twice the budget, and the next call is as ever */

/* twice the budget; more where everything is slower, under valgrind and the sanitizers */
static double most_time(void) {
  interop_script_t *s = load("return function() while true do end end");
  interop_script_result_t r;
  double begin = now(), took;
  if (s == NULL || lua->run(s, NULL, &r) != INTEROP_OK) return 0;
  took = now() - begin;
  lua->free(s);
  return took > 5.0 ? 4.0 * took : 10.0;
}

static void test_hostile(void) {
  double most = most_time();
  static const struct { const char *body, *name; } t[] = {
    { "while true do end", "a loop" },
    { "while true do pcall(function() while true do end end) end", "a loop in pcall" },
    { "repeat local a, b = pcall(error) until false", "pcall for ever" },
    { "local function f() return f() end f()", "tail calls" },
    { "local function f() f() f() end f()", "recursion" },
    { "local function f() return pcall(f) end while true do f() end", "recursion through pcall" },
    { "local s = 'x' while true do s = s .. s end", "a text bomb" },
    { "local s = 'x' while true do pcall(function() s = s .. s end) end", "a text bomb in pcall" },
    { "local t = {} while true do t = { t } end", "tables in tables" },
    { "local t = {} for i = 1, 1e9 do t[i] = i end", "a large table" },
    { "while true do local t = {} for i = 1, 20000 do t[i] = {} end end", "garbage" },
    { "local s = ('a'):rep(600) while true do re.find(s, '(a*)*b') end", "a regex that backtracks" },
    { "local s = ('a'):rep(32000) while true do re.find(s, '(?=(a+))[bc]') end", "a regex that is quadratic" },
    { "local s = ('a'):rep(32000) while true do pcall(re.find, s, '(?:a|a)*[bc]') end", "a regex that wants a stack" },
    { "local s = ('a'):rep(30000) while true do re.gsub(s, 'a', 'aaaaaaaaaaaaaaaa') end", "gsub that grows" },
    { "local s = ('a'):rep(30000) while true do re.gsub(s, '', '') end", "gsub of nothing" },
    { "for i = 1, 1e9 do pcall(re.find, 'x', 'a' .. i) end", "patterns without end" },
    { "while true do ('x'):rep(200000) end", "rep" },
    { "local s = ('x'):rep(200000) while true do s:upper() s:reverse() s:byte(1, 100) end", "functions of large texts" },
    { "local s = ('1'):rep(200000) while true do pcall(function() return s & 1 end) end", "numbers of 200000 digits" },
    { "local s = ('1'):rep(200000) while true do tonumber(s) end", "and tonumber of them" },
    { "local s = ('1'):rep(200000) while true do pcall(function() for i = 1, s do end end) end", "and loops up to them" },
    { "local s, r = ('x'):rep(200000), ('x'):rep(200000) while true do local b = s == r end", "comparing" },
    { "while true do string.format('%99.99f%99.99f%99.99f', 1e300, 1e300, 1e300) end", "format" },
    { "local t = {} for i = 1, 20000 do t[i] = i end while true do table.insert(t, 1, 1) table.remove(t, 1) end", "insert at the front" },
    { "local t = {} for i = 1, 20000 do t[i] = -i end while true do table.sort(t, function(a, b) return a < b end) end", "sort" },
    { "local t = {} for i = 1, 100 do t[i] = i end while true do pcall(table.sort, t, function() return true end) end", "a sort that lies" },
    { "local t = {} for i = 1, 30000 do t[i] = i end for i = 1, 30000 do t[i] = nil end while true do next(t) end", "next over holes" },
    { "local t = {} for i = 1, 20000 do t[i] = 'xxxxxxxx' end while true do table.concat(t) end", "concat" },
    { "while true do pcall(table.concat, {}, 'x', 1, 1000000) end", "concat of nothing" },
    { "while true do pcall(table.unpack, {}, 1, 1e7) end", "unpack" },
    { "while true do pcall(json.decode, ('['):rep(100000)) end", "JSON nested without end" },
    { "local s = '[' .. ('1,'):rep(50000) .. '1]' while true do pcall(json.decode, s) end", "large JSON" },
    { "local t = {} t[1] = t while true do pcall(json.encode, t) end", "a table within itself" },
    { "local t = {} for i = 1, 3000 do t['w' .. i] = ('y'):rep(50) end while true do json.encode(t) end", "encode" },
    { "local l = {} for i = 1, 2000 do l[i] = 'word' .. i end while true do text.list(l) end", "word lists" },
    { "local l, s = text.list{ 'a b c d' }, ('a '):rep(100000) while true do text.contains_any(s, l) end", "a word list over a large text" },
    { "while true do event.recipients[1].id:upper() end", "views" },
    { "while true do pcall(counter.incr, 'x', 1) end", "counters" },
    { "while true do pcall(log, 'x') end", "log lines" },
    { "while true do pcall(deny, 'x') end", "actions" },
    { "local t = {} while true do t[#t + 1] = utf8.char(1000, 2000, 3000):rep(1000) utf8.len(t[#t]) end", "utf8" },
    { "local x = {} for i = 1, 150 do x = { x, x } end return x", "a huge result" },
    { "return table.unpack({}, 1, 900)", "many results" },
    { "error(('x'):rep(100000))", "a long error" },
    { "local t = {} t.__tostring = function() while true do end end error(t)", "an error with a tostring" },
    { "local s = '' for i = 1, 1e6 do s = s .. i end", "a text that grows slowly" },
    { "while true do local f = function(...) return select('#', ...) end f(('x'):byte(1, -1)) end", "varargs" },
    { "local function f(n) if n == 0 then while true do end end return (pcall(f, n - 1)) end f(100)", "a loop under a hundred pcalls" },
  };
  for (size_t i = 0; i < in_countof(t); i++) {
    char text[1024];
    interop_script_result_t r;
    interop_script_t *s;
    double begin, best = 1e9;
    bool ended = true;
    snprintf(text, sizeof(text), "local calls = 0 return function(event, verdict) calls = calls + 1 %s end", t[i].body);
    s = load_with(text, NULL, &interop_alloc_libc);
    if (!ok(s != NULL, "%s is loaded", t[i].name)) continue;
    memset(&r, 0, sizeof(r));
    /* what the machine does meanwhile only adds: a call that is too long always is */
    for (int k = 0; k < 2 || (k < 10 && best > most); k++) {
      logged[0] = '\0';
      begin = now();
      if (lua->run(s, NULL, &r) != INTEROP_OK || r.end == INTEROP_SE_DONE) ended = false;
      if (now() - begin < best) best = now() - begin;
    }
    ok(ended, "%s: the call ends: %.*s", t[i].name, (int) (r.error.n > 90 ? 90 : r.error.n), r.error.p != NULL ? r.error.p : "");
    ok(best <= most, "  within twice its time: %.2f ms", best);
    ok(r.memory <= 1048576, "  and its memory: %zu", r.memory);
    lua->free(s);
  }
}

/* what must not be there */
static void test_absent(void) {
  static const char *const names[] = {
    "load", "loadstring", "loadfile", "dofile", "require", "io", "os", "debug", "package", "coroutine", "setmetatable",
    "getmetatable", "rawset", "rawget", "rawequal", "rawlen", "xpcall", "collectgarbage", "print", "warn", "_G", "_ENV1",
    "string.dump", "string.pack", "string.unpack", "math.random", "math.randomseed", "table.move", "jit", "ffi", "unpack", "module",
  };
  for (size_t i = 0; i < in_countof(names); i++) {
    char body[200];
    snprintf(body, sizeof(body), "local good, v = pcall(function() return %s end) log(good and v ~= nil)", names[i]);
    is_text(said(body), "false", names[i]);
  }
  is_text(said("local good, v = pcall(function() return ('').dump end) log(good and v ~= nil)"), "false", "not through a text either");
  is_text(said("log(pcall(next, string))"), "true nil", "a library shows nothing");
  is_text(said("for k in pairs(_ENV) do log(k) end log('end')"), "end", "nor does the environment");
  is_text(said("_ENV.x = 1"), "s.lua:1: x cannot be set: what is not the script's own is read-only; write \"local x\"", "nor can it be set");
  is_text(said("local x <close> = {}"), "s.lua:1: variable 'x' got a non-closable value", "nothing can be closed");
  is_text(said("log(#string, string == nil)"), "0 false", "a library is no more than a name");
}

/* ---- services that say no */

static void test_status(void) {
  interop_script_t *s = load("return function(event) pcall(function() return event.card end) log('on') while true do end end");
  interop_script_result_t r;
  if (!ok(s != NULL, "a script that asks for a fact")) return;
  logged[0] = '\0';
  stop_with = INTEROP_AGAIN;
  ok(lua->run(s, NULL, &r) == INTEROP_AGAIN, "a fact that must be fetched ends the call, through pcall");
  is_text(logged, "", "and at once");
  stop_with = INTEROP_OK;
  ok(lua->run(s, NULL, &r) == INTEROP_OK && r.end == INTEROP_SE_INSTRUCTIONS, "the next one goes on from the beginning");
  lua->free(s);
}

/* ---- memory refused: by the allocator, at every place */

typedef struct { long left, live; } limited_t;

static void *limited(void *ctx, void *p, size_t osize, size_t nsize) {
  limited_t *l = ctx;
  void *q;
  if (nsize > 0 && l->left-- <= 0) return NULL;
  q = interop_alloc_libc.resize(NULL, p, osize, nsize);
  if (q != NULL || nsize == 0) l->live += (long) nsize - (long) (p != NULL ? osize : 0);
  return q;
}

static void test_refused(void) {
  static const char text[] = "local l = text.list{ 'a', 'b' }\nreturn function(event)\n"
    "  if re.find(event.text, 'gate') then return plain_text(), notice(json.decode('[\"x\"]')[1]) end\nend";
  bool good = true;
  long n = 0;
  for (bool done = false; !done && n < 500; n++) {
    limited_t l = { n, 0 };
    interop_alloc_t a = { limited, &l };
    interop_script_result_t r;
    interop_script_t *s = load_with(text, NULL, &a);
    if (s != NULL) {
      interop_status_t rc = lua->run(s, NULL, &r);
      done = rc == INTEROP_OK && r.end == INTEROP_SE_DONE && r.actions == 2;
      if (!done && rc != INTEROP_NOMEM) good = false;
      l.left = 1000;
      if (lua->run(s, NULL, &r) != INTEROP_OK || r.actions != 2) good = false;
      lua->free(s);
    } else if (diag.status != INTEROP_NOMEM) {
      good = false;
    }
    if (l.live != 0) good = false;
  }
  ok(good && n > 5 && n < 500, "memory that the allocator refuses, at each of %ld places: NOMEM, and nothing stays", n - 1);
}

/* a region that is too small, by every size: the script is refused, or fails, or is good */
static void test_small(void) {
  static const char body[] = "return function(event) local t = {} for i = 1, 3000 do t[i] = i .. '' end return deny('x', t[1]) end";
  unsigned refused = 0, failed = 0, good = 0, other = 0;
  for (uint32_t size = 65536; size <= 400000; size += 997) {
    interop_budget_t b = { 0, size, 1000000, 0 };
    interop_script_t *s = load_with(body, &b, &interop_alloc_libc);
    interop_script_result_t r;
    if (s == NULL) { refused++; continue; }
    for (int k = 0; k < 2; k++) {
      if (lua->run(s, NULL, &r) != INTEROP_OK) other++;
      else if (r.end == INTEROP_SE_MEMORY) failed++;
      else if (r.end == INTEROP_SE_DONE && r.actions == 1) good++;
      else other++;
      if (r.memory > size) other++;
    }
    lua->free(s);
  }
  ok(other == 0 && failed > 10 && good > 10, "regions of all sizes: %u refused, %u failed for memory, %u good, %u otherwise",
     refused, failed, good, other);
}

int main(int argc, char **argv) {
  char path[4096];
  void *library, *symbol;
  interop_extension_fn entry;
  const char *slash = strrchr(argv[0], '/');
  (void) argc;
  snprintf(path, sizeof(path), "%.*s/../interop_lua.so", slash == NULL ? 1 : (int) (slash - argv[0]), slash == NULL ? "." : argv[0]);
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) printf("# %s\n", dlerror());
  symbol = library == NULL ? NULL : dlsym(library, INTEROP_EXTENSION_ENTRY);
  if (!ok(symbol != NULL, "the host is opened")) return done();
  memcpy(&entry, &symbol, sizeof(entry));
  lua = entry();
  own = services();
  is_text(lua->language, "Lua 5.4", "its language");
  test_use();
  test_actions();
  test_loading();
  test_fresh();
  test_absent();
  test_status();
  test_refused();
  test_small();
  test_hostile();
  return done();
}
