
/*
 * "interop_zone": shared memory for records of messages and calls, and for
 * counters.  Owns the zone's life, its lock, and what the rest of the module
 * may ask of it; how records lie in it is ngx_http_interop_cells.c's.
 *
 * A worker may be killed between any two instructions.  All links are changed
 * under the slab pool's mutex, which the master frees for the dead, and between
 * setting and clearing "dirty".  Who finds it set rebuilds all links.
 */


#include "ngx_http_interop_zone.h"


static ngx_int_t ngx_http_interop_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_http_interop_zone_map(ngx_http_interop_zone_t *zone);
static void ngx_http_interop_zone_lock(ngx_http_interop_zone_t *zone);
static void ngx_http_interop_zone_unlock(ngx_http_interop_zone_t *zone);
static interop_status_t ngx_http_interop_zone_copy(
    ngx_http_interop_zone_t *zone, const interop_alloc_t *alloc,
    ngx_http_interop_key_t *key, interop_span_t *record, uint32_t *crc);
static void ngx_http_interop_zone_touch(ngx_http_interop_zone_t *zone,
    uint32_t i);
static interop_status_t ngx_http_interop_zone_new(
    ngx_http_interop_zone_t *zone, const interop_alloc_t *alloc,
    ngx_http_interop_key_t *key, const interop_effect_t *effects,
    size_t count);
static interop_status_t ngx_http_interop_zone_change(
    ngx_http_interop_zone_t *zone, const interop_alloc_t *alloc,
    ngx_http_interop_key_t *key, const interop_effect_t *effects,
    size_t count);


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

    /* a bucket and a share for each cell, and room to begin at multiples */

    size -= sizeof(ngx_http_interop_shm_t) + 2 * NGX_HTTP_INTEROP_CELL;
    size /= NGX_HTTP_INTEROP_CELL
            + 2 * (sizeof(uint32_t) + sizeof(ngx_http_interop_share_t));
    n = (uint32_t) ngx_min(size, NGX_HTTP_INTEROP_MARK / 2);

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

    zone->share = (ngx_http_interop_share_t *)
                                           (zone->bucket + zone->sh->buckets);

    p = (u_char *) (zone->share + zone->sh->buckets);

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


static interop_status_t
ngx_http_interop_zone_copy(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, ngx_http_interop_key_t *key,
    interop_span_t *record, uint32_t *crc)
{
    size_t     n, size;
    u_char    *p;
    uint32_t   i;

    size = 512;

    for ( ;; ) {

        /* no allocation under the lock */

        p = alloc->resize(alloc->ctx, NULL, 0, size);
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

    ngx_http_interop_zone_touch(zone, i);

    ngx_http_interop_zone_unlock(zone);

    record->p = (const char *) p;
    record->n = n;

    return INTEROP_OK;
}


static void
ngx_http_interop_zone_touch(ngx_http_interop_zone_t *zone, uint32_t i)
{
    if (zone->sh->newest != i) {
        ngx_http_interop_zone_unlink(zone, i);
        ngx_http_interop_zone_link(zone, i);
    }
}


interop_status_t
ngx_http_interop_zone_get(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, interop_record_kind_t kind,
    interop_span_t key, interop_span_t *record)
{
    uint32_t                crc;
    ngx_http_interop_key_t  k;

    if (zone == NULL) {
        return INTEROP_MISSING;
    }

    ngx_http_interop_zone_key(&k, kind, key);

    return ngx_http_interop_zone_copy(zone, alloc, &k, record, &crc);
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


/*
 * What workers have under way, beside the records and under a digit of its
 * own: a record takes another's place if that is the one its writer knows.
 * What has an owner makes room for itself among what is that one's.
 */

interop_status_t
ngx_http_interop_zone_swap(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, interop_span_t key,
    const interop_span_t *owner, interop_span_t old, interop_span_t record,
    interop_span_t *there)
{
    uint32_t                i, crc;
    interop_status_t        status;
    ngx_http_interop_key_t  k;

    there->p = NULL;
    there->n = 0;

    if (zone == NULL) {
        return INTEROP_UNAVAILABLE;
    }

    ngx_http_interop_zone_key(&k, INTEROP_RECORD_COUNT, key);

    if (owner) {
        k.share = (uint32_t) ngx_http_interop_zone_hash(k.kind,
                                                    (const u_char *) owner->p,
                                                    owner->n)
                  | NGX_HTTP_INTEROP_MARK;
    }

    ngx_http_interop_zone_lock(zone);

    i = ngx_http_interop_zone_find(zone, &k);

    if (i == NGX_HTTP_INTEROP_NIL) {
        status = old.p ? INTEROP_AGAIN
                       : ngx_http_interop_zone_insert(zone, &k, record);

    } else if (old.p && ngx_http_interop_zone_same(zone, i, old)) {
        status = ngx_http_interop_zone_put(zone, &k, record,
                                           zone->cell[i].crc);

    } else {
        status = INTEROP_AGAIN;
    }

    ngx_http_interop_zone_unlock(zone);

    if (status == INTEROP_AGAIN) {
        (void) ngx_http_interop_zone_copy(zone, alloc, &k, there, &crc);
    }

    return status;
}


/* effects of one record; MISSING: it is not there and they do not make it */

interop_status_t
ngx_http_interop_zone_merge(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, const interop_effect_t *effects,
    size_t count)
{
    interop_status_t        status;
    ngx_http_interop_key_t  k;

    if (zone == NULL) {
        return INTEROP_MISSING;
    }

    ngx_http_interop_zone_key(&k, effects->kind, effects->key);

    if (effects->create) {
        status = ngx_http_interop_zone_new(zone, alloc, &k, effects, count);

        if (status != INTEROP_AGAIN) {
            return status;
        }
    }

    return ngx_http_interop_zone_change(zone, alloc, &k, effects, count);
}


/*
 * What is made is nearly always new, or told once more: then there is nothing
 * to be read first, and one look under the lock is enough.  AGAIN: there is
 * another record.
 */

static interop_status_t
ngx_http_interop_zone_new(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, ngx_http_interop_key_t *key,
    const interop_effect_t *effects, size_t count)
{
    uint32_t          i;
    interop_span_t    none, record;
    interop_status_t  status;

    if (effects->made_of == count) {
        record = effects->made;

    } else {
        none.p = NULL;
        none.n = 0;

        status = interop_record_merge(none, effects, count, alloc, &record);

        if (status != INTEROP_OK) {
            return status;
        }
    }

    status = INTEROP_OK;

    ngx_http_interop_zone_lock(zone);

    i = ngx_http_interop_zone_find(zone, key);

    if (i == NGX_HTTP_INTEROP_NIL) {
        status = ngx_http_interop_zone_insert(zone, key, record);

    } else if (ngx_http_interop_zone_same(zone, i, record)) {
        ngx_http_interop_zone_touch(zone, i);

    } else {
        status = INTEROP_AGAIN;
    }

    ngx_http_interop_zone_unlock(zone);

    return status;
}


static interop_status_t
ngx_http_interop_zone_change(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, ngx_http_interop_key_t *key,
    const interop_effect_t *effects, size_t count)
{
    size_t            i;
    uint32_t          crc;
    ngx_uint_t        tries, create;
    interop_span_t    old, new;
    interop_status_t  status;

    create = 0;

    for (i = 0; i < count; i++) {
        create |= effects[i].create;
    }

    status = INTEROP_AGAIN;

    for (tries = 0; tries < 10 && status == INTEROP_AGAIN; tries++) {

        old.p = NULL;
        old.n = 0;
        crc = 0;

        status = ngx_http_interop_zone_copy(zone, alloc, key, &old, &crc);

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
        status = ngx_http_interop_zone_put(zone, key, new, crc);
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
