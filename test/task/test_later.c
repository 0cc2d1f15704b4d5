/* SPDX-License-Identifier: MIT */
/* test_later.c - Deferreds that fire after a time, and calls that come then. */
#include <math.h>

#include <bight/task.h>

#include "deferred_support.h"
#include "faults.h"

static void tear_down(void)
{
    ck_assert_uint_eq(timers_pending(), 0);
    ck_assert_int_eq(reports, 0);
}

static void watch(struct bight_deferred *deferred, const char *name)
{
    bight_deferred_add_both(deferred, seen, NAME(name));
    bight_deferred_add_errback(deferred, cleared, NULL);
}

static void give_seven(struct bight_result *result, void *context)
{
    ck_assert(bight_result_is_empty(result));
    note(context);
    note("! ");
    bight_result_set(result, &bight_type_integer, bight_integer(7));
}

static void give_failure(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_fail(result, bight_failure_of(BIGHT_E_APPLICATION));
}

static void leave_alone(struct bight_result *result, void *context)
{
    (void)result;
    note(context);
    note("! ");
}

START_TEST(a_sleep_fires_empty_when_its_time_is_up)
{
    struct bight_deferred *slept = bight_sleep(&test_clock.base, 2);
    watch(slept, "slept");
    advance(1.5);
    ck_trace("");
    advance(0.5);
    ck_trace("slept=- ");
    bight_deferred_release(slept);
}
END_TEST

START_TEST(a_sleep_of_no_time_is_not_over_inside_the_call)
{
    struct bight_deferred *slept = bight_sleep(&test_clock.base, 0);
    ck_assert(!bight_deferred_has_fired(slept));
    advance(0);
    ck_assert(bight_deferred_has_fired(slept));
    bight_deferred_release(slept);
}
END_TEST

START_TEST(cancelling_a_sleep_cancels_the_timer)
{
    struct bight_deferred *slept = bight_sleep(&test_clock.base, 2);
    bight_deferred_cancel(slept);
    ck_assert_uint_eq(timers_pending(), 0);
    release_failed(slept, BIGHT_E_CANCELLED);
    advance(2);
}
END_TEST

START_TEST(a_sleep_that_nobody_holds_still_wakes_its_handlers)
{
    struct bight_deferred *slept = bight_sleep(&test_clock.base, 2);
    watch(slept, "slept");
    bight_deferred_release(slept);
    advance(2);
    ck_trace("slept=- ");
}
END_TEST

START_TEST(a_wrong_delay_comes_through_the_deferred)
{
    release_failed(bight_sleep(&test_clock.base, -1), BIGHT_E_INVALID_ARGUMENT);
    release_failed(bight_sleep(&test_clock.base, NAN), BIGHT_E_INVALID_ARGUMENT);
    release_failed(bight_sleep(NULL, 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(usage_errors, 3);
    release_failed(
        bight_defer_later_full(&test_clock.base, -1, give_seven, NAME("f"), released), BIGHT_E_INVALID_ARGUMENT);
    ck_trace("~f ");
}
END_TEST

START_TEST(an_endless_sleep_can_be_cancelled)
{
    struct bight_deferred *slept = bight_sleep(&test_clock.base, INFINITY);
    advance(1e9);
    bight_deferred_cancel(slept);
    release_failed(slept, BIGHT_E_CANCELLED);
}
END_TEST

/* A reactor that is freed drops its timers so. */
START_TEST(a_clock_that_ends_abandons_the_sleepers)
{
    struct bight_deferred *slept = bight_sleep(&test_clock.base, 2);
    for (size_t i = 0; i < 16; i++) {
        if (test_clock.timers[i].pending) {
            test_clock_cancel(&test_clock.base, &test_clock.timers[i].slot);
        }
    }
    release_failed(slept, BIGHT_E_ABANDONED);
}
END_TEST

START_TEST(a_function_called_later_gives_a_value_a_failure_or_nothing)
{
    struct bight_deferred *value = bight_defer_later_full(&test_clock.base, 1, give_seven, NAME("f"), released);
    struct bight_deferred *failure = bight_defer_later(&test_clock.base, 2, give_failure, NULL);
    struct bight_deferred *nothing = bight_defer_later(&test_clock.base, 3, leave_alone, NAME("n"));
    watch(value, "value");
    watch(failure, "failure");
    watch(nothing, "nothing");
    ck_trace("");
    advance(1);
    ck_trace("f! ~f value=7 ");
    advance(2);
    ck_trace("failure=APPLICATION n! nothing=- ");
    bight_deferred_release(value);
    bight_deferred_release(failure);
    bight_deferred_release(nothing);
}
END_TEST

START_TEST(a_function_called_later_may_wait_for_another_deferred)
{
    struct bight_promise promise;
    struct bight_deferred *inner = bight_deferred_new(&promise, NULL, NULL);
    struct bight_deferred *outer = bight_defer_later(&test_clock.base, 1, chained, inner);
    watch(outer, "outer");
    advance(1);
    ck_trace("");
    fire(promise, 5);
    ck_trace("outer=5 ");
    bight_deferred_release(outer);
}
END_TEST

START_TEST(cancelling_before_the_call_drops_it)
{
    struct bight_deferred *deferred = bight_defer_later_full(&test_clock.base, 1, give_seven, NAME("f"), released);
    bight_deferred_cancel(deferred);
    ck_trace("~f ");
    ck_assert_uint_eq(timers_pending(), 0);
    release_failed(deferred, BIGHT_E_CANCELLED);
}
END_TEST

START_TEST(cancelling_after_the_call_reaches_what_it_waits_for) /* D16 */
{
    struct bight_promise promise;
    struct bight_deferred *inner = bight_deferred_new(&promise, NULL, NULL);
    struct bight_deferred *outer = bight_defer_later(&test_clock.base, 1, chained, inner);
    advance(1);
    bight_deferred_cancel(outer);
    ck_assert(!bight_promise_is_open(promise));
    release_failed(outer, BIGHT_E_CANCELLED);
}
END_TEST

static struct bight_deferred *held;

static void release_held(struct bight_result *result, void *context)
{
    (void)context;
    (void)result;
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    note("gone ");
}

START_TEST(a_handler_may_cancel_and_release_the_sleep_that_woke_it)
{
    held = bight_sleep(&test_clock.base, 1);
    bight_deferred_add_both(held, release_held, NULL);
    advance(1);
    ck_trace("gone ");
}
END_TEST

static void use_both(void)
{
    struct bight_deferred *slept = bight_sleep(&test_clock.base, 1);
    struct bight_deferred *later = bight_defer_later_full(&test_clock.base, 2, give_seven, NAME("f"), released);
    struct bight_deferred *dropped = bight_defer_later_full(&test_clock.base, 3, give_seven, NAME("d"), released);
    bight_deferred_add_errback(slept, cleared, NULL);
    bight_deferred_add_errback(later, cleared, NULL);
    bight_deferred_cancel(dropped);
    bight_deferred_add_errback(dropped, cleared, NULL);
    advance(3);
    bight_deferred_release(slept);
    bight_deferred_release(later);
    bight_deferred_release(dropped);
}

START_TEST(each_allocation_may_fail) /* D34 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    use_both();
    ck_trace("~d f! ~f ");
    unsigned count = memory.asked;
    ck_assert_uint_gt(count, 5);
    for (unsigned n = 1; n <= count; n++) {
        bight_test_fail_nth(&memory, n);
        use_both();
        ck_assert_int_eq(memory.out, 0);
        ck_assert_uint_eq(timers_pending(), 0);
        ck_assert_ptr_nonnull(strstr(trace, "~f"));
        ck_assert_ptr_nonnull(strstr(trace, "~d"));
        traced = 0;
        trace[0] = '\0';
    }
    bight_set_allocator(NULL);
    reports = 0;
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, begin, tear_down);
    tcase_add_test(tests, a_sleep_fires_empty_when_its_time_is_up);
    tcase_add_test(tests, a_sleep_of_no_time_is_not_over_inside_the_call);
    tcase_add_test(tests, cancelling_a_sleep_cancels_the_timer);
    tcase_add_test(tests, a_sleep_that_nobody_holds_still_wakes_its_handlers);
    tcase_add_test(tests, a_wrong_delay_comes_through_the_deferred);
    tcase_add_test(tests, an_endless_sleep_can_be_cancelled);
    tcase_add_test(tests, a_clock_that_ends_abandons_the_sleepers);
    tcase_add_test(tests, a_function_called_later_gives_a_value_a_failure_or_nothing);
    tcase_add_test(tests, a_function_called_later_may_wait_for_another_deferred);
    tcase_add_test(tests, cancelling_before_the_call_drops_it);
    tcase_add_test(tests, cancelling_after_the_call_reaches_what_it_waits_for);
    tcase_add_test(tests, a_handler_may_cancel_and_release_the_sleep_that_woke_it);
    tcase_add_test(tests, each_allocation_may_fail);
}

BIGHT_TEST_MAIN("later", add_tests)
