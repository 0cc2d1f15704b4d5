/* SPDX-License-Identifier: MIT */
/* test_figures.c - what a reactor counts: turns, handlers, timers, Deferreds, connections, bytes, threads.
 *
 * How long its handlers take is in test_figures_timing.c. */
#include "figures_support.h"

#include <pthread.h>

/* ----------------------------------------------------------------------------------------- the call */

START_TEST(figures_need_their_size) /* G1 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    figures.size = 0;
    ck_assert_int_eq(bight_reactor_read_figures(reactor, &figures), BIGHT_E_INVALID_ARGUMENT);
    figures.size = sizeof figures + 1;
    ck_assert_int_eq(bight_reactor_read_figures(reactor, &figures), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_reactor_read_figures(reactor, NULL), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(an_older_programs_figures_are_filled_as_far_as_they_go) /* G1 */
{
    run_handler(MILLISECOND);
    memset(&figures, 0x55, sizeof figures);
    figures.size = offsetof(struct bight_reactor_figures, is_timed);
    ck_assert_int_eq(bight_reactor_read_figures(reactor, &figures), 0);
    ck_assert_uint_gt(figures.turns, 0);
    ck_assert_uint_eq(figures.handlers, 1);
    ck_assert_uint_eq(figures.blocks, UINT64_C(0x5555555555555555));
}
END_TEST

/* ---------------------------------------------------------------------------------------- counting */

START_TEST(turns_and_handlers_are_counted) /* G1 */
{
    read_figures();
    ck_assert_uint_eq(figures.turns, 0);
    ck_assert_uint_eq(figures.handlers, 0);
    run_handler(0);
    run_handler(0);
    bi_reactor_turn(reactor, false);
    read_figures();
    ck_assert_uint_ge(figures.turns, 3);
    ck_assert_uint_eq(figures.handlers, 2);
}
END_TEST

static void read_inside(void *context)
{
    (void)context;
    read_figures();
}

START_TEST(the_handler_that_asks_is_counted) /* G1 */
{
    bight_call_later(reactor, 0, read_inside, NULL, NULL);
    fake_advance(&fake, reactor, 0);
    ck_assert_uint_eq(figures.handlers, 1);
    ck_assert_uint_eq(sum_of_times(), 0);
}
END_TEST

static void enter_twice(void *context)
{
    (void)context;
    bi_reactor_enter(reactor);
    fake.now += MILLISECOND;
    bi_reactor_leave(reactor);
}

START_TEST(handlers_inside_a_handler_are_not_counted) /* G1 */
{
    bight_reactor_set_timing(reactor, true);
    bight_call_later(reactor, 0, enter_twice, NULL, NULL);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_uint_eq(figures.handlers, 1);
    ck_assert_uint_eq(figures.handler_time, MILLISECOND);
}
END_TEST

START_TEST(timers_pending_and_fired_are_counted) /* G1 */
{
    struct bight_timer timer;
    bight_call_later(reactor, 1, ignore, NULL, NULL);
    bight_call_later(reactor, 1, ignore, NULL, NULL);
    bight_call_later(reactor, 2, ignore, NULL, &timer);
    read_figures();
    ck_assert_uint_eq(figures.timers_pending, 3);
    ck_assert_uint_eq(figures.timers_fired, 0);
    fake_advance(&fake, reactor, 1000 * MILLISECOND);
    bight_timer_cancel(timer);
    read_figures();
    ck_assert_uint_eq(figures.timers_pending, 0);
    ck_assert_uint_eq(figures.timers_fired, 2);
}
END_TEST

START_TEST(deferreds_alive_are_counted) /* G1 */
{
    struct bight_promise promises[100];
    struct bight_deferred *deferreds[100];
    read_figures();
    uint64_t before = figures.deferreds;
    for (size_t i = 0; i < 100; i++) {
        deferreds[i] = bight_deferred_new(&promises[i], NULL, NULL);
    }
    read_figures();
    ck_assert_uint_eq(figures.deferreds, before + 100);
    for (size_t i = 0; i < 100; i++) {
        bight_callback(promises[i], NULL, NULL);
        bight_deferred_release(deferreds[i]);
    }
    read_figures();
    ck_assert_uint_eq(figures.deferreds, before);
}
END_TEST

static void *count_in_thread(void *context)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    read_figures();
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
    return context;
}

START_TEST(deferreds_of_other_threads_are_among_them) /* G1 */
{
    pthread_t thread;
    read_figures();
    uint64_t before = figures.deferreds;
    ck_assert_int_eq(pthread_create(&thread, NULL, count_in_thread, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(figures.deferreds, before + 1);
}
END_TEST

START_TEST(reading_figures_allocates_nothing) /* G1 */
{
    bight_testing_count_allocations(true);
    read_figures();
    ck_assert_uint_eq(bight_testing_allocation_count(), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------- connections */

static void echo(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    bight_transport_write(protocol->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

START_TEST(connections_and_bytes_are_counted) /* G1 */
{
    struct bight_string_peer *accepted = bight_string_connect(reactor, &factory, true);
    struct bight_string_peer *made = bight_string_connect(reactor, &factory, false);
    static char large[10000];
    bight_string_feed(accepted, "hello", 5);
    bight_string_feed(made, large, sizeof large);
    read_figures();
    ck_assert_uint_eq(figures.connections_open, 2);
    ck_assert_uint_eq(figures.connections_accepted, 1);
    ck_assert_uint_eq(figures.connections_made, 1);
    ck_assert_uint_eq(figures.bytes_received, 10005);
    ck_assert_uint_eq(figures.bytes_sent, 10005);
    bight_string_peer_free(accepted);
    bight_string_peer_free(made);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_uint_eq(figures.connections_open, 0);
    ck_assert_uint_eq(figures.connections_accepted, 1);
}
END_TEST

START_TEST(bytes_that_were_not_taken_are_counted_when_they_are) /* G1 */
{
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory, true);
    static char large[10000];
    bight_string_set_window(peer, 3000);
    bight_string_feed(peer, large, sizeof large);
    read_figures();
    ck_assert_uint_eq(figures.bytes_sent, 3000);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    read_figures();
    ck_assert_uint_eq(figures.bytes_sent, 10000);
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(ports_are_counted_while_they_are_open) /* G1 */
{
    struct bight_deferred *listening = bight_listen(reactor, "tcp:0:interface=127.0.0.1", &factory);
    fake_advance(&fake, reactor, 0);
    struct bight_result *result = bight_deferred_result(listening);
    ck_assert_ptr_nonnull(result);
    struct bight_port *port = bight_result_peek(result, &bight_type_port);
    ck_assert_ptr_nonnull(port);
    read_figures();
    ck_assert_uint_eq(figures.ports_open, 1);
    bight_deferred_release(bight_port_stop_listening(port));
    read_figures();
    ck_assert_uint_eq(figures.ports_open, 0);
    bight_deferred_release(listening);
}
END_TEST

static pthread_barrier_t begun, ending;

static void work(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    pthread_barrier_wait(&begun);
    pthread_barrier_wait(&ending);
}

static void idle(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

START_TEST(threads_and_jobs_of_all_pools_are_counted) /* G1 */
{
    struct bight_thread_pool *pool = bight_thread_pool_new(reactor, "one", 1);
    read_figures();
    ck_assert_uint_eq(figures.threads, 0);
    ck_assert_uint_eq(figures.jobs_queued, 0);
    pthread_barrier_init(&begun, NULL, 3);
    pthread_barrier_init(&ending, NULL, 3);
    bight_deferred_release(bight_thread_pool_defer(pool, work, NULL));
    bight_deferred_release(bight_defer_to_thread(reactor, work, NULL));
    pthread_barrier_wait(&begun);
    bight_deferred_release(bight_thread_pool_defer(pool, idle, NULL));
    read_figures();
    ck_assert_uint_eq(figures.threads, 2);
    ck_assert_uint_eq(figures.threads_busy, 2);
    ck_assert_uint_eq(figures.jobs_queued, 1);
    pthread_barrier_wait(&ending);
    bight_thread_pool_free(pool);
}
END_TEST

static void wait_for_it(struct bight_result *result, void *deferred)
{
    (void)bight_await(deferred, result);
}

START_TEST(coroutines_are_counted_until_they_have_ended) /* G1 */
{
    struct bight_promise promise;
    struct bight_deferred *awaited = bight_deferred_new(&promise, NULL, NULL);
    struct bight_deferred *outer = bight_spawn(reactor, wait_for_it, awaited);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_uint_eq(figures.coroutines, 1);
    bight_callback(promise, NULL, NULL);
    fake_advance(&fake, reactor, 0);
    read_figures();
    ck_assert_uint_eq(figures.coroutines, 0);
    bight_deferred_release(outer);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, figures_need_their_size);
    tcase_add_test(tests, an_older_programs_figures_are_filled_as_far_as_they_go);
    tcase_add_test(tests, turns_and_handlers_are_counted);
    tcase_add_test(tests, the_handler_that_asks_is_counted);
    tcase_add_test(tests, handlers_inside_a_handler_are_not_counted);
    tcase_add_test(tests, timers_pending_and_fired_are_counted);
    tcase_add_test(tests, deferreds_alive_are_counted);
    tcase_add_test(tests, deferreds_of_other_threads_are_among_them);
    tcase_add_test(tests, connections_and_bytes_are_counted);
    tcase_add_test(tests, bytes_that_were_not_taken_are_counted_when_they_are);
    tcase_add_test(tests, ports_are_counted_while_they_are_open);
    tcase_add_test(tests, threads_and_jobs_of_all_pools_are_counted);
    tcase_add_test(tests, coroutines_are_counted_until_they_have_ended);
}

int main(void)
{
    Suite *suite = suite_create("figures");
    TCase *counted = tcase_create("counted"), *tests = tcase_create("figures");
    bight_testing_count_allocations(false); /* installs the allocator, before anything else is used */
    tcase_add_checked_fixture(counted, set_up, tear_down);
    tcase_add_test(counted, reading_figures_allocates_nothing);
    add_tests(tests);
    suite_add_tcase(suite, counted);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
