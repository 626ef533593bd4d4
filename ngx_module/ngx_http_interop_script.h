
/*
 * Scripts: what _script (configuration) and _override (requests) share.  The
 * scripts' language is an extension, a shared object that is opened here and
 * known by interop.h only.
 */


#ifndef _NGX_HTTP_INTEROP_SCRIPT_H_INCLUDED_
#define _NGX_HTTP_INTEROP_SCRIPT_H_INCLUDED_


#include "ngx_http_interop.h"


/* of the configuration; workers have it by fork, each its own from then on */

struct ngx_http_interop_scripts_s {
    void                         *library;
    const interop_extension_t    *extension;
    interop_scripts_t            *set;
    interop_alloc_t               alloc;
    ngx_array_t                  *files;         /* "interop_script" */
    ngx_shm_t                     health;        /* failures, of all workers */
};


/* "interop_script" of a location */

struct ngx_http_interop_script_s {
    ngx_str_t                     path;
    ngx_str_t                     file;          /* where it was named, */
    ngx_uint_t                    line;          /* for diagnostics */
    unsigned                      number;        /* in the set; 0: not loaded */
};


char *ngx_http_interop_script(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_interop_script_init(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf);
char *ngx_http_interop_script_merge(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf, ngx_http_interop_loc_conf_t *conf);
ngx_int_t ngx_http_interop_script_share(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf);

/* _override */

ngx_int_t ngx_http_interop_script_gather(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_script_apply(ngx_http_request_t *r,
    const interop_plan_t *plan);
void ngx_http_interop_script_decided(ngx_http_interop_main_conf_t *imcf,
    const interop_plan_t *plan);


#endif /* _NGX_HTTP_INTEROP_SCRIPT_H_INCLUDED_ */
