/*
** content.c -- rows: what is in a content, and what a reader sees of it.
**
** With an argument it is a tool for t/031-innertext.t:
**   content html FILE...   prints each file's plain text, then a line "\f"
*/
#include <stdlib.h>
#include "tap.h"
#include "../../rules/content/content.h"
#include "../../rules/content/html_elements.h"
#include "../../rules/content/chars.h"

#define S  IN_SPAN
#define H  IN_FORMAT_HTML
#define M  IN_FORMAT_MARKDOWN
#define T  IN_FORMAT_TEXT
#define NO { NULL, 0 }
#define STR(s)  { (s), sizeof(s) - 1 }

static const in_element_t vendor[] = {
  { STR("emoji"), NO, NO, INTEROP_F_EMOJI, STR("alt"), 0 },
  { STR("customemoji"), NO, NO, INTEROP_F_CUSTOM_EMOJI, STR("alt"), 0 },
  { STR("at"), NO, NO, INTEROP_F_MENTION, NO, 0 },
  { STR("attachment"), NO, NO, -1, NO, IN_EL_HIDDEN },
  { STR("codeblock"), NO, NO, INTEROP_F_CODE, NO, IN_EL_BLOCK | IN_EL_PRE },
  { STR("readonly"), STR("itemtype"), STR("example/Giphy"), INTEROP_F_GIF, NO, IN_EL_HIDDEN },
  { STR("img"), STR("itemtype"), STR("example/Giphy"), INTEROP_F_GIF, NO, 0 },
  { STR("img"), STR("itemtype"), STR("example/Emoji"), INTEROP_F_EMOJI, STR("alt"), 0 },
  { STR("wrap"), NO, NO, -1, NO, IN_EL_NONE },
};

static int image_host(void *ctx, in_span_t src) {
  (void) ctx;
  return in_contains(src, S("hosted/")) ? INTEROP_F_HOSTED_CONTENT
         : in_contains(src, S("gifhost")) ? INTEROP_F_GIF : -1;
}

typedef struct {
  in_format_t format;
  unsigned flags;
  const char *input, *features, *text;
} row_t;

static const row_t rows[] = {
  /* what is plain */
  { H, 0, "<div><div>one</div><div>two &lt;3&nbsp;x<br>three</div></div>", "", "one\ntwo <3\u00a0x\nthree" },
  { H, 0, "<p>a</p><p>b</p>", "", "a\n\nb" },
  { H, 0, "<html><head></head><body><p>a</p></body></html>", "", "a" },
  { H, 0, "<DIV>a</DIV>", "", "a" },
  { H, 0, "a<!-- b -->c", "", "ac" },
  { H, 0, "<p style=\"margin:0 0 0 40px\">a</p>", "", "a" },
  { H, 0, "<span style=\"font-weight:normal; color : inherit !important\">a</span>", "", "a" },
  { H, 0, "<p class=x id=y data-z=1 title=t>a", "", "a" },
  { H, 0, "", "", "" },
  { H, 0, " \n\t ", "", "" },
  { H, 0, "<wrap>x</wrap>", "", "x" },
  /* what is not */
  { H, 0, "<p>a <b>b</b></p>", "formatting=1", "a b" },
  { H, 0, "<B\n>b</B >", "formatting=1", "b" },
  { H, 0, "<x-y>b</x-y>", "formatting=1", "b" },
  { H, 0, "<o:p>b</o:p>", "formatting=1", "b" },
  { H, 0, "<span style=\"color:red\">a</span>", "formatting=1", "a" },
  { H, 0, "<p align=center>a", "formatting=1", "a" },
  { H, 0, "<p style='margin:\"/*\";color:red;x:\"*/\"'>a", "formatting=1", "a" },
  { H, 0, "<h1>a</h1>b<hr>c", "formatting=2", "a\nb\nc" },
  { H, 0, "<ul><li>a</li><li>b</li></ul>c", "formatting=3", "a\nb\nc" },
  { H, 0, "<blockquote>a</blockquote>b", "quote=1", "a\nb" },
  { H, IN_TEXT_NO_QUOTES, "<blockquote>a</blockquote>b", "quote=1", "b" },
  { H, IN_TEXT_NO_QUOTES, "x<blockquote>a <i>k</i><br></blockquote>b", "formatting=1 quote=1", "x\nb" },
  { H, 0, "<code>a</code>", "code=1", "a" },
  { H, 0, "<pre>\n a\n\n\n  b </pre>c", "code=1", " a\n\n\n  b \nc" },
  { H, 0, "<pre>a\r\nb\rc\fd</pre>", "code=1", "a\nb\ncd" },
  { H, 0, "<pre>a\r\n\r\nb</pre>", "code=1", "a\n\nb" },
  { H, 0, "<pre>a\n\n\n<b hidden>\n</b>b</pre>", "formatting=1 code=1", "a\n\n\nb" },
  { H, 0, "<pre>a\r \n\f\r\n\t\rb</pre>", "code=1", "a\n \n\n\t\nb" },
  { H, 0, "a\r\nb\rc\fd\te", "", "a b c d e" },
  { H, 0, "<codeblock class=\"Json\"><code>{<br>  \"a\": 1<br>}</code></codeblock>", "code=2", "{\n  \"a\": 1\n}" },
  { H, 0, "<table><tr><td>a</td><td>b</td></tr><tr><td></td><td>d</td></tr></table>e", "table=1", "a\tb\n\td\ne" },
  { H, 0, "<table><tr><td>a<td><p>b<tr><td><div>c</div><td>d</table>", "table=1", "a\tb\n\nc\td" },
  { H, 0, "<tr><td>a</td><td>b</td></tr>", "", "ab" },
  { H, 0, "<p onclick=x()>a", "card=1", "a" },
  { H, 0, "<div hidden>a<div>b</div>c</div>d", "formatting=1", "d" },
  { H, 0, "<p hidden>a<p>b", "formatting=1", "b" },
  { H, 0, "<div style='DISPLAY : none'>a</div>b", "formatting=1", "b" },
  { H, 0, "<div style='di\\73 play:none'>a</div>b", "formatting=1", "b" },
  { H, 0, "<div style=visibility:hidden>a<b style=visibility:visible>c</b></div>b", "formatting=2", "c\nb" },
  { H, 0, "<span style=display:block>a</span>b<div style=display:inline>c</div>", "", "a\nbc" },
  { H, 0, "<span style=white-space:pre>a  b</span>", "", "a  b" },
  { H, 0, "<ul><li hidden>a<li>b<ul><li>c</ul><li>d</ul>", "formatting=6", "b\nc\nd" },
  { H, 0, "<table><tr><td hidden>a<td>b<tr><td>c</table>", "formatting=1 table=1", "b\nc" },
  { H, 0, "<dialog>a</dialog><dialog open>b</dialog>", "formatting=2", "b" },
  /* links */
  { H, 0, "<p>see <a href=\"https://contoso.example/m?a=1&amp;b=2\">map</a></p>", "link=1", "see map <https://contoso.example/m?a=1&b=2>" },
  { H, 0, "<a href=\"https://x.example/\">https://x.example</a>.", "link=1", "https://x.example/." },
  { H, 0, "<a href=\"https://x.example\"></a>", "link=1", "https://x.example" },
  { H, 0, "a <a href=' h\nttps://x.example/a b<c>'> b </a> c", "link=1", "a b <https://x.example/a%20b%3Cc%3E> c" },
  { H, 0, "<a href=x>a<a href=y>b</a>c", "link=2", "a <x>b <y>c" },
  { H, 0, "<a href=x><div>a</div></a>b", "link=1", "a <x>\nb" },
  { H, 0, "<a href=x>a", "link=1", "a <x>" },
  { H, 0, "<a>a</a>", "formatting=1", "a" },
  { H, 0, "<a href=\"\">a</a>", "link=1", "a" },
  { H, 0, "<a href=x hidden>a</a>b", "link=1", "b" },
  { H, 0, "go to https://x.example/ now", "link=1", "go to https://x.example/ now" },
  { H, 0, "ht<span>t</span>p&#58;//x", "link=1", "http://x" },
  { H, 0, "ht\u200btp:\u200b//\u200dx", "link=1", "ht\u200btp:\u200b//\u200dx" },
  { H, 0, "http<span hidden>x</span>://y", "formatting=1 link=1", "http://y" },
  { H, 0, "<table><tr><td>a<td>www.<div>x", "table=1", "a\twww.\nx" },
  { H, 0, "http:<br>//y", "", "http:\n//y" },
  { H, 0, "http:// y a:b 10:30 w.w.w. www. x", "", "http:// y a:b 10:30 w.w.w. www. x" },
  { H, 0, "mailto:&#47;/x mailto:&#47; www.\u200b www.\u200bx", "link=2", "mailto://x mailto:/ www.\u200b www.\u200bx" },
  { H, 0, "www.x (WWW.y) mailto:a@b awww.z ftp://q", "link=4", "www.x (WWW.y) mailto:a@b awww.z ftp://q" },
  { T, 0, "see https://contoso.example/m?a=1&b=2", "link=1", "see https://contoso.example/m?a=1&b=2" },
  { T, 0, " a\r\n\r\n\tb \n", "", " a\r\n\r\n\tb \n" },
  { T, 0, "<b>&amp;", "", "<b>&amp;" },
  /* images, and ways to hide them */
  { H, 0, "<img src=\"../hosted/1/$value\">", "hosted_content=1", "" },
  { H, 0, "a<img src=x.png alt=b>c", "image=1", "ac" },
  { H, 0, "<img>", "image=1", "" },
  { H, 0, "<image src=x.gif>", "gif=1", "" },
  { H, 0, "<img src=https://gifhost.example/1>", "gif=1", "" },
  { H, 0, "<IMG/SRC=\"x.&#71;if?a=b\"/>", "gif=1", "" },
  { H, 0, "<img src=\"x.gi\nf\">", "gif=1", "" },
  { H, 0, "<img src=x.g%69f>", "gif=1", "" },
  { H, 0, "<img src=x.png src=x.gif>", "image=1", "" },
  { H, 0, "<img src=' data:image/GIF;base64,AAAA'>", "gif=1", "" },
  { H, 0, "<img src=data:image/png;base64,R0lGODlh>", "gif=1", "" },
  { H, 0, "<img src=data:image/png;base64,iVBORw0K>", "image=1", "" },
  { H, 0, "<img src=data:image%2Fgif;base64,AAAA>", "gif=1", "" },
  { H, 0, "<img src=x.png srcset='y.png 1x, z.gif 2x'>", "gif=1", "" },
  { H, 0, "<p background=x.gif>a", "gif=1", "a" },
  { H, 0, "<table><td background=x.png>a</table>", "image=1 table=1", "a" },
  { H, 0, "<div style=\"background:URL( 'x.gif' )\">a</div>", "formatting=1 gif=1", "a" },
  { H, 0, "<div style=\"background:u\\72l(x.gif)\">a</div>", "formatting=1 gif=1", "a" },
  { H, 0, "<div style='font-family:\"/*\";background:url(x.gif);x:\"*/\"'>a</div>", "formatting=1 gif=1", "a" },
  { H, 0, "<div style=\"background:image-set('x.gif' 1x)\">a</div>", "formatting=1 gif=1", "a" },
  { H, 0, "<div style=\"color:rgb(1,2,3)\">a</div>", "formatting=1", "a" },
  { H, 0, "<style>p{background:url(x.gif)}</style>a", "formatting=1 gif=1", "a" },
  { H, 0, "<style>p{color:red}</style>a", "formatting=1", "a" },
  { H, 0, "<video poster=x.gif src=y.mp4>no</video>a", "gif=1 file=1", "a" },
  { H, 0, "<input type=image src=x.gif>", "gif=1 card=1", "" },
  { H, 0, "<object data=x.gif>a</object>", "gif=1 card=1", "a" },
  { H, 0, "<embed src=x>", "card=1", "" },
  { H, 0, "<svg><image xlink:href=x.gif /></svg>a", "gif=1 card=1", "a" },
  { H, 0, "<svg><![CDATA[ > <!-- ]]><img src=x.gif></svg>", "gif=1 card=1", "> <!--" },
  { H, 0, "<noscript><img src=x.gif></noscript>a", "card=1", "a" },
  { H, 0, "<template><img src=x.gif></template>a", "gif=1 card=1", "a" },
  { H, 0, "<iframe srcdoc='<img>'></iframe>a", "card=1", "a" },
  { H, 0, "<link rel=stylesheet href=x>a", "file=1", "a" },
  { H, 0, "<meta http-equiv=refresh content=0>a", "card=1", "a" },
  { H, 0, "<meta charset=utf-8>a", "", "a" },
  { H, 0, "a<img src=x.gif", "formatting=1 gif=1", "a" },
  { H, 0, "a<img src=\"x.gif>b", "formatting=1 image=1", "a" },
  { H, 0, "a<!-- b", "formatting=1", "a" },
  { H, 0, "<div hidden><img src=x.gif></div>", "formatting=1 gif=1", "" },
  { H, 0, "<b a a a a a a a a src src src src src src src src src src src src src src src src src src src src src src src src src>", "card=1", "" },
  { H, 0, "<readonly itemtype=\"http://example/Giphy\"><img src=\"https://m.example/giphy.gif\" itemtype=\"http://example/Giphy\">t</readonly>", "gif=2", "" },
  { H, 0, "<img itemtype=\"http://example/Emoji\" alt=\":)\" src=\"x.png\">", "emoji=1", ":)" },
  { H, 0, "<img itemtype=\"http://example/Emoji\" alt=\":)\" src=\"x.gif\">", "emoji=1 gif=1", ":)" },
  { H, 0, "<img itemtype=\"http://example/&#71;iphy\" src=\"x\">", "gif=1", "" },
  { H, 0, "<img itemtype=\"other\" src=\"x\">", "image=1", "" },
  /* raw text */
  { H, 0, "<script>a<b>http://x \U0001f600</script>c", "card=1", "c" },
  { H, 0, "<b style=\"@import 'x'\">a", "formatting=1 gif=1", "a" },
  { H, 0, "<a href=\"x?a=1&copy=2&copy;&copy\">a</a>", "link=1", "a <x?a=1&copy=2\u00a9\u00a9>" },
  { H, 0, "<emoji alt=x><emoji>y</emoji>z", "emoji=2", "x" },
  { H, 0, "<emoji alt=x></emoji><emoji>y</emoji>z", "emoji=2", "xyz" },
  { H, 0, "<script><!--<script></script>a</script>c", "card=1", "c" },
  { H, 0, "<title>a<b></title>c", "formatting=1", "c" },
  { H, 0, "<xmp>a<b></xmp>c", "card=1", "a<b>\nc" },
  { H, 0, "<plaintext>a</plaintext>", "card=1", "a</plaintext>" },
  { H, 0, "<form>a<button>b</button></form>", "card=2", "ab" },
  /* vendors' elements */
  { H, 0, "<div>ok <emoji id=\"yes\" alt=\"\U0001f44d\" title=\"Yes\"></emoji></div>", "emoji=1", "ok \U0001f44d" },
  { H, IN_TEXT_ASCII_EMOJI, "ok <emoji alt=\"\U0001f642\">x</emoji>.", "emoji=1", "ok :-)." },
  { H, 0, "<emoji alt=\"&lt;\"/>b", "emoji=1", "<b" },
  { H, 0, "<emoji>x</emoji>b", "emoji=1", "xb" },
  { H, 0, "<customemoji alt=\"party\"></customemoji>", "custom_emoji=1", "party" },
  { H, 0, "<at id=\"0\">Asha Rao</at> lane 4", "mention=1", "Asha Rao lane 4" },
  { H, 0, "<attachment id=\"1\"></attachment><p>on it</p>", "", "on it" },
  { H, 0, "<attachment id=\"1\"><p>x</attachment>on it", "", "on it" },
  /* structure */
  { H, 0, "a<br>b<br><br>c<br><br><br><br>d<br>", "", "a\nb\n\nc\n\nd" },
  { H, 0, "<div>a</div><div><br></div><div>b</div>", "", "a\n\nb" },
  { H, 0, "<b>a<p>b</b>c</p>d", "formatting=1", "a\n\nbc\n\nd" },
  { H, 0, "a</p>b</br>c", "", "a\n\nb\nc" },
  { H, 0, "<p>a<div>b</div>c", "", "a\n\nb\nc" },
  { H, 0, "a <b> b</b> c", "formatting=1", "a b c" },
  { H, 0, "a\0b", "", "a" },
  { H, 0, "a&amp;b &notin; &notit; &#128; &#x1F600; &lt", "emoji=1", "a&b \u2209 \u00acit; \u20ac \U0001f600 <" },
  { H, 0, "1 < 2 <3 </ >", "", "1 < 2 <3" },
  /* emoji */
  { T, 0, "1 # * 0 \u00a9 \u2122 a\ufe0f", "", "1 # * 0 \u00a9 \u2122 a\ufe0f" },
  { T, 0, "1\ufe0f\u20e3 \u00a9\ufe0f \u2764 \U0001f469\u200d\U0001f4bb \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd", "emoji=6", "1\ufe0f\u20e3 \u00a9\ufe0f \u2764 \U0001f469\u200d\U0001f4bb \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd" },
  { T, IN_TEXT_ASCII_EMOJI, "1\ufe0f\u20e3 \u00a9\ufe0f \u2764\ufe0f \U0001f469\u200d\U0001f4bb \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd \U0001f600", "emoji=7", "1 :copyright: <3 :woman::laptop: :flag_de: (y) :-D" },
  { H, IN_TEXT_ASCII_EMOJI, "<p>\U0001f980\n \u263a</p>", "emoji=2", ":crab: :-)" },
  /* Markdown */
  { M, 0, "one\ntwo\n\nthree", "", "one two\n\nthree" },
  { M, 0, "**b** _i_ `c` ~~d~~", "formatting=3 code=1", "b i c d" },
  { M, 0, "[map](https://x.example/a \"t\") <https://y.example>", "link=2", "map <https://x.example/a> https://y.example" },
  { M, 0, "https://x.example", "link=1", "https://x.example" },
  { M, 0, "![alt *x*](a.gif)b", "formatting=1 gif=1", "b" },
  { M, 0, "# h\n> q\n\n- a\n- [x] b", "formatting=4 quote=1", "h\n\nq\n\na\n[x] b" },
  { M, 0, "    code\n     x\n", "code=1", "code\n x" },
  { M, 0, "a <b>c</b> <img\nsrc=x.gif> &amp; &copy;", "formatting=1 gif=1", "a c & \u00a9" },
  { M, 0, "<div>\n<img\nsrc=x.gif>\n\nb", "gif=1", "b" },
  { M, 0, "<script>\nalert(1)\n</script>\n\nb", "card=1", "b" },
  { M, 0, "|a|b|\n|---|---|\n|1|2|", "table=1", "a\tb\n1\t2" },
  { M, 0, "", "", "" },
};

static void describe(const in_features_t *f, char *out, size_t size) {
  size_t n = 0;
  out[0] = '\0';
  for (int i = 0; i < INTEROP_FEATURE_COUNT; i++)
    if (f->count[i] > 0)
      n += (size_t) snprintf(out + n, size - n, "%s%s=%u", n > 0 ? " " : "",
                             interop_feature_name((interop_feature_t) i), f->count[i]);
}

static void set(in_content_t *c, in_format_t format, unsigned flags, in_buf_t *text, in_features_t *f) {
  memset(f, 0, sizeof(*f));
  *c = (in_content_t) { format, vendor, in_countof(vendor), NULL, image_host, NULL, flags, text, f, NULL };
}

/* from an allocation of its size, so that reading over the end is noticed */
static interop_status_t read_exact(const in_content_t *c, in_span_t input) {
  char *exact = malloc(input.n + (input.n == 0));
  if (input.n > 0) memcpy(exact, input.p, input.n);
  interop_status_t status = in_content_read(c, in_span(exact, input.n));
  free(exact);
  return status;
}

static void test_rows(void) {
  in_vendors_t *vendors = in_vendors_new(vendor, in_countof(vendor), &interop_alloc_libc);
  char got[512], name[200];
  for (size_t i = 0; i < in_countof(rows); i++) {
    const row_t *r = &rows[i];
    in_features_t f, alone;
    in_content_t c;
    in_buf_t text;
    in_buf_init(&text, &interop_alloc_libc);
    set(&c, r->format, r->flags, &text, &f);
    read_exact(&c, in_str(r->input));
    describe(&f, got, sizeof(got));
    snprintf(name, sizeof(name), "%.100s", r->input);
    for (char *p = name; *p != '\0'; p++)
      if (*p == '\n' || *p == '\r' || *p == '#') *p = ' ';
    int good = ok(strcmp(got, r->features) == 0 && in_eq(in_buf_span(&text), in_str(r->text)), "%s", name);
    if (!good) {
      tap_show("features", got, strlen(got));
      tap_show("expected", r->features, strlen(r->features));
      tap_show("text", text.p, text.n);
      tap_show("expected", r->text, strlen(r->text));
    }
    set(&c, r->format, r->flags, NULL, &alone);
    c.elements = NULL;
    c.element_count = 0;
    c.vendors = vendors;
    read_exact(&c, in_str(r->input));
    if (memcmp(&f, &alone, sizeof(f)) != 0) ok(0, "the same features without text, by prepared elements: %s", name);
    in_buf_free(&text);
  }
  in_vendors_free(vendors, &interop_alloc_libc);
}

/* text is decoded in pieces: none of them cuts a character, which would hide what it is */
static void test_pieces(void) {
  int bad = 0;
  for (size_t n = 0; n < 800; n++) {
    in_buf_t html, text;
    in_features_t f;
    in_content_t c;
    in_buf_init(&html, &interop_alloc_libc);
    in_buf_init(&text, &interop_alloc_libc);
    in_buf_put(&html, S("&amp;"));
    for (size_t i = 1; i <= n % 400; i++) in_buf_put(&html, n >= 400 && i % 7 == 0 ? S("&lt;") : S("a"));
    in_buf_put(&html, S("\U0001f980"));
    set(&c, H, IN_TEXT_ASCII_EMOJI, &text, &f);
    in_content_read(&c, in_buf_span(&html));
    bad += f.count[INTEROP_F_EMOJI] != 1 || !in_ends(in_buf_span(&text), S(":crab:"));
    in_buf_free(&html);
    in_buf_free(&text);
  }
  is_number(bad, 0, "an emoji is seen wherever it stands behind a reference");
}

static void test_append(void) {
  in_buf_t text;
  in_features_t f;
  in_content_t c;
  in_buf_init(&text, &interop_alloc_libc);
  in_buf_put(&text, S("x \n"));
  set(&c, H, 0, &text, &f);
  in_content_read(&c, S("<p>a</p> "));
  in_content_read(&c, S("<b>b</b>\0c"));
  is_bytes(text.p, text.n, "x \nabc", 6, "output and features are added to");
  is_number(f.count[INTEROP_F_FORMATTING], 1, "features too");
  in_buf_free(&text);
}

/* ---- strip */

#define BIT(f)  (1u << INTEROP_F_##f)
#define MEDIA  (BIT(IMAGE) | BIT(GIF) | BIT(FILE) | BIT(HOSTED_CONTENT))

static const struct {
  uint32_t remove;
  const char *input, *features, *output;
} strips[] = {
  { MEDIA, "<p>Damage at <b>left door</b></p><img src=\"https://f.example/d.jpg\" alt=\"door\">", "image=1",
    "<p>Damage at <b>left door</b></p><a href=\"https://f.example/d.jpg\">door</a>" },
  { MEDIA, "<p>a</p><img src=\"data:image/png;base64,iVBORw0KGgo=\">", "image=1", "<p>a</p>" },
  { MEDIA, "<IMG SRC=https://f.example/?a&amp;b=\"><P CLASS=x>a</P>", "image=1",
    "<a href=\"https://f.example/?a&amp;b=&quot;\">https://f.example/?a&amp;b=&quot;</a><P CLASS=x>a</P>" },
  { MEDIA, "<a href=x><img src=https://f.example/d alt=y></a>", "image=1", "<a href=x> https://f.example/d</a>" },
  { MEDIA, "<div style=\"background:url(x.png)\">a</div>", "image=1", "<div>a</div>" },
  { MEDIA, "<b>a</b>&amp;<!-- c --><video src=https://x.example/y.mp4>no</video>d", "file=1",
    "<b>a</b>&amp;<a href=\"https://x.example/y.mp4\">https://x.example/y.mp4</a>d" },
  { MEDIA, "<readonly itemtype=\"example/Giphy\"><img src=\"https://m.example/g.gif\">t</readonly>u", "gif=2",
    "<a href=\"https://m.example/g.gif\">https://m.example/g.gif</a>u" },
  { MEDIA, "<img src=\"../hosted/1\">a", "hosted_content=1", "a" },
  { MEDIA, "a<img src=x.png", "", "a" },
  { BIT(FORMATTING), "<p>a <b>b</b> <i>c</p>", "formatting=2", "<p>a b c</p>" },
  { BIT(FORMATTING), "<span style=color:red>a</span><p align=left>b</p>", "formatting=2", "<span>a</span><p>b</p>" },
  { BIT(CARD), "<script>x</script><svg><b>x</b></svg>a<form>b<input></form>", "card=4", "ab" },
  { BIT(EMOJI) | BIT(MENTION), "<emoji alt=\"&lt;3\">x</emoji><at>A</at>", "mention=1 emoji=1", "&lt;3A" },
  { BIT(FORMATTING), "<<b>img src=x.gif>", "formatting=1", "&lt;img src=x.gif>" },
  { BIT(CARD), "<script><img src=x.gif></script>a", "card=1", "a" },
  { BIT(GIF), "<svg><![CDATA[<img src=x.gif>]]></svg>", "", "<svg>&lt;img src=x.gif></svg>" },
  { BIT(GIF), "<title><img src=x.gif></title>", "", "<title><img src=x.gif></title>" },
  { BIT(GIF), "<img src=x.png><img src=x.gif>", "gif=1", "<img src=x.png>" },
};

static void test_strip(void) {
  char got[512];
  for (size_t i = 0; i < in_countof(strips); i++) {
    in_features_t f, again;
    in_content_t c;
    in_buf_t out;
    in_buf_init(&out, &interop_alloc_libc);
    set(&c, H, 0, NULL, &f);
    in_content_strip(&c, in_str(strips[i].input), strips[i].remove, &out);
    is_bytes(out.p, out.n, strips[i].output, strlen(strips[i].output), strips[i].input);
    describe(&f, got, sizeof(got));
    is_text(got, strips[i].features, "what was removed");
    set(&c, H, 0, NULL, &again);
    in_content_read(&c, in_buf_span(&out));
    int left = 0;
    for (int k = 0; k < INTEROP_FEATURE_COUNT; k++)
      left += ((strips[i].remove >> k) & 1) && again.count[k] > 0;
    is_number(left, 0, "nothing of it is left");
    in_buf_free(&out);
  }
}

/* ---- tables */

static in_element_id_t element(in_span_t name) {
  return in_html_element(name, in_html_key(name));
}

static in_attr_id_t attr(in_span_t name) {
  return in_html_attr_id(name, in_html_key(name));
}

static void test_tables(void) {
  int bad = 0;
  for (int i = 1; i < IN_E_COUNT; i++) bad += element(in_html_elements[i].tag) != (in_element_id_t) i;
  is_number(bad, 0, "every element is found (else run elements.py)");
  for (int i = 1; i < IN_A_COUNT; i++) bad += attr(in_html_attr_name((in_attr_id_t) i)) != (in_attr_id_t) i;
  is_number(bad, 0, "every attribute too");
  ok(element(S("BlockQuote")) == IN_E_BLOCKQUOTE, "case ignored");
  ok(element(S("blockquot")) == IN_E_UNKNOWN && element(S("blockquoted")) == IN_E_UNKNOWN
     && element(S("b\0")) == IN_E_UNKNOWN && element(S("x")) == IN_E_UNKNOWN, "others are not");
  ok(in_char_class('0') == IN_C_OTHER && in_char_class(0x1f600) == IN_C_EMOJI && in_char_class(0xa9) == IN_C_SYMBOL
     && in_char_class(0x200b) == IN_C_IGNORABLE && in_char_class(0x110000) == IN_C_OTHER, "classes of characters");
  for (int i = 0; i < 256; i++) bad += in_char_classes[in_char_page[1]][i] != IN_C_OTHER;
  is_number(bad, 0, "all of page 1 is ordinary, as plain.c takes it to be");
  for (uint32_t cp = 0; cp < 0x110000; cp++) {
    in_span_t text = in_char_emoji_text(cp);
    for (size_t i = 0; i < text.n; i++) bad += text.p[i] <= ' ' || text.p[i] > '~';
  }
  is_number(bad, 0, "emoji names are ASCII without blanks");
}

/* ---- depth */

static void repeat(in_buf_t *b, const char *s, int times) {
  while (times-- > 0) in_buf_put(b, in_str(s));
}

static void test_depth(void) {
  in_buf_t input, text;
  in_features_t f;
  in_content_t c;
  in_buf_init(&input, &interop_alloc_libc);
  in_buf_init(&text, &interop_alloc_libc);
  repeat(&input, "<div>", 10000);
  in_buf_put(&input, S("x<b>y</b>"));
  repeat(&input, "</div>", 10000);
  in_buf_put(&input, S("z"));
  set(&c, H, 0, &text, &f);
  read_exact(&c, in_buf_span(&input));
  is_bytes(text.p, text.n, "xy\nz", 4, "10000 elements deep");
  is_number(f.count[INTEROP_F_FORMATTING], 1, "features at the bottom count");
  input.n = text.n = 0;
  in_buf_put(&input, S("a"));
  repeat(&input, "<p>", 32768);
  in_buf_put(&input, S("b"));
  set(&c, H, 0, &text, &f);
  read_exact(&c, in_buf_span(&input));
  is_bytes(text.p, text.n, "a\n\nb", 4, "as many tags as may be");
  is_number(f.count[INTEROP_F_CARD], 0, "no card");
  text.n = 0;
  repeat(&input, "<p>c", 2);
  set(&c, H, 0, &text, &f);
  read_exact(&c, in_buf_span(&input));
  is_bytes(text.p, text.n, "a\n\nb", 4, "one too many: the rest is not read");
  is_number(f.count[INTEROP_F_CARD] + f.count[INTEROP_F_GIF], 2, "and counts as what it may hold");
  input.n = text.n = 0;
  in_buf_put(&input, S("<p"));
  repeat(&input, " a", 2048);
  in_buf_put(&input, S(">b"));
  set(&c, H, 0, &text, &f);
  read_exact(&c, in_buf_span(&input));
  ok(text.n == 1 && *text.p == 'b' && f.count[INTEROP_F_CARD] == 0, "as many attributes as may be");
  input.n = text.n = 0;
  in_buf_put(&input, S("c<p"));
  repeat(&input, " a", 2049);
  in_buf_put(&input, S(">b"));
  set(&c, H, 0, &text, &f);
  read_exact(&c, in_buf_span(&input));
  is_bytes(text.p, text.n, "c", 1, "one too many: the rest is not read");
  is_number(f.count[INTEROP_F_CARD] + f.count[INTEROP_F_GIF], 2, "and counts as what it may hold");
  text.n = 0;
  set(&c, H, 0, NULL, &f);
  is_number(in_content_strip(&c, in_buf_span(&input), 1u << INTEROP_F_CARD, &text), INTEROP_OK, "stripped");
  is_bytes(text.p, text.n, "c", 1, "nor is it kept");
  is_number(f.count[INTEROP_F_CARD] + f.count[INTEROP_F_GIF], 2, "and counts when it is stripped");
  input.n = text.n = 0;
  repeat(&input, "*a* ", 7168);
  set(&c, M, 0, &text, &f);
  read_exact(&c, in_buf_span(&input));
  ok(text.n == 7168 * 2 - 1 && f.count[INTEROP_F_CARD] == 0, "as much Markdown as may be");
  in_buf_put(&input, S("b"));
  text.n = 0;
  set(&c, M, 0, &text, &f);
  read_exact(&c, in_buf_span(&input));
  ok(in_eq(in_buf_span(&text), in_buf_span(&input)) && f.count[INTEROP_F_CARD] == 1, "one too many");
  in_buf_free(&input);
  in_buf_free(&text);
}

/* ---- without memory */

typedef struct {
  size_t live, calls, refuse;
} meter_t;

static void *meter(void *ctx, void *ptr, size_t osize, size_t nsize) {
  meter_t *m = ctx;
  if (nsize > osize && ++m->calls == m->refuse) return NULL;
  m->live = m->live - (ptr == NULL ? 0 : osize) + nsize;
  return interop_alloc_libc.resize(NULL, ptr, osize, nsize);
}

static const char story[] =
  "<p>Truck <b>14</b> &amp; \U0001f600 <a href=\"https://contoso.example/m?a=1&amp;b=2\">map</a></p>"
  "<table><tr><td>a<td>b</table><pre>x\ny</pre><img src=https://x.example/a.gif alt=\"&lt;\">";

static interop_status_t run_story(meter_t *m, in_format_t format, bool strip) {
  interop_alloc_t alloc = { meter, m };
  in_buf_t input, out;
  in_features_t f;
  in_content_t c;
  in_buf_init(&input, &interop_alloc_libc);
  in_buf_init(&out, &alloc);
  repeat(&input, story, 40);
  set(&c, format, IN_TEXT_ASCII_EMOJI, strip ? NULL : &out, &f);
  interop_status_t status = strip ? in_content_strip(&c, in_buf_span(&input), ~0u, &out)
                                  : in_content_read(&c, in_buf_span(&input));
  in_buf_free(&out);
  in_buf_free(&input);
  return status;
}

static void test_memory(void) {
  static const char *const names[] = { "text", "HTML", "Markdown", "strip" };
  for (int k = 0; k < 4; k++) {
    int refused = 0, wrong = 0;
    size_t leaked = 0;
    for (size_t i = 1; ; i++) {
      meter_t m = { 0, 0, i };
      interop_status_t status = run_story(&m, k < 3 ? (in_format_t) k : H, k == 3);
      leaked += m.live;
      if (m.calls < i) {
        wrong += status != INTEROP_OK;
        break;
      }
      refused++;
      wrong += status != INTEROP_NOMEM;
    }
    ok(refused > 0 && wrong == 0 && leaked == 0, "%s: each of %d allocations refused in turn", names[k], refused);
  }
}

/* ---- the tool */

static int print_file(const char *path) {
  static char data[1 << 20];
  FILE *f = fopen(path, "rb");
  if (f == NULL) return 1;
  size_t n = fread(data, 1, sizeof(data), f);
  fclose(f);
  in_buf_t text;
  in_features_t features;
  in_content_t c = { H, NULL, 0, NULL, NULL, NULL, 0, &text, &features, NULL };
  memset(&features, 0, sizeof(features));
  in_buf_init(&text, &interop_alloc_libc);
  in_content_read(&c, in_span(data, n));
  fwrite(text.p, 1, text.n, stdout);
  fputs("\n\f\n", stdout);
  in_buf_free(&text);
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "html") == 0) {
    for (int i = 2; i < argc; i++)
      if (print_file(argv[i]) != 0) return 1;
    return 0;
  }
  test_rows();
  test_pieces();
  test_append();
  test_strip();
  test_tables();
  test_depth();
  test_memory();
  return done();
}
