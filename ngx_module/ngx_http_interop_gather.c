
/*
 * Step GATHER: what the request itself says, for the judge: headers, and the
 * facts that "interop_fact" binds to variables.  Owns the event's members;
 * must not know records.  A fact whose variable is empty is absent, which is
 * not the same as any value; but a time that cannot be read is an error.
 */


#include "ngx_http_interop_script.h"


static interop_span_t ngx_http_interop_request_id(void *data);
static void ngx_http_interop_gather_headers(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static void ngx_http_interop_gather_header(ngx_http_request_t *r,
    ngx_table_elt_t *h, interop_span_t *to);
static ngx_int_t ngx_http_interop_gather_facts(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_gather_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_int_t index, ngx_str_t *value);
static ngx_int_t ngx_http_interop_parse_time(ngx_str_t *value, int64_t *now);
static ngx_int_t ngx_http_interop_parse_iso(ngx_str_t *value, int64_t *now);


ngx_str_t  ngx_http_interop_facts[] = {
    ngx_string("sender"),
    ngx_string("tenant"),
    ngx_string("now"),
    ngx_string("client.country"),
    ngx_string("client.agent")
};


ngx_int_t
ngx_http_interop_gather(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_http_interop_gather_headers(r, ctx);

    ctx->event.body = ctx->body.whole;
    ctx->event.too_large = ctx->body.too_large;
    ctx->event.native = ctx->conf->leg;

    ctx->event.make_request_id = ngx_http_interop_request_id;
    ctx->event.make_ctx = r;

    if (ngx_http_interop_gather_facts(r, ctx) != NGX_OK
        || ngx_http_interop_script_gather(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->step = NGX_HTTP_INTEROP_JUDGE;

    return NGX_OK;
}


static interop_span_t
ngx_http_interop_request_id(void *data)
{
    ngx_http_request_t  *r = data;

    interop_span_t                 id;
    ngx_http_variable_value_t     *vv;
    ngx_http_interop_main_conf_t  *imcf;

    id.p = NULL;
    id.n = 0;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    vv = ngx_http_get_indexed_variable(r, imcf->request_id);

    if (vv && !vv->not_found) {
        id.p = (const char *) vv->data;
        id.n = vv->len;
    }

    return id;
}


static void
ngx_http_interop_gather_headers(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        switch (h[i].key.len) {

        case 12:

            if (ngx_http_interop_named(&h[i], "content-type", 12)) {
                ngx_http_interop_gather_header(r, &h[i],
                                               &ctx->event.content_type);
            }

            break;

        case 16:

            if (ngx_http_interop_named(&h[i], "content-encoding", 16)) {
                ngx_http_interop_gather_header(r, &h[i],
                                               &ctx->event.content_encoding);

            } else if (ngx_strncasecmp(h[i].key.data,
                                       (u_char *) "interop-escalate", 16)
                       == 0)
            {
                ngx_http_interop_gather_header(r, &h[i], &ctx->event.asks);
            }

            break;
        }
    }

    if (r->headers_in.user_agent) {
        ctx->event.client_agent =
                        ngx_http_interop_span(&r->headers_in.user_agent->value);
    }
}


/*
 * Two headers of one name are one value, in a list: no type is a list, so that
 * such a request is refused and no upstream can choose the other one.
 */

static void
ngx_http_interop_gather_header(ngx_http_request_t *r, ngx_table_elt_t *h,
    interop_span_t *to)
{
    u_char  *p, *start;

    if (to->p == NULL) {
        *to = ngx_http_interop_span(&h->value);
        return;
    }

    start = ngx_pnalloc(r->pool, to->n + 2 + h->value.len);
    if (start == NULL) {
        to->p = ",";
        to->n = 1;
        return;
    }

    p = ngx_cpymem(start, to->p, to->n);
    *p++ = ',';
    *p++ = ' ';
    p = ngx_cpymem(p, h->value.data, h->value.len);

    to->p = (const char *) start;
    to->n = p - start;
}


static ngx_int_t
ngx_http_interop_gather_facts(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t                  value;
    ngx_uint_t                 i;
    interop_span_t            *to[NGX_HTTP_INTEROP_FACTS];
    ngx_http_complex_value_t  *cv;

    to[NGX_HTTP_INTEROP_SENDER] = &ctx->event.sender;
    to[NGX_HTTP_INTEROP_TENANT] = &ctx->event.tenant;
    to[NGX_HTTP_INTEROP_NOW] = NULL;
    to[NGX_HTTP_INTEROP_COUNTRY] = &ctx->event.client_country;
    to[NGX_HTTP_INTEROP_AGENT] = &ctx->event.client_agent;

    ctx->event.now = ngx_time();

    for (i = 0; i < NGX_HTTP_INTEROP_FACTS; i++) {

        cv = ctx->conf->facts[i];

        if (cv == NULL) {
            continue;
        }

        if (ngx_http_interop_gather_value(r, cv, ctx->conf->indices[i], &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (to[i]) {
            to[i]->p = value.len ? (const char *) value.data : NULL;
            to[i]->n = value.len;
            continue;
        }

        if (value.len
            && ngx_http_interop_parse_time(&value, &ctx->event.now) != NGX_OK)
        {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "interop_fact now is no time: \"%V\"", &value);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_interop_gather_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *cv, ngx_int_t index, ngx_str_t *value)
{
    ngx_http_variable_value_t  *vv;

    if (index == NGX_ERROR) {
        return ngx_http_complex_value(r, cv, value);
    }

    vv = ngx_http_get_flushed_variable(r, index);

    ngx_str_null(value);

    if (vv && !vv->not_found) {
        value->data = vv->data;
        value->len = vv->len;
    }

    return NGX_OK;
}


/* "1547546400", "1547546400.123" ($msec), or "2019-01-15T10:00:00Z" */

static ngx_int_t
ngx_http_interop_parse_time(ngx_str_t *value, int64_t *now)
{
    u_char     *dot;
    time_t      seconds;
    ngx_str_t   digits;

    digits = *value;

    dot = ngx_strlchr(value->data, value->data + value->len, '.');

    if (dot) {
        digits.len = dot - value->data;
    }

    seconds = ngx_atotm(digits.data, digits.len);

    if (seconds != (time_t) NGX_ERROR) {
        *now = seconds;
        return NGX_OK;
    }

    return ngx_http_interop_parse_iso(value, now);
}


/* RFC 3339 in UTC; fractions of a second are cut off */

static ngx_int_t
ngx_http_interop_parse_iso(ngx_str_t *value, int64_t *now)
{
    u_char      *p;
    int64_t      days, v[6];
    ngx_int_t    n;
    ngx_uint_t   i;

    static const char       form[] = "dddd-dd-ddTdd:dd:dd";
    static const ngx_int_t  at[] = { 0, 5, 8, 11, 14, 17 };

    p = value->data;

    if (value->len < sizeof(form)
        || (value->data[value->len - 1] | 0x20) != 'z')
    {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(form) - 1; i++) {

        if (form[i] == 'd' ? (p[i] < '0' || p[i] > '9')
                           : (p[i] | 0x20) != (form[i] | 0x20))
        {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < 6; i++) {
        n = ngx_atoi(&p[at[i]], i == 0 ? 4 : 2);
        v[i] = n;
    }

    if (v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31
        || v[3] > 23 || v[4] > 59 || v[5] > 60)
    {
        return NGX_ERROR;
    }

    /* days of the proleptic Gregorian calendar, the year begins in March */

    if (v[1] < 3) {
        v[0]--;
        v[1] += 12;
    }

    days = 365 * v[0] + v[0] / 4 - v[0] / 100 + v[0] / 400
           + (153 * (v[1] - 3) + 2) / 5 + v[2] - 1 - 719468;

    *now = days * 86400 + v[3] * 3600 + v[4] * 60 + v[5];

    return NGX_OK;
}
