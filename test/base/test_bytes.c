/* SPDX-License-Identifier: MIT */
/* test_bytes.c - counted bytes: copied, filled in place or lent, and released once. */
#include "support.h"

#include <pthread.h>

#include <bight/bytes.h>

#include "faults.h"

static void count_release(void *context)
{
    ++*(int *)context;
}

START_TEST(bytes_are_a_copy_in_one_block)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    char source[] = "hello";
    struct bight_bytes *bytes = bight_bytes_new(source, 5);
    source[0] = 'J';
    ck_assert_uint_eq(bight_bytes_size(bytes), 5);
    ck_assert_mem_eq(bight_bytes_data(bytes), "hello", 5);
    ck_assert_int_eq(memory.out, 1);
    ck_assert_ptr_eq(bight_bytes_hold(bytes), bytes);
    bight_bytes_release(bytes);
    ck_assert_int_eq(memory.out, 1);
    bight_bytes_release(bytes);
    ck_assert_int_eq(memory.out, 0);
    bight_bytes_release(NULL);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(bytes_may_be_empty)
{
    struct bight_bytes *bytes = bight_bytes_new(NULL, 0);
    ck_assert_uint_eq(bight_bytes_size(bytes), 0);
    bight_bytes_release(bytes);
}
END_TEST

START_TEST(bytes_may_be_filled_by_their_maker)
{
    uint8_t *content;
    struct bight_bytes *bytes = bight_bytes_new_uninitialised(1000, &content);
    memset(content, 'x', 1000);
    ck_assert_ptr_eq(bight_bytes_data(bytes), content);
    ck_assert_uint_eq(bight_bytes_size(bytes), 1000);
    bight_bytes_release(bytes);
}
END_TEST

START_TEST(lent_memory_is_released_once_with_the_last_hold) /* D33 */
{
    static const char lent[] = "lent";
    int released = 0;
    struct bight_bytes *bytes = bight_bytes_new_lent(lent, 4, count_release, &released);
    ck_assert_ptr_eq(bight_bytes_data(bytes), (const uint8_t *)lent);
    bight_bytes_hold(bytes);
    bight_bytes_release(bytes);
    ck_assert_int_eq(released, 0);
    bight_bytes_release(bytes);
    ck_assert_int_eq(released, 1);
    bight_bytes_release(bight_bytes_new_lent(lent, 4, NULL, NULL));
}
END_TEST

START_TEST(without_memory_nothing_is_taken) /* D33 */
{
    struct bight_test_memory memory;
    int released = 0;
    uint8_t *content;
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_bytes_new("x", 1));
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_bytes_new_uninitialised(1, &content));
    ck_assert_ptr_null(bight_bytes_new_uninitialised(SIZE_MAX - 3, &content));
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_bytes_new_lent("x", 1, count_release, &released));
    ck_assert_int_eq(released, 0);
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(a_result_of_bytes_lets_go_of_its_hold) /* D31 */
{
    int released = 0;
    struct bight_result result = { 0 };
    bight_result_set(&result, &bight_type_bytes, bight_bytes_new_lent("x", 1, count_release, &released));
    ck_assert_ptr_nonnull(bight_result_peek(&result, &bight_type_bytes));
    bight_result_clear(&result);
    ck_assert_int_eq(released, 1);
}
END_TEST

static void *hold_and_release(void *bytes)
{
    for (int i = 0; i < 20000; i++) {
        bight_bytes_release(bight_bytes_hold(bytes));
    }
    bight_bytes_release(bytes);
    return NULL;
}

START_TEST(holds_may_be_taken_and_released_in_any_thread)
{
    int released = 0;
    struct bight_bytes *bytes = bight_bytes_new_lent("x", 1, count_release, &released);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, hold_and_release, bight_bytes_hold(bytes));
    }
    bight_bytes_release(bytes);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(released, 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, bytes_are_a_copy_in_one_block);
    tcase_add_test(tests, bytes_may_be_empty);
    tcase_add_test(tests, bytes_may_be_filled_by_their_maker);
    tcase_add_test(tests, lent_memory_is_released_once_with_the_last_hold);
    tcase_add_test(tests, without_memory_nothing_is_taken);
    tcase_add_test(tests, a_result_of_bytes_lets_go_of_its_hold);
    tcase_add_test(tests, holds_may_be_taken_and_released_in_any_thread);
}

BIGHT_TEST_MAIN("bytes", add_tests)
