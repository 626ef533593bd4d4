/*
** systems.c -- per_recipient, over all that can be decided for three recipients:
** which systems get a request, and which verdict its body has, against the rule
** as one would tell it; and against what a script may make of it.
**
** The reference knows outcomes by their place in one list, the strictest first,
** and nothing of the judge's.
*/
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "judge/judge.h"
#include "policy/load.h"
#include "store/memory.h"

#define OUTCOMES    11u
#define FIRST_GOES  5u            /* from here on it goes to upstream */
#define ESCALATES   3u
#define DROPS       4u
#define SYSTEMS     3u            /* the sender's own, two others; SYSTEMS: not known */
#define PEOPLE      3u

static const char rules[] =
  "policy f on teams { per_recipient graph; }\n"
  "policy p between teams and kaizala {\n"
  "  gate { deny geo_not_live when sender.display_name == a; deny scope_not_supported when sender.display_name == b; }\n"
  "  matrix teams -> kaizala {\n"
  "    message.send drop event_not_shown when sender.display_name == c;\n"
  "    message.send placeholder when sender.display_name == d;\n"
  "    message.send as_reply when sender.display_name == e;\n"
  "    message.send plain_text when sender.display_name == f;\n"
  "    message.send strip image when sender.display_name == g;\n"
  "    message.send amend name with \"!\" when sender.display_name == h;\n"
  "    message.send escalate escalated_to_meeting when sender.display_name == i;\n"
  "    * deliver;\n"
  "  }\n"
  "  matrix kaizala -> teams { * deliver; }\n"
  "  escalation teams -> kaizala { text \"{link}\"; subject \"S\"; window 1m; no_meeting meeting_not_created;\n"
  "    not_told link_not_delivered; busy meeting_under_way; }\n"
  "}\n";

static interop_policy_t *policy;
static uint32_t outcome[OUTCOMES];        /* the strictest first; two denials, the first reason first */
static uint32_t system_of[SYSTEMS + 1];
static in_memory_t *memory;

/* ---- a policy that has them all */

static uint32_t find(uint32_t kind, interop_verdict_t verdict, const char *reason) {
  const in_image_t *img = &policy->img;
  for (uint32_t i = 0; i < img->count[IN_S_OUTCOMES]; i++) {
    const in_pi_outcome_t *o = in_outcome(img, i);
    if (o->kind != kind || (kind == IN_OUT_UNDETERMINED ? o->slot == IN_NIL : o->verdict != (uint32_t) verdict)) continue;
    if (reason == NULL || (o->reason != IN_NIL && in_eq(in_image_str(img, in_reason(img, o->reason)->name), in_str(reason)))) return i;
  }
  return IN_NIL;
}

static void *image;

static bool load(void) {
  char path[] = "/tmp/interop-systems-XXXXXX.rules", here[512];
  interop_diag_t diag;
  size_t size;
  int fd = mkstemps(path, 6);
  FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
  if (f == NULL || getcwd(here, sizeof(here)) == NULL) return false;
  fprintf(f, "include \"%s/conf.d/vocabulary.rules\";\ninclude \"%s/conf.d/apis/graph.rules\";\n%s", here, here, rules);
  fclose(f);
  fd = interop_compile_file(path, &interop_alloc_libc, &image, &size, NULL, NULL, &diag) == INTEROP_OK
       && interop_policy_load(image, size, &interop_alloc_libc, &policy, &diag) == INTEROP_OK;
  unlink(path);
  if (!fd) printf("# %s\n", diag.text);
  return fd;
}

static bool name_all(void) {
  static const interop_verdict_t milder[] = { INTEROP_V_ESCALATE, INTEROP_V_DROP, INTEROP_V_PLACEHOLDER, INTEROP_V_AS_REPLY,
    INTEROP_V_PLAIN_TEXT, INTEROP_V_STRIP, INTEROP_V_AMEND, INTEROP_V_DELIVER };
  const char *const systems[] = { "teams", "kaizala", "acs" };
  bool good = true;
  outcome[0] = find(IN_OUT_DECISION, INTEROP_V_DENY, "geo_not_live");
  outcome[1] = find(IN_OUT_DECISION, INTEROP_V_DENY, "scope_not_supported");
  outcome[2] = find(IN_OUT_UNDETERMINED, INTEROP_V_DENY, NULL);
  for (uint32_t i = 0; i < in_countof(milder); i++) outcome[ESCALATES + i] = find(IN_OUT_DECISION, milder[i], NULL);
  for (uint32_t i = 0; i < OUTCOMES; i++) good = good && outcome[i] != IN_NIL;
  for (uint32_t i = 0; i < SYSTEMS; i++) system_of[i] = in_find_system(&policy->img, in_str(systems[i]));
  system_of[SYSTEMS] = policy->img.count[IN_S_SYSTEMS];
  return good;
}

/* ---- the rule as one would tell it */

typedef struct { uint32_t rank, system; } person_t;     /* rank: in the list of outcomes */
typedef struct { bool split; uint32_t strictest[SYSTEMS], body; } told_t;

static told_t reference(const person_t *p) {
  told_t t = { true, { OUTCOMES, OUTCOMES, OUTCOMES }, OUTCOMES };
  for (uint32_t i = 0; i < PEOPLE; i++) {
    if (p[i].system == SYSTEMS) t.split = false;        /* no system could be named for them */
    else if (p[i].rank < t.strictest[p[i].system]) t.strictest[p[i].system] = p[i].rank;
  }
  for (uint32_t s = 0; s < SYSTEMS; s++) {
    if (t.strictest[s] == ESCALATES) t.split = false;   /* the client is answered with a meeting */
    if (t.strictest[s] >= FIRST_GOES && t.strictest[s] < t.body) t.body = t.strictest[s];
  }
  if (t.body == OUTCOMES) t.split = false;              /* nobody would get it */
  return t;
}

static uint32_t verdict_of(uint32_t rank) {
  return rank < ESCALATES ? INTEROP_V_DENY : in_outcome(&policy->img, outcome[rank])->verdict;
}

/* ---- the judge */

static interop_judge_t *judge;
static in_recipient_t people[PEOPLE];

static void put_people(const person_t *p) {
  for (uint32_t i = 0; i < PEOPLE; i++) {
    people[i] = in_judge_called(IN_SPAN("somebody"), system_of[p[i].system]);
    people[i].outcome = outcome[p[i].rank];
  }
  judge->recipients = people;
  judge->recipient_count = PEOPLE;
  judge->final = 0;
  judge->override.active = false;
  in_judge_split(judge);
}

static bool agrees(const person_t *p, const told_t *t) {
  uint32_t final = outcome[t->body % OUTCOMES];
  if (judge->per_system != t->split) return false;
  if (!t->split) return judge->final == 0;
  if (people[judge->final].outcome != final || in_judge_left_out(judge, &people[judge->final])) return false;
  for (uint32_t i = 0; i < PEOPLE; i++) {
    bool gets = t->strictest[p[i].system] >= FIRST_GOES;
    if (in_judge_left_out(judge, &people[i]) == gets) return false;
    if (gets && verdict_of(p[i].rank) > verdict_of(t->body)) return false;     /* more than it may */
  }
  return true;
}

/* what is told of each system, with a script's verdict over the policy's: 0 none, 1 stricter, 2 milder */
static bool tells(const told_t *t, unsigned script, interop_verdict_t by) {
  uint32_t best[IN_SYSTEMS_ROOM];
  judge->override.active = script != 0;
  judge->override.tightened = script == 1;
  judge->override.outcome.kind = IN_OUT_DECISION;
  judge->override.outcome.verdict = (uint32_t) by;
  judge->plan.verdict = script != 0 ? by : (interop_verdict_t) verdict_of(t->body);
  if (judge->plan.verdict == INTEROP_V_DELIVER && script != 0) return true;    /* nothing is left to tell apart */
  in_judge_strictest(judge, best);
  for (uint32_t s = 0; s < SYSTEMS; s++) {
    uint32_t want = t->strictest[s] == OUTCOMES ? 0 : verdict_of(t->strictest[s]), at = best[system_of[s]];
    in_told_verdict_t told;
    if ((at == IN_NIL) != (t->strictest[s] == OUTCOMES)) return false;
    if (at == IN_NIL) continue;
    told = in_judge_told(judge, &people[at]);
    if (t->strictest[s] >= FIRST_GOES && script == 1 && by > want) want = by;
    if (t->strictest[s] >= FIRST_GOES && script == 2 && by < want) want = by;
    if ((uint32_t) told.verdict != want) return false;
    if (want != verdict_of(t->strictest[s])) continue;
    if (t->strictest[s] == 2 ? !in_starts(told.reason, IN_SPAN("undetermined:"))
                             : t->strictest[s] == 1 && !in_eq(told.reason, IN_SPAN("scope_not_supported"))) return false;
  }
  return true;
}

/* a script's verdict never reaches a system that is left out */
static bool bounds(const told_t *t) {
  for (uint32_t i = 0; i < PEOPLE; i++)
    if (in_judge_left_out(judge, &people[i]) && in_judge_outcome(judge, &people[i]) == &judge->override.outcome) return false;
  return t->split;
}

static void enumerate(void) {
  unsigned long n = 0, wrong = 0, split = 0, mistold = 0, scripts = 0;
  person_t p[PEOPLE];
  uint32_t each = OUTCOMES * (SYSTEMS + 1), all = each * each * each;
  for (uint32_t at = 0; at < all; at++, n++) {
    told_t t;
    for (uint32_t i = 0, rest = at; i < PEOPLE; i++, rest /= each)
      p[i] = (person_t) { rest % each / (SYSTEMS + 1), rest % each % (SYSTEMS + 1) };
    t = reference(p);
    put_people(p);
    if (!agrees(p, &t) && wrong++ < 3)
      printf("# %u/%u %u/%u %u/%u\n", p[0].rank, p[0].system, p[1].rank, p[1].system, p[2].rank, p[2].system);
    if (!t.split || wrong > 0) continue;
    split++;
    mistold += !tells(&t, 0, INTEROP_V_DELIVER);
    for (int v = INTEROP_V_DELIVER; v < INTEROP_V_DROP; v++) {
      unsigned script = (uint32_t) v > verdict_of(t.body) ? 1 : (uint32_t) v < verdict_of(t.body) ? 2 : 0;
      scripts += script != 0 && !(tells(&t, script, (interop_verdict_t) v) && bounds(&t));
    }
  }
  printf("# %lu of %lu are split\n", split, n);
  ok(n == 85184 && wrong == 0, "who gets it, and the body's verdict: as the reference says");
  ok(split > 10000, "many are split");
  ok(mistold == 0, "what is told of each system");
  ok(scripts == 0, "a script's verdict is for those that get it, and takes nothing off the others");
}

/* ---- a form that the API does not have */

static void leave_out(void) {
  const person_t three[PEOPLE] = { { 9, 0 }, { 5, 1 }, { 6, 2 } };       /* amend, placeholder, as_reply */
  put_people(three);
  ok(judge->final == 1 && in_judge_leave_out(judge) && judge->final == 2, "without a placeholder, the next strictest");
  ok(in_judge_told(judge, &people[1]).verdict == INTEROP_V_DENY, "which is a denial for who would have had it");
  ok(in_judge_leave_out(judge) && judge->final == 0, "and the next");
  ok(!in_judge_leave_out(judge) && !judge->per_system, "until nobody is left");
  put_people(three);
  judge->override.active = true;
  ok(!in_judge_leave_out(judge), "what a script has said is not taken apart");
}

int main(void) {
  interop_target_t target = { IN_SPAN("POST"), IN_SPAN("/v1.0/chats/c/messages") };
  interop_request_t request;
  interop_match_t match;
  memory = in_memory_new(&interop_alloc_libc);
  if (memory == NULL || !load()) return ok(0, "a policy"), done();
  if (!ok(name_all(), "it can come to everything")) return done();
  memset(&request, 0, sizeof(request));
  if (interop_judge_new(policy, interop_policy_api(policy, IN_SPAN("graph")), &target, &interop_alloc_libc, &judge, &match) != INTEROP_OK)
    return ok(0, "a judge"), done();
  judge->request = &request;
  judge->source = in_memory_source(memory);
  in_facts_renew(&judge->facts, &judge->source);
  judge->event.operation = INTEROP_OP_MESSAGE_SEND;
  enumerate();
  leave_out();
  judge->event.operation = INTEROP_OP_MESSAGE_LIST;
  put_people((const person_t[]) { { 0, 0 }, { 10, 1 }, { 10, 2 } });
  ok(!judge->per_system, "another operation is not split");
  interop_judge_free(judge);
  in_memory_free(memory);
  interop_policy_free(policy);
  free(image);
  return done();
}
