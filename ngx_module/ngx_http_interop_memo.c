
/*
 * What a worker remembers of the records that it has judged by, and the
 * beginning of every judge.  Owns the memo; must not know what is judged.
 *
 * A judge holds on to what it was given of the memo, and to its own memory:
 * what it has made may be on its way to upstream or to the client as long as
 * the request lives.
 */


#include "ngx_http_interop.h"


/* a judge from the beginning; what the one before has made is void */

ngx_int_t
ngx_http_interop_judge_begin(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    interop_status_t               status;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    if (imcf->memo == NULL) {

        /* without one, every record is looked up for each request */

        (void) interop_memo_new(imcf->policy, 0, &interop_alloc_libc,
                                &imcf->memo);
    }

    interop_judge_free(ctx->judge);
    ctx->judge = NULL;

    status = interop_judge_new(imcf->policy, (int) ctx->conf->api,
                               &ctx->target, &ctx->alloc, &ctx->judge,
                               &ctx->match);

    return (status == INTEROP_OK) ? NGX_OK : NGX_ERROR;
}


/* with the request, before its memory */

void
ngx_http_interop_judge_end(ngx_http_interop_ctx_t *ctx)
{
    interop_judge_free(ctx->judge);
    interop_judge_free(ctx->spent);
}


/* at the worker's end; requests that it leaves behind are not touched again */

void
ngx_http_interop_memo_exit(ngx_http_interop_main_conf_t *imcf)
{
    interop_memo_free(imcf->memo);
    imcf->memo = NULL;
}
