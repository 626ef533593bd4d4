/*
** store.c -- opening, closing and sizing the store; what its errors mean.
**
** Owns the LMDB environment, its databases and the turning of LMDB's codes into
** a status and a sentence. Must not know what records hold. Invariants: LMDB
** sees a file only after check.c has; a store that is not whole is not handed
** out; the memory map moves only while no view is active.
*/
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store.h"

#define DATABASES  (IN_STORE_KINDS + 1)
#define CHECKS     20             /* snapshots tried while others write */
#define MODE       0660           /* of the files; the directory's own bits guard them */

/* -------------------------------------------------------------- errors */

static interop_status_t status_of(int rc) {
  switch (rc) {
    case 0: return INTEROP_OK;
    case MDB_NOTFOUND: case ENOENT: return INTEROP_MISSING;
    case MDB_MAP_FULL: case MDB_TXN_FULL: case ENOSPC: case EDQUOT: case EFBIG:
      return INTEROP_FULL;
    case ENOMEM: return INTEROP_NOMEM;
    case MDB_CORRUPTED: case MDB_PAGE_NOTFOUND: case MDB_INVALID: case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE: case MDB_CURSOR_FULL: case MDB_PAGE_FULL:
      return INTEROP_DAMAGED;
    case MDB_PANIC: case MDB_READERS_FULL: case MDB_MAP_RESIZED: case EAGAIN:
      return INTEROP_UNAVAILABLE;
    default: return INTEROP_IO;
  }
}

static void tell_full(const interop_store_t *store, int rc, interop_diag_t *diag) {
  MDB_envinfo info;
  if (rc == ENOSPC || rc == EDQUOT || rc == EFBIG) {
    in_diag_set(diag, INTEROP_FULL, "%s: the disk is full; nothing was changed", store->path);
    return;
  }
  mdb_env_info(store->env, &info);
  in_diag_set(diag, INTEROP_FULL, "%s: the store is full (%zu KiB); nothing was changed",
              store->path, info.me_mapsize / 1024);
  in_diag_hint(diag, "open it with a larger size; it grows without a restart");
}

interop_status_t in_store_error(const interop_store_t *store, int rc, const char *doing,
                                interop_diag_t *diag) {
  interop_status_t status = status_of(rc);
  if (diag == NULL || rc == 0)
    return status;
  if (status == INTEROP_FULL)
    tell_full(store, rc, diag);
  else
    in_diag_set(diag, status, "%s: %s: %s", store->path, doing, mdb_strerror(rc));
  if (rc == EACCES || rc == EPERM)
    in_diag_hint(diag, "whoever uses the store must be allowed to write its directory and files");
  return status;
}

/* ------------------------------------------------------------- resizing */

int in_store_resize(interop_store_t *store) {
  interop_view_t *view;
  int rc;
  pthread_mutex_lock(&store->gate);
  store->moving = true;
  while (store->active > 0)       /* views last as long as one decision */
    pthread_cond_wait(&store->quiet, &store->gate);
  rc = mdb_env_set_mapsize(store->env, 0);
  for (view = store->idle; view != NULL; view = view->next)
    memset(view->hot, 0, sizeof view->hot);   /* the map is elsewhere now */
  store->moving = false;
  pthread_cond_broadcast(&store->quiet);
  pthread_mutex_unlock(&store->gate);
  return rc;
}

bool in_store_grow(interop_store_t *store) {
  MDB_envinfo info;
  int rc;
  mdb_env_info(store->env, &info);
  if (in_store_map_size(store->path) <= info.me_mapsize)
    return false;
  pthread_mutex_lock(&store->writing);
  rc = in_store_resize(store);
  pthread_mutex_unlock(&store->writing);
  return rc == 0;
}

/* ------------------------------------------------------------- opening */

static int read_meta(MDB_txn *txn, MDB_dbi dbi, const char *name, void *to, size_t n) {
  MDB_val key = { strlen(name), (void *) (uintptr_t) name }, data;
  int rc = mdb_get(txn, dbi, &key, &data);
  if (rc == 0 && data.mv_size != n)
    return MDB_CORRUPTED;
  if (rc == 0)
    memcpy(to, data.mv_data, n);
  return rc;
}

static int write_meta(MDB_txn *txn, MDB_dbi dbi, const char *name, void *from, size_t n) {
  MDB_val key = { strlen(name), (void *) (uintptr_t) name }, data = { n, from };
  return mdb_put(txn, dbi, &key, &data, 0);
}

static bool random_bytes(void *to, size_t n) {
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  bool good = fd >= 0 && read(fd, to, n) == (ssize_t) n;
  if (fd >= 0)
    close(fd);
  return good;
}

/* a new store gets its format and its seed */
static int make_meta(interop_store_t *s, MDB_txn *txn, MDB_dbi meta, uint32_t *format) {
  int rc;
  *format = IN_STORE_FORMAT;
  if (!random_bytes(s->seed, sizeof s->seed))
    return EAGAIN;
  rc = write_meta(txn, meta, "format", format, sizeof *format);
  return rc != 0 ? rc : write_meta(txn, meta, "seed", s->seed, sizeof s->seed);
}

/* all databases in one transaction */
static int open_databases(interop_store_t *s, MDB_txn *txn, unsigned flags, uint32_t *format) {
  MDB_dbi meta;
  int rc = mdb_dbi_open(txn, "meta", flags, &meta), i;
  if (rc == 0)
    rc = read_meta(txn, meta, "format", format, sizeof *format);
  if (rc == MDB_NOTFOUND && flags != 0)
    rc = make_meta(s, txn, meta, format);
  if (rc != 0 || *format != IN_STORE_FORMAT)
    return rc;
  rc = read_meta(txn, meta, "seed", s->seed, sizeof s->seed);
  for (i = 0; rc == 0 && i < IN_STORE_KINDS; i++)
    rc = mdb_dbi_open(txn, interop_record_kind_name((interop_record_kind_t) i),
                      flags | MDB_INTEGERKEY, &s->kinds[i]);
  return rc;
}

static interop_status_t prepare(interop_store_t *s, unsigned flags, interop_diag_t *diag) {
  uint32_t format = 0;
  MDB_txn *txn;
  int rc = mdb_txn_begin(s->env, NULL, flags == 0 ? MDB_RDONLY : 0, &txn);
  if (rc != 0)
    return in_store_error(s, rc, "cannot be opened", diag);
  rc = open_databases(s, txn, flags, &format);
  if (rc != 0 || format != IN_STORE_FORMAT) {
    mdb_txn_abort(txn);
    if (rc == MDB_NOTFOUND)       /* killed while it was being made */
      in_diag_set(diag, INTEROP_MISSING, "%s: there is no store yet", s->path);
    else if (rc == 0)
      in_diag_set(diag, INTEROP_DAMAGED, "%s: the store has format %u; this program reads"
                  " format %u", s->path, format, IN_STORE_FORMAT);
    else
      return in_store_error(s, rc, "cannot be opened", diag);
    return diag->status;
  }
  rc = mdb_txn_commit(txn);
  return rc == 0 ? INTEROP_OK : in_store_error(s, rc, "cannot be opened", diag);
}

/* the snapshot is held while its pages are looked at, so that nobody reuses them */
static interop_status_t check_snapshot(interop_store_t *s, interop_diag_t *diag) {
  interop_status_t status;
  MDB_txn *txn;
  int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
  if (rc == MDB_MAP_RESIZED && (rc = mdb_env_set_mapsize(s->env, 0)) == 0)
    rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
  if (rc != 0)
    return in_store_error(s, rc, "cannot be opened", diag);
  status = in_store_check_tree(s->path, mdb_txn_id(txn), &s->alloc, diag);
  mdb_txn_abort(txn);
  return status;
}

static interop_status_t check_tree(interop_store_t *s, interop_diag_t *diag) {
  interop_status_t status = INTEROP_AGAIN;
  int i;
  for (i = 0; status == INTEROP_AGAIN && i < CHECKS; i++)
    status = check_snapshot(s, diag);
  if (status == INTEROP_AGAIN) {
    in_diag_set(diag, INTEROP_DAMAGED, "%s: the store is damaged: its heads do not agree", s->path);
    status = INTEROP_DAMAGED;
  }
  return status;
}

static int open_environment(interop_store_t *s, size_t size) {
  unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
  int dead, rc = mdb_env_create(&s->env);
  if (rc == 0)
    rc = mdb_env_set_maxdbs(s->env, DATABASES);
  if (rc == 0)
    rc = mdb_env_set_maxreaders(s->env, IN_STORE_READERS);
  if (rc == 0 && size > 0)
    rc = mdb_env_set_mapsize(s->env, size);
  if (rc == 0)
    rc = mdb_env_open(s->env, s->path, flags, MODE);
  if (rc == 0)                    /* slots of processes that were killed */
    rc = mdb_reader_check(s->env, &dead);
  return rc;
}

static interop_status_t open_at(interop_store_t *s, size_t size, int create,
                                interop_diag_t *diag) {
  interop_status_t status = in_store_check_head(s->path, diag);
  bool fresh = status == INTEROP_MISSING && create;
  int rc;
  if (fresh) {
    in_diag_clear(diag);
    if (mkdir(s->path, 0770) != 0 && errno != EEXIST)
      return in_store_error(s, errno, "cannot be made", diag);
    if (size == 0)
      size = IN_STORE_SIZE;
  }
  else if (status != INTEROP_OK)
    return status;
  if ((rc = open_environment(s, size)) != 0)
    return in_store_error(s, rc, "cannot be opened", diag);
  if (!fresh && (status = check_tree(s, diag)) != INTEROP_OK)
    return status;
  status = prepare(s, 0, diag);
  if (status == INTEROP_MISSING && create) {
    in_diag_clear(diag);
    status = prepare(s, MDB_CREATE, diag);
  }
  return status;
}

/* sizes are whole pages, and a small one would not hold even the databases */
static size_t whole_size(size_t size) {
  const size_t page = 4096, least = 64 * page;
  if (size == 0 || size > SIZE_MAX - page)
    return size / page * page;
  return size < least ? least : (size + page - 1) / page * page;
}

static interop_store_t *new_store(const char *path, const interop_alloc_t *alloc) {
  interop_store_t *s = alloc->resize(alloc->ctx, NULL, 0, sizeof *s);
  if (s == NULL)
    return NULL;
  memset(s, 0, sizeof *s);
  s->alloc = *alloc;
  s->path_size = strlen(path) + 1;
  s->path = alloc->resize(alloc->ctx, NULL, 0, s->path_size);
  if (s->path == NULL) {
    alloc->resize(alloc->ctx, s, sizeof *s, 0);
    return NULL;
  }
  memcpy(s->path, path, s->path_size);
  pthread_mutex_init(&s->writing, NULL);
  pthread_mutex_init(&s->gate, NULL);
  pthread_cond_init(&s->quiet, NULL);
  return s;
}

interop_status_t interop_store_open(const char *path, size_t size, int create,
    const interop_alloc_t *alloc, interop_store_t **store, interop_diag_t *diag) {
  interop_status_t status;
  interop_store_t *s;
  *store = NULL;
  in_diag_clear(diag);
  if ((s = new_store(path, alloc)) == NULL) {
    in_diag_set(diag, INTEROP_NOMEM, "%s: out of memory", path);
    return INTEROP_NOMEM;
  }
  status = open_at(s, whole_size(size), create, diag);
  if (status == INTEROP_OK)
    *store = s;
  else
    interop_store_close(s);
  return status;
}

void interop_store_close(interop_store_t *store) {
  interop_alloc_t alloc;
  if (store == NULL)
    return;
  alloc = store->alloc;
  while (store->idle != NULL) {
    interop_view_t *view = store->idle;
    store->idle = view->next;
    mdb_txn_abort(view->txn);
    alloc.resize(alloc.ctx, view, sizeof *view, 0);
  }
  if (store->env != NULL)
    mdb_env_close(store->env);
  pthread_cond_destroy(&store->quiet);
  pthread_mutex_destroy(&store->gate);
  pthread_mutex_destroy(&store->writing);
  alloc.resize(alloc.ctx, store->path, store->path_size, 0);
  alloc.resize(alloc.ctx, store, sizeof *store, 0);
}
