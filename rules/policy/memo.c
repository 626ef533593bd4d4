/*
** memo.c -- the rows that a worker remembers.
**
** Owns which rows are kept and when one still holds. Must not know what is in a
** record. One thread's; the store may be written by any process at any time: a
** row holds for the snapshot it was taken from, and for a later one as soon as
** the record there was seen to be the same, byte for byte.
**
** Sets of a few places, chosen by a hash with a secret of the store's own, and
** a limit on all bytes, given-out rows included. Only what the store has is
** kept, so that made-up names evict nothing; and what was asked for only once
** goes before what was asked for again, so that a walk over many names evicts
** mostly itself. The hash only chooses: names are compared whole.
*/
#include "row.h"
#include "../store/store.h"

#define WAYS        4u
#define PLACE       ((size_t) 512) /* bytes a row is reckoned with, for the number of places */
#define SMALLEST    (32u * PLACE)
#define USUAL       ((size_t) 8 << 20)
#define ROW_SHARE   16u           /* a row that takes more than this part of all is not kept */

typedef struct {
  in_row_t row;                   /* first: a row is its entry */
  interop_memo_t *memo;
  uint64_t hash;
  size_t snapshot;                /* for which the row holds */
  size_t size;                    /* of this block */
  in_span_t key;
  uint32_t kind;
  uint32_t holders;               /* the table is one */
  bool again;                     /* asked for more than once since the hand came by */
} entry_t;

struct interop_memo_s {
  interop_alloc_t alloc;
  const interop_policy_t *policy;
  const interop_store_t *store;   /* all rows are this one's */
  uint64_t seed[2];
  entry_t **place;
  size_t sets;                    /* a power of two */
  size_t hand;
  size_t bytes, limit;            /* of entries, held ones included */
};

/* ---- keys */

static uint64_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 r = (unsigned __int128) a * b;
  return (uint64_t) r ^ (uint64_t) (r >> 64);
}

static uint64_t eight(const char *p) {
  uint64_t w;
  memcpy(&w, p, 8);
  return w;
}

static uint64_t four(const char *p) {
  uint32_t w;
  memcpy(&w, p, 4);
  return w;
}

/* all of a short text, of at most eight bytes: the middle ones may be in it twice */
static uint64_t few(const char *p, size_t n) {
  if (n >= 4) return four(p) | four(p + n - 4) << 32;
  return n == 0 ? 0 : (uint64_t) (unsigned char) p[0] | (uint64_t) (unsigned char) p[n / 2] << 8
                      | (uint64_t) (unsigned char) p[n - 1] << 16;
}

static uint64_t hash(const interop_memo_t *m, uint32_t kind, in_span_t key) {
  uint64_t a = m->seed[0], b = m->seed[1], h = fold(a ^ kind, b ^ key.n);
  const char *p = key.p, *end = p + key.n;
  if (key.n <= 8) return fold(few(p, key.n) ^ a ^ h, b);
  for (; end - p > 16; p += 16) h = fold(eight(p) ^ a, eight(p + 8) ^ h);
  if (key.n > 16) p = end - 16;
  return fold(eight(p) ^ a ^ h, eight(end - 8) ^ b);
}

/* ---- entries */

static void give(entry_t *e) {
  interop_memo_t *m = e->memo;
  if (--e->holders > 0) return;
  m->bytes -= e->size;
  m->alloc.resize(m->alloc.ctx, e, e->size, 0);
}

void in_memo_release(in_row_t *row) {
  give((entry_t *) (void *) row);
}

static void drop(entry_t **place) {
  if (*place != NULL) give(*place);
  *place = NULL;
}

static void forget_all(interop_memo_t *m) {
  for (size_t i = 0; i < m->sets * WAYS; i++) drop(&m->place[i]);
}

/* takes the hand once around, at most twice, until there is room */
static bool make_room(interop_memo_t *m, size_t size) {
  size_t places = m->sets * WAYS;
  for (size_t i = 0; i < 2 * places && m->bytes + size > m->limit; i++) {
    entry_t **at = &m->place[m->hand++ & (places - 1)];
    if (*at == NULL) continue;
    if ((*at)->again) (*at)->again = false;
    else drop(at);
  }
  return m->bytes + size <= m->limit;
}

/* a copy of key and record, and room for the classes, in one block; NULL: not kept */
static entry_t *make(interop_memo_t *m, uint32_t kind, in_span_t key, in_span_t record) {
  size_t classes = in_class_bytes(m->policy), size;
  entry_t *e;
  char *p;
  if (!in_add(sizeof(*e) + classes, key.n, &size) || !in_add(size, record.n, &size)
      || size > m->limit / ROW_SHARE || !make_room(m, size)) return NULL;
  e = m->alloc.resize(m->alloc.ctx, NULL, 0, size);
  if (e == NULL) return NULL;
  memset(e, 0, sizeof(*e));
  p = (char *) (e + 1);
  memcpy(p, record.p, record.n);
  memcpy(p + record.n, key.p, key.n);
  in_row_fill(&e->row, m->policy, in_span(p, record.n), (uint8_t *) p + record.n + key.n);
  e->memo = m;
  e->size = size;
  e->key = in_span(p + record.n, key.n);
  e->kind = kind;
  e->holders = 1;
  m->bytes += size;
  return e;
}

/* the place to take: a free one, else of one that was asked for once, else the next in turn */
static entry_t **victim(interop_memo_t *m, entry_t **set) {
  for (size_t i = 0; i < WAYS; i++)
    if (set[i] == NULL) return &set[i];
  for (size_t i = 0; i < WAYS; i++) {
    if (!set[i]->again) return &set[i];
    set[i]->again = false;
  }
  return &set[m->hand++ % WAYS];
}

static in_row_t *take(entry_t *e) {
  e->holders++;
  return &e->row;
}

/* ---- finding */

/* a store that is opened anew has another secret, or another handle */
static void serve(interop_memo_t *m, const interop_store_t *store) {
  if (m->store == store && m->seed[0] == store->seed[0] && m->seed[1] == store->seed[1]) return;
  forget_all(m);
  m->store = store;
  memcpy(m->seed, store->seed, sizeof(m->seed));
}

__attribute__((noinline))
static interop_status_t learn(interop_memo_t *m, interop_view_t *view, interop_record_kind_t kind, in_span_t key,
                              uint64_t h, in_row_t **row, in_span_t *record) {
  entry_t *e, **at;
  interop_status_t rc = interop_view_lookup(view, kind, key, record);
  if (rc != INTEROP_OK) return rc;
  e = make(m, kind, key, *record);
  if (e == NULL) return INTEROP_OK;
  e->hash = h;
  e->snapshot = view->id;
  at = victim(m, &m->place[(h & (m->sets - 1)) * WAYS]);
  drop(at);
  *at = e;
  *row = take(e);
  return INTEROP_OK;
}

/* another snapshot: the record may be as it was */
static bool still(interop_view_t *view, entry_t *e) {
  in_span_t record;
  if (interop_view_lookup(view, (interop_record_kind_t) e->kind, e->key, &record) != INTEROP_OK
      || !in_eq(record, e->row.record)) return false;
  e->snapshot = view->id;
  return true;
}

/* in its set; NULL: it is not there, or was and is another now */
static entry_t *find(entry_t **set, interop_view_t *view, uint32_t kind, in_span_t key, uint64_t h) {
  for (size_t i = 0; i < WAYS; i++) {
    entry_t *e = set[i];
    if (e == NULL || e->hash != h || e->kind != kind || !in_eq(e->key, key)) continue;
    if (e->snapshot == view->id || still(view, e)) return e;
    drop(&set[i]);
    return NULL;
  }
  return NULL;
}

interop_status_t in_memo_find(interop_memo_t *m, interop_view_t *view, interop_record_kind_t kind,
                              in_span_t key, in_row_t **row, in_span_t *record) {
  entry_t *e;
  uint64_t h;
  serve(m, view->store);
  *row = NULL;
  *record = IN_NONE;
  h = hash(m, kind, key);
  e = find(&m->place[(h & (m->sets - 1)) * WAYS], view, kind, key, h);
  if (e == NULL) return learn(m, view, kind, key, h, row, record);
  e->again = true;
  *row = take(e);
  return INTEROP_OK;
}

bool in_memo_serves(const interop_memo_t *m, const interop_policy_t *p) {
  return m != NULL && m->policy == p;
}

/* ---- the handle */

interop_status_t interop_memo_new(const interop_policy_t *policy, size_t size, const interop_alloc_t *alloc,
                                  interop_memo_t **memo) {
  interop_memo_t *m = alloc->resize(alloc->ctx, NULL, 0, sizeof(*m));
  size_t places;
  *memo = NULL;
  if (m == NULL) return INTEROP_NOMEM;
  memset(m, 0, sizeof(*m));
  m->alloc = *alloc;
  m->policy = policy;
  m->limit = size == 0 ? USUAL : size < SMALLEST ? SMALLEST : size;
  for (m->sets = 1; m->sets * WAYS * PLACE < m->limit && m->sets < (size_t) 1 << 24; ) m->sets *= 2;
  places = m->sets * WAYS * sizeof(*m->place);
  m->place = alloc->resize(alloc->ctx, NULL, 0, places);
  if (m->place == NULL) {
    alloc->resize(alloc->ctx, m, sizeof(*m), 0);
    return INTEROP_NOMEM;
  }
  memset(m->place, 0, places);
  *memo = m;
  return INTEROP_OK;
}

void interop_memo_free(interop_memo_t *m) {
  interop_alloc_t a;
  if (m == NULL) return;
  a = m->alloc;
  forget_all(m);
  a.resize(a.ctx, m->place, m->sets * WAYS * sizeof(*m->place), 0);
  a.resize(a.ctx, m, sizeof(*m), 0);
}
