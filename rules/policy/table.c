/*
** table.c -- decision tables: a documentation table that can be asked in guards.
**
**   table NAME (FACT, FACT ...) {
**       VALUE|VALUE  VALUE   RESULT;       # one cell a fact, then what comes of it
**       *            VALUE   RESULT;       # * is any value
**       *            *       RESULT;       # the last row is for all the rest
**   }
**   ... when table NAME is [not] RESULT
**
** The first row that matches gives the result. Asked for one result, a table is
** an expression: some row with it matches and no earlier row with another does.
** Cells are read by the same code as guards: `FACT in VALUE ...`.
*/
#include "compile.h"

#define MAX_ROWS  256

static bool bad(in_compile_t *c, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(c->diag, "%s", hint);
  return false;
}

static in_expr_t *node(in_compile_t *c, in_expr_kind_t kind, in_expr_t *a, in_expr_t *b) {
  in_expr_t *n;
  if ((kind == IN_E_AND || kind == IN_E_OR || kind == IN_E_NOT) && (a == NULL || (b == NULL && kind != IN_E_NOT))) return NULL;
  n = in_arena_get(c->arena, sizeof(*n));
  if (n == NULL) return in_nomem(c), NULL;
  n->kind = kind;
  n->a = a;
  n->b = b;
  return n;
}

/* the facts between the parentheses: tok[3], tok[5], ...; 0: the form is wrong */
static uint32_t columns(in_compile_t *c, const in_stmt_t *s) {
  uint32_t n = 0, i = 3;
  for (; i < s->ntok && s->tok[i].kind == IN_TOK_WORD; i += 2) {
    n++;
    if (!in_tok_is(s, i + 1, ",")) break;
  }
  if (n == 0 || !in_tok_is(s, 2, "(") || !in_tok_is(s, i + 1, ")") || i + 2 != s->ntok || !s->has_block || s->block == NULL) {
    bad(c, in_stmt_place(s), "a table has a name, its facts and a block of rows",
        "table NAME (FACT, FACT) { VALUE VALUE RESULT; }");
    return 0;
  }
  return n;
}

static uint32_t parts(in_span_t cell) {
  uint32_t n = 1;
  for (size_t i = 0; i < cell.n; i++) n += cell.p[i] == '|';
  return n;
}

/* FACT in VALUE ..., for the cell "VALUE|VALUE" */
static in_expr_t *cell_test(in_compile_t *c, const in_tok_t *fact, const in_tok_t *cell) {
  in_stmt_t s;
  in_span_t rest = cell->text;
  uint32_t n = parts(rest), at = 0;
  in_tok_t *tok;
  if (cell->kind == IN_TOK_WORD && in_eq(rest, IN_SPAN("*"))) return node(c, IN_E_TRUE, NULL, NULL);
  tok = in_arena_array(c->arena, (size_t) n + 2, sizeof(*tok));
  if (tok == NULL) return in_nomem(c), NULL;
  memset(&s, 0, sizeof(s));
  s.tok = tok;
  s.end = cell->place;
  tok[0] = *fact;
  tok[1] = (in_tok_t) { IN_TOK_WORD, IN_SPAN("in"), cell->place };
  s.ntok = 2;
  while (s.ntok < n + 2) {
    const char *bar = rest.n > 0 ? memchr(rest.p, '|', rest.n) : NULL;
    size_t len = bar == NULL ? rest.n : (size_t) (bar - rest.p);
    tok[s.ntok++] = (in_tok_t) { cell->kind, in_span(rest.p, len), cell->place };
    if (bar != NULL) rest = in_span(bar + 1, rest.n - len - 1);
  }
  return in_expr_parse(c, &s, &at, -1);
}

static in_expr_t *row_test(in_compile_t *c, const in_stmt_t *table, const in_stmt_t *row, uint32_t n) {
  in_expr_t *x = NULL;
  if (row->ntok != n + 1 || row->has_block) {
    bad(c, in_stmt_place(row), "a row has a cell for every fact, and a result", "VALUE|VALUE * RESULT;");
    return NULL;
  }
  for (uint32_t k = 0; k < n; k++) {
    in_expr_t *t = cell_test(c, &table->tok[3 + 2 * k], &row->tok[k]);
    x = k == 0 ? t : node(c, IN_E_AND, x, t);
    if (x == NULL) return NULL;
  }
  return x;
}

static bool is_rest(const in_stmt_t *row, uint32_t n) {
  for (uint32_t k = 0; k < n; k++)
    if (!in_tok_is(row, k, "*")) return false;
  return true;
}

/* rows of the table, joined: those with the result, less the earlier ones without */
static in_expr_t *rows_test(in_compile_t *c, const in_stmt_t *table, uint32_t n, in_span_t result, bool *known) {
  in_expr_t *yes = node(c, IN_E_FALSE, NULL, NULL), *others = node(c, IN_E_FALSE, NULL, NULL);
  const in_stmt_t *last = table;
  unsigned rows = 0;
  for (const in_stmt_t *row = table->block; row != NULL; last = row, row = row->next) {
    if (++rows > MAX_ROWS) return bad(c, in_stmt_place(row), "the table has more than 256 rows", NULL), NULL;
    in_expr_t *t = row_test(c, table, row, n);
    if (t == NULL || yes == NULL || others == NULL) return NULL;
    if (in_eq(row->tok[n].text, result)) {
      *known = true;
      yes = node(c, IN_E_OR, yes, node(c, IN_E_AND, node(c, IN_E_NOT, others, NULL), t));
    } else {
      others = node(c, IN_E_OR, others, t);
    }
  }
  if (!is_rest(last, n)) {
    bad(c, in_stmt_place(last), "the table has no row for all the rest", "end it with  * ... RESULT;");
    return NULL;
  }
  return yes;
}

/* ---- rows that decide nowhere: every choice of their cells' words is an earlier row's */

#define TRIES  100000u            /* choices that are gone through; beyond, a row passes */

typedef struct { const in_stmt_t *row[MAX_ROWS]; uint32_t rows, columns, tries; } grid_t;

static bool next_word(in_span_t *rest, in_span_t *word) {
  const char *bar;
  if (rest->p == NULL) return false;
  bar = rest->n == 0 ? NULL : memchr(rest->p, '|', rest->n);
  *word = bar == NULL ? *rest : in_span(rest->p, (size_t) (bar - rest->p));
  *rest = bar == NULL ? IN_NONE : in_span(bar + 1, rest->n - word->n - 1);
  return true;
}

/* word.p == NULL: a value that no row names, or none at all */
static bool has_word(const in_stmt_t *row, uint32_t column, in_span_t word) {
  in_span_t rest = row->tok[column].text, w;
  if (in_eq(rest, IN_SPAN("*"))) return true;
  while (word.p != NULL && next_word(&rest, &w))
    if (in_eq(w, word)) return true;
  return false;
}

static bool covered(grid_t *g, uint32_t row, uint32_t column, const uint64_t *left);

/* the earlier rows that are for this word too, and then the other columns */
static bool covered_for(grid_t *g, uint32_t row, uint32_t column, const uint64_t *left, in_span_t word) {
  uint64_t fewer[MAX_ROWS / 64] = { 0 };
  for (uint32_t i = 0; i < row; i++)
    if ((left[i / 64] >> i % 64 & 1) && has_word(g->row[i], column, word)) fewer[i / 64] |= (uint64_t) 1 << i % 64;
  return covered(g, row, column + 1, fewer);
}

/* as deep as there are columns */
static bool covered(grid_t *g, uint32_t row, uint32_t column, const uint64_t *left) {
  uint64_t any = 0;
  in_span_t rest, word;
  for (size_t i = 0; i < MAX_ROWS / 64; i++) any |= left[i];
  if (any == 0 || ++g->tries > TRIES) return false;
  if (column == g->columns) return true;
  rest = g->row[row]->tok[column].text;
  if (!in_eq(rest, IN_SPAN("*"))) {
    while (next_word(&rest, &word))
      if (!covered_for(g, row, column, left, word)) return false;
    return true;
  }
  if (!covered_for(g, row, column, left, IN_NONE)) return false;
  for (uint32_t i = 0; i < row; i++) {
    rest = g->row[i]->tok[column].text;
    while (!in_eq(g->row[i]->tok[column].text, IN_SPAN("*")) && next_word(&rest, &word))
      if (!covered_for(g, row, column, left, word)) return false;
  }
  return true;
}

/* the earlier row that alone stands over it; the row itself: there is none */
static uint32_t over_it(grid_t *g, uint32_t row) {
  for (uint32_t k = 0; k < row; k++) {
    uint64_t alone[MAX_ROWS / 64] = { 0 };
    alone[k / 64] = (uint64_t) 1 << k % 64;
    g->tries = 0;
    if (covered(g, row, 0, alone)) return k;
  }
  return row;
}

static bool rows_decide(in_compile_t *c, const in_stmt_t *table, uint32_t n) {
  grid_t *g = in_arena_get(c->arena, sizeof(*g));
  if (g == NULL) return in_nomem(c), false;
  g->columns = n;
  for (const in_stmt_t *row = table->block; row != NULL && g->rows < MAX_ROWS; row = row->next) g->row[g->rows++] = row;
  for (uint32_t i = 1; i < g->rows; i++) {
    uint64_t left[MAX_ROWS / 64] = { 0 };
    uint32_t k;
    for (uint32_t e = 0; e < i; e++) left[e / 64] |= (uint64_t) 1 << e % 64;
    g->tries = 0;
    if (!covered(g, i, 0, left)) continue;
    in_diag_at(c->diag, INTEROP_SYNTAX, in_stmt_place(g->row[i]), "this row never decides");
    k = over_it(g, i);
    if (k < i) in_diag_hint(c->diag, "wherever it fits, the row in line %u fits first", in_line_of(c, in_stmt_place(g->row[k])));
    else in_diag_hint(c->diag, "wherever it fits, one of the rows before it fits first");
    return false;
  }
  return true;
}

static const in_stmt_t *find_table(const in_compile_t *c, in_span_t name) {
  for (const in_stmt_t *s = c->stmts; s != NULL; s = s->next)
    if (in_tok_is(s, 0, "table") && s->ntok > 1 && in_eq(s->tok[1].text, name)) return s;
  return NULL;
}

static void no_table(in_compile_t *c, const in_tok_t *name) {
  IN_VEC(in_span_t) names = { NULL, 0, 0 };
  for (const in_stmt_t *s = c->stmts; s != NULL; s = s->next)
    if (in_tok_is(s, 0, "table") && s->ntok > 1 && !in_vec_push(c->arena, &names, s->tok[1].text)) return (void) in_nomem(c);
  in_vocab_unknown(&c->vocab, "table", name, names.at, names.n, c->diag);
}

/* a result that no row has: the nearest that one has */
static void no_result(in_compile_t *c, const in_stmt_t *table, uint32_t n, const in_tok_t *result) {
  in_span_t names[MAX_ROWS];
  uint32_t count = 0;
  for (const in_stmt_t *row = table->block; row != NULL && count < MAX_ROWS; row = row->next) names[count++] = row->tok[n].text;
  in_vocab_unknown(&c->vocab, "result of the table", result, names, count, c->diag);
}

in_expr_t *in_table_test(in_compile_t *c, const in_tok_t *name, const in_tok_t *result) {
  const in_stmt_t *table = find_table(c, name->text);
  uint32_t n;
  bool known = false;
  in_expr_t *x;
  if (table == NULL) return no_table(c, name), NULL;
  n = columns(c, table);
  if (n == 0) return NULL;
  x = rows_test(c, table, n, result->text, &known);
  if (x != NULL && !known) return no_result(c, table, n, result), NULL;
  return x;
}

/* every table is read once, used or not, so that its errors show */
interop_status_t in_tables_check(in_compile_t *c) {
  for (const in_stmt_t *s = c->stmts; s != NULL; s = s->next) {
    bool known;
    uint32_t n;
    if (!in_tok_is(s, 0, "table")) continue;
    n = columns(c, s);
    if (n == 0) return c->diag->status;
    for (const in_stmt_t *o = c->stmts; o != s; o = o->next)
      if (in_tok_is(o, 0, "table") && o->ntok > 1 && in_eq(o->tok[1].text, s->tok[1].text))
        return bad(c, s->tok[1].place, "a table of this name stands already", NULL), c->diag->status;
    if (rows_test(c, s, n, IN_NONE, &known) == NULL || !rows_decide(c, s, n)) return c->diag->status;
  }
  return INTEROP_OK;
}
