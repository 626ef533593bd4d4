/*
** records.h -- reading the image's API records.
**
** Owns the casts. Indices were checked by in_api_verify, so nothing here can
** fail; no other file of api/ computes an address in the image.
*/
#ifndef IN_RECORDS_H
#define IN_RECORDS_H

#include "api_image.h"

#define IN_RECORD(name, sect, type) \
  static inline const type *in_records_##name(const in_image_t *img, uint32_t i) { \
    return (const type *) img->section[IN_S_##sect] + i; \
  }

IN_RECORD(api, APIS, in_ai_api_t)
IN_RECORD(route, ROUTES, in_ai_route_t)
IN_RECORD(operation, OPERATIONS, in_ai_operation_t)
IN_RECORD(shape, SHAPES, in_ai_shape_t)
IN_RECORD(member, MEMBERS, in_ai_member_t)
IN_RECORD(choice, CHOICES, in_ai_choice_t)
IN_RECORD(element, ELEMENTS, in_ai_element_t)
IN_RECORD(make, MAKES, in_ai_make_t)
IN_RECORD(batch, BATCHES, in_ai_batch_t)

static inline const uint32_t *in_records_index(const in_image_t *img, in_run_t r) {
  return (const uint32_t *) img->section[IN_S_INDEXES] + r.first;
}

static inline in_span_t in_records_ref(const in_image_t *img, in_run_t r, uint32_t i) {
  return in_image_str(img, ((const in_ref_t *) img->section[IN_S_REFS])[r.first + i]);
}

/* a place by a name's length, first and last letter, alike in any case */
static inline unsigned in_name_slot(in_span_t name) {
  if (name.n == 0) return 0;
  return ((unsigned) name.n * 29 + ((unsigned) name.p[0] & 0x1f) * 7 + ((unsigned) name.p[name.n - 1] & 0x1f)) % IN_NAME_SLOTS;
}

static inline void in_name_put(unsigned char slots[IN_NAME_SLOTS], in_span_t name, uint32_t child) {
  unsigned char *at = &slots[in_name_slot(name)];
  *at = *at == 0 && child < IN_NAME_SEVERAL - 1 ? (unsigned char) (child + 1) : IN_NAME_SEVERAL;
}

#endif
