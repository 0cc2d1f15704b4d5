/* SPDX-License-Identifier: MIT */
/* test_string.c - the string transport: a connection in memory behaves as one through the kernel does.
 *
 * The transports themselves are tested elsewhere; here it is what tests of protocols rely on: chunking, the window,
 * EOF, reset, and that the peer may be freed at any time. */
#include <bight/testing.h>

#include <errno.h>

#include "support.h"

struct recorder {
    struct bight_protocol base;
    bool echoes;
};

static size_t sizes[64]; /* of the pieces received */
static size_t pieces;
static char received[256];
static int lost_code; /* 1: not lost */
static bool half_close;
static struct bight_reactor *reactor;

static void on_made(struct bight_protocol *protocol)
{
    bight_transport_write(protocol->transport, "hello ", 6);
    bight_transport_write(protocol->transport, "there\n", 6);
}

static void on_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)protocol;
    sizes[pieces++] = size;
    strncat(received, (const char *)data, size);
}

static void on_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    lost_code = bight_failure_code(reason);
}

static bool on_read_lost(struct bight_protocol *protocol)
{
    (void)protocol;
    return half_close;
}

static const struct bight_protocol_ops recorder_ops = {
    .connection_made = on_made,
    .data_received = on_data,
    .connection_lost = on_lost,
    .read_connection_lost = on_read_lost,
};
static struct bight_factory factory = BIGHT_FACTORY(struct recorder, &recorder_ops);

static struct bight_string_peer *connect_recorder(void)
{
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    lost_code = 1;
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory, true);
    ck_assert_ptr_nonnull(peer);
    return peer;
}

static void finish(struct bight_string_peer *peer)
{
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
}

static struct bight_transport *near_end(struct bight_string_peer *peer)
{
    return bight_string_protocol(peer)->transport;
}

START_TEST(what_connection_made_writes_can_be_read_at_once) /* T1 */
{
    size_t size;
    struct bight_string_peer *peer = connect_recorder();
    ck_assert_str_eq(bight_string_written_text(peer), "hello there\n");
    ck_assert_mem_eq(bight_string_written(peer, &size), "hello there\n", 12);
    ck_assert_uint_eq(size, 12);
    bight_string_clear(peer);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    finish(peer);
}
END_TEST

START_TEST(what_is_fed_is_received_in_one_piece)
{
    struct bight_string_peer *peer = connect_recorder();
    ck_assert_uint_eq(bight_string_feed_text(peer, "abcdef"), 0);
    ck_assert_str_eq(received, "abcdef");
    ck_assert_uint_eq(pieces, 1);
    finish(peer);
}
END_TEST

START_TEST(chunks_are_received_by_themselves)
{
    struct bight_string_peer *peer = connect_recorder();
    ck_assert_uint_eq(bight_string_feed_chunked(peer, "abcdefg", 7, 3), 0);
    ck_assert_str_eq(received, "abcdefg");
    ck_assert_uint_eq(pieces, 3);
    ck_assert_uint_eq(sizes[0], 3);
    ck_assert_uint_eq(sizes[2], 1);
    finish(peer);
}
END_TEST

START_TEST(a_paused_protocol_leaves_its_input_with_the_peer) /* T2 */
{
    struct bight_string_peer *peer = connect_recorder();
    bight_transport_pause(near_end(peer));
    ck_assert_uint_eq(bight_string_feed_text(peer, "abc"), 3);
    ck_assert_uint_eq(pieces, 0);
    bight_transport_resume(near_end(peer));
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(received, "abc");
    finish(peer);
}
END_TEST

START_TEST(a_closed_window_holds_output_back_until_the_peer_takes_it)
{
    struct bight_string_peer *peer = connect_recorder();
    bight_string_clear(peer);
    bight_string_set_window(peer, 4);
    bight_transport_write(near_end(peer), "abcdefghij", 10);
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(bight_string_written_text(peer), "abcd");
    ck_assert_uint_eq(bight_transport_queued(near_end(peer)), 6);
    bight_string_clear(peer);
    ck_assert_str_eq(bight_string_written_text(peer), "efgh");
    bight_string_clear(peer);
    ck_assert_str_eq(bight_string_written_text(peer), "ij");
    ck_assert_uint_eq(bight_transport_queued(near_end(peer)), 0);
    finish(peer);
}
END_TEST

START_TEST(a_wider_window_lets_output_go_on)
{
    struct bight_string_peer *peer = connect_recorder();
    bight_string_set_window(peer, 0);
    bight_transport_write(near_end(peer), "abc", 3);
    bight_testing_settle(reactor, 10);
    bight_string_set_window(peer, SIZE_MAX);
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(bight_string_written_text(peer), "hello there\nabc");
    finish(peer);
}
END_TEST

START_TEST(the_peers_end_closes_in_good_order) /* T11 */
{
    struct bight_string_peer *peer = connect_recorder();
    bight_string_end(peer);
    ck_assert_int_eq(lost_code, BIGHT_E_CONNECTION_DONE);
    ck_assert(bight_string_is_closed(peer));
    ck_assert(!bight_string_was_reset(peer));
    ck_assert_ptr_null(bight_string_protocol(peer));
    ck_assert_uint_eq(bight_string_feed_text(peer, "late"), 4);
    finish(peer);
}
END_TEST

START_TEST(input_before_the_peers_end_is_received_first)
{
    struct bight_string_peer *peer = connect_recorder();
    bight_transport_pause(near_end(peer));
    bight_string_feed_text(peer, "last words");
    bight_string_end(peer);
    ck_assert_int_eq(lost_code, 1);
    bight_transport_resume(near_end(peer));
    bight_testing_settle(reactor, 100);
    ck_assert_str_eq(received, "last words");
    ck_assert_int_eq(lost_code, BIGHT_E_CONNECTION_DONE);
    finish(peer);
}
END_TEST

START_TEST(a_half_closed_connection_can_still_write) /* T11 */
{
    half_close = true;
    struct bight_string_peer *peer = connect_recorder();
    bight_string_end(peer);
    ck_assert_int_eq(lost_code, 1);
    ck_assert_int_eq(bight_transport_write(near_end(peer), "more", 4), 0);
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(bight_string_written_text(peer), "hello there\nmore");
    bight_transport_lose_connection(near_end(peer));
    bight_testing_settle(reactor, 100);
    ck_assert(bight_string_is_shut(peer));
    ck_assert_int_eq(lost_code, BIGHT_E_CONNECTION_DONE);
    finish(peer);
}
END_TEST

START_TEST(a_reset_loses_the_connection_with_its_number)
{
    struct bight_string_peer *peer = connect_recorder();
    bight_string_reset(peer, ETIMEDOUT);
    ck_assert_int_ne(lost_code, 1);
    ck_assert_int_ne(lost_code, BIGHT_E_CONNECTION_DONE);
    ck_assert(bight_string_is_closed(peer));
    finish(peer);
}
END_TEST

START_TEST(aborting_resets_the_peer) /* T10 */
{
    struct bight_string_peer *peer = connect_recorder();
    bight_transport_abort_connection(near_end(peer));
    ck_assert_int_eq(lost_code, 1);
    bight_testing_settle(reactor, 10);
    ck_assert_int_eq(lost_code, BIGHT_E_CONNECTION_ABORTED);
    ck_assert(bight_string_was_reset(peer));
    finish(peer);
}
END_TEST

START_TEST(freeing_the_peer_of_a_live_connection_is_a_reset)
{
    struct bight_string_peer *peer = connect_recorder();
    bight_string_peer_free(peer);
    ck_assert_int_ne(lost_code, 1);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(the_peer_may_be_freed_after_the_reactor)
{
    struct bight_string_peer *peer = connect_recorder();
    bight_reactor_free(reactor);
    ck_assert_int_ne(lost_code, 1);
    ck_assert(bight_string_is_closed(peer));
    bight_string_end(peer);
    bight_string_clear(peer);
    bight_string_peer_free(peer);
}
END_TEST

static struct bight_protocol *refuse(struct bight_factory *from, const struct bight_address *address)
{
    (void)from;
    (void)address;
    return NULL;
}

START_TEST(a_factory_that_refuses_gives_no_peer) /* T15 */
{
    static const struct bight_factory_ops refusing = { .build_protocol = refuse };
    static struct bight_factory refuser = BIGHT_FACTORY(struct recorder, &recorder_ops);
    refuser.ops = &refusing;
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_null(bight_string_connect(reactor, &refuser, true));
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_connection_has_the_addresses_that_it_was_given) /* T1 */
{
    struct bight_address host, from, told;
    ck_assert_int_eq(bight_address_parse_ip(&host, "192.0.2.1", 80), 0);
    ck_assert_int_eq(bight_address_parse_ip(&from, "2001:db8::7", 4321), 0);
    reactor = bight_testing_reactor_new();
    struct bight_string_peer *peer = bight_string_connect_at(reactor, &factory, true, &host, &from);
    struct bight_transport *transport = bight_string_protocol(peer)->transport;
    ck_assert_int_eq(bight_transport_host(transport, &told), 0);
    ck_assert(bight_address_equal(&told, &host));
    ck_assert_int_eq(bight_transport_peer(transport, &told), 0);
    ck_assert(bight_address_equal(&told, &from));
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(an_idle_timeout_passes_in_virtual_time) /* T24 */
{
    struct bight_string_peer *peer = connect_recorder();
    bight_transport_set_idle_timeout(near_end(peer), 3600);
    bight_testing_advance(reactor, 3599);
    ck_assert_int_eq(lost_code, 1);
    bight_testing_advance(reactor, 3600);
    ck_assert_int_eq(lost_code, BIGHT_E_TIMED_OUT);
    finish(peer);
}
END_TEST

static bool converse(void *context)
{
    (void)context;
    reactor = bight_testing_reactor_new();
    if (reactor == NULL) {
        return bight_testing_fault_injected();
    }
    received[0] = '\0';
    pieces = 0;
    lost_code = 1;
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory, true);
    if (peer != NULL) {
        bight_string_feed_text(peer, "abc");
        bight_string_end(peer);
        finish(peer);
        return bight_testing_fault_injected() || (lost_code == BIGHT_E_CONNECTION_DONE && strcmp(received, "abc") == 0);
    }
    bight_reactor_free(reactor);
    return bight_testing_fault_injected();
}

START_TEST(a_conversation_survives_each_allocation_fault)
{
    ck_assert_uint_eq(bight_testing_with_faults(converse, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_connection_made_writes_can_be_read_at_once);
    tcase_add_test(tests, what_is_fed_is_received_in_one_piece);
    tcase_add_test(tests, chunks_are_received_by_themselves);
    tcase_add_test(tests, a_paused_protocol_leaves_its_input_with_the_peer);
    tcase_add_test(tests, a_closed_window_holds_output_back_until_the_peer_takes_it);
    tcase_add_test(tests, a_wider_window_lets_output_go_on);
    tcase_add_test(tests, the_peers_end_closes_in_good_order);
    tcase_add_test(tests, input_before_the_peers_end_is_received_first);
    tcase_add_test(tests, a_half_closed_connection_can_still_write);
    tcase_add_test(tests, a_reset_loses_the_connection_with_its_number);
    tcase_add_test(tests, aborting_resets_the_peer);
    tcase_add_test(tests, freeing_the_peer_of_a_live_connection_is_a_reset);
    tcase_add_test(tests, the_peer_may_be_freed_after_the_reactor);
    tcase_add_test(tests, a_factory_that_refuses_gives_no_peer);
    tcase_add_test(tests, a_connection_has_the_addresses_that_it_was_given);
    tcase_add_test(tests, an_idle_timeout_passes_in_virtual_time);
    tcase_add_test(tests, a_conversation_survives_each_allocation_fault);
}

BIGHT_TEST_MAIN("string transport", add_tests)
