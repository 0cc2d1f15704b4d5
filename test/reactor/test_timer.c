/* SPDX-License-Identifier: MIT */
/* test_timer.c - calls at a deadline on a real reactor whose clock is the test's. */
#include <math.h>

#include "fake_system.h"
#include "faults.h"
#include "reactor_support.h"

#define MS UINT64_C(1000000)

static struct fake_system fake;

static void set_up_fake(void)
{
    reactor = fake_reactor(&fake);
    ck_assert_ptr_nonnull(reactor);
}

START_TEST(a_call_is_made_when_its_time_has_come_and_not_before) /* R5 R6 */
{
    ck_assert_int_eq(bight_call_later(reactor, 0.5, note, (void *)"a", NULL), 0);
    fake_advance(&fake, reactor, 500 * MS - 1);
    ck_assert_str_eq(calls, "");
    fake_advance(&fake, reactor, 1);
    ck_assert_str_eq(calls, "a");
}
END_TEST

START_TEST(a_delay_counts_from_the_clock_as_read_at_the_call) /* R5 */
{
    fake.now += 700 * MS; /* no turn was taken meanwhile */
    bight_call_later(reactor, 0.5, note, (void *)"a", NULL);
    fake_advance(&fake, reactor, 499 * MS);
    ck_assert_str_eq(calls, "");
    fake_advance(&fake, reactor, 1 * MS);
    ck_assert_str_eq(calls, "a");
}
END_TEST

static void call_at_once(void *context)
{
    note(context);
    if (strlen(calls) < 4) {
        bight_call_later(reactor, 0, call_at_once, context, NULL);
        bight_call_at(reactor, 1, note, (void *)"p", NULL);
    }
    note((void *)"."); /* nothing ran inside the calls */
}

START_TEST(a_call_of_no_delay_from_a_timed_call_waits_for_a_later_turn) /* R5 */
{
    bight_call_later(reactor, 0, call_at_once, (void *)"a", NULL);
    ck_assert_str_eq(calls, "");
    bi_reactor_turn(reactor, false);
    ck_assert_str_eq(calls, "a.");
    ck_assert(bi_reactor_has_work(reactor));
    bi_reactor_turn(reactor, false);
    ck_assert_str_eq(calls, "a.pa.");
}
END_TEST

START_TEST(bad_delays_are_refused) /* R5 */
{
    ck_assert_int_eq(bight_call_later(reactor, -1, note, (void *)"a", NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_call_later(reactor, NAN, note, (void *)"a", NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(reactor->wheel.armed, 0);
}
END_TEST

START_TEST(an_infinite_delay_and_a_distant_one_work) /* R8 */
{
    struct bight_timer never;
    ck_assert_int_eq(bight_call_later(reactor, INFINITY, note, (void *)"n", &never), 0);
    ck_assert_int_eq(bight_call_later(reactor, 40.0 * 366 * 86400, note, (void *)"y", NULL), 0);
    fake_advance(&fake, reactor, UINT64_C(39) * 366 * 86400 * 1000 * MS);
    ck_assert_str_eq(calls, "");
    fake_advance(&fake, reactor, UINT64_C(366) * 86400 * 1000 * MS);
    ck_assert_str_eq(calls, "y");
    ck_assert_uint_eq(bight_timer_deadline(never), UINT64_MAX);
}
END_TEST

START_TEST(calls_are_made_in_the_order_of_deadlines_and_equal_ones_in_the_order_of_asking) /* R6 */
{
    uint64_t base = fake.now;
    bight_call_at(reactor, base + 30, note, (void *)"c", NULL);
    bight_call_at(reactor, base + 10, note, (void *)"a", NULL);
    bight_call_at(reactor, base + 30, note, (void *)"d", NULL);
    bight_call_at(reactor, base + 20, note, (void *)"b", NULL);
    fake_advance(&fake, reactor, 30);
    ck_assert_str_eq(calls, "abcd");
}
END_TEST

START_TEST(a_cancelled_call_is_not_made_and_its_context_is_released_at_once) /* R7 D33 */
{
    struct bight_timer timer;
    bight_call_later_full(reactor, 1, note, (void *)"a", count_release, &timer);
    ck_assert(bight_timer_is_pending(timer));
    ck_assert_int_eq(bight_timer_cancel(timer), 0);
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(bight_timer_cancel(timer), BIGHT_E_STALE);
    fake_advance(&fake, reactor, 2000 * MS);
    ck_assert_str_eq(calls, "");
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(a_handle_is_stale_when_its_call_was_made) /* R7 */
{
    struct bight_timer timer;
    bight_call_later_full(reactor, 1, note, (void *)"a", count_release, &timer);
    fake_advance(&fake, reactor, 1000 * MS);
    ck_assert_uint_eq(released, 1);
    struct bight_timer other;
    bight_call_later(reactor, 1, note, (void *)"b", &other); /* may well have the same slot */
    ck_assert_int_eq(bight_timer_reset(timer, 5), BIGHT_E_STALE);
    ck_assert_int_eq(bight_timer_delay(timer, 5), BIGHT_E_STALE);
    ck_assert_int_eq(bight_timer_reset_at(timer, 5), BIGHT_E_STALE);
    ck_assert_int_eq(bight_timer_cancel(timer), BIGHT_E_STALE);
    ck_assert(bight_timer_is_pending(other));
}
END_TEST

START_TEST(reset_and_delay_move_a_call) /* R7 */
{
    struct bight_timer timer;
    bight_call_later(reactor, 1, note, (void *)"a", &timer);
    fake_advance(&fake, reactor, 900 * MS);
    ck_assert_int_eq(bight_timer_reset(timer, 1), 0);
    fake_advance(&fake, reactor, 900 * MS);
    ck_assert_int_eq(bight_timer_delay(timer, 1), 0);
    fake_advance(&fake, reactor, 1000 * MS);
    ck_assert_str_eq(calls, "");
    ck_assert_int_eq(bight_timer_delay(timer, -0.05), 0);
    fake_advance(&fake, reactor, 50 * MS);
    ck_assert_str_eq(calls, "a");
}
END_TEST

static struct bight_timer victims[3];

static void meddle(void *context)
{
    note(context);
    ck_assert_int_eq(bight_timer_cancel(victims[0]), BIGHT_E_STALE); /* its own */
    ck_assert_int_eq(bight_timer_cancel(victims[1]), 0);
    ck_assert_int_eq(bight_timer_reset(victims[2], 1), 0);
}

START_TEST(a_timed_call_may_cancel_and_move_others_that_are_due_with_it) /* R7 */
{
    bight_call_later(reactor, 1, meddle, (void *)"m", &victims[0]);
    bight_call_later(reactor, 1, note, (void *)"x", &victims[1]);
    bight_call_later(reactor, 1, note, (void *)"r", &victims[2]);
    fake_advance(&fake, reactor, 1000 * MS);
    ck_assert_str_eq(calls, "m");
    fake_advance(&fake, reactor, 1000 * MS);
    ck_assert_str_eq(calls, "mr");
}
END_TEST

START_TEST(the_kernel_is_told_a_deadline_only_when_it_got_earlier) /* R4 */
{
    struct bight_timer timer;
    bight_call_later(reactor, 1, note, (void *)"a", &timer);
    ck_assert_uint_eq(fake.timerfd_sets, 1);
    for (int i = 0; i < 100; i++) {
        bight_call_later(reactor, 2, note, (void *)"b", NULL);
        bight_timer_reset(timer, 3);
        bi_reactor_turn(reactor, false);
    }
    ck_assert_uint_eq(fake.timerfd_sets, 1);
    bight_call_later(reactor, 0.5, note, (void *)"c", NULL);
    ck_assert_uint_eq(fake.timerfd_sets, 2);
    bight_call_later(reactor, 0, note, (void *)"d", NULL); /* is due: no need of the kernel */
    ck_assert_uint_eq(fake.timerfd_sets, 2);
}
END_TEST

START_TEST(turns_without_due_timers_do_not_read_the_clock) /* R4 */
{
    bight_call_later(reactor, 1, note, (void *)"a", NULL);
    unsigned reads = fake.clock_reads;
    for (int i = 0; i < 10; i++) {
        bi_reactor_turn(reactor, false);
    }
    ck_assert_uint_eq(fake.clock_reads, reads);
    bight_call_at(reactor, fake.now + MS, note, (void *)"b", NULL);
    ck_assert_uint_eq(fake.clock_reads, reads);
    bight_call_later(reactor, 1, note, (void *)"c", NULL);
    ck_assert_uint_eq(fake.clock_reads, reads + 1);
}
END_TEST

static void poll_seen(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    *(unsigned *)context += 1;
}

static void count_call(void *context)
{
    *(unsigned *)context += 1;
}

START_TEST(many_due_calls_take_several_turns_with_polls_between) /* R4 */
{
    unsigned made = 0;
    unsigned polls = 0;
    int pipe_fds[2];
    struct bight_foreign_watch watch;
    ck_assert_int_eq(pipe(pipe_fds), 0);
    bight_watch_descriptor(reactor, pipe_fds[1], BIGHT_WRITABLE, poll_seen, &polls, NULL, &watch);
    for (unsigned i = 0; i < 3000; i++) {
        bight_call_later(reactor, 1, count_call, &made, NULL);
    }
    fake_advance(&fake, reactor, 1000 * MS);
    ck_assert_uint_eq(made, 3000);
    ck_assert_uint_ge(polls, 3);
    ck_assert_uint_le(polls, 6);
    bight_unwatch_descriptor(watch);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

START_TEST(freeing_the_reactor_releases_the_contexts_of_pending_calls) /* D33 */
{
    struct bight_timer timer;
    bight_call_later_full(reactor, 1, note, (void *)"a", count_release, NULL);
    bight_call_later_full(reactor, 1e9, note, (void *)"b", count_release, &timer);
    bight_call_at_full(reactor, 0, note, (void *)"c", count_release, NULL);
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_uint_eq(released, 3);
    ck_assert_str_eq(calls, "");
    ck_assert_int_eq(bight_timer_cancel(timer), BIGHT_E_STALE);
}
END_TEST

START_TEST(without_memory_nothing_is_taken) /* D33 D34 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 1);
    ck_assert_int_eq(bight_call_later_full(reactor, 1, note, (void *)"a", count_release, NULL), BIGHT_E_OUT_OF_MEMORY);
    bight_set_allocator(NULL);
    ck_assert_uint_eq(released, 0);
    ck_assert_uint_eq(reactor->wheel.armed, 0);
}
END_TEST

START_TEST(a_timerfd_that_cannot_be_set_is_reported_and_the_next_deadline_still_works)
{
    fake.timerfd_set_error = -EINTR;
    bight_call_later(reactor, 1, note, (void *)"a", NULL);
    bight_call_later(reactor, 0.5, note, (void *)"b", NULL);
    fake_advance(&fake, reactor, 1000 * MS);
    ck_assert_str_eq(calls, "ba");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_fake, tear_down);
    tcase_add_test(tests, a_call_is_made_when_its_time_has_come_and_not_before);
    tcase_add_test(tests, a_delay_counts_from_the_clock_as_read_at_the_call);
    tcase_add_test(tests, a_call_of_no_delay_from_a_timed_call_waits_for_a_later_turn);
    tcase_add_test(tests, bad_delays_are_refused);
    tcase_add_test(tests, an_infinite_delay_and_a_distant_one_work);
    tcase_add_test(tests, calls_are_made_in_the_order_of_deadlines_and_equal_ones_in_the_order_of_asking);
    tcase_add_test(tests, a_cancelled_call_is_not_made_and_its_context_is_released_at_once);
    tcase_add_test(tests, a_handle_is_stale_when_its_call_was_made);
    tcase_add_test(tests, reset_and_delay_move_a_call);
    tcase_add_test(tests, a_timed_call_may_cancel_and_move_others_that_are_due_with_it);
    tcase_add_test(tests, the_kernel_is_told_a_deadline_only_when_it_got_earlier);
    tcase_add_test(tests, turns_without_due_timers_do_not_read_the_clock);
    tcase_add_test(tests, many_due_calls_take_several_turns_with_polls_between);
    tcase_add_test(tests, freeing_the_reactor_releases_the_contexts_of_pending_calls);
    tcase_add_test(tests, without_memory_nothing_is_taken);
    tcase_add_test(tests, a_timerfd_that_cannot_be_set_is_reported_and_the_next_deadline_still_works);
}

BIGHT_TEST_MAIN("timer", add_tests)
