/* SPDX-License-Identifier: MIT */
/* Coroutines that resume each other, that the loop resumes, and many of them: no way of awaiting may cost the stack of
 * whoever resumes. */
#include <bight/combine.h>

#include "coroutine_support.h"
#include "coroutine/annotate.h"

#define MANY 100000

/* ------------------------------------------------------------------------------------------ nesting */

struct link {
    int number;
    struct bight_deferred *awaits;
    struct bight_promise fires;
};

static void pass_on(struct bight_result *result, void *context)
{
    struct link *link = context;
    char text[32];
    snprintf(text, sizeof text, "<%d ", link->number);
    (void)bight_await(link->awaits, result);
    note(text);
    (void)fire(link->fires, link->number);
    snprintf(text, sizeof text, "%d> ", link->number);
    note(text);
}

START_TEST(firing_resumes_inside_the_call_and_comes_back) /* D35 */
{
    begin_coroutines(4);
    struct link links[3];
    struct bight_deferred *outers[3];
    for (int i = 0; i < 3; i++) {
        links[i] = (struct link) { i, deferreds[i], promises[i + 1] };
        outers[i] = bight_spawn(reactor, pass_on, &links[i]);
    }
    bight_deferred_add_both(outers[1], seen, NAME("outer"));
    fire(promises[0], 9);
    ck_trace("<0 <1 <2 2> 1> outer=0 0> ");
    for (int i = 0; i < 3; i++) {
        bight_deferred_release(outers[i]);
    }
    bight_deferred_release(deferreds[3]);
    end_coroutines();
}
END_TEST

static void spawn_two(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_deferred *first = spawn_await(deferreds[0]);
    struct bight_deferred *second = spawn_await(deferreds[1]);
    ck_assert_int_eq(bight_await(first, result), BIGHT_OK);
    note("first ");
    ck_assert_int_eq(bight_await(second, result), BIGHT_OK);
    note("second ");
}

START_TEST(a_coroutine_spawns_coroutines_and_awaits_them) /* D35 */
{
    begin_coroutines(2);
    struct bight_deferred *outer = bight_spawn(reactor, spawn_two, NULL);
    fire(promises[1], 2);
    fire(promises[0], 1);
    ck_trace("in in got=2 got=1 first second ");
    release_with(outer, 2);
    end_coroutines();
}
END_TEST

static void await_in_handler(struct bight_result *result, void *context)
{
    ck_assert(bight_in_coroutine());
    note("handler ");
    bight_await(context, result);
    note("waited ");
}

static void fire_first(struct bight_result *result, void *context)
{
    (void)context;
    fire(promises[0], 1);
    note("fired ");
    bight_result_set(result, &bight_type_integer, bight_integer(8));
}

START_TEST(a_handler_on_a_coroutines_stack_may_await) /* D35, D7 */
{
    begin_coroutines(2);
    bight_deferred_add_both(deferreds[0], await_in_handler, deferreds[1]);
    bight_deferred_add_both(deferreds[0], seen, NAME("level"));
    struct bight_deferred *outer = bight_spawn(reactor, fire_first, NULL);
    ck_trace("handler ");
    ck_assert_ptr_null(bight_deferred_result(deferreds[0])); /* in one of its handlers */
    fire(promises[1], 3);
    ck_trace("waited level=3 fired ");
    release_with(outer, 8);
    bight_deferred_release(deferreds[0]);
    end_coroutines();
}
END_TEST

/* ------------------------------------------------------------------------------------ with the loop */

static void fire_later(void *context)
{
    fire(*(struct bight_promise *)context, 1);
}

static void await_timers(struct bight_result *result, void *context)
{
    (void)context;
    for (int i = 0; i < 100; i++) {
        struct bight_promise promise;
        struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
        ck_assert_int_eq(bight_call_later(reactor, 0, fire_later, &promise, NULL), 0);
        ck_assert_int_eq(bight_await(deferred, result), BIGHT_OK);
    }
    bight_reactor_stop(reactor);
}

START_TEST(a_body_waits_for_what_the_loop_fires) /* D35 */
{
    begin_coroutines(0);
    struct bight_deferred *outer = bight_spawn(reactor, await_timers, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    release_with(outer, 1);
    end_coroutines();
}
END_TEST

/* ---------------------------------------------------------------------------------------- constant stack */

static void await_a_million(struct bight_result *result, void *context)
{
    (void)context;
    for (int i = 0; i < MILLION; i++) {
        ck_assert_int_eq(bight_await(bight_succeed(&bight_type_integer, bight_integer(i)), result), BIGHT_OK);
    }
    bight_reactor_stop(reactor);
}

START_TEST(a_million_awaits_of_what_has_fired_use_no_stack) /* D35 */
{
    begin_coroutines(0);
    struct bight_coroutine_options options = { .size = sizeof options, .stack_size = 32 << 10 };
    ck_assert_int_eq(bight_coroutine_set_options(reactor, &options), 0);
    struct bight_deferred *outer = bight_spawn(reactor, await_a_million, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    release_with(outer, MILLION - 1);
    end_coroutines();
}
END_TEST

/* Sanitizers keep much for each stack. */
#if BI_FIBERS_OF_ASAN || BI_FIBERS_OF_TSAN
enum { CROWD = 500 };
#else
enum { CROWD = MANY };
#endif

static struct bight_promise crowd_promises[CROWD + 1];
static struct bight_deferred *crowd[CROWD + 1];
static int crowd_order;

static void fire_the_next(struct bight_result *result, void *context)
{
    size_t index = (size_t)context;
    (void)bight_await(crowd[index], result);
    crowd_order += (int)index == crowd_order ? 1 : 0;
    fire(crowd_promises[index + 1], 1);
}

static void begin_crowd(void)
{
    begin_coroutines(0);
    struct bight_coroutine_options options = { .size = sizeof options, .no_guard_pages = true };
    ck_assert_int_eq(bight_coroutine_set_options(reactor, &options), 0);
}

static void run_a_row(void)
{
    begin_crowd();
    for (size_t i = 0; i <= CROWD; i++) {
        crowd[i] = bight_deferred_new(&crowd_promises[i], NULL, NULL);
    }
    for (size_t i = 0; i < CROWD; i++) {
        bight_deferred_release(bight_spawn(reactor, fire_the_next, (void *)i));
    }
    fire(crowd_promises[0], 1);
    ck_assert_int_eq(crowd_order, CROWD);
    bight_deferred_release(crowd[CROWD]);
    end_coroutines();
}

START_TEST(a_hundred_thousand_in_a_row_each_resume_the_next) /* D35, D12 */
{
    with_little_stack(run_a_row);
}
END_TEST

static int depth_reached;

static void go_deeper(struct bight_result *result, void *context)
{
    size_t depth = (size_t)context;
    depth_reached++;
    struct bight_deferred *inner = depth < CROWD ? bight_spawn(reactor, go_deeper, (void *)(depth + 1))
                                                 : bight_deferred_new(&promises[0], NULL, NULL);
    (void)bight_await(inner, result);
}

static void fire_the_depth(void)
{
    begin_crowd();
    struct bight_deferred *outer = bight_spawn(reactor, go_deeper, NULL);
    ck_assert_int_eq(depth_reached, CROWD + 1);
    fire(promises[0], 5);
    release_with(outer, 5);
    end_coroutines();
}

START_TEST(a_hundred_thousand_that_await_each_other_end_in_constant_stack) /* D35, D12 */
{
    with_little_stack(fire_the_depth);
}
END_TEST

static void cancel_the_depth(void)
{
    begin_crowd();
    struct bight_deferred *outer = bight_spawn(reactor, go_deeper, NULL);
    bight_deferred_cancel(outer);
    release_failed(outer, BIGHT_E_CANCELLED);
    end_coroutines();
}

START_TEST(a_cancel_through_a_hundred_thousand_takes_constant_stack) /* D36, D12 */
{
    with_little_stack(cancel_the_depth);
}
END_TEST

/* --------------------------------------------------------------------------------------- in company */

static int cancels;

static void count_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    cancels++;
}

static void fire_gate(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    (void)fire(promises[2], 0);
}

/* The third waits first. */
static struct bight_deferred *begin_one(size_t index, void *context)
{
    struct bight_result result = { NULL, NULL, NULL };
    (void)context;
    if (index < 2) {
        return deferreds[index];
    }
    (void)bight_await(deferreds[2], &result);
    bight_result_clear(&result);
    return deferreds[3];
}

static void end_the_first(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    (void)fire(promises[0], 0);
}

START_TEST(what_joins_a_map_while_that_is_cancelled_is_cancelled_too) /* D24 D27 */
{
    begin_coroutines(1);
    deferreds[1] = bight_deferred_new(&promises[1], fire_gate, NULL);
    deferreds[2] = bight_deferred_new(&promises[2], NULL, NULL);
    deferreds[3] = bight_deferred_new(&promises[3], count_cancel, NULL);
    struct bight_deferred *map = bight_map_limited(begin_one, 3, 2, 0, NULL);
    struct bight_deferred *firing = bight_spawn(reactor, end_the_first, NULL);
    bight_deferred_cancel(map);
    ck_assert_int_eq(cancels, 1);
    release_failed(map, BIGHT_E_CANCELLED);
    bight_deferred_release(firing);
    end_coroutines();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, firing_resumes_inside_the_call_and_comes_back);
    tcase_add_test(tests, a_coroutine_spawns_coroutines_and_awaits_them);
    tcase_add_test(tests, a_handler_on_a_coroutines_stack_may_await);
    tcase_add_test(tests, a_body_waits_for_what_the_loop_fires);
    tcase_add_test(tests, a_million_awaits_of_what_has_fired_use_no_stack);
    tcase_add_test(tests, a_hundred_thousand_in_a_row_each_resume_the_next);
    tcase_add_test(tests, a_hundred_thousand_that_await_each_other_end_in_constant_stack);
    tcase_add_test(tests, a_cancel_through_a_hundred_thousand_takes_constant_stack);
    tcase_add_test(tests, what_joins_a_map_while_that_is_cancelled_is_cancelled_too);
}

BIGHT_TEST_MAIN("coroutine_nested", add_tests)
