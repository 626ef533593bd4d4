
/*
 * Header filter.  Owns the headers that tell of a verdict, and what becomes of
 * a response when its header is there: it is passed, read in passing, or held
 * back until the judge has read it and its effects are durable (_hold).  A
 * response that nobody has to read is not touched but for its headers.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_whole.h"


static ngx_int_t ngx_http_interop_header_filter(ngx_http_request_t *r);
static ngx_http_interop_ctx_t *ngx_http_interop_header_refused(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_interop_header_too_large(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_header_begin(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static void ngx_http_interop_header_drop(ngx_http_request_t *r,
    ngx_str_t *name);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t
ngx_http_interop_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_interop_ctx_t  *ctx;

    ctx = ngx_http_interop_get_ctx(r);

    if (ctx == NULL
        && r->headers_out.status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE)
    {
        ctx = ngx_http_interop_header_refused(r);
    }

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
 * nginx has refused a declared length before any of our steps: if the request
 * is one of ours, it is told so in the same form.
 */

static ngx_http_interop_ctx_t *
ngx_http_interop_header_refused(ngx_http_request_t *r)
{
    ngx_http_interop_ctx_t       *ctx;
    ngx_http_interop_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_interop_module);

    if (r != r->main || r->upstream || r->error_page
        || ilcf->mode != NGX_HTTP_INTEROP_ENFORCE || ilcf->api < 0)
    {
        return NULL;
    }

    ctx = ngx_http_interop_create_ctx(r, NULL);

    if (ctx == NULL || ngx_http_interop_match(r, ctx) != NGX_OK) {
        return NULL;
    }

    ctx->step = NGX_HTTP_INTEROP_READ;

    return ctx;
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

    if (ngx_http_interop_whole_passes(r)) {
        return NGX_OK;
    }

    readable = plan->wants_answer_body && r->method != NGX_HTTP_HEAD
               && ngx_http_interop_whole_readable(r, ctx);

    if (readable) {
        r->filter_need_in_memory = 1;

        if (ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR) {
            ctx->back.state = NGX_HTTP_INTEROP_TEE;
            return NGX_OK;
        }

        /* what was held is sent behind the filter that cuts ranges out of it */

        ngx_http_clear_accept_ranges(r);

        ctx->back.state = NGX_HTTP_INTEROP_COLLECT;
        return NGX_AGAIN;
    }

    if (plan->reads_answer && r->method == NGX_HTTP_HEAD
        && ctx->conf->mode == NGX_HTTP_INTEROP_ENFORCE)
    {
        ngx_http_interop_whole_head(r);
        return NGX_OK;
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


ngx_int_t
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

        if (ctx->plan->recipients_header.p) {
            ngx_str_set(&name, "Interop-Recipients");
            ngx_http_interop_header_drop(r, &name);

            value = ngx_http_interop_str(ctx->plan->recipients_header);

            if (ngx_http_interop_add_header(r, "Interop-Recipients", &value)
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


ngx_int_t
ngx_http_interop_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_interop_header_filter;

    return ngx_http_interop_hold_init(cf);
}
