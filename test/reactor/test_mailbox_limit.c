/* SPDX-License-Identifier: MIT */
/* test_mailbox_limit.c - how many calls from threads a turn makes, and how many may wait (R9). */
#include <sys/wait.h>
#include <unistd.h>

#include <bight/thread.h>

#include "thread_support.h"

static struct bight_reactor *reactor;
static struct bight_mailbox *shared;

static void count(void *context)
{
    ++*(unsigned *)context;
}

static void call_again(void *context)
{
    count(context);
    ck_assert_int_eq(bight_call_from_thread(shared, call_again, context), 0);
}

static void make_limited_reactor(size_t limit)
{
    struct bight_reactor_options options = { .size = sizeof options, .call_limit = limit };
    reactor = bight_reactor_new_full(&options);
    ck_assert_ptr_nonnull(reactor);
    shared = bight_reactor_mailbox(reactor);
}

static void call_times(unsigned times, bight_timer_function function, void *context)
{
    while (times-- > 0) {
        ck_assert_int_eq(bight_call_from_thread_full(shared, function, context, NULL), 0);
    }
}

static void note_count(void *context)
{
    unsigned *counts = context;
    counts[1] = counts[0];
}

START_TEST(a_turn_makes_1024_calls_and_then_timers_have_theirs) /* R4 R9 */
{
    unsigned counts[2] = { 0, 0 };
    make_limited_reactor(0);
    call_times(2500, count, counts);
    bight_call_later(reactor, 0, note_count, counts, NULL);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(counts[0], 1024);
    ck_assert_uint_eq(counts[1], 1024);
    call_times(1, count, counts);
    bi_reactor_turn(reactor, true); /* what is left over needs no wake-up */
    bi_reactor_turn(reactor, true);
    ck_assert_uint_eq(counts[0], 2500);
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(counts[0], 2501);
    ck_assert(!bi_reactor_has_work(reactor));
    bight_reactor_free(reactor);
    bight_mailbox_release(shared);
}
END_TEST

START_TEST(calls_left_over_go_with_the_reactor_s_end) /* R9 D33 */
{
    unsigned ran = 0, gone = 0;
    make_limited_reactor(0);
    for (int i = 0; i < 2000; i++) {
        bight_call_from_thread_full(shared, count, &ran, i < 1500 ? NULL : count);
    }
    bight_call_from_thread_full(shared, count, &gone, count);
    bi_reactor_turn(reactor, false);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(ran, 1024 + 500);
    ck_assert_uint_eq(gone, 1);
    bight_mailbox_release(shared);
}
END_TEST

START_TEST(beyond_the_limit_a_call_is_refused_and_nothing_taken) /* R9 D33 */
{
    unsigned ran = 0;
    make_limited_reactor(2000);
    call_times(2000, count, &ran);
    ck_assert_int_eq(bight_call_from_thread_full(shared, count, &ran, count), BIGHT_E_QUEUE_OVERFLOW);
    ck_assert_uint_eq(ran, 0);
    bi_reactor_turn(reactor, false);
    call_times(1024, count, &ran); /* those left over count */
    ck_assert_int_eq(bight_call_from_thread_full(shared, count, &ran, count), BIGHT_E_QUEUE_OVERFLOW);
    turn_until(reactor, ran == 3024);
    bight_reactor_free(reactor);
    bight_mailbox_release(shared);
}
END_TEST

START_TEST(a_call_that_is_being_made_does_not_count) /* R9 */
{
    unsigned ran = 0;
    make_limited_reactor(1);
    bight_call_from_thread(shared, call_again, &ran);
    for (unsigned turn = 1; turn <= 3; turn++) {
        bi_reactor_turn(reactor, true);
        ck_assert_uint_eq(ran, turn);
        ck_assert_int_eq(bight_call_from_thread(shared, count, &ran), BIGHT_E_QUEUE_OVERFLOW);
    }
    bight_reactor_free(reactor);
    bight_mailbox_release(shared);
}
END_TEST

static void do_nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static struct bight_deferred *count_blocking(void *context)
{
    count(context);
    return NULL;
}

static void *block(void *context)
{
    return (void *)(intptr_t)bight_blocking_call_from_thread(shared, count_blocking, context, NULL);
}

START_TEST(jobs_and_blocking_calls_come_home_though_the_limit_is_reached) /* R9 R10 */
{
    unsigned blocked = 0;
    int code;
    void *answer;
    pthread_t thread;
    make_limited_reactor(1);
    watch_outcome(bight_defer_to_thread(reactor, do_nothing, NULL), &code);
    call_times(1, call_again, &(unsigned) { 0 });
    ck_assert_int_eq(pthread_create(&thread, NULL, block, &blocked), 0);
    turn_until(reactor, code == 0 && blocked == 1);
    pthread_join(thread, &answer);
    ck_assert_ptr_null(answer);
    bight_reactor_free(reactor);
    bight_mailbox_release(shared);
}
END_TEST

/* The parent made some calls of many; limit as many as there were. */
static int make_the_rest_as_a_child(unsigned *ran)
{
    if (bight_reactor_after_fork(reactor) != 0) {
        return 1;
    }
    if (bight_call_from_thread(shared, count, ran) != 0) {
        return 2;
    }
    turn_until(reactor, *ran == 2001);
    call_times(2000, count, ran);
    if (bight_call_from_thread(shared, count, ran) != BIGHT_E_QUEUE_OVERFLOW) {
        return 3;
    }
    bight_mailbox_release(shared);
    bight_reactor_free(reactor);
    return 0;
}

START_TEST(a_child_of_a_fork_makes_calls_left_over_and_counts_them) /* R9 R13 */
{
    unsigned ran = 0;
    int status;
    make_limited_reactor(2000);
    call_times(2000, count, &ran);
    bi_reactor_turn(reactor, false);
    pid_t child = fork();
    if (child == 0) {
        _exit(make_the_rest_as_a_child(&ran));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    bight_reactor_free(reactor);
    bight_mailbox_release(shared);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_turn_makes_1024_calls_and_then_timers_have_theirs);
    tcase_add_test(tests, calls_left_over_go_with_the_reactor_s_end);
    tcase_add_test(tests, beyond_the_limit_a_call_is_refused_and_nothing_taken);
    tcase_add_test(tests, a_call_that_is_being_made_does_not_count);
    tcase_add_test(tests, jobs_and_blocking_calls_come_home_though_the_limit_is_reached);
    tcase_add_test(tests, a_child_of_a_fork_makes_calls_left_over_and_counts_them);
}

BIGHT_TEST_MAIN("the limits of the mailbox", add_tests)
