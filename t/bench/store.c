/*
** store.c -- the store: a million users imported, looked up, opened.
**
** Prints one line a measure. Bars (design 11): import 10 s, one lookup 500 ns.
** "hot" asks for a thousand users over and over, as traffic does; "uniform" for
** any of the million, where every step is a miss of every cache. B_USERS sets
** another number of users; B_DIR where the files go.
*/
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../rules/store/store.h"

#define LOOKUPS  1000000

static char file[300], store_path[300], ctl[600];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void user_id(char *to, size_t n, unsigned i) {
  snprintf(to, n, "%08x-0000-4000-8000-00000000b002", i * 2654435761u);
}

static void write_users(unsigned count) {
  FILE *f = fopen(file, "w");
  char id[64];
  unsigned i;
  if (f == NULL)
    exit(1);
  for (i = 0; i < count; i++) {
    user_id(id, sizeof id, i);
    fprintf(f, "{\"kind\":\"user\",\"id\":\"%s\",\"tenant\":\"3f1c0000-0000-4000-8000-00000000a001\","
            "\"systems\":[\"one\",\"two\"],\"linked_account\":true,\"aliases\":[\"+9190%08u\","
            "\"sip:u%u@contoso.example\"],\"mode\":\"TeamsOnly\",\"display_name\":\"User %u\"}\n",
            id, i, i, i);
  }
  fclose(f);
}

static void import(unsigned count) {
  double start;
  int status;
  pid_t pid;
  write_users(count);
  start = now();
  pid = fork();
  if (pid == 0) {
    execl(ctl, ctl, "import", file, "--store", store_path, "--size", "4g", (char *) NULL);
    _exit(127);
  }
  if (waitpid(pid, &status, 0) != pid || status != 0)
    exit(1);
  printf("store import        %9u users %8.2f s\n", count, now() - start);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

/* median of batches of a thousand, so that a busy machine does not speak */
static void lookups(interop_store_t *s, const char *name, unsigned among, int alias) {
  static double times[LOOKUPS / 1000];
  static char keys[1000][48];
  uint64_t x = 42;
  int i, k, missed = 0;
  for (i = 0; i < LOOKUPS / 1000; i++) {
    double start;
    for (k = 0; k < 1000; k++) {
      unsigned u = (unsigned) ((x = x * 6364136223846793005u + 1442695040888963407u) >> 33) % among;
      if (alias)
        snprintf(keys[k], sizeof keys[k], "sip:u%u@contoso.example", u);
      else
        user_id(keys[k], sizeof keys[k], u);
    }
    start = now();
    for (k = 0; k < 1000; k++) {
      interop_view_t *view;
      in_span_t record;
      interop_view_begin(s, &view);
      missed += interop_view_lookup(view, INTEROP_R_USER, in_str(keys[k]), &record) != INTEROP_OK;
      interop_view_end(view);
    }
    times[i] = (now() - start) * 1e6;
  }
  qsort(times, in_countof(times), sizeof *times, by_size);
  printf("store lookup %-26s %8.0f ns  (p90 %.0f)%s\n", name, times[in_countof(times) / 2],
         times[in_countof(times) * 9 / 10], missed ? "  MISSED" : "");
}

int main(void) {
  const char *dir = getenv("B_DIR"), *build = getenv("T_BUILD"), *users = getenv("B_USERS");
  unsigned count = users != NULL ? (unsigned) atoi(users) : 1000000;
  char top[200], command[700];
  interop_store_t *s;
  interop_diag_t diag;
  double start;
  snprintf(top, sizeof top, "%.150s/bench-store-XXXXXX", dir != NULL ? dir : "/tmp");
  if (count < 1000 || mkdtemp(top) == NULL)
    return 1;
  snprintf(file, sizeof file, "%s/users.jsonl", top);
  snprintf(store_path, sizeof store_path, "%s/store", top);
  snprintf(ctl, sizeof ctl, "%.500s/interopctl", build != NULL ? build : "build");
  import(count);
  start = now();
  if (interop_store_open(store_path, 0, 0, &interop_alloc_libc, &s, &diag) != INTEROP_OK) {
    puts(diag.text);
    return 1;
  }
  printf("store open, every page checked      %8.0f ms\n", (now() - start) * 1e3);
  lookups(s, "by id, hot", 1000, 0);
  lookups(s, "by alias, hot", 1000, 1);
  lookups(s, "by id, uniform", count, 0);
  lookups(s, "by alias, uniform", count, 1);
  interop_store_close(s);
  snprintf(command, sizeof command, "rm -rf '%s'", top);
  return system(command);
}
