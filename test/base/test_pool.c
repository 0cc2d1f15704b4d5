/* SPDX-License-Identifier: MIT */
/* test_pool.c - pools: what is taken can be used, what is free goes back to the system or stays for ever. */
#include <bight/memory.h>

#include "base/pool.h"
#include "support.h"

enum { SLAB = 65536, ITEM = 1000, MANY = 1000 };

static size_t pieces_out;
static bool refuse;

static void *allocate(void *context, size_t size)
{
    (void)context;
    pieces_out++;
    return malloc(size);
}

static void *reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    return realloc(memory, size);
}

static void release(void *context, void *memory)
{
    (void)context;
    pieces_out--;
    free(memory);
}

static bool permit(void *context)
{
    (void)context;
    return !refuse;
}

static const struct bight_allocator counting = {
    .size = sizeof counting,
    .allocate = allocate,
    .reallocate = reallocate,
    .release = release,
    .permit = permit,
};

static size_t told_surplus;

static void tell_surplus(void *context)
{
    (void)context;
    told_surplus++;
}

static struct bi_pool pool;
static uint8_t *items[MANY];

static void take_all(void)
{
    for (size_t i = 0; i < MANY; i++) {
        items[i] = bi_pool_take(&pool);
        ck_assert_ptr_nonnull(items[i]);
        ck_assert_uint_eq((uintptr_t)items[i] % 16, 0);
        memset(items[i], (int)i, ITEM);
    }
}

static void check_all(void)
{
    for (size_t i = 0; i < MANY; i++) {
        for (size_t at = 0; at < ITEM; at += 99) {
            ck_assert_uint_eq(items[i][at], (uint8_t)i);
        }
    }
}

START_TEST(items_do_not_overlap_and_slabs_go_back_in_any_order)
{
    ck_assert_int_eq(bight_set_allocator(&counting), 0);
    for (size_t stride = 1; stride < 8; stride += 2) { /* coprime to 1000: 1, 3, 7 */
        bi_pool_init(&pool, ITEM, SLAB, 1, tell_surplus, NULL);
        take_all();
        check_all();
        ck_assert_uint_ge(pieces_out, MANY * ITEM / SLAB);
        if (stride != 5) {
            for (size_t i = 0; i < MANY; i++) {
                bi_pool_give(&pool, items[i * stride % MANY]);
            }
        } else {
            for (size_t i = MANY; i-- > 0;) {
                bi_pool_give(&pool, items[i]);
            }
        }
        bi_pool_trim(&pool);
        ck_assert(!bi_pool_trim(&pool));
        ck_assert_uint_eq(pieces_out, 1); /* the one that is kept */
        bi_pool_finish(&pool);
        ck_assert_uint_eq(pieces_out, 0);
    }
}
END_TEST

START_TEST(a_single_item_taken_and_given_costs_no_memory_call)
{
    ck_assert_int_eq(bight_set_allocator(&counting), 0);
    bi_pool_init(&pool, ITEM, SLAB, 1, tell_surplus, NULL);
    bi_pool_give(&pool, bi_pool_take(&pool));
    ck_assert_uint_eq(pieces_out, 1);
    void *first = bi_pool_take(&pool);
    bi_pool_give(&pool, first);
    ck_assert_ptr_eq(bi_pool_take(&pool), first);
    bi_pool_give(&pool, first);
    bi_pool_give(&pool, NULL);
    ck_assert_uint_eq(pieces_out, 1);
    bi_pool_finish(&pool);
}
END_TEST

static void give_all(void)
{
    for (size_t i = 0; i < MANY; i++) {
        bi_pool_give(&pool, items[i]);
    }
}

START_TEST(slabs_that_each_round_needs_are_kept_and_go_when_the_rounds_end)
{
    ck_assert_int_eq(bight_set_allocator(&counting), 0);
    bi_pool_init(&pool, ITEM, SLAB, 1, tell_surplus, NULL);
    take_all();
    ck_assert_uint_eq(told_surplus, 0);
    give_all();
    ck_assert_uint_eq(told_surplus, 1);
    size_t wanted = pieces_out;
    for (int i = 0; i < 3; i++) {
        ck_assert(bi_pool_trim(&pool));
        ck_assert_uint_eq(pieces_out, wanted);
        take_all();
        give_all();
    }
    ck_assert(bi_pool_trim(&pool));
    ck_assert(!bi_pool_trim(&pool));
    ck_assert_uint_eq(pieces_out, 1);
    bi_pool_finish(&pool);
}
END_TEST

START_TEST(the_hook_is_asked_before_each_taking)
{
    ck_assert_int_eq(bight_set_allocator(&counting), 0);
    bi_pool_init(&pool, ITEM, SLAB, 1, tell_surplus, NULL);
    void *item = bi_pool_take(&pool);
    refuse = true;
    ck_assert_ptr_null(bi_pool_take(&pool));
    refuse = false;
    bi_pool_give(&pool, item);
    bi_pool_finish(&pool);
    ck_assert_uint_eq(pieces_out, 0);
}
END_TEST

START_TEST(without_a_hook_slabs_are_mapped)
{
    bi_pool_init(&pool, ITEM, SLAB, 1, tell_surplus, NULL);
    take_all();
    check_all();
    for (size_t i = 0; i < MANY; i++) {
        bi_pool_give(&pool, items[i]);
    }
    bi_pool_finish(&pool);
}
END_TEST

START_TEST(the_first_word_of_a_slot_is_its_users_while_it_is_free)
{
    struct bi_pool_slab *slab = NULL, *again = NULL;
    bi_pool_init(&pool, ITEM, SLAB, 1, NULL, NULL);
    struct bi_slot *slot = bi_pool_take_slot(&pool, &slab);
    ck_assert_uint_eq(slot->generation, 0);
    ck_assert_ptr_eq(bi_pool_slot_at(&pool, slab, 0), slot);
    slot->generation = 77;
    ck_assert(bi_pool_give_slot(&pool, slab, slot));
    ck_assert_uint_eq(slot->generation, 77);
    ck_assert_ptr_eq(bi_pool_take_slot(&pool, &again), slot);
    ck_assert_ptr_eq(again, slab);
    ck_assert_uint_eq(slot->generation, 77);
    struct bi_slot *other = bi_pool_take_slot(&pool, &slab);
    ck_assert_uint_eq(other->generation, 0);
    ck_assert(!bi_pool_give_slot(&pool, slab, other));
    bi_pool_release_slab(&pool, slab); /* with a slot that is taken */
    ck_assert_uint_eq(pool.spare, 0);
    ck_assert_uint_eq(pool.allocated, 0);
    bi_pool_finish(&pool);
}
END_TEST

/* It stays reachable from here. */
static struct bi_pool kept;

START_TEST(slabs_that_are_kept_grow_with_what_there_is_and_no_permit_is_asked)
{
    enum { LINE = 64, SLOTS = 200000 };
    struct bi_pool_slab *slab = NULL;
    size_t slabs = 0;
    ck_assert_int_eq(bight_set_allocator(&counting), 0);
    bi_pool_init(&kept, LINE - BI_SLOT_ALIGNMENT, 16384, 0, NULL, NULL);
    kept.is_kept = true;
    refuse = true;
    for (size_t i = 0; i < SLOTS; i++) {
        const struct bi_pool_slab *before = slab;
        ck_assert_ptr_nonnull(bi_pool_take_slot(&kept, &slab));
        slabs += slab != before;
    }
    ck_assert_uint_eq(slab->size, BI_HUGE_PAGE);
    ck_assert_uint_lt(slabs, 60);
    ck_assert_uint_ge(kept.allocated, (size_t)SLOTS * LINE);
    ck_assert_uint_eq(pieces_out, 0); /* the hook's count is the same whatever other tests have left */
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, items_do_not_overlap_and_slabs_go_back_in_any_order);
    tcase_add_test(tests, a_single_item_taken_and_given_costs_no_memory_call);
    tcase_add_test(tests, slabs_that_each_round_needs_are_kept_and_go_when_the_rounds_end);
    tcase_add_test(tests, the_hook_is_asked_before_each_taking);
    tcase_add_test(tests, without_a_hook_slabs_are_mapped);
    tcase_add_test(tests, the_first_word_of_a_slot_is_its_users_while_it_is_free);
    tcase_add_test(tests, slabs_that_are_kept_grow_with_what_there_is_and_no_permit_is_asked);
}

BIGHT_TEST_MAIN("pool", add_tests)
