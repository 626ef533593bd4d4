/*
** ctl_store.c -- interopctl import and export.
**
** Owns the JSON lines form of a store: one object a line, "kind" and "id" among
** its members. Must not know what other facts mean. Invariants: an import is one
** transaction, begun only after every line was read and found good, so that a
** bad line leaves the store as it was and writers of other processes wait no
** longer than need be; export gives records by kind, then by id, each spelt
** the same way every time.
*/
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "ctl.h"
#include "../store/store.h"

#define KEEP_MOST  ((size_t) 1 << 30)     /* bytes of records kept between the passes */
#define STEP       8192u                  /* lines between two looks at the progress bar */

const char in_help_import[] =
  "usage: interopctl import FILE.jsonl --store PATH [--size N] [--json]\n\n"
  "Reads records, one JSON object a line, into a store, which is made if there is\n"
  "none: {\"kind\": \"tenant\", \"id\": \"...\", ...}; kinds are tenant, user and\n"
  "conversation. A record takes the place of the one of its id; records that the\n"
  "file does not name stay. All or nothing: if a line is bad, nothing of the file\n"
  "is imported. FILE - is standard input.\n\n"
  "  --store PATH  the store's directory (or INTEROP_STORE)\n"
  "  --size N      its greatest size, with k, m or g (1g for a new store)\n"
  "  --json        the numbers of records as JSON\n";

const char in_help_export[] =
  "usage: interopctl export --store PATH [--kind KIND] [FILE]\n\n"
  "Writes a store's records as JSON lines, tenants first, then users, then\n"
  "conversations, each by id, to FILE or standard output. What import reads.\n\n"
  "  --store PATH  the store's directory (or INTEROP_STORE)\n"
  "  --kind KIND   only tenant, user or conversation\n"
  "  --json        changes nothing: it is JSON in any case\n";

typedef struct {
  in_span_t text;
  in_span_t record;               /* kept from the first pass, or absent */
  interop_record_kind_t kind;
  size_t number;                  /* of the line, from 1 */
} line_t;

typedef struct {
  const char *path;
  interop_store_t *store;
  in_load_t load;
  line_t *lines;
  size_t count, size, kept, written;
  size_t kinds[IN_STORE_KINDS];
  in_span_t last;                 /* the record that fetch gave out last, if not kept */
  size_t last_number;
  interop_diag_t *diag;
} import_t;

/* -------------------------------------------------------------- import */

static int told(import_t *m, size_t line, const char *message) {
  in_ctl_fail("%s:%zu: %s\n  nothing of the file was imported", m->path, line, message);
  return IN_CTL_FOUND;
}

static bool blank(in_span_t s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
      return false;
  return true;
}

static bool add_line(import_t *m, in_span_t text, size_t number) {
  line_t *more;
  if (m->count == m->size) {
    m->size = m->size == 0 ? 1024 : m->size * 2;
    if ((more = realloc(m->lines, m->size * sizeof *more)) == NULL)
      return false;
    m->lines = more;
  }
  memset(&m->lines[m->count], 0, sizeof *m->lines);
  m->lines[m->count].text = text;
  m->lines[m->count++].number = number;
  return true;
}

static bool split(import_t *m, in_span_t text) {
  size_t number = 1, at = 0;
  for (; at < text.n; number++) {
    const char *end = memchr(text.p + at, '\n', text.n - at);
    size_t n = end == NULL ? text.n - at : (size_t) (end - text.p) - at;
    if (!blank(in_span(text.p + at, n)) && !add_line(m, in_span(text.p + at, n), number))
      return in_ctl_fail("out of memory") == 0;
    at += n + (end != NULL);
  }
  return true;
}

static interop_status_t parse(import_t *m, line_t *line, in_span_t *record) {
  interop_status_t s;
  s = in_record_from_json(line->text, &line->kind, &interop_alloc_libc, record, m->diag);
  if (s == INTEROP_OK && (unsigned) line->kind >= IN_STORE_KINDS) {
    in_diag_set(m->diag, INTEROP_SYNTAX, "kind \"%s\" is not kept in the store; tenant, user and"
                " conversation are", interop_record_kind_name(line->kind));
    s = INTEROP_SYNTAX;
  }
  return s;
}

/* every line read and found good, every name noted */
static int first_pass(import_t *m) {
  in_span_t record;
  size_t i;
  for (i = 0; i < m->count; i++) {
    line_t *line = &m->lines[i];
    if (i % STEP == 0)
      in_ctl_progress("reading", i, m->count);
    if (parse(m, line, &record) != INTEROP_OK) {
      free((void *) (uintptr_t) record.p);
      return told(m, line->number, m->diag->text);
    }
    if (!in_load_add(&m->load, line->kind, record, i))
      return in_ctl_fail("out of memory");
    m->kinds[line->kind]++;
    m->kept += record.n;
    if (m->kept <= KEEP_MOST)
      line->record = record;
    else
      free((void *) (uintptr_t) record.p);
  }
  in_ctl_progress("reading", i, m->count);
  return IN_CTL_GOOD;
}

static interop_status_t fetch(void *ctx, uint64_t place, in_span_t *record) {
  import_t *m = ctx;
  line_t *line = &m->lines[place];
  if (m->written++ % STEP == 0)
    in_ctl_progress("writing", m->written, m->count + 1);
  *record = line->record;
  if (record->p != NULL)
    return INTEROP_OK;
  free((void *) (uintptr_t) m->last.p);
  m->last = IN_NONE;
  if (parse(m, line, &m->last) != INTEROP_OK)
    return m->diag->status;
  *record = m->last;
  return INTEROP_OK;
}

/* into a store that has records already, in the order of the lines */
static interop_status_t put_all(import_t *m, in_write_t *w) {
  interop_status_t s = INTEROP_OK;
  in_span_t record;
  size_t i;
  for (i = 0; s == INTEROP_OK && i < m->count; i++) {
    m->last_number = w->tag = m->lines[i].number;
    s = fetch(m, i, &record);
    if (s == INTEROP_OK)
      s = in_write_put(w, m->lines[i].kind, record, m->diag);
  }
  return s;
}

static int write_failed(import_t *m) {
  in_ctl_progress("writing", 1, 1);
  if (m->diag->line > 0)
    return told(m, m->diag->line, m->diag->text);
  in_ctl_diag(m->diag);
  fputs("  nothing of the file was imported\n", stderr);
  return IN_CTL_FOUND;
}

static int second_pass(import_t *m) {
  interop_status_t s;
  in_write_t w;
  if (in_write_begin(&w, m->store, m->diag) != INTEROP_OK)
    return write_failed(m);
  s = in_load_write(&m->load, &w, fetch, m, m->diag);
  if (s == INTEROP_MISSING) {
    m->written = 0;
    s = put_all(m, &w);
  }
  if (s != INTEROP_OK)
    in_write_abort(&w);
  else
    s = in_write_commit(&w, m->diag);
  if (s != INTEROP_OK)
    return write_failed(m);
  in_ctl_progress("writing", 1, 1);
  return IN_CTL_GOOD;
}

static int check_twice(import_t *m) {
  char message[80];
  uint64_t first, second;
  if (!in_load_sort(&m->load))
    return in_ctl_fail("out of memory");
  if (!in_load_twice(&m->load, &first, &second))
    return IN_CTL_GOOD;
  snprintf(message, sizeof message, "this %s is in line %zu already",
           interop_record_kind_name(m->lines[second].kind), m->lines[first].number);
  return told(m, m->lines[second].number, message);
}

static void summary(const import_t *m, bool json) {
  if (json)
    printf("{\"tenants\":%zu,\"users\":%zu,\"conversations\":%zu}\n",
           m->kinds[0], m->kinds[1], m->kinds[2]);
  else
    printf("imported %zu tenant%s, %zu user%s, %zu conversation%s\n",
           m->kinds[0], m->kinds[0] == 1 ? "" : "s", m->kinds[1], m->kinds[1] == 1 ? "" : "s",
           m->kinds[2], m->kinds[2] == 1 ? "" : "s");
}

static int import(import_t *m, in_span_t text, bool json) {
  int code = split(m, text) ? IN_CTL_GOOD : IN_CTL_FOUND;
  size_t i;
  in_load_init(&m->load, m->store);
  if (code == IN_CTL_GOOD)
    code = first_pass(m);
  if (code == IN_CTL_GOOD)
    code = check_twice(m);
  if (code == IN_CTL_GOOD)
    code = second_pass(m);
  if (code == IN_CTL_GOOD)
    summary(m, json);
  in_load_free(&m->load);
  for (i = 0; i < m->count; i++)
    free((void *) (uintptr_t) m->lines[i].record.p);
  free((void *) (uintptr_t) m->last.p);
  free(m->lines);
  return code;
}

int in_ctl_import(int argc, char **argv) {
  const char *path = NULL, *size_text = NULL;
  bool json = false;
  const in_option_t options[] = {
    { "--store", &path, NULL }, { "--size", &size_text, NULL }, { "--json", NULL, &json }
  };
  interop_diag_t diag;
  import_t m;
  in_span_t text;
  size_t size = 0;
  int code;
  if (!in_ctl_options(&argc, argv, options, in_countof(options)))
    return IN_CTL_WRONG;
  if (argc != 2)
    return in_ctl_wrong(argv[0], argc < 2 ? "which file?" : "one file at a time");
  if (size_text != NULL && !in_ctl_size(size_text, &size))
    return in_ctl_wrong(argv[0], "\"%s\" is not a size", size_text);
  if ((path = in_ctl_store(argv[0], path)) == NULL)
    return IN_CTL_WRONG;
  if (!in_ctl_read(argv[1], &text))
    return IN_CTL_FOUND;
  memset(&m, 0, sizeof m);
  m.path = argv[1];
  m.diag = &diag;
  in_diag_clear(&diag);
  m.store = in_ctl_open(path, size, true);
  code = m.store == NULL ? IN_CTL_FOUND : import(&m, text, json);
  interop_store_close(m.store);
  free((void *) (uintptr_t) text.p);
  return code;
}

/* -------------------------------------------------------------- export */

typedef struct {
  FILE *file;
  const char *kind;
  in_buf_t line;
} export_t;

static interop_status_t write_line(void *ctx, in_span_t record) {
  export_t *e = ctx;
  interop_status_t s;
  e->line.n = 0;
  s = in_record_to_json(record, in_str(e->kind), &e->line);
  in_buf_byte(&e->line, '\n');
  if (s == INTEROP_OK && e->line.failed)
    s = INTEROP_NOMEM;
  if (s == INTEROP_OK && fwrite(e->line.p, 1, e->line.n, e->file) != e->line.n)
    s = INTEROP_IO;
  return s;
}

static int export_all(interop_store_t *store, const char *only, FILE *file, interop_diag_t *diag) {
  interop_status_t s = INTEROP_OK;
  interop_view_t *view;
  export_t e;
  unsigned kind;
  if (interop_view_begin(store, &view) != INTEROP_OK)
    return in_ctl_fail("the store cannot be read now");
  in_buf_init(&e.line, &interop_alloc_libc);
  e.file = file;
  for (kind = 0; s == INTEROP_OK && kind < IN_STORE_KINDS; kind++) {
    e.kind = interop_record_kind_name((interop_record_kind_t) kind);
    if (only == NULL || strcmp(only, e.kind) == 0)
      s = in_view_each(view, (interop_record_kind_t) kind, write_line, &e, diag);
  }
  in_buf_free(&e.line);
  interop_view_end(view);
  if (s == INTEROP_IO && diag->status == INTEROP_OK)
    return in_ctl_fail("cannot write: %s", strerror(errno));
  return s == INTEROP_OK ? IN_CTL_GOOD : in_ctl_diag(diag);
}

/* a file is there whole or not at all */
static int export_to(interop_store_t *store, const char *only, const char *name,
                     interop_diag_t *diag) {
  char part[4096];
  FILE *f;
  int code, n;
  if (name == NULL || strcmp(name, "-") == 0)
    return export_all(store, only, stdout, diag);
  if (!in_ctl_may_replace(name))
    return IN_CTL_FOUND;
  n = snprintf(part, sizeof part, "%s.part", name);
  if (n < 0 || (size_t) n >= sizeof part)
    return in_ctl_fail("%s: the name is too long", name);
  if ((f = fopen(part, "wb")) == NULL)
    return in_ctl_fail("%s: %s", part, strerror(errno));
  code = export_all(store, only, f, diag);
  if ((fflush(f) != 0 || fsync(fileno(f)) != 0) && code == IN_CTL_GOOD && errno != EINVAL)
    code = in_ctl_fail("%s: %s", part, strerror(errno));
  fclose(f);
  if (code == IN_CTL_GOOD && rename(part, name) != 0)
    code = in_ctl_fail("%s: %s", name, strerror(errno));
  if (code != IN_CTL_GOOD)
    unlink(part);
  return code;
}

static bool kept_kind(const char *name) {
  int i;
  for (i = 0; i < IN_STORE_KINDS; i++)
    if (strcmp(name, interop_record_kind_name((interop_record_kind_t) i)) == 0)
      return true;
  return false;
}

int in_ctl_export(int argc, char **argv) {
  const char *path = NULL, *kind = NULL;
  bool json = false;
  const in_option_t options[] = { { "--store", &path, NULL }, { "--kind", &kind, NULL }, { "--json", NULL, &json } };
  interop_store_t *store;
  interop_diag_t diag;
  int code;
  if (!in_ctl_options(&argc, argv, options, in_countof(options)))
    return IN_CTL_WRONG;
  if (argc > 2)
    return in_ctl_wrong(argv[0], "one file at a time");
  if (kind != NULL && !kept_kind(kind))
    return in_ctl_wrong(argv[0], "no kind \"%s\": tenant, user or conversation", kind);
  if ((path = in_ctl_store(argv[0], path)) == NULL)
    return IN_CTL_WRONG;
  in_diag_clear(&diag);
  if ((store = in_ctl_open(path, 0, false)) == NULL)
    return IN_CTL_FOUND;
  code = export_to(store, kind, argv[1], &diag);
  interop_store_close(store);
  return code;
}
