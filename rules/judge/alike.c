/*
** alike.c -- many recipients of whom policy knows the same.
**
** Where a request names hundreds, the records of most of them differ in names
** alone. Whoever is like one before is not given facts of their own: they share
** that one's, but for the id, and what was found for one holds for all of them.
** Owns what alike means: the same values in every fact of a recipient that a rule
** tests or a placeholder's text is taken from, the same tenant, the same systems.
** Invariant: nothing is shared that hangs on how somebody is called; whoever asks
** for more than that calls in_judge_own first, which gives them their own record.
*/
#include "judge.h"
#include "../store/record.h"

#define MANY  256u                /* fewer are looked at one by one */
#define MOST  32u                 /* kinds of recipients; what is like none of these has facts of its own */

struct in_alike_s {
  uint32_t *hash, hashes;         /* names of the facts that matter */
  const in_pi_field_t **alias;    /* those of which a part of an alias may stand in place */
  uint32_t aliases;
  uint32_t count, last;           /* last: whom the one before was like */
  struct {
    in_row_t *row;
    bool *matters;                /* by the number of the record's field */
    in_span_t *part;              /* of an alias, where one may stand in place of a fact */
    uint32_t to, untold;          /* where they read; IN_NIL: it is not known, or hangs on names */
    uint32_t decided_to, outcome; /* what policy says of those who read there; or IN_NIL */
  } of[MOST];
};

static void put_hash(in_alike_t *a, uint32_t hash) {
  for (uint32_t i = 0; i < a->hashes; i++)
    if (a->hash[i] == hash) return;
  a->hash[a->hashes++] = hash;
}

static void put_slot(in_alike_t *a, const in_image_t *img, uint32_t slot) {
  const in_pi_field_t *f;
  if (slot == IN_NIL || in_slot(img, slot)->subject != IN_SUB_RECIPIENT) return;
  f = in_field(img, in_slot(img, slot)->field);
  put_hash(a, f->hash);
  if (f->default_kind == IN_DEF_ALIAS) a->alias[a->aliases++] = f;
}

/* from now on those of a request that names many may share; false: no memory */
bool in_judge_alike_begin(interop_judge_t *j, uint32_t count) {
  const in_image_t *img = &j->policy->img;
  in_alike_t *a;
  if (count < MANY) return true;
  a = in_arena_get(&j->arena, sizeof(*a));
  if (a != NULL) a->hash = in_arena_array(&j->arena, (size_t) img->count[IN_S_SLOTS] + 8, sizeof(*a->hash));
  size_t slots = 2 * (size_t) img->count[IN_S_ATOMS] + img->count[IN_S_TEXTS];
  if (a != NULL) a->alias = in_arena_array(&j->arena, slots, sizeof(*a->alias));
  if (a == NULL || a->hash == NULL || a->alias == NULL) return false;
  put_hash(a, in_hash(IN_SPAN("tenant")));
  put_hash(a, in_hash(IN_SPAN("systems")));
  put_hash(a, in_hash(IN_SPAN("reads_on")));
  for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++) {
    put_slot(a, img, in_atom(img, i)->slot);
    put_slot(a, img, in_atom(img, i)->slot_b);
  }
  for (uint32_t i = 0; i < img->count[IN_S_TEXTS]; i++) put_slot(a, img, in_table(img, TEXTS, in_pi_text_t)[i].text_slot);
  j->alike = a;
  return true;
}

static bool same(const interop_judge_t *j, in_span_t record, uint32_t kind) {
  const in_alike_t *a = j->alike;
  interop_value_t aliases;
  if (!in_record_alike(record, a->of[kind].row->record, a->of[kind].matters)) return false;
  if (a->aliases == 0) return true;
  aliases = in_facts_aliases(record);
  for (uint32_t i = 0; i < a->aliases; i++) {
    in_span_t p = in_facts_alias_part(&j->policy->img, a->alias[i], &aliases), q = a->of[kind].part[i];
    if ((p.p == NULL) != (q.p == NULL) || (p.p != NULL && !in_eq(p, q))) return false;
  }
  return true;
}

/* the number of whom this record is like; count: of nobody */
static uint32_t find(const interop_judge_t *j, in_span_t record) {
  const in_alike_t *a = j->alike;
  uint32_t i = 0;
  if (a->count > 0 && same(j, record, a->last)) return a->last;
  while (i < a->count && !same(j, record, i)) i++;
  return i;
}

static bool put_kind(interop_judge_t *j, in_row_t *row) {
  in_alike_t *a = j->alike;
  uint32_t fields = in_record_count(row->record), i = a->count;
  bool *matters = in_arena_array(&j->arena, fields + 1, sizeof(*matters));
  in_span_t *part = in_arena_array(&j->arena, (size_t) a->aliases + 1, sizeof(*part));
  interop_value_t aliases = in_facts_aliases(row->record);
  if (matters == NULL || part == NULL) return false;
  for (uint32_t k = 0; k < a->aliases; k++) part[k] = in_facts_alias_part(&j->policy->img, a->alias[k], &aliases);
  for (uint32_t k = 0; k < fields; k++) matters[k] = in_record_hashed(row->record, k, a->hash, a->hashes);
  a->of[i].row = row;
  a->of[i].matters = matters;
  a->of[i].part = part;
  a->of[i].to = a->of[i].decided_to = IN_NIL;
  row->alike = ++a->count;
  return true;
}

/* a row of whoever the record is of, which may be another's but for its id; NULL: no memory */
in_row_t *in_judge_alike_row(interop_judge_t *j, in_span_t record) {
  in_alike_t *a = j->alike;
  in_row_t *row;
  uint32_t i = find(j, record);
  if (i == a->count) {
    row = in_row_copy(j->policy, record, &j->arena);
    return row == NULL || a->count == MOST || put_kind(j, row) ? row : NULL;
  }
  a->last = i;
  row = in_arena_raw(&j->arena, sizeof(*row));
  if (row == NULL) return NULL;
  *row = *a->of[i].row;
  row->id = in_arena_copy(&j->arena, in_record_text(record, IN_SPAN("id")));
  return row->id.p == NULL && j->arena.failed ? NULL : row;
}

/* where one like this reads, if it is known of all of them */
bool in_judge_alike_reads(const interop_judge_t *j, in_recipient_t *r) {
  uint32_t i = r->row->alike;
  if (i == 0 || j->alike->of[i - 1].to == IN_NIL) return false;
  r->to = j->alike->of[i - 1].to & 0x7f;
  r->untold = j->alike->of[i - 1].untold & IN_NO_SLOT;
  return true;
}

void in_judge_alike_read(interop_judge_t *j, const in_recipient_t *r) {
  uint32_t i = r->row->alike;
  if (i == 0 || in_facts_asked_names(&j->facts)) return;
  j->alike->of[i - 1].to = r->to;
  j->alike->of[i - 1].untold = r->untold;
}

/* the same of what policy says */
bool in_judge_alike_decided(const interop_judge_t *j, in_recipient_t *r) {
  uint32_t i = r->row != NULL ? r->row->alike : 0;
  if (i == 0 || j->alike->of[i - 1].decided_to != r->to) return false;
  r->outcome = j->alike->of[i - 1].outcome;
  return true;
}

void in_judge_alike_decide(interop_judge_t *j, const in_recipient_t *r) {
  uint32_t i = r->row != NULL ? r->row->alike : 0;
  if (i == 0 || in_facts_asked_names(&j->facts)) return;
  j->alike->of[i - 1].decided_to = r->to;
  j->alike->of[i - 1].outcome = r->outcome;
}

/* the record itself, for whoever asks for more than rules do; OK, or why not */
interop_status_t in_judge_own(interop_judge_t *j, in_recipient_t *r) {
  interop_status_t rc = INTEROP_OK;
  in_row_t *row = r->row;
  if (row == NULL || row->alike == 0 || row == j->alike->of[row->alike - 1].row) return INTEROP_OK;
  rc = in_facts_find(&j->facts, INTEROP_R_USER, in_judge_named(r), &row);
  if (rc == INTEROP_OK) r->row = row;
  j->taken = NULL;
  return rc;
}

/* the same where this fact is to be taken from it */
interop_status_t in_judge_own_for(interop_judge_t *j, in_recipient_t *r, uint32_t slot) {
  if (slot == IN_NIL || in_slot(&j->policy->img, slot)->subject != IN_SUB_RECIPIENT) return INTEROP_OK;
  return in_judge_own(j, r);
}
