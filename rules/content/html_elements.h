/*
** html_elements.h -- the elements and attributes of HTML that we know.
**
** Owns the closed lists: what an element shows, how it stands in the text, how
** it closes others. Knows nothing of text. html_index.inc is generated from
** the rows (elements.py); a unit test looks each of them up.
**
** What counts as plain: div, p, br, span and the document's own frame. All else
** is at least formatting, unknown elements too. What a reader of HTML may read
** in another way than we do (scripts, foreign content, raw text, templates), or
** what asks for an answer (forms), is a card: the strictest kind, so that
** nothing is smuggled in it.
*/
#ifndef IN_HTML_ELEMENTS_H
#define IN_HTML_ELEMENTS_H

#include "html_tokenizer.h"

#define IN_H_VOID     0x0001u     /* has no content */
#define IN_H_BLOCK    0x0002u     /* stands on lines of its own */
#define IN_H_SPACED   0x0004u     /* ... with a blank line around */
#define IN_H_SPECIAL  0x0008u     /* end tags of others do not reach over it */
#define IN_H_SCOPE    0x0010u     /* nor do those of blocks */
#define IN_H_ENDS_P   0x0020u     /* its start ends an open p */
#define IN_H_HIDDEN   0x0040u     /* its content is not shown */
#define IN_H_PRE      0x0080u     /* white space inside counts */
#define IN_H_FORMAT   0x0100u     /* may overlap others: the standard's formatting elements */
#define IN_H_IGNORED  0x0200u     /* its tags mean nothing inside a body */
#define IN_H_RCDATA   0x0400u     /* what follows is read in that state */
#define IN_H_RAWTEXT  0x0800u
#define IN_H_SCRIPT   0x1000u
#define IN_H_REST     0x2000u     /* all the rest of the input is its text */
#define IN_H_FOREIGN  0x4000u     /* other rules inside */
#define IN_H_IMAGE    0x8000u     /* its src is an image */
#define IN_H_CLOSES   0x10000u    /* its start ends others than a p */
#define IN_H_AGAIN    0x20000u    /* ... and nothing but its like if that is innermost */

/* tags that are more than their name */
#define IN_H_SLOW  (IN_H_RCDATA | IN_H_RAWTEXT | IN_H_SCRIPT | IN_H_REST | IN_H_FOREIGN | IN_H_IMAGE)

#define IN_H_DIV   (IN_H_BLOCK | IN_H_SPECIAL | IN_H_ENDS_P)
#define IN_H_CELL  (IN_H_SPECIAL | IN_H_SCOPE)
#define IN_H_RAW   (IN_H_RAWTEXT | IN_H_HIDDEN | IN_H_SPECIAL)

#define IN_F_NO_FEATURE  (-1)
#define NONE  IN_F_NO_FEATURE
#define F(x)  INTEROP_F_##x

/* name, tag, feature, flags */
#define IN_ELEMENTS(X) \
  X(HTML, "html", NONE, IN_H_IGNORED | IN_H_CLOSES) \
  X(HEAD, "head", NONE, IN_H_IGNORED | IN_H_CLOSES) \
  X(BODY, "body", NONE, IN_H_IGNORED | IN_H_CLOSES) \
  X(DIV, "div", NONE, IN_H_DIV) \
  X(P, "p", NONE, IN_H_DIV | IN_H_SPACED | IN_H_AGAIN) \
  X(SPAN, "span", NONE, 0) \
  X(BR, "br", NONE, IN_H_VOID) \
  X(WBR, "wbr", NONE, IN_H_VOID) \
  X(META, "meta", NONE, IN_H_VOID) \
  X(A, "a", F(FORMATTING), IN_H_FORMAT | IN_H_CLOSES) \
  X(AREA, "area", F(LINK), IN_H_VOID) \
  X(B, "b", F(FORMATTING), IN_H_FORMAT) \
  X(I, "i", F(FORMATTING), IN_H_FORMAT) \
  X(U, "u", F(FORMATTING), IN_H_FORMAT) \
  X(S, "s", F(FORMATTING), IN_H_FORMAT) \
  X(EM, "em", F(FORMATTING), IN_H_FORMAT) \
  X(STRONG, "strong", F(FORMATTING), IN_H_FORMAT) \
  X(BIG, "big", F(FORMATTING), IN_H_FORMAT) \
  X(SMALL, "small", F(FORMATTING), IN_H_FORMAT) \
  X(FONT, "font", F(FORMATTING), IN_H_FORMAT) \
  X(STRIKE, "strike", F(FORMATTING), IN_H_FORMAT) \
  X(NOBR, "nobr", F(FORMATTING), IN_H_FORMAT) \
  X(TT, "tt", F(CODE), IN_H_FORMAT) \
  X(CODE, "code", F(CODE), IN_H_FORMAT) \
  X(SAMP, "samp", F(CODE), 0) \
  X(KBD, "kbd", F(CODE), 0) \
  X(PRE, "pre", F(CODE), IN_H_DIV | IN_H_PRE) \
  X(LISTING, "listing", F(CODE), IN_H_DIV | IN_H_PRE) \
  X(XMP, "xmp", F(CARD), IN_H_DIV | IN_H_PRE | IN_H_RAWTEXT) \
  X(PLAINTEXT, "plaintext", F(CARD), IN_H_DIV | IN_H_PRE | IN_H_REST) \
  X(BLOCKQUOTE, "blockquote", F(QUOTE), IN_H_DIV) \
  X(H1, "h1", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(H2, "h2", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(H3, "h3", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(H4, "h4", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(H5, "h5", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(H6, "h6", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(UL, "ul", F(FORMATTING), IN_H_DIV) \
  X(OL, "ol", F(FORMATTING), IN_H_DIV) \
  X(MENU, "menu", F(FORMATTING), IN_H_DIV) \
  X(DIR, "dir", F(FORMATTING), IN_H_DIV) \
  X(LI, "li", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(DL, "dl", F(FORMATTING), IN_H_DIV) \
  X(DT, "dt", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(DD, "dd", F(FORMATTING), IN_H_DIV | IN_H_CLOSES | IN_H_AGAIN) \
  X(HR, "hr", F(FORMATTING), IN_H_VOID | IN_H_DIV) \
  X(CENTER, "center", F(FORMATTING), IN_H_DIV) \
  X(ADDRESS, "address", F(FORMATTING), IN_H_DIV) \
  X(ARTICLE, "article", F(FORMATTING), IN_H_DIV) \
  X(ASIDE, "aside", F(FORMATTING), IN_H_DIV) \
  X(SECTION, "section", F(FORMATTING), IN_H_DIV) \
  X(HEADER, "header", F(FORMATTING), IN_H_DIV) \
  X(FOOTER, "footer", F(FORMATTING), IN_H_DIV) \
  X(MAIN, "main", F(FORMATTING), IN_H_DIV) \
  X(NAV, "nav", F(FORMATTING), IN_H_DIV) \
  X(SEARCH, "search", F(FORMATTING), IN_H_DIV) \
  X(HGROUP, "hgroup", F(FORMATTING), IN_H_DIV) \
  X(FIGURE, "figure", F(FORMATTING), IN_H_DIV) \
  X(FIGCAPTION, "figcaption", F(FORMATTING), IN_H_DIV) \
  X(DETAILS, "details", F(FORMATTING), IN_H_DIV) \
  X(SUMMARY, "summary", F(FORMATTING), IN_H_DIV) \
  X(DIALOG, "dialog", F(FORMATTING), IN_H_DIV) \
  X(FIELDSET, "fieldset", F(FORMATTING), IN_H_DIV) \
  X(LEGEND, "legend", F(FORMATTING), IN_H_BLOCK) \
  X(OPTGROUP, "optgroup", F(FORMATTING), IN_H_BLOCK | IN_H_CLOSES) \
  X(OPTION, "option", F(FORMATTING), IN_H_BLOCK | IN_H_CLOSES | IN_H_AGAIN) \
  X(RP, "rp", F(FORMATTING), IN_H_HIDDEN) \
  X(DATALIST, "datalist", F(FORMATTING), IN_H_HIDDEN) \
  X(PROGRESS, "progress", F(FORMATTING), IN_H_HIDDEN) \
  X(METER, "meter", F(FORMATTING), IN_H_HIDDEN) \
  X(CANVAS, "canvas", F(FORMATTING), IN_H_HIDDEN) \
  X(TITLE, "title", F(FORMATTING), IN_H_HIDDEN | IN_H_RCDATA | IN_H_SPECIAL) \
  X(BASE, "base", F(FORMATTING), IN_H_VOID) \
  X(BASEFONT, "basefont", F(FORMATTING), IN_H_VOID) \
  X(TABLE, "table", F(TABLE), IN_H_BLOCK | IN_H_SPECIAL | IN_H_SCOPE | IN_H_ENDS_P | IN_H_CLOSES) \
  X(CAPTION, "caption", NONE, IN_H_BLOCK | IN_H_CELL | IN_H_CLOSES) \
  X(COLGROUP, "colgroup", NONE, IN_H_CLOSES) \
  X(COL, "col", NONE, IN_H_VOID | IN_H_CLOSES) \
  X(THEAD, "thead", NONE, IN_H_SPECIAL | IN_H_CLOSES) \
  X(TBODY, "tbody", NONE, IN_H_SPECIAL | IN_H_CLOSES) \
  X(TFOOT, "tfoot", NONE, IN_H_SPECIAL | IN_H_CLOSES) \
  X(TR, "tr", NONE, IN_H_SPECIAL | IN_H_CLOSES) \
  X(TD, "td", NONE, IN_H_CELL | IN_H_CLOSES) \
  X(TH, "th", NONE, IN_H_CELL | IN_H_CLOSES) \
  X(IMG, "img", NONE, IN_H_VOID | IN_H_IMAGE) \
  X(IMAGE, "image", NONE, IN_H_VOID | IN_H_IMAGE)  /* HTML reads it as img */ \
  X(FEIMAGE, "feimage", F(CARD), IN_H_IMAGE) \
  X(PICTURE, "picture", F(FORMATTING), 0) \
  X(SOURCE, "source", F(FILE), IN_H_VOID) \
  X(TRACK, "track", F(FILE), IN_H_VOID) \
  X(AUDIO, "audio", F(FILE), IN_H_HIDDEN) \
  X(VIDEO, "video", F(FILE), IN_H_HIDDEN) \
  X(BGSOUND, "bgsound", F(FILE), IN_H_VOID) \
  X(LINK, "link", F(FILE), IN_H_VOID) \
  X(STYLE, "style", F(FORMATTING), IN_H_RAW) \
  X(SCRIPT, "script", F(CARD), IN_H_SCRIPT | IN_H_HIDDEN | IN_H_SPECIAL) \
  X(NOSCRIPT, "noscript", F(CARD), IN_H_RAW) \
  X(NOFRAMES, "noframes", F(CARD), IN_H_RAW) \
  X(NOEMBED, "noembed", F(CARD), IN_H_RAW) \
  X(IFRAME, "iframe", F(CARD), IN_H_RAW) \
  X(TEMPLATE, "template", F(CARD), IN_H_HIDDEN | IN_H_SPECIAL | IN_H_SCOPE) \
  X(FRAMESET, "frameset", F(CARD), IN_H_IGNORED | IN_H_CLOSES) \
  X(FRAME, "frame", F(CARD), IN_H_VOID) \
  X(OBJECT, "object", F(CARD), IN_H_CELL) \
  X(APPLET, "applet", F(CARD), IN_H_CELL) \
  X(MARQUEE, "marquee", F(FORMATTING), IN_H_CELL) \
  X(EMBED, "embed", F(CARD), IN_H_VOID) \
  X(PARAM, "param", F(CARD), IN_H_VOID) \
  X(SVG, "svg", F(CARD), IN_H_FOREIGN) \
  X(MATH, "math", F(CARD), IN_H_FOREIGN) \
  X(FORM, "form", F(CARD), IN_H_DIV) \
  X(INPUT, "input", F(CARD), IN_H_VOID | IN_H_IMAGE) \
  X(KEYGEN, "keygen", F(CARD), IN_H_VOID) \
  X(BUTTON, "button", F(CARD), IN_H_SPECIAL | IN_H_CLOSES) \
  X(SELECT, "select", F(CARD), IN_H_SPECIAL) \
  X(TEXTAREA, "textarea", F(CARD), IN_H_RCDATA | IN_H_HIDDEN | IN_H_SPECIAL)

typedef enum {
  IN_E_UNKNOWN,
#define IN_X(name, tag, feature, flags) IN_E_##name,
  IN_ELEMENTS(IN_X)
#undef IN_X
  IN_E_COUNT
} in_element_id_t;

/*
** name, spelling, what it says:
**   IMAGE   its value names an image, whatever the element
**   LOOKS   the element looks or acts unlike text
*/
typedef enum { IN_AR_OTHER, IN_AR_IMAGE, IN_AR_LOOKS } in_attr_role_t;

#define IN_ATTRS(X) \
  X(HREF, "href", OTHER) X(SRC, "src", OTHER) X(STYLE, "style", OTHER) \
  X(HIDDEN, "hidden", OTHER) X(OPEN, "open", OTHER) X(POPOVER, "popover", OTHER) \
  X(HTTP_EQUIV, "http-equiv", OTHER) X(TYPE, "type", OTHER) X(ALT, "alt", OTHER) \
  X(SRCSET, "srcset", IMAGE) X(IMAGESRCSET, "imagesrcset", IMAGE) X(POSTER, "poster", IMAGE) \
  X(BACKGROUND, "background", IMAGE) X(LOWSRC, "lowsrc", IMAGE) X(DYNSRC, "dynsrc", IMAGE) \
  X(DATA, "data", IMAGE) X(XLINK_HREF, "xlink:href", IMAGE) X(ICON, "icon", IMAGE) \
  X(DATA_SRC, "data-src", IMAGE) X(SOURCE, "source", IMAGE) \
  X(ALIGN, "align", LOOKS) X(BGCOLOR, "bgcolor", LOOKS) X(COLOR, "color", LOOKS) \
  X(TEXT, "text", LOOKS) X(BORDER, "border", LOOKS) X(IS, "is", LOOKS) \
  X(CONTENTEDITABLE, "contenteditable", LOOKS) X(DRAGGABLE, "draggable", OTHER)

typedef enum {
  IN_A_NONE,
#define IN_X(name, text, role) IN_A_##name,
  IN_ATTRS(IN_X)
#undef IN_X
  IN_A_COUNT
} in_attr_id_t;

#undef NONE
#undef F

typedef struct {
  in_span_t tag;
  int feature;                    /* interop_feature_t, or IN_F_NO_FEATURE */
  unsigned flags;
} in_html_element_t;

extern const in_html_element_t in_html_elements[IN_E_COUNT];

/* ---- looking names up; the tables come from elements.py */

#define IN_INDEX_BITS  9
#define IN_INDEX_MULT  0x8a976f6e581d097full

extern const uint64_t in_html_element_keys[], in_html_attr_keys[];
extern const unsigned char in_html_element_slots[], in_html_attr_slots[];
extern const in_html_wanted_t in_html_wanted_attrs;      /* IN_ATTRS and event handlers */

static inline unsigned in_html_slot(const unsigned char *slots, uint64_t key) {
  return slots[(key * IN_INDEX_MULT) >> (64 - IN_INDEX_BITS)];
}

/* by the name and its key; ASCII case ignored */
in_element_id_t in_html_element(in_span_t tag, uint64_t key);
in_attr_id_t in_html_attr_id(in_span_t name, uint64_t key);
in_attr_role_t in_html_attr_role(in_attr_id_t id);
in_span_t in_html_attr_name(in_attr_id_t id);

#endif
