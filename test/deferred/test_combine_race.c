/* SPDX-License-Identifier: MIT */
/* test_combine_race.c - races: the first success wins, the others are cancelled. */
#include "combine_support.h"

static void set_up(void)
{
    begin();
    make_members(3);
}

START_TEST(the_first_success_wins_a_race_and_the_others_are_cancelled) /* D26 */
{
    watch(bight_race(members, 3));
    fire_failure(promises[0], CLOSED);
    fire(promises[2], 3);
    ck_trace("2:3 ");
    ck_assert_int_eq(cancelled, 1);
    ck_assert_int_eq(reports, 0);
    ck_assert_int_eq(fire(promises[1], 0), BIGHT_E_STALE);
}

static void fire_something(struct bight_promise promise, void *context)
{
    (void)context;
    fire_counted(promise);
}

START_TEST(what_losers_still_produce_is_discarded) /* D26 D31 */
{
    struct bight_promise promise;
    struct bight_deferred *mixed[3] = { bight_deferred_new(&promise, fire_something, NULL), members[0],
        bight_deferred_new(&promise, fail_closed, NULL) };
    watch(bight_race(mixed, 3));
    fire(promises[0], 1);
    ck_trace("1:1 ");
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(reports, 0);
}

START_TEST(losers_that_come_later_are_discarded_too) /* D26 */
{
    bight_deferred_add_both(members[0], chained, members[2]);
    bight_deferred_hold(members[2]);
    watch(bight_race(members, 2));
    fire(promises[1], 1);
    fire_counted(promises[2]);
    ck_trace("1:1 ");
    ck_assert_int_eq(discarded, 1);
    bight_deferred_release(members[2]);
}

START_TEST(a_race_with_one_that_has_fired_cancels_those_after_it_too) /* D26 */
{
    struct bight_deferred *mixed[4] = { members[0], value(4), members[1], members[2] };
    watch(bight_race(mixed, 4));
    ck_trace("1:4 ");
    ck_assert_int_eq(cancelled, 3);
}

START_TEST(when_all_fail_a_race_fails_with_all_of_them_in_order) /* D26 */
{
    struct bight_deferred *race = bight_race(members, 3);
    fire_failure(promises[2], CLOSED);
    fire_failure(promises[0], TIMED_OUT);
    fire_failure(promises[1], OVERFLOW);
    const struct bight_failure *failure = bight_result_failure(bight_deferred_result(race));
    const int codes[] = { BIGHT_E_TIMED_OUT, BIGHT_E_OVERFLOW, BIGHT_E_CLOSED };
    ck_assert_uint_eq(bight_failure_cause_count(failure), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(bight_failure_code(bight_failure_cause(failure, i)), codes[i]);
    }
    release_failed(race, BIGHT_E_ALL_FAILED);
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_race_of_none_fails) /* D26 */
{
    watch(bight_race(NULL, 0));
    ck_trace("!INVALID_ARGUMENT ");
    ck_assert_int_eq(usage_errors, 1);
}

START_TEST(cancelling_a_race_cancels_all) /* D26 */
{
    struct bight_deferred *race = bight_race(members, 3);
    fire_failure(promises[1], CLOSED);
    bight_deferred_cancel(race);
    ck_assert_int_eq(cancelled, 2);
    watch(race);
    ck_trace("!CANCELLED ");
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_success_that_comes_of_cancelling_a_race_wins_it) /* D14 D26 */
{
    struct bight_promise promise;
    struct bight_deferred *mixed[3] = { members[0], bight_deferred_new(&promise, fire_nine, NULL), members[1] };
    struct bight_deferred *race = bight_race(mixed, 3);
    bight_deferred_cancel(race);
    watch(race);
    ck_trace("1:9 ");
    ck_assert_int_eq(cancelled, 2);
}

static void release_and_cancel(struct bight_promise promise, void *context)
{
    struct bight_deferred *race = *(struct bight_deferred **)context;
    (void)promise;
    bight_deferred_add_both(race, outcome, NULL);
    bight_deferred_cancel(race);
    bight_deferred_release(race);
}

START_TEST(a_losers_canceller_may_use_and_let_go_of_the_race) /* D16 D26 */
{
    static struct bight_deferred *race;
    struct bight_promise promise;
    struct bight_deferred *mixed[2] = { bight_deferred_new(&promise, release_and_cancel, &race), members[0] };
    race = bight_race(mixed, 2);
    fire(promises[0], 3);
    ck_trace("1:3 ");
}

static void end_members(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    for (int i = 0; i < 3; i++) {
        bight_abandon(promises[i]);
    }
}

START_TEST(the_handler_of_the_race_may_end_everything) /* D16 D26 */
{
    struct bight_deferred *race = bight_race(members, 3);
    bight_deferred_add_both(race, end_members, NULL);
    bight_deferred_release(race);
    fire(promises[1], 3);
    ck_assert_int_eq(cancelled, 2);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, the_first_success_wins_a_race_and_the_others_are_cancelled);
    tcase_add_test(tests, what_losers_still_produce_is_discarded);
    tcase_add_test(tests, losers_that_come_later_are_discarded_too);
    tcase_add_test(tests, a_race_with_one_that_has_fired_cancels_those_after_it_too);
    tcase_add_test(tests, when_all_fail_a_race_fails_with_all_of_them_in_order);
    tcase_add_test(tests, a_race_of_none_fails);
    tcase_add_test(tests, cancelling_a_race_cancels_all);
    tcase_add_test(tests, a_success_that_comes_of_cancelling_a_race_wins_it);
    tcase_add_test(tests, a_losers_canceller_may_use_and_let_go_of_the_race);
    tcase_add_test(tests, the_handler_of_the_race_may_end_everything);
}

BIGHT_TEST_MAIN("combine_race", add_tests)
