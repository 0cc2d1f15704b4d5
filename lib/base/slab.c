/* SPDX-License-Identifier: MIT */
/* slab.c - the slow ways of the pools: new chunks, lists handed over by threads that ended, checks.
 *
 * The fast ways are inline in slab.h and touch only the calling thread's list. Process-wide and under one
 * lock: the chunks, which are never freed and stay reachable from here, and for each kind the slots that no
 * thread has. What a slot holds, and when it is free, is for the room that takes it.
 *
 * With a `permit` hook, taking a slot is the allocation that a test sees and can make fail; chunks then come
 * from the C library, so that what the hook counts does not depend on how full the pool happened to be. */
#include "base/slab.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fork.h"
#include "base/pages.h"

#if BI_SLAB_CHECKED
#include <sanitizer/asan_interface.h>
#endif

enum {
    FIRST_CHUNK = 16384,
    CHUNK_ALIGNMENT = 64,
    SLOT_ALIGNMENT = 16,
    SLOTS_AT_LEAST = 8,
    GROWTH = 4, /* a chunk is at most this part of what there is already */
};

/* The head of a chunk; its slots begin at the next multiple of CHUNK_ALIGNMENT. */
struct chunk {
    struct chunk *next;
    const struct bi_slab_kind *kind;
    size_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over `chunks` and what every kind's slabs share */
static struct chunk *chunks;
BI_FORK_GUARD(lock, BI_FORK_SLAB, NULL)

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* the first of the ending thread's slabs */
static bool key_works;

/* The links of free slots lie in memory that is poisoned under AddressSanitizer: these two go past it. */
__attribute__((noinline, no_sanitize_address)) static struct bi_slot *next_of(const struct bi_slot *slot)
{
    return slot->next_free;
}

__attribute__((noinline, no_sanitize_address)) static void set_next(struct bi_slot *slot, struct bi_slot *next)
{
    slot->next_free = next;
}

static size_t stride_of(const struct bi_slab_kind *kind)
{
    size_t size = kind->slot_size < sizeof(struct bi_slot) ? sizeof(struct bi_slot) : kind->slot_size;
    return (size + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
}

/* Everything but the generation, which stale names go on reading. */
static void poison(const struct bi_slab_kind *kind, struct bi_slot *slot)
{
#if BI_SLAB_CHECKED
    ASAN_POISON_MEMORY_REGION((char *)slot + sizeof slot->generation, stride_of(kind) - sizeof slot->generation);
#else
    (void)kind;
    (void)slot;
#endif
}

static void unpoison(const struct bi_slab_kind *kind, struct bi_slot *slot)
{
#if BI_SLAB_CHECKED
    ASAN_UNPOISON_MEMORY_REGION(slot, kind->slot_size);
#else
    (void)kind;
    (void)slot;
#endif
}

/* Behind all others, so that a slot is reused as late as can be. */
static void append(struct bi_slab *slab, struct bi_slot *slot)
{
    set_next(slot, NULL);
    if (slab->free_list == NULL) {
        slab->free_list = slot;
    } else {
        set_next(slab->free_tail, slot);
    }
    slab->free_tail = slot;
}

static struct bi_slot *last_of(struct bi_slot *slot)
{
    while (next_of(slot) != NULL) {
        slot = next_of(slot);
    }
    return slot;
}

/* Gives the slab's free slots to whoever needs them, and its tally to the next thread. */
static void hand_over(struct bi_slab *slab)
{
    struct bi_slot *last = slab->free_list != NULL ? last_of(slab->free_list) : NULL;
    pthread_mutex_lock(&lock);
    if (last != NULL) {
        set_next(last, slab->kind->shared);
        slab->kind->shared = slab->free_list;
    }
    slab->tally->is_used = false;
    pthread_mutex_unlock(&lock);
    slab->free_list = slab->free_tail = NULL;
    slab->tally = NULL;
}

/* Runs in the ending thread. A slab that is used after this, by another key's destructor, registers anew. */
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

static void *allocate(size_t size)
{
    if (bi_memory_asks_permit) {
        return malloc(size);
    }
    return size == BI_HUGE_PAGE ? bi_pages_allocate_huge(size) : bight_malloc(size);
}

/* As chunks it is never freed. */
static struct bi_slab_tally *new_tally(struct bi_slab_kind *kind)
{
    struct bi_slab_tally *tally = allocate(sizeof *tally);
    if (tally != NULL) {
        *tally = (struct bi_slab_tally) { .next = kind->tallies };
        kind->tallies = tally;
    }
    return tally;
}

/* Under the lock: one that no thread has, else a new one; NULL without memory. */
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

/* False without memory for its tally. A slab that the thread's end does not hear of works; its slots are then lost to
 * others. */
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

static bool adopt_shared(struct bi_slab *slab)
{
    pthread_mutex_lock(&lock);
    slab->free_list = slab->kind->shared;
    slab->kind->shared = NULL;
    pthread_mutex_unlock(&lock);
    if (slab->free_list == NULL) {
        return false;
    }
    slab->free_tail = BI_SLAB_CHECKED ? last_of(slab->free_list) : NULL;
    return true;
}

/* Chunks grow with the pool, so that a million slots lie in few of them, in huge pages where the kernel has any: slots
 * that were filled in one order are often walked in another. */
static size_t next_chunk_size(const struct bi_slab_kind *kind)
{
    size_t least = sizeof(struct chunk) + CHUNK_ALIGNMENT + SLOTS_AT_LEAST * stride_of(kind);
    size_t size = FIRST_CHUNK;
    while (size < BI_HUGE_PAGE && size < kind->allocated / GROWTH) {
        size *= 2;
    }
    return size < least ? least : size;
}

static uintptr_t first_slot(const struct chunk *chunk)
{
    return ((uintptr_t)(chunk + 1) + CHUNK_ALIGNMENT - 1) / CHUNK_ALIGNMENT * CHUNK_ALIGNMENT;
}

static size_t slots_of(const struct chunk *chunk)
{
    return ((uintptr_t)chunk + chunk->size - first_slot(chunk)) / stride_of(chunk->kind);
}

/* Its slots are free before others can see them. */
static struct chunk *new_chunk(struct bi_slab_kind *kind)
{
    pthread_mutex_lock(&lock);
    size_t size = next_chunk_size(kind);
    struct chunk *chunk = allocate(size);
    if (chunk != NULL) {
        *chunk = (struct chunk) { chunks, kind, size };
        for (size_t i = 0; i < slots_of(chunk); i++) {
            ((struct bi_slot *)(first_slot(chunk) + i * stride_of(kind)))->generation = kind->first_generation;
        }
        chunks = chunk;
        kind->allocated += size;
    }
    pthread_mutex_unlock(&lock);
    return chunk;
}

static bool add_chunk(struct bi_slab *slab)
{
    const struct chunk *chunk = new_chunk(slab->kind);
    if (chunk == NULL) {
        return false;
    }
    size_t stride = stride_of(slab->kind);
    size_t count = slots_of(chunk);
    for (size_t i = 0; i < count; i++) {
        struct bi_slot *slot = (struct bi_slot *)(first_slot(chunk) + i * stride);
        append(slab, slot);
        poison(slab->kind, slot);
    }
    return true;
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
    if (slab->free_list == NULL && !adopt_shared(slab) && !add_chunk(slab)) {
        return NULL;
    }
    struct bi_slot *slot = slab->free_list;
    slab->free_list = next_of(slot);
    unpoison(slab->kind, slot);
    bi_slab_count(slab, 1);
    bi_slot_advance(slot);
    return slot;
}

/* By a thread that has never taken one, and has no memory for a tally. */
static void give_to_all(struct bi_slab_kind *kind, struct bi_slot *slot)
{
    pthread_mutex_lock(&lock);
    bi_slot_advance(slot);
    set_next(slot, kind->shared);
    kind->shared = slot;
    kind->given++;
    poison(kind, slot);
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
#if BI_SLAB_CHECKED
    append(slab, slot);
    poison(slab->kind, slot);
#else
    slot->next_free = slab->free_list;
    slab->free_list = slot;
#endif
}
