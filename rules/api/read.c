/*
** read.c -- a request becomes an event.
**
** Owns the order of reading: limits and headers, the JSON, which of the
** candidates the request is, its members' types, then what it carries and whom
** it names. Whatever cannot be read gives a refusal, which is no error: the
** policy's way of saying no.
*/
#include "body.h"
#include "path.h"

static in_span_t reason_body(void) { return IN_SPAN("malformed_body"); }

static void refuse(in_event_t *ev, in_span_t reason, in_span_t text) {
  if (ev->refusal.p != NULL) return;
  ev->refusal = reason;
  ev->refusal_text = text;
}

static bool is_blank(in_span_t s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n') return false;
  return true;
}

/* ---- headers */

static bool is_identity(in_span_t encoding) {
  encoding = in_trim(encoding);
  return encoding.n == 0 || in_eq_nocase(encoding, IN_SPAN("identity"));
}

static bool type_fits(const in_image_t *img, const in_ai_operation_t *op, in_span_t type) {
  for (uint32_t i = 0; i < op->accepts.count; i++)
    if (in_media_fits(type, in_records_ref(img, op->accepts, i))) return true;
  if (op->shape == IN_NIL) return false;
  in_run_t raw = in_records_shape(img, op->shape)->raw;
  for (uint32_t i = 0; i < raw.count; i++)
    if (in_media_fits(type, in_image_str(img, in_records_choice(img, raw.first + i)->value))) return true;
  return false;
}

/* the body's media type; false: refused */
static bool check_headers(const in_image_t *img, const in_ai_operation_t *op,
                          const interop_request_t *req, in_event_t *ev, in_span_t *type) {
  if (!is_identity(req->content_encoding)) {
    refuse(ev, IN_SPAN("unsupported_media_type"), IN_SPAN("a compressed body cannot be read"));
    return false;
  }
  if (!in_media_type(req->content_type, type)) {
    refuse(ev, IN_SPAN("unsupported_media_type"),
           req->content_type.n == 0 ? IN_SPAN("the body has no content type")
                                    : IN_SPAN("this content type cannot be read"));
    return false;
  }
  if (!type_fits(img, op, *type)) {
    refuse(ev, IN_SPAN("unsupported_media_type"), IN_SPAN("this operation does not take this content type"));
    return false;
  }
  return true;
}

/* ---- an operation without a declared body takes none, or an empty object */
static void check_no_body(const interop_request_t *req, in_event_t *ev) {
  in_span_t s = req->body;
  if (is_blank(s)) return;
  while (s.n > 0 && is_blank(in_span(s.p, 1))) s = in_span(s.p + 1, s.n - 1);
  while (s.n > 0 && is_blank(in_span(s.p + s.n - 1, 1))) s.n--;
  if (s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}' && is_blank(in_span(s.p + 1, s.n - 2))
      && is_identity(req->content_encoding)) return;
  refuse(ev, reason_body(), IN_SPAN("this operation takes no body"));
}

/* ---- content */

static bool format_by_value(in_body_t *b) {
  yyjson_val *v = b->shape->format == IN_NIL ? NULL : b->bound[b->shape->format];
  if (v == NULL) {
    b->format = (in_format_t) b->shape->text_format;
    return b->shape->text_format != IN_NIL || in_body_wrong(b, IN_SPAN("the format of the content is missing"));
  }
  if (!yyjson_is_str(v)) return in_body_wrong(b, IN_SPAN("the format of the content must be a string"));
  const in_ai_choice_t *c = in_body_choice(b, b->shape->formats, in_json_str(v));
  if (c == NULL) return in_body_wrong(b, IN_SPAN("the format of the content is not known"));
  b->format = (in_format_t) c->means;
  return true;
}

static bool format_by_type(in_body_t *b, in_span_t type) {
  if (in_eq_nocase(type, IN_SPAN("text/plain"))) b->format = IN_FORMAT_TEXT;
  else if (in_eq_nocase(type, IN_SPAN("text/html"))) b->format = IN_FORMAT_HTML;
  else return in_body_wrong(b, IN_SPAN("the format of the content is not known"));
  return true;
}

static void read_content(in_body_t *b) {
  if (b->shape->content == IN_NIL) return;
  yyjson_val *v = in_body_value(b, b->shape->content);
  if (v != NULL && !yyjson_is_str(v)) {
    in_body_wrong(b, IN_SPAN("the content must be a string"));
    return;
  }
  bool data = (b->node[b->shape->content].flags & IN_MEMBER_DATA) != 0;
  if (v == NULL) {
    if (b->shape->format != IN_NIL && b->bound[b->shape->format] != NULL) (void) format_by_value(b);
    return;
  }
  b->content = in_json_str(v);
  b->has_text = true;
  if (!data) {
    (void) format_by_value(b);
    return;
  }
  in_span_t type;
  if (!in_media_data(b->content, b->arena, &type, &b->content))
    in_body_wrong(b, IN_SPAN("the data: address cannot be read"));
  else
    (void) format_by_type(b, type);
}

/* ---- members that say what the request is about */

/* names the same thing as what is known already? */
static void name_it(in_body_t *b, in_span_t *known, yyjson_val *v) {
  in_span_t s = yyjson_is_str(v) ? in_json_str(v) : IN_NONE;
  if (s.p == NULL || s.n == 0) in_body_wrong(b, IN_SPAN("an id must be a string"));
  else if (known->p != NULL && !in_eq(*known, s)) in_body_wrong(b, IN_SPAN("two ids name one thing differently"));
  else *known = s;
}

static void read_type(in_body_t *b, uint32_t node, yyjson_val *v, in_event_t *ev) {
  in_span_t s = in_body_scalar(v);
  const in_ai_choice_t *c = s.p == NULL ? NULL : in_body_choice(b, b->node[node].choices, s);
  if (c == NULL) in_body_wrong(b, IN_SPAN("the type of the conversation is not known"));
  else ev->conversation_type = in_body_str(b, c->word);
}

/* the member that has this node, or IN_NIL */
static uint32_t above(const in_body_t *b, uint32_t node) {
  for (uint32_t i = 0; i < b->shape->nodes; i++) {
    uint32_t first = b->node[i].children.first - b->shape->root;
    if (node >= first && node < first + b->node[i].children.count) return i;
  }
  return IN_NIL;
}

/* where a node stands; names of names need no escape */
static in_span_t pointer_to(const in_body_t *b, uint32_t node) {
  in_span_t path = IN_SPAN("");
  for (; node != IN_NIL && node != 0; node = above(b, node)) {
    in_span_t name = in_body_str(b, b->node[node].name);
    path = in_arena_printf(b->arena, "/%.*s%.*s", (int) name.n, name.p, (int) path.n, path.p);
  }
  return path;
}

/* a name is told, there or not; null is none */
static void read_name(in_body_t *b, uint32_t node, yyjson_val *v, in_event_t *ev) {
  ev->name_at = pointer_to(b, node);
  ev->name = IN_SPAN("");
  if (v != NULL && yyjson_is_str(v)) ev->name = in_json_str(v);
  else if (v != NULL && !yyjson_is_null(v)) in_body_wrong(b, IN_SPAN("a name must be a string"));
}

/* roles of members that say what the request is about */
#define SAYS  (IN_ROLE_BIT(IN_ROLE_NAME) | IN_ROLE_BIT(IN_ROLE_MESSAGE) | IN_ROLE_BIT(IN_ROLE_REPLY) \
               | IN_ROLE_BIT(IN_ROLE_CALL) | IN_ROLE_BIT(IN_ROLE_CONVERSATION) | IN_ROLE_BIT(IN_ROLE_TYPE))

static void read_members(in_body_t *b, in_event_t *ev) {
  const uint32_t *asked = b->shape->asked;
  in_nodes_t some = b->live;
  uint64_t missing = 0;
  for (uint32_t i = 0; i < in_countof(some.bits); i++) {
    uint64_t wanted = asked[(size_t) 2 * i] | (uint64_t) asked[(size_t) 2 * i + 1] << 32;
    missing |= wanted & ~some.bits[i];
    some.bits[i] |= wanted;
  }
  if (missing == 0 && !b->nulls && !(b->roles & SAYS)) return;
  in_nodes_each(&some, i) {
    yyjson_val *v = in_body_value(b, i);
    if (b->node[i].role == IN_ROLE_NAME) read_name(b, i, v, ev);
    if (v == NULL) {
      if (b->node[i].flags & IN_MEMBER_REQUIRED) in_body_wrong(b, IN_SPAN("a required member is missing"));
      continue;
    }
    switch (b->node[i].role) {
      case IN_ROLE_MESSAGE: name_it(b, &ev->message, v); break;
      case IN_ROLE_REPLY: if (b->op->captures.message == IN_NIL) name_it(b, &ev->message, v); break;
      case IN_ROLE_CALL: name_it(b, &ev->call, v); break;
      case IN_ROLE_CONVERSATION: name_it(b, &ev->conversation, v); break;
      case IN_ROLE_TYPE: read_type(b, i, v, ev); break;
      default: break;
    }
  }
}

static void check_exactly_one(in_body_t *b) {
  uint32_t there = 0;
  in_run_t names = b->shape->exactly_one;
  for (uint32_t i = 0; i < names.count; i++) {
    yyjson_val *v = in_json_get(b->json.root, in_records_ref(b->img, names, i), b->nocase);
    there += v != NULL && !yyjson_is_null(v);
  }
  if (names.count > 0 && there != 1) in_body_wrong(b, IN_SPAN("exactly one of several members must be there"));
}

/* ---- a body by its shape */

in_body_t *in_body_new(const in_image_t *img, uint32_t op, uint32_t shape, in_arena_t *arena) {
  in_body_t *b = in_arena_get(arena, sizeof(*b));
  if (b == NULL) return NULL;
  b->img = img;
  b->arena = arena;
  b->op = in_records_operation(img, op);
  b->api = in_records_api(img, b->op->api);
  b->nocase = (b->api->flags & IN_API_MEMBERS_NOCASE) != 0;
  if (shape != IN_NIL) {
    b->shape = in_records_shape(img, shape);
    b->node = in_records_member(img, b->shape->root);
  }
  return b;
}

interop_status_t in_body_read(in_body_t *b, in_event_t *ev) {
  interop_status_t rc = in_body_bind(b);
  in_span_t over, detail;
  if (rc != INTEROP_OK) return rc;
  if (b->wrong.p == NULL && in_body_crowded(b, &over, &detail)) {
    refuse(ev, over, detail);
    return INTEROP_OK;
  }
  if (b->wrong.p == NULL) {
    read_content(b);
    read_members(b, ev);
    check_exactly_one(b);
  }
  if (b->wrong.p == NULL) rc = in_body_features(b, ev);
  if (rc == INTEROP_OK && b->wrong.p == NULL) rc = in_body_people(b, ev);
  return rc;
}

interop_status_t in_body_item(in_body_t *b, in_event_t *ev) {
  interop_status_t rc = INTEROP_OK;
  memset(ev, 0, sizeof(*ev));
  ev->kind = INTEROP_K_OTHER;
  ev->body = b;
  b->has_text = false;
  b->reduced = IN_NONE;
  b->shown = NULL;
  b->shown_count = 0;
  read_content(b);
  if (b->wrong.p == NULL) rc = in_body_features(b, ev);
  return rc == INTEROP_OK && b->wrong.p != NULL ? INTEROP_SYNTAX : rc;
}

static interop_status_t read_raw(in_body_t *b, in_span_t type, in_event_t *ev) {
  const in_ai_choice_t *c = in_body_choice(b, b->shape->raw, type);
  if (c == NULL || in_utf8_check(b->source) != b->source.n) {
    in_body_wrong(b, IN_SPAN("the body is not UTF-8"));
    return INTEROP_OK;
  }
  b->content = b->source;
  b->format = (in_format_t) c->means;
  b->has_text = true;
  return in_body_features(b, ev);
}

/* ---- candidates */

static bool one_of_values(const in_image_t *img, in_run_t values, in_span_t s) {
  for (uint32_t i = 0; i < values.count; i++)
    if (in_media_fits(s, in_records_ref(img, values, i))) return true;
  return values.count == 0;
}

static bool holds(const in_body_t *b, const in_ai_operation_t *op, const in_match_t *m) {
  if (op->when_query.len > 0) {
    uint32_t count;
    (void) in_path_query(m->query, in_body_str(b, op->when_query), b->arena, &count);
    return count > 0;
  }
  if (op->when.count == 0) return true;
  if (!b->is_json) return false;
  yyjson_val *v = in_json_follow(b->json.root, b->img, op->when, b->nocase);
  if (v == NULL || yyjson_is_null(v)) return false;
  return op->when_values.count == 0 || one_of_values(b->img, op->when_values, in_body_scalar(v));
}

/* the first candidate that holds, or IN_NIL */
static uint32_t choose(const in_body_t *b, uint32_t op, const in_match_t *m) {
  while (op != IN_NIL && !holds(b, in_records_operation(b->img, op), m))
    op = in_records_operation(b->img, op)->next;
  return op;
}

static void take_operation(const in_image_t *img, uint32_t op, in_event_t *ev) {
  ev->op_index = op;
  ev->operation = (interop_operation_t) in_records_operation(img, op)->operation;
}

/* ---- what the path and the query name */

static in_span_t captured(const in_match_t *m, uint32_t number) {
  return number == IN_NIL ? IN_NONE : m->capture[number];
}

static interop_status_t read_target(const in_image_t *img, const in_match_t *m, in_arena_t *arena,
                                    in_event_t *ev) {
  const in_ai_operation_t *op = in_records_operation(img, ev->op_index);
  uint32_t count = 0;
  ev->conversation = captured(m, op->captures.conversation);
  ev->message = captured(m, op->captures.message);
  ev->call = captured(m, op->captures.call);
  if (op->conversation_type.len > 0) ev->conversation_type = in_image_str(img, op->conversation_type);
  if (op->query_conversation.len > 0) {
    in_span_t s = in_path_query(m->query, in_image_str(img, op->query_conversation), arena, &count);
    if (count == 1 && s.n > 0) ev->conversation = s;
    else if (count > 0) refuse(ev, IN_SPAN("malformed_path"), IN_SPAN("a query parameter names no or two conversations"));
  }
  if (op->captures.party != IN_NIL && captured(m, op->captures.party).p != NULL) {
    in_span_t *p = in_arena_get(arena, sizeof(*p));
    if (p == NULL) return INTEROP_NOMEM;
    *p = captured(m, op->captures.party);
    ev->parties = p;
    ev->party_count = 1;
  }
  return INTEROP_OK;
}

/* ---- the request */

static interop_status_t parse(in_body_t *b, in_event_t *ev) {
  in_json_error_t err;
  interop_status_t rc = in_json_parse(b->source, IN_JSON_BOUNDED | (b->nocase ? IN_JSON_NOCASE : 0), b->arena, &b->json, &err);
  if (rc != INTEROP_SYNTAX) return rc;
  in_span_t text = in_arena_printf(b->arena, "the body is no valid JSON at byte %zu: %s", err.offset, err.text);
  if (text.p == NULL) return INTEROP_NOMEM;
  refuse(ev, reason_body(), text);
  return INTEROP_OK;
}

static bool wants_body(const in_body_t *b) {
  if (b->shape->exactly_one.count > 0 || b->shape->raw.count > 0) return true;
  for (uint32_t i = 0; i < b->shape->nodes; i++)
    if (b->node[i].flags & IN_MEMBER_REQUIRED) return true;
  return false;
}

/* a body that is not there has no name, and may be given one */
static bool has_name(const in_body_t *b) {
  for (uint32_t i = 0; i < b->shape->nodes; i++)
    if (b->node[i].role == IN_ROLE_NAME) return true;
  return false;
}

static in_body_t *with_shape(in_body_t *b, const in_ai_operation_t *op) {
  b->op = op;
  if (op->shape != IN_NIL) {
    b->shape = in_records_shape(b->img, op->shape);
    b->node = in_records_member(b->img, b->shape->root);
  }
  return b;
}

static interop_status_t read_empty(in_body_t *b, const in_match_t *m, in_event_t *ev) {
  uint32_t op = choose(b, m->operation, m);
  interop_status_t rc;
  if (op == IN_NIL) {
    refuse(ev, reason_body(), IN_SPAN("a body is missing"));
    return INTEROP_OK;
  }
  take_operation(b->img, op, ev);
  with_shape(b, in_records_operation(b->img, op));
  if (b->op->shape != IN_NIL && wants_body(b)) refuse(ev, reason_body(), IN_SPAN("a body is missing"));
  rc = read_target(b->img, m, b->arena, ev);
  if (rc != INTEROP_OK || ev->refusal.p != NULL || b->op->shape == IN_NIL || !has_name(b)) return rc;
  b->source = IN_SPAN("{}");
  b->is_json = b->missing = true;
  if ((rc = parse(b, ev)) != INTEROP_OK || (rc = in_body_read(b, ev)) != INTEROP_OK) return rc;
  ev->body = b;
  return INTEROP_OK;
}

static interop_status_t read_whole(in_body_t *b, const in_match_t *m, const interop_request_t *req,
                                   in_event_t *ev) {
  in_span_t type;
  interop_status_t rc;
  if (!check_headers(b->img, b->op, req, ev, &type)) return INTEROP_OK;
  b->is_json = in_media_is_json(type);
  if (b->is_json && (rc = parse(b, ev)) != INTEROP_OK) return rc;
  if (ev->refusal.p != NULL) return INTEROP_OK;
  uint32_t op = choose(b, m->operation, m);
  if (op == IN_NIL) {
    refuse(ev, reason_body(), IN_SPAN("the body does not say what is to be done"));
    return INTEROP_OK;
  }
  with_shape(b, in_records_operation(b->img, op));
  if (op != ev->op_index) {       /* what the first candidate says of the target was read */
    take_operation(b->img, op, ev);
    if ((rc = read_target(b->img, m, b->arena, ev)) != INTEROP_OK) return rc;
  }
  if (b->op->shape == IN_NIL) {
    check_no_body(req, ev);
    return INTEROP_OK;
  }
  rc = b->is_json ? in_body_read(b, ev) : read_raw(b, type, ev);
  if (rc == INTEROP_OK && b->wrong.p != NULL) refuse(ev, reason_body(), b->wrong);
  ev->body = b;
  return rc;
}

interop_status_t in_api_read(const in_image_t *img, const in_match_t *m, const interop_request_t *req,
                             in_arena_t *arena, unsigned *tags, in_event_t *ev) {
  in_span_t type;
  memset(ev, 0, sizeof(*ev));
  ev->kind = INTEROP_K_OTHER;
  if (m->operation == IN_NIL || m->operation >= img->count[IN_S_OPERATIONS]) return INTEROP_USAGE;
  in_body_t *b = in_body_new(img, m->operation, IN_NIL, arena);
  if (b == NULL) return INTEROP_NOMEM;
  b->source = req->body;
  take_operation(img, m->operation, ev);
  interop_status_t rc = read_target(img, m, arena, ev);
  if (rc != INTEROP_OK || ev->refusal.p != NULL) return rc;
  if (req->too_large) {
    refuse(ev, IN_SPAN("body_too_large"), IN_SPAN("the body is over the limit"));
    return INTEROP_OK;
  }
  if (b->op->flags & IN_OPER_OPAQUE) {
    (void) check_headers(img, b->op, req, ev, &type);
    return INTEROP_OK;
  }
  if (b->op->batch != IN_NIL) {   /* its items are read one by one */
    (void) check_headers(img, b->op, req, ev, &type);
    return INTEROP_OK;
  }
  if (b->op->shape == IN_NIL && b->op->next == IN_NIL) {
    check_no_body(req, ev);
    return INTEROP_OK;
  }
  b->tags = tags;
  rc = is_blank(req->body) ? read_empty(b, m, ev) : read_whole(b, m, req, ev);
  b->tags = NULL;                 /* what is read again to be written is not counted again */
  return arena->failed ? INTEROP_NOMEM : rc;
}
