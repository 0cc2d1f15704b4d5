/* SPDX-License-Identifier: MIT */
/* test_deferred_forward.c - results that go on to another while the first has levels left: by a promise, inside whose
 * handlers the first stands still, and to those that wait, in whose handlers it is at rest. */
#include "two_deferreds.h"

static void adding(struct bight_result *result, void *context)
{
    (void)result;
    note("[");
    bight_deferred_add_callback(context, seen, NAME("added"));
    note("]");
}

START_TEST(chain_fires_the_promise_and_goes_on_empty) /* D9 */
{
    bight_deferred_add_callback(outer, seen, NAME("a"));
    ck_assert_int_eq(bight_deferred_chain(outer, inner_promise), 0);
    bight_deferred_add_callback(outer, seen, NAME("a"));
    bight_deferred_add_callback(inner, seen, NAME("b"));
    fire(outer_promise, 1);
    ck_trace("a=1 b=1 a=- ");
    release_with(inner, 1);
    ck_assert(bight_result_is_empty(bight_deferred_result(outer)));
    bight_deferred_release(outer);
}

START_TEST(chain_passes_failures_and_leaves_the_first_alone_when_the_second_fires) /* D9 */
{
    bight_deferred_chain(outer, inner_promise);
    fire_failure(outer_promise, TLS);
    bight_deferred_release(outer);
    release_failed(inner, BIGHT_E_TLS);

    set_up();
    bight_deferred_chain(outer, inner_promise);
    fire(inner_promise, 3);
    ck_assert(!bight_deferred_has_fired(outer));
    release_with(inner, 3);
    ck_assert_int_eq(bight_callback(outer_promise, &counted, &destroyed), 0);
    ck_assert_int_eq(discarded, 1);
    bight_deferred_release(outer);
}

START_TEST(a_failure_stays_where_chaining_to_a_promise_finds_it_spent) /* D9 D18 */
{
    bight_deferred_chain(outer, inner_promise);
    fire(inner_promise, 3);
    bight_deferred_add_errback(outer, seen, NAME("a"));
    fire_failure(outer_promise, TLS);
    ck_trace("a=TLS ");
    ck_assert_int_eq(reports, 0);
    bight_deferred_release(outer);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_TLS);
    release_with(inner, 3);
}

START_TEST(a_failure_stays_where_chaining_to_a_promise_finds_it_gone) /* D9 D18 */
{
    bight_deferred_chain(outer, inner_promise);
    fire(inner_promise, 3);
    bight_deferred_release(inner);
    fire_failure(outer_promise, TLS);
    release_failed(outer, BIGHT_E_TLS);
}

/* A handler of the inner that does something to the outer. */
static void add_to(struct bight_result *result, void *context)
{
    (void)result;
    note("[");
    bight_deferred_add_callback(context, seen, NAME("added"));
    ck_assert_ptr_null(bight_deferred_result(context));
    note("]");
}

static void pause_it(struct bight_result *result, void *context)
{
    (void)result;
    bight_deferred_pause(context);
}

START_TEST(what_handlers_behind_a_promise_add_to_the_first_waits_for_them) /* D9 */
{
    bight_deferred_chain(outer, inner_promise);
    bight_deferred_add_callback(inner, add_to, outer);
    bight_deferred_add_callback(inner, seen, NAME("b"));
    fire(outer_promise, 1);
    ck_trace("[]b=1 added=- ");
    release_with(inner, 1);
    bight_deferred_release(outer);
}

START_TEST(handlers_of_whoever_waits_behind_a_promise_come_first_too) /* D5 D9 */
{
    struct bight_promise waiting_promise;
    struct bight_deferred *waiting = bight_deferred_new(&waiting_promise, NULL, NULL);
    bight_deferred_add_callback(waiting, chained, inner);
    fire(waiting_promise, 0);
    bight_deferred_add_callback(waiting, add_to, outer);
    bight_deferred_add_callback(waiting, seen, NAME("w"));
    bight_deferred_chain(outer, inner_promise);
    fire(outer_promise, 1);
    ck_trace("[]w=1 added=- ");
    release_with(waiting, 1);
    bight_deferred_release(outer);
}

START_TEST(a_pause_of_the_first_by_handlers_behind_a_promise_holds_when_they_are_over) /* D9 D11 */
{
    bight_deferred_chain(outer, inner_promise);
    bight_deferred_add_callback(outer, seen, NAME("a"));
    bight_deferred_add_callback(inner, pause_it, outer);
    fire(outer_promise, 1);
    ck_trace("");
    bight_deferred_unpause(outer);
    ck_trace("a=- ");
    release_with(inner, 1);
    bight_deferred_release(outer);
}

START_TEST(one_behind_a_promise_that_chains_the_first_waits_for_it) /* D7 D9 */
{
    bight_deferred_chain(outer, inner_promise);
    bight_deferred_add_callback(outer, seen, NAME("a"));
    bight_deferred_add_callback(inner, chained, bight_deferred_hold(outer));
    bight_deferred_add_callback(inner, seen, NAME("b"));
    fire(outer_promise, 1);
    ck_trace("a=- b=- ");
    bight_deferred_release(inner);
    bight_deferred_release(outer);
}

/* Of `outer`, which waits for `inner`, beside `others` that do so too. */
static void add_in_a_handler_beside(int others)
{
    struct bight_promise promise;
    struct bight_deferred *waiting[4];
    bight_deferred_add_callback(outer, chained, bight_deferred_hold(inner));
    fire(outer_promise, 0);
    bight_deferred_add_callback(outer, adding, inner);
    bight_deferred_add_callback(outer, seen, NAME("outer"));
    for (int i = 0; i < others; i++) {
        waiting[i] = bight_deferred_new(&promise, NULL, NULL);
        bight_deferred_add_callback(waiting[i], chained, bight_deferred_hold(inner));
        fire(promise, 0);
        bight_deferred_add_callback(waiting[i], seen, NAME("w"));
    }
    bight_deferred_add_callback(inner, seen, NAME("inner"));
    fire(inner_promise, 1);
    for (int i = 0; i < others; i++) {
        bight_deferred_release(waiting[i]);
    }
    release_with(outer, 1);
    bight_deferred_release(inner);
}

START_TEST(a_level_added_to_one_at_rest_runs_at_once_whoever_waits_for_it) /* D10 */
{
    add_in_a_handler_beside(0);
    ck_trace("[inner=- added=- ]outer=1 ");
    set_up();
    add_in_a_handler_beside(1);
    ck_trace("[w=- inner=- added=- ]outer=1 ");
    set_up();
    add_in_a_handler_beside(3);
    ck_trace("[w=- w=- w=- inner=- added=- ]outer=1 ");
}

START_TEST(chain_to_itself_is_refused) /* D9 */
{
    bight_deferred_chain(outer, outer_promise);
    fire(outer_promise, 1);
    ck_assert_int_eq(usage_errors, 1);
    bight_deferred_release(outer);
    fire(inner_promise, 1);
    bight_deferred_release(inner);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, chain_fires_the_promise_and_goes_on_empty);
    tcase_add_test(tests, chain_passes_failures_and_leaves_the_first_alone_when_the_second_fires);
    tcase_add_test(tests, a_failure_stays_where_chaining_to_a_promise_finds_it_spent);
    tcase_add_test(tests, a_failure_stays_where_chaining_to_a_promise_finds_it_gone);
    tcase_add_test(tests, what_handlers_behind_a_promise_add_to_the_first_waits_for_them);
    tcase_add_test(tests, handlers_of_whoever_waits_behind_a_promise_come_first_too);
    tcase_add_test(tests, a_pause_of_the_first_by_handlers_behind_a_promise_holds_when_they_are_over);
    tcase_add_test(tests, one_behind_a_promise_that_chains_the_first_waits_for_it);
    tcase_add_test(tests, a_level_added_to_one_at_rest_runs_at_once_whoever_waits_for_it);
    tcase_add_test(tests, chain_to_itself_is_refused);
}

BIGHT_TEST_MAIN("deferred_forward", add_tests)
