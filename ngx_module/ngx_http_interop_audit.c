
/*
 * "interop_audit_log": one JSON line per judged request, written in the log
 * phase.  Owns the line's frame and which requests are told; what was judged is
 * the library's text, made while the facts were at hand.  Must not judge, and
 * must not change a request.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_log.h"


#define NGX_HTTP_INTEROP_AUDIT_BUFFER  (64 * 1024)
#define NGX_HTTP_INTEROP_AUDIT_FLUSH   1000
#define NGX_HTTP_INTEROP_AUDIT_FRAME   512


struct ngx_http_interop_audit_s {
    ngx_open_file_t              *file;          /* NULL: off */
    ngx_http_complex_value_t     *filter;
};


static char *ngx_http_interop_audit_options(ngx_conf_t *cf,
    ngx_http_interop_audit_t *audit, ssize_t *size, ngx_msec_t *flush);
static ngx_int_t ngx_http_interop_audit_handler(ngx_http_request_t *r);
static const char *ngx_http_interop_audit_types(ngx_http_interop_ctx_t *ctx);
static const char *ngx_http_interop_audit_type(const interop_plan_t *plan);
static ngx_uint_t ngx_http_interop_audit_wanted(ngx_http_request_t *r,
    ngx_http_interop_audit_t *audit);
static u_char *ngx_http_interop_audit_frame(u_char *p, u_char *last,
    ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx, const char *type);


char *
ngx_http_interop_audit_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_loc_conf_t *ilcf = conf;

    ssize_t                    size;
    ngx_str_t                 *value;
    ngx_msec_t                 flush;
    ngx_http_interop_audit_t  *audit;

    if (ilcf->audit) {
        return "is duplicate";
    }

    audit = ngx_pcalloc(cf->pool, sizeof(ngx_http_interop_audit_t));
    if (audit == NULL) {
        return NGX_CONF_ERROR;
    }

    ilcf->audit = audit;
    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts > 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (ngx_http_script_variables_count(&value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the path \"%V\" may have no variables", &value[1]);
        return NGX_CONF_ERROR;
    }

    size = NGX_HTTP_INTEROP_AUDIT_BUFFER;
    flush = NGX_HTTP_INTEROP_AUDIT_FLUSH;

    if (ngx_http_interop_audit_options(cf, audit, &size, &flush)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    audit->file = ngx_http_interop_log_open(cf, &value[1], size, flush);

    return audit->file ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_interop_audit_options(ngx_conf_t *cf, ngx_http_interop_audit_t *audit,
    ssize_t *size, ngx_msec_t *flush)
{
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "if=", 3) == 0) {
            s.data = value[i].data + 3;
            s.len = value[i].len - 3;

            if (ngx_http_interop_complex(cf, &s, &audit->filter)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "buffer=", 7) == 0) {
            s.data = value[i].data + 7;
            s.len = value[i].len - 7;

            *size = ngx_parse_size(&s);

            if (*size != NGX_ERROR && *size >= NGX_HTTP_INTEROP_AUDIT_FRAME) {
                continue;
            }
        }

        if (ngx_strncmp(value[i].data, "flush=", 6) == 0) {
            s.data = value[i].data + 6;
            s.len = value[i].len - 6;

            *flush = ngx_parse_time(&s, 0);

            if (*flush != (ngx_msec_t) NGX_ERROR && *flush != 0) {
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_interop_audit_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_interop_audit_handler;

    return NGX_OK;
}


/* while the judge has the facts: the text that the log phase will write */

void
ngx_http_interop_audit(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    interop_span_t  json;

    ngx_str_null(&ctx->audit);

    if (ctx->conf->audit == NULL || ctx->conf->audit->file == NULL) {
        return;
    }

    if (interop_judge_audit(ctx->judge, &json) != INTEROP_OK) {
        ngx_http_interop_log_lost(ctx->conf->audit->file, 1,
                                    r->connection->log, NGX_ENOMEM);
        return;
    }

    ctx->audit = ngx_http_interop_str(json);
}


static ngx_int_t
ngx_http_interop_audit_handler(ngx_http_request_t *r)
{
    u_char                   *p, frame[NGX_HTTP_INTEROP_AUDIT_FRAME];
    const char               *type;
    ngx_http_interop_ctx_t   *ctx;

    ctx = ngx_http_interop_get_ctx(r);

    if (ctx == NULL || ctx->parent || ctx->plan == NULL
        || ctx->audit.len == 0 || ctx->request != r)
    {
        return NGX_OK;
    }

    type = ngx_http_interop_audit_types(ctx);

    if (type == NULL) {

        if (!ngx_http_interop_audit_wanted(r, ctx->conf->audit)) {
            return NGX_OK;
        }

        type = "decision";
    }

    p = ngx_http_interop_audit_frame(frame, frame + sizeof(frame), r, ctx,
                                     type);

    ngx_http_interop_log_put(r, ctx->conf->audit->file, frame, p - frame,
                               &ctx->audit);

    return NGX_OK;
}


/* a batch is told as what the first of its items is that is told whatever */

static const char *
ngx_http_interop_audit_types(ngx_http_interop_ctx_t *ctx)
{
    size_t                 i;
    const char            *type;
    const interop_plan_t  *plan;

    i = 0;
    type = NULL;

    for (plan = ctx->plan;
         plan && type == NULL;
         plan = interop_judge_item(ctx->judge, i++))
    {
        type = ngx_http_interop_audit_type(plan);
    }

    return type;
}


/* what is recorded whatever "if=" says: calls between systems, recordings */

static const char *
ngx_http_interop_audit_type(const interop_plan_t *plan)
{
    switch (plan->operation) {

    case INTEROP_OP_CALL_CREATE:
    case INTEROP_OP_CALL_ANSWER:
    case INTEROP_OP_CALL_ADD_PARTICIPANT:
    case INTEROP_OP_CALL_TRANSFER:
    case INTEROP_OP_CALL_REDIRECT:
    case INTEROP_OP_CALL_HANGUP:
        return plan->crosses ? "call" : NULL;

    case INTEROP_OP_RECORDING_START:
    case INTEROP_OP_RECORDING_STOP:
    case INTEROP_OP_TRANSCRIPTION_START:
    case INTEROP_OP_TRANSCRIPTION_STOP:
        return "recording";

    default:
        return NULL;
    }
}


static ngx_uint_t
ngx_http_interop_audit_wanted(ngx_http_request_t *r,
    ngx_http_interop_audit_t *audit)
{
    ngx_str_t  value;

    if (audit->filter == NULL) {
        return 1;
    }

    if (ngx_http_complex_value(r, audit->filter, &value) != NGX_OK) {
        return 1;
    }

    return value.len > 1 || (value.len == 1 && value.data[0] != '0');
}


static u_char *
ngx_http_interop_audit_frame(u_char *p, u_char *last, ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, const char *type)
{
    uint64_t                       us;
    ngx_uint_t                     status, upstream;
    ngx_http_upstream_state_t     *state;
    ngx_http_variable_value_t     *vv;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);

    status = r->err_status ? r->err_status : r->headers_out.status;
    upstream = 0;

    if (r->upstream_states && r->upstream_states->nelts) {
        state = r->upstream_states->elts;
        upstream = state[r->upstream_states->nelts - 1].status;
    }

    p = ngx_slprintf(p, last, "{\"time\":\"%V\",\"type\":\"%s\","
                     "\"mode\":\"%s\",\"status\":%ui",
                     &ngx_cached_http_log_iso8601, type,
                     (ctx->conf->mode == NGX_HTTP_INTEROP_MONITOR)
                     ? "monitor" : "enforce",
                     status);

    if (upstream) {
        p = ngx_slprintf(p, last, ",\"upstream_status\":%ui", upstream);
    }

    vv = ngx_http_get_indexed_variable(r, imcf->request_id);

    if (vv && !vv->not_found) {
        p = ngx_slprintf(p, last, ",\"request_id\":\"%v\"", vv);
    }

    us = ctx->nanoseconds / 1000;

    return ngx_slprintf(p, last, ",\"seconds\":%uL.%06uL,\"judged\":",
                        us / 1000000, us % 1000000);
}
