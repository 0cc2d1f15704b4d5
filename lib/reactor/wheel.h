/* SPDX-License-Identifier: MIT */
/* wheel.h - the timing wheel: pending calls in the exact order of their deadlines (R6).
 *
 * Hierarchical: a tick is 2^16 ns, a level has 1024 slots, five levels span all 64 bits. The level of a deadline
 * is that of the highest ten bits in which its tick differs from the present one. Slots are rings in order of arming;
 * cascading keeps that order, so equal deadlines fire first come first served. A slot that comes due is merge-sorted
 * (stable) when it is not in order already. What is armed for the present tick or earlier goes to `fresh`, which
 * joins the due list only when the next pass begins: so a call made by a timer never runs in the same pass (R5).
 *
 * The wheel knows no clock, loop or memory: entries are embedded in what is timed. */
#ifndef BI_REACTOR_WHEEL_H
#define BI_REACTOR_WHEEL_H

#include "base/list.h"
#include "base/private.h"

#define BI_WHEEL_LEVELS 5
#define BI_WHEEL_SLOT_BITS 10
#define BI_WHEEL_SLOTS (1 << BI_WHEEL_SLOT_BITS)
#define BI_WHEEL_TICK_BITS 16

struct bi_wheel_entry {
    uint64_t generation; /* odd: a call with a handle, see timer.c; 0 for an embedded timer */
    struct bi_link link; /* next == NULL: not armed */
    uint64_t deadline;   /* nanoseconds */
    union {
        void (*function)(struct bi_wheel_entry *entry);
        void (*call)(void *context); /* of a call; its owner runs it */
    };
};

struct bi_wheel {
    uint64_t tick;        /* slots up to this tick have been emptied */
    uint64_t armed;       /* entries in all */
    struct bi_link due;   /* sorted */
    struct bi_link fresh; /* in order of arming */
    uint64_t occupied[BI_WHEEL_LEVELS][BI_WHEEL_SLOTS / 64];
    uint64_t disordered[BI_WHEEL_SLOTS / 64]; /* slots of the lowest level that must be sorted */
    struct bi_link slots[BI_WHEEL_LEVELS][BI_WHEEL_SLOTS];
};

BI_PRIVATE_API void bi_wheel_init(struct bi_wheel *wheel, uint64_t now);

/* Arms, or re-arms (it then counts as armed last). Never fails, allocates nothing. */
BI_PRIVATE_API void bi_wheel_arm(struct bi_wheel *wheel, struct bi_wheel_entry *entry, uint64_t deadline);

static inline bool bi_wheel_is_armed(const struct bi_wheel_entry *entry)
{
    return entry->link.next != NULL;
}

/* The wheel's own: takes the entry out of its ring. When it was the ring's last and the ring is a slot, the slot's bit
 * goes. */
static inline void bi_wheel_unlink(struct bi_wheel *wheel, struct bi_wheel_entry *entry)
{
    struct bi_link *next = entry->link.next;
    struct bi_link *previous = entry->link.previous;
    previous->next = next;
    next->previous = previous;
    if (next != previous) {
        return;
    }
    size_t index = (size_t)((uintptr_t)next - (uintptr_t)&wheel->slots[0][0]) / sizeof(struct bi_link);
    if (bi_list_is_empty(next) && index < BI_WHEEL_LEVELS * BI_WHEEL_SLOTS) {
        wheel->occupied[index / BI_WHEEL_SLOTS][index % BI_WHEEL_SLOTS / 64] &= ~(UINT64_C(1) << (index % 64));
    }
}

/* Disarms; nothing when it is not armed. */
static inline void bi_wheel_disarm(struct bi_wheel *wheel, struct bi_wheel_entry *entry)
{
    if (!bi_wheel_is_armed(entry)) {
        return;
    }
    bi_wheel_unlink(wheel, entry);
    entry->link.next = NULL;
    wheel->armed--;
}

/* One pass: calls the functions of at most `limit` entries that are due at `now`, each disarmed before its call.
 * Entries armed meanwhile wait for the next pass. True when due ones were left over. */
BI_PRIVATE_API bool bi_wheel_run(struct bi_wheel *wheel, uint64_t now, size_t limit);

/* The same in steps, for a caller that brackets each call: begin a pass, take the next due entry (disarmed; NULL:
 * none), ask whether more is due. */
BI_PRIVATE_API void bi_wheel_begin(struct bi_wheel *wheel, uint64_t now);
struct bi_wheel_entry *bi_wheel_take(struct bi_wheel *wheel, uint64_t now);
BI_PRIVATE_API bool bi_wheel_is_due(const struct bi_wheel *wheel, uint64_t now);
/* How many entries the pass that was begun would take. */
size_t bi_wheel_count_due(const struct bi_wheel *wheel, uint64_t now);

/* Disarms and returns any armed entry, for tearing down; NULL when there is none. */
struct bi_wheel_entry *bi_wheel_take_any(struct bi_wheel *wheel);

/* Every armed entry, in no order. The wheel may not be changed meanwhile. */
BI_PRIVATE_API void bi_wheel_visit(
    const struct bi_wheel *wheel, void (*visit)(const struct bi_wheel_entry *entry, void *context), void *context);

/* When the loop should wake: not later than the earliest deadline, and exactly at it once it is within reach of the
 * lowest level. UINT64_MAX: nothing is armed. */
BI_PRIVATE_API uint64_t bi_wheel_next(struct bi_wheel *wheel);

#endif
