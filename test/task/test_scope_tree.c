/* SPDX-License-Identifier: MIT */
/* test_scope_tree.c - scopes inside scopes, and scopes with a deadline. */
#include "scope_support.h"

#include "faults.h"

static struct bight_scope *inner;

static void set_up_inner(void)
{
    set_up();
    inner = bight_scope_new_inside(scope);
    ck_assert_ptr_nonnull(inner);
}

static void tear_down_inner(void)
{
    bight_scope_free(inner);
    tear_down();
}

static struct bight_deferred *tie_new(struct bight_scope *to, struct bight_promise *promise, const char *name)
{
    struct bight_deferred *deferred = bight_deferred_new(promise, NULL, NULL);
    bight_deferred_add_both(deferred, seen, NAME(name));
    bight_deferred_add_errback(deferred, cleared, NULL);
    return bight_deferred_tie(deferred, bight_scope_owner(to));
}

static void note_end_of(struct bight_scope *which, double seconds, const char *name)
{
    struct bight_deferred *closed = bight_scope_close(which, seconds);
    bight_deferred_add_both(closed, seen, NAME(name));
    bight_deferred_release(closed);
}

/* ------------------------------------------------------------------------------------------- inside */

START_TEST(closing_the_outer_closes_the_inner_and_waits_for_it) /* D37 */
{
    struct bight_promise promise;
    struct member slow = { .name = "slow", .leaves = 'l' };
    bight_deferred_release(tie_new(inner, &promise, "tied"));
    bight_scope_join(inner, &slow.base, &member_ops);
    bight_scope_call_later(inner, 1, note_timer, NAME("timer"), released, NULL);
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    close_and_note(5);
    ck_trace("tied=CANCELLED ~timer cslow ");
    ck_assert(bight_scope_is_closing(inner));
    bight_scope_leave(&slow.base);
    ck_trace("closed=- ");
    ck_assert_uint_eq(bight_scope_count(scope), 0);
}
END_TEST

START_TEST(the_inner_gets_what_is_left_of_the_outer_s_time) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(inner, &slow.base, &member_ops);
    close_and_note(5);
    advance(4.9);
    ck_trace("cslow ");
    advance(0.1);
    ck_trace("aslow closed=- ");
}
END_TEST

START_TEST(an_inner_that_took_more_time_is_aborted_with_the_outer) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(inner, &slow.base, &member_ops);
    note_end_of(inner, INFINITY, "inner");
    close_and_note(2);
    ck_trace("cslow ");
    advance(2);
    ck_trace("aslow inner=- closed=- ");
}
END_TEST

START_TEST(an_inner_that_took_less_time_is_aborted_before_the_outer) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' }, slower = { .name = "slower", .leaves = 'a' };
    bight_scope_join(inner, &slow.base, &member_ops);
    bight_scope_join(scope, &slower.base, &member_ops);
    note_end_of(inner, 1, "inner");
    close_and_note(2);
    advance(1);
    ck_trace("cslow cslower aslow inner=- ");
    advance(1);
    ck_trace("aslower closed=- ");
}
END_TEST

START_TEST(an_abort_passes_down) /* D37 */
{
    struct bight_scope *deepest = bight_scope_new_inside(inner);
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(deepest, &slow.base, &member_ops);
    close_and_note(INFINITY);
    ck_trace("cslow ");
    close_and_note(INFINITY);
    ck_trace("aslow closed=- closed=- ");
    bight_scope_free(deepest);
}
END_TEST

START_TEST(no_time_aborts_the_inner_at_once) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(inner, &slow.base, &member_ops);
    close_and_note(0);
    ck_trace("cslow aslow closed=- ");
}
END_TEST

START_TEST(an_empty_inner_ends_with_the_outer_and_one_that_ended_leaves_it) /* D37 */
{
    note_end_of(inner, 5, "inner");
    ck_trace("inner=- ");
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    struct bight_scope *second = bight_scope_new_inside(scope);
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    close_and_note(5);
    ck_trace("closed=- ");
    ck_assert(bight_scope_is_closing(second));
    bight_scope_free(second);
}
END_TEST

START_TEST(in_a_closing_scope_an_inner_one_is_closed_from_the_beginning) /* D37 */
{
    close_and_note(5);
    struct bight_scope *late = bight_scope_new_inside(scope);
    ck_assert_ptr_nonnull(late);
    ck_assert(bight_scope_is_closing(late));
    ck_assert_int_eq(bight_scope_call_later(late, 1, note_timer, NAME("x"), NULL, NULL), BIGHT_E_CANCELLED);
    ck_assert_int_eq(bight_scope_join_scope(late, scope), BIGHT_E_CANCELLED);
    bight_scope_free(late);
}
END_TEST

START_TEST(a_freed_inner_leaves_when_its_last_member_does) /* D37 */
{
    struct member stubborn = { .name = "stubborn", .leaves = 'l' };
    bight_scope_join(inner, &stubborn.base, &member_ops);
    bight_scope_free(inner);
    inner = NULL;
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    close_and_note(5);
    ck_trace("cstubborn astubborn ");
    bight_scope_leave(&stubborn.base);
    ck_trace("closed=- ");
}
END_TEST

START_TEST(the_outer_may_be_freed_first) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'l' };
    bight_scope_join(inner, &slow.base, &member_ops);
    bight_scope_free(scope);
    scope = NULL;
    ck_trace("cslow aslow ");
    bight_scope_leave(&slow.base);
    ck_assert_uint_eq(bight_scope_count(inner), 0);
}
END_TEST

START_TEST(a_scope_moves_from_one_to_another) /* D37 */
{
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    ck_assert_int_eq(bight_scope_join_scope(inner, other), 0);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    close_and_note(5);
    ck_trace("closed=- ");
    ck_assert(!bight_scope_is_closing(inner));
    bight_scope_free(other);
    ck_assert(bight_scope_is_closing(inner));
}
END_TEST

START_TEST(moving_the_last_one_out_ends_a_closing_scope) /* D37 */
{
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    struct member slow = { .name = "slow", .leaves = 'l' };
    bight_scope_join(inner, &slow.base, &member_ops);
    close_and_note(5);
    ck_assert_int_eq(bight_scope_join_scope(inner, other), 0);
    ck_trace("cslow closed=- ");
    ck_assert_uint_eq(bight_scope_count(other), 1);
    note_end_of(other, 5, "other");
    ck_trace("");
    bight_scope_leave(&slow.base);
    ck_trace("other=- ");
    bight_scope_free(other);
}
END_TEST

START_TEST(circles_are_refused) /* D37 */
{
    struct bight_scope *deepest = bight_scope_new_inside(inner);
    ck_assert_int_eq(bight_scope_join_scope(scope, scope), BIGHT_E_CIRCULAR);
    ck_assert_int_eq(bight_scope_join_scope(scope, inner), BIGHT_E_CIRCULAR);
    ck_assert_int_eq(bight_scope_join_scope(scope, deepest), BIGHT_E_CIRCULAR);
    ck_assert_int_eq(usage_errors, 3);
    ck_assert_int_eq(bight_scope_join_scope(deepest, scope), 0);
    ck_assert_int_eq(bight_scope_join_scope(inner, deepest), 0);
    close_and_note(5);
    ck_trace("closed=- ");
    bight_scope_free(deepest);
}
END_TEST

START_TEST(one_that_has_ended_may_join_and_counts_for_nothing) /* D37 */
{
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    bight_deferred_release(bight_scope_close(other, 5));
    ck_assert_int_eq(bight_scope_join_scope(other, inner), 0);
    ck_assert_uint_eq(bight_scope_count(inner), 0);
    bight_scope_free(other);
}
END_TEST

/* What a member does when it is asked to close while the outer one closes. */
static void (*mischief)(void);

static void do_mischief(struct bight_scope_member *base)
{
    bight_scope_leave(base);
    mischief();
}

static const struct bight_scope_member_ops mischief_ops = { do_mischief, do_mischief };

static void close_inner(void)
{
    note_end_of(inner, 5, "inner");
    ck_assert(bight_scope_is_closing(inner));
}

static void free_inner(void)
{
    bight_scope_free(inner);
    inner = NULL;
}

static void close_outer(void)
{
    close_and_note(5);
}

static void free_outer(void)
{
    bight_scope_free(scope);
    scope = NULL;
}

/* The inner stands before the member and after it. */
static void close_with(void (*what)(void), double seconds, const char *expected)
{
    struct bight_scope_member base = { .ops = NULL };
    struct bight_scope *after = NULL;
    struct member slow = { .name = "slow", .leaves = 'a' };
    struct member slower = { .name = "slower", .leaves = 'a' };
    mischief = what;
    bight_scope_join(inner, &slow.base, &member_ops);
    bight_scope_join(scope, &base, &mischief_ops);
    after = bight_scope_new_inside(scope);
    bight_scope_join(after, &slower.base, &member_ops);
    note_end_of(scope, seconds, "outer");
    advance(5);
    ck_trace(expected);
    bight_scope_free(after);
}

START_TEST(a_member_may_close_the_inner_while_the_outer_closes) /* D37 */
{
    close_with(close_inner, 5, "cslow cslower aslow inner=- aslower outer=- ");
}
END_TEST

START_TEST(a_member_may_free_the_inner_while_the_outer_closes) /* D37 */
{
    close_with(free_inner, 5, "cslow aslow cslower aslower outer=- ");
}
END_TEST

START_TEST(a_member_may_close_the_outer_again_while_it_closes) /* D37 */
{
    close_with(close_outer, INFINITY, "cslower aslower cslow aslow closed=- outer=- ");
}
END_TEST

START_TEST(a_member_may_free_the_outer_while_it_closes) /* D37 */
{
    close_with(free_outer, INFINITY, "cslower aslower cslow aslow outer=- ");
}
END_TEST

static void free_both(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    free_inner();
    free_outer();
}

START_TEST(whoever_hears_of_the_inner_s_end_may_free_both) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'l' };
    bight_scope_join(inner, &slow.base, &member_ops);
    struct bight_deferred *closed = bight_scope_close(inner, 5);
    bight_deferred_add_both(closed, free_both, NULL);
    bight_deferred_release(closed);
    bight_scope_leave(&slow.base);
    ck_assert_ptr_null(scope);
}
END_TEST

#define DEPTH 100000

static void nest_deeply(void)
{
    struct bight_scope **scopes = calloc(DEPTH, sizeof(struct bight_scope *));
    struct member slow = { .name = "slow", .leaves = 'a' };
    scopes[0] = bight_scope_new(&test_clock.base);
    for (int i = 1; i < DEPTH; i++) {
        scopes[i] = bight_scope_new_inside(scopes[i - 1]);
    }
    bight_scope_join(scopes[DEPTH - 1], &slow.base, &member_ops);
    note_end_of(scopes[0], INFINITY, "outermost");
    ck_trace("cslow ");
    note_end_of(scopes[0], INFINITY, "again");
    ck_trace("aslow outermost=- again=- ");
    for (int i = 0; i < DEPTH; i++) {
        bight_scope_free(scopes[i]);
    }
    free(scopes);
}

static void join_downwards(void)
{
    struct bight_scope **scopes = calloc(DEPTH, sizeof(struct bight_scope *));
    for (int i = 0; i < DEPTH; i++) {
        scopes[i] = bight_scope_new(&test_clock.base);
        ck_assert_int_eq(i == 0 ? 0 : bight_scope_join_scope(scopes[i], scopes[i - 1]), 0);
    }
    for (int i = 0; i < DEPTH; i++) {
        bight_scope_free(scopes[i]);
    }
    free(scopes);
}

START_TEST(joining_downwards_takes_no_longer_the_deeper_it_gets) /* D37 */
{
    with_little_stack(join_downwards);
}
END_TEST

START_TEST(any_depth_costs_no_stack) /* D12 D37 */
{
    with_little_stack(nest_deeply);
}
END_TEST

/* ----------------------------------------------------------------------------------------- deadline */

START_TEST(a_deadline_closes_the_scope_and_gives_it_its_grace) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(scope, &slow.base, &member_ops);
    ck_assert_int_eq(bight_scope_set_deadline(scope, 3), 0);
    ck_assert(!bight_scope_timed_out(scope));
    advance(3);
    ck_trace("cslow ");
    ck_assert(bight_scope_is_closing(scope));
    ck_assert(bight_scope_is_closing(inner));
    ck_assert(bight_scope_timed_out(scope));
    ck_assert(!bight_scope_timed_out(inner));
    advance(BIGHT_SCOPE_GRACE - 0.01);
    ck_trace("");
    advance(0.01);
    ck_trace("aslow ");
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    ck_assert_int_eq(bight_scope_set_deadline(scope, 3), BIGHT_E_CANCELLED);
}
END_TEST

START_TEST(the_grace_can_be_set) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' }, late = { .name = "late", .leaves = 'l' };
    ck_assert_int_eq(bight_scope_set_grace(scope, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_scope_set_grace(scope, NAN), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_scope_set_grace(scope, 0), 0);
    ck_assert_int_eq(bight_scope_set_grace(inner, INFINITY), 0);
    bight_scope_join(scope, &slow.base, &member_ops);
    bight_scope_join(inner, &late.base, &member_ops);
    bight_scope_set_deadline(inner, 1);
    advance(1);
    ck_trace("clate ");
    advance(1e9);
    ck_trace("");
    bight_scope_set_deadline(scope, 0);
    advance(0);
    ck_trace("cslow aslow alate ");
    bight_scope_leave(&late.base);
}
END_TEST

START_TEST(a_second_deadline_takes_the_place_of_the_first) /* D37 */
{
    ck_assert_int_eq(bight_scope_set_deadline(scope, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_scope_set_deadline(scope, NAN), BIGHT_E_INVALID_ARGUMENT);
    bight_scope_set_deadline(scope, 3);
    bight_scope_set_deadline(scope, 5);
    ck_assert_uint_eq(timers_pending(), 1);
    advance(4);
    ck_assert(!bight_scope_is_closing(scope));
    bight_scope_set_deadline(scope, INFINITY);
    ck_assert_uint_eq(timers_pending(), 0);
    bight_scope_set_deadline(scope, 1);
    advance(1);
    ck_assert(bight_scope_timed_out(scope));
}
END_TEST

START_TEST(closing_before_the_deadline_is_no_time_out) /* D37 */
{
    bight_scope_set_deadline(scope, 3);
    close_and_note(5);
    ck_trace("closed=- ");
    ck_assert_uint_eq(timers_pending(), 0);
    advance(3);
    ck_assert(!bight_scope_timed_out(scope));
}
END_TEST

static void free_the_scope(struct bight_result *result, void *context)
{
    seen(result, context);
    bight_result_clear(result);
    free_outer();
}

START_TEST(what_the_deadline_cancels_may_free_the_scope) /* D37 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_both(deferred, free_the_scope, NAME("tied"));
    bight_deferred_release(bight_deferred_tie(deferred, bight_scope_owner(scope)));
    bight_scope_set_deadline(scope, 3);
    advance(3);
    ck_trace("tied=CANCELLED ");
    ck_assert_ptr_null(scope);
}
END_TEST

START_TEST(a_close_without_a_proper_time_aborts_at_once) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_scope_join(scope, &slow.base, &member_ops);
    close_and_note(NAN);
    ck_trace("cslow aslow closed=- ");
    ck_assert_int_eq(usage_errors, 1);
}
END_TEST

static void use_a_tree(void)
{
    struct member slow = { .name = "", .leaves = 'a' };
    scope = bight_scope_new(&test_clock.base);
    inner = scope != NULL ? bight_scope_new_inside(scope) : NULL;
    if (inner != NULL) {
        bight_scope_join(inner, &slow.base, &member_ops);
    }
    if (scope != NULL && bight_scope_set_deadline(scope, 1) != 0) {
        bight_deferred_release(bight_scope_close(scope, 1));
    }
    advance(1);
    advance(BIGHT_SCOPE_GRACE);
    ck_assert(scope == NULL || bight_scope_count(scope) == 0);
    bight_scope_free(inner);
    bight_scope_free(scope);
    traced = 0;
}

START_TEST(each_allocation_may_fail) /* D34 D37 */
{
    struct bight_test_memory memory;
    bight_scope_free(inner);
    bight_scope_free(scope);
    bight_test_fail_nth(&memory, 0);
    use_a_tree();
    unsigned count = memory.asked;
    ck_assert_uint_ge(count, 4);
    for (unsigned n = 1; n <= count; n++) {
        bight_test_fail_nth(&memory, n);
        use_a_tree();
        ck_assert_int_eq(memory.out, 0);
        ck_assert_uint_eq(timers_pending(), 0);
    }
    bight_set_allocator(NULL);
    scope = inner = NULL;
}
END_TEST

static void add_deadline_tests(TCase *tests)
{
    tcase_add_test(tests, a_deadline_closes_the_scope_and_gives_it_its_grace);
    tcase_add_test(tests, the_grace_can_be_set);
    tcase_add_test(tests, a_second_deadline_takes_the_place_of_the_first);
    tcase_add_test(tests, closing_before_the_deadline_is_no_time_out);
    tcase_add_test(tests, what_the_deadline_cancels_may_free_the_scope);
    tcase_add_test(tests, a_close_without_a_proper_time_aborts_at_once);
    tcase_add_test(tests, each_allocation_may_fail);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_inner, tear_down_inner);
    tcase_add_test(tests, closing_the_outer_closes_the_inner_and_waits_for_it);
    tcase_add_test(tests, the_inner_gets_what_is_left_of_the_outer_s_time);
    tcase_add_test(tests, an_inner_that_took_more_time_is_aborted_with_the_outer);
    tcase_add_test(tests, an_inner_that_took_less_time_is_aborted_before_the_outer);
    tcase_add_test(tests, an_abort_passes_down);
    tcase_add_test(tests, no_time_aborts_the_inner_at_once);
    tcase_add_test(tests, an_empty_inner_ends_with_the_outer_and_one_that_ended_leaves_it);
    tcase_add_test(tests, in_a_closing_scope_an_inner_one_is_closed_from_the_beginning);
    tcase_add_test(tests, a_freed_inner_leaves_when_its_last_member_does);
    tcase_add_test(tests, the_outer_may_be_freed_first);
    tcase_add_test(tests, a_scope_moves_from_one_to_another);
    tcase_add_test(tests, moving_the_last_one_out_ends_a_closing_scope);
    tcase_add_test(tests, circles_are_refused);
    tcase_add_test(tests, one_that_has_ended_may_join_and_counts_for_nothing);
    tcase_add_test(tests, a_member_may_close_the_inner_while_the_outer_closes);
    tcase_add_test(tests, a_member_may_free_the_inner_while_the_outer_closes);
    tcase_add_test(tests, a_member_may_close_the_outer_again_while_it_closes);
    tcase_add_test(tests, a_member_may_free_the_outer_while_it_closes);
    tcase_add_test(tests, whoever_hears_of_the_inner_s_end_may_free_both);
    tcase_add_test(tests, any_depth_costs_no_stack);
    tcase_add_test(tests, joining_downwards_takes_no_longer_the_deeper_it_gets);
    add_deadline_tests(tests);
}

BIGHT_TEST_MAIN("scope tree", add_tests)
