
/*
 * A log of lines that never blocks, and the audit log that is one: what others
 * may ask of them.  Owns the flush and data of its files; a file that is named
 * twice is one log.
 * Invariant: a line is written whole or not at all.
 */


#ifndef _NGX_HTTP_INTEROP_LOG_H_INCLUDED_
#define _NGX_HTTP_INTEROP_LOG_H_INCLUDED_


#include "ngx_http_interop.h"


ngx_open_file_t *ngx_http_interop_log_open(ngx_conf_t *cf, ngx_str_t *name,
    ssize_t size, ngx_msec_t flush);
void ngx_http_interop_log_put(ngx_http_request_t *r, ngx_open_file_t *file,
    u_char *frame, size_t len, ngx_str_t *judged);
void ngx_http_interop_log_lost(ngx_open_file_t *file, ngx_uint_t lines,
    ngx_log_t *log, ngx_err_t err);
void ngx_http_interop_log_exit(ngx_cycle_t *cycle);

/* _audit: "interop_audit_log" */

char *ngx_http_interop_audit_log(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_interop_audit_init(ngx_conf_t *cf);
void ngx_http_interop_audit(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);


#endif /* _NGX_HTTP_INTEROP_LOG_H_INCLUDED_ */
