/* SPDX-License-Identifier: MIT */
/* pool.h - pools of slots of one size, carved from slabs. */
#ifndef BI_BASE_POOL_H
#define BI_BASE_POOL_H

#include "base/list.h"
#include "base/pages.h"

struct bi_pool_slab;

/* Every slot begins with this. The first word is its user's, 0 in a slot that has never been taken, and stays as it was
 * left while the slot is free; the second is the pool's then. */
struct bi_slot {
    union {
        uint64_t generation;
        struct bi_pool_slab *slab; /* of bi_pool_take */
    };
    struct bi_slot *next_free;
};

/* At the beginning of its memory. */
struct bi_pool_slab {
    struct bi_link link;
    struct bi_slot *free_list;
    size_t size;
    uint32_t used;
    uint32_t carved; /* slots that have ever been taken; the rest has not been touched */
    uint32_t total;
    uint32_t number; /* the user's; 0 at first */
};

struct bi_pool {
    size_t slot_size; /* a multiple of 16 */
    size_t slab_size;
    bool is_kept;             /* set after init: slabs are never release, and are the larger the more there are */
    size_t spare_limit;       /* empty slabs that are kept */
    size_t spare;             /* empty slabs that there are */
    size_t least_spare;       /* the fewest since the last trim */
    size_t allocated;         /* bytes of all slabs */
    struct bi_link open;      /* slabs with a free slot, the last used first */
    struct bi_link exhausted; /* those without */
    void (*surplus)(void *context);
    void *context;
};

/* Slots for `size` bytes behind a struct bi_slot. A slab is `slab_size` bytes, and has at least one slot.
 * surplus(context) is called, from bi_pool_give, when there come to be more empty slabs than are kept: the owner should
 * trim the pool in a while. */
void bi_pool_init(struct bi_pool *pool, size_t size, size_t slab_size, size_t spare_limit,
    void (*surplus)(void *context), void *context);

/* Returns the slabs to the system that have been empty since the last trim, but for those that are kept. True when
 * there are still more than that. */
bool bi_pool_trim(struct bi_pool *pool);

/* Everything must have been given back. */
void bi_pool_finish(struct bi_pool *pool);

/* What lies behind a slot, aligned to 16; any content. NULL when out of memory. The allocation hook's `permit` is
 * asked, but not of what is kept, for which a user that takes slots in advance asks when it uses them. */
void *bi_pool_take(struct bi_pool *pool);

/* NULL is allowed. */
void bi_pool_give(struct bi_pool *pool, void *memory);

/* --- for users that know their slots' slabs, and use the first word as they like */

/* The slot, and the slab that it is of. NULL as above. */
struct bi_slot *bi_pool_take_slot(struct bi_pool *pool, struct bi_pool_slab **slab);

/* True when the slab is empty now. */
bool bi_pool_give_slot(struct bi_pool *pool, struct bi_pool_slab *slab, struct bi_slot *slot);

/* A slab goes back to the system, whatever of it is taken. */
void bi_pool_release_slab(struct bi_pool *pool, struct bi_pool_slab *slab);

/* A slot that is free, or will be: nothing but its first word may be touched. */
void bi_pool_poison(const struct bi_pool *pool, struct bi_slot *slot);

/* The links of free slots lie in memory that is poisoned under AddressSanitizer: these two go past it. */
#if BI_MEMORY_CHECKED
struct bi_slot *bi_slot_next(const struct bi_slot *slot);
void bi_slot_set_next(struct bi_slot *slot, struct bi_slot *next);
#else
static inline struct bi_slot *bi_slot_next(const struct bi_slot *slot)
{
    return slot->next_free;
}

static inline void bi_slot_set_next(struct bi_slot *slot, struct bi_slot *next)
{
    slot->next_free = next;
}
#endif

enum {
    BI_SLOT_ALIGNMENT = 16,
    BI_FIRST_SLOT = 64 /* a line of the processor's cache from the slab's beginning */
};

static inline struct bi_slot *bi_pool_slot_at(const struct bi_pool *pool, const struct bi_pool_slab *slab, size_t index)
{
    return (struct bi_slot *)((uintptr_t)slab + BI_FIRST_SLOT + index * pool->slot_size);
}

#endif
