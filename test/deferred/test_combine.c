/* SPDX-License-Identifier: MIT */
/* test_combine.c - lists of Deferreds: deferred_list with its flags, gather_results. */
#include "combine_support.h"
#include "deferred/deferred.h"

static void set_up(void)
{
    begin();
    make_members(3);
}

/* --------------------------------------------------------------------------------------------- list */

START_TEST(a_list_waits_for_all_and_gives_the_outcomes_in_order) /* D21 */
{
    watch(bight_deferred_list(members, 3, 0));
    fire(promises[2], 3);
    fire_failure(promises[0], TIMED_OUT);
    ck_trace("");
    fire(promises[1], 2);
    ck_trace("[!TIMED_OUT 2 3] ");
    ck_assert_int_eq(reports, 0);
}

START_TEST(the_array_is_only_borrowed_and_the_members_are_taken) /* D21 D31 */
{
    struct bight_deferred *array[3] = { members[0], members[1], members[2] };
    watch(bight_deferred_list(array, 3, 0));
    memset(array, 0, sizeof(array));
    for (int i = 0; i < 3; i++) {
        fire(promises[i], i);
    }
    ck_trace("[0 1 2] ");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(fire(promises[i], i), BIGHT_E_STALE);
    }
}

START_TEST(values_move_into_the_list_and_are_destroyed_with_it) /* D21 D31 */
{
    bight_deferred_hold(members[0]);
    struct bight_deferred *list = bight_deferred_list(members, 3, 0);
    for (int i = 0; i < 3; i++) {
        fire_counted(promises[i]);
    }
    ck_assert(bight_result_is_empty(bight_deferred_result(members[0])));
    bight_deferred_release(members[0]);
    ck_assert_int_eq(destroyed, 0);
    bight_deferred_release(list);
    ck_assert_int_eq(destroyed, 3);
    ck_assert_int_eq(discarded, 0);
}

START_TEST(items_can_be_taken_out_of_results) /* D31 */
{
    struct bight_deferred *list = bight_deferred_list(members, 3, 0);
    for (int i = 0; i < 3; i++) {
        fire_counted(promises[i]);
    }
    struct bight_results *results = bight_result_take(bight_deferred_result(list), &bight_type_results);
    bight_deferred_release(list);
    ck_assert_ptr_nonnull(bight_result_take(&results->items[1], &counted));
    bight_results_free(results);
    ck_assert_int_eq(destroyed, 2);
    bight_results_free(NULL);
    bight_indexed_free(NULL);
}

START_TEST(results_that_nobody_will_see_discard_their_items) /* D31 */
{
    struct bight_deferred *list = bight_deferred_list(members, 3, 0);
    struct bight_promise gone = { NULL, 0 };
    bight_deferred_chain(list, gone);
    for (int i = 0; i < 3; i++) {
        fire_counted(promises[i]);
    }
    ck_assert_int_eq(discarded, 3);
    bight_deferred_release(list);
    ck_assert_int_eq(destroyed, 0);
}

START_TEST(an_empty_list_fires_at_once) /* D21 */
{
    watch(bight_deferred_list(NULL, 0, 0));
    watch(bight_deferred_list(NULL, 0, BIGHT_FIRE_ON_ONE_ERRBACK));
    watch(bight_gather_results(NULL, 0));
    ck_trace("[] [] [] ");
}

START_TEST(an_empty_list_that_waits_for_one_is_a_usage_error) /* D21 */
{
    watch(bight_deferred_list(NULL, 0, BIGHT_FIRE_ON_ONE_CALLBACK));
    ck_trace("!INVALID_ARGUMENT ");
    ck_assert_int_eq(usage_errors, 1);
}

START_TEST(unknown_flags_and_missing_members_are_usage_errors) /* D21 D34 */
{
    watch(bight_deferred_list(members, 3, 64));
    ck_assert_int_eq(cancelled, 3);
    watch(bight_deferred_list(NULL, 3, 0));
    ck_trace("!INVALID_ARGUMENT !INVALID_ARGUMENT ");
    ck_assert_int_eq(usage_errors, 2);
    bight_log_set_observer(record, NULL);
}

START_TEST(a_null_member_is_a_failed_one) /* D21 */
{
    bight_deferred_release(members[1]);
    members[1] = NULL;
    watch(bight_deferred_list(members, 3, 0));
    fire(promises[0], 1);
    fire(promises[2], 3);
    ck_trace("[1 !INVALID_ARGUMENT 3] ");
    ck_assert_int_eq(usage_errors, 1);
    fire(promises[1], 0);
}

START_TEST(members_that_have_fired_are_taken_at_once) /* D21 */
{
    struct bight_deferred *fired[2] = { value(1), bight_succeed(NULL, NULL) };
    watch(bight_deferred_list(fired, 2, 0));
    ck_trace("[1 -] ");
    for (int i = 0; i < 3; i++) {
        fire(promises[i], i);
        bight_deferred_release(members[i]);
    }
}

START_TEST(a_member_that_is_paused_or_waits_is_waited_for) /* D7 D21 */
{
    bight_deferred_hold(members[0]);
    bight_deferred_pause(members[0]);
    bight_deferred_add_callback(members[1], chained, members[2]);
    watch(bight_deferred_list(members, 2, 0));
    fire(promises[0], 1);
    fire(promises[1], 0);
    fire(promises[2], 2);
    ck_trace("");
    bight_deferred_unpause(members[0]);
    ck_trace("[1 2] ");
    bight_deferred_release(members[0]);
}

START_TEST(one_callback_gives_the_first_success_with_its_index) /* D22 */
{
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_CALLBACK | BIGHT_CONSUME_ERRORS));
    fire_failure(promises[0], TIMED_OUT);
    ck_trace("");
    fire(promises[2], 7);
    ck_trace("2:7 ");
    fire_counted(promises[1]);
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(reports, 0);
}

START_TEST(one_callback_without_a_success_gives_every_outcome) /* D22 */
{
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_CALLBACK));
    for (int i = 0; i < 3; i++) {
        fire_failure(promises[i], TIMED_OUT);
    }
    ck_trace("[!TIMED_OUT !TIMED_OUT !TIMED_OUT] ");
    ck_assert_int_eq(reports, 0);
}

START_TEST(one_errback_fails_with_the_first_failure_and_its_index) /* D22 */
{
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_ERRBACK));
    fire_counted(promises[0]);
    fire_failure(promises[1], TIMED_OUT);
    ck_trace("!FIRST_ERROR 1 (TIMED_OUT) ");
    ck_assert_int_eq(discarded, 1);
    fire_counted(promises[2]);
    ck_assert_int_eq(discarded, 2);
    ck_assert_int_eq(cancelled, 0);
}

START_TEST(one_fired_at_the_start_leaves_the_others_to_be_discarded) /* D22 */
{
    struct bight_deferred *mixed[3] = { members[0], value(5), members[1] };
    watch(bight_deferred_list(mixed, 3, BIGHT_FIRE_ON_ONE_CALLBACK));
    ck_trace("1:5 ");
    fire_counted(promises[0]);
    fire_counted(promises[1]);
    ck_assert_int_eq(discarded, 2);
    fire(promises[2], 0);
    bight_deferred_release(members[2]);
}

START_TEST(failures_that_were_not_delivered_are_reported) /* D23 */
{
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_CALLBACK));
    fire_failure(promises[0], TIMED_OUT);
    ck_assert_int_eq(reports, 0);
    fire(promises[1], 1);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_TIMED_OUT);
    fire_failure(promises[2], CLOSED);
    ck_assert_int_eq(reports, 2);
    ck_assert_int_eq(last_code, BIGHT_E_CLOSED);
}

START_TEST(a_failure_is_its_members_to_report_while_somebody_holds_it) /* D18 D23 */
{
    bight_deferred_hold(members[0]);
    bight_deferred_hold(members[2]);
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_CALLBACK));
    fire_failure(promises[0], TIMED_OUT);
    fire(promises[1], 1);
    fire_failure(promises[2], CLOSED);
    ck_assert_int_eq(reports, 0);
    release_failed(members[0], BIGHT_E_TIMED_OUT);
    bight_deferred_release(members[2]);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_CLOSED);
}

START_TEST(a_failure_whose_member_is_not_at_rest_is_reported_all_the_same) /* D23 */
{
    bight_deferred_hold(members[0]);
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_CALLBACK));
    fire_failure(promises[0], TIMED_OUT);
    bight_deferred_pause(members[0]);
    fire(promises[1], 1);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_TIMED_OUT);
    bight_deferred_release(members[0]);
    fire(promises[2], 1);
    ck_assert_int_eq(reports, 1);
}

START_TEST(consumed_errors_are_not_reported) /* D23 */
{
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_ERRBACK | BIGHT_CONSUME_ERRORS));
    for (int i = 0; i < 3; i++) {
        fire_failure(promises[i], TIMED_OUT);
    }
    ck_trace("!FIRST_ERROR 0 (TIMED_OUT) ");
    ck_assert_int_eq(reports, 0);
}

START_TEST(debug_mode_says_where_an_undelivered_failure_was_made) /* D19 D23 */
{
    bight_deferred_set_debug(true);
    struct bight_promise promise;
    struct bight_deferred *mixed[2] = { bight_deferred_new(&promise, NULL, NULL), members[0] };
    watch(bight_deferred_list(mixed, 2, BIGHT_FIRE_ON_ONE_CALLBACK));
    fire_failure(promise, TIMED_OUT);
    fire(promises[0], 1);
    ck_assert_ptr_nonnull(strstr(last_message, "made at"));
    ck_assert_ptr_nonnull(strstr(last_message, "test_combine.c"));
}

START_TEST(cancelling_a_list_cancels_every_member) /* D24 */
{
    struct bight_deferred *list = bight_deferred_list(members, 3, 0);
    fire(promises[1], 1);
    bight_deferred_cancel(list);
    ck_assert_int_eq(cancelled, 2);
    watch(list);
    ck_trace("[!CANCELLED 1 !CANCELLED] ");
    ck_assert_int_eq(reports, 0);
}

START_TEST(what_cancellers_make_of_it_stands) /* D14 D24 */
{
    struct bight_promise promise;
    struct bight_deferred *mixed[3] = { bight_deferred_new(&promise, fire_nine, NULL),
        bight_deferred_new(&promise, fail_closed, NULL), members[0] };
    struct bight_deferred *list = bight_deferred_list(mixed, 3, 0);
    bight_deferred_cancel(list);
    watch(list);
    ck_trace("[9 !CLOSED !CANCELLED] ");
    ck_assert_int_eq(cancelled, 1);
}

START_TEST(a_canceller_that_ends_a_list_leaves_nobody_uncancelled) /* D14 D24 */
{
    struct bight_promise promise;
    struct bight_deferred *mixed[3] = { members[0], bight_deferred_new(&promise, fire_nine, NULL), members[1] };
    struct bight_deferred *list = bight_deferred_list(mixed, 3, BIGHT_FIRE_ON_ONE_CALLBACK);
    bight_deferred_cancel(list);
    ck_assert_int_eq(cancelled, 2);
    watch(list);
    ck_trace("1:9 ");
    ck_assert_int_eq(reports, 0);
    bi_deferred_drop(members[2]);
}

START_TEST(a_canceller_of_a_member_that_fails_is_reported_and_the_rest_go_on) /* D24 */
{
    struct bight_promise first, second;
    struct bight_deferred *mixed[3] = { bight_deferred_new(&first, fail_closed, NULL),
        bight_deferred_new(&second, fire_nine, NULL), members[0] };
    struct bight_deferred *list = bight_deferred_list(mixed, 3, BIGHT_FIRE_ON_ONE_CALLBACK | BIGHT_FIRE_ON_ONE_ERRBACK);
    bight_deferred_cancel(list);
    ck_assert_int_eq(cancelled, 1);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_CLOSED);
    watch(list);
    ck_trace("1:9 ");
    bi_deferred_drop(members[1]);
    bi_deferred_drop(members[2]);
}

START_TEST(a_list_whose_member_outlives_the_cancel_is_cancelled) /* D14 D24 */
{
    bight_deferred_add_both(members[0], chained, members[2]);
    bight_deferred_hold(members[2]);
    struct bight_deferred *list = bight_deferred_list(members, 2, 0);
    bight_deferred_hold(list);
    fire_counted(promises[1]);
    bight_deferred_cancel(list);
    watch(list);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(discarded, 1);
    fire_counted(promises[2]);
    ck_assert_int_eq(discarded, 2);
    bight_deferred_release(members[2]);
    bight_deferred_release(list);
}

START_TEST(a_list_that_has_fired_is_not_cancelled) /* D15 D24 */
{
    struct bight_deferred *list = bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_CALLBACK);
    fire(promises[0], 1);
    bight_deferred_cancel(list);
    ck_assert_int_eq(cancelled, 0);
    watch(list);
    ck_trace("0:1 ");
    fire(promises[1], 1);
    fire(promises[2], 1);
}

static void release_list(struct bight_result *result, void *context)
{
    (void)result;
    bight_deferred_release(*(struct bight_deferred **)context);
}

START_TEST(the_rest_is_cancelled_without_a_word_when_that_is_asked_for) /* D22 D23 */
{
    watch(bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_ERRBACK | BIGHT_CANCEL_REST));
    fire_failure(promises[1], TIMED_OUT);
    ck_assert_int_eq(fire(promises[0], 1), BIGHT_E_STALE);
    ck_assert_int_eq(fire(promises[2], 1), BIGHT_E_STALE);
    ck_assert_int_eq(reports, 0);
    ck_trace("!FIRST_ERROR 1 (TIMED_OUT) ");
}

START_TEST(a_list_may_be_let_go_of_in_a_members_handler) /* D16 D31 */
{
    static struct bight_deferred *list;
    bight_deferred_add_both(members[0], release_list, &list);
    list = bight_deferred_list(members, 3, BIGHT_FIRE_ON_ONE_CALLBACK);
    bight_deferred_add_both(list, outcome, NULL);
    fire(promises[0], 1);
    ck_trace("0:1 ");
    fire(promises[1], 2);
    fire(promises[2], 3);
}

static void cancel_context(struct bight_promise promise, void *context)
{
    (void)promise;
    bight_deferred_cancel(*(struct bight_deferred **)context);
    note("again ");
}

START_TEST(a_list_cancelled_again_by_a_canceller_goes_on_with_its_cancel) /* D15 D16 D24 */
{
    static struct bight_deferred *list;
    struct bight_promise promise;
    struct bight_deferred *mixed[2] = { bight_deferred_new(&promise, cancel_context, &list), members[0] };
    list = bight_deferred_list(mixed, 2, 0);
    bight_deferred_cancel(list);
    ck_trace("again ");
    ck_assert_int_eq(cancelled, 1);
    watch(list);
    ck_trace("[!CANCELLED !CANCELLED] ");
}

/* ------------------------------------------------------------------------------------------- gather */

START_TEST(gather_gives_the_values_in_order) /* D25 */
{
    watch(bight_gather_results(members, 3));
    fire(promises[2], 3);
    fire(promises[0], 1);
    bight_callback(promises[1], NULL, NULL);
    ck_trace("[1 - 3] ");
}

START_TEST(gather_fails_at_the_first_failure_and_cancels_nobody) /* D25 */
{
    watch(bight_gather_results(members, 3));
    fire(promises[0], 1);
    fire_failure(promises[2], CLOSED);
    ck_trace("!FIRST_ERROR 2 (CLOSED) ");
    ck_assert_int_eq(cancelled, 0);
    fire_failure(promises[1], TIMED_OUT);
    ck_assert_int_eq(reports, 1);
}

START_TEST(a_first_error_names_its_index_in_its_message_and_its_caller) /* D25 */
{
    struct bight_deferred *gathered = bight_gather_results(members, 3);
    fire_failure(promises[2], CLOSED);
    const struct bight_failure *failure = bight_result_failure(bight_deferred_result(gathered));
    ck_assert_ptr_nonnull(strstr(bight_failure_message(failure), "number 2"));
    ck_assert_ptr_nonnull(strstr(bight_failure_place(failure), "test_combine.c"));
    ck_assert_uint_eq(bight_first_error_index(bight_failure_of(BIGHT_E_CLOSED)), SIZE_MAX);
    release_failed(gathered, BIGHT_E_FIRST_ERROR);
    fire(promises[0], 0);
    fire(promises[1], 0);
}

START_TEST(cancelling_a_gather_cancels_all_and_fails_with_cancelled) /* D25 */
{
    struct bight_deferred *gathered = bight_gather_results(members, 3);
    fire_counted(promises[0]);
    bight_deferred_cancel(gathered);
    ck_assert_int_eq(cancelled, 2);
    ck_assert_int_eq(discarded, 1);
    watch(gathered);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_gather_whose_cancelled_members_succeed_succeeds) /* D14 D25 */
{
    struct bight_promise promise;
    struct bight_deferred *pair[2] = { bight_deferred_new(&promise, fire_nine, NULL),
        bight_deferred_new(&promise, fire_nine, NULL) };
    struct bight_deferred *gathered = bight_gather_results(pair, 2);
    bight_deferred_cancel(gathered);
    watch(gathered);
    ck_trace("[9 9] ");
    for (int i = 0; i < 3; i++) {
        bight_deferred_cancel(members[i]);
        release_failed(members[i], BIGHT_E_CANCELLED);
    }
}

START_TEST(a_timeout_on_a_gather_cancels_all_and_times_out) /* D17 D25 */
{
    struct bight_deferred *gathered = bight_gather_results(members, 3);
    bight_deferred_add_timeout(gathered, 5, &test_clock.base);
    watch(gathered);
    advance(6);
    ck_trace("!TIMED_OUT ");
    ck_assert_int_eq(cancelled, 3);
}

static void note_owner(struct bight_owner *owner)
{
    (void)owner;
    note("owner ");
}

START_TEST(a_gather_that_is_tied_ends_quietly_with_its_owner) /* D18 D25 D32 */
{
    struct bight_owner owner;
    bi_owner_init(&owner, note_owner);
    bight_deferred_release(bight_deferred_tie(bight_gather_results(members, 3), &owner));
    bi_owner_end(&owner);
    ck_trace("owner ");
    ck_assert_int_eq(cancelled, 3);
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_failure_of_a_canceller_other_than_cancelled_is_reported) /* D23 D25 */
{
    struct bight_promise promise;
    struct bight_deferred *pair[2] = { bight_deferred_new(&promise, fail_closed, NULL), members[0] };
    struct bight_deferred *gathered = bight_gather_results(pair, 2);
    bight_deferred_cancel(gathered);
    watch(gathered);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_CLOSED);
}

static void add_list_tests(TCase *tests)
{
    tcase_add_test(tests, a_list_waits_for_all_and_gives_the_outcomes_in_order);
    tcase_add_test(tests, the_array_is_only_borrowed_and_the_members_are_taken);
    tcase_add_test(tests, values_move_into_the_list_and_are_destroyed_with_it);
    tcase_add_test(tests, items_can_be_taken_out_of_results);
    tcase_add_test(tests, results_that_nobody_will_see_discard_their_items);
    tcase_add_test(tests, an_empty_list_fires_at_once);
    tcase_add_test(tests, an_empty_list_that_waits_for_one_is_a_usage_error);
    tcase_add_test(tests, unknown_flags_and_missing_members_are_usage_errors);
    tcase_add_test(tests, a_null_member_is_a_failed_one);
    tcase_add_test(tests, members_that_have_fired_are_taken_at_once);
    tcase_add_test(tests, a_member_that_is_paused_or_waits_is_waited_for);
    tcase_add_test(tests, one_callback_gives_the_first_success_with_its_index);
    tcase_add_test(tests, one_callback_without_a_success_gives_every_outcome);
    tcase_add_test(tests, one_errback_fails_with_the_first_failure_and_its_index);
    tcase_add_test(tests, one_fired_at_the_start_leaves_the_others_to_be_discarded);
    tcase_add_test(tests, failures_that_were_not_delivered_are_reported);
    tcase_add_test(tests, a_failure_is_its_members_to_report_while_somebody_holds_it);
    tcase_add_test(tests, a_failure_whose_member_is_not_at_rest_is_reported_all_the_same);
    tcase_add_test(tests, consumed_errors_are_not_reported);
    tcase_add_test(tests, debug_mode_says_where_an_undelivered_failure_was_made);
    tcase_add_test(tests, cancelling_a_list_cancels_every_member);
    tcase_add_test(tests, what_cancellers_make_of_it_stands);
    tcase_add_test(tests, a_canceller_that_ends_a_list_leaves_nobody_uncancelled);
    tcase_add_test(tests, a_canceller_of_a_member_that_fails_is_reported_and_the_rest_go_on);
    tcase_add_test(tests, a_list_whose_member_outlives_the_cancel_is_cancelled);
    tcase_add_test(tests, a_list_that_has_fired_is_not_cancelled);
    tcase_add_test(tests, the_rest_is_cancelled_without_a_word_when_that_is_asked_for);
    tcase_add_test(tests, a_list_may_be_let_go_of_in_a_members_handler);
    tcase_add_test(tests, a_list_cancelled_again_by_a_canceller_goes_on_with_its_cancel);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    add_list_tests(tests);
    tcase_add_test(tests, gather_gives_the_values_in_order);
    tcase_add_test(tests, gather_fails_at_the_first_failure_and_cancels_nobody);
    tcase_add_test(tests, a_first_error_names_its_index_in_its_message_and_its_caller);
    tcase_add_test(tests, cancelling_a_gather_cancels_all_and_fails_with_cancelled);
    tcase_add_test(tests, a_gather_whose_cancelled_members_succeed_succeeds);
    tcase_add_test(tests, a_timeout_on_a_gather_cancels_all_and_times_out);
    tcase_add_test(tests, a_gather_that_is_tied_ends_quietly_with_its_owner);
    tcase_add_test(tests, a_failure_of_a_canceller_other_than_cancelled_is_reported);
}

BIGHT_TEST_MAIN("combine", add_tests)
