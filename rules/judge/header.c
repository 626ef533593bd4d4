/*
** header.c -- values of Interop-Verdict, Interop-Notice, Interop-Cross: RFC 9651
** items and lists. Texts that are not printable ASCII become display strings.
**
** Owns their spelling. Must not decide anything: it reads the plan and outcomes.
*/
#include "judge.h"

static bool is_token(in_span_t s) {
  if (s.n == 0) return false;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alpha && (i == 0 || c == 0 || strchr("0123456789!#$%&'*+-.^_`|~:/", c) == NULL)) return false;
  }
  return true;
}

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
  if (is_token(value)) in_buf_put(b, value);
  else put_string(b, value);
}

static in_span_t finish(interop_judge_t *j, in_buf_t *b) {
  in_span_t r = IN_NONE;
  if (b->failed) j->arena.failed = true;
  else if (b->n > 0) r = in_arena_copy(&j->arena, in_buf_span(b));
  in_buf_free(b);
  return r;
}

in_span_t in_judge_receipt(interop_judge_t *j) {
  in_buf_t b;
  in_buf_init(&b, &j->alloc);
  for (int f = 0; f < INTEROP_FEATURE_COUNT && j->written; f++) {
    uint32_t n = j->write.lost.count[f];
    if (n > 0) in_buf_printf(&b, "%s%s=%u", b.n > 0 ? " " : "", interop_feature_name((interop_feature_t) f), n);
  }
  return finish(j, &b);
}

in_span_t in_judge_verdict_header(interop_judge_t *j) {
  in_buf_t b;
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
  in_buf_t b;
  in_buf_init(&b, &j->alloc);
  for (uint32_t i = 0; i < img->count[IN_S_NOTICES]; i++) {
    if (!in_judge_noticed(j, i)) continue;
    if (b.n > 0) in_buf_put(&b, IN_SPAN(", "));
    in_buf_put(&b, in_image_str(img, n[i].name));
  }
  return finish(j, &b);
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
  const in_pi_outcome_t *o = in_outcome(&j->policy->img, r->outcome);
  in_write_t w;
  interop_status_t rc;
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
    o = in_outcome(img, r->outcome);
    verdict = o->verdict;
    rc = cross_text(j, r, &verdict, &text);
    if (b.n > 0) in_buf_put(&b, IN_SPAN(", "));
    in_buf_put(&b, in_image_str(img, in_system(img, s)->name));
    put_param(&b, "verdict", in_str(interop_verdict_name((interop_verdict_t) verdict)));
    if (o->reason != IN_NIL) put_param(&b, "reason", in_image_str(img, in_reason(img, o->reason)->name));
    if (text.p != NULL && text.n > 0) {
      in_buf_put(&b, IN_SPAN(";text="));
      put_string(&b, text);
    }
  }
  j->plan.cross_header = finish(j, &b);
  if (rc != INTEROP_OK) return rc;
  return j->plan.cross_header.p == NULL ? INTEROP_NOMEM : INTEROP_OK;
}
