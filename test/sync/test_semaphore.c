/* SPDX-License-Identifier: MIT */
/* test_semaphore.c - semaphores: how many hold one, who is next, what over-releasing and resizing do. What they share
 * with the lock is tested there. */
#include <bight/combine.h>

#include "sync_support.h"

static struct bight_semaphore *semaphore;

static void set_up(void)
{
    begin();
    semaphore = bight_semaphore_new(2);
    ck_assert_ptr_nonnull(semaphore);
}

static void tear_down(void)
{
    bight_semaphore_free(semaphore);
}

static void acquire_as(const char *name)
{
    listen_to(bight_semaphore_acquire(semaphore), name);
}

static void release_it(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert_int_eq(bight_semaphore_release(semaphore), 0);
}

START_TEST(a_run_without_a_function_is_a_usage_error) /* D28 D33 */
{
    struct bight_lock *lock = bight_lock_new();
    release_failed(bight_semaphore_run_full(semaphore, NULL, NAME("a"), released), BIGHT_E_INVALID_ARGUMENT);
    release_failed(bight_lock_run_full(lock, NULL, NAME("b"), released), BIGHT_E_INVALID_ARGUMENT);
    ck_trace("~a ~b ");
    ck_assert_int_eq(usage_errors, 2);
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 2);
    ck_assert(!bight_lock_is_locked(lock));
    bight_lock_free(lock);
}
END_TEST

START_TEST(at_most_n_hold_it) /* D29 */
{
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 2);
    acquire_as("a");
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 1);
    acquire_as("b");
    acquire_as("c");
    acquire_as("d");
    ck_trace("a+ b+ ");
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 0);
    ck_assert_uint_eq(bight_semaphore_waiting(semaphore), 2);
    bight_semaphore_release(semaphore);
    ck_trace("c+ ");
    bight_semaphore_release(semaphore);
    ck_trace("d+ ");
    bight_semaphore_release(semaphore);
    bight_semaphore_release(semaphore);
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 2);
}

START_TEST(less_than_one_is_an_error) /* D29 */
{
    ck_assert_ptr_null(bight_semaphore_new(0));
    ck_assert_ptr_null(bight_semaphore_new(-1));
    ck_assert_ptr_null(bight_semaphore_new_bounded(0));
    ck_assert_ptr_null(bight_semaphore_new_bounded(-3));
    ck_assert_int_eq(usage_errors, 4);
    ck_assert_int_eq(bight_semaphore_resize(semaphore, 0), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(usage_errors, 5);
    bight_semaphore_free(NULL);
}

START_TEST(releasing_more_than_was_acquired_is_a_usage_error) /* D29 */
{
    ck_assert_int_eq(bight_semaphore_release(semaphore), BIGHT_E_USAGE);
    acquire_as("a");
    ck_assert_int_eq(bight_semaphore_release(semaphore), 0);
    ck_assert_int_eq(bight_semaphore_release(semaphore), BIGHT_E_USAGE);
    ck_assert_int_eq(usage_errors, 2);
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 2);
    ck_trace("a+ ");
}

START_TEST(the_bounded_form_refuses_the_same) /* D29 */
{
    struct bight_semaphore *bounded = bight_semaphore_new_bounded(1);
    ck_assert_int_eq(bight_semaphore_release(bounded), BIGHT_E_USAGE);
    ck_assert(bight_semaphore_try_acquire(bounded));
    ck_assert(!bight_semaphore_try_acquire(bounded));
    ck_assert_int_eq(bight_semaphore_release(bounded), 0);
    ck_assert_int_eq(bight_semaphore_release(bounded), BIGHT_E_USAGE);
    bight_semaphore_free(bounded);
}

START_TEST(trying_goes_behind_those_who_wait) /* D29 */
{
    ck_assert(bight_semaphore_try_acquire(semaphore));
    ck_assert(bight_semaphore_try_acquire(semaphore));
    ck_assert(!bight_semaphore_try_acquire(semaphore));
    acquire_as("a");
    bight_semaphore_release(semaphore);
    ck_trace("a+ ");
    ck_assert(!bight_semaphore_try_acquire(semaphore));
}

START_TEST(cancelling_removes_the_waiter) /* D13 D29 */
{
    acquire_as("a");
    acquire_as("b");
    struct bight_deferred *c = watch(bight_semaphore_acquire(semaphore), "c");
    acquire_as("d");
    bight_deferred_cancel(c);
    ck_assert_uint_eq(bight_semaphore_waiting(semaphore), 1);
    bight_semaphore_release(semaphore);
    ck_trace("a+ b+ c=CANCELLED d+ ");
    bight_deferred_release(c);
}

START_TEST(a_wait_may_have_a_time_limit) /* D17 D29 */
{
    acquire_as("a");
    acquire_as("b");
    struct bight_deferred *c = bight_semaphore_acquire(semaphore);
    bight_deferred_add_timeout(c, 1, &test_clock.base);
    listen_to(c, "c");
    advance(1);
    ck_trace("a+ b+ c=TIMED_OUT ");
    ck_assert_uint_eq(bight_semaphore_waiting(semaphore), 0);
}

START_TEST(freeing_fails_who_waits) /* D28 */
{
    acquire_as("a");
    acquire_as("b");
    acquire_as("c");
    acquire_as("d");
    bight_semaphore_free(semaphore);
    semaphore = NULL;
    ck_trace("a+ b+ c=ABANDONED d=ABANDONED ");
}

START_TEST(a_larger_one_lets_more_in) /* D29 */
{
    for (int i = 0; i < 2; i++) {
        ck_assert(bight_semaphore_try_acquire(semaphore));
    }
    acquire_as("a");
    acquire_as("b");
    acquire_as("c");
    ck_assert_int_eq(bight_semaphore_resize(semaphore, 4), 0);
    ck_trace("a+ b+ ");
    ck_assert_uint_eq(bight_semaphore_waiting(semaphore), 1);
}

START_TEST(a_smaller_one_waits_until_enough_have_released) /* D29 */
{
    acquire_as("a");
    acquire_as("b");
    acquire_as("c");
    bight_semaphore_resize(semaphore, 1);
    ck_trace("a+ b+ ");
    bight_semaphore_release(semaphore);
    ck_trace("");
    bight_semaphore_release(semaphore);
    ck_trace("c+ ");
    bight_semaphore_release(semaphore);
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 1);
    ck_assert_int_eq(bight_semaphore_release(semaphore), BIGHT_E_USAGE);
}

START_TEST(the_bounded_form_keeps_its_bound) /* D29 */
{
    struct bight_semaphore *bounded = bight_semaphore_new_bounded(3);
    ck_assert_int_eq(bight_semaphore_resize(bounded, 4), BIGHT_E_NOT_SUPPORTED);
    ck_assert_int_eq(usage_errors, 1);
    ck_assert_uint_eq(bight_semaphore_available(bounded), 3);
    bight_semaphore_free(bounded);
}

START_TEST(an_acquisition_that_nobody_sees_is_given_back) /* D29 D31 */
{
    struct bight_deferred *a = bight_semaphore_acquire(semaphore);
    struct bight_deferred *b = bight_semaphore_acquire(semaphore);
    acquire_as("c");
    bight_result_discard(bight_deferred_result(a));
    ck_trace("c+ ");
    bight_result_discard(bight_deferred_result(b));
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 1);
    bight_deferred_release(a);
    bight_deferred_release(b);
}

START_TEST(an_acquisition_that_loses_a_race_is_given_back) /* D26 D28 D29 D31 */
{
    struct bight_lock *lock = bight_lock_new();
    struct bight_semaphore *taken = bight_semaphore_new(1);
    ck_assert(bight_semaphore_try_acquire(taken));
    struct bight_deferred *all[] = { bight_semaphore_acquire(semaphore), bight_lock_acquire(lock),
        bight_semaphore_acquire(semaphore), bight_semaphore_acquire(taken) };
    bight_deferred_release(bight_race(all, 4));
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 1);
    ck_assert(!bight_lock_is_locked(lock));
    ck_assert_uint_eq(bight_semaphore_waiting(taken), 0);
    bight_lock_free(lock);
    bight_semaphore_free(taken);
}

START_TEST(tokens_never_give_back_more_than_is_held) /* D29 D31 */
{
    struct bight_deferred *a = bight_semaphore_acquire(semaphore);
    struct bight_deferred *b = bight_semaphore_acquire(semaphore);
    bight_semaphore_release(semaphore);
    bight_semaphore_release(semaphore);
    bight_result_discard(bight_deferred_result(a));
    bight_result_discard(bight_deferred_result(b));
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 2);
    ck_assert_int_eq(usage_errors, 0);
    bight_deferred_release(a);
    bight_deferred_release(b);
}

static struct bight_promise jobs[8];
static size_t begun;

static struct bight_deferred *job(void *context)
{
    note(context);
    note("! ");
    return bight_deferred_new(&jobs[begun++], NULL, NULL);
}

START_TEST(run_lets_n_work_at_once) /* D29 */
{
    listen_to(bight_semaphore_run(semaphore, job, NAME("1")), "a");
    listen_to(bight_semaphore_run(semaphore, job, NAME("2")), "b");
    listen_to(bight_semaphore_run_full(semaphore, job, NAME("3"), released), "c");
    ck_trace("1! 2! ");
    fire_failure(jobs[1], BROKEN);
    ck_trace("3! b=BROKEN ");
    fire(jobs[0], 1);
    fire(jobs[2], 3);
    ck_trace("a=1 ~3 c=3 ");
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 2);
}

START_TEST(a_handler_may_release_and_more_follow) /* D29 */
{
    bight_semaphore_try_acquire(semaphore);
    bight_semaphore_try_acquire(semaphore);
    then_do(bight_semaphore_acquire(semaphore), "a", release_it, NULL);
    then_do(bight_semaphore_acquire(semaphore), "b", release_it, NULL);
    acquire_as("c");
    bight_semaphore_release(semaphore);
    ck_trace("a+ b+ c+ ");
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 0);
}

static void release_and_look(struct bight_result *result, void *context)
{
    release_it(result, context);
    ck_assert_uint_eq(bight_semaphore_available(semaphore), 0);
}

START_TEST(a_permit_on_its_way_is_not_there_to_be_had) /* D29 */
{
    bight_semaphore_try_acquire(semaphore);
    bight_semaphore_try_acquire(semaphore);
    then_do(bight_semaphore_acquire(semaphore), "a", release_and_look, NULL);
    acquire_as("b");
    bight_semaphore_release(semaphore);
    ck_trace("a+ b+ ");
}

static void free_it(struct bight_result *result, void *context)
{
    (void)result;
    bight_semaphore_free(context);
    semaphore = NULL;
}

START_TEST(a_handler_may_free_it) /* D28 D29 */
{
    bight_semaphore_try_acquire(semaphore);
    bight_semaphore_try_acquire(semaphore);
    then_do(bight_semaphore_acquire(semaphore), "a", free_it, semaphore);
    acquire_as("b");
    bight_semaphore_resize(semaphore, 9);
    ck_trace("a+ b=ABANDONED ");
}

static int turns;

static void take_turn(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    turns += bight_semaphore_release(semaphore) == BIGHT_OK ? 1 : 0;
}

static void many_turns(void)
{
    bight_semaphore_try_acquire(semaphore);
    bight_semaphore_try_acquire(semaphore);
    for (int i = 0; i < HUNDRED_THOUSAND; i++) {
        struct bight_deferred *deferred = bight_semaphore_acquire(semaphore);
        bight_deferred_add_callback(deferred, take_turn, NULL);
        bight_deferred_release(deferred);
    }
    bight_semaphore_release(semaphore);
    ck_assert_int_eq(turns, HUNDRED_THOUSAND);
}

START_TEST(many_turns_cost_the_stack_of_one) /* D12 D29 */
{
    with_little_stack(many_turns);
}

static void use_a_semaphore(void)
{
    semaphore = bight_semaphore_new(1);
    if (semaphore == NULL) {
        return;
    }
    bool have_it = bight_semaphore_try_acquire(semaphore);
    ck_assert(have_it);
    acquire_as("");
    acquire_as("");
    bight_semaphore_resize(semaphore, 2);
    bight_semaphore_release(semaphore);
    bight_semaphore_free(semaphore);
}

START_TEST(each_allocation_may_fail) /* D29 D34 */
{
    bight_semaphore_free(semaphore);
    with_each_fault(use_a_semaphore);
    semaphore = NULL;
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_run_without_a_function_is_a_usage_error);
    tcase_add_test(tests, at_most_n_hold_it);
    tcase_add_test(tests, less_than_one_is_an_error);
    tcase_add_test(tests, releasing_more_than_was_acquired_is_a_usage_error);
    tcase_add_test(tests, the_bounded_form_refuses_the_same);
    tcase_add_test(tests, trying_goes_behind_those_who_wait);
    tcase_add_test(tests, cancelling_removes_the_waiter);
    tcase_add_test(tests, a_wait_may_have_a_time_limit);
    tcase_add_test(tests, freeing_fails_who_waits);
    tcase_add_test(tests, a_larger_one_lets_more_in);
    tcase_add_test(tests, a_smaller_one_waits_until_enough_have_released);
    tcase_add_test(tests, the_bounded_form_keeps_its_bound);
    tcase_add_test(tests, an_acquisition_that_nobody_sees_is_given_back);
    tcase_add_test(tests, an_acquisition_that_loses_a_race_is_given_back);
    tcase_add_test(tests, tokens_never_give_back_more_than_is_held);
    tcase_add_test(tests, run_lets_n_work_at_once);
    tcase_add_test(tests, a_handler_may_release_and_more_follow);
    tcase_add_test(tests, a_permit_on_its_way_is_not_there_to_be_had);
    tcase_add_test(tests, a_handler_may_free_it);
    tcase_add_test(tests, many_turns_cost_the_stack_of_one);
    tcase_add_test(tests, each_allocation_may_fail);
}

BIGHT_TEST_MAIN("semaphore", add_tests)
