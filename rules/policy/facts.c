/*
** facts.c -- the facts of one request, looked up when they are asked for.
**
** Owns the way from a slot to a value: request, record, default or unknown; see
** facts.h. Must not decide. Invariant: no fact is guessed, and none is looked up
** twice for one recipient.
*/
#include "facts.h"
#include "../base/scan.h"
#include "../store/record.h"

#define REGEX_SUBJECT_MAX  4096u        /* bytes; a longer text is unknown to a regex */

static const struct { int record; } subjects[] = {
#define IN_X(name, text, record, rank) { record },
  IN_SUBJECTS(IN_X)
#undef IN_X
};

interop_status_t in_facts_init(in_facts_t *f, const interop_policy_t *p, in_arena_t *arena) {
  in_zero(f, sizeof(*f));
  f->policy = p;
  f->arena = arena;
  f->class_ = in_arena_raw(arena, in_class_bytes(p));
  if (f->class_ == NULL) return INTEROP_NOMEM;
  memset(f->class_, IN_NOT_YET, in_class_bytes(p));
  return INTEROP_OK;
}

/* a row of a memo that is in use here */
typedef struct in_hold_s {
  struct in_hold_s *next;
  in_row_t *row;
} hold_t;

void in_facts_free(in_facts_t *f) {
  for (uint32_t i = 0; i < f->held_count; i++) in_memo_release(f->held[i]);
  for (hold_t *h = f->more_held; h != NULL; h = h->next) in_memo_release(h->row);
  f->held_count = 0;
  f->more_held = NULL;
  pcre2_match_data_free(f->match_data);
  pcre2_match_context_free(f->match_context);
  pcre2_general_context_free(f->general);
}

bool in_slot_of_recipient(const in_image_t *img, uint32_t slot) {
  const in_pi_slot_t *s;
  if (slot == IN_NIL) return false;
  s = in_slot(img, slot);
  if (s->subject == IN_SUB_RECIPIENT || s->subject == IN_SUB_RECIPIENT_TENANT) return true;
  return s->subject == IN_SUB_REQUEST && (s->field == IN_RF_TO || s->field == IN_RF_NAMED || s->field == IN_RF_RECIPIENT_ID
                                             || s->field == IN_RF_FEDERATED);
}

bool in_slot_of_reader(const in_image_t *img, uint32_t slot) {
  return slot != IN_NIL && in_slot(img, slot)->subject == IN_SUB_REQUEST && in_slot(img, slot)->field == IN_RF_TO;
}

bool in_slot_of_names(const in_image_t *img, uint32_t slot) {
  const in_pi_slot_t *s;
  if (slot == IN_NIL) return false;
  s = in_slot(img, slot);
  return s->subject == IN_SUB_REQUEST && (s->field == IN_RF_NAMED || s->field == IN_RF_RECIPIENT_ID);
}

bool in_facts_asked_names(const in_facts_t *f) {
  size_t atoms = f->policy->img.count[IN_S_ATOMS];
  for (size_t i = 0; i < atoms; i++)
    if (f->policy->names[i] != 0 && f->class_[i] != IN_NOT_YET) return true;
  return false;
}

/* the classes of these atoms: IN_NOT_YET has all bits */
static void forget(in_facts_t *f, const uint8_t *atoms) {
  size_t bytes = in_class_bytes(f->policy);
  uint8_t *class_ = f->class_;
  in_words_t word, mask;
  for (size_t i = 0; i < bytes; i += sizeof(mask)) {
    memcpy(&word, class_ + i, sizeof(word));
    memcpy(&mask, atoms + i, sizeof(mask));
    word |= mask;
    memcpy(class_ + i, &word, sizeof(word));
  }
}

void in_facts_recipient(in_facts_t *f) {
  f->look[IN_SUB_RECIPIENT] = f->look[IN_SUB_RECIPIENT_TENANT] = IN_LOOK_NOT_YET;
  f->key[IN_SUB_RECIPIENT_TENANT] = IN_NONE;
  forget(f, f->policy->recipients);
}

/* ---- records */

in_span_t in_facts_text(in_span_t record, const char *field) {
  interop_value_t v;
  if (record.p == NULL || interop_record_get(record, in_str(field), &v) != INTEROP_OK || v.type != INTEROP_T_TEXT)
    return IN_NONE;
  return v.text;
}

void in_facts_renew(in_facts_t *f, const interop_source_t *source) {
  f->source = source;
  f->view = NULL;
  f->viewed = false;
}

/* OK: the view is there; MISSING: there is no store, or no memo for it */
static interop_status_t look_into(in_facts_t *f) {
  if (!f->viewed) {
    bool serves = in_memo_serves(f->source->memo, f->policy);
    interop_status_t rc = serves ? f->source->snapshot(f->source->ctx, &f->view) : INTEROP_OK;
    if (rc != INTEROP_OK) return rc;
    f->viewed = true;
  }
  return f->view == NULL ? INTEROP_MISSING : INTEROP_OK;
}

/* until the facts are freed */
static interop_status_t keep(in_facts_t *f, in_row_t *row) {
  hold_t *hold;
  if (f->held_count < in_countof(f->held)) {
    f->held[f->held_count++] = row;
    return INTEROP_OK;
  }
  hold = in_arena_raw(f->arena, sizeof(*hold));
  if (hold == NULL) {
    in_memo_release(row);
    return INTEROP_NOMEM;
  }
  *hold = (hold_t) { f->more_held, row };
  f->more_held = hold;
  return INTEROP_OK;
}

static interop_status_t remembered(in_facts_t *f, interop_record_kind_t kind, in_span_t key,
                                   in_row_t **row, in_span_t *record) {
  interop_status_t rc = look_into(f);
  if (rc == INTEROP_OK) rc = in_memo_find(f->source->memo, f->view, kind, key, row, record);
  if (rc != INTEROP_OK || *row == NULL) return rc;
  rc = keep(f, *row);
  if (rc != INTEROP_OK) *row = NULL;
  return rc;
}

interop_status_t in_facts_find(in_facts_t *f, interop_record_kind_t kind, in_span_t key, in_row_t **row) {
  interop_status_t rc = INTEROP_MISSING;
  in_span_t record;
  *row = NULL;
  if (kind <= INTEROP_R_CONVERSATION) rc = remembered(f, kind, key, row, &record);
  if (rc == INTEROP_MISSING) rc = f->source->lookup(f->source->ctx, kind, key, &record);
  if (rc != INTEROP_OK || *row != NULL) return rc;
  *row = in_row_copy(f->policy, record, f->arena);
  return *row == NULL ? INTEROP_NOMEM : INTEROP_OK;
}

/* one of thousands is not worth remembering */
interop_status_t in_facts_peek(in_facts_t *f, interop_record_kind_t kind, in_span_t key, in_span_t *record) {
  interop_status_t rc = INTEROP_MISSING;
  if (kind <= INTEROP_R_CONVERSATION) {
    rc = look_into(f);
    if (rc == INTEROP_OK) rc = interop_view_lookup(f->view, kind, key, record);
  }
  return rc == INTEROP_MISSING ? f->source->lookup(f->source->ctx, kind, key, record) : rc;
}

#define PARENTS_MAX  8u                 /* a conversation within a conversation within ... */

/* the record of the nearest conversation above that has the field; absent: none has */
static in_span_t parent_with(in_facts_t *f, in_span_t field, interop_value_t *v) {
  in_span_t record = in_facts_record(f, IN_SUB_CONVERSATION);
  for (uint32_t i = 0; i < PARENTS_MAX; i++) {
    in_span_t parent = in_facts_text(record, "parent");
    interop_status_t rc;
    in_row_t *row;
    if (parent.p == NULL) return IN_NONE;
    rc = in_facts_find(f, INTEROP_R_CONVERSATION, parent, &row);
    if (rc == INTEROP_MISSING) return IN_NONE;
    if (rc != INTEROP_OK) { f->status = rc; return IN_NONE; }
    record = row->record;
    if (interop_record_get(record, field, v) == INTEROP_OK && v->type != INTEROP_T_NULL) return record;
  }
  return IN_NONE;
}

/* a tenant's key is in its user's or conversation's record */
static in_span_t tenant_key(in_facts_t *f, in_subject_t subject) {
  in_subject_t owner = subject == IN_SUB_SENDER_TENANT ? IN_SUB_SENDER
                       : subject == IN_SUB_RECIPIENT_TENANT ? IN_SUB_RECIPIENT : IN_SUB_CONVERSATION;
  in_row_t *row = in_facts_row(f, owner);
  in_span_t key = row != NULL ? row->tenant : IN_NONE;
  interop_value_t v;
  if (key.p == NULL && owner == IN_SUB_CONVERSATION)
    key = in_facts_text(parent_with(f, IN_SPAN("tenant"), &v), "tenant");
  return key.p != NULL ? key : f->key[subject];
}

/* another tenant subject that has found this very record already */
static in_row_t *same_tenant(const in_facts_t *f, in_span_t key) {
  static const in_subject_t tenants[] = { IN_SUB_SENDER_TENANT, IN_SUB_RECIPIENT_TENANT, IN_SUB_CONVERSATION_TENANT };
  for (size_t i = 0; i < in_countof(tenants); i++)
    if (f->look[tenants[i]] == IN_LOOK_FOUND && in_eq(f->key[tenants[i]], key)) return f->row[tenants[i]];
  return NULL;
}

static in_row_t *look_up(in_facts_t *f, in_subject_t subject, in_span_t key) {
  in_row_t *row = NULL;
  interop_status_t rc = in_facts_find(f, (interop_record_kind_t) subjects[subject].record, key, &row);
  if (rc != INTEROP_OK && rc != INTEROP_MISSING) f->status = rc;
  return rc == INTEROP_OK ? row : NULL;
}

static void find_subject(in_facts_t *f, in_subject_t subject) {
  bool tenant = subjects[subject].record == INTEROP_R_TENANT;
  in_span_t key = tenant ? tenant_key(f, subject) : f->key[subject];
  in_row_t *row = tenant && key.p != NULL ? same_tenant(f, key) : NULL;
  f->key[subject] = key;
  if (row == NULL && key.p != NULL && f->status == INTEROP_OK) row = look_up(f, subject, key);
  in_facts_set(f, subject, row);
}

/* what is known of the row needs no looking at; IN_NOT_YET has all bits */
static void take_classes(uint8_t *class_, size_t bytes, const uint8_t *known, const uint8_t *others) {
  in_words_t word, row, mask;
  for (size_t i = 0; i < bytes; i += sizeof(word)) {
    memcpy(&word, class_ + i, sizeof(word));
    memcpy(&row, known + i, sizeof(row));
    memcpy(&mask, others + i, sizeof(mask));
    word &= row | mask;
    memcpy(class_ + i, &word, sizeof(word));
  }
}

static const uint8_t *others_of(const in_facts_t *f, in_subject_t subject) {
  return f->policy->others + in_class_bytes(f->policy) * subject;
}

void in_facts_set(in_facts_t *f, in_subject_t subject, in_row_t *row) {
  f->row[subject] = row;
  f->look[subject] = row != NULL ? IN_LOOK_FOUND : IN_LOOK_MISSING;
  if (row != NULL) take_classes(f->class_, in_class_bytes(f->policy), row->class_, others_of(f, subject));
}

in_row_t *in_facts_row(in_facts_t *f, in_subject_t subject) {
  if (f->look[subject] == IN_LOOK_NOT_YET) find_subject(f, subject);
  return f->look[subject] == IN_LOOK_FOUND ? f->row[subject] : NULL;
}

in_span_t in_facts_record(in_facts_t *f, in_subject_t subject) {
  const in_row_t *row = in_facts_row(f, subject);
  return row != NULL ? row->record : IN_NONE;
}

/* ---- values */

static int64_t enum_index(const in_image_t *img, const in_pi_field_t *fl, in_span_t text) {
  const in_ref_t *names = in_table(img, REFS, in_ref_t) + fl->names.first;
  for (uint32_t i = 0; i < fl->names.count; i++)
    if (in_eq(in_image_str(img, names[i]), text)) return (int64_t) i;
  return -1;
}

/* a stored value as a value of the field's type; unknown if it is of another */
static in_value_t typed(const in_image_t *img, const in_pi_field_t *fl, const interop_value_t *v) {
  in_value_t r;
  memset(&r, 0, sizeof(r));
  switch (fl->type) {
    case IN_T_FLAG:
      r.known = v->type == INTEROP_T_FLAG;
      r.number = v->number != 0;
      break;
    case IN_T_ENUM:
      r.number = v->type == INTEROP_T_TEXT ? enum_index(img, fl, v->text) : -1;
      r.known = r.number >= 0;
      break;
    case IN_T_TIME:
      r.known = v->type == INTEROP_T_TEXT ? in_time_parse(v->text, &r.number) : v->type == INTEROP_T_NUMBER;
      if (v->type == INTEROP_T_NUMBER) r.number = v->number;
      break;
    case IN_T_NUMBER:
      r.known = v->type == INTEROP_T_NUMBER;
      r.number = v->number;
      break;
    case IN_T_LIST:
      r.known = v->type == INTEROP_T_LIST;
      r.count = v->count;
      r.text = v->text;
      break;
    default:
      r.known = v->type == INTEROP_T_TEXT;
      r.text = v->text;
  }
  return r;
}

static in_subject_t tenant_of(in_subject_t s) {
  return s == IN_SUB_SENDER ? IN_SUB_SENDER_TENANT : s == IN_SUB_RECIPIENT ? IN_SUB_RECIPIENT_TENANT : IN_SUB_CONVERSATION_TENANT;
}

static in_value_t field_value(in_facts_t *f, in_subject_t subject, uint32_t field);

interop_value_t in_facts_aliases(in_span_t record) {
  interop_value_t list;
  if (record.p == NULL || interop_record_get(record, IN_SPAN("aliases"), &list) != INTEROP_OK) memset(&list, 0, sizeof(list));
  return list;
}

in_span_t in_facts_alias_part(const in_image_t *img, const in_pi_field_t *fl, const interop_value_t *aliases) {
  in_span_t item, second, prefix = in_image_str(img, fl->default_text);
  size_t at = 0;
  while (interop_value_item(aliases, &at, &item, &second)) {
    const char *end;
    if (item.n <= prefix.n || !in_starts(item, prefix)) continue;
    end = memchr(item.p + prefix.n, (int) fl->default_number, item.n - prefix.n);
    if (end != NULL) return in_span(item.p + prefix.n, (size_t) (end - item.p) - prefix.n);
  }
  return IN_NONE;
}

/* a part of the first alias of the field's form; unknown if there is none */
static in_value_t alias_part(in_facts_t *f, in_subject_t subject, const in_pi_field_t *fl) {
  in_value_t r;
  interop_value_t aliases = in_facts_aliases(in_facts_record(f, subject));
  memset(&r, 0, sizeof(r));
  r.text = in_facts_alias_part(&f->policy->img, fl, &aliases);
  r.known = r.text.p != NULL;
  return r;
}

static in_value_t default_value(in_facts_t *f, in_subject_t subject, const in_pi_field_t *fl) {
  in_value_t r;
  interop_value_t v;
  memset(&r, 0, sizeof(r));
  if (fl->default_kind == IN_DEF_TENANT && fl->record != INTEROP_R_TENANT) {
    r = field_value(f, tenant_of(subject), fl->tenant_field);
    f->elsewhere = true;
    return r;
  }
  if (fl->default_kind == IN_DEF_PARENT) f->elsewhere = true;
  if (fl->default_kind == IN_DEF_PARENT && parent_with(f, in_image_str(&f->policy->img, fl->name), &v).p != NULL)
    return typed(&f->policy->img, fl, &v);
  if (fl->default_kind == IN_DEF_ALIAS) return alias_part(f, subject, fl);
  if (fl->default_kind == IN_DEF_NONE || fl->default_kind == IN_DEF_TENANT) return r;
  r.known = true;
  r.number = fl->default_number;
  r.text = in_image_str(&f->policy->img, fl->default_text);
  return r;
}

static bool defaults_hold(const in_facts_t *f, in_subject_t subject) {
  return f->look[subject] == IN_LOOK_FOUND || subject == IN_SUB_CONVERSATION || subject == IN_SUB_MESSAGE || subject == IN_SUB_CALL;
}

static in_value_t field_value(in_facts_t *f, in_subject_t subject, uint32_t field) {
  const in_image_t *img = &f->policy->img;
  const in_pi_field_t *fl = in_field(img, field);
  const in_row_t *row = in_facts_row(f, subject);
  in_span_t record = row != NULL ? row->record : IN_NONE, name = in_image_str(img, fl->name), at_hand;
  interop_value_t v;
  in_value_t none;
  f->elsewhere = false;
  at_hand = row == NULL ? IN_NONE : f->policy->ready[field] == IN_READY_ID ? row->id
            : f->policy->ready[field] == IN_READY_TENANT ? row->tenant : IN_NONE;
  if (at_hand.p != NULL) return (in_value_t) { true, 0, 0, at_hand };
  memset(&none, 0, sizeof(none));
  if (record.p != NULL && in_record_get(record, name, fl->hash, &v) == INTEROP_OK && v.type != INTEROP_T_NULL)
    return typed(img, fl, &v);
  if (subject == IN_SUB_CONVERSATION && record.p == NULL && f->conversation_type.p != NULL && in_eq(name, IN_SPAN("type"))) {
    memset(&v, 0, sizeof(v));
    v.type = INTEROP_T_TEXT;
    v.text = f->conversation_type;
    return typed(img, fl, &v);
  }
  return defaults_hold(f, subject) ? default_value(f, subject, fl) : none;
}

in_value_t in_facts_field(in_facts_t *f, in_subject_t subject, uint32_t field) {
  return field_value(f, subject, field);
}

/* few features are ever asked for */
static const in_value_t *of_request(in_facts_t *f, uint32_t field) {
  in_value_t *v = &f->request[field];
  if (field >= IN_RF_FEATURE && f->features != NULL) {
    v->known = true;
    v->number = f->features[field - IN_RF_FEATURE] > 0;
  }
  return v;
}

in_value_t in_facts_value(in_facts_t *f, uint32_t slot) {
  const in_pi_slot_t *s = in_slot(&f->policy->img, slot);
  if (s->subject == IN_SUB_REQUEST) return *of_request(f, s->field);
  return field_value(f, (in_subject_t) s->subject, s->field);
}

/* ---- classes */

static uint8_t enum_class(const in_image_t *img, const in_pi_atom_t *a, const in_value_t *v) {
  if (v->number < 0 || (uint64_t) v->number >= a->map.count) return 0;
  return (uint8_t) in_table(img, INDEXES, uint32_t)[a->map.first + (uint32_t) v->number];
}

static int order(in_span_t a, in_span_t b) {
  size_t n = a.n < b.n ? a.n : b.n;
  int r = n > 0 ? memcmp(a.p, b.p, n) : 0;
  return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

static uint8_t code_class(const in_image_t *img, const in_pi_atom_t *a, in_span_t text) {
  const in_ref_t *texts = in_table(img, REFS, in_ref_t) + a->texts.first;
  uint32_t lo = 0, hi = a->texts.count;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    int r = order(text, in_image_str(img, texts[mid]));
    if (r == 0) return (uint8_t) in_table(img, INDEXES, uint32_t)[a->map.first + mid];
    if (r < 0) hi = mid; else lo = mid + 1;
  }
  return (uint8_t) a->other;
}

static uint8_t number_class(const in_image_t *img, const in_pi_atom_t *a, int64_t n) {
  const uint32_t *ix = in_table(img, INDEXES, uint32_t), *half = ix + a->texts.first;
  uint32_t i = 0, value;
  int64_t b = 0;
  for (; i < a->texts.count; i++) {
    b = (int64_t) ((uint64_t) half[2 * (size_t) i] | (uint64_t) half[2 * (size_t) i + 1] << 32);
    if (n <= b) break;
  }
  value = 2 * i + (i < a->texts.count && n == b ? 1 : 0);
  return (uint8_t) ix[a->map.first + value];
}

static bool regex_ready(in_facts_t *f) {
  if (f->general == NULL) f->general = in_regex_general(f->arena->alloc);
  if (f->general == NULL) return false;
  if (f->match_data == NULL) f->match_data = pcre2_match_data_create(1, f->general);
  if (f->match_context == NULL) f->match_context = in_regex_limits(f->general);
  return f->match_data != NULL && f->match_context != NULL;
}

/* a match that costs too much is neither yes nor no: unknown */
static uint8_t regex_class(in_facts_t *f, uint32_t atom, in_span_t text) {
  int rc;
  if (text.n > REGEX_SUBJECT_MAX) return 0;
  if (!regex_ready(f)) { f->status = INTEROP_NOMEM; return 0; }
  rc = pcre2_match(f->policy->regex[atom], (PCRE2_SPTR) (text.p == NULL ? "" : text.p), text.n, 0, 0,
                   f->match_data, f->match_context);
  if (rc == PCRE2_ERROR_NOMEMORY) f->status = INTEROP_NOMEM;
  return rc >= 0 ? 2 : rc == PCRE2_ERROR_NOMATCH ? 1 : 0;
}

static uint8_t has_class(const in_value_t *list, in_span_t wanted) {
  size_t at = 0;
  in_span_t item, second;
  const interop_value_t v = in_value_list(list->text, list->count);
  while (list->count > 0 && interop_value_item(&v, &at, &item, &second))
    if (in_eq_nocase(item, wanted)) return 2;
  return 1;
}

static uint8_t relation_class(const in_image_t *img, const in_pi_atom_t *a, const in_value_t *x, const in_value_t *y) {
  const in_pi_slot_t *s = in_slot(img, a->slot);
  bool text = s->subject == IN_SUB_REQUEST ? x->text.p != NULL
              : in_field(img, s->field)->type == IN_T_CODE || in_field(img, s->field)->type == IN_T_TEXT;
  int r = text ? (in_eq_nocase(x->text, y->text) ? 0 : order(x->text, y->text))
               : (x->number > y->number) - (x->number < y->number);
  return (uint8_t) (r < 0 ? 1 : r == 0 ? 2 : 3);
}

static uint8_t two_class(in_facts_t *f, const in_pi_atom_t *a, const in_value_t *v) {
  in_value_t w;
  memset(&w, 0, sizeof(w));
  w.known = true;
  w.text = in_image_str(&f->policy->img, a->text);
  if (a->slot_b != IN_NIL) w = in_facts_value(f, a->slot_b);
  if (!w.known) return 0;
  return a->kind == IN_ATOM_HAS ? has_class(v, w.text) : relation_class(&f->policy->img, a, v, &w);
}

__attribute__((noinline))
static uint8_t other_class(in_facts_t *f, uint32_t atom, const in_value_t *v) {
  const in_image_t *img = &f->policy->img;
  const in_pi_atom_t *a = in_atom(img, atom);
  switch (a->kind) {
    case IN_ATOM_CODE: return code_class(img, a, v->text);
    case IN_ATOM_NUMBER: return number_class(img, a, v->number);
    case IN_ATOM_REGEX: return regex_class(f, atom, v->text);
    case IN_ATOM_PREFIX: return in_starts(v->text, in_image_str(img, a->text)) ? 2 : 1;
    case IN_ATOM_SUFFIX: return in_ends(v->text, in_image_str(img, a->text)) ? 2 : 1;
    case IN_ATOM_VERSION: return in_version_class(v->text, in_image_str(img, a->text));
    default: return two_class(f, a, v);
  }
}

static inline uint8_t class_of(in_facts_t *f, uint32_t atom, const in_value_t *v) {
  const in_pi_atom_t *a = in_atom(&f->policy->img, atom);
  if (!v->known) return 0;
  return a->kind == IN_ATOM_ENUM || a->kind == IN_ATOM_FLAG ? enum_class(&f->policy->img, a, v) : other_class(f, atom, v);
}

/* what nearly every rule asks is told at once */
void in_facts_event(in_facts_t *f) {
  const interop_policy_t *p = f->policy;
  for (uint32_t i = 0; i < p->event_atom_count; i++) {
    const in_pi_atom_t *a = in_atom(&p->img, p->event_atoms[i]);
    f->class_[p->event_atoms[i]] = enum_class(&p->img, a, &f->request[in_slot(&p->img, a->slot)->field]);
  }
}

void in_facts_reads(in_facts_t *f, uint32_t system) {
  const interop_policy_t *p = f->policy;
  in_value_t *to = &f->request[IN_RF_TO];
  to->known = system < p->img.count[IN_S_SYSTEMS];
  to->number = system;
  for (uint32_t i = 0; i < p->reader_atom_count; i++) {
    const in_pi_atom_t *a = in_atom(&p->img, p->reader_atoms[i]);
    f->class_[p->reader_atoms[i]] = a->kind != IN_ATOM_ENUM ? IN_NOT_YET : to->known ? enum_class(&p->img, a, to) : 0;
  }
}

/* the class may be known of the row, or is from now on, for this request and for others */
static uint8_t look_at_kept(in_facts_t *f, uint32_t atom, in_subject_t subject, uint32_t field) {
  in_row_t *row = in_facts_row(f, subject);
  in_value_t v;
  uint8_t class_;
  if (row != NULL && row->class_[atom] != IN_NOT_YET) return row->class_[atom];
  v = field_value(f, subject, field);
  class_ = class_of(f, atom, &v);
  if (row != NULL && !f->elsewhere && f->status == INTEROP_OK) row->class_[atom] = class_;
  return class_;
}

/* ---- deciding */

static inline uint32_t walk(const in_image_t *img, const uint8_t *class_, uint32_t *node, uint32_t *need) {
  const uint32_t *nodes = in_table(img, NODES, uint32_t);
  uint32_t n = *node;
  if ((n & (IN_LEAF | IN_LIST)) == IN_LIST) return in_list_walk(img, n & ~IN_LIST, NULL, class_, need);
  while (!(n & IN_LEAF)) {
    const uint32_t *at = nodes + n;
    size_t k = class_[at[0]];
    if (k == IN_NOT_YET) {
      *node = n;
      *need = at[0];
      return IN_NIL;
    }
    n = at[1 + k];
  }
  return n & ~IN_LEAF;
}

uint32_t in_walk(const in_image_t *img, const uint8_t *class_, uint32_t *node, uint32_t *need) {
  return walk(img, class_, node, need);
}

static bool must_fetch(in_facts_t *f, const in_pi_atom_t *a) {
  const in_pi_slot_t *s = in_slot(&f->policy->img, a->slot);
  interop_value_t v;
  in_span_t record;
  if (!a->fetch || f->fetched) return false;
  record = in_facts_record(f, (in_subject_t) s->subject);
  return record.p == NULL
      || interop_record_get(record, in_image_str(&f->policy->img, in_field(&f->policy->img, s->field)->name), &v) != INTEROP_OK;
}

/* of a record, which may have to be found first */
__attribute__((noinline))
static bool look_into_record(in_facts_t *f, uint32_t atom, const in_pi_slot_t *s) {
  if (must_fetch(f, in_atom(&f->policy->img, atom))) {
    if (f->status == INTEROP_OK) f->status = INTEROP_AGAIN;
    return false;
  }
  if (others_of(f, (in_subject_t) s->subject)[atom] == 0)
    f->class_[atom] = look_at_kept(f, atom, (in_subject_t) s->subject, s->field);
  else {
    in_value_t v = field_value(f, (in_subject_t) s->subject, s->field);
    f->class_[atom] = class_of(f, atom, &v);
  }
  return f->status == INTEROP_OK;
}

bool in_facts_look(in_facts_t *f, uint32_t atom) {
  const in_pi_slot_t *s = in_slot(&f->policy->img, in_atom(&f->policy->img, atom)->slot);
  if (s->subject != IN_SUB_REQUEST) return look_into_record(f, atom, s);
  f->class_[atom] = class_of(f, atom, of_request(f, s->field));
  return f->status == INTEROP_OK;
}

uint32_t in_decide(in_facts_t *f, uint32_t root) {
  uint32_t need, outcome;
  while ((outcome = walk(&f->policy->img, f->class_, &root, &need)) == IN_NIL)
    if (!in_facts_look(f, need)) return IN_NIL;
  return outcome;
}

/* the sender's tenant's own rules, or only their rows, over the decision `general` */
static uint32_t decide_overlay(in_facts_t *f, const in_list_event_t *event, bool rows, uint32_t general) {
  const in_image_t *img = &f->policy->img;
  uint32_t need = IN_NIL, o;
  if (!f->overlay_known) {
    in_value_t id = in_facts_value(f, in_overlay_slot(img));
    if (f->status != INTEROP_OK) return IN_NIL;
    f->overlay = in_overlay_find(img, id.known ? id.text : IN_NONE);
    f->overlay_known = true;
  }
  if (f->overlay == IN_NIL) return general;
  while ((o = (rows ? in_list_rows : in_list_walk)(img, f->overlay, event, f->class_, &need)) == IN_NIL)
    if (!in_facts_look(f, need)) return IN_NIL;
  return o != IN_NOTHING && in_outcome_stricter(img, o, general) ? o : general;
}

uint32_t in_decide_event(in_facts_t *f, const in_list_event_t *event) {
  const in_image_t *img = &f->policy->img;
  size_t cell = in_cell(img->count[IN_S_SYSTEMS], event->operation, event->kind, event->from, event->to);
  uint32_t o = in_decide(f, in_table(img, CELLS, uint32_t)[cell]);
  return o == IN_NIL || img->count[IN_S_OVERLAYS] == 0 ? o : decide_overlay(f, event, false, o);
}

uint32_t in_decide_shown(in_facts_t *f, const in_list_event_t *event) {
  const in_image_t *img = &f->policy->img;
  size_t cell = in_shown(img->count[IN_S_SYSTEMS], event->kind, event->from, event->to);
  uint32_t o = in_decide(f, in_table(img, SHOWN, uint32_t)[cell]);
  return o == IN_NIL || img->count[IN_S_OVERLAYS] == 0 ? o : decide_overlay(f, event, true, o);
}

bool in_final_holds(in_facts_t *f, const in_list_event_t *event, uint32_t list) {
  bool fetched = f->fetched;
  uint32_t need, o;
  f->fetched = true;              /* as of a guard */
  while ((o = in_list_final(&f->policy->img, list, event, f->class_, &need)) == IN_NIL)
    if (!in_facts_look(f, need)) break;
  f->fetched = fetched;
  return o != IN_NOTHING;
}

bool in_guard_decides(in_facts_t *f, uint32_t root) {
  bool fetched = f->fetched;
  uint32_t o;
  f->fetched = true;              /* a guard is no reason to ask upstream */
  o = in_decide(f, root);
  f->fetched = fetched;
  return o != IN_NIL && in_outcome(&f->policy->img, o)->kind == IN_OUT_TRUE;
}
