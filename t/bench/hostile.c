/*
** hostile.c -- what the worst bodies of a megabyte cost: match, read, decide,
** rewrite, over the shipped policies and a real store. A line a shape: the best
** of some rounds in milliseconds, the body's bytes, the memory that was taken
** beside it (pages that were touched), the verdict. The bar is 5 ms; twice the
** body for lists of people.
** A shape is a head, a unit that is repeated (a %u in it counts), and a tail: the
** body's; where it has no target, the target's, of 8 KB, which is what nginx takes.
**
**   build/bench/hostile [shape [rounds]]      only shapes whose name has this in it
*/
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "interop.h"

#define MB  ((size_t) 1 << 20)

/* large blocks are mapped, so that they take the pages that are touched, and give them back */
#define MAPPED  ((size_t) 32768)

static void *mapped(void *ctx, void *ptr, size_t osize, size_t nsize) {
  void *p;
  if (nsize == 0) {
    if (osize < MAPPED) free(ptr); else munmap(ptr, osize);
    return NULL;
  }
  if (ptr != NULL && osize >= MAPPED && nsize >= MAPPED) {
    p = mremap(ptr, osize, nsize, MREMAP_MAYMOVE);
    return p == MAP_FAILED ? NULL : p;
  }
  if (nsize < MAPPED && osize < MAPPED) return realloc(ptr, nsize);
  p = nsize < MAPPED ? malloc(nsize) : mmap(NULL, nsize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == NULL || p == MAP_FAILED) return NULL;
  if (ptr != NULL) {
    memcpy(p, ptr, osize < nsize ? osize : nsize);
    (void) mapped(ctx, ptr, osize, 0);
  }
  return p;
}

/* a line of /proc/self/status, in bytes */
static size_t status(const char *name) {
  char line[256];
  size_t kb = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f != NULL && fgets(line, sizeof(line), f) != NULL)
    if (strncmp(line, name, strlen(name)) == 0) kb = strtoul(line + strlen(name) + 1, NULL, 10);
  if (f != NULL) fclose(f);
  return kb * 1024;
}

/* the peak of the pages in use is what they are now */
static void forget_peak(void) {
  FILE *f = fopen("/proc/self/clear_refs", "w");
  if (f == NULL) return;
  fputs("5", f);
  fclose(f);
}

static interop_span_t span(const char *s) {
  interop_span_t r = { s, strlen(s) };
  return r;
}

#define SEND    "graph", "POST", "/v1.0/chats/19:x@thread.v2/messages"
#define CREATE  "graph", "POST", "/v1.0/chats"
#define GROUPS  "kaizala", "PUT", "/v1/groups/g/members"
#define LIST    "graph", "GET", "/v1.0/chats/19:x@thread.v2/messages"
#define PEOPLE  "graph", "GET", "/v1.0/chats/19:x@thread.v2/members"
#define THREAD  "acs_chat", "GET", "/chat/threads/19:x@thread.v2/messages"
#define BATCH   "graph", "POST", "/v1.0/$batch"
#define PARTS   "ucwa", "POST", "/ucwa/oauth/v1/applications/102/batch"
#define INVITE  "ucwa", "POST", "/ucwa/oauth/v1/applications/102/communication/messagingInvitations"
#define RAW     "ucwa", "POST", "/ucwa/oauth/v1/applications/102/communication/conversations/x/messaging/messages"
#define PART    "--b1\r\nContent-Type: application/http; msgtype=request\r\n\r\n"
#define PATH    "POST /ucwa/oauth/v1/applications/102/communication/conversations/x/messaging/messages HTTP/1.1\r\n"
#define DATA    "{\"to\":\"sip:bela@contoso.example\",\"_links\":{\"message\":{\"href\":\"data:"
#define SAID    "{\"webUrl\":\"https://teams.contoso.example/l/message/19:x@thread.v2/1547546400\",\"etag\":\"1547546400123\",\"messageType\":\"message\",\"locale\":\"en-us\",\"importance\":\"normal\",\"id\":\"%u\",\"createdDateTime\":\"2019-01-15T10:00:00Z\",\"from\":{\"user\":{\"id\":\"asha\"}},\"body\":{\"contentType\":"
#define TEXT    "{\"body\":{\"contentType\":\"text\",\"content\":\""
#define HTML    "{\"body\":{\"contentType\":\"html\",\"content\":\""
#define SHOWN   "{\"body\":{\"contentType\":\"html\",\"content\":\"<b>x</b>\"}"
#define END     "\"}}"

static const struct { const char *name, *api, *method, *target, *head, *unit, *tail; } shapes[] = {
  { "text: words", SEND, TEXT, "lorem ipsum dolor sit amet ", END },
  { "text: escapes", SEND, TEXT, "\\n\\\"\\u0041", END },
  { "text: line ends", SEND, TEXT, "\\n", END },
  { "text: escaped emoji", SEND, TEXT, "\\ud83d\\ude00", END },
  { "text: links", SEND, TEXT, "http://a ", END },
  { "text: almost links", SEND, TEXT, "http:/", END },
  { "text: www.", SEND, TEXT, "www.", END },
  { "text: dots", SEND, TEXT, ".", END },
  { "text: colons", SEND, TEXT, "a:", END },
  { "text: Devanagari", SEND, TEXT, "\u092e", END },
  { "text: emoji", SEND, TEXT, "\U0001f600", END },
  { "text: flags", SEND, TEXT, "\U0001f1e9\U0001f1ea", END },
  { "text: zero-width characters", SEND, TEXT, "\u200b", END },
  { "text: Latin with accents", SEND, TEXT, "\u00e9a", END },
  { "html: words", SEND, HTML, "lorem ipsum dolor sit amet ", END },
  { "html: unclosed p", SEND, HTML, "<p>", END },
  { "html: paragraphs", SEND, HTML, "<p>x</p>", END },
  { "html: b", SEND, HTML, "<b>", END },
  { "html: b closed", SEND, HTML, "<b>x</b>", END },
  { "html: div", SEND, HTML, "<div>", END },
  { "html: unknown elements", SEND, HTML, "<x>", END },
  { "html: br", SEND, HTML, "x<br>", END },
  { "html: cells", SEND, HTML "<table><tr>", "<td>x", END },
  { "html: nested tables", SEND, HTML, "<table>", END },
  { "html: nested lists", SEND, HTML, "<ul><li>", END },
  { "html: end tags", SEND, HTML, "</b>", END },
  { "html: links", SEND, HTML, "<a href=x>y", END },
  { "html: links with references", SEND, HTML, "<a href='h://x/&amp;&lt;'>y</a>", END },
  { "html: images", SEND, HTML, "<img src=x>", END },
  { "html: images of parts", SEND, "{\"hostedContents\":[{\"@microsoft.graph.temporaryId\":\"1\"},{\"@microsoft.graph.temporaryId\":\"22\"}],\"body\":{\"contentType\":\"html\",\"content\":\"", "<img src='../hostedContents/%u/$value'>", END },
  { "html: images by style", SEND, HTML, "<p style='background:url(x)'>", END },
  { "html: styles", SEND, HTML, "<p style=color:red>", END },
  { "html: long style", SEND, HTML "<p style='", "color:red;", "'>\"}}" },
  { "html: a style sheet", SEND, HTML "<style>", "@(", END },
  { "html: hidden elements", SEND, HTML, "<i hidden>", END },
  { "html: vendors' elements", SEND, HTML, "<emoji alt='x'></emoji>", END },
  { "html: mentions", SEND, HTML, "<at id='%u'>x</at>", END },
  { "html: attachments", SEND, HTML, "<attachment id='%u'></attachment>", END },
  { "html: attributes", SEND, HTML "<p ", "a ", END },
  { "html: wanted attributes", SEND, HTML "<p ", "src ", END },
  { "html: quoted attributes", SEND, HTML "<p ", "a='' ", END },
  { "html: event handlers", SEND, HTML "<p ", "onclick=1 ", END },
  { "html: srcset", SEND, HTML "<p ", "srcset='a,b,c' ", END },
  { "html: tags with an attribute", SEND, HTML, "<p a=b>", END },
  { "html: references", SEND, HTML, "a&gt", END },
  { "html: references that are none", SEND, HTML, "&a", END },
  { "html: ampersands", SEND, HTML, "&amp;", END },
  { "html: long names cut short", SEND, HTML, "&CounterClockwiseContourIntegra", END },
  { "html: numbers", SEND, HTML, "&#128512;", END },
  { "html: less-than signs", SEND, HTML, "<", END },
  { "html: comments", SEND, HTML, "<!---->", END },
  { "html: comment never closed", SEND, HTML "<!--", "->", END },
  { "html: bogus comments", SEND, HTML, "</ >", END },
  { "html: script in script", SEND, HTML "<script>", "<!--<script", END },
  { "html: almost the end of a title", SEND, HTML "<title>", "</titl", END },
  { "html: CDATA", SEND, HTML "<svg>", "<![CDATA[]]>", END },
  { "html: carriage returns", SEND, HTML "<pre>", "\\r", END },
  { "html: lines in pre", SEND, HTML "<pre>", "a\\n", END },
  { "html: blanks", SEND, HTML, "x  ", END },
  { "html: Devanagari", SEND, HTML, "\u092e", END },
  { "html: emoji", SEND, HTML, "\U0001f600", END },
  { "html: quotes to escape", SEND, HTML "<b>", "\\\"", END },
  { "html: URL of escapes", SEND, HTML "<a href='", "<>", "'>x</a>\"}}" },
  { "html: NULs", SEND, HTML, "\\u0000", END },
  { "json: blanks", SEND, SHOWN, " ", "}" },
  { "json: names in one object", SEND, SHOWN, ",\"k%u\":0", "}" },
  { "json: short names", SEND, SHOWN ",\"x\":{\"\":0", ",\"%x\":0", "}}" },
  { "json: long names", SEND, SHOWN ",\"x\":{\"\":0", ",\"a name that is long enough to be a name %u\":0", "}}" },
  { "json: a name twice", SEND, SHOWN, ",\"k\":0", "}" },
  { "json: escaped names", SEND, SHOWN ",\"x\":{\"\":0", ",\"\\u0061%u\":0", "}}" },
  { "json: objects of two", SEND, SHOWN ",\"x\":[{}", ",{\"a\":0,\"b\":0}", "]}" },
  { "json: objects of twelve", SEND, SHOWN ",\"x\":[{}", ",{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0,\"l\":0}", "]}" },
  { "json: objects of sixteen", SEND, SHOWN ",\"x\":[{}", ",{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0}", "]}" },
  { "json: numbers", SEND, SHOWN ",\"x\":[0", ",12345", "]}" },
  { "json: small numbers", SEND, SHOWN ",\"x\":[0", ",1", "]}" },
  { "json: short strings", SEND, SHOWN ",\"x\":[0", ",\"ab\"", "]}" },
  { "json: empty lists", SEND, SHOWN ",\"x\":[0", ",[]", "]}" },
  { "json: nested", SEND, SHOWN ",\"x\":[0", ",[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]", "]}" },
  { "json: too deep", SEND, SHOWN ",\"x\":", "[", "" },
  { "json: cut", SEND, SHOWN ",\"x\":[0", ",\"ab\"", "" },
  { "json: a number", SEND, SHOWN ",\"x\":", "1", "}" },
  { "parts: empty attachments", SEND, SHOWN ",\"attachments\":[{}", ",{}", "]}" },
  { "parts: 4096 attachments", SEND, SHOWN ",\"attachments\":[{}", ",{\"id\":\"%u\",\"contentType\":\"image/png\",\"contentUrl\":\"https://contoso.example/a/b/c/d/e/f/%u.png\",\"content\":null,\"name\":\"a name that makes it longer, and then some more, to fill the megabyte with few of them ................\"}", "]}" },
  { "parts: hosted contents", SEND, SHOWN ",\"hostedContents\":[{}", ",{\"@microsoft.graph.temporaryId\":\"%u\",\"contentType\":\"image/png\",\"contentBytes\":\"iVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgoiVBORw0KGgo\"}", "]}" },
  { "parts: mentions", SEND, SHOWN ",\"mentions\":[{}", ",{\"id\":%u,\"mentionText\":\"A\",\"mentioned\":{\"user\":{\"id\":\"%u\",\"displayName\":\"A name that fills the megabyte; there are no more than so many of them in it, that is all of it, and the last of it is here\"}}}", "]}" },
  { "people: members of a chat", CREATE, "{\"chatType\":\"group\",\"members\":[{\"@odata.type\":\"#microsoft.graph.aadUserConversationMember\",\"roles\":[\"owner\"],\"user@odata.bind\":\"https://graph.microsoft.com/v1.0/users('bela')\"}", ",{\"@odata.type\":\"#microsoft.graph.aadUserConversationMember\",\"roles\":[\"owner\"],\"user@odata.bind\":\"https://graph.microsoft.com/v1.0/users('u%u')\"}", "]}" },
  { "people: many slashes", CREATE, "{\"chatType\":\"group\",\"members\":[{\"roles\":[\"owner\"],\"user@odata.bind\":\"", "/users('", "\"}]}" },
  { "answer: messages of text", LIST, "{\"value\":[{}", "," SAID "\"text\",\"content\":\"hello\"}}", "]}" },
  { "answer: messages of HTML", LIST, "{\"value\":[{}", "," SAID "\"html\",\"content\":\"<p>hello <b>x</b></p>\"}}", "]}" },
  { "answer: long messages of HTML", LIST, "{\"value\":[{}", "," SAID "\"html\",\"content\":\"<p>hello <b>x</b></p><p>hello <b>x</b></p><p>hello <b>x</b></p><p>hello <b>x</b></p><p>hello <b>x</b></p><p>hello <b>x</b></p><p>hello <b>x</b></p><p>hello <b>x</b></p>\"}}", "]}" },
  { "answer: messages with pictures", LIST, "{\"value\":[{}", "," SAID "\"html\",\"content\":\"<img src=x>\"}}", "]}" },
  { "answer: cards", LIST, "{\"value\":[{}", "," SAID "\"html\",\"content\":\"<attachment id=1></attachment>\"},\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.adaptive\",\"content\":\"{}\"}]}", "]}" },
  { "answer: messages of many", LIST, "{\"value\":[{}", ",{\"webUrl\":\"https://teams.contoso.example/l/message/19:x@thread.v2/1547546400\",\"etag\":\"1547546400123\",\"messageType\":\"message\",\"locale\":\"en-us\",\"createdDateTime\":\"2019-01-15T10:00:00Z\",\"lastModifiedDateTime\":\"2019-01-15T10:00:00Z\",\"id\":\"%u\",\"from\":{\"user\":{\"id\":\"u%u\"}},\"body\":{\"contentType\":\"html\",\"content\":\"<b>hello</b>\"}}", "]}" },
  { "answer: messages of nobody", LIST, "{\"value\":[{}", ",{\"webUrl\":\"https://teams.contoso.example/l/message/19:x@thread.v2/1547546400\",\"etag\":\"1547546400123\",\"messageType\":\"message\",\"locale\":\"en-us\",\"createdDateTime\":\"2019-01-15T10:00:00Z\",\"lastModifiedDateTime\":\"2019-01-15T10:00:00Z\",\"x\":\"0123456789012345\",\"id\":\"%u\",\"body\":{\"contentType\":\"html\",\"content\":\"<b>x</b>\"}}", "]}" },
  { "answer: empty elements", LIST, "{\"value\":[{}", ",{}", "]}" },
  { "answer: people", PEOPLE, "{\"value\":[{}", ",{\"userId\":\"u%u\",\"displayName\":\"A name\"}", "]}" },
  { "answer: of a thread", THREAD, "{\"value\":[{}", ",{\"id\":\"%u\",\"type\":\"html\",\"content\":{\"message\":\"<b>hello</b>\"},\"senderCommunicationIdentifier\":{\"rawId\":\"asha\"}}", "]}" },
  { "people: 5000 known members", GROUPS, "{\"members\":[\"bela\"", ",\"+9100%u\"                                                                                                                                                                                                          ", "]}" },
  { "people: 5000 members", GROUPS, "{\"members\":[\"bela\"", ",\"a name of nobody whom anybody here knows, number %05u\"                                                                                                                                                            ", "]}" },
  { "people: 1000 members of a bot's chat", "botframework", "POST", "/v3/conversations", "{\"isGroup\":true,\"members\":[{\"id\":\"bela\"}", ",{\"id\":\"a name of nobody who is known here, number %05u\",\"name\":\"a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thousand in a megabyte a name that is so long that there are no more than a thous and in a megabyte\"}", "]}" },
  { "people: members of a bot's chat", "botframework", "POST", "/v3/conversations", "{\"isGroup\":true,\"members\":[{\"id\":\"bela\"}", ",{\"id\":\"%u\"}", "]}" },
  { "people: members of a call", "graph", "POST", "/v1.0/communications/calls", "{\"targets\":[{\"identity\":{\"user\":{\"id\":\"bela\"}}}", ",{\"identity\":{\"user\":{\"id\":\"%u\"}}}", "]}" },
  { "batch: many items", BATCH, "{\"requests\":[", "{\"id\":\"%u\",\"method\":\"GET\",\"url\":\"/chats/x\"},", "{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/chats\"}]}" },
  { "batch: an item that waits for many", BATCH, "{\"requests\":[{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/chats\",\"dependsOn\":[\"x\"", ",\"%u\"", "]}]}" },
  { "batch: a long address", BATCH, "{\"requests\":[{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/chats/", "%%41/../", "\"}]}" },
  { "batch: HTML in one item", BATCH, "{\"requests\":[{\"id\":\"a\",\"method\":\"POST\",\"url\":\"/chats/19:x@thread.v2/messages\",\"headers\":{\"Content-Type\":\"application/json\"},\"body\":{\"body\":{\"contentType\":\"html\",\"content\":\"", "<p a=b>", "\"}}}]}" },
  { "batch: HTML in twenty items", BATCH, "", "", "" },
  { "text: combining characters", SEND, TEXT, "a\u0301\u0302", END },
  { "text: escaped letters", SEND, TEXT, "\\u0041", END },
  { "html: entities with long names", SEND, HTML, "&CounterClockwiseContourIntegral;", END },
  { "html: bait of URLs", SEND, HTML, "<a href='https://a.example/?x=&amp;y='>", END },
  { "html: deep lists", SEND, HTML, "<ol><li><blockquote><pre>", END },
  { "markdown: brackets", "botframework", "POST", "/v3/conversations/19:x@thread.v2/activities", "{\"type\":\"message\",\"textFormat\":\"markdown\",\"text\":\"", "[", "\"}" },
  { "markdown: emphasis", "botframework", "POST", "/v3/conversations/19:x@thread.v2/activities", "{\"type\":\"message\",\"textFormat\":\"markdown\",\"text\":\"", "*a_ ", "\"}" },
  { "markdown: quotes", "botframework", "POST", "/v3/conversations/19:x@thread.v2/activities", "{\"type\":\"message\",\"textFormat\":\"markdown\",\"text\":\"", "> ", "\"}" },
  { "markdown: links", "botframework", "POST", "/v3/conversations/19:x@thread.v2/activities", "{\"type\":\"message\",\"textFormat\":\"markdown\",\"text\":\"", "[a](b)", "\"}" },
  { "markdown: references", "botframework", "POST", "/v3/conversations/19:x@thread.v2/activities", "{\"type\":\"message\",\"textFormat\":\"markdown\",\"text\":\"", "[a%u]: b\\n", "\"}" },
  { "markdown: code", "botframework", "POST", "/v3/conversations/19:x@thread.v2/activities", "{\"type\":\"message\",\"textFormat\":\"markdown\",\"text\":\"", "`a``", "\"}" },
  { "markdown: tables", "botframework", "POST", "/v3/conversations/19:x@thread.v2/activities", "{\"type\":\"message\",\"textFormat\":\"markdown\",\"text\":\"|a|b|\\n|-|-|\\n", "|x|y|\\n", "\"}" },
  { "multipart: boundary bait", PARTS, PART PATH "Content-Type: text/plain\r\n\r\n", "\r\n--b", "\r\n--b1--\r\n" },
  { "multipart: boundaries within lines", PARTS, PART PATH "Content-Type: text/plain\r\n\r\n", "x--b1", "\r\n--b1--\r\n" },
  { "multipart: line ends", PARTS, PART PATH "Content-Type: text/plain\r\n\r\n", "\r\n", "\r\n--b1--\r\n" },
  { "multipart: tiny parts", PARTS, "", PART "GET /u HTTP/1.1\r\n\r\n\r\n", "--b1--\r\n" },
  { "multipart: empty parts", PARTS, "", "--b1\r\n\r\n\r\n", "--b1--\r\n" },
  { "multipart: delimiters", PARTS, "", "--b1\r\n", "--b1--\r\n" },
  { "multipart: fields", PARTS, PART PATH, "a:b\r\n", "\r\nx\r\n--b1--\r\n" },
  { "multipart: a long field", PARTS, PART PATH "a: ", "a:b;", "\r\n\r\nx\r\n--b1--\r\n" },
  { "multipart: a long line", PARTS, PART "POST /ucwa/", "%%41/", " HTTP/1.1\r\n\r\n\r\n--b1--\r\n" },
  { "multipart: HTML", PARTS, PART PATH "Content-Type: text/html\r\n\r\n", "<b>x</b>&amp;", "\r\n--b1--\r\n" },
  { "multipart: words", PARTS, PART PATH "Content-Type: text/plain\r\n\r\n", "lorem ipsum dolor ", "\r\n--b1--\r\n" },
  { "data: HTML in base64", INVITE, DATA "text/html;base64,", "PGI+eDwvYj4gPHA+eDwvcD4g", "\"}}}" },
  { "data: text in base64", INVITE, DATA "text/plain;base64,", "bG9yZW0gaXBzdW0g", "\"}}}" },
  { "data: not base64", INVITE, DATA "text/plain;base64,", "AAA", "!\"}}}" },
  { "data: HTML in percents", INVITE, DATA "text/html,", "%%3Cb%%3Ex", "\"}}}" },
  { "data: percents", INVITE, DATA "text/plain,", "%%41", "\"}}}" },
  { "data: parameters", INVITE, DATA "text/plain", ";a=b", ",x\"}}}" },
  { "raw: HTML", RAW, "", "<b>x</b> <p a=b>y", "" },
  { "raw: words", RAW, "", "lorem ipsum dolor sit amet ", "" },
  { "path: segments", "graph", "GET", NULL, "/v1.0/chats", "/a", "" },
  { "path: slashes", "graph", "GET", NULL, "/v1.0/chats", "/", "" },
  { "path: dots", "graph", "GET", NULL, "/v1.0/chats", "/a/..", "/x" },
  { "path: percents", "graph", "GET", NULL, "/v1.0/chats/", "%%41", "/messages" },
  { "path: parentheses", "graph", "GET", NULL, "/v1.0/chats", "('a')", "/messages" },
  { "path: a long segment", "graph", "GET", NULL, "/v1.0/chats/", "a", "/messages" },
  { "path: guards' bait", "graph", "GET", NULL, "/v1.0/x", "/chats/a/b", "" },
  { "path: a query", "graph", "GET", NULL, "/v1.0/chats/x/messages?", "$top=%u&", "" },
  { "path: a query of percents", "graph", "GET", NULL, "/v1.0/chats/x/messages?", "%%24%%65xpand=a&", "" },
  { "people: ids of 16 bytes", GROUPS, "{\"members\":[\"bela\"", ",\"+91981234%08u\"", "]}" },
  { "people: members of a group", GROUPS, "{\"members\":[\"bela\"", ",\"+9198%08u\"", "]}" },
};

/* a batch of as many items as there may be, each a message of tags */
static char *build_batch(size_t *size) {
  char *body = malloc(MB + 8192);
  size_t n = 0;
  for (int item = 0; body != NULL && item < 20; item++) {
    size_t end = MB / 20 * (size_t) (item + 1) - 64;
    n += (size_t) sprintf(body + n, "%s{\"id\":\"%d\",\"method\":\"POST\",\"url\":\"/chats/19:x@thread.v2/messages\",\"headers\":{\"Content-Type\":"
                          "\"application/json\"},\"body\":" HTML, item == 0 ? "{\"requests\":[" : ",", item);
    while (n < end) n += (size_t) sprintf(body + n, "%s", item % 2 ? "<p a=b>x" : "<b>x</b>&amp;");
    n += (size_t) sprintf(body + n, END "}");
  }
  *size = n + (size_t) sprintf(body + n, "]}");
  return body;
}

/* what the shape's body is sent as */
static const char *type_of(size_t k) {
  if (shapes[k].target == NULL) return "";
  if (strncmp(shapes[k].name, "multipart", 9) == 0) return "multipart/batching; boundary=b1";
  return strncmp(shapes[k].name, "raw", 3) == 0 ? "text/html" : "application/json";
}

static char *build(size_t k, size_t *size) {
  if (strcmp(shapes[k].name, "batch: HTML in twenty items") == 0) return build_batch(size);
  char *body = malloc(MB + 8192);
  size_t n = (size_t) sprintf(body, "%s", shapes[k].head), tail = strlen(shapes[k].tail), most = shapes[k].target == NULL ? 8192 : MB;
  for (unsigned i = 0; body != NULL; i++) {
    char unit[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    size_t u = (size_t) snprintf(unit, sizeof(unit), shapes[k].unit, i, i);
#pragma GCC diagnostic pop
    if (n + u + tail > most) break;
    memcpy(body + n, unit, u);
    n += u;
  }
  memcpy(body + n, shapes[k].tail, tail);
  *size = n + tail;
  return body;
}

/* ---- one request */

static void effect(interop_store_t *store, interop_record_kind_t kind, const char *key, const char *field, const char *text) {
  interop_effect_t e;
  interop_diag_t d;
  memset(&e, 0, sizeof(e));
  e.kind = kind;
  e.key = span(key);
  e.field = span(field);
  e.create = 1;
  e.value.type = text == NULL ? INTEROP_T_FLAG : INTEROP_T_TEXT;
  e.value.number = 1;
  if (text != NULL) e.value.text = span(text);
  if (interop_store_apply(store, &e, 1, &d) != INTEROP_OK) { fprintf(stderr, "%s\n", d.text); exit(1); }
}

static void list(interop_store_t *store, interop_record_kind_t kind, const char *key, const char *field, const char *a, const char *b) {
  char packed[256];
  size_t at = 0;
  const char *const items[] = { a, b };
  interop_effect_t e;
  interop_diag_t d;
  for (int i = 0; i < 2; i++) {
    uint32_t len = (uint32_t) strlen(items[i]), none = 0xffffffffu;
    memcpy(packed + at, &len, 4);
    memcpy(packed + at + 4, &none, 4);
    memcpy(packed + at + 8, items[i], len);
    at += 8 + len;
  }
  memset(&e, 0, sizeof(e));
  e.kind = kind;
  e.key = span(key);
  e.field = span(field);
  e.create = 1;
  e.value.type = INTEROP_T_LIST;
  e.value.count = 2;
  e.value.text.p = packed;
  e.value.text.n = at;
  if (interop_store_apply(store, &e, 1, &d) != INTEROP_OK) { fprintf(stderr, "%s\n", d.text); exit(1); }
}

/* as many users as a list may name, each known by a number as well */
static void fill_group(interop_store_t *s) {
  enum { USERS = 5000, FIELDS = 5 };
  static interop_effect_t e[USERS * FIELDS];
  static char id[USERS][16], alias[USERS][24];
  interop_diag_t d;
  for (unsigned i = 0; i < USERS; i++) {
    const char *const field[FIELDS] = { "tenant", "reads_on", "display_name", "linked_account", "aliases" };
    uint32_t n = (uint32_t) snprintf(alias[i] + 8, sizeof(alias[i]) - 8, "+9100%u", i), none = 0xffffffffu;
    memcpy(alias[i], &n, 4);
    memcpy(alias[i] + 4, &none, 4);
    snprintf(id[i], sizeof(id[i]), "user-%u", i);
    for (unsigned k = 0; k < FIELDS; k++) {
      interop_effect_t *to = &e[i * FIELDS + k];
      to->kind = INTEROP_R_USER;
      to->key = span(id[i]);
      to->field = span(field[k]);
      to->create = 1;
      to->value.type = k < 3 ? INTEROP_T_TEXT : k == 3 ? INTEROP_T_FLAG : INTEROP_T_LIST;
      to->value.text = span(k == 0 ? "t1" : k == 1 ? "teams" : id[i]);
      to->value.number = to->value.count = 1;
      if (k == 4) to->value.text = (interop_span_t) { alias[i], 8 + n };
    }
  }
  if (interop_store_apply(s, e, USERS * FIELDS, &d) != INTEROP_OK) { fprintf(stderr, "%s\n", d.text); exit(1); }
}

static void fill(interop_store_t *s) {
  fill_group(s);
  effect(s, INTEROP_R_TENANT, "t1", "country", "IN");
  effect(s, INTEROP_R_TENANT, "t1", "plan", "o365");
  effect(s, INTEROP_R_TENANT, "t1", "edition.teams_kaizala", "2019-04");
  effect(s, INTEROP_R_USER, "asha", "tenant", "t1");
  effect(s, INTEROP_R_USER, "bela", "tenant", "t1");
  list(s, INTEROP_R_USER, "asha", "systems", "kaizala", "teams");
  list(s, INTEROP_R_USER, "bela", "systems", "kaizala", "teams");
  effect(s, INTEROP_R_USER, "asha", "linked_account", NULL);
  effect(s, INTEROP_R_USER, "bela", "linked_account", NULL);
  effect(s, INTEROP_R_USER, "asha", "reads_on", "kaizala");
  effect(s, INTEROP_R_USER, "bela", "reads_on", "teams");
  effect(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "type", "one_on_one");
  list(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "participants", "asha", "bela");
  effect(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "started", NULL);
  effect(s, INTEROP_R_CONVERSATION, "19:x@thread.v2", "tenant", "t1");
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* the time of match and judge; of what they do with the store, too */
__attribute__((noinline)) static double one(const interop_policy_t *policy, interop_store_t *store, size_t k, interop_span_t body, interop_alloc_t alloc, const char **verdict) {
  interop_target_t target = { span(shapes[k].method), shapes[k].target == NULL ? body : span(shapes[k].target) };
  interop_request_t req;
  interop_source_t source;
  interop_view_t *view;
  interop_judge_t *j;
  interop_match_t match;
  memset(&req, 0, sizeof(req));
  memset(&source, 0, sizeof(source));
  req.content_type = span(type_of(k));
  bool answer = strncmp(shapes[k].name, "answer", 6) == 0;
  if (!answer && shapes[k].target != NULL) req.body = body;
  req.sender = span("bela");
  req.now = 1547546400;
  if (interop_view_begin(store, &view) != INTEROP_OK) exit(1);
  source.lookup = interop_view_lookup;
  source.ctx = view;
  double start = now();
  interop_status_t rc = interop_judge_new(policy, interop_policy_api(policy, span(shapes[k].api)), &target, &alloc, &j, &match);
  if (rc == INTEROP_OK) rc = interop_judge_run(j, &req, &source);
  if (rc == INTEROP_OK && answer) {
    interop_answer_t a;
    start = now();
    rc = interop_judge_answer(j, 200, body, &a);
  }
  double ms = now() - start;
  *verdict = rc == INTEROP_OK ? interop_verdict_name(interop_judge_plan(j)->verdict) : "not judged";
  interop_judge_free(j);
  interop_view_end(view);
  return ms;
}

static int measure(const interop_policy_t *policy, interop_store_t *store, size_t k, int rounds) {
  size_t n;
  char *p = build(k, &n);
  interop_span_t body = { p, n };
  interop_alloc_t pages = { mapped, NULL };
  double best = 1e9;
  const char *verdict = "";
  for (int i = 0; i < rounds; i++) {
    double ms = one(policy, store, k, body, interop_alloc_libc, &verdict);
    if (ms < best) best = ms;
  }
  (void) one(policy, store, k, body, pages, &verdict);
  forget_peak();
  size_t before = status("VmRSS:");
  (void) one(policy, store, k, body, pages, &verdict);
  size_t after = status("VmHWM:");
  double memory = after > before && n >= MB / 2 ? (double) (after - before) / (double) n : 0;
  printf("%-32s %7.2f ms %7zu bytes, memory %5.2f times that  %-10s%s%s\n", shapes[k].name, best, n, memory, verdict, best > 5 ? "  over 5 ms" : "", memory > 2 ? "  over twice" : "");
  free(p);
  return best > 5 || memory > 2;
}

int main(int argc, char **argv) {
  int rounds = argc > 2 ? atoi(argv[2]) : 7, over = 0;
  char dir[] = "/tmp/interop-bench-XXXXXX", command[64];
  interop_diag_t d;
  interop_store_t *store;
  interop_policy_t *policy;
  void *image;
  size_t size;
  if (interop_compile_file("conf.d", &interop_alloc_libc, &image, &size, NULL, NULL, &d) != INTEROP_OK
      || interop_policy_load(image, size, &interop_alloc_libc, &policy, &d) != INTEROP_OK
      || mkdtemp(dir) == NULL || interop_store_open(dir, 0, 1, &interop_alloc_libc, &store, &d) != INTEROP_OK) {
    fprintf(stderr, "%s\n", d.text);
    return 1;
  }
  fill(store);
  for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++)
    if (argc < 2 || strstr(shapes[k].name, argv[1]) != NULL) over += measure(policy, store, k, rounds);
  printf("%d of them over the bar\n", over);
  interop_store_close(store);
  interop_policy_free(policy);
  snprintf(command, sizeof(command), "rm -rf %s", dir);
  return system(command) != 0;
}
