/*
** amendment.c -- what one row of an `amend` section sets or cuts.
**
**   set MEMBER from FACT;  set MEMBER to "...";  set MEMBER with "...";
**   cut REASON before FACT;
**
** Owns these forms, and the proof that some API has the member. The guard and what
** is behind it are policy.c's.
*/
#include "compile.h"
#include "expr.h"
#include "../api/api_image.h"

static bool bad(in_compile_t *c, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(c->diag, "%s", hint);
  return false;
}

static int reason_at(in_compile_t *c, const in_stmt_t *s) {
  int r = in_vocab_reason(&c->vocab, s->tok[1].text);
  if (r < 0) in_vocab_no(&c->vocab, IN_W_REASON, &s->tok[1], c->diag);
  return r;
}

static const char amend_form[] =
  "set MEMBER from FACT;  set MEMBER to \"...\";  set MEMBER with \"...\";  cut REASON before FACT;";

static bool slot_at(in_compile_t *c, const in_tok_t *tok, bool time_only, in_rule_t *r) {
  in_type_t t;
  r->amend.slot = in_expr_slot(c, tok, -1);
  if (r->amend.slot == IN_NIL) return false;
  t = c->slots.at[r->amend.slot].type;
  if (t == IN_T_TIME || (!time_only && (t == IN_T_TEXT || t == IN_T_CODE))) return true;
  return bad(c, tok->place, time_only ? "this fact is no time" : "this fact is no text and no time", NULL);
}

bool in_amend_read(in_compile_t *c, const in_stmt_t *s, in_rule_t *r) {
  bool string = s->ntok > 3 && s->tok[3].kind == IN_TOK_STRING;
  if (s->ntok > 3 && in_tok_is(s, 0, "cut") && in_tok_is(s, 2, "before")) {
    r->amend.kind = IN_AMEND_CUT;
    r->reason = reason_at(c, s);
    if (r->reason < 0) return false;
    c->vocab.reasons.at[r->reason].used = true;
    return slot_at(c, &s->tok[3], true, r);
  }
  if (s->ntok <= 3 || !in_tok_is(s, 0, "set") || s->tok[1].kind != IN_TOK_WORD)
    return bad(c, in_stmt_place(s), "this is no amendment", amend_form);
  r->amend_member = s->tok[1].text;
  if (in_tok_is(s, 2, "from")) return slot_at(c, &s->tok[3], false, r);
  if (!string || (!in_tok_is(s, 2, "to") && !in_tok_is(s, 2, "with")))
    return bad(c, in_stmt_at(s, 2), "this is no amendment", amend_form);
  r->amend.kind = in_tok_is(s, 2, "to") ? IN_AMEND_TEXT : IN_AMEND_WITH;
  r->amend_text = s->tok[3].text;
  return true;
}

/* ---- members that there are */

/* words that APIs let policies set, in members or in people */
static uint32_t settable(const in_compile_t *c, in_span_t *names, uint32_t room) {
  const in_builder_t *b = &c->builder;
  const in_ai_member_t *m = (const in_ai_member_t *) (const void *) b->section[IN_S_MEMBERS].p;
  const in_ai_choice_t *ch = (const in_ai_choice_t *) (const void *) b->section[IN_S_CHOICES].p;
  const char *text = b->section[IN_S_STRINGS].p;
  uint32_t n = 0;
  for (uint32_t i = 0; i < in_builder_count(b, IN_S_MEMBERS, sizeof(*m)); i++) {
    if (m[i].word.len > 0 && n < room) names[n++] = in_span(text + m[i].word.off, m[i].word.len);
    for (uint32_t k = 0; k < m[i].person_sets.count && n < room; k++)
      names[n++] = in_span(text + ch[m[i].person_sets.first + k].word.off, ch[m[i].person_sets.first + k].word.len);
  }
  return n;
}

interop_status_t in_amends_check(in_compile_t *c) {
  in_span_t names[256];
  uint32_t n = 1 + settable(c, names + 1, in_countof(names) - 1), k;
  names[0] = IN_SPAN("name");
  for (uint32_t i = 0; i < c->rules.n; i++) {
    const in_rule_t *r = &c->rules.at[i];
    if (r->kind != IN_R_AMEND || r->amend_member.p == NULL) continue;
    for (k = 0; k < n && !in_eq(names[k], r->amend_member);) k++;
    if (k < n) continue;
    in_span_t near = in_nearest(r->amend_member, names, n);
    in_diag_at(c->diag, INTEROP_SYNTAX, r->place, "no API has a member \"%.*s\" that can be set", (int) r->amend_member.n,
               r->amend_member.p);
    if (near.p != NULL) in_diag_hint(c->diag, "did you mean \"%.*s\"?", (int) near.n, near.p);
    else in_diag_hint(c->diag, "an API declares it: set WORD /POINTER");
    return INTEROP_SYNTAX;
  }
  return INTEROP_OK;
}
