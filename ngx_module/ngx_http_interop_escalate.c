
/*
 * Step ESCALATE: the requests that a meeting takes, one after the other, as
 * subrequests with the client's credentials.  Owns how they are made and where
 * they go: to "interop_system" of their system, or to this very location.
 * Must not know what they are for: the library asks for each and takes its
 * answer.
 *
 * Another request that is about the same is waited for by a timer.  What has
 * been claimed is claimed anew while upstream takes its time, and given back
 * with the request's memory, whatever becomes of it.
 */


#include "ngx_http_interop.h"


#define NGX_HTTP_INTEROP_ESCALATE_WAIT   100      /* milliseconds */
#define NGX_HTTP_INTEROP_ESCALATE_RENEW  4000


static interop_status_t ngx_http_interop_escalate_stepped(
    ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_escalate_start(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, interop_step_t *step);
static ngx_http_request_t *ngx_http_interop_escalate_subrequest(
    ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    interop_step_t *step);
static ngx_int_t ngx_http_interop_escalate_wait(ngx_http_request_t *r);
static void ngx_http_interop_escalate_waited(ngx_http_request_t *r);
static void ngx_http_interop_escalate_renew(ngx_event_t *ev);
static void ngx_http_interop_escalate_source(ngx_http_interop_ctx_t *ctx,
    interop_source_t *source);
static interop_status_t ngx_http_interop_escalate_lookup(void *data,
    interop_record_kind_t kind, interop_span_t key, interop_span_t *record);
static interop_status_t ngx_http_interop_escalate_swap(void *data,
    interop_span_t key, interop_span_t old, interop_span_t record,
    interop_span_t *there);


ngx_int_t
ngx_http_interop_escalate(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    interop_step_t    step;
    interop_source_t  source;
    interop_status_t  status;

    if (r != r->main) {
        /* who has asked for it could not be told */
        return NGX_HTTP_FORBIDDEN;
    }

    if (ctx->fetch.waiting) {

        if (!ctx->fetch.done) {
            return NGX_AGAIN;
        }

        ctx->fetch.waiting = 0;

        if (ngx_http_interop_escalate_stepped(r, ctx) != INTEROP_OK) {
            return NGX_ERROR;
        }
    }

    ngx_http_interop_escalate_source(ctx, &source);

    status = interop_judge_step(ctx->judge, &source,
                                (int64_t) ngx_current_msec, &step);

    switch (status) {

    case INTEROP_OK:
        return ngx_http_interop_escalate_start(r, ctx, &step);

    case INTEROP_AGAIN:
        return ngx_http_interop_escalate_wait(r);

    case INTEROP_MISSING:
        ngx_http_interop_escalate_end(ctx);
        ctx->step = (ctx->plan->action == INTEROP_A_FORWARD)
                    ? NGX_HTTP_INTEROP_APPLY : NGX_HTTP_INTEROP_ANSWER;
        return NGX_OK;

    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "interop escalation: %s", interop_status_name(status));
        return NGX_ERROR;
    }
}


static interop_status_t
ngx_http_interop_escalate_stepped(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_uint_t        status;
    interop_span_t    type, body;
    interop_source_t  source;

    status = ctx->fetch.status;
    type = ngx_http_interop_span(&ctx->fetch.type);
    body = ngx_http_interop_span(&ctx->fetch.answer);

    /* that it was done is known by its status, however the rest came */

    if (ctx->fetch.failed || ctx->fetch.own) {
        body.p = NULL;
        body.n = 0;
    }

    if (status < NGX_HTTP_OK || status >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "interop escalation: upstream answered with %ui",
                      status);
    }

    interop_judge_step_headers(ctx->judge,
                               ngx_http_interop_span(&ctx->fetch.retry),
                               ngx_http_interop_span(&ctx->fetch.sign_in));

    ngx_http_interop_escalate_source(ctx, &source);

    return interop_judge_stepped(ctx->judge, &source,
                                 (int64_t) ngx_current_msec,
                                 (unsigned) status, type, body);
}


static ngx_int_t
ngx_http_interop_escalate_start(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, interop_step_t *step)
{
    ngx_http_request_t  *sr;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "interop escalation: %s to \"%*s\"", step->name,
                   step->target.n, step->target.p);

    sr = ngx_http_interop_escalate_subrequest(r, ctx, step);
    if (sr == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_interop_set_method(sr, step->method) != NGX_OK
        || ngx_http_interop_set_body(sr, step->body) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (step->content_type.p
        && ngx_http_interop_set_content_type(sr, step->content_type)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ctx->renew.timer_set) {
        ctx->renew.handler = ngx_http_interop_escalate_renew;
        ctx->renew.data = ctx;
        ctx->renew.log = r->connection->log;

        ngx_add_timer(&ctx->renew, NGX_HTTP_INTEROP_ESCALATE_RENEW);
    }

    return NGX_AGAIN;
}


/*
 * To another location with the target as "proxy_pass" without a URI sends it,
 * or as a clone that begins where this request is.
 */

static ngx_http_request_t *
ngx_http_interop_escalate_subrequest(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, interop_step_t *step)
{
    ngx_int_t                rc;
    ngx_str_t                system, target, uri, args;
    ngx_http_request_t      *sr;
    ngx_http_interop_ctx_t  *sctx;

    system = ngx_http_interop_str(step->system);
    target = ngx_http_interop_str(step->target);

    rc = ngx_http_interop_system_uri(r, ctx->conf->systems, &system, &uri,
                                     &args);

    switch (rc) {

    case NGX_OK:
        sr = ngx_http_interop_subrequest(r, ctx, &uri, &args, 0);
        if (sr == NULL) {
            return NULL;
        }

        sr->unparsed_uri = target;
        sr->valid_unparsed_uri = 1;
        break;

    case NGX_DECLINED:
        sr = ngx_http_interop_subrequest(r, ctx, &r->uri, &r->args,
                                         NGX_HTTP_SUBREQUEST_CLONE);

        if (sr == NULL || ngx_http_interop_set_target(sr, &target) != NGX_OK) {
            return NULL;
        }

        break;

    default:
        return NULL;
    }

    sctx = ngx_http_get_module_ctx(sr, ngx_http_interop_module);
    sctx->system = system;

    return sr;
}


static ngx_int_t
ngx_http_interop_escalate_wait(ngx_http_request_t *r)
{
    ngx_event_t  *wev;

    wev = r->connection->write;

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_interop_escalate_waited;

    wev->delayed = 1;

    ngx_add_timer(wev, NGX_HTTP_INTEROP_ESCALATE_WAIT);

    return NGX_AGAIN;
}


static void
ngx_http_interop_escalate_waited(ngx_http_request_t *r)
{
    ngx_event_t  *wev;

    wev = r->connection->write;

    if (wev->delayed) {

        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        return;
    }

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


static void
ngx_http_interop_escalate_renew(ngx_event_t *ev)
{
    ngx_http_interop_ctx_t  *ctx = ev->data;

    interop_source_t  source;

    ngx_http_interop_escalate_source(ctx, &source);

    interop_judge_renew(ctx->judge, &source, (int64_t) ngx_current_msec);

    ngx_add_timer(ev, NGX_HTTP_INTEROP_ESCALATE_RENEW);
}


/* also when the request dies on the way */

void
ngx_http_interop_escalate_end(ngx_http_interop_ctx_t *ctx)
{
    interop_source_t  source;

    if (ctx->renew.timer_set) {
        ngx_del_timer(&ctx->renew);
    }

    if (ctx->step != NGX_HTTP_INTEROP_ESCALATE || ctx->judge == NULL) {
        return;
    }

    ngx_http_interop_escalate_source(ctx, &source);

    interop_judge_release(ctx->judge, &source);
}


static void
ngx_http_interop_escalate_source(ngx_http_interop_ctx_t *ctx,
    interop_source_t *source)
{
    ngx_memzero(source, sizeof(interop_source_t));

    source->lookup = ngx_http_interop_escalate_lookup;
    source->swap = ngx_http_interop_escalate_swap;
    source->ctx = ctx;
}


/* all facts are known by now */

static interop_status_t
ngx_http_interop_escalate_lookup(void *data, interop_record_kind_t kind,
    interop_span_t key, interop_span_t *record)
{
    return INTEROP_MISSING;
}


static interop_status_t
ngx_http_interop_escalate_swap(void *data, interop_span_t key,
    interop_span_t old, interop_span_t record, interop_span_t *there)
{
    ngx_http_interop_ctx_t *ctx = data;

    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_interop_module);

    return ngx_http_interop_zone_swap(imcf->zone, &ctx->alloc, key,
                                      NULL, old, record, there);
}
