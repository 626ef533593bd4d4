/*
** arena.c -- allocators: libc's, and many small blocks with one end of life.
**
** Owns how memory is asked for and given back; knows nothing of what is kept
** in it. Invariants: what was given never moves and is zeroed; an arena that
** was refused memory once stays failed, so that a row of gets may be checked
** at its end.
*/
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base.h"

#define FIRST_BLOCK  2048u
#define LAST_BLOCK   65536u       /* blocks double up to this */
#define ALIGN        8u

struct in_block_s {
  in_block_t *next;
  size_t size;                    /* with this header */
};

static void *resize_libc(void *ctx, void *ptr, size_t osize, size_t nsize) {
  (void) ctx;
  (void) osize;
  if (nsize == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, nsize);
}

const interop_alloc_t interop_alloc_libc = { resize_libc, NULL };

void in_arena_init(in_arena_t *a, const interop_alloc_t *alloc) {
  a->alloc = alloc;
  a->blocks = NULL;
  a->top = NULL;
  a->left = 0;
  a->failed = false;
}

void in_arena_lend(in_arena_t *a, void *p, size_t size) {
  a->top = p;
  a->left = size;
}

void in_arena_free(in_arena_t *a) {
  in_block_t *b = a->blocks;
  while (b != NULL) {
    in_block_t *next = b->next;
    a->alloc->resize(a->alloc->ctx, b, b->size, 0);
    b = next;
  }
  in_arena_init(a, a->alloc);
}

static in_block_t *new_block(in_arena_t *a, size_t size) {
  in_block_t *b = a->alloc->resize(a->alloc->ctx, NULL, 0, size);
  if (b != NULL)
    b->size = size;
  else {
    a->failed = true;
    a->left = 0;
  }
  return b;
}

/* a block of its own, behind the newest, whose free end stays in use */
static void *get_large(in_arena_t *a, size_t size) {
  in_block_t *b = new_block(a, size + sizeof(in_block_t));
  if (b == NULL) return NULL;
  if (a->blocks == NULL) {
    b->next = NULL;
    a->blocks = b;
  } else {
    b->next = a->blocks->next;
    a->blocks->next = b;
  }
  return b + 1;
}

static bool add_block(in_arena_t *a) {
  size_t size = FIRST_BLOCK;
  if (a->blocks != NULL && a->blocks->size >= FIRST_BLOCK) {
    size = a->blocks->size < LAST_BLOCK / 2 ? a->blocks->size * 2 : LAST_BLOCK;
  }
  in_block_t *b = new_block(a, size);
  if (b == NULL) return false;
  b->next = a->blocks;
  a->blocks = b;
  a->top = (char *) (b + 1);
  a->left = size - sizeof(in_block_t);
  return true;
}

void *in_arena_more(in_arena_t *a, size_t size) {
  size_t whole;
  void *p;
  if (a->failed || !in_add(size, ALIGN - 1 + sizeof(in_block_t), &whole)) {
    a->failed = true;
    a->left = 0;
    return NULL;
  }
  size = size == 0 ? ALIGN : (size + ALIGN - 1) & ~(size_t) (ALIGN - 1);
  if (size > a->left) {
    if (size > FIRST_BLOCK / 4) return get_large(a, size);
    if (!add_block(a)) return NULL;
  }
  p = a->top;
  a->top += size;
  a->left -= size;
  return p;
}

void *in_arena_get(in_arena_t *a, size_t size) {
  void *p = in_arena_raw(a, size);
  return p == NULL ? NULL : memset(p, 0, size);
}

void *in_arena_array(in_arena_t *a, size_t count, size_t size) {
  size_t whole;
  if (!in_mul(count, size, &whole)) {
    a->failed = true;
    a->left = 0;
    return NULL;
  }
  return in_arena_get(a, whole);
}

in_span_t in_arena_copy(in_arena_t *a, in_span_t s) {
  if (s.p == NULL) return IN_NONE;
  if (s.n == 0) return IN_SPAN("");
  size_t size;
  char *p = in_add(s.n, 1, &size) ? in_arena_raw(a, size) : NULL;
  if (p == NULL) return IN_NONE;
  memcpy(p, s.p, s.n);
  p[s.n] = '\0';
  return in_span(p, s.n);
}

in_span_t in_arena_printf(in_arena_t *a, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, fmt, args);
  char *p = n < 0 ? NULL : in_arena_get(a, (size_t) n + 1);
  if (p != NULL) vsnprintf(p, (size_t) n + 1, fmt, again);
  va_end(again);
  va_end(args);
  return p == NULL ? IN_NONE : in_span(p, (size_t) n);
}

/* the size of a block that holds one piece of its own */
static size_t large_size(size_t size) {
  return ((size + ALIGN - 1) & ~(size_t) (ALIGN - 1)) + sizeof(in_block_t);
}

/*
** A piece that has a block to itself grows as its allocator can, so that a
** buffer that doubles leaves no halves behind: if it is the newest such piece.
*/
static bool grow_large(in_arena_t *a, void **ptr, size_t osize, size_t nsize) {
  in_block_t **at = a->blocks != NULL && *ptr != a->blocks + 1 ? &a->blocks->next : &a->blocks;
  in_block_t *b = *at;
  size_t size;
  if (b == NULL || *ptr != b + 1 || b->size != large_size(osize)) return false;
  if (!in_add(nsize, ALIGN - 1 + sizeof(*b), &size)) return false;
  b = a->alloc->resize(a->alloc->ctx, b, b->size, large_size(nsize));
  if (b == NULL) return false;
  b->size = large_size(nsize);
  *at = b;
  *ptr = b + 1;
  return true;
}

/* the newest piece grows where it stands; any other moves */
static void *resize_arena(void *ctx, void *ptr, size_t osize, size_t nsize) {
  in_arena_t *a = ctx;
  if (nsize == 0) return NULL;
  if (ptr != NULL && nsize <= osize) return ptr;
  /* it needs some room, so where that is left it is the newest block's */
  if (ptr != NULL && osize % ALIGN == 0 && nsize - osize <= a->left
      && (char *) ptr + osize == a->top
      && in_arena_raw(a, nsize - osize) != NULL)
    return ptr;
  if (ptr != NULL && grow_large(a, &ptr, osize, nsize)) return ptr;
  void *p = in_arena_raw(a, nsize);
  if (p != NULL && ptr != NULL) memcpy(p, ptr, osize);
  return p;
}

interop_alloc_t in_arena_alloc(in_arena_t *a) {
  interop_alloc_t alloc = { resize_arena, a };
  return alloc;
}
