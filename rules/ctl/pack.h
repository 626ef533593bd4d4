/*
** pack.h -- the policy that a verb works with, wherever it comes from.
**
** Owns finding it (--policy, else what is installed beside the command, else
** conf.d in the current directory) and telling sources from images. Invariant:
** what is wrong with it is told once, on standard error, as the compiler's own
** diagnostic: FILE:LINE:COLUMN first, so that editors find the place.
*/
#ifndef IN_PACK_H
#define IN_PACK_H

#include "ctl.h"
#include "host.h"
#include "../policy/load.h"

typedef struct {
  char path[4096];
  void *image;
  size_t size;
  bool compiled;                  /* from sources; else it was an image already */
  interop_policy_t *policy;
  interop_diag_t diag;            /* what was wrong with it, if in_pack_open said no */
  in_host_t host;                 /* has the policy's scripts, if there are any */
} in_pack_t;

/* option: the value of --policy, or NULL. False: told; give IN_CTL_FOUND */
bool in_pack_open(in_pack_t *p, const char *option);
/* the same with a host in any case, for scripts that no policy attaches */
bool in_pack_open_host(in_pack_t *p, const char *option);
/* only where it is, and whether it is an image; false: there is none (said nothing, if option is NULL) */
bool in_pack_find(in_pack_t *p, const char *option, bool *image);
void in_pack_close(in_pack_t *p);
/* a compiler's or loader's error; IN_CTL_FOUND */
int in_pack_diag(const interop_diag_t *diag);
/* "--policy PATH ..." for help texts */
#define IN_PACK_HELP \
  "  --policy PATH  sources (a file, or a directory of *.rules) or an image; else\n" \
  "                 those installed with the command, else ./conf.d\n"

#endif
