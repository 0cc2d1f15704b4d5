/* SPDX-License-Identifier: MIT */
/* pool.c - pools of slots of one size: the one place that knows how slabs are carved, counted, and given back.
 *
 * Each slab has a free list and a count. The slab that was used last comes first, so hot slots are taken again. Slabs
 * that are wholly free go back to the system, so that after a burst the memory is gone from the process, but not at
 * once: a user that takes many slots and returns them in each round would pay for mapping and for the first touch of
 * each page in each round. A trim, which a timer of the owner's calls, releases what has not been needed since the trim
 * before. A pool belongs to one thread or is used under a lock. Under AddressSanitizer free slots are poisoned.
 *
 * What the first word of a slot says makes the difference: where an object lies behind it, the slab that the object
 * goes back to (below); where names outlive what they name, a generation, and then the slabs stay for ever
 * (base/slab.h) or a table holds what the next generation is (the connections', transport/hub.c). */
#include "base/pool.h"

#include "base/check.h"

enum { GROWTH = 4 /* a slab that is kept is at most this part of what there is already */ };

_Static_assert(sizeof(struct bi_slot) <= BI_SLOT_ALIGNMENT, "what lies behind a slot is aligned");
_Static_assert(sizeof(struct bi_pool_slab) <= BI_FIRST_SLOT, "a slab's head ends before its first slot");

#if BI_MEMORY_CHECKED
__attribute__((noinline, no_sanitize_address)) struct bi_slot *bi_slot_next(const struct bi_slot *slot)
{
    return slot->next_free;
}

__attribute__((noinline, no_sanitize_address)) void bi_slot_set_next(struct bi_slot *slot, struct bi_slot *next)
{
    slot->next_free = next;
}
#endif

void bi_pool_poison(const struct bi_pool *pool, struct bi_slot *slot)
{
    bi_memory_poison((char *)slot + sizeof slot->generation, pool->slot_size - sizeof slot->generation);
}

void bi_pool_init(struct bi_pool *pool, size_t size, size_t slab_size, size_t spare_limit,
    void (*surplus)(void *context), void *context)
{
    *pool = (struct bi_pool) {
        .slot_size = (BI_SLOT_ALIGNMENT + size + BI_SLOT_ALIGNMENT - 1) / BI_SLOT_ALIGNMENT * BI_SLOT_ALIGNMENT,
        .slab_size = slab_size,
        .spare_limit = spare_limit,
        .surplus = surplus,
        .context = context,
    };
    BI_INVARIANT(BI_FIRST_SLOT + pool->slot_size <= slab_size);
    bi_list_init(&pool->open);
    bi_list_init(&pool->exhausted);
}

static struct bi_pool_slab *slab_of(struct bi_link *link)
{
    return BI_CONTAINER(link, struct bi_pool_slab, link);
}

void bi_pool_release_slab(struct bi_pool *pool, struct bi_pool_slab *slab)
{
    bi_list_remove(&slab->link);
    pool->spare -= slab->used == 0;
    pool->allocated -= slab->size;
    bi_memory_unpoison(slab, slab->size);
    bi_pages_release(slab, slab->size);
}

void bi_pool_finish(struct bi_pool *pool)
{
    BI_INVARIANT(bi_list_is_empty(&pool->exhausted));
    while (!bi_list_is_empty(&pool->open)) {
        struct bi_pool_slab *slab = slab_of(pool->open.next);
        BI_INVARIANT(slab->used == 0);
        bi_pool_release_slab(pool, slab);
    }
}

/* What is kept comes in larger and larger slabs, so that a million slots lie in few of them, in huge pages where the
 * kernel has any: slots that were filled in one order are often walked in another. */
static size_t next_size(const struct bi_pool *pool)
{
    size_t size = pool->slab_size;
    while (pool->is_kept && size < BI_HUGE_PAGE && size < pool->allocated / GROWTH) {
        size *= 2;
    }
    return size;
}

static struct bi_pool_slab *add_slab(struct bi_pool *pool)
{
    size_t size = next_size(pool);
    struct bi_pool_slab *slab = pool->is_kept ? bi_pages_keep(size) : bi_pages_allocate(size);
    if (slab == NULL) {
        return NULL;
    }
    *slab = (struct bi_pool_slab) { .size = size, .total = (uint32_t)((size - BI_FIRST_SLOT) / pool->slot_size) };
    bi_list_append(&pool->open, &slab->link);
    pool->allocated += size;
    pool->spare++;
    return slab;
}

static struct bi_slot *take_from(const struct bi_pool *pool, struct bi_pool_slab *slab)
{
    struct bi_slot *slot = slab->free_list;
    if (slot != NULL) {
        slab->free_list = bi_slot_next(slot);
        return slot;
    }
    slot = bi_pool_slot_at(pool, slab, slab->carved++);
    slot->generation = 0;
    return slot;
}

struct bi_slot *bi_pool_take_slot(struct bi_pool *pool, struct bi_pool_slab **from)
{
    if (bi_memory_asks_permit && !pool->is_kept && !bi_memory_permits()) {
        return NULL;
    }
    struct bi_pool_slab *slab = bi_list_is_empty(&pool->open) ? add_slab(pool) : slab_of(pool->open.next);
    if (slab == NULL) {
        return NULL;
    }
    struct bi_slot *slot = take_from(pool, slab);
    if (slab->used++ == 0 && --pool->spare < pool->least_spare) {
        pool->least_spare = pool->spare;
    }
    if (slab->used == slab->total) {
        bi_list_remove(&slab->link);
        bi_list_append(&pool->exhausted, &slab->link);
    }
    bi_memory_unpoison(slot, pool->slot_size);
    *from = slab;
    return slot;
}

static void put_first(struct bi_link *head, struct bi_link *link)
{
    bi_list_remove(link);
    bi_list_append(head->next, link);
}

bool bi_pool_give_slot(struct bi_pool *pool, struct bi_pool_slab *slab, struct bi_slot *slot)
{
    if (slab->used == slab->total) {
        put_first(&pool->open, &slab->link);
    }
    slot->next_free = slab->free_list;
    slab->free_list = slot;
    bi_pool_poison(pool, slot);
    bool is_empty = --slab->used == 0;
    pool->spare += is_empty;
    return is_empty;
}

void *bi_pool_take(struct bi_pool *pool)
{
    struct bi_pool_slab *slab;
    struct bi_slot *slot = bi_pool_take_slot(pool, &slab);
    if (slot == NULL) {
        return NULL;
    }
    slot->slab = slab;
    return (char *)slot + BI_SLOT_ALIGNMENT;
}

void bi_pool_give(struct bi_pool *pool, void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct bi_slot *slot = (struct bi_slot *)(void *)((char *)memory - BI_SLOT_ALIGNMENT);
    if (bi_pool_give_slot(pool, slot->slab, slot) && pool->spare == pool->spare_limit + 1) {
        pool->surplus(pool->context);
    }
}

bool bi_pool_trim(struct bi_pool *pool)
{
    size_t wanted = pool->spare_limit + (pool->spare - pool->least_spare);
    struct bi_link *link = pool->open.previous;
    while (link != &pool->open && pool->spare > wanted) {
        struct bi_pool_slab *slab = slab_of(link);
        link = link->previous;
        if (slab->used == 0) {
            bi_pool_release_slab(pool, slab);
        }
    }
    pool->least_spare = pool->spare;
    return pool->spare > pool->spare_limit;
}
