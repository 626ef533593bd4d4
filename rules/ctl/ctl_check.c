/*
** ctl_check.c -- interopctl check and compile: is a policy sound, and what does
** deciding by it cost at worst.
**
** Owns the summary and the writing of images. The proof itself is the
** compiler's: what it lets pass is total, typed and without dead rows.
*/
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pack.h"
#include "words.h"
#include "../api/json.h"

const char in_help_check[] =
  "usage: interopctl check [PATH] [--json]\n\n"
  "Compiles a policy and says what is wrong with it, or what is in it: systems,\n"
  "APIs, rules, decision cells and the cost of the dearest decision.\n\n"
  "  PATH      sources (a file, or a directory of *.rules) or an image; else those\n"
  "            installed with the command, else ./conf.d\n"
  "  --json    for programs; an error too: its file, line, column, message and hint\n";

const char in_help_compile[] =
  "usage: interopctl compile [PATH] -o FILE [--json]\n\n"
  "Compiles a policy into an image, which nginx maps instead of the sources. FILE\n"
  "is replaced as a whole or not at all.\n\n"
  "  PATH      sources: a file, or a directory of *.rules; else those installed with\n"
  "            the command, else ./conf.d\n"
  "  -o FILE   where the image goes (also --output FILE)\n"
  "  --json    for programs: the image, its size and its revision\n";

/* ---- cost */

/* longest way from each node to a leaf, in atoms; a node's children lie before it */
typedef struct { uint32_t *depth; uint32_t nodes, longest; } cost_t;

static uint32_t depth_of(const cost_t *c, uint32_t child) {
  return child & IN_LEAF ? 0 : c->depth[child];
}

/* a list of rules looks at every guard, at worst */
static uint32_t depth_of_list(const in_image_t *img, const cost_t *c, uint32_t first) {
  const in_pi_rule_t *r = in_table(img, LISTS, in_pi_rule_t) + first;
  uint32_t d = 0;
  for (; r->op != IN_LIST_END; r++)
    if (r->op != IN_LIST_NEXT) d += depth_of(c, r->guard);
  return d < img->count[IN_S_ATOMS] ? d : img->count[IN_S_ATOMS];
}

static bool measure(const in_image_t *img, cost_t *c) {
  const uint32_t *n = in_table(img, NODES, uint32_t);
  uint32_t count = img->count[IN_S_NODES];
  memset(c, 0, sizeof(*c));
  c->depth = calloc((size_t) count + 1, sizeof(*c->depth));
  if (c->depth == NULL) return false;
  for (uint32_t i = 0; i < count; i += 1 + in_atom(img, n[i])->classes) {
    uint32_t deepest = 0;
    for (uint32_t k = 0; k < in_atom(img, n[i])->classes; k++) {
      uint32_t d = depth_of(c, n[i + 1 + k]);
      if (d > deepest) deepest = d;
    }
    c->depth[i] = deepest + 1;
    c->nodes++;
  }
  for (uint32_t i = 0; i < img->count[IN_S_CELLS]; i++) {
    uint32_t root = in_table(img, CELLS, uint32_t)[i];
    uint32_t d = in_words_is_list(root) ? depth_of_list(img, c, root & ~IN_LIST) : depth_of(c, root);
    if (d > c->longest) c->longest = d;
  }
  return true;
}

/* ---- counts */

typedef struct { uint32_t rules, policies, decisions, lists, tenants; } tally_t;

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
  return (x > y) - (x < y);
}

static uint32_t distinct(const uint32_t *values, uint32_t n) {
  uint32_t *copy = malloc(((size_t) n + 1) * sizeof(*copy)), count = 0;
  if (copy == NULL) return 0;
  memcpy(copy, values, n * sizeof(*copy));
  qsort(copy, n, sizeof(*copy), by_number);
  for (uint32_t i = 0; i < n; i++) count += i == 0 || copy[i] != copy[i - 1];
  free(copy);
  return count;
}

static in_span_t policy_name(const in_image_t *img, uint32_t outcome) {
  in_span_t rule = in_image_str(img, in_outcome(img, outcome)->rule);
  const char *dot = rule.n == 0 ? NULL : memchr(rule.p, '.', rule.n);
  return dot == NULL || in_outcome(img, outcome)->line == 0 ? IN_NONE : in_span(rule.p, (size_t) (dot - rule.p));
}

static tally_t tally(const in_image_t *img) {
  tally_t t = { 0, 0, 0, 0, 0 };
  for (uint32_t i = 0; i < img->count[IN_S_OUTCOMES]; i++) {
    in_span_t name = policy_name(img, i);
    bool known = false;
    if (name.p == NULL) continue;
    t.rules++;
    for (uint32_t k = 0; k < i && !known; k++) known = in_eq(policy_name(img, k), name);
    t.policies += !known;
  }
  for (uint32_t i = 0; i < img->count[IN_S_CELLS]; i++) t.lists += in_words_is_list(in_table(img, CELLS, uint32_t)[i]);
  for (uint32_t i = 1; i < img->count[IN_S_OVERLAYS]; i++)
    t.tenants += in_table(img, OVERLAYS, in_pi_overlay_t)[i].list != IN_NIL;
  t.decisions = distinct(in_table(img, CELLS, uint32_t), img->count[IN_S_CELLS]);
  return t;
}

static void put_text(const in_pack_t *p, const tally_t *t, const cost_t *c) {
  const in_image_t *img = &p->policy->img;
  printf("%s: good\n", p->path);
  printf("  %-14s %u\n", "systems", img->count[IN_S_SYSTEMS]);
  printf("  %-14s %u, %u operations\n", "APIs", img->count[IN_S_APIS], img->count[IN_S_OPERATIONS]);
  printf("  %-14s %u, %u rules\n", "policies", t->policies, t->rules);
  printf("  %-14s %u, %u distinct decisions\n", "cells", img->count[IN_S_CELLS], t->decisions);
  printf("  %-14s %u in %u nodes\n", "atoms", img->count[IN_S_ATOMS], c->nodes);
  printf("  %-14s %u atoms looked at for one recipient\n", "worst decision", c->longest);
  if (t->lists > 0) printf("  %-14s %u cells are lists, too large for diagrams\n", "lists", t->lists);
  if (t->tenants > 0) printf("  %-14s %u with rules of their own\n", "tenants", t->tenants);
  printf("  %-14s %zu bytes, revision %s\n", "image", p->size, p->policy->revision);
}

static void put_json(const in_pack_t *p, const tally_t *t, const cost_t *c) {
  const in_image_t *img = &p->policy->img;
  printf("{\"systems\":%u,\"apis\":%u,\"operations\":%u,\"policies\":%u,\"rules\":%u,\"cells\":%u,"
         "\"decisions\":%u,"
         "\"atoms\":%u,\"nodes\":%u,\"longest\":%u,\"bytes\":%zu,\"revision\":\"%s\"}\n",
      img->count[IN_S_SYSTEMS], img->count[IN_S_APIS], img->count[IN_S_OPERATIONS], t->policies,
      t->rules, img->count[IN_S_CELLS], t->decisions, img->count[IN_S_ATOMS], c->nodes, c->longest,
      p->size, p->policy->revision);
}

/* an error's parts: "FILE:LINE:COLUMN: MESSAGE\n  LINE\n  ^~~\n  hint: HINT" */
static void put_error(const interop_diag_t *d) {
  in_span_t text = in_str(d->text), file = IN_NONE, message = text, hint = IN_NONE;
  char place[32];
  const char *at, *end;
  in_buf_t b;
  snprintf(place, sizeof(place), ":%u:%u: ", d->line, d->column);
  at = d->line == 0 ? NULL : strstr(d->text, place);
  if (at != NULL) {
    file = in_span(d->text, (size_t) (at - d->text));
    message = in_str(at + strlen(place));
  }
  end = memchr(message.p, '\n', message.n);
  if (end != NULL) message.n = (size_t) (end - message.p);
  at = strstr(d->text, "\n  hint: ");
  if (at != NULL) hint = in_str(at + 9);
  in_buf_init(&b, &interop_alloc_libc);
  in_buf_put(&b, IN_SPAN("{\"error\":{"));
  if (file.p != NULL) {
    in_buf_put(&b, IN_SPAN("\"file\":"));
    in_json_quote(&b, file);
    in_buf_printf(&b, ",\"line\":%u,\"column\":%u,", d->line, d->column);
  }
  in_buf_put(&b, IN_SPAN("\"message\":"));
  in_json_quote(&b, message);
  if (hint.p != NULL) {
    in_buf_put(&b, IN_SPAN(",\"hint\":"));
    in_json_quote(&b, hint);
  }
  in_buf_put(&b, IN_SPAN("}}\n"));
  in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
}

int in_ctl_check(int argc, char **argv) {
  bool json = false;
  in_option_t options[] = { { "--json", NULL, &json } };
  in_pack_t pack;
  tally_t t;
  cost_t c;
  bool good;
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc > 2) return in_ctl_wrong(argv[0], "one policy at a time");
  if (!in_pack_open(&pack, argv[1])) {
    if (json && pack.diag.text[0] != '\0') put_error(&pack.diag);
    return IN_CTL_FOUND;
  }
  good = measure(&pack.policy->img, &c);
  if (good) {
    t = tally(&pack.policy->img);
    if (json) put_json(&pack, &t, &c);
    else put_text(&pack, &t, &c);
  }
  free(c.depth);
  in_pack_close(&pack);
  return good ? IN_CTL_GOOD : in_ctl_fail("out of memory");
}

/* ---- compile */

static bool put_all(int fd, const char *p, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    p += done;
    n -= (size_t) done;
  }
  return fsync(fd) == 0;
}

/* a new file beside it, then renamed over it: mapped images stay what they are */
static int write_image(const in_pack_t *p, const char *path) {
  static const char suffix[] = ".XXXXXX";
  size_t n = strlen(path);
  char *temporary = malloc(n + sizeof(suffix));
  int fd, error = 0;
  if (!in_ctl_may_replace(path)) return free(temporary), IN_CTL_FOUND;
  if (temporary == NULL) return in_ctl_fail("out of memory");
  memcpy(temporary, path, n);
  memcpy(temporary + n, suffix, sizeof(suffix));
  fd = mkstemp(temporary);
  if (fd < 0 || !put_all(fd, p->image, p->size) || fchmod(fd, 0644) != 0) error = errno;
  if (fd >= 0 && close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary, path) != 0) error = errno;
  if (error != 0 && fd >= 0) unlink(temporary);
  free(temporary);
  return error == 0 ? IN_CTL_GOOD : in_ctl_fail("%s: %s", path, strerror(error));
}

/* -o FILE is spelt as compilers spell it */
static void spell_output(int argc, char **argv) {
  static char output[] = "--output";
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "-o") == 0) argv[i] = output;
}

static void put_image(const in_pack_t *p, const char *path) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  in_buf_put(&b, IN_SPAN("{\"image\":"));
  in_json_quote(&b, in_str(path));
  in_buf_printf(&b, ",\"bytes\":%zu,\"revision\":\"%s\"}\n", p->size, p->policy->revision);
  in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
}

int in_ctl_compile(int argc, char **argv) {
  const char *output = NULL;
  bool json = false;
  in_option_t options[] = { { "--output", &output, NULL }, { "--json", NULL, &json } };
  in_pack_t pack;
  int code;
  spell_output(argc, argv);
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (argc > 2) return in_ctl_wrong(argv[0], "one policy at a time");
  if (output == NULL) return in_ctl_wrong(argv[0], "where to? give -o FILE");
  if (!in_pack_open(&pack, argv[1])) {
    if (json && pack.diag.text[0] != '\0') put_error(&pack.diag);
    return IN_CTL_FOUND;
  }
  code = write_image(&pack, output);
  if (json && code == IN_CTL_GOOD) put_image(&pack, output);
  in_pack_close(&pack);
  return code;
}
