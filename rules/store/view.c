/*
** view.c -- read views and lookups.
**
** Owns the reading side: snapshots, the way from a name to a record, all records
** in order. Must not know what records hold but their own names, and never waits for a
** disk: of the store's locks it takes only the gate. Invariants: a record that
** is given out is intact; one that is not makes the view UNAVAILABLE, so that a
** request is refused rather than decided on damaged facts.
*/
#include <errno.h>
#include "store.h"

/* -------------------------------------------------------------- lookup */

bool in_names(in_span_t record, in_span_t name) {
  interop_value_t aliases;
  in_span_t item;
  size_t at = 0;
  if (in_eq_nocase(in_record_text(record, IN_SPAN("id")), name))
    return true;
  if (interop_record_get(record, IN_SPAN("aliases"), &aliases) != INTEROP_OK)
    return false;
  while (interop_value_item(&aliases, &at, &item, NULL))
    if (in_eq_nocase(item, name))
      return true;
  return false;
}

int in_store_get(MDB_txn *txn, MDB_dbi dbi, in_key_t key, in_span_t *value) {
  MDB_val k = { sizeof key, &key }, data;
  int rc = mdb_get(txn, dbi, &k, &data);
  *value = rc == 0 ? in_span(data.mv_data, data.mv_size) : IN_NONE;
  return rc;
}

/* the record a key leads to, straight or by an alias */
static interop_status_t resolve(interop_store_t *store, MDB_txn *txn, unsigned kind,
                                in_key_t key, in_span_t *record) {
  int rc = in_store_get(txn, store->kinds[kind], key, record);
  if (rc == 0 && record->n == sizeof key) {
    memcpy(&key, record->p, sizeof key);
    rc = in_store_get(txn, store->kinds[kind], key, record);
    if (rc == MDB_NOTFOUND)       /* an alias of nothing is damage */
      rc = MDB_CORRUPTED;
  }
  if (rc != 0)
    return in_store_error(store, rc, "lookup", NULL);
  return in_record_intact(*record) ? INTEROP_OK : INTEROP_DAMAGED;
}

interop_status_t in_store_find(interop_store_t *store, MDB_txn *txn,
    interop_record_kind_t kind, in_span_t name, in_span_t *record) {
  interop_status_t status;
  *record = IN_NONE;
  if ((unsigned) kind >= IN_STORE_KINDS || name.n == 0)
    return INTEROP_MISSING;
  status = resolve(store, txn, kind, in_key(store->seed, name), record);
  return status == INTEROP_OK && !in_names(*record, name) ? INTEROP_MISSING : status;
}

/* one key for a name of a kind, all kinds together */
static in_key_t mixed(in_key_t key, unsigned kind) {
  return key + kind * 0x9e3779b97f4a7c15u;
}

/*
** As in_store_find, by way of the places that are remembered. A record's size is
** in its head, which was found sound when the place was.
*/
static interop_status_t find_hot(interop_view_t *v, unsigned kind, in_span_t name,
                                 in_span_t *record) {
  in_key_t key = in_key(v->store->seed, name), id = mixed(key, kind);
  in_hot_t *hot = &v->hot[id % IN_STORE_HOT];
  interop_status_t status;
  if (hot->txn == v->id && hot->key == id)
    *record = in_record_at(hot->record);
  else {
    status = resolve(v->store, v->txn, kind, key, record);
    if (status != INTEROP_OK)
      return status;
    hot->key = id;
    hot->txn = v->id;
    hot->record = record->p;
  }
  return in_names(*record, name) ? INTEROP_OK : INTEROP_MISSING;
}

interop_status_t interop_view_lookup(void *ctx, interop_record_kind_t kind,
                                     interop_span_t key, interop_span_t *record) {
  interop_status_t status;
  *record = IN_NONE;
  if ((unsigned) kind >= IN_STORE_KINDS || key.n == 0)
    return INTEROP_MISSING;
  status = find_hot(ctx, kind, key, record);
  if (status != INTEROP_OK)
    *record = IN_NONE;
  return status == INTEROP_OK || status == INTEROP_MISSING ? status : INTEROP_UNAVAILABLE;
}

/* --------------------------------------------------------------- views */

static interop_view_t *take_idle(interop_store_t *store) {
  interop_view_t *view;
  pthread_mutex_lock(&store->gate);
  while (store->moving)
    pthread_cond_wait(&store->quiet, &store->gate);
  store->active++;
  view = store->idle;
  if (view != NULL)
    store->idle = view->next;
  pthread_mutex_unlock(&store->gate);
  return view;
}

static void leave(interop_store_t *store, interop_view_t *view) {
  pthread_mutex_lock(&store->gate);
  if (view != NULL) {
    view->next = store->idle;
    store->idle = view;
  }
  if (--store->active == 0 && store->moving)
    pthread_cond_broadcast(&store->quiet);
  pthread_mutex_unlock(&store->gate);
}

static void drop(interop_store_t *store, interop_view_t *view) {
  store->alloc.resize(store->alloc.ctx, view, sizeof *view, 0);
}

static int start(interop_store_t *store, interop_view_t **view) {
  interop_view_t *v = *view;
  int rc;
  if (v != NULL) {
    rc = mdb_txn_renew(v->txn);
    v->id = rc == 0 ? mdb_txn_id(v->txn) : 0;
    return rc;
  }
  if ((v = store->alloc.resize(store->alloc.ctx, NULL, 0, sizeof *v)) == NULL)
    return ENOMEM;
  memset(v, 0, sizeof *v);
  v->store = store;
  rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &v->txn);
  if (rc != 0) {
    drop(store, v);
    return rc;
  }
  v->id = mdb_txn_id(v->txn);
  *view = v;
  return 0;
}

/*
** The map grew in another process. If this one is in a write just now, that
** write will take the new size over; nobody here waits for it.
*/
static int adopt_size(interop_store_t *store) {
  int rc;
  if (pthread_mutex_trylock(&store->writing) != 0)
    return MDB_MAP_RESIZED;
  rc = in_store_resize(store);
  pthread_mutex_unlock(&store->writing);
  return rc;
}

interop_status_t interop_view_begin(interop_store_t *store, interop_view_t **view) {
  interop_view_t *v = take_idle(store);
  int rc = start(store, &v);
  if (rc == MDB_MAP_RESIZED) {
    leave(store, v);
    *view = NULL;
    if (adopt_size(store) != 0)
      return INTEROP_UNAVAILABLE;
    v = take_idle(store);
    rc = start(store, &v);
  }
  if (rc != 0)
    leave(store, v);
  *view = rc == 0 ? v : NULL;
  if (rc == 0)
    return INTEROP_OK;
  return rc == ENOMEM ? INTEROP_NOMEM : INTEROP_UNAVAILABLE;
}

void interop_view_end(interop_view_t *view) {
  if (view == NULL)
    return;
  mdb_txn_reset(view->txn);
  leave(view->store, view);
}

/* ---------------------------------------------------------- all records */

typedef struct {
  in_span_t id, record;
} item_t;

typedef struct {
  item_t *items, *spare;
  size_t count, size;
} sorter_t;

/* ids in their folded form, bytewise */
static int compare(in_span_t x, in_span_t y) {
  size_t i;
  for (i = 0; i < x.n && i < y.n; i++) {
    unsigned char c = (unsigned char) in_lower(x.p[i]), d = (unsigned char) in_lower(y.p[i]);
    if (c != d)
      return c < d ? -1 : 1;
  }
  return x.n < y.n ? -1 : x.n > y.n;
}

/* one round of a merge sort: runs of `width` into runs of twice that */
static void merge(sorter_t *s, size_t width) {
  size_t start, at = 0;
  for (start = 0; start < s->count; start += 2 * width) {
    size_t a = start, middle = start + width < s->count ? start + width : s->count;
    size_t b = middle, end = middle + width < s->count ? middle + width : s->count;
    while (a < middle || b < end)
      if (b == end || (a < middle && compare(s->items[a].id, s->items[b].id) <= 0))
        s->spare[at++] = s->items[a++];
      else
        s->spare[at++] = s->items[b++];
  }
}

static void sort(sorter_t *s) {
  size_t width;
  for (width = 1; width < s->count; width *= 2) {
    item_t *sorted = s->spare;
    merge(s, width);
    s->spare = s->items;
    s->items = sorted;
  }
}

static interop_status_t damaged(interop_view_t *view, interop_record_kind_t kind,
                                in_span_t record, interop_diag_t *diag) {
  in_span_t id = in_record_text(record, IN_SPAN("id"));
  if (diag != NULL)
    in_diag_set(diag, INTEROP_DAMAGED, "%s: the record of %s \"%.*s\" is damaged",
                view->store->path, interop_record_kind_name(kind),
                (int) (id.n < 80 ? id.n : 80), id.p == NULL ? "" : id.p);
  return INTEROP_DAMAGED;
}

static interop_status_t collect(interop_view_t *view, interop_record_kind_t kind,
                                MDB_cursor *cursor, sorter_t *s, interop_diag_t *diag) {
  MDB_val key, data;
  int rc;
  while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
    in_span_t record = in_span(data.mv_data, data.mv_size);
    if (record.n == sizeof(in_key_t))
      continue;                   /* an alias */
    if (!in_record_intact(record) || s->count == s->size)
      return damaged(view, kind, record, diag);
    s->items[s->count].id = in_record_text(record, IN_SPAN("id"));
    s->items[s->count++].record = record;
  }
  return rc == MDB_NOTFOUND ? INTEROP_OK
                            : in_store_error(view->store, rc, "cannot be read", diag);
}

static interop_status_t each(interop_view_t *view, interop_record_kind_t kind, sorter_t *s,
    interop_status_t (*fn)(void *ctx, in_span_t record), void *ctx, interop_diag_t *diag) {
  interop_status_t status;
  MDB_cursor *cursor;
  size_t i;
  int rc = mdb_cursor_open(view->txn, view->store->kinds[kind], &cursor);
  if (rc != 0)
    return in_store_error(view->store, rc, "cannot be read", diag);
  status = collect(view, kind, cursor, s, diag);
  mdb_cursor_close(cursor);
  sort(s);
  for (i = 0; status == INTEROP_OK && i < s->count; i++)
    status = fn(ctx, s->items[i].record);
  return status;
}

interop_status_t in_view_each(interop_view_t *view, interop_record_kind_t kind,
    interop_status_t (*fn)(void *ctx, in_span_t record), void *ctx, interop_diag_t *diag) {
  const interop_alloc_t *alloc = &view->store->alloc;
  interop_status_t status = INTEROP_NOMEM;
  item_t *room;
  sorter_t s;
  MDB_stat stat;
  size_t bytes;
  if ((unsigned) kind >= IN_STORE_KINDS
      || mdb_stat(view->txn, view->store->kinds[kind], &stat) != 0 || stat.ms_entries == 0)
    return INTEROP_OK;
  memset(&s, 0, sizeof s);
  s.size = stat.ms_entries;
  room = in_mul(s.size, 2 * sizeof *room, &bytes)
       ? alloc->resize(alloc->ctx, NULL, 0, bytes) : NULL;
  if (room != NULL) {
    s.items = room;
    s.spare = room + s.size;
    status = each(view, kind, &s, fn, ctx, diag);
    alloc->resize(alloc->ctx, room, bytes, 0);
  }
  else if (diag != NULL)
    in_diag_set(diag, INTEROP_NOMEM, "out of memory");
  return status;
}
