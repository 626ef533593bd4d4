/*
** html_tree.c -- which elements are open.
**
** Owns what of the standard's tree construction decides what is shown: implied
** end tags, end tags that do not reach over others, cells and rows. There is no
** tree: a stack of bounded depth, and for each element the position of its
** innermost one, so that every question is answered without a search and each
** element is pushed and popped once.
*/
#include "html_reader.h"

static unsigned max(unsigned a, unsigned b) {
  return a > b ? a : b;
}

static void pop(in_reader_t *r) {
  const in_open_t *e = &r->open[r->depth - 1];
  if (r->top[e->id] == r->depth) {
    r->top[e->id] = e->below;
    if (e->id == IN_E_A) in_link_close(r);
  }
  r->depth--;
  r->around = e->around;
  bool gone = (r->show & ~e->show & IN_SHOW_NONE) != 0;
  if (r->show != e->show) in_show_set(r, e->show);
  if (e->id == IN_E_TR && r->top[IN_E_TABLE] > 0)
    in_plain_row(&r->plain);
  else if (e->lines > 0 && !gone)
    in_plain_break(&r->plain, e->lines);
}

void in_tree_count(in_reader_t *r, unsigned id) {
  if (!r->deep) memset(r->over, 0, sizeof(r->over));
  r->deep = true;
  r->over[id]++;
}

void in_tree_close(in_reader_t *r, unsigned depth) {
  while (r->depth > depth) pop(r);
}

static void close_over(in_reader_t *r, unsigned position, unsigned barrier) {
  if (position > barrier) in_tree_close(r, position - 1);
}

static unsigned show_inside(const in_reader_t *r, const in_tag_t *tag) {
  unsigned show = r->show;
  if (tag->hides) show |= IN_SHOW_NONE;
  if (tag->quote) show |= IN_SHOW_QUOTE;
  if (tag->flags & IN_H_PRE) show |= IN_SHOW_PRE;
  if (tag->flags & IN_H_FOREIGN) show |= IN_SHOW_FOREIGN;
  if (!tag->styled) return show;
  if (r->style.visible == IN_STYLE_NO) show |= IN_SHOW_INVISIBLE;
  if (r->style.visible == IN_STYLE_YES) show &= ~IN_SHOW_INVISIBLE;
  if (r->style.pre == IN_STYLE_YES) show |= IN_SHOW_PRE;
  if (r->style.pre == IN_STYLE_NO) show &= ~IN_SHOW_PRE;
  return show;
}

void in_tree_push_open(in_reader_t *r, const in_tag_t *tag) {
  in_open_t *e = &r->open[r->depth];
  in_tree_push_bare(r, tag->id);
  e->lines = (uint8_t) in_tag_lines(tag);
  if (tag->flags & IN_H_SPECIAL) r->around.special = (uint16_t) r->depth;
  if (tag->flags & IN_H_SCOPE) r->around.scope = (uint16_t) r->depth;
  if (!(tag->flags & (IN_H_PRE | IN_H_FOREIGN)) && !(tag->styled | tag->quote | tag->hides)) return;
  unsigned show = show_inside(r, tag);
  if (show != r->show) in_show_set(r, show);
}

/* ---- start tags that end others */

static unsigned section(const in_reader_t *r) {
  return max(r->top[IN_E_THEAD], max(r->top[IN_E_TBODY], r->top[IN_E_TFOOT]));
}

/* false: outside a table its parts mean nothing */
static bool start_table_part(in_reader_t *r, unsigned id, bool hides) {
  unsigned table = r->top[IN_E_TABLE], row = r->top[IN_E_TR], to = table;
  if (table == 0 || r->top[IN_E_TEMPLATE] > table) return false;
  if (id == IN_E_TR) to = max(table, section(r));
  if (id == IN_E_TD || id == IN_E_TH) to = row > table ? row : max(table, section(r));
  in_tree_close(r, to);
  if (id == IN_E_TR) in_plain_row(&r->plain);
  if ((id == IN_E_TD || id == IN_E_TH) && r->depth == row && row > table && !hides) {
    if (r->open[row - 1].cells) in_plain_cell(&r->plain);
    r->open[row - 1].cells = true;
  }
  return true;
}

static void start_table(in_reader_t *r) {
  unsigned table = r->top[IN_E_TABLE];
  if (table > 0 && r->around.scope == table) in_tree_close(r, table - 1);
}

static void start_heading(in_reader_t *r) {
  if (r->depth == 0) return;
  unsigned id = r->open[r->depth - 1].id;
  if (id >= IN_E_H1 && id <= IN_E_H6) in_tree_close(r, r->depth - 1);
}

static unsigned list_barrier(const in_reader_t *r) {
  unsigned lists = max(max(r->top[IN_E_UL], r->top[IN_E_OL]), max(r->top[IN_E_MENU], r->top[IN_E_DIR]));
  return max(lists, r->around.scope);
}

static void end_link(in_reader_t *r) {
  unsigned at = r->top[IN_E_A];
  in_link_close(r);
  if (at == r->depth)
    pop(r);
  else
    r->top[IN_E_A] = r->open[at - 1].below;
}

bool in_tree_close_others(in_reader_t *r, const in_tag_t *tag) {
  if ((tag->flags & IN_H_ENDS_P) && tag->id < IN_E_COUNT && r->top[IN_E_P] > 0)
    close_over(r, r->top[IN_E_P], max(r->around.scope, r->top[IN_E_BUTTON]));
  if (!(tag->flags & IN_H_CLOSES)) return true;
  switch (tag->id) {
    case IN_E_HTML: case IN_E_HEAD: case IN_E_BODY: case IN_E_FRAMESET: return false;
    case IN_E_LI: close_over(r, r->top[IN_E_LI], list_barrier(r)); break;
    case IN_E_DT: case IN_E_DD:
      close_over(r, max(r->top[IN_E_DT], r->top[IN_E_DD]), max(r->top[IN_E_DL], r->around.scope));
      break;
    case IN_E_OPTGROUP: case IN_E_OPTION:
      close_over(r, r->top[IN_E_OPTION], max(r->top[IN_E_SELECT], r->around.scope));
      break;
    case IN_E_BUTTON: close_over(r, r->top[IN_E_BUTTON], r->around.scope); break;
    case IN_E_A: if (r->top[IN_E_A] > 0) end_link(r); break;
    case IN_E_TABLE: start_table(r); break;
    case IN_E_H1: case IN_E_H2: case IN_E_H3: case IN_E_H4: case IN_E_H5: case IN_E_H6:
      start_heading(r);
      break;
    case IN_E_CAPTION: case IN_E_COLGROUP: case IN_E_COL: case IN_E_THEAD: case IN_E_TBODY:
    case IN_E_TFOOT: case IN_E_TR: case IN_E_TD: case IN_E_TH:
      return start_table_part(r, tag->id, tag->hides);
    default: break;
  }
  return true;
}

/* ---- end tags */

/* the innermost element over which an end tag of this one does not reach */
static unsigned end_barrier(const in_reader_t *r, unsigned id, uint32_t flags) {
  if (id == IN_E_TABLE || id == IN_E_TEMPLATE) return 0;
  if ((flags & IN_H_SCOPE) || (id >= IN_E_THEAD && id <= IN_E_TR)) return r->top[IN_E_TABLE];
  if (id >= IN_VENDOR && id < IN_UNKNOWN) return r->around.scope;
  return flags & IN_H_SPECIAL ? r->around.scope : r->around.special;
}

static void end_formatting(in_reader_t *r, unsigned id, unsigned at) {
  if (id == IN_E_A)
    end_link(r);
  else if (at > r->around.special)
    in_tree_close(r, at - 1);
  else
    r->top[id] = r->open[at - 1].below;   /* ends later, with what is inside */
}

void in_tree_end_any(in_reader_t *r, unsigned id, uint32_t flags) {
  unsigned at = r->top[id];
  if (r->deep && r->over[id] > 0) {
    r->over[id]--;
    return;
  }
  if (at > 0 && at == r->depth) {         /* the innermost one: nothing is in its way */
    pop(r);
    return;
  }
  if (id >= IN_E_H1 && id <= IN_E_H6)
    for (unsigned h = IN_E_H1; h <= IN_E_H6; h++) at = max(at, r->top[h]);
  if (id == IN_E_P && at <= max(r->around.scope, r->top[IN_E_BUTTON])) {
    in_plain_break(&r->plain, 2);         /* an end tag alone is an empty paragraph */
    return;
  }
  if (at == 0) return;
  if (flags & IN_H_FORMAT)
    end_formatting(r, id, at);
  else
    close_over(r, at, end_barrier(r, id, flags));
}
