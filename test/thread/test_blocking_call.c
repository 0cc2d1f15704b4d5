/* SPDX-License-Identifier: MIT */
/* test_blocking_call.c - threads that block until the loop has an answer for them (R9): what comes back, where things
 * run, memory, fork. How the loop ends is in test_blocking_call_end.c. */
#include <sys/wait.h>
#include <unistd.h>

#include "blocking_support.h"

/* ------------------------------------------------------------------------------------------- answers */

START_TEST(the_value_comes_back_to_the_thread_that_blocks) /* R9 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, give_seven, NULL);
    finish(&caller, 0);
    ck_assert_int_eq(bight_integer_value(bight_result_peek(&caller.result, &bight_type_integer)), 7);
    ck_assert(pthread_equal(called_in, pthread_self()));
    ck_assert_uint_eq(called, 1);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_deferred_that_has_not_fired_is_waited_for) /* R9 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, give_pending, NULL);
    turn_until(reactor, called == 1);
    ck_assert(!atomic_load(&caller.is_done));
    ck_assert_int_eq(bight_callback(promise, &counted, &destroyed), 0);
    finish(&caller, 0);
    ck_assert_ptr_eq(bight_result_take(&caller.result, &counted), &destroyed);
    ck_assert_uint_eq(destroyed + discarded, 0);
    bight_reactor_free(reactor);
}
END_TEST

static void add_one(struct bight_result *result, void *context)
{
    (void)context;
    intptr_t number = bight_integer_value(bight_result_peek(result, &bight_type_integer));
    bight_result_set(result, &bight_type_integer, bight_integer(number + 1));
}

static struct bight_deferred *give_seven_and_one(void *context)
{
    struct bight_deferred *deferred = give_pending(context);
    bight_deferred_add_callback(deferred, add_one, NULL);
    return deferred;
}

START_TEST(its_handlers_have_run_before) /* R9 D3 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, give_seven_and_one, NULL);
    turn_until(reactor, called == 1);
    bight_callback(promise, &bight_type_integer, bight_integer(7));
    finish(&caller, 0);
    ck_assert_int_eq(bight_integer_value(bight_result_peek(&caller.result, &bight_type_integer)), 8);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_failure_comes_back_with_its_code_and_words) /* R9 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    quiet_log();
    start(&caller, give_failure, NULL);
    finish(&caller, BIGHT_E_APPLICATION);
    ck_assert_str_eq(bight_failure_message(bight_result_failure(&caller.result)), "not today");
    bight_result_clear(&caller.result);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(logged_errors, 0); /* it was handed over, not lost */
}
END_TEST

START_TEST(no_deferred_is_an_empty_success_and_replaces_what_was_there) /* R9 */
{
    struct caller caller = { .code = 1, .result = { &counted, &destroyed, NULL } };
    make_reactor();
    start(&caller, give_null, NULL);
    finish(&caller, 0);
    ck_assert(bight_result_is_empty(&caller.result));
    ck_assert_uint_eq(destroyed, 1);
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_deferred *give_counted(void *context)
{
    (void)context;
    return bight_succeed(&counted, &destroyed);
}

START_TEST(a_value_that_nobody_wants_ends_in_the_loop_s_thread) /* R9 D31 */
{
    struct caller caller = { .code = 1, .no_result = true };
    make_reactor();
    start(&caller, give_counted, NULL);
    finish(&caller, 0);
    ck_assert_uint_eq(destroyed, 1);
    ck_assert(pthread_equal(ended_in, pthread_self()));
    struct caller failing = { .code = 1, .no_result = true };
    start(&failing, give_failure, NULL);
    finish(&failing, BIGHT_E_APPLICATION);
    bight_reactor_free(reactor);
}
END_TEST

static void cancel_it(void *context)
{
    bight_deferred_cancel(context);
}

static struct bight_deferred *give_one_that_is_cancelled(void *context)
{
    struct bight_deferred *deferred = give_pending(context);
    (void)bight_call_later(reactor, 0, cancel_it, deferred, NULL);
    return deferred;
}

START_TEST(a_cancel_by_the_program_stays_cancelled) /* R9 D13 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, give_one_that_is_cancelled, NULL);
    finish(&caller, BIGHT_E_CANCELLED);
    bight_result_clear(&caller.result);
    bight_reactor_free(reactor);
}
END_TEST

static unsigned counter;

static void note_order(void *context)
{
    *(unsigned *)context = ++counter;
}

static struct bight_deferred *note_order_too(void *context)
{
    note_order(context);
    return NULL;
}

START_TEST(it_keeps_the_order_of_other_calls) /* R9 */
{
    unsigned before = 0, middle = 0, after = 0;
    struct caller caller = { .code = 1 };
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    start(&caller, note_order_too, &middle);
    await_queued();
    ck_assert_int_eq(bight_call_from_thread(mailbox, note_order, &after), 0);
    finish(&caller, 0);
    turn_until(reactor, after != 0);
    ck_assert_uint_lt(middle, after);
    ck_assert_int_eq(bight_call_from_thread(mailbox, note_order, &before), 0);
    struct caller second = { .code = 1 };
    start(&second, note_order_too, &middle);
    finish(&second, 0);
    ck_assert_uint_lt(before, middle);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

enum { CALLERS = 6, CALLS = 300 };

static atomic_uint callers_done;
static unsigned sum; /* the loop's */

static struct bight_deferred *add_up(void *context)
{
    sum += *(unsigned *)context;
    return bight_succeed(&bight_type_integer, bight_integer(*(unsigned *)context));
}

static void *block_often(void *context)
{
    struct bight_mailbox *mailbox = context;
    for (unsigned i = 0; i < CALLS; i++) {
        struct bight_result result = { 0 };
        int code = bight_blocking_call_from_thread(mailbox, add_up, &i, &result);
        if (code != 0 || (unsigned)bight_integer_value(bight_result_peek(&result, &bight_type_integer)) != i) {
            abort();
        }
    }
    atomic_fetch_add(&callers_done, 1);
    (void)bight_call_from_thread(mailbox, nothing, NULL);
    bight_mailbox_release(mailbox);
    return NULL;
}

START_TEST(many_threads_may_block_at_once) /* R9 */
{
    pthread_t threads[CALLERS];
    make_reactor();
    for (int i = 0; i < CALLERS; i++) {
        pthread_create(&threads[i], NULL, block_often, bight_reactor_mailbox(reactor));
    }
    turn_until(reactor, atomic_load(&callers_done) == CALLERS);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(sum, CALLERS * (CALLS * (CALLS - 1) / 2));
    bight_reactor_free(reactor);
}
END_TEST

/* ----------------------------------------------------------------------------------------- wrong thread */

static void check_wrong_thread(struct bight_mailbox *mailbox)
{
    struct bight_result result = { 0 };
    ck_assert_int_eq(bight_blocking_call_from_thread(mailbox, must_not_be_called, NULL, &result), BIGHT_E_WRONG_THREAD);
    ck_assert_int_eq(bight_failure_code(bight_result_failure(&result)), BIGHT_E_WRONG_THREAD);
    bight_result_clear(&result);
}

static void check_inside(void *context)
{
    check_wrong_thread(context);
    called_in = pthread_self();
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

static void *run_reactor(void *context)
{
    (void)context;
    return bight_reactor_run(reactor) == 0 ? NULL : reactor;
}

START_TEST(in_the_loop_s_own_thread_it_is_a_usage_error) /* R9 */
{
    pthread_t runner;
    quiet_log();
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    check_wrong_thread(mailbox); /* it may be the one that is to run it */
    bight_call_when_running(reactor, check_inside, mailbox);
    pthread_create(&runner, NULL, run_reactor, NULL);
    pthread_join(runner, NULL);
    ck_assert(!pthread_equal(called_in, pthread_self()));
    ck_assert_uint_eq(logged_errors, 2);
    ck_assert_int_eq(bight_blocking_call_from_thread(mailbox, must_not_be_called, NULL, NULL), BIGHT_E_SHUTDOWN);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

/* ----------------------------------------------------------------------------------------- memory, fork */

static void one_call(void)
{
    int out = memory_out;
    reactor = bight_reactor_new();
    if (reactor != NULL) {
        struct caller caller = { .code = 1 };
        start(&caller, give_seven, NULL);
        while (!atomic_load(&caller.is_done)) {
            bi_reactor_turn(reactor, false); /* what wakes it at the end may have found no memory */
        }
        bool expected = caller.code == 0 || caller.code == BIGHT_E_OUT_OF_MEMORY;
        ck_assert(expected);
        join(&caller, caller.code);
        bight_result_clear(&caller.result);
        bight_reactor_free(reactor);
    }
    ck_assert_int_eq(memory_out, out);
}

START_TEST(calls_survive_each_allocation_failing) /* R9 D34 */
{
    quiet_log();
    memory_each(one_call);
}
END_TEST

#if FOLLOWS_FORKS

/* What the child does; its exit status tells which check failed. */
static int live_as_a_child(void)
{
    called_in = pthread_self();
    if (bight_reactor_after_fork(reactor) != 0) {
        return 1;
    }
    turn_until(reactor, cancelled == 1 && !bi_mailbox_has_calls(reactor));
    if (called != 1) {
        return 2;
    }
    called = 0;
    struct caller caller = { .code = 1 };
    start(&caller, give_seven, NULL);
    finish(&caller, 0);
    bight_reactor_free(reactor);
    return 0;
}

START_TEST(in_the_child_of_a_fork_nothing_more_is_done_for_the_parent_s_threads) /* R9 R13 */
{
    struct caller begun = { .code = 1 }, queued = { .code = 1 };
    int status;
    make_reactor();
    start(&begun, give_pending, NULL);
    turn_until(reactor, called == 1);
    start(&queued, give_null, NULL);
    await_queued();
    pid_t child = fork();
    if (child == 0) {
        _exit(live_as_a_child());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    finish(&queued, 0);
    bight_callback(promise, NULL, NULL);
    finish(&begun, 0);
    bight_reactor_free(reactor);
}
END_TEST

#endif

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_value_comes_back_to_the_thread_that_blocks);
    tcase_add_test(tests, a_deferred_that_has_not_fired_is_waited_for);
    tcase_add_test(tests, its_handlers_have_run_before);
    tcase_add_test(tests, a_failure_comes_back_with_its_code_and_words);
    tcase_add_test(tests, no_deferred_is_an_empty_success_and_replaces_what_was_there);
    tcase_add_test(tests, a_value_that_nobody_wants_ends_in_the_loop_s_thread);
    tcase_add_test(tests, a_cancel_by_the_program_stays_cancelled);
    tcase_add_test(tests, it_keeps_the_order_of_other_calls);
    tcase_add_test(tests, many_threads_may_block_at_once);
    tcase_add_test(tests, in_the_loop_s_own_thread_it_is_a_usage_error);
    tcase_add_test(tests, calls_survive_each_allocation_failing);
#if FOLLOWS_FORKS
    tcase_add_test(tests, in_the_child_of_a_fork_nothing_more_is_done_for_the_parent_s_threads);
#endif
}

BIGHT_TEST_MAIN("blocking call", add_tests)
