/* SPDX-License-Identifier: MIT */
/* pool.h - pools of objects of one size, carved from slabs that go back to the system when they are wholly free. */
#ifndef BIGHT_TRANSPORT_POOL_H
#define BIGHT_TRANSPORT_POOL_H

#include "base/list.h"

struct bight_pool {
    size_t item_size; /* with the header */
    size_t slab_size;
    size_t spare_limit;      /* empty slabs that are kept */
    size_t spare;            /* empty slabs that there are */
    struct bight_link slabs; /* those with a free item, the last used first */
};

/* Items of `size` bytes, aligned to 16. A slab is `slab_size` bytes. */
void bight_pool_init(struct bight_pool *pool, size_t size, size_t slab_size, size_t spare_limit);

/* Everything must have been given back. */
void bight_pool_finish(struct bight_pool *pool);

/* Any content. NULL without memory. */
void *bight_pool_take(struct bight_pool *pool);

/* A null pool item is fine. */
void bight_pool_give(struct bight_pool *pool, void *item);

#endif
