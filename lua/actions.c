/*
** actions.c -- what a script can give: deny("reason", "message") and the others.
**
** Owns their form. Each call notes an action and gives a token of it, which the
** script returns; a token cannot be made otherwise. Texts are anchored until the
** call's end. What an action means, and whether it may be, is the library's.
*/
#include <stdio.h>
#include "host.h"

static const struct { const char *name; bool verdict, may, must; } actions[] = {
#define INTEROP_X(name, text, verdict, may, must) \
  { text, INTEROP_SA_##name != INTEROP_SA_NOTICE && INTEROP_SA_##name != INTEROP_SA_SET_HEADER, may, must },
  INTEROP_SCRIPT_ACTIONS(INTEROP_X)
#undef INTEROP_X
};

static const char anchors = 0;          /* key of the table that holds the texts */

static interop_span_t take(lua_State *L, int arg, int slot) {
  interop_span_t s = in_lua_text(L, arg);
  in_lua_put_out(L, s.n);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &anchors);
  lua_pushvalue(L, arg);
  lua_rawseti(L, -2, slot);
  lua_pop(L, 1);
  return s;
}

static bool takes_second(interop_script_action_kind_t kind) {
  return kind == INTEROP_SA_DENY || kind == INTEROP_SA_SET_HEADER;
}

/* upvalue 1: the kind */
static int give(lua_State *L) {
  interop_script_action_kind_t kind = (interop_script_action_kind_t) lua_tointeger(L, lua_upvalueindex(1));
  interop_script_t *s = in_lua_in_call(L, actions[kind].name);
  interop_script_action_t *a = &s->action[s->actions];
  const interop_span_t none = { NULL, 0 };
  int slot = (int) s->actions * 2;
  int most = !actions[kind].may ? 0 : takes_second(kind) ? 2 : 1;
  if (s->actions == INTEROP_SCRIPT_GIVES) return luaL_error(L, "too many actions: at most %d", INTEROP_SCRIPT_GIVES);
  if (lua_gettop(L) > most) return luaL_error(L, "%s takes %d text%s", actions[kind].name, most, most == 1 ? "" : "s");
  *a = (interop_script_action_t) { kind, none, none };
  if (actions[kind].must || !lua_isnoneornil(L, 1)) a->first = take(L, 1, slot + 1);
  if (kind == INTEROP_SA_SET_HEADER || !lua_isnoneornil(L, 2)) a->second = take(L, 2, slot + 2);
  s->actions++;
  lua_pushlightuserdata(L, a);
  return 1;
}

void in_lua_open_actions(lua_State *L, int env) {
  for (size_t i = 0; i < INTEROP_SCRIPT_ACTION_COUNT; i++) {
    if (!in_lua_names(L, actions[i].name)) continue;
    lua_pushinteger(L, (lua_Integer) i);
    lua_pushcclosure(L, give, 1);
    lua_setfield(L, env, actions[i].name);
  }
  in_lua_script(L)->phase = IN_LUA_RUNS;        /* the one table of the host's that calls write to */
  lua_newtable(L);
  in_lua_script(L)->phase = IN_LUA_OPENS;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anchors);
}

static bool wrong(interop_script_t *s, const char *what, const char *type) {
  snprintf(s->error, sizeof(s->error), "%s%s", what, type);
  return false;
}

bool in_lua_result(lua_State *L, int first, interop_script_result_t *r) {
  interop_script_t *s = in_lua_script(L);
  unsigned verdicts = 0;
  r->actions = 0;
  if (lua_gettop(L) == first && lua_isnil(L, first)) return true;
  for (int i = first; i <= lua_gettop(L); i++) {
    const interop_script_action_t *a = lua_islightuserdata(L, i) ? lua_touserdata(L, i) : NULL;
    uint32_t n = 0;
    while (n < s->actions && a != &s->action[n]) n++;
    if (n == s->actions)
      return wrong(s, "a script returns deny(...), notice(...) and the like, or nothing; this returned a ", luaL_typename(L, i));
    if (r->actions == INTEROP_SCRIPT_GIVES) return wrong(s, "a script returned too many actions", "");
    verdicts += actions[a->kind].verdict;
    r->action[r->actions++] = *a;
  }
  return verdicts <= 1 || wrong(s, "a script returned more than one verdict", "");
}
