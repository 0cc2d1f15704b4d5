/* SPDX-License-Identifier: MIT */
/* test_thread_pools_end.c - named pools when a run ends and after it, when out of memory, in the child of a fork, and
 * on a simulated host (R10, R13). */
#include <sys/wait.h>
#include <unistd.h>

#include <bight/testing/simulation.h>

#include "pool_support.h"

/* ------------------------------------------------------------------------------------ the end of a run */

static void open_gate(struct bight_result *result, void *context)
{
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_SHUTDOWN);
    gate_open(context);
}

START_TEST(all_pools_are_stopped_before_any_is_waited_for) /* R10 */
{
    static struct gate second = GATE;
    int codes[4];
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &codes[0]);
    watch_outcome(bight_thread_pool_defer(other, pass_gate, &second), &codes[1]);
    gate_await(&gate, 1);
    gate_await(&second, 1);
    struct bight_deferred *deferred = bight_thread_pool_defer(other, must_not_run, NULL);
    bight_deferred_add_errback(deferred, open_gate, &gate); /* lets the first pool's thread go */
    watch_outcome(deferred, &codes[2]);
    deferred = bight_thread_pool_defer(pool, must_not_run, NULL);
    bight_deferred_add_errback(deferred, open_gate, &second);
    watch_outcome(deferred, &codes[3]);
    quiet_log();
    bight_reactor_free(reactor);
    ck_assert_int_eq(codes[0], 0);
    ck_assert_int_eq(codes[1], 0);
    ck_assert_int_eq(codes[2], BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(codes[3], BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(logged_warnings, 0);
}
END_TEST

static void stop_reactor(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

START_TEST(a_pool_serves_one_run_after_the_other) /* R10 R1 */
{
    make_pools(2);
    for (unsigned i = 0; i < 3; i++) {
        struct bight_deferred *deferred = bight_thread_pool_defer(pool, give_nothing, NULL);
        bight_deferred_add_both(deferred, stop_reactor, NULL);
        bight_deferred_release(deferred);
        ck_assert_int_eq(bight_reactor_run(reactor), 0);
        ck_assert_uint_eq(figures_of(pool).threads, 0);
        ck_assert_uint_eq(figures_of(pool).done, i + 1);
    }
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_thread_pool *made_late;

static void free_and_make(struct bight_result *result, void *context)
{
    int code;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_SHUTDOWN);
    bight_result_clear(result);
    bight_thread_pool_free(context);
    made_late = bight_thread_pool_new(reactor, "late", 1);
    watch_outcome(bight_thread_pool_defer(made_late, must_not_run, NULL), &code);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    watch_outcome(bight_defer_to_thread(reactor, must_not_run, NULL), &code);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    gate_open(&gate);
}

START_TEST(pools_may_be_freed_and_made_while_a_run_ends) /* R10 */
{
    int running;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &running);
    struct bight_deferred *waiting = bight_thread_pool_defer(pool, must_not_run, NULL);
    bight_deferred_add_errback(waiting, free_and_make, pool);
    bight_deferred_release(waiting);
    gate_await(&gate, 1);
    struct bight_deferred *last = bight_thread_pool_defer(other, give_nothing, NULL);
    bight_deferred_add_both(last, stop_reactor, NULL);
    bight_deferred_release(last);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(running, 0);
    run_one(made_late);
    run_one(other);
    bight_reactor_free(reactor);
}
END_TEST

static void note_refusal(struct bight_result *result, void *context)
{
    int code;
    (void)context;
    bight_result_clear(result);
    ck_assert_ptr_null(bight_thread_pool_new(reactor, "too late", 1));
    watch_outcome(bight_thread_pool_defer(pool, must_not_run, NULL), &code);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    bight_thread_pool_free(other);
    note_release(NULL);
    gate_open(&gate);
}

START_TEST(nothing_begins_while_the_reactor_is_freed) /* R10 */
{
    int running;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &running);
    gate_await(&gate, 1);
    struct bight_deferred *waiting = bight_thread_pool_defer(pool, must_not_run, NULL);
    bight_deferred_add_both(waiting, note_refusal, NULL);
    bight_deferred_release(waiting);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(running, 0);
}
END_TEST

START_TEST(a_thread_left_behind_takes_no_place_in_the_next_run) /* R10 */
{
    int code, stopped;
    quiet_log();
    make_pools(1);
    bi_thread_pool_set_patience(pool, 0);
    watch_outcome(bight_thread_pool_defer_full(pool, pass_gate, &gate, note_release), &code);
    gate_await(&gate, 1);
    struct bight_deferred *last = bight_thread_pool_defer(other, give_nothing, NULL);
    bight_deferred_add_both(last, stop_reactor, NULL);
    watch_outcome(last, &stopped);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(figures_of(pool).threads, 0);
    ck_assert_int_eq(bight_thread_pool_set_queue_limit(pool, 0), 0);
    run_one(pool);
    gate_open(&gate);
    while (atomic_load(&released) == 0) {
        sched_yield();
    }
    run_one(pool);
    ck_assert_uint_eq(figures_of(pool).threads, 1);
    bight_reactor_free(reactor);
}
END_TEST

/* ------------------------------------------------------------------------------- memory, fork, simulation */

static void two_pools(void)
{
    int codes[2];
    int out = memory_out;
    released = 0;
    reactor = bight_reactor_new();
    if (reactor != NULL) {
        pool = bight_thread_pool_new(reactor, "disk", 1);
        other = bight_thread_pool_new(reactor, "cards", 1);
        watch_outcome(bight_thread_pool_defer_full(pool, give_nothing, NULL, note_release), &codes[0]);
        watch_outcome(bight_thread_pool_defer_full(other, give_nothing, NULL, note_release), &codes[1]);
        turn_until(reactor, codes[0] != 1 && codes[1] != 1);
        bool expected = (codes[0] == 0 || codes[0] == BIGHT_E_OUT_OF_MEMORY) &&
                        (codes[1] == 0 || codes[1] == BIGHT_E_OUT_OF_MEMORY);
        ck_assert(expected);
        bight_thread_pool_free(pool);
        bight_reactor_free(reactor);
        ck_assert_uint_eq(released, 2);
    }
    ck_assert_int_eq(memory_out, out);
}

START_TEST(pools_survive_each_allocation_failing) /* R10 D34 */
{
    quiet_log();
    memory_each(two_pools);
}
END_TEST

START_TEST(a_simulated_host_s_pools_work_in_virtual_time) /* R10 */
{
    int codes[2];
    struct bight_simulation *simulation = bight_simulation_new(5);
    reactor = bight_host_reactor(bight_simulation_host(simulation, "one"));
    pool = bight_thread_pool_new(reactor, "disk", 1);
    other = bight_thread_pool_new(reactor, "cards", 1);
    watch_outcome(bight_thread_pool_defer(pool, give_nothing, NULL), &codes[0]);
    watch_outcome(bight_thread_pool_defer(other, give_nothing, NULL), &codes[1]);
    ck_assert(bight_simulation_settle(simulation, 100));
    ck_assert_int_eq(codes[0], 0);
    ck_assert_int_eq(codes[1], 0);
    struct bight_thread_pool_figures figures = figures_of(pool);
    ck_assert_uint_eq(figures.done, 1);
    ck_assert_uint_gt(figures.total_wait, 0);
    ck_assert_uint_eq(figures.total_run, 0);
    watch_outcome(bight_thread_pool_defer(pool, must_not_run, NULL), &codes[0]);
    bight_thread_pool_free(pool);
    ck_assert_int_eq(codes[0], BIGHT_E_ABANDONED);
    ck_assert(bight_simulation_settle(simulation, 100));
    bight_reactor_free(reactor);
    bight_simulation_free(simulation);
}
END_TEST

#if FOLLOWS_FORKS

/* What the child does; its exit status tells which check failed. */
static int live_as_a_child(const int *running, const int *waiting, bool frees)
{
    if (bight_reactor_after_fork(reactor) != 0 || figures_of(pool).threads != 0) {
        return 1;
    }
    if (frees) {
        bight_thread_pool_free(pool);
    }
    turn_until(reactor, *running != 1 && *waiting != 1);
    if (*running != BIGHT_E_ABANDONED || *waiting != BIGHT_E_ABANDONED || atomic_load(&released) != 1) {
        return 2; /* the running one's context is in use */
    }
    if (!frees) {
        run_one(pool);
    }
    run_one(other);
    bight_reactor_free(reactor);
    return 0;
}

static void check_child(bool frees)
{
    int running, waiting, status;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer_full(pool, pass_gate, &gate, note_release), &running);
    watch_outcome(bight_thread_pool_defer_full(pool, pass_gate, &gate, note_release), &waiting);
    gate_await(&gate, 1);
    pid_t child = fork();
    if (child == 0) {
        _exit(live_as_a_child(&running, &waiting, frees));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    gate_open(&gate);
    turn_until(reactor, running == 0 && waiting == 0);
    bight_reactor_free(reactor);
}

START_TEST(in_the_child_of_a_fork_a_pool_is_as_new) /* R13 R10 */
{
    check_child(false);
}
END_TEST

START_TEST(the_child_of_a_fork_may_free_a_pool_at_once) /* R13 R10 */
{
    check_child(true);
}
END_TEST

static pid_t child;

static void fork_and_go_on(struct bight_result *result, void *context)
{
    (void)result;
    child = fork();
    *(int *)context = child == 0 ? bight_reactor_after_fork(reactor) : 0;
}

/* In the child it waits in the batch that the handler was called in. */
START_TEST(a_job_that_came_home_with_the_one_whose_handler_forks_is_home_in_the_child) /* R13 R10 */
{
    int first = 1, second, status;
    make_pools(1);
    struct bight_deferred *deferred = bight_thread_pool_defer(pool, give_nothing, NULL);
    bight_deferred_add_callback(deferred, fork_and_go_on, &first);
    bight_deferred_release(deferred);
    watch_outcome(bight_thread_pool_defer_full(pool, give_nothing, NULL, note_release), &second);
    while (figures_of(pool).done < 2) {
        sched_yield();
    }
    turn_until(reactor, second != 1);
    if (child == 0) {
        bi_reactor_turn(reactor, false);
        bool is_good = first == 0 && second == 0 && atomic_load(&released) == 1;
        bight_reactor_free(reactor);
        _exit(is_good ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    bight_reactor_free(reactor);
}
END_TEST

#endif

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, all_pools_are_stopped_before_any_is_waited_for);
    tcase_add_test(tests, a_pool_serves_one_run_after_the_other);
    tcase_add_test(tests, pools_may_be_freed_and_made_while_a_run_ends);
    tcase_add_test(tests, nothing_begins_while_the_reactor_is_freed);
    tcase_add_test(tests, a_thread_left_behind_takes_no_place_in_the_next_run);
    tcase_add_test(tests, pools_survive_each_allocation_failing);
    tcase_add_test(tests, a_simulated_host_s_pools_work_in_virtual_time);
#if FOLLOWS_FORKS
    tcase_add_test(tests, in_the_child_of_a_fork_a_pool_is_as_new);
    tcase_add_test(tests, the_child_of_a_fork_may_free_a_pool_at_once);
    tcase_add_test(tests, a_job_that_came_home_with_the_one_whose_handler_forks_is_home_in_the_child);
#endif
}

BIGHT_TEST_MAIN("the end of thread pools", add_tests)
