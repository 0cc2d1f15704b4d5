/* SPDX-License-Identifier: MIT */
/* test_cooperator.c - cooperative tasks: turns and slices, and what a step waits for. */
#include "cooperator_support.h"

/* ------------------------------------------------------------------------------------ turns, slices */

START_TEST(tasks_take_turns) /* R12 */
{
    struct work a = { "a", .steps = 3 }, b = { "b", .steps = 1 }, c = { "c", .steps = 2 };
    begin_watched(&a, "A");
    begin_watched(&b, "B");
    begin_watched(&c, "C");
    ck_trace("");
    turn();
    ck_trace("abB=- cacC=- aA=- ");
    ck_assert(a.is_released && b.is_released && c.is_released);
    ck_assert_uint_eq(timers_pending(), 0);
}
END_TEST

START_TEST(a_slice_is_ten_milliseconds_and_one_a_turn) /* R12 */
{
    struct work a = { "a", .steps = 7, .cost = 3000000 }, b = { "b", .steps = 2, .cost = 3000000 };
    begin_watched(&a, "A");
    begin_watched(&b, "B");
    turn();
    ck_trace("ababB=- ");
    turn();
    ck_trace("aaaa");
    turn();
    ck_trace("aA=- ");
}
END_TEST

START_TEST(without_a_step_there_is_no_task) /* R12 D33 */
{
    struct work a = { "a", .steps = 1 };
    ck_assert_ptr_null(bight_cooperate_full(cooperator, NULL, &a, release_work));
    ck_assert_int_eq(usage_errors, 1);
    ck_assert(!a.is_released);
    ck_assert_ptr_null(bight_cooperator_new(NULL));
    ck_assert_int_eq(usage_errors, 2);
}
END_TEST

START_TEST(the_slice_can_be_set) /* R12 */
{
    struct work a = { "a", .steps = 5, .cost = 1000000 };
    ck_assert_int_eq(bight_cooperator_set_slice(cooperator, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_cooperator_set_slice(cooperator, NAN), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_cooperator_set_slice(cooperator, 0.002), 0);
    begin_watched(&a, "A");
    turn();
    ck_trace("aa");
    ck_assert_int_eq(bight_cooperator_set_slice(cooperator, 0), 0);
    a.cost = 0;
    turn();
    ck_trace("a");
    ck_assert_int_eq(bight_cooperator_set_slice(cooperator, INFINITY), 0);
    turn();
    ck_trace("aaA=- ");
}
END_TEST

START_TEST(a_slice_ends_also_when_the_clock_stands_still) /* R12 */
{
    struct work endless = { .steps = 25000 };
    begin_watched(&endless, "endless");
    turn();
    ck_assert_int_eq(endless.steps, 15000);
    turn();
    turn();
    ck_trace("endless=- ");
}
END_TEST

START_TEST(cooperators_share_the_turns) /* R12 */
{
    struct bight_cooperator *other = bight_cooperator_new(&test_clock.base);
    struct work a = { "a", .steps = 4, .cost = 10000000 }, b = { "b", .steps = 4, .cost = 10000000 };
    struct bight_cooperative_task *one = bight_cooperate(cooperator, work_step, &a);
    struct bight_cooperative_task *two = bight_cooperate(other, work_step, &b);
    bight_cooperative_task_release(one);
    bight_cooperative_task_release(two);
    for (int i = 0; i < 4; i++) {
        turn();
        ck_assert_int_eq(a.steps, 3 - i);
        ck_assert_int_eq(b.steps, 3 - i);
    }
    bight_cooperator_free(other);
    ck_trace("abababab");
}
END_TEST

#define MANY 100000

/* How many of them have `steps` steps left. */
static int count_left(const struct work *works, int steps)
{
    int count = 0;
    for (int i = 0; i < MANY; i++) {
        count += works[i].steps == steps ? 1 : 0;
    }
    return count;
}

static void turns(int count)
{
    for (int i = 0; i < count; i++) {
        turn();
    }
}

START_TEST(a_hundred_thousand_tasks_take_turns) /* R12 */
{
    struct work *works = calloc(MANY, sizeof(*works));
    for (int i = 0; i < MANY; i++) {
        works[i].steps = 3;
        bight_cooperative_task_release(bight_cooperate_full(cooperator, work_step, &works[i], release_work));
    }
    turns(10);
    ck_assert_int_eq(count_left(works, 2), MANY);
    turns(20);
    ck_assert_int_eq(count_left(works, 0), MANY);
    ck_assert(works[0].is_released && works[MANY - 1].is_released);
    free(works);
}
END_TEST

static struct work *added;

static void add_one(struct bight_cooperative_task *task)
{
    (void)task;
    if (added != NULL) {
        struct work *work = added;
        added = NULL;
        bight_cooperative_task_release(begin_work(work));
    }
}

START_TEST(a_step_may_begin_another_task) /* R12 */
{
    struct work a = { "a", .steps = 3, .act = add_one }, b = { "b", .steps = 2 };
    added = &b;
    begin_watched(&a, "A");
    turn();
    ck_trace("ababaA=- ");
}
END_TEST

/* ------------------------------------------------------------------------------------------ waiting */

START_TEST(a_task_waits_for_a_deferred_while_others_go_on) /* R12 */
{
    struct work a = { "a", .steps = 2, .act = wait_for_answer }, b = { "b", .steps = 3 };
    begin_watched(&a, "A");
    begin_watched(&b, "B");
    turn();
    ck_trace("abbbB=- ");
    turn();
    ck_trace("");
    bight_callback(answer, &counted, &a);
    ck_assert_int_eq(discarded, 1);
    ck_trace("");
    turn();
    ck_trace("a");
    turn();
    fire(answer, 0);
    ck_trace("A=- ");
    ck_assert(a.is_released);
}
END_TEST

static void wait_for_fired(struct bight_cooperative_task *task)
{
    ck_assert_int_eq(bight_cooperative_task_await(task, bight_succeed(NULL, NULL)), 0);
    ck_assert_int_eq(bight_cooperative_task_await(task, bight_succeed(NULL, NULL)), 0);
}

START_TEST(a_deferred_that_has_fired_costs_no_turn) /* R12 */
{
    struct work a = { "a", .steps = 3, .act = wait_for_fired };
    begin_watched(&a, "A");
    turn();
    ck_trace("aaaA=- ");
}
END_TEST

START_TEST(a_failure_that_it_waits_for_fails_the_task) /* R12 */
{
    struct work a = { "a", .steps = 2, .act = wait_for_answer };
    begin_watched(&a, "A");
    turn();
    fire_failure(answer, APPLICATION);
    ck_trace("aA=APPLICATION ");
    ck_assert(a.is_released);
    turn();
    ck_trace("");
}
END_TEST

START_TEST(a_step_may_fail_its_task) /* R12 */
{
    struct work a = { "a", .steps = 2, .act = fail_it };
    begin_watched(&a, "A");
    turn();
    turn();
    ck_trace("aA=APPLICATION ");
    ck_assert(a.is_released);
}
END_TEST

START_TEST(a_failure_that_nobody_asks_for_is_reported) /* R12 D18 */
{
    struct work a = { "a", .steps = 2, .act = fail_it };
    struct bight_cooperative_task *task = begin_work(&a);
    turn();
    ck_assert_int_eq(reports, 0);
    bight_cooperative_task_release(task);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_APPLICATION);
    reports = 0;
}
END_TEST

static void wait_wrongly(struct bight_cooperative_task *task)
{
    struct bight_promise second;
    wait_for_answer(task);
    struct bight_deferred *deferred = bight_deferred_new(&second, NULL, NULL);
    bight_deferred_add_errback(deferred, cleared, NULL);
    ck_assert_int_eq(bight_cooperative_task_await(task, deferred), BIGHT_E_USAGE);
    ck_assert(!bight_promise_is_open(second));
    ck_assert_int_eq(bight_cooperative_task_await(task, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_cooperative_task_fail(task, NULL), BIGHT_E_INVALID_ARGUMENT);
}

START_TEST(waiting_twice_or_outside_the_step_is_misuse) /* R12 */
{
    struct work a = { "a", .steps = 1, .act = wait_wrongly };
    struct bight_cooperative_task *task = begin_work(&a);
    ck_assert_int_eq(bight_cooperative_task_await(task, bight_succeed(NULL, NULL)), BIGHT_E_USAGE);
    turn();
    ck_assert_int_eq(usage_errors, 4);
    watch(task, "A");
    ck_trace("a");
    fire(answer, 0);
    ck_trace("A=- ");
    ck_assert_int_eq(bight_cooperative_task_await(task, bight_succeed(NULL, NULL)), BIGHT_E_STALE);
    bight_cooperative_task_release(task);
    ck_assert_int_eq(usage_errors, 4);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, tasks_take_turns);
    tcase_add_test(tests, a_slice_is_ten_milliseconds_and_one_a_turn);
    tcase_add_test(tests, without_a_step_there_is_no_task);
    tcase_add_test(tests, the_slice_can_be_set);
    tcase_add_test(tests, a_slice_ends_also_when_the_clock_stands_still);
    tcase_add_test(tests, cooperators_share_the_turns);
    tcase_add_test(tests, a_hundred_thousand_tasks_take_turns);
    tcase_add_test(tests, a_step_may_begin_another_task);
    tcase_add_test(tests, a_task_waits_for_a_deferred_while_others_go_on);
    tcase_add_test(tests, a_deferred_that_has_fired_costs_no_turn);
    tcase_add_test(tests, a_failure_that_it_waits_for_fails_the_task);
    tcase_add_test(tests, a_step_may_fail_its_task);
    tcase_add_test(tests, a_failure_that_nobody_asks_for_is_reported);
    tcase_add_test(tests, waiting_twice_or_outside_the_step_is_misuse);
}

BIGHT_TEST_MAIN("cooperator", add_tests)
