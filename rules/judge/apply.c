/*
** apply.c -- the verdict on the wire: what upstream gets, or the edge's answer.
**
** The only place that fills a plan. On a native leg the request itself is
** delivered or denied, and a header says what the fan-out must do.
*/
#include "judge.h"

const in_pi_outcome_t *in_judge_outcome(const interop_judge_t *j, const in_recipient_t *r) {
  const in_pi_outcome_t *o = in_outcome(&j->policy->img, r->outcome);
  bool milder = o->kind == IN_OUT_DECISION && o->verdict < j->override.outcome.verdict;
  if (in_judge_left_out(j, r)) return o;
  return j->override.active && (milder || !j->override.tightened) ? &j->override.outcome : o;
}

static const in_pi_outcome_t *final_outcome(const interop_judge_t *j) {
  return in_judge_outcome(j, &j->recipients[j->final]);
}

static bool is_script(const interop_judge_t *j, const in_pi_outcome_t *o) {
  return o == &j->override.outcome;
}

static in_span_t rule_of(const interop_judge_t *j, const in_pi_outcome_t *o) {
  return is_script(j, o) ? j->override.rule : in_image_str(&j->policy->img, o->rule);
}

static in_span_t reason_of(const interop_judge_t *j, const in_pi_outcome_t *o) {
  const in_image_t *img = &j->policy->img;
  if (is_script(j, o)) return j->override.reason;
  return in_outcome_reason(img, o);
}

/* ---- texts with {names} */

static bool put_variable(in_buf_t *b, in_span_t name, const in_subst_t *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (in_eq(name, in_str(s[i].name))) return in_buf_put(b, s[i].value), true;
  return false;
}

/* what was put, out of the arena that it lies in */
static in_span_t put_text(interop_judge_t *j, const in_buf_t *b) {
  if (b->failed) j->arena.failed = true;  /* no text is not an empty one */
  return b->failed ? IN_NONE : b->n == 0 ? IN_SPAN("") : in_buf_span(b);
}

/* the template with each {name} that is known replaced; others stay as they are */
in_span_t in_judge_expand(interop_judge_t *j, in_span_t t, const in_subst_t *s, size_t n) {
  interop_alloc_t arena = in_arena_alloc(&j->arena);
  in_buf_t b;
  in_buf_init(&b, &arena);
  in_buf_reserve(&b, t.n + 64);
  for (size_t i = 0, end; i < t.n; i = end) {
    const char *brace = memchr(t.p + i, t.p[i] == '{' ? '}' : '{', t.n - i);
    end = brace == NULL ? t.n : (size_t) (brace - t.p) + (t.p[i] == '{');
    if (t.p[i] == '{' && brace != NULL && put_variable(&b, in_span(t.p + i + 1, end - i - 2), s, n)) continue;
    if (t.p[i] == '{') end = i + 1;
    in_buf_put(&b, in_span(t.p + i, end - i));
  }
  return put_text(j, &b);
}

static const bool url_plain[256] = {
  ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true
};

/* percent-encoded as a URL's segment */
static in_span_t url_escape(interop_judge_t *j, in_span_t s) {
  static const char hex[] = "0123456789ABCDEF";
  interop_alloc_t arena = in_arena_alloc(&j->arena);
  in_buf_t b;
  size_t i = 0;
  while (i < s.n && url_plain[(unsigned char) s.p[i]]) i++;
  if (i == s.n) return s.n == 0 ? IN_SPAN("") : s;
  in_buf_init(&b, &arena);
  in_buf_reserve(&b, s.n + 64);
  in_buf_put(&b, in_span(s.p, i));
  for (; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    char escape[3] = { '%', hex[c >> 4], hex[c & 15] };
    if (url_plain[c]) in_buf_byte(&b, (char) c);
    else in_buf_put(&b, in_span(escape, sizeof(escape)));
  }
  return put_text(j, &b);
}

static const in_pi_text_t *text_for(interop_judge_t *j, const in_recipient_t *r) {
  const in_image_t *img = &j->policy->img;
  const in_pi_text_t *t = in_table(img, TEXTS, in_pi_text_t);
  for (uint32_t i = 0; i < img->count[IN_S_TEXTS]; i++)
    if (t[i].from == j->from && t[i].to == r->to && in_guard_holds(&j->facts, t[i].guard)) return &t[i];
  return NULL;
}

interop_status_t in_judge_placeholder(interop_judge_t *j, const in_recipient_t *r, in_span_t *text) {
  const in_image_t *img = &j->policy->img;
  const in_pi_text_t *t;
  in_span_t source;
  in_subst_t s[5];
  in_judge_take(j, r);
  t = text_for(j, r);
  if (t == NULL) {
    *text = IN_SPAN("Unsupported message.");
    return INTEROP_OK;
  }
  source = in_image_str(img, t->text);
  if (t->text_slot != IN_NIL) {
    in_value_t v = in_facts_value(&j->facts, t->text_slot);
    if (v.known && v.text.p != NULL) source = v.text;
  }
  s[0] = (in_subst_t) { "conversation", url_escape(j, j->conversation_id) };
  s[1] = (in_subst_t) { "message", url_escape(j, j->event.message) };
  s[2] = (in_subst_t) { "card", url_escape(j, j->event.card) };
  s[3] = (in_subst_t) { "system", in_image_str(img, in_system(img, t->system)->title) };
  s[4] = (in_subst_t) { "link", in_judge_expand(j, in_image_str(img, t->link), s, 4) };
  *text = in_judge_expand(j, source, s, 5);
  return text->p == NULL || s[4].value.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

/* ---- refusals */

static void set_who(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  uint32_t to = j->recipient_count > 0 ? j->recipients[j->final].to : j->from;
  j->plan.operation = j->read ? j->event.operation : INTEROP_OP_OTHER;
  j->plan.kind = j->read ? j->event.kind : INTEROP_K_OTHER;
  j->plan.system = in_image_str(img, in_system(img, to < img->count[IN_S_SYSTEMS] ? to : j->from)->name);
  j->plan.sender = j->sender_id;
  j->plan.crosses = j->addressed && in_judge_crosses(j);
  j->plan.tenant = j->facts.look[IN_SUB_SENDER] == IN_LOOK_FOUND ? j->facts.row[IN_SUB_SENDER]->tenant : IN_NONE;
  if (j->plan.tenant.p == NULL && j->request != NULL) j->plan.tenant = j->request->tenant;
}

void in_judge_row_notices(interop_judge_t *j, const in_pi_outcome_t *o) {
  const uint32_t *n = in_table(&j->policy->img, INDEXES, uint32_t) + o->notices.first;
  for (uint32_t i = 0; i < o->notices.count; i++) in_judge_notice(j, n[i]);
}

void in_judge_own_notices(interop_judge_t *j, interop_verdict_t verdict) {
  const in_image_t *img = &j->policy->img;
  const in_pi_notice_t *n = in_table(img, NOTICES, in_pi_notice_t);
  uint32_t lost;
  j->notices |= j->policy->verdict_notices[verdict];
  if (!j->written) return;
  lost = in_features_set(&j->write.lost);
  for (uint64_t s = j->policy->lost_notices; s != 0; s &= s - 1)
    if ((n[__builtin_ctzll(s)].lost & lost) != 0) in_judge_notice(j, (uint32_t) __builtin_ctzll(s));
}

interop_status_t in_judge_headers(interop_judge_t *j) {
  in_judge_own_notices(j, j->plan.verdict);
  j->plan.receipt = in_judge_receipt(j);
  j->plan.verdict_header = in_judge_verdict_header(j);
  j->plan.notice_header = in_judge_notice_header(j);
  return j->arena.failed || j->plan.verdict_header.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

/* random numbers are dear: only an answer of our own asks for one */
in_span_t in_judge_request_id(const interop_judge_t *j) {
  const interop_request_t *r = j->request;
  if (r == NULL || r->request_id.p != NULL || r->make_request_id == NULL) return r == NULL ? IN_NONE : r->request_id;
  return r->make_request_id(r->make_ctx);
}

in_span_t in_judge_message(interop_judge_t *j, uint32_t reason, in_span_t detail) {
  in_span_t text = reason == IN_NIL ? IN_SPAN("This request is refused by policy.")
                                    : in_image_str(&j->policy->img, in_reason(&j->policy->img, reason)->message);
  if (detail.p == NULL) return text;
  return in_arena_printf(&j->arena, "%.*s (%.*s)", (int) text.n, text.p, (int) detail.n, detail.p);
}

interop_status_t in_judge_tell(interop_judge_t *j, interop_verdict_t verdict, uint32_t reason, unsigned status,
                               in_span_t message) {
  const in_image_t *img = &j->policy->img;
  const in_pi_reason_t *r = reason == IN_NIL ? NULL : in_reason(img, reason);
  char now[24];
  in_var_t vars[5];
  interop_status_t rc;
  j->plan.action = INTEROP_A_ANSWER;
  j->plan.verdict = verdict;
  j->plan.status = status != 0 ? status : r == NULL ? 403 : r->status;
  j->plan.message = message;
  in_time_format(j->request == NULL ? 0 : j->request->now, now);
  vars[0] = (in_var_t) { IN_SPAN("reason"), j->plan.reason };
  vars[1] = (in_var_t) { IN_SPAN("message"), j->plan.message };
  vars[2] = (in_var_t) { IN_SPAN("request_id"), in_judge_request_id(j) };
  vars[3] = (in_var_t) { IN_SPAN("now"), in_arena_copy(&j->arena, in_str(now)) };
  vars[4] = (in_var_t) { IN_SPAN("status"), in_arena_printf(&j->arena, "%u", j->plan.status) };
  rc = in_api_error(img, j->api, vars, in_countof(vars), &j->arena, &j->plan.answer_type, &j->plan.answer_body);
  return rc == INTEROP_OK ? in_judge_headers(j) : rc;
}

static interop_status_t answer_denial(interop_judge_t *j, uint32_t reason, in_span_t detail) {
  return in_judge_tell(j, INTEROP_V_DENY, reason, 0, in_judge_message(j, reason, detail));
}

interop_status_t in_judge_deny_answer(interop_judge_t *j, uint32_t reason, in_span_t rule, in_span_t name) {
  interop_status_t rc;
  j->written = false;
  j->plan.rule = rule;
  j->plan.reason = reason == IN_NIL ? name : in_image_str(&j->policy->img, in_reason(&j->policy->img, reason)->name);
  rc = answer_denial(j, reason, IN_NONE);
  if (reason == IN_NIL) j->plan.status = 502;
  return rc;
}

interop_status_t in_judge_refuse(interop_judge_t *j, in_span_t reason, in_span_t detail) {
  set_who(j);
  j->plan.reason = reason;
  j->plan.rule = reason;
  return answer_denial(j, in_find_reason(&j->policy->img, reason), detail);
}

in_span_t in_judge_unknown_fact(interop_judge_t *j, const in_recipient_t *r, const in_pi_outcome_t *o) {
  const in_image_t *img = &j->policy->img;
  const in_pi_atom_t *a;
  if (o->slot == IN_NIL && r->untold != IN_NO_SLOT) return in_image_str(img, in_slot(img, r->untold)->name);
  if (o->slot == IN_NIL) return j->undetermined.p != NULL ? j->undetermined : IN_SPAN("recipient.reads_on");
  a = in_atom(img, o->slot);
  in_judge_take(j, r);
  if (a->slot_b != IN_NIL && in_facts_value(&j->facts, a->slot).known)
    return in_image_str(img, in_slot(img, a->slot_b)->name);
  return in_image_str(img, in_slot(img, a->slot)->name);
}

static interop_status_t deny(interop_judge_t *j, const in_pi_outcome_t *o) {
  const in_image_t *img = &j->policy->img;
  if (o->kind != IN_OUT_UNDETERMINED) {
    j->plan.rule = rule_of(j, o);
    j->plan.reason = reason_of(j, o);
    if (j->plan.reason.p == NULL) j->plan.reason = IN_SPAN("denied");
    in_judge_row_notices(j, o);
    if (is_script(j, o) && j->override.message.p != NULL)
      return in_judge_tell(j, INTEROP_V_DENY, o->reason, 0, j->override.message);
    return answer_denial(j, o->reason, IN_NONE);
  }
  {
    in_span_t fact = in_judge_unknown_fact(j, &j->recipients[j->final], o);
    j->plan.rule = IN_SPAN("undetermined");
    j->plan.reason = in_arena_printf(&j->arena, "undetermined:%.*s", (int) fact.n, fact.p);
  }
  return answer_denial(j, in_find_reason(img, IN_SPAN("undetermined")), IN_NONE);
}

/* ---- forwards */

static interop_status_t forward(interop_judge_t *j) {
  interop_status_t rc = in_judge_amend_request(j);
  if (rc != INTEROP_OK) return rc;
  j->plan.action = INTEROP_A_FORWARD;
  j->plan.reads_answer = in_judge_reads_answer(j);
  if (j->plan.target.p == NULL) j->plan.target = j->match.target;
  j->plan.wants_answer_body = in_api_wants_answer(&j->policy->img, &j->event, j->written ? &j->write : NULL);
  j->plan.wants_answer_body |= j->plan.reads_answer;
  j->plan.wants_answer = j->plan.wants_answer_body || in_judge_wants_effects(j)
                         || in_api_wants_location(&j->policy->img, &j->event)
                         || (j->written && j->write.answer_status != 0);
  rc = j->per_system ? in_judge_tell_systems(j) : INTEROP_OK;
  return rc == INTEROP_OK ? in_judge_headers(j) : rc;
}

static interop_status_t drop(interop_judge_t *j) {
  j->plan.action = INTEROP_A_ANSWER;
  j->plan.status = in_api_drop_status(&j->policy->img, &j->event);
  return in_judge_headers(j);
}

/* several have this verdict, or a milder one, each in words of its own: all of them hold */
static void join_words(const interop_judge_t *j, const in_pi_outcome_t *o, uint32_t *strip, uint32_t *reduce) {
  *strip = o->strip;
  *reduce = o->reduce;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    const in_recipient_t *r = &j->recipients[i];
    const in_pi_outcome_t *x = in_outcome(&j->policy->img, r->outcome);
    if (x->kind != IN_OUT_DECISION || r->refused || in_judge_left_out(j, r)) continue;
    if (o->verdict == INTEROP_V_STRIP) *strip |= x->strip;
    *reduce |= x->reduce;
  }
}

static interop_status_t rewrite(interop_judge_t *j, const in_recipient_t *r, const in_pi_outcome_t *o) {
  in_span_t text = IN_NONE;
  interop_status_t rc = INTEROP_OK;
  uint32_t strip, reduce;
  join_words(j, o, &strip, &reduce);
  if (o->verdict == INTEROP_V_PLACEHOLDER) rc = in_judge_placeholder(j, r, &text);
  if (is_script(j, o) && j->override.text.p != NULL) text = j->override.text;
  if (rc == INTEROP_OK)
    rc = in_api_write(&j->policy->img, &j->match, &j->event,
        is_script(j, o) && j->override.replaces ? INTEROP_V_PLACEHOLDER : (interop_verdict_t) o->verdict, text,
        strip, reduce, &j->arena, &j->write);
  if (rc == INTEROP_FULL) return in_judge_leave_out(j) ? in_judge_apply(j) : deny(j, o);     /* the API has no form for it */
  if (rc != INTEROP_OK) return rc;
  if (!j->write.changed) {
    j->plan.verdict = INTEROP_V_DELIVER;
    return forward(j);
  }
  j->written = true;
  j->plan.method = j->write.method;
  j->plan.target = j->write.target;
  j->plan.content_type = j->write.content_type;
  j->plan.body = j->write.body;
  j->plan.body_changed = j->write.body_changed;
  return forward(j);
}

/*
** The sender's display name set. Where the request has no place for it, or the fact is
** not known, or the name ends so already, there is nothing to set.
*/
static interop_status_t amend(interop_judge_t *j, const in_recipient_t *r, const in_pi_outcome_t *o) {
  in_span_t suffix = in_image_str(&j->policy->img, o->name_suffix);
  in_amend_t a = { j->event.name_at, j->event.name };
  interop_status_t rc = INTEROP_FULL;
  in_value_t v;
  in_judge_take(j, r);
  if (o->name_slot != IN_NIL) {
    v = in_facts_value(&j->facts, o->name_slot);
    a.value = v.known ? v.text : a.value;
  }
  if (suffix.n > 0 && !in_ends(a.value, suffix))
    a.value = in_arena_printf(&j->arena, "%.*s%.*s", (int) a.value.n, a.value.p, (int) suffix.n, suffix.p);
  if (a.value.p == NULL) return INTEROP_NOMEM;
  if (a.pointer.p != NULL && !in_eq(a.value, j->event.name))
    rc = in_api_amend(&j->policy->img, &j->event, &a, 1, &j->arena, &j->write);
  if (rc != INTEROP_OK && rc != INTEROP_FULL) return rc;
  if (rc == INTEROP_FULL || !j->write.changed) {
    j->plan.verdict = INTEROP_V_DELIVER;
    return forward(j);
  }
  j->written = true;
  j->plan.content_type = j->write.content_type;
  j->plan.body = j->write.body;
  j->plan.body_changed = j->write.body_changed;
  return forward(j);
}

/* what is told of scripts */
static void set_script(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  const in_pi_outcome_t *o = in_outcome(img, j->recipients[j->final].outcome);
  if (j->override.script.p == NULL) return;
  j->plan.script = j->override.script;
  j->plan.script_did = j->override.did;
  j->plan.script_error = j->override.error;
  j->plan.policy_verdict = o->kind == IN_OUT_DECISION ? (interop_verdict_t) o->verdict : INTEROP_V_DENY;
  j->plan.policy_rule = o->kind == IN_OUT_DECISION ? in_image_str(img, o->rule) : IN_SPAN("undetermined");
  if (o->kind == IN_OUT_DECISION && o->reason != IN_NIL) j->plan.policy_reason = in_image_str(img, in_reason(img, o->reason)->name);
  j->plan.script_instructions = j->override.instructions;
  j->plan.script_memory = j->override.memory;
  j->plan.headers = j->override.headers;
  j->plan.header_count = j->override.header_count;
}

/* what cannot be told to be new enough is not shown to who came later; of a conversation
   only what is said in it is cut */
static bool cannot_cut(const interop_judge_t *j) {
  unsigned have = in_api_elements_have(&j->policy->img, &j->event);
  interop_operation_t op = j->event.operation;
  bool messages = op == INTEROP_OP_MESSAGE_LIST || op == INTEROP_OP_MESSAGE_GET;
  return j->cut_rule != NULL && !(have & IN_HAS_TIME) && (messages || (have & (IN_HAS_CONTENT | IN_HAS_WITHHELD)));
}

/* a part of a message that this reader does not get to see */
static interop_status_t withhold(interop_judge_t *j, const in_pi_outcome_t *o) {
  bool known = o->kind == IN_OUT_DECISION && o->reason != IN_NIL;
  uint32_t reason = known ? o->reason : in_find_reason(&j->policy->img, IN_SPAN("undetermined"));
  return in_judge_deny_answer(j, reason, in_image_str(&j->policy->img, o->rule), IN_SPAN("undetermined"));
}

/* FULL: what is stripped for another system is nothing, which is no message for the sender's own either */
static interop_status_t leaves_something(interop_judge_t *j, const in_pi_outcome_t *o) {
  uint32_t strip, reduce;
  in_write_t w;
  if (o->verdict != INTEROP_V_STRIP) return INTEROP_OK;
  join_words(j, o, &strip, &reduce);
  return in_api_write(&j->policy->img, &j->match, &j->event, INTEROP_V_STRIP, IN_NONE, strip, reduce, &j->arena, &w);
}

interop_status_t in_judge_apply(interop_judge_t *j) {
  const in_recipient_t *r = &j->recipients[j->final];
  const in_pi_outcome_t *o = final_outcome(j);
  interop_status_t rc;
  set_who(j);
  j->plan.effects = j->effects;
  j->plan.effect_count = j->effect_count;
  set_script(j);
  if (o->kind != IN_OUT_DECISION || o->verdict == INTEROP_V_DENY) return deny(j, o);
  j->plan.verdict = (interop_verdict_t) o->verdict;
  j->plan.rule = rule_of(j, o);
  j->plan.reason = reason_of(j, o);
  if (cannot_cut(j))
    return in_judge_deny_answer(j, j->cut_rule->reason, in_image_str(&j->policy->img, j->cut_rule->rule), IN_NONE);
  if (j->withheld != IN_NIL) return withhold(j, in_outcome(&j->policy->img, j->withheld));
  if (o->verdict == INTEROP_V_ESCALATE && !(j->request->native && in_judge_crosses(j))) return in_judge_escalate(j, r, o);
  in_judge_row_notices(j, o);
  if (j->request->native && in_judge_crosses(j)) {
    rc = leaves_something(j, o);
    if (rc == INTEROP_FULL) return in_judge_leave_out(j) ? in_judge_apply(j) : deny(j, o);
    if (rc == INTEROP_OK) rc = in_judge_cross_header(j);
    if (rc == INTEROP_OK && o->verdict == INTEROP_V_AMEND) return amend(j, r, o);
    j->plan.verdict = INTEROP_V_DELIVER;
    return rc == INTEROP_OK ? forward(j) : rc;
  }
  switch (o->verdict) {
    case INTEROP_V_DELIVER: return forward(j);
    case INTEROP_V_AMEND: return amend(j, r, o);
    case INTEROP_V_DROP: return drop(j);
    case INTEROP_V_STRIP: case INTEROP_V_PLAIN_TEXT: case INTEROP_V_PLACEHOLDER: case INTEROP_V_AS_REPLY:
      return rewrite(j, r, o);
    default: return deny(j, o);         /* no form for it yet is no reason to pass it */
  }
}
