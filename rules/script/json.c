/*
** json.c -- JSON for scripts: its values one after the other.
**
** Owns a parsed text. yyjson keeps values in one array in the order of the text,
** which is the order that is given out.
*/
#include <stdio.h>
#include "script.h"
#include "../api/json.h"

struct interop_json_s {
  interop_alloc_t alloc;
  in_arena_t arena;
  in_json_t json;
  size_t at;
};

interop_status_t in_script_json_open(in_span_t text, const interop_alloc_t *alloc, interop_json_t **json, char *why,
                                     size_t why_size) {
  interop_json_t *j = alloc->resize(alloc->ctx, NULL, 0, sizeof(*j));
  in_json_error_t err = { 0, NULL };
  interop_status_t rc;
  if (j == NULL) return INTEROP_NOMEM;
  memset(j, 0, sizeof(*j));
  j->alloc = *alloc;
  in_arena_init(&j->arena, &j->alloc);
  rc = in_json_parse(text, IN_JSON_BOUNDED, &j->arena, &j->json, &err);
  if (rc == INTEROP_OK) return *json = j, INTEROP_OK;
  if (rc == INTEROP_SYNTAX) snprintf(why, why_size, "%s at byte %zu", err.text == NULL ? "an error" : err.text, err.offset + 1);
  in_script_json_close(j);
  return rc;
}

void in_script_json_close(interop_json_t *j) {
  interop_alloc_t a;
  if (j == NULL) return;
  a = j->alloc;
  in_arena_free(&j->arena);
  a.resize(a.ctx, j, sizeof(*j), 0);
}

int in_script_json_next(interop_json_t *j, interop_json_value_t *v) {
  yyjson_val *y;
  memset(v, 0, sizeof(*v));
  if (j->at >= j->json.count) return 0;
  y = j->json.root + j->at++;
  if (yyjson_is_arr(y)) v->kind = INTEROP_J_ARRAY, v->count = yyjson_arr_size(y);
  else if (yyjson_is_obj(y)) v->kind = INTEROP_J_OBJECT, v->count = yyjson_obj_size(y);
  else if (yyjson_is_str(y)) v->kind = INTEROP_J_TEXT, v->text = in_json_str(y);
  else if (yyjson_is_raw(y)) v->kind = INTEROP_J_NUMBER, v->text = in_span(yyjson_get_raw(y), yyjson_get_len(y));
  else if (yyjson_is_true(y)) v->kind = INTEROP_J_TRUE;
  else if (yyjson_is_false(y)) v->kind = INTEROP_J_FALSE;
  else v->kind = INTEROP_J_NULL;
  return 1;
}
