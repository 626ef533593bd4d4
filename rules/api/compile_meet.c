/*
** compile_meet.c -- what an API definition says of meetings.
**
**   escalation     meeting NAME  link NAME;
**   conversations  like "FORM*" ...;
**   conversations  of two "PRE{id}MID{id}END" ...;
**
** Owns which makes bring a meeting about and tell its link, how ids of
** conversations look in this API (a conversation has several names, one of each
** system), and how the id of two people's own is made of theirs.
*/
#include "compile.h"

static const in_ai_make_t *make_at(const in_apic_t *c, uint32_t i) {
  return (const in_ai_make_t *) (const void *) c->b->section[IN_S_MAKES].p + i;
}

static bool read_make(in_apic_t *c, const in_tok_t *tok, uint32_t *make) {
  in_named_t *n = in_apic_find(c->makes, tok->text);
  if (n == NULL) return in_apic_unnamed(c, "make", tok, c->makes);
  *make = n->index;
  return true;
}

/* the link is told in a conversation, and the meeting's answer says where it is */
static bool check_meeting(in_apic_t *c, const in_stmt_t *s) {
  if (c->b->failed) return in_apic_nomem(c);
  if (make_at(c, c->rec.meeting)->pick.count > 0) return true;
  return in_apic_bad(c, s->tok[2].place, "pick /POINTER;", "this request does not say where the link is in its answer");
}

bool in_apic_escalation(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "escalation meeting NAME link NAME;";
  if (c->rec.meeting != IN_NIL) return in_apic_bad(c, in_stmt_place(s), NULL, "escalation stands twice");
  if (s->ntok != 5 || s->has_block || !in_tok_is(s, 1, "meeting") || !in_apic_word(s, 2)
      || !in_tok_is(s, 3, "link") || !in_apic_word(s, 4))
    return in_apic_bad(c, in_stmt_place(s), form, "this statement has another form");
  return read_make(c, &s->tok[2], &c->rec.meeting) && read_make(c, &s->tok[4], &c->rec.link) && check_meeting(c, s);
}

/* ---- names of conversations */

static bool read_like(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "conversations like \"FORM*\" ...;";
  in_span_t forms[16];
  uint32_t n = s->ntok - 2;
  if (c->rec.named.count > 0) return in_apic_bad(c, in_stmt_place(s), NULL, "conversations like stands twice");
  if (n == 0 || n > in_countof(forms)) return in_apic_bad(c, in_stmt_place(s), form, "1 to 16 forms are wanted here");
  for (uint32_t i = 0; i < n; i++) {
    forms[i] = s->tok[i + 2].text;
    if (!in_apic_word(s, i + 2)) return in_apic_bad(c, s->tok[i + 2].place, form, "a form is wanted here");
  }
  c->rec.named = in_builder_strs(c->b, forms, n);
  return true;
}

/* before the first {id}, between the two, behind the second */
static bool split_pair(in_span_t form, in_span_t part[3]) {
  static const char hole[] = "{id}";
  for (int i = 0; i < 2; i++) {
    const char *at = form.n < 4 ? NULL : memmem(form.p, form.n, hole, 4);
    if (at == NULL) return false;
    part[i] = in_span(form.p, (size_t) (at - form.p));
    form = in_span(at + 4, form.n - part[i].n - 4);
  }
  part[2] = form;
  return form.n < 4 || memmem(form.p, form.n, hole, 4) == NULL;
}

static bool read_two(in_apic_t *c, const in_stmt_t *s) {
  static const char form[] = "conversations of two \"PRE{id}MID{id}END\" ...;";
  in_span_t parts[24];
  uint32_t n = s->ntok - 3;
  if (c->rec.pairs.count > 0) return in_apic_bad(c, in_stmt_place(s), NULL, "conversations of two stands twice");
  if (n == 0 || n > in_countof(parts) / 3) return in_apic_bad(c, in_stmt_place(s), form, "1 to 8 forms are wanted here");
  for (uint32_t i = 0; i < n; i++)
    if (!in_apic_word(s, i + 3) || !split_pair(s->tok[i + 3].text, &parts[(size_t) 3 * i]))
      return in_apic_bad(c, s->tok[i + 3].place, form, "a form with two {id} is wanted here");
  c->rec.pairs = in_builder_strs(c->b, parts, 3 * n);
  return true;
}

bool in_apic_conversations(in_apic_t *c, const in_stmt_t *s) {
  if (!s->has_block && in_tok_is(s, 1, "like")) return read_like(c, s);
  if (!s->has_block && in_tok_is(s, 1, "of") && in_tok_is(s, 2, "two")) return read_two(c, s);
  return in_apic_bad(c, in_stmt_place(s), "conversations like \"FORM*\" ...;  conversations of two \"PRE{id}MID{id}END\" ...;",
                     "this statement has another form");
}
