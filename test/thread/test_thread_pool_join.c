/* SPDX-License-Identifier: MIT */
/* test_thread_pool_join.c - waiting until a pool of threads has no job left (R10). */
#include "pool_support.h"

START_TEST(joining_a_pool_without_jobs_is_over_at_once) /* R10 */
{
    int code;
    make_pools(1);
    watch_outcome(bight_thread_pool_join(pool), &code);
    ck_assert_int_eq(code, 0);
    watch_outcome(bight_thread_pool_join(NULL), &code);
    ck_assert_int_eq(code, BIGHT_E_OUT_OF_MEMORY);
    bight_reactor_free(reactor);
}
END_TEST

static void hand_in_another(struct bight_result *result, void *context)
{
    (void)result;
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), context);
}

START_TEST(a_join_waits_for_all_jobs_and_for_those_that_their_handlers_hand_in) /* R10 */
{
    int first, second, joined, once_more, elsewhere;
    make_pools(1);
    struct bight_deferred *deferred = bight_thread_pool_defer(pool, give_nothing, NULL);
    bight_deferred_add_both(deferred, hand_in_another, &second);
    watch_outcome(deferred, &first);
    watch_outcome(bight_thread_pool_join(pool), &joined);
    watch_outcome(bight_thread_pool_join(pool), &once_more);
    watch_outcome(bight_thread_pool_join(other), &elsewhere);
    ck_assert_int_eq(elsewhere, 0);
    turn_until(reactor, first == 0);
    while (bi_reactor_has_work(reactor)) {
        bi_reactor_turn(reactor, false);
    }
    ck_assert_int_eq(joined, 1);
    gate_open(&gate);
    turn_until(reactor, joined == 0 && once_more == 0);
    ck_assert_int_eq(second, 0);
    ck_assert_uint_eq(figures_of(pool).done, 2);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_join_waits_for_the_function_of_a_job_that_was_cancelled_meanwhile) /* R10 */
{
    int code, joined;
    make_pools(1);
    struct bight_deferred *deferred = bight_thread_pool_defer(pool, pass_gate, &gate);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, &code);
    gate_await(&gate, 1);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(code, BIGHT_E_CANCELLED);
    watch_outcome(bight_thread_pool_join(pool), &joined);
    ck_assert_int_eq(joined, 1);
    gate_open(&gate);
    turn_until(reactor, joined == 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_cancelled_join_leaves_the_jobs_and_the_other_joins_alone) /* R10 D16 */
{
    int code, first, second;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &code);
    struct bight_deferred *join = bight_thread_pool_join(pool);
    struct bight_deferred *held = bight_deferred_hold(join);
    watch_outcome(join, &first);
    watch_outcome(bight_thread_pool_join(pool), &second);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(first, BIGHT_E_CANCELLED);
    gate_open(&gate);
    turn_until(reactor, second == 0);
    ck_assert_int_eq(code, 0);
    bight_reactor_free(reactor);
}
END_TEST

static void free_the_pool(struct bight_result *result, void *context)
{
    (void)result;
    bight_thread_pool_free(context);
}

START_TEST(who_has_waited_may_free_the_pool) /* R10 */
{
    int code, first, second;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, give_nothing, NULL), &code);
    struct bight_deferred *join = bight_thread_pool_join(pool);
    bight_deferred_add_both(join, free_the_pool, pool);
    watch_outcome(join, &first);
    watch_outcome(bight_thread_pool_join(pool), &second);
    turn_until(reactor, first != 1 && second != 1);
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(first, 0);
    ck_assert_int_eq(second, 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(freeing_the_pool_abandons_joins) /* D28 R10 */
{
    int code, waiting, joined;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, give_nothing, NULL), &code);
    watch_outcome(bight_thread_pool_defer(pool, give_nothing, NULL), &waiting);
    watch_outcome(bight_thread_pool_join(pool), &joined);
    bight_thread_pool_free(pool);
    ck_assert_int_eq(joined, BIGHT_E_ABANDONED);
    bight_reactor_free(reactor);
}
END_TEST

static void stop(void *context)
{
    (void)bight_reactor_stop(context);
}

START_TEST(the_end_of_a_run_ends_joins_with_the_jobs) /* R3 R10 */
{
    int code, joined;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &code);
    watch_outcome(bight_thread_pool_join(pool), &joined);
    bi_thread_pool_set_patience(pool, 0);
    quiet_log();
    ck_assert_int_eq(bight_call_when_running(reactor, stop, reactor), 0);
    gate_await(&gate, 1);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(joined, 0);
    gate_open(&gate);
    bight_reactor_free(reactor);
}
END_TEST

static void join_without_memory(void)
{
    int code = 1, joined = 1;
    reactor = bight_reactor_new();
    pool = reactor == NULL ? NULL : bight_thread_pool_new(reactor, "disk", 1);
    if (pool != NULL) {
        watch_outcome(bight_thread_pool_defer(pool, give_nothing, NULL), &code);
        watch_outcome(bight_thread_pool_join(pool), &joined);
        turn_until(reactor, joined != 1);
        ck_assert(joined == 0 || joined == BIGHT_E_OUT_OF_MEMORY);
    }
    bight_reactor_free(reactor);
}

START_TEST(a_join_without_memory_fails_or_waits) /* D34 */
{
    quiet_log();
    memory_each(join_without_memory);
}
END_TEST

START_TEST(a_pool_says_what_was_set) /* R10 */
{
    make_pools(3);
    ck_assert_uint_eq(bight_thread_pool_limit(pool), 3);
    ck_assert_int_eq(bight_thread_pool_resize(pool, 5), 0);
    ck_assert_uint_eq(bight_thread_pool_limit(pool), 5);
    ck_assert_uint_eq(bight_thread_pool_get_queue_limit(pool), SIZE_MAX);
    ck_assert_int_eq(bight_thread_pool_set_queue_limit(pool, 9), 0);
    ck_assert_uint_eq(bight_thread_pool_get_queue_limit(pool), 9);
    ck_assert_uint_eq(bight_thread_pool_limit(NULL), 0);
    ck_assert_uint_eq(bight_thread_pool_get_queue_limit(NULL), 0);
    bight_reactor_free(reactor);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, joining_a_pool_without_jobs_is_over_at_once);
    tcase_add_test(tests, a_join_waits_for_all_jobs_and_for_those_that_their_handlers_hand_in);
    tcase_add_test(tests, a_join_waits_for_the_function_of_a_job_that_was_cancelled_meanwhile);
    tcase_add_test(tests, a_cancelled_join_leaves_the_jobs_and_the_other_joins_alone);
    tcase_add_test(tests, who_has_waited_may_free_the_pool);
    tcase_add_test(tests, freeing_the_pool_abandons_joins);
    tcase_add_test(tests, the_end_of_a_run_ends_joins_with_the_jobs);
    tcase_add_test(tests, a_join_without_memory_fails_or_waits);
    tcase_add_test(tests, a_pool_says_what_was_set);
}

BIGHT_TEST_MAIN("thread_pool_join", add_tests)
