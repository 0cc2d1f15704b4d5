/* SPDX-License-Identifier: MIT */
/* test_result.c - the slot: peeked at, taken, set, cleared, failed, moved; each value is destroyed once. */
#include "support.h"

#include <bight/memory.h>
#include <bight/result.h>

#include "faults.h"

struct counted {
    int destroyed, discarded;
};

static void count_destroy(void *value)
{
    ((struct counted *)value)->destroyed++;
}

static void count_discard(void *value)
{
    ((struct counted *)value)->discarded++;
}

static const struct bight_type plain_type = { .name = "plain", .destroy = count_destroy };
static const struct bight_type live_type = {
    .name = "live",
    .destroy = count_destroy,
    .discard = count_discard,
};

START_TEST(a_peeked_value_stays) /* D3 */
{
    struct counted value = { 0 };
    struct bight_result result = { &plain_type, &value, NULL };
    ck_assert_ptr_eq(bight_result_peek(&result, &plain_type), &value);
    ck_assert_ptr_null(bight_result_peek(&result, &live_type));
    ck_assert_ptr_null(bight_result_failure(&result));
    ck_assert(!bight_result_is_empty(&result));
    ck_assert_int_eq(value.destroyed, 0);
}
END_TEST

START_TEST(a_taken_value_is_the_caller_s) /* D3, D31 */
{
    struct counted value = { 0 };
    struct bight_result result = { &plain_type, &value, NULL };
    ck_assert_ptr_eq(bight_result_take(&result, &plain_type), &value);
    ck_assert(bight_result_is_empty(&result));
    bight_result_clear(&result);
    ck_assert_int_eq(value.destroyed, 0);
}
END_TEST

START_TEST(a_value_of_another_type_is_not_taken)
{
    struct counted value = { 0 };
    struct bight_result result = { &plain_type, &value, NULL };
    ck_assert_ptr_null(bight_result_take(&result, &bight_type_text));
    ck_assert_ptr_null(bight_result_take_failure(&result));
    ck_assert_ptr_eq(bight_result_peek(&result, &plain_type), &value);
}
END_TEST

START_TEST(setting_destroys_what_was_there) /* D31 */
{
    struct counted first = { 0 }, second = { 0 };
    struct bight_result result = { &plain_type, &first, NULL };
    bight_result_set(&result, &live_type, &second);
    ck_assert_int_eq(first.destroyed, 1);
    bight_result_clear(&result);
    ck_assert_int_eq(first.destroyed, 1);
    ck_assert_int_eq(second.destroyed, 1);
    ck_assert_int_eq(second.discarded, 0);
}
END_TEST

START_TEST(discarding_uses_the_type_s_own_way_if_it_has_one) /* D31 */
{
    struct counted plain = { 0 }, live = { 0 };
    struct bight_result result = { &plain_type, &plain, NULL };
    bight_result_discard(&result);
    ck_assert_int_eq(plain.destroyed, 1);
    bight_result_set(&result, &live_type, &live);
    bight_result_discard(&result);
    ck_assert_int_eq(live.destroyed, 0);
    ck_assert_int_eq(live.discarded, 1);
    bight_result_discard(&result);
    ck_assert_int_eq(live.discarded, 1);
}
END_TEST

START_TEST(failing_turns_to_failure) /* D3 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    struct counted value = { 0 };
    struct bight_result result = { &plain_type, &value, NULL };
    struct bight_failure *failure = bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "no");
    bight_result_fail(&result, failure);
    ck_assert_int_eq(value.destroyed, 1);
    ck_assert_ptr_eq(bight_result_failure(&result), failure);
    bight_result_fail(&result, bight_result_failure(&result));
    ck_assert_int_eq(memory.out, 1);
    ck_assert_ptr_eq(bight_result_take_failure(&result), failure);
    ck_assert(bight_result_is_empty(&result));
    bight_failure_release(failure);
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(the_old_failure_may_be_the_new_one_s_cause)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    struct bight_result result = { 0 };
    bight_result_fail(&result, bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "inner"));
    struct bight_failure *inner = bight_result_failure(&result);
    bight_result_fail(&result, bight_failure_new(BIGHT_E_APPLICATION, 0, bight_failure_hold(inner), "outer"));
    ck_assert_ptr_eq(bight_failure_cause(bight_result_failure(&result), 0), inner);
    bight_result_clear(&result);
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(failing_with_nothing_is_misuse)
{
    struct bight_result result = { 0 };
    bight_result_fail(&result, NULL);
    ck_assert_int_eq(bight_failure_code(bight_result_failure(&result)), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(moving_leaves_the_source_empty)
{
    struct counted first = { 0 }, second = { 0 };
    struct bight_deferred *mark = (struct bight_deferred *)(void *)&first;
    struct bight_result from = { &plain_type, &first, NULL }, to = { &plain_type, &second, mark };
    bight_result_move(&to, &from);
    ck_assert(bight_result_is_empty(&from));
    ck_assert_ptr_eq(to.value, &first);
    ck_assert_ptr_eq(to.deferred, mark);
    ck_assert_int_eq(second.destroyed, 1);
    bight_result_move(&to, &to);
    ck_assert_ptr_eq(to.value, &first);
    ck_assert_int_eq(first.destroyed, 0);
}
END_TEST

static struct bight_result *reentered;
static void clear_again(void *value)
{
    (void)value;
    ck_assert(bight_result_is_empty(reentered));
    bight_result_clear(reentered);
}

START_TEST(a_destroy_function_may_come_back_to_the_slot)
{
    static const struct bight_type back_type = { .name = "back", .destroy = clear_again };
    int value;
    struct bight_result result = { &back_type, &value, NULL };
    reentered = &result;
    bight_result_clear(&result);
    ck_assert(bight_result_is_empty(&result));
}
END_TEST

START_TEST(integers_texts_and_pointers_are_built_in)
{
    struct bight_result result = { 0 };
    bight_result_set(&result, &bight_type_integer, bight_integer(-42));
    ck_assert_int_eq(bight_integer_value(bight_result_peek(&result, &bight_type_integer)), -42);
    bight_result_set(&result, &bight_type_text, bight_strdup("text"));
    ck_assert_str_eq(bight_result_peek(&result, &bight_type_text), "text");
    bight_result_set(&result, &bight_type_pointer, &result);
    ck_assert_ptr_eq(bight_result_take(&result, &bight_type_pointer), &result);
    bight_result_set(&result, &bight_type_text, NULL);
    bight_result_clear(&result);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_peeked_value_stays);
    tcase_add_test(tests, a_taken_value_is_the_caller_s);
    tcase_add_test(tests, a_value_of_another_type_is_not_taken);
    tcase_add_test(tests, setting_destroys_what_was_there);
    tcase_add_test(tests, discarding_uses_the_type_s_own_way_if_it_has_one);
    tcase_add_test(tests, failing_turns_to_failure);
    tcase_add_test(tests, the_old_failure_may_be_the_new_one_s_cause);
    tcase_add_test(tests, failing_with_nothing_is_misuse);
    tcase_add_test(tests, moving_leaves_the_source_empty);
    tcase_add_test(tests, a_destroy_function_may_come_back_to_the_slot);
    tcase_add_test(tests, integers_texts_and_pointers_are_built_in);
}

BIGHT_TEST_MAIN("result", add_tests)
