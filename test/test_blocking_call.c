/* SPDX-License-Identifier: MIT */
/* test_blocking_call.c - threads that block until the loop has an answer for them (R9): what comes back, where things
 * run, every way in which the loop ends, time limits, fork. */
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/thread.h>

#include "reactor/mailbox.h"
#include "reactor/state.h"
#include "reactor/thread_pool.h"
#include "thread_support.h"

static struct bight_reactor *reactor;
static struct bight_promise promise; /* of the Deferred that give_pending gave last */
static unsigned called, cancelled;   /* in the loop's thread */
static pthread_t called_in;

static void make_reactor(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

/* ----------------------------------------------------------------------------- a thread that blocks */

struct caller {
    pthread_t thread;
    struct bight_mailbox *mailbox;
    bight_blocking_function function;
    void *context;
    double seconds;
    bool no_result;
    struct bight_result result;
    int code;
    atomic_bool is_done;
};

static void nothing(void *context)
{
    (void)context;
}

static void *block(void *context)
{
    struct caller *caller = context;
    caller->code = bight_blocking_call_from_thread_timeout(caller->mailbox, caller->function, caller->context,
        caller->seconds, caller->no_result ? NULL : &caller->result);
    atomic_store(&caller->is_done, true);
    (void)bight_call_from_thread(caller->mailbox, nothing, NULL); /* wakes who takes turns until this is done */
    bight_mailbox_release(caller->mailbox);
    return NULL;
}

/* Fields that are set stay. */
static void start(struct caller *caller, bight_blocking_function function, void *context)
{
    caller->mailbox = bight_reactor_mailbox(reactor);
    caller->function = function;
    caller->context = context;
    caller->seconds = caller->seconds == 0 ? HUGE_VAL : caller->seconds;
    ck_assert_int_eq(pthread_create(&caller->thread, NULL, block, caller), 0);
}

static void join(struct caller *caller, int expected)
{
    pthread_join(caller->thread, NULL);
    ck_assert_int_eq(caller->code, expected);
    const struct bight_failure *failure = bight_result_failure(&caller->result);
    ck_assert_int_eq(failure == NULL ? 0 : bight_failure_code(failure), caller->no_result ? 0 : expected);
}

static void finish(struct caller *caller, int expected)
{
    turn_until(reactor, atomic_load(&caller->is_done));
    join(caller, expected);
}

static void await_queued(void)
{
    while (!bight_mailbox_has_calls(reactor)) {
        sched_yield();
    }
}

/* --------------------------------------------------------------------------- what the loop does then */

static struct bight_deferred *give_seven(void *context)
{
    (void)context;
    called++;
    called_in = pthread_self();
    return bight_succeed(&bight_type_integer, bight_integer(7));
}

static struct bight_deferred *give_null(void *context)
{
    (void)context;
    called++;
    return NULL;
}

static struct bight_deferred *give_failure(void *context)
{
    (void)context;
    return bight_fail(bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "not today"));
}

static struct bight_deferred *must_not_be_called(void *context)
{
    (void)context;
    abort();
}

static void note_cancel(struct bight_promise pending, void *context)
{
    (void)pending;
    (void)context;
    ck_assert(pthread_equal(pthread_self(), called_in));
    cancelled++;
}

static struct bight_deferred *give_pending(void *context)
{
    (void)context;
    called++;
    called_in = pthread_self();
    return bight_deferred_new(&promise, note_cancel, NULL);
}

static unsigned destroyed, discarded;
static pthread_t ended_in;

static void destroy_counted(void *value)
{
    (void)value;
    ended_in = pthread_self();
    destroyed++;
}

static void discard_counted(void *value)
{
    (void)value;
    ended_in = pthread_self();
    discarded++;
}

static const struct bight_type counted = { "counted", destroy_counted, discard_counted, { NULL } };

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
    bight_mailbox_begin(reactor); /* as a run does */
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

/* ----------------------------------------------------------------------------------------- time limits */

START_TEST(when_the_time_is_up_before_it_began_it_is_never_called) /* R9 */
{
    struct caller caller = { .code = 1, .seconds = 1e-9 };
    make_reactor();
    start(&caller, must_not_be_called, NULL);
    join(&caller, BIGHT_E_TIMED_OUT); /* no turn was taken */
    bight_result_clear(&caller.result);
    turn_until(reactor, !bight_mailbox_has_calls(reactor));
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

START_TEST(a_time_that_is_none_is_a_usage_error) /* R9 */
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
    ck_assert_uint_eq(logged_errors, 2);
    bight_result_clear(&result);
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
            bight_reactor_turn(reactor, false); /* what wakes it at the end may have found no memory */
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
    turn_until(reactor, cancelled == 1 && !bight_mailbox_has_calls(reactor));
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
    tcase_add_test(tests, when_the_reactor_has_gone_nothing_is_called);
    tcase_add_test(tests, freed_without_a_run_it_answers_those_who_wait);
    tcase_add_test(tests, freed_while_a_deferred_is_pending_it_cancels_that);
    tcase_add_test(tests, a_call_made_before_the_run_waits_for_it_and_ends_with_it);
    tcase_add_test(tests, between_runs_nobody_waits_and_the_next_run_serves_again);
    tcase_add_test(tests, a_job_that_blocks_does_not_hold_up_the_end_of_the_reactor);
    tcase_add_test(tests, a_job_that_blocks_does_not_hold_up_the_end_of_its_pool);
    tcase_add_test(tests, a_job_that_wants_to_block_when_its_pool_ends_is_told);
    tcase_add_test(tests, when_the_time_is_up_before_it_began_it_is_never_called);
    tcase_add_test(tests, when_the_time_is_up_the_deferred_is_cancelled_in_the_loop_s_thread);
    tcase_add_test(tests, what_a_canceller_fires_stands);
    tcase_add_test(tests, a_deferred_that_goes_on_is_not_waited_for_and_its_value_discarded);
    tcase_add_test(tests, what_goes_on_may_outlive_the_reactor);
    tcase_add_test(tests, an_answer_in_time_is_the_answer);
    tcase_add_test(tests, a_time_that_is_none_is_a_usage_error);
    tcase_add_test(tests, calls_survive_each_allocation_failing);
#if FOLLOWS_FORKS
    tcase_add_test(tests, in_the_child_of_a_fork_nothing_more_is_done_for_the_parent_s_threads);
#endif
}

BIGHT_TEST_MAIN("blocking call", add_tests)
