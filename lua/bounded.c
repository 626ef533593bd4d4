/*
** bounded.c -- functions of Lua's libraries string, table and utf8, each with
** its cost.
**
** Owns what is charged for them: hooks do not run inside of C functions, so
** that one call could cost what it likes. A call goes over its texts and tables
** once or twice; it is charged for them before, and for its result after it,
** which the memory budget has bounded. Invariant: Lua's own patterns are not
** here (regex.c has what stands for them), nor anything that tells an address.
*/
#include <string.h>
#include "host.h"

#define REP_MAX  262144u                /* bytes that string.rep makes */

/* the function that is wrapped: the first upvalue */
static int call(lua_State *L) {
  lua_CFunction f = lua_tocfunction(L, lua_upvalueindex(1));
  int n = f(L);
  if (n > 0 && lua_type(L, -1) == LUA_TSTRING) in_lua_charge_bytes(L, lua_rawlen(L, -1));
  return n;
}

static size_t texts(lua_State *L) {
  size_t n = 0;
  for (int i = lua_gettop(L); i > 0; i--)
    if (lua_type(L, i) == LUA_TSTRING) n += lua_rawlen(L, i);
  return n;
}

/* by the texts that it is given */
static int by_text(lua_State *L) {
  in_lua_charge_bytes(L, texts(L) * 4);
  return call(L);
}

/* by the length of the table that it is given, and the range that it is told */
static int by_table(lua_State *L) {
  uint64_t n;
  luaL_checktype(L, 1, LUA_TTABLE);
  n = lua_rawlen(L, 1);
  for (int i = lua_gettop(L); i > 1; i--) {
    if (lua_type(L, i) == LUA_TNUMBER) {
      lua_Number x = lua_tonumber(L, i);
      luaL_argcheck(L, x >= -1e6 && x <= 1e6, i, "out of range");
    }
  }
  in_lua_charge(L, 1 + n / 4);
  in_lua_charge_bytes(L, texts(L));
  return call(L);
}

/* at the end it costs nothing of the sort */
static int insert(lua_State *L) {
  if (lua_gettop(L) != 2) return by_table(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  return call(L);
}

static int unpack(lua_State *L) {
  lua_Integer from = luaL_optinteger(L, 2, 1), to;
  luaL_checktype(L, 1, LUA_TTABLE);
  to = luaL_opt(L, luaL_checkinteger, 3, (lua_Integer) lua_rawlen(L, 1));
  if (from > to) return 0;
  if ((lua_Unsigned) to - (lua_Unsigned) from >= 1000) return luaL_error(L, "too many results to unpack");
  in_lua_charge(L, 1 + (uint64_t) (to - from));
  return call(L);
}

/* bytes of the texts in the table, as many times as they stand in it */
static uint64_t bytes_in(lua_State *L, uint64_t n) {
  uint64_t bytes = 0;
  for (uint64_t i = 1; i <= n; i++) {
    if (lua_rawgeti(L, 1, (lua_Integer) i) == LUA_TSTRING) bytes += lua_rawlen(L, -1);
    lua_pop(L, 1);
  }
  return bytes;
}

/* n log n comparisons, each a few instructions and the texts' bytes; a function's own come in by the hook */
static int sort(lua_State *L) {
  uint64_t n, log = 1;
  luaL_checktype(L, 1, LUA_TTABLE);
  n = lua_rawlen(L, 1);
  while ((uint64_t) 1 << log < n) log++;
  in_lua_charge(L, n * log);
  in_lua_charge_bytes(L, bytes_in(L, n) * log);
  return call(L);
}

static int rep(lua_State *L) {
  size_t n, sep = 0;
  lua_Integer times = luaL_checkinteger(L, 2);
  luaL_checklstring(L, 1, &n);
  (void) luaL_optlstring(L, 3, "", &sep);
  in_lua_charge(L, 1);
  if (n + sep == 0) return lua_pushliteral(L, ""), 1;   /* Lua would count the times, without an instruction */
  if (times > 0 && (lua_Unsigned) times > REP_MAX / (n + sep)) return luaL_error(L, "the result is too long");
  return call(L);
}

/* %p would tell an address, and so would %s of what is no text */
static int format(lua_State *L) {
  interop_span_t f = in_lua_text(L, 1);
  in_lua_charge_bytes(L, texts(L) * 4);
  for (size_t i = 0; i + 1 < f.n; i++) {
    if (f.p[i] != '%') continue;
    if (f.p[++i] == '%') continue;
    while (i < f.n && strchr("-+ #0123456789.", f.p[i]) != NULL && f.p[i] != '\0') i++;
    if (i < f.n && f.p[i] == 'p') return luaL_error(L, "%%p is not there");
  }
  for (int i = lua_gettop(L); i > 1; i--) {
    int t = lua_type(L, i);
    if (t == LUA_TSTRING || t == LUA_TNUMBER || t == LUA_TBOOLEAN || t == LUA_TNIL) continue;
    lua_pushstring(L, luaL_typename(L, i));
    lua_replace(L, i);
  }
  return call(L);
}

typedef struct { const char *name; lua_CFunction in_front; } wrap_t;

static const wrap_t strings[] = {
  { "byte", by_text }, { "char", by_text }, { "format", format }, { "len", NULL }, { "lower", by_text },
  { "rep", rep }, { "reverse", by_text }, { "sub", NULL }, { "upper", by_text }, { NULL, NULL }
};

static const wrap_t tables[] = {
  { "concat", by_table }, { "insert", insert }, { "pack", NULL }, { "remove", by_table }, { "sort", sort },
  { "unpack", unpack }, { NULL, NULL }
};

static const wrap_t utf8[] = {
  { "char", NULL }, { "codepoint", by_text }, { "codes", NULL }, { "len", by_text }, { "offset", by_text },
  { NULL, NULL }
};

static const wrap_t base[] = { { "tonumber", by_text }, { NULL, NULL } };

/* of a library of Lua's own, into the table on top */
static void wrap(lua_State *L, const char *library, const wrap_t *list) {
  for (; list->name != NULL; list++) {
    if (!in_lua_names(L, list->name)) continue;
    in_lua_library_push(L, library, list->name);
    if (list->in_front != NULL) lua_pushcclosure(L, list->in_front, 1);
    lua_setfield(L, -2, list->name);
  }
}

/* ("x"):upper() finds the same functions; Lua's own arithmetic on texts is not kept */
static void set_methods(lua_State *L) {
  lua_pushliteral(L, "");
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

static void open_sealed(lua_State *L, int env, const char *library, const wrap_t *list) {
  if (!in_lua_names(L, library)) return;
  lua_newtable(L);
  wrap(L, library, list);
  in_lua_seal(L);
  lua_setfield(L, env, library);
}

void in_lua_open_bounded(lua_State *L, int env) {
  open_sealed(L, env, "table", tables);
  open_sealed(L, env, "utf8", utf8);
  lua_pushvalue(L, env);
  wrap(L, "_G", base);
  lua_pop(L, 1);
  lua_newtable(L);
  wrap(L, "string", strings);           /* regex.c goes on with it, and seals it */
  set_methods(L);
  lua_setfield(L, env, "string");
}
