/*
** services.c -- what a script may ask of the event.
**
** Owns the answers: fields of the event, facts of records, as the policy sees
** them, with their defaults. Everything is looked up when it is asked for, for
** this one event; there is no way to another tenant's records but those of the
** people whom the event is about. Must not know who asks.
*/
#include "script.h"

/* ---- fields of the event */

static void give_text(interop_value_t *v, in_span_t text) {
  v->type = text.p == NULL ? INTEROP_T_NULL : INTEROP_T_TEXT;
  v->text = text;
}

static interop_status_t plain_text(interop_judge_t *j, interop_value_t *v) {
  in_override_t *o = &j->override;
  if (!o->read) {
    interop_status_t rc = j->event.has_content ? in_api_text(&j->policy->img, &j->event, 0, &j->arena, &o->plain) : INTEROP_OK;
    if (rc != INTEROP_OK) return rc;
    o->read = true;
  }
  give_text(v, o->plain);
  return INTEROP_OK;
}

static in_span_t reason_of(const interop_judge_t *j, const in_pi_outcome_t *o) {
  const in_image_t *img = &j->policy->img;
  if (o->kind != IN_OUT_DECISION) return IN_SPAN("undetermined");
  return o->reason == IN_NIL ? IN_NONE : in_image_str(img, in_reason(img, o->reason)->name);
}

static void policy_verdict(const interop_judge_t *j, interop_event_field_t field, interop_value_t *v) {
  const in_image_t *img = &j->policy->img;
  const in_pi_outcome_t *o = in_outcome(img, j->recipients[j->final].outcome);
  bool decided = o->kind == IN_OUT_DECISION;
  if (field == INTEROP_EV_VERDICT)
    give_text(v, in_str(interop_verdict_name(decided ? (interop_verdict_t) o->verdict : INTEROP_V_DENY)));
  else if (field == INTEROP_EV_RULE) give_text(v, decided ? in_image_str(img, o->rule) : IN_SPAN("undetermined"));
  else give_text(v, reason_of(j, o));
}

/* the verdict is the policy's of now, also in a replay */
static interop_status_t find_value(interop_judge_t *j, interop_event_field_t f, interop_value_t *v) {
  const in_image_t *img = &j->policy->img;
  const in_script_record_t *record = j->override.record;
  memset(v, 0, sizeof(*v));
  if (record != NULL && f < INTEROP_EV_VERDICT) return record->field(record->ctx, f, v);
  switch (f) {
    case INTEROP_EV_OPERATION: give_text(v, in_str(interop_operation_name(j->event.operation))); break;
    case INTEROP_EV_KIND: give_text(v, in_str(interop_kind_name(j->event.kind))); break;
    case INTEROP_EV_API: give_text(v, in_image_str(img, in_table(img, APIS, in_ai_api_t)[j->api].name)); break;
    case INTEROP_EV_SYSTEM: give_text(v, in_image_str(img, in_system(img, j->from)->name)); break;
    case INTEROP_EV_TEXT: return plain_text(j, v);
    case INTEROP_EV_CARD: give_text(v, j->event.card); break;
    case INTEROP_EV_TIME: v->type = INTEROP_T_NUMBER; v->number = j->request->now; break;
    case INTEROP_EV_COUNTRY: give_text(v, j->request->client_country); break;
    case INTEROP_EV_AGENT: give_text(v, j->request->client_agent); break;
    default: policy_verdict(j, f, v);
  }
  return INTEROP_OK;
}

interop_status_t in_script_field(const in_asking_t *a, interop_event_field_t f, interop_value_t *v) {
  interop_status_t rc = find_value(a->judge, f, v);
  if (rc == INTEROP_OK) in_script_tell(a->judge, IN_ASK_FIELD, f, 0, IN_NONE, v);
  return rc;
}

/* ---- facts */

static const in_subject_t subject_of[] = {      /* ORDER: INTEROP_SCRIPT_SUBJECTS */
  IN_SUB_SENDER, IN_SUB_SENDER_TENANT, IN_SUB_RECIPIENT, IN_SUB_CONVERSATION, IN_SUB_MESSAGE, IN_SUBJECT_COUNT
};

static const interop_record_kind_t record_of[] = {
  INTEROP_R_USER, INTEROP_R_TENANT, INTEROP_R_USER, INTEROP_R_CONVERSATION, INTEROP_R_MESSAGE, INTEROP_RECORD_COUNT
};

static interop_status_t feature(const interop_judge_t *j, in_span_t name, interop_value_t *v) {
  int f = in_feature_by_name(name);
  if (f < 0) return INTEROP_MISSING;
  v->type = INTEROP_T_FLAG;
  v->number = j->event.features.count[f] > 0;
  return INTEROP_OK;
}

static bool is_known_to_all(interop_script_subject_t of, in_span_t name) {
  bool user = of == INTEROP_SS_SENDER || of == INTEROP_SS_RECIPIENT;
  if (in_eq(name, IN_SPAN("id"))) return of != INTEROP_SS_TENANT;
  if (in_eq(name, IN_SPAN("named"))) return of == INTEROP_SS_RECIPIENT;
  return user && (in_eq(name, IN_SPAN("tenant")) || in_eq(name, IN_SPAN("system")));
}

/* what everyone has, whatever is declared; false: it is something else */
static bool known_to_all(interop_judge_t *j, interop_script_subject_t of, const in_recipient_t *r, in_span_t name,
                         interop_value_t *v) {
  const in_image_t *img = &j->policy->img;
  bool user = of == INTEROP_SS_SENDER || of == INTEROP_SS_RECIPIENT;
  if (in_eq(name, IN_SPAN("id"))) {
    if (of == INTEROP_SS_TENANT) return false;
    give_text(v, of == INTEROP_SS_SENDER ? j->sender_id : r != NULL ? in_judge_id(r)
                 : of == INTEROP_SS_CONVERSATION ? j->conversation_id : j->event.message);
  } else if (user && in_eq(name, IN_SPAN("tenant"))) {
    const in_row_t *row = r != NULL ? r->row : in_facts_row(&j->facts, IN_SUB_SENDER);
    give_text(v, row != NULL ? row->tenant : r != NULL ? IN_NONE : j->request->tenant);
  } else if (r != NULL && in_eq(name, IN_SPAN("named"))) {
    give_text(v, in_judge_named(r));
  } else if (user && in_eq(name, IN_SPAN("system"))) {
    uint32_t system = r != NULL ? r->to : j->from;
    give_text(v, system < img->count[IN_S_SYSTEMS] ? in_image_str(img, in_system(img, system)->name) : IN_NONE);
  } else {
    return false;
  }
  return true;
}

static bool is_field(const in_image_t *img, const in_pi_field_t *f, interop_record_kind_t record, uint32_t hash, in_span_t name) {
  return f->hash == hash && f->record == (uint32_t) record && in_eq(in_image_str(img, f->name), name);
}

/* index in FIELDS; IN_NIL: there is none; IN_NOTHING: some begin with the name */
static uint32_t find_field(const in_image_t *img, interop_scripts_t *s, interop_record_kind_t record, in_span_t name) {
  const in_pi_field_t *f = in_table(img, FIELDS, in_pi_field_t);
  uint32_t hash = in_hash(name), count = img->count[IN_S_FIELDS];
  uint32_t *first = &s->found[(hash + (uint32_t) record) & (IN_SCRIPT_FOUND - 1)];
  if (*first < count && is_field(img, &f[*first], record, hash, name)) return *first;
  for (uint32_t i = 0; i < count; i++)
    if (is_field(img, &f[i], record, hash, name)) return *first = i;
  for (uint32_t i = 0; i < count; i++) {
    in_span_t n = in_image_str(img, f[i].name);
    if (f[i].record == (uint32_t) record && n.n > name.n && n.p[name.n] == '.' && in_starts(n, name)) return IN_NOTHING;
  }
  return IN_NIL;
}

static bool must_fetch(in_facts_t *f, in_subject_t subject, const in_pi_field_t *fl) {
  in_span_t record;
  interop_value_t v;
  if (fl->default_kind != IN_DEF_FETCH || f->fetched) return false;
  record = in_facts_record(f, subject);
  return record.p == NULL || interop_record_get(record, in_image_str(&f->policy->img, fl->name), &v) != INTEROP_OK;
}

/* "unset" is how a toggle says that it is not known */
static void give_word(const in_image_t *img, const in_pi_field_t *fl, int64_t number, interop_value_t *v) {
  in_span_t word;
  if (number < 0 || (uint64_t) number >= fl->names.count) return;
  word = in_image_str(img, in_table(img, REFS, in_ref_t)[fl->names.first + (uint32_t) number]);
  if (in_starts(in_image_str(img, fl->name), IN_SPAN("toggles.")) && in_eq(word, IN_SPAN("unset"))) return;
  give_text(v, word);
}

static void give(const in_image_t *img, const in_pi_field_t *fl, const in_value_t *from, interop_value_t *v) {
  if (!from->known) return;
  switch (fl->type) {
    case IN_T_FLAG: v->type = INTEROP_T_FLAG; v->number = from->number; break;
    case IN_T_ENUM: give_word(img, fl, from->number, v); break;
    case IN_T_TIME: case IN_T_NUMBER: v->type = INTEROP_T_NUMBER; v->number = from->number; break;
    case IN_T_LIST: *v = (interop_value_t) { INTEROP_T_LIST, 0, from->text, from->count }; break;
    default: give_text(v, from->text);
  }
}

/* a replay's: what the policy declares is there to be told */
static interop_status_t recorded(interop_judge_t *j, interop_script_subject_t of, uint32_t number, in_span_t name,
                                 interop_value_t *v) {
  const in_script_record_t *record = j->override.record;
  uint32_t i;
  if (of == INTEROP_SS_FEATURES) {
    if (in_feature_by_name(name) < 0) return INTEROP_MISSING;
  } else if (!is_known_to_all(of, name)) {
    i = find_field(&j->policy->img, j->request->scripts, record_of[of], name);
    if (i == IN_NIL || i == IN_NOTHING) return i == IN_NIL ? INTEROP_MISSING : INTEROP_USAGE;
  }
  return record->fact(record->ctx, of, in_script_path(&j->arena, IN_ASK_FACT, of, number, name), name, v);
}

static interop_status_t find_fact(interop_judge_t *j, interop_script_subject_t of, uint32_t number, in_span_t name,
                                  interop_value_t *v) {
  const in_image_t *img = &j->policy->img;
  const in_recipient_t *r = of == INTEROP_SS_RECIPIENT ? &j->recipients[number] : NULL;
  in_value_t value;
  uint32_t i;
  memset(v, 0, sizeof(*v));
  if (of == INTEROP_SS_RECIPIENT && number >= j->recipient_count) return INTEROP_MISSING;
  if (j->override.record != NULL) return recorded(j, of, number, name, v);
  if (of == INTEROP_SS_FEATURES) return feature(j, name, v);
  if (known_to_all(j, of, r, name, v)) return j->facts.status;
  i = find_field(img, j->request->scripts, record_of[of], name);
  if (i == IN_NIL) return INTEROP_MISSING;
  if (i == IN_NOTHING) return INTEROP_USAGE;
  if (r != NULL) {
    interop_status_t rc = in_judge_own(j, &j->recipients[number]);
    if (rc != INTEROP_OK) return rc;
    in_judge_take(j, r);
  }
  if (must_fetch(&j->facts, subject_of[of], in_field(img, i))) return INTEROP_AGAIN;
  value = in_facts_field(&j->facts, subject_of[of], i);
  give(img, in_field(img, i), &value, v);
  return j->facts.status;
}

interop_status_t in_script_fact(const in_asking_t *a, interop_script_subject_t of, uint32_t number, in_span_t name,
                                interop_value_t *v) {
  interop_status_t rc = find_fact(a->judge, of, number, name, v);
  if (rc == INTEROP_OK) in_script_tell(a->judge, IN_ASK_FACT, of, number, name, v);
  return rc;
}

interop_status_t in_script_people(const in_asking_t *a, interop_value_t *v) {
  memset(v, 0, sizeof(*v));
  v->type = INTEROP_T_NUMBER;
  v->number = a->judge->recipient_count;
  return INTEROP_OK;
}

/* ---- the same, noted */

static interop_status_t field(void *ctx, interop_event_field_t f, interop_value_t *v) {
  interop_status_t rc = in_script_field(ctx, f, v);
  in_recall_field(ctx, f, rc, v);
  return rc;
}

static interop_status_t fact(void *ctx, interop_script_subject_t of, uint32_t number, in_span_t name, interop_value_t *v) {
  interop_status_t rc = in_script_fact(ctx, of, number, name, v);
  in_recall_fact(ctx, of, number, name, rc, v);
  return rc;
}

static uint32_t recipients(void *ctx) {
  interop_value_t v;
  (void) in_script_people(ctx, &v);
  in_recall_people(ctx, &v);
  return (uint32_t) v.number;
}

/* ---- what leaves the script */

static void write_log(void *ctx, in_span_t line) {
  in_asking_t *a = ctx;
  const interop_script_env_t *env = a->judge->request->script_env;
  in_recall_never(a);
  if (env != NULL && env->log != NULL) env->log(env->ctx, 0, a->loaded->stat.name, line);
}

#define COUNTS  32u                     /* of one request */

static interop_status_t add_up(const in_asking_t *a, in_span_t name, int64_t by, uint32_t ttl, int64_t *value) {
  interop_judge_t *j = a->judge;
  const interop_script_env_t *env = j->request->script_env;
  const in_row_t *sender = in_facts_row(&j->facts, IN_SUB_SENDER);
  in_span_t tenant = sender != NULL && sender->tenant.p != NULL ? sender->tenant : j->request->tenant, key;
  if (j->override.record != NULL) return j->override.record->count(j->override.record->ctx, name, value);
  key = in_arena_printf(&j->arena, "%.*s\n%.*s\n%.*s", (int) a->loaded->stat.name.n, a->loaded->stat.name.p,
                        (int) tenant.n, tenant.p, (int) name.n, name.p);
  return key.p == NULL ? INTEROP_NOMEM : env->count(env->ctx, tenant, key, by, ttl, value);
}

/* a script that is asked again, since a fact had to be fetched, must not count twice */
static interop_status_t count(void *ctx, in_span_t name, int64_t by, uint32_t ttl, int64_t *value) {
  in_asking_t *a = ctx;
  in_override_t *o = &a->judge->override;
  const interop_script_env_t *env = a->judge->request->script_env;
  interop_status_t rc = INTEROP_OK;
  interop_value_t told = { INTEROP_T_NUMBER, 0, IN_NONE, 0 };
  in_recall_never(a);
  if (env == NULL || env->count == NULL) return INTEROP_UNAVAILABLE;
  if (o->count == COUNTS) return INTEROP_FULL;
  if (o->counted == NULL) o->counted = in_arena_array(&a->judge->arena, COUNTS, sizeof(*o->counted));
  if (o->counted == NULL) return INTEROP_NOMEM;
  if (o->count == o->counts) {
    rc = add_up(a, name, by, ttl, &o->counted[o->counts]);
    if (rc != INTEROP_OK) return rc;
    o->counts++;
  }
  *value = told.number = o->counted[o->count++];
  in_script_tell(a->judge, IN_ASK_COUNTER, 0, 0, name, &told);
  return rc;
}

const interop_services_t in_script_services = {
  field, fact, recipients, interop_value_item, write_log, count,
  in_script_regex_new, in_script_regex_free, in_script_regex_match,
  in_script_json_open, in_script_json_next, in_script_json_close
};
