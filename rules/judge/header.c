/*
** header.c -- values of Interop-Verdict, -Notice, -Cross, -Recipients: RFC 9651
** items, lists and dictionaries. Texts that are not printable ASCII become display strings.
**
** Owns their spelling. Must not decide anything: it reads the plan and outcomes.
*/
#include "judge.h"

static void put_display(in_buf_t *b, in_span_t s) {
  in_buf_put(b, IN_SPAN("%\""));
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    if (c >= 0x20 && c < 0x7f && c != '%' && c != '"') in_buf_byte(b, (char) c);
    else in_buf_printf(b, "%%%02x", c);
  }
  in_buf_byte(b, '"');
}

static void put_string(in_buf_t *b, in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    if (c >= 0x20 && c < 0x7f) continue;
    if (in_utf8_check(s) == s.n) put_display(b, s);
    return;
  }
  in_buf_byte(b, '"');
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '"' || s.p[i] == '\\') in_buf_byte(b, '\\');
    in_buf_byte(b, s.p[i]);
  }
  in_buf_byte(b, '"');
}

static void put_param(in_buf_t *b, const char *name, in_span_t value) {
  if (value.p == NULL || value.n == 0) return;
  in_buf_byte(b, ';');
  in_buf_put(b, in_str(name));
  in_buf_byte(b, '=');
  if (in_is_token(value)) in_buf_put(b, value);
  else put_string(b, value);
}

static in_span_t finish(interop_judge_t *j, in_buf_t *b) {
  in_span_t r = IN_NONE;
  if (b->failed) j->arena.failed = true;
  else if (b->n > 0) r = in_arena_copy(&j->arena, in_buf_span(b));
  in_buf_free(b);
  return r;
}

static char *copy(char *p, in_span_t s) {
  if (s.n > 0) memcpy(p, s.p, s.n);
  return p + s.n;
}

#define DIGITS  10u               /* of the largest uint32_t */

static char *put_number(char *p, uint32_t n) {
  char digits[DIGITS];
  unsigned at = DIGITS;
  do digits[--at] = (char) ('0' + n % 10); while ((n /= 10) > 0);
  return copy(p, in_span(digits + at, DIGITS - at));
}

/* "formatting=21 link=7": names and numbers, nothing that a string would escape */
in_span_t in_judge_receipt(interop_judge_t *j) {
  static const in_span_t names[] = {
#define IN_X(name, text, kind) { text, sizeof(text) - 1 },
    INTEROP_FEATURES(IN_X)
#undef IN_X
  };
  in_span_t name[INTEROP_FEATURE_COUNT];
  uint32_t count[INTEROP_FEATURE_COUNT], n = 0;
  size_t size = 0;
  char *p, *start;
  if (!j->written) return IN_NONE;
  for (uint32_t set = in_features_set(&j->write.lost); set != 0; set &= set - 1) {
    unsigned f = (unsigned) __builtin_ctz(set);
    count[n] = j->write.lost.count[f];
    name[n] = names[f];
    size += name[n++].n + DIGITS + sizeof(" =");
  }
  if (size == 0) return IN_NONE;
  start = p = in_arena_raw(&j->arena, size);
  if (p == NULL) return IN_NONE;
  for (uint32_t i = 0; i < n; i++) {
    if (i > 0) *p++ = ' ';
    p = copy(p, name[i]);
    *p++ = '=';
    p = put_number(p, count[i]);
  }
  return in_span(start, (size_t) (p - start));
}

/* the text that was made of the outcome when the policy was loaded; absent: the plan says something else */
static in_span_t ready_head(const interop_judge_t *j) {
  const interop_plan_t *plan = &j->plan;
  const in_image_t *img = &j->policy->img;
  uint32_t k = j->recipient_count > 0 ? j->recipients[j->final].outcome : IN_NIL;
  if (k >= img->count[IN_S_OUTCOMES]) return IN_NONE;
  const in_pi_outcome_t *o = in_outcome(img, k);
  in_span_t rule = in_image_str(img, o->rule), reason = in_outcome_reason(img, o);
  bool same = plan->verdict == (interop_verdict_t) o->verdict && plan->rule.p == rule.p && plan->rule.n == rule.n
              && plan->reason.p == reason.p && plan->reason.n == reason.n;
  return same ? j->policy->heads[k] : IN_NONE;
}

/* the same made now; absent: there is something to escape */
static in_span_t short_head(interop_judge_t *j) {
  const interop_plan_t *plan = &j->plan;
  in_span_t verdict = in_str(interop_verdict_name(plan->verdict));
  char *p, *start;
  if (!in_is_token(plan->rule) || (plan->reason.n > 0 && !in_is_token(plan->reason))) return IN_NONE;
  start = p = in_arena_raw(&j->arena, verdict.n + plan->rule.n + plan->reason.n + sizeof(";rule=;reason="));
  if (p == NULL) return IN_NONE;
  p = copy(copy(copy(p, verdict), IN_SPAN(";rule=")), plan->rule);
  if (plan->reason.n > 0) p = copy(copy(p, IN_SPAN(";reason=")), plan->reason);
  return in_span(start, (size_t) (p - start));
}

/* "deliver;rule=a.b;reason=c", as nearly all are; absent: see above */
static in_span_t short_header(interop_judge_t *j) {
  in_span_t head = ready_head(j), receipt = j->plan.receipt;
  char *p, *start;
  if (head.p == NULL) head = short_head(j);
  if (head.p == NULL || receipt.n == 0) return head;
  start = p = in_arena_raw(&j->arena, head.n + receipt.n + sizeof(";receipt=\"\""));
  if (p == NULL) return IN_NONE;
  p = copy(copy(copy(copy(p, head), IN_SPAN(";receipt=\"")), receipt), IN_SPAN("\""));
  return in_span(start, (size_t) (p - start));
}

in_span_t in_judge_verdict_header(interop_judge_t *j) {
  in_span_t s = short_header(j);
  in_buf_t b;
  if (s.p != NULL || j->arena.failed) return s;
  in_buf_init(&b, &j->alloc);
  in_buf_put(&b, in_str(interop_verdict_name(j->plan.verdict)));
  put_param(&b, "rule", j->plan.rule);
  put_param(&b, "reason", j->plan.reason);
  put_param(&b, "receipt", j->plan.receipt);
  return finish(j, &b);
}

in_span_t in_judge_notice_header(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  const in_pi_notice_t *n = in_table(img, NOTICES, in_pi_notice_t);
  uint64_t set = j->notices;
  size_t size = 0;
  char *start, *p;
  for (uint64_t s = set; s != 0; s &= s - 1) size += n[__builtin_ctzll(s)].name.len + sizeof(", ");
  if (set == 0) return IN_NONE;
  start = p = in_arena_raw(&j->arena, size);
  if (p == NULL) return IN_NONE;
  for (uint64_t s = set; s != 0; s &= s - 1) {
    if (p != start) p = copy(p, IN_SPAN(", "));
    p = copy(p, in_image_str(img, n[__builtin_ctzll(s)].name));
  }
  return in_span(start, (size_t) (p - start));
}

/* ---- native legs: what the fan-out must do, per system */

static const in_recipient_t *strictest_for(const interop_judge_t *j, uint32_t system) {
  const in_recipient_t *best = NULL;
  for (uint32_t i = 0; i < j->recipient_count; i++) {
    const in_recipient_t *r = &j->recipients[i];
    if (r->to != system) continue;
    if (best == NULL
        || in_outcome(&j->policy->img, r->outcome)->verdict
               > in_outcome(&j->policy->img, best->outcome)->verdict)
      best = r;
  }
  return best;
}

/* the text that goes with the verdict, absent if there is none */
static interop_status_t cross_text(interop_judge_t *j, const in_recipient_t *r, uint32_t *verdict, in_span_t *text) {
  const in_pi_outcome_t *o = in_judge_outcome(j, r);
  in_write_t w;
  interop_status_t rc;
  if (o == &j->override.outcome && j->override.text.p != NULL) return *text = j->override.text, INTEROP_OK;
  if (o->verdict == INTEROP_V_PLACEHOLDER) return in_judge_placeholder(j, r, text);
  if (o->verdict == INTEROP_V_AS_REPLY) return in_api_text(&j->policy->img, &j->event, o->reduce, &j->arena, text);
  if (o->verdict != INTEROP_V_PLAIN_TEXT) return INTEROP_OK;
  rc = in_api_write(&j->policy->img, &j->match, &j->event, INTEROP_V_PLAIN_TEXT, IN_NONE, 0, o->reduce, &j->arena, &w);
  if (rc == INTEROP_FULL) { *verdict = INTEROP_V_DROP; return INTEROP_OK; }
  if (rc != INTEROP_OK) return rc;
  if (!w.changed) { *verdict = INTEROP_V_DELIVER; return INTEROP_OK; }
  return in_api_text(&j->policy->img, &j->event, o->reduce, &j->arena, text);
}

interop_status_t in_judge_cross_header(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  interop_status_t rc = INTEROP_OK;
  in_buf_t b;
  in_buf_init(&b, &j->alloc);
  for (uint32_t s = 0; s < img->count[IN_S_SYSTEMS] && rc == INTEROP_OK; s++) {
    const in_recipient_t *r = s == j->from ? NULL : strictest_for(j, s);
    const in_pi_outcome_t *o;
    in_span_t text = IN_NONE;
    uint32_t verdict;
    if (r == NULL) continue;
    o = in_judge_outcome(j, r);
    verdict = o->verdict;
    rc = cross_text(j, r, &verdict, &text);
    if (b.n > 0) in_buf_put(&b, IN_SPAN(", "));
    in_buf_put(&b, in_image_str(img, in_system(img, s)->name));
    put_param(&b, "verdict", in_str(interop_verdict_name((interop_verdict_t) verdict)));
    if (in_judge_left_out(j, r)) put_param(&b, "reason", in_judge_told(j, r).reason);
    else if (o->reason != IN_NIL) put_param(&b, "reason", in_image_str(img, in_reason(img, o->reason)->name));
    if (text.p != NULL && text.n > 0) {
      in_buf_put(&b, IN_SPAN(";text="));
      put_string(&b, text);
    }
  }
  j->plan.cross_header = finish(j, &b);
  if (rc != INTEROP_OK) return rc;
  return j->plan.cross_header.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

/* ---- per recipient: each system's verdict, "a=deliver, b=deny;reason=c" */

in_span_t in_judge_recipients_header(interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  uint32_t best[IN_SYSTEMS_ROOM], n = in_judge_strictest(j, best);
  in_buf_t b;
  in_buf_init(&b, &j->alloc);
  for (uint32_t s = 0; s < n; s++) {
    in_told_verdict_t told;
    if (best[s] == IN_NIL) continue;
    told = in_judge_told(j, &j->recipients[best[s]]);
    if (b.n > 0) in_buf_put(&b, IN_SPAN(", "));
    in_buf_put(&b, in_image_str(img, in_system(img, s)->name));
    in_buf_byte(&b, '=');
    in_buf_put(&b, in_str(interop_verdict_name(told.verdict)));
    put_param(&b, "reason", told.reason);
  }
  return finish(j, &b);
}
