/*
** told.c -- what scripts were told about an event, and what each of them gave.
**
** Owns the list that the audit record tells and that a replay answers from.
** Invariants: it is bounded; the message's text is never in it, nor a text that
** a script gave; a fact that was told twice stands in it once.
*/
#include "script.h"

#define TEXT_MAX  256u                  /* bytes of a fact */

static const char *const fields[] = {
#define INTEROP_X(name, text) text,
  INTEROP_EVENT_FIELDS(INTEROP_X)
#undef INTEROP_X
};

static const char *const subjects[] = {
#define INTEROP_X(name, text) text,
  INTEROP_SCRIPT_SUBJECTS(INTEROP_X)
#undef INTEROP_X
};

in_span_t in_script_path(in_arena_t *a, in_ask_t what, uint32_t of, uint32_t number, in_span_t name) {
  if (what == IN_ASK_FIELD) return in_str(fields[of]);
  if (what == IN_ASK_COUNTER) return name;
  if (what == IN_ASK_PEOPLE) return IN_SPAN("#event.recipients");
  if (of == INTEROP_SS_RECIPIENT)
    return in_arena_printf(a, "%s[%u].%.*s", subjects[of], number + 1, (int) name.n, name.p);
  return in_arena_printf(a, "%s.%.*s", subjects[of], (int) name.n, name.p);
}

void in_script_tell_nothing(in_override_t *o) {
  o->told = NULL;
  o->told_end = &o->told;
  o->gave = NULL;
  o->gave_end = &o->gave;
  o->tolds = 0;
}

/* never content; the event's own members tell the rest of the fields, and the features */
static bool is_told(in_ask_t what, uint32_t of, const interop_value_t *v) {
  if (what == IN_ASK_FIELD) return of == INTEROP_EV_COUNTRY || of == INTEROP_EV_AGENT;
  return what == IN_ASK_COUNTER || (of != INTEROP_SS_FEATURES && v->text.n <= TEXT_MAX);
}

static bool is_there(const in_override_t *o, in_ask_t what, uint32_t of, uint32_t number, in_span_t name) {
  for (const in_script_told_t *t = o->told; t != NULL; t = t->next)
    if (t->what == what && t->of == of && t->number == number && in_eq(t->name, name)) return true;
  return false;
}

void in_script_tell(interop_judge_t *j, in_ask_t what, uint32_t of, uint32_t number, in_span_t name,
                    const interop_value_t *v) {
  in_override_t *o = &j->override;
  in_script_told_t *t;
  if (!is_told(what, of, v) || o->tolds == IN_TOLD_MAX) return;
  if (what != IN_ASK_COUNTER && is_there(o, what, of, number, name)) return;
  t = in_arena_raw(&j->arena, sizeof(*t));
  if (t == NULL) return;
  if (name.n > 0) name = in_arena_copy(&j->arena, name);
  *t = (in_script_told_t) { NULL, what, of, number, name, *v };
  *o->told_end = t;
  o->told_end = &t->next;
  o->tolds++;
}

static const char *const actions[] = {
#define INTEROP_X(name, text, verdict, may, must) text,
  INTEROP_SCRIPT_ACTIONS(INTEROP_X)
#undef INTEROP_X
};

void in_script_gave(interop_judge_t *j, const in_loaded_t *l, const interop_script_result_t *r) {
  in_override_t *o = &j->override;
  in_gave_t *g = in_arena_raw(&j->arena, sizeof(*g));
  if (g == NULL) return;
  *g = (in_gave_t) { NULL, l->stat.name, r == NULL ? IN_SPAN("failed") : IN_NONE, IN_NONE, l->source };
  for (uint32_t i = 0; r != NULL && i < r->actions; i++) {
    const interop_script_action_t *a = &r->action[i];
    if (a->kind == INTEROP_SA_NOTICE || a->kind == INTEROP_SA_SET_HEADER) continue;
    g->gave = in_str(actions[a->kind]);
    if (a->kind == INTEROP_SA_DENY) g->reason = in_arena_copy(&j->arena, a->first);
  }
  *o->gave_end = g;
  o->gave_end = &g->next;
}
