/*
** load.c -- many records at once.
**
** Owns the quick way into an empty store: all names sorted by key, written one
** after the other at the end of the tree. Must not know where records come
** from. Invariant: what it writes is what in_write_put would have written, or
** it writes nothing.
*/
#include "store.h"

void in_load_init(in_load_t *l, interop_store_t *store) {
  memset(l, 0, sizeof *l);
  l->store = store;
}

void in_load_free(in_load_t *l) {
  const interop_alloc_t *alloc = &l->store->alloc;
  int i;
  for (i = 0; i < IN_STORE_KINDS; i++)
    if (l->rows[i] != NULL)
      alloc->resize(alloc->ctx, l->rows[i], l->size[i] * sizeof *l->rows[i], 0);
  in_load_init(l, l->store);
}

static bool add_row(in_load_t *l, unsigned kind, in_key_t key, in_key_t owner, uint64_t place) {
  const interop_alloc_t *alloc = &l->store->alloc;
  in_load_row_t *rows = l->rows[kind];
  size_t size = l->size[kind], bytes;
  if (l->count[kind] == size) {
    size_t more = size == 0 ? 1024 : size + size / 2;
    if (!in_mul(more, sizeof *rows, &bytes))
      return false;
    rows = alloc->resize(alloc->ctx, rows, size * sizeof *rows, bytes);
    if (rows == NULL)
      return false;
    l->rows[kind] = rows;
    l->size[kind] = more;
  }
  rows[l->count[kind]++] = (in_load_row_t) { key, owner, place };
  return true;
}

bool in_load_add(in_load_t *l, interop_record_kind_t kind, in_span_t record, uint64_t place) {
  in_span_t id = in_record_text(record, IN_SPAN("id")), alias;
  interop_value_t list;
  in_key_t owner;
  size_t at = 0;
  bool good;
  if ((unsigned) kind >= IN_STORE_KINDS || id.n == 0)
    return false;
  owner = in_key(l->store->seed, id);
  good = add_row(l, kind, owner, owner, place);
  if (interop_record_get(record, IN_SPAN("aliases"), &list) != INTEROP_OK)
    return good;
  while (good && interop_value_item(&list, &at, &alias, NULL)) {
    in_key_t key = in_key(l->store->seed, alias);
    if (alias.n > 0 && key != owner)
      good = add_row(l, kind, key, owner, place);
  }
  return good;
}

/* ------------------------------------------------------------- sorting */

/* one pass of a radix sort, by the byte at shift */
static void pass(const in_load_row_t *from, in_load_row_t *to, size_t count, unsigned shift) {
  size_t starts[257] = { 0 }, i;
  for (i = 0; i < count; i++)
    starts[((from[i].key >> shift) & 255) + 1]++;
  for (i = 1; i < 257; i++)
    starts[i] += starts[i - 1];
  for (i = 0; i < count; i++)
    to[starts[(from[i].key >> shift) & 255]++] = from[i];
}

static bool sort_kind(in_load_t *l, unsigned kind) {
  const interop_alloc_t *alloc = &l->store->alloc;
  size_t bytes = l->size[kind] * sizeof *l->rows[kind];
  in_load_row_t *from = l->rows[kind], *to = alloc->resize(alloc->ctx, NULL, 0, bytes), *t;
  unsigned shift;
  if (to == NULL)
    return false;
  for (shift = 0; shift < 64; shift += 8) {
    pass(from, to, l->count[kind], shift);
    t = from;
    from = to;
    to = t;
  }
  alloc->resize(alloc->ctx, to, bytes, 0);    /* eight passes: the rows are where they were */
  l->rows[kind] = from;
  return true;
}

bool in_load_sort(in_load_t *l) {
  unsigned kind;
  for (kind = 0; kind < IN_STORE_KINDS; kind++)
    if (l->count[kind] > 0 && !sort_kind(l, kind))
      return false;
  return true;
}

static bool is_id(const in_load_row_t *row) {
  return row->key == row->owner;
}

/* the sort is stable: of equal ids the earlier place comes first */
bool in_load_twice(const in_load_t *l, uint64_t *first, uint64_t *second) {
  const in_load_row_t *id = NULL, *row;
  unsigned kind;
  size_t i;
  bool found = false;
  for (kind = 0; kind < IN_STORE_KINDS; kind++)
    for (i = 0, id = NULL; i < l->count[kind]; i++) {
      row = &l->rows[kind][i];
      if (!is_id(row))
        continue;
      if (id != NULL && id->key == row->key && (!found || row->place < *second)) {
        *first = id->place;
        *second = row->place;
        found = true;
      }
      id = row;
    }
  return found;
}

/* a name that stands twice in one record is one name; in two, a conflict */
static bool unique(in_load_t *l, unsigned kind) {
  in_load_row_t *rows = l->rows[kind];
  size_t i, kept = 0;
  for (i = 0; i < l->count[kind]; i++) {
    if (kept > 0 && rows[kept - 1].key == rows[i].key) {
      if (rows[kept - 1].place != rows[i].place)
        return false;
      continue;
    }
    rows[kept++] = rows[i];
  }
  l->count[kind] = kept;
  return true;
}

/* ------------------------------------------------------------- writing */

static bool empty(in_write_t *w, unsigned kind) {
  MDB_stat stat;
  return mdb_stat(w->txn, w->store->kinds[kind], &stat) == 0 && stat.ms_entries == 0;
}

static interop_status_t append(in_write_t *w, unsigned kind, in_load_row_t *row,
                               in_span_t value, interop_diag_t *diag) {
  MDB_val key = { sizeof row->key, &row->key }, data = { value.n, (void *) (uintptr_t) value.p };
  int rc = mdb_put(w->txn, w->store->kinds[kind], &key, &data, MDB_APPEND);
  return rc == 0 ? INTEROP_OK : in_store_error(w->store, rc, "cannot be written", diag);
}

interop_status_t in_load_write(in_load_t *l, in_write_t *w,
    interop_status_t (*fetch)(void *ctx, uint64_t place, in_span_t *record), void *ctx,
    interop_diag_t *diag) {
  interop_status_t status = INTEROP_OK;
  in_span_t value;
  unsigned kind;
  size_t i;
  for (kind = 0; kind < IN_STORE_KINDS; kind++) {
    if (l->count[kind] > 0 && !empty(w, kind))
      return INTEROP_MISSING;
    if (!unique(l, kind))
      return INTEROP_MISSING;
  }
  for (kind = 0; kind < IN_STORE_KINDS; kind++)
    for (i = 0; status == INTEROP_OK && i < l->count[kind]; i++) {
      in_load_row_t *row = &l->rows[kind][i];
      value = in_span((const char *) &row->owner, sizeof row->owner);
      if (is_id(row))
        status = fetch(ctx, row->place, &value);
      if (status == INTEROP_OK)
        status = append(w, kind, row, value, diag);
    }
  return status;
}
