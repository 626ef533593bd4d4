/*
** verdict.c -- what scripts gave, against the policy's verdict.
**
** Owns what a script may: make a verdict stricter; make it milder only as far as
** its policy grants, never where a denial is undetermined or for a final reason
** (of geography or compliance), also one that stands behind another denial, and
** never what another script has made stricter. Invariant: what goes on the wire
** is checked here, since a script can put anything into its texts.
*/
#include "script.h"

#define REASON_MAX  64u
#define HEADER_MAX  1024u
#define TEXT_MAX    65536u

/* ---- words that go on the wire */

static bool is_reason(in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))) return false;
  }
  return s.n > 0 && s.n <= REASON_MAX;
}

/* headers of a script's own; none that something on the way takes an order from */
static bool is_header(in_span_t s) {
  static const char *const taken[] = {
    "x-http-method", "x-method-override", "x-original-", "x-rewrite-", "x-accel-", "x-sendfile", "x-forwarded-",
    "x-real-ip", "x-interop-",
  };
  if (s.n < 3 || s.n > REASON_MAX || !in_starts_nocase(s, IN_SPAN("x-"))) return false;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')) return false;
  }
  for (size_t i = 0; i < in_countof(taken); i++)
    if (in_starts_nocase(s, in_str(taken[i]))) return false;
  return true;
}

static bool is_value(in_span_t s) {
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char) s.p[i] < 0x20 || (unsigned char) s.p[i] > 0x7e) return false;
  return s.n <= HEADER_MAX;
}

static bool is_text(in_span_t s) {
  return s.n <= TEXT_MAX && in_utf8_check(s) == s.n;
}

static uint32_t find_notice(const in_image_t *img, in_span_t name) {
  const in_pi_notice_t *n = in_table(img, NOTICES, in_pi_notice_t);
  for (uint32_t i = 0; i < img->count[IN_S_NOTICES]; i++)
    if (in_eq(in_image_str(img, n[i].name), name)) return i;
  return IN_NIL;
}

static in_span_t wrong(const in_image_t *img, const interop_script_action_t *a) {
  switch (a->kind) {
    case INTEROP_SA_NOTICE:
      return find_notice(img, a->first) == IN_NIL ? IN_SPAN("notice: the vocabulary declares no notice of this name") : IN_NONE;
    case INTEROP_SA_SET_HEADER:
      if (!is_header(a->first)) return IN_SPAN("set_header: a name begins with X-, and is none that has a meaning on the way");
      return is_value(a->second) ? IN_NONE : IN_SPAN("set_header: a value is printable ASCII");
    case INTEROP_SA_DENY:
      if (!is_reason(a->first)) return IN_SPAN("deny: a reason is a word of at most 64 letters, digits, _ - .");
      return is_text(a->second) ? IN_NONE : IN_SPAN("deny: a message is UTF-8");
    default:
      return is_text(a->first) ? IN_NONE : IN_SPAN("a text is UTF-8, of at most 64 KiB");
  }
}

/* ---- what is told */

static unsigned rank(interop_script_did_t did) {
  static const unsigned ranks[] = { 0, 3, 3, 1, 2 };    /* ORDER: INTEROP_SCRIPT_DEEDS */
  return ranks[did];
}

void in_script_note(interop_judge_t *j, in_span_t name, interop_script_did_t did, in_span_t error) {
  in_override_t *o = &j->override;
  if (o->script.p != NULL && rank(did) < rank(o->did)) return;
  o->script = name;
  o->did = did;
  o->error = error;
}

/* ---- verdicts */

static interop_verdict_t current(const interop_judge_t *j) {
  const in_pi_outcome_t *o = in_outcome(&j->policy->img, j->recipients[j->final].outcome);
  if (j->override.active) return (interop_verdict_t) j->override.outcome.verdict;
  return o->kind == IN_OUT_DECISION ? (interop_verdict_t) o->verdict : INTEROP_V_DENY;
}

static void hold(interop_judge_t *j, in_span_t script, interop_verdict_t verdict, in_span_t reason) {
  in_override_t *o = &j->override;
  const in_image_t *img = &j->policy->img;
  const in_pi_outcome_t *of = in_outcome(img, j->recipients[j->final].outcome);
  memset(&o->outcome, 0, sizeof(o->outcome));
  o->outcome.kind = IN_OUT_DECISION;
  o->outcome.verdict = (uint32_t) verdict;
  o->outcome.reduce = of->reduce;
  o->outcome.slot = o->outcome.name_slot = IN_NIL;
  o->outcome.reason = reason.p == NULL ? IN_NIL : in_find_reason(img, reason);
  o->rule = in_arena_printf(&j->arena, "script.%.*s", (int) script.n, script.p);
  o->reason = reason;
  o->text = o->message = IN_NONE;
  o->replaces = false;
  o->active = true;
}

void in_script_failed(interop_judge_t *j, in_span_t name) {
  if (current(j) != INTEROP_V_DELIVER) return;
  hold(j, name, INTEROP_V_DENY, IN_SPAN("script_failed"));
  j->override.tightened = true;
}

/* the same by a record's facts; the tenant's own rules too */
static bool is_recorded_final(const interop_judge_t *j, uint32_t recipient, uint32_t list) {
  const in_image_t *img = &j->policy->img;
  const in_script_record_t *record = j->override.record;
  uint32_t own = in_overlay_slot(img) == IN_NIL ? IN_NIL : in_overlay_find(img, j->request->tenant);
  if (list != IN_NIL && record->final(record->ctx, recipient, list)) return true;
  return own != IN_NIL && record->final(record->ctx, recipient, own);
}

/* is there a denial that no script may relax, whatever stands before it? */
static bool is_final(interop_judge_t *j, const in_pi_script_t *rec) {
  const in_image_t *img = &j->policy->img;
  const in_script_record_t *record = j->override.record;
  j->override.final_asked = true;
  j->override.final = rec->final;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    const in_recipient_t *r = &j->recipients[i];
    const in_pi_outcome_t *o = in_outcome(img, r->outcome);
    in_list_event_t event = { (uint32_t) j->event.operation, (uint32_t) j->event.kind, j->from, r->to };
    if (in_judge_left_out(j, r)) continue;      /* it relaxes nothing for them */
    if (o->kind != IN_OUT_DECISION) return true;
    if (o->verdict == INTEROP_V_DENY && o->reason != IN_NIL && in_reason(img, o->reason)->final) return true;
    if (record != NULL && is_recorded_final(j, i, rec->final)) return true;
    if (record != NULL) continue;
    in_judge_take(j, r);
    if (rec->final != IN_NIL && in_final_holds(&j->facts, &event, rec->final)) return true;
    if (j->facts.overlay_known && j->facts.overlay != IN_NIL && in_final_holds(&j->facts, &event, j->facts.overlay)) return true;
  }
  return false;
}

/* why it may not; IN_NONE: it may */
static in_span_t refusal(interop_judge_t *j, const in_loaded_t *l, interop_verdict_t verdict) {
  uint32_t relax = l->rec == NULL ? IN_NIL : l->rec->relax;
  const char *name = interop_verdict_name(verdict), *from = interop_verdict_name(current(j));
  if (relax == IN_NIL) return in_arena_printf(&j->arena, "%s in place of %s: it may relax nothing", name, from);
  if ((uint32_t) verdict < relax)
    return in_arena_printf(&j->arena, "%s in place of %s: it may relax to %s", name, from,
                           interop_verdict_name((interop_verdict_t) relax));
  if (j->override.tightened) return in_arena_printf(&j->arena, "%s in place of %s, which is another script's", name, from);
  if (is_final(j, l->rec))
    return in_arena_printf(&j->arena, "%s in place of %s: a denial that no script may relax holds", name, from);
  return IN_NONE;
}

static in_span_t copied(interop_judge_t *j, in_span_t s) {
  return s.p == NULL ? IN_NONE : s.n == 0 ? IN_SPAN("") : in_arena_copy(&j->arena, s);
}

static const struct { interop_verdict_t verdict; } asks[] = {
#define INTEROP_X(name, text, verdict, may, must) { INTEROP_V_##verdict },
  INTEROP_SCRIPT_ACTIONS(INTEROP_X)
#undef INTEROP_X
};

/* the texts that go with a verdict */
static void dress(interop_judge_t *j, const interop_script_action_t *a) {
  if (a->kind == INTEROP_SA_DENY) j->override.message = copied(j, a->second);
  else j->override.text = copied(j, a->first);
  j->override.replaces = a->kind == INTEROP_SA_REPLACE_TEXT;
}

static interop_script_did_t take_verdict(interop_judge_t *j, in_loaded_t *l, const interop_script_action_t *a, in_span_t *error) {
  interop_verdict_t wanted = asks[a->kind].verdict, now = current(j);
  if (wanted < now) {
    *error = refusal(j, l, wanted);
    if (error->p != NULL) return INTEROP_SD_REFUSED;
    hold(j, l->stat.name, wanted, IN_NONE);
    dress(j, a);
    return INTEROP_SD_RELAXED;
  }
  if (wanted == now) {
    /* as strict: another text may stand in it, but not another reason */
    if (a->first.p == NULL || a->kind == INTEROP_SA_DENY) return INTEROP_SD_KEPT;
    hold(j, l->stat.name, wanted, IN_NONE);
    dress(j, a);
    return INTEROP_SD_TIGHTENED;
  }
  hold(j, l->stat.name, wanted, a->kind == INTEROP_SA_DENY ? copied(j, a->first) : IN_NONE);
  j->override.tightened = true;
  dress(j, a);
  return INTEROP_SD_TIGHTENED;
}

/* ---- all of it */

static bool is_verdict(const interop_script_action_t *a) {
  return a->kind != INTEROP_SA_NOTICE && a->kind != INTEROP_SA_SET_HEADER;
}

static void take_header(interop_judge_t *j, const interop_script_action_t *a) {
  in_override_t *o = &j->override;
  if (o->headers == NULL) o->headers = in_arena_array(&j->arena, INTEROP_SCRIPT_GIVES, sizeof(*o->headers));
  if (o->headers == NULL || o->header_count == INTEROP_SCRIPT_GIVES) return;
  o->headers[o->header_count++] = (interop_script_action_t) { a->kind, copied(j, a->first), copied(j, a->second) };
}

in_span_t in_script_take(interop_judge_t *j, in_loaded_t *l, const interop_script_result_t *r) {
  interop_script_did_t did = INTEROP_SD_KEPT;
  in_span_t error = IN_NONE;
  for (uint32_t i = 0; i < r->actions; i++) {
    error = wrong(&j->policy->img, &r->action[i]);
    if (error.p != NULL) return error;
  }
  for (uint32_t i = 0; i < r->actions; i++) {
    const interop_script_action_t *a = &r->action[i];
    if (is_verdict(a)) did = take_verdict(j, l, a, &error);
    else if (a->kind == INTEROP_SA_NOTICE) in_judge_notice(j, find_notice(&j->policy->img, a->first));
    else take_header(j, a);
  }
  l->stat.did[did]++;
  in_script_note(j, l->stat.name, did, error);
  return IN_NONE;
}
