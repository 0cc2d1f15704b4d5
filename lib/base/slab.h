/* SPDX-License-Identifier: MIT */
/* slab.h - pools of slots whose generations stay readable for ever.
 *
 * Deferreds and timers are named by (pointer, generation) pairs that may outlive them. Their slots come from
 * here: a slot's memory is never given back to the system, and its first word, the generation, changes each
 * time the slot is freed, so a stale name is told apart for the price of one compare. The generation is odd
 * while the slot is taken and even while it is free. Each thread has a free list of its own (a `struct bi_slab`
 * in thread-local storage); a slot may be freed in another thread than took it. The slots of a thread that ends
 * go to a locked list from which any thread is served.
 *
 * Under AddressSanitizer a free slot is poisoned but for its generation, and reused last. When the allocation
 * hook has a `permit`, it is asked before each taking. */
#ifndef BI_BASE_SLAB_H
#define BI_BASE_SLAB_H

#include "base/pool.h"

/* Generations are read and written as single words: a stale name may be compared in one thread while another
 * thread reuses the slot. */
static inline bool bi_slot_is_current(const void *slot, uint64_t generation)
{
    const uint64_t *word = &((const struct bi_slot *)slot)->generation;
    return __atomic_load_n(word, __ATOMIC_RELAXED) == generation;
}

static inline void bi_slot_advance(struct bi_slot *slot)
{
    __atomic_store_n(&slot->generation, slot->generation + 1, __ATOMIC_RELAXED);
}

/* How many slots one thread has taken, less those that it has given: may be "negative", for slots change threads. Only
 * that thread writes it and any may read it, so it lies apart from what the thread alone has, and outlives it: the next
 * thread that has it counts on. As large as two cache lines, so that no two threads write to the same. */
struct bi_slab_tally {
    size_t taken;
    struct bi_slab_tally *next; /* under slab.c's lock, as is_used */
    bool is_used;
    char unused[128 - sizeof(size_t) - sizeof(void *) - sizeof(bool)];
};

/* What all threads share about one kind of slot: one static object a kind. */
struct bi_slab_kind {
    const char *name;
    size_t slot_size;              /* at least sizeof(struct bi_slot) */
    struct bi_slot *shared;        /* owned by slab.c: orphaned slots */
    struct bi_pool pool;           /* owned by slab.c: where slots come from that no thread has had */
    struct bi_slab_tally *tallies; /* owned by slab.c: of all threads there were */
    size_t given;                  /* owned by slab.c: by threads whose tally could not be allocated */
    uint64_t first_generation;     /* even; its high bits stay, and may tell kinds apart */
};

/* One thread's free list of one kind. Declare it `static _Thread_local`, zeroed but for `kind`. */
struct bi_slab {
    struct bi_slot *free_list;
    struct bi_slab_tally *tally; /* NULL: the thread's end would not hand the list over, so there is none */
    struct bi_slot *free_tail;   /* used when slots are reused last */
    struct bi_slab_kind *kind;
    struct bi_slab *next_registered; /* the thread's other slabs */
};

/* A slot with an odd generation; its other bytes hold anything. NULL when out of memory. */
void *bi_slab_take_slow(struct bi_slab *slab);
void bi_slab_give_slow(struct bi_slab *slab, void *slot);

/* How many slots of this kind are taken, in all threads: exact for this one's and those that have ended, as good as
 * exact for those that run meanwhile. Looks at one number of each thread. */
size_t bi_slab_count_taken(const struct bi_slab_kind *kind);

/* By 1 or, what has the same effect as -1, SIZE_MAX. */
static inline void bi_slab_count(struct bi_slab *slab, size_t change)
{
    size_t *taken = &slab->tally->taken;
    __atomic_store_n(taken, *taken + change, __ATOMIC_RELAXED);
}

static inline void *bi_slab_take(struct bi_slab *slab)
{
    struct bi_slot *slot = slab->free_list;
    if (BI_MEMORY_CHECKED || slot == NULL || bi_memory_asks_permit) {
        return bi_slab_take_slow(slab);
    }
    slab->free_list = slot->next_free;
    bi_slab_count(slab, 1);
    bi_slot_advance(slot);
    return slot;
}

static inline void bi_slab_give(struct bi_slab *slab, void *slot_memory)
{
    struct bi_slot *slot = (struct bi_slot *)slot_memory;
    if (BI_MEMORY_CHECKED || slab->tally == NULL) {
        bi_slab_give_slow(slab, slot);
        return;
    }
    bi_slab_count(slab, SIZE_MAX);
    bi_slot_advance(slot);
    slot->next_free = slab->free_list;
    slab->free_list = slot;
}

#endif
