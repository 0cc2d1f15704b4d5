/* SPDX-License-Identifier: MIT */
/* test_process_pty.c - children on a terminal of their own. */
#include "process_support.h"

static void spawn_on_terminal(struct child *child, const char *script)
{
    struct bight_process_options options = { .terminal = true, .rows = 40, .columns = 100 };
    child_init(child);
    ck_assert_int_eq(spawn_shell_full(child, script, options), 0);
}

static void turn_until_text(const struct child *child, const char *text)
{
    while (strstr(child->text[1], text) == NULL) {
        ck_assert_int_eq(child->ended, 0);
        turn();
    }
}

START_TEST(the_three_descriptors_are_a_terminal) /* T21 */
{
    struct child child;
    begin_processes();
    spawn_on_terminal(&child, "test -t 0 && test -t 1 && test -t 2 && echo yes");
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "yes\r\n");
    ck_assert_int_eq(child.lost[1], 1);
    ck_assert_int_eq(child.lost[0] + child.lost[2], 0);
    ck_assert_int_eq(child.lost_code[1], BIGHT_E_CONNECTION_DONE);
    ck_assert_int_eq(child.code, BIGHT_E_PROCESS_DONE);
    end_processes();
}
END_TEST

START_TEST(it_is_the_controlling_one_of_a_new_session)
{
    struct child child;
    long pid, session, foreground;
    begin_processes();
    spawn_on_terminal(&child, "cut -d' ' -f1,6,8 /proc/$$/stat > /dev/tty");
    turn_until(&child.ended);
    ck_assert_int_eq(sscanf(child.text[1], "%ld %ld %ld", &pid, &session, &foreground), 3);
    ck_assert_int_eq(session, pid);
    ck_assert_int_eq(foreground, pid);
    end_processes();
}
END_TEST

START_TEST(the_window_has_the_size_that_was_asked_for)
{
    struct child child;
    struct bight_process_options options = { .terminal = true };
    begin_processes();
    spawn_on_terminal(&child, "stty size");
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "40 100\r\n");
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "stty size", options), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "24 80\r\n");
    end_processes();
}
END_TEST

START_TEST(a_change_of_the_window_is_told_to_the_child)
{
    struct child child;
    begin_processes();
    spawn_on_terminal(&child, "trap 'stty size; exit 3' WINCH; echo ready; while :; do read line; done");
    turn_until_text(&child, "ready");
    ck_assert_int_eq(bight_process_set_window(child.base.process, 50, 132), 0);
    turn_until_text(&child, "50 132");
    bight_process_write(child.base.process, 0, "\n", 1); /* a shell may read on after the trap */
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 3);
    end_processes();
}
END_TEST

START_TEST(what_is_written_is_typed)
{
    struct child child;
    begin_processes();
    spawn_on_terminal(&child, "stty -echo; echo ready; read line; echo \"<$line>\"; cat");
    turn_until_text(&child, "ready");
    ck_assert_int_eq(bight_process_write(child.base.process, 1, "words\n", 6), 0); /* 0, 1 and 2 are one */
    turn_until_text(&child, "<words>");
    ck_assert_ptr_eq(bight_process_transport(child.base.process, 0), bight_process_transport(child.base.process, 2));
    ck_assert_int_eq(bight_process_write(child.base.process, 0, "\004", 1), 0); /* ^D */
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 0);
    end_processes();
}
END_TEST

START_TEST(control_c_interrupts)
{
    struct child child;
    begin_processes();
    spawn_on_terminal(&child, "echo ready; exec cat");
    turn_until_text(&child, "ready");
    ck_assert_int_eq(bight_process_write(child.base.process, 0, "\003", 1), 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.signal, SIGINT);
    end_processes();
}
END_TEST

START_TEST(closing_the_terminal_hangs_up)
{
    struct child child;
    begin_processes();
    spawn_on_terminal(&child, "echo ready; exec cat");
    turn_until_text(&child, "ready");
    ck_assert_int_eq(bight_process_close(child.base.process, 0), 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.signal, SIGHUP);
    end_processes();
}
END_TEST

START_TEST(a_window_that_is_closed_cannot_be_changed)
{
    struct child child;
    begin_processes();
    spawn_on_terminal(&child, "trap '' HUP; echo ready; exec sleep 1000");
    turn_until_text(&child, "ready");
    bight_process_close(child.base.process, 0);
    turn_until(&child.lost[1]);
    ck_assert_int_eq(bight_process_set_window(child.base.process, 1, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_process_write(child.base.process, 0, "x", 1), BIGHT_E_CLOSED);
    bight_process_signal(child.base.process, SIGKILL);
    turn_until(&child.ended);
    end_processes();
}
END_TEST

static void answer(struct child *child, int fd)
{
    (void)fd;
    if (child->size[1] < 65536) {
        bight_process_write(child->base.process, 0, "x", 1);
    }
}

START_TEST(much_output_comes_whole_while_there_is_input)
{
    struct child child;
    begin_processes();
    spawn_on_terminal(&child, "stty raw -echo; head -c 1048576 /dev/zero; exit 0");
    child.on_data = answer;
    turn_until(&child.ended);
    ck_assert_uint_eq(child.size[1], 1048576);
    end_processes();
}
END_TEST

START_TEST(other_descriptors_may_stand_beside_the_terminal)
{
    static const struct bight_child_descriptor more[] = { { 3, BIGHT_CHILD_WRITES, -1 }, { 4, BIGHT_CHILD_READS, -1 } };
    struct bight_process_options options = { .terminal = true, .descriptors = more, .descriptor_count = 2 };
    struct child child;
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "cat <&4 >&3; echo on terminal", options), 0);
    bight_process_write(child.base.process, 4, "beside", 6);
    bight_process_close(child.base.process, 4);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[3], "beside");
    ck_assert_str_eq(child.text[1], "on terminal\r\n");
    ck_assert_int_eq(child.lost[1] + child.lost[3] + child.lost[4], 3);
    end_processes();
}
END_TEST

START_TEST(a_program_that_is_not_there_leaves_no_terminal)
{
    struct bight_process_options options = { .size = sizeof options, .path = "/x/y", .terminal = true };
    struct child child;
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(bight_spawn_process(reactor, &child.base, &options, NULL), BIGHT_E_NOT_STARTED);
    end_processes();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_three_descriptors_are_a_terminal);
    tcase_add_test(tests, it_is_the_controlling_one_of_a_new_session);
    tcase_add_test(tests, the_window_has_the_size_that_was_asked_for);
    tcase_add_test(tests, a_change_of_the_window_is_told_to_the_child);
    tcase_add_test(tests, what_is_written_is_typed);
    tcase_add_test(tests, control_c_interrupts);
    tcase_add_test(tests, closing_the_terminal_hangs_up);
    tcase_add_test(tests, a_window_that_is_closed_cannot_be_changed);
    tcase_add_test(tests, much_output_comes_whole_while_there_is_input);
    tcase_add_test(tests, other_descriptors_may_stand_beside_the_terminal);
    tcase_add_test(tests, a_program_that_is_not_there_leaves_no_terminal);
}

BIGHT_TEST_MAIN("process_pty", add_tests)
