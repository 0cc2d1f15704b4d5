/* SPDX-License-Identifier: MIT */
/* How coroutines are cancelled (D36), and how they end with a scope (D37) or with their reactor. */
#include "coroutine_support.h"

#include <bight/testing.h>

#define STEPS 5

/* --------------------------------------------------------------------------------------- cancelling */

static int steps_done;

static void await_steps(struct bight_result *result, void *context)
{
    (void)context;
    for (int i = 0; i < STEPS; i++) {
        int code = bight_await(deferreds[i], result);
        if (code != 0) {
            ck_assert_int_eq(code, BIGHT_E_CANCELLED);
            return;
        }
        steps_done++;
    }
}

START_TEST(a_cancel_is_seen_at_each_await) /* D36 */
{
    bight_deferred_set_debug(false);
    for (int at = 0; at < STEPS; at++) {
        begin_coroutines(STEPS);
        steps_done = 0;
        struct bight_deferred *outer = bight_spawn(reactor, await_steps, NULL);
        for (int i = 0; i < at; i++) {
            fire(promises[i], i);
        }
        bight_deferred_cancel(outer);
        ck_assert_int_eq(steps_done, at);
        ck_assert_int_ne(fire(promises[at], 1), BIGHT_OK); /* it went to what was awaited */
        release_failed(outer, BIGHT_E_CANCELLED);
        for (int i = at + 1; i < STEPS; i++) {
            bight_deferred_release(deferreds[i]);
        }
        end_coroutines();
    }
}
END_TEST

/* Does not mind being cancelled. */
static void go_on(struct bight_result *result, void *context)
{
    (void)context;
    for (int i = 0; i < 2; i++) {
        (void)bight_await(deferreds[i], result);
        seen(result, NAME("got"));
    }
}

START_TEST(a_body_may_handle_the_cancel_and_go_on) /* D36 */
{
    begin_coroutines(2);
    struct bight_deferred *outer = bight_spawn(reactor, go_on, NULL);
    bight_deferred_cancel(outer);
    ck_trace("got=CANCELLED ");
    ck_assert(!bight_deferred_has_fired(outer));
    fire(promises[1], 4);
    ck_trace("got=4 ");
    release_with(outer, 4);
    end_coroutines();
}
END_TEST

START_TEST(a_further_cancel_goes_to_what_is_awaited_then) /* D36, D16 */
{
    begin_coroutines(2);
    struct bight_deferred *outer = bight_spawn(reactor, go_on, NULL);
    bight_deferred_cancel(outer);
    bight_deferred_cancel(outer);
    ck_trace("got=CANCELLED got=CANCELLED ");
    bight_deferred_cancel(outer); /* it has ended */
    release_failed(outer, BIGHT_E_CANCELLED);
    end_coroutines();
}
END_TEST

static void answer_nine(struct bight_promise promise, void *context)
{
    (void)context;
    fire(promise, 9);
}

START_TEST(what_a_canceller_fires_is_what_the_body_sees) /* D36, D14 */
{
    struct bight_promise promise;
    begin_coroutines(0);
    struct bight_deferred *outer = spawn_await(bight_deferred_new(&promise, answer_nine, NULL));
    bight_deferred_cancel(outer);
    ck_trace("in got=9 ");
    release_with(outer, 9);
    end_coroutines();
}
END_TEST

START_TEST(a_cancel_goes_through_coroutines_to_the_last) /* D36, D16 */
{
    begin_coroutines(1);
    struct bight_deferred *outer = spawn_await(spawn_await(spawn_await(deferreds[0])));
    bight_deferred_cancel(outer);
    ck_trace("in in in got=CANCELLED got=CANCELLED got=CANCELLED ");
    release_failed(outer, BIGHT_E_CANCELLED);
    end_coroutines();
}
END_TEST

static struct bight_deferred *own_outer;

static void cancel_oneself(struct bight_result *result, void *context)
{
    (void)context;
    (void)bight_await(deferreds[0], result);
    bight_deferred_cancel(own_outer);
    note("running ");
    ck_assert_int_eq(bight_await(bight_succeed(NULL, NULL), result), BIGHT_OK);
    ck_assert_int_eq(bight_await(deferreds[1], result), BIGHT_E_CANCELLED);
    ck_assert_int_eq(bight_await(deferreds[2], result), BIGHT_OK); /* once */
}

START_TEST(while_the_body_runs_the_next_await_that_would_wait_is_cancelled) /* D36 */
{
    begin_coroutines(3);
    own_outer = bight_spawn(reactor, cancel_oneself, NULL);
    fire(promises[0], 0);
    ck_trace("running ");
    fire(promises[2], 2);
    release_with(own_outer, 2);
    end_coroutines();
}
END_TEST

static void cancel_and_return(struct bight_result *result, void *context)
{
    (void)bight_await(context, result);
    bight_deferred_cancel(own_outer);
}

START_TEST(a_cancel_that_comes_too_late_changes_nothing) /* D36, D15 */
{
    begin_coroutines(1);
    own_outer = bight_spawn(reactor, cancel_and_return, deferreds[0]);
    fire(promises[0], 3);
    release_with(own_outer, 3);
    end_coroutines();
}
END_TEST

static void cancel_other(struct bight_result *result, void *context)
{
    (void)bight_await(deferreds[0], result);
    bight_deferred_cancel(context);
    note("cancelled ");
}

START_TEST(one_coroutine_cancels_another_that_waits) /* D36 */
{
    begin_coroutines(2);
    struct bight_deferred *victim = spawn_await(deferreds[1]);
    struct bight_deferred *outer = bight_spawn(reactor, cancel_other, victim);
    fire(promises[0], 1);
    ck_trace("in got=CANCELLED cancelled ");
    release_failed(victim, BIGHT_E_CANCELLED);
    bight_deferred_release(outer);
    end_coroutines();
}
END_TEST

static void cancel_the_outer(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_deferred_cancel(own_outer);
}

static void fire_and_await(struct bight_result *result, void *context)
{
    (void)context;
    (void)bight_await(deferreds[0], result);
    fire(promises[1], 1); /* whose handler cancels this very coroutine */
    (void)bight_await(deferreds[2], result);
}

START_TEST(a_handler_that_the_body_runs_may_cancel_it) /* D36 */
{
    begin_coroutines(3);
    bight_deferred_add_both(deferreds[1], cancel_the_outer, NULL);
    own_outer = bight_spawn(reactor, fire_and_await, NULL);
    fire(promises[0], 1);
    release_failed(own_outer, BIGHT_E_CANCELLED);
    bight_deferred_release(deferreds[1]);
    end_coroutines();
}
END_TEST

START_TEST(a_timeout_covers_the_body) /* D17, D36 */
{
    begin_coroutines(0);
    struct bight_reactor *real = reactor;
    struct bight_promise promise;
    reactor = bight_testing_reactor_new();
    struct bight_deferred *outer = spawn_await(bight_deferred_new(&promise, NULL, NULL));
    bight_deferred_add_timeout(outer, 2.0, bight_reactor_clock(reactor));
    bight_testing_advance(reactor, 1.9);
    ck_trace("in ");
    bight_testing_advance(reactor, 0.1);
    ck_trace("got=CANCELLED ");
    release_failed(outer, BIGHT_E_TIMED_OUT);
    bight_reactor_free(reactor);
    reactor = real;
    end_coroutines();
}
END_TEST

/* ------------------------------------------------------------------------------------------- scopes */

/* Goes on after a cancel, as if to clean up. */
static void clean_up(struct bight_result *result, void *context)
{
    (void)context;
    (void)bight_await(deferreds[0], result);
    seen(result, NAME("got"));
    (void)bight_await(deferreds[1], result);
    note("clean ");
}

START_TEST(a_scope_cancels_the_body_and_waits_for_its_end) /* D37, D32 */
{
    begin_coroutines(2);
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    bight_deferred_release(bight_spawn_in_scope(scope, reactor, clean_up, NULL));
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    struct bight_deferred *closed = bight_scope_close(scope, 10);
    ck_trace("got=CANCELLED ");
    ck_assert(!bight_deferred_has_fired(closed));
    fire(promises[1], 1);
    ck_trace("clean ");
    ck_assert(bight_deferred_has_fired(closed));
    bight_deferred_release(closed);
    bight_scope_free(scope);
    end_coroutines(); /* nothing was reported: the owner's end is no news */
}
END_TEST

START_TEST(a_scope_that_is_freed_cancels_the_body_until_it_ends) /* D37 */
{
    begin_coroutines(2);
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    struct bight_deferred *outer = bight_spawn_in_scope_full(scope, reactor, clean_up, NAME("context"), released);
    bight_scope_free(scope);
    ck_trace("got=CANCELLED clean ~context ");
    release_failed(outer, BIGHT_E_CANCELLED);
    end_coroutines();
}
END_TEST

START_TEST(a_scope_that_is_closing_starts_nothing) /* D37, D33 */
{
    begin_coroutines(1);
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    bight_deferred_release(bight_scope_close(scope, 0));
    release_failed(bight_spawn_in_scope_full(scope, reactor, await_it, NAME("context"), released), BIGHT_E_CANCELLED);
    ck_trace("~context ");
    bight_scope_free(scope);
    bight_deferred_release(deferreds[0]);
    end_coroutines();
}
END_TEST

static void close_own_scope(struct bight_result *result, void *context)
{
    struct bight_deferred *closed = bight_scope_close(context, 10);
    ck_assert(!bight_deferred_has_fired(closed));
    bight_deferred_release(closed);
    ck_assert_int_eq(bight_await(deferreds[0], result), BIGHT_E_CANCELLED);
    bight_result_clear(result);
    note("body ");
}

START_TEST(a_body_may_close_its_own_scope) /* D37 */
{
    begin_coroutines(1);
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    bight_deferred_release(bight_spawn_in_scope(scope, reactor, close_own_scope, scope));
    ck_trace("body ");
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_scope_free(scope);
    end_coroutines();
}
END_TEST

static void free_own_scope(struct bight_result *result, void *context)
{
    (void)result;
    bight_scope_free(context);
    note("freed ");
}

START_TEST(a_body_that_never_waits_may_free_its_scope) /* D37 */
{
    begin_coroutines(0);
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    struct bight_deferred *outer = bight_spawn_in_scope(scope, reactor, free_own_scope, scope);
    ck_trace("freed ");
    ck_assert(bight_result_is_empty(bight_deferred_result(outer)));
    bight_deferred_release(outer);
    end_coroutines();
}
END_TEST

/* ------------------------------------------------------------------------------------- the reactor */

static void stop(void *context)
{
    ck_assert_int_eq(bight_reactor_stop(context), 0);
}

START_TEST(the_end_of_a_run_unwinds_what_is_parked) /* R3, D36 */
{
    begin_coroutines(2);
    bight_deferred_release(spawn_await(deferreds[0]));
    bight_deferred_release(spawn_await(deferreds[1]));
    bight_call_when_running(reactor, stop, reactor);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_trace("in in got=CANCELLED got=CANCELLED ");
    end_coroutines();
}
END_TEST

START_TEST(freeing_the_reactor_unwinds_what_is_parked) /* D36 */
{
    begin_coroutines(3);
    struct bight_deferred *outer = spawn_await(spawn_await(deferreds[2]));
    bight_deferred_release(bight_spawn_full(reactor, clean_up, NAME("context"), released));
    bight_reactor_free(reactor);
    ck_trace("in in got=CANCELLED got=CANCELLED got=CANCELLED clean ~context ");
    release_failed(outer, BIGHT_E_CANCELLED);
    ck_assert_int_eq(reports, 0);
}
END_TEST

static int releases;

static void count_released(void *context)
{
    (void)context;
    releases++;
}

static void await_times(struct bight_result *result, void *context)
{
    struct bight_promise promise;
    for (size_t i = 0; i < (size_t)context; i++) {
        (void)bight_await(bight_deferred_new(&promise, NULL, NULL), result);
    }
}

START_TEST(a_body_that_waits_on_for_a_while_is_cancelled_again) /* D36 */
{
    begin_coroutines(0);
    bight_deferred_release(bight_spawn(reactor, await_times, (void *)(uintptr_t)4));
    bight_call_when_running(reactor, stop, reactor);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    bight_deferred_release(bight_spawn(reactor, await_times, (void *)(uintptr_t)12));
    bight_reactor_free(reactor);
    ck_assert_int_eq(reports, 0);
}
END_TEST

START_TEST(a_body_that_waits_on_for_ever_is_reported_and_left_behind) /* D36, D31 */
{
    begin_coroutines(0);
    struct bight_deferred *outer = bight_spawn_full(reactor, await_times, (void *)(uintptr_t)SIZE_MAX, count_released);
    bight_reactor_free(reactor);
    ck_assert_int_eq(reports, 1);
    ck_assert_ptr_nonnull(strstr(last_message, "waits at "));
    ck_assert_ptr_nonnull(strstr(last_message, "test_coroutine_end.c"));
    ck_assert_int_eq(releases, 1);
    release_failed(outer, BIGHT_E_ABANDONED);
}
END_TEST

START_TEST(one_that_awaits_what_others_keep_paused_is_left_behind_unharmed) /* D36, D11 */
{
    begin_coroutines(1);
    struct bight_deferred *held = bight_deferred_hold(deferreds[0]);
    struct bight_deferred *after = bight_deferred_hold(held);
    bight_deferred_pause(held);
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    struct bight_deferred *second = spawn_await(after);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    bight_reactor_free(reactor);
    ck_assert_int_eq(reports, 2);
    ck_trace("in in outer=ABANDONED ");
    bight_deferred_unpause(held);
    ck_trace("");
    release_failed(held, BIGHT_E_CANCELLED);
    release_failed(outer, BIGHT_E_ABANDONED);
    release_failed(second, BIGHT_E_ABANDONED);
}
END_TEST

static void spawn_at_the_end(struct bight_result *result, void *context)
{
    (void)bight_await(context, result);
    release_failed(spawn_await(bight_succeed(NULL, NULL)), BIGHT_E_SHUTDOWN);
    note("refused ");
}

START_TEST(nothing_is_spawned_while_the_reactor_ends) /* D35, R3 */
{
    begin_coroutines(2);
    bight_deferred_release(bight_spawn(reactor, spawn_at_the_end, deferreds[0]));
    bight_call_when_running(reactor, stop, reactor);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_trace("refused ");
    bight_deferred_release(bight_spawn(reactor, spawn_at_the_end, deferreds[1]));
    bight_reactor_free(reactor);
    ck_trace("refused ");
    ck_assert_int_eq(usage_errors, 0);
}
END_TEST

/* A Deferred that a timer's end abandons. */
static void abandon(void *context)
{
    bight_abandon(*(struct bight_promise *)context);
}

static void never(void *context)
{
    (void)context;
    ck_abort();
}

static void give_up_timer(struct bight_promise promise, void *context)
{
    (void)promise;
    bight_timer_cancel(*(struct bight_timer *)context);
}

START_TEST(what_is_awaited_may_go_with_the_reactor_by_itself) /* D31, D36 */
{
    static struct bight_timer timer;
    static struct bight_promise promise;
    begin_coroutines(0);
    struct bight_deferred *deferred = bight_deferred_new(&promise, give_up_timer, &timer);
    ck_assert_int_eq(bight_call_later_full(reactor, 100, never, &promise, abandon, &timer), 0);
    struct bight_deferred *outer = spawn_await(deferred);
    bight_reactor_free(reactor);
    ck_trace("in got=ABANDONED ");
    release_failed(outer, BIGHT_E_ABANDONED);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_cancel_is_seen_at_each_await);
    tcase_add_test(tests, a_body_may_handle_the_cancel_and_go_on);
    tcase_add_test(tests, a_further_cancel_goes_to_what_is_awaited_then);
    tcase_add_test(tests, what_a_canceller_fires_is_what_the_body_sees);
    tcase_add_test(tests, a_cancel_goes_through_coroutines_to_the_last);
    tcase_add_test(tests, while_the_body_runs_the_next_await_that_would_wait_is_cancelled);
    tcase_add_test(tests, a_cancel_that_comes_too_late_changes_nothing);
    tcase_add_test(tests, one_coroutine_cancels_another_that_waits);
    tcase_add_test(tests, a_handler_that_the_body_runs_may_cancel_it);
    tcase_add_test(tests, a_timeout_covers_the_body);
    tcase_add_test(tests, a_scope_cancels_the_body_and_waits_for_its_end);
    tcase_add_test(tests, a_scope_that_is_freed_cancels_the_body_until_it_ends);
    tcase_add_test(tests, a_scope_that_is_closing_starts_nothing);
    tcase_add_test(tests, a_body_may_close_its_own_scope);
    tcase_add_test(tests, a_body_that_never_waits_may_free_its_scope);
    tcase_add_test(tests, the_end_of_a_run_unwinds_what_is_parked);
    tcase_add_test(tests, freeing_the_reactor_unwinds_what_is_parked);
    tcase_add_test(tests, a_body_that_waits_on_for_a_while_is_cancelled_again);
    tcase_add_test(tests, a_body_that_waits_on_for_ever_is_reported_and_left_behind);
    tcase_add_test(tests, one_that_awaits_what_others_keep_paused_is_left_behind_unharmed);
    tcase_add_test(tests, nothing_is_spawned_while_the_reactor_ends);
    tcase_add_test(tests, what_is_awaited_may_go_with_the_reactor_by_itself);
}

BIGHT_TEST_MAIN("coroutine_end", add_tests)
