/*
** html5lib.c -- the HTML tokenizer against html5lib's tokenizer tests, in all
** six initial states. Skips, saying so, where ../shared/suites is absent.
**
** Tokens are compared as one text: a line per token, fields behind tabs,
** attributes sorted by name, adjacent text joined. The suite hands over the
** preprocessed input stream, so newlines are normalised here first.
*/
#include <dirent.h>
#include <stdlib.h>
#include <yyjson.h>
#include "tap.h"
#include "../../rules/content/html_tokenizer.h"

#define SUITE  "../shared/suites/html5lib-tokenizer"

static void fold(in_buf_t *out, in_span_t raw, unsigned how, int lower) {
  char scratch[IN_HTML_SCRATCH];
  while (raw.n > 0) {
    in_span_t piece = in_html_piece(&raw, how, scratch);
    for (size_t i = 0; i < piece.n; i++) in_buf_byte(out, lower ? in_lower(piece.p[i]) : piece.p[i]);
  }
}

/* ---- what we make of it */

typedef struct {
  in_buf_t name, value;
} attr_t;

static int by_name(const void *a, const void *b) {
  const attr_t *x = a, *y = b;
  size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
  int d = memcmp(x->name.p, y->name.p, n);
  return d != 0 ? d : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static void put_attrs(in_buf_t *out, attr_t *list, size_t n) {
  qsort(list, n, sizeof(*list), by_name);
  for (size_t i = 0; i < n; i++) {
    in_buf_printf(out, "\t");
    in_buf_put(out, in_buf_span(&list[i].name));
    in_buf_byte(out, '=');
    in_buf_put(out, in_buf_span(&list[i].value));
    in_buf_free(&list[i].name);
    in_buf_free(&list[i].value);
  }
}

static void show_tag(in_buf_t *out, const in_html_token_t *t) {
  static attr_t list[4096];
  size_t n = 0;
  in_span_t attrs = t->attrs;
  in_html_attr_t a;
  in_buf_printf(out, t->kind == IN_HTML_START ? "start\t" : "end\t");
  fold(out, t->text, IN_HTML_NUL, 1);
  while (t->kind == IN_HTML_START && in_html_attr(&attrs, &a) && n < 4096) {
    in_buf_init(&list[n].name, &interop_alloc_libc);
    in_buf_init(&list[n].value, &interop_alloc_libc);
    fold(&list[n].name, a.name, IN_HTML_NUL, 1);
    fold(&list[n].value, a.value, IN_HTML_REFS | IN_HTML_IN_ATTR | IN_HTML_NUL, 0);
    size_t k = 0;
    while (k < n && !in_eq(in_buf_span(&list[k].name), in_buf_span(&list[n].name))) k++;
    if (k == n) {
      n++;
    } else {
      in_buf_free(&list[n].name);
      in_buf_free(&list[n].value);
    }
  }
  put_attrs(out, list, n);
  if (t->kind == IN_HTML_START && t->self_closing) in_buf_printf(out, "\t/");
}

static void show_id(in_buf_t *out, in_span_t id, int lower) {
  in_buf_byte(out, '\t');
  if (id.p == NULL)
    in_buf_printf(out, "(null)");
  else
    fold(out, id, IN_HTML_NUL, lower);
}

static void show(in_buf_t *out, const in_html_token_t *t, int *in_text) {
  in_html_doctype_t d;
  if (t->kind != IN_HTML_TEXT || !*in_text) in_buf_byte(out, '\n');
  if (t->kind == IN_HTML_TEXT && !*in_text) in_buf_printf(out, "text\t");
  *in_text = t->kind == IN_HTML_TEXT;
  switch (t->kind) {
    case IN_HTML_TEXT: in_buf_put(out, t->text); break;
    case IN_HTML_START: case IN_HTML_END: show_tag(out, t); break;
    case IN_HTML_COMMENT:
      in_buf_printf(out, "comment\t");
      fold(out, t->text, IN_HTML_NUL, 0);
      break;
    case IN_HTML_DOCTYPE:
      in_html_doctype(t->text, !t->cut, &d);
      in_buf_printf(out, "doctype");
      show_id(out, d.name, 1);
      show_id(out, d.public_id, 0);
      show_id(out, d.system_id, 0);
      in_buf_printf(out, d.quirks ? "\tquirks" : "\tok");
      break;
    case IN_HTML_EOF: break;
  }
}

/* each token's raw must follow the one before; pieces that give no token may stand between */
static int run(in_span_t input, in_html_state_t state, in_span_t last, in_buf_t *out) {
  in_html_t h;
  in_html_token_t t;
  int in_text = 0, in_order = 1;
  const char *at = input.p;
  in_html_init(&h, input, NULL);
  in_html_switch(&h, state, last);
  do {
    in_html_next(&h, &t);
    if (t.raw.p < at || t.raw.p + t.raw.n > input.p + input.n) in_order = 0;
    at = t.raw.p + t.raw.n;
    show(out, &t, &in_text);
  } while (t.kind != IN_HTML_EOF);
  return in_order;
}

/* ---- what the suite says */

static unsigned hex4(const char *p) {
  unsigned v = 0;
  for (int i = 0; i < 4; i++) {
    char c = in_lower(p[i]);
    if (c >= '0' && c <= '9')
      v = v * 16 + (unsigned) (c - '0');
    else if (c >= 'a' && c <= 'f')
      v = v * 16 + (unsigned) (c - 'a') + 10;
    else
      return 0x10000;
  }
  return v;
}

/* a lone surrogate has no UTF-8: three bytes as if it had */
static void put_unit(in_buf_t *out, unsigned c) {
  if (c < 0xd800 || c > 0xdfff) {
    in_buf_utf8(out, c);
    return;
  }
  in_buf_byte(out, (char) (0xe0 | (c >> 12)));
  in_buf_byte(out, (char) (0x80 | ((c >> 6) & 0x3f)));
  in_buf_byte(out, (char) (0x80 | (c & 0x3f)));
}

static void put_string(in_buf_t *out, yyjson_val *v, int twice) {
  in_span_t s = in_span(yyjson_get_str(v), yyjson_get_len(v));
  for (size_t i = 0; i < s.n; i++) {
    unsigned c, d;
    if (!twice || s.n - i < 6 || s.p[i] != '\\' || s.p[i + 1] != 'u' || (c = hex4(s.p + i + 2)) > 0xffff) {
      in_buf_byte(out, s.p[i]);
      continue;
    }
    i += 5;
    if (c >= 0xd800 && c < 0xdc00 && s.n - i > 6 && s.p[i + 1] == '\\' && s.p[i + 2] == 'u'
        && (d = hex4(s.p + i + 3)) >= 0xdc00 && d < 0xe000) {
      i += 6;
      c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
    }
    put_unit(out, c);
  }
}

static void expect_start(in_buf_t *out, yyjson_val *token, int twice) {
  static attr_t list[4096];
  size_t n = 0, i, max;
  yyjson_val *key, *value;
  in_buf_printf(out, "start\t");
  put_string(out, yyjson_arr_get(token, 1), twice);
  yyjson_obj_foreach(yyjson_arr_get(token, 2), i, max, key, value) {
    in_buf_init(&list[n].name, &interop_alloc_libc);
    in_buf_init(&list[n].value, &interop_alloc_libc);
    put_string(&list[n].name, key, twice);
    put_string(&list[n++].value, value, twice);
  }
  put_attrs(out, list, n);
  if (yyjson_get_bool(yyjson_arr_get(token, 3))) in_buf_printf(out, "\t/");
}

static void expect_doctype(in_buf_t *out, yyjson_val *token, int twice) {
  in_buf_printf(out, "doctype");
  for (size_t i = 1; i < 4; i++) {
    yyjson_val *v = yyjson_arr_get(token, i);
    in_buf_byte(out, '\t');
    if (yyjson_is_null(v))
      in_buf_printf(out, "(null)");
    else
      put_string(out, v, twice);
  }
  in_buf_printf(out, yyjson_get_bool(yyjson_arr_get(token, 4)) ? "\tok" : "\tquirks");
}

static void expect(in_buf_t *out, yyjson_val *tokens, int twice) {
  size_t i, max;
  yyjson_val *token;
  yyjson_arr_foreach(tokens, i, max, token) {
    const char *kind = yyjson_get_str(yyjson_arr_get(token, 0));
    in_buf_byte(out, '\n');
    if (strcmp(kind, "StartTag") == 0) {
      expect_start(out, token, twice);
    } else if (strcmp(kind, "DOCTYPE") == 0) {
      expect_doctype(out, token, twice);
    } else {
      in_buf_printf(out, strcmp(kind, "EndTag") == 0 ? "end\t"
                    : strcmp(kind, "Comment") == 0 ? "comment\t" : "text\t");
      put_string(out, yyjson_arr_get(token, 1), twice);
    }
  }
  in_buf_byte(out, '\n');
}

static int state_of(const char *name) {
  static const char *const names[] = {
    "Data state", "RCDATA state", "RAWTEXT state", "Script data state", "PLAINTEXT state",
    "CDATA section state"
  };
  for (int i = 0; i < 6; i++)
    if (strcmp(name, names[i]) == 0) return i;
  return -1;
}

static void normalise(in_buf_t *b) {
  size_t n = 0;
  for (size_t i = 0; i < b->n; i++) {
    char c = b->p[i];
    if (c == '\r' && i + 1 < b->n && b->p[i + 1] == '\n') continue;
    b->p[n++] = c == '\r' ? '\n' : c;
  }
  b->n = n;
}

static int check(yyjson_val *test, int state) {
  int twice = yyjson_get_bool(yyjson_obj_get(test, "doubleEscaped")), good;
  in_buf_t input, got, want;
  in_buf_init(&input, &interop_alloc_libc);
  in_buf_init(&got, &interop_alloc_libc);
  in_buf_init(&want, &interop_alloc_libc);
  put_string(&input, yyjson_obj_get(test, "input"), twice);
  normalise(&input);
  /* an exact allocation, so that reading over its end is noticed */
  char *exact = malloc(input.n == 0 ? 1 : input.n);
  if (input.n > 0) memcpy(exact, input.p, input.n);
  yyjson_val *last = yyjson_obj_get(test, "lastStartTag");
  in_span_t name = last == NULL ? IN_NONE : in_span(yyjson_get_str(last), yyjson_get_len(last));
  int in_order = run(in_span(exact, input.n), (in_html_state_t) state, name, &got);
  expect(&want, yyjson_obj_get(test, "output"), twice);
  good = in_order && in_eq(in_buf_span(&got), in_buf_span(&want));
  if (!good) {
    printf("# %s\n", yyjson_get_str(yyjson_obj_get(test, "description")));
    tap_show("input", exact, input.n);
    tap_show("got", got.p, got.n);
    tap_show("expected", want.p, want.n);
  }
  free(exact);
  in_buf_free(&input);
  in_buf_free(&got);
  in_buf_free(&want);
  return good;
}

static void run_file(const char *name) {
  char path[512];
  snprintf(path, sizeof(path), SUITE "/%s", name);
  yyjson_doc *doc = yyjson_read_file(path, 0, NULL, NULL);
  yyjson_val *tests = yyjson_obj_get(yyjson_doc_get_root(doc), "tests"), *test, *state;
  size_t i, max, k, states;
  int runs = 0, failed = 0;
  if (doc != NULL && tests == NULL) {
    ok(1, "%s # SKIP expects tokens coerced into an XML infoset, which we do not do", name);
    yyjson_doc_free(doc);
    return;
  }
  yyjson_arr_foreach(tests, i, max, test) {
    yyjson_val *list = yyjson_obj_get(test, "initialStates");
    if (list == NULL) {
      runs++;
      failed += !check(test, IN_HTML_DATA);
      continue;
    }
    yyjson_arr_foreach(list, k, states, state) {
      int s = state_of(yyjson_get_str(state));
      runs++;
      if (s < 0) printf("# unknown state %s\n", yyjson_get_str(state));
      failed += s < 0 || !check(test, s);
    }
  }
  ok(runs > 0 && failed == 0, "%s: %d of %d", name, runs - failed, runs);
  yyjson_doc_free(doc);
}

int main(void) {
  struct dirent **files;
  int n = scandir(SUITE, &files, NULL, alphasort), found = 0;
  if (n < 0) {
    printf("1..0 # SKIP no " SUITE "\n");
    return 0;
  }
  for (int i = 0; i < n; i++) {
    if (in_ends(in_str(files[i]->d_name), IN_SPAN(".test"))) {
      run_file(files[i]->d_name);
      found++;
    }
    free(files[i]);
  }
  free(files);
  ok(found >= 14, "%d files", found);
  return done();
}
