/*
** key.c -- names to keys: folded, then hashed.
**
** Owns the hash of ids and aliases: SipHash-1-3 over the name with its ASCII
** letters in lower case. Knows nothing of records. Invariant: equal names, but
** for the case of ASCII letters, have equal keys in one store, for ever.
*/
#include "store.h"

#define ONES  0x0101010101010101u

typedef struct {
  uint64_t a, b, c, d;
} sip_t;

static uint64_t turn(uint64_t x, unsigned n) {
  return x << n | x >> (64 - n);
}

static void mix(sip_t *s) {
  s->a += s->b;
  s->c += s->d;
  s->b = turn(s->b, 13) ^ s->a;
  s->d = turn(s->d, 16) ^ s->c;
  s->a = turn(s->a, 32);
  s->c += s->b;
  s->a += s->d;
  s->b = turn(s->b, 17) ^ s->c;
  s->d = turn(s->d, 21) ^ s->a;
  s->c = turn(s->c, 32);
}

static void take(sip_t *s, uint64_t word) {
  s->d ^= word;
  mix(s);
  s->a ^= word;
}

/* 'A'..'Z' to lower case in eight bytes at once; bytes from 0x80 stay */
static uint64_t fold(uint64_t w) {
  uint64_t low = w & ONES * 0x7f;
  uint64_t upper = (low + ONES * (0x80 - 'A')) & ~(low + ONES * (0x7f - 'Z')) & ~w & ONES * 0x80;
  return w | upper >> 2;
}

in_key_t in_key(const uint64_t seed[2], in_span_t name) {
  sip_t s = { seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
              seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u };
  uint64_t w;
  size_t at;
  for (at = 0; name.n - at >= 8; at += 8) {
    memcpy(&w, name.p + at, 8);
    take(&s, fold(w));
  }
  w = 0;
  if (name.n > at)
    memcpy(&w, name.p + at, name.n - at);
  take(&s, fold(w) | (uint64_t) name.n << 56);
  s.c ^= 0xff;
  mix(&s);
  mix(&s);
  mix(&s);
  return s.a ^ s.b ^ s.c ^ s.d;
}
