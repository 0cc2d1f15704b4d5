/* SPDX-License-Identifier: MIT */
/* test_stop.c - what still runs when a stop has been asked for, what does not, and when (R2, R3).
 *
 * Whatever is called notes a letter, so that a run can be read: "d" is the first trigger behind which everything is
 * disconnected. */
#include "support.h"

#include <bight/thread.h>

#include "fake_system.h"
#include "faults.h"

#include <event2/event.h>

#define MANY 3000 /* more than two turns make */

static struct fake_system fake;
static struct bight_reactor *reactor;
static struct bight_mailbox *mailbox;
static struct bight_promise promise;
static char calls[64];
static unsigned ran[3], ran_when_disconnected[3];
static unsigned released;

static void hold_mailbox(void)
{
    ck_assert_ptr_nonnull(reactor);
    mailbox = bight_reactor_mailbox(reactor);
}

static void set_up(void)
{
    reactor = fake_reactor(&fake);
    hold_mailbox();
}

static void tear_down(void)
{
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}

static void note(void *letter)
{
    strcat(calls, letter);
}

static void note_text(const char *letter)
{
    strcat(calls, letter);
}

static void stop(void *letter)
{
    note(letter);
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

static struct bight_deferred *note_trigger(void *letter)
{
    note(letter);
    return NULL;
}

static struct bight_deferred *stop_trigger(void *letter)
{
    stop(letter);
    return NULL;
}

static void add(const char *event, enum bight_trigger_phase phase, bight_trigger_function function, const char *letter)
{
    ck_assert_int_eq(bight_add_trigger(reactor, event, phase, function, (void *)letter, NULL, NULL), 0);
}

/* One of each kind. */
static void ask_for_calls(void)
{
    ck_assert_int_eq(bight_call_when_running(reactor, note, (void *)"w"), 0);
    ck_assert_int_eq(bight_call_from_thread(mailbox, note, (void *)"m"), 0);
    ck_assert_int_eq(bight_call_later(reactor, 0, note, (void *)"t", NULL), 0);
}

START_TEST(what_was_queued_before_a_run_runs_in_it_though_it_is_stopped_at_once) /* R2 R3 */
{
    ask_for_calls();
    add(BIGHT_STARTUP, BIGHT_BEFORE, stop_trigger, "s");
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, note_trigger, "b");
    add(BIGHT_SHUTDOWN, BIGHT_DURING, note_trigger, "d");
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(calls, "swmtbd");
}
END_TEST

static void stop_and_ask(void *letter)
{
    stop(letter);
    ask_for_calls();
}

START_TEST(what_is_asked_for_while_the_loop_serves_runs_before_anything_is_disconnected) /* R2 R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_DURING, note_trigger, "d");
    bight_call_when_running(reactor, stop_and_ask, (void *)"s");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "smtwd");
}
END_TEST

static struct bight_deferred *ask_trigger(void *letter)
{
    note(letter);
    ask_for_calls();
    return NULL;
}

START_TEST(what_is_asked_for_while_everything_is_disconnected_waits_for_the_next_run) /* R2 R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_DURING, ask_trigger, "d");
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "sd");
    ck_assert_int_eq(bight_call_later(reactor, 0, stop, (void *)"s", NULL), 0);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "sdwmtsd");
}
END_TEST

static void count(void *context)
{
    ++*(unsigned *)context;
}

static struct bight_deferred *take_down_counts(void *context)
{
    (void)context;
    memcpy(ran_when_disconnected, ran, sizeof ran);
    return NULL;
}

static void ask_for_many(void *context)
{
    (void)context;
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(bight_call_when_running(reactor, count, &ran[0]), 0);
        ck_assert_int_eq(bight_call_from_thread(mailbox, count, &ran[1]), 0);
        ck_assert_int_eq(bight_call_later(reactor, 0.5, count, &ran[2], NULL), 0);
    }
    fake.now += 500000000; /* due, and nobody has told the loop */
    bight_reactor_stop(reactor);
}

START_TEST(more_than_a_turn_makes_still_runs_before_anything_is_disconnected) /* R3 R4 R9 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, take_down_counts, NULL);
    bight_call_when_running(reactor, ask_for_many, NULL);
    bight_reactor_run(reactor);
    for (int kind = 0; kind < 3; kind++) {
        ck_assert_uint_eq(ran_when_disconnected[kind], MANY);
    }
}
END_TEST

static void ask_for_many_and_stop_twice(void *context)
{
    ask_for_many(context);
    bight_reactor_stop(reactor);
}

/* Calls from threads have a part in the turn that asked, too. */
START_TEST(a_second_stop_waits_for_one_turn_and_the_rest_for_the_next_run) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, take_down_counts, NULL);
    bight_call_when_running(reactor, ask_for_many_and_stop_twice, NULL);
    bight_reactor_run(reactor);
    ck_assert_uint_eq(ran_when_disconnected[0], MANY);
    ck_assert_uint_eq(ran_when_disconnected[1], 2048);
    ck_assert_uint_eq(ran_when_disconnected[2], 1024);
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_reactor_run(reactor);
    ck_assert_uint_eq(ran[1], MANY);
    ck_assert_uint_eq(ran[2], MANY);
}
END_TEST

static void ask_again_when_running(void *context)
{
    count(context);
    ck_assert_int_eq(bight_call_when_running(reactor, ask_again_when_running, context), 0);
}

static void ask_again_from_thread(void *context)
{
    count(context);
    ck_assert_int_eq(bight_call_from_thread(mailbox, ask_again_from_thread, context), 0);
}

static void ask_again_later(void *context)
{
    count(context);
    ck_assert_int_eq(bight_call_later(reactor, 0, ask_again_later, context, NULL), 0);
}

/* The clock stands still, so each of the timers is due as soon as it is armed. */
START_TEST(what_asks_for_itself_again_and_again_does_not_hold_the_stop_up) /* R3 */
{
    ask_again_when_running(&ran[0]);
    ask_again_from_thread(&ran[1]);
    ask_again_later(&ran[2]);
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_reactor_run(reactor);
    for (int kind = 0; kind < 3; kind++) {
        ck_assert_uint_ge(ran[kind], 2);
        ck_assert_uint_le(ran[kind], 10);
    }
}
END_TEST

static struct bight_timer timers[MANY];

static void cancel_all_timers(void *context)
{
    (void)context;
    for (int i = 0; i < MANY; i++) {
        (void)bight_timer_cancel(timers[i]);
    }
}

START_TEST(timers_that_are_cancelled_meanwhile_are_not_waited_for) /* R3 R7 */
{
    bight_call_later(reactor, 0, cancel_all_timers, NULL, NULL);
    for (int i = 0; i < MANY; i++) {
        bight_call_later(reactor, 0, note, (void *)"t", &timers[i]);
    }
    add(BIGHT_STARTUP, BIGHT_DURING, stop_trigger, "s");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s");
}
END_TEST

/* ------------------------------------------------------------------------------- before-triggers */

static struct bight_deferred *wait_trigger(void *letter)
{
    note(letter);
    return bight_deferred_new(&promise, NULL, NULL);
}

static void fire(void *letter)
{
    note(letter);
    bight_callback(promise, NULL, NULL);
}

static struct bight_deferred *adding_trigger(void *letter)
{
    note(letter);
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, wait_trigger, "2");
    bight_call_when_running(reactor, note, (void *)"-");
    return NULL;
}

static void fire_when_waited_for(void *letter)
{
    if (bight_promise_is_open(promise)) {
        fire(letter);
    } else {
        bight_call_when_running(reactor, fire_when_waited_for, letter);
    }
}

START_TEST(a_before_trigger_added_in_a_before_trigger_runs_and_is_awaited) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, adding_trigger, "1");
    add(BIGHT_SHUTDOWN, BIGHT_DURING, note_trigger, "d");
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_call_when_running(reactor, fire_when_waited_for, (void *)"f");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s1-2fd");
}
END_TEST

static struct bight_promise second;

static struct bight_deferred *wait_for_second(void *letter)
{
    note(letter);
    return bight_deferred_new(&second, NULL, NULL);
}

static void fire_second(void *letter)
{
    note(letter);
    bight_callback(second, NULL, NULL);
}

static void add_late(void *letter)
{
    note(letter);
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, wait_for_second, "2");
    bight_callback(promise, NULL, NULL);
    bight_call_later(reactor, 0, fire_second, (void *)"f", NULL);
}

static struct bight_deferred *wait_and_add_late(void *letter)
{
    bight_call_later(reactor, 0, add_late, (void *)"a", NULL);
    return wait_trigger(letter);
}

START_TEST(a_before_trigger_added_while_another_is_awaited_runs_and_is_awaited) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, wait_and_add_late, "1");
    add(BIGHT_SHUTDOWN, BIGHT_DURING, note_trigger, "d");
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s1a2fd");
}
END_TEST

static struct bight_deferred *adding_and_stopping(void *letter)
{
    (void)adding_trigger(letter);
    bight_reactor_stop(reactor);
    return NULL;
}

START_TEST(after_a_second_stop_one_that_was_just_added_is_left_for_the_next_shutdown) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, adding_and_stopping, "1");
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s1");
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s1-s12");
    bight_abandon(promise);
}
END_TEST

/* ------------------------------------------------------------------------------------ is it running */

static struct bight_deferred *note_running(void *context)
{
    (void)context;
    note_text(bight_reactor_is_running(reactor) ? "y" : "n");
    return NULL;
}

static void note_running_and_stop(void *context)
{
    (void)note_running(context);
    bight_reactor_stop(reactor);
}

START_TEST(it_is_running_from_the_during_phase_of_startup_on) /* R2 */
{
    for (int phase = BIGHT_BEFORE; phase <= BIGHT_AFTER; phase++) {
        add(BIGHT_STARTUP, phase, note_running, NULL);
        add(BIGHT_SHUTDOWN, phase, note_running, NULL);
    }
    bight_call_when_running(reactor, note_running_and_stop, NULL);
    (void)note_running(NULL);
    bight_reactor_run(reactor);
    (void)note_running(NULL);
    ck_assert_str_eq(calls, "nnyyyyyyn");
}
END_TEST

static struct bight_deferred *misuse(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_reactor_run(reactor), 70);
    bight_reactor_free(reactor);
    return NULL;
}

START_TEST(run_and_free_before_it_is_running_are_usage_errors) /* R1 R3 */
{
    add(BIGHT_STARTUP, BIGHT_BEFORE, misuse, NULL);
    add(BIGHT_STARTUP, BIGHT_BEFORE, stop_trigger, "s");
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(calls, "s");
}
END_TEST

/* ---------------------------------------------------------------------------------------- the end */

static void count_release(void *context)
{
    (void)context;
    released++;
}

static void heard(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
}

static void ask_too_late(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_call_when_running_full(reactor, note, NULL, count_release, NULL), BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, note_trigger, NULL, count_release, NULL),
        BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(
        bight_watch_descriptor(reactor, 0, BIGHT_READABLE, heard, NULL, count_release, NULL), BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(bight_reactor_stop(reactor), BIGHT_E_NOT_RUNNING);
    note_text("x");
}

START_TEST(what_is_asked_for_while_the_reactor_is_freed_is_refused_and_not_taken) /* R3 D33 */
{
    bight_call_later_full(reactor, 1, note, (void *)"t", ask_too_late, NULL);
    bight_call_from_thread_full(mailbox, note, (void *)"m", ask_too_late);
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_str_eq(calls, "xx");
    ck_assert_uint_eq(released, 0);
}
END_TEST

START_TEST(calls_that_no_run_has_made_are_released_with_the_reactor) /* R2 D33 */
{
    bight_call_when_running_full(reactor, note, (void *)"w", count_release, NULL);
    bight_call_when_running_full(reactor, note, (void *)"w", count_release, NULL);
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_str_eq(calls, "");
    ck_assert_uint_eq(released, 2);
}
END_TEST

/* ------------------------------------------------------------------------------------------- a guest */

static void break_host(struct bight_result *result, void *host)
{
    (void)result;
    note_text("!");
    event_base_loopbreak(host);
}

START_TEST(a_guest_s_stop_waits_for_the_same) /* R2 R3 */
{
    struct event_base *host = event_base_new();
    struct bight_reactor_options options = { .size = sizeof options, .host = host };
    tear_down();
    reactor = bight_reactor_new_full(&options);
    hold_mailbox();
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, adding_trigger, "1");
    add(BIGHT_SHUTDOWN, BIGHT_DURING, note_trigger, "d");
    ask_for_calls();
    bight_call_when_running(reactor, fire_when_waited_for, (void *)"f");
    struct bight_deferred *stopped = bight_reactor_stop_later(reactor);
    bight_deferred_add_callback(stopped, break_host, host);
    bight_deferred_release(stopped);
    event_base_loop(host, EVLOOP_NO_EXIT_ON_EMPTY);
    ck_assert_str_eq(calls, "wmt1-2fd!");
    tear_down();
    event_base_free(host);
    set_up();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_queued_before_a_run_runs_in_it_though_it_is_stopped_at_once);
    tcase_add_test(tests, what_is_asked_for_while_the_loop_serves_runs_before_anything_is_disconnected);
    tcase_add_test(tests, what_is_asked_for_while_everything_is_disconnected_waits_for_the_next_run);
    tcase_add_test(tests, more_than_a_turn_makes_still_runs_before_anything_is_disconnected);
    tcase_add_test(tests, a_second_stop_waits_for_one_turn_and_the_rest_for_the_next_run);
    tcase_add_test(tests, what_asks_for_itself_again_and_again_does_not_hold_the_stop_up);
    tcase_add_test(tests, timers_that_are_cancelled_meanwhile_are_not_waited_for);
    tcase_add_test(tests, a_before_trigger_added_in_a_before_trigger_runs_and_is_awaited);
    tcase_add_test(tests, a_before_trigger_added_while_another_is_awaited_runs_and_is_awaited);
    tcase_add_test(tests, after_a_second_stop_one_that_was_just_added_is_left_for_the_next_shutdown);
    tcase_add_test(tests, it_is_running_from_the_during_phase_of_startup_on);
    tcase_add_test(tests, run_and_free_before_it_is_running_are_usage_errors);
    tcase_add_test(tests, what_is_asked_for_while_the_reactor_is_freed_is_refused_and_not_taken);
    tcase_add_test(tests, calls_that_no_run_has_made_are_released_with_the_reactor);
    tcase_add_test(tests, a_guest_s_stop_waits_for_the_same);
}

BIGHT_TEST_MAIN("stop", add_tests)
