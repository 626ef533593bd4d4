/*
** json.c -- json.decode, json.encode, json.null.
**
** Owns the way between JSON and Lua's values. The reading is the library's; what
** it gives is walked without recursion. An array of n values is a table 1 .. n;
** an object's members are a table's fields; null is json.null, so that it can be
** told from what is not there. Invariant: a parsed text that an error leaves
** behind hangs on the host, and goes with the next call.
*/
#include <stdio.h>
#include <string.h>
#include "host.h"

#define DEPTH     32u
#define TEXT_MAX  262144u               /* bytes of JSON that is read */

void in_lua_drop_json(interop_script_t *s) {
  if (s->json != NULL) s->services->json_close(s->json);
  s->json = NULL;
}

/* ---- decode */

static void push_number(lua_State *L, interop_span_t text) {
  char spelt[64];
  if (text.n >= sizeof(spelt)) luaL_error(L, "a number of JSON has too many digits");
  memcpy(spelt, text.p, text.n);
  spelt[text.n] = '\0';
  if (lua_stringtonumber(L, spelt) == 0) luaL_error(L, "a number of JSON cannot be read");
}

/* pushes it; true: an array or object that its values are put into next */
static bool push_value(lua_State *L, const interop_json_value_t *v) {
  switch (v->kind) {
    case INTEROP_J_NULL: lua_pushlightuserdata(L, NULL); return false;
    case INTEROP_J_FALSE: case INTEROP_J_TRUE: lua_pushboolean(L, v->kind == INTEROP_J_TRUE); return false;
    case INTEROP_J_NUMBER: push_number(L, v->text); return false;
    case INTEROP_J_TEXT: in_lua_push(L, v->text); return false;
    default:
      lua_createtable(L, v->kind == INTEROP_J_ARRAY && v->count < 1000 ? (int) v->count : 0, 0);
      return true;
  }
}

typedef struct { bool object; size_t left; lua_Integer n; } level_t;

/* the value on top belongs to the table below it (an object: below its key) */
static void store(lua_State *L, level_t *l) {
  if (l->object) lua_rawset(L, -3);
  else lua_rawseti(L, -2, ++l->n);
  l->left--;
}

static void decode_all(lua_State *L, interop_script_t *s) {
  level_t level[DEPTH];
  unsigned depth = 0;
  interop_json_value_t v;
  luaL_checkstack(L, 2 * (int) DEPTH + 4, "JSON");
  while (s->services->json_next(s->json, &v)) {
    in_lua_charge(L, 4 + v.text.n / 64);
    if (depth > 0 && level[depth - 1].object) {         /* a member's name, then its value */
      in_lua_push(L, v.text);
      if (!s->services->json_next(s->json, &v)) break;
    }
    if (push_value(L, &v)) {
      if (depth == DEPTH) luaL_error(L, "JSON is nested too deeply: at most %d", (int) DEPTH);
      level[depth++] = (level_t) { v.kind == INTEROP_J_OBJECT, v.count, 0 };
    } else if (depth > 0) {
      store(L, &level[depth - 1]);
    }
    while (depth > 0 && level[depth - 1].left == 0) {
      depth--;
      if (depth > 0) store(L, &level[depth - 1]);
    }
  }
}

static int decode(lua_State *L) {
  interop_script_t *s = in_lua_script(L);
  interop_span_t text = in_lua_text(L, 1);
  char why[200];
  interop_status_t rc;
  if (text.n > TEXT_MAX) return luaL_error(L, "this is too much JSON: at most %d bytes", (int) TEXT_MAX);
  in_lua_charge_bytes(L, text.n * 8);
  in_lua_drop_json(s);
  rc = s->services->json_open(text, &s->alloc, &s->json, why, sizeof(why));
  if (rc == INTEROP_SYNTAX) return luaL_error(L, "this is not JSON: %s", why);
  if (rc != INTEROP_OK) return in_lua_stop(L, rc);
  lua_settop(L, 1);
  decode_all(L, s);
  in_lua_drop_json(s);
  lua_settop(L, 2);
  return 1;
}

/* ---- encode: pieces are gathered in a table, then joined */

typedef struct { int pieces; lua_Integer n; } out_t;

static void put(lua_State *L, out_t *o, interop_span_t s) {
  in_lua_push(L, s);
  lua_rawseti(L, o->pieces, ++o->n);
}

static void put_literal(lua_State *L, out_t *o, const char *s) {
  put(L, o, (interop_span_t) { s, strlen(s) });
}

static void put_text(lua_State *L, out_t *o, interop_span_t s) {
  luaL_Buffer b;
  in_lua_charge_bytes(L, s.n * 4);
  luaL_buffinit(L, &b);
  luaL_addchar(&b, '"');
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    char hex[8];
    if (c == '"' || c == '\\') luaL_addchar(&b, '\\');
    if (c >= 0x20) { luaL_addchar(&b, s.p[i]); continue; }
    snprintf(hex, sizeof(hex), "\\u%04x", c);
    luaL_addstring(&b, hex);
  }
  luaL_addchar(&b, '"');
  luaL_pushresult(&b);
  lua_rawseti(L, o->pieces, ++o->n);
}

static void put_number(lua_State *L, out_t *o) {
  double x = lua_tonumber(L, -1);
  char text[64];
  if (x != x || x - x != 0) luaL_error(L, "JSON has no such number");
  if (lua_isinteger(L, -1)) snprintf(text, sizeof(text), LUA_INTEGER_FMT, lua_tointeger(L, -1));
  else snprintf(text, sizeof(text), "%.17g", x);
  put_literal(L, o, text);
}

static void put_value(lua_State *L, out_t *o, unsigned depth);

static void put_array(lua_State *L, out_t *o, unsigned depth, size_t n) {
  put_literal(L, o, "[");
  for (size_t i = 1; i <= n; i++) {
    if (i > 1) put_literal(L, o, ",");
    lua_rawgeti(L, -1, (lua_Integer) i);
    put_value(L, o, depth);
    lua_pop(L, 1);
  }
  put_literal(L, o, "]");
}

static void put_object(lua_State *L, out_t *o, unsigned depth) {
  bool first = true;
  put_literal(L, o, "{");
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "the members of a JSON object are named by texts");
    if (!first) put_literal(L, o, ",");
    first = false;
    put_text(L, o, in_lua_text(L, -2));
    put_literal(L, o, ":");
    put_value(L, o, depth);
    lua_pop(L, 1);
  }
  put_literal(L, o, "}");
}

/* the value on top, which stays; recursion ends at DEPTH */
static void put_value(lua_State *L, out_t *o, unsigned depth) {
  in_lua_charge(L, 10);
  luaL_checkstack(L, 8, "JSON");
  switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: put_literal(L, o, lua_toboolean(L, -1) ? "true" : "false"); break;
    case LUA_TNUMBER: put_number(L, o); break;
    case LUA_TSTRING: put_text(L, o, in_lua_text(L, -1)); break;
    case LUA_TTABLE:
      if (depth == DEPTH) luaL_error(L, "this is nested too deeply for JSON: at most %d", (int) DEPTH);
      if (lua_rawlen(L, -1) > 0) put_array(L, o, depth + 1, lua_rawlen(L, -1));
      else put_object(L, o, depth + 1);
      break;
    default:
      if (lua_islightuserdata(L, -1) && lua_touserdata(L, -1) == NULL) put_literal(L, o, "null");
      else luaL_error(L, "JSON has no %s", luaL_typename(L, -1));
  }
}

static int encode(lua_State *L) {
  out_t o = { 2, 0 };
  luaL_Buffer b;
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, 1);
  put_value(L, &o, 0);
  lua_settop(L, 2);
  luaL_buffinit(L, &b);
  for (lua_Integer i = 1; i <= o.n; i++) {
    lua_rawgeti(L, o.pieces, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}

void in_lua_open_json(lua_State *L, int env) {
  static const luaL_Reg functions[] = { { "decode", decode }, { "encode", encode }, { NULL, NULL } };
  lua_newtable(L);
  in_lua_functions(L, functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  in_lua_seal(L);
  lua_setfield(L, env, "json");
}
