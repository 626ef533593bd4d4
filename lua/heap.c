/*
** heap.c -- a region of memory with a limit that cannot be passed.
**
** Owns the blocks of one region: sizes in classes, a list of free blocks for
** each, and a top that only grows. What it knows of a block its user tells it
** (Lua gives the old size with every call), so that a copy of the region and
** of in_lua_heap_t is all that there is to keep. Must not know Lua. Invariant:
** every block is a multiple of 16 bytes and lies in [0, top).
*/
#include <string.h>
#include "host.h"

#define UNIT   16u
#define SMALL  1024u                    /* up to here a class per unit */

bool in_lua_heap_init(in_lua_heap_t *h, const interop_alloc_t *alloc, size_t size) {
  memset(h, 0, sizeof(*h));
  h->base = alloc->resize(alloc->ctx, NULL, 0, size);
  h->size = size & ~(size_t) (UNIT - 1);
  return h->base != NULL;
}

/* bytes of a class's blocks: above SMALL there are four classes to each power of two */
static size_t size_of(unsigned class) {
  size_t base;
  if (class < SMALL / UNIT) return (size_t) (class + 1) * UNIT;
  class -= SMALL / UNIT;
  base = (size_t) SMALL << class / 4;
  return base + base / 4 * (class % 4 + 1);
}

/* the class of the smallest blocks that hold n > 0 bytes */
static unsigned class_of(size_t n) {
  unsigned e;
  size_t base;
  if (n <= SMALL) return (unsigned) ((n - 1) / UNIT);
  e = 63 - (unsigned) __builtin_clzll(n - 1);
  base = (size_t) 1 << e;
  return SMALL / UNIT + (e - 10) * 4 + (unsigned) ((n - base - 1) / (base / 4));
}

static void push(in_lua_heap_t *h, unsigned class, char *p) {
  memcpy(p, &h->free[class], sizeof(h->free[class]));
  h->free[class] = p;
}

static char *pop(in_lua_heap_t *h, unsigned class) {
  char *p = h->free[class];
  if (p != NULL) memcpy(&h->free[class], p, sizeof(h->free[class]));
  return p;
}

/* gives back n bytes, a multiple of the unit, in as few blocks as there are classes for */
static void scatter(in_lua_heap_t *h, char *p, size_t n) {
  while (n >= UNIT) {
    unsigned c = class_of(n);
    if (size_of(c) > n) c--;
    push(h, c, p);
    p += size_of(c);
    n -= size_of(c);
  }
}

static char *raise_top(in_lua_heap_t *h, size_t size) {
  char *p = h->base + h->top;
  if (size > h->size - h->top) return NULL;
  h->top += size;
  if (h->top > h->most) h->most = h->top;
  return p;
}

/* a part of a larger block */
static char *split(in_lua_heap_t *h, unsigned class) {
  for (unsigned c = class + 1; c < IN_LUA_CLASSES; c++) {
    char *p = pop(h, c);
    if (p == NULL) continue;
    scatter(h, p + size_of(class), size_of(c) - size_of(class));
    return p;
  }
  return NULL;
}

static char *get(in_lua_heap_t *h, size_t n) {
  unsigned c;
  char *p;
  if (n > h->size) return NULL;
  c = class_of(n);
  p = pop(h, c);
  if (p == NULL) p = raise_top(h, size_of(c));
  return p != NULL ? p : split(h, c);
}

static void put(in_lua_heap_t *h, char *p, size_t n) {
  unsigned c = class_of(n);
  if (p + size_of(c) == h->base + h->top) h->top -= size_of(c);
  else push(h, c, p);
}

/* a block that stays where it is: smaller, or the last of all */
static bool stays(in_lua_heap_t *h, char *p, size_t osize, size_t nsize) {
  size_t old = size_of(class_of(osize)), now;
  if (nsize > h->size) return false;
  now = size_of(class_of(nsize));
  if (now <= old) return scatter(h, p + now, old - now), true;
  if (p + old != h->base + h->top || now - old > h->size - h->top) return false;
  h->top += now - old;
  if (h->top > h->most) h->most = h->top;
  return true;
}

void *in_lua_heap_resize(in_lua_heap_t *h, void *p, size_t osize, size_t nsize) {
  char *q;
  if (nsize == 0) {
    if (p != NULL && osize > 0) put(h, p, osize);
    return NULL;
  }
  if (p != NULL && osize > 0 && stays(h, p, osize, nsize)) return p;
  q = get(h, nsize);
  if (q == NULL) return h->full = true, NULL;
  if (p != NULL && osize > 0) {
    memcpy(q, p, osize);
    put(h, p, osize);
  }
  return q;
}
