/* SPDX-License-Identifier: MIT */
/* store.h - what a queue has stored, in the order in which it is to be got. */
#ifndef BI_SYNC_STORE_H
#define BI_SYNC_STORE_H

#include <bight/queue.h>

struct bi_entry {
    const struct bight_type *type;
    void *value;
    int64_t priority;
    uint64_t number; /* in the order of putting */
};

struct bi_store {
    struct bi_entry *entries; /* a ring from `first`; with priorities a heap from 0 */
    size_t capacity;          /* 0, or a power of two */
    size_t first, count;
    uint64_t next_number;
    enum bight_queue_order order;
};

/* OUT_OF_MEMORY: nothing was stored. */
int bi_store_push(struct bi_store *store, int64_t priority, const struct bight_type *type, void *value);

/* There must be one. */
struct bi_entry bi_store_pop(struct bi_store *store);

/* A value that will not be stored. */
void bi_store_discard(const struct bight_type *type, void *value);

void bi_store_finish(struct bi_store *store);

#endif
