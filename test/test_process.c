/* SPDX-License-Identifier: MIT */
/* test_process.c - child processes: what their protocols hear, in which order, and what a child is given. */
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

/* --------------------------------------------------------------------------------------- its pipes */

START_TEST(what_is_written_is_read_by_the_child)
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exec cat");
    ck_assert_int_eq(bight_process_write(child.base.process, 0, "some ", 5), 0);
    ck_assert_int_eq(bight_process_write(child.base.process, 0, "words", 5), 0);
    ck_assert_int_eq(bight_process_close(child.base.process, 0), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "some words");
    ck_assert_int_eq(child.status, 0);
    end_processes();
}
END_TEST

START_TEST(a_closed_output_is_told_while_the_child_lives_on) /* T21 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exec >&-; cat >&2");
    turn_until(&child.lost[1]);
    ck_assert_int_eq(child.exited, 0);
    ck_assert(bight_process_is_alive(child.base.process));
    bight_process_write(child.base.process, 0, "alive", 5);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[2], "alive");
    end_processes();
}
END_TEST

START_TEST(an_input_that_the_child_closes_is_lost_without_a_write) /* T21 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "exec <&-; echo closed; kill -STOP $$");
    turn_until(&child.lost[0]);
    ck_assert_int_eq(child.exited, 0);
    ck_assert_int_eq(child.lost_code[0], BIGHT_E_CONNECTION_DONE);
    ck_assert_int_eq(bight_process_write(child.base.process, 0, "x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_process_close(child.base.process, 0), BIGHT_E_CLOSED);
    bight_process_signal(child.base.process, SIGKILL);
    turn_until(&child.ended);
    end_processes();
}
END_TEST

START_TEST(a_grandchild_that_holds_a_pipe_puts_off_the_end) /* T21 */
{
    struct child child;
    int go[2];
    begin_processes();
    ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
    struct bight_child_descriptor all[] = { { 0, BIGHT_CHILD_INHERIT, go[0] }, { 1, BIGHT_CHILD_WRITES, -1 },
        { 2, BIGHT_CHILD_INHERIT, 2 } };
    struct bight_process_options options = { .descriptors = all, .descriptor_count = 3 };
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "exec 3<&0; (cat <&3; echo late) & exit 5", options), 0);
    close(go[0]);
    turn_until(&child.exited);
    ck_assert_int_eq(child.ended, 0);
    ck_assert_int_eq(child.status, 5);
    ck_assert_int_eq(bight_process_signal(child.base.process, SIGTERM), BIGHT_E_CLOSED);
    close(go[1]);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "late\n");
    ck_assert_str_eq(child.events, "MXd1l1E");
    end_processes();
}
END_TEST

enum { MANY = 10 << 20 };

static void resume(void *context)
{
    (void)bight_transport_resume(bight_process_transport(context, 1));
}

static size_t size_at_pause;

/* Nothing may come before a timer has resumed it. */
static void pause_each_time(struct child *child, int fd)
{
    struct bight_transport *transport = bight_process_transport(child->base.process, fd);
    if (fd == 1 && child->size[1] < MANY) {
        ck_assert_uint_gt(child->size[1], size_at_pause);
        size_at_pause = child->size[1];
        ck_assert_int_eq(bight_transport_pause(transport), 0);
        ck_assert_int_eq(bight_call_later(reactor, 0, resume, child->base.process, NULL), 0);
    }
}

START_TEST(ten_mebibytes_come_whole_through_pauses) /* T2 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "head -c 10485760 /dev/zero; echo end >&2");
    child.on_data = pause_each_time;
    turn_until(&child.ended);
    ck_assert_uint_eq(child.size[1], MANY);
    ck_assert_str_eq(child.text[2], "end\n");
    end_processes();
}
END_TEST

START_TEST(a_paused_child_stands_still)
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "head -c 10485760 /dev/zero; echo end >&2");
    bight_transport_pause(bight_process_transport(child.base.process, 1));
    for (int turns = 0; turns < 100; turns++) {
        bight_reactor_turn(reactor, false);
    }
    ck_assert_uint_eq(child.size[1], 0);
    ck_assert_int_eq(child.exited, 0);
    bight_transport_resume(bight_process_transport(child.base.process, 1));
    turn_until(&child.ended);
    ck_assert_uint_eq(child.size[1], MANY);
    end_processes();
}
END_TEST

START_TEST(ten_mebibytes_go_whole_to_a_slow_child)
{
    struct child child;
    uint8_t *data = calloc(1, MANY);
    begin_processes();
    spawn_shell(&child, "wc -c");
    ck_assert_int_eq(bight_process_write(child.base.process, 0, data, MANY), 0);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    ck_assert_int_eq(atoi(child.text[1]), MANY);
    free(data);
    end_processes();
}
END_TEST

START_TEST(a_child_that_dies_while_it_is_written_to_raises_no_signal)
{
    struct child child;
    uint8_t *data = calloc(1, 1 << 20);
    begin_processes();
    signal(SIGPIPE, SIG_DFL);
    spawn_shell(&child, "kill -9 $$");
    while (child.lost[0] == 0) {
        int code = bight_process_write(child.base.process, 0, data, 1 << 20);
        ck_assert(code == 0 || code == BIGHT_E_CLOSED);
        turn();
    }
    turn_until(&child.ended);
    ck_assert_int_eq(child.signal, SIGKILL);
    ck_assert_int_eq(child.lost_code[0], BIGHT_E_CONNECTION_LOST);
    free(data);
    end_processes();
}
END_TEST

/* ------------------------------------------------------------------------------------- a producer */

static int paused, resumed, stopped;

static void on_pause(void *context)
{
    (void)context;
    paused++;
}

/* Enough has been produced. */
static void on_resume(void *context)
{
    struct child *child = context;
    resumed++;
    ck_assert_int_eq(bight_transport_unregister_producer(bight_process_transport(child->base.process, 0)), 0);
    bight_process_close(child->base.process, 0);
}

static void on_stop(void *context)
{
    (void)context;
    stopped++;
}

START_TEST(a_producer_waits_for_a_child_that_does_not_read) /* T13 */
{
    static const struct bight_producer_ops ops = { .pause = on_pause, .resume = on_resume, .stop = on_stop };
    struct child child;
    uint8_t *data = calloc(1, 1 << 20);
    begin_processes();
    spawn_shell(&child, "kill -STOP $$; wc -c");
    struct bight_transport *input = bight_process_transport(child.base.process, 0);
    ck_assert_int_eq(bight_transport_register_producer(input, &ops, &child, true), 0);
    ck_assert_int_eq(bight_process_write(child.base.process, 0, data, 1 << 20), 0);
    ck_assert_int_eq(paused, 1);
    for (int turns = 0; turns < 10; turns++) {
        bight_reactor_turn(reactor, false);
    }
    ck_assert_int_eq(resumed, 0);
    siginfo_t info; /* SIGCONT must not come before it has stopped */
    ck_assert_int_eq(waitid(P_PID, (id_t)bight_process_pid(child.base.process), &info, WSTOPPED | WNOWAIT), 0);
    bight_process_signal(child.base.process, SIGCONT);
    turn_until(&child.ended);
    ck_assert_int_eq(resumed, 1);
    ck_assert_int_eq(stopped, 0);
    ck_assert_int_eq(atoi(child.text[1]), 1 << 20);
    free(data);
    end_processes();
}
END_TEST

START_TEST(losing_the_connection_closes_every_pipe)
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "cat; kill -STOP $$");
    ck_assert_int_eq(bight_process_lose_connection(child.base.process), 0);
    turn_until(&child.lost[2]);
    ck_assert_int_eq(child.lost[0] + child.lost[1], 2);
    ck_assert_int_eq(bight_process_lose_connection(child.base.process), 0);
    ck_assert_int_eq(bight_process_abort(child.base.process), 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.lost_code[1], BIGHT_E_CONNECTION_DONE);
    end_processes();
}
END_TEST

struct upper {
    struct bight_protocol base;
    struct child *child;
};
static char upper_text[64];
static int upper_lost;

static void upper_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)protocol;
    strncat(upper_text, (const char *)data, size);
}

static void upper_is_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    ck_assert_int_eq(bight_failure_code(reason), BIGHT_E_CONNECTION_DONE);
    upper_lost++;
}

static const struct bight_protocol_ops upper_ops = { .data_received = upper_data, .connection_lost = upper_is_lost };
static struct bight_factory upper_factory = BIGHT_FACTORY(struct upper, &upper_ops);

START_TEST(a_pipe_can_be_given_another_protocol) /* T23 */
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "echo words");
    ck_assert_int_eq(bight_transport_switch_protocol(
                         bight_process_transport(child.base.process, 1), bight_protocol_new(&upper_factory), NULL, 0),
        0);
    turn_until(&child.ended);
    ck_assert_str_eq(upper_text, "words\n");
    ck_assert_int_eq(upper_lost, 1);
    ck_assert_int_eq(child.lost[1], 0);
    ck_assert_int_eq(child.lost[0] + child.lost[2], 2);
    ck_assert_int_eq(upper_factory.connections, 0);
    end_processes();
}
END_TEST

START_TEST(what_is_no_pipe_is_refused)
{
    struct child child;
    begin_processes();
    bight_log_set_level((enum bight_log_level)99);
    spawn_shell(&child, "exec cat");
    struct bight_process *process = child.base.process;
    ck_assert_ptr_null(bight_process_transport(process, 7));
    ck_assert_int_eq(bight_process_write(process, 7, "x", 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_process_write(process, 1, "x", 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_process_close(process, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_process_set_window(process, 1, 1), BIGHT_E_NOT_SUPPORTED);
    ck_assert_int_eq(bight_transport_lose_write(bight_process_transport(process, 0)), BIGHT_E_NOT_SUPPORTED);
    ck_assert_int_eq(bight_process_signal(process, 0), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_process_signal(process, 4711), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_process_signal_group(process, SIGTERM), BIGHT_E_NOT_SUPPORTED);
    bight_process_abort(process);
    turn_until(&child.ended);
    end_processes();
}
END_TEST

START_TEST(an_ended_process_answers_closed)
{
    struct child child;
    begin_processes();
    child_init(&child);
    for (int round = 0; round < 2; round++) { /* before any, and after one */
        struct bight_process *process = child.base.process;
        ck_assert_ptr_null(bight_process_transport(process, 1));
        ck_assert_int_eq(bight_process_write(process, 0, "x", 1), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_close(process, 0), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_lose_connection(process), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_set_window(process, 1, 1), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_signal(process, SIGKILL), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_signal_group(process, SIGKILL), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_abort(process), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_join_scope(process, NULL), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_process_pid(process), 0);
        ck_assert(!bight_process_is_alive(process));
        if (round == 0) {
            run_shell(&child, "exit 0");
        }
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
    tcase_add_test(tests, what_is_written_is_read_by_the_child);
    tcase_add_test(tests, a_closed_output_is_told_while_the_child_lives_on);
    tcase_add_test(tests, an_input_that_the_child_closes_is_lost_without_a_write);
    tcase_add_test(tests, a_grandchild_that_holds_a_pipe_puts_off_the_end);
    tcase_add_test(tests, ten_mebibytes_come_whole_through_pauses);
    tcase_add_test(tests, a_paused_child_stands_still);
    tcase_add_test(tests, ten_mebibytes_go_whole_to_a_slow_child);
    tcase_add_test(tests, a_child_that_dies_while_it_is_written_to_raises_no_signal);
    tcase_add_test(tests, a_producer_waits_for_a_child_that_does_not_read);
    tcase_add_test(tests, losing_the_connection_closes_every_pipe);
    tcase_add_test(tests, a_pipe_can_be_given_another_protocol);
    tcase_add_test(tests, what_is_no_pipe_is_refused);
    tcase_add_test(tests, an_ended_process_answers_closed);
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
