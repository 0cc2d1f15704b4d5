/* SPDX-License-Identifier: MIT */
/* test_reactor.c - running and stopping, the order of a turn, work that is deferred. */
#include <bight/thread.h>

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sysexits.h>

#include "fake_system.h"
#include "faults.h"
#include "reactor_support.h"

static void stop(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

START_TEST(run_serves_until_stopped_and_may_be_called_again) /* R1 R3 */
{
    for (int round = 0; round < 3; round++) {
        bight_call_when_running(reactor, note, (void *)"r");
        bight_call_later(reactor, 0, stop, NULL, NULL);
        ck_assert_int_eq(bight_reactor_run(reactor), 0);
        ck_assert(!bight_reactor_is_running(reactor));
    }
    ck_assert_str_eq(calls, "rrr");
}
END_TEST

static void run_inside(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_reactor_run(reactor), EX_SOFTWARE);
    bight_reactor_free(reactor);
    ck_assert(bight_reactor_is_running(reactor));
    stop(NULL);
}

START_TEST(run_and_free_inside_run_are_usage_errors) /* R1 R3 */
{
    bight_call_when_running(reactor, run_inside, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
}
END_TEST

START_TEST(stop_before_run_is_a_usage_error) /* R3 */
{
    ck_assert_int_eq(bight_reactor_stop(reactor), BIGHT_E_NOT_RUNNING);
    struct bight_deferred *stopped = bight_reactor_stop_later(reactor);
    struct bight_failure *failure = bight_result_take_failure(bight_deferred_result(stopped));
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_NOT_RUNNING);
    bight_failure_release(failure);
    bight_deferred_release(stopped);
}
END_TEST

static void fail_twice(void *context)
{
    (void)context;
    bight_reactor_fail(reactor, 69);
    bight_reactor_fail(reactor, 70);
}

START_TEST(fail_ends_the_run_with_the_first_status) /* R3 */
{
    bight_call_when_running(reactor, fail_twice, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 69);
    bight_call_when_running(reactor, stop, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
}
END_TEST

START_TEST(fail_before_run_ends_it_at_once) /* R3 */
{
    bight_call_when_running(reactor, note, (void *)"r");
    bight_reactor_fail(reactor, 71);
    ck_assert_int_eq(bight_reactor_run(reactor), 71);
    ck_assert_str_eq(calls, "");
}
END_TEST

static void call_when_running(void *context)
{
    (void)context;
    note((void *)"a");
    bight_call_when_running_full(reactor, note, (void *)"b", count_release, NULL);
    bight_call_when_running(reactor, stop, NULL);
    note((void *)"c");
}

START_TEST(call_when_running_is_made_on_the_next_turn_of_a_running_reactor) /* R2 */
{
    bight_call_when_running(reactor, call_when_running, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(calls, "acb");
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(calls_never_made_are_released_with_the_reactor) /* D33 */
{
    bight_call_when_running_full(reactor, note, (void *)"b", count_release, NULL);
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_uint_eq(released, 1);
    ck_assert_str_eq(calls, "");
}
END_TEST

static struct bi_task tasks[4];

static void task_a(struct bi_task *task)
{
    (void)task;
    note((void *)"a");
}

static void task_again(struct bi_task *task)
{
    note((void *)"s");
    if (strlen(calls) < 3) {
        bi_reactor_soon(reactor, task, task_again);
    }
}

START_TEST(afterwards_runs_when_the_outermost_handler_has_returned) /* R4 */
{
    bi_reactor_enter(reactor);
    bi_reactor_enter(reactor);
    bi_reactor_afterwards(reactor, &tasks[0], task_a);
    bi_reactor_leave(reactor);
    ck_assert_str_eq(calls, "");
    bi_reactor_leave(reactor);
    ck_assert_str_eq(calls, "a");
    bi_reactor_afterwards(reactor, &tasks[0], task_a);
    ck_assert(bi_reactor_has_work(reactor));
    bi_reactor_turn(reactor, false);
    ck_assert_str_eq(calls, "aa");
}
END_TEST

START_TEST(soon_runs_once_a_turn_however_often_it_is_asked_for) /* R4 */
{
    bi_reactor_soon(reactor, &tasks[0], task_again);
    for (size_t turn = 1; turn <= 3; turn++) {
        bi_reactor_turn(reactor, false);
        ck_assert_uint_eq(strlen(calls), turn);
    }
    ck_assert(!bi_reactor_has_work(reactor));
}
END_TEST

static void task_unqueue(struct bi_task *task)
{
    (void)task;
    note((void *)"u");
    bi_reactor_unqueue(reactor, &tasks[2]);
    bi_reactor_unqueue(reactor, &tasks[3]);
    bi_reactor_soon(reactor, &tasks[3], task_a);
}

START_TEST(a_task_can_be_taken_out_while_the_queue_is_drained)
{
    bi_reactor_soon(reactor, &tasks[0], task_unqueue);
    bi_reactor_soon(reactor, &tasks[1], task_again);
    bi_reactor_soon(reactor, &tasks[2], task_a);
    bi_reactor_soon(reactor, &tasks[3], task_a);
    bi_reactor_unqueue(reactor, &tasks[1]);
    bi_reactor_turn(reactor, false);
    ck_assert_str_eq(calls, "u");
    bi_reactor_turn(reactor, false);
    ck_assert_str_eq(calls, "ua");
}
END_TEST

static void from_thread(void *context)
{
    note((void *)"t");
    bight_call_later(reactor, 0, stop, NULL, NULL);
    (void)context;
}

START_TEST(a_turn_does_soon_then_calls_then_timers) /* R4 */
{
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    bight_call_later(reactor, 0, note, (void *)"l", NULL);
    ck_assert_int_eq(bight_call_from_thread(mailbox, from_thread, NULL), 0);
    bi_reactor_soon(reactor, &tasks[0], task_a);
    bight_mailbox_release(mailbox);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(calls, "atl");
}
END_TEST

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
    (void)number;
    alarms++;
}

START_TEST(a_poll_that_a_signal_interrupts_goes_on) /* R4 */
{
    struct sigaction action = { .sa_handler = count_alarm };
    struct itimerval every = { { 0, 1000 }, { 0, 1000 } };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    bight_call_later(reactor, 0.02, stop, NULL, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_gt(alarms, 0);
}
END_TEST

static void stop_that(void *context)
{
    bight_reactor_stop(context);
}

static void *run_another(void *context)
{
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    struct bight_reactor *mine = bight_reactor_new_full(&options);
    (void)context;
    bight_call_later(mine, 0.001, stop_that, mine, NULL);
    intptr_t status = bight_reactor_run(mine);
    bight_reactor_free(mine);
    return (void *)status;
}

START_TEST(each_thread_may_run_its_own) /* R1 */
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_another, NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        void *status;
        pthread_join(threads[i], &status);
        ck_assert_ptr_null(status);
    }
}
END_TEST

START_TEST(without_a_timerfd_libevents_timers_do_its_work) /* R5 */
{
    static struct fake_system fake;
    struct bight_reactor_options options = { .size = sizeof options, .system = &fake.system };
    fake_init(&fake);
    fake.timerfd_error = -ENOSYS;
    fake.ops.now = bight_system_real()->ops->now;
    bight_reactor_free(reactor);
    reactor = bight_reactor_new_full(&options);
    ck_assert_ptr_nonnull(reactor);
    uint64_t begun = bi_reactor_now(reactor);
    bight_call_later(reactor, 0.003, stop, NULL, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_uint_ge(bi_reactor_now(reactor) - begun, 3000000);
}
END_TEST

START_TEST(a_reactor_is_made_or_not_whichever_allocation_fails) /* D34 */
{
    struct bight_test_memory memory;
    bight_reactor_free(reactor);
    reactor = NULL;
    for (unsigned n = 1; reactor == NULL; n++) {
        ck_assert_uint_lt(n, 100);
        bight_test_fail_nth(&memory, n);
        reactor = bight_reactor_new();
        if (reactor == NULL) {
            ck_assert_int_eq(memory.out, 0);
        }
    }
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(without_memory_call_when_running_takes_nothing) /* D33 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 1);
    ck_assert_int_eq(
        bight_call_when_running_full(reactor, note, (void *)"a", count_release, NULL), BIGHT_E_OUT_OF_MEMORY);
    bight_set_allocator(NULL);
    ck_assert_uint_eq(released, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, run_serves_until_stopped_and_may_be_called_again);
    tcase_add_test(tests, run_and_free_inside_run_are_usage_errors);
    tcase_add_test(tests, stop_before_run_is_a_usage_error);
    tcase_add_test(tests, fail_ends_the_run_with_the_first_status);
    tcase_add_test(tests, fail_before_run_ends_it_at_once);
    tcase_add_test(tests, call_when_running_is_made_on_the_next_turn_of_a_running_reactor);
    tcase_add_test(tests, calls_never_made_are_released_with_the_reactor);
    tcase_add_test(tests, afterwards_runs_when_the_outermost_handler_has_returned);
    tcase_add_test(tests, soon_runs_once_a_turn_however_often_it_is_asked_for);
    tcase_add_test(tests, a_task_can_be_taken_out_while_the_queue_is_drained);
    tcase_add_test(tests, a_turn_does_soon_then_calls_then_timers);
    tcase_add_test(tests, a_poll_that_a_signal_interrupts_goes_on);
    tcase_add_test(tests, each_thread_may_run_its_own);
    tcase_add_test(tests, without_a_timerfd_libevents_timers_do_its_work);
    tcase_add_test(tests, a_reactor_is_made_or_not_whichever_allocation_fails);
    tcase_add_test(tests, without_memory_call_when_running_takes_nothing);
}

BIGHT_TEST_MAIN("reactor", add_tests)
