/*
** html_elements.c -- looking up names of elements and attributes.
**
** One multiplication finds the only row that a name can be (html_index.inc,
** generated). The key holds a name of up to seven letters whole; only longer
** ones are compared again.
*/
#include "html_elements.h"
#include "html_index.inc"

#define NONE  IN_F_NO_FEATURE
#define F(x)  INTEROP_F_##x

const in_html_element_t in_html_elements[IN_E_COUNT] = {
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

in_element_id_t in_html_element(in_span_t tag, uint64_t key) {
  unsigned slot = in_html_slot(in_html_element_slots, key);
  if (in_html_element_keys[slot] != key) return IN_E_UNKNOWN;
  if (tag.n > 7 && !in_eq_nocase(in_html_elements[slot].tag, tag)) return IN_E_UNKNOWN;
  return (in_element_id_t) slot;
}

in_attr_id_t in_html_attr_id(in_span_t name, uint64_t key) {
  unsigned slot = in_html_slot(in_html_attr_slots, key);
  if (in_html_attr_keys[slot] != key) return IN_A_NONE;
  if (name.n > 7 && !in_eq_nocase(attrs[slot].name, name)) return IN_A_NONE;
  return (in_attr_id_t) slot;
}

in_attr_role_t in_html_attr_role(in_attr_id_t id) {
  return attrs[id].role;
}

in_span_t in_html_attr_name(in_attr_id_t id) {
  return attrs[id].name;
}
