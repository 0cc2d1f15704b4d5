/* SPDX-License-Identifier: MIT */
/* test_deferred.c - firing, levels, late handlers, pausing: what one Deferred does by itself. */
#include "one_deferred.h"

static void failing(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_fail(result, bight_failure_of(BIGHT_E_APPLICATION));
}

static void answering_seven(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_set(result, &bight_type_integer, bight_integer(7));
}

START_TEST(handlers_added_before_firing_run_in_order) /* D1 */
{
    bight_deferred_add_callback(deferred, seen, NAME("a"));
    bight_deferred_add_callback(deferred, seen, NAME("b"));
    ck_assert(!bight_deferred_has_fired(deferred));
    ck_trace("");
    ck_assert_int_eq(fire(promise, 5), 0);
    ck_assert(bight_deferred_has_fired(deferred));
    ck_trace("a=5 b=5 ");
    release_with(deferred, 5);
}

START_TEST(late_handlers_run_at_once) /* D1 */
{
    fire(promise, 5);
    bight_deferred_add_callback(deferred, seen, NAME("late"));
    ck_trace("late=5 ");
    release_with(deferred, 5);
}

START_TEST(more_levels_than_fit_inline_run_in_order) /* D1 */
{
    static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
    for (size_t i = 0; i < 40; i++) {
        ck_assert_int_eq(bight_deferred_add_callback(deferred, seen, NAME(names[i % 10])), 0);
    }
    fire(promise, 1);
    ck_trace("0=1 1=1 2=1 3=1 4=1 5=1 6=1 7=1 8=1 9=1 0=1 1=1 2=1 3=1 4=1 5=1 6=1 7=1 8=1 9=1 "
             "0=1 1=1 2=1 3=1 4=1 5=1 6=1 7=1 8=1 9=1 0=1 1=1 2=1 3=1 4=1 5=1 6=1 7=1 8=1 9=1 ");
    bight_deferred_release(deferred);
}

START_TEST(exactly_one_side_of_a_level_runs) /* D2 */
{
    bight_deferred_add_callbacks(deferred, failing, seen, NAME("same"));
    bight_deferred_add_callbacks(deferred, seen, cleared, NAME("next"));
    bight_deferred_add_callbacks(deferred, seen, failing, NAME("last"));
    fire(promise, 1);
    ck_trace("last=- ");
    bight_deferred_release(deferred);
}

START_TEST(a_missing_side_passes_the_result_on) /* D2 */
{
    bight_deferred_add_errback(deferred, seen, NAME("errback"));
    bight_deferred_add_callback(deferred, failing, NULL);
    bight_deferred_add_callback(deferred, seen, NAME("callback"));
    bight_deferred_add_both(deferred, seen, NAME("both"));
    fire(promise, 1);
    ck_trace("both=APPLICATION ");
    release_failed(deferred, BIGHT_E_APPLICATION);
}

START_TEST(an_untouched_failure_passes_on) /* D3 */
{
    bight_deferred_add_errback(deferred, seen, NAME("log"));
    bight_deferred_add_errback(deferred, seen, NAME("again"));
    fire_failure(promise, TIMED_OUT);
    ck_trace("log=TIMED_OUT again=TIMED_OUT ");
    release_failed(deferred, BIGHT_E_TIMED_OUT);
}

START_TEST(a_failure_that_is_replaced_is_handled) /* D3 */
{
    bight_deferred_add_errback(deferred, answering_seven, NULL);
    bight_deferred_add_callbacks(deferred, seen, failing, NAME("then"));
    fire_failure(promise, TIMED_OUT);
    ck_trace("then=7 ");
    release_with(deferred, 7);
}

START_TEST(firing_twice_is_refused_and_the_value_discarded) /* D4 D31 */
{
    ck_assert_int_eq(fire(promise, 5), 0);
    ck_assert_int_eq(bight_callback(promise, &counted, &destroyed), BIGHT_E_ALREADY_CALLED);
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(usage_errors, 1);
    ck_assert_ptr_nonnull(strstr(last_place, "test_deferred.c:"));
    ck_assert_int_eq(fire_failure(promise, TIMED_OUT), BIGHT_E_ALREADY_CALLED);
    ck_assert_int_eq(usage_errors, 2);
    ck_assert_int_eq(bight_abandon(promise), BIGHT_E_ALREADY_CALLED);
    ck_assert_int_eq(usage_errors, 2);
    release_with(deferred, 5);
}

START_TEST(a_promise_that_outlives_its_deferred_is_stale) /* D4 */
{
    bight_deferred_set_debug(false);
    fire(promise, 5);
    bight_deferred_release(deferred);
    ck_assert_int_eq(bight_callback(promise, &counted, &destroyed), BIGHT_E_STALE);
    ck_assert_int_eq(discarded, 1);
    ck_assert(bight_error_is(BIGHT_E_STALE, BIGHT_E_USAGE));
    ck_assert(!bight_promise_is_open(promise));
    ck_assert_int_eq(usage_errors, 0);
    struct bight_promise zeroed = { NULL, 0 };
    ck_assert_int_eq(bight_callback(zeroed, NULL, NULL), BIGHT_E_STALE);
}

START_TEST(a_stale_promise_does_not_reach_the_next_in_its_slot) /* D4 */
{
    fire(promise, 5);
    bight_deferred_release(deferred);
    for (int i = 0; i < 2000; i++) {
        struct bight_promise other;
        struct bight_deferred *next = bight_deferred_new(&other, NULL, NULL);
        ck_assert_int_eq(fire(promise, 6), BIGHT_E_STALE);
        ck_assert(bight_promise_is_open(other));
        fire(other, 7);
        release_with(next, 7);
    }
}

START_TEST(firing_with_a_failure_or_a_deferred_as_value_is_a_usage_error) /* D4 */
{
    bight_deferred_set_debug(false);
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    ck_assert_int_eq(bight_callback(promise, &bight_type_deferred, inner), BIGHT_E_WRONG_TYPE);
    ck_assert_int_eq(fire(inner_promise, 1), BIGHT_E_STALE);
    struct bight_failure *failure = bight_failure_new(BIGHT_E_TLS, 0, NULL, "x");
    ck_assert_int_eq(bight_callback(promise, &bight_type_failure, failure), BIGHT_E_WRONG_TYPE);
    ck_assert_int_eq(usage_errors, 2);
    ck_assert(bight_promise_is_open(promise));
    fire(promise, 5);
    release_with(deferred, 5);
    release_failed(bight_succeed(&bight_type_failure, bight_failure_of(BIGHT_E_TLS)), BIGHT_E_WRONG_TYPE);
}

static void firing_again(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert_int_eq(fire(promise, 9), BIGHT_E_ALREADY_CALLED);
    ck_assert_int_eq(bight_integer_value(result->value), 5);
}

START_TEST(firing_from_its_own_handler_is_refused) /* D4 */
{
    bight_deferred_add_callback(deferred, firing_again, NULL);
    bight_deferred_add_callback(deferred, seen, NAME("a"));
    fire(promise, 5);
    ck_trace("a=5 ");
    bight_deferred_release(deferred);
}

static void adding(struct bight_result *result, void *context)
{
    (void)result;
    note("[");
    bight_deferred_add_callback(context, seen, NAME("added"));
    note("]");
}

START_TEST(a_handler_added_in_a_handler_runs_after_it) /* D10 */
{
    bight_deferred_add_callback(deferred, adding, deferred);
    bight_deferred_add_callback(deferred, seen, NAME("second"));
    fire(promise, 1);
    ck_trace("[]second=1 added=1 ");
    bight_deferred_add_callback(deferred, adding, deferred);
    ck_trace("[]added=1 ");
    bight_deferred_release(deferred);
}

START_TEST(pauses_count) /* D11 */
{
    bight_deferred_add_callback(deferred, seen, NAME("a"));
    bight_deferred_pause(deferred);
    bight_deferred_pause(deferred);
    fire(promise, 1);
    bight_deferred_add_callback(deferred, seen, NAME("b"));
    ck_assert_ptr_null(bight_deferred_result(deferred));
    bight_deferred_unpause(deferred);
    ck_trace("");
    bight_deferred_unpause(deferred);
    ck_trace("a=1 b=1 ");
    bight_deferred_unpause(deferred);
    ck_assert_int_eq(usage_errors, 1);
    release_with(deferred, 1);
}

static void pausing(struct bight_result *result, void *context)
{
    (void)result;
    bight_deferred_pause(context);
}

START_TEST(a_pause_in_a_handler_stops_after_it) /* D11 */
{
    bight_deferred_add_callback(deferred, pausing, deferred);
    bight_deferred_add_callback(deferred, seen, NAME("a"));
    fire(promise, 1);
    ck_trace("");
    bight_deferred_unpause(deferred);
    ck_trace("a=1 ");
    bight_deferred_release(deferred);
}

START_TEST(the_last_release_undoes_pauses) /* D31 */
{
    bight_deferred_add_callback(deferred, seen, NAME("a"));
    bight_deferred_pause(deferred);
    bight_deferred_pause(deferred);
    fire(promise, 1);
    bight_deferred_release(deferred);
    ck_trace("a=1 ");
    ck_assert_int_eq(fire(promise, 1), BIGHT_E_STALE);
}

static void adding_itself(struct bight_result *result, void *context)
{
    intptr_t left = bight_integer_value(result->value) - 1;
    bight_result_set(result, &bight_type_integer, bight_integer(left));
    if (left > 0) {
        ck_assert_int_eq(bight_deferred_add_callback(context, adding_itself, context), 0);
    }
}

START_TEST(a_long_running_deferred_reuses_its_levels) /* D12 */
{
    bight_deferred_add_callback(deferred, adding_itself, deferred);
    bight_deferred_add_callback(deferred, adding_itself, deferred);
    bight_deferred_add_callback(deferred, adding_itself, deferred);
    fire(promise, MILLION);
    for (int i = 0; i < MILLION; i++) {
        bight_deferred_add_callback(deferred, cleared, NULL);
    }
    bight_deferred_release(deferred);
}

static void counting(struct bight_result *result, void *context)
{
    (void)context;
    result->value = bight_integer(bight_integer_value(result->value) + 1);
}

static void a_million_handlers(void)
{
    for (int i = 0; i < MILLION; i++) {
        bight_deferred_add_callback(deferred, counting, NULL);
    }
    fire(promise, 0);
    release_with(deferred, MILLION);
}

START_TEST(a_million_handlers_run_in_constant_stack) /* D12 */
{
    with_little_stack(a_million_handlers);
}

START_TEST(made_fired_deferreds_have_their_result) /* D1 */
{
    release_with(bight_succeed(&bight_type_integer, bight_integer(3)), 3);
    release_failed(bight_fail(bight_failure_of(BIGHT_E_TLS)), BIGHT_E_TLS);
    struct bight_deferred *empty = bight_succeed(NULL, NULL);
    ck_assert(bight_result_is_empty(bight_deferred_result(empty)));
    bight_deferred_release(empty);
    fire(promise, 1);
    bight_deferred_release(deferred);
}

START_TEST(no_failure_and_no_deferred_are_usage_errors) /* D4 D5 */
{
    release_failed(bight_fail(NULL), BIGHT_E_INVALID_ARGUMENT);
    bight_deferred_add_callback(deferred, chained, NULL);
    fire(promise, 1);
    release_failed(deferred, BIGHT_E_INVALID_ARGUMENT);
    deferred = bight_deferred_new(&promise, NULL, NULL);
    ck_assert_int_eq(bight_errback(promise, NULL), 0);
    release_failed(deferred, BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(usage_errors, 3);
}

START_TEST(a_carried_deferred_is_let_go_of_with_what_carries_it) /* D31 */
{
    struct bight_result carrier = { &bight_type_deferred, deferred, NULL };
    bight_result_clear(&carrier);
    ck_assert(bight_promise_is_open(promise));
    fire(promise, 1);
    ck_assert_int_eq(fire(promise, 1), BIGHT_E_STALE);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, handlers_added_before_firing_run_in_order);
    tcase_add_test(tests, late_handlers_run_at_once);
    tcase_add_test(tests, more_levels_than_fit_inline_run_in_order);
    tcase_add_test(tests, exactly_one_side_of_a_level_runs);
    tcase_add_test(tests, a_missing_side_passes_the_result_on);
    tcase_add_test(tests, an_untouched_failure_passes_on);
    tcase_add_test(tests, a_failure_that_is_replaced_is_handled);
    tcase_add_test(tests, firing_twice_is_refused_and_the_value_discarded);
    tcase_add_test(tests, a_promise_that_outlives_its_deferred_is_stale);
    tcase_add_test(tests, a_stale_promise_does_not_reach_the_next_in_its_slot);
    tcase_add_test(tests, firing_with_a_failure_or_a_deferred_as_value_is_a_usage_error);
    tcase_add_test(tests, firing_from_its_own_handler_is_refused);
    tcase_add_test(tests, a_handler_added_in_a_handler_runs_after_it);
    tcase_add_test(tests, pauses_count);
    tcase_add_test(tests, a_pause_in_a_handler_stops_after_it);
    tcase_add_test(tests, the_last_release_undoes_pauses);
    tcase_add_test(tests, a_long_running_deferred_reuses_its_levels);
    tcase_add_test(tests, a_million_handlers_run_in_constant_stack);
    tcase_add_test(tests, no_failure_and_no_deferred_are_usage_errors);
    tcase_add_test(tests, a_carried_deferred_is_let_go_of_with_what_carries_it);
    tcase_add_test(tests, made_fired_deferreds_have_their_result);
}

BIGHT_TEST_MAIN("deferred", add_tests)
