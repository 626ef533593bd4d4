
/*
 * Step JUDGE: the library normalises the event, gathers records and decides.
 * Owns the source of records as the library sees it: durable kinds from the
 * store's snapshot, else as "interop_resolve" brought them; messages and calls
 * from the zone.  Must not know what a plan is for, but where it leads next.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_log.h"
#include "ngx_http_interop_script.h"


static interop_status_t ngx_http_interop_judge_unasked(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static interop_status_t ngx_http_interop_judge(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static interop_status_t ngx_http_interop_snapshot(void *data,
    interop_view_t **view);
static interop_status_t ngx_http_interop_lookup(void *data,
    interop_record_kind_t kind, interop_span_t key, interop_span_t *record);
static interop_status_t ngx_http_interop_lookup_store(
    ngx_http_interop_ctx_t *ctx, interop_record_kind_t kind,
    interop_span_t key, interop_span_t *record);
static void ngx_http_interop_lookup_missed(ngx_http_interop_ctx_t *ctx,
    interop_record_kind_t kind, interop_span_t key);
static ngx_int_t ngx_http_interop_decided(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static void ngx_http_interop_log_monitor(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);


ngx_int_t
ngx_http_interop_run(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    interop_status_t  status;

    status = ngx_http_interop_judge(r, ctx);

    if (status == INTEROP_AGAIN
        && ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR)
    {
        status = ngx_http_interop_judge_unasked(r, ctx);
    }

    if (ctx->source.missing.len
        && ctx->fetch.count < NGX_HTTP_INTEROP_FETCHES
        && (status == INTEROP_OK || status == INTEROP_AGAIN))
    {
        ctx->step = NGX_HTTP_INTEROP_RESOLVE;
        return NGX_OK;
    }

    switch (status) {

    case INTEROP_OK:
        ctx->plan = interop_judge_plan(ctx->judge);
        return ngx_http_interop_decided(r, ctx);

    case INTEROP_AGAIN:

        if (ctx->fetch.count
            >= NGX_HTTP_INTEROP_FETCHES + INTEROP_FETCHES_MAX) {
            return NGX_ERROR;
        }

        ctx->step = NGX_HTTP_INTEROP_FETCH;
        return NGX_OK;

    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "interop judge: %s", interop_status_name(status));
        return NGX_ERROR;
    }
}


/* in monitor mode upstream hears of nothing but the client's requests */

static interop_status_t
ngx_http_interop_judge_unasked(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_uint_t        i;
    interop_span_t    absent;
    interop_status_t  status;

    absent.p = NULL;
    absent.n = 0;

    status = INTEROP_AGAIN;

    for (i = 0; i < INTEROP_FETCHES_MAX && status == INTEROP_AGAIN; i++) {

        status = interop_judge_fetched(ctx->judge, 0, absent);

        if (status == INTEROP_OK) {
            status = ngx_http_interop_judge(r, ctx);
        }
    }

    return status;
}


static interop_status_t
ngx_http_interop_judge(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    struct timespec                begin, end;
    interop_source_t               source;
    interop_status_t               status;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    source.lookup = ngx_http_interop_lookup;
    source.ctx = ctx;
    source.memo = imcf->memo;
    source.snapshot = imcf->memo ? ngx_http_interop_snapshot : NULL;

    ctx->source.missing.len = 0;

    (void) clock_gettime(CLOCK_MONOTONIC, &begin);

    status = interop_judge_run(ctx->judge, &ctx->event, &source);

    (void) clock_gettime(CLOCK_MONOTONIC, &end);

    ctx->nanoseconds += (uint64_t) ((end.tv_sec - begin.tv_sec) * 1000000000
                                    + end.tv_nsec - begin.tv_nsec);

    if (ctx->source.view && status == INTEROP_OK
        && interop_judge_plan(ctx->judge)->retry_after)
    {
        ngx_http_interop_store_failed(imcf->store, r->connection->log,
                                      INTEROP_UNAVAILABLE,
                                      "has a record that cannot be read");
    }

    if (status == INTEROP_OK) {
        ngx_http_interop_audit(r, ctx);
    }

    ngx_http_interop_view_end(ctx);

    return status;
}


/* a snapshot is not held while a request waits: a write may wait for its end */

void
ngx_http_interop_view_end(ngx_http_interop_ctx_t *ctx)
{
    if (ctx->source.view) {
        interop_view_end(ctx->source.view);
        ctx->source.view = NULL;
    }
}


/* the same one, until the judge has run */

static interop_status_t
ngx_http_interop_snapshot(void *data, interop_view_t **view)
{
    ngx_http_interop_ctx_t *ctx = data;

    interop_store_t               *store;
    interop_status_t               status;
    ngx_http_request_t            *r;
    ngx_http_interop_main_conf_t  *imcf;

    *view = ctx->source.view;

    if (ctx->source.down) {
        return INTEROP_UNAVAILABLE;
    }

    r = ctx->request;
    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    if (*view || imcf->store == NULL) {
        return INTEROP_OK;
    }

    store = ngx_http_interop_store_get(imcf->store, r->connection->log);
    if (store == NULL) {
        return INTEROP_UNAVAILABLE;
    }

    status = interop_view_begin(store, view);

    if (status != INTEROP_OK) {
        ngx_http_interop_store_failed(imcf->store, r->connection->log,
                                      status, "cannot be read");
        return INTEROP_UNAVAILABLE;
    }

    ctx->source.view = *view;

    return INTEROP_OK;
}


static interop_status_t
ngx_http_interop_lookup(void *data, interop_record_kind_t kind,
    interop_span_t key, interop_span_t *record)
{
    ngx_http_interop_ctx_t *ctx = data;

    interop_status_t               status;
    ngx_http_request_t            *r;
    ngx_http_interop_main_conf_t  *imcf;

    r = ctx->request;
    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    if (ctx->source.down) {
        return INTEROP_UNAVAILABLE;
    }

    /* with a memo, the snapshot has been asked already */

    if (kind < NGX_HTTP_INTEROP_FACTSETS && imcf->store && !imcf->memo) {

        status = ngx_http_interop_lookup_store(ctx, kind, key, record);

        if (status != INTEROP_MISSING) {
            return status;
        }
    }

    if (kind < NGX_HTTP_INTEROP_FACTSETS && !ctx->conf->resolve[kind]) {
        return INTEROP_MISSING;
    }

    status = ngx_http_interop_zone_get(imcf->zone, &ctx->alloc, kind, key,
                                       record);

    if (status == INTEROP_MISSING && kind < NGX_HTTP_INTEROP_FACTSETS) {
        ngx_http_interop_lookup_missed(ctx, kind, key);
    }

    return status;
}


static interop_status_t
ngx_http_interop_lookup_store(ngx_http_interop_ctx_t *ctx,
    interop_record_kind_t kind, interop_span_t key, interop_span_t *record)
{
    interop_view_t    *view;
    interop_status_t   status;

    status = ngx_http_interop_snapshot(ctx, &view);

    return (status == INTEROP_OK)
           ? interop_view_lookup(view, kind, key, record) : status;
}


/* remembers the first key that has not been asked for yet */

static void
ngx_http_interop_lookup_missed(ngx_http_interop_ctx_t *ctx,
    interop_record_kind_t kind, interop_span_t key)
{
    u_char                       *p;
    ngx_http_interop_resolved_t  *asked;

    if (ctx->source.missing.len) {
        return;
    }

    for (asked = ctx->fetch.resolved; asked; asked = asked->next) {
        if (asked->kind == kind && asked->key.len == key.n
            && ngx_memcmp(asked->key.data, key.p, key.n) == 0)
        {
            return;
        }
    }

    p = ngx_http_interop_alloc(ctx, key.n + 1);
    if (p == NULL) {
        return;
    }

    ngx_memcpy(p, key.p, key.n);

    ctx->source.missing_kind = kind;
    ctx->source.missing.data = p;
    ctx->source.missing.len = key.n;
}


static ngx_int_t
ngx_http_interop_decided(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    size_t                         i;
    const interop_plan_t          *plan;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    ngx_http_interop_count(imcf, requests);
    ngx_http_interop_count(imcf, verdicts[ctx->plan->verdict]);

    if (ctx->plan->retry_after) {
        ngx_http_interop_count(imcf, unavailable);
    }

    i = 0;

    for (plan = ctx->plan; plan; plan = interop_judge_item(ctx->judge, i++)) {
        ngx_http_interop_script_decided(imcf, plan);
    }

    ngx_http_interop_remember(r, ctx, ctx->plan->effects,
                              ctx->plan->effect_count);

    if (ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR) {
        ngx_http_interop_count(imcf, monitored);
        ngx_http_interop_log_monitor(r, ctx);
        return NGX_DECLINED;
    }

    switch (ctx->plan->action) {

    case INTEROP_A_ANSWER:
        ctx->step = NGX_HTTP_INTEROP_ANSWER;
        break;

    case INTEROP_A_STEPS:
        ctx->step = NGX_HTTP_INTEROP_ESCALATE;
        break;

    default:
        ctx->step = NGX_HTTP_INTEROP_APPLY;
    }

    return NGX_OK;
}


static void
ngx_http_interop_log_monitor(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    size_t                 i;
    ngx_str_t              reason, rule;
    const interop_plan_t  *plan;

    /* a batch, and then what is in it */

    i = 0;

    for (plan = ctx->plan; plan; plan = interop_judge_item(ctx->judge, i++)) {

        reason = ngx_http_interop_str(plan->reason);
        rule = ngx_http_interop_str(plan->rule);

        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "interop monitor: verdict %s, reason \"%V\", "
                      "rule \"%V\", operation %s",
                      interop_verdict_name(plan->verdict), &reason, &rule,
                      interop_operation_name(plan->operation));
    }
}


/*
 * What was forwarded and accepted could not be made durable: the plan of a
 * request whose store is not there is judged once more, for its answer.
 */

ngx_int_t
ngx_http_interop_unavailable(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    ngx_http_interop_count(imcf, unavailable);

    if (ctx->spent == NULL) {
        ctx->spent = ctx->judge;
        ctx->judge = NULL;
    }

    if (ngx_http_interop_judge_begin(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->source.down = 1;

    if (ngx_http_interop_judge(r, ctx) != INTEROP_OK) {
        return NGX_ERROR;
    }

    ctx->plan = interop_judge_plan(ctx->judge);

    return (ctx->plan->action == INTEROP_A_ANSWER) ? NGX_OK : NGX_ERROR;
}
