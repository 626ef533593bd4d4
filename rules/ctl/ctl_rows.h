/*
** ctl_rows.h -- what the gates and matrices of a policy can end in, as a table.
**
** Owns nothing: text for people, Markdown, or JSON goes to standard output; what
** comes back is the exit code of the verb.
*/
#ifndef IN_CTL_ROWS_H
#define IN_CTL_ROWS_H

#include "ctl.h"
#include "../policy/load.h"

int in_ctl_rows(const in_image_t *img, bool markdown, bool json);

#endif
