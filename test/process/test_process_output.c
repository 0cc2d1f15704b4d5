/* SPDX-License-Identifier: MIT */
/* test_process_output.c - programs run for their output or their status, with real children (P1 to P4). */
#include "child_support.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <bight/scope.h>
#include <bight/sys/system.h>
#include <bight/testing.h>
#include <bight/testing/syscalls.h>

static struct bight_process_output_options options;
static const char *shell[4];

/* `script` for sh. */
static struct bight_process_output_options *run(const char *script)
{
    shell[0] = "sh";
    shell[1] = "-c";
    shell[2] = script;
    options = (struct bight_process_output_options) { .size = sizeof options, .argv = shell };
    return &options;
}

static bool is_heard(void)
{
    return heard[0] != '\0';
}

START_TEST(the_output_is_what_the_program_printed) /* P1 */
{
    note(bight_get_process_output(reactor, run("printf 'one '; printf two")));
    ck_heard("");
    UNTIL(is_heard());
    ck_heard("'one two'");
    note(bight_get_process_output(reactor, run(":")));
    UNTIL(is_heard());
    ck_heard("''");
}
END_TEST

START_TEST(the_input_is_given_and_then_ends) /* P1 */
{
    run("cat; printf .");
    options.input = "hello";
    options.input_size = 5;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("'hello.'");
    note(bight_get_process_output(reactor, run("cat")));
    UNTIL(is_heard());
    ck_heard("''");
}
END_TEST

START_TEST(much_goes_through_a_program) /* P1 */
{
    size_t size = 3u << 20;
    char *data = malloc(size);
    memset(data, 'x', size);
    run("cat");
    options.input = data;
    options.input_size = size;
    note(bight_get_process_output(reactor, &options));
    free(data);
    UNTIL(is_heard());
    ck_heard("[3145728]");
}
END_TEST

START_TEST(a_program_need_not_read_its_input) /* P1 */
{
    char *data = calloc(1, 1u << 20);
    run("printf done");
    options.input = data;
    options.input_size = 1u << 20;
    note(bight_get_process_output(reactor, &options));
    free(data);
    UNTIL(is_heard());
    ck_heard("'done'");
}
END_TEST

START_TEST(errors_alone_are_no_failure_of_the_output) /* P1 */
{
    note(bight_get_process_output(reactor, run("echo warning >&2; printf out")));
    UNTIL(is_heard());
    ck_heard("'out'");
}
END_TEST

static void note_failure(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    (void)context;
    ck_assert_ptr_nonnull(failure);
    hear("%s(%d,%d): %s", bight_error_name(bight_failure_code(failure)), bight_process_exit_status(failure),
        bight_process_exit_signal(failure), bight_failure_message(failure));
    if (bight_failure_code(failure) == BIGHT_E_PROCESS_TERMINATED) {
        ck_assert_int_eq(bight_failure_errno(failure), 0);
    }
    bight_failure_release(failure);
}

static void note_why(struct bight_deferred *deferred)
{
    bight_deferred_add_both(deferred, note_failure, NULL);
    bight_deferred_release(deferred);
}

START_TEST(a_status_is_a_failure_of_the_output_with_the_last_error_in_it) /* P1 */
{
    note_why(bight_get_process_output(reactor, run("echo first >&2; printf 'last\\tword\\n\\n' >&2; exit 3")));
    UNTIL(is_heard());
    ck_heard("PROCESS_TERMINATED(3,0): the process ended with status 3: last\\tword");
    note_why(bight_get_process_output(reactor, run("exit 4")));
    UNTIL(is_heard());
    ck_heard("PROCESS_TERMINATED(4,0): the process ended with status 4");
    note_why(bight_get_process_output(reactor, run("kill -15 $$")));
    UNTIL(is_heard());
    ck_heard("PROCESS_TERMINATED(-1,15): the process was ended by signal 15, SIGTERM");
}
END_TEST

START_TEST(a_program_that_cannot_be_started_is_told_by_the_deferred) /* P1 */
{
    run("");
    options.path = "/nonexistent/program";
    note(bight_get_process_output(reactor, &options));
    note(bight_get_process_value(reactor, &options));
    note(bight_get_process_output_and_value(reactor, &options));
    ck_heard("NOT_STARTED NOT_STARTED NOT_STARTED");
}
END_TEST

START_TEST(the_value_is_the_status_and_what_is_printed_is_lost) /* P2 */
{
    note(bight_get_process_value(reactor, run("echo lost; echo lost >&2; exit 5")));
    UNTIL(is_heard());
    ck_heard("5");
    note(bight_get_process_value(reactor, run("true")));
    UNTIL(is_heard());
    ck_heard("0");
    run("read line; exit $line");
    options.input = "6\n";
    options.input_size = 2;
    note(bight_get_process_value(reactor, &options));
    UNTIL(is_heard());
    ck_heard("6");
    note(bight_get_process_value(reactor, run("kill -9 $$")));
    UNTIL(is_heard());
    ck_heard("PROCESS_TERMINATED");
}
END_TEST

static void note_output(struct bight_result *result, void *context)
{
    struct bight_process_output *output = bight_result_take(result, &bight_type_process_output);
    (void)context;
    ck_assert_ptr_nonnull(output);
    hear("out:%.*s err:%.*s %d %d", (int)bight_bytes_size(output->out), (const char *)bight_bytes_data(output->out),
        (int)bight_bytes_size(output->err), (const char *)bight_bytes_data(output->err), output->status,
        output->signal);
    bight_process_output_free(output);
}

START_TEST(both_come_however_it_ended) /* P3 */
{
    static const char *const scripts[] = { "printf o; printf e >&2", "printf o; exit 9", "printf e >&2; kill -9 $$" };
    static const char *const ends[] = { "out:o err:e 0 0", "out:o err: 9 0", "out: err:e -1 9" };
    for (int i = 0; i < 3; i++) {
        struct bight_deferred *both = bight_get_process_output_and_value(reactor, run(scripts[i]));
        bight_deferred_add_both(both, note_output, NULL);
        bight_deferred_release(both);
        UNTIL(is_heard());
        ck_heard(ends[i]);
    }
    bight_process_output_free(NULL);
}
END_TEST

START_TEST(an_output_that_nobody_takes_is_destroyed) /* D31 */
{
    bight_deferred_release(bight_get_process_output_and_value(reactor, run("printf o")));
    note(bight_get_process_output(reactor, run("printf o")));
    UNTIL(is_heard());
    bi_reactor_turn(reactor, false);
}
END_TEST

START_TEST(environment_and_directory_are_the_process_s) /* P1 */
{
    static const char *const environment[] = { "PATH=/usr/bin:/bin", "WORD=hi", NULL };
    run("printf '%s %s' $WORD $PWD");
    options.environment = environment;
    options.directory = "/";
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("'hi /'");
    struct bight_process_options more = { .size = sizeof more, .directory = "/", .environment = environment };
    more.new_session = true;
    run("printf '%s %s' $WORD $PWD");
    options.process = &more;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("'hi /'");
}
END_TEST

START_TEST(more_than_the_limit_kills_it) /* P4 */
{
    run("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
    options.output_limit = 100000;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("OVERFLOW");
    run("printf abcde; printf fghij >&2");
    options.output_limit = 10;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("'abcde'");
    run("printf abcde; printf fghij >&2");
    options.output_limit = 9;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("OVERFLOW");
}
END_TEST

START_TEST(a_program_that_takes_too_long_is_terminated) /* P4 */
{
    run("sleep 1000");
    options.timeout_seconds = 0.05;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("TIMED_OUT");
}
END_TEST

START_TEST(one_that_does_not_heed_that_is_killed) /* P4 */
{
    run("trap '' TERM; while :; do sleep 1000; done");
    options.timeout_seconds = 0.2;
    options.grace_seconds = 0.05;
    note(bight_get_process_value(reactor, &options));
    UNTIL(is_heard());
    ck_heard("TIMED_OUT");
}
END_TEST

START_TEST(a_grandchild_that_keeps_the_pipe_open_is_bounded_by_the_timeout) /* P4 */
{
    run("sleep 1000 & printf x");
    options.timeout_seconds = 0.2;
    options.grace_seconds = 0.05;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("TIMED_OUT");
}
END_TEST

/* What it left behind writes its number to standard error. */
static pid_t note_output_and_pid(struct bight_result *result)
{
    struct bight_process_output *output = bight_result_take(result, &bight_type_process_output);
    char number[32] = "";
    ck_assert_ptr_nonnull(output);
    ck_assert_int_lt(bight_bytes_size(output->err), sizeof number);
    memcpy(number, bight_bytes_data(output->err), bight_bytes_size(output->err));
    size_t size = bight_bytes_size(output->out);
    hear("%d[%zu]", output->status, size);
    bight_process_output_free(output);
    return (pid_t)strtol(number, NULL, 10);
}

static void kill_what_was_left(struct bight_result *result, void *context)
{
    pid_t pid = note_output_and_pid(result);
    (void)context;
    ck_assert_int_gt(pid, 1);
    ck_assert_int_eq(kill(pid, SIGKILL), 0); /* it lives */
}

static void note_what_was_left(struct bight_result *result, void *context)
{
    (void)context;
    (void)note_output_and_pid(result);
}

static void note_both(bight_handler handler)
{
    struct bight_deferred *both = bight_get_process_output_and_value(reactor, &options);
    bight_deferred_add_both(both, handler, NULL);
    bight_deferred_release(both);
    UNTIL(is_heard());
}

START_TEST(the_exit_may_be_the_end_though_a_daemon_has_the_pipes) /* P10 */
{
    run("sleep 1000 & echo $! >&2; printf words; exit 3");
    options.until_exit = true;
    note_both(kill_what_was_left);
    ck_heard("3[5]");
}
END_TEST

START_TEST(a_daemon_that_writes_on_does_not_put_off_the_end) /* P10 */
{
    run("yes & echo $! >&2; exit 3");
    options.until_exit = true;
    options.output_limit = SIZE_MAX;
    note_both(note_what_was_left);
    ck_assert_msg(strncmp(heard, "3[", 2) == 0, "%s", heard);
}
END_TEST

START_TEST(an_input_that_a_daemon_does_not_read_does_not_put_off_the_end) /* P10 */
{
    char *data = calloc(1, 1u << 20);
    run("exec 3<&0; sleep 1000 <&3 & echo $! >&2; exit 3");
    options.until_exit = true;
    options.input = data;
    options.input_size = 1u << 20;
    note_both(kill_what_was_left);
    free(data);
    ck_heard("3[0]");
}
END_TEST

static struct bight_system_ops late_ops;
static struct bight_system late = { &late_ops };
static bool has_exited;

/* Pipes to children have nothing to read before the exit is known. */
static ssize_t read_late(struct bight_system *system, int fd, void *buffer, size_t size)
{
    (void)system;
    if (!has_exited && fcntl(fd, F_GETPIPE_SZ) >= 0) {
        return -EAGAIN;
    }
    return bight_system_real()->ops->read(bight_system_real(), fd, buffer, size);
}

static int wait_late(struct bight_system *system, pid_t pid, int pidfd, unsigned how, int *status)
{
    (void)system;
    int result = bight_system_real()->ops->wait_child(bight_system_real(), pid, pidfd, how, status);
    has_exited = has_exited || result == 1;
    return result;
}

START_TEST(what_is_in_the_pipes_at_the_exit_is_had) /* P10 */
{
    struct bight_reactor_options usual = { .size = sizeof usual, .system = &late };
    bight_reactor_free(reactor);
    late_ops = *bight_system_real()->ops;
    late_ops.read = read_late;
    late_ops.wait_child = wait_late;
    reactor = bight_reactor_new_full(&usual);
    tick(NULL);
    run("head -c 60000 /dev/zero; echo words >&2; exit 3");
    options.until_exit = true;
    note_both(note_what_was_left);
    ck_heard("3[60000]");
    has_exited = false;
    run("head -c 60000 /dev/zero");
    options.until_exit = true;
    options.output_limit = 59999;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("OVERFLOW");
}
END_TEST

START_TEST(the_time_is_the_programs_alone_until_its_exit) /* P10 */
{
    run("sleep 1000");
    options.until_exit = true;
    options.timeout_seconds = 0.05;
    note(bight_get_process_output(reactor, &options));
    UNTIL(is_heard());
    ck_heard("TIMED_OUT");
}
END_TEST

START_TEST(cancelling_kills_and_reaps) /* P4 */
{
    struct bight_deferred *running = bight_get_process_output(reactor, run("trap '' TERM; sleep 1000"));
    bight_deferred_cancel(running);
    note(running);
    ck_heard("CANCELLED");
    UNTIL(!has_children());
}
END_TEST

START_TEST(a_scope_ends_what_runs_in_it) /* D32, D37 */
{
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    struct bight_deferred *running = bight_get_process_value(reactor, run("sleep 1000"));
    note(bight_deferred_tie(running, bight_scope_owner(scope)));
    bight_scope_free(scope);
    ck_heard("CANCELLED");
    UNTIL(!has_children());
}
END_TEST

START_TEST(the_end_of_the_reactor_kills_and_reaps) /* P4, R3 */
{
    note(bight_get_process_output_and_value(reactor, run("trap '' TERM; sleep 1000")));
    bight_reactor_free(reactor);
    ck_heard("SHUTDOWN");
    ck_assert(!has_children());
    reactor = bight_reactor_new();
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused) /* P1 */
{
    run(":");
    options.timeout_seconds = -1;
    note(bight_get_process_output(reactor, &options));
    run(":");
    options.grace_seconds = NAN;
    note(bight_get_process_output(reactor, &options));
    run(":");
    options.input_size = 3;
    note(bight_get_process_output(reactor, &options));
    run(":");
    options.size = 0;
    note(bight_get_process_output(reactor, &options));
    ck_heard("INVALID_ARGUMENT INVALID_ARGUMENT INVALID_ARGUMENT INVALID_ARGUMENT");
}
END_TEST

static bool run_once(void *context)
{
    (void)context;
    heard[0] = '\0';
    reactor = bight_reactor_new();
    if (reactor == NULL) {
        return true;
    }
    run("cat; echo oops >&2");
    options.input = "abc";
    options.input_size = 3;
    options.timeout_seconds = 30;
    bool both = context != NULL;
    note(both ? bight_get_process_output_and_value(reactor, &options) : bight_get_process_output(reactor, &options));
    while (!is_heard()) {
        bi_reactor_turn(reactor, false);
        sched_yield();
    }
    bool good = bight_testing_fault_injected() || strcmp(heard, both ? "-" : "'abc'") == 0;
    bight_reactor_free(reactor);
    ck_assert(!has_children());
    return good;
}

START_TEST(every_lack_of_memory_is_survived) /* D34 */
{
    tear_down();
    ck_assert_uint_eq(bight_testing_with_faults(run_once, NULL, 0), 0);
    ck_assert_uint_eq(bight_testing_with_faults(run_once, heard, 0), 0);
    set_up();
}
END_TEST

static void reap_all(void)
{
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
    }
}

static bool run_with_system_faults(void *until_exit)
{
    struct bight_faulty_system faulty;
    struct bight_reactor_options usual = { .size = sizeof usual };
    heard[0] = '\0';
    bight_faulty_system_init(&faulty, NULL);
    usual.system = &faulty.system;
    reactor = bight_reactor_new_full(&usual);
    if (reactor == NULL) {
        return bight_testing_system_fault_injected();
    }
    run("cat; echo oops >&2");
    options.input = "abc";
    options.input_size = 3;
    options.until_exit = until_exit != NULL;
    note(bight_get_process_output(reactor, &options));
    while (!is_heard()) {
        bi_reactor_turn(reactor, false);
        sched_yield();
    }
    bool good = bight_testing_system_fault_injected() || strcmp(heard, "'abc'") == 0;
    bight_reactor_free(reactor);
    reap_all();
    return good;
}

START_TEST(every_failed_system_call_is_survived) /* P1, P4, P10 */
{
    tear_down();
    bight_log_set_level((enum bight_log_level)99);
    ck_assert_uint_eq(bight_testing_with_system_faults(run_with_system_faults, NULL, NULL), 0);
    ck_assert_uint_eq(bight_testing_with_system_faults(run_with_system_faults, heard, NULL), 0);
    ck_assert_uint_gt(bight_testing_system_fault_runs(), 50);
    set_up();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_output_is_what_the_program_printed);
    tcase_add_test(tests, the_input_is_given_and_then_ends);
    tcase_add_test(tests, much_goes_through_a_program);
    tcase_add_test(tests, a_program_need_not_read_its_input);
    tcase_add_test(tests, errors_alone_are_no_failure_of_the_output);
    tcase_add_test(tests, a_status_is_a_failure_of_the_output_with_the_last_error_in_it);
    tcase_add_test(tests, a_program_that_cannot_be_started_is_told_by_the_deferred);
    tcase_add_test(tests, the_value_is_the_status_and_what_is_printed_is_lost);
    tcase_add_test(tests, both_come_however_it_ended);
    tcase_add_test(tests, an_output_that_nobody_takes_is_destroyed);
    tcase_add_test(tests, environment_and_directory_are_the_process_s);
    tcase_add_test(tests, more_than_the_limit_kills_it);
    tcase_add_test(tests, a_program_that_takes_too_long_is_terminated);
    tcase_add_test(tests, one_that_does_not_heed_that_is_killed);
    tcase_add_test(tests, a_grandchild_that_keeps_the_pipe_open_is_bounded_by_the_timeout);
    tcase_add_test(tests, the_exit_may_be_the_end_though_a_daemon_has_the_pipes);
    tcase_add_test(tests, a_daemon_that_writes_on_does_not_put_off_the_end);
    tcase_add_test(tests, an_input_that_a_daemon_does_not_read_does_not_put_off_the_end);
    tcase_add_test(tests, what_is_in_the_pipes_at_the_exit_is_had);
    tcase_add_test(tests, the_time_is_the_programs_alone_until_its_exit);
    tcase_add_test(tests, cancelling_kills_and_reaps);
    tcase_add_test(tests, a_scope_ends_what_runs_in_it);
    tcase_add_test(tests, the_end_of_the_reactor_kills_and_reaps);
    tcase_add_test(tests, options_that_make_no_sense_are_refused);
    tcase_add_test(tests, every_lack_of_memory_is_survived);
    tcase_add_test(tests, every_failed_system_call_is_survived);
}

BIGHT_TEST_MAIN("process_output", add_tests)
