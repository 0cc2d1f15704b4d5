/* SPDX-License-Identifier: MIT */
/* After so many awaits in a row that were answered at once a coroutine goes on on a later turn (D35), and what becomes
 * of it meanwhile (D36). */
#include "coroutine_support.h"
#include "faults.h"

#include <bight/testing.h>

#define MOST_ANSWERED 256

static struct bight_reactor *real;
static int awaits;
static bool is_over;

static void begin_turns(int count)
{
    begin_coroutines(count);
    real = reactor;
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    awaits = 0;
    is_over = false;
}

static void end_turns(void)
{
    bight_reactor_free(reactor);
    reactor = real;
    end_coroutines();
}

/* So many awaits, each answered at once with its number; ends when one fails. */
static void await_fired(struct bight_result *result, void *context)
{
    for (intptr_t i = 1; i <= (intptr_t)context; i++) {
        if (bight_await(bight_succeed(&bight_type_integer, bight_integer(i)), result) != 0) {
            return;
        }
        ck_assert_int_eq(bight_integer_value(result->value), i);
        awaits++;
    }
    note("end ");
}

static struct bight_deferred *spawn_fired(intptr_t count)
{
    return bight_spawn(reactor, await_fired, (void *)count);
}

START_TEST(so_many_answered_awaits_in_a_row_take_no_turn) /* D35 */
{
    begin_turns(0);
    struct bight_deferred *outer = spawn_fired(MOST_ANSWERED);
    ck_trace("end ");
    release_with(outer, MOST_ANSWERED);
    end_turns();
}
END_TEST

START_TEST(the_next_goes_on_on_a_later_turn_with_its_result) /* D35 */
{
    begin_turns(0);
    struct bight_deferred *outer = spawn_fired(3 * (MOST_ANSWERED + 1));
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(awaits, i * (MOST_ANSWERED + 1) - 1);
        ck_assert(!bight_deferred_has_fired(outer));
        bight_testing_settle(reactor, 1);
    }
    ck_trace("end ");
    release_with(outer, 3 * (MOST_ANSWERED + 1));
    end_turns();
}
END_TEST

static void await_with_waits(struct bight_result *result, void *context)
{
    await_fired(result, context);
    (void)bight_await(deferreds[0], result);
    await_fired(result, context);
}

START_TEST(an_await_that_waits_begins_the_count_anew) /* D35 */
{
    begin_turns(1);
    struct bight_deferred *outer = bight_spawn(reactor, await_with_waits, (void *)(intptr_t)200);
    ck_trace("end ");
    fire(promises[0], 1);
    ck_trace("end ");
    release_with(outer, 200);
    end_turns();
}
END_TEST

static void fail_for_ever(struct bight_result *result, void *context)
{
    (void)context;
    while (!is_over) {
        ck_assert_int_eq(bight_await(bight_fail(bight_failure_of(BIGHT_E_TIMED_OUT)), result), BIGHT_E_TIMED_OUT);
        awaits++;
    }
}

START_TEST(failures_count_too_and_stand) /* D35, D36 */
{
    begin_turns(0);
    struct bight_deferred *outer = bight_spawn(reactor, fail_for_ever, NULL);
    ck_assert_int_eq(awaits, MOST_ANSWERED);
    is_over = true;
    bight_deferred_cancel(outer); /* too late for a failure */
    bight_testing_settle(reactor, 1);
    ck_assert_int_eq(awaits, MOST_ANSWERED + 1);
    release_failed(outer, BIGHT_E_TIMED_OUT);
    end_turns();
}
END_TEST

static void await_for_ever(struct bight_result *result, void *context)
{
    (void)context;
    while (bight_await(bight_succeed(&bight_type_text, bight_strdup("value")), result) == 0) {
        awaits++;
    }
}

static void tick(void *context)
{
    note(context);
}

START_TEST(timers_and_other_coroutines_run_in_between) /* D35 */
{
    begin_turns(1);
    struct bight_deferred *outer = bight_spawn(reactor, await_for_ever, NULL);
    struct bight_deferred *other = spawn_fired(MOST_ANSWERED + 1);
    bight_call_later(reactor, 0, tick, NAME("tick "), NULL);
    bight_testing_settle(reactor, 4);
    ck_trace("end tick ");
    ck_assert_int_eq(
        awaits, 5 * (MOST_ANSWERED + 1) - 1 + MOST_ANSWERED + 1); /* the one's before and in four turns, the other's */
    release_with(other, MOST_ANSWERED + 1);
    bight_deferred_cancel(outer);
    bight_testing_settle(reactor, 1);
    release_failed(outer, BIGHT_E_CANCELLED);
    bight_deferred_release(deferreds[0]);
    end_turns();
}
END_TEST

START_TEST(a_cancel_while_it_is_parked_takes_the_place_of_the_value) /* D36 */
{
    begin_turns(0);
    struct bight_deferred *outer = bight_spawn(reactor, await_for_ever, NULL);
    bight_deferred_cancel(outer);
    bight_deferred_cancel(outer); /* once is enough */
    ck_assert(!bight_deferred_has_fired(outer));
    bight_testing_settle(reactor, 1);
    ck_assert_int_eq(awaits, MOST_ANSWERED);
    release_failed(outer, BIGHT_E_CANCELLED);
    end_turns();
}
END_TEST

static struct bight_deferred *own_outer;

static void cancel_oneself_and_go_on(struct bight_result *result, void *context)
{
    (void)context;
    (void)bight_await(deferreds[0], result);
    bight_deferred_cancel(own_outer);
    await_for_ever(result, NULL);
}

START_TEST(a_cancel_while_the_body_runs_is_seen_where_it_would_park) /* D36 */
{
    begin_turns(1);
    own_outer = bight_spawn(reactor, cancel_oneself_and_go_on, NULL);
    fire(promises[0], 1);
    ck_assert_int_eq(awaits, MOST_ANSWERED);
    release_failed(own_outer, BIGHT_E_CANCELLED);
    end_turns();
}
END_TEST

START_TEST(its_deferred_may_be_let_go_of_while_it_is_parked) /* D35 */
{
    begin_turns(0);
    bight_deferred_release(spawn_fired(MOST_ANSWERED + 1));
    bight_testing_settle(reactor, 1);
    ck_trace("end ");
    end_turns();
}
END_TEST

static void stop(void *context)
{
    ck_assert_int_eq(bight_reactor_stop(context), 0);
}

START_TEST(before_a_run_it_waits_for_the_first_turn_and_a_stop_ends_it) /* D35, D36, R3 */
{
    begin_coroutines(0);
    awaits = 0;
    struct bight_deferred *outer = bight_spawn(reactor, await_for_ever, NULL);
    ck_assert_int_eq(awaits, MOST_ANSWERED);
    bight_call_later(reactor, 0, stop, reactor, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    release_failed(outer, BIGHT_E_CANCELLED);
    end_coroutines();
}
END_TEST

START_TEST(freeing_the_reactor_resumes_what_is_parked) /* D35, D36 */
{
    begin_coroutines(0);
    awaits = 0;
    struct bight_deferred *outer = bight_spawn(reactor, await_for_ever, NULL);
    bight_deferred_release(bight_spawn(reactor, await_for_ever, NULL));
    bight_reactor_free(reactor);
    ck_assert_int_eq(awaits, 2 * MOST_ANSWERED);
    ck_assert_int_eq(reports, 0);
    release_failed(outer, BIGHT_E_CANCELLED);
}
END_TEST

static void clean_up_at_length(struct bight_result *result, void *context)
{
    (void)bight_await(deferreds[0], result);
    bight_result_clear(result);
    await_fired(result, context);
}

START_TEST(nothing_parks_while_the_reactor_is_freed) /* D35 */
{
    begin_coroutines(1);
    awaits = 0;
    struct bight_deferred *outer = bight_spawn(reactor, clean_up_at_length, (void *)(intptr_t)1000);
    bight_reactor_free(reactor);
    ck_trace("end ");
    ck_assert_int_eq(reports, 0);
    release_with(outer, 1000);
}
END_TEST

START_TEST(parking_allocates_nothing) /* D35 */
{
    begin_turns(1);
    struct bight_deferred *outer = bight_spawn(reactor, clean_up_at_length, (void *)(intptr_t)(MOST_ANSWERED + 1));
    bight_testing_count_allocations(true);
    fire(promises[0], 1);
    ck_assert_int_eq(awaits, MOST_ANSWERED);
    bight_testing_settle(reactor, 1);
    ck_assert_uint_eq(bight_testing_allocation_count(), 0);
    bight_testing_count_allocations(false);
    ck_trace("end ");
    release_with(outer, MOST_ANSWERED + 1);
    end_turns();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, so_many_answered_awaits_in_a_row_take_no_turn);
    tcase_add_test(tests, the_next_goes_on_on_a_later_turn_with_its_result);
    tcase_add_test(tests, an_await_that_waits_begins_the_count_anew);
    tcase_add_test(tests, failures_count_too_and_stand);
    tcase_add_test(tests, timers_and_other_coroutines_run_in_between);
    tcase_add_test(tests, a_cancel_while_it_is_parked_takes_the_place_of_the_value);
    tcase_add_test(tests, a_cancel_while_the_body_runs_is_seen_where_it_would_park);
    tcase_add_test(tests, its_deferred_may_be_let_go_of_while_it_is_parked);
    tcase_add_test(tests, before_a_run_it_waits_for_the_first_turn_and_a_stop_ends_it);
    tcase_add_test(tests, freeing_the_reactor_resumes_what_is_parked);
    tcase_add_test(tests, nothing_parks_while_the_reactor_is_freed);
    tcase_add_test(tests, parking_allocates_nothing);
}

BIGHT_TEST_MAIN("coroutine_turns", add_tests)
