
/*
 * Step APPLY: the plan becomes the request.  The only file that changes one:
 * method, target, body, headers, and every place where nginx keeps a copy of
 * them.  Never entered in monitor mode.  Invariant: what any content handler
 * can see of the request afterwards, by field or by variable, is what was
 * judged.
 */


#include "ngx_http_interop.h"
#include "ngx_http_interop_whole.h"
#include "ngx_http_interop_script.h"


static ngx_int_t ngx_http_interop_subrequest_allowed(ngx_http_request_t *r,
    const interop_plan_t *plan);
static ngx_int_t ngx_http_interop_set_content_length(ngx_http_request_t *r,
    size_t len);


typedef struct {
    ngx_uint_t  method;
    ngx_str_t   name;
} ngx_http_interop_method_t;


static ngx_http_interop_method_t  ngx_http_interop_methods[] = {
    { NGX_HTTP_GET,       ngx_string("GET") },
    { NGX_HTTP_HEAD,      ngx_string("HEAD") },
    { NGX_HTTP_POST,      ngx_string("POST") },
    { NGX_HTTP_PUT,       ngx_string("PUT") },
    { NGX_HTTP_DELETE,    ngx_string("DELETE") },
    { NGX_HTTP_OPTIONS,   ngx_string("OPTIONS") },
    { NGX_HTTP_PATCH,     ngx_string("PATCH") },
    { 0,                  ngx_null_string }
};


/* variables that may have been evaluated before the request was changed */

static ngx_str_t  ngx_http_interop_stale[] = {
    ngx_string("request_uri"),
    ngx_string("uri"),
    ngx_string("document_uri"),
    ngx_string("args"),
    ngx_string("query_string"),
    ngx_string("is_args"),
    ngx_string("request_method"),
    ngx_string("request_body"),
    ngx_string("request_body_file"),
    ngx_string("content_length"),
    ngx_string("content_type"),
    ngx_string("http_content_length"),
    ngx_string("http_content_type"),
    ngx_string("http_range"),
    ngx_string("http_if_range"),
    ngx_null_string
};


ngx_int_t
ngx_http_interop_apply(ngx_http_request_t *r, ngx_http_interop_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_str_t              target;
    const interop_plan_t  *plan;

    plan = ctx->plan;

    ctx->step = NGX_HTTP_INTEROP_DONE;

    if (r != r->main) {
        return ngx_http_interop_subrequest_allowed(r, plan);
    }

    rc = plan->reads_answer
         ? ngx_http_interop_whole_request(r)
         : ngx_http_interop_strip_headers(r, 1 + plan->wants_answer_body);

    if (rc != NGX_OK || ngx_http_interop_script_apply(r, plan) != NGX_OK) {
        return NGX_ERROR;
    }

    if (plan->cross_header.p
        && ngx_http_interop_push_header(r, "Interop-Cross", "interop-cross",
                                        plan->cross_header, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (plan->recipients_header.p
        && ngx_http_interop_push_header(r, "Interop-Recipients",
                                        "interop-recipients",
                                        plan->recipients_header, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (plan->method.p
        && ngx_http_interop_set_method(r, plan->method) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (plan->target.p) {
        target = ngx_http_interop_str(plan->target);

        if (ngx_http_interop_set_target(r, &target) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (plan->content_type.p
        && ngx_http_interop_set_content_type(r, plan->content_type) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (plan->body_changed
        && ngx_http_interop_set_body(r, plan->body) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (plan->method.p || plan->target.p || plan->content_type.p
        || plan->body_changed || plan->reads_answer)
    {
        ngx_http_interop_flush_variables(r);
    }

    return NGX_OK;
}


/*
 * A subrequest shares its headers with others: it passes as it is, or not.  Nor
 * is its answer held back to be judged.
 */

static ngx_int_t
ngx_http_interop_subrequest_allowed(ngx_http_request_t *r,
    const interop_plan_t *plan)
{
    if (plan->method.p || plan->target.p || plan->content_type.p
        || plan->body_changed || plan->header_count || plan->reads_answer
        || plan->cross_header.p || plan->recipients_header.p)
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "interop refused a subrequest it would have to change");
        return NGX_HTTP_FORBIDDEN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_interop_set_method(ngx_http_request_t *r, interop_span_t method)
{
    ngx_http_interop_method_t  *m;

    r->method_name = ngx_http_interop_str(method);
    r->method = NGX_HTTP_UNKNOWN;

    for (m = ngx_http_interop_methods; m->method; m++) {

        if (m->name.len == r->method_name.len
            && ngx_strncmp(m->name.data, r->method_name.data, m->name.len)
               == 0)
        {
            r->method = m->method;
            break;
        }
    }

    return NGX_OK;
}


/*
 * Sets what "proxy_pass" without a URI sends (unparsed_uri), and what all
 * others do (uri and args).  Where the location's prefix is not that of the
 * new target, there is nothing "proxy_pass" could map.
 */

ngx_int_t
ngx_http_interop_set_target(ngx_http_request_t *r, ngx_str_t *target)
{
    u_char                    *dst, *src, *args;
    ngx_http_core_loc_conf_t  *clcf;

    r->unparsed_uri = *target;
    r->valid_unparsed_uri = 1;

    args = ngx_strlchr(target->data, target->data + target->len, '?');

    ngx_str_null(&r->args);

    if (args) {
        r->args.data = args + 1;
        r->args.len = target->data + target->len - r->args.data;

    } else {
        args = target->data + target->len;
    }

    dst = ngx_pnalloc(r->pool, target->len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    r->uri.data = dst;
    src = target->data;

    ngx_unescape_uri(&dst, &src, args - target->data, 0);

    r->uri.len = dst - r->uri.data;
    r->quoted_uri = (ngx_strlchr(target->data, args, '%') != NULL);

    ngx_http_set_exten(r);

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->valid_location
        && (r->uri.len < clcf->name.len
            || ngx_strncmp(r->uri.data, clcf->name.data, clcf->name.len) != 0))
    {
        r->valid_location = 0;
    }

    return NGX_OK;
}


/*
 * buf->start is where an upstream's next attempt begins again.  A temporary
 * file with the old body stays until the request ends, but nobody is told.
 */

ngx_int_t
ngx_http_interop_set_body(ngx_http_request_t *r, interop_span_t body)
{
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    if (body.p && body.n) {
        b = ngx_calloc_buf(r->pool);
        cl = ngx_alloc_chain_link(r->pool);

        if (b == NULL || cl == NULL) {
            return NGX_ERROR;
        }

        b->memory = 1;
        b->last_buf = 1;
        b->start = (u_char *) body.p;
        b->pos = b->start;
        b->last = b->start + body.n;
        b->end = b->last;

        cl->buf = b;
        cl->next = NULL;

        rb->bufs = cl;
        rb->received = body.n;
    }

    rb->last_saved = 1;
    r->request_body = rb;

    return ngx_http_interop_set_content_length(r, rb->bufs ? body.n : 0);
}


static ngx_int_t
ngx_http_interop_set_content_length(ngx_http_request_t *r, size_t len)
{
    u_char           *p;
    interop_span_t    value;
    ngx_table_elt_t  *h;

    r->headers_in.content_length_n = len;
    r->headers_in.chunked = 0;
    r->headers_in.transfer_encoding = NULL;

    p = ngx_pnalloc(r->pool, NGX_OFF_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.p = (const char *) p;
    value.n = ngx_sprintf(p, "%uz", len) - p;

    h = r->headers_in.content_length;

    if (h == NULL) {
        return ngx_http_interop_push_header(r, "Content-Length",
                                            "content-length", value,
                                            &r->headers_in.content_length);
    }

    h->value = ngx_http_interop_str(value);

    return NGX_OK;
}


ngx_int_t
ngx_http_interop_set_content_type(ngx_http_request_t *r, interop_span_t type)
{
    if (r->headers_in.content_type) {
        r->headers_in.content_type->value = ngx_http_interop_str(type);
        return NGX_OK;
    }

    return ngx_http_interop_push_header(r, "Content-Type", "content-type",
                                        type, &r->headers_in.content_type);
}


/* the values cached so far are those of the request as it came */

void
ngx_http_interop_flush_variables(ngx_http_request_t *r)
{
    ngx_str_t                  *name;
    ngx_uint_t                  i;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if (!r->variables[i].valid && !r->variables[i].not_found) {
            continue;
        }

        if (v[i].name.len > 4
            && ngx_strncmp(v[i].name.data, "arg_", 4) == 0)
        {
            r->variables[i].valid = 0;
            r->variables[i].not_found = 0;
            continue;
        }

        for (name = ngx_http_interop_stale; name->len; name++) {

            if (v[i].name.len == name->len
                && ngx_strncmp(v[i].name.data, name->data, name->len) == 0)
            {
                r->variables[i].valid = 0;
                r->variables[i].not_found = 0;
                break;
            }
        }
    }
}
