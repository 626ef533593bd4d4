/*
** replay_script.c -- the scripts of a policy, asked about a record once more.
**
** Owns telling them what the record tells: facts that scripts read then, members
** of the event, counters in the order in which they were counted. Invariant:
** nothing is guessed; a script that asks for more gives what the record says that
** it gave, if it is the same script, else it cannot be told.
*/
#include "replay.h"
#include "words.h"
#include "../script/script.h"
#include "../store/record.h"

typedef struct {
  in_replay_t *replay;
  interop_judge_t judge;                /* as much of one as scripts and their verdicts need */
  interop_request_t request;
  interop_script_env_t env;
  in_script_record_t record;
  yyjson_val *script, *recipients;      /* of the record */
  size_t counted;
  in_replay_status_t status;
  in_span_t missing;                    /* the first that is not told */
} ask_t;

static interop_status_t untold(ask_t *a, in_span_t name) {
  if (a->missing.p == NULL) a->missing = in_arena_copy(a->replay->arena, name);
  return INTEROP_UNAVAILABLE;
}

/* ---- facts */

static interop_status_t give_text(interop_value_t *v, in_span_t text) {
  memset(v, 0, sizeof(*v));
  if (text.p != NULL) *v = in_value_text(text);
  return INTEROP_OK;
}

static interop_status_t give(ask_t *a, in_span_t path, interop_value_t *v) {
  yyjson_val *told = yyjson_obj_getn(yyjson_obj_get(a->script, "facts"), path.p, path.n);
  if (told == NULL) return untold(a, path);
  return in_replay_value(a->replay, told, v) ? INTEROP_OK : INTEROP_NOMEM;
}

static interop_status_t field(void *ctx, interop_event_field_t f, interop_value_t *v) {
  ask_t *a = ctx;
  yyjson_val *judged = a->replay->judged;
  switch (f) {
    case INTEROP_EV_OPERATION: return give_text(v, in_replay_text(judged, "operation"));
    case INTEROP_EV_KIND: return give_text(v, in_replay_text(judged, "kind"));
    case INTEROP_EV_API: return give_text(v, in_replay_text(judged, "api"));
    case INTEROP_EV_SYSTEM: return give_text(v, in_replay_text(judged, "from"));
    case INTEROP_EV_CARD: return give_text(v, in_replay_text(judged, "card"));
    case INTEROP_EV_TIME:
      *v = (interop_value_t) { INTEROP_T_NUMBER, a->request.now, IN_NONE, 0 };
      return INTEROP_OK;
    default: return give(a, in_script_path(a->replay->arena, IN_ASK_FIELD, f, 0, IN_NONE), v);
  }
}

static interop_status_t fact(void *ctx, interop_script_subject_t of, in_span_t path, in_span_t name, interop_value_t *v) {
  ask_t *a = ctx;
  if (of != INTEROP_SS_FEATURES) return give(a, path, v);
  memset(v, 0, sizeof(*v));
  v->type = INTEROP_T_FLAG;
  v->number = yyjson_obj_getn(yyjson_obj_get(a->replay->judged, "features"), name.p, name.n) != NULL;
  return INTEROP_OK;
}

/* the next one, if the script asks for the same */
static interop_status_t count(void *ctx, in_span_t name, int64_t *value) {
  ask_t *a = ctx;
  yyjson_val *told = yyjson_arr_get(yyjson_obj_get(a->script, "counters"), a->counted);
  if (told == NULL || !in_eq(in_replay_text(told, "name"), name))
    return untold(a, in_arena_printf(a->replay->arena, "the counter \"%.*s\"", (int) name.n, name.p));
  a->counted++;
  *value = yyjson_get_sint(yyjson_obj_get(told, "value"));
  return INTEROP_OK;
}

/* ---- what it gave then */

static yyjson_val *asked(const ask_t *a, in_span_t script, uint64_t source) {
  in_span_t hex = in_arena_printf(a->replay->arena, "%016llx", (unsigned long long) source);
  size_t i, n;
  yyjson_val *v;
  yyjson_arr_foreach(yyjson_obj_get(a->script, "asked"), i, n, v) {
    if (in_eq(in_replay_text(v, "name"), script) && in_eq(in_replay_text(v, "source"), hex)) return v;
  }
  return NULL;
}

static interop_script_action_kind_t kind_of(in_span_t name) {
  static const char *const actions[] = {
#define INTEROP_X(word, text, verdict, may, must) text,
    INTEROP_SCRIPT_ACTIONS(INTEROP_X)
#undef INTEROP_X
  };
  unsigned i = 0;
  while (i < INTEROP_SCRIPT_ACTION_COUNT && !in_eq(in_str(actions[i]), name)) i++;
  return (interop_script_action_kind_t) i;
}

static void give_again(yyjson_val *then, interop_script_result_t *r) {
  in_span_t what = in_replay_text(then, "gave"), reason = in_replay_text(then, "reason");
  memset(r, 0, sizeof(*r));
  if (what.p == NULL) return;
  r->action[0] = (interop_script_action_t) { kind_of(what), reason, IN_NONE };
  r->actions = 1;
  if (r->action[0].kind != INTEROP_SCRIPT_ACTION_COUNT) return;
  r->end = INTEROP_SE_ERROR;
  r->error = IN_SPAN("it failed then");
}

static interop_status_t gave(void *ctx, in_span_t script, uint64_t source, interop_script_result_t *r) {
  ask_t *a = ctx;
  yyjson_val *then = asked(a, script, source);
  if (then == NULL) return INTEROP_UNAVAILABLE;
  give_again(then, r);
  a->missing = IN_NONE;
  return INTEROP_OK;
}

/* the script of a location is in no policy, and is called by its path: it gives what it gave */
static void take_attached(ask_t *a) {
  size_t i, n;
  yyjson_val *v;
  yyjson_arr_foreach(yyjson_obj_get(a->script, "asked"), i, n, v) {
    in_loaded_t l;
    interop_script_result_t r;
    memset(&l, 0, sizeof(l));
    l.stat.name = in_replay_text(v, "name");
    if (!in_starts(l.stat.name, IN_SPAN("/"))) continue;
    give_again(v, &r);
    if (r.end != INTEROP_SE_DONE || in_script_take(&a->judge, &l, &r).p != NULL) in_script_failed(&a->judge, l.stat.name);
  }
}

static bool final(void *ctx, uint32_t recipient, uint32_t list) {
  ask_t *a = ctx;
  bool holds = true;
  in_replayed_t x = in_replay_final(a->replay, yyjson_arr_get(a->recipients, recipient), list, &holds);
  if (x.status == IN_REPLAY_FAILED) a->status = IN_REPLAY_FAILED;
  else if (x.status != IN_REPLAY_DECIDED) (void) untold(a, x.missing);
  return holds;
}

/* ---- a judge for them */

static bool add_recipients(ask_t *a, const uint32_t *outcome) {
  interop_judge_t *j = &a->judge;
  const in_image_t *img = &j->policy->img;
  uint32_t n = (uint32_t) yyjson_arr_size(a->recipients);
  j->recipients = in_arena_array(&j->arena, (size_t) n + 1, sizeof(*j->recipients));
  if (j->recipients == NULL) return false;
  for (; j->recipient_count < n; j->recipient_count++) {
    in_recipient_t *r = &j->recipients[j->recipient_count];
    in_span_t system = in_replay_text(yyjson_arr_get(a->recipients, j->recipient_count), "system");
    uint32_t to = system.p == NULL ? IN_NIL : in_find_system(img, system);
    r->to = (to == IN_NIL ? img->count[IN_S_SYSTEMS] : to) & 0x7f;
    r->outcome = outcome[j->recipient_count];
    if (in_outcome_stricter(img, r->outcome, j->recipients[j->final].outcome)) j->final = j->recipient_count;
  }
  return n > 0;
}

static interop_status_t no_record(void *ctx, interop_record_kind_t kind, in_span_t key, in_span_t *record) {
  (void) ctx; (void) kind; (void) key; (void) record;
  return INTEROP_MISSING;
}

static const interop_source_t no_source = { .lookup = no_record };

static interop_status_t no_counter(void *ctx, in_span_t owner, in_span_t key, int64_t by, uint32_t ttl, int64_t *value) {
  (void) ctx; (void) owner; (void) key; (void) by; (void) ttl; (void) value;
  return INTEROP_UNAVAILABLE;
}

static bool make(ask_t *a, in_replay_t *r, in_host_t *host, const uint32_t *outcome) {
  interop_judge_t *j = &a->judge;
  a->replay = r;
  a->script = yyjson_obj_get(r->judged, "script");
  a->recipients = yyjson_obj_get(r->judged, "recipients");
  a->env.count = no_counter;
  a->record = (in_script_record_t) { field, fact, count, gave, final, a };
  a->request.scripts = host->scripts;
  a->request.script_env = &a->env;
  a->request.tenant = in_replay_text(r->judged, "tenant");
  if (!in_time_parse(in_replay_text(r->judged, "now"), &a->request.now)) return false;
  j->policy = r->policy;
  j->request = &a->request;
  j->from = r->event.from;
  j->event.operation = (interop_operation_t) r->event.operation;
  j->event.kind = (interop_kind_t) r->event.kind;
  j->override.record = &a->record;
  in_script_tell_nothing(&j->override);
  in_arena_init(&j->arena, &interop_alloc_libc);
  if (in_facts_init(&j->facts, r->policy, &j->arena) != INTEROP_OK || !add_recipients(a, outcome)) return false;
  j->facts.source = &no_source;
  j->facts.fetched = true;
  return true;
}

/* ---- telling */

static in_span_t words(in_arena_t *a, in_span_t verdict, in_span_t reason) {
  if (reason.n == 0) return in_arena_copy(a, verdict);
  return in_arena_printf(a, "%.*s %.*s", (int) verdict.n, verdict.p, (int) reason.n, reason.p);
}

static in_span_t words_now(const ask_t *a) {
  const interop_judge_t *j = &a->judge;
  interop_alloc_t alloc = in_arena_alloc(a->replay->arena);
  const in_override_t *o = &j->override;
  in_buf_t b;
  if (o->active) return words(a->replay->arena, in_str(interop_verdict_name((interop_verdict_t) o->outcome.verdict)), o->reason);
  in_buf_init(&b, &alloc);
  in_words_outcome(&b, &j->policy->img, j->recipients[j->final].outcome);
  return in_buf_span(&b);
}

static in_replayed_script_t answer(ask_t *a, interop_status_t rc) {
  in_replayed_script_t x = { IN_REPLAY_DECIDED, IN_NONE, IN_NONE, IN_NONE, IN_NONE };
  bool then = yyjson_obj_get(a->script, "verdict") != NULL;
  yyjson_val *was = then ? a->script : a->replay->judged;
  if (rc != INTEROP_OK && rc != INTEROP_UNAVAILABLE) a->status = IN_REPLAY_FAILED;
  if (!then && !a->judge.override.active && a->missing.p == NULL) return x;
  x.was = words(a->replay->arena, in_replay_text(was, "verdict"), in_replay_text(was, "reason"));
  x.status = a->status != IN_REPLAY_DECIDED ? a->status : a->missing.p != NULL ? IN_REPLAY_NO_FACT : IN_REPLAY_DECIDED;
  x.missing = a->missing;
  if (x.status != IN_REPLAY_DECIDED) return x;
  x.becomes = words_now(a);
  x.rule = a->judge.override.active ? in_arena_copy(a->replay->arena, a->judge.override.rule) : IN_NONE;
  return x;
}

in_replayed_script_t in_replay_scripts(in_replay_t *r, in_host_t *host, const uint32_t *outcome) {
  in_replayed_script_t x = { IN_REPLAY_FAILED, IN_NONE, IN_NONE, IN_NONE, IN_NONE };
  ask_t *a = in_arena_get(r->arena, sizeof(*a));
  if (a == NULL) return x;
  a->status = IN_REPLAY_DECIDED;
  in_host_renew(host);
  if (make(a, r, host, outcome)) {
    interop_status_t rc = in_script_ask(&a->judge);
    take_attached(a);
    x = answer(a, rc);
  }
  if (a->judge.facts.policy != NULL) in_facts_free(&a->judge.facts);
  in_arena_free(&a->judge.arena);
  return x;
}
