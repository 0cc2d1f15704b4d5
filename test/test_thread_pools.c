/* SPDX-License-Identifier: MIT */
/* test_thread_pools.c - several named pools on one reactor (R10): apart from each other, limited, measured, freed at
 * any moment. What a job is in any pool is in test_thread_pool.c. */
#include <sys/wait.h>
#include <unistd.h>

#include <bight/testing/simulation.h>
#include <bight/thread.h>

#include "reactor/thread_pool.h"
#include "thread_support.h"

static struct bight_reactor *reactor;
static struct bight_thread_pool *pool, *other;
static struct gate gate = GATE;
static atomic_uint released;

static void make_reactor(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static void make_pools(unsigned limit)
{
    make_reactor();
    pool = bight_thread_pool_new(reactor, "disk", limit);
    other = bight_thread_pool_new(reactor, "cards", limit);
    ck_assert_ptr_nonnull(pool);
    ck_assert_ptr_nonnull(other);
}

static struct bight_thread_pool_figures figures_of(struct bight_thread_pool *of)
{
    struct bight_thread_pool_figures figures;
    bight_thread_pool_read_figures(of, &figures);
    return figures;
}

static void give_nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void pass_gate(struct bight_result *result, void *context)
{
    (void)result;
    gate_pass(context);
}

static void must_not_run(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    abort();
}

static void note_release(void *context)
{
    (void)context;
    atomic_fetch_add(&released, 1);
}

static void run_one(struct bight_thread_pool *in)
{
    int code;
    watch_outcome(bight_thread_pool_defer(in, give_nothing, NULL), &code);
    turn_until(reactor, code != 1);
    ck_assert_int_eq(code, 0);
}

START_TEST(one_pool_does_not_wait_for_another) /* R10 */
{
    int code;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &code);
    gate_await(&gate, 1);
    run_one(other);
    run_one(bight_reactor_thread_pool(reactor));
    ck_assert_int_eq(code, 1);
    gate_open(&gate);
    turn_until(reactor, code == 0);
    bight_reactor_free(reactor);
}
END_TEST

static void tell_name(struct bight_result *result, void *context)
{
    (void)result;
    pthread_getname_np(pthread_self(), context, BIGHT_THREAD_NAME_SIZE);
}

static void check_name(struct bight_thread_pool *in, const char *expected)
{
    char name[BIGHT_THREAD_NAME_SIZE] = "";
    int code;
    watch_outcome(bight_thread_pool_defer(in, tell_name, name), &code);
    turn_until(reactor, code == 0);
    ck_assert_str_eq(name, expected);
}

START_TEST(threads_carry_the_name_of_their_pool) /* R10 */
{
    char name[] = "fifteen letters";
    make_reactor();
    struct bight_thread_pool *fifteen = bight_thread_pool_new(reactor, name, 2);
    name[0] = 'F'; /* it was copied */
    check_name(fifteen, "fifteen letters");
    check_name(bight_reactor_thread_pool(reactor), "bight");
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(names_and_limits_out_of_range_are_usage_errors) /* R10 */
{
    quiet_log();
    make_reactor();
    ck_assert_ptr_null(bight_thread_pool_new(reactor, "", 1));
    ck_assert_ptr_null(bight_thread_pool_new(reactor, "sixteen  letters", 1));
    ck_assert_ptr_null(bight_thread_pool_new(reactor, "none", 0));
    ck_assert_ptr_null(bight_thread_pool_new(reactor, "many", 1025));
    ck_assert_uint_eq(logged_errors, 4);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(each_pool_has_a_limit_of_its_own) /* R10 */
{
    int codes[4];
    make_pools(1);
    ck_assert_int_eq(bight_thread_pool_resize(other, 3), 0);
    for (int i = 0; i < 4; i++) {
        watch_outcome(bight_thread_pool_defer(i == 0 ? pool : other, pass_gate, &gate), &codes[i]);
    }
    gate_await(&gate, 4);
    ck_assert_uint_eq(figures_of(pool).limit, 1);
    ck_assert_uint_eq(figures_of(other).limit, 3);
    ck_assert_uint_eq(figures_of(other).busy, 3);
    gate_open(&gate);
    for (int i = 0; i < 4; i++) {
        turn_until(reactor, codes[i] == 0);
    }
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_full_queue_takes_no_more) /* R10 D33 */
{
    int codes[3], code;
    make_pools(1);
    ck_assert_int_eq(bight_thread_pool_set_queue_limit(pool, 2), 0);
    for (int i = 0; i < 3; i++) {
        watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &codes[i]);
        ck_assert_int_eq(codes[i], 1); /* whether or not the first has begun */
    }
    watch_outcome(bight_thread_pool_defer_full(pool, must_not_run, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_QUEUE_OVERFLOW);
    ck_assert_uint_eq(released, 1);
    run_one(other);
    gate_open(&gate);
    turn_until(reactor, codes[2] == 0);
    run_one(pool);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(with_a_queue_limit_of_zero_a_job_begins_at_once_or_not_at_all) /* R10 */
{
    int first, second, third;
    make_pools(2);
    ck_assert_int_eq(bight_thread_pool_set_queue_limit(pool, 0), 0);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &first);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &second);
    watch_outcome(bight_thread_pool_defer(pool, must_not_run, NULL), &third);
    ck_assert_int_eq(third, BIGHT_E_QUEUE_OVERFLOW);
    gate_await(&gate, 2);
    ck_assert_int_eq(bight_thread_pool_set_queue_limit(pool, SIZE_MAX), 0);
    watch_outcome(bight_thread_pool_defer(pool, give_nothing, NULL), &third);
    gate_open(&gate);
    turn_until(reactor, first == 0 && second == 0 && third == 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(figures_say_how_long_jobs_waited_and_ran) /* R10 */
{
    int running, waiting;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &running);
    gate_await(&gate, 1);
    watch_outcome(bight_thread_pool_defer(pool, give_nothing, NULL), &waiting);
    struct bight_thread_pool_figures during = figures_of(pool);
    ck_assert_uint_eq(during.done, 0);
    ck_assert_uint_eq(during.queued, 1);
    gate_open(&gate);
    turn_until(reactor, waiting == 0);
    struct bight_thread_pool_figures after = figures_of(pool);
    ck_assert_uint_eq(after.done, 2);
    ck_assert_uint_gt(after.longest_run, 0);
    ck_assert_uint_ge(after.total_run, after.longest_run);
    ck_assert_uint_gt(after.longest_wait, 0);
    ck_assert_uint_ge(after.total_wait, during.total_wait + after.longest_wait - during.longest_wait);
    ck_assert_uint_le(after.longest_wait, after.total_wait);
    ck_assert_uint_eq(figures_of(other).done, 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_pool_that_was_not_made_is_put_up_with) /* R10 D34 */
{
    int code;
    struct bight_thread_pool_figures figures = { .threads = 1 };
    make_reactor();
    watch_outcome(bight_thread_pool_defer_full(NULL, must_not_run, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(bight_thread_pool_resize(NULL, 1), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_thread_pool_set_queue_limit(NULL, 1), BIGHT_E_OUT_OF_MEMORY);
    bight_thread_pool_read_figures(NULL, &figures);
    ck_assert_uint_eq(figures.threads, 0);
    bight_thread_pool_free(NULL);
    bight_reactor_free(reactor);
}
END_TEST

/* ---------------------------------------------------------------------------------------- freeing one */

static void open_gate_and_ask(struct bight_result *result, void *context)
{
    int code;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_SHUTDOWN);
    watch_outcome(bight_thread_pool_defer_full(context, must_not_run, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    bight_thread_pool_free(context); /* once more: nothing */
    gate_open(&gate);
}

START_TEST(freeing_a_pool_fails_what_waits_and_joins_what_runs) /* R10 */
{
    int running, waiting;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &running);
    struct bight_deferred *deferred = bight_thread_pool_defer_full(pool, must_not_run, NULL, note_release);
    bight_deferred_add_errback(deferred, open_gate_and_ask, pool);
    watch_outcome(deferred, &waiting);
    gate_await(&gate, 1);
    bight_thread_pool_free(pool);
    ck_assert_int_eq(waiting, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(running, 0);
    ck_assert_uint_eq(released, 2);
    run_one(other);
    bight_reactor_free(reactor);
}
END_TEST

static void free_pool(struct bight_result *result, void *context)
{
    (void)result;
    bight_thread_pool_free(context);
}

START_TEST(a_job_s_own_handler_may_free_the_pool) /* R10 */
{
    int first, second;
    make_pools(1);
    struct bight_deferred *deferred = bight_thread_pool_defer_full(pool, give_nothing, NULL, note_release);
    bight_deferred_add_callback(deferred, free_pool, pool);
    watch_outcome(deferred, &first);
    watch_outcome(bight_thread_pool_defer_full(pool, give_nothing, NULL, note_release), &second);
    turn_until(reactor, first == 0 && second != 1);
    bool expected = second == 0 || second == BIGHT_E_SHUTDOWN;
    ck_assert(expected);
    turn_until(reactor, released == 2);
    bight_reactor_free(reactor);
}
END_TEST

static void open_gate_and_free(struct bight_result *result, void *context)
{
    gate_open(&gate);
    free_pool(result, context);
}

START_TEST(the_handler_of_a_cancelled_job_may_free_the_pool) /* R10 D16 */
{
    int running, cancelled;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &running);
    gate_await(&gate, 1);
    struct bight_deferred *deferred = bight_thread_pool_defer_full(pool, must_not_run, NULL, note_release);
    bight_deferred_add_errback(deferred, open_gate_and_free, pool);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, &cancelled);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(cancelled, BIGHT_E_CANCELLED);
    ck_assert_int_eq(running, 0);
    ck_assert_uint_eq(released, 1);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(the_reactor_s_own_pool_stays) /* R10 */
{
    quiet_log();
    make_reactor();
    struct bight_thread_pool *own = bight_reactor_thread_pool(reactor);
    bight_thread_pool_free(own);
    ck_assert_uint_eq(logged_errors, 1);
    ck_assert_ptr_eq(bight_reactor_thread_pool(reactor), own);
    run_one(own);
    bight_reactor_free(reactor);
}
END_TEST

static void pass_gate_with_failure(struct bight_result *result, void *context)
{
    gate_pass(context);
    bight_result_fail(result, bight_failure_of(BIGHT_E_APPLICATION));
}

START_TEST(a_freed_pool_leaves_a_late_thread_behind) /* R10 */
{
    int code;
    memory_install();
    quiet_log();
    make_pools(1);
    bight_thread_pool_set_patience(pool, 0);
    watch_outcome(bight_thread_pool_defer_full(pool, pass_gate_with_failure, &gate, note_release), &code);
    gate_await(&gate, 1);
    bight_thread_pool_free(pool);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(logged_warnings, 1);
    ck_assert_uint_eq(released, 0);
    run_one(other);
    bight_reactor_free(reactor);
    int out = memory_out;
    gate_open(&gate);
    while (atomic_load(&memory_out) > out - 4) {
        sched_yield(); /* it frees its job, itself, the pool and the mailbox */
    }
    ck_assert_uint_eq(released, 1);
}
END_TEST

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
    bight_thread_pool_set_patience(pool, 0);
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
    ck_assert_int_eq(codes[0], BIGHT_E_SHUTDOWN);
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
    int expected = frees ? BIGHT_E_SHUTDOWN : BIGHT_E_ABANDONED;
    if (*running != expected || *waiting != expected || atomic_load(&released) != 1) {
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

#endif

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, one_pool_does_not_wait_for_another);
    tcase_add_test(tests, threads_carry_the_name_of_their_pool);
    tcase_add_test(tests, names_and_limits_out_of_range_are_usage_errors);
    tcase_add_test(tests, each_pool_has_a_limit_of_its_own);
    tcase_add_test(tests, a_full_queue_takes_no_more);
    tcase_add_test(tests, with_a_queue_limit_of_zero_a_job_begins_at_once_or_not_at_all);
    tcase_add_test(tests, figures_say_how_long_jobs_waited_and_ran);
    tcase_add_test(tests, a_pool_that_was_not_made_is_put_up_with);
    tcase_add_test(tests, freeing_a_pool_fails_what_waits_and_joins_what_runs);
    tcase_add_test(tests, a_job_s_own_handler_may_free_the_pool);
    tcase_add_test(tests, the_handler_of_a_cancelled_job_may_free_the_pool);
    tcase_add_test(tests, the_reactor_s_own_pool_stays);
    tcase_add_test(tests, a_freed_pool_leaves_a_late_thread_behind);
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
#endif
}

BIGHT_TEST_MAIN("thread pools", add_tests)
