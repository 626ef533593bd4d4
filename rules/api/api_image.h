/*
** api_image.h -- records of the image's API sections.
**
** Owned by api/. Every field that is an index, a run or a string is checked by
** in_api_verify before anything reads it.
*/
#ifndef IN_API_IMAGE_H
#define IN_API_IMAGE_H

#include "../image/image.h"

typedef struct { in_ref_t name; uint32_t system; uint32_t todo; } in_ai_api_t;
typedef struct { uint32_t todo; } in_ai_route_t;
typedef struct { uint32_t todo; } in_ai_operation_t;
typedef struct { uint32_t todo; } in_ai_shape_t;
typedef struct { uint32_t todo; } in_ai_member_t;
typedef struct { uint32_t todo; } in_ai_choice_t;
typedef struct { uint32_t todo; } in_ai_element_t;
typedef struct { uint32_t todo; } in_ai_make_t;

#endif
