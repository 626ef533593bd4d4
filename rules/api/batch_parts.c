/*
** batch_parts.c -- a batch that is a multipart body: taken apart.
**
** Owns the reading of RFC 2046 and of HTTP messages in it (RFC 9112), strictly:
** line ends are CR LF, a delimiter is a line of its own wherever its bytes are
** seen, nothing stands before the first or behind the last, a length that is
** told is the length, and what frames a body in another way is refused.
** Upstream's answers are read by the same rules, but for what stands around.
*/
#include "batch.h"

#define FIELDS_MAX  64u           /* headers of one message */

static bool starts_line(in_span_t s) {
  return s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n';
}

static in_span_t from(in_span_t s, size_t n) {
  return in_span(s.p + n, s.n - n);
}

/* ---- header fields */

static bool is_token(in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL)) return false;
  }
  return s.n > 0;
}

static bool is_text(in_span_t s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

/* takes a line off, without its end; false: there is no whole one, or a CR or LF stands alone in it */
static bool take_line(in_span_t *s, in_span_t *line) {
  const char *cr = s->n > 0 ? memchr(s->p, '\r', s->n) : NULL;
  if (cr == NULL || !starts_line(from(*s, (size_t) (cr - s->p)))) return false;
  *line = in_span(s->p, (size_t) (cr - s->p));
  *s = from(*s, line->n + 2);
  return line->n == 0 || memchr(line->p, '\n', line->n) == NULL;
}

static bool read_field(in_span_t line, in_line_t *f) {
  const char *colon = memchr(line.p, ':', line.n);
  if (colon == NULL) return false;
  f->name = in_span(line.p, (size_t) (colon - line.p));
  f->value = in_trim(from(line, f->name.n + 1));
  return is_token(f->name) && is_text(f->value);
}

static uint32_t count_lines(in_span_t s) {
  uint32_t n = 0;
  in_span_t line;
  while (n <= FIELDS_MAX && take_line(&s, &line) && line.n > 0) n++;
  return n;
}

/* fields up to the empty line, which is taken too; open: the end may stand for it */
static bool read_fields(in_span_t *s, bool open, in_arena_t *arena, in_line_t **field, uint32_t *count) {
  uint32_t most = count_lines(*s);
  in_span_t line;
  *count = 0;
  *field = in_arena_array(arena, most + 1, sizeof(**field));
  if (*field == NULL || most > FIELDS_MAX) return false;
  for (;;) {
    if (s->n == 0 && open) return true;
    if (!take_line(s, &line)) return false;
    if (line.n == 0) return true;
    if (*count == most || !read_field(line, &(*field)[(*count)++])) return false;
  }
}

/* a field's value; false: it stands twice */
static bool only(const in_line_t *f, uint32_t n, const char *name, in_span_t *value) {
  *value = IN_NONE;
  for (uint32_t i = 0; i < n; i++) {
    if (!in_eq_nocase(f[i].name, in_str(name))) continue;
    if (value->p != NULL) return false;
    *value = f[i].value;
  }
  return true;
}

/* ---- between delimiters */

typedef struct {
  in_span_t all, delimiter;
  size_t at;                      /* where the next delimiter begins */
  bool strict, last;
} split_t;

/* what may stand around: line ends, or anything in an answer */
static bool nothing_else(const split_t *p, in_span_t s) {
  for (size_t i = 0; i < s.n && p->strict; i++)
    if (s.p[i] != '\r' && s.p[i] != '\n') return false;
  return true;
}

static bool find(const split_t *p, size_t i, size_t *at) {
  const char *q = memmem(p->all.p + i, p->all.n - i, p->delimiter.p, p->delimiter.n);
  if (q == NULL) return false;
  *at = (size_t) (q - p->all.p);
  return true;
}

static bool split_begin(split_t *p) {
  return find(p, 0, &p->at) && nothing_else(p, in_span(p->all.p, p->at))
         && (p->at == 0 || (p->at >= 2 && starts_line(from(p->all, p->at - 2))));
}

/* the next part; false: there is none, or (wrong) it cannot be told where it ends */
static bool split_next(split_t *p, in_span_t *part, bool *wrong) {
  size_t start = p->at + p->delimiter.n, end;
  in_span_t rest = from(p->all, start);
  if (in_starts(rest, IN_SPAN("--"))) {
    p->last = true;
    *wrong = !nothing_else(p, from(rest, 2)) || (rest.n > 2 && !starts_line(from(rest, 2)));
    return false;
  }
  *wrong = !starts_line(rest) || !find(p, start + 2, &end) || end < start + 4 || !starts_line(from(p->all, end - 2));
  if (*wrong) return false;
  *part = in_span(p->all.p + start + 2, end - start - 4);
  p->at = end;
  return true;
}

/* ---- a part, and the message in it */

static bool read_part(in_span_t whole, in_arena_t *arena, in_part_t *part) {
  in_span_t s = whole;
  part->whole = whole;
  if (!read_fields(&s, false, arena, &part->field, &part->fields)) return false;
  part->content = s;
  return true;
}

static bool read_message(in_span_t s, in_arena_t *arena, in_message_t *m) {
  if (!take_line(&s, &m->line) || !read_fields(&s, true, arena, &m->field, &m->fields)) return false;
  m->body = s;
  return true;
}

static bool has_type(const in_part_t *part, const char *msgtype) {
  in_span_t value, type, is, encoding;
  if (!only(part->field, part->fields, "content-type", &value) || !in_media_type(value, &type)
      || !in_eq_nocase(type, IN_SPAN("application/http"))) return false;
  if (in_media_parameter(value, IN_SPAN("msgtype"), &is) && !in_eq_nocase(is, in_str(msgtype))) return false;
  if (!only(part->field, part->fields, "content-transfer-encoding", &encoding)) return false;
  return encoding.p == NULL || in_eq_nocase(encoding, IN_SPAN("binary")) || in_eq_nocase(encoding, IN_SPAN("8bit"))
         || in_eq_nocase(encoding, IN_SPAN("7bit"));
}

/* the length, where it is told, is the body's, but for line ends behind it */
static bool fits_length(in_message_t *m) {
  in_span_t length, transfer;
  size_t n = 0;
  if (!only(m->field, m->fields, "content-length", &length) || !only(m->field, m->fields, "transfer-encoding", &transfer)
      || transfer.p != NULL) return false;
  if (length.p == NULL) return true;
  if (length.n == 0 || length.n > 10) return false;
  for (size_t i = 0; i < length.n; i++) {
    if (length.p[i] < '0' || length.p[i] > '9') return false;
    n = n * 10 + (size_t) (length.p[i] - '0');
  }
  if (n > m->body.n) return false;
  for (size_t i = n; i < m->body.n; i++)
    if (m->body.p[i] != '\r' && m->body.p[i] != '\n') return false;
  m->body.n = n;
  return true;
}

/* "POST /path HTTP/1.1" */
static bool read_request_line(in_span_t line, in_bitem_t *i) {
  const char *a = memchr(line.p, ' ', line.n), *z = memrchr(line.p, ' ', line.n);
  if (a == NULL || z == a) return false;
  i->method = in_span(line.p, (size_t) (a - line.p));
  i->target = in_span(a + 1, (size_t) (z - a) - 1);
  in_span_t version = in_span(z + 1, (size_t) (line.p + line.n - z) - 1);
  if (!in_eq(version, IN_SPAN("HTTP/1.1")) && !in_eq(version, IN_SPAN("HTTP/1.0"))) return false;
  return is_token(i->method) && i->target.n > 0 && is_text(i->target) && memchr(i->target.p, ' ', i->target.n) == NULL
         && memchr(i->target.p, '\t', i->target.n) == NULL;
}

static bool unwanted(const in_line_t *f, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (in_batch_unwanted(f[i].name)) return true;
  return false;
}

static const char *read_item(in_batch_t *b, in_span_t whole, in_bitem_t *i) {
  in_message_t *m = &i->part.message;
  in_span_t host;
  if (!read_part(whole, b->arena, &i->part) || !has_type(&i->part, "request")) return "a part is no HTTP request";
  if (!read_message(i->part.content, b->arena, m) || !read_request_line(m->line, i))
    return "the request in a part cannot be read";
  if (!only(m->field, m->fields, "content-type", &i->content_type)
      || !only(m->field, m->fields, "content-encoding", &i->content_encoding)
      || !only(m->field, m->fields, "host", &host)) return "a header of the request in a part stands twice";
  if (!fits_length(m)) return "the length of the request in a part is another";
  i->unwanted = unwanted(i->part.field, i->part.fields) || unwanted(m->field, m->fields);
  if (m->body.n > 0) i->body = m->body;
  if (i->target.n > IN_BATCH_URL) {       /* it is looked at no more */
    i->path_text = IN_SPAN("the target of this request is too long");
    i->target = IN_SPAN("/");
  }
  if (i->target.p[0] != '/' || in_starts(i->target, IN_SPAN("//"))) i->path_text = IN_SPAN("the target of this request is no path");
  return NULL;
}

/* ---- the whole */

static bool is_boundary(in_span_t s) {
  if (s.n == 0 || s.n > 70 || s.p[s.n - 1] == ' ') return false;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && (c == 0 || strchr("'()+_,-./:=? ", c) == NULL)) return false;
  }
  return true;
}

static in_span_t delimiter(in_batch_t *b, in_span_t boundary) {
  return in_arena_printf(b->arena, "--%.*s", (int) boundary.n, boundary.p);
}

static interop_status_t read_items(in_batch_t *b, split_t *p) {
  bool wrong = false;
  in_span_t whole;
  while (split_next(p, &whole, &wrong)) {
    const char *why;
    if (b->count == b->form->limit) {
      in_batch_refuse(b, in_image_str(b->img, b->form->over),
                      in_arena_printf(b->arena, "at most %u requests in one", b->form->limit));
      return INTEROP_OK;
    }
    why = read_item(b, whole, &b->item[b->count++]);
    if (why != NULL) in_batch_wrong(b, in_str(why));
    if (why != NULL) return INTEROP_OK;
  }
  if (wrong) in_batch_wrong(b, IN_SPAN("the parts of the body cannot be told apart"));
  else if (b->count == 0) in_batch_wrong(b, IN_SPAN("there is no request in the batch"));
  return INTEROP_OK;
}

interop_status_t in_batch_parts_read(in_batch_t *b, const interop_request_t *req) {
  split_t p = { req->body, IN_NONE, 0, true, false };
  if (!in_media_parameter(req->content_type, IN_SPAN("boundary"), &b->boundary) || !is_boundary(b->boundary)) {
    in_batch_wrong(b, IN_SPAN("the content type names no boundary"));
    return INTEROP_OK;
  }
  p.delimiter = delimiter(b, b->boundary);
  b->item = in_arena_array(b->arena, b->form->limit, sizeof(*b->item));
  if (p.delimiter.p == NULL || b->item == NULL) return INTEROP_NOMEM;
  if (req->body.n > 0 && split_begin(&p)) return read_items(b, &p);
  in_batch_wrong(b, IN_SPAN("the body does not begin with its boundary"));
  return INTEROP_OK;
}

/* ---- upstream's answer */

/* the first line that begins with "--" is the delimiter, as its type is not told here */
static bool own_delimiter(in_span_t s, in_span_t *found) {
  size_t i = 0;
  in_span_t rest;
  if (!in_starts(s, IN_SPAN("--"))) {
    const char *q = memmem(s.p, s.n, "\r\n--", 4);
    if (q == NULL) return false;
    i = (size_t) (q - s.p) + 2;
  }
  rest = from(s, i);
  if (!take_line(&rest, found)) return false;
  *found = in_trim(*found);
  return found->n > 2 && found->n <= 72;
}

static unsigned status_of(in_span_t line) {
  unsigned n = 0;
  if (!in_starts(line, IN_SPAN("HTTP/1.")) || line.n < 12 || line.p[8] != ' ') return 0;
  for (size_t i = 9; i < 12; i++) {
    if (line.p[i] < '0' || line.p[i] > '9') return 0;
    n = n * 10 + (unsigned) (line.p[i] - '0');
  }
  return line.n == 12 || line.p[12] == ' ' ? n : 0;
}

/* servers were seen that put a byte or two before their JSON */
static in_span_t skip_junk(in_span_t s) {
  for (size_t i = 0; i < s.n && i < 4; i++)
    if (s.p[i] == '{' || s.p[i] == '[') return from(s, i);
  return s;
}

static void read_answer(in_batch_t *b, in_span_t whole, in_theirs_t *t) {
  const in_message_t *m = &t->part.message;
  in_span_t encoding;
  if (!read_part(whole, b->arena, &t->part) || !read_message(t->part.content, b->arena, &t->part.message)) return;
  t->there = true;
  t->status = status_of(m->line);
  if (!only(m->field, m->fields, "location", &t->location)) t->location = IN_NONE;
  if (m->body.n == 0) t->body = IN_SPAN("");
  else if (only(m->field, m->fields, "content-encoding", &encoding) && encoding.p == NULL) t->body = skip_junk(m->body);
}

/* answers come in the order of the requests that went on; all of them, where nothing was kept back */
interop_status_t in_batch_parts_answers(in_batch_t *b, const in_batch_send_t *send, in_span_t body,
                                        in_batch_answer_t *a) {
  split_t p = { body, IN_NONE, 0, false, false };
  bool wrong = false;
  in_span_t *whole = in_arena_array(b->arena, b->count, sizeof(*whole)), part;
  uint32_t n = 0, k = 0;
  if (whole == NULL) return INTEROP_NOMEM;
  if (!own_delimiter(body, &p.delimiter) || !split_begin(&p)) return INTEROP_OK;
  while (split_next(&p, &part, &wrong))
    if (n < b->count) whole[n++] = part;
  a->read = !wrong;
  for (uint32_t i = 0; i < b->count && k < n && !wrong; i++)
    if (n == b->count || !send[i].stays) read_answer(b, whole[k++], &a->theirs[i]);
  return INTEROP_OK;
}
