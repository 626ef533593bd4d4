/*
** policy.c -- policy blocks to rules.
**
**   policy NAME [for tenant "ID"] (between A and B | within A | on A | everywhere) {
**       gate [for OPERATION ...] { deny REASON [notice N ...] (when | unless) GUARD [unknown deliver] [TAG]; }
**       geo  [for OPERATION ...] { the same }
**       matrix A -> B { OPERATION ... KIND ... VERDICT [REASON] [notice N ...]
**                       [when GUARD] [unknown deliver] [TAG]; }
**       placeholder A -> B { text "..." link "..." [system S] [text from FACT] [when GUARD] [TAG]; }
**       remember { FACT = VALUE [when GUARD]; }
**       reads from A { SYSTEM when GUARD [TAG]; }
**       escalation A -> B { ... }      (escalation.c)
**       per_recipient API ... [for OPERATION ...];        (fanout.c)
**       script NAME "FILE" [for OPERATION ...] ...;       (script.c)
**       amend [for OPERATION ...] { set MEMBER (from FACT | to "..." | with "...") [when GUARD] ... [TAG];
**                                   cut REASON before FACT [when GUARD] ... [TAG]; }
**   }
**
** `between` is for traffic that crosses from one to the other, `within` for
** traffic that stays, `on` for all that comes from the system. A TAG
** such as [KT-5] names the row that the rule follows; it is in the rule's name.
*/
#include "compile.h"
#include "meant.h"
#include "expr.h"

typedef struct {
  in_compile_t *c;
  uint32_t policy;
  bool tenant;                    /* it is one of a single tenant */
  bool geo;                       /* the section being read is one of geo rules, ... */
  uint64_t ops;                   /* ... is for these */
  uint64_t from, to;
} ctx_t;

static bool bad(ctx_t *x, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(x->c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(x->c->diag, "%s", hint);
  return false;
}

/* a statement that ends with ';' */
static bool leaf(ctx_t *x, const in_stmt_t *s) {
  return !s->has_block || bad(x, s->open, "a block has no meaning here", "end the statement with ';'");
}

static bool no_name(ctx_t *x, in_word_list_t list, const in_stmt_t *s, uint32_t at, const char *missing) {
  if (at >= s->ntok) return bad(x, in_stmt_at(s, at), missing, NULL);
  in_vocab_no(&x->c->vocab, list, &s->tok[at], x->c->diag);
  return false;
}

static in_policy_t *policy_of(const ctx_t *x) {
  return x->tenant ? &x->c->tenants.at[x->policy] : &x->c->policies.at[x->policy];
}

static uint64_t all_systems(const in_compile_t *c) {
  return ((uint64_t) 1 << c->vocab.systems.n) - 1;
}

#define ALL_OPS    (((uint64_t) 1 << INTEROP_OPERATION_COUNT) - 1)
#define ALL_KINDS  (((uint64_t) 1 << INTEROP_KIND_COUNT) - 1)

/* ---- words of operations and kinds */

static bool op_word(in_span_t w, uint64_t *bits) {
  int op = in_operation_by_name(w);
  *bits = 0;
  if (in_eq(w, IN_SPAN("*"))) *bits = ALL_OPS;
  else if (op >= 0) *bits = (uint64_t) 1 << op;
  else if (in_ends(w, IN_SPAN(".*")))
    for (int i = 0; i < INTEROP_OPERATION_COUNT; i++)
      if (in_starts(in_str(interop_operation_name((interop_operation_t) i)), in_span(w.p, w.n - 1)))
        *bits |= (uint64_t) 1 << i;
  return *bits != 0;
}

/* operations from tok[*at] on; "other" after an operation is a kind */
static bool read_ops(ctx_t *x, const in_stmt_t *s, uint32_t *at, uint64_t *ops) {
  uint64_t bits;
  uint32_t i = *at;
  *ops = 0;
  while (i < s->ntok && op_word(s->tok[i].text, &bits)) {
    if (i > *at && (in_tok_is(s, i, "*") || in_tok_is(s, i, "other"))) break;
    *ops |= bits;
    i++;
  }
  if (i == *at) return no_name(x, IN_W_OPERATION, s, i, "an operation is missing here");
  *at = i;
  return true;
}

bool in_policy_ops(in_compile_t *c, const in_stmt_t *s, uint32_t *at, uint64_t *ops) {
  ctx_t x = { .c = c };
  return read_ops(&x, s, at, ops);
}

static void read_kinds(const in_stmt_t *s, uint32_t *at, uint64_t *kinds) {
  uint32_t i = *at;
  int k;
  *kinds = 0;
  if (in_tok_is(s, i, "*")) { *kinds = ALL_KINDS; i++; }
  while (i < s->ntok && (k = in_kind_by_name(s->tok[i].text)) >= 0) {
    *kinds |= (uint64_t) 1 << k;
    i++;
  }
  if (*kinds == 0) *kinds = ALL_KINDS;
  *at = i;
}

/* ---- the end of every rule: guard, unknown, tag */

static bool name_rule(ctx_t *x, in_rule_t *r) {
  in_span_t p = policy_of(x)->name;
  if (r->tag.p != NULL) r->name = in_arena_printf(x->c->arena, "%.*s.%.*s", (int) p.n, p.p, (int) r->tag.n, r->tag.p);
  else r->name = in_arena_printf(x->c->arena, "%.*s.line-%u", (int) p.n, p.p, in_line_of(x->c, r->place));
  return r->name.p != NULL || (in_nomem(x->c), false);
}

static bool begins_line(const in_stmt_t *s, uint32_t at) {
  const in_place_t *p = &s->tok[at].place, *before = &s->tok[at - 1].place;
  return at > 0 && memchr(p->source->text.p + before->offset, '\n', p->offset - before->offset) != NULL;
}

static bool read_tail(ctx_t *x, const in_stmt_t *s, uint32_t at, in_rule_t *r) {
  if (in_tok_is(s, at, "unknown") && in_tok_is(s, at + 1, "deliver")) {
    r->unknown_passes = true;
    at += 2;
  }
  if (at < s->ntok && s->tok[at].text.n > 2 && s->tok[at].text.p[0] == '[' && in_ends(s->tok[at].text, IN_SPAN("]"))) {
    r->tag = in_span(s->tok[at].text.p + 1, s->tok[at].text.n - 2);
    at++;
  }
  if (at < s->ntok)
    return in_meant_tail(x->c, &s->tok[at], r->verdict == INTEROP_V_STRIP,
                         begins_line(s, at) ? "is a ';' missing before it?" : "a rule ends: [when GUARD] [unknown deliver] [TAG];");
  return name_rule(x, r);
}

static bool read_guard(ctx_t *x, const in_stmt_t *s, uint32_t *at, in_rule_t *r, in_toggle_view_t view) {
  bool unless = in_tok_is(s, *at, "unless");
  if (!unless && !in_tok_is(s, *at, "when")) return true;
  ++*at;
  r->when = in_expr_parse_view(x->c, s, at, view);
  if (r->when == NULL) return false;
  if (unless) {
    in_expr_t *n = in_arena_get(x->c->arena, sizeof(*n));
    if (n == NULL) return in_nomem(x->c), false;
    n->kind = IN_E_NOT;
    n->a = r->when;
    r->when = n;
  }
  return true;
}

static in_rule_t new_rule(const ctx_t *x, in_rule_kind_t kind, in_place_t place) {
  in_rule_t r;
  memset(&r, 0, sizeof(r));
  r.kind = kind;
  r.policy = x->policy;
  r.ops = x->ops;
  r.kinds = ALL_KINDS;
  r.from = x->from;
  r.to = x->to;
  r.reason = -1;
  r.place = place;
  r.outcome = IN_NIL;
  r.name_slot = IN_NIL;
  return r;
}

static bool add_rule(ctx_t *x, const in_rule_t *r) {
  bool ok = x->tenant ? in_vec_push(x->c->arena, &x->c->tenant_rules, *r) : in_vec_push(x->c->arena, &x->c->rules, *r);
  return ok || (in_nomem(x->c), false);
}

static int reason_at(ctx_t *x, const in_stmt_t *s, uint32_t at) {
  int r = at < s->ntok ? in_vocab_reason(&x->c->vocab, s->tok[at].text) : -1;
  if (r < 0) no_name(x, IN_W_REASON, s, at, "a reason is missing here");
  return r;
}

/* ---- words of rows; a denial has notices alone */

/* name from FACT, name with "..." */
static bool read_name(ctx_t *x, const in_stmt_t *s, uint32_t *at, in_rule_t *r) {
  const in_tok_t *tok = *at + 2 < s->ntok ? &s->tok[*at + 2] : NULL;
  in_type_t t;
  if (tok != NULL && in_tok_is(s, *at + 1, "with") && tok->kind == IN_TOK_STRING) {
    r->name_suffix = tok->text;
  } else if (tok != NULL && in_tok_is(s, *at + 1, "from")) {
    r->name_slot = in_expr_slot(x->c, tok, -1);
    if (r->name_slot == IN_NIL) return false;
    t = x->c->slots.at[r->name_slot].type;
    if (t != IN_T_TEXT && t != IN_T_CODE) return bad(x, tok->place, "this fact is no text", NULL);
  } else {
    return bad(x, in_stmt_at(s, *at + 1), "a name comes from a fact, or goes on with a text",
               "amend name from FACT, amend name with \"...\"");
  }
  *at += 3;
  return true;
}

static bool read_row_words(ctx_t *x, const in_stmt_t *s, uint32_t *at, in_rule_t *r) {
  while (*at < s->ntok) {
    if (in_tok_is(s, *at, "notice")) {
      int n = *at + 1 < s->ntok ? in_vocab_notice(&x->c->vocab, s->tok[*at + 1].text) : -1;
      uint32_t *list = in_arena_array(x->c->arena, r->notice_count + 1, sizeof(*list));
      if (n < 0) return no_name(x, IN_W_NOTICE, s, *at + 1, "a notice is missing here");
      if (list == NULL) return in_nomem(x->c), false;
      x->c->vocab.notices.at[n].used = true;
      if (r->notice_count > 0) memcpy(list, r->notices, r->notice_count * sizeof(*list));
      list[r->notice_count++] = (uint32_t) n;
      r->notices = list;
      *at += 2;
    } else if (r->kind == IN_R_ROW && in_tok_is(s, *at, "ascii-emoji")) {
      r->reduce |= 1u;
      ++*at;
    } else if (r->kind == IN_R_ROW && r->verdict == INTEROP_V_AMEND && in_tok_is(s, *at, "name")) {
      if (!read_name(x, s, at, r)) return false;
    } else if (r->verdict == INTEROP_V_STRIP && in_feature_by_name(s->tok[*at].text) >= 0) {
      r->strip |= 1u << in_feature_by_name(s->tok[*at].text);
      ++*at;
    } else {
      return true;
    }
  }
  return true;
}

/* ---- gate and geo */

static bool read_deny_as(ctx_t *x, const in_stmt_t *s, int reason, in_toggle_view_t view) {
  in_rule_t r = new_rule(x, IN_R_DENY, in_stmt_place(s));
  uint32_t at = 2;
  r.verdict = INTEROP_V_DENY;
  r.reason = reason;
  x->c->vocab.reasons.at[reason].used = true;
  if (x->geo) x->c->vocab.reasons.at[reason].final = true;
  if (!read_row_words(x, s, &at, &r)) return false;
  if (!in_tok_is(s, at, "when") && !in_tok_is(s, at, "unless")) return in_meant_when(x->c, s, at);
  return read_guard(x, s, &at, &r, view) && read_tail(x, s, at, &r) && add_rule(x, &r);
}

/*
** A denial because of a toggle that is off by geography is two: the reason as
** written where an admin said off, the toggle's own where it is so by default.
*/
static bool read_deny(ctx_t *x, const in_stmt_t *s) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  int reason, t;
  if (!in_tok_is(s, 0, "deny"))
    return bad(x, in_stmt_place(s), "a gate holds denials", "deny REASON when GUARD;");
  if (!leaf(x, s)) return false;
  reason = reason_at(x, s, 1);
  if (reason < 0) return false;
  t = in_expr_toggle_because(x->c, s, 2);
  if (t < 0) return read_deny_as(x, s, reason, plain);
  plain.toggle = t;
  plain.state = IN_TG_OFF_EXPLICIT;
  if (!read_deny_as(x, s, reason, plain)) return false;
  plain.state = IN_TG_OFF_DEFAULT;
  return read_deny_as(x, s, x->c->vocab.toggles.at[t].because, plain);
}

static bool read_gate(ctx_t *x, const in_stmt_t *s) {
  uint32_t at = 1;
  x->ops = ALL_OPS;
  x->geo = in_tok_is(s, 0, "geo");
  if (!s->has_block)
    return bad(x, in_stmt_place(s), "this section needs a block", "gate [for OPERATION ...] { deny REASON when GUARD; }");
  if (in_tok_is(s, at, "for")) {
    at++;
    if (!read_ops(x, s, &at, &x->ops)) return false;
  }
  if (at < s->ntok) return in_meant_operation(x->c, &s->tok[at], "gate for OPERATION ... {");
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_deny(x, b)) return false;
  x->ops = ALL_OPS;
  return true;
}

/* ---- directions: A -> B */

static int system_at(ctx_t *x, const in_stmt_t *s, uint32_t at) {
  int sys = at < s->ntok ? in_vocab_system(&x->c->vocab, s->tok[at].text) : -1;
  if (sys < 0) no_name(x, IN_W_SYSTEM, s, at, "a system is missing here");
  return sys;
}

static bool read_direction(ctx_t *x, const in_stmt_t *s, uint32_t *a, uint32_t *b) {
  int f, t;
  if (s->ntok != 4 || !in_tok_is(s, 2, "->") || !s->has_block)
    return bad(x, in_stmt_place(s), "a direction and a block are wanted here", "matrix A -> B { ... }, placeholder A -> B { ... }");
  f = system_at(x, s, 1);
  t = f < 0 ? -1 : system_at(x, s, 3);
  if (t < 0) return false;
  *a = (uint32_t) f;
  *b = (uint32_t) t;
  if ((policy_of(x)->from >> f & 1) == 0 || (policy_of(x)->to >> t & 1) == 0)
    return bad(x, s->tok[1].place, "this policy is not for that direction", "see between, within, on in the policy's first line");
  return true;
}

static bool begins_tail(const in_stmt_t *s, uint32_t at) {
  static const char *const words[] = { "notice", "ascii-emoji", "name", "when", "unless", "unknown" };
  for (size_t i = 0; i < in_countof(words); i++)
    if (in_tok_is(s, at, words[i])) return true;
  return at >= s->ntok || s->tok[at].kind != IN_TOK_WORD || s->tok[at].text.p[0] == '[';
}

/* a verdict's reason: a denial has one, others may */
static bool read_row_reason(ctx_t *x, const in_stmt_t *s, uint32_t *at, in_rule_t *r) {
  bool feature = *at < s->ntok && r->verdict == INTEROP_V_STRIP && in_feature_by_name(s->tok[*at].text) >= 0;
  if (r->verdict != INTEROP_V_DENY && (feature || begins_tail(s, *at))) return true;
  if (*at < s->ntok && in_vocab_reason(&x->c->vocab, s->tok[*at].text) < 0) return in_meant_reason(x->c, &s->tok[*at]);
  r->reason = reason_at(x, s, *at);
  if (r->reason < 0) return false;
  x->c->vocab.reasons.at[r->reason].used = true;
  ++*at;
  return true;
}

static bool amends_something(ctx_t *x, const in_stmt_t *s, uint32_t at, const in_rule_t *r) {
  return r->verdict != INTEROP_V_AMEND || r->name_slot != IN_NIL || r->name_suffix.p != NULL
         || bad(x, in_stmt_at(s, at), "it is missing what is amended", "amend name from FACT, amend name with \"...\"");
}

static bool read_row(ctx_t *x, const in_stmt_t *s) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  in_rule_t r = new_rule(x, IN_R_ROW, in_stmt_place(s));
  uint32_t at = 0;
  int v;
  if (!leaf(x, s) || !read_ops(x, s, &at, &r.ops)) return false;
  read_kinds(s, &at, &r.kinds);
  v = at < s->ntok ? in_verdict_by_name(s->tok[at].text) : -1;
  if (v < 0 && at >= s->ntok)
    return bad(x, s->end, "a verdict is missing here", "deliver, plain_text, placeholder, drop, deny ...");
  if (v < 0) return in_meant_row(x->c, &s->tok[at]);
  r.verdict = (interop_verdict_t) v;
  at++;
  return read_row_reason(x, s, &at, &r) && read_row_words(x, s, &at, &r) && amends_something(x, s, at, &r)
         && read_guard(x, s, &at, &r, plain)
         && read_tail(x, s, at, &r) && add_rule(x, &r);
}

static bool read_matrix(ctx_t *x, const in_stmt_t *s) {
  uint32_t a, b;
  if (!read_direction(x, s, &a, &b)) return false;
  x->from = (uint64_t) 1 << a;
  x->to = (uint64_t) 1 << b;
  if (policy_of(x)->matrix == NULL)
    policy_of(x)->matrix = in_arena_array(x->c->arena, IN_MAX_SYSTEMS, sizeof(uint64_t));
  if (policy_of(x)->matrix == NULL) return in_nomem(x->c), false;
  policy_of(x)->matrix[a] |= x->to;
  for (const in_stmt_t *r = s->block; r != NULL; r = r->next)
    if (!read_row(x, r)) return false;
  return true;
}

/* ---- placeholder */

static bool read_text_words(ctx_t *x, const in_stmt_t *s, uint32_t *at, in_rule_t *r) {
  while (*at + 1 < s->ntok && !in_tok_is(s, *at, "when") && !in_tok_is(s, *at, "unless")) {
    if (in_tok_is(s, *at, "text") && in_tok_is(s, *at + 1, "from") && *at + 2 < s->ntok) {
      r->text.text_slot = in_expr_slot(x->c, &s->tok[*at + 2], -1);
      if (r->text.text_slot == IN_NIL) return false;
      if (x->c->slots.at[r->text.text_slot].type != IN_T_TEXT && x->c->slots.at[r->text.text_slot].type != IN_T_CODE)
        return bad(x, s->tok[*at + 2].place, "this fact is no text", NULL);
      *at += 3;
    } else if (in_tok_is(s, *at, "text") && s->tok[*at + 1].kind == IN_TOK_STRING) {
      r->text_text = s->tok[*at + 1].text;
      *at += 2;
    } else if (in_tok_is(s, *at, "link") && s->tok[*at + 1].kind == IN_TOK_STRING) {
      r->text_link = s->tok[*at + 1].text;
      *at += 2;
    } else if (in_tok_is(s, *at, "system")) {
      int sys = system_at(x, s, *at + 1);
      if (sys < 0) return false;
      r->text.system = (uint32_t) sys;
      *at += 2;
    } else {
      break;
    }
  }
  return true;
}

static bool read_placeholder(ctx_t *x, const in_stmt_t *s) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  uint32_t a, b;
  if (!read_direction(x, s, &a, &b)) return false;
  for (const in_stmt_t *t = s->block; t != NULL; t = t->next) {
    in_rule_t r = new_rule(x, IN_R_TEXT, in_stmt_place(t));
    uint32_t at = 0;
    r.text.from = a;
    r.text.to = b;
    r.text.system = a;
    r.text.text_slot = IN_NIL;
    if (!leaf(x, t)) return false;
    if (!read_text_words(x, t, &at, &r) || !read_guard(x, t, &at, &r, plain) || !read_tail(x, t, at, &r)) return false;
    if (r.text_text.p == NULL)
      return bad(x, in_stmt_place(t), "a placeholder needs a text", "text \"...{link}\" link \"https://...\"");
    if (!add_rule(x, &r)) return false;
  }
  return true;
}

static bool read_escalation(ctx_t *x, const in_stmt_t *s) {
  uint32_t a, b;
  return read_direction(x, s, &a, &b) && in_escalation_read(x->c, s, a, b);
}

/* ---- reads: where a recipient reads */

static bool read_reading(ctx_t *x, const in_stmt_t *s, uint32_t from) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  in_rule_t r = new_rule(x, IN_R_READING, in_stmt_place(s));
  uint32_t at = 1;
  int sys = leaf(x, s) ? system_at(x, s, 0) : -1;
  if (sys < 0) return false;
  if (!in_tok_is(s, at, "when") && !in_tok_is(s, at, "unless"))
    return bad(x, in_stmt_at(s, at), "it is said when they read there", "SYSTEM when GUARD;");
  r.reading.from = from;
  r.reading.to = (uint32_t) sys;
  return read_guard(x, s, &at, &r, plain) && read_tail(x, s, at, &r) && add_rule(x, &r);
}

static bool read_reads(ctx_t *x, const in_stmt_t *s) {
  int from = s->ntok == 3 && in_tok_is(s, 1, "from") && s->has_block ? system_at(x, s, 2) : -1;
  if (from < 0)
    return x->c->diag->status == INTEROP_OK
           && bad(x, in_stmt_place(s), "`reads` names the system that the request comes from",
                  "reads from SYSTEM { SYSTEM when GUARD; }");
  if ((policy_of(x)->from >> from & 1) == 0)
    return bad(x, s->tok[2].place, "this policy is not for what comes from there",
               "see between, within, on in the policy's first line");
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_reading(x, b, (uint32_t) from)) return false;
  return true;
}

/* ---- remember */

/* FACT = FACT, both texts */
static bool effect_fact(ctx_t *x, const in_tok_t *tok, in_rule_t *r) {
  uint32_t slot = in_expr_slot(x->c, tok, -1);
  in_type_t t = slot == IN_NIL ? IN_TYPE_COUNT : x->c->slots.at[slot].type;
  if (slot == IN_NIL) return false;
  if (t != IN_T_CODE && t != IN_T_TEXT) return bad(x, tok->place, "the two facts are of different types", NULL);
  r->effect.kind = IN_SET_FACT;
  r->effect.number = slot;
  return true;
}

static bool effect_value(ctx_t *x, const in_stmt_t *s, in_rule_t *r, const in_field_t *f) {
  const in_tok_t *tok = &s->tok[2];
  in_span_t rest;
  if ((f->type == IN_T_CODE || f->type == IN_T_TEXT) && tok->kind == IN_TOK_WORD && in_path_subject(tok->text, &rest) >= 0)
    return effect_fact(x, tok, r);
  if (in_eq(tok->text, IN_SPAN("now")) && f->type == IN_T_TIME) {
    r->effect.kind = IN_SET_NOW;
  } else if (f->type == IN_T_FLAG) {
    r->effect.kind = IN_SET_FLAG;
    r->effect.number = in_eq(tok->text, IN_SPAN("true"));
    if (!r->effect.number && !in_eq(tok->text, IN_SPAN("false")))
      return bad(x, tok->place, "this fact is a flag: true or false", "FACT = true");
  } else if (f->type == IN_T_ENUM && in_field_value(f, tok->text) < 0) {
    in_vocab_no_value(&x->c->vocab, tok, f->value, f->values, x->c->diag);
    return false;
  } else if (f->type == IN_T_NUMBER) {
    r->effect.kind = IN_SET_NUMBER;
    if (!in_vocab_number(tok->text, &r->effect.number))
      return bad(x, tok->place, "a whole number is wanted here", "at most 18 digits");
  } else if (f->type == IN_T_TIME) {
    r->effect.kind = IN_SET_NUMBER;
    if (!in_time_parse(tok->text, &r->effect.number))
      return bad(x, tok->place, "a time is wanted here", "now, 2019-01-15 or 2019-01-15T10:00:00Z");
  } else if (f->type == IN_T_LIST) {
    return bad(x, tok->place, "a list cannot be set", NULL);
  } else {
    r->effect.kind = IN_SET_TEXT;
    r->effect_text = tok->text;
  }
  return true;
}

static bool read_effect(ctx_t *x, const in_stmt_t *s) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  in_rule_t r = new_rule(x, IN_R_EFFECT, in_stmt_place(s));
  uint32_t slot, at = 3;
  const in_slot_t *sl;
  if (!leaf(x, s)) return false;
  if (s->ntok < 3 || !in_tok_is(s, 1, "=") || s->tok[0].kind != IN_TOK_WORD
      || (s->tok[2].kind != IN_TOK_WORD && s->tok[2].kind != IN_TOK_STRING))
    return bad(x, in_stmt_place(s), "what is remembered is a fact and its value", "conversation.started = true when GUARD;");
  slot = in_expr_slot(x->c, &s->tok[0], -1);
  if (slot == IN_NIL) return false;
  sl = &x->c->slots.at[slot];
  if (sl->vocab_field < 0)
    return bad(x, s->tok[0].place, "this fact cannot be set", "facts of records can: conversation.started = true");
  r.effect.subject = sl->subject;
  r.effect.field = sl->field;
  return effect_value(x, s, &r, &x->c->vocab.fields.at[sl->vocab_field])
         && read_guard(x, s, &at, &r, plain) && read_tail(x, s, at, &r) && add_rule(x, &r);
}

static bool read_remember(ctx_t *x, const in_stmt_t *s) {
  if (!s->has_block || s->ntok != 1)
    return bad(x, in_stmt_place(s), "`remember` has a block of facts", "remember { FACT = VALUE when GUARD; }");
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_effect(x, b)) return false;
  return true;
}

/* ---- amend: what is set or cut beside the verdict */

static bool read_amendment(ctx_t *x, const in_stmt_t *s) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  in_rule_t r = new_rule(x, IN_R_AMEND, in_stmt_place(s));
  uint32_t at = 4;
  r.amend.slot = IN_NIL;
  r.verdict = INTEROP_V_AMEND;
  return leaf(x, s) && in_amend_read(x->c, s, &r) && read_guard(x, s, &at, &r, plain) && read_tail(x, s, at, &r)
         && add_rule(x, &r);
}

static bool read_amend(ctx_t *x, const in_stmt_t *s) {
  uint32_t at = 1;
  if (!s->has_block)
    return bad(x, in_stmt_place(s), "this section needs a block", "amend [for OPERATION ...] { set MEMBER from FACT; }");
  if (in_tok_is(s, at, "for")) {
    at++;
    if (!read_ops(x, s, &at, &x->ops)) return false;
  }
  if (at < s->ntok) return in_meant_operation(x->c, &s->tok[at], "amend for OPERATION ... {");
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_amendment(x, b)) return false;
  x->ops = ALL_OPS;
  return true;
}

/* ---- script */

/* script NAME "FILE" [for OPERATION ...] ...; */
static bool read_script(ctx_t *x, const in_stmt_t *s) {
  const in_policy_t *p = policy_of(x);
  uint32_t at = 3;
  in_script_t sc;
  memset(&sc, 0, sizeof(sc));
  if (!leaf(x, s)) return false;
  if (s->ntok < 3 || s->tok[1].kind != IN_TOK_WORD || s->tok[2].kind != IN_TOK_STRING)
    return bad(x, in_stmt_place(s), "a script has a name and a file", "script NAME \"file.lua\";");
  if (in_tok_is(s, at, "for") && (at++, !read_ops(x, s, &at, &x->ops))) return false;
  sc.name = s->tok[1].text;
  sc.file = s->tok[2].text;
  sc.tenant = p->tenant;
  sc.place = s->tok[1].place;
  sc.rec.ops = x->ops;
  sc.rec.from = p->from;
  sc.rec.to = p->to;
  sc.rec.crosses = p->between;
  return in_script_read(x->c, s, at, &sc);
}

/* ---- the policy */

static bool no_scope(ctx_t *x, const in_stmt_t *s) {
  return bad(x, in_stmt_at(s, 2), "this is no scope of a policy", "between A and B, within A, on A, everywhere");
}

static bool read_scope(ctx_t *x, const in_stmt_t *s, in_policy_t *p) {
  int a, b;
  uint64_t none = (uint64_t) 1 << x->c->vocab.systems.n;     /* `to` is not known */
  if (in_tok_is(s, 2, "everywhere") && s->ntok == 3) {
    p->from = all_systems(x->c);
    p->to = all_systems(x->c) | none;
    return true;
  }
  if (!in_tok_is(s, 2, "between") && !in_tok_is(s, 2, "within") && !in_tok_is(s, 2, "on"))
    return no_scope(x, s);
  a = system_at(x, s, 3);
  if (a < 0) return false;
  p->a = p->b = (uint32_t) a;
  if (in_tok_is(s, 2, "between") && in_tok_is(s, 4, "and") && s->ntok == 6) {
    b = system_at(x, s, 5);
    if (b < 0) return false;
    if (a == b) return bad(x, s->tok[5].place, "a policy is between two systems", "within A is for what stays in one");
    p->b = (uint32_t) b;
    p->between = true;
    p->from = p->to = (uint64_t) 1 << a | (uint64_t) 1 << b;
  } else if (in_tok_is(s, 2, "within") && s->ntok == 4) {
    p->from = p->to = (uint64_t) 1 << a;
  } else if (in_tok_is(s, 2, "on") && s->ntok == 4) {
    p->from = (uint64_t) 1 << a;
    p->to = all_systems(x->c) | none;
  } else {
    return no_scope(x, s);
  }
  return true;
}

static bool read_section(ctx_t *x, const in_stmt_t *s) {
  x->ops = ALL_OPS;
  x->from = policy_of(x)->from;
  x->to = policy_of(x)->to;
  if (in_tok_is(s, 0, "gate") || in_tok_is(s, 0, "geo")) return read_gate(x, s);
  if (in_tok_is(s, 0, "matrix")) return read_matrix(x, s);
  if (x->tenant && (in_tok_is(s, 0, "placeholder") || in_tok_is(s, 0, "remember") || in_tok_is(s, 0, "reads")
                    || in_tok_is(s, 0, "escalation") || in_tok_is(s, 0, "amend") || in_tok_is(s, 0, "per_recipient")))
    return bad(x, in_stmt_place(s), "a tenant's policy holds gates, matrices and scripts", "the rest is the same for all tenants");
  if (in_tok_is(s, 0, "placeholder")) return read_placeholder(x, s);
  if (in_tok_is(s, 0, "remember")) return read_remember(x, s);
  if (in_tok_is(s, 0, "reads")) return read_reads(x, s);
  if (in_tok_is(s, 0, "escalation")) return read_escalation(x, s);
  if (in_tok_is(s, 0, "amend")) return read_amend(x, s);
  if (in_tok_is(s, 0, "script")) return read_script(x, s);
  if (in_tok_is(s, 0, "per_recipient")) return in_fanout_read(x->c, s, policy_of(x));
  if (in_vocab_owns(s)) return true;
  return bad(x, in_stmt_place(s), "this word does not begin a section of a policy",
             "gate, geo, matrix, amend, placeholder, escalation, per_recipient, remember, reads, script, set or toggle");
}

/* `for tenant "ID"` before the scope: taken out of the statement's head */
static bool read_tenant(ctx_t *x, in_stmt_t *head, in_policy_t *p) {
  in_tok_t *tok;
  if (!in_tok_is(head, 2, "for")) return true;
  if (!in_tok_is(head, 3, "tenant") || head->ntok < 6 || head->tok[4].kind != IN_TOK_STRING || head->tok[4].text.n == 0)
    return bad(x, in_stmt_at(head, 3), "`for` is followed by a tenant's id and the scope",
               "policy NAME for tenant \"ID\" between A and B { ... }");
  p->tenant = head->tok[4].text;
  x->tenant = true;
  tok = in_arena_array(x->c->arena, head->ntok, sizeof(*tok));
  if (tok == NULL) return in_nomem(x->c), false;
  memcpy(tok, head->tok, 2 * sizeof(*tok));
  memcpy(tok + 2, head->tok + 5, (head->ntok - 5) * sizeof(*tok));
  head->tok = tok;
  head->ntok -= 3;
  return true;
}

/* names of policies: a hash table, since tenants may have many */
static bool new_name(ctx_t *x, const in_tok_t *tok) {
  in_compile_t *c = x->c;
  uint32_t h;
  if (c->names * 2 >= c->name_slots) {
    uint32_t slots = c->name_slots == 0 ? 64 : c->name_slots * 2;
    in_span_t *t = in_arena_array(c->arena, slots, sizeof(*t));
    if (t == NULL) return in_nomem(c), false;
    for (uint32_t i = 0; i < c->name_slots; i++) {
      if (c->name_table[i].p == NULL) continue;
      for (h = in_hash(c->name_table[i]) & (slots - 1); t[h].p != NULL;) h = (h + 1) & (slots - 1);
      t[h] = c->name_table[i];
    }
    c->name_table = t;
    c->name_slots = slots;
  }
  for (h = in_hash(tok->text) & (c->name_slots - 1); c->name_table[h].p != NULL; h = (h + 1) & (c->name_slots - 1))
    if (in_eq(c->name_table[h], tok->text))
      return bad(x, tok->place, "a policy of this name stands already", "names of rules begin with it");
  c->name_table[h] = tok->text;
  c->names++;
  return true;
}

interop_status_t in_policy_read(in_compile_t *c, const in_stmt_t *s) {
  ctx_t x = { c, c->policies.n, false, false, ALL_OPS, 0, 0 };
  in_policy_t p;
  in_stmt_t head = *s;
  memset(&p, 0, sizeof(p));
  if (s->ntok < 3 || !s->has_block || s->tok[1].kind != IN_TOK_WORD) {
    bad(&x, in_stmt_place(s), "a policy has a name, a scope and a block", "policy NAME between A and B { ... }");
    return c->diag->status;
  }
  p.name = s->tok[1].text;
  p.place = in_stmt_place(s);
  if (!new_name(&x, &s->tok[1]) || !read_tenant(&x, &head, &p) || !read_scope(&x, &head, &p)) return c->diag->status;
  if (x.tenant) x.policy = c->tenants.n;
  if (!(x.tenant ? in_vec_push(c->arena, &c->tenants, p) : in_vec_push(c->arena, &c->policies, p))) return in_nomem(c);
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_section(&x, b)) return c->diag->status;
  return INTEROP_OK;
}
