/* SPDX-License-Identifier: MIT */
/* wheel.c - the timing wheel: which calls are due, in the exact order of their deadlines (R6).
 *
 * No clock, loop or memory is known here, and nothing fails. The one idea: which slot an entry is in depends only on
 * the highest byte in which its tick differs from the wheel's, so all entries of one tick are always in the same
 * ring, in order of arming, however often they are cascaded. Only entries within one tick (65 us) must ever be
 * compared; that happens when the tick comes, in a merge sort that keeps the order of equal deadlines. */
#include "reactor/wheel.h"

#include <string.h>

/* About what a second-level cache holds of a ring, from each end; and as many armed as it may not hold. */
#define FETCH_AT_MOST 4096
#define FETCH_FROM 16384

static inline struct bi_wheel_entry *entry_of(struct bi_link *link)
{
    return BI_CONTAINER(link, struct bi_wheel_entry, link);
}

static inline uint64_t deadline_of(const struct bi_link *link)
{
    return ((const struct bi_wheel_entry *)(const void *)((const char *)link - offsetof(struct bi_wheel_entry, link)))
        ->deadline;
}

static inline uint64_t tick_of(uint64_t deadline)
{
    return deadline >> BI_WHEEL_TICK_BITS;
}

void bi_wheel_init(struct bi_wheel *wheel, uint64_t now)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->tick = tick_of(now);
    bi_list_init(&wheel->due);
    bi_list_init(&wheel->fresh);
    for (int level = 0; level < BI_WHEEL_LEVELS; level++) {
        for (int slot = 0; slot < BI_WHEEL_SLOTS; slot++) {
            bi_list_init(&wheel->slots[level][slot]);
        }
    }
}

/* ----------------------------------------------------------------------------- arming and disarming */

static inline void set_bit(uint64_t *words, unsigned slot)
{
    words[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static inline void clear_bit(uint64_t *words, unsigned slot)
{
    words[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

static inline bool has_bit(const uint64_t *words, unsigned slot)
{
    return (words[slot / 64] >> (slot % 64) & 1) != 0;
}

static inline bool breaks_order(const struct bi_link *ring, uint64_t deadline)
{
    return ring->previous != ring && deadline_of(ring->previous) > deadline;
}

/* Puts an entry into the slot of its tick, which is later than the wheel's. In the lowest level it is noted when the
 * order was broken: the last entry is written to anyway, and a slot in order needs not be walked when it is due. */
static inline void put(struct bi_wheel *wheel, struct bi_link *link, uint64_t deadline)
{
    uint64_t tick = tick_of(deadline);
    unsigned level = (unsigned)(63 - __builtin_clzll(tick ^ wheel->tick)) / BI_WHEEL_SLOT_BITS;
    unsigned slot = (tick >> (BI_WHEEL_SLOT_BITS * level)) & (BI_WHEEL_SLOTS - 1);
    struct bi_link *ring = &wheel->slots[level][slot];
    set_bit(wheel->occupied[level], slot);
    if (level == 0 && breaks_order(ring, deadline)) {
        set_bit(wheel->disordered, slot);
    }
    bi_list_append(ring, link);
}

/* What is due already could go to the due list at once, but then a timer that arms itself for now would keep its pass
 * going for ever; therefore it waits among the fresh for the next one (R5). */
void bi_wheel_arm(struct bi_wheel *wheel, struct bi_wheel_entry *entry, uint64_t deadline)
{
    if (bi_wheel_is_armed(entry)) {
        bi_wheel_unlink(wheel, entry);
    } else {
        wheel->armed++;
    }
    entry->deadline = deadline;
    if (tick_of(deadline) > wheel->tick) {
        put(wheel, &entry->link, deadline);
    } else {
        bi_list_append(&wheel->fresh, &entry->link);
    }
}

/* ------------------------------------------------------------------------------- stable merge sort */

/* Merges two chains (linked by next, ended by NULL); entries of `a` come first where deadlines are equal. */
static struct bi_link *merge_chains(struct bi_link *a, struct bi_link *b)
{
    struct bi_link *merged;
    struct bi_link **tail = &merged;
    while (a != NULL && b != NULL) {
        struct bi_link **smaller = entry_of(b)->deadline < entry_of(a)->deadline ? &b : &a;
        *tail = *smaller;
        tail = &(*smaller)->next;
        *smaller = *tail;
    }
    *tail = a != NULL ? a : b;
    return merged;
}

/* Sorts a chain bottom up: sorted[n] holds a run of 2^n entries, later ones in lower places. */
static struct bi_link *sort_chain(struct bi_link *chain)
{
    struct bi_link *sorted[64] = { NULL };
    unsigned highest = 0;
    while (chain != NULL) {
        struct bi_link *run = chain;
        chain = chain->next;
        run->next = NULL;
        unsigned place = 0;
        for (; sorted[place] != NULL; place++) {
            run = merge_chains(sorted[place], run);
            sorted[place] = NULL;
        }
        sorted[place] = run;
        highest = place > highest ? place : highest;
    }
    struct bi_link *result = NULL;
    for (unsigned place = 0; place <= highest; place++) {
        result = merge_chains(sorted[place], result);
    }
    return result;
}

static bool is_sorted(const struct bi_link *ring)
{
    uint64_t last = 0;
    for (const struct bi_link *link = ring->next; link != ring; link = link->next) {
        if (deadline_of(link) < last) {
            return false;
        }
        last = deadline_of(link);
    }
    return true;
}

static void sort_ring(struct bi_link *ring)
{
    if (is_sorted(ring)) {
        return;
    }
    ring->previous->next = NULL;
    struct bi_link *previous = ring;
    for (struct bi_link *link = sort_chain(ring->next); link != NULL; link = link->next) {
        previous->next = link;
        link->previous = previous;
        previous = link;
    }
    previous->next = ring;
    ring->previous = previous;
}

static void sort_lowest(struct bi_wheel *wheel, unsigned slot)
{
    if (has_bit(wheel->disordered, slot)) {
        clear_bit(wheel->disordered, slot);
        sort_ring(&wheel->slots[0][slot]);
    }
}

/* ---------------------------------------------------------------------------------------- advancing */

/* The first occupied slot at or after `from`, or -1. */
static int next_occupied(const uint64_t *occupied, unsigned from)
{
    unsigned word = from / 64;
    if (word >= BI_WHEEL_SLOTS / 64) {
        return -1;
    }
    uint64_t bits = occupied[word] & (~UINT64_C(0) << (from % 64));
    while (bits == 0) {
        if (++word == BI_WHEEL_SLOTS / 64) {
            return -1;
        }
        bits = occupied[word];
    }
    return (int)(word * 64) + __builtin_ctzll(bits);
}

/* The nearest occupied slot and the tick at which it begins. False: all slots are empty. A lower level is always nearer
 * than a higher one. The present slot of each level is passed over: it was emptied when the wheel came to it. */
static bool nearest_slot(const struct bi_wheel *wheel, unsigned *level, unsigned *slot, uint64_t *start)
{
    for (unsigned l = 0; l < BI_WHEEL_LEVELS; l++) {
        unsigned present = (wheel->tick >> (BI_WHEEL_SLOT_BITS * l)) & (BI_WHEEL_SLOTS - 1);
        int found = next_occupied(wheel->occupied[l], present + 1);
        if (found >= 0) {
            uint64_t above = wheel->tick >> (BI_WHEEL_SLOT_BITS * l) >> BI_WHEEL_SLOT_BITS << BI_WHEEL_SLOT_BITS;
            *level = l;
            *slot = (unsigned)found;
            *start = (above | (uint64_t)found) << (BI_WHEEL_SLOT_BITS * l);
            return true;
        }
    }
    return false;
}

/* Moves the sorted entries of `ring` into the due list, behind `after`. */
static void splice_due(struct bi_link *after, struct bi_link *ring)
{
    ring->next->previous = after;
    ring->previous->next = after->next;
    after->next->previous = ring->previous;
    after->next = ring->next;
    bi_list_init(ring);
}

/* Brings a ring that is about to be walked into the cache, from both ends at once. */
static void fetch(const struct bi_wheel *wheel, const struct bi_link *ring)
{
    if (wheel->armed < FETCH_FROM) {
        return;
    }
    const struct bi_link *front = ring->next;
    const struct bi_link *back = ring->previous;
    for (unsigned n = 0; n < FETCH_AT_MOST && front != back && front->next != back; n++) {
        front = front->next;
        back = back->previous;
    }
}

/* Hands the entries of a slot that the wheel has come to down to lower levels, in order; those of the present tick
 * become due. */
static void cascade(struct bi_wheel *wheel, struct bi_link *ring)
{
    struct bi_link present;
    struct bi_link *link = ring->next;
    bi_list_init(&present);
    fetch(wheel, ring);
    while (link != ring) {
        struct bi_link *next = link->next;
        uint64_t deadline = deadline_of(link);
        if (tick_of(deadline) > wheel->tick) {
            put(wheel, link, deadline);
        } else {
            bi_list_append(&present, link);
        }
        link = next;
    }
    bi_list_init(ring);
    if (!bi_list_is_empty(&present)) {
        sort_ring(&present);
        splice_due(wheel->due.previous, &present);
    }
}

/* Goes on to the tick of `now`, jumping over what is empty. */
static void advance(struct bi_wheel *wheel, uint64_t now)
{
    unsigned level;
    unsigned slot;
    uint64_t start;
    uint64_t target = tick_of(now);
    while (nearest_slot(wheel, &level, &slot, &start) && start <= target) {
        wheel->tick = start;
        clear_bit(wheel->occupied[level], slot);
        if (level == 0) {
            fetch(wheel, &wheel->slots[0][slot]);
            sort_lowest(wheel, slot);
            splice_due(wheel->due.previous, &wheel->slots[0][slot]);
        } else {
            cascade(wheel, &wheel->slots[level][slot]);
        }
    }
    wheel->tick = target > wheel->tick ? target : wheel->tick;
}

/* What was armed for a time already reached joins what is due, behind equal deadlines. Both are sorted; the usual
 * newcomer belongs near the end. */
static void merge_fresh(struct bi_wheel *wheel)
{
    struct bi_link *after = wheel->due.previous;
    sort_ring(&wheel->fresh);
    if (!bi_list_is_empty(&wheel->fresh) && !bi_list_is_empty(&wheel->due) &&
        deadline_of(wheel->fresh.previous) < deadline_of(wheel->due.next)) {
        splice_due(&wheel->due, &wheel->fresh); /* spares the walk when much is due and the past was asked for */
    }
    while (!bi_list_is_empty(&wheel->fresh)) {
        struct bi_wheel_entry *entry = entry_of(wheel->fresh.previous);
        while (after != &wheel->due && entry_of(after)->deadline > entry->deadline) {
            after = after->previous;
        }
        bi_list_remove(&entry->link);
        entry->link.next = after->next;
        entry->link.previous = after;
        after->next->previous = &entry->link;
        after->next = &entry->link;
    }
}

/* ------------------------------------------------------------------------------------------ passes */

/* In this order: fresh entries are of the wheel's tick or earlier, so they come before all that advancing appends, and
 * merging them afterwards would walk past that. */
void bi_wheel_begin(struct bi_wheel *wheel, uint64_t now)
{
    merge_fresh(wheel);
    advance(wheel, now);
}

struct bi_wheel_entry *bi_wheel_take(struct bi_wheel *wheel, uint64_t now)
{
    struct bi_link *link = wheel->due.next;
    if (link == &wheel->due || entry_of(link)->deadline > now) {
        return NULL;
    }
    __builtin_prefetch(link->next->next);
    wheel->due.next = link->next;
    link->next->previous = &wheel->due;
    link->next = NULL;
    wheel->armed--;
    return entry_of(link);
}

bool bi_wheel_run(struct bi_wheel *wheel, uint64_t now, size_t limit)
{
    bi_wheel_begin(wheel, now);
    for (; limit > 0; limit--) {
        struct bi_wheel_entry *entry = bi_wheel_take(wheel, now);
        if (entry == NULL) {
            return false;
        }
        entry->function(entry);
    }
    return bi_wheel_is_due(wheel, now);
}

bool bi_wheel_is_due(const struct bi_wheel *wheel, uint64_t now)
{
    struct bi_link *first = wheel->due.next;
    return first != &wheel->due && entry_of(first)->deadline <= now;
}

size_t bi_wheel_count_due(const struct bi_wheel *wheel, uint64_t now)
{
    size_t count = 0;
    for (struct bi_link *link = wheel->due.next; link != &wheel->due && deadline_of(link) <= now; link = link->next) {
        count++;
    }
    return count;
}

struct bi_wheel_entry *bi_wheel_take_any(struct bi_wheel *wheel)
{
    unsigned level;
    unsigned slot;
    uint64_t start;
    struct bi_link *ring = &wheel->due;
    if (bi_list_is_empty(ring)) {
        ring = &wheel->fresh;
    }
    if (bi_list_is_empty(ring)) {
        if (!nearest_slot(wheel, &level, &slot, &start)) {
            return NULL;
        }
        ring = &wheel->slots[level][slot];
    }
    struct bi_wheel_entry *entry = entry_of(ring->next);
    bi_wheel_disarm(wheel, entry);
    return entry;
}

/* The earliest deadline in an unsorted ring; UINT64_MAX when it is empty. */
static uint64_t earliest_in(const struct bi_link *ring)
{
    uint64_t earliest = UINT64_MAX;
    for (struct bi_link *link = ring->next; link != ring; link = link->next) {
        uint64_t deadline = entry_of(link)->deadline;
        earliest = deadline < earliest ? deadline : earliest;
    }
    return earliest;
}

/* Above the lowest level a slot's start is returned: the exact deadline would take a walk through the slot each time,
 * and the pass at its start cascades it. */
uint64_t bi_wheel_next(struct bi_wheel *wheel)
{
    unsigned level;
    unsigned slot;
    uint64_t start;
    uint64_t earliest = earliest_in(&wheel->fresh);
    if (!bi_list_is_empty(&wheel->due)) {
        uint64_t first = entry_of(wheel->due.next)->deadline;
        return first < earliest ? first : earliest;
    }
    if (earliest != UINT64_MAX || !nearest_slot(wheel, &level, &slot, &start)) {
        return earliest;
    }
    struct bi_link *ring = &wheel->slots[level][slot];
    if (level == 0) {
        sort_lowest(wheel, slot);
    }
    if (level == 0 || ring->next == ring->previous) {
        return entry_of(ring->next)->deadline;
    }
    return start << BI_WHEEL_TICK_BITS;
}

/* -------------------------------------------------------------------------------------- for looking */

static void visit_ring(
    const struct bi_link *ring, void (*visit)(const struct bi_wheel_entry *entry, void *context), void *context)
{
    for (const struct bi_link *link = ring->next; link != ring; link = link->next) {
        visit(BI_CONTAINER(link, const struct bi_wheel_entry, link), context);
    }
}

void bi_wheel_visit(
    const struct bi_wheel *wheel, void (*visit)(const struct bi_wheel_entry *entry, void *context), void *context)
{
    visit_ring(&wheel->due, visit, context);
    visit_ring(&wheel->fresh, visit, context);
    for (int level = 0; level < BI_WHEEL_LEVELS; level++) {
        for (int slot = 0; slot < BI_WHEEL_SLOTS; slot++) {
            visit_ring(&wheel->slots[level][slot], visit, context);
        }
    }
}
