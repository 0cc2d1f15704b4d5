/* SPDX-License-Identifier: MIT */
/* test_deferred_cancel.c - cancelling, alone and through what is waited for, and timeouts on a clock. */
#include <math.h>

#include "one_deferred.h"

START_TEST(a_cancel_without_canceller_fails_with_cancelled) /* D13 */
{
    bight_deferred_add_both(deferred, seen, NAME("a"));
    bight_deferred_cancel(deferred);
    ck_trace("a=CANCELLED ");
    ck_assert_int_eq(bight_callback(promise, &counted, &destroyed), BIGHT_E_CANCELLED);
    ck_assert_int_eq(bight_callback(promise, &counted, &destroyed), BIGHT_E_CANCELLED);
    ck_assert_int_eq(discarded, 2);
    ck_assert_int_eq(usage_errors, 0);
    release_failed(deferred, BIGHT_E_CANCELLED);
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_STALE);
}

static void stopping(struct bight_promise own, void *context)
{
    ck_assert(bight_promise_is_open(own));
    note(context);
    note(" ");
}

static void answering(struct bight_promise own, void *context)
{
    note("answering ");
    ck_assert_int_eq(fire(own, 4), 0);
    note(context);
    note(" ");
}

START_TEST(a_canceller_is_called_once) /* D14 D15 */
{
    finish();
    deferred = bight_deferred_new_full(&promise, stopping, NAME("stop"), released);
    bight_deferred_add_both(deferred, seen, NAME("a"));
    bight_deferred_cancel(deferred);
    ck_trace("stop ~stop a=CANCELLED ");
    bight_deferred_cancel(deferred);
    ck_trace("");
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_ALREADY_CALLED);
    release_failed(deferred, BIGHT_E_CANCELLED);
}

START_TEST(what_a_canceller_fires_stands) /* D14 */
{
    finish();
    deferred = bight_deferred_new_full(&promise, answering, NAME("context"), released);
    bight_deferred_add_both(deferred, seen, NAME("a"));
    bight_deferred_cancel(deferred);
    ck_trace("answering a=4 context ~context ");
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_ALREADY_CALLED);
    release_with(deferred, 4);
}

START_TEST(the_cancellers_context_is_released_at_firing) /* D15 D33 */
{
    finish();
    deferred = bight_deferred_new_full(&promise, stopping, NAME("stop"), released);
    bight_deferred_add_both(deferred, seen, NAME("a"));
    fire(promise, 1);
    ck_trace("~stop a=1 ");
    bight_deferred_cancel(deferred);
    ck_trace("");
    release_with(deferred, 1);
}

START_TEST(a_cancel_after_the_end_does_nothing) /* D15 */
{
    fire(promise, 3);
    bight_deferred_cancel(deferred);
    release_with(deferred, 3);
}

static void cancelling_again(struct bight_promise own, void *context)
{
    bight_deferred_cancel(*(struct bight_deferred **)context);
    note(bight_promise_is_open(own) ? "open " : "spent ");
}

START_TEST(a_cancel_inside_the_canceller_does_nothing) /* D15 */
{
    finish();
    deferred = bight_deferred_new(&promise, cancelling_again, &deferred);
    bight_deferred_cancel(deferred);
    ck_trace("open ");
    release_failed(deferred, BIGHT_E_CANCELLED);
}

static void releasing(struct bight_promise own, void *context)
{
    (void)own;
    bight_deferred_release(*(struct bight_deferred **)context);
}

START_TEST(a_canceller_may_let_go_of_its_deferred) /* D16 */
{
    finish();
    deferred = bight_deferred_new(&promise, releasing, &deferred);
    bight_deferred_add_errback(deferred, cleared, NULL);
    bight_deferred_cancel(deferred);
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_STALE);
    ck_assert_int_eq(reports, 0);
}

static void cancelling(struct bight_result *result, void *context)
{
    (void)result;
    bight_deferred_cancel(context);
}

START_TEST(a_cancel_inside_a_handler_does_nothing_unless_it_waits) /* D15 D16 */
{
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    bight_deferred_add_callback(deferred, cancelling, deferred);
    bight_deferred_add_callback(deferred, seen, NAME("a"));
    bight_deferred_add_callback(deferred, chained, inner);
    bight_deferred_add_both(deferred, seen, NAME("b"));
    fire(promise, 1);
    ck_trace("a=1 ");
    bight_deferred_cancel(deferred);
    ck_trace("b=CANCELLED ");
    release_failed(deferred, BIGHT_E_CANCELLED);
}

START_TEST(a_cancel_goes_to_what_is_waited_for_and_its_answer_stands) /* D16 */
{
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, answering, NAME("inner"));
    bight_deferred_add_callback(deferred, chained, inner);
    bight_deferred_add_callback(deferred, seen, NAME("outer"));
    fire(promise, 0);
    bight_deferred_cancel(deferred);
    ck_trace("answering outer=4 inner ");
    release_with(deferred, 4);
}

START_TEST(the_time_that_is_up_turns_cancelled_to_timed_out) /* D17 */
{
    ck_assert_int_eq(bight_deferred_add_timeout(deferred, 5, &test_clock.base), 0);
    bight_deferred_add_both(deferred, seen, NAME("a"));
    advance(4.9);
    ck_trace("");
    advance(0.2);
    ck_trace("a=TIMED_OUT ");
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_CANCELLED);
    release_failed(deferred, BIGHT_E_TIMED_OUT);
}

START_TEST(the_timer_goes_when_the_chain_reaches_its_level) /* D17 */
{
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    bight_deferred_add_callback(deferred, chained, inner);
    bight_deferred_add_timeout(deferred, 5, &test_clock.base);
    fire(promise, 1);
    ck_assert_uint_eq(timers_pending(), 1);
    fire(inner_promise, 2);
    ck_assert_uint_eq(timers_pending(), 0);
    release_with(deferred, 2);
}

START_TEST(the_handlers_after_a_timeout_are_not_covered) /* D17 */
{
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    bight_deferred_add_timeout(deferred, 5, &test_clock.base);
    bight_deferred_add_callback(deferred, chained, inner);
    fire(promise, 1);
    advance(10);
    ck_assert(bight_promise_is_open(inner_promise));
    fire(inner_promise, 2);
    release_with(deferred, 2);
}

START_TEST(the_handlers_before_a_timeout_are_covered) /* D17 */
{
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    bight_deferred_add_callback(deferred, chained, inner);
    bight_deferred_add_timeout(deferred, 5, &test_clock.base);
    fire(promise, 1);
    advance(10);
    release_failed(deferred, BIGHT_E_TIMED_OUT);
    ck_assert_int_eq(fire(inner_promise, 2), BIGHT_E_STALE);
}

START_TEST(a_cancel_by_the_user_stays_cancelled) /* D17 */
{
    bight_deferred_add_timeout(deferred, 5, &test_clock.base);
    bight_deferred_cancel(deferred);
    ck_assert_uint_eq(timers_pending(), 0);
    release_failed(deferred, BIGHT_E_CANCELLED);
}

START_TEST(an_earlier_errback_suppresses_a_timeout) /* D17 */
{
    bight_deferred_add_errback(deferred, cleared, NULL);
    bight_deferred_add_timeout(deferred, 5, &test_clock.base);
    bight_deferred_add_both(deferred, seen, NAME("a"));
    advance(6);
    ck_trace("a=- ");
    bight_deferred_release(deferred);
}

START_TEST(a_custom_handler_decides_only_when_the_time_is_up) /* D17 D33 */
{
    bight_deferred_add_timeout_full(deferred, 5, &test_clock.base, seen, NAME("custom"), released);
    advance(6);
    ck_trace("custom=CANCELLED ~custom ");
    release_failed(deferred, BIGHT_E_CANCELLED);

    set_up();
    bight_deferred_add_timeout_full(deferred, 5, &test_clock.base, seen, NAME("custom"), released);
    fire(promise, 1);
    ck_trace("~custom ");
    release_with(deferred, 1);
}

START_TEST(a_timeout_out_of_range_is_refused) /* D17 D33 */
{
    ck_assert_int_eq(bight_deferred_add_timeout_full(deferred, -1, &test_clock.base, seen, NAME("custom"), released),
        BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_deferred_add_timeout(deferred, NAN, &test_clock.base), BIGHT_E_INVALID_ARGUMENT);
    ck_trace("");
    fire(promise, 1);
    release_with(deferred, 1);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, a_cancel_without_canceller_fails_with_cancelled);
    tcase_add_test(tests, a_canceller_is_called_once);
    tcase_add_test(tests, what_a_canceller_fires_stands);
    tcase_add_test(tests, the_cancellers_context_is_released_at_firing);
    tcase_add_test(tests, a_cancel_after_the_end_does_nothing);
    tcase_add_test(tests, a_cancel_inside_the_canceller_does_nothing);
    tcase_add_test(tests, a_canceller_may_let_go_of_its_deferred);
    tcase_add_test(tests, a_cancel_inside_a_handler_does_nothing_unless_it_waits);
    tcase_add_test(tests, a_cancel_goes_to_what_is_waited_for_and_its_answer_stands);
    tcase_add_test(tests, the_time_that_is_up_turns_cancelled_to_timed_out);
    tcase_add_test(tests, the_timer_goes_when_the_chain_reaches_its_level);
    tcase_add_test(tests, the_handlers_after_a_timeout_are_not_covered);
    tcase_add_test(tests, the_handlers_before_a_timeout_are_covered);
    tcase_add_test(tests, a_cancel_by_the_user_stays_cancelled);
    tcase_add_test(tests, an_earlier_errback_suppresses_a_timeout);
    tcase_add_test(tests, a_custom_handler_decides_only_when_the_time_is_up);
    tcase_add_test(tests, a_timeout_out_of_range_is_refused);
}

BIGHT_TEST_MAIN("deferred_cancel", add_tests)
