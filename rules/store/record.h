/*
** record.h -- the packed record: named values in one flat block.
**
** Owns the packed form and its making; knows no store, no policy and no field
** by name. Invariants: equal content packs to equal bytes; every read checks
** its bounds, so a damaged record is DAMAGED or MISSING, never a fault.
**
** Form (native byte order, no alignment):
**   header   u32 magic, u32 checksum of all that follows it, u32 size, u32 count
**   table    count times { u32 hash of the name, u32 offset of the field },
**            by hash, then by name
**   fields   { u8 type, u8 name size, u8 pair[2], u32 value size },
**            name, value, the two pair names
**   values   null: none; flag: 1 byte; number: 8; text: its bytes;
**            list: u32 count, then items
**   item     { u32 size, u32 size of the second text or NO_SECOND }, texts
** The pair names are those of a list's two-member objects ("user", "joined"):
** they are there so that export gives back what was imported.
*/
#ifndef IN_RECORD_H
#define IN_RECORD_H

#include "../base/base.h"
#include "../base/diag.h"

#define IN_RECORD_MAX       ((size_t) 16 << 20)   /* bytes of a packed record */
#define IN_RECORD_NAME_MAX  255                   /* bytes of a field's name */

/* ---- reading */

typedef struct {
  in_span_t name;
  interop_value_t value;
  in_span_t pair[2];              /* LIST: names of the pair's members, or absent */
} in_field_t;

/* a record whose head is sound, from where it starts */
in_span_t in_record_at(const char *p);
/* header and checksum hold: what was packed is what is there */
bool in_record_intact(in_span_t record);
uint32_t in_record_count(in_span_t record);            /* 0 for a damaged header */
/* field number index in table order; OK, MISSING at the end, DAMAGED */
interop_status_t in_record_field(in_span_t record, uint32_t index, in_field_t *field);
/* interop_record_get for whoever has in_hash(field) at hand */
interop_status_t in_record_get(in_span_t record, in_span_t field, uint32_t hash,
                               interop_value_t *value);
/* do two records have fields of the same names, and the same in those that matter, by number? */
bool in_record_alike(in_span_t a, in_span_t b, const bool *matters);
/* is the hash of the name of field number index one of these? */
bool in_record_hashed(in_span_t record, uint32_t index, const uint32_t *hash, uint32_t count);
/* a text field, or IN_NONE */
in_span_t in_record_text(in_span_t record, in_span_t field);

/* ---- making */

/* Fields being collected; names and values are not copied before packing. */
typedef struct {
  in_arena_t *arena;
  in_field_t *fields;
  size_t count, size;
  bool failed;                    /* no memory; told by in_draft_pack */
} in_draft_t;

void in_draft_init(in_draft_t *d, in_arena_t *arena);
/* all fields of a record; OK, DAMAGED, NOMEM */
interop_status_t in_draft_load(in_draft_t *d, in_span_t record);
/* a new field without looking for one of that name; NULL = no memory */
in_field_t *in_draft_add(in_draft_t *d, in_span_t name);
in_field_t *in_draft_find(in_draft_t *d, in_span_t name);
/*
** Sets a field as an effect does: NULL removes it. A name is a value or an
** object, never both: setting "a" removes "a.b", setting "a.b" removes "a".
*/
void in_draft_set(in_draft_t *d, in_span_t name, const interop_value_t *value);
/* what an effect does: in_draft_set, or items into a list or out of it; OK, DAMAGED, NOMEM */
interop_status_t in_draft_apply(in_draft_t *d, const interop_effect_t *effect);
/*
** Packs the draft into one block from alloc of record->n bytes. SYNTAX where a
** name is there twice or is too long, where a text is no UTF-8 or the whole is
** over IN_RECORD_MAX; NOMEM. diag may be NULL.
*/
interop_status_t in_draft_pack(in_draft_t *d, const interop_alloc_t *alloc,
                               in_span_t *record, interop_diag_t *diag);

/* a field's name and its in_hash */
typedef struct { in_span_t name; uint32_t hash; } in_name_t;
/*
** A record of texts alone, from the arena: what in_draft_pack would make of them.
** The names are constants of the caller's: each once, by their hashes, each of
** them right. SYNTAX where a text is no UTF-8 or too long, NOMEM.
*/
interop_status_t in_record_of_texts(const in_name_t *names, const in_span_t *texts, size_t count,
                                    in_arena_t *arena, in_span_t *record);

/* appends one packed item; second.p == NULL: it has none */
void in_pack_item(in_buf_t *b, in_span_t item, in_span_t second);
static inline interop_value_t in_value_text(in_span_t text) {
  interop_value_t v = { INTEROP_T_TEXT, 0, text, 0 };
  return v;
}

static inline interop_value_t in_value_list(in_span_t items, uint32_t count) {
  interop_value_t v = { INTEROP_T_LIST, 0, items, count };
  return v;
}

/* ---- JSON */

/*
** One JSON object (the whole of text) to a packed record from alloc: texts,
** flags, whole numbers of 64 bits, null, lists of texts or of objects of two
** texts, objects of these (one level: {"a":{"b":1}} is the field "a.b").
** With kind, the member "kind" is wanted, told and not kept; where there is a
** member "record", that one, and "kind" is a fact like others. "id" is wanted.
** SYNTAX (diag: what and where), NOMEM.
*/
interop_status_t in_record_from_json(in_span_t text, interop_record_kind_t *kind,
    const interop_alloc_t *alloc, in_span_t *record, interop_diag_t *diag);
/*
** One JSON value to a field value whose bytes are in the arena (for
** FIELD:=JSON); pair gets the names of a list's pairs.
*/
interop_status_t in_value_from_json(in_span_t text, in_arena_t *arena,
                                    in_field_t *field, interop_diag_t *diag);
/*
** Appends the record as one JSON object without line end: kind (absent: not
** given), then id, then the others by name. DAMAGED; memory as b says.
*/
interop_status_t in_record_to_json(in_span_t record, in_span_t kind, in_buf_t *b);
/* appends one value as JSON */
void in_value_to_json(const in_field_t *field, in_buf_t *b);

#endif
