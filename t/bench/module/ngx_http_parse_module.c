
/*
 * A contestant of t/bench/edge: the least that any judge of bodies must do.
 * It reads the request's body where ngx_http_interop does, parses it strictly
 * with yyjson into memory that is there already, and decides nothing; a body
 * that is no JSON gets 400. What it costs, nobody who parses can cost less.
 *
 * It is no module to run: bodies over 64k are refused with 413, and `make
 * bench` builds it without nginx's build, with the module list in this file.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <yyjson.h>


#define NGX_HTTP_PARSE_BODY  65536


typedef struct {
    ngx_flag_t   enable;
    u_char      *body;
    size_t       size;
    u_char      *pool;
} ngx_http_parse_loc_conf_t;


typedef struct {
    ngx_int_t    rc;            /* of the phase handler, NGX_AGAIN while the body is read */
} ngx_http_parse_ctx_t;


static ngx_int_t ngx_http_parse_handler(ngx_http_request_t *r);
static void ngx_http_parse_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_parse_body(ngx_http_request_t *r);
static void *ngx_http_parse_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_parse_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_parse_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_parse_commands[] = {

    { ngx_string("parse"),
      NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_parse_loc_conf_t, enable),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_parse_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_parse_init,                   /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_parse_create_loc_conf,        /* create location configuration */
    ngx_http_parse_merge_loc_conf          /* merge location configuration */
};


ngx_module_t  ngx_http_parse_module = {
    NGX_MODULE_V1,
    &ngx_http_parse_module_ctx,            /* module context */
    ngx_http_parse_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_module_t  *ngx_modules[] = {
    &ngx_http_parse_module,
    NULL
};

char  *ngx_module_names[] = {
    "ngx_http_parse_module",
    NULL
};

char  *ngx_module_order[] = {
    NULL
};


static ngx_int_t
ngx_http_parse_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_parse_ctx_t       *ctx;
    ngx_http_parse_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_parse_module);

    if (!plcf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_parse_module);

    if (ctx != NULL) {
        return ctx->rc == NGX_AGAIN ? NGX_DONE : ctx->rc;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_parse_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->rc = NGX_AGAIN;
    ngx_http_set_ctx(r, ctx, ngx_http_parse_module);

    rc = ngx_http_read_client_request_body(r, ngx_http_parse_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);
    return NGX_DONE;
}


static void
ngx_http_parse_body_handler(ngx_http_request_t *r)
{
    ngx_http_parse_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_parse_module);

    ctx->rc = ngx_http_parse_body(r);
    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_parse_body(ngx_http_request_t *r)
{
    size_t                      n, size;
    yyjson_alc                  alc;
    ngx_chain_t                *cl;
    ngx_http_parse_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_parse_module);
    size = 0;

    for (cl = r->request_body ? r->request_body->bufs : NULL;
         cl != NULL;
         cl = cl->next)
    {
        n = cl->buf->last - cl->buf->pos;

        if (cl->buf->in_file || n > NGX_HTTP_PARSE_BODY - size) {
            return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
        }

        ngx_memcpy(plcf->body + size, cl->buf->pos, n);
        size += n;
    }

    /* the document is dropped with the pool, at the next request */

    ngx_memzero(plcf->body + size, YYJSON_PADDING_SIZE);

    if (!yyjson_alc_pool_init(&alc, plcf->pool, plcf->size)
        || yyjson_read_opts((char *) plcf->body, size,
                            YYJSON_READ_INSITU|YYJSON_READ_NUMBER_AS_RAW,
                            &alc, NULL)
           == NULL)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    return NGX_DECLINED;
}


static void *
ngx_http_parse_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_parse_loc_conf_t  *plcf;

    plcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_parse_loc_conf_t));
    if (plcf == NULL) {
        return NULL;
    }

    plcf->enable = NGX_CONF_UNSET;

    return plcf;
}


static char *
ngx_http_parse_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_parse_loc_conf_t  *prev = parent;
    ngx_http_parse_loc_conf_t  *conf = child;

    ngx_conf_merge_value(conf->enable, prev->enable, 0);

    if (!conf->enable) {
        return NGX_CONF_OK;
    }

    conf->size = yyjson_read_max_memory_usage(NGX_HTTP_PARSE_BODY,
                                              YYJSON_READ_INSITU) + 4096;
    conf->body = ngx_pcalloc(cf->pool,
                             NGX_HTTP_PARSE_BODY + YYJSON_PADDING_SIZE);
    conf->pool = ngx_pcalloc(cf->pool, conf->size);

    if (conf->body == NULL || conf->pool == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_parse_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_parse_handler;

    return NGX_OK;
}
