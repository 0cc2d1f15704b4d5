/* SPDX-License-Identifier: MIT */
/* test_combine_when.c - what does not cancel its members: when_first, when_all, as_completed, shield; maybe_deferred.
 */
#include "combine_support.h"

static void set_up(void)
{
    begin();
    make_members(3);
}

/* Fires and releases what a test did not use. */
static void end_members(size_t from)
{
    for (size_t i = from; i < 3; i++) {
        fire(promises[i], 0);
        bight_deferred_release(members[i]);
    }
}

/* --------------------------------------------------------------------------------------- when_first */

START_TEST(when_first_gives_the_first_value_and_its_index) /* D27 */
{
    watch(bight_when_first(members, 3));
    fire(promises[1], 5);
    ck_trace("1:5 ");
    ck_assert_int_eq(cancelled, 0);
    fire_counted(promises[0]);
    ck_assert_int_eq(discarded, 1);
    fire_failure(promises[2], CLOSED);
    ck_assert_int_eq(reports, 1);
}

START_TEST(when_first_gives_a_failure_that_comes_first) /* D27 */
{
    watch(bight_when_first(members, 3));
    fire_failure(promises[2], CLOSED);
    ck_trace("2:!CLOSED ");
    ck_assert_int_eq(reports, 0);
    fire(promises[0], 0);
    fire(promises[1], 0);
}

START_TEST(when_first_of_none_fails) /* D27 */
{
    watch(bight_when_first(NULL, 0));
    ck_trace("!INVALID_ARGUMENT ");
    end_members(0);
}

START_TEST(members_that_others_hold_keep_what_when_first_did_not_deliver) /* D27 D31 */
{
    for (int i = 0; i < 3; i++) {
        bight_deferred_hold(members[i]);
    }
    watch(bight_when_first(members, 3));
    fire(promises[1], 5);
    fire(promises[0], 6);
    fire_failure(promises[2], CLOSED);
    ck_trace("1:5 ");
    release_with(members[0], 6);
    ck_assert(bight_result_is_empty(bight_deferred_result(members[1])));
    bight_deferred_release(members[1]);
    release_failed(members[2], BIGHT_E_CLOSED);
    ck_assert_int_eq(reports, 0);
}

START_TEST(cancelling_when_first_cancels_no_member) /* D27 */
{
    bight_deferred_hold(members[0]);
    struct bight_deferred *first = bight_when_first(members, 3);
    bight_deferred_cancel(first);
    watch(first);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(cancelled, 0);
    fire(promises[0], 6);
    release_with(members[0], 6);
    fire_counted(promises[1]);
    ck_assert_int_eq(discarded, 1);
    fire_failure(promises[2], CLOSED);
    ck_assert_int_eq(reports, 1);
}

START_TEST(a_members_own_cancelled_is_reported_when_nobody_asked_for_it) /* D18 D27 */
{
    struct bight_deferred *first = bight_when_first(members, 3);
    bight_deferred_cancel(first);
    watch(first);
    fire_failure(promises[0], CANCELLED);
    ck_assert_int_eq(reports, 1);
    fire(promises[1], 0);
    fire(promises[2], 0);
}

/* ----------------------------------------------------------------------------------------- when_all */

START_TEST(when_all_gives_every_outcome_in_order) /* D27 */
{
    watch(bight_when_all(members, 3));
    fire(promises[2], 3);
    fire_failure(promises[1], CLOSED);
    fire(promises[0], 1);
    ck_trace("[1 !CLOSED 3] ");
    ck_assert_int_eq(reports, 0);
    watch(bight_when_all(NULL, 0));
    ck_trace("[] ");
}

START_TEST(cancelling_when_all_gives_back_what_it_had) /* D27 D31 */
{
    bight_deferred_hold(members[0]);
    bight_deferred_hold(members[2]);
    struct bight_deferred *all = bight_when_all(members, 3);
    fire(promises[0], 1);
    fire_counted(promises[1]);
    ck_assert(bight_result_is_empty(bight_deferred_result(members[0])));
    bight_deferred_cancel(all);
    watch(all);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(cancelled, 0);
    ck_assert_int_eq(discarded, 1);
    release_with(members[0], 1);
    fire(promises[2], 3);
    release_with(members[2], 3);
}

START_TEST(what_is_given_back_does_not_displace_what_a_holder_made) /* D27 */
{
    bight_deferred_hold(members[0]);
    struct bight_deferred *all = bight_when_all(members, 3);
    fire_counted(promises[0]);
    bight_result_set(bight_deferred_result(members[0]), &bight_type_integer, bight_integer(8));
    bight_deferred_cancel(all);
    watch(all);
    ck_assert_int_eq(discarded, 1);
    release_with(members[0], 8);
    fire(promises[1], 0);
    fire(promises[2], 0);
}

START_TEST(failures_that_when_all_had_are_reported_when_it_is_cancelled) /* D18 D27 */
{
    struct bight_deferred *all = bight_when_all(members, 3);
    fire_failure(promises[0], CLOSED);
    bight_deferred_cancel(all);
    watch(all);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_CLOSED);
    fire(promises[1], 0);
    fire(promises[2], 0);
}

/* ------------------------------------------------------------------------------------- as_completed */

static struct bight_as_completed *completed;

static void free_completed(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_as_completed_free(completed);
    note("freed ");
}

START_TEST(results_come_in_the_order_of_completion) /* D27 */
{
    completed = bight_as_completed_new(members, 3);
    fire(promises[2], 3);
    fire_failure(promises[0], CLOSED);
    watch(bight_as_completed_next(completed));
    watch(bight_as_completed_next(completed));
    ck_trace("2:3 0:!CLOSED ");
    watch(bight_as_completed_next(completed));
    ck_trace("");
    fire(promises[1], 2);
    ck_trace("1:2 ");
    bight_as_completed_free(completed);
}

START_TEST(several_may_wait_first_come_first_served) /* D27 */
{
    completed = bight_as_completed_new(members, 3);
    struct bight_deferred *nexts[3];
    for (int i = 0; i < 3; i++) {
        nexts[i] = bight_as_completed_next(completed);
    }
    ck_assert_uint_eq(bight_as_completed_remaining(completed), 0);
    fire(promises[1], 2);
    watch(nexts[0]);
    ck_trace("1:2 ");
    fire(promises[0], 1);
    watch(nexts[1]);
    ck_trace("0:1 ");
    watch(nexts[2]);
    fire(promises[2], 3);
    ck_trace("2:3 ");
    bight_as_completed_free(completed);
}

START_TEST(one_next_too_many_fails) /* D27 */
{
    completed = bight_as_completed_new(members, 1);
    ck_assert_uint_eq(bight_as_completed_remaining(completed), 1);
    watch(bight_as_completed_next(completed));
    ck_assert_uint_eq(bight_as_completed_remaining(completed), 0);
    watch(bight_as_completed_next(completed));
    ck_trace("!QUEUE_UNDERFLOW ");
    fire(promises[0], 1);
    watch(bight_as_completed_next(completed));
    ck_trace("0:1 !QUEUE_UNDERFLOW ");
    bight_as_completed_free(completed);
    end_members(1);
}

START_TEST(a_cancelled_next_leaves_the_row) /* D15 D27 */
{
    completed = bight_as_completed_new(members, 2);
    struct bight_deferred *first = bight_as_completed_next(completed);
    struct bight_deferred *second = bight_as_completed_next(completed);
    bight_deferred_cancel(first);
    watch(first);
    ck_trace("!CANCELLED ");
    ck_assert_uint_eq(bight_as_completed_remaining(completed), 1);
    ck_assert_int_eq(cancelled, 0);
    watch(second);
    fire(promises[1], 2);
    ck_trace("1:2 ");
    fire(promises[0], 1);
    watch(bight_as_completed_next(completed));
    ck_trace("0:1 ");
    bight_as_completed_free(completed);
    end_members(2);
}

START_TEST(freeing_abandons_those_that_wait_and_discards_what_comes) /* D27 D28 D31 */
{
    bight_deferred_hold(members[2]);
    completed = bight_as_completed_new(members, 3);
    struct bight_deferred *next = bight_as_completed_next(completed);
    watch(bight_as_completed_next(completed));
    bight_as_completed_free(completed);
    watch(next);
    ck_trace("!ABANDONED !ABANDONED ");
    ck_assert_int_eq(cancelled, 0);
    fire_counted(promises[0]);
    ck_assert_int_eq(discarded, 1);
    fire_failure(promises[1], CLOSED);
    ck_assert_int_eq(reports, 1);
    fire(promises[2], 4);
    release_with(members[2], 4);
}

START_TEST(freeing_gives_back_what_nobody_asked_for) /* D27 D31 */
{
    bight_deferred_hold(members[0]);
    completed = bight_as_completed_new(members, 3);
    fire(promises[0], 1);
    fire_counted(promises[1]);
    fire_failure(promises[2], CLOSED);
    bight_as_completed_free(completed);
    release_with(members[0], 1);
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(reports, 1);
    bight_as_completed_free(NULL);
}

START_TEST(it_may_be_freed_in_the_handler_of_a_next) /* D16 D27 */
{
    completed = bight_as_completed_new(members, 3);
    struct bight_deferred *next = bight_as_completed_next(completed);
    bight_deferred_add_callback(next, free_completed, NULL);
    watch(next);
    watch(bight_as_completed_next(completed));
    fire(promises[1], 2);
    ck_trace("!ABANDONED freed 1:2 ");
    fire(promises[0], 2);
    fire(promises[2], 2);
}

static void ask_again(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    watch(bight_as_completed_next(completed));
    bight_as_completed_free(completed);
}

START_TEST(an_abandoned_next_cannot_ask_again) /* D27 */
{
    completed = bight_as_completed_new(members, 3);
    struct bight_deferred *next = bight_as_completed_next(completed);
    bight_deferred_add_errback(next, ask_again, NULL);
    bight_deferred_release(next);
    bight_as_completed_free(completed);
    ck_trace("!ABANDONED ");
    ck_assert_int_eq(usage_errors, 1);
    for (int i = 0; i < 3; i++) {
        fire(promises[i], 0);
    }
}

START_TEST(completions_of_none_are_none) /* D27 */
{
    completed = bight_as_completed_new(NULL, 0);
    ck_assert_uint_eq(bight_as_completed_remaining(completed), 0);
    bight_as_completed_free(completed);
    ck_assert_ptr_null(bight_as_completed_new(NULL, 2));
    ck_assert_int_eq(usage_errors, 1);
    end_members(0);
}

START_TEST(members_that_had_fired_come_first) /* D27 */
{
    struct bight_deferred *mixed[3] = { members[0], value(1), value(2) };
    completed = bight_as_completed_new(mixed, 3);
    fire(promises[0], 3);
    while (bight_as_completed_remaining(completed) > 0) {
        watch(bight_as_completed_next(completed));
    }
    ck_trace("1:1 2:2 0:3 ");
    bight_as_completed_free(completed);
    end_members(1);
}

/* ------------------------------------------------------------------------------------------- shield */

START_TEST(a_shield_gives_the_inner_result) /* D27 */
{
    watch(bight_shield(members[0]));
    fire(promises[0], 1);
    watch(bight_shield(members[1]));
    fire_failure(promises[1], CLOSED);
    watch(bight_shield(value(3)));
    ck_trace("1 !CLOSED 3 ");
    ck_assert_int_eq(reports, 0);
    end_members(2);
}

START_TEST(a_cancel_of_a_shield_does_not_reach_the_inner) /* D27 */
{
    bight_deferred_hold(members[0]);
    for (int i = 0; i < 3; i++) {
        struct bight_deferred *shield = bight_shield(members[i]);
        bight_deferred_cancel(shield);
        watch(shield);
    }
    ck_trace("!CANCELLED !CANCELLED !CANCELLED ");
    ck_assert_int_eq(cancelled, 0);
    fire(promises[0], 1);
    release_with(members[0], 1);
    fire_counted(promises[1]);
    ck_assert_int_eq(discarded, 1);
    fire_failure(promises[2], CLOSED);
    ck_assert_int_eq(reports, 1);
}

START_TEST(a_cancel_through_a_chain_stops_at_a_shield) /* D16 D27 */
{
    bight_deferred_add_callback(members[0], chained, bight_shield(members[1]));
    fire(promises[0], 0);
    bight_deferred_cancel(members[0]);
    watch(members[0]);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(cancelled, 0);
    fire(promises[1], 0);
    end_members(2);
}

/* ----------------------------------------------------------------------------------- maybe_deferred */

static void give_value(struct bight_result *result, void *context)
{
    bight_result_set(result, &bight_type_integer, context);
}

static void give_failure(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_fail(result, bight_failure_of(BIGHT_E_CLOSED));
}

START_TEST(maybe_deferred_takes_values_failures_and_deferreds) /* D20 */
{
    watch(bight_maybe_deferred(give_value, bight_integer(4)));
    watch(bight_maybe_deferred(give_failure, NULL));
    watch(bight_maybe_deferred(seen, NAME("left alone")));
    watch(bight_maybe_deferred(chained, value(5)));
    ck_trace("4 !CLOSED left alone=- - 5 ");
    watch(bight_maybe_deferred(chained, members[0]));
    ck_trace("");
    fire(promises[0], 6);
    ck_trace("6 ");
    ck_assert_int_eq(reports, 0);
    end_members(1);
}

START_TEST(a_cancel_reaches_what_maybe_deferred_was_given) /* D16 D20 */
{
    struct bight_deferred *maybe = bight_maybe_deferred(chained, members[0]);
    bight_deferred_cancel(maybe);
    ck_assert_int_eq(cancelled, 1);
    watch(maybe);
    watch(bight_maybe_deferred(NULL, NULL));
    ck_trace("!CANCELLED !INVALID_ARGUMENT ");
    end_members(1);
}

static void add_as_completed_tests(TCase *tests)
{
    tcase_add_test(tests, results_come_in_the_order_of_completion);
    tcase_add_test(tests, several_may_wait_first_come_first_served);
    tcase_add_test(tests, one_next_too_many_fails);
    tcase_add_test(tests, a_cancelled_next_leaves_the_row);
    tcase_add_test(tests, freeing_abandons_those_that_wait_and_discards_what_comes);
    tcase_add_test(tests, freeing_gives_back_what_nobody_asked_for);
    tcase_add_test(tests, it_may_be_freed_in_the_handler_of_a_next);
    tcase_add_test(tests, an_abandoned_next_cannot_ask_again);
    tcase_add_test(tests, completions_of_none_are_none);
    tcase_add_test(tests, members_that_had_fired_come_first);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, when_first_gives_the_first_value_and_its_index);
    tcase_add_test(tests, when_first_gives_a_failure_that_comes_first);
    tcase_add_test(tests, when_first_of_none_fails);
    tcase_add_test(tests, members_that_others_hold_keep_what_when_first_did_not_deliver);
    tcase_add_test(tests, cancelling_when_first_cancels_no_member);
    tcase_add_test(tests, a_members_own_cancelled_is_reported_when_nobody_asked_for_it);
    tcase_add_test(tests, when_all_gives_every_outcome_in_order);
    tcase_add_test(tests, cancelling_when_all_gives_back_what_it_had);
    tcase_add_test(tests, what_is_given_back_does_not_displace_what_a_holder_made);
    tcase_add_test(tests, failures_that_when_all_had_are_reported_when_it_is_cancelled);
    add_as_completed_tests(tests);
    tcase_add_test(tests, a_shield_gives_the_inner_result);
    tcase_add_test(tests, a_cancel_of_a_shield_does_not_reach_the_inner);
    tcase_add_test(tests, a_cancel_through_a_chain_stops_at_a_shield);
    tcase_add_test(tests, maybe_deferred_takes_values_failures_and_deferreds);
    tcase_add_test(tests, a_cancel_reaches_what_maybe_deferred_was_given);
}

BIGHT_TEST_MAIN("combine_when", add_tests)
