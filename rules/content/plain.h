/*
** plain.h -- text as a reader sees it: white space, lines, links, emoji.
**
** Owns what becomes of characters once it is known that they are text, for all
** formats: collapsing, line ends, counting links and emoji, emoji in ASCII.
** Knows no markup. Line ends and spaces wait until something visible follows,
** so that none stand at the ends.
*/
#ifndef IN_PLAIN_H
#define IN_PLAIN_H

#include "content.h"

/* what was seen just before, for what takes several characters */
typedef struct {
  uint64_t recent;                /* the last eight visible bytes, case folded, newest lowest */
  unsigned link;                  /* how much of "://" was read, and what must follow */
  unsigned emoji;                 /* what the last character was part of */
  size_t symbol_at;               /* where it stands in the output */
} in_scan_t;

typedef struct {
  in_buf_t *out;                  /* NULL: classify only */
  size_t start;                   /* where our part of it starts */
  in_features_t *features;
  bool verbatim;                  /* white space and NUL go out as they come */
  bool ascii_emoji;
  bool pre;                       /* white space counts */
  bool hidden;                    /* what comes is not shown, but still counted */
  bool no_links, no_emoji;        /* counted already */
  bool no_words;                  /* in_plain_words is of no use */

  bool started;                   /* something visible was written */
  bool waits;                     /* any of the following may be set, or started is not */
  unsigned breaks;                /* line ends that must be there, at least */
  size_t newlines;                /* line ends of their own */
  bool exact;                     /* ... from preformatted text: as many as there are */
  unsigned tabs;
  bool row_waits;                 /* breaks has a row's */
  bool space;
  bool mark_wanted;               /* note where the next visible character goes */
  size_t mark;

  in_scan_t shown, unseen;
} in_plain_t;

void in_plain_init(in_plain_t *o, in_buf_t *out, in_features_t *features, unsigned flags);
void in_plain_put(in_plain_t *o, in_span_t s);
/*
** Words in one line, from p: what in_plain_put would do with them. Gives the
** bytes taken; 0: what comes first, or how it is shown, needs in_plain_put. Stops
** before '<', '&' and all that is not plain; there are IN_PLAIN_ROOM bytes or more.
*/
#define IN_PLAIN_ROOM  19
size_t in_plain_words(in_plain_t *o, const char *p, const char *end);
void in_plain_row(in_plain_t *o);
void in_plain_cell(in_plain_t *o);                     /* between two cells of a row */
/* writes what waits; the next byte put into out is visible text */
void in_plain_flush(in_plain_t *o);
/* nothing more comes: takes white space off the end */
void in_plain_end(in_plain_t *o);

/* <br> */
static inline void in_plain_newline(in_plain_t *o) {
  if (o->hidden) return;
  o->newlines += 1 + o->breaks;
  o->breaks = o->tabs = 0;
  o->space = false;
  o->waits = true;
  o->shown.recent <<= 8;
  o->shown.link = o->shown.emoji = 0;
}

/* a block's edge; a cell's first block does not leave the row */
static inline void in_plain_break(in_plain_t *o, unsigned lines) {
  if (o->hidden || o->tabs > 0) return;
  if (o->breaks < lines) o->breaks = lines;
  o->space = false;
  o->waits = true;
  o->shown.recent <<= 8;
  o->shown.link = o->shown.emoji = 0;
}

static inline void in_feature_add(in_features_t *f, int feature) {
  if (feature >= 0) f->count[feature]++;
}

#endif
