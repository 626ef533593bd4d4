/*
** audit.c -- what was judged and by which facts, as JSON for an audit log.
**
** Owns the record's form; interopctl replay judges it again. It holds the event
** and every fact that was looked at, so that a decision can be told and repeated
** without the store as it was. Never in it: content, names of files, headers, or
** any fact that neither rules nor scripts asked for. Must not decide: each
** recipient's way is walked once more with the facts that are there.
*/
#include "../script/script.h"
#include "../api/json.h"
#include "../api/api_image.h"
#include "../store/record.h"

#define RECIPIENTS_MAX  256u      /* told of one request; how many there were is told too */

typedef struct {
  interop_judge_t *j;
  const in_image_t *img;
  in_buf_t b;
  bool more;                      /* a member stands before the next one */
  unsigned char *used;            /* by slot */
} audit_t;

/* ---- members */

/* what is no UTF-8 comes from a header; a line of a log must stay JSON */
static void put_text(audit_t *a, in_span_t s) {
  in_buf_t clean;
  size_t at = 0;
  uint32_t cp;
  if (in_utf8_check(s) == s.n) {
    in_json_quote(&a->b, s);
    return;
  }
  in_buf_init(&clean, a->b.alloc);
  while (at < s.n) {
    unsigned n = in_utf8_next(in_span(s.p + at, s.n - at), &cp);
    if (n == 0) in_buf_utf8(&clean, 0xfffd); else in_buf_put(&clean, in_span(s.p + at, n));
    at += n == 0 ? 1 : n;
  }
  if (clean.failed) a->b.failed = true; else in_json_quote(&a->b, in_buf_span(&clean));
  in_buf_free(&clean);
}

static void put_name(audit_t *a, in_span_t name) {
  if (a->more) in_buf_byte(&a->b, ',');
  put_text(a, name);
  in_buf_byte(&a->b, ':');
  a->more = true;
}

static void put(audit_t *a, const char *name, in_span_t value) {
  if (value.p == NULL) return;
  put_name(a, in_str(name));
  put_text(a, value);
}

static void open_with(audit_t *a, const char *name, char bracket) {
  put_name(a, in_str(name));
  in_buf_byte(&a->b, bracket);
  a->more = false;
}

static void close_with(audit_t *a, char bracket) {
  in_buf_byte(&a->b, bracket);
  a->more = true;
}

static void put_count(audit_t *a, const char *name, int64_t n) {
  put_name(a, in_str(name));
  in_buf_number(&a->b, n);
}

/* ---- facts */

static in_type_t type_of(const in_image_t *img, const in_pi_slot_t *s) {
  static const in_type_t own[] = {
#define IN_X(name, type, text) IN_T_##type,
    IN_REQUEST_FACTS(IN_X)
#undef IN_X
  };
  if (s->subject != IN_SUB_REQUEST) return (in_type_t) in_field(img, s->field)->type;
  return s->field < in_countof(own) ? own[s->field] : IN_T_FLAG;
}

static void put_list(audit_t *a, const in_value_t *v) {
  const interop_value_t list = in_value_list(v->text, v->count);
  in_span_t item, second;
  size_t at = 0;
  in_buf_byte(&a->b, '[');
  for (bool first = true; v->count > 0 && interop_value_item(&list, &at, &item, &second); first = false) {
    if (!first) in_buf_byte(&a->b, ',');
    put_text(a, item);
  }
  in_buf_byte(&a->b, ']');
}

static void put_time(audit_t *a, int64_t seconds) {
  char text[24];
  in_time_format(seconds, text);
  put_text(a, in_str(text));
}

static in_span_t enum_name(const in_image_t *img, const in_pi_slot_t *s, int64_t n) {
  const in_pi_field_t *f = in_field(img, s->field);
  if (n < 0 || (uint64_t) n >= f->names.count) return IN_SPAN("");
  return in_image_str(img, in_table(img, REFS, in_ref_t)[f->names.first + (uint32_t) n]);
}

static void put_value(audit_t *a, const in_pi_slot_t *s, const in_value_t *v) {
  if (!v->known) {
    in_buf_put(&a->b, IN_SPAN("null"));
    return;
  }
  switch (type_of(a->img, s)) {
    case IN_T_FLAG: in_buf_put(&a->b, v->number != 0 ? IN_SPAN("true") : IN_SPAN("false")); break;
    case IN_T_ENUM: put_text(a, enum_name(a->img, s, v->number)); break;
    case IN_T_TIME: put_time(a, v->number); break;
    case IN_T_NUMBER: in_buf_number(&a->b, v->number); break;
    case IN_T_LIST: put_list(a, v); break;
    default: put_text(a, v->text);
  }
}

/* the event tells these by members of their own */
static bool of_event(const in_pi_slot_t *s) {
  if (s->subject != IN_SUB_REQUEST) return false;
  switch (s->field) {
    case IN_RF_OPERATION: case IN_RF_KIND: case IN_RF_FROM: case IN_RF_TO: case IN_RF_NOW: case IN_RF_CARD:
    case IN_RF_SENDER_ID: case IN_RF_RECIPIENT_ID: case IN_RF_FEDERATED: case IN_RF_RECIPIENTS: return true;
    default: return s->field >= IN_RF_FEATURE;
  }
}

static void use(audit_t *a, uint32_t slot) {
  if (slot != IN_NIL) a->used[slot] = 1;
}

/* the facts that were looked at so far, of the recipient or of all others; each once */
static void put_facts(audit_t *a, bool recipient) {
  open_with(a, "facts", '{');
  for (uint32_t i = 0; i < a->img->count[IN_S_SLOTS]; i++) {
    const in_pi_slot_t *s = in_slot(a->img, i);
    in_value_t v;
    if (!a->used[i] || in_slot_of_recipient(a->img, i) != recipient) continue;
    if (recipient) a->used[i] = 0;
    if (of_event(s)) continue;
    v = in_facts_value(&a->j->facts, i);
    put_name(a, in_image_str(a->img, s->name));
    put_value(a, s, &v);
  }
  close_with(a, '}');
}

static void use_all(audit_t *a) {
  for (uint32_t i = 0; i < a->img->count[IN_S_ATOMS]; i++) {
    if (a->j->facts.class_[i] == IN_NOT_YET) continue;
    use(a, in_atom(a->img, i)->slot);
    use(a, in_atom(a->img, i)->slot_b);
  }
  use(a, in_overlay_slot(a->img));
}

/* ---- recipients */

static void put_outcome(audit_t *a, const in_recipient_t *r) {
  const in_pi_outcome_t *o = in_outcome(a->img, r->outcome);
  in_span_t fact, reason = IN_NONE;
  put(a, "verdict", in_str(interop_verdict_name((interop_verdict_t) o->verdict)));
  if (o->kind == IN_OUT_UNDETERMINED) {
    fact = o->slot != IN_NIL ? in_image_str(a->img, in_slot(a->img, in_atom(a->img, o->slot)->slot)->name)
           : r->untold != IN_NO_SLOT ? in_image_str(a->img, in_slot(a->img, r->untold)->name) : IN_SPAN("recipient.reads_on");
    reason = in_arena_printf(&a->j->arena, "undetermined:%.*s", (int) fact.n, fact.p);
  } else if (o->reason != IN_NIL) {
    reason = in_image_str(a->img, in_reason(a->img, o->reason)->name);
  }
  put(a, "reason", reason);
  if (o->rule.len > 0) put(a, "rule", in_image_str(a->img, o->rule));
}

/* what was looked at before a script could relax anything, or could not */
static void look_for_final(interop_judge_t *j, const in_list_event_t *event) {
  if (j->override.final != IN_NIL) (void) in_final_holds(&j->facts, event, j->override.final);
  if (j->facts.overlay_known && j->facts.overlay != IN_NIL) (void) in_final_holds(&j->facts, event, j->facts.overlay);
}

static void put_recipient(audit_t *a, const in_recipient_t *r) {
  interop_judge_t *j = a->j;
  in_list_event_t event = { (uint32_t) j->event.operation, (uint32_t) j->event.kind, j->from, r->to };
  in_buf_byte(&a->b, '{');
  a->more = false;
  put(a, "id", in_judge_id(r));
  if (r->to < a->img->count[IN_S_SYSTEMS]) put(a, "system", in_image_str(a->img, in_system(a->img, r->to)->name));
  in_judge_take(j, r);
  if (j->facts.request[IN_RF_FEDERATED].known) {
    put_name(a, IN_SPAN("federated"));
    in_buf_put(&a->b, j->facts.request[IN_RF_FEDERATED].number != 0 ? IN_SPAN("true") : IN_SPAN("false"));
  }
  if (r->outcome != IN_NIL) put_outcome(a, r);
  if (r->outcome != IN_NIL && in_decide_event(&j->facts, &event) != IN_NIL) {
    if (j->override.final_asked) look_for_final(j, &event);
    use_all(a);
    put_facts(a, true);
  }
  in_buf_byte(&a->b, '}');
}

/* the one whose outcome holds is told, however many there are */
static void put_recipients(audit_t *a) {
  interop_judge_t *j = a->j;
  uint32_t n = j->recipient_count < RECIPIENTS_MAX ? j->recipient_count : RECIPIENTS_MAX;
  put_count(a, "recipient_count", j->recipient_count);
  open_with(a, "recipients", '[');
  for (uint32_t i = 0; i < n; i++) {
    uint32_t which = i + 1 == n && j->final >= n ? j->final : i;
    if (i > 0) in_buf_byte(&a->b, ',');
    put_recipient(a, &j->recipients[which]);
  }
  close_with(a, ']');
  put_facts(a, false);
}

/* ---- the event */

static void put_features(audit_t *a) {
  open_with(a, "features", '{');
  for (int f = 0; f < INTEROP_FEATURE_COUNT; f++)
    if (a->j->event.features.count[f] > 0) put_count(a, interop_feature_name((interop_feature_t) f), a->j->event.features.count[f]);
  close_with(a, '}');
}

static void put_event(audit_t *a) {
  const interop_judge_t *j = a->j;
  put(a, "kind", in_str(interop_kind_name(j->event.kind)));
  put(a, "from", in_image_str(a->img, in_system(a->img, j->from)->name));
  put_name(a, IN_SPAN("now"));
  put_time(a, j->request->now);
  put_features(a);
  put(a, "card", j->event.card);
  put(a, "sender", j->addressed ? j->sender_id : j->request->sender);
  put(a, "conversation", j->addressed ? j->conversation_id : j->event.conversation);
  put(a, "message", j->event.message);
  put(a, "call", j->event.call);
  if (j->request->native) put(a, "leg", IN_SPAN("native"));
}

static void put_notices(audit_t *a) {
  const in_pi_notice_t *n = in_table(a->img, NOTICES, in_pi_notice_t);
  bool first = true;
  open_with(a, "notices", '[');
  for (uint32_t i = 0; i < a->img->count[IN_S_NOTICES]; i++) {
    if (!in_judge_noticed(a->j, i)) continue;
    if (!first) in_buf_byte(&a->b, ',');
    put_text(a, in_image_str(a->img, n[i].name));
    first = false;
  }
  close_with(a, ']');
}

/* ---- scripts */

static void put_told_value(audit_t *a, const interop_value_t *v) {
  const in_value_t list = { true, v->count, 0, v->text };
  switch (v->type) {
    case INTEROP_T_FLAG: in_buf_put(&a->b, v->number != 0 ? IN_SPAN("true") : IN_SPAN("false")); break;
    case INTEROP_T_NUMBER: in_buf_number(&a->b, v->number); break;
    case INTEROP_T_LIST: put_list(a, &list); break;
    case INTEROP_T_TEXT: put_text(a, v->text); break;
    default: in_buf_put(&a->b, IN_SPAN("null"));
  }
}

/* what scripts read of the event, as they were told it */
static void put_told(audit_t *a) {
  const in_override_t *o = &a->j->override;
  open_with(a, "facts", '{');
  for (const in_script_told_t *t = o->told; t != NULL; t = t->next) {
    if (t->what == IN_ASK_COUNTER) continue;
    put_name(a, in_script_path(&a->j->arena, t->what, t->of, t->number, t->name));
    put_told_value(a, &t->value);
  }
  close_with(a, '}');
}

static void put_counters(audit_t *a) {
  const in_override_t *o = &a->j->override;
  if (o->counts == 0) return;
  open_with(a, "counters", '[');
  for (const in_script_told_t *t = o->told; t != NULL; t = t->next) {
    if (t->what != IN_ASK_COUNTER) continue;
    if (a->more) in_buf_byte(&a->b, ',');
    in_buf_byte(&a->b, '{');
    a->more = false;
    put(a, "name", t->name);
    put_count(a, "value", t->value.number);
    close_with(a, '}');
  }
  close_with(a, ']');
}

/* which scripts were asked, of which source, and the verdict that each asked for */
static void put_gave(audit_t *a) {
  const in_override_t *o = &a->j->override;
  open_with(a, "asked", '[');
  for (const in_gave_t *g = o->gave; g != NULL; g = g->next) {
    if (a->more) in_buf_byte(&a->b, ',');
    in_buf_byte(&a->b, '{');
    a->more = false;
    put(a, "name", g->script);
    put(a, "source", in_arena_printf(&a->j->arena, "%016llx", (unsigned long long) g->source));
    put(a, "gave", g->gave);
    put(a, "reason", g->reason);
    close_with(a, '}');
  }
  close_with(a, ']');
}

/* the policy's own verdict is the recipients'; this is why another one holds */
static void put_script(audit_t *a) {
  const interop_plan_t *p = &a->j->plan;
  const in_override_t *o = &a->j->override;
  if (p->script.p == NULL) return;
  open_with(a, "script", '{');
  put(a, "name", p->script);
  put(a, "did", in_str(interop_script_did_name(p->script_did)));
  put(a, "error", p->script_error);
  put(a, "policy_verdict", in_str(interop_verdict_name(p->policy_verdict)));
  if (o->active) {
    put(a, "verdict", in_str(interop_verdict_name((interop_verdict_t) o->outcome.verdict)));
    put(a, "reason", o->reason);
  }
  put_count(a, "instructions", (int64_t) p->script_instructions);
  put_gave(a);
  put_told(a);
  put_counters(a);
  close_with(a, '}');
}

/* per_recipient: what upstream was told of each system */
static void put_systems(audit_t *a) {
  uint32_t best[IN_SYSTEMS_ROOM], n = in_judge_strictest(a->j, best);
  if (a->j->plan.recipients_header.p == NULL) return;
  open_with(a, "systems", '{');
  for (uint32_t s = 0; s < n; s++) {
    in_told_verdict_t told;
    if (best[s] == IN_NIL) continue;
    told = in_judge_told(a->j, &a->j->recipients[best[s]]);
    put_name(a, in_image_str(a->img, in_system(a->img, s)->name));
    in_buf_byte(&a->b, '{');
    a->more = false;
    put(a, "verdict", in_str(interop_verdict_name(told.verdict)));
    put(a, "reason", told.reason);
    close_with(a, '}');
  }
  close_with(a, '}');
}

static void put_plan(audit_t *a) {
  const interop_plan_t *p = &a->j->plan;
  put(a, "verdict", in_str(interop_verdict_name(p->verdict)));
  put(a, "reason", p->reason);
  put(a, "rule", p->rule);
  if (a->j->read) put_notices(a);
  if (p->receipt.n > 0) put(a, "receipt", p->receipt);
  put_systems(a);
  put_script(a);
}

static void put_judge(audit_t *a, interop_judge_t *j);

/* several requests in one: each of them, in their order */
static void put_items(audit_t *a) {
  interop_judge_t *whole = a->j, *item;
  open_with(a, "items", '[');
  for (size_t i = 0; in_judge_batch_item(whole, i, &item); i++) {
    if (i > 0) in_buf_byte(&a->b, ',');
    if (item == NULL) in_buf_put(&a->b, IN_SPAN("null")); else put_judge(a, item);
  }
  a->j = whole;
  close_with(a, ']');
}

static void put_judge(audit_t *a, interop_judge_t *j) {
  interop_status_t before = j->facts.status;
  a->j = j;
  memset(a->used, 0, a->img->count[IN_S_SLOTS]);
  in_buf_byte(&a->b, '{');
  a->more = false;
  put(a, "revision", interop_policy_revision(j->policy));
  put(a, "api", in_image_str(a->img, in_table(a->img, APIS, in_ai_api_t)[j->api].name));
  put(a, "operation", in_str(interop_operation_name(j->plan.operation)));
  put(a, "tenant", j->plan.tenant);
  if (j->read) put_event(a);
  put_plan(a);
  if (j->addressed) put_recipients(a);
  if (j->batch != NULL && !j->in_batch) put_items(a);
  in_buf_byte(&a->b, '}');
  j->facts.status = before;       /* what is told changes nothing */
}

interop_status_t interop_judge_audit(interop_judge_t *j, interop_span_t *json) {
  interop_alloc_t alloc = in_arena_alloc(&j->arena);
  audit_t a;
  memset(&a, 0, sizeof(a));
  a.img = &j->policy->img;
  a.used = in_arena_get(&j->arena, (size_t) a.img->count[IN_S_SLOTS] + 1);
  if (a.used == NULL) return INTEROP_NOMEM;
  in_buf_init(&a.b, &alloc);
  put_judge(&a, j);
  if (a.b.failed || j->arena.failed) return INTEROP_NOMEM;
  *json = in_buf_span(&a.b);
  return INTEROP_OK;
}
