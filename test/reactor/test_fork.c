/* SPDX-License-Identifier: MIT */
/* test_fork.c - a reactor in the child of a fork, by real forks. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include <bight/thread.h>

#include "fake_system.h"

static struct bight_reactor *reactor;
static int to_both[2];
static unsigned seen;

static void stop(void *context)
{
    (void)context;
    bight_reactor_stop(reactor);
}

static void on_readable(int fd, short what, void *context)
{
    char byte;
    (void)what;
    (void)context;
    seen += read(fd, &byte, 1) == 1;
    bight_reactor_stop(reactor);
}

/* Ends the child with 0 when `good`, without Check's own ways. */
static void end_child(bool good)
{
    bight_reactor_free(reactor);
    _exit(good ? 0 : 1);
}

static int status_of(pid_t child)
{
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void set_up(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    ck_assert_int_eq(pipe(to_both), 0);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
    close(to_both[0]);
    close(to_both[1]);
}

START_TEST(timers_of_parent_and_child_are_their_own) /* R13 */
{
    struct bight_timer timer;
    bight_call_later(reactor, 0.02, stop, NULL, &timer);
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(reactor) == 0;
        bight_timer_cancel(timer); /* and a distant one in its place: the parent's timerfd must not move */
        bight_call_later(reactor, 1000, stop, NULL, NULL);
        bight_call_later(reactor, 0.001, stop, NULL, NULL);
        end_child(good && bight_reactor_run(reactor) == 0);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
}
END_TEST

START_TEST(a_timer_pending_at_the_fork_fires_in_both) /* R13 */
{
    bight_call_later(reactor, 0.01, stop, NULL, NULL);
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(reactor) == 0;
        end_child(good && bight_reactor_run(reactor) == 0);
    }
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(status_of(child), 0);
}
END_TEST

START_TEST(removing_a_watch_in_the_child_leaves_the_parents) /* R13 */
{
    struct bight_foreign_watch watch;
    bight_watch_descriptor(reactor, to_both[0], BIGHT_READABLE, on_readable, NULL, NULL, &watch);
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(reactor) == 0;
        good = good && bight_unwatch_descriptor(watch) == 0;
        end_child(good);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_int_eq(write(to_both[1], "x", 1), 1);
    bight_reactor_run(reactor);
    ck_assert_uint_eq(seen, 1);
}
END_TEST

START_TEST(a_watch_goes_on_in_the_child) /* R13 */
{
    bight_watch_descriptor(reactor, to_both[0], BIGHT_READABLE, on_readable, NULL, NULL, NULL);
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(reactor) == 0;
        good = good && write(to_both[1], "x", 1) == 1;
        bight_reactor_run(reactor);
        end_child(good && seen == 1);
    }
    ck_assert_int_eq(status_of(child), 0);
}
END_TEST

START_TEST(calls_from_threads_reach_the_process_they_were_made_in) /* R13 R9 */
{
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    pid_t child = fork();
    if (child == 0) {
        bool good = bight_reactor_after_fork(reactor) == 0;
        good = good && bight_call_from_thread(mailbox, stop, NULL) == 0;
        bight_mailbox_release(mailbox);
        end_child(bight_reactor_run(reactor) == 0 && good);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert(!bi_reactor_has_work(reactor));
    bight_call_from_thread(mailbox, stop, NULL);
    bight_mailbox_release(mailbox);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
}
END_TEST

START_TEST(a_child_that_does_not_use_it_touches_nothing) /* R13 */
{
    bight_watch_descriptor(reactor, to_both[0], BIGHT_READABLE, on_readable, NULL, NULL, NULL);
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_int_eq(write(to_both[1], "x", 1), 1);
    bight_reactor_run(reactor);
    ck_assert_uint_eq(seen, 1);
}
END_TEST

static void note_and_stop(void *has_run)
{
    *(bool *)has_run = true;
    stop(NULL);
}

/* A timer that will stop the reactor, and for which the timerfd has been set: a turn that came so late that it ran the
 * timer is taken again. */
static void set_timerfd(void)
{
    static bool has_run;
    do {
        has_run = false;
        bight_call_later(reactor, 0.02, note_and_stop, &has_run, NULL);
        bi_reactor_turn(reactor, false);
    } while (has_run);
}

START_TEST(a_child_that_only_frees_it_touches_nothing) /* R13 */
{
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    bight_watch_descriptor(reactor, to_both[0], BIGHT_READABLE, on_readable, NULL, NULL, NULL);
    set_timerfd();
    pid_t child = fork();
    if (child == 0) {
        bight_mailbox_release(mailbox);
        end_child(true);
    }
    ck_assert_int_eq(status_of(child), 0);
    ck_assert_int_eq(bight_reactor_run(reactor), 0); /* ended by the timer */
    ck_assert_int_eq(write(to_both[1], "x", 1), 1);
    ck_assert_int_eq(bight_reactor_run(reactor), 0); /* by the watch */
    ck_assert_uint_eq(seen, 1);
    bight_call_from_thread(mailbox, stop, NULL);
    bight_mailbox_release(mailbox);
    ck_assert_int_eq(bight_reactor_run(reactor), 0); /* by the mailbox */
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, timers_of_parent_and_child_are_their_own);
    tcase_add_test(tests, a_timer_pending_at_the_fork_fires_in_both);
    tcase_add_test(tests, removing_a_watch_in_the_child_leaves_the_parents);
    tcase_add_test(tests, a_watch_goes_on_in_the_child);
    tcase_add_test(tests, calls_from_threads_reach_the_process_they_were_made_in);
    tcase_add_test(tests, a_child_that_does_not_use_it_touches_nothing);
    tcase_add_test(tests, a_child_that_only_frees_it_touches_nothing);
}

BIGHT_TEST_MAIN("fork", add_tests)
