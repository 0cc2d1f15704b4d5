/* SPDX-License-Identifier: MIT */
/* test_combine_depth.c - combinators within combinators, 10^5 deep, and many at once, in 256 KiB of stack: fired,
 * failed, cancelled, freed. */
#include "combine_support.h"

enum { DEPTH = 100000 };

static void set_up(void)
{
    begin();
}

static struct bight_deferred *leaf;
static struct bight_promise leaf_promise;

typedef struct bight_deferred *(*wrap_function)(struct bight_deferred *inner);

/* `wrap` around `wrap` around a leaf. */
static struct bight_deferred *nest(wrap_function wrap)
{
    leaf = bight_deferred_new(&leaf_promise, count_cancel, NULL);
    struct bight_deferred *outer = leaf;
    for (int i = 0; i < DEPTH; i++) {
        outer = wrap(outer);
    }
    return outer;
}

/* The same from the outside in: each member fires a chain to the next. */
static struct bight_deferred *nest_by_chaining(wrap_function wrap)
{
    struct bight_promise promise;
    struct bight_deferred *outer = wrap(bight_deferred_new(&promise, NULL, NULL));
    for (int i = 0; i < DEPTH; i++) {
        struct bight_promise next;
        bight_deferred_chain(wrap(bight_deferred_new(&next, NULL, NULL)), promise);
        promise = next;
    }
    leaf_promise = promise;
    return outer;
}

static struct bight_deferred *wrap_gather(struct bight_deferred *inner)
{
    return bight_gather_results(&inner, 1);
}

static struct bight_deferred *wrap_list(struct bight_deferred *inner)
{
    return bight_deferred_list(&inner, 1, 0);
}

static struct bight_deferred *wrap_race(struct bight_deferred *inner)
{
    struct bight_deferred *pair[2] = { bight_fail(bight_failure_of(BIGHT_E_CLOSED)), inner };
    return bight_race(pair, 2);
}

/* The deep one is the loser. */
static struct bight_deferred *wrap_first_of_two(struct bight_deferred *inner)
{
    struct bight_deferred *pair[2] = { inner, bight_deferred_new(&leaf_promise, count_cancel, NULL) };
    return bight_race(pair, 2);
}

static struct bight_deferred *wrap_when_first(struct bight_deferred *inner)
{
    return bight_when_first(&inner, 1);
}

static struct bight_deferred *wrap_when_all(struct bight_deferred *inner)
{
    return bight_when_all(&inner, 1);
}

static struct bight_deferred *wrap_shield(struct bight_deferred *inner)
{
    return bight_shield(inner);
}

/* Its as_completed is released when the answer has come. */
static void free_completed(void *context)
{
    bight_as_completed_free(context);
}

static struct bight_deferred *wrap_next(struct bight_deferred *inner)
{
    struct bight_as_completed *completed = bight_as_completed_new(&inner, 1);
    struct bight_deferred *next = bight_as_completed_next(completed);
    bight_deferred_add_both_full(next, NULL, completed, free_completed);
    return next;
}

static struct bight_deferred *give_context(size_t index, void *context)
{
    (void)index;
    return context;
}

static struct bight_deferred *wrap_map(struct bight_deferred *inner)
{
    return bight_map_limited(give_context, 1, 1, 0, inner);
}

static const wrap_function wraps[] = { wrap_gather, wrap_list, wrap_race, wrap_when_first, wrap_when_all, wrap_shield,
    wrap_next, wrap_map };
enum { WRAPS = sizeof(wraps) / sizeof(wraps[0]) };

static wrap_function wrap;

static void fired(void)
{
    struct bight_deferred *outer = nest(wrap);
    fire_counted(leaf_promise);
    ck_assert(bight_deferred_has_fired(outer));
    bight_deferred_release(outer);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(discarded, 0);
}

static void fired_through_chains(void)
{
    struct bight_deferred *outer = nest_by_chaining(wrap);
    fire_counted(leaf_promise);
    ck_assert(bight_deferred_has_fired(outer));
    bight_deferred_release(outer);
    ck_assert_int_eq(destroyed + discarded, 1);
}

static void failed(void)
{
    struct bight_deferred *outer = nest(wrap);
    bight_deferred_add_both(outer, cleared, NULL);
    fire_failure(leaf_promise, CLOSED);
    ck_assert(bight_deferred_has_fired(outer));
    bight_deferred_release(outer);
    ck_assert_int_eq(reports, 0);
}

static void cancelled_whole(void)
{
    struct bight_deferred *outer = nest(wrap);
    bight_deferred_add_both(outer, cleared, NULL);
    bight_deferred_cancel(outer);
    ck_assert(bight_deferred_has_fired(outer));
    bight_deferred_release(outer);
    fire(leaf_promise, 0);
    ck_assert_int_eq(reports, 0);
}

START_TEST(combinators_in_combinators_fire_in_constant_stack) /* D12 D21 */
{
    wrap = wraps[_i];
    with_little_stack(fired);
}

START_TEST(combinators_joined_by_chains_fire_in_constant_stack) /* D9 D12 D21 */
{
    wrap = wraps[_i];
    with_little_stack(fired_through_chains);
}

START_TEST(combinators_in_combinators_fail_in_constant_stack) /* D12 D21 */
{
    wrap = wraps[_i];
    with_little_stack(failed);
}

START_TEST(combinators_in_combinators_are_cancelled_in_constant_stack) /* D12 D16 D24 */
{
    wrap = wraps[_i];
    with_little_stack(cancelled_whole);
}

static void deep_loser(void)
{
    struct bight_promise winner;
    struct bight_deferred *pair[2] = { nest(wrap_gather), bight_deferred_new(&winner, NULL, NULL) };
    struct bight_deferred *race = bight_race(pair, 2);
    fire(winner, 1);
    ck_assert_int_eq(cancelled, 1);
    bight_deferred_release(race);
}

START_TEST(a_loser_that_is_deep_is_cancelled_in_constant_stack) /* D12 D26 */
{
    with_little_stack(deep_loser);
}

static void loser_of_losers(void)
{
    struct bight_deferred *race = nest(wrap_first_of_two);
    fire(leaf_promise, 1);
    ck_assert_int_eq(cancelled, DEPTH);
    bight_deferred_release(race);
}

START_TEST(races_that_lose_races_are_cancelled_in_constant_stack) /* D12 D26 */
{
    with_little_stack(loser_of_losers);
}

/* ------------------------------------------------------------------------------------------ in width */

static void wide(void)
{
    static struct bight_deferred *many[MILLION];
    static struct bight_promise their[MILLION];
    for (int i = 0; i < MILLION; i++) {
        many[i] = bight_deferred_new(&their[i], NULL, NULL);
    }
    struct bight_deferred *gathered = bight_gather_results(many, MILLION);
    for (int i = 0; i < MILLION; i++) {
        fire(their[i], i);
    }
    struct bight_results *results = bight_result_take(bight_deferred_result(gathered), &bight_type_results);
    ck_assert_uint_eq(results->count, MILLION);
    for (int i = 0; i < MILLION; i++) {
        ck_assert_int_eq(bight_integer_value(results->items[i].value), i);
    }
    bight_results_free(results);
    bight_deferred_release(gathered);
}

START_TEST(a_million_are_gathered) /* D12 D25 */
{
    with_little_stack(wide);
}

static struct bight_deferred *give_fired(size_t index, void *context)
{
    (void)context;
    return value((int)index);
}

static void mapped(void)
{
    struct bight_deferred *map = bight_map_limited(give_fired, MILLION, 3, 0, NULL);
    const struct bight_results *results = bight_result_peek(bight_deferred_result(map), &bight_type_results);
    ck_assert_ptr_nonnull(results);
    ck_assert_int_eq(bight_integer_value(results->items[MILLION - 1].value), MILLION - 1);
    bight_deferred_release(map);
}

START_TEST(a_million_that_have_fired_are_mapped_in_constant_stack) /* D12 D27 */
{
    with_little_stack(mapped);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_loop_test(tests, combinators_in_combinators_fire_in_constant_stack, 0, WRAPS);
    tcase_add_loop_test(tests, combinators_joined_by_chains_fire_in_constant_stack, 0, WRAPS);
    tcase_add_loop_test(tests, combinators_in_combinators_fail_in_constant_stack, 0, WRAPS);
    tcase_add_loop_test(tests, combinators_in_combinators_are_cancelled_in_constant_stack, 0, WRAPS);
    tcase_add_test(tests, a_loser_that_is_deep_is_cancelled_in_constant_stack);
    tcase_add_test(tests, races_that_lose_races_are_cancelled_in_constant_stack);
    tcase_add_test(tests, a_million_are_gathered);
    tcase_add_test(tests, a_million_that_have_fired_are_mapped_in_constant_stack);
}

BIGHT_TEST_MAIN("combine_depth", add_tests)
