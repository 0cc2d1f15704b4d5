/* SPDX-License-Identifier: MIT */
/* test_event.c - events and barriers: who is woken, in which order, and what may happen meanwhile. */
#include "sync_support.h"

static struct bight_event *event;
static struct bight_barrier *barrier;

static void set_up(void)
{
    begin();
    event = bight_event_new();
    barrier = bight_barrier_new(3);
    ck_assert_ptr_nonnull(event);
    ck_assert_ptr_nonnull(barrier);
}

static void tear_down(void)
{
    bight_event_free(event);
    bight_barrier_free(barrier);
}

static void wait_as(const char *name)
{
    listen_to(bight_event_wait(event), name);
}

static void meet_as(const char *name)
{
    listen_to(bight_barrier_wait(barrier), name);
}

/* -------------------------------------------------------------------------------------------- event */

START_TEST(a_set_wakes_all_in_their_order) /* D30 */
{
    ck_assert(!bight_event_is_set(event));
    wait_as("a");
    wait_as("b");
    wait_as("c");
    ck_trace("");
    bight_event_set(event);
    ck_trace("a=- b=- c=- ");
    ck_assert(bight_event_is_set(event));
}

static void count_who_waits(struct bight_result *result, void *context)
{
    (void)result;
    *(size_t *)context = bight_event_waiting(event);
}

START_TEST(it_tells_how_many_wait_for_the_next_set) /* D30 */
{
    size_t seen_inside = 99;
    ck_assert_uint_eq(bight_event_waiting(event), 0);
    then_do(bight_event_wait(event), "a", count_who_waits, &seen_inside);
    struct bight_deferred *b = watch(bight_event_wait(event), "b");
    wait_as("c");
    ck_assert_uint_eq(bight_event_waiting(event), 3);
    bight_deferred_cancel(b);
    ck_assert_uint_eq(bight_event_waiting(event), 2);
    bight_event_set(event);
    ck_trace("b=CANCELLED a=- c=- ");
    ck_assert_uint_eq(seen_inside, 0);
    wait_as("d");
    ck_assert_uint_eq(bight_event_waiting(event), 0);
    bight_deferred_release(b);
}

START_TEST(who_comes_while_it_is_set_does_not_wait) /* D30 */
{
    bight_event_set(event);
    bight_event_set(event);
    wait_as("a");
    ck_trace("a=- ");
    bight_event_clear(event);
    ck_assert(!bight_event_is_set(event));
    wait_as("b");
    ck_trace("");
    bight_event_set(event);
    ck_trace("b=- ");
}

static void clear_and_wait(struct bight_result *result, void *context)
{
    (void)result;
    bight_event_clear(event);
    wait_as(context);
}

START_TEST(clearing_in_a_handler_does_not_put_the_others_to_sleep) /* D30 */
{
    then_do(bight_event_wait(event), "a", clear_and_wait, NAME("d"));
    wait_as("b");
    wait_as("c");
    bight_event_set(event);
    ck_trace("a=- b=- c=- ");
    ck_assert(!bight_event_is_set(event));
    bight_event_set(event);
    ck_trace("d=- ");
}

static void clear_wait_and_set(struct bight_result *result, void *context)
{
    clear_and_wait(result, context);
    bight_event_set(event);
    note("| ");
}

START_TEST(a_set_in_a_handler_wakes_behind_those_woken_before) /* D10 D30 */
{
    then_do(bight_event_wait(event), "a", clear_wait_and_set, NAME("c"));
    wait_as("b");
    bight_event_set(event);
    ck_trace("a=- | b=- c=- ");
}

START_TEST(a_cancelled_wait_is_not_woken) /* D13 D30 */
{
    struct bight_deferred *a = watch(bight_event_wait(event), "a");
    wait_as("b");
    bight_deferred_cancel(a);
    bight_event_set(event);
    ck_trace("a=CANCELLED b=- ");
    bight_deferred_release(a);
}

START_TEST(a_handler_may_cancel_one_that_is_about_to_wake) /* D30 */
{
    struct bight_deferred *a = bight_event_wait(event);
    struct bight_deferred *b = watch(bight_event_wait(event), "b");
    then_do(a, "a", cancel_it, b);
    wait_as("c");
    bight_event_set(event);
    ck_trace("a=- b=CANCELLED c=- ");
    bight_deferred_release(b);
}

START_TEST(a_wait_for_an_event_may_have_a_time_limit) /* D17 D30 */
{
    struct bight_deferred *a = bight_event_wait(event);
    bight_deferred_add_timeout(a, 2, &test_clock.base);
    listen_to(a, "a");
    advance(2);
    ck_trace("a=TIMED_OUT ");
    bight_event_set(event);
    ck_trace("");
}

START_TEST(freeing_an_event_fails_who_waits) /* D28 D30 */
{
    wait_as("a");
    wait_as("b");
    bight_event_free(event);
    event = NULL;
    bight_event_free(NULL);
    ck_trace("a=ABANDONED b=ABANDONED ");
}

static void clear_wait_and_free(struct bight_result *result, void *context)
{
    clear_and_wait(result, context);
    bight_event_free(event);
    bight_event_free(event);
    wait_as("late");
    event = NULL;
}

START_TEST(an_event_freed_by_the_first_still_wakes_the_others) /* D28 D30 */
{
    then_do(bight_event_wait(event), "a", clear_wait_and_free, NAME("new"));
    wait_as("b");
    bight_event_set(event);
    ck_trace("a=- new=ABANDONED late=ABANDONED b=- ");
    ck_assert_int_eq(usage_errors, 1);
}

static int turns;

static void set_again(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    turns++;
    if (turns <= MILLION) {
        bight_event_clear(event);
        struct bight_deferred *again = bight_event_wait(event);
        bight_deferred_add_callback(again, set_again, NULL);
        bight_deferred_release(again);
        bight_event_set(event);
    }
}

static void many_sets(void)
{
    for (int i = 0; i < MILLION; i++) {
        struct bight_deferred *deferred = bight_event_wait(event);
        bight_deferred_add_callback(deferred, set_again, NULL);
        bight_deferred_release(deferred);
    }
    bight_event_set(event);
    ck_assert_int_eq(turns, 2 * MILLION);
}

START_TEST(a_million_waits_and_sets_cost_the_stack_of_one) /* D12 D30 */
{
    with_little_stack(many_sets);
}

/* ------------------------------------------------------------------------------------------ barrier */

START_TEST(the_last_to_come_lets_all_go) /* D30 */
{
    meet_as("a");
    meet_as("b");
    ck_trace("");
    ck_assert_uint_eq(bight_barrier_parties(barrier), 3);
    ck_assert_uint_eq(bight_barrier_waiting(barrier), 2);
    meet_as("c");
    ck_trace("a=0 b=1 c=2 ");
    ck_assert_uint_eq(bight_barrier_waiting(barrier), 0);
    meet_as("d");
    ck_trace("");
}

START_TEST(a_barrier_for_one_holds_nobody_up) /* D30 */
{
    struct bight_barrier *one = bight_barrier_new(1);
    listen_to(bight_barrier_wait(one), "a");
    listen_to(bight_barrier_wait(one), "b");
    ck_trace("a=0 b=0 ");
    bight_barrier_free(one);
    ck_assert_ptr_null(bight_barrier_new(0));
    ck_assert_ptr_null(bight_barrier_new(-1));
    ck_assert_int_eq(usage_errors, 2);
}

START_TEST(who_cancels_leaves_the_round) /* D13 D30 */
{
    struct bight_deferred *a = watch(bight_barrier_wait(barrier), "a");
    meet_as("b");
    bight_deferred_cancel(a);
    ck_assert_uint_eq(bight_barrier_waiting(barrier), 1);
    ck_assert(!bight_barrier_is_broken(barrier));
    meet_as("c");
    ck_trace("a=CANCELLED ");
    meet_as("d");
    ck_trace("b=0 c=1 d=2 ");
    bight_deferred_release(a);
}

START_TEST(who_gives_up_in_time_leaves_the_round_too) /* D17 D30 */
{
    struct bight_deferred *a = bight_barrier_wait(barrier);
    bight_deferred_add_timeout(a, 1, &test_clock.base);
    listen_to(a, "a");
    advance(1);
    ck_trace("a=TIMED_OUT ");
    ck_assert_uint_eq(bight_barrier_waiting(barrier), 0);
}

START_TEST(a_broken_barrier_lets_nobody_wait) /* D30 */
{
    meet_as("a");
    meet_as("b");
    bight_barrier_break(barrier);
    ck_trace("a=BROKEN b=BROKEN ");
    ck_assert(bight_barrier_is_broken(barrier));
    meet_as("c");
    ck_trace("c=BROKEN ");
    bight_barrier_reset(barrier);
    ck_assert(!bight_barrier_is_broken(barrier));
    meet_as("d");
    ck_trace("");
    ck_assert_uint_eq(bight_barrier_waiting(barrier), 1);
}

START_TEST(a_reset_breaks_the_round_but_not_the_barrier) /* D30 */
{
    meet_as("a");
    bight_barrier_reset(barrier);
    ck_trace("a=BROKEN ");
    meet_as("b");
    meet_as("c");
    meet_as("d");
    ck_trace("b=0 c=1 d=2 ");
}

static void meet_again(struct bight_result *result, void *context)
{
    (void)result;
    meet_as(context);
}

START_TEST(a_handler_waits_for_the_next_round) /* D30 */
{
    then_do(bight_barrier_wait(barrier), "a", meet_again, NAME("A"));
    then_do(bight_barrier_wait(barrier), "b", meet_again, NAME("B"));
    meet_as("c");
    ck_trace("a=0 b=1 c=2 ");
    ck_assert_uint_eq(bight_barrier_waiting(barrier), 2);
    meet_as("C");
    ck_trace("A=0 B=1 C=2 ");
}

static void break_it(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_barrier_break(barrier);
}

START_TEST(a_handler_that_breaks_it_does_not_undo_the_round) /* D30 */
{
    then_do(bight_barrier_wait(barrier), "a", break_it, NULL);
    meet_as("b");
    meet_as("c");
    ck_trace("a=0 b=1 c=2 ");
    ck_assert(bight_barrier_is_broken(barrier));
}

static void free_barrier(struct bight_result *result, void *context)
{
    (void)result;
    bight_barrier_free(context);
    listen_to(bight_barrier_wait(context), "late");
    barrier = NULL;
}

START_TEST(a_handler_may_free_the_barrier) /* D28 D30 */
{
    then_do(bight_barrier_wait(barrier), "a", free_barrier, barrier);
    meet_as("b");
    meet_as("c");
    ck_trace("a=0 late=ABANDONED b=1 c=2 ");
}

START_TEST(freeing_a_barrier_fails_who_waits) /* D28 D30 */
{
    meet_as("a");
    meet_as("b");
    bight_barrier_free(barrier);
    barrier = NULL;
    bight_barrier_free(NULL);
    ck_trace("a=ABANDONED b=ABANDONED ");
}

static void use_both(void)
{
    event = bight_event_new();
    barrier = bight_barrier_new(3);
    for (int i = 0; event != NULL && i < 3; i++) {
        wait_as("");
    }
    for (int i = 0; barrier != NULL && i < 7; i++) {
        meet_as("");
    }
    if (event != NULL) {
        bight_event_set(event);
        wait_as("");
    }
    bight_event_free(event);
    bight_barrier_free(barrier);
}

START_TEST(each_allocation_may_fail) /* D30 D34 */
{
    tear_down();
    with_each_fault(use_both);
    event = NULL;
    barrier = NULL;
}

START_TEST(the_last_to_come_for_whom_there_is_no_memory_has_not_come) /* D30 D34 */
{
    struct bight_test_memory memory;
    meet_as("a");
    meet_as("b");
    bight_test_fail_nth(&memory, 1);
    meet_as("c");
    bight_set_allocator(NULL);
    ck_trace("c=OUT_OF_MEMORY ");
    ck_assert_uint_eq(bight_barrier_waiting(barrier), 2);
    meet_as("d");
    ck_trace("a=0 b=1 d=2 ");
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_set_wakes_all_in_their_order);
    tcase_add_test(tests, it_tells_how_many_wait_for_the_next_set);
    tcase_add_test(tests, who_comes_while_it_is_set_does_not_wait);
    tcase_add_test(tests, clearing_in_a_handler_does_not_put_the_others_to_sleep);
    tcase_add_test(tests, a_set_in_a_handler_wakes_behind_those_woken_before);
    tcase_add_test(tests, a_cancelled_wait_is_not_woken);
    tcase_add_test(tests, a_handler_may_cancel_one_that_is_about_to_wake);
    tcase_add_test(tests, a_wait_for_an_event_may_have_a_time_limit);
    tcase_add_test(tests, freeing_an_event_fails_who_waits);
    tcase_add_test(tests, an_event_freed_by_the_first_still_wakes_the_others);
    tcase_add_test(tests, a_million_waits_and_sets_cost_the_stack_of_one);
    tcase_add_test(tests, the_last_to_come_lets_all_go);
    tcase_add_test(tests, a_barrier_for_one_holds_nobody_up);
    tcase_add_test(tests, who_cancels_leaves_the_round);
    tcase_add_test(tests, who_gives_up_in_time_leaves_the_round_too);
    tcase_add_test(tests, a_broken_barrier_lets_nobody_wait);
    tcase_add_test(tests, a_reset_breaks_the_round_but_not_the_barrier);
    tcase_add_test(tests, a_handler_waits_for_the_next_round);
    tcase_add_test(tests, a_handler_that_breaks_it_does_not_undo_the_round);
    tcase_add_test(tests, a_handler_may_free_the_barrier);
    tcase_add_test(tests, freeing_a_barrier_fails_who_waits);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, the_last_to_come_for_whom_there_is_no_memory_has_not_come);
}

BIGHT_TEST_MAIN("event", add_tests)
