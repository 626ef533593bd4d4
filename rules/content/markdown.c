/*
** markdown.c -- Markdown as a reader sees it, by md4c.
**
** Owns the way from md4c's events to the reader of HTML: a block or span is
** the element that it would be in HTML, so that both formats have one content
** model. Raw HTML in it is read as HTML; pieces of one tag on several lines are
** put together again, for they lie in the input with only blanks between.
** md4c takes its working memory from malloc, not from the caller, and more than
** linear time for some inputs: over MARKDOWN_MAX bytes a content is not given to
** it. It then counts as all that it may hold, and goes out as it is spelt.
** md4c before 0.5 reads over the end of an input that does not end with a line
** end, so it gets a copy that does, with zeros behind.
*/
#include <md4c.h>
#include "html_reader.h"
#include "markdown.h"

#define MARKDOWN_MAX  28672u
#define PADDING       64u

typedef struct {
  in_reader_t reader;
  in_span_t input;
  const char *html, *html_end;    /* raw HTML that is still to be read */
  char copy[MARKDOWN_MAX + PADDING];
} markdown_t;

/* ---- raw HTML */

static void read_html(markdown_t *m) {
  in_html_t *h = &m->reader.html;
  if (m->html == NULL) return;
  h->p = m->html;
  h->end = m->html_end;
  h->text = in_span(m->html, 0);
  m->html = NULL;
  in_reader_run(&m->reader);
}

static bool is_blank(const char *from, const char *to) {
  for (; from < to; from++)
    if (memchr(" \t\r\n", *from, 4) == NULL) return false;
  return true;
}

static void add_html(markdown_t *m, in_span_t s) {
  const char *end = m->input.p + m->input.n;
  if (s.p < m->input.p || s.p >= end) return;   /* md4c's own line ends */
  if (m->html != NULL && (s.p < m->html_end || !is_blank(m->html_end, s.p))) read_html(m);
  if (m->html == NULL) m->html = s.p;
  m->html_end = s.p + s.n;
}

/* ---- elements */

static void start(markdown_t *m, const char *tag, const char *attr, in_span_t value) {
  in_html_token_t *t = &m->reader.token;
  t->kind = IN_HTML_START;
  t->text = in_str(tag);
  t->key = in_html_key(t->text);
  t->attr_count = 0;
  t->self_closing = t->cut = t->too_many = t->endless = false;
  if (attr != NULL) {
    t->attr[0] = (in_html_attr_t) { in_str(attr), value, in_html_key(in_str(attr)) };
    t->attr_count = 1;
  }
  in_reader_start(&m->reader);
}

static void end(markdown_t *m, const char *tag) {
  m->reader.token.kind = IN_HTML_END;
  m->reader.token.text = in_str(tag);
  m->reader.token.key = in_html_key(m->reader.token.text);
  in_reader_end(&m->reader);
}

static const char *block_tag(MD_BLOCKTYPE type, const void *detail) {
  static const char *const headings[] = { "h1", "h2", "h3", "h4", "h5", "h6" };
  switch (type) {
    case MD_BLOCK_QUOTE: return "blockquote";
    case MD_BLOCK_UL: return "ul";
    case MD_BLOCK_OL: return "ol";
    case MD_BLOCK_LI: return "li";
    case MD_BLOCK_HR: return "hr";
    case MD_BLOCK_H: return headings[(((const MD_BLOCK_H_DETAIL *) detail)->level - 1) % 6];
    case MD_BLOCK_CODE: return "pre";
    case MD_BLOCK_P: return "p";
    case MD_BLOCK_TABLE: return "table";
    case MD_BLOCK_THEAD: return "thead";
    case MD_BLOCK_TBODY: return "tbody";
    case MD_BLOCK_TR: return "tr";
    case MD_BLOCK_TH: return "th";
    case MD_BLOCK_TD: return "td";
    case MD_BLOCK_DOC: case MD_BLOCK_HTML: break;
  }
  return NULL;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *data) {
  markdown_t *m = data;
  const char *tag = block_tag(type, detail);
  const MD_BLOCK_LI_DETAIL *li = detail;
  read_html(m);
  if (tag != NULL) start(m, tag, NULL, IN_NONE);
  m->reader.skip_newline = false;
  if (type == MD_BLOCK_LI && li->is_task)
    in_plain_put(&m->reader.plain, li->task_mark == ' ' ? IN_SPAN("[ ] ") : IN_SPAN("[x] "));
  return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *data) {
  markdown_t *m = data;
  const char *tag = block_tag(type, detail);
  read_html(m);
  if (tag != NULL && type != MD_BLOCK_HR) end(m, tag);
  return 0;
}

static const char *span_tag(MD_SPANTYPE type) {
  switch (type) {
    case MD_SPAN_EM: return "em";
    case MD_SPAN_STRONG: return "strong";
    case MD_SPAN_CODE: return "code";
    case MD_SPAN_DEL: return "del";
    default: return "u";
  }
}

static in_span_t attribute(const MD_ATTRIBUTE *a) {
  return a->text == NULL ? IN_SPAN("") : in_span(a->text, a->size);
}

/* an image's description is not shown beside it */
static void enter_image(markdown_t *m, const MD_SPAN_IMG_DETAIL *detail) {
  in_tag_t *tag = &m->reader.tag;
  start(m, "img", "src", attribute(&detail->src));
  tag->id = IN_E_PICTURE;
  tag->flags = 0;
  tag->hides = true;
  tag->styled = tag->quote = false;
  in_tree_push(&m->reader, tag);
}

static int enter_span(MD_SPANTYPE type, void *detail, void *data) {
  markdown_t *m = data;
  read_html(m);
  if (type == MD_SPAN_IMG) {
    enter_image(m, detail);
  } else if (type == MD_SPAN_A) {
    start(m, "a", "href", attribute(&((const MD_SPAN_A_DETAIL *) detail)->href));
    /* md4c does not keep the target: it tells it again at the end */
    in_link_open(&m->reader, IN_NONE);
  } else {
    start(m, span_tag(type), NULL, IN_NONE);
  }
  return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *data) {
  markdown_t *m = data;
  read_html(m);
  if (type == MD_SPAN_A) {
    m->reader.href = attribute(&((const MD_SPAN_A_DETAIL *) detail)->href);
    in_link_close(&m->reader);
    end(m, "a");
  } else {
    end(m, type == MD_SPAN_IMG ? "picture" : span_tag(type));
  }
  return 0;
}

/* ---- text */

static void put_entity(markdown_t *m, in_span_t s) {
  char scratch[IN_HTML_SCRATCH];
  while (s.n > 0) in_plain_put(&m->reader.plain, in_html_piece(&s, IN_HTML_REFS, scratch));
}

static int text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE size, void *data) {
  markdown_t *m = data;
  in_plain_t *o = &m->reader.plain;
  in_span_t s = in_span(p, size);
  if (type == MD_TEXT_HTML) {
    add_html(m, s);
    return 0;
  }
  read_html(m);
  switch (type) {
    case MD_TEXT_NULLCHAR: in_plain_put(o, IN_SPAN("\xef\xbf\xbd")); break;
    case MD_TEXT_BR: in_plain_newline(o); break;
    case MD_TEXT_SOFTBR: in_plain_put(o, IN_SPAN(" ")); break;
    case MD_TEXT_ENTITY: put_entity(m, s); break;
    default: in_plain_put(o, s); break;
  }
  return 0;
}

/* a content too large to be given to md4c */
static interop_status_t read_large(in_reader_t *r, in_span_t input) {
  in_reader_give_up(r);
  r->plain.verbatim = true;
  in_plain_put(&r->plain, input);
  return INTEROP_OK;
}

static void copy_input(markdown_t *m, in_span_t input) {
  if (input.n > 0) memcpy(m->copy, input.p, input.n);
  memset(m->copy + input.n, 0, PADDING);
  m->copy[input.n] = '\n';
  m->input = in_span(m->copy, input.n + 1);
}

interop_status_t in_markdown_text(const in_content_t *c, in_span_t input) {
  static const MD_PARSER parser = {
    0, MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS,
    enter_block, leave_block, enter_span, leave_span, text, NULL, NULL
  };
  markdown_t m;
  in_reader_init(&m.reader, c);
  in_html_init(&m.reader.html, IN_NONE, &m.reader.vendors->attrs);
  if (input.n > MARKDOWN_MAX) return read_large(&m.reader, input);
  copy_input(&m, input);
  m.html = NULL;
  if (md_parse(m.input.p, (MD_SIZE) m.input.n, &parser, &m) != 0) return INTEROP_NOMEM;
  in_reader_finish(&m.reader);
  return INTEROP_OK;
}
