
/*
 * Step MATCH: which operation, if any, this request is, and whether its body
 * is needed.  Owns what the target of a request is: what would be forwarded.
 * Must not know bodies or facts; a body where none is expected is still read.
 */


#include "ngx_http_interop.h"


static ngx_uint_t ngx_http_interop_wants_body(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);


ngx_int_t
ngx_http_interop_match(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_str_t  target;

    if (ngx_http_interop_target(r, &target) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->target.method = ngx_http_interop_span(&r->method_name);
    ctx->target.target = ngx_http_interop_span(&target);

    if (ngx_http_interop_judge_begin(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->match == INTEROP_M_OUTSIDE) {

        if (ctx->conf->mode == NGX_HTTP_INTEROP_ENFORCE && r == r->main
            && ngx_http_interop_strip_headers(r, 0) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ctx->before) {
            /* a redirect out of our sight does not lose the verdict */
            ctx->plan = ctx->before->plan;
            ctx->back.begun = 1;
        }

        return NGX_DECLINED;
    }

    ctx->step = ngx_http_interop_wants_body(r, ctx) ? NGX_HTTP_INTEROP_READ
                                                    : NGX_HTTP_INTEROP_GATHER;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_interop_wants_body(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    if (ctx->match == INTEROP_M_BODY) {
        return 1;
    }

    if (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked) {
        return 0;
    }

    /* a body where none is expected is judged as one */

    if (ctx->match == INTEROP_M_PLAIN) {
        return 1;
    }

    /*
     * What is refused by its target alone needs no body.  But over HTTP/2 an
     * answer before the body's end resets the stream, which clients may take
     * for a failure before they have seen the answer.
     */

#if (NGX_HTTP_V2)
    return r->stream != NULL;
#else
    return 0;
#endif
}


/*
 * The target as it would be forwarded: the request line's, byte for byte, as
 * long as nginx would send that; the URI it has been rewritten to after.
 */

ngx_int_t
ngx_http_interop_target(ngx_http_request_t *r, ngx_str_t *target)
{
    size_t      len;
    u_char     *p;
    uintptr_t   escape;

    if (r->valid_unparsed_uri) {
        *target = r->unparsed_uri;
        return NGX_OK;
    }

    escape = 2 * ngx_escape_uri(NULL, r->uri.data, r->uri.len, NGX_ESCAPE_URI);
    len = r->uri.len + escape + (r->args.len ? 1 + r->args.len : 0);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    target->data = p;
    target->len = len;

    if (escape) {
        p = (u_char *) ngx_escape_uri(p, r->uri.data, r->uri.len,
                                      NGX_ESCAPE_URI);
    } else {
        p = ngx_copy(p, r->uri.data, r->uri.len);
    }

    if (r->args.len) {
        *p++ = '?';
        ngx_memcpy(p, r->args.data, r->args.len);
    }

    return NGX_OK;
}
