
/*
 * The durable store in a worker: one handle, opened after fork, tried again
 * when it could not be, and writes by nginx's thread pool.  Owns the queue of
 * writes: one transaction is under way at a time, and all that has been asked
 * for meanwhile goes into the next one.  The event loop never waits for a disk.
 * Must not know requests: who asked may be gone when its effects are written.
 */


#include "ngx_http_interop.h"


#define NGX_HTTP_INTEROP_RETRY  1                  /* seconds between tries */
#define NGX_HTTP_INTEROP_QUIET  60                 /* and between log lines */


/* effects in one block of their own, so that nothing points into a request */

struct ngx_http_interop_write_s {
    ngx_queue_t                   queue;
    ngx_http_interop_write_pt     handler;         /* NULL: forgotten */
    void                         *data;
    size_t                        count;
    interop_effect_t             *effects;
};


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


static void ngx_http_interop_store_begin(ngx_http_interop_store_t *store,
    ngx_log_t *log);
static interop_status_t ngx_http_interop_store_batch(
    ngx_http_interop_store_t *store);
static void ngx_http_interop_store_thread(void *data, ngx_log_t *log);
static void ngx_http_interop_store_done(ngx_event_t *ev);
static void ngx_http_interop_store_finish(ngx_http_interop_store_t *store,
    interop_status_t status);
static ngx_http_interop_write_t *ngx_http_interop_store_copy(
    const interop_effect_t *effects, size_t count);
static void ngx_http_interop_store_prepare(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store);


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


/* nothing more comes: what is waiting, for requests long gone, is written */

void
ngx_http_interop_store_exit(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store)
{
    if (store->store == NULL) {
        return;
    }

    if (ngx_queue_empty(&store->batch) && !ngx_queue_empty(&store->waiting)
        && ngx_http_interop_store_batch(store) == INTEROP_OK)
    {
        (void) interop_store_apply(store->store, store->effects, store->count,
                                   &store->diag);
    }

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

    diag.text[0] = '\0';

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


/* NULL: it cannot be written; else the handler is called later, never now */

ngx_http_interop_write_t *
ngx_http_interop_store_write(ngx_http_interop_store_t *store,
    const interop_effect_t *effects, size_t count,
    ngx_http_interop_write_pt handler, void *data, ngx_log_t *log)
{
    ngx_http_interop_write_t  *write;

    if (ngx_http_interop_store_get(store, log) == NULL) {
        return NULL;
    }

    write = ngx_http_interop_store_copy(effects, count);
    if (write == NULL) {
        return NULL;
    }

    write->handler = handler;
    write->data = data;

    ngx_queue_insert_tail(&store->waiting, &write->queue);

    if (ngx_queue_empty(&store->batch)) {
        ngx_http_interop_store_begin(store, log);
    }

    if (ngx_queue_empty(&store->batch)) {
        /* the pool's queue is full */
        ngx_queue_remove(&write->queue);
        ngx_free(write);
        return NULL;
    }

    return write;
}


void
ngx_http_interop_store_forget(ngx_http_interop_write_t *write)
{
    write->handler = NULL;
    write->data = NULL;
}


static void
ngx_http_interop_store_begin(ngx_http_interop_store_t *store, ngx_log_t *log)
{
    ngx_thread_task_t  *task;

    if (ngx_http_interop_store_batch(store) != INTEROP_OK) {
        return;
    }

    task = store->task;

    task->handler = ngx_http_interop_store_thread;
    task->ctx = store;
    task->event.handler = ngx_http_interop_store_done;
    task->event.data = store;
    task->event.log = ngx_cycle->log;

    if (ngx_thread_task_post(store->pool, task) != NGX_OK) {

        /* back to where they were */

        ngx_queue_add(&store->waiting, &store->batch);
        ngx_queue_init(&store->batch);
        ngx_free(store->effects);
        return;
    }
}


/* all that waits becomes one array */

static interop_status_t
ngx_http_interop_store_batch(ngx_http_interop_store_t *store)
{
    size_t                     count;
    ngx_queue_t               *q;
    ngx_http_interop_write_t  *write;

    count = 0;

    for (q = ngx_queue_head(&store->waiting);
         q != ngx_queue_sentinel(&store->waiting);
         q = ngx_queue_next(q))
    {
        write = ngx_queue_data(q, ngx_http_interop_write_t, queue);
        count += write->count;
    }

    store->effects = ngx_alloc(count * sizeof(interop_effect_t) + 1,
                               ngx_cycle->log);
    if (store->effects == NULL) {
        return INTEROP_NOMEM;
    }

    store->count = 0;

    for (q = ngx_queue_head(&store->waiting);
         q != ngx_queue_sentinel(&store->waiting);
         q = ngx_queue_next(q))
    {
        write = ngx_queue_data(q, ngx_http_interop_write_t, queue);

        ngx_memcpy(store->effects + store->count, write->effects,
                   write->count * sizeof(interop_effect_t));
        store->count += write->count;
    }

    ngx_queue_add(&store->batch, &store->waiting);
    ngx_queue_init(&store->waiting);

    return INTEROP_OK;
}


/* in a thread: touches what is the thread's, and nothing of nginx */

static void
ngx_http_interop_store_thread(void *data, ngx_log_t *log)
{
    ngx_http_interop_store_t *store = data;

    store->diag.text[0] = '\0';

    store->status = interop_store_apply(store->store, store->effects,
                                        store->count, &store->diag);
}


static void
ngx_http_interop_store_done(ngx_event_t *ev)
{
    ngx_http_interop_store_t *store = ev->data;

    interop_status_t  status;

    status = store->status;

    ngx_http_interop_count(store->main, writes);

    ngx_free(store->effects);
    store->effects = NULL;

    if (status != INTEROP_OK) {
        ngx_http_interop_store_failed(store, ngx_cycle->log, status,
                                      store->diag.text);
    }

    ngx_http_interop_store_finish(store, status);

    if (ngx_queue_empty(&store->batch) && !ngx_queue_empty(&store->waiting)) {
        ngx_http_interop_store_begin(store, ngx_cycle->log);

        if (ngx_queue_empty(&store->batch)) {

            /* cannot be begun: nobody may wait for ever */

            ngx_queue_add(&store->batch, &store->waiting);
            ngx_queue_init(&store->waiting);
            ngx_http_interop_store_finish(store, INTEROP_UNAVAILABLE);
        }
    }
}


/* a handler may ask for another write; that one goes to "waiting" */

static void
ngx_http_interop_store_finish(ngx_http_interop_store_t *store,
    interop_status_t status)
{
    void                       *data;
    ngx_queue_t                *q, done;
    ngx_http_interop_write_t   *write;
    ngx_http_interop_write_pt   handler;

    ngx_queue_init(&done);
    ngx_queue_add(&done, &store->batch);
    ngx_queue_init(&store->batch);

    while (!ngx_queue_empty(&done)) {

        q = ngx_queue_head(&done);
        ngx_queue_remove(q);

        write = ngx_queue_data(q, ngx_http_interop_write_t, queue);

        handler = write->handler;
        data = write->data;

        ngx_free(write);

        if (handler) {
            handler(data, status);
        }
    }
}


static ngx_http_interop_write_t *
ngx_http_interop_store_copy(const interop_effect_t *effects, size_t count)
{
    size_t                     i, n, size;
    u_char                    *p;
    interop_span_t            *spans[3];
    ngx_uint_t                 k;
    ngx_http_interop_write_t  *write;

    size = sizeof(ngx_http_interop_write_t) + count * sizeof(interop_effect_t);

    for (i = 0; i < count; i++) {
        size += effects[i].key.n + effects[i].field.n + effects[i].value.text.n;
    }

    write = ngx_alloc(size, ngx_cycle->log);
    if (write == NULL) {
        return NULL;
    }

    write->effects = (interop_effect_t *) (write + 1);
    write->count = 0;

    p = (u_char *) (write->effects + count);

    for (i = 0; i < count; i++) {

        if (effects[i].kind >= NGX_HTTP_INTEROP_FACTSETS) {
            continue;
        }

        n = write->count++;
        write->effects[n] = effects[i];

        spans[0] = &write->effects[n].key;
        spans[1] = &write->effects[n].field;
        spans[2] = &write->effects[n].value.text;

        for (k = 0; k < 3; k++) {

            if (spans[k]->p == NULL) {
                spans[k]->n = 0;
                continue;
            }

            ngx_memcpy(p, spans[k]->p, spans[k]->n);
            spans[k]->p = (const char *) p;
            p += spans[k]->n;
        }
    }

    return write;
}


/*
 * In the master, which may write where workers may not: the directory and its
 * files are made, and given to the workers' user.  What fails here fails again
 * in the workers, which tell.
 */

void
ngx_http_interop_store_create(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store)
{
    ngx_file_info_t  fi;

    if (ngx_test_config
        || ngx_file_info(store->path.data, &fi) != NGX_FILE_ERROR)
    {
        return;
    }

    ngx_http_interop_store_prepare(cycle, store);
}


static void
ngx_http_interop_store_prepare(ngx_cycle_t *cycle,
    ngx_http_interop_store_t *store)
{
    u_char            *p, *last, name[NGX_MAX_PATH];
    ngx_uint_t         i;
    interop_diag_t     diag;
    interop_store_t   *handle;
    ngx_core_conf_t   *ccf;

    static char  *files[] = { "", "/data.mdb", "/lock.mdb" };

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (interop_store_open((char *) store->path.data, store->size, 1,
                           &interop_alloc_libc, &handle, &diag)
        != INTEROP_OK)
    {
        return;
    }

    interop_store_close(handle);

    if (geteuid() != 0 || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT) {
        return;
    }

    last = name + NGX_MAX_PATH - 1;

    for (i = 0; i < 3; i++) {
        p = ngx_slprintf(name, last, "%V%s", &store->path, files[i]);
        *p = '\0';

        if (chown((char *) name, ccf->user, ccf->group) == -1) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "chown(\"%s\", %d) failed", name, ccf->user);
        }
    }
}
