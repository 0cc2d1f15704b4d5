/* SPDX-License-Identifier: MIT */
/* places.c - a table from addresses to the places in the source where what lies there was made.
 *
 * Process-wide, under a lock, used in debug mode only. Entries are never removed, only overtaken by a newer object at
 * the same address, so the table is as large as ever so many things were alive at once. Its memory is past the hook:
 * debug mode must not change which allocation is the n-th. */
#include "base/places.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/fork.h"
#include "base/slab.h"

#define FIRST_CAPACITY 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
BI_FORK_GUARD(lock, BI_FORK_PLACES, NULL)
static struct bi_place *table;
static size_t capacity, used;
static uint64_t noted;
static _Thread_local const char *here;

static size_t slot_for(const struct bi_place *places, size_t size, const void *object)
{
    uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15);
    size_t index = (size_t)(hash >> 32) & (size - 1);
    while (places[index].object != NULL && places[index].object != object) {
        index = (index + 1) & (size - 1);
    }
    return index;
}

static bool grow(void)
{
    size_t larger = capacity == 0 ? FIRST_CAPACITY : capacity * 2;
    struct bi_place *places = calloc(larger, sizeof *places);
    if (places == NULL) {
        return false;
    }
    for (size_t i = 0; i < capacity; i++) {
        if (table[i].object != NULL) {
            places[slot_for(places, larger, table[i].object)] = table[i];
        }
    }
    free(table);
    table = places;
    capacity = larger;
    return true;
}

uint64_t bi_places_now(void)
{
    struct timespec now = { 0, 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void bi_places_note(const struct bi_place *place)
{
    uint64_t now = bi_places_now();
    pthread_mutex_lock(&lock);
    if (used * 2 < capacity || grow()) {
        struct bi_place *entry = &table[slot_for(table, capacity, place->object)];
        used += entry->object == NULL ? 1 : 0;
        *entry = *place;
        entry->place = here != NULL ? here : place->place;
        entry->number = place->is_aside ? 0 : ++noted;
        entry->thread = pthread_self();
        entry->made = now;
    }
    pthread_mutex_unlock(&lock);
}

bool bi_places_look_up(const void *object, uint64_t generation, struct bi_place *place)
{
    pthread_mutex_lock(&lock);
    const struct bi_place *entry = capacity == 0 ? NULL : &table[slot_for(table, capacity, object)];
    bool is_known = entry != NULL && entry->object == object && entry->generation == generation;
    if (is_known) {
        *place = *entry;
    }
    pthread_mutex_unlock(&lock);
    return is_known;
}

const char *bi_places_find(const void *object, uint64_t generation, const char **kind)
{
    struct bi_place place;
    if (!bi_places_look_up(object, generation, &place)) {
        return NULL;
    }
    if (kind != NULL) {
        *kind = place.kind;
    }
    return place.place;
}

size_t bi_places_live_slots(uint64_t since, struct bi_place *places, size_t room)
{
    size_t count = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < capacity; i++) {
        const struct bi_place *entry = &table[i];
        if (entry->object == NULL || !entry->is_slot || entry->number <= since ||
            !bi_slot_is_current(entry->object, entry->generation)) {
            continue;
        }
        if (count < room) {
            places[count] = *entry;
        }
        count++;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

void bi_places_visit(void (*visit)(const struct bi_place *place, void *context), void *context)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < capacity; i++) {
        const struct bi_place *entry = &table[i];
        bool is_ours = entry->object != NULL && pthread_equal(entry->thread, pthread_self());
        if (is_ours && (!entry->is_slot || bi_slot_is_current(entry->object, entry->generation))) {
            visit(entry, context);
        }
    }
    pthread_mutex_unlock(&lock);
}

uint64_t bi_places_count(void)
{
    pthread_mutex_lock(&lock);
    uint64_t count = noted;
    pthread_mutex_unlock(&lock);
    return count;
}

const char *bi_places_here(const char *place)
{
    const char *before = here;
    here = place;
    return before;
}
