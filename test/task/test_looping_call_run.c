/* SPDX-License-Identifier: MIT */
/* test_looping_call_run.c - how a looping call's run ends: cancelled, freed, from inside, by its scope, when out of
 * memory.
 */
#include "looping_call_support.h"

#include "faults.h"

static bool asks_to_be_called; /* when it starts itself again */

/* -------------------------------------------------------------------------- cancelling and freeing */

START_TEST(cancelling_the_run_stops_it) /* R11 D13 */
{
    make(note_call);
    start(2, true);
    bight_deferred_cancel(run);
    ck_trace("0 run=CANCELLED ");
    ck_assert(!bight_looping_call_is_running(call));
    ck_assert_uint_eq(timers_pending(), 0);
    let_go();
    ck_assert_int_eq(usage_errors, 0);
}
END_TEST

START_TEST(cancelling_the_run_cancels_the_call_under_way) /* R11 D16 */
{
    make(waits);
    start(2, true);
    bight_deferred_cancel(run);
    ck_trace("0 run=CANCELLED ");
    ck_assert(!bight_promise_is_open(answer));
    let_go();
    ck_trace("~context ");
}
END_TEST

static struct bight_deferred *refuses_to_end(struct bight_looping_call *which, void *context)
{
    struct bight_deferred *deferred = waits(which, context);
    return bight_deferred_hold(deferred);
}

/* A paused Deferred is the simplest that outlives its cancel. */
START_TEST(a_cancelled_run_may_be_over_before_its_call) /* R11 */
{
    make(refuses_to_end);
    start(2, true);
    struct bight_deferred *slow = answer.slot;
    bight_deferred_pause(slow);
    bight_deferred_cancel(run);
    ck_trace("0 run=CANCELLED ");
    bight_deferred_release(run);
    start(1, true);
    ck_trace("");
    advance(3.5);
    ck_trace("");
    bight_deferred_unpause(slow);
    bight_deferred_release(slow);
    ck_trace("run=CANCELLED ");
    let_go();
    ck_trace("~context ");
}
END_TEST

START_TEST(freeing_abandons_the_run) /* R11 D28 */
{
    make(note_call);
    start(2, true);
    let_go();
    ck_trace("0 run=ABANDONED ~context ");
}
END_TEST

START_TEST(freeing_cancels_the_call_under_way_and_waits_for_it) /* R11 D33 */
{
    make(waits);
    start(2, true);
    let_go();
    ck_trace("0 run=ABANDONED ~context ");
    ck_assert(!bight_promise_is_open(answer));
    make(refuses_to_end);
    start(2, true);
    struct bight_deferred *slow = answer.slot;
    bight_deferred_pause(slow);
    let_go();
    ck_trace("0 run=ABANDONED ");
    bight_deferred_unpause(slow);
    ck_trace("~context ");
    bight_deferred_release(slow);
}
END_TEST

/* ------------------------------------------------------------------------------ inside the function */

static void stop_inside(void)
{
    ck_assert_int_eq(bight_looping_call_stop(call), 0);
    note("stopped ");
}

static void free_inside(void)
{
    bight_looping_call_free(call);
    note("freed ");
}

static void free_twice_inside(void)
{
    free_inside();
    free_inside();
}

static void reset_inside(void)
{
    test_clock.now += 500000000;
    ck_assert_int_eq(bight_looping_call_reset(call), 0);
}

static void cancel_inside(void)
{
    bight_deferred_cancel(run);
    note("cancelled ");
}

static void restart_inside(void)
{
    stop_inside();
    bight_deferred_release(run);
    start(3, asks_to_be_called);
    note("restarted ");
}

START_TEST(the_function_may_stop_its_loop) /* R11 */
{
    make(note_call);
    script[1] = stop_inside;
    start(1, true);
    steps(1, 3);
    ck_trace("0 1 stopped run=- ");
    let_go();
}
END_TEST

START_TEST(stopped_inside_the_run_ends_after_the_call) /* R11 */
{
    make(waits);
    script[1] = stop_inside;
    start(1, true);
    fire(answer, 0);
    steps(1, 3);
    ck_trace("0 1 stopped ");
    fire(answer, 0);
    ck_trace("run=- ");
    let_go();
}
END_TEST

START_TEST(the_function_may_free_its_loop) /* R11 */
{
    make(note_call);
    script[1] = free_inside;
    start(1, true);
    steps(1, 3);
    ck_trace("0 1 run=ABANDONED freed ~context ");
    bight_deferred_release(run);
}
END_TEST

START_TEST(freeing_it_twice_inside_is_misuse) /* R11 */
{
    make(note_call);
    script[0] = free_twice_inside;
    start(1, false);
    advance(1);
    ck_trace("1 run=ABANDONED freed freed ~context ");
    ck_assert_int_eq(usage_errors, 1);
    bight_deferred_release(run);
}
END_TEST

START_TEST(freed_inside_what_the_call_began_is_cancelled) /* R11 */
{
    make(waits);
    script[1] = free_inside;
    start(1, true);
    fire(answer, 0);
    advance(1);
    ck_trace("0 1 run=ABANDONED freed ~context ");
    ck_assert(!bight_promise_is_open(answer));
    bight_deferred_release(run);
}
END_TEST

START_TEST(freed_by_its_first_call_start_still_gives_a_deferred) /* R11 */
{
    make(note_call);
    script[0] = free_inside;
    struct bight_deferred *first = bight_looping_call_start(call, 1, true);
    ck_trace("0 freed ~context ");
    release_failed(first, BIGHT_E_ABANDONED);
}
END_TEST

START_TEST(the_function_may_reset_its_loop) /* R11 */
{
    make(note_call);
    script[1] = reset_inside;
    start(1, true);
    advance(1);
    steps(0.5, 4);
    ck_trace("0 1 2.5 3.5 ");
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

START_TEST(the_function_may_cancel_its_run) /* R11 */
{
    make(waits);
    script[1] = cancel_inside;
    start(1, true);
    fire(answer, 0);
    steps(1, 3);
    ck_trace("0 1 run=CANCELLED cancelled ");
    ck_assert(!bight_promise_is_open(answer));
    let_go();
}
END_TEST

START_TEST(the_function_may_start_its_loop_again) /* R11 */
{
    make(note_call);
    script[1] = restart_inside;
    start(1, true);
    steps(1, 5);
    ck_trace("0 1 stopped run=- restarted 4 ");
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

START_TEST(started_again_at_once_it_is_not_called_inside_itself) /* R11 */
{
    make(waits);
    asks_to_be_called = true;
    script[1] = restart_inside;
    start(1, true);
    fire(answer, 0);
    advance(1);
    ck_trace("0 1 stopped run=- restarted ");
    advance(0.5);
    ck_trace("");
    fire(answer, 0);
    ck_trace("");
    advance(0);
    ck_trace("1.5 ");
    fire(answer, 0);
    advance(2.5);
    ck_trace("4 ");
    fire_failure(answer, APPLICATION);
    ck_trace("run=APPLICATION ");
    let_go();
}
END_TEST

static void start_again(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_deferred_release(run);
    start(1, true);
}

START_TEST(whoever_hears_of_the_end_may_start_it_again) /* R11 */
{
    make(note_call);
    start(1, true);
    bight_deferred_add_both(run, start_again, NULL);
    bight_looping_call_stop(call);
    ck_trace("0 run=- 0 ");
    advance(1);
    ck_trace("1 ");
    bight_looping_call_stop(call);
    let_go();
}
END_TEST

static void free_it(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_looping_call_free(call);
}

START_TEST(whoever_hears_of_the_end_may_free_it) /* R11 */
{
    make(waits);
    start(1, true);
    bight_deferred_add_both(run, free_it, NULL);
    fire_failure(answer, APPLICATION);
    ck_trace("0 run=APPLICATION ~context ");
    bight_deferred_release(run);
    make(note_call);
    start(1, true);
    bight_deferred_add_both(run, free_it, NULL);
    bight_looping_call_stop(call);
    ck_trace("0 run=- ~context ");
    bight_deferred_release(run);
}
END_TEST

/* ------------------------------------------------------------------------------------------- scopes */

START_TEST(a_scope_stops_it_and_waits_for_the_call_under_way) /* R11 D37 */
{
    struct bight_scope *scope = bight_scope_new(&test_clock.base);
    make(waits);
    start(1, true);
    ck_assert_int_eq(bight_looping_call_join_scope(call, scope), 0);
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    struct bight_deferred *closed = bight_scope_close(scope, 5);
    bight_deferred_add_both(closed, seen, NAME("closed"));
    bight_deferred_release(closed);
    ck_trace("0 ");
    ck_assert(!bight_looping_call_is_running(call));
    fire(answer, 0);
    ck_trace("run=- closed=- ");
    release_failed(bight_looping_call_start(call, 1, true), BIGHT_E_CANCELLED);
    ck_trace("");
    ck_assert_int_eq(bight_looping_call_join_scope(call, scope), BIGHT_E_CANCELLED);
    release_failed(bight_looping_call_start(call, 1, true), BIGHT_E_CANCELLED);
    bight_scope_free(scope);
    let_go();
}
END_TEST

START_TEST(a_scope_that_aborts_cancels_the_call_under_way) /* R11 D37 */
{
    struct bight_scope *scope = bight_scope_new(&test_clock.base);
    make(waits);
    start(1, true);
    bight_looping_call_join_scope(call, scope);
    bight_deferred_release(bight_scope_close(scope, 5));
    advance(5);
    ck_trace("0 run=CANCELLED ");
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_scope_free(scope);
    let_go();
}
END_TEST

START_TEST(an_idle_or_freed_one_does_not_keep_its_scope) /* R11 D37 */
{
    struct bight_scope *scope = bight_scope_new(&test_clock.base);
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    make(note_call);
    bight_looping_call_join_scope(call, scope);
    bight_looping_call_join_scope(call, NULL);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_looping_call_join_scope(call, scope);
    bight_scope_free(scope);
    ck_assert_int_eq(bight_looping_call_join_scope(call, other), 0);
    start(1, true);
    ck_trace("0 ");
    let_go();
    ck_assert_uint_eq(bight_scope_count(other), 0);
    bight_scope_free(other);
    ck_trace("run=ABANDONED ~context ");
}
END_TEST

static void free_with_scope(struct bight_result *result, void *context)
{
    (void)result;
    bight_looping_call_free(call);
    bight_scope_free(context);
}

START_TEST(whoever_hears_of_the_scope_s_end_may_free_both) /* R11 D37 */
{
    struct bight_scope *scope = bight_scope_new(&test_clock.base);
    make(waits);
    start(1, true);
    bight_looping_call_join_scope(call, scope);
    struct bight_deferred *closed = bight_scope_close(scope, 5);
    bight_deferred_add_both(closed, free_with_scope, scope);
    bight_deferred_release(closed);
    fire(answer, 0);
    ck_trace("0 run=- ~context ");
    bight_deferred_release(run);
}
END_TEST

/* ------------------------------------------------------------------------------------------- memory */

static struct bight_deferred *gives_or_waits(struct bight_looping_call *which, void *context)
{
    (void)which;
    (void)context;
    return ++calls % 2 == 0 ? bight_sleep(&test_clock.base, 0.25) : NULL;
}

static void use_a_loop(void)
{
    call = bight_looping_call_new(&test_clock.base, gives_or_waits, NULL);
    if (call == NULL) {
        return;
    }
    start(1, true);
    steps(0.5, 8);
    bight_looping_call_stop(call);
    let_go();
    steps(0.5, 2);
    traced = 0;
    trace[0] = '\0';
}

START_TEST(each_allocation_may_fail) /* R11 D34 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    use_a_loop();
    unsigned count = memory.asked;
    ck_assert_uint_gt(count, 4);
    for (unsigned n = 1; n <= count; n++) {
        bight_test_fail_nth(&memory, n);
        use_a_loop();
        ck_assert_int_eq(memory.out, 0);
        ck_assert_uint_eq(timers_pending(), 0);
    }
    bight_set_allocator(NULL);
    reports = 0;
}
END_TEST

/* Returns a Deferred with as many handlers as it has room for, and no memory for one more. */
static struct bight_deferred *full(struct bight_looping_call *which, void *context)
{
    static struct bight_test_memory memory;
    struct bight_deferred *deferred = waits(which, context);
    for (int i = 0; i < 4; i++) {
        bight_deferred_add_errback(deferred, cleared, NULL);
    }
    bight_test_fail_nth(&memory, 1);
    return deferred;
}

START_TEST(no_memory_to_wait_for_the_call_ends_the_loop_and_cancels_it) /* R11 */
{
    make(full);
    start(1, false);
    advance(1);
    bight_set_allocator(NULL);
    ck_trace("1 run=OUT_OF_MEMORY ");
    ck_assert(!bight_promise_is_open(answer));
    let_go();
}
END_TEST

static int full_call_at(struct bight_clock *clock, uint64_t deadline, bight_timer_function function, void *context,
    bight_release_function release, struct bight_timer *timer)
{
    static int granted = 1;
    return granted-- > 0 ? test_clock_call_at(clock, deadline, function, context, release, timer)
                         : BIGHT_E_OUT_OF_MEMORY;
}

START_TEST(no_memory_for_the_next_tick_ends_the_loop) /* R11 */
{
    struct bight_clock_ops full = test_clock_ops;
    full.call_at = full_call_at;
    test_clock.base.ops = &full;
    make(note_call);
    start(1, true);
    ck_trace("0 ");
    advance(1);
    ck_trace("1 run=OUT_OF_MEMORY ");
    ck_assert(!bight_looping_call_is_running(call));
    test_clock.base.ops = &test_clock_ops;
    let_go();
}
END_TEST

static void add_run_tests(TCase *tests)
{
    tcase_add_test(tests, cancelling_the_run_stops_it);
    tcase_add_test(tests, cancelling_the_run_cancels_the_call_under_way);
    tcase_add_test(tests, a_cancelled_run_may_be_over_before_its_call);
    tcase_add_test(tests, freeing_abandons_the_run);
    tcase_add_test(tests, freeing_cancels_the_call_under_way_and_waits_for_it);
    tcase_add_test(tests, the_function_may_stop_its_loop);
    tcase_add_test(tests, stopped_inside_the_run_ends_after_the_call);
    tcase_add_test(tests, the_function_may_free_its_loop);
    tcase_add_test(tests, freeing_it_twice_inside_is_misuse);
    tcase_add_test(tests, freed_inside_what_the_call_began_is_cancelled);
    tcase_add_test(tests, freed_by_its_first_call_start_still_gives_a_deferred);
    tcase_add_test(tests, the_function_may_reset_its_loop);
    tcase_add_test(tests, the_function_may_cancel_its_run);
    tcase_add_test(tests, the_function_may_start_its_loop_again);
    tcase_add_test(tests, started_again_at_once_it_is_not_called_inside_itself);
    tcase_add_test(tests, whoever_hears_of_the_end_may_start_it_again);
    tcase_add_test(tests, whoever_hears_of_the_end_may_free_it);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    add_run_tests(tests);
    tcase_add_test(tests, a_scope_stops_it_and_waits_for_the_call_under_way);
    tcase_add_test(tests, a_scope_that_aborts_cancels_the_call_under_way);
    tcase_add_test(tests, an_idle_or_freed_one_does_not_keep_its_scope);
    tcase_add_test(tests, whoever_hears_of_the_scope_s_end_may_free_both);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, no_memory_to_wait_for_the_call_ends_the_loop_and_cancels_it);
    tcase_add_test(tests, no_memory_for_the_next_tick_ends_the_loop);
}

BIGHT_TEST_MAIN("looping call run", add_tests)
