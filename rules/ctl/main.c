/*
** main.c -- interopctl's verbs, and the way to them.
**
** Owns the table of verbs, --help and --version. Must not know what a verb
** does. Exit codes: 0 good, 1 found something, 2 used wrongly.
*/
#include "ctl.h"

/* in the order of --help */
static const in_verb_t verbs[] = {
  { "check", in_ctl_check, "compile a policy: errors, or what is in it and what it costs", in_help_check },
  { "compile", in_ctl_compile, "compile a policy into an image", in_help_compile },
  { "fmt", in_ctl_fmt, "policy sources in their canonical form", in_help_fmt },
  { "explain", in_ctl_explain, "one event: its verdict, and why", in_help_explain },
  { "matrix", in_ctl_matrix, "the capability table from one system to another", in_help_matrix },
  { "diff", in_ctl_diff, "what traffic one policy decides otherwise than another", in_help_diff },
  { "replay", in_ctl_replay, "an audit log's decisions under another policy", in_help_replay },
  { "test", in_ctl_test, "run behaviour cases in the engine, without nginx", in_help_test },
  { "lua", in_ctl_lua, "check a script, or run it on one event", in_help_lua },
  { "bench", in_ctl_bench, "what judging by a policy costs on this machine", in_help_bench },
  { "import", in_ctl_import, "read records from JSON lines into a store", in_help_import },
  { "export", in_ctl_export, "write a store's records as JSON lines", in_help_export },
  { "tenant", in_ctl_record, "show, list, set, unset a tenant's facts", in_help_record },
  { "user", in_ctl_record, "the same for users", in_help_record },
  { "conversation", in_ctl_record, "the same for conversations", in_help_record },
};

static void help(FILE *f) {
  size_t i;
  fputs("usage: interopctl VERB [ARGUMENT ...]\n\n", f);
  for (i = 0; i < in_countof(verbs); i++)
    fprintf(f, "  %-14s %s\n", verbs[i].name, verbs[i].brief);
  fputs("\n`interopctl VERB --help` tells more. Exit: 0 good, 1 found something,"
        " 2 used wrongly.\n", f);
}

static int unknown(const char *word) {
  in_span_t names[in_countof(verbs)], near;
  size_t i;
  for (i = 0; i < in_countof(verbs); i++)
    names[i] = in_str(verbs[i].name);
  near = in_nearest(in_str(word), names, in_countof(verbs));
  fprintf(stderr, "interopctl: no verb \"%s\"", word);
  if (near.p != NULL)
    fprintf(stderr, "; did you mean \"%.*s\"?", (int) near.n, near.p);
  fputs("\n  interopctl --help lists them\n", stderr);
  return IN_CTL_WRONG;
}

static bool wants_help(int argc, char **argv) {
  int i;
  for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
      return true;
  return false;
}

static const in_verb_t *find(const char *word) {
  size_t i;
  for (i = 0; i < in_countof(verbs); i++)
    if (strcmp(word, verbs[i].name) == 0)
      return &verbs[i];
  return NULL;
}

int main(int argc, char **argv) {
  const in_verb_t *verb;
  bool asks = argc > 2 && strcmp(argv[1], "help") == 0;      /* help VERB is VERB --help */
  if (argc < 2) {
    help(stderr);
    return IN_CTL_WRONG;
  }
  if (!asks && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)) {
    help(stdout);
    return in_ctl_end(IN_CTL_GOOD);
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts("interopctl " IN_CTL_VERSION);
    return in_ctl_end(IN_CTL_GOOD);
  }
  verb = find(argv[asks ? 2 : 1]);
  if (verb == NULL)
    return unknown(argv[asks ? 2 : 1]);
  if (!asks && !wants_help(argc - 1, argv + 1))
    return in_ctl_end(verb->run(argc - 1, argv + 1));
  fputs(verb->help, stdout);
  return in_ctl_end(IN_CTL_GOOD);
}
