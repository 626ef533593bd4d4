/*
** image.c -- a hostile image does no harm.
**
** Round trip; every truncation; each byte changed, which the checksum tells.
** Then the checksum is made to fit again: an image whose records were changed
** is refused, or every cell can be walked and requests be judged by it without
** a fault. Faults end a child process, not the test. The shipped image is too
** large to change each byte of: a small one stands for it there.
*/
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "asked.h"
#include "policy/facts.h"

typedef struct { unsigned char *p; size_t n; } bytes_t;

static const char source[] =
  "system a { title \"A\"; tier B; } system b { title \"B\"; }\n"
  "reason malformed_path 400 \"-\"; reason malformed_body 400 \"-\"; reason unsupported_media_type 415 \"-\";\n"
  "reason body_too_large 413 \"-\"; reason unmatched 404 \"-\"; reason store_unavailable 503 \"-\"; reason no_policy 403 \"-\";\n"
  "reason undetermined 403 \"-\"; reason old 403 \"-\"; notice said for lost link; notice other when sender.system == b;\n"
  "set some { X Y }\n"
  "record tenant { id code; tier one of none A B ordered default none; country code; n number; since time; }\n"
  "record user { f flag; m one of K L; tags list; country code default from tenant; }\n"
  "record message { was one of P Q fetched else Q; }\n"
  "toggle t { on when tenant.country in some; off otherwise; }\n"
  "policy p between a and b {\n"
  "  gate { deny old when toggle t is off or sender.tenant.tier > tier of a or sender.tenant.n > 5;\n"
  "         deny old when recipient.named matches ~\"^x+$\" and sender.tags has z and sender.tenant.id != recipient.tenant.id;\n"
  "         deny undetermined when now >= sender.tenant.since and recipient.named starts with \"q\"; }\n"
  "  matrix a -> b { message.send text deliver when message.was == P; * * placeholder old notice said; }\n"
  "  placeholder a -> b { text \"{link}\" link \"https://example.org/\" when sender.m == K; text \"-\" link \"-\"; }\n"
  "  remember { sender.f = true when recipient.country == X;\n"
  "    sender.f = true when operation == message.send or (sender.m == K and operation in message.edit message.delete);\n"
  "    sender.f = true when not operation == message.send and sender.system != a and recipient.f;\n"
  "    sender.f = true when not (operation == message.send and sender.m == K) and recipient.system in b;\n"
  "    sender.f = true when sender.system == recipient.system and operation not in typing call.create; }\n"
  "}\n"
  "policy t1 for tenant \"t1\" between a and b { gate { deny old when sender.f unknown deliver; }\n"
  "  matrix a -> b { message.send text drop when sender.m == K; * * drop old; } }\n"
  "policy t2 for tenant \"T2\" everywhere { gate for message.* { deny no_policy when recipient.m == L; } }\n";

static uint64_t state = 88172645463325252ull;

static uint32_t dice(uint32_t n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t) (state >> 11) % n;
}

/* ---- making images */

static bytes_t compile(const char *path, interop_diag_t *diag) {
  bytes_t b = { NULL, 0 };
  void *made = NULL;
  if (interop_compile_file(path, &interop_alloc_libc, &made, &b.n, NULL, NULL, diag) == INTEROP_OK) b.p = made;
  return b;
}

static bytes_t compile_small(interop_diag_t *diag) {
  char path[] = "/tmp/interop-image-XXXXXX.rules";
  int fd = mkstemps(path, 6);
  bytes_t b = { NULL, 0 };
  if (fd < 0) return b;
  if (write(fd, source, sizeof(source) - 1) == (ssize_t) sizeof(source) - 1) b = compile(path, diag);
  close(fd);
  unlink(path);
  return b;
}

static void fix(unsigned char *p, size_t n) {
  in_image_head_t h;
  if (n < sizeof(h)) return;
  memcpy(&h, p, sizeof(h));
  h.size = n;
  h.checksum = in_hash64(p + IN_IMAGE_CHECKED, n - IN_IMAGE_CHECKED);
  memcpy(p, &h, sizeof(h));
}

static interop_status_t load(const unsigned char *p, size_t n, interop_policy_t **policy) {
  interop_diag_t diag;
  return interop_policy_load(p, n, &interop_alloc_libc, policy, &diag);
}

/* ---- using what was accepted */

static void walk_all(const interop_policy_t *p) {
  uint8_t class_[IN_MAX_ATOMS];
  const uint32_t *cells = in_table(&p->img, CELLS, uint32_t);
  for (unsigned round = 0; round < 3; round++) {
    for (uint32_t i = 0; i < p->img.count[IN_S_ATOMS]; i++) class_[i] = (uint8_t) (round == 0 ? 0 : dice(in_atom(&p->img, i)->classes));
    for (uint32_t i = 0; i < p->img.count[IN_S_CELLS]; i++) {
      uint32_t node = cells[i], need, o = in_walk(&p->img, class_, &node, &need);
      if (o >= p->img.count[IN_S_OUTCOMES]) abort();
    }
    for (uint32_t i = 0; i < 8 && in_overlay_slot(&p->img) != IN_NIL; i++) {
      in_list_event_t e = { dice(INTEROP_OPERATION_COUNT), dice(INTEROP_KIND_COUNT), dice(2), dice(3) };
      uint32_t list = in_overlay_find(&p->img, i % 3 == 0 ? IN_NONE : i % 3 == 1 ? IN_SPAN("t1") : IN_SPAN("T2")), need, o;
      o = list == IN_NIL ? IN_NOTHING : in_list_walk(&p->img, list, &e, class_, &need);
      if (o != IN_NOTHING && o >= p->img.count[IN_S_OUTCOMES]) abort();
    }
  }
}

static void judge_all(const interop_policy_t *p, in_memory_t *memory) {
  interop_source_t source_ = in_memory_source(memory);
  for (size_t i = 0; i < in_countof(asked); i++) {
    interop_target_t target = { in_str(asked[i].method), in_str(asked[i].target) };
    interop_request_t request = asked_request(&asked[i]);
    for (uint32_t api = 0; api < p->img.count[IN_S_APIS]; api++) {
      interop_judge_t *j;
      interop_match_t match;
      interop_answer_t answer;
      if (interop_judge_new(p, (int) api, &target, &interop_alloc_libc, &j, &match) != INTEROP_OK) continue;
      if (interop_judge_run(j, &request, &source_) == INTEROP_AGAIN && interop_judge_fetched(j, 200, in_str(asked[0].body)) == INTEROP_OK)
        interop_judge_run(j, &request, &source_);
      interop_judge_answer(j, 200, in_str(asked[i].answer), &answer);
      interop_judge_free(j);
    }
  }
}

/* a random class for each atom, but as the event has it where the fact is the event's */
static void some_classes(const in_image_t *img, const in_list_event_t *e, uint8_t *class_) {
  for (uint32_t i = 0; i < img->count[IN_S_ATOMS]; i++) {
    const in_pi_atom_t *a = in_atom(img, i);
    const in_pi_slot_t *s = in_slot(img, a->slot);
    const uint32_t values[] = { e->operation, e->kind, e->from, e->to };
    class_[i] = (uint8_t) dice(a->classes);
    if (s->subject != IN_SUB_REQUEST || s->field > IN_RF_TO) continue;
    class_[i] = values[s->field] >= a->map.count ? 0 : (uint8_t) in_table(img, INDEXES, uint32_t)[a->map.first + values[s->field]];
  }
}

/* the bit sets of what is remembered leave nothing out that its guard lets through */
static void test_effects(const bytes_t *b, const char *name, unsigned wanted) {
  interop_policy_t *p;
  unsigned held = 0, wrong = 0, left_out = 0;
  uint8_t class_[IN_MAX_ATOMS];
  if (load(b->p, b->n, &p) != INTEROP_OK) return;
  uint32_t systems = p->img.count[IN_S_SYSTEMS];
  for (unsigned round = 0; round < 200000; round++) {
    in_list_event_t e = { dice(INTEROP_OPERATION_COUNT), dice(INTEROP_KIND_COUNT), dice(systems), dice(systems + 1) };
    const in_pi_effect_t *x = in_table(&p->img, EFFECTS, in_pi_effect_t) + dice(p->img.count[IN_S_EFFECTS]);
    uint32_t node = x->guard, need;
    bool in_sets = (x->ops >> e.operation & 1) && (x->from >> e.from & 1) && (x->to >> e.to & 1);
    some_classes(&p->img, &e, class_);
    bool holds = in_outcome(&p->img, in_walk(&p->img, class_, &node, &need))->kind == IN_OUT_TRUE;
    held += holds;
    wrong += holds && !in_sets;
    left_out += !in_sets;
  }
  ok(wrong == 0 && held > 1000 && left_out / 2000 > wanted, "%s: %u effects held, %u were left out without a look, %u of them wrongly",
     name, held, left_out, wrong);
  interop_policy_free(p);
}

/* in a child: false if it did not end well */
static bool survives(void (*work)(const bytes_t *, in_memory_t *, unsigned), const bytes_t *b, in_memory_t *m, unsigned times) {
  int status = 0;
  pid_t pid;
  fflush(stdout);
  pid = fork();
  if (pid < 0) return false;
  if (pid == 0) {
    alarm(100);
    work(b, m, times);
    _exit(0);
  }
  if (waitpid(pid, &status, 0) != pid) return false;
  if (WIFSIGNALED(status)) printf("# signal %d\n", WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- changes */

static void try_image(unsigned char *p, size_t n, in_memory_t *m, unsigned *accepted) {
  interop_policy_t *policy;
  fix(p, n);
  if (load(p, n, &policy) != INTEROP_OK) return;
  ++*accepted;
  walk_all(policy);
  judge_all(policy, m);
  interop_policy_free(policy);
}

/* words that offsets, counts and kinds break on */
static uint32_t nasty(uint32_t old) {
  static const uint32_t words[] = { 0, 1, 2, 3, 62, 63, 64, 255, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff };
  switch (dice(6)) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return old ^ (1u << dice(32));
    case 3: return dice(4096);
    case 4: return (old & 0x80000000u) | dice(300);
    default: return words[dice(in_countof(words))];
  }
}

/* a word of a section picked first, so that small sections get their share */
static size_t pick(const unsigned char *p) {
  in_image_head_t h;
  memcpy(&h, p, sizeof(h));
  for (;;) {
    const in_section_head_t *s = &h.section[dice(IN_SECTION_COUNT)];
    size_t words = (size_t) s->count * s->size / 4;
    if (words > 0) return s->offset + 4 * (size_t) dice((uint32_t) words);
  }
}

static void change_words(const bytes_t *b, in_memory_t *m, unsigned times) {
  unsigned char *p = malloc(b->n);
  unsigned accepted = 0;
  if (p == NULL) _exit(3);
  for (unsigned t = 0; t < times; t++) {
    memcpy(p, b->p, b->n);
    for (uint32_t k = 0; k <= dice(3); k++) {
      size_t at = pick(b->p);
      uint32_t w;
      memcpy(&w, p + at, 4);
      w = nasty(w);
      memcpy(p + at, &w, 4);
    }
    if (dice(20) == 0) {           /* the section table */
      size_t at = IN_IMAGE_CHECKED + 4 * (size_t) dice(IN_SECTION_COUNT * 4);
      uint32_t w;
      memcpy(&w, p + at, 4);
      w = nasty(w);
      memcpy(p + at, &w, 4);
    }
    try_image(p, b->n, m, &accepted);
  }
  free(p);
  if (accepted < times / 100) _exit(4);       /* else nothing was tried */
}

static void change_bytes(const bytes_t *b, in_memory_t *m, unsigned times) {
  unsigned char *p = malloc(b->n);
  unsigned accepted = 0;
  if (p == NULL) _exit(3);
  memcpy(p, b->p, b->n);
  for (size_t at = times; at < b->n; at += 4) {
    unsigned char old = p[at];
    p[at] = (unsigned char) (old ^ (1u << dice(8)));
    try_image(p, b->n, m, &accepted);
    p[at] = old;
  }
  free(p);
}

static void truncate_fixed(const bytes_t *b, in_memory_t *m, unsigned times) {
  unsigned accepted = 0;
  for (unsigned t = 0; t < times; t++) {
    size_t n = (size_t) dice((uint32_t) b->n);
    unsigned char *p = malloc(n + 1);
    if (p == NULL) _exit(3);
    memcpy(p, b->p, n);
    try_image(p, n, m, &accepted);
    free(p);
  }
}

/* ---- what the checksum tells */

static void test_container(const bytes_t *b) {
  interop_policy_t *policy;
  unsigned char *p = malloc(b->n + 8);
  size_t bad = 0;
  if (p == NULL) return;
  memcpy(p, b->p, b->n);
  ok(load(p, b->n, &policy) == INTEROP_OK, "an image is loaded");
  interop_policy_free(policy);
  for (size_t n = 0; n < b->n; n++) bad += load(p, n, &policy) != INTEROP_DAMAGED;
  ok(bad == 0, "each of %zu truncations is refused", b->n);
  for (size_t i = 0; i < b->n; i++) {
    p[i] ^= (unsigned char) (1 + dice(255));
    bad += load(p, b->n, &policy) != INTEROP_DAMAGED;
    p[i] = b->p[i];
  }
  ok(bad == 0, "each of %zu bytes changed is noticed", b->n);
  memset(p + b->n, 0, 8);
  ok(load(p, b->n + 8, &policy) == INTEROP_DAMAGED, "a longer one is refused");
  memmove(p + 4, b->p, b->n);
  ok(load(p + 4, b->n, &policy) == INTEROP_DAMAGED, "one that is not aligned is refused");
  free(p);
}

int main(int argc, char **argv) {
  unsigned times = argc > 1 ? (unsigned) strtoul(argv[1], NULL, 10) : 4000;
  interop_diag_t diag;
  bytes_t small = compile_small(&diag), full = compile("conf.d", &diag), again = compile("./conf.d/", &diag);
  in_memory_t *m = asked_records();
  if (argc > 2) state = strtoull(argv[2], NULL, 10);
  if (!ok(small.p != NULL && full.p != NULL && again.p != NULL && m != NULL, "policies compile")) return printf("# %s\n", diag.text), done();
  test_container(&small);
  test_effects(&small, "a small policy", 30);
  test_effects(&full, "the shipped policies", 90);
  for (unsigned i = 0; i < 4; i++) ok(survives(change_bytes, &small, m, i), "each byte changed, the checksum fixed (%u of 4)", i + 1);
  ok(survives(truncate_fixed, &small, m, times), "truncations, size and checksum fixed");
  for (unsigned i = 0; i < 2; i++, state += 77) ok(survives(change_words, &small, m, times), "words changed, the checksum fixed (%u)", i + 1);
  for (unsigned i = 0; i < 2; i++, state += 77) ok(survives(change_words, &full, m, times / 10), "words of the shipped image changed (%u)", i + 1);
  in_memory_free(m);
  free(small.p);
  free(full.p);
  free(again.p);
  return done();
}
