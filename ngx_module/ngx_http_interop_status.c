
/*
 * "interop_status": counters, policy revision and use of the zone, as JSON or
 * as Prometheus reads it ("?format=prometheus", or by Accept).  Reads only;
 * must not know where a counter is counted.
 */


#include "ngx_http_interop.h"


#define NGX_HTTP_INTEROP_STATUS_SIZE  4096


typedef struct {
    char       *name;
    char       *help;
    size_t      offset;
} ngx_http_interop_metric_t;


static ngx_int_t ngx_http_interop_status_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_interop_status_wants_text(ngx_http_request_t *r);
static u_char *ngx_http_interop_status_json(ngx_http_request_t *r, u_char *p,
    u_char *last);
static u_char *ngx_http_interop_status_text(ngx_http_request_t *r, u_char *p,
    u_char *last);


#define ngx_http_interop_metric(member)                                       \
    offsetof(ngx_http_interop_counters_t, member)

#define ngx_http_interop_metric_value(counters, metric)                       \
    *(ngx_atomic_t *) ((u_char *) (counters) + (metric)->offset)


static ngx_http_interop_metric_t  ngx_http_interop_metrics[] = {

    { "requests", "requests judged",
      ngx_http_interop_metric(requests) },

    { "monitored", "requests judged in monitor mode",
      ngx_http_interop_metric(monitored) },

    { "fetches", "facts asked of upstream",
      ngx_http_interop_metric(fetches) },

    { "resolves", "records asked of interop_resolve",
      ngx_http_interop_metric(resolves) },

    { "unavailable", "requests refused for want of the store",
      ngx_http_interop_metric(unavailable) },

    { "failures", "requests failed in the module",
      ngx_http_interop_metric(failures) },

    { "writes", "transactions of the store",
      ngx_http_interop_metric(writes) },

    { "evicted", "records gone from the zone for want of room",
      ngx_http_interop_metric(evicted) },

    { "rebuilt", "rebuilds of the zone after a worker had died",
      ngx_http_interop_metric(rebuilt) },

    { "scripted", "verdicts changed by scripts",
      ngx_http_interop_metric(scripted) },

    { "script_failures", "requests for which a script failed",
      ngx_http_interop_metric(script_failures) },

    { "script_refusals", "requests that a script would have relaxed too far",
      ngx_http_interop_metric(script_refusals) },

    { NULL, NULL, 0 }
};


char *
ngx_http_interop_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_interop_status_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_interop_status_handler(ngx_http_request_t *r)
{
    size_t        size;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_uint_t    text;
    ngx_chain_t   out;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "interop status handler");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    size = NGX_HTTP_INTEROP_STATUS_SIZE;

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text = ngx_http_interop_status_wants_text(r);

    if (text) {
        ngx_str_set(&r->headers_out.content_type, "text/plain; version=0.0.4");
        b->last = ngx_http_interop_status_text(r, b->last, b->end);

    } else {
        ngx_str_set(&r->headers_out.content_type, "application/json");
        b->last = ngx_http_interop_status_json(r, b->last, b->end);
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_uint_t
ngx_http_interop_status_wants_text(ngx_http_request_t *r)
{
    ngx_str_t         value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (ngx_http_arg(r, (u_char *) "format", 6, &value) == NGX_OK) {
        return value.len == 10
               && ngx_strncmp(value.data, "prometheus", 10) == 0;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == 6
                && ngx_strncasecmp(h[i].key.data, (u_char *) "accept", 6) == 0)
            {
                return ngx_strlcasestrn(h[i].value.data,
                                        h[i].value.data + h[i].value.len,
                                        (u_char *) "text/plain", 9)
                       != NULL;
            }
        }
    }

    return 0;
}


static u_char *
ngx_http_interop_status_json(ngx_http_request_t *r, u_char *p, u_char *last)
{
    ngx_uint_t                     i;
    ngx_http_interop_metric_t     *m;
    ngx_http_interop_counters_t   *c;
    ngx_http_interop_zone_use_t    use;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    p = ngx_slprintf(p, last, "{\"policy\":{\"revision\":\"%V\"}",
                     &imcf->revision);

    if (imcf->zone) {
        c = ngx_http_interop_counters(imcf->zone);
        ngx_http_interop_zone_use(imcf->zone, &use);

        for (m = ngx_http_interop_metrics; m->name; m++) {
            p = ngx_slprintf(p, last, ",\"%s\":%uA", m->name,
                             ngx_http_interop_metric_value(c, m));
        }

        p = ngx_slprintf(p, last, ",\"verdicts\":{");

        for (i = 0; i < INTEROP_VERDICT_COUNT; i++) {
            p = ngx_slprintf(p, last, "%s\"%s\":%uA", i ? "," : "",
                             interop_verdict_name((interop_verdict_t) i),
                             c->verdicts[i]);
        }

        p = ngx_slprintf(p, last, "},\"zone\":{\"cells\":%ui,\"free\":%ui,"
                         "\"records\":%ui}", use.cells, use.free, use.records);
    }

    return ngx_slprintf(p, last, "}\n");
}


static u_char *
ngx_http_interop_status_text(ngx_http_request_t *r, u_char *p, u_char *last)
{
    ngx_uint_t                     i;
    ngx_http_interop_metric_t     *m;
    ngx_http_interop_counters_t   *c;
    ngx_http_interop_zone_use_t    use;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    p = ngx_slprintf(p, last, "# HELP interop_policy_info the running policy\n"
                     "# TYPE interop_policy_info gauge\n"
                     "interop_policy_info{revision=\"%V\"} 1\n",
                     &imcf->revision);

    if (imcf->zone == NULL) {
        return p;
    }

    c = ngx_http_interop_counters(imcf->zone);
    ngx_http_interop_zone_use(imcf->zone, &use);

    for (m = ngx_http_interop_metrics; m->name; m++) {
        p = ngx_slprintf(p, last, "# HELP interop_%s_total %s\n"
                         "# TYPE interop_%s_total counter\n"
                         "interop_%s_total %uA\n", m->name, m->help,
                         m->name, m->name,
                         ngx_http_interop_metric_value(c, m));
    }

    p = ngx_slprintf(p, last, "# HELP interop_verdicts_total verdicts given\n"
                     "# TYPE interop_verdicts_total counter\n");

    for (i = 0; i < INTEROP_VERDICT_COUNT; i++) {
        p = ngx_slprintf(p, last,
                         "interop_verdicts_total{verdict=\"%s\"} %uA\n",
                         interop_verdict_name((interop_verdict_t) i),
                         c->verdicts[i]);
    }

    return ngx_slprintf(p, last, "# HELP interop_zone_cells cells of the zone\n"
                        "# TYPE interop_zone_cells gauge\n"
                        "interop_zone_cells{state=\"used\"} %ui\n"
                        "interop_zone_cells{state=\"free\"} %ui\n"
                        "# HELP interop_zone_records records in the zone\n"
                        "# TYPE interop_zone_records gauge\n"
                        "interop_zone_records %ui\n",
                        use.cells - use.free, use.free, use.records);
}
