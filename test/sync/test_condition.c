/* SPDX-License-Identifier: MIT */
/* test_condition.c - conditions: the lock is given up, and is held again whatever a wait ends with. */
#include <bight/combine.h>

#include "sync_support.h"

static struct bight_lock *lock;
static struct bight_condition *condition;

static void set_up(void)
{
    begin();
    lock = bight_lock_new();
    condition = bight_condition_new(lock);
    ck_assert_ptr_nonnull(condition);
}

static void tear_down(void)
{
    bight_condition_free(condition);
    bight_lock_free(lock);
}

/* A wait of one that takes the lock for it. */
static struct bight_deferred *wait_for_it(void)
{
    bool have_it = bight_lock_try_acquire(lock);
    ck_assert(have_it);
    return bight_condition_wait(condition);
}

static void wait_as(const char *name)
{
    listen_to(wait_for_it(), name);
}

static void release_lock(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert_int_eq(bight_lock_release(lock), 0);
}

static void wait_and_release_as(const char *name)
{
    then_do(wait_for_it(), name, release_lock, NULL);
}

START_TEST(waiting_releases_the_lock) /* D30 */
{
    wait_as("a");
    ck_trace("");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_uint_eq(bight_condition_waiting(condition), 1);
}

START_TEST(waiting_hands_the_lock_to_the_next) /* D28 D30 */
{
    bight_lock_try_acquire(lock);
    listen_to(bight_lock_acquire(lock), "b");
    listen_to(bight_condition_wait(condition), "a");
    ck_trace("b+ ");
    ck_assert(bight_lock_is_locked(lock));
}

START_TEST(waiting_without_the_lock_is_a_usage_error) /* D30 */
{
    listen_to(bight_condition_wait(condition), "a");
    ck_trace("a=USAGE ");
    ck_assert_int_eq(bight_condition_notify(condition, 1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_condition_notify_all(condition), BIGHT_E_USAGE);
    ck_assert_int_eq(usage_errors, 3);
}

START_TEST(who_is_notified_goes_on_with_the_lock) /* D30 */
{
    wait_as("a");
    bight_lock_try_acquire(lock);
    ck_assert_int_eq(bight_condition_notify(condition, 1), 0);
    ck_trace("");
    ck_assert_uint_eq(bight_condition_waiting(condition), 0);
    ck_assert_uint_eq(bight_lock_waiting(lock), 1);
    bight_lock_release(lock);
    ck_trace("a+ ");
    ck_assert(bight_lock_is_locked(lock));
    bight_lock_release(lock);
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(one_then_two_then_all_of_five) /* D30 */
{
    const char *names[] = { "a", "b", "c", "d", "e" };
    for (int i = 0; i < 5; i++) {
        wait_and_release_as(names[i]);
    }
    bight_lock_try_acquire(lock);
    bight_condition_notify(condition, 1);
    bight_lock_release(lock);
    ck_trace("a+ ");
    bight_lock_try_acquire(lock);
    bight_condition_notify(condition, 2);
    bight_condition_notify(condition, 0);
    bight_lock_release(lock);
    ck_trace("b+ c+ ");
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_lock_release(lock);
    ck_trace("d+ e+ ");
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(the_notified_stand_behind_those_who_wait_for_the_lock) /* D28 D30 */
{
    wait_as("a");
    bight_lock_try_acquire(lock);
    listen_to(bight_lock_acquire(lock), "b");
    bight_condition_notify_all(condition);
    bight_lock_release(lock);
    ck_trace("b+ ");
    bight_lock_release(lock);
    ck_trace("a+ ");
}

START_TEST(a_cancelled_wait_has_the_lock_when_it_fails) /* D14 D30 */
{
    struct bight_deferred *a = watch(wait_for_it(), "a");
    bight_deferred_cancel(a);
    ck_trace("a=CANCELLED ");
    ck_assert(bight_lock_is_locked(lock));
    ck_assert_uint_eq(bight_condition_waiting(condition), 0);
    bight_lock_release(lock);
    ck_assert(!bight_lock_is_locked(lock));
    bight_deferred_release(a);
}

START_TEST(a_cancelled_wait_fails_when_its_turn_has_come) /* D14 D28 D30 */
{
    struct bight_deferred *a = watch(wait_for_it(), "a");
    bight_lock_try_acquire(lock);
    listen_to(bight_lock_acquire(lock), "b");
    bight_deferred_cancel(a);
    bight_deferred_cancel(a);
    listen_to(bight_lock_acquire(lock), "c");
    ck_trace("");
    bight_lock_release(lock);
    ck_trace("b+ ");
    bight_lock_release(lock);
    ck_trace("a=CANCELLED ");
    bight_lock_release(lock);
    ck_trace("c+ ");
    bight_deferred_release(a);
}

/* The one who released the Deferred does not set its handlers free (D31). */
START_TEST(a_cancelled_wait_that_nobody_holds_keeps_its_turn) /* D30 D31 */
{
    struct bight_deferred *a = wait_for_it();
    bight_deferred_add_both(a, heard, NAME("a"));
    bight_lock_try_acquire(lock);
    bight_deferred_cancel(a);
    bight_deferred_release(a);
    ck_trace("");
    ck_assert_int_eq(reports, 0);
    bight_lock_release(lock);
    ck_trace("a=CANCELLED ");
    ck_assert_int_eq(reports, 1);
    ck_assert(bight_lock_is_locked(lock));
}

START_TEST(a_wait_whose_time_is_up_has_the_lock_when_it_fails) /* D17 D30 */
{
    struct bight_deferred *a = wait_for_it();
    bight_deferred_add_timeout(a, 1, &test_clock.base);
    then_do(a, "a", release_lock, NULL);
    bight_lock_try_acquire(lock);
    advance(1);
    ck_trace("");
    bight_lock_release(lock);
    ck_trace("a=TIMED_OUT ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_uint_eq(timers_pending(), 0);
}

START_TEST(a_notification_that_is_not_used_goes_to_the_next) /* D30 */
{
    struct bight_deferred *a = watch(wait_for_it(), "a");
    wait_as("b");
    bight_lock_try_acquire(lock);
    bight_condition_notify(condition, 1);
    bight_deferred_cancel(a);
    ck_assert_uint_eq(bight_condition_waiting(condition), 0);
    bight_lock_release(lock);
    ck_trace("a=CANCELLED ");
    bight_lock_release(lock);
    ck_trace("b+ ");
    bight_deferred_release(a);
}

START_TEST(freeing_fails_who_waits_each_with_the_lock) /* D28 D30 */
{
    wait_and_release_as("a");
    wait_and_release_as("b");
    bight_condition_free(condition);
    condition = NULL;
    ck_trace("a=ABANDONED b=ABANDONED ");
    ck_assert(!bight_lock_is_locked(lock));
    bight_condition_free(NULL);
}

START_TEST(freed_while_the_lock_is_held_it_fails_them_later) /* D28 D30 */
{
    wait_and_release_as("a");
    bight_lock_try_acquire(lock);
    bight_condition_free(condition);
    condition = NULL;
    ck_trace("");
    bight_lock_release(lock);
    ck_trace("a=ABANDONED ");
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(the_notified_outlive_the_condition) /* D30 */
{
    wait_as("a");
    struct bight_deferred *b = watch(wait_for_it(), "b");
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_condition_free(condition);
    condition = NULL;
    bight_deferred_cancel(b);
    bight_lock_release(lock);
    ck_trace("a+ ");
    bight_lock_release(lock);
    ck_trace("b=CANCELLED ");
    bight_deferred_release(b);
}

START_TEST(when_the_lock_has_gone_a_wait_fails_without_it) /* D28 D30 */
{
    struct bight_deferred *a = watch(wait_for_it(), "a");
    wait_as("b");
    wait_as("c");
    struct bight_deferred *d = watch(wait_for_it(), "d");
    bight_lock_try_acquire(lock);
    bight_condition_notify(condition, 1);
    bight_lock_free(lock);
    lock = NULL;
    ck_trace("a=ABANDONED ");
    ck_assert_int_eq(bight_condition_notify(condition, 1), 0);
    ck_trace("b=ABANDONED ");
    bight_deferred_cancel(d);
    ck_trace("d=CANCELLED ");
    listen_to(bight_condition_wait(condition), "late");
    bight_condition_free(condition);
    condition = NULL;
    ck_trace("late=ABANDONED c=ABANDONED ");
    bight_deferred_release(a);
    bight_deferred_release(d);
}

START_TEST(a_cancelled_wait_whose_lock_is_freed_fails_as_cancelled) /* D28 D30 */
{
    struct bight_deferred *a = watch(wait_for_it(), "a");
    bight_lock_try_acquire(lock);
    bight_deferred_cancel(a);
    bight_lock_free(lock);
    lock = NULL;
    ck_trace("a=CANCELLED ");
    bight_deferred_release(a);
}

START_TEST(a_wait_that_nobody_will_see_gives_the_lock_back) /* D26 D30 D31 */
{
    struct bight_deferred *a = wait_for_it();
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_lock_release(lock);
    ck_assert(bight_lock_is_locked(lock));
    bight_result_discard(bight_deferred_result(a));
    ck_assert(!bight_lock_is_locked(lock));
    bight_deferred_release(a);
}

/* ---------------------------------------------------------------------------------- with the lock held */

static struct bight_deferred *wait_in_run(void *context)
{
    (void)context;
    return bight_condition_wait(condition);
}

START_TEST(run_releases_what_a_wait_has_got_back) /* D28 D30 */
{
    listen_to(bight_lock_run(lock, wait_in_run, NULL), "a");
    ck_assert(!bight_lock_is_locked(lock));
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_lock_release(lock);
    ck_trace("a+ ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_int_eq(usage_errors, 0);
}

START_TEST(run_releases_what_a_cancelled_wait_has_got_back) /* D16 D28 D30 */
{
    struct bight_deferred *a = watch(bight_lock_run(lock, wait_in_run, NULL), "a");
    bight_lock_try_acquire(lock);
    bight_deferred_cancel(a);
    ck_trace("");
    bight_lock_release(lock);
    ck_trace("a=CANCELLED ");
    ck_assert(!bight_lock_is_locked(lock));
    bight_deferred_release(a);
}

START_TEST(a_run_whose_lock_goes_while_it_waits_is_abandoned) /* D28 D30 */
{
    listen_to(bight_lock_run(lock, wait_in_run, NULL), "a");
    bight_lock_free(lock);
    lock = NULL;
    ck_trace("");
    bight_condition_free(condition);
    condition = NULL;
    ck_trace("a=ABANDONED ");
}

static void wait_once_more(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_chain(result, bight_condition_wait(condition));
}

static struct bight_deferred *wait_twice(void *context)
{
    struct bight_deferred *wait = bight_condition_wait(condition);
    bight_deferred_add_callback(wait, wait_once_more, context);
    return wait;
}

START_TEST(a_run_may_wait_again_and_again) /* D28 D30 */
{
    listen_to(bight_lock_run(lock, wait_twice, NULL), "a");
    for (int i = 0; i < 2; i++) {
        ck_trace("");
        ck_assert(bight_lock_try_acquire(lock));
        bight_condition_notify_all(condition);
        bight_lock_release(lock);
    }
    ck_trace("a+ ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_int_eq(usage_errors, 0);
}

static void has_the_lock(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert(lock == NULL || !bight_lock_try_acquire(lock));
}

static struct bight_deferred *leave_a_wait_behind(void *context)
{
    then_do(bight_condition_wait(condition), context, has_the_lock, NULL);
    return NULL;
}

START_TEST(a_wait_that_outlives_its_run_gives_the_lock_back) /* D28 D30 */
{
    listen_to(bight_lock_run(lock, leave_a_wait_behind, NAME("a")), "run");
    listen_to(bight_lock_run(lock, leave_a_wait_behind, NAME("b")), "run");
    ck_trace("run=- run=- ");
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_lock_release(lock);
    ck_trace("a+ b+ ");
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_int_eq(usage_errors, 0);
}

static struct bight_deferred *leave_a_releasing_wait_behind(void *context)
{
    then_do(bight_condition_wait(condition), context, release_lock, NULL);
    return NULL;
}

START_TEST(a_wait_that_outlives_its_run_may_release_by_hand) /* D28 D30 */
{
    listen_to(bight_lock_run(lock, leave_a_releasing_wait_behind, NAME("a")), "run");
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    listen_to(bight_lock_acquire(lock), "b");
    bight_lock_release(lock);
    ck_trace("run=- a+ b+ ");
    ck_assert(bight_lock_is_locked(lock));
    ck_assert_int_eq(usage_errors, 0);
}

START_TEST(a_wait_that_outlives_its_run_may_outlive_the_lock) /* D28 D30 */
{
    listen_to(bight_lock_run(lock, leave_a_wait_behind, NAME("a")), "run");
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_lock_free(lock);
    lock = NULL;
    ck_trace("run=- a=ABANDONED ");
}

static struct bight_promise other;

static struct bight_deferred *race_with_a_wait(void *context)
{
    struct bight_deferred *both[] = { bight_condition_wait(condition), bight_deferred_new(&other, NULL, NULL) };
    (void)context;
    return bight_race(both, 2);
}

static void ignore(struct bight_result *result, void *context)
{
    note(context);
    note(bight_result_failure(result) != NULL ? "! " : "+ ");
    bight_result_clear(result);
}

START_TEST(a_wait_that_loses_a_race_gives_the_lock_back) /* D26 D28 D30 */
{
    struct bight_deferred *run = bight_lock_run(lock, race_with_a_wait, NULL);
    bight_deferred_add_both(run, ignore, NAME("run"));
    bight_deferred_release(run);
    bight_lock_try_acquire(lock);
    fire(other, 1);
    ck_trace("run+ ");
    ck_assert(bight_lock_is_locked(lock));
    bight_lock_release(lock);
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_int_eq(usage_errors + reports, 0);
}

/* ------------------------------------------------------------------------------------- from inside */

static void free_both(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_condition_free(condition);
    bight_lock_free(lock);
    condition = NULL;
    lock = NULL;
}

START_TEST(a_handler_may_free_condition_and_lock) /* D28 D30 */
{
    then_do(wait_for_it(), "a", free_both, NULL);
    wait_as("b");
    wait_as("c");
    bight_lock_try_acquire(lock);
    bight_condition_notify(condition, 2);
    bight_lock_release(lock);
    ck_trace("a+ b=ABANDONED c=ABANDONED ");
}

static void free_condition(struct bight_result *result, void *context)
{
    (void)result;
    bight_condition_free(context);
    listen_to(bight_condition_wait(context), "late");
    condition = NULL;
}

START_TEST(who_fails_with_the_lock_gone_may_free_the_condition) /* D28 D30 */
{
    then_do(wait_for_it(), "a", free_condition, condition);
    wait_as("b");
    bight_lock_free(lock);
    lock = NULL;
    bight_condition_notify_all(condition);
    ck_trace("a=ABANDONED b=ABANDONED late=ABANDONED ");
}

static void acquire_and_free(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    free_both(NULL, NULL);
}

START_TEST(who_gets_the_lock_from_a_wait_may_free_all) /* D28 D30 */
{
    bight_lock_try_acquire(lock);
    then_do(bight_lock_acquire(lock), "b", acquire_and_free, NULL);
    listen_to(bight_condition_wait(condition), "a");
    ck_trace("b+ a=ABANDONED ");
}

static int turns;

static void take_turn(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    turns += bight_lock_release(lock) == BIGHT_OK ? 1 : 0;
}

static void many_waits(int count)
{
    for (int i = 0; i < count; i++) {
        struct bight_deferred *deferred = wait_for_it();
        bight_deferred_add_both(deferred, take_turn, NULL);
        bight_deferred_release(deferred);
    }
}

static void many_waiters(void)
{
    many_waits(HUNDRED_THOUSAND);
    bight_lock_try_acquire(lock);
    bight_condition_notify_all(condition);
    bight_lock_release(lock);
    ck_assert_int_eq(turns, HUNDRED_THOUSAND);
    many_waits(HUNDRED_THOUSAND);
    bight_condition_free(condition);
    condition = NULL;
    ck_assert_int_eq(turns, 2 * HUNDRED_THOUSAND);
}

START_TEST(many_who_are_notified_or_abandoned_cost_the_stack_of_one) /* D12 D30 */
{
    with_little_stack(many_waiters);
}

static void use_a_condition(void)
{
    lock = bight_lock_new();
    condition = lock != NULL ? bight_condition_new(lock) : NULL;
    if (condition != NULL) {
        listen_to(bight_lock_run(lock, wait_in_run, NULL), "");
        listen_to(bight_lock_run(lock, wait_in_run, NULL), "");
        if (bight_lock_try_acquire(lock)) {
            bight_condition_notify(condition, 1);
            bight_lock_release(lock);
        }
    }
    bight_condition_free(condition);
    ck_assert(lock == NULL || !bight_lock_is_locked(lock));
    bight_lock_free(lock);
}

START_TEST(each_allocation_may_fail) /* D30 D34 */
{
    tear_down();
    with_each_fault(use_a_condition);
    condition = NULL;
    lock = NULL;
}

static void add_more_tests(TCase *tests)
{
    tcase_add_test(tests, run_releases_what_a_wait_has_got_back);
    tcase_add_test(tests, run_releases_what_a_cancelled_wait_has_got_back);
    tcase_add_test(tests, a_run_whose_lock_goes_while_it_waits_is_abandoned);
    tcase_add_test(tests, a_run_may_wait_again_and_again);
    tcase_add_test(tests, a_wait_that_outlives_its_run_gives_the_lock_back);
    tcase_add_test(tests, a_wait_that_outlives_its_run_may_release_by_hand);
    tcase_add_test(tests, a_wait_that_outlives_its_run_may_outlive_the_lock);
    tcase_add_test(tests, a_wait_that_loses_a_race_gives_the_lock_back);
    tcase_add_test(tests, a_handler_may_free_condition_and_lock);
    tcase_add_test(tests, who_fails_with_the_lock_gone_may_free_the_condition);
    tcase_add_test(tests, who_gets_the_lock_from_a_wait_may_free_all);
    tcase_add_test(tests, many_who_are_notified_or_abandoned_cost_the_stack_of_one);
    tcase_add_test(tests, each_allocation_may_fail);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, waiting_releases_the_lock);
    tcase_add_test(tests, waiting_hands_the_lock_to_the_next);
    tcase_add_test(tests, waiting_without_the_lock_is_a_usage_error);
    tcase_add_test(tests, who_is_notified_goes_on_with_the_lock);
    tcase_add_test(tests, one_then_two_then_all_of_five);
    tcase_add_test(tests, the_notified_stand_behind_those_who_wait_for_the_lock);
    tcase_add_test(tests, a_cancelled_wait_has_the_lock_when_it_fails);
    tcase_add_test(tests, a_cancelled_wait_fails_when_its_turn_has_come);
    tcase_add_test(tests, a_cancelled_wait_that_nobody_holds_keeps_its_turn);
    tcase_add_test(tests, a_wait_whose_time_is_up_has_the_lock_when_it_fails);
    tcase_add_test(tests, a_notification_that_is_not_used_goes_to_the_next);
    tcase_add_test(tests, freeing_fails_who_waits_each_with_the_lock);
    tcase_add_test(tests, freed_while_the_lock_is_held_it_fails_them_later);
    tcase_add_test(tests, the_notified_outlive_the_condition);
    tcase_add_test(tests, when_the_lock_has_gone_a_wait_fails_without_it);
    tcase_add_test(tests, a_cancelled_wait_whose_lock_is_freed_fails_as_cancelled);
    tcase_add_test(tests, a_wait_that_nobody_will_see_gives_the_lock_back);
    add_more_tests(tests);
}

BIGHT_TEST_MAIN("condition", add_tests)
