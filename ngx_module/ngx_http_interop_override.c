
/*
 * What scripts want of a request: a log, counters, headers for upstream.  Owns
 * the form of counters in the zone, which all workers share.  Must not know
 * what a script is, but by interop.h; it is the library that asks them.
 */


#include "ngx_http_interop_script.h"


#define NGX_HTTP_INTEROP_LINE   1024
#define NGX_HTTP_INTEROP_TRIES  16


typedef struct {
    int64_t                       value;
    int64_t                       until;
} ngx_http_interop_count_t;


static void ngx_http_interop_script_log(void *data, int error,
    interop_span_t script, interop_span_t line);
static interop_status_t ngx_http_interop_script_count(void *data,
    interop_span_t owner, interop_span_t key, int64_t by, uint32_t ttl,
    int64_t *value);
static interop_status_t ngx_http_interop_count_get(
    ngx_http_interop_ctx_t *ctx, interop_span_t key,
    ngx_http_interop_count_t *count, interop_span_t *there);
static ngx_int_t ngx_http_interop_script_header(ngx_http_request_t *r,
    const interop_script_action_t *header);


ngx_int_t
ngx_http_interop_script_gather(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx)
{
    interop_script_env_t          *env;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    if (imcf->scripts == NULL) {
        return NGX_OK;
    }

    env = ngx_palloc(r->pool, sizeof(interop_script_env_t));
    if (env == NULL) {
        return NGX_ERROR;
    }

    env->log = ngx_http_interop_script_log;
    env->count = ngx_http_interop_script_count;
    env->ctx = ctx;

    ctx->event.scripts = imcf->scripts->set;
    ctx->event.script = ctx->conf->script ? ctx->conf->script->number : 0;
    ctx->event.script_env = env;

    return NGX_OK;
}


/* control bytes would end the line, or begin one of another's */

static void
ngx_http_interop_script_log(void *data, int error, interop_span_t script,
    interop_span_t line)
{
    ngx_http_interop_ctx_t *ctx = data;

    size_t       i;
    u_char       text[NGX_HTTP_INTEROP_LINE];
    ngx_str_t    name;
    ngx_uint_t   level;

    line.n = ngx_min(line.n, sizeof(text));

    for (i = 0; i < line.n; i++) {
        text[i] = line.p[i];

        if (text[i] < 0x20 || text[i] == 0x7f) {
            text[i] = ' ';
        }
    }

    name = ngx_http_interop_str(script);

    level = NGX_LOG_NOTICE;

    if (error) {
        level = NGX_LOG_ERR;
    }

    ngx_log_error(level, ctx->request->connection->log, 0,
                  "interop script \"%V\": %*s", &name, line.n, text);
}


/*
 * A counter is a record of the zone that one worker after the other replaces.
 * A request that will be judged again, since a record is being resolved, counts
 * when it is judged for the last time.  One tenant's counters make room for one
 * another: a script that counts without end takes nothing from other tenants.
 */

static interop_status_t
ngx_http_interop_script_count(void *data, interop_span_t owner,
    interop_span_t key, int64_t by, uint32_t ttl, int64_t *value)
{
    ngx_http_interop_ctx_t *ctx = data;

    ngx_uint_t                     i;
    interop_span_t                 name, there, old, new;
    interop_status_t               status;
    ngx_http_interop_count_t       count;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_interop_module);

    name.n = sizeof("script\n") - 1 + key.n;
    name.p = ctx->alloc.resize(ctx->alloc.ctx, NULL, 0, name.n);
    if (name.p == NULL) {
        return INTEROP_NOMEM;
    }

    ngx_memcpy((char *) name.p, "script\n", name.n - key.n);
    ngx_memcpy((char *) name.p + name.n - key.n, key.p, key.n);

    for (i = 0; i < NGX_HTTP_INTEROP_TRIES; i++) {

        status = ngx_http_interop_count_get(ctx, name, &count, &old);

        if (status != INTEROP_OK) {
            return status;
        }

        *value = count.value + by;

        if (by == 0
            || (ctx->source.missing.len
                && ctx->fetch.count < NGX_HTTP_INTEROP_FETCHES))
        {
            return INTEROP_OK;
        }

        if (count.until == 0) {
            count.until = ctx->event.now + ttl;
        }

        count.value = *value;

        new.p = (const char *) &count;
        new.n = sizeof(ngx_http_interop_count_t);

        status = ngx_http_interop_zone_swap(imcf->zone, &ctx->alloc, name,
                                            &owner, old, new, &there);

        if (status != INTEROP_AGAIN) {
            return status;
        }
    }

    return INTEROP_FULL;
}


/* there: the record as it stands; no count is left of one that has ended */

static interop_status_t
ngx_http_interop_count_get(ngx_http_interop_ctx_t *ctx, interop_span_t key,
    ngx_http_interop_count_t *count, interop_span_t *there)
{
    interop_status_t               status;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_interop_module);

    ngx_memzero(count, sizeof(ngx_http_interop_count_t));

    there->p = NULL;
    there->n = 0;

    if (imcf->zone == NULL) {
        return INTEROP_UNAVAILABLE;
    }

    status = ngx_http_interop_zone_get(imcf->zone, &ctx->alloc,
                                 (interop_record_kind_t) INTEROP_RECORD_COUNT,
                                 key, there);

    if (status == INTEROP_MISSING) {
        return INTEROP_OK;
    }

    if (status != INTEROP_OK) {
        return status;
    }

    if (there->n == sizeof(ngx_http_interop_count_t)) {
        ngx_memcpy(count, there->p, sizeof(ngx_http_interop_count_t));
    }

    if (count->until <= ctx->event.now) {
        ngx_memzero(count, sizeof(ngx_http_interop_count_t));
    }

    return INTEROP_OK;
}


/* headers that scripts set, in place of the client's of that name */

ngx_int_t
ngx_http_interop_script_apply(ngx_http_request_t *r,
    const interop_plan_t *plan)
{
    size_t  i;

    for (i = 0; i < plan->header_count; i++) {

        if (ngx_http_interop_script_header(r, &plan->headers[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_interop_script_header(ngx_http_request_t *r,
    const interop_script_action_t *header)
{
    u_char           *name, *lowcase;
    ngx_uint_t        i, found;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    found = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == header->first.n
                && ngx_strncasecmp(h[i].key.data, (u_char *) header->first.p,
                                   header->first.n)
                   == 0)
            {
                h[i].value = ngx_http_interop_str(header->second);
                found = 1;
            }
        }
    }

    if (found) {
        return NGX_OK;
    }

    name = ngx_pnalloc(r->pool, 2 * (header->first.n + 1));
    if (name == NULL) {
        return NGX_ERROR;
    }

    lowcase = name + header->first.n + 1;

    ngx_memcpy(name, header->first.p, header->first.n);
    name[header->first.n] = '\0';

    ngx_strlow(lowcase, name, header->first.n + 1);

    return ngx_http_interop_push_header(r, (char *) name, (char *) lowcase,
                                        header->second, NULL);
}


void
ngx_http_interop_script_decided(ngx_http_interop_main_conf_t *imcf,
    const interop_plan_t *plan)
{
    if (plan->script.p == NULL) {
        return;
    }

    if (plan->script_did == INTEROP_SD_FAILED) {
        ngx_http_interop_count(imcf, script_failures);

    } else if (plan->script_did == INTEROP_SD_REFUSED) {
        ngx_http_interop_count(imcf, script_refusals);

    } else if (plan->script_did != INTEROP_SD_KEPT) {
        ngx_http_interop_count(imcf, scripted);
    }
}
