/* SPDX-License-Identifier: MIT */
/* slab.c - the slow ways of slots with generations: new ones, lists handed over by threads that ended, checks.
 *
 * The fast ways are inline in slab.h and touch only the calling thread's list. Process-wide and under one lock: for
 * each kind the pool (base/pool.h) whose slabs are never given back, from which a thread gets new slots a few at a time
 * and to which none returns, and the slots that no thread has. What a slot holds, and when it is free, is for the room
 * that takes it.
 *
 * With a `permit` hook, taking a slot is the allocation that a test sees and can make fail. */
#include "base/slab.h"

#include <pthread.h>

#include "base/check.h"
#include "base/fork.h"

enum {
    FIRST_SLAB = 16384,
    SLOTS_AT_ONCE = 128, /* that a thread gets; under AddressSanitizer so many are free before one is taken again */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over the pools and what every kind's slabs share */
BI_FORK_GUARD(lock, BI_FORK_SLAB, NULL)

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* the first of the ending thread's slabs */
static bool key_works;

/* Behind all others, so that a slot is reused as late as can be. */
static void append(struct bi_slab *slab, struct bi_slot *slot)
{
    bi_slot_set_next(slot, NULL);
    if (slab->free_list == NULL) {
        slab->free_list = slot;
    } else {
        bi_slot_set_next(slab->free_tail, slot);
    }
    slab->free_tail = slot;
}

static struct bi_slot *last_of(struct bi_slot *slot)
{
    while (bi_slot_next(slot) != NULL) {
        slot = bi_slot_next(slot);
    }
    return slot;
}

/* Returns the slab's free slots for all threads, and its tally to the next thread. */
static void hand_over(struct bi_slab *slab)
{
    struct bi_slot *last = slab->free_list != NULL ? last_of(slab->free_list) : NULL;
    pthread_mutex_lock(&lock);
    if (last != NULL) {
        bi_slot_set_next(last, slab->kind->shared);
        slab->kind->shared = slab->free_list;
    }
    slab->tally->is_used = false;
    pthread_mutex_unlock(&lock);
    slab->free_list = slab->free_tail = NULL;
    slab->tally = NULL;
}

/* Runs in the ending thread. A slab that is used after this, by another key's destructor, registers again. */
static void thread_ends(void *first)
{
    struct bi_slab *slab = first;
    while (slab != NULL) {
        struct bi_slab *next = slab->next_registered;
        slab->next_registered = NULL;
        hand_over(slab);
        slab = next;
    }
}

static void make_key(void)
{
    key_works = pthread_key_create(&key, thread_ends) == 0;
}

/* Never freed, as slabs are not. */
static struct bi_slab_tally *new_tally(struct bi_slab_kind *kind)
{
    struct bi_slab_tally *tally = bi_pages_keep(sizeof *tally);
    if (tally != NULL) {
        *tally = (struct bi_slab_tally) { .next = kind->tallies };
        kind->tallies = tally;
    }
    return tally;
}

/* Under the lock: one that no thread has, else a new one; NULL when out of memory. */
static struct bi_slab_tally *take_tally(struct bi_slab_kind *kind)
{
    struct bi_slab_tally *tally = kind->tallies;
    while (tally != NULL && tally->is_used) {
        tally = tally->next;
    }
    if (tally == NULL) {
        tally = new_tally(kind);
    }
    if (tally != NULL) {
        tally->is_used = true;
    }
    return tally;
}

/* False when its tally cannot be allocated. A slab that is not registered with the thread's end works; its slots are
 * then lost to others. */
static bool register_slab(struct bi_slab *slab)
{
    pthread_once(&key_once, make_key);
    pthread_mutex_lock(&lock);
    slab->tally = take_tally(slab->kind);
    pthread_mutex_unlock(&lock);
    if (slab->tally == NULL) {
        return false;
    }
    struct bi_slab *others = key_works ? pthread_getspecific(key) : NULL;
    if (key_works && pthread_setspecific(key, slab) == 0) {
        slab->next_registered = others;
    }
    return true;
}

/* Under the lock: slots that have never been taken. */
static void carve(struct bi_slab *slab)
{
    struct bi_slab_kind *kind = slab->kind;
    struct bi_pool_slab *ignored;
    struct bi_slot *slot;
    if (kind->pool.slot_size == 0) {
        size_t rest = kind->slot_size < BI_SLOT_ALIGNMENT ? 0 : kind->slot_size - BI_SLOT_ALIGNMENT;
        bi_pool_init(&kind->pool, rest, FIRST_SLAB, 0, NULL, NULL);
        kind->pool.is_kept = true;
    }
    for (int i = 0; i < SLOTS_AT_ONCE && (slot = bi_pool_take_slot(&kind->pool, &ignored)) != NULL; i++) {
        slot->generation = kind->first_generation;
        append(slab, slot);
        bi_pool_poison(&kind->pool, slot);
    }
}

/* Those that threads have left behind, else new ones. */
static bool refill(struct bi_slab *slab)
{
    pthread_mutex_lock(&lock);
    slab->free_list = slab->kind->shared;
    slab->kind->shared = NULL;
    if (slab->free_list == NULL) {
        carve(slab);
    } else if (BI_MEMORY_CHECKED) {
        slab->free_tail = last_of(slab->free_list);
    }
    pthread_mutex_unlock(&lock);
    return slab->free_list != NULL;
}

/* Threads that pass slots on meanwhile may have been looked at in the wrong order: then it is less than none. */
size_t bi_slab_count_taken(const struct bi_slab_kind *kind)
{
    pthread_mutex_lock(&lock);
    size_t taken = 0 - kind->given;
    for (const struct bi_slab_tally *tally = kind->tallies; tally != NULL; tally = tally->next) {
        taken += __atomic_load_n(&tally->taken, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&lock);
    return taken > SIZE_MAX / 2 ? 0 : taken;
}

void *bi_slab_take_slow(struct bi_slab *slab)
{
    if (!bi_memory_permits()) {
        return NULL;
    }
    if (slab->tally == NULL && !register_slab(slab)) {
        return NULL;
    }
    if (slab->free_list == NULL && !refill(slab)) {
        return NULL;
    }
    struct bi_slot *slot = slab->free_list;
    slab->free_list = bi_slot_next(slot);
    bi_memory_unpoison(slot, slab->kind->slot_size);
    bi_slab_count(slab, 1);
    bi_slot_advance(slot);
    return slot;
}

/* By a thread that has never taken one, and has no memory for a tally. */
static void give_to_all(struct bi_slab_kind *kind, struct bi_slot *slot)
{
    pthread_mutex_lock(&lock);
    bi_slot_advance(slot);
    bi_slot_set_next(slot, kind->shared);
    kind->shared = slot;
    kind->given++;
    bi_pool_poison(&kind->pool, slot);
    pthread_mutex_unlock(&lock);
}

void bi_slab_give_slow(struct bi_slab *slab, void *slot_memory)
{
    struct bi_slot *slot = slot_memory;
    BI_INVARIANT(slot->generation % 2 == 1);
    if (slab->tally == NULL && !register_slab(slab)) {
        give_to_all(slab->kind, slot);
        return;
    }
    bi_slab_count(slab, SIZE_MAX);
    bi_slot_advance(slot);
#if BI_MEMORY_CHECKED
    append(slab, slot);
    bi_pool_poison(&slab->kind->pool, slot);
#else
    slot->next_free = slab->free_list;
    slab->free_list = slot;
#endif
}
