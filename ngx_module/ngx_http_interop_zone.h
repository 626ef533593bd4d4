
/*
 * The layout of the shared memory: what _zone, _cells and _bytes share, and
 * nobody else knows.  One block of the zone's slab pool: this header, a hash
 * table, and cells of one size; a record is a chain of cells.  Nothing in it
 * depends on a policy, and links are indices, not pointers, so that any process
 * may map it anywhere.
 */


#ifndef _NGX_HTTP_INTEROP_ZONE_H_INCLUDED_
#define _NGX_HTTP_INTEROP_ZONE_H_INCLUDED_


#include "ngx_http_interop.h"


#define NGX_HTTP_INTEROP_LAYOUT  0x494e5a34       /* changes with the structs */
#define NGX_HTTP_INTEROP_CELL    256
#define NGX_HTTP_INTEROP_NIL     0xffffffff
#define NGX_HTTP_INTEROP_MARK    0x80000000
#define NGX_HTTP_INTEROP_LIVE    0x4c495645
#define NGX_HTTP_INTEROP_MIN     (8 * ngx_pagesize)

/* of the zone one share has at most this part */
#define NGX_HTTP_INTEROP_PART    16


/* all fields before "data" but for owner and next are the first cell's */

typedef struct {
    uint32_t                      owner;         /* first cell, or NIL: free */
    uint32_t                      next;          /* of the chain, or free */
    uint32_t                      chain;         /* of the hash bucket */
    uint32_t                      newer;
    uint32_t                      older;
    uint32_t                      hash;
    uint32_t                      crc;           /* over all but links */
    uint32_t                      key;           /* lengths */
    uint32_t                      record;
    uint32_t                      live;
    uint32_t                      share;         /* 0: of none */
    uint32_t                      share_newer;
    uint32_t                      share_older;
    u_char                        data[NGX_HTTP_INTEROP_CELL
                                       - 13 * sizeof(uint32_t)];
} ngx_http_interop_cell_t;

#define NGX_HTTP_INTEROP_DATA                                                 \
    (NGX_HTTP_INTEROP_CELL - offsetof(ngx_http_interop_cell_t, data))


/*
 * What one tenant's scripts count: their records make room for one another.
 * Tenants have a place by their hash, as many as there are buckets; the few
 * that meet there have one share together.
 */

typedef struct {
    uint32_t                      cells;
    uint32_t                      newest;
    uint32_t                      oldest;
} ngx_http_interop_share_t;


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
    ngx_http_interop_share_t     *share;         /* as many */
    ngx_http_interop_cell_t      *cell;
};


/* a key as it is stored: the kind's digit goes first */

typedef struct {
    u_char                        kind;
    interop_span_t                key;
    uint32_t                      hash;
    uint32_t                      share;
} ngx_http_interop_key_t;


/* _cells, all of it under the lock */

void ngx_http_interop_zone_rebuild(ngx_http_interop_zone_t *zone);
uint32_t ngx_http_interop_zone_find(ngx_http_interop_zone_t *zone,
    ngx_http_interop_key_t *key);
void ngx_http_interop_zone_link(ngx_http_interop_zone_t *zone,
    uint32_t i);
void ngx_http_interop_zone_unlink(ngx_http_interop_zone_t *zone,
    uint32_t i);
interop_status_t ngx_http_interop_zone_insert(
    ngx_http_interop_zone_t *zone, ngx_http_interop_key_t *key,
    interop_span_t record);
interop_status_t ngx_http_interop_zone_put(
    ngx_http_interop_zone_t *zone, ngx_http_interop_key_t *key,
    interop_span_t record, uint32_t expected);

/* _bytes, all but the key and the hash under the lock */

void ngx_http_interop_zone_key(ngx_http_interop_key_t *key,
    interop_record_kind_t kind, interop_span_t text);
void ngx_http_interop_zone_fill(ngx_http_interop_zone_t *zone,
    uint32_t *at, size_t *off, const void *data, size_t len);
void ngx_http_interop_zone_read(ngx_http_interop_zone_t *zone,
    uint32_t i, size_t from, u_char *to, size_t len);
ngx_uint_t ngx_http_interop_zone_same(ngx_http_interop_zone_t *zone,
    uint32_t i, interop_span_t record);
uint32_t ngx_http_interop_zone_crc(ngx_http_interop_zone_t *zone, uint32_t i);
uint64_t ngx_http_interop_zone_hash(uint64_t hash, const u_char *p,
    size_t len);


#endif /* _NGX_HTTP_INTEROP_ZONE_H_INCLUDED_ */
