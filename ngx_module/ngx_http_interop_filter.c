
/*
 * Header and body filter.  Owns the headers that tell of a verdict, and the
 * holding back of a response until the judge has read it and its effects are
 * durable.  A response that nobody has to read is not touched but for its
 * headers.  What of a body must be read is copied, up to a bound; what comes
 * while effects are being written is held where it is, and pushes back.
 */


#include "ngx_http_interop.h"


#define NGX_HTTP_INTEROP_BUFFERED  0x08


static ngx_int_t ngx_http_interop_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_interop_header_too_large(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_header_begin(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_header_send(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static void ngx_http_interop_header_drop(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_interop_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_interop_body_tee(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_interop_body_collect(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in);
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


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_interop_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_interop_ctx_t  *ctx;

    ctx = ngx_http_interop_get_ctx(r);

    if (ctx == NULL) {
        return ngx_http_next_header_filter(r);
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "interop header filter: %ui", r->headers_out.status);

    if (ctx->parent) {
        return ngx_http_interop_fetch_header(r, ctx->parent);
    }

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    if (ctx->step == NGX_HTTP_INTEROP_READ) {
        return ngx_http_interop_header_too_large(r, ctx);
    }

    if (ctx->plan == NULL) {
        return ngx_http_next_header_filter(r);
    }

    if (!ctx->back.begun) {
        ctx->back.begun = 1;

        rc = ngx_http_interop_header_begin(r, ctx);

        if (rc == NGX_AGAIN) {
            /* held */
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = ngx_http_interop_header_send(r, ctx);

    if (ctx->back.swapped) {
        ctx->back.state = NGX_HTTP_INTEROP_SWAP;
    }

    return rc;
}


/*
 * The body was too large while it was read: nginx's own answer, from
 * "client_max_body_size" or from our limit, gets the API's form.
 */

static ngx_int_t
ngx_http_interop_header_too_large(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t  type, body;

    if (r->headers_out.status != NGX_HTTP_REQUEST_ENTITY_TOO_LARGE
        || ctx->conf->mode != NGX_HTTP_INTEROP_ENFORCE)
    {
        return ngx_http_next_header_filter(r);
    }

    ctx->body.too_large = 1;

    if (ngx_http_interop_gather(r, ctx) != NGX_OK
        || ngx_http_interop_run(r, ctx) != NGX_OK
        || ctx->plan == NULL || ctx->plan->action != INTEROP_A_ANSWER)
    {
        ctx->plan = NULL;
        ctx->step = NGX_HTTP_INTEROP_DONE;
        return ngx_http_next_header_filter(r);
    }

    ctx->step = NGX_HTTP_INTEROP_DONE;
    ctx->back.begun = 1;
    ctx->back.state = NGX_HTTP_INTEROP_SWAP;

    type = ngx_http_interop_str(ctx->plan->answer_type);
    body = ngx_http_interop_str(ctx->plan->answer_body);

    ngx_http_interop_replace(r, ctx, ctx->plan->status, &type, &body);

    if (ngx_http_interop_refusal_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_interop_header_send(r, ctx);
}


/* NGX_AGAIN: the header is held back */

static ngx_int_t
ngx_http_interop_header_begin(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_uint_t             readable;
    interop_span_t         absent;
    const interop_plan_t  *plan;

    plan = ctx->plan;

    if (!plan->wants_answer || plan->action != INTEROP_A_FORWARD
        || r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS)
    {
        return NGX_OK;
    }

    if (r->error_page
        && (r->upstream == NULL
            || r->upstream->headers_in.status_n != r->headers_out.status))
    {
        /* an error page of nginx, whatever its status, is no answer */
        return NGX_OK;
    }

    readable = plan->wants_answer_body && r->method != NGX_HTTP_HEAD
               && (r->headers_out.content_encoding == NULL
                   || r->headers_out.content_encoding->value.len == 0);

    if (readable) {
        r->filter_need_in_memory = 1;

        if (ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR) {
            ctx->back.state = NGX_HTTP_INTEROP_TEE;
            return NGX_OK;
        }

        ctx->back.state = NGX_HTTP_INTEROP_COLLECT;
        return NGX_AGAIN;
    }

    absent.p = NULL;
    absent.n = 0;

    rc = ngx_http_interop_back(r, ctx, absent);

    if (rc == NGX_ERROR && ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR) {
        return NGX_OK;
    }

    if (rc == NGX_AGAIN) {
        ctx->back.state = NGX_HTTP_INTEROP_WRITE;
    }

    return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
}


static ngx_int_t
ngx_http_interop_header_send(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t  value, name;

    if (ctx->conf->mode == NGX_HTTP_INTEROP_ENFORCE) {

        if (ctx->plan->verdict_header.p) {

            /* an item, of which there is one; that of another edge yields */

            ngx_str_set(&name, "Interop-Verdict");
            ngx_http_interop_header_drop(r, &name);

            value = ngx_http_interop_str(ctx->plan->verdict_header);

            if (ngx_http_interop_add_header(r, "Interop-Verdict", &value)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        if (ctx->plan->notice_header.p) {
            value = ngx_http_interop_str(ctx->plan->notice_header);

            if (ngx_http_interop_add_header(r, "Interop-Notice", &value)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return ngx_http_next_header_filter(r);
}


static void
ngx_http_interop_header_drop(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == name->len
                && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
            {
                h[i].hash = 0;
            }
        }
    }
}


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

    (void) ngx_http_interop_body_take(r, ctx, in, 0);

    if (ctx->back.last || ctx->back.partial) {
        body = ngx_http_interop_span(&ctx->back.body);

        if (ctx->back.partial) {
            body.p = NULL;
            body.n = 0;
        }

        ctx->back.state = NGX_HTTP_INTEROP_PASS;
        (void) ngx_http_interop_back(r, ctx, body);
    }

    return ngx_http_next_body_filter(r, in);
}


static ngx_int_t
ngx_http_interop_body_collect(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_int_t       rc;
    ngx_str_t       none;
    ngx_chain_t    *rest;
    interop_span_t  body;

    ngx_str_null(&none);

    rest = ngx_http_interop_body_take(r, ctx, in, 1);

    if (!ctx->back.last && !ctx->back.partial) {

        if (!ngx_http_interop_body_died(r, in)) {
            return NGX_OK;
        }

        /* no answer, so nothing is remembered */

        ctx->back.last = 1;
        ngx_http_interop_replace(r, ctx, NGX_HTTP_BAD_GATEWAY, &none, &none);

    } else {
        body = ngx_http_interop_span(&ctx->back.body);

        if (ctx->back.partial) {
            body.p = NULL;
            body.n = 0;
        }

        rc = ngx_http_interop_back(r, ctx, body);

        if (rc == NGX_AGAIN) {
            ctx->back.state = NGX_HTTP_INTEROP_WRITE;
            return ngx_http_interop_body_hold(r, ctx, rest);
        }

        if (rc == NGX_ERROR) {
            ngx_http_interop_replace(r, ctx, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                     &none, &none);
        }
    }

    ctx->back.state = NGX_HTTP_INTEROP_READY;

    (void) ngx_http_interop_body_hold(r, ctx, rest);

    return ngx_http_interop_body_send(r, ctx);
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

            if (ctx->back.body.len + len > NGX_HTTP_INTEROP_ANSWER_MAX
                || ngx_http_interop_append(r->pool, &ctx->back.body,
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
ngx_http_interop_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_interop_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_interop_body_filter;

    return NGX_OK;
}
