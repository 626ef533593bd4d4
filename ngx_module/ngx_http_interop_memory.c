
/*
 * The memory of one judged request: the context, and all that the library asks
 * for.  Owns blocks of one size, which each worker keeps for its next requests,
 * the one that was used last first: it is the one that caches still hold, and a
 * request's few dozen pieces cost no call of malloc().  The list of them is the
 * main configuration's, and goes with its cycle.  What is too large for a block
 * is malloc's own.  Must not know what is kept in it.
 *
 * A piece that is the newest one grows where it is and is taken back; any other
 * stays until the request ends.
 */


#include "ngx_http_interop.h"


/* most judged requests need half a block, and touch no more of it */

#define NGX_HTTP_INTEROP_BLOCK  (32 * 1024 - 64)
#define NGX_HTTP_INTEROP_LARGE  (16 * 1024)

/* kept by a worker: 4 megabytes */

#if defined(__SANITIZE_ADDRESS__)
#define NGX_HTTP_INTEROP_KEPT   0
#else
#define NGX_HTTP_INTEROP_KEPT   128
#endif


struct ngx_http_interop_block_s {
    ngx_http_interop_block_t     *next;
    ngx_http_interop_block_t    **prev;          /* of large ones */
};


struct ngx_http_interop_kept_s {
    ngx_http_interop_block_t     *blocks;
    ngx_uint_t                    nblocks;
};


static void *ngx_http_interop_memory_alloc(ngx_http_interop_memory_t *m,
    size_t size);
static void *ngx_http_interop_memory_large(ngx_http_interop_memory_t *m,
    size_t size);
static void ngx_http_interop_memory_give(ngx_http_interop_memory_t *m,
    void *p, size_t size);
static ngx_int_t ngx_http_interop_memory_more(ngx_http_interop_memory_t *m);
static void ngx_http_interop_memory_cleanup(void *data);


/* the library's allocator: see interop_alloc_t */

void *
ngx_http_interop_resize(void *data, void *ptr, size_t osize, size_t nsize)
{
    ngx_http_interop_memory_t *m = data;

    void  *p;

    if (ptr == NULL) {
        return nsize ? ngx_http_interop_memory_alloc(m, nsize) : NULL;
    }

    if (nsize == 0) {
        ngx_http_interop_memory_give(m, ptr, osize);
        return NULL;
    }

    if (nsize <= osize) {
        return ptr;
    }

    if (ptr == m->newest && nsize <= NGX_HTTP_INTEROP_LARGE
        && nsize <= (size_t) (m->end - m->newest))
    {
        m->pos = m->newest + nsize;
        return ptr;
    }

    p = ngx_http_interop_memory_alloc(m, nsize);

    if (p) {
        ngx_memcpy(p, ptr, osize);
        ngx_http_interop_memory_give(m, ptr, osize);
    }

    return p;
}


static void *
ngx_http_interop_memory_alloc(ngx_http_interop_memory_t *m, size_t size)
{
    u_char  *p;

    if (size > NGX_HTTP_INTEROP_LARGE) {
        return ngx_http_interop_memory_large(m, size);
    }

    /* the end is aligned as well, so that p is not beyond it */

    p = ngx_align_ptr(m->pos, 16);

    if (size > (size_t) (m->end - p)) {

        if (ngx_http_interop_memory_more(m) != NGX_OK) {
            return NULL;
        }

        p = m->pos;
    }

    m->newest = p;
    m->pos = p + size;

    return p;
}


static void *
ngx_http_interop_memory_large(ngx_http_interop_memory_t *m, size_t size)
{
    ngx_http_interop_block_t  *b;

    if (size > NGX_MAX_SIZE_T_VALUE - sizeof(ngx_http_interop_block_t)) {
        return NULL;
    }

    b = ngx_alloc(sizeof(ngx_http_interop_block_t) + size, ngx_cycle->log);
    if (b == NULL) {
        return NULL;
    }

    b->next = m->large;
    b->prev = &m->large;

    if (b->next) {
        b->next->prev = &b->next;
    }

    m->large = b;

    return b + 1;
}


/* a piece that has become smaller is told by its smaller size, and stays */

static void
ngx_http_interop_memory_give(ngx_http_interop_memory_t *m, void *p,
    size_t size)
{
    ngx_http_interop_block_t  *b;

    if (p == m->newest) {
        m->pos = p;
        return;
    }

    if (size <= NGX_HTTP_INTEROP_LARGE) {
        return;
    }

    b = (ngx_http_interop_block_t *) p - 1;

    *b->prev = b->next;

    if (b->next) {
        b->next->prev = b->prev;
    }

    ngx_free(b);
}


static ngx_int_t
ngx_http_interop_memory_more(ngx_http_interop_memory_t *m)
{
    ngx_http_interop_block_t  *b;

    b = m->kept->blocks;

    if (b) {
        m->kept->blocks = b->next;
        m->kept->nblocks--;

    } else {
        b = ngx_alloc(NGX_HTTP_INTEROP_BLOCK, ngx_cycle->log);
        if (b == NULL) {
            return NGX_ERROR;
        }
    }

    b->next = m->blocks;

    m->blocks = b;
    m->newest = NULL;
    m->pos = (u_char *) (b + 1);
    m->end = (u_char *) b + NGX_HTTP_INTEROP_BLOCK;

    return NGX_OK;
}


/* the context lies in the first of its own blocks */

ngx_http_interop_ctx_t *
ngx_http_interop_memory_ctx(ngx_http_request_t *r)
{
    ngx_http_interop_ctx_t        *ctx;
    ngx_http_interop_memory_t      m;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    ngx_memzero(&m, sizeof(ngx_http_interop_memory_t));
    m.kept = imcf->kept;

    ctx = ngx_http_interop_memory_alloc(&m, sizeof(ngx_http_interop_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ngx_memzero(ctx, sizeof(ngx_http_interop_ctx_t));

    ctx->memory = m;
    ctx->alloc.resize = ngx_http_interop_resize;
    ctx->alloc.ctx = &ctx->memory;

    return ctx;
}


/* all of it, the context as well */

void
ngx_http_interop_memory_free(ngx_http_interop_ctx_t *ctx)
{
    ngx_http_interop_kept_t   *kept;
    ngx_http_interop_block_t  *b, *next;

    kept = ctx->memory.kept;

    for (b = ctx->memory.large; b; b = next) {
        next = b->next;
        ngx_free(b);
    }

    for (b = ctx->memory.blocks; b; b = next) {
        next = b->next;

        if (kept->nblocks == NGX_HTTP_INTEROP_KEPT) {
            ngx_free(b);
            continue;
        }

        b->next = kept->blocks;

        kept->blocks = b;
        kept->nblocks++;
    }
}


/* the list of kept blocks: none yet */

ngx_int_t
ngx_http_interop_memory_init(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_http_interop_kept_t));

    if (imcf == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(cln->data, sizeof(ngx_http_interop_kept_t));

    cln->handler = ngx_http_interop_memory_cleanup;
    imcf->kept = cln->data;

    return NGX_OK;
}


static void
ngx_http_interop_memory_cleanup(void *data)
{
    ngx_http_interop_kept_t  *kept = data;

    ngx_http_interop_block_t  *b, *next;

    for (b = kept->blocks; b; b = next) {
        next = b->next;
        ngx_free(b);
    }

    kept->blocks = NULL;
    kept->nblocks = 0;
}
