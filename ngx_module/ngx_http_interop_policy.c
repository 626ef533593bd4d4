
/*
 * "interop_policy": sources are compiled, or an image is read, in the master
 * while the configuration is, and the policy is loaded from the image.  Owns
 * the memory of both, which goes with the cycle; workers share it by fork.
 * Must not know what is in a policy; what is wrong with one the library tells.
 */


#include "ngx_http_interop.h"


/*
 * Blocks from this size are mapped, not taken from the heap: a compile and an
 * image need many and large ones, once a reload, and a heap that grew for them
 * would stay grown in the master and in every worker after it.
 */

#define NGX_HTTP_INTEROP_MAPPED     ((size_t) 16 * 1024)


/* an image is told from a source: text has no NUL, the image's head has one */

#define NGX_HTTP_INTEROP_PEEK       64
#define NGX_HTTP_INTEROP_IMAGE_MAX  ((off_t) 1 << 30)


typedef struct {
    interop_alloc_t               alloc;
    void                         *image;
    size_t                        size;
    interop_policy_t             *policy;
} ngx_http_interop_image_t;


static char *ngx_http_interop_policy_error(ngx_conf_t *cf,
    interop_status_t status, interop_diag_t *diag);
static void ngx_http_interop_policy_warn(void *data,
    const interop_diag_t *diag);
static ngx_int_t ngx_http_interop_policy_is_image(ngx_conf_t *cf,
    ngx_str_t *path);
static char *ngx_http_interop_policy_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_http_interop_image_t *image);
static void *ngx_http_interop_policy_get(size_t size);
static void ngx_http_interop_policy_put(void *ptr, size_t size);
static void ngx_http_interop_policy_cleanup(void *data);


char *
ngx_http_interop_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_main_conf_t *imcf = conf;

    char                      *rv;
    ngx_str_t                 *value;
    ngx_int_t                  rc;
    interop_diag_t             diag;
    interop_status_t           status;
    ngx_pool_cleanup_t        *cln;
    ngx_http_interop_image_t  *image;

    if (imcf->policy) {
        return "is duplicate";
    }

    value = cf->args->elts;
    imcf->policy_path = value[1];

    if (ngx_conf_full_name(cf->cycle, &imcf->policy_path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->cycle->pool,
                               sizeof(ngx_http_interop_image_t));
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    image = cln->data;
    ngx_memzero(image, sizeof(ngx_http_interop_image_t));

    image->alloc.resize = ngx_http_interop_policy_resize;
    cln->handler = ngx_http_interop_policy_cleanup;

    ngx_memzero(&diag, sizeof(interop_diag_t));

    rc = ngx_http_interop_policy_is_image(cf, &imcf->policy_path);

    if (rc == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (rc == NGX_OK) {
        rv = ngx_http_interop_policy_read(cf, &imcf->policy_path, image);

        if (rv != NGX_CONF_OK) {
            return rv;
        }

    } else {
        status = interop_compile_file((char *) imcf->policy_path.data,
                                      &image->alloc, &image->image,
                                      &image->size,
                                      ngx_http_interop_policy_warn, cf,
                                      &diag);

        if (status != INTEROP_OK) {
            return ngx_http_interop_policy_error(cf, status, &diag);
        }
    }

    status = interop_policy_load(image->image, image->size, &image->alloc,
                                 &image->policy, &diag);

    if (status != INTEROP_OK) {
        return ngx_http_interop_policy_error(cf, status, &diag);
    }

    imcf->policy = image->policy;
    imcf->revision =
              ngx_http_interop_str(interop_policy_revision(image->policy));

    return NGX_CONF_OK;
}


static char *
ngx_http_interop_policy_error(ngx_conf_t *cf, interop_status_t status,
    interop_diag_t *diag)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (diag->text[0] == '\0') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "policy \"%V\" is %s",
                           &value[1], interop_status_name(status));
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s\nin policy \"%V\"",
                       diag->text, &value[1]);

    return NGX_CONF_ERROR;
}


static void
ngx_http_interop_policy_warn(void *data, const interop_diag_t *diag)
{
    ngx_conf_t *cf = data;

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%s", diag->text);
}


/* NGX_OK: it is; NGX_DECLINED: the library will say what it is */

static ngx_int_t
ngx_http_interop_policy_is_image(ngx_conf_t *cf, ngx_str_t *path)
{
    u_char           buf[NGX_HTTP_INTEROP_PEEK];
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    if (ngx_file_info(path->data, &fi) == NGX_FILE_ERROR
        || ngx_is_dir(&fi))
    {
        return NGX_DECLINED;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    n = ngx_read_fd(fd, buf, NGX_HTTP_INTEROP_PEEK);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    if (n > 0 && ngx_strlchr(buf, buf + n, '\0')) {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* read, not mapped: a file that is changed later must not change a policy */

static char *
ngx_http_interop_policy_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_http_interop_image_t *image)
{
    ssize_t      n;
    ngx_file_t   file;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *path;
    file.log = cf->log;
    file.fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE
        || ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", path);
        goto failed;
    }

    if (ngx_file_size(&file.info) > NGX_HTTP_INTEROP_IMAGE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is too large", path);
        goto failed;
    }

    image->size = (size_t) ngx_file_size(&file.info);
    image->image = image->alloc.resize(image->alloc.ctx, NULL, 0, image->size);

    if (image->image == NULL) {
        goto failed;
    }

    n = ngx_read_file(&file, image->image, image->size, 0);

    if (n != (ssize_t) image->size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_file_n " \"%V\" failed", path);
        goto failed;
    }

    (void) ngx_close_file(file.fd);

    return NGX_CONF_OK;

failed:

    if (file.fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(file.fd);
    }

    return NGX_CONF_ERROR;
}


/* the library's contract: interop_alloc_t; what is freed is given back */

void *
ngx_http_interop_policy_resize(void *data, void *ptr, size_t osize,
    size_t nsize)
{
    void  *p;

    if (ptr && nsize && osize < NGX_HTTP_INTEROP_MAPPED
        && nsize < NGX_HTTP_INTEROP_MAPPED)
    {
        return realloc(ptr, nsize);
    }

    p = NULL;

    if (nsize) {
        p = ngx_http_interop_policy_get(nsize);

        if (p == NULL) {
            return NULL;
        }

        if (ptr) {
            ngx_memcpy(p, ptr, ngx_min(osize, nsize));
        }
    }

    if (ptr) {
        ngx_http_interop_policy_put(ptr, osize);
    }

    return p;
}


static void *
ngx_http_interop_policy_get(size_t size)
{
    void  *p;

    if (size < NGX_HTTP_INTEROP_MAPPED) {
        return malloc(size);
    }

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANON, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}


static void
ngx_http_interop_policy_put(void *ptr, size_t size)
{
    if (size < NGX_HTTP_INTEROP_MAPPED) {
        free(ptr);

    } else {
        (void) munmap(ptr, size);
    }
}


static void
ngx_http_interop_policy_cleanup(void *data)
{
    ngx_http_interop_image_t *image = data;

    if (image->policy) {
        interop_policy_free(image->policy);
    }

    if (image->image) {
        (void) image->alloc.resize(image->alloc.ctx, image->image,
                                   image->size, 0);
    }
}
