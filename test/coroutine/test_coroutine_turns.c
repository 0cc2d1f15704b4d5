/* SPDX-License-Identifier: MIT */
/* After so many awaits in a row that were answered at once, or by one another, a coroutine goes on on a later turn
 * (D35), and what happens to it meanwhile (D36). */
#include "coroutine_support.h"
#include "faults.h"

#include <bight/queue.h>
#include <bight/sync.h>
#include <bight/testing.h>

#define MAX_ANSWERED 256

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
    struct bight_deferred *outer = spawn_fired(MAX_ANSWERED);
    ck_trace("end ");
    release_with(outer, MAX_ANSWERED);
    end_turns();
}
END_TEST

START_TEST(the_next_goes_on_on_a_later_turn_with_its_result) /* D35 */
{
    begin_turns(0);
    struct bight_deferred *outer = spawn_fired(3 * (MAX_ANSWERED + 1));
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(awaits, i * (MAX_ANSWERED + 1) - 1);
        ck_assert(!bight_deferred_has_fired(outer));
        bight_testing_settle(reactor, 1);
    }
    ck_trace("end ");
    release_with(outer, 3 * (MAX_ANSWERED + 1));
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
    ck_assert_int_eq(awaits, MAX_ANSWERED);
    is_over = true;
    bight_deferred_cancel(outer); /* too late for a failure */
    bight_testing_settle(reactor, 1);
    ck_assert_int_eq(awaits, MAX_ANSWERED + 1);
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
    struct bight_deferred *other = spawn_fired(MAX_ANSWERED + 1);
    bight_call_later(reactor, 0, tick, NAME("tick "), NULL);
    bight_testing_settle(reactor, 4);
    ck_trace("end tick ");
    ck_assert_int_eq(
        awaits, 5 * (MAX_ANSWERED + 1) - 1 + MAX_ANSWERED + 1); /* the one's before and in four turns, the other's */
    release_with(other, MAX_ANSWERED + 1);
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
    ck_assert_int_eq(awaits, MAX_ANSWERED);
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
    ck_assert_int_eq(awaits, MAX_ANSWERED);
    release_failed(own_outer, BIGHT_E_CANCELLED);
    end_turns();
}
END_TEST

START_TEST(its_deferred_may_be_let_go_of_while_it_is_parked) /* D35 */
{
    begin_turns(0);
    bight_deferred_release(spawn_fired(MAX_ANSWERED + 1));
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
    ck_assert_int_eq(awaits, MAX_ANSWERED);
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
    ck_assert_int_eq(awaits, 2 * MAX_ANSWERED);
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
    struct bight_deferred *outer = bight_spawn(reactor, clean_up_at_length, (void *)(intptr_t)(MAX_ANSWERED + 1));
    bight_testing_count_allocations(true);
    fire(promises[0], 1);
    ck_assert_int_eq(awaits, MAX_ANSWERED);
    bight_testing_settle(reactor, 1);
    ck_assert_uint_eq(bight_testing_allocation_count(), 0);
    bight_testing_count_allocations(false);
    ck_trace("end ");
    release_with(outer, MAX_ANSWERED + 1);
    end_turns();
}
END_TEST

/* ------------------------------------------------------------------------------- answered by one another */

#define MAX_RESUMED 256

static struct bight_lock *locks[2];
static struct bight_semaphore *semaphore;
static struct bight_queue *queues[2];
static struct bight_event *event;
static int number[4] = { 0, 1, 2, 3 };

static void begin_meeting(int count)
{
    struct bight_queue_options options = { .size = sizeof options, .size_limit = 4 };
    begin_turns(count);
    semaphore = bight_semaphore_new(2);
    event = bight_event_new();
    for (int i = 0; i < 2; i++) {
        locks[i] = bight_lock_new();
        queues[i] = bight_queue_new(&options);
        ck_assert(locks[i] != NULL && queues[i] != NULL);
    }
    ck_assert(semaphore != NULL && event != NULL);
}

/* The reactor goes first, and so ends the coroutines. */
static void end_meeting(void)
{
    end_turns();
    bight_semaphore_free(semaphore);
    bight_event_free(event);
    for (int i = 0; i < 2; i++) {
        bight_lock_free(locks[i]);
        bight_queue_free(queues[i]);
    }
}

static void lock_for_ever(struct bight_result *result, void *context)
{
    (void)context;
    while (bight_await(bight_lock_acquire(locks[0]), result) == 0) {
        awaits++;
        bight_lock_release(locks[0]);
    }
}

static void lock_one_and_the_other_for_ever(struct bight_result *result, void *context)
{
    for (int i = *(int *)context; bight_await(bight_lock_acquire(locks[i % 2]), result) == 0; i++) {
        awaits++;
        bight_lock_release(locks[i % 2]);
    }
}

static void take_permits_for_ever(struct bight_result *result, void *context)
{
    (void)context;
    while (bight_await(bight_semaphore_acquire(semaphore), result) == 0) {
        awaits++;
        bight_semaphore_release(semaphore);
    }
}

static void pass_on_for_ever(struct bight_result *result, void *context)
{
    int from = *(int *)context % 2;
    while (bight_await(bight_queue_get(queues[from]), result) == 0) {
        awaits++;
        ck_assert_int_eq(bight_queue_put(queues[1 - from], NULL, NULL), 0);
    }
}

static void put_or_get_for_ever(struct bight_result *result, void *context)
{
    bool puts = *(int *)context % 2 == 0;
    int code = 0;
    while (code == 0) {
        code = bight_await(puts ? bight_queue_put_later(queues[0], NULL, NULL) : bight_queue_get(queues[0]), result);
        awaits++;
    }
}

static void wake_each_other_for_ever(struct bight_result *result, void *context)
{
    (void)context;
    while (bight_await(bight_event_wait(event), result) == 0) {
        awaits++;
        bight_event_clear(event);
        bight_event_set(event);
        bight_event_clear(event);
    }
}

static void look_at_one_for_ever(struct bight_result *result, void *context)
{
    (void)context;
    while (bight_await(bight_deferred_hold(deferreds[0]), result) == 0) {
        awaits++;
    }
}

static const bight_coroutine_function meetings[] = { lock_for_ever, lock_one_and_the_other_for_ever,
    take_permits_for_ever, pass_on_for_ever, put_or_get_for_ever, wake_each_other_for_ever, look_at_one_for_ever };

/* Whatever they wait for: two permits are released, two values put. */
static void set_going(void *context)
{
    (void)context;
    for (int i = 0; i < 2; i++) {
        bight_lock_release(locks[i]);
        bight_semaphore_release(semaphore);
        (void)bight_queue_put(queues[0], NULL, NULL);
    }
    bight_event_set(event);
    fire(promises[0], 1);
}

START_TEST(those_who_answer_each_other_for_ever_leave_turns_to_timers) /* D35 */
{
    begin_meeting(1);
    for (int i = 0; i < 2; i++) {
        ck_assert(bight_lock_try_acquire(locks[i]));
        ck_assert(bight_semaphore_try_acquire(semaphore));
    }
    for (int i = 0; i < 4; i++) {
        bight_deferred_release(bight_spawn(reactor, meetings[_i], &number[i]));
    }
    bight_call_later(reactor, 0, set_going, NULL, NULL);
    bight_testing_advance(reactor, 0.001);
    bight_call_later(reactor, 0, tick, NAME("tick "), NULL);
    bight_testing_settle(reactor, 2);
    ck_assert_ptr_nonnull(strstr(trace, "tick "));
    ck_assert_int_ge(awaits, MAX_RESUMED);
    end_meeting();
    bight_deferred_release(deferreds[0]);
}
END_TEST

/* By the lock's last holder, who is none of them. */
static void let_through(int count)
{
    ck_assert(bight_lock_try_acquire(locks[0]));
    for (int i = 0; i < count; i++) {
        bight_deferred_release(bight_spawn(reactor, lock_for_ever, NULL));
    }
    bight_lock_release(locks[0]);
}

START_TEST(each_is_let_through_once_and_then_so_many_in_all) /* D35 */
{
    begin_meeting(0);
    let_through(1000);
    ck_assert_int_eq(awaits, 1000 + 1 + MAX_RESUMED); /* the first one's first time is not noticed */
    bight_testing_settle(reactor, 1);
    ck_assert_int_ge(awaits, 1000 + 2 * MAX_RESUMED);
    end_meeting();
}
END_TEST

static void wait_once(struct bight_result *result, void *context)
{
    (void)context;
    awaits += bight_await(bight_event_wait(event), result) == 0 ? 1 : 0;
}

START_TEST(no_number_of_those_who_wait_once_takes_a_turn) /* D35 */
{
    begin_meeting(0);
    for (int i = 0; i < 10 * MAX_RESUMED; i++) {
        bight_deferred_release(bight_spawn(reactor, wait_once, NULL));
    }
    bight_event_set(event);
    ck_assert_int_eq(awaits, 10 * MAX_RESUMED);
    end_meeting();
}
END_TEST

static void get_for_ever(struct bight_result *result, void *context)
{
    (void)context;
    while (bight_await(bight_queue_get(queues[0]), result) == 0) {
        awaits++;
    }
}

static void put_many(void)
{
    for (int i = 0; i < 4 * MAX_RESUMED; i++) {
        ck_assert_int_eq(bight_queue_put(queues[0], NULL, NULL), 0);
        ck_assert_int_eq(awaits, i + 1);
    }
}

static void put_many_when_let_through(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_await(bight_lock_acquire(locks[0]), result), 0);
    put_many();
    bight_lock_release(locks[0]);
}

START_TEST(whoever_puts_many_values_in_a_row_sees_each_heard_at_once) /* D35 */
{
    begin_meeting(0);
    bight_deferred_release(bight_spawn(reactor, get_for_ever, NULL));
    put_many();
    awaits = 0;
    ck_assert(bight_lock_try_acquire(locks[0]));
    bight_deferred_release(bight_spawn(reactor, put_many_when_let_through, NULL));
    bight_lock_release(locks[0]);
    ck_assert_int_eq(awaits, 4 * MAX_RESUMED);
    end_meeting();
}
END_TEST

static void wait_in_a_handler(struct bight_result *result, void *context)
{
    struct bight_result inner = { NULL, NULL, NULL };
    (void)result;
    ck_assert_int_eq(bight_await(context, &inner), 0);
    bight_result_clear(&inner);
}

static void release_the_lock(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_lock_release(locks[0]);
}

/* The handler waits on the stack of the body that lets it through, and so inside the lock's loop. */
static void let_a_handler_through(struct bight_result *result, void *context)
{
    ck_assert(bight_lock_try_acquire(locks[0]));
    struct bight_deferred *acquired = bight_lock_acquire(locks[0]);
    bight_deferred_add_callback(acquired, wait_in_a_handler, context);
    bight_deferred_add_callback(acquired, release_the_lock, NULL);
    bight_deferred_release(acquired);
    bight_lock_release(locks[0]);
    lock_for_ever(result, NULL);
}

START_TEST(a_loop_whose_handler_waited_is_bounded_all_the_same) /* D35 */
{
    begin_meeting(1);
    bight_deferred_release(bight_spawn(reactor, let_a_handler_through, deferreds[0]));
    for (int i = 0; i < 3; i++) {
        bight_deferred_release(bight_spawn(reactor, lock_for_ever, NULL));
    }
    ck_assert_int_eq(awaits, 0);
    fire(promises[0], 1);
    ck_assert_int_eq(awaits, 3 + MAX_RESUMED);
    end_meeting();
}
END_TEST

START_TEST(a_cancel_of_one_that_was_resumed_too_often_lets_the_next_through) /* D35, D36 */
{
    struct bight_deferred *outers[3];
    begin_meeting(0);
    ck_assert(bight_lock_try_acquire(locks[0]));
    for (int i = 0; i < 3; i++) {
        outers[i] = bight_spawn(reactor, lock_for_ever, NULL);
    }
    bight_lock_release(locks[0]);
    ck_assert_int_eq(awaits, 3 + 1 + MAX_RESUMED);
    for (int i = 0; i < 3; i++) {
        bight_deferred_cancel(outers[i]); /* one has the lock and has not notified of it, two wait */
    }
    bight_testing_settle(reactor, 1);
    ck_assert_int_eq(awaits, 3 + 1 + MAX_RESUMED);
    ck_assert(!bight_lock_is_locked(locks[0]));
    for (int i = 0; i < 3; i++) {
        release_failed(outers[i], BIGHT_E_CANCELLED);
    }
    end_meeting();
}
END_TEST

START_TEST(freeing_the_reactor_ends_those_who_answer_each_other) /* D35, D36 */
{
    begin_meeting(0);
    let_through(20);
    end_meeting();
    ck_assert_int_eq(reports, 0);
}
END_TEST

static void lock_in_spite_of_cancels(struct bight_result *result, void *context)
{
    (void)context;
    while (!is_over) {
        if (bight_await(bight_lock_acquire(locks[0]), result) == 0) {
            bight_lock_release(locks[0]);
        }
    }
}

START_TEST(those_who_answer_each_other_and_will_not_end_are_left_behind) /* D36 */
{
    begin_coroutines(0);
    is_over = false;
    locks[0] = bight_lock_new();
    ck_assert(bight_lock_try_acquire(locks[0]));
    for (int i = 0; i < 3; i++) {
        bight_deferred_release(bight_spawn(reactor, lock_in_spite_of_cancels, NULL));
    }
    bight_lock_release(locks[0]);
    bight_reactor_free(reactor);
    ck_assert_int_eq(reports, 3);
    bight_lock_free(locks[0]);
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
    tcase_add_loop_test(
        tests, those_who_answer_each_other_for_ever_leave_turns_to_timers, 0, sizeof meetings / sizeof meetings[0]);
    tcase_add_test(tests, each_is_let_through_once_and_then_so_many_in_all);
    tcase_add_test(tests, no_number_of_those_who_wait_once_takes_a_turn);
    tcase_add_test(tests, whoever_puts_many_values_in_a_row_sees_each_heard_at_once);
    tcase_add_test(tests, a_loop_whose_handler_waited_is_bounded_all_the_same);
    tcase_add_test(tests, a_cancel_of_one_that_was_resumed_too_often_lets_the_next_through);
    tcase_add_test(tests, freeing_the_reactor_ends_those_who_answer_each_other);
    tcase_add_test(tests, those_who_answer_each_other_and_will_not_end_are_left_behind);
}

BIGHT_TEST_MAIN("coroutine_turns", add_tests)
