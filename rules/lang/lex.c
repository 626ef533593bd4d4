/*
** lex.c -- bytes to tokens.
**
** One function a token shape; in_lex_next picks by the first byte. Sources are
** checked to be UTF-8 without NUL before they come here (parse.c), so a byte
** over 0x7f can only stand in strings, regexes, JSON and comments.
*/
#include "lex.h"

void in_lex_init(in_lexer_t *lx, const in_source_t *source, in_arena_t *arena,
                 interop_diag_t *diag) {
  memset(lx, 0, sizeof(*lx));
  lx->source = source;
  lx->arena = arena;
  lx->diag = diag;
}

static int peek(const in_lexer_t *lx, uint32_t ahead) {
  size_t i = (size_t) lx->at + ahead;
  return i < lx->source->text.n ? (unsigned char) lx->source->text.p[i] : -1;
}

static bool is_space(int c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* letters, digits and ._-*:@+$%~|[]'/?& as bits, 64 characters each */
static bool is_word(int c) {
  static const uint64_t set[2] = { 0x87ffecf000000000ull, 0x57fffffeafffffffull };
  return c >= 0 && c < 128 && (set[c / 64] >> c % 64 & 1);
}

static void skip_blank(in_lexer_t *lx) {
  for (;;) {
    while (is_space(peek(lx, 0))) lx->at++;
    if (peek(lx, 0) != '#') return;
    while (peek(lx, 0) >= 0 && peek(lx, 0) != '\n') lx->at++;
  }
}

static in_place_t place_from(const in_lexer_t *lx, uint32_t start) {
  in_place_t p = { lx->source, start, lx->at - start };
  return p;
}

static in_lex_t token(in_lexer_t *lx, in_tok_kind_t kind, uint32_t start) {
  lx->tok.kind = kind;
  lx->tok.place = place_from(lx, start);
  lx->tok.text = in_span(lx->source->text.p + start, lx->at - start);
  return IN_LEX_TOKEN;
}

static in_lex_t fail(in_lexer_t *lx, uint32_t start, const char *msg, const char *hint) {
  if (lx->at == start) lx->at++;
  in_diag_at(lx->diag, INTEROP_SYNTAX, place_from(lx, start), "%s", msg);
  if (hint != NULL) in_diag_hint(lx->diag, "%s", hint);
  return IN_LEX_ERROR;
}

static int hex_value(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* \u{1F44D}: the digits and the closing brace; false if they are no code point */
static bool unescape_code(in_span_t raw, size_t *i, in_buf_t *out) {
  uint32_t cp = 0;
  unsigned digits = 0;
  if (*i >= raw.n || raw.p[(*i)++] != '{') return false;
  while (*i < raw.n && raw.p[*i] != '}' && digits++ < 6) {
    int v = hex_value((unsigned char) raw.p[(*i)++]);
    if (v < 0) return false;
    cp = cp * 16 + (uint32_t) v;
  }
  if (*i >= raw.n || raw.p[(*i)++] != '}' || digits == 0) return false;
  if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000)) return false;
  in_buf_utf8(out, cp);
  return true;
}

static bool unescape(in_span_t raw, in_buf_t *out) {
  size_t i = 0;
  while (i < raw.n) {
    char c = raw.p[i++];
    if (c != '\\') { in_buf_byte(out, c); continue; }
    if (i >= raw.n) return false;
    c = raw.p[i++];
    switch (c) {
      case 'n': in_buf_byte(out, '\n'); break;
      case 'r': in_buf_byte(out, '\r'); break;
      case 't': in_buf_byte(out, '\t'); break;
      case '"': case '\\': in_buf_byte(out, c); break;
      case 'u': if (!unescape_code(raw, &i, out)) return false; break;
      default: return false;
    }
  }
  return true;
}

/* moves over "..." ; false if it does not end on its line */
static bool skip_quoted(in_lexer_t *lx) {
  lx->at++;
  while (peek(lx, 0) >= 0 && peek(lx, 0) != '"' && peek(lx, 0) != '\n') {
    if (peek(lx, 0) == '\\' && peek(lx, 1) >= 0 && peek(lx, 1) != '\n') lx->at++;
    lx->at++;
  }
  if (peek(lx, 0) != '"') return false;
  lx->at++;
  return true;
}

static in_lex_t lex_string(in_lexer_t *lx) {
  uint32_t start = lx->at;
  in_span_t raw;
  if (!skip_quoted(lx))
    return fail(lx, start, "the string does not end on this line", "close it with '\"'");
  token(lx, IN_TOK_STRING, start);
  raw = in_span(lx->tok.text.p + 1, lx->tok.text.n - 2);
  if (raw.n > 0 && memchr(raw.p, '\\', raw.n) != NULL) {
    in_buf_t out;
    bool ok;
    in_buf_init(&out, lx->arena->alloc);
    ok = unescape(raw, &out);
    raw = ok && !out.failed ? in_arena_copy(lx->arena, in_buf_span(&out)) : IN_NONE;
    in_buf_free(&out);
    if (!ok)
      return fail(lx, start, "the string has an escape that is not known",
                  "known are \\\" \\\\ \\n \\r \\t and \\u{hex}");
    if (out.failed || lx->arena->failed) {
      in_diag_set(lx->diag, INTEROP_NOMEM, "out of memory");
      return IN_LEX_ERROR;
    }
  }
  lx->tok.text = raw;
  return IN_LEX_TOKEN;
}

static in_lex_t lex_regex(in_lexer_t *lx) {
  uint32_t start = lx->at++;
  if (!skip_quoted(lx))
    return fail(lx, start, "the regular expression does not end on this line",
                "close it with '\"'");
  token(lx, IN_TOK_REGEX, start);
  lx->tok.text = in_span(lx->tok.text.p + 2, lx->tok.text.n - 3);
  return IN_LEX_TOKEN;
}

/* from '{' or '[' to its match, strings inside skipped over */
static in_lex_t lex_json(in_lexer_t *lx) {
  uint32_t start = lx->at, depth = 0;
  do {
    int c = peek(lx, 0);
    if (c < 0) {
      lx->at = start + 1;
      return fail(lx, start, "the JSON value does not end", "a brace or bracket is missing");
    }
    if (c == '"') {
      uint32_t at = lx->at;
      if (!skip_quoted(lx))
        return fail(lx, at, "a string in the JSON value does not end on its line", "close it with '\"'");
      continue;
    }
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') depth--;
    lx->at++;
  } while (depth > 0);
  return token(lx, IN_TOK_JSON, start);
}

/* {name} belongs to a path; any other brace ends it */
static bool path_brace(const in_lexer_t *lx) {
  uint32_t i = 1;
  while (is_word(peek(lx, i)) && peek(lx, i) != '/') i++;
  return i > 1 && peek(lx, i) == '}';
}

static in_lex_t lex_path(in_lexer_t *lx) {
  uint32_t start = lx->at;
  for (;;) {
    int c = peek(lx, 0);
    if (c == '{' && path_brace(lx)) {
      while (peek(lx, 0) != '}') lx->at++;
    } else if (!is_word(c) && c != '=') {
      break;
    }
    lx->at++;
  }
  return token(lx, IN_TOK_PATH, start);
}

static in_lex_t lex_word(in_lexer_t *lx) {
  uint32_t start = lx->at;
  while (is_word(peek(lx, 0))) lx->at++;
  token(lx, IN_TOK_WORD, start);
  if (in_eq(lx->tok.text, IN_SPAN("json"))) lx->json_next = true;
  return IN_LEX_TOKEN;
}

static in_lex_t lex_operator(in_lexer_t *lx) {
  uint32_t start = lx->at;
  int c = peek(lx, 0), d = peek(lx, 1);
  if ((d == '=' && (c == '=' || c == '!' || c == '<' || c == '>')) || (c == '-' && d == '>'))
    lx->at += 2;
  else if (c > 0 && strchr("<>=,()", c) != NULL)
    lx->at++;
  else
    return fail(lx, start, "this character has no meaning here", "texts stand in quotes: \"...\"");
  return token(lx, IN_TOK_OP, start);
}

static in_lex_t punctuation(in_lexer_t *lx, in_lex_t what) {
  uint32_t start = lx->at++;
  lx->tok.place = place_from(lx, start);
  return what;
}

in_lex_t in_lex_next(in_lexer_t *lx) {
  int c;
  bool json = lx->json_next;
  lx->json_next = false;
  skip_blank(lx);
  c = peek(lx, 0);
  if (json && (c == '{' || c == '[')) return lex_json(lx);
  switch (c) {
    case -1:
      lx->tok.place = place_from(lx, lx->at);
      return IN_LEX_END;
    case ';': return punctuation(lx, IN_LEX_SEMICOLON);
    case '{': return punctuation(lx, IN_LEX_OPEN);
    case '}': return punctuation(lx, IN_LEX_CLOSE);
    case '"': return lex_string(lx);
    case '/': return lex_path(lx);
    case '~': if (peek(lx, 1) == '"') return lex_regex(lx); break;
    case '-': if (peek(lx, 1) == '>') return lex_operator(lx); break;
    default: break;
  }
  return is_word(c) ? lex_word(lx) : lex_operator(lx);
}
