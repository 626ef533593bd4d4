/*
** content.c -- how long reading a content takes: one line each. Messages of
** 1 KB, then a megabyte each of what is built to be slow; the bar is 5 ms of
** CPU (design section 11). A shape is a head and a unit that is repeated.
** With a name as argument, only that shape.
*/
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "../../rules/content/content.h"

#define STR(s)  { (s), sizeof(s) - 1 }
#define NO      { NULL, 0 }

static const in_element_t vendor[] = {
  { STR("emoji"), NO, NO, INTEROP_F_EMOJI, STR("alt"), 0 },
  { STR("customemoji"), NO, NO, INTEROP_F_CUSTOM_EMOJI, STR("alt"), 0 },
  { STR("at"), NO, NO, INTEROP_F_MENTION, NO, 0 },
  { STR("attachment"), NO, NO, -1, NO, IN_EL_HIDDEN },
  { STR("codeblock"), NO, NO, INTEROP_F_CODE, NO, IN_EL_BLOCK | IN_EL_PRE },
  { STR("readonly"), STR("itemtype"), STR("example/Giphy"), INTEROP_F_GIF, NO, IN_EL_HIDDEN },
  { STR("img"), STR("itemtype"), STR("example/Giphy"), INTEROP_F_GIF, NO, 0 },
  { STR("img"), STR("itemtype"), STR("example/Emoji"), INTEROP_F_EMOJI, STR("alt"), 0 },
  { STR("blockquote"), STR("itemtype"), STR("example/Reply"), INTEROP_F_QUOTE, NO, 0 },
};

#define H   IN_FORMAT_HTML
#define M   IN_FORMAT_MARKDOWN
#define T   IN_FORMAT_TEXT
#define KB  1024u
#define MB  1048576u

static const struct {
  in_format_t format;
  unsigned flags;
  size_t size;
  const char *name, *head, *unit;
} shapes[] = {
  { H, 0, KB, "1 KB of paragraphs", "", "<p>Truck fourteen is at the gate and waits for you since this morning</p>" },
  { H, 0, KB, "1 KB with links", "", "<p>Truck 14 is at <b>gate 3</b>, see <a href=\"https://contoso.example/m?a=1&amp;b=2\">map</a></p>" },
  { T, 0, KB, "1 KB of plain text", "", "Truck fourteen is at the gate and waits for you since this morning. " },
  { M, 0, KB, "1 KB of Markdown", "", "Truck **14** is at [gate 3](https://contoso.example/m?a=1&b=2) and waits\n\n" },
  { H, 0, MB, "words", "", "lorem ipsum dolor sit amet " },
  { H, 0, MB, "nested div", "", "<div>" },
  { H, 0, MB, "nested b", "", "<b>" },
  { H, 0, MB, "unclosed p", "", "<p>" },
  { H, 0, MB, "unclosed a", "", "<a>" },
  { H, 0, MB, "links", "", "<a href=x>y" },
  { H, 0, MB, "end tags that end nothing", "", "<i></b>" },
  { H, 0, MB, "unknown elements", "", "<x>" },
  { H, 0, MB, "vendors' elements", "", "<emoji alt=\"x\"/>" },
  { H, 0, MB, "cells", "<table><tr>", "<td>x" },
  { H, 0, MB, "nested tables", "", "<table>" },
  { H, 0, MB, "lines", "", "x<br>" },
  { H, 0, MB, "a megabyte of attributes", "<p ", "a " },
  { H, 0, MB, "the same attribute", "<p ", "src " },
  { H, 0, MB, "quoted attributes", "<p ", "a=\"\" " },
  { H, 0, MB, "tags with an attribute", "", "<p a=b>" },
  { H, 0, MB, "styles", "", "<p style=color:red>" },
  { H, 0, MB, "one long style", "<p style=\"", "x:url(" },
  { H, 0, MB, "a style sheet", "<style>", "@(" },
  { H, 0, MB, "images", "", "<img src=x>" },
  { H, 0, MB, "hidden elements", "", "<i hidden>" },
  { H, 0, MB, "references", "", "a&gt" },
  { H, 0, MB, "references that are none", "", "&a" },
  { H, 0, MB, "long names cut short", "", "&CounterClockwiseContourIntegra" },
  { H, 0, MB, "numbers", "", "&#128512;" },
  { H, 0, MB, "less-than signs", "", "<" },
  { H, 0, MB, "comment never closed", "<!--", "->" },
  { H, 0, MB, "comments", "", "<!---->" },
  { H, 0, MB, "script in script", "<script>", "<!--<script" },
  { H, 0, MB, "almost the end of a title", "<title>", "</titl" },
  { H, 0, MB, "CDATA in svg", "<svg>", "<![CDATA[]]>" },
  { H, 0, MB, "attribute never closed", "<a href=\"", "&amp;" },
  { H, 0, MB, "carriage returns", "<pre>", "\r" },
  { H, 0, MB, "short lines in pre", "<pre>", "a\n" },
  { H, 0, MB, "dots", "", "." },
  { H, 0, MB, "links in text", "", "www.a " },
  { H, 0, MB, "emoji", "", "\U0001f600" },
  { H, IN_TEXT_ASCII_EMOJI, MB, "emoji into ASCII", "", "\U0001f600" },
  { H, 0, MB, "Devanagari", "", "\u092e" },
  { H, 0, MB, "zero-width characters", "", "\u200b" },
  { H, 0, MB, "bytes that are not UTF-8", "", "\xff" },
  { T, 0, MB, "plain text", "", "lorem ipsum dolor sit amet " },
  { T, 0, MB, "plain text with links", "", "http://a " },
  { M, 0, 28 * KB, "28 KB of Markdown quotes", "", ">" },
  { M, 0, 28 * KB, "28 KB of Markdown emphasis", "", "*a " },
  { M, 0, 28 * KB, "28 KB of Markdown brackets", "", "[" },
  { M, 0, MB, "Markdown", "", "*a " },
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static double run(const in_content_t *c, in_span_t input, int times) {
  double start = now();
  for (int i = 0; i < times; i++) {
    c->text->n = 0;
    in_content_read(c, input);
  }
  return (now() - start) / times;
}

static void measure(size_t k) {
  in_buf_t input, text;
  in_features_t features = { { 0 } };
  double best = 1e9;
  in_buf_init(&input, &interop_alloc_libc);
  in_buf_put(&input, in_str(shapes[k].head));
  while (input.n + strlen(shapes[k].unit) <= shapes[k].size) in_buf_put(&input, in_str(shapes[k].unit));
  for (int i = 0; i < 7; i++) {
    in_buf_init(&text, &interop_alloc_libc);
    in_content_t c = { shapes[k].format, vendor, in_countof(vendor), NULL, NULL, NULL, shapes[k].flags, &text, &features, NULL };
    double ms = run(&c, in_buf_span(&input), shapes[k].size < 4 * KB ? 500 : 1);
    if (ms < best) best = ms;
    in_buf_free(&text);
  }
  if (shapes[k].size < 4 * KB)
    printf("content  %-28s %8.2f us\n", shapes[k].name, best * 1e3);
  else
    printf("content  %-28s %8.2f ms%s\n", shapes[k].name, best, best > 5 ? "  over 5 ms" : "");
  in_buf_free(&input);
}

int main(int argc, char **argv) {
  for (size_t k = 0; k < in_countof(shapes); k++)
    if (argc < 2 || strcmp(argv[1], shapes[k].name) == 0) measure(k);
  return 0;
}
