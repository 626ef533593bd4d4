
/*
 * The answer's way back: upstream has answered, the judge says what is to be
 * remembered and what the client hears.  Owns effects: messages and calls go
 * to the zone at once, what is durable to the store before the client hears of
 * success.  Must not know how a response is held back or sent.
 *
 * Upstream has accepted by then, which cannot be undone; but what was not made
 * durable is not acknowledged either: the client is told 503, and what it does
 * again is judged by facts that hold.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_whole.h"


static ngx_int_t ngx_http_interop_back_judge(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, interop_span_t body);
static size_t ngx_http_interop_durable(const interop_answer_t *answer);
static void ngx_http_interop_written(void *data, interop_status_t status);
static void ngx_http_interop_undurable(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);


/* NGX_OK: the answer may be sent; NGX_AGAIN: when it has been written down */

ngx_int_t
ngx_http_interop_back(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    interop_span_t body)
{
    ngx_int_t  rc;

    rc = ngx_http_interop_back_judge(r, ctx, body);

    /* the effects, which are kept or copied by now, may have lain in it */

    ngx_http_interop_view_end(ctx);

    return rc;
}


static ngx_int_t
ngx_http_interop_back_judge(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, interop_span_t body)
{
    ngx_str_t                      type, swap;
    interop_answer_t               answer;
    interop_status_t               status;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    ngx_memzero(&answer, sizeof(interop_answer_t));

    if (r->headers_out.location) {
        interop_judge_location(ctx->judge,
                               ngx_http_interop_span(
                                           &r->headers_out.location->value));
    }

    status = interop_judge_answer(ctx->judge,
                                  (unsigned) r->headers_out.status, body,
                                  &answer);

    ngx_http_interop_view_end(ctx);

    if (status != INTEROP_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "interop cannot judge an answer: %s",
                      interop_status_name(status));
        ngx_http_interop_count(imcf, failures);
        return NGX_ERROR;
    }

    ngx_http_interop_remember(r, ctx, answer.effects, answer.effect_count);

    if (ctx->conf->mode == NGX_HTTP_INTEROP_ENFORCE) {

        if (answer.body_changed) {
            type = ngx_http_interop_str(answer.content_type);
            swap = ngx_http_interop_str(answer.body);
            ngx_http_interop_replace(r, ctx, answer.status
                                     ? answer.status : r->headers_out.status,
                                     &type, &swap);

            if (answer.refused) {
                ngx_http_interop_whole_refused(r);
                (void) ngx_http_interop_refusal_headers(r, ctx);
            }

        } else if (answer.status) {
            r->headers_out.status = answer.status;
            r->headers_out.status_line.len = 0;
        }
    }

    if (imcf->store == NULL || !ngx_http_interop_durable(&answer)) {
        return NGX_OK;
    }

    ctx->back.write = ngx_http_interop_store_write(imcf->store,
                                                answer.effects,
                                                answer.effect_count,
                                                ngx_http_interop_written, ctx,
                                                r->connection->log);

    if (ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR) {
        return NGX_OK;
    }

    if (ctx->back.write == NULL) {
        ngx_http_interop_undurable(r, ctx);
        return NGX_OK;
    }

    return NGX_AGAIN;
}


static size_t
ngx_http_interop_durable(const interop_answer_t *answer)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < answer->effect_count; i++) {
        n += (answer->effects[i].kind < NGX_HTTP_INTEROP_FACTSETS);
    }

    return n;
}


/* effects of one record stand together; one that cannot be kept is refetched */

void
ngx_http_interop_remember(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    const interop_effect_t *effects, size_t count)
{
    size_t                         i, n;
    interop_status_t               status;
    const interop_effect_t        *e;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    for (i = 0; i < count; i += n) {

        e = &effects[i];

        for (n = 1; i + n < count; n++) {
            if (e[n].kind != e->kind || e[n].key.n != e->key.n
                || (e[n].key.p != e->key.p
                    && ngx_memcmp(e[n].key.p, e->key.p, e->key.n) != 0))
            {
                break;
            }
        }

        if (e->kind < NGX_HTTP_INTEROP_FACTSETS) {
            continue;
        }

        status = ngx_http_interop_zone_merge(imcf->zone, &ctx->alloc, e, n);

        if (status != INTEROP_OK && status != INTEROP_MISSING) {
            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "interop zone cannot keep a %s: %s",
                          interop_record_kind_name(e->kind),
                          interop_status_name(status));
        }
    }
}


/* in the event loop, when the thread has done */

static void
ngx_http_interop_written(void *data, interop_status_t status)
{
    ngx_http_interop_ctx_t *ctx = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ctx->back.write = NULL;

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "interop effects written: %d", status);

    if (ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR) {
        return;
    }

    if (status != INTEROP_OK) {
        ngx_http_interop_undurable(r, ctx);
    }

    ngx_http_interop_release(r, ctx);
}


static void
ngx_http_interop_undurable(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t  type, body;

    ngx_str_null(&type);
    ngx_str_null(&body);

    if (ngx_http_interop_unavailable(r, ctx) == NGX_OK) {
        type = ngx_http_interop_str(ctx->plan->answer_type);
        body = ngx_http_interop_str(ctx->plan->answer_body);
        (void) ngx_http_interop_refusal_headers(r, ctx);
    }

    ngx_http_interop_replace(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE, &type,
                             &body);
}


/* another response: nothing that described the old body may stay */

void
ngx_http_interop_replace(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body)
{
    ctx->back.swapped = 1;
    ctx->back.swap = *body;

    r->headers_out.status = status;
    r->headers_out.status_line.len = 0;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    r->headers_out.content_length_n = body->len;

    if (r->headers_out.content_encoding) {
        r->headers_out.content_encoding->hash = 0;
        r->headers_out.content_encoding = NULL;
    }

    if (type->len) {
        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = type->len;
        r->headers_out.content_type_lowcase = NULL;
        ngx_str_null(&r->headers_out.charset);

    } else if (body->len == 0) {
        ngx_str_null(&r->headers_out.content_type);
        r->headers_out.content_type_len = 0;
    }
}
