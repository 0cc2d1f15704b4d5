/* SPDX-License-Identifier: MIT */
/* test_close.c - the ways in which a connection ends (T3 to T5, T7 to T12). */
#include <errno.h>

#include <bight/log.h>

#include "transport_support.h"

START_TEST(lose_flushes_shuts_and_ends_with_the_peers_eof) /* T7 */
{
    set_up();
    bight_transport_write(transport, "bye", 3);
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    ck_assert(!bight_transport_is_open(transport));
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "bye");
    ck_assert(bight_string_is_shut(peer));
    ck_assert(!bight_string_is_closed(peer));
    ck_heard("");
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    ck_assert(bight_string_is_closed(peer));
    ck_assert(!bight_string_was_reset(peer));
    tear_down();
}
END_TEST

START_TEST(lose_twice_is_a_no_op) /* T7 */
{
    set_up();
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(what_comes_after_lose_is_read_and_thrown_away) /* T7 */
{
    set_up();
    bight_transport_lose_connection(transport);
    settle();
    ck_assert_uint_eq(bight_string_feed_text(peer, "more"), 0);
    ck_heard("");
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(the_linger_ends_after_five_seconds) /* T7 */
{
    set_up();
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 4.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(the_linger_ends_after_16_MiB) /* T7 */
{
    set_up();
    uint8_t *data = make_data(1 << 20);
    bight_transport_lose_connection(transport);
    settle();
    for (int i = 0; i < 15; i++) {
        ck_assert_uint_eq(bight_string_feed(peer, data, 1 << 20), 0);
    }
    ck_heard("");
    bight_string_feed(peer, data, 1 << 20);
    ck_heard("lost:CONNECTION_DONE");
    free(data);
    tear_down();
}
END_TEST

START_TEST(the_linger_can_be_set) /* T7 */
{
    set_up();
    ck_assert_int_eq(bight_transport_set_linger(transport, 1, 100), 0);
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 0.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(no_linger_closes_right_after_the_flush) /* T7 */
{
    set_up();
    bight_transport_set_linger(transport, 0, 0);
    bight_transport_write(transport, "x", 1);
    bight_transport_lose_connection(transport);
    settle();
    ck_heard("lost:CONNECTION_DONE");
    ck_assert_str_eq(bight_string_written_text(peer), "x");
    tear_down();
}
END_TEST

START_TEST(no_linger_stays_so_when_other_settings_come) /* T7 */
{
    double seconds;
    size_t bytes;
    set_up();
    bight_transport_set_linger(transport, 0, 0);
    bight_transport_set_watermarks(transport, 10, 20);
    bight_transport_get_linger(transport, &seconds, &bytes);
    ck_assert_double_eq(seconds, 0);
    ck_assert_uint_eq(bytes, 0);
    bight_transport_lose_connection(transport);
    settle();
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(a_linger_can_be_asked_for_again) /* T7 */
{
    double seconds;
    size_t bytes;
    set_up();
    bight_transport_set_linger(transport, 0, 0);
    ck_assert_int_eq(bight_transport_set_linger(transport, 1, 100), 0);
    bight_transport_get_linger(transport, &seconds, &bytes);
    ck_assert_double_eq(seconds, 1);
    ck_assert_uint_eq(bytes, 100);
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 0.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(a_linger_of_no_bytes_is_none) /* T7 */
{
    double seconds;
    size_t bytes;
    set_up();
    ck_assert_int_eq(bight_transport_set_linger(transport, 3, 0), 0);
    bight_transport_get_linger(transport, &seconds, &bytes);
    ck_assert_double_eq(seconds, 3);
    ck_assert_uint_eq(bytes, 0);
    bight_transport_lose_connection(transport);
    settle();
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(a_peer_that_only_writes_does_not_stall_the_flush) /* T7 */
{
    set_up();
    uint8_t *data = make_data(100000);
    bight_string_set_window(peer, 10000);
    bight_transport_write(transport, data, 100000);
    bight_transport_pause(transport);
    bight_transport_lose_connection(transport);
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_eq(bight_string_feed(peer, data, 100000), 0);
        bight_string_clear(peer);
    }
    ck_assert(bight_string_is_shut(peer));
    ck_heard("");
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    free(data);
    tear_down();
}
END_TEST

START_TEST(a_flush_without_progress_times_out_after_30_s) /* T7 */
{
    set_up();
    uint8_t *data = make_data(5000);
    bight_string_set_window(peer, 1024);
    bight_transport_write(transport, data, 5000);
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 29);
    bight_string_clear(peer);
    bight_testing_advance(reactor, 29);
    ck_heard("");
    bight_testing_advance(reactor, 2);
    ck_heard("lost:TIMED_OUT");
    ck_assert(bight_string_was_reset(peer));
    free(data);
    tear_down();
}
END_TEST

START_TEST(the_flush_timeout_can_be_set) /* T7 */
{
    set_up();
    bight_transport_set_flush_timeout(transport, 2);
    bight_string_set_window(peer, 0);
    bight_transport_write(transport, "x", 1);
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 1.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(a_reset_after_the_flush_is_still_done) /* T5, T7 */
{
    set_up();
    bight_transport_lose_connection(transport);
    settle();
    bight_string_reset(peer, ECONNRESET);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(a_reset_during_the_flush_is_lost) /* T5, T7 */
{
    set_up();
    bight_string_set_window(peer, 0);
    bight_transport_write(transport, "x", 1);
    bight_transport_lose_connection(transport);
    settle();
    bight_string_reset(peer, ECONNRESET);
    ck_heard("lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(lose_waits_for_the_producer) /* T8, T9 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_lose_connection(transport);
    settle();
    ck_assert(!bight_string_is_shut(peer));
    ck_assert_int_eq(bight_transport_write(transport, "more", 4), 0);
    ck_assert_int_eq(bight_transport_unregister_producer(transport), 0);
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_CLOSED);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "more");
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    ck_assert_int_eq(stops, 0);
    tear_down();
}
END_TEST

START_TEST(a_slow_producer_has_time_but_a_stuck_peer_has_not) /* T7, T8 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_lose_connection(transport);
    for (int i = 0; i < 10; i++) {
        bight_testing_advance(reactor, 29);
        bight_transport_write(transport, "ab", 2);
    }
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "abababababababababab");
    ck_heard("");
    bight_string_set_window(peer, 1);
    bight_transport_write(transport, "cd", 2);
    bight_testing_advance(reactor, 31);
    ck_heard("stop lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(a_producer_that_writes_nothing_more_is_not_waited_for) /* T8 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_write(transport, "all there was", 13);
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 29);
    ck_heard("");
    bight_testing_advance(reactor, 2);
    ck_heard("stop");
    ck_assert_str_eq(bight_string_written_text(peer), "all there was");
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

/* Else 16 MiB could be held for years. */
START_TEST(a_peer_that_takes_a_byte_now_and_then_makes_no_progress) /* T7 */
{
    set_up();
    uint8_t *data = make_data(5000);
    bight_string_set_window(peer, 1);
    bight_transport_write(transport, data, 5000);
    bight_transport_lose_connection(transport);
    for (int i = 0; i < 31; i++) {
        bight_testing_advance(reactor, 1);
        bight_string_clear(peer);
    }
    ck_heard("lost:TIMED_OUT");
    free(data);
    tear_down();
}
END_TEST

START_TEST(the_last_bytes_are_progress_however_few) /* T7 */
{
    set_up();
    bight_string_set_window(peer, 1);
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_lose_connection(transport);
    for (int i = 0; i < 5; i++) {
        bight_transport_write(transport, "ab", 2);
        bight_testing_advance(reactor, 29);
        bight_string_clear(peer);
        settle();
        bight_string_clear(peer);
    }
    ck_heard("");
    tear_down();
}
END_TEST

START_TEST(writes_after_lose_answer_closed_and_take_nothing) /* T9 */
{
    int released = 0;
    set_up();
    bight_transport_lose_connection(transport);
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_write(transport, "", 0), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_write_lent(transport, "x", 1, count_release, &released), BIGHT_E_CLOSED);
    tear_down();
    ck_assert_int_eq(released, 0);
}
END_TEST

START_TEST(abort_resets_on_a_later_turn) /* T10 */
{
    set_up();
    bight_string_set_window(peer, 0);
    bight_transport_write(transport, "never", 5);
    settle();
    ck_assert_int_eq(bight_transport_abort_connection(transport), 0);
    ck_assert_int_eq(bight_transport_abort_connection(transport), 0);
    ck_heard("");
    settle();
    ck_heard("lost:CONNECTION_ABORTED");
    ck_assert(bight_string_was_reset(peer));
    ck_assert_str_eq(bight_string_written_text(peer), "");
    tear_down();
}
END_TEST

START_TEST(abort_wins_over_lose) /* T10 */
{
    set_up();
    bight_transport_lose_connection(transport);
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

START_TEST(the_producers_one_stop_comes_at_loss) /* T4, T10, T14 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_abort_connection(transport);
    ck_heard("");
    settle();
    ck_heard("stop lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

static void abort_it(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    bight_transport_abort_connection(p->transport);
}

START_TEST(no_data_is_received_after_abort) /* T10 */
{
    on.data = abort_it;
    set_up();
    bight_string_feed_chunked(peer, "abc", 3, 1);
    ck_heard("data:a lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

static void ended(struct bight_factory *factory, const struct bight_failure *reason)
{
    (void)factory;
    hear("ended:%s", bight_error_name(bight_failure_code(reason)));
}

static void cancelled(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert(bight_string_is_closed(peer));
    hear("tie:%s", bight_error_name(bight_failure_code(bight_result_failure(result))));
    bight_result_clear(result);
}

static void stop_before_the_close(void *context)
{
    (void)context;
    ck_assert(!bight_string_is_closed(peer));
    hear("stop");
}

START_TEST(the_order_at_loss) /* T4 */
{
    static const struct bight_producer_ops stopped_first = { .stop = stop_before_the_close };
    static const struct bight_factory_ops ops = { .connection_ended = ended };
    struct bight_promise promise;
    probe_factory.ops = &ops;
    set_up();
    struct bight_deferred *tied = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_errback(tied, cancelled, NULL);
    bight_protocol_tie(protocol, tied);
    bight_deferred_release(tied);
    bight_transport_register_producer(transport, &stopped_first, NULL, true);
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("stop tie:CANCELLED lost:CONNECTION_ABORTED ended:CONNECTION_ABORTED");
    ck_assert(bight_string_is_closed(peer));
    tear_down();
}
END_TEST

static void ignore_log(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

static bool lose_to_a_stuck_peer(void *context)
{
    (void)context;
    heard[0] = '\0';
    bight_log_set_observer(ignore_log, NULL);
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    if (peer != NULL && bight_string_protocol(peer) != NULL) {
        bight_string_set_window(peer, 0);
        transport = bight_string_protocol(peer)->transport;
        (void)bight_transport_write(transport, "stuck", 5);
        (void)bight_transport_lose_connection(transport);
        bight_testing_advance(reactor, 31);
    }
    bool ended = peer == NULL || bight_string_protocol(peer) == NULL;
    bool good = ended && (bight_testing_fault_injected() || strcmp(heard, "made lost:TIMED_OUT") == 0);
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    return good;
}

START_TEST(a_stuck_flush_ends_however_little_memory_there_is) /* T7 */
{
    ck_assert_uint_eq(bight_testing_with_faults(lose_to_a_stuck_peer, NULL, 0), 0);
}
END_TEST

START_TEST(a_shutdown_that_cuts_a_stream_short_resets_it) /* R3, T5 */
{
    set_up();
    bight_string_set_window(peer, 10);
    ck_assert_int_eq(bight_transport_write(transport, "more than the window", 20), 0);
    settle();
    bight_reactor_free(reactor);
    ck_heard("lost:CONNECTION_LOST");
    ck_assert(bight_string_was_reset(peer));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(a_shutdown_after_all_was_sent_ends_the_stream_in_order) /* R3 */
{
    set_up();
    ck_assert_int_eq(bight_transport_write(transport, "all of it", 9), 0);
    settle();
    bight_reactor_free(reactor);
    ck_heard("lost:CONNECTION_LOST");
    ck_assert(bight_string_is_closed(peer) && !bight_string_was_reset(peer));
    bight_string_peer_free(peer);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_shutdown_that_cuts_a_stream_short_resets_it);
    tcase_add_test(tests, a_shutdown_after_all_was_sent_ends_the_stream_in_order);
    tcase_add_test(tests, lose_flushes_shuts_and_ends_with_the_peers_eof);
    tcase_add_test(tests, lose_twice_is_a_no_op);
    tcase_add_test(tests, what_comes_after_lose_is_read_and_thrown_away);
    tcase_add_test(tests, the_linger_ends_after_five_seconds);
    tcase_add_test(tests, the_linger_ends_after_16_MiB);
    tcase_add_test(tests, the_linger_can_be_set);
    tcase_add_test(tests, no_linger_closes_right_after_the_flush);
    tcase_add_test(tests, no_linger_stays_so_when_other_settings_come);
    tcase_add_test(tests, a_linger_can_be_asked_for_again);
    tcase_add_test(tests, a_linger_of_no_bytes_is_none);
    tcase_add_test(tests, a_peer_that_only_writes_does_not_stall_the_flush);
    tcase_add_test(tests, a_flush_without_progress_times_out_after_30_s);
    tcase_add_test(tests, the_flush_timeout_can_be_set);
    tcase_add_test(tests, a_reset_after_the_flush_is_still_done);
    tcase_add_test(tests, a_reset_during_the_flush_is_lost);
    tcase_add_test(tests, lose_waits_for_the_producer);
    tcase_add_test(tests, a_slow_producer_has_time_but_a_stuck_peer_has_not);
    tcase_add_test(tests, a_producer_that_writes_nothing_more_is_not_waited_for);
    tcase_add_test(tests, a_peer_that_takes_a_byte_now_and_then_makes_no_progress);
    tcase_add_test(tests, the_last_bytes_are_progress_however_few);
    tcase_add_test(tests, writes_after_lose_answer_closed_and_take_nothing);
    tcase_add_test(tests, abort_resets_on_a_later_turn);
    tcase_add_test(tests, abort_wins_over_lose);
    tcase_add_test(tests, the_producers_one_stop_comes_at_loss);
    tcase_add_test(tests, no_data_is_received_after_abort);
    tcase_add_test(tests, the_order_at_loss);
    tcase_add_test(tests, a_stuck_flush_ends_however_little_memory_there_is);
}

BIGHT_TEST_MAIN("close", add_tests)
