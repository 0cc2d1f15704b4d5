/* SPDX-License-Identifier: MIT */
/* test_trigger.c - the phases of starting and shutting down. */
#include "fake_system.h"
#include "faults.h"
#include "reactor_support.h"

static struct fake_system fake;
static struct bight_promise promises[2];
static uint64_t ids[4];

static struct bight_deferred *trigger(void *letter)
{
    note(letter);
    return NULL;
}

static struct bight_deferred *stopping_trigger(void *letter)
{
    note(letter);
    bight_reactor_stop(reactor);
    return NULL;
}

static struct bight_deferred *slow_trigger(void *letter)
{
    note(letter);
    return bight_deferred_new(&promises[*(const char *)letter - '0'], NULL, NULL);
}

static void add(
    const char *event, enum bight_trigger_phase phase, bight_trigger_function function, const char *letter)
{
    ck_assert_int_eq(bight_add_trigger(reactor, event, phase, function, (void *)letter, count_release, NULL), 0);
}

static void stop(void *context)
{
    (void)context;
    note((void *)"s");
    bight_reactor_stop(reactor);
}

START_TEST(triggers_run_phase_by_phase_in_the_order_of_adding) /* R2 R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_AFTER, trigger, "6");
    add(BIGHT_SHUTDOWN, BIGHT_DURING, trigger, "5");
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, trigger, "4");
    add(BIGHT_STARTUP, BIGHT_AFTER, trigger, "3");
    add(BIGHT_STARTUP, BIGHT_DURING, trigger, "2");
    add(BIGHT_STARTUP, BIGHT_BEFORE, trigger, "0");
    add(BIGHT_STARTUP, BIGHT_BEFORE, trigger, "1");
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "0123s456");
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor); /* and again, until they are removed */
    ck_assert_str_eq(calls, "0123s4560123s456");
    ck_assert_uint_eq(released, 0);
}
END_TEST

START_TEST(stop_in_a_startup_trigger_stops) /* R2 R3 */
{
    add(BIGHT_STARTUP, BIGHT_BEFORE, stopping_trigger, "a");
    add(BIGHT_SHUTDOWN, BIGHT_AFTER, trigger, "z");
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(calls, "az");
}
END_TEST

static void fire_first(void *context)
{
    (void)context;
    note((void *)"f");
    ck_assert(bight_reactor_is_running(reactor));
    bight_callback(promises[0], NULL, NULL);
}

static void fire_second_then_first(void *context)
{
    (void)context;
    note((void *)"g");
    bight_callback(promises[1], NULL, NULL);
    bight_call_later(reactor, 0, fire_first, NULL, NULL);
}

/* Not before the run: a machine that is slow to begin would come to the timer first. */
static struct bight_deferred *slow_trigger_that_is_ended(void *letter)
{
    bight_call_later(reactor, 0.001, fire_second_then_first, NULL, NULL);
    return slow_trigger(letter);
}

static struct bight_deferred *slow_trigger_before_a_stop(void *letter)
{
    bight_call_later(reactor, 0.001, stop, NULL, NULL);
    return slow_trigger(letter);
}

START_TEST(the_reactor_serves_on_until_before_triggers_deferreds_have_fired) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, slow_trigger, "0");
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, slow_trigger_that_is_ended, "1");
    add(BIGHT_SHUTDOWN, BIGHT_DURING, trigger, "d");
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s01gfd");
}
END_TEST

static void stop_twice(void *context)
{
    stop(context);
    stop(context);
}

START_TEST(a_second_stop_waits_for_nothing) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, slow_trigger_before_a_stop, "0");
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s0s");
    bight_call_when_running(reactor, stop_twice, NULL);
    ck_assert_int_eq(bight_callback(promises[0], NULL, NULL), 0);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "s0sss0");
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_int_eq(bight_callback(promises[0], NULL, NULL), 0); /* after the reactor has gone */
}
END_TEST

static void advance_past_patience(void *context)
{
    (void)context;
    fake.now += UINT64_C(10000000001);
    fake_ring(&fake);
}

static struct bight_deferred *never_done(void *letter)
{
    bight_call_when_running(reactor, advance_past_patience, NULL);
    return slow_trigger(letter);
}

START_TEST(the_wait_ends_after_ten_seconds) /* R3 */
{
    bight_reactor_free(reactor);
    reactor = fake_reactor(&fake);
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, never_done, "0");
    add(BIGHT_SHUTDOWN, BIGHT_AFTER, trigger, "z");
    bight_call_when_running(reactor, stop, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(calls, "s0z");
    ck_assert_int_eq(bight_abandon(promises[0]), 0);
}
END_TEST

static struct bight_deferred *removing_trigger(void *letter)
{
    note(letter);
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[0]), 0); /* itself */
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[1]), 0);
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[1]), BIGHT_E_STALE);
    add(BIGHT_STARTUP, BIGHT_BEFORE, trigger, "n"); /* for the next start */
    ck_assert_uint_eq(released, 1);
    return NULL;
}

START_TEST(triggers_may_be_removed_and_added_while_they_run) /* R2 */
{
    bight_add_trigger(reactor, BIGHT_STARTUP, BIGHT_BEFORE, removing_trigger, (void *)"a", count_release, &ids[0]);
    bight_add_trigger(reactor, BIGHT_STARTUP, BIGHT_BEFORE, trigger, (void *)"b", count_release, &ids[1]);
    add(BIGHT_STARTUP, BIGHT_BEFORE, trigger, "c");
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "acs");
    ck_assert_uint_eq(released, 2);
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "acscns");
}
END_TEST

START_TEST(an_unknown_id_is_stale)
{
    ck_assert_int_eq(bight_remove_trigger(reactor, 0), BIGHT_E_STALE);
    ck_assert_int_eq(bight_remove_trigger(reactor, 99), BIGHT_E_STALE);
}
END_TEST

START_TEST(without_memory_a_trigger_is_not_taken) /* D33 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 1);
    int code = bight_add_trigger(reactor, BIGHT_STARTUP, BIGHT_BEFORE, trigger, (void *)"a", count_release, NULL);
    bight_set_allocator(NULL);
    ck_assert_int_eq(code, BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(released, 0);
}
END_TEST

static void on_stopped(struct bight_result *result, void *context)
{
    ck_assert(bight_result_is_empty(result));
    ck_assert(!bight_reactor_is_running(reactor));
    note(context);
}

static void stop_later(void *context)
{
    struct bight_deferred *stopped = bight_reactor_stop_later(reactor);
    bight_deferred_add_callback(stopped, on_stopped, context);
    bight_deferred_release(stopped);
}

START_TEST(stop_later_fires_when_the_triggers_have_run) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_AFTER, trigger, "z");
    bight_call_when_running(reactor, stop_later, (void *)"1");
    bight_call_when_running(reactor, stop_later, (void *)"2");
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "z12");
}
END_TEST

static struct bight_deferred *quick_trigger(void *letter)
{
    note(letter);
    return bight_succeed(NULL, NULL);
}

START_TEST(a_deferred_that_has_fired_holds_nothing_up) /* R3 */
{
    add(BIGHT_SHUTDOWN, BIGHT_BEFORE, quick_trigger, "f");
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "sf");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, triggers_run_phase_by_phase_in_the_order_of_adding);
    tcase_add_test(tests, stop_in_a_startup_trigger_stops);
    tcase_add_test(tests, the_reactor_serves_on_until_before_triggers_deferreds_have_fired);
    tcase_add_test(tests, a_second_stop_waits_for_nothing);
    tcase_add_test(tests, the_wait_ends_after_ten_seconds);
    tcase_add_test(tests, triggers_may_be_removed_and_added_while_they_run);
    tcase_add_test(tests, an_unknown_id_is_stale);
    tcase_add_test(tests, without_memory_a_trigger_is_not_taken);
    tcase_add_test(tests, stop_later_fires_when_the_triggers_have_run);
    tcase_add_test(tests, a_deferred_that_has_fired_holds_nothing_up);
}

BIGHT_TEST_MAIN("trigger", add_tests)
