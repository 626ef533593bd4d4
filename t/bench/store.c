/*
** store.c -- the store: a million users imported, looked up, opened.
**
** Prints one line a measure. Bars (design 11): import 10 s, one lookup 500 ns.
** "hot" asks for a thousand users over and over; "zipf" for the million as
** people talk, the k-th of them k times as seldom as the first; "uniform" for
** any of them alike, where every step is a miss of every cache. What this
** machine and LMDB take for that by themselves stands before it: one miss, and
** one mdb_get of a key of 8 bytes among as many, with a value of 16 bytes, and
** with entries of the number and sizes that the store has. B_USERS sets another
** number of users; B_DIR where the files go.
*/
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../rules/store/store.h"

#define LOOKUPS  1000000
#define BATCH    100              /* few, so that most batches are not interrupted */

static char file[300], store_path[300], floor_path[300], ctl[600];
static double times[LOOKUPS / BATCH];
static uint64_t drawn = 42;

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

/* ---- who is asked for */

typedef enum { ALIKE, ZIPF } draw_t;

static unsigned draw(draw_t how, unsigned among) {
  drawn = drawn * 6364136223846793005u + 1442695040888963407u;
  if (how == ALIKE)
    return (unsigned) (drawn >> 33) % among;
  /* of all logarithms alike: k has the share of log((k + 1) / k), about 1/k */
  return (unsigned) (exp((double) (drawn >> 11) * 0x1p-53 * log((double) among + 1)) - 1) % among;
}

/* median of batches, so that a busy machine does not speak */
static double tell(const char *what, const char *name) {
  qsort(times, in_countof(times), sizeof *times, by_size);
  printf("store %s %-*s %8.0f ns  (p90 %.0f)", what, (int) (32 - strlen(what)), name,
         times[in_countof(times) / 2], times[in_countof(times) * 9 / 10]);
  return times[in_countof(times) / 2];
}

static double lookups(interop_store_t *s, const char *name, draw_t how, unsigned among, int alias) {
  static char keys[BATCH][48];
  int missed = 0;
  for (size_t i = 0; i < in_countof(times); i++) {
    for (int k = 0; k < BATCH; k++) {
      unsigned u = draw(how, among);
      if (alias)
        snprintf(keys[k], sizeof keys[k], "sip:u%u@contoso.example", u);
      else
        user_id(keys[k], sizeof keys[k], u);
    }
    double start = now();
    for (int k = 0; k < BATCH; k++) {
      interop_view_t *view;
      in_span_t record;
      interop_view_begin(s, &view);
      missed += interop_view_lookup(view, INTEROP_R_USER, in_str(keys[k]), &record) != INTEROP_OK;
      interop_view_end(view);
    }
    times[i] = (now() - start) * 1e9 / BATCH;
  }
  return tell("lookup", missed ? "MISSED" : name);
}

/* ---- the floor */

/* number i of the keys: spread over all, as the store's own are */
static uint64_t spread(uint64_t i) {
  i = (i ^ i >> 31) * 0x7fb5d329728ea185u;
  i = (i ^ i >> 27) * 0x81dadef4bc2dd44du;
  return i ^ i >> 33;
}

static int by_key(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
  return x < y ? -1 : x > y;
}

static void must(int rc) {
  if (rc == 0)
    return;
  puts(mdb_strerror(rc));
  exit(1);
}

/* keys[0 .. count) have values of `size` bytes, the `more` behind them of 8 */
static void fill(MDB_txn *txn, MDB_dbi dbi, unsigned count, unsigned more, size_t size) {
  static char value[8192];
  size_t all = (size_t) count + more;
  uint64_t *keys = malloc(all * sizeof *keys);
  if (keys == NULL || size > sizeof value)
    exit(1);
  for (size_t i = 0; i < all; i++)
    keys[i] = spread(i) << 1 | (i < count);
  qsort(keys, all, sizeof *keys, by_key);
  for (size_t i = 0; i < all; i++) {
    MDB_val key = { sizeof *keys, &keys[i] }, data = { keys[i] & 1 ? size : 8, value };
    must(mdb_put(txn, dbi, &key, &data, MDB_APPEND));
  }
  free(keys);
}

/* one get after the other, each value read */
static void read_batches(MDB_txn *txn, MDB_dbi dbi, unsigned count) {
  static uint64_t keys[BATCH];
  int read_bytes = 0;
  for (size_t i = 0; i < in_countof(times); i++) {
    for (int k = 0; k < BATCH; k++)
      keys[k] = spread(draw(ALIKE, count)) << 1 | 1;
    double start = now();
    for (int k = 0; k < BATCH; k++) {
      MDB_val key = { sizeof *keys, &keys[k] }, data;
      must(mdb_get(txn, dbi, &key, &data));
      for (size_t n = 0; n < data.mv_size; n += 64)
        read_bytes += ((const volatile char *) data.mv_data)[n];
    }
    times[i] = (now() - start) * 1e9 / BATCH;
  }
}

static double lmdb_floor(const char *name, unsigned count, unsigned more, size_t size) {
  char command[400];
  double median;
  MDB_env *env;
  MDB_txn *txn;
  MDB_dbi dbi;
  must(mkdir(floor_path, 0700));
  must(mdb_env_create(&env));
  must(mdb_env_set_mapsize(env, (size_t) 4 << 30));
  must(mdb_env_open(env, floor_path, MDB_NOSYNC | MDB_NORDAHEAD, 0600));
  must(mdb_txn_begin(env, NULL, 0, &txn));
  must(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi));
  fill(txn, dbi, count, more, size);
  must(mdb_txn_commit(txn));
  must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
  read_batches(txn, dbi, count);    /* once for the pages to be there */
  read_batches(txn, dbi, count);
  mdb_txn_abort(txn);
  mdb_env_close(env);
  snprintf(command, sizeof command, "rm -rf '%s'", floor_path);
  must(system(command));
  median = tell("floor ", name);
  putchar('\n');
  return median;
}

/* one ring through records of `size` bytes in an order that nothing can guess */
static void miss_floor(unsigned count, size_t size) {
  char *room = malloc(count * size);
  unsigned *order = malloc(count * sizeof *order), i, at = 0;
  if (room == NULL || order == NULL)
    exit(1);
  for (i = 0; i < count; i++)
    order[i] = i;
  for (i = count - 1; i > 0; i--) {
    unsigned other = draw(ALIKE, i), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  for (i = 0; i < count; i++)
    memcpy(room + order[i] * size, &order[(i + 1) % count], sizeof *order);
  for (size_t b = 0; b < in_countof(times); b++) {
    double start = now();
    for (int k = 0; k < BATCH; k++)
      memcpy(&at, room + at * size, sizeof at);
    times[b] = (now() - start) * 1e9 / BATCH;
  }
  tell("floor ", at < count ? "one miss of the caches" : "");
  putchar('\n');
  free(order);
  free(room);
}

/* bytes of one user's record, as the store has it */
static size_t record_size(interop_store_t *s) {
  interop_view_t *view;
  in_span_t record;
  char id[48];
  user_id(id, sizeof id, 1);
  interop_view_begin(s, &view);
  if (interop_view_lookup(view, INTEROP_R_USER, in_str(id), &record) != INTEROP_OK)
    exit(1);
  interop_view_end(view);
  return record.n;
}

static void measure(interop_store_t *s, unsigned count) {
  size_t size = record_size(s);
  double least, same, ours;
  miss_floor(count, size);
  least = lmdb_floor("LMDB, 16-byte values", count, 0, 16);
  same = lmdb_floor("LMDB, entries as the store's", count, 2 * count, size);
  lookups(s, "by id, hot", ALIKE, 1000, 0);
  putchar('\n');
  lookups(s, "by alias, hot", ALIKE, 1000, 1);
  putchar('\n');
  lookups(s, "by id, zipf", ZIPF, count, 0);
  putchar('\n');
  lookups(s, "by alias, zipf", ZIPF, count, 1);
  putchar('\n');
  ours = lookups(s, "by id, uniform", ALIKE, count, 0);
  printf("  %.2f of LMDB's least, %.2f of its own\n", ours / least, ours / same);
  ours = lookups(s, "by alias, uniform", ALIKE, count, 1);
  printf("  %.2f of two such gets\n", ours / (2 * same));
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
  snprintf(floor_path, sizeof floor_path, "%s/floor", top);
  snprintf(store_path, sizeof store_path, "%s/store", top);
  snprintf(ctl, sizeof ctl, "%.500s/interopctl", build != NULL ? build : "build");
  import(count);
  start = now();
  if (interop_store_open(store_path, 0, 0, &interop_alloc_libc, &s, &diag) != INTEROP_OK) {
    puts(diag.text);
    return 1;
  }
  printf("store open, every page checked      %8.0f ms\n", (now() - start) * 1e3);
  measure(s, count);
  interop_store_close(s);
  snprintf(command, sizeof command, "rm -rf '%s'", top);
  return system(command);
}
