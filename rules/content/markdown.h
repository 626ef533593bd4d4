/*
** markdown.h -- reading Markdown: features and text in one pass.
**
** The same outcome as html_text.h gives for HTML. Must not know JSON or APIs;
** md4c stays behind this header.
*/
#ifndef IN_MARKDOWN_H
#define IN_MARKDOWN_H

#include "content.h"

/* NOMEM: md4c's own working memory, or the output */
interop_status_t in_markdown_text(const in_content_t *c, in_span_t input);

#endif
