/*
** label.h -- labels: how a system's documentation calls what is sent in it.
**
**   labels SYSTEM {
**       name    "TEXT";                        the system in running text
**       events  "TEXT";                        heading of the column of events
**       message "TEXT" OPERATION ... KIND ...; a row of the capability table
**       action  "TEXT" OPERATION ... KIND ...;
**   }
**
** Owns their reading; they go straight to the image, in the order of writing.
** They decide nothing: `interopctl matrix` alone asks for them.
*/
#ifndef IN_LABEL_H
#define IN_LABEL_H

#include "compile.h"

interop_status_t in_labels_read(in_compile_t *c, const in_stmt_t *stmt);

#endif
