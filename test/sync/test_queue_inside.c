/* SPDX-License-Identifier: MIT */
/* test_queue_inside.c - what handlers of a queue's own Deferreds may do to the queue: no value is lost, no order is
 * turned round, no stack is used up. */
#include "queue_support.h"

START_TEST(a_handler_may_cancel_the_next_getter_during_a_put) /* D30 */
{
    struct bight_deferred *a = bight_queue_get(queue);
    struct bight_deferred *b = watch(bight_queue_get(queue), "b");
    then_do(a, "a", cancel_it, b);
    get_as("c");
    put(1);
    put(2);
    ck_trace("a=1 b=CANCELLED c=2 ");
    bight_deferred_release(b);
}

static void put_three(struct bight_result *result, void *context)
{
    (void)result;
    for (int i = 2; i <= 4; i++) {
        ck_assert_int_eq(put(i), 0);
    }
    if (context != NULL) {
        bight_deferred_cancel(context);
    }
    note("| ");
}

START_TEST(what_a_handler_puts_goes_to_the_others_in_order) /* D10 D30 */
{
    then_do(bight_queue_get(queue), "a", put_three, NULL);
    get_as("b");
    get_as("c");
    put(1);
    ck_trace("a=1 | b=2 c=3 ");
    ck_assert_uint_eq(bight_queue_size(queue), 1);
}

START_TEST(a_value_on_its_way_to_a_cancelled_getter_goes_to_the_next) /* D30 */
{
    struct bight_deferred *a = bight_queue_get(queue);
    struct bight_deferred *b = watch(bight_queue_get(queue), "b");
    then_do(a, "a", put_three, b);
    get_as("c");
    put(1);
    ck_trace("a=1 b=CANCELLED | c=2 ");
    ck_assert_uint_eq(bight_queue_size(queue), 2);
    get_as("d");
    ck_trace("d=3 ");
    bight_deferred_release(b);
}

static void put_and_look(struct bight_result *result, void *context)
{
    struct bight_result other = { 0 };
    (void)result;
    (void)context;
    ck_assert_uint_eq(bight_queue_waiting(queue), 1);
    ck_assert_int_eq(put(2), 0);
    ck_assert_uint_eq(bight_queue_waiting(queue), 0);
    ck_assert_uint_eq(bight_queue_size(queue), 0);
    ck_assert_int_eq(bight_queue_try_get(queue, &other), BIGHT_E_QUEUE_UNDERFLOW);
    ck_assert_int_eq(put(3), 0);
    ck_assert_uint_eq(bight_queue_size(queue), 1);
    ck_assert_int_eq(put(4), BIGHT_E_QUEUE_OVERFLOW);
    get_as("c");
    get_as("d");
    get_as("e");
    note("| ");
}

START_TEST(limits_count_what_is_on_its_way) /* D30 */
{
    use(1, 2, BIGHT_QUEUE_FIFO);
    then_do(bight_queue_get(queue), "a", put_and_look, NULL);
    get_as("b");
    put(1);
    ck_trace("a=1 | b=2 c=3 ");
    ck_assert_uint_eq(bight_queue_waiting(queue), 2);
}

START_TEST(a_backlog_counts_only_those_who_have_nothing_coming) /* D30 */
{
    use(1, 2, BIGHT_QUEUE_FIFO);
    then_do(bight_queue_get(queue), "a", put_and_look, NULL);
    get_as("b");
    put(1);
    traced = 0;
    get_as("f");
    ck_trace("f=QUEUE_UNDERFLOW ");
}

static void get_more(struct bight_result *result, void *context)
{
    (void)result;
    get_as(context);
}

START_TEST(a_handler_may_get_again) /* D30 */
{
    then_do(bight_queue_get(queue), "a", get_more, NAME("c"));
    then_do(bight_queue_get(queue), "b", get_more, NAME("d"));
    for (int i = 1; i <= 4; i++) {
        put(i);
    }
    ck_trace("a=1 b=2 c=3 d=4 ");
}

static void free_queue(struct bight_result *result, void *context)
{
    (void)result;
    bight_queue_free(context);
    bight_queue_free(context);
    listen_to(bight_queue_get(context), "late");
    ck_assert_int_eq(bight_queue_put(context, NULL, NULL), BIGHT_E_ABANDONED);
    ck_assert_int_eq(bight_queue_try_get(context, result), BIGHT_E_ABANDONED);
    queue = NULL;
}

START_TEST(a_handler_may_free_the_queue) /* D28 D30 */
{
    then_do(bight_queue_get(queue), "a", free_queue, queue);
    get_as("b");
    put(1);
    ck_trace("a=1 b=ABANDONED late=ABANDONED ");
    ck_assert_int_eq(usage_errors, 1);
}

START_TEST(a_putter_s_handler_may_free_the_queue) /* D28 D30 */
{
    use(1, 0, BIGHT_QUEUE_FIFO);
    put(1);
    then_do(put_later(2), "p", free_queue, queue);
    listen_to(put_later(3), "q");
    get_as("a");
    ck_trace("p=- q=ABANDONED late=ABANDONED a=1 ");
}

START_TEST(a_putter_s_handler_may_free_the_queue_of_a_try) /* D28 D30 */
{
    use(BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO);
    struct bight_result result = { 0 };
    then_do(put_later(2), "p", free_queue, queue);
    ck_assert_int_eq(bight_queue_try_get(queue, &result), 0);
    ck_assert_int_eq((int)bight_integer_value(result.value), 2);
    ck_trace("p=- late=ABANDONED ");
}

START_TEST(a_joiner_s_handler_may_free_the_queue) /* D28 D30 */
{
    put(1);
    then_do(bight_queue_join(queue), "j", free_queue, queue);
    listen_to(bight_queue_join(queue), "k");
    bight_queue_task_done(queue);
    ck_trace("j=- late=ABANDONED k=- ");
}

static void put_one(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    put(1);
    listen_to(bight_queue_join(queue), "again");
}

START_TEST(more_work_in_a_joiner_s_handler_does_not_hold_up_the_others) /* D30 */
{
    put(1);
    then_do(bight_queue_join(queue), "j", put_one, NULL);
    listen_to(bight_queue_join(queue), "k");
    bight_queue_task_done(queue);
    ck_trace("j=- k=- ");
    bight_queue_task_done(queue);
    ck_trace("again=- ");
}

static void shut_down(struct bight_result *result, void *context)
{
    (void)result;
    put(2);
    bight_queue_shutdown(queue, context != NULL);
    get_as("late");
}

START_TEST(a_shutdown_in_a_handler_serves_what_was_put_before) /* D30 */
{
    then_do(bight_queue_get(queue), "a", shut_down, NULL);
    get_as("b");
    get_as("c");
    put(1);
    ck_trace("a=1 b=2 c=SHUTDOWN late=SHUTDOWN ");
}

START_TEST(an_immediate_one_does_not) /* D30 */
{
    then_do(bight_queue_get(queue), "a", shut_down, queue);
    get_as("b");
    put(1);
    ck_trace("a=1 late=SHUTDOWN b=SHUTDOWN ");
    ck_assert_uint_eq(bight_queue_unfinished(queue), 1);
}

START_TEST(a_put_that_waits_when_a_handler_shuts_down_is_refused) /* D30 */
{
    use(1, 0, BIGHT_QUEUE_FIFO);
    put(1);
    then_do(put_later(2), "p", shut_down, NULL);
    listen_to(put_later(3), "q");
    get_as("a");
    ck_trace("p=- late=2 q=SHUTDOWN a=1 ");
}

static struct bight_deferred *late_getter;

static void put_for_two(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    ck_assert_int_eq(put(2), 0); /* for b */
    struct bight_deferred *p = put_later(3);
    ck_assert_uint_eq(bight_queue_waiting_puts(queue), 1);
    late_getter = watch(bight_queue_get(queue), "d");
    then_do(p, "p", cancel_it, late_getter);
    note("| ");
}

/* The putter's handlers run when its value has gone into the getter's Deferred: a cancel finds that it has fired. */
START_TEST(a_putter_s_handler_that_cancels_its_getter_loses_no_value) /* D30 */
{
    use(BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO);
    then_do(bight_queue_get(queue), "a", put_for_two, NULL);
    get_as("b");
    put(1);
    ck_trace("a=1 | b=2 p=- d=3 ");
    bight_deferred_release(late_getter);
}

static void put_for_two_and_shut(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert_int_eq(put(2), 0); /* for b */
    listen_to(put_later(3), "p");
    get_as("d");
    bight_queue_shutdown(queue, false);
    ck_assert_int_eq(bight_queue_try_get(queue, result), BIGHT_E_QUEUE_UNDERFLOW);
}

START_TEST(after_a_shutdown_nothing_goes_from_who_puts_to_who_gets) /* D30 */
{
    use(BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO);
    then_do(bight_queue_get(queue), "a", put_for_two_and_shut, NULL);
    get_as("b");
    put(1);
    ck_trace("a=1 p=SHUTDOWN b=2 d=SHUTDOWN ");
}

static void fill_and_cancel(struct bight_result *result, void *context)
{
    (void)result;
    put(2);
    bight_deferred_cancel(context);
    listen_to(put_later(3), "p");
    late_getter = watch(bight_queue_get(queue), "d");
    bight_deferred_add_both(late_getter, cleared, NULL);
    note("| ");
}

/* What was put for a getter that then left is stored, if need be above the limit. */
START_TEST(a_value_whose_getter_has_left_is_stored_above_the_limit) /* D30 */
{
    use(BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO);
    struct bight_deferred *a = bight_queue_get(queue);
    struct bight_deferred *b = watch(bight_queue_get(queue), "b");
    then_do(a, "a", fill_and_cancel, b);
    put(1);
    ck_trace("a=1 b=CANCELLED d=2 | ");
    ck_assert_uint_eq(bight_queue_waiting_puts(queue), 1);
    get_as("e");
    ck_trace("p=- e=3 ");
    bight_deferred_release(b);
    bight_deferred_release(late_getter);
}

/* ------------------------------------------------------------------------------------- little stack */

static int turns;

static void pass_on(struct bight_result *result, void *context)
{
    (void)context;
    if (bight_result_failure(result) == NULL) {
        turns++;
        put(turns);
    }
    bight_result_clear(result);
}

static void a_million_getters(void)
{
    for (int i = 0; i < MILLION; i++) {
        struct bight_deferred *deferred = bight_queue_get(queue);
        bight_deferred_add_both(deferred, pass_on, NULL);
        bight_deferred_release(deferred);
    }
    put(0);
    ck_assert_int_eq(turns, MILLION);
    ck_assert_uint_eq(bight_queue_size(queue), 1);
}

START_TEST(a_million_getters_who_put_cost_the_stack_of_one) /* D12 D30 */
{
    with_little_stack(a_million_getters);
}

static void take_one(struct bight_result *result, void *context)
{
    struct bight_result taken = { 0 };
    (void)context;
    int code = bight_queue_try_get(queue, &taken);
    turns += code == BIGHT_OK || code == BIGHT_E_QUEUE_UNDERFLOW ? 1 : 0;
    bight_result_clear(&taken);
    bight_result_clear(result);
}

static void a_million_putters(void)
{
    use(1, 0, BIGHT_QUEUE_FIFO);
    put(0);
    for (int i = 0; i < MILLION; i++) {
        struct bight_deferred *deferred = put_later(i);
        bight_deferred_add_both(deferred, take_one, NULL);
        bight_deferred_release(deferred);
    }
    struct bight_result taken = { 0 };
    bight_queue_try_get(queue, &taken);
    ck_assert_int_eq(turns, MILLION);
}

START_TEST(a_million_putters_who_get_cost_the_stack_of_one) /* D12 D30 */
{
    with_little_stack(a_million_putters);
}

static void a_million_abandoned(void)
{
    for (int i = 0; i < MILLION; i++) {
        struct bight_deferred *deferred = bight_queue_get(queue);
        bight_deferred_add_errback(deferred, cleared, NULL);
        bight_deferred_release(deferred);
    }
    bight_queue_free(queue);
    queue = NULL;
    ck_assert_int_eq(reports, 0);
}

START_TEST(a_million_who_are_abandoned_cost_the_stack_of_one) /* D12 D30 */
{
    with_little_stack(a_million_abandoned);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_handler_may_cancel_the_next_getter_during_a_put);
    tcase_add_test(tests, what_a_handler_puts_goes_to_the_others_in_order);
    tcase_add_test(tests, a_value_on_its_way_to_a_cancelled_getter_goes_to_the_next);
    tcase_add_test(tests, limits_count_what_is_on_its_way);
    tcase_add_test(tests, a_backlog_counts_only_those_who_have_nothing_coming);
    tcase_add_test(tests, a_handler_may_get_again);
    tcase_add_test(tests, a_handler_may_free_the_queue);
    tcase_add_test(tests, a_putter_s_handler_may_free_the_queue);
    tcase_add_test(tests, a_putter_s_handler_may_free_the_queue_of_a_try);
    tcase_add_test(tests, a_joiner_s_handler_may_free_the_queue);
    tcase_add_test(tests, more_work_in_a_joiner_s_handler_does_not_hold_up_the_others);
    tcase_add_test(tests, a_shutdown_in_a_handler_serves_what_was_put_before);
    tcase_add_test(tests, an_immediate_one_does_not);
    tcase_add_test(tests, a_put_that_waits_when_a_handler_shuts_down_is_refused);
    tcase_add_test(tests, a_putter_s_handler_that_cancels_its_getter_loses_no_value);
    tcase_add_test(tests, after_a_shutdown_nothing_goes_from_who_puts_to_who_gets);
    tcase_add_test(tests, a_value_whose_getter_has_left_is_stored_above_the_limit);
    tcase_add_test(tests, a_million_getters_who_put_cost_the_stack_of_one);
    tcase_add_test(tests, a_million_putters_who_get_cost_the_stack_of_one);
    tcase_add_test(tests, a_million_who_are_abandoned_cost_the_stack_of_one);
}

BIGHT_TEST_MAIN("queue_inside", add_tests)
