/*
** sandbox.c -- the names that a script can reach.
**
** Owns the environment: Lua's own functions that are harmless, those of them
** that are given in another form, and the sealing of tables. Not there, because
** each is a way out of the budget or of the sandbox: load, require, io, os,
** debug, package, coroutine (hooks of their own), setmetatable and getmetatable
** (finalizers, metamethods), rawset, xpcall (handlers that run when there is no
** room), collectgarbage, math.random (it would be the same in every call).
** Invariant: nothing that a script can reach can be written, but what it made.
*/
#include <string.h>
#include "host.h"

void in_lua_push(lua_State *L, interop_span_t s) {
  lua_pushlstring(L, s.n > 0 ? s.p : "", s.n);
}

interop_span_t in_lua_text(lua_State *L, int arg) {
  interop_span_t s;
  luaL_checktype(L, arg, LUA_TSTRING);
  s.p = lua_tolstring(L, arg, &s.n);
  return s;
}

interop_script_t *in_lua_in_call(lua_State *L, const char *what) {
  interop_script_t *s = in_lua_script(L);
  if (!s->running) luaL_error(L, "%s is for the script's function: there is no event yet", what);
  return s;
}

void in_lua_functions(lua_State *L, const luaL_Reg *list) {
  for (; list->name != NULL; list++) {
    if (!in_lua_names(L, list->name)) continue;
    lua_pushcfunction(L, list->func);
    lua_setfield(L, -2, list->name);
  }
}

/* ---- sealed tables: an empty one in front, which nothing can be put into */

static int no_write(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "this";
  return luaL_error(L, "%s cannot be set: what is not the script's own is read-only; write \"local %s\"", key, key);
}

void in_lua_settle(lua_State *L) {
  for (int i = 0; i < 2; i++) {
    lua_newtable(L);
    lua_pushvalue(L, -2 - i);
    lua_setmetatable(L, -2);
  }
  (void) lua_compare(L, -1, -2, LUA_OPEQ);
  if (luaL_getmetafield(L, -1, "__len") == LUA_TNIL) lua_len(L, -1);
  lua_pop(L, 3);
}

void in_lua_seal(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, no_write);
  lua_setfield(L, -2, "__newindex");
  in_lua_settle(L);
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

/* a name that nobody declared is a slip of the pen, not nil */
static int no_name(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  return luaL_error(L, "there is nothing called \"%s\" here", lua_tostring(L, 2));
}

/* ---- functions in another form */

/* an error that ends the call goes through; one for want of memory is no other than the budget's */
static int protected_call(lua_State *L) {
  interop_script_t *s = in_lua_script(L);
  int rc;
  luaL_checkany(L, 1);
  in_lua_charge(L, 2);
  rc = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  if (rc == LUA_ERRMEM && s->over == INTEROP_SE_DONE) {
    s->starved = true;
    s->over = in_lua_over(s) ? s->over : INTEROP_SE_MEMORY;
  }
  in_lua_check(L);
  in_lua_charge(L, 1);
  lua_pushboolean(L, rc == LUA_OK);
  lua_insert(L, 1);
  return lua_gettop(L);
}

/* no addresses: of what has no text, its type */
static int to_string(lua_State *L) {
  luaL_checkany(L, 1);
  switch (lua_type(L, 1)) {
    case LUA_TSTRING: lua_settop(L, 1); break;
    case LUA_TNUMBER: case LUA_TBOOLEAN: case LUA_TNIL: luaL_tolstring(L, 1, NULL); break;
    default: lua_pushstring(L, luaL_typename(L, 1));
  }
  return 1;
}

/* ---- the environment */

/* copies of a library of Lua's own, into the table on top */
static void copy(lua_State *L, const char *library, const char *const *names) {
  for (; *names != NULL; names++) {
    if (!in_lua_names(L, *names)) continue;
    in_lua_library_push(L, library, *names);
    lua_setfield(L, -2, *names);
  }
}

static void open_base(lua_State *L, int env) {
  static const char *const names[] = { "assert", "error", "ipairs", "next", "pairs", "select", "type", NULL };
  lua_pushvalue(L, env);
  copy(L, "_G", names);
  lua_pushcfunction(L, protected_call);
  lua_setfield(L, -2, "pcall");
  lua_pushcfunction(L, to_string);
  lua_setfield(L, -2, "tostring");
  lua_pushliteral(L, LUA_VERSION);
  lua_setfield(L, -2, "_VERSION");
  lua_pop(L, 1);
}

static void open_math(lua_State *L, int env) {
  static const char *const names[] = {
    "abs", "ceil", "exp", "floor", "fmod", "huge", "log", "max", "maxinteger", "min", "mininteger", "modf", "pi",
    "sqrt", "tointeger", "type", "ult", NULL
  };
  lua_newtable(L);
  copy(L, "math", names);
  in_lua_seal(L);
  lua_setfield(L, env, "math");
}

/* the table on top gets a last resort for names */
static void refuse_names(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, no_name);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

bool in_lua_names(lua_State *L, const char *word) {
  interop_span_t t = in_lua_script(L)->text;
  return t.n > 0 && memmem(t.p, t.n, word, strlen(word)) != NULL;
}

/* Lua's library makes what it needs for large buffers when there is the first one */
static void use_buffer(lua_State *L) {
  luaL_Buffer b;
  (void) luaL_buffinitsize(L, &b, 2 * LUAL_BUFFERSIZE);
  luaL_pushresultsize(&b, 0);
  lua_pop(L, 1);
}

int in_lua_open(lua_State *L) {
  int env;
  use_buffer(L);
  lua_createtable(L, 0, 16);
  env = lua_gettop(L);
  open_base(L, env);
  if (in_lua_names(L, "math")) open_math(L, env);
  in_lua_open_bounded(L, env);
  in_lua_open_regex(L, env);
  in_lua_open_event(L, env);
  in_lua_open_actions(L, env);
  if (in_lua_names(L, "text")) in_lua_open_words(L, env);
  in_lua_open_helpers(L, env);
  if (in_lua_names(L, "json")) in_lua_open_json(L, env);
  lua_settop(L, env);
  refuse_names(L);
  in_lua_seal(L);
  return 1;
}
