/* SPDX-License-Identifier: MIT */
/* test_deferred_chain.c - Deferreds that wait for others: order, circles, and a million of them in little stack. */
#include "two_deferreds.h"

/* Makes `from`, which has not fired, wait for `to` by firing it. */
static void make_wait(struct bight_deferred *from, struct bight_promise promise, struct bight_deferred *to)
{
    bight_deferred_add_callback(from, chained, to);
    fire(promise, 0);
}

START_TEST(the_outer_waits_for_the_inner) /* D5 */
{
    bight_deferred_add_callback(outer, seen, NAME("before"));
    bight_deferred_add_callback(outer, chained, inner);
    bight_deferred_add_callback(outer, seen, NAME("after"));
    fire(outer_promise, 1);
    ck_trace("before=1 ");
    ck_assert(bight_deferred_has_fired(outer));
    ck_assert_ptr_null(bight_deferred_result(outer));
    fire(inner_promise, 2);
    ck_trace("after=2 ");
    ck_assert_int_eq(fire(inner_promise, 2), BIGHT_E_STALE);
    release_with(outer, 2);
}

START_TEST(handlers_of_the_inner_run_before_and_later_ones_see_it_empty) /* D5 D7 */
{
    bight_deferred_hold(inner);
    bight_deferred_add_callback(inner, seen, NAME("first"));
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    make_wait(outer, outer_promise, inner);
    ck_trace("outer=0 ");
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    bight_deferred_add_callback(inner, seen, NAME("later"));
    fire(inner_promise, 2);
    ck_trace("first=2 outer=2 later=- ");
    release_with(outer, 2);
    bight_deferred_release(inner);
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_failure_of_the_inner_is_reported_once) /* D5 D18 */
{
    bight_deferred_hold(inner);
    make_wait(outer, outer_promise, inner);
    fire_failure(inner_promise, TLS);
    bight_deferred_release(inner);
    ck_assert_int_eq(reports, 0);
    bight_deferred_release(outer);
    ck_assert_int_eq(reports, 1);
}

START_TEST(two_that_wait_for_one_get_its_result_in_order) /* D5 */
{
    struct bight_promise second_promise;
    struct bight_deferred *second = bight_deferred_new(&second_promise, NULL, NULL);
    bight_deferred_hold(inner);
    make_wait(outer, outer_promise, inner);
    make_wait(second, second_promise, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    bight_deferred_add_callback(second, seen, NAME("second"));
    fire(inner_promise, 4);
    ck_trace("outer=4 second=- ");
    bight_deferred_release(outer);
    bight_deferred_release(second);
    ck_assert_int_eq(fire(inner_promise, 4), BIGHT_E_STALE);
}

START_TEST(a_fired_inner_gives_its_result_synchronously) /* D6 */
{
    fire(inner_promise, 3);
    bight_deferred_add_callback(outer, chained, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    fire(outer_promise, 1);
    ck_trace("outer=3 ");
    release_with(outer, 3);
}

START_TEST(an_inner_that_waits_itself_is_waited_for_at_any_depth) /* D6 */
{
    struct bight_promise deepest_promise;
    struct bight_deferred *deepest = bight_deferred_new(&deepest_promise, NULL, NULL);
    make_wait(inner, inner_promise, deepest);
    make_wait(outer, outer_promise, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    ck_trace("");
    fire(deepest_promise, 6);
    ck_trace("outer=6 ");
    release_with(outer, 6);
}

START_TEST(a_paused_inner_is_waited_for) /* D7 */
{
    bight_deferred_hold(inner);
    bight_deferred_pause(inner);
    bight_deferred_add_callback(inner, seen, NAME("inner"));
    fire(inner_promise, 3);
    make_wait(outer, outer_promise, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    ck_trace("");
    bight_deferred_unpause(inner);
    ck_trace("inner=3 outer=3 ");
    bight_deferred_release(inner);
    release_with(outer, 3);
}

START_TEST(a_paused_inner_without_levels_is_waited_for) /* D7 */
{
    bight_deferred_hold(inner);
    fire(inner_promise, 3);
    bight_deferred_pause(inner);
    make_wait(outer, outer_promise, inner);
    bight_deferred_add_callback(inner, seen, NAME("inner"));
    bight_deferred_unpause(inner);
    ck_trace("inner=- ");
    bight_deferred_release(inner);
    release_with(outer, 3);
}

static void firing_the_outer(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    fire(outer_promise, 0);
    note("returned ");
}

START_TEST(an_inner_inside_its_own_handler_is_waited_for) /* D7 */
{
    bight_deferred_add_callback(outer, chained, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    bight_deferred_add_callback(inner, firing_the_outer, NULL);
    bight_deferred_add_callback(inner, seen, NAME("inner"));
    fire(inner_promise, 8);
    ck_trace("returned inner=8 outer=8 ");
    release_with(outer, 8);
}

static void chaining_and_firing(struct bight_result *result, void *context)
{
    bight_result_chain(result, context);
    fire(inner_promise, 9);
    note("returned ");
}

START_TEST(an_inner_may_fire_before_the_handler_returns) /* D5 D10 */
{
    bight_deferred_add_callback(outer, chaining_and_firing, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    fire(outer_promise, 0);
    ck_trace("returned outer=9 ");
    release_with(outer, 9);
}

START_TEST(a_handler_that_chains_its_own_deferred_fails_it) /* D8 */
{
    bight_deferred_hold(outer);
    make_wait(outer, outer_promise, outer);
    release_failed(outer, BIGHT_E_CIRCULAR);
    ck_assert_int_eq(fire(outer_promise, 0), BIGHT_E_STALE);
    fire(inner_promise, 0);
    bight_deferred_release(inner);
}

START_TEST(a_circle_fails_instead_of_hanging) /* D8 */
{
    struct bight_promise third_promise;
    struct bight_deferred *third = bight_deferred_new(&third_promise, NULL, NULL);
    bight_deferred_hold(outer);
    bight_deferred_add_callback(outer, chained, inner);
    bight_deferred_add_callback(inner, chained, third);
    bight_deferred_add_callback(third, chained, outer);
    fire(outer_promise, 0);
    fire(inner_promise, 0);
    ck_assert_ptr_null(bight_deferred_result(outer));
    fire(third_promise, 0);
    release_failed(outer, BIGHT_E_CIRCULAR);
    ck_assert_int_eq(reports, 0);
    ck_assert_int_eq(fire(third_promise, 0), BIGHT_E_STALE);
}

START_TEST(a_circle_is_found_where_several_wait_for_one) /* D8 */
{
    struct bight_promise second_promise;
    struct bight_deferred *second = bight_deferred_new(&second_promise, NULL, NULL);
    bight_deferred_hold(inner);
    bight_deferred_hold(outer);
    bight_deferred_add_callback(inner, chained, outer);
    make_wait(second, second_promise, inner);
    make_wait(outer, outer_promise, inner);
    fire(inner_promise, 0);
    release_failed(second, BIGHT_E_CIRCULAR);
    bight_deferred_release(outer);
    ck_assert_int_eq(reports, 0);
    ck_assert_int_eq(fire(inner_promise, 0), BIGHT_E_STALE);
}

START_TEST(a_result_that_stands_alone_cannot_wait) /* D5 */
{
    bight_deferred_set_debug(false);
    struct bight_result alone = { NULL, NULL, NULL };
    bight_result_chain(&alone, inner);
    ck_assert_int_eq(bight_failure_code(bight_result_failure(&alone)), BIGHT_E_USAGE);
    ck_assert_int_eq(fire(inner_promise, 0), BIGHT_E_STALE);
    ck_assert_int_eq(usage_errors, 1);
    ck_assert_int_eq(reports, 1);
    bight_result_clear(&alone);
    fire(outer_promise, 0);
    bight_deferred_release(outer);
}

/* ------------------------------------------------------------------------------------------ a million */

static struct bight_promise *promises;
static struct bight_deferred **links;

static void make_million(void)
{
    promises = calloc(MILLION, sizeof(*promises));
    links = calloc(MILLION, sizeof(struct bight_deferred *));
    for (int i = 0; i < MILLION; i++) {
        links[i] = bight_deferred_new(&promises[i], NULL, NULL);
    }
}

static void free_million(void)
{
    free(promises);
    free(links);
}

/* 0 waits for 1, which waits for 2, and so on. */
static void add_waits(void)
{
    for (int i = 0; i + 1 < MILLION; i++) {
        bight_deferred_add_callback(links[i], chained, links[i + 1]);
        bight_deferred_add_callback(links[i], cleared, NULL);
    }
}

static void waits_from_the_outside_in(void)
{
    make_million();
    add_waits();
    for (int i = 0; i < MILLION; i++) {
        ck_assert_int_eq(fire(promises[i], i), 0);
    }
    ck_assert(bight_result_is_empty(bight_deferred_result(links[0])));
    bight_deferred_release(links[0]);
    free_million();
}

static void waits_from_the_inside_out(void)
{
    make_million();
    add_waits();
    for (int i = MILLION - 1; i >= 0; i--) {
        ck_assert_int_eq(fire(promises[i], i), 0);
    }
    bight_deferred_release(links[0]);
    free_million();
}

/* The last stays unfired until all wait, so that links are made onto ever longer ways down. */
static void waits_built_inside_out_and_fired_last(void)
{
    make_million();
    add_waits();
    for (int i = MILLION - 2; i >= 0; i--) {
        ck_assert_int_eq(fire(promises[i], i), 0);
    }
    ck_assert_ptr_null(bight_deferred_result(links[0]));
    ck_assert_int_eq(fire(promises[MILLION - 1], 5), 0);
    ck_assert(bight_result_is_empty(bight_deferred_result(links[0])));
    bight_deferred_release(links[0]);
    free_million();
}

static void waits_cancelled(void)
{
    make_million();
    add_waits();
    for (int i = MILLION - 2; i >= 0; i--) {
        fire(promises[i], i);
    }
    bight_deferred_cancel(links[0]);
    release_failed(links[0], BIGHT_E_CANCELLED);
    ck_assert_int_eq(fire(promises[MILLION - 1], 5), BIGHT_E_STALE);
    free_million();
}

static void waits_that_nobody_holds(void)
{
    make_million();
    add_waits();
    for (int i = MILLION - 2; i >= 0; i--) {
        fire(promises[i], i);
    }
    bight_deferred_release(links[0]);
    ck_assert(bight_promise_is_open(promises[MILLION - 1]));
    bight_callback(promises[MILLION - 1], &counted, links);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(fire(promises[0], 5), BIGHT_E_STALE);
    ck_assert_int_eq(fire(promises[MILLION - 1], 5), BIGHT_E_STALE);
    free_million();
}

static void waits_abandoned(void)
{
    make_million();
    add_waits();
    for (int i = MILLION - 2; i >= 0; i--) {
        fire(promises[i], i);
    }
    bight_deferred_release(links[0]);
    bight_abandon(promises[MILLION - 1]);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_ABANDONED);
    free_million();
}

static void waits_with_looking_holders(void)
{
    make_million();
    add_waits();
    for (int i = 0; i < MILLION; i++) {
        bight_deferred_hold(links[i]);
        fire(promises[i], i);
        bight_deferred_add_both(links[i], cleared, NULL);
    }
    for (int i = 0; i < MILLION; i++) {
        bight_deferred_release(links[i]);
    }
    bight_deferred_release(links[0]);
    free_million();
}

static void forwards(void)
{
    make_million();
    for (int i = 0; i + 1 < MILLION; i++) {
        bight_deferred_chain(links[i], promises[i + 1]);
        bight_deferred_add_both(links[i], cleared, NULL);
        bight_deferred_release(links[i]);
    }
    fire(promises[0], 5);
    release_with(links[MILLION - 1], 5);
    free_million();
}

START_TEST(a_million_waits_fire_from_the_outside_in) /* D12 */
{
    with_little_stack(waits_from_the_outside_in);
}

START_TEST(a_million_waits_fire_from_the_inside_out) /* D12 */
{
    with_little_stack(waits_from_the_inside_out);
}

START_TEST(a_million_waits_are_built_from_the_inside_out) /* D8 D12 */
{
    with_little_stack(waits_built_inside_out_and_fired_last);
}

START_TEST(a_cancel_goes_through_a_million_waits) /* D12 D16 */
{
    with_little_stack(waits_cancelled);
}

START_TEST(a_million_waits_that_nobody_holds_are_freed) /* D12 D31 */
{
    with_little_stack(waits_that_nobody_holds);
}

START_TEST(a_million_waits_are_freed_when_the_last_is_abandoned) /* D12 D18 D31 */
{
    with_little_stack(waits_abandoned);
}

START_TEST(a_million_waits_with_levels_left_are_come_back_to) /* D12 */
{
    with_little_stack(waits_with_looking_holders);
}

START_TEST(a_million_forwards_fire_in_constant_stack) /* D9 D12 */
{
    with_little_stack(forwards);
}

static void release_inside(struct bight_result *result, void *context)
{
    (void)result;
    bight_deferred_release(context);
    note("released ");
}

START_TEST(the_outer_is_let_go_of_while_waiting) /* D31 */
{
    bight_deferred_add_callback(outer, chained, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    fire(outer_promise, 0);
    bight_deferred_release(outer);
    fire(inner_promise, 3);
    ck_trace("outer=3 ");
    ck_assert_int_eq(fire(outer_promise, 0), BIGHT_E_STALE);
}

START_TEST(the_outer_is_let_go_of_inside_a_handler_of_the_inner) /* D31 */
{
    bight_deferred_add_callback(inner, release_inside, outer);
    bight_deferred_add_callback(outer, chained, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    fire(outer_promise, 0);
    fire(inner_promise, 3);
    ck_trace("released outer=3 ");
    ck_assert_int_eq(fire(outer_promise, 0), BIGHT_E_STALE);
}

static void add_order_tests(TCase *tests)
{
    tcase_add_test(tests, the_outer_waits_for_the_inner);
    tcase_add_test(tests, handlers_of_the_inner_run_before_and_later_ones_see_it_empty);
    tcase_add_test(tests, a_failure_of_the_inner_is_reported_once);
    tcase_add_test(tests, two_that_wait_for_one_get_its_result_in_order);
    tcase_add_test(tests, a_fired_inner_gives_its_result_synchronously);
    tcase_add_test(tests, an_inner_that_waits_itself_is_waited_for_at_any_depth);
    tcase_add_test(tests, a_paused_inner_is_waited_for);
    tcase_add_test(tests, a_paused_inner_without_levels_is_waited_for);
    tcase_add_test(tests, an_inner_inside_its_own_handler_is_waited_for);
    tcase_add_test(tests, an_inner_may_fire_before_the_handler_returns);
    tcase_add_test(tests, the_outer_is_let_go_of_while_waiting);
    tcase_add_test(tests, the_outer_is_let_go_of_inside_a_handler_of_the_inner);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    add_order_tests(tests);
    tcase_add_test(tests, a_handler_that_chains_its_own_deferred_fails_it);
    tcase_add_test(tests, a_circle_fails_instead_of_hanging);
    tcase_add_test(tests, a_circle_is_found_where_several_wait_for_one);
    tcase_add_test(tests, a_result_that_stands_alone_cannot_wait);
    tcase_add_test(tests, a_million_waits_fire_from_the_outside_in);
    tcase_add_test(tests, a_million_waits_fire_from_the_inside_out);
    tcase_add_test(tests, a_million_waits_are_built_from_the_inside_out);
    tcase_add_test(tests, a_cancel_goes_through_a_million_waits);
    tcase_add_test(tests, a_million_waits_that_nobody_holds_are_freed);
    tcase_add_test(tests, a_million_waits_are_freed_when_the_last_is_abandoned);
    tcase_add_test(tests, a_million_waits_with_levels_left_are_come_back_to);
    tcase_add_test(tests, a_million_forwards_fire_in_constant_stack);
}

BIGHT_TEST_MAIN("deferred_chain", add_tests)
