
/*
 * Step READ: the whole body as one span, whatever its form: in memory, in two
 * buffers, in a temporary file, chunked, over HTTP/2.  Owns the limit
 * "interop_max_body", which also binds a body of unknown length while it is
 * read.  Must not know what is in a body.
 */


#include "ngx_http_interop.h"


static void ngx_http_interop_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_interop_body_whole(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static u_char *ngx_http_interop_body_copy(ngx_buf_t *b, u_char *p,
    u_char *last, ngx_log_t *log);
static off_t ngx_http_interop_body_size(ngx_chain_t *in);
static ngx_int_t ngx_http_interop_request_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_request_body_filter_pt  ngx_http_next_request_body_filter;


ngx_int_t
ngx_http_interop_read(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ctx->body.ready) {
        ctx->body.waiting = 0;
        ctx->step = NGX_HTTP_INTEROP_GATHER;
        return ngx_http_interop_body_whole(r, ctx);
    }

    if (ctx->body.waiting) {
        return NGX_AGAIN;
    }

    if (r->headers_in.content_length_n > (off_t) ctx->conf->max_body) {
        ctx->body.too_large = 1;
        ctx->step = NGX_HTTP_INTEROP_GATHER;
        return NGX_OK;
    }

    ctx->body.waiting = 1;
    r->request_body_no_buffering = 0;

    rc = ngx_http_read_client_request_body(r, ngx_http_interop_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
ngx_http_interop_body_handler(ngx_http_request_t *r)
{
    ngx_http_interop_ctx_t  *ctx;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "interop body handler");

    ctx = ngx_http_get_module_ctx(r, ngx_http_interop_module);

    ctx->body.ready = 1;

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_interop_body_whole(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    off_t         size;
    u_char       *p, *last;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    cl = r->request_body->bufs;
    size = ngx_http_interop_body_size(cl);

    if (size > (off_t) ctx->conf->max_body) {
        ctx->body.too_large = 1;
        return NGX_OK;
    }

    b = cl->buf;

    if (cl->next == NULL && ngx_buf_in_memory(b)) {
        ctx->body.whole.p = (const char *) b->pos;
        ctx->body.whole.n = b->last - b->pos;
        return NGX_OK;
    }

    p = ngx_http_interop_alloc(ctx, (size_t) size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->body.whole.p = (const char *) p;
    ctx->body.whole.n = (size_t) size;

    last = p + size;

    for ( /* void */ ; cl; cl = cl->next) {
        p = ngx_http_interop_body_copy(cl->buf, p, last, r->connection->log);
        if (p == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static u_char *
ngx_http_interop_body_copy(ngx_buf_t *b, u_char *p, u_char *last,
    ngx_log_t *log)
{
    size_t   len;
    ssize_t  n;

    if (ngx_buf_in_memory(b)) {
        len = b->last - b->pos;

        if (len > (size_t) (last - p)) {
            return NULL;
        }

        return ngx_cpymem(p, b->pos, len);
    }

    if (!b->in_file) {
        return p;
    }

    len = (size_t) (b->file_last - b->file_pos);

    if (len > (size_t) (last - p)) {
        return NULL;
    }

    n = ngx_read_file(b->file, p, len, b->file_pos);

    if (n != (ssize_t) len) {
        ngx_log_error(NGX_LOG_CRIT, log, (n == NGX_ERROR) ? ngx_errno : 0,
                      ngx_read_file_n " has read only %z of %uz from \"%V\"",
                      n, len, &b->file->name);
        return NULL;
    }

    return p + len;
}


static off_t
ngx_http_interop_body_size(ngx_chain_t *in)
{
    off_t         size;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = in; cl; cl = cl->next) {

        if (ngx_buf_in_memory(cl->buf)) {
            size += cl->buf->last - cl->buf->pos;

        } else if (cl->buf->in_file) {
            size += cl->buf->file_last - cl->buf->file_pos;
        }
    }

    return size;
}


/*
 * A body of unknown length ends here as soon as it is over the limit; the
 * header filter gives nginx's 413 the API's own form.  In monitor mode it is
 * only noted.
 */

static ngx_int_t
ngx_http_interop_request_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_interop_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_interop_module);

    if (ctx && ctx->body.waiting && !ctx->body.ready) {

        ctx->body.received += ngx_http_interop_body_size(in);

        if (ctx->body.received > (off_t) ctx->conf->max_body) {
            ctx->body.too_large = 1;

            if (ctx->conf->mode == NGX_HTTP_INTEROP_ENFORCE) {
                ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                              "client sent a body over \"interop_max_body\"");

                r->lingering_close = 1;
                return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
            }
        }
    }

    return ngx_http_next_request_body_filter(r, in);
}


ngx_int_t
ngx_http_interop_request_body_init(ngx_conf_t *cf)
{
    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_interop_request_body_filter;

    return NGX_OK;
}
