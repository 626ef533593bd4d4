
/*
 * Variables.  Owns their names and what each shows of a request's plan; reads
 * only.  Before a request is judged all but $interop_system and
 * $interop_policy_revision are not found, and none may be cached.
 */


#include "ngx_http_interop.h"


typedef enum {
    NGX_HTTP_INTEROP_VAR_VERDICT = 0,
    NGX_HTTP_INTEROP_VAR_REASON,
    NGX_HTTP_INTEROP_VAR_RULE,
    NGX_HTTP_INTEROP_VAR_SYSTEM,
    NGX_HTTP_INTEROP_VAR_TENANT,
    NGX_HTTP_INTEROP_VAR_OPERATION,
    NGX_HTTP_INTEROP_VAR_KIND,
    NGX_HTTP_INTEROP_VAR_NOTICES,
    NGX_HTTP_INTEROP_VAR_RECEIPT,
    NGX_HTTP_INTEROP_VAR_REVISION,
    NGX_HTTP_INTEROP_VAR_TIME
} ngx_http_interop_var_e;


static ngx_int_t ngx_http_interop_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_str_t ngx_http_interop_variable_plan(const interop_plan_t *plan,
    ngx_http_interop_var_e var);
static ngx_int_t ngx_http_interop_variable_time(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_str_t *value);
static ngx_str_t ngx_http_interop_variable_conf(ngx_http_request_t *r,
    ngx_http_interop_var_e var);


static ngx_http_variable_t  ngx_http_interop_variables[] = {

    { ngx_string("interop_verdict"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_VERDICT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_reason"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_REASON, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_rule"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_RULE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_system"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_SYSTEM, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_tenant"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_TENANT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_operation"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_OPERATION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_kind"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_KIND, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_notices"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_NOTICES, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_receipt"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_RECEIPT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_policy_revision"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_REVISION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("interop_time"), NULL, ngx_http_interop_variable,
      NGX_HTTP_INTEROP_VAR_TIME, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_int_t
ngx_http_interop_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t                value;
    ngx_http_interop_ctx_t  *ctx;
    ngx_http_interop_var_e   var;

    var = (ngx_http_interop_var_e) data;
    ctx = ngx_http_interop_get_ctx(r);

    ngx_str_null(&value);

    if (var == NGX_HTTP_INTEROP_VAR_TIME) {

        if (ctx && ctx->judge
            && ngx_http_interop_variable_time(r, ctx, &value) != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (ctx && ctx->parent && var == NGX_HTTP_INTEROP_VAR_SYSTEM) {
        value = ctx->system;

    } else if (ctx && ctx->plan) {
        value = ngx_http_interop_variable_plan(ctx->plan, var);
    }

    if (value.data == NULL) {
        value = ngx_http_interop_variable_conf(r, var);
    }

    if (value.data == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = value.data;
    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_str_t
ngx_http_interop_variable_plan(const interop_plan_t *plan,
    ngx_http_interop_var_e var)
{
    ngx_str_t  value;

    ngx_str_null(&value);

    switch (var) {

    case NGX_HTTP_INTEROP_VAR_VERDICT:
        value.data = (u_char *) interop_verdict_name(plan->verdict);
        break;

    case NGX_HTTP_INTEROP_VAR_OPERATION:
        value.data = (u_char *) interop_operation_name(plan->operation);
        break;

    case NGX_HTTP_INTEROP_VAR_KIND:
        value.data = (u_char *) interop_kind_name(plan->kind);
        break;

    case NGX_HTTP_INTEROP_VAR_REASON:
        return ngx_http_interop_str(plan->reason);

    case NGX_HTTP_INTEROP_VAR_RULE:
        return ngx_http_interop_str(plan->rule);

    case NGX_HTTP_INTEROP_VAR_SYSTEM:
        return ngx_http_interop_str(plan->system);

    case NGX_HTTP_INTEROP_VAR_TENANT:
        return ngx_http_interop_str(plan->tenant);

    case NGX_HTTP_INTEROP_VAR_NOTICES:
        return ngx_http_interop_str(plan->notice_header);

    case NGX_HTTP_INTEROP_VAR_RECEIPT:
        return ngx_http_interop_str(plan->receipt);

    default:
        return value;
    }

    value.len = ngx_strlen(value.data);

    return value;
}


/* seconds spent in the library */

static ngx_int_t
ngx_http_interop_variable_time(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_str_t *value)
{
    uint64_t  us;

    value->data = ngx_pnalloc(r->pool, NGX_INT64_LEN + sizeof(".123456"));
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    us = ctx->nanoseconds / 1000;

    value->len = ngx_sprintf(value->data, "%uL.%06uL", us / 1000000,
                             us % 1000000)
                 - value->data;

    return NGX_OK;
}


/* what is known of a location without a plan */

static ngx_str_t
ngx_http_interop_variable_conf(ngx_http_request_t *r,
    ngx_http_interop_var_e var)
{
    ngx_str_t                      value;
    ngx_http_interop_loc_conf_t   *ilcf;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_get_module_main_conf(r, ngx_http_interop_module);
    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_interop_module);

    ngx_str_null(&value);

    if (imcf->policy == NULL) {
        return value;
    }

    if (var == NGX_HTTP_INTEROP_VAR_REVISION) {
        return imcf->revision;
    }

    if (var == NGX_HTTP_INTEROP_VAR_SYSTEM && ilcf->api >= 0) {
        return ngx_http_interop_str(interop_policy_api_system(imcf->policy,
                                                             (int) ilcf->api));
    }

    return value;
}


ngx_int_t
ngx_http_interop_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_interop_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}
