/*
** html_elements.c -- looking up names of elements and attributes.
**
** One multiplication finds the only row that a name can be (html_index.inc,
** generated); the row's name is then compared.
*/
#include "html_elements.h"
#include "html_index.inc"

#define NONE  IN_F_NO_FEATURE
#define F(x)  INTEROP_F_##x

static const in_html_element_t elements[] = {
  { { "", 0 }, INTEROP_F_FORMATTING, 0 },
#define X(name, tag, feature, flags)  { { tag, sizeof(tag) - 1 }, feature, flags },
  IN_ELEMENTS(X)
#undef X
};

static const struct { in_span_t name; in_attr_role_t role; } attrs[] = {
  { { "", 0 }, IN_AR_OTHER },
#define X(name, text, role)  { { text, sizeof(text) - 1 }, IN_AR_##role },
  IN_ATTRS(X)
#undef X
};

/* the key that elements.py computes */
static uint64_t key(in_span_t name) {
  unsigned char b[8] = { 0 };
  uint64_t k = 0;
  size_t n = name.n < 8 ? name.n : 8;
  memcpy(b, name.p, n);
  for (size_t i = 8; i-- > 0;) k = (k << 8) | b[i];
  if (n > 0) k |= 0x2020202020202020ull >> (8 * (8 - n));
  return k + name.n;
}

in_element_id_t in_html_element(in_span_t tag) {
  unsigned slot = element_slots[(key(tag) * ELEMENT_MULT) >> (64 - INDEX_BITS)];
  return in_eq_nocase(elements[slot].tag, tag) ? (in_element_id_t) slot : IN_E_UNKNOWN;
}

const in_html_element_t *in_html_element_info(in_element_id_t id) {
  return &elements[id];
}

in_attr_id_t in_html_attr_id(in_span_t name) {
  unsigned slot = attr_slots[(key(name) * ATTR_MULT) >> (64 - INDEX_BITS)];
  return in_eq_nocase(attrs[slot].name, name) ? (in_attr_id_t) slot : IN_A_NONE;
}

in_attr_role_t in_html_attr_role(in_attr_id_t id) {
  return attrs[id].role;
}

in_span_t in_html_attr_name(in_attr_id_t id) {
  return attrs[id].name;
}
