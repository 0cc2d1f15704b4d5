/* SPDX-License-Identifier: MIT */
/* test_process_means.c - starting a child by fewer means than this kernel has: no close_range, no /proc, no pidfds, and
 * a plain fork where memory should have been shared, as emulators make it. What is promised is the same by all.
 *
 * The child is this very program, which lists the descriptors that it was given. */
#include "process_support.h"

#include <bight/sys/spawn.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "system/spawn.h"

static const unsigned fewer[] = {
    BI_SPAWN_ALL,
    BI_SPAWN_ALL - BI_SPAWN_RANGES,
    BI_SPAWN_ALL - BI_SPAWN_RANGES - BI_SPAWN_LISTS,
    BI_SPAWN_ALL - BI_SPAWN_PIDFDS,
    BI_SPAWN_ALL - BI_SPAWN_SHARES,
    BI_SPAWN_ALL - BI_SPAWN_SHARES - BI_SPAWN_PIDFDS,
    0,
};
enum { WAYS = sizeof fewer / sizeof fewer[0] };

static unsigned means;
static struct bight_system_ops table;
static struct bight_system lesser = { &table };

static int spawn_by(struct bight_system *system, const struct bight_spawn_plan *plan, struct bight_spawned *spawned)
{
    (void)system;
    return bi_real_spawn_by(means, plan, spawned);
}

static void begin(int way)
{
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true, .system = &lesser };
    means = fewer[way];
    table = *bight_system_real()->ops;
    table.spawn = spawn_by;
    descriptors_before = count_descriptors();
    reactor = bight_reactor_new_full(&options);
    ck_assert_ptr_nonnull(reactor);
}

/* ------------------------------------------------------------------------------------------- failed steps */

static void check_refusal(struct bight_process_options options, int number, const char *text)
{
    struct bight_failure *failure = NULL;
    struct child child;
    options.size = sizeof options;
    child_init(&child);
    ck_assert_int_eq(bight_spawn_process(reactor, &child.base, &options, &failure), BIGHT_E_NOT_STARTED);
    ck_assert_int_eq(bight_failure_errno(failure), number);
    ck_assert_str_eq(bight_failure_message(failure), text);
    ck_assert_str_eq(child.events, "");
    ck_assert(has_no_children());
    bight_failure_release(failure);
}

START_TEST(a_failed_step_is_told_by_all_means) /* T21 */
{
    begin(_i);
    check_refusal(
        (struct bight_process_options) { .path = "/x/y" }, ENOENT, "cannot run /x/y: No such file or directory");
    check_refusal((struct bight_process_options) { .path = "/bin/sh", .directory = "/x/y" }, ENOENT,
        "cannot change to the directory /x/y: No such file or directory");
    static const struct bight_child_descriptor far[] = { { 900, BIGHT_CHILD_NULL, -1 } };
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &limit);
    check_refusal((struct bight_process_options) { .path = "/bin/sh", .descriptors = far, .descriptor_count = 1 },
        EINVAL, "cannot place the descriptors of a process: Invalid argument");
    end_processes();
}
END_TEST

START_TEST(a_program_is_run_and_reaped_by_all_means) /* T21 */
{
    struct child child;
    begin(_i);
    spawn_shell(&child, "read line; echo $line; exit 7");
    bight_process_write(child.base.process, 0, "words\n", 6);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "words\n");
    ck_assert_int_eq(child.status, 7);
    end_processes();
}
END_TEST

/* The pipe for the report is one of ours that the child's numbers may take the place of. */
START_TEST(a_failed_step_is_told_whatever_numbers_the_child_wants) /* T21 */
{
    struct bight_child_descriptor all[64];
    for (int i = 0; i < 64; i++) {
        all[i] = (struct bight_child_descriptor) { i, BIGHT_CHILD_NULL, -1 };
    }
    struct bight_process_options options = { .path = "/x/y", .descriptors = all, .descriptor_count = 64 };
    begin(_i);
    check_refusal(options, ENOENT, "cannot run /x/y: No such file or directory");
    end_processes();
}
END_TEST

/* --------------------------------------------------------------------------------------- descriptors */

/* What main does in the child. */
static int list_descriptors(void)
{
    struct stat status;
    for (int fd = 0; fd < 1024; fd++) {
        if (fstat(fd, &status) == 0) {
            printf("%d ", fd);
        }
    }
    return 0;
}

static void check_list(const char *expected)
{
    static const struct bight_child_descriptor all[] = { { 1, BIGHT_CHILD_WRITES, -1 }, { 7, BIGHT_CHILD_NULL, -1 } };
    const char *argv[] = { "test", "--list", NULL };
    struct bight_process_options options = {
        .size = sizeof options, .path = "/proc/self/exe", .argv = argv, .descriptors = all, .descriptor_count = 2
    };
    struct child child;
    child_init(&child);
    ck_assert_int_eq(bight_spawn_process(reactor, &child.base, &options, NULL), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], expected);
}

static void lower_limit(rlim_t to)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = to;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(no_descriptor_leaks_into_a_child_by_any_means) /* T21 */
{
    begin(_i);
    int foreign = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    int another = fcntl(foreign, F_DUPFD, 200);
    check_list("0 1 2 7 ");
    ck_assert_int_eq(fcntl(another, F_GETFD), 0); /* ours is as it was */
    close(foreign);
    close(another);
    end_processes();
}
END_TEST

START_TEST(no_descriptor_above_a_lowered_limit_leaks_into_a_child) /* T21 */
{
    begin(_i);
    int foreign = open("/dev/null", O_RDONLY);
    int another = fcntl(foreign, F_DUPFD, 900);
    ck_assert_int_eq(another, 900);
    lower_limit(100);
    check_list("0 1 2 7 ");
    close(foreign);
    close(another);
    end_processes();
}
END_TEST

/* Many, so that the list of them comes in several parts. */
START_TEST(no_descriptor_of_many_leaks_into_a_child) /* T21 */
{
    begin(_i);
    int foreign = open("/dev/null", O_RDONLY);
    int many[400];
    for (int i = 0; i < 400; i++) {
        many[i] = fcntl(foreign, F_DUPFD, 300);
        ck_assert_int_ge(many[i], 300);
    }
    check_list("0 1 2 7 ");
    for (int i = 0; i < 400; i++) {
        close(many[i]);
    }
    close(foreign);
    end_processes();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_failed_step_is_told_by_all_means, 0, WAYS);
    tcase_add_loop_test(tests, a_program_is_run_and_reaped_by_all_means, 0, WAYS);
    tcase_add_loop_test(tests, a_failed_step_is_told_whatever_numbers_the_child_wants, 0, WAYS);
    tcase_add_loop_test(tests, no_descriptor_leaks_into_a_child_by_any_means, 0, WAYS);
    tcase_add_loop_test(tests, no_descriptor_above_a_lowered_limit_leaks_into_a_child, 0, WAYS);
    tcase_add_loop_test(tests, no_descriptor_of_many_leaks_into_a_child, 0, WAYS);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        return list_descriptors();
    }
    Suite *suite = suite_create("process_means");
    TCase *tests = tcase_create("process_means");
    tcase_set_timeout(tests, 60);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
