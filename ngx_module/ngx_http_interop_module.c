
/*
 * Directives, configuration and the hooks into nginx's phases and processes.
 * Nothing here runs per request.  Whatever can fail fails while the
 * configuration is read, in the master, so that "nginx -t" shows it and a
 * running configuration stays.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_log.h"
#include "ngx_http_interop_script.h"


static ngx_int_t ngx_http_interop_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_interop_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_interop_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_interop_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_interop_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_interop_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_interop_check_loc_conf(ngx_conf_t *cf,
    ngx_http_interop_loc_conf_t *conf);
static char *ngx_http_interop_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_interop_fact(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_interop_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_interop_init_process(ngx_cycle_t *cycle);
static void ngx_http_interop_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_interop_modes[] = {
    { ngx_string("off"), NGX_HTTP_INTEROP_OFF },
    { ngx_string("monitor"), NGX_HTTP_INTEROP_MONITOR },
    { ngx_string("enforce"), NGX_HTTP_INTEROP_ENFORCE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_interop_legs[] = {
    { ngx_string("cross"), 0 },
    { ngx_string("native"), 1 },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_interop_commands[] = {

    { ngx_string("interop_policy"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_interop_policy,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_store"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_interop_store,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_interop_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_interop_loc_conf_t, mode),
      &ngx_http_interop_modes },

    { ngx_string("interop_api"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_interop_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_leg"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_interop_loc_conf_t, leg),
      &ngx_http_interop_legs },

    { ngx_string("interop_fact"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_interop_fact,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_resolve"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_interop_resolve_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_system"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_interop_system,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_max_answer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_interop_loc_conf_t, max_answer),
      NULL },

    { ngx_string("interop_max_body"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_interop_loc_conf_t, max_body),
      NULL },

    { ngx_string("interop_audit_log"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_interop_audit_log,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_script"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_interop_script,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("interop_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_interop_status,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_interop_module_ctx = {
    ngx_http_interop_preconfiguration,     /* preconfiguration */
    ngx_http_interop_postconfiguration,    /* postconfiguration */

    ngx_http_interop_create_main_conf,     /* create main configuration */
    ngx_http_interop_init_main_conf,       /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_interop_create_loc_conf,      /* create location configuration */
    ngx_http_interop_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_interop_module = {
    NGX_MODULE_V1,
    &ngx_http_interop_module_ctx,          /* module context */
    ngx_http_interop_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_interop_init_module,          /* init module */
    ngx_http_interop_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_interop_exit_process,         /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_interop_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_interop_add_variables(cf);
}


static ngx_int_t
ngx_http_interop_postconfiguration(ngx_conf_t *cf)
{
    ngx_str_t                      name;
    ngx_http_handler_pt           *h;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_interop_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (!imcf->used) {
        return NGX_OK;
    }

    ngx_str_set(&name, "request_id");

    imcf->request_id = ngx_http_get_variable_index(cf, &name);
    if (imcf->request_id == NGX_ERROR) {
        return NGX_ERROR;
    }

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_interop_handler;

    if (ngx_http_interop_audit_init(cf) != NGX_OK
        || ngx_http_interop_script_share(cf, imcf) != NGX_OK
        || ngx_http_interop_request_body_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_interop_filter_init(cf);
}


static void *
ngx_http_interop_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_interop_main_conf_t  *imcf;

    /*
     * set by ngx_pcalloc():
     *
     *     imcf->policy = NULL;
     *     imcf->store = NULL;
     *     imcf->zone = NULL;
     *     imcf->scripts = NULL;
     */

    imcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_interop_main_conf_t));

    return ngx_http_interop_memory_init(cf, imcf) == NGX_OK ? imcf : NULL;
}


/* messages and counters need a zone, whether or not one was asked for */

static char *
ngx_http_interop_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_interop_main_conf_t *imcf = conf;

    ngx_str_t  name;

    if (ngx_http_interop_script_init(cf, imcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (imcf->policy == NULL || imcf->zone) {
        return NGX_CONF_OK;
    }

    ngx_str_set(&name, "ngx_http_interop");

    return ngx_http_interop_zone_add(cf, imcf, &name, 1024 * 1024);
}


static void *
ngx_http_interop_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_interop_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_interop_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->api_name = { 0, NULL };
     *     conf->facts = { NULL };
     *     conf->indices = { 0 };
     *     conf->resolve = { NULL };
     *     conf->systems = NULL;
     *     conf->audit = NULL;
     *     conf->script = NULL;
     */

    conf->mode = NGX_CONF_UNSET_UINT;
    conf->leg = NGX_CONF_UNSET_UINT;
    conf->max_body = NGX_CONF_UNSET_SIZE;
    conf->max_answer = NGX_CONF_UNSET_SIZE;
    conf->api = -1;

    return conf;
}


static char *
ngx_http_interop_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_interop_loc_conf_t *prev = parent;
    ngx_http_interop_loc_conf_t *conf = child;

    ngx_uint_t  i;

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_HTTP_INTEROP_OFF);
    ngx_conf_merge_uint_value(conf->leg, prev->leg, 0);
    ngx_conf_merge_size_value(conf->max_body, prev->max_body, 1024 * 1024);
    ngx_conf_merge_size_value(conf->max_answer, prev->max_answer,
                              8 * 1024 * 1024);

    if (conf->api_name.data == NULL) {
        conf->api_name = prev->api_name;
        conf->api_file = prev->api_file;
        conf->api_line = prev->api_line;
    }

    for (i = 0; i < NGX_HTTP_INTEROP_FACTS; i++) {
        if (conf->facts[i] == NULL) {
            conf->facts[i] = prev->facts[i];
            conf->indices[i] = prev->indices[i];
        }
    }

    for (i = 0; i < NGX_HTTP_INTEROP_FACTSETS; i++) {
        if (conf->resolve[i] == NULL) {
            conf->resolve[i] = prev->resolve[i];
        }
    }

    if (conf->systems == NULL) {
        conf->systems = prev->systems;
    }

    if (conf->audit == NULL) {
        conf->audit = prev->audit;
    }

    if (conf->script == NULL) {
        conf->script = prev->script;
    }

    return ngx_http_interop_check_loc_conf(cf, conf);
}


static char *
ngx_http_interop_check_loc_conf(ngx_conf_t *cf,
    ngx_http_interop_loc_conf_t *conf)
{
    ngx_http_interop_main_conf_t  *imcf;

    if (conf->api_name.data == NULL || conf->mode == NGX_HTTP_INTEROP_OFF) {
        return NGX_CONF_OK;
    }

    imcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_interop_module);

    if (imcf->policy == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"interop_api\" needs an \"interop_policy\" in %V:%ui",
                      &conf->api_file, conf->api_line);
        return NGX_CONF_ERROR;
    }

    conf->api = interop_policy_api(imcf->policy,
                                   ngx_http_interop_span(&conf->api_name));

    if (conf->api < 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "policy \"%V\" has no API \"%V\" in %V:%ui",
                      &imcf->policy_path, &conf->api_name,
                      &conf->api_file, conf->api_line);
        return NGX_CONF_ERROR;
    }

    imcf->used = 1;

    if (ngx_http_interop_script_merge(cf, imcf, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_interop_check_systems(cf, imcf, conf->systems);
}


/* the policy may come later: the name is looked up when all has been read */

static char *
ngx_http_interop_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_loc_conf_t *ilcf = conf;

    ngx_str_t  *value;

    if (ilcf->api_name.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ilcf->api_name = value[1];
    ilcf->api_file = cf->conf_file->file.name;
    ilcf->api_line = cf->conf_file->line;

    return NGX_CONF_OK;
}


static char *
ngx_http_interop_fact(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_loc_conf_t *ilcf = conf;

    ngx_str_t   *value, *name;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 0; i < NGX_HTTP_INTEROP_FACTS; i++) {

        name = &ngx_http_interop_facts[i];

        if (value[1].len == name->len
            && ngx_strncmp(value[1].data, name->data, name->len) == 0)
        {
            ilcf->indices[i] = ngx_http_interop_index(cf, &value[2]);

            return ngx_http_interop_complex(cf, &value[2], &ilcf->facts[i]);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown fact \"%V\", it can be one of: "
                       "%V, %V, %V, %V, %V", &value[1],
                       &ngx_http_interop_facts[0], &ngx_http_interop_facts[1],
                       &ngx_http_interop_facts[2], &ngx_http_interop_facts[3],
                       &ngx_http_interop_facts[4]);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_interop_init_module(ngx_cycle_t *cycle)
{
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_interop_module);

    if (imcf && imcf->store) {
        ngx_http_interop_store_create(cycle, imcf->store);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_interop_init_process(ngx_cycle_t *cycle)
{
    ngx_http_interop_main_conf_t  *imcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_interop_module);

    if (imcf && imcf->store) {
        ngx_http_interop_store_init(cycle, imcf->store);
    }

    return NGX_OK;
}


static void
ngx_http_interop_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_interop_main_conf_t  *imcf;

    imcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_interop_module);

    ngx_http_interop_log_exit(cycle);

    if (imcf) {
        ngx_http_interop_memo_exit(imcf);
        ngx_http_interop_store_exit(cycle, imcf->store);
    }
}
