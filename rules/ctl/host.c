/*
** host.c -- see host.h.
**
** Owns the opening. Invariant: a script behaves here as it does at the edge, for
** it is the same extension, with the same budgets.
*/
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#include "pack.h"
#include "../script/script.h"

#define EXTENSION  "interop_lua.so"

/* another copy of the language in the process must not be taken for its own; the
   sanitizers' runtime refuses that */
#if defined(__SANITIZE_ADDRESS__)
#define MODE  (RTLD_NOW | RTLD_LOCAL)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MODE  (RTLD_NOW | RTLD_LOCAL)
#endif
#endif
#ifndef MODE
#define MODE  (RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)
#endif

struct in_counter_s {
  in_counter_t *next;
  int64_t value, until;
  size_t n;
  char key[];
};

/* ---- the extension */

static bool open_at(in_host_t *h, const char *path) {
  interop_extension_fn entry;
  void *symbol;
  if (access(path, F_OK) != 0) return false;
  h->library = dlopen(path, MODE);
  if (h->library == NULL) return in_ctl_fail("%s", dlerror()), false;
  symbol = dlsym(h->library, INTEROP_EXTENSION_ENTRY);
  if (symbol == NULL) return in_ctl_fail("%s: it is no extension", path), false;
  memcpy(&entry, &symbol, sizeof(entry));
  h->extension = entry();
  return true;
}

bool in_host_find(in_host_t *h) {
  static const char *const places[] = { "", "../lib/ngx_interop/" };
  char self[PATH_MAX], path[PATH_MAX + 64], *slash;
  ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
  memset(h, 0, sizeof(*h));
  if (n <= 0) return in_ctl_fail("where this command is cannot be told"), false;
  self[n] = '\0';
  slash = strrchr(self, '/');
  if (slash != NULL) slash[1] = '\0';
  for (size_t i = 0; i < in_countof(places); i++) {
    snprintf(path, sizeof(path), "%s%s" EXTENSION, self, places[i]);
    if (open_at(h, path)) return true;
    if (h->library != NULL || access(path, F_OK) == 0) return in_host_close(h), false;
  }
  return in_ctl_fail("there is no " EXTENSION " beside this command or in ../lib/ngx_interop: scripts cannot be run"), false;
}

/* ---- what scripts want */

static void write_log(void *ctx, int error, in_span_t script, in_span_t line) {
  const in_host_t *h = ctx;
  if (h->log == NULL) return;
  fprintf(h->log, "%s ", error ? "failed" : "log");
  in_ctl_text(script, h->log);
  fputs(": ", h->log);
  in_ctl_text(line, h->log);
  fputc('\n', h->log);
}

static interop_status_t count(void *ctx, in_span_t owner, in_span_t key, int64_t by, uint32_t ttl, int64_t *value) {
  in_host_t *h = ctx;
  in_counter_t *c = h->counters;
  (void) owner;
  while (c != NULL && !in_eq(in_span(c->key, c->n), key)) c = c->next;
  if (c != NULL && c->until <= h->now) c->value = c->until = 0;
  *value = c == NULL ? by : c->value + by;
  if (by == 0) return INTEROP_OK;
  if (c == NULL) {
    c = malloc(sizeof(*c) + key.n);
    if (c == NULL) return INTEROP_NOMEM;
    *c = (in_counter_t) { h->counters, 0, 0, key.n };
    memcpy(c->key, key.p, key.n);
    h->counters = c;
  }
  c->value = *value;
  if (c->until == 0) c->until = h->now + ttl;
  return INTEROP_OK;
}

/* ---- all of it */

bool in_host_open(in_host_t *h, const interop_policy_t *policy) {
  interop_diag_t diag;
  if (!in_host_find(h)) return false;
  h->env = (interop_script_env_t) { write_log, count, h };
  if (interop_scripts_new(policy, h->extension, &interop_alloc_libc, &h->scripts, &diag) == INTEROP_OK) return true;
  h->scripts = NULL;
  in_pack_diag(&diag);
  in_host_close(h);
  return false;
}

static void forget(in_host_t *h) {
  while (h->counters != NULL) {
    in_counter_t *c = h->counters;
    h->counters = c->next;
    free(c);
  }
}

void in_host_renew(in_host_t *h) {
  forget(h);
  for (uint32_t i = 0; h->scripts != NULL && i < h->scripts->count; i++) {
    memset(&h->scripts->at[i].own, 0, sizeof(h->scripts->at[i].own));
  }
}

void in_host_close(in_host_t *h) {
  forget(h);
  interop_scripts_free(h->scripts);
  if (h->library != NULL) dlclose(h->library);
  memset(h, 0, sizeof(*h));
}
