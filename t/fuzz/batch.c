/*
** batch.c -- any bytes as a batch: what is accepted and written again, changed
** or not, is accepted again and has the same items; and whatever upstream
** answers, the one answer to it has an answer to each item. The first byte picks
** the form; what becomes of an item hangs on the bytes too.
*/
#include <stdlib.h>
#include "api/batch.h"
#include "policy/compile.h"

static const char definition[] =
  "system s { title \"S\"; tier C; }\n"
  "reason malformed_body 400 \"-\"; reason failed 424 \"-\"; reason none 502 \"-\";\n"
  "api a of s { paths odata keys; members ignore case; guards /{v}/batch /{v}/m /p; error json {};\n"
  "operation message.send POST /{v}/m { body { content /text required text; } }\n"
  "operation batch POST /{v}/batch { items json /requests answers /responses { limit 20 else malformed_body;\n"
  " id /id; method /method; url /url under /{v}; headers /headers; body /body; status /status;\n"
  " after /dependsOn else failed; silent else none; } }\n"
  "operation batch POST /p { accepts multipart/batching; items multipart { limit 20 else malformed_body; silent else none; } } }\n";

static in_image_t image;

static void compile(void) {
  static in_arena_t arena;
  static in_vocab_t v;
  static in_builder_t b;
  static interop_diag_t diag;
  static in_source_t src;
  in_stmt_t *s;
  void *bytes;
  size_t size;
  in_arena_init(&arena, &interop_alloc_libc);
  src.name = IN_SPAN("fuzz");
  src.text = in_str(definition);
  v.arena = &arena;
  in_builder_init(&b, &arena, &interop_alloc_libc);
  in_builder_str(&b, IN_SPAN(""));
  if (in_syntax_parse(&src, &arena, &s, &diag) != INTEROP_OK || in_vocab_read(&v, s, &diag) != INTEROP_OK) abort();
  for (; s != NULL; s = s->next)
    if (in_tok_is(s, 0, "api") && in_api_compile(&v, s, &b, &arena, &diag) != INTEROP_OK) abort();
  in_pi_system_t system = { { 0, 0 }, { 0, 0 }, 0, 0 };
  in_builder_add(&b, IN_S_SYSTEMS, &system, 1, sizeof(system));
  if (in_builder_finish(&b, in_record_size, &interop_alloc_libc, &bytes, &size) != INTEROP_OK) abort();
  if (in_image_open(bytes, size, in_record_size, &image, &diag) != INTEROP_OK) abort();
  if (in_api_verify(&image, &diag) != INTEROP_OK) abort();
  in_builder_free(&b);
}

static void read_batch(in_arena_t *arena, bool parts, in_span_t type, in_span_t body, in_batch_t *b) {
  interop_target_t t = { IN_SPAN("POST"), parts ? IN_SPAN("/p") : IN_SPAN("/v1/batch") };
  interop_request_t req;
  in_match_t m;
  memset(&req, 0, sizeof(req));
  req.content_type = type;
  req.body = body;
  if (in_api_match(&image, 0, &t, arena, &m) != INTEROP_OK) abort();
  if (in_batch_read(&image, &m, m.operation, &req, arena, b) != INTEROP_OK) abort();
}

/* ---- what becomes of the items */

static void choose_item(const in_bitem_t *i, bool parts, unsigned what, in_batch_send_t *s) {
  if (what == 1 || i->path_text.p != NULL) {
    s->stays = true;
  } else if (what == 2) {
    s->body = parts ? IN_SPAN("x\r\n--b1\r\ny--b1") : IN_SPAN("{\"k\":1.50}");
    s->body_changed = true;
    s->content_type = parts ? IN_SPAN("text/plain") : IN_SPAN("application/json");
  } else if (what == 3) {
    s->method = IN_SPAN("PATCH");
    s->target = IN_SPAN("/v1/m?x=y");
  }
}

static void choose(in_arena_t *arena, const in_batch_t *b, bool parts, uint64_t hash, in_batch_send_t *send) {
  for (uint32_t i = 0; i < b->count; i++) choose_item(&b->item[i], parts, hash >> (2 * i) & 3, &send[i]);
  for (uint32_t i = 0; i < b->count; i++) {
    send[i].after = in_arena_array(arena, b->item[i].afters + 1, sizeof(uint32_t));
    for (uint32_t k = 0; k < b->item[i].afters; k++) {
      if (send[b->item[i].after[k]].stays) send[i].after_changed = true;
      else send[i].after[send[i].afters++] = b->item[i].after[k];
    }
  }
}

static void same(in_span_t a, in_span_t b) {
  if (a.n != b.n || (a.n > 0 && memcmp(a.p, b.p, a.n) != 0)) abort();
}

static void check_item(const in_bitem_t *old, const in_batch_send_t *s, const in_bitem_t *new) {
  same(new->id, old->id);
  same(new->method, s->method.p != NULL ? s->method : old->method);
  same(new->target, s->target.p != NULL ? s->target : old->target);
  same(new->content_type, s->content_type.p != NULL ? s->content_type : old->content_type);
  same(new->body, s->body_changed ? s->body : old->body);
  if (new->unwanted || new->path_text.p != NULL || new->afters != s->afters) abort();
}

static void check_written(in_arena_t *arena, in_batch_t *b, bool parts, const in_batch_send_t *send) {
  in_span_t body, type;
  bool changed;
  in_batch_t again;
  uint32_t n = 0;
  if (in_batch_write(b, send, &body, &type, &changed) != INTEROP_OK) abort();
  if (!changed) body = b->source;
  if (type.p == NULL) type = parts ? IN_SPAN("multipart/batching; boundary=b1") : IN_SPAN("application/json");
  read_batch(arena, parts, type, body, &again);
  for (uint32_t i = 0; i < b->count; i++) n += !send[i].stays;
  if (n == 0) return;             /* a batch of nothing is refused: it is never sent */
  if (again.refusal.p != NULL || again.count != n) abort();
  for (uint32_t i = 0, k = 0; i < b->count; i++)
    if (!send[i].stays) check_item(&b->item[i], &send[i], &again.item[k++]);
}

/* ---- answers */

static void fill_reply(const in_batch_answer_t *a, uint32_t i, unsigned what, in_reply_t *r) {
  r->verdict = IN_SPAN("deny;reason=\"x\"");
  r->ours = !a->theirs[i].there || what == 1;
  if (r->ours) {
    r->status = 403;
    r->type = IN_SPAN("application/json");
    r->body = IN_SPAN("{\"code\":\"x\"}");
  } else if (what > 1) {
    r->status = 204;
    r->body_changed = true;
    r->body = what == 2 ? IN_NONE : IN_SPAN("{\"k\":1.50}");
  }
}

static void check_answers(in_arena_t *arena, in_batch_t *b, const in_batch_send_t *send, in_span_t body, uint64_t hash) {
  in_batch_answer_t a, again;
  in_batch_send_t all[20];
  in_reply_t reply[20];
  in_span_t type, one;
  memset(all, 0, sizeof(all));
  memset(reply, 0, sizeof(reply));
  if (b->count > in_countof(reply) || in_batch_answers(b, send, body, &a) != INTEROP_OK) abort();
  for (uint32_t i = 0; i < b->count; i++) fill_reply(&a, i, hash >> (2 * i) & 3, &reply[i]);
  if (in_batch_reply(b, &a, reply, &type, &one) != INTEROP_OK) abort();
  if (in_batch_answers(b, all, one, &again) != INTEROP_OK || !again.read) abort();
  for (uint32_t i = 0; i < b->count; i++) {
    if (!again.theirs[i].there) abort();
    if (reply[i].status != 0 && again.theirs[i].status != reply[i].status
        && (reply[i].ours || a.theirs[i].status != 0)) abort();
  }
  (void) arena;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  in_arena_t arena;
  in_batch_t b;
  in_batch_send_t *send;
  if (image.base == NULL) compile();
  if (size == 0) return 0;
  bool parts = data[0] & 1;
  in_span_t body = in_span((const char *) data + 1, size - 1), answer = body;
  const char *nul = body.n > 0 ? memchr(body.p, 0, body.n) : NULL;      /* the batch, NUL, the answer */
  uint64_t hash = data[0] < 4 ? 0 : in_hash64(data, size);
  if (nul != NULL) {
    answer = in_span(nul + 1, (size_t) (body.p + body.n - nul - 1));
    body.n = (size_t) (nul - body.p);
  }
  in_arena_init(&arena, &interop_alloc_libc);
  read_batch(&arena, parts, parts ? IN_SPAN("multipart/batching; boundary=b1") : IN_SPAN("application/json"), body, &b);
  if (b.refusal.p == NULL) {
    send = in_arena_array(&arena, b.count, sizeof(*send));
    choose(&arena, &b, parts, hash, send);
    check_written(&arena, &b, parts, send);
    check_answers(&arena, &b, send, answer, hash);
  }
  in_arena_free(&arena);
  return 0;
}
