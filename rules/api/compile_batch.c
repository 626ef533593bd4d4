/*
** compile_batch.c -- `items` of an operation: the form of several requests in one.
**
**   items json /MEMBER answers /MEMBER { limit N else REASON;  silent else REASON;
**       id /M;  method /M;  url /M [under /PATH];  headers /M;  body /M;  status /M;
**       [after /M else REASON;] }
**   items multipart { limit N else REASON;  silent else REASON; }
**
** Owns what can stand there and what must. Members are those of an item, or of
** the body itself; reasons are those that the vocabulary declares.
*/
#include "batch.h"
#include "compile.h"

typedef struct {
  in_apic_t *c;
  in_oper_t *o;
  in_ai_batch_t rec;
  const in_stmt_t *stmt;
} reader_t;

static bool bad_form(reader_t *r, const in_stmt_t *s, const char *form) {
  return in_apic_bad(r->c, in_stmt_place(s), form, "this statement has another form");
}

/* a pointer with one name */
static bool read_member(reader_t *r, const in_stmt_t *s, uint32_t i, const char *form, in_ref_t *ref) {
  in_names_t names;
  if (!in_apic_is_pointer(s, i)) return bad_form(r, s, form);
  if (!in_apic_names(r->c, &s->tok[i], &names)) return false;
  if (names.count != 1) return in_apic_bad(r->c, s->tok[i].place, form, "a single member is wanted here");
  *ref = in_builder_str(r->c->b, names.name[0]);
  return true;
}

/* "else REASON" at i, as the statement's end */
static bool read_reason(reader_t *r, const in_stmt_t *s, uint32_t i, const char *form, in_ref_t *ref) {
  if (s->ntok != i + 2 || s->has_block || !in_tok_is(s, i, "else") || !in_apic_word(s, i + 1)) return bad_form(r, s, form);
  if (in_vocab_reason(r->c->v, s->tok[i + 1].text) < 0) {
    in_vocab_no(r->c->v, IN_W_REASON, &s->tok[i + 1], r->c->diag);
    return false;
  }
  *ref = in_builder_str(r->c->b, s->tok[i + 1].text);
  return true;
}

/* ---- statements */

static bool read_limit(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "limit 20 else REASON;";
  uint32_t n = s->ntok > 1 ? in_json_index(s->tok[1].text) : UINT32_MAX;
  if (n == 0 || n > IN_BATCH_ITEMS) return in_apic_bad(r->c, in_stmt_place(s), form, "a limit is from 1 to %u", IN_BATCH_ITEMS);
  r->rec.limit = n;
  return read_reason(r, s, 2, form, &r->rec.over);
}

static bool read_silent(reader_t *r, const in_stmt_t *s) {
  return read_reason(r, s, 1, "silent else REASON;", &r->rec.silent);
}

static bool read_after(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "after /MEMBER else REASON;";
  return read_member(r, s, 1, form, &r->rec.after) && read_reason(r, s, 2, form, &r->rec.failed);
}

static bool read_url(reader_t *r, const in_stmt_t *s) {
  static const char form[] = "url /MEMBER [under /PATH];";
  in_tok_t method;
  if ((s->ntok != 2 && s->ntok != 4) || s->has_block || (s->ntok == 4 && !in_tok_is(s, 2, "under"))) return bad_form(r, s, form);
  if (!read_member(r, s, 1, form, &r->rec.url)) return false;
  if (s->ntok == 2) return true;
  method = s->tok[2];
  method.kind = IN_TOK_WORD;
  method.text = IN_SPAN("GET");
  return in_apic_make_bare(r->c, &method, &s->tok[3], &r->rec.base) && in_apic_path_has(r->c, r->o, &s->tok[3], r->rec.base);
}

static bool read_plain(reader_t *r, const in_stmt_t *s, in_ref_t *ref) {
  static const char form[] = "id /MEMBER;  method /MEMBER;  headers /MEMBER;  body /MEMBER;  status /MEMBER;";
  if (s->ntok != 2 || s->has_block) return bad_form(r, s, form);
  return read_member(r, s, 1, form, ref);
}

static bool read_id(reader_t *r, const in_stmt_t *s) { return read_plain(r, s, &r->rec.id); }
static bool read_method(reader_t *r, const in_stmt_t *s) { return read_plain(r, s, &r->rec.method); }
static bool read_headers(reader_t *r, const in_stmt_t *s) { return read_plain(r, s, &r->rec.headers); }
static bool read_body(reader_t *r, const in_stmt_t *s) { return read_plain(r, s, &r->rec.body); }
static bool read_status(reader_t *r, const in_stmt_t *s) { return read_plain(r, s, &r->rec.status); }

/* what a multipart batch has too stands first */
static const struct { const char *word; bool (*read)(reader_t *r, const in_stmt_t *s); } rows[] = {
  { "limit", read_limit }, { "silent", read_silent }, { "id", read_id }, { "method", read_method }, { "url", read_url },
  { "headers", read_headers }, { "body", read_body }, { "status", read_status }, { "after", read_after },
};

static bool read_row(reader_t *r, const in_stmt_t *s) {
  in_span_t names[in_countof(rows)];
  size_t n = r->rec.flags & IN_BATCH_PARTS ? 2 : in_countof(rows);
  for (size_t i = 0; i < n; i++) {
    if (in_tok_is(s, 0, rows[i].word)) return rows[i].read(r, s);
    names[i] = in_str(rows[i].word);
  }
  return in_apic_unknown(r->c, "statement", &s->tok[0], names, n);
}

/* ---- the whole */

static bool read_head(reader_t *r) {
  static const char form[] = "items json /MEMBER answers /MEMBER { ... }  items multipart { ... }";
  const in_stmt_t *s = r->stmt;
  if (!s->has_block) return bad_form(r, s, form);
  if (s->ntok == 2 && in_tok_is(s, 1, "multipart")) {
    r->rec.flags |= IN_BATCH_PARTS;
    return true;
  }
  if (s->ntok != 5 || !in_tok_is(s, 1, "json") || !in_tok_is(s, 3, "answers")) return bad_form(r, s, form);
  return read_member(r, s, 2, form, &r->rec.list) && read_member(r, s, 4, form, &r->rec.answers);
}

static bool is_whole(reader_t *r) {
  const in_ai_batch_t *b = &r->rec;
  if (b->over.len == 0 || b->silent.len == 0)
    return in_apic_bad(r->c, in_stmt_place(r->stmt), "limit 20 else REASON;  silent else REASON;",
                       "a batch has a limit, and a reason for an answer that does not come");
  if (b->flags & IN_BATCH_PARTS) return true;
  if (b->id.len > 0 && b->method.len > 0 && b->url.len > 0 && b->headers.len > 0 && b->body.len > 0 && b->status.len > 0)
    return true;
  return in_apic_bad(r->c, in_stmt_place(r->stmt), NULL, "an item has id, method, url, headers, body and status");
}

bool in_apic_batch(in_apic_t *c, in_oper_t *o, const in_stmt_t *s) {
  reader_t r = { .c = c, .o = o, .stmt = s };
  r.rec.base = IN_NIL;
  if (o->rec.batch != IN_NIL) return in_apic_bad(c, in_stmt_place(s), NULL, "items stands twice");
  if (!read_head(&r)) return false;
  for (const in_stmt_t *row = s->block; row != NULL; row = row->next)
    if (!read_row(&r, row)) return false;
  if (!is_whole(&r)) return false;
  if (r.rec.failed.len == 0) r.rec.failed = r.rec.silent;
  o->rec.batch = in_builder_add(c->b, IN_S_BATCHES, &r.rec, 1, sizeof(r.rec));
  return !c->b->failed || in_apic_nomem(c);
}

bool in_apic_batch_there(in_apic_t *c, const in_oper_t *o) {
  bool batch = o->rec.operation == INTEROP_OP_BATCH;
  if (batch && o->rec.batch == IN_NIL)
    return in_apic_bad(c, in_stmt_place(o->stmt), "items json /MEMBER answers /MEMBER { ... }  items multipart { ... }",
                       "a batch says what its items are");
  if (!batch && o->rec.batch != IN_NIL)
    return in_apic_bad(c, in_stmt_place(o->stmt), NULL, "only the operation batch has items");
  if (batch && o->rec.when.count + o->rec.when_query.len > 0)
    return in_apic_bad(c, in_stmt_place(o->stmt), NULL, "a batch has no `when`");
  return true;
}
