/*
** fanout.c -- requests of which each system gets a verdict of its own.
**
**   per_recipient API ... [for OPERATION ...];
**
** Owns the statement, and what it needs: operations that are sent to all of a
** conversation, an API that has one of them, systems whose names can be keys of
** a header. What becomes of such a request is judge/fanout.c's.
*/
#include "compile.h"
#include "meant.h"
#include "../api/api_image.h"

/* what one body says to several systems at once: not what is asked of one, read, or made */
static const interop_operation_t sent[] = {
  INTEROP_OP_MESSAGE_SEND, INTEROP_OP_MESSAGE_REPLY, INTEROP_OP_MESSAGE_EDIT, INTEROP_OP_MESSAGE_DELETE,
  INTEROP_OP_MESSAGE_UNDELETE, INTEROP_OP_REACTION_ADD, INTEROP_OP_REACTION_REMOVE, INTEROP_OP_TYPING,
  INTEROP_OP_READ_RECEIPT,
};

static const char form[] = "per_recipient API ... [for OPERATION ...];";

static bool bad(in_compile_t *c, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(c->diag, INTEROP_SYNTAX, place, "%s", msg);
  in_diag_hint(c->diag, "%s", hint);
  return false;
}

static uint64_t all_sent(void) {
  uint64_t ops = 0;
  for (size_t i = 0; i < in_countof(sent); i++) ops |= (uint64_t) 1 << sent[i];
  return ops;
}

/* ---- the operations */

/* the word that means it: its name, or the beginning of it with .* or * */
static in_place_t place_of(const in_stmt_t *s, uint32_t at, in_span_t op) {
  while (at < s->ntok) {
    in_span_t w = s->tok[at].text;
    if (in_eq(w, op) || (in_ends(w, IN_SPAN("*")) && in_starts(op, in_span(w.p, w.n - 1)))) break;
    at++;
  }
  return in_stmt_at(s, at);
}

static bool not_sent(in_compile_t *c, const in_stmt_t *s, uint32_t at, uint64_t ops) {
  interop_alloc_t alloc = in_arena_alloc(c->arena);
  uint32_t op = 0;
  in_buf_t b;
  while (!(ops >> op & 1)) op++;
  in_buf_init(&b, &alloc);
  for (size_t i = 0; i < in_countof(sent); i++)
    in_buf_printf(&b, "%s%s", i > 0 ? ", " : "", interop_operation_name(sent[i]));
  in_diag_at(c->diag, INTEROP_SYNTAX, place_of(s, at, in_str(interop_operation_name((interop_operation_t) op))),
             "%s is not sent to several systems at once", interop_operation_name((interop_operation_t) op));
  in_diag_hint(c->diag, "%.*s are", (int) b.n, b.p);
  return b.failed ? (in_nomem(c), false) : false;
}

/* from `for` on, if it is there; *apis: where the names of APIs end */
static bool read_ops(in_compile_t *c, const in_stmt_t *s, uint32_t *apis, uint64_t *ops) {
  uint32_t at = 1;
  while (at < s->ntok && !in_tok_is(s, at, "for")) at++;
  *apis = at;
  *ops = all_sent();
  if (at == s->ntok) return true;
  at++;
  if (!in_policy_ops(c, s, &at, ops)) return false;
  if (at < s->ntok) return in_meant_operation(c, &s->tok[at], form);
  return (*ops & ~all_sent()) == 0 || not_sent(c, s, *apis + 1, *ops & ~all_sent());
}

/* ---- the APIs: they are compiled later, in the order of the source */

static bool unknown_api(in_compile_t *c, const in_tok_t *tok) {
  in_span_t *names;
  uint32_t n = 0;
  for (const in_stmt_t *a = c->stmts; a != NULL; a = a->next) n += in_tok_is(a, 0, "api");
  names = in_arena_array(c->arena, n + 1, sizeof(*names));
  if (names == NULL) return in_nomem(c), false;
  n = 0;
  for (const in_stmt_t *a = c->stmts; a != NULL; a = a->next)
    if (in_tok_is(a, 0, "api") && a->ntok > 1) names[n++] = a->tok[1].text;
  in_vocab_unknown(&c->vocab, "API", tok, names, n, c->diag);
  return false;
}

/* its number; its definition may still be found to be wrong */
static const in_stmt_t *find_api(const in_compile_t *c, in_span_t name, uint32_t *number) {
  *number = 0;
  for (const in_stmt_t *a = c->stmts; a != NULL; a = a->next) {
    if (!in_tok_is(a, 0, "api")) continue;
    if (a->ntok > 3 && in_eq(a->tok[1].text, name)) return a;
    ++*number;
  }
  return NULL;
}

static bool said_before(const in_compile_t *c, uint32_t api, uint64_t ops) {
  for (uint32_t i = 0; i < c->fanouts.n; i++)
    if (c->fanouts.at[i].rec.api == api && (c->fanouts.at[i].rec.ops & ops) != 0) return true;
  return false;
}

static bool read_api(in_compile_t *c, const in_tok_t *tok, const in_policy_t *p, uint64_t ops) {
  in_fanout_t f = { { ops, 0, 0 }, tok->place };
  const in_stmt_t *api = tok->kind == IN_TOK_WORD ? find_api(c, tok->text, &f.rec.api) : NULL;
  int system = api == NULL ? -1 : in_vocab_system(&c->vocab, api->tok[3].text);
  if (api == NULL) return unknown_api(c, tok);
  if (system >= 0 && !(p->from >> system & 1))
    return bad(c, tok->place, "this policy is not for what comes from there", "see on, everywhere in the policy's first line");
  if (said_before(c, f.rec.api, ops)) return bad(c, tok->place, "this is said of the API already", "once for each operation");
  return in_vec_push(c->arena, &c->fanouts, f) || (in_nomem(c), false);
}

/* ---- the statement */

/* RFC 9651: the key of a dictionary */
static bool is_key(in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    bool letter = s.p[i] >= 'a' && s.p[i] <= 'z';
    if (!letter && (i == 0 || !((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_' || s.p[i] == '-' || s.p[i] == '.'))) return false;
  }
  return s.n > 0;
}

static bool check_systems(in_compile_t *c, const in_stmt_t *s) {
  for (uint32_t i = 0; i < c->vocab.systems.n; i++) {
    in_span_t name = c->vocab.systems.at[i].name;
    if (is_key(name)) continue;
    in_diag_at(c->diag, INTEROP_SYNTAX, in_stmt_place(s), "the system \"%.*s\" cannot be named in a header", (int) name.n, name.p);
    in_diag_hint(c->diag, "a lower-case letter, then lower-case letters, digits and _ - .");
    return false;
  }
  return true;
}

bool in_fanout_read(in_compile_t *c, const in_stmt_t *s, const in_policy_t *p) {
  uint32_t apis;
  uint64_t ops;
  uint64_t everyone = (uint64_t) 1 << c->vocab.systems.n;        /* also who reads nobody knows where */
  if (s->has_block) return bad(c, s->open, "a block has no meaning here", "end the statement with ';'");
  if (!(p->to & everyone))
    return bad(c, in_stmt_place(s), "per_recipient is for all that an API's clients send, wherever it goes",
               "in a policy on SYSTEM, or everywhere");
  if (!read_ops(c, s, &apis, &ops) || !check_systems(c, s)) return false;
  if (apis == 1) return bad(c, in_stmt_at(s, 1), "an API is missing here", form);
  for (uint32_t i = 1; i < apis; i++)
    if (!read_api(c, &s->tok[i], p, ops)) return false;
  return true;
}

/* ---- when the APIs are known */

interop_status_t in_fanouts_check(in_compile_t *c) {
  const in_ai_api_t *a = (const in_ai_api_t *) (const void *) c->builder.section[IN_S_APIS].p;
  const in_ai_operation_t *o = (const in_ai_operation_t *) (const void *) c->builder.section[IN_S_OPERATIONS].p;
  for (uint32_t i = 0; i < c->fanouts.n; i++) {
    const in_fanout_t *f = &c->fanouts.at[i];
    in_run_t run = a[f->rec.api].operations;
    uint32_t k = 0;
    while (k < run.count && !(f->rec.ops >> o[run.first + k].operation & 1)) k++;
    if (k < run.count) continue;
    bad(c, f->place, "this API has none of these operations", form);
    return INTEROP_SYNTAX;
  }
  return INTEROP_OK;
}
