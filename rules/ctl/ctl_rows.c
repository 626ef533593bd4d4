/*
** ctl_rows.c -- interopctl matrix --rows: what policies decide, row by row.
**
** Owns the table: one line for each tag, verdict and reason that a gate or a
** matrix of the policy can end in, in the order of the sources. Reads the image
** only; what a row asks for, the source and `explain` tell.
*/
#include <stdlib.h>
#include "ctl_rows.h"
#include "words.h"
#include "../api/json.h"

typedef struct {
  in_span_t policy, tag;
  const in_pi_outcome_t *o;
} line_t;

typedef struct { in_span_t head, text; } column_t;

#define COLUMNS  5

static bool split(in_span_t rule, line_t *l) {
  const char *dot = rule.n == 0 ? NULL : memchr(rule.p, '.', rule.n);
  if (dot == NULL) return false;           /* the engine's own: native, no_policy */
  l->policy = in_span(rule.p, (size_t) (dot - rule.p));
  l->tag = in_span(dot + 1, rule.n - l->policy.n - 1);
  return true;
}

static bool same(const line_t *a, const line_t *b) {
  return in_eq(a->policy, b->policy) && in_eq(a->tag, b->tag) && a->o->verdict == b->o->verdict
         && a->o->reason == b->o->reason;
}

static int by_place(const void *x, const void *y) {
  const in_pi_outcome_t *a = ((const line_t *) x)->o, *b = ((const line_t *) y)->o;
  if (a->file != b->file) return a->file < b->file ? -1 : 1;
  return (a->line > b->line) - (a->line < b->line);
}

static uint32_t gather(const in_image_t *img, line_t *line) {
  uint32_t n = 0, kept = 0;
  for (uint32_t i = 0; i < img->count[IN_S_OUTCOMES]; i++) {
    line[n].o = in_outcome(img, i);
    if (line[n].o->kind == IN_OUT_DECISION && split(in_image_str(img, line[n].o->rule), &line[n])) n++;
  }
  qsort(line, n, sizeof(*line), by_place);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t k = 0;
    while (k < kept && !same(&line[k], &line[i])) k++;
    if (k == kept) line[kept++] = line[i];
  }
  return kept;
}

/* what the client is told: a denial's message, else the text of the reason means nothing */
static void columns(const in_image_t *img, const line_t *l, column_t *c) {
  const in_pi_reason_t *r = l->o->reason == IN_NIL ? NULL : in_reason(img, l->o->reason);
  c[0] = (column_t) { IN_SPAN("Row"), l->tag };
  c[1] = (column_t) { IN_SPAN("Policy"), l->policy };
  c[2] = (column_t) { IN_SPAN("Verdict"), in_str(interop_verdict_name((interop_verdict_t) l->o->verdict)) };
  c[3] = (column_t) { IN_SPAN("Reason"), r == NULL ? IN_SPAN("") : in_image_str(img, r->name) };
  c[4] = (column_t) { IN_SPAN("Why"), r == NULL ? IN_SPAN("") : in_image_str(img, r->message) };
}

static void put_line(const column_t *c, const size_t *wide, bool markdown, bool head) {
  for (int i = 0; i < COLUMNS; i++) {
    in_span_t text = head ? c[i].head : c[i].text;
    if (markdown) fputs("|", stdout);
    in_ctl_print(text, stdout);
    if (i == COLUMNS - 1 && !markdown) break;
    for (size_t n = text.n; n < wide[i] + (markdown ? 0 : 2); n++) putchar(' ');
  }
  puts(markdown ? "|" : "");
}

static void put_rule(const size_t *wide, bool markdown) {
  for (int i = 0; i < COLUMNS; i++) {
    if (markdown) putchar('|');
    for (size_t n = 0; n < wide[i]; n++) putchar('-');
    if (!markdown && i < COLUMNS - 1) fputs("  ", stdout);
  }
  puts(markdown ? "|" : "");
}

static void put_table(const in_image_t *img, const line_t *line, uint32_t n, bool markdown) {
  column_t c[COLUMNS];
  size_t wide[COLUMNS] = { 0 };
  for (uint32_t i = 0; i < n; i++) {
    columns(img, &line[i], c);
    for (int k = 0; k < COLUMNS; k++) {
      if (c[k].head.n > wide[k]) wide[k] = c[k].head.n;
      if (c[k].text.n > wide[k]) wide[k] = c[k].text.n;
    }
  }
  if (n == 0) return;
  columns(img, line, c);
  put_line(c, wide, markdown, true);
  put_rule(wide, markdown);
  for (uint32_t i = 0; i < n; i++) {
    columns(img, &line[i], c);
    put_line(c, wide, markdown, false);
  }
}

static bool put_json(const in_image_t *img, const line_t *line, uint32_t n) {
  static const char *const names[COLUMNS] = { "row", "policy", "verdict", "reason", "why" };
  column_t c[COLUMNS];
  in_buf_t b;
  bool good;
  in_buf_init(&b, &interop_alloc_libc);
  for (uint32_t i = 0; i < n; i++) {
    columns(img, &line[i], c);
    for (int k = 0; k < COLUMNS; k++) {
      in_buf_put(&b, k > 0 ? IN_SPAN(",") : i == 0 ? IN_SPAN("[{") : IN_SPAN(",\n {"));
      in_json_quote(&b, in_str(names[k]));
      in_buf_byte(&b, ':');
      in_json_quote(&b, c[k].text);
    }
    in_buf_byte(&b, '}');
  }
  in_buf_put(&b, n == 0 ? IN_SPAN("[]\n") : IN_SPAN("]\n"));
  good = !b.failed;
  if (good) in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
  return good;
}

int in_ctl_rows(const in_image_t *img, bool markdown, bool json) {
  line_t *line = calloc((size_t) img->count[IN_S_OUTCOMES] + 1, sizeof(*line));
  bool good = line != NULL;
  if (good) {
    uint32_t n = gather(img, line);
    if (json) good = put_json(img, line, n);
    else put_table(img, line, n, markdown);
  }
  free(line);
  return good ? IN_CTL_GOOD : in_ctl_fail("out of memory");
}
