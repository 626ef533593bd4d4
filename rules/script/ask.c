/*
** ask.c -- which scripts are asked about an event, and in which order.
**
** Owns the order (everybody's, the tenant's, the location's; each as they stand
** in the policy), the counting of failures in a row, and the setting aside, which
** all processes do together.
*/
#include "script.h"

static void tell(const interop_judge_t *j, in_span_t name, in_span_t line) {
  const interop_script_env_t *env = j->request->script_env;
  if (env != NULL && env->log != NULL) env->log(env->ctx, 1, name, line);
}

static bool is_for(const interop_judge_t *j, const in_pi_script_t *s) {
  if (!(s->ops >> j->event.operation & 1) || !(s->from >> j->from & 1)) return false;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    uint32_t to = j->recipients[i].to;
    if ((s->to >> to & 1) && !(s->crosses && to == j->from)) return true;
  }
  return false;
}

/* other processes count at the same time: each step is one that no death can leave half done */
static void count_failure(interop_judge_t *j, in_loaded_t *l, in_span_t error) {
  interop_script_health_t *h = in_script_health(l);
  uint32_t row = __atomic_add_fetch(&h->row, 1, __ATOMIC_RELAXED);
  tell(j, l->stat.name, error);
  if (row < l->most_failures || __atomic_exchange_n(&h->aside, 1, __ATOMIC_RELAXED) != 0) return;
  tell(j, l->stat.name, in_arena_printf(&j->arena, "set aside after %u failures in a row, until the next reload", row));
}

static void count_success(in_loaded_t *l) {
  interop_script_health_t *h = in_script_health(l);
  if (__atomic_load_n(&h->row, __ATOMIC_RELAXED) != 0) __atomic_store_n(&h->row, 0, __ATOMIC_RELAXED);
}

static in_span_t keep(interop_judge_t *j, in_span_t s) {
  return s.n == 0 ? IN_SPAN("") : in_arena_copy(&j->arena, s);
}

static interop_status_t run(in_asking_t *a, interop_script_result_t *r) {
  const in_script_record_t *record = a->judge->override.record;
  interop_status_t rc;
  if (in_recall_find(a, r, &rc) && rc != INTEROP_UNAVAILABLE) return rc;
  rc = a->judge->request->scripts->extension->run(a->loaded->script, a, r);
  if (rc == INTEROP_OK) in_recall_end(a, r);
  return rc == INTEROP_UNAVAILABLE && record != NULL ? record->gave(record->ctx, a->loaded->stat.name, a->loaded->source, r) : rc;
}

static interop_status_t ask(interop_judge_t *j, in_loaded_t *l) {
  in_asking_t a = { j, l, NULL };
  interop_script_result_t r;
  interop_status_t rc;
  in_span_t error;
  if (__atomic_load_n(&in_script_health(l)->aside, __ATOMIC_RELAXED) != 0) {
    in_script_failed(j, l->stat.name);
    in_script_note(j, l->stat.name, INTEROP_SD_FAILED, IN_SPAN("it was set aside"));
    in_script_gave(j, l, NULL);
    l->stat.did[INTEROP_SD_FAILED]++;
    return INTEROP_OK;
  }
  l->stat.runs++;
  rc = run(&a, &r);
  if (rc != INTEROP_OK) return rc;
  j->override.instructions += r.instructions;
  if (r.memory > j->override.memory) j->override.memory = r.memory;
  error = r.error;
  if (r.end == INTEROP_SE_DONE) error = in_script_take(j, l, &r);
  in_script_gave(j, l, error.p != NULL ? NULL : &r);
  if (error.p == NULL) {
    count_success(l);
    return j->arena.failed ? INTEROP_NOMEM : INTEROP_OK;
  }
  error = keep(j, error);
  in_script_failed(j, l->stat.name);
  in_script_note(j, l->stat.name, INTEROP_SD_FAILED, error);
  l->stat.did[INTEROP_SD_FAILED]++;
  count_failure(j, l, error);
  return j->arena.failed ? INTEROP_NOMEM : INTEROP_OK;
}

static interop_status_t ask_list(interop_judge_t *j, uint32_t first) {
  interop_scripts_t *s = j->request->scripts;
  for (uint32_t i = first; i != IN_NIL; i = s->at[i].next) {
    interop_status_t rc = is_for(j, s->at[i].rec) ? ask(j, &s->at[i]) : INTEROP_OK;
    if (rc != INTEROP_OK) return rc;
  }
  return INTEROP_OK;
}

static in_span_t tenant_of(interop_judge_t *j) {
  const in_row_t *sender = in_facts_row(&j->facts, IN_SUB_SENDER);
  return sender != NULL && sender->tenant.p != NULL ? sender->tenant : j->request->tenant;
}

/* nobody can be asked: each that is for the event has failed */
static interop_status_t without(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  in_span_t sender = tenant_of(j);
  for (uint32_t i = 0; i < img->count[IN_S_SCRIPTS]; i++) {
    const in_pi_script_t *s = in_table(img, SCRIPTS, in_pi_script_t) + i;
    in_span_t tenant = in_image_str(img, s->tenant), name = in_image_str(img, s->name);
    if (!is_for(j, s) || (tenant.n > 0 && !in_eq(tenant, sender))) continue;
    in_script_failed(j, name);
    in_script_note(j, name, INTEROP_SD_FAILED, IN_SPAN("there is nothing here that runs scripts"));
  }
  return j->facts.status;
}

interop_status_t in_script_ask(interop_judge_t *j) {
  interop_scripts_t *s = j->request->scripts;
  in_override_t *o = &j->override;
  interop_status_t rc;
  if (j->policy->img.count[IN_S_SCRIPTS] == 0 && j->request->script == 0) return INTEROP_OK;
  o->active = o->tightened = o->replaces = false;
  o->script = o->error = o->rule = o->reason = o->message = o->text = IN_NONE;
  o->header_count = o->count = 0;
  o->instructions = o->memory = 0;
  in_script_tell_nothing(o);
  o->final_asked = false;
  if (s == NULL) return without(j);
  rc = ask_list(j, s->general);
  if (rc == INTEROP_OK && s->tenants) rc = ask_list(j, in_scripts_of(s, tenant_of(j)));
  if (rc == INTEROP_OK && j->request->script > 0 && j->request->script <= s->count)
    rc = ask(j, &s->at[j->request->script - 1]);
  return rc == INTEROP_OK ? j->facts.status : rc;
}
