/*
** script.c -- scripts that policies attach, and the denials that none may relax.
**
** Owns the statement's own words and the reading of the file; knows no language
** of scripts: what is in the file is a text, which goes into the image. A denial
** for a final reason (of a geo section, a toggle's `because`, or declared so) may
** stand behind another in the order of reasons; so that a relaxation cannot pass
** by it, all of them stand in a list of their own, where scripts may relax.
*/
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mdd.h"

#define FILE_MAX  262144                /* bytes of a script */

static bool bad(in_compile_t *c, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(c->diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(c->diag, "%s", hint);
  return false;
}

/* ---- words */

/* 100000, 64k, 1m; ms: 5ms as microseconds */
static bool read_amount(in_span_t w, bool time, uint32_t *to) {
  uint64_t unit = time ? 1000 : 1, n;
  int64_t number;
  if (time && !in_ends(w, IN_SPAN("ms"))) return false;
  if (time) w.n -= 2;
  else if (in_ends(w, IN_SPAN("k"))) unit = 1024, w.n--;
  else if (in_ends(w, IN_SPAN("m"))) unit = (uint64_t) 1024 * 1024, w.n--;
  if (!in_vocab_number(w, &number) || number <= 0 || number > 1000000000) return false;
  n = (uint64_t) number * unit;
  *to = (uint32_t) n;
  return n <= UINT32_MAX;
}

static bool read_budget(in_compile_t *c, const in_stmt_t *s, uint32_t *at, in_script_t *sc) {
  static const struct { const char *word; uint32_t least, most; bool time; const char *hint; } words[] = {
    /* ORDER: INTEROP_BUDGETS */
#define INTEROP_X(name, usual, least, most) { #name, least, most, false, #name " " #least " ... " #most },
    INTEROP_BUDGETS(INTEROP_X)
#undef INTEROP_X
    { "time", 100, 1000000, true, "time 1ms ... 1000ms" },
  };
  uint32_t *const to[] = { &sc->rec.budget.instructions, &sc->rec.budget.memory, &sc->rec.budget.microseconds,
                           &sc->rec.budget.output, &sc->rec.budget.microseconds };
  for (size_t i = 0; i < in_countof(words); i++) {
    if (!in_tok_is(s, *at, words[i].word) || in_eq(s->tok[*at].text, IN_SPAN("microseconds"))) continue;
    if (*at + 1 >= s->ntok || !read_amount(s->tok[*at + 1].text, words[i].time, to[i]) || *to[i] < words[i].least
        || *to[i] > words[i].most)
      return bad(c, in_stmt_at(s, *at + 1), "this is no budget of a script", words[i].hint);
    *at += 2;
    return true;
  }
  return bad(c, s->tok[*at].place, "this word has no meaning in a script's statement",
             "for OPERATION ..., may relax to VERDICT, instructions N, memory N, time Nms, output N, set aside after N");
}

static bool read_relax(in_compile_t *c, const in_stmt_t *s, uint32_t *at, in_script_t *sc) {
  int v = in_tok_is(s, *at + 1, "relax") && in_tok_is(s, *at + 2, "to") && *at + 3 < s->ntok
              ? in_verdict_by_name(s->tok[*at + 3].text) : -1;
  if (v < 0 || v == INTEROP_V_DENY)
    return bad(c, in_stmt_at(s, *at + 3), "the mildest verdict that the script may give is missing here",
               "may relax to plain_text");
  sc->rec.relax = (uint32_t) v;
  *at += 4;
  return true;
}

static bool read_aside(in_compile_t *c, const in_stmt_t *s, uint32_t *at, in_script_t *sc) {
  int64_t n = 0;
  if (!in_tok_is(s, *at + 1, "aside") || !in_tok_is(s, *at + 2, "after") || *at + 3 >= s->ntok
      || !in_vocab_number(s->tok[*at + 3].text, &n) || n < 1 || n > 1000000)
    return bad(c, in_stmt_at(s, *at + 3), "it is said after how many failures in a row", "set aside after 10");
  sc->rec.failures = (uint32_t) n;
  *at += 4;
  return true;
}

/* ---- the file, beside the one that names it */

static bool file_error(in_compile_t *c, in_place_t place, in_span_t path, const char *why) {
  in_diag_at(c->diag, INTEROP_IO, place, "cannot read \"%.*s\": %s", (int) path.n, path.p, why);
  return false;
}

static in_span_t resolve(in_compile_t *c, in_place_t place, in_span_t file) {
  in_span_t dir = place.source->name;
  while (dir.n > 0 && dir.p[dir.n - 1] != '/') dir.n--;
  if (file.n > 0 && file.p[0] == '/') dir.n = 0;
  return in_arena_printf(c->arena, "%.*s%.*s", (int) dir.n, dir.p, (int) file.n, file.p);
}

static bool read_open(in_compile_t *c, in_place_t place, in_script_t *sc, int fd) {
  struct stat st;
  size_t n = 0;
  char *p;
  if (fstat(fd, &st) != 0) return file_error(c, place, sc->file, "it has no size");
  if (!S_ISREG(st.st_mode)) return file_error(c, place, sc->file, "it is no file");
  if (st.st_size > FILE_MAX) return file_error(c, place, sc->file, "it is larger than 256 KiB");
  p = in_arena_get(c->arena, (size_t) st.st_size + 1);
  if (p == NULL) return in_nomem(c), false;
  while (n < (size_t) st.st_size) {
    ssize_t got = read(fd, p + n, (size_t) st.st_size - n);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    n += (size_t) got;
  }
  sc->text = in_span(p, n);
  return true;
}

static bool read_file(in_compile_t *c, in_place_t place, in_script_t *sc) {
  char why[128];
  int fd;
  bool good;
  if (memchr(sc->file.p, 0, sc->file.n) != NULL) return file_error(c, place, IN_SPAN("..."), "its name has a NUL");
  sc->file = resolve(c, place, sc->file);
  if (sc->file.p == NULL) return in_nomem(c), false;
  fd = open(sc->file.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return file_error(c, place, sc->file, strerror_r(errno, why, sizeof(why)));
  good = read_open(c, place, sc, fd);
  close(fd);
  return good;
}

bool in_script_read(in_compile_t *c, const in_stmt_t *s, uint32_t at, in_script_t *sc) {
  sc->rec.relax = sc->rec.final = IN_NIL;
  while (at < s->ntok) {
    bool good = in_tok_is(s, at, "may") ? read_relax(c, s, &at, sc)
                : in_tok_is(s, at, "set") ? read_aside(c, s, &at, sc) : read_budget(c, s, &at, sc);
    if (!good) return false;
  }
  for (uint32_t i = 0; i < c->scripts.n; i++)
    if (in_eq(c->scripts.at[i].name, sc->name))
      return bad(c, sc->place, "a script of this name stands already", "each has a name of its own");
  if (!read_file(c, s->tok[2].place, sc)) return false;
  return in_vec_push(c->arena, &c->scripts, *sc) || (in_nomem(c), false);
}

/* ---- what may not be relaxed */

static in_expr_t *copy_expr(in_compile_t *c, const in_expr_t *e) {
  in_expr_t *n;
  if (e == NULL) return NULL;
  n = in_arena_get(c->arena, sizeof(*n));
  if (n == NULL) return NULL;
  *n = *e;
  n->a = copy_expr(c, e->a);
  n->b = copy_expr(c, e->b);
  return n;
}

static bool relaxes(const in_compile_t *c) {
  for (uint32_t i = 0; i < c->scripts.n; i++)
    if (c->scripts.at[i].rec.relax != IN_NIL) return true;
  return false;
}

interop_status_t in_scripts_finals(in_compile_t *c, bool (*unfold)(in_compile_t *c, in_expr_t *e)) {
  for (uint32_t i = 0; i < c->vocab.toggles.n; i++)
    if (c->vocab.toggles.at[i].because >= 0) c->vocab.reasons.at[c->vocab.toggles.at[i].because].final = true;
  if (!relaxes(c)) return INTEROP_OK;
  for (uint32_t i = 0; i < c->rules.n; i++) {
    in_rule_t r = c->rules.at[i];
    if ((r.kind != IN_R_DENY && r.kind != IN_R_ROW) || r.verdict != INTEROP_V_DENY || r.reason < 0
        || !c->vocab.reasons.at[r.reason].final) continue;
    r.when = copy_expr(c, r.when);
    if (c->arena->failed) return in_nomem(c);
    if (!unfold(c, r.when)) return c->diag->status;
    r.outcome = i;                      /* whose it is, until there are outcomes */
    if (!in_vec_push(c->arena, &c->finals, r)) return in_nomem(c);
  }
  return INTEROP_OK;
}

interop_status_t in_scripts_lower(in_compile_t *c) {
  in_pi_rule_t end;
  c->final_list = c->lists.n;
  if (!relaxes(c)) return c->final_list = IN_NIL, INTEROP_OK;
  for (uint32_t i = 0; i < c->finals.n; i++) {
    in_rule_t *r = &c->finals.at[i];
    const in_rule_t *of = &c->rules.at[r->outcome];
    in_pi_rule_t p = { r->ops, r->from, r->to, (uint32_t) r->kinds, c->policies.at[r->policy].between, IN_LIST_DENY,
                       0, of->outcome, 0 };
    if (of->outcome == IN_NIL) continue;        /* no event has it */
    p.guard = in_rule_guard(c, r);
    if (p.guard == IN_MDD_NONE) return c->diag->status;
    if (!in_vec_push(c->arena, &c->lists, p)) return in_nomem(c);
  }
  memset(&end, 0, sizeof(end));
  end.op = IN_LIST_END;
  end.outcome = in_mdd_undetermined(c, IN_NIL);
  if (end.outcome == IN_MDD_NONE) return c->diag->status;
  return in_vec_push(c->arena, &c->lists, end) ? INTEROP_OK : in_nomem(c);
}

void in_scripts_emit(in_compile_t *c) {
  in_builder_t *b = &c->builder;
  for (uint32_t i = 0; i < c->scripts.n; i++) {
    const in_script_t *s = &c->scripts.at[i];
    in_pi_script_t r = s->rec;
    r.name = in_builder_str(b, s->name);
    r.file = in_builder_str(b, s->file);
    r.text = in_builder_str(b, s->text);
    r.tenant = in_builder_str(b, s->tenant.p == NULL ? IN_SPAN("") : s->tenant);
    r.final = r.relax == IN_NIL ? IN_NIL : c->final_list;
    in_builder_add(b, IN_S_SCRIPTS, &r, 1, sizeof(r));
  }
}
