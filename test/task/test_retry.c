/* SPDX-License-Identifier: MIT */
/* test_retry.c - attempts until one succeeds: pauses, what is worth another attempt, what is told in the end,
 * cancelling. */
#include <math.h>

#include <bight/retry.h>

#include "deferred_support.h"
#include "faults.h"

/* What attempts give: 'v' a value at once, 'n' NULL, 'f' a failure at once, 'c' CANCELLED, 'u' USAGE, 'w' what fires
 * later. */
static const char *script;
static unsigned attempts;
static struct bight_promise waiting;
static struct bight_deferred *outer;

static struct bight_deferred *attempt(void *context)
{
    char what = attempts < strlen(script) ? script[attempts] : 'f';
    (void)context;
    attempts++;
    switch (what) {
    case 'v':
        return bight_succeed(&bight_type_integer, bight_integer((intptr_t)attempts));
    case 'n':
        return NULL;
    case 'c':
        return bight_fail(bight_failure_of(BIGHT_E_CANCELLED));
    case 'u':
        return bight_fail(bight_failure_of(BIGHT_E_STALE));
    case 'w':
        return bight_deferred_new(&waiting, NULL, NULL);
    default:
        return bight_fail(bight_failure_new(BIGHT_E_CONNECTION_REFUSED, 0, NULL, "refused %u", attempts));
    }
}

static const struct bight_retry_policy exact = { .size = sizeof exact, .no_jitter = true };

static void retry_by(unsigned times, const struct bight_retry_policy *policy)
{
    outer = bight_retry_full(&test_clock.base, times, policy, attempt, NAME("context"), released);
    bight_deferred_hold(outer);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    bight_deferred_add_both(outer, cleared, NULL);
    bight_deferred_release(outer);
}

static void retry(unsigned times)
{
    retry_by(times, &exact);
}

static void set_up(void)
{
    begin();
    script = "";
    attempts = 0;
}

static void tear_down(void)
{
    bight_deferred_release(outer);
    ck_assert_uint_eq(timers_pending(), 0);
    ck_assert_int_eq(reports, 0);
}

START_TEST(the_first_success_is_the_result)
{
    script = "ffv";
    retry(5);
    ck_assert_uint_eq(attempts, 1);
    advance(1);
    ck_assert_uint_eq(attempts, 2);
    advance(1.999);
    ck_assert_uint_eq(attempts, 2);
    ck_trace("");
    advance(0.001);
    ck_trace("~context outer=3 ");
}
END_TEST

START_TEST(an_attempt_that_gives_nothing_is_a_success)
{
    script = "n";
    retry(1);
    ck_trace("~context outer=- ");
}
END_TEST

START_TEST(pauses_grow_by_the_factor_up_to_the_longest)
{
    struct bight_retry_policy policy = exact;
    policy.first = 0.5;
    policy.factor = 3;
    policy.longest = 2;
    retry_by(5, &policy);
    const double pauses[] = { 0.5, 1.5, 2, 2 };
    for (unsigned i = 0; i < 4; i++) {
        advance(pauses[i] - 0.001);
        ck_assert_uint_eq(attempts, i + 1);
        advance(0.001);
        ck_assert_uint_eq(attempts, i + 2);
    }
    ck_trace("~context outer=CONNECTION_REFUSED ");
}
END_TEST

static void check_failure(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    const char *newest = context;
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_CONNECTION_REFUSED);
    ck_assert_str_eq(bight_failure_message(bight_failure_root(failure)), newest);
    note(bight_failure_message(failure));
    for (size_t i = 0; i < bight_failure_cause_count(failure); i++) {
        note(i == 0 ? ": " : ", ");
        note(bight_failure_message(bight_failure_cause(failure, i)));
    }
    bight_failure_release(failure);
}

static void exhaust(unsigned times, const char *newest)
{
    outer = bight_retry(&test_clock.base, times, &exact, attempt, NULL);
    bight_deferred_hold(outer);
    bight_deferred_add_both(outer, check_failure, NAME(newest));
    bight_deferred_release(outer);
    for (unsigned i = 1; i < times; i++) {
        advance(60);
    }
    ck_assert_uint_eq(attempts, times);
}

START_TEST(the_failure_says_how_many_attempts_there_were_and_what_each_failed_by)
{
    exhaust(3, "refused 3");
    ck_trace("3 attempts have failed: refused 3, refused 2, refused 1");
}
END_TEST

START_TEST(of_a_single_attempt_it_is_the_failure_itself)
{
    exhaust(1, "refused 1");
    ck_trace("refused 1");
}
END_TEST

START_TEST(of_many_attempts_the_last_ones_are_the_causes)
{
    exhaust(BIGHT_RETRY_CAUSES + 3, "refused 19");
    ck_trace("19 attempts have failed: refused 19, refused 18, refused 17, refused 16, refused 15, refused 14, "
             "refused 13, refused 12, refused 11, refused 10, refused 9, refused 8, refused 7, refused 6, refused 5, "
             "refused 4");
}
END_TEST

START_TEST(zero_times_is_as_often_as_it_takes)
{
    retry(0);
    for (int i = 0; i < 100; i++) {
        advance(60);
    }
    ck_trace("");
    ck_assert_uint_eq(attempts, 101);
    bight_deferred_cancel(outer);
    ck_trace("~context outer=CANCELLED ");
}
END_TEST

START_TEST(misuse_and_cancellation_are_not_worth_another_attempt)
{
    script = "fc";
    retry(5);
    advance(1);
    ck_trace("~context outer=CANCELLED ");
    bight_deferred_release(outer);
    attempts = 0;
    script = "u";
    retry(5);
    ck_trace("~context outer=STALE ");
}
END_TEST

static bool until_the_second(const struct bight_failure *failure, void *context)
{
    ck_assert_str_eq(context, "context");
    return strcmp(bight_failure_message(failure), "refused 2") != 0;
}

START_TEST(the_predicate_decides)
{
    struct bight_retry_policy policy = exact;
    policy.worth_it = until_the_second;
    retry_by(5, &policy);
    advance(1);
    ck_trace("~context outer=CONNECTION_REFUSED ");
    ck_assert_uint_eq(attempts, 2);
}
END_TEST

/* -------------------------------------------------------------------------------------------- jitter */

static uint64_t chance;

static int draw(struct bight_clock *clock, void *buffer, size_t size)
{
    (void)clock;
    ck_assert_uint_eq(size, sizeof chance);
    memcpy(buffer, &chance, size);
    return 0;
}

static int draw_nothing(struct bight_clock *clock, void *buffer, size_t size)
{
    (void)clock;
    (void)buffer;
    (void)size;
    return BIGHT_E_SYSTEM;
}

static double pause_with(const struct bight_retry_policy *policy, uint64_t drawn, bool has_chance)
{
    struct bight_clock_ops ops = test_clock_ops;
    const struct bight_clock_ops *before = test_clock.base.ops;
    ops.random = has_chance ? draw : draw_nothing;
    chance = drawn;
    test_clock.base.ops = &ops;
    uint64_t now = test_clock.now;
    retry_by(0, policy);
    double pause = 0;
    for (size_t i = 0; i < 16; i++) {
        pause = test_clock.timers[i].pending ? (double)(test_clock.timers[i].deadline - now) / 1e9 : pause;
    }
    bight_deferred_cancel(outer);
    bight_deferred_release(outer);
    outer = NULL;
    traced = 0;
    trace[0] = '\0';
    test_clock.base.ops = before;
    return pause;
}

START_TEST(jitter_shortens_a_pause_by_what_the_clock_draws)
{
    struct bight_retry_policy policy = { .size = sizeof policy, .first = 8, .jitter = 0.25 };
    ck_assert_double_eq_tol(pause_with(NULL, 0, true), 1, 1e-8);
    ck_assert_double_eq_tol(pause_with(NULL, UINT64_MAX, true), 0.5, 1e-8);
    ck_assert_double_eq_tol(pause_with(&policy, UINT64_MAX / 2, true), 7, 1e-8);
    policy.jitter = 1;
    ck_assert_double_eq_tol(pause_with(&policy, UINT64_MAX, true), 0, 1e-8);
    ck_assert_double_eq_tol(pause_with(&policy, UINT64_MAX, false), 8, 1e-8);
    policy.no_jitter = true;
    ck_assert_double_eq_tol(pause_with(&policy, UINT64_MAX, true), 8, 1e-8);
}
END_TEST

/* ---------------------------------------------------------------------------------------- cancelling */

START_TEST(cancelled_in_a_pause_it_fails_at_once) /* D14 */
{
    retry(5);
    bight_deferred_cancel(outer);
    ck_trace("~context outer=CANCELLED ");
    ck_assert_uint_eq(timers_pending(), 0);
}
END_TEST

START_TEST(cancelled_in_an_attempt_it_fails_with_that) /* D16 */
{
    script = "fw";
    retry(5);
    advance(1);
    bight_deferred_cancel(outer);
    ck_trace("~context outer=CANCELLED ");
    ck_assert_uint_eq(attempts, 2);
}
END_TEST

static void keep_waiting(struct bight_result *result, void *context)
{
    (void)result;
    struct bight_deferred *next = bight_deferred_new(context, NULL, NULL);
    bight_result_chain(result, next);
}

static struct bight_promise later;

static struct bight_deferred *stubborn_attempt(void *context)
{
    (void)context;
    attempts++;
    struct bight_deferred *deferred = bight_deferred_new(&waiting, NULL, NULL);
    bight_deferred_add_errback(deferred, keep_waiting, &later);
    return deferred;
}

START_TEST(after_a_cancel_the_outcome_of_the_attempt_stands_whatever_it_is) /* D16 */
{
    outer = bight_retry(&test_clock.base, 5, &exact, stubborn_attempt, NULL);
    bight_deferred_hold(outer);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    bight_deferred_add_both(outer, cleared, NULL);
    bight_deferred_release(outer);
    bight_deferred_cancel(outer);
    ck_trace("");
    bight_errback(later, bight_failure_of(BIGHT_E_TIMED_OUT));
    ck_trace("outer=TIMED_OUT ");
    ck_assert_uint_eq(attempts, 1);
}
END_TEST

static struct bight_deferred *cancel_the_outer(void *context)
{
    (void)context;
    if (++attempts == 2) {
        bight_deferred_cancel(outer);
        return bight_deferred_new(&waiting, NULL, NULL);
    }
    return bight_fail(bight_failure_of(BIGHT_E_TIMED_OUT));
}

START_TEST(an_attempt_may_cancel_the_whole)
{
    outer = bight_retry_full(&test_clock.base, 5, &exact, cancel_the_outer, NAME("context"), released);
    bight_deferred_hold(outer);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    bight_deferred_add_both(outer, cleared, NULL);
    bight_deferred_release(outer);
    advance(1);
    ck_trace("~context outer=CANCELLED ");
    ck_assert_uint_eq(attempts, 2);
}
END_TEST

static bool cancel_when_asked(const struct bight_failure *failure, void *context)
{
    (void)failure;
    (void)context;
    bight_deferred_cancel(outer);
    return true;
}

START_TEST(the_predicate_may_cancel_the_whole)
{
    struct bight_retry_policy policy = exact;
    script = "w";
    policy.worth_it = cancel_when_asked;
    retry_by(5, &policy);
    bight_errback(waiting, bight_failure_of(BIGHT_E_TIMED_OUT));
    ck_trace("~context outer=TIMED_OUT ");
}
END_TEST

START_TEST(a_timeout_of_the_whole_ends_it) /* D17 */
{
    script = "ff";
    outer = bight_retry(&test_clock.base, 0, &exact, attempt, NULL);
    bight_deferred_hold(outer);
    ck_assert_int_eq(bight_deferred_add_timeout(outer, 2, &test_clock.base), 0);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    bight_deferred_add_both(outer, cleared, NULL);
    bight_deferred_release(outer);
    advance(1);
    advance(1);
    ck_trace("outer=TIMED_OUT ");
}
END_TEST

START_TEST(a_clock_that_ends_abandons_it_quietly) /* D18 */
{
    outer = bight_retry_full(&test_clock.base, 0, &exact, attempt, NAME("context"), released);
    struct test_timer *timer = &test_clock.timers[0];
    ck_assert(timer->pending);
    timer->pending = false;
    timer->slot.generation++;
    timer->release(timer->context);
    ck_trace("~context ");
    release_failed(outer, BIGHT_E_ABANDONED);
    outer = NULL;
}
END_TEST

/* -------------------------------------------------------------------------------------------- errors */

static void refused(const struct bight_retry_policy *policy, struct bight_clock *clock, bight_retry_function function)
{
    int before = usage_errors;
    struct bight_deferred *deferred = bight_retry_full(clock, 3, policy, function, NAME("context"), released);
    ck_trace("~context ");
    ck_assert_int_eq(usage_errors, before + 1);
    release_failed(deferred, BIGHT_E_INVALID_ARGUMENT);
}

START_TEST(what_is_out_of_range_is_a_usage_error)
{
    struct bight_retry_policy policy = exact;
    refused(NULL, NULL, attempt);
    refused(NULL, &test_clock.base, NULL);
    policy.first = -1;
    refused(&policy, &test_clock.base, attempt);
    policy.first = NAN;
    refused(&policy, &test_clock.base, attempt);
    policy.first = 0;
    policy.factor = 0.5;
    refused(&policy, &test_clock.base, attempt);
    policy.factor = 0;
    policy.longest = -1;
    refused(&policy, &test_clock.base, attempt);
    policy.longest = 0;
    policy.jitter = 1.5;
    refused(&policy, &test_clock.base, attempt);
    ck_assert_uint_eq(attempts, 0);
}
END_TEST

START_TEST(each_allocation_may_fail) /* D33 D34 */
{
    struct bight_test_memory memory;
    unsigned nth = 0;
    do {
        nth++;
        attempts = 0;
        traced = 0;
        trace[0] = '\0';
        script = "ffw";
        bight_test_fail_nth(&memory, nth);
        retry(3);
        advance(1);
        advance(2);
        if (attempts == 3) {
            (void)bight_callback(waiting, NULL, NULL);
        }
        waiting = (struct bight_promise) { .slot = NULL };
        ck_assert_msg(strstr(trace, "~context ") != NULL, "%u: %s", nth, trace);
        bight_deferred_release(outer);
        outer = NULL;
        ck_assert_int_eq(memory.out, 0);
    } while (memory.asked >= nth);
    ck_assert_uint_gt(nth, 3);
    bight_set_allocator(NULL);
    reports = 0;
}
END_TEST

/* A retry of retries of ...: the innermost failure comes up through all in the stack of one. */

static struct bight_deferred *inner_retry(void *context)
{
    size_t depth = (size_t)(uintptr_t)context;
    return bight_retry(&test_clock.base, 1, &exact, depth == 1 ? attempt : inner_retry, (void *)(uintptr_t)(depth - 1));
}

static void fire_deep(void)
{
    bight_callback(waiting, &bight_type_integer, bight_integer(7));
}

START_TEST(nested_ones_are_resolved_in_constant_stack) /* D12 */
{
    script = "w";
    outer = inner_retry((void *)(uintptr_t)200);
    with_little_stack(fire_deep);
    release_with(outer, 7);
    outer = NULL;
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_first_success_is_the_result);
    tcase_add_test(tests, an_attempt_that_gives_nothing_is_a_success);
    tcase_add_test(tests, pauses_grow_by_the_factor_up_to_the_longest);
    tcase_add_test(tests, the_failure_says_how_many_attempts_there_were_and_what_each_failed_by);
    tcase_add_test(tests, of_a_single_attempt_it_is_the_failure_itself);
    tcase_add_test(tests, of_many_attempts_the_last_ones_are_the_causes);
    tcase_add_test(tests, zero_times_is_as_often_as_it_takes);
    tcase_add_test(tests, misuse_and_cancellation_are_not_worth_another_attempt);
    tcase_add_test(tests, the_predicate_decides);
    tcase_add_test(tests, jitter_shortens_a_pause_by_what_the_clock_draws);
    tcase_add_test(tests, cancelled_in_a_pause_it_fails_at_once);
    tcase_add_test(tests, cancelled_in_an_attempt_it_fails_with_that);
    tcase_add_test(tests, after_a_cancel_the_outcome_of_the_attempt_stands_whatever_it_is);
    tcase_add_test(tests, an_attempt_may_cancel_the_whole);
    tcase_add_test(tests, the_predicate_may_cancel_the_whole);
    tcase_add_test(tests, a_timeout_of_the_whole_ends_it);
    tcase_add_test(tests, a_clock_that_ends_abandons_it_quietly);
    tcase_add_test(tests, what_is_out_of_range_is_a_usage_error);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, nested_ones_are_resolved_in_constant_stack);
}

BIGHT_TEST_MAIN("retry", add_tests)
