/* SPDX-License-Identifier: MIT */
/* test_scope.c - scopes: what closing one does to Deferreds, timers and members. */
#include "scope_support.h"

#include "faults.h"

START_TEST(an_empty_scope_closes_at_once) /* D37 */
{
    ck_assert(!bight_scope_is_closing(scope));
    close_and_note(5);
    ck_trace("closed=- ");
    ck_assert(bight_scope_is_closing(scope));
    close_and_note(5);
    ck_trace("closed=- ");
}

START_TEST(closing_cancels_the_tied_quietly) /* D18 D32 D37 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_both(deferred, seen, NAME("tied"));
    bight_deferred_release(bight_deferred_tie(deferred, bight_scope_owner(scope)));
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    close_and_note(5);
    ck_trace("tied=CANCELLED closed=- ");
    ck_assert_int_eq(reports, 0);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
}

START_TEST(closing_drops_timers) /* D33 D37 */
{
    struct bight_timer timer;
    ck_assert_int_eq(bight_scope_call_later(scope, 1, note_timer, NAME("one"), released, &timer), 0);
    ck_assert_int_eq(bight_scope_call_later(scope, 2, note_timer, NAME("two"), released, NULL), 0);
    ck_assert_int_eq(bight_scope_call_later(scope, 3, note_timer, NAME("three"), released, NULL), 0);
    ck_assert_int_eq(
        bight_scope_call_later(scope, -1, note_timer, NAME("x"), released, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(bight_scope_count(scope), 3);
    bight_timer_cancel(timer);
    advance(2);
    ck_trace("~one two! ~two ");
    close_and_note(5);
    ck_trace("~three closed=- ");
    ck_assert_int_eq(bight_scope_call_later(scope, 3, note_timer, NAME("late"), released, NULL), BIGHT_E_CANCELLED);
    ck_trace("");
}

static void close_in_timer(void *context)
{
    close_and_note(5);
    note(context);
    note(" ");
}

START_TEST(a_timer_may_close_its_scope) /* D37 */
{
    bight_scope_call_later(scope, 1, close_in_timer, NAME("timer"), released, NULL);
    bight_scope_call_later(scope, 2, note_timer, NAME("other"), released, NULL);
    advance(1);
    ck_trace("~other timer ~timer closed=- ");
}

static void free_in_timer(void *context)
{
    bight_scope_free(scope);
    scope = NULL;
    note(context);
    note(" ");
}

START_TEST(a_timer_may_free_its_scope) /* D37 */
{
    bight_scope_call_later(scope, 1, free_in_timer, NAME("timer"), released, NULL);
    advance(1);
    ck_trace("timer ~timer ");
}

START_TEST(members_are_asked_to_close_and_waited_for) /* D37 */
{
    struct member quick = { .name = "quick", .leaves = 'c' };
    struct member slow = { .name = "slow", .leaves = 'l' };
    ck_assert_int_eq(bight_scope_join(scope, &quick.base, &member_ops), 0);
    ck_assert_int_eq(bight_scope_join(scope, &slow.base, &member_ops), 0);
    close_and_note(5);
    ck_trace("cquick cslow ");
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    advance(4);
    bight_scope_leave(&slow.base);
    ck_trace("closed=- ");
    bight_scope_leave(&slow.base);
    ck_assert_uint_eq(timers_pending(), 0);
}

START_TEST(the_deadline_aborts_those_that_are_left) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(scope, &slow.base, &member_ops);
    close_and_note(5);
    ck_trace("cslow ");
    advance(5);
    ck_trace("aslow closed=- ");
}

START_TEST(a_second_close_aborts_at_once) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(scope, &slow.base, &member_ops);
    close_and_note(INFINITY);
    ck_trace("cslow ");
    close_and_note(5);
    ck_trace("aslow closed=- closed=- ");
}

START_TEST(a_deadline_of_nothing_aborts_at_once) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(scope, &slow.base, &member_ops);
    close_and_note(0);
    ck_trace("cslow aslow closed=- ");
}

START_TEST(an_abort_cancels_what_the_first_cancel_set_off) /* D37 */
{
    struct bight_promise promise, inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_errback(deferred, chained, inner);
    bight_deferred_release(bight_deferred_tie(deferred, bight_scope_owner(scope)));
    close_and_note(5);
    ck_trace("");
    advance(5);
    ck_trace("closed=- ");
    ck_assert_int_eq(fire(inner_promise, 0), BIGHT_E_STALE);
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_closing_scope_takes_no_members) /* D37 */
{
    struct member late = { .name = "late", .leaves = 'c' };
    static const struct bight_scope_member_ops empty = { NULL, NULL };
    ck_assert_int_eq(bight_scope_join(scope, &late.base, &empty), BIGHT_E_INVALID_ARGUMENT);
    close_and_note(5);
    ck_trace("closed=- ");
    ck_assert_int_eq(bight_scope_join(scope, &late.base, &member_ops), BIGHT_E_CANCELLED);
}

START_TEST(joining_another_scope_leaves_the_first) /* D37 */
{
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    struct member member = { .name = "m", .leaves = 'c' };
    bight_scope_join(scope, &member.base, &member_ops);
    bight_scope_join(other, &member.base, &member_ops);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    ck_assert_uint_eq(bight_scope_count(other), 1);
    bight_scope_free(other);
    ck_trace("cm ");
}

static struct member mover;

static void move_on(struct bight_result *result, void *context)
{
    (void)result;
    ck_assert_int_eq(bight_scope_join(context, &mover.base, &member_ops), 0);
}

static void end_there(struct bight_result *result, void *context)
{
    (void)result;
    bight_scope_free(context);
}

/* Its going from `scope` to `other` ends the first, and who waited for that does `what` with `third`. */
static void leave_by_joining(struct bight_scope *other, bight_handler what, struct bight_scope *third)
{
    mover = (struct member) { .name = "m", .leaves = 'a' };
    bight_scope_join(scope, &mover.base, &member_ops);
    struct bight_deferred *closed = bight_scope_close(scope, 5);
    bight_deferred_add_both(closed, what, third);
    bight_deferred_release(closed);
    ck_trace("cm ");
    ck_assert_int_eq(bight_scope_join(other, &mover.base, &member_ops), 0);
}

START_TEST(whoever_hears_of_the_first_scope_s_end_may_move_the_member_on) /* D37 */
{
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    struct bight_scope *third = bight_scope_new(&test_clock.base);
    leave_by_joining(other, move_on, third);
    ck_assert_uint_eq(bight_scope_count(other), 0);
    ck_assert_uint_eq(bight_scope_count(third), 1);
    bight_scope_free(other);
    ck_trace("");
    bight_scope_free(third);
    ck_trace("cm am ");
}

START_TEST(whoever_hears_of_the_first_scope_s_end_may_free_the_second) /* D37 */
{
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    leave_by_joining(other, end_there, other);
    ck_trace("cm am ");
    ck_assert_ptr_null(mover.base.scope);
}

/* Its tie goes from `scope`, which ends by that, to `other`. */
START_TEST(whoever_hears_of_the_first_scope_s_end_may_free_what_a_deferred_is_tied_to) /* D32 D37 */
{
    struct bight_promise promise;
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    struct bight_deferred *tied = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_both(tied, seen, NAME("tied"));
    bight_deferred_pause(tied);
    bight_deferred_tie(tied, bight_scope_owner(scope));
    struct bight_deferred *closed = bight_scope_close(scope, 5);
    bight_deferred_add_both(closed, end_there, other);
    bight_deferred_release(closed);
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    bight_deferred_tie(tied, bight_scope_owner(other));
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    ck_trace("");
    bight_deferred_unpause(tied);
    bight_deferred_release(tied);
    ck_trace("tied=CANCELLED ");
}

/* As above, but `other` has ended before; its one tie, if any, keeps it until then. */
static void tie_to_ended_and_free_it(struct bight_scope *other)
{
    struct bight_promise promise;
    struct bight_deferred *tied = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_both(tied, seen, NAME("tied"));
    bight_deferred_pause(tied);
    bight_deferred_tie(tied, bight_scope_owner(scope));
    struct bight_deferred *closed = bight_scope_close(scope, 5);
    bight_deferred_add_both(closed, end_there, other);
    bight_deferred_release(closed);
    bight_deferred_tie(tied, bight_scope_owner(other));
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_deferred_unpause(tied);
    bight_deferred_release(tied);
    ck_trace("tied=CANCELLED ");
}

START_TEST(whoever_hears_of_the_first_scope_s_end_may_free_the_ended_one_it_goes_to) /* D32 D37 */
{
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    bight_deferred_release(bight_scope_close(other, 0));
    tie_to_ended_and_free_it(other);
}

/* The second one still waits for a tie of its own when it is tied to. */
START_TEST(whoever_hears_of_the_first_scope_s_end_may_free_the_ending_one_it_goes_to) /* D32 */
{
    struct bight_promise promise;
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    struct bight_deferred *stays = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_pause(stays);
    bight_deferred_add_both(stays, cleared, NULL);
    bight_deferred_tie(stays, bight_scope_owner(other));
    bight_deferred_release(bight_scope_close(other, 0));
    tie_to_ended_and_free_it(other);
    bight_deferred_unpause(stays);
    bight_deferred_release(stays);
}

static struct member neighbour;

static void leave_together(struct bight_scope_member *base)
{
    note("together ");
    bight_scope_leave(&neighbour.base);
    bight_scope_leave(base);
}

START_TEST(a_member_may_take_another_along) /* D37 */
{
    static const struct bight_scope_member_ops together = { leave_together, leave_together };
    struct bight_scope_member first = { .ops = NULL };
    neighbour = (struct member) { .name = "neighbour", .leaves = 'c' };
    bight_scope_join(scope, &first, &together);
    bight_scope_join(scope, &neighbour.base, &member_ops);
    close_and_note(5);
    ck_trace("together closed=- ");
}

START_TEST(a_freed_scope_stays_until_its_last_member_leaves) /* D37 */
{
    struct member stubborn = { .name = "stubborn", .leaves = 'l' };
    bight_scope_join(scope, &stubborn.base, &member_ops);
    bight_scope_free(scope);
    scope = NULL;
    ck_trace("cstubborn astubborn ");
    bight_scope_leave(&stubborn.base);
}

static void freeing(struct bight_result *result, void *context)
{
    (void)result;
    bight_scope_free(context);
    scope = NULL;
}

START_TEST(a_scope_may_be_freed_by_who_waited_for_its_end) /* D37 */
{
    struct bight_deferred *closed = bight_scope_close(scope, 5);
    bight_deferred_add_both(closed, freeing, scope);
    bight_deferred_release(closed);
    set_up();
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(scope, &slow.base, &member_ops);
    closed = bight_scope_close(scope, 5);
    bight_deferred_add_both(closed, freeing, scope);
    bight_deferred_release(closed);
    advance(5);
    ck_assert_ptr_null(scope);
}

START_TEST(a_cancelled_close_leaves_the_others_alone) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'l' };
    bight_scope_join(scope, &slow.base, &member_ops);
    struct bight_deferred *closed = bight_scope_close(scope, 5);
    bight_deferred_cancel(closed);
    release_failed(closed, BIGHT_E_CANCELLED);
    close_and_note(5);
    bight_scope_leave(&slow.base);
    ck_trace("cslow aslow closed=- ");
}

/* Enough closes that wait for the end to need more than the levels that a Deferred has room for. */
static void use_a_scope(void)
{
    struct member slow = { .name = "", .leaves = 'l' };
    scope = bight_scope_new(&test_clock.base);
    if (scope == NULL) {
        return;
    }
    bight_scope_join(scope, &slow.base, &member_ops);
    bight_scope_call_later(scope, 1, note_timer, NAME(""), NULL, NULL);
    for (int i = 0; i < 6; i++) {
        bight_deferred_release(bight_scope_close(scope, 5));
    }
    bight_scope_leave(&slow.base);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_scope_free(scope);
    traced = 0;
}

START_TEST(each_allocation_may_fail) /* D34 D37 */
{
    struct bight_test_memory memory;
    bight_scope_free(scope);
    bight_test_fail_nth(&memory, 0);
    use_a_scope();
    unsigned count = memory.asked;
    ck_assert_uint_gt(count, 5);
    for (unsigned n = 1; n <= count; n++) {
        bight_test_fail_nth(&memory, n);
        use_a_scope();
        ck_assert_int_eq(memory.out, 0);
        ck_assert_uint_eq(timers_pending(), 0);
    }
    bight_set_allocator(NULL);
    scope = NULL;
}

static void close_again(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    bight_deferred_release(bight_scope_close(scope, 5));
}

START_TEST(a_second_close_inside_the_first_aborts_all) /* D37 */
{
    struct bight_promise promise, inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    struct bight_deferred *closer = bight_deferred_new(&promise, close_again, NULL);
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_errback(deferred, chained, inner);
    bight_deferred_release(bight_deferred_tie(closer, bight_scope_owner(scope)));
    bight_deferred_release(bight_deferred_tie(deferred, bight_scope_owner(scope)));
    close_and_note(INFINITY);
    ck_trace("closed=- ");
    ck_assert_int_eq(fire(inner_promise, 0), BIGHT_E_STALE);
}
END_TEST

static void close_and_free(double seconds)
{
    struct bight_deferred *deferred = bight_scope_close_and_free(scope, seconds);
    bight_deferred_add_both(deferred, seen, NAME("freed"));
    bight_deferred_release(deferred);
    scope = NULL;
}

START_TEST(a_scope_that_is_closed_and_freed_frees_itself_when_its_last_member_has_ended) /* D37 */
{
    struct member late = { .name = "late", .leaves = 'l' };
    ck_assert_int_eq(bight_scope_join(scope, &late.base, &member_ops), 0);
    close_and_free(5);
    ck_trace("clate ");
    advance(5);
    ck_trace("alate ");
    bight_scope_leave(&late.base);
    ck_trace("freed=- ");
    scope = bight_scope_new(&test_clock.base);
    close_and_free(0);
    ck_trace("freed=- ");
}

START_TEST(a_scope_that_frees_itself_may_be_closed_again_until_it_has_ended) /* D37 */
{
    struct member member = { .name = "m", .leaves = 'a' };
    struct bight_scope *kept = scope;
    ck_assert_int_eq(bight_scope_join(scope, &member.base, &member_ops), 0);
    close_and_free(INFINITY);
    ck_trace("cm ");
    bight_deferred_release(bight_scope_close(kept, 5));
    ck_trace("am freed=- ");
}

START_TEST(a_closing_scope_may_be_closed_and_freed) /* D37 */
{
    struct member member = { .name = "m", .leaves = 'a' };
    ck_assert_int_eq(bight_scope_join(scope, &member.base, &member_ops), 0);
    close_and_note(INFINITY);
    close_and_free(5);
    ck_trace("cm am closed=- freed=- ");
}

START_TEST(closing_and_freeing_no_scope_is_an_empty_success)
{
    struct bight_scope *kept = scope;
    scope = NULL;
    close_and_free(5);
    ck_trace("freed=- ");
    scope = kept;
}

START_TEST(closing_and_freeing_twice_is_a_usage_error)
{
    struct member late = { .name = "late", .leaves = 'l' };
    struct bight_scope *kept = scope;
    ck_assert_int_eq(bight_scope_join(scope, &late.base, &member_ops), 0);
    close_and_free(5);
    scope = kept;
    close_and_free(5);
    ck_trace("clate freed=USAGE ");
    bight_scope_leave(&late.base);
    ck_trace("freed=- ");
}

START_TEST(a_scope_says_what_was_set)
{
    ck_assert_double_eq(bight_scope_get_grace(scope), BIGHT_SCOPE_GRACE);
    ck_assert_int_eq(bight_scope_set_grace(scope, INFINITY), 0);
    ck_assert_double_eq(bight_scope_get_grace(scope), INFINITY);
    ck_assert_double_eq(bight_scope_get_deadline(scope), INFINITY);
    ck_assert_int_eq(bight_scope_set_deadline(scope, 7), 0);
    advance(2);
    ck_assert_double_eq(bight_scope_get_deadline(scope), 5);
    ck_assert_int_eq(bight_scope_set_deadline(scope, INFINITY), 0);
    ck_assert_double_eq(bight_scope_get_deadline(scope), INFINITY);
    ck_assert_int_eq(bight_scope_set_deadline(scope, 7), 0);
    close_and_note(5);
    ck_assert_double_eq(bight_scope_get_deadline(scope), INFINITY);
}

static void add_member_tests(TCase *tests)
{
    tcase_add_test(tests, a_scope_that_is_closed_and_freed_frees_itself_when_its_last_member_has_ended);
    tcase_add_test(tests, a_scope_that_frees_itself_may_be_closed_again_until_it_has_ended);
    tcase_add_test(tests, a_closing_scope_may_be_closed_and_freed);
    tcase_add_test(tests, closing_and_freeing_no_scope_is_an_empty_success);
    tcase_add_test(tests, closing_and_freeing_twice_is_a_usage_error);
    tcase_add_test(tests, a_scope_says_what_was_set);
    tcase_add_test(tests, members_are_asked_to_close_and_waited_for);
    tcase_add_test(tests, the_deadline_aborts_those_that_are_left);
    tcase_add_test(tests, a_second_close_aborts_at_once);
    tcase_add_test(tests, a_deadline_of_nothing_aborts_at_once);
    tcase_add_test(tests, a_closing_scope_takes_no_members);
    tcase_add_test(tests, joining_another_scope_leaves_the_first);
    tcase_add_test(tests, whoever_hears_of_the_first_scope_s_end_may_move_the_member_on);
    tcase_add_test(tests, whoever_hears_of_the_first_scope_s_end_may_free_the_second);
    tcase_add_test(tests, whoever_hears_of_the_first_scope_s_end_may_free_what_a_deferred_is_tied_to);
    tcase_add_test(tests, whoever_hears_of_the_first_scope_s_end_may_free_the_ended_one_it_goes_to);
    tcase_add_test(tests, whoever_hears_of_the_first_scope_s_end_may_free_the_ending_one_it_goes_to);
    tcase_add_test(tests, a_member_may_take_another_along);
    tcase_add_test(tests, a_freed_scope_stays_until_its_last_member_leaves);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    add_member_tests(tests);
    tcase_add_test(tests, an_empty_scope_closes_at_once);
    tcase_add_test(tests, closing_cancels_the_tied_quietly);
    tcase_add_test(tests, closing_drops_timers);
    tcase_add_test(tests, a_timer_may_close_its_scope);
    tcase_add_test(tests, a_timer_may_free_its_scope);
    tcase_add_test(tests, an_abort_cancels_what_the_first_cancel_set_off);
    tcase_add_test(tests, a_second_close_inside_the_first_aborts_all);
    tcase_add_test(tests, a_scope_may_be_freed_by_who_waited_for_its_end);
    tcase_add_test(tests, a_cancelled_close_leaves_the_others_alone);
    tcase_add_test(tests, each_allocation_may_fail);
}

BIGHT_TEST_MAIN("scope", add_tests)
