/*
** body.c -- any bytes as a body: what a placeholder or plain text lets through
** is, read again, a text without features; amending nothing changes nothing;
** and what is written is JSON again. The first byte picks the request.
*/
#include <stdlib.h>
#include "api/api.h"
#include "policy/compile.h"

static const char definition[] =
  "system s { title \"S\"; tier C; }\n"
  "api a of s { members ignore case; guards /m /r /c /t; gifs g.example; error json {};\n"
  "element emoji { feature emoji; text @alt; } element at { feature mention; } element attachment { hidden; }\n"
  "element readonly @itemtype \"G\" { feature gif; hidden; }\n"
  "shape m { content /body/content required format /body/type default text { text text; html html; markdown markdown; }\n"
  " text /subject; parts /attachments by /type url /url { quote quote; card.* card; image/gif gif; image/* image; * file; }\n"
  " parts /mentions mention; parts /hosted by /type bytes /bytes { image/gif gif; image/* image; * file; }\n"
  " images \"../h/{id}\" in /hosted by /id; inert /importance { low; high feature importance; } inert /locale; inert whole /data; reply /to; }\n"
  "shape c { one of /id /kind; card /kind { Image image; * card; } card /id card; part /more; inert /keep; }\n"
  "make m { POST /m; json { \"body\": { \"content\": \"$text\" } }; keep /keep /locale; }\n"
  "operation message.send POST /m { body m; }\n"
  "operation message.send POST /c { body c; placeholder makes m; }\n"
  "operation message.send POST /r { body { content raw { text/plain text; text/html html; } } }\n"
  "operation message.send POST /t { body { content /d required data; inert /importance; } } }\n";

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

static const struct { const char *target, *type; } requests[] = {
  { "/m", "application/json" }, { "/c", "application/json" }, { "/r", "text/html" },
  { "/r", "text/plain" }, { "/t", "application/json" },
};

static interop_status_t read_one(in_arena_t *arena, const char *target, in_span_t type, in_span_t body,
                                 in_match_t *m, in_event_t *ev) {
  interop_target_t t = { IN_SPAN("POST"), in_str(target) };
  interop_request_t req;
  memset(&req, 0, sizeof(req));
  req.content_type = type;
  req.body = body;
  if (in_api_match(&image, 0, &t, arena, m) != INTEROP_OK) abort();
  return in_api_read(&image, m, &req, arena, NULL, ev);
}

/* what upstream would get under this verdict carries nothing but text */
static void check_written(in_arena_t *arena, const in_match_t *m, const in_event_t *ev, const char *target,
                          in_span_t type, in_span_t body, interop_verdict_t verdict) {
  in_write_t w;
  in_match_t m2;
  in_event_t again;
  interop_status_t rc = in_api_write(&image, m, ev, verdict, IN_SPAN("no"), 0, 0, arena, &w);
  if (rc == INTEROP_FULL) return;
  if (rc != INTEROP_OK) abort();
  if (w.target.p != NULL) target = "/m";
  if (w.content_type.p != NULL) type = w.content_type;
  if (w.body_changed) body = w.body;
  if (verdict == INTEROP_V_PLACEHOLDER && !w.changed) abort();
  if (read_one(arena, target, type, body, &m2, &again) != INTEROP_OK) abort();
  if (again.refusal.p != NULL) {
    /* a raw body that became empty is none */
    if (body.n > 0 && again.body != NULL) abort();
    return;
  }
  if (again.kind != INTEROP_K_TEXT && again.kind != INTEROP_K_OTHER) {
    /* an address in plain text stays: it is text to whoever reads it */
    for (int i = 0; i < INTEROP_FEATURE_COUNT; i++)
      if (i != INTEROP_F_LINK && i != INTEROP_F_EMOJI && i != INTEROP_F_IMPORTANCE && again.features.count[i] > 0) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  in_arena_t arena;
  in_match_t m;
  in_event_t ev;
  in_write_t w;
  if (image.base == NULL) compile();
  if (size == 0) return 0;
  size_t k = data[0] % in_countof(requests);
  in_span_t body = in_span((const char *) data + 1, size - 1), type = in_str(requests[k].type);
  in_arena_init(&arena, &interop_alloc_libc);
  if (read_one(&arena, requests[k].target, type, body, &m, &ev) != INTEROP_OK) abort();
  if (ev.refusal.p == NULL && ev.body != NULL) {
    check_written(&arena, &m, &ev, requests[k].target, type, body, INTEROP_V_PLAIN_TEXT);
    check_written(&arena, &m, &ev, requests[k].target, type, body, INTEROP_V_PLACEHOLDER);
    if (in_api_write(&image, &m, &ev, INTEROP_V_STRIP, IN_NONE, ~0u, 0, &arena, &w) == INTEROP_NOMEM) abort();
    in_amend_t amend = { IN_SPAN("/no/such"), IN_SPAN("x") };
    if (in_api_amend(&image, &ev, &amend, 1, &arena, &w) == INTEROP_OK && w.changed && !w.body_changed) abort();
  }
  in_arena_free(&arena);
  return 0;
}
