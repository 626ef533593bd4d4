/*
** content.c -- the door to this area: one call per content, whatever its format.
**
** Owns the choice of the reader by format. Plain text is read here: it goes
** out as it is, and only links and emoji can be in it.
*/
#include "html_text.h"
#include "markdown.h"
#include "plain.h"

static void read_text(const in_content_t *c, in_span_t input) {
  in_plain_t o;
  in_plain_init(&o, c->text, c->features, c->flags);
  o.verbatim = true;
  in_plain_put(&o, input);
}

interop_status_t in_content_read(const in_content_t *c, in_span_t input) {
  interop_status_t status = INTEROP_OK;
  switch (c->format) {
    case IN_FORMAT_TEXT: read_text(c, input); break;
    case IN_FORMAT_HTML: in_html_text(c, input); break;
    case IN_FORMAT_MARKDOWN: status = in_markdown_text(c, input); break;
  }
  if (c->text != NULL && c->text->failed) return INTEROP_NOMEM;
  return status;
}
