/*
** diff_rest.c -- what two policies say otherwise, but for decisions.
**
** Owns which of it is compared, and by what it is the same: names, never numbers,
** since those hang on the order of the sources. One line is told of each.
*/
#include "diff.h"
#include "words.h"

uint32_t in_diff_system(const in_diff_t *d, uint32_t old) {
  if (old == d->img[0]->count[IN_S_SYSTEMS]) return d->img[1]->count[IN_S_SYSTEMS];
  return in_find_system(d->img[1], in_image_str(d->img[0], in_system(d->img[0], old)->name));
}

static void note(in_diff_t *d, const char *what, in_span_t name) {
  d->differs = true;
  if (d->notes < in_countof(d->note))
    d->note[d->notes++] = in_arena_printf(&d->arena, "%s%.*s", what, (int) name.n, name.n > 0 ? name.p : "");
}

static uint32_t guard(in_diff_t *d, int side, uint32_t root) {
  return in_joint_import(&d->joint, side, root, d->leaf[side]);
}

static bool same_name(const in_diff_t *d, uint32_t old, uint32_t new_) {
  return in_diff_system(d, old) == new_;
}

static bool same_texts(in_diff_t *d) {
  const in_pi_text_t *a = in_table(d->img[0], TEXTS, in_pi_text_t), *b = in_table(d->img[1], TEXTS, in_pi_text_t);
  uint32_t n = d->img[0]->count[IN_S_TEXTS];
  if (n != d->img[1]->count[IN_S_TEXTS]) return false;
  for (uint32_t i = 0; i < n; i++)
    if (!same_name(d, a[i].from, b[i].from) || !same_name(d, a[i].to, b[i].to)
        || !same_name(d, a[i].system, b[i].system)
        || !in_eq(in_image_str(d->img[0], a[i].text), in_image_str(d->img[1], b[i].text))
        || !in_eq(in_image_str(d->img[0], a[i].link), in_image_str(d->img[1], b[i].link))
        || !in_eq(
            in_words_slot(d->img[0], a[i].text_slot), in_words_slot(d->img[1], b[i].text_slot))
        || guard(d, 0, a[i].guard) != guard(d, 1, b[i].guard))
      return false;
  return true;
}

static bool same_effects(in_diff_t *d) {
  const in_pi_effect_t *a = in_table(d->img[0], EFFECTS, in_pi_effect_t),
                       *b = in_table(d->img[1], EFFECTS, in_pi_effect_t);
  uint32_t n = d->img[0]->count[IN_S_EFFECTS];
  if (n != d->img[1]->count[IN_S_EFFECTS]) return false;
  for (uint32_t i = 0; i < n; i++)
    if (a[i].subject != b[i].subject || a[i].kind != b[i].kind
        || (a[i].kind == IN_SET_FACT ? !in_eq(in_words_slot(d->img[0], (uint32_t) a[i].number),
                                              in_words_slot(d->img[1], (uint32_t) b[i].number))
                                     : a[i].number != b[i].number)
        || !in_eq(in_image_str(d->img[0], in_field(d->img[0], a[i].field)->name),
            in_image_str(d->img[1], in_field(d->img[1], b[i].field)->name))
        || !in_eq(in_image_str(d->img[0], a[i].text), in_image_str(d->img[1], b[i].text))
        || guard(d, 0, a[i].guard) != guard(d, 1, b[i].guard))
      return false;
  return true;
}

static bool same_amends(in_diff_t *d) {
  const in_pi_amend_t *a = in_table(d->img[0], AMENDS, in_pi_amend_t), *b = in_table(d->img[1], AMENDS, in_pi_amend_t);
  uint32_t n = d->img[0]->count[IN_S_AMENDS];
  if (n != d->img[1]->count[IN_S_AMENDS]) return false;
  for (uint32_t i = 0; i < n; i++) {
    bool cut = a[i].kind == IN_AMEND_CUT;
    if (a[i].ops != b[i].ops || a[i].kind != b[i].kind || a[i].crosses != b[i].crosses
        || a[i].unknown_passes != b[i].unknown_passes || guard(d, 0, a[i].guard) != guard(d, 1, b[i].guard)
        || !in_eq(in_words_slot(d->img[0], a[i].slot), in_words_slot(d->img[1], b[i].slot))
        || !in_eq(in_image_str(d->img[0], a[i].member), in_image_str(d->img[1], b[i].member))
        || !in_eq(in_image_str(d->img[0], a[i].text), in_image_str(d->img[1], b[i].text))
        || (cut && !in_eq(in_image_str(d->img[0], in_reason(d->img[0], a[i].reason)->name),
                          in_image_str(d->img[1], in_reason(d->img[1], b[i].reason)->name)))) return false;
    for (uint32_t s = 0; s < d->img[0]->count[IN_S_SYSTEMS]; s++) {
      uint32_t t = in_diff_system(d, s);
      if (t >= d->img[1]->count[IN_S_SYSTEMS]) continue;
      if ((a[i].from >> s & 1) != (b[i].from >> t & 1) || (a[i].to >> s & 1) != (b[i].to >> t & 1)) return false;
    }
  }
  return true;
}

static bool same_readings(in_diff_t *d) {
  const in_pi_reading_t *a = in_table(d->img[0], READINGS, in_pi_reading_t),
                        *b = in_table(d->img[1], READINGS, in_pi_reading_t);
  uint32_t n = d->img[0]->count[IN_S_READINGS];
  if (n != d->img[1]->count[IN_S_READINGS]) return false;
  for (uint32_t i = 0; i < n; i++)
    if (!same_name(d, a[i].from, b[i].from) || !same_name(d, a[i].to, b[i].to)
        || a[i].unknown_passes != b[i].unknown_passes || guard(d, 0, a[i].guard) != guard(d, 1, b[i].guard))
      return false;
  return true;
}

/* notices and reasons by their names; what only one of the two has is no difference by itself */
static void compare_words(in_diff_t *d) {
  const in_pi_notice_t *a = in_table(d->img[0], NOTICES, in_pi_notice_t),
                       *b = in_table(d->img[1], NOTICES, in_pi_notice_t);
  for (uint32_t i = 0; i < d->img[0]->count[IN_S_NOTICES]; i++)
    for (uint32_t k = 0; k < d->img[1]->count[IN_S_NOTICES]; k++)
      if (in_eq(in_image_str(d->img[0], a[i].name), in_image_str(d->img[1], b[k].name))
          && (a[i].lost != b[k].lost || a[i].verdicts != b[k].verdicts
              || guard(d, 0, a[i].guard) != guard(d, 1, b[k].guard)))
        note(d, "when the notice is given: ", in_image_str(d->img[0], a[i].name));
  for (uint32_t i = 0; i < d->img[0]->count[IN_S_REASONS]; i++) {
    const in_pi_reason_t *x = in_reason(d->img[0], i), *y;
    uint32_t k = in_find_reason(d->img[1], in_image_str(d->img[0], x->name));
    if (k == IN_NIL) continue;
    y = in_reason(d->img[1], k);
    if (x->status != y->status || !in_eq(in_image_str(d->img[0], x->message), in_image_str(d->img[1], y->message)))
      note(d, "status or message of the reason: ", in_image_str(d->img[0], x->name));
  }
}

static void compare_systems(in_diff_t *d) {
  for (int s = 0; s < 2; s++)
    for (uint32_t i = 0; i < d->img[s]->count[IN_S_SYSTEMS]; i++) {
      in_span_t name = in_image_str(d->img[s], in_system(d->img[s], i)->name);
      if (in_find_system(d->img[1 - s], name) == IN_NIL)
        note(d,
            s == 0 ? "only the old policy has the system: "
                   : "only the new policy has the system: ",
            name);
    }
}

static const in_ai_api_t *find_api(const in_image_t *img, in_span_t name) {
  const in_ai_api_t *a = in_table(img, APIS, in_ai_api_t);
  for (uint32_t i = 0; i < img->count[IN_S_APIS]; i++)
    if (in_eq(in_image_str(img, a[i].name), name)) return &a[i];
  return NULL;
}

/* definitions are the same where their words are: what a change of one means for
** requests is not told */
static void compare_apis(in_diff_t *d) {
  for (int side = 0; side < 2; side++) {
    const in_ai_api_t *a = in_table(d->img[side], APIS, in_ai_api_t);
    for (uint32_t i = 0; i < d->img[side]->count[IN_S_APIS]; i++) {
      in_span_t name = in_image_str(d->img[side], a[i].name);
      const in_ai_api_t *other = find_api(d->img[1 - side], name);
      if (other == NULL) note(d, side == 0 ? "only the old policy has the API: " : "only the new policy has the API: ", name);
      else if (side == 0 && memcmp(a[i].digest, other->digest, sizeof(other->digest)) != 0)
        note(d, "the definition of the API: ", name);
    }
  }
}

/* operations of an API of which each system has a verdict of its own */
static uint64_t per_system(const in_image_t *img, in_span_t api) {
  const in_pi_fanout_t *f = in_table(img, FANOUTS, in_pi_fanout_t);
  uint64_t ops = 0;
  for (uint32_t i = 0; i < img->count[IN_S_FANOUTS]; i++)
    if (in_eq(in_image_str(img, in_table(img, APIS, in_ai_api_t)[f[i].api].name), api)) ops |= f[i].ops;
  return ops;
}

static void compare_fanouts(in_diff_t *d) {
  for (uint32_t i = 0; i < d->img[0]->count[IN_S_APIS]; i++) {
    in_span_t name = in_image_str(d->img[0], in_table(d->img[0], APIS, in_ai_api_t)[i].name);
    if (find_api(d->img[1], name) != NULL && per_system(d->img[0], name) != per_system(d->img[1], name))
      note(d, "which requests have a verdict for each system: ", name);
  }
}

void in_diff_rest(in_diff_t *d) {
  compare_systems(d);
  if (d->notes == 0 && !same_texts(d)) note(d, "texts of placeholders", IN_NONE);
  if (!same_effects(d)) note(d, "what is remembered", IN_NONE);
  if (d->notes == 0 && !same_readings(d)) note(d, "where recipients read", IN_NONE);
  if (!same_amends(d)) note(d, "what is set or cut", IN_NONE);
  compare_words(d);
  compare_apis(d);
  compare_fanouts(d);
}
