/*
** fmt.c -- see fmt.h.
**
** Read: words and comments of the source become pieces, each with what stands
** before it: a new line, how many blank lines, how wide a gap. Two or more spaces
** in a line are a column. Place: each line gets its depth; a line that goes on
** with a statement stands under the word it belongs to. Align: the lines of a
** table (rows of one block) have their columns under one another. Print.
*/
#include <stdlib.h>

#include "fmt.h"

#define INDENT  4u

typedef enum { WORD, COMMENT, SEMICOLON, OPEN, CLOSE } piece_kind_t;
typedef enum { NONE, ONE, TWO, COLUMN, LINE } gap_t;

typedef struct {
  piece_kind_t kind;
  in_tok_kind_t tok;              /* WORD */
  in_span_t text;                 /* as it is in the source */
  gap_t gap;                      /* before it */
  bool blank;                     /* LINE: a blank line before that */
  bool first;                     /* the first word of a statement */
  bool last;                      /* the last before its ';' or '{' */
  bool api;                       /* in an API definition */
  bool goes_on;                   /* LINE: in the middle of a statement */
  bool one_line;                  /* OPEN, CLOSE: the block stands on one line */
  uint32_t depth, column;         /* where it stands, once it is placed */
  uint32_t block;                 /* index of the OPEN it stands in, or IN_NIL */
  uint32_t cell;                  /* of its line, from 0 */
  uint32_t starts;                /* LINE, in a row of a matrix: the cell that goes on here; 0: none */
  uint32_t from;                  /* column in the source */
} piece_t;

#define IN_NIL  0xffffffffu

typedef struct {
  in_arena_t *arena;
  const in_source_t *source;
  piece_t *at;
  uint32_t n, size;
} doc_t;

/* ---- reading */

static bool push(doc_t *d, const piece_t *p) {
  if (d->n == d->size) {
    uint32_t size = d->size == 0 ? 1024 : d->size * 2;
    piece_t *more = in_arena_array(d->arena, size, sizeof(*more));
    if (more == NULL) return false;
    if (d->n > 0) memcpy(more, d->at, d->n * sizeof(*more));
    d->at = more;
    d->size = size;
  }
  d->at[d->n++] = *p;
  return true;
}

/* what the white space says that ends at `to`: lines in it, and its width */
static void read_gap(const doc_t *d, uint32_t from, uint32_t to, piece_t *p) {
  const char *s = d->source->text.p;
  uint32_t lines = 0, start = to;
  for (uint32_t i = from; i < to; i++) lines += s[i] == '\n';
  while (start > 0 && s[start - 1] != '\n') start--;
  p->from = to - start;
  p->blank = lines > 1;
  p->gap = lines > 0 || d->n == 0 ? LINE : to == from ? NONE : to - from == 1 && s[from] == ' ' ? ONE : COLUMN;
}

/* the comments between two words, each a piece */
static bool read_between(doc_t *d, uint32_t from, uint32_t to, piece_t *next) {
  const char *s = d->source->text.p;
  uint32_t gap = from;
  for (uint32_t i = from; i < to; i++) {
    piece_t c;
    if (s[i] != '#') continue;
    memset(&c, 0, sizeof(c));
    read_gap(d, gap, i, &c);
    gap = i;
    while (i < to && s[i] != '\n') i++;
    c.kind = COMMENT;
    c.text = in_trim(in_span(s + gap, i - gap));
    while (c.text.n > 0 && c.text.p[c.text.n - 1] == '\r') c.text.n--;
    if (!push(d, &c)) return false;
    gap = i;
  }
  read_gap(d, gap, to, next);
  return true;
}

static bool read_piece(doc_t *d, in_lexer_t *lx, in_lex_t what, uint32_t *end) {
  piece_t p;
  uint32_t at = lx->tok.place.offset;
  memset(&p, 0, sizeof(p));
  if (!read_between(d, *end, what == IN_LEX_END ? (uint32_t) d->source->text.n : at, &p)) return false;
  if (what == IN_LEX_END) return true;
  p.kind = what == IN_LEX_TOKEN ? WORD : what == IN_LEX_SEMICOLON ? SEMICOLON : what == IN_LEX_OPEN ? OPEN : CLOSE;
  p.tok = lx->tok.kind;
  p.text = in_span(d->source->text.p + at, lx->at - at);
  *end = lx->at;
  return push(d, &p);
}

static interop_status_t read_all(doc_t *d, interop_diag_t *diag) {
  in_lexer_t lx;
  uint32_t end = 0;
  in_lex_t what;
  in_lex_init(&lx, d->source, d->arena, diag);
  do {
    what = in_lex_next(&lx);
    if (what == IN_LEX_ERROR) return diag->status;
    if (!read_piece(d, &lx, what, &end)) return INTEROP_NOMEM;
  } while (what != IN_LEX_END);
  return INTEROP_OK;
}

/* ---- structure: blocks, statements, lines */

static bool same_line(const doc_t *d, uint32_t a, uint32_t b) {
  for (uint32_t i = a + 1; i <= b; i++)
    if (d->at[i].gap == LINE || d->at[i].kind == COMMENT) return false;
  return true;
}

static void find_blocks(doc_t *d) {
  uint32_t block = IN_NIL, depth = 0;
  for (uint32_t i = 0; i < d->n; i++) {
    piece_t *p = &d->at[i];
    if (p->kind == CLOSE && block != IN_NIL) {
      d->at[block].one_line = p->one_line = same_line(d, block, i);
      depth--;
      block = d->at[block].block;
    }
    p->block = block;
    p->depth = depth;
    if (p->kind != OPEN) continue;
    block = i;
    depth++;
  }
}

static const piece_t *before(const doc_t *d, uint32_t i) {
  while (i-- > 0)
    if (d->at[i].kind != COMMENT) return &d->at[i];
  return NULL;
}

static bool ends(const piece_t *p) { return p == NULL || p->kind != WORD; }

static void find_statements(doc_t *d) {
  for (uint32_t i = 0; i < d->n; i++) {
    piece_t *p = &d->at[i];
    if (p->kind == COMMENT) continue;
    p->first = ends(before(d, i)) && p->kind == WORD;
    p->goes_on = !ends(before(d, i));
    if (p->kind == SEMICOLON || p->kind == OPEN)
      for (uint32_t k = i; k-- > 0;)
        if (d->at[k].kind == WORD) { d->at[k].last = true; break; }
  }
}

/* what must or must not begin a line, whatever the author did */
static void fix_lines(doc_t *d) {
  for (uint32_t i = 0; i < d->n; i++) {
    piece_t *p = &d->at[i], *prev = i > 0 ? &d->at[i - 1] : NULL;
    if (prev != NULL && prev->kind == COMMENT) p->gap = LINE;
    else if ((p->kind == OPEN || p->kind == SEMICOLON) && p->gap == LINE) p->gap = p->kind == OPEN ? ONE : NONE;
    if (p->kind == COMMENT && p->gap != LINE) continue;
    if (p->kind == CLOSE && !p->one_line) p->gap = LINE;
    if (prev != NULL && prev->kind == OPEN && !prev->one_line) p->gap = LINE;
    if (prev != NULL && prev->kind == CLOSE && !prev->one_line && p->kind != COMMENT) p->gap = LINE;
    if (p->gap != LINE || p->kind == CLOSE || prev == NULL) p->blank = false;
  }
}

/* ---- gaps in a line */

static bool is_op(const piece_t *p, const char *text) { return p->kind == WORD && in_eq(p->text, in_str(text)); }

static bool begins_guard(const piece_t *p) { return !p->api && (is_op(p, "when") || is_op(p, "unless")); }

static bool is_tag(const piece_t *p) {
  return p->kind == WORD && p->last && p->text.n > 2 && p->text.p[0] == '[' && p->text.p[p->text.n - 1] == ']';
}

static gap_t gap_of(const piece_t *prev, const piece_t *p, bool guard, bool inner) {
  if (p->kind == SEMICOLON || is_op(p, ",") || is_op(p, ")") || is_op(prev, "(")) return NONE;
  if (p->kind == COMMENT) return TWO;
  if (p->kind == CLOSE || prev->kind == OPEN) return ONE;
  if (prev->kind == SEMICOLON || prev->kind == CLOSE) return TWO;
  if (is_tag(p)) return guard ? TWO : COLUMN;
  if (p->gap == COLUMN) return !guard && !inner ? COLUMN : is_op(p, "unknown") || inner ? TWO : ONE;
  return p->gap == NONE && prev->kind == WORD && p->kind == WORD && prev->tok != IN_TOK_OP && p->tok != IN_TOK_OP ? NONE : ONE;
}

/* in an API definition `when` begins no guard */
static void fix_gaps(doc_t *d) {
  bool guard = false, api = false;
  for (uint32_t i = 0; i < d->n; i++) {
    piece_t *p = &d->at[i];
    bool inner = p->block != IN_NIL && d->at[p->block].one_line;
    if (p->first && p->block == IN_NIL) api = is_op(p, "api");
    if (p->first) guard = false;
    p->api = api;
    if (p->gap != LINE && i > 0) p->gap = gap_of(&d->at[i - 1], p, guard, inner);
    if (begins_guard(p)) guard = true;
  }
}

/* ---- rows of a matrix have their columns by what stands there: operations, kinds, verdict */

static bool is_one_of(const piece_t *p, const char *(*name)(int), int count) {
  for (int i = 0; i < count; i++)
    if (in_eq(p->text, in_str(name(i)))) return true;
  return false;
}

static const char *kind_name(int i) { return interop_kind_name((interop_kind_t) i); }
static const char *verdict_name(int i) { return interop_verdict_name((interop_verdict_t) i); }
static const char *operation_name(int i) { return interop_operation_name((interop_operation_t) i); }

static bool is_operation(const piece_t *p) {
  return p->first || memchr(p->text.p, '.', p->text.n) != NULL
         || (!is_op(p, "other") && is_one_of(p, operation_name, INTEROP_OPERATION_COUNT));
}

static bool is_kind(const piece_t *p) { return is_op(p, "*") || is_one_of(p, kind_name, INTEROP_KIND_COUNT); }

/* the statement whose first word stands at i */
static void fix_row(doc_t *d, uint32_t i) {
  uint32_t cell = 0;
  for (; i < d->n && d->at[i].kind == WORD && cell < 2; i++) {
    piece_t *p = &d->at[i];
    uint32_t was = cell;
    if (cell == 0 && !is_operation(p)) cell = 1;
    if (cell == 1 && !is_kind(p)) cell = 2;
    if (cell == 2 && !is_one_of(p, verdict_name, INTEROP_VERDICT_COUNT)) return;
    if (p->gap == LINE) p->starts = cell != was ? cell : 0;
    else if (!p->first) p->gap = cell != was ? COLUMN : ONE;
  }
}

/* an operation of an API: its name, the method, the path; what follows is as it is */
static void fix_operation(doc_t *d, uint32_t i) {
  for (uint32_t n = 0; i < d->n && d->at[i].kind == WORD; i++, n++)
    if (n > 0 && d->at[i].gap != LINE) d->at[i].gap = n == 1 ? ONE : n < 4 ? COLUMN : d->at[i].gap == COLUMN ? TWO : d->at[i].gap;
  if (i < d->n && d->at[i].kind == OPEN) d->at[i].gap = ONE;
}

/* statements that begin with a word and a name: what stands behind those is a column */
static void fix_named(doc_t *d, uint32_t i) {
  for (uint32_t n = 0; i < d->n && n <= 2; i++, n++) {
    piece_t *p = &d->at[i];
    if (p->kind == COMMENT || p->kind == SEMICOLON || (p->kind == OPEN && !p->one_line)) return;
    if (n > 0 && p->gap != LINE && !is_tag(p)) p->gap = n == 1 ? ONE : COLUMN;
  }
}

static bool is_named(const piece_t *p) {
  if (p->block == IN_NIL) return is_op(p, "system") || is_op(p, "reason") || is_op(p, "notice") || is_op(p, "toggle");
  return is_op(p, "deny");
}

static bool in_matrix(const doc_t *d, uint32_t i) {
  uint32_t k = d->at[i].block;
  if (k == IN_NIL) return false;
  while (k > 0 && !d->at[k].first) k--;
  return is_op(&d->at[k], "matrix");
}

static void fix_rows(doc_t *d) {
  for (uint32_t i = 0; i < d->n; i++) {
    if (d->at[i].first && in_matrix(d, i)) fix_row(d, i);
    else if (d->at[i].first && d->at[i].api && is_op(&d->at[i], "operation")) fix_operation(d, i);
    else if (d->at[i].first && is_named(&d->at[i])) fix_named(d, i);
  }
}

/* ---- columns */

static uint32_t width(const piece_t *p) {
  uint32_t n = 0;
  for (size_t i = p->text.n; i > 0 && p->text.p[i - 1] != '\n'; i--) n += ((unsigned char) p->text.p[i - 1] & 0xc0) != 0x80;
  return n;
}

static uint32_t end_of(const piece_t *p) {
  bool lines = p->text.n > 0 && memchr(p->text.p, '\n', p->text.n) != NULL;
  return (lines ? 0 : p->column) + width(p);
}

/* the word under which a line of a statement goes on: behind the innermost open
** bracket; in a guard behind its `when`; else behind the statement's first word */
static uint32_t under(const doc_t *d, uint32_t i) {
  uint32_t open[64], depth = 0, first = i, at = IN_NIL;
  while (first > 0 && !d->at[first].first) first--;
  for (uint32_t k = first; k < i; k++) {
    const piece_t *p = &d->at[k];
    if (p->kind == COMMENT) continue;
    if (is_op(p, "(") && depth < 64) open[depth++] = k;
    if (is_op(p, ")") && depth > 0) depth--;
    if (begins_guard(p) || k == first) at = k;
  }
  if (depth > 0) at = open[depth - 1];
  for (at++; at < i && d->at[at].kind == COMMENT;) at++;
  return at;
}

/* the last column of the line before */
static uint32_t last_cell(const doc_t *d, uint32_t i) {
  uint32_t at = i;
  while (at-- > 0 && d->at[at].gap != LINE)
    if (d->at[at].gap == COLUMN && !is_tag(&d->at[at])) return at;
  return IN_NIL;
}

static void place_going_on(doc_t *d, uint32_t i) {
  piece_t *p = &d->at[i];
  uint32_t at = begins_guard(p) ? last_cell(d, i) : under(d, i);
  if (at == IN_NIL) at = under(d, i);
  p->column = at < i ? d->at[at].column : (p->depth + 1) * INDENT;
  if (at < i && d->at[at].gap == LINE && !d->at[at].goes_on && !d->at[at].first) p->column = (p->depth + 1) * INDENT;
}

static void place(doc_t *d, uint32_t i) {
  static const uint32_t wide[] = { [NONE] = 0, [ONE] = 1, [TWO] = 2, [COLUMN] = 2, [LINE] = 0 };
  piece_t *p = &d->at[i];
  if (p->gap != LINE) p->column = end_of(&d->at[i - 1]) + wide[p->gap];
  else if (p->kind == COMMENT && !ends(before(d, i))) p->column = (p->depth + 1) * INDENT;
  else if (p->goes_on) place_going_on(d, i);
  else p->column = p->depth * INDENT;
}

/* the line that begins at i, placed from its start */
static uint32_t place_line(doc_t *d, uint32_t i) {
  uint32_t cell = d->at[i].starts;
  do {
    place(d, i);
    if (d->at[i].gap == COLUMN) cell++;
    d->at[i].cell = cell;
    i++;
  } while (i < d->n && d->at[i].gap != LINE);
  return i;
}

/* ---- tables: lines that are aligned with one another */

/* blocks whose rows are one table, whatever stands between them */
static bool is_table(const doc_t *d, uint32_t block) {
  uint32_t i = block;
  if (block == IN_NIL) return false;
  while (i > 0 && !d->at[i].first) i--;
  return is_op(&d->at[i], "table") || is_op(&d->at[i], "matrix") || is_op(&d->at[i], "record") || is_op(&d->at[i], "labels");
}

typedef struct { uint32_t first, end; } line_t;

static uint32_t line_end(const doc_t *d, uint32_t i) {
  for (i++; i < d->n && d->at[i].gap != LINE;) i++;
  return i;
}

/* is the line that begins at b a row of the table that a belongs to? */
static bool joins(const doc_t *d, uint32_t a, uint32_t b) {
  const piece_t *p = &d->at[a], *q = &d->at[b];
  if (p->block != q->block) return false;
  if (is_table(d, p->block)) return true;
  if (p->block == IN_NIL) return in_eq(p->text, q->text);
  return !q->blank && q->kind != COMMENT;
}

/* the widest end of cell number `cell` of lines that have another behind it */
static uint32_t column_at(const doc_t *d, const line_t *line, uint32_t n, uint32_t cell) {
  uint32_t at = 0;
  for (uint32_t l = 0; l < n; l++)
    for (uint32_t i = line[l].first + 1; i < line[l].end; i++)
      if (d->at[i].gap == COLUMN && d->at[i].cell == cell && end_of(&d->at[i - 1]) + 2 > at) at = end_of(&d->at[i - 1]) + 2;
  return at;
}

static void align_line(doc_t *d, const line_t *line, uint32_t cell, uint32_t column) {
  bool here = false;
  for (uint32_t i = line->first; i < line->end; i++) {
    piece_t *p = &d->at[i];
    bool begins = i == line->first ? p->starts == cell : p->gap == COLUMN && p->cell == cell;
    if (begins && !here) {
      p->column = column;
      here = true;
    } else if (here) {
      place(d, i);
    }
  }
}

static void align(doc_t *d, const line_t *line, uint32_t n) {
  uint32_t cells = 0;
  for (uint32_t l = 0; l < n; l++)
    if (d->at[line[l].end - 1].cell > cells) cells = d->at[line[l].end - 1].cell;
  for (uint32_t c = 1; c <= cells; c++) {
    uint32_t at = column_at(d, line, n, c);
    for (uint32_t l = 0; l < n; l++) align_line(d, &line[l], c, at);
  }
}

/* statements' first lines from i on that make one table; all of it is aligned.
** The index of the first line behind it */
static bool align_table(doc_t *d, uint32_t i, line_t *line) {
  uint32_t n = 0, last = i;
  for (uint32_t k = i; k < d->n; k = line_end(d, k)) {
    const piece_t *p = &d->at[k];
    if (p->block == IN_NIL ? d->at[i].block != IN_NIL : p->depth < d->at[i].depth) break;
    if (p->kind == COMMENT && p->block == d->at[i].block && !is_table(d, p->block) && p->block != IN_NIL) break;
    if ((!p->first && p->starts == 0) || p->block != d->at[i].block) continue;
    if (n > 0 && p->first && !joins(d, last, k)) break;
    line[n++] = (line_t) { k, line_end(d, k) };
    last = k;
    p = &d->at[line[n - 1].end - 1];
    if (p->kind == OPEN && !is_table(d, d->at[i].block)) break;      /* a block stands between */
  }
  align(d, line, n);
  return true;
}

static bool align_all(doc_t *d) {
  line_t *line = in_arena_array(d->arena, d->n + 1, sizeof(*line));
  unsigned char *done = in_arena_get(d->arena, d->n + 1);
  if (line == NULL || done == NULL) return false;
  for (uint32_t i = 0; i < d->n; i = line_end(d, i)) {
    if (!d->at[i].first || done[i]) continue;
    memset(line, 0, sizeof(*line));
    align_table(d, i, line);
    for (uint32_t k = 0; k < d->n && line[k].end > 0; k++) {
      done[line[k].first] = 1;
      line[k].end = 0;
    }
  }
  return true;
}

/* lines that go on with a statement, once what they stand under is placed */
static void place_rest(doc_t *d) {
  for (uint32_t i = 0; i < d->n; i = line_end(d, i))
    if (d->at[i].starts == 0 && (d->at[i].goes_on || d->at[i].kind == COMMENT)) place_line(d, i);
}

/* comments at the ends of lines that follow one another stand in one column */
static void align_comments(doc_t *d) {
  for (uint32_t i = 0; i < d->n;) {
    uint32_t widest = 0, end = i, k;
    for (; end < d->n; end = k) {
      k = line_end(d, end);
      if (d->at[k - 1].kind != COMMENT || k - 1 == end) break;
      if (end > i && d->at[end].blank) break;
      if (end_of(&d->at[k - 2]) + 2 > widest) widest = end_of(&d->at[k - 2]) + 2;
    }
    for (uint32_t l = i; l < end; l = k) {
      k = line_end(d, l);
      d->at[k - 1].column = widest;
    }
    i = end > i ? end : line_end(d, i);
  }
}

/* ---- printing */

static void spaces(in_buf_t *out, uint32_t n) {
  while (n-- > 0) in_buf_byte(out, ' ');
}

/* a word of several lines (JSON) moves as a whole */
static void put_text(in_buf_t *out, const piece_t *p) {
  const char *s = p->text.p, *end = s + p->text.n, *nl;
  while ((nl = memchr(s, '\n', (size_t) (end - s))) != NULL) {
    uint32_t had = 0;
    const char *stop = nl;
    while (stop > s && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r')) stop--;
    in_buf_put(out, in_span(s, (size_t) (stop - s)));
    in_buf_byte(out, '\n');
    for (s = nl + 1; s < end && (*s == ' ' || *s == '\t'); s++) had++;
    if (s < end && *s != '\n') spaces(out, had + p->column > p->from ? had + p->column - p->from : 0);
  }
  in_buf_put(out, in_span(s, (size_t) (end - s)));
}

static void print(const doc_t *d, in_buf_t *out) {
  uint32_t at = 0;
  for (uint32_t i = 0; i < d->n; i++) {
    const piece_t *p = &d->at[i];
    if (p->gap == LINE) {
      if (i > 0) in_buf_byte(out, '\n');
      if (p->blank && i > 0) in_buf_byte(out, '\n');
      at = 0;
    }
    spaces(out, p->column > at ? p->column - at : 0);
    put_text(out, p);
    at = end_of(p);
  }
  if (d->n > 0) in_buf_byte(out, '\n');
}

interop_status_t in_fmt(const in_source_t *source, in_buf_t *out, interop_diag_t *diag) {
  in_arena_t arena;
  in_stmt_t *stmts;
  doc_t d = { .arena = &arena, .source = source };
  interop_status_t rc;
  in_arena_init(&arena, out->alloc);
  rc = in_syntax_parse(source, &arena, &stmts, diag);
  if (rc == INTEROP_OK) rc = read_all(&d, diag);
  if (rc == INTEROP_OK) {
    find_blocks(&d);
    find_statements(&d);
    fix_lines(&d);
    fix_gaps(&d);
    fix_rows(&d);
    for (uint32_t i = 0; i < d.n;) i = place_line(&d, i);
    if (!align_all(&d)) rc = INTEROP_NOMEM;
    place_rest(&d);
    align_comments(&d);
    print(&d, out);
  }
  if (rc == INTEROP_OK && (out->failed || arena.failed)) rc = INTEROP_NOMEM;
  in_arena_free(&arena);
  return rc;
}
