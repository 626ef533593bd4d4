/*
** helpers.c -- text, time, log and counter.
**
** Owns small functions that scripts would otherwise write themselves, and the
** two ways in which a call leaves something behind: lines for the log, and
** counters, which the library keys by script and tenant. Times are seconds since
** 1970, UTC; there are no time zones but offsets in minutes.
*/
#include <stdio.h>
#include <string.h>
#include "host.h"

#define LOG_MAX      1024u             /* bytes of a line for the log */
#define COUNTER_MAX   128u              /* bytes of a counter's name */
#define COUNT_COST    50                /* instructions */
#define DAY           86400

/* ---- text */

/* words are runs of letters, digits, ' and - and of whatever is not ASCII */
static bool in_word(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '\'' || c == '-' || c >= 0x80;
}

static int text_words(lua_State *L) {
  interop_span_t s = in_lua_text(L, 1);
  lua_Integer n = 0;
  bool inside = false;
  in_lua_charge_bytes(L, s.n * 4);
  for (size_t i = 0; i < s.n; i++) {
    bool now = in_word((unsigned char) s.p[i]);
    n += now && !inside;
    inside = now;
  }
  lua_pushinteger(L, n);
  return 1;
}

static int text_contains(lua_State *L) {
  interop_span_t s = in_lua_text(L, 1), part = in_lua_text(L, 2);
  in_lua_charge_bytes(L, s.n);
  lua_pushboolean(L, part.n == 0 || (part.n <= s.n && memmem(s.p, s.n, part.p, part.n) != NULL));
  return 1;
}

/* FNV-1a, its halves mixed: the same everywhere and for ever, from 0 to 2^31 - 1 */
static int text_hash(lua_State *L) {
  interop_span_t s = in_lua_text(L, 1);
  uint64_t h = 0xcbf29ce484222325u;
  in_lua_charge_bytes(L, s.n * 8);
  for (size_t i = 0; i < s.n; i++) h = (h ^ (unsigned char) s.p[i]) * 0x100000001b3u;
  h ^= h >> 32;
  h *= 0x9e3779b97f4a7c15u;
  lua_pushinteger(L, (lua_Integer) (h >> 33));
  return 1;
}

/* ---- time; days and dates after the proleptic Gregorian calendar */

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

static int64_t days_from_date(int64_t y, int64_t m, int64_t d) {
  int64_t era, yoe, doy;
  y -= m <= 2;
  era = floor_div(y, 400);
  yoe = y - era * 400;
  doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

typedef struct { int64_t year, month, day, hour, min, sec, wday; } date_t;

static date_t date_from_time(int64_t t) {
  int64_t days = floor_div(t, DAY), rest = t - days * DAY, z = days + 719468;
  int64_t era = floor_div(z, 146097), doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  date_t d;
  d.day = doy - (153 * mp + 2) / 5 + 1;
  d.month = mp < 10 ? mp + 3 : mp - 9;
  d.year = yoe + era * 400 + (d.month <= 2);
  d.hour = rest / 3600;
  d.min = rest / 60 % 60;
  d.sec = rest % 60;
  d.wday = days - 7 * floor_div(days + 3, 7) + 4;
  return d;
}

static int64_t check_time(lua_State *L, int arg) {
  lua_Integer t = luaL_checkinteger(L, arg);
  luaL_argcheck(L, t >= -62135596800 && t <= 253402300799, arg, "not a time between the years 1 and 9999");
  return t;
}

/* time.date(seconds [, minutes east of Greenwich]) */
static int time_date(lua_State *L) {
  lua_Integer offset = luaL_optinteger(L, 2, 0);
  date_t d = date_from_time(check_time(L, 1) + offset % (24 * 60) * 60);
  const struct { const char *name; int64_t value; } parts[] = {
    { "year", d.year }, { "month", d.month }, { "day", d.day }, { "hour", d.hour }, { "min", d.min },
    { "sec", d.sec }, { "wday", d.wday },
  };
  lua_createtable(L, 0, 7);
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    lua_pushinteger(L, parts[i].value);
    lua_setfield(L, -2, parts[i].name);
  }
  return 1;
}

static int time_format(lua_State *L) {
  date_t d = date_from_time(check_time(L, 1));
  char text[64];
  snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", (int) d.year, (int) d.month, (int) d.day,
           (int) d.hour, (int) d.min, (int) d.sec);
  lua_pushstring(L, text);
  return 1;
}

/* n digits at *p; -1: they are not there */
static int64_t digits(const char **p, const char *end, int n) {
  int64_t v = 0;
  if (end - *p < n) return -1;
  for (; n > 0; n--, ++*p) {
    if (**p < '0' || **p > '9') return -1;
    v = v * 10 + (**p - '0');
  }
  return v;
}

static bool mark(const char **p, const char *end, char c) {
  if (*p >= end || **p != c) return false;
  ++*p;
  return true;
}

/* "2019-01-15" or "2019-01-15T10:00:00Z"; nil: it is neither */
static int time_parse(lua_State *L) {
  interop_span_t s = in_lua_text(L, 1);
  const char *p = s.p, *end = s.p + s.n;
  int64_t y, m = -1, d = -1, clock[3] = { 0, 0, 0 };
  bool good;
  y = digits(&p, end, 4);
  if (mark(&p, end, '-')) m = digits(&p, end, 2);
  if (mark(&p, end, '-')) d = digits(&p, end, 2);
  good = y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= 31;
  if (good && p < end) {
    for (int i = 0; i < 3 && good; i++) {
      good = mark(&p, end, i == 0 ? 'T' : ':');
      clock[i] = good ? digits(&p, end, 2) : -1;
      good = clock[i] >= 0 && clock[i] <= (i == 0 ? 23 : 59);
    }
    good = good && mark(&p, end, 'Z') && p == end;
  }
  if (!good) return lua_pushnil(L), 1;
  lua_pushinteger(L, days_from_date(y, m, d) * DAY + clock[0] * 3600 + clock[1] * 60 + clock[2]);
  return 1;
}

/* ---- log */

/* its arguments with a space between them, as tostring shows them */
static int write_log(lua_State *L) {
  interop_script_t *s = in_lua_in_call(L, "log");
  char line[LOG_MAX];
  size_t n = 0;
  int args = lua_gettop(L);
  in_lua_charge(L, COUNT_COST + (unsigned) args);
  for (int i = 1; i <= args; i++) {
    int t = lua_type(L, i);
    interop_span_t v = { luaL_typename(L, i), 0 };
    if (t == LUA_TSTRING || t == LUA_TNUMBER || t == LUA_TBOOLEAN || t == LUA_TNIL) v.p = luaL_tolstring(L, i, &v.n);
    else v.n = strlen(v.p);
    if (i > 1 && n < sizeof(line)) line[n++] = ' ';
    if (v.n > sizeof(line) - n) v.n = sizeof(line) - n;
    memcpy(line + n, v.p, v.n);
    n += v.n;
    lua_settop(L, args);
  }
  in_lua_put_out(L, n);
  s->services->log(s->ctx, (interop_span_t) { line, n });
  return 0;
}

/* ---- counter */

static int count(lua_State *L, lua_Integer by, lua_Integer ttl) {
  interop_script_t *s = in_lua_in_call(L, "a counter");
  interop_span_t name = in_lua_text(L, 1);
  int64_t value = 0;
  interop_status_t rc;
  luaL_argcheck(L, name.n >= 1 && name.n <= COUNTER_MAX, 1, "a counter's name has 1 to 128 bytes");
  in_lua_charge(L, COUNT_COST);
  rc = s->services->count(s->ctx, name, by, (uint32_t) ttl, &value);
  if (rc == INTEROP_UNAVAILABLE) return luaL_error(L, "there are no counters here");
  if (rc == INTEROP_FULL) return luaL_error(L, "there is no room for this counter");
  if (rc != INTEROP_OK) return in_lua_stop(L, rc);
  lua_pushinteger(L, value);
  return 1;
}

/* counter.incr(name, ttl [, by]): its value then */
static int counter_incr(lua_State *L) {
  lua_Integer ttl = luaL_checkinteger(L, 2), by = luaL_optinteger(L, 3, 1);
  luaL_argcheck(L, ttl >= 1 && ttl <= 366 * DAY, 2, "from 1 second to 366 days");
  luaL_argcheck(L, by >= 1 && by <= 1000000, 3, "from 1 to 1000000");
  return count(L, by, ttl);
}

/* counter.get(name): 0 if there is none */
static int counter_get(lua_State *L) {
  return count(L, 0, 0);
}

/* ---- all of it */

static void add_library(lua_State *L, int env, const char *name, const luaL_Reg *functions) {
  if (!in_lua_names(L, name)) return;
  if (lua_getfield(L, env, name) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  in_lua_functions(L, functions);
  in_lua_seal(L);
  lua_setfield(L, env, name);
}

void in_lua_open_helpers(lua_State *L, int env) {
  static const luaL_Reg text[] = {
    { "words", text_words }, { "contains", text_contains }, { "hash", text_hash }, { NULL, NULL }
  };
  static const luaL_Reg time[] = {
    { "date", time_date }, { "format", time_format }, { "parse", time_parse }, { NULL, NULL }
  };
  static const luaL_Reg counter[] = { { "incr", counter_incr }, { "get", counter_get }, { NULL, NULL } };
  add_library(L, env, "text", text);
  add_library(L, env, "time", time);
  add_library(L, env, "counter", counter);
  if (!in_lua_names(L, "log")) return;
  lua_pushcfunction(L, write_log);
  lua_setfield(L, env, "log");
}
