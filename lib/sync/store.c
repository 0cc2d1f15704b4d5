/* SPDX-License-Identifier: MIT */
/* store.c - the values that a queue has stored: a ring for first and last in first out, a stable heap for priorities.
 *
 * Nothing is known here of the waiters. An emptied store that had grown large frees its memory; popping never
 * allocates. */
#include "sync/store.h"

#include <bight/memory.h>

#include "base/check.h"

enum { FIRST_CAPACITY = 8, KEPT_CAPACITY = 256 };

static struct bi_entry *entry_at(const struct bi_store *store, size_t index)
{
    return &store->entries[(store->first + index) & (store->capacity - 1)];
}

static bool grow(struct bi_store *store)
{
    size_t capacity = store->capacity == 0 ? FIRST_CAPACITY : store->capacity * 2;
    if (capacity > SIZE_MAX / sizeof(struct bi_entry)) {
        return false;
    }
    struct bi_entry *entries = bight_malloc(capacity * sizeof(struct bi_entry));
    if (entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < store->count; i++) {
        entries[i] = *entry_at(store, i);
    }
    bight_free(store->entries);
    store->entries = entries;
    store->capacity = capacity;
    store->first = 0;
    return true;
}

static bool comes_before(const struct bi_entry *a, const struct bi_entry *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->number < b->number;
}

/* Finds the place of `entry` in the heap, from the end upwards, and puts it there. */
static void sift_up(struct bi_store *store, struct bi_entry entry)
{
    size_t at = store->count - 1;
    while (at > 0 && comes_before(&entry, &store->entries[(at - 1) / 2])) {
        store->entries[at] = store->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    store->entries[at] = entry;
}

/* The same from the top downwards. */
static void sift_down(struct bi_store *store, struct bi_entry entry)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < store->count && comes_before(&store->entries[child + 1], &store->entries[child])) {
            child++;
        }
        if (child >= store->count || !comes_before(&store->entries[child], &entry)) {
            break;
        }
        store->entries[at] = store->entries[child];
        at = child;
    }
    store->entries[at] = entry;
}

int bi_store_push(struct bi_store *store, int64_t priority, const struct bight_type *type, void *value)
{
    if (store->count == store->capacity && !grow(store)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct bi_entry entry = { type, value, priority, store->next_number++ };
    store->count++;
    if (store->order == BIGHT_QUEUE_PRIORITY) {
        sift_up(store, entry);
    } else {
        *entry_at(store, store->count - 1) = entry;
    }
    return BIGHT_OK;
}

static struct bi_entry take(struct bi_store *store)
{
    struct bi_entry entry = *entry_at(store, store->order == BIGHT_QUEUE_LIFO ? store->count - 1 : 0);
    store->count--;
    if (store->order == BIGHT_QUEUE_FIFO) {
        store->first = (store->first + 1) & (store->capacity - 1);
    } else if (store->order == BIGHT_QUEUE_PRIORITY && store->count > 0) {
        sift_down(store, store->entries[store->count]);
    }
    return entry;
}

struct bi_entry bi_store_pop(struct bi_store *store)
{
    BI_INVARIANT(store->count > 0);
    struct bi_entry entry = take(store);
    if (store->count == 0 && store->capacity > KEPT_CAPACITY) {
        bi_store_finish(store);
    }
    return entry;
}

void bi_store_discard(const struct bight_type *type, void *value)
{
    struct bight_result result = { type, value, NULL };
    bight_result_discard(&result);
}

void bi_store_finish(struct bi_store *store)
{
    bight_free(store->entries);
    store->entries = NULL;
    store->capacity = store->first = store->count = 0;
}
