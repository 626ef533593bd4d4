/*
** ctl_explain_print.c -- an explained event, for people and for programs.
**
** Owns layout; decides and looks up nothing. Invariant: both forms tell the
** same, and nothing that a request or record brought can move a cursor.
*/
#include "ctl_explain.h"
#include "../api/json.h"
#include "../judge/escalate.h"

#define LABEL  "%-12s"

/* ---- for people */

static void line(const char *label, in_span_t value) {
  if (value.p == NULL || value.n == 0) return;
  printf(LABEL, label);
  in_ctl_text(value, stdout);
  putchar('\n');
}

static void put_event(const in_explained_t *x) {
  const interop_judge_t *j = x->edge->judge;
  const in_span_t conversation = j->conversation_id;
  printf(LABEL "%s", "event", interop_operation_name(x->plan->operation));
  if (j->read && j->event.has_content) printf(" %s", interop_kind_name(x->plan->kind));
  printf(" by ");
  in_ctl_text(x->plan->sender.p == NULL ? IN_SPAN("nobody known") : x->plan->sender, stdout);
  if (conversation.p != NULL) {
    fputs(" in ", stdout);
    in_ctl_text(conversation, stdout);
  }
  for (int f = 0, n = 0; j->read && f < INTEROP_FEATURE_COUNT; f++)
    if (j->event.features.count[f] > 0)
      printf("%s %s %u", n++ == 0 ? ", with" : ",", interop_feature_name((interop_feature_t) f),
          j->event.features.count[f]);
  putchar('\n');
}

/* the verdict is not the rule's but a script's */
static bool is_script(const interop_plan_t *p) {
  return p->script.p != NULL && in_starts(p->rule, IN_SPAN("script."));
}

static void put_verdict(const in_explained_t *x) {
  const interop_plan_t *p = x->plan;
  in_span_t message = p->message.n > 0 ? p->message : x->message;
  bool colour = in_ctl_colour(stdout);
  printf(LABEL "%s%s%s\n", "verdict",
      !colour                           ? ""
      : p->verdict == INTEROP_V_DENY    ? "\033[31m"
      : p->verdict == INTEROP_V_DELIVER ? "\033[32m"
                                        : "\033[33m",
      interop_verdict_name(p->verdict), colour ? "\033[0m" : "");
  if (p->reason.n > 0) {
    printf(LABEL, "reason");
    in_ctl_text(p->reason, stdout);
    if (message.n > 0) {
      fputs(": ", stdout);
      in_ctl_text(message, stdout);
    }
    putchar('\n');
  }
  printf(LABEL, "rule");
  in_ctl_text(p->rule, stdout);
  if (x->place.p != NULL && !is_script(p)) printf("  %.*s", (int) x->place.n, x->place.p);
  putchar('\n');
}

/* a meeting instead: where it is made, who hears of it, for how long it is used */
static in_span_t meeting_words(const in_explained_t *x) {
  const interop_judge_t *j = x->edge->judge;
  const in_escalating_t *e = j->escalating;
  const in_image_t *img = &j->policy->img;
  interop_alloc_t alloc = in_arena_alloc(x->arena);
  in_buf_t b;
  in_span_t s;
  if (e == NULL) return IN_NONE;
  in_buf_init(&b, &alloc);
  in_buf_put(&b, IN_SPAN("made on "));
  in_buf_put(&b, in_image_str(img, in_system(img, j->from)->name));
  for (uint32_t i = 0; i < e->targets; i++) {
    s = e->target[i].to < img->count[IN_S_SYSTEMS] ? in_image_str(img, in_system(img, e->target[i].to)->name) : IN_SPAN("nobody");
    in_buf_printf(&b, "%s%.*s, read in %.*s", i == 0 ? ", its link told in " : "; in ", (int) e->target[i].name.n,
                  e->target[i].name.p, (int) s.n, s.p);
  }
  in_buf_printf(&b, "; used again within %u seconds", e->rule->window);
  return b.failed ? IN_NONE : in_buf_span(&b);
}

/* what scripts made of the policy's verdict */
static void put_script(const interop_plan_t *p) {
  if (p->script.p == NULL) return;
  printf(LABEL, "script");
  in_ctl_text(p->script, stdout);
  printf(" %s", interop_script_did_name(p->script_did));
  if (p->script_error.p != NULL) {
    fputs(": ", stdout);
    in_ctl_text(p->script_error, stdout);
  }
  printf("\n" LABEL "the policy's verdict is %s", "", interop_verdict_name(p->policy_verdict));
  if (p->policy_reason.n > 0) printf(" %.*s", (int) p->policy_reason.n, p->policy_reason.p);
  printf(" by %.*s\n", (int) p->policy_rule.n, p->policy_rule.p);
}

static void put_recipient(const in_told_t *t) {
  printf("\n" LABEL, "recipient");
  in_ctl_text(t->id, stdout);
  if (t->system.p == NULL) fputs(", where they read is not known: ", stdout);
  else printf(", reads in %.*s: ", (int) t->system.n, t->system.p);
  in_ctl_text(t->outcome, stdout);
  putchar('\n');
  if (t->place.p != NULL) printf("  by %.*s  %.*s\n", (int) t->rule.n, t->rule.p, (int) t->place.n, t->place.p);
  for (uint32_t i = 0; i < t->steps; i++) {
    fputs("    ", stdout);
    in_ctl_text(t->path[i], stdout);
    putchar('\n');
  }
}

static void put_fact(const in_used_t *u) {
  fputs("    ", stdout);
  in_ctl_text(u->name, stdout);
  if (u->of.p != NULL) {
    fputs(" of ", stdout);
    in_ctl_text(u->of, stdout);
  }
  if (u->value.p != NULL) {
    fputs(" = ", stdout);
    in_ctl_text(u->value, stdout);
    if (u->by_default) fputs("  (default)", stdout);
  }
  putchar('\n');
}

static void put_facts(const in_explained_t *x) {
  uint32_t missing = 0;
  if (x->facts > 0) puts("\nfacts used");
  for (uint32_t i = 0; i < x->facts; i++) {
    if (x->fact[i].value.p != NULL) put_fact(&x->fact[i]);
    else missing++;
  }
  if (missing > 0) puts("\nfacts missing");
  for (uint32_t i = 0; i < x->facts; i++)
    if (x->fact[i].value.p == NULL) put_fact(&x->fact[i]);
}

/* what became of each of several requests in one */
static void put_items(const in_explained_t *x) {
  const interop_plan_t *p;
  for (size_t i = 0; (p = interop_judge_item(x->edge->judge, i)) != NULL; i++) {
    printf("%s" LABEL "%zu ", i == 0 ? "\n" : "", "item", i + 1);
    if (p->verdict_header.p == NULL) {
      puts("outside of policy");
      continue;
    }
    printf("%s: ", interop_operation_name(p->operation));
    in_ctl_text(p->verdict_header, stdout);
    putchar('\n');
  }
}

static void put_wire(const char *label, const in_wire_t *w) {
  printf("\n" LABEL, label);
  if (w->method.p == NULL) {
    printf("%u", w->status);
  } else {
    in_ctl_text(w->method, stdout);
    putchar(' ');
    in_ctl_text(w->target, stdout);
  }
  putchar('\n');
  for (uint32_t i = 0; i < w->headers; i++) {
    fputs("    ", stdout);
    in_ctl_text(w->header[i].name, stdout);
    fputs(": ", stdout);
    in_ctl_text(w->header[i].value, stdout);
    putchar('\n');
  }
  if (w->body.n == 0) return;
  fputs("\n    ", stdout);
  in_ctl_text(w->body, stdout);
  putchar('\n');
}

void in_explain_text(const in_explained_t *x) {
  if (x->plan == NULL) {
    puts("outside of policy: no guarded path of this API; it goes on untouched");
  } else {
    put_verdict(x);
    put_event(x);
    line("notices", x->plan->notice_header);
    line("receipt", x->plan->receipt);
    line("systems", x->plan->recipients_header);
    line("meeting", meeting_words(x));
    put_script(x->plan);
    for (uint32_t i = 0; i < x->recipients; i++) put_recipient(&x->recipient[i]);
    put_facts(x);
    put_items(x);
  }
  for (uint32_t i = 0; i < x->edge->upstream_count; i++) put_wire("upstream", &x->edge->upstream[i]);
  if (x->edge->upstream_count == 0) puts("\nupstream    gets nothing");
  put_wire("client", &x->edge->response);
}

/* ---- for programs */

static void put_name(in_buf_t *b, const char *name) {
  char last = b->n == 0 ? '{' : b->p[b->n - 1];
  if (last != '{' && last != '[') in_buf_byte(b, ',');
  if (name == NULL) return;
  in_json_quote(b, in_str(name));
  in_buf_byte(b, ':');
}

static void put_text(in_buf_t *b, const char *name, in_span_t value) {
  if (value.p == NULL) return;
  put_name(b, name);
  in_json_quote(b, value);
}

static void json_recipients(in_buf_t *b, const in_explained_t *x) {
  put_name(b, "recipients");
  in_buf_byte(b, '[');
  for (uint32_t i = 0; i < x->recipients; i++) {
    const in_told_t *t = &x->recipient[i];
    put_name(b, NULL);
    in_buf_byte(b, '{');
    put_text(b, "id", t->id);
    put_text(b, "system", t->system);
    put_text(b, "outcome", t->outcome);
    put_text(b, "rule", t->rule);
    put_text(b, "place", t->place);
    put_name(b, "path");
    in_buf_byte(b, '[');
    for (uint32_t k = 0; k < t->steps; k++) put_text(b, NULL, t->path[k]);
    in_buf_put(b, IN_SPAN("]}"));
  }
  in_buf_byte(b, ']');
}

/* per_recipient: what upstream is told of each system */
static void json_systems(in_buf_t *b, const in_explained_t *x) {
  interop_judge_t *j = x->edge->judge;
  uint32_t best[IN_SYSTEMS_ROOM], n = in_judge_strictest(j, best);
  if (x->plan->recipients_header.p == NULL) return;
  put_name(b, "systems");
  in_buf_byte(b, '{');
  for (uint32_t s = 0; s < n; s++) {
    in_told_verdict_t told;
    if (best[s] == IN_NIL) continue;
    told = in_judge_told(j, &j->recipients[best[s]]);
    put_name(b, NULL);
    in_json_quote(b, in_image_str(&j->policy->img, in_system(&j->policy->img, s)->name));
    in_buf_put(b, IN_SPAN(":{"));
    put_text(b, "verdict", in_str(interop_verdict_name(told.verdict)));
    put_text(b, "reason", told.reason);
    in_buf_byte(b, '}');
  }
  in_buf_byte(b, '}');
}

static void json_facts(in_buf_t *b, const in_explained_t *x) {
  put_name(b, "facts");
  in_buf_byte(b, '[');
  for (uint32_t i = 0; i < x->facts; i++) {
    const in_used_t *u = &x->fact[i];
    put_name(b, NULL);
    in_buf_byte(b, '{');
    put_text(b, "name", u->name);
    put_text(b, "of", u->of);
    put_text(b, "value", u->value);
    put_name(b, "known");
    in_buf_put(b, u->value.p != NULL ? IN_SPAN("true") : IN_SPAN("false"));
    put_name(b, "default");
    in_buf_put(b, u->by_default ? IN_SPAN("true") : IN_SPAN("false"));
    in_buf_byte(b, '}');
  }
  in_buf_byte(b, ']');
}

static void json_items(in_buf_t *b, const in_explained_t *x) {
  const interop_plan_t *p = interop_judge_item(x->edge->judge, 0);
  if (p == NULL) return;
  put_name(b, "items");
  in_buf_byte(b, '[');
  for (size_t i = 0; (p = interop_judge_item(x->edge->judge, i)) != NULL; i++) {
    put_name(b, NULL);
    in_buf_byte(b, '{');
    if (p->verdict_header.p != NULL) {
      put_text(b, "verdict", in_str(interop_verdict_name(p->verdict)));
      put_text(b, "reason", p->reason);
      put_text(b, "rule", p->rule);
      put_text(b, "operation", in_str(interop_operation_name(p->operation)));
      put_text(b, "kind", in_str(interop_kind_name(p->kind)));
      put_text(b, "notices", p->notice_header);
      put_text(b, "receipt", p->receipt);
    }
    in_buf_byte(b, '}');
  }
  in_buf_byte(b, ']');
}

static void json_wire(in_buf_t *b, const in_wire_t *w) {
  in_buf_byte(b, '{');
  put_text(b, "method", w->method);
  put_text(b, "uri", w->target);
  if (w->method.p == NULL) {
    put_name(b, "status");
    in_buf_printf(b, "%u", w->status);
  }
  put_name(b, "headers");
  in_buf_byte(b, '{');
  for (uint32_t i = 0; i < w->headers; i++) {
    put_name(b, NULL);
    in_json_quote(b, w->header[i].name);
    in_buf_byte(b, ':');
    in_json_quote(b, w->header[i].value);
  }
  in_buf_byte(b, '}');
  put_text(b, "body", w->body);
  in_buf_byte(b, '}');
}

static void json_script(in_buf_t *b, const interop_plan_t *p) {
  if (p->script.p == NULL) return;
  put_name(b, "script");
  in_buf_byte(b, '{');
  put_text(b, "name", p->script);
  put_text(b, "did", in_str(interop_script_did_name(p->script_did)));
  put_text(b, "error", p->script_error);
  put_text(b, "policy_verdict", in_str(interop_verdict_name(p->policy_verdict)));
  put_text(b, "policy_reason", p->policy_reason);
  put_text(b, "policy_rule", p->policy_rule);
  in_buf_byte(b, '}');
}

static void json_plan(in_buf_t *b, const in_explained_t *x) {
  json_script(b, x->plan);
  put_text(b, "verdict", in_str(interop_verdict_name(x->plan->verdict)));
  put_text(b, "reason", x->plan->reason);
  put_text(b, "message", x->plan->message.n > 0 ? x->plan->message : x->message);
  put_text(b, "rule", x->plan->rule);
  put_text(b, "place", x->place);
  put_text(b, "operation", in_str(interop_operation_name(x->plan->operation)));
  put_text(b, "kind", in_str(interop_kind_name(x->plan->kind)));
  put_text(b, "sender", x->plan->sender);
  put_text(b, "tenant", x->plan->tenant);
  put_text(b, "conversation", x->edge->judge->conversation_id);
  put_text(b, "notices", x->plan->notice_header);
  put_text(b, "receipt", x->plan->receipt);
  put_text(b, "meeting", meeting_words(x));
  json_systems(b, x);
  json_recipients(b, x);
  json_facts(b, x);
  json_items(b, x);
}

void in_explain_json(const in_explained_t *x) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  in_buf_byte(&b, '{');
  if (x->plan != NULL) json_plan(&b, x);
  put_name(&b, "upstream");
  in_buf_byte(&b, '[');
  for (uint32_t i = 0; i < x->edge->upstream_count; i++) {
    put_name(&b, NULL);
    json_wire(&b, &x->edge->upstream[i]);
  }
  in_buf_byte(&b, ']');
  put_name(&b, "response");
  json_wire(&b, &x->edge->response);
  in_buf_put(&b, IN_SPAN("}\n"));
  in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
}
