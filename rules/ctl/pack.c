/*
** pack.c -- finding, compiling and loading the policy that a verb works with.
**
** Owns the places where it is looked for. Must not know what any verb does with
** a policy.
*/
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pack.h"

int in_pack_diag(const interop_diag_t *diag) {
  if (diag->line == 0) return in_ctl_diag(diag);
  fprintf(stderr, "%s\n", diag->text);
  return IN_CTL_FOUND;
}

static void warn(void *ctx, const interop_diag_t *diag) {
  (void) ctx;
  fprintf(stderr, "warning: %s\n", diag->text);
}

/* ---- where it is */

static bool is_there(const char *path) {
  struct stat st;
  return stat(path, &st) == 0;
}

/* PREFIX/share/ngx_interop beside PREFIX/bin, or conf.d beside a build's folder */
static bool beside_command(char *path, size_t size) {
  static const char *const places[] = { "/../share/ngx_interop", "/../conf.d", "/../../conf.d" };
  char self[PATH_MAX], *slash;
  ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
  if (n <= 0) return false;
  self[n] = '\0';
  slash = strrchr(self, '/');
  if (slash == NULL) return false;
  *slash = '\0';
  for (size_t i = 0; i < in_countof(places); i++) {
    int m = snprintf(path, size, "%s%s/vocabulary.rules", self, places[i]);
    if (m <= 0 || (size_t) m >= size || !is_there(path)) continue;
    *strrchr(path, '/') = '\0';
    return true;
  }
  return false;
}

static bool find(in_pack_t *p, const char *option) {
  if (option == NULL && beside_command(p->path, sizeof(p->path))) {
    char *real = realpath(p->path, NULL);
    if (real != NULL && strlen(real) < sizeof(p->path)) memcpy(p->path, real, strlen(real) + 1);
    free(real);
    return true;
  }
  if (option == NULL) option = "conf.d";
  if (strlen(option) >= sizeof(p->path)) {
    in_ctl_fail("%.64s...: %s", option, strerror(ENAMETOOLONG));
    return false;
  }
  memcpy(p->path, option, strlen(option) + 1);
  return true;
}

/* ---- what it is */

static bool is_image(const char *path) {
  uint64_t magic = 0;
  FILE *f = fopen(path, "rb");
  bool yes = f != NULL && fread(&magic, sizeof(magic), 1, f) == 1 && magic == IN_IMAGE_MAGIC;
  if (f != NULL) fclose(f);
  return yes;
}

bool in_pack_find(in_pack_t *p, const char *option, bool *image) {
  memset(p, 0, sizeof(*p));
  if (!find(p, option) || (option == NULL && !is_there(p->path))) return false;
  *image = is_image(p->path);
  return true;
}

/* malloc aligns for any type, which an image wants */
static bool read_image(in_pack_t *p) {
  in_span_t text;
  if (!in_ctl_read(p->path, &text)) return false;
  p->image = (void *) (uintptr_t) text.p;
  p->size = text.n;
  return true;
}

static bool make_image(in_pack_t *p) {
  p->compiled = true;
  if (interop_compile_file(p->path, &interop_alloc_libc, &p->image, &p->size, warn, NULL, &p->diag) == INTEROP_OK)
    return true;
  in_pack_diag(&p->diag);
  return false;
}

bool in_pack_open(in_pack_t *p, const char *option) {
  memset(p, 0, sizeof(*p));
  if (!find(p, option)) return false;
  if (is_image(p->path) ? !read_image(p) : !make_image(p)) return false;
  if (interop_policy_load(p->image, p->size, &interop_alloc_libc, &p->policy, &p->diag) == INTEROP_OK)
    return interop_policy_scripts(p->policy) == 0 || in_host_open(&p->host, p->policy) || (in_pack_close(p), false);
  if (p->diag.line == 0) in_ctl_fail("%s: %s", p->path, p->diag.text);
  else in_pack_diag(&p->diag);
  in_pack_close(p);
  return false;
}

bool in_pack_open_host(in_pack_t *p, const char *option) {
  if (!in_pack_open(p, option)) return false;
  return p->host.scripts != NULL || in_host_open(&p->host, p->policy) || (in_pack_close(p), false);
}

void in_pack_close(in_pack_t *p) {
  in_host_close(&p->host);
  interop_policy_free(p->policy);
  free(p->image);
  p->policy = NULL;
  p->image = NULL;
}
