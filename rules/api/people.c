/*
** people.c -- who a body names.
**
** Owns the step from members to raw ids. Where several members can name one
** person, all that are there must name the same one; a person who cannot be
** told is a malformed body, never nobody.
*/
#include "body.h"
#include "path.h"

/* ---- forms: "users('{id}')" */

static bool split_form(in_span_t form, in_span_t *prefix, in_span_t *suffix) {
  const char *at = form.n > 3 ? memmem(form.p, form.n, "{id}", 4) : NULL;
  if (at == NULL) return false;
  *prefix = in_span(form.p, (size_t) (at - form.p));
  *suffix = in_span(at + 4, form.n - prefix->n - 4);
  return true;
}

static in_span_t undouble(in_arena_t *arena, in_span_t s) {
  if (s.n == 0 || memchr(s.p, '\'', s.n) == NULL) return s;
  char *p = in_arena_get(arena, s.n);
  size_t n = 0;
  if (p == NULL) return IN_NONE;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '\'' && (++i == s.n || s.p[i] != '\'')) return IN_NONE;
    p[n++] = s.p[i];
  }
  return in_span(p, n);
}

/*
** Where a form that starts behind a '/', or at the start, must start: an id has
** no '/', so behind it are as many as the prefix has. SIZE_MAX: there are less.
*/
static size_t form_start(in_span_t s, in_span_t prefix) {
  size_t slashes = 0, end = s.n;
  for (size_t i = 0; i < prefix.n; i++) slashes += prefix.p[i] == '/';
  for (;; slashes--) {
    const char *slash = end > 0 ? memrchr(s.p, '/', end) : NULL;
    if (slash == NULL) return slashes == 0 ? 0 : SIZE_MAX;
    end = (size_t) (slash - s.p);
    if (slashes == 0) return end + 1;
  }
}

/* the id in a value that ends like the form; absent if it does not */
in_span_t in_body_form(in_arena_t *arena, in_span_t value, in_span_t form) {
  in_span_t prefix, suffix;
  if (value.p == NULL || !split_form(form, &prefix, &suffix) || value.n <= prefix.n + suffix.n) return IN_NONE;
  if (!in_eq_nocase(in_span(value.p + value.n - suffix.n, suffix.n), suffix)) return IN_NONE;
  in_span_t s = in_span(value.p, value.n - suffix.n);
  size_t at = form_start(s, prefix);
  if (at > s.n - prefix.n || !in_eq_nocase(in_span(s.p + at, prefix.n), prefix)) return IN_NONE;
  in_span_t id = in_span(s.p + at + prefix.n, s.n - at - prefix.n);
  if (id.n == 0) return IN_NONE;
  return suffix.n > 0 && suffix.p[0] == '\'' ? undouble(arena, id) : id;
}

/* an id in an address may be percent-encoded, once; one that is no id then names nobody */
static in_span_t plain_id(in_body_t *b, in_span_t id) {
  in_span_t text = memchr(id.p, '%', id.n) == NULL ? id : in_path_decode(id, b->arena);
  if (text.p == NULL || memchr(text.p, '%', text.n) != NULL || memchr(text.p, '/', text.n) != NULL) return id;
  return text;
}

static in_span_t take_likes(in_body_t *b, const in_ai_choice_t *row, in_span_t value) {
  for (uint32_t i = 0; i < row->likes.count; i++) {
    in_span_t id = in_body_form(b->arena, value, in_records_ref(b->img, row->likes, i));
    if (id.p != NULL) return plain_id(b, id);
  }
  return value;
}

static in_span_t put_form(in_body_t *b, const in_ai_choice_t *row, in_span_t id) {
  in_span_t prefix, suffix, form = in_body_str(b, row->form);
  if (form.n == 0 || !split_form(form, &prefix, &suffix)) return id;
  char *p = in_arena_get(b->arena, prefix.n + id.n + suffix.n + 1);
  if (p == NULL) return IN_NONE;
  memcpy(p, prefix.p, prefix.n);
  if (id.n > 0) memcpy(p + prefix.n, id.p, id.n);
  memcpy(p + prefix.n + id.n, suffix.p, suffix.n);
  return in_span(p, prefix.n + id.n + suffix.n);
}

/* ---- identities */

static bool same_pointer(const in_body_t *b, in_run_t x, in_run_t y) {
  if (x.count != y.count) return false;
  for (uint32_t i = 0; i < x.count; i++)
    if (!in_eq(in_records_ref(b->img, x, i), in_records_ref(b->img, y, i))) return false;
  return true;
}

static bool row_holds(const in_body_t *b, const in_ai_choice_t *row, yyjson_val *v) {
  if (row->when.count == 0) return true;
  in_span_t s = in_body_scalar(in_json_follow(v, b->img, row->when, b->nocase));
  return s.p != NULL && in_eq_nocase(s, in_body_str(b, row->value));
}

/* rows of one pointer: the first that holds says who */
static bool try_pointer(in_body_t *b, in_run_t rows, uint32_t *i, yyjson_val *v, in_span_t *id) {
  const in_ai_choice_t *first = in_records_choice(b->img, rows.first + *i), *found = NULL;
  for (; *i < rows.count; (*i)++) {
    const in_ai_choice_t *row = in_records_choice(b->img, rows.first + *i);
    if (!same_pointer(b, row->pointer, first->pointer)) break;
    if (found == NULL && row_holds(b, row, v)) found = row;
  }
  yyjson_val *at = in_json_follow(v, b->img, first->pointer, b->nocase);
  *id = IN_NONE;
  if (at == NULL || yyjson_is_null(at)) return true;
  if (!yyjson_is_str(at) || found == NULL) return in_body_wrong(b, IN_SPAN("it cannot be told who is meant"));
  *id = put_form(b, found, take_likes(b, found, in_json_str(at)));
  return id->n > 0 || in_body_wrong(b, IN_SPAN("an id is empty"));
}

static bool who(in_body_t *b, const in_ai_member_t *m, yyjson_val *v, in_span_t *id) {
  in_span_t other;
  *id = IN_NONE;
  if (m->person.count == 0 && yyjson_is_str(v)) {
    *id = in_json_str(v);
    return id->n > 0 || in_body_wrong(b, IN_SPAN("an id is empty"));
  }
  for (uint32_t i = 0; i < m->person.count;) {
    if (!try_pointer(b, m->person, &i, v, &other)) return false;
    if (id->p == NULL) *id = other;
    else if (other.p != NULL && !in_eq(*id, other))
      return in_body_wrong(b, IN_SPAN("two members name one person differently"));
  }
  return id->p != NULL || in_body_wrong(b, IN_SPAN("it cannot be told who is meant"));
}

static bool unspaced(in_body_t *b, const in_ai_member_t *m, in_span_t *id) {
  char *p;
  size_t n = 0;
  if (!(m->flags & IN_MEMBER_SPACED) || id->p == NULL) return true;
  if (memchr(id->p, ' ', id->n) == NULL && memchr(id->p, '\t', id->n) == NULL) return true;
  p = in_arena_get(b->arena, id->n);
  if (p == NULL) return in_body_wrong(b, IN_SPAN("out of memory"));
  for (size_t i = 0; i < id->n; i++)
    if (id->p[i] != ' ' && id->p[i] != '\t') p[n++] = id->p[i];
  *id = in_span(p, n);
  return n > 0 || in_body_wrong(b, IN_SPAN("an id is empty"));
}

/* name: NULL: it is not wanted */
static bool read_person(in_body_t *b, const in_ai_member_t *m, yyjson_val *v, in_span_t *id, in_span_t *name) {
  yyjson_val *person = m->person_at.count > 0 ? in_json_follow(v, b->img, m->person_at, b->nocase) : v, *at;
  if (person == NULL) return in_body_wrong(b, IN_SPAN("it cannot be told who is meant"));
  at = name != NULL && m->person_name.count > 0 ? in_json_follow(v, b->img, m->person_name, b->nocase) : NULL;
  if (yyjson_is_str(at)) *name = in_json_str(at);
  return who(b, m, person, id) && unspaced(b, m, id);
}

bool in_body_person(in_body_t *b, const in_ai_member_t *m, yyjson_val *v, in_party_t *party) {
  bool good = read_person(b, m, v, &party->id, &party->name);
  b->wrong = IN_NONE;
  if (!good) party->id = IN_NONE;
  return good;
}

/* ---- all of a body */

/* room for more behind those who are there; NULL: no memory */
static in_span_t *make_room(in_body_t *b, in_event_t *ev, size_t more) {
  in_span_t *p;
  size_t count, size;
  if (!in_add(ev->party_count, more, &count) || !in_mul(count, sizeof(*p), &size)) return NULL;
  p = in_arena_raw(b->arena, size);
  if (p == NULL) return NULL;
  if (ev->party_count > 0) memcpy(p, ev->parties, ev->party_count * sizeof(*p));
  ev->parties = p;
  return p;
}

static interop_status_t read_list(in_body_t *b, const in_ai_member_t *m, yyjson_val *list, in_event_t *ev) {
  size_t i, n;
  yyjson_val *e;
  if (!yyjson_is_arr(list)) {
    in_body_wrong(b, IN_SPAN("a list is wanted"));
    return INTEROP_OK;
  }
  in_span_t *p = make_room(b, ev, yyjson_arr_size(list));
  if (p == NULL) return INTEROP_NOMEM;
  yyjson_arr_foreach(list, i, n, e) {
    in_span_t *id = &p[ev->party_count++];
    *id = IN_NONE;
    if (!read_person(b, m, e, id, NULL)) break;
  }
  return b->arena->failed ? INTEROP_NOMEM : INTEROP_OK;
}

static interop_status_t read_one(in_body_t *b, const in_ai_member_t *m, yyjson_val *v, in_event_t *ev) {
  in_span_t *p = make_room(b, ev, 1);
  if (p == NULL) return INTEROP_NOMEM;
  p[ev->party_count] = IN_NONE;
  read_person(b, m, v, &p[ev->party_count++], NULL);
  return b->arena->failed ? INTEROP_NOMEM : INTEROP_OK;
}

/* more at once than the API takes: nobody is looked at */
bool in_body_crowded(const in_body_t *b, in_span_t *reason, in_span_t *detail) {
  if (b->most == 0) return false;
  in_nodes_each(&b->live, i) {
    const in_ai_member_t *m = &b->node[i];
    if (m->most == 0 || !yyjson_is_arr(b->bound[i]) || yyjson_arr_size(b->bound[i]) <= m->most) continue;
    *reason = in_body_str(b, m->over);
    *detail = in_arena_printf(b->arena, "%u at most", m->most);
    return true;
  }
  return false;
}

interop_status_t in_body_people(in_body_t *b, in_event_t *ev) {
  interop_status_t rc = INTEROP_OK;
  if (!(b->roles & (IN_ROLE_BIT(IN_ROLE_PARTIES) | IN_ROLE_BIT(IN_ROLE_PARTY)))) return rc;
  in_nodes_each(&b->live, i) {
    yyjson_val *v = in_body_value(b, i);
    if (v == NULL) continue;
    if (b->node[i].role == IN_ROLE_PARTIES) rc = read_list(b, &b->node[i], v, ev);
    if (b->node[i].role == IN_ROLE_PARTY) rc = read_one(b, &b->node[i], v, ev);
    if (rc != INTEROP_OK) return rc;
  }
  return rc;
}
