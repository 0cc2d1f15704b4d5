/* SPDX-License-Identifier: MIT */
/* test_process_spawn.c - starting a child: what it is given, to the last descriptor, and what is refused and how.
 *
 * Where a shell would open descriptors of its own, the child is this very program, which lists what it was given. */
#include "process_support.h"

#include <sys/resource.h>
#include <sys/stat.h>

static struct bight_failure *failure;

/* The code, with `failure` set. */
static int spawn(struct child *child, struct bight_process_options options)
{
    options.size = sizeof options;
    child_init(child);
    bight_failure_release(failure);
    failure = NULL;
    return bight_spawn_process(reactor, &child->base, &options, &failure);
}

static void end_test(void)
{
    bight_failure_release(failure);
    end_processes();
}

/* ------------------------------------------------------------------------------------------ refusals */

static void check_refusal(const struct child *child, int number, const char *text)
{
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_NOT_STARTED);
    ck_assert_int_eq(bight_failure_errno(failure), number);
    ck_assert_str_eq(bight_failure_message(failure), text);
    ck_assert_ptr_null(child->base.process);
    for (int turns = 0; turns < 5; turns++) {
        bi_reactor_turn(reactor, false);
    }
    ck_assert_str_eq(child->events, "");
    ck_assert(has_no_children());
}

START_TEST(a_program_that_is_not_there_is_refused) /* T21 */
{
    struct child child;
    begin_processes();
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "/x/y" }), BIGHT_E_NOT_STARTED);
    check_refusal(&child, ENOENT, "cannot run /x/y: No such file or directory");
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "no-such" }), BIGHT_E_NOT_STARTED);
    check_refusal(&child, ENOENT, "cannot run no-such: No such file or directory");
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "" }), BIGHT_E_NOT_STARTED);
    check_refusal(&child, ENOENT, "cannot run : No such file or directory");
    end_test();
}
END_TEST

START_TEST(a_file_that_cannot_be_run_is_refused) /* T21 */
{
    struct child child;
    begin_processes();
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "/etc/passwd" }), BIGHT_E_NOT_STARTED);
    check_refusal(&child, EACCES, "cannot run /etc/passwd: Permission denied");
    const char *environment[] = { "PATH=/nowhere:/etc:/", NULL }; /* it goes on looking, and remembers */
    struct bight_process_options options = { .path = "passwd", .environment = environment };
    ck_assert_int_eq(spawn(&child, options), BIGHT_E_NOT_STARTED);
    check_refusal(&child, EACCES, "cannot run passwd: Permission denied");
    end_test();
}
END_TEST

START_TEST(a_file_that_is_no_program_is_refused)
{
    char path[] = "/tmp/bight-process-XXXXXX";
    struct child child;
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "words\n", 6), 6);
    fchmod(fd, 0700);
    close(fd);
    begin_processes();
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = path }), BIGHT_E_NOT_STARTED);
    ck_assert_int_eq(bight_failure_errno(failure), ENOEXEC);
    unlink(path);
    end_test();
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_refused) /* T21 */
{
    struct child child;
    struct bight_process_options options = { .path = "/bin/sh", .directory = "/x/y" };
    begin_processes();
    ck_assert_int_eq(spawn(&child, options), BIGHT_E_NOT_STARTED);
    check_refusal(&child, ENOENT, "cannot change to the directory /x/y: No such file or directory");
    end_test();
}
END_TEST

START_TEST(an_identity_that_may_not_be_taken_is_refused) /* T21 */
{
    struct child child;
    struct bight_process_options options = { .path = "/bin/sh", .set_identity = true, .user = 1, .group = 1 };
    if (getuid() == 0) {
        ck_assert_int_eq(setgid(65534) | setuid(65534), 0);
    }
    begin_processes();
    ck_assert_int_eq(spawn(&child, options), BIGHT_E_NOT_STARTED);
    check_refusal(&child, EPERM, "cannot set the supplementary groups of a process: Operation not permitted");
    end_test();
}
END_TEST

START_TEST(options_without_sense_are_refused)
{
    static const char *const nothing[] = { NULL };
    static const struct bight_child_descriptor twice[] = { { 1, BIGHT_CHILD_NULL, 0 }, { 1, BIGHT_CHILD_WRITES, 0 } };
    static const struct bight_child_descriptor far[] = { { 1024, BIGHT_CHILD_NULL, 0 } };
    static const struct bight_child_descriptor negative[] = { { -1, BIGHT_CHILD_NULL, 0 } };
    static const struct bight_child_descriptor kindless[] = { { 1, (enum bight_child_kind)0, 0 } };
    static const struct bight_child_descriptor closed[] = { { 1, BIGHT_CHILD_INHERIT, 999 } };
    const struct bight_process_options bad[] = {
        { .argv = NULL },
        { .argv = nothing },
        { .path = "/bin/sh", .descriptors = twice, .descriptor_count = 2 },
        { .path = "/bin/sh", .descriptors = far, .descriptor_count = 1 },
        { .path = "/bin/sh", .descriptors = negative, .descriptor_count = 1 },
        { .path = "/bin/sh", .descriptors = kindless, .descriptor_count = 1 },
        { .path = "/bin/sh", .descriptors = closed, .descriptor_count = 1 },
        { .path = "/bin/sh", .descriptors = twice, .descriptor_count = 1, .terminal = true },
        { .path = "/bin/sh", .parent_death_signal = 1000 },
        { .path = "/bin/sh", .at_shutdown = (enum bight_child_at_shutdown)7 },
        { .path = "/bin/sh", .group_count = 1 },
    };
    struct child child;
    begin_processes();
    bight_log_set_level((enum bight_log_level)99);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(spawn(&child, bad[i]), BIGHT_E_INVALID_ARGUMENT);
        ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_INVALID_ARGUMENT);
        ck_assert_ptr_null(child.base.process);
    }
    ck_assert_int_eq(bight_spawn_process(reactor, &child.base, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    end_test();
}
END_TEST

START_TEST(descriptors_that_run_out_leave_nothing_open)
{
    struct child child;
    struct rlimit limit;
    begin_processes();
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "/bin/true" }), 0);
    turn_until(&child.ended); /* what is made on first use is there */
    int code = BIGHT_E_TOO_MANY_FILES, refused = 0, open_before = count_descriptors();
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t usual = limit.rlim_cur;
    for (rlim_t room = 0; code != 0; room++) {
        limit.rlim_cur = (rlim_t)open_before - 3 + room; /* ".", ".." and the directory */
        setrlimit(RLIMIT_NOFILE, &limit);
        code = spawn(&child, (struct bight_process_options) { .path = "/bin/true" });
        ck_assert(code == 0 || code == BIGHT_E_TOO_MANY_FILES || code == BIGHT_E_NOT_STARTED);
        refused += code != 0;
        limit.rlim_cur = usual;
        setrlimit(RLIMIT_NOFILE, &limit);
        ck_assert(code == 0 || count_descriptors() == open_before);
    }
    ck_assert_int_ge(refused, 6);
    turn_until(&child.ended);
    end_test();
}
END_TEST

/* ------------------------------------------------------------------------------- program, words, place */

START_TEST(a_program_is_looked_for_in_the_childs_path)
{
    char directory[] = "/tmp/bight-process-XXXXXX", file[64], entry[64];
    const char *environment[] = { "OTHER=1", entry, NULL };
    struct child child;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(file, sizeof file, "%s/own-program", directory);
    (void)snprintf(entry, sizeof entry, "PATH=/nowhere:%s:/usr/bin", directory);
    ck_assert_int_eq(symlink("/bin/echo", file), 0);
    begin_processes();
    const char *argv[] = { "any", "found", NULL };
    ck_assert_int_eq(
        spawn(
            &child, (struct bight_process_options) { .path = "own-program", .argv = argv, .environment = environment }),
        0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "found\n");
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "own-program" }), BIGHT_E_NOT_STARTED);
    unlink(file);
    rmdir(directory);
    end_test();
}
END_TEST

START_TEST(a_program_is_looked_for_in_our_path_for_a_child_with_our_environment)
{
    char directory[] = "/tmp/bight-process-XXXXXX", file[64];
    struct child child;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(file, sizeof file, "%s/own-program", directory);
    ck_assert_int_eq(symlink("/bin/echo", file), 0);
    setenv("PATH", directory, 1);
    begin_processes();
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "own-program" }), 0);
    turn_until(&child.ended);
    ck_assert_int_eq(child.status, 0);
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "sh" }), BIGHT_E_NOT_STARTED);
    unsetenv("PATH"); /* then there is a default */
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "true" }), 0);
    turn_until(&child.ended);
    unlink(file);
    rmdir(directory);
    end_test();
}
END_TEST

START_TEST(an_empty_entry_of_the_path_is_the_childs_directory)
{
    const char *environment[] = { "PATH=/nowhere:", NULL };
    const char *argv[] = { "echo", "here", NULL };
    struct child child;
    begin_processes();
    ck_assert_int_eq(
        spawn(&child, (struct bight_process_options) { .argv = argv, .environment = environment, .directory = "/bin" }),
        0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "here\n");
    end_test();
}
END_TEST

START_TEST(the_words_default_to_the_program)
{
    struct child child;
    begin_processes();
    ck_assert_int_eq(spawn(&child, (struct bight_process_options) { .path = "/bin/echo" }), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "\n");
    end_test();
}
END_TEST

START_TEST(the_environment_is_what_was_given_or_ours)
{
    const char *environment[] = { "A=1", "B=two words", NULL };
    struct child child;
    begin_processes();
    ck_assert_int_eq(
        spawn(&child, (struct bight_process_options) { .path = "/usr/bin/env", .environment = environment }), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "A=1\nB=two words\n");
    setenv("BIGHT_OWN", "inherited", 1);
    run_shell(&child, "echo $BIGHT_OWN");
    ck_assert_str_eq(child.text[1], "inherited\n");
    end_test();
}
END_TEST

START_TEST(the_directory_is_the_one_asked_for)
{
    struct bight_process_options options = { .path = "/bin/pwd", .directory = "/usr/bin" };
    const char *environment[] = { "A=1", NULL };
    struct child child;
    options.environment = environment;
    begin_processes();
    ck_assert_int_eq(spawn(&child, options), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "/usr/bin\n");
    end_test();
}
END_TEST

START_TEST(the_identity_is_taken_with_its_groups)
{
    static const gid_t groups[] = { 7, 9 };
    struct bight_process_options options = {
        .set_identity = true, .user = 65534, .group = 65533, .groups = groups, .group_count = 2
    };
    struct child child;
    if (getuid() != 0) {
        return;
    }
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "id -u; id -g; grep Groups /proc/self/status", options), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "65534\n65533\nGroups:\t7 9 \n");
    end_test();
}
END_TEST

START_TEST(signals_have_their_defaults_and_none_is_blocked)
{
    struct child child;
    sigset_t blocked;
    begin_processes();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    run_shell(&child, "grep -E 'Sig(Blk|Ign)' /proc/self/status");
    ck_assert_str_eq(child.text[1], "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    ck_assert_int_eq(sigismember(&blocked, SIGUSR2), 1);
    ck_assert_int_eq(sigismember(&blocked, SIGTERM), 0);
    ck_assert(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    end_test();
}
END_TEST

START_TEST(a_child_can_be_made_to_die_with_its_parent)
{
    int input[2], output[2];
    char byte;
    ck_assert_int_eq(pipe2(input, O_CLOEXEC) | pipe2(output, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct child child;
        struct bight_child_descriptor all[] = { { 0, BIGHT_CHILD_INHERIT, input[0] },
            { 1, BIGHT_CHILD_INHERIT, output[1] } };
        struct bight_process_options options = {
            .path = "/bin/cat", .descriptors = all, .descriptor_count = 2, .parent_death_signal = SIGKILL
        };
        begin_processes();
        _exit(spawn(&child, options) == 0 ? 0 : 1);
    }
    int status;
    waitpid(parent, &status, 0);
    ck_assert_int_eq(status, 0);
    close(output[1]);
    ck_assert_int_eq(read(output[0], &byte, 1), 0); /* cat would stay, since its input is open here */
    close(input[1]);
}
END_TEST

/* --------------------------------------------------------------------------------------- descriptors */

/* What main does in the child. */
static int list_descriptors(void)
{
    char line[64];
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    int fds[64], count = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory) && count < 64) {
            fds[count++] = atoi(entry->d_name);
        }
    }
    for (int fd = 0; fd < 1024; fd++) {
        for (int i = 0; i < count; i++) {
            if (fds[i] == fd) {
                (void)!write(1, line, (size_t)snprintf(line, sizeof line, "%d ", fd));
            }
        }
    }
    closedir(directory);
    return 0;
}

static void check_list(struct bight_process_options options, const char *expected)
{
    const char *argv[] = { "test", "--list", NULL };
    struct child child;
    options.path = "/proc/self/exe";
    options.argv = argv;
    ck_assert_int_eq(spawn(&child, options), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], expected);
    ck_assert_str_eq(child.text[2], "");
}

START_TEST(a_child_has_the_descriptors_that_were_listed_and_no_other) /* T21 */
{
    begin_processes();
    int foreign = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    int another = fcntl(foreign, F_DUPFD, 200);
    static const struct bight_child_descriptor more[] = { { 1, BIGHT_CHILD_WRITES, -1 }, { 7, BIGHT_CHILD_READS, -1 },
        { 9, BIGHT_CHILD_NULL, -1 } };
    check_list((struct bight_process_options) { .size = 0 }, "0 1 2 ");
    check_list((struct bight_process_options) { .descriptors = more, .descriptor_count = 3 }, "0 1 2 7 9 ");
    check_list((struct bight_process_options) { .descriptors = more, .descriptor_count = 1 }, "0 1 2 ");
    ck_assert_int_eq(fcntl(foreign, F_GETFD), 0); /* ours is as it was */
    close(foreign);
    close(another);
    end_test();
}
END_TEST

static int file_with(const char *text, int fd)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    ck_assert_int_eq(dup3(ends[0], fd, O_CLOEXEC), fd);
    close(ends[0]);
    return fd;
}

START_TEST(descriptors_may_change_places) /* T21 */
{
    struct child child;
    struct bight_child_descriptor all[] = { { 100, BIGHT_CHILD_INHERIT, file_with("hundred and one", 101) },
        { 1, BIGHT_CHILD_WRITES, -1 }, { 101, BIGHT_CHILD_INHERIT, file_with("hundred", 100) },
        { 0, BIGHT_CHILD_INHERIT, 100 } };
    struct bight_process_options options = { .descriptors = all, .descriptor_count = 4 };
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(
        spawn_shell_full(&child, "cat /proc/self/fd/100; echo; cat /proc/self/fd/101; echo; cat", options), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "hundred and one\nhundred\n");
    end_processes();
    close(100);
    close(101);
}
END_TEST

START_TEST(a_descriptor_may_be_given_under_its_own_number)
{
    struct child child;
    struct bight_child_descriptor all[] = { { 100, BIGHT_CHILD_INHERIT, file_with("words", 100) },
        { 1, BIGHT_CHILD_WRITES, -1 } };
    struct bight_process_options options = { .descriptors = all, .descriptor_count = 2 };
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "cat /proc/self/fd/100", options), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "words");
    ck_assert_int_eq(fcntl(100, F_GETFD), FD_CLOEXEC);
    end_processes();
    close(100);
}
END_TEST

START_TEST(a_parent_without_standard_descriptors_has_children_with_them) /* T21 */
{
    struct child child;
    int saved[3];
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        close(fd);
    }
    struct bight_reactor_options options = { .size = sizeof options, .leave_signals = true };
    reactor = bight_reactor_new_full(&options);
    spawn_shell(&child, "cat; cat <&2; echo err >&2");
    bool is_clear = bight_transport_descriptor(bight_process_transport(child.base.process, 0)) > 2 &&
                    bight_transport_descriptor(bight_process_transport(child.base.process, 1)) > 2 &&
                    bight_transport_descriptor(bight_process_transport(child.base.process, 2)) > 2;
    bight_process_write(child.base.process, 0, "in", 2);
    bight_process_close(child.base.process, 0);
    turn_until(&child.ended);
    bight_reactor_free(reactor);
    for (int fd = 0; fd < 3; fd++) {
        dup2(saved[fd], fd);
        close(saved[fd]);
    }
    ck_assert(is_clear);
    ck_assert_str_eq(child.text[1], "in");
}
END_TEST

START_TEST(what_is_not_listed_of_the_standard_three_is_empty)
{
    static const struct bight_child_descriptor only[] = { { 1, BIGHT_CHILD_WRITES, -1 } };
    struct bight_process_options options = { .descriptors = only, .descriptor_count = 1 };
    struct child child;
    begin_processes();
    child_init(&child);
    ck_assert_int_eq(spawn_shell_full(&child, "cat; echo lost >&2; echo $?", options), 0);
    turn_until(&child.ended);
    ck_assert_str_eq(child.text[1], "0\n");
    ck_assert_int_eq(child.lost[0] + child.lost[2], 0);
    end_test();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_program_that_is_not_there_is_refused);
    tcase_add_test(tests, a_file_that_cannot_be_run_is_refused);
    tcase_add_test(tests, a_file_that_is_no_program_is_refused);
    tcase_add_test(tests, a_directory_that_is_not_there_is_refused);
    tcase_add_test(tests, an_identity_that_may_not_be_taken_is_refused);
    tcase_add_test(tests, options_without_sense_are_refused);
    tcase_add_test(tests, descriptors_that_run_out_leave_nothing_open);
    tcase_add_test(tests, a_program_is_looked_for_in_the_childs_path);
    tcase_add_test(tests, a_program_is_looked_for_in_our_path_for_a_child_with_our_environment);
    tcase_add_test(tests, an_empty_entry_of_the_path_is_the_childs_directory);
    tcase_add_test(tests, the_words_default_to_the_program);
    tcase_add_test(tests, the_environment_is_what_was_given_or_ours);
    tcase_add_test(tests, the_directory_is_the_one_asked_for);
    tcase_add_test(tests, the_identity_is_taken_with_its_groups);
    tcase_add_test(tests, signals_have_their_defaults_and_none_is_blocked);
    tcase_add_test(tests, a_child_can_be_made_to_die_with_its_parent);
    tcase_add_test(tests, a_child_has_the_descriptors_that_were_listed_and_no_other);
    tcase_add_test(tests, descriptors_may_change_places);
    tcase_add_test(tests, a_descriptor_may_be_given_under_its_own_number);
    tcase_add_test(tests, a_parent_without_standard_descriptors_has_children_with_them);
    tcase_add_test(tests, what_is_not_listed_of_the_standard_three_is_empty);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        return list_descriptors();
    }
    Suite *suite = suite_create("process_spawn");
    TCase *tests = tcase_create("process_spawn");
    tcase_set_timeout(tests, 60);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
