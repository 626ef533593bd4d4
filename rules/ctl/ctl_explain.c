/*
** ctl_explain.c -- interopctl explain: one event, its verdict, and why.
**
** Owns finding the event (a case's step, or two files) and reading the way
** through the diagrams back from the judge. The judge that explains is the one
** that decides: nothing is decided a second time by other code.
*/
#include <stdlib.h>
#include "ctl_explain.h"

const char in_help_explain[] =
  "usage: interopctl explain FILE [--id ID] [--step N] [OPTION ...]\n"
  "       interopctl explain --given FILE --step FILE [OPTION ...]\n"
  "       interopctl explain --store PATH --step FILE [OPTION ...]\n\n"
  "Judges one event and tells why it came out so: verdict, rule and its place,\n"
  "each recipient's way through the rules, the facts that were used and those that\n"
  "are missing, what upstream would get and the client hear.\n\n"
  "  FILE           behaviour cases (JSON; t/cases/README.md tells their form): the\n"
  "                 first, or that of --id; its first step, or step N, after those\n"
  "                 before it\n"
  "  --given FILE   what is known: an object as a case's \"given\"\n"
  "  --step FILE    what is sent: an object as a step of a case\n"
  "  --store PATH   what is not given is looked up in this store\n"
  "  --json         for programs\n"
  IN_PACK_HELP;

typedef struct {
  const char *cases, *id, *given, *step, *store;
  bool json;
  const interop_policy_t *policy;
  in_host_t *host;
  in_memory_t *memory;
  interop_store_t *opened;
  interop_view_t *view;
  in_arena_t arena;
  in_case_file_t file[2];
} job_t;

/* ---- facts from memory, then from the store */

static interop_status_t lookup(void *ctx, interop_record_kind_t kind, interop_span_t key, interop_span_t *record) {
  job_t *j = ctx;
  interop_status_t rc = in_memory_lookup(j->memory, kind, key, record);
  if (rc != INTEROP_MISSING || j->view == NULL || kind >= INTEROP_R_MESSAGE) return rc;
  return interop_view_lookup(j->view, kind, key, record);
}

static interop_status_t swap(void *ctx, interop_span_t key, interop_span_t old, interop_span_t record, interop_span_t *there) {
  return in_memory_swap(((job_t *) ctx)->memory, key, old, record, there);
}

static bool open_store(job_t *j) {
  interop_diag_t diag;
  if (j->store == NULL) return true;
  if (interop_store_open(j->store, 0, 0, &interop_alloc_libc, &j->opened, &diag) != INTEROP_OK) {
    in_ctl_diag(&diag);
    return false;
  }
  return interop_view_begin(j->opened, &j->view) == INTEROP_OK || (in_ctl_fail("%s: cannot be read", j->store), false);
}

/* ---- reading the way back */

static in_span_t kept(in_buf_t *b) {
  return b->failed || b->n == 0 ? IN_NONE : in_buf_span(b);
}

static bool hangs_on_recipient(in_span_t name) {
  return in_starts(name, IN_SPAN("recipient"));
}

static bool by_default(in_facts_t *f, uint32_t slot) {
  const in_image_t *img = &f->policy->img;
  const in_pi_slot_t *s = in_slot(img, slot);
  interop_value_t v;
  in_span_t record;
  if (s->subject == IN_SUB_REQUEST) return false;
  record = in_facts_record(f, (in_subject_t) s->subject);
  return record.p == NULL
         || interop_record_get(record, in_image_str(img, in_field(img, s->field)->name), &v)
                != INTEROP_OK;
}

static void use(in_explained_t *x, in_facts_t *f, uint32_t slot, in_span_t who) {
  const in_image_t *img = &f->policy->img;
  interop_alloc_t alloc = in_arena_alloc(x->arena);
  in_used_t u = { in_words_slot(img, slot), IN_NONE, IN_NONE, false };
  in_value_t v;
  in_buf_t b;
  if (x->recipients > 1 && hangs_on_recipient(u.name)) u.of = who;
  for (uint32_t i = 0; i < x->facts; i++)
    if (in_eq(x->fact[i].name, u.name) && in_eq(x->fact[i].of, u.of)) return;
  v = in_facts_value(f, slot);
  in_buf_init(&b, &alloc);
  in_words_value(&b, img, slot, &v);
  if (v.known) u.value = kept(&b);
  u.by_default = v.known && by_default(f, slot);
  x->fact[x->facts++] = u;
}

static void add_step(in_explained_t *x, interop_judge_t *j, in_told_t *t, uint32_t atom) {
  const in_image_t *img = &j->policy->img;
  const in_pi_atom_t *a = in_atom(img, atom);
  interop_alloc_t alloc = in_arena_alloc(x->arena);
  in_buf_t b;
  in_buf_init(&b, &alloc);
  in_words_class(&b, img, atom, j->facts.class_[atom]);
  t->path[t->steps++] = kept(&b);
  use(x, &j->facts, a->slot, t->id);
  if (a->slot_b != IN_NIL) use(x, &j->facts, a->slot_b, t->id);
}

/* a step that there was no memory for is not told either */
static bool told(const in_told_t *t, in_span_t step) {
  if (step.p == NULL) return true;
  for (uint32_t i = 0; i < t->steps; i++)
    if (in_eq(t->path[i], step)) return true;
  return false;
}

/* what the rules of the sender's tenant looked at, whether they decided or not */
static void walk_own(in_explained_t *x, interop_judge_t *j, in_told_t *t, const in_list_event_t *e) {
  const in_image_t *img = &j->policy->img;
  const in_facts_t *f = &j->facts;
  const uint32_t *nodes = in_table(img, NODES, uint32_t);
  const in_pi_rule_t *r = in_table(img, LISTS, in_pi_rule_t) + f->overlay;
  uint32_t slot = in_overlay_slot(img);
  in_value_t id = in_facts_value(&j->facts, slot);
  use(x, &j->facts, slot, t->id);
  t->path[t->steps++] = id.known ? in_arena_printf(x->arena, "the tenant %.*s has rules of its own", (int) id.text.n, id.text.p)
                                 : IN_SPAN("the sender's tenant is not known: some have rules of their own");
  for (; r->op != IN_LIST_END; r++) {
    bool meant = r->op < IN_LIST_NEXT && (r->ops >> e->operation & 1) && (r->kinds >> e->kind & 1) && (r->from >> e->from & 1)
                 && (r->to >> e->to & 1) && !(r->crosses && e->from == e->to);
    for (uint32_t n = meant ? r->guard : IN_LEAF; !(n & IN_LEAF) && f->class_[nodes[n]] != IN_NOT_YET;
         n = nodes[n + 1 + f->class_[nodes[n]]]) {
      add_step(x, j, t, nodes[n]);
      if (t->steps > 1 && (t->steps--, told(t, t->path[t->steps]))) continue;
      t->steps++;
    }
  }
}

/* a diagram's way; of a list of rules, all that was looked at; then what the tenant's own rules say */
static bool walk(in_explained_t *x, interop_judge_t *j, const in_recipient_t *r, in_told_t *t) {
  const in_image_t *img = &j->policy->img;
  const uint32_t *nodes = in_table(img, NODES, uint32_t);
  in_list_event_t event = { (uint32_t) j->event.operation, (uint32_t) j->event.kind, j->from, r->to };
  uint32_t cell = (uint32_t) in_cell(img->count[IN_S_SYSTEMS], event.operation, event.kind, event.from, event.to);
  uint32_t n = in_table(img, CELLS, uint32_t)[cell];
  in_judge_take(j, r);
  if (in_decide_event(&j->facts, &event) == IN_NIL) return false;
  t->path = in_arena_array(x->arena, (size_t) img->count[IN_S_ATOMS] + 3, sizeof(*t->path));
  if (t->path == NULL) return false;
  if (in_words_is_list(n)) {
    for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++)
      if (j->facts.class_[i] != IN_NOT_YET) add_step(x, j, t, i);
  } else {
    for (; !(n & IN_LEAF); n = nodes[n + 1 + j->facts.class_[nodes[n]]]) add_step(x, j, t, nodes[n]);
  }
  if (in_overlay_slot(img) != IN_NIL && j->facts.overlay_known && j->facts.overlay != IN_NIL) walk_own(x, j, t, &event);
  return true;
}

static bool read_recipient(in_explained_t *x, interop_judge_t *j, const in_recipient_t *r, in_told_t *t) {
  const in_image_t *img = &j->policy->img;
  const in_pi_outcome_t *o = in_outcome(img, r->outcome);
  interop_alloc_t alloc = in_arena_alloc(x->arena);
  in_buf_t b;
  t->id = in_judge_id(r).p == NULL ? IN_SPAN("(nobody known)") : in_judge_id(r);
  t->system = r->to < img->count[IN_S_SYSTEMS] ? in_image_str(img, in_system(img, r->to)->name) : IN_NONE;
  t->rule = in_image_str(img, o->rule);
  in_buf_init(&b, &alloc);
  in_words_outcome(&b, img, r->outcome);
  t->outcome = kept(&b);
  in_buf_init(&b, &alloc);
  in_words_place(&b, img, o);
  t->place = kept(&b);
  return walk(x, j, r, t);
}

/* false: no memory */
static bool read_back(in_explained_t *x, interop_judge_t *j) {
  const in_image_t *img = &j->policy->img;
  uint32_t n = j->addressed ? j->recipient_count : 0, reason = in_find_reason(img, x->plan->reason);
  if (reason != IN_NIL) x->message = in_image_str(img, in_reason(img, reason)->message);
  x->recipient = in_arena_array(x->arena, n + 1, sizeof(*x->recipient));
  x->fact = in_arena_array(x->arena, ((size_t) img->count[IN_S_SLOTS] + 1) * (n + 1), sizeof(*x->fact));
  if (x->recipient == NULL || x->fact == NULL) return false;
  x->recipients = n;
  for (uint32_t i = 0; i < n; i++) {
    if (j->recipients[i].outcome == IN_NIL) continue;       /* the store failed before it */
    if (!read_recipient(x, j, &j->recipients[i], &x->recipient[i])) return false;
    if (i == j->final) x->place = x->recipient[i].place;
  }
  return true;
}

/* ---- the event */

static bool new_edge(job_t *j, yyjson_val *given, yyjson_val *step, in_edge_t **edge) {
  in_edge_t *e = in_arena_get(&j->arena, sizeof(*e));
  interop_diag_t diag;
  if (e == NULL) return in_ctl_fail("out of memory"), false;
  e->policy = j->policy;
  e->host = j->host;
  e->memory = j->memory;
  e->source = (interop_source_t) { lookup, j, NULL, NULL, swap };
  e->arena = &j->arena;
  e->assumes = true;
  *edge = e;
  return in_case_step(given, step, e, &diag) || in_ctl_fail("%s", diag.text) == 0;
}

static int explain(job_t *j, yyjson_val *given, yyjson_val *step) {
  in_explained_t x = { 0 };
  in_edge_t *e;
  interop_status_t rc;
  if (!new_edge(j, given, step, &e)) return IN_CTL_WRONG;
  x.arena = &j->arena;
  x.edge = e;
  rc = in_edge_judge(e);
  if (rc == INTEROP_OK && e->judge != NULL) {
    x.plan = interop_judge_plan(e->judge);
    if (!read_back(&x, e->judge)) rc = INTEROP_NOMEM;
  }
  if (rc == INTEROP_OK) rc = in_edge_finish(e);
  if (rc == INTEROP_OK && j->json) in_explain_json(&x);
  else if (rc == INTEROP_OK) in_explain_text(&x);
  in_edge_end(e);
  return rc == INTEROP_OK ? IN_CTL_GOOD : in_ctl_fail("%s", interop_status_name(rc));
}

static bool put_given(job_t *j, yyjson_val *given) {
  interop_diag_t diag;
  return in_case_given(given, j->memory, &j->arena, &diag) || in_ctl_fail("%s", diag.text) == 0;
}

/* the steps before it have happened */
static int explain_case(job_t *j, yyjson_val *v, size_t number) {
  yyjson_val *given = in_case_get(v, "given"), *steps = in_case_get(v, "steps");
  if (number == 0 || number > yyjson_arr_size(steps))
    return in_ctl_wrong("explain", "this case has %zu steps", yyjson_arr_size(steps));
  if (!put_given(j, given)) return IN_CTL_WRONG;
  for (size_t i = 0; i + 1 < number; i++) {
    in_edge_t *e;
    interop_status_t rc;
    if (!new_edge(j, given, yyjson_arr_get(steps, i), &e)) return IN_CTL_WRONG;
    rc = in_edge_run(e);
    in_edge_end(e);
    if (rc != INTEROP_OK) return in_ctl_fail("step %zu: %s", i + 1, interop_status_name(rc));
  }
  return explain(j, given, yyjson_arr_get(steps, number - 1));
}

static yyjson_val *find_case(const job_t *j) {
  size_t i, n;
  yyjson_val *v;
  if (yyjson_is_obj(j->file[0].root)) return j->file[0].root;
  yyjson_arr_foreach(j->file[0].root, i, n, v)
    if (j->id == NULL || in_eq(in_case_text(v, "id"), in_str(j->id))) return v;
  return NULL;
}

static int run_cases(job_t *j) {
  size_t number = 1;
  yyjson_val *v;
  if (j->step != NULL && (!in_ctl_size(j->step, &number) || number == 0))
    return in_ctl_wrong("explain", "--step wants a step's number here");
  if (!in_case_open(&j->file[0], j->cases)) return IN_CTL_WRONG;
  v = find_case(j);
  if (v == NULL) return in_ctl_wrong("explain", "%s has no case %s", j->cases, j->id == NULL ? "at all" : j->id);
  return explain_case(j, v, number);
}

static int run_files(job_t *j) {
  yyjson_val *given = NULL, *step;
  if (j->step == NULL) return in_ctl_wrong("explain", "which event? give a case file, or --step FILE");
  if (!in_case_open(&j->file[0], j->step)) return IN_CTL_WRONG;
  step = j->file[0].root;
  if (j->given != NULL) {
    if (!in_case_open(&j->file[1], j->given)) return IN_CTL_WRONG;
    given = j->file[1].root;
    if (in_case_get(given, "given") != NULL) given = in_case_get(given, "given");
    if (!put_given(j, given)) return IN_CTL_WRONG;
  }
  return explain(j, given, step);
}

static void finish(job_t *j) {
  if (j->view != NULL) interop_view_end(j->view);
  if (j->opened != NULL) interop_store_close(j->opened);
  in_memory_free(j->memory);
  in_arena_free(&j->arena);
  for (size_t i = 0; i < in_countof(j->file); i++) in_case_close(&j->file[i]);
}

int in_ctl_explain(int argc, char **argv) {
  job_t j = { 0 };
  const char *policy = NULL;
  in_option_t options[] = {
    { "--policy", &policy, NULL }, { "--id", &j.id, NULL }, { "--given", &j.given, NULL },
    { "--step", &j.step, NULL }, { "--store", &j.store, NULL }, { "--json", NULL, &j.json },
  };
  in_pack_t pack;
  int code = IN_CTL_FOUND;
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc > 2) return in_ctl_wrong(argv[0], "one case file at a time");
  if (argc == 2 && j.given != NULL) return in_ctl_wrong(argv[0], "a case file brings what is given along");
  if (!in_pack_open(&pack, policy)) return IN_CTL_FOUND;
  j.cases = argv[1];
  j.policy = pack.policy;
  j.host = &pack.host;
  j.memory = in_memory_new(&interop_alloc_libc);
  in_arena_init(&j.arena, &interop_alloc_libc);
  if (j.memory == NULL) in_ctl_fail("out of memory");
  else if (open_store(&j)) code = argc == 2 ? run_cases(&j) : run_files(&j);
  finish(&j);
  in_pack_close(&pack);
  return code;
}
