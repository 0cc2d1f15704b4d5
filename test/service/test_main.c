/* SPDX-License-Identifier: MIT */
/* test_main.c - programs that are one Deferred: the exit status, what is said of a failure, and the ends of it. */
#include <signal.h>
#include <sysexits.h>

#include <bight/coroutine.h>
#include <bight/task.h>

#include "thread_support.h"

static struct bight_promise promise;
static struct bight_reactor *running;
static unsigned cancelled;

static void note_cancel(struct bight_promise spent, void *context)
{
    (void)spent;
    (void)context;
    cancelled++;
}

static void fire_with_seven(void *context)
{
    (void)context;
    bight_callback(promise, &bight_type_integer, bight_integer(7));
}

static struct bight_deferred *seven_later(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    running = reactor;
    ck_assert(bight_reactor_is_running(reactor));
    struct bight_deferred *deferred = bight_deferred_new(&promise, note_cancel, NULL);
    if (bight_call_later(reactor, 0, fire_with_seven, NULL, NULL) != 0) {
        bight_abandon(promise);
    }
    return deferred;
}

START_TEST(the_status_is_the_integer_that_the_deferred_gives)
{
    ck_assert_int_eq(bight_main(seven_later, 0, NULL), 7);
    ck_assert_uint_eq(cancelled, 0);
}
END_TEST

static struct bight_deferred *check_arguments(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)reactor;
    return bight_succeed(&bight_type_integer, bight_integer(argc == 2 && strcmp(argv[1], "x") == 0 ? 0 : 1));
}

START_TEST(the_function_gets_the_arguments)
{
    char program[] = "program", argument[] = "x";
    char *argv[] = { program, argument, NULL };
    ck_assert_int_eq(bight_main(check_arguments, 2, argv), 0);
    ck_assert_int_eq(bight_main(check_arguments, 1, argv), 1);
}
END_TEST

static struct bight_deferred *no_deferred(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)reactor;
    (void)argc;
    (void)argv;
    return NULL;
}

static struct bight_deferred *some_text(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)reactor;
    (void)argc;
    (void)argv;
    return bight_succeed(&bight_type_text, bight_strdup("well"));
}

START_TEST(no_deferred_and_any_other_value_are_success)
{
    ck_assert_int_eq(bight_main(no_deferred, 0, NULL), 0);
    ck_assert_int_eq(bight_main(some_text, 0, NULL), 0);
}
END_TEST

static struct bight_deferred *failing(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)reactor;
    (void)argc;
    (void)argv;
    return bight_fail(bight_failure_new(BIGHT_E_NAME_NOT_FOUND, 0, NULL, "no such place"));
}

static char line[512];
static unsigned lines;

static void keep_line(const struct bight_log_event *event, void *context)
{
    (void)context;
    ck_assert_int_eq(event->level, BIGHT_LOG_ERROR);
    bight_log_event_format(event, line, sizeof line);
    lines++;
}

START_TEST(a_failure_is_said_once_and_gives_its_sysexits_status) /* D18 */
{
    bight_log_set_observer(keep_line, NULL);
    ck_assert_int_eq(bight_main(failing, 0, NULL), bight_error_exit_status(BIGHT_E_NAME_NOT_FOUND));
    ck_assert_uint_eq(lines, 1);
    ck_assert_ptr_nonnull(strstr(line, "no such place"));
}
END_TEST

static struct bight_deferred *interrupted(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)reactor;
    (void)argc;
    (void)argv;
    raise(SIGINT);
    return bight_deferred_new(&promise, note_cancel, NULL);
}

START_TEST(a_program_that_a_signal_stops_is_cancelled_without_a_word) /* R3 D13 */
{
    quiet_log();
    ck_assert_int_eq(bight_main(interrupted, 0, NULL), 0);
    ck_assert_uint_eq(cancelled, 1);
    ck_assert_uint_eq(logged_errors, 0);
    ck_assert_int_ne(bight_callback(promise, NULL, NULL), 0);
}
END_TEST

static struct bight_deferred *cannot_go_on(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    bight_reactor_fail(reactor, EX_CANTCREAT);
    return bight_deferred_new(&promise, note_cancel, NULL);
}

START_TEST(the_status_of_the_reactor_counts_when_the_deferred_has_none)
{
    ck_assert_int_eq(bight_main(cannot_go_on, 0, NULL), EX_CANTCREAT);
    ck_assert_uint_eq(cancelled, 1);
}
END_TEST

static struct bight_promise cleaned;

static void is_clean(void *context)
{
    (void)context;
    ck_assert(bight_reactor_is_running(running));
    bight_callback(cleaned, &bight_type_integer, bight_integer(9));
}

static void clean_up_later(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_CANCELLED);
    ck_assert_int_eq(bight_call_later(running, 0.01, is_clean, NULL, NULL), 0);
    bight_result_chain(result, bight_deferred_new(&cleaned, NULL, NULL));
}

static struct bight_deferred *cleans_up(struct bight_reactor *reactor, int argc, char **argv)
{
    struct bight_deferred *deferred = interrupted(reactor, argc, argv);
    running = reactor;
    bight_deferred_add_errback(deferred, clean_up_later, NULL);
    return deferred;
}

START_TEST(the_loop_serves_while_a_cancelled_program_cleans_up) /* R3 D16 */
{
    ck_assert_int_eq(bight_main(cleans_up, 0, NULL), 9);
    ck_assert_uint_eq(cancelled, 1);
}
END_TEST

static void sleep_and_count(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argv;
    ck_assert_ptr_eq(bight_coroutine_reactor(), reactor);
    if (bight_await(bight_sleep(bight_reactor_clock(reactor), 0), result) == 0) {
        bight_result_set(result, &bight_type_integer, bight_integer(argc + 1));
    }
}

START_TEST(a_program_may_be_one_coroutine) /* D35 */
{
    ck_assert_int_eq(bight_main_coroutine(sleep_and_count, 2, NULL), 3);
    ck_assert_ptr_null(bight_coroutine_reactor());
}
END_TEST

static void interrupt_and_sleep(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    raise(SIGTERM);
    cancelled += bight_await(bight_sleep(bight_reactor_clock(reactor), 3600), result) == BIGHT_E_CANCELLED;
}

START_TEST(a_coroutine_that_a_signal_stops_is_cancelled_without_a_word) /* R3 D36 */
{
    quiet_log();
    ck_assert_int_eq(bight_main_coroutine(interrupt_and_sleep, 0, NULL), 0);
    ck_assert_uint_eq(cancelled, 1);
    ck_assert_uint_eq(logged_errors, 0);
}
END_TEST

static void coroutine_once(void)
{
    int out = memory_out;
    int status = bight_main_coroutine(sleep_and_count, 2, NULL);
    ck_assert_msg(status == 3 || (status >= 64 && status <= 78), "status %d", status);
    ck_assert_int_eq(memory_out, out);
}

static void main_once(void)
{
    int out = memory_out;
    int status = bight_main(seven_later, 0, NULL);
    ck_assert_msg(status == 7 || (status >= 64 && status <= 78), "status %d", status);
    ck_assert_int_eq(memory_out, out);
}

START_TEST(a_program_survives_each_allocation_failing) /* D34 */
{
    quiet_log();
    memory_each(main_once);
    memory_each(coroutine_once);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_status_is_the_integer_that_the_deferred_gives);
    tcase_add_test(tests, the_function_gets_the_arguments);
    tcase_add_test(tests, no_deferred_and_any_other_value_are_success);
    tcase_add_test(tests, a_failure_is_said_once_and_gives_its_sysexits_status);
    tcase_add_test(tests, a_program_that_a_signal_stops_is_cancelled_without_a_word);
    tcase_add_test(tests, the_loop_serves_while_a_cancelled_program_cleans_up);
    tcase_add_test(tests, a_program_may_be_one_coroutine);
    tcase_add_test(tests, a_coroutine_that_a_signal_stops_is_cancelled_without_a_word);
    tcase_add_test(tests, the_status_of_the_reactor_counts_when_the_deferred_has_none);
    tcase_add_test(tests, a_program_survives_each_allocation_failing);
}

BIGHT_TEST_MAIN("main", add_tests)
