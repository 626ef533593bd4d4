
/*
 * A log of lines: the buffer of each worker, and the file.  Never blocking, as
 * far as a file can be: lines are gathered, as for "access_log", and a pipe
 * whose reader does not keep up loses lines, which is told once per minute,
 * rather than stopping a worker.  Invariant: lines stay whole, and in order.
 * Must not know what is in them.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_log.h"


/* begins as nginx's own buffers of logs do: files are shared by name */

typedef struct {
    u_char                       *start;
    u_char                       *pos;
    u_char                       *last;
    ngx_event_t                  *event;
    ngx_msec_t                    flush;
    ngx_int_t                     gzip;

    ngx_fd_t                      fd;            /* known not to block */
    time_t                        told;          /* of what was lost */
    ngx_uint_t                    lost;
} ngx_http_interop_log_buf_t;


static ngx_http_interop_log_buf_t *ngx_http_interop_log_buffer(
    ngx_conf_t *cf, ngx_open_file_t *file, size_t size, ngx_msec_t flush);
static void ngx_http_interop_log_large(ngx_http_request_t *r,
    ngx_open_file_t *file, u_char *frame, size_t len, ngx_str_t *judged);
static void ngx_http_interop_log_flush(ngx_open_file_t *file,
    ngx_log_t *log);
static void ngx_http_interop_log_flush_handler(ngx_event_t *ev);
static ssize_t ngx_http_interop_log_write(ngx_open_file_t *file, u_char *p,
    size_t len, ngx_log_t *log);
static ngx_uint_t ngx_http_interop_log_lines(u_char *p, u_char *last);


/* a file that is named twice is opened once, and has one buffer */

ngx_open_file_t *
ngx_http_interop_log_open(ngx_conf_t *cf, ngx_str_t *name, ssize_t size,
    ngx_msec_t flush)
{
    ngx_open_file_t             *file;
    ngx_http_interop_log_buf_t  *buf;

    file = ngx_conf_open_file(cf->cycle, name);
    if (file == NULL) {
        return NULL;
    }

    if (file->flush == NULL) {

        buf = ngx_http_interop_log_buffer(cf, file, size, flush);
        if (buf == NULL) {
            return NULL;
        }

        file->flush = ngx_http_interop_log_flush;
        file->data = buf;

        return file;
    }

    buf = file->data;

    if (file->flush != ngx_http_interop_log_flush
        || buf->last - buf->start != size || buf->flush != flush)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the log \"%V\" is open with other parameters",
                           name);
        return NULL;
    }

    return file;
}


static ngx_http_interop_log_buf_t *
ngx_http_interop_log_buffer(ngx_conf_t *cf, ngx_open_file_t *file,
    size_t size, ngx_msec_t flush)
{
    ngx_http_interop_log_buf_t  *buf;

    buf = ngx_pcalloc(cf->pool, sizeof(ngx_http_interop_log_buf_t));
    if (buf == NULL) {
        return NULL;
    }

    buf->start = ngx_pnalloc(cf->pool, size);
    buf->event = ngx_pcalloc(cf->pool, sizeof(ngx_event_t));

    if (buf->start == NULL || buf->event == NULL) {
        return NULL;
    }

    buf->pos = buf->start;
    buf->last = buf->start + size;
    buf->flush = flush;
    buf->fd = NGX_INVALID_FILE;

    buf->event->data = file;
    buf->event->handler = ngx_http_interop_log_flush_handler;
    buf->event->log = &cf->cycle->new_log;
    buf->event->cancelable = 1;

    return buf;
}


void
ngx_http_interop_log_put(ngx_http_request_t *r, ngx_open_file_t *file,
    u_char *frame, size_t len, ngx_str_t *judged)
{
    size_t                         size;
    ngx_http_interop_log_buf_t  *buf;

    buf = file->data;
    size = len + judged->len + sizeof("}" NGX_LINEFEED) - 1;

    if (size > (size_t) (buf->last - buf->pos)) {
        ngx_http_interop_log_flush(file, r->connection->log);
    }

    if (size > (size_t) (buf->last - buf->pos)) {

        if (buf->pos == buf->start) {
            ngx_http_interop_log_large(r, file, frame, len, judged);
            return;
        }

        /* a pipe that nobody reads */
        ngx_http_interop_log_lost(file, 1, r->connection->log, NGX_EAGAIN);
        return;
    }

    buf->pos = ngx_cpymem(buf->pos, frame, len);
    buf->pos = ngx_cpymem(buf->pos, judged->data, judged->len);
    *buf->pos++ = '}';
    *buf->pos++ = LF;

    if (!buf->event->timer_set) {
        ngx_add_timer(buf->event, buf->flush);
    }
}


/* a line that no buffer holds is written by itself, in one piece */

static void
ngx_http_interop_log_large(ngx_http_request_t *r, ngx_open_file_t *file,
    u_char *frame, size_t len, ngx_str_t *judged)
{
    u_char   *line, *p;
    ssize_t   n;

    line = ngx_pnalloc(r->pool, len + judged->len + 2);

    if (line == NULL) {
        ngx_http_interop_log_lost(file, 1, r->connection->log, NGX_ENOMEM);
        return;
    }

    p = ngx_cpymem(line, frame, len);
    p = ngx_cpymem(p, judged->data, judged->len);
    *p++ = '}';
    *p++ = LF;

    n = ngx_http_interop_log_write(file, line, p - line,
                                     r->connection->log);
    if (n == p - line) {
        return;
    }

    if (n > 0) {
        /* what stands there is ended, so that the next line is whole */
        (void) ngx_http_interop_log_write(file, (u_char *) "\n", 1,
                                            r->connection->log);
    }

    if (n >= 0 || n == NGX_AGAIN) {
        ngx_http_interop_log_lost(file, 1, r->connection->log, NGX_EAGAIN);
    }
}


/* also called by nginx before a file is reopened */

static void
ngx_http_interop_log_flush(ngx_open_file_t *file, ngx_log_t *log)
{
    size_t                         len;
    ssize_t                        n;
    ngx_http_interop_log_buf_t  *buf;

    buf = file->data;
    len = buf->pos - buf->start;

    if (len == 0) {
        return;
    }

    n = ngx_http_interop_log_write(file, buf->start, len, log);

    if (n == NGX_AGAIN) {
        n = 0;
    }

    if (n == NGX_ERROR || (size_t) n == len) {
        buf->pos = buf->start;

        if (buf->event->timer_set) {
            ngx_del_timer(buf->event);
        }

        return;
    }

    /* the rest of a line must follow its beginning */

    ngx_memmove(buf->start, buf->start + n, len - n);
    buf->pos = buf->start + len - n;

    if (!buf->event->timer_set && !ngx_exiting) {
        ngx_add_timer(buf->event, buf->flush);
    }
}


static void
ngx_http_interop_log_flush_handler(ngx_event_t *ev)
{
    ngx_http_interop_log_flush(ev->data, ev->log);
}


/* bytes written; NGX_AGAIN: none now; NGX_ERROR: they are lost */

static ssize_t
ngx_http_interop_log_write(ngx_open_file_t *file, u_char *p, size_t len,
    ngx_log_t *log)
{
    ssize_t                        n;
    ngx_err_t                      err;
    ngx_http_interop_log_buf_t  *buf;

    buf = file->data;

    if (buf->fd != file->fd) {
        /* it was opened, or reopened: a pipe must not block */
        (void) ngx_nonblocking(file->fd);
        buf->fd = file->fd;
    }

    n = ngx_write_fd(file->fd, p, len);

    if (n >= 0) {
        return n;
    }

    err = ngx_errno;

    if (err == NGX_EAGAIN || err == NGX_EINTR) {
        return NGX_AGAIN;
    }

    ngx_http_interop_log_lost(file, ngx_http_interop_log_lines(p, p + len),
                                log, err);

    return NGX_ERROR;
}


/* told once per minute and worker, not for each line */

void
ngx_http_interop_log_lost(ngx_open_file_t *file, ngx_uint_t lines,
    ngx_log_t *log, ngx_err_t err)
{
    ngx_http_interop_log_buf_t  *buf;

    buf = file->data;
    buf->lost += lines;

    if (buf->told && ngx_time() - buf->told < 60) {
        return;
    }

    ngx_log_error(NGX_LOG_ALERT, log, err,
                  "interop_audit_log \"%V\" lost %ui lines", &file->name,
                  buf->lost);

    buf->told = ngx_time();
    buf->lost = 0;
}


static ngx_uint_t
ngx_http_interop_log_lines(u_char *p, u_char *last)
{
    ngx_uint_t  n;

    for (n = 0; p < last; p++) {
        n += (*p == LF);
    }

    return n;
}


void
ngx_http_interop_log_exit(ngx_cycle_t *cycle)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_open_file_t  *file;

    part = &cycle->open_files.part;
    file = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            file = part->elts;
            i = 0;
        }

        if (file[i].flush == ngx_http_interop_log_flush) {
            ngx_http_interop_log_flush(&file[i], cycle->log);
        }
    }
}
