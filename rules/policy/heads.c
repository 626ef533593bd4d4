/*
** heads.c -- the header Interop-Verdict of each outcome, spelt when a policy is
** loaded: "deliver;rule=a.b;reason=c".
**
** Owns the texts in interop_policy_s.heads, and what a token of RFC 9651 is. Must
** not know which request gets which. Invariant: where a name is no token there is
** no text, and judge/header.c spells it.
*/
#include "../base/scan.h"
#include "load.h"

/* letters, digits and !#$%&'*+-.^_`|~:/ */
static const uint64_t token_characters[4] = { 0x07ffecfa00000000, 0x57ffffffc7fffffe, 0, 0 };

/* all but letters, digits and -./:_ which are what names are mostly made of */
static inline in_hits_t unusual(in_block_bytes_t x) {
  const in_block_bytes_t fold = IN_ALL(0x20), a = IN_ALL('a'), minus = IN_ALL('-');
  return ~(in_hits_below((x | fold) - a, 26) | in_hits_below(x - minus, ':' - '-' + 1) | in_hits_equal(x, '_'));
}

IN_SCANNER(find_unusual, unusual)

bool in_is_token(in_span_t s) {
  bool good = s.n > 0 && in_lower(s.p[0]) >= 'a' && in_lower(s.p[0]) <= 'z';
  for (size_t i = good ? find_unusual(s.p, s.n) : 0; good && i < s.n; i++) {
    unsigned char c = (unsigned char) s.p[i];
    good = token_characters[c / 64] >> (c % 64) & 1;
  }
  return good;
}

/* to may be NULL, for the size alone */
static size_t put(char *to, size_t at, in_span_t s) {
  if (to != NULL && s.n > 0) memcpy(to + at, s.p, s.n);
  return at + s.n;
}

static size_t spell(const in_image_t *img, const in_pi_outcome_t *o, char *to) {
  in_span_t rule = in_image_str(img, o->rule), reason = in_outcome_reason(img, o);
  size_t n = 0;
  if (o->kind != IN_OUT_DECISION || !in_is_token(rule) || (reason.n > 0 && !in_is_token(reason))) return 0;
  n = put(to, n, in_str(interop_verdict_name((interop_verdict_t) o->verdict)));
  n = put(to, put(to, n, IN_SPAN(";rule=")), rule);
  return reason.n == 0 ? n : put(to, put(to, n, IN_SPAN(";reason=")), reason);
}

static size_t spell_all(const interop_policy_t *p, char *to) {
  size_t n = 0;
  for (uint32_t i = 0; i < p->img.count[IN_S_OUTCOMES]; i++) {
    size_t size = spell(&p->img, in_outcome(&p->img, i), to == NULL ? NULL : to + n);
    if (to != NULL && size > 0) p->heads[i] = in_span(to + n, size);
    n += size;
  }
  return n;
}

/* the table, and behind it the texts; one more, so that none is no other case */
static size_t bytes_of(const interop_policy_t *p) {
  return ((size_t) p->img.count[IN_S_OUTCOMES] + 1) * sizeof(*p->heads) + spell_all(p, NULL);
}

bool in_heads_make(interop_policy_t *p) {
  size_t bytes = bytes_of(p);
  p->heads = p->alloc.resize(p->alloc.ctx, NULL, 0, bytes);
  if (p->heads == NULL) return false;
  memset(p->heads, 0, bytes);
  spell_all(p, (char *) (p->heads + p->img.count[IN_S_OUTCOMES] + 1));
  return true;
}

void in_heads_free(interop_policy_t *p) {
  if (p->heads != NULL) p->alloc.resize(p->alloc.ctx, p->heads, bytes_of(p), 0);
  p->heads = NULL;
}
