
/*
 * Writes of the store, by nginx's thread pool, so that the event loop never
 * waits for a disk.  One transaction is under way at a time, and all that is
 * asked for meanwhile goes into the next one.  Owns that queue; must not know
 * requests: who asked may be gone when its effects are written.
 */


#include "ngx_http_interop.h"


/* effects in one block of their own, so that nothing points into a request */

struct ngx_http_interop_write_s {
    ngx_queue_t                   queue;
    ngx_http_interop_write_pt     handler;         /* NULL: forgotten */
    void                         *data;
    size_t                        count;
    interop_effect_t             *effects;
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

    ngx_memzero(&store->diag, sizeof(interop_diag_t));

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


/* nothing more comes: what waits, for requests long gone, is written now */

void
ngx_http_interop_store_flush(ngx_http_interop_store_t *store)
{
    if (ngx_queue_empty(&store->batch) && !ngx_queue_empty(&store->waiting)
        && ngx_http_interop_store_batch(store) == INTEROP_OK)
    {
        (void) interop_store_apply(store->store, store->effects, store->count,
                                   &store->diag);
    }
}
