/*
** vocab.c -- the words that .rules files declare: systems, reasons, notices,
** sets, records of facts, toggles.
**
**   system NAME { title "..."; tier WORD; }
**   reason NAME STATUS "message";                order of declaration = rank
**   notice NAME [for lost FEATURE ...] [for verdict VERDICT ...] [when EXPR];
**   set NAME { WORD ... }
**   record KIND { FIELD TYPE [default ...]; ... }
**   toggle NAME default on|off;
**   toggle NAME { on when EXPR; off otherwise [because REASON]; }
**
** Knows nothing of guards but where they stand; expr.c reads them later, when
** all words are known.
*/
#include "compile.h"

bool in_vec_room(in_arena_t *a, void **at, uint32_t n, uint32_t *size, size_t item) {
  uint32_t want = *size == 0 ? 8 : *size * 2;
  void *p;
  if (n < *size) return true;
  if (want < *size) return false;
  p = in_arena_array(a, want, item);
  if (p == NULL) return false;
  if (n > 0) memcpy(p, *at, n * item);
  *at = p;
  *size = want;
  return true;
}

static interop_status_t no_memory(interop_diag_t *diag) {
  in_diag_set(diag, INTEROP_NOMEM, "out of memory");
  return INTEROP_NOMEM;
}

static interop_status_t bad(interop_diag_t *diag, in_place_t place, const char *msg, const char *hint) {
  in_diag_at(diag, INTEROP_SYNTAX, place, "%s", msg);
  if (hint != NULL) in_diag_hint(diag, "%s", hint);
  return INTEROP_SYNTAX;
}

/* ---- look-up: tables are short, and only compiling looks */

#define FIND(table, wanted) \
  for (uint32_t i_ = 0; i_ < (table).n; i_++) \
    if (in_eq((table).at[i_].name, (wanted))) return (int) i_; \
  return -1

int in_vocab_system(const in_vocab_t *v, in_span_t name) { FIND(v->systems, name); }
int in_vocab_reason(const in_vocab_t *v, in_span_t name) { FIND(v->reasons, name); }
int in_vocab_notice(const in_vocab_t *v, in_span_t name) { FIND(v->notices, name); }
int in_vocab_set(const in_vocab_t *v, in_span_t name) { FIND(v->sets, name); }
int in_vocab_toggle(const in_vocab_t *v, in_span_t name) { FIND(v->toggles, name); }

int in_vocab_field(const in_vocab_t *v, interop_record_kind_t record, in_span_t name) {
  for (uint32_t i = 0; i < v->fields.n; i++)
    if (v->fields.at[i].record == record && in_eq(v->fields.at[i].name, name)) return (int) i;
  return -1;
}

int in_field_value(const in_field_t *f, in_span_t name) {
  for (uint32_t i = 0; i < f->values; i++)
    if (in_eq(f->value[i], name)) return (int) i;
  return -1;
}

#define BY_NAME(function, count, name_of, type) \
  int function(in_span_t s) { \
    for (int i = 0; i < (int) (count); i++) \
      if (in_eq(s, in_str(name_of((type) i)))) return i; \
    return -1; \
  }

BY_NAME(in_operation_by_name, INTEROP_OPERATION_COUNT, interop_operation_name, interop_operation_t)
BY_NAME(in_kind_by_name, INTEROP_KIND_COUNT, interop_kind_name, interop_kind_t)
BY_NAME(in_feature_by_name, INTEROP_FEATURE_COUNT, interop_feature_name, interop_feature_t)
BY_NAME(in_verdict_by_name, INTEROP_VERDICT_COUNT, interop_verdict_name, interop_verdict_t)
static BY_NAME(record_by_name, INTEROP_RECORD_COUNT, interop_record_kind_name, interop_record_kind_t)

int in_vocab_systems(const in_vocab_t *v, const in_span_t **names) {
  in_span_t *list = in_arena_array(v->arena, v->systems.n + 1, sizeof(*list));
  *names = list;
  if (list == NULL) return 0;
  for (uint32_t i = 0; i < v->systems.n; i++) list[i] = v->systems.at[i].name;
  return (int) v->systems.n;
}

/* messges.*: the families of the names, message.*, are candidates too */
static in_span_t nearest_family(const in_vocab_t *v, in_span_t word, const in_span_t *names, size_t count) {
  in_span_t *list = in_arena_array(v->arena, count + 1, sizeof(*list));
  if (list == NULL || !in_ends(word, IN_SPAN(".*"))) return IN_NONE;
  for (size_t i = 0; i < count; i++) {
    const char *dot = names[i].n > 0 ? memchr(names[i].p, '.', names[i].n) : NULL;
    list[i] = dot == NULL ? IN_NONE : in_span(names[i].p, (size_t) (dot - names[i].p));
  }
  return in_nearest(in_span(word.p, word.n - 2), list, count);
}

void in_vocab_unknown(const in_vocab_t *v, const char *what, const in_tok_t *tok,
                      const in_span_t *names, size_t count, interop_diag_t *diag) {
  in_span_t family = nearest_family(v, tok->text, names, count);
  in_span_t near = family.p == NULL ? in_nearest(tok->text, names, count) : IN_NONE;
  in_diag_at(diag, INTEROP_SYNTAX, tok->place, "unknown %s \"%.*s\"", what,
             (int) tok->text.n, tok->text.p);
  if (family.p != NULL) in_diag_hint(diag, "did you mean \"%.*s.*\"?", (int) family.n, family.p);
  if (near.p != NULL) in_diag_hint(diag, "did you mean \"%.*s\"?", (int) near.n, near.p);
}

/* "known are a, b and c", for lists that one can take in */
static void hint_all(const in_span_t *names, size_t count, interop_diag_t *diag) {
  char text[256];
  size_t n = 0;
  if (count == 0 || count > 12) return;
  for (size_t i = 0; i < count; i++) {
    const char *join = i == 0 ? "" : i + 1 == count ? " and " : ", ";
    if (names[i].n > sizeof(text) - n - 8) return;
    memcpy(text + n, join, strlen(join));
    n += strlen(join);
    memcpy(text + n, names[i].p, names[i].n);
    n += names[i].n;
  }
  in_diag_hint(diag, "known are %.*s", (int) n, text);
}

static void unknown_of(const in_vocab_t *v, const char *what, const in_tok_t *tok,
                       const in_span_t *names, size_t count, interop_diag_t *diag) {
  in_vocab_unknown(v, what, tok, names, count, diag);
  if (in_nearest(tok->text, names, count).p == NULL) hint_all(names, count, diag);
}

#define CLOSED(count, name_of, type) \
  for (int i = 0; i < (int) (count); i++) to[i] = in_str(name_of((type) i)); \
  return (count)
#define DECLARED(table) \
  for (uint32_t i = 0; i < (table).n; i++) to[i] = (table).at[i].name; \
  return (table).n

/* fills `to`, which has room for all */
static size_t names_of(const in_vocab_t *v, in_word_list_t list, in_span_t *to) {
  switch (list) {
    case IN_W_OPERATION: CLOSED(INTEROP_OPERATION_COUNT, interop_operation_name, interop_operation_t);
    case IN_W_KIND: CLOSED(INTEROP_KIND_COUNT, interop_kind_name, interop_kind_t);
    case IN_W_FEATURE: CLOSED(INTEROP_FEATURE_COUNT, interop_feature_name, interop_feature_t);
    case IN_W_VERDICT: CLOSED(INTEROP_VERDICT_COUNT, interop_verdict_name, interop_verdict_t);
    case IN_W_RECORD: CLOSED(INTEROP_RECORD_COUNT, interop_record_kind_name, interop_record_kind_t);
    case IN_W_SYSTEM: DECLARED(v->systems);
    case IN_W_REASON: DECLARED(v->reasons);
    case IN_W_NOTICE: DECLARED(v->notices);
    case IN_W_TOGGLE: DECLARED(v->toggles);
    default: return 0;
  }
}

void in_vocab_no(const in_vocab_t *v, in_word_list_t list, const in_tok_t *tok, interop_diag_t *diag) {
  static const char *const what[] = {
#define IN_X(name, text) text,
    IN_WORD_LISTS(IN_X)
#undef IN_X
  };
  size_t room = (size_t) INTEROP_OPERATION_COUNT + v->systems.n + v->reasons.n + v->notices.n + v->toggles.n;
  in_span_t *names = in_arena_array(v->arena, room, sizeof(*names));
  unknown_of(v, what[list], tok, names, names == NULL ? 0 : names_of(v, list, names), diag);
}

void in_vocab_no_value(const in_vocab_t *v, const in_tok_t *tok, const in_span_t *values,
                       uint32_t count, interop_diag_t *diag) {
  unknown_of(v, "value", tok, values, count, diag);
}

/* ---- reading */

typedef struct { in_vocab_t *v; interop_diag_t *diag; } reader_t;

static bool is_word(const in_stmt_t *s, uint32_t i) {
  return i < s->ntok && s->tok[i].kind == IN_TOK_WORD;
}

static bool is_string(const in_stmt_t *s, uint32_t i) {
  return i < s->ntok && s->tok[i].kind == IN_TOK_STRING;
}

static unsigned line_of(in_place_t p) {
  unsigned n = 1;
  for (uint32_t i = 0; i < p.offset; i++) n += p.source->text.p[i] == '\n';
  return n;
}

static interop_status_t twice(reader_t *r, const in_tok_t *tok, in_place_t first) {
  in_diag_at(r->diag, INTEROP_SYNTAX, tok->place, "\"%.*s\" is declared twice",
             (int) tok->text.n, tok->text.p);
  in_diag_hint(r->diag, "the other one stands in %.*s:%u", (int) first.source->name.n,
               first.source->name.p, line_of(first));
  return INTEROP_SYNTAX;
}

/* a statement that ends with ';' */
static bool leaf(reader_t *r, const in_stmt_t *s) {
  if (!s->has_block) return true;
  bad(r->diag, s->open, "a block has no meaning here", "end the statement with ';'");
  return false;
}

static interop_status_t read_system(reader_t *r, const in_stmt_t *s) {
  in_system_t sys = { IN_NONE, IN_NONE, IN_NONE, in_stmt_place(s) };
  int old;
  if (s->ntok != 2 || !is_word(s, 1) || !s->has_block)
    return bad(r->diag, in_stmt_place(s), "a system has a name and a block",
               "system NAME { title \"...\"; }");
  old = in_vocab_system(r->v, s->tok[1].text);
  if (old >= 0) return twice(r, &s->tok[1], r->v->systems.at[old].place);
  sys.name = sys.title = s->tok[1].text;
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next) {
    if (!leaf(r, b)) return INTEROP_SYNTAX;
    if (in_tok_is(b, 0, "title") && b->ntok == 2 && is_string(b, 1)) sys.title = b->tok[1].text;
    else if (in_tok_is(b, 0, "tier") && b->ntok == 2 && is_word(b, 1)) sys.tier = b->tok[1].text;
    else return bad(r->diag, in_stmt_place(b), "a system has a title and a tier",
                    "title \"...\"; tier WORD;");
  }
  if (r->v->systems.n == IN_MAX_SYSTEMS)
    return bad(r->diag, s->tok[1].place, "there are more than 62 systems", NULL);
  return in_vec_push(r->v->arena, &r->v->systems, sys) ? INTEROP_OK : no_memory(r->diag);
}

bool in_vocab_number(in_span_t s, int64_t *n) {
  uint64_t v = 0;
  size_t i = s.n > 0 && s.p[0] == '-';
  if (i == s.n || s.n - i > 18) return false;
  for (; i < s.n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9') return false;
    v = v * 10 + (uint64_t) (s.p[i] - '0');
  }
  *n = s.p[0] == '-' ? -(int64_t) v : (int64_t) v;
  return true;
}

static interop_status_t read_reason(reader_t *r, const in_stmt_t *s) {
  in_reason_t reason;
  int64_t status;
  int old;
  memset(&reason, 0, sizeof(reason));
  reason.final = s->ntok == 5 && in_tok_is(s, 4, "final");
  if (s->ntok != (reason.final ? 5 : 4) || s->has_block || !is_word(s, 1) || !is_string(s, 3)
      || !in_vocab_number(s->tok[2].text, &status) || status < 400 || status > 599)
    return bad(r->diag, in_stmt_place(s), "a reason has a name, an HTTP status and a message",
               "reason NAME 403 \"what the client is told\" [final];");
  old = in_vocab_reason(r->v, s->tok[1].text);
  if (old >= 0) return twice(r, &s->tok[1], r->v->reasons.at[old].place);
  reason.name = s->tok[1].text;
  reason.message = s->tok[3].text;
  reason.status = (uint32_t) status;
  reason.place = s->tok[1].place;
  return in_vec_push(r->v->arena, &r->v->reasons, reason) ? INTEROP_OK : no_memory(r->diag);
}

/* `for lost a b c` or `for verdict a b c`; *at behind it */
static interop_status_t read_notice_for(reader_t *r, const in_stmt_t *s, uint32_t *at, in_notice_t *n) {
  bool lost = in_tok_is(s, *at + 1, "lost");
  uint32_t i = *at + 2;
  if (!lost && !in_tok_is(s, *at + 1, "verdict"))
    return bad(r->diag, in_stmt_at(s, *at + 1), "`for` is followed by `lost` or `verdict`",
               "for lost FEATURE ..., for verdict VERDICT ...");
  for (; is_word(s, i) && !in_tok_is(s, i, "for") && !in_tok_is(s, i, "when"); i++) {
    int k = lost ? in_feature_by_name(s->tok[i].text) : in_verdict_by_name(s->tok[i].text);
    if (k < 0) {
      in_vocab_no(r->v, lost ? IN_W_FEATURE : IN_W_VERDICT, &s->tok[i], r->diag);
      return INTEROP_SYNTAX;
    }
    *(lost ? &n->lost : &n->verdicts) |= 1u << k;
  }
  if (i == *at + 2)
    return bad(r->diag, in_stmt_at(s, i), lost ? "a feature is missing here" : "a verdict is missing here", NULL);
  *at = i;
  return INTEROP_OK;
}

static interop_status_t read_notice(reader_t *r, const in_stmt_t *s) {
  in_notice_t n;
  uint32_t i = 2;
  int old;
  memset(&n, 0, sizeof(n));
  if (!is_word(s, 1) || s->has_block)
    return bad(r->diag, in_stmt_place(s), "a notice has a name",
               "notice NAME [for lost FEATURE ...] [for verdict VERDICT ...] [when GUARD];");
  old = in_vocab_notice(r->v, s->tok[1].text);
  if (old >= 0) return twice(r, &s->tok[1], r->v->notices.at[old].place);
  n.name = s->tok[1].text;
  n.place = s->tok[1].place;
  while (i < s->ntok) {
    if (in_tok_is(s, i, "for")) {
      if (read_notice_for(r, s, &i, &n) != INTEROP_OK) return r->diag->status;
    } else if (in_tok_is(s, i, "when")) {
      n.when = s;
      n.when_at = i + 1;
      break;
    } else {
      return bad(r->diag, s->tok[i].place, "a notice goes on with `for` or `when`",
                 "notice NAME [for lost FEATURE ...] [for verdict VERDICT ...] [when GUARD];");
    }
  }
  if (r->v->notices.n == IN_MAX_NOTICES)
    return bad(r->diag, n.place, "there are more than 64 notices", NULL);
  return in_vec_push(r->v->arena, &r->v->notices, n) ? INTEROP_OK : no_memory(r->diag);
}

static bool read_member(reader_t *r, const in_tok_t *tok, in_set_t *set, uint32_t i) {
  if (tok->kind != IN_TOK_WORD && tok->kind != IN_TOK_STRING && tok->kind != IN_TOK_PATH) {
    bad(r->diag, tok->place, "a set holds words and strings", "without commas between them");
    return false;
  }
  for (uint32_t k = 0; k < i; k++) {
    if (!in_eq(set->member[k], tok->text)) continue;
    bad(r->diag, tok->place, "this word stands twice in the set", NULL);
    return false;
  }
  set->member[i] = tok->text;
  return true;
}

static interop_status_t read_set(reader_t *r, const in_stmt_t *s) {
  in_set_t set;
  int old;
  memset(&set, 0, sizeof(set));
  if (s->ntok != 2 || !is_word(s, 1) || !s->has_block || s->block == NULL || s->block->next != NULL
      || s->block->has_block)
    return bad(r->diag, in_stmt_place(s), "a set has a name and one list of words",
               "set NAME { WORD WORD }");
  old = in_vocab_set(r->v, s->tok[1].text);
  if (old >= 0) return twice(r, &s->tok[1], r->v->sets.at[old].place);
  set.name = s->tok[1].text;
  set.place = s->tok[1].place;
  set.count = s->block->ntok;
  set.member = in_arena_array(r->v->arena, set.count, sizeof(*set.member));
  if (set.member == NULL) return no_memory(r->diag);
  for (uint32_t i = 0; i < set.count; i++)
    if (!read_member(r, &s->block->tok[i], &set, i)) return INTEROP_SYNTAX;
  return in_vec_push(r->v->arena, &r->v->sets, set) ? INTEROP_OK : no_memory(r->diag);
}

/* ---- records */

static bool is_attribute(const in_stmt_t *s, uint32_t i) {
  return in_tok_is(s, i, "default") || in_tok_is(s, i, "ordered") || in_tok_is(s, i, "fetched");
}

/* `one of none A deafult none`: the attribute was taken for a value */
static interop_status_t stands_twice(reader_t *r, const in_stmt_t *s, uint32_t i, const in_field_t *f) {
  static const in_span_t words[] = { { "default", 7 }, { "ordered", 7 }, { "fetched", 7 } };
  in_span_t near = IN_NONE;
  for (uint32_t k = 0; k < f->values && near.p == NULL; k++) near = in_nearest(f->value[k], words, in_countof(words));
  bad(r->diag, s->tok[i].place, "this value stands twice", NULL);
  if (near.p != NULL) in_diag_hint(r->diag, "did you mean \"%.*s\" before it?", (int) near.n, near.p);
  return INTEROP_SYNTAX;
}

/* `default form tenant`, `default from ailas "..."`: a default, and then what? */
static interop_status_t second_default(reader_t *r, const in_stmt_t *s, uint32_t at) {
  static const in_span_t words[] = { { "from", 4 }, { "tenant", 6 }, { "parent", 6 }, { "alias", 5 } };
  in_span_t near = in_tok_is(s, at - 1, "from") ? in_nearest(s->tok[at].text, words, in_countof(words))
                                                : in_nearest(s->tok[at - 1].text, words, 1);
  bad(r->diag, s->tok[at].place, "a fact has one default", NULL);
  if (near.p != NULL) in_diag_hint(r->diag, "did you mean \"%.*s\"?", (int) near.n, near.p);
  return INTEROP_SYNTAX;
}

static interop_status_t read_values(reader_t *r, const in_stmt_t *s, uint32_t *at, in_field_t *f) {
  uint32_t i = *at, n = 0;
  while (is_word(s, i + n) && !is_attribute(s, i + n)) n++;
  if (n == 0 || n > IN_MAX_VALUES)
    return bad(r->diag, in_stmt_at(s, i), "`one of` is followed by 1 to 62 words", "one of WORD WORD ...");
  f->value = in_arena_array(r->v->arena, n, sizeof(*f->value));
  if (f->value == NULL) return no_memory(r->diag);
  for (f->values = 0; f->values < n; f->values++) {
    if (in_field_value(f, s->tok[i].text) >= 0) return stands_twice(r, s, i, f);
    f->value[f->values] = s->tok[i++].text;
  }
  *at = i;
  return INTEROP_OK;
}

static interop_status_t read_type(reader_t *r, const in_stmt_t *s, uint32_t *at, in_field_t *f) {
  static const char *const names[] = {
#define IN_X(name, text) text,
    IN_FACT_TYPES(IN_X)
#undef IN_X
  };
  if (in_tok_is(s, *at, "one") && in_tok_is(s, *at + 1, "of")) {
    f->type = IN_T_ENUM;
    *at += 2;
    return read_values(r, s, at, f);
  }
  for (int t = 0; t < IN_TYPE_COUNT; t++) {
    if (t != IN_T_ENUM && in_tok_is(s, *at, names[t])) {
      f->type = (in_type_t) t;
      ++*at;
      return INTEROP_OK;
    }
  }
  return bad(r->diag, in_stmt_at(s, *at), *at < s->ntok ? "this is no type of a fact" : "a fact's type is missing here",
             "flag, one of WORD ..., code, text, time, number or list");
}

static interop_status_t default_value(reader_t *r, const in_tok_t *tok, in_field_t *f) {
  f->def_text = tok->text;
  switch (f->type) {
    case IN_T_FLAG:
      if (in_eq(tok->text, IN_SPAN("true"))) f->def_number = 1;
      else if (!in_eq(tok->text, IN_SPAN("false")))
        return bad(r->diag, tok->place, "a flag is true or false", "default false");
      return INTEROP_OK;
    case IN_T_ENUM:
      f->def_number = in_field_value(f, tok->text);
      if (f->def_number >= 0) return INTEROP_OK;
      in_vocab_no_value(r->v, tok, f->value, f->values, r->diag);
      return INTEROP_SYNTAX;
    case IN_T_NUMBER:
      return in_vocab_number(tok->text, &f->def_number) ? INTEROP_OK
             : bad(r->diag, tok->place, "a whole number is wanted here", "at most 18 digits");
    case IN_T_LIST:
      return in_eq(tok->text, IN_SPAN("empty")) ? INTEROP_OK
             : bad(r->diag, tok->place, "a list can only be empty by default", "default empty");
    case IN_T_TIME:
      return in_time_parse(tok->text, &f->def_number) ? INTEROP_OK
             : bad(r->diag, tok->place, "a time is wanted here", "2019-01-15 or 2019-01-15T10:00:00Z");
    default:
      return INTEROP_OK;
  }
}

/* default from alias "8:x:{id}_": what stands in place of {id} in the first alias of this form */
static interop_status_t default_alias(reader_t *r, const in_stmt_t *s, uint32_t at, in_field_t *f) {
  static const char form[] = "default from alias \"PREFIX{id}END\", END being one character";
  const in_span_t hole = IN_SPAN("{id}");
  in_span_t text = is_string(s, at) ? s->tok[at].text : IN_NONE;
  if (f->type != IN_T_CODE && f->type != IN_T_TEXT)
    return bad(r->diag, in_stmt_at(s, at), "only a code or a text can be a part of an alias", form);
  if (text.n < hole.n + 2 || !in_eq(in_span(text.p + text.n - 5, 4), hole))
    return bad(r->diag, in_stmt_at(s, at), "the form of an alias is wanted here", form);
  f->def = IN_DEF_ALIAS;
  f->def_text = in_span(text.p, text.n - 5);
  f->def_number = (unsigned char) text.p[text.n - 1];
  return INTEROP_OK;
}

/* ordered | default VALUE | default from tenant | default from alias FORM |
** default from parent else VALUE | default empty | fetched else VALUE */
static interop_status_t read_attributes(reader_t *r, const in_stmt_t *s, uint32_t at, in_field_t *f) {
  while (at < s->ntok) {
    if (f->def != IN_DEF_NONE && !in_tok_is(s, at, "ordered"))
      return second_default(r, s, at);
    if (in_tok_is(s, at, "ordered") && f->type == IN_T_ENUM) {
      f->ordered = true;
      at++;
    } else if (in_tok_is(s, at, "default") && in_tok_is(s, at + 1, "from") && in_tok_is(s, at + 2, "tenant")) {
      f->def = IN_DEF_TENANT;
      at += 3;
    } else if (f->record == INTEROP_R_CONVERSATION && in_tok_is(s, at, "default") && in_tok_is(s, at + 1, "from")
               && in_tok_is(s, at + 2, "parent") && in_tok_is(s, at + 3, "else") && at + 4 < s->ntok
               && f->type != IN_T_LIST) {
      f->def = IN_DEF_PARENT;
      if (default_value(r, &s->tok[at + 4], f) != INTEROP_OK) return r->diag->status;
      at += 5;
    } else if (in_tok_is(s, at, "default") && in_tok_is(s, at + 1, "from") && in_tok_is(s, at + 2, "alias")) {
      if (default_alias(r, s, at + 3, f) != INTEROP_OK) return r->diag->status;
      at += 4;
    } else if (in_tok_is(s, at, "default") && at + 1 < s->ntok) {
      f->def = IN_DEF_VALUE;
      if (default_value(r, &s->tok[at + 1], f) != INTEROP_OK) return r->diag->status;
      at += 2;
    } else if (in_tok_is(s, at, "fetched") && in_tok_is(s, at + 1, "else") && at + 2 < s->ntok) {
      f->def = IN_DEF_FETCH;
      if (default_value(r, &s->tok[at + 2], f) != INTEROP_OK) return r->diag->status;
      at += 3;
    } else {
      return bad(r->diag, s->tok[at].place, "this word has no meaning in a fact's declaration",
                 "ordered, default VALUE, default from tenant, fetched else VALUE");
    }
  }
  return INTEROP_OK;
}

static interop_status_t add_field(reader_t *r, const in_field_t *f, const in_tok_t *tok) {
  int old = in_vocab_field(r->v, f->record, f->name);
  if (old >= 0) return twice(r, tok, r->v->fields.at[old].place);
  return in_vec_push(r->v->arena, &r->v->fields, *f) ? INTEROP_OK : no_memory(r->diag);
}

static interop_status_t read_record(reader_t *r, const in_stmt_t *s) {
  int record;
  if (s->ntok != 2 || !is_word(s, 1) || !s->has_block)
    return bad(r->diag, in_stmt_place(s), "a record has a kind and a block of facts",
               "record user { linked_account flag; }");
  record = record_by_name(s->tok[1].text);
  if (record < 0) {
    in_vocab_no(r->v, IN_W_RECORD, &s->tok[1], r->diag);
    return INTEROP_SYNTAX;
  }
  for (const in_stmt_t *b = s->block; b != NULL; b = b->next) {
    in_field_t f;
    uint32_t at = 1;
    memset(&f, 0, sizeof(f));
    f.record = (interop_record_kind_t) record;
    f.name = b->tok[0].text;
    f.place = b->tok[0].place;
    if (!leaf(r, b)) return INTEROP_SYNTAX;
    if (!is_word(b, 0)) return bad(r->diag, f.place, "a fact's name is a word", NULL);
    if (read_type(r, b, &at, &f) != INTEROP_OK || read_attributes(r, b, at, &f) != INTEROP_OK
        || add_field(r, &f, &b->tok[0]) != INTEROP_OK)
      return r->diag->status;
  }
  return INTEROP_OK;
}

/* ---- toggles */

static interop_status_t toggle_field(reader_t *r, const in_stmt_t *s, in_toggle_t *t) {
  static const in_span_t states[] = { { "unset", 5 }, { "on", 2 }, { "off", 3 } };
  in_field_t f;
  memset(&f, 0, sizeof(f));
  f.name = in_arena_printf(r->v->arena, "toggles.%.*s", (int) t->name.n, t->name.p);
  f.value = in_arena_array(r->v->arena, 3, sizeof(*f.value));
  if (f.name.p == NULL || f.value == NULL) return no_memory(r->diag);
  memcpy(f.value, states, sizeof(states));
  f.values = 3;
  f.record = INTEROP_R_TENANT;
  f.type = IN_T_ENUM;
  f.def = IN_DEF_VALUE;
  f.place = t->place;
  t->field = (int) r->v->fields.n;
  return add_field(r, &f, &s->tok[1]);
}

static interop_status_t toggle_block(reader_t *r, const in_stmt_t *s, in_toggle_t *t) {
  const in_stmt_t *on = s->block, *off = on != NULL ? on->next : NULL;
  if (off == NULL || off->next != NULL || !in_tok_is(on, 0, "on") || !in_tok_is(on, 1, "when")
      || !in_tok_is(off, 0, "off") || !in_tok_is(off, 1, "otherwise") || on->has_block || off->has_block)
    return bad(r->diag, in_stmt_place(s), "a toggle says when it is on and what it is otherwise",
               "on when GUARD; off otherwise because REASON;");
  t->on_when = on;
  t->on_when_at = 2;
  if (off->ntok == 2) return INTEROP_OK;
  if (off->ntok != 4 || !in_tok_is(off, 2, "because"))
    return bad(r->diag, off->tok[2].place, "`otherwise` goes on with `because REASON`", "off otherwise because REASON;");
  t->because = in_vocab_reason(r->v, off->tok[3].text);
  if (t->because >= 0) return INTEROP_OK;
  in_vocab_no(r->v, IN_W_REASON, &off->tok[3], r->diag);
  return INTEROP_SYNTAX;
}

static interop_status_t read_toggle(reader_t *r, const in_stmt_t *s) {
  in_toggle_t t;
  int old;
  memset(&t, 0, sizeof(t));
  t.because = -1;
  if (!is_word(s, 1)) return bad(r->diag, in_stmt_place(s), "a toggle has a name", "toggle NAME default off;");
  old = in_vocab_toggle(r->v, s->tok[1].text);
  if (old >= 0) return twice(r, &s->tok[1], r->v->toggles.at[old].place);
  t.name = s->tok[1].text;
  t.place = s->tok[1].place;
  if (s->has_block && s->ntok == 2) {
    if (toggle_block(r, s, &t) != INTEROP_OK) return r->diag->status;
  } else if (!s->has_block && s->ntok == 4 && in_tok_is(s, 2, "default")
             && (in_tok_is(s, 3, "on") || in_tok_is(s, 3, "off"))) {
    t.default_on = in_tok_is(s, 3, "on");
  } else {
    return bad(r->diag, in_stmt_place(s), "a toggle has a default or a block that says when it is on",
               "toggle NAME default off;");
  }
  if (toggle_field(r, s, &t) != INTEROP_OK) return r->diag->status;
  return in_vec_push(r->v->arena, &r->v->toggles, t) ? INTEROP_OK : no_memory(r->diag);
}

/* ORDER: a toggle's `because` names a reason, so reasons are read before toggles */
static const struct {
  const char *word;
  interop_status_t (*read)(reader_t *r, const in_stmt_t *s);
} readers[] = {
  { "system", read_system }, { "reason", read_reason }, { "notice", read_notice },
  { "set", read_set }, { "record", read_record }, { "toggle", read_toggle },
};

bool in_vocab_owns(const in_stmt_t *stmt) {
  for (size_t k = 0; k < in_countof(readers); k++)
    if (in_tok_is(stmt, 0, readers[k].word)) return true;
  return false;
}

/* every statement of one sort, those inside policies too: a policy may hold its
** own sets and toggles, whose names are known everywhere all the same */
static interop_status_t read_sort(reader_t *r, size_t sort, const in_stmt_t *stmts) {
  for (const in_stmt_t *s = stmts; s != NULL; s = s->next) {
    if (in_tok_is(s, 0, readers[sort].word)) {
      if (readers[sort].read(r, s) != INTEROP_OK) return r->diag->status;
    } else if (in_tok_is(s, 0, "policy")) {
      for (const in_stmt_t *b = s->block; b != NULL; b = b->next)
        if (in_tok_is(b, 0, readers[sort].word) && readers[sort].read(r, b) != INTEROP_OK)
          return r->diag->status;
    }
  }
  return INTEROP_OK;
}

static bool same_values(const in_field_t *a, const in_field_t *b) {
  if (a->type != b->type || a->values != b->values) return false;
  for (uint32_t i = 0; i < a->values; i++)
    if (!in_eq(a->value[i], b->value[i])) return false;
  return true;
}

/* `default from tenant` names a fact that a tenant has, of the same type */
static interop_status_t check_tenant_defaults(reader_t *r) {
  for (uint32_t i = 0; i < r->v->fields.n; i++) {
    const in_field_t *f = &r->v->fields.at[i];
    int t = in_vocab_field(r->v, INTEROP_R_TENANT, f->name);
    if (f->def != IN_DEF_TENANT) continue;
    if (f->record == INTEROP_R_TENANT)
      return bad(r->diag, f->place, "a tenant's fact has no default from the tenant", NULL);
    if (t < 0)
      return bad(r->diag, f->place, "the tenant has no fact of this name", "declare it in record tenant");
    if (!same_values(f, &r->v->fields.at[t]))
      return bad(r->diag, f->place, "the tenant's fact of this name is of another type", NULL);
  }
  return INTEROP_OK;
}

interop_status_t in_vocab_read(in_vocab_t *v, const in_stmt_t *stmts, interop_diag_t *diag) {
  reader_t r = { v, diag };
  for (size_t k = 0; k < in_countof(readers); k++)
    if (read_sort(&r, k, stmts) != INTEROP_OK) return diag->status;
  return check_tenant_defaults(&r);
}
