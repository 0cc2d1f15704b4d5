/* SPDX-License-Identifier: MIT */
/* test_lock.c - the lock: turns, tokens, running with it held, and what may be done from inside handlers. */
#include "sync_support.h"

static struct bight_lock *lock;

static void set_up(void)
{
    begin();
    lock = bight_lock_new();
    ck_assert_ptr_nonnull(lock);
}

static void tear_down(void)
{
    bight_lock_free(lock);
}

static void acquire_as(const char *name)
{
    listen_to(bight_lock_acquire(lock), name);
}

static void release_lock(struct bight_result *result, void *context)
{
    (void)result;
    ck_assert_int_eq(bight_lock_release(context), 0);
}

static void free_lock(struct bight_result *result, void *context)
{
    (void)result;
    bight_lock_free(context);
    lock = NULL;
}

/* --------------------------------------------------------------------------------------------- turns */

START_TEST(a_free_lock_is_had_at_once) /* D28 */
{
    ck_assert(!bight_lock_is_locked(lock));
    acquire_as("a");
    ck_trace("a+ ");
    ck_assert(bight_lock_is_locked(lock));
    ck_assert_uint_eq(bight_lock_waiting(lock), 0);
    ck_assert_int_eq(bight_lock_release(lock), 0);
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(who_came_first_is_served_first) /* D28 */
{
    acquire_as("a");
    acquire_as("b");
    acquire_as("c");
    ck_trace("a+ ");
    ck_assert_uint_eq(bight_lock_waiting(lock), 2);
    bight_lock_release(lock);
    ck_trace("b+ ");
    acquire_as("d");
    bight_lock_release(lock);
    ck_trace("c+ ");
    bight_lock_release(lock);
    ck_trace("d+ ");
    ck_assert(bight_lock_is_locked(lock));
    bight_lock_release(lock);
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(releasing_a_free_lock_is_a_usage_error) /* D28 */
{
    ck_assert_int_eq(bight_lock_release(lock), BIGHT_E_USAGE);
    ck_assert_int_eq(usage_errors, 1);
    ck_assert(!bight_lock_is_locked(lock));
    acquire_as("a");
    ck_trace("a+ ");
    ck_assert_int_eq(bight_lock_release(lock), 0);
    ck_assert_int_eq(bight_lock_release(lock), BIGHT_E_USAGE);
}

START_TEST(trying_takes_only_what_nobody_has_or_awaits) /* D28 */
{
    ck_assert(bight_lock_try_acquire(lock));
    ck_assert(!bight_lock_try_acquire(lock));
    acquire_as("a");
    bight_lock_release(lock);
    ck_trace("a+ ");
    ck_assert(!bight_lock_try_acquire(lock));
    bight_lock_release(lock);
    ck_assert(bight_lock_try_acquire(lock));
    bight_lock_release(lock);
}

START_TEST(cancelling_removes_the_waiter) /* D13 D28 */
{
    acquire_as("a");
    struct bight_deferred *b = watch(bight_lock_acquire(lock), "b");
    struct bight_deferred *c = watch(bight_lock_acquire(lock), "c");
    acquire_as("d");
    bight_deferred_cancel(c);
    ck_trace("a+ c=CANCELLED ");
    ck_assert_uint_eq(bight_lock_waiting(lock), 2);
    bight_lock_release(lock);
    ck_trace("b+ ");
    bight_deferred_cancel(b); /* has it: too late */
    bight_lock_release(lock);
    ck_trace("d+ ");
    bight_deferred_release(b);
    bight_deferred_release(c);
}

START_TEST(a_wait_may_have_a_time_limit) /* D17 D28 */
{
    acquire_as("a");
    struct bight_deferred *b = bight_lock_acquire(lock);
    ck_assert_int_eq(bight_deferred_add_timeout(b, 3, &test_clock.base), 0);
    listen_to(b, "b");
    advance(3);
    ck_trace("a+ b=TIMED_OUT ");
    ck_assert_uint_eq(bight_lock_waiting(lock), 0);
    bight_lock_release(lock);
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(a_wait_in_time_stops_the_clock) /* D17 D28 */
{
    acquire_as("a");
    struct bight_deferred *b = bight_lock_acquire(lock);
    bight_deferred_add_timeout(b, 3, &test_clock.base);
    listen_to(b, "b");
    bight_lock_release(lock);
    ck_trace("a+ b+ ");
    ck_assert_uint_eq(timers_pending(), 0);
}

START_TEST(freeing_fails_who_waits) /* D28 */
{
    acquire_as("a");
    acquire_as("b");
    acquire_as("c");
    bight_lock_free(lock);
    ck_trace("a+ b=ABANDONED c=ABANDONED ");
    lock = NULL;
    bight_lock_free(NULL);
}

START_TEST(a_wait_that_its_owner_s_end_cancels_leaves_the_line) /* D28 D32 */
{
    struct bight_scope *scope = bight_scope_new(&test_clock.base);
    acquire_as("a");
    struct bight_deferred *b = bight_deferred_tie(bight_lock_acquire(lock), bight_scope_owner(scope));
    bight_deferred_add_both(b, heard, NAME("b"));
    bight_deferred_release(b);
    acquire_as("c");
    bight_scope_free(scope);
    ck_trace("a+ b=CANCELLED ");
    bight_lock_release(lock);
    ck_trace("c+ ");
    ck_assert_int_eq(reports, 0);
}

/* -------------------------------------------------------------------------------------------- tokens */

START_TEST(an_acquisition_that_nobody_sees_is_given_back) /* D22 D26 D28 D31 */
{
    struct bight_deferred *a = bight_lock_acquire(lock);
    acquire_as("b");
    bight_result_discard(bight_deferred_result(a));
    ck_trace("b+ ");
    bight_deferred_release(a);
    ck_assert(bight_lock_is_locked(lock));
}

START_TEST(one_that_was_waited_for_is_given_back_too) /* D28 D31 */
{
    acquire_as("a");
    struct bight_deferred *b = bight_lock_acquire(lock);
    acquire_as("c");
    bight_lock_release(lock);
    ck_trace("a+ ");
    bight_result_discard(bight_deferred_result(b));
    ck_trace("c+ ");
    bight_deferred_release(b);
}

START_TEST(a_token_that_was_seen_changes_nothing_at_its_end) /* D28 D31 */
{
    struct bight_deferred *a = bight_lock_acquire(lock);
    bight_deferred_release(a);
    ck_assert(bight_lock_is_locked(lock));
    bight_lock_release(lock);
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(a_token_of_an_earlier_turn_gives_nothing_back) /* D28 D31 */
{
    struct bight_deferred *a = bight_lock_acquire(lock);
    acquire_as("b");
    bight_lock_release(lock);
    ck_trace("b+ ");
    bight_result_discard(bight_deferred_result(a));
    bight_deferred_release(a);
    ck_assert(bight_lock_is_locked(lock));
    ck_assert_int_eq(bight_lock_release(lock), 0);
    ck_assert_int_eq(usage_errors, 0);
}

START_TEST(a_token_outlives_its_lock) /* D28 D31 */
{
    struct bight_deferred *a = bight_lock_acquire(lock);
    struct bight_deferred *b = bight_lock_acquire(lock);
    bight_lock_release(lock);
    bight_lock_free(lock);
    lock = NULL;
    bight_result_discard(bight_deferred_result(a));
    bight_result_discard(bight_deferred_result(b));
    bight_deferred_release(a);
    bight_deferred_release(b);
}

START_TEST(without_memory_for_the_deferred_the_lock_is_free_again) /* D28 D34 */
{
    struct bight_test_memory memory;
    for (unsigned n = 1; n <= 2; n++) {
        bight_test_fail_nth(&memory, n);
        struct bight_deferred *a = bight_lock_acquire(lock);
        bight_set_allocator(NULL);
        release_failed(a, BIGHT_E_OUT_OF_MEMORY);
        ck_assert(!bight_lock_is_locked(lock));
    }
}

START_TEST(a_wait_asks_for_one_small_object_besides_its_deferred) /* D28 */
{
    struct bight_test_memory memory;
    bight_lock_try_acquire(lock);
    bight_test_fail_nth(&memory, 0);
    struct bight_deferred *a = bight_lock_acquire(lock);
    ck_assert_uint_eq(memory.asked, 2);
    bight_lock_release(lock);
    ck_assert_uint_eq(memory.asked, 2);
    bight_set_allocator(NULL);
    bight_deferred_release(a);
}

/* ------------------------------------------------------------------------------------- from inside */

START_TEST(a_handler_may_release) /* D28 */
{
    bight_lock_try_acquire(lock);
    then_do(bight_lock_acquire(lock), "a", release_lock, lock);
    then_do(bight_lock_acquire(lock), "b", release_lock, lock);
    acquire_as("c");
    bight_lock_release(lock);
    ck_trace("a+ b+ c+ ");
    ck_assert(bight_lock_is_locked(lock));
}

static void release_and_look(struct bight_result *result, void *context)
{
    (void)result;
    ck_assert_int_eq(bight_lock_release(lock), 0);
    ck_assert(bight_lock_is_locked(lock));
    ck_assert(!bight_lock_try_acquire(lock));
    ck_assert_int_eq(bight_lock_release(lock), BIGHT_E_USAGE);
    acquire_as(context);
    note("| ");
}

START_TEST(what_a_handler_releases_is_on_its_way_to_the_next) /* D28 */
{
    bight_lock_try_acquire(lock);
    then_do(bight_lock_acquire(lock), "a", release_and_look, NAME("c"));
    then_do(bight_lock_acquire(lock), "b", release_lock, lock);
    bight_lock_release(lock);
    ck_trace("a+ | b+ c+ ");
    ck_assert_int_eq(usage_errors, 1);
}

static void release_and_cancel(struct bight_result *result, void *context)
{
    release_lock(result, lock);
    bight_deferred_cancel(context);
}

START_TEST(a_handler_may_cancel_the_next_while_the_lock_is_on_its_way) /* D28 */
{
    bight_lock_try_acquire(lock);
    struct bight_deferred *a = bight_lock_acquire(lock);
    struct bight_deferred *b = watch(bight_lock_acquire(lock), "b");
    then_do(a, "a", release_and_cancel, b);
    acquire_as("c");
    bight_lock_release(lock);
    ck_trace("a+ b=CANCELLED c+ ");
    bight_deferred_release(b);
}

START_TEST(a_handler_that_cancels_the_last_leaves_the_lock_free) /* D28 */
{
    bight_lock_try_acquire(lock);
    struct bight_deferred *a = bight_lock_acquire(lock);
    struct bight_deferred *b = watch(bight_lock_acquire(lock), "b");
    then_do(a, "a", release_and_cancel, b);
    bight_lock_release(lock);
    ck_trace("a+ b=CANCELLED ");
    ck_assert(!bight_lock_is_locked(lock));
    bight_deferred_release(b);
}

START_TEST(a_handler_may_free_the_lock) /* D28 */
{
    bight_lock_try_acquire(lock);
    then_do(bight_lock_acquire(lock), "a", free_lock, lock);
    acquire_as("b");
    bight_lock_release(lock);
    ck_trace("a+ b=ABANDONED ");
    ck_assert_ptr_null(lock);
}

static void free_twice_and_acquire(struct bight_result *result, void *context)
{
    struct bight_lock *freed = context;
    free_lock(result, context);
    bight_lock_free(freed);
    listen_to(bight_lock_acquire(freed), "late");
    ck_assert(!bight_lock_try_acquire(freed));
}

START_TEST(a_lock_that_was_freed_in_a_handler_answers_until_that_returns) /* D28 */
{
    bight_lock_try_acquire(lock);
    then_do(bight_lock_acquire(lock), "a", free_twice_and_acquire, lock);
    acquire_as("b");
    bight_lock_release(lock);
    ck_trace("a+ b=ABANDONED late=ABANDONED ");
    ck_assert_int_eq(usage_errors, 1);
}

START_TEST(who_is_abandoned_may_cancel_the_next) /* D28 */
{
    bight_lock_try_acquire(lock);
    struct bight_deferred *a = bight_lock_acquire(lock);
    struct bight_deferred *b = watch(bight_lock_acquire(lock), "b");
    then_do(a, "a", cancel_it, b);
    bight_lock_free(lock);
    lock = NULL;
    ck_trace("a=ABANDONED b=CANCELLED ");
    bight_deferred_release(b);
}

static int turns;

static void take_turn(struct bight_result *result, void *context)
{
    (void)context;
    if (bight_result_failure(result) != NULL) {
        bight_result_clear(result);
        turns--;
        return;
    }
    turns += bight_lock_release(lock) == BIGHT_OK ? 1 : 0;
}

static void queue_up(int count)
{
    bight_lock_try_acquire(lock);
    for (int i = 0; i < count; i++) {
        struct bight_deferred *deferred = bight_lock_acquire(lock);
        bight_deferred_add_both(deferred, take_turn, NULL);
        bight_deferred_release(deferred);
    }
}

static void a_million_turns(void)
{
    queue_up(MILLION);
    bight_lock_release(lock);
    ck_assert_int_eq(turns, MILLION);
    ck_assert(!bight_lock_is_locked(lock));
    queue_up(MILLION);
    bight_lock_free(lock);
    lock = NULL;
    ck_assert_int_eq(turns, 0);
}

START_TEST(a_million_turns_cost_the_stack_of_one) /* D12 D28 */
{
    with_little_stack(a_million_turns);
}

/* ------------------------------------------------------------------------------------------ running */

static struct bight_promise working;

static struct bight_deferred *work(void *context)
{
    ck_assert(bight_lock_is_locked(lock));
    note(context);
    note("! ");
    return bight_deferred_new(&working, NULL, NULL);
}

static struct bight_deferred *work_at_once(void *context)
{
    note(context);
    note("! ");
    return bight_succeed(&bight_type_integer, bight_integer(7));
}

static struct bight_deferred *do_nothing(void *context)
{
    note(context);
    note("! ");
    return NULL;
}

START_TEST(run_holds_the_lock_until_the_work_is_done) /* D28 */
{
    listen_to(bight_lock_run(lock, work, NAME("work")), "a");
    acquire_as("b");
    ck_trace("work! ");
    fire(working, 5);
    ck_trace("b+ a=5 ");
}

START_TEST(run_releases_after_a_failure) /* D28 */
{
    listen_to(bight_lock_run(lock, work, NAME("work")), "a");
    fire_failure(working, TIMED_OUT);
    ck_trace("work! a=TIMED_OUT ");
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(run_releases_after_work_that_was_over_at_once) /* D28 */
{
    listen_to(bight_lock_run(lock, work_at_once, NAME("work")), "a");
    listen_to(bight_lock_run(lock, do_nothing, NAME("nothing")), "b");
    ck_trace("work! a=7 nothing! b=- ");
    ck_assert(!bight_lock_is_locked(lock));
}

START_TEST(a_run_that_is_cancelled_cancels_the_work_and_releases) /* D16 D28 */
{
    struct bight_deferred *a = watch(bight_lock_run_full(lock, work, NAME("work"), released), "a");
    bight_deferred_cancel(a);
    ck_trace("work! ~work a=CANCELLED ");
    ck_assert(!bight_lock_is_locked(lock));
    bight_deferred_release(a);
}

START_TEST(a_run_that_is_cancelled_before_its_turn_never_calls) /* D28 D33 */
{
    bight_lock_try_acquire(lock);
    struct bight_deferred *a = watch(bight_lock_run_full(lock, work, NAME("work"), released), "a");
    bight_deferred_cancel(a);
    ck_trace("~work a=CANCELLED ");
    ck_assert_uint_eq(bight_lock_waiting(lock), 0);
    bight_deferred_release(a);
}

START_TEST(a_run_that_is_abandoned_never_calls) /* D28 D33 */
{
    bight_lock_try_acquire(lock);
    listen_to(bight_lock_run_full(lock, work, NAME("work"), released), "a");
    bight_lock_free(lock);
    lock = NULL;
    ck_trace("~work a=ABANDONED ");
}

static struct bight_deferred *release_inside(void *context)
{
    note(context);
    note("! ");
    bight_lock_release(lock);
    return NULL;
}

START_TEST(work_that_releases_by_itself_takes_nothing_from_the_next) /* D28 */
{
    bight_lock_try_acquire(lock);
    listen_to(bight_lock_run(lock, release_inside, NAME("work")), "a");
    acquire_as("b");
    bight_lock_release(lock);
    ck_trace("work! a=- b+ ");
    ck_assert(bight_lock_is_locked(lock));
    ck_assert_int_eq(usage_errors, 0);
}

static struct bight_deferred *free_inside(void *context)
{
    bight_lock_free(context);
    lock = NULL;
    return bight_deferred_new(&working, NULL, NULL);
}

START_TEST(work_may_free_the_lock) /* D28 */
{
    listen_to(bight_lock_run(lock, free_inside, lock), "a");
    ck_trace("");
    fire(working, 6);
    ck_trace("a=6 ");
}

static struct bight_deferred *count_turn(void *context)
{
    (void)context;
    turns++;
    return NULL;
}

static void a_million_runs(void)
{
    bight_lock_try_acquire(lock);
    for (int i = 0; i < MILLION; i++) {
        bight_deferred_release(bight_lock_run(lock, count_turn, NULL));
    }
    bight_lock_release(lock);
    ck_assert_int_eq(turns, MILLION);
}

START_TEST(a_million_runs_cost_the_stack_of_one) /* D12 D28 */
{
    with_little_stack(a_million_runs);
}

static void use_a_lock(void)
{
    lock = bight_lock_new();
    if (lock == NULL) {
        return;
    }
    listen_to(bight_lock_run_full(lock, work_at_once, NAME(""), released), "");
    bool have_it = bight_lock_try_acquire(lock);
    ck_assert(have_it);
    acquire_as("");
    listen_to(bight_lock_run_full(lock, do_nothing, NAME(""), released), "");
    bight_lock_release(lock);
    bight_lock_free(lock);
}

START_TEST(each_allocation_may_fail) /* D28 D33 D34 */
{
    bight_lock_free(lock);
    with_each_fault(use_a_lock);
    lock = NULL;
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_free_lock_is_had_at_once);
    tcase_add_test(tests, who_came_first_is_served_first);
    tcase_add_test(tests, releasing_a_free_lock_is_a_usage_error);
    tcase_add_test(tests, trying_takes_only_what_nobody_has_or_awaits);
    tcase_add_test(tests, cancelling_removes_the_waiter);
    tcase_add_test(tests, a_wait_may_have_a_time_limit);
    tcase_add_test(tests, a_wait_in_time_stops_the_clock);
    tcase_add_test(tests, freeing_fails_who_waits);
    tcase_add_test(tests, a_wait_that_its_owner_s_end_cancels_leaves_the_line);
    tcase_add_test(tests, an_acquisition_that_nobody_sees_is_given_back);
    tcase_add_test(tests, one_that_was_waited_for_is_given_back_too);
    tcase_add_test(tests, a_token_that_was_seen_changes_nothing_at_its_end);
    tcase_add_test(tests, a_token_of_an_earlier_turn_gives_nothing_back);
    tcase_add_test(tests, a_token_outlives_its_lock);
    tcase_add_test(tests, without_memory_for_the_deferred_the_lock_is_free_again);
    tcase_add_test(tests, a_wait_asks_for_one_small_object_besides_its_deferred);
    tcase_add_test(tests, a_handler_may_release);
    tcase_add_test(tests, what_a_handler_releases_is_on_its_way_to_the_next);
    tcase_add_test(tests, a_handler_may_cancel_the_next_while_the_lock_is_on_its_way);
    tcase_add_test(tests, a_handler_that_cancels_the_last_leaves_the_lock_free);
    tcase_add_test(tests, a_handler_may_free_the_lock);
    tcase_add_test(tests, a_lock_that_was_freed_in_a_handler_answers_until_that_returns);
    tcase_add_test(tests, who_is_abandoned_may_cancel_the_next);
    tcase_add_test(tests, a_million_turns_cost_the_stack_of_one);
    tcase_add_test(tests, run_holds_the_lock_until_the_work_is_done);
    tcase_add_test(tests, run_releases_after_a_failure);
    tcase_add_test(tests, run_releases_after_work_that_was_over_at_once);
    tcase_add_test(tests, a_run_that_is_cancelled_cancels_the_work_and_releases);
    tcase_add_test(tests, a_run_that_is_cancelled_before_its_turn_never_calls);
    tcase_add_test(tests, a_run_that_is_abandoned_never_calls);
    tcase_add_test(tests, work_that_releases_by_itself_takes_nothing_from_the_next);
    tcase_add_test(tests, work_may_free_the_lock);
    tcase_add_test(tests, a_million_runs_cost_the_stack_of_one);
    tcase_add_test(tests, each_allocation_may_fail);
}

BIGHT_TEST_MAIN("lock", add_tests)
