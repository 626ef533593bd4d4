
/*
 * What the rest of the module asks of the store, and what _store and _write
 * share: its state in this process, and the batch that a thread writes.  Part
 * of ngx_http_interop.h, which includes it where its types are known.
 */


#ifndef _NGX_HTTP_INTEROP_STORE_H_INCLUDED_
#define _NGX_HTTP_INTEROP_STORE_H_INCLUDED_


/* _store, and _write: its queue of writes */

struct ngx_http_interop_store_s {
    ngx_str_t                     path;
    size_t                        size;

    ngx_http_interop_main_conf_t *main;
    ngx_thread_pool_t            *pool;

    interop_store_t              *store;           /* of this process */
    time_t                        tried;
    time_t                        logged;

    ngx_queue_t                   waiting;         /* for the next batch */
    ngx_queue_t                   batch;           /* under way */
    ngx_thread_task_t            *task;

    /* the thread's, between post and completion */
    interop_effect_t             *effects;
    size_t                        count;
    interop_status_t              status;
    interop_diag_t                diag;
};

char *ngx_http_interop_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_http_interop_store_create(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store);
void ngx_http_interop_store_init(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store);
void ngx_http_interop_store_exit(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store);
interop_store_t *ngx_http_interop_store_get(ngx_http_interop_store_t *store,
    ngx_log_t *log);
void ngx_http_interop_store_failed(ngx_http_interop_store_t *store,
    ngx_log_t *log, interop_status_t status, const char *text);
ngx_http_interop_write_t *ngx_http_interop_store_write(
    ngx_http_interop_store_t *store, const interop_effect_t *effects,
    size_t count, ngx_http_interop_write_pt handler, void *data,
    ngx_log_t *log);
void ngx_http_interop_store_forget(ngx_http_interop_write_t *write);
void ngx_http_interop_store_flush(ngx_http_interop_store_t *store);


#endif /* _NGX_HTTP_INTEROP_STORE_H_INCLUDED_ */
