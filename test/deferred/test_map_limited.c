/* SPDX-License-Identifier: MIT */
/* test_map_limited.c - a function over many with a limit: order, the limit, failures, cancelling, and functions that
 * come back from inside. */
#include "combine_support.h"

enum { MANY = 20 };

static struct bight_promise begun[MANY];
static size_t begun_count;
static int under_way, most_under_way;
static struct bight_deferred *whole;

static void set_up(void)
{
    begin();
}

static void count_cancelled(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    cancelled++;
}

static void count_end(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    under_way--;
}

/* A Deferred that a test fires. */
static struct bight_deferred *start(size_t index, void *context)
{
    (void)context;
    ck_assert_uint_eq(index, begun_count);
    struct bight_deferred *deferred = bight_deferred_new(&begun[begun_count++], count_cancelled, NULL);
    under_way++;
    most_under_way = under_way > most_under_way ? under_way : most_under_way;
    bight_deferred_add_both(deferred, count_end, NULL);
    return deferred;
}

START_TEST(results_are_in_order_and_never_more_than_the_limit_under_way) /* D27 */
{
    watch(bight_map_limited(start, 6, 2, 0, NULL));
    ck_assert_uint_eq(begun_count, 2);
    fire(begun[1], 11);
    ck_assert_uint_eq(begun_count, 3);
    fire(begun[2], 12);
    fire(begun[0], 10);
    ck_assert_uint_eq(begun_count, 5);
    fire(begun[4], 14);
    fire(begun[5], 15);
    ck_trace("");
    fire(begun[3], 13);
    ck_trace("[10 11 12 13 14 15] ");
    ck_assert_int_eq(most_under_way, 2);
}

START_TEST(a_limit_above_the_count_begins_all) /* D27 */
{
    watch(bight_map_limited(start, 3, SIZE_MAX, 0, NULL));
    ck_assert_uint_eq(begun_count, 3);
    for (int i = 0; i < 3; i++) {
        fire(begun[i], i);
    }
    ck_trace("[0 1 2] ");
}

static struct bight_deferred *give_nothing(size_t index, void *context)
{
    (void)index;
    (void)context;
    return NULL;
}

START_TEST(null_is_an_empty_success) /* D27 */
{
    watch(bight_map_limited(give_nothing, 3, 1, 0, NULL));
    ck_trace("[- - -] ");
}

START_TEST(none_at_all_gives_no_results) /* D27 */
{
    watch(bight_map_limited_full(start, 0, 3, 0, NAME("context"), released));
    ck_trace("~context [] ");
}

START_TEST(wrong_arguments_are_usage_errors) /* D27 */
{
    watch(bight_map_limited_full(start, 3, 0, 0, NAME("a"), released));
    watch(bight_map_limited(NULL, 3, 1, 0, NULL));
    watch(bight_map_limited(start, 3, 1, 64, NULL));
    ck_trace("~a !INVALID_ARGUMENT !INVALID_ARGUMENT !INVALID_ARGUMENT ");
    ck_assert_int_eq(usage_errors, 3);
    ck_assert_uint_eq(begun_count, 0);
}

START_TEST(the_first_failure_ends_it) /* D27 */
{
    watch(bight_map_limited(start, 6, 3, 0, NULL));
    fire_counted(begun[0]);
    fire_failure(begun[2], CLOSED);
    ck_trace("!FIRST_ERROR 2 (CLOSED) ");
    ck_assert_uint_eq(begun_count, 4);
    ck_assert_int_eq(cancelled, 2);
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(reports, 0);
}

static struct bight_deferred *fail_third(size_t index, void *context)
{
    begun_count++;
    (void)context;
    return index == 2 ? bight_fail(bight_failure_of(BIGHT_E_CLOSED)) : value((int)index);
}

START_TEST(a_failure_at_once_starts_nothing_more) /* D27 */
{
    watch(bight_map_limited(fail_third, 6, 2, 0, NULL));
    ck_trace("!FIRST_ERROR 2 (CLOSED) ");
    ck_assert_uint_eq(begun_count, 3);
}

START_TEST(all_outcomes_goes_on_after_failures) /* D27 */
{
    watch(bight_map_limited(fail_third, 4, 2, BIGHT_ALL_OUTCOMES, NULL));
    ck_trace("[0 1 !CLOSED 3] ");
    ck_assert_int_eq(reports, 0);
}

START_TEST(cancelling_cancels_what_is_under_way_and_starts_no_more) /* D24 D27 */
{
    whole = bight_map_limited(start, 6, 2, 0, NULL);
    fire_counted(begun[0]);
    bight_deferred_cancel(whole);
    watch(whole);
    ck_trace("!CANCELLED ");
    ck_assert_uint_eq(begun_count, 3);
    ck_assert_int_eq(cancelled, 2);
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(reports, 0);
}

START_TEST(cancelling_all_outcomes_reports_the_failures_it_had) /* D18 D24 D27 */
{
    whole = bight_map_limited(start, 6, 2, BIGHT_ALL_OUTCOMES, NULL);
    fire_failure(begun[0], CLOSED);
    bight_deferred_cancel(whole);
    watch(whole);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_CLOSED);
}

START_TEST(cancelling_the_last_of_all_outcomes_gives_them) /* D14 D24 D27 */
{
    whole = bight_map_limited(start, 2, 2, BIGHT_ALL_OUTCOMES, NULL);
    fire(begun[0], 1);
    bight_deferred_cancel(whole);
    watch(whole);
    ck_trace("[1 !CANCELLED] ");
}

START_TEST(the_context_is_released_when_the_last_has_ended) /* D27 D33 */
{
    watch(bight_map_limited_full(start, 3, 2, 0, NAME("context"), released));
    fire(begun[0], 1);
    ck_trace("");
    fire_failure(begun[1], CLOSED);
    ck_trace("~context !FIRST_ERROR 1 (CLOSED) ");
}

static struct bight_deferred *slow_inner;

/* One that waits for `slow_inner` when it is cancelled. */
static struct bight_deferred *start_slow(size_t index, void *context)
{
    struct bight_deferred *deferred = start(index, context);
    if (index == 0) {
        bight_deferred_add_errback(deferred, chained, slow_inner);
    }
    return deferred;
}

START_TEST(a_late_one_keeps_the_context_and_its_value_is_discarded) /* D27 D31 D33 */
{
    struct bight_promise late;
    slow_inner = bight_deferred_new(&late, NULL, NULL);
    bight_deferred_hold(slow_inner);
    whole = bight_map_limited_full(start_slow, 3, 2, 0, NAME("context"), released);
    watch(whole);
    fire_failure(begun[1], CLOSED);
    ck_trace("!FIRST_ERROR 1 (CLOSED) ");
    bight_deferred_release(slow_inner);
    bight_deferred_cancel(slow_inner);
    ck_trace("~context ");
    ck_assert_int_eq(reports, 0);
}

/* ------------------------------------------------------------------------------------- from inside */

/* Fires an earlier one. */
static struct bight_deferred *start_and_fire(size_t index, void *context)
{
    struct bight_deferred *deferred = start(index, context);
    if (index > 2) {
        fire(begun[index - 1], (int)index - 1);
    }
    return deferred;
}

START_TEST(a_function_that_fires_earlier_ones_keeps_to_the_limit) /* D27 */
{
    watch(bight_map_limited(start_and_fire, 8, 3, 0, NULL));
    ck_assert_uint_eq(begun_count, 3);
    fire(begun[0], 0);
    ck_assert_uint_eq(begun_count, 8);
    fire(begun[7], 7);
    fire(begun[1], 1);
    ck_trace("[0 1 2 3 4 5 6 7] ");
    ck_assert_int_eq(most_under_way, 3);
}

static struct bight_deferred *start_and_cancel(size_t index, void *context)
{
    struct bight_deferred *deferred = start(index, context);
    if (index == 2) {
        bight_deferred_cancel(whole);
        note("cancelled ");
    }
    return deferred;
}

START_TEST(a_function_may_cancel_the_whole) /* D16 D27 */
{
    whole = bight_map_limited(start_and_cancel, 8, 2, 0, NULL);
    bight_deferred_add_both(whole, outcome, NULL);
    fire(begun[0], 0);
    ck_trace("!CANCELLED cancelled ");
    ck_assert_uint_eq(begun_count, 3);
    ck_assert_int_eq(cancelled, 2);
    bight_deferred_release(whole);
}

static struct bight_deferred *start_and_fail(size_t index, void *context)
{
    struct bight_deferred *deferred = start(index, context);
    if (index == 2) {
        fire_failure(begun[1], CLOSED);
    }
    return deferred;
}

START_TEST(a_function_may_fail_an_earlier_one) /* D27 */
{
    watch(bight_map_limited_full(start_and_fail, 8, 2, 0, NAME("context"), released));
    fire(begun[0], 0);
    ck_trace("!FIRST_ERROR 1 (CLOSED) ~context ");
    ck_assert_uint_eq(begun_count, 3);
    ck_assert_int_eq(cancelled, 1);
}

static void let_go_of_whole(void *context)
{
    (void)context;
    bight_deferred_release(whole);
    note("let go ");
}

START_TEST(the_release_function_may_let_go_of_the_whole) /* D31 D33 */
{
    whole = bight_map_limited_full(start, 2, 2, 0, NULL, let_go_of_whole);
    bight_deferred_add_both(whole, outcome, NULL);
    fire(begun[0], 0);
    fire(begun[1], 1);
    ck_trace("let go [0 1] ");
}

static void fire_next(struct bight_promise promise, void *context)
{
    (void)context;
    fire(promise, 100);
    fire(begun[1], 101);
}

static struct bight_deferred *start_firing(size_t index, void *context)
{
    (void)context;
    ck_assert_uint_eq(index, begun_count);
    return bight_deferred_new(&begun[begun_count++], fire_next, NULL);
}

START_TEST(values_that_come_of_the_cancel_are_the_result_when_all_are_there) /* D14 D27 */
{
    whole = bight_map_limited(start_firing, 2, 2, 0, NULL);
    bight_deferred_cancel(whole);
    watch(whole);
    ck_trace("[100 101] ");
}

START_TEST(a_map_inside_a_map_keeps_both_limits) /* D27 */
{
    struct bight_deferred *inner = bight_map_limited(start, 4, 2, 0, NULL);
    struct bight_deferred *pair[2] = { inner, value(7) };
    watch(bight_gather_results(pair, 2));
    for (int i = 0; i < 4; i++) {
        fire(begun[i], i);
    }
    ck_trace("[[0 1 2 3] 7] ");
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, results_are_in_order_and_never_more_than_the_limit_under_way);
    tcase_add_test(tests, a_limit_above_the_count_begins_all);
    tcase_add_test(tests, null_is_an_empty_success);
    tcase_add_test(tests, none_at_all_gives_no_results);
    tcase_add_test(tests, wrong_arguments_are_usage_errors);
    tcase_add_test(tests, the_first_failure_ends_it);
    tcase_add_test(tests, a_failure_at_once_starts_nothing_more);
    tcase_add_test(tests, all_outcomes_goes_on_after_failures);
    tcase_add_test(tests, cancelling_cancels_what_is_under_way_and_starts_no_more);
    tcase_add_test(tests, cancelling_all_outcomes_reports_the_failures_it_had);
    tcase_add_test(tests, cancelling_the_last_of_all_outcomes_gives_them);
    tcase_add_test(tests, the_context_is_released_when_the_last_has_ended);
    tcase_add_test(tests, a_late_one_keeps_the_context_and_its_value_is_discarded);
    tcase_add_test(tests, a_function_that_fires_earlier_ones_keeps_to_the_limit);
    tcase_add_test(tests, a_function_may_cancel_the_whole);
    tcase_add_test(tests, a_function_may_fail_an_earlier_one);
    tcase_add_test(tests, the_release_function_may_let_go_of_the_whole);
    tcase_add_test(tests, values_that_come_of_the_cancel_are_the_result_when_all_are_there);
    tcase_add_test(tests, a_map_inside_a_map_keeps_both_limits);
}

BIGHT_TEST_MAIN("map_limited", add_tests)
