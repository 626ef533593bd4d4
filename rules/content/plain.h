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

/* what happens when the next visible character comes */
#define IN_WAITS_SPACE  1u        /* a blank before it, unless there are line ends or tabs */
#define IN_WAITS_LINES  2u        /* these, or it is the first */
#define IN_WAITS_MARK   4u        /* its place is noted */

typedef struct {
  in_buf_t *out;                  /* NULL: classify only */
  size_t start;                   /* where our part of it starts */
  in_features_t *features;
  bool verbatim;                  /* white space and NUL go out as they come */
  bool ascii_emoji;
  bool pre;                       /* white space counts */
  bool hidden;                    /* what comes is not shown, but still counted */
  bool no_links, no_emoji;        /* counted already */
  bool words;                     /* words go out as they are spelt, and there is where to put them */

  bool started;                   /* something visible was written */
  unsigned waits;                 /* IN_WAITS_*; 0 is said only behind something visible */
  unsigned breaks;                /* line ends that must be there, at least */
  size_t newlines;                /* line ends of their own */
  bool exact;                     /* ... from preformatted text: as many as there are */
  unsigned tabs;
  bool row_waits;                 /* breaks has a row's */
  size_t mark;

  in_scan_t shown, unseen;
} in_plain_t;

void in_plain_init(in_plain_t *o, in_buf_t *out, in_features_t *features, unsigned flags);
void in_plain_put(in_plain_t *o, in_span_t s);
/* how text is shown from here on */
void in_plain_show(in_plain_t *o, bool hidden, bool pre);
/* s went out, as shown text that in_plain_put did not see; then what waits */
void in_plain_saw(in_plain_t *o, in_span_t s);
void in_plain_row(in_plain_t *o);
void in_plain_cell(in_plain_t *o);                     /* between two cells of a row */
/* writes what waits; the next byte put into out is visible text */
void in_plain_flush(in_plain_t *o);
/* nothing more comes: takes white space off the end */
void in_plain_end(in_plain_t *o);

/* for lines or tabs, before which no blank stays */
static inline void in_plain_wait(in_plain_t *o) {
  o->waits = (o->waits & ~IN_WAITS_SPACE) | IN_WAITS_LINES;
}

/* <br> */
static inline void in_plain_newline(in_plain_t *o) {
  if (o->hidden) return;
  o->newlines += 1 + o->breaks;
  o->breaks = o->tabs = 0;
  in_plain_wait(o);
  o->shown.recent <<= 8;
  o->shown.link = o->shown.emoji = 0;
}

/* a block's edge; a cell's first block does not leave the row */
static inline void in_plain_break(in_plain_t *o, unsigned lines) {
  if (o->hidden || o->tabs > 0) return;
  if (o->breaks < lines) o->breaks = lines;
  in_plain_wait(o);
  o->shown.recent <<= 8;
  o->shown.link = o->shown.emoji = 0;
}

static inline void in_feature_add(in_features_t *f, int feature) {
  if (feature >= 0) f->count[feature]++;
}

#endif
