/*
** words.c -- a policy's insides in words.
**
** Owns how facts, values and classes are spelt. Invariant: of a list that is
** long only the first few are told, and how many there are besides.
*/
#include "words.h"
#include "../store/record.h"

#define FEW  6                    /* items of a list that are told; of a longer one, how many more */

typedef struct { in_buf_t *b; uint32_t n; } list_t;

static void put_item(list_t *l, in_span_t item) {
  if (l->n < FEW) {
    if (l->n > 0) in_buf_put(l->b, IN_SPAN(" or "));
    in_buf_put(l->b, item.n == 0 ? IN_SPAN("\"\"") : item);
  }
  l->n++;
}

static void end_list(list_t *l) {
  if (l->n > FEW) in_buf_printf(l->b, " or %u more", l->n - FEW);
}

bool in_words_has_lists(const in_image_t *img) {
  for (uint32_t i = 0; i < img->count[IN_S_CELLS]; i++)
    if (in_words_is_list(in_table(img, CELLS, uint32_t)[i])) return true;
  return false;
}

/* ---- facts */

in_span_t in_words_slot(const in_image_t *img, uint32_t slot) {
  return slot == IN_NIL ? IN_NONE : in_image_str(img, in_slot(img, slot)->name);
}

static const in_pi_field_t *field_of(const in_image_t *img, uint32_t slot) {
  const in_pi_slot_t *s = in_slot(img, slot);
  return s->subject == IN_SUB_REQUEST ? NULL : in_field(img, s->field);
}

static in_type_t type_of(const in_image_t *img, uint32_t slot) {
  static const in_type_t own[] = {
#define IN_X(name, type, text) IN_T_##type,
    IN_REQUEST_FACTS(IN_X)
#undef IN_X
  };
  const in_pi_field_t *f = field_of(img, slot);
  uint32_t field = in_slot(img, slot)->field;
  if (f != NULL) return (in_type_t) f->type;
  return field < in_countof(own) ? own[field] : IN_T_FLAG;
}

uint32_t in_words_enums(const in_image_t *img, uint32_t slot) {
  const in_pi_field_t *f = field_of(img, slot);
  if (type_of(img, slot) == IN_T_FLAG) return 2;
  if (f != NULL) return f->names.count;
  switch (in_slot(img, slot)->field) {
    case IN_RF_OPERATION: return INTEROP_OPERATION_COUNT;
    case IN_RF_KIND: return INTEROP_KIND_COUNT;
    case IN_RF_FROM: case IN_RF_TO: return img->count[IN_S_SYSTEMS];
    default: return 0;
  }
}

in_span_t in_words_enum(const in_image_t *img, uint32_t slot, uint32_t n) {
  const in_pi_field_t *f = field_of(img, slot);
  if (type_of(img, slot) == IN_T_FLAG) return n ? IN_SPAN("true") : IN_SPAN("false");
  if (n >= in_words_enums(img, slot)) return IN_SPAN("?");
  if (f != NULL) return in_image_str(img, in_table(img, REFS, in_ref_t)[f->names.first + n]);
  switch (in_slot(img, slot)->field) {
    case IN_RF_OPERATION: return in_str(interop_operation_name((interop_operation_t) n));
    case IN_RF_KIND: return in_str(interop_kind_name((interop_kind_t) n));
    default: return in_image_str(img, in_system(img, n)->name);
  }
}

static void put_time(in_buf_t *b, int64_t t) {
  char text[24];
  in_time_format(t, text);
  in_buf_put(b, in_str(text));
}

void in_words_value(in_buf_t *b, const in_image_t *img, uint32_t slot, const in_value_t *v) {
  const interop_value_t list = in_value_list(v->text, v->count);
  in_span_t item, second;
  size_t at = 0;
  bool first = true;
  if (!v->known) {
    in_buf_put(b, IN_SPAN("unknown"));
    return;
  }
  switch (type_of(img, slot)) {
    case IN_T_FLAG: case IN_T_ENUM: in_buf_put(b, in_words_enum(img, slot, (uint32_t) v->number)); break;
    case IN_T_TIME: put_time(b, v->number); break;
    case IN_T_NUMBER: in_buf_number(b, v->number); break;
    case IN_T_LIST:
      while (v->count > 0 && interop_value_item(&list, &at, &item, &second)) {
        if (!first) in_buf_put(b, IN_SPAN(", "));
        in_buf_put(b, item);
        first = false;
      }
      if (first) in_buf_put(b, IN_SPAN("empty"));
      break;
    default:
      if (v->text.n == 0) in_buf_put(b, IN_SPAN("\"\""));
      else in_buf_put(b, v->text);
  }
}

/* ---- classes */

static const uint32_t *map_of(const in_image_t *img, const in_pi_atom_t *a) {
  return in_table(img, INDEXES, uint32_t) + a->map.first;
}

static void put_enums(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, uint64_t classes) {
  list_t l = { b, 0 };
  in_buf_put(b, IN_SPAN(" = "));
  for (uint32_t i = 0; i < a->map.count; i++)
    if (classes >> map_of(img, a)[i] & 1) put_item(&l, in_words_enum(img, a->slot, i));
  end_list(&l);
}

/* a code's literals; the class `other` is told by what it is not */
static void put_codes(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, uint64_t classes) {
  bool other = classes >> a->other & 1;
  list_t l = { b, 0 };
  if (a->map.count == 0) {
    in_buf_put(b, IN_SPAN(" is known"));
    return;
  }
  in_buf_put(b, other ? IN_SPAN(" is not ") : IN_SPAN(" = "));
  for (uint32_t i = 0; i < a->map.count; i++)
    if ((classes >> map_of(img, a)[i] & 1) != other)
      put_item(&l, in_image_str(img, in_table(img, REFS, in_ref_t)[a->texts.first + i]));
  end_list(&l);
}

static int64_t break_at(const in_image_t *img, const in_pi_atom_t *a, uint32_t i) {
  const uint32_t *half = in_table(img, INDEXES, uint32_t) + a->texts.first + 2 * (size_t) i;
  return (int64_t) ((uint64_t) half[0] | (uint64_t) half[1] << 32);
}

static void put_break(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, uint32_t i) {
  if (type_of(img, a->slot) == IN_T_TIME) put_time(b, break_at(img, a, i));
  else if (type_of(img, a->slot) == IN_T_ENUM)
    in_buf_put(b, in_words_enum(img, a->slot, (uint32_t) break_at(img, a, i)));
  else in_buf_number(b, break_at(img, a, i));
}

/* value v of the 2n+1: below the first, the first, between ... */
static void put_range(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, uint32_t v) {
  if (v % 2 == 1) {
    in_buf_put(b, IN_SPAN("= "));
    put_break(b, img, a, v / 2);
    return;
  }
  if (v > 0) {
    in_buf_put(b, IN_SPAN("> "));
    put_break(b, img, a, v / 2 - 1);
  }
  if (v > 0 && v / 2 < a->texts.count) in_buf_put(b, IN_SPAN(" and "));
  if (v / 2 < a->texts.count) {
    in_buf_put(b, IN_SPAN("< "));
    put_break(b, img, a, v / 2);
  }
}

static void put_ranges(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, uint64_t classes) {
  bool first = true;
  for (uint32_t v = 0; v < a->map.count; v++) {
    if (!(classes >> map_of(img, a)[v] & 1)) continue;
    in_buf_put(b, first ? IN_SPAN(" ") : IN_SPAN(" or "));
    put_range(b, img, a, v);
    first = false;
  }
}

static void put_relation(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, uint64_t classes) {
  static const char *const words[] = { "?", "<", "=", "<=", ">", "differs from", ">=", "?" };
  in_type_t t = type_of(img, a->slot);
  unsigned k = (unsigned) (classes >> 1 & 7);
  if (t == IN_T_CODE || t == IN_T_TEXT) k = k & 2 ? (k == 2 ? 2 : 7) : 5;
  in_buf_printf(b, " %s ", words[k]);
  in_buf_put(b, in_words_slot(img, a->slot_b));
}

static void put_test(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, bool yes) {
  static const struct { in_atom_kind_t kind; const char *yes, *no; } words[] = {
    { IN_ATOM_REGEX, " matches ~\"", " does not match ~\"" },
    { IN_ATOM_PREFIX, " begins with \"", " does not begin with \"" },
    { IN_ATOM_SUFFIX, " ends with \"", " does not end with \"" },
    { IN_ATOM_HAS, " has ", " lacks " },
  };
  for (size_t i = 0; i < in_countof(words); i++)
    if ((uint32_t) words[i].kind == a->kind) in_buf_put(b, in_str(yes ? words[i].yes : words[i].no));
  in_buf_put(b, a->slot_b != IN_NIL ? in_words_slot(img, a->slot_b) : in_image_str(img, a->text));
  if (a->kind != IN_ATOM_HAS) in_buf_byte(b, '"');
}

/* client.agent version "App/" < 16.0.11901 */
static void put_version(in_buf_t *b, const in_image_t *img, const in_pi_atom_t *a, uint64_t classes) {
  static const char *const words[] = { " is not known", " < ", " >= ", " is known" };
  in_span_t test = in_image_str(img, a->text), prefix = test;
  const char *end = test.n == 0 ? NULL : memchr(test.p, '\n', test.n);
  unsigned k = (unsigned) (classes >> 1 & 7), w = k == 2 ? 1 : k == 4 ? 2 : k == 6 ? 3 : 0;
  if (end != NULL) prefix = in_span(test.p, (size_t) (end - test.p));
  in_buf_put(b, IN_SPAN(" version \""));
  in_buf_put(b, prefix);
  in_buf_byte(b, '"');
  in_buf_put(b, in_str(k == 3 ? " is not >= " : k == 5 ? " is not < " : words[w]));
  if (end != NULL && (w == 1 || w == 2 || k == 3 || k == 5)) in_buf_put(b, in_span(end + 1, test.n - prefix.n - 1));
}

void in_words_classes(in_buf_t *b, const in_image_t *img, uint32_t atom, uint64_t classes) {
  const in_pi_atom_t *a = in_atom(img, atom);
  uint64_t known = classes & ~(uint64_t) 1;
  in_buf_put(b, in_words_slot(img, a->slot));
  if (known == 0) {
    if (a->slot_b != IN_NIL) {
      in_buf_put(b, IN_SPAN(" or "));
      in_buf_put(b, in_words_slot(img, a->slot_b));
    }
    in_buf_put(b, IN_SPAN(" unknown"));
    return;
  }
  switch (a->kind) {
    case IN_ATOM_ENUM: case IN_ATOM_FLAG: put_enums(b, img, a, known); break;
    case IN_ATOM_CODE: put_codes(b, img, a, known); break;
    case IN_ATOM_NUMBER: put_ranges(b, img, a, known); break;
    case IN_ATOM_REL: put_relation(b, img, a, known); break;
    case IN_ATOM_VERSION: put_version(b, img, a, known); break;
    default: put_test(b, img, a, known >> 2 & 1);
  }
  if (classes & 1) in_buf_put(b, IN_SPAN(" or unknown"));
}

void in_words_class(in_buf_t *b, const in_image_t *img, uint32_t atom, uint32_t class_) {
  in_words_classes(b, img, atom, (uint64_t) 1 << class_);
}

/* ---- outcomes */

void in_words_place(in_buf_t *b, const in_image_t *img, const in_pi_outcome_t *o) {
  const char *strings = in_table(img, STRINGS, char);
  size_t n = 0, most = img->count[IN_S_STRINGS] - o->file;
  if (o->line == 0) return;
  while (n < most && strings[o->file + n] != '\0') n++;
  in_buf_put(b, in_span(strings + o->file, n));
  in_buf_printf(b, ":%u", o->line);
}

void in_words_outcome(in_buf_t *b, const in_image_t *img, uint32_t outcome) {
  const in_pi_outcome_t *o = in_outcome(img, outcome);
  if (o->kind == IN_OUT_UNDETERMINED) {
    in_buf_put(b, IN_SPAN("deny undetermined:"));
    in_buf_put(b, o->slot == IN_NIL ? IN_SPAN("recipient.reads_on") : in_words_slot(img, in_atom(img, o->slot)->slot));
    return;
  }
  in_buf_put(b, in_str(interop_verdict_name((interop_verdict_t) o->verdict)));
  if (o->reason == IN_NIL) return;
  in_buf_byte(b, ' ');
  in_buf_put(b, in_image_str(img, in_reason(img, o->reason)->name));
}
