/* SPDX-License-Identifier: MIT */
/* Debug mode's warnings of failures that nobody handled and whose Deferreds are still held when a thread's last reactor
 * has gone. */
#include "support.h"

#include <bight/bight.h>
#include <bight/testing.h>

#include <pthread.h>
#include <string.h>

static char log_text[16384];
static int warnings, others;
static struct bight_deferred *to_release;
static struct bight_reactor *reactor;

static void record(const struct bight_log_event *event, void *context)
{
    (void)context;
    size_t length = strlen(log_text);
    const char *failure = event->failure != NULL ? bight_error_name(bight_failure_code(event->failure)) : "";
    snprintf(log_text + length, sizeof log_text - length, "%s %s\n", event->message, failure);
    warnings += event->level == BIGHT_LOG_WARNING ? 1 : 0;
    others += event->level > BIGHT_LOG_WARNING ? 1 : 0;
    if (to_release != NULL) {
        struct bight_deferred *deferred = to_release;
        to_release = NULL;
        bight_deferred_release(deferred);
    }
}

static void set_up(void)
{
    bight_log_set_observer(record, NULL);
    bight_deferred_set_debug(true);
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static struct bight_deferred *failed(const char *place)
{
    return bight_fail_at(place, bight_failure_of(BIGHT_E_TIMED_OUT));
}

static void release_handled(struct bight_deferred *deferred)
{
    bight_result_clear(bight_deferred_result(deferred));
    bight_deferred_release(deferred);
}

static void expect(const char *words)
{
    ck_assert_msg(strstr(log_text, words) != NULL, "no \"%s\" in:\n%s", words, log_text);
}

static void expect_counts(int expected_warnings, int expected_others)
{
    ck_assert_msg(warnings == expected_warnings && others == expected_others, "%s", log_text);
}

START_TEST(a_failure_that_is_held_is_named_with_its_places) /* D19 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("made.c:1", &promise, NULL, NULL, NULL);
    bight_errback_at("fired.c:2", promise, bight_failure_of(BIGHT_E_TIMED_OUT));
    bight_reactor_free(reactor);
    expect("(made at made.c:1, fired at fired.c:2) ");
    expect(bight_error_name(BIGHT_E_TIMED_OUT));
    expect_counts(1, 0);
    bight_deferred_release(deferred);
    expect_counts(1, 1); /* D18 all the same */
}
END_TEST

static void handle(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

static void chain(struct bight_result *result, void *context)
{
    bight_result_chain(result, context);
}

START_TEST(what_is_no_unhandled_failure_is_not_named) /* D18, D19 */
{
    struct bight_promise unfired_promise, awaited_promise;
    struct bight_deferred *value = bight_succeed(&bight_type_integer, bight_integer(1));
    struct bight_deferred *handled = failed("handled.c:1");
    struct bight_deferred *unfired = bight_deferred_new(&unfired_promise, NULL, NULL);
    struct bight_deferred *waits = failed("waits.c:1");
    struct bight_deferred *paused = bight_deferred_new(&awaited_promise, NULL, NULL);
    bight_deferred_release(failed("released.c:1"));
    expect_counts(0, 1);
    bight_deferred_add_errback(handled, handle, NULL);
    bight_deferred_add_errback(waits, chain, bight_deferred_hold(unfired));
    bight_deferred_pause(paused);
    bight_deferred_add_errback(paused, handle, NULL);
    bight_errback(awaited_promise, bight_failure_of(BIGHT_E_TIMED_OUT));
    bight_reactor_free(reactor);
    expect_counts(0, 1);
    bight_callback(unfired_promise, NULL, NULL);
    bight_deferred_unpause(paused);
    struct bight_deferred *all[] = { value, handled, unfired, waits, paused };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        bight_deferred_release(all[i]);
    }
    expect_counts(0, 1);
}
END_TEST

START_TEST(what_ends_with_the_reactor_is_no_news) /* D18, D19 */
{
    struct bight_deferred *sleep = bight_sleep(bight_reactor_clock(reactor), 1);
    bight_reactor_free(reactor);
    expect_counts(0, 0);
    bight_deferred_release(sleep);
    expect_counts(0, 0);
}
END_TEST

START_TEST(without_debug_mode_nothing_is_named) /* D19 */
{
    bight_deferred_set_debug(false);
    struct bight_deferred *deferred = failed("made.c:1");
    bight_reactor_free(reactor);
    expect_counts(0, 0);
    release_handled(deferred);
}
END_TEST

START_TEST(the_oldest_sixteen_are_named_and_the_others_counted) /* D19 */
{
    struct bight_deferred *deferreds[20];
    char places[20][16], *at = log_text;
    for (int i = 0; i < 20; i++) {
        snprintf(places[i], sizeof places[i], "place%d.c:1", i);
        deferreds[i] = failed(places[i]);
    }
    bight_reactor_free(reactor);
    expect_counts(17, 0);
    for (int i = 0; i < 16; i++) {
        at = strstr(at, places[i]);
        ck_assert_msg(at != NULL, "%d is not in order in:\n%s", i, log_text);
    }
    ck_assert_ptr_null(strstr(log_text, places[16]));
    expect("\nand 4 more \n");
    for (int i = 0; i < 20; i++) {
        release_handled(deferreds[i]);
    }
}
END_TEST

START_TEST(each_is_named_once) /* D19 */
{
    struct bight_deferred *first = failed("first.c:1");
    bight_reactor_free(reactor);
    expect_counts(1, 0);
    struct bight_deferred *second = failed("second.c:1");
    bight_reactor_free(bight_testing_reactor_new());
    expect_counts(2, 0);
    expect("second.c:1");
    release_handled(first);
    release_handled(second);
}
END_TEST

START_TEST(while_the_thread_has_another_reactor_nothing_is_said) /* D19 */
{
    struct bight_reactor *other = bight_testing_reactor_new();
    struct bight_deferred *deferred = failed("made.c:1");
    bight_reactor_free(reactor);
    expect_counts(0, 0);
    bight_reactor_free(other);
    expect_counts(1, 0);
    release_handled(deferred);
}
END_TEST

static void *free_it(void *context)
{
    bight_reactor_free(context);
    return NULL;
}

START_TEST(another_threads_are_its_own_affair) /* D19 */
{
    pthread_t thread;
    struct bight_reactor *other = bight_testing_reactor_new();
    struct bight_deferred *deferred = failed("made.c:1");
    ck_assert_int_eq(pthread_create(&thread, NULL, free_it, other), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    expect_counts(0, 0); /* that thread's last, which has made no Deferred */
    bight_reactor_free(reactor);
    expect_counts(1, 0); /* this thread's last: the other is none of its any more */
    release_handled(deferred);
}
END_TEST

START_TEST(the_logs_observer_may_let_go_of_them) /* D19 */
{
    struct bight_deferred *first = failed("first.c:1");
    to_release = failed("second.c:1");
    bight_reactor_free(reactor);
    expect("first.c:1");
    expect_counts(1, 1); /* the second was reported when it was released, and not again */
    release_handled(first);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, a_failure_that_is_held_is_named_with_its_places);
    tcase_add_test(tests, what_is_no_unhandled_failure_is_not_named);
    tcase_add_test(tests, what_ends_with_the_reactor_is_no_news);
    tcase_add_test(tests, without_debug_mode_nothing_is_named);
    tcase_add_test(tests, the_oldest_sixteen_are_named_and_the_others_counted);
    tcase_add_test(tests, each_is_named_once);
    tcase_add_test(tests, while_the_thread_has_another_reactor_nothing_is_said);
    tcase_add_test(tests, another_threads_are_its_own_affair);
    tcase_add_test(tests, the_logs_observer_may_let_go_of_them);
}

BIGHT_TEST_MAIN("unhandled_held", add_tests)
