
/*
 * Body filter: a response is held back until the judge has read it and its
 * effects are durable.  What of a body must be read is read where it is, if it
 * has come in one piece, or copied, up to a bound; what comes while effects are
 * being written is held where it is, and pushes back.  Must not know what the
 * judge makes of it.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_whole.h"


#define NGX_HTTP_INTEROP_BUFFERED  0x08


static ngx_int_t ngx_http_interop_body_tee(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_interop_body_collect(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in);
static ngx_uint_t ngx_http_interop_body_at_once(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in, interop_span_t *body);
static ngx_uint_t ngx_http_interop_body_readable(ngx_http_interop_ctx_t *ctx,
    interop_span_t *body);
static ngx_int_t ngx_http_interop_body_judge(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, interop_span_t body);
static ngx_chain_t *ngx_http_interop_body_take(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in, ngx_uint_t consume);
static ngx_uint_t ngx_http_interop_body_died(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_interop_body_hold(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_interop_body_send(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_body_swap(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in);
static ngx_chain_t *ngx_http_interop_body_link(ngx_http_request_t *r,
    ngx_str_t *data, ngx_uint_t last);
static ngx_int_t ngx_http_interop_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_body_filter_pt  ngx_http_next_body_filter;


static ngx_int_t
ngx_http_interop_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_interop_ctx_t  *ctx;

    ctx = ngx_http_interop_get_ctx(r);

    if (ctx == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    if (ctx->parent) {
        return ngx_http_interop_fetch_body(r, ctx->parent, in);
    }

    if (r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    switch (ctx->back.state) {

    case NGX_HTTP_INTEROP_TEE:
        return ngx_http_interop_body_tee(r, ctx, in);

    case NGX_HTTP_INTEROP_COLLECT:
        return ngx_http_interop_body_collect(r, ctx, in);

    case NGX_HTTP_INTEROP_WRITE:
        return ngx_http_interop_body_hold(r, ctx, in);

    case NGX_HTTP_INTEROP_READY:
        (void) ngx_http_interop_body_hold(r, ctx, in);
        return ngx_http_interop_body_send(r, ctx);

    case NGX_HTTP_INTEROP_SWAP:
        return ngx_http_interop_body_swap(r, ctx, in);

    default: /* NGX_HTTP_INTEROP_PASS */
        return ngx_http_next_body_filter(r, in);
    }
}


static ngx_int_t
ngx_http_interop_body_tee(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    ngx_chain_t *in)
{
    interop_span_t  body;

    if (!ngx_http_interop_body_at_once(r, ctx, in, &body)) {

        (void) ngx_http_interop_body_take(r, ctx, in, 0);

        if (!ngx_http_interop_body_readable(ctx, &body)) {
            return ngx_http_next_body_filter(r, in);
        }
    }

    ctx->back.state = NGX_HTTP_INTEROP_PASS;
    (void) ngx_http_interop_back(r, ctx, body);

    return ngx_http_next_body_filter(r, in);
}


static ngx_int_t
ngx_http_interop_body_collect(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_str_t       none;
    ngx_chain_t    *rest;
    interop_span_t  body;

    rest = in;

    if (ngx_http_interop_body_at_once(r, ctx, in, &body)) {

        if (ngx_http_interop_body_judge(r, ctx, body) == NGX_AGAIN) {
            rest = ngx_http_interop_body_take(r, ctx, in, 1);
            return ngx_http_interop_body_hold(r, ctx, rest);
        }

    } else {
        rest = ngx_http_interop_body_take(r, ctx, in, 1);

        if (ngx_http_interop_body_readable(ctx, &body)) {

            if (ngx_http_interop_body_judge(r, ctx, body) == NGX_AGAIN) {
                return ngx_http_interop_body_hold(r, ctx, rest);
            }

        } else if (ngx_http_interop_body_died(r, in)) {

            /* no answer, so nothing is remembered */

            ngx_str_null(&none);

            ctx->back.last = 1;
            ngx_http_interop_replace(r, ctx, NGX_HTTP_BAD_GATEWAY, &none,
                                     &none);

        } else {
            return NGX_OK;
        }
    }

    ctx->back.held = rest;

    return ngx_http_interop_body_send(r, ctx);
}


/*
 * The usual answer is a small one, and all of it has come in one buffer: it is
 * read there and goes on as it came.  Nothing more will come into this buffer.
 */

static ngx_uint_t
ngx_http_interop_body_at_once(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in, interop_span_t *body)
{
    off_t       len;
    ngx_buf_t  *b;

    if (in == NULL || ctx->back.body.len || !ngx_buf_in_memory(in->buf)) {
        return 0;
    }

    b = in->buf;
    len = b->last - b->pos;

    if ((!b->last_buf && len != r->headers_out.content_length_n)
        || len > (off_t) ngx_http_interop_whole_max(ctx))
    {
        return 0;
    }

    body->p = (const char *) b->pos;
    body->n = (size_t) len;

    return 1;
}


/* what was taken is all there is, or more than is read */

static ngx_uint_t
ngx_http_interop_body_readable(ngx_http_interop_ctx_t *ctx,
    interop_span_t *body)
{
    if (ctx->back.partial) {
        body->p = NULL;
        body->n = 0;
        return 1;
    }

    *body = ngx_http_interop_span(&ctx->back.body);

    if (body->n == 0) {
        body->p = "";
    }

    return ctx->back.last;
}


/* the state is the next one; NGX_AGAIN: nothing may be sent yet */

static ngx_int_t
ngx_http_interop_body_judge(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    interop_span_t body)
{
    ngx_int_t  rc;
    ngx_str_t  none;

    rc = ngx_http_interop_back(r, ctx, body);

    if (rc == NGX_AGAIN) {
        ctx->back.state = NGX_HTTP_INTEROP_WRITE;
        return NGX_AGAIN;
    }

    ctx->back.state = NGX_HTTP_INTEROP_READY;

    if (rc == NGX_ERROR) {
        ngx_str_null(&none);
        ngx_http_interop_replace(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                 &none, &none);
    }

    return NGX_OK;
}


/* copies what there is to be read; gives the rest, if it became too much */

static ngx_chain_t *
ngx_http_interop_body_take(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    ngx_chain_t *in, ngx_uint_t consume)
{
    size_t        len;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for (cl = in; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            len = b->last - b->pos;

            if (ctx->back.body.len + len > ngx_http_interop_whole_max(ctx)
                || ngx_http_interop_whole_room(r, ctx) != NGX_OK
                || ngx_http_interop_append(ctx, &ctx->back.body,
                                           &ctx->back.size, b->pos, len)
                   != NGX_OK)
            {
                ctx->back.partial = 1;
                return cl;
            }

            if (consume) {
                b->pos = b->last;
                b->file_pos = b->file_last;
            }

        } else if (!ngx_buf_special(b)) {
            ctx->back.partial = 1;
            return cl;
        }

        if (b->last_buf) {
            ctx->back.last = 1;
        }
    }

    return NULL;
}


/* nginx flushes what there is when upstream fails after its header */

static ngx_uint_t
ngx_http_interop_body_died(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t  *cl;

    if (r->upstream == NULL || r->upstream->peer.connection) {
        return 0;
    }

    for (cl = in; cl; cl = cl->next) {
        if (cl->buf->flush && !cl->buf->last_buf) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_interop_body_hold(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    ngx_chain_t *in)
{
    r->buffered |= NGX_HTTP_INTEROP_BUFFERED;

    if (in && ngx_chain_add_copy(r->pool, &ctx->back.held, in) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


/* effects are durable: called outside of any output, from the event loop */

void
ngx_http_interop_release(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_connection_t  *c;

    c = r->connection;

    ctx->back.state = NGX_HTTP_INTEROP_READY;

#if (NGX_HTTP_V2)
    if (r->stream) {
        c->write->ready = 1;
        c->write->active = 0;
    }
#endif

    if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        c->error = 1;
    }

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}


/* header, what was collected, what was held */

static ngx_int_t
ngx_http_interop_body_send(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl, *held;

    r->buffered &= ~NGX_HTTP_INTEROP_BUFFERED;

    held = ctx->back.held;
    ctx->back.held = NULL;
    ctx->back.state = NGX_HTTP_INTEROP_PASS;

    rc = ngx_http_interop_header_send(r, ctx);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    if (r->header_only || ctx->back.swapped) {
        ctx->back.state = NGX_HTTP_INTEROP_SWAP;
        return ngx_http_interop_body_swap(r, ctx, held);
    }

    if (ctx->back.body.len || ctx->back.last) {
        cl = ngx_http_interop_body_link(r, &ctx->back.body, ctx->back.last);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        cl->next = held;
        held = cl;
    }

    return ngx_http_next_body_filter(r, held);
}


/* swallows the body, and sends the other one at its end */

static ngx_int_t
ngx_http_interop_body_swap(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_chain_t  *cl;

    for (cl = in; cl; cl = cl->next) {

        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;

        if (cl->buf->last_buf) {
            ctx->back.last = 1;
        }
    }

    if (r->header_only) {
        return NGX_OK;
    }

    if (!ctx->back.last) {
        return NGX_OK;
    }

    if (!ctx->back.swapped) {
        return ngx_http_next_body_filter(r, NULL);
    }

    ctx->back.swapped = 0;

    cl = ngx_http_interop_body_link(r, &ctx->back.swap, 1);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_next_body_filter(r, cl);
}


static ngx_chain_t *
ngx_http_interop_body_link(ngx_http_request_t *r, ngx_str_t *data,
    ngx_uint_t last)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(r->pool);
    cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    if (data->len) {
        b->memory = 1;
        b->pos = data->data;
        b->last = b->pos + data->len;
        b->start = b->pos;
        b->end = b->last;
    }

    b->last_buf = last;
    b->last_in_chain = last;

    cl->buf = b;
    cl->next = NULL;

    return cl;
}


ngx_int_t
ngx_http_interop_hold_init(ngx_conf_t *cf)
{
    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_interop_body_filter;

    return NGX_OK;
}
