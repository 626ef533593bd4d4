/*
** write.c -- building an image: sections that grow, strings each stored once.
**
** Owns the growing; what the records mean is their makers' business. Invariant:
** equal sources make equal bytes, so nothing here depends on addresses or time.
*/
#include "image.h"

void in_builder_init(in_builder_t *b, in_arena_t *arena, const interop_alloc_t *alloc) {
  memset(b, 0, sizeof(*b));
  b->arena = arena;
  for (int i = 0; i < IN_SECTION_COUNT; i++) in_buf_init(&b->section[i], alloc);
}

void in_builder_free(in_builder_t *b) {
  for (int i = 0; i < IN_SECTION_COUNT; i++) in_buf_free(&b->section[i]);
}

uint32_t in_builder_count(const in_builder_t *b, in_section_t s, uint32_t size) {
  return (uint32_t) (b->section[s].n / size);
}

uint32_t in_builder_add(in_builder_t *b, in_section_t s, const void *records,
                        uint32_t count, uint32_t size) {
  in_buf_t *buf = &b->section[s];
  size_t bytes;
  uint32_t first = in_builder_count(b, s, size);
  if (count == 0) return first;
  if (!in_mul(count, size, &bytes) || bytes > UINT32_MAX - buf->n) {
    b->failed = true;
    return first;
  }
  in_buf_put(buf, in_span(records, bytes));
  if (buf->failed) b->failed = true;
  return first;
}

/* ---- strings: open addressing over offsets, slot value = offset + 1 */

static in_span_t stored(const in_builder_t *b, uint32_t off) {
  const in_buf_t *s = &b->section[IN_S_STRINGS];
  return in_str(s->p + off);
}

static bool grow_table(in_builder_t *b) {
  uint32_t slots = b->string_slots == 0 ? 256 : b->string_slots * 2;
  uint32_t *t = in_arena_array(b->arena, slots, sizeof(*t));
  if (t == NULL) return false;
  for (uint32_t i = 0; i < b->string_slots; i++) {
    uint32_t v = b->string_table[i], h;
    if (v == 0) continue;
    h = in_hash(stored(b, v - 1)) & (slots - 1);
    while (t[h] != 0) h = (h + 1) & (slots - 1);
    t[h] = v;
  }
  b->string_table = t;
  b->string_slots = slots;
  return true;
}

static in_ref_t put_string(in_builder_t *b, in_span_t s) {
  in_buf_t *buf = &b->section[IN_S_STRINGS];
  in_ref_t r = { (uint32_t) buf->n, (uint32_t) s.n };
  if (s.n > UINT32_MAX / 2 || buf->n > UINT32_MAX / 2) {
    b->failed = true;
    return (in_ref_t) { 0, 0 };
  }
  in_buf_put(buf, s);
  in_buf_byte(buf, '\0');
  if (buf->failed) b->failed = true;
  return r;
}

in_ref_t in_builder_str(in_builder_t *b, in_span_t s) {
  in_ref_t none = { 0, 0 };
  uint32_t h;
  if (s.n > 0 && memchr(s.p, 0, s.n) != NULL) return put_string(b, s);
  if (b->string_count * 2 >= b->string_slots && !grow_table(b)) b->failed = true;
  if (b->failed) return none;
  h = in_hash(s) & (b->string_slots - 1);
  while (b->string_table[h] != 0) {
    uint32_t off = b->string_table[h] - 1;
    if (in_eq(stored(b, off), s)) return (in_ref_t) { off, (uint32_t) s.n };
    h = (h + 1) & (b->string_slots - 1);
  }
  none = put_string(b, s);
  if (!b->failed) {
    b->string_table[h] = none.off + 1;
    b->string_count++;
  }
  return none;
}

in_run_t in_builder_strs(in_builder_t *b, const in_span_t *s, uint32_t count) {
  in_run_t run = { in_builder_count(b, IN_S_REFS, sizeof(in_ref_t)), count };
  for (uint32_t i = 0; i < count; i++) {
    in_ref_t r = in_builder_str(b, s[i]);
    in_builder_add(b, IN_S_REFS, &r, 1, sizeof(r));
  }
  return run;
}

static size_t align8(size_t n) {
  return (n + 7) & ~(size_t) 7;
}

interop_status_t in_builder_finish(in_builder_t *b, const uint32_t record_size[IN_SECTION_COUNT],
                                   const interop_alloc_t *alloc, void **image, size_t *size) {
  in_image_head_t head;
  size_t total = align8(sizeof(head));
  char *p;
  if (b->failed) return INTEROP_NOMEM;
  memset(&head, 0, sizeof(head));
  head.magic = IN_IMAGE_MAGIC;
  head.version = IN_IMAGE_VERSION;
  head.sections = IN_SECTION_COUNT;
  for (int i = 0; i < IN_SECTION_COUNT; i++) {
    head.section[i].offset = total;
    head.section[i].size = record_size[i];
    head.section[i].count = (uint32_t) (b->section[i].n / record_size[i]);
    total = align8(total + b->section[i].n);
  }
  head.size = total;
  p = alloc->resize(alloc->ctx, NULL, 0, total);
  if (p == NULL) return INTEROP_NOMEM;
  memset(p, 0, total);
  for (int i = 0; i < IN_SECTION_COUNT; i++)
    if (b->section[i].n > 0) memcpy(p + head.section[i].offset, b->section[i].p, b->section[i].n);
  memcpy(p, &head, sizeof(head));
  head.checksum = in_hash64(p + IN_IMAGE_CHECKED, total - IN_IMAGE_CHECKED);
  memcpy(p, &head, sizeof(head));
  *image = p;
  *size = total;
  return INTEROP_OK;
}
