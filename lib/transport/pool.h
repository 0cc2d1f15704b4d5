/* SPDX-License-Identifier: MIT */
/* pool.h - pools of objects of one size, carved from slabs that go back to the system when they have been wholly free
 * for a while. */
#ifndef BI_TRANSPORT_POOL_H
#define BI_TRANSPORT_POOL_H

#include "base/list.h"

struct bi_pool {
    size_t item_size; /* with the header */
    size_t slab_size;
    size_t spare_limit;   /* empty slabs that are kept */
    size_t spare;         /* empty slabs that there are */
    size_t least_spare;   /* the fewest since the last trim */
    struct bi_link slabs; /* those with a free item, the last used first */
    void (*surplus)(void *context);
    void *context;
};

/* Items of `size` bytes, aligned to 16. A slab is `slab_size` bytes. surplus(context) is called, from give, when there
 * come to be more empty slabs than are kept: somebody should trim the pool in a while. */
void bi_pool_init(struct bi_pool *pool, size_t size, size_t slab_size, size_t spare_limit,
    void (*surplus)(void *context), void *context);

/* Gives the slabs back to the system that have been empty since the last trim, but for those that are kept. True when
 * there are still more than that. */
bool bi_pool_trim(struct bi_pool *pool);

/* Everything must have been given back. */
void bi_pool_finish(struct bi_pool *pool);

/* Any content. NULL without memory. */
void *bi_pool_take(struct bi_pool *pool);

/* A null pool item is fine. */
void bi_pool_give(struct bi_pool *pool, void *item);

#endif
