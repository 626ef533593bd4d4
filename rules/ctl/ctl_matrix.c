/*
** ctl_matrix.c -- interopctl matrix: what is sent in one system, and how it is
** experienced in another, as documentation tells it.
**
** Owns the table: rows from the vocabulary's labels, words for verdicts. What
** becomes of ordinary traffic is default.c's; no system and no policy is known
** by name.
*/
#include <stdlib.h>
#include "ctl_rows.h"
#include "default.h"
#include "pack.h"
#include "unlist.h"
#include "words.h"
#include "../api/json.h"

const char in_help_matrix[] =
  "usage: interopctl matrix FROM TO [--markdown | --json] [--all] [--policy PATH]\n"
  "       interopctl matrix --rows [--markdown | --json] [--policy PATH]\n\n"
  "The capability table from one system to another, read off the compiled policy:\n"
  "what becomes of each kind of message and event in an ordinary conversation. Rows\n"
  "and their names are the labels that the vocabulary gives for FROM. With --rows,\n"
  "what the policies decide, row by row: tag, verdict, reason.\n\n"
  "  --markdown     as a Markdown table\n"
  "  --json         for programs: an array of rows\n"
  "  --all          every operation and kind, not only what is labelled\n"
  IN_PACK_HELP;

#define VALUES  8                 /* values of the message's fact that are told apart */

typedef struct { const char *type; in_span_t event, experience; } row_t;

typedef struct {
  const in_image_t *img;
  in_image_t flat;                /* the same without lists of rules, where it has some */
  in_arena_t arena;
  uint32_t from, to;
  uint32_t field, values;         /* the message's fact that is told apart, and its values */
  in_walked_t walked[VALUES];
  in_span_t redirect;             /* where a placeholder sends people */
  row_t *row;
  uint32_t rows;
  bool good;                      /* there was memory */
} matrix_t;

/* ---- names */

static in_span_t label_of(const in_image_t *img, uint32_t system, in_label_t label) {
  const in_pi_label_t *l = in_table(img, LABELS, in_pi_label_t);
  for (uint32_t i = 0; i < img->count[IN_S_LABELS]; i++)
    if (l[i].system == system && l[i].label == (uint32_t) label) return in_image_str(img, l[i].text);
  return IN_NONE;
}

static in_span_t name_of(const in_image_t *img, uint32_t system) {
  in_span_t name = label_of(img, system, IN_LABEL_NAME);
  return name.p != NULL ? name : in_image_str(img, in_system(img, system)->title);
}

/* the system that the direction's placeholder names where nothing is out of the ordinary */
static in_span_t redirect(const matrix_t *m) {
  const in_pi_text_t *t = in_table(m->img, TEXTS, in_pi_text_t);
  for (uint32_t i = 0; i < m->img->count[IN_S_TEXTS]; i++)
    if (t[i].from == m->from && t[i].to == m->to && in_default_mask(&m->walked[0], t[i].guard) == IN_HELD)
      return name_of(m->img, t[i].system);
  return name_of(m->img, m->from);
}

/* ---- words for verdicts */

static const struct {
  const char *alone;              /* the whole experience */
  const char *also;               /* after "or" */
  const char *then;               /* after "If text," */
} words[INTEROP_VERDICT_COUNT] = {
    /* ORDER: INTEROP_VERDICTS */
    {"The same message", "the same message", "the same"},
    {"The same message, amended", "amended message", "amended"},
    {"Message without what is not supported there", "message without that",
        "message without what is not supported there"},
    {"Simple text message", "simple text message", "simple text message"},
    {"Reply to the original message", "reply to the original message",
        "reply to the original message"},
    {"Unsupported message with redirection to ", "unsupported card", "then unsupported message"},
    {"None", "none", "none"},
    {"Meeting instead", "meeting instead", "meeting instead"},
    {"Refused", "refused", "refused"},
};

typedef enum { ALONE, ALSO, THEN } place_t;

static bool is_only(const in_pi_label_t *l, interop_operation_t op) {
  uint64_t ops = (uint64_t) l->ops[0] | (uint64_t) l->ops[1] << 32;
  return ops == (uint64_t) 1 << op;
}

/* messages that have content? */
static bool is_content(const in_pi_label_t *l) {
  uint64_t ops = (uint64_t) l->ops[0] | (uint64_t) l->ops[1] << 32;
  return (ops & ((uint64_t) 1 << INTEROP_OP_MESSAGE_SEND | (uint64_t) 1 << INTEROP_OP_MESSAGE_REPLY
                 | (uint64_t) 1 << INTEROP_OP_MESSAGE_EDIT | (uint64_t) 1 << INTEROP_OP_CONVERSATION_CREATE)) != 0;
}

static in_span_t say(matrix_t *m, const in_pi_label_t *l, unsigned verdict, place_t place) {
  bool deletes = is_only(l, INTEROP_OP_MESSAGE_DELETE);
  if (deletes && verdict == INTEROP_V_DELIVER)
    return place == ALONE ? IN_SPAN("Message will be deleted") : IN_SPAN("message will be deleted");
  if (deletes && verdict == INTEROP_V_DROP)
    return place == ALONE ? IN_SPAN("Message will not be deleted")
                          : IN_SPAN("message will not be deleted");
  if (place == ALSO) return in_str(words[verdict].also);
  if (place == THEN) return in_str(words[verdict].then);
  if (verdict == INTEROP_V_DELIVER && !is_content(l)) return place == ALONE ? IN_SPAN("The same") : IN_SPAN("the same");
  if (verdict == INTEROP_V_DELIVER && l->kinds == 1u << INTEROP_K_TEXT) return IN_SPAN("Text message");
  if (verdict != INTEROP_V_PLACEHOLDER) return in_str(words[verdict].alone);
  return in_arena_printf(&m->arena, "%s%.*s", words[verdict].alone, (int) m->redirect.n, m->redirect.p);
}

/* verdicts, the mildest first, joined by "or" */
static in_span_t say_all(matrix_t *m, const in_pi_label_t *l, uint16_t mask, place_t place) {
  in_span_t text = IN_NONE;
  for (unsigned v = 0; v <= INTEROP_V_DENY; v++) {
    in_span_t part;
    if (!(mask >> v & 1)) continue;
    part = say(m, l, v, text.p != NULL ? ALSO : place);
    if (text.p != NULL) part = in_arena_printf(&m->arena, "%.*s or %.*s", (int) text.n, text.p, (int) part.n, part.p);
    text = part;
  }
  return text.p != NULL ? text : say(m, l, INTEROP_V_DENY, place);
}

/* ---- rows */

static uint32_t cell(const matrix_t *m, uint32_t op, uint32_t kind) {
  return in_table(m->img, CELLS, uint32_t)[in_cell(m->img->count[IN_S_SYSTEMS], op, kind, m->from, m->to)];
}

static uint16_t verdicts(const matrix_t *m, const in_pi_label_t *l, uint32_t value) {
  uint64_t ops = (uint64_t) l->ops[0] | (uint64_t) l->ops[1] << 32;
  uint16_t mask = 0;
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++)
    for (uint32_t k = 0; k < INTEROP_KIND_COUNT; k++)
      if ((ops >> op & 1) && (l->kinds >> k & 1)) mask |= in_default_mask(&m->walked[value], cell(m, op, k));
  return mask;
}

static unsigned strictest(uint16_t mask) {
  unsigned v = 0;
  while (mask >> (v + 1) != 0) v++;
  return v;
}

/* "If unsupported, ... <br> If text, ...": the strictest first */
static in_span_t say_split(matrix_t *m, const in_pi_label_t *l, const uint16_t *mask) {
  in_span_t text = IN_NONE;
  for (unsigned v = INTEROP_VERDICT_COUNT; v-- > 0; )
    for (uint32_t i = 0; i < m->values; i++) {
      in_span_t value = in_image_str(
          m->img, in_table(m->img, REFS, in_ref_t)[in_field(m->img, m->field)->names.first + i]);
      in_span_t what;
      if (strictest(mask[i]) != v) continue;
      what = say_all(m, l, mask[i], THEN);
      text =
          in_arena_printf(&m->arena, "%.*s%sIf %.*s, %.*s", (int) text.n, text.n > 0 ? text.p : "",
              text.n > 0 ? " <br> " : "", (int) value.n, value.p, (int) what.n, what.p);
    }
  return text;
}

/* what matters for a row: what is set, where it would come to something else unset */
static bool mark_row(matrix_t *m, const in_pi_label_t *l, uint32_t value) {
  uint64_t ops = (uint64_t) l->ops[0] | (uint64_t) l->ops[1] << 32;
  uint16_t unset = 0;
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++)
    for (uint32_t k = 0; k < INTEROP_KIND_COUNT; k++)
      if ((ops >> op & 1) && (l->kinds >> k & 1)) unset |= in_default_unset(&m->walked[value], cell(m, op, k));
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++)
    for (uint32_t k = 0; k < INTEROP_KIND_COUNT; k++)
      if ((ops >> op & 1) && (l->kinds >> k & 1)
          && !in_default_mark(&m->walked[value], cell(m, op, k), unset != verdicts(m, l, value))) return false;
  return true;
}

static void add_row(matrix_t *m, const in_pi_label_t *l, in_span_t event) {
  row_t *r = &m->row[m->rows++];
  uint16_t mask[VALUES] = { 0 };
  bool same = true;
  for (uint32_t i = 0; i < m->values; i++) {
    mask[i] = verdicts(m, l, i);
    same = same && mask[i] == mask[0];
  }
  r->type = l->label == IN_LABEL_ACTION ? "Action" : "Message";
  r->event = event;
  r->experience = same ? say_all(m, l, mask[0], ALONE) : say_split(m, l, mask);
  for (uint32_t i = 0; i < m->values && m->good; i++) m->good = mark_row(m, l, i);
}

/* rows with the vocabulary's labels: what messages there are, then what is done to them */
static void add_labelled(matrix_t *m) {
  const in_pi_label_t *l = in_table(m->img, LABELS, in_pi_label_t);
  for (uint32_t type = IN_LABEL_MESSAGE; type <= IN_LABEL_ACTION; type++)
    for (uint32_t i = 0; i < m->img->count[IN_S_LABELS]; i++)
      if (l[i].system == m->from && l[i].label == type) add_row(m, &l[i], in_image_str(m->img, l[i].text));
}

/* kinds of an operation that come to the same as this one */
static uint32_t alike(const matrix_t *m, uint32_t op, uint32_t kind) {
  uint32_t kinds = 0;
  for (uint32_t k = 0; k < INTEROP_KIND_COUNT; k++) {
    bool same = true;
    for (uint32_t i = 0; i < m->values && same; i++)
      same = in_default_mask(&m->walked[i], cell(m, op, k)) == in_default_mask(&m->walked[i], cell(m, op, kind));
    if (same) kinds |= 1u << k;
  }
  return kinds;
}

static void add_everything(matrix_t *m) {
  for (uint32_t op = 0; op < INTEROP_OPERATION_COUNT; op++)
    for (uint32_t k = 0; k < INTEROP_KIND_COUNT; k++) {
      in_pi_label_t l = { m->from, IN_LABEL_MESSAGE, { 0, 0 }, { 0, 0 }, alike(m, op, k), 0 };
      in_span_t event = in_str(interop_operation_name((interop_operation_t) op));
      if (l.kinds & ((1u << k) - 1)) continue;      /* had with an earlier kind */
      l.ops[op / 32] = 1u << op % 32;
      for (uint32_t i = 0; i < INTEROP_KIND_COUNT && l.kinds != (1u << INTEROP_KIND_COUNT) - 1; i++)
        if (l.kinds >> i & 1)
          event = in_arena_printf(
              &m->arena, "%.*s %s", (int) event.n, event.p, interop_kind_name((interop_kind_t) i));
      add_row(m, &l, event);
    }
}

/* ---- assumptions */

static bool any(const matrix_t *m, uint32_t slot, bool set) {
  for (uint32_t i = 0; i < m->values; i++)
    if (set ? m->walked[i].set[slot] : m->walked[i].decisive[slot]) return true;
  return false;
}

/* of a tenant, whichever of them: the toggle, or the list */
static in_span_t plain_name(const matrix_t *m, uint32_t slot) {
  in_span_t name = in_image_str(m->img, in_field(m->img, in_slot(m->img, slot)->field)->name);
  return in_starts(name, IN_SPAN("toggles.")) ? in_span(name.p + 8, name.n - 8) : name;
}

static bool said(const matrix_t *m, uint32_t slot) {
  for (uint32_t s = 0; s < slot; s++)
    if (any(m, s, true) && in_eq(plain_name(m, s), plain_name(m, slot))) return true;
  return false;
}

/* "but for a, b, which let it cross" */
static in_span_t what_is_set(matrix_t *m, in_span_t text) {
  bool some = false;
  for (uint32_t s = 0; s < m->img->count[IN_S_SLOTS]; s++) {
    in_span_t name;
    if (!any(m, s, true) || said(m, s)) continue;
    name = plain_name(m, s);
    text = in_arena_printf(&m->arena, "%.*s%s%.*s", (int) text.n, text.p, some ? ", " : " but for ", (int) name.n, name.p);
    some = true;
  }
  return some ? in_arena_printf(&m->arena, "%.*s, which let it cross", (int) text.n, text.p) : text;
}

static in_span_t assumptions(matrix_t *m) {
  in_span_t text = what_is_set(m, IN_SPAN(
      "Ordinary one-on-one conversation that was started: every gate is passed, toggles are unset"));
  for (uint32_t s = 0; s < m->img->count[IN_S_SLOTS]; s++) {
    const in_pi_field_t *f = any(m, s, false) ? in_field(m->img, in_slot(m->img, s)->field) : NULL;
    in_span_t name = in_words_slot(m->img, s), value;
    if (f == NULL || f->type == IN_T_LIST || in_starts(in_image_str(m->img, f->name), IN_SPAN("toggles."))) continue;
    value = in_words_enum(m->img, s, (uint32_t) f->default_number);
    text = in_arena_printf(&m->arena, "%.*s, %.*s = %.*s", (int) text.n, text.p, (int) name.n, name.p,
        (int) value.n, value.p);
  }
  return in_arena_printf(&m->arena, "%.*s.", (int) text.n, text.p);
}

/* ---- printing */

static in_span_t events_heading(matrix_t *m) {
  in_span_t heading = label_of(m->img, m->from, IN_LABEL_EVENTS), name = name_of(m->img, m->from);
  return heading.p != NULL ? heading : in_arena_printf(&m->arena, "Event in %.*s", (int) name.n, name.p);
}

static void pad(size_t have, size_t want, char c) {
  for (; have < want; have++) putchar(c);
}

static void put_cells(const row_t *r, size_t wide, size_t wider, bool markdown) {
  const char *bar = markdown ? "|" : "  ";
  if (markdown) fputs("|", stdout);
  printf("%-8s%s", r->type, bar);
  in_ctl_print(r->event, stdout);
  pad(r->event.n, wide, ' ');
  fputs(bar, stdout);
  in_ctl_print(r->experience, stdout);
  if (markdown) {
    pad(r->experience.n, wider, ' ');
    putchar('|');
  }
  putchar('\n');
}

static void put_rule(size_t wide, size_t wider, bool markdown) {
  size_t widths[] = { 8, wide, wider };
  for (size_t i = 0; i < in_countof(widths); i++) {
    fputs(markdown ? "|" : i == 0 ? "" : "  ", stdout);
    pad(0, widths[i], '-');
  }
  puts(markdown ? "|" : "");
}

/* for people <br> is a new line */
static void put_plain(const matrix_t *m, const row_t *r, size_t wide, size_t wider) {
  row_t line = *r;
  while (line.experience.n > 0) {
    in_span_t rest = line.experience;
    size_t n = 0;
    while (n < rest.n && !in_starts(in_span(rest.p + n, rest.n - n), IN_SPAN(" <br> "))) n++;
    line.experience.n = n;
    put_cells(&line, wide, wider, false);
    line.type = "";
    line.event = IN_SPAN("");
    line.experience = n < rest.n ? in_span(rest.p + n + 6, rest.n - n - 6) : IN_NONE;
  }
  (void) m;
}

static void put_table(matrix_t *m, bool markdown) {
  in_span_t from = name_of(m->img, m->from), to = name_of(m->img, m->to);
  row_t head = { "Type", events_heading(m), in_arena_printf(&m->arena, "Experience in %.*s", (int) to.n, to.p) };
  size_t wide = head.event.n, wider = head.experience.n;
  for (uint32_t i = 0; i < m->rows; i++) {
    if (m->row[i].event.n > wide) wide = m->row[i].event.n;
    if (m->row[i].experience.n > wider) wider = m->row[i].experience.n;
  }
  printf("%sMessages sent in %.*s\n\n", markdown ? "##### " : "", (int) from.n, from.p);
  put_cells(&head, wide, wider, markdown);
  put_rule(wide, wider, markdown);
  for (uint32_t i = 0; i < m->rows; i++) {
    if (markdown) put_cells(&m->row[i], wide, wider, true);
    else put_plain(m, &m->row[i], wide, wider);
  }
  from = assumptions(m);
  printf("\n%.*s\n", (int) from.n, from.p);
}

static void put_json(const matrix_t *m) {
  in_buf_t b;
  in_buf_init(&b, &interop_alloc_libc);
  for (uint32_t i = 0; i < m->rows; i++) {
    in_buf_put(&b, i == 0 ? IN_SPAN("[{\"type\":") : IN_SPAN(",\n {\"type\":"));
    in_json_quote(&b, in_str(m->row[i].type));
    in_buf_put(&b, IN_SPAN(",\"event\":"));
    in_json_quote(&b, m->row[i].event);
    in_buf_put(&b, IN_SPAN(",\"experience\":"));
    in_json_quote(&b, m->row[i].experience);
    in_buf_byte(&b, '}');
  }
  in_buf_put(&b, m->rows == 0 ? IN_SPAN("[]\n") : IN_SPAN("]\n"));
  in_ctl_print(in_buf_span(&b), stdout);
  in_buf_free(&b);
}

/* ---- the verb */

static int find_system(const in_image_t *img, const char *word, uint32_t *system) {
  in_span_t names[64], near;
  uint32_t n = img->count[IN_S_SYSTEMS];
  *system = in_find_system(img, in_str(word));
  if (*system != IN_NIL) return IN_CTL_GOOD;
  for (uint32_t i = 0; i < n && i < in_countof(names); i++) names[i] = in_image_str(img, in_system(img, i)->name);
  near = in_nearest(in_str(word), names, n < in_countof(names) ? n : in_countof(names));
  if (near.p == NULL) return in_ctl_wrong("matrix", "the policy has no system %s", word);
  return in_ctl_wrong("matrix", "the policy has no system %s; did you mean %.*s?", word, (int) near.n, near.p);
}

static bool walk(matrix_t *m) {
  m->field = in_default_field(m->img);
  m->values = m->field == IN_NIL ? 1 : in_field(m->img, m->field)->names.count;
  if (m->values > VALUES || m->values == 0) {
    m->field = IN_NIL;
    m->values = 1;
  }
  for (uint32_t i = 0; i < m->values; i++)
    if (!in_default_walk(&m->walked[i], m->img, m->field, i)) return false;
  m->redirect = redirect(m);
  m->row = in_arena_array(&m->arena,
      m->img->count[IN_S_LABELS] + INTEROP_OPERATION_COUNT * INTEROP_KIND_COUNT, sizeof(*m->row));
  m->good = m->row != NULL;
  return m->good;
}

static int run(matrix_t *m, bool markdown, bool json, bool all) {
  if (in_words_has_lists(m->img)) {
    if (!in_unlist_image(m->img, &m->arena, &m->flat))
      return in_ctl_fail("this policy has decisions that are too large for a table to be read off them");
    m->img = &m->flat;
  }
  if (!walk(m)) return in_ctl_fail("out of memory");
  if (!all) add_labelled(m);
  if (m->rows == 0) add_everything(m);
  if (!m->good) return in_ctl_fail("out of memory");
  if (json) put_json(m);
  else put_table(m, markdown);
  return IN_CTL_GOOD;
}

int in_ctl_matrix(int argc, char **argv) {
  bool markdown = false, json = false, all = false, rows = false;
  const char *policy = NULL;
  in_option_t options[] = {
      {"--policy", &policy, NULL},
      {"--markdown", NULL, &markdown},
      {"--json", NULL, &json},
      {"--all", NULL, &all},
      {"--rows", NULL, &rows},
  };
  matrix_t m;
  in_pack_t pack;
  int code;
  if (!in_ctl_options(&argc, argv, options, in_countof(options))) return IN_CTL_WRONG;
  if (rows && argc != 1) return in_ctl_wrong(argv[0], "--rows takes no systems");
  if (!rows && argc != 3) return in_ctl_wrong(argv[0], "from which system to which?");
  if (!in_pack_open(&pack, policy)) return IN_CTL_FOUND;
  if (rows) {
    code = in_ctl_rows(&pack.policy->img, markdown, json);
    in_pack_close(&pack);
    return code;
  }
  memset(&m, 0, sizeof(m));
  m.img = &pack.policy->img;
  in_arena_init(&m.arena, &interop_alloc_libc);
  code = find_system(m.img, argv[1], &m.from);
  if (code == IN_CTL_GOOD) code = find_system(m.img, argv[2], &m.to);
  if (code == IN_CTL_GOOD) code = run(&m, markdown, json, all);
  for (uint32_t i = 0; i < VALUES; i++) in_default_free(&m.walked[i]);
  in_arena_free(&m.arena);
  in_pack_close(&pack);
  return code;
}
