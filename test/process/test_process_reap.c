/* SPDX-License-Identifier: MIT */
/* test_process_reap.c - how the end of children is noticed: without pidfds, beside a program's own use of SIGCHLD,
 * while a debugger holds them, where the kernel or somebody else has reaped them. */
#include "fake_system.h" /* first: its names are not those of the next */

#include "process_support.h"

#include <bight/log.h>
#include <bight/sys/spawn.h>

#include <poll.h>

#include "process/process.h"

/* ------------------------------------------------------------------------- kernels without pidfd */

static struct bight_system_ops old_ops;
static struct bight_system old_kernel = { &old_ops };

static int old_spawn(struct bight_system *system, const struct bight_spawn_plan *plan, struct bight_spawned *spawned)
{
    (void)system;
    int result = bight_system_real()->ops->spawn(bight_system_real(), plan, spawned);
    if (result == 0) {
        close(spawned->pidfd);
        spawned->pidfd = -1;
    }
    return result;
}

static void begin_on_old_kernel(void)
{
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true, .system = &old_kernel };
    old_ops = *bight_system_real()->ops;
    old_ops.spawn = old_spawn;
    descriptors_before = count_descriptors();
    reactor = bight_reactor_new_full(&options);
}

static void hear(int number)
{
    (void)number;
}

START_TEST(without_pidfds_children_are_reaped_by_their_signal) /* T21 */
{
    enum { CHILDREN = 100 };
    static struct child children[CHILDREN];
    signal(SIGCHLD, hear);
    begin_on_old_kernel();
    for (int i = 0; i < CHILDREN; i++) {
        spawn_shell(&children[i], i % 2 == 0 ? "exit 7" : "exec cat");
    }
    for (int i = 1; i < CHILDREN; i += 2) {
        ck_assert_int_eq(bight_process_signal(children[i].base.process, SIGTERM), 0);
    }
    for (int i = 0; i < CHILDREN; i++) {
        turn_until(&children[i].ended);
        ck_assert_int_eq(children[i].status, i % 2 == 0 ? 7 : -1);
        ck_assert_int_eq(children[i].signal, i % 2 == 0 ? 0 : SIGTERM);
    }
    struct sigaction now; /* what stood before is back */
    ck_assert_int_eq(sigaction(SIGCHLD, NULL, &now), 0);
    ck_assert(now.sa_handler == hear);
    end_processes();
}
END_TEST

static void ignore(int number, void *context)
{
    (void)number;
    (void)context;
}

START_TEST(a_host_that_has_the_signals_is_told_so)
{
    struct bight_reactor_options options = { .size = sizeof options };
    struct bight_process_options usual = { .size = sizeof usual, .process_group = _i == 1 };
    struct child child;
    bight_log_set_level((enum bight_log_level)99);
    struct bight_reactor *owner = bight_reactor_new_full(&options);
    ck_assert_int_eq(bight_on_signal(owner, SIGUSR1, ignore, NULL), 0);
    begin_on_old_kernel();
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "exec cat", usual), BIGHT_E_SIGNALS_OWNED);
    ck_assert_ptr_null(child.base.process);
    end_processes();
    bight_reactor_free(owner);
}
END_TEST

START_TEST(a_table_without_processes_supports_none)
{
    struct bight_reactor_options options = { .size = sizeof options, .system = &old_kernel };
    struct bight_process_options usual = { .size = sizeof usual };
    struct child child;
    old_ops = *bight_system_real()->ops;
    old_ops.spawn = NULL;
    reactor = bight_reactor_new_full(&options);
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "exit 0", usual), BIGHT_E_NOT_SUPPORTED);
    bight_reactor_free(reactor);
}
END_TEST

/* ------------------------------------------------------------------------------------ others that reap */

START_TEST(children_of_the_host_are_the_hosts)
{
    struct child child;
    int status;
    begin_processes();
    pid_t own = fork();
    if (own == 0) {
        _exit(9);
    }
    run_shell(&child, "exit 2");
    ck_assert_int_eq(child.status, 2);
    ck_assert_int_eq(waitpid(own, &status, 0), own);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    end_processes();
}
END_TEST

START_TEST(a_child_that_somebody_else_has_reaped_ends_without_a_status)
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exit 2");
    waitpid(bight_process_pid(child.base.process), NULL, 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.code, BIGHT_E_PROCESS);
    ck_assert_int_eq(child.status, -1);
    ck_assert_int_eq(child.signal, 0);
    end_processes();
}
END_TEST

START_TEST(a_child_whose_end_the_host_comes_to_ignore_ends_without_a_status) /* T21 */
{
    struct child child;
    struct bight_process_options options = { .size = sizeof options, .path = "/x/y" };
    begin_processes();
    run_shell(&child, "exit 2");
    signal(SIGCHLD, SIG_IGN);
    run_shell(&child, "exit 2");
    ck_assert_int_eq(child.code, BIGHT_E_PROCESS);
    ck_assert_int_eq(bight_spawn_process(reactor, &child.base, &options, NULL), BIGHT_E_NOT_STARTED);
    end_processes();
}
END_TEST

/* ------------------------------------------------------------------- a program with ends of its own */

static int heard_by_program;

static void hear_child(int number, void *context)
{
    (void)context;
    ck_assert_int_eq(number, SIGCHLD);
    heard_by_program++;
}

static void check_program_hears(void)
{
    heard_by_program = 0;
    raise(SIGCHLD);
    turn_until(&heard_by_program);
}

START_TEST(without_pidfds_the_programs_own_function_for_the_signal_stays) /* T21, R3 */
{
    struct child child;
    begin_on_old_kernel();
    ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, hear_child, NULL), 0);
    run_shell(&child, "exit 2");
    ck_assert_int_eq(child.status, 2);
    ck_assert_int_gt(heard_by_program, 0);
    check_program_hears();
    ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, NULL, NULL), 0);
    struct sigaction now;
    ck_assert_int_eq(sigaction(SIGCHLD, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
    end_processes();
}
END_TEST

START_TEST(without_pidfds_a_function_that_is_set_later_takes_no_end_away) /* T21, R3 */
{
    struct child child;
    bool is_taken_back = _i == 1;
    begin_on_old_kernel();
    spawn_shell(&child, "read line; exit 2");
    ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, hear_child, NULL), 0);
    check_program_hears();
    if (is_taken_back) {
        ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, NULL, NULL), 0);
    }
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 2);
    if (!is_taken_back) {
        check_program_hears();
    }
    end_processes();
}
END_TEST

static void take_back(int number, void *context)
{
    hear_child(number, context);
    ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, NULL, NULL), 0);
}

START_TEST(without_pidfds_a_function_may_take_itself_back) /* T21, R3 */
{
    struct child child;
    begin_on_old_kernel();
    spawn_shell(&child, "read line; exit 2");
    ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, take_back, NULL), 0);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 2);
    ck_assert_int_eq(heard_by_program, 1);
    end_processes();
}
END_TEST

/* -------------------------------------------------------------------------------- a clock that stands still */

static struct fake_system fake;
static bool is_held; /* by a debugger, which has not looked at its end */
static int looks;

static int wait_held(struct bight_system *system, pid_t pid, int pidfd, unsigned how, int *status)
{
    (void)system;
    looks++;
    return is_held ? 0 : bight_system_real()->ops->wait_child(bight_system_real(), pid, pidfd, how, status);
}

static void begin_with_debugger(void)
{
    descriptors_before = count_descriptors();
    reactor = fake_reactor(&fake);
    fake.ops.wait_child = wait_held;
    is_held = true;
    looks = 0;
}

static void wait_for_pidfd(const struct child *child)
{
    struct pollfd polled = { child->base.process->pidfd, POLLIN, 0 };
    ck_assert_int_eq(poll(&polled, 1, -1), 1);
}

START_TEST(a_child_that_a_debugger_holds_keeps_no_loop_busy) /* T21 */
{
    struct child child;
    begin_with_debugger();
    spawn_shell(&child, "exit 3");
    wait_for_pidfd(&child);
    for (int turns = 0; turns < 100; turns++) {
        bi_reactor_turn(reactor, false);
    }
    ck_assert_int_eq(looks, 1);
    for (int milliseconds = 0; milliseconds < 10000; milliseconds++) {
        fake_advance(&fake, reactor, 1000000);
    }
    ck_assert_int_gt(looks, 10);
    ck_assert_int_lt(looks, 100);
    ck_assert_int_eq(child.exited, 0);
    is_held = false;
    fake_advance(&fake, reactor, 256000000);
    ck_assert_int_eq(child.exited, 1);
    ck_assert_int_eq(child.status, 3);
    turn_until(&child.ended);
    end_processes();
}
END_TEST

START_TEST(a_child_that_cannot_be_reaped_does_not_hold_up_the_end) /* R3, T21 */
{
    const char *const argv[] = { "cat", NULL };
    struct bight_process_options options = { .size = sizeof options, .argv = argv, .at_shutdown = BIGHT_CHILD_KILL };
    struct child child;
    begin_with_debugger();
    child_init(&child);
    ck_assert_int_eq(bight_spawn_process(reactor, &child.base, &options, NULL), 0);
    pid_t pid = bight_process_pid(child.base.process);
    bight_reactor_free(reactor);
    ck_assert_int_eq(child.ended, 1);
    ck_assert_int_eq(child.end_code, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(count_descriptors(), descriptors_before);
}
END_TEST

/* Another handler takes the place of ours. The kernel is old, and the end comes with no news at all. */
START_TEST(without_pidfds_an_end_that_no_signal_tells_is_noticed) /* T21 */
{
    struct child child;
    descriptors_before = count_descriptors();
    reactor = fake_reactor(&fake);
    fake.ops.spawn = old_spawn;
    spawn_shell(&child, "read line; exit 3");
    turn_until(&child.made);
    signal(SIGCHLD, _i == 0 ? hear : SIG_IGN);
    bight_process_close(child.base.process, 0);
    turn_until(&child.lost[1]);
    while (child.ended == 0) {
        fake_advance(&fake, reactor, 1000000000);
    }
    ck_assert_int_eq(child.code, _i == 0 ? BIGHT_E_PROCESS_TERMINATED : BIGHT_E_PROCESS);
    signal(SIGCHLD, SIG_DFL);
    end_processes();
}
END_TEST

/* ------------------------------------------------------------------------- in the child of a fork */

static void check_status(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(without_pidfds_the_child_of_a_fork_takes_no_living_child_for_ended) /* R13, T21 */
{
    struct child child;
    descriptors_before = count_descriptors();
    reactor = fake_reactor(&fake);
    fake.ops.spawn = old_spawn;
    spawn_shell(&child, "read line; exit 6");
    pid_t pid = fork();
    if (pid == 0) {
        bool good = bight_reactor_after_fork(reactor) == 0;
        fake_advance(&fake, reactor, 3000000000);
        good = good && child.made == 1 && child.exited == 0;
        bight_reactor_free(reactor);
        _exit(good && child.end_code == BIGHT_E_SHUTDOWN ? 0 : 1);
    }
    check_status(pid);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 6);
    end_processes();
}
END_TEST

START_TEST(the_child_of_a_fork_hears_that_the_parents_child_has_ended) /* R13, T21 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exec cat");
    pid_t pid = fork();
    if (pid == 0) {
        bool good = bight_reactor_after_fork(reactor) == 0;
        turn_until(&child.exited);
        bight_reactor_free(reactor);
        _exit(good && child.code == BIGHT_E_PROCESS ? 0 : 1);
    }
    ck_assert_int_eq(bight_process_signal(child.base.process, SIGKILL), 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.signal, SIGKILL);
    check_status(pid);
    end_processes();
}
END_TEST

/* ----------------------------------------------------------------- who started us ignored the signal */

static int noted;

static void note_log(const struct bight_log_event *event, void *context)
{
    (void)context;
    noted += strstr(event->message, "SIGCHLD was ignored") != NULL;
}

static void ignore_ends(bool by_flag)
{
    struct sigaction action = { .sa_handler = by_flag ? hear : SIG_IGN, .sa_flags = by_flag ? SA_NOCLDWAIT : 0 };
    ck_assert_int_eq(sigaction(SIGCHLD, &action, NULL), 0);
}

START_TEST(a_child_has_a_status_where_its_signal_was_ignored_from_the_start) /* T21 */
{
    struct child child;
    ignore_ends(_i == 1);
    bight_log_set_level(BIGHT_LOG_INFO);
    bight_log_set_observer(note_log, NULL);
    begin_processes();
    run_shell(&child, "echo words; exit 2");
    ck_assert_int_eq(child.status, 2);
    ck_assert_str_eq(child.text[1], "words\n");
    run_shell(&child, "exit 3");
    ck_assert_int_eq(child.status, 3);
    ck_assert_int_eq(noted, 1);
    struct sigaction now;
    ck_assert_int_eq(sigaction(SIGCHLD, NULL, &now), 0);
    ck_assert(now.sa_handler == (_i == 1 ? hear : SIG_DFL));
    end_processes();
}
END_TEST

START_TEST(a_function_that_is_taken_back_does_not_ignore_the_signal_again) /* T21, R3 */
{
    struct child child;
    ignore_ends(false);
    begin_processes();
    ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, hear_child, NULL), 0);
    spawn_shell(&child, "read line; exit 2");
    ck_assert_int_eq(bight_on_signal(reactor, SIGCHLD, NULL, NULL), 0);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 2);
    end_processes();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, without_pidfds_children_are_reaped_by_their_signal);
    tcase_add_loop_test(tests, a_host_that_has_the_signals_is_told_so, 0, 2);
    tcase_add_test(tests, a_table_without_processes_supports_none);
    tcase_add_test(tests, children_of_the_host_are_the_hosts);
    tcase_add_test(tests, a_child_that_somebody_else_has_reaped_ends_without_a_status);
    tcase_add_test(tests, a_child_whose_end_the_host_comes_to_ignore_ends_without_a_status);
    tcase_add_test(tests, without_pidfds_the_programs_own_function_for_the_signal_stays);
    tcase_add_loop_test(tests, without_pidfds_a_function_that_is_set_later_takes_no_end_away, 0, 2);
    tcase_add_test(tests, without_pidfds_a_function_may_take_itself_back);
    tcase_add_test(tests, a_child_that_a_debugger_holds_keeps_no_loop_busy);
    tcase_add_test(tests, a_child_that_cannot_be_reaped_does_not_hold_up_the_end);
    tcase_add_loop_test(tests, without_pidfds_an_end_that_no_signal_tells_is_noticed, 0, 2);
    tcase_add_loop_test(tests, a_child_has_a_status_where_its_signal_was_ignored_from_the_start, 0, 2);
    tcase_add_test(tests, without_pidfds_the_child_of_a_fork_takes_no_living_child_for_ended);
    tcase_add_test(tests, the_child_of_a_fork_hears_that_the_parents_child_has_ended);
    tcase_add_test(tests, a_function_that_is_taken_back_does_not_ignore_the_signal_again);
}

BIGHT_TEST_MAIN("process_reap", add_tests)
