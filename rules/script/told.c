/*
** told.c -- what scripts were told about an event, and what each of them gave.
**
** Owns the list that the audit record tells and that a replay answers from.
** Invariants: it is bounded; the message's text is never in it, nor a text that
** a script gave; a fact that was told twice stands in it once.
*/
#include "script.h"

#define GAVE_MAX  16u

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

static bool is_same(const in_script_told_t *t, in_ask_t what, uint32_t of, uint32_t number, in_span_t name) {
  return t->what == what && t->of == of && t->number == number && in_eq(t->name, name);
}

void in_script_tell(interop_judge_t *j, in_ask_t what, uint32_t of, uint32_t number, in_span_t name,
                    const interop_value_t *v) {
  in_override_t *o = &j->override;
  for (uint32_t i = 0; i < o->tolds && what != IN_ASK_COUNTER; i++)
    if (is_same(&o->told[i], what, of, number, name)) return;
  if (o->told == NULL) o->told = in_arena_array(&j->arena, IN_TOLD_MAX, sizeof(*o->told));
  o->more = o->more || o->told == NULL || o->tolds == IN_TOLD_MAX;
  if (o->more) return;
  if (name.n > 0) name = in_arena_copy(&j->arena, name);
  o->told[o->tolds++] = (in_script_told_t) { what, of, number, name, *v };
}

static const char *const actions[] = {
#define INTEROP_X(name, text, verdict, may, must) text,
  INTEROP_SCRIPT_ACTIONS(INTEROP_X)
#undef INTEROP_X
};

void in_script_gave(interop_judge_t *j, const in_loaded_t *l, const interop_script_result_t *r) {
  in_override_t *o = &j->override;
  in_gave_t g = { l->stat.name, r == NULL ? IN_SPAN("failed") : IN_NONE, IN_NONE, l->source };
  for (uint32_t i = 0; r != NULL && i < r->actions; i++) {
    const interop_script_action_t *a = &r->action[i];
    if (a->kind == INTEROP_SA_NOTICE || a->kind == INTEROP_SA_SET_HEADER) continue;
    g.gave = in_str(actions[a->kind]);
    if (a->kind == INTEROP_SA_DENY) g.reason = in_arena_copy(&j->arena, a->first);
  }
  if (o->gave == NULL) o->gave = in_arena_array(&j->arena, GAVE_MAX, sizeof(*o->gave));
  if (o->gave != NULL && o->gaves < GAVE_MAX) o->gave[o->gaves++] = g;
}
