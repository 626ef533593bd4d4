/*
** html_attrs.h -- what attributes say: images behind URLs, inline style.
**
** Owns the judging of single attribute values. All of it is bounded: a value
** is decoded into a fixed buffer, and what does not fit is judged strictly.
*/
#ifndef IN_HTML_ATTRS_H
#define IN_HTML_ATTRS_H

#include "html_tokenizer.h"

#define IN_VALUE_MAX  2048u

/*
** The value as a browser takes it: references decoded. Points into raw where
** nothing had to be decoded, else into buf; *cut: it did not fit.
*/
in_span_t in_html_value(in_span_t raw, char buf[IN_VALUE_MAX], bool *cut);

/* IMAGE, GIF or what the content's callback says; raw is an attribute's value */
int in_html_image(const in_content_t *c, in_span_t raw);
/* the same for several URLs in one value (srcset) */
int in_html_images(const in_content_t *c, in_span_t raw);
/* the stricter of two image features; either may be negative */
int in_html_stricter(int a, int b);

typedef enum { IN_DISPLAY_ELEMENTS, IN_DISPLAY_NONE, IN_DISPLAY_BLOCK, IN_DISPLAY_INLINE } in_display_t;
typedef enum { IN_STYLE_INHERIT, IN_STYLE_YES, IN_STYLE_NO } in_inherit_t;

typedef struct {
  in_display_t display;
  in_inherit_t visible, pre;
  bool looks;                     /* changes how text looks */
  int image;                      /* a feature, or negative */
} in_style_t;

void in_html_style(const in_content_t *c, in_span_t raw, in_style_t *style);

#endif
