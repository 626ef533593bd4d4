/*
** regex.c -- re.find, re.match, re.gmatch, re.gsub: PCRE2 in place of Lua's
** patterns, which know no bound. string.find and the others are the same.
**
** Owns the patterns that a script has used: they are compiled once and kept, up
** to a number and a size of them all; one more is compiled for its call alone,
** and charged for. They lie outside of the region, so nothing in it may own one.
** The matching, and its limits, are the library's.
*/
#include <string.h>
#include "host.h"

#define COMPILE_COST  2000u             /* instructions, and one more for each byte */
#define NONE          ((size_t) -1)

void in_lua_free_regexes(interop_script_t *s) {
  for (uint32_t i = 0; i < s->regexes; i++) {
    s->services->regex_free(s->regex[i].regex);
    s->alloc.resize(s->alloc.ctx, s->regex[i].pattern, s->regex[i].n + 1, 0);
  }
  s->regexes = 0;
  if (s->passing != NULL) s->services->regex_free(s->passing);
  s->passing = NULL;
}

/* one that was compiled just now: kept, or until the next that is not */
static void keep(interop_script_t *s, interop_regex_t *re, interop_span_t pattern, size_t size) {
  in_lua_regex_t *r = &s->regex[s->regexes];
  char *copy = NULL;
  if (s->regexes < IN_LUA_REGEXES && size <= IN_LUA_REGEX_ROOM - s->regex_bytes)
    copy = s->alloc.resize(s->alloc.ctx, NULL, 0, pattern.n + 1);
  if (copy == NULL) {
    if (s->passing != NULL) s->services->regex_free(s->passing);
    s->passing = re;
    return;
  }
  memcpy(copy, pattern.p, pattern.n);
  *r = (in_lua_regex_t) { re, copy, pattern.n };
  s->regexes++;
  s->regex_bytes += size;
}

static interop_regex_t *compile(lua_State *L, interop_span_t pattern) {
  interop_script_t *s = in_lua_script(L);
  interop_regex_t *re;
  char why[200];
  size_t size;
  interop_status_t rc;
  in_lua_charge(L, COMPILE_COST + pattern.n);
  rc = s->services->regex_new(pattern, &s->alloc, &re, &size, why, sizeof(why));
  if (rc == INTEROP_SYNTAX) luaL_error(L, "the regular expression is not valid: %s", why);
  if (rc != INTEROP_OK) in_lua_stop(L, rc);
  keep(s, re, pattern, size);
  return re;
}

static interop_regex_t *get(lua_State *L, int arg) {
  interop_script_t *s = in_lua_script(L);
  interop_span_t pattern = in_lua_text(L, arg);
  for (uint32_t i = 0; i < s->regexes; i++) {
    const in_lua_regex_t *r = &s->regex[i];
    if (r->n == pattern.n && memcmp(r->pattern, pattern.p, pattern.n) == 0) return r->regex;
  }
  return compile(L, pattern);
}

static int go_on(void *arg) {
  interop_script_t *s = arg;
  s->instructions += 200;
  return !in_lua_over(s);
}

/* false: no match */
static bool match(lua_State *L, interop_regex_t *re, interop_span_t text, size_t from, size_t *spans, uint32_t *groups) {
  interop_script_t *s = in_lua_script(L);
  interop_status_t rc;
  in_lua_charge_bytes(L, text.n - from + 1000);
  rc = s->services->regex_match(re, text, from, go_on, s, spans, groups);
  in_lua_check(L);
  if (s->over != INTEROP_SE_DONE || rc == INTEROP_FULL) luaL_error(L, "the regular expression costs too much for this text");
  if (rc != INTEROP_OK && rc != INTEROP_MISSING) in_lua_stop(L, rc);
  return rc == INTEROP_OK;
}

static void push_span(lua_State *L, interop_span_t text, const size_t *span) {
  if (span[0] == NONE) lua_pushboolean(L, 0);
  else lua_pushlstring(L, text.p + span[0], span[1] - span[0]);
}

/* what the groups caught; the whole match if there are none and it is wanted */
static int push_groups(lua_State *L, interop_span_t text, const size_t *spans, uint32_t groups, bool whole) {
  if (groups == 1 && !whole) return 0;
  if (groups == 1) return push_span(L, text, spans), 1;
  for (uint32_t i = 1; i < groups; i++) push_span(L, text, spans + 2 * (size_t) i);
  return (int) groups - 1;
}

/* where to begin, from 0; false: behind the text's end */
static bool start(lua_State *L, int arg, size_t n, size_t *from) {
  lua_Integer i = luaL_optinteger(L, arg, 1);
  if (i < 0) i = (lua_Unsigned) -(i + 1) >= n ? 1 : (lua_Integer) n + i + 1;
  if (i == 0) i = 1;
  if ((lua_Unsigned) i > n + 1) return false;
  *from = (size_t) i - 1;
  return true;
}

static interop_span_t rest(interop_span_t text, size_t from) {
  return (interop_span_t) { text.p + from, text.n - from };
}

/* find(text, part, init, true): as it is spelt */
static int find_plain(lua_State *L, interop_span_t text, size_t from) {
  interop_span_t part = in_lua_text(L, 2), r = rest(text, from);
  const char *p = part.n == 0 ? r.p : NULL;
  in_lua_charge_bytes(L, text.n);
  if (part.n > 0 && part.n <= r.n) p = memmem(r.p, r.n, part.p, part.n);
  if (p == NULL) return lua_pushnil(L), 1;
  lua_pushinteger(L, (lua_Integer) (p - text.p) + 1);
  lua_pushinteger(L, (lua_Integer) (p - text.p) + (lua_Integer) part.n);
  return 2;
}

static int find(lua_State *L) {
  interop_span_t text = in_lua_text(L, 1);
  size_t spans[2 * INTEROP_REGEX_GROUPS], from;
  uint32_t groups;
  bool inside = start(L, 3, text.n, &from);
  if (inside && lua_toboolean(L, 4)) return find_plain(L, text, from);
  if (!inside || !match(L, get(L, 2), text, from, spans, &groups)) return lua_pushnil(L), 1;
  lua_pushinteger(L, (lua_Integer) spans[0] + 1);
  lua_pushinteger(L, (lua_Integer) spans[1]);
  return 2 + push_groups(L, text, spans, groups, false);
}

static int match_text(lua_State *L) {
  interop_span_t text = in_lua_text(L, 1);
  size_t spans[2 * INTEROP_REGEX_GROUPS], from;
  uint32_t groups;
  if (!start(L, 3, text.n, &from) || !match(L, get(L, 2), text, from, spans, &groups)) return lua_pushnil(L), 1;
  return push_groups(L, text, spans, groups, true);
}

/* an empty match does not stand still; one step is a whole character */
static size_t next_from(interop_span_t text, const size_t *spans) {
  size_t at = spans[1];
  if (spans[1] > spans[0]) return at;
  at++;
  while (at < text.n && ((unsigned char) text.p[at] & 0xc0) == 0x80) at++;
  return at;
}

/* upvalues: text, pattern, where to go on */
static int next_match(lua_State *L) {
  interop_span_t text;
  size_t spans[2 * INTEROP_REGEX_GROUPS], from = (size_t) lua_tointeger(L, lua_upvalueindex(3));
  uint32_t groups;
  text.p = lua_tolstring(L, lua_upvalueindex(1), &text.n);
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(2));
  if (from > text.n || !match(L, get(L, 1), text, from, spans, &groups)) return lua_pushnil(L), 1;
  lua_pushinteger(L, (lua_Integer) next_from(text, spans));
  lua_replace(L, lua_upvalueindex(3));
  return push_groups(L, text, spans, groups, true);
}

static int each_match(lua_State *L) {
  in_lua_text(L, 1);
  get(L, 2);
  lua_settop(L, 2);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_match, 3);
  return 1;
}

/* ---- gsub */

typedef struct { interop_span_t text; size_t *spans; uint32_t groups; luaL_Buffer out; } sub_t;

/* %0 to %9 and %% in a replacement */
static void add_text(lua_State *L, sub_t *b, interop_span_t by) {
  for (size_t i = 0; i < by.n; i++) {
    size_t g;
    if (by.p[i] != '%') { luaL_addchar(&b->out, by.p[i]); continue; }
    if (++i < by.n && by.p[i] == '%') { luaL_addchar(&b->out, '%'); continue; }
    if (i >= by.n || by.p[i] < '0' || by.p[i] > '9') luaL_error(L, "a %% in the replacement is %%%% or the number of a group");
    g = (size_t) (by.p[i] - '0');
    if (g >= b->groups && g > 0) luaL_error(L, "the regular expression has no group %d", (int) g);
    if (b->spans[2 * g] != NONE)
      luaL_addlstring(&b->out, b->text.p + b->spans[2 * g], b->spans[2 * g + 1] - b->spans[2 * g]);
  }
}

/* what a table has for the first group, or the match; nothing: it stays */
static void add_entry(lua_State *L, sub_t *b) {
  const size_t *span = b->spans + (b->groups > 1 ? 2 : 0);
  push_span(L, b->text, span);
  lua_rawget(L, 3);
  if (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER) {
    luaL_addvalue(&b->out);
    return;
  }
  if (lua_toboolean(L, -1)) luaL_error(L, "a replacement is a text");
  lua_pop(L, 1);
  luaL_addlstring(&b->out, b->text.p + b->spans[0], b->spans[1] - b->spans[0]);
}

static int substitute(lua_State *L) {
  size_t spans[2 * INTEROP_REGEX_GROUPS], from = 0, done = 0;
  lua_Integer most = luaL_optinteger(L, 4, LUA_MAXINTEGER), n = 0;
  bool table = lua_type(L, 3) == LUA_TTABLE;
  interop_span_t by = { NULL, 0 };
  interop_regex_t *re;
  sub_t b;
  b.text = in_lua_text(L, 1);
  if (!table) by = in_lua_text(L, 3);
  re = get(L, 2);
  b.spans = spans;
  luaL_buffinit(L, &b.out);
  while (n < most && from <= b.text.n && match(L, re, b.text, from, spans, &b.groups)) {
    luaL_addlstring(&b.out, b.text.p + done, spans[0] - done);
    if (table) add_entry(L, &b);
    else add_text(L, &b, by);
    done = spans[1];
    from = next_from(b.text, spans);
    n++;
  }
  luaL_addlstring(&b.out, b.text.p + done, b.text.n - done);
  luaL_pushresult(&b.out);
  lua_pushinteger(L, n);
  return 2;
}

void in_lua_open_regex(lua_State *L, int env) {
  static const luaL_Reg functions[] = {
    { "find", find }, { "match", match_text }, { "gmatch", each_match }, { "gsub", substitute }, { NULL, NULL }
  };
  lua_newtable(L);
  in_lua_functions(L, functions);
  in_lua_seal(L);
  lua_setfield(L, env, "re");
  lua_getfield(L, env, "string");
  in_lua_functions(L, functions);
  in_lua_seal(L);
  lua_setfield(L, env, "string");
}
