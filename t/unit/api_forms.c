/*
** api_forms.c -- what other APIs need of the definitions' language: ids of
** several spellings, raw bodies, data: addresses, formats by a word, content
** objects, conversations named in the query, paths with colons.
*/
#include "apis.h"
#include "tap.h"

static const char definitions[] =
  "api acs of acs {\n"
  "  guards /chat /calling /notes;\n"
  "  identity anyone {\n"
  "    id /rawId;\n"
  "    id /communicationUser/id;\n"
  "    id /phoneNumber/value                          as \"4:{id}\";\n"
  "    id /microsoftTeamsUser/userId  when /microsoftTeamsUser/isAnonymous true  as \"8:teamsvisitor:{id}\";\n"
  "    id /microsoftTeamsUser/userId  when /microsoftTeamsUser/cloud dod         as \"8:dod:{id}\";\n"
  "    id /microsoftTeamsUser/userId  as \"8:orgid:{id}\";\n"
  "  }\n"
  "  shape message {\n"
  "    content /content required format /type default text { text text; html html; }\n"
  "    inert /senderDisplayName;  inert whole /metadata;\n"
  "  }\n"
  "  operation message.send POST /chat/threads/{conversation}/messages { body message; id /id; }\n"
  "  operation message.edit PATCH /chat/threads/{conversation}/messages/{message} { body message optional; accepts application/merge-patch+json; success 204; }\n"
  "  operation participant.add POST /chat/threads/{conversation}/participants/:add { body { parties /participants at /communicationIdentifier who anyone name /displayName; } }\n"
  "  operation participant.remove POST /chat/threads/{conversation}/participants/:remove { body { party who anyone; } }\n"
  "  operation participant.list GET /chat/threads/{conversation}/participants { list /value { party who anyone name /displayName; } }\n"
  "  operation message.list GET /chat/threads/{conversation}/messages { list /value { party /sender who anyone; time /createdOn; } }\n"
  "  operation typing POST /chat/threads/{conversation}/typing { body { inert /senderDisplayName; } success 200; }\n"
  "  operation call.create POST /calling/callConnections { body { parties /targets who anyone; } call /callConnectionId; }\n"
  "  operation call.answer POST /calling/callConnections:answer { body { inert whole /incomingCallContext; } }\n"
  "  operation call.transfer POST /calling/callConnections/{call}:transferToParticipant { body { party /targetParticipant who anyone; } }\n"
  "  operation message.send POST /notes/{conversation} { body { content raw { text/plain text; } } id from location \"messages/{id}\"; conversation from location \"rooms/{id}\"; }\n"
  "  operation call.hangup DELETE /calling/callConnections/{call};\n"
  "  operation conversation.create POST /chat/threads { body { parties /participants at /communicationIdentifier who anyone; } type group; conversation /chatThread/id; }\n"
  "  error json { \"error\": { \"code\": \"$reason\" } };\n"
  "}\n"
  "api ucwa of sfb {\n"
  "  paths ignore case; members ignore case; guards /ucwa;\n"
  "  shape first { content \"/_links/message/href\" data; text /subject; inert /operationId /to /importance; }\n"
  "  make text { POST /ucwa/{a}/conversations/{conversation}/messages; text \"$text\"; }\n"
  "  operation message.send POST /ucwa/{a}/conversations/{conversation}/messages { body { content raw { text/plain text; text/html html; } } }\n"
  "  operation conversation.create POST /ucwa/{a}/messagingInvitations { body first; type one_on_one; }\n"
  "  operation participant.add POST /ucwa/{a}/participantInvitations { body { party id /to; inert /operationId; } conversation from query conversation; }\n"
  "  operation meeting.create POST /ucwa/{a}/onlineMeetingInvitations when query onlineMeetingUri;\n"
  "  operation other POST /ucwa/{a}/onlineMeetingInvitations;\n"
  "  error json { \"code\": \"Forbidden\", \"subcode\": \"$reason\" };\n"
  "}\n"
  "api bot of teams {\n"
  "  guards /v3;\n"
  "  shape activity {\n"
  "    content /text format /textFormat default markdown { plain text; markdown markdown; xml html; }\n"
  "    text /summary /speak;\n"
  "    parts /attachments by /contentType url /contentUrl {\n"
  "      text/html formatting; application/vnd.microsoft.card.animation image/gif gif;\n"
  "      application/vnd.microsoft.card.* card; image/* image; * file;\n"
  "    }\n"
  "    parts /entities mention;  part /suggestedActions card;\n"
  "    inert /type { message; typing; }  inert /importance;  inert whole /from /channelData;\n"
  "  }\n"
  "  operation typing POST /v3/conversations/{conversation}/activities when /type typing { body activity; }\n"
  "  operation message.send POST /v3/conversations/{conversation}/activities { body activity; id /id; }\n"
  "  operation message.edit PUT /v3/conversations/{conversation}/activities/{message} { body activity; }\n"
  "  error json { \"error\": { \"code\": \"$reason\" } };\n"
  "}\n";

static apis_t apis;

/* with "text/plain;x=" before it, the longest type that a data: address may have */
#define TEN   "aaaaaaaaaa"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG  "a" TEN FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct {
  const char *api, *method, *target, *type, *body;
  const char *want;               /* operation kind conversation people | refusal */
  const char *plain;              /* in plain text, or NULL */
} rows[] = {
  { "acs", "POST", "/chat/threads/19%3Aab/participants/:add?api-version=1", "application/json",
    "{\"participants\":[{\"communicationIdentifier\":{\"rawId\":\"8:orgid:b8\",\"microsoftTeamsUser\":{\"userId\":\"b8\",\"cloud\":\"public\"}}},{\"communicationIdentifier\":{\"phoneNumber\":{\"value\":\"+1\"}}}]}",
    "participant.add other 19:ab 8:orgid:b8 4:+1", NULL },
  { "acs", "POST", "/chat/threads/t/participants/:add", "application/json",
    "{\"participants\":[{\"communicationIdentifier\":{\"rawId\":\"8:orgid:a7\",\"microsoftTeamsUser\":{\"userId\":\"b8\",\"cloud\":\"public\"}}}]}",
    "participant.add refused malformed_body two members name one person differently", NULL },
  { "acs", "POST", "/chat/threads/t/participants/:add", "application/json", "{\"participants\":[{\"communicationIdentifier\":{}}]}",
    "participant.add refused malformed_body it cannot be told who is meant", NULL },
  { "acs", "POST", "/chat/threads/t/participants/:remove", "application/json",
    "{\"microsoftTeamsUser\":{\"userId\":\"b8\",\"cloud\":\"dod\"}}", "participant.remove other t 8:dod:b8", NULL },
  { "acs", "POST", "/calling/callConnections", "application/json",
    "{\"targets\":[{\"microsoftTeamsUser\":{\"userId\":\"v\",\"isAnonymous\":true}}]}", "call.create other 8:teamsvisitor:v", NULL },
  { "acs", "POST", "/calling/callConnections:answer", "application/json", "{}", "call.answer other", NULL },
  { "acs", "POST", "/calling/callConnections/k:transferToParticipant", "application/json",
    "{\"targetParticipant\":{\"communicationUser\":{\"id\":\"8:acs:1\"}}}", "call.transfer other 8:acs:1", NULL },
  { "acs", "DELETE", "/calling/callConnections/k", NULL, NULL, "call.hangup other", NULL },
  { "acs", "POST", "/chat/threads/t/typing", NULL, NULL, "typing other t", NULL },
  { "acs", "PATCH", "/chat/threads/t/messages/m", "application/merge-patch+json", "{\"content\":\"x\"}", "message.edit text t", "unchanged" },
  { "acs", "PATCH", "/chat/threads/t/messages/m", "application/json", "{\"content\":\"x\"}",
    "message.edit refused unsupported_media_type this operation does not take this content type", NULL },
  { "acs", "POST", "/chat/threads/t/messages", "application/json", "{\"content\":\"<b>x</b>\",\"type\":\"html\",\"metadata\":{\"t\":[1.0]}}",
    "message.send rich_text t", "{\"content\":\"x\",\"type\":\"text\",\"metadata\":{\"t\":[1.0]}}" },
  { "ucwa", "POST", "/UCWA/1/conversations/21a1/Messages?OperationContext=op", "text/html", "Gate <b>3</b> ok",
    "message.send rich_text 21a1", "text/plain; charset=utf-8 Gate 3 ok" },
  { "ucwa", "POST", "/ucwa/1/conversations/21a1/messages", "text/plain; charset=utf-8", "Gate 3 ok", "message.send text 21a1", "unchanged" },
  { "ucwa", "POST", "/ucwa/1/conversations/21a1/messages", "application/json", "{}",
    "message.send refused unsupported_media_type this operation does not take this content type", NULL },
  { "ucwa", "POST", "/ucwa/1/conversations/21a1/messages", "text/plain", "a\xff", "message.send refused malformed_body the body is not UTF-8", NULL },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json",
    "{\"to\":\"sip:b@c\",\"subject\":\"gate\",\"_links\":{\"message\":{\"href\":\"data:text/html;base64,PHA+R2F0ZSA8Yj4zPC9iPjwvcD4=\"}}}",
    "conversation.create rich_text", "{\"to\":\"sip:b@c\",\"subject\":\"gate\",\"_links\":{\"message\":{\"href\":\"data:text/plain;charset=utf-8;base64,R2F0ZSAz\"}}}" },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json", "{\"_links\":{\"message\":{\"href\":\"data:text/plain;charset=utf-8,Gate+3+ok%0d%0a\"}}}",
    "conversation.create text", "unchanged" },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json", "{\"_links\":{\"message\":{\"href\":\"data:image/gif;base64,R0lG\"}}}",
    "conversation.create refused malformed_body the format of the content is not known", NULL },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json", "{\"_links\":{\"message\":{\"href\":\"data:text/plain;base64,R0l\"}}}",
    "conversation.create refused malformed_body the data: address cannot be read", NULL },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json", "{\"_links\":{\"message\":{\"href\":\"data:text/plain;x=" LONG ",R\"}}}",
    "conversation.create text", "unchanged" },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json", "{\"_links\":{\"message\":{\"href\":\"data:text/plain;x=" LONG "x,R\"}}}",
    "conversation.create refused malformed_body the data: address cannot be read", NULL },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json", "{\"_links\":{\"message\":{\"href\":\"data:text/plain;base64,R2F0ZSA*\"}}}",
    "conversation.create refused malformed_body the data: address cannot be read", NULL },
  { "ucwa", "POST", "/ucwa/1/messagingInvitations", "application/json", "{\"_links\":{\"message\":{\"href\":\"data:text/html;base64,PGI+eDwvYj4/Pz8+fg==\"}}}",
    "conversation.create rich_text", "{\"_links\":{\"message\":{\"href\":\"data:text/plain;charset=utf-8;base64,eD8/Pz5+\"}}}" },
  { "ucwa", "POST", "/ucwa/1/participantInvitations?conversation=21%62", "application/json", "{\"to\":\"sip:b@c\"}", "participant.add other 21b sip:b@c", NULL },
  { "ucwa", "POST", "/ucwa/1/participantInvitations?conversation=1&conversation=2", "application/json", "{\"to\":\"sip:b@c\"}",
    "participant.add refused malformed_path a query parameter names no or two conversations", NULL },
  { "ucwa", "POST", "/ucwa/1/onlineMeetingInvitations?onlineMeetingUri=adhoc", NULL, NULL, "meeting.create other", NULL },
  { "ucwa", "POST", "/ucwa/1/onlineMeetingInvitations", NULL, NULL, "other other", NULL },
  { "bot", "POST", "/v3/conversations/a:1XyZ/activities", "application/json",
    "{\"type\":\"message\",\"from\":{\"id\":\"28:0c\",\"name\":\"OpsBot\"},\"text\":\"<b>Gate</b> 3\",\"textFormat\":\"xml\",\"channelData\":{\"seq\":9007199254740993,\"scale\":1.10,\"tiny\":1e-7},\"importance\":\"normal\"}",
    "message.send rich_text a:1XyZ",
    "{\"type\":\"message\",\"from\":{\"id\":\"28:0c\",\"name\":\"OpsBot\"},\"text\":\"Gate 3\",\"textFormat\":\"plain\",\"channelData\":{\"seq\":9007199254740993,\"scale\":1.10,\"tiny\":1e-7},\"importance\":\"normal\"}" },
  { "bot", "POST", "/v3/conversations/c/activities", "application/json", "{\"type\":\"message\",\"text\":\"**Gate** 3\"}",
    "message.send rich_text c", "{\"type\":\"message\",\"text\":\"Gate 3\",\"textFormat\":\"plain\"}" },
  { "bot", "POST", "/v3/conversations/c/activities", "application/json", "{\"type\":\"message\",\"text\":\"x\",\"textFormat\":\"plain\",\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.animation\",\"content\":{\"media\":[]}}],\"suggestedActions\":{}}",
    "message.send action_card c", "{\"type\":\"message\",\"text\":\"x\",\"textFormat\":\"plain\"}" },
  { "bot", "POST", "/v3/conversations/c/activities", "application/json", "{\"type\":\"typing\"}", "typing other c", NULL },
};

static in_span_t line_of(apis_run_t *r) {
  in_buf_t b;
  interop_alloc_t alloc = in_arena_alloc(&r->arena);
  in_buf_init(&b, &alloc);
  in_buf_printf(&b, "%s", interop_operation_name(r->ev.operation));
  if (r->ev.refusal.p != NULL) {
    in_buf_printf(&b, " refused %.*s %.*s", (int) r->ev.refusal.n, r->ev.refusal.p,
                  (int) r->ev.refusal_text.n, r->ev.refusal_text.p);
    return in_buf_span(&b);
  }
  in_buf_printf(&b, " %s", interop_kind_name(r->ev.kind));
  if (r->ev.conversation.p != NULL) in_buf_printf(&b, " %.*s", (int) r->ev.conversation.n, r->ev.conversation.p);
  for (uint32_t i = 0; i < r->ev.party_count; i++)
    in_buf_printf(&b, " %.*s", (int) r->ev.parties[i].n, r->ev.parties[i].p);
  return in_buf_span(&b);
}

static void test_row(size_t i) {
  apis_run_t r;
  in_write_t w;
  char name[64];
  apis_read(&apis, &interop_alloc_libc, &r, rows[i].api, rows[i].method, rows[i].target, rows[i].type,
            rows[i].body, rows[i].body == NULL ? 0 : strlen(rows[i].body));
  in_span_t line = r.m.operation == IN_NIL ? IN_SPAN("no operation") : line_of(&r);
  snprintf(name, sizeof(name), "%.50s", rows[i].want);
  is_bytes(line.p, line.n, rows[i].want, strlen(rows[i].want), name);
  if (rows[i].plain != NULL) {
    interop_status_t rc = in_api_write(&apis.img, &r.m, &r.ev, INTEROP_V_PLAIN_TEXT, IN_NONE, 0, 0, &r.arena, &w);
    in_span_t s = rc != INTEROP_OK ? IN_SPAN("refused") : !w.changed ? IN_SPAN("unchanged")
                  : w.content_type.p == NULL ? w.body
                  : in_arena_printf(&r.arena, "%.*s %.*s", (int) w.content_type.n, w.content_type.p, (int) w.body.n, w.body.p);
    is_bytes(s.p, s.n, rows[i].plain, strlen(rows[i].plain), "... in plain text");
  }
  in_arena_free(&r.arena);
}

static void test_lists(void) {
  static const char body[] = "{ \"value\" : [ {\"rawId\":\"8:acs:1\",\"displayName\":\"\"}, {\"displayName\":\"B\", \"microsoftTeamsUser\":{\"userId\":\"b\"}} ,{}, 7 ] }";
  static const char messages[] = "{\"value\":[{\"createdOn\":\"2025-10-09T07:31:00Z\"},{\"createdOn\":\"2025-10-09T07:29:00Z\",\"sender\":{\"rawId\":\"x\"}}]}";
  apis_run_t r;
  in_elements_t *e;
  in_item_t item[5];
  in_span_t to;
  bool changed;
  size_t n = 0;
  apis_read(&apis, &interop_alloc_libc, &r, "acs", "GET", "/chat/threads/t/participants", NULL, NULL, 0);
  is_number(in_api_elements_have(&apis.img, &r.ev), IN_HAS_ELEMENTS, "people are no messages");
  ok(in_api_elements_set(&apis.img, &r.ev, IN_SPAN("name")) && !in_api_elements_set(&apis.img, &r.ev, IN_SPAN("history")),
     "what can be set in them");
  is_number(in_api_elements(&apis.img, &r.ev, in_span(body, sizeof(body) - 1), &r.arena, &e), INTEROP_OK, "a list");
  for (; n < 5 && in_api_element(e, &item[n]); n++) {
    if (n == 0) ok(in_api_element_set(e, IN_SPAN("name"), IN_SPAN("Customer")), "a name is set");
    if (n == 1) ok(!in_api_element_set(e, IN_SPAN("name"), IN_SPAN("B")), "a name that is there already");
    if (n == 2) in_api_element_drop(e);
  }
  is_number((long long) n, 4, "its elements");
  is_bytes(item[0].id.p, item[0].id.n, "8:acs:1", 7, "the first is somebody");
  is_bytes(item[1].id.p, item[1].id.n, "8:orgid:b", 9, "the second too");
  is_bytes(item[1].name.p, item[1].name.n, "B", 1, "with a name");
  ok(item[2].id.p == NULL && item[3].id.p == NULL, "the others are not");
  static const char want[] = "{ \"value\" : [ {\"rawId\":\"8:acs:1\",\"displayName\":\"Customer\"}, {\"displayName\":\"B\", \"microsoftTeamsUser\":{\"userId\":\"b\"}}, 7 ] }";
  is_number(in_api_elements_end(e, &r.arena, &to, &changed), INTEROP_OK, "an end");
  is_bytes(to.p, to.n, want, sizeof(want) - 1, "a name set and an element gone");
  static const char *const bad[] = { "<html>", "[]", "{\"value\":{}}", "{\"value\":[]} x", "" };
  for (size_t i = 0; i < in_countof(bad); i++)
    is_number(in_api_elements(&apis.img, &r.ev, in_str(bad[i]), &r.arena, &e), INTEROP_SYNTAX, "an answer that cannot be read");
  static const char *const empty[] = { "{}", "{\"value\":null}", "{\"value\":[]}" };
  for (size_t i = 0; i < in_countof(empty); i++) {
    is_number(in_api_elements(&apis.img, &r.ev, in_str(empty[i]), &r.arena, &e), INTEROP_OK, "an answer without elements");
    ok(!in_api_element(e, &item[0]), "has none");
    ok(in_api_elements_end(e, &r.arena, &to, &changed) == INTEROP_OK && !changed, "and is not changed");
  }
  in_arena_free(&r.arena);
  apis_read(&apis, &interop_alloc_libc, &r, "acs", "GET", "/chat/threads/t/messages", NULL, NULL, 0);
  in_api_elements(&apis.img, &r.ev, in_span(messages, sizeof(messages) - 1), &r.arena, &e);
  for (n = 0; n < 5 && in_api_element(e, &item[n]); n++) { /* both */ }
  is_bytes(item[1].time.p, item[1].time.n, "2025-10-09T07:29:00Z", 20, "when a message was sent");
  is_bytes(item[1].id.p, item[1].id.n, "x", 1, "and by whom");
  in_arena_free(&r.arena);
  apis_read(&apis, &interop_alloc_libc, &r, "acs", "DELETE", "/calling/callConnections/k", NULL, NULL, 0);
  is_number(in_api_elements(&apis.img, &r.ev, IN_SPAN("{}"), &r.arena, &e), INTEROP_MISSING, "no list is named");
  in_arena_free(&r.arena);
}

static void test_location(void) {
  static const struct { const char *location, *message, *conversation; } row[] = {
    { "/ucwa/v1/messages/17", "17", "" }, { "https://h/x/messages/a%3Ab?x=1#y/", "a:b", "" }, { "messages/17/", "17", "" },
    { "/rooms/r1", "", "r1" }, { "/messages/", "", "" }, { "/xmessages/17", "", "" }, { "/messages/17/more", "", "" },
    { "/messages/%zz", "", "" }, { "/messages/%ff", "", "" }, { "", "", "" },
  };
  apis_run_t r;
  apis_read(&apis, &interop_alloc_libc, &r, "acs", "POST", "/notes/n", "text/plain", "hello", 5);
  ok(in_api_wants_location(&apis.img, &r.ev), "the header is asked for");
  for (size_t i = 0; i < in_countof(row); i++) {
    in_answer_t a;
    memset(&a, 0, sizeof(a));
    in_api_location(&apis.img, &r.ev, in_str(row[i].location), &r.arena, &a);
    is_bytes(a.message.n > 0 ? a.message.p : "", a.message.n, row[i].message, strlen(row[i].message), row[i].location);
    is_bytes(a.conversation.n > 0 ? a.conversation.p : "", a.conversation.n, row[i].conversation, strlen(row[i].conversation),
             "... and the conversation");
  }
  in_arena_free(&r.arena);
}

int main(void) {
  const char *sources[] = { "forms.rules", definitions, NULL };
  interop_status_t rc = apis_compile(&apis, &interop_alloc_libc, sources);
  if (!ok(rc == INTEROP_OK, "the definitions compile")) printf("# %s\n", apis.diag.text);
  for (size_t i = 0; rc == INTEROP_OK && i < in_countof(rows); i++) test_row(i);
  if (rc == INTEROP_OK) test_lists();
  if (rc == INTEROP_OK) test_location();
  apis_free(&apis, &interop_alloc_libc);
  return done();
}
