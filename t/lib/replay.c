/*
** replay.c -- runs a fuzz harness over files: the main of $(B)/replay/NAME.
**
** Knows nothing of what the harness tests. Every file named on the command
** line, or every file of a directory named there, is one input; prints how
** many there were. A harness that finds something aborts.
*/
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path) {
  FILE *f = fopen(path, "rb");
  uint8_t *data = malloc(1 << 22);
  if (f == NULL || data == NULL) {
    perror(path);
    exit(2);
  }
  size_t size = fread(data, 1, 1 << 22, f);
  fclose(f);
  uint8_t *exact = malloc(size > 0 ? size : 1);   /* so that a read past the end is seen */
  if (exact == NULL) exit(2);
  for (size_t i = 0; i < size; i++) exact[i] = data[i];
  free(data);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  return 1;
}

static int run_dir(const char *path) {
  struct dirent **names = NULL;
  int count = 0, n = scandir(path, &names, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    char file[4096];
    struct stat st;
    snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
    if (stat(file, &st) == 0 && S_ISREG(st.st_mode)) count += run_file(file);
    free(names[i]);
  }
  free(names);
  return count;
}

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 1; i < argc; i++) {
    struct stat st;
    if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) count += run_dir(argv[i]);
    else count += run_file(argv[i]);
  }
  printf("%d inputs\n", count);
  return 0;
}
