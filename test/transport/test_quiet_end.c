/* SPDX-License-Identifier: MIT */
/* test_quiet_end.c - what a program ends on purpose, its reactor or something that others wait for, makes no noise
 * (D18).
 *
 * Nobody handles the failures here. A log that is full of them at each stop would hide the one that matters. */
#include <bight/coroutine.h>
#include <bight/file_lock.h>
#include <bight/process_output.h>
#include <bight/queue.h>
#include <bight/sync.h>
#include <bight/task.h>
#include <bight/worker_pool.h>

#include "transport_support.h"

enum { LEVELS = 6 };

static int told[LEVELS]; /* by level: debug 1, info 2, warning 3, error 4, critical 5 */
static char last[512];

static void count(const struct bight_log_event *event, void *context)
{
    static const enum bight_log_level levels[LEVELS] = { 0, BIGHT_LOG_DEBUG, BIGHT_LOG_INFO, BIGHT_LOG_WARNING,
        BIGHT_LOG_ERROR, BIGHT_LOG_CRITICAL };
    (void)context;
    for (int i = 1; i < LEVELS; i++) {
        told[i] += event->level == levels[i] ? 1 : 0;
    }
    if (event->level >= BIGHT_LOG_WARNING) {
        bight_log_event_format(event, last, sizeof last);
    }
}

static struct bight_clock *clock_of_test;

static void begin(void)
{
    bight_log_set_level(BIGHT_LOG_DEBUG);
    bight_log_set_observer(count, NULL);
    reactor = bight_testing_reactor_new();
    clock_of_test = bight_reactor_clock(reactor);
}

#define ck_quiet() ck_assert_str_eq(last, "")

static void end_quietly(void)
{
    bight_reactor_free(reactor);
    ck_quiet();
}

static void forget(struct bight_deferred *deferred)
{
    ck_assert(!bight_deferred_has_fired(deferred));
    bight_deferred_release(deferred);
}

static void nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static struct bight_deferred *no_call(struct bight_looping_call *call, void *context)
{
    (void)call;
    (void)context;
    return NULL;
}

/* ------------------------------------------------------------------------------- the end of the reactor */

static struct bight_deferred *sleeping(void)
{
    return bight_sleep(clock_of_test, 1000);
}

static void sleep_in_body(struct bight_result *result, void *context)
{
    (void)context;
    (void)bight_await(sleeping(), result);
}

static enum bight_step wait_in_step(struct bight_cooperative_task *task, void *context)
{
    (void)context;
    (void)bight_cooperative_task_await(task, sleeping());
    return BIGHT_STEP_DONE;
}

START_TEST(what_sleeps_when_the_reactor_is_freed_is_no_news) /* D18 */
{
    begin();
    struct bight_cooperator *cooperator = bight_cooperator_new(clock_of_test);
    forget(sleeping());
    forget(bight_defer_later(clock_of_test, 1000, nothing, NULL));
    forget(bight_spawn(reactor, sleep_in_body, NULL));
    struct bight_deferred *members[2] = { sleeping(), sleeping() };
    struct bight_deferred *runners[2] = { sleeping(), sleeping() };
    forget(bight_gather_results(members, 2));
    forget(bight_race(runners, 2));
    bight_cooperative_task_release(bight_cooperate(cooperator, wait_in_step, NULL));
    bight_testing_settle(reactor, 10);
    end_quietly();
    bight_cooperator_free(cooperator);
    ck_quiet();
}
END_TEST

START_TEST(what_connects_or_runs_when_the_reactor_is_freed_is_no_news) /* D18 */
{
    struct bight_process_output_options options = {
        .size = sizeof options, .path = "/bin/cat", .input = "x", .input_size = 1
    };
    begin();
    bight_reactor_free(reactor);
    reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, "/tmp/bight-quiet-end.lock");
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), 0);
    forget(bight_file_lock_acquire(lock));
    forget(bight_connect(reactor, "tcp:127.0.0.1:1", &probe_factory));
    forget(bight_get_process_output(reactor, &options));
    end_quietly();
    bight_file_lock_free(lock);
    (void)remove("/tmp/bight-quiet-end.lock");
    ck_quiet();
}
END_TEST

static void connect_again(struct bight_protocol *lost)
{
    (void)lost;
    bight_deferred_release(bight_connect(reactor, "tcp:127.0.0.1:1", &probe_factory));
}

START_TEST(that_nothing_new_begins_when_the_reactor_is_freed_is_no_news) /* D18 */
{
    begin();
    on.lost = connect_again;
    struct bight_string_peer *far = bight_string_connect(reactor, &probe_factory, true);
    end_quietly();
    bight_string_peer_free(far);
}
END_TEST

/* --------------------------------------------------------------------------------- the owner's own free */

START_TEST(who_waits_at_what_is_freed_is_no_news) /* D18, D28 */
{
    begin();
    struct bight_lock *lock = bight_lock_new();
    struct bight_semaphore *semaphore = bight_semaphore_new(1);
    struct bight_event *event = bight_event_new();
    struct bight_condition *condition = bight_condition_new(lock);
    struct bight_barrier *barrier = bight_barrier_new(2);
    ck_assert(bight_lock_try_acquire(lock));
    ck_assert(bight_semaphore_try_acquire(semaphore));
    forget(bight_condition_wait(condition));
    struct bight_deferred *held = bight_lock_acquire(lock);
    forget(bight_lock_acquire(lock));
    forget(bight_semaphore_acquire(semaphore));
    forget(bight_event_wait(event));
    forget(bight_barrier_wait(barrier));
    bight_condition_free(condition);
    bight_lock_free(lock);
    bight_semaphore_free(semaphore);
    bight_event_free(event);
    bight_barrier_free(barrier);
    bight_deferred_release(held);
    end_quietly();
}
END_TEST

START_TEST(who_waits_at_a_queue_that_is_freed_or_shut_down_is_no_news) /* D18, D30 */
{
    begin();
    struct bight_queue_options options = { .size = sizeof options, .size_limit = 1 };
    struct bight_queue *full = bight_queue_new(&options), *empty = bight_queue_new(NULL), *shut = bight_queue_new(NULL);
    ck_assert_int_eq(bight_queue_put(full, NULL, NULL), 0);
    forget(bight_queue_put_later(full, NULL, NULL));
    forget(bight_queue_get(empty));
    forget(bight_queue_get(shut));
    bight_queue_shutdown(shut, false);
    bight_queue_free(full);
    bight_queue_free(empty);
    bight_queue_free(shut);
    end_quietly();
}
END_TEST

START_TEST(a_looping_call_a_cooperator_or_a_pool_that_is_freed_is_no_news) /* D18 */
{
    struct bight_worker_pool_options options = { .size = sizeof options, .path = "/bin/cat", .workers = 1 };
    begin();
    struct bight_looping_call *call = bight_looping_call_new(clock_of_test, no_call, NULL);
    struct bight_cooperator *cooperator = bight_cooperator_new(clock_of_test);
    struct bight_deferred *member = sleeping();
    struct bight_as_completed *completed = bight_as_completed_new(&member, 1);
    forget(bight_looping_call_start(call, 1, false));
    struct bight_cooperative_task *task = bight_cooperate(cooperator, wait_in_step, NULL);
    forget(bight_cooperative_task_when_done(task));
    forget(bight_as_completed_next(completed));
    bight_cooperative_task_release(task);
    bight_looping_call_free(call);
    bight_cooperator_free(cooperator);
    bight_as_completed_free(completed);
    end_quietly();
    reactor = bight_reactor_new();
    struct bight_worker_pool *pool = bight_worker_pool_new(reactor, &options);
    forget(bight_worker_pool_submit(pool, "a", 1));
    forget(bight_worker_pool_submit(pool, "b", 1));
    bight_worker_pool_free(pool);
    end_quietly();
}
END_TEST

START_TEST(what_a_producer_abandons_or_a_program_cancels_is_still_told) /* D18 */
{
    begin();
    struct bight_promise promise;
    bight_deferred_release(bight_deferred_new(&promise, NULL, NULL));
    bight_abandon(promise);
    ck_assert_int_eq(told[5], 1);
    struct bight_deferred *cancelled = sleeping();
    bight_deferred_cancel(cancelled);
    bight_deferred_release(cancelled);
    ck_assert_int_eq(told[5], 2);
    bight_reactor_free(reactor);
    ck_assert_int_eq(told[5], 2);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- streams */

static int failing_code;

static void read_in_body(struct bight_result *result, void *context)
{
    (void)bight_await(bight_stream_read(context, 1), result);
}

static struct bight_deferred *serve(struct bight_stream *stream, void *context)
{
    int number = ++*(int *)context;
    if (failing_code != 0) {
        return bight_fail(bight_failure_of(failing_code));
    }
    return number % 3 == 0   ? sleeping()
           : number % 3 == 1 ? bight_spawn(reactor, sleep_in_body, stream)
                             : bight_spawn(reactor, read_in_body, stream);
}

static int served;
static struct bight_stream_factory streams = BIGHT_STREAM_FACTORY(struct bight_stream, serve, &served);
static struct bight_string_peer *peers[100];

static void connect_peers(int number)
{
    for (int i = 0; i < number; i++) {
        peers[i] = bight_string_connect(reactor, &streams.base, true);
    }
}

static void free_peers(int number)
{
    for (int i = 0; i < number; i++) {
        bight_string_peer_free(peers[i]);
    }
}

START_TEST(a_server_of_streams_ends_without_a_word) /* D18, S8 */
{
    begin();
    connect_peers(99);
    bight_reactor_free(reactor);
    ck_assert_int_eq(served, 99);
    ck_assert_int_eq(told[2] + told[3] + told[4] + told[5], 0);
    free_peers(99);
}
END_TEST

static void serve_failing(int code, int number)
{
    memset(told, 0, sizeof told);
    failing_code = code;
    connect_peers(number);
    free_peers(number);
    bight_testing_settle(reactor, 1000);
}

START_TEST(what_a_peer_brings_about_at_will_is_information) /* S8 */
{
    static const int by_peer[] = { BIGHT_E_CONNECTION_LOST, BIGHT_E_INCOMPLETE, BIGHT_E_TIMED_OUT, BIGHT_E_TOO_LONG,
        BIGHT_E_OVERFLOW, BIGHT_E_SYNTAX };
    begin();
    for (size_t i = 0; i < sizeof by_peer / sizeof by_peer[0]; i++) {
        serve_failing(by_peer[i], 1);
        ck_assert_int_eq(told[2], 1);
    }
    end_quietly();
}
END_TEST

START_TEST(other_failures_are_errors_ten_a_second_and_the_rest_counted) /* S8 */
{
    begin();
    serve_failing(BIGHT_E_APPLICATION, 100);
    ck_assert_int_eq(told[4], 10);
    bight_testing_advance(reactor, 1);
    serve_failing(BIGHT_E_APPLICATION, 1);
    ck_assert_int_eq(told[4], 2);
    bight_testing_advance(reactor, 1);
    serve_failing(BIGHT_E_QUEUE_OVERFLOW, 5);
    ck_assert_int_eq(told[4], 5);
    bight_reactor_free(reactor);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_sleeps_when_the_reactor_is_freed_is_no_news);
    tcase_add_test(tests, what_connects_or_runs_when_the_reactor_is_freed_is_no_news);
    tcase_add_test(tests, that_nothing_new_begins_when_the_reactor_is_freed_is_no_news);
    tcase_add_test(tests, who_waits_at_what_is_freed_is_no_news);
    tcase_add_test(tests, who_waits_at_a_queue_that_is_freed_or_shut_down_is_no_news);
    tcase_add_test(tests, a_looping_call_a_cooperator_or_a_pool_that_is_freed_is_no_news);
    tcase_add_test(tests, what_a_producer_abandons_or_a_program_cancels_is_still_told);
    tcase_add_test(tests, a_server_of_streams_ends_without_a_word);
    tcase_add_test(tests, what_a_peer_brings_about_at_will_is_information);
    tcase_add_test(tests, other_failures_are_errors_ten_a_second_and_the_rest_counted);
}

BIGHT_TEST_MAIN("quiet_end", add_tests)
