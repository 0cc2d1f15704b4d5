/* SPDX-License-Identifier: MIT */
/* test_switch.c - handing a live connection from protocol to protocol (T23). */
#include "transport_support.h"

static void (*second_made)(struct bight_protocol *p);

static void made(struct bight_protocol *p)
{
    hear("second-made");
    if (second_made != NULL) {
        second_made(p);
    }
}

static void received(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    hear("second:%.*s", (int)size, (const char *)data);
    bight_transport_write(p->transport, data, size);
}

static void lost(struct bight_protocol *p, const struct bight_failure *reason)
{
    (void)p;
    hear("second-lost:%s", bight_error_name(bight_failure_code(reason)));
}

static const struct bight_protocol_ops second_ops = {
    .connection_made = made,
    .data_received = received,
    .connection_lost = lost,
};
static struct bight_factory second_factory = BIGHT_FACTORY(struct bight_protocol, &second_ops);

/* On "...|rest" hands over with "rest". */
static void hand_over(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    const uint8_t *bar = memchr(data, '|', size);
    if (bar == NULL) {
        return;
    }
    struct bight_protocol *next = bight_protocol_new(&second_factory);
    size_t rest = size - (size_t)(bar + 1 - data);
    ck_assert_int_eq(bight_transport_switch_protocol(p->transport, next, bar + 1, rest), 0);
    ck_assert_int_eq(bight_transport_write(p->transport, "bye ", 4), 0);
    hear("asked");
}

static void use_after(struct bight_protocol *p)
{
    ck_assert_int_eq(bight_transport_write(p->transport, "x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_lose_connection(p->transport), BIGHT_E_CLOSED);
    ck_assert_ptr_null(bight_transport_reactor(p->transport));
}

START_TEST(the_new_protocol_gets_connection_made_then_the_rest) /* T23 */
{
    on.data = hand_over;
    on.replaced = use_after;
    set_up();
    uint64_t id = bight_transport_id(transport);
    bight_string_feed_text(peer, "a|bc");
    ck_heard("data:a|bc asked replaced second-made second:bc");
    bight_string_feed_text(peer, "d");
    ck_heard("second:d");
    ck_assert_str_eq(bight_string_written_text(peer), "bye bcd");
    ck_assert_uint_eq(bight_transport_id(transport), id);
    ck_assert_uint_eq(second_factory.connections, 1);
    bight_string_end(peer);
    ck_heard("second-lost:CONNECTION_DONE");
    tear_down();
    ck_assert_uint_eq(second_factory.connections, 0);
}
END_TEST

START_TEST(outside_a_handler_it_happens_on_a_later_turn) /* T23 */
{
    set_up();
    ck_assert_int_eq(bight_transport_switch_protocol(transport, bight_protocol_new(&second_factory), "x", 1), 0);
    ck_heard("");
    settle();
    ck_heard("replaced second-made second:x");
    tear_down();
}
END_TEST

static void switch_in_made(struct bight_protocol *p)
{
    ck_assert_int_eq(bight_transport_switch_protocol(p->transport, bight_protocol_new(&second_factory), NULL, 0), 0);
}

START_TEST(it_can_be_asked_for_in_connection_made) /* T23 */
{
    on.made = switch_in_made;
    set_up_as(true);
    ck_heard("made replaced second-made");
    tear_down();
}
END_TEST

static void pause_second(struct bight_protocol *p)
{
    bight_transport_pause(p->transport);
}

START_TEST(the_new_protocol_can_pause_before_it_gets_the_rest) /* T2, T23 */
{
    on.data = hand_over;
    second_made = pause_second;
    set_up();
    bight_string_feed_text(peer, "|bc");
    bight_string_feed_text(peer, "d");
    ck_heard("data:|bc asked replaced second-made");
    bight_transport_resume(transport);
    ck_heard("");
    settle();
    ck_heard("second:bc second:d");
    tear_down();
}
END_TEST

START_TEST(a_second_switch_while_one_is_pending_is_a_usage_error) /* T23 */
{
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    struct bight_protocol *next = bight_protocol_new(&second_factory);
    bight_transport_switch_protocol(transport, bight_protocol_new(&second_factory), NULL, 0);
    ck_assert_int_eq(bight_transport_switch_protocol(transport, next, NULL, 0), BIGHT_E_USAGE);
    bight_protocol_free(next);
    settle();
    ck_assert_uint_eq(second_factory.connections, 1);
    tear_down();
}
END_TEST

START_TEST(abort_before_the_switch_is_the_old_ones) /* T23, T22 */
{
    set_up();
    bight_transport_switch_protocol(transport, bight_protocol_new(&second_factory), "rest", 4);
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("lost:CONNECTION_ABORTED");
    ck_assert_uint_eq(second_factory.connections, 0);
    tear_down();
}
END_TEST

START_TEST(lose_before_the_switch_is_the_old_ones) /* T23, T22 */
{
    set_up();
    bight_transport_switch_protocol(transport, bight_protocol_new(&second_factory), "rest", 4);
    bight_transport_lose_connection(transport);
    settle();
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

static void abort_in_replaced(struct bight_protocol *p)
{
    (void)p;
    bight_transport_abort_connection(transport);
}

START_TEST(abort_in_protocol_replaced_is_the_new_ones) /* T23, T22 */
{
    on.replaced = abort_in_replaced;
    set_up();
    bight_transport_switch_protocol(transport, bight_protocol_new(&second_factory), "rest", 4);
    settle();
    ck_heard("replaced second-made second-lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

static void cancelled(struct bight_result *result, void *context)
{
    (void)context;
    hear("tie:%s", bight_error_name(bight_failure_code(bight_result_failure(result))));
    bight_result_clear(result);
}

static struct bight_promise later;

static void put_off(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    bight_result_chain(result, bight_deferred_new(&later, NULL, NULL));
    hear("waiting");
}

START_TEST(the_old_protocols_ties_are_cancelled_and_keep_its_memory) /* T23, D32 */
{
    struct bight_promise promise;
    on.data = hand_over;
    set_up();
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_errback(deferred, cancelled, NULL);
    bight_protocol_tie(protocol, deferred);
    bight_deferred_release(deferred);
    bight_string_feed_text(peer, "|");
    ck_heard("data:| asked tie:CANCELLED replaced second-made");
    tear_down();
}
END_TEST

START_TEST(a_tied_deferred_that_goes_on_waiting_is_cancelled_again) /* D32 */
{
    struct bight_promise promise;
    set_up();
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_errback(deferred, put_off, NULL);
    bight_deferred_add_errback(deferred, cancelled, NULL);
    bight_protocol_tie(protocol, deferred);
    bight_deferred_release(deferred);
    bight_transport_abort_connection(transport);
    settle();
    (void)bight_callback(later, NULL, NULL);
    tear_down();
    ck_assert_ptr_nonnull(strstr(heard, "waiting"));
}
END_TEST

START_TEST(a_held_old_protocol_outlives_the_connection) /* T3, T23 */
{
    on.data = hand_over;
    set_up();
    bight_protocol_hold(protocol);
    bight_string_feed_text(peer, "|");
    bight_string_end(peer);
    use_after(protocol);
    tear_down();
    bight_protocol_release(protocol);
}
END_TEST

static void switch_again(struct bight_protocol *p)
{
    static int left = 3;
    if (left-- > 0) {
        switch_in_made(p);
    }
}

START_TEST(a_chain_of_switches_keeps_the_bytes) /* T23 */
{
    on.data = hand_over;
    second_made = switch_again;
    set_up();
    bight_string_feed_text(peer, "|rest");
    ck_heard("data:|rest asked replaced second-made second-made second-made second-made second:rest");
    ck_assert_uint_eq(second_factory.connections, 1);
    tear_down();
}
END_TEST

static bool switch_at_end(struct bight_protocol *p)
{
    switch_in_made(p);
    return true;
}

START_TEST(the_new_protocol_hears_of_an_eof_that_the_old_one_switched_at) /* T11, T23 */
{
    on.read_lost = switch_at_end;
    set_up();
    bight_string_end(peer);
    ck_heard("read-lost replaced second-made second-lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

/* Each protocol takes one byte and hands the rest to the next. */
static void one_by_one(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    heard[0] = '\0';
    if (size > 1) {
        struct bight_protocol *next = bight_protocol_new(&probe_factory);
        ck_assert_int_eq(bight_transport_switch_protocol(p->transport, next, data + 1, size - 1), 0);
    }
}

START_TEST(thousands_of_switches_in_a_row_use_no_stack) /* T23 */
{
    on.data = one_by_one;
    set_up();
    uint8_t *data = make_data(30000);
    bight_string_feed(peer, data, 30000);
    while (bytes_heard < (size_t)30000 * 30001 / 2) { /* some on each turn, so that others have theirs */
        ck_assert_uint_gt(bight_testing_settle(reactor, 1000), 0);
    }
    ck_assert_uint_eq(bytes_heard, (size_t)30000 * 30001 / 2);
    ck_assert_uint_eq(probe_factory.connections, 1); /* however often it was switched */
    free(data);
    tear_down();
}
END_TEST

static bool faulty(void *context)
{
    (void)context;
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    if (reactor == NULL) {
        return true;
    }
    peer = bight_string_connect(reactor, &probe_factory, true);
    if (peer != NULL) {
        struct bight_protocol *p = bight_string_protocol(peer);
        struct bight_protocol *next = bight_protocol_new(&second_factory);
        if (p == NULL || next == NULL || bight_transport_switch_protocol(p->transport, next, "rest", 4) != BIGHT_OK) {
            bight_protocol_free(next);
        }
        (void)bight_testing_settle(reactor, 100);
        bight_string_feed_text(peer, "more");
        bight_string_end(peer);
    }
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    bool ended = peer == NULL || strstr(heard, "lost:") != NULL;
    peer = NULL;
    return ended && probe_factory.connections == 0 && second_factory.connections == 0;
}

START_TEST(a_switch_survives_every_failed_allocation) /* D34, T23 */
{
    ck_assert_uint_eq(bight_testing_with_faults(faulty, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_new_protocol_gets_connection_made_then_the_rest);
    tcase_add_test(tests, outside_a_handler_it_happens_on_a_later_turn);
    tcase_add_test(tests, it_can_be_asked_for_in_connection_made);
    tcase_add_test(tests, the_new_protocol_can_pause_before_it_gets_the_rest);
    tcase_add_test(tests, a_second_switch_while_one_is_pending_is_a_usage_error);
    tcase_add_test(tests, abort_before_the_switch_is_the_old_ones);
    tcase_add_test(tests, lose_before_the_switch_is_the_old_ones);
    tcase_add_test(tests, abort_in_protocol_replaced_is_the_new_ones);
    tcase_add_test(tests, the_old_protocols_ties_are_cancelled_and_keep_its_memory);
    tcase_add_test(tests, a_tied_deferred_that_goes_on_waiting_is_cancelled_again);
    tcase_add_test(tests, a_held_old_protocol_outlives_the_connection);
    tcase_add_test(tests, a_chain_of_switches_keeps_the_bytes);
    tcase_add_test(tests, the_new_protocol_hears_of_an_eof_that_the_old_one_switched_at);
    tcase_add_test(tests, thousands_of_switches_in_a_row_use_no_stack);
    tcase_add_test(tests, a_switch_survives_every_failed_allocation);
}

BIGHT_TEST_MAIN("switch", add_tests)
