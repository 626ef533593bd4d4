
/*
 * What _zone and _cells give to the other files: records and counters in memory
 * that all workers share.  Part of ngx_http_interop.h.  Must not tell how they
 * lie there: that is ngx_http_interop_zone.h.
 */


#ifndef _NGX_HTTP_INTEROP_SHARED_H_INCLUDED_
#define _NGX_HTTP_INTEROP_SHARED_H_INCLUDED_


typedef struct {
    ngx_atomic_t                  requests;      /* judged */
    ngx_atomic_t                  verdicts[INTEROP_VERDICT_COUNT];
    ngx_atomic_t                  monitored;     /* of them, only watched */
    ngx_atomic_t                  fetches;
    ngx_atomic_t                  resolves;
    ngx_atomic_t                  unavailable;   /* store, 503 */
    ngx_atomic_t                  failures;      /* 500 */
    ngx_atomic_t                  writes;        /* transactions */
    ngx_atomic_t                  evicted;
    ngx_atomic_t                  rebuilt;
    ngx_atomic_t                  scripted;      /* by scripts */
    ngx_atomic_t                  script_failures;
    ngx_atomic_t                  script_refusals;
} ngx_http_interop_counters_t;

typedef struct {
    ngx_uint_t                    cells;
    ngx_uint_t                    free;
    ngx_uint_t                    records;
} ngx_http_interop_zone_use_t;

char *ngx_http_interop_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_interop_zone_add(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf, ngx_str_t *name, size_t size);
ngx_http_interop_counters_t *ngx_http_interop_counters(
    ngx_http_interop_zone_t *zone);
void ngx_http_interop_zone_use(ngx_http_interop_zone_t *zone,
    ngx_http_interop_zone_use_t *use);
interop_status_t ngx_http_interop_zone_get(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, interop_record_kind_t kind,
    interop_span_t key, interop_span_t *record);
interop_status_t ngx_http_interop_zone_set(ngx_http_interop_zone_t *zone,
    interop_record_kind_t kind, interop_span_t key, interop_span_t record);
interop_status_t ngx_http_interop_zone_swap(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, interop_span_t key,
    const interop_span_t *owner, interop_span_t old, interop_span_t record,
    interop_span_t *there);
interop_status_t ngx_http_interop_zone_merge(ngx_http_interop_zone_t *zone,
    const interop_alloc_t *alloc, const interop_effect_t *effects,
    size_t count);

#define ngx_http_interop_count(imcf, what)                                    \
    if ((imcf)->zone) {                                                       \
        (void) ngx_atomic_fetch_add(                                          \
            &ngx_http_interop_counters((imcf)->zone)->what, 1);               \
    }


#endif /* _NGX_HTTP_INTEROP_SHARED_H_INCLUDED_ */
