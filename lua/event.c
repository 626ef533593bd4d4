/*
** event.c -- the event and the policy's verdict as a script sees them.
**
** Owns the views: values without contents, whose fields are asked of the library
** when they are touched. What is not known is nil; a name that nothing has is an
** error, so that a slip of the pen does not pass for "not known". Invariant: a
** view can be read only.
*/
#include <stdlib.h>
#include <string.h>
#include "host.h"

/* of a subject's facts, whose names begin with prefix */
typedef struct {
  interop_script_subject_t of;
  uint32_t number;
  size_t n;                       /* of prefix */
  char prefix[];
} view_t;

#define PREFIX_MAX  64u

static const char *const fields[] = {
#define INTEROP_X(name, text) text,
  INTEROP_EVENT_FIELDS(INTEROP_X)
#undef INTEROP_X
};

static const char *const subjects[] = {
#define INTEROP_X(name, text) text,
  INTEROP_SCRIPT_SUBJECTS(INTEROP_X)
#undef INTEROP_X
};

/* ---- values */

static void push_list(lua_State *L, const interop_value_t *v) {
  const interop_services_t *services = in_lua_script(L)->services;
  interop_span_t item, second;
  size_t at = 0;
  lua_Integer n = 0;
  lua_newtable(L);
  while (v->count > 0 && services->item(v, &at, &item, &second)) {
    in_lua_charge(L, 4);
    in_lua_push(L, item);
    lua_rawseti(L, -2, ++n);
  }
}

static int push_value(lua_State *L, const interop_value_t *v) {
  switch (v->type) {
    case INTEROP_T_FLAG: lua_pushboolean(L, v->number != 0); break;
    case INTEROP_T_NUMBER: lua_pushinteger(L, v->number); break;
    case INTEROP_T_TEXT:
      in_lua_charge_bytes(L, v->text.n);
      in_lua_push(L, v->text);
      break;
    case INTEROP_T_LIST: push_list(L, v); break;
    default: lua_pushnil(L);
  }
  return 1;
}

static int no_field(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return luaL_error(L, "there is no such field");
  return luaL_error(L, "there is no field \"%s\"", lua_tostring(L, 2));
}

static int no_write(lua_State *L) {
  return luaL_error(L, "an event and a verdict cannot be changed; return what is to be done");
}

/* ---- facts of records */

static const char meta_facts = 0, meta_people = 0;      /* keys of their metatables */

static void push_view(lua_State *L, interop_script_subject_t of, uint32_t number, interop_span_t prefix, const void *meta) {
  view_t *v = lua_newuserdatauv(L, sizeof(*v) + prefix.n, 0);
  v->of = of;
  v->number = number;
  v->n = prefix.n;
  if (prefix.n > 0) memcpy(v->prefix, prefix.p, prefix.n);
  lua_rawgetp(L, LUA_REGISTRYINDEX, meta);
  lua_setmetatable(L, -2);
}

/* event.sender.country, event.tenant.toggles["a.b"] */
static int fact(lua_State *L) {
  interop_script_t *s = in_lua_in_call(L, "an event");
  const view_t *v = lua_touserdata(L, 1);
  char path[2 * PREFIX_MAX];
  interop_span_t name;
  interop_value_t value;
  interop_status_t rc;
  if (lua_type(L, 2) != LUA_TSTRING) return no_field(L);
  name.p = lua_tolstring(L, 2, &name.n);
  if (v->n > 0) {
    if (name.n > sizeof(path) - v->n) return no_field(L);
    memcpy(path, v->prefix, v->n);
    memcpy(path + v->n, name.p, name.n);
    name = (interop_span_t) { path, v->n + name.n };
  }
  in_lua_charge(L, 5);
  rc = s->services->fact(s->ctx, v->of, v->number, name, &value);
  if (rc == INTEROP_OK) return push_value(L, &value);
  if (rc == INTEROP_MISSING) return no_field(L);
  if (rc != INTEROP_USAGE) return in_lua_stop(L, rc);
  if (name.n >= PREFIX_MAX) return no_field(L);
  memmove(path, name.p, name.n);
  path[name.n] = '.';
  push_view(L, v->of, v->number, (interop_span_t) { path, name.n + 1 }, &meta_facts);
  return 1;
}

/* ---- event.recipients: a list of them */

static int person(lua_State *L) {
  interop_script_t *s = in_lua_in_call(L, "an event");
  lua_Integer i;
  if (lua_type(L, 2) != LUA_TNUMBER || !lua_isinteger(L, 2)) return no_field(L);
  i = lua_tointeger(L, 2);
  if (i < 1 || (lua_Unsigned) i > s->services->recipients(s->ctx)) return lua_pushnil(L), 1;
  push_view(L, INTEROP_SS_RECIPIENT, (uint32_t) i - 1, (interop_span_t) { NULL, 0 }, &meta_facts);
  return 1;
}

static int people(lua_State *L) {
  interop_script_t *s = in_lua_in_call(L, "an event");
  lua_pushinteger(L, (lua_Integer) s->services->recipients(s->ctx));
  return 1;
}

/* ---- the event and the verdict: fields that the library is asked for */

/* names are Lua's own short texts, of which there is one each: they are told by their place */
typedef struct {
  unsigned count;
  struct { const char *name; interop_event_field_t field; } at[INTEROP_EVENT_FIELD_COUNT];
} group_t;

/* upvalue 1: the group; upvalue 2 holds its names */
static int field(lua_State *L) {
  interop_script_t *s = in_lua_in_call(L, "an event");
  const group_t *g = lua_touserdata(L, lua_upvalueindex(1));
  const char *name = lua_tolstring(L, 2, NULL);
  interop_value_t value;
  interop_status_t rc;
  unsigned i = 0;
  while (i < g->count && g->at[i].name != name) i++;
  if (i == g->count) return no_field(L);
  in_lua_charge(L, 3);
  rc = s->services->field(s->ctx, g->at[i].field, &value);
  return rc == INTEROP_OK ? push_value(L, &value) : in_lua_stop(L, rc);
}

/* what stands on top is asked for what a view does not have */
static void new_meta(lua_State *L) {
  lua_createtable(L, 0, 3);
  lua_insert(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, no_write);
  lua_setfield(L, -2, "__newindex");
}

static void keep_meta(lua_State *L, const void *key) {
  in_lua_settle(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* the names below `group` ("event.client."): a function that knows them */
static void push_fields(lua_State *L, const char *group) {
  size_t n = strlen(group);
  group_t *g = lua_newuserdatauv(L, sizeof(*g), 0);
  g->count = 0;
  lua_newtable(L);
  for (size_t i = 0; i < INTEROP_EVENT_FIELD_COUNT; i++) {
    if (strncmp(fields[i], group, n) != 0 || strchr(fields[i] + n, '.') != NULL || !in_lua_names(L, fields[i] + n)) continue;
    g->at[g->count].name = lua_pushstring(L, fields[i] + n);
    g->at[g->count++].field = (interop_event_field_t) i;
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
  }
  lua_pushcclosure(L, field, 2);
}

/* a view of what stands on top */
static void finish_view(lua_State *L) {
  new_meta(L);
  in_lua_settle(L);
  lua_newuserdatauv(L, 1, 0);
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
}

/* people and what else is the event's: a table, behind which the fields stand */
static void push_subjects(lua_State *L) {
  const interop_span_t none = { NULL, 0 };
  lua_newtable(L);
  for (size_t i = 0; i < INTEROP_SCRIPT_SUBJECT_COUNT; i++) {
    const char *name = subjects[i] + sizeof("event.") - 1;
    if (!in_lua_names(L, name)) continue;
    push_view(L, (interop_script_subject_t) i, 0, none, i == INTEROP_SS_RECIPIENT ? &meta_people : &meta_facts);
    lua_setfield(L, -2, name);
  }
  push_fields(L, "event.client.");
  finish_view(L);
  lua_setfield(L, -2, "client");
  push_fields(L, "event.");
  new_meta(L);
  in_lua_settle(L);
  lua_setmetatable(L, -2);
}

void in_lua_push_event(lua_State *L) {
  push_subjects(L);
  finish_view(L);
  push_fields(L, "verdict.");
  finish_view(L);
}

/* nothing has a name here; the views' metatables lie where scripts cannot reach them */
void in_lua_open_event(lua_State *L, int env) {
  (void) env;
  lua_pushcfunction(L, fact);
  new_meta(L);
  keep_meta(L, &meta_facts);
  lua_pushcfunction(L, person);
  new_meta(L);
  lua_pushcfunction(L, people);
  lua_setfield(L, -2, "__len");
  keep_meta(L, &meta_people);
}
