/* SPDX-License-Identifier: MIT */
/* test_log.c - what the default observer writes, what it escapes, and that it never hurts the program. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <bight/log.h>

#include "base/check.h"
#include "base/report.h"
#include "faults.h"

/* What standard error got since it was captured. */
static int captured_pipe[2];

static void capture_standard_error(void)
{
    ck_assert_int_eq(pipe2(captured_pipe, O_NONBLOCK), 0);
    ck_assert_int_eq(dup2(captured_pipe[1], STDERR_FILENO), STDERR_FILENO);
}

static const char *captured(void)
{
    static char text[8192];
    ssize_t size = read(captured_pipe[0], text, sizeof text - 1);
    text[size < 0 ? 0 : size] = '\0';
    return text;
}

START_TEST(warnings_go_to_standard_error_as_one_line)
{
    capture_standard_error();
    bight_log_at("a.c:1", BIGHT_LOG_WARNING, "tcp", NULL, "port %d", 80);
    ck_assert_str_eq(captured(), "test_log: warning: [tcp] port 80 (a.c:1)\n");
    bight_log_at(NULL, BIGHT_LOG_CRITICAL, NULL, NULL, "bad");
    ck_assert_str_eq(captured(), "test_log: critical: bad\n");
}
END_TEST

START_TEST(below_the_level_nothing_is_said)
{
    setenv("BIGHT_DEBUG", "0", 1);
    capture_standard_error();
    bight_log(BIGHT_LOG_INFO, "tcp", NULL, "quiet");
    bight_log_at("a.c:1", BIGHT_LOG_DEBUG, "tcp", NULL, "quiet");
    bight_log_event_emit(&(struct bight_log_event) { .level = BIGHT_LOG_INFO, .message = "quiet" });
    ck_assert_str_eq(captured(), "");
    bight_log_set_level(BIGHT_LOG_INFO);
    bight_log(BIGHT_LOG_INFO, "tcp", NULL, "heard");
    ck_assert_str_eq(captured(), "test_log: info: [tcp] heard\n");
}
END_TEST

static struct bight_failure *failure_with_a_cause(void)
{
    struct bight_failure *cause = bight_failure_new_at("c.c:2", BIGHT_E_SYSTEM, 0, NULL, "line\nbreak");
    return bight_failure_new_at("b.c:1", BIGHT_E_CONNECT, 0, cause, "no way");
}

START_TEST(a_failure_is_described_with_its_causes)
{
    setenv("BIGHT_DEBUG", "0", 1);
    capture_standard_error();
    struct bight_failure *failure = failure_with_a_cause();
    bight_log(BIGHT_LOG_ERROR, "tcp", failure, "cannot connect");
    ck_assert_str_eq(captured(), "test_log: error: [tcp] cannot connect: no way: line\\nbreak\n");
    bight_failure_release(failure);
}
END_TEST

START_TEST(a_critical_failure_has_its_codes_and_origins) /* D18 */
{
    capture_standard_error();
    struct bight_failure *failure = failure_with_a_cause();
    bight_log_at("a.c:1", BIGHT_LOG_CRITICAL, "tcp", failure, "cannot connect");
    ck_assert_str_eq(captured(), "test_log: critical: [tcp] cannot connect: no way [CONNECT] (b.c:1), "
                                 "because line\\nbreak [SYSTEM] (c.c:2) (a.c:1)\n");
    bight_failure_release(failure);
}
END_TEST

START_TEST(in_debug_mode_places_are_told) /* D19 */
{
    capture_standard_error();
    setenv("BIGHT_DEBUG", "1", 1);
    struct bight_failure *failure = failure_with_a_cause();
    bight_log_from("a.c:1", BIGHT_LOG_ERROR, "tcp", failure, "cannot connect");
    ck_assert_str_eq(captured(), "test_log: error: [tcp] cannot connect: no way [CONNECT] (b.c:1), "
                                 "because line\\nbreak [SYSTEM] (c.c:2) (a.c:1)\n");
    bi_report_failure(failure);
    ck_assert_str_eq(captured(), "test_log: no way [CONNECT] (b.c:1), because line\\nbreak [SYSTEM] (c.c:2)\n");
    bight_failure_release(failure);
}
END_TEST

START_TEST(what_a_program_ends_of_is_said_as_programs_say_it)
{
    setenv("BIGHT_DEBUG", "0", 1);
    capture_standard_error();
    struct bight_failure *failure = failure_with_a_cause();
    bi_report_failure(failure);
    ck_assert_str_eq(captured(), "test_log: no way: line\\nbreak\n");
    bight_log_at(NULL, BIGHT_LOG_ERROR, NULL, NULL, "cannot go on");
    ck_assert_str_eq(captured(), "test_log: cannot go on\n");
    bight_failure_release(failure);
}
END_TEST

START_TEST(bytes_from_elsewhere_are_escaped)
{
    static const char raw[] = "a\n\r\t\\\x1b[31m\0\x7f\xff ~";
    char shown[100];
    size_t length = bight_escape(raw, sizeof raw - 1, shown, sizeof shown);
    ck_assert_str_eq(shown, "a\\n\\r\\t\\\\\\x1b[31m\\x00\\x7f\\xff ~");
    ck_assert_uint_eq(length, strlen(shown));
    capture_standard_error();
    bight_log_at(NULL, BIGHT_LOG_ERROR, "sys\n", NULL, "%s", "evil\nbight: error: forged");
    ck_assert_str_eq(captured(), "test_log: error: [sys\\n] evil\\nbight: error: forged\n");
}
END_TEST

START_TEST(an_escape_is_never_cut_in_half)
{
    static const char *const expected[] = { "", "", "a", "a", "a", "a", "a\\xff", "a\\xffb", "a\\xffb" };
    for (size_t size = 1; size < sizeof expected / sizeof expected[0]; size++) {
        char shown[10] = "#########";
        ck_assert_uint_eq(bight_escape("a\xff"
                                       "b",
                              3, shown, size),
            strlen(expected[size]));
        ck_assert_str_eq(shown, expected[size]);
        ck_assert_int_eq(shown[size], '#');
    }
    ck_assert_uint_eq(bight_escape("abc", 3, NULL, 0), 0);
}
END_TEST

START_TEST(fields_are_named_and_quoted)
{
    const struct bight_log_field fields[] = {
        { .name = "count", .kind = BIGHT_FIELD_INTEGER, .integer = INT64_MIN },
        { .name = "user", .kind = BIGHT_FIELD_TEXT, .data = "x\" admin=\"1", .size = 11 },
        { .name = "raw", .kind = BIGHT_FIELD_BYTES, .data = "\0\1", .size = 2 },
    };
    const struct bight_log_event event = {
        .level = BIGHT_LOG_INFO,
        .system = "app",
        .message = "login",
        .fields = fields,
        .field_count = 3,
    };
    char line[200];
    bight_log_event_format(&event, line, sizeof line);
    ck_assert_str_eq(line, "test_log: info: [app] login count=-9223372036854775808 "
                           "user=\"x\\x22 admin=\\x221\" raw=\"\\x00\\x01\"");
    ck_assert_uint_eq(bight_log_event_format(&event, line, 10), 9);
    ck_assert_str_eq(line, "test_log:");
}
END_TEST

static struct {
    int calls, level;
    char message[2000];
} seen;

static void observe(const struct bight_log_event *event, void *context)
{
    ck_assert_ptr_eq(context, &seen);
    seen.calls++;
    seen.level = event->level;
    snprintf(seen.message, sizeof seen.message, "%s", event->message);
    errno = EDOM;
}

START_TEST(an_observer_hears_everything_and_standard_error_nothing_more)
{
    capture_standard_error();
    bight_log_set_observer(observe, &seen);
    errno = ENOENT;
    bight_log(BIGHT_LOG_ERROR, "app", NULL, "one %s", "two");
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(seen.calls, 1);
    ck_assert_int_eq(seen.level, BIGHT_LOG_ERROR);
    ck_assert_str_eq(seen.message, "one two");
    ck_assert_str_eq(captured(), "");
    bight_log_set_observer(NULL, NULL);
    bight_log(BIGHT_LOG_ERROR, "app", NULL, "again");
    ck_assert_int_eq(seen.calls, 1);
    ck_assert_ptr_nonnull(strstr(captured(), "again"));
}
END_TEST

START_TEST(a_long_message_is_cut)
{
    bight_log_set_observer(observe, &seen);
    bight_log(BIGHT_LOG_ERROR, "app", NULL, "%05000d", 1);
    ck_assert_uint_eq(strlen(seen.message), 1023);
}
END_TEST

START_TEST(a_line_is_at_most_what_a_pipe_takes_in_one_piece)
{
    char message[1001];
    memset(message, 1, 1000);
    message[1000] = '\0';
    capture_standard_error();
    struct bight_failure *failure = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "%s", message);
    bight_log(BIGHT_LOG_ERROR, "app", failure, "%s", message);
    const char *line = captured();
    ck_assert_uint_gt(strlen(line), 4000);
    ck_assert_uint_le(strlen(line), 4096);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    bight_failure_release(failure);
}
END_TEST

START_TEST(a_reader_who_has_gone_hurts_nobody)
{
    capture_standard_error();
    close(captured_pipe[0]);
    signal(SIGPIPE, SIG_DFL);
    errno = ENOENT;
    bight_log(BIGHT_LOG_ERROR, "app", NULL, "to nobody");
    ck_assert_int_eq(errno, ENOENT);
    sigset_t pending, blocked;
    sigpending(&pending);
    ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    ck_assert_int_eq(sigismember(&blocked, SIGPIPE), 0);
}
END_TEST

START_TEST(a_closed_or_full_standard_error_hurts_nobody)
{
    capture_standard_error();
    for (int i = 0; i < 5000; i++) {
        bight_log(BIGHT_LOG_ERROR, "app", NULL, "a pipe that nobody empties");
    }
    int full = open("/dev/full", O_WRONLY);
    dup2(full, STDERR_FILENO);
    bight_log(BIGHT_LOG_ERROR, "app", NULL, "to a full disk");
    int saved = fcntl(STDERR_FILENO, F_DUPFD, 100);
    close(STDERR_FILENO);
    bight_log(BIGHT_LOG_ERROR, "app", NULL, "to nothing at all");
    dup2(saved, STDERR_FILENO);
}
END_TEST

START_TEST(logging_allocates_nothing)
{
    struct bight_test_memory memory;
    capture_standard_error();
    bight_test_fail_nth(&memory, 0);
    bight_log(BIGHT_LOG_ERROR, "app", bight_failure_of(BIGHT_E_CANCELLED), "a %d", 1);
    ck_assert_uint_eq(memory.asked, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(levels_have_names_in_any_case)
{
    ck_assert_int_eq(bight_log_level_from_name("debug"), BIGHT_LOG_DEBUG);
    ck_assert_int_eq(bight_log_level_from_name("Info"), BIGHT_LOG_INFO);
    ck_assert_int_eq(bight_log_level_from_name("WARNING"), BIGHT_LOG_WARNING);
    ck_assert_int_eq(bight_log_level_from_name("error"), BIGHT_LOG_ERROR);
    ck_assert_int_eq(bight_log_level_from_name("critical"), BIGHT_LOG_CRITICAL);
    ck_assert_int_eq(bight_log_level_from_name("warn"), 0);
    ck_assert_int_eq(bight_log_level_from_name(""), 0);
}
END_TEST

START_TEST(misuse_is_logged_with_the_place_and_gives_its_code)
{
    capture_standard_error();
    ck_assert_int_eq(bi_usage_error(BIGHT_E_STALE, "user.c:7", "fire: %d times", 2), BIGHT_E_STALE);
    ck_assert_str_eq(captured(), "test_log: error: [usage] fire: 2 times [STALE] (user.c:7)\n");
}
END_TEST

START_TEST(a_broken_invariant_ends_the_process)
{
    BI_INVARIANT(2 + 2 == 5);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, warnings_go_to_standard_error_as_one_line);
    tcase_add_test(tests, below_the_level_nothing_is_said);
    tcase_add_test(tests, a_failure_is_described_with_its_causes);
    tcase_add_test(tests, a_critical_failure_has_its_codes_and_origins);
    tcase_add_test(tests, in_debug_mode_places_are_told);
    tcase_add_test(tests, what_a_program_ends_of_is_said_as_programs_say_it);
    tcase_add_test(tests, bytes_from_elsewhere_are_escaped);
    tcase_add_test(tests, an_escape_is_never_cut_in_half);
    tcase_add_test(tests, fields_are_named_and_quoted);
    tcase_add_test(tests, an_observer_hears_everything_and_standard_error_nothing_more);
    tcase_add_test(tests, a_long_message_is_cut);
    tcase_add_test(tests, a_line_is_at_most_what_a_pipe_takes_in_one_piece);
    tcase_add_test(tests, a_reader_who_has_gone_hurts_nobody);
    tcase_add_test(tests, a_closed_or_full_standard_error_hurts_nobody);
    tcase_add_test(tests, logging_allocates_nothing);
    tcase_add_test(tests, levels_have_names_in_any_case);
    tcase_add_test(tests, misuse_is_logged_with_the_place_and_gives_its_code);
    tcase_add_test_raise_signal(tests, a_broken_invariant_ends_the_process, SIGABRT);
}

BIGHT_TEST_MAIN("log", add_tests)
