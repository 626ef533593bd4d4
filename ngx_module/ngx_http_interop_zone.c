
/*
 * Shared memory: records of messages and calls, and counters.  Owns one block
 * of the zone's slab pool, cut into cells of one size; a record is a chain of
 * cells, found by a hash table, and goes when it is the longest unused and
 * room is needed.  Must not know what is in a record.
 *
 * A worker may be killed between any two instructions.  All links are changed
 * under the slab pool's mutex, which the master frees for the dead, and between
 * setting and clearing "dirty".  Who finds it set rebuilds all links from the
 * cells: each names its owner, and a record is whole if its checksum is.
 * Nothing here depends on a policy, and links are indices, not pointers.
 */


#include "ngx_http_interop.h"


#define NGX_HTTP_INTEROP_LAYOUT  0x494e5a31        /* changes with the structs */
#define NGX_HTTP_INTEROP_CELL    256
#define NGX_HTTP_INTEROP_NIL     0xffffffff
#define NGX_HTTP_INTEROP_MARK    0x80000000
#define NGX_HTTP_INTEROP_LIVE    0x4c495645
#define NGX_HTTP_INTEROP_MIN     (8 * ngx_pagesize)


/* all fields before "data" but for owner and next are the first cell's */

typedef struct {
    uint32_t                      owner;         /* first cell, or NIL: free */
    uint32_t                      next;          /* of the chain, or free */
    uint32_t                      chain;         /* of the hash bucket */
    uint32_t                      newer;
    uint32_t                      older;
    uint32_t                      hash;
    uint32_t                      crc;           /* over lengths and bytes */
    uint32_t                      key;           /* lengths */
    uint32_t                      record;
    uint32_t                      live;
    u_char                        data[NGX_HTTP_INTEROP_CELL
                                       - 10 * sizeof(uint32_t)];
} ngx_http_interop_cell_t;

#define NGX_HTTP_INTEROP_DATA                                                 \
    (NGX_HTTP_INTEROP_CELL - offsetof(ngx_http_interop_cell_t, data))


typedef struct {
    uint32_t                      layout;
    volatile uint32_t             dirty;
    uint32_t                      cells;
    uint32_t                      buckets;       /* a power of two */
    uint32_t                      free;          /* first */
    uint32_t                      nfree;
    uint32_t                      records;
    uint32_t                      newest;
    uint32_t                      oldest;

    ngx_http_interop_counters_t   counters;
} ngx_http_interop_shm_t;


struct ngx_http_interop_zone_s {
    ngx_http_interop_shm_t       *sh;
    ngx_slab_pool_t              *shpool;
    uint32_t                     *bucket;
    ngx_http_interop_cell_t      *cell;
};


/* a key as it is stored: the kind's digit goes first */

typedef struct {
    u_char                        kind;
    interop_span_t                key;
    uint32_t                      hash;
} ngx_http_interop_key_t;


static ngx_int_t ngx_http_interop_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_http_interop_zone_map(ngx_http_interop_zone_t *zone);
static void ngx_http_interop_zone_lock(ngx_http_interop_zone_t *zone);
static void ngx_http_interop_zone_unlock(ngx_http_interop_zone_t *zone);
static void ngx_http_interop_zone_rebuild(ngx_http_interop_zone_t *zone);
static ngx_uint_t ngx_http_interop_zone_whole(ngx_http_interop_zone_t *zone,
    uint32_t i);
static void ngx_http_interop_zone_key(ngx_http_interop_key_t *key,
    interop_record_kind_t kind, interop_span_t text);
static uint32_t ngx_http_interop_zone_find(ngx_http_interop_zone_t *zone,
    ngx_http_interop_key_t *key);
static uint32_t ngx_http_interop_zone_need(size_t key, size_t record);
static ngx_uint_t ngx_http_interop_zone_is(ngx_http_interop_zone_t *zone,
    uint32_t i, ngx_http_interop_key_t *key);
static void ngx_http_interop_zone_link(ngx_http_interop_zone_t *zone,
    uint32_t i);
static void ngx_http_interop_zone_unlink(ngx_http_interop_zone_t *zone,
    uint32_t i);
static void ngx_http_interop_zone_remove(ngx_http_interop_zone_t *zone,
    uint32_t i);
static interop_status_t ngx_http_interop_zone_put(
    ngx_http_interop_zone_t *zone, ngx_http_interop_key_t *key,
    interop_span_t record, uint32_t expected);
static void ngx_http_interop_zone_fill(ngx_http_interop_zone_t *zone,
    uint32_t *at, size_t *off, const void *data, size_t len);
static void ngx_http_interop_zone_read(ngx_http_interop_zone_t *zone,
    uint32_t i, size_t from, u_char *to, size_t len);
static uint32_t ngx_http_interop_zone_crc(ngx_http_interop_zone_t *zone,
    uint32_t i);
static interop_status_t ngx_http_interop_zone_copy(
    ngx_http_interop_zone_t *zone, ngx_pool_t *pool,
    ngx_http_interop_key_t *key, interop_span_t *record, uint32_t *crc);


char *
ngx_http_interop_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_main_conf_t *imcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (imcf->zone) {
        return "is duplicate";
    }

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid zone size \"%V\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) NGX_HTTP_INTEROP_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "zone \"%V\" is too small",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_interop_zone_add(cf, imcf, &value[1], size);
}


char *
ngx_http_interop_zone_add(ngx_conf_t *cf, ngx_http_interop_main_conf_t *imcf,
    ngx_str_t *name, size_t size)
{
    ngx_shm_zone_t           *shm_zone;
    ngx_http_interop_zone_t  *zone;

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_interop_zone_t));
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    shm_zone = ngx_shared_memory_add(cf, name, size, &ngx_http_interop_module);
    if (shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "zone \"%V\" is duplicate",
                           name);
        return NGX_CONF_ERROR;
    }

    shm_zone->init = ngx_http_interop_init_zone;
    shm_zone->data = zone;

    imcf->zone = zone;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_interop_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_interop_zone_t *ozone = data;

    size_t                    size;
    uint32_t                  n;
    ngx_http_interop_shm_t   *sh;
    ngx_http_interop_zone_t  *zone;

    zone = shm_zone->data;

    if (ozone) {
        *zone = *ozone;
        return NGX_OK;
    }

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        zone->sh = zone->shpool->data;

        if (zone->sh->layout != NGX_HTTP_INTEROP_LAYOUT) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "zone \"%V\" has another layout",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }

        ngx_http_interop_zone_map(zone);
        return NGX_OK;
    }

    zone->shpool->log_nomem = 0;

    size = zone->shpool->pfree * ngx_pagesize;

    sh = ngx_slab_calloc(zone->shpool, size);
    if (sh == NULL) {
        return NGX_ERROR;
    }

    zone->shpool->data = sh;
    zone->sh = sh;

    /* a bucket for each cell, and room to begin the cells at a multiple */

    size -= sizeof(ngx_http_interop_shm_t) + 2 * NGX_HTTP_INTEROP_CELL;
    n = (uint32_t) ngx_min(size / (NGX_HTTP_INTEROP_CELL + 2 * sizeof(uint32_t)),
                           NGX_HTTP_INTEROP_MARK / 2);

    sh->layout = NGX_HTTP_INTEROP_LAYOUT;
    sh->cells = n;

    for (sh->buckets = 1; sh->buckets < n; sh->buckets *= 2) { /* void */ }

    ngx_http_interop_zone_map(zone);
    ngx_http_interop_zone_rebuild(zone);

    sh->counters.rebuilt = 0;

    return NGX_OK;
}


static void
ngx_http_interop_zone_map(ngx_http_interop_zone_t *zone)
{
    u_char  *p;

    zone->bucket = (uint32_t *) ngx_align_ptr(zone->sh + 1,
                                              NGX_HTTP_INTEROP_CELL);

    p = (u_char *) (zone->bucket + zone->sh->buckets);

    zone->cell = (ngx_http_interop_cell_t *)
                                       ngx_align_ptr(p, NGX_HTTP_INTEROP_CELL);
}


static void
ngx_http_interop_zone_lock(ngx_http_interop_zone_t *zone)
{
    ngx_shmtx_lock(&zone->shpool->mutex);

    if (zone->sh->dirty) {
        ngx_http_interop_zone_rebuild(zone);
    }

    zone->sh->dirty = 1;
    ngx_memory_barrier();
}


static void
ngx_http_interop_zone_unlock(ngx_http_interop_zone_t *zone)
{
    ngx_memory_barrier();
    zone->sh->dirty = 0;

    ngx_shmtx_unlock(&zone->shpool->mutex);
}


/* all links anew: whole records are kept, all other cells are free */

static void
ngx_http_interop_zone_rebuild(ngx_http_interop_zone_t *zone)
{
    uint32_t                  i, j, k;
    ngx_http_interop_shm_t   *sh;
    ngx_http_interop_cell_t  *c;

    sh = zone->sh;
    c = zone->cell;

    sh->free = NGX_HTTP_INTEROP_NIL;
    sh->newest = NGX_HTTP_INTEROP_NIL;
    sh->oldest = NGX_HTTP_INTEROP_NIL;
    sh->nfree = 0;
    sh->records = 0;

    ngx_memset(zone->bucket, 0xff, sh->buckets * sizeof(uint32_t));

    for (i = 0; i < sh->cells; i++) {
        if (c[i].owner != NGX_HTTP_INTEROP_NIL) {
            c[i].owner &= ~NGX_HTTP_INTEROP_MARK;
        }
    }

    for (i = 0; i < sh->cells; i++) {

        if (c[i].owner != i || !ngx_http_interop_zone_whole(zone, i)) {
            continue;
        }

        k = ngx_http_interop_zone_need(c[i].key, c[i].record);

        for (j = i; k; j = c[j].next, k--) {
            c[j].owner |= NGX_HTTP_INTEROP_MARK;
        }

        ngx_http_interop_zone_link(zone, i);
    }

    for (i = 0; i < sh->cells; i++) {

        if (c[i].owner != NGX_HTTP_INTEROP_NIL
            && (c[i].owner & NGX_HTTP_INTEROP_MARK))
        {
            c[i].owner &= ~NGX_HTTP_INTEROP_MARK;
            continue;
        }

        c[i].owner = NGX_HTTP_INTEROP_NIL;
        c[i].live = 0;
        c[i].next = sh->free;
        sh->free = i;
        sh->nfree++;
    }

    sh->counters.rebuilt++;
}


static ngx_uint_t
ngx_http_interop_zone_whole(ngx_http_interop_zone_t *zone, uint32_t i)
{
    uint32_t                  j, n;
    ngx_http_interop_cell_t  *c;

    c = zone->cell;

    if (c[i].live != NGX_HTTP_INTEROP_LIVE
        || c[i].key == 0
        || c[i].key > zone->sh->cells * NGX_HTTP_INTEROP_DATA
        || c[i].record > zone->sh->cells * NGX_HTTP_INTEROP_DATA)
    {
        return 0;
    }

    n = ngx_http_interop_zone_need(c[i].key, c[i].record);

    for (j = i; n; n--) {

        if (j >= zone->sh->cells || c[j].owner != i) {
            return 0;
        }

        j = c[j].next;
    }

    return ngx_http_interop_zone_crc(zone, i) == c[i].crc;
}


static void
ngx_http_interop_zone_key(ngx_http_interop_key_t *key,
    interop_record_kind_t kind, interop_span_t text)
{
    uint32_t  crc;

    key->kind = (u_char) ('0' + kind);
    key->key = text;

    ngx_crc32_init(crc);
    ngx_crc32_update(&crc, &key->kind, 1);
    ngx_crc32_update(&crc, (u_char *) text.p, text.n);
    ngx_crc32_final(crc);

    key->hash = crc;
}


static uint32_t
ngx_http_interop_zone_need(size_t key, size_t record)
{
    return (uint32_t) ((key + record + NGX_HTTP_INTEROP_DATA - 1)
                       / NGX_HTTP_INTEROP_DATA);
}


static uint32_t
ngx_http_interop_zone_find(ngx_http_interop_zone_t *zone,
    ngx_http_interop_key_t *key)
{
    uint32_t  i;

    i = zone->bucket[key->hash & (zone->sh->buckets - 1)];

    while (i != NGX_HTTP_INTEROP_NIL) {

        if (zone->cell[i].hash == key->hash
            && zone->cell[i].key == key->key.n + 1
            && ngx_http_interop_zone_is(zone, i, key))
        {
            return i;
        }

        i = zone->cell[i].chain;
    }

    return NGX_HTTP_INTEROP_NIL;
}


static ngx_uint_t
ngx_http_interop_zone_is(ngx_http_interop_zone_t *zone, uint32_t i,
    ngx_http_interop_key_t *key)
{
    size_t         n, off, left;
    const u_char  *p;

    if (zone->cell[i].data[0] != key->kind) {
        return 0;
    }

    p = (const u_char *) key->key.p;
    left = key->key.n;
    off = 1;

    while (left) {
        n = ngx_min(left, NGX_HTTP_INTEROP_DATA - off);

        if (ngx_memcmp(zone->cell[i].data + off, p, n) != 0) {
            return 0;
        }

        p += n;
        left -= n;
        off = 0;
        i = zone->cell[i].next;
    }

    return 1;
}


/* into its bucket and to the young end of the list */

static void
ngx_http_interop_zone_link(ngx_http_interop_zone_t *zone, uint32_t i)
{
    uint32_t                 *bucket;
    ngx_http_interop_shm_t   *sh;
    ngx_http_interop_cell_t  *c;

    sh = zone->sh;
    c = zone->cell;

    bucket = &zone->bucket[c[i].hash & (sh->buckets - 1)];

    c[i].chain = *bucket;
    *bucket = i;

    c[i].newer = NGX_HTTP_INTEROP_NIL;
    c[i].older = sh->newest;

    if (sh->newest == NGX_HTTP_INTEROP_NIL) {
        sh->oldest = i;

    } else {
        c[sh->newest].newer = i;
    }

    sh->newest = i;
    sh->records++;
}


static void
ngx_http_interop_zone_unlink(ngx_http_interop_zone_t *zone, uint32_t i)
{
    uint32_t                 *p;
    ngx_http_interop_shm_t   *sh;
    ngx_http_interop_cell_t  *c;

    sh = zone->sh;
    c = zone->cell;

    p = &zone->bucket[c[i].hash & (sh->buckets - 1)];

    while (*p != i && *p != NGX_HTTP_INTEROP_NIL) {
        p = &c[*p].chain;
    }

    *p = c[i].chain;

    if (c[i].newer == NGX_HTTP_INTEROP_NIL) {
        sh->newest = c[i].older;

    } else {
        c[c[i].newer].older = c[i].older;
    }

    if (c[i].older == NGX_HTTP_INTEROP_NIL) {
        sh->oldest = c[i].newer;

    } else {
        c[c[i].older].newer = c[i].newer;
    }

    sh->records--;
}


static void
ngx_http_interop_zone_remove(ngx_http_interop_zone_t *zone, uint32_t i)
{
    uint32_t                  j, n, next;
    ngx_http_interop_cell_t  *c;

    c = zone->cell;

    ngx_http_interop_zone_unlink(zone, i);

    c[i].live = 0;
    ngx_memory_barrier();

    n = ngx_http_interop_zone_need(c[i].key, c[i].record);

    for (j = i; n; n--) {
        next = c[j].next;

        c[j].owner = NGX_HTTP_INTEROP_NIL;
        c[j].next = zone->sh->free;

        zone->sh->free = j;
        zone->sh->nfree++;

        j = next;
    }
}


/*
 * Replaces the record whose checksum is the expected one (0: there is none).
 * AGAIN: it has changed since; FULL: it would be too much of the zone.
 */

static interop_status_t
ngx_http_interop_zone_put(ngx_http_interop_zone_t *zone,
    ngx_http_interop_key_t *key, interop_span_t record, uint32_t expected)
{
    size_t                    off;
    uint32_t                  i, j, at, need, *link;
    ngx_http_interop_shm_t   *sh;
    ngx_http_interop_cell_t  *c;

    sh = zone->sh;
    c = zone->cell;

    need = ngx_http_interop_zone_need(key->key.n + 1, record.n);

    if (need > sh->cells / 4) {
        return INTEROP_FULL;
    }

    i = ngx_http_interop_zone_find(zone, key);

    if ((i == NGX_HTTP_INTEROP_NIL) ? expected != 0 : c[i].crc != expected) {
        return INTEROP_AGAIN;
    }

    if (i != NGX_HTTP_INTEROP_NIL) {
        ngx_http_interop_zone_remove(zone, i);
    }

    while (sh->nfree < need) {
        ngx_http_interop_zone_remove(zone, sh->oldest);
        sh->counters.evicted++;
    }

    i = sh->free;
    link = &at;

    for (j = 0; j < need; j++) {
        at = sh->free;
        sh->free = c[at].next;
        sh->nfree--;

        c[at].owner = i;
        *link = at;
        link = &c[at].next;
    }

    *link = NGX_HTTP_INTEROP_NIL;

    c[i].hash = key->hash;
    c[i].key = (uint32_t) key->key.n + 1;
    c[i].record = (uint32_t) record.n;

    at = i;
    off = 0;

    ngx_http_interop_zone_fill(zone, &at, &off, &key->kind, 1);
    ngx_http_interop_zone_fill(zone, &at, &off, key->key.p, key->key.n);
    ngx_http_interop_zone_fill(zone, &at, &off, record.p, record.n);

    c[i].crc = ngx_http_interop_zone_crc(zone, i);
    ngx_memory_barrier();
    c[i].live = NGX_HTTP_INTEROP_LIVE;

    ngx_http_interop_zone_link(zone, i);

    return INTEROP_OK;
}


static void
ngx_http_interop_zone_fill(ngx_http_interop_zone_t *zone, uint32_t *at,
    size_t *off, const void *data, size_t len)
{
    size_t         n;
    const u_char  *p;

    p = data;

    while (len) {

        if (*off == NGX_HTTP_INTEROP_DATA) {
            *at = zone->cell[*at].next;
            *off = 0;
        }

        n = ngx_min(len, NGX_HTTP_INTEROP_DATA - *off);
        ngx_memcpy(zone->cell[*at].data + *off, p, n);

        *off += n;
        p += n;
        len -= n;
    }
}


static void
ngx_http_interop_zone_read(ngx_http_interop_zone_t *zone, uint32_t i,
    size_t from, u_char *to, size_t len)
{
    size_t  n;

    for ( /* void */ ; from >= NGX_HTTP_INTEROP_DATA;
         from -= NGX_HTTP_INTEROP_DATA)
    {
        i = zone->cell[i].next;
    }

    while (len) {
        n = ngx_min(len, NGX_HTTP_INTEROP_DATA - from);
        ngx_memcpy(to, zone->cell[i].data + from, n);

        to += n;
        len -= n;
        from = 0;
        i = zone->cell[i].next;
    }
}


/* never 0, which stands for no record */

static uint32_t
ngx_http_interop_zone_crc(ngx_http_interop_zone_t *zone, uint32_t i)
{
    size_t                    n, left;
    uint32_t                  crc;
    ngx_http_interop_cell_t  *c;

    c = &zone->cell[i];

    ngx_crc32_init(crc);
    ngx_crc32_update(&crc, (u_char *) &c->hash, sizeof(uint32_t));
    ngx_crc32_update(&crc, (u_char *) &c->key, 2 * sizeof(uint32_t));

    left = (size_t) c->key + c->record;

    while (left) {
        n = ngx_min(left, NGX_HTTP_INTEROP_DATA);
        ngx_crc32_update(&crc, c->data, n);

        left -= n;

        if (left) {
            c = &zone->cell[c->next];
        }
    }

    ngx_crc32_final(crc);

    return crc ? crc : 1;
}


static interop_status_t
ngx_http_interop_zone_copy(ngx_http_interop_zone_t *zone, ngx_pool_t *pool,
    ngx_http_interop_key_t *key, interop_span_t *record, uint32_t *crc)
{
    size_t     n, size;
    u_char    *p;
    uint32_t   i;

    size = 512;

    for ( ;; ) {

        /* no allocation under the lock */

        p = ngx_palloc(pool, size);
        if (p == NULL) {
            return INTEROP_NOMEM;
        }

        ngx_http_interop_zone_lock(zone);

        i = ngx_http_interop_zone_find(zone, key);

        if (i == NGX_HTTP_INTEROP_NIL) {
            ngx_http_interop_zone_unlock(zone);
            return INTEROP_MISSING;
        }

        n = zone->cell[i].record;

        if (n <= size) {
            break;
        }

        ngx_http_interop_zone_unlock(zone);

        size = n + 256;
    }

    ngx_http_interop_zone_read(zone, i, zone->cell[i].key, p, n);
    *crc = zone->cell[i].crc;

    ngx_http_interop_zone_unlink(zone, i);
    ngx_http_interop_zone_link(zone, i);

    ngx_http_interop_zone_unlock(zone);

    record->p = (const char *) p;
    record->n = n;

    return INTEROP_OK;
}


interop_status_t
ngx_http_interop_zone_get(ngx_http_interop_zone_t *zone, ngx_pool_t *pool,
    interop_record_kind_t kind, interop_span_t key, interop_span_t *record)
{
    uint32_t                crc;
    ngx_http_interop_key_t  k;

    if (zone == NULL) {
        return INTEROP_MISSING;
    }

    ngx_http_interop_zone_key(&k, kind, key);

    return ngx_http_interop_zone_copy(zone, pool, &k, record, &crc);
}


/* whatever was there before */

interop_status_t
ngx_http_interop_zone_set(ngx_http_interop_zone_t *zone,
    interop_record_kind_t kind, interop_span_t key, interop_span_t record)
{
    uint32_t                i;
    interop_status_t        status;
    ngx_http_interop_key_t  k;

    if (zone == NULL) {
        return INTEROP_UNAVAILABLE;
    }

    ngx_http_interop_zone_key(&k, kind, key);

    ngx_http_interop_zone_lock(zone);

    i = ngx_http_interop_zone_find(zone, &k);
    status = ngx_http_interop_zone_put(zone, &k, record,
                                       (i == NGX_HTTP_INTEROP_NIL)
                                       ? 0 : zone->cell[i].crc);

    ngx_http_interop_zone_unlock(zone);

    return status;
}


/* effects of one record; MISSING: it is not there and they do not make it */

interop_status_t
ngx_http_interop_zone_merge(ngx_http_interop_zone_t *zone, ngx_pool_t *pool,
    const interop_alloc_t *alloc, const interop_effect_t *effects, size_t count)
{
    size_t                  i;
    uint32_t                crc;
    ngx_uint_t              tries, create;
    interop_span_t          old, new;
    interop_status_t        status;
    ngx_http_interop_key_t  k;

    if (zone == NULL) {
        return INTEROP_MISSING;
    }

    create = 0;

    for (i = 0; i < count; i++) {
        create |= effects[i].create;
    }

    ngx_http_interop_zone_key(&k, effects->kind, effects->key);

    status = INTEROP_AGAIN;

    for (tries = 0; tries < 10 && status == INTEROP_AGAIN; tries++) {

        old.p = NULL;
        old.n = 0;
        crc = 0;

        status = ngx_http_interop_zone_copy(zone, pool, &k, &old, &crc);

        if (status == INTEROP_MISSING && !create) {
            return status;
        }

        if (status != INTEROP_OK && status != INTEROP_MISSING) {
            return status;
        }

        status = interop_record_merge(old, effects, count, alloc, &new);

        if (status != INTEROP_OK) {
            return status;
        }

        ngx_http_interop_zone_lock(zone);
        status = ngx_http_interop_zone_put(zone, &k, new, crc);
        ngx_http_interop_zone_unlock(zone);
    }

    return status;
}


ngx_http_interop_counters_t *
ngx_http_interop_counters(ngx_http_interop_zone_t *zone)
{
    return &zone->sh->counters;
}


void
ngx_http_interop_zone_use(ngx_http_interop_zone_t *zone,
    ngx_http_interop_zone_use_t *use)
{
    ngx_http_interop_zone_lock(zone);

    use->cells = zone->sh->cells;
    use->free = zone->sh->nfree;
    use->records = zone->sh->records;

    ngx_http_interop_zone_unlock(zone);
}
