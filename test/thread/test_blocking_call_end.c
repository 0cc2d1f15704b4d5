/* SPDX-License-Identifier: MIT */
/* test_blocking_call_end.c - threads that block for a loop that ends, or for longer than they want to (R9). */
#include <sys/wait.h>
#include <unistd.h>

#include "blocking_support.h"
#include "thread/pool.h"

/* ---------------------------------------------------------------------------------------- the loop's ends */

START_TEST(when_the_reactor_has_gone_nothing_is_called) /* R9 */
{
    struct bight_result result = { 0 };
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    bight_reactor_free(reactor);
    ck_assert_int_eq(bight_blocking_call_from_thread(mailbox, must_not_be_called, NULL, &result), BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(bight_failure_code(bight_result_failure(&result)), BIGHT_E_SHUTDOWN);
    bight_result_clear(&result);
    bight_mailbox_release(mailbox);
}
END_TEST

START_TEST(freed_without_a_run_it_answers_those_who_wait) /* R9 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, must_not_be_called, NULL);
    await_queued();
    bight_reactor_free(reactor);
    join(&caller, BIGHT_E_SHUTDOWN);
    bight_result_clear(&caller.result);
}
END_TEST

START_TEST(freed_while_a_deferred_is_pending_it_cancels_that) /* R9 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, give_pending, NULL);
    turn_until(reactor, called == 1);
    bight_reactor_free(reactor);
    join(&caller, BIGHT_E_SHUTDOWN);
    bight_result_clear(&caller.result);
    ck_assert_uint_eq(cancelled, 1);
}
END_TEST

static struct bight_deferred *give_pending_and_stop(void *context)
{
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
    return give_pending(context);
}

START_TEST(a_call_made_before_the_run_waits_for_it_and_ends_with_it) /* R9 R3 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, give_pending_and_stop, NULL);
    await_queued();
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    join(&caller, BIGHT_E_SHUTDOWN);
    bight_result_clear(&caller.result);
    ck_assert_uint_eq(cancelled, 1);
    bight_reactor_free(reactor);
}
END_TEST

static void stop(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

START_TEST(between_runs_nobody_waits_and_the_next_run_serves_again) /* R9 R1 */
{
    struct caller between = { .code = 1 }, after = { .code = 1 };
    make_reactor();
    (void)bight_call_when_running(reactor, stop, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    start(&between, must_not_be_called, NULL);
    join(&between, BIGHT_E_SHUTDOWN);
    bight_result_clear(&between.result);
    bi_mailbox_begin(reactor); /* as a run does */
    start(&after, give_seven, NULL);
    finish(&after, 0);
    bight_reactor_free(reactor);
}
END_TEST

static void block_in_a_job(struct bight_result *result, void *context)
{
    int code = bight_blocking_call_from_thread(context, give_pending, NULL, NULL);
    bight_result_set(result, &bight_type_integer, bight_integer(code));
}

static void expect_shutdown(struct bight_result *result, void *context)
{
    intptr_t code = bight_integer_value(bight_result_peek(result, &bight_type_integer));
    *(int *)context = (int)code;
}

static struct bight_thread_pool *pool;

static void start_blocked_job(struct bight_mailbox *mailbox, int *code)
{
    *code = 1;
    pool = bight_thread_pool_new(reactor, "blocked", 2);
    struct bight_deferred *deferred = bight_thread_pool_defer(pool, block_in_a_job, mailbox);
    bight_deferred_add_callback(deferred, expect_shutdown, code);
    bight_deferred_release(deferred);
    turn_until(reactor, called == 1);
}

START_TEST(a_job_that_blocks_does_not_hold_up_the_end_of_the_reactor) /* R9 R10 */
{
    int code;
    quiet_log();
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    start_blocked_job(mailbox, &code);
    bight_reactor_free(reactor);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(logged_warnings, 0);
    ck_assert_uint_eq(cancelled, 1);
    bight_mailbox_release(mailbox);
}
END_TEST

START_TEST(a_job_that_blocks_does_not_hold_up_the_end_of_its_pool) /* R9 R10 */
{
    int code;
    struct caller caller = { .code = 1 };
    quiet_log();
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    start_blocked_job(mailbox, &code);
    start(&caller, give_seven, NULL); /* waits on: it is not the pool's */
    await_queued();
    bight_thread_pool_free(pool);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(logged_warnings, 0);
    ck_assert_uint_eq(cancelled, 1);
    finish(&caller, 0);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

static struct gate gate = GATE;

static void block_behind_a_gate(struct bight_result *result, void *context)
{
    gate_pass(&gate);
    block_in_a_job(result, context);
}

static void open_gate(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    gate_open(&gate);
}

START_TEST(a_job_that_wants_to_block_when_its_pool_ends_is_told) /* R9 R10 */
{
    int code = 1;
    quiet_log();
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    pool = bight_thread_pool_new(reactor, "gated", 1);
    struct bight_deferred *deferred = bight_thread_pool_defer(pool, block_behind_a_gate, mailbox);
    bight_deferred_add_callback(deferred, expect_shutdown, &code);
    bight_deferred_release(deferred);
    gate_await(&gate, 1);
    deferred = bight_thread_pool_defer(pool, block_in_a_job, mailbox);
    bight_deferred_add_errback(deferred, open_gate, NULL);
    bight_deferred_release(deferred);
    bight_thread_pool_free(pool);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(logged_warnings, 0);
    ck_assert_uint_eq(called, 0);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

static void free_the_pool(void *context)
{
    (void)context;
    bight_thread_pool_free(pool);
}

static void ask_for_the_end_and_block(struct bight_result *result, void *context)
{
    int code = bight_call_from_thread(context, free_the_pool, NULL);
    if (code == 0) {
        code = bight_blocking_call_from_thread(context, must_not_be_called, NULL, NULL);
    }
    bight_result_set(result, &bight_type_integer, bight_integer(code));
}

static void await_two_queued(struct bight_mailbox *mailbox)
{
    bool are_two = false;
    while (!are_two) {
        sched_yield();
        pthread_mutex_lock(&mailbox->lock);
        are_two = mailbox->first != NULL && mailbox->first->next != NULL;
        pthread_mutex_unlock(&mailbox->lock);
    }
}

/* Both calls come to the loop in one batch. */
START_TEST(a_job_that_blocks_behind_the_call_that_ends_its_pool_is_told) /* R9 R10 */
{
    int code = 1;
    quiet_log();
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    pool = bight_thread_pool_new(reactor, "behind", 1);
    struct bight_deferred *deferred = bight_thread_pool_defer(pool, ask_for_the_end_and_block, mailbox);
    bight_deferred_add_callback(deferred, expect_shutdown, &code);
    bight_deferred_release(deferred);
    await_two_queued(mailbox);
    turn_until(reactor, code != 1 || logged_warnings != 0);
    ck_assert_int_eq(code, BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(logged_warnings, 0);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

#if FOLLOWS_FORKS

static pid_t child;

static void fork_inside(void *context)
{
    child = fork();
    if (child == 0) {
        *(int *)context = bight_reactor_after_fork(reactor);
    }
}

static void note_call(void *context)
{
    *(int *)context = 0;
}

/* The call that blocks and the last one are in one batch with the call that forks. */
START_TEST(a_call_taken_with_the_one_that_forks_is_not_made_in_the_child) /* R9 R13 */
{
    struct caller caller = { .code = 1 };
    int after_fork = 1, last = 1, status;
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    ck_assert_int_eq(bight_call_from_thread(mailbox, fork_inside, &after_fork), 0);
    start(&caller, give_seven, NULL);
    await_two_queued(mailbox);
    ck_assert_int_eq(bight_call_from_thread(mailbox, note_call, &last), 0);
    turn_until(reactor, last == 0);
    if (child == 0) {
        bool is_good = called == 0 && after_fork == 0;
        bight_mailbox_release(mailbox);
        bight_reactor_free(reactor);
        _exit(is_good ? 0 : 1);
    }
    finish(&caller, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

#endif

/* ----------------------------------------------------------------------------------------- time limits */

START_TEST(when_the_time_is_up_before_it_began_it_is_never_called) /* R9 */
{
    struct caller caller = { .code = 1, .seconds = 1e-9 };
    make_reactor();
    start(&caller, must_not_be_called, NULL);
    join(&caller, BIGHT_E_TIMED_OUT); /* no turn was taken */
    bight_result_clear(&caller.result);
    turn_until(reactor, !bi_mailbox_has_calls(reactor));
    bight_reactor_free(reactor);
}
END_TEST

/* Long enough to begin: the loop waits for it before it takes a turn. */
#define A_MOMENT 0.05

static void begin_in_time(struct caller *caller, bight_blocking_function function)
{
    caller->seconds = A_MOMENT;
    do {
        called = 0;
        atomic_store(&caller->is_done, false);
        start(caller, function, NULL);
        await_queued();
        turn_until(reactor, called == 1 || atomic_load(&caller->is_done));
        if (called == 0) { /* the machine was too busy */
            join(caller, BIGHT_E_TIMED_OUT);
            bight_result_clear(&caller->result);
        }
    } while (called == 0);
}

START_TEST(when_the_time_is_up_the_deferred_is_cancelled_in_the_loop_s_thread) /* R9 D14 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    begin_in_time(&caller, give_pending);
    finish(&caller, BIGHT_E_TIMED_OUT);
    bight_result_clear(&caller.result);
    ck_assert_uint_eq(cancelled, 1);
    bight_reactor_free(reactor);
}
END_TEST

static void fire_at_cancel(struct bight_promise pending, void *context)
{
    (void)context;
    cancelled++;
    bight_callback(pending, &bight_type_integer, bight_integer(3));
}

static struct bight_deferred *give_stubborn(void *context)
{
    (void)context;
    called++;
    return bight_deferred_new(&promise, fire_at_cancel, NULL);
}

START_TEST(what_a_canceller_fires_stands) /* R9 D14 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    begin_in_time(&caller, give_stubborn);
    finish(&caller, 0);
    ck_assert_int_eq(bight_integer_value(bight_result_peek(&caller.result, &bight_type_integer)), 3);
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_promise second_promise;

static void wait_for_more(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_chain(result, bight_deferred_new(&second_promise, note_cancel, NULL));
}

static struct bight_deferred *give_one_that_goes_on(void *context)
{
    struct bight_deferred *deferred = give_pending(context);
    bight_deferred_add_errback(deferred, wait_for_more, NULL);
    return deferred;
}

START_TEST(a_deferred_that_goes_on_is_not_waited_for_and_its_value_discarded) /* R9 D31 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    begin_in_time(&caller, give_one_that_goes_on);
    finish(&caller, BIGHT_E_TIMED_OUT);
    bight_result_clear(&caller.result);
    ck_assert_int_eq(bight_callback(second_promise, &counted, &destroyed), 0);
    ck_assert_uint_eq(discarded, 1);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(what_goes_on_may_outlive_the_reactor) /* R9 */
{
    struct caller caller = { .code = 1 };
    make_reactor();
    start(&caller, give_one_that_goes_on, NULL);
    turn_until(reactor, called == 1);
    bight_reactor_free(reactor);
    join(&caller, BIGHT_E_SHUTDOWN);
    bight_result_clear(&caller.result);
    ck_assert_int_eq(bight_errback(second_promise, bight_failure_of(BIGHT_E_APPLICATION)), 0);
}
END_TEST

START_TEST(an_answer_in_time_is_the_answer) /* R9 */
{
    struct caller caller = { .code = 1, .seconds = 60 };
    make_reactor();
    start(&caller, give_seven, NULL);
    finish(&caller, 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(no_proper_time_and_no_function_are_usage_errors) /* R9 */
{
    struct bight_result result = { 0 };
    const double wrong[] = { -1, NAN };
    quiet_log();
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(bight_blocking_call_from_thread_timeout(mailbox, must_not_be_called, NULL, wrong[i], &result),
            BIGHT_E_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(bight_failure_code(bight_result_failure(&result)), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_blocking_call_from_thread(mailbox, NULL, NULL, &result), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(logged_errors, 3);
    bight_result_clear(&result);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, when_the_reactor_has_gone_nothing_is_called);
    tcase_add_test(tests, freed_without_a_run_it_answers_those_who_wait);
    tcase_add_test(tests, freed_while_a_deferred_is_pending_it_cancels_that);
    tcase_add_test(tests, a_call_made_before_the_run_waits_for_it_and_ends_with_it);
    tcase_add_test(tests, between_runs_nobody_waits_and_the_next_run_serves_again);
    tcase_add_test(tests, a_job_that_blocks_does_not_hold_up_the_end_of_the_reactor);
    tcase_add_test(tests, a_job_that_blocks_does_not_hold_up_the_end_of_its_pool);
    tcase_add_test(tests, a_job_that_wants_to_block_when_its_pool_ends_is_told);
    tcase_add_test(tests, a_job_that_blocks_behind_the_call_that_ends_its_pool_is_told);
#if FOLLOWS_FORKS
    tcase_add_test(tests, a_call_taken_with_the_one_that_forks_is_not_made_in_the_child);
#endif
    tcase_add_test(tests, when_the_time_is_up_before_it_began_it_is_never_called);
    tcase_add_test(tests, when_the_time_is_up_the_deferred_is_cancelled_in_the_loop_s_thread);
    tcase_add_test(tests, what_a_canceller_fires_stands);
    tcase_add_test(tests, a_deferred_that_goes_on_is_not_waited_for_and_its_value_discarded);
    tcase_add_test(tests, what_goes_on_may_outlive_the_reactor);
    tcase_add_test(tests, an_answer_in_time_is_the_answer);
    tcase_add_test(tests, no_proper_time_and_no_function_are_usage_errors);
}

BIGHT_TEST_MAIN("the end of blocking calls", add_tests)
