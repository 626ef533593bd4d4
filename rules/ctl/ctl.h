/*
** ctl.h -- interopctl: its verbs and what they share.
**
** Owns the command line; may print, use stdio and read INTEROP_STORE, which the
** library may not. A verb is a row in main.c's table, a function that gives the
** exit code, and a help text. Text for people goes to standard output, errors to
** standard error; colour and progress only to a terminal.
*/
#ifndef IN_CTL_H
#define IN_CTL_H

#include <stdio.h>
#include "../base/base.h"
#include "../base/diag.h"

#define IN_CTL_VERSION  "0.1.0"

enum { IN_CTL_GOOD = 0, IN_CTL_FOUND = 1, IN_CTL_WRONG = 2 };

typedef struct {
  const char *name;
  int (*run)(int argc, char **argv);      /* argv[0] is the verb */
  const char *brief;                      /* one line of `interopctl --help` */
  const char *help;                       /* `interopctl VERB --help` */
} in_verb_t;

/* an option: with a value, or a flag (value == NULL) */
typedef struct {
  const char *name;                       /* "--store" */
  const char **value;
  bool *flag;
} in_option_t;

/*
** Takes the options (--name VALUE, --name=VALUE, --flag; "--" ends them) out of
** argv, wherever they stand. False: told on standard error, give IN_CTL_WRONG.
*/
bool in_ctl_options(int *argc, char **argv, const in_option_t *options, size_t count);

/* "interopctl VERB: ..." and where help is; IN_CTL_WRONG */
int in_ctl_wrong(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "interopctl: ..."; IN_CTL_FOUND */
int in_ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int in_ctl_diag(const interop_diag_t *diag);
/* flushes standard output; code, or IN_CTL_FOUND where it could not be written */
int in_ctl_end(int code);

/* "512m": bytes, with k, m, g or t; false: no such number */
bool in_ctl_size(const char *text, size_t *size);
/* --store or INTEROP_STORE; NULL: told on standard error, give IN_CTL_WRONG */
const char *in_ctl_store(const char *verb, const char *option);
/* a whole file (or "-": standard input), NUL after it; told if it cannot be read */
bool in_ctl_read(const char *path, in_span_t *text);
/* may a new file take this one's place? Not that of a device or a pipe: told */
bool in_ctl_may_replace(const char *path);
bool in_ctl_colour(FILE *f);
void in_ctl_print(in_span_t s, FILE *f);
void in_ctl_text(in_span_t s, FILE *f);         /* control bytes as \u001b */
/*
** Opens a store; a new one gets the directory's owner, so that root may make one
** for the user that nginx's workers run as. NULL: told on standard error.
*/
interop_store_t *in_ctl_open(const char *path, size_t size, bool create);
/* redraws a bar on standard error, if that is a terminal; done == all ends it */
void in_ctl_progress(const char *what, uint64_t done, uint64_t all);

int in_ctl_import(int argc, char **argv);
int in_ctl_export(int argc, char **argv);
int in_ctl_record(int argc, char **argv);      /* tenant, user, conversation */
int in_ctl_bench(int argc, char **argv);
int in_ctl_check(int argc, char **argv);
int in_ctl_compile(int argc, char **argv);
int in_ctl_diff(int argc, char **argv);
int in_ctl_explain(int argc, char **argv);
int in_ctl_fmt(int argc, char **argv);
int in_ctl_matrix(int argc, char **argv);
int in_ctl_replay(int argc, char **argv);
int in_ctl_test(int argc, char **argv);
int in_ctl_lua(int argc, char **argv);
extern const char in_help_import[], in_help_export[], in_help_record[];
extern const char in_help_bench[], in_help_check[], in_help_compile[], in_help_diff[], in_help_explain[], in_help_fmt[];
extern const char in_help_matrix[], in_help_replay[], in_help_test[], in_help_lua[];

#endif
