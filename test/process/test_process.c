/* SPDX-License-Identifier: MIT */
/* test_process.c - child processes: what their protocols hear, in which order, what may be done from inside, groups,
 * and many at once. Their pipes are in test_process_pipes.c. */
#include "process_support.h"

/* ------------------------------------------------------------------------------------ what is heard */

START_TEST(data_come_by_descriptor_and_the_end_comes_last) /* T21 */
{
    struct child child;
    begin_processes();
    run_shell(&child, "echo out; echo err >&2");
    ck_assert_str_eq(child.text[1], "out\n");
    ck_assert_str_eq(child.text[2], "err\n");
    ck_assert_int_eq(child.made, 1);
    ck_assert_int_eq(child.exited, 1);
    ck_assert_int_eq(child.ended, 1);
    for (int fd = 0; fd < 3; fd++) {
        ck_assert_int_eq(child.lost[fd], 1);
        ck_assert_int_eq(child.lost_code[fd], BIGHT_E_CONNECTION_DONE);
    }
    ck_assert_int_eq(child.events[0], 'M');
    ck_assert_int_eq(child.events[strlen(child.events) - 1], 'E');
    ck_assert_int_eq(child.code, BIGHT_E_PROCESS_DONE);
    ck_assert_int_eq(child.end_code, BIGHT_E_PROCESS_DONE);
    end_processes();
}
END_TEST

START_TEST(nothing_is_called_inside_the_call) /* T21 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exit 0");
    ck_assert_str_eq(child.events, "");
    turn_until(&child.ended);
    end_processes();
}
END_TEST

START_TEST(the_status_is_told) /* T21 */
{
    struct child child;
    begin_processes();
    for (int status = 0; status < 256; status += 51) {
        char script[32];
        (void)snprintf(script, sizeof script, "exit %d", status);
        run_shell(&child, script);
        ck_assert_int_eq(child.status, status);
        ck_assert_int_eq(child.signal, 0);
        ck_assert_int_eq(child.code, status == 0 ? BIGHT_E_PROCESS_DONE : BIGHT_E_PROCESS_TERMINATED);
        ck_assert_int_eq(child.end_code, child.code);
    }
    end_processes();
}
END_TEST

START_TEST(the_signal_is_told) /* T21 */
{
    static const int signals[] = { SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE };
    struct child child;
    begin_processes();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        spawn_shell(&child, "exec cat");
        ck_assert_int_eq(bight_process_signal(child.base.process, signals[i]), 0);
        turn_until(&child.ended);
        ck_assert_int_eq(child.signal, signals[i]);
        ck_assert_int_eq(child.status, -1);
        ck_assert_int_eq(child.code, BIGHT_E_PROCESS_TERMINATED);
    }
    end_processes();
}
END_TEST

static const char *last_message;
static char message[256];

static void keep_message(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    (void)snprintf(message, sizeof message, "%s", bight_failure_message(reason));
    last_message = message;
    child_ended(protocol, reason);
}

START_TEST(the_reason_says_how_it_ended)
{
    static const struct bight_process_protocol_ops ops = { .process_ended = keep_message };
    struct child child;
    begin_processes();
    spawn_shell(&child, "exit 3");
    child.base.ops = &ops;
    turn_until(&child.ended);
    ck_assert_str_eq(last_message, "the process ended with status 3");
    spawn_shell(&child, "kill -9 $$");
    child.base.ops = &ops;
    turn_until(&child.ended);
    ck_assert_str_eq(last_message, "the process was ended by signal 9, SIGKILL");
    end_processes();
}
END_TEST

START_TEST(every_slot_may_be_empty)
{
    static const struct bight_process_protocol_ops none = { .process_made = NULL };
    struct child child;
    begin_processes();
    spawn_shell(&child, "cat; echo out; exit 1");
    child.base.ops = &none;
    bight_process_write(child.base.process, 0, "in", 2);
    bight_process_close(child.base.process, 0);
    while (bight_process_pid(child.base.process) != 0) {
        turn();
    }
    end_processes();
}
END_TEST

/* ------------------------------------------------------------------------------------ from handlers */

static void start_again(struct child *child)
{
    if (child->ended < 5) {
        struct bight_process_options options = { .size = sizeof options };
        ck_assert_int_eq(spawn_shell_full(child, "exit 0", options), 0);
    }
}

static int freed;

static void free_itself(struct child *child)
{
    free(child);
    freed = 1;
}

START_TEST(a_protocol_may_be_used_again_when_its_process_has_ended)
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exit 0");
    child.on_ended = start_again;
    while (child.ended < 5) {
        turn();
    }
    ck_assert_int_eq(child.made, 5);
    end_processes();
}
END_TEST

START_TEST(a_protocol_may_free_itself_when_its_process_has_ended)
{
    begin_processes();
    struct child *child = malloc(sizeof *child);
    spawn_shell(child, "echo x");
    child->on_ended = free_itself;
    turn_until(&freed);
    end_processes();
}
END_TEST

static void abort_it(struct child *child)
{
    bight_process_abort(child->base.process);
}

static void abort_on_data(struct child *child, int fd)
{
    (void)fd;
    bight_process_abort(child->base.process);
}

START_TEST(a_process_may_be_aborted_in_every_handler) /* T22 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exec cat");
    child.on_made = abort_it;
    turn_until(&child.ended);
    ck_assert_int_eq(child.signal, SIGKILL);
    spawn_shell(&child, "echo x; cat");
    child.on_data = abort_on_data;
    turn_until(&child.ended);
    ck_assert_int_eq(child.signal, SIGKILL);
    ck_assert_int_eq(child.lost_code[1], BIGHT_E_CONNECTION_ABORTED);
    spawn_shell(&child, "exit 4");
    child.on_exited = abort_it;
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 4);
    spawn_shell(&child, "exit 4");
    child.on_ended = abort_it;
    turn_until(&child.ended);
    end_processes();
}
END_TEST

static struct child others[4];
static int others_started;

static void start_other(struct child *child)
{
    (void)child;
    spawn_shell(&others[others_started++], "echo other");
}

static void start_other_on_data(struct child *child, int fd)
{
    start_other(child);
    child->on_data = NULL;
    bight_process_close(child->base.process, fd);
}

START_TEST(another_process_may_be_started_in_every_handler) /* T22 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "echo words; exit 1");
    child.on_made = child.on_exited = child.on_ended = start_other;
    child.on_data = start_other_on_data;
    for (int i = 0; i < 4; i++) {
        turn_until(&others[i].ended);
        ck_assert_str_eq(others[i].text[1], "other\n");
    }
    ck_assert_int_eq(others_started, 4);
    ck_assert_int_eq(child.ended, 1);
    end_processes();
}
END_TEST

START_TEST(one_protocol_has_one_process_at_a_time)
{
    struct child child;
    struct bight_process_options options = { .size = sizeof options };
    begin_processes();
    bight_log_set_level((enum bight_log_level)99);
    spawn_shell(&child, "exec cat");
    ck_assert_int_eq(spawn_shell_full(&child, "cat", options), BIGHT_E_USAGE);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.made, 1);
    end_processes();
}
END_TEST

/* ------------------------------------------------------------------------------------------ groups */

START_TEST(a_signal_to_the_group_reaches_grandchildren)
{
    struct child child;
    struct bight_process_options options = { .process_group = true };
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "cat & cat; echo never", options), 0);
    ck_assert_int_eq(bight_process_signal_group(child.base.process, SIGTERM), 0);
    turn_until(&child.ended); /* which waits for the grandchildren's pipes */
    ck_assert_int_eq(child.signal, SIGTERM);
    ck_assert_str_eq(child.text[1], "");
    end_processes();
}
END_TEST

START_TEST(a_group_can_be_signalled_when_its_leader_has_exited)
{
    struct child child;
    siginfo_t info = { .si_pid = 0 };
    struct bight_process_options options = { .process_group = true };
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "exec 3<&0; cat <&3 & exit 4", options), 0);
    turn_until(&child.exited);
    ck_assert_int_eq(child.status, 4);
    ck_assert_int_eq(child.ended, 0);
    pid_t pid = bight_process_pid(child.base.process); /* nobody else can have the number */
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    ck_assert_int_eq(info.si_pid, pid);
    ck_assert_int_eq(bight_process_signal(child.base.process, SIGTERM), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_process_signal_group(child.base.process, SIGTERM), 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.exited, 1);
    ck_assert_int_eq(bight_process_signal_group(child.base.process, SIGTERM), BIGHT_E_CLOSED);
    end_processes();
}
END_TEST

START_TEST(a_new_session_and_group_are_as_asked)
{
    struct child child;
    begin_processes();
    for (int kind = 0; kind < 3; kind++) {
        struct bight_process_options options = { .process_group = kind == 1, .new_session = kind == 2 };
        long pid, group, session;
        child_init(&child);
        ck_assert_int_eq(spawn_shell_full(&child, "cut -d' ' -f1,5,6 /proc/$$/stat", options), 0);
        turn_until(&child.ended);
        ck_assert_int_eq(sscanf(child.text[1], "%ld %ld %ld", &pid, &group, &session), 3);
        ck_assert_int_eq(group == pid, kind != 0);
        ck_assert_int_eq(session == pid, kind == 2);
    }
    end_processes();
}
END_TEST

START_TEST(signals_have_names)
{
    ck_assert_int_eq(bight_signal_number("TERM"), SIGTERM);
    ck_assert_int_eq(bight_signal_number("SIGTERM"), SIGTERM);
    ck_assert_int_eq(bight_signal_number("sigusr1"), SIGUSR1);
    ck_assert_int_eq(bight_signal_number("SIG"), 0);
    ck_assert_int_eq(bight_signal_number(""), 0);
    ck_assert_int_eq(bight_signal_number(NULL), 0);
    ck_assert_str_eq(bight_signal_name(SIGHUP), "SIGHUP");
    ck_assert_ptr_null(bight_signal_name(0));
}
END_TEST

/* ------------------------------------------------------------------------------------------- many */

START_TEST(a_thousand_children_at_once_leave_nothing) /* T21 */
{
    enum { CHILDREN = 1000 };
    static struct child children[CHILDREN];
    static const struct bight_child_descriptor all[] = { { 0, BIGHT_CHILD_NULL, -1 }, { 1, BIGHT_CHILD_WRITES, -1 },
        { 2, BIGHT_CHILD_INHERIT, 2 } };
    static const char *const argv[] = { "echo", "x", NULL };
    struct bight_process_options options = {
        .size = sizeof options, .path = "/bin/echo", .argv = argv, .descriptors = all, .descriptor_count = 3
    };
    begin_processes();
    for (int i = 0; i < CHILDREN; i++) {
        child_init(&children[i]);
        ck_assert_int_eq(bight_spawn_process(reactor, &children[i].base, &options, NULL), 0);
    }
    for (int i = 0; i < CHILDREN; i++) {
        turn_until(&children[i].ended);
        ck_assert_str_eq(children[i].text[1], "x\n");
        ck_assert_int_eq(children[i].exited, 1);
        ck_assert_int_eq(children[i].status, 0);
    }
    ck_assert(has_no_children());
    end_processes();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, data_come_by_descriptor_and_the_end_comes_last);
    tcase_add_test(tests, nothing_is_called_inside_the_call);
    tcase_add_test(tests, the_status_is_told);
    tcase_add_test(tests, the_signal_is_told);
    tcase_add_test(tests, the_reason_says_how_it_ended);
    tcase_add_test(tests, every_slot_may_be_empty);
    tcase_add_test(tests, a_protocol_may_be_used_again_when_its_process_has_ended);
    tcase_add_test(tests, a_protocol_may_free_itself_when_its_process_has_ended);
    tcase_add_test(tests, a_process_may_be_aborted_in_every_handler);
    tcase_add_test(tests, another_process_may_be_started_in_every_handler);
    tcase_add_test(tests, one_protocol_has_one_process_at_a_time);
    tcase_add_test(tests, a_signal_to_the_group_reaches_grandchildren);
    tcase_add_test(tests, a_group_can_be_signalled_when_its_leader_has_exited);
    tcase_add_test(tests, a_new_session_and_group_are_as_asked);
    tcase_add_test(tests, signals_have_names);
    tcase_add_test(tests, a_thousand_children_at_once_leave_nothing);
}

BIGHT_TEST_MAIN("process", add_tests)
