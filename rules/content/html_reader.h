/*
** html_reader.h -- the state of one reading of HTML, shared by its four files:
** html_tree.c (which elements are open), html_tag.c (what a tag is), html_text.c
** (the loop, and what is shown), and html_short.c (most of it, by a shorter way).
**
** Constant size: elements open deeper than IN_OPEN_MAX are only counted.
*/
#ifndef IN_HTML_READER_H
#define IN_HTML_READER_H

#include "html_attrs.h"
#include "html_elements.h"
#include "plain.h"

#define IN_OPEN_MAX  256u

/*
** No message has as many tags: a content that does counts as a card with all
** that it may hold, and what follows is not read. A tag with attributes counts
** as four, for that is what reading it costs.
*/
#define IN_TAGS_MAX  32768u

#define IN_VENDOR    ((unsigned) IN_E_COUNT)     /* ids of vendors' elements start here */
#define IN_VENDORS   64u
#define IN_UNKNOWN   (IN_VENDOR + IN_VENDORS)    /* ids of unknown elements, by hash */
#define IN_UNKNOWNS  16u
#define IN_IDS       (IN_UNKNOWN + IN_UNKNOWNS)

/* how what is inside an element is shown; inherited */
#define IN_SHOW_NONE       1u     /* not: display */
#define IN_SHOW_INVISIBLE  2u     /* not: visibility */
#define IN_SHOW_QUOTE      4u
#define IN_SHOW_PRE        8u
#define IN_SHOW_FOREIGN    16u    /* svg, math */

/* the innermost special and scope elements */
typedef struct { uint16_t special, scope; } in_around_t;

/* an open element; positions in the stack count from 1, 0 = none */
typedef struct {
  uint16_t id, below;             /* position of the next outer one of the same id */
  in_around_t around;             /* as it was outside */
  uint8_t lines;                  /* a block's: line ends that its edges want */
  uint8_t show;                   /* as it was outside */
  bool cells;                     /* TR: a cell was there */
  bool dropped;                   /* for strip.c */
} in_open_t;

/* what a tag is */
typedef struct {
  unsigned id;
  uint32_t flags;                 /* IN_H_* */
  int feature, image;             /* features, or negative */
  const in_element_t *vendor;     /* NULL: none */
  uint32_t seen;                  /* bit per in_attr_id_t that is there */
  bool styled, quote, hides;
} in_tag_t;

/* what html_short.c knows of an element's tags without attributes */
typedef struct {
  signed char feature;
  unsigned char lines;            /* a block's */
  unsigned char kind;             /* how much care they need */
} in_care_t;

/* the vendors' rows, and what was made of them */
struct in_vendors_s {
  const in_element_t *rows;
  size_t count;
  in_html_wanted_t tags;          /* lengths and first letters of their tags */
  in_html_wanted_t attrs;         /* ... of all attributes that tokens keep, ours too */
  uint64_t key[IN_VENDORS];       /* of the first rows' tags */
  in_care_t care[IN_E_COUNT];     /* of each element that HTML knows */
};

typedef struct {
  const in_content_t *c;
  in_plain_t plain;
  in_html_t html;
  in_html_token_t token;
  const in_vendors_t *vendors;
  in_tag_t tag;
  in_style_t style;               /* of the tag, if it is styled */
  in_span_t value[IN_A_COUNT];    /* of its attributes that were seen */

  in_open_t open[IN_OPEN_MAX];
  unsigned depth;
  uint16_t top[IN_IDS];           /* position of the innermost of an id */
  bool deep;                      /* there was no room for some, which are counted: */
  uint32_t over[IN_IDS];
  in_around_t around;
  unsigned show;                  /* IN_SHOW_* */

  unsigned tags;                  /* read so far, as IN_TAGS_MAX counts them */
  bool skip_newline;              /* a line end just behind <pre> does not count */
  bool in_link;
  in_span_t href;
  in_vendors_t own;               /* where the content has none */
} in_reader_t;

#define in_reader_hides(r)  (((r)->show & (IN_SHOW_NONE | IN_SHOW_INVISIBLE)) != 0)

/* line ends that a block's edges want */
static inline unsigned in_tag_lines(const in_tag_t *tag) {
  if (!(tag->flags & IN_H_BLOCK)) return 0;
  return tag->flags & IN_H_SPACED ? 2 : 1;
}

/* html_tag.c */
void in_reader_init(in_reader_t *r, const in_content_t *c);
void in_tag_read(in_reader_t *r, in_tag_t *tag);       /* a start tag's token */
/* a tag without attributes, of n bytes; NULL: it must be read in full */
const in_tag_t *in_tag_short(in_reader_t *r, uint64_t key, unsigned n);
unsigned in_tag_id(in_reader_t *r, in_span_t name, uint64_t key, uint32_t *flags);

/* html_tree.c */
bool in_tree_close_others(in_reader_t *r, const in_tag_t *tag);
void in_tree_push_open(in_reader_t *r, const in_tag_t *tag);
void in_tree_end_any(in_reader_t *r, unsigned id, uint32_t flags);
void in_tree_close(in_reader_t *r, unsigned depth);        /* down to so many */
void in_tree_count(in_reader_t *r, unsigned id);           /* an element for which there is no room */

/* ends what the start tag ends; false: the tag is ignored */
static inline bool in_tree_start(in_reader_t *r, const in_tag_t *tag) {
  return !(tag->flags & (IN_H_ENDS_P | IN_H_CLOSES)) || in_tree_close_others(r, tag);
}

static inline void in_tree_push(in_reader_t *r, const in_tag_t *tag) {
  if (r->depth == IN_OPEN_MAX)
    in_tree_count(r, tag->id);
  else
    in_tree_push_open(r, tag);
}

/* is the element nothing but a part of the text? so are most that format */
static inline bool in_tag_is_bare(const in_tag_t *tag) {
  return (tag->flags & ~(uint32_t) IN_H_FORMAT) == 0 && tag->vendor == NULL
         && !(tag->styled | tag->quote | tag->hides);
}

/* in_tree_start and in_tree_push of such a tag */
static inline void in_tree_push_bare(in_reader_t *r, unsigned id) {
  if (r->depth == IN_OPEN_MAX) {
    in_tree_count(r, id);
    return;
  }
  in_open_t *e = &r->open[r->depth++];
  e->id = (uint16_t) id;
  e->below = r->top[id];
  e->around = r->around;
  e->lines = 0;
  e->show = (uint8_t) r->show;
  e->cells = e->dropped = false;
  r->top[id] = (uint16_t) r->depth;
}

/* the same of a block whose tag ends no other element, and has such lines */
static inline void in_tree_push_block(in_reader_t *r, unsigned id, unsigned lines) {
  in_tree_push_bare(r, id);
  if (r->top[id] != r->depth) return;     /* no room */
  r->open[r->depth - 1].lines = (uint8_t) lines;
  r->around.special = (uint16_t) r->depth;
}

/* is it the innermost element, and shows as what is around it? then in_tree_pop ends it */
static inline bool in_tree_is_top(const in_reader_t *r, unsigned id) {
  unsigned at = r->top[id];
  return at > 0 && at == r->depth && !r->deep && r->open[at - 1].show == r->show;
}

/* ... where neither a link nor a row ends with it */
static inline void in_tree_pop(in_reader_t *r, unsigned id) {
  const in_open_t *e = &r->open[r->depth - 1];
  r->top[id] = e->below;
  r->around = e->around;
  r->depth--;
  if (e->lines > 0) in_plain_break(&r->plain, e->lines);
}

static inline void in_tree_end(in_reader_t *r, unsigned id, uint32_t flags) {
  if (id != IN_E_A && id != IN_E_TR && in_tree_is_top(r, id)) in_tree_pop(r, id);
  else in_tree_end_any(r, id, flags);
}

static inline void in_link_open(in_reader_t *r, in_span_t href) {
  r->in_link = true;
  r->href = href;
  r->plain.no_links = true;
  r->plain.waits |= IN_WAITS_MARK;
}

/* html_text.c */
void in_reader_give_up(in_reader_t *r);
void in_reader_run(in_reader_t *r);                        /* all tokens of r->html */
/* at p, of which ten bytes can be read: a tag without attributes, of an element that needs
   no care; gives its bytes, or 0: it must be read in full */
unsigned in_reader_short(in_reader_t *r, const char *p);
void in_reader_start(in_reader_t *r);                      /* r->token, a start tag */
void in_reader_end(in_reader_t *r);                        /* ... an end tag */
void in_reader_switch(in_reader_t *r, uint32_t flags);     /* how the element's content is read */
void in_reader_finish(in_reader_t *r);
void in_link_close(in_reader_t *r);
/* copies the start of a URL that goes out as it is, and the most frequent reference in it:
   gives where it ends. Up to `readable`, its end or behind it, blocks are read; there is room
   for raw, and for a block more where that is behind its end; *to is moved on */
const char *in_url_copy(in_span_t raw, const char *readable, char **to);
void in_show_set(in_reader_t *r, unsigned show);


/* html_short.c: takes off r->html what can be read and written at once */
void in_short_take(in_reader_t *r);
/* how much care each element's tags without attributes need */
void in_short_care(in_vendors_t *v);

#endif
