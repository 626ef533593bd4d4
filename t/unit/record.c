/*
** record.c -- packed records: JSON both ways, reading, merging, damage, memory.
*/
#include <stdlib.h>
#include "tap.h"
#include "../../rules/store/record.h"

static in_span_t pack(const char *json) {
  interop_diag_t d;
  in_span_t record;
  in_diag_clear(&d);
  if (in_record_from_json(in_str(json), NULL, &interop_alloc_libc, &record, &d) != INTEROP_OK)
    printf("# %s\n", d.text);
  return record;
}

static void drop(in_span_t record) {
  free((void *) (uintptr_t) record.p);
}

/* ---------------------------------------------------------- JSON, both ways */

static void round_trip(const char *json, const char *want) {
  in_span_t record = pack(json), again;
  interop_diag_t d;
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  in_record_to_json(record, IN_NONE, &b);
  is_bytes(b.p, b.n, want, strlen(want), "as it was, by name");
  in_diag_clear(&d);
  in_record_from_json(in_buf_span(&b), NULL, &interop_alloc_libc, &again, &d);
  ok(in_eq(record, again), "equal content, equal bytes");
  drop(record);
  drop(again);
  in_buf_free(&b);
}

static void round_trips(void) {
  round_trip("{\"id\":\"x\"}", "{\"id\":\"x\"}");
  round_trip("{\"b\":true,\"a\":false,\"id\":\"x\",\"n\":null}",
             "{\"id\":\"x\",\"a\":false,\"b\":true,\"n\":null}");
  round_trip("{\"id\":\"x\",\"a\":[]}",
             "{\"id\":\"x\",\"a\":[]}");
  round_trip("{\"id\":\"x\",\"max\":9223372036854775807,\"min\":-9223372036854775808,\"z\":0}",
             "{\"id\":\"x\",\"max\":9223372036854775807,\"min\":-9223372036854775808,\"z\":0}");
  round_trip("{\"id\":\"x\",\"toggles\":{\"interop.b\":\"on\",\"a\":3},\"edition\":{\"e\":\"1\"},"
             "\"toggle-s\":1,\"policies\":{}}",
             "{\"id\":\"x\",\"edition\":{\"e\":\"1\"},\"policies\":{},\"toggle-s\":1,"
             "\"toggles\":{\"a\":3,\"interop.b\":\"on\"}}");
  round_trip("{\"id\":\"x\",\"p\":[\"a\",{\"joined\":\"t\",\"user\":\"b\"},\"\"]}",
             "{\"id\":\"x\",\"p\":[\"a\",{\"user\":\"b\",\"joined\":\"t\"},\"\"]}");
  round_trip("{\"id\":\"x\",\"p\":[{\"k\":\"1\",\"v\":\"2\"},{\"v\":\"4\",\"k\":\"3\"}]}",
             "{\"id\":\"x\",\"p\":[{\"k\":\"1\",\"v\":\"2\"},{\"k\":\"3\",\"v\":\"4\"}]}");
  round_trip("{\"id\":\"x\",\"s\":\"\\u0000\\n\\\"\\\\/\\u00e9\xf0\x9f\x98\x80\"}",
             "{\"id\":\"x\",\"s\":\"\\u0000\\u000a\\\"\\\\/\xc3\xa9\xf0\x9f\x98\x80\"}");
  round_trip("{\"id\":\"x\",\"o\":{\"l\":[\"a\"],\"n\":null,\"f\":true}}",
             "{\"id\":\"x\",\"o\":{\"f\":true,\"l\":[\"a\"],\"n\":null}}");
}

static void refused(const char *json, const char *want) {
  interop_diag_t d;
  in_span_t record;
  interop_status_t s;
  in_diag_clear(&d);
  s = in_record_from_json(in_str(json), NULL, &interop_alloc_libc, &record, &d);
  ok(s == INTEROP_SYNTAX && record.p == NULL, "refused: %.60s", json);
  is_text(d.text, want, "... because");
}

static void refusals(void) {
  refused("", "not valid JSON: it is empty");
  refused("[]", "not an object");
  refused("{\"id\":\"x\"", "column 10: not valid JSON: unexpected end of data");
  refused("{\"id\":\"x\"} x", "column 12: not valid JSON: unexpected content after document");
  refused("{}", "member \"id\" is missing");
  refused("{\"id\":7}", "member \"id\" must be a text, not empty");
  refused("{\"id\":\"\"}", "member \"id\" must be a text, not empty");
  refused("{\"id\":\"x\",\"id\":\"y\"}", "member \"id\" is given twice");
  refused("{\"id\":\"x\",\"a\":1,\"a\":{\"b\":1}}", "member \"a\" is given twice");
  refused("{\"id\":\"x\",\"a\":{\"b\":1},\"a\":{\"c\":1}}", "member \"a\" is given twice");
  refused("{\"id\":\"x\",\"a\":{\"b\":1,\"\\u0062\":2}}", "member \"a.b\" is given twice");
  refused("{\"id\":\"x\",\"a\":1.5}", "member \"a\" is not a whole number of 64 bits");
  refused("{\"id\":\"x\",\"a\":9223372036854775808}", "member \"a\" is not a whole number of 64 bits");
  refused("{\"id\":\"x\",\"a\":1e2}", "member \"a\" is not a whole number of 64 bits");
  refused("{\"id\":\"x\",\"a\":{\"b\":{}}}",
          "member \"a.b\" is an object within an object; facts nest one level deep");
  refused("{\"id\":\"x\",\"a.b\":1}",
          "member \"a.b\" has a dot in its name; write {\"a\": {\"b\": ...}} for a.b");
  refused("{\"id\":\"x\",\"\":1}", "member \"\" has no name");
  refused("{\"id\":\"x\",\"a\":{\"\":1}}", "member \"a.\" has no name");
  refused("{\"id\":\"x\",\"a\":[1]}", "member \"a\" is a list with an item that is neither a text"
          " nor an object of two texts named as in the items before");
  refused("{\"id\":\"x\",\"a\":[{\"k\":\"1\",\"v\":\"2\"},{\"k\":\"1\",\"w\":\"2\"}]}",
          "member \"a\" is a list with an item that is neither a text"
          " nor an object of two texts named as in the items before");
  refused("{\"id\":\"x\",\"a\":\"\xff\"}",
          "column 16: not valid JSON: invalid UTF-8 encoding in string");
}

static void long_names(void) {
  char json[700];
  interop_diag_t d;
  in_span_t record;
  in_diag_clear(&d);
  memset(json, 'n', sizeof json);
  memcpy(json, "{\"id\":\"x\",\"", 11);
  memcpy(json + 11 + 256, "\":1}", 5);
  in_record_from_json(in_str(json), NULL, &interop_alloc_libc, &record, &d);
  ok(d.status == INTEROP_SYNTAX && strstr(d.text, "has too long a name (255 bytes at most)"),
     "256 bytes are too many for a name");
  in_diag_clear(&d);
  memcpy(json + 11 + 255, "\":1}", 5);
  in_record_from_json(in_str(json), NULL, &interop_alloc_libc, &record, &d);
  ok(d.status == INTEROP_OK && record.p != NULL, "255 are not");
  drop(record);
}

static void kinds(void) {
  interop_record_kind_t kind = INTEROP_R_TENANT;
  interop_diag_t d;
  in_span_t record;
  in_diag_clear(&d);
  in_record_from_json(IN_SPAN("{\"kind\":\"conversation\",\"id\":\"x\"}"), &kind,
                      &interop_alloc_libc, &record, &d);
  is_number(kind, INTEROP_R_CONVERSATION, "the kind is told");
  is_number(in_record_count(record), 1, "... and not kept");
  drop(record);
  in_record_from_json(IN_SPAN("{\"kind\":\"robot\",\"id\":\"x\"}"), &kind,
                      &interop_alloc_libc, &record, &d);
  is_text(d.text, "member \"kind\" must be \"tenant\", \"user\", \"conversation\", \"message\""
          " or \"call\"", "no other kind");
}

/* ---------------------------------------------------------------- reading */

static void reading(void) {
  in_span_t r = pack("{\"id\":\"x\",\"t\":\"text\",\"f\":true,\"n\":-5,\"z\":null,\"o\":{\"i.j\":1},"
                     "\"l\":[\"a\",{\"user\":\"b\",\"joined\":\"t\"}]}");
  in_span_t item, second;
  interop_value_t v;
  size_t at = 0;
  ok(interop_record_get(r, IN_SPAN("t"), &v) == INTEROP_OK && v.type == INTEROP_T_TEXT
     && in_eq(v.text, IN_SPAN("text")), "a text");
  ok(interop_record_get(r, IN_SPAN("f"), &v) == INTEROP_OK && v.type == INTEROP_T_FLAG
     && v.number == 1, "a flag");
  ok(interop_record_get(r, IN_SPAN("n"), &v) == INTEROP_OK && v.type == INTEROP_T_NUMBER
     && v.number == -5, "a number");
  ok(interop_record_get(r, IN_SPAN("z"), &v) == INTEROP_OK && v.type == INTEROP_T_NULL, "a null");
  ok(interop_record_get(r, IN_SPAN("o.i.j"), &v) == INTEROP_OK && v.number == 1, "an inner one");
  ok(interop_record_get(r, IN_SPAN("l"), &v) == INTEROP_OK && v.type == INTEROP_T_LIST
     && v.count == 2, "a list");
  ok(interop_value_item(&v, &at, &item, &second) && in_eq(item, IN_SPAN("a"))
     && second.p == NULL, "its first item is single");
  ok(interop_value_item(&v, &at, &item, &second) && in_eq(item, IN_SPAN("b"))
     && in_eq(second, IN_SPAN("t")), "its second a pair");
  ok(!interop_value_item(&v, &at, &item, &second), "and that is all");
  is_number(interop_record_get(r, IN_SPAN("nope"), &v), INTEROP_MISSING, "no such field");
  is_number(interop_record_get(r, IN_SPAN(""), &v), INTEROP_MISSING, "nor one without a name");
  is_number(interop_record_get(IN_NONE, IN_SPAN("t"), &v), INTEROP_DAMAGED, "no record");
  ok(in_record_intact(r), "intact");
  drop(r);
}

static void many(void) {
  in_buf_t b;
  in_span_t r;
  interop_value_t v;
  char name[16];
  int i, good = 0;
  in_buf_init(&b, &interop_alloc_libc);
  in_buf_put(&b, IN_SPAN("{\"id\":\"x\""));
  for (i = 0; i < 5000; i++)
    in_buf_printf(&b, ",\"f%d\":%d", i, i);
  in_buf_put(&b, IN_SPAN("}"));
  in_buf_byte(&b, '\0');
  r = pack(b.p);
  for (i = 0; i < 5000; i++) {
    snprintf(name, sizeof name, "f%d", i);
    good += interop_record_get(r, in_str(name), &v) == INTEROP_OK && v.number == i;
  }
  is_number(good, 5000, "five thousand fields are found");
  drop(r);
  in_buf_free(&b);
}

/* every read of a damaged record ends well; ASan and valgrind look on */
static void read_everything(in_span_t r) {
  static const char *const names[] = { "id", "t", "f", "n", "l", "o.i", "nope" };
  in_span_t item, second;
  interop_value_t v;
  in_field_t f;
  uint32_t i;
  size_t k, at;
  for (k = 0; k < in_countof(names); k++)
    if (interop_record_get(r, in_str(names[k]), &v) == INTEROP_OK)
      for (at = 0; interop_value_item(&v, &at, &item, &second); )
        (void) in_hash(item);
  for (i = 0; i < 100 && in_record_field(r, i, &f) == INTEROP_OK; i++)
    (void) (in_hash(f.name) + in_hash(f.value.text) + in_hash(f.pair[1]));
}

static void damage(void) {
  in_span_t r = pack("{\"id\":\"x\",\"t\":\"text\",\"f\":true,\"n\":-5,\"o\":{\"i\":1},"
                     "\"l\":[\"a\",{\"user\":\"b\",\"joined\":\"t\"}]}");
  char *copy;
  size_t n, i, intact = 0;
  unsigned bit;
  interop_span_t out;
  for (n = 0; n < r.n; n++) {     /* of its own size, so that a read beyond is seen */
    copy = malloc(n + 1);
    memcpy(copy, r.p, n);
    copy = realloc(copy, n == 0 ? 1 : n);
    read_everything(in_span(copy, n));
    intact += in_record_intact(in_span(copy, n));
    free(copy);
  }
  is_number((long long) intact, 0, "cut anywhere: not intact, and no fault");
  for (i = 0; i < r.n; i++)
    for (bit = 0; bit < 8; bit++) {
      copy = malloc(r.n);
      memcpy(copy, r.p, r.n);
      copy[i] = (char) (copy[i] ^ (1 << bit));
      read_everything(in_span(copy, r.n));
      intact += in_record_intact(in_span(copy, r.n));
      if (interop_record_merge(in_span(copy, r.n), NULL, 0, &interop_alloc_libc, &out) == INTEROP_OK)
        drop(out);
      free(copy);
    }
  is_number((long long) intact, 0, "any bit changed: not intact, and no fault");
  drop(r);
}

/* ---------------------------------------------------------------- merging */

static interop_effect_t effect(const char *field, interop_value_t value) {
  interop_effect_t e = { .kind = INTEROP_R_CONVERSATION, .key = { "g", 1 }, .create = 1 };
  e.field = in_str(field);
  e.value = value;
  return e;
}

static interop_value_t flag(int yes) {
  interop_value_t v = { INTEROP_T_FLAG, yes, { NULL, 0 }, 0 };
  return v;
}

static void merged(in_span_t old, const interop_effect_t *e, size_t count, const char *want) {
  in_span_t r = IN_NONE;
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  is_number(interop_record_merge(old, e, count, &interop_alloc_libc, &r), INTEROP_OK, "merged");
  in_record_to_json(r, IN_NONE, &b);
  is_bytes(b.p, b.n, want, strlen(want), "... into what it should be");
  drop(r);
  in_buf_free(&b);
}

static void merging(void) {
  in_span_t old = pack("{\"id\":\"g\",\"started\":false,\"a\":{\"b\":1,\"c\":2},\"s\":\"x\","
                       "\"p\":[{\"k\":\"1\",\"v\":\"2\"}]}");
  interop_value_t none = { INTEROP_T_NULL, 0, { NULL, 0 }, 0 };
  interop_effect_t e[2];
  interop_effect_t bad;
  in_span_t out;
  in_buf_t items;
  e[0] = effect("started", flag(1));
  e[1] = effect("thread", in_value_text(IN_SPAN("interop")));
  merged(old, e, 2, "{\"id\":\"g\",\"a\":{\"b\":1,\"c\":2},\"p\":[{\"k\":\"1\",\"v\":\"2\"}],"
         "\"s\":\"x\",\"started\":true,\"thread\":\"interop\"}");
  merged(IN_NONE, e, 2, "{\"started\":true,\"thread\":\"interop\"}");
  merged(IN_NONE, NULL, 0, "{}");
  e[0] = effect("a", flag(0));
  e[1] = effect("s.t", flag(1));
  merged(old, e, 2, "{\"id\":\"g\",\"a\":false,\"p\":[{\"k\":\"1\",\"v\":\"2\"}],"
         "\"s\":{\"t\":true},\"started\":false}");
  e[0] = effect("a.b", none);
  e[1] = effect("started", none);
  merged(old, e, 2, "{\"id\":\"g\",\"a\":{\"c\":2},\"p\":[{\"k\":\"1\",\"v\":\"2\"}],\"s\":\"x\"}");
  in_buf_init(&items, &interop_alloc_libc);
  in_pack_item(&items, IN_SPAN("3"), IN_SPAN("4"));
  in_pack_item(&items, IN_SPAN("5"), IN_NONE);
  e[0] = effect("p", in_value_list(in_buf_span(&items), 2));
  e[1] = effect("q", in_value_list(in_buf_span(&items), 2));
  merged(old, e, 2, "{\"id\":\"g\",\"a\":{\"b\":1,\"c\":2},\"p\":[{\"k\":\"3\",\"v\":\"4\"},\"5\"],"
         "\"q\":[{\"user\":\"3\",\"joined\":\"4\"},\"5\"],\"s\":\"x\",\"started\":false}");
  bad = effect("p", in_value_list(in_buf_span(&items), 3));
  is_number(interop_record_merge(old, &bad, 1, &interop_alloc_libc, &out), INTEROP_SYNTAX,
            "a list with a wrong count is refused");
  bad = effect("t", in_value_text(IN_SPAN("\xc3")));
  is_number(interop_record_merge(old, &bad, 1, &interop_alloc_libc, &out), INTEROP_SYNTAX,
            "and a text that is no UTF-8");
  is_number(interop_record_merge(in_span(old.p, old.n - 1), e, 1, &interop_alloc_libc, &out),
            INTEROP_DAMAGED, "and a damaged record");
  in_buf_free(&items);
  drop(old);
}

static interop_effect_t any_effect(unsigned *seed, in_span_t items) {
  static const char *const names[] = { "author", "a", "a.b", "a.c", "a.b.c", "conversation", "b", "" };
  static const char *const texts[] = { "", "x", "19:abc", "\xc3", "\xc3\xa9" };
  interop_effect_t e;
  unsigned r = *seed = *seed * 1103515245u + 12345u;
  e = effect(names[(r >> 8) % 64 == 0 ? 7 : (r >> 8) % 7], flag(1));
  e.items = (r >> 15) % 16 == 0 ? (r >> 19) % 3 : 0;
  switch ((r >> 21) % 8) {
    case 0: e.value.type = (r >> 24) % 3 == 0 ? INTEROP_T_NULL : INTEROP_T_NUMBER; break;
    case 1: e.value = in_value_list(items, 2); break;
    case 2: break;
    default: e.value = in_value_text(in_str(texts[(r >> 24) % 32 == 0 ? 3 : (r >> 24) % 3 + (r >> 29) % 2 * 2]));
  }
  return e;
}

/* what is made of nothing is made in fewer steps, and the same as of an empty record */
static void from_nothing(void) {
  interop_effect_t e[20];
  in_buf_t items;
  unsigned seed = 7, made = 0, refused = 0, other = 0;
  in_span_t empty, a, b;
  in_buf_init(&items, &interop_alloc_libc);
  in_pack_item(&items, IN_SPAN("3"), IN_SPAN("4"));
  in_pack_item(&items, IN_SPAN("5"), IN_NONE);
  is_number(interop_record_merge(IN_NONE, NULL, 0, &interop_alloc_libc, &empty), INTEROP_OK, "a record without fields");
  for (unsigned i = 0; i < 20000; i++) {
    size_t count = i % 100 == 0 ? 20 : i % 6;
    interop_status_t s;
    for (size_t k = 0; k < count; k++) e[k] = any_effect(&seed, in_buf_span(&items));
    for (size_t k = 0; k < count && i % 1000 == 0; k++) e[k] = effect(&"more fields than are few"[k], flag(1));
    s = interop_record_merge(IN_NONE, e, count, &interop_alloc_libc, &a);
    if (s != interop_record_merge(empty, e, count, &interop_alloc_libc, &b) || !in_eq(a, b)) other++;
    if (s == INTEROP_OK) made++; else refused++;
    drop(a);
    drop(b);
  }
  ok(other == 0 && made > 10000 && refused > 1000, "of nothing and of an empty record the same: %u, refused: %u, others: %u",
     made, refused, other);
  in_buf_free(&items);
  drop(empty);
}

/* items put into a list and taken out of it */
static void list_items(void) {
  in_span_t old = pack("{\"id\":\"g\",\"p\":[\"a\",{\"user\":\"b\",\"joined\":\"1\"},\"c\"],\"t\":\"x\"}");
  in_buf_t items;
  interop_effect_t e[2];
  in_buf_init(&items, &interop_alloc_libc);
  in_pack_item(&items, IN_SPAN("b"), IN_SPAN("2"));
  in_pack_item(&items, IN_SPAN("d"), IN_SPAN("2"));
  in_pack_item(&items, IN_SPAN("d"), IN_SPAN("3"));
  e[0] = effect("p", in_value_list(in_buf_span(&items), 3));
  e[0].items = INTEROP_ITEMS_ADD;
  merged(old, e, 1, "{\"id\":\"g\",\"p\":[\"a\",{\"user\":\"b\",\"joined\":\"1\"},\"c\",{\"user\":\"d\",\"joined\":\"2\"}],\"t\":\"x\"}");
  merged(IN_NONE, e, 1, "{\"p\":[{\"user\":\"b\",\"joined\":\"2\"},{\"user\":\"d\",\"joined\":\"2\"}]}");
  e[1] = e[0];
  e[1].items = INTEROP_ITEMS_DROP;
  merged(old, e + 1, 1, "{\"id\":\"g\",\"p\":[\"a\",\"c\"],\"t\":\"x\"}");
  merged(old, e, 2, "{\"id\":\"g\",\"p\":[\"a\",\"c\"],\"t\":\"x\"}");
  e[0].field = e[1].field = IN_SPAN("t");
  merged(old, e, 1, "{\"id\":\"g\",\"p\":[\"a\",{\"user\":\"b\",\"joined\":\"1\"},\"c\"],"
         "\"t\":[{\"user\":\"b\",\"joined\":\"2\"},{\"user\":\"d\",\"joined\":\"2\"}]}");
  merged(old, e + 1, 1, "{\"id\":\"g\",\"p\":[\"a\",{\"user\":\"b\",\"joined\":\"1\"},\"c\"],\"t\":[]}");
  in_buf_free(&items);
  drop(old);
}

/* ---------------------------------------------------------- out of memory */

typedef struct {
  long left, live;
} meter_t;

static void *metered(void *ctx, void *p, size_t osize, size_t nsize) {
  meter_t *m = ctx;
  void *q;
  if (nsize == 0) {
    m->live -= p != NULL;
    free(p);
    return NULL;
  }
  if (m->left-- <= 0)
    return NULL;
  q = realloc(p, nsize);
  m->live += p == NULL && q != NULL;
  (void) osize;
  return q;
}

static void no_memory(void) {
  static const char json[] = "{\"id\":\"x\",\"l\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"],\"o\":{\"i\":1}}";
  meter_t m = { 0, 0 };
  interop_alloc_t alloc = { metered, NULL };
  interop_effect_t e = effect("started", flag(1));
  interop_status_t s = INTEROP_NOMEM;
  interop_diag_t d;
  in_span_t r, out;
  int tries, leaks = 0, other = 0;
  alloc.ctx = &m;
  for (tries = 0; s != INTEROP_OK && tries < 100; tries++) {
    m.left = tries;
    m.live = 0;
    in_diag_clear(&d);
    s = in_record_from_json(in_str(json), NULL, &alloc, &r, &d);
    leaks += m.live != (s == INTEROP_OK);
    other += s != INTEROP_OK && (s != INTEROP_NOMEM || strcmp(d.text, "out of memory") != 0);
  }
  ok(s == INTEROP_OK && tries > 2 && leaks == 0 && other == 0,
     "reading JSON without memory: says so, keeps nothing (%d tries)", tries);
  for (s = INTEROP_NOMEM, tries = 0; s != INTEROP_OK && tries < 100; tries++) {
    m.left = tries;
    m.live = 0;
    s = interop_record_merge(r, &e, 1, &alloc, &out);
    leaks += m.live != (s == INTEROP_OK);
    other += s != INTEROP_OK && s != INTEROP_NOMEM;
  }
  ok(s == INTEROP_OK && tries > 1 && leaks == 0 && other == 0, "merging without memory: the same");
  drop(r);
  drop(out);
}

/* what a diagnostic held before is nobody's business */
static void fresh_diagnostics(void) {
  interop_diag_t diag;
  interop_span_t record;
  memset(&diag, 0xff, sizeof(diag));
  ok(interop_record_parse(IN_SPAN("{\"id\":"), &interop_alloc_libc, &record, &diag) == INTEROP_SYNTAX
     && diag.status == INTEROP_SYNTAX && diag.text[0] > ' ', "an error is told in a diagnostic that was never set");
  memset(&diag, 0xff, sizeof(diag));
  ok(interop_record_parse(IN_SPAN("{\"id\":\"a\"}"), &interop_alloc_libc, &record, &diag) == INTEROP_OK
     && diag.status == INTEROP_OK && diag.text[0] == '\0', "and what is good leaves it empty");
  free((void *) (uintptr_t) record.p);
}

int main(void) {
  fresh_diagnostics();
  round_trips();
  refusals();
  long_names();
  kinds();
  reading();
  many();
  damage();
  merging();
  from_nothing();
  list_items();
  no_memory();
  return done();
}
