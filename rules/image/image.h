/*
** image.h -- the compiled form: one flat, position-independent byte range.
**
** Owns the container: header, section table, strings, checksum; nobody else
** computes an offset. What the records of a section mean belongs to policy/
** and api/, whose *_image.h declare them; each of the two verifies its own
** sections after the container was found sound. Little-endian machines only;
** an image of another byte order is refused by its magic number.
** Records hold no pointers: only indices into sections and in_ref_t strings.
*/
#ifndef IN_IMAGE_H
#define IN_IMAGE_H

#include "../base/diag.h"

#define IN_IMAGE_MAGIC    0x31504f5245544e49ull   /* "INTEROP1" */
#define IN_IMAGE_VERSION  4u
#define IN_NIL            0xffffffffu             /* "no index" */

/* a string of the image: offset and length in section STRINGS */
typedef struct { uint32_t off, len; } in_ref_t;
/* a run of records of a section */
typedef struct { uint32_t first, count; } in_run_t;

/* name, record type; ORDER: as stored */
#define IN_SECTIONS(X) \
  X(STRINGS,    char)            /* bytes of all strings, each followed by a NUL */ \
  X(REFS,       in_ref_t)        /* lists of strings */ \
  X(INDEXES,    uint32_t)        /* lists of numbers */ \
  X(SYSTEMS,    in_pi_system_t)  X(REASONS,  in_pi_reason_t) X(NOTICES, in_pi_notice_t) \
  X(FIELDS,     in_pi_field_t)   X(SLOTS,    in_pi_slot_t)   X(ATOMS,   in_pi_atom_t) \
  X(SETS,       in_pi_set_t)     X(CELLS,    uint32_t)       X(NODES,   uint32_t) \
  X(OUTCOMES,   in_pi_outcome_t) X(PROGRAMS, uint16_t)       X(LISTS,   in_pi_rule_t) \
  X(TEXTS,      in_pi_text_t)    X(EFFECTS,  in_pi_effect_t) X(OVERLAYS, in_pi_overlay_t) \
  X(LABELS,     in_pi_label_t)   X(READINGS, in_pi_reading_t) \
  X(ESCALATIONS, in_pi_escalation_t) X(SCRIPTS, in_pi_script_t) X(FANOUTS, in_pi_fanout_t) \
  X(AMENDS,     in_pi_amend_t)   X(SHOWN,    uint32_t) \
  X(APIS,       in_ai_api_t)     X(ROUTES,   in_ai_route_t)  X(OPERATIONS, in_ai_operation_t) \
  X(SHAPES,     in_ai_shape_t)   X(MEMBERS,  in_ai_member_t) X(CHOICES, in_ai_choice_t) \
  X(ELEMENTS,   in_ai_element_t) X(MAKES,    in_ai_make_t) \
  X(BATCHES,  in_ai_batch_t)

typedef enum {
#define IN_X(name, type) IN_S_##name,
  IN_SECTIONS(IN_X)
#undef IN_X
  IN_SECTION_COUNT
} in_section_t;

typedef struct {
  uint64_t offset;                /* from the image's start, multiple of 8 */
  uint32_t count;                 /* records */
  uint32_t size;                  /* bytes of one record */
} in_section_head_t;

typedef struct {
  uint64_t magic;
  uint32_t version, sections;
  uint64_t size;                  /* of the whole image */
  uint64_t checksum;              /* in_hash64 over all from `section` on */
  in_section_head_t section[IN_SECTION_COUNT];
} in_image_head_t;

/* the checksum covers everything after the header's fixed part */
#define IN_IMAGE_CHECKED  offsetof(in_image_head_t, section)

/* ---- writing */

typedef struct {
  in_arena_t *arena;
  in_buf_t section[IN_SECTION_COUNT];
  uint32_t *string_table;         /* hash table of strings already there */
  uint32_t string_slots, string_count;
  bool failed;                    /* sticky: no memory, or a section too large */
} in_builder_t;

void in_builder_init(in_builder_t *b, in_arena_t *arena, const interop_alloc_t *alloc);
void in_builder_free(in_builder_t *b);
/* appends count records of size bytes; index of the first */
uint32_t in_builder_add(in_builder_t *b, in_section_t s, const void *records,
                        uint32_t count, uint32_t size);
uint32_t in_builder_count(const in_builder_t *b, in_section_t s, uint32_t size);
in_ref_t in_builder_str(in_builder_t *b, in_span_t s);          /* each string once */
in_run_t in_builder_strs(in_builder_t *b, const in_span_t *s, uint32_t count);  /* in REFS */
/* the finished image, from alloc, *size bytes */
interop_status_t in_builder_finish(in_builder_t *b, const uint32_t record_size[IN_SECTION_COUNT],
                                   const interop_alloc_t *alloc, void **image, size_t *size);

/* ---- reading */

typedef struct {
  const unsigned char *base;
  size_t size;
  const void *section[IN_SECTION_COUNT];
  uint32_t count[IN_SECTION_COUNT];
  struct in_api_ready_s *ready;   /* the API area's, where a policy was loaded; or NULL */
} in_image_t;

/* checks header, bounds, record sizes and checksum; not the records' contents */
interop_status_t in_image_open(const void *bytes, size_t size,
                               const uint32_t record_size[IN_SECTION_COUNT],
                               in_image_t *img, interop_diag_t *diag);

static inline in_span_t in_image_str(const in_image_t *img, in_ref_t r) {
  return in_span((const char *) img->section[IN_S_STRINGS] + r.off, r.len);
}

/* for verifiers: does the reference, the run lie inside its section? */
bool in_image_ref_ok(const in_image_t *img, in_ref_t r);
bool in_image_run_ok(const in_image_t *img, in_section_t s, in_run_t r);

#endif
