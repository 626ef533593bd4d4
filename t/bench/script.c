/*
** script.c -- what a Lua override adds to one request in the library: nothing
** asked, three fields read, the same where no event is like another one, a regex
** over a message of 1 KB, a word list, a counter. Prints nanoseconds for each,
** without and with it in turn; under callgrind the instruction counts are
** repeatable.
**
**   build/bench/script [rounds] [name]
*/
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "rules/store/memory.h"

#define POOL  (256 * 1024)

typedef struct { _Alignas(16) char p[POOL]; size_t at; } pool_t;

static void *take(void *ctx, void *ptr, size_t osize, size_t nsize) {
  pool_t *pool = ctx;
  size_t n = (nsize + 15) & ~(size_t) 15;
  char *p;
  if (nsize == 0 || nsize <= osize) return nsize == 0 ? NULL : ptr;
  if (POOL - pool->at < n) return NULL;
  p = pool->p + pool->at;
  pool->at += n;
  if (ptr != NULL) memcpy(p, ptr, osize);
  return p;
}

static interop_status_t count(void *ctx, interop_span_t owner, interop_span_t key, int64_t by, uint32_t ttl, int64_t *value) {
  int64_t *n = ctx;
  (void) owner; (void) key; (void) ttl;
  *value = *n += by;
  return INTEROP_OK;
}

static const struct { const char *name, *text; } scripts[] = {
  { "empty", "return function(event) end" },
  { "three fields", "return function(event, verdict)\n"
                    "  if event.operation == 'message.send' and event.sender.country == 'KE' and verdict.name == 'drop' then\n"
                    "    return deny('x')\n  end\nend" },
  { "three, run anew", "return function(event, verdict)\n"
                       "  if event.time > 0 and event.sender.country == 'KE' and verdict.name == 'drop' then\n"
                       "    return deny('x')\n  end\nend" },
  { "regex, 1 KB", "return function(event) if re.find(event.text, [[\\b(?:bluebird|osprey)\\b]]) then return deny('x') end end" },
  { "word list, 1 KB", "local l = text.list{ 'bluebird', 'osprey', 'project kestrel' }\n"
                       "return function(event) if text.contains_any(event.text, l) then return deny('x') end end" },
  { "counter", "return function(event) if counter.incr('files ' .. event.sender.id, 3600) < 0 then return deny('x') end end" },
};

static char body[2048];
static interop_policy_t *policy;
static in_memory_t *memory;
static interop_scripts_t *set;
static int64_t counted, now = 1547546400;

static void one(unsigned script) {
  static pool_t pool;
  interop_alloc_t alloc = { take, &pool };
  interop_target_t target = { IN_SPAN("POST"), IN_SPAN("/v1.0/chats/19:x@thread.v2/messages") };
  interop_script_env_t env = { NULL, count, &counted };
  interop_source_t source = in_memory_source(memory);
  interop_request_t req;
  interop_judge_t *j;
  interop_match_t match;
  pool.at = 0;
  memset(&req, 0, sizeof(req));
  req.content_type = IN_SPAN("application/json");
  req.body = in_str(body);
  req.sender = IN_SPAN("jonas");
  req.now = now++;
  req.scripts = set;
  req.script = script;
  req.script_env = &env;
  if (interop_judge_new(policy, interop_policy_api(policy, IN_SPAN("graph")), &target, &alloc, &j, &match) != INTEROP_OK
      || interop_judge_run(j, &req, &source) != INTEROP_OK || interop_judge_plan(j)->verdict != INTEROP_V_DELIVER) {
    fprintf(stderr, "it is not delivered: %.*s\n", (int) interop_judge_plan(j)->script_error.n, interop_judge_plan(j)->script_error.p);
    exit(1);
  }
  interop_judge_free(j);
}

static double run(unsigned script, long rounds) {
  struct timespec a, b;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  for (long i = 0; i < rounds; i++) one(script);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  return ((double) (b.tv_sec - a.tv_sec) * 1e9 + (double) (b.tv_nsec - a.tv_nsec)) / (double) rounds;
}

static bool fill(void) {
  static const struct { interop_record_kind_t kind; const char *json; } records[] = {
    { INTEROP_R_TENANT, "{\"id\":\"t1\",\"country\":\"KE\",\"plan\":\"m365\"}" },
    { INTEROP_R_USER, "{\"id\":\"jonas\",\"tenant\":\"t1\",\"systems\":[\"kaizala\",\"teams\"],\"linked_account\":true,\"reads_on\":\"teams\"}" },
    { INTEROP_R_USER, "{\"id\":\"mira\",\"tenant\":\"t1\",\"systems\":[\"kaizala\",\"teams\"],\"linked_account\":true,\"reads_on\":\"kaizala\"}" },
    { INTEROP_R_CONVERSATION, "{\"id\":\"g\",\"aliases\":[\"19:x@thread.v2\"],\"type\":\"one_on_one\",\"participants\":[\"mira\",\"jonas\"],"
                              "\"started\":true,\"tenant\":\"t1\"}" },
  };
  interop_diag_t d;
  memset(&d, 0, sizeof(d));
  for (size_t i = 0; i < in_countof(records); i++)
    if (in_memory_put_json(memory, records[i].kind, in_str(records[i].json), &d) != INTEROP_OK) return false;
  strcpy(body, "{\"body\":{\"contentType\":\"text\",\"content\":\"");
  for (int i = 0; i < 16; i++) strcat(body, "Truck 14 is at the gate and waits for the papers of lane three. ");
  strcat(body, "\"}}");
  return true;
}

static const interop_extension_t *open_host(const char *self) {
  const char *slash = strrchr(self, '/');
  interop_extension_fn entry;
  char path[4096];
  void *library, *symbol;
  snprintf(path, sizeof(path), "%.*s/../interop_lua.so", slash == NULL ? 1 : (int) (slash - self), slash == NULL ? "." : self);
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  symbol = library == NULL ? NULL : dlsym(library, INTEROP_EXTENSION_ENTRY);
  if (symbol == NULL) return NULL;
  memcpy(&entry, &symbol, sizeof(entry));
  return entry();
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 100000;
  const interop_extension_t *host = open_host(argv[0]);
  interop_diag_t d;
  void *image;
  size_t size;
  if (host == NULL) return fprintf(stderr, "there is no host for scripts\n"), 1;
  memory = in_memory_new(&interop_alloc_libc);
  if (interop_compile_file("conf.d", &interop_alloc_libc, &image, &size, NULL, NULL, &d) != INTEROP_OK
      || interop_policy_load(image, size, &interop_alloc_libc, &policy, &d) != INTEROP_OK || memory == NULL || !fill()
      || interop_scripts_new(policy, host, &interop_alloc_libc, &set, &d) != INTEROP_OK) {
    fprintf(stderr, "%s\n", d.text);
    return 1;
  }
  for (size_t i = 0; i < in_countof(scripts); i++) {
    interop_script_source_t source;
    unsigned number;
    double without, with;
    if (argc > 2 && strcmp(argv[2], scripts[i].name) != 0 && strcmp(argv[2], "none") != 0) continue;
    memset(&source, 0, sizeof(source));
    source.name = source.file = in_str(scripts[i].name);
    source.text = in_str(scripts[i].text);
    if (interop_scripts_add(set, &source, &number, &d) != INTEROP_OK) return fprintf(stderr, "%s\n", d.text), 1;
    if (argc > 2 && strcmp(argv[2], "none") == 0) return run(0, rounds) < 0;
    if (argc > 2) return run(number, rounds) < 0;
    run(number, rounds / 10);
    /* the best of many short runs, in turn: what the machine does meanwhile only adds */
    without = with = 1e9;
    for (int k = 0; k < 40; k++) {
      double t = run(0, rounds / 40 + 1);
      if (t < without) without = t;
      t = run(number, rounds / 40 + 1);
      if (t < with) with = t;
    }
    printf("script %-16s adds %6.0f ns to %6.0f ns\n", scripts[i].name, with - without, without);
  }
  interop_scripts_free(set);
  interop_policy_free(policy);
  in_memory_free(memory);
  interop_alloc_libc.resize(NULL, image, size, 0);
  return 0;
}
