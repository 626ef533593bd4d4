/*
** compile_parts.c -- rows in a body's statements: what values mean, and who
** the people are that a body names.
**
**   parts /attachments by /contentType { image/gif gif;  reference file; ... }
**   identity NAME { id /rawId;  id /phone/value as "4:{id}";  ... }
**
** Owns CHOICES. A value may end in '*'. Lists of parts and cards end in a row
** for everything else, so that nothing goes unclassified.
*/
#include "compile.h"

static const char *const form_of[IN_ROLE_COUNT] = {
  [IN_ROLE_INERT] = "VALUE ... [feature NAME];",
  [IN_ROLE_FORMAT] = "VALUE ... text|html|markdown;",
  [IN_ROLE_PARTS] = "VALUE ... FEATURE;",
  [IN_ROLE_CARD] = "VALUE ... FEATURE;",
  [IN_ROLE_TYPE] = "VALUE ... WORD;",
};

static bool read_format(in_apic_t *c, const in_tok_t *tok, uint32_t *format) {
  static const in_span_t names[] = { { "text", 4 }, { "html", 4 }, { "markdown", 8 } };
  for (uint32_t i = 0; i < in_countof(names); i++) {
    if (!in_eq(tok->text, names[i])) continue;
    *format = i == 0 ? IN_FORMAT_TEXT : i == 1 ? IN_FORMAT_HTML : IN_FORMAT_MARKDOWN;
    return true;
  }
  return in_apic_unknown(c, "format", tok, names, in_countof(names));
}

/* what the row's last word says; *values: how many words before it are values */
static bool read_meaning(in_apic_t *c, const in_stmt_t *s, in_role_t role, in_ai_choice_t *row,
                         uint32_t *values) {
  uint32_t n = s->ntok;
  row->means = IN_NIL;
  *values = n - 1;
  if (role == IN_ROLE_INERT) {
    bool feature = n > 2 && in_tok_is(s, n - 2, "feature");
    *values = feature ? n - 2 : n;
    return !feature || in_apic_feature(c, &s->tok[n - 1], &row->means);
  }
  if (n < 2) return in_apic_bad(c, in_stmt_place(s), form_of[role], "values and their meaning are wanted");
  if (role == IN_ROLE_FORMAT) return read_format(c, &s->tok[n - 1], &row->means);
  if (role != IN_ROLE_TYPE) return in_apic_feature(c, &s->tok[n - 1], &row->means);
  row->word = in_builder_str(c->b, s->tok[n - 1].text);
  return true;
}

static bool read_row(in_apic_t *c, const in_stmt_t *s, in_role_t role, in_run_t *run, bool *all) {
  in_ai_choice_t row = { .means = IN_NIL };
  uint32_t values;
  if (s->has_block) return in_apic_bad(c, in_stmt_place(s), form_of[role], "this row has no block");
  if (!read_meaning(c, s, role, &row, &values)) return false;
  for (uint32_t i = 0; i < values; i++) {
    const in_tok_t *t = &s->tok[i];
    if (!in_apic_word(s, i)) return in_apic_bad(c, t->place, form_of[role], "a value is wanted here");
    if (*all) return in_apic_bad(c, t->place, NULL, "this row is never reached: '*' stands before it");
    if (in_eq(t->text, IN_SPAN("*"))) *all = true;
    row.value = in_builder_str(c->b, t->text);
    in_builder_add(c->b, IN_S_CHOICES, &row, 1, sizeof(row));
    run->count++;
  }
  return true;
}

bool in_apic_choices(in_apic_t *c, const in_stmt_t *s, in_role_t role, in_run_t *run) {
  bool all = false;
  run->first = in_builder_count(c->b, IN_S_CHOICES, sizeof(in_ai_choice_t));
  run->count = 0;
  for (const in_stmt_t *row = s->block; row != NULL; row = row->next)
    if (!read_row(c, row, role, run, &all)) return false;
  if (run->count == 0)
    return in_apic_bad(c, in_stmt_place(s), form_of[role], "the block says nothing");
  if (!all && (role == IN_ROLE_PARTS || role == IN_ROLE_CARD))
    return in_apic_bad(c, s->end, "* file;", "a row for everything else is missing");
  return true;
}

/* ---- people */

static bool has_id(in_span_t form) {
  return in_contains(form, IN_SPAN("{id}"));
}

static bool read_likes(in_apic_t *c, const in_stmt_t *s, uint32_t *i, in_run_t *likes) {
  likes->first = in_builder_count(c->b, IN_S_REFS, sizeof(in_ref_t));
  likes->count = 0;
  for (; *i < s->ntok && s->tok[*i].kind == IN_TOK_STRING; (*i)++, likes->count++) {
    if (!has_id(s->tok[*i].text))
      return in_apic_bad(c, s->tok[*i].place, "like \"users/{id}\"", "{id} is missing in this form");
    in_ref_t r = in_builder_str(c->b, s->tok[*i].text);
    in_builder_add(c->b, IN_S_REFS, &r, 1, sizeof(r));
  }
  if (likes->count > 0) return true;
  return in_apic_bad(c, s->tok[*i - 1].place, "like \"users/{id}\"", "a form in quotes is wanted after this");
}

static const char id_form[] = "id /POINTER [when /POINTER VALUE] [as \"{id}\"] [like \"{id}\" ...];";

/* one row of an identity */
static bool read_id(in_apic_t *c, const in_stmt_t *s, in_ai_choice_t *row) {
  uint32_t i = 2;
  if (!in_tok_is(s, 0, "id") || s->has_block)
    return in_apic_bad(c, in_stmt_place(s), id_form, "an identity is made of rows `id`");
  if (!in_apic_pointer(c, s, 1, id_form, &row->pointer)) return false;
  if (in_tok_is(s, i, "when")) {
    if (!in_apic_pointer(c, s, i + 1, id_form, &row->when)) return false;
    if (!in_apic_word(s, i + 2)) return in_apic_bad(c, s->tok[i].place, id_form, "a value is wanted");
    row->value = in_builder_str(c->b, s->tok[i + 2].text);
    i += 3;
  }
  if (in_tok_is(s, i, "as")) {
    if (!in_apic_word(s, i + 1) || !has_id(s->tok[i + 1].text))
      return in_apic_bad(c, s->tok[i].place, id_form, "a form with {id} is wanted after this");
    row->form = in_builder_str(c->b, s->tok[i + 1].text);
    i += 2;
  }
  if (in_tok_is(s, i, "like") && (i++, !read_likes(c, s, &i, &row->likes))) return false;
  return i == s->ntok || in_apic_bad(c, s->tok[i].place, id_form, "nothing is wanted here");
}

static bool read_identity(in_apic_t *c, const in_named_t *n, in_run_t *run) {
  run->first = in_builder_count(c->b, IN_S_CHOICES, sizeof(in_ai_choice_t));
  run->count = 0;
  for (const in_stmt_t *s = n->stmt->block; s != NULL; s = s->next, run->count++) {
    in_ai_choice_t row = { .means = IN_NIL };
    if (!read_id(c, s, &row)) return false;
    in_builder_add(c->b, IN_S_CHOICES, &row, 1, sizeof(row));
  }
  return run->count > 0 || in_apic_bad(c, n->name->place, id_form, "the identity says nothing");
}

/* id /P ... [like "..." ...] in one line */
static bool read_inline(in_apic_t *c, const in_stmt_t *s, uint32_t *at, in_run_t *run) {
  uint32_t first = *at, i = first;
  in_run_t likes = { 0, 0 };
  while (in_apic_is_pointer(s, i)) i++;
  if (i == first) return in_apic_bad(c, s->tok[first - 1].place, NULL, "a pointer is wanted after this");
  *at = i;
  if (in_tok_is(s, i, "like") && ((*at)++, !read_likes(c, s, at, &likes))) return false;
  run->count = 0;
  in_ai_choice_t row[8];
  if (i - first > in_countof(row))
    return in_apic_bad(c, s->tok[first].place, NULL, "too many pointers: declare an identity");
  for (; first < i; first++, run->count++) {
    row[run->count] = (in_ai_choice_t) { .means = IN_NIL, .likes = likes };
    if (!in_apic_pointer(c, s, first, NULL, &row[run->count].pointer)) return false;
  }
  run->first = in_builder_add(c->b, IN_S_CHOICES, row, run->count, sizeof(row[0]));
  return true;
}

/* set WORD /POINTER ... of a person */
static bool read_sets(in_apic_t *c, const in_stmt_t *s, uint32_t *at, in_run_t *run) {
  in_ai_choice_t row[4];
  uint32_t n = 0;
  for (; in_tok_is(s, *at, "set"); *at += 3, n++) {
    if (n == in_countof(row) || *at + 2 >= s->ntok || s->tok[*at + 1].kind != IN_TOK_WORD || in_tok_is(s, *at + 1, "name"))
      return in_apic_bad(c, s->tok[*at].place, "set WORD /POINTER", "a word and a pointer are wanted here, four at most");
    row[n] = (in_ai_choice_t) { .means = IN_NIL, .word = in_builder_str(c->b, s->tok[*at + 1].text) };
    if (!in_apic_pointer(c, s, *at + 2, "set WORD /POINTER", &row[n].pointer)) return false;
  }
  run->count = n;
  run->first = in_builder_add(c->b, IN_S_CHOICES, row, n, sizeof(row[0]));
  return true;
}

/* most NUMBER else REASON, of a list of people */
static bool read_most(in_apic_t *c, const in_stmt_t *s, uint32_t at, in_ai_member_t *m) {
  static const char form[] = "most 200 else REASON";
  uint32_t n = at + 1 < s->ntok ? in_json_index(s->tok[at + 1].text) : UINT32_MAX;
  if (m->role != IN_ROLE_PARTIES) return in_apic_bad(c, s->tok[at].place, NULL, "only a list of people has a most");
  if (m->most > 0) return in_apic_bad(c, s->tok[at].place, NULL, "most stands twice");
  if (n == 0 || n > IN_JSON_VALUES)
    return in_apic_bad(c, s->tok[at].place, form, "a number from 1 to %u is wanted after this", IN_JSON_VALUES);
  if (!in_tok_is(s, at + 2, "else") || !in_apic_word(s, at + 3))
    return in_apic_bad(c, s->tok[at].place, form, "a reason for more than this is wanted");
  if (in_vocab_reason(c->v, s->tok[at + 3].text) < 0) {
    in_vocab_no(c->v, IN_W_REASON, &s->tok[at + 3], c->diag);
    return false;
  }
  m->most = n;
  m->over = in_builder_str(c->b, s->tok[at + 3].text);
  return true;
}

bool in_apic_person(in_apic_t *c, const in_stmt_t *s, uint32_t *at, in_ai_member_t *m) {
  static const char form[] = "parties /POINTER [at /POINTER] [who NAME | id /POINTER ... [like \"{id}\" ...]] "
                             "[spaced] [name /POINTER] [set WORD /POINTER ...] [most NUMBER else REASON];";
  uint32_t i = *at;
  while (i < s->ntok) {
    if (in_tok_is(s, i, "at")) {
      if (!in_apic_pointer(c, s, i + 1, form, &m->person_at)) return false;
      i += 2;
    } else if (in_tok_is(s, i, "name")) {
      if (!in_apic_pointer(c, s, i + 1, form, &m->person_name)) return false;
      i += 2;
    } else if (in_tok_is(s, i, "spaced")) {
      m->flags |= IN_MEMBER_SPACED;
      i++;
    } else if (in_tok_is(s, i, "most")) {
      if (!read_most(c, s, i, m)) return false;
      i += 4;
    } else if (in_tok_is(s, i, "set")) {
      if (!read_sets(c, s, &i, &m->person_sets)) return false;
    } else if (in_tok_is(s, i, "who") && in_apic_word(s, i + 1)) {
      in_named_t *n = in_apic_find(c->identities, s->tok[i + 1].text);
      if (n == NULL) return in_apic_unnamed(c, "identity", &s->tok[i + 1], c->identities);
      if (!read_identity(c, n, &m->person)) return false;
      i += 2;
    } else if (in_tok_is(s, i, "id")) {
      i++;
      if (!read_inline(c, s, &i, &m->person)) return false;
    } else {
      return in_apic_bad(c, s->tok[i].place, form, "this says nothing about people");
    }
  }
  *at = i;
  return true;
}
