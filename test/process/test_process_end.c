/* SPDX-License-Identifier: MIT */
/* test_process_end.c - what ends children: scopes, the end of a run; and forks. How ends are noticed is in
 * test_process_reap.c. */
#include "process_support.h"

#include <bight/debug.h>
#include <bight/scope.h>
#include <bight/testing.h>

/* ------------------------------------------------------------------------------------------- scopes */

static int scope_ended;

static void note_end(struct bight_result *result, void *context)
{
    ck_assert_ptr_null(bight_result_failure(result));
    (void)context;
    scope_ended = 1;
}

static void close_scope(struct bight_scope *scope, double seconds)
{
    struct bight_deferred *deferred = bight_scope_close(scope, seconds);
    scope_ended = 0;
    bight_deferred_add_both(deferred, note_end, NULL);
    bight_deferred_release(deferred);
}

START_TEST(a_closing_scope_terminates_its_processes) /* D37 */
{
    struct child child, quiet;
    begin_processes();
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    spawn_shell(&child, "exec cat");
    spawn_shell(&quiet, "trap 'echo ending; exit 3' TERM; kill -STOP $$; cat; exit 4");
    ck_assert_int_eq(bight_process_join_scope(child.base.process, scope), 0);
    ck_assert_int_eq(bight_process_join_scope(quiet.base.process, scope), 0);
    ck_assert_uint_eq(bight_scope_count(scope), 2);
    close_scope(scope, 1e9);
    bight_process_signal(quiet.base.process, SIGCONT);
    turn_until(&scope_ended);
    ck_assert_int_eq(child.ended + quiet.ended, 2);
    ck_assert(child.signal == SIGTERM || child.status == 0); /* its input ended too */
    ck_assert(quiet.status == 3 || quiet.signal == SIGTERM); /* it may not have come to the trap */
    bight_scope_free(scope);
    end_processes();
}
END_TEST

START_TEST(a_scope_kills_at_its_deadline_with_the_whole_group) /* D37 */
{
    struct bight_process_options options = { .process_group = true };
    struct child child;
    begin_processes();
    struct bight_reactor *clock = bight_testing_reactor_new(); /* virtual: its time is advanced */
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(clock));
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "trap '' TERM; echo ready; sleep 1000 & sleep 1000", options), 0);
    ck_assert_int_eq(bight_process_join_scope(child.base.process, scope), 0);
    while (child.size[1] == 0) {
        turn();
    }
    close_scope(scope, 5);
    turn_until(&child.lost[0]);
    ck_assert_int_eq(child.exited, 0);
    bight_testing_advance(clock, 4.9);
    ck_assert(bight_process_is_alive(child.base.process));
    bight_testing_advance(clock, 0.2);
    turn_until(&scope_ended);
    ck_assert_int_eq(child.signal, SIGKILL);
    ck_assert_int_eq(child.ended, 1);
    bight_scope_free(scope);
    bight_reactor_free(clock);
    end_processes();
}
END_TEST

START_TEST(an_aborted_scope_does_not_wait_for_grandchildren) /* D37 */
{
    struct child child;
    int hold[2];
    begin_processes();
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
    struct bight_child_descriptor all[] = { { 0, BIGHT_CHILD_INHERIT, hold[0] }, { 1, BIGHT_CHILD_WRITES, -1 } };
    struct bight_process_options options = { .descriptors = all, .descriptor_count = 2 };
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "exec 3<&0; cat <&3 & exit 0", options), 0);
    ck_assert_int_eq(bight_process_join_scope(child.base.process, scope), 0);
    turn_until(&child.exited);
    close_scope(scope, 0);
    turn_until(&scope_ended);
    ck_assert_int_eq(child.ended, 1);
    ck_assert_int_eq(child.lost_code[1], BIGHT_E_CONNECTION_ABORTED);
    bight_scope_free(scope);
    close(hold[0]);
    close(hold[1]);
    end_processes();
}
END_TEST

START_TEST(a_closing_scope_takes_no_process) /* D37 */
{
    struct child child;
    begin_processes();
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    close_scope(scope, 0);
    spawn_shell(&child, "exec cat");
    ck_assert_int_eq(bight_process_join_scope(child.base.process, scope), BIGHT_E_CANCELLED);
    ck_assert(bight_process_is_alive(child.base.process));
    bight_process_abort(child.base.process);
    turn_until(&child.ended);
    bight_scope_free(scope);
    end_processes();
}
END_TEST

/* ------------------------------------------------------------------------------------- seeing them */

static char dumped[4096];

static void gather(const char *text, size_t size, void *context)
{
    (void)context;
    strncat(dumped, text, size < sizeof dumped - strlen(dumped) - 1 ? size : sizeof dumped - strlen(dumped) - 1);
}

START_TEST(a_dump_shows_the_children)
{
    bight_deferred_set_debug(false);
    struct child child;
    char line[64];
    begin_processes();
    spawn_shell(&child, "exec cat");
    ck_assert_int_eq(bight_debug_dump(reactor, BIGHT_DUMP_TEXT, gather, NULL), 0);
    (void)snprintf(line, sizeof line, "process %ld, lives, 3 pipes open", (long)bight_process_pid(child.base.process));
    ck_assert_msg(strstr(dumped, line) != NULL, "%s", dumped);
    ck_assert_ptr_nonnull(strstr(dumped, "1 program\n"));
    bight_process_abort(child.base.process);
    turn_until(&child.ended);
    end_processes();
}
END_TEST

/* -------------------------------------------------------------------------------- the end of a run */

static int end_of_life[2]; /* the child has the writing end */
static pid_t child_pid;

static void stop_run(struct child *child)
{
    (void)child;
    bight_reactor_stop(reactor);
}

static void stop_on_data(struct child *child, int fd)
{
    (void)fd;
    stop_run(child);
}

/* A child that says that it is there, and whose end can be heard without reaping it. */
static void run_with(struct child *child, const char *script, enum bight_child_at_shutdown policy)
{
    ck_assert_int_eq(pipe2(end_of_life, O_CLOEXEC), 0);
    struct bight_child_descriptor all[] = { { 0, BIGHT_CHILD_READS, -1 }, { 1, BIGHT_CHILD_WRITES, -1 },
        { 3, BIGHT_CHILD_INHERIT, end_of_life[1] } };
    struct bight_process_options options = { .descriptors = all, .descriptor_count = 3, .at_shutdown = policy };
    child_init(child);
    child->on_data = stop_on_data;
    ck_assert_int_eq(spawn_shell_full(child, script, options), 0);
    child_pid = bight_process_pid(child->base.process);
    close(end_of_life[1]);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
}

static void wait_for_end_of_life(void)
{
    char byte;
    ck_assert_int_eq(read(end_of_life[0], &byte, 1), 0);
    close(end_of_life[0]);
}

START_TEST(the_end_of_a_run_terminates_and_ends_what_lives) /* R3, T21 */
{
    struct child child;
    begin_processes();
    run_with(&child, "echo x; exec sleep 1000", BIGHT_CHILD_TERMINATE);
    ck_assert_int_eq(child.ended, 1);
    ck_assert_int_eq(child.end_code, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(child.exited, 0);
    ck_assert_int_eq(child.lost_code[1], BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(child.lost[0] + child.lost[1], 2);
    ck_assert_int_eq(bight_process_signal(child.base.process, SIGKILL), BIGHT_E_CLOSED);
    wait_for_end_of_life();
    struct child other; /* a run that comes later reaps the one that was left */
    run_shell(&other, "exit 0");
    while (!has_no_children()) {
        turn();
    }
    ck_assert_int_eq(child.ended, 1);
    end_processes();
}
END_TEST

START_TEST(what_was_left_is_reaped_when_the_reactor_goes) /* T21 */
{
    struct child child;
    siginfo_t info;
    begin_processes();
    run_with(&child, "echo x; exec sleep 1000", BIGHT_CHILD_TERMINATE);
    ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    wait_for_end_of_life();
    end_processes();
}
END_TEST

START_TEST(a_child_may_be_left_alone_at_the_end_of_a_run)
{
    struct child child;
    begin_processes();
    run_with(&child, "echo x; exec sleep 1000", BIGHT_CHILD_LEAVE);
    ck_assert_int_eq(child.end_code, BIGHT_E_SHUTDOWN);
    bight_reactor_free(reactor);
    ck_assert_int_eq(waitpid(child_pid, NULL, WNOHANG), 0); /* it lives, and is ours now */
    ck_assert_int_eq(kill(child_pid, SIGKILL), 0);
    wait_for_end_of_life();
    ck_assert_int_eq(waitpid(child_pid, NULL, 0), child_pid);
    ck_assert_int_eq(count_descriptors(), descriptors_before);
}
END_TEST

START_TEST(a_child_may_be_killed_at_the_end_of_a_run)
{
    struct child child;
    begin_processes();
    run_with(&child, "trap '' TERM; echo x; exec sleep 1000", BIGHT_CHILD_KILL);
    ck_assert_int_eq(child.exited, 1);
    ck_assert_int_eq(child.signal, SIGKILL);
    ck_assert_int_eq(child.end_code, BIGHT_E_PROCESS_TERMINATED);
    ck_assert(has_no_children());
    wait_for_end_of_life();
    end_processes();
}
END_TEST

static int refused;

static void start_another(struct child *child)
{
    struct bight_process_options options = { .size = sizeof options };
    refused = spawn_shell_full(child, "exit 0", options);
}

START_TEST(nothing_is_started_while_a_run_ends) /* R3 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exec cat");
    child.on_made = stop_run;
    child.on_ended = start_another;
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(child.ended, 1);
    ck_assert_int_eq(refused, BIGHT_E_SHUTDOWN);
    bight_reactor_free(reactor);
    waitpid(-1, NULL, 0);
}
END_TEST

START_TEST(a_reactor_that_never_ran_ends_its_children_too)
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exec cat");
    bight_reactor_free(reactor);
    ck_assert_int_eq(child.made, 1);
    ck_assert_int_eq(child.ended, 1);
    ck_assert_str_eq(child.events, "Ml0l1l2E");
    waitpid(-1, NULL, 0);
    ck_assert(has_no_children());
}
END_TEST

START_TEST(the_child_of_a_fork_leaves_the_parents_processes_alone) /* R13 */
{
    struct child child;
    int status;
    begin_processes();
    spawn_shell(&child, "cat; exit 6");
    bi_reactor_turn(reactor, false);
    pid_t pid = fork();
    if (pid == 0) {
        int code = bight_process_signal(child.base.process, SIGKILL);
        bight_reactor_free(reactor);
        _exit(code == BIGHT_E_CLOSED && child.ended == 1 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(child.ended, 0);
    bight_process_write(child.base.process, 0, "words", 5);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "words");
    ck_assert_int_eq(child.status, 6);
    end_processes();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_closing_scope_terminates_its_processes);
    tcase_add_test(tests, a_scope_kills_at_its_deadline_with_the_whole_group);
    tcase_add_test(tests, an_aborted_scope_does_not_wait_for_grandchildren);
    tcase_add_test(tests, a_closing_scope_takes_no_process);
    tcase_add_test(tests, a_dump_shows_the_children);
    tcase_add_test(tests, the_end_of_a_run_terminates_and_ends_what_lives);
    tcase_add_test(tests, what_was_left_is_reaped_when_the_reactor_goes);
    tcase_add_test(tests, a_child_may_be_left_alone_at_the_end_of_a_run);
    tcase_add_test(tests, a_child_may_be_killed_at_the_end_of_a_run);
    tcase_add_test(tests, nothing_is_started_while_a_run_ends);
    tcase_add_test(tests, a_reactor_that_never_ran_ends_its_children_too);
    tcase_add_test(tests, the_child_of_a_fork_leaves_the_parents_processes_alone);
}

BIGHT_TEST_MAIN("process_end", add_tests)
