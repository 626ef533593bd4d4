/*
** list.h -- rules that are looked at one by one: cells that are too large for a
** diagram, and the rules of single tenants.
**
** Owns how such a list is evaluated; what it comes to is what a diagram of the
** same rules would. Knows nothing of records and events but their classes.
*/
#ifndef IN_LIST_H
#define IN_LIST_H

#include "load.h"

#define IN_NOTHING  0xfffffffeu         /* no rule of the list has anything to say */

typedef struct { uint32_t operation, kind, from, to; } in_list_event_t;

/*
** The outcome of the list that begins at `first`; IN_NOTHING; or IN_NIL and the
** atom to look at before it is called again. event == NULL: every rule is meant.
*/
uint32_t in_list_walk(const in_image_t *img, uint32_t first, const in_list_event_t *event,
                      const uint8_t *class_, uint32_t *need);
/* the same of its rows alone: gates are not asked about what is read */
uint32_t in_list_rows(const in_image_t *img, uint32_t first, const in_list_event_t *event,
                      const uint8_t *class_, uint32_t *need);
/* is a row of the list for this event, whatever its guard says? */
bool in_list_has_row(const in_image_t *img, uint32_t first, const in_list_event_t *event);
/*
** Does a denial for a final reason of this list hold, or may it? Whatever stands before it.
** IN_NOTHING: none does; IN_NIL and the atom to look at; else the outcome.
*/
uint32_t in_list_final(const in_image_t *img, uint32_t first, const in_list_event_t *event,
                       const uint8_t *class_, uint32_t *need);
/* does a hold before b? Certain denials by their reasons, then what is
** undetermined, then the stricter verdict */
bool in_outcome_stricter(const in_image_t *img, uint32_t a, uint32_t b);
/* the list of the tenant, or IN_NIL; id.p == NULL: what holds where the tenant is
** not known */
uint32_t in_overlay_find(const in_image_t *img, in_span_t id);
/* the slot of the fact that names the tenant, or IN_NIL: no tenant has rules */
uint32_t in_overlay_slot(const in_image_t *img);
uint64_t in_overlay_hash(in_span_t id);

#endif
