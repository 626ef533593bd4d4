/*
** host.h -- one script and the state that it runs in; shared by the files of
** the Lua host.
**
** heap.c    a region of memory, and the way back to what it was
** budget.c  what a call may cost: counted, and ended when it is too much
** sandbox.c the names that a script can reach; none of them reaches further
** bounded.c functions of Lua's own libraries, each with its cost
** regex.c   re.*, and what stands for Lua's patterns
** event.c   the event and the policy's verdict as a script sees them
** actions.c what a script can give: deny(...), placeholder(...)
** helpers.c text, time, log, counter
** words.c   word lists
** json.c    JSON
** library.c Lua's own libraries, looked into from outside
** host.c    the extension: load, run, free
**
** A state lives in one region. When the script has been loaded, the region is
** copied, and every call begins with that copy (of all that the call before could
** write to): nothing of a call is there in the next one, whatever it did, and
** nothing needs to be collected or closed.
** So nothing in a region may own anything outside of it; the few things that
** do (regexes, a parsed JSON) hang on the host and are bounded by it.
*/
#ifndef IN_LUA_HOST_H
#define IN_LUA_HOST_H

#include <stdbool.h>
#include <lua.h>
#include <lauxlib.h>
#include "../rules/interop.h"

/* ---- heap.c */

#define IN_LUA_CLASSES  128

typedef struct {
  char *base;
  size_t size;
  size_t top;                     /* the low side is [0, top) ... */
  size_t floor;                   /* ... the still side [floor, size) */
  size_t most;                    /* most that both had since the last return */
  size_t kept;                    /* top when it was sealed */
  bool sealed;                    /* no block of the still side is given any more */
  bool torn;                      /* the still side may have been written to since the last return */
  uint64_t touched[IN_LUA_CLASSES / 64];        /* classes whose lists have changed since then */
  void *free[2][IN_LUA_CLASSES];  /* blocks of a side and a size, linked by their first word */
} in_lua_heap_t;

typedef struct {
  in_lua_heap_t heap;             /* as it was when it was sealed ... */
  char *copy;                     /* ... and the bytes of both sides */
  size_t n;
} in_lua_kept_t;

bool in_lua_heap_init(in_lua_heap_t *h, const interop_alloc_t *alloc, size_t size);
/* still: the block is one that is written now and never again; as it was said of p */
void *in_lua_heap_resize(in_lua_heap_t *h, void *p, size_t osize, size_t nsize, bool still);
bool in_lua_heap_is_still(const in_lua_heap_t *h, const void *p);
/* false: no memory. Every return leads to what there is now */
bool in_lua_heap_seal(in_lua_heap_t *h, in_lua_kept_t *k, const interop_alloc_t *alloc);
void in_lua_heap_unseal(in_lua_kept_t *k, const interop_alloc_t *alloc);
void in_lua_heap_return(in_lua_heap_t *h, const in_lua_kept_t *k);
/* is the still side as it was, unless it is known not to be? */
bool in_lua_heap_whole(const in_lua_heap_t *h, const in_lua_kept_t *k);

/* ---- the script */

#define IN_LUA_REGEXES     64           /* patterns that are kept compiled */
#define IN_LUA_REGEX_ROOM  (512u * 1024)        /* bytes of them all */
#define IN_LUA_ERROR_MAX   600
#define IN_LUA_CHUNK       "@"         /* what Lua takes the script to be called: "@:12: ..." */

typedef struct { interop_regex_t *regex; char *pattern; size_t n; } in_lua_regex_t;

typedef struct in_lua_library_s in_lua_library_t;

/*
** Whose blocks Lua asks for. What the host makes, and the script's code, is never
** written again: it lies on the heap's still side, as do all short texts; what the
** script itself makes, Lua's own state and its stack do not.
*/
typedef enum {
  IN_LUA_RUNS,                    /* the script's, or Lua's */
  IN_LUA_OPENS,                   /* the host's: tables, functions, views that nobody writes */
  IN_LUA_READS                    /* the script's code, and a closure of it */
} in_lua_phase_t;

struct interop_script_s {
  interop_alloc_t alloc;
  const interop_services_t *services;
  interop_budget_t budget;
  bool exact;
  lua_State *L;
  in_lua_heap_t heap;
  in_lua_kept_t kept;             /* the heap as it was when the script had been loaded */
  in_lua_phase_t phase;
  bool used;                      /* something was done since */

  in_lua_regex_t regex[IN_LUA_REGEXES];
  uint32_t regexes;
  size_t regex_bytes;
  interop_regex_t *passing;       /* one that is not kept, while it is used */
  interop_json_t *json;
  in_lua_library_t *library;      /* while it is loaded */
  interop_span_t text;            /* so too: its source */

  /* the call */
  bool running;                   /* else it is being loaded: there is no event */
  void *ctx;
  interop_status_t status;        /* what a service said that ends it */
  interop_script_end_t over;      /* the budget that is used up; DONE: none */
  bool starved;                   /* ... and no block is given any more */
  uint64_t instructions;
  uint64_t most_instructions;
  uint64_t look_at;               /* charged instructions at which the clock is looked at */
  uint64_t most_time;             /* nanoseconds; */
  uint64_t deadline;              /* of the clock on the wall, 0: not looked at yet; */
  uint64_t grace;                 /* once that is over, of the thread's own */
  size_t output;
  int step;                       /* instructions between two hooks */
  unsigned middle, large;         /* the script's own blocks that are so */
  interop_script_result_t *result;
  interop_script_action_t action[INTEROP_SCRIPT_GIVES];
  uint32_t actions;
  char error[IN_LUA_ERROR_MAX];
  char told[2 * IN_LUA_ERROR_MAX];        /* the same with the file's name */
  size_t file_n;
  char file[256];
};

static inline interop_script_t *in_lua_script(lua_State *L) {
  return *(interop_script_t **) lua_getextraspace(L);
}

/* ---- budget.c */

uint64_t in_lua_clock(void);
/* a new call, of `times` the budget */
void in_lua_begin(interop_script_t *s, unsigned times);
/* does not return when the call has cost too much, or is at its end */
void in_lua_look(lua_State *L);

/* C code has done about as much as so many instructions; does not return when that is too much */
static inline void in_lua_charge(lua_State *L, uint64_t instructions) {
  interop_script_t *s = in_lua_script(L);
  s->instructions += instructions;
  if (s->instructions > s->look_at || s->instructions > s->most_instructions || s->over != INTEROP_SE_DONE
      || s->status != INTEROP_OK) in_lua_look(L);
}

/* the same for having gone over so many bytes */
static inline void in_lua_charge_bytes(lua_State *L, size_t bytes) {
  in_lua_charge(L, 1 + bytes / 64);
}

/* is the call at its end? for code that must not jump */
bool in_lua_over(interop_script_t *s);
/* ends the call, if it is over */
void in_lua_check(lua_State *L);
/* bytes that leave the script */
void in_lua_put_out(lua_State *L, size_t bytes);
/* the allocator has seen a block of this size */
void in_lua_large(interop_script_t *s, size_t size);
/* while the script is loaded: a block of its own has another size now; what is there at the end, every call has */
void in_lua_hold(interop_script_t *s, size_t osize, size_t nsize);
/* a service has said no: ends the call */
int in_lua_stop(lua_State *L, interop_status_t status);

/* ---- the environment; each leaves its tables where in_lua_open puts them */

int in_lua_open(lua_State *L);                  /* a C function: gives the environment */
/* does the script's source have this word? What it does not name it need not have: every call
   is copied from what there is */
bool in_lua_names(lua_State *L, const char *word);
void in_lua_seal(lua_State *L);                 /* the table on top becomes one that cannot be written */
/* the metatable on top is asked for what it does not have: Lua notes that in it */
void in_lua_settle(lua_State *L);
void in_lua_functions(lua_State *L, const luaL_Reg *list);      /* into the table on top */
void in_lua_open_bounded(lua_State *L, int env);
void in_lua_open_regex(lua_State *L, int env);
void in_lua_open_event(lua_State *L, int env);
void in_lua_open_actions(lua_State *L, int env);
void in_lua_open_helpers(lua_State *L, int env);
void in_lua_open_words(lua_State *L, int env);  /* text is there */
void in_lua_open_json(lua_State *L, int env);

/* library.c: NOMEM; UNAVAILABLE: another Lua has taken the place of the one that this was built for.
   The library is to be freed in any case */
interop_status_t in_lua_library(const interop_alloc_t *alloc, in_lua_library_t **library);
void in_lua_library_free(in_lua_library_t *library);
/* the source's code; SYNTAX: *error says why not. Both live as long as the library */
interop_status_t in_lua_compile(in_lua_library_t *library, const interop_script_source_t *source,
                                interop_span_t *code, const char **error);
void in_lua_library_push(lua_State *L, const char *library, const char *name);

/* leaves an event and a verdict on the stack */
void in_lua_push_event(lua_State *L);
/* only inside of the script's function */
interop_script_t *in_lua_in_call(lua_State *L, const char *what);
/* the script's strings: not converted from numbers */
interop_span_t in_lua_text(lua_State *L, int arg);
void in_lua_push(lua_State *L, interop_span_t s);
/* the values on the stack from `first` on are what the script returned */
bool in_lua_result(lua_State *L, int first, interop_script_result_t *result);
void in_lua_free_regexes(interop_script_t *s);
void in_lua_drop_json(interop_script_t *s);

#endif
