
/*
 * Answers that are for one reader alone: what _whole does for the files that
 * hold an answer back (_filter, _hold, _back) and for the one that asks for it
 * (_apply).  Nobody else needs to know.
 */


#ifndef _NGX_HTTP_INTEROP_WHOLE_H_INCLUDED_
#define _NGX_HTTP_INTEROP_WHOLE_H_INCLUDED_


#include "ngx_http_interop.h"


ngx_int_t ngx_http_interop_whole_request(ngx_http_request_t *r);
ngx_uint_t ngx_http_interop_whole_passes(ngx_http_request_t *r);
ngx_uint_t ngx_http_interop_whole_readable(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_whole_room(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
void ngx_http_interop_whole_head(ngx_http_request_t *r);
size_t ngx_http_interop_whole_max(ngx_http_interop_ctx_t *ctx);
void ngx_http_interop_whole_refused(ngx_http_request_t *r);


#endif /* _NGX_HTTP_INTEROP_WHOLE_H_INCLUDED_ */
