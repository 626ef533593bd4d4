/*
** library.c -- Lua's own libraries, looked into from outside.
**
** Owns a state that lives only while a script is loaded: the libraries are
** opened there, and what is wanted of them is taken out; the script is compiled
** there, and only its code is taken out. So a script's own region holds nothing
** but what the script can reach: every call begins with a copy of that region,
** and it is to be small. Code goes from here to the region and from nowhere else.
*/
#include <stdio.h>
#include <string.h>
#include <lualib.h>
#include "host.h"

#define ENTRIES  160

typedef struct {
  const char *library;
  char name[16];
  lua_CFunction function;         /* NULL: a number */
  bool integer;
  lua_Integer i;
  lua_Number n;
} entry_t;

struct in_lua_library_s {
  interop_alloc_t alloc;
  entry_t entry[ENTRIES];
  unsigned entries;
  lua_State *L;
  char *code;                     /* the script's, compiled */
  size_t n, size;
  char error[IN_LUA_ERROR_MAX];
};

static const luaL_Reg libraries[] = {
  { "_G", luaopen_base }, { "string", luaopen_string }, { "table", luaopen_table }, { "utf8", luaopen_utf8 },
  { "math", luaopen_math }, { NULL, NULL }
};

static void *resize(void *ud, void *p, size_t osize, size_t nsize) {
  const in_lua_library_t *l = ud;
  if (p == NULL && nsize == 0) return NULL;
  return l->alloc.resize(l->alloc.ctx, p, p == NULL ? 0 : osize, nsize);
}

/* the value on top, named by the one below */
static void take(lua_State *L, in_lua_library_t *l, const char *library) {
  entry_t *e = &l->entry[l->entries];
  size_t n;
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &n) : NULL;
  if (name == NULL || n >= sizeof(e->name) || l->entries == ENTRIES) return;
  if (!lua_iscfunction(L, -1) && lua_type(L, -1) != LUA_TNUMBER) return;
  memcpy(e->name, name, n + 1);
  e->library = library;
  e->function = lua_tocfunction(L, -1);
  e->integer = lua_isinteger(L, -1);
  e->i = lua_tointeger(L, -1);
  e->n = lua_tonumber(L, -1);
  l->entries++;
}

static int open_all(lua_State *L) {
  in_lua_library_t *l = lua_touserdata(L, 1);
  for (const luaL_Reg *r = libraries; r->name != NULL; r++) {
    const char *v;
    lua_pushcfunction(L, r->func);
    lua_call(L, 0, 1);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      take(L, l, r->name);
      lua_pop(L, 1);
    }
    if (r->func != luaopen_base) continue;
    /* another Lua may have taken the place of the one that this was built for */
    lua_getfield(L, -1, "_VERSION");
    v = lua_tostring(L, -1);
    if (lua_version(L) != LUA_VERSION_NUM || v == NULL || strcmp(v, LUA_VERSION) != 0 || lua_getfield(L, -2, "jit") != LUA_TNIL)
      luaL_error(L, "this is not " LUA_VERSION);
  }
  return 0;
}

interop_status_t in_lua_library(const interop_alloc_t *alloc, in_lua_library_t **library) {
  in_lua_library_t *l = alloc->resize(alloc->ctx, NULL, 0, sizeof(*l));
  int rc;
  if (l == NULL) return INTEROP_NOMEM;
  memset(l, 0, sizeof(*l));
  l->alloc = *alloc;
  *library = l;
  l->L = lua_newstate(resize, l);
  if (l->L == NULL) return INTEROP_NOMEM;
  lua_pushcfunction(l->L, open_all);
  lua_pushlightuserdata(l->L, l);
  rc = lua_pcall(l->L, 1, 0, 0);
  return rc == LUA_OK ? INTEROP_OK : rc == LUA_ERRMEM ? INTEROP_NOMEM : INTEROP_UNAVAILABLE;
}

void in_lua_library_free(in_lua_library_t *l) {
  interop_alloc_t a;
  if (l == NULL) return;
  a = l->alloc;
  if (l->L != NULL) lua_close(l->L);    /* nothing but compiled ran there: it has nothing to run at its end */
  if (l->code != NULL) a.resize(a.ctx, l->code, l->size, 0);
  a.resize(a.ctx, l, sizeof(*l), 0);
}

/* ---- compiling */

static int write_code(lua_State *L, const void *p, size_t n, void *ud) {
  in_lua_library_t *l = ud;
  (void) L;
  if (n > l->size - l->n) {
    size_t size = l->size == 0 ? 4096 : l->size;
    char *code;
    while (size - l->n < n) size *= 2;
    code = l->alloc.resize(l->alloc.ctx, l->code, l->size, size);
    if (code == NULL) return 1;
    l->code = code;
    l->size = size;
  }
  memcpy(l->code + l->n, p, n);
  l->n += n;
  return 0;
}

static int compile(lua_State *L) {
  in_lua_library_t *l = lua_touserdata(L, 1);
  const interop_script_source_t *source = lua_touserdata(L, 2);
  if (luaL_loadbufferx(L, source->text.n > 0 ? source->text.p : "", source->text.n, "=" IN_LUA_CHUNK, "t") != LUA_OK)
    return lua_error(L);
  lua_pushboolean(L, lua_dump(L, write_code, l, 0) == 0);
  return 1;
}

interop_status_t in_lua_compile(in_lua_library_t *l, const interop_script_source_t *source, interop_span_t *code,
                                const char **error) {
  int rc;
  size_t n;
  const char *p;
  lua_settop(l->L, 0);
  lua_pushcfunction(l->L, compile);
  lua_pushlightuserdata(l->L, l);
  lua_pushlightuserdata(l->L, (void *) (uintptr_t) source);
  rc = lua_pcall(l->L, 2, 1, 0);
  *code = (interop_span_t) { l->code, l->n };
  if (rc == LUA_OK && lua_toboolean(l->L, -1)) return INTEROP_OK;
  if (rc != LUA_ERRRUN) return INTEROP_NOMEM;
  p = lua_tolstring(l->L, -1, &n);
  snprintf(l->error, sizeof(l->error), "%s", p == NULL ? "it cannot be compiled" : p);
  *error = l->error;
  return INTEROP_SYNTAX;
}

void in_lua_library_push(lua_State *L, const char *library, const char *name) {
  const in_lua_library_t *l = in_lua_script(L)->library;
  for (unsigned i = 0; i < l->entries; i++) {
    const entry_t *e = &l->entry[i];
    if (strcmp(e->library, library) != 0 || strcmp(e->name, name) != 0) continue;
    if (e->function != NULL) lua_pushcfunction(L, e->function);
    else if (e->integer) lua_pushinteger(L, e->i);
    else lua_pushnumber(L, e->n);
    return;
  }
  luaL_error(L, "Lua has no %s.%s", library, name);
}
