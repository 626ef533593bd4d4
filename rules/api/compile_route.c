/*
** compile_route.c -- path patterns and the route trie.
**
**   /{v}/chats/{conversation}     /calls/{call}:transfer
**
** Owns entering an operation under its own path and everything that means the
** same (aliases, an optional prefix), guards, and writing the trie so that
** children lie in one run behind their parent. Invariant: every operation is
** under a guard, and a request means one operation or a chain of candidates.
*/
#include "compile.h"

uint32_t in_apic_capture(const in_apic_t *c, in_span_t name) {
  for (uint32_t i = 0; i < c->captures; i++)
    if (in_eq(c->capture[i], name)) return i;
  return IN_NIL;
}

static bool number_capture(in_apic_t *c, const in_tok_t *tok, in_span_t name, uint32_t *number) {
  *number = in_apic_capture(c, name);
  if (*number != IN_NIL) return true;
  if (c->captures == IN_CAPTURES)
    return in_apic_bad(c, tok->place, NULL, "an api has at most %d names in braces", IN_CAPTURES);
  *number = c->captures;
  c->capture[c->captures++] = name;
  return true;
}

static bool read_segment(in_apic_t *c, const in_tok_t *tok, in_span_t text, in_pseg_t *seg) {
  const char *open = memchr(text.p, '{', text.n);
  const char *close = memchr(text.p, '}', text.n);
  seg->prefix = text;
  seg->suffix = IN_SPAN("");
  seg->capture = IN_NIL;
  if (open == NULL && close == NULL) return true;
  const char *end = text.p + text.n;
  if (open == NULL || close == NULL || close < open + 2
      || memchr(close + 1, '{', (size_t) (end - close - 1)) != NULL)
    return in_apic_bad(c, tok->place, "/{name}/fixed/{other}", "the braces of this path do not fit");
  seg->prefix = in_span(text.p, (size_t) (open - text.p));
  seg->suffix = in_span(close + 1, (size_t) (end - close - 1));
  return number_capture(c, tok, in_span(open + 1, (size_t) (close - open - 1)), &seg->capture);
}

static bool check_captures(in_apic_t *c, const in_tok_t *tok, const in_pattern_t *p) {
  for (uint32_t i = 0; i < p->count; i++)
    for (uint32_t k = 0; k < i; k++)
      if (p->seg[i].capture != IN_NIL && p->seg[i].capture == p->seg[k].capture)
        return in_apic_bad(c, tok->place, NULL, "{%.*s} stands twice in this path",
                           (int) c->capture[p->seg[i].capture].n, c->capture[p->seg[i].capture].p);
  return true;
}

bool in_apic_pattern(in_apic_t *c, const in_tok_t *tok, in_pattern_t *p) {
  in_span_t rest = tok->text, raw;
  uint32_t count = 0;
  for (size_t i = 0; i < rest.n; i++) count += rest.p[i] == '/';
  p->count = 0;
  p->seg = in_arena_array(c->arena, count + 1, sizeof(in_pseg_t));
  if (p->seg == NULL) return in_apic_nomem(c);
  if (count > 24) return in_apic_bad(c, tok->place, NULL, "this path has too many segments");
  while (in_json_step(&rest, &raw)) {
    if (raw.n == 0) return in_apic_bad(c, tok->place, NULL, "an empty segment in this path");
    if (!read_segment(c, tok, raw, &p->seg[p->count++])) return false;
  }
  return check_captures(c, tok, p);
}

/* ---- the trie */

static bool same_seg(const in_pseg_t *a, const in_pseg_t *b, bool nocase) {
  if (a->capture != b->capture) return false;
  return nocase ? in_eq_nocase(a->prefix, b->prefix) && in_eq_nocase(a->suffix, b->suffix)
                : in_eq(a->prefix, b->prefix) && in_eq(a->suffix, b->suffix);
}

/* fixed segments before captures; of these the longer fixed parts first */
static bool before(const in_pseg_t *a, const in_pseg_t *b) {
  if ((a->capture == IN_NIL) != (b->capture == IN_NIL)) return a->capture == IN_NIL;
  return a->capture != IN_NIL && a->prefix.n + a->suffix.n > b->prefix.n + b->suffix.n;
}

static in_rnode_t *descend(in_apic_t *c, in_rnode_t *at, const in_pseg_t *seg) {
  bool nocase = (c->rec.flags & IN_API_PATHS_NOCASE) != 0;
  in_rnode_t **link = &at->child;
  for (in_rnode_t *n = at->child; n != NULL; n = n->next)
    if (same_seg(&n->seg, seg, nocase)) return n;
  while (*link != NULL && !before(seg, &(*link)->seg)) link = &(*link)->next;
  in_rnode_t *n = in_arena_get(c->arena, sizeof(*n));
  if (n == NULL) {
    in_apic_nomem(c);
    return NULL;
  }
  n->seg = *seg;
  n->next = *link;
  *link = n;
  c->rnodes++;
  return n;
}

static in_rnode_t *enter(in_apic_t *c, const in_pattern_t *p, bool *guarded) {
  in_rnode_t *n = c->root;
  for (uint32_t i = 0; n != NULL && i < p->count; i++) {
    n = descend(c, n, &p->seg[i]);
    if (n != NULL && (n->flags & IN_ROUTE_GUARD)) *guarded = true;
  }
  return n;
}

static bool starts_with(in_apic_t *c, const in_pattern_t *p, const in_pattern_t *prefix) {
  bool nocase = (c->rec.flags & IN_API_PATHS_NOCASE) != 0;
  if (prefix->count == 0 || p->count < prefix->count) return false;
  for (uint32_t i = 0; i < prefix->count; i++)
    if (!same_seg(&p->seg[i], &prefix->seg[i], nocase)) return false;
  return true;
}

/* p with its first n segments replaced by others */
static bool replace(in_apic_t *c, const in_pattern_t *p, uint32_t n, const in_pattern_t *by,
                    in_pattern_t *to) {
  to->count = p->count - n + by->count;
  to->seg = in_arena_array(c->arena, to->count + 1, sizeof(in_pseg_t));
  if (to->seg == NULL) return in_apic_nomem(c);
  if (by->count > 0) memcpy(to->seg, by->seg, by->count * sizeof(in_pseg_t));
  memcpy(to->seg + by->count, p->seg + n, (p->count - n) * sizeof(in_pseg_t));
  return true;
}

static bool mark_guard(in_apic_t *c, const in_pattern_t *p, uint32_t flags) {
  bool guarded = false;
  in_rnode_t *n = enter(c, p, &guarded);
  if (n == NULL) return false;
  n->flags |= flags;
  return true;
}

/* matched at every segment, see match.c; of what begins so it is a guard as well */
bool in_apic_guard_anywhere(in_apic_t *c, const in_pattern_t *p) {
  return mark_guard(c, p, IN_ROUTE_GUARD | IN_ROUTE_ANYWHERE);
}

bool in_apic_guard(in_apic_t *c, const in_pattern_t *p) {
  in_pattern_t shorter, none = { NULL, 0 };
  if (!mark_guard(c, p, IN_ROUTE_GUARD)) return false;
  if (!starts_with(c, p, &c->optional) || p->count == c->optional.count) return true;
  return replace(c, p, c->optional.count, &none, &shorter) && mark_guard(c, &shorter, IN_ROUTE_GUARD);
}

/* ---- operations */

/* the last candidate of the chain that this node has for the method */
static uint32_t last_candidate(const in_apic_t *c, const in_rnode_t *n, in_ref_t method) {
  for (uint32_t i = 0; i < n->operations; i++) {
    uint32_t op = n->operation[i];
    if (c->oper[op].rec.method.off != method.off) continue;
    while (c->oper[op].rec.next != IN_NIL) op = c->oper[op].rec.next;
    return op;
  }
  return IN_NIL;
}

static bool add_operation(in_apic_t *c, in_rnode_t *n, uint32_t oper) {
  if (n->operations == n->size) {
    uint32_t size = n->size == 0 ? 4 : n->size * 2;
    uint32_t *p = in_arena_array(c->arena, size, sizeof(*p));
    if (p == NULL) return in_apic_nomem(c);
    if (n->operations > 0) memcpy(p, n->operation, n->operations * sizeof(*p));
    n->operation = p;
    n->size = size;
  }
  n->operation[n->operations++] = oper;
  return true;
}

static bool enter_operation(in_apic_t *c, const in_pattern_t *p, uint32_t oper) {
  in_oper_t *o = &c->oper[oper];
  bool guarded = (c->root->flags & IN_ROUTE_GUARD) != 0;
  in_rnode_t *n = enter(c, p, &guarded);
  if (n == NULL) return false;
  if (!guarded)
    return in_apic_bad(c, o->stmt->tok[3].place, "guards name the prefixes that are under policy",
                       "no guard covers this path");
  uint32_t last = last_candidate(c, n, o->rec.method);
  if (last == IN_NIL) return add_operation(c, n, oper);
  if (last == oper) return true;  /* entered already, in another spelling */
  if (c->oper[last].always)
    return in_apic_bad(c, o->stmt->tok[3].place, "only operations with `when` can share a request",
                       "this request means \"%s\" already",
                       interop_operation_name((interop_operation_t) c->oper[last].rec.operation));
  c->oper[last].rec.next = oper;
  return true;
}

static bool enter_spellings(in_apic_t *c, const in_pattern_t *p, uint32_t oper) {
  in_pattern_t other, none = { NULL, 0 };
  if (!enter_operation(c, p, oper)) return false;
  if (!starts_with(c, p, &c->optional)) return true;
  return replace(c, p, c->optional.count, &none, &other) && enter_operation(c, &other, oper);
}

bool in_apic_route(in_apic_t *c, uint32_t oper) {
  in_pattern_t other, path = c->oper[oper].path;
  if (!enter_spellings(c, &path, oper)) return false;
  for (in_alias_t *a = c->aliases; a != NULL; a = a->next) {
    if (!starts_with(c, &path, &a->to)) continue;
    if (!replace(c, &path, a->to.count, &a->from, &other) || !enter_spellings(c, &other, oper))
      return false;
  }
  return true;
}

/* ---- writing: breadth first, so that children follow their parent in a run */

static in_run_t write_indices(in_apic_t *c, const in_rnode_t *n) {
  in_run_t run = { in_builder_count(c->b, IN_S_INDEXES, sizeof(uint32_t)), n->operations };
  for (uint32_t i = 0; i < n->operations; i++) {
    uint32_t index = c->rec.operations.first + n->operation[i];
    in_builder_add(c->b, IN_S_INDEXES, &index, 1, sizeof(index));
  }
  return run;
}

bool in_apic_write_routes(in_apic_t *c) {
  in_rnode_t **queue = in_arena_array(c->arena, c->rnodes, sizeof(*queue));
  uint32_t first = in_builder_count(c->b, IN_S_ROUTES, sizeof(in_ai_route_t)), tail = 1;
  if (queue == NULL) return in_apic_nomem(c);
  queue[0] = c->root;
  c->root->seg.capture = IN_NIL;
  for (uint32_t i = 0; i < c->rnodes; i++) {
    in_rnode_t *n = queue[i];
    in_ai_route_t r = { .capture = n->seg.capture, .flags = n->flags };
    r.prefix = in_builder_str(c->b, n->seg.prefix);
    r.suffix = in_builder_str(c->b, n->seg.suffix);
    r.children.first = first + tail;
    for (in_rnode_t *k = n->child; k != NULL; k = k->next) queue[tail++] = k;
    r.children.count = first + tail - r.children.first;
    r.operations = write_indices(c, n);
    in_builder_add(c->b, IN_S_ROUTES, &r, 1, sizeof(r));
  }
  c->rec.route = first;
  /* candidates were numbered within the API */
  for (uint32_t i = 0; i < c->opers; i++)
    if (c->oper[i].rec.next != IN_NIL) c->oper[i].rec.next += c->rec.operations.first;
  return true;
}
