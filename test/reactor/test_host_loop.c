/* SPDX-License-Identifier: MIT */
/* test_host_loop.c - a reactor as a guest on an event_base that a program has of its own. */
#include "support.h"

#include <event2/event.h>
#include <sysexits.h>

#include <bight/thread.h>

#include "fake_system.h"

static struct event_base *host;
static struct bight_reactor *reactor;
static char calls[256];
static unsigned host_events;

static void set_up(void)
{
    host = event_base_new();
    struct bight_reactor_options options = { .size = sizeof options, .host = host };
    reactor = bight_reactor_new_full(&options);
    ck_assert_ptr_nonnull(reactor);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
    event_base_free(host);
}

static void note(void *letter)
{
    calls[strlen(calls)] = *(const char *)letter;
}

static struct bight_deferred *trigger(void *letter)
{
    note(letter);
    return NULL;
}

static void break_host(struct bight_result *result, void *context)
{
    (void)result;
    note(context);
    event_base_loopbreak(host);
}

static void stop_later(void *context)
{
    struct bight_deferred *stopped = bight_reactor_stop_later(reactor);
    bight_deferred_add_callback(stopped, break_host, context);
    bight_deferred_release(stopped);
}

static void stop(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

START_TEST(run_on_a_host_is_a_usage_error) /* R3 */
{
    ck_assert_int_eq(bight_reactor_run(reactor), EX_SOFTWARE);
}
END_TEST

START_TEST(a_guest_starts_serves_timers_and_stops_on_the_hosts_loop) /* R2 R3 R5 */
{
    bight_add_trigger(reactor, BIGHT_STARTUP, BIGHT_BEFORE, trigger, (void *)"a", NULL, NULL);
    bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_AFTER, trigger, (void *)"z", NULL, NULL);
    bight_call_when_running(reactor, note, (void *)"b");
    bight_call_later(reactor, 0.002, note, (void *)"c", NULL);
    bight_call_later(reactor, 0.003, stop_later, (void *)"!", NULL);
    ck_assert(!bight_reactor_is_running(reactor));
    event_base_loop(host, EVLOOP_NO_EXIT_ON_EMPTY);
    ck_assert_str_eq(calls, "abcz!");
    ck_assert(!bight_reactor_is_running(reactor));
    ck_assert_int_eq(bight_reactor_stop(reactor), BIGHT_E_NOT_RUNNING);
}
END_TEST

START_TEST(a_guest_stopped_before_the_host_runs_starts_and_stops) /* R3 */
{
    bight_add_trigger(reactor, BIGHT_STARTUP, BIGHT_BEFORE, trigger, (void *)"a", NULL, NULL);
    stop_later((void *)"!");
    event_base_loop(host, EVLOOP_NO_EXIT_ON_EMPTY);
    ck_assert_str_eq(calls, "a!");
}
END_TEST

static struct bi_task task;

static void run_task(struct bi_task *done)
{
    (void)done;
    note((void *)"t");
    stop_later((void *)"!");
}

START_TEST(what_is_queued_outside_a_handler_is_done_by_an_activated_event) /* R3 */
{
    event_base_loop(host, EVLOOP_NONBLOCK);
    bi_reactor_afterwards(reactor, &task, run_task);
    event_base_loop(host, EVLOOP_NO_EXIT_ON_EMPTY);
    ck_assert_str_eq(calls, "t!");
}
END_TEST

static void count_host_event(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
    host_events++;
}

static void again(void *context)
{
    unsigned *left = context;
    if (--*left == 0) {
        stop_later((void *)"!");
        return;
    }
    bight_call_later(reactor, 0, again, left, NULL);
}

START_TEST(calls_of_no_delay_let_the_hosts_descriptors_in_between) /* R5 */
{
    int fds[2];
    unsigned left = 20;
    ck_assert_int_eq(pipe(fds), 0);
    struct event *event = event_new(host, fds[1], EV_WRITE | EV_PERSIST, count_host_event, NULL);
    event_add(event, NULL);
    bight_call_later(reactor, 0, again, &left, NULL);
    event_base_loop(host, EVLOOP_NO_EXIT_ON_EMPTY);
    ck_assert_uint_ge(host_events, 15);
    event_free(event);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static void from_thread(void *context)
{
    note(context);
    stop_later((void *)"!");
}

START_TEST(calls_from_threads_reach_a_guest) /* R9 */
{
    event_base_loop(host, EVLOOP_NONBLOCK);
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    ck_assert_int_eq(bight_call_from_thread(mailbox, from_thread, (void *)"m"), 0);
    bight_mailbox_release(mailbox);
    event_base_loop(host, EVLOOP_NO_EXIT_ON_EMPTY);
    ck_assert_str_eq(calls, "m!");
}
END_TEST

START_TEST(a_guest_freed_while_it_serves_leaves_the_host_working) /* R3 */
{
    bight_call_later(reactor, 1000, stop, NULL, NULL);
    event_base_loop(host, EVLOOP_NONBLOCK);
    ck_assert(bight_reactor_is_running(reactor));
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_int_eq(event_base_loop(host, EVLOOP_NONBLOCK), 1); /* nothing of bight's is left on it */
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, run_on_a_host_is_a_usage_error);
    tcase_add_test(tests, a_guest_starts_serves_timers_and_stops_on_the_hosts_loop);
    tcase_add_test(tests, a_guest_stopped_before_the_host_runs_starts_and_stops);
    tcase_add_test(tests, what_is_queued_outside_a_handler_is_done_by_an_activated_event);
    tcase_add_test(tests, calls_of_no_delay_let_the_hosts_descriptors_in_between);
    tcase_add_test(tests, calls_from_threads_reach_a_guest);
    tcase_add_test(tests, a_guest_freed_while_it_serves_leaves_the_host_working);
}

BIGHT_TEST_MAIN("host_loop", add_tests)
