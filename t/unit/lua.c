/*
** lua.c -- the Lua host by itself: what a script can do, what it cannot, and
** memory that is refused to it at every place.
*/
#include "luahost.h"

/* ---- what it can */

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

/* a word list against a search that is plain: texts and lists of few letters, so that much begins alike */
static void test_words(void) {
  static const char text[] =
    "local function roll(seed, n) return text.hash(seed) % n + 1 end\n"
    "local words = { 'a', 'ab', 'b', 'ba', 'abc', 'B', 'Ab', '7', 'a7', 'c' }\n"
    "local function made(seed, most)\n"
    "  local t = {}\n"
    "  for i = 1, roll(seed .. 'n', most) do t[i] = words[roll(seed .. i, #words)] end\n"
    "  return t\nend\n"
    "local function plain(said, entries)\n"
    "  for i = 1, #said do\n"
    "    for n = 1, 4 do\n"
    "      local phrase = i + n - 1 <= #said and table.concat(said, ' ', i, i + n - 1):lower()\n"
    "      for _, e in ipairs(entries) do if phrase and e:lower() == phrase then return phrase end end\n"
    "    end\n  end\nend\n"
    "local wrong, found = 0, 0\n"
    "for seed = 1, 300 do\n"
    "  local entries = {}\n"
    "  for i = 1, roll(seed .. 'e', 3) do entries[i] = table.concat(made(seed .. '/' .. i, 4), ' ') end\n"
    "  local said = made('s' .. seed, 12)\n"
    "  local want = plain(said, entries)\n"
    "  local between = ({ ' ', ', ', ' \\n- ' })[roll('b' .. seed, 3)]\n"
    "  if want then found = found + 1 end\n"
    "  if text.contains_any('.' .. table.concat(said, between), text.list(entries)) ~= want then wrong = wrong + 1 end\n"
    "end\n"
    "return function() log(wrong, found > 50 and found < 250) end";
  static const interop_budget_t b = { 10000000, 16777216, 1000000, 0 };
  interop_script_t *s = load_with(text, &b, &interop_alloc_libc);
  interop_script_result_t r;
  logged[0] = '\0';
  if (!ok(s != NULL && lua->run(s, NULL, &r) == INTEROP_OK, "word lists and a plain search: %s", s == NULL ? diag.text : "run")) return;
  is_text(logged, "0 true\n", "find the same");
  lua->free(s);
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
  (void) argc;
  if (!open_host(argv[0])) return done();
  is_text(lua->language, "Lua 5.4", "its language");
  test_use();
  test_words();
  test_actions();
  test_loading();
  test_absent();
  test_status();
  test_refused();
  test_small();
  return done();
}
