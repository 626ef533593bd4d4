/*
** record_json.c -- packed records from JSON objects, and back.
**
** Owns how facts look in JSON lines. Must not know any field but "id", "kind"
** and the default names of a list's pairs. Invariants: what JSON can say and a
** record cannot (fractions, deeper objects, mixed lists) is refused with a
** reason, never bent; what was taken comes back the same but for the order of
** members. An empty object {"a":{}} is kept as a null field "a.", which no
** JSON can spell otherwise, because empty names are refused.
*/
#include <yyjson.h>
#include "record.h"

typedef struct {
  in_arena_t *arena;
  in_draft_t *draft;
  interop_diag_t *diag;
  in_span_t outer;                /* the member whose object is being read, or absent */
} reader_t;

/* id before all others, then bytewise, so that an object's members lie together */
static bool after(in_span_t a, in_span_t b) {
  size_t shorter = a.n < b.n ? a.n : b.n;
  int c;
  if (in_eq(a, IN_SPAN("id")) || in_eq(b, IN_SPAN("id")))
    return !in_eq(a, IN_SPAN("id"));
  c = memcmp(a.p, b.p, shorter);
  return c != 0 ? c > 0 : a.n > b.n;
}

static void order(in_field_t *f, size_t count) {
  size_t gap = 1, i, j;
  while (gap < count / 3)
    gap = gap * 3 + 1;
  for (; gap > 0; gap /= 3)
    for (i = gap; i < count; i++) {
      in_field_t x = f[i];
      for (j = i; j >= gap && after(f[j - gap].name, x.name); j -= gap)
        f[j] = f[j - gap];
      f[j] = x;
    }
}

/* ------------------------------------------------------------- reading */

static void *alc_malloc(void *ctx, size_t size) {
  return in_arena_get(ctx, size);
}

static void *alc_realloc(void *ctx, void *old, size_t old_size, size_t size) {
  void *p = in_arena_get(ctx, size);
  if (p != NULL && old != NULL)
    memcpy(p, old, old_size < size ? old_size : size);
  return p;
}

static void alc_free(void *ctx, void *p) {
  (void) ctx;
  (void) p;
}

static in_span_t span_of(yyjson_val *v) {
  return in_span(yyjson_get_str(v), yyjson_get_len(v));
}

/* the document's root, or NULL and the diagnostic set */
static yyjson_val *parse(in_span_t text, in_arena_t *arena, interop_diag_t *diag) {
  yyjson_alc alc = { alc_malloc, alc_realloc, alc_free, NULL };
  yyjson_read_err err;
  yyjson_doc *doc;
  alc.ctx = arena;
  memset(&err, 0, sizeof err);
  /* without the in-situ flag the text is only read */
  doc = yyjson_read_opts((char *) (uintptr_t) text.p, text.n, YYJSON_READ_NOFLAG, &alc, &err);
  if (doc != NULL)
    return yyjson_doc_get_root(doc);
  if (err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
    in_diag_set(diag, INTEROP_NOMEM, "out of memory");
  else if (text.n == 0)
    in_diag_set(diag, INTEROP_SYNTAX, "not valid JSON: it is empty");
  else
    in_diag_set(diag, INTEROP_SYNTAX, "column %zu: not valid JSON: %s", err.pos + 1, err.msg);
  return NULL;
}

static bool refuse(reader_t *r, in_span_t name, const char *why) {
  in_diag_set(r->diag, INTEROP_SYNTAX, "member \"%.*s%s%.*s\" %s",
              (int) (r->outer.n < 80 ? r->outer.n : 80), r->outer.p == NULL ? "" : r->outer.p,
              r->outer.p == NULL ? "" : ".",
              (int) (name.n < 80 ? name.n : 80), name.p, why);
  return false;
}

static bool no_memory(reader_t *r) {
  in_diag_set(r->diag, INTEROP_NOMEM, "out of memory");
  return false;
}

/* "user" names the item wherever it stands; else the first member does */
static bool name_pair(yyjson_val *object, in_field_t *f) {
  yyjson_obj_iter it = yyjson_obj_iter_with(object);
  in_span_t a = span_of(yyjson_obj_iter_next(&it)), b = span_of(yyjson_obj_iter_next(&it));
  bool swap = in_eq(b, IN_SPAN("user"));
  f->pair[0] = swap ? b : a;
  f->pair[1] = swap ? a : b;
  return a.n > 0 && b.n > 0 && !in_eq(a, b);
}

static yyjson_val *member(yyjson_val *object, in_span_t name) {
  return yyjson_obj_getn(object, name.p, name.n);
}

/* {"user": "u"} is the item "u"; {"user": "u", "joined": "t"} a pair */
static bool read_pair(yyjson_val *object, in_field_t *f, yyjson_val **item, yyjson_val **second) {
  if (yyjson_obj_size(object) == 1) {
    *item = yyjson_obj_get(object, "user");
    return yyjson_is_str(*item);
  }
  if (yyjson_obj_size(object) != 2 || (f->pair[0].p == NULL && !name_pair(object, f)))
    return false;
  *item = member(object, f->pair[0]);
  *second = member(object, f->pair[1]);
  return yyjson_is_str(*item) && yyjson_is_str(*second);
}

static bool read_list(reader_t *r, in_field_t *f, in_span_t name, yyjson_val *array) {
  yyjson_arr_iter it = yyjson_arr_iter_with(array);
  interop_alloc_t alloc = in_arena_alloc(r->arena);
  yyjson_val *v, *item, *second;
  in_buf_t b;
  in_buf_init(&b, &alloc);
  while ((v = yyjson_arr_iter_next(&it)) != NULL) {
    item = v;
    second = NULL;
    if (yyjson_is_obj(v) ? !read_pair(v, f, &item, &second) : !yyjson_is_str(v))
      return refuse(r, name, "is a list with an item that is neither a text nor an object of"
                             " two texts named as in the items before");
    in_pack_item(&b, span_of(item), second == NULL ? IN_NONE : span_of(second));
  }
  if (b.failed)
    return b.n >= IN_RECORD_MAX ? refuse(r, name, "is too large") : no_memory(r);
  f->value = in_value_list(in_buf_span(&b), (uint32_t) yyjson_arr_size(array));
  return true;
}

static bool read_scalar(reader_t *r, in_field_t *f, in_span_t name, yyjson_val *v) {
  if (yyjson_is_null(v))
    return true;
  if (yyjson_is_str(v)) {
    f->value = in_value_text(span_of(v));
    return true;
  }
  if (yyjson_is_real(v) || (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX))
    return refuse(r, name, "is not a whole number of 64 bits");
  f->value.type = yyjson_is_bool(v) ? INTEROP_T_FLAG : INTEROP_T_NUMBER;
  f->value.number = yyjson_is_bool(v) ? yyjson_get_bool(v) : yyjson_get_sint(v);
  return true;
}

static bool read_value(reader_t *r, in_field_t *f, in_span_t name, yyjson_val *v) {
  if (yyjson_is_obj(v))
    return refuse(r, name, "is an object within an object; facts nest one level deep");
  return yyjson_is_arr(v) ? read_list(r, f, name, v) : read_scalar(r, f, name, v);
}

static in_span_t dotted(reader_t *r, in_span_t name) {
  char *p = in_arena_get(r->arena, r->outer.n + 1 + name.n);
  if (p == NULL)
    return IN_NONE;
  memcpy(p, r->outer.p, r->outer.n);
  p[r->outer.n] = '.';
  if (name.n > 0)
    memcpy(p + r->outer.n + 1, name.p, name.n);
  return in_span(p, r->outer.n + 1 + name.n);
}

static bool read_field(reader_t *r, in_span_t name, yyjson_val *v) {
  in_span_t full = r->outer.p == NULL ? name : dotted(r, name);
  in_field_t *f = full.p == NULL ? NULL : in_draft_add(r->draft, full);
  return f == NULL ? no_memory(r) : read_value(r, f, name, v);
}

static bool read_object(reader_t *r, in_span_t name, yyjson_val *object) {
  yyjson_obj_iter it = yyjson_obj_iter_with(object);
  yyjson_val *key;
  r->outer = name;
  if (yyjson_obj_size(object) == 0 && in_draft_add(r->draft, dotted(r, IN_SPAN(""))) == NULL)
    return no_memory(r);
  while ((key = yyjson_obj_iter_next(&it)) != NULL) {
    in_span_t inner = span_of(key);
    if (inner.n == 0)
      return refuse(r, inner, "has no name");
    if (!read_field(r, inner, yyjson_obj_iter_get_val(key)))
      return false;
  }
  r->outer = IN_NONE;
  return true;
}

static bool read_member(reader_t *r, in_span_t name, yyjson_val *v) {
  if (name.p == NULL || name.n == 0)
    return refuse(r, name, "has no name");
  if (memchr(name.p, '.', name.n) != NULL)
    return refuse(r, name, "has a dot in its name; write {\"a\": {\"b\": ...}} for a.b");
  return yyjson_is_obj(v) ? read_object(r, name, v) : read_field(r, name, v);
}

/* {"a":1,"a":{"b":2}} makes fields of two names, but is no less ambiguous */
static bool each_once(reader_t *r, yyjson_val *root) {
  yyjson_obj_iter it = yyjson_obj_iter_with(root);
  yyjson_val *key;
  in_draft_t names;
  size_t i;
  in_draft_init(&names, r->arena);
  while ((key = yyjson_obj_iter_next(&it)) != NULL)
    if (in_draft_add(&names, span_of(key)) == NULL)
      return no_memory(r);
  order(names.fields, names.count);
  for (i = 1; i < names.count; i++)
    if (in_eq(names.fields[i].name, names.fields[i - 1].name))
      return refuse(r, names.fields[i].name, "is given twice");
  return true;
}

static bool read_members(reader_t *r, yyjson_val *root) {
  yyjson_obj_iter it;
  yyjson_val *key;
  if (!yyjson_is_obj(root)) {
    in_diag_set(r->diag, INTEROP_SYNTAX, "not an object");
    return false;
  }
  if (!each_once(r, root))
    return false;
  it = yyjson_obj_iter_with(root);
  while ((key = yyjson_obj_iter_next(&it)) != NULL)
    if (!read_member(r, span_of(key), yyjson_obj_iter_get_val(key)))
      return false;
  return true;
}

static bool kind_named(in_span_t text, interop_record_kind_t *kind) {
  unsigned i;
  for (i = 0; i < INTEROP_RECORD_COUNT; i++)
    if (in_eq(text, in_str(interop_record_kind_name((interop_record_kind_t) i)))) {
      *kind = (interop_record_kind_t) i;
      return true;
    }
  return false;
}

/* a record that has a fact "kind" says by "record" what it is itself */
static bool take_kind(reader_t *r, interop_record_kind_t *kind) {
  in_field_t *f = in_draft_find(r->draft, IN_SPAN("record"));
  if (f == NULL) f = in_draft_find(r->draft, IN_SPAN("kind"));
  if (f == NULL || f->value.type != INTEROP_T_TEXT || !kind_named(f->value.text, kind)) {
    in_diag_set(r->diag, INTEROP_SYNTAX, "member \"kind\" must be"
                " \"tenant\", \"user\", \"conversation\", \"message\" or \"call\"");
    return false;
  }
  *f = r->draft->fields[--r->draft->count];
  return true;
}

static bool has_id(reader_t *r) {
  in_field_t *f = in_draft_find(r->draft, IN_SPAN("id"));
  if (f != NULL && f->value.type == INTEROP_T_TEXT && f->value.text.n > 0)
    return true;
  in_diag_set(r->diag, INTEROP_SYNTAX, f == NULL ? "member \"id\" is missing"
                                                 : "member \"id\" must be a text, not empty");
  return false;
}

interop_status_t in_record_from_json(in_span_t text, interop_record_kind_t *kind,
    const interop_alloc_t *alloc, in_span_t *record, interop_diag_t *diag) {
  reader_t r = { NULL, NULL, NULL, IN_NONE };
  interop_status_t status;
  in_arena_t arena;
  in_draft_t draft;
  yyjson_val *root;
  *record = IN_NONE;
  in_arena_init(&arena, alloc);
  in_draft_init(&draft, &arena);
  r.arena = &arena;
  r.draft = &draft;
  r.diag = diag;
  root = parse(text, &arena, diag);
  if (root == NULL || !read_members(&r, root) || (kind != NULL && !take_kind(&r, kind))
      || !has_id(&r))
    status = diag->status;
  else
    status = in_draft_pack(&draft, alloc, record, diag);
  in_arena_free(&arena);
  return status;
}

interop_status_t in_value_from_json(in_span_t text, in_arena_t *arena,
                                    in_field_t *field, interop_diag_t *diag) {
  reader_t r = { NULL, NULL, NULL, IN_NONE };
  yyjson_val *root = parse(text, arena, diag);
  r.arena = arena;
  r.diag = diag;
  if (root == NULL || !read_value(&r, field, field->name, root))
    return diag->status;
  return INTEROP_OK;
}

/* ------------------------------------------------------------- writing */

static void put_text(in_buf_t *b, in_span_t s) {
  static const char hex[] = "0123456789abcdef";
  size_t i, from = 0;
  in_buf_byte(b, '"');
  for (i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    char escape[6] = { '\\', 'u', '0', '0', 0, 0 };
    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    in_buf_put(b, in_span(s.p + from, i - from));
    from = i + 1;
    escape[4] = hex[c >> 4];
    escape[5] = hex[c & 15];
    if (c >= 0x20) {
      escape[1] = (char) c;
      in_buf_put(b, in_span(escape, 2));
    }
    else
      in_buf_put(b, in_span(escape, 6));
  }
  in_buf_put(b, in_span(s.p + from, s.n - from));
  in_buf_byte(b, '"');
}

static void put_pair(in_buf_t *b, const in_field_t *f, in_span_t item, in_span_t second) {
  bool named = f->pair[0].p != NULL;
  in_buf_byte(b, '{');
  put_text(b, named ? f->pair[0] : IN_SPAN("user"));
  in_buf_byte(b, ':');
  put_text(b, item);
  in_buf_byte(b, ',');
  put_text(b, named ? f->pair[1] : IN_SPAN("joined"));
  in_buf_byte(b, ':');
  put_text(b, second);
  in_buf_byte(b, '}');
}

static void put_list(in_buf_t *b, const in_field_t *f) {
  in_span_t item, second;
  size_t at = 0;
  in_buf_byte(b, '[');
  while (interop_value_item(&f->value, &at, &item, &second)) {
    if (b->n > 0 && b->p[b->n - 1] != '[')
      in_buf_byte(b, ',');
    if (second.p == NULL)
      put_text(b, item);
    else
      put_pair(b, f, item, second);
  }
  in_buf_byte(b, ']');
}

void in_value_to_json(const in_field_t *field, in_buf_t *b) {
  const interop_value_t *v = &field->value;
  switch (v->type) {
    case INTEROP_T_FLAG: in_buf_put(b, v->number ? IN_SPAN("true") : IN_SPAN("false")); break;
    case INTEROP_T_NUMBER: in_buf_number(b, v->number); break;
    case INTEROP_T_TEXT: put_text(b, v->text); break;
    case INTEROP_T_LIST: put_list(b, field); break;
    default: in_buf_put(b, IN_SPAN("null")); break;
  }
}

static in_span_t outer_of(in_span_t name) {
  const char *dot = name.n == 0 ? NULL : memchr(name.p, '.', name.n);
  return dot == NULL ? IN_NONE : in_span(name.p, (size_t) (dot - name.p));
}

/* opens and closes objects on the way from one field's name to the next's */
static void put_field(in_buf_t *b, in_span_t *open, const in_field_t *f) {
  in_span_t outer = outer_of(f->name);
  in_span_t inner = outer.p == NULL ? f->name
                  : in_span(f->name.p + outer.n + 1, f->name.n - outer.n - 1);
  if (open->p != NULL && !in_eq(*open, outer)) {
    in_buf_byte(b, '}');
    *open = IN_NONE;
  }
  if (outer.p != NULL && open->p == NULL) {
    if (b->n > 0 && b->p[b->n - 1] != '{')
      in_buf_byte(b, ',');
    put_text(b, outer);
    in_buf_put(b, IN_SPAN(":{"));
    *open = outer;
  }
  if (inner.n == 0)
    return;
  if (b->n > 0 && b->p[b->n - 1] != '{')
    in_buf_byte(b, ',');
  put_text(b, inner);
  in_buf_byte(b, ':');
  in_value_to_json(f, b);
}

/*
** '.' sorts below letters and digits but above '-': "a", "a-b", "a.c". A name
** with a clash ("a" beside "a.c") cannot be: in_draft_set keeps them apart.
*/
interop_status_t in_record_to_json(in_span_t record, in_span_t kind, in_buf_t *b) {
  in_span_t open = IN_NONE;
  interop_status_t status;
  in_arena_t arena;
  in_draft_t draft;
  size_t i;
  in_arena_init(&arena, b->alloc);
  in_draft_init(&draft, &arena);
  status = in_draft_load(&draft, record);
  if (status == INTEROP_OK) {
    in_buf_byte(b, '{');
    if (kind.p != NULL) {
      bool fact = in_draft_find(&draft, IN_SPAN("kind")) != NULL;
      in_buf_put(b, fact ? IN_SPAN("\"record\":") : IN_SPAN("\"kind\":"));
      put_text(b, kind);
    }
    order(draft.fields, draft.count);
    for (i = 0; i < draft.count; i++)
      put_field(b, &open, &draft.fields[i]);
    in_buf_put(b, open.p == NULL ? IN_SPAN("}") : IN_SPAN("}}"));
  }
  in_arena_free(&arena);
  return status == INTEROP_OK && b->failed ? INTEROP_NOMEM : status;
}
