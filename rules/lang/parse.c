/*
** parse.c -- tokens to statements, and the files they come from.
**
** statement -> token { token } ( ';' | '{' { statement } '}' )
**
** Owns reading files and `include`. Blocks nest at most MAX_DEPTH deep with an
** explicit stack, so the C stack does not grow with the input.
*/
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lex.h"

#define MAX_DEPTH   32
#define MAX_FILE    ((size_t) 16 << 20)
#define MAX_TOTAL   ((size_t) 64 << 20)
#define MAX_FILES   1024
#define MAX_TOKENS  65536

typedef struct {
  in_stmt_t **tail;               /* where the next statement goes */
  in_stmt_t *owner;               /* the statement whose block this is, or NULL */
  uint32_t count;
} level_t;

typedef struct {
  in_arena_t *arena;
  interop_diag_t *diag;
  in_tok_t *tok;                  /* tokens of the statement being read */
  uint32_t ntok, size;
  level_t level[MAX_DEPTH];
  unsigned depth;
} parser_t;

typedef struct {
  in_arena_t *arena;
  interop_diag_t *diag;
  struct { dev_t dev; ino_t ino; } file[MAX_FILES];   /* read so far, directories too */
  unsigned files;
  size_t total;
  in_stmt_t **tail;
} loader_t;

in_place_t in_stmt_place(const in_stmt_t *s) {
  return s->tok[0].place;
}

in_place_t in_stmt_at(const in_stmt_t *s, uint32_t i) {
  return i < s->ntok ? s->tok[i].place : s->has_block ? s->open : s->end;
}

static interop_status_t no_memory(interop_diag_t *diag) {
  in_diag_set(diag, INTEROP_NOMEM, "out of memory");
  return INTEROP_NOMEM;
}

static bool push_token(parser_t *p, const in_tok_t *tok) {
  if (p->ntok == p->size) {
    uint32_t size = p->size == 0 ? 16 : p->size * 2;
    in_tok_t *t;
    if (size > MAX_TOKENS) {
      in_diag_at(p->diag, INTEROP_SYNTAX, tok->place, "the statement has more than %d words", MAX_TOKENS);
      in_diag_hint(p->diag, "is a ';' missing before this one?");
      return false;
    }
    t = in_arena_array(p->arena, size, sizeof(*t));
    if (t == NULL) { no_memory(p->diag); return false; }
    if (p->ntok > 0) memcpy(t, p->tok, p->ntok * sizeof(*t));
    p->tok = t;                   /* kept for the statements that follow */
    p->size = size;
  }
  p->tok[p->ntok++] = *tok;
  return true;
}

/* closes the statement being read; NULL = no memory */
static in_stmt_t *end_statement(parser_t *p, in_place_t end) {
  level_t *l = &p->level[p->depth];
  in_stmt_t *s = in_arena_get(p->arena, sizeof(*s));
  if (s != NULL) s->tok = in_arena_array(p->arena, p->ntok, sizeof(*s->tok));
  if (s == NULL || s->tok == NULL) { no_memory(p->diag); return NULL; }
  memcpy(s->tok, p->tok, p->ntok * sizeof(*s->tok));
  s->ntok = p->ntok;
  s->end = end;
  *l->tail = s;
  l->tail = &s->next;
  l->count++;
  p->ntok = 0;
  return s;
}

static bool on_semicolon(parser_t *p, in_place_t place) {
  if (p->ntok == 0) {
    in_diag_at(p->diag, INTEROP_SYNTAX, place, "a ';' with nothing before it");
    in_diag_hint(p->diag, "a block is not followed by ';'");
    return false;
  }
  return end_statement(p, place) != NULL;
}

static bool on_open(parser_t *p, in_place_t place) {
  in_stmt_t *s;
  if (p->ntok == 0) {
    in_diag_at(p->diag, INTEROP_SYNTAX, place, "a block needs a word before its '{'");
    in_diag_hint(p->diag, "WORD ... { ... }");
    return false;
  }
  if (p->depth + 1 == MAX_DEPTH) {
    in_diag_at(p->diag, INTEROP_SYNTAX, place, "blocks are nested more than %d deep", MAX_DEPTH);
    return false;
  }
  s = end_statement(p, place);
  if (s == NULL) return false;
  s->has_block = true;
  s->open = place;
  p->depth++;
  p->level[p->depth].owner = s;
  p->level[p->depth].tail = &s->block;
  p->level[p->depth].count = 0;
  return true;
}

static bool on_close(parser_t *p, in_place_t place) {
  level_t *l = &p->level[p->depth];
  if (l->owner == NULL) {
    in_diag_at(p->diag, INTEROP_SYNTAX, place, "a '}' that closes nothing");
    in_diag_hint(p->diag, "a '{' is missing, or this is one '}' too many");
    return false;
  }
  if (p->ntok > 0) {
    if (l->count > 0) {
      in_diag_at(p->diag, INTEROP_SYNTAX, p->tok[p->ntok - 1].place,
                 "';' is missing after this word");
      return false;
    }
    if (end_statement(p, place) == NULL) return false;
  }
  l->owner->end = place;
  p->depth--;
  return true;
}

static bool on_end(parser_t *p, in_place_t place) {
  if (p->ntok > 0) {
    in_diag_at(p->diag, INTEROP_SYNTAX, p->tok[p->ntok - 1].place,
               "the file ends inside a statement");
    in_diag_hint(p->diag, "';' is missing after this word");
    return false;
  }
  if (p->depth > 0) {
    in_diag_at(p->diag, INTEROP_SYNTAX, in_stmt_place(p->level[p->depth].owner),
               "the block of this statement is not closed");
    in_diag_hint(p->diag, "'}' is missing before the end of the file");
    return false;
  }
  (void) place;
  return true;
}

static interop_status_t check_text(const in_source_t *source, interop_diag_t *diag) {
  size_t bad = in_utf8_check(source->text);
  const char *nul;
  in_place_t place = { source, (uint32_t) bad, 1 };
  if (bad < source->text.n) {
    in_diag_at(diag, INTEROP_SYNTAX, place, "this byte is not UTF-8");
    in_diag_hint(diag, "save the file as UTF-8");
    return INTEROP_SYNTAX;
  }
  nul = source->text.n > 0 ? memchr(source->text.p, 0, source->text.n) : NULL;
  if (nul != NULL) {
    place.offset = (uint32_t) (nul - source->text.p);
    in_diag_at(diag, INTEROP_SYNTAX, place, "the file holds a NUL byte");
    return INTEROP_SYNTAX;
  }
  return INTEROP_OK;
}

interop_status_t in_syntax_parse(const in_source_t *source, in_arena_t *arena,
                                 in_stmt_t **stmts, interop_diag_t *diag) {
  in_lexer_t lx;
  parser_t p;
  bool ok = true;
  if (source->text.n > MAX_TOTAL) {
    in_diag_set(diag, INTEROP_SYNTAX, "%.*s: the source is larger than 64 MiB", (int) source->name.n, source->name.p);
    return INTEROP_SYNTAX;
  }
  if (check_text(source, diag) != INTEROP_OK) return INTEROP_SYNTAX;
  memset(&p, 0, sizeof(p));
  p.arena = arena;
  p.diag = diag;
  *stmts = NULL;
  p.level[0].tail = stmts;
  in_lex_init(&lx, source, arena, diag);
  while (ok) {
    switch (in_lex_next(&lx)) {
      case IN_LEX_TOKEN: ok = push_token(&p, &lx.tok); break;
      case IN_LEX_SEMICOLON: ok = on_semicolon(&p, lx.tok.place); break;
      case IN_LEX_OPEN: ok = on_open(&p, lx.tok.place); break;
      case IN_LEX_CLOSE: ok = on_close(&p, lx.tok.place); break;
      case IN_LEX_END: return on_end(&p, lx.tok.place) ? INTEROP_OK : diag->status;
      default: ok = false; break;
    }
  }
  return diag->status;
}

/* ---- files */

static interop_status_t file_error(loader_t *ld, const char *path, in_place_t from, const char *why) {
  if (from.source != NULL)
    in_diag_at(ld->diag, INTEROP_IO, from, "cannot read \"%s\": %s", path, why);
  else
    in_diag_set(ld->diag, INTEROP_IO, "%s: %s", path, why);
  return INTEROP_IO;
}

static interop_status_t io_error(loader_t *ld, const char *path, in_place_t from) {
  char why[128];
  return file_error(ld, path, from, strerror_r(errno, why, sizeof(why)));
}

static interop_status_t read_all(int fd, size_t size, char *to) {
  size_t got = 0;
  while (got < size) {
    ssize_t n = read(fd, to + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return INTEROP_IO;
    if (n == 0) break;
    got += (size_t) n;
  }
  if (got == size) return INTEROP_OK;
  errno = EIO;                    /* it became shorter while it was read */
  return INTEROP_IO;
}

static interop_status_t read_open_file(loader_t *ld, int fd, const char *path, in_place_t from,
                                       in_source_t *src) {
  struct stat st;
  char *text;
  if (fstat(fd, &st) != 0) return io_error(ld, path, from);
  if (!S_ISREG(st.st_mode)) return file_error(ld, path, from, "it is not a file");
  if ((size_t) st.st_size > MAX_FILE) return file_error(ld, path, from, "it is larger than 16 MiB");
  if (ld->total + (size_t) st.st_size > MAX_TOTAL)
    return file_error(ld, path, from, "all files together are larger than 64 MiB");
  text = in_arena_get(ld->arena, (size_t) st.st_size + 1);
  if (text == NULL) return no_memory(ld->diag);
  if (read_all(fd, (size_t) st.st_size, text) != INTEROP_OK) return io_error(ld, path, from);
  ld->total += (size_t) st.st_size;
  src->name = in_arena_copy(ld->arena, in_str(path));
  src->text = in_span(text, (size_t) st.st_size);
  return src->name.p == NULL ? no_memory(ld->diag) : INTEROP_OK;
}

/* is the path new? A file or directory is read once, whatever names lead to it */
static interop_status_t is_new(loader_t *ld, const char *path, in_place_t from, bool *fresh) {
  struct stat st;
  *fresh = false;
  if (stat(path, &st) != 0) return io_error(ld, path, from);
  for (unsigned i = 0; i < ld->files; i++)
    if (ld->file[i].dev == st.st_dev && ld->file[i].ino == st.st_ino) return INTEROP_OK;
  if (ld->files == MAX_FILES) return file_error(ld, path, from, "there are more than 1024 files");
  ld->file[ld->files].dev = st.st_dev;
  ld->file[ld->files++].ino = st.st_ino;
  *fresh = true;
  return INTEROP_OK;
}

static interop_status_t load_file(loader_t *ld, const char *path, in_place_t from, unsigned depth);

/* moves statements to the loader's list, `include` replaced by what it names */
static interop_status_t take_statements(loader_t *ld, in_stmt_t *s, in_span_t dir, unsigned depth) {
  while (s != NULL) {
    in_stmt_t *next = s->next;
    s->next = NULL;
    if (in_tok_is(s, 0, "include")) {
      in_span_t path;
      interop_status_t rc;
      if (s->ntok != 2 || s->has_block || s->tok[1].kind != IN_TOK_STRING) {
        in_diag_at(ld->diag, INTEROP_SYNTAX, in_stmt_place(s), "include takes one string");
        in_diag_hint(ld->diag, "include \"file.rules\";");
        return INTEROP_SYNTAX;
      }
      path = in_arena_printf(ld->arena, "%.*s%.*s", s->tok[1].text.p[0] == '/' ? 0 : (int) dir.n,
                             dir.p, (int) s->tok[1].text.n, s->tok[1].text.p);
      if (path.p == NULL) return no_memory(ld->diag);
      rc = load_file(ld, path.p, s->tok[1].place, depth + 1);
      if (rc != INTEROP_OK) return rc;
    } else {
      *ld->tail = s;
      ld->tail = &s->next;
    }
    s = next;
  }
  return INTEROP_OK;
}

static in_span_t dir_of(in_span_t path) {
  size_t n = path.n;
  while (n > 0 && path.p[n - 1] != '/') n--;
  return in_span(path.p, n);
}

static interop_status_t parse_file(loader_t *ld, int fd, const char *path, in_place_t from,
                                   unsigned depth) {
  in_source_t *src = in_arena_get(ld->arena, sizeof(*src));
  in_stmt_t *stmts;
  interop_status_t rc;
  if (src == NULL) return no_memory(ld->diag);
  rc = read_open_file(ld, fd, path, from, src);
  if (rc == INTEROP_OK) rc = in_syntax_parse(src, ld->arena, &stmts, ld->diag);
  if (rc == INTEROP_OK) rc = take_statements(ld, stmts, dir_of(src->name), depth);
  return rc;
}

static interop_status_t load_file(loader_t *ld, const char *path, in_place_t from, unsigned depth) {
  bool fresh;
  interop_status_t rc = is_new(ld, path, from, &fresh);
  int fd;
  if (rc != INTEROP_OK || !fresh) return rc;
  if (depth > MAX_DEPTH) return file_error(ld, path, from, "includes are nested more than 32 deep");
  fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);      /* a pipe must not hold us */
  if (fd < 0) return io_error(ld, path, from);
  rc = parse_file(ld, fd, path, from, depth);
  close(fd);
  return rc;
}

/* not alphasort: its order depends on the locale */
static int by_bytes(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int wanted(const struct dirent *e) {
  size_t n = strlen(e->d_name);
  return e->d_name[0] != '.' && (n < 6 || strcmp(e->d_name + n - 5, ".conf") != 0);
}

/* every *.rules in the directory and, in name order, below it */
static interop_status_t load_dir(loader_t *ld, const char *path, unsigned depth) {
  static const in_place_t nowhere = { NULL, 0, 0 };
  struct dirent **list;
  bool fresh;
  interop_status_t rc = is_new(ld, path, nowhere, &fresh);
  int n;
  if (rc != INTEROP_OK || !fresh) return rc;
  if (depth > MAX_DEPTH) return file_error(ld, path, nowhere, "directories are nested more than 32 deep");
  n = scandir(path, &list, wanted, by_bytes);
  if (n < 0) return io_error(ld, path, nowhere);
  for (int i = 0; i < n; i++) {
    struct stat st;
    in_span_t sub = in_arena_printf(ld->arena, "%s/%s", path, list[i]->d_name);
    free(list[i]);
    if (rc != INTEROP_OK) continue;
    if (sub.p == NULL) rc = no_memory(ld->diag);
    else if (stat(sub.p, &st) != 0) rc = io_error(ld, sub.p, nowhere);
    else if (S_ISDIR(st.st_mode)) rc = load_dir(ld, sub.p, depth + 1);
    else if (S_ISREG(st.st_mode) && in_ends(sub, IN_SPAN(".rules")))
      rc = load_file(ld, sub.p, nowhere, 0);
  }
  free(list);
  return rc;
}

interop_status_t in_syntax_load(const char *path, in_arena_t *arena, in_stmt_t **stmts,
                                interop_diag_t *diag) {
  static const in_place_t nowhere = { NULL, 0, 0 };
  loader_t *ld = in_arena_get(arena, sizeof(*ld));
  struct stat st;
  interop_status_t rc;
  *stmts = NULL;
  if (ld == NULL) return no_memory(diag);
  ld->arena = arena;
  ld->diag = diag;
  ld->tail = stmts;
  if (stat(path, &st) != 0) return io_error(ld, path, nowhere);
  rc = S_ISDIR(st.st_mode) ? load_dir(ld, path, 0) : load_file(ld, path, nowhere, 0);
  if (rc == INTEROP_OK && *stmts == NULL) {
    in_diag_set(diag, INTEROP_SYNTAX, "%s: there is no statement in it", path);
    rc = INTEROP_SYNTAX;
  }
  return rc;
}
