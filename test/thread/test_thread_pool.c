/* SPDX-License-Identifier: MIT */
/* test_thread_pool.c - work in threads (R10): where results come, bounds, cancelling, the shutdown, fork. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool_support.h"

static void make_reactor_with(unsigned threads)
{
    struct bight_reactor_options options = { .size = sizeof options, .thread_limit = threads };
    reactor = bight_reactor_new_full(&options);
    ck_assert_ptr_nonnull(reactor);
}

static struct bight_thread_pool *own(void)
{
    return bight_reactor_thread_pool(reactor);
}

static void await_idle(unsigned threads)
{
    while (figures_of(own()).threads != threads || figures_of(own()).busy != 0) {
        sched_yield();
    }
}

static void count(void *context)
{
    atomic_fetch_add((atomic_uint *)context, 1);
}

/* A value that counts how it ended, and where. */
static atomic_uint destroyed, discarded;
static pthread_t ended_in;

static void destroy_counted(void *value)
{
    (void)value;
    atomic_fetch_add(&destroyed, 1);
}

static void discard_counted(void *value)
{
    (void)value;
    ended_in = pthread_self();
    atomic_fetch_add(&discarded, 1);
}

static const struct bight_type counted = { "counted", destroy_counted, discard_counted, { NULL } };

static void give_thread(struct bight_result *result, void *context)
{
    *(pthread_t *)context = pthread_self();
    bight_result_set(result, &bight_type_integer, bight_integer(42));
}

static void give_failure(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_fail(result, bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "not today"));
}

static void pass_gate_with_value(struct bight_result *result, void *context)
{
    gate_pass(context);
    bight_result_set(result, &counted, &destroyed);
}

struct arrival {
    intptr_t value;
    pthread_t thread;
    bool here;
};

static void arrive(struct bight_result *result, void *context)
{
    struct arrival *arrival = context;
    arrival->value = bight_integer_value(bight_result_peek(result, &bight_type_integer));
    arrival->thread = pthread_self();
    arrival->here = true;
}

START_TEST(a_job_runs_in_another_thread_and_its_result_comes_in_the_loop_s) /* R10 */
{
    pthread_t worked_in;
    struct arrival arrival = { 0 };
    make_reactor_with(0);
    struct bight_deferred *deferred = bight_defer_to_thread(reactor, give_thread, &worked_in);
    bight_deferred_add_callback(deferred, arrive, &arrival);
    bight_deferred_release(deferred);
    turn_until(reactor, arrival.here);
    ck_assert_int_eq(arrival.value, 42);
    ck_assert(pthread_equal(arrival.thread, pthread_self()));
    ck_assert(!pthread_equal(worked_in, pthread_self()));
    bight_reactor_free(reactor);
}
END_TEST

static void use_stack(struct bight_result *result, void *context)
{
    volatile char much[150000]; /* what ThreadSanitizer has in each thread leaves no more */
    (void)context;
    for (size_t i = 0; i < sizeof much; i += 1000) {
        much[i] = 1;
    }
    bight_result_set(result, &bight_type_integer, bight_integer(much[0]));
}

/* As where the limit of the process's stack is 64 KiB. */
START_TEST(a_thread_has_a_stack_to_work_with_whatever_the_default_is) /* R10 */
{
    struct arrival arrival = { .here = false };
    pthread_attr_t attributes;
    make_reactor_with(1);
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 65536), 0);
    ck_assert_int_eq(pthread_setattr_default_np(&attributes), 0);
    struct bight_deferred *deferred = bight_defer_to_thread(reactor, use_stack, NULL);
    bight_deferred_add_callback(deferred, arrive, &arrival);
    bight_deferred_release(deferred);
    turn_until(reactor, arrival.here);
    ck_assert_int_eq(arrival.value, 1);
    pthread_attr_destroy(&attributes);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_job_may_fail_or_give_nothing) /* R10 */
{
    int failed, empty;
    make_reactor_with(0);
    watch_outcome(bight_defer_to_thread(reactor, give_failure, NULL), &failed);
    watch_outcome(bight_defer_to_thread(reactor, give_nothing, NULL), &empty);
    turn_until(reactor, failed != 1 && empty != 1);
    ck_assert_int_eq(failed, BIGHT_E_APPLICATION);
    ck_assert_int_eq(empty, 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(the_context_is_released_once_in_the_loop_s_thread) /* R10 D33 */
{
    int code;
    make_reactor_with(0);
    watch_outcome(bight_defer_to_thread_full(reactor, give_nothing, NULL, note_release), &code);
    turn_until(reactor, code != 1);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(released, 1);
    ck_assert(pthread_equal(released_in, pthread_self()));
}
END_TEST

START_TEST(threads_start_when_there_is_work_and_not_more_than_the_limit) /* R10 */
{
    int codes[8];
    make_reactor_with(3);
    ck_assert_uint_eq(figures_of(own()).threads, 0);
    for (int i = 0; i < 8; i++) {
        watch_outcome(bight_defer_to_thread(reactor, pass_gate, &gate), &codes[i]);
        ck_assert_uint_eq(figures_of(own()).threads, i < 3 ? i + 1 : 3);
    }
    gate_await(&gate, 3);
    ck_assert_uint_eq(figures_of(own()).busy, 3);
    ck_assert_uint_eq(figures_of(own()).queued, 5);
    gate_open(&gate);
    for (int i = 0; i < 8; i++) {
        turn_until(reactor, codes[i] != 1);
        ck_assert_int_eq(codes[i], 0);
    }
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(an_idle_thread_is_used_again) /* R10 */
{
    pthread_t first, second;
    int code;
    make_reactor_with(5);
    watch_outcome(bight_defer_to_thread(reactor, give_thread, &first), &code);
    turn_until(reactor, code != 1);
    await_idle(1);
    watch_outcome(bight_defer_to_thread(reactor, give_thread, &second), &code);
    turn_until(reactor, code != 1);
    ck_assert(pthread_equal(first, second));
    ck_assert_uint_eq(figures_of(own()).threads, 1);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_higher_limit_starts_threads_for_what_waits) /* R10 */
{
    int codes[4];
    make_reactor_with(1);
    for (int i = 0; i < 4; i++) {
        watch_outcome(bight_defer_to_thread(reactor, pass_gate, &gate), &codes[i]);
    }
    ck_assert_int_eq(bight_thread_pool_resize(own(), 4), 0);
    gate_await(&gate, 4);
    gate_open(&gate);
    for (int i = 0; i < 4; i++) {
        turn_until(reactor, codes[i] != 1);
    }
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_lower_limit_ends_threads) /* R10 */
{
    int codes[4];
    make_reactor_with(4);
    for (int i = 0; i < 4; i++) {
        watch_outcome(bight_defer_to_thread(reactor, pass_gate, &gate), &codes[i]);
    }
    gate_await(&gate, 4);
    ck_assert_int_eq(bight_thread_pool_resize(own(), 1), 0);
    gate_open(&gate);
    for (int i = 0; i < 4; i++) {
        turn_until(reactor, codes[i] != 1);
    }
    await_idle(1);
    watch_outcome(bight_defer_to_thread(reactor, give_nothing, NULL), &codes[0]);
    turn_until(reactor, codes[0] == 0);
    ck_assert_uint_eq(figures_of(own()).threads, 1);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_limit_outside_its_range_is_a_usage_error) /* R10 */
{
    quiet_log();
    make_reactor_with(0);
    ck_assert_int_eq(bight_thread_pool_resize(own(), 0), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_thread_pool_resize(own(), 1025), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(logged_errors, 2);
    ck_assert_int_eq(bight_thread_pool_resize(own(), 1024), 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_job_cancelled_before_it_began_never_runs) /* R10 D14 */
{
    int first, second;
    make_reactor_with(1);
    watch_outcome(bight_defer_to_thread(reactor, pass_gate, &gate), &first);
    struct bight_deferred *waiting = bight_defer_to_thread_full(reactor, must_not_run, NULL, note_release);
    struct bight_deferred *held = bight_deferred_hold(waiting);
    watch_outcome(waiting, &second);
    gate_await(&gate, 1);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(second, BIGHT_E_CANCELLED);
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(figures_of(own()).queued, 0);
    gate_open(&gate);
    turn_until(reactor, first != 1);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(a_job_cancelled_while_it_runs_has_its_result_discarded) /* R10 D31 */
{
    int code, next;
    make_reactor_with(1);
    struct bight_deferred *deferred = bight_defer_to_thread_full(reactor, pass_gate_with_value, &gate, note_release);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, &code);
    gate_await(&gate, 1);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(code, BIGHT_E_CANCELLED);
    ck_assert_uint_eq(released, 0); /* the job has it still */
    gate_open(&gate);
    watch_outcome(bight_defer_to_thread(reactor, give_nothing, NULL), &next);
    turn_until(reactor, next == 0);
    ck_assert_uint_eq(discarded, 1);
    ck_assert_uint_eq(destroyed, 0);
    ck_assert_uint_eq(released, 1);
    ck_assert(pthread_equal(ended_in, pthread_self()));
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_job_cancelled_on_its_way_home_lets_go_at_once) /* R10 D14 D31 */
{
    int code;
    make_reactor_with(1);
    struct bight_deferred *deferred = bight_defer_to_thread_full(reactor, pass_gate_with_value, &gate, note_release);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, &code);
    gate_open(&gate);
    while (figures_of(own()).done == 0) {
        sched_yield();
    }
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(code, BIGHT_E_CANCELLED);
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(discarded, 1);
    ck_assert(pthread_equal(ended_in, pthread_self()));
    bi_reactor_turn(reactor, false);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(discarded, 1);
}
END_TEST

static void open_and_defer_more(struct bight_result *result, void *context)
{
    int code;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_SHUTDOWN);
    watch_outcome(bight_defer_to_thread_full(reactor, must_not_run, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    gate_open(context);
}

START_TEST(a_shutdown_fails_what_waits_and_joins_what_runs) /* R10 */
{
    int running, waiting;
    make_reactor_with(1);
    watch_outcome(bight_defer_to_thread(reactor, pass_gate, &gate), &running);
    struct bight_deferred *deferred = bight_defer_to_thread_full(reactor, must_not_run, NULL, note_release);
    bight_deferred_add_errback(deferred, open_and_defer_more, &gate);
    watch_outcome(deferred, &waiting);
    gate_await(&gate, 1);
    bight_reactor_free(reactor);
    ck_assert_int_eq(waiting, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(running, 0);
    ck_assert_uint_eq(released, 2);
}
END_TEST

START_TEST(a_job_that_does_not_end_in_time_is_reported_and_left_behind) /* R10 */
{
    int code;
    memory_install();
    quiet_log();
    make_reactor_with(1);
    bi_thread_pool_set_patience(own(), 0);
    watch_outcome(bight_defer_to_thread_full(reactor, pass_gate_with_value, &gate, note_release), &code);
    gate_await(&gate, 1);
    bight_reactor_free(reactor);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(logged_warnings, 1);
    ck_assert_uint_eq(released, 0);
    int out = memory_out;
    gate_open(&gate);
    while (atomic_load(&memory_out) > out - 4) {
        sched_yield(); /* it frees its job, itself, the pool and the mailbox */
    }
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(discarded, 1);
}
END_TEST

static void stop_reactor(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

START_TEST(each_run_may_have_a_pool) /* R10 R1 */
{
    make_reactor_with(2);
    for (int i = 0; i < 3; i++) {
        struct bight_deferred *deferred = bight_defer_to_thread(reactor, give_nothing, NULL);
        bight_deferred_add_both(deferred, stop_reactor, NULL);
        bight_deferred_release(deferred);
        ck_assert_int_eq(bight_reactor_run(reactor), 0);
        ck_assert_uint_eq(figures_of(own()).threads, 0);
    }
    bight_reactor_free(reactor);
}
END_TEST

static void look_at_mask(struct bight_result *result, void *context)
{
    sigset_t mask;
    (void)context;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    bool blocked = sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD);
    bight_result_set(result, &bight_type_integer, bight_integer(blocked ? 1 : 0));
}

START_TEST(signals_are_blocked_in_the_pool_s_threads_only) /* R10 */
{
    struct arrival arrival = { 0 };
    sigset_t mask;
    make_reactor_with(0);
    struct bight_deferred *deferred = bight_defer_to_thread(reactor, look_at_mask, NULL);
    bight_deferred_add_callback(deferred, arrive, &arrival);
    bight_deferred_release(deferred);
    turn_until(reactor, arrival.here);
    ck_assert_int_eq(arrival.value, 1);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGINT), 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(many_jobs_from_handlers_and_cancels_all_come_to_an_end) /* R10 */
{
    enum { JOBS = 500 };
    static int codes[JOBS];
    make_reactor_with(4);
    for (int i = 0; i < JOBS; i++) {
        struct bight_deferred *deferred = bight_defer_to_thread_full(reactor, give_nothing, &released, count);
        struct bight_deferred *held = bight_deferred_hold(deferred);
        watch_outcome(deferred, &codes[i]);
        if (i % 3 == 0) {
            bight_deferred_cancel(held);
        }
        bight_deferred_release(held);
        if (i % 50 == 0) {
            bight_thread_pool_resize(own(), 1 + (unsigned)i / 50 % 7);
        }
    }
    for (int i = 0; i < JOBS; i++) {
        turn_until(reactor, codes[i] != 1);
        bool expected = codes[i] == 0 || (i % 3 == 0 && codes[i] == BIGHT_E_CANCELLED);
        ck_assert(expected);
    }
    bight_reactor_free(reactor);
    ck_assert_uint_eq(released, JOBS);
}
END_TEST

static void one_job(void)
{
    int code;
    int out = memory_out;
    struct bight_reactor_options options = { .size = sizeof options };
    released = 0;
    reactor = bight_reactor_new_full(&options);
    if (reactor != NULL) {
        watch_outcome(bight_defer_to_thread_full(reactor, give_nothing, &released, count), &code);
        turn_until(reactor, code != 1);
        bool expected = code == 0 || code == BIGHT_E_OUT_OF_MEMORY;
        ck_assert(expected);
        bight_reactor_free(reactor);
        ck_assert_uint_eq(released, 1);
    }
    ck_assert_int_eq(memory_out, out);
}

START_TEST(the_pool_survives_each_allocation_failing) /* R10 D34 */
{
    quiet_log();
    memory_each(one_job);
}
END_TEST

#if FOLLOWS_FORKS

START_TEST(without_any_thread_a_job_fails_and_says_why) /* R10 */
{
    int code;
    pthread_attr_t huge;
    make_reactor_with(2);
    pthread_attr_init(&huge);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, SIZE_MAX / 4 * 3), 0);
    ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
    watch_outcome(bight_defer_to_thread_full(reactor, must_not_run, NULL, note_release), &code);
    ck_assert_int_eq(code, BIGHT_E_SYSTEM);
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(figures_of(own()).queued, 0);
    pthread_attr_destroy(&huge);
    bight_reactor_free(reactor);
}
END_TEST

/* What the child does; its exit status tells which check failed. */
static int live_as_a_child(int *running, int *waiting)
{
    int code;
    if (bight_reactor_after_fork(reactor) != 0 || figures_of(own()).threads != 0) {
        return 1;
    }
    turn_until(reactor, *running != 1 && *waiting != 1);
    if (*running != BIGHT_E_ABANDONED || *waiting != BIGHT_E_ABANDONED) {
        return 2;
    }
    if (atomic_load(&released) != 1) {
        return 3; /* the waiting one's; the running one's is in use */
    }
    watch_outcome(bight_defer_to_thread(reactor, give_nothing, NULL), &code);
    turn_until(reactor, code == 0);
    bight_reactor_free(reactor);
    return 0;
}

START_TEST(in_the_child_of_a_fork_the_pool_is_new_and_its_jobs_are_abandoned) /* R13 R10 */
{
    int running, waiting, status;
    make_reactor_with(1);
    watch_outcome(bight_defer_to_thread_full(reactor, pass_gate, &gate, note_release), &running);
    watch_outcome(bight_defer_to_thread_full(reactor, pass_gate, &gate, note_release), &waiting);
    gate_await(&gate, 1);
    pid_t child = fork();
    if (child == 0) {
        _exit(live_as_a_child(&running, &waiting));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    gate_open(&gate);
    turn_until(reactor, running == 0 && waiting == 0);
    bight_reactor_free(reactor);
}
END_TEST

static int leave_without_a_turn(void)
{
    if (bight_reactor_after_fork(reactor) != 0) {
        return 1;
    }
    bight_reactor_free(reactor);
    return atomic_load(&released) == 1 ? 0 : 2;
}

START_TEST(a_child_may_free_the_reactor_at_once) /* R13 R10 */
{
    int running, waiting, status;
    make_reactor_with(1);
    watch_outcome(bight_defer_to_thread_full(reactor, pass_gate, &gate, note_release), &running);
    watch_outcome(bight_defer_to_thread_full(reactor, pass_gate, &gate, note_release), &waiting);
    gate_await(&gate, 1);
    pid_t child = fork();
    if (child == 0) {
        _exit(leave_without_a_turn());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    gate_open(&gate);
    bight_reactor_free(reactor);
    ck_assert_int_eq(running, 0);
}
END_TEST

#endif

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_job_runs_in_another_thread_and_its_result_comes_in_the_loop_s);
    tcase_add_test(tests, a_thread_has_a_stack_to_work_with_whatever_the_default_is);
    tcase_add_test(tests, a_job_may_fail_or_give_nothing);
    tcase_add_test(tests, the_context_is_released_once_in_the_loop_s_thread);
    tcase_add_test(tests, threads_start_when_there_is_work_and_not_more_than_the_limit);
    tcase_add_test(tests, an_idle_thread_is_used_again);
    tcase_add_test(tests, a_higher_limit_starts_threads_for_what_waits);
    tcase_add_test(tests, a_lower_limit_ends_threads);
    tcase_add_test(tests, a_limit_outside_its_range_is_a_usage_error);
    tcase_add_test(tests, a_job_cancelled_before_it_began_never_runs);
    tcase_add_test(tests, a_job_cancelled_while_it_runs_has_its_result_discarded);
    tcase_add_test(tests, a_job_cancelled_on_its_way_home_lets_go_at_once);
    tcase_add_test(tests, a_shutdown_fails_what_waits_and_joins_what_runs);
    tcase_add_test(tests, a_job_that_does_not_end_in_time_is_reported_and_left_behind);
    tcase_add_test(tests, each_run_may_have_a_pool);
    tcase_add_test(tests, signals_are_blocked_in_the_pool_s_threads_only);
    tcase_add_test(tests, many_jobs_from_handlers_and_cancels_all_come_to_an_end);
    tcase_add_test(tests, the_pool_survives_each_allocation_failing);
#if FOLLOWS_FORKS
    tcase_add_test(tests, without_any_thread_a_job_fails_and_says_why);
    tcase_add_test(tests, in_the_child_of_a_fork_the_pool_is_new_and_its_jobs_are_abandoned);
    tcase_add_test(tests, a_child_may_free_the_reactor_at_once);
#endif
}

BIGHT_TEST_MAIN("thread pool", add_tests)
