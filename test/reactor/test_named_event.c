/* SPDX-License-Identifier: MIT */
/* test_named_event.c - events of a program's own: phases, waiting, firing again, triggers that come and go meanwhile.
 */
#include "reactor/reactor.h"

#include "faults.h"
#include "reactor_support.h"

#include <bight/log.h>

static struct bight_promise promise;
static uint64_t ids[3];
static int usage_errors;

static void count_errors(const struct bight_log_event *event, void *context)
{
    (void)context;
    usage_errors += event->level >= BIGHT_LOG_ERROR;
}

static struct bight_deferred *trigger(void *letter)
{
    note(letter);
    return NULL;
}

static struct bight_deferred *slow_trigger(void *letter)
{
    note(letter);
    return bight_deferred_new(&promise, NULL, NULL);
}

static void add(enum bight_trigger_phase phase, bight_trigger_function function, const char *letter, uint64_t *id)
{
    ck_assert_int_eq(bight_add_trigger(reactor, "reload", phase, function, (void *)letter, count_release, id), 0);
}

static void over(struct bight_result *result, void *letter)
{
    const struct bight_failure *failure = bight_result_failure(result);
    note(failure != NULL ? (void *)"!" : letter);
    bight_result_clear(result);
}

static struct bight_deferred *fire(const char *letter)
{
    struct bight_deferred *deferred = bight_deferred_hold(bight_fire_event(reactor, "reload"));
    bight_deferred_add_both(deferred, over, (void *)letter);
    bight_deferred_release(deferred);
    return deferred;
}

static void fire_and_forget(const char *letter)
{
    bight_deferred_release(fire(letter));
}

static void turns(void)
{
    while (bi_reactor_has_work(reactor)) {
        bi_reactor_turn(reactor, false);
    }
}

START_TEST(its_triggers_run_phase_by_phase_inside_the_call)
{
    add(BIGHT_AFTER, trigger, "5", NULL);
    add(BIGHT_DURING, trigger, "3", NULL);
    add(BIGHT_BEFORE, trigger, "1", NULL);
    add(BIGHT_BEFORE, trigger, "2", NULL);
    add(BIGHT_DURING, trigger, "4", NULL);
    ck_assert_int_eq(bight_add_trigger(reactor, "another", BIGHT_BEFORE, trigger, (void *)"x", count_release, NULL), 0);
    fire_and_forget("!");
    ck_assert_str_eq(calls, "12345!");
    fire_and_forget(".");
    ck_assert_str_eq(calls, "12345!12345.");
    ck_assert_uint_eq(released, 0);
}
END_TEST

START_TEST(one_without_triggers_is_over_at_once)
{
    fire_and_forget(".");
    ck_assert_str_eq(calls, ".");
}
END_TEST

START_TEST(what_before_triggers_give_is_awaited_and_not_what_others_do)
{
    add(BIGHT_BEFORE, slow_trigger, "b", NULL);
    add(BIGHT_DURING, slow_trigger, "d", NULL);
    add(BIGHT_AFTER, trigger, "a", NULL);
    fire_and_forget(".");
    turns();
    ck_assert_str_eq(calls, "b");
    bight_callback(promise, NULL, NULL);
    ck_assert_str_eq(calls, "b"); /* not inside another's call */
    turns();
    ck_assert_str_eq(calls, "bda.");
    ck_assert_int_eq(bight_abandon(promise), 0);
}
END_TEST

START_TEST(a_failure_that_is_awaited_is_reported_and_holds_nothing_up) /* D18 */
{
    bight_log_set_observer(count_errors, NULL);
    add(BIGHT_BEFORE, slow_trigger, "b", NULL);
    fire_and_forget(".");
    bight_errback(promise, bight_failure_of(BIGHT_E_APPLICATION));
    turns();
    ck_assert_str_eq(calls, "b.");
    ck_assert_int_eq(usage_errors, 1);
}
END_TEST

START_TEST(fired_while_it_is_under_way_it_comes_once_more_for_all_who_asked)
{
    add(BIGHT_BEFORE, slow_trigger, "b", NULL);
    add(BIGHT_AFTER, trigger, "a", NULL);
    fire_and_forget("1");
    fire_and_forget("2");
    fire_and_forget("3");
    bight_callback(promise, NULL, NULL);
    turns();
    ck_assert_str_eq(calls, "ba1b");
    bight_callback(promise, NULL, NULL);
    turns();
    ck_assert_str_eq(calls, "ba1ba23");
}
END_TEST

static struct bight_deferred *firing_trigger(void *letter)
{
    static int fired;
    note(letter);
    if (fired++ < 2) {
        fire_and_forget("n");
    }
    return NULL;
}

START_TEST(a_trigger_may_fire_its_own_event)
{
    add(BIGHT_DURING, firing_trigger, "d", NULL);
    fire_and_forget(".");
    ck_assert_str_eq(calls, "d.");
    turns();
    ck_assert_str_eq(calls, "d.dndn");
}
END_TEST

static struct bight_deferred *adding_trigger(void *letter)
{
    note(letter);
    add(BIGHT_BEFORE, slow_trigger, "s", NULL);
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[0]), 0); /* itself */
    return NULL;
}

START_TEST(a_before_trigger_that_is_added_meanwhile_is_run_and_awaited_too)
{
    add(BIGHT_BEFORE, adding_trigger, "b", &ids[0]);
    add(BIGHT_DURING, trigger, "d", NULL);
    fire_and_forget(".");
    turns();
    ck_assert_str_eq(calls, "bs");
    add(BIGHT_BEFORE, trigger, "t", NULL);
    turns();
    ck_assert_str_eq(calls, "bst");
    bight_callback(promise, NULL, NULL);
    turns();
    ck_assert_str_eq(calls, "bstd.");
    ck_assert_uint_eq(released, 1);
}
END_TEST

static struct bight_deferred *removing_trigger(void *letter)
{
    note(letter);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(bight_remove_trigger(reactor, ids[i]), 0);
        ck_assert_int_eq(bight_remove_trigger(reactor, ids[i]), BIGHT_E_STALE);
    }
    return NULL;
}

START_TEST(triggers_may_all_be_removed_while_they_run)
{
    add(BIGHT_BEFORE, removing_trigger, "r", &ids[0]);
    add(BIGHT_BEFORE, trigger, "b", &ids[1]);
    add(BIGHT_AFTER, trigger, "a", &ids[2]);
    fire_and_forget(".");
    ck_assert_str_eq(calls, "r.");
    ck_assert_uint_eq(released, 3);
    fire_and_forget(":");
    ck_assert_str_eq(calls, "r.:");
    ck_assert_int_eq(bight_add_trigger(reactor, "reload", BIGHT_AFTER, trigger, (void *)"a", NULL, &ids[0]), 0);
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[0]), 0);
}
END_TEST

static void remove_the_last(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[0]), 0);
}

START_TEST(who_hears_of_its_end_may_remove_the_last_trigger)
{
    add(BIGHT_BEFORE, slow_trigger, "b", &ids[0]);
    struct bight_deferred *deferred = bight_fire_event(reactor, "reload");
    bight_deferred_add_both(deferred, remove_the_last, NULL);
    bight_deferred_release(deferred);
    bight_callback(promise, NULL, NULL);
    turns();
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(a_cancel_gives_up_the_wait_alone) /* D14 */
{
    add(BIGHT_BEFORE, slow_trigger, "b", NULL);
    add(BIGHT_AFTER, trigger, "a", NULL);
    struct bight_deferred *deferred = fire(".");
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    ck_assert_str_eq(calls, "b!");
    bight_callback(promise, NULL, NULL);
    turns();
    ck_assert_str_eq(calls, "b!a");
}
END_TEST

START_TEST(freeing_the_reactor_abandons_who_waits) /* D18 */
{
    add(BIGHT_BEFORE, slow_trigger, "b", NULL);
    fire_and_forget("1");
    fire_and_forget("2");
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_str_eq(calls, "b!!");
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(bight_callback(promise, NULL, NULL), 0); /* after the reactor has gone */
}
END_TEST

static void refused(const char *name)
{
    int code = 0;
    int before = usage_errors;
    struct bight_deferred *deferred = bight_fire_event(reactor, name);
    struct bight_failure *failure = bight_result_take_failure(bight_deferred_result(deferred));
    code = bight_failure_code(failure);
    bight_failure_release(failure);
    bight_deferred_release(deferred);
    ck_assert_int_eq(code, BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(usage_errors, before + 1);
}

START_TEST(the_reactor_s_own_are_not_to_be_fired)
{
    bight_log_set_observer(count_errors, NULL);
    refused(BIGHT_STARTUP);
    refused(BIGHT_SHUTDOWN);
    refused("");
    refused(NULL);
    ck_assert_int_eq(bight_add_trigger(reactor, "", BIGHT_BEFORE, trigger, NULL, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(
        bight_add_trigger(reactor, NULL, BIGHT_BEFORE, trigger, NULL, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(without_memory_nothing_was_taken_and_the_event_does_not_come) /* D33 D34 */
{
    struct bight_test_memory memory;
    for (unsigned nth = 1; nth <= 2; nth++) {
        bight_test_fail_nth(&memory, nth);
        ck_assert_int_eq(bight_add_trigger(reactor, "reload", BIGHT_BEFORE, trigger, (void *)"a", count_release, NULL),
            BIGHT_E_OUT_OF_MEMORY);
        ck_assert_int_eq(memory.out, 0);
        bight_set_allocator(NULL);
    }
    add(BIGHT_BEFORE, trigger, "b", NULL);
    bight_log_set_observer(count_errors, NULL);
    for (unsigned nth = 1; nth <= 2; nth++) {
        bight_test_fail_nth(&memory, nth);
        bight_deferred_release(bight_fire_event(reactor, "reload"));
        ck_assert_int_eq(memory.out, 0);
        bight_set_allocator(NULL);
    }
    ck_assert_str_eq(calls, "");
    fire_and_forget(".");
    ck_assert_str_eq(calls, "b.");
}
END_TEST

/* ------------------------------------------------------------------------------- calls when running */

static void stop(void *context)
{
    note(context);
    bight_reactor_stop(reactor);
}

static void take_back(void *context)
{
    note(context);
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[0]), 0);
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[0]), BIGHT_E_STALE);
    ck_assert_uint_eq(released, 1);
}

START_TEST(a_call_when_running_can_be_taken_back) /* R2 */
{
    ck_assert_int_eq(bight_call_when_running_full(reactor, take_back, (void *)"t", NULL, NULL), 0);
    ck_assert_int_eq(bight_call_when_running_full(reactor, note, (void *)"x", count_release, &ids[0]), 0);
    ck_assert_int_eq(bight_call_when_running_full(reactor, stop, (void *)"s", NULL, &ids[1]), 0);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "ts");
    ck_assert_int_eq(bight_remove_trigger(reactor, ids[1]), BIGHT_E_STALE);
}
END_TEST

START_TEST(the_last_call_when_running_may_be_taken_back_by_the_one_before) /* R2 */
{
    bight_call_when_running(reactor, stop, (void *)"s");
    bight_call_when_running(reactor, take_back, (void *)"t");
    bight_call_when_running_full(reactor, note, (void *)"x", count_release, &ids[0]);
    bight_reactor_run(reactor);
    ck_assert_str_eq(calls, "st");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, its_triggers_run_phase_by_phase_inside_the_call);
    tcase_add_test(tests, one_without_triggers_is_over_at_once);
    tcase_add_test(tests, what_before_triggers_give_is_awaited_and_not_what_others_do);
    tcase_add_test(tests, a_failure_that_is_awaited_is_reported_and_holds_nothing_up);
    tcase_add_test(tests, fired_while_it_is_under_way_it_comes_once_more_for_all_who_asked);
    tcase_add_test(tests, a_trigger_may_fire_its_own_event);
    tcase_add_test(tests, a_before_trigger_that_is_added_meanwhile_is_run_and_awaited_too);
    tcase_add_test(tests, triggers_may_all_be_removed_while_they_run);
    tcase_add_test(tests, who_hears_of_its_end_may_remove_the_last_trigger);
    tcase_add_test(tests, a_cancel_gives_up_the_wait_alone);
    tcase_add_test(tests, freeing_the_reactor_abandons_who_waits);
    tcase_add_test(tests, the_reactor_s_own_are_not_to_be_fired);
    tcase_add_test(tests, without_memory_nothing_was_taken_and_the_event_does_not_come);
    tcase_add_test(tests, a_call_when_running_can_be_taken_back);
    tcase_add_test(tests, the_last_call_when_running_may_be_taken_back_by_the_one_before);
}

BIGHT_TEST_MAIN("named_event", add_tests)
