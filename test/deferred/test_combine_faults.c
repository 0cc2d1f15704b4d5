/* SPDX-License-Identifier: MIT */
/* test_combine_faults.c - combinators when out of memory: each allocation fails in turn, and everything that was given
 * is released exactly once all the same. */
#include "combine_support.h"
#include "faults.h"

enum { FIVE = 5 };

static struct bight_test_memory memory;
static int values_made, contexts_released;

static void count_release(void *context)
{
    (void)context;
    contexts_released++;
}

/* Without OUT_OF_MEMORY there was no fault, or the fault did not matter. */
static void judge(struct bight_result *result, void *context)
{
    int *outcomes = context;
    ++*outcomes;
    bight_result_clear(result);
}

/* A member with as many levels as it has room for, so that listening at it needs memory. */
static struct bight_deferred *make_full(struct bight_promise *promise)
{
    struct bight_deferred *deferred = bight_deferred_new(promise, count_cancel, NULL);
    for (int i = 0; i < 4; i++) {
        bight_deferred_add_callback(deferred, NULL, NULL);
    }
    return deferred;
}

static void make_five(void)
{
    for (size_t i = 0; i < FIVE; i++) {
        members[i] = i == 2 ? make_full(&promises[i]) : bight_deferred_new(&promises[i], count_cancel, NULL);
    }
}

static void fire_five(void)
{
    for (size_t i = 0; i < FIVE; i++) {
        values_made++;
        fire_counted(promises[i]);
    }
}

/* What came of it is seen once. */
static void settle(struct bight_deferred *deferred)
{
    int outcomes = 0;
    bight_deferred_add_both(deferred, judge, &outcomes);
    if (!bight_deferred_has_fired(deferred)) {
        bight_deferred_cancel(deferred);
    }
    ck_assert_int_eq(outcomes, 1);
    bight_deferred_release(deferred);
}

static void use_list(void)
{
    make_five();
    struct bight_deferred *list = bight_deferred_list(members, FIVE, 0);
    fire_five();
    settle(list);
}

static void use_first_of_list(void)
{
    make_five();
    struct bight_deferred *list = bight_deferred_list(members, FIVE, BIGHT_FIRE_ON_ONE_CALLBACK);
    fire_failure(promises[0], CLOSED);
    fire_five();
    settle(list);
}

static void use_gather(void)
{
    make_five();
    struct bight_deferred *gathered = bight_gather_results(members, FIVE);
    fire_counted(promises[3]);
    values_made++;
    fire_failure(promises[0], CLOSED);
    fire_five();
    settle(gathered);
}

static void use_race(void)
{
    make_five();
    struct bight_deferred *race = bight_race(members, FIVE);
    for (int i = 0; i < FIVE; i++) {
        fire_failure(promises[i], CLOSED);
    }
    settle(race);
}

static void use_race_that_is_won(void)
{
    make_five();
    struct bight_deferred *race = bight_race(members, FIVE);
    values_made++;
    fire_counted(promises[3]);
    settle(race);
}

static void use_when_first(void)
{
    make_five();
    struct bight_deferred *first = bight_when_first(members, FIVE);
    fire_five();
    settle(first);
}

static void use_when_all(void)
{
    make_five();
    bight_deferred_hold(members[1]);
    struct bight_deferred *held = members[1];
    struct bight_deferred *all = bight_when_all(members, FIVE);
    fire_five();
    settle(all);
    bight_deferred_release(held);
}

static void use_shield(void)
{
    make_five();
    struct bight_deferred *shield = bight_shield(members[2]);
    fire_five();
    settle(shield);
    for (int i = 0; i < FIVE; i++) {
        bight_deferred_release(i == 2 ? NULL : members[i]);
    }
}

static struct bight_deferred *start(size_t index, void *context)
{
    (void)context;
    if (index < 3) {
        values_made++;
        return bight_succeed(&counted, &values_made);
    }
    return index == 3 ? NULL : make_full(&promises[index - 4]);
}

static void use_maybe(void)
{
    settle(bight_maybe_deferred(cleared, NULL));
}

static void use_none(void)
{
    settle(bight_gather_results(NULL, 0));
    settle(bight_map_limited(start, 0, 1, 0, NULL));
}

static void use_as_completed(void)
{
    make_five();
    struct bight_as_completed *completed = bight_as_completed_new(members, FIVE);
    struct bight_deferred *early = bight_as_completed_next(completed);
    fire_five();
    settle(early);
    for (int i = 0; i < 3; i++) {
        settle(bight_as_completed_next(completed));
    }
    bight_as_completed_free(completed);
}

static void use_map(void)
{
    contexts_released = 0;
    struct bight_deferred *map = bight_map_limited_full(start, 6, 2, 0, &contexts_released, count_release);
    for (int i = 0; i < 2; i++) {
        values_made++;
        fire_counted(promises[i]);
    }
    settle(map);
    ck_assert_int_eq(contexts_released, 1);
}

static void use_map_of_all_outcomes(void)
{
    struct bight_deferred *map = bight_map_limited(start, 6, 3, BIGHT_ALL_OUTCOMES, NULL);
    fire_failure(promises[0], CLOSED);
    settle(map);
}

static void (*const uses[])(void) = { use_list, use_first_of_list, use_gather, use_race, use_race_that_is_won,
    use_when_first, use_when_all, use_shield, use_maybe, use_none, use_as_completed, use_map, use_map_of_all_outcomes };
enum { USES = sizeof(uses) / sizeof(uses[0]) };

static void use(void (*function)(void), unsigned n)
{
    memset(promises, 0, sizeof(promises));
    values_made = destroyed = discarded = 0;
    bight_test_fail_nth(&memory, n);
    function();
    ck_assert_int_eq(memory.out, 0);
    ck_assert_int_eq(destroyed + discarded, values_made);
}

START_TEST(every_allocation_may_fail) /* D31 D33 D34 */
{
    begin();
    uses[_i](); /* the pools have their slots from here on */
    use(uses[_i], 0);
    unsigned asked = memory.asked;
    ck_assert_uint_gt(asked, 0);
    for (unsigned n = 1; n <= asked; n++) {
        use(uses[_i], n);
    }
    bight_set_allocator(NULL);
}

START_TEST(without_memory_members_are_cancelled_and_let_go_of) /* D21 D34 */
{
    begin();
    make_members(2);
    bight_test_fail_nth(&memory, 1);
    watch(bight_gather_results(members, 2));
    ck_trace("!OUT_OF_MEMORY ");
    ck_assert_int_eq(cancelled, 2);
    ck_assert_int_eq(fire(promises[0], 0), BIGHT_E_STALE);
    bight_set_allocator(NULL);
}

START_TEST(without_memory_what_others_hold_is_not_cancelled_by_what_does_not_cancel) /* D27 D34 */
{
    begin();
    make_members(2);
    bight_deferred_hold(members[0]);
    bight_test_fail_nth(&memory, 1);
    watch(bight_when_all(members, 2));
    ck_trace("!OUT_OF_MEMORY ");
    ck_assert_int_eq(cancelled, 1);
    bight_set_allocator(NULL);
    fire(promises[0], 1);
    release_with(members[0], 1);
}

START_TEST(the_shared_deferred_without_memory_is_a_member_like_any_other) /* D21 D34 */
{
    begin();
    make_members(3);
    bight_test_fail_nth(&memory, 1);
    struct bight_promise promise;
    members[1] = bight_deferred_new(&promise, NULL, NULL);
    bight_set_allocator(NULL);
    reports = 0;
    watch(bight_deferred_list(members, 2, BIGHT_FIRE_ON_ONE_CALLBACK));
    fire(promises[0], 1);
    ck_trace("0:1 ");
    ck_assert_int_eq(reports, 0);
    struct bight_deferred *pair[2] = { members[1], members[2] };
    watch(bight_gather_results(pair, 2));
    ck_trace("!FIRST_ERROR 0 (OUT_OF_MEMORY) ");
    fire(promises[2], 1);
}

START_TEST(a_size_that_cannot_be_is_out_of_memory) /* D34 */
{
    begin();
    watch(bight_map_limited(start, SIZE_MAX / 2, SIZE_MAX, 0, NULL));
    watch(bight_map_limited(start, SIZE_MAX / 16, 1, 0, NULL));
    ck_trace("!OUT_OF_MEMORY !OUT_OF_MEMORY ");
}

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, USES);
    tcase_add_test(tests, without_memory_members_are_cancelled_and_let_go_of);
    tcase_add_test(tests, without_memory_what_others_hold_is_not_cancelled_by_what_does_not_cancel);
    tcase_add_test(tests, the_shared_deferred_without_memory_is_a_member_like_any_other);
    tcase_add_test(tests, a_size_that_cannot_be_is_out_of_memory);
}

BIGHT_TEST_MAIN("combine_faults", add_tests)
