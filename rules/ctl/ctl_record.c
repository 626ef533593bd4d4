/*
** ctl_record.c -- interopctl tenant, user and conversation: show, list, set, unset.
**
** Owns the spelling of single facts on the command line. Knows no fact by name
** but id, kind and the store's aliases. Invariants: a change is one transaction
** that starts from what is in the store at that moment; it is on disk, and seen
** by every process, when the command returns.
*/
#include <errno.h>
#include <stdlib.h>
#include "declared.h"
#include "../store/store.h"

#define NAME_WIDTH  34

const char in_help_record[] =
  "usage: interopctl KIND show ID --store PATH [--json]\n"
  "       interopctl KIND list --store PATH [--json]\n"
  "       interopctl KIND set ID FIELD=VALUE ... --store PATH [--create] [--json]\n"
  "                                              [--policy PATH]\n"
  "       interopctl KIND unset ID FIELD ... --store PATH [--json]\n"
  "       interopctl KIND unset ID --all --store PATH\n\n"
  "KIND is tenant, user or conversation; ID its id or one of its aliases.\n\n"
  "  FIELD=VALUE   true and false are flags, 42 a number, all else a text\n"
  "  FIELD+=ITEM   adds an item to a list, once\n"
  "  FIELD-=ITEM   takes it out\n"
  "  FIELD:=JSON   any value exactly: aliases:='[\"+15550100\"]', display_name:='\"42\"'\n\n"
  "  --store PATH  the store's directory (or INTEROP_STORE)\n"
  "  --create      set: make the record, and the store, if there is none\n"
  "  --all         unset: the whole record\n"
  "  --policy PATH set: what declares the facts; else the one installed with the\n"
  "                command, else ./conf.d. What it does not declare is set, with a\n"
  "                warning\n"
  "  --json        for programs: the record, or with list all of them, as JSON lines\n\n"
  "A toggle is flipped by one command, and running workers see it at once:\n"
  "  interopctl tenant set ID toggles.NAME=off --store PATH\n";

typedef struct {
  const char *verb;               /* "tenant" */
  interop_record_kind_t kind;
  const char *path, *policy;
  bool json, create, all;
  in_declared_t *declared;        /* set: what a policy declares, if there is one */
  interop_store_t *store;
  interop_diag_t diag;
} job_t;

/* --------------------------------------------------------------- values */

static bool is_number(in_span_t s, int64_t *number) {
  size_t i = s.n > 0 && s.p[0] == '-';
  char *end;
  if (i == s.n || s.n > 20 || (s.p[i] == '0' && s.n > 1))
    return false;
  for (; i < s.n; i++)
    if (s.p[i] < '0' || s.p[i] > '9')
      return false;
  errno = 0;
  *number = strtoll(s.p, &end, 10);
  return errno == 0;
}

static interop_value_t plain_value(in_span_t s) {
  interop_value_t v = in_value_text(s);
  bool yes = in_eq(s, IN_SPAN("true"));
  if (yes || in_eq(s, IN_SPAN("false"))) {
    v.type = INTEROP_T_FLAG;
    v.number = yes;
  }
  else if (is_number(s, &v.number))
    v.type = INTEROP_T_NUMBER;
  return v;
}

/* one item in or out of a list; the others stay as they are */
static int change_list(job_t *j, in_draft_t *d, in_span_t name, char op, in_span_t item) {
  in_field_t *f = in_draft_find(d, name);
  interop_alloc_t alloc = in_arena_alloc(d->arena);
  in_span_t text, second;
  interop_value_t v;
  uint32_t count = 0;
  size_t at = 0;
  bool found = false;
  in_buf_t b;
  if (f != NULL && f->value.type != INTEROP_T_LIST)
    return in_ctl_fail("%s: field \"%.*s\" is not a list", j->verb, (int) name.n, name.p);
  in_buf_init(&b, &alloc);
  while (f != NULL && interop_value_item(&f->value, &at, &text, &second)) {
    bool same = in_eq(text, item);
    found = found || same;
    if (same && op == '-')
      continue;
    in_pack_item(&b, text, second);
    count++;
  }
  if (op == '+' && !found) {
    in_pack_item(&b, item, IN_NONE);
    count++;
  }
  if (b.failed)
    return in_ctl_fail("out of memory");
  v = in_value_list(in_buf_span(&b), count);
  if (f != NULL || op == '+')
    in_draft_set(d, name, &v);
  return IN_CTL_GOOD;
}

static int set_json(job_t *j, in_draft_t *d, in_span_t name, in_span_t text) {
  in_field_t field, *f;
  memset(&field, 0, sizeof field);
  field.name = name;
  if (in_value_from_json(text, d->arena, &field, &j->diag) != INTEROP_OK)
    return in_ctl_fail("%s: %.*s: %s", j->verb, (int) name.n, name.p, j->diag.text);
  if (field.value.type == INTEROP_T_NULL)
    return in_ctl_fail("%s: %.*s: null is no value; unset takes a field away", j->verb,
                       (int) name.n, name.p);
  in_draft_set(d, name, &field.value);
  if ((f = in_draft_find(d, name)) != NULL && field.pair[0].p != NULL)
    memcpy(f->pair, field.pair, sizeof f->pair);
  return IN_CTL_GOOD;
}

/* FIELD, what to do with it, and the rest; '\0': no assignment */
static char dissect(const char *word, in_span_t *name, in_span_t *value) {
  const char *equals = strchr(word, '=');
  char op = '=';
  *name = *value = IN_NONE;
  if (equals == NULL || equals == word)
    return '\0';
  *value = in_str(equals + 1);
  *name = in_span(word, (size_t) (equals - word));
  if (name->n > 1 && strchr("+-:", name->p[name->n - 1]) != NULL)
    op = name->p[--name->n];
  return op;
}

static bool may_change(const job_t *j, in_span_t name) {
  if (!in_eq(name, IN_SPAN("id")) && !in_eq(name, IN_SPAN("record")) && name.p[0] != '.'
      && name.p[name.n - 1] != '.')
    return true;
  in_ctl_wrong(j->verb, "field \"%.*s\" cannot be set", (int) name.n, name.p);
  return false;
}

static int assign(job_t *j, in_draft_t *d, const char *word) {
  in_span_t name, text;
  interop_value_t v;
  char op = dissect(word, &name, &text);
  if (op == '+' || op == '-')
    return change_list(j, d, name, op, text);
  if (op == ':')
    return set_json(j, d, name, text);
  v = plain_value(text);
  in_draft_set(d, name, &v);
  return IN_CTL_GOOD;
}

/* ----------------------------------------------------------------- show */

static void print_value(const in_field_t *f) {
  in_span_t item, second;
  in_buf_t b;
  size_t at = 0;
  if (f->value.type == INTEROP_T_LIST) {
    while (interop_value_item(&f->value, &at, &item, &second)) {
      in_ctl_text(item, stdout);
      if (second.p != NULL) {
        fputs(" (", stdout);
        in_ctl_text(second, stdout);
        putchar(')');
      }
      if (at < f->value.text.n)
        fputs(", ", stdout);
    }
    return;
  }
  if (f->value.type == INTEROP_T_TEXT) {
    in_ctl_text(f->value.text, stdout);
    return;
  }
  in_buf_init(&b, &interop_alloc_libc);
  in_value_to_json(f, &b);
  in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
}

static int by_name(const void *a, const void *b) {
  const in_field_t *x = a, *y = b;
  size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
  int c = memcmp(x->name.p, y->name.p, n);
  return c != 0 ? c : x->name.n < y->name.n ? -1 : x->name.n > y->name.n;
}

static int print_text(const job_t *j, in_span_t record) {
  bool colour = in_ctl_colour(stdout);
  in_arena_t arena;
  in_draft_t d;
  size_t i;
  in_arena_init(&arena, &interop_alloc_libc);
  in_draft_init(&d, &arena);
  if (in_draft_load(&d, record) != INTEROP_OK) {
    in_arena_free(&arena);
    return in_ctl_fail("out of memory");
  }
  if (d.count > 0)
    qsort(d.fields, d.count, sizeof *d.fields, by_name);
  printf("%s%s %s", colour ? "\033[1m" : "", j->verb, colour ? "\033[0m" : "");
  in_ctl_text(in_record_text(record, IN_SPAN("id")), stdout);
  putchar('\n');
  for (i = 0; i < d.count; i++) {
    const in_field_t *f = &d.fields[i];
    if (in_eq(f->name, IN_SPAN("id")) || f->name.p[f->name.n - 1] == '.')
      continue;
    printf("  %s%-*.*s%s ", colour ? "\033[36m" : "", NAME_WIDTH, (int) f->name.n, f->name.p,
           colour ? "\033[0m" : "");
    print_value(f);
    putchar('\n');
  }
  in_arena_free(&arena);
  return IN_CTL_GOOD;
}

static int print_json(const job_t *j, in_span_t record) {
  interop_status_t s;
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  s = in_record_to_json(record, in_str(j->verb), &b);
  in_buf_byte(&b, '\n');
  if (s == INTEROP_OK && !b.failed)
    in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
  return s == INTEROP_OK ? IN_CTL_GOOD : in_ctl_fail("%s", interop_status_name(s));
}

static int print_record(const job_t *j, in_span_t record) {
  return j->json ? print_json(j, record) : print_text(j, record);
}

static int missing(const job_t *j, const char *id, bool hint) {
  in_ctl_fail("no %s \"%s\" in %s", j->verb, id, j->path);
  if (hint)
    fputs("  hint: --create makes it\n", stderr);
  return IN_CTL_FOUND;
}

static int show(job_t *j, const char *id) {
  interop_status_t s;
  interop_view_t *view;
  in_span_t record;
  int code;
  if (interop_view_begin(j->store, &view) != INTEROP_OK)
    return in_ctl_fail("%s: the store cannot be read now", j->path);
  s = interop_view_lookup(view, j->kind, in_str(id), &record);
  if (s == INTEROP_OK)
    code = print_record(j, record);
  else if (s == INTEROP_MISSING)
    code = missing(j, id, false);
  else
    code = in_ctl_fail("%s: the record of \"%s\" is damaged", j->path, id);
  interop_view_end(view);
  return code;
}

static interop_status_t list_one(void *ctx, in_span_t record) {
  const job_t *j = ctx;
  if (j->json)
    return print_json(j, record) == IN_CTL_GOOD ? INTEROP_OK : INTEROP_NOMEM;
  in_ctl_text(in_record_text(record, IN_SPAN("id")), stdout);
  putchar('\n');
  return INTEROP_OK;
}

static int list(job_t *j) {
  interop_status_t s;
  interop_view_t *view;
  if (interop_view_begin(j->store, &view) != INTEROP_OK)
    return in_ctl_fail("%s: the store cannot be read now", j->path);
  s = in_view_each(view, j->kind, list_one, j, &j->diag);
  interop_view_end(view);
  return s == INTEROP_OK ? IN_CTL_GOOD : in_ctl_diag(&j->diag);
}

/* -------------------------------------------------------------- changes */

/* field by field, what it was and what it is */
static void print_change(in_draft_t *old, in_draft_t *now, in_span_t name, in_span_t id,
                         const char *verb) {
  const in_field_t *was = in_draft_find(old, name), *is = in_draft_find(now, name);
  printf("%s ", verb);
  in_ctl_text(id, stdout);
  printf(": %.*s ", (int) name.n, name.p);
  if (is == NULL)
    fputs("unset", stdout);
  else {
    fputs("= ", stdout);
    print_value(is);
  }
  fputs(" (was ", stdout);
  if (was == NULL)
    fputs("unset", stdout);
  else
    print_value(was);
  fputs(")\n", stdout);
}

static in_span_t field_of(const char *word, bool unset) {
  in_span_t name = in_str(word), value;
  if (!unset)
    dissect(word, &name, &value);
  return name;
}

static void print_changes(job_t *j, in_draft_t *old, in_draft_t *now, in_span_t id,
                          char **words, bool unset) {
  int i, k;
  for (i = 0; words[i] != NULL; i++) {
    in_span_t name = field_of(words[i], unset);
    for (k = 0; k < i && !in_eq(name, field_of(words[k], unset)); k++)
      ;
    if (k == i)
      print_change(old, now, name, id, j->verb);
  }
}

static int change_draft(job_t *j, in_draft_t *d, char **words, bool unset) {
  static const interop_value_t none = { INTEROP_T_NULL, 0, { NULL, 0 }, 0 };
  int code = IN_CTL_GOOD, i;
  for (i = 0; code == IN_CTL_GOOD && words[i] != NULL; i++)
    if (unset)
      in_draft_set(d, in_str(words[i]), &none);
    else
      code = assign(j, d, words[i]);
  return code;
}

static void warn_of(const job_t *j, in_span_t record, char **words) {
  int i, k;
  for (i = 0; words[i] != NULL; i++) {
    in_span_t name = field_of(words[i], false);
    for (k = 0; k < i && !in_eq(name, field_of(words[k], false)); k++)
      ;
    if (k == i)
      in_declared_check(j->declared, j->kind, record, name);
  }
}

/* everything that is asked for, in the transaction; *record is in the arena */
static int change_in(job_t *j, in_write_t *w, in_arena_t *arena, const char *id, char **words,
                     bool unset) {
  interop_alloc_t alloc = in_arena_alloc(arena);
  interop_value_t new_id = in_value_text(in_str(id));
  interop_status_t s;
  in_draft_t old, now;
  in_span_t record;
  int code;
  in_draft_init(&old, arena);
  in_draft_init(&now, arena);
  s = in_store_find(j->store, w->txn, j->kind, in_str(id), &record);
  if (s == INTEROP_MISSING && (unset || !j->create))
    return missing(j, id, !unset);
  if (s == INTEROP_MISSING)
    in_draft_set(&now, IN_SPAN("id"), &new_id);
  else if (s != INTEROP_OK)
    return in_ctl_fail("%s: the record of \"%s\" is damaged", j->path, id);
  else {
    record = in_arena_copy(arena, record);
    if (in_draft_load(&old, record) != INTEROP_OK || in_draft_load(&now, record) != INTEROP_OK)
      return in_ctl_fail("out of memory");
  }
  if ((code = change_draft(j, &now, words, unset)) != IN_CTL_GOOD)
    return code;
  if (in_draft_pack(&now, &alloc, &record, &j->diag) != INTEROP_OK
      || in_write_put(w, j->kind, record, &j->diag) != INTEROP_OK
      || in_write_commit(w, &j->diag) != INTEROP_OK)
    return in_ctl_diag(&j->diag);
  if (j->json)
    code = print_record(j, record);
  else
    print_changes(j, &old, &now, in_record_text(record, IN_SPAN("id")), words, unset);
  if (!unset && j->declared != NULL)
    warn_of(j, record, words);
  return code;
}

static int change(job_t *j, const char *id, char **words, bool unset) {
  in_arena_t arena;
  in_write_t w;
  int code;
  if (in_write_begin(&w, j->store, &j->diag) != INTEROP_OK)
    return in_ctl_diag(&j->diag);
  in_arena_init(&arena, &interop_alloc_libc);
  code = change_in(j, &w, &arena, id, words, unset);
  in_write_abort(&w);             /* nothing to do after a commit */
  in_arena_free(&arena);
  return code;
}

static int remove_all(job_t *j, const char *id) {
  interop_status_t s;
  in_span_t record;
  in_write_t w;
  if (in_write_begin(&w, j->store, &j->diag) != INTEROP_OK)
    return in_ctl_diag(&j->diag);
  s = in_store_find(j->store, w.txn, j->kind, in_str(id), &record);
  if (s == INTEROP_OK)            /* an alias will do, too */
    s = in_write_delete(&w, j->kind, in_arena_copy(&w.arena, in_record_text(record, IN_SPAN("id"))),
                        &j->diag);
  else if (s == INTEROP_DAMAGED)
    s = in_write_delete(&w, j->kind, in_str(id), &j->diag);
  if (s == INTEROP_OK)
    s = in_write_commit(&w, &j->diag);
  in_write_abort(&w);
  if (s == INTEROP_MISSING)
    return missing(j, id, false);
  if (s != INTEROP_OK)
    return in_ctl_diag(&j->diag);
  if (!j->json)
    printf("%s %s: removed\n", j->verb, id);
  return IN_CTL_GOOD;
}

/* ------------------------------------------------------------- dispatch */

static bool kind_of(job_t *j) {
  int i;
  for (i = 0; i < IN_STORE_KINDS; i++)
    if (strcmp(j->verb, interop_record_kind_name((interop_record_kind_t) i)) == 0)
      j->kind = (interop_record_kind_t) i;
  return true;
}

static int check_words(const job_t *j, const char *action, char **words) {
  bool set = strcmp(action, "set") == 0;
  in_span_t name, value;
  int i;
  for (i = 0; words[i] != NULL; i++) {
    name = in_str(words[i]);
    if (set && dissect(words[i], &name, &value) == '\0')
      return in_ctl_wrong(j->verb, "\"%s\" is not FIELD=VALUE", words[i]);
    if (name.n == 0 || !may_change(j, name))
      return IN_CTL_WRONG;
  }
  if (i == 0 && !j->all)
    return in_ctl_wrong(j->verb, set ? "set what? give FIELD=VALUE"
                                     : "unset what? give FIELD, or --all for the record");
  return IN_CTL_GOOD;
}

/* wrong use is told before the store is opened */
static int check(const job_t *j, int argc, char **argv) {
  const char *action = argc > 1 ? argv[1] : "";
  bool change = strcmp(action, "set") == 0 || strcmp(action, "unset") == 0;
  bool single = change || strcmp(action, "show") == 0;
  if (!single && strcmp(action, "list") != 0)
    return argc > 1 ? in_ctl_wrong(j->verb, "no action \"%s\": show, list, set or unset", action)
                    : in_ctl_wrong(j->verb, "which action? show, list, set or unset");
  if (single && (argc < 3 || argv[2][0] == '\0'))
    return in_ctl_wrong(j->verb, "%s which %s? give its id", action, j->verb);
  if (!change && argc > (single ? 3 : 2))
    return in_ctl_wrong(j->verb, "\"%s\" is too much", argv[single ? 3 : 2]);
  if ((j->all && strcmp(action, "unset") != 0) || (j->create && strcmp(action, "set") != 0)
      || (j->all && argc > 3) || (j->policy != NULL && strcmp(action, "set") != 0))
    return in_ctl_wrong(j->verb, "%s does not go with that", j->all ? "--all" : j->create ? "--create" : "--policy");
  return change ? check_words(j, action, argv + 3) : IN_CTL_GOOD;
}

static int perform(job_t *j, char **argv) {
  if (strcmp(argv[1], "list") == 0)
    return list(j);
  if (strcmp(argv[1], "show") == 0)
    return show(j, argv[2]);
  if (j->all)
    return remove_all(j, argv[2]);
  return change(j, argv[2], argv + 3, strcmp(argv[1], "unset") == 0);
}

int in_ctl_record(int argc, char **argv) {
  job_t j;
  const in_option_t options[] = {
    { "--store", &j.path, NULL }, { "--json", NULL, &j.json },
    { "--create", NULL, &j.create }, { "--all", NULL, &j.all }, { "--policy", &j.policy, NULL }
  };
  int code;
  memset(&j, 0, sizeof j);
  j.verb = argv[0];
  if (!kind_of(&j) || !in_ctl_options(&argc, argv, options, in_countof(options)))
    return IN_CTL_WRONG;
  if ((code = check(&j, argc, argv)) != IN_CTL_GOOD)
    return code;
  if ((j.path = in_ctl_store(argv[0], j.path)) == NULL)
    return IN_CTL_WRONG;
  in_diag_clear(&j.diag);
  if (strcmp(argv[1], "set") == 0 && !in_declared_open(&j.declared, j.policy))
    return IN_CTL_FOUND;
  if ((j.store = in_ctl_open(j.path, 0, j.create)) == NULL)
    code = IN_CTL_FOUND;
  else {
    code = perform(&j, argv);
    interop_store_close(j.store);
  }
  in_declared_close(j.declared);
  return code;
}
