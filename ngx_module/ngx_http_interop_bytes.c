
/*
 * What lies in the cells of one record: its key and its bytes, one after the
 * other, over as many cells as they need.  Owns how they are written, read and
 * summed up; must not know the links of the zone, and trusts those of a chain.
 */


#include "ngx_http_interop_zone.h"


void
ngx_http_interop_zone_key(ngx_http_interop_key_t *key,
    interop_record_kind_t kind, interop_span_t text)
{
    key->kind = (u_char) ('0' + kind);
    key->key = text;

    key->hash = (uint32_t) ngx_http_interop_zone_hash(key->kind,
                                                      (const u_char *) text.p,
                                                      text.n);
    key->share = 0;
}


void
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


void
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


ngx_uint_t
ngx_http_interop_zone_same(ngx_http_interop_zone_t *zone, uint32_t i,
    interop_span_t record)
{
    size_t                    n, off, left;
    const char               *p;
    ngx_http_interop_cell_t  *c;

    c = &zone->cell[i];

    if (c->record != record.n) {
        return 0;
    }

    if (record.n == 0) {
        return 1;
    }

    for (off = c->key; off >= NGX_HTTP_INTEROP_DATA;
         off -= NGX_HTTP_INTEROP_DATA)
    {
        c = &zone->cell[c->next];
    }

    p = record.p;
    left = record.n;

    for ( ;; ) {
        n = ngx_min(left, NGX_HTTP_INTEROP_DATA - off);

        if (ngx_memcmp(c->data + off, p, n) != 0) {
            return 0;
        }

        left -= n;

        if (left == 0) {
            return 1;
        }

        p += n;
        off = 0;
        c = &zone->cell[c->next];
    }
}


/* never 0, which stands for no record */

uint32_t
ngx_http_interop_zone_crc(ngx_http_interop_zone_t *zone, uint32_t i)
{
    size_t                    n, left;
    uint32_t                  crc;
    uint64_t                  hash;
    ngx_http_interop_cell_t  *c;

    c = &zone->cell[i];

    left = (size_t) c->key + c->record;
    hash = ((uint64_t) c->key << 32 | c->record) + c->hash + c->share;

    while (left) {
        n = ngx_min(left, NGX_HTTP_INTEROP_DATA);
        hash = ngx_http_interop_zone_hash(hash, c->data, n);

        left -= n;

        if (left) {
            c = &zone->cell[c->next];
        }
    }

    crc = (uint32_t) hash;

    return crc ? crc : 1;
}


/*
 * Eight bytes at a time.  What it has to notice is a record that was not
 * written to its end; and as a key's hash it is no secret, because a bucket
 * cannot be longer than there are cells.
 */

uint64_t
ngx_http_interop_zone_hash(uint64_t hash, const u_char *p, size_t len)
{
    uint64_t  w;

    for ( /* void */ ; len >= sizeof(uint64_t); len -= sizeof(uint64_t)) {
        ngx_memcpy(&w, p, sizeof(uint64_t));
        p += sizeof(uint64_t);

        hash = (hash ^ w) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }

    w = len;

    while (len) {
        w = w << 8 | p[--len];
    }

    hash = (hash ^ w) * 0x9e3779b97f4a7c15;

    return hash ^ (hash >> 32);
}
