/*
** record.c -- reading, packing and merging of packed records.
**
** Owns the byte form that record.h describes. Must not know JSON, stores or any
** field's name. Invariants: no offset or size that comes out of a record is
** used before it was checked against the record's own bounds; packing sorts, so
** equal content gives equal bytes.
*/
#include "record.h"

#define MAGIC      0x31726f69u    /* "ior1" */
#define HEADER     16u
#define SLOT       8u             /* one row of the table */
#define FIELD      8u             /* a field's own header */
#define ITEM       8u             /* an item's own header */
#define NO_SECOND  0xffffffffu
#define SUMMED     8u             /* the checksum covers what is after it */
#define FEW        16u            /* fields that need no memory but the record's own */

static uint32_t load32(const char *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static void store32(char *p, uint32_t v) {
  memcpy(p, &v, sizeof v);
}

/*
** Eight bytes at a time: a lookup checks every record it gives out, and must
** stay in the hundreds of nanoseconds. It is for accidents, not for enemies.
*/
static uint32_t sum(in_span_t s) {
  uint64_t h = s.n * 0x9e3779b97f4a7c15u, w;
  size_t at;
  for (at = 0; s.n - at >= 8; at += 8) {
    memcpy(&w, s.p + at, 8);
    h = (h ^ w) * 0xd6e8feb86659fd93u;
    h ^= h >> 29;
  }
  w = 0;
  if (s.n > at)
    memcpy(&w, s.p + at, s.n - at);
  h = (h ^ w) * 0xd6e8feb86659fd93u;
  return (uint32_t) (h ^ (h >> 32));
}

/* ------------------------------------------------------------- reading */

uint32_t in_record_count(in_span_t record) {
  uint32_t count;
  if (record.p == NULL || record.n < HEADER || load32(record.p) != MAGIC
      || load32(record.p + 8) != record.n)
    return 0;
  count = load32(record.p + 12);
  return count <= (record.n - HEADER) / SLOT ? count : 0;
}

/* a record may be without fields, but then it is nothing but its header */
static bool shaped(in_span_t record) {
  return in_record_count(record) > 0
      || (record.n == HEADER && load32(record.p) == MAGIC && load32(record.p + 12) == 0);
}

in_span_t in_record_at(const char *p) {
  return in_span(p, load32(p + 8));
}

bool in_record_intact(in_span_t record) {
  return shaped(record)
      && load32(record.p + 4) == sum(in_span(record.p + SUMMED, record.n - SUMMED));
}

static uint32_t slot_hash(in_span_t record, uint32_t index) {
  return load32(record.p + HEADER + (size_t) index * SLOT);
}

/* the parts of one field; false where they leave the record */
static bool locate(in_span_t record, uint32_t index, in_span_t *name, in_span_t *value,
                   in_span_t pair[2], unsigned *type) {
  size_t at = load32(record.p + HEADER + (size_t) index * SLOT + 4), need;
  const unsigned char *head;
  if (at > record.n || record.n - at < FIELD)
    return false;
  head = (const unsigned char *) record.p + at;
  at += FIELD;
  *type = head[0];
  *name = in_span(record.p + at, head[1]);
  value->n = load32((const char *) head + 4);
  if (!in_add(value->n, (size_t) head[1] + head[2] + head[3], &need) || need > record.n - at)
    return false;
  value->p = record.p + at + head[1];
  pair[0] = in_span(value->p + value->n, head[2]);
  pair[1] = in_span(pair[0].p + head[2], head[3]);
  if (head[2] == 0)
    pair[0] = pair[1] = IN_NONE;
  return true;
}

static bool read_number(in_span_t raw, interop_value_t *v) {
  if (raw.n != sizeof v->number)
    return false;
  memcpy(&v->number, raw.p, sizeof v->number);
  return true;
}

static bool read_list(in_span_t raw, interop_value_t *v) {
  if (raw.n < 4)
    return false;
  v->count = load32(raw.p);
  v->text = in_span(raw.p + 4, raw.n - 4);
  return v->count <= v->text.n / ITEM;
}

static bool read_value(in_span_t raw, unsigned type, interop_value_t *v) {
  memset(v, 0, sizeof *v);
  v->type = (interop_type_t) type;
  switch (type) {
    case INTEROP_T_NULL: return raw.n == 0;
    case INTEROP_T_FLAG:
      v->number = raw.n == 1 && raw.p[0] == 1;
      return raw.n == 1;
    case INTEROP_T_NUMBER: return read_number(raw, v);
    case INTEROP_T_TEXT:
      v->text = raw;
      return true;
    case INTEROP_T_LIST: return read_list(raw, v);
    default: return false;
  }
}

interop_status_t in_record_field(in_span_t record, uint32_t index, in_field_t *field) {
  in_span_t raw;
  unsigned type;
  if (!shaped(record))
    return INTEROP_DAMAGED;
  if (index >= in_record_count(record))
    return INTEROP_MISSING;
  if (!locate(record, index, &field->name, &raw, field->pair, &type)
      || !read_value(raw, type, &field->value))
    return INTEROP_DAMAGED;
  return INTEROP_OK;
}

/* index of the first slot whose hash is not below the wanted one */
static uint32_t lower_bound(in_span_t record, uint32_t count, uint32_t hash) {
  uint32_t low = 0, high = count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (slot_hash(record, middle) < hash)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

interop_status_t in_record_get(interop_span_t record, interop_span_t field, uint32_t hash,
                               interop_value_t *value) {
  uint32_t count, i;
  in_span_t name, raw, pair[2];
  unsigned type;
  if (!shaped(record))
    return INTEROP_DAMAGED;
  count = in_record_count(record);
  for (i = lower_bound(record, count, hash); i < count && slot_hash(record, i) == hash; i++) {
    if (!locate(record, i, &name, &raw, pair, &type))
      return INTEROP_DAMAGED;
    if (in_eq(name, field))
      return read_value(raw, type, value) ? INTEROP_OK : INTEROP_DAMAGED;
  }
  return INTEROP_MISSING;
}

interop_status_t interop_record_get(interop_span_t record, interop_span_t field,
                                    interop_value_t *value) {
  return in_record_get(record, field, in_hash(field), value);
}

/* all bytes of a field; absent where they leave the record */
static in_span_t field_bytes(in_span_t record, uint32_t index) {
  size_t at = load32(record.p + HEADER + (size_t) index * SLOT + 4), need;
  const unsigned char *head;
  if (at > record.n || record.n - at < FIELD)
    return IN_NONE;
  head = (const unsigned char *) record.p + at;
  need = (size_t) load32((const char *) head + 4) + FIELD + head[1] + head[2] + head[3];
  return need > record.n - at ? IN_NONE : in_span(record.p + at, need);
}

bool in_record_alike(in_span_t a, in_span_t b, const bool *matters) {
  uint32_t count = in_record_count(a);
  if (count != in_record_count(b))
    return false;
  for (uint32_t i = 0; i < count; i++) {
    in_span_t x, y;
    if (slot_hash(a, i) != slot_hash(b, i))
      return false;
    if (!matters[i])
      continue;
    x = field_bytes(a, i);
    y = field_bytes(b, i);
    if (x.p == NULL || !in_eq(x, y))
      return false;
  }
  return true;
}

bool in_record_hashed(in_span_t record, uint32_t index, const uint32_t *hash, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (hash[i] == slot_hash(record, index))
      return true;
  return false;
}

in_span_t in_record_text(in_span_t record, in_span_t field) {
  interop_value_t v;
  if (interop_record_get(record, field, &v) != INTEROP_OK || v.type != INTEROP_T_TEXT)
    return IN_NONE;
  return v.text;
}

int interop_value_item(const interop_value_t *value, size_t *at,
                       interop_span_t *item, interop_span_t *second) {
  in_span_t s = value->text;
  uint32_t n, m;
  size_t left;
  if (value->type != INTEROP_T_LIST || s.p == NULL || *at > s.n || s.n - *at < ITEM)
    return 0;
  n = load32(s.p + *at);
  m = load32(s.p + *at + 4);
  left = s.n - *at - ITEM;
  if (n > left || (m != NO_SECOND && m > left - n))
    return 0;
  *item = in_span(s.p + *at + ITEM, n);
  if (second != NULL)
    *second = m == NO_SECOND ? IN_NONE : in_span(item->p + n, m);
  *at += ITEM + n + (m == NO_SECOND ? 0 : m);
  return 1;
}

/* -------------------------------------------------------------- values */

void in_pack_item(in_buf_t *b, in_span_t item, in_span_t second) {
  char head[ITEM];
  if (item.n >= IN_RECORD_MAX || second.n >= IN_RECORD_MAX) {
    b->failed = true;
    return;
  }
  store32(head, (uint32_t) item.n);
  store32(head + 4, second.p == NULL ? NO_SECOND : (uint32_t) second.n);
  in_buf_put(b, in_span(head, sizeof head));
  in_buf_put(b, item);
  if (second.p != NULL)
    in_buf_put(b, second);
}

/* --------------------------------------------------------------- draft */

void in_draft_init(in_draft_t *d, in_arena_t *arena) {
  memset(d, 0, sizeof *d);
  d->arena = arena;
}

static bool grow(in_draft_t *d, size_t size) {
  in_field_t *more = in_arena_array(d->arena, size, sizeof *more);
  if (more == NULL) {
    d->failed = true;
    return false;
  }
  if (d->count > 0)
    memcpy(more, d->fields, d->count * sizeof *more);
  d->fields = more;
  d->size = size;
  return true;
}

in_field_t *in_draft_add(in_draft_t *d, in_span_t name) {
  if (d->count == d->size && !grow(d, d->size == 0 ? 16 : d->size * 2))
    return NULL;
  d->fields[d->count] = (in_field_t) { .name = name };
  return &d->fields[d->count++];
}

in_field_t *in_draft_find(in_draft_t *d, in_span_t name) {
  size_t i;
  for (i = 0; i < d->count; i++)
    if (in_eq(d->fields[i].name, name))
      return &d->fields[i];
  return NULL;
}

interop_status_t in_draft_load(in_draft_t *d, in_span_t record) {
  in_field_t field, *f;
  interop_status_t s = INTEROP_OK;
  uint32_t i;
  for (i = 0; (s = in_record_field(record, i, &field)) == INTEROP_OK; i++) {
    if ((f = in_draft_add(d, field.name)) == NULL)
      return INTEROP_NOMEM;
    *f = field;
  }
  return s == INTEROP_MISSING ? INTEROP_OK : s;
}

/* one of the two is the other's object: "a" and "a.b" */
static bool clash(in_span_t a, in_span_t b) {
  in_span_t outer = a.n < b.n ? a : b, inner = a.n < b.n ? b : a;
  return outer.n < inner.n && inner.p[outer.n] == '.' && memcmp(outer.p, inner.p, outer.n) == 0
      && memchr(outer.p, '.', outer.n) == NULL;
}

void in_draft_set(in_draft_t *d, in_span_t name, const interop_value_t *value) {
  in_field_t *f = NULL;
  size_t i, kept = 0;
  bool removed = value->type == INTEROP_T_NULL, same;
  for (i = 0; i < d->count; i++) {
    same = in_eq(d->fields[i].name, name);
    if (removed ? same : clash(d->fields[i].name, name))
      continue;
    if (kept < i)
      d->fields[kept] = d->fields[i];
    if (same && f == NULL)
      f = &d->fields[kept];
    kept++;
  }
  d->count = kept;
  if (removed)
    return;
  if (f == NULL)
    f = in_draft_add(d, name);
  if (f == NULL)
    return;
  if (value->type != INTEROP_T_LIST)
    f->pair[0] = f->pair[1] = IN_NONE;
  f->value = *value;
}

/* ------------------------------------------------------------- packing */

/* a row of the table to be: a draft's field, or what an effect makes one of */
typedef struct {
  uint32_t hash;
  in_span_t name;
  const interop_value_t *value;
  const in_span_t *pair;
} slot_t;

static const in_span_t no_pair[2];

static slot_t slot_of(in_span_t name, const interop_value_t *value, const in_span_t *pair) {
  slot_t s = { in_hash(name), name, value, pair };
  return s;
}

static bool above(const slot_t *a, const slot_t *b) {
  in_span_t m = a->name, n = b->name;
  size_t shorter = m.n < n.n ? m.n : n.n;
  int c;
  if (a->hash != b->hash)
    return a->hash > b->hash;
  c = shorter == 0 ? 0 : memcmp(m.p, n.p, shorter);
  return c != 0 ? c > 0 : m.n > n.n;
}

/* shell sort: no memory, no recursion, and no bad case that matters */
static void sort(slot_t *a, size_t count) {
  size_t gap = 1, i, j;
  while (gap < count / 3)
    gap = gap * 3 + 1;
  for (; gap > 0; gap /= 3)
    for (i = gap; i < count; i++) {
      slot_t x = a[i];
      for (j = i; j >= gap && above(&a[j - gap], &x); j -= gap)
        a[j] = a[j - gap];
      a[j] = x;
    }
}

static bool list_sound(const interop_value_t *v) {
  in_span_t item, second;
  uint32_t count = 0;
  size_t at = 0;
  while (interop_value_item(v, &at, &item, &second)) {
    if (in_utf8_check(item) != item.n || in_utf8_check(second) != second.n)
      return false;
    count++;
  }
  return at == v->text.n && count == v->count;
}

static bool value_sound(const interop_value_t *v) {
  if (v->type == INTEROP_T_LIST)
    return list_sound(v);
  return v->type != INTEROP_T_TEXT || in_utf8_check(v->text) == v->text.n;
}

static size_t value_size(const interop_value_t *v) {
  switch (v->type) {
    case INTEROP_T_FLAG: return 1;
    case INTEROP_T_NUMBER: return sizeof v->number;
    case INTEROP_T_TEXT: return v->text.n;
    case INTEROP_T_LIST: return 4 + v->text.n;
    default: return 0;
  }
}

static bool complain(interop_diag_t *diag, const char *what, in_span_t name) {
  if (diag != NULL)
    in_diag_set(diag, INTEROP_SYNTAX, "member \"%.*s\" %s",
                (int) (name.n < 80 ? name.n : 80), name.p == NULL ? "" : name.p, what);
  return false;
}

/* checks one field and adds its size to *size */
static bool measure(const slot_t *f, size_t *size, interop_diag_t *diag) {
  if (f->name.n == 0)
    return complain(diag, "has no name", f->name);
  if (f->name.n > IN_RECORD_NAME_MAX || f->pair[0].n > IN_RECORD_NAME_MAX
      || f->pair[1].n > IN_RECORD_NAME_MAX)
    return complain(diag, "has too long a name (255 bytes at most)", f->name);
  if (f->value->text.n >= IN_RECORD_MAX)
    return complain(diag, "is too large (a record has 16 MiB at most)", f->name);
  if (in_utf8_check(f->name) != f->name.n || !value_sound(f->value))
    return complain(diag, "is not valid UTF-8", f->name);
  *size += SLOT + FIELD + f->name.n + value_size(f->value) + f->pair[0].n + f->pair[1].n;
  if (*size > IN_RECORD_MAX)
    return complain(diag, "is too large (a record has 16 MiB at most)", f->name);
  return true;
}

static char *put(char *p, in_span_t s) {
  if (s.n > 0)
    memcpy(p, s.p, s.n);
  return p + s.n;
}

static char *put_field(char *p, const slot_t *f) {
  const interop_value_t *v = f->value;
  p[0] = (char) v->type;
  p[1] = (char) f->name.n;
  p[2] = (char) f->pair[0].n;
  p[3] = (char) f->pair[1].n;
  store32(p + 4, (uint32_t) value_size(v));
  p = put(p + FIELD, f->name);
  if (v->type == INTEROP_T_FLAG)
    *p++ = v->number != 0;
  else if (v->type == INTEROP_T_NUMBER)
    p = put(p, in_span((const char *) &v->number, sizeof v->number));
  else if (v->type == INTEROP_T_LIST) {
    store32(p, v->count);
    p = put(p + 4, v->text);
  }
  else if (v->type == INTEROP_T_TEXT)
    p = put(p, v->text);
  return put(put(p, f->pair[0]), f->pair[1]);
}

static void put_slot(char *record, size_t index, uint32_t hash, const char *at) {
  store32(record + HEADER + index * SLOT, hash);
  store32(record + HEADER + index * SLOT + 4, (uint32_t) (at - record));
}

/* when all the rest is there */
static void put_header(char *record, size_t size, size_t count) {
  store32(record, MAGIC);
  store32(record + 8, (uint32_t) size);
  store32(record + 12, (uint32_t) count);
  store32(record + 4, sum(in_span(record + SUMMED, size - SUMMED)));
}

static void write_all(char *record, size_t size, const slot_t *slots, size_t count) {
  char *at = record + HEADER + count * SLOT;
  size_t i;
  for (i = 0; i < count; i++) {
    put_slot(record, i, slots[i].hash, at);
    at = put_field(at, &slots[i]);
  }
  put_header(record, size, count);
}

interop_status_t in_record_of_texts(const in_name_t *names, const in_span_t *texts, size_t count,
                                    in_arena_t *arena, in_span_t *record) {
  size_t i, size = HEADER;
  char *p, *at;
  *record = IN_NONE;
  for (i = 0; i < count; i++) {
    if (texts[i].n >= IN_RECORD_MAX || in_utf8_check(texts[i]) != texts[i].n)
      return INTEROP_SYNTAX;
    size += SLOT + FIELD + names[i].name.n + texts[i].n;
    if (size > IN_RECORD_MAX)
      return INTEROP_SYNTAX;
  }
  if ((p = in_arena_raw(arena, size)) == NULL)
    return INTEROP_NOMEM;
  at = p + HEADER + count * SLOT;
  for (i = 0; i < count; i++) {
    const char head[4] = { INTEROP_T_TEXT, (char) names[i].name.n };
    put_slot(p, i, names[i].hash, at);
    memcpy(at, head, sizeof head);
    store32(at + 4, (uint32_t) texts[i].n);
    at = put(put(at + FIELD, names[i].name), texts[i]);
  }
  put_header(p, size, count);
  *record = in_span(p, size);
  return INTEROP_OK;
}

/* checks and sorts the table; the size of the record, 0: it cannot be one */
static size_t arrange(slot_t *slots, size_t count, interop_diag_t *diag) {
  size_t i, size = HEADER;
  for (i = 0; i < count; i++)
    if (!measure(&slots[i], &size, diag))
      return 0;
  sort(slots, count);
  for (i = 1; i < count; i++)
    if (in_eq(slots[i].name, slots[i - 1].name)) {
      complain(diag, "is given twice", slots[i].name);
      return 0;
    }
  return size;
}

static interop_status_t pack(slot_t *slots, size_t count, const interop_alloc_t *alloc,
                             in_span_t *record, interop_diag_t *diag) {
  size_t size = arrange(slots, count, diag);
  char *p = size == 0 ? NULL : alloc->resize(alloc->ctx, NULL, 0, size);
  if (p == NULL)
    return size == 0 ? INTEROP_SYNTAX : INTEROP_NOMEM;
  write_all(p, size, slots, count);
  *record = in_span(p, size);
  return INTEROP_OK;
}

interop_status_t in_draft_pack(in_draft_t *d, const interop_alloc_t *alloc,
                               in_span_t *record, interop_diag_t *diag) {
  slot_t few[FEW], *slots = d->count <= FEW ? few : in_arena_array(d->arena, d->count, sizeof *slots);
  interop_status_t status = INTEROP_NOMEM;
  size_t i;
  *record = IN_NONE;
  if (slots != NULL && !d->failed) {
    for (i = 0; i < d->count; i++)
      slots[i] = slot_of(d->fields[i].name, &d->fields[i].value, d->fields[i].pair);
    status = pack(slots, d->count, alloc, record, diag);
  }
  if (status == INTEROP_NOMEM && diag != NULL)
    in_diag_set(diag, status, "out of memory");
  return status;
}

/* ------------------------------------------------------------- merging */

/* does each of them make one field, whatever the others do? */
static bool stand_alone(const interop_effect_t *e, size_t count) {
  size_t i, k;
  if (count > FEW)
    return false;
  for (i = 0; i < count; i++) {
    if (e[i].value.type == INTEROP_T_NULL || e[i].items != 0)
      return false;
    for (k = 0; k < i; k++)
      if (in_eq(e[k].field, e[i].field) || clash(e[k].field, e[i].field))
        return false;
  }
  return true;
}

/* nearly every message is new, so that there is nothing to be merged with */
static interop_status_t make_record(const interop_effect_t *e, size_t count,
                                    const interop_alloc_t *alloc, in_span_t *record) {
  slot_t slots[FEW];
  size_t i;
  for (i = 0; i < count; i++)
    slots[i] = slot_of(e[i].field, &e[i].value, no_pair);
  return pack(slots, count, alloc, record, NULL);
}

static interop_status_t change_record(in_span_t old, const interop_effect_t *effects,
                                      size_t count, const interop_alloc_t *alloc,
                                      in_span_t *record) {
  interop_status_t status = INTEROP_OK;
  in_field_t few[FEW];
  in_arena_t arena;
  in_draft_t draft;
  size_t i;
  in_arena_init(&arena, alloc);
  in_draft_init(&draft, &arena);
  draft.fields = few;
  draft.size = FEW;
  if (old.n > 0)
    status = in_draft_load(&draft, old);
  for (i = 0; status == INTEROP_OK && i < count; i++)
    status = in_draft_apply(&draft, &effects[i]);
  if (status == INTEROP_OK)
    status = in_draft_pack(&draft, alloc, record, NULL);
  in_arena_free(&arena);
  return status;
}

interop_status_t interop_record_merge(interop_span_t old, const interop_effect_t *effects,
                                      size_t count, const interop_alloc_t *alloc,
                                      interop_span_t *record) {
  *record = IN_NONE;
  if (old.n == 0 && stand_alone(effects, count))
    return make_record(effects, count, alloc, record);
  return change_record(old, effects, count, alloc, record);
}
