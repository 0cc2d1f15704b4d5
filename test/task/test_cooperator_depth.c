/* SPDX-License-Identifier: MIT */
/* test_cooperator_depth.c - cooperative tasks whose ends end others: 10^5 in 256 KiB of stack, in which order they are
 * told, and what a handler may do meanwhile. */
#include "cooperator_support.h"

enum { DEPTH = 100000 };

struct chained_work {
    struct bight_cooperative_task *task, *awaited; /* NULL: the first, which waits for the answer */
};

static struct chained_work deep[DEPTH];
static int ended, last_released;
static bool is_stopped;

static enum bight_step wait_for_other(struct bight_cooperative_task *task, void *context)
{
    const struct chained_work *work = context;
    if (work->awaited == NULL) {
        wait_for_answer(task);
    } else {
        ck_assert_int_eq(bight_cooperative_task_await(task, bight_cooperative_task_when_done(work->awaited)), 0);
    }
    return BIGHT_STEP_DONE;
}

static void release_in_order(void *context)
{
    last_released = (int)((struct chained_work *)context - deep);
    ended++;
}

static void count_end(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    ended++;
}

/* Each waits for the one before, the first for the answer, by turns in two cooperators. */
static void begin_deep(struct bight_cooperator *other)
{
    for (int i = 0; i < DEPTH; i++) {
        deep[i].awaited = i > 0 ? deep[i - 1].task : NULL;
        struct bight_cooperator *its = i % 2 == 0 ? cooperator : other;
        deep[i].task = bight_cooperate_full(its, wait_for_other, &deep[i], release_in_order);
        ck_assert_ptr_nonnull(deep[i].task);
    }
    while (timers_pending() > 0) {
        turn();
    }
    ended = 0;
}

static void let_go_of_deep(void)
{
    for (int i = 0; i < DEPTH; i++) {
        bight_cooperative_task_release(deep[i].task);
    }
}

static void fire_deep(void)
{
    struct bight_cooperator *other = bight_cooperator_new(&test_clock.base);
    begin_deep(other);
    watch(deep[DEPTH - 1].task, "last");
    let_go_of_deep();
    fire(answer, 0);
    ck_trace("last=- ");
    ck_assert_int_eq(ended, DEPTH);
    ck_assert_int_eq(last_released, 0);
    bight_cooperator_free(other);
}

static void fail_deep(void)
{
    begin_deep(cooperator);
    watch(deep[DEPTH - 1].task, "last");
    fire_failure(answer, CLOSED);
    ck_trace("last=CLOSED ");
    ck_assert_int_eq(ended, DEPTH);
    let_go_of_deep();
}

/* With others that wait at each, so that the next task is not the last to be told. */
static void end_deep_in_company(void)
{
    begin_deep(cooperator);
    for (int i = 0; i < DEPTH; i++) {
        for (int n = 0; n < 2; n++) {
            struct bight_deferred *done = bight_cooperative_task_when_done(deep[i].task);
            bight_deferred_add_both(done, count_end, NULL);
            bight_deferred_release(done);
        }
    }
    if (is_stopped) {
        ck_assert_int_eq(bight_cooperative_task_stop(deep[0].task), 0);
    } else {
        bight_cooperator_free(cooperator);
        cooperator = NULL;
    }
    ck_assert_int_eq(ended, 3 * DEPTH);
    let_go_of_deep();
}

START_TEST(tasks_that_await_each_other_are_done_in_constant_stack) /* R12 D12 */
{
    with_little_stack(fire_deep);
}
END_TEST

START_TEST(tasks_that_await_each_other_fail_in_constant_stack) /* R12 D12 */
{
    with_little_stack(fail_deep);
}
END_TEST

START_TEST(tasks_that_await_each_other_are_stopped_and_abandoned_in_constant_stack) /* R12 D12 */
{
    is_stopped = _i == 0;
    with_little_stack(end_deep_in_company);
}
END_TEST

/* What a handler of somebody's end does to others. */
static struct bight_cooperative_task *victim;
static struct bight_deferred *unwanted;

static void stop_victim(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    note("(");
    ck_assert_int_eq(bight_cooperative_task_stop(victim), 0);
    note(") ");
}

static void on_end(struct bight_cooperative_task *task, bight_handler handler)
{
    struct bight_deferred *done = bight_cooperative_task_when_done(task);
    bight_deferred_add_both(done, handler, task);
    bight_deferred_release(done);
}

START_TEST(a_stop_inside_a_handler_of_an_end_is_told_at_once) /* R12 */
{
    struct work a = { "a", .steps = 1 }, b = { "b", .steps = 5, .act = wait_for_answer };
    struct bight_cooperative_task *first = begin_work(&a);
    victim = begin_work(&b);
    watch(first, "one");
    on_end(first, stop_victim);
    watch(first, "two");
    watch(victim, "victim");
    turn();
    ck_trace("aone=- (victim=CANCELLED ) two=- ");
    bight_cooperative_task_release(first);
    bight_cooperative_task_release(victim);
}
END_TEST

static struct bight_cooperative_task *other_task;

static void wait_for_other_task(struct bight_cooperative_task *task)
{
    ck_assert_int_eq(bight_cooperative_task_await(task, bight_cooperative_task_when_done(other_task)), 0);
}

START_TEST(an_end_is_told_in_the_order_of_asking_with_all_that_comes_of_each) /* R12 */
{
    struct work a = { "a", .steps = 1, .act = wait_for_answer }, b = { "b", .steps = 1, .act = wait_for_other_task };
    other_task = begin_work(&a);
    struct bight_cooperative_task *second = begin_work(&b);
    watch(other_task, "A1");
    watch(second, "B1");
    turn();
    watch(other_task, "A2");
    watch(second, "B2");
    fire(answer, 0);
    ck_trace("abA1=- B1=- B2=- A2=- ");
    ck_assert(a.is_released && b.is_released);
    bight_cooperative_task_release(other_task);
    bight_cooperative_task_release(second);
}
END_TEST

static void free_all(struct bight_result *result, void *context)
{
    bight_result_clear(result);
    bight_cooperative_task_release(context);
    bight_cooperative_task_release(victim);
    bight_cooperator_free(cooperator);
    cooperator = NULL;
    bight_deferred_cancel(unwanted);
    release_failed(unwanted, BIGHT_E_CANCELLED);
    note("freed ");
}

START_TEST(a_handler_of_an_end_may_free_everything) /* R12 */
{
    struct work a = { "a", .steps = 1, .act = wait_for_answer }, b = { "b", .steps = 1, .act = wait_for_other_task };
    other_task = begin_work(&a);
    victim = begin_work(&b);
    on_end(other_task, free_all);
    unwanted = bight_cooperative_task_when_done(other_task);
    watch(other_task, "A");
    watch(victim, "B");
    turn();
    fire(answer, 0);
    ck_trace("abB=ABANDONED freed A=- ");
    ck_assert(a.is_released && b.is_released);
}
END_TEST

static void watch_late(struct bight_result *result, void *context)
{
    (void)result;
    watch(context, "late");
}

START_TEST(those_who_come_while_an_end_is_told_hear_of_it_at_once) /* R12 */
{
    struct work a = { "a", .steps = 1 };
    struct bight_cooperative_task *task = begin_work(&a);
    on_end(task, watch_late);
    watch(task, "A");
    turn();
    ck_trace("alate=- A=- ");
    bight_cooperative_task_release(task);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, tasks_that_await_each_other_are_done_in_constant_stack);
    tcase_add_test(tests, tasks_that_await_each_other_fail_in_constant_stack);
    tcase_add_loop_test(tests, tasks_that_await_each_other_are_stopped_and_abandoned_in_constant_stack, 0, 2);
    tcase_add_test(tests, a_stop_inside_a_handler_of_an_end_is_told_at_once);
    tcase_add_test(tests, an_end_is_told_in_the_order_of_asking_with_all_that_comes_of_each);
    tcase_add_test(tests, a_handler_of_an_end_may_free_everything);
    tcase_add_test(tests, those_who_come_while_an_end_is_told_hear_of_it_at_once);
}

BIGHT_TEST_MAIN("cooperator depth", add_tests)
