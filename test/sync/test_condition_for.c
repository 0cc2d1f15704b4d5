/* SPDX-License-Identifier: MIT */
/* test_condition_for.c - waiting at a condition until a predicate is true. */
#include <bight/combine.h>

#include "sync_support.h"

static struct bight_lock *lock;
static struct bight_condition *condition;
static int available, asked;
static bool (*trick)(void); /* done inside the predicate */

static void set_up(void)
{
    begin();
    lock = bight_lock_new();
    condition = bight_condition_new(lock);
    ck_assert_ptr_nonnull(condition);
    available = asked = 0;
    trick = NULL;
}

static void tear_down(void)
{
    bight_condition_free(condition);
    bight_lock_free(lock);
    ck_assert_int_eq(reports, 0);
}

/* As many are available as the context says. */
static bool enough(void *context)
{
    asked++;
    ck_assert(lock == NULL || bight_lock_is_locked(lock));
    ck_assert(lock == NULL || !bight_lock_try_acquire(lock));
    if (trick != NULL) {
        return trick();
    }
    return available >= *(const int *)context;
}

static int one = 1, two = 2;

static struct bight_deferred *wait_for(int *number)
{
    bool have_it = bight_lock_try_acquire(lock);
    ck_assert(have_it);
    return bight_condition_wait_for(condition, enough, number);
}

static void release_lock(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert_int_eq(bight_lock_release(lock), 0);
}

static void wait_as(const char *name, int *number)
{
    then_do(wait_for(number), name, release_lock, NULL);
}

/* So many are there from now on, and all are notified of it. */
static void change(int number)
{
    ck_assert(bight_lock_try_acquire(lock));
    available = number;
    ck_assert_int_eq(bight_condition_notify_all(condition), 0);
    bight_lock_release(lock);
}

START_TEST(what_is_true_already_is_not_waited_for) /* D30 */
{
    available = 1;
    struct bight_deferred *a = watch(wait_for(&one), "a");
    ck_trace("a+ ");
    ck_assert(bight_lock_is_locked(lock));
    ck_assert_int_eq(asked, 1);
    bight_deferred_release(a);
    ck_assert(bight_lock_is_locked(lock));
    bight_lock_release(lock);
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(what_is_not_true_is_waited_for_without_the_lock) /* D30 */
{
    wait_as("a", &one);
    ck_trace("");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_uint_eq(bight_condition_waiting(condition), 1);
    change(1);
    ck_trace("a+ ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_int_eq(asked, 2);
}

START_TEST(who_hears_a_no_waits_for_the_next_notification) /* D30 */
{
    wait_as("a", &two);
    wait_as("b", &one);
    change(0);
    ck_trace("");
    ck_assert_uint_eq(bight_condition_waiting(condition), 2);
    ck_assert(!bight_lock_is_locked(lock));
    change(1);
    ck_trace("b+ ");
    ck_assert_uint_eq(bight_condition_waiting(condition), 1);
    change(2);
    ck_trace("a+ ");
    ck_assert_int_eq(asked, 2 + 2 + 2 + 1);
}

START_TEST(who_hears_a_no_stands_behind_the_others) /* D30 */
{
    wait_as("a", &one);
    wait_as("b", &one);
    bight_lock_try_acquire(lock);
    bight_condition_notify(condition, 1);
    bight_lock_release(lock);
    ck_trace("");
    change(1);
    ck_trace("b+ a+ ");
}

START_TEST(between_the_askings_others_have_their_turn_at_the_lock) /* D28 D30 */
{
    wait_as("a", &one);
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    then_do(bight_lock_acquire(lock), "b", release_lock, NULL);
    bight_lock_release(lock);
    ck_trace("b+ ");
    ck_assert_int_eq(asked, 2);
    change(1);
    ck_trace("a+ ");
}

START_TEST(misuse_is_refused) /* D30 */
{
    listen_to(bight_condition_wait_for(condition, enough, &one), "a");
    ck_trace("a=USAGE ");
    bight_lock_try_acquire(lock);
    listen_to(bight_condition_wait_for(condition, NULL, NULL), "b");
    ck_trace("b=INVALID_ARGUMENT ");
    ck_assert_int_eq(usage_errors, 2);
    ck_assert_int_eq(asked, 0);
    ck_assert(bight_lock_is_locked(lock));
}

START_TEST(a_cancelled_one_fails_with_the_lock_and_is_not_asked) /* D14 D30 */
{
    struct bight_deferred *a = watch(wait_for(&one), "a");
    change(0);
    bight_lock_try_acquire(lock);
    bight_deferred_cancel(a);
    ck_trace("");
    bight_lock_release(lock);
    ck_trace("a=CANCELLED ");
    ck_assert_int_eq(asked, 2);
    ck_assert(bight_lock_is_locked(lock));
    bight_deferred_release(a);
}

START_TEST(a_notification_that_a_cancelled_one_had_goes_to_the_next) /* D30 */
{
    struct bight_deferred *a = watch(wait_for(&one), "a");
    wait_as("b", &one);
    bight_lock_try_acquire(lock);
    available = 1;
    bight_condition_notify(condition, 1);
    bight_deferred_cancel(a);
    bight_lock_release(lock);
    ck_trace("a=CANCELLED ");
    bight_lock_release(lock);
    ck_trace("b+ ");
    bight_deferred_release(a);
}

START_TEST(its_time_may_be_up_while_notifications_come) /* D17 D30 */
{
    struct bight_deferred *a = wait_for(&one);
    bight_deferred_add_timeout(a, 1, &test_clock.base);
    then_do(a, "a", release_lock, NULL);
    change(0);
    advance(1);
    ck_trace("a=TIMED_OUT ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_uint_eq(timers_pending(), 0);
}

START_TEST(freeing_the_condition_fails_it_with_the_lock) /* D28 D30 */
{
    wait_as("a", &one);
    change(0);
    bight_condition_free(condition);
    condition = NULL;
    ck_trace("a=ABANDONED ");
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(the_notified_ask_once_more_when_the_condition_has_gone) /* D28 D30 */
{
    wait_as("a", &one);
    wait_as("b", &two);
    bight_lock_try_acquire(lock);
    available = 1;
    bight_condition_notify_all(condition);
    bight_condition_free(condition);
    condition = NULL;
    bight_lock_release(lock);
    ck_trace("a+ b=ABANDONED ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_int_eq(asked, 4);
}

START_TEST(freeing_the_lock_fails_it_without) /* D28 D30 */
{
    listen_to(wait_for(&one), "a");
    change(0);
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_lock_free(lock);
    lock = NULL;
    ck_trace("a=ABANDONED ");
    ck_assert_int_eq(asked, 2);
    listen_to(bight_condition_wait_for(condition, enough, &one), "late");
    ck_trace("late=ABANDONED ");
}

/* ---------------------------------------------------------------------------------- runs and tokens */

static struct bight_deferred *wait_in_run(void *number)
{
    return bight_condition_wait_for(condition, enough, number);
}

START_TEST(a_run_releases_the_lock_however_often_it_was_asked) /* D28 D30 */
{
    listen_to(bight_lock_run(lock, wait_in_run, &one), "a");
    listen_to(bight_lock_run(lock, wait_in_run, &two), "b");
    change(0);
    change(1);
    ck_trace("a+ ");
    ck_assert(!bight_lock_is_locked(lock));
    change(2);
    ck_trace("b+ ");
    ck_assert(!bight_lock_is_locked(lock));
    listen_to(bight_lock_run(lock, wait_in_run, &one), "at once");
    ck_trace("at once+ ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_int_eq(usage_errors, 0);
}

START_TEST(one_that_nobody_will_see_gives_the_lock_back) /* D26 D30 */
{
    available = 1;
    struct bight_deferred *a = wait_for(&one);
    bight_result_discard(bight_deferred_result(a));
    ck_assert(!bight_lock_is_locked(lock));
    bight_deferred_release(a);
    a = wait_for(&two);
    change(0);
    change(2);
    ck_assert(bight_lock_is_locked(lock));
    bight_result_discard(bight_deferred_result(a));
    ck_assert(!bight_lock_is_locked(lock));
    bight_deferred_release(a);
}

static struct bight_deferred *race_in_run(void *number)
{
    struct bight_deferred *both[] = { bight_succeed(NULL, NULL), wait_in_run(number) };
    return bight_race(both, 2);
}

START_TEST(one_that_loses_a_race_in_a_run_leaves_nothing_held) /* D26 D28 D30 */
{
    struct bight_deferred *run = bight_lock_run(lock, race_in_run, &one);
    ck_assert(bight_deferred_has_fired(run));
    bight_deferred_release(run);
    ck_assert(!bight_lock_is_locked(lock));
    available = 1;
    run = bight_lock_run(lock, race_in_run, &one);
    ck_assert(bight_deferred_has_fired(run));
    bight_deferred_release(run);
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_uint_eq(bight_condition_waiting(condition), 0);
    ck_assert_int_eq(usage_errors, 0);
}

/* --------------------------------------------------------------------------- inside the predicate */

static struct bight_deferred *waiting;

static bool cancel_inside(void)
{
    bight_deferred_cancel(waiting);
    return false;
}

START_TEST(the_predicate_may_cancel_the_wait) /* D14 D30 */
{
    waiting = watch(wait_for(&one), "a");
    trick = cancel_inside;
    change(0);
    ck_trace("a=CANCELLED ");
    ck_assert(bight_lock_is_locked(lock));
    ck_assert_uint_eq(bight_condition_waiting(condition), 0);
    bight_deferred_release(waiting);
}

static bool free_condition_inside(void)
{
    bight_condition_free(condition);
    condition = NULL;
    return false;
}

START_TEST(the_predicate_may_free_the_condition) /* D30 */
{
    wait_as("a", &one);
    wait_as("b", &one);
    trick = free_condition_inside;
    bight_lock_try_acquire(lock);
    bight_condition_notify(condition, 1);
    bight_lock_release(lock);
    ck_trace("a=ABANDONED b=ABANDONED ");
    ck_assert(!bight_lock_is_locked(lock));
}

static bool free_lock_inside(void)
{
    bight_lock_free(lock);
    lock = NULL;
    return true;
}

START_TEST(the_predicate_may_free_the_lock) /* D28 D30 */
{
    listen_to(wait_for(&one), "a");
    trick = free_lock_inside;
    change(0);
    ck_trace("a=ABANDONED ");
}

static bool free_both_inside(void)
{
    free_condition_inside();
    return free_lock_inside();
}

START_TEST(the_predicate_may_free_both) /* D28 D30 */
{
    listen_to(wait_for(&one), "a");
    trick = free_both_inside;
    change(0);
    ck_trace("a=ABANDONED ");
}

START_TEST(the_predicate_may_free_both_when_it_is_asked_first) /* D28 D30 */
{
    trick = free_both_inside;
    listen_to(wait_for(&one), "a");
    ck_trace("a=ABANDONED ");
}

static bool release_inside(void)
{
    bight_lock_release(lock);
    return true;
}

START_TEST(a_predicate_that_releases_the_lock_is_a_usage_error) /* D30 */
{
    wait_as("a", &one);
    trick = release_inside;
    change(0);
    ck_trace("a+ ");
    ck_assert_int_eq(usage_errors, 1);
    ck_assert(!bight_lock_is_locked(lock));
    listen_to(wait_for(&one), "b");
    ck_trace("b=USAGE ");
    ck_assert_int_eq(usage_errors, 2);
}

static bool wait_inside(void)
{
    trick = NULL;
    listen_to(bight_condition_wait_for(condition, enough, &two), "inner");
    return false;
}

START_TEST(a_wait_inside_the_predicate_does_no_harm) /* D30 */
{
    wait_as("a", &one);
    trick = wait_inside;
    change(0);
    ck_assert_uint_eq(bight_condition_waiting(condition), 2);
    ck_assert(!bight_lock_is_locked(lock));
    change(2);
    ck_trace("inner+ ");
    bight_lock_release(lock);
    ck_trace("a+ ");
}

/* ------------------------------------------------------------------------------------ many, and memory */

static int turns;

static void count_turn(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    turns += bight_lock_release(lock) == BIGHT_OK ? 1 : 0;
}

static void many_who_wait(void)
{
    for (int i = 0; i < HUNDRED_THOUSAND; i++) {
        struct bight_deferred *deferred = wait_for(&one);
        bight_deferred_add_both(deferred, count_turn, NULL);
        bight_deferred_release(deferred);
    }
    change(0);
    ck_assert_uint_eq(bight_condition_waiting(condition), HUNDRED_THOUSAND);
    ck_assert_int_eq(asked, 2 * HUNDRED_THOUSAND);
    change(1);
    ck_assert_int_eq(turns, HUNDRED_THOUSAND);
}

START_TEST(many_who_hear_a_no_cost_the_stack_of_one) /* D12 D30 */
{
    with_little_stack(many_who_wait);
}

static void use_it(void)
{
    available = 0;
    lock = bight_lock_new();
    condition = lock != NULL ? bight_condition_new(lock) : NULL;
    if (condition != NULL) {
        listen_to(bight_lock_run(lock, wait_in_run, &one), "");
        change(0);
        change(1);
        listen_to(bight_lock_run(lock, wait_in_run, &one), "");
        ck_assert(bight_lock_try_acquire(lock));
        listen_to(bight_condition_wait_for(condition, enough, &one), "");
        ck_assert(bight_lock_is_locked(lock)); /* when out of memory too */
        ck_assert_int_eq(bight_lock_release(lock), 0);
    }
    bight_condition_free(condition);
    ck_assert(lock == NULL || !bight_lock_is_locked(lock));
    bight_lock_free(lock);
}

START_TEST(each_allocation_may_fail) /* D30 D34 */
{
    tear_down();
    with_each_fault(use_it);
    condition = NULL;
    lock = NULL;
    reports = 0;
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_true_already_is_not_waited_for);
    tcase_add_test(tests, what_is_not_true_is_waited_for_without_the_lock);
    tcase_add_test(tests, who_hears_a_no_waits_for_the_next_notification);
    tcase_add_test(tests, who_hears_a_no_stands_behind_the_others);
    tcase_add_test(tests, between_the_askings_others_have_their_turn_at_the_lock);
    tcase_add_test(tests, misuse_is_refused);
    tcase_add_test(tests, a_cancelled_one_fails_with_the_lock_and_is_not_asked);
    tcase_add_test(tests, a_notification_that_a_cancelled_one_had_goes_to_the_next);
    tcase_add_test(tests, its_time_may_be_up_while_notifications_come);
    tcase_add_test(tests, freeing_the_condition_fails_it_with_the_lock);
    tcase_add_test(tests, the_notified_ask_once_more_when_the_condition_has_gone);
    tcase_add_test(tests, freeing_the_lock_fails_it_without);
    tcase_add_test(tests, a_run_releases_the_lock_however_often_it_was_asked);
    tcase_add_test(tests, one_that_nobody_will_see_gives_the_lock_back);
    tcase_add_test(tests, one_that_loses_a_race_in_a_run_leaves_nothing_held);
    tcase_add_test(tests, the_predicate_may_cancel_the_wait);
    tcase_add_test(tests, the_predicate_may_free_the_condition);
    tcase_add_test(tests, the_predicate_may_free_the_lock);
    tcase_add_test(tests, the_predicate_may_free_both);
    tcase_add_test(tests, the_predicate_may_free_both_when_it_is_asked_first);
    tcase_add_test(tests, a_predicate_that_releases_the_lock_is_a_usage_error);
    tcase_add_test(tests, a_wait_inside_the_predicate_does_no_harm);
    tcase_add_test(tests, many_who_hear_a_no_cost_the_stack_of_one);
    tcase_add_test(tests, each_allocation_may_fail);
}

BIGHT_TEST_MAIN("condition for", add_tests)
