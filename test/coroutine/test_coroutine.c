/* SPDX-License-Identifier: MIT */
/* Coroutines: spawning and awaiting (D35). Many and deep: test_coroutine_nested.c; how they are cancelled and end:
 * test_coroutine_end.c; their stacks: test_coroutine_stack.c. */
#include "coroutine_support.h"
#include "faults.h"

/* ---------------------------------------------------------------------------------------- outcomes */

static void give_seven(struct bight_result *result, void *context)
{
    note(context);
    ck_assert(bight_result_is_empty(result));
    bight_result_set(result, &bight_type_integer, bight_integer(7));
}

static void give_nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void give_failure(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_fail(result, bight_failure_of(BIGHT_E_TIMED_OUT));
}

START_TEST(a_body_that_never_waits_has_ended_when_spawn_returns) /* D35 */
{
    begin_coroutines(0);
    struct bight_deferred *outer = bight_spawn(reactor, give_seven, NAME("body "));
    ck_trace("body ");
    release_with(outer, 7);
    end_coroutines();
}
END_TEST

START_TEST(the_outcome_may_be_empty_or_a_failure) /* D35 */
{
    begin_coroutines(0);
    struct bight_deferred *empty = bight_spawn(reactor, give_nothing, NULL);
    ck_assert(bight_result_is_empty(bight_deferred_result(empty)));
    bight_deferred_release(empty);
    release_failed(bight_spawn(reactor, give_failure, NULL), BIGHT_E_TIMED_OUT);
    end_coroutines();
}
END_TEST

START_TEST(a_failure_that_nobody_handles_is_reported_once) /* D18, D35 */
{
    begin_coroutines(0);
    bight_deferred_release(bight_spawn(reactor, give_failure, NULL));
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_TIMED_OUT);
    bight_reactor_free(reactor);
}
END_TEST

static void give_a_deferred(struct bight_result *result, void *context)
{
    bight_result_set(result, &bight_type_deferred, context);
}

START_TEST(a_deferred_is_no_outcome) /* D4 */
{
    begin_coroutines(1);
    release_failed(bight_spawn(reactor, give_a_deferred, deferreds[0]), BIGHT_E_WRONG_TYPE);
    ck_assert_int_eq(usage_errors, 1);
    ck_assert_int_eq(fire(promises[0], 1), BIGHT_E_STALE); /* it was cancelled and released */
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_function_and_a_reactor_are_needed) /* D35 */
{
    begin_coroutines(0);
    release_failed(bight_spawn(reactor, NULL, NULL), BIGHT_E_USAGE);
    ck_assert_int_eq(usage_errors, 1);
    release_failed(bight_spawn(NULL, give_seven, NULL), BIGHT_E_USAGE);
    ck_assert_int_eq(usage_errors, 2);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(the_context_is_released_once_when_the_body_has_returned) /* D33 */
{
    begin_coroutines(1);
    struct bight_deferred *outer = bight_spawn_full(reactor, await_it, deferreds[0], NULL);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    fire(promises[0], 1);
    ck_trace("in got=1 outer=1 ");
    bight_deferred_release(outer);
    outer = bight_spawn_full(reactor, give_seven, NAME("body "), released);
    ck_trace("body ~body  ");
    bight_deferred_release(outer);
    end_coroutines();
}
END_TEST

START_TEST(a_body_goes_on_when_its_deferred_was_let_go_of) /* D31 */
{
    begin_coroutines(1);
    bight_deferred_release(spawn_await(deferreds[0]));
    fire(promises[0], 3);
    ck_trace("in got=3 ");
    end_coroutines();
}
END_TEST

/* ---------------------------------------------------------------------------------------- awaiting */

START_TEST(what_has_fired_is_given_at_once) /* D35 */
{
    begin_coroutines(0);
    release_with(spawn_await(bight_succeed(&bight_type_integer, bight_integer(5))), 5);
    ck_trace("in got=5 ");
    release_failed(spawn_await(bight_fail(bight_failure_of(BIGHT_E_CLOSED))), BIGHT_E_CLOSED);
    ck_trace("in got=CLOSED ");
    end_coroutines();
}
END_TEST

START_TEST(what_has_not_fired_is_waited_for) /* D35 */
{
    begin_coroutines(1);
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    note("spawned ");
    ck_assert(!bight_deferred_has_fired(outer));
    ck_assert_int_eq(fire(promises[0], 5), BIGHT_OK);
    ck_trace("in spawned got=5 ");
    release_with(outer, 5);
    end_coroutines();
}
END_TEST

START_TEST(an_escaping_failure_fails_the_outer_and_is_not_reported_twice) /* D35, D18 */
{
    begin_coroutines(1);
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    fire_failure(promises[0], UNREACHABLE);
    ck_trace("in got=UNREACHABLE ");
    release_failed(outer, BIGHT_E_UNREACHABLE);
    end_coroutines();
}
END_TEST

static void await_both(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_await(deferreds[0], result), BIGHT_E_CLOSED);
    seen(result, NAME("first"));
    ck_assert_int_eq(bight_await(deferreds[1], result), BIGHT_OK); /* what it held is destroyed */
    seen(result, NAME("second"));
}

START_TEST(the_answer_is_the_failures_code_and_the_next_await_replaces_the_result) /* D35 */
{
    begin_coroutines(2);
    struct bight_deferred *outer = bight_spawn(reactor, await_both, NULL);
    fire_failure(promises[0], CLOSED);
    ck_trace("first=CLOSED ");
    fire(promises[1], 2);
    ck_trace("second=2 ");
    release_with(outer, 2);
    end_coroutines();
}
END_TEST

static void await_two_values(struct bight_result *result, void *context)
{
    struct bight_result own = { NULL, NULL, NULL };
    (void)context;
    ck_assert_int_eq(bight_await(deferreds[0], &own), BIGHT_OK);
    ck_assert_ptr_eq(own.type, &counted);
    ck_assert_ptr_null(own.deferred);
    ck_assert_int_eq(bight_await(deferreds[1], &own), BIGHT_OK);
    ck_assert_int_eq(destroyed, 1);
    bight_result_move(result, &own);
}

START_TEST(values_are_moved_and_destroyed_once) /* D31 */
{
    begin_coroutines(2);
    struct bight_deferred *outer = bight_spawn(reactor, await_two_values, NULL);
    bight_callback(promises[0], &counted, &destroyed);
    bight_callback(promises[1], &counted, &discarded);
    ck_assert_int_eq(destroyed, 1);
    bight_deferred_release(outer);
    ck_assert_int_eq(destroyed, 2);
    ck_assert_int_eq(discarded, 0);
    end_coroutines();
}
END_TEST

START_TEST(one_that_chained_another_is_waited_for_to_the_end) /* D35, D5, D6 */
{
    begin_coroutines(3);
    bight_deferred_add_both(deferreds[0], chained, deferreds[1]);
    bight_deferred_add_both(deferreds[1], chained, deferreds[2]);
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    fire(promises[0], 0);
    fire(promises[1], 1);
    ck_assert(!bight_deferred_has_fired(outer));
    fire(promises[2], 2);
    ck_trace("in got=2 ");
    release_with(outer, 2);
    end_coroutines();
}
END_TEST

START_TEST(one_that_waits_already_is_waited_for) /* D35, D6 */
{
    begin_coroutines(2);
    bight_deferred_add_both(deferreds[0], chained, deferreds[1]);
    fire(promises[0], 0);
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    fire(promises[1], 4);
    release_with(outer, 4);
    end_coroutines();
}
END_TEST

START_TEST(one_that_is_paused_is_waited_for) /* D35, D11 */
{
    begin_coroutines(1);
    struct bight_deferred *held = bight_deferred_hold(deferreds[0]);
    bight_deferred_pause(held);
    fire(promises[0], 6);
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    note("paused ");
    bight_deferred_unpause(held);
    ck_trace("in paused got=6 ");
    release_with(outer, 6);
    bight_deferred_release(held);
    end_coroutines();
}
END_TEST

START_TEST(handlers_from_before_run_first_and_later_ones_see_it_empty) /* D35, D5, D7 */
{
    begin_coroutines(1);
    struct bight_deferred *held = bight_deferred_hold(deferreds[0]);
    bight_deferred_add_both(held, seen, NAME("before"));
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    bight_deferred_add_both(held, seen, NAME("after"));
    fire(promises[0], 1);
    ck_trace("in before=1 got=1 after=- ");
    bight_deferred_release(held);
    bight_deferred_release(outer);
    end_coroutines();
}
END_TEST

static void spawn_inside(struct bight_result *result, void *context)
{
    seen(result, NAME("handler"));
    bight_deferred_release(spawn_await(context));
    note("out ");
}

START_TEST(one_in_the_middle_of_its_handlers_is_waited_for) /* D35, D7 */
{
    begin_coroutines(1);
    bight_deferred_add_both(deferreds[0], spawn_inside, deferreds[0]);
    bight_deferred_add_both(deferreds[0], seen, NAME("next"));
    fire(promises[0], 1);
    ck_trace("handler=1 in out next=1 got=1 ");
    end_coroutines();
}
END_TEST

START_TEST(several_may_await_one_and_the_first_has_the_result) /* D5 */
{
    begin_coroutines(1);
    struct bight_deferred *first = spawn_await(bight_deferred_hold(deferreds[0]));
    struct bight_deferred *second = spawn_await(deferreds[0]);
    fire(promises[0], 1);
    ck_trace("in in got=1 got=- ");
    bight_deferred_release(first);
    bight_deferred_release(second);
    end_coroutines();
}
END_TEST

START_TEST(a_pause_of_the_outer_holds_its_handlers_and_not_the_body) /* D11 */
{
    begin_coroutines(1);
    struct bight_deferred *outer = spawn_await(deferreds[0]);
    bight_deferred_add_both(outer, seen, NAME("outer"));
    bight_deferred_pause(outer);
    fire(promises[0], 1);
    ck_trace("in got=1 ");
    bight_deferred_unpause(outer);
    ck_trace("outer=1 ");
    bight_deferred_release(outer);
    end_coroutines();
}
END_TEST

START_TEST(the_shared_deferred_of_no_memory_is_a_failure) /* D34 */
{
    begin_coroutines(0);
    static struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 1);
    struct bight_deferred *none = bight_succeed(NULL, NULL);
    bight_set_allocator(NULL);
    ck_assert_int_eq(reports, 1);
    reports = 0;
    release_failed(spawn_await(none), BIGHT_E_OUT_OF_MEMORY);
    end_coroutines();
}
END_TEST

/* ------------------------------------------------------------------------------------------- misuse */

static void canceller(struct bight_promise promise, void *context)
{
    (void)promise;
    note(context);
}

START_TEST(outside_a_coroutine_the_deferred_is_cancelled_and_let_go_of) /* D35 */
{
    struct bight_result result = { &counted, &destroyed, NULL };
    struct bight_promise promise;
    begin();
    ck_assert(!bight_in_coroutine());
    struct bight_deferred *deferred = bight_deferred_new(&promise, canceller, NAME("cancelled "));
    ck_assert_int_eq(bight_await(deferred, &result), BIGHT_E_USAGE);
    ck_trace("cancelled ");
    ck_assert_int_eq(usage_errors, 1);
    ck_assert_ptr_nonnull(strstr(last_place, "test_coroutine.c"));
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(bight_failure_code(bight_result_failure(&result)), BIGHT_E_USAGE);
    ck_assert_int_eq(fire(promise, 1), BIGHT_E_STALE);
    bight_result_clear(&result);
}
END_TEST

static void await_nothing(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert(bight_in_coroutine());
    ck_assert_int_eq(bight_await(deferreds[0], NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_await(NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_await(NULL, result), BIGHT_E_INVALID_ARGUMENT);
}

START_TEST(a_deferred_and_a_result_are_needed) /* D35 */
{
    begin_coroutines(1);
    release_failed(bight_spawn(reactor, await_nothing, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(usage_errors, 3);
    ck_assert_int_eq(fire(promises[0], 1), BIGHT_E_STALE);
    bight_reactor_free(reactor);
}
END_TEST

/* Awaits the first, then the second. */
static void await_in_turn(struct bight_result *result, void *context)
{
    struct bight_deferred **pair = context;
    (void)bight_await(pair[0], result);
    (void)bight_await(pair[1], result);
}

START_TEST(awaiting_itself_is_circular) /* D8 */
{
    struct bight_deferred *pair[2];
    begin_coroutines(1);
    pair[0] = deferreds[0];
    struct bight_deferred *outer = bight_spawn(reactor, await_in_turn, pair);
    pair[1] = bight_deferred_hold(outer);
    fire(promises[0], 1);
    release_failed(outer, BIGHT_E_CIRCULAR);
    end_coroutines();
}
END_TEST

START_TEST(two_that_await_each_other_are_circular) /* D8 */
{
    struct bight_deferred *pair[2];
    begin_coroutines(1);
    pair[0] = deferreds[0];
    struct bight_deferred *first = bight_spawn(reactor, await_in_turn, pair);
    struct bight_deferred *second = spawn_await(bight_deferred_hold(first));
    pair[1] = bight_deferred_hold(second);
    fire(promises[0], 1);
    ck_trace("in got=CIRCULAR ");
    ck_assert(bight_result_is_empty(bight_deferred_result(first))); /* the second had its result */
    bight_deferred_release(first);
    release_failed(second, BIGHT_E_CIRCULAR);
    end_coroutines();
}
END_TEST

static void free_the_reactor(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_reactor_free(reactor);
    ck_assert_int_eq(bight_reactor_run(reactor), 70);
}

START_TEST(a_body_can_neither_free_nor_run_its_reactor) /* R1 */
{
    begin_coroutines(0);
    bight_deferred_release(bight_spawn(reactor, free_the_reactor, NULL));
    ck_assert_int_eq(usage_errors, 2);
    usage_errors = 0;
    end_coroutines();
}
END_TEST

static void add_outcome_tests(TCase *tests)
{
    tcase_add_test(tests, a_body_that_never_waits_has_ended_when_spawn_returns);
    tcase_add_test(tests, the_outcome_may_be_empty_or_a_failure);
    tcase_add_test(tests, a_failure_that_nobody_handles_is_reported_once);
    tcase_add_test(tests, a_deferred_is_no_outcome);
    tcase_add_test(tests, a_function_and_a_reactor_are_needed);
    tcase_add_test(tests, the_context_is_released_once_when_the_body_has_returned);
    tcase_add_test(tests, a_body_goes_on_when_its_deferred_was_let_go_of);
    tcase_add_test(tests, outside_a_coroutine_the_deferred_is_cancelled_and_let_go_of);
    tcase_add_test(tests, a_deferred_and_a_result_are_needed);
    tcase_add_test(tests, awaiting_itself_is_circular);
    tcase_add_test(tests, two_that_await_each_other_are_circular);
    tcase_add_test(tests, a_body_can_neither_free_nor_run_its_reactor);
}

static void add_tests(TCase *tests)
{
    add_outcome_tests(tests);
    tcase_add_test(tests, what_has_fired_is_given_at_once);
    tcase_add_test(tests, what_has_not_fired_is_waited_for);
    tcase_add_test(tests, an_escaping_failure_fails_the_outer_and_is_not_reported_twice);
    tcase_add_test(tests, the_answer_is_the_failures_code_and_the_next_await_replaces_the_result);
    tcase_add_test(tests, values_are_moved_and_destroyed_once);
    tcase_add_test(tests, one_that_chained_another_is_waited_for_to_the_end);
    tcase_add_test(tests, one_that_waits_already_is_waited_for);
    tcase_add_test(tests, one_that_is_paused_is_waited_for);
    tcase_add_test(tests, handlers_from_before_run_first_and_later_ones_see_it_empty);
    tcase_add_test(tests, one_in_the_middle_of_its_handlers_is_waited_for);
    tcase_add_test(tests, several_may_await_one_and_the_first_has_the_result);
    tcase_add_test(tests, a_pause_of_the_outer_holds_its_handlers_and_not_the_body);
    tcase_add_test(tests, the_shared_deferred_of_no_memory_is_a_failure);
}

BIGHT_TEST_MAIN("coroutine", add_tests)
