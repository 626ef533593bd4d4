/*
** memory.c -- records in memory, with the store's meaning of names.
**
** Owns a hash table of records and of their aliases. Must not know LMDB, or any
** field but "id", "aliases" and "conversation". Invariants: every alias in the
** table is one its record has; a record that was given out stays until the next
** lookup or change.
*/
#include "memory.h"

#define ID            IN_SPAN("id")
#define ALIASES       IN_SPAN("aliases")
#define CONVERSATION  IN_SPAN("conversation")

typedef struct entry_s entry_t;

/* a name: its own record, or (owner) an alias of that entry's */
struct entry_s {
  entry_t *next;
  uint32_t hash;
  interop_record_kind_t kind;
  in_span_t name;                 /* owned */
  in_span_t record;               /* owned; alias: absent */
  entry_t *owner;
};

struct in_memory_s {
  interop_alloc_t alloc;
  entry_t **slots;
  size_t size, count;             /* size: a power of two */
};

static void *take(in_memory_t *m, size_t n) {
  return m->alloc.resize(m->alloc.ctx, NULL, 0, n);
}

static void give(in_memory_t *m, const void *p, size_t n) {
  if (p != NULL)
    m->alloc.resize(m->alloc.ctx, (void *) (uintptr_t) p, n, 0);
}

in_memory_t *in_memory_new(const interop_alloc_t *alloc) {
  in_memory_t *m = alloc->resize(alloc->ctx, NULL, 0, sizeof *m);
  if (m == NULL)
    return NULL;
  m->alloc = *alloc;
  m->size = 64;
  m->count = 0;
  if ((m->slots = take(m, m->size * sizeof *m->slots)) == NULL) {
    give(m, m, sizeof *m);
    return NULL;
  }
  memset(m->slots, 0, m->size * sizeof *m->slots);
  return m;
}

static void free_entry(in_memory_t *m, entry_t *e) {
  give(m, e->name.p, e->name.n);
  give(m, e->record.p, e->record.n);
  give(m, e, sizeof *e);
}

void in_memory_free(in_memory_t *m) {
  interop_alloc_t alloc;
  size_t i;
  if (m == NULL)
    return;
  for (i = 0; i < m->size; i++)
    while (m->slots[i] != NULL) {
      entry_t *e = m->slots[i];
      m->slots[i] = e->next;
      free_entry(m, e);
    }
  give(m, m->slots, m->size * sizeof *m->slots);
  alloc = m->alloc;
  alloc.resize(alloc.ctx, m, sizeof *m, 0);
}

/* --------------------------------------------------------------- table */

static uint32_t hash(interop_record_kind_t kind, in_span_t name) {
  uint32_t h = 2166136261u ^ (uint32_t) kind;
  size_t i;
  for (i = 0; i < name.n; i++)
    h = (h ^ (unsigned char) in_lower(name.p[i])) * 16777619u;
  return h;
}

static entry_t *find(in_memory_t *m, interop_record_kind_t kind, in_span_t name) {
  uint32_t h = hash(kind, name);
  entry_t *e = m->slots[h & (m->size - 1)];
  while (e != NULL && !(e->hash == h && e->kind == kind && in_eq_nocase(e->name, name)))
    e = e->next;
  return e;
}

static bool grow(in_memory_t *m) {
  size_t size = m->size * 2, i;
  entry_t **slots = take(m, size * sizeof *slots);
  if (slots == NULL)
    return false;
  memset(slots, 0, size * sizeof *slots);
  for (i = 0; i < m->size; i++)
    while (m->slots[i] != NULL) {
      entry_t *e = m->slots[i];
      m->slots[i] = e->next;
      e->next = slots[e->hash & (size - 1)];
      slots[e->hash & (size - 1)] = e;
    }
  give(m, m->slots, m->size * sizeof *slots);
  m->slots = slots;
  m->size = size;
  return true;
}

static entry_t *add(in_memory_t *m, interop_record_kind_t kind, in_span_t name) {
  entry_t *e;
  char *p;
  if (m->count >= m->size && !grow(m))
    return NULL;
  if ((e = take(m, sizeof *e)) == NULL)
    return NULL;
  memset(e, 0, sizeof *e);
  if ((p = take(m, name.n)) == NULL) {
    give(m, e, sizeof *e);
    return NULL;
  }
  memcpy(p, name.p, name.n);
  e->name = in_span(p, name.n);
  e->kind = kind;
  e->hash = hash(kind, name);
  e->next = m->slots[e->hash & (m->size - 1)];
  m->slots[e->hash & (m->size - 1)] = e;
  m->count++;
  return e;
}

static void remove_entry(in_memory_t *m, entry_t *e) {
  entry_t **at = &m->slots[e->hash & (m->size - 1)];
  while (*at != e)
    at = &(*at)->next;
  *at = e->next;
  m->count--;
  free_entry(m, e);
}

/* ------------------------------------------------------------- records */

static void drop_aliases(in_memory_t *m, entry_t *owner) {
  interop_value_t list;
  in_span_t alias;
  size_t at = 0;
  if (owner->record.p == NULL
      || interop_record_get(owner->record, ALIASES, &list) != INTEROP_OK)
    return;
  while (interop_value_item(&list, &at, &alias, NULL)) {
    entry_t *e = find(m, owner->kind, alias);
    if (e != NULL && e->owner == owner)
      remove_entry(m, e);
  }
}

/* another record than `own` that the name means, or NULL */
static entry_t *taken(in_memory_t *m, interop_record_kind_t kind, in_span_t name,
                      const entry_t *own) {
  entry_t *e = find(m, kind, name);
  if (e != NULL && e->owner != NULL)
    e = e->owner;
  return e == own ? NULL : e;
}

static interop_status_t refuse(interop_record_kind_t kind, in_span_t id, in_span_t alias,
                               const entry_t *owner, interop_diag_t *diag) {
  if (diag != NULL)
    in_diag_set(diag, INTEROP_SYNTAX, "%s \"%.*s\": alias \"%.*s\" already names %s \"%.*s\"",
                interop_record_kind_name(kind), (int) id.n, id.p, (int) alias.n, alias.p,
                interop_record_kind_name(kind), (int) owner->name.n, owner->name.p);
  return INTEROP_SYNTAX;
}

static interop_status_t aliases_free(in_memory_t *m, interop_record_kind_t kind, in_span_t id,
                                     in_span_t record, interop_diag_t *diag) {
  entry_t *own = find(m, kind, id), *other;
  interop_value_t list;
  in_span_t alias;
  size_t at = 0;
  if (own != NULL && own->owner != NULL)
    return refuse(kind, id, id, own->owner, diag);
  if (interop_record_get(record, ALIASES, &list) != INTEROP_OK)
    return INTEROP_OK;
  while (interop_value_item(&list, &at, &alias, NULL))
    if ((other = taken(m, kind, alias, own)) != NULL)
      return refuse(kind, id, alias, other, diag);
  return INTEROP_OK;
}

static bool add_aliases(in_memory_t *m, entry_t *owner) {
  interop_value_t list;
  in_span_t alias;
  size_t at = 0;
  if (interop_record_get(owner->record, ALIASES, &list) != INTEROP_OK)
    return true;
  while (interop_value_item(&list, &at, &alias, NULL))
    if (alias.n > 0 && find(m, owner->kind, alias) == NULL) {
      entry_t *e = add(m, owner->kind, alias);
      if (e == NULL)
        return false;
      e->owner = owner;
    }
  return true;
}

/* takes the record over, in any case */
static interop_status_t put(in_memory_t *m, interop_record_kind_t kind, in_span_t name,
                            in_span_t record, interop_diag_t *diag) {
  interop_status_t status = aliases_free(m, kind, name, record, diag);
  entry_t *e = find(m, kind, name);
  if (status == INTEROP_OK && e == NULL && (e = add(m, kind, name)) == NULL)
    status = INTEROP_NOMEM;
  if (status != INTEROP_OK) {
    give(m, record.p, record.n);
    return status;
  }
  drop_aliases(m, e);
  give(m, e->record.p, e->record.n);
  e->record = record;
  return add_aliases(m, e) ? INTEROP_OK : INTEROP_NOMEM;
}

/* -------------------------------------------------------------- names */

static bool compound(interop_record_kind_t kind) {
  return kind == INTEROP_R_MESSAGE || kind == INTEROP_R_CALL;
}

/* "{any name of the conversation}\n{id}" with the conversation's id; owned by b */
static in_span_t canonical(in_memory_t *m, in_span_t key, in_buf_t *b) {
  const char *end = key.n == 0 ? NULL : memchr(key.p, '\n', key.n);
  in_span_t name;
  entry_t *e;
  if (end == NULL)
    return key;
  name = in_span(key.p, (size_t) (end - key.p));
  e = find(m, INTEROP_R_CONVERSATION, name);
  if (e != NULL && e->owner != NULL)
    e = e->owner;
  if (e == NULL)
    return key;
  in_buf_put(b, e->name);
  in_buf_put(b, in_span(end, key.n - name.n));
  return in_buf_span(b);
}

static entry_t *resolve(in_memory_t *m, interop_record_kind_t kind, in_span_t key) {
  entry_t *e = key.n == 0 ? NULL : find(m, kind, key);
  in_buf_t b;
  if (e == NULL && compound(kind)) {
    in_buf_init(&b, &m->alloc);
    key = canonical(m, key, &b);
    if (!b.failed)
      e = find(m, kind, key);
    in_buf_free(&b);
  }
  return e != NULL && e->owner != NULL ? e->owner : e;
}

interop_status_t in_memory_lookup(void *ctx, interop_record_kind_t kind,
                                  interop_span_t key, interop_span_t *record) {
  entry_t *e = (unsigned) kind < INTEROP_RECORD_COUNT ? resolve(ctx, kind, key) : NULL;
  *record = e == NULL ? IN_NONE : e->record;
  return e == NULL ? INTEROP_MISSING : INTEROP_OK;
}

/* what the edge has under way stands beside the records, under a kind of its own */
interop_status_t in_memory_swap(void *ctx, interop_span_t key, interop_span_t old,
                                interop_span_t record, interop_span_t *there) {
  const interop_record_kind_t kind = INTEROP_RECORD_COUNT;
  in_memory_t *m = ctx;
  entry_t *e = find(m, kind, key);
  char *p;
  *there = e == NULL ? IN_NONE : e->record;
  if ((there->p == NULL) != (old.p == NULL) || (old.p != NULL && !in_eq(*there, old)))
    return INTEROP_AGAIN;
  if ((p = take(m, record.n)) == NULL)
    return INTEROP_NOMEM;
  memcpy(p, record.p, record.n);
  return put(m, kind, key, in_span(p, record.n), NULL);
}

interop_source_t in_memory_source(in_memory_t *m) {
  interop_source_t s = { in_memory_lookup, m, NULL, NULL, in_memory_swap };
  return s;
}

interop_status_t in_memory_put_json(in_memory_t *m, interop_record_kind_t kind,
                                    in_span_t object, interop_diag_t *diag) {
  in_span_t record, id;
  interop_status_t status = in_record_from_json(object, NULL, &m->alloc, &record, diag);
  in_buf_t key, full;
  if (status != INTEROP_OK)
    return status;
  id = in_record_text(record, ID);
  if (kind != INTEROP_R_MESSAGE)
    return put(m, kind, id, record, diag);
  in_buf_init(&key, &m->alloc);
  in_buf_init(&full, &m->alloc);
  in_buf_put(&key, in_record_text(record, CONVERSATION));
  in_buf_byte(&key, '\n');
  in_buf_put(&key, id);
  id = canonical(m, in_buf_span(&key), &full);
  if (key.failed || full.failed) {
    give(m, record.p, record.n);
    status = INTEROP_NOMEM;
  }
  else
    status = put(m, kind, id, record, diag);
  in_buf_free(&full);
  in_buf_free(&key);
  return status;
}

/* -------------------------------------------------------------- effects */

/* a new record knows its id, as the store's do */
static interop_status_t merge_new(in_memory_t *m, const interop_effect_t *e, in_span_t name,
                                  in_span_t *record) {
  interop_effect_t both[2];
  both[0] = *e;
  both[0].field = ID;
  both[0].value = in_value_text(name);
  both[1] = *e;
  return compound(e->kind) ? interop_record_merge(IN_NONE, e, 1, &m->alloc, record)
                           : interop_record_merge(IN_NONE, both, 2, &m->alloc, record);
}

static interop_status_t apply(in_memory_t *m, const interop_effect_t *effect) {
  entry_t *e = resolve(m, effect->kind, effect->key);
  interop_status_t status;
  in_span_t record, name;
  in_buf_t b;
  if ((e == NULL && !effect->create) || effect->key.n == 0)
    return INTEROP_OK;
  if (!compound(effect->kind) && in_eq(effect->field, ID))
    return INTEROP_USAGE;
  in_buf_init(&b, &m->alloc);
  name = e != NULL ? e->name : compound(effect->kind) ? canonical(m, effect->key, &b)
       : effect->key;
  if (b.failed)
    status = INTEROP_NOMEM;
  else if (e == NULL)
    status = merge_new(m, effect, name, &record);
  else
    status = interop_record_merge(e->record, effect, 1, &m->alloc, &record);
  if (status == INTEROP_OK)
    status = put(m, effect->kind, name, record, NULL);
  in_buf_free(&b);
  return status;
}

interop_status_t in_memory_apply(in_memory_t *m, const interop_effect_t *effects, size_t count) {
  interop_status_t status = INTEROP_OK;
  size_t i;
  for (i = 0; status == INTEROP_OK && i < count; i++)
    status = apply(m, &effects[i]);
  return status;
}
