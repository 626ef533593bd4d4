/*
** budget.c -- what a call may cost, and its end when it costs more.
**
** Owns the counting: the virtual machine's instructions come in by a hook, what
** C functions do is charged by them in the same unit, the clock is looked at in
** both. A script cannot go on after the end: whoever catches an error (pcall)
** asks in_lua_check, and the hook comes again. Invariant: between two looks at
** the clock lie at most `step` instructions, and the step is the smaller the
** larger the values are that a single instruction may have to go over.
*/
#include <stdio.h>
#include <time.h>
#include "host.h"

#define STEP         100                /* instructions between two hooks ... */
#define STEP_MIDDLE  10                 /* ... when there are values of MIDDLE bytes */
#define STEP_LARGE   1
#define MIDDLE       4096u
#define LARGE        65536u
#define LOOK_EVERY   1000u              /* charged instructions */

static uint64_t look(clockid_t clock) {
  struct timespec t;
  (void) clock_gettime(clock, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

uint64_t in_lua_clock(void) {
  return look(CLOCK_MONOTONIC);
}

static const char *const texts[] = {
  "", "",                               /* ORDER: INTEROP_SCRIPT_ENDS */
  "more instructions than its budget has",
  "more memory than its budget has",
  "more time than its budget has",
  "more output than its budget has",
  ""
};

/* the line of the script that is being run; asks Lua for no memory */
static int line_of(lua_State *L) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++)
    if (lua_getinfo(L, "l", &ar) && ar.currentline > 0) return ar.currentline;
  return 0;
}

/* the error is no text, for which there may be no memory */
static int leave(lua_State *L, interop_script_t *s) {
  lua_pushlightuserdata(L, s);
  return lua_error(L);
}

static int end(lua_State *L, interop_script_t *s, interop_script_end_t why) {
  if (s->over == INTEROP_SE_DONE) s->over = why;
  if (s->error[0] == '\0') snprintf(s->error, sizeof(s->error), IN_LUA_CHUNK ":%d: %s", line_of(L), texts[s->over]);
  return leave(L, s);
}

/*
** True: the time is over. The clock on the wall is cheap, but it goes on while the
** worker is not: where it says that it is over, a quarter of the budget is given
** by the thread's own clock, so that a busy machine does not deny messages. A call
** begins for the clock with the first look, since most need none.
*/
static bool late(interop_script_t *s) {
  uint64_t now = in_lua_clock();
  s->look_at = s->instructions + LOOK_EVERY;
  if (s->deadline == 0) s->deadline = now + s->most_time;
  if (now <= s->deadline) return false;
  if (s->grace != 0) return look(CLOCK_THREAD_CPUTIME_ID) > s->grace;
  s->grace = look(CLOCK_THREAD_CPUTIME_ID) + (uint64_t) s->budget.microseconds * 250u;
  return false;
}

static void hook(lua_State *L, lua_Debug *ar) {
  interop_script_t *s = in_lua_script(L);
  (void) ar;
  s->instructions += (unsigned) s->step;
  in_lua_check(L);
  if (s->instructions > s->most_instructions) end(L, s, INTEROP_SE_INSTRUCTIONS);
  if (late(s)) end(L, s, INTEROP_SE_TIME);
}

static void set_step(interop_script_t *s, int step) {
  if (s->exact) step = 1;
  s->step = step;
  lua_sethook(s->L, hook, LUA_MASKCOUNT, step);
}

void in_lua_begin(interop_script_t *s, unsigned times) {
  s->status = INTEROP_OK;
  s->over = INTEROP_SE_DONE;
  s->starved = false;
  s->error[0] = '\0';
  s->instructions = 0;
  s->look_at = LOOK_EVERY;
  s->most_instructions = (uint64_t) s->budget.instructions * times;
  s->most_time = (uint64_t) s->budget.microseconds * 1000u * times;
  s->deadline = 0;
  s->grace = 0;
  s->output = 0;
  s->actions = 0;
  set_step(s, s->large > 0 ? STEP_LARGE : s->middle > 0 ? STEP_MIDDLE : STEP);
}

void in_lua_hold(interop_script_t *s, size_t osize, size_t nsize) {
  s->middle += (unsigned) (nsize >= MIDDLE) - (unsigned) (osize >= MIDDLE);
  s->large += (unsigned) (nsize >= LARGE) - (unsigned) (osize >= LARGE);
}

/* the hook's own count begins anew with each setting; lua_sethook may be called at any time */
void in_lua_large(interop_script_t *s, size_t size) {
  int step = size >= LARGE ? STEP_LARGE : STEP_MIDDLE;
  if (size < MIDDLE || s->step <= step || s->L == NULL) return;
  s->instructions += (unsigned) s->step;
  set_step(s, step);
}

bool in_lua_over(interop_script_t *s) {
  if (s->over == INTEROP_SE_DONE && s->instructions > s->most_instructions) s->over = INTEROP_SE_INSTRUCTIONS;
  if (s->over == INTEROP_SE_DONE && late(s)) s->over = INTEROP_SE_TIME;
  return s->over != INTEROP_SE_DONE || s->status != INTEROP_OK;
}

void in_lua_check(lua_State *L) {
  interop_script_t *s = in_lua_script(L);
  if (s->status != INTEROP_OK) leave(L, s);
  if (s->over != INTEROP_SE_DONE) end(L, s, s->over);
}

void in_lua_look(lua_State *L) {
  interop_script_t *s = in_lua_script(L);
  in_lua_check(L);
  if (s->instructions > s->most_instructions) end(L, s, INTEROP_SE_INSTRUCTIONS);
  if (late(s)) end(L, s, INTEROP_SE_TIME);
}

void in_lua_put_out(lua_State *L, size_t bytes) {
  interop_script_t *s = in_lua_script(L);
  s->output += bytes;
  if (s->output > s->budget.output || s->output < bytes) end(L, s, INTEROP_SE_OUTPUT);
}

int in_lua_stop(lua_State *L, interop_status_t status) {
  interop_script_t *s = in_lua_script(L);
  if (s->status == INTEROP_OK) s->status = status;
  return leave(L, s);
}
