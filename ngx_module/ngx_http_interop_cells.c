
/*
 * Records in cells: found by a hash table, gone when they are the longest
 * unused and room is needed.  Owns all links of the zone.  Each cell names its
 * owner, and a record is whole if its checksum is, so that the links can be
 * made anew from the cells alone when a worker died while it changed them.
 * Must not know what is in a record, and takes no lock: its caller has it.
 */


#include "ngx_http_interop_zone.h"


static ngx_uint_t ngx_http_interop_zone_whole(ngx_http_interop_zone_t *zone,
    uint32_t i);
static uint32_t ngx_http_interop_zone_need(size_t key, size_t record);
static ngx_uint_t ngx_http_interop_zone_is(ngx_http_interop_zone_t *zone,
    uint32_t i, ngx_http_interop_key_t *key);
static void ngx_http_interop_zone_share_link(ngx_http_interop_zone_t *zone,
    uint32_t i);
static void ngx_http_interop_zone_share_unlink(ngx_http_interop_zone_t *zone,
    uint32_t i);
static void ngx_http_interop_zone_remove(ngx_http_interop_zone_t *zone,
    uint32_t i);
static void ngx_http_interop_zone_share_room(ngx_http_interop_zone_t *zone,
    uint32_t key, uint32_t need);


/* all links anew: whole records are kept, all other cells are free */

void
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

    for (i = 0; i < sh->buckets; i++) {
        zone->share[i].cells = 0;
        zone->share[i].newest = NGX_HTTP_INTEROP_NIL;
        zone->share[i].oldest = NGX_HTTP_INTEROP_NIL;
    }

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


static uint32_t
ngx_http_interop_zone_need(size_t key, size_t record)
{
    return (uint32_t) ((key + record + NGX_HTTP_INTEROP_DATA - 1)
                       / NGX_HTTP_INTEROP_DATA);
}


uint32_t
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

void
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

    if (c[i].share) {
        ngx_http_interop_zone_share_link(zone, i);
    }
}


static void
ngx_http_interop_zone_share_link(ngx_http_interop_zone_t *zone, uint32_t i)
{
    ngx_http_interop_cell_t   *c;
    ngx_http_interop_share_t  *share;

    c = zone->cell;
    share = &zone->share[c[i].share & (zone->sh->buckets - 1)];

    c[i].share_newer = NGX_HTTP_INTEROP_NIL;
    c[i].share_older = share->newest;

    if (share->newest == NGX_HTTP_INTEROP_NIL) {
        share->oldest = i;

    } else {
        c[share->newest].share_newer = i;
    }

    share->newest = i;
    share->cells += ngx_http_interop_zone_need(c[i].key, c[i].record);
}


void
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

    if (c[i].share) {
        ngx_http_interop_zone_share_unlink(zone, i);
    }
}


static void
ngx_http_interop_zone_share_unlink(ngx_http_interop_zone_t *zone, uint32_t i)
{
    ngx_http_interop_cell_t   *c;
    ngx_http_interop_share_t  *share;

    c = zone->cell;
    share = &zone->share[c[i].share & (zone->sh->buckets - 1)];

    if (c[i].share_newer == NGX_HTTP_INTEROP_NIL) {
        share->newest = c[i].share_older;

    } else {
        c[c[i].share_newer].share_older = c[i].share_older;
    }

    if (c[i].share_older == NGX_HTTP_INTEROP_NIL) {
        share->oldest = c[i].share_newer;

    } else {
        c[c[i].share_older].share_newer = c[i].share_newer;
    }

    share->cells -= ngx_http_interop_zone_need(c[i].key, c[i].record);
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

interop_status_t
ngx_http_interop_zone_put(ngx_http_interop_zone_t *zone,
    ngx_http_interop_key_t *key, interop_span_t record, uint32_t expected)
{
    uint32_t  i, need;

    need = ngx_http_interop_zone_need(key->key.n + 1, record.n);

    if (need > zone->sh->cells / 4) {
        return INTEROP_FULL;
    }

    i = ngx_http_interop_zone_find(zone, key);

    if (i == NGX_HTTP_INTEROP_NIL) {
        return expected ? INTEROP_AGAIN
                        : ngx_http_interop_zone_insert(zone, key, record);
    }

    if (zone->cell[i].crc != expected) {
        return INTEROP_AGAIN;
    }

    ngx_http_interop_zone_remove(zone, i);

    return ngx_http_interop_zone_insert(zone, key, record);
}


/* what a share has too much goes, the longest unused first */

static void
ngx_http_interop_zone_share_room(ngx_http_interop_zone_t *zone,
    uint32_t key, uint32_t need)
{
    ngx_http_interop_share_t  *share;

    share = &zone->share[key & (zone->sh->buckets - 1)];

    while (share->oldest != NGX_HTTP_INTEROP_NIL
           && share->cells + need > zone->sh->cells / NGX_HTTP_INTEROP_PART)
    {
        ngx_http_interop_zone_remove(zone, share->oldest);
        zone->sh->counters.evicted++;
    }
}


/* there is none under this key */

interop_status_t
ngx_http_interop_zone_insert(ngx_http_interop_zone_t *zone,
    ngx_http_interop_key_t *key, interop_span_t record)
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

    if (key->share) {
        ngx_http_interop_zone_share_room(zone, key->share, need);
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
    c[i].share = key->share;
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
