/*
** store.h -- the durable store: what its files share, and what the command
** line needs beyond interop.h.
**
** Owns an LMDB environment: one database per kind TENANT, USER, CONVERSATION,
** and one ("meta") with the store's format and seed. A kind's database has one
** entry per name, id or alias: its key is the name's hash, its value the packed
** record under the id, and the id's hash (8 bytes) under an alias. Must not know
** any field but "id" and "aliases".
**
** Hashes, because comparing whole ids on the way down costs more than all the
** rest, and because no name is then too long. Names are folded first: ASCII
** letters in lower case, else as given. The hash is SipHash with a seed of the
** store's own, so that nobody can choose ids that meet; and a record is given
** out only if it names what was asked for.
**
** One process opens a store once at a time (a rule of LMDB's file locks), and
** after fork, not before it. One thread may read (views) while another writes;
** none writes while it holds a view itself, for which the write might wait.
*/
#ifndef IN_STORE_H
#define IN_STORE_H

#include <lmdb.h>
#include <pthread.h>
#include "record.h"

#define IN_STORE_KINDS   3        /* TENANT, USER, CONVERSATION, in enum order */
#define IN_STORE_FORMAT  1u
#define IN_STORE_SIZE    ((size_t) 1 << 30)
#define IN_STORE_READERS 4096u
#define IN_STORE_HOT     65536u   /* records a view remembers the place of */

typedef uint64_t in_key_t;

/*
** Where a record was found in a snapshot. Its place stands as long as the
** snapshot does, so every commit, of whatever process, empties all of these.
*/
typedef struct {
  in_key_t key;                   /* with the kind mixed in */
  size_t txn;                     /* 0: empty */
  const char *record;
} in_hot_t;

struct interop_store_s {
  interop_alloc_t alloc;
  MDB_env *env;
  MDB_dbi kinds[IN_STORE_KINDS];
  uint64_t seed[2];
  char *path;
  size_t path_size;
  /*
  ** writing is held as long as a write transaction of this process; gate only
  ** for a few instructions, so that a view never waits for a disk. The map can
  ** be moved while no view is active: see in_store_resize.
  */
  pthread_mutex_t writing, gate;
  pthread_cond_t quiet;           /* no view is active, or moving is over */
  unsigned active;                /* views begun and not ended */
  bool moving;
  interop_view_t *idle;
};

struct interop_view_s {
  interop_store_t *store;
  MDB_txn *txn;
  size_t id;                      /* of the snapshot */
  interop_view_t *next;           /* idle views */
  in_hot_t hot[IN_STORE_HOT];
};

in_key_t in_key(const uint64_t seed[2], in_span_t name);
/* the record's id, or one of its aliases */
bool in_names(in_span_t record, in_span_t name);

/* sets the diagnostic (may be NULL) for an LMDB or errno code, gives its status */
interop_status_t in_store_error(const interop_store_t *store, int rc, const char *doing,
                                interop_diag_t *diag);

/* adopts the size another process gave the map; writing must be held */
int in_store_resize(interop_store_t *store);
/*
** Another process may have made the store larger without filling it, of which
** LMDB says nothing: true if it has, and its size is this one's now. No write
** may be under way in this thread.
*/
bool in_store_grow(interop_store_t *store);

/* the entry of a key as it is; an LMDB code */
int in_store_get(MDB_txn *txn, MDB_dbi dbi, in_key_t key, in_span_t *value);
/* record by id or alias, inside a transaction; the record is intact */
interop_status_t in_store_find(interop_store_t *store, MDB_txn *txn,
    interop_record_kind_t kind, in_span_t key, in_span_t *record);

/* ---- check.c: before LMDB trusts a file */

/*
** The file's two meta pages: sizes, magic, version, roots. MISSING (no file or
** an empty one), DAMAGED, IO. Nothing of LMDB is called.
*/
interop_status_t in_store_check_head(const char *path, interop_diag_t *diag);
/* the size that the heads give the map; 0 if they cannot be read */
size_t in_store_map_size(const char *path);
/*
** Walks every page that the snapshot `txn` can reach and the list of free
** pages: whatever is accepted can be read and written by LMDB without fault, as
** long as the file stays as it is. What it cannot see: changed bytes inside a
** record (the record's checksum tells), of a key that stay in order (the record
** is then not found), and of the counter of commits that make the last commit
** look like the one before the last but one (it is then as if not made). AGAIN: the snapshot is too old to be checked, take
** another.
*/
interop_status_t in_store_check_tree(const char *path, size_t txn,
                                     const interop_alloc_t *alloc, interop_diag_t *diag);

/* ---- write.c: one write transaction */

typedef struct in_late_s in_late_t;

typedef struct {
  interop_store_t *store;
  MDB_txn *txn;
  in_arena_t arena;               /* what is kept until the commit */
  in_late_t *late;                /* names that were still another's when written */
  size_t tag;                     /* caller's number of the record being put: a line */
} in_write_t;

/*
** All or nothing: after any failure only in_write_abort is left. Each sets the
** diagnostic (may be NULL); for a conflict that shows only at the commit,
** diag->line is the tag of the record that made it.
*/
interop_status_t in_write_begin(in_write_t *w, interop_store_t *store, interop_diag_t *diag);
/* the record as it is from now on, new or in place of the one of its id */
interop_status_t in_write_put(in_write_t *w, interop_record_kind_t kind, in_span_t record,
                              interop_diag_t *diag);
/* by id; MISSING */
interop_status_t in_write_delete(in_write_t *w, interop_record_kind_t kind, in_span_t id,
                                 interop_diag_t *diag);
/*
** Effects of one record, found by id or alias; a missing one is made if create,
** else passed over.
*/
interop_status_t in_write_merge(in_write_t *w, interop_record_kind_t kind, in_span_t key,
    const interop_effect_t *effects, size_t count, bool create, interop_diag_t *diag);
interop_status_t in_write_commit(in_write_t *w, interop_diag_t *diag);
void in_write_abort(in_write_t *w);

/* ---- reading all */

/*
** Every record of a kind in the order of their folded ids, until fn gives not OK, which is then
** given back. A damaged record is DAMAGED and ends it; diag says which.
*/
interop_status_t in_view_each(interop_view_t *view, interop_record_kind_t kind,
    interop_status_t (*fn)(void *ctx, in_span_t record), void *ctx, interop_diag_t *diag);

/* ---- load.c: many records at once */

/*
** A list of names, to be written in the order of their keys: an order of
** magnitude faster than record by record. The records themselves are asked for
** a second time by their place, so that they need not be kept.
*/
typedef struct {
  in_key_t key, owner;            /* equal: an id's entry */
  uint64_t place;
} in_load_row_t;

typedef struct {
  interop_store_t *store;
  in_load_row_t *rows[IN_STORE_KINDS];
  size_t count[IN_STORE_KINDS], size[IN_STORE_KINDS];
} in_load_t;

void in_load_init(in_load_t *l, interop_store_t *store);
void in_load_free(in_load_t *l);
/* false: no memory, or a kind that is not kept */
bool in_load_add(in_load_t *l, interop_record_kind_t kind, in_span_t record, uint64_t place);
bool in_load_sort(in_load_t *l);                       /* false: no memory */
/* after sorting: an id stands at two places; the earliest such second one */
bool in_load_twice(const in_load_t *l, uint64_t *first, uint64_t *second);
/*
** After sorting: writes all into w if the store has no record of these kinds yet
** and no name stands twice. MISSING: it does or one does; nothing is written, and
** in_write_put will do it and find out which. fetch gives the record of a place.
*/
interop_status_t in_load_write(in_load_t *l, in_write_t *w,
    interop_status_t (*fetch)(void *ctx, uint64_t place, in_span_t *record), void *ctx,
    interop_diag_t *diag);

#endif
