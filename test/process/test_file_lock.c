/* SPDX-License-Identifier: MIT */
/* test_file_lock.c - the lock between processes, in virtual time between the reactors of a simulated host: turns,
 * giving up, the end of a reactor. What the kernel has to do with it is in test_file_lock_system.c. */
#include <bight/testing/simulation.h>

#include "file_lock_support.h"

/* Two processes of one host. */
static struct bight_simulation *simulation;
static struct bight_host *host;
static struct bight_reactor *here, *there;
static struct bight_file_lock *mine, *theirs;

#define PATH "/run/lock"

static void begin(void)
{
    simulation = bight_simulation_new(1);
    host = bight_simulation_host(simulation, "host");
    here = bight_host_reactor(host);
    there = bight_host_reactor(host);
    mine = bight_file_lock_new(here, PATH);
    theirs = bight_file_lock_new(there, PATH);
    ck_assert_ptr_nonnull(mine);
    ck_assert_ptr_nonnull(theirs);
}

static void end(void)
{
    bight_file_lock_free(mine);
    bight_file_lock_free(theirs);
    bight_reactor_free(here);
    bight_reactor_free(there);
    ck_assert_uint_eq(bight_host_descriptors(host), 0);
    bight_simulation_free(simulation);
}

static double now(void)
{
    return bight_simulation_now(simulation);
}

static void settle(void)
{
    ck_assert(bight_simulation_settle(simulation, 10000));
}

/* --------------------------------------------------------------------------------------- taking turns */

START_TEST(one_has_it_and_the_other_is_told) /* D28 */
{
    begin();
    ck_assert(!bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), 0);
    ck_assert(bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), BIGHT_E_LOCKED);
    ck_assert(!bight_file_lock_is_locked(theirs));
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), BIGHT_E_LOCKED); /* it counts nothing */
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert(!bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    end();
}
END_TEST

START_TEST(a_free_lock_is_acquired_at_once) /* D28 */
{
    int code;
    begin();
    acquire_only(mine, &code);
    ck_assert_int_eq(code, 0);
    ck_assert(bight_file_lock_is_locked(mine));
    end();
}
END_TEST

START_TEST(who_waits_gets_it_when_another_process_lets_go) /* D28 */
{
    int code;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    acquire_only(mine, &code);
    bight_simulation_run(simulation, 0.01);
    ck_assert_int_eq(code, 1);
    ck_assert_int_eq(bight_file_lock_release(theirs), 0);
    double freed = now();
    settle();
    ck_assert_int_eq(code, 0);
    ck_assert(bight_file_lock_is_locked(mine));
    ck_assert(now() - freed < 0.02); /* the wait so far was short, and so is the time to the next try */
    end();
}
END_TEST

struct order {
    int numbers[8];
    size_t count;
    bool releases;
    struct bight_file_lock *lock;
};

struct waiter {
    struct order *order;
    int number;
};

static void note_turn(struct bight_result *result, void *context)
{
    struct waiter *waiter = context;
    struct order *order = waiter->order;
    ck_assert_ptr_eq(bight_result_failure(result), NULL);
    order->numbers[order->count++] = waiter->number;
    if (order->releases) {
        ck_assert_int_eq(bight_file_lock_release(order->lock), 0);
    }
}

static void line_up(struct waiter *waiters, size_t count, struct order *order)
{
    for (size_t i = 0; i < count; i++) {
        waiters[i] = (struct waiter) { order, (int)i };
        struct bight_deferred *deferred = bight_file_lock_acquire(order->lock);
        bight_deferred_add_both(deferred, note_turn, &waiters[i]);
        bight_deferred_release(deferred);
    }
}

START_TEST(those_of_one_object_are_served_in_their_order) /* D28 */
{
    begin();
    struct order order = { .lock = mine };
    struct waiter waiters[3];
    line_up(waiters, 3, &order);
    ck_assert_uint_eq(order.count, 1);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert_uint_eq(order.count, 2); /* at once */
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), BIGHT_E_LOCKED);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert(!bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(order.numbers[i], i);
    }
    end();
}
END_TEST

START_TEST(each_may_release_in_its_own_handler) /* D28 */
{
    begin();
    struct order order = { .lock = mine, .releases = true };
    struct waiter waiters[6];
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    line_up(waiters, 6, &order);
    ck_assert_int_eq(bight_file_lock_release(theirs), 0);
    settle();
    ck_assert_uint_eq(order.count, 6);
    ck_assert_int_eq(order.numbers[5], 5);
    ck_assert(!bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    end();
}
END_TEST

static void release_and_go_on(struct bight_result *result, void *context)
{
    struct bight_file_lock *lock = context;
    bight_result_clear(result);
    ck_assert_int_eq(bight_file_lock_release(lock), 0);
}

START_TEST(many_who_release_in_their_handlers_need_no_deep_stack) /* D12 D28 */
{
    enum { MANY = 100000 };
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), 0);
    for (int i = 0; i < MANY; i++) {
        struct bight_deferred *deferred = bight_file_lock_acquire(mine);
        bight_deferred_add_callback(deferred, release_and_go_on, mine);
        bight_deferred_release(deferred);
    }
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert(!bight_file_lock_is_locked(mine));
    end();
}
END_TEST

static void release_and_retake(struct bight_result *result, void *context)
{
    bight_result_clear(result);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    *(int *)context = bight_file_lock_try_acquire(mine);
}

START_TEST(who_released_in_a_handler_is_behind_those_who_wait) /* D28 */
{
    int retaken = 1, code, last = 1;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), 0);
    struct bight_deferred *deferred = bight_file_lock_acquire(mine);
    bight_deferred_add_callback(deferred, release_and_retake, &retaken);
    bight_deferred_release(deferred);
    acquire_only(mine, &code);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert_int_eq(retaken, BIGHT_E_LOCKED);
    ck_assert_int_eq(code, 0);
    deferred = bight_file_lock_acquire(mine);
    bight_deferred_add_callback(deferred, release_and_retake, &last);
    bight_deferred_release(deferred);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert_int_eq(last, 0); /* nobody waited then */
    ck_assert(bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), BIGHT_E_LOCKED);
    end();
}
END_TEST

START_TEST(releasing_what_is_not_held_is_a_usage_error) /* D28 */
{
    quiet_log();
    begin();
    ck_assert_int_eq(bight_file_lock_release(mine), BIGHT_E_USAGE);
    ck_assert_uint_eq(logged_errors, 1);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------ giving up */

START_TEST(a_cancelled_wait_is_over) /* D28 D13 */
{
    int first, second;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    struct bight_deferred *held = acquire(mine, &first);
    acquire_only(mine, &second);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(first, BIGHT_E_CANCELLED);
    ck_assert_int_eq(bight_file_lock_release(theirs), 0);
    settle();
    ck_assert_int_eq(second, 0);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    end();
}
END_TEST

START_TEST(when_nobody_waits_the_file_is_not_tried) /* D28 */
{
    int code;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    struct bight_deferred *held = acquire(mine, &code);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    double before = now();
    settle();                           /* nothing is left to happen */
    ck_assert(now() - before < 0.0015); /* the loop may still wake once */
    end();
}
END_TEST

START_TEST(a_wait_may_have_a_time_limit) /* D17 */
{
    int code;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    struct bight_deferred *deferred = bight_file_lock_acquire(mine);
    ck_assert_int_eq(bight_deferred_add_timeout(deferred, 2, bight_reactor_clock(here)), 0);
    watch_outcome(deferred, &code);
    bight_simulation_run(simulation, 1.9);
    ck_assert_int_eq(code, 1);
    bight_simulation_run(simulation, 0.2);
    ck_assert_int_eq(code, BIGHT_E_TIMED_OUT);
    end();
}
END_TEST

static void free_mine(struct bight_result *result, void *context)
{
    int code;
    bight_result_clear(result);
    bight_file_lock_free(mine);
    acquire_only(context, &code); /* the memory is there until this has returned */
    ck_assert_int_eq(code, BIGHT_E_ABANDONED);
    mine = NULL;
}

START_TEST(freeing_fails_those_who_wait_and_lets_go) /* D28 */
{
    int first, second;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), 0);
    struct bight_deferred *held = acquire(mine, &first);
    acquire_only(mine, &second);
    bight_file_lock_free(mine);
    mine = NULL;
    ck_assert_int_eq(first, BIGHT_E_ABANDONED);
    ck_assert_int_eq(second, BIGHT_E_ABANDONED);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    end();
}
END_TEST

static void check_free_in_a_handler(bool waits)
{
    int code = 0;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(waits ? theirs : mine), 0);
    struct bight_deferred *deferred = bight_file_lock_acquire(mine);
    bight_deferred_add_callback(deferred, free_mine, mine);
    bight_deferred_release(deferred);
    acquire_only(mine, &code);
    ck_assert_int_eq(bight_file_lock_release(waits ? theirs : mine), 0);
    settle();
    ck_assert_ptr_null(mine);
    ck_assert_int_eq(code, BIGHT_E_ABANDONED);
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    end();
}

START_TEST(it_may_be_freed_by_the_one_who_gets_it) /* D28 */
{
    check_free_in_a_handler(true);
    check_free_in_a_handler(false);
}
END_TEST

START_TEST(an_acquisition_that_nobody_sees_is_given_back) /* D31 */
{
    begin();
    struct bight_deferred *deferred = bight_file_lock_acquire(mine);
    bight_result_discard(bight_deferred_result(deferred));
    bight_deferred_release(deferred);
    ck_assert(!bight_file_lock_is_locked(mine));
    deferred = bight_file_lock_acquire(mine);
    struct bight_result late = { 0 };
    bight_result_move(&late, bight_deferred_result(deferred));
    bight_deferred_release(deferred);
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), 0);
    bight_result_discard(&late); /* another's turn by now */
    ck_assert(bight_file_lock_is_locked(mine));
    end();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- run */

static struct bight_promise promise;
static unsigned called, released;
static bool was_held;

static struct bight_deferred *work(void *context)
{
    called++;
    was_held = bight_file_lock_is_locked(mine);
    return *(bool *)context ? bight_deferred_new(&promise, NULL, NULL) : NULL;
}

static void note_release(void *context)
{
    (void)context;
    released++;
}

START_TEST(run_holds_it_until_the_deferred_has_its_result) /* D28 D33 */
{
    int code;
    bool pends = true;
    begin();
    watch_outcome(bight_file_lock_run_full(mine, work, &pends, note_release), &code);
    ck_assert_uint_eq(called, 1);
    ck_assert(was_held);
    ck_assert(bight_file_lock_is_locked(mine));
    ck_assert_uint_eq(released, 0);
    bight_callback(promise, NULL, NULL);
    ck_assert_int_eq(code, 0);
    ck_assert(!bight_file_lock_is_locked(mine));
    ck_assert_uint_eq(released, 1);
    watch_outcome(bight_file_lock_run(mine, work, &pends), &code);
    bight_errback(promise, bight_failure_of(BIGHT_E_APPLICATION));
    ck_assert_int_eq(code, BIGHT_E_APPLICATION);
    ck_assert(!bight_file_lock_is_locked(mine));
    pends = false;
    watch_outcome(bight_file_lock_run(mine, work, &pends), &code);
    ck_assert_int_eq(code, 0);
    ck_assert(!bight_file_lock_is_locked(mine));
    end();
}
END_TEST

START_TEST(run_waits_for_its_turn_and_can_be_cancelled_there) /* D28 D13 */
{
    int first, second;
    bool pends = false;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    struct bight_deferred *deferred = bight_file_lock_run_full(mine, work, &pends, note_release);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, &first);
    watch_outcome(bight_file_lock_run(mine, work, &pends), &second);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(first, BIGHT_E_CANCELLED);
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(bight_file_lock_release(theirs), 0);
    settle();
    ck_assert_int_eq(second, 0);
    ck_assert_uint_eq(called, 1);
    ck_assert(!bight_file_lock_is_locked(mine));
    end();
}
END_TEST

START_TEST(run_releases_when_what_it_runs_is_cancelled) /* D28 D16 */
{
    int code;
    bool pends = true;
    begin();
    struct bight_deferred *deferred = bight_file_lock_run(mine, work, &pends);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, &code);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(code, BIGHT_E_CANCELLED);
    ck_assert(!bight_file_lock_is_locked(mine));
    end();
}
END_TEST

static struct bight_deferred *release_inside(void *context)
{
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    return work(context);
}

static struct bight_deferred *free_inside(void *context)
{
    struct bight_deferred *deferred = work(context);
    bight_file_lock_free(mine);
    mine = NULL;
    return deferred;
}

START_TEST(run_releases_nothing_that_is_not_its_own) /* D28 */
{
    int code, next;
    bool pends = true;
    begin();
    watch_outcome(bight_file_lock_run(mine, release_inside, &pends), &code);
    acquire_only(mine, &next);
    ck_assert_int_eq(next, 0);
    bight_callback(promise, NULL, NULL);
    ck_assert_int_eq(code, 0);
    ck_assert(bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_release(mine), 0);
    watch_outcome(bight_file_lock_run(mine, free_inside, &pends), &code);
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    bight_callback(promise, NULL, NULL);
    ck_assert_int_eq(code, 0);
    ck_assert(bight_file_lock_is_locked(theirs));
    end();
}
END_TEST

/* --------------------------------------------------------------------------------------- the reactor's end */

static void stop(void *context)
{
    ck_assert_int_eq(bight_reactor_stop(context), 0);
}

static void wait_once_more(struct bight_result *result, void *context)
{
    int code;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_SHUTDOWN);
    acquire_only(context, &code);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
}

START_TEST(when_a_run_ends_nobody_waits_and_who_holds_it_goes_on) /* R3 */
{
    int code;
    begin();
    struct bight_file_lock *held = bight_file_lock_new(here, "/run/other");
    ck_assert_int_eq(bight_file_lock_try_acquire(held), 0);
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    struct bight_deferred *deferred = bight_file_lock_acquire(mine);
    bight_deferred_add_errback(deferred, wait_once_more, mine);
    watch_outcome(deferred, &code);
    (void)bight_call_later(here, 1, stop, here, NULL);
    ck_assert_int_eq(bight_reactor_run(here), 0);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert(bight_file_lock_is_locked(held));
    ck_assert_int_eq(bight_file_lock_release(held), 0);
    bight_file_lock_free(held);
    end();
}
END_TEST

static void free_all(struct bight_result *result, void *context)
{
    bight_result_clear(result);
    (void)context;
    bight_file_lock_free(mine);
    mine = NULL;
}

START_TEST(a_lock_survives_its_reactor_and_has_let_go) /* D28 */
{
    int waits, second;
    begin();
    struct bight_file_lock *waiting = bight_file_lock_new(here, PATH);
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), 0);
    acquire_only(waiting, &waits);
    acquire_only(theirs, &second);
    bight_reactor_free(here);
    ck_assert_int_eq(waits, BIGHT_E_SHUTDOWN);
    ck_assert(!bight_file_lock_is_locked(mine));
    ck_assert_int_eq(bight_file_lock_release(mine), BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(bight_file_lock_try_acquire(mine), BIGHT_E_SHUTDOWN);
    acquire_only(mine, &waits);
    ck_assert_int_eq(waits, BIGHT_E_SHUTDOWN);
    settle();
    ck_assert_int_eq(second, 0); /* as when a process dies */
    bight_file_lock_free(waiting);
    here = bight_host_reactor(host);
    end();
}
END_TEST

START_TEST(a_handler_may_free_locks_while_the_reactor_ends) /* D28 R3 */
{
    int code;
    begin();
    ck_assert_int_eq(bight_file_lock_try_acquire(theirs), 0);
    struct bight_file_lock *waiting = bight_file_lock_new(here, PATH);
    struct bight_deferred *deferred = bight_file_lock_acquire(mine);
    bight_deferred_add_both(deferred, free_all, NULL);
    bight_deferred_release(deferred);
    acquire_only(waiting, &code);
    bight_reactor_free(here);
    ck_assert_ptr_null(mine);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    bight_file_lock_free(waiting);
    here = bight_host_reactor(host);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, one_has_it_and_the_other_is_told);
    tcase_add_test(tests, a_free_lock_is_acquired_at_once);
    tcase_add_test(tests, who_waits_gets_it_when_another_process_lets_go);
    tcase_add_test(tests, those_of_one_object_are_served_in_their_order);
    tcase_add_test(tests, each_may_release_in_its_own_handler);
    tcase_add_test(tests, many_who_release_in_their_handlers_need_no_deep_stack);
    tcase_add_test(tests, who_released_in_a_handler_is_behind_those_who_wait);
    tcase_add_test(tests, releasing_what_is_not_held_is_a_usage_error);
    tcase_add_test(tests, a_cancelled_wait_is_over);
    tcase_add_test(tests, when_nobody_waits_the_file_is_not_tried);
    tcase_add_test(tests, a_wait_may_have_a_time_limit);
    tcase_add_test(tests, freeing_fails_those_who_wait_and_lets_go);
    tcase_add_test(tests, it_may_be_freed_by_the_one_who_gets_it);
    tcase_add_test(tests, an_acquisition_that_nobody_sees_is_given_back);
    tcase_add_test(tests, run_holds_it_until_the_deferred_has_its_result);
    tcase_add_test(tests, run_waits_for_its_turn_and_can_be_cancelled_there);
    tcase_add_test(tests, run_releases_when_what_it_runs_is_cancelled);
    tcase_add_test(tests, run_releases_nothing_that_is_not_its_own);
    tcase_add_test(tests, when_a_run_ends_nobody_waits_and_who_holds_it_goes_on);
    tcase_add_test(tests, a_lock_survives_its_reactor_and_has_let_go);
    tcase_add_test(tests, a_handler_may_free_locks_while_the_reactor_ends);
}

BIGHT_TEST_MAIN("file lock", add_tests)
