/*
** html_tokenizer.h -- HTML text into tokens, after the WHATWG algorithm.
**
** Owns where a tag, a comment, a character reference begins and ends; knows no
** element but by what its caller says with in_html_switch. Pulls: the caller
** asks for one token after the other. Everything in a token is a span of the
** input as it is spelt, so that nothing is allocated or copied and a megabyte
** of attributes costs one scan; names and values are decoded on demand with
** in_html_piece.
**
** Two things are left to the reader of the spans: ASCII case of names, and
** newlines (CR LF and CR mean LF; CR is white space here).
*/
#ifndef IN_HTML_TOKENIZER_H
#define IN_HTML_TOKENIZER_H

#include "content.h"

typedef enum { IN_HTML_DATA, IN_HTML_RCDATA, IN_HTML_RAWTEXT, IN_HTML_SCRIPT,
               IN_HTML_PLAINTEXT, IN_HTML_CDATA } in_html_state_t;

#define IN_HTML_ATTRS    24u      /* attributes that a token keeps */
#define IN_HTML_SCRATCH  256u
#define IN_HTML_ATTRS_MAX  2048u  /* of a tag; many would only cost time */

typedef struct {
  in_span_t name, value;          /* as spelt, value without its quotes; absent: no '=' */
  uint64_t key;                   /* of the name, for those that a token keeps */
} in_html_attr_t;

/*
** A number for a name: its first eight bytes, little-endian, case folded, plus
** its length. Two names of letters and digits, up to seven of them, are the
** same if their keys are.
*/
static inline uint64_t in_html_key(in_span_t name) {
  uint64_t k = 0;
  size_t n = name.n < 8 ? name.n : 8;
  if (n == 0) return 0;
  memcpy(&k, name.p, n);
  return (k | (0x2020202020202020ull & (~0ull >> (64 - 8 * n)))) + name.n;
}

/* the same where the bytes up to end may be read */
static inline uint64_t in_html_key_at(in_span_t name, const char *end) {
  uint64_t k, mask;
  if (end - name.p < 8 || name.n == 0) return in_html_key(name);
  memcpy(&k, name.p, sizeof(k));
  mask = ~0ull >> (name.n < 8 ? 64 - 8 * name.n : 0);
  return ((k & mask) | (0x2020202020202020ull & mask)) + name.n;
}

/* the attributes that a caller wants to see in tokens: by first letter and length */
typedef struct {
  uint32_t lengths[32];           /* bit n: n bytes; bit 31: 31 or more */
} in_html_wanted_t;

typedef struct {
  in_html_kind_t kind;
  in_span_t raw;                  /* all of it, as spelt */
  in_span_t text;                 /* TEXT: decoded; START, END: name; COMMENT: data;
                                     DOCTYPE: what follows the word */
  uint64_t key;                   /* START, END: of the name */
  in_span_t attrs;                /* START, END: for in_html_attr */
  bool self_closing;
  bool cut;                       /* COMMENT, EOF: the input ended inside */
  bool too_many;                  /* more wanted attributes than fit */
  bool endless;                   /* more attributes than a tag may have: nothing behind them is read */
  unsigned attr_count;
  in_html_attr_t attr[IN_HTML_ATTRS];   /* the wanted ones, in order, repeated ones too */
  char scratch[IN_HTML_SCRATCH];  /* decoded references; text may point here */
} in_html_token_t;

typedef struct {
  const char *p, *end;
  in_span_t text;                 /* text before p that is still to be given out */
  unsigned how;                   /* ... decoded like this */
  in_html_state_t state;
  in_span_t last;                 /* name of the last start tag: ends raw text */
  bool foreign;                   /* CDATA sections are read */
  const in_html_wanted_t *wanted; /* NULL: none */
} in_html_t;

void in_html_init(in_html_t *h, in_span_t input, const in_html_wanted_t *wanted);
/* what comes next is read in this state until the end tag `last` */
void in_html_switch(in_html_t *h, in_html_state_t state, in_span_t last);

/*
** The next token; its kind is EOF at the end, then with `cut`, name and
** attributes set if a tag was not finished. Text comes in pieces.
*/
void in_html_next(in_html_t *h, in_html_token_t *t);

/*
** Up to seven bytes from p, then a '>': gives their number, and their key. 0: there
** is no such name. Eight bytes can be read.
*/
static inline unsigned in_html_name(const char *p, uint64_t *key) {
  const uint64_t ones = 0x0101010101010101ull;
  uint64_t word, close;
  memcpy(&word, p, sizeof(word));
  close = word ^ ones * '>';
  close = (close - ones) & ~close & ones * 0x80;
  uint64_t mask = ((close & -close) >> 7) - 1;         /* the bytes before the first */
  unsigned n = close == 0 ? 0 : (unsigned) __builtin_ctzll(close) / 8;
  *key = ((word & mask) | (ones * 0x20 & mask)) + n;
  return n;
}

/*
** The most frequent token by a shorter way: at p a '<', maybe '/', a name, '>'. Gives
** the name's length, 0 if what comes is anything else; *end whether there is a '/'.
** Ten bytes can be read; the tokenizer is in the state DATA and has no text left.
*/
static inline unsigned in_html_short_tag(const char *p, uint64_t *key, bool *end) {
  *end = p[1] == '/';
  return in_html_name(p + 1 + *end, key);
}

/* takes the next attribute off a tag's attrs; false at the end */
bool in_html_attr(in_span_t *attrs, in_html_attr_t *a);

#define IN_HTML_REFS     1u       /* character references are decoded */
#define IN_HTML_IN_ATTR  2u       /* ... as in an attribute's value */
#define IN_HTML_NUL      4u       /* NUL becomes U+FFFD */

/* takes the next decoded piece off *rest; it points into *rest's bytes or into scratch */
in_span_t in_html_piece(in_span_t *rest, unsigned how, char scratch[IN_HTML_SCRATCH]);

typedef struct {
  in_span_t name, public_id, system_id;   /* as spelt; absent: missing */
  bool quirks;                    /* the standard's force-quirks flag */
} in_html_doctype_t;

/* reads a DOCTYPE token's text; complete = the token was not cut */
void in_html_doctype(in_span_t text, bool complete, in_html_doctype_t *d);

#endif
