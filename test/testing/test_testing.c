/* SPDX-License-Identifier: MIT */
/* test_testing.c - the testing library itself: virtual time, and the loop of allocation faults.
 *
 * The string transport has a program of its own, test_string.c. What is tested here is what tests of all other units
 * rely on: that time passes when told and never else, that faults hit each allocation, that leaks are seen. */
#include <bight/testing.h>

#include <math.h>
#include <pthread.h>

#include "support.h"

static char trace[256];

static void note(void *context)
{
    strncat(trace, context, sizeof trace - strlen(trace) - 1);
}

static void *text(const char *literal)
{
    return (void *)(uintptr_t)literal;
}

static int note_later(struct bight_reactor *reactor, double seconds, const char *literal)
{
    return bight_call_later(reactor, seconds, note, text(literal), NULL);
}

static struct bight_reactor *fresh_reactor(void)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    trace[0] = '\0';
    return reactor;
}

static uint64_t now_of(struct bight_reactor *reactor)
{
    return bight_clock_now(bight_reactor_clock(reactor));
}

/* --------------------------------------------------------------------------------------- virtual time */

START_TEST(time_begins_at_one_second_and_stands_still)
{
    struct bight_reactor *reactor = fresh_reactor();
    ck_assert_uint_eq(now_of(reactor), BIGHT_NANOSECONDS_PER_SECOND);
    bight_testing_settle(reactor, 10);
    ck_assert_uint_eq(now_of(reactor), BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(advancing_fires_what_is_due_in_order_and_nothing_else)
{
    struct bight_reactor *reactor = fresh_reactor();
    note_later(reactor, 3, "c");
    note_later(reactor, 1, "a");
    note_later(reactor, 2, "b");
    note_later(reactor, 86400.0 * 365, "y");
    bight_testing_advance(reactor, 2);
    ck_assert_str_eq(trace, "ab");
    bight_testing_advance(reactor, 0.999999999);
    ck_assert_str_eq(trace, "ab");
    bight_testing_advance(reactor, 0.000000001);
    ck_assert_str_eq(trace, "abc");
    ck_assert_uint_eq(now_of(reactor), 4 * BIGHT_NANOSECONDS_PER_SECOND);
    bight_testing_advance(reactor, 86400.0 * 365);
    ck_assert_str_eq(trace, "abcy");
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_reactor *current;
static uint64_t seen[4];
static size_t seen_count;

static void see_and_call_again(void *context)
{
    seen[seen_count++] = now_of(current);
    if (seen_count < 4) {
        bight_call_later(current, 0.25, see_and_call_again, context, NULL);
    }
}

START_TEST(calls_made_by_calls_see_their_own_deadlines)
{
    current = fresh_reactor();
    seen_count = 0;
    bight_call_later(current, 0.25, see_and_call_again, NULL, NULL);
    bight_testing_advance(current, 10);
    ck_assert_uint_eq(seen_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(seen[i], BIGHT_NANOSECONDS_PER_SECOND + (i + 1) * 250000000);
    }
    ck_assert_uint_eq(now_of(current), 11 * BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(current);
}
END_TEST

static void call_at_once_for_ever(void *context)
{
    (*(size_t *)context)++;
    bight_call_later(current, 0, call_at_once_for_ever, context, NULL);
}

START_TEST(a_call_that_renews_itself_without_delay_does_not_stop_time)
{
    size_t calls = 0;
    current = fresh_reactor();
    bight_call_later(current, 0, call_at_once_for_ever, &calls, NULL);
    bight_testing_advance(current, 5);
    ck_assert_uint_gt(calls, 1);
    ck_assert_uint_eq(now_of(current), 6 * BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(current);
}
END_TEST

START_TEST(jumping_goes_to_the_next_deadline_exactly)
{
    struct bight_reactor *reactor = fresh_reactor();
    ck_assert(!bight_testing_jump(reactor));
    bight_call_at(reactor, UINT64_C(1) << 60, note, text("far"), NULL);
    bight_call_at(reactor, (UINT64_C(1) << 60) + 12345, note, text("+"), NULL);
    ck_assert(bight_testing_jump(reactor));
    ck_assert_str_eq(trace, "far");
    ck_assert_uint_eq(now_of(reactor), UINT64_C(1) << 60);
    ck_assert(bight_testing_jump(reactor));
    ck_assert_uint_eq(now_of(reactor), (UINT64_C(1) << 60) + 12345);
    ck_assert(!bight_testing_jump(reactor));
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(what_is_never_due_is_not_jumped_to)
{
    struct bight_reactor *reactor = fresh_reactor();
    note_later(reactor, INFINITY, "never");
    ck_assert(!bight_testing_jump(reactor));
    ck_assert_str_eq(trace, "");
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(settling_ends_at_its_limit)
{
    size_t calls = 0;
    current = fresh_reactor();
    bight_call_later(current, 0, call_at_once_for_ever, &calls, NULL);
    ck_assert_uint_eq(bight_testing_settle(current, 7), 7);
    ck_assert_uint_eq(now_of(current), BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(current);
}
END_TEST

START_TEST(settling_a_quiet_reactor_makes_no_turn)
{
    struct bight_reactor *reactor = fresh_reactor();
    note_later(reactor, 1, "late");
    ck_assert_uint_eq(bight_testing_settle(reactor, 100), 0);
    ck_assert_str_eq(trace, "");
    bight_reactor_free(reactor);
}
END_TEST

static void stop(void *context)
{
    bight_reactor_stop(context);
}

START_TEST(running_jumps_from_deadline_to_deadline)
{
    struct bight_reactor *reactor = fresh_reactor();
    bight_call_when_running(reactor, note, text("r"));
    note_later(reactor, 3600, "h");
    bight_call_later(reactor, 7200, stop, reactor, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(trace, "rh");
    ck_assert_uint_eq(now_of(reactor), 7201 * BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(reactor);
}
END_TEST

static void *stop_from_thread(void *mailbox)
{
    ck_assert_int_eq(bight_call_from_thread(mailbox, stop, current), 0);
    return NULL;
}

static uint64_t slept_until;

static struct bight_deferred *sleep_a_year(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    slept_until = bight_clock_now(bight_reactor_clock(reactor)) + 31536000 * BIGHT_NANOSECONDS_PER_SECOND;
    return bight_sleep(bight_reactor_clock(reactor), 31536000);
}

static void sleep_in_a_coroutine(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    if (bight_await(sleep_a_year(reactor, argc, argv), result) == 0 &&
        bight_clock_now(bight_reactor_clock(reactor)) == slept_until) {
        bight_result_set(result, &bight_type_integer, bight_integer(argc));
    }
}

START_TEST(a_program_runs_in_virtual_time)
{
    ck_assert_int_eq(bight_testing_main(sleep_a_year, 0, NULL), 0);
    ck_assert_int_eq(bight_testing_main_coroutine(sleep_in_a_coroutine, 5, NULL), 5);
}
END_TEST

START_TEST(a_run_with_nothing_pending_waits_for_other_threads)
{
    pthread_t thread;
    current = fresh_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(current);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_from_thread, mailbox), 0);
    ck_assert_int_eq(bight_reactor_run(current), 0);
    pthread_join(thread, NULL);
    bight_mailbox_release(mailbox);
    bight_reactor_free(current);
}
END_TEST

static int last_level;
static size_t events;

static void observe(const struct bight_log_event *event, void *context)
{
    (void)context;
    last_level = event->level;
    events++;
}

static void advance_inside(void *context)
{
    bight_testing_advance(context, 1);
    ck_assert(!bight_testing_jump(context));
    ck_assert_uint_eq(bight_testing_settle(context, 5), 0);
}

START_TEST(advancing_inside_a_handler_is_refused)
{
    struct bight_reactor *reactor = fresh_reactor();
    bight_log_set_observer(observe, NULL);
    bight_call_later(reactor, 1, advance_inside, reactor, NULL);
    bight_testing_advance(reactor, 1);
    ck_assert_uint_eq(events, 3);
    ck_assert_int_eq(last_level, BIGHT_LOG_ERROR);
    ck_assert_uint_eq(now_of(reactor), 2 * BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(reactor);
}
END_TEST

static void count_up(void *counter)
{
    ++*(int *)counter;
}

START_TEST(pumping_lets_spans_pass_one_after_the_other)
{
    static const double spans[] = { 1, 0.5, 2 };
    int calls = 0;
    struct bight_reactor *reactor = bight_testing_reactor_new();
    uint64_t begun = bight_clock_now(bight_reactor_clock(reactor));
    bight_call_later(reactor, 1.5, count_up, &calls, NULL);
    bight_call_later(reactor, 3.6, count_up, &calls, NULL);
    bight_testing_pump(reactor, spans, 3);
    ck_assert_int_eq(calls, 1);
    ck_assert_uint_eq(bight_clock_now(bight_reactor_clock(reactor)) - begun, UINT64_C(3500000000));
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_negative_or_undefined_time_is_refused)
{
    struct bight_reactor *reactor = fresh_reactor();
    bight_log_set_observer(observe, NULL);
    bight_testing_advance(reactor, -1);
    bight_testing_advance(reactor, NAN);
    ck_assert_uint_eq(events, 2);
    ck_assert_uint_eq(now_of(reactor), BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_real_reactor_is_not_advanced)
{
    struct bight_reactor *reactor = bight_reactor_new();
    bight_log_set_observer(observe, NULL);
    bight_testing_advance(reactor, 1);
    ck_assert_uint_eq(events, 1);
    bight_reactor_free(reactor);
}
END_TEST

/* ---------------------------------------------------------------------------------- allocation faults */

struct tally {
    size_t runs, injected, granted;
};

static bool two_blocks(void *context)
{
    struct tally *tally = context;
    void *first = bight_malloc(10);
    void *second = bight_malloc(20);
    tally->runs++;
    tally->injected += bight_testing_fault_injected() ? 1 : 0;
    tally->granted += (first != NULL) + (second != NULL);
    bight_free(first);
    bight_free(second);
    return true;
}

START_TEST(each_allocation_fails_in_turn_and_then_all_from_it_on)
{
    struct tally tally = { 0, 0, 0 };
    ck_assert_uint_eq(bight_testing_with_faults(two_blocks, &tally, 0), 0);
    ck_assert_uint_eq(tally.runs, 1 + 3 + 3);
    ck_assert_uint_eq(tally.injected, 2 + 2);
    /* 2 ungranted faults; then one each of two; two; then none, one, two */
    ck_assert_uint_eq(tally.granted, 2 + (1 + 1 + 2) + (0 + 1 + 2));
    ck_assert(!bight_testing_fault_injected());
}
END_TEST

START_TEST(the_limit_bounds_the_faults)
{
    struct tally tally = { 0, 0, 0 };
    ck_assert_uint_eq(bight_testing_with_faults(two_blocks, &tally, 1), 0);
    ck_assert_uint_eq(tally.runs, 3);
}
END_TEST

static void *left[64];
static size_t left_count;

static bool leaks_on_failure(void *context)
{
    (void)context;
    void *first = bight_malloc(10);
    void *second = bight_malloc(20);
    if (first != NULL && second == NULL) {
        left[left_count++] = first;
        return true;
    }
    bight_free(first);
    bight_free(second);
    return true;
}

START_TEST(a_leak_of_one_failure_path_is_found)
{
    bight_log_set_observer(observe, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(leaks_on_failure, NULL, 0), 2);
    ck_assert_uint_eq(left_count, 2);
    ck_assert_uint_eq(events, 2);
}
END_TEST

static bool fails_when_refused(void *context)
{
    (void)context;
    bight_free(bight_malloc(1));
    return !bight_testing_fault_injected();
}

START_TEST(a_body_that_gives_false_is_counted)
{
    bight_log_set_observer(observe, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(fails_when_refused, NULL, 0), 2);
    ck_assert_uint_eq(events, 2);
}
END_TEST

static bool grows(void *context)
{
    char *text = bight_strdup("0123456789");
    (void)context;
    if (text == NULL) {
        return true;
    }
    char *larger = bight_realloc(text, 1000);
    if (larger == NULL) {
        bool same = strcmp(text, "0123456789") == 0;
        bight_free(text);
        return same;
    }
    char *smaller = bight_realloc(larger, 4);
    bool kept = memcmp(smaller == NULL ? larger : smaller, "0123", 4) == 0;
    bight_free(smaller == NULL ? larger : smaller);
    return kept;
}

START_TEST(growing_keeps_the_bytes_and_failing_to_grow_keeps_the_block)
{
    ck_assert_uint_eq(bight_testing_with_faults(grows, NULL, 0), 0);
}
END_TEST

static bool pooled(void *context)
{
    struct tally *tally = context;
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    tally->runs++;
    tally->injected += bight_testing_fault_injected() ? 1 : 0;
    bight_abandon(promise);
    bight_deferred_release(deferred);
    return true;
}

START_TEST(taking_from_a_pool_can_fail_too)
{
    struct tally tally = { 0, 0, 0 };
    (void)bight_testing_with_faults(pooled, &tally, 4);
    ck_assert_uint_ge(tally.injected, 2);
}
END_TEST

static bool reactor_with_timers(void *context)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    (void)context;
    if (reactor == NULL) {
        return bight_testing_fault_injected();
    }
    trace[0] = '\0';
    bool both = note_later(reactor, 1, "a") == 0;
    both = note_later(reactor, 2, "b") == 0 && both;
    bight_testing_advance(reactor, 5);
    bool well = both ? strcmp(trace, "ab") == 0 : bight_testing_fault_injected();
    bight_reactor_free(reactor);
    return well;
}

START_TEST(a_testing_reactor_survives_faults)
{
    ck_assert_uint_eq(bight_testing_with_faults(reactor_with_timers, NULL, 0), 0);
}
END_TEST

START_TEST(allocations_are_counted)
{
    bight_testing_count_allocations(true);
    void *memory = bight_malloc(1);
    memory = bight_realloc(memory, 100);
    ck_assert_uint_eq(bight_testing_allocation_count(), 2);
    bight_free(memory);
    ck_assert_uint_eq(bight_testing_allocation_count(), 2);
    bight_testing_count_allocations(false);
    bight_free(bight_malloc(1));
    ck_assert_uint_eq(bight_testing_allocation_count(), 2);
    bight_testing_count_allocations(true);
    ck_assert_uint_eq(bight_testing_allocation_count(), 0);
}
END_TEST

START_TEST(a_timer_from_a_warm_pool_allocates_nothing)
{
    bight_testing_count_allocations(true);
    struct bight_reactor *reactor = fresh_reactor();
    note_later(reactor, 1, "a");
    bight_testing_advance(reactor, 1);
    size_t before = bight_testing_allocation_count();
    note_later(reactor, 1, "b");
    bight_testing_advance(reactor, 1);
    ck_assert_str_eq(trace, "ab");
    ck_assert_uint_eq(bight_testing_allocation_count(), before);
    bight_reactor_free(reactor);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, time_begins_at_one_second_and_stands_still);
    tcase_add_test(tests, advancing_fires_what_is_due_in_order_and_nothing_else);
    tcase_add_test(tests, calls_made_by_calls_see_their_own_deadlines);
    tcase_add_test(tests, a_call_that_renews_itself_without_delay_does_not_stop_time);
    tcase_add_test(tests, jumping_goes_to_the_next_deadline_exactly);
    tcase_add_test(tests, what_is_never_due_is_not_jumped_to);
    tcase_add_test(tests, settling_ends_at_its_limit);
    tcase_add_test(tests, settling_a_quiet_reactor_makes_no_turn);
    tcase_add_test(tests, running_jumps_from_deadline_to_deadline);
    tcase_add_test(tests, a_program_runs_in_virtual_time);
    tcase_add_test(tests, a_run_with_nothing_pending_waits_for_other_threads);
    tcase_add_test(tests, advancing_inside_a_handler_is_refused);
    tcase_add_test(tests, a_negative_or_undefined_time_is_refused);
    tcase_add_test(tests, pumping_lets_spans_pass_one_after_the_other);
    tcase_add_test(tests, a_real_reactor_is_not_advanced);
    tcase_add_test(tests, each_allocation_fails_in_turn_and_then_all_from_it_on);
    tcase_add_test(tests, the_limit_bounds_the_faults);
    tcase_add_test(tests, a_leak_of_one_failure_path_is_found);
    tcase_add_test(tests, a_body_that_gives_false_is_counted);
    tcase_add_test(tests, growing_keeps_the_bytes_and_failing_to_grow_keeps_the_block);
    tcase_add_test(tests, taking_from_a_pool_can_fail_too);
    tcase_add_test(tests, a_testing_reactor_survives_faults);
    tcase_add_test(tests, allocations_are_counted);
    tcase_add_test(tests, a_timer_from_a_warm_pool_allocates_nothing);
}

BIGHT_TEST_MAIN("testing", add_tests)
