/* SPDX-License-Identifier: MIT */
/* test_memory.c - everything goes through the hook, and the hook may say no. */
#include "support.h"

#include <bight/error.h>
#include <bight/memory.h>

#include "base/slab.h"
#include "faults.h"

START_TEST(all_allocation_goes_through_the_hook)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    void *block = bight_malloc(10);
    void *zeroed = bight_calloc(3, 4);
    char *text = bight_strdup("text");
    char *part = bight_strndup("text", 2);
    block = bight_realloc(block, 100);
    ck_assert_int_eq(memory.out, 4);
    ck_assert_uint_eq(memory.asked, 5);
    ck_assert_str_eq(text, "text");
    ck_assert_str_eq(part, "te");
    ck_assert_mem_eq(zeroed, "\0\0\0\0\0\0\0\0\0\0\0", 12);
    bight_free(block);
    bight_free(zeroed);
    bight_free(text);
    bight_free(part);
    bight_free(NULL);
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(no_memory_is_null_everywhere)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_malloc(10));
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_calloc(1, 1));
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_strdup("text"));
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_strndup("text", 9));
    bight_test_fail_nth(&memory, 2);
    char *block = bight_strdup("stays");
    ck_assert_ptr_null(bight_realloc(block, 1000));
    ck_assert_str_eq(block, "stays");
    bight_free(block);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(nothing_is_a_block_that_can_be_freed)
{
    void *nothing = bight_malloc(0), *none = bight_calloc(0, 5);
    ck_assert_ptr_nonnull(nothing);
    ck_assert_ptr_nonnull(none);
    nothing = bight_realloc(nothing, 0);
    ck_assert_ptr_nonnull(nothing);
    bight_free(nothing);
    bight_free(none);
}
END_TEST

START_TEST(a_product_that_overflows_gives_no_memory)
{
    ck_assert_ptr_null(bight_calloc(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(bight_calloc(3, SIZE_MAX / 2));
}
END_TEST

START_TEST(strndup_stops_at_the_end_of_the_text)
{
    char *text = bight_strndup("ab", 100);
    ck_assert_str_eq(text, "ab");
    bight_free(text);
}
END_TEST

START_TEST(an_allocator_of_wrong_size_or_with_a_hole_is_refused)
{
    struct bight_allocator allocator = {
        .size = sizeof allocator - 1,
        .allocate = bight_test_allocate,
        .reallocate = bight_test_reallocate,
        .release = bight_test_release,
    };
    ck_assert_int_eq(bight_set_allocator(&allocator), BIGHT_E_USAGE);
    allocator.size = sizeof allocator;
    allocator.release = NULL;
    ck_assert_int_eq(bight_set_allocator(&allocator), BIGHT_E_USAGE);
    bight_free(bight_malloc(1));
}
END_TEST

START_TEST(pools_ask_only_while_there_is_a_permit)
{
    struct bight_test_memory memory;
    ck_assert(!bi_memory_asks_permit);
    ck_assert(bi_memory_permits());
    bight_test_fail_nth(&memory, 2);
    ck_assert(bi_memory_asks_permit);
    ck_assert(bi_memory_permits());
    ck_assert(!bi_memory_permits());
    bight_set_allocator(NULL);
    ck_assert(!bi_memory_asks_permit);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, all_allocation_goes_through_the_hook);
    tcase_add_test(tests, no_memory_is_null_everywhere);
    tcase_add_test(tests, nothing_is_a_block_that_can_be_freed);
    tcase_add_test(tests, a_product_that_overflows_gives_no_memory);
    tcase_add_test(tests, strndup_stops_at_the_end_of_the_text);
    tcase_add_test(tests, an_allocator_of_wrong_size_or_with_a_hole_is_refused);
    tcase_add_test(tests, pools_ask_only_while_there_is_a_permit);
}

BIGHT_TEST_MAIN("memory", add_tests)
