/*
** expr_toggle.c -- toggles in guards.
**
**   toggle NAME [of TENANT] is [not] (on | off)
**
** A toggle is a tenant's field with the values unset, on and off; unset means
** the default, which may be a guard of its own about that tenant. Without `of`
** it is on where every party's tenant has it on.
*/
#include "expr.h"

static in_expr_t *toggle_field(exp_t *e, const in_toggle_t *t, int tenant, uint64_t values) {
  const in_field_t *f = &e->c->vocab.fields.at[t->field];
  in_pred_t p = new_predicate(e, IN_P_EQ, in_record_slot(e->c, tenant, f->name));
  p.values = values;
  return p.slot == IN_NIL ? NULL : predicate(e, &p);
}

/* is it on the way to itself? */
static bool is_open(const exp_t *e, int toggle) {
  for (const exp_t *x = e; x->outer != NULL; x = x->outer)
    if (x->toggle == toggle) return true;
  return false;
}

/* is the toggle on by default for this tenant? */
static in_expr_t *toggle_default(exp_t *e, const in_toggle_t *t, int tenant) {
  int index = (int) (t - e->c->vocab.toggles.at);
  exp_t sub = *e;
  in_expr_t *x;
  if (t->on_when == NULL) return node(e, t->default_on ? IN_E_TRUE : IN_E_FALSE, NULL, NULL);
  if (is_open(e, index)) return fail(e, t->place, "this toggle's default depends on itself", NULL);
  sub.s = t->on_when;
  sub.at = t->on_when_at;
  sub.tenant = tenant;
  sub.party = -1;
  sub.outer = e;
  sub.toggle = index;
  x = in_exp_guard(&sub);
  if (x != NULL && sub.at < sub.s->ntok) return fail(&sub, here(&sub), "this word has no meaning in a guard", NULL);
  return x;
}

#define VALUE_UNSET 1u
#define VALUE_ON    2u
#define VALUE_OFF   4u

static in_expr_t *toggle_of(exp_t *e, const in_toggle_t *t, int tenant, in_toggle_state_t state) {
  in_expr_t *x;
  if (state == IN_TG_OFF_EXPLICIT) return toggle_field(e, t, tenant, VALUE_OFF);
  x = toggle_default(e, t, tenant);
  if (state != IN_TG_ON) x = negate(e, x);
  x = both(e, IN_E_AND, toggle_field(e, t, tenant, VALUE_UNSET), x);
  if (state == IN_TG_OFF_DEFAULT) return x;
  return both(e, IN_E_OR, toggle_field(e, t, tenant, state == IN_TG_ON ? VALUE_ON : VALUE_OFF), x);
}

/* every party's tenant must have it on; off is: some party's tenant has it off */
static in_expr_t *toggle_parties(exp_t *e, const in_toggle_t *t, in_toggle_state_t state) {
  return both(e, state == IN_TG_ON ? IN_E_AND : IN_E_OR,
              toggle_of(e, t, IN_SUB_SENDER_TENANT, state),
              toggle_of(e, t, IN_SUB_RECIPIENT_TENANT, state));
}

static int tenant_subject(const exp_t *e) {
  static const int tenants[] = { IN_SUB_SENDER_TENANT, IN_SUB_RECIPIENT_TENANT, IN_SUB_CONVERSATION_TENANT };
  for (size_t i = 0; i < in_countof(tenants); i++)
    if (is(e, in_subject_text(tenants[i]))) return tenants[i];
  return -1;
}

in_expr_t *in_exp_toggle(exp_t *e) {
  int t, of = e->tenant;
  bool inverse, on;
  in_toggle_state_t state;
  in_expr_t *x;
  const in_toggle_t *tg;
  e->at++;
  if (e->at >= e->s->ntok) return fail(e, here(e), "the name of a toggle is missing here", "toggle NAME is on");
  t = in_vocab_toggle(&e->c->vocab, e->s->tok[e->at].text);
  if (t < 0) {
    in_vocab_no(&e->c->vocab, IN_W_TOGGLE, &e->s->tok[e->at], e->c->diag);
    return NULL;
  }
  e->c->vocab.toggles.at[t].used = true;
  e->at++;
  if (take(e, "of")) {
    of = tenant_subject(e);
    if (of < 0) return fail(e, here(e), "a tenant is wanted here", "sender.tenant, recipient.tenant or conversation.tenant");
    e->at++;
  }
  if (!take(e, "is")) return fail(e, here(e), "`is on` or `is off` is missing here", "toggle NAME is on");
  inverse = take(e, "not");
  on = is(e, "on");
  if (!take(e, "on") && !take(e, "off")) return fail(e, here(e), "a toggle is on or off", "is on, is off, is not on");
  state = on ? IN_TG_ON : IN_TG_OFF;
  if (!on && !inverse && e->view.toggle == t) state = e->view.state;
  tg = &e->c->vocab.toggles.at[t];
  x = of >= 0 ? toggle_of(e, tg, of, state) : toggle_parties(e, tg, state);
  return inverse ? negate(e, x) : x;
}

/* toggle NAME [of TENANT] is off: of a toggle that has a reason to be off by default */
int in_expr_toggle_because(const in_compile_t *c, const in_stmt_t *s, uint32_t at) {
  for (uint32_t i = at; i + 1 < s->ntok; i++) {
    uint32_t is_at = in_tok_is(s, i + 2, "of") ? i + 4 : i + 2;
    int t;
    if (!in_tok_is(s, i, "toggle") || !in_tok_is(s, is_at, "is") || !in_tok_is(s, is_at + 1, "off")) continue;
    t = in_vocab_toggle(&c->vocab, s->tok[i + 1].text);
    if (t >= 0 && c->vocab.toggles.at[t].because >= 0) return t;
  }
  return -1;
}
