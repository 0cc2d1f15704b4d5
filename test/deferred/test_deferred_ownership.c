/* SPDX-License-Identifier: MIT */
/* test_deferred_ownership.c - who releases what: reports, results, contexts, ties, and being when out of memory. */
#include "deferred/owner.h"
#include "faults.h"
#include "one_deferred.h"

/* ------------------------------------------------------------------------------------------ reports */

START_TEST(an_unhandled_failure_is_reported_when_the_last_holder_lets_go) /* D18 */
{
    bight_deferred_hold(deferred);
    bight_errback(promise, bight_failure_new(BIGHT_E_TLS, 0, NULL, "no hands"));
    bight_deferred_release(deferred);
    ck_assert_int_eq(reports, 0);
    bight_deferred_release(deferred);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_code, BIGHT_E_TLS);
}

START_TEST(a_failure_that_comes_after_the_last_holder_is_reported) /* D18 */
{
    bight_deferred_add_errback(deferred, seen, NAME("a"));
    bight_deferred_release(deferred);
    fire_failure(promise, TLS);
    ck_trace("a=TLS ");
    ck_assert_int_eq(reports, 1);
}

START_TEST(a_handled_failure_is_not_reported) /* D18 */
{
    bight_deferred_add_errback(deferred, cleared, NULL);
    bight_deferred_release(deferred);
    fire_failure(promise, TLS);
    deferred = bight_fail(bight_failure_of(BIGHT_E_TLS));
    release_failed(deferred, BIGHT_E_TLS);
    ck_assert_int_eq(reports, 0);
}

START_TEST(debug_mode_tells_where_it_was_made_and_fired) /* D18 D19 */
{
    finish();
    bight_deferred_set_debug(true);
    deferred = bight_deferred_new_at("made.c:1", &promise, NULL, NULL, NULL);
    bight_errback_at("fired.c:2", promise, bight_failure_of(BIGHT_E_TLS));
    bight_deferred_release(deferred);
    ck_assert_ptr_nonnull(strstr(last_message, "made at made.c:1, fired at fired.c:2"));
}

START_TEST(debug_mode_tells_where_it_was_fired_first) /* D4 D19 */
{
    finish();
    bight_deferred_set_debug(true);
    deferred = bight_deferred_new_at("made.c:1", &promise, NULL, NULL, NULL);
    bight_callback_at("first.c:2", promise, NULL, NULL);
    bight_callback_at("second.c:3", promise, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(last_message, "made at made.c:1, fired at first.c:2"));
    ck_assert_str_eq(last_place, "second.c:3");
    bight_deferred_release(deferred);
    ck_assert_int_eq(usage_errors, 1);
    ck_assert_int_eq(bight_callback_at("third.c:4", promise, NULL, NULL), BIGHT_E_STALE);
    ck_assert_int_eq(usage_errors, 2);
    ck_assert_str_eq(last_place, "third.c:4");
}

START_TEST(the_environment_turns_debug_mode_on) /* D19 */
{
    setenv("BIGHT_DEBUG", "1", 1);
    struct bight_deferred *failed = bight_fail_at("made.c:9", bight_failure_of(BIGHT_E_TLS));
    bight_deferred_release(failed);
    ck_assert_ptr_nonnull(strstr(last_message, "made at made.c:9"));
}

START_TEST(outside_debug_mode_places_are_not_told) /* D19 */
{
    bight_deferred_set_debug(false);
    bight_deferred_release(bight_fail_at("made.c:9", bight_failure_of(BIGHT_E_TLS)));
    ck_assert_int_eq(reports, 1);
    ck_assert_ptr_null(strstr(last_message, "made at"));
}

/* ------------------------------------------------------------------------------ results and contexts */

START_TEST(a_result_that_nobody_took_is_destroyed_once) /* D31 */
{
    bight_callback(promise, &counted, &destroyed);
    bight_deferred_release(deferred);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(discarded, 0);
}

static void taking(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert_ptr_eq(bight_result_take(result, &counted), &destroyed);
}

START_TEST(a_result_that_was_taken_is_not_destroyed) /* D31 */
{
    bight_deferred_add_callback(deferred, taking, NULL);
    bight_deferred_release(deferred);
    bight_callback(promise, &counted, &destroyed);
    ck_assert_int_eq(destroyed + discarded, 0);
}

START_TEST(an_abandoned_promise_fails_its_deferred) /* D31 */
{
    ck_assert_int_eq(bight_abandon(promise), 0);
    ck_assert(!bight_promise_is_open(promise));
    release_failed(deferred, BIGHT_E_ABANDONED);
    ck_assert_int_eq(bight_abandon(promise), BIGHT_E_STALE);
}

static void releasing(struct bight_result *result, void *context)
{
    (void)result;
    bight_deferred_release(context);
}

START_TEST(the_last_hold_may_go_inside_its_own_handler) /* D31 */
{
    bight_deferred_add_callback(deferred, releasing, deferred);
    bight_deferred_add_callback(deferred, seen, NAME("after"));
    bight_callback(promise, &bight_type_integer, bight_integer(3));
    ck_trace("after=3 ");
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_STALE);
}

START_TEST(letting_go_once_too_often_is_a_usage_error) /* D31 */
{
    bight_deferred_release(deferred);
    bight_deferred_release(deferred);
    ck_assert_int_eq(usage_errors, 1);
    fire(promise, 0);
    bight_deferred_release(NULL);
}

START_TEST(contexts_are_released_when_run_or_passed_over) /* D33 */
{
    bight_deferred_add_callback_full(deferred, seen, NAME("a"), released);
    bight_deferred_add_errback_full(deferred, seen, NAME("b"), released);
    bight_deferred_add_both_full(deferred, NULL, NAME("c"), released);
    ck_trace("");
    fire(promise, 1);
    ck_trace("a=1 ~a ~b ~c ");
    bight_deferred_add_both_full(deferred, seen, NAME("d"), released);
    ck_trace("d=1 ~d ");
    bight_deferred_release(deferred);
}

static void release_and_add(void *context)
{
    bight_deferred_add_both(context, seen, NAME("added"));
    bight_deferred_release(context);
}

START_TEST(a_release_function_may_do_anything_to_its_deferred) /* D33 */
{
    bight_deferred_add_callback_full(deferred, NULL, deferred, release_and_add);
    fire(promise, 1);
    ck_trace("added=1 ");
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_STALE);
}

/* --------------------------------------------------------------------------------------------- ties */

static struct bight_owner owner;
static int owners_finished;

static void owner_finished(struct bight_owner *finished)
{
    ck_assert_ptr_eq(finished, &owner);
    owners_finished++;
}

START_TEST(the_end_of_the_owner_cancels_quietly) /* D18 D32 */
{
    bi_owner_init(&owner, owner_finished);
    ck_assert_ptr_eq(bight_deferred_tie(deferred, &owner), deferred);
    bight_deferred_add_both(deferred, seen, NAME("a"));
    bight_deferred_release(deferred);
    ck_assert_uint_eq(owner.tied, 1);
    bi_owner_end(&owner);
    ck_trace("a=CANCELLED ");
    ck_assert_int_eq(owners_finished, 1);
    bi_owner_end(&owner);
    ck_assert_int_eq(owners_finished, 1);
    ck_assert_int_eq(reports, 0);
}

START_TEST(another_failure_at_the_end_of_the_owner_is_reported) /* D18 D32 */
{
    bi_owner_init(&owner, owner_finished);
    bight_deferred_release(bight_deferred_tie(deferred, &owner));
    fire_failure(promise, TLS);
    ck_assert_int_eq(reports, 1);
    ck_assert_uint_eq(owner.tied, 0);
    bi_owner_end(&owner);
    ck_assert_int_eq(owners_finished, 1);
}

START_TEST(the_owner_stays_until_the_tied_have_finished) /* D32 */
{
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    bi_owner_init(&owner, owner_finished);
    bight_deferred_tie(deferred, &owner);
    bight_deferred_add_errback(deferred, chained, inner);
    bi_owner_end(&owner);
    ck_assert_int_eq(owners_finished, 0);
    fire(inner_promise, 4);
    ck_assert_int_eq(owners_finished, 1);
    release_with(deferred, 4);
}

START_TEST(tying_to_an_ended_owner_cancels_at_once) /* D32 */
{
    bi_owner_init(&owner, owner_finished);
    bi_owner_end(&owner);
    bight_deferred_tie(deferred, &owner);
    ck_assert_uint_eq(owner.tied, 0);
    bight_deferred_release(deferred);
    ck_assert_int_eq(reports, 0);
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_STALE);
}

START_TEST(a_second_tie_replaces_the_first) /* D32 */
{
    struct bight_owner other;
    bi_owner_init(&owner, owner_finished);
    bi_owner_init(&other, NULL);
    bight_deferred_tie(deferred, &owner);
    bight_deferred_tie(deferred, &other);
    bi_owner_end(&owner);
    ck_assert_int_eq(owners_finished, 1);
    ck_assert(bight_promise_is_open(promise));
    bight_deferred_tie(deferred, NULL);
    bi_owner_end(&other);
    ck_assert(bight_promise_is_open(promise));
    finish();
}

static struct bight_deferred *tied[3];
static struct bight_promise tied_promises[3];

/* What a canceller may do while its owner ends: fire the next, and tie one more. */
static void meddling(struct bight_promise own, void *context)
{
    (void)own;
    (void)context;
    fire(tied_promises[1], 1);
    bight_deferred_release(tied[1]);
    bight_deferred_tie(deferred, &owner);
}

START_TEST(cancellers_may_meddle_while_the_owner_ends) /* D16 D32 */
{
    bi_owner_init(&owner, owner_finished);
    for (int i = 0; i < 3; i++) {
        tied[i] = bight_deferred_new(&tied_promises[i], i == 0 ? meddling : NULL, NULL);
        bight_deferred_tie(tied[i], &owner);
    }
    bi_owner_end(&owner);
    ck_assert_int_eq(owners_finished, 1);
    bight_deferred_release(tied[0]);
    bight_deferred_release(tied[2]);
    bight_deferred_release(deferred);
    ck_assert_int_eq(reports, 0);
    ck_assert_int_eq(fire(promise, 0), BIGHT_E_STALE);
}

/* ------------------------------------------------------------------------------------ when out of memory */

START_TEST(an_owner_by_itself_cancels_what_is_tied_to_it) /* D32 */
{
    struct bight_owner *own = bight_owner_new();
    bight_deferred_tie(deferred, own);
    bight_owner_end(own);
    bight_owner_end(own);
    ck_assert(!bight_promise_is_open(promise));
    bight_deferred_release(deferred);
    deferred = bight_deferred_tie(bight_deferred_new(&promise, NULL, NULL), own);
    ck_assert(!bight_promise_is_open(promise));
    bight_deferred_release(deferred);
    bight_owner_free(own);
    bight_owner_free(NULL);
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_freed_owner_stays_while_something_tied_has_not_finished) /* D32 */
{
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    struct bight_owner *own = bight_owner_new();
    bight_deferred_tie(deferred, own);
    bight_deferred_add_errback(deferred, chained, inner);
    bight_owner_free(own);
    struct bight_owner *other = bight_owner_new();
    ck_assert_ptr_ne(other, own);
    fire(inner_promise, 4);
    release_with(deferred, 4);
    bight_owner_free(other);
}

static void free_owner(struct bight_result *result, void *context)
{
    seen(result, NAME("freeing"));
    bight_owner_free((struct bight_owner *)context);
}

START_TEST(what_is_cancelled_may_free_its_owner) /* D32 */
{
    struct bight_owner *own = bight_owner_new();
    bight_deferred_add_errback(bight_deferred_tie(deferred, own), free_owner, own);
    bight_owner_end(own);
    ck_trace("freeing=CANCELLED ");
    bight_deferred_add_errback(deferred, cleared, NULL);
    bight_deferred_release(deferred);
}

START_TEST(without_memory_there_is_no_owner)
{
    static struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bight_owner_new());
    bight_set_allocator(NULL);
    bight_deferred_release(deferred);
    ck_assert_int_eq(fire(promise, 0), 0);
}

static struct bight_deferred *make_without_memory(struct bight_promise *own, bight_release_function release)
{
    static struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 1);
    struct bight_deferred *shared = bight_deferred_new_full(own, NULL, NAME("context"), release);
    bight_set_allocator(NULL);
    return shared;
}

static void recovering(struct bight_result *result, void *context)
{
    seen(result, context);
    bight_result_set(result, &counted, &destroyed);
}

START_TEST(without_memory_there_is_one_that_has_failed) /* D34 */
{
    finish();
    deferred = make_without_memory(&promise, released);
    ck_trace("~context ");
    ck_assert_int_eq(reports, 1);
    ck_assert(bight_deferred_has_fired(deferred));
    ck_assert(!bight_promise_is_open(promise));
    ck_assert_int_eq(bight_callback(promise, &counted, &destroyed), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(bight_abandon(promise), BIGHT_E_OUT_OF_MEMORY);
    bight_deferred_add_callback_full(deferred, seen, NAME("callback"), released);
    bight_deferred_add_errback_full(deferred, recovering, NAME("errback"), released);
    bight_deferred_add_errback(deferred, seen, NAME("later"));
    ck_trace("~callback errback=OUT_OF_MEMORY ~errback later=OUT_OF_MEMORY ");
    ck_assert_int_eq(discarded, 2);
    bight_deferred_hold(deferred);
    bight_deferred_release(deferred);
    bight_deferred_release(deferred);
    bight_deferred_release(deferred);
    ck_assert_int_eq(reports, 1);
}

START_TEST(every_function_knows_the_shared_one) /* D34 */
{
    struct bight_promise inner_promise, other_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    struct bight_deferred *other = bight_deferred_new(&other_promise, NULL, NULL);
    finish();
    struct bight_deferred *shared = make_without_memory(&promise, NULL);
    bi_owner_init(&owner, NULL);
    bight_deferred_cancel(shared);
    bight_deferred_pause(shared);
    bight_deferred_unpause(shared);
    ck_assert_ptr_eq(bight_deferred_tie(shared, &owner), shared);
    ck_assert_uint_eq(owner.tied, 0);
    ck_assert_int_eq(bight_deferred_add_timeout(shared, 1, &test_clock.base), 0);
    ck_assert_uint_eq(timers_pending(), 0);
    bight_deferred_add_errback(shared, chained, inner);
    ck_assert_int_eq(fire(inner_promise, 0), BIGHT_E_STALE);
    bight_deferred_chain(shared, other_promise);
    release_failed(other, BIGHT_E_OUT_OF_MEMORY);
    struct bight_failure *failure = bight_result_take_failure(bight_deferred_result(shared));
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_OUT_OF_MEMORY);
    bight_failure_release(failure);
    ck_assert_ptr_nonnull(bight_result_failure(bight_deferred_result(shared)));
}

START_TEST(waiting_for_the_shared_one_fails) /* D34 */
{
    struct bight_promise spare;
    bight_deferred_add_callback(deferred, chained, make_without_memory(&spare, NULL));
    fire(promise, 1);
    release_failed(deferred, BIGHT_E_OUT_OF_MEMORY);
}

static int contexts;

static void release_counted(void *context)
{
    (void)context;
    contexts--;
}

static void add_counted(struct bight_deferred *to)
{
    contexts++;
    if (bight_deferred_add_both_full(to, cleared, NULL, release_counted) != BIGHT_OK) {
        contexts--;
    }
}

static void add_many(struct bight_deferred *to)
{
    for (int i = 0; i < 20; i++) {
        add_counted(to);
    }
}

/* Some of everything that asks for memory. Whatever fails, nothing is lost. */
static void use_everything(void)
{
    struct bight_promise outer_promise, inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    struct bight_deferred *outer = bight_deferred_new(&outer_promise, NULL, NULL);
    bi_owner_init(&owner, NULL);
    bight_deferred_tie(outer, &owner);
    if (bight_deferred_has_fired(outer)) {
        bight_deferred_release(inner);
    } else {
        bight_deferred_add_callback(outer, chained, inner);
    }
    add_many(outer);
    add_many(inner);
    bight_deferred_add_timeout(outer, 1, &test_clock.base);
    fire(outer_promise, 1);
    bight_deferred_release(bight_succeed(&bight_type_text, bight_strdup("text")));
    bight_deferred_release(bight_fail(bight_failure_new(BIGHT_E_TLS, 0, NULL, "x")));
    bi_owner_end(&owner);
    bight_abandon(inner_promise);
    bight_deferred_release(outer);
}

START_TEST(each_allocation_may_fail) /* D33 D34 */
{
    finish();
    struct bight_test_memory memory;
    unsigned asked;
    bight_test_fail_nth(&memory, 0);
    use_everything();
    asked = memory.asked;
    ck_assert_uint_gt(asked, 5);
    for (unsigned n = 1; n <= asked; n++) {
        bight_test_fail_nth(&memory, n);
        use_everything();
        ck_assert_int_eq(memory.out, 0);
        ck_assert_int_eq(contexts, 0);
        ck_assert_uint_eq(timers_pending(), 0);
        ck_assert_uint_eq(owner.tied, 0);
    }
    bight_set_allocator(NULL);
}

START_TEST(ending_allocates_nothing) /* D31 D32 */
{
    struct bight_test_memory memory;
    struct bight_promise inner_promise;
    struct bight_deferred *inner = bight_deferred_new(&inner_promise, NULL, NULL);
    bi_owner_init(&owner, NULL);
    bight_deferred_tie(deferred, &owner);
    bight_deferred_add_callback(deferred, chained, inner);
    bight_test_fail_nth(&memory, 0);
    fire(promise, 1);
    bi_owner_end(&owner);
    bight_abandon(inner_promise);
    bight_deferred_release(deferred);
    ck_assert_uint_eq(memory.asked, 0);
    bight_set_allocator(NULL);
}

static void add_report_tests(TCase *tests)
{
    tcase_add_test(tests, an_unhandled_failure_is_reported_when_the_last_holder_lets_go);
    tcase_add_test(tests, a_failure_that_comes_after_the_last_holder_is_reported);
    tcase_add_test(tests, a_handled_failure_is_not_reported);
    tcase_add_test(tests, debug_mode_tells_where_it_was_made_and_fired);
    tcase_add_test(tests, debug_mode_tells_where_it_was_fired_first);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    add_report_tests(tests);
    tcase_add_test(tests, a_result_that_nobody_took_is_destroyed_once);
    tcase_add_test(tests, a_result_that_was_taken_is_not_destroyed);
    tcase_add_test(tests, an_abandoned_promise_fails_its_deferred);
    tcase_add_test(tests, the_last_hold_may_go_inside_its_own_handler);
    tcase_add_test(tests, letting_go_once_too_often_is_a_usage_error);
    tcase_add_test(tests, contexts_are_released_when_run_or_passed_over);
    tcase_add_test(tests, a_release_function_may_do_anything_to_its_deferred);
    tcase_add_test(tests, the_end_of_the_owner_cancels_quietly);
    tcase_add_test(tests, another_failure_at_the_end_of_the_owner_is_reported);
    tcase_add_test(tests, the_owner_stays_until_the_tied_have_finished);
    tcase_add_test(tests, tying_to_an_ended_owner_cancels_at_once);
    tcase_add_test(tests, a_second_tie_replaces_the_first);
    tcase_add_test(tests, cancellers_may_meddle_while_the_owner_ends);
    tcase_add_test(tests, an_owner_by_itself_cancels_what_is_tied_to_it);
    tcase_add_test(tests, a_freed_owner_stays_while_something_tied_has_not_finished);
    tcase_add_test(tests, what_is_cancelled_may_free_its_owner);
    tcase_add_test(tests, without_memory_there_is_no_owner);
    tcase_add_test(tests, without_memory_there_is_one_that_has_failed);
    tcase_add_test(tests, every_function_knows_the_shared_one);
    tcase_add_test(tests, waiting_for_the_shared_one_fails);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, ending_allocates_nothing);
}

static TCase *make_environment_case(void)
{
    TCase *tests = tcase_create("environment");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, the_environment_turns_debug_mode_on);
    tcase_add_test(tests, outside_debug_mode_places_are_not_told);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("deferred_ownership");
    TCase *tests = tcase_create("deferred_ownership");
    tcase_set_timeout(tests, 60);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, make_environment_case());
    return bight_test_run(suite);
}
