/*
** recall.c -- a script is not run again for an event that is like another one,
** and gives what it would have given.
**
** The extension is made up: its scripts are small programs that ask what a seed
** and the answers so far say, and count how often they are run.
*/
#include <stdlib.h>

#include "tap.h"
#include "interop.h"
#include "asked.h"
#include "base/base.h"

static interop_policy_t *policy;
static in_memory_t *memory;
static interop_scripts_t *set;
static const interop_services_t *services;
static interop_diag_t diag;
static int64_t counted;

/* ---- the extension */

typedef enum { ASKS, LOGS, COUNTS, READS_TEXT, FAILS, RETURNS_WRONG, AGENT, ECHOES } kind_t;

struct interop_script_s { kind_t kind; uint64_t seed; unsigned runs; char text[64]; };

static interop_status_t load(const interop_script_source_t *source, const interop_services_t *s, const interop_alloc_t *alloc,
                             interop_script_t **script, interop_diag_t *d) {
  (void) d; (void) alloc;
  services = s;
  memcpy(script, source->text.p, sizeof(*script));
  return INTEROP_OK;
}

static uint64_t next(uint64_t h) {
  h = (h ^ h >> 31) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

static uint64_t fold(uint64_t h, interop_status_t rc, const interop_value_t *v) {
  h = next(h + (uint64_t) rc * 7 + (uint64_t) v->type + (uint64_t) v->number * 31 + v->count);
  for (size_t i = 0; i < v->text.n; i++) h = next(h + (unsigned char) v->text.p[i]);
  return v->text.p == NULL ? h : next(h + 1);
}

static const struct { interop_script_subject_t of; uint32_t number; const char *name; } facts[] = {
  { INTEROP_SS_SENDER, 0, "country" }, { INTEROP_SS_SENDER, 0, "id" }, { INTEROP_SS_TENANT, 0, "plan" },
  { INTEROP_SS_RECIPIENT, 0, "id" }, { INTEROP_SS_RECIPIENT, 1, "system" }, { INTEROP_SS_RECIPIENT, 0, "aliases" },
  { INTEROP_SS_CONVERSATION, 0, "type" }, { INTEROP_SS_FEATURES, 0, "link" }, { INTEROP_SS_SENDER, 0, "contry" },
  { INTEROP_SS_TENANT, 0, "toggles" }, { INTEROP_SS_SENDER, 0, "linked_account" },
};

static uint64_t ask(void *ctx, uint64_t h) {
  unsigned q = (unsigned) (h >> 8) % (INTEROP_EVENT_FIELD_COUNT + in_countof(facts) + 1);
  interop_value_t v = { INTEROP_T_NULL, 0, { NULL, 0 }, 0 };
  if (q < INTEROP_EVENT_FIELD_COUNT) {
    if (q == INTEROP_EV_TEXT) q = INTEROP_EV_AGENT;
    return fold(h, services->field(ctx, (interop_event_field_t) q, &v), &v);
  }
  q -= INTEROP_EVENT_FIELD_COUNT;
  if (q == in_countof(facts)) return next(h + services->recipients(ctx));
  return fold(h, services->fact(ctx, facts[q].of, facts[q].number, in_str(facts[q].name), &v), &v);
}

static void asks(interop_script_t *s, void *ctx, interop_script_result_t *r) {
  uint64_t h = s->seed;
  for (unsigned steps = (unsigned) (next(h) % 6); steps-- > 0; ) h = ask(ctx, h);
  snprintf(s->text, sizeof(s->text), "r%llx", (unsigned long long) h);
  if (h % 4 == 0) r->action[r->actions++] = (interop_script_action_t) { INTEROP_SA_DENY, in_str(s->text), IN_SPAN("No.") };
  if (h % 4 == 1) r->action[r->actions++] = (interop_script_action_t) { INTEROP_SA_PLACEHOLDER, in_str(s->text), IN_NONE };
  if (h % 8 < 5) r->action[r->actions++] = (interop_script_action_t) { INTEROP_SA_SET_HEADER, IN_SPAN("X-H"), in_str(s->text) };
  r->instructions = h % 1000;
  r->memory = (size_t) h % 10000;
}

static interop_status_t run(interop_script_t *s, void *ctx, interop_script_result_t *r) {
  interop_value_t v;
  int64_t n;
  s->runs++;
  memset(r, 0, sizeof(*r));
  switch (s->kind) {
    case LOGS: services->log(ctx, IN_SPAN("x")); break;
    case COUNTS: (void) services->count(ctx, IN_SPAN("x"), 1, 60, &n); break;
    case READS_TEXT: (void) services->field(ctx, INTEROP_EV_TEXT, &v); break;
    case FAILS: r->end = INTEROP_SE_ERROR; r->error = IN_SPAN("why"); break;
    case RETURNS_WRONG:
      r->action[r->actions++] = (interop_script_action_t) { INTEROP_SA_NOTICE, IN_SPAN("nobody"), IN_NONE };
      break;
    case AGENT: (void) services->field(ctx, INTEROP_EV_AGENT, &v); break;
    case ECHOES:
      (void) services->field(ctx, INTEROP_EV_AGENT, &v);
      snprintf(s->text, sizeof(s->text), "%.*s", (int) v.text.n, v.text.p);
      r->action[r->actions++] = (interop_script_action_t) { INTEROP_SA_SET_HEADER, IN_SPAN("X-H"), in_str(s->text) };
      break;
    default: asks(s, ctx, r);
  }
  return INTEROP_OK;
}

static void unload(interop_script_t *s) { free(s); }

static const interop_extension_t extension = { INTEROP_EXTENSION_VERSION, "none", load, run, unload };

static unsigned add(interop_script_t *s, bool exact) {
  interop_script_source_t source;
  unsigned number = 0;
  memset(&source, 0, sizeof(source));
  source.name = source.file = IN_SPAN("s");
  source.text = in_span((const char *) &s, sizeof(s));
  source.exact = exact;
  return interop_scripts_add(set, &source, &number, &diag) == INTEROP_OK ? number : 0;
}

/* ---- events */

static interop_status_t count(void *ctx, interop_span_t owner, interop_span_t key, int64_t by, uint32_t ttl, int64_t *value) {
  (void) ctx; (void) owner; (void) key; (void) ttl;
  *value = counted += by;
  return INTEROP_OK;
}

typedef struct { const asked_t *asked; const char *sender, *country, *agent; int64_t now; } event_t;

static char said[2][2048];

static char *judge(const event_t *e, unsigned script, int which) {
  interop_target_t target = { in_str(e->asked->method), in_str(e->asked->target) };
  interop_script_env_t env = { NULL, count, NULL };
  interop_request_t q = asked_request(e->asked);
  interop_source_t source = in_memory_source(memory);
  interop_judge_t *j = NULL;
  interop_match_t match;
  const interop_plan_t *p;
  int n;
  q.scripts = set;
  q.script = script;
  q.script_env = &env;
  q.sender = in_str(e->sender);
  q.client_country = e->country == NULL ? IN_NONE : in_str(e->country);
  q.client_agent = e->agent == NULL ? IN_NONE : in_str(e->agent);
  q.now = e->now;
  if (interop_judge_new(policy, interop_policy_api(policy, in_str(e->asked->api)), &target, &interop_alloc_libc, &j, &match) != INTEROP_OK
      || interop_judge_run(j, &q, &source) != INTEROP_OK) exit(1);
  p = interop_judge_plan(j);
  n = snprintf(said[which], sizeof(said[which]), "%.*s|%.*s|%.*s|%d|%llu|%zu|%zu", (int) p->verdict_header.n, p->verdict_header.p,
               (int) p->body.n, p->body.n > 0 ? p->body.p : "", (int) p->script_error.n, p->script_error.n > 0 ? p->script_error.p : "",
               (int) p->script_did, (unsigned long long) p->script_instructions, p->script_memory, p->header_count);
  for (size_t i = 0; i < p->header_count; i++)
    n += snprintf(said[which] + n, sizeof(said[which]) - (size_t) n, "|%.*s", (int) p->headers[i].second.n, p->headers[i].second.p);
  interop_judge_free(j);
  return said[which];
}

static uint64_t dice = 1;
static unsigned roll(unsigned n) { return (unsigned) ((dice = next(dice + 1)) >> 20) % n; }

static event_t any_event(void) {
  static const char *const senders[] = { "jonas", "mira", "sana", "stranger" }, *const countries[] = { "KE", "IN", NULL };
  static const char *const agents[] = { "", "curl", NULL };
  event_t e = { &asked[roll(2)], senders[roll(4)], countries[roll(3)], agents[roll(3)], 1547546400 + roll(2) };
  return e;
}

/* ---- tests */

static void same_as_run(void) {
  unsigned wrong = 0, runs = 0, all = 0;
  for (unsigned i = 0; i < 150; i++) {
    interop_script_t *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
    unsigned with, without;
    a->seed = b->seed = next(i + 1);
    with = add(a, false);
    without = add(b, true);
    for (unsigned k = 0; k < 60; k++) {
      event_t e = any_event();
      if (strcmp(judge(&e, with, 0), judge(&e, without, 1)) == 0) continue;
      if (wrong++ == 0) printf("# script %u: %s\n#      not: %s\n", i, said[0], said[1]);
    }
    runs += a->runs;
    all += b->runs;
  }
  ok(wrong == 0, "programs give what they would give if they were run: %u times not", wrong);
  ok(runs < all / 2, "and are run less: %u of %u times", runs, all);
}

static unsigned runs_of(kind_t kind, const event_t *a, const event_t *b, const event_t *c) {
  interop_script_t *s = calloc(1, sizeof(*s));
  unsigned n;
  s->kind = kind;
  s->seed = 5;
  n = add(s, false);
  judge(a, n, 0);
  judge(b, n, 0);
  judge(c, n, 0);
  return s->runs;
}

static void when_it_is_run(void) {
  char agent[200];
  event_t e = { &asked[0], "jonas", "KE", "curl", 1547546400 }, other = e, large = e;
  other.agent = "wget";
  memset(agent, 'x', sizeof(agent) - 1);
  agent[sizeof(agent) - 1] = '\0';
  large.agent = agent;
  counted = 0;
  is_number(runs_of(AGENT, &e, &e, &e), 1, "the same facts: once");
  is_number(runs_of(AGENT, &e, &other, &e), 2, "another fact: once more");
  is_number(runs_of(LOGS, &e, &e, &e), 3, "a line for the log: each time");
  is_number(runs_of(COUNTS, &e, &e, &e), 3, "a counter: each time");
  is_number(counted, 3, "which counts each time");
  is_number(runs_of(READS_TEXT, &e, &e, &e), 3, "the message's text: each time");
  is_number(runs_of(FAILS, &e, &e, &e), 3, "a failure: each time");
  is_number(runs_of(RETURNS_WRONG, &e, &e, &e), 1, "what is wrong about an action is seen each time, though it is run once");
  is_number(runs_of(AGENT, &large, &large, &large), 3, "a fact that is long: each time");
}

/* more facts than there is room for; and it rests where nothing is ever alike */
static void flood(void) {
  interop_script_t *s = calloc(1, sizeof(*s)), *b = calloc(1, sizeof(*b));
  event_t e = { &asked[0], "jonas", "KE", NULL, 1547546400 };
  unsigned with, without, wrong = 0, before;
  char agent[64];
  s->kind = b->kind = ECHOES;
  with = add(s, false);
  without = add(b, true);
  e.agent = agent;
  for (unsigned i = 0; i < 3000; i++) {
    snprintf(agent, sizeof(agent), "agent %u %050u", i / 2, i / 2);
    if (strcmp(judge(&e, with, 0), judge(&e, without, 1)) != 0) wrong++;
  }
  ok(s->runs < 2000, "a flood of facts is remembered for a while: %u of 3000 runs", s->runs);
  is_number(wrong, 0, "a flood of facts changes no answer");
  for (unsigned i = 0; i < 3000; i++) {
    snprintf(agent, sizeof(agent), "agent %u", i);
    judge(&e, with, 0);
  }
  before = s->runs;
  for (unsigned i = 0; i < 1000; i++) judge(&e, with, 0);
  is_number(s->runs - before, 1000, "where nothing was alike it is not looked for");
  for (unsigned i = 0; i < 16000; i++) judge(&e, with, 0);
  before = s->runs;
  for (unsigned i = 0; i < 1000; i++) judge(&e, with, 0);
  is_number(s->runs - before, 0, "but later on again");
}

int main(void) {
  void *image = NULL;
  size_t size;
  if (!ok(interop_compile_file("conf.d", &interop_alloc_libc, &image, &size, NULL, NULL, &diag) == INTEROP_OK
          && interop_policy_load(image, size, &interop_alloc_libc, &policy, &diag) == INTEROP_OK
          && interop_scripts_new(policy, &extension, &interop_alloc_libc, &set, &diag) == INTEROP_OK, "a policy")) return done();
  memory = in_memory_new(&interop_alloc_libc);
  for (size_t i = 0; i < in_countof(records); i++)
    if (in_memory_put_json(memory, records[i].kind, in_str(records[i].json), &diag) != INTEROP_OK) return printf("# %s\n", diag.text), 1;
  same_as_run();
  when_it_is_run();
  flood();
  interop_scripts_free(set);
  interop_policy_free(policy);
  in_memory_free(memory);
  free(image);
  return done();
}
