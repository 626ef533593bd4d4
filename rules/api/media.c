/*
** media.c -- media types, data: URIs, and what shows a GIF.
**
** Owns strict reading of Content-Type: what does not follow its grammar, and
** any charset but UTF-8, is refused rather than guessed.
*/
#include "../base/scan.h"
#include "body.h"
#include "path.h"

#define LONG_URL   8192u          /* longer than services take: not looked through */
#define LONG_TYPE  1024u          /* of a data: URI; no type is that long */

static bool is_token(char c) {
  unsigned char u = (unsigned char) c;
  if ((u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z')) return true;
  return u != 0 && strchr("!#$%&'*+-.^_`|~", u) != NULL;
}

static in_span_t take_token(in_span_t *s) {
  size_t n = 0;
  while (n < s->n && is_token(s->p[n])) n++;
  in_span_t t = in_span(s->p, n);
  *s = in_span(s->p + n, s->n - n);
  return t;
}

static bool take_char(in_span_t *s, char c) {
  if (s->n == 0 || s->p[0] != c) return false;
  *s = in_span(s->p + 1, s->n - 1);
  return true;
}

static void skip_space(in_span_t *s) {
  while (s->n > 0 && (*s->p == ' ' || *s->p == '\t')) *s = in_span(s->p + 1, s->n - 1);
}

/* the value's text between the quotes; escapes are refused, nothing needs them */
static bool take_value(in_span_t *s, in_span_t *value) {
  if (!take_char(s, '"')) {
    *value = take_token(s);
    return value->n > 0;
  }
  size_t n = 0;
  while (n < s->n && s->p[n] != '"' && s->p[n] != '\\' && (unsigned char) s->p[n] >= 0x20) n++;
  *value = in_span(s->p, n);
  *s = in_span(s->p + n, s->n - n);
  return take_char(s, '"');
}

static bool take_parameter(in_span_t *s) {
  in_span_t name, value;
  skip_space(s);
  if (s->n == 0 || s->p[0] == ';') return true;
  name = take_token(s);
  /* "charset*=", "boundary*0=" (RFC 2231) are further spellings, which few know */
  if (name.n == 0 || memchr(name.p, '*', name.n) != NULL || !take_char(s, '=') || !take_value(s, &value)) return false;
  return !in_eq_nocase(name, IN_SPAN("charset")) || in_eq_nocase(value, IN_SPAN("utf-8"));
}

bool in_media_type(in_span_t header, in_span_t *type) {
  if (in_eq(header, IN_SPAN("application/json"))) {    /* nearly all are */
    *type = header;
    return true;
  }
  in_span_t s = in_trim(header), start = s;
  if (s.n == 0) return false;
  if (take_token(&s).n == 0 || !take_char(&s, '/') || take_token(&s).n == 0) return false;
  *type = in_span(start.p, (size_t) (s.p - start.p));
  for (skip_space(&s); s.n > 0; skip_space(&s))
    if (!take_char(&s, ';') || !take_parameter(&s)) return false;
  return true;
}

/* a header that in_media_type accepted; a parameter that stands twice is none */
bool in_media_parameter(in_span_t header, in_span_t wanted, in_span_t *value) {
  in_span_t s = in_trim(header), name, v;
  bool found = false;
  (void) take_token(&s);
  (void) take_char(&s, '/');
  (void) take_token(&s);
  for (skip_space(&s); take_char(&s, ';'); skip_space(&s)) {
    skip_space(&s);
    if (s.n == 0 || s.p[0] == ';') continue;
    name = take_token(&s);
    if (!take_char(&s, '=') || !take_value(&s, &v)) return false;
    if (!in_eq_nocase(name, wanted)) continue;
    if (found) return false;
    *value = v;
    found = true;
  }
  return found;
}

bool in_media_is_json(in_span_t type) {
  return in_eq_nocase(type, IN_SPAN("application/json"))
         || (type.n > 5 && in_eq_nocase(in_span(type.p + type.n - 5, 5), IN_SPAN("+json")));
}

bool in_media_fits(in_span_t value, in_span_t pattern) {
  if (pattern.n == 0 || pattern.p[pattern.n - 1] != '*') return in_eq_nocase(value, pattern);
  return in_starts_nocase(value, in_span(pattern.p, pattern.n - 1));
}

/* ---- base64 */

/* a digit's value and one; 0: it is none */
static const unsigned char digits[256] = {
#define FOUR(c, v)  [(c)] = (v) + 1, [(c) + 1] = (v) + 2, [(c) + 2] = (v) + 3, [(c) + 3] = (v) + 4
  FOUR('A', 0), FOUR('E', 4), FOUR('I', 8), FOUR('M', 12), FOUR('Q', 16), FOUR('U', 20), ['Y'] = 25, ['Z'] = 26,
  FOUR('a', 26), FOUR('e', 30), FOUR('i', 34), FOUR('m', 38), FOUR('q', 42), FOUR('u', 46), ['y'] = 51, ['z'] = 52,
  FOUR('0', 52), FOUR('4', 56), ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64
#undef FOUR
};

static inline int digit(char c) {
  return digits[(unsigned char) c] - 1;
}

/* whole groups of four, each three bytes; gives how many digits were taken */
static size_t decode_groups(in_span_t s, char *to) {
  size_t i = 0;
  for (; s.n - i >= 4; i += 4, to += 3) {
    int a = digit(s.p[i]), b = digit(s.p[i + 1]), c = digit(s.p[i + 2]), d = digit(s.p[i + 3]);
    if ((a | b | c | d) < 0) break;
    to[0] = (char) (a << 2 | b >> 4);
    to[1] = (char) (b << 4 | c >> 2);
    to[2] = (char) (c << 6 | d);
  }
  return i;
}

static bool decode_base64(in_span_t s, in_arena_t *arena, in_span_t *data) {
  char *p = in_arena_raw(arena, s.n / 4 * 3 + 4);
  uint32_t bits = 0, have = 0;
  size_t n, i;
  if (p == NULL) return false;
  while (s.n > 0 && s.p[s.n - 1] == '=' && s.n % 4 != 1) s.n--;
  i = decode_groups(s, p);
  for (n = i / 4 * 3; i < s.n; i++) {
    int d = digit(s.p[i]);
    if (d < 0) return false;
    bits = (bits << 6 | (uint32_t) d) & 0xffffffu;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    p[n++] = (char) (bits >> have);
  }
  *data = in_span(p, n);
  return (bits & ((1u << have) - 1)) == 0;
}

static void encode_base64(char *to, in_span_t s) {
  static const char spelt[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < s.n; i += 3) {
    uint32_t v = 0;
    size_t n = s.n - i < 3 ? s.n - i : 3;
    for (size_t k = 0; k < 3; k++) v = v << 8 | (k < n ? (unsigned char) s.p[i + k] : 0u);
    for (size_t k = 0; k < 4; k++) *to++ = k <= n ? spelt[v >> (18 - 6 * k) & 63] : '=';
  }
}

bool in_media_from_base64(in_span_t s, in_arena_t *arena, in_span_t *data) {
  return decode_base64(s, arena, data);
}

in_span_t in_media_to_base64(in_span_t data, in_arena_t *arena) {
  size_t n = (data.n + 2) / 3 * 4;
  char *p = in_arena_raw(arena, n + 1);
  if (p == NULL) return IN_NONE;
  encode_base64(p, data);
  return in_span(p, n);
}

/* ---- data: URIs */

static bool decode_percent(in_span_t s, in_arena_t *arena, in_span_t *data) {
  char *p = in_arena_raw(arena, s.n + 1);
  size_t n = 0;
  if (p == NULL) return false;
  for (size_t i = 0; i < s.n; i++) {
    int high, low;
    if (s.p[i] != '%') {
      p[n++] = s.p[i] == '+' ? ' ' : s.p[i];
      continue;
    }
    if (i + 2 >= s.n || (high = in_hex(s.p[i + 1])) < 0 || (low = in_hex(s.p[i + 2])) < 0) return false;
    p[n++] = (char) (high << 4 | low);
    i += 2;
  }
  *data = in_span(p, n);
  return true;
}

bool in_media_data(in_span_t uri, in_arena_t *arena, in_span_t *type, in_span_t *data) {
  if (!in_starts_nocase(uri, IN_SPAN("data:"))) return false;
  const char *comma = memchr(uri.p, ',', uri.n);
  if (comma == NULL) return false;
  in_span_t head = in_span(uri.p + 5, (size_t) (comma - uri.p) - 5);
  in_span_t tail = in_span(comma + 1, uri.n - (size_t) (comma - uri.p) - 1);
  in_span_t base64 = IN_SPAN(";base64");
  bool coded = head.n >= base64.n
               && in_eq_nocase(in_span(head.p + head.n - base64.n, base64.n), base64);
  if (coded) head.n -= base64.n;
  if (head.n > LONG_TYPE || !in_media_type(head, type)) return false;
  if (!(coded ? decode_base64(tail, arena, data) : decode_percent(tail, arena, data))) return false;
  return in_utf8_check(*data) == data->n;
}

in_span_t in_media_to_data(const char *type, in_span_t data, in_arena_t *arena) {
  in_span_t head = in_arena_printf(arena, "data:%s;charset=utf-8;base64,", type);
  size_t n = (data.n + 2) / 3 * 4;
  char *p = head.p == NULL ? NULL : in_arena_get(arena, head.n + n + 1);
  if (p == NULL) return IN_NONE;
  memcpy(p, head.p, head.n);
  encode_base64(p + head.n, data);
  return in_span(p, head.n + n);
}

/* ---- what shows a GIF */

/* white space, and whatever else is no digit, is passed over by most decoders */
bool in_media_gif_bytes(in_span_t base64) {
  static const char want[] = "R0lG";
  size_t n = 0;
  for (size_t i = 0; i < base64.n && n < 4; i++) {
    if (digit(base64.p[i]) < 0) continue;
    if (base64.p[i] != want[n++]) return false;
  }
  return n == 4;
}

static in_span_t until(in_span_t s, const char *any) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] != 0 && strchr(any, s.p[i]) != NULL) return in_span(s.p, i);
  return s;
}

/* "https:", as browsers take it with any slashes behind, or "//" */
static in_span_t host_of(in_span_t url) {
  size_t n = in_starts_nocase(url, IN_SPAN("https:")) ? 6 : in_starts_nocase(url, IN_SPAN("http:")) ? 5 : 0, slashes = 0;
  while (n < url.n && (url.p[n] == '/' || url.p[n] == '\\')) n++, slashes++;
  if (n == slashes && slashes < 2) return IN_NONE;
  in_span_t s = until(in_span(url.p + n, url.n - n), "/?#\\");
  const char *user = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;
  if (user != NULL) s = in_span(user + 1, s.n - (size_t) (user + 1 - s.p));
  s = until(s, ":");
  while (s.n > 0 && s.p[s.n - 1] == '.') s.n--;
  return s;
}

static bool gif_host(const in_image_t *img, const in_ai_api_t *api, in_span_t host) {
  for (uint32_t i = 0; host.n > 0 && i < api->gif_hosts.count; i++) {
    in_span_t h = in_records_ref(img, api->gif_hosts, i);
    if (host.n < h.n || !in_eq_nocase(in_span(host.p + host.n - h.n, h.n), h)) continue;
    if (host.n == h.n || host.p[host.n - h.n - 1] == '.') return true;
  }
  return false;
}

static bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* does the path end in .gif, percent-encodings seen through? */
static bool gif_path(in_span_t path) {
  static const char want[] = "fig.";
  size_t i = path.n;
  for (int k = 0; k < 4; k++) {
    if (i == 0) return false;
    char c = path.p[i - 1];
    if (i >= 3 && path.p[i - 3] == '%' && in_hex(path.p[i - 2]) >= 0 && in_hex(path.p[i - 1]) >= 0) {
      c = (char) (in_hex(path.p[i - 2]) * 16 + in_hex(path.p[i - 1]));
      i -= 2;
    }
    i--;
    if (in_lower(c) != want[k]) return false;
  }
  return true;
}

static inline in_hits_t dotted(in_block_bytes_t x) {
  return in_hits_equal(x, '.');
}

IN_SCANNER(find_dot, dotted)

/* does a name in it end in .gif or .gifv? Of a query as well: many services show what it names */
static bool gif_name(in_span_t url) {
  for (size_t i = 0; (i += find_dot(url.p + i, url.n - i)) < url.n; i++) {
    in_span_t s = in_span(url.p + i, url.n - i);
    if (s.n < 4 || (s.p[1] | 0x20) != 'g' || !in_starts_nocase(s, IN_SPAN(".gif"))) continue;
    size_t n = s.n > 4 && in_lower(s.p[4]) == 'v' ? 5 : 4;
    if (n == s.n || !is_alnum(in_lower(s.p[n]))) return true;
  }
  return false;
}

bool in_media_gif_url(const in_image_t *img, const in_ai_api_t *api, in_span_t url) {
  url = in_trim(url);
  if (in_starts_nocase(url, IN_SPAN("data:"))) {
    const char *comma = memchr(url.p, ',', url.n);
    if (in_starts_nocase(in_span(url.p + 5, url.n - 5), IN_SPAN("image/gif"))) return true;
    return comma != NULL && in_media_gif_bytes(in_span(comma + 1, url.n - (size_t) (comma + 1 - url.p)));
  }
  if (url.n > LONG_URL) return true;
  const char *end = url.n > 0 ? memchr(url.p, '#', url.n) : NULL;
  if (end != NULL) url.n = (size_t) (end - url.p);
  end = url.n > 0 ? memchr(url.p, '?', url.n) : NULL;
  return gif_name(url) || gif_path(end == NULL ? url : in_span(url.p, (size_t) (end - url.p)))
         || gif_host(img, api, host_of(url));
}
