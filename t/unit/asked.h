/*
** asked.h -- a few requests to the shipped policies, and records for them.
**
** One request for each thing that can become of one. Knows nothing of what a
** test does with them.
*/
#ifndef ASKED_H
#define ASKED_H

#include <stdio.h>
#include "interop.h"
#include "store/memory.h"

typedef struct { const char *name, *api, *method, *target, *body, *sender; const char *answer; const char *verdict; } asked_t;

#define CHAT "19:1d000000-0000-4000-8000-00000000c001_1d000000-0000-4000-8000-00000000c002@unq.gbl.spaces"
#define GROUP "8f41c0de-0000-4000-8000-000000000701"
#define PLAIN "19:c-plain"
#define PART "--b1\r\nContent-Type: application/http\r\n\r\n"

static const asked_t asked[] = {
  { "a message that is delivered", "graph", "POST", "/v1.0/chats/" CHAT "/messages",
    "{\"body\":{\"contentType\":\"text\",\"content\":\"The spare seal is on shelf B\"}}", "jonas", "{\"id\":\"1549870200001\"}", "deliver" },
  { "a message that becomes a placeholder", "graph", "POST", "/v1.0/chats/" CHAT "/messages",
    "{\"body\":{\"contentType\":\"html\",\"content\":\"<p>See <b>this</b> <a href=\\\"https://example.org/\\\">page</a></p>\"}}",
    "jonas", "{\"id\":\"1549870200002\"}", "placeholder" },
  { "a message that is denied", "graph", "POST", "/v1.0/chats/" CHAT "/messages",
    "{\"body\":{\"contentType\":\"text\",\"content\":\"hello\"}}", "stranger", "", "deny" },
  { "a message with a broken body", "graph", "POST", "/v1.0/chats/" CHAT "/messages", "{\"body\":", "jonas", "", "deny" },
  { "an action from the other side", "kaizala", "POST", "/v1/groups/" GROUP "/actions",
    "{\"id\":\"com.example.poll\",\"actionBody\":{\"title\":\"Lunch?\"}}", "mira", "{\"referenceId\":\"r-1\"}", "placeholder" },
  { "a call with a regular expression to match", "graph", "POST", "/v1.0/chats/" CHAT "/members",
    "{\"@odata.type\":\"#microsoft.graph.aadUserConversationMember\",\"roles\":[\"owner\"],"
    "\"user@odata.bind\":\"https://graph.microsoft.com/v1.0/users('mira@example.org')\"}",
    "jonas", "{\"id\":\"m-1\"}", NULL },
  { "a batch of all that can become of an item", "graph", "POST", "/v1.0/$batch",
    "{\"requests\":[{\"id\":\"a\",\"method\":\"POST\",\"url\":\"/chats/" CHAT "/messages\",\"headers\":{\"Content-Type\":\"application/json\"},"
    "\"body\":{\"body\":{\"contentType\":\"html\",\"content\":\"See <b>this</b>\"}}},"
    "{\"id\":\"b\",\"method\":\"POST\",\"url\":\"chats('" CHAT "')/messages/7/setReaction\",\"headers\":{\"Content-Type\":\"application/json\"},"
    "\"body\":{\"reactionType\":\"like\"},\"dependsOn\":[\"a\"]},"
    "{\"id\":\"c\",\"method\":\"PATCH\",\"url\":\"/chats/" CHAT "/messages/8\",\"headers\":{\"Content-Type\":\"application/json\",\"Cookie\":\"x\"},"
    "\"body\":{\"body\":{\"content\":\"x\"}},\"dependsOn\":[\"b\"]},"
    "{\"id\":\"d\",\"method\":\"GET\",\"url\":\"/beta/chats\"},{\"id\":\"e\",\"method\":\"GET\",\"url\":\"/me\",\"dependsOn\":[\"d\"]},"
    "{\"id\":\"f\",\"method\":\"GET\",\"url\":\"/me\"},{\"id\":\"g\",\"method\":\"GET\",\"url\":\"/me/drive\"}]}", "jonas",
    "{\"responses\":[{\"id\":\"f\",\"status\":200},{\"id\":\"a\",\"status\":201,\"headers\":{\"X\":\"y\"},\"body\":{\"id\":\"9\"}},"
    "{\"id\":\"c\",\"status\":201,\"body\":{\"id\":\"10\"}}]}", "drop" },
  { "a batch in parts", "ucwa", "POST", "/ucwa/v1/applications/1/batch",
    PART "POST /ucwa/v1/applications/1/communication/conversations/" PLAIN "/messaging/messages HTTP/1.1\r\nContent-Type: text/html\r\n"
    "Content-Length: 21\r\n\r\nGate --<b></b>b1 <i>3\r\n" PART "GET /ucwa/v1/applications/1/me HTTP/1.1\r\n\r\n" PART "GET /ucwa/none HTTP/1.1\r\n"
    "Cookie: x\r\n\r\n--b1--\r\n", "sana",
    "--r\r\nA: b\r\n\r\nHTTP/1.1 201 Created\r\nC: d\r\n\r\n\r\n--r--\r\n", "plain_text" },
};

static const struct { interop_record_kind_t kind; const char *json; } records[] = {
  { INTEROP_R_TENANT, "{\"id\":\"t1\",\"country\":\"KE\",\"residency\":\"EMEA\",\"plan\":\"m365\"}" },
  { INTEROP_R_USER, "{\"id\":\"mira\",\"tenant\":\"t1\",\"systems\":[\"kaizala\",\"teams\"],\"linked_account\":true,\"reads_on\":\"kaizala\","
                    "\"aliases\":[\"1d000000-0000-4000-8000-00000000c001\",\"mira@example.org\"]}" },
  { INTEROP_R_USER, "{\"id\":\"jonas\",\"tenant\":\"t1\",\"systems\":[\"kaizala\",\"teams\"],\"linked_account\":true,\"reads_on\":\"teams\","
                    "\"aliases\":[\"1d000000-0000-4000-8000-00000000c002\",\"jonas@example.org\"]}" },
  { INTEROP_R_USER, "{\"id\":\"sana\",\"tenant\":\"t1\",\"systems\":[\"sfb\"],\"mode\":\"SfBOnly\"}" },
  { INTEROP_R_USER, "{\"id\":\"tove\",\"tenant\":\"t1\",\"systems\":[\"teams\"],\"mode\":\"TeamsOnly\"}" },
  { INTEROP_R_CONVERSATION, "{\"id\":\"" PLAIN "\",\"type\":\"one_on_one\",\"participants\":[\"sana\",\"tove\"],\"started\":true}" },
  { INTEROP_R_CONVERSATION, "{\"id\":\"" GROUP "\",\"type\":\"one_on_one\",\"participants\":[\"mira\",\"jonas\"],\"aliases\":[\"" CHAT "\"],"
                            "\"initiated_by\":\"kaizala\",\"started\":true,\"org_mapped\":true,\"tenant\":\"t1\"}" },
};

/* NULL: something is wrong, and was said */
__attribute__((unused))
static in_memory_t *asked_records(void) {
  interop_diag_t diag;
  in_memory_t *m = in_memory_new(&interop_alloc_libc);
  for (size_t i = 0; m != NULL && i < in_countof(records); i++) {
    if (in_memory_put_json(m, records[i].kind, in_str(records[i].json), &diag) == INTEROP_OK) continue;
    printf("# %s\n", diag.text);
    return NULL;
  }
  return m;
}

static interop_request_t asked_request(const asked_t *q) {
  interop_request_t r;
  memset(&r, 0, sizeof(r));
  r.content_type = q->body[0] == '-' ? IN_SPAN("multipart/batching; boundary=b1") : IN_SPAN("application/json");
  r.body = in_str(q->body);
  r.sender = in_str(q->sender);
  r.request_id = IN_SPAN("0001");
  r.now = 1549870200;
  return r;
}

#endif
