/*
** policy.c -- policy blocks to rules.
**
**   policy NAME (between A and B | within A | on A | everywhere) {
**       gate [for OPERATION ...] { deny REASON (when | unless) GUARD [unknown deliver] [TAG]; }
**       geo  [for OPERATION ...] { the same }
**       matrix A -> B { OPERATION ... KIND ... VERDICT [REASON] [notice N ...]
**                       [when GUARD] [unknown deliver] [TAG]; }
**       placeholder A -> B { text "..." link "..." [system S] [text from FACT] [when GUARD] [TAG]; }
**       remember { FACT = VALUE [when GUARD]; }
**   }
**
** `between` is for traffic that crosses from one to the other, `within` for
** traffic that stays, `on` for all that comes from the system. A TAG
** such as [KT-5] names the row that the rule follows; it is in the rule's name.
*/
#include "compile.h"

typedef struct {
  in_compile_t *c;
  uint32_t policy;
  uint64_t ops;                   /* of the section being read */
  uint64_t from, to;
} ctx_t;

static bool bad(ctx_t *x, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(x->c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(x->c->diag, "%s", hint);
  return false;
}

static in_place_t place_at(const in_stmt_t *s, uint32_t i) {
  return i < s->ntok ? s->tok[i].place : s->end;
}

static in_policy_t *policy_of(const ctx_t *x) {
  return &x->c->policies.at[x->policy];
}

static uint64_t all_systems(const in_compile_t *c) {
  return ((uint64_t) 1 << c->vocab.systems.n) - 1;
}

#define ALL_OPS    (((uint64_t) 1 << INTEROP_OPERATION_COUNT) - 1)
#define ALL_KINDS  (((uint64_t) 1 << INTEROP_KIND_COUNT) - 1)

static unsigned line_of(in_place_t p) {
  unsigned n = 1;
  for (uint32_t i = 0; i < p.offset; i++) n += p.source->text.p[i] == '\n';
  return n;
}

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

static bool unknown_operation(ctx_t *x, const in_tok_t *tok) {
  in_span_t names[INTEROP_OPERATION_COUNT];
  for (int i = 0; i < INTEROP_OPERATION_COUNT; i++)
    names[i] = in_str(interop_operation_name((interop_operation_t) i));
  in_vocab_unknown(&x->c->vocab, "operation", tok, names, in_countof(names), x->c->diag);
  return false;
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
  if (i == *at) return i < s->ntok ? unknown_operation(x, &s->tok[i]) : bad(x, s->end, "an operation is missing here", NULL);
  *at = i;
  return true;
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
  else r->name = in_arena_printf(x->c->arena, "%.*s.line-%u", (int) p.n, p.p, line_of(r->place));
  return r->name.p != NULL || (in_nomem(x->c), false);
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
  if (at < s->ntok) return bad(x, s->tok[at].place, "this word has no meaning here", NULL);
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
  return r;
}

static bool add_rule(ctx_t *x, const in_rule_t *r) {
  return in_vec_push(x->c->arena, &x->c->rules, *r) || (in_nomem(x->c), false);
}

static int reason_at(ctx_t *x, const in_stmt_t *s, uint32_t at) {
  const in_vocab_t *v = &x->c->vocab;
  int r;
  in_span_t *names;
  if (at >= s->ntok) return bad(x, s->end, "a reason is missing here", NULL), -1;
  r = in_vocab_reason(v, s->tok[at].text);
  if (r >= 0) return r;
  names = in_arena_array(x->c->arena, v->reasons.n + 1, sizeof(*names));
  if (names == NULL) return in_nomem(x->c), -1;
  for (uint32_t i = 0; i < v->reasons.n; i++) names[i] = v->reasons.at[i].name;
  in_vocab_unknown(v, "reason", &s->tok[at], names, v->reasons.n, x->c->diag);
  return -1;
}

/* ---- gate and geo */

static bool read_deny_as(ctx_t *x, const in_stmt_t *s, int reason, in_toggle_view_t view) {
  in_rule_t r = new_rule(x, IN_R_DENY, in_stmt_place(s));
  uint32_t at = 2;
  r.verdict = INTEROP_V_DENY;
  r.reason = reason;
  x->c->vocab.reasons.at[reason].used = true;
  if (!in_tok_is(s, at, "when") && !in_tok_is(s, at, "unless"))
    return bad(x, place_at(s, at), "a denial says when", "deny REASON when GUARD;");
  return read_guard(x, s, &at, &r, view) && read_tail(x, s, at, &r) && add_rule(x, &r);
}

/*
** A denial because of a toggle that is off by geography is two: the reason as
** written where an admin said off, the toggle's own where it is so by default.
*/
static bool read_deny(ctx_t *x, const in_stmt_t *s) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  int reason, t;
  if (!in_tok_is(s, 0, "deny") || s->has_block)
    return bad(x, in_stmt_place(s), "a gate holds denials", "deny REASON when GUARD;");
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
  if (!s->has_block) return bad(x, in_stmt_place(s), "this section needs a block { ... }", NULL);
  if (in_tok_is(s, at, "for")) {
    at++;
    if (!read_ops(x, s, &at, &x->ops)) return false;
  }
  if (at < s->ntok) return bad(x, s->tok[at].place, "this word has no meaning here", "gate for OPERATION ... {");
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_deny(x, b)) return false;
  x->ops = ALL_OPS;
  return true;
}

/* ---- directions: A -> B */

static bool read_direction(ctx_t *x, const in_stmt_t *s, uint32_t *a, uint32_t *b) {
  int f, t;
  if (s->ntok != 4 || !in_tok_is(s, 2, "->") || !s->has_block)
    return bad(x, in_stmt_place(s), "a direction and a block are wanted here", "matrix A -> B { ... }");
  f = in_vocab_system(&x->c->vocab, s->tok[1].text);
  t = in_vocab_system(&x->c->vocab, s->tok[3].text);
  if (f < 0 || t < 0) return bad(x, s->tok[f < 0 ? 1 : 3].place, "this is not a system", NULL);
  *a = (uint32_t) f;
  *b = (uint32_t) t;
  if ((policy_of(x)->from >> f & 1) == 0 || (policy_of(x)->to >> t & 1) == 0)
    return bad(x, s->tok[1].place, "this policy is not for that direction", NULL);
  return true;
}

static bool read_row_words(ctx_t *x, const in_stmt_t *s, uint32_t *at, in_rule_t *r) {
  while (*at < s->ntok) {
    if (in_tok_is(s, *at, "notice")) {
      int n = *at + 1 < s->ntok ? in_vocab_notice(&x->c->vocab, s->tok[*at + 1].text) : -1;
      uint32_t *list = in_arena_array(x->c->arena, r->notice_count + 1, sizeof(*list));
      if (n < 0) return bad(x, place_at(s, *at + 1), "this is not a notice", "declare it: notice NAME;");
      if (list == NULL) return in_nomem(x->c), false;
      if (r->notice_count > 0) memcpy(list, r->notices, r->notice_count * sizeof(*list));
      list[r->notice_count++] = (uint32_t) n;
      r->notices = list;
      *at += 2;
    } else if (in_tok_is(s, *at, "ascii-emoji")) {
      r->reduce |= 1u;
      ++*at;
    } else if (r->verdict == INTEROP_V_STRIP && in_feature_by_name(s->tok[*at].text) >= 0) {
      r->strip |= 1u << in_feature_by_name(s->tok[*at].text);
      ++*at;
    } else {
      return true;
    }
  }
  return true;
}

static bool read_row(ctx_t *x, const in_stmt_t *s) {
  in_toggle_view_t plain = { -1, IN_TG_OFF };
  in_rule_t r = new_rule(x, IN_R_ROW, in_stmt_place(s));
  uint32_t at = 0;
  int v;
  if (!read_ops(x, s, &at, &r.ops)) return false;
  read_kinds(s, &at, &r.kinds);
  v = at < s->ntok ? in_verdict_by_name(s->tok[at].text) : -1;
  if (v < 0) {
    in_span_t names[INTEROP_VERDICT_COUNT];
    for (int i = 0; i < INTEROP_VERDICT_COUNT; i++) names[i] = in_str(interop_verdict_name((interop_verdict_t) i));
    if (at >= s->ntok) return bad(x, s->end, "a verdict is missing here", "deliver, plain_text, placeholder, drop, deny ...");
    in_vocab_unknown(&x->c->vocab, "kind or verdict", &s->tok[at], names, in_countof(names), x->c->diag);
    return false;
  }
  r.verdict = (interop_verdict_t) v;
  at++;
  if (at < s->ntok && in_vocab_reason(&x->c->vocab, s->tok[at].text) >= 0) {
    r.reason = in_vocab_reason(&x->c->vocab, s->tok[at].text);
    x->c->vocab.reasons.at[r.reason].used = true;
    at++;
  } else if (r.verdict == INTEROP_V_DENY) {
    return reason_at(x, s, at) >= 0;
  }
  return read_row_words(x, s, &at, &r) && read_guard(x, s, &at, &r, plain)
         && read_tail(x, s, at, &r) && add_rule(x, &r);
}

static bool read_matrix(ctx_t *x, const in_stmt_t *s) {
  uint32_t a, b;
  if (!read_direction(x, s, &a, &b)) return false;
  x->from = (uint64_t) 1 << a;
  x->to = (uint64_t) 1 << b;
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
      *at += 3;
    } else if (in_tok_is(s, *at, "text") && s->tok[*at + 1].kind == IN_TOK_STRING) {
      r->text_text = s->tok[*at + 1].text;
      *at += 2;
    } else if (in_tok_is(s, *at, "link") && s->tok[*at + 1].kind == IN_TOK_STRING) {
      r->text_link = s->tok[*at + 1].text;
      *at += 2;
    } else if (in_tok_is(s, *at, "system")) {
      int sys = in_vocab_system(&x->c->vocab, s->tok[*at + 1].text);
      if (sys < 0) return bad(x, s->tok[*at + 1].place, "this is not a system", NULL);
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
    if (!read_text_words(x, t, &at, &r) || !read_guard(x, t, &at, &r, plain) || !read_tail(x, t, at, &r)) return false;
    if (r.text_text.p == NULL) return bad(x, in_stmt_place(t), "a placeholder needs a text", "text \"...{link}\" link \"https://...\"");
    if (!add_rule(x, &r)) return false;
  }
  return true;
}

/* ---- remember */

static bool effect_value(ctx_t *x, const in_stmt_t *s, in_rule_t *r, const in_field_t *f) {
  const in_tok_t *tok = &s->tok[2];
  if (in_eq(tok->text, IN_SPAN("now")) && f->type == IN_T_TIME) {
    r->effect.kind = IN_SET_NOW;
  } else if (f->type == IN_T_FLAG) {
    r->effect.kind = IN_SET_FLAG;
    r->effect.number = in_eq(tok->text, IN_SPAN("true"));
    if (!r->effect.number && !in_eq(tok->text, IN_SPAN("false")))
      return bad(x, tok->place, "this fact is a flag: true or false", NULL);
  } else if (f->type == IN_T_ENUM && in_field_value(f, tok->text) < 0) {
    in_vocab_unknown(&x->c->vocab, "value", tok, f->value, f->values, x->c->diag);
    return false;
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
  if (s->ntok < 3 || !in_tok_is(s, 1, "="))
    return bad(x, in_stmt_place(s), "what is remembered is a fact and its value", "conversation.started = true when GUARD;");
  slot = in_expr_slot(x->c, &s->tok[0], -1);
  if (slot == IN_NIL) return false;
  sl = &x->c->slots.at[slot];
  if (sl->vocab_field < 0) return bad(x, s->tok[0].place, "this fact cannot be set", NULL);
  r.effect.subject = sl->subject;
  r.effect.field = sl->field;
  return effect_value(x, s, &r, &x->c->vocab.fields.at[sl->vocab_field])
         && read_guard(x, s, &at, &r, plain) && read_tail(x, s, at, &r) && add_rule(x, &r);
}

static bool read_remember(ctx_t *x, const in_stmt_t *s) {
  if (!s->has_block || s->ntok != 1) return bad(x, in_stmt_place(s), "remember { FACT = VALUE when GUARD; }", NULL);
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_effect(x, b)) return false;
  return true;
}

/* ---- the policy */

static int system_at(ctx_t *x, const in_stmt_t *s, uint32_t at) {
  int sys = at < s->ntok ? in_vocab_system(&x->c->vocab, s->tok[at].text) : -1;
  const in_span_t *names = NULL;
  int n;
  if (sys >= 0) return sys;
  n = in_vocab_systems(&x->c->vocab, &names);
  if (at >= s->ntok) bad(x, s->end, "a system is missing here", NULL);
  else in_vocab_unknown(&x->c->vocab, "system", &s->tok[at], names, n < 0 ? 0 : (size_t) n, x->c->diag);
  return -1;
}

static bool read_scope(ctx_t *x, const in_stmt_t *s, in_policy_t *p) {
  int a, b;
  uint64_t none = (uint64_t) 1 << x->c->vocab.systems.n;     /* `to` is not known */
  if (in_tok_is(s, 2, "everywhere") && s->ntok == 3) {
    p->from = all_systems(x->c);
    p->to = all_systems(x->c) | none;
    return true;
  }
  a = system_at(x, s, 3);
  if (a < 0) return false;
  p->a = p->b = (uint32_t) a;
  if (in_tok_is(s, 2, "between") && in_tok_is(s, 4, "and") && s->ntok == 6) {
    b = system_at(x, s, 5);
    if (b < 0) return false;
    if (a == b) return bad(x, s->tok[5].place, "a policy is between two systems", NULL);
    p->b = (uint32_t) b;
    p->between = true;
    p->from = p->to = (uint64_t) 1 << a | (uint64_t) 1 << b;
  } else if (in_tok_is(s, 2, "within") && s->ntok == 4) {
    p->from = p->to = (uint64_t) 1 << a;
  } else if (in_tok_is(s, 2, "on") && s->ntok == 4) {
    p->from = (uint64_t) 1 << a;
    p->to = all_systems(x->c) | none;
  } else {
    return bad(x, place_at(s, 2), "between A and B, within A, on A or everywhere is wanted here", NULL);
  }
  return true;
}

static bool read_section(ctx_t *x, const in_stmt_t *s) {
  x->ops = ALL_OPS;
  x->from = policy_of(x)->from;
  x->to = policy_of(x)->to;
  if (in_tok_is(s, 0, "gate") || in_tok_is(s, 0, "geo")) return read_gate(x, s);
  if (in_tok_is(s, 0, "matrix")) return read_matrix(x, s);
  if (in_tok_is(s, 0, "placeholder")) return read_placeholder(x, s);
  if (in_tok_is(s, 0, "remember")) return read_remember(x, s);
  if (in_tok_is(s, 0, "set") || in_tok_is(s, 0, "toggle")) return true;
  return bad(x, in_stmt_place(s), "this word does not begin a section of a policy",
             "gate, geo, matrix, placeholder, remember, set or toggle");
}

interop_status_t in_policy_read(in_compile_t *c, const in_stmt_t *s) {
  ctx_t x = { c, c->policies.n, ALL_OPS, 0, 0 };
  in_policy_t p;
  memset(&p, 0, sizeof(p));
  if (s->ntok < 3 || !s->has_block) {
    bad(&x, in_stmt_place(s), "a policy has a name, a scope and a block", "policy NAME between A and B { ... }");
    return c->diag->status;
  }
  p.name = s->tok[1].text;
  p.place = in_stmt_place(s);
  for (uint32_t i = 0; i < c->policies.n; i++)
    if (in_eq(c->policies.at[i].name, p.name)) {
      bad(&x, s->tok[1].place, "a policy of this name stands already", NULL);
      return c->diag->status;
    }
  if (!read_scope(&x, s, &p)) return c->diag->status;
  if (!in_vec_push(c->arena, &c->policies, p)) return in_nomem(c);
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_section(&x, b)) return c->diag->status;
  return INTEROP_OK;
}
