
/*
 * "interop_zone", and the directives that name where subrequests go:
 * "interop_resolve" for records, "interop_system" for the edge's own.  Owns
 * reading them, and a location's list of systems; must not know what is asked
 * there.  Systems are the policy's, which may stand behind the directive: they
 * are looked up when all has been read.
 */


#include "ngx_http_interop_zone.h"


char *
ngx_http_interop_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_main_conf_t *imcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (imcf->zone) {
        return "is duplicate";
    }

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid zone size \"%V\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) NGX_HTTP_INTEROP_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "zone \"%V\" is too small",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_interop_zone_add(cf, imcf, &value[1], size);
}


char *
ngx_http_interop_system(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_loc_conf_t *ilcf = conf;

    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_interop_system_t  *s;

    value = cf->args->elts;

    if (value[2].data[0] != '/' && value[2].data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid URI \"%V\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (ilcf->systems == NULL) {

        ilcf->systems = ngx_array_create(cf->pool, 4,
                                         sizeof(ngx_http_interop_system_t));
        if (ilcf->systems == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    s = ilcf->systems->elts;

    for (i = 0; i < ilcf->systems->nelts; i++) {

        if (s[i].name.len == value[1].len
            && ngx_strncmp(s[i].name.data, value[1].data, value[1].len) == 0)
        {
            return "is duplicate";
        }
    }

    s = ngx_array_push(ilcf->systems);
    if (s == NULL) {
        return NGX_CONF_ERROR;
    }

    s->name = value[1];
    s->file = cf->conf_file->file.name;
    s->line = cf->conf_file->line;
    s->uri = NULL;

    return ngx_http_interop_complex(cf, &value[2], &s->uri);
}


char *
ngx_http_interop_check_systems(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf, ngx_array_t *systems)
{
    ngx_uint_t                  i;
    ngx_http_interop_system_t  *s;

    s = systems ? systems->elts : NULL;

    for (i = 0; s && i < systems->nelts; i++) {

        if (interop_policy_system(imcf->policy,
                                  ngx_http_interop_span(&s[i].name))
            < 0)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "policy \"%V\" has no system \"%V\" in %V:%ui",
                          &imcf->policy_path, &s[i].name, &s[i].file,
                          s[i].line);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* NGX_DECLINED: nothing is said of this system */

ngx_int_t
ngx_http_interop_system_uri(ngx_http_request_t *r, ngx_array_t *systems,
    ngx_str_t *name, ngx_str_t *uri, ngx_str_t *args)
{
    ngx_uint_t                  i, flags;
    ngx_http_interop_system_t  *s;

    s = systems ? systems->elts : NULL;

    for (i = 0; s && i < systems->nelts; i++) {

        if (s[i].name.len != name->len
            || ngx_strncmp(s[i].name.data, name->data, name->len) != 0)
        {
            continue;
        }

        flags = NGX_HTTP_LOG_UNSAFE;

        ngx_str_null(args);

        if (ngx_http_complex_value(r, s[i].uri, uri) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_parse_unsafe_uri(r, uri, args, &flags);
    }

    return NGX_DECLINED;
}


char *
ngx_http_interop_resolve_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_loc_conf_t *ilcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (value[2].data[0] != '/' && value[2].data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid URI \"%V\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < NGX_HTTP_INTEROP_FACTSETS; i++) {

        if (ngx_strcmp(value[1].data,
                       interop_record_kind_name((interop_record_kind_t) i))
            == 0)
        {
            return ngx_http_interop_complex(cf, &value[2], &ilcf->resolve[i]);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown fact set \"%V\", it can be one of: "
                       "tenant, user, conversation", &value[1]);

    return NGX_CONF_ERROR;
}


/* of a variable, if the value is nothing else: it is then read, not copied */

ngx_int_t
ngx_http_interop_index(ngx_conf_t *cf, ngx_str_t *value)
{
    u_char      c;
    ngx_str_t   name;
    ngx_uint_t  i;

    if (value->len < 2 || value->data[0] != '$'
        || (value->data[1] >= '0' && value->data[1] <= '9'))
    {
        return NGX_ERROR;
    }

    name.data = value->data + 1;
    name.len = value->len - 1;

    for (i = 0; i < name.len; i++) {
        c = name.data[i];

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            && !(c >= '0' && c <= '9') && c != '_')
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_get_variable_index(cf, &name);
}


char *
ngx_http_interop_complex(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_complex_value_t **to)
{
    ngx_http_compile_complex_value_t  ccv;

    if (*to) {
        return "is duplicate";
    }

    *to = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*to == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = *to;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
