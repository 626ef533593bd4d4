/*
** read.c -- opening an image: the container is sound, or it is refused.
**
** After in_image_open every section lies inside the bytes, aligned, with the
** record size that this library was built with. What stands in the records is
** checked by their owners.
*/
#include "image.h"

static interop_status_t damaged(interop_diag_t *diag, const char *what) {
  in_diag_set(diag, INTEROP_DAMAGED, "the policy image is damaged: %s", what);
  in_diag_hint(diag, "compile it again from its sources");
  return INTEROP_DAMAGED;
}

static bool section_ok(const in_section_head_t *s, size_t size, uint32_t record_size) {
  size_t bytes;
  if (s->size != record_size || s->offset % 8 != 0 || s->offset > size) return false;
  return in_mul(s->count, s->size, &bytes) && bytes <= size - s->offset;
}

static interop_status_t check_head(const in_image_head_t *h, size_t size, interop_diag_t *diag) {
  if (h->magic != IN_IMAGE_MAGIC) return damaged(diag, "it does not begin as one");
  if (h->version != IN_IMAGE_VERSION || h->sections != IN_SECTION_COUNT)
    return damaged(diag, "it was made by another version");
  if (h->size != size) return damaged(diag, "its size is not what it says");
  return INTEROP_OK;
}

interop_status_t in_image_open(const void *bytes, size_t size,
                               const uint32_t record_size[IN_SECTION_COUNT],
                               in_image_t *img, interop_diag_t *diag) {
  const in_image_head_t *h = bytes;
  if (size < sizeof(*h) || (uintptr_t) bytes % 8 != 0)
    return damaged(diag, "it is too short or not aligned");
  if (check_head(h, size, diag) != INTEROP_OK) return INTEROP_DAMAGED;
  if (in_hash64((const char *) bytes + IN_IMAGE_CHECKED, size - IN_IMAGE_CHECKED) != h->checksum)
    return damaged(diag, "its checksum does not fit");
  img->base = bytes;
  img->size = size;
  img->ready = NULL;
  for (int i = 0; i < IN_SECTION_COUNT; i++) {
    if (!section_ok(&h->section[i], size, record_size[i]))
      return damaged(diag, "a section is out of bounds");
    img->section[i] = img->base + h->section[i].offset;
    img->count[i] = h->section[i].count;
  }
  return INTEROP_OK;
}

/* a string is followed by a NUL, so that it may be handed to C functions */
bool in_image_ref_ok(const in_image_t *img, in_ref_t r) {
  const char *s = img->section[IN_S_STRINGS];
  uint32_t n = img->count[IN_S_STRINGS];
  return r.off < n && r.len < n - r.off && s[r.off + r.len] == '\0';
}

bool in_image_run_ok(const in_image_t *img, in_section_t s, in_run_t r) {
  return r.first <= img->count[s] && r.count <= img->count[s] - r.first;
}
