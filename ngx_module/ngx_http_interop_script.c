
/*
 * Scripts of the policy and of "interop_script" are loaded while the
 * configuration is, in the master, so that "nginx -t" shows what is wrong with
 * one; workers have their states by fork.  Owns opening the extension and the
 * memory of all of it, which goes with the cycle.  Must not know what scripts
 * are written in.
 */


#include "ngx_http_interop_script.h"

#include <dlfcn.h>


#define NGX_HTTP_INTEROP_SCRIPT_MAX  (256 * 1024)


/*
 * The modules of other languages bring libraries of the same names: what the
 * extension asks for is to be found in its own ones first.  The sanitizers'
 * runtime refuses to be opened so.
 */

#if defined(__SANITIZE_ADDRESS__)
#define NGX_HTTP_INTEROP_DLOPEN      (RTLD_NOW|RTLD_LOCAL)
#else
#define NGX_HTTP_INTEROP_DLOPEN      (RTLD_NOW|RTLD_LOCAL|RTLD_DEEPBIND)
#endif


static char *ngx_http_interop_script_open(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf);
static char *ngx_http_interop_script_library(ngx_conf_t *cf,
    ngx_http_interop_scripts_t *scripts);
static char *ngx_http_interop_script_entry(ngx_conf_t *cf,
    ngx_http_interop_scripts_t *scripts, char *path);
static char *ngx_http_interop_script_load(ngx_conf_t *cf,
    ngx_http_interop_scripts_t *scripts, ngx_http_interop_script_t *script);
static ngx_int_t ngx_http_interop_script_read(ngx_conf_t *cf,
    ngx_http_interop_script_t *script, ngx_str_t *text);
static char *ngx_http_interop_script_error(ngx_conf_t *cf,
    interop_status_t status, interop_diag_t *diag);
static void ngx_http_interop_script_cleanup(void *data);


/* places beside the module, and where both are installed */

static char  *ngx_http_interop_script_places[] = {
    "interop_lua.so",
    "../../ngx_interop/interop_lua.so",
    NULL
};


char *
ngx_http_interop_script(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_interop_loc_conf_t *ilcf = conf;

    ngx_str_t                  *value;
    ngx_http_interop_script_t  *script;

    if (ilcf->script) {
        return "is duplicate";
    }

    script = ngx_pcalloc(cf->pool, sizeof(ngx_http_interop_script_t));
    if (script == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    script->path = value[1];
    script->file = cf->conf_file->file.name;
    script->line = cf->conf_file->line;

    if (ngx_conf_full_name(cf->cycle, &script->path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ilcf->script = script;

    return NGX_CONF_OK;
}


/* the policy's own; without any, nothing is opened */

char *
ngx_http_interop_script_init(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf)
{
    if (imcf->policy == NULL || interop_policy_scripts(imcf->policy) == 0) {
        return NGX_CONF_OK;
    }

    return ngx_http_interop_script_open(cf, imcf);
}


/* a location's, when it is known that there is a policy */

char *
ngx_http_interop_script_merge(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf, ngx_http_interop_loc_conf_t *conf)
{
    if (conf->script == NULL || conf->script->number) {
        return NGX_CONF_OK;
    }

    if (imcf->scripts == NULL
        && ngx_http_interop_script_open(cf, imcf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_interop_script_load(cf, imcf->scripts, conf->script);
}


static char *
ngx_http_interop_script_open(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf)
{
    interop_diag_t               diag;
    interop_status_t             status;
    ngx_pool_cleanup_t          *cln;
    ngx_http_interop_scripts_t  *scripts;

    cln = ngx_pool_cleanup_add(cf->cycle->pool,
                               sizeof(ngx_http_interop_scripts_t));
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    scripts = cln->data;
    ngx_memzero(scripts, sizeof(ngx_http_interop_scripts_t));

    scripts->alloc.resize = ngx_http_interop_policy_resize;
    cln->handler = ngx_http_interop_script_cleanup;

    if (ngx_http_interop_script_library(cf, scripts) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&diag, sizeof(interop_diag_t));

    status = interop_scripts_new(imcf->policy, scripts->extension,
                                 &scripts->alloc, &scripts->set, &diag);

    if (status != INTEROP_OK) {
        scripts->set = NULL;
        return ngx_http_interop_script_error(cf, status, &diag);
    }

    imcf->scripts = scripts;

    return NGX_CONF_OK;
}


static char *
ngx_http_interop_script_library(ngx_conf_t *cf,
    ngx_http_interop_scripts_t *scripts)
{
    size_t    len;
    char     *slash, **place, path[NGX_MAX_PATH];
    Dl_info   self;

    if (dladdr((void *) &ngx_http_interop_module, &self) == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the module's own file cannot be told");
        return NGX_CONF_ERROR;
    }

    slash = strrchr(self.dli_fname, '/');
    len = slash ? slash + 1 - self.dli_fname : 0;

    for (place = ngx_http_interop_script_places; *place; place++) {

        if (len + ngx_strlen(*place) >= sizeof(path)) {
            continue;
        }

        ngx_memcpy(path, self.dli_fname, len);
        ngx_memcpy(path + len, *place, ngx_strlen(*place) + 1);

        if (access(path, F_OK) == 0) {
            return ngx_http_interop_script_entry(cf, scripts, path);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "scripts need \"interop_lua.so\", which is neither "
                       "beside \"%s\" nor in ../../ngx_interop from there",
                       self.dli_fname);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_interop_script_entry(ngx_conf_t *cf,
    ngx_http_interop_scripts_t *scripts, char *path)
{
    void                  *symbol;
    interop_extension_fn   entry;

    scripts->library = dlopen(path, NGX_HTTP_INTEROP_DLOPEN);

    if (scripts->library == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dlopen() failed (%s)",
                           dlerror());
        return NGX_CONF_ERROR;
    }

    symbol = dlsym(scripts->library, INTEROP_EXTENSION_ENTRY);

    if (symbol == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dlsym() failed (%s)",
                           dlerror());
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(&entry, &symbol, sizeof(entry));

    scripts->extension = entry();

    return NGX_CONF_OK;
}


/* one state for all locations that name the same file */

static char *
ngx_http_interop_script_load(ngx_conf_t *cf,
    ngx_http_interop_scripts_t *scripts, ngx_http_interop_script_t *script)
{
    ngx_str_t                    text;
    ngx_uint_t                   i;
    interop_diag_t               diag;
    interop_status_t             status;
    interop_script_source_t      source;
    ngx_http_interop_script_t  **files;

    if (scripts->files == NULL) {
        scripts->files = ngx_array_create(cf->pool, 4, sizeof(void *));
        if (scripts->files == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    files = scripts->files->elts;

    for (i = 0; i < scripts->files->nelts; i++) {
        if (files[i]->path.len == script->path.len
            && ngx_strncmp(files[i]->path.data, script->path.data,
                           script->path.len) == 0)
        {
            script->number = files[i]->number;
            return NGX_CONF_OK;
        }
    }

    if (ngx_http_interop_script_read(cf, script, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&source, sizeof(interop_script_source_t));
    ngx_memzero(&diag, sizeof(interop_diag_t));

    source.name = ngx_http_interop_span(&script->path);
    source.file = source.name;
    source.text = ngx_http_interop_span(&text);

    status = interop_scripts_add(scripts->set, &source, &script->number,
                                 &diag);

    if (status != INTEROP_OK) {
        return ngx_http_interop_script_error(cf, status, &diag);
    }

    files = ngx_array_push(scripts->files);
    if (files == NULL) {
        return NGX_CONF_ERROR;
    }

    *files = script;

    return NGX_CONF_OK;
}


/*
 * Failures are counted in memory of this configuration's own: workers have it
 * by fork, and a reload begins with another one, so that nothing has to be
 * reset while workers of the old configuration still count.
 */

ngx_int_t
ngx_http_interop_script_share(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf)
{
    ngx_shm_t  *shm;

    if (imcf->scripts == NULL) {
        return NGX_OK;
    }

    shm = &imcf->scripts->health;

    ngx_str_set(&shm->name, "interop_scripts");

    shm->size = interop_scripts_count(imcf->scripts->set)
                * sizeof(interop_script_health_t);
    shm->log = cf->cycle->log;

    if (shm->size == 0) {
        return NGX_OK;
    }

    if (ngx_shm_alloc(shm) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(shm->addr, shm->size);

    interop_scripts_share(imcf->scripts->set,
                          (interop_script_health_t *) shm->addr);

    return NGX_OK;
}


static ngx_int_t
ngx_http_interop_script_read(ngx_conf_t *cf,
    ngx_http_interop_script_t *script, ngx_str_t *text)
{
    ngx_int_t   rc;
    ngx_file_t  file;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = script->path;
    file.log = cf->log;
    file.fd = ngx_open_file(script->path.data, NGX_FILE_RDONLY, NGX_FILE_OPEN,
                            0);

    if (file.fd == NGX_INVALID_FILE
        || ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed in %V:%ui",
                      &script->path, &script->file, script->line);
        rc = NGX_ERROR;
        goto done;
    }

    rc = NGX_ERROR;

    if (ngx_file_size(&file.info) > NGX_HTTP_INTEROP_SCRIPT_MAX) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "script \"%V\" is too large in %V:%ui",
                      &script->path, &script->file, script->line);
        goto done;
    }

    text->len = (size_t) ngx_file_size(&file.info);
    text->data = ngx_pnalloc(cf->temp_pool, text->len + 1);

    if (text->data
        && ngx_read_file(&file, text->data, text->len, 0)
           == (ssize_t) text->len)
    {
        rc = NGX_OK;
    }

done:

    if (file.fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(file.fd);
    }

    return rc;
}


static char *
ngx_http_interop_script_error(ngx_conf_t *cf, interop_status_t status,
    interop_diag_t *diag)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "script: %s",
                  diag->text[0] ? diag->text : interop_status_name(status));

    return NGX_CONF_ERROR;
}


static void
ngx_http_interop_script_cleanup(void *data)
{
    ngx_http_interop_scripts_t *scripts = data;

    if (scripts->set) {
        interop_scripts_free(scripts->set);
    }

    if (scripts->health.addr) {
        ngx_shm_free(&scripts->health);
    }

    if (scripts->library) {
        (void) dlclose(scripts->library);
    }
}
