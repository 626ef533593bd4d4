/*
** match.c -- which operation a method and a target are.
**
** Owns the walk through an API's route trie. Knows nothing of bodies: where
** operations share a route the first candidate is given and read.c goes on.
** The walk tries fixed segments before captures and goes back where a branch
** does not lead to the method; it visits each node of the trie once at most.
** Never a way past: a path of which any reading is under guard is refused.
*/
#include "api.h"
#include "path.h"
#include "records.h"

typedef struct {
  const in_ai_route_t *node;
  uint32_t next;                  /* the child to try next */
} frame_t;

typedef struct {
  const in_image_t *img;
  const in_ai_api_t *api;
  const in_path_t *path;
  in_span_t method;
  bool nocase;
  uint32_t guards;                /* flags of a route that count as a guard */
  bool guarded;                   /* a guard was met */
  bool odd;                       /* an odd segment was met where a guard could follow */
  frame_t frame[IN_PATH_MAX + 1];
  uint32_t depth;
} walk_t;

static inline bool same(const walk_t *w, in_span_t a, in_span_t b) {
  if (a.n != b.n || (a.n > 0 && ((a.p[0] ^ b.p[0]) & 0x5f) != 0)) return false;   /* a first letter, in any case */
  return w->nocase ? in_eq_nocase(a, b) : in_eq(a, b);
}

static bool fits(const walk_t *w, const in_ai_route_t *node, in_span_t text) {
  in_span_t prefix = in_image_str(w->img, node->prefix);
  if (node->capture == IN_NIL) return same(w, prefix, text);
  in_span_t suffix = in_image_str(w->img, node->suffix);
  if (text.n <= prefix.n + suffix.n) return false;
  return same(w, prefix, in_span(text.p, prefix.n))
         && same(w, suffix, in_span(text.p + text.n - suffix.n, suffix.n));
}

static uint32_t operation_here(const walk_t *w, const in_ai_route_t *node) {
  const uint32_t *index = in_records_index(w->img, node->operations);
  for (uint32_t i = 0; i < node->operations.count; i++)
    if (in_eq(in_image_str(w->img, in_records_operation(w->img, index[i])->method), w->method))
      return index[i];
  return IN_NIL;
}

/* enters a node; the operation's index if the path ends here and it has the method */
static inline uint32_t enter(walk_t *w, const in_ai_route_t *node) {
  uint32_t depth = w->depth;
  if (node->flags & w->guards) w->guarded = true;
  if (depth == w->path->count) return operation_here(w, node);
  if (w->path->segment[depth].odd) w->odd = true;
  w->frame[w->depth++] = (frame_t) { node, 0 };
  return IN_NIL;
}

/* the next child that fits the segment, or NULL */
static inline const in_ai_route_t *next_child(const walk_t *w, frame_t *f, in_span_t text) {
  const in_ai_route_t *child = in_records_route(w->img, f->node->children.first);
  uint32_t i = f->next, count = f->node->children.count;
  while (i < count && !fits(w, &child[i], text)) i++;
  f->next = i + 1;
  return i < count ? &child[i] : NULL;
}

static uint32_t find(walk_t *w) {
  uint32_t found = enter(w, in_records_route(w->img, w->api->route));
  while (found == IN_NIL && w->depth > 0) {
    const in_ai_route_t *child = next_child(w, &w->frame[w->depth - 1], w->path->segment[w->depth - 1].text);
    if (child != NULL) found = enter(w, child);
    else w->depth--;
  }
  return found;
}

/* the node that a frame went into last */
static const in_ai_route_t *taken(const walk_t *w, uint32_t depth) {
  const frame_t *f = &w->frame[depth];
  return in_records_route(w->img, f->node->children.first + f->next - 1);
}

static void capture(const walk_t *w, in_match_t *m) {
  for (uint32_t i = 0; i < w->depth; i++) {
    const in_ai_route_t *node = taken(w, i);
    if (node->capture == IN_NIL) continue;
    const in_segment_t *s = &w->path->segment[i];
    size_t prefix = node->prefix.len, suffix = node->suffix.len;
    m->capture[node->capture] = in_span(s->text.p + prefix, s->text.n - prefix - suffix);
    m->raw[node->capture] = prefix + suffix == 0 ? s->raw : IN_NONE;
    m->depth[node->capture] = (uint8_t) i;
  }
}

static void refuse(in_match_t *m, in_span_t reason) {
  m->match = INTEROP_M_REFUSED;
  m->refusal = reason;
}

static void start(walk_t *w, const in_path_t *path) {
  w->path = path;
  w->depth = 0;
}

/* is there a guard in it, if case counts for nothing? */
static bool guarded_somewhere(walk_t *w, const in_path_t *path) {
  in_path_t rest = *path;
  w->nocase = true;
  start(w, path);
  (void) find(w);
  bool odd = w->odd;              /* at the beginning only: elsewhere most paths have odd segments */
  w->guards = IN_ROUTE_ANYWHERE;
  while ((w->api->flags & IN_API_ANYWHERE) && !w->guarded && rest.count > 1) {
    rest.segment++;
    rest.count--;
    start(w, &rest);
    (void) find(w);
  }
  w->guards = IN_ROUTE_GUARD;
  w->odd = odd;
  w->path = NULL;                 /* which ends here */
  return w->guarded;
}

/* would a server that forgives more find a guard in it? */
static interop_status_t match_lenient(walk_t *w, in_span_t target, in_arena_t *arena) {
  in_path_t lenient;
  interop_status_t rc = in_path_lenient(target, (w->api->flags & IN_API_PATHS_ODATA) != 0, arena, &lenient);
  if (rc == INTEROP_OK) (void) guarded_somewhere(w, &lenient);
  return rc;
}

/* is it under guard, or could it be in another reading? */
static interop_status_t match_malformed(walk_t *w, in_span_t target, in_arena_t *arena, in_match_t *m) {
  interop_status_t rc = INTEROP_OK;
  (void) find(w);
  if (!w->guarded && !w->odd) rc = match_lenient(w, target, arena);
  if (w->guarded || w->odd) refuse(m, IN_SPAN("malformed_path"));
  return rc;
}

/* no operation: whatever has a guard in it, in any reading, does not pass */
static interop_status_t match_none(walk_t *w, const in_path_t *path, in_span_t target, in_arena_t *arena,
                                   in_match_t *m) {
  interop_status_t rc = INTEROP_OK;
  if (w->guarded || guarded_somewhere(w, path)) {
    refuse(m, IN_SPAN("unmatched"));
    return rc;
  }
  if (in_path_forgiven(path)) rc = match_lenient(w, target, arena);
  if (w->guarded) refuse(m, IN_SPAN("malformed_path"));
  return rc;
}

interop_status_t in_api_match(const in_image_t *img, int api, const interop_target_t *t,
                              in_arena_t *arena, in_match_t *m) {
  walk_t w;
  in_path_t path;
  in_zero(m, sizeof(*m));
  m->match = INTEROP_M_OUTSIDE;
  m->api = api;
  m->operation = IN_NIL;
  if (api < 0 || (uint32_t) api >= img->count[IN_S_APIS]) return INTEROP_USAGE;
  w.img = img;
  w.api = in_records_api(img, (uint32_t) api);
  w.nocase = (w.api->flags & IN_API_PATHS_NOCASE) != 0;
  w.guards = IN_ROUTE_GUARD;
  w.guarded = w.odd = false;
  w.method = in_eq(t->method, IN_SPAN("HEAD")) ? IN_SPAN("GET") : t->method;
  interop_status_t rc = in_path_parse(t->target, (w.api->flags & IN_API_PATHS_ODATA) != 0, arena, &path);
  if (rc != INTEROP_OK) return rc;
  m->query = path.query;
  start(&w, &path);
  if (path.malformed) return match_malformed(&w, t->target, arena, m);
  uint32_t found = find(&w);
  if (found == IN_NIL) return match_none(&w, &path, t->target, arena, m);
  capture(&w, m);
  m->operation = found;
  m->match = in_records_operation(img, found)->flags & IN_OPER_OPAQUE ? INTEROP_M_PLAIN : INTEROP_M_BODY;
  if (path.changed) {
    m->target = in_path_print(&path, arena);
    if (m->target.p == NULL) return INTEROP_NOMEM;
  }
  return INTEROP_OK;
}
