/* SPDX-License-Identifier: MIT */
/* test_process_faults.c - a child's whole life while memory runs out at each place, and each system call fails in each
 * way, in turn: no crash, no leak, nothing open, no zombie, and a code that says what was missing. */
#include "process_support.h"

#include <bight/testing.h>
#include <bight/testing/syscalls.h>

static bool is_system_test;

static bool is_faulty(void)
{
    return is_system_test ? bight_testing_system_fault_injected() : bight_testing_fault_injected();
}

static pid_t started[2]; /* in this run; 0: none */

/* Whoever lives is killed, and everybody is reaped, so that the next run finds nobody: a fault may have kept a signal
 * from a child, or made it look as if it had gone. */
static void reap_all(void)
{
    for (int i = 0; i < 2; i++) {
        if (started[i] != 0 && waitpid(started[i], NULL, WNOHANG) == 0) {
            kill(started[i], SIGKILL);
        }
        started[i] = 0;
    }
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
    }
}

/* Turns until it has ended; a lost fault may have left it alive and unheard of, so not for ever. */
static bool drive(struct child *child)
{
    for (int turns = 0; turns < 1000 && child->ended == 0; turns++) {
        turn();
    }
    return child->ended == 1;
}

/* One that talks, and one whose program is not there. */
static bool converse(bool terminal)
{
    static const char *const argv[] = { "sh", "-c", "stty -echo 2>/dev/null; read line; echo got $line >&2; exit 3",
        NULL };
    struct bight_process_options options = {
        .size = sizeof options, .path = "sh", .argv = argv, .terminal = terminal, .process_group = true
    };
    struct child child;
    struct bight_failure *failure = NULL;
    child_init(&child);
    int code = bight_spawn_process(reactor, &child.base, &options, &failure);
    if (code != 0) {
        bool is_told = bight_failure_code(failure) == code || bight_failure_code(failure) == BIGHT_E_OUT_OF_MEMORY;
        bight_failure_release(failure);
        return is_told && is_faulty() && child.events[0] == '\0' && child.base.process == NULL;
    }
    started[0] = bight_process_pid(child.base.process);
    code = bight_process_write(child.base.process, 0, "words\n", 6);
    if (code != 0) { /* the pipe has been aborted, and the child sees an end */
        if (!is_faulty()) {
            return false;
        }
    }
    bool ended = drive(&child);
    return ended && child.made == 1 && (is_faulty() || (child.exited == 1 && child.status == 3));
}

static bool live(void *context)
{
    struct bight_faulty_system faulty;
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    bight_faulty_system_init(&faulty, NULL);
    options.system = is_system_test ? &faulty.system : NULL;
    reactor = bight_reactor_new_full(&options);
    if (reactor == NULL) {
        return is_faulty();
    }
    bool good = converse(*(bool *)context);
    struct bight_process_options missing = { .size = sizeof missing, .path = "/x/y" };
    struct child child;
    child_init(&child);
    int code = bight_spawn_process(reactor, &child.base, &missing, NULL);
    good &= code == BIGHT_E_NOT_STARTED || (code != 0 && is_faulty());
    bight_reactor_free(reactor);
    reap_all();
    return good;
}

/* One that is ended by the scope, and by the end of the reactor. */
static bool die(void *context)
{
    struct bight_faulty_system faulty;
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    static const char *const argv[] = { "sleep", "1000", NULL };
    struct bight_process_options sleeper = { .size = sizeof sleeper, .argv = argv, .at_shutdown = BIGHT_CHILD_KILL };
    struct child in_scope, at_end;
    (void)context;
    bight_faulty_system_init(&faulty, NULL);
    options.system = is_system_test ? &faulty.system : NULL;
    reactor = bight_reactor_new_full(&options);
    struct bight_scope *scope = reactor == NULL ? NULL : bight_scope_new(bight_reactor_clock(reactor));
    if (scope == NULL) {
        bight_reactor_free(reactor);
        return is_faulty();
    }
    child_init(&in_scope);
    child_init(&at_end);
    bool first = bight_spawn_process(reactor, &in_scope.base, &sleeper, NULL) == 0;
    bool second = bight_spawn_process(reactor, &at_end.base, &sleeper, NULL) == 0;
    bool good = (first && second) || is_faulty();
    started[0] = bight_process_pid(in_scope.base.process);
    started[1] = bight_process_pid(at_end.base.process);
    if (first) {
        good &= bight_process_join_scope(in_scope.base.process, scope) == 0;
        bight_deferred_release(bight_scope_close(scope, 0));
        good &= drive(&in_scope);
        good &= is_faulty() || in_scope.signal == SIGKILL || in_scope.signal == SIGTERM;
    }
    bight_scope_free(scope);
    bight_reactor_free(reactor);
    good &= !second || (at_end.ended == 1 && (is_faulty() || at_end.signal == SIGKILL ||
                                                 at_end.end_code == BIGHT_E_SHUTDOWN)); /* a debugger had it */
    reap_all();
    return good;
}

START_TEST(a_child_lives_where_memory_runs_out) /* T21 */
{
    bool terminal = _i == 1;
    is_system_test = false;
    bight_log_set_level((enum bight_log_level)99);
    ck_assert_uint_eq(bight_testing_with_faults(live, &terminal, 0), 0);
}
END_TEST

START_TEST(a_child_dies_where_memory_runs_out)
{
    is_system_test = false;
    bight_log_set_level((enum bight_log_level)99);
    ck_assert_uint_eq(bight_testing_with_faults(die, NULL, 0), 0);
}
END_TEST

START_TEST(a_child_lives_where_system_calls_fail) /* T21 */
{
    bool terminal = _i == 1;
    is_system_test = true;
    ck_assert_uint_eq(bight_testing_with_system_faults(live, &terminal, NULL), 0);
    ck_assert_uint_gt(bight_testing_system_fault_runs(), 50);
}
END_TEST

START_TEST(a_child_dies_where_system_calls_fail)
{
    is_system_test = true;
    ck_assert_uint_eq(bight_testing_with_system_faults(die, NULL, NULL), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_child_lives_where_memory_runs_out, 0, 2);
    tcase_add_test(tests, a_child_dies_where_memory_runs_out);
    tcase_add_loop_test(tests, a_child_lives_where_system_calls_fail, 0, 2);
    tcase_add_test(tests, a_child_dies_where_system_calls_fail);
}

BIGHT_TEST_MAIN("process_faults", add_tests)
