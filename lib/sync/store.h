/* SPDX-License-Identifier: MIT */
/* store.h - what a queue has stored, in the order in which it is to be got. */
#ifndef BIGHT_DEFERRED_STORE_H
#define BIGHT_DEFERRED_STORE_H

#include <bight/queue.h>

struct bight_entry {
    const struct bight_type *type;
    void *value;
    int64_t priority;
    uint64_t number; /* in the order of putting */
};

struct bight_store {
    struct bight_entry *entries; /* a ring from `first`; with priorities a heap from 0 */
    size_t capacity;             /* 0, or a power of two */
    size_t first, count;
    uint64_t next_number;
    enum bight_queue_order order;
};

/* OUT_OF_MEMORY: nothing was stored. */
int bight_store_push(struct bight_store *store, int64_t priority, const struct bight_type *type, void *value);

/* There must be one. */
struct bight_entry bight_store_pop(struct bight_store *store);

/* A value that will not be stored. */
void bight_store_discard(const struct bight_type *type, void *value);

void bight_store_finish(struct bight_store *store);

#endif
