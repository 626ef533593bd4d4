/*
** host.h -- what runs scripts for interopctl: the extension, opened as the nginx
** module opens it, and what scripts want of whoever runs them.
**
** Owns finding the extension (beside the command, or where it is installed),
** counters in memory, and the lines that scripts log. Must not know the language.
*/
#ifndef IN_HOST_H
#define IN_HOST_H

#include "ctl.h"

typedef struct in_counter_s in_counter_t;

typedef struct {
  void *library;
  const interop_extension_t *extension;
  interop_scripts_t *scripts;
  interop_script_env_t env;
  int64_t now;                    /* the event's */
  in_counter_t *counters;
  FILE *log;                      /* where lines go; NULL: nowhere */
} in_host_t;

/* the extension alone. False: told */
bool in_host_find(in_host_t *h);
/* and the policy's scripts */
bool in_host_open(in_host_t *h, const interop_policy_t *policy);
/* counters and failures of earlier events are forgotten */
void in_host_renew(in_host_t *h);
void in_host_close(in_host_t *h);

#endif
