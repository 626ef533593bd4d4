/*
** api.c -- how long matching, reading and rewriting take: one line each. A
** message of 1 KB, and bodies of 1 MB built to be slow.
*/
#include <stdint.h>
#include <time.h>
#include "t/unit/apis.h"

static apis_t apis;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

static double once(const char *body, size_t n, bool rewrite) {
  apis_run_t r;
  in_write_t w;
  double t = now();
  apis_read(&apis, &interop_alloc_libc, &r, "graph", "POST", "/v1.0/chats/19:ab12cd34@thread.v2/messages",
            "application/json", body, n);
  if (rewrite) in_api_write(&apis.img, &r.m, &r.ev, INTEROP_V_PLAIN_TEXT, IN_NONE, 0, 0, &r.arena, &w);
  in_arena_free(&r.arena);
  return now() - t;
}

static double best(const char *body, size_t n, bool rewrite, int rounds) {
  double least = 1e18;
  for (int i = 0; i < rounds; i++) {
    double t = once(body, n, rewrite);
    if (t < least) least = t;
  }
  return least;
}

static void kilobyte(void) {
  char body[1200];
  int n = snprintf(body, sizeof(body), "{\"body\":{\"contentType\":\"text\",\"content\":\"%0900d\"},\"importance\":\"normal\",\"locale\":\"en-us\"}", 7);
  printf("api, 1 KB text: match and read                %8.2f us\n", best(body, (size_t) n, false, 20000) / 1e3);
  n = snprintf(body, sizeof(body), "{\"body\":{\"contentType\":\"html\",\"content\":\"<div><p>%0400d <b>new</b> <a href=\\\"https://c.example/m\\\">map</a></p><p>%0400d</p></div>\"},\"importance\":\"normal\"}", 7, 8);
  printf("api, 1 KB HTML: match and read                %8.2f us\n", best(body, (size_t) n, false, 20000) / 1e3);
  printf("api, 1 KB HTML: match, read, plain text       %8.2f us\n", best(body, (size_t) n, true, 20000) / 1e3);
}

#define MB  ((size_t) 1 << 20)

/* head, then the middle repeated (a %u in it counts), then the tail: about 1 MB */
static void megabyte(const char *name, const char *head, const char *middle, const char *tail) {
  char *body = malloc(MB + 4096);
  size_t n = (size_t) sprintf(body, "%s", head), room = MB - strlen(tail) - 64;
  if (body == NULL) return;
  for (unsigned i = 0; n < room; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    n += (size_t) sprintf(body + n, middle, i);
#pragma GCC diagnostic pop
  }
  n += (size_t) sprintf(body + n, "%s", tail);
  printf("api, 1 MB of %-32s %8.2f ms read %8.2f ms rewritten\n", name, best(body, n, false, 7) / 1e6, best(body, n, true, 7) / 1e6);
  free(body);
}

int main(void) {
  const char *sources[] = { "graph.rules", apis_slurp("conf.d/apis/graph.rules"), NULL };
  if (apis_compile(&apis, &interop_alloc_libc, sources) != INTEROP_OK) {
    printf("%s\n", apis.diag.text);
    return 1;
  }
  kilobyte();
  megabyte("one text", "{\"body\":{\"content\":\"", "abcdefgh%08x", "\"}}");
  megabyte("escapes", "{\"body\":{\"content\":\"", "\\n\\\"\\u0041", "\"}}");
  megabyte("numbers", "{\"body\":{\"content\":\"<b>\",\"contentType\":\"html\"},\"x\":[0", ",%u", "]}");
  megabyte("small numbers", "{\"body\":{\"content\":\"<b>\",\"contentType\":\"html\"},\"x\":[0", ",1", "]}");
  megabyte("empty lists", "{\"body\":{\"content\":\"<b>\",\"contentType\":\"html\"},\"x\":[0", ",[]", "]}");
  megabyte("names in one object", "{\"body\":{\"content\":\"<b>\",\"contentType\":\"html\"}", ",\"k%u\":0", "}");
  megabyte("names inside", "{\"body\":{\"content\":\"<b>\",\"contentType\":\"html\"},\"x\":{\"\":0", ",\"%x\":0", "}}");
  megabyte("small objects", "{\"body\":{\"content\":\"<b>\",\"contentType\":\"html\"},\"x\":[{}", ",{\"a\":0,\"b\":0}", "]}");
  megabyte("parts", "{\"body\":{\"content\":\"<b>\",\"contentType\":\"html\"},\"attachments\":[{}", ",{}", "]}");
  megabyte("images that refer to parts", "{\"hostedContents\":[{\"@microsoft.graph.temporaryId\":\"1\"},{\"@microsoft.graph.temporaryId\":\"22\"}],\"body\":{\"contentType\":\"html\",\"content\":\"", "<img src='../hostedContents/%u/$value'>", "\"}}");
  megabyte("tags", "{\"body\":{\"contentType\":\"html\",\"content\":\"", "<p>", "\"}}");
  megabyte("text that looks like a link", "{\"body\":{\"content\":\"", "http:/", "\"}}");
  apis_free(&apis, &interop_alloc_libc);
  free((char *) (uintptr_t) sources[1]);
  return 0;
}
