/*
** emit.c -- what was compiled to records of the image.
**
** Diagram nodes keep their order of making, in which children come before
** parents; nodes that no root reaches stay behind.
*/
#include "mdd.h"
#include "../api/api_image.h"

const uint32_t in_record_size[IN_SECTION_COUNT] = {
#define IN_X(name, type) sizeof(type),
  IN_SECTIONS(IN_X)
#undef IN_X
};

typedef struct {
  in_compile_t *c;
  in_builder_t *b;
  uint32_t *where;                /* of a node: its index in NODES + 1; 0: not reached */
} emit_t;

#define PUT(e, section, record) \
  in_builder_add((e)->b, IN_S_##section, &(record), 1, sizeof(record))

static void reach(emit_t *e, uint32_t id) {
  if ((id & (IN_LEAF | IN_LIST)) || e->where[id] != 0) return;
  e->where[id] = 1;
  for (uint32_t k = 0; k < e->c->atoms.at[in_mdd_atom(e->c, id)].classes; k++)
    reach(e, in_mdd_children(e->c, id)[k]);
}

static uint32_t place_of(const emit_t *e, uint32_t id) {
  return (id & (IN_LEAF | IN_LIST)) ? id : e->where[id] - 1;
}

static void put_nodes(emit_t *e) {
  for (uint32_t id = 0; id < in_mdd_count(e->c); id++) {
    uint32_t atom = in_mdd_atom(e->c, id), child;
    if (e->where[id] == 0) continue;
    e->where[id] = PUT(e, NODES, atom) + 1;
    for (uint32_t k = 0; k < e->c->atoms.at[atom].classes; k++) {
      child = place_of(e, in_mdd_children(e->c, id)[k]);
      PUT(e, NODES, child);
    }
  }
}

static void put_vocabulary(emit_t *e) {
  const in_vocab_t *v = &e->c->vocab;
  for (uint32_t i = 0; i < v->systems.n; i++) {
    in_pi_system_t s = { in_builder_str(e->b, v->systems.at[i].name), in_builder_str(e->b, v->systems.at[i].title), 0, 0 };
    PUT(e, SYSTEMS, s);
  }
  for (uint32_t i = 0; i < v->reasons.n; i++) {
    in_pi_reason_t r = { in_builder_str(e->b, v->reasons.at[i].name), in_builder_str(e->b, v->reasons.at[i].message),
                         v->reasons.at[i].status, v->reasons.at[i].final };
    PUT(e, REASONS, r);
  }
  for (uint32_t i = 0; i < v->sets.n; i++) {
    in_pi_set_t s = { in_builder_str(e->b, v->sets.at[i].name),
                      in_builder_strs(e->b, v->sets.at[i].member, v->sets.at[i].count) };
    PUT(e, SETS, s);
  }
}

static void put_fields(emit_t *e) {
  const in_vocab_t *v = &e->c->vocab;
  for (uint32_t i = 0; i < v->fields.n; i++) {
    const in_field_t *f = &v->fields.at[i];
    in_pi_field_t r;
    int tf = f->def == IN_DEF_TENANT ? in_vocab_field(v, INTEROP_R_TENANT, f->name) : -1;
    memset(&r, 0, sizeof(r));
    r.name = in_builder_str(e->b, f->name);
    r.hash = in_hash(f->name);
    r.default_text = in_builder_str(e->b, f->def_text.p == NULL ? IN_SPAN("") : f->def_text);
    r.default_number = f->def_number;
    r.record = (uint32_t) f->record;
    r.type = (uint32_t) f->type;
    r.default_kind = (uint32_t) f->def;
    r.names = in_builder_strs(e->b, f->value, f->values);
    r.tenant_field = tf < 0 ? IN_NIL : (uint32_t) tf;
    PUT(e, FIELDS, r);
  }
  for (uint32_t i = 0; i < e->c->slots.n; i++) {
    in_pi_slot_t s = { in_builder_str(e->b, e->c->slots.at[i].name), e->c->slots.at[i].subject, e->c->slots.at[i].field };
    PUT(e, SLOTS, s);
  }
  for (uint32_t i = 0; i < e->c->atoms.n; i++) PUT(e, ATOMS, e->c->atoms.at[i]);
}

static void put_amend(emit_t *e, in_rule_t *r, uint32_t guard) {
  in_span_t none = IN_SPAN("");
  r->amend.ops = r->ops;
  r->amend.from = r->from;
  r->amend.to = r->to;
  r->amend.crosses = e->c->policies.at[r->policy].between;
  r->amend.guard = place_of(e, guard);
  r->amend.unknown_passes = r->unknown_passes;
  r->amend.reason = r->reason < 0 ? IN_NIL : (uint32_t) r->reason;
  r->amend.member = in_builder_str(e->b, r->amend_member.p == NULL ? none : r->amend_member);
  r->amend.text = in_builder_str(e->b, r->amend_text.p == NULL ? none : r->amend_text);
  r->amend.rule = in_builder_str(e->b, r->name);
  PUT(e, AMENDS, r->amend);
}

static void put_rules(emit_t *e, const uint32_t *guards) {
  in_compile_t *c = e->c;
  for (uint32_t i = 0; i < c->rules.n; i++) {
    in_rule_t *r = &c->rules.at[i];
    if (r->kind == IN_R_TEXT) {
      r->text.guard = place_of(e, guards[i]);
      r->text.text = in_builder_str(e->b, r->text_text);
      r->text.link = in_builder_str(e->b, r->text_link.p == NULL ? IN_SPAN("") : r->text_link);
      PUT(e, TEXTS, r->text);
    } else if (r->kind == IN_R_EFFECT) {
      r->effect.guard = place_of(e, guards[i]);
      r->effect.ops = in_guard_values(c, r->when, IN_RF_OPERATION);
      r->effect.from = in_guard_values(c, r->when, IN_RF_FROM);
      r->effect.to = in_guard_values(c, r->when, IN_RF_TO) | (uint64_t) 1 << c->vocab.systems.n;
      r->effect.text = in_builder_str(e->b, r->effect_text.p == NULL ? IN_SPAN("") : r->effect_text);
      PUT(e, EFFECTS, r->effect);
    } else if (r->kind == IN_R_READING) {
      r->reading.guard = place_of(e, guards[i]);
      r->reading.unknown_passes = r->unknown_passes;
      PUT(e, READINGS, r->reading);
    } else if (r->kind == IN_R_AMEND) {
      put_amend(e, r, guards[i]);
    }
  }
}

static void put_escalations(emit_t *e) {
  for (uint32_t i = 0; i < e->c->escalations.n; i++) {
    in_escalation_t *x = &e->c->escalations.at[i];
    x->rec.text = in_builder_str(e->b, x->text);
    x->rec.subject = in_builder_str(e->b, x->subject);
    PUT(e, ESCALATIONS, x->rec);
  }
}

static void put_fanouts(emit_t *e) {
  for (uint32_t i = 0; i < e->c->fanouts.n; i++) PUT(e, FANOUTS, e->c->fanouts.at[i].rec);
}

static void put_lists(emit_t *e) {
  const in_compile_t *c = e->c;
  for (uint32_t i = 0; i < c->lists.n; i++) {
    in_pi_rule_t r = c->lists.at[i];
    if (r.op < IN_LIST_NEXT) r.guard = place_of(e, r.guard);
    PUT(e, LISTS, r);
  }
  in_builder_add(e->b, IN_S_OVERLAYS, c->overlays.at, c->overlays.n, sizeof(in_pi_overlay_t));
}

/* rules that stand outside of the cells, each with a guard of its own */
static bool has_guard(const in_rule_t *r) {
  return r->kind == IN_R_TEXT || r->kind == IN_R_EFFECT || r->kind == IN_R_READING || r->kind == IN_R_AMEND;
}

static interop_status_t emit_all(emit_t *e, uint32_t *guards, uint32_t *notices) {
  in_compile_t *c = e->c;
  for (uint32_t i = 0; i < c->rules.n; i++) {
    const in_rule_t *r = &c->rules.at[i];
    if (!has_guard(r)) continue;
    guards[i] = in_guard_mdd(c, r->when);
    if (guards[i] == IN_MDD_NONE) return c->diag->status;
  }
  e->where = in_arena_array(c->arena, in_mdd_count(c) + 1, sizeof(*e->where));
  if (e->where == NULL) return in_nomem(c);
  for (uint32_t i = 0; i < c->cell_count; i++) reach(e, c->cells[i]);
  for (uint32_t i = 0; i < c->shown_count; i++) reach(e, c->shown[i]);
  for (uint32_t i = 0; i < c->lists.n; i++)
    if (c->lists.at[i].op < IN_LIST_NEXT) reach(e, c->lists.at[i].guard);
  for (uint32_t i = 0; i < c->rules.n; i++)
    if (has_guard(&c->rules.at[i])) reach(e, guards[i]);
  for (uint32_t i = 0; i < c->vocab.notices.n; i++) reach(e, notices[i]);
  put_nodes(e);
  for (uint32_t i = 0; i < c->cell_count; i++) {
    uint32_t root = place_of(e, c->cells[i]);
    PUT(e, CELLS, root);
  }
  for (uint32_t i = 0; i < c->shown_count; i++) {
    uint32_t root = place_of(e, c->shown[i]);
    PUT(e, SHOWN, root);
  }
  for (uint32_t i = 0; i < c->vocab.notices.n; i++) {
    const in_notice_t *n = &c->vocab.notices.at[i];
    in_pi_notice_t r = { in_builder_str(e->b, n->name), n->lost, n->verdicts, place_of(e, notices[i]), 0 };
    PUT(e, NOTICES, r);
  }
  put_vocabulary(e);
  put_fields(e);
  put_rules(e, guards);
  put_escalations(e);
  put_fanouts(e);
  put_lists(e);
  in_scripts_emit(c);
  for (uint32_t i = 0; i < c->outcomes.n; i++) PUT(e, OUTCOMES, c->outcomes.at[i]);
  return INTEROP_OK;
}

/* notices' guards were parsed into expressions by compile.c: notice_when */
interop_status_t in_emit(in_compile_t *c, void **image, size_t *size) {
  emit_t e = { c, &c->builder, NULL };
  uint32_t *guards = in_arena_array(c->arena, c->rules.n + 1, sizeof(*guards));
  uint32_t *notices = in_arena_array(c->arena, c->vocab.notices.n + 1, sizeof(*notices));
  interop_status_t rc;
  if (guards == NULL || notices == NULL) return in_nomem(c);
  for (uint32_t i = 0; i < c->vocab.notices.n; i++) {
    notices[i] = c->notice_when[i] == NULL ? (IN_LEAF | IN_OUTCOME_FALSE) : in_guard_mdd(c, c->notice_when[i]);
    if (notices[i] == IN_MDD_NONE) return c->diag->status;
  }
  rc = emit_all(&e, guards, notices);
  if (rc == INTEROP_OK) rc = in_builder_finish(&c->builder, in_record_size, c->alloc, image, size);
  return rc == INTEROP_NOMEM ? in_nomem(c) : rc;
}
