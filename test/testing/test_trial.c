/* SPDX-License-Identifier: MIT */
/* test_trial.c - trials: what they accept, and that whatever is wrong or left over fails them, with its place. */
#include <bight/process.h>
#include <bight/testing.h>
#include <bight/testing/recorder.h>
#include <bight/testing/trial.h>

#include <signal.h>
#include <unistd.h>

#include "support.h"

#include <bight/testing/check.h>

/* --------------------------------------------------------------------------------- a listening test */

static char told[6000], told_place[100];
static int times_told;

static void listen_to(const char *place, const char *message, void *context)
{
    (void)context;
    times_told++;
    (void)snprintf(told, sizeof told, "%s", message);
    (void)snprintf(told_place, sizeof told_place, "%s", place);
}

static void setup(void)
{
    bight_trial_set_failure(listen_to, NULL);
}

#define TOLD(text) ck_assert_msg(strstr(told, (text)) != NULL, "told: %s", told)
#define NEXT_PLACE(buffer) (void)snprintf((buffer), sizeof(buffer), "test/testing/test_trial.c:%d", __LINE__ + 1)

/* ------------------------------------------------------------------------------------- expectations */

START_TEST(a_value_is_taken)
{
    struct bight_deferred *deferred = bight_succeed(&bight_type_integer, bight_integer(7));
    ck_assert_int_eq(bight_integer_value(bight_expect_value(deferred, &bight_type_integer)), 7);
    bight_expect_value(deferred, NULL); /* it is empty now */
    ck_assert_int_eq(times_told, 0);
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(a_value_that_is_not_there_or_another_is_told_with_the_place)
{
    struct bight_promise promise;
    char place[100];
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    NEXT_PLACE(place);
    ck_assert_ptr_null(bight_expect_value(deferred, &bight_type_integer));
    ck_assert_str_eq(told, "expected integer, but the Deferred has no result yet");
    ck_assert_str_eq(told_place, place);
    bight_callback(promise, &bight_type_integer, bight_integer(7));
    ck_assert_ptr_null(bight_expect_value(deferred, &bight_type_text));
    ck_assert_str_eq(told, "expected text, found integer");
    ck_assert_ptr_null(bight_expect_failure(deferred, BIGHT_E_USAGE));
    ck_assert_str_eq(told, "expected USAGE, found integer");
    bight_deferred_release(deferred);
    deferred = bight_fail(bight_failure_of(BIGHT_E_SHUTDOWN));
    ck_assert_ptr_null(bight_expect_value(deferred, &bight_type_text));
    TOLD("expected text, but the Deferred has failed: ");
    bight_failure_release(bight_expect_failure(deferred, BIGHT_E_CANCELLED));
    bight_deferred_release(deferred);
    ck_assert_int_eq(times_told, 4);
}
END_TEST

START_TEST(a_failure_is_taken_by_its_kind)
{
    struct bight_deferred *deferred = bight_fail(bight_failure_of(BIGHT_E_CONNECTION_REFUSED));
    ck_assert_ptr_null(bight_expect_failure(deferred, BIGHT_E_CANCELLED));
    TOLD("expected CANCELLED, found another failure: ");
    struct bight_failure *failure = bight_expect_failure(deferred, BIGHT_E_CONNECT);
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_CONNECTION_REFUSED);
    bight_failure_release(failure);
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(no_result_is_expected_until_there_is_one)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    ck_assert(bight_expect_no_result(deferred));
    bight_callback(promise, NULL, NULL);
    ck_assert(!bight_expect_no_result(deferred));
    ck_assert_str_eq(told, "expected no result, found nothing");
    bight_deferred_release(deferred);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- runs */

static void fire(void *context)
{
    struct bight_promise *promise = context;
    bight_callback(*promise, &bight_type_integer, bight_integer(1));
}

static struct bight_promise promise;

static struct bight_deferred *fire_later(struct bight_reactor *reactor, void *context)
{
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_call_later(reactor, *(double *)context, fire, &promise, NULL);
    return deferred;
}

START_TEST(a_test_may_give_a_deferred)
{
    double none = 0, hour = 3600;
    ck_assert(bight_trial_run(NULL, fire_later, &none, 10));
    struct bight_reactor *reactor = bight_testing_reactor_new();
    ck_assert(bight_trial_run(reactor, fire_later, &hour, 4000));
    bight_reactor_free(reactor);
    ck_assert_int_eq(times_told, 0);
}
END_TEST

START_TEST(a_test_that_takes_too_long_fails)
{
    double hour = 3600;
    struct bight_reactor *reactor = bight_testing_reactor_new();
    ck_assert(!bight_trial_run(reactor, fire_later, &hour, 60));
    TOLD("the test did not finish within 60 seconds");
    TOLD("left over: a pending call (made at test/testing/test_trial.c:");
    bight_reactor_free(reactor);
    ck_assert_int_eq(times_told, 1);
}
END_TEST

static struct bight_deferred *fail_at_once(struct bight_reactor *reactor, void *context)
{
    (void)reactor;
    (void)context;
    return bight_fail(bight_failure_of(BIGHT_E_CONNECTION_REFUSED));
}

START_TEST(a_test_that_fails_is_told_with_its_failure)
{
    ck_assert(!bight_trial_run(NULL, fail_at_once, NULL, 10));
    TOLD("the test failed: ");
    TOLD("CONNECTION_REFUSED");
}
END_TEST

static struct bight_deferred *stop_the_reactor(struct bight_reactor *reactor, void *context)
{
    struct bight_promise lost;
    (void)context;
    bight_reactor_stop(reactor);
    return bight_deferred_new(&lost, NULL, NULL);
}

START_TEST(a_reactor_that_stops_by_itself_fails_the_test)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    ck_assert(!bight_trial_run(reactor, stop_the_reactor, NULL, 10));
    TOLD("the reactor stopped before the test was over");
    bight_reactor_free(reactor);
}
END_TEST

/* ------------------------------------------------------------------------------------------ cleanups */

static char order[16];
static struct bight_promise cleanup_promise;

static struct bight_deferred *note_cleanup(void *context)
{
    strcat(order, context);
    return NULL;
}

static struct bight_deferred *slow_cleanup(void *context)
{
    static struct bight_reactor *reactor;
    reactor = context;
    strcat(order, "s");
    struct bight_deferred *deferred = bight_deferred_new(&cleanup_promise, NULL, NULL);
    bight_call_later(reactor, 5, fire, &cleanup_promise, NULL);
    return deferred;
}

static struct bight_deferred *with_cleanups(struct bight_reactor *reactor, void *context)
{
    static char a[] = "a", b[] = "b";
    (void)context;
    bight_trial_add_cleanup(note_cleanup, a);
    bight_trial_add_cleanup(slow_cleanup, reactor);
    bight_trial_add_cleanup(note_cleanup, b);
    return NULL;
}

START_TEST(cleanups_run_in_reverse_order_and_are_waited_for)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    ck_assert(bight_trial_run(reactor, with_cleanups, NULL, 10));
    ck_assert_str_eq(order, "bsa");
    ck_assert(!bight_trial_run(reactor, with_cleanups, NULL, 3));
    TOLD("a cleanup did not finish within 3 seconds");
    ck_assert_str_eq(order, "bsabsa");
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_deferred *failing_cleanup(void *context)
{
    (void)context;
    return bight_fail(bight_failure_of(BIGHT_E_SYNTAX));
}

START_TEST(a_trial_that_is_not_run_has_cleanups_too)
{
    static char a[] = "a";
    bight_trial_begin();
    bight_trial_add_cleanup(note_cleanup, a);
    ck_assert(bight_trial_end(NULL));
    ck_assert_str_eq(order, "a");
    bight_trial_begin();
    bight_trial_add_cleanup(failing_cleanup, NULL);
    ck_assert(!bight_trial_end(NULL));
    TOLD("a cleanup failed: ");
}
END_TEST

/* --------------------------------------------------------------------------------------------- the log */

START_TEST(a_logged_error_fails_the_trial_unless_it_is_flushed)
{
    bight_trial_begin();
    bight_deferred_release(bight_fail(bight_failure_of(BIGHT_E_CONNECTION_REFUSED)));
    bight_log(BIGHT_LOG_WARNING, "test", NULL, "no harm");
    ck_assert(!bight_trial_end(NULL));
    TOLD("logged: ");
    TOLD("unhandled failure in a Deferred");
    bight_trial_begin();
    bight_deferred_release(bight_fail(bight_failure_of(BIGHT_E_CONNECTION_REFUSED)));
    bight_log(BIGHT_LOG_ERROR, "test", NULL, "the disk is full");
    ck_assert_uint_eq(bight_trial_flush_logged(BIGHT_E_CANCELLED), 0);
    ck_assert_uint_eq(bight_trial_flush_logged(BIGHT_E_CONNECT), 1);
    ck_assert(!bight_trial_end(NULL));
    TOLD("the disk is full");
    ck_assert_ptr_null(strstr(told, "unhandled"));
    bight_trial_begin();
    bight_log(BIGHT_LOG_ERROR, "test", NULL, "the disk is full");
    ck_assert_uint_eq(bight_trial_flush_logged(BIGHT_OK), 1);
    ck_assert(bight_trial_end(NULL));
}
END_TEST

/* ------------------------------------------------------------------------------------- the dirty reactor */

struct silent {
    struct bight_protocol base;
};
static const struct bight_protocol_ops silent_ops = { .connection_made = NULL };
static struct bight_factory factory = BIGHT_FACTORY(struct silent, &silent_ops);

static void do_nothing(void *context)
{
    (void)context;
}

static void never_ready(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
}

/* Fails unless what is left over is one line with this text and the place. */
static void expect_left_over(struct bight_reactor *reactor, const char *what, const char *place)
{
    char line[200];
    (void)snprintf(line, sizeof line, "left over: %s (made at %s)", what, place);
    ck_assert(!bight_trial_end(reactor));
    ck_assert_str_eq(told, line);
}

START_TEST(a_pending_call_makes_a_reactor_dirty)
{
    char place[100];
    struct bight_timer timer;
    struct bight_reactor *reactor = bight_testing_reactor_new();
    bight_trial_begin();
    NEXT_PLACE(place);
    bight_call_later(reactor, 1, do_nothing, NULL, &timer);
    expect_left_over(reactor, "a pending call", place);
    bight_trial_begin();
    bight_timer_cancel(timer);
    ck_assert(bight_trial_end(reactor));
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_watch_makes_a_reactor_dirty)
{
    char place[100];
    struct bight_foreign_watch watch;
    struct bight_reactor *reactor = bight_testing_reactor_new();
    bight_trial_begin();
    NEXT_PLACE(place);
    bight_watch_descriptor(reactor, 0, 2, never_ready, NULL, NULL, &watch);
    expect_left_over(reactor, "a watch of a descriptor", place);
    bight_unwatch_descriptor(watch);
    bight_trial_begin();
    ck_assert(bight_trial_end(reactor));
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_reactor *run_by_child;

static void stop_at_end(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    (void)reason;
    bight_reactor_stop(run_by_child);
}

START_TEST(a_child_that_lives_makes_a_reactor_dirty)
{
    char place[100];
    static const struct bight_process_protocol_ops ops = { .process_ended = stop_at_end };
    struct bight_process_protocol child = BIGHT_PROCESS_PROTOCOL(&ops);
    static const struct bight_child_descriptor none[] = { { 0, BIGHT_CHILD_NULL, 0 } };
    struct bight_process_options options = { .size = sizeof options, .path = "/bin/true", .descriptors = none };
    struct bight_reactor *reactor = run_by_child = bight_reactor_new();
    options.descriptor_count = 1;
    bight_trial_begin();
    NEXT_PLACE(place);
    bight_spawn_process(reactor, &child, &options, NULL);
    expect_left_over(reactor, "a child process", place);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    bight_trial_begin();
    ck_assert(bight_trial_end(reactor));
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_deferred_that_is_not_freed_fails_the_trial)
{
    char place[100];
    struct bight_promise lost;
    bight_trial_begin();
    NEXT_PLACE(place);
    struct bight_deferred *deferred = bight_deferred_new(&lost, NULL, NULL);
    expect_left_over(NULL, "a Deferred", place);
    bight_trial_begin(); /* it is not this trial's */
    ck_assert(bight_trial_end(NULL));
    bight_callback(lost, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(ports_and_their_connections_are_named_with_the_place_of_listening)
{
    char place[100];
    struct bight_recorder *recorder = bight_recorder_new();
    struct bight_reactor *reactor = bight_recorder_reactor(recorder);
    bight_trial_begin();
    NEXT_PLACE(place);
    struct bight_deferred *listening = bight_listen(reactor, "tcp:80", &factory);
    struct bight_port *port = bight_expect_value(listening, &bight_type_port);
    bight_deferred_release(listening);
    expect_left_over(reactor, "a port, or an attempt to connect", place);
    bight_trial_begin();
    struct bight_string_peer *peer = bight_recorder_accept(recorder, 0, NULL);
    bight_deferred_release(bight_port_stop_listening(port));
    expect_left_over(reactor, "a connection", place);
    bight_string_peer_free(peer);
    bight_port_release(port);
    bight_trial_begin();
    ck_assert(bight_trial_end(reactor));
    bight_recorder_free(recorder);
}
END_TEST

START_TEST(attempts_and_their_connections_are_named_with_the_place_of_connecting)
{
    char place[100];
    struct bight_recorder *recorder = bight_recorder_new();
    struct bight_reactor *reactor = bight_recorder_reactor(recorder);
    bight_trial_begin();
    NEXT_PLACE(place);
    struct bight_deferred *connecting = bight_connect(reactor, "tcp:192.0.2.1:80", &factory);
    bight_testing_settle(reactor, 10);
    ck_assert(!bight_trial_end(reactor));
    TOLD("left over: a port, or an attempt to connect (made at ");
    TOLD(place);
    TOLD("left over: a Deferred (made at ");
    bight_trial_begin();
    struct bight_string_peer *peer = bight_recorder_complete(recorder, 0);
    expect_left_over(reactor, "a connection", place);
    bight_result_clear(bight_deferred_result(connecting));
    bight_deferred_release(connecting);
    bight_string_peer_free(peer);
    bight_recorder_free(recorder);
}
END_TEST

static void wait_for_byte(struct bight_result *result, void *context)
{
    char byte;
    (void)result;
    (void)!read(*(int *)context, &byte, 1);
}

START_TEST(a_job_of_the_pool_makes_a_reactor_dirty) /* R10 */
{
    int ends[2];
    char place[100], text[500], line[200];
    ck_assert_int_eq(pipe(ends), 0);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_trial_begin();
    NEXT_PLACE(place);
    struct bight_deferred *job = bight_defer_to_thread(reactor, wait_for_byte, &ends[0]);
    (void)snprintf(line, sizeof line, "left over: a job of the thread pool (made at %s)\n", place);
    ck_assert_uint_eq(bight_trial_left_over(reactor, text, sizeof text), 2); /* and its Deferred */
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    bight_deferred_cancel(job);
    bight_failure_release(bight_expect_failure(job, BIGHT_E_CANCELLED));
    bight_deferred_release(job);
    bight_reactor_free(reactor);
    ck_assert(bight_trial_end(NULL));
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static bool run_without_memory(void *context)
{
    double hour = 3600;
    static char a[] = "";
    struct bight_reactor *reactor = bight_testing_reactor_new();
    (void)context;
    if (reactor == NULL) {
        return true;
    }
    bight_trial_begin();
    bight_trial_add_cleanup(note_cleanup, a);
    bool well = bight_trial_run(reactor, fire_later, &hour, 4000);
    bight_reactor_free(reactor);
    return well || bight_testing_fault_injected();
}

START_TEST(a_trial_survives_each_failed_allocation)
{
    ck_assert_uint_eq(bight_testing_with_faults(run_without_memory, NULL, 0), 0);
    ck_assert_int_gt(times_told, 3);
}
END_TEST

START_TEST(cleanups_run_when_the_reactor_stops_by_itself)
{
    static char a[] = "a";
    struct bight_reactor *reactor = bight_testing_reactor_new();
    bight_trial_begin();
    bight_trial_add_cleanup(note_cleanup, a);
    ck_assert(!bight_trial_run(reactor, stop_the_reactor, NULL, 10));
    ck_assert_str_eq(order, "a");
    bight_reactor_free(reactor);
}
END_TEST

/* ---------------------------------------------------------------------------------------- frameworks */

START_TEST(without_a_function_a_failure_aborts_the_process)
{
    bight_trial_set_failure(NULL, NULL);
    bight_trial_begin();
    bight_log(BIGHT_LOG_ERROR, "test", NULL, "the disk is full");
    (void)bight_trial_end(NULL);
}
END_TEST

START_TEST(what_is_as_expected_does_not_trouble_check)
{
    bight_trial_use_check();
    struct bight_deferred *deferred = bight_succeed(&bight_type_integer, bight_integer(3));
    ck_assert_int_eq(bight_integer_value(bight_expect_value(deferred, &bight_type_integer)), 3);
    bight_deferred_release(deferred);
    ck_assert_int_eq(times_told, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, a_value_is_taken);
    tcase_add_test(tests, a_value_that_is_not_there_or_another_is_told_with_the_place);
    tcase_add_test(tests, a_failure_is_taken_by_its_kind);
    tcase_add_test(tests, no_result_is_expected_until_there_is_one);
    tcase_add_test(tests, a_test_may_give_a_deferred);
    tcase_add_test(tests, a_test_that_takes_too_long_fails);
    tcase_add_test(tests, a_test_that_fails_is_told_with_its_failure);
    tcase_add_test(tests, a_reactor_that_stops_by_itself_fails_the_test);
    tcase_add_test(tests, cleanups_run_in_reverse_order_and_are_waited_for);
    tcase_add_test(tests, a_trial_that_is_not_run_has_cleanups_too);
    tcase_add_test(tests, a_logged_error_fails_the_trial_unless_it_is_flushed);
    tcase_add_test(tests, a_pending_call_makes_a_reactor_dirty);
    tcase_add_test(tests, a_watch_makes_a_reactor_dirty);
    tcase_add_test(tests, a_child_that_lives_makes_a_reactor_dirty);
    tcase_add_test(tests, a_deferred_that_is_not_freed_fails_the_trial);
    tcase_add_test(tests, ports_and_their_connections_are_named_with_the_place_of_listening);
    tcase_add_test(tests, attempts_and_their_connections_are_named_with_the_place_of_connecting);
    tcase_add_test(tests, a_job_of_the_pool_makes_a_reactor_dirty);
    tcase_add_test(tests, a_trial_survives_each_failed_allocation);
    tcase_add_test(tests, cleanups_run_when_the_reactor_stops_by_itself);
    tcase_add_test_raise_signal(tests, without_a_function_a_failure_aborts_the_process, SIGABRT);
    tcase_add_test(tests, what_is_as_expected_does_not_trouble_check);
}

BIGHT_TEST_MAIN("trial", add_tests)
