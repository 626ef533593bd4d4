/*
** bulk.c -- requests that name thousands: each of them is judged as if alone,
** in little memory.
**
** The slow way is kept here: every recipient's facts are taken and decided anew,
** whatever was found of those who are like them.
*/
#include <stdlib.h>

#include "tap.h"
#include "interop.h"
#include "api/json.h"
#include "judge/judge.h"
#include "store/memory.h"

#define MEMBERS  5000u
#define WHO(id, linked, on) "{\"id\":\"" id "\",\"tenant\":\"t1\",\"systems\":[\"kaizala\",\"teams\"],\"linked_account\":" linked ",\"reads_on\":\"" on "\"}"

static interop_policy_t *policy;
static in_memory_t *memory;

/* ---- memory: what is held, what was held at most, and after how much there is no more */

typedef struct { size_t now, most; long left; } meter_t;

static void *metered(void *ctx, void *ptr, size_t osize, size_t nsize) {
  meter_t *m = ctx;
  if (nsize > 0 && m->left-- <= 0) return NULL;
  m->now += nsize - (ptr == NULL ? 0 : osize);
  if (m->now > m->most) m->most = m->now;
  return interop_alloc_libc.resize(NULL, ptr, osize, nsize);
}

/* ---- requests */

/* one of whom something is known, now and then; names: in an API whose rules ask for these */
typedef struct { unsigned every, members; int names, people; } mix_t;

#define PEOPLE  3000u             /* known ones, of many kinds, each with names of their own */

#define MEMBER  "{\"@odata.type\":\"#microsoft.graph.aadUserConversationMember\",\"roles\":[\"owner\"]," \
                "\"user@odata.bind\":\"https://graph.microsoft.com/v1.0/users('"

static size_t put_member(const mix_t *mix, unsigned i, char *p, size_t size) {
  static const char *const known[] = { "bela", "cora", "dora" }, *const names[] = { "+9198", "+0198", "u198", "x@198" };
  const char *before = mix->names ? "{\"id\":\"" : "\"", *behind = mix->names ? "\"}" : "\"";
  if (mix->people)
    return (size_t) snprintf(p, size, "%s%s%s%u%s", i > 0 ? "," : "", before, i % 2 ? "m" : "+9177", i * 7919u % PEOPLE, behind);
  if (mix->every > 0 && i % mix->every == 0)
    return (size_t) snprintf(p, size, "%s%s%s%s", i > 0 ? "," : "", before, known[i / mix->every % 3], behind);
  return (size_t) snprintf(p, size, "%s%s%s%08u%s", i > 0 ? "," : "", before, names[mix->names ? i % 4 : 0], i, behind);
}

static in_span_t body_of(const mix_t *mix) {
  size_t size = (size_t) mix->members * 192 + 128, n;
  char *p = malloc(size);
  if (p == NULL) exit(1);
  n = (size_t) snprintf(p, size, "{%s\"members\":[", mix->names ? "\"isGroup\":true," : "");
  for (unsigned i = 0; i < mix->members; i++) n += put_member(mix, i, p + n, size - n);
  n += (size_t) snprintf(p + n, size - n, "]}");
  return in_span(p, n);
}

static interop_status_t run(const mix_t *mix, meter_t *m, in_span_t body, interop_judge_t **j) {
  interop_alloc_t alloc = { metered, m };
  interop_target_t target = { in_str(mix->names ? "POST" : "PUT"), in_str(mix->names ? "/v3/conversations" : "/v1/groups/g/members") };
  interop_source_t source = in_memory_source(memory);
  static interop_request_t q;
  interop_match_t match;
  interop_status_t rc;
  memset(&q, 0, sizeof(q));
  q.content_type = in_str("application/json");
  q.sender = in_str("asha");
  q.now = 1547546400;
  q.body = body;
  *j = NULL;
  rc = interop_judge_new(policy, interop_policy_api(policy, in_str(mix->names ? "botframework" : "kaizala")), &target, &alloc, j, &match);
  return rc == INTEROP_OK ? interop_judge_run(*j, &q, &source) : rc;
}

/* ---- the slow way */

static uint32_t alone(interop_judge_t *j, const in_recipient_t *r) {
  in_recipient_t own;
  interop_status_t rc;
  in_alike_t *alike = j->alike;
  j->alike = NULL;
  j->taken = NULL;
  (void) in_judge_resolve(j, in_judge_named(r), &own, &rc);
  j->alike = alike;
  in_list_event_t event = { (uint32_t) j->event.operation, (uint32_t) j->event.kind, j->from, own.to };
  j->taken = NULL;
  in_judge_take(j, &own);
  if (rc != INTEROP_OK || own.to != r->to || own.untold != r->untold || !in_eq(in_judge_id(&own), in_judge_id(r))) return IN_NIL;
  return in_decide_event(&j->facts, &event);
}

/* what a script is told of them is their own */
static unsigned not_their_own(interop_judge_t *j) {
  unsigned wrong = 0;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    in_recipient_t *r = &j->recipients[i];
    if (r->row == NULL) continue;
    wrong += in_judge_own(j, r) != INTEROP_OK || !in_eq(in_facts_text(r->row->record, "display_name"), in_judge_id(r));
  }
  return wrong;
}

static void same(const mix_t *mix, const char *name) {
  meter_t m = { 0, 0, 1000000 };
  in_span_t body = body_of(mix);
  interop_judge_t *j;
  interop_source_t source = in_memory_source(memory);
  interop_status_t rc = run(mix, &m, body, &j);
  uint32_t wrong = 0, known = 0, final = 0;
  ok(rc == INTEROP_OK && j->recipient_count == mix->members, "%s: all of them are recipients", name);
  in_facts_renew(&j->facts, &source);
  for (uint32_t i = 0; rc == INTEROP_OK && i < j->recipient_count; i++) {
    const in_recipient_t *r = &j->recipients[i];
    wrong += alone(j, r) != r->outcome || !in_eq(in_judge_named(r), j->event.parties[i]) || r->party != i;
    known += r->row != NULL;
    if (in_outcome_stricter(&policy->img, r->outcome, j->recipients[final].outcome)) final = i;
  }
  ok(wrong == 0, "%s: each is judged as if alone (%u are not)", name, wrong);
  ok(known == (mix->people ? mix->members : mix->every > 0 ? (mix->members + mix->every - 1) / mix->every : 0), "%s: %u of them are known", name, known);
  if (mix->people) ok(not_their_own(j) == 0, "%s: each has a record of their own", name);
  ok(j->refused > 0 || final == j->final || j->recipients[final].outcome == j->recipients[j->final].outcome, "%s: the strictest holds", name);
  printf("# %s: %.2f bodies, %s %.*s\n", name, (double) m.most / (double) body.n,
         interop_verdict_name(j->plan.verdict), (int) j->plan.reason.n, j->plan.reason.p);
  interop_judge_free(j);
  ok(m.now == 0, "%s: nothing stays", name);
  free((void *) (uintptr_t) body.p);
}

/* ---- lists that are longer than the API takes */

static unsigned lookups;

static interop_status_t counted(void *ctx, interop_record_kind_t kind, in_span_t key, in_span_t *record) {
  const interop_source_t *source = ctx;
  lookups++;
  return source->lookup(source->ctx, kind, key, record);
}

typedef struct { const char *api, *target, *head, *unit, *tail, *envelope; unsigned most; } crowd_t;

static void crowd(const crowd_t *c, unsigned members) {
  interop_target_t target = { in_str("POST"), in_str(c->target) };
  interop_source_t real = in_memory_source(memory), source = { .lookup = counted, .ctx = &real };
  interop_request_t q;
  interop_match_t match;
  interop_judge_t *j = NULL;
  in_buf_t body;
  const interop_plan_t *plan;
  memset(&q, 0, sizeof(q));
  in_buf_init(&body, &interop_alloc_libc);
  in_buf_put(&body, in_str(c->head));
  for (unsigned i = 0; i < members; i++) in_buf_printf(&body, "%s%s%u%s", i > 0 ? "," : "", c->unit, i, c->tail);
  in_buf_put(&body, IN_SPAN("]}"));
  q.content_type = IN_SPAN("application/json");
  q.sender = IN_SPAN("asha");
  q.body = in_buf_span(&body);
  lookups = 0;
  if (interop_judge_new(policy, interop_policy_api(policy, in_str(c->api)), &target, &interop_alloc_libc, &j, &match) != INTEROP_OK
      || interop_judge_run(j, &q, &source) != INTEROP_OK) exit(1);
  plan = interop_judge_plan(j);
  if (members <= c->most)
    ok(!in_eq(plan->reason, IN_SPAN("too_many_members")) && lookups >= members, "%s: %u are looked up", c->api, members);
  else {
    ok(plan->verdict == INTEROP_V_DENY && plan->status == 400 && in_eq(plan->reason, IN_SPAN("too_many_members")),
       "%s: %u are too many", c->api, members);
    ok(lookups == 0, "%s: ... and nobody was looked up (%u)", c->api, lookups);
    is_bytes(plan->answer_body.p, plan->answer_body.n, c->envelope, strlen(c->envelope), "... in the API's envelope");
  }
  interop_judge_free(j);
  in_buf_free(&body);
}

#define TOLD(most)  "\"code\":\"too_many_members\",\"message\":\"This names more people at once than the API takes. (" most " at most)\""

static void crowds(void) {
  static const crowd_t all[] = {
    { "graph", "/v1.0/chats", "{\"chatType\":\"group\",\"members\":[", MEMBER "x", "')\"}",
      "{\"error\":{" TOLD("200") ",\"innerError\":{\"date\":\"1970-01-01T00:00:00Z\",\"request-id\":\"\",\"client-request-id\":\"\"}}}", 200 },
    { "botframework", "/v3/conversations", "{\"isGroup\":true,\"members\":[", "{\"id\":\"", "\"}", "{\"error\":{" TOLD("1000") "}}", 1000 },
    { "kaizala", "/v1/groups", "{\"name\":\"n\",\"members\":[", "\"+91", "\"", "{\"error\":{" TOLD("10000") "}}", 10000 },
    { "acs_chat", "/chat/threads", "{\"topic\":\"t\",\"participants\":[", "{\"communicationIdentifier\":{\"rawId\":\"8:acs:", "\"}}",
      "{\"error\":{" TOLD("200") "}}", 200 },
    { "acs_chat", "/chat/threads/19:x@thread.v2/participants/:add", "{\"participants\":[", "{\"communicationIdentifier\":{\"rawId\":\"8:acs:", "\"}}",
      "{\"error\":{" TOLD("200") "}}", 200 },
  };
  for (size_t i = 0; i < in_countof(all); i++) {
    crowd(&all[i], all[i].most);
    crowd(&all[i], all[i].most + 1);
    crowd(&all[i], all[i].most * 4 / 3 + 5000);
  }
}

/* ---- answers: what becomes of a message does not hang on those before it */

static const char *const authors[] = { "asha", "bela", "cora", "dora", "nobody", "someone", "kim" };
static const char *const contents[] = {
  "\"contentType\":\"text\",\"content\":\"hello\"", "\"contentType\":\"html\",\"content\":\"<b>x</b>\"",
  "\"contentType\":\"html\",\"content\":\"<img src=x>\"", "\"contentType\":\"html\",\"content\":\"<p>y</p>\"", "\"content\":7",
};
static const char *const cards[] = { "", ",\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.adaptive\"}]",
                                     ",\"mentions\":[{}],\"x\":{}", ",\"importance\":\"urgent\"" };

static void put_message(in_buf_t *b, unsigned i, unsigned seed) {
  unsigned who = seed % 3 == 0 ? seed / 3 % in_countof(authors) : i / 40 % in_countof(authors);
  in_buf_printf(b, "{\"id\":\"%u\",\"etag\":\"e\"", i);
  if (seed % 17 != 5) in_buf_printf(b, ",\"from\":{\"user\":{\"id\":\"%s\"}}", authors[who]);
  in_buf_printf(b, ",\"body\":{%s}%s}", contents[(seed % 5 == 1 ? seed / 7 : i / 15) % in_countof(contents)],
                cards[seed % 5 == 2 ? seed / 11 % in_countof(cards) : 0]);
}

/* the answer of n messages from `first` on as bela sees it; the elements alone */
static in_span_t shown(unsigned first, unsigned n, in_buf_t *to) {
  interop_target_t target = { IN_SPAN("GET"), IN_SPAN("/v1.0/chats/one/messages") };
  interop_source_t source = in_memory_source(memory);
  interop_request_t q;
  interop_match_t match;
  interop_judge_t *j = NULL;
  interop_answer_t a;
  in_buf_t body;
  size_t at = to->n;
  memset(&q, 0, sizeof(q));
  in_buf_init(&body, &interop_alloc_libc);
  in_buf_put(&body, IN_SPAN("{\"value\":["));
  for (unsigned i = first; i < first + n; i++) {
    if (i > first) in_buf_byte(&body, ',');
    put_message(&body, i, i * 2654435761u >> 8);
  }
  in_buf_put(&body, IN_SPAN("]}"));
  q.sender = IN_SPAN("bela");
  q.now = 1547546400;
  if (interop_judge_new(policy, interop_policy_api(policy, IN_SPAN("graph")), &target, &interop_alloc_libc, &j, &match) != INTEROP_OK
      || interop_judge_run(j, &q, &source) != INTEROP_OK
      || interop_judge_answer(j, 200, in_buf_span(&body), &a) != INTEROP_OK) exit(1);
  if (a.refused) in_buf_printf(to, "refused %u %.*s", a.status, (int) interop_judge_plan(j)->reason.n, interop_judge_plan(j)->reason.p);
  else {
    in_span_t out = a.body_changed ? a.body : in_buf_span(&body);
    in_buf_put(to, in_span(out.p + 10, out.n - 12));
  }
  interop_judge_free(j);
  in_buf_free(&body);
  return in_span(to->p + at, to->n - at);
}

static void load(const char *path, void **image, size_t *size) {
  interop_diag_t diag;
  if (interop_compile_file(path, &interop_alloc_libc, image, size, NULL, NULL, &diag) == INTEROP_OK
      && interop_policy_load(*image, *size, &interop_alloc_libc, &policy, &diag) == INTEROP_OK) return;
  printf("Bail out! %s\n", diag.text);
  exit(1);
}

static void unload(void *image, size_t size) {
  interop_policy_free(policy);
  interop_alloc_libc.resize(NULL, image, size, 0);
}

static void answers(void) {
  in_buf_t all, each, one;
  unsigned changed = 0;
  in_buf_init(&all, &interop_alloc_libc);
  in_buf_init(&each, &interop_alloc_libc);
  for (unsigned i = 0; i < 1500; i++) {
    in_span_t s;
    if (each.n > 0) in_buf_byte(&each, ',');
    s = shown(i, 1, &each);
    if (s.n == 0) each.n -= i > 0;        /* it was taken out */
    changed += s.n > 0 && !in_contains(s, IN_SPAN("\"etag\":\"e\",\"from\""));
    changed += in_contains(s, IN_SPAN("cannot be shown")) || in_contains(s, IN_SPAN("nsupported"));
  }
  shown(0, 1500, &all);
  ok(changed > 100, "some messages are changed (%u)", changed);
  ok(all.n == each.n && memcmp(all.p, each.p, all.n) == 0, "1,500 messages: each is shown as if alone");
  for (size_t i = 0; i < all.n && i < each.n; i++)
    if (all.p[i] != each.p[i]) {
      size_t from = i < 200 ? 0 : i - 200;
      printf("# all:  %.*s\n# each: %.*s\n", 400, all.p + from, 400, each.p + from);
      break;
    }
  in_buf_init(&one, &interop_alloc_libc);
  shown(0, 4096, &one);
  ok(!in_starts(in_buf_span(&one), IN_SPAN("refused")), "4,096 messages are shown");
  one.n = 0;
  in_buf_byte(&one, ' ');
  shown(0, 4097, &one);
  is_bytes(one.p, one.n, " refused 502 unreadable_answer", 30, "4,097 are more than an answer has");
  in_buf_free(&one);
  in_buf_free(&all);
  in_buf_free(&each);
}

/* beside what the JSON library takes: 32 bytes a recipient and 16 a party, of 16 bytes of body */
/* ---- batches: a budget of tags for all items */

/* so many messages of so many paragraphs each, all of them text */
static void batch(unsigned items, unsigned paragraphs, interop_verdict_t want) {
  interop_target_t target = { IN_SPAN("POST"), IN_SPAN("/v1.0/$batch") };
  interop_source_t source = in_memory_source(memory);
  interop_request_t q;
  interop_match_t match;
  interop_judge_t *j = NULL;
  in_buf_t body;
  memset(&q, 0, sizeof(q));
  in_buf_init(&body, &interop_alloc_libc);
  for (unsigned i = 0; i < items; i++) {
    in_buf_printf(&body, "%s{\"id\":\"%u\",\"method\":\"POST\",\"url\":\"/chats/two/messages\","
                  "\"headers\":{\"Content-Type\":\"application/json\"},\"body\":{\"body\":{\"contentType\":\"html\",\"content\":\"",
                  i == 0 ? "{\"requests\":[" : ",", i);
    for (unsigned k = 0; k < paragraphs; k++) in_buf_put(&body, IN_SPAN("<p>x</p>"));
    in_buf_put(&body, IN_SPAN("\"}}}"));
  }
  in_buf_put(&body, IN_SPAN("]}"));
  q.content_type = IN_SPAN("application/json");
  q.sender = IN_SPAN("bela");
  q.now = 1547546400;
  q.body = in_buf_span(&body);
  bool judged = interop_judge_new(policy, interop_policy_api(policy, IN_SPAN("graph")), &target, &interop_alloc_libc, &j, &match) == INTEROP_OK
                && interop_judge_run(j, &q, &source) == INTEROP_OK;
  ok(judged && interop_judge_plan(j)->verdict == want, "a batch of %u messages of %u paragraphs: %s, not %s", items, paragraphs,
     interop_verdict_name(want), judged ? interop_verdict_name(interop_judge_plan(j)->verdict) : "none");
  interop_judge_free(j);
  in_buf_free(&body);
}

static void batches(void) {
  batch(1, 16000, INTEROP_V_DELIVER);
  batch(20, 800, INTEROP_V_DELIVER);
  batch(20, 1600, INTEROP_V_PLACEHOLDER);
  batch(1, 17000, INTEROP_V_PLACEHOLDER);
}

static void memory_bound(void) {
  const mix_t mix = { 0, MEMBERS, 0, 0 };
  meter_t all = { 0, 0, 1000000 }, json = { 0, 0, 1000000 };
  in_span_t body = body_of(&mix);
  interop_alloc_t alloc = { metered, &json };
  in_arena_t arena;
  in_json_t doc;
  in_json_error_t wrong;
  interop_judge_t *j;
  double ours;
  ok(run(&mix, &all, body, &j) == INTEROP_OK, "5,000 members");
  interop_judge_free(j);
  in_arena_init(&arena, &alloc);
  ok(in_json_parse(body, 0, &arena, &doc, &wrong) == INTEROP_OK, "their JSON alone");
  in_arena_free(&arena);
  ours = ((double) all.most - (double) json.most) / (double) body.n;
  ok(ours < 3.2, "beside it they take %.2f times the body", ours);
  free((void *) (uintptr_t) body.p);
}

static void no_memory(void) {
  const mix_t mix = { 3, 500, 0, 0 };
  in_span_t body = body_of(&mix);
  unsigned bad = 0, tries = 0;
  for (long left = 0; ; left++, tries++) {
    meter_t m = { 0, 0, left };
    interop_judge_t *j;
    interop_status_t rc = run(&mix, &m, body, &j);
    interop_judge_free(j);
    bad += (rc != INTEROP_OK && rc != INTEROP_NOMEM) || m.now != 0;
    if (rc == INTEROP_OK) break;
  }
  ok(bad == 0 && tries > 3, "no memory at any of %u places: NOMEM, and nothing stays", tries);
  free((void *) (uintptr_t) body.p);
}

static void put(interop_record_kind_t kind, const char *json) {
  interop_diag_t diag;
  interop_status_t rc = in_memory_put_json(memory, kind, in_str(json), &diag);
  if (rc == INTEROP_OK) return;
  printf("# %s\n", json);
  printf("Bail out! %s\n", diag.text);
  exit(1);
}

int main(void) {
  void *image;
  size_t size;
  memory = in_memory_new(&interop_alloc_libc);
  if (memory == NULL) return 1;
  load("conf.d", &image, &size);
  put(INTEROP_R_TENANT, "{\"id\":\"t1\",\"country\":\"IN\",\"plan\":\"o365\"}");
  put(INTEROP_R_USER, WHO("asha", "true", "kaizala"));
  put(INTEROP_R_USER, WHO("bela", "true", "teams"));
  put(INTEROP_R_USER, WHO("cora", "false", "teams"));
  put(INTEROP_R_USER, "{\"id\":\"dora\",\"tenant\":\"t1\",\"systems\":[\"kaizala\",\"teams\"]}");
  put(INTEROP_R_CONVERSATION, "{\"id\":\"g\",\"type\":\"group\",\"tenant\":\"t1\",\"participants\":[\"asha\"]}");
  put(INTEROP_R_USER, "{\"id\":\"kim\",\"tenant\":\"t1\",\"systems\":[\"kaizala\"],\"linked_account\":false}");
  put(INTEROP_R_CONVERSATION, "{\"id\":\"one\",\"type\":\"one_on_one\",\"tenant\":\"t1\",\"participants\":[\"asha\",\"bela\",\"kim\"],\"started\":true}");
  for (unsigned i = 0; i < 1500; i += 3) {
    char record[128];
    snprintf(record, sizeof(record), "{\"id\":\"%u\",\"conversation\":\"one\",\"author\":\"%s\",\"delivered_as\":\"%s\"}", i, authors[i % 4], i % 2 ? "text" : "unsupported");
    put(INTEROP_R_MESSAGE, record);
  }
  for (unsigned i = 0; i < PEOPLE; i++) {
    static const char *const tenants[] = { "t1", "t2", "t3" }, *const on[] = { "teams", "kaizala", "", "sfb" };
    char record[512];
    snprintf(record, sizeof(record), "{\"id\":\"m%u\",\"display_name\":\"m%u\",\"aliases\":[\"+9177%u\"],\"tenant\":\"%s\",\"systems\":[\"kaizala\"%s]"
             ",\"linked_account\":%s%s%s%s}", i, i, i, tenants[i % 7 % 3], i % 5 ? ",\"teams\"" : "", i % 11 ? "true" : "false",
             on[i % 4][0] ? ",\"reads_on\":\"" : "", on[i % 4], on[i % 4][0] ? "\"" : "");
    put(INTEROP_R_USER, record);
  }
  put(INTEROP_R_TENANT, "{\"id\":\"t2\",\"country\":\"KE\",\"plan\":\"m365\",\"residency\":\"EMEA\"}");
  same(&(mix_t) { 0, MEMBERS, 0, 1 }, "many kinds of people");
  same(&(mix_t) { 0, 255, 0, 1 }, "few people");
  same(&(mix_t) { 0, 1000, 1, 1 }, "many kinds of people whose names are asked for");
  same(&(mix_t) { 0, MEMBERS, 0, 0 }, "nobody known");
  same(&(mix_t) { 1, MEMBERS, 0, 0 }, "all known");
  same(&(mix_t) { 3, MEMBERS, 0, 0 }, "a mix");
  same(&(mix_t) { MEMBERS, MEMBERS, 0, 0 }, "one known");
  same(&(mix_t) { 3, 1000, 1, 0 }, "a mix whose names are asked for");
  same(&(mix_t) { 0, 1000, 1, 0 }, "nobody known, and names asked for");
  put(INTEROP_R_CONVERSATION, "{\"id\":\"two\",\"type\":\"one_on_one\",\"tenant\":\"t1\",\"participants\":[\"asha\",\"bela\"],\"started\":true}");
  crowds();
  batches();
  answers();
  memory_bound();
  no_memory();
  unload(image, size);
  load("t/lang/answers.rules", &image, &size);
  answers();
  unload(image, size);
  in_memory_free(memory);
  return done();
}
