/*
** image.c -- any bytes as a policy image, size and checksum made to fit: it is
** refused, or every cell can be walked with any classes.
*/
#include <stdlib.h>
#include "policy/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  interop_policy_t *p;
  interop_diag_t diag;
  in_image_head_t h;
  uint8_t class_[IN_MAX_ATOMS];
  unsigned char *image = malloc(size + 1);
  if (image == NULL) return 0;
  if (size > 0) memcpy(image, data, size);
  if (size >= sizeof(h)) {
    memcpy(&h, image, sizeof(h));
    h.magic = IN_IMAGE_MAGIC;
    h.size = size;
    memcpy(image, &h, sizeof(h));
    h.checksum = in_hash64(image + IN_IMAGE_CHECKED, size - IN_IMAGE_CHECKED);
    memcpy(image, &h, sizeof(h));
  }
  if (interop_policy_load(image, size, &interop_alloc_libc, &p, &diag) == INTEROP_OK) {
    const uint32_t *cells = in_table(&p->img, CELLS, uint32_t);
    uint32_t systems = p->img.count[IN_S_SYSTEMS];
    for (unsigned round = 0; round < 4; round++) {
      for (uint32_t i = 0; i < p->img.count[IN_S_ATOMS]; i++)
        class_[i] = (uint8_t) ((round * 7 + (size > 0 ? data[(i * 31 + round) % size] : 0)) % in_atom(&p->img, i)->classes);
      for (uint32_t i = 0; i < p->img.count[IN_S_CELLS]; i++) {
        uint32_t node = cells[i], need, o = in_walk(&p->img, class_, &node, &need);
        if (o == IN_NIL || (o != IN_NOTHING && o >= p->img.count[IN_S_OUTCOMES])) abort();
      }
      if (in_overlay_slot(&p->img) != IN_NIL) {
        in_list_event_t e = { round, round, 0, systems };
        uint32_t need, o = in_list_walk(&p->img, in_overlay_find(&p->img, IN_NONE), &e, class_, &need);
        if (o == IN_NIL || (o != IN_NOTHING && o >= p->img.count[IN_S_OUTCOMES])) abort();
        in_overlay_find(&p->img, IN_SPAN("T1"));
      }
    }
    interop_policy_free(p);
  }
  free(image);
  return 0;
}
