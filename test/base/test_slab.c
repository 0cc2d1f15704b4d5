/* SPDX-License-Identifier: MIT */
/* test_slab.c - slots keep their generation readable, are reused, and change threads without loss. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/slab.h"
#include "faults.h"

#if BI_MEMORY_CHECKED
#include <sanitizer/asan_interface.h>
#endif

struct thing {
    struct bi_slot slot;
    char content[52]; /* the slot's size is no multiple of anything */
};

static struct bi_slab_kind things = { .name = "thing", .slot_size = sizeof(struct thing) };
static _Thread_local struct bi_slab slab = { .kind = &things };

static struct bi_slab_kind larges = { .name = "large", .slot_size = 5000 };
static _Thread_local struct bi_slab large_slab = { .kind = &larges };

static uint64_t generation_of(const void *slot)
{
    return ((const struct bi_slot *)slot)->generation;
}

START_TEST(a_generation_is_odd_while_taken_and_stays_readable)
{
    struct thing *thing = bi_slab_take(&slab);
    uint64_t generation = generation_of(thing);
    ck_assert_int_eq(generation % 2, 1);
    ck_assert(bi_slot_is_current(thing, generation));
    memset(thing->content, 'x', sizeof thing->content);
    bi_slab_give(&slab, thing);
    ck_assert(!bi_slot_is_current(thing, generation));
    ck_assert_uint_eq(generation_of(thing), generation + 1);
}
END_TEST

START_TEST(a_kind_is_told_by_the_high_bits_of_its_generations)
{
    static struct bi_slab_kind marked_kind = {
        .name = "marked", .slot_size = 24, .first_generation = UINT64_C(1) << 63
    };
    static _Thread_local struct bi_slab marked = { .kind = &marked_kind };
    void *slot = bi_slab_take(&marked);
    ck_assert_uint_eq(generation_of(slot), (UINT64_C(1) << 63) + 1);
    bi_slab_give(&marked, slot);
    ck_assert_uint_eq(generation_of(slot), (UINT64_C(1) << 63) + 2);
}
END_TEST

START_TEST(slots_are_aligned_and_do_not_overlap)
{
    enum { MANY = 1000 };
    static struct thing *taken[MANY];
    for (int i = 0; i < MANY; i++) {
        taken[i] = bi_slab_take(&slab);
        ck_assert_uint_eq((uintptr_t)taken[i] % 16, 0);
        memset(taken[i]->content, i & 0xff, sizeof taken[i]->content);
    }
    for (int i = 0; i < MANY; i++) {
        for (size_t k = 0; k < sizeof taken[i]->content; k++) {
            ck_assert_int_eq((unsigned char)taken[i]->content[k], i & 0xff);
        }
        bi_slab_give(&slab, taken[i]);
    }
}
END_TEST

START_TEST(a_freed_slot_is_used_again_under_a_new_generation)
{
    struct thing *first = bi_slab_take(&slab);
    uint64_t generation = generation_of(first);
    bi_slab_give(&slab, first);
    bool seen = false;
    for (int i = 0; i < 10000 && !seen; i++) {
        struct thing *next = bi_slab_take(&slab);
        seen = next == first;
        ck_assert(!seen || generation_of(next) == generation + 2);
        bi_slab_give(&slab, next);
    }
    ck_assert(seen);
}
END_TEST

START_TEST(large_slots_work_as_well)
{
    void *slots[20];
    for (int i = 0; i < 20; i++) {
        slots[i] = bi_slab_take(&large_slab);
        memset((char *)slots[i] + sizeof(struct bi_slot), i, 5000 - sizeof(struct bi_slot));
    }
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(((char *)slots[i])[4999], i);
        bi_slab_give(&large_slab, slots[i]);
    }
}
END_TEST

static void *take_in_thread(void *slot)
{
    *(void **)slot = bi_slab_take(&slab);
    return NULL;
}

START_TEST(taken_slots_of_a_kind_are_counted_in_all_threads)
{
    static struct thing *taken[1000];
    struct thing *other = NULL;
    pthread_t thread;
    void *large = bi_slab_take(&large_slab);
    ck_assert_uint_eq(bi_slab_count_taken(&things), 0);
    for (int i = 0; i < 1000; i++) {
        taken[i] = bi_slab_take(&slab);
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, take_in_thread, &other), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(bi_slab_count_taken(&things), 1001);
    bi_slab_give(&slab, other);
    for (int i = 0; i < 1000; i++) {
        bi_slab_give(&slab, taken[i]);
        ck_assert_uint_eq(bi_slab_count_taken(&things), 999 - (size_t)i);
    }
    bi_slab_give(&large_slab, large);
}
END_TEST

#if BI_MEMORY_CHECKED
START_TEST(a_free_slot_is_poisoned_and_reused_last)
{
    struct thing *first = bi_slab_take(&slab), *second = bi_slab_take(&slab);
    bi_slab_give(&slab, first);
    bi_slab_give(&slab, second);
    ck_assert(!__asan_address_is_poisoned(&first->slot.generation));
    ck_assert(__asan_address_is_poisoned(&first->slot.next_free));
    ck_assert(__asan_address_is_poisoned(&first->content[51]));
    int until_first = 0;
    struct thing *next = NULL;
    while (next != first) {
        next = bi_slab_take(&slab);
        until_first++;
    }
    ck_assert_int_gt(until_first, 10);
    ck_assert(!__asan_address_is_poisoned(&first->content[51]));
    ck_assert_ptr_eq(bi_slab_take(&slab), second);
}
END_TEST
#endif

START_TEST(a_permit_is_asked_before_each_taking)
{
    struct bight_test_memory memory;
    struct thing *warm = bi_slab_take(&slab);
    bi_slab_give(&slab, warm);
    bight_test_fail_nth(&memory, 2);
    struct thing *granted = bi_slab_take(&slab);
    ck_assert_ptr_nonnull(granted);
    ck_assert_ptr_null(bi_slab_take(&slab));
    bi_slab_give(&slab, granted);
    granted = bi_slab_take(&slab);
    ck_assert_uint_eq(memory.asked, 3);
    ck_assert_int_eq(memory.out, 0);
    bi_slab_give(&slab, granted);
    bight_set_allocator(NULL);
}
END_TEST

static void *refuse(void *context, size_t size)
{
    (void)context;
    (void)size;
    return NULL;
}

START_TEST(without_memory_for_a_chunk_there_is_no_slot)
{
    static struct bi_slab_kind poor_kind = { .name = "poor", .slot_size = 1 };
    static _Thread_local struct bi_slab poor = { .kind = &poor_kind };
    const struct bight_allocator allocator = {
        .size = sizeof allocator,
        .allocate = refuse,
        .reallocate = bight_test_reallocate,
        .release = bight_test_release,
    };
    bight_set_allocator(&allocator);
    ck_assert_ptr_null(bi_slab_take(&poor));
    bight_set_allocator(NULL);
    void *slot = bi_slab_take(&poor);
    ck_assert_ptr_nonnull(slot);
    bi_slab_give(&poor, slot);
}
END_TEST

/* Kinds of this test alone, so that what is handed over is exactly what the thread had. */
static struct bi_slab_kind passed_kind = { .name = "passed", .slot_size = 64 };
static _Thread_local struct bi_slab passed = { .kind = &passed_kind };

struct visit {
    void *slots[100];
    uint64_t generations[100];
};

static void *take_and_give_back(void *context)
{
    struct visit *visit = context;
    for (int i = 0; i < 100; i++) {
        visit->slots[i] = bi_slab_take(&passed);
        visit->generations[i] = generation_of(visit->slots[i]);
    }
    bi_slab_give(&slab, bi_slab_take(&slab));
    for (int i = 0; i < 100; i++) {
        bi_slab_give(&passed, visit->slots[i]);
    }
    return NULL;
}

START_TEST(slots_of_an_ended_thread_serve_the_others)
{
    static struct visit first, second;
    pthread_t thread;
    pthread_create(&thread, NULL, take_and_give_back, &first);
    pthread_join(thread, NULL);
    for (int i = 0; i < 100; i++) {
        ck_assert(!bi_slot_is_current(first.slots[i], first.generations[i]));
    }
    int again = 0;
    for (int i = 0; i < 1000; i++) { /* more than a chunk holds */
        void *slot = bi_slab_take(&passed);
        for (int k = 0; k < 100; k++) {
            again += slot == first.slots[k];
        }
    }
    ck_assert_int_eq(again, 100);
    pthread_create(&thread, NULL, take_and_give_back, &second);
    pthread_join(thread, NULL);
}
END_TEST

static void *give_elsewhere(void *slot)
{
    bi_slab_give(&passed, slot);
    return NULL;
}

START_TEST(a_slot_may_be_freed_in_another_thread_than_took_it)
{
    void *slot = bi_slab_take(&passed);
    uint64_t generation = generation_of(slot);
    pthread_t thread;
    pthread_create(&thread, NULL, give_elsewhere, slot);
    pthread_join(thread, NULL);
    ck_assert(!bi_slot_is_current(slot, generation));
    bool seen = false;
    for (int i = 0; i < 1000 && !seen; i++) {
        seen = bi_slab_take(&passed) == slot;
    }
    ck_assert(seen);
}
END_TEST

enum { ROUNDS = 2000, MAILBOX = 16 };
static _Atomic(void *) mailbox[MAILBOX];
static atomic_size_t stale_seen;

/* Takes slots, leaves them for others, frees what others left, and looks at names that may be stale. */
static void *trade(void *context)
{
    unsigned state = (unsigned)(uintptr_t)context;
    void *old = NULL;
    uint64_t old_generation = 0;
    for (int i = 0; i < ROUNDS; i++) {
        state = state * 1664525u + 1013904223u;
        struct thing *thing = bi_slab_take(&slab);
        memset(thing->content, (int)state, sizeof thing->content);
        uint64_t generation = generation_of(thing);
        void *left = atomic_exchange(&mailbox[(state >> 20) % MAILBOX], thing);
        if (left != NULL) {
            bi_slab_give(&slab, left);
        }
        if (old != NULL && !bi_slot_is_current(old, old_generation)) {
            atomic_fetch_add(&stale_seen, 1);
        }
        old = thing;
        old_generation = generation;
    }
    return NULL;
}

START_TEST(threads_that_come_and_go_trade_slots)
{
    for (int generation = 0; generation < 5; generation++) {
        pthread_t threads[4];
        for (uintptr_t i = 0; i < 4; i++) {
            pthread_create(&threads[i], NULL, trade, (void *)(i + 1 + 4 * (uintptr_t)generation));
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    for (int i = 0; i < MAILBOX; i++) {
        void *left = atomic_load(&mailbox[i]);
        if (left != NULL) {
            bi_slab_give(&slab, left);
        }
    }
    ck_assert_uint_gt(atomic_load(&stale_seen), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, taken_slots_of_a_kind_are_counted_in_all_threads);
    tcase_add_test(tests, a_generation_is_odd_while_taken_and_stays_readable);
    tcase_add_test(tests, a_kind_is_told_by_the_high_bits_of_its_generations);
    tcase_add_test(tests, slots_are_aligned_and_do_not_overlap);
    tcase_add_test(tests, a_freed_slot_is_used_again_under_a_new_generation);
    tcase_add_test(tests, large_slots_work_as_well);
#if BI_MEMORY_CHECKED
    tcase_add_test(tests, a_free_slot_is_poisoned_and_reused_last);
#endif
    tcase_add_test(tests, a_permit_is_asked_before_each_taking);
    tcase_add_test(tests, without_memory_for_a_chunk_there_is_no_slot);
    tcase_add_test(tests, slots_of_an_ended_thread_serve_the_others);
    tcase_add_test(tests, a_slot_may_be_freed_in_another_thread_than_took_it);
    tcase_add_test(tests, threads_that_come_and_go_trade_slots);
}

BIGHT_TEST_MAIN("slab", add_tests)
