/*
** nomem.c -- an allocator that refuses once: preloaded into nginx by a test.
**
** The file that NOMEM names holds two numbers, which the test writes while nginx
** runs: after so many more allocations one is refused, and how many were refused.
*/
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

static volatile struct { int left, refused; } *control;

static int refuse(void) {
  if (control == NULL || control->left <= 0 || __sync_sub_and_fetch(&control->left, 1) != 0) return 0;
  __sync_add_and_fetch(&control->refused, 1);
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t n) { return refuse() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return refuse() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return refuse() ? NULL : __libc_realloc(p, n); }
void *memalign(size_t align, size_t n) { return refuse() ? NULL : __libc_memalign(align, n); }

int posix_memalign(void **p, size_t align, size_t n) {
  if (refuse()) return ENOMEM;
  *p = __libc_memalign(align, n);
  return *p == NULL ? ENOMEM : 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("NOMEM");
  int fd = file == NULL ? -1 : open(file, O_RDWR);
  void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p != MAP_FAILED) control = p;
  if (fd >= 0) close(fd);
}
