/*
** content.h -- one pass over a message's content: what is in it, what a reader
** sees of it, as plain text.
**
** Owns tokenising (HTML after the WHATWG algorithm, Markdown by md4c, plain
** text), the content model (blocks, links, hidden and raw-text elements) and
** the classification of features. Knows no product: the vendors' own elements
** come as a table from the API definition. Linear time, constant state besides
** the output, no recursion, no tree; the only allocation is the output's growth.
*/
#ifndef IN_CONTENT_H
#define IN_CONTENT_H

#include "../base/base.h"

typedef enum { IN_FORMAT_TEXT, IN_FORMAT_HTML, IN_FORMAT_MARKDOWN } in_format_t;

/* how often each feature occurs */
typedef struct { uint32_t count[INTEROP_FEATURE_COUNT]; } in_features_t;

/* bit n: feature n occurs; looked at by twos, for most of them do not */
static inline uint32_t in_features_set(const in_features_t *f) {
  uint32_t set = 0;
  uint64_t two;
  for (uint32_t i = 0; i + 1 < INTEROP_FEATURE_COUNT; i += 2) {
    memcpy(&two, &f->count[i], sizeof(two));
    if (two != 0) set |= ((uint32_t) (f->count[i] > 0) | (uint32_t) (f->count[i + 1] > 0) << 1) << i;
  }
  if (INTEROP_FEATURE_COUNT % 2 != 0)
    set |= (uint32_t) (f->count[INTEROP_FEATURE_COUNT - 1] > 0) << (INTEROP_FEATURE_COUNT - 1);
  return set;
}

#define IN_EL_HIDDEN  1u   /* the element's content is not text */
#define IN_EL_BLOCK   2u   /* stands on lines of its own */
#define IN_EL_PRE     4u   /* white space inside counts */
#define IN_EL_NONE    8u   /* no feature: a wrapper that only groups */

/*
** An element of a vendor's own. A tag matches the first row whose tag is the
** element's (ASCII case ignored) and whose attr, if not absent, has a value
** that contains `value` (absent: any value).
*/
typedef struct {
  in_span_t tag, attr, value;
  int feature;                    /* interop_feature_t, or -1 */
  in_span_t text_attr;            /* its visible text is this attribute's value; absent: its content */
  unsigned flags;
} in_element_t;

/*
** The same prepared for reading, for who reads more than one content with them.
** The rows must stay; NULL: no memory.
*/
typedef struct in_vendors_s in_vendors_t;
in_vendors_t *in_vendors_new(const in_element_t *rows, size_t count, const interop_alloc_t *alloc);
void in_vendors_free(in_vendors_t *v, const interop_alloc_t *alloc);

/*
** What an <img src> refers to: IMAGE, GIF, ... Gets the attribute's value;
** NULL callback: by the URL alone (data:image/gif, a path that ends in .gif,
** known GIF hosts are the API definition's business).
*/
typedef int (*in_image_fn)(void *ctx, in_span_t src);

#define IN_TEXT_ASCII_EMOJI  1u   /* emoji become an ASCII emoticon from a fixed small set, else their name in colons */
#define IN_TEXT_NO_QUOTES    2u   /* quoted text is left out of the output */

typedef struct {
  in_format_t format;
  const in_element_t *elements;
  size_t element_count;
  const in_vendors_t *vendors;    /* instead of these two; or NULL */
  in_image_fn image;
  void *image_ctx;
  unsigned flags;                 /* IN_TEXT_* */
  in_buf_t *text;                 /* gets the plain text, or NULL: classify only */
  in_features_t *features;        /* added to */
  unsigned *tags;                 /* read before in the same request, added to; NULL: none were */
} in_content_t;

/*
** Reads the content. Plain text keeps every visible character and every link
** target ("map <https://...>" or the target alone where the text is the target),
** one line per block, no blank line at the ends, at most one between blocks.
** In text, and in the text of the other formats, links (any scheme with "://", then
** non-space; "www." and "mailto:", then a letter or digit) count as `link`, emoji as `emoji`.
** FORMAT_TEXT goes out as it is. NOMEM.
**
** Strict where readers of HTML may differ: raw text, scripts, templates, foreign content
** and forms are a `card`, audio and video a `file`, unknown elements `formatting`; images
** in attributes and style count, hidden elements' features count; a tag or comment that
** the input's end cuts counts as it would if it went on. No message has 32768 tags (one
** with attributes counts as four), no batch of messages either (c->tags), no tag has 2048
** attributes, nor is there more than 28 KiB of Markdown: beyond, a content counts as a card with all that it may hold; such HTML's
** text ends there, such Markdown goes out as
** it is spelt.
*/
interop_status_t in_content_read(const in_content_t *c, in_span_t input);

/*
** Removes features from HTML and keeps the rest as it is spelt: images and files
** become links to their target where it is an absolute http or https URL (verdict
** strip). remove is a bit set of 1u << interop_feature_t; links and emoji that are
** text stay. out gets the new HTML, features what was removed. c->text is not used.
*/
interop_status_t in_content_strip(const in_content_t *c, in_span_t input, uint32_t remove,
                                  in_buf_t *out);

/* ---- kinds of tokens (html_tokenizer.h) */

typedef enum { IN_HTML_TEXT, IN_HTML_START, IN_HTML_END, IN_HTML_COMMENT, IN_HTML_DOCTYPE,
               IN_HTML_EOF } in_html_kind_t;

#endif
