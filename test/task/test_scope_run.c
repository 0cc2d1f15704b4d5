/* SPDX-License-Identifier: MIT */
/* test_scope_run.c - the nursery: what closes it, what it waits for, and with what it fires. */
#include "scope_support.h"

#include "faults.h"

static struct bight_deferred *outer;
static struct bight_promise answer; /* of the body */
static struct member child;

static struct bight_deferred *body;

static struct bight_deferred *wait_for_answer(struct bight_scope *nursery, void *context)
{
    scope = nursery;
    note(context);
    note(" ");
    body = bight_deferred_new(&answer, NULL, NULL);
    bight_scope_join(nursery, &child.base, &member_ops);
    return body;
}

static void run(bight_scope_function function, char leaves)
{
    child = (struct member) { .name = "child", .leaves = leaves };
    outer = bight_scope_run_full(&test_clock.base, function, NAME("body"), released);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    bight_deferred_add_errback(outer, cleared, NULL);
}

static void set_up_run(void)
{
    begin();
}

static void tear_down_run(void)
{
    bight_deferred_release(outer);
    ck_assert_uint_eq(timers_pending(), 0);
    ck_assert_int_eq(reports, 0);
}

START_TEST(its_value_comes_when_all_has_ended) /* D37 */
{
    run(wait_for_answer, 'l');
    ck_trace("body ");
    fire(answer, 5);
    ck_trace("cchild ");
    bight_scope_leave(&child.base);
    ck_trace("~body outer=5 ");
}
END_TEST

START_TEST(its_failure_too) /* D37 */
{
    run(wait_for_answer, 'l');
    fire_failure(answer, APPLICATION);
    ck_trace("body cchild ");
    bight_scope_leave(&child.base);
    ck_trace("~body outer=APPLICATION ");
}
END_TEST

START_TEST(what_does_not_end_in_its_grace_is_aborted) /* D37 */
{
    run(wait_for_answer, 'a');
    fire(answer, 5);
    advance(BIGHT_SCOPE_GRACE - 0.01);
    ck_trace("body cchild ");
    advance(0.01);
    ck_trace("achild ~body outer=5 ");
}
END_TEST

static struct bight_deferred *begin_without_waiting(struct bight_scope *nursery, void *context)
{
    (void)context;
    bight_scope_join(nursery, &child.base, &member_ops);
    return NULL;
}

START_TEST(a_function_that_waits_for_nothing_closes_at_once) /* D37 */
{
    run(begin_without_waiting, 'l');
    ck_trace("cchild ");
    bight_scope_leave(&child.base);
    ck_trace("~body outer=- ");
    bight_deferred_release(outer);
    run(begin_without_waiting, 'c');
    ck_trace("cchild ~body outer=- ");
}
END_TEST

static struct bight_deferred *fire_at_once(struct bight_scope *nursery, void *context)
{
    (void)nursery;
    (void)context;
    return bight_succeed(&bight_type_integer, bight_integer(7));
}

START_TEST(a_body_that_has_fired_is_taken_at_once) /* D37 */
{
    run(fire_at_once, 'c');
    ck_trace("~body outer=7 ");
}
END_TEST

/* ---------------------------------------------------------------------------------------- cancelling */

START_TEST(cancelling_cancels_the_body_and_waits_for_the_end) /* D16 D37 */
{
    run(wait_for_answer, 'l');
    bight_deferred_cancel(outer);
    ck_trace("body cchild ");
    ck_assert(!bight_promise_is_open(answer));
    bight_scope_leave(&child.base);
    ck_trace("~body outer=CANCELLED ");
}
END_TEST

START_TEST(cancelling_after_the_body_aborts_and_waits_for_the_end) /* D37 */
{
    run(wait_for_answer, 'l');
    fire(answer, 5);
    bight_deferred_cancel(outer);
    bight_deferred_cancel(outer);
    ck_trace("body cchild achild ");
    bight_scope_leave(&child.base);
    ck_trace("~body outer=5 ");
}
END_TEST

static void answer_six(struct bight_promise promise, void *context)
{
    (void)context;
    fire(promise, 6);
}

static struct bight_deferred *answers_when_cancelled(struct bight_scope *nursery, void *context)
{
    bight_deferred_release(bight_succeed(NULL, NULL));
    bight_scope_join(nursery, &child.base, &member_ops);
    (void)context;
    return bight_deferred_new(&answer, answer_six, NULL);
}

START_TEST(a_body_that_answers_its_cancel_is_believed) /* D14 D37 */
{
    run(answers_when_cancelled, 'c');
    bight_deferred_cancel(outer);
    ck_trace("cchild ~body outer=6 ");
}
END_TEST

START_TEST(a_body_that_does_not_end_is_waited_for) /* D37 */
{
    run(wait_for_answer, 'c');
    struct bight_deferred *slow = bight_deferred_hold(body);
    bight_deferred_pause(slow);
    bight_deferred_cancel(outer);
    bight_deferred_cancel(outer);
    ck_trace("body ");
    bight_deferred_unpause(slow);
    ck_trace("cchild ~body outer=CANCELLED ");
    bight_deferred_release(slow);
}
END_TEST

START_TEST(nobody_needs_to_hold_it) /* D31 D37 */
{
    run(wait_for_answer, 'l');
    bight_deferred_release(outer);
    outer = NULL;
    fire(answer, 5);
    bight_scope_leave(&child.base);
    ck_trace("body cchild ~body outer=5 ");
}
END_TEST

START_TEST(its_end_as_a_member_of_an_owner_is_waited_for) /* D32 D37 */
{
    struct bight_scope *owner = bight_scope_new(&test_clock.base);
    run(wait_for_answer, 'l');
    bight_deferred_tie(outer, bight_scope_owner(owner));
    bight_deferred_release(bight_scope_close(owner, INFINITY));
    ck_trace("body cchild ");
    ck_assert_uint_eq(bight_scope_count(owner), 1);
    bight_scope_leave(&child.base);
    ck_trace("~body outer=CANCELLED ");
    ck_assert_uint_eq(bight_scope_count(owner), 0);
    bight_scope_free(owner);
}
END_TEST

/* ----------------------------------------------------------------------------------- the scope itself */

static struct bight_deferred *with_a_deadline(struct bight_scope *nursery, void *context)
{
    bight_scope_set_deadline(nursery, 3);
    return wait_for_answer(nursery, context);
}

START_TEST(its_deadline_cancels_the_body_which_has_timed_out) /* D17 D37 */
{
    run(with_a_deadline, 'c');
    advance(3);
    ck_trace("body cchild ~body outer=TIMED_OUT ");
}
END_TEST

static void make_it_fifty(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_set(result, &bight_type_integer, bight_integer(50));
}

static struct bight_deferred *handles_its_end(struct bight_scope *nursery, void *context)
{
    struct bight_deferred *deferred = with_a_deadline(nursery, context);
    bight_deferred_add_errback(deferred, make_it_fifty, NULL);
    return deferred;
}

START_TEST(a_body_may_handle_the_deadline) /* D17 D37 */
{
    run(handles_its_end, 'c');
    advance(3);
    ck_trace("body cchild ~body outer=50 ");
}
END_TEST

START_TEST(a_body_in_time_does_not_time_out) /* D37 */
{
    run(with_a_deadline, 'c');
    advance(2);
    fire_failure(answer, CANCELLED);
    ck_trace("body cchild ~body outer=CANCELLED ");
    advance(1);
}
END_TEST

static struct bight_scope *elsewhere;

static struct bight_deferred *belongs_elsewhere(struct bight_scope *nursery, void *context)
{
    struct bight_deferred *deferred = with_a_deadline(nursery, context);
    return bight_deferred_tie(deferred, bight_scope_owner(elsewhere));
}

START_TEST(a_body_of_another_owner_stays_with_that) /* D32 D37 */
{
    elsewhere = bight_scope_new(&test_clock.base);
    run(belongs_elsewhere, 'c');
    ck_assert_uint_eq(bight_scope_count(elsewhere), 1);
    advance(3);
    ck_trace("body cchild ");
    bight_scope_free(elsewhere);
    ck_trace("~body outer=TIMED_OUT ");
}
END_TEST

START_TEST(the_scope_may_be_closed_by_hand) /* D37 */
{
    run(wait_for_answer, 'c');
    close_and_note(5);
    ck_trace("body cchild ~body outer=CANCELLED closed=- ");
}
END_TEST

static struct bight_deferred *nothing_inside(struct bight_scope *inside, void *context)
{
    (void)inside;
    (void)context;
    return NULL;
}

START_TEST(a_run_without_a_function_or_a_clock_is_a_usage_error) /* D37 D33 */
{
    release_failed(bight_scope_run_full(&test_clock.base, NULL, NAME("a"), released), BIGHT_E_INVALID_ARGUMENT);
    release_failed(bight_scope_run_full(NULL, nothing_inside, NAME("b"), released), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_ptr_null(bight_scope_new(NULL));
    ck_assert_int_eq(usage_errors, 3);
    ck_trace("~a ~b ");
}
END_TEST

#define DEPTH 100000

static struct bight_promise innermost;

static void wait_for_a_run_inside(struct bight_result *result, void *context);

static struct bight_deferred *give_innermost(struct bight_scope *inside, void *context)
{
    (void)inside;
    (void)context;
    struct bight_deferred *deferred = bight_deferred_new(&innermost, NULL, NULL);
    bight_deferred_add_callback(deferred, wait_for_a_run_inside, NULL);
    return deferred;
}

static void wait_for_a_run_inside(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_chain(result, bight_scope_run(&test_clock.base, give_innermost, NULL));
}

static struct bight_deferred *nest_runs(void)
{
    struct bight_deferred *outermost = bight_scope_run(&test_clock.base, give_innermost, NULL);
    for (int i = 0; i < DEPTH; i++) {
        bight_callback(innermost, NULL, NULL);
    }
    bight_deferred_add_both(outermost, seen, NAME("outermost"));
    bight_deferred_add_errback(outermost, cleared, NULL);
    return outermost;
}

static void end_and_cancel_nested_runs(void)
{
    bight_deferred_release(nest_runs());
    fire_failure(innermost, APPLICATION);
    ck_trace("outermost=APPLICATION ");
    struct bight_deferred *outermost = nest_runs();
    bight_deferred_cancel(outermost);
    ck_trace("outermost=CANCELLED ");
    bight_deferred_release(outermost);
}

START_TEST(any_depth_of_runs_costs_no_stack) /* D12 D16 D37 */
{
    with_little_stack(end_and_cancel_nested_runs);
}
END_TEST

START_TEST(the_scope_is_not_the_user_s_to_free) /* D37 */
{
    run(wait_for_answer, 'c');
    bight_scope_free(scope);
    ck_assert_int_eq(usage_errors, 1);
    ck_trace("body ");
    fire(answer, 1);
    ck_trace("cchild ~body outer=1 ");
}
END_TEST

static struct bight_deferred *closes_itself(struct bight_scope *nursery, void *context)
{
    scope = nursery;
    struct bight_deferred *deferred = wait_for_answer(nursery, context);
    close_and_note(5);
    return deferred;
}

START_TEST(the_function_may_close_its_scope) /* D37 */
{
    run(closes_itself, 'c');
    ck_trace("body cchild closed=- ~body outer=CANCELLED ");
}
END_TEST

START_TEST(a_nursery_in_a_scope_ends_with_it) /* D37 */
{
    struct bight_scope *around = bight_scope_new(&test_clock.base);
    run(wait_for_answer, 'l');
    ck_assert_int_eq(bight_scope_join_scope(scope, around), 0);
    bight_deferred_release(bight_scope_close(around, 5));
    ck_trace("body cchild ");
    bight_scope_leave(&child.base);
    ck_trace("~body outer=CANCELLED ");
    ck_assert_uint_eq(bight_scope_count(around), 0);
    bight_scope_free(around);
}
END_TEST

static struct bight_deferred *nested(struct bight_scope *nursery, void *context)
{
    (void)nursery;
    return bight_scope_run(&test_clock.base, wait_for_answer, context);
}

START_TEST(nurseries_nest) /* D16 D37 */
{
    run(nested, 'l');
    bight_deferred_cancel(outer);
    ck_trace("body cchild ");
    bight_scope_leave(&child.base);
    ck_trace("~body outer=CANCELLED ");
}
END_TEST

static void cancel_outer(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_deferred_cancel(outer);
    bight_deferred_release(outer);
    outer = NULL;
}

static void release_and_cancel(void *context)
{
    bight_deferred_cancel(outer);
    note(context);
    note(" ");
}

START_TEST(handlers_and_release_functions_may_cancel_it_at_its_end) /* D37 */
{
    child = (struct member) { .name = "child", .leaves = 'c' };
    outer = bight_scope_run_full(&test_clock.base, wait_for_answer, NAME("body"), release_and_cancel);
    fire(answer, 1);
    ck_trace("body cchild body ");
    bight_deferred_release(outer);
    run(wait_for_answer, 'c');
    bight_deferred_add_both(outer, cancel_outer, NULL);
    fire(answer, 1);
    ck_trace("body cchild ~body outer=1 ");
}
END_TEST

/* ------------------------------------------------------------------------------------------- memory */

static struct bight_deferred *uses_memory(struct bight_scope *nursery, void *context)
{
    (void)context;
    bight_scope_call_later(nursery, 10, note_timer, NAME("x"), NULL, NULL);
    body = bight_deferred_new(&answer, NULL, NULL);
    return body;
}

static void use_a_nursery(void)
{
    run(uses_memory, 'c');
    advance(1);
    bight_deferred_cancel(outer);
    bight_deferred_release(outer);
    ck_assert_ptr_nonnull(strstr(trace, "~body"));
    traced = 0;
    trace[0] = '\0';
}

START_TEST(each_allocation_may_fail) /* D33 D34 D37 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    use_a_nursery();
    unsigned count = memory.asked;
    ck_assert_uint_ge(count, 5);
    for (unsigned n = 1; n <= count; n++) {
        bight_test_fail_nth(&memory, n);
        use_a_nursery();
        ck_assert_int_eq(memory.out, 0);
        ck_assert_uint_eq(timers_pending(), 0);
    }
    bight_set_allocator(NULL);
    outer = NULL;
    reports = 0;
}
END_TEST

/* The body has as many handlers as it has room for. */
static struct bight_deferred *fills_its_body(struct bight_scope *nursery, void *context)
{
    static struct bight_test_memory memory;
    struct bight_deferred *deferred = wait_for_answer(nursery, context);
    for (int i = 0; i < 4; i++) {
        bight_deferred_add_errback(deferred, cleared, NULL);
    }
    bight_test_fail_nth(&memory, 1);
    return deferred;
}

START_TEST(no_memory_to_watch_the_body_cancels_it) /* D34 D37 */
{
    run(fills_its_body, 'c');
    bight_set_allocator(NULL);
    ck_trace("body cchild ~body outer=OUT_OF_MEMORY ");
    ck_assert(!bight_promise_is_open(answer));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_run, tear_down_run);
    tcase_add_test(tests, its_value_comes_when_all_has_ended);
    tcase_add_test(tests, its_failure_too);
    tcase_add_test(tests, what_does_not_end_in_its_grace_is_aborted);
    tcase_add_test(tests, a_function_that_waits_for_nothing_closes_at_once);
    tcase_add_test(tests, a_body_that_has_fired_is_taken_at_once);
    tcase_add_test(tests, cancelling_cancels_the_body_and_waits_for_the_end);
    tcase_add_test(tests, cancelling_after_the_body_aborts_and_waits_for_the_end);
    tcase_add_test(tests, a_body_that_answers_its_cancel_is_believed);
    tcase_add_test(tests, a_body_that_does_not_end_is_waited_for);
    tcase_add_test(tests, nobody_needs_to_hold_it);
    tcase_add_test(tests, its_end_as_a_member_of_an_owner_is_waited_for);
    tcase_add_test(tests, its_deadline_cancels_the_body_which_has_timed_out);
    tcase_add_test(tests, a_body_may_handle_the_deadline);
    tcase_add_test(tests, a_body_in_time_does_not_time_out);
    tcase_add_test(tests, a_body_of_another_owner_stays_with_that);
    tcase_add_test(tests, the_scope_may_be_closed_by_hand);
    tcase_add_test(tests, a_run_without_a_function_or_a_clock_is_a_usage_error);
    tcase_add_test(tests, any_depth_of_runs_costs_no_stack);
    tcase_add_test(tests, the_scope_is_not_the_user_s_to_free);
    tcase_add_test(tests, the_function_may_close_its_scope);
    tcase_add_test(tests, a_nursery_in_a_scope_ends_with_it);
    tcase_add_test(tests, nurseries_nest);
    tcase_add_test(tests, handlers_and_release_functions_may_cancel_it_at_its_end);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, no_memory_to_watch_the_body_cancels_it);
}

BIGHT_TEST_MAIN("scope run", add_tests)
