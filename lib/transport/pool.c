/* SPDX-License-Identifier: MIT */
/* pool.c - pools of objects of one size, for what connections need only at times.
 *
 * Items are carved from slabs; each slab has a free list and a count, and an item's header names its slab. The slab
 * that was used last comes first, so hot items are taken again. Slabs that are wholly free go back to the system, so
 * that after a burst the memory is gone from the process, but not at once: who takes many items and gives them back in
 * each round would pay for mapping and for the first touch of each page in each round. A trim, which a timer of the
 * owner's calls, releases what nobody has needed since the trim before. One pool belongs to one hub and so to one
 * thread. Under AddressSanitizer free items are poisoned; the allocation hook's `permit` is asked before each taking.
 * Not here: slots whose names outlive them (base/slab.h). */
#include "transport/pool.h"

#include "base/check.h"
#include "base/pages.h"
#include "base/slab.h"

struct slab;

/* In front of each item; 16 bytes, so that items are aligned as malloc's are. */
struct item {
    struct slab *slab;
    struct item *next_free;
};

struct slab {
    struct bi_link link; /* in pool->slabs unless wholly taken */
    struct item *free_list;
    uint32_t used;
    uint32_t carved; /* items that have ever been taken; the rest has not been touched */
    uint32_t total;
    uint32_t padding[3];
};

void bi_pool_init(struct bi_pool *pool, size_t size, size_t slab_size, size_t spare_limit,
    void (*surplus)(void *context), void *context)
{
    *pool = (struct bi_pool) {
        .item_size = (sizeof(struct item) + size + 15) & ~(size_t)15,
        .slab_size = slab_size,
        .spare_limit = spare_limit,
        .surplus = surplus,
        .context = context,
    };
    bi_list_init(&pool->slabs);
}

static struct slab *slab_of(struct bi_link *link)
{
    return BI_CONTAINER(link, struct slab, link);
}

static void release_slab(struct bi_pool *pool, struct slab *slab)
{
    bi_list_remove(&slab->link);
    bi_memory_unpoison(slab, pool->slab_size);
    bi_pages_release(slab, pool->slab_size);
}

void bi_pool_finish(struct bi_pool *pool)
{
    while (!bi_list_is_empty(&pool->slabs)) {
        struct slab *slab = slab_of(pool->slabs.next);
        BI_INVARIANT(slab->used == 0);
        release_slab(pool, slab);
    }
}

static struct slab *add_slab(struct bi_pool *pool)
{
    struct slab *slab = bi_pages_allocate(pool->slab_size);
    if (slab == NULL) {
        return NULL;
    }
    *slab = (struct slab) { .total = (uint32_t)((pool->slab_size - sizeof *slab) / pool->item_size) };
    bi_list_append(&pool->slabs, &slab->link);
    pool->spare++;
    return slab;
}

static struct item *take_from(const struct bi_pool *pool, struct slab *slab)
{
    struct item *item = slab->free_list;
    if (item != NULL) {
        slab->free_list = item->next_free;
        return item;
    }
    item = (struct item *)(void *)((char *)(slab + 1) + slab->carved * pool->item_size);
    item->slab = slab;
    slab->carved++;
    return item;
}

void *bi_pool_take(struct bi_pool *pool)
{
    if (bi_memory_asks_permit && !bi_memory_permits()) {
        return NULL;
    }
    struct slab *slab = bi_list_is_empty(&pool->slabs) ? add_slab(pool) : slab_of(pool->slabs.next);
    if (slab == NULL) {
        return NULL;
    }
    struct item *item = take_from(pool, slab);
    if (slab->used++ == 0 && --pool->spare < pool->least_spare) {
        pool->least_spare = pool->spare;
    }
    if (slab->used == slab->total) {
        bi_list_remove(&slab->link);
    }
    bi_memory_unpoison(item + 1, pool->item_size - sizeof *item);
    return item + 1;
}

static void put_first(struct bi_link *head, struct bi_link *link)
{
    bi_list_append(head->next, link);
}

void bi_pool_give(struct bi_pool *pool, void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct item *item = (struct item *)memory - 1;
    struct slab *slab = item->slab;
    if (slab->used == slab->total) {
        put_first(&pool->slabs, &slab->link);
    }
    item->next_free = slab->free_list;
    slab->free_list = item;
    bi_memory_poison(memory, pool->item_size - sizeof *item);
    if (--slab->used > 0) {
        return;
    }
    if (pool->spare++ == pool->spare_limit) {
        pool->surplus(pool->context);
    }
}

bool bi_pool_trim(struct bi_pool *pool)
{
    size_t wanted = pool->spare_limit + (pool->spare - pool->least_spare);
    struct bi_link *link = pool->slabs.previous;
    while (link != &pool->slabs && pool->spare > wanted) {
        struct slab *slab = slab_of(link);
        link = link->previous;
        if (slab->used == 0) {
            release_slab(pool, slab);
            pool->spare--;
        }
    }
    pool->least_spare = pool->spare;
    return pool->spare > pool->spare_limit;
}
