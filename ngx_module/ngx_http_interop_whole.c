
/*
 * Answers that are for one reader alone: they are read whole, or not passed.
 * Owns what makes sure of that: the client's wish for a part of the answer or
 * for a compressed one does not reach upstream, and of the header nothing stays
 * that would describe another body.  Must not know what the judge changes.
 */


#include "ngx_http_interop_whole.h"


/* what is cached under the reader's URL is upstream's own, and stays so */

ngx_int_t
ngx_http_interop_whole_request(ngx_http_request_t *r)
{
    if (ngx_http_interop_strip_headers(r, 3)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_in.range = NULL;
    r->headers_in.if_range = NULL;

    return NGX_OK;
}


/*
 * Is the answer one that the judge has nothing to do with?  What upstream
 * refuses, or answers without a body, is passed as it comes.
 */

ngx_uint_t
ngx_http_interop_whole_passes(ngx_http_request_t *r)
{
    return r->headers_out.status < NGX_HTTP_OK
           || r->headers_out.status >= NGX_HTTP_SPECIAL_RESPONSE;
}


/* can the body be read when it is here? */

ngx_uint_t
ngx_http_interop_whole_readable(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    if (r->headers_out.content_encoding
        && r->headers_out.content_encoding->value.len)
    {
        return 0;
    }

    return !ctx->plan->reads_answer
           || (r->headers_out.status != NGX_HTTP_PARTIAL_CONTENT
               && r->headers_out.content_length_n
                  <= (off_t) ctx->conf->max_answer);
}


/* an answer that comes in pieces: room for as much as it says that it has */

ngx_int_t
ngx_http_interop_whole_room(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    off_t  n;

    n = r->headers_out.content_length_n;

    if (ctx->back.size || n <= 0
        || n > (off_t) ngx_http_interop_whole_max(ctx))
    {
        return NGX_OK;
    }

    ctx->back.body.data = ngx_http_interop_alloc(ctx, (size_t) n);
    if (ctx->back.body.data == NULL) {
        return NGX_ERROR;
    }

    ctx->back.size = (size_t) n;

    return NGX_OK;
}


/* HEAD: the length, and what names this version, are those of another body */

void
ngx_http_interop_whole_head(ngx_http_request_t *r)
{
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);
}


size_t
ngx_http_interop_whole_max(ngx_http_interop_ctx_t *ctx)
{
    return ctx->plan->reads_answer ? ctx->conf->max_answer
                                   : NGX_HTTP_INTEROP_ANSWER_MAX;
}


/* nothing of what was refused is described, whoever answers instead */

void
ngx_http_interop_whole_refused(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == 13
                && ngx_strncasecmp(h[i].key.data, (u_char *) "content-range",
                                   13)
                   == 0)
            {
                h[i].hash = 0;
            }
        }
    }
}
