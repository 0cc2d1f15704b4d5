/* SPDX-License-Identifier: MIT */
/* test_mailbox.c - calls from other threads (R9): order, threads, wake-ups, contexts, the reactor's end, fork. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include <bight/thread.h>

#include "thread_support.h"

#define THREADS 8
#define CALLS 2000

static struct bight_reactor *reactor;

static void count(void *context)
{
    ++*(unsigned *)context;
}

static void count_atomic(void *context)
{
    atomic_fetch_add((atomic_uint *)context, 1);
}

static void make_reactor(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

/* A call that is made from a thread of its own. */
struct asker {
    pthread_t thread;
    struct bight_mailbox *mailbox;
    struct gate *gate;
    bight_timer_function function;
    void *context;
    int code;
};

static void *ask_once(void *context)
{
    struct asker *asker = context;
    if (asker->gate != NULL) {
        gate_pass(asker->gate);
    }
    asker->code = bight_call_from_thread(asker->mailbox, asker->function, asker->context);
    bight_mailbox_release(asker->mailbox);
    return NULL;
}

static void start_asker(struct asker *asker)
{
    asker->mailbox = bight_reactor_mailbox(reactor);
    ck_assert_int_eq(pthread_create(&asker->thread, NULL, ask_once, asker), 0);
}

static void note_thread(void *context)
{
    *(pthread_t *)context = pthread_self();
    (void)bight_reactor_stop(reactor);
}

START_TEST(a_call_runs_in_the_loop_s_thread) /* R9 */
{
    pthread_t ran_in;
    struct asker asker = { .function = note_thread, .context = &ran_in };
    make_reactor();
    start_asker(&asker);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    pthread_join(asker.thread, NULL);
    ck_assert_int_eq(asker.code, 0);
    ck_assert(pthread_equal(ran_in, pthread_self()));
    bight_reactor_free(reactor);
}
END_TEST

static void open_gate(void *context)
{
    gate_open(context);
}

START_TEST(a_call_wakes_the_poll) /* R9 */
{
    static struct gate gate = GATE;
    pthread_t ran_in;
    struct asker asker = { .gate = &gate, .function = note_thread, .context = &ran_in };
    make_reactor();
    start_asker(&asker);
    bight_call_when_running(reactor, open_gate, &gate);
    ck_assert_int_eq(bight_reactor_run(reactor), 0); /* nothing but the call ends it */
    pthread_join(asker.thread, NULL);
    bight_reactor_free(reactor);
}
END_TEST

/* One thread of many: its calls carry the thread's number and count up. */
static unsigned seen_of[THREADS];
static unsigned seen_in_all, out_of_order;

static void see_in_order(void *context)
{
    unsigned value = (unsigned)(uintptr_t)context;
    out_of_order += value % CALLS != seen_of[value / CALLS];
    seen_of[value / CALLS]++;
    seen_in_all++;
}

struct caller {
    pthread_t thread;
    unsigned number, refused;
    struct bight_mailbox *mailbox;
};

static void *call_many(void *context)
{
    struct caller *caller = context;
    for (unsigned i = 0; i < CALLS; i++) {
        void *value = (void *)(uintptr_t)(caller->number * CALLS + i);
        caller->refused += bight_call_from_thread(caller->mailbox, see_in_order, value) != 0;
    }
    bight_mailbox_release(caller->mailbox);
    return NULL;
}

START_TEST(calls_of_many_threads_run_first_come_first_served) /* R9 */
{
    struct caller callers[THREADS];
    make_reactor();
    for (unsigned i = 0; i < THREADS; i++) {
        callers[i] = (struct caller) { .number = i, .mailbox = bight_reactor_mailbox(reactor) };
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call_many, &callers[i]), 0);
    }
    turn_until(reactor, seen_in_all == THREADS * CALLS);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        ck_assert_uint_eq(seen_of[i], CALLS);
        ck_assert_uint_eq(callers[i].refused, 0);
    }
    ck_assert_uint_eq(out_of_order, 0);
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_mailbox *shared;

static void stop_and_count(void *context)
{
    count(context);
    (void)bight_reactor_stop(reactor);
}

START_TEST(a_call_made_before_run_waits_for_it) /* R9 */
{
    unsigned ran = 0;
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    ck_assert_int_eq(bight_call_from_thread(mailbox, stop_and_count, &ran), 0);
    ck_assert_uint_eq(ran, 0);
    bight_reactor_run(reactor);
    ck_assert_uint_eq(ran, 1);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

static void count_and_call_again(void *context)
{
    count(context);
    ck_assert_int_eq(bight_call_from_thread(shared, stop_and_count, context), 0);
}

static void stop_and_call_again(void *context)
{
    stop_and_count(context);
    ck_assert_int_eq(bight_call_from_thread(shared, count_and_call_again, context), 0);
}

/* The second runs on the turn that what was asked for before the stop gets, the third waits. The last poll of the
 * first run has used up its wake-up. */
START_TEST(a_call_queued_in_a_run_s_last_turn_waits_for_the_next_run) /* R9 */
{
    unsigned ran = 0;
    make_reactor();
    shared = bight_reactor_mailbox(reactor);
    ck_assert_int_eq(bight_call_from_thread(shared, stop_and_call_again, &ran), 0);
    bight_reactor_run(reactor);
    ck_assert_uint_eq(ran, 2);
    ck_assert_int_eq(bight_call_from_thread(shared, count, &ran), 0);
    bight_reactor_run(reactor);
    ck_assert_uint_eq(ran, 4);
    bight_reactor_free(reactor);
    bight_mailbox_release(shared);
}
END_TEST

static void break_host(void *context)
{
    event_base_loopbreak(context);
}

START_TEST(a_call_wakes_a_host_s_loop) /* R9 R3 */
{
    static struct gate gate = GATE;
    struct event_base *base = event_base_new();
    struct bight_reactor_options options = { .size = sizeof options, .host = base };
    struct asker asker = { .gate = &gate, .function = break_host, .context = base };
    reactor = bight_reactor_new_full(&options);
    ck_assert_ptr_nonnull(reactor);
    start_asker(&asker);
    bight_call_when_running(reactor, open_gate, &gate);
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY); /* nothing but the call ends it */
    pthread_join(asker.thread, NULL);
    ck_assert_int_eq(asker.code, 0);
    bight_reactor_free(reactor);
    event_base_free(base);
}
END_TEST

static void call_again(void *context)
{
    count(context);
    ck_assert_int_eq(bight_call_from_thread(shared, call_again, context), 0);
}

START_TEST(a_call_queued_while_draining_runs_on_the_next_turn) /* R9 */
{
    unsigned ran = 0;
    make_reactor();
    shared = bight_reactor_mailbox(reactor);
    bight_call_from_thread(shared, call_again, &ran);
    for (unsigned turn = 1; turn <= 5; turn++) {
        bi_reactor_turn(reactor, true);
        ck_assert_uint_eq(ran, turn);
    }
    bight_reactor_free(reactor);
    bight_mailbox_release(shared);
}
END_TEST

START_TEST(after_the_reactor_has_gone_a_call_answers_shutdown_and_takes_nothing) /* R9 D33 */
{
    unsigned ran = 0, released = 0;
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    bight_reactor_free(reactor);
    ck_assert_int_eq(bight_call_from_thread_full(mailbox, count, &ran, count), BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(bight_call_from_thread_full(mailbox, count, &released, count), BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(ran + released, 0);
    bight_mailbox_release(bight_mailbox_hold(mailbox));
    bight_mailbox_release(mailbox);
    bight_mailbox_release(NULL);
}
END_TEST

static char order[16];

static void note_call(void *context)
{
    strcat(order, context != NULL ? "c" : "?");
}

static void note_release(void *context)
{
    strcat(order, context != NULL ? "r" : "?");
}

START_TEST(a_context_is_released_once_after_its_call) /* R9 D33 */
{
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    bight_call_from_thread_full(mailbox, note_call, order, note_release);
    bight_call_from_thread_full(mailbox, note_call, order, note_release);
    bi_reactor_turn(reactor, true);
    ck_assert_str_eq(order, "crcr");
    bight_reactor_free(reactor);
    ck_assert_str_eq(order, "crcr");
    bight_mailbox_release(mailbox);
}
END_TEST

static void call_too_late(void *context)
{
    note_release(context);
    ck_assert_int_eq(bight_call_from_thread(shared, note_call, context), BIGHT_E_SHUTDOWN);
}

START_TEST(a_call_that_the_reactor_s_end_drops_is_released_and_not_made) /* R9 D33 */
{
    make_reactor();
    shared = bight_reactor_mailbox(reactor);
    bight_call_from_thread_full(shared, note_call, order, call_too_late);
    bight_call_from_thread_full(shared, note_call, order, note_release);
    bight_reactor_free(reactor);
    ck_assert_str_eq(order, "rr");
    bight_mailbox_release(shared);
}
END_TEST

START_TEST(a_batch_of_calls_costs_one_wake_up) /* R9 */
{
    static struct test_system system;
    unsigned ran = 0;
    reactor = test_system_reactor(&system);
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    for (unsigned batch = 1; batch <= 3; batch++) {
        for (unsigned i = 0; i < 100; i++) {
            bight_call_from_thread(mailbox, count, &ran);
        }
        ck_assert_uint_eq(system.writes, batch);
        turn_until(reactor, ran == batch * 100);
    }
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(without_eventfd_a_pipe_wakes_the_loop) /* R9 */
{
    static struct test_system system = { .eventfd_error = ENOSYS };
    static struct gate gate = GATE;
    pthread_t ran_in;
    struct asker asker = { .gate = &gate, .function = note_thread, .context = &ran_in };
    reactor = test_system_reactor(&system);
    ck_assert_ptr_nonnull(reactor);
    start_asker(&asker);
    bight_call_when_running(reactor, open_gate, &gate);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    pthread_join(asker.thread, NULL);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(without_any_descriptor_there_is_no_reactor) /* R9 */
{
    static struct test_system system = { .eventfd_error = EMFILE, .pipe2_error = EMFILE };
    quiet_log();
    ck_assert_ptr_null(test_system_reactor(&system));
    ck_assert_uint_eq(logged_errors, 1);
}
END_TEST

static atomic_uint accepted, called, let_go;

static void *call_until_shutdown(void *context)
{
    struct bight_mailbox *mailbox = context;
    while (bight_call_from_thread_full(mailbox, count_atomic, &called, NULL) == 0) {
        atomic_fetch_add(&accepted, 1);
        if (bight_call_from_thread_full(mailbox, count_atomic, &called, count_atomic) != 0) {
            break;
        }
        atomic_fetch_add(&accepted, 1);
    }
    bight_mailbox_release(mailbox);
    return NULL;
}

START_TEST(threads_may_go_on_calling_while_the_reactor_goes) /* R9 */
{
    pthread_t threads[THREADS];
    make_reactor();
    for (unsigned i = 0; i < THREADS; i++) {
        struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_until_shutdown, mailbox), 0);
    }
    turn_until(reactor, called >= 1000);
    bight_reactor_free(reactor);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_ge(accepted, 600); /* one call counts twice, as call and as release */
}
END_TEST

static void never(void *context)
{
    (void)context;
    ck_abort_msg("a dropped call was made");
}

static void *call_and_count_releases(void *context)
{
    struct bight_mailbox *mailbox = context;
    while (bight_call_from_thread_full(mailbox, never, &let_go, count_atomic) == 0) {
        atomic_fetch_add(&accepted, 1);
    }
    bight_mailbox_release(mailbox);
    return NULL;
}

START_TEST(every_accepted_context_is_released_exactly_once) /* R9 D33 */
{
    pthread_t threads[THREADS];
    make_reactor();
    for (unsigned i = 0; i < THREADS; i++) {
        struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_and_count_releases, mailbox), 0);
    }
    while (atomic_load(&accepted) < 1000) {
        sched_yield(); /* none is run: the reactor's end drops them all */
    }
    bight_reactor_free(reactor);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(let_go, accepted);
}
END_TEST

START_TEST(without_memory_a_call_says_so_and_takes_nothing) /* R9 D33 D34 */
{
    unsigned ran = 0;
    memory_install();
    make_reactor();
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    memory_fail(1, true);
    ck_assert_int_eq(bight_call_from_thread_full(mailbox, count, &ran, count), BIGHT_E_OUT_OF_MEMORY);
    memory_fail(0, false);
    ck_assert_uint_eq(ran, 0);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

static void call_once_in_a_life(void)
{
    unsigned ran = 0;
    int out = memory_out;
    reactor = bight_reactor_new();
    if (reactor != NULL) {
        struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
        int code = bight_call_from_thread_full(mailbox, count, &ran, count);
        bi_reactor_turn(reactor, false);
        ck_assert(code == 0 ? ran == 2 : code == BIGHT_E_OUT_OF_MEMORY && ran == 0);
        bight_reactor_free(reactor);
        bight_mailbox_release(mailbox);
    }
    ck_assert_int_eq(memory_out, out);
}

START_TEST(a_mailbox_survives_each_allocation_failing) /* R9 D34 */
{
    quiet_log();
    memory_each(call_once_in_a_life);
}
END_TEST

/* What the child does; its exit status is the line of the check that failed. */
static int live_as_a_child(unsigned *ran)
{
    if (bight_reactor_after_fork(reactor) != 0) {
        return 1;
    }
    bi_reactor_turn(reactor, true); /* what waited at the fork waits here too, and wakes the poll */
    if (*ran != 1) {
        return 2;
    }
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    if (bight_call_from_thread(mailbox, count, ran) != 0) {
        return 3;
    }
    turn_until(reactor, *ran == 2);
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
    return 0;
}

START_TEST(a_child_of_a_fork_has_a_mailbox_of_its_own) /* R13 */
{
    static struct test_system system;
    unsigned ran = 0;
    int status;
    reactor = test_system_reactor(&system);
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    bight_call_from_thread(mailbox, count, &ran);
    pid_t child = fork();
    if (child == 0) {
        _exit(live_as_a_child(&ran));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    bi_reactor_turn(reactor, true);
    ck_assert_uint_eq(ran, 1);
    unsigned reads = system.reads;
    bi_reactor_turn(reactor, false);
    ck_assert_uint_eq(system.reads, reads); /* the child wrote to nothing of ours */
    bight_mailbox_release(mailbox);
    bight_reactor_free(reactor);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_call_runs_in_the_loop_s_thread);
    tcase_add_test(tests, a_call_wakes_the_poll);
    tcase_add_test(tests, calls_of_many_threads_run_first_come_first_served);
    tcase_add_test(tests, a_call_wakes_a_host_s_loop);
    tcase_add_test(tests, a_call_made_before_run_waits_for_it);
    tcase_add_test(tests, a_call_queued_in_a_run_s_last_turn_waits_for_the_next_run);
    tcase_add_test(tests, a_call_queued_while_draining_runs_on_the_next_turn);
    tcase_add_test(tests, after_the_reactor_has_gone_a_call_answers_shutdown_and_takes_nothing);
    tcase_add_test(tests, a_context_is_released_once_after_its_call);
    tcase_add_test(tests, a_call_that_the_reactor_s_end_drops_is_released_and_not_made);
    tcase_add_test(tests, a_batch_of_calls_costs_one_wake_up);
    tcase_add_test(tests, without_eventfd_a_pipe_wakes_the_loop);
    tcase_add_test(tests, without_any_descriptor_there_is_no_reactor);
    tcase_add_test(tests, threads_may_go_on_calling_while_the_reactor_goes);
    tcase_add_test(tests, every_accepted_context_is_released_exactly_once);
    tcase_add_test(tests, without_memory_a_call_says_so_and_takes_nothing);
    tcase_add_test(tests, a_mailbox_survives_each_allocation_failing);
    tcase_add_test(tests, a_child_of_a_fork_has_a_mailbox_of_its_own);
}

BIGHT_TEST_MAIN("mailbox", add_tests)
