/*
** template.c -- filling in templates (see template.h).
**
** Owns where variables are put in and how they are escaped there. Must not know
** who asks. Invariant: no value can end the string or segment that it stands in.
*/
#include "template.h"
#include "path.h"

static in_span_t variable(in_span_t name, const in_var_t *vars, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (in_eq(vars[i].name, name)) return vars[i].value;
  return IN_SPAN("");
}

void in_template_put(const in_image_t *img, in_run_t pieces, bool raw, const in_var_t *vars,
                     size_t count, in_buf_t *out) {
  for (uint32_t i = 0; i < pieces.count; i++) {
    in_span_t s = in_records_ref(img, pieces, i);
    if (i % 2 == 0) in_buf_put(out, s);
    else if (raw) in_buf_put(out, variable(s, vars, count));
    else in_json_quote(out, variable(s, vars, count));
  }
}

static uint32_t number_of(const in_image_t *img, const in_ai_api_t *api, in_span_t name) {
  for (uint32_t i = 0; i < api->captures.count; i++)
    if (in_eq(in_records_ref(img, api->captures, i), name)) return i;
  return IN_NIL;
}

bool in_template_path(const in_image_t *img, const in_ai_make_t *make, const in_match_t *m,
                      in_buf_t *out) {
  const in_ai_api_t *api = in_records_api(img, make->api);
  for (uint32_t i = 0; i < make->path.count; i++) {
    in_span_t s = in_records_ref(img, make->path, i);
    if (i % 2 == 0) {
      in_buf_put(out, s);
      continue;
    }
    uint32_t n = number_of(img, api, s);
    if (n == IN_NIL || m->capture[n].p == NULL) return false;
    if (m->raw[n].p != NULL) in_buf_put(out, m->raw[n]);
    else in_path_encode(out, m->capture[n]);
  }
  if (m->query.p != NULL) {
    in_buf_byte(out, '?');
    in_buf_put(out, m->query);
  }
  return true;
}
