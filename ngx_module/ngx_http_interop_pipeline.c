
/*
 * The request path: one table of steps and one driver.  Owns the context of a
 * request, how it is found again, and what a step's return value means.  Must
 * not know what any step does.
 *
 * A step returns
 *   NGX_OK        ctx->step is the next step to run
 *   NGX_AGAIN     suspended: the driver is entered again at the same step
 *   NGX_DECLINED  the request goes on through nginx unchanged by us
 *   NGX_DONE      it has been finalized, or is suspended by nginx itself
 *   NGX_ERROR or an HTTP status: it failed; in monitor mode it goes on
 *
 * Internal redirects clear a module's contexts, so the context is found again
 * by the cleanup it leaves in the request's pool.
 */


#include "ngx_http_interop.h"


typedef struct {
    const char                *name;
    ngx_http_interop_step_pt   handler;
} ngx_http_interop_step_t;


static ngx_uint_t ngx_http_interop_judged(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_uint_t ngx_http_interop_same(ngx_str_t *a, ngx_str_t *b);
static ngx_int_t ngx_http_interop_drive(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_fail(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_interop_cleanup(void *data);


/* ORDER: ngx_http_interop_step_e */

static ngx_http_interop_step_t  ngx_http_interop_steps[] = {
    { "match",   ngx_http_interop_match },
    { "read",    ngx_http_interop_read },
    { "gather",  ngx_http_interop_gather },
    { "judge",   ngx_http_interop_run },
    { "resolve", ngx_http_interop_resolve },
    { "fetch",   ngx_http_interop_fetch },
    { "escalate", ngx_http_interop_escalate },
    { "apply",   ngx_http_interop_apply },
    { "answer",  ngx_http_interop_answer },
    { "done",    NULL }
};


ngx_int_t
ngx_http_interop_handler(ngx_http_request_t *r)
{
    ngx_http_interop_ctx_t       *ctx;
    ngx_http_interop_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_interop_module);

    if (ilcf->mode == NGX_HTTP_INTEROP_OFF || ilcf->api < 0) {
        return NGX_DECLINED;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "interop handler: \"%V\"", &r->uri);

    ctx = ngx_http_interop_get_ctx(r);

    if (ctx && ctx->parent) {
        /* a subrequest of ours */
        return NGX_DECLINED;
    }

    if (ctx == NULL || !ngx_http_interop_judged(r, ctx)) {
        ctx = ngx_http_interop_create_ctx(r, ctx);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    return ngx_http_interop_drive(r, ctx);
}


static ngx_int_t
ngx_http_interop_drive(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_int_t  rc;

    while (ctx->step != NGX_HTTP_INTEROP_DONE) {

        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "interop step: %s",
                       ngx_http_interop_steps[ctx->step].name);

        rc = ngx_http_interop_steps[ctx->step].handler(r, ctx);

        switch (rc) {

        case NGX_OK:
            break;

        case NGX_DECLINED:
            ctx->step = NGX_HTTP_INTEROP_DONE;
            break;

        case NGX_AGAIN:
        case NGX_DONE:
            /* ctx may be gone */
            return NGX_DONE;

        default:
            return ngx_http_interop_fail(r, ctx, rc);
        }
    }

    ctx->method = r->method;
    ctx->uri = r->uri;
    ctx->args = r->args;

    return NGX_DECLINED;
}


/*
 * The one place that says what becomes of a request when a step fails.  What
 * nginx itself refuses (a body it cannot read) it would refuse without us.
 */

static ngx_int_t
ngx_http_interop_fail(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    ngx_int_t rc)
{
    ngx_http_interop_main_conf_t  *imcf;

    if (rc != NGX_ERROR && rc < NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return rc;
    }

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    ngx_http_interop_count(imcf, failures);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "interop failed in step \"%s\"",
                  ngx_http_interop_steps[ctx->step].name);

    if (ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR
        && ctx->step != NGX_HTTP_INTEROP_READ)
    {
        ctx->plan = NULL;
        ctx->step = NGX_HTTP_INTEROP_DONE;
        return NGX_DECLINED;
    }

    return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
}


/*
 * A request that comes back to us after an internal redirect: under the same
 * API and as it left us, it has been judged.  Anything else is judged anew.
 */

static ngx_uint_t
ngx_http_interop_judged(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_http_interop_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_interop_module);

    if (ctx->step != NGX_HTTP_INTEROP_DONE) {
        /* on its way, unless an error has led it elsewhere */
        return r->uri_changes == ctx->redirects;
    }

    if (ctx->conf->api != ilcf->api || ctx->conf->mode != ilcf->mode
        || ctx->conf->leg != ilcf->leg)
    {
        return 0;
    }

    return r->method == ctx->method
           && ngx_http_interop_same(&r->uri, &ctx->uri)
           && ngx_http_interop_same(&r->args, &ctx->args);
}


static ngx_uint_t
ngx_http_interop_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


ngx_http_interop_ctx_t *
ngx_http_interop_create_ctx(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *before)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_interop_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    ctx = ngx_http_interop_memory_ctx(r);
    if (ctx == NULL) {
        return NULL;
    }

    /*
     * set by ngx_http_interop_memory_ctx():
     *
     *     ctx->step = NGX_HTTP_INTEROP_MATCH;
     *     ctx->plan = NULL;
     *     ctx->parent = NULL;
     *     ctx->back.state = NGX_HTTP_INTEROP_PASS;
     */

    ctx->request = r;
    ctx->conf = ngx_http_get_module_loc_conf(r, ngx_http_interop_module);
    ctx->before = before;
    ctx->redirects = r->uri_changes;

    if (before) {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "interop: judged again after a redirect");
    }

    /* the newest is found first */

    cln->handler = ngx_http_interop_cleanup;
    cln->data = ctx;

    ngx_http_set_ctx(r, ctx, ngx_http_interop_module);

    return ctx;
}


ngx_http_interop_ctx_t *
ngx_http_interop_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_interop_ctx_t  *ctx, *found;

    ctx = ngx_http_get_module_ctx(r, ngx_http_interop_module);

    if (ctx || (!r->internal && !r->filter_finalize)) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_interop_cleanup) {
            continue;
        }

        found = cln->data;

        if (found->request == r) {
            ngx_http_set_ctx(r, found, ngx_http_interop_module);
            return found;
        }
    }

    return NULL;
}


/* with the request's pool; its write may be under way and goes on without it */

static void
ngx_http_interop_cleanup(void *data)
{
    ngx_http_interop_ctx_t  *ctx = data;

    ngx_http_interop_view_end(ctx);

    if (ctx->back.write) {
        ngx_http_interop_store_forget(ctx->back.write);
    }

    ngx_http_interop_escalate_end(ctx);

    ngx_http_interop_judge_end(ctx);
    ngx_http_interop_memory_free(ctx);
}
