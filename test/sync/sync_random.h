/* SPDX-License-Identifier: MIT */
/* sync_random.h - for the random tests of what is waited at: numbers from a printed seed, lists of the waiters, and a
 * record of each Deferred that knows what it is to fire with as soon as that is decided.
 *
 * The models hold no handlers: each firing is checked, when it happens, to be a step that the model allows at that
 * moment, and taken there too. So handlers may call anything, to any depth. BIGHT_SEED=n begins with another seed. */
#ifndef BIGHT_TEST_SYNC_RANDOM_H
#define BIGHT_TEST_SYNC_RANDOM_H

#include <inttypes.h>

#include "sync_support.h"

enum { RECORDS = 512, DEPTH = 3 };

static uint64_t seed, random_state;

/* Check notes every assertion that holds, which takes longer than the calls. */
#define must(condition)                                                    \
    do {                                                                   \
        if (!(condition)) {                                                \
            ck_abort_msg("%s (BIGHT_SEED=%" PRIu64 ")", #condition, seed); \
        }                                                                  \
    } while (0)

static inline void begin_random(uint64_t number)
{
    seed = number;
    random_state = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
}

/* From 0 to limit - 1. */
static inline unsigned roll(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 33) % limit);
}

static inline uint64_t first_seed(void)
{
    const char *text = getenv("BIGHT_SEED");
    uint64_t first = text != NULL ? strtoull(text, NULL, 10) : 1;
    printf("first seed: %" PRIu64 "\n", first);
    return first;
}

struct record {
    int kind;
    struct bight_deferred *deferred; /* NULL: released */
    bool is_decided, has_fired;
    int code;    /* decided: what it fails with, or 0 */
    void *value; /* decided: what it fires with; of a put: what is put */
    int64_t priority;
};

static struct record records[RECORDS];
static int record_count, depth;

struct list {
    struct record *items[RECORDS];
    int count;
};

static inline void add_to(struct list *list, struct record *record)
{
    list->items[list->count++] = record;
}

static inline bool remove_from(struct list *list, const struct record *record)
{
    for (int i = 0; i < list->count; i++) {
        if (list->items[i] == record) {
            list->count--;
            memmove(&list->items[i], &list->items[i + 1], (size_t)(list->count - i) * sizeof(list->items[0]));
            return true;
        }
    }
    return false;
}

static inline struct record *first_of(const struct list *list)
{
    return list->count > 0 ? list->items[0] : NULL;
}

static inline struct record *shift(struct list *list)
{
    struct record *record = list->items[0];
    remove_from(list, record);
    return record;
}

static inline struct record *new_record(int kind)
{
    records[record_count] = (struct record) { .kind = kind };
    return &records[record_count++];
}

static inline void decide(struct record *record, int code, void *value)
{
    must(!record->is_decided);
    record->is_decided = true;
    record->code = code;
    record->value = value;
}

/* One that has not fired and can be cancelled; or any, for who lets go. NULL when the dice say so. */
static inline struct record *pick(bool fired_too)
{
    if (record_count == 0) {
        return NULL;
    }
    struct record *record = &records[roll((unsigned)record_count)];
    return record->deferred != NULL && (fired_too || !record->has_fired) ? record : NULL;
}

static inline void let_go(struct record *record)
{
    struct bight_deferred *deferred = record->deferred;
    record->deferred = NULL;
    bight_deferred_release(deferred);
}

/* The record's handlers; it is the caller's to release afterwards. */
static inline void listen_for(struct record *record, struct bight_deferred *deferred, bight_handler handler)
{
    record->deferred = deferred;
    bight_deferred_hold(deferred);
    bight_deferred_add_both(deferred, handler, record);
    bight_deferred_release(deferred);
}

#endif
