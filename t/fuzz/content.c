/*
** content.c -- fuzz harness of rules/content: the first byte chooses format and
** flags, the rest is the content. Aborts where a property does not hold:
** output is UTF-8 if the input is; features are the same with and without
** output; plain text read as plain text stays as it is; no white space at the
** ends; what was stripped is not there any more; tokens cover the input in order.
*/
#include <stdio.h>
#include <stdlib.h>
#include "../../rules/content/content.h"
#include "../../rules/content/html_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STR(s)  { (s), sizeof(s) - 1 }
#define NO      { NULL, 0 }

static const in_element_t vendor[] = {
  { STR("emoji"), NO, NO, INTEROP_F_EMOJI, STR("alt"), 0 },
  { STR("at"), NO, NO, INTEROP_F_MENTION, NO, 0 },
  { STR("attachment"), NO, NO, -1, NO, IN_EL_HIDDEN },
  { STR("codeblock"), NO, NO, INTEROP_F_CODE, NO, IN_EL_BLOCK | IN_EL_PRE },
  { STR("readonly"), STR("itemtype"), STR("Giphy"), INTEROP_F_GIF, NO, IN_EL_HIDDEN },
  { STR("img"), STR("itemtype"), STR("Emoji"), INTEROP_F_EMOJI, STR("alt"), 0 },
};

static void check(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

static void read_as(in_format_t format, unsigned flags, in_span_t input, in_buf_t *text, in_features_t *f) {
  in_content_t c = { format, vendor, in_countof(vendor), NULL, NULL, NULL, flags, text, f, NULL };
  memset(f, 0, sizeof(*f));
  check(in_content_read(&c, input) == INTEROP_OK, "reading succeeds");
}

static void check_read(in_format_t format, unsigned flags, in_span_t input) {
  in_buf_t text, again;
  in_features_t f, alone;
  in_buf_init(&text, &interop_alloc_libc);
  in_buf_init(&again, &interop_alloc_libc);
  read_as(format, flags, input, &text, &f);
  read_as(format, flags, input, NULL, &alone);
  check(memcmp(&f, &alone, sizeof(f)) == 0, "features do not depend on the output");
  if (in_utf8_check(input) == input.n)
    check(in_utf8_check(in_buf_span(&text)) == text.n, "output is UTF-8");
  if (format != IN_FORMAT_TEXT && text.n > 0)
    check(strchr("\n", text.p[0]) == NULL && strchr(" \t\n", text.p[text.n - 1]) == NULL,
          "no white space at the ends");
  if (!(flags & IN_TEXT_ASCII_EMOJI) || format != IN_FORMAT_TEXT) {
    read_as(IN_FORMAT_TEXT, 0, in_buf_span(&text), &again, &alone);
    check(in_eq(in_buf_span(&text), in_buf_span(&again)), "plain text stays as it is");
  }
  in_buf_free(&text);
  in_buf_free(&again);
}

static void check_strip(in_span_t input, uint32_t remove) {
  in_buf_t out;
  in_features_t f;
  in_content_t c = { IN_FORMAT_HTML, vendor, in_countof(vendor), NULL, NULL, NULL, 0, NULL, &f, NULL };
  in_buf_init(&out, &interop_alloc_libc);
  memset(&f, 0, sizeof(f));
  check(in_content_strip(&c, input, remove, &out) == INTEROP_OK, "stripping succeeds");
  read_as(IN_FORMAT_HTML, 0, in_buf_span(&out), NULL, &f);
  for (int i = 0; i < INTEROP_FEATURE_COUNT; i++)
    check(!((remove >> i) & 1) || f.count[i] == 0, "what was stripped is gone");
  in_buf_free(&out);
}

static void check_tokens(in_span_t input) {
  in_html_t h;
  in_html_token_t t;
  in_html_init(&h, input, NULL);
  const char *at = h.p;
  do {
    in_html_next(&h, &t);
    check(t.raw.p >= at && t.raw.p + t.raw.n <= h.end, "tokens follow each other");
    check(t.kind == IN_HTML_EOF || t.raw.n > 0, "tokens take something");
    at = t.raw.p + t.raw.n;
  } while (t.kind != IN_HTML_EOF);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint32_t removes[] = {
    1u << INTEROP_F_IMAGE | 1u << INTEROP_F_GIF | 1u << INTEROP_F_FILE | 1u << INTEROP_F_CARD,
    1u << INTEROP_F_FORMATTING | 1u << INTEROP_F_CODE | 1u << INTEROP_F_TABLE | 1u << INTEROP_F_QUOTE,
    1u << INTEROP_F_MENTION | 1u << INTEROP_F_GIF, ~0u & ~(1u << INTEROP_F_LINK | 1u << INTEROP_F_EMOJI)
  };
  if (size == 0) return 0;
  in_span_t input = in_span((const char *) data + 1, size - 1);
  in_format_t format = (in_format_t) (data[0] % 3);
  check_read(format, (data[0] / 3) % 4, input);
  if (format != IN_FORMAT_HTML) return 0;
  check_strip(input, removes[(data[0] / 12) % 4]);
  check_tokens(input);
  return 0;
}
