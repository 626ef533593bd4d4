/*
** luahost.h -- the Lua host, opened, and an event for scripts that is made up.
**
** Knows nothing of what a test does with them. Regexes and JSON are the library's.
*/
#ifndef LUAHOST_H
#define LUAHOST_H

#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include "tap.h"
#include "rules/script/script.h"

static const interop_extension_t *lua;
static char logged[4096];
static int64_t counter;
static int64_t event_time = 1547546400;
static interop_status_t stop_with;      /* what the field `card` answers */

/* ---- an event */

static interop_status_t field(void *ctx, interop_event_field_t f, interop_value_t *v) {
  (void) ctx;
  memset(v, 0, sizeof(*v));
  v->type = INTEROP_T_TEXT;
  switch (f) {
    case INTEROP_EV_OPERATION: v->text = IN_SPAN("message.send"); break;
    case INTEROP_EV_KIND: v->text = IN_SPAN("text"); break;
    case INTEROP_EV_TEXT: v->text = IN_SPAN("Meet me at gate 7, or gate 12."); break;
    case INTEROP_EV_TIME: v->type = INTEROP_T_NUMBER; v->number = event_time; break;
    case INTEROP_EV_VERDICT: v->text = IN_SPAN("deliver"); break;
    case INTEROP_EV_CARD: v->type = INTEROP_T_NULL; return stop_with;
    default: v->type = INTEROP_T_NULL;
  }
  return INTEROP_OK;
}

static interop_status_t fact(void *ctx, interop_script_subject_t of, uint32_t number, in_span_t name, interop_value_t *v) {
  (void) ctx;
  memset(v, 0, sizeof(*v));
  if (in_eq(name, IN_SPAN("id"))) {
    v->type = INTEROP_T_TEXT;
    v->text = of == INTEROP_SS_RECIPIENT ? (number == 0 ? IN_SPAN("mira") : IN_SPAN("ruth")) : IN_SPAN("jonas");
  } else if (in_eq(name, IN_SPAN("linked"))) {
    v->type = INTEROP_T_FLAG;
  } else if (in_eq(name, IN_SPAN("toggles"))) {
    return INTEROP_USAGE;
  } else if (in_eq(name, IN_SPAN("toggles.a.b"))) {
    v->type = INTEROP_T_TEXT;
    v->text = IN_SPAN("on");
  } else if (!in_eq(name, IN_SPAN("country"))) {
    return INTEROP_MISSING;
  }
  return INTEROP_OK;
}

static uint32_t recipients(void *ctx) { (void) ctx; return 2; }

static void write_log(void *ctx, in_span_t line) {
  size_t n = strlen(logged);
  (void) ctx;
  if (n + line.n + 2 > sizeof(logged)) return;
  memcpy(logged + n, line.p, line.n);
  memcpy(logged + n + line.n, "\n", 2);
}

static interop_status_t count(void *ctx, in_span_t name, int64_t by, uint32_t ttl, int64_t *value) {
  (void) ctx; (void) ttl; (void) name;
  *value = counter += by;
  return INTEROP_OK;
}

static interop_services_t services(void) {
  interop_services_t s = in_script_services;
  s.field = field;
  s.fact = fact;
  s.recipients = recipients;
  s.log = write_log;
  s.count = count;
  return s;
}

static interop_services_t own;
static interop_diag_t diag;

static interop_script_t *load_with(const char *text, const interop_budget_t *b, const interop_alloc_t *a) {
  interop_script_source_t source;
  interop_script_t *s = NULL;
  memset(&source, 0, sizeof(source));
  source.name = IN_SPAN("s");
  source.file = IN_SPAN("s.lua");
  source.text = in_str(text);
  if (b != NULL) source.budget = *b;
  memset(&diag, 0, sizeof(diag));
  if (lua->load(&source, &own, a, &s, &diag) != INTEROP_OK) return NULL;
  return s;
}

/* what is no matter of time is given enough of it: the machine may be busy */
__attribute__((unused))
static interop_script_t *load(const char *text) {
  static const interop_budget_t b = { 0, 0, 1000000, 0 };
  return load_with(text, &b, &interop_alloc_libc);
}

__attribute__((unused))
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* body of the function: it must not fail; its log */
__attribute__((unused))
static const char *said(const char *body) {
  static char text[8192];
  interop_script_result_t r;
  interop_script_t *s;
  logged[0] = '\0';
  snprintf(text, sizeof(text), "return function(event, verdict) %s end", body);
  s = load(text);
  if (s == NULL) return diag.text;
  if (lua->run(s, NULL, &r) != INTEROP_OK) snprintf(logged, sizeof(logged), "a status");
  else if (r.end != INTEROP_SE_DONE) snprintf(logged, sizeof(logged), "%.*s", (int) r.error.n, r.error.p);
  lua->free(s);
  if (logged[0] != '\0' && logged[strlen(logged) - 1] == '\n') logged[strlen(logged) - 1] = '\0';
  return logged;
}

static bool open_host(const char *self) {
  char path[4096];
  void *library, *symbol;
  interop_extension_fn entry;
  const char *slash = strrchr(self, '/');
  snprintf(path, sizeof(path), "%.*s/../interop_lua.so", slash == NULL ? 1 : (int) (slash - self), slash == NULL ? "." : self);
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) printf("# %s\n", dlerror());
  symbol = library == NULL ? NULL : dlsym(library, INTEROP_EXTENSION_ENTRY);
  if (!ok(symbol != NULL, "the host is opened")) return false;
  memcpy(&entry, &symbol, sizeof(entry));
  lua = entry();
  own = services();
  return true;
}

#endif
