
/*
 * "interop_store": one handle in each worker, opened after fork, tried again
 * when it could not be opened; an outage never ends a worker.  Owns the handle
 * and how often its failures are told; must not know what is written.
 */


#include "ngx_http_interop.h"


#define NGX_HTTP_INTEROP_RETRY  1                  /* seconds between tries */
#define NGX_HTTP_INTEROP_QUIET  60                 /* and between log lines */


static void ngx_http_interop_store_chown(ngx_cycle_t *cycle, u_char *name);


/* interop_store PATH [size=SIZE]; */

char *
ngx_http_interop_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_main_conf_t *imcf = conf;

    ssize_t                    size;
    ngx_str_t                 *value, s;
    ngx_http_interop_store_t  *store;

    if (imcf->store) {
        return "is duplicate";
    }

    value = cf->args->elts;
    size = 1024 * 1024 * 1024;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "size=", 5) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        s.data = value[2].data + 5;
        s.len = value[2].len - 5;

        size = ngx_parse_size(&s);

        /* "1g" is an offset's unit, sizes end with "m" */

        if (size == NGX_ERROR) {
            size = (ssize_t) ngx_parse_offset(&s);
        }

        if (size <= 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid store size \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_interop_store_t));
    if (store == NULL) {
        return NGX_CONF_ERROR;
    }

    store->path = value[1];
    store->size = size;
    store->main = imcf;

    if (ngx_conf_full_name(cf->cycle, &store->path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    store->pool = ngx_thread_pool_add(cf, NULL);
    if (store->pool == NULL) {
        return NGX_CONF_ERROR;
    }

    store->task = ngx_thread_task_alloc(cf->pool, 0);
    if (store->task == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_queue_init(&store->waiting);
    ngx_queue_init(&store->batch);

    imcf->store = store;

    return NGX_CONF_OK;
}


void
ngx_http_interop_store_init(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store)
{
    (void) ngx_http_interop_store_get(store, cycle->log);
}


void
ngx_http_interop_store_exit(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store)
{
    if (store == NULL || store->store == NULL) {
        return;
    }

    ngx_http_interop_store_flush(store);

    interop_store_close(store->store);
    store->store = NULL;
}


interop_store_t *
ngx_http_interop_store_get(ngx_http_interop_store_t *store, ngx_log_t *log)
{
    interop_diag_t    diag;
    interop_status_t  status;

    if (store->store) {
        return store->store;
    }

    if (store->tried && ngx_time() - store->tried < NGX_HTTP_INTEROP_RETRY) {
        return NULL;
    }

    store->tried = ngx_time();

    ngx_memzero(&diag, sizeof(interop_diag_t));

    status = interop_store_open((char *) store->path.data, store->size, 1,
                                &interop_alloc_libc, &store->store, &diag);

    if (status != INTEROP_OK) {
        store->store = NULL;
        ngx_http_interop_store_failed(store, log, status, diag.text);
        return NULL;
    }

    return store->store;
}


/* once a minute: an outage is not told once per request */

void
ngx_http_interop_store_failed(ngx_http_interop_store_t *store, ngx_log_t *log,
    interop_status_t status, const char *text)
{
    if (store->logged && ngx_time() - store->logged < NGX_HTTP_INTEROP_QUIET) {
        return;
    }

    store->logged = ngx_time();

    ngx_log_error(NGX_LOG_ERR, log, 0, "interop store \"%V\" failed: %s: %s",
                  &store->path, interop_status_name(status), text);
}


/*
 * In the master, which may do what workers may not: the store is made, if there
 * is none, and given to the workers' user, as nginx does with its own paths;
 * an import as root would leave it to root.  What fails here fails again in the
 * workers, which tell.
 */

void
ngx_http_interop_store_create(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store)
{
    u_char            *p, name[NGX_MAX_PATH];
    ngx_uint_t         i;
    interop_diag_t     diag;
    interop_store_t   *handle;
    ngx_file_info_t    fi;

    static char  *files[] = { "", "/data.mdb", "/lock.mdb" };

    if (ngx_test_config) {
        return;
    }

    if (ngx_file_info(store->path.data, &fi) == NGX_FILE_ERROR) {

        ngx_memzero(&diag, sizeof(interop_diag_t));

        if (interop_store_open((char *) store->path.data, store->size, 1,
                               &interop_alloc_libc, &handle, &diag)
            != INTEROP_OK)
        {
            return;
        }

        interop_store_close(handle);
    }

    for (i = 0; i < 3; i++) {
        p = ngx_slprintf(name, name + NGX_MAX_PATH - 1, "%V%s", &store->path,
                         files[i]);
        *p = '\0';

        ngx_http_interop_store_chown(cycle, name);
    }
}


static void
ngx_http_interop_store_chown(ngx_cycle_t *cycle, u_char *name)
{
    ngx_core_conf_t  *ccf;
    ngx_file_info_t   fi;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (geteuid() != 0 || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT
        || ngx_file_info(name, &fi) == NGX_FILE_ERROR
        || fi.st_uid == ccf->user)
    {
        return;
    }

    if (chown((char *) name, ccf->user, ccf->group) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "chown(\"%s\", %d) failed", name, ccf->user);
    }
}
