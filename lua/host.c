/*
** host.c -- the extension: a script is loaded, run, freed.
**
** Owns the life of a script's state. Invariants: no error of Lua leaves this
** file (all of Lua's calls that may raise one are made inside of lua_pcall), and
** lua_close is never called, since it would run what a script has left behind;
** the region simply goes.
*/
#include <stdio.h>
#include <string.h>
#include "host.h"

#define LOAD_TIMES  100u                /* what loading may cost, in calls */
#define CALLS       2                   /* within another that most scripts make */

/* ---- memory */

/* Lua tells what a new block is for; these two kinds have no name in its interface */
#define SHORT_TEXT  65u                 /* bytes: Lua writes to longer ones, when they are keys */
#define UPVALUE     ((size_t) LUA_NUMTYPES)

static bool is_still(const interop_script_t *s, size_t kind, size_t n) {
  if (kind == LUA_TSTRING) return n <= SHORT_TEXT;
  if (s->phase == IN_LUA_READS) return kind != LUA_TFUNCTION && kind != UPVALUE;
  return s->phase == IN_LUA_OPENS;
}

static void *resize(void *ud, void *p, size_t osize, size_t nsize) {
  interop_script_t *s = ud;
  size_t kind = p == NULL ? osize : 0;
  bool still;
  void *q;
  if (p == NULL) osize = 0;
  if (nsize > osize) {
    if (s->starved) return s->heap.torn = true, NULL;
    in_lua_large(s, nsize);
  }
  still = osize > 0 ? in_lua_heap_is_still(&s->heap, p) : is_still(s, kind, nsize);
  q = in_lua_heap_resize(&s->heap, p, osize, nsize, still);
  if (!still && !s->heap.sealed && (q != NULL || nsize == 0)) in_lua_hold(s, osize, nsize);
  /* Lua collects everything now and asks again; a script must not do that for ever */
  if (q == NULL && nsize > 0 && s->L != NULL) s->starved = in_lua_over(s);
  return q;
}

/* ---- what went wrong, for people */

static interop_status_t tell(interop_diag_t *diag, interop_status_t status, const char *text) {
  diag->status = status;
  diag->line = diag->column = 0;
  snprintf(diag->text, sizeof(diag->text), "%s", text);
  return status;
}

/* appends the source's line */
static void show_line(interop_diag_t *diag, interop_span_t text) {
  const char *p = text.p, *end = text.p + text.n, *stop;
  size_t n = strlen(diag->text);
  for (unsigned line = 1; line < diag->line; line++) {
    p = p >= end ? NULL : memchr(p, '\n', (size_t) (end - p));
    if (p == NULL) return;
    p++;
  }
  if (p >= end) return;
  stop = memchr(p, '\n', (size_t) (end - p));
  if (stop == NULL) stop = end;
  snprintf(diag->text + n, sizeof(diag->text) - n, "\n  %.*s", (int) (stop - p > 200 ? 200 : stop - p), p);
}

static interop_status_t tell_error(const interop_script_t *s, const interop_script_source_t *source, interop_diag_t *diag) {
  unsigned line = 0;
  const char *p = s->error;
  if (strncmp(p, IN_LUA_CHUNK ":", 2) == 0)
    for (p += 2; *p >= '0' && *p <= '9' && line < 100000000; p++) line = line * 10 + (unsigned) (*p - '0');
  tell(diag, INTEROP_SYNTAX, "");
  diag->line = line;
  snprintf(diag->text, sizeof(diag->text), "%.*s%s", source->file.n > 300 ? 300 : (int) source->file.n, source->file.p,
           line > 0 ? s->error + 1 : ": ");
  if (line > 0) show_line(diag, source->text);
  else snprintf(diag->text + strlen(diag->text), sizeof(diag->text) - strlen(diag->text), "%s", s->error);
  return INTEROP_SYNTAX;
}

/* what the error on top says; no metamethod is asked */
static void take_error(interop_script_t *s) {
  size_t n;
  const char *p = lua_type(s->L, -1) == LUA_TSTRING ? lua_tolstring(s->L, -1, &n) : NULL;
  if (s->over != INTEROP_SE_DONE && s->error[0] != '\0') return;
  if (p == NULL) snprintf(s->error, sizeof(s->error), "the error is no text but a %s", luaL_typename(s->L, -1));
  else snprintf(s->error, sizeof(s->error), "%.*s", n > 500 ? 500 : (int) n, p);
}

/* ---- loading */

/* gives the script's function, the event and the verdict */
static int load_script(lua_State *L) {
  const interop_span_t *code = lua_touserdata(L, 1);
  interop_script_t *s = in_lua_script(L);
  lua_settop(L, 0);
  s->phase = IN_LUA_OPENS;
  in_lua_open(L);
  in_lua_push_event(L);
  s->phase = IN_LUA_READS;
  if (luaL_loadbufferx(L, code->p, code->n, "=" IN_LUA_CHUNK, "b") != LUA_OK) return lua_error(L);
  lua_pushvalue(L, 1);
  lua_setupvalue(L, -2, 1);
  lua_replace(L, 1);
  s->phase = IN_LUA_RUNS;
  lua_gc(L, LUA_GCRESTART);
  lua_pushvalue(L, 1);
  lua_call(L, 0, 1);
  if (lua_type(L, -1) != LUA_TFUNCTION || lua_iscfunction(L, -1))
    return luaL_error(L, "a script returns its function: return function(event, verdict) ... end");
  lua_replace(L, 1);
  return 3;
}

static interop_status_t open_library(interop_script_t *s, interop_diag_t *diag) {
  interop_status_t rc = in_lua_library(&s->alloc, &s->library);
  if (rc == INTEROP_UNAVAILABLE) return tell(diag, rc, "this is not " LUA_VERSION);
  return rc == INTEROP_OK ? rc : tell(diag, rc, "out of memory");
}

static interop_status_t load_state(interop_script_t *s, const interop_script_source_t *source, interop_diag_t *diag) {
  interop_span_t code;
  const char *error = NULL;
  interop_status_t status = in_lua_compile(s->library, source, &code, &error);
  int rc;
  if (status == INTEROP_NOMEM) return tell(diag, status, "out of memory");
  in_lua_begin(s, LOAD_TIMES);
  if (status != INTEROP_OK) {
    snprintf(s->error, sizeof(s->error), "%s", error);
    return tell_error(s, source, diag);
  }
  lua_pushcfunction(s->L, load_script);
  lua_pushlightuserdata(s->L, &code);
  rc = lua_pcall(s->L, 1, 3, 0);
  if (rc == LUA_ERRMEM || s->over == INTEROP_SE_MEMORY) {
    snprintf(s->error, sizeof(s->error), "it needs more memory than its budget has: %u bytes", s->budget.memory);
    return tell_error(s, source, diag);
  }
  if (rc == LUA_OK) return INTEROP_OK;
  take_error(s);
  return tell_error(s, source, diag);
}

/* makes room for so many calls within another, which Lua keeps */
static int deepen(lua_State *L) {
  lua_Integer n = lua_tointeger(L, 1);
  if (n == 0) return 0;
  lua_pushcfunction(L, deepen);
  lua_pushinteger(L, n - 1);
  lua_call(L, 1, 0);
  return 0;
}

/* from now on every call begins here */
static bool keep(interop_script_t *s) {
  for (int i = 0; i < 3; i++) lua_gc(s->L, LUA_GCCOLLECT);       /* each halves the table of texts */
  lua_gc(s->L, LUA_GCSTOP);
  lua_pushcfunction(s->L, deepen);
  lua_pushinteger(s->L, CALLS);
  if (lua_pcall(s->L, 1, 0, 0) != LUA_OK) return false;
  return in_lua_heap_seal(&s->heap, &s->kept, &s->alloc);
}

static void unload(interop_script_t *s) {
  interop_alloc_t a;
  if (s == NULL) return;
  a = s->alloc;
  in_lua_free_regexes(s);
  in_lua_drop_json(s);
  in_lua_heap_unseal(&s->kept, &a);
  if (s->heap.base != NULL) a.resize(a.ctx, s->heap.base, s->budget.memory, 0);
  a.resize(a.ctx, s, sizeof(*s), 0);
}

static void set_budget(interop_budget_t *b) {
#define IN_X(name, usual, least, most) \
  if (b->name == 0) b->name = usual; \
  if (b->name < least) b->name = least; \
  if (b->name > most) b->name = most;
  INTEROP_BUDGETS(IN_X)
#undef IN_X
}

static interop_status_t load(const interop_script_source_t *source, const interop_services_t *services,
                             const interop_alloc_t *alloc, interop_script_t **script, interop_diag_t *diag) {
  interop_script_t *s = alloc->resize(alloc->ctx, NULL, 0, sizeof(*s));
  interop_status_t rc;
  bool good;
  if (s == NULL) return tell(diag, INTEROP_NOMEM, "out of memory");
  memset(s, 0, sizeof(*s));
  s->alloc = *alloc;
  s->services = services;
  s->budget = source->budget;
  set_budget(&s->budget);
  s->exact = source->exact;
  s->file_n = source->file.n < sizeof(s->file) ? source->file.n : sizeof(s->file);
  memcpy(s->file, source->file.p, s->file_n);
  good = in_lua_heap_init(&s->heap, alloc, s->budget.memory);
  if (good && s->exact) memset(s->heap.base, 0, s->heap.size);  /* it will be compared */
  if (!good || (s->L = lua_newstate(resize, s)) == NULL) {
    unload(s);
    return tell(diag, INTEROP_NOMEM, "out of memory");
  }
  *(interop_script_t **) lua_getextraspace(s->L) = s;
  lua_gc(s->L, LUA_GCSTOP);             /* it frees what Lua's own calls need: not while the host's blocks are made */
  s->text = source->text;
  rc = open_library(s, diag);
  if (rc == INTEROP_OK) rc = load_state(s, source, diag);
  s->text = (interop_span_t) { NULL, 0 };
  in_lua_library_free(s->library);
  s->library = NULL;
  if (rc == INTEROP_OK && s->status != INTEROP_OK) rc = tell(diag, s->status, "out of memory");
  if (rc == INTEROP_OK && !keep(s)) rc = tell(diag, INTEROP_NOMEM, "out of memory");
  if (rc != INTEROP_OK) unload(s);
  else *script = s;
  return rc;
}

/* ---- a call */

static void go_back(interop_script_t *s) {
  in_lua_drop_json(s);
  if (!s->used) return;
  in_lua_heap_return(&s->heap, &s->kept);
}

static interop_span_t full_error(interop_script_t *s) {
  bool placed = strncmp(s->error, IN_LUA_CHUNK ":", 2) == 0;
  int n = snprintf(s->told, sizeof(s->told), "%.*s%s%s", (int) s->file_n, s->file, placed ? "" : ": ",
                   s->error + (placed ? 1 : 0));
  return (interop_span_t) { s->told, n < 0 ? 0 : (size_t) n };
}

static void finish(interop_script_t *s, int rc, interop_script_result_t *r) {
  r->actions = 0;
  r->end = INTEROP_SE_DONE;
  r->error = (interop_span_t) { NULL, 0 };
  if (rc == LUA_ERRMEM && s->over == INTEROP_SE_DONE) {
    s->over = INTEROP_SE_MEMORY;
    snprintf(s->error, sizeof(s->error), "more memory than its budget has");
  }
  if (rc != LUA_OK) {
    take_error(s);
    r->end = s->over != INTEROP_SE_DONE ? s->over : INTEROP_SE_ERROR;
  } else if (!in_lua_result(s->L, 1, r)) {
    r->end = INTEROP_SE_RESULT;
    r->actions = 0;
  }
  if (s->exact && !in_lua_heap_whole(&s->heap, &s->kept)) {
    r->end = INTEROP_SE_ERROR;
    snprintf(s->error, sizeof(s->error), "the host's own memory was written to");
  }
  if (r->end != INTEROP_SE_DONE) r->error = full_error(s);
  r->instructions = s->instructions;
  r->memory = s->heap.most;
}

static interop_status_t run(interop_script_t *s, void *ctx, interop_script_result_t *r) {
  int rc;
  go_back(s);
  s->used = true;
  s->running = true;
  s->ctx = ctx;
  in_lua_begin(s, 1);
  r->nanoseconds = s->exact ? in_lua_clock() : 0;
  rc = lua_pcall(s->L, 2, LUA_MULTRET, 0);
  s->running = false;
  finish(s, rc, r);
  if (s->exact) r->nanoseconds = in_lua_clock() - r->nanoseconds;
  return s->status;
}

static const interop_extension_t extension = { INTEROP_EXTENSION_VERSION, LUA_VERSION, load, run, unload };

INTEROP_API const interop_extension_t *interop_extension(void);

const interop_extension_t *interop_extension(void) {
  return &extension;
}
