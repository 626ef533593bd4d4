/*
** escalation.c -- what an escalation from a system to another says.
**
**   escalation A -> B {
**       text "...{link}..." [from FACT];   subject "...";   window 15m;   [wait 10s;]
**       no_meeting REASON;  [no_link REASON;]  not_told REASON;  busy REASON;
**   }
**
** Owns these blocks, and the proof that every row that escalates has one, and
** that an API of the system it comes from says how a meeting is made.
*/
#include "compile.h"
#include "expr.h"
#include "../api/api_image.h"

typedef struct {
  in_compile_t *c;
  in_escalation_t e;
  unsigned seen;                  /* bit per row of `rows` */
} block_t;

static bool bad(block_t *k, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(k->c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(k->c->diag, "%s", hint);
  return false;
}

/* "90", "30s", "15m", "12h", "7d" */
static bool seconds(in_span_t s, uint32_t *to) {
  static const struct { char unit; uint32_t factor; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
  uint32_t factor = 1;
  int64_t n;
  for (size_t i = 0; i < in_countof(units) && s.n > 1; i++) {
    if (s.p[s.n - 1] != units[i].unit) continue;
    factor = units[i].factor;
    s.n--;
    break;
  }
  if (!in_vocab_number(s, &n) || n < 1 || n > 31622400 / (int64_t) factor) return false;
  *to = (uint32_t) n * factor;
  return true;
}

static bool read_text(block_t *k, const in_stmt_t *s) {
  static const char form[] = "text \"...{link}...\" [from FACT];";
  if ((s->ntok != 2 && s->ntok != 4) || s->tok[1].kind != IN_TOK_STRING || (s->ntok == 4 && !in_tok_is(s, 2, "from")))
    return bad(k, in_stmt_place(s), "the message that tells the link is wanted here", form);
  k->e.text = s->tok[1].text;
  if (memmem(k->e.text.p, k->e.text.n, "{link}", 6) == NULL)
    return bad(k, s->tok[1].place, "this text does not say where to join", form);
  if (s->ntok == 2) return true;
  k->e.rec.text_slot = in_expr_slot(k->c, &s->tok[3], -1);
  if (k->e.rec.text_slot == IN_NIL) return false;
  if (k->c->slots.at[k->e.rec.text_slot].type != IN_T_TEXT && k->c->slots.at[k->e.rec.text_slot].type != IN_T_CODE)
    return bad(k, s->tok[3].place, "this fact is no text", NULL);
  return true;
}

static bool read_subject(block_t *k, const in_stmt_t *s) {
  if (s->ntok != 2 || s->tok[1].kind != IN_TOK_STRING)
    return bad(k, in_stmt_place(s), "the meeting's subject is wanted here", "subject \"...\";");
  k->e.subject = s->tok[1].text;
  return true;
}

static bool read_time(block_t *k, const in_stmt_t *s, uint32_t *to) {
  return (s->ntok == 2 && seconds(s->tok[1].text, to))
         || bad(k, in_stmt_at(s, 1), "a time of at most a year is wanted here", "30s, 15m, 12h, 7d");
}

static bool read_window(block_t *k, const in_stmt_t *s) { return read_time(k, s, &k->e.rec.window); }
static bool read_wait(block_t *k, const in_stmt_t *s) { return read_time(k, s, &k->e.rec.wait); }

static bool read_reason(block_t *k, const in_stmt_t *s, uint32_t *to) {
  int r = s->ntok == 2 ? in_vocab_reason(&k->c->vocab, s->tok[1].text) : -1;
  if (s->ntok != 2) return bad(k, in_stmt_at(s, 1), "one reason is wanted here", NULL);
  if (r < 0) return in_vocab_no(&k->c->vocab, IN_W_REASON, &s->tok[1], k->c->diag), false;
  k->c->vocab.reasons.at[r].used = true;
  *to = (uint32_t) r;
  return true;
}

static bool read_no_meeting(block_t *k, const in_stmt_t *s) { return read_reason(k, s, &k->e.rec.no_meeting); }
static bool read_no_link(block_t *k, const in_stmt_t *s) { return read_reason(k, s, &k->e.rec.no_link); }
static bool read_not_told(block_t *k, const in_stmt_t *s) { return read_reason(k, s, &k->e.rec.not_told); }
static bool read_busy(block_t *k, const in_stmt_t *s) { return read_reason(k, s, &k->e.rec.busy); }

static const struct { const char *word; bool (*read)(block_t *k, const in_stmt_t *s); bool optional; } rows[] = {
  { "text", read_text, false }, { "subject", read_subject, false }, { "window", read_window, false },
  { "no_meeting", read_no_meeting, false }, { "not_told", read_not_told, false }, { "busy", read_busy, false },
  { "no_link", read_no_link, true }, { "wait", read_wait, true },
};

static bool read_row(block_t *k, const in_stmt_t *s) {
  in_span_t names[in_countof(rows)];
  for (size_t i = 0; i < in_countof(rows); i++) {
    if (!in_tok_is(s, 0, rows[i].word)) continue;
    if (s->has_block) return bad(k, s->open, "a block has no meaning here", "end the statement with ';'");
    if (k->seen >> i & 1) return bad(k, in_stmt_place(s), "this stands twice", NULL);
    k->seen |= 1u << i;
    return rows[i].read(k, s);
  }
  for (size_t i = 0; i < in_countof(rows); i++) names[i] = in_str(rows[i].word);
  in_vocab_unknown(&k->c->vocab, "statement", &s->tok[0], names, in_countof(names), k->c->diag);
  return false;
}

static bool complete(block_t *k, in_place_t place) {
  for (size_t i = 0; i < in_countof(rows); i++) {
    if (rows[i].optional || (k->seen >> i & 1)) continue;
    in_diag_at(k->c->diag, INTEROP_SYNTAX, place, "this escalation does not say its %s", rows[i].word);
    return false;
  }
  if (k->e.rec.no_link == IN_NIL) k->e.rec.no_link = k->e.rec.no_meeting;
  return true;
}

static const in_escalation_t *find(const in_compile_t *c, uint32_t from, uint32_t to) {
  for (uint32_t i = 0; i < c->escalations.n; i++)
    if (c->escalations.at[i].rec.from == from && c->escalations.at[i].rec.to == to) return &c->escalations.at[i];
  return NULL;
}

bool in_escalation_read(in_compile_t *c, const in_stmt_t *s, uint32_t from, uint32_t to) {
  block_t k;
  memset(&k, 0, sizeof(k));
  k.c = c;
  k.e.place = in_stmt_place(s);
  k.e.rec.from = from;
  k.e.rec.to = to;
  k.e.rec.text_slot = k.e.rec.no_link = IN_NIL;
  k.e.rec.wait = 10;
  if (find(c, from, to) != NULL) return bad(&k, k.e.place, "this direction has an escalation already", NULL);
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
    if (!read_row(&k, b)) return false;
  if (!complete(&k, k.e.place)) return false;
  return in_vec_push(c->arena, &c->escalations, k.e) || (in_nomem(c), false);
}

/* ---- what rows need */

static bool system_can(const in_compile_t *c, uint32_t system) {
  const in_ai_api_t *a = (const in_ai_api_t *) (const void *) c->builder.section[IN_S_APIS].p;
  uint32_t n = in_builder_count(&c->builder, IN_S_APIS, sizeof(*a));
  for (uint32_t i = 0; i < n; i++)
    if (a[i].system == system && a[i].meeting != IN_NIL) return true;
  return false;
}

static interop_status_t check_direction(in_compile_t *c, const in_rule_t *r, uint32_t from, uint32_t to) {
  in_span_t a = c->vocab.systems.at[from].name, b = c->vocab.systems.at[to].name;
  if (find(c, from, to) == NULL) {
    in_diag_at(c->diag, INTEROP_SYNTAX, r->place, "nothing says what an escalation from %.*s to %.*s is", (int) a.n, a.p,
               (int) b.n, b.p);
    in_diag_hint(c->diag, "escalation %.*s -> %.*s { text \"Join: {link}\"; subject \"Meeting\"; window 15m; ... }", (int) a.n, a.p,
                 (int) b.n, b.p);
    return INTEROP_SYNTAX;
  }
  if (system_can(c, from)) return INTEROP_OK;
  in_diag_at(c->diag, INTEROP_SYNTAX, r->place, "no API of %.*s says how a meeting is made", (int) a.n, a.p);
  in_diag_hint(c->diag, "in an api block: escalation meeting NAME link NAME;");
  return INTEROP_SYNTAX;
}

static interop_status_t check_rule(in_compile_t *c, const in_rule_t *r) {
  interop_status_t rc = INTEROP_OK;
  if (r->kind != IN_R_ROW || r->verdict != INTEROP_V_ESCALATE) return rc;
  for (uint32_t from = 0; from < c->vocab.systems.n; from++)
    for (uint32_t to = 0; to < c->vocab.systems.n && rc == INTEROP_OK; to++)
      if ((r->from >> from & 1) && (r->to >> to & 1)) rc = check_direction(c, r, from, to);
  return rc;
}

interop_status_t in_escalations_check(in_compile_t *c) {
  interop_status_t rc = INTEROP_OK;
  for (uint32_t i = 0; i < c->rules.n && rc == INTEROP_OK; i++) rc = check_rule(c, &c->rules.at[i]);
  for (uint32_t i = 0; i < c->tenant_rules.n && rc == INTEROP_OK; i++) rc = check_rule(c, &c->tenant_rules.at[i]);
  return rc;
}
