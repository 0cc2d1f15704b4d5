/* SPDX-License-Identifier: MIT */
/* test_queue.c - queues: where a value goes, limits, orders, the end of work, shutting down. What handlers may do from
 * inside is in test_queue_inside.c. */
#include "queue_support.h"

/* --------------------------------------------------------------------------------- putting and getting */

START_TEST(what_is_put_goes_to_who_has_waited_longest) /* D30 */
{
    get_as("a");
    get_as("b");
    ck_assert_uint_eq(bight_queue_waiting(queue), 2);
    ck_assert_int_eq(put(1), 0);
    ck_trace("a=1 ");
    put(2);
    ck_trace("b=2 ");
    ck_assert_uint_eq(bight_queue_size(queue), 0);
}

START_TEST(what_nobody_waits_for_is_stored) /* D30 */
{
    put(1);
    put(2);
    put(3);
    ck_assert_uint_eq(bight_queue_size(queue), 3);
    get_as("a");
    get_as("b");
    get_as("c");
    ck_trace("a=1 b=2 c=3 ");
    ck_assert_uint_eq(bight_queue_size(queue), 0);
    get_as("d");
    ck_trace("");
    put(4);
    ck_trace("d=4 ");
}

START_TEST(a_full_queue_leaves_the_value_with_the_caller) /* D30 */
{
    use(2, 0, BIGHT_QUEUE_FIFO);
    int value;
    ck_assert_int_eq(bight_queue_put(queue, &counted, &value), 0);
    ck_assert_int_eq(bight_queue_put(queue, &counted, &value), 0);
    ck_assert_int_eq(bight_queue_put(queue, &counted, &value), BIGHT_E_QUEUE_OVERFLOW);
    ck_assert_int_eq(destroyed + discarded, 0);
    ck_assert_int_eq(usage_errors, 0);
    bight_deferred_release(bight_queue_get(queue));
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(bight_queue_put(queue, &counted, &value), 0);
}

START_TEST(a_full_backlog_lets_nobody_else_wait) /* D30 */
{
    use(0, 2, BIGHT_QUEUE_FIFO);
    get_as("a");
    get_as("b");
    get_as("c");
    ck_trace("c=QUEUE_UNDERFLOW ");
    put(1);
    get_as("d");
    ck_trace("a=1 ");
    put(2);
    put(3);
    put(4);
    get_as("e");
    ck_trace("b=2 d=3 e=4 ");
}

START_TEST(nothing_is_a_legal_limit) /* D30 */
{
    use(BIGHT_QUEUE_NOTHING, BIGHT_QUEUE_NOTHING, BIGHT_QUEUE_FIFO);
    ck_assert_int_eq(put(1), BIGHT_E_QUEUE_OVERFLOW);
    get_as("a");
    ck_trace("a=QUEUE_UNDERFLOW ");
    use(BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO);
    get_as("b");
    ck_assert_int_eq(put(2), 0);
    ck_trace("b=2 ");
    ck_assert_int_eq(put(3), BIGHT_E_QUEUE_OVERFLOW);
}

START_TEST(wrong_options_are_a_usage_error) /* D30 */
{
    struct bight_queue_options options = { .size = 0 };
    ck_assert_ptr_null(bight_queue_new(&options));
    options = (struct bight_queue_options) { .size = sizeof(options), .order = (enum bight_queue_order)3 };
    ck_assert_ptr_null(bight_queue_new(&options));
    ck_assert_int_eq(usage_errors, 2);
    options.order = BIGHT_QUEUE_LIFO;
    options.size = offsetof(struct bight_queue_options, order);
    use(0, 0, BIGHT_QUEUE_LIFO);
    bight_queue_free(queue);
    queue = bight_queue_new(&options); /* an older caller, who knows no order */
    put(1);
    put(2);
    get_as("a");
    ck_trace("a=1 ");
}

START_TEST(trying_gets_what_is_there) /* D30 */
{
    struct bight_result result = { 0 };
    ck_assert_int_eq(bight_queue_try_get(queue, &result), BIGHT_E_QUEUE_UNDERFLOW);
    put(5);
    ck_assert_int_eq(bight_queue_try_get(queue, &result), 0);
    ck_assert_int_eq((int)bight_integer_value(bight_result_peek(&result, &bight_type_integer)), 5);
    int value;
    bight_queue_put(queue, &counted, &value);
    ck_assert_int_eq(bight_queue_put(queue, NULL, NULL), 0);
    ck_assert_int_eq(bight_queue_try_get(queue, &result), 0);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(bight_queue_try_get(queue, &result), 0);
    ck_assert(bight_result_is_empty(&result));
    ck_assert_int_eq(destroyed, 1);
}

START_TEST(a_cancelled_get_takes_nothing) /* D13 D30 */
{
    struct bight_deferred *a = watch(bight_queue_get(queue), "a");
    get_as("b");
    bight_deferred_cancel(a);
    ck_assert_uint_eq(bight_queue_waiting(queue), 1);
    put(1);
    ck_trace("a=CANCELLED b=1 ");
    bight_deferred_release(a);
}

START_TEST(a_get_may_have_a_time_limit) /* D17 D30 */
{
    struct bight_deferred *a = bight_queue_get(queue);
    bight_deferred_add_timeout(a, 1, &test_clock.base);
    listen_to(a, "a");
    advance(1);
    put(1);
    ck_trace("a=TIMED_OUT ");
    ck_assert_uint_eq(bight_queue_size(queue), 1);
}

START_TEST(failures_and_deferreds_are_no_values) /* D4 D30 */
{
    ck_assert_int_eq(bight_queue_put(queue, &bight_type_failure, bight_failure_of(BIGHT_E_BROKEN)), BIGHT_E_WRONG_TYPE);
    struct bight_deferred *inner = bight_succeed(NULL, NULL);
    ck_assert_int_eq(bight_queue_put(queue, &bight_type_deferred, inner), BIGHT_E_WRONG_TYPE);
    ck_assert_int_eq(usage_errors, 2);
    listen_to(bight_queue_put_later(queue, &bight_type_deferred, inner), "a");
    ck_trace("a=WRONG_TYPE ");
}

/* ------------------------------------------------------------------------------------------- orders */

START_TEST(last_in_first_out) /* D30 */
{
    use(0, 0, BIGHT_QUEUE_LIFO);
    put(1);
    put(2);
    put(3);
    get_as("a");
    put(4);
    get_as("b");
    get_as("c");
    get_as("d");
    ck_trace("a=3 b=4 c=2 d=1 ");
}

static void put_with(int64_t priority, int number)
{
    ck_assert_int_eq(bight_queue_put_priority(queue, priority, &bight_type_integer, bight_integer(number)), 0);
}

START_TEST(the_lowest_priority_first_and_of_equal_ones_the_oldest) /* D30 */
{
    use(0, 0, BIGHT_QUEUE_PRIORITY);
    put_with(5, 51);
    put_with(-7, 1);
    put_with(5, 52);
    put(20);
    put_with(INT64_MAX, 99);
    put_with(5, 53);
    put_with(INT64_MIN, 0);
    for (int i = 0; i < 7; i++) {
        get_as("");
    }
    ck_trace("=0 =1 =20 =51 =52 =53 =99 ");
}

START_TEST(a_heap_of_thousands_is_in_order_and_stable) /* D30 */
{
    enum { COUNT = 5000, PRIORITIES = 37 };
    use(0, 0, BIGHT_QUEUE_PRIORITY);
    for (int i = 0; i < COUNT; i++) {
        put_with(i * 7919 % PRIORITIES, i);
    }
    int last = -1;
    int64_t last_priority = -1;
    for (int i = 0; i < COUNT; i++) {
        struct bight_result result = { 0 };
        ck_assert_int_eq(bight_queue_try_get(queue, &result), 0);
        int number = (int)bight_integer_value(result.value);
        int64_t priority = number * 7919 % PRIORITIES;
        ck_assert(priority > last_priority || (priority == last_priority && number > last));
        last = number;
        last_priority = priority;
    }
}

START_TEST(only_a_queue_with_priorities_takes_them) /* D30 */
{
    ck_assert_int_eq(bight_queue_put_priority(queue, 1, &bight_type_integer, bight_integer(1)), BIGHT_E_NOT_SUPPORTED);
    int value;
    listen_to(bight_queue_put_priority_later(queue, 1, &counted, &value), "a");
    ck_trace("a=NOT_SUPPORTED ");
    ck_assert_int_eq(discarded, 1);
    ck_assert_int_eq(usage_errors, 2);
    ck_assert_uint_eq(bight_queue_size(queue), 0);
}

/* ------------------------------------------------------------------------------------------ putting later */

START_TEST(a_put_waits_for_room) /* D30 */
{
    use(1, 0, BIGHT_QUEUE_FIFO);
    listen_to(put_later(1), "p1");
    listen_to(put_later(2), "p2");
    listen_to(put_later(3), "p3");
    ck_trace("p1=- ");
    ck_assert_uint_eq(bight_queue_waiting_puts(queue), 2);
    ck_assert_uint_eq(bight_queue_size(queue), 1);
    get_as("a");
    ck_trace("p2=- a=1 ");
    get_as("b");
    get_as("c");
    ck_trace("p3=- b=2 c=3 ");
}

START_TEST(a_put_that_waits_goes_to_a_getter_without_being_stored) /* D30 */
{
    use(BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO);
    listen_to(put_later(1), "p1");
    listen_to(put_later(2), "p2");
    ck_trace("");
    get_as("a");
    ck_trace("p1=- a=1 ");
    struct bight_result result = { 0 };
    ck_assert_int_eq(bight_queue_try_get(queue, &result), 0);
    ck_assert_int_eq((int)bight_integer_value(result.value), 2);
    ck_trace("p2=- ");
    get_as("b");
    listen_to(put_later(3), "p3");
    ck_trace("b=3 p3=- ");
}

START_TEST(nobody_overtakes_a_put_that_waits) /* D30 */
{
    use(1, 0, BIGHT_QUEUE_PRIORITY);
    put_with(3, 30);
    listen_to(put_later(2), "p2");
    ck_assert_int_eq(put(1), BIGHT_E_QUEUE_OVERFLOW);
    listen_to(bight_queue_put_priority_later(queue, -1, &bight_type_integer, bight_integer(1)), "p1");
    get_as("a");
    get_as("b");
    get_as("c");
    ck_trace("p2=- a=30 p1=- b=2 c=1 ");
}

START_TEST(a_cancelled_put_discards_its_value) /* D13 D30 D31 */
{
    use(1, 0, BIGHT_QUEUE_FIFO);
    int value;
    put(1);
    struct bight_deferred *a = watch(bight_queue_put_later(queue, &counted, &value), "a");
    struct bight_deferred *b = bight_queue_put_later(queue, &counted, &value);
    bight_deferred_add_timeout(b, 1, &test_clock.base);
    listen_to(b, "b");
    bight_deferred_cancel(a);
    ck_assert_int_eq(discarded, 1);
    advance(1);
    ck_assert_int_eq(discarded, 2);
    ck_trace("a=CANCELLED b=TIMED_OUT ");
    ck_assert_uint_eq(bight_queue_waiting_puts(queue), 0);
    ck_assert_int_eq(destroyed, 0);
    bight_deferred_release(a);
}

/* ------------------------------------------------------------------------------------- end of work */

START_TEST(join_waits_until_all_is_done) /* D30 */
{
    listen_to(bight_queue_join(queue), "none");
    ck_trace("none=- ");
    put(1);
    put(2);
    struct bight_deferred *c = watch(bight_queue_join(queue), "c");
    listen_to(bight_queue_join(queue), "a");
    listen_to(bight_queue_join(queue), "b");
    bight_deferred_cancel(c);
    get_as("g");
    get_as("g");
    ck_trace("c=CANCELLED g=1 g=2 ");
    ck_assert_uint_eq(bight_queue_unfinished(queue), 2);
    ck_assert_int_eq(bight_queue_task_done(queue), 0);
    ck_trace("");
    ck_assert_int_eq(bight_queue_task_done(queue), 0);
    ck_trace("a=- b=- ");
    ck_assert_int_eq(bight_queue_task_done(queue), BIGHT_E_USAGE);
    ck_assert_int_eq(usage_errors, 1);
    bight_deferred_release(c);
}

START_TEST(what_goes_straight_to_a_getter_is_work_too) /* D30 */
{
    use(BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO);
    get_as("a");
    put(1);
    listen_to(bight_queue_join(queue), "j");
    listen_to(put_later(2), "p");
    ck_assert_uint_eq(bight_queue_unfinished(queue), 1);
    get_as("b");
    ck_assert_uint_eq(bight_queue_unfinished(queue), 2);
    bight_queue_task_done(queue);
    bight_queue_task_done(queue);
    ck_trace("a=1 p=- b=2 j=- ");
}

/* ------------------------------------------------------------------------------------------ shutdown */

START_TEST(after_a_shutdown_what_is_stored_can_be_got) /* D30 */
{
    put(1);
    ck_assert(!bight_queue_is_shut_down(queue));
    bight_queue_shutdown(queue, false);
    ck_assert(bight_queue_is_shut_down(queue));
    ck_assert_int_eq(put(2), BIGHT_E_SHUTDOWN);
    listen_to(put_later(2), "p");
    get_as("a");
    get_as("b");
    ck_trace("p=SHUTDOWN a=1 b=SHUTDOWN ");
    struct bight_result result = { 0 };
    ck_assert_int_eq(bight_queue_try_get(queue, &result), BIGHT_E_SHUTDOWN);
    bight_queue_shutdown(queue, false);
    listen_to(bight_queue_join(queue), "j");
    bight_queue_task_done(queue);
    ck_trace("j=- ");
}

START_TEST(a_shutdown_ends_all_waits_but_joins) /* D30 D31 */
{
    use(1, 0, BIGHT_QUEUE_FIFO);
    int value;
    put(1);
    listen_to(bight_queue_put_later(queue, &counted, &value), "p");
    listen_to(bight_queue_join(queue), "j");
    bight_queue_shutdown(queue, false);
    ck_trace("p=SHUTDOWN ");
    ck_assert_int_eq(discarded, 1);
    ck_assert_uint_eq(bight_queue_size(queue), 1);
    use(0, 0, BIGHT_QUEUE_FIFO);
    ck_trace("j=ABANDONED ");
    get_as("a");
    get_as("b");
    bight_queue_shutdown(queue, false);
    ck_trace("a=SHUTDOWN b=SHUTDOWN ");
}

START_TEST(an_immediate_shutdown_destroys_what_is_stored_as_done) /* D30 */
{
    int value;
    for (int i = 0; i < 3; i++) {
        bight_queue_put(queue, &counted, &value);
    }
    bight_deferred_release(bight_queue_get(queue));
    listen_to(bight_queue_join(queue), "j");
    bight_queue_shutdown(queue, false);
    bight_queue_shutdown(queue, true);
    ck_assert_int_eq(destroyed, 3);
    ck_assert_int_eq(discarded, 0);
    ck_trace("");
    bight_queue_task_done(queue);
    ck_trace("j=- ");
}

START_TEST(an_immediate_shutdown_may_end_the_work) /* D30 */
{
    put(1);
    bight_queue_put(queue, &counted, &destroyed);
    listen_to(bight_queue_join(queue), "j");
    bight_queue_task_done(queue); /* before it was got: the shutdown does not count it twice */
    bight_queue_shutdown(queue, true);
    ck_trace("j=- ");
    ck_assert_uint_eq(bight_queue_unfinished(queue), 0);
    get_as("a");
    ck_trace("a=SHUTDOWN ");
}

/* ------------------------------------------------------------------------------------------- freeing */

START_TEST(freeing_destroys_what_is_stored) /* D30 */
{
    int value;
    for (int i = 0; i < 20; i++) {
        bight_queue_put(queue, &counted, &value);
    }
    bight_queue_put(queue, &bight_type_text, bight_strdup("text"));
    bight_queue_free(queue);
    queue = NULL;
    ck_assert_int_eq(destroyed, 20);
    ck_assert_int_eq(discarded, 0);
    bight_queue_free(NULL);
}

START_TEST(freeing_fails_who_waits) /* D28 D30 */
{
    use(1, 0, BIGHT_QUEUE_FIFO);
    get_as("a");
    get_as("b");
    use(1, 0, BIGHT_QUEUE_FIFO);
    ck_trace("a=ABANDONED b=ABANDONED ");
    int value;
    put(1);
    listen_to(bight_queue_put_later(queue, &counted, &value), "p");
    listen_to(bight_queue_join(queue), "j");
    bight_queue_free(queue);
    queue = NULL;
    ck_trace("p=ABANDONED j=ABANDONED ");
    ck_assert_int_eq(discarded, 1);
}

START_TEST(a_large_queue_gives_its_memory_back_when_it_is_empty) /* D30 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    use(0, 0, BIGHT_QUEUE_FIFO);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5000; i++) {
            put(i);
        }
        struct bight_result result = { 0 };
        for (int i = 0; i < 5000; i++) {
            ck_assert_int_eq(bight_queue_try_get(queue, &result), 0);
            ck_assert_int_eq((int)bight_integer_value(result.value), i);
        }
        ck_assert_int_eq(memory.out, 0); /* the old queue was not of this allocator */
    }
    bight_queue_free(queue);
    queue = NULL;
    bight_set_allocator(NULL);
}

static void use_a_queue(void)
{
    const struct bight_queue_options options = { .size = sizeof(options), .size_limit = 1 };
    queue = bight_queue_new(&options);
    if (queue == NULL) {
        return;
    }
    get_as("");
    listen_to(put_later(1), "");
    listen_to(put_later(2), "");
    listen_to(bight_queue_put_later(queue, &bight_type_text, bight_strdup("a")), "");
    listen_to(bight_queue_join(queue), "");
    get_as("");
    char *text = bight_strdup("b");
    if (bight_queue_put(queue, &bight_type_text, text) != BIGHT_OK) {
        bight_free(text);
    }
    bight_queue_free(queue);
}

START_TEST(each_allocation_may_fail) /* D30 D34 */
{
    bight_queue_free(queue);
    with_each_fault(use_a_queue);
    queue = NULL;
}

START_TEST(without_memory_for_a_get_no_value_is_lost) /* D30 D34 */
{
    struct bight_test_memory memory;
    put(1);
    bight_test_fail_nth(&memory, 1);
    get_as("a");
    bight_set_allocator(NULL);
    get_as("b");
    ck_trace("a=OUT_OF_MEMORY b=1 ");
}

static void add_more_tests(TCase *tests)
{
    tcase_add_test(tests, join_waits_until_all_is_done);
    tcase_add_test(tests, what_goes_straight_to_a_getter_is_work_too);
    tcase_add_test(tests, after_a_shutdown_what_is_stored_can_be_got);
    tcase_add_test(tests, a_shutdown_ends_all_waits_but_joins);
    tcase_add_test(tests, an_immediate_shutdown_destroys_what_is_stored_as_done);
    tcase_add_test(tests, an_immediate_shutdown_may_end_the_work);
    tcase_add_test(tests, freeing_destroys_what_is_stored);
    tcase_add_test(tests, freeing_fails_who_waits);
    tcase_add_test(tests, a_large_queue_gives_its_memory_back_when_it_is_empty);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, without_memory_for_a_get_no_value_is_lost);
}

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_put_goes_to_who_has_waited_longest);
    tcase_add_test(tests, what_nobody_waits_for_is_stored);
    tcase_add_test(tests, a_full_queue_leaves_the_value_with_the_caller);
    tcase_add_test(tests, a_full_backlog_lets_nobody_else_wait);
    tcase_add_test(tests, nothing_is_a_legal_limit);
    tcase_add_test(tests, wrong_options_are_a_usage_error);
    tcase_add_test(tests, trying_gets_what_is_there);
    tcase_add_test(tests, a_cancelled_get_takes_nothing);
    tcase_add_test(tests, a_get_may_have_a_time_limit);
    tcase_add_test(tests, failures_and_deferreds_are_no_values);
    tcase_add_test(tests, last_in_first_out);
    tcase_add_test(tests, the_lowest_priority_first_and_of_equal_ones_the_oldest);
    tcase_add_test(tests, a_heap_of_thousands_is_in_order_and_stable);
    tcase_add_test(tests, only_a_queue_with_priorities_takes_them);
    tcase_add_test(tests, a_put_waits_for_room);
    tcase_add_test(tests, a_put_that_waits_goes_to_a_getter_without_being_stored);
    tcase_add_test(tests, nobody_overtakes_a_put_that_waits);
    tcase_add_test(tests, a_cancelled_put_discards_its_value);
    add_more_tests(tests);
}

BIGHT_TEST_MAIN("queue", add_tests)
