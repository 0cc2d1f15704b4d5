/* SPDX-License-Identifier: MIT */
/* test_cooperator_end.c - cooperative tasks: pausing, stopping, how they end and who is notified of it. */
#include "cooperator_support.h"

#include "faults.h"

/* ---------------------------------------------------------------------------- pausing, stopping, end */

START_TEST(pauses_count) /* R12 */
{
    struct work a = { "a", .steps = 2 };
    struct bight_cooperative_task *task = begin_work(&a);
    watch(task, "A");
    ck_assert_int_eq(bight_cooperative_task_resume(task), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_cooperative_task_pause(task), 0);
    ck_assert_int_eq(bight_cooperative_task_pause(task), 0);
    turn();
    ck_assert_int_eq(bight_cooperative_task_resume(task), 0);
    turn();
    ck_trace("");
    ck_assert_int_eq(bight_cooperative_task_resume(task), 0);
    ck_trace("");
    turn();
    ck_trace("aaA=- ");
    ck_assert_int_eq(bight_cooperative_task_pause(task), BIGHT_E_STALE);
    ck_assert_int_eq(bight_cooperative_task_resume(task), BIGHT_E_STALE);
    ck_assert_int_eq(bight_cooperative_task_stop(task), BIGHT_E_STALE);
    bight_cooperative_task_release(task);
}
END_TEST

static void pause_it(struct bight_cooperative_task *task)
{
    bight_cooperative_task_pause(task);
}

START_TEST(a_step_may_pause_its_task) /* R12 */
{
    struct work a = { "a", .steps = 2, .act = pause_it };
    struct bight_cooperative_task *task = begin_work(&a);
    watch(task, "A");
    turn();
    turn();
    ck_trace("a");
    bight_cooperative_task_resume(task);
    turn();
    ck_trace("aA=- ");
    bight_cooperative_task_release(task);
}
END_TEST

START_TEST(paused_while_it_waits_it_goes_on_when_both_are_over) /* R12 */
{
    struct work a = { "a", .steps = 2, .act = wait_for_answer };
    struct bight_cooperative_task *task = begin_work(&a);
    turn();
    bight_cooperative_task_pause(task);
    fire(answer, 0);
    turn();
    ck_trace("a");
    bight_cooperative_task_resume(task);
    turn();
    ck_trace("a");
    bight_cooperative_task_pause(task);
    bight_cooperative_task_resume(task);
    turn();
    ck_trace("");
    bight_cooperative_task_stop(task);
    bight_cooperative_task_release(task);
}
END_TEST

START_TEST(stopping_ends_it_as_cancelled) /* R12 */
{
    struct work a = { "a", .steps = 5 }, unheard = { "u", .steps = 5 };
    struct bight_cooperative_task *task = begin_work(&a), *other = begin_work(&unheard);
    watch(task, "A");
    ck_assert_int_eq(bight_cooperative_task_stop(task), 0);
    ck_assert_int_eq(bight_cooperative_task_stop(other), 0);
    ck_trace("A=CANCELLED ");
    ck_assert(a.is_released);
    bight_cooperative_task_release(task);
    bight_cooperative_task_release(other);
    turn();
    ck_trace("");
}
END_TEST

START_TEST(no_timer_is_left_when_the_last_that_was_ready_is_stopped_or_paused) /* R12 */
{
    struct work a = { "a", .steps = 5 }, b = { "b", .steps = 5 };
    struct bight_cooperative_task *task = begin_work(&a), *other = begin_work(&b);
    ck_assert_int_eq(bight_cooperative_task_stop(task), 0);
    ck_assert_uint_eq(timers_pending(), 1);
    ck_assert_int_eq(bight_cooperative_task_pause(other), 0);
    ck_assert_uint_eq(timers_pending(), 0);
    ck_assert_int_eq(bight_cooperative_task_resume(other), 0);
    ck_assert_uint_eq(timers_pending(), 1);
    ck_assert_int_eq(bight_cooperative_task_stop(other), 0);
    ck_assert_uint_eq(timers_pending(), 0);
    ck_trace("");
    bight_cooperative_task_release(task);
    bight_cooperative_task_release(other);
}
END_TEST

START_TEST(stopping_cancels_what_it_waits_for) /* R12 */
{
    struct work a = { "a", .steps = 5, .act = wait_for_answer };
    struct bight_cooperative_task *task = begin_work(&a);
    watch(task, "A");
    turn();
    bight_cooperative_task_stop(task);
    ck_assert(!bight_promise_is_open(answer));
    ck_trace("aA=CANCELLED ");
    ck_assert(a.is_released);
    bight_cooperative_task_release(task);
}
END_TEST

START_TEST(the_context_stays_until_what_it_waits_for_has_gone) /* R12 D33 */
{
    struct work a = { "a", .steps = 5, .act = wait_for_answer };
    struct bight_cooperative_task *task = begin_work(&a);
    turn();
    struct bight_deferred *slow = bight_deferred_hold(answer.slot);
    bight_deferred_pause(slow);
    bight_cooperative_task_stop(task);
    bight_cooperative_task_release(task);
    ck_assert(!a.is_released);
    bight_deferred_unpause(slow);
    bight_deferred_release(slow);
    ck_assert(a.is_released);
}
END_TEST

static void stop_and_release(struct bight_cooperative_task *task)
{
    ck_assert_int_eq(bight_cooperative_task_stop(task), 0);
    bight_cooperative_task_release(task);
    note("stopped ");
}

START_TEST(a_step_may_stop_its_task_and_let_go_of_it) /* R12 */
{
    struct work a = { "a", .steps = 5, .act = stop_and_release };
    struct bight_cooperative_task *task = begin_work(&a);
    watch(task, "A");
    turn();
    turn();
    ck_trace("aA=CANCELLED stopped ");
    ck_assert(a.is_released);
}
END_TEST

START_TEST(everybody_hears_of_the_end_also_afterwards) /* R12 */
{
    struct work a = { "a", .steps = 1 }, b = { "b", .steps = 1, .act = fail_it };
    struct bight_cooperative_task *good = begin_work(&a), *bad = begin_work(&b);
    watch(good, "one");
    watch(good, "two");
    watch(bad, "three");
    watch(bad, "four");
    turn();
    ck_trace("aone=- two=- bthree=APPLICATION four=APPLICATION ");
    watch(good, "five");
    watch(bad, "six");
    ck_trace("five=- six=APPLICATION ");
    bight_cooperative_task_release(good);
    bight_cooperative_task_release(bad);
}
END_TEST

START_TEST(cancelling_who_waits_for_the_end_leaves_the_task_alone) /* R12 */
{
    struct work a = { "a", .steps = 1 };
    struct bight_cooperative_task *task = begin_work(&a);
    struct bight_deferred *done = bight_cooperative_task_when_done(task);
    bight_deferred_cancel(done);
    release_failed(done, BIGHT_E_CANCELLED);
    watch(task, "A");
    bight_cooperative_task_release(task);
    turn();
    ck_trace("aA=- ");
}
END_TEST

/* ------------------------------------------------------------------------------ freeing, scopes, memory */

START_TEST(freeing_the_cooperator_abandons_its_tasks) /* R12 D28 */
{
    struct work a = { "a", .steps = 5 }, b = { "b", .steps = 5, .act = wait_for_answer }, c = { "c", .steps = 5 };
    begin_watched(&a, "A");
    begin_watched(&b, "B");
    struct bight_cooperative_task *task = begin_work(&c);
    bight_cooperator_set_slice(cooperator, 0);
    turn();
    turn();
    bight_cooperator_free(cooperator);
    ck_trace("abA=ABANDONED B=ABANDONED ");
    ck_assert(a.is_released && b.is_released && c.is_released);
    ck_assert(!bight_promise_is_open(answer));
    ck_assert_int_eq(bight_cooperative_task_stop(task), BIGHT_E_STALE);
    watch(task, "C");
    ck_trace("C=ABANDONED ");
    bight_cooperative_task_release(task);
    cooperator = NULL;
}
END_TEST

static void free_cooperator(struct bight_cooperative_task *task)
{
    (void)task;
    bight_cooperator_free(cooperator);
    bight_cooperator_free(cooperator);
    ck_assert_ptr_null(bight_cooperate(cooperator, work_step, NULL));
    cooperator = NULL;
}

START_TEST(a_step_may_free_the_cooperator) /* R12 */
{
    struct work a = { "a", .steps = 5, .act = free_cooperator }, b = { "b", .steps = 5 };
    begin_watched(&a, "A");
    begin_watched(&b, "B");
    turn();
    ck_trace("aA=ABANDONED B=ABANDONED ");
    ck_assert(a.is_released && b.is_released);
    ck_assert_int_eq(usage_errors, 2);
}
END_TEST

static void add_after_end(struct bight_result *result, void *context)
{
    (void)result;
    ck_assert_ptr_null(bight_cooperate(context, work_step, NULL));
}

START_TEST(a_freed_cooperator_takes_no_tasks) /* R12 */
{
    struct work a = { "a", .steps = 5 };
    struct bight_cooperative_task *task = begin_work(&a);
    struct bight_deferred *done = bight_cooperative_task_when_done(task);
    bight_deferred_add_both(done, add_after_end, cooperator);
    bight_deferred_add_errback(done, cleared, NULL);
    bight_deferred_release(done);
    bight_cooperative_task_release(task);
    bight_cooperator_free(cooperator);
    cooperator = NULL;
    ck_assert_int_eq(usage_errors, 1);
}
END_TEST

static void resume_other(struct bight_result *result, void *context)
{
    (void)result;
    ck_assert_int_eq(bight_cooperative_task_resume(context), 0);
}

START_TEST(a_task_that_gets_ready_while_the_cooperator_is_freed_takes_no_step) /* R12 */
{
    struct work a = { "a", .steps = 5 }, b = { "b", .steps = 5 };
    struct bight_cooperative_task *first = begin_work(&a), *second = begin_work(&b);
    struct bight_deferred *done = bight_cooperative_task_when_done(first);
    watch(second, "B");
    ck_assert_int_eq(bight_cooperative_task_pause(second), 0);
    bight_deferred_add_both(done, resume_other, second);
    bight_deferred_add_errback(done, cleared, NULL);
    bight_deferred_release(done);
    bight_cooperative_task_release(first);
    bight_cooperator_free(cooperator);
    cooperator = NULL;
    ck_assert_uint_eq(timers_pending(), 0);
    ck_trace("B=ABANDONED ");
    bight_cooperative_task_release(second);
}
END_TEST

START_TEST(a_scope_stops_its_tasks_and_waits_for_what_they_awaited) /* R12 D37 */
{
    struct bight_scope *scope = bight_scope_new(&test_clock.base);
    struct work a = { "a", .steps = 5 }, b = { "b", .steps = 5, .act = wait_for_answer };
    struct bight_cooperative_task *one = begin_work(&a), *two = begin_work(&b);
    watch(one, "A");
    watch(two, "B");
    ck_assert_int_eq(bight_cooperative_task_join_scope(one, scope), 0);
    ck_assert_int_eq(bight_cooperative_task_join_scope(two, scope), 0);
    bight_cooperator_set_slice(cooperator, 0);
    turn();
    turn();
    struct bight_deferred *slow = bight_deferred_hold(answer.slot);
    bight_deferred_pause(slow);
    bight_deferred_release(bight_scope_close(scope, 5));
    ck_trace("abA=CANCELLED B=CANCELLED ");
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    bight_deferred_unpause(slow);
    bight_deferred_release(slow);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    ck_assert_int_eq(bight_cooperative_task_join_scope(one, scope), BIGHT_E_STALE);
    bight_cooperative_task_release(one);
    bight_cooperative_task_release(two);
    bight_scope_free(scope);
}
END_TEST

START_TEST(a_task_that_is_done_leaves_its_scope) /* R12 D37 */
{
    struct bight_scope *scope = bight_scope_new(&test_clock.base);
    struct work a = { "a", .steps = 1 };
    struct bight_cooperative_task *task = begin_work(&a);
    bight_cooperative_task_join_scope(task, scope);
    bight_cooperative_task_join_scope(task, NULL);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_cooperative_task_join_scope(task, scope);
    bight_cooperative_task_release(task);
    turn();
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_scope_free(scope);
}
END_TEST

static void sleep_a_little(struct bight_cooperative_task *task)
{
    (void)bight_cooperative_task_await(task, bight_sleep(&test_clock.base, 0.25));
}

static void use_a_cooperator(void)
{
    struct work a = { .steps = 3, .act = sleep_a_little }, b = { .steps = 3 };
    cooperator = bight_cooperator_new(&test_clock.base);
    if (cooperator == NULL) {
        return;
    }
    struct bight_cooperative_task *one = bight_cooperate_full(cooperator, work_step, &a, release_work);
    struct bight_cooperative_task *two = bight_cooperate_full(cooperator, work_step, &b, release_work);
    if (one != NULL) {
        watch(one, "A");
        bight_cooperative_task_pause(one);
        bight_cooperative_task_resume(one);
    }
    for (int i = 0; i < 10; i++) {
        test_clock.now += 100000000;
        turn();
    }
    bight_cooperative_task_release(one);
    bight_cooperative_task_release(two);
    bight_cooperator_free(cooperator);
    ck_assert(one == NULL ? !a.is_released : a.is_released);
    ck_assert(two == NULL ? !b.is_released : b.is_released);
    for (int i = 0; i < 10; i++) {
        test_clock.now += 100000000;
        turn();
    }
    traced = 0;
    trace[0] = '\0';
}

START_TEST(each_allocation_may_fail) /* R12 D33 D34 */
{
    struct bight_test_memory memory;
    bight_cooperator_free(cooperator);
    bight_test_fail_nth(&memory, 0);
    use_a_cooperator();
    unsigned count = memory.asked;
    ck_assert_uint_gt(count, 8);
    for (unsigned n = 1; n <= count; n++) {
        bight_test_fail_nth(&memory, n);
        use_a_cooperator();
        ck_assert_int_eq(memory.out, 0);
    }
    bight_set_allocator(NULL);
    cooperator = NULL;
    reports = 0;
}
END_TEST

/* Waits for a Deferred with as many handlers as it has room for, and no memory for one more. */
static void wait_for_full(struct bight_cooperative_task *task)
{
    static struct bight_test_memory memory;
    struct bight_deferred *deferred = bight_deferred_new(&answer, NULL, NULL);
    for (int i = 0; i < 4; i++) {
        bight_deferred_add_errback(deferred, cleared, NULL);
    }
    bight_test_fail_nth(&memory, 1);
    ck_assert_int_eq(bight_cooperative_task_await(task, deferred), BIGHT_E_OUT_OF_MEMORY);
    bight_set_allocator(NULL);
}

START_TEST(no_memory_to_wait_fails_the_task) /* R12 */
{
    struct work a = { "a", .steps = 5, .act = wait_for_full };
    begin_watched(&a, "A");
    turn();
    ck_trace("aA=OUT_OF_MEMORY ");
    ck_assert(!bight_promise_is_open(answer));
    ck_assert(a.is_released);
}
END_TEST

static int granted;

static int full_call_at(struct bight_clock *clock, uint64_t deadline, bight_timer_function function, void *context,
    bight_release_function release, struct bight_timer *timer)
{
    return granted-- > 0 ? test_clock_call_at(clock, deadline, function, context, release, timer)
                         : BIGHT_E_OUT_OF_MEMORY;
}

START_TEST(no_memory_for_the_next_turn_is_told_to_who_asked_or_fails_the_tasks) /* R12 */
{
    struct bight_clock_ops full = test_clock_ops;
    struct work a = { "a", .steps = 5, .cost = 10000000 }, b = { "b", .steps = 5, .act = wait_for_answer };
    full.call_at = full_call_at;
    test_clock.base.ops = &full;
    ck_assert_ptr_null(bight_cooperate_full(cooperator, work_step, &a, release_work));
    ck_assert(!a.is_released);
    granted = 1;
    begin_watched(&a, "A");
    turn();
    ck_trace("aA=OUT_OF_MEMORY ");
    granted = 1;
    struct bight_cooperative_task *task = begin_work(&b);
    watch(task, "B");
    turn();
    bight_cooperative_task_pause(task);
    fire(answer, 0);
    ck_assert_int_eq(bight_cooperative_task_resume(task), BIGHT_E_OUT_OF_MEMORY);
    granted = 1;
    ck_assert_int_eq(bight_cooperative_task_resume(task), 0);
    turn();
    ck_trace("bb");
    fire(answer, 0);
    ck_trace("B=OUT_OF_MEMORY ");
    bight_cooperative_task_release(task);
    test_clock.base.ops = &test_clock_ops;
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, pauses_count);
    tcase_add_test(tests, a_step_may_pause_its_task);
    tcase_add_test(tests, paused_while_it_waits_it_goes_on_when_both_are_over);
    tcase_add_test(tests, stopping_ends_it_as_cancelled);
    tcase_add_test(tests, no_timer_is_left_when_the_last_that_was_ready_is_stopped_or_paused);
    tcase_add_test(tests, stopping_cancels_what_it_waits_for);
    tcase_add_test(tests, the_context_stays_until_what_it_waits_for_has_gone);
    tcase_add_test(tests, a_step_may_stop_its_task_and_let_go_of_it);
    tcase_add_test(tests, everybody_hears_of_the_end_also_afterwards);
    tcase_add_test(tests, cancelling_who_waits_for_the_end_leaves_the_task_alone);
    tcase_add_test(tests, freeing_the_cooperator_abandons_its_tasks);
    tcase_add_test(tests, a_step_may_free_the_cooperator);
    tcase_add_test(tests, a_freed_cooperator_takes_no_tasks);
    tcase_add_test(tests, a_task_that_gets_ready_while_the_cooperator_is_freed_takes_no_step);
    tcase_add_test(tests, a_scope_stops_its_tasks_and_waits_for_what_they_awaited);
    tcase_add_test(tests, a_task_that_is_done_leaves_its_scope);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, no_memory_to_wait_fails_the_task);
    tcase_add_test(tests, no_memory_for_the_next_turn_is_told_to_who_asked_or_fails_the_tasks);
}

BIGHT_TEST_MAIN("cooperator end", add_tests)
