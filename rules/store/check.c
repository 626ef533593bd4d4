/*
** check.c -- is this file what LMDB may be let loose on?
**
** LMDB trusts its file: a page number or an offset that a bad disk changed
** makes it read or write anywhere. So before a store is used, its file is read
** as bytes, by pread and never by mapping it, and every page that can be
** reached is held against LMDB's format (0.9, that of mdb_env_open's magic
** and version). Must not know what records hold. Invariants: no recursion; each
** page is met once (a map of pages tells), so the time is bounded by the file;
** nothing of the file is used before it was checked.
*/
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store.h"

#define META_MAGIC    0xbeefc0deu
#define META_VERSION  1u
#define PAGE_LEAST    512u
#define PAGE_MOST     32768u
#define PAGE_HEADER   16u
#define NODE_HEADER   8u
#define DEPTH_MOST    24u
#define KEY_MOST      511u
#define TRIES         5           /* a writer may be at the heads just now */
#define MAP_MOST      ((uint64_t) 1 << 46)
#define NO_ROOT       UINT64_MAX

#define PAGE_BRANCH   0x01u
#define PAGE_LEAF     0x02u
#define PAGE_OVERFLOW 0x04u
#define PAGE_META     0x08u
#define NODE_BIG      0x01u       /* the value is on pages of its own */
#define NODE_TREE     0x02u       /* the value is a database */
#define TREE_INTEGERS 0x08u       /* keys are whole numbers of 64 bits */

typedef struct {
  uint32_t pad;
  uint16_t flags, depth;
  uint64_t branches, leaves, overflows, entries, root;
} tree_t;

typedef struct {
  uint32_t magic, version;
  uint64_t address, map_size;
  tree_t trees[2];                /* free pages, names of databases */
  uint64_t last, txn;
} meta_t;

typedef enum { FREE_PAGES, NAMES, VALUES, NUMBERED } part_t;

/* one page on the way down */
typedef struct {
  char *page;
  uint64_t number;
  unsigned count, next;           /* nodes, and the one to go to */
} step_t;

typedef struct {
  int fd;
  const interop_alloc_t *alloc;
  interop_diag_t *diag;
  const char *path;
  size_t page_size;
  meta_t meta;
  uint64_t bytes;                 /* of the file */
  unsigned char *seen;            /* a bit per page up to meta.last */
  size_t seen_size;
  step_t steps[DEPTH_MOST];
  tree_t named[IN_STORE_KINDS + 1];
  unsigned named_count;
} check_t;

static bool damaged(check_t *c, const char *what, uint64_t page) {
  in_diag_set(c->diag, INTEROP_DAMAGED, "%s: the store is damaged: page %llu of data.mdb %s",
              c->path, (unsigned long long) page, what);
  in_diag_hint(c->diag, "put a copy in its place, or move it away and import again");
  return false;
}

static unsigned load16(const char *p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static uint32_t load32(const char *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static uint64_t load64(const char *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static bool read_at(int fd, void *to, size_t n, uint64_t at) {
  char *p = to;
  while (n > 0) {
    ssize_t got = pread(fd, p, n, (off_t) at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    p += got;
    n -= (size_t) got;
    at += (uint64_t) got;
  }
  return true;
}

/* ---------------------------------------------------------------- meta */

static void take_tree(tree_t *t, const char *p) {
  t->pad = load32(p);
  t->flags = (uint16_t) load16(p + 4);
  t->depth = (uint16_t) load16(p + 6);
  t->branches = load64(p + 8);
  t->leaves = load64(p + 16);
  t->overflows = load64(p + 24);
  t->entries = load64(p + 32);
  t->root = load64(p + 40);
}

static void take_meta(meta_t *m, const char *p) {
  m->magic = load32(p);
  m->version = load32(p + 4);
  m->address = load64(p + 8);
  m->map_size = load64(p + 16);
  take_tree(&m->trees[0], p + 24);
  take_tree(&m->trees[1], p + 72);
  m->last = load64(p + 120);
  m->txn = load64(p + 128);
}

static bool tree_fits(const check_t *c, const tree_t *t, unsigned flags) {
  if (t->flags != flags)
    return false;
  if (t->root == NO_ROOT)
    return true;
  return t->root >= 2 && t->root <= c->meta.last && t->depth >= 1 && t->depth <= DEPTH_MOST;
}

static bool page_size_fits(size_t n) {
  return n >= PAGE_LEAST && n <= PAGE_MOST && (n & (n - 1)) == 0;
}

/* one of the two metas into c->meta; the page size comes from the first */
static bool read_meta(check_t *c, unsigned number) {
  char head[PAGE_HEADER + 136];
  if (!read_at(c->fd, head, sizeof head, number * (uint64_t) c->page_size))
    return damaged(c, "is not there", number);
  take_meta(&c->meta, head + PAGE_HEADER);
  if (c->meta.magic != META_MAGIC || (load16(head + 10) & PAGE_META) == 0)
    return damaged(c, "is not the head of a store", number);
  if (c->meta.version != META_VERSION)
    return damaged(c, "has another LMDB version's format", number);
  if (number == 0)
    c->page_size = c->meta.trees[0].pad;
  if (!page_size_fits(c->page_size) || c->meta.trees[0].pad != c->page_size)
    return damaged(c, "has no sound page size", number);
  if (c->meta.map_size > MAP_MOST || c->meta.last < 1
      || c->meta.last >= c->meta.map_size / c->page_size
      || !tree_fits(c, &c->meta.trees[0], TREE_INTEGERS) || !tree_fits(c, &c->meta.trees[1], 0))
    return damaged(c, "does not fit the rest", number);
  return true;
}

static int open_file(check_t *c, const char *path, interop_diag_t *diag) {
  char file[4096];
  struct stat st;
  int n = snprintf(file, sizeof file, "%s/data.mdb", path);
  memset(c, 0, sizeof *c);
  c->path = path;
  c->diag = diag;
  if (n < 0 || (size_t) n >= sizeof file) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if ((c->fd = open(file, O_RDONLY | O_CLOEXEC)) < 0)
    return -1;
  if (fstat(c->fd, &st) == 0 && st.st_size > 0)
    c->bytes = (uint64_t) st.st_size;
  return c->fd;
}

static interop_status_t no_file(const char *path, int error, interop_diag_t *diag) {
  if (error == ENOENT || error == 0) {
    in_diag_set(diag, INTEROP_MISSING, "%s: there is no store", path);
    return INTEROP_MISSING;
  }
  in_diag_set(diag, INTEROP_IO, "%s: %s", path, mdb_strerror(error));
  if (error == EACCES)
    in_diag_hint(diag, "whoever uses the store must be allowed to write its directory and files");
  return INTEROP_IO;
}

/* commits take turns on the two pages, and are counted one by one */
static bool read_heads(check_t *c) {
  uint64_t even, odd;
  if (!read_meta(c, 0))
    return false;
  even = c->meta.txn;
  if (!read_meta(c, 1))
    return false;
  odd = c->meta.txn;
  if ((even == 0 && odd == 0) || ((even & 1) == 0 && (odd == even + 1 || odd + 1 == even)))
    return true;
  return damaged(c, "does not fit the rest", odd > even);
}

interop_status_t in_store_check_head(const char *path, interop_diag_t *diag) {
  check_t c;
  bool good = false;
  int i;
  if (open_file(&c, path, diag) < 0)
    return no_file(path, errno, diag);
  if (c.bytes == 0) {             /* killed before its first page was written */
    close(c.fd);
    return no_file(path, 0, diag);
  }
  for (i = 0; !good && i < TRIES; i++) {
    in_diag_clear(diag);
    good = read_heads(&c);
  }
  close(c.fd);
  return good ? INTEROP_OK : INTEROP_DAMAGED;
}

size_t in_store_map_size(const char *path) {
  check_t c;
  interop_diag_t ignored;
  uint64_t most = 0;
  unsigned i;
  if (open_file(&c, path, &ignored) < 0)
    return 0;
  for (i = 0; i < 2 && read_meta(&c, i); i++)
    most = c.meta.map_size > most ? c.meta.map_size : most;
  close(c.fd);
  return (size_t) most;
}

/* --------------------------------------------------------------- pages */

/* each page has one place */
static bool claim(check_t *c, uint64_t page, uint64_t count) {
  uint64_t i;
  if (page < 2 || page > c->meta.last || count > c->meta.last - page + 1)
    return damaged(c, "is beyond the end", page);
  for (i = page; i < page + count; i++) {
    unsigned char bit = (unsigned char) (1u << (i & 7));
    if (c->seen[i >> 3] & bit)
      return damaged(c, "is used twice", i);
    c->seen[i >> 3] |= bit;
  }
  return true;
}

static size_t even(size_t n) {
  return (n + 1) & ~(size_t) 1;
}

static char *node_at(const step_t *s, unsigned i) {
  return s->page + load16(s->page + PAGE_HEADER + 2 * (size_t) i);
}

static uint32_t value_bytes(const char *node) {
  return load16(node) | (uint32_t) load16(node + 2) << 16;
}

/* bytes of a node as its kind of page has it; 0: it leaves the page */
static size_t node_size(const check_t *c, const step_t *s, unsigned i, bool leaf) {
  size_t at = load16(s->page + PAGE_HEADER + 2 * (size_t) i), size;
  const char *node = s->page + at;
  if (at < load16(s->page + 14) || (at & 1) != 0 || at + NODE_HEADER > c->page_size)
    return 0;
  size = NODE_HEADER + load16(node + 6);
  if (leaf)
    size += (load16(node + 4) & NODE_BIG) != 0 ? 8 : value_bytes(node);
  return size <= c->page_size - at ? even(size) : 0;
}

static int compare_keys(const char *a, const char *b, part_t part) {
  size_t m = load16(a + 6), n = load16(b + 6);
  int d;
  if (part == FREE_PAGES || part == NUMBERED) {
    uint64_t x = load64(a + NODE_HEADER), y = load64(b + NODE_HEADER);
    return x < y ? -1 : x > y;
  }
  d = memcmp(a + NODE_HEADER, b + NODE_HEADER, m < n ? m : n);
  return d != 0 ? d : m < n ? -1 : m > n;
}

/* keys have a size their database allows and ascend; a branch's first has none */
static bool keys_fit(const step_t *s, bool leaf, part_t part) {
  unsigned i;
  for (i = leaf ? 0 : 1; i < s->count; i++) {
    const char *node = node_at(s, i);
    size_t n = load16(node + 6);
    if (n == 0 || n > KEY_MOST || ((part == FREE_PAGES || part == NUMBERED) && n != 8))
      return false;
    if (i > (leaf ? 0u : 1u) && compare_keys(node_at(s, i - 1), node, part) >= 0)
      return false;
  }
  return true;
}

/* reads a page of a tree and checks all that can be said of it alone */
static bool read_page(check_t *c, step_t *s, uint64_t number, bool leaf, part_t part) {
  size_t lower, upper, used = 0;
  unsigned i;
  if (!claim(c, number, 1))
    return false;
  if (!read_at(c->fd, s->page, c->page_size, number * c->page_size))
    return damaged(c, "is not there", number);
  lower = load16(s->page + 12);
  upper = load16(s->page + 14);
  if (load64(s->page) != number || load16(s->page + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH))
    return damaged(c, "is not what it should be", number);
  if (lower < PAGE_HEADER || (lower & 1) != 0 || lower > upper || upper > c->page_size)
    return damaged(c, "has an unsound head", number);
  s->number = number;
  s->count = (unsigned) ((lower - PAGE_HEADER) / 2);
  s->next = 0;
  for (i = 0; i < s->count; i++) {
    size_t size = node_size(c, s, i, leaf);
    if (size == 0)
      return damaged(c, "has an entry beyond its end", number);
    used += size;
  }
  if (used != c->page_size - upper || s->count < (leaf || part == FREE_PAGES ? 1u : 2u))
    return damaged(c, "does not hold what it says", number);
  return keys_fit(s, leaf, part) || damaged(c, "has keys out of order", number);
}

/* pages of a large value; *at gets its offset in the file */
static bool big_value(check_t *c, const char *node, uint64_t *at) {
  uint64_t number = load64(node + NODE_HEADER + load16(node + 6));
  uint64_t need = (PAGE_HEADER - 1 + (uint64_t) value_bytes(node)) / c->page_size + 1;
  char head[PAGE_HEADER];
  if (number < 2 || number > c->meta.last || (number + need) * c->page_size > c->bytes
      || !read_at(c->fd, head, sizeof head, number * c->page_size))
    return damaged(c, "is not there", number);
  if (load64(head) != number || load16(head + 10) != PAGE_OVERFLOW || load32(head + 12) != need)
    return damaged(c, "is not what it should be", number);
  *at = number * c->page_size + PAGE_HEADER;
  return claim(c, number, need);
}

/* -------------------------------------------------------------- leaves */

/* count, then page numbers in descending order */
static bool free_list(check_t *c, const char *p, size_t n, uint64_t page) {
  uint64_t count = n >= 8 ? load64(p) : 0, last = UINT64_MAX, i;
  if (n < 8 || n % 8 != 0 || count > n / 8 - 1)
    return damaged(c, "has an unsound list of free pages", page);
  for (i = 1; i <= count; i++) {
    uint64_t number = load64(p + 8 * i);
    if (number >= last)
      return damaged(c, "has an unsound list of free pages", page);
    if (!claim(c, number, 1))
      return false;
    last = number;
  }
  return true;
}

static bool far_free_list(check_t *c, const char *node, uint64_t at, uint64_t page) {
  size_t n = value_bytes(node);
  char *p = c->alloc->resize(c->alloc->ctx, NULL, 0, n + 1);
  bool good;
  if (p == NULL) {
    in_diag_set(c->diag, INTEROP_NOMEM, "%s: out of memory", c->path);
    return false;
  }
  good = read_at(c->fd, p, n, at) ? free_list(c, p, n, page) : damaged(c, "is not there", page);
  c->alloc->resize(c->alloc->ctx, p, n + 1, 0);
  return good;
}

/* a database by name */
static bool named_tree(check_t *c, const char *node, uint64_t page) {
  tree_t *t = &c->named[c->named_count];
  if (load16(node + 4) != NODE_TREE || value_bytes(node) != 48
      || c->named_count == in_countof(c->named))
    return damaged(c, "has an unknown database", page);
  take_tree(t, node + NODE_HEADER + load16(node + 6));
  if (!tree_fits(c, t, in_eq(in_span(node + NODE_HEADER, load16(node + 6)), IN_SPAN("meta"))
                       ? 0 : TREE_INTEGERS))
    return damaged(c, "has an unsound database", page);
  c->named_count++;
  return true;
}

static bool leaf_node(check_t *c, const char *node, part_t part, uint64_t page) {
  unsigned flags = load16(node + 4);
  uint64_t at;
  if (part == NAMES)
    return named_tree(c, node, page);
  if ((flags & ~NODE_BIG) != 0)
    return damaged(c, "has an entry of unknown form", page);
  if (flags == NODE_BIG)
    return big_value(c, node, &at) && (part != FREE_PAGES || far_free_list(c, node, at, page));
  return part != FREE_PAGES
      || free_list(c, node + NODE_HEADER + load16(node + 6), value_bytes(node), page);
}

static bool leaf_nodes(check_t *c, const step_t *s, part_t part) {
  unsigned i;
  if (part == NUMBERED && s->count > 0) {  /* most: nothing but plain values */
    for (i = 0; i < s->count && load16(node_at(s, i) + 4) == 0; i++)
      ;
    if (i == s->count)
      return true;
  }
  for (i = 0; i < s->count; i++)
    if (!leaf_node(c, node_at(s, i), part, s->number))
      return false;
  return true;
}

/* --------------------------------------------------------------- trees */

static uint64_t child(const step_t *s, unsigned i) {
  const char *node = node_at(s, i);
  return value_bytes(node) | (uint64_t) load16(node + 4) << 32;
}

static bool page_buffer(check_t *c, step_t *s) {
  if (s->page == NULL)
    s->page = c->alloc->resize(c->alloc->ctx, NULL, 0, c->page_size);
  if (s->page == NULL)
    in_diag_set(c->diag, INTEROP_NOMEM, "%s: out of memory", c->path);
  return s->page != NULL;
}

static bool walk(check_t *c, const tree_t *t, part_t part) {
  unsigned level = 0;
  if (t->root == NO_ROOT)
    return true;
  if (!page_buffer(c, &c->steps[0]) || !read_page(c, &c->steps[0], t->root, t->depth == 1, part))
    return false;
  for (;;) {
    step_t *s = &c->steps[level];
    if (level + 1u == t->depth && !leaf_nodes(c, s, part))
      return false;
    if (level + 1u == t->depth || s->next == s->count) {
      if (level-- == 0)
        return true;
    }
    else {
      uint64_t number = child(s, s->next++);
      level++;
      if (!page_buffer(c, s + 1)
          || !read_page(c, s + 1, number, level + 1u == t->depth, part))
        return false;
    }
  }
}

static bool walk_all(check_t *c) {
  unsigned i;
  if (!walk(c, &c->meta.trees[1], NAMES))
    return false;
  for (i = 0; i < c->named_count; i++)
    if (!walk(c, &c->named[i], c->named[i].flags != 0 ? NUMBERED : VALUES))
      return false;
  return walk(c, &c->meta.trees[0], FREE_PAGES);
}

/*
** Pages at the end may have been taken and given back before they were ever
** written, so that the file is shorter than its last page says; but not by that
** much, and a changed number must not make us ask for a mountain of memory.
*/
static bool page_map(check_t *c) {
  if (c->meta.last > 2 * (c->bytes / c->page_size) + (1u << 20))
    return damaged(c, "does not fit the rest", 0);
  c->seen_size = (size_t) (c->meta.last / 8 + 1);
  c->seen = c->alloc->resize(c->alloc->ctx, NULL, 0, c->seen_size);
  if (c->seen == NULL) {
    in_diag_set(c->diag, INTEROP_NOMEM, "%s: out of memory", c->path);
    return false;
  }
  memset(c->seen, 0, c->seen_size);
  return true;
}

/* the head of this very snapshot; AGAIN: two commits later it is gone */
static interop_status_t start(check_t *c, size_t txn) {
  c->page_size = 0;
  if (!read_meta(c, 0) || (c->meta.txn != txn && !read_meta(c, 1)) || c->meta.txn != txn) {
    in_diag_clear(c->diag);
    return INTEROP_AGAIN;
  }
  return page_map(c) ? INTEROP_OK : c->diag->status;
}

static void release(check_t *c) {
  unsigned i;
  for (i = 0; i < DEPTH_MOST; i++)
    if (c->steps[i].page != NULL)
      c->alloc->resize(c->alloc->ctx, c->steps[i].page, c->page_size, 0);
  if (c->seen != NULL)
    c->alloc->resize(c->alloc->ctx, c->seen, c->seen_size, 0);
  close(c->fd);
}

interop_status_t in_store_check_tree(const char *path, size_t txn,
                                     const interop_alloc_t *alloc, interop_diag_t *diag) {
  interop_status_t status;
  check_t c;
  if (open_file(&c, path, diag) < 0)
    return no_file(path, errno, diag);
  c.alloc = alloc;
  status = start(&c, txn);
  if (status == INTEROP_OK && !walk_all(&c))
    status = diag->status;
  release(&c);
  return status;
}
