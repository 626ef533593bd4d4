
/*
 * Step FETCH: a fact that upstream knows, by a GET to the same location with
 * the client's credentials.  Owns subrequests whose answer goes to the judge
 * and never to the client: their creation, their headers, their capture by the
 * filters.  They start in the phase after ours and are therefore not judged.
 */


#include "ngx_http_interop.h"


static ngx_int_t ngx_http_interop_fetch_start(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_fetch_done(ngx_http_request_t *r, void *data,
    ngx_int_t rc);
static ngx_int_t ngx_http_interop_fetch_headers(ngx_http_request_t *sr);
static ngx_uint_t ngx_http_interop_fetch_drops(ngx_table_elt_t *h);
static void ngx_http_interop_fetch_failure(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *parent);
static ngx_int_t ngx_http_interop_fetch_join(ngx_http_request_t *r,
    ngx_str_t *to, ngx_str_t *value);


/* what belongs to the body or the form of the client's own request */

static ngx_str_t  ngx_http_interop_fetch_dropped[] = {
    ngx_string("accept-encoding"),
    ngx_string("content-encoding"),
    ngx_string("content-length"),
    ngx_string("content-type"),
    ngx_string("if-match"),
    ngx_string("if-modified-since"),
    ngx_string("if-none-match"),
    ngx_string("if-range"),
    ngx_string("if-unmodified-since"),
    ngx_string("prefer"),
    ngx_string("range"),
    ngx_string("transfer-encoding"),
    ngx_null_string
};


ngx_int_t
ngx_http_interop_fetch(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    interop_span_t    body;
    interop_status_t  status;

    if (!ctx->fetch.waiting) {
        return ngx_http_interop_fetch_start(r, ctx);
    }

    if (!ctx->fetch.done) {
        return NGX_AGAIN;
    }

    ctx->fetch.waiting = 0;
    body = ngx_http_interop_span(&ctx->fetch.answer);

    status = interop_judge_fetched(ctx->judge, ctx->fetch.failed
                                   ? 0 : (unsigned) ctx->fetch.status, body);
    if (status != INTEROP_OK) {
        return NGX_ERROR;
    }

    ctx->step = NGX_HTTP_INTEROP_JUDGE;

    return NGX_OK;
}


static ngx_int_t
ngx_http_interop_fetch_start(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t                      target;
    interop_target_t               fetch;
    ngx_http_request_t            *sr;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    fetch = interop_judge_fetch(ctx->judge);
    target = ngx_http_interop_str(fetch.target);

    ngx_http_interop_count(imcf, fetches);

    /* a clone begins in the phase and location where this request is */

    sr = ngx_http_interop_subrequest(r, ctx, &r->uri, &r->args,
                                     NGX_HTTP_SUBREQUEST_CLONE);
    if (sr == NULL) {
        return NGX_ERROR;
    }

    sr->method = NGX_HTTP_GET;
    sr->method_name = ngx_http_core_get_method;

    if (ngx_http_interop_set_target(sr, &target) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


ngx_http_request_t *
ngx_http_interop_subrequest(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_str_t *uri, ngx_str_t *args,
    ngx_uint_t flags)
{
    ngx_http_request_t          *sr;
    ngx_http_interop_ctx_t      *sctx;
    ngx_http_post_subrequest_t  *ps;

    sctx = ngx_pcalloc(r->pool, sizeof(ngx_http_interop_ctx_t));
    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));

    if (sctx == NULL || ps == NULL) {
        return NULL;
    }

    ps->handler = ngx_http_interop_fetch_done;
    ps->data = ctx;

    ngx_http_interop_flush_variables(r);

    ngx_str_null(&ctx->fetch.answer);
    ngx_str_null(&ctx->fetch.type);
    ngx_str_null(&ctx->fetch.retry);
    ngx_str_null(&ctx->fetch.sign_in);

    ctx->fetch.size = 0;
    ctx->fetch.status = 0;
    ctx->fetch.waiting = 1;
    ctx->fetch.done = 0;
    ctx->fetch.failed = 0;
    ctx->fetch.own = 0;
    ctx->fetch.count++;

    if (ngx_http_subrequest(r, uri, args, &sr, ps,
                            NGX_HTTP_SUBREQUEST_WAITED | flags)
        != NGX_OK)
    {
        return NULL;
    }

    ctx->fetch.request = sr;

    sctx->request = sr;
    sctx->parent = ctx;

    ngx_http_set_ctx(sr, sctx, ngx_http_interop_module);

    if (ngx_http_interop_fetch_headers(sr) != NGX_OK) {
        return NULL;
    }

    return sr;
}


static ngx_int_t
ngx_http_interop_fetch_done(ngx_http_request_t *r, void *data, ngx_int_t rc)
{
    ngx_http_interop_ctx_t *ctx = data;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "interop fetch done: rc:%i s:%ui", rc, ctx->fetch.status);

    if (ctx->fetch.done) {
        return rc;
    }

    ctx->fetch.done = 1;
    ctx->fetch.request = NULL;

    /* they are shared: what was said of it, was not said of the client's */

    ngx_http_interop_flush_variables(r);

    if (rc != NGX_OK || r->connection->error) {
        ctx->fetch.failed = 1;
    }

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE && ctx->fetch.status == 0) {
        ctx->fetch.status = rc;
        ctx->fetch.own = 1;
    }

    /* what an error is for the fact, is none for the client's request */

    return (rc == NGX_ERROR) ? rc : NGX_OK;
}


/* a list of its own: the client's is shared with the request itself */

static ngx_int_t
ngx_http_interop_fetch_headers(ngx_http_request_t *sr)
{
    ngx_uint_t        i;
    ngx_list_t        own;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *copy;

    if (ngx_list_init(&own, sr->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    part = &sr->headers_in.headers.part;
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

        if (ngx_http_interop_fetch_drops(&h[i])) {
            continue;
        }

        copy = ngx_list_push(&own);
        if (copy == NULL) {
            return NGX_ERROR;
        }

        *copy = h[i];
    }

    /* a list that is empty has its first part for its last one */

    sr->headers_in.headers = own;

    if (own.last == &own.part) {
        sr->headers_in.headers.last = &sr->headers_in.headers.part;
    }

    sr->headers_in.content_type = NULL;
    sr->headers_in.content_length = NULL;
    sr->headers_in.content_length_n = -1;
    sr->headers_in.chunked = 0;
    sr->headers_in.range = NULL;
    sr->headers_in.if_range = NULL;
    sr->headers_in.if_modified_since = NULL;
    sr->headers_in.if_unmodified_since = NULL;
    sr->headers_in.if_match = NULL;
    sr->headers_in.if_none_match = NULL;
#if (NGX_HTTP_GZIP)
    sr->headers_in.accept_encoding = NULL;
#endif

    /* an empty body, so that nobody sends, or closes, the client's */

    sr->request_body = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));

    return sr->request_body ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_http_interop_fetch_drops(ngx_table_elt_t *h)
{
    ngx_str_t  *name;

    if (ngx_http_interop_unwanted(h, 1)) {
        return 1;
    }

    for (name = ngx_http_interop_fetch_dropped; name->len; name++) {

        if (ngx_http_interop_named(h, (char *) name->data, name->len)) {
            return 1;
        }
    }

    return 0;
}


/* the filters' side: nothing of it is seen by any later filter */

ngx_int_t
ngx_http_interop_fetch_header(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *parent)
{
    parent->fetch.status = r->headers_out.status;
    parent->fetch.type = r->headers_out.content_type;

    parent->fetch.own = r->headers_out.status >= NGX_HTTP_BAD_REQUEST
                        && (r->upstream == NULL
                            || r->upstream->headers_in.status_n
                               != r->headers_out.status);

    if (r->headers_out.content_encoding
        && r->headers_out.content_encoding->value.len)
    {
        parent->fetch.failed = 1;
    }

    if (r->headers_out.status >= NGX_HTTP_SPECIAL_RESPONSE
        && !parent->fetch.own)
    {
        ngx_http_interop_fetch_failure(r, parent);
    }

    r->filter_need_in_memory = 1;

    return NGX_OK;
}


/* what a failure that is handed on says of how to do better */

static void
ngx_http_interop_fetch_failure(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *parent)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0) {
                continue;
            }

            if (ngx_http_interop_named(&h[i], "retry-after", 11)) {
                parent->fetch.retry = h[i].value;

            } else if (ngx_http_interop_named(&h[i], "www-authenticate", 16)
                       && ngx_http_interop_fetch_join(r,
                                                      &parent->fetch.sign_in,
                                                      &h[i].value)
                          != NGX_OK)
            {
                ngx_str_null(&parent->fetch.sign_in);
            }
        }
    }
}


static ngx_int_t
ngx_http_interop_fetch_join(ngx_http_request_t *r, ngx_str_t *to,
    ngx_str_t *value)
{
    u_char  *p;
    size_t   len;

    if (to->len == 0) {
        *to = *value;
        return NGX_OK;
    }

    len = to->len + sizeof(", ") - 1 + value->len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "%V, %V", to, value);

    to->data = p;
    to->len = len;

    return NGX_OK;
}


ngx_int_t
ngx_http_interop_fetch_body(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *parent, ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for (cl = in; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_buf_in_memory(b)) {

            if (parent->fetch.answer.len + (b->last - b->pos)
                > NGX_HTTP_INTEROP_ANSWER_MAX)
            {
                parent->fetch.failed = 1;

            } else if (!parent->fetch.failed
                       && ngx_http_interop_append(parent,
                                                  &parent->fetch.answer,
                                                  &parent->fetch.size, b->pos,
                                                  b->last - b->pos)
                          != NGX_OK)
            {
                parent->fetch.failed = 1;
            }

            b->pos = b->last;
        }

        b->file_pos = b->file_last;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_interop_append(ngx_http_interop_ctx_t *ctx, ngx_str_t *to,
    size_t *size, u_char *data, size_t len)
{
    u_char  *p;
    size_t   n;

    if (len > *size - to->len) {

        n = ngx_max(to->len + len, 2 * *size);
        n = ngx_max(n, 1024);

        p = ngx_http_interop_resize(&ctx->memory, *size ? to->data : NULL,
                                    *size, n);
        if (p == NULL) {
            return NGX_ERROR;
        }

        to->data = p;
        *size = n;
    }

    ngx_memcpy(to->data + to->len, data, len);
    to->len += len;

    return NGX_OK;
}
