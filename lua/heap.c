/*
** heap.c -- a region of memory with a limit that cannot be passed, and the way
** back to what it was.
**
** Owns the blocks of one region: sizes in classes, a list of free blocks for
** each, and two sides. The low side grows from the region's begin; the still
** one, from its end: blocks that are written while a script is loaded, and then
** never again. What it knows of a block its user tells it (Lua gives the old
** size with every call), so that a copy of the region and of in_lua_heap_t is
** all that there is to keep. Once sealed, the way back is a copy of the low side
** only; of both, when something was done that may have written to the still one.
** Must not know Lua. Invariant: every block is a multiple of 16 bytes, and lies
** in [0, top) or in [floor, size).
*/
#include <string.h>
#include "host.h"

#define UNIT   16u
#define SMALL  1024u                    /* up to here a class per unit */

bool in_lua_heap_init(in_lua_heap_t *h, const interop_alloc_t *alloc, size_t size) {
  memset(h, 0, sizeof(*h));
  h->base = alloc->resize(alloc->ctx, NULL, 0, size);
  h->size = h->floor = size & ~(size_t) (UNIT - 1);
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

static bool is_still(const in_lua_heap_t *h, const char *p) {
  return p >= h->base + h->floor;
}

bool in_lua_heap_is_still(const in_lua_heap_t *h, const void *p) {
  return is_still(h, p);
}

static void push(in_lua_heap_t *h, unsigned class, char *p) {
  void **list = &h->free[is_still(h, p)][class];
  memcpy(p, list, sizeof(*list));
  *list = p;
  h->touched[class / 64] |= (uint64_t) 1 << class % 64;
}

static char *pop(in_lua_heap_t *h, unsigned class, bool still) {
  void **list = &h->free[still][class];
  char *p = *list;
  if (p == NULL) return NULL;
  memcpy(list, p, sizeof(*list));
  h->touched[class / 64] |= (uint64_t) 1 << class % 64;
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

static size_t used(const in_lua_heap_t *h) {
  return h->top + (h->size - h->floor);
}

static char *grow(in_lua_heap_t *h, size_t size, bool still) {
  char *p;
  if (size > h->floor - h->top) return NULL;
  if (still) p = h->base + (h->floor -= size);
  else p = h->base + h->top, h->top += size;
  if (used(h) > h->most) h->most = used(h);
  return p;
}

/* a part of a larger block */
static char *split(in_lua_heap_t *h, unsigned class, bool still) {
  for (unsigned c = class + 1; c < IN_LUA_CLASSES; c++) {
    char *p = pop(h, c, still);
    if (p == NULL) continue;
    scatter(h, p + size_of(class), size_of(c) - size_of(class));
    return p;
  }
  return NULL;
}

static char *get(in_lua_heap_t *h, size_t n, bool still) {
  unsigned c;
  char *p;
  if (n > h->size) return NULL;
  c = class_of(n);
  p = pop(h, c, still);
  if (p == NULL) p = grow(h, size_of(c), still);
  return p != NULL ? p : split(h, c, still);
}

static void put(in_lua_heap_t *h, char *p, size_t n) {
  unsigned c = class_of(n);
  if (is_still(h, p) && h->sealed) h->torn = true;      /* it is lost until the way back */
  else if (p == h->base + h->floor && is_still(h, p)) h->floor += size_of(c);
  else if (p + size_of(c) == h->base + h->top) h->top -= size_of(c);
  else push(h, c, p);
}

/* a block that stays where it is: smaller, or the last of all */
static bool stays(in_lua_heap_t *h, char *p, size_t osize, size_t nsize) {
  size_t old = size_of(class_of(osize)), now;
  if (nsize > h->size || (h->sealed && is_still(h, p))) return false;
  now = size_of(class_of(nsize));
  if (now <= old) return scatter(h, p + now, old - now), true;
  if (p + old != h->base + h->top || now - old > h->floor - h->top) return false;
  h->top += now - old;
  if (used(h) > h->most) h->most = used(h);
  return true;
}

void *in_lua_heap_resize(in_lua_heap_t *h, void *p, size_t osize, size_t nsize, bool still) {
  char *q;
  if (nsize == 0) {
    if (p != NULL && osize > 0) put(h, p, osize);
    return NULL;
  }
  /* it may be the table of all texts, which leads through them */
  if (h->sealed && p != NULL && osize > 0 && (char *) p < h->base + h->kept) h->torn = true;
  if (p != NULL && osize > 0 && stays(h, p, osize, nsize)) return p;
  q = get(h, nsize, still && !h->sealed);
  if (q == NULL) return h->torn = true, NULL;   /* Lua will collect: that writes everywhere */
  if (p != NULL && osize > 0) {
    memcpy(q, p, osize < nsize ? osize : nsize);
    put(h, p, osize);
  }
  return q;
}

/* ---- the way back */

bool in_lua_heap_seal(in_lua_heap_t *h, in_lua_kept_t *k, const interop_alloc_t *alloc) {
  size_t still = h->size - h->floor;
  k->n = used(h);
  k->copy = alloc->resize(alloc->ctx, NULL, 0, k->n);
  if (k->copy == NULL) return false;
  memcpy(k->copy, h->base, h->top);
  memcpy(k->copy + h->top, h->base + h->floor, still);
  memset(h->touched, 0, sizeof(h->touched));
  h->most = k->n;
  h->torn = false;
  h->sealed = true;
  h->kept = h->top;
  k->heap = *h;
  return true;
}

void in_lua_heap_unseal(in_lua_kept_t *k, const interop_alloc_t *alloc) {
  if (k->copy != NULL) alloc->resize(alloc->ctx, k->copy, k->n, 0);
}

bool in_lua_heap_whole(const in_lua_heap_t *h, const in_lua_kept_t *k) {
  return h->torn || memcmp(h->base + h->floor, k->copy + k->heap.top, h->size - h->floor) == 0;
}

void in_lua_heap_return(in_lua_heap_t *h, const in_lua_kept_t *k) {
  memcpy(h->base, k->copy, k->heap.top);
  if (h->torn) memcpy(h->base + h->floor, k->copy + k->heap.top, h->size - h->floor);
  for (unsigned i = 0; i < IN_LUA_CLASSES / 64; i++)
    for (; h->touched[i] != 0; h->touched[i] &= h->touched[i] - 1) {
      unsigned class = i * 64 + (unsigned) __builtin_ctzll(h->touched[i]);
      h->free[0][class] = k->heap.free[0][class];
    }
  h->top = k->heap.top;
  h->most = k->heap.most;
  h->torn = false;
}
