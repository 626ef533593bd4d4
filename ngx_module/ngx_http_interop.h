
/*
 * Configuration, request context, and what the files ask of one another.  The
 * rules library is known only by interop.h; nothing knows a product, or Lua.
 *
 * The way of one request, each step a function in the file of its name, run by
 * the driver in ngx_http_interop_pipeline.c:
 *
 *   step     file      in                     out                  suspends
 *   MATCH    _match    method, target         ctx->judge, match    no
 *   READ     _body     client's body          ctx->body            yes
 *   GATHER   _gather   variables, headers     ctx->event           no
 *   JUDGE    _judge    event, store, zone     ctx->plan            no
 *   RESOLVE  _resolve  unknown record's key   record in the zone   yes, JUDGE
 *   FETCH    _fetch    what JUDGE asked for   answer to JUDGE      yes, JUDGE
 *   ESCALATE _escalate ctx->plan              requests made        yes
 *   APPLY    _apply    ctx->plan              the request changed  no
 *   ANSWER   _answer   ctx->plan              own response         ends it
 *   DONE     -         -                      the request goes on  no
 *
 * and on the answer's way back _filter: headers, effects, replaced answers.
 *
 * Invariants: ctx->step is the only progress state; ctx->plan is never set
 * without having been computed from the bytes that are forwarded; only _apply
 * changes a request.  Judged is what the location forwards: the request line's
 * target, or, after "rewrite ... break", the rewritten URI.  A "proxy_pass"
 * that maps the location's prefix to another one does so after the judgement.
 */


#ifndef _NGX_HTTP_INTEROP_H_INCLUDED_
#define _NGX_HTTP_INTEROP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../rules/interop.h"


#define NGX_HTTP_INTEROP_OFF        0
#define NGX_HTTP_INTEROP_MONITOR    1
#define NGX_HTTP_INTEROP_ENFORCE    2

/* the most of an answer, fetched or held back, that is kept to be read */
#define NGX_HTTP_INTEROP_ANSWER_MAX (1024 * 1024)

/* subrequests that one request may cause for facts */
#define NGX_HTTP_INTEROP_FETCHES    8


typedef struct ngx_http_interop_ctx_s    ngx_http_interop_ctx_t;
typedef struct ngx_http_interop_zone_s   ngx_http_interop_zone_t;
typedef struct ngx_http_interop_audit_s  ngx_http_interop_audit_t;
typedef struct ngx_http_interop_store_s  ngx_http_interop_store_t;
typedef struct ngx_http_interop_write_s  ngx_http_interop_write_t;
typedef struct ngx_http_interop_scripts_s  ngx_http_interop_scripts_t;
typedef struct ngx_http_interop_script_s  ngx_http_interop_script_t;
typedef struct ngx_http_interop_block_s  ngx_http_interop_block_t;
typedef struct ngx_http_interop_kept_s  ngx_http_interop_kept_t;


/* facts that "interop_fact" binds, their names in ngx_http_interop_facts[] */

typedef enum {
    NGX_HTTP_INTEROP_SENDER = 0,
    NGX_HTTP_INTEROP_TENANT,
    NGX_HTTP_INTEROP_NOW,
    NGX_HTTP_INTEROP_COUNTRY,
    NGX_HTTP_INTEROP_AGENT,
    NGX_HTTP_INTEROP_FACTS
} ngx_http_interop_fact_e;


/* record kinds that "interop_resolve" asks for: the store's own three */

#define NGX_HTTP_INTEROP_FACTSETS   (INTEROP_R_CONVERSATION + 1)


typedef struct {
    interop_policy_t             *policy;
    ngx_str_t                     policy_path;
    ngx_str_t                     revision;

    ngx_http_interop_store_t     *store;
    ngx_http_interop_zone_t      *zone;
    interop_memo_t               *memo;          /* the worker's */
    ngx_http_interop_kept_t      *kept;          /* the worker's */
    ngx_http_interop_scripts_t   *scripts;

    ngx_int_t                     request_id;    /* index of $request_id */
    ngx_flag_t                    used;          /* a location is judged */
} ngx_http_interop_main_conf_t;


typedef struct {
    ngx_uint_t                    mode;
    ngx_uint_t                    leg;
    ngx_str_t                     api_name;
    ngx_str_t                     api_file;      /* where it was named, */
    ngx_uint_t                    api_line;      /* for diagnostics */
    ngx_int_t                     api;           /* of the policy, or -1 */
    size_t                        max_body;
    size_t                        max_answer;

    ngx_http_complex_value_t     *facts[NGX_HTTP_INTEROP_FACTS];
    ngx_int_t                     indices[NGX_HTTP_INTEROP_FACTS];
    ngx_http_complex_value_t     *resolve[NGX_HTTP_INTEROP_FACTSETS];
    ngx_array_t                  *systems;       /* of interop_system_t */
    ngx_http_interop_audit_t     *audit;
    ngx_http_interop_script_t    *script;
} ngx_http_interop_loc_conf_t;


/* where requests of the edge's own to a system go */

typedef struct {
    ngx_str_t                     name;
    ngx_str_t                     file;          /* where it was named, */
    ngx_uint_t                    line;          /* for diagnostics */
    ngx_http_complex_value_t     *uri;
} ngx_http_interop_system_t;


/* ORDER: ngx_http_interop_steps[] */

typedef enum {
    NGX_HTTP_INTEROP_MATCH = 0,
    NGX_HTTP_INTEROP_READ,
    NGX_HTTP_INTEROP_GATHER,
    NGX_HTTP_INTEROP_JUDGE,
    NGX_HTTP_INTEROP_RESOLVE,
    NGX_HTTP_INTEROP_FETCH,
    NGX_HTTP_INTEROP_ESCALATE,
    NGX_HTTP_INTEROP_APPLY,
    NGX_HTTP_INTEROP_ANSWER,
    NGX_HTTP_INTEROP_DONE
} ngx_http_interop_step_e;


/* the blocks a request's memory is taken from */

typedef struct {
    u_char                       *pos;           /* free from here */
    u_char                       *end;
    u_char                       *newest;        /* piece */
    ngx_http_interop_block_t     *blocks;
    ngx_http_interop_block_t     *large;
    ngx_http_interop_kept_t      *kept;
} ngx_http_interop_memory_t;


/* READ */

typedef struct {
    off_t                         received;      /* by the body filter */
    interop_span_t                whole;
    unsigned                      waiting:1;     /* being read */
    unsigned                      ready:1;       /* read */
    unsigned                      too_large:1;
} ngx_http_interop_body_t;


/* JUDGE: where records come from, while the library runs */

typedef struct {
    interop_view_t               *view;          /* begun by the first lookup */
    interop_record_kind_t         missing_kind;  /* to be resolved, */
    ngx_str_t                     missing;       /* if it has a key */
    unsigned                      down:1;        /* answer UNAVAILABLE */
} ngx_http_interop_source_t;


/* RESOLVE, FETCH, ESCALATE: subrequests whose answers no client gets */

typedef struct ngx_http_interop_resolved_s  ngx_http_interop_resolved_t;

struct ngx_http_interop_resolved_s {
    interop_record_kind_t         kind;
    ngx_str_t                     key;
    ngx_http_interop_resolved_t  *next;
};


typedef struct {
    ngx_http_request_t           *request;
    ngx_str_t                     answer;
    size_t                        size;          /* allocated */
    ngx_uint_t                    status;
    ngx_str_t                     type;
    ngx_str_t                     retry;         /* Retry-After */
    ngx_str_t                     sign_in;       /* WWW-Authenticate */
    ngx_uint_t                    count;
    ngx_http_interop_resolved_t  *resolved;      /* keys asked for */
    unsigned                      waiting:1;
    unsigned                      done:1;
    unsigned                      failed:1;
    unsigned                      own:1;         /* an error page of nginx */
} ngx_http_interop_fetch_t;


/* the answer's way back; ORDER: time */

typedef enum {
    NGX_HTTP_INTEROP_PASS = 0,   /* nothing, or nothing any more, to do */
    NGX_HTTP_INTEROP_TEE,        /* read in passing (monitor) */
    NGX_HTTP_INTEROP_COLLECT,    /* headers held, body copied */
    NGX_HTTP_INTEROP_WRITE,      /* headers and body held, effects written */
    NGX_HTTP_INTEROP_READY,      /* may be sent */
    NGX_HTTP_INTEROP_SWAP        /* headers sent, body to be replaced */
} ngx_http_interop_back_e;


typedef struct {
    ngx_http_interop_back_e       state;
    ngx_str_t                     body;          /* collected */
    size_t                        size;          /* allocated */
    ngx_chain_t                  *held;          /* not taken yet */
    ngx_str_t                     swap;          /* instead of the body */
    ngx_http_interop_write_t     *write;         /* under way */
    unsigned                      begun:1;
    unsigned                      partial:1;     /* too large to be read */
    unsigned                      last:1;        /* all of it has come */
    unsigned                      swapped:1;     /* swap is valid */
} ngx_http_interop_back_t;


struct ngx_http_interop_ctx_s {
    ngx_http_request_t           *request;
    ngx_http_interop_loc_conf_t  *conf;
    ngx_http_interop_step_e       step;
    interop_alloc_t               alloc;
    ngx_http_interop_memory_t     memory;

    interop_target_t              target;
    interop_judge_t              *judge;
    interop_judge_t              *spent;         /* its plan has been applied */
    interop_match_t               match;
    interop_request_t             event;
    const interop_plan_t         *plan;

    ngx_http_interop_body_t       body;
    ngx_http_interop_source_t     source;
    ngx_http_interop_fetch_t      fetch;
    ngx_http_interop_back_t       back;

    ngx_event_t                   renew;         /* ESCALATE: of the claim */

    /* a subrequest of ours: what it is made for, and where it goes */
    ngx_http_interop_ctx_t       *parent;
    ngx_str_t                     system;

    /* what was judged before an internal redirect led to here */
    ngx_http_interop_ctx_t       *before;

    ngx_uint_t                    redirects;     /* left to it at the start */
    ngx_uint_t                    method;        /* the request as it left us */
    ngx_str_t                     uri;
    ngx_str_t                     args;

    uint64_t                      nanoseconds;   /* spent in the library */
    ngx_str_t                     audit;         /* what was judged, JSON */
};


typedef ngx_int_t (*ngx_http_interop_step_pt)(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);

typedef void (*ngx_http_interop_write_pt)(void *data, interop_status_t status);


/* spans and strings are the same thing in two coats */

static ngx_inline interop_span_t
ngx_http_interop_span(ngx_str_t *s)
{
    interop_span_t  span;

    span.p = (const char *) s->data;
    span.n = s->len;

    return span;
}


static ngx_inline ngx_str_t
ngx_http_interop_str(interop_span_t span)
{
    ngx_str_t  s;

    s.data = (u_char *) span.p;
    s.len = span.p ? span.n : 0;

    return s;
}


/* _module */

extern ngx_module_t  ngx_http_interop_module;
extern ngx_str_t  ngx_http_interop_facts[];

/* _conf */

ngx_int_t ngx_http_interop_index(ngx_conf_t *cf, ngx_str_t *value);
char *ngx_http_interop_complex(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_complex_value_t **to);
char *ngx_http_interop_resolve_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_interop_system(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_interop_check_systems(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf, ngx_array_t *systems);
ngx_int_t ngx_http_interop_system_uri(ngx_http_request_t *r,
    ngx_array_t *systems, ngx_str_t *name, ngx_str_t *uri, ngx_str_t *args);

/* _policy: "interop_policy", and the master's memory it lives in */

char *ngx_http_interop_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void *ngx_http_interop_policy_resize(void *data, void *ptr, size_t osize,
    size_t nsize);

/* _pipeline */

ngx_int_t ngx_http_interop_handler(ngx_http_request_t *r);
ngx_http_interop_ctx_t *ngx_http_interop_create_ctx(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *before);
ngx_http_interop_ctx_t *ngx_http_interop_get_ctx(ngx_http_request_t *r);

/* _memory */

void *ngx_http_interop_resize(void *data, void *ptr, size_t osize,
    size_t nsize);
ngx_http_interop_ctx_t *ngx_http_interop_memory_ctx(ngx_http_request_t *r);
void ngx_http_interop_memory_free(ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_memory_init(ngx_conf_t *cf,
    ngx_http_interop_main_conf_t *imcf);

#define ngx_http_interop_alloc(ctx, size)                                     \
    ngx_http_interop_resize(&(ctx)->memory, NULL, 0, size)

/* steps */

ngx_int_t ngx_http_interop_match(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_read(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_gather(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_run(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_resolve(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_fetch(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_escalate(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_apply(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_answer(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);

/* _match */

ngx_int_t ngx_http_interop_target(ngx_http_request_t *r, ngx_str_t *target);

/* _body */

ngx_int_t ngx_http_interop_request_body_init(ngx_conf_t *cf);

/* _memo */

ngx_int_t ngx_http_interop_judge_begin(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
void ngx_http_interop_judge_end(ngx_http_interop_ctx_t *ctx);
void ngx_http_interop_memo_exit(ngx_http_interop_main_conf_t *imcf);

/* _judge */

void ngx_http_interop_view_end(ngx_http_interop_ctx_t *ctx);
ngx_int_t ngx_http_interop_unavailable(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);

/* _resolve: "interop_resolve" */

char *ngx_http_interop_resolve_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _fetch: a subrequest of ours, its header and body filter */

ngx_http_request_t *ngx_http_interop_subrequest(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_str_t *uri, ngx_str_t *args,
    ngx_uint_t flags);

ngx_int_t ngx_http_interop_fetch_header(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *parent);
ngx_int_t ngx_http_interop_fetch_body(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *parent, ngx_chain_t *in);
ngx_int_t ngx_http_interop_append(ngx_http_interop_ctx_t *ctx, ngx_str_t *to,
    size_t *size, u_char *data, size_t len);

/* _escalate */

void ngx_http_interop_escalate_end(ngx_http_interop_ctx_t *ctx);

/* _apply */

ngx_int_t ngx_http_interop_set_method(ngx_http_request_t *r,
    interop_span_t method);
ngx_int_t ngx_http_interop_set_target(ngx_http_request_t *r,
    ngx_str_t *target);
ngx_int_t ngx_http_interop_set_body(ngx_http_request_t *r,
    interop_span_t body);
ngx_int_t ngx_http_interop_set_content_type(ngx_http_request_t *r,
    interop_span_t type);
void ngx_http_interop_flush_variables(ngx_http_request_t *r);

/* _headers; a name to compare with is in lower case */

ngx_uint_t ngx_http_interop_named(ngx_table_elt_t *h, const char *name,
    size_t len);
ngx_uint_t ngx_http_interop_unwanted(ngx_table_elt_t *h, ngx_uint_t judged);

ngx_int_t ngx_http_interop_strip_headers(ngx_http_request_t *r,
    ngx_uint_t judged);
ngx_int_t ngx_http_interop_push_header(ngx_http_request_t *r, char *name,
    char *lowcase, interop_span_t value, ngx_table_elt_t **to);

/* _answer */

ngx_int_t ngx_http_interop_add_header(ngx_http_request_t *r, char *name,
    ngx_str_t *value);
ngx_int_t ngx_http_interop_refusal_headers(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);

/* _back: the answer is judged, effects are kept */

ngx_int_t ngx_http_interop_back(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, interop_span_t body);
void ngx_http_interop_remember(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, const interop_effect_t *effects,
    size_t count);
void ngx_http_interop_replace(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *body);

/* _filter, and _hold: its body filter */

ngx_int_t ngx_http_interop_filter_init(ngx_conf_t *cf);
ngx_int_t ngx_http_interop_hold_init(ngx_conf_t *cf);
ngx_int_t ngx_http_interop_header_send(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);
void ngx_http_interop_release(ngx_http_request_t *r,
    ngx_http_interop_ctx_t *ctx);

/* _vars */

ngx_int_t ngx_http_interop_add_variables(ngx_conf_t *cf);

#include "ngx_http_interop_shared.h"
#include "ngx_http_interop_store.h"

/* _status */

char *ngx_http_interop_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_INTEROP_H_INCLUDED_ */
