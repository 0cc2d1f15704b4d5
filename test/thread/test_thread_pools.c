/* SPDX-License-Identifier: MIT */
/* test_thread_pools.c - several named pools on one reactor (R10): apart from each other, limited, measured, freed at
 * any moment. What a job is in any pool is in test_thread_pool.c, the end of a run in test_thread_pools_end.c. */
#include "pool_support.h"

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
    pthread_getname_np(pthread_self(), context, BI_THREAD_NAME_SIZE);
}

static void check_name(struct bight_thread_pool *in, const char *expected)
{
    char name[BI_THREAD_NAME_SIZE] = "";
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

START_TEST(a_job_without_a_function_is_a_usage_error) /* R10 D33 */
{
    int code;
    quiet_log();
    make_pools(1);
    watch_outcome(bight_thread_pool_defer_full(pool, NULL, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(logged_errors, 1);
    ck_assert_uint_eq(atomic_load(&released), 1);
    bight_reactor_free(reactor);
}
END_TEST

static void look_for_place(const struct bight_log_event *event, void *context)
{
    bool is_ours = strstr(event->message, "made at here.c:1") != NULL;
    *(bool *)context = *(bool *)context || is_ours;
}

START_TEST(a_refused_job_s_deferred_was_made_where_the_job_was_handed_in) /* D19 R10 */
{
    bool is_told = false;
    bight_deferred_set_debug(true);
    bight_log_set_observer(look_for_place, &is_told);
    bight_deferred_release(bight_thread_pool_defer_at("here.c:1", NULL, give_nothing, NULL));
    ck_assert(is_told);
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

/* A program that was built with less gets less; one that was built with more gets zeros. */
START_TEST(figures_are_filled_as_far_as_the_caller_knows_them)
{
    struct {
        struct bight_thread_pool_figures figures;
        uint64_t more[2];
    } all = { .figures = { .size = offsetof(struct bight_thread_pool_figures, limit), .limit = 77 } };
    make_reactor();
    struct bight_thread_pool *own = bight_reactor_thread_pool(reactor);
    ck_assert_int_eq(bight_thread_pool_read_figures(own, &all.figures), 0);
    ck_assert_uint_eq(all.figures.limit, 77);
    all.figures.size = sizeof all;
    memset(all.more, 0xa5, sizeof all.more);
    ck_assert_int_eq(bight_thread_pool_read_figures(own, &all.figures), 0);
    ck_assert_uint_ne(all.figures.limit, 77);
    ck_assert_uint_eq(all.more[0] | all.more[1], 0);
    all.figures.size = 0;
    ck_assert_int_eq(bight_thread_pool_read_figures(own, &all.figures), BIGHT_E_INVALID_ARGUMENT);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_pool_that_was_not_made_is_put_up_with) /* R10 D34 */
{
    int code;
    struct bight_thread_pool_figures figures = { .size = sizeof figures, .threads = 1 };
    make_reactor();
    watch_outcome(bight_thread_pool_defer_full(NULL, must_not_run, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(bight_thread_pool_resize(NULL, 1), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_thread_pool_set_queue_limit(NULL, 1), BIGHT_E_OUT_OF_MEMORY);
    (void)bight_thread_pool_read_figures(NULL, &figures);
    ck_assert_uint_eq(figures.threads, 0);
    bight_thread_pool_free(NULL);
    bight_reactor_free(reactor);
}
END_TEST

/* ---------------------------------------------------------------------------------------- freeing one */

static void open_gate_and_ask(struct bight_result *result, void *context)
{
    int code;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_ABANDONED);
    watch_outcome(bight_thread_pool_defer_full(context, must_not_run, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    bight_thread_pool_free(context); /* once more: nothing */
    gate_open(&gate);
}

START_TEST(freeing_a_pool_fails_what_waits_and_joins_what_runs) /* R10 D28 */
{
    int running, waiting;
    make_pools(1);
    watch_outcome(bight_thread_pool_defer(pool, pass_gate, &gate), &running);
    struct bight_deferred *deferred = bight_thread_pool_defer_full(pool, must_not_run, NULL, note_release);
    bight_deferred_add_errback(deferred, open_gate_and_ask, pool);
    watch_outcome(deferred, &waiting);
    gate_await(&gate, 1);
    bight_thread_pool_free(pool);
    ck_assert_int_eq(waiting, BIGHT_E_ABANDONED);
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
    bool expected = second == 0 || second == BIGHT_E_ABANDONED; /* as far as the thread had come */
    ck_assert_msg(expected, "ended with %d", second);
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
    bi_thread_pool_set_patience(pool, 0);
    watch_outcome(bight_thread_pool_defer_full(pool, pass_gate_with_failure, &gate, note_release), &code);
    gate_await(&gate, 1);
    bight_thread_pool_free(pool);
    ck_assert_int_eq(code, BIGHT_E_ABANDONED);
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

START_TEST(what_a_freed_pool_leaves_to_a_late_thread_is_no_unhandled_failure) /* R10 D18 */
{
    memory_install();
    quiet_log();
    make_pools(1);
    bi_thread_pool_set_patience(pool, 0);
    bight_deferred_release(bight_thread_pool_defer_full(pool, pass_gate_with_failure, &gate, note_release));
    gate_await(&gate, 1);
    bight_thread_pool_free(pool);
    ck_assert_uint_eq(logged_warnings, 1); /* of the thread */
    bight_reactor_free(reactor);
    int out = memory_out;
    gate_open(&gate);
    while (atomic_load(&memory_out) > out - 4) {
        sched_yield(); /* as above */
    }
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(logged_errors, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, one_pool_does_not_wait_for_another);
    tcase_add_test(tests, threads_carry_the_name_of_their_pool);
    tcase_add_test(tests, a_job_without_a_function_is_a_usage_error);
    tcase_add_test(tests, a_refused_job_s_deferred_was_made_where_the_job_was_handed_in);
    tcase_add_test(tests, names_and_limits_out_of_range_are_usage_errors);
    tcase_add_test(tests, each_pool_has_a_limit_of_its_own);
    tcase_add_test(tests, a_full_queue_takes_no_more);
    tcase_add_test(tests, with_a_queue_limit_of_zero_a_job_begins_at_once_or_not_at_all);
    tcase_add_test(tests, figures_say_how_long_jobs_waited_and_ran);
    tcase_add_test(tests, figures_are_filled_as_far_as_the_caller_knows_them);
    tcase_add_test(tests, a_pool_that_was_not_made_is_put_up_with);
    tcase_add_test(tests, freeing_a_pool_fails_what_waits_and_joins_what_runs);
    tcase_add_test(tests, a_job_s_own_handler_may_free_the_pool);
    tcase_add_test(tests, the_handler_of_a_cancelled_job_may_free_the_pool);
    tcase_add_test(tests, the_reactor_s_own_pool_stays);
    tcase_add_test(tests, a_freed_pool_leaves_a_late_thread_behind);
    tcase_add_test(tests, what_a_freed_pool_leaves_to_a_late_thread_is_no_unhandled_failure);
}

BIGHT_TEST_MAIN("thread pools", add_tests)
