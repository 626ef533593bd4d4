/*
** cells.c -- the zone's cells, without nginx around them.
**
** Writes, overwrites and looks up records at random, and now and then makes
** nonsense of all links, as a process that dies among them might, and of one
** record; then the zone rebuilds itself. After each step every record that is
** there must be whole and no cell lost. Compiled by t/542-zone-cells.t.
*/
#include "../../ngx_module/ngx_http_interop_cells.c"
#include "../../ngx_module/ngx_http_interop_bytes.c"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS   400
#define CELLS  300

volatile ngx_cycle_t *ngx_cycle;

static struct { int written; unsigned version; size_t size; } model[KEYS];
static ngx_http_interop_zone_t zone;
static char text[512], want[8192], got[8192];

static ngx_http_interop_key_t make_key(int i) {
  ngx_http_interop_key_t key;
  int n = sprintf(text, "conversation-%d-", i);
  memset(text + n, 'x', (size_t) (i * 37 % 300));
  key.kind = '3';
  key.key.p = text;
  key.key.n = (size_t) (n + i * 37 % 300);
  /* every third in one of eight buckets */
  key.share = i % 4 == 0 ? 1 + (uint32_t) i % 3 : 0;
  key.hash = (uint32_t) ngx_http_interop_zone_hash(key.kind, (u_char *) text, key.key.n)
             & (i % 3 ? 0xffffffff : 7);
  return key;
}

static void fill(char *p, size_t n, int i, unsigned version) {
  size_t j;
  for (j = 0; j < n; j++)
    p[j] = (char) ((size_t) i * 7 + version * 13 + j * 31);
}

/* one byte more or less, or another one, is another record */
static void check_same(uint32_t at, size_t n) {
  interop_span_t record = { want, n };
  assert(ngx_http_interop_zone_same(&zone, at, record));
  record.n = n + 1;
  assert(!ngx_http_interop_zone_same(&zone, at, record));
  record.n = n;
  if (n > 0) {
    size_t i = (size_t) rand() % n;
    want[i] ^= 1;
    assert(!ngx_http_interop_zone_same(&zone, at, record));
    want[i] ^= 1;
  }
}

static void check_shares(void);

static void check(void) {
  uint32_t used = 0, live = 0, n = 0, at;
  int i;
  for (i = 0; i < KEYS; i++) {
    ngx_http_interop_key_t key = make_key(i);
    at = ngx_http_interop_zone_find(&zone, &key);
    if (at == NGX_HTTP_INTEROP_NIL)
      continue;
    live++;
    assert(model[i].written && zone.cell[at].record == model[i].size);
    fill(want, model[i].size, i, model[i].version);
    ngx_http_interop_zone_read(&zone, at, zone.cell[at].key, (u_char *) got, model[i].size);
    assert(memcmp(want, got, model[i].size) == 0);
    check_same(at, model[i].size);
    used += ngx_http_interop_zone_need(zone.cell[at].key, zone.cell[at].record);
  }
  assert(live == zone.sh->records);
  assert(used + zone.sh->nfree == CELLS);
  for (at = zone.sh->free; at != NGX_HTTP_INTEROP_NIL; at = zone.cell[at].next, n++)
    assert(zone.cell[at].owner == NGX_HTTP_INTEROP_NIL);
  assert(n == zone.sh->nfree);
  for (n = 0, at = zone.sh->oldest; at != NGX_HTTP_INTEROP_NIL; at = zone.cell[at].newer)
    n++;
  assert(n == live);
  check_shares();
}

/* each share's records are in its list, and within its part but for one that is larger than it */
static void check_shares(void) {
  uint32_t share, at, n, cells;
  for (share = 1; share <= 3; share++) {
    for (n = cells = 0, at = zone.share[share].oldest; at != NGX_HTTP_INTEROP_NIL; at = zone.cell[at].share_newer, n++) {
      assert(zone.cell[at].share == share);
      cells += ngx_http_interop_zone_need(zone.cell[at].key, zone.cell[at].record);
    }
    assert(cells == zone.share[share].cells);
    assert(cells <= CELLS / NGX_HTTP_INTEROP_PART || n == 1);
    for (at = zone.sh->oldest; at != NGX_HTTP_INTEROP_NIL; at = zone.cell[at].newer)
      n -= zone.cell[at].share == share;
    assert(n == 0);
  }
}

static uint32_t nonsense(void) { return (uint32_t) rand() ^ (uint32_t) rand() << 16; }

static void die(void) {
  uint32_t i, before = zone.sh->records;
  for (i = 0; i < CELLS; i++) {
    zone.cell[i].chain = nonsense();
    zone.cell[i].newer = nonsense();
    zone.cell[i].older = nonsense();
    zone.cell[i].share_newer = nonsense();
    zone.cell[i].share_older = nonsense();
    if (zone.cell[i].owner == NGX_HTTP_INTEROP_NIL)
      zone.cell[i].next = rand() % 3 ? nonsense() % CELLS : nonsense();
  }
  for (i = 0; i < zone.sh->buckets; i++)
    zone.bucket[i] = zone.share[i].cells = zone.share[i].newest = zone.share[i].oldest = nonsense();
  zone.sh->free = nonsense();
  zone.sh->nfree = nonsense();
  zone.sh->newest = nonsense();
  zone.sh->oldest = nonsense();
  zone.sh->records = nonsense();
  i = nonsense() % CELLS;
  if (rand() % 3 && zone.cell[i].owner != NGX_HTTP_INTEROP_NIL) {
    if (rand() % 2) {
      zone.cell[i].data[rand() % 10] ^= (u_char) (1 + rand() % 255);
    } else {
      if (zone.cell[i].owner == i)
        zone.cell[i].live = 0;
      zone.cell[i].next = nonsense();
      zone.cell[i].owner = nonsense();
    }
  }
  if (rand() % 2)   /* died while rebuilding */
    zone.cell[nonsense() % CELLS].owner |= NGX_HTTP_INTEROP_MARK;
  ngx_http_interop_zone_rebuild(&zone);
  check();
  assert(zone.sh->records + 2 >= before);
}

int main(void) {
  long step, died = 0, written = 0;
  zone.sh = calloc(1, sizeof *zone.sh);
  zone.bucket = calloc(512, sizeof(uint32_t));
  zone.share = calloc(512, sizeof(ngx_http_interop_share_t));
  zone.cell = calloc(CELLS, sizeof(ngx_http_interop_cell_t));
  zone.sh->cells = CELLS;
  zone.sh->buckets = 512;
  ngx_http_interop_zone_rebuild(&zone);
  check();
  srand(1);
  for (step = 0; step < 60000; step++) {
    int i = rand() % KEYS;
    ngx_http_interop_key_t key = make_key(i);
    uint32_t at = ngx_http_interop_zone_find(&zone, &key);
    uint32_t crc = at == NGX_HTTP_INTEROP_NIL ? 0 : zone.cell[at].crc;
    size_t n = (size_t) (rand() % (rand() % 10 ? 400 : 4000));
    static char bytes[8192];
    interop_span_t record = { bytes, n };
    fill(bytes, n, i, model[i].version + 1);
    if (rand() % 5 == 0) {      /* somebody else was faster */
      assert(ngx_http_interop_zone_put(&zone, &key, record, crc ^ 0x55) == INTEROP_AGAIN);
      continue;
    }
    assert(ngx_http_interop_zone_put(&zone, &key, record, crc) == INTEROP_OK);
    model[i].written = 1;
    model[i].version++;
    model[i].size = n;
    written++;
    if (rand() % 100 == 0)
      check();
    if (rand() % 300 == 0) {
      die();
      died++;
    }
  }
  check();
  printf("%ld records written, %ld deaths survived\n", written, died);
  return 0;
}
