/*
** api.c -- API definitions: requests matched, events read, messages rewritten,
** answers made, by the two definitions that the pack ships and by small ones
** of this test's own.
*/
#include "apis.h"
#include "tap.h"

static apis_t apis;

/* ---- events, as one line of text */

static in_span_t line_of(apis_run_t *r) {
  in_buf_t b;
  interop_alloc_t alloc = in_arena_alloc(&r->arena);
  static const char *const matches[] = { "outside", "plain", "body", "refused" };
  in_buf_init(&b, &alloc);
  in_buf_printf(&b, "%s", matches[r->m.match]);
  if (r->m.refusal.p != NULL) in_buf_printf(&b, " %.*s", (int) r->m.refusal.n, r->m.refusal.p);
  if (r->m.target.p != NULL) in_buf_printf(&b, " -> %.*s", (int) r->m.target.n, r->m.target.p);
  if (r->m.operation == IN_NIL) return in_buf_span(&b);
  if (r->rc != INTEROP_OK) in_buf_printf(&b, " status %d", (int) r->rc);
  in_buf_printf(&b, " %s", interop_operation_name(r->ev.operation));
  if (r->ev.refusal.p != NULL) {
    in_buf_printf(&b, " refused %.*s: %.*s", (int) r->ev.refusal.n, r->ev.refusal.p,
                  (int) r->ev.refusal_text.n, r->ev.refusal_text.p);
    return in_buf_span(&b);
  }
  if (r->ev.has_content) in_buf_printf(&b, " %s", interop_kind_name(r->ev.kind));
  for (int i = 0; i < INTEROP_FEATURE_COUNT; i++)
    if (r->ev.features.count[i] > 0)
      in_buf_printf(&b, " %s=%u", interop_feature_name((interop_feature_t) i), r->ev.features.count[i]);
  if (r->ev.conversation.p != NULL) in_buf_printf(&b, " in %.*s", (int) r->ev.conversation.n, r->ev.conversation.p);
  if (r->ev.message.p != NULL) in_buf_printf(&b, " of %.*s", (int) r->ev.message.n, r->ev.message.p);
  if (r->ev.card.p != NULL) in_buf_printf(&b, " card %.*s", (int) r->ev.card.n, r->ev.card.p);
  if (r->ev.conversation_type.p != NULL)
    in_buf_printf(&b, " type %.*s", (int) r->ev.conversation_type.n, r->ev.conversation_type.p);
  for (uint32_t i = 0; i < r->ev.party_count; i++)
    in_buf_printf(&b, " with %.*s", (int) r->ev.parties[i].n, r->ev.parties[i].p);
  return in_buf_span(&b);
}

#define JSON  "application/json"
#define CHAT  "/v1.0/chats/19:a@t/messages"

static const struct { const char *api, *method, *target, *type, *body, *want; } events[] = {
  /* ---- text, and what does not make it rich */
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"text\",\"content\":\"Truck 14\"}}",
    "body message.send text in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"Truck 14\"}}", "body message.send text in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"Body\":{\"CONTENT\":\"Truck 14\"}}", "body message.send text in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<div><div>one</div><div>two &lt;3&nbsp;x<br>three</div></div>\"}}",
    "body message.send text in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"text\",\"content\":\"<b>seen as it is</b>\"}}",
    "body message.send text in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<div>ok <emoji id=\\\"yes\\\" alt=\\\"\xf0\x9f\x91\x8d\\\"></emoji></div>\"}}",
    "body message.send text emoji=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"importance\":\"high\"}",
    "body message.send text importance=1 in 19:a@t" },
  /* names that only look like declared ones: of their length, with their ends */
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"importanxe\":\"high\",\"subjezt\":{}}", "body message.send text in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"ixportance\":\"high\",\"suxject\":{}}", "body message.send text in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"importance\":\"normal\",\"attachments\":null,\"mentions\":[]}",
    "body message.send text in 19:a@t" },
  /* ---- rich text */
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"HTML\",\"content\":\"<p>Gate <b>3</b> now</p>\"}}",
    "body message.send rich_text formatting=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"see https://c.example/m?a=1&b=2\"}}",
    "body message.send rich_text link=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<at id=\\\"0\\\">Asha</at> please\"},\"mentions\":[{\"id\":0}]}",
    "body message.send rich_text mention=2 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<codeblock class=\\\"Json\\\"><code>{}</code></codeblock>\"}}",
    "body message.send rich_text code=2 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<table><tr><td>3</td></tr></table>\"}}",
    "body message.send rich_text table=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"summary\":\"<b>gate</b>\"}",
    "body message.send rich_text formatting=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<attachment id=\\\"1\\\"></attachment><p>on it</p>\"},\"attachments\":[{\"id\":\"1\",\"contentType\":\"messageReference\",\"content\":\"{}\"}]}",
    "body message.send rich_text quote=1 in 19:a@t" },
  /* ---- images, GIFs by every way, files, cards */
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<img src=\\\"../hostedContents/1/$value\\\" alt=\\\"m\\\">\"},\"hostedContents\":[{\"@microsoft.graph.temporaryId\":\"1\",\"contentBytes\":\"iVBORw0KGgo=\",\"contentType\":\"image/png\"}]}",
    "body message.send image image=2 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<img src=\\\"../hostedContents/1/$value\\\">\"},\"hostedContents\":[{\"@microsoft.graph.temporaryId\":\"1\",\"contentBytes\":\"R0lGODlh\",\"contentType\":\"image/gif\"}]}",
    "body message.send gif gif=2 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"x\"},\"HostedContents\":[{\"contentBytes\":\"R0lGODlh\",\"contentType\":\"image/PNG\"}]}",
    "body message.send gif gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"hostedContents\":[{\"contentType\":\"IMAGE/GIF; q=1\"}]}",
    "body message.send gif gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<img src='data:image/gif;base64,R0lG'>\"}}",
    "body message.send gif gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<img src='data:image/png;base64,R0lG'>\"}}",
    "body message.send gif gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<img src='https://c.example/d.%47IF?w=1'>\"}}",
    "body message.send gif gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"<img src='https://media2.giphy.com/m'><img src='https://nogiphy.com/m'>\"}}",
    "body message.send gif image=1 gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"contentType\":\"html\",\"content\":\"x\"},\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.animation\"}]}",
    "body message.send gif gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"attachments\":[{\"contentType\":\"image/png\",\"contentUrl\":\"https://c.example/a.gif\"}]}",
    "body message.send gif gif=1 in 19:a@t" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"attachments\":[{\"contentType\":\"reference\"},{\"contentType\":\"application/vnd.microsoft.card.adaptive\"},{\"contentType\":7},{}]}",
    "body message.send action_card file=3 card=1 in 19:a@t" },
  /* ---- replies, edits, other operations */
  { "graph", "POST", CHAT "/replyWithQuote", JSON, "{\"messageIds\":[\"7\"],\"replyMessage\":{\"body\":{\"contentType\":\"html\",\"content\":\"<i>x</i>\"}}}",
    "body message.reply rich_text formatting=1 quote=1 in 19:a@t" },
  { "graph", "PATCH", CHAT "/9", JSON, "{\"importance\":\"low\"}", "body message.edit in 19:a@t of 9" },
  { "graph", "PATCH", CHAT "/9", JSON, "{\"body\":{\"content\":\"x\"}}", "body message.edit text in 19:a@t of 9" },
  { "graph", "POST", "/v1.0/users/u/chats/c/messages/9/softDelete", NULL, NULL, "body message.delete in c of 9" },
  { "graph", "POST", "/v1.0/me/chats('c')/messages('9')/undoSoftDelete", NULL, NULL,
    "body -> /v1.0/me/chats/c/messages/9/undoSoftDelete message.undelete in c of 9" },
  { "graph", "GET", CHAT "?$top=20", NULL, NULL, "body message.list in 19:a@t" },
  { "graph", "HEAD", CHAT, NULL, NULL, "body message.list in 19:a@t" },
  { "graph", "POST", CHAT "/9/setReaction", JSON, "{\"reactionType\":\"like\"}", "body reaction.add in 19:a@t of 9" },
  { "graph", "POST", "/v1.0/chats", JSON, "{\"chatType\":\"oneOnOne\",\"members\":[{\"user@odata.bind\":\"https://graph.example/v1.0/users('a7d1')\"},{\"user@odata.bind\":\"https://g.example/v1.0/users/b''o\"},{\"user@odata.bind\":\"https://g.example/v1.0/Users('o''b@x')\"}]}",
    "body conversation.create type one_on_one with a7d1 with b''o with o'b@x" },
  { "graph", "POST", "/v1.0/chats/c/members", JSON, "{\"roles\":[\"owner\"],\"user@odata.bind\":\"https://g.example/v1.0/users('c9')\"}",
    "body participant.add in c with c9" },
  { "graph", "DELETE", "/v1.0/chats/c/members/MCM=", NULL, NULL, "body participant.remove in c" },
  { "graph", "POST", "/v1.0/communications/calls", JSON, "{\"targets\":[{\"identity\":{\"user\":{\"id\":\"b8\",\"displayName\":\"B\"}}}],\"chatInfo\":{\"threadId\":\"19:z\"}}",
    "body call.create in 19:z with b8" },
  { "graph", "POST", "/v1.0/communications/calls/k/changeScreenSharingRole", JSON, "{\"role\":\"Sharer\"}", "body screen_share.start" },
  { "graph", "POST", "/v1.0/communications/calls/k/changeScreenSharingRole", JSON, "{\"role\":\"viewer\"}", "body other" },
  { "graph", "POST", "/v1.0/$batch", JSON, "{\"requests\":[]}", "body batch" },
  { "graph", "POST", "/v1.0/$batch", "text/plain", "{\"requests\":[]}",
    "body batch refused unsupported_media_type: this operation does not take this content type" },
  { "kaizala", "POST", "/v1/groups/g/messages", JSON, "{\"message\":\"Gate 3\"}", "body message.send text in g" },
  { "kaizala", "POST", "/groups/g/messages", JSON, "{\"Message\":\"Gate 3\"}", "body message.send text in g" },
  { "kaizala", "POST", "/v1/groups/g/messages", JSON, "{\"message\":\"x\",\"replyTo\":\"m7\"}", "body message.reply text in g of m7" },
  { "kaizala", "POST", "/v1/groups/g/messages", JSON, "{\"message\":\"x\",\"replyTo\":null}", "body message.send text in g" },
  { "kaizala", "POST", "/v1/groups/g/actions", JSON, "{\"actionType\":\"Poll\",\"actionBody\":{\"question\":\"?\"}}",
    "body message.send action_card card=1 in g card Poll" },
  { "kaizala", "POST", "/v1/groups/g/actions", JSON, "{\"id\":\"com.contoso.x\",\"actionBody\":{}}",
    "body message.send action_card card=1 in g card com.contoso.x" },
  { "kaizala", "POST", "/v1/groups/g/actions", JSON, "{\"actionType\":\"Image\",\"actionBody\":{},\"replyTo\":\"m\"}",
    "body message.reply image image=1 in g of m card Image" },
  { "kaizala", "POST", "/v1/groups/g/actions", JSON, "{\"actiontype\":\"Document\"}", "body message.send attachment file=1 in g card Document" },
  { "kaizala", "POST", "/v1/groups/g/reaction", JSON, "{\"referenceId\":\"m9\",\"sourceGroupId\":\"g\"}", "body reaction.add in g of m9" },
  { "kaizala", "PATCH", "/v1/groups/g/messages/m1", JSON, "{\"message\":\"x\"}", "body message.edit text in g of m1" },
  { "kaizala", "DELETE", "/v1/groups/g/messages/m1", NULL, NULL, "body message.delete in g of m1" },
  { "kaizala", "DELETE", "/v1/me/linkedAccount", NULL, NULL, "body account.unlink" },
  { "kaizala", "PUT", "/v1/groups/g/members", JSON, "{\"members\":[\"+91\",\"+92\"]}", "body participant.add in g with +91 with +92" },
  { "kaizala", "POST", "/v1/media", "multipart/form-data; boundary=m1", NULL, "plain media.upload" },
  { "kaizala", "GET", "/v1/groups/g/actions?actionType=poll&count=30", NULL, NULL, "body message.list in g" },
  /* ---- what can be read in two ways */
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"a\"},\"body\":{\"content\":\"b\"}}",
    "body message.send refused malformed_body: the body is no valid JSON at byte 24: a name stands twice" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"ok\",\"cont\\u0065nt\":\"b\"}}",
    "body message.send refused malformed_body: the body is no valid JSON at byte 24: a name stands twice" },
  { "kaizala", "POST", "/v1/groups/g/messages", JSON, "{\"message\":\"ok\",\"Message\":\"b\"}",
    "body message.reply refused malformed_body: the body is no valid JSON at byte 16: a name stands twice" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"ok\"}}{}",
    "body message.send refused malformed_body: the body is no valid JSON at byte 25: unexpected content after document" },
  { "graph", "POST", CHAT, JSON, "\xef\xbb\xbf{}", "body message.send refused malformed_body: the body is no valid JSON at byte 0: a byte order mark" },
  { "graph", "POST", CHAT, JSON, "[]", "body message.send refused malformed_body: the body must be an object" },
  { "graph", "POST", CHAT, JSON, "{}", "body message.send refused malformed_body: a required member is missing" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":null}}", "body message.send refused malformed_body: a required member is missing" },
  { "graph", "POST", CHAT, JSON, NULL, "body message.send refused malformed_body: a body is missing" },
  { "graph", "POST", CHAT, JSON, "{\"body\":\"x\"}", "body message.send refused malformed_body: a member must be an object" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":[\"x\"]}}", "body message.send refused malformed_body: the content must be a string" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\",\"contentType\":\"rtf\"}}", "body message.send refused malformed_body: the format of the content is not known" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\",\"contentType\":null}}", "body message.send refused malformed_body: the format of the content must be a string" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"attachments\":{}}", "body message.send refused malformed_body: a list is wanted" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"attachments\":[1]}", "body message.send refused malformed_body: a list of objects is wanted" },
  { "graph", "POST", CHAT, JSON, "{\"body\":{\"content\":\"x\"},\"subject\":{}}", "body message.send refused malformed_body: a text must be a string" },
  { "graph", "POST", "/v1.0/chats", JSON, "{\"chatType\":\"own\",\"members\":[]}", "body conversation.create refused malformed_body: the type of the conversation is not known" },
  { "graph", "POST", "/v1.0/chats", JSON, "{\"chatType\":\"group\",\"members\":[{}]}", "body conversation.create refused malformed_body: it cannot be told who is meant" },
  { "kaizala", "POST", "/v1/groups/g/actions", JSON, "{\"id\":\"a\",\"actionType\":\"Poll\"}", "body message.send refused malformed_body: exactly one of several members must be there" },
  { "kaizala", "POST", "/v1/groups/g/actions", JSON, "{\"actionBody\":{}}", "body message.send refused malformed_body: exactly one of several members must be there" },
  { "graph", "POST", "/v1.0/communications/calls", JSON, "{\"targets\":[{\"identity\":{\"user\":{\"id\":\"b8\"},\"phone\":{\"id\":\"+1\"}}}]}",
    "body call.create refused malformed_body: two members name one person differently" },
  { "graph", "POST", "/v1.0/communications/calls/k/changeScreenSharingRole", JSON, "{\"role\":\"x\"}",
    "body screen_share.start refused malformed_body: the body does not say what is to be done" },
  /* ---- a body where none belongs */
  { "graph", "POST", CHAT "/9/softDelete", JSON, "{ }", "body message.delete in 19:a@t of 9" },
  { "graph", "POST", CHAT "/9/softDelete", JSON, "{\"body\":{}}", "body message.delete refused malformed_body: this operation takes no body" },
  { "graph", "GET", CHAT, "image/gif", "GIF89a", "body message.list refused malformed_body: this operation takes no body" },
  /* ---- types */
  { "graph", "POST", CHAT, "text/plain", "{\"body\":{\"content\":\"x\"}}", "body message.send refused unsupported_media_type: this operation does not take this content type" },
  { "graph", "POST", CHAT, NULL, "{\"body\":{\"content\":\"x\"}}", "body message.send refused unsupported_media_type: the body has no content type" },
  { "graph", "POST", CHAT, "application/json; charset=utf-16", "{\"body\":{\"content\":\"x\"}}", "body message.send refused unsupported_media_type: this content type cannot be read" },
  { "graph", "POST", CHAT, "application/json, text/html", "{\"body\":{\"content\":\"x\"}}", "body message.send refused unsupported_media_type: this content type cannot be read" },
  { "graph", "POST", CHAT, "Application/JSON; odata.metadata=minimal; Charset=\"UTF-8\";", "{\"body\":{\"content\":\"x\"}}", "body message.send text in 19:a@t" },
  { "kaizala", "POST", "/v1/media", "image/gif", NULL, "plain media.upload refused unsupported_media_type: this operation does not take this content type" },
  /* ---- guards */
  { "graph", "POST", "/v1.0/me/drive/root", NULL, NULL, "outside" },
  { "graph", "GET", "/", NULL, NULL, "outside" },
  { "graph", "OPTIONS", "*", NULL, NULL, "outside" },
  { "graph", "PUT", CHAT, NULL, NULL, "refused unmatched" },
  { "graph", "OPTIONS", CHAT, NULL, NULL, "refused unmatched" },
  { "graph", "post", CHAT, NULL, NULL, "refused unmatched" },
  { "graph", "POST", "/v1.0/chats/c/messages/9/forwardToChat", NULL, NULL, "refused unmatched" },
  { "graph", "POST", "/beta/teams/t/primaryChannel/messages", NULL, NULL, "refused unmatched" },
  { "graph", "GET", "/v1.0/teams/t", NULL, NULL, "outside" },
  { "graph", "POST", "/v1.0/%2563hats/c/messages", JSON, "{}", "refused malformed_path" },
  { "graph", "POST", "/v1.0/chats/c%2Fmessages", JSON, "{}", "refused malformed_path" },
  { "graph", "POST", "/v1.0/chats/c%00/messages", JSON, "{}", "refused malformed_path" },
  { "graph", "POST", "/v1.0/chats(id='c')/messages", JSON, "{}", "refused malformed_path" },
  { "graph", "GET", "/v1.0/a%2Fb", NULL, NULL, "refused malformed_path" },
  { "graph", "GET", "/v1.0/me/drive/root/a%2Fb", NULL, NULL, "outside" },
  { "kaizala", "GET", "/other/a%2fb", NULL, NULL, "outside" },
  { "kaizala", "GET", "/other/..%2fv1/groups/g", NULL, NULL, "refused malformed_path" },
};

static void test_events(void) {
  for (size_t i = 0; i < in_countof(events); i++) {
    apis_run_t r;
    char name[64];
    apis_read(&apis, &interop_alloc_libc, &r, events[i].api, events[i].method, events[i].target, events[i].type,
              events[i].body, events[i].body == NULL ? 0 : strlen(events[i].body));
    in_span_t line = line_of(&r);
    snprintf(name, sizeof(name), "event %zu: %.40s", i + 1, events[i].want);
    is_bytes(line.p, line.n, events[i].want, strlen(events[i].want), name);
    in_arena_free(&r.arena);
  }
}

/* ---- headers and limits that come beside the body */

static void test_request(const char *api, const char *target, const char *encoding, int too_large, const char *type,
                         const char *want) {
  in_arena_t arena;
  in_match_t m;
  in_event_t ev;
  interop_target_t t = { IN_SPAN("POST"), in_str(target) };
  interop_request_t req;
  memset(&req, 0, sizeof(req));
  in_arena_init(&arena, &interop_alloc_libc);
  req.content_type = in_str(type);
  req.body = IN_SPAN("{\"message\":\"x\"}");
  if (encoding != NULL) req.content_encoding = in_str(encoding);
  req.too_large = too_large != 0;
  in_api_match(&apis.img, apis_find(&apis, api), &t, &arena, &m);
  in_api_read(&apis.img, &m, &req, &arena, NULL, &ev);
  is_bytes(ev.refusal.p, ev.refusal.n, want, strlen(want), encoding == NULL ? "without an encoding" : encoding);
  in_arena_free(&arena);
}

static void test_requests(void) {
  test_request("kaizala", "/v1/groups/g/messages", NULL, 0, JSON, "");
  test_request("kaizala", "/v1/groups/g/messages", "", 0, JSON, "");
  test_request("kaizala", "/v1/groups/g/messages", " Identity", 0, JSON, "");
  test_request("kaizala", "/v1/groups/g/messages", "gzip", 0, JSON, "unsupported_media_type");
  test_request("kaizala", "/v1/groups/g/messages", "identity, gzip", 0, JSON, "unsupported_media_type");
  test_request("kaizala", "/v1/media", "gzip", 0, "multipart/form-data; boundary=m", "unsupported_media_type");
  test_request("kaizala", "/v1/groups/g/messages", NULL, 1, JSON, "body_too_large");
}

/* ---- rewrites */

#define TEXT  "Unsupported message."

static const struct {
  const char *api, *method, *target, *body;
  interop_verdict_t verdict;
  unsigned flags;
  const char *want;               /* METHOD target type body | receipt | status */
} writes[] = {
  { "graph", "POST", CHAT, "{\"body\":{\"contentType\":\"html\",\"content\":\"<p>see <b>new</b> <a href=\\\"https://c.example/m?a=1&amp;b=2\\\">map</a> <emoji alt=\\\"\xf0\x9f\x91\x8d\\\"></emoji></p>\"}}",
    INTEROP_V_PLAIN_TEXT, 0, "{\"body\":{\"contentType\":\"text\",\"content\":\"see new map <https://c.example/m?a=1&b=2> \xf0\x9f\x91\x8d\"}} | formatting=1 link=1" },
  { "graph", "POST", CHAT, "{\"body\":{\"content\":\"see https://c.example/\"}}", INTEROP_V_PLAIN_TEXT, 0, "unchanged |" },
  { "graph", "POST", CHAT, "{\"body\":{\"contentType\":\"html\",\"content\":\"<p>one</p>\"}}", INTEROP_V_PLAIN_TEXT, 0, "unchanged |" },
  { "graph", "POST", CHAT, "{ \"importance\" : \"normal\", \"x\":1, \"body\":{\"contentType\":\"html\",\"content\":\"<b>a</b>\",\"y\":[1,2]},\"mentions\":[{\"id\":1e400}],\"locale\":\"en-us\",\"subject\":\"<i>s</i>\"}",
    INTEROP_V_PLAIN_TEXT, 0, "{\"importance\":\"normal\",\"body\":{\"contentType\":\"text\",\"content\":\"a\"},\"locale\":\"en-us\",\"subject\":\"s\"} | formatting=2 mention=1 undeclared=2" },
  { "graph", "POST", CHAT, "{\"body\":{\"contentType\":\"html\",\"content\":\"<img src=\\\"../hostedContents/1/$value\\\" alt=\\\"dance\\\">\"},\"hostedContents\":[{\"@microsoft.graph.temporaryId\":\"1\",\"contentBytes\":\"R0lG\",\"contentType\":\"image/gif\"}],\"bodyAlternate\":{\"content\":\"7714\"},\"summary\":\"7714\",\"importance\":\"<b>\"}",
    INTEROP_V_PLACEHOLDER, 0, "{\"body\":{\"contentType\":\"text\",\"content\":\"Unsupported message.\"}} | gif=2 undeclared=2" },
  { "graph", "POST", CHAT, "{\"body\":{\"content\":\"x\"},\"locale\":{\"a\":[\"<img src=x.gif>\"]}}", INTEROP_V_PLACEHOLDER, 0,
    "{\"body\":{\"content\":\"Unsupported message.\"}} | undeclared=1" },
  { "graph", "PATCH", CHAT "/9?a=b", "{\"body\":{\"content\":\"Truck 15\"}}", INTEROP_V_AS_REPLY, 0,
    "POST /v1.0/chats/19:a@t/messages/replyWithQuote?a=b application/json {\"messageIds\":[\"9\"],\"replyMessage\":{\"body\":{\"contentType\":\"text\",\"content\":\"Truck 15\"}}} | | 204" },
  { "graph", "PATCH", "/v1.0/users/u/chats('19%3Aa')/messages/9", "{\"body\":{\"contentType\":\"html\",\"content\":\"<p>at <b>\\\"3\\\"</b></p>\"}}", INTEROP_V_AS_REPLY, 0,
    "POST /v1.0/chats/19%3Aa/messages/replyWithQuote application/json {\"messageIds\":[\"9\"],\"replyMessage\":{\"body\":{\"contentType\":\"text\",\"content\":\"at \\\"3\\\"\"}}} | formatting=1 | 204" },
  { "graph", "PATCH", CHAT "/9", "{\"body\":{\"contentType\":\"html\",\"content\":\"<b>x</b>\"},\"z\":1}", INTEROP_V_PLACEHOLDER, 0,
    "POST /v1.0/chats/19:a@t/messages application/json {\"body\":{\"contentType\":\"text\",\"content\":\"Unsupported message.\"}} | formatting=1 undeclared=1 | 204" },
  { "graph", "POST", CHAT "/replyWithQuote", "{\"messageIds\":[\"7\"],\"replyMessage\":{\"body\":{\"contentType\":\"html\",\"content\":\"<i>x</i>\"},\"k\":0},\"k\":0}",
    INTEROP_V_PLAIN_TEXT, 0, "POST /v1.0/chats/19:a@t/messages application/json {\"body\":{\"contentType\":\"text\",\"content\":\"x\"}} | formatting=1 quote=1 undeclared=2" },
  { "kaizala", "POST", "/v1/groups/g/messages", "{\"message\":\"Fine\",\"replyTo\":\"m7\",\"Subscribers\":[\"+91\"]}", INTEROP_V_PLAIN_TEXT, 0,
    "{\"message\":\"Fine\",\"Subscribers\":[\"+91\"]} | quote=1" },
  { "kaizala", "POST", "/v1/groups/g/actions", "{\"actionType\":\"Poll\",\"actionBody\":{\"question\":\"Which?\"},\"sendToAllSubscribers\":true,\"subscribers\":[\"+91\",1.10],\"more\":1}",
    INTEROP_V_PLACEHOLDER, 0, "POST /v1/groups/g/messages application/json {\"message\":\"Unsupported message.\",\"sendToAllSubscribers\":true,\"subscribers\":[\"+91\",1.10]} | card=1 undeclared=1" },
  { "kaizala", "POST", "/v1/groups/g/actions", "{\"actionType\":\"Image\",\"subscribers\":{\"caption\":\"x\"}}",
    INTEROP_V_PLACEHOLDER, 0, "POST /v1/groups/g/messages application/json {\"message\":\"Unsupported message.\"} | image=1 undeclared=1" },
  { "kaizala", "POST", "/v1/groups/g/actions", "{\"actionType\":\"Poll\"}", INTEROP_V_PLAIN_TEXT, 0, "status 6" },
  { "kaizala", "POST", "/v1/groups/g/messages", "{\"message\":\"x\"}", INTEROP_V_AS_REPLY, 0, "status 6" },
  { "kaizala", "POST", "/v1/groups/g/messages", "{\"message\":\"ok \xf0\x9f\x98\x80\"}", INTEROP_V_PLAIN_TEXT, IN_TEXT_ASCII_EMOJI, "{\"message\":\"ok :-D\"} | emoji=1" },
};

static void put_written(in_buf_t *b, const in_write_t *w) {
  if (w->method.p != NULL) in_buf_printf(b, "%.*s %.*s %.*s ", (int) w->method.n, w->method.p, (int) w->target.n,
                                         w->target.p, (int) w->content_type.n, w->content_type.p);
  if (w->changed) in_buf_put(b, w->body); else in_buf_put(b, IN_SPAN("unchanged"));
  in_buf_put(b, IN_SPAN(" |"));
  for (int i = 0; i < INTEROP_FEATURE_COUNT; i++)
    if (w->lost.count[i] > 0) in_buf_printf(b, " %s=%u", interop_feature_name((interop_feature_t) i), w->lost.count[i]);
  if (w->answer_status != 0) in_buf_printf(b, " | %u", w->answer_status);
}

static void test_writes(void) {
  for (size_t i = 0; i < in_countof(writes); i++) {
    apis_run_t r;
    in_write_t w;
    in_buf_t b;
    char name[64];
    in_buf_init(&b, &interop_alloc_libc);
    apis_read(&apis, &interop_alloc_libc, &r, writes[i].api, writes[i].method, writes[i].target, JSON,
              writes[i].body, strlen(writes[i].body));
    in_span_t text = writes[i].verdict == INTEROP_V_PLACEHOLDER ? IN_SPAN(TEXT) : IN_NONE;
    interop_status_t rc = in_api_write(&apis.img, &r.m, &r.ev, writes[i].verdict, text, 0, writes[i].flags, &r.arena, &w);
    if (rc == INTEROP_OK) put_written(&b, &w); else in_buf_printf(&b, "status %d", (int) rc);
    snprintf(name, sizeof(name), "rewrite %zu", i + 1);
    is_bytes(b.p, b.n, writes[i].want, strlen(writes[i].want), name);
    in_buf_free(&b);
    in_arena_free(&r.arena);
  }
}

/* ---- amends */

static void test_amend(void) {
  static const char body[] = "{ \"senderDisplayName\" : \" \",\"trace\":{\"seq\":9007199254740993,\"scale\":1.10, \"tiny\":1e-7,\"z\":null,\"a\":[ ]} }";
  static const in_amend_t set[] = { { { "/senderDisplayName", 18 }, { "Cust\"omer", 9 } } };
  static const in_amend_t more[] = { { { "/trace/a", 8 }, { NULL, 0 } }, { { "/new", 4 }, { "n", 1 } },
                                     { { "/trace/seq", 10 }, { NULL, 0 } }, { { "/no/way", 7 }, { "x", 1 } } };
  apis_run_t r;
  in_write_t w;
  apis_read(&apis, &interop_alloc_libc, &r, "graph", "PATCH", "/v1.0/chats/c", JSON, body, sizeof(body) - 1);
  is_number(in_api_amend(&apis.img, &r.ev, set, 1, &r.arena, &w), INTEROP_OK, "amend");
  static const char want[] = "{ \"senderDisplayName\" : \"Cust\\\"omer\",\"trace\":{\"seq\":9007199254740993,\"scale\":1.10, \"tiny\":1e-7,\"z\":null,\"a\":[ ]} }";
  is_bytes(w.body.p, w.body.n, want, sizeof(want) - 1, "one member set, all else to the byte");
  is_number(in_api_amend(&apis.img, &r.ev, more, 4, &r.arena, &w), INTEROP_OK, "amend");
  static const char want2[] = "{ \"senderDisplayName\" : \" \",\"trace\":{\"scale\":1.10, \"tiny\":1e-7,\"z\":null},\"new\":\"n\" }";
  is_bytes(w.body.p, w.body.n, want2, sizeof(want2) - 1, "members removed and added");
  is_number(in_api_amend(&apis.img, &r.ev, more + 3, 1, &r.arena, &w), INTEROP_OK, "amend");
  ok(!w.changed, "a pointer that leads nowhere changes nothing");
  in_arena_free(&r.arena);
}

/* ---- answers */

static void test_answers(void) {
  apis_run_t r;
  in_write_t w;
  in_answer_t a;
  in_span_t type, body;
  in_original_t o;
  static const in_var_t vars[] = { { { "reason", 6 }, { "geo_not_live", 12 } }, { { "message", 7 }, { "It \"is\" off", 11 } },
                                   { { "request_id", 10 }, { "r1", 2 } }, { { "now", 3 }, { "2019-01-15T10:00:00Z", 20 } } };
  static const char poll[] = "{\"actionType\":\"Poll\"}", edit[] = "{\"body\":{\"content\":\"x\"}}";
  apis_read(&apis, &interop_alloc_libc, &r, "kaizala", "POST", "/v1/groups/g/actions", JSON, poll, sizeof(poll) - 1);
  in_api_write(&apis.img, &r.m, &r.ev, INTEROP_V_PLACEHOLDER, IN_SPAN(TEXT), 0, 0, &r.arena, &w);
  ok(in_api_wants_answer(&apis.img, &r.ev, &w), "the answer is wanted");
  in_api_answer(&apis.img, &r.ev, &w, IN_SPAN("{\"referenceId\":\"m-2\"}"), &r.arena, &a);
  is_bytes(a.message.p, a.message.n, "m-2", 3, "id of the message");
  is_bytes(a.body.p, a.body.n, "{\"referenceId\":\"m-2\",\"actionId\":\"m-2\"}", 38, "the client's own success form");
  in_api_answer(&apis.img, &r.ev, &w, IN_SPAN("{\"actionId\":1,\"referenceId\":\"m-2\"}"), &r.arena, &a);
  is_bytes(a.body.p, a.body.n, "{\"actionId\":\"m-2\",\"referenceId\":\"m-2\"}", 38, "a member that is there is set");
  in_api_answer(&apis.img, &r.ev, &w, IN_SPAN("<html>"), &r.arena, &a);
  ok(a.message.p == NULL && !a.body_changed, "an answer that cannot be read yields nothing");
  in_api_answer(&apis.img, &r.ev, NULL, IN_SPAN("{\"referenceId\":17}"), &r.arena, &a);
  is_bytes(a.message.p, a.message.n, "17", 2, "an id that is a number");
  char gone[] = "{\"referenceId\":\"m-3\"}";
  in_api_answer(&apis.img, &r.ev, NULL, in_str(gone), &r.arena, &a);
  memset(gone, 'x', sizeof(gone) - 1);
  is_bytes(a.message.p, a.message.n, "m-3", 3, "an id outlives the answer's bytes");
  is_number(in_api_drop_status(&apis.img, &r.ev), 202, "a send is dropped with 202");
  in_api_error(&apis.img, apis_find(&apis, "kaizala"), vars, 4, &r.arena, &type, &body);
  is_bytes(body.p, body.n, "{\"error\":{\"code\":\"geo_not_live\",\"message\":\"It \\\"is\\\" off\"}}", 59, "error envelope");
  is_bytes(type.p, type.n, "application/json", 16, "its type");
  in_api_error(&apis.img, apis_find(&apis, "graph"), vars, 4, &r.arena, &type, &body);
  static const char graph_error[] = "{\"error\":{\"code\":\"geo_not_live\",\"message\":\"It \\\"is\\\" off\",\"innerError\":{\"date\":\"2019-01-15T10:00:00Z\",\"request-id\":\"r1\",\"client-request-id\":\"r1\"}}}";
  is_bytes(body.p, body.n, graph_error, sizeof(graph_error) - 1, "the other's");
  in_arena_free(&r.arena);

  apis_read(&apis, &interop_alloc_libc, &r, "graph", "PATCH", CHAT "/9?$select=body", JSON, edit, sizeof(edit) - 1);
  is_number(in_api_drop_status(&apis.img, &r.ev), 204, "an edit is dropped with 204");
  interop_target_t t = in_api_fetch(&apis.img, &r.m, &r.ev, &r.arena);
  is_bytes(t.method.p, t.method.n, "GET", 3, "the original is fetched");
  is_bytes(t.target.p, t.target.n, CHAT "/9", strlen(CHAT "/9"), "from here, without the client's query");
  in_api_original(&apis.img, &r.ev, IN_SPAN("{\"id\":\"9\",\"from\":{\"user\":{\"id\":\"B\"}},\"body\":{\"contentType\":\"text\",\"content\":\"t\"},\"attachments\":[],\"subject\":null}"), &r.arena, &o);
  ok(o.known && o.kind == INTEROP_K_TEXT, "the original is text");
  is_bytes(o.author.p, o.author.n, "B", 1, "and has an author");
  in_api_original(&apis.img, &r.ev, IN_SPAN("{\"body\":{\"contentType\":\"html\",\"content\":\"<img src=a.gif>\"}}"), &r.arena, &o);
  ok(o.known && o.kind == INTEROP_K_GIF && o.author.p == NULL, "the original was a GIF");
  in_api_original(&apis.img, &r.ev, IN_SPAN("{\"error\":{}}"), &r.arena, &o);
  ok(!o.known, "no original");
  in_api_original(&apis.img, &r.ev, IN_SPAN("{\"body\":{\"content\":7}}"), &r.arena, &o);
  ok(!o.known, "an original that cannot be read");
  in_arena_free(&r.arena);

  in_made_t made;
  in_var_t subject = { IN_SPAN("subject"), IN_SPAN("Screen \"1\"") };
  apis_read(&apis, &interop_alloc_libc, &r, "graph", "GET", "/beta/communications/calls/k", NULL, NULL, 0);
  is_number(in_api_make(&apis.img, apis_find(&apis, "graph"), IN_SPAN("meeting"), &r.m, &subject, 1, &r.arena, &made), INTEROP_OK, "a request of the edge's own");
  is_bytes(made.target.p, made.target.n, "/beta/me/onlineMeetings", 23, "its target");
  is_bytes(made.body.p, made.body.n, "{\"subject\":\"Screen \\\"1\\\"\"}", 26, "its body");
  in_api_pick(&apis.img, made.make, IN_SPAN("{\"joinWebUrl\":\"https://t/0\"}"), &r.arena, &body);
  is_bytes(body.p, body.n, "https://t/0", 11, "what its answer is asked for");
  is_number(in_api_make(&apis.img, apis_find(&apis, "graph"), IN_SPAN("message"), &r.m, NULL, 0, &r.arena, &made), INTEROP_FULL, "a segment is not known");
  is_number(in_api_make(&apis.img, apis_find(&apis, "graph"), IN_SPAN("tea"), &r.m, NULL, 0, &r.arena, &made), INTEROP_MISSING, "no such request");
  in_arena_free(&r.arena);
}

int main(void) {
  const char *sources[] = { "graph.rules", apis_slurp("conf.d/apis/graph.rules"),
                            "kaizala.rules", apis_slurp("conf.d/apis/kaizala.rules"), NULL };
  interop_status_t rc = apis_compile(&apis, &interop_alloc_libc, sources);
  if (!ok(rc == INTEROP_OK, "the definitions compile")) printf("# %s\n", apis.diag.text);
  if (rc == INTEROP_OK) {
    test_events();
    test_requests();
    test_writes();
    test_amend();
    test_answers();
  }
  apis_free(&apis, &interop_alloc_libc);
  free((char *) (uintptr_t) sources[1]);
  free((char *) (uintptr_t) sources[3]);
  return done();
}
