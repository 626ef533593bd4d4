
/*
 * Step ANSWER: the edge answers by itself: refusals in the API's envelope,
 * drops with the API's success.  Owns the response it makes; the headers that
 * tell of the verdict are the header filter's.
 */


#include "ngx_http_interop.h"


static ngx_int_t ngx_http_interop_answer_send(ngx_http_request_t *r,
    const interop_plan_t *plan);


ngx_int_t
ngx_http_interop_answer(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_str_t              value;
    const interop_plan_t  *plan;

    plan = ctx->plan;

    ctx->step = NGX_HTTP_INTEROP_DONE;
    ctx->back.begun = 1;

    if (r != r->main) {
        return (plan->status >= NGX_HTTP_BAD_REQUEST)
               ? (ngx_int_t) plan->status : NGX_HTTP_FORBIDDEN;
    }

    /* not read, if it was too large or could not be matched */

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_interop_refusal_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (plan->meeting.p) {
        value = ngx_http_interop_str(plan->meeting);

        if (ngx_http_interop_add_header(r, "Interop-Meeting", &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_finalize_request(r, ngx_http_interop_answer_send(r, plan));

    return NGX_DONE;
}


static ngx_int_t
ngx_http_interop_answer_send(ngx_http_request_t *r, const interop_plan_t *plan)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    r->headers_out.status = plan->status;
    r->headers_out.content_length_n = plan->answer_body.p
                                      ? (off_t) plan->answer_body.n : 0;

    if (plan->answer_body.p && plan->answer_type.p) {
        r->headers_out.content_type = ngx_http_interop_str(plan->answer_type);
        r->headers_out.content_type_len = r->headers_out.content_type.len;
        r->headers_out.content_type_lowcase = NULL;
    }

    if (plan->status == NGX_HTTP_NO_CONTENT) {
        r->headers_out.content_length_n = -1;
        r->header_only = 1;
    }

    if (r->method == NGX_HTTP_HEAD) {
        r->header_only = 1;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    if (plan->answer_body.p && plan->answer_body.n) {
        b->memory = 1;
        b->pos = (u_char *) plan->answer_body.p;
        b->last = b->pos + plan->answer_body.n;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* a refusal is about now: nobody may keep it, and an outage ends */

ngx_int_t
ngx_http_interop_refusal_headers(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t  value;

    if (ctx->plan->status < NGX_HTTP_BAD_REQUEST) {
        return NGX_OK;
    }

    ngx_str_set(&value, "no-store");

    if (ngx_http_interop_add_header(r, "Cache-Control", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->plan->sign_in.p) {
        value = ngx_http_interop_str(ctx->plan->sign_in);

        if (ngx_http_interop_add_header(r, "WWW-Authenticate", &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ctx->plan->retry.p) {
        value = ngx_http_interop_str(ctx->plan->retry);

    } else if (ctx->plan->retry_after) {
        ngx_str_set(&value, "1");

    } else {
        return NGX_OK;
    }

    return ngx_http_interop_add_header(r, "Retry-After", &value);
}


ngx_int_t
ngx_http_interop_add_header(ngx_http_request_t *r, char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;
    h->lowcase_key = NULL;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}
