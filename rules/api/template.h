/*
** template.h -- requests and bodies made from templates.
**
** Owns filling in: a variable of a body becomes a whole JSON string, one of a
** path a percent-encoded segment. Nothing is parsed here.
*/
#ifndef IN_TEMPLATE_H
#define IN_TEMPLATE_H

#include "body.h"

/* a variable without a value becomes an empty string */
void in_template_put(const in_image_t *img, in_run_t pieces, bool raw, const in_var_t *vars,
                     size_t count, in_buf_t *out);
/* target of a made request; false: a segment is not known. The request's query goes along. */
bool in_template_path(const in_image_t *img, const in_ai_make_t *make, const in_match_t *m,
                      in_buf_t *out);

#endif
