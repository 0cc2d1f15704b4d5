/* SPDX-License-Identifier: MIT */
/* test_file_lock_system.c - the lock between processes on the real file system: when the file is tried, what is in it,
 * processes that die, children of a fork, faults. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/coroutine.h>
#include <bight/testing.h>

#include "fake_system.h"
#include "file_lock_support.h"

static unsigned opened;

static int count_open(struct bight_system *system, const char *path, int flags, mode_t mode)
{
    (void)system;
    opened++;
    return bight_system_real()->ops->open(bight_system_real(), path, flags, mode);
}

static char path[64];

static void make_path(void)
{
    (void)snprintf(path, sizeof path, "/tmp/bight-file-lock-%d", (int)getpid());
    (void)unlink(path);
}

START_TEST(tries_grow_rarer_up_to_four_in_a_second) /* D28 */
{
    struct fake_system fake;
    int code, fd;
    make_path();
    struct bight_reactor *reactor = fake_reactor(&fake);
    fake.ops.open = count_open;
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    acquire_only(lock, &code);
    ck_assert_uint_eq(opened, 1);
    const uint64_t millisecond = BIGHT_NANOSECONDS_PER_SECOND / 1000;
    for (unsigned delay = 1, tries = 2; delay <= 128; delay *= 2, tries++) {
        fake_advance(&fake, reactor, delay * millisecond - 1);
        ck_assert_uint_eq(opened, tries - 1);
        fake_advance(&fake, reactor, 1);
        ck_assert_uint_eq(opened, tries);
    }
    for (unsigned tries = 10; tries < 20; tries++) {
        fake_advance(&fake, reactor, 250 * millisecond - 1);
        ck_assert_uint_eq(opened, tries - 1);
        fake_advance(&fake, reactor, 1);
        ck_assert_uint_eq(opened, tries);
    }
    close(fd);
    fake_advance(&fake, reactor, 250 * millisecond);
    ck_assert_int_eq(code, 0);
    bight_file_lock_free(lock);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

static void pass_on_for_ever(struct bight_result *result, void *context)
{
    struct bight_file_lock *lock = context;
    while (bight_await(bight_file_lock_acquire(lock), result) == 0) {
        ck_assert_int_eq(bight_file_lock_release(lock), 0);
    }
}

START_TEST(coroutines_that_pass_it_on_for_ever_let_the_release_return) /* D35 */
{
    make_path();
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), 0);
    for (int i = 0; i < 2; i++) {
        bight_deferred_release(bight_spawn(reactor, pass_on_for_ever, lock));
    }
    ck_assert_int_eq(bight_file_lock_release(lock), 0);
    bight_reactor_free(reactor);
    bight_file_lock_free(lock);
    unlink(path);
}
END_TEST

/* -------------------------------------------------------------------------------------- the file system */

static void read_file(char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ssize_t length = read(fd, text, size - 1);
    text[length > 0 ? length : 0] = '\0';
    close(fd);
}

START_TEST(the_file_says_who_holds_it_and_stays)
{
    char text[64], expected[64];
    make_path();
    struct bight_reactor *reactor = bight_reactor_new();
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, "2147483647\n", 11), 11); /* the longest there can be */
    close(fd);
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), 0);
    read_file(text, sizeof text);
    (void)snprintf(expected, sizeof expected, "%10d\n", (int)getpid());
    ck_assert_str_eq(text, expected);
    bight_file_lock_free(lock);
    bight_reactor_free(reactor);
    ck_assert_int_eq(access(path, F_OK), 0);
    unlink(path);
}
END_TEST

START_TEST(two_objects_of_one_process_exclude_each_other)
{
    int code;
    make_path();
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *one = bight_file_lock_new(reactor, path), *two = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(one), 0);
    ck_assert_int_eq(bight_file_lock_try_acquire(two), BIGHT_E_LOCKED);
    acquire_only(two, &code);
    bight_file_lock_free(one);
    turn_until(reactor, code == 0);
    bight_file_lock_free(two);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

static void free_twice(struct bight_result *result, void *context)
{
    bight_result_clear(result);
    bight_file_lock_free(context);
    bight_file_lock_free(context);
}

START_TEST(freeing_it_twice_in_a_handler_is_a_usage_error) /* D28 */
{
    quiet_log();
    make_path();
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), 0);
    struct bight_deferred *deferred = bight_file_lock_acquire(lock);
    bight_deferred_add_callback(deferred, free_twice, lock);
    bight_deferred_release(deferred);
    ck_assert_int_eq(bight_file_lock_release(lock), 0);
    ck_assert_uint_eq(logged_errors, 1);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

static void check_failure(struct bight_reactor *reactor, const char *at, int code, int number)
{
    struct bight_file_lock *lock = bight_file_lock_new(reactor, at);
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), code);
    struct bight_deferred *deferred = bight_file_lock_acquire(lock);
    struct bight_failure *failure = bight_result_take_failure(bight_deferred_result(deferred));
    ck_assert_int_eq(bight_failure_code(failure), code);
    ck_assert_int_eq(bight_failure_errno(failure), number);
    if (number != 0) {
        ck_assert_ptr_nonnull(strstr(bight_failure_message(failure), at));
    }
    bight_failure_release(failure);
    bight_deferred_release(deferred);
    bight_file_lock_free(lock);
}

START_TEST(what_is_wrong_with_the_file_is_told)
{
    struct fake_system fake;
    make_path();
    struct bight_reactor *reactor = fake_reactor(&fake);
    check_failure(reactor, "/nonexistent/lock", BIGHT_E_SYSTEM, ENOENT);
    check_failure(reactor, "/tmp", BIGHT_E_SYSTEM, EISDIR);
    ck_assert_int_eq(symlink("/tmp/bight-elsewhere", path), 0);
    check_failure(reactor, path, BIGHT_E_SYSTEM, ELOOP);
    ck_assert_int_ne(access("/tmp/bight-elsewhere", F_OK), 0);
    unlink(path);
    fake.ops.flock = NULL;
    check_failure(reactor, path, BIGHT_E_NOT_SUPPORTED, 0);
    bight_reactor_free(reactor);
}
END_TEST

static int open_result;

static int fail_open(struct bight_system *system, const char *at, int flags, mode_t mode)
{
    return open_result != 0 ? open_result : count_open(system, at, flags, mode);
}

START_TEST(each_who_waits_hears_of_its_own_try)
{
    struct fake_system fake;
    int first, second;
    make_path();
    struct bight_reactor *reactor = fake_reactor(&fake);
    fake.ops.open = fail_open;
    struct bight_file_lock *one = bight_file_lock_new(reactor, path), *two = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(one), 0);
    acquire_only(two, &first);
    acquire_only(two, &second);
    open_result = -EMFILE;
    fake_advance(&fake, reactor, BIGHT_NANOSECONDS_PER_SECOND / 1000);
    ck_assert_int_eq(first, BIGHT_E_TOO_MANY_FILES);
    ck_assert_int_eq(second, 1);
    open_result = 0;
    bight_file_lock_free(one);
    fake_advance(&fake, reactor, BIGHT_NANOSECONDS_PER_SECOND / 1000);
    ck_assert_int_eq(second, 0);
    bight_file_lock_free(two);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

/* --------------------------------------------------------------------------------------------- processes */

/* In a process of its own: takes the lock, says so, and goes on until it is killed. */
_Noreturn static void hold_for_ever(int say)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    char answer = bight_file_lock_try_acquire(lock) == 0 ? 'y' : 'n';
    (void)!write(say, &answer, 1);
    for (;;) {
        pause();
    }
}

static pid_t start_holder(void)
{
    int ends[2];
    char answer = 'n';
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        hold_for_ever(ends[1]);
    }
    ck_assert_int_eq(read(ends[0], &answer, 1), 1);
    ck_assert_int_eq(answer, 'y');
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void count_release(void *context)
{
    ++*(int *)context;
}

START_TEST(a_run_without_a_function_is_a_usage_error) /* D28 D33 */
{
    int code, released = 0;
    quiet_log();
    make_path();
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    watch_outcome(bight_file_lock_run_full(lock, NULL, &released, count_release), &code);
    ck_assert_int_eq(code, BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(released, 1);
    ck_assert_uint_eq(logged_errors, 1);
    ck_assert(!bight_file_lock_is_locked(lock));
    bight_file_lock_free(lock);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

START_TEST(the_lock_of_a_process_that_was_killed_is_free)
{
    int code, status;
    char text[64];
    make_path();
    pid_t child = start_holder();
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), BIGHT_E_LOCKED);
    acquire_only(lock, &code);
    read_file(text, sizeof text);
    ck_assert_int_eq(atoi(text), child);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    turn_until(reactor, code != 1);
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    read_file(text, sizeof text);
    ck_assert_int_eq(atoi(text), getpid());
    bight_file_lock_free(lock);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

#if FOLLOWS_FORKS

/* 0 when the child does not hold the lock, cannot get it, and is notified of it later through `waiting`. */
static int live_as_a_child(struct bight_reactor *reactor, struct bight_file_lock *lock, const int *code)
{
    if (bight_reactor_after_fork(reactor) != 0 || bight_file_lock_is_locked(lock)) {
        return 1;
    }
    turn_until(reactor, *code != 1); /* once the parent has let go */
    if (*code != 0 || !bight_file_lock_is_locked(lock)) {
        return 2;
    }
    bight_file_lock_free(lock);
    bight_reactor_free(reactor);
    return 0;
}

START_TEST(in_the_child_of_a_fork_the_lock_is_the_parent_s) /* R13 */
{
    int code, status;
    make_path();
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path), *other = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), 0);
    acquire_only(lock, &code);
    pid_t child = fork();
    if (child == 0) {
        _exit(live_as_a_child(reactor, lock, &code));
    }
    pid_t bystander = fork();
    if (bystander == 0) {
        bight_file_lock_free(lock); /* does not go on: touches nothing of the parent's */
        bight_reactor_free(reactor);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(bystander, &status, 0), bystander);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(bight_file_lock_try_acquire(other), BIGHT_E_LOCKED);
    bight_file_lock_free(lock);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(code, BIGHT_E_ABANDONED);
    bight_file_lock_free(other);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

struct forking {
    struct bight_reactor *reactor;
    struct bight_file_lock *lock;
    pid_t child;
};

static void fork_and_release(struct bight_result *result, void *context)
{
    struct forking *forking = context;
    (void)result;
    forking->child = fork();
    if (forking->child == 0 && bight_reactor_after_fork(forking->reactor) != 0) {
        _exit(3);
    }
    if (forking->child != 0) {
        ck_assert_int_eq(bight_file_lock_release(forking->lock), 0);
    }
}

/* In the child the handover is on the stack still. */
START_TEST(in_the_child_of_a_fork_in_its_holder_nobody_is_handed_the_lock) /* R13 */
{
    struct forking forking;
    int code, status;
    make_path();
    forking.reactor = bight_reactor_new();
    forking.lock = bight_file_lock_new(forking.reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(forking.lock), 0);
    struct bight_deferred *deferred = bight_file_lock_acquire(forking.lock);
    bight_deferred_add_callback(deferred, fork_and_release, &forking);
    bight_deferred_release(deferred);
    acquire_only(forking.lock, &code);
    ck_assert_int_eq(bight_file_lock_release(forking.lock), 0);
    if (forking.child == 0) {
        bool is_held = code != 1 || bight_file_lock_is_locked(forking.lock);
        bight_file_lock_free(forking.lock);
        bight_reactor_free(forking.reactor);
        _exit(is_held ? 1 : 0);
    }
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(waitpid(forking.child, &status, 0), forking.child);
    ck_assert_int_eq(status, 0);
    bight_file_lock_free(forking.lock);
    bight_reactor_free(forking.reactor);
    unlink(path);
}
END_TEST

START_TEST(a_child_that_lives_on_does_not_keep_what_was_released) /* R13 */
{
    int status;
    make_path();
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_file_lock *lock = bight_file_lock_new(reactor, path), *other = bight_file_lock_new(reactor, path);
    ck_assert_int_eq(bight_file_lock_try_acquire(lock), 0);
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    ck_assert_int_eq(bight_file_lock_release(lock), 0);
    ck_assert_int_eq(bight_file_lock_try_acquire(other), 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    bight_file_lock_free(lock);
    bight_file_lock_free(other);
    bight_reactor_free(reactor);
    unlink(path);
}
END_TEST

#endif

/* ---------------------------------------------------------------------------------------------- faults */

static unsigned called, released;

static struct bight_deferred *work_at_once(void *context)
{
    (void)context;
    called++;
    return NULL;
}

static void note_release(void *context)
{
    (void)context;
    released++;
}

static bool is_fine(int code)
{
    return code == 0 || bight_testing_fault_injected() || bight_testing_system_fault_injected();
}

/* Contends with itself over a table of calls that may fail. */
static bool contend(void *context)
{
    struct fake_system fake;
    struct bight_faulty_system faulty;
    int first = 1, second = 1;
    (void)context;
    called = released = 0;
    fake_init(&fake);
    bight_faulty_system_init(&faulty, &fake.system);
    struct bight_reactor_options options = { .size = sizeof options, .system = &faulty.system, .leave_signals = true };
    struct bight_reactor *reactor = bight_reactor_new_full(&options);
    if (reactor == NULL) {
        return is_fine(1);
    }
    struct bight_file_lock *one = bight_file_lock_new(reactor, path), *two = bight_file_lock_new(reactor, path);
    bool good = (one != NULL && two != NULL) || is_fine(1);
    if (one != NULL && two != NULL) {
        watch_outcome(bight_file_lock_run_full(one, work_at_once, NULL, note_release), &first);
        bool locked = bight_file_lock_try_acquire(one) == 0;
        acquire_only(two, &second);
        if (locked) {
            (void)bight_file_lock_release(one);
        }
        for (int i = 0; i < 1000000 && second == 1; i++) {
            fake_advance(&fake, reactor, BIGHT_NANOSECONDS_PER_SECOND / 4);
            sched_yield(); /* without a timerfd the loop waits in real time */
        }
        bight_file_lock_free(one);
        one = NULL;
        good = second != 1 && is_fine(first) && is_fine(second) && released == 1 && (called == 1) == (first == 0);
    }
    bight_file_lock_free(one);
    bight_file_lock_free(two);
    bight_reactor_free(reactor);
    return good;
}

START_TEST(locks_survive_each_allocation_and_each_call_failing) /* D34 */
{
    quiet_log();
    make_path();
    ck_assert_uint_eq(bight_testing_with_faults(contend, NULL, 0), 0);
    ck_assert_uint_eq(bight_testing_with_system_faults(contend, NULL, NULL), 0);
    unlink(path);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, tries_grow_rarer_up_to_four_in_a_second);
    tcase_add_test(tests, coroutines_that_pass_it_on_for_ever_let_the_release_return);
    tcase_add_test(tests, the_file_says_who_holds_it_and_stays);
    tcase_add_test(tests, two_objects_of_one_process_exclude_each_other);
    tcase_add_test(tests, freeing_it_twice_in_a_handler_is_a_usage_error);
    tcase_add_test(tests, what_is_wrong_with_the_file_is_told);
    tcase_add_test(tests, each_who_waits_hears_of_its_own_try);
    tcase_add_test(tests, a_run_without_a_function_is_a_usage_error);
    tcase_add_test(tests, the_lock_of_a_process_that_was_killed_is_free);
    tcase_add_test(tests, locks_survive_each_allocation_and_each_call_failing);
#if FOLLOWS_FORKS
    tcase_add_test(tests, in_the_child_of_a_fork_the_lock_is_the_parent_s);
    tcase_add_test(tests, in_the_child_of_a_fork_in_its_holder_nobody_is_handed_the_lock);
    tcase_add_test(tests, a_child_that_lives_on_does_not_keep_what_was_released);
#endif
}

BIGHT_TEST_MAIN("file lock and the system", add_tests)
