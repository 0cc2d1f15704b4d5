/* SPDX-License-Identifier: MIT */
/* test_process_pipes.c - the pipes of a child process: what goes through them, how each is closed or lost, pauses and
 * producers, and what is refused. What a protocol is notified of the process itself is in test_process.c. */
#include "process_support.h"

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
        bi_reactor_turn(reactor, false);
    }
    ck_assert_uint_eq(child.size[1], 0);
    ck_assert_int_eq(child.exited, 0);
    bight_transport_resume(bight_process_transport(child.base.process, 1));
    turn_until(&child.ended);
    ck_assert_uint_eq(child.size[1], MANY);
    end_processes();
}
END_TEST

START_TEST(an_input_may_be_paused_and_resumed)
{
    struct child child;
    begin_processes();
    spawn_shell(&child, "cat");
    struct bight_transport *input = bight_process_transport(child.base.process, 0);
    for (int turns = 0; turns < 10; turns++) {
        ck_assert_int_eq(bight_transport_pause(input), 0);
        bi_reactor_turn(reactor, false);
        ck_assert_int_eq(bight_transport_resume(input), 0);
        bi_reactor_turn(reactor, false);
    }
    ck_assert_int_eq(bight_process_write(child.base.process, 0, "words", 5), 0);
    ck_assert_int_eq(bight_process_close(child.base.process, 0), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "words");
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
        bi_reactor_turn(reactor, false);
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

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_written_is_read_by_the_child);
    tcase_add_test(tests, a_closed_output_is_told_while_the_child_lives_on);
    tcase_add_test(tests, an_input_that_the_child_closes_is_lost_without_a_write);
    tcase_add_test(tests, a_grandchild_that_holds_a_pipe_puts_off_the_end);
    tcase_add_test(tests, ten_mebibytes_come_whole_through_pauses);
    tcase_add_test(tests, a_paused_child_stands_still);
    tcase_add_test(tests, an_input_may_be_paused_and_resumed);
    tcase_add_test(tests, ten_mebibytes_go_whole_to_a_slow_child);
    tcase_add_test(tests, a_child_that_dies_while_it_is_written_to_raises_no_signal);
    tcase_add_test(tests, a_producer_waits_for_a_child_that_does_not_read);
    tcase_add_test(tests, losing_the_connection_closes_every_pipe);
    tcase_add_test(tests, a_pipe_can_be_given_another_protocol);
    tcase_add_test(tests, what_is_no_pipe_is_refused);
    tcase_add_test(tests, an_ended_process_answers_closed);
}

BIGHT_TEST_MAIN("process_pipes", add_tests)
