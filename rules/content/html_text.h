/*
** html_text.h -- reading HTML: features and text in one pass.
**
** What it takes is a message's HTML, whole; what it gives is for plain.h and the
** classification. Must not know JSON or APIs.
*/
#ifndef IN_HTML_TEXT_H
#define IN_HTML_TEXT_H

#include "content.h"

void in_html_text(const in_content_t *c, in_span_t input);

#endif
