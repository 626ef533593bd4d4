/*
** replay.c -- see replay.h.
**
** The facts that were recorded become records of the subjects they belong to, so
** that values are sorted into classes by the code that decides at the edge; which
** atoms are asked, and in which order, the policy's own diagrams say.
*/
#include "replay.h"
#include "../store/record.h"

in_span_t in_replay_text(yyjson_val *object, const char *name) {
  yyjson_val *v = yyjson_obj_get(object, name);
  return yyjson_is_str(v) ? in_span(yyjson_get_str(v), yyjson_get_len(v)) : IN_NONE;
}

static interop_status_t nothing(void *ctx, interop_record_kind_t kind, in_span_t key, in_span_t *record) {
  (void) ctx;
  (void) kind;
  (void) key;
  (void) record;
  return INTEROP_MISSING;
}

static const interop_source_t no_source = { .lookup = nothing };

/* ---- values */

static bool items_of(in_replay_t *r, yyjson_val *list, interop_value_t *value) {
  interop_alloc_t alloc = in_arena_alloc(r->arena);
  uint32_t count = 0;
  size_t i, n;
  yyjson_val *v;
  in_buf_t b;
  in_buf_init(&b, &alloc);
  yyjson_arr_foreach(list, i, n, v) {
    if (!yyjson_is_str(v)) continue;      /* audit.c writes none */
    in_pack_item(&b, in_span(yyjson_get_str(v), yyjson_get_len(v)), IN_NONE);
    count++;
  }
  *value = in_value_list(b.n > 0 ? in_buf_span(&b) : IN_SPAN(""), count);
  return !b.failed;
}

bool in_replay_value(in_replay_t *r, yyjson_val *v, interop_value_t *value) {
  memset(value, 0, sizeof(*value));
  if (yyjson_is_arr(v)) return items_of(r, v, value);
  if (yyjson_is_bool(v)) {
    value->type = INTEROP_T_FLAG;
    value->number = yyjson_get_bool(v);
  } else if (yyjson_is_int(v)) {
    value->type = INTEROP_T_NUMBER;
    value->number = yyjson_get_sint(v);
  } else if (yyjson_is_str(v)) {
    *value = in_value_text(in_span(yyjson_get_str(v), yyjson_get_len(v)));
  }
  return true;
}

/* ---- facts of the request: from the event's own members, else from `facts` */

static void set_text(in_replay_t *r, uint32_t field, in_span_t text) {
  r->facts.request[field].known = text.p != NULL;
  r->facts.request[field].text = text;
}

static bool set_time(in_replay_t *r) {
  int64_t now;
  if (!in_time_parse(in_replay_text(r->judged, "now"), &now)) return false;
  r->facts.request[IN_RF_NOW].known = true;
  r->facts.request[IN_RF_NOW].number = now;
  return true;
}

static void set_number(in_replay_t *r, uint32_t field, int64_t number) {
  r->facts.request[field].known = true;
  r->facts.request[field].number = number;
}

static void set_event(in_replay_t *r) {
  yyjson_val *features = yyjson_obj_get(r->judged, "features");
  set_text(r, IN_RF_CARD, in_replay_text(r->judged, "card"));
  set_text(r, IN_RF_SENDER_ID, in_replay_text(r->judged, "sender"));
  set_number(r, IN_RF_OPERATION, r->event.operation);
  set_number(r, IN_RF_KIND, r->event.kind);
  set_number(r, IN_RF_FROM, r->event.from);
  set_number(r, IN_RF_RECIPIENTS, yyjson_get_sint(yyjson_obj_get(r->judged, "recipient_count")));
  for (uint32_t f = 0; f < INTEROP_FEATURE_COUNT; f++)
    set_number(r, IN_RF_FEATURE + f, yyjson_obj_get(features, interop_feature_name((interop_feature_t) f)) != NULL);
}

static void set_recipient(in_replay_t *r) {
  yyjson_val *federated = yyjson_obj_get(r->recipient, "federated");
  set_text(r, IN_RF_RECIPIENT_ID, in_replay_text(r->recipient, "id"));
  r->facts.request[IN_RF_TO].known = r->event.to < r->policy->img.count[IN_S_SYSTEMS];
  r->facts.request[IN_RF_TO].number = r->event.to;
  r->facts.request[IN_RF_FEDERATED].known = federated != NULL;
  r->facts.request[IN_RF_FEDERATED].number = yyjson_get_bool(federated);
}

/* does a member of the event tell it? */
static bool of_event(const in_pi_slot_t *s) {
  switch (s->field) {
    case IN_RF_NAMED: case IN_RF_SENDER_NAMED: case IN_RF_CLIENT_COUNTRY: case IN_RF_CLIENT_AGENT: case IN_RF_SYSTEMS: return false;
    default: return true;
  }
}

/* ---- recorded facts: to the request, or to the draft of their subject's record */

static bool take_fact(in_replay_t *r, uint32_t slot, yyjson_val *v, in_draft_t *drafts) {
  const in_image_t *img = &r->policy->img;
  const in_pi_slot_t *s = in_slot(img, slot);
  interop_value_t value;
  r->told[slot] = yyjson_is_null(v) ? 1 : 2;
  if (s->subject == IN_SUB_REQUEST && yyjson_is_arr(v)) {
    if (!in_replay_value(r, v, &value)) return false;
    r->facts.request[s->field] = (in_value_t) { true, value.count, 0, value.text };
    return true;
  }
  if (s->subject == IN_SUB_REQUEST) {
    set_text(r, s->field, yyjson_is_str(v) ? in_span(yyjson_get_str(v), yyjson_get_len(v)) : IN_NONE);
    return true;
  }
  if (yyjson_is_null(v)) return true;
  if (!in_replay_value(r, v, &value)) return false;
  in_draft_set(&drafts[s->subject], in_image_str(img, in_field(img, s->field)->name), &value);
  return true;
}

static bool take_facts(in_replay_t *r, in_draft_t *drafts) {
  const in_image_t *img = &r->policy->img;
  yyjson_val *shared = yyjson_obj_get(r->judged, "facts"), *own = yyjson_obj_get(r->recipient, "facts");
  for (uint32_t i = 0; i < img->count[IN_S_SLOTS]; i++) {
    const in_pi_slot_t *s = in_slot(img, i);
    in_span_t name = in_image_str(img, s->name);
    yyjson_val *v = yyjson_obj_getn(in_slot_of_recipient(img, i) ? own : shared, name.p, name.n);
    r->told[i] = s->subject == IN_SUB_REQUEST && of_event(s) ? 2 : 0;
    if (v != NULL && r->told[i] == 0 && !take_fact(r, i, v, drafts)) return false;
  }
  return true;
}

static bool make_rows(in_replay_t *r, in_draft_t *drafts) {
  interop_alloc_t alloc = in_arena_alloc(r->arena);
  for (int i = 0; i < IN_SUBJECT_COUNT; i++) {
    in_span_t record;
    in_row_t *row;
    if (in_draft_pack(&drafts[i], &alloc, &record, NULL) != INTEROP_OK) return false;
    row = in_row_copy(r->policy, record, r->arena);
    if (row == NULL) return false;
    in_facts_set(&r->facts, (in_subject_t) i, row);
  }
  return true;
}

static bool fill_facts(in_replay_t *r) {
  in_draft_t drafts[IN_SUBJECT_COUNT];
  for (int i = 0; i < IN_SUBJECT_COUNT; i++) in_draft_init(&drafts[i], r->arena);
  memset(r->facts.class_, IN_NOT_YET, in_class_bytes(r->policy));
  memset(r->facts.request, 0, sizeof(r->facts.request));
  set_event(r);
  set_recipient(r);
  return set_time(r) && take_facts(r, drafts) && make_rows(r, drafts);
}

/* ---- deciding */

static in_replayed_t ended(in_replay_status_t status, in_span_t missing) {
  in_replayed_t x = { status, IN_NIL, missing };
  return x;
}

/* the atom's class, if the record tells it; false: *x tells why not */
static bool look(in_replay_t *r, uint32_t atom, in_replayed_t *x) {
  const in_image_t *img = &r->policy->img;
  const in_pi_atom_t *a = in_atom(img, atom);
  unsigned first = r->told[a->slot], second = a->slot_b == IN_NIL ? 2 : r->told[a->slot_b];
  if (first == 1 || (first == 2 && second == 1)) {
    r->facts.class_[atom] = 0;
    return true;
  }
  if (first == 2 && second == 2) {
    if (in_facts_look(&r->facts, atom)) return true;
    *x = ended(IN_REPLAY_FAILED, IN_NONE);
    return false;
  }
  *x = ended(IN_REPLAY_NO_FACT, in_image_str(img, in_slot(img, first == 0 ? a->slot : a->slot_b)->name));
  return false;
}

/* the tenant's own rules stand over what is decided for all */
static bool over(in_replay_t *r, in_replayed_t *x) {
  const in_image_t *img = &r->policy->img;
  uint32_t list, o, need;
  if (in_overlay_slot(img) == IN_NIL) return true;
  list = in_overlay_find(img, in_replay_text(r->judged, "tenant"));
  if (list == IN_NIL) return true;
  while ((o = in_list_walk(img, list, &r->event, r->facts.class_, &need)) == IN_NIL)
    if (!look(r, need, x)) return false;
  if (o != IN_NOTHING && in_outcome_stricter(img, o, x->outcome)) x->outcome = o;
  return true;
}

static in_replayed_t decide(in_replay_t *r) {
  const in_image_t *img = &r->policy->img;
  in_replayed_t x = ended(IN_REPLAY_DECIDED, IN_NONE);
  uint32_t need, node;
  node = in_table(img, CELLS, uint32_t)[in_cell(img->count[IN_S_SYSTEMS], r->event.operation, r->event.kind,
                                                r->event.from, r->event.to)];
  while ((x.outcome = in_walk(img, r->facts.class_, &node, &need)) == IN_NIL)
    if (!look(r, need, &x)) return x;
  over(r, &x);
  return x;
}

/* false: *x tells why it cannot be decided again */
static bool begin(in_replay_t *r, yyjson_val *recipient, in_replayed_t *x) {
  in_span_t system = in_replay_text(recipient, "system");
  *x = ended(IN_REPLAY_DECIDED, IN_NONE);
  r->recipient = recipient;
  r->event.to = r->policy->img.count[IN_S_SYSTEMS];
  if (system.p != NULL) r->event.to = in_find_system(&r->policy->img, system);
  if (r->event.to == IN_NIL) *x = ended(IN_REPLAY_UNKNOWN, system);
  else if (!fill_facts(r)) *x = ended(IN_REPLAY_FAILED, IN_NONE);
  return x->status == IN_REPLAY_DECIDED;
}

in_replayed_t in_replay_recipient(in_replay_t *r, yyjson_val *recipient) {
  in_replayed_t x;
  return begin(r, recipient, &x) ? decide(r) : x;
}

in_replayed_t in_replay_final(in_replay_t *r, yyjson_val *recipient, uint32_t list, bool *holds) {
  in_replayed_t x;
  uint32_t need, o;
  if (!begin(r, recipient, &x)) return x;
  while ((o = in_list_final(&r->policy->img, list, &r->event, r->facts.class_, &need)) == IN_NIL)
    if (!look(r, need, &x)) return x;
  *holds = o != IN_NOTHING;
  return x;
}

/* ---- a record */

static uint32_t operation_of(in_span_t name) {
  uint32_t i = 0;
  while (i < INTEROP_OPERATION_COUNT && !in_eq(in_str(interop_operation_name((interop_operation_t) i)), name)) i++;
  return i;
}

static uint32_t kind_of(in_span_t name) {
  uint32_t i = 0;
  while (i < INTEROP_KIND_COUNT && !in_eq(in_str(interop_kind_name((interop_kind_t) i)), name)) i++;
  return i;
}

bool in_replay_begin(in_replay_t *r, const interop_policy_t *policy, yyjson_val *judged, in_arena_t *arena) {
  int64_t now;
  memset(r, 0, sizeof(*r));
  r->policy = policy;
  r->arena = arena;
  r->judged = judged;
  r->event.operation = operation_of(in_replay_text(judged, "operation"));
  r->event.kind = kind_of(in_replay_text(judged, "kind"));
  r->event.from = in_find_system(&policy->img, in_replay_text(judged, "from"));
  if (r->event.operation == INTEROP_OPERATION_COUNT || r->event.kind == INTEROP_KIND_COUNT || r->event.from == IN_NIL
      || !yyjson_is_arr(yyjson_obj_get(judged, "recipients")) || !in_time_parse(in_replay_text(judged, "now"), &now)) return false;
  r->told = in_arena_get(arena, (size_t) policy->img.count[IN_S_SLOTS] + 1);
  if (r->told == NULL || in_facts_init(&r->facts, policy, arena) != INTEROP_OK) return false;
  r->facts.source = &no_source;
  r->facts.fetched = true;
  return true;
}

void in_replay_end(in_replay_t *r) {
  if (r->facts.policy != NULL) in_facts_free(&r->facts);
}
