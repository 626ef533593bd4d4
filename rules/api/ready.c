/*
** ready.c -- what is made of an image's API sections when a policy is loaded, so
** that no request has to: vendors' elements as rules/content wants them.
**
** Owns in_image_t.ready. Who opens an image without loading a policy has none of
** it, and the same is made for each body (parts.c). The image must stay.
*/
#include "body.h"

void in_ready_element(const in_image_t *img, uint32_t index, in_element_t *to) {
  const in_ai_element_t *e = in_records_element(img, index);
  to->tag = in_image_str(img, e->tag);
  if (e->attr.len > 0) to->attr = in_image_str(img, e->attr);
  if (e->value.len > 0) to->value = in_image_str(img, e->value);
  if (e->text_attr.len > 0) to->text_attr = in_image_str(img, e->text_attr);
  to->feature = e->feature == IN_NIL ? -1 : (int) e->feature;
  to->flags = e->flags;
}

/* one more than count, so that none is no other case */
static void *get(const interop_alloc_t *alloc, uint32_t count, size_t size) {
  size_t bytes;
  void *p = in_mul(count + (size_t) 1, size, &bytes) ? alloc->resize(alloc->ctx, NULL, 0, bytes) : NULL;
  return p == NULL ? NULL : memset(p, 0, bytes);
}

static void give(const interop_alloc_t *alloc, void *p, uint32_t count, size_t size) {
  if (p != NULL) alloc->resize(alloc->ctx, p, (count + (size_t) 1) * size, 0);
}

void in_api_unprepare(in_image_t *img, const interop_alloc_t *alloc) {
  in_api_ready_t *m = img->ready;
  uint32_t apis = img->count[IN_S_APIS];
  if (m == NULL) return;
  for (uint32_t i = 0; m->vendors != NULL && i < apis; i++) in_vendors_free(m->vendors[i], alloc);
  give(alloc, m->vendors, apis, sizeof(in_vendors_t *));
  give(alloc, m->elements, img->count[IN_S_ELEMENTS], sizeof(*m->elements));
  give(alloc, m, 0, sizeof(*m));
  img->ready = NULL;
}

bool in_api_prepare(in_image_t *img, const interop_alloc_t *alloc) {
  in_api_ready_t *m = get(alloc, 0, sizeof(*m));
  img->ready = m;
  if (m == NULL) return false;
  m->elements = get(alloc, img->count[IN_S_ELEMENTS], sizeof(*m->elements));
  m->vendors = get(alloc, img->count[IN_S_APIS], sizeof(in_vendors_t *));
  if (m->elements == NULL || m->vendors == NULL) return false;
  for (uint32_t i = 0; i < img->count[IN_S_ELEMENTS]; i++) in_ready_element(img, i, &m->elements[i]);
  for (uint32_t i = 0; i < img->count[IN_S_APIS]; i++) {
    in_run_t run = in_records_api(img, i)->elements;
    m->vendors[i] = in_vendors_new(m->elements + run.first, run.count, alloc);
    if (m->vendors[i] == NULL) return false;
  }
  return true;
}
