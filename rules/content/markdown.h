/*
** markdown.h -- reading Markdown: features and text in one pass.
*/
#ifndef IN_MARKDOWN_H
#define IN_MARKDOWN_H

#include "content.h"

/* NOMEM: md4c's own working memory, or the output */
interop_status_t in_markdown_text(const in_content_t *c, in_span_t input);

#endif
