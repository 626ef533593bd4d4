
/*
 * Headers of the request, for APPLY: what must not reach upstream is taken out
 * of nginx's list, what the plan adds is put in.  Owns which names those are.
 * Others hold pointers to elements of the list, so that none may ever move.
 */


#include "ngx_http_interop.h"


static ngx_uint_t ngx_http_interop_any_unwanted(ngx_http_request_t *r,
    ngx_uint_t judged);
static ngx_int_t ngx_http_interop_keep_run(ngx_http_request_t *r,
    ngx_list_t *kept, ngx_table_elt_t *run, ngx_uint_t n);
static ngx_uint_t ngx_http_interop_to_http(ngx_table_elt_t *h);


/* an upstream that listened to these would do what was not judged */

static ngx_str_t  ngx_http_interop_overrides[] = {
    ngx_string("x-http-method-override"),
    ngx_string("x-http-method"),
    ngx_string("x-method-override"),
    ngx_string("x-original-url"),
    ngx_string("x-rewrite-url"),
    ngx_null_string
};


/*
 * judged 0: the request only passes by; 1: it was judged; 2: and its answer is
 * to be read, so that it must not come compressed; 3: nor in parts.
 *
 * Others hold pointers to elements of the list, so that none may move: the
 * list is built anew from parts that are runs of the elements that stay.
 */

ngx_int_t
ngx_http_interop_strip_headers(ngx_http_request_t *r, ngx_uint_t judged)
{
    ngx_uint_t        i, run;
    ngx_list_t        kept;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (!ngx_http_interop_any_unwanted(r, judged)) {
        return NGX_OK;
    }

    kept = r->headers_in.headers;
    kept.part.nelts = 0;
    kept.part.next = NULL;
    kept.last = NULL;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;
        run = 0;

        for (i = 0; i < part->nelts; i++) {

            if (!ngx_http_interop_unwanted(&h[i], judged)) {
                continue;
            }

            if (ngx_http_interop_keep_run(r, &kept, &h[run], i - run)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            if (&h[i] == r->headers_in.upgrade) {
                r->headers_in.upgrade = NULL;
            }

            run = i + 1;
        }

        if (ngx_http_interop_keep_run(r, &kept, &h[run], i - run) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (kept.last == NULL) {
        return ngx_list_init(&r->headers_in.headers, r->pool, 4,
                             sizeof(ngx_table_elt_t));
    }

    /* the last part is full: what is pushed goes to a new one */

    kept.nalloc = kept.last->nelts;

    if (kept.last == &kept.part) {
        kept.last = &r->headers_in.headers.part;
    }

    r->headers_in.headers = kept;

    return NGX_OK;
}


/* most requests have none, and keep the list that they came with */

static ngx_uint_t
ngx_http_interop_any_unwanted(ngx_http_request_t *r, ngx_uint_t judged)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_interop_unwanted(&h[i], judged)) {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_interop_keep_run(ngx_http_request_t *r, ngx_list_t *kept,
    ngx_table_elt_t *run, ngx_uint_t n)
{
    ngx_list_part_t  *part;

    if (n == 0) {
        return NGX_OK;
    }

    part = &kept->part;

    if (kept->last) {
        part = ngx_palloc(r->pool, sizeof(ngx_list_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        kept->last->next = part;
    }

    part->elts = run;
    part->nelts = n;
    part->next = NULL;

    kept->last = part;

    return NGX_OK;
}


ngx_uint_t
ngx_http_interop_unwanted(ngx_table_elt_t *h, ngx_uint_t judged)
{
    ngx_str_t  *name;

    if (h->key.len == 0) {
        return 0;
    }

    switch (h->key.data[0] | 0x20) {

    case 'i':

        /* by '_' as well, which is '-' to many an upstream */

        return (h->key.len > 8
                && ngx_strncasecmp(h->key.data, (u_char *) "interop", 7) == 0
                && (h->key.data[7] == '-' || h->key.data[7] == '_'))
               || (judged == 3 && ngx_http_interop_named(h, "if-range", 8));

    case 'a':
        return judged >= 2
               && ngx_http_interop_named(h, "accept-encoding", 15);

    case 'r':
        return judged == 3 && ngx_http_interop_named(h, "range", 5);

    case 'u':

        /* what follows an answer 101 would not be judged */

        return ngx_http_interop_named(h, "upgrade", 7)
               && (judged || ngx_http_interop_to_http(h));

    case 'x':

        /* none of them is shorter */

        if (judged == 0 || h->key.len < sizeof("x-http-method") - 1) {
            return 0;
        }

        for (name = ngx_http_interop_overrides; name->len; name++) {

            if (h->key.len == name->len
                && ngx_http_interop_named(h, (char *) name->data, name->len))
            {
                return 1;
            }
        }

        return 0;

    default:
        return 0;
    }
}


/* "h2c": further requests, which nobody would see; "websocket" is what it is */

static ngx_uint_t
ngx_http_interop_to_http(ngx_table_elt_t *h)
{
    size_t   left;
    u_char  *p;

    p = h->value.data;

    for (left = h->value.len; left >= 3; left--, p++) {

        if (ngx_strncasecmp(p, (u_char *) "h2c", 3) == 0
            || (left >= 5 && ngx_strncasecmp(p, (u_char *) "http/", 5) == 0))
        {
            return 1;
        }
    }

    return 0;
}


/* with underscores_in_headers '_' gets here, which is '-' to many upstreams */

ngx_uint_t
ngx_http_interop_named(ngx_table_elt_t *h, const char *name, size_t len)
{
    u_char  c;
    size_t  i;

    if (h->key.len != len) {
        return 0;
    }

    if (h->lowcase_key && ngx_memcmp(h->lowcase_key, name, len) == 0) {
        return 1;
    }

    for (i = 0; i < len; i++) {
        c = ngx_tolower(h->key.data[i]);

        if (c != (u_char) name[i] && !(c == '_' && name[i] == '-')) {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_interop_push_header(ngx_http_request_t *r, char *name, char *lowcase,
    interop_span_t value, ngx_table_elt_t **to)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->lowcase_key = (u_char *) lowcase;
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
    h->value = ngx_http_interop_str(value);

    if (to) {
        *to = h;
    }

    return NGX_OK;
}
