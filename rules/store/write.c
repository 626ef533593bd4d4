/*
** write.c -- write transactions: records with their aliases, all or nothing.
**
** Owns the rule that a name means one record: within a kind no alias is another
** record's alias or id. Must not know other fields. Invariants: aliases in the
** store are exactly those that records name; a name that is still another's
** when it is written is looked at again at the commit, so that the order of
** records in one transaction does not matter; nothing is kept of a failure.
*/
#include <errno.h>
#include "store.h"

#define ID       IN_SPAN("id")
#define ALIASES  IN_SPAN("aliases")

/*
** A name that was taken when its record was put. Where it was an alias, only
** that waits; where it was the id, the whole record does.
*/
struct in_late_s {
  in_late_t *next;
  interop_record_kind_t kind;
  size_t tag;
  in_span_t id;                   /* of the record that wants it */
  in_span_t alias;                /* absent: the id itself */
  in_span_t record;               /* with it: the record */
};

static int clip(in_span_t s) {
  return (int) (s.n < 120 ? s.n : 120);
}

static interop_status_t fail(in_write_t *w, int rc, interop_diag_t *diag) {
  return in_store_error(w->store, rc, "cannot be written", diag);
}

static int get(in_write_t *w, unsigned kind, in_key_t key, in_span_t *value) {
  return in_store_get(w->txn, w->store->kinds[kind], key, value);
}

static int put(in_write_t *w, unsigned kind, in_key_t key, in_span_t value, unsigned flags) {
  MDB_val k = { sizeof key, &key }, data = { value.n, (void *) (uintptr_t) value.p };
  return mdb_put(w->txn, w->store->kinds[kind], &k, &data, flags);
}

static int del(in_write_t *w, unsigned kind, in_key_t key) {
  MDB_val k = { sizeof key, &key };
  return mdb_del(w->txn, w->store->kinds[kind], &k, NULL);
}

static in_key_t key_of(in_write_t *w, in_span_t name) {
  return in_key(w->store->seed, name);
}

static in_span_t key_bytes(const in_key_t *key) {
  return in_span((const char *) key, sizeof *key);
}

static bool is_alias(in_span_t value) {
  return value.n == sizeof(in_key_t);
}

/* --------------------------------------------------------- transaction */

interop_status_t in_write_begin(in_write_t *w, interop_store_t *store, interop_diag_t *diag) {
  int rc;
  memset(w, 0, sizeof *w);
  w->store = store;
  in_arena_init(&w->arena, &store->alloc);
  pthread_mutex_lock(&store->writing);
  rc = mdb_txn_begin(store->env, NULL, 0, &w->txn);
  if (rc == MDB_MAP_RESIZED && (rc = in_store_resize(store)) == 0)
    rc = mdb_txn_begin(store->env, NULL, 0, &w->txn);
  if (rc == 0)
    return INTEROP_OK;
  w->txn = NULL;
  pthread_mutex_unlock(&store->writing);
  return fail(w, rc, diag);
}

static void finish(in_write_t *w) {
  w->txn = NULL;
  in_arena_free(&w->arena);
  pthread_mutex_unlock(&w->store->writing);
}

void in_write_abort(in_write_t *w) {
  if (w->txn == NULL)
    return;
  mdb_txn_abort(w->txn);
  finish(w);
}

/* ------------------------------------------------------------- aliases */

static int remember(in_write_t *w, interop_record_kind_t kind, in_span_t record,
                    in_span_t alias) {
  in_late_t *late = in_arena_get(&w->arena, sizeof *late);
  if (late == NULL)
    return ENOMEM;
  late->kind = kind;
  late->tag = w->tag;
  late->alias = in_arena_copy(&w->arena, alias);
  if (alias.p == NULL)
    late->record = in_arena_copy(&w->arena, record);
  late->id = in_arena_copy(&w->arena, in_record_text(record, ID));
  late->next = w->late;
  w->late = late;
  return w->arena.failed ? ENOMEM : 0;
}

/* MDB_KEYEXIST: the name means another record */
static int add_alias(in_write_t *w, unsigned kind, in_span_t alias, in_key_t id) {
  in_key_t key = key_of(w, alias);
  in_span_t there;
  int rc;
  if (key == id)
    return 0;                     /* its own id again */
  rc = put(w, kind, key, key_bytes(&id), MDB_NOOVERWRITE);
  if (rc == MDB_KEYEXIST && get(w, kind, key, &there) == 0 && in_eq(there, key_bytes(&id)))
    rc = 0;                       /* given twice, or in another case */
  return rc;
}

static int add_aliases(in_write_t *w, interop_record_kind_t kind, in_span_t record, in_key_t id) {
  interop_value_t list;
  in_span_t alias;
  size_t at = 0;
  int rc = 0;
  if (interop_record_get(record, ALIASES, &list) != INTEROP_OK)
    return 0;
  while (rc == 0 && interop_value_item(&list, &at, &alias, NULL)) {
    rc = alias.n == 0 ? 0 : add_alias(w, kind, alias, id);
    if (rc == MDB_KEYEXIST)
      rc = remember(w, kind, record, alias);
  }
  return rc;
}

static int drop_alias(in_write_t *w, unsigned kind, in_span_t alias, in_key_t id) {
  in_key_t key = key_of(w, alias);
  in_span_t there;
  int rc = get(w, kind, key, &there);
  if (rc == 0 && in_eq(there, key_bytes(&id)))
    rc = del(w, kind, key);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

/* the old record cannot be read: every alias that leads to it goes */
static int purge(in_write_t *w, unsigned kind, in_key_t id) {
  MDB_cursor *cursor;
  MDB_val key, data;
  int rc = mdb_cursor_open(w->txn, w->store->kinds[kind], &cursor);
  if (rc != 0)
    return rc;
  while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0)
    if (in_eq(in_span(data.mv_data, data.mv_size), key_bytes(&id))
        && (rc = mdb_cursor_del(cursor, 0)) != 0)
      break;
  mdb_cursor_close(cursor);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

/* list lies in the store's pages, which writing may move: so a copy is walked */
static int drop_list(in_write_t *w, unsigned kind, interop_value_t list, in_key_t id) {
  in_span_t alias;
  in_arena_t arena;
  size_t at = 0;
  int rc = 0;
  in_arena_init(&arena, &w->store->alloc);
  list.text = in_arena_copy(&arena, list.text);
  if (arena.failed)
    rc = ENOMEM;
  while (rc == 0 && interop_value_item(&list, &at, &alias, NULL))
    rc = drop_alias(w, kind, alias, id);
  in_arena_free(&arena);
  return rc;
}

static int drop_aliases(in_write_t *w, unsigned kind, in_span_t old, in_key_t id) {
  interop_value_t list;
  if (!in_record_intact(old))
    return purge(w, kind, id);
  if (interop_record_get(old, ALIASES, &list) != INTEROP_OK || list.type != INTEROP_T_LIST)
    return 0;
  return drop_list(w, kind, list, id);
}

/* ------------------------------------------------------------- records */

static bool same_aliases(in_span_t a, in_span_t b) {
  interop_value_t x, y;
  interop_status_t s, t;
  if (!in_record_intact(a))
    return false;
  s = interop_record_get(a, ALIASES, &x);
  t = interop_record_get(b, ALIASES, &y);
  if (s != INTEROP_OK || t != INTEROP_OK)
    return s == t;
  return x.type == y.type && in_eq(x.text, y.text);
}

static interop_status_t usable(interop_record_kind_t kind, in_span_t id, interop_diag_t *diag) {
  if ((unsigned) kind >= IN_STORE_KINDS) {
    if (diag != NULL)
      in_diag_set(diag, INTEROP_SYNTAX, "kind \"%s\" is not kept in the store; tenant, user and"
                  " conversation are", interop_record_kind_name(kind));
    return INTEROP_SYNTAX;
  }
  if (id.n == 0 && diag != NULL)
    in_diag_set(diag, INTEROP_SYNTAX, "member \"id\" is missing");
  return id.n == 0 ? INTEROP_SYNTAX : INTEROP_OK;
}

/* two ids of one hash: with a secret seed so unlikely that refusing will do */
static bool collides(in_span_t old, in_span_t id) {
  return in_record_intact(old) && !in_eq_nocase(in_record_text(old, ID), id);
}

/* old: the record so far, or absent */
static int replace(in_write_t *w, interop_record_kind_t kind, in_span_t old, in_span_t record,
                   in_key_t key) {
  bool same = old.p != NULL && same_aliases(old, record);
  int rc = old.p == NULL || same ? 0 : drop_aliases(w, kind, old, key);
  if (rc == 0)
    rc = put(w, kind, key, record, 0);
  return rc != 0 || same ? rc : add_aliases(w, kind, record, key);
}

interop_status_t in_write_put(in_write_t *w, interop_record_kind_t kind, in_span_t record,
                              interop_diag_t *diag) {
  in_span_t id = in_record_text(record, ID), old;
  interop_status_t status = usable(kind, id, diag);
  in_key_t key;
  int rc;
  if (status != INTEROP_OK)
    return status;
  key = key_of(w, id);
  rc = get(w, kind, key, &old);
  if (rc == 0 && is_alias(old))
    rc = remember(w, kind, record, IN_NONE);
  else if (rc == 0 && collides(old, id))
    rc = MDB_BAD_VALSIZE;
  else if (rc == 0 || rc == MDB_NOTFOUND)
    rc = replace(w, kind, old, record, key);
  return rc == 0 ? INTEROP_OK : fail(w, rc, diag);
}

interop_status_t in_write_delete(in_write_t *w, interop_record_kind_t kind, in_span_t id,
                                 interop_diag_t *diag) {
  interop_status_t status = usable(kind, id, diag);
  in_span_t old;
  in_key_t key;
  int rc;
  if (status != INTEROP_OK)
    return status;
  key = key_of(w, id);
  rc = get(w, kind, key, &old);
  if (rc == MDB_NOTFOUND || (rc == 0 && (is_alias(old) || collides(old, id))))
    return INTEROP_MISSING;
  if (rc == 0)
    rc = drop_aliases(w, kind, old, key);
  if (rc == 0)
    rc = del(w, kind, key);
  return rc == 0 ? INTEROP_OK : fail(w, rc, diag);
}

/* --------------------------------------------------------------- merge */

static interop_status_t refuse_id(in_span_t key, interop_diag_t *diag) {
  if (diag != NULL)
    in_diag_set(diag, INTEROP_USAGE, "\"%.*s\": its id cannot be changed", clip(key), key.p);
  return INTEROP_USAGE;
}

/* old with the effects, in the arena; a new record starts with its id */
static interop_status_t build(in_arena_t *arena, in_span_t old, in_span_t key,
    const interop_effect_t *effects, size_t count, in_span_t *record, interop_diag_t *diag) {
  interop_alloc_t alloc = in_arena_alloc(arena);
  interop_status_t status = INTEROP_OK;
  interop_value_t id = in_value_text(key);
  in_draft_t draft;
  size_t i;
  in_draft_init(&draft, arena);
  if (old.p != NULL)
    status = in_draft_load(&draft, old);
  else
    in_draft_set(&draft, ID, &id);
  for (i = 0; status == INTEROP_OK && i < count; i++) {
    if (in_eq(effects[i].field, ID))
      return refuse_id(key, diag);
    status = in_draft_apply(&draft, &effects[i]);
  }
  return status == INTEROP_OK ? in_draft_pack(&draft, &alloc, record, diag) : status;
}

interop_status_t in_write_merge(in_write_t *w, interop_record_kind_t kind, in_span_t key,
    const interop_effect_t *effects, size_t count, bool create, interop_diag_t *diag) {
  interop_status_t status = usable(kind, key, diag);
  in_span_t old, record = IN_NONE;
  in_arena_t arena;
  if (status != INTEROP_OK)
    return status;
  status = in_store_find(w->store, w->txn, kind, key, &old);
  if (status == INTEROP_MISSING && !create)
    return INTEROP_OK;
  if (status == INTEROP_MISSING)
    old = IN_NONE;
  in_arena_init(&arena, &w->store->alloc);
  if (status == INTEROP_OK || status == INTEROP_MISSING)
    status = build(&arena, old, key, effects, count, &record, diag);
  if (status == INTEROP_OK)
    status = in_write_put(w, kind, record, diag);
  in_arena_free(&arena);
  if (status == INTEROP_DAMAGED && diag != NULL)
    in_diag_set(diag, status, "%s: the record of \"%.*s\" is damaged", w->store->path,
                clip(key), key.p);
  if (status == INTEROP_NOMEM && diag != NULL)
    in_diag_set(diag, status, "out of memory");
  return status;
}

/* -------------------------------------------------------------- commit */

static interop_status_t conflict(in_write_t *w, const in_late_t *late, interop_diag_t *diag) {
  in_span_t wanted = late->alias.p == NULL ? late->id : late->alias, owner = IN_NONE;
  const char *kind = interop_record_kind_name(late->kind);
  if (diag == NULL)
    return INTEROP_SYNTAX;
  if (in_store_find(w->store, w->txn, late->kind, wanted, &owner) == INTEROP_OK)
    owner = in_record_text(owner, ID);
  if (late->alias.p == NULL)
    in_diag_set(diag, INTEROP_SYNTAX, "%s \"%.*s\": its id is already an alias of %s \"%.*s\"",
                kind, clip(late->id), late->id.p, kind, clip(owner), owner.p);
  else if (!in_eq_nocase(owner, wanted))
    in_diag_set(diag, INTEROP_SYNTAX, "%s \"%.*s\": alias \"%.*s\" is already an alias of"
                " %s \"%.*s\"", kind, clip(late->id), late->id.p, clip(wanted), wanted.p,
                kind, clip(owner), owner.p);
  else
    in_diag_set(diag, INTEROP_SYNTAX, "%s \"%.*s\": alias \"%.*s\" is the id of another %s",
                kind, clip(late->id), late->id.p, clip(wanted), wanted.p, kind);
  diag->line = (unsigned) late->tag;
  return INTEROP_SYNTAX;
}

/* now that all records are there */
static interop_status_t settle_alias(in_write_t *w, const in_late_t *late, interop_diag_t *diag) {
  in_key_t key = key_of(w, late->id);
  in_span_t record;
  int rc = get(w, late->kind, key, &record);
  if (rc == MDB_NOTFOUND || (rc == 0 && (is_alias(record) || !in_names(record, late->alias))))
    return INTEROP_OK;            /* deleted or changed since */
  if (rc == 0)
    rc = add_alias(w, late->kind, late->alias, key);
  if (rc == MDB_KEYEXIST)
    return conflict(w, late, diag);
  return rc == 0 ? INTEROP_OK : fail(w, rc, diag);
}

static interop_status_t settle_record(in_write_t *w, const in_late_t *late,
                                      interop_diag_t *diag) {
  in_key_t key = key_of(w, late->id);
  in_span_t there;
  int rc = get(w, late->kind, key, &there);
  if (rc == 0)                    /* the alias still, or a later record of this id */
    return is_alias(there) ? conflict(w, late, diag) : INTEROP_OK;
  if (rc == MDB_NOTFOUND) {
    w->tag = late->tag;
    rc = replace(w, late->kind, IN_NONE, late->record, key);
  }
  return rc == 0 ? INTEROP_OK : fail(w, rc, diag);
}

/*
** Records newest first, so that the last of one id stays; what their aliases
** meet is remembered in turn. Then aliases, in the order they came.
*/
static interop_status_t settle(in_write_t *w, interop_diag_t *diag) {
  interop_status_t status = INTEROP_OK;
  in_late_t *late, *list = w->late, *aliases = NULL;
  w->late = NULL;
  for (late = list; status == INTEROP_OK && late != NULL; late = late->next)
    if (late->alias.p == NULL)
      status = settle_record(w, late, diag);
  while ((late = w->late) != NULL) {
    w->late = late->next;
    late->next = aliases;
    aliases = late;
  }
  while ((late = list) != NULL) {
    list = late->next;
    late->next = aliases;
    aliases = late;
  }
  for (late = aliases; status == INTEROP_OK && late != NULL; late = late->next)
    if (late->alias.p != NULL)
      status = settle_alias(w, late, diag);
  return status;
}

interop_status_t in_write_commit(in_write_t *w, interop_diag_t *diag) {
  interop_status_t status = settle(w, diag);
  int rc;
  if (status != INTEROP_OK) {
    in_write_abort(w);
    return status;
  }
  rc = mdb_txn_commit(w->txn);
  finish(w);
  return rc == 0 ? INTEROP_OK : fail(w, rc, diag);
}

/* --------------------------------------------------------------- apply */

static bool same_record(const interop_effect_t *a, const interop_effect_t *b) {
  return a->kind == b->kind && in_eq(a->key, b->key);
}

/* neighbours that change one record are one merge */
static interop_status_t apply_all(in_write_t *w, const interop_effect_t *e, size_t count,
                                  interop_diag_t *diag) {
  interop_status_t status = INTEROP_OK;
  size_t i, n;
  for (i = 0; status == INTEROP_OK && i < count; i += n) {
    bool create = e[i].create != 0;
    for (n = 1; i + n < count && same_record(&e[i], &e[i + n]); n++)
      create = create || e[i + n].create != 0;
    if ((unsigned) e[i].kind < IN_STORE_KINDS)
      status = in_write_merge(w, e[i].kind, e[i].key, e + i, n, create, diag);
  }
  return status;
}

static interop_status_t apply_once(interop_store_t *store, const interop_effect_t *effects,
                                   size_t count, interop_diag_t *diag) {
  interop_status_t status;
  in_write_t w;
  status = in_write_begin(&w, store, diag);
  if (status != INTEROP_OK)
    return status;
  status = apply_all(&w, effects, count, diag);
  if (status == INTEROP_OK)
    return in_write_commit(&w, diag);
  in_write_abort(&w);
  return status;
}

interop_status_t interop_store_apply(interop_store_t *store, const interop_effect_t *effects,
                                     size_t count, interop_diag_t *diag) {
  interop_status_t status;
  int dead = 0;
  if (diag != NULL)
    in_diag_clear(diag);
  status = apply_once(store, effects, count, diag);
  if (status != INTEROP_FULL)
    return status;
  /* a killed reader may be what keeps free pages from being used again */
  if ((mdb_reader_check(store->env, &dead) == 0 && dead > 0) || in_store_grow(store)) {
    if (diag != NULL)
      in_diag_clear(diag);
    status = apply_once(store, effects, count, diag);
  }
  return status;
}
