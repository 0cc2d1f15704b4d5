/* SPDX-License-Identifier: MIT */
/* places.h - debug mode's memory of where things were made, for the search for what was left over.
 *
 * An object is named by its address and a generation, so nothing is done when it goes: an old name is simply not found,
 * and a new object at the same address takes its entry. Costs nothing until something is noted. */
#ifndef BI_BASE_PLACES_H
#define BI_BASE_PLACES_H

#include <bight/macros.h>

#include <pthread.h>

#include "base/private.h"

struct bi_place {
    const void *object;
    uint64_t generation;
    const char *kind;  /* "timer", lives for ever */
    const char *place; /* lives for ever; NULL: not known */
    uint64_t number;   /* counts what has been noted */
    bool is_aside;     /* takes no number, so that others have those that they had without it */
    bool is_slot;      /* a slab's: its memory stays readable, and its first word is its generation */
    pthread_t thread;  /* that made it; set when it is noted, as the next is */
    uint64_t made;     /* CLOCK_MONOTONIC, nanoseconds: real time also where a reactor's own is simulated */
};

/* `place` yields to bi_places_here's, when that is set. When out of memory nothing is noted. */
void bi_places_note(const struct bi_place *place);

/* Where the object was made; NULL when that is not known. */
BI_PRIVATE_API const char *bi_places_find(const void *object, uint64_t generation, const char **kind);

/* All that is known of the object; false when nothing is. */
bool bi_places_look_up(const void *object, uint64_t generation, struct bi_place *place);

/* The entries of slots that have not been given back, noted after number `since`: copies up to `room`, returns how many
 * there are. */
BI_PRIVATE_API size_t bi_places_live_slots(uint64_t since, struct bi_place *places, size_t room);

/* Calls visit(place, context) for the entries of this thread: slots that have not been given back, and whatever is no
 * slot. Under the table's lock, so it notes nothing and logs nothing. */
void bi_places_visit(void (*visit)(const struct bi_place *place, void *context), void *context);

/* The clock of bi_place.made. */
uint64_t bi_places_now(void);

/* How much has been noted so far. */
BI_PRIVATE_API uint64_t bi_places_count(void);

/* What is made in this thread from here on is made for the caller at `place` (NULL: for itself). Returns what was set
 * before, to be set again. */
const char *bi_places_here(const char *place);

#endif
