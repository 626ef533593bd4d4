
/*
 * Step RESOLVE: a record the store does not have, asked of "interop_resolve"
 * by a subrequest and kept in the zone.  The answer is a JSON object as
 * "interopctl import" takes it, without its kind; 404 or anything that is no
 * record leaves the fact missing.  Each key is asked for once in a request.
 */


#include "ngx_http_interop.h"


static ngx_int_t ngx_http_interop_resolve_start(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
static ngx_int_t ngx_http_interop_resolve_args(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_str_t *args);
static void ngx_http_interop_resolve_keep(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);


ngx_int_t
ngx_http_interop_resolve(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    if (!ctx->fetch.waiting) {
        return ngx_http_interop_resolve_start(r, ctx);
    }

    if (!ctx->fetch.done) {
        return NGX_AGAIN;
    }

    ctx->fetch.waiting = 0;

    if (!ctx->fetch.failed && ctx->fetch.status == NGX_HTTP_OK) {
        ngx_http_interop_resolve_keep(r, ctx);
    }

    /* from the beginning: what was decided without the record is void */

    if (ngx_http_interop_judge_begin(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->step = NGX_HTTP_INTEROP_JUDGE;

    return NGX_OK;
}


static ngx_int_t
ngx_http_interop_resolve_start(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t                      uri, args;
    ngx_http_interop_main_conf_t  *imcf;
    ngx_http_interop_resolved_t   *asked;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    ngx_http_interop_count(imcf, resolves);

    asked = ngx_palloc(r->pool, sizeof(ngx_http_interop_resolved_t));
    if (asked == NULL) {
        return NGX_ERROR;
    }

    asked->kind = ctx->source.missing_kind;
    asked->key = ctx->source.missing;
    asked->next = ctx->fetch.resolved;

    ctx->fetch.resolved = asked;

    if (ngx_http_complex_value(r, ctx->conf->resolve[asked->kind], &uri)
        != NGX_OK
        || ngx_http_interop_resolve_args(r, ctx, &args) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_interop_subrequest(r, ctx, &uri, &args, 0) == NULL) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


/* "kind=user&id=..." */

static ngx_int_t
ngx_http_interop_resolve_args(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_str_t *args)
{
    u_char      *p;
    size_t       len;
    uintptr_t    escape;
    ngx_str_t   *key;
    const char  *kind;

    key = &ctx->source.missing;
    kind = interop_record_kind_name(ctx->source.missing_kind);

    escape = 2 * ngx_escape_uri(NULL, key->data, key->len,
                                NGX_ESCAPE_URI_COMPONENT);

    len = sizeof("kind=&id=") - 1 + ngx_strlen(kind) + key->len + escape;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    args->data = p;
    args->len = len;

    p = ngx_sprintf(p, "kind=%s&id=", kind);

    (void) ngx_escape_uri(p, key->data, key->len, NGX_ESCAPE_URI_COMPONENT);

    return NGX_OK;
}


static void
ngx_http_interop_resolve_keep(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    interop_diag_t                 diag;
    interop_span_t                 json, key, record;
    interop_status_t               status;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    json = ngx_http_interop_span(&ctx->fetch.answer);
    key = ngx_http_interop_span(&ctx->source.missing);

    ngx_memzero(&diag, sizeof(interop_diag_t));

    status = interop_record_parse(json, &ctx->alloc, &record, &diag);

    if (status == INTEROP_OK) {
        status = ngx_http_interop_zone_set(imcf->zone,
                                           ctx->source.missing_kind, key,
                                           record);
        ngx_str_set(&ctx->fetch.answer, "");

        if (status == INTEROP_OK) {
            return;
        }

        diag.text[0] = '\0';
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "interop_resolve of %s \"%V\" brought no record: %s %s",
                  interop_record_kind_name(ctx->source.missing_kind),
                  &ctx->source.missing, interop_status_name(status),
                  diag.text);
}
