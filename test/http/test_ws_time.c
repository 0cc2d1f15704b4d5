/* SPDX-License-Identifier: MIT */
/* Tests of what time does to WebSockets, and of what waits for a peer that does not take it: pings, fragments, drains,
 * slow receivers. */
#include "ws_support.h"

static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ws_ops);

static void begin(void)
{
    ws_begin(&plain);
}

static void advance(unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 10; i++) {
        bight_testing_advance(reactor, 0.1);
    }
}

static bool has_written(void)
{
    size_t size;
    (void)bight_string_written(peer, &size);
    return size > 0;
}

START_TEST(who_is_silent_is_pinged_and_then_dead) /* W4 */
{
    begin();
    advance(29);
    ck_assert(!has_written());
    advance(2);
    WS_WROTE("\x89\x00");
    advance(29);
    ck_assert_str_eq(ws_happened(), "");
    advance(2);
    ck_assert_str_eq(ws_happened(), "closed(1006 unclean).");
    ck_assert(bight_string_was_reset(peer));
    ws_end();
}
END_TEST

START_TEST(who_says_anything_lives) /* W4 */
{
    begin();
    for (int i = 0; i < 10; i++) {
        advance(20);
        ws_say(WS_TEXT, "x");
        ck_assert(!has_written());
        ck_assert_str_eq(ws_happened(), "text(x).");
    }
    advance(31);
    WS_WROTE("\x89\x00");
    ws_say(WS_PONG, "");
    advance(29);
    ck_assert(!has_written());
    advance(2);
    WS_WROTE("\x89\x00");
    ws_end();
}
END_TEST

START_TEST(times_are_options) /* W4 */
{
    static const struct bight_websocket_options options = {
        .size = sizeof options, .ping_seconds = 2, .pong_seconds = 1, .fragment_seconds = INFINITY
    };
    static const struct bight_websocket_options never = { .size = sizeof never, .ping_seconds = INFINITY };
    static struct bight_websocket_factory factory =
        BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ws_ops, &options);
    static struct bight_websocket_factory patient =
        BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ws_ops, &never);
    ws_begin(&factory);
    bight_testing_advance(reactor, 1.9);
    ck_assert(!has_written());
    advance(1);
    WS_WROTE("\x89\x00");
    advance(1);
    ck_assert_str_eq(ws_happened(), "closed(1006 unclean).");
    ws_end();
    ws_begin(&patient);
    advance(200);
    ck_assert(!has_written());
    ck_assert(bight_websocket_is_open(ws_socket));
    ws_end();
}
END_TEST

START_TEST(a_message_that_trickles_is_1008) /* W2 */
{
    begin();
    ws_say(BI_OPCODE_TEXT, "begin");
    for (int i = 0; i < 59; i++) {
        advance(1);
        ws_say(BI_OPCODE_CONTINUATION, "x");
    }
    ck_assert(!has_written());
    advance(2);
    WS_WROTE("\x88\x19\x03\xf0"
             "a message took too long");
    ws_end();
}
END_TEST

/* Each read ends within a frame, but none takes long. */
START_TEST(what_goes_on_without_end_is_not_slow) /* W2 */
{
    uint8_t bytes[100];
    begin();
    size_t size = ws_frame(bytes, WS_PING, "p", 1);
    size += ws_frame(bytes + size, WS_TEXT, "t", 1);
    (void)bight_string_feed(peer, bytes, 3);
    for (int i = 0; i < 300; i++) {
        advance(1);
        (void)bight_string_feed(peer, bytes + 3, size - 3);
        (void)bight_string_feed(peer, bytes, 3);
        (void)ws_happened();
    }
    ck_assert(bight_websocket_is_open(ws_socket));
    ws_end();
}
END_TEST

START_TEST(a_drain_says_going_away) /* W4, V4 */
{
    begin();
    struct bight_protocol *protocol = bight_string_protocol(peer);
    ck_assert(protocol->ops->drain(protocol));
    settle();
    WS_WROTE("\x88\x02\x03\xe9");
    ws_say(WS_CLOSE, "\x03\xe9");
    ck_assert(is_over());
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1001 clean).");
    ws_end();
}
END_TEST

START_TEST(a_reactor_that_is_freed_ends_its_sockets) /* W1 */
{
    begin();
    ck_assert_int_eq(bight_websocket_close(ws_socket, 0, NULL), 0);
    bight_string_peer_free(peer);
    peer = NULL;
    bight_reactor_free(reactor);
    ck_assert_str_eq(ws_events, "closed(1006 unclean).");
    ck_assert_ptr_null(plain.own);
    bight_http_site_free(site);
}
END_TEST

/* --------------------------------------------------------------------------------------------- to many */

START_TEST(a_message_to_many_is_the_same_bytes) /* W3 */
{
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, "to all", 6);
    ck_assert_ptr_nonnull(message);
    begin();
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, message), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, bight_websocket_message_hold(message)), 0);
    bight_websocket_message_release(message);
    bight_websocket_message_release(message);
    settle();
    WS_WROTE("\x81\x06to all\x81\x06to all");
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_ptr_null(bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, "\xff", 1));
    ck_assert_ptr_null(bight_websocket_message_new((enum bight_websocket_kind)7, "x", 1));
    bight_websocket_message_release(NULL);
    ws_end();
}
END_TEST

START_TEST(messages_to_many_and_what_one_sends_keep_their_order) /* W3, W5 */
{
    struct bight_websocket_message *one = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, "1", 1);
    struct bight_websocket_message *two = bight_websocket_message_new(BIGHT_WEBSOCKET_BINARY, "2", 1);
    begin();
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, one), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, two), 0);
    ck_assert_int_eq(bight_websocket_ping(ws_socket, NULL, 0), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, one), 0);
    ck_assert_int_eq(bight_websocket_send_piece(ws_socket, BIGHT_WEBSOCKET_TEXT, "x", 1, false), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, two), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_websocket_send_piece(ws_socket, BIGHT_WEBSOCKET_TEXT, "y", 1, true), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, two), 0);
    settle();
    WS_WROTE("\x81\x01"
             "1\x82\x01"
             "2\x89\x00\x81\x01"
             "1\x01\x01x\x80\x01y\x82\x01"
             "2");
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, two), 0);
    ck_assert_int_eq(bight_websocket_close(ws_socket, 0, NULL), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, one), BIGHT_E_CLOSED);
    settle();
    WS_WROTE("\x82\x01"
             "2\x88\x02\x03\xe8");
    bight_websocket_message_release(one);
    bight_websocket_message_release(two);
    ws_end();
}
END_TEST

static void send_many(struct bight_websocket_factory *factory)
{
    static char text[100000];
    memset(text, 'x', sizeof text);
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_BINARY, text, sizeof text);
    ws_begin(factory);
    bight_string_set_window(peer, 0);
    int result = 0;
    for (int i = 0; i < 100 && result == 0; i++) {
        result = bight_websocket_send_message(ws_socket, message);
        ck_assert_uint_le(bight_transport_queued(bight_websocket_transport(ws_socket)), 1200000);
    }
    ck_assert_int_eq(result, BIGHT_E_OVERFLOW);
    bight_websocket_message_release(message);
}

START_TEST(a_slow_receiver_is_dropped) /* W5 */
{
    send_many(&plain);
    ck_assert_str_eq(ws_happened(), "closed(1006 unclean).");
    ws_end();
}
END_TEST

START_TEST(or_it_is_skipped) /* W5 */
{
    static const struct bight_websocket_options options = { .size = sizeof options, .skip_slow = true };
    static struct bight_websocket_factory factory =
        BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ws_ops, &options);
    send_many(&factory);
    ck_assert_str_eq(ws_happened(), "");
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    bight_string_clear(peer);
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, "x", 1), 0);
    settle();
    WS_WROTE("\x81\x01x");
    ws_end();
}
END_TEST

START_TEST(what_is_sent_and_never_taken_ends_the_connection) /* W5 */
{
    begin();
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, "x", 1), 0);
    advance(70);
    ck_assert_str_eq(ws_happened(), "closed(1006 unclean).");
    ws_end();
}
END_TEST

START_TEST(under_pressure_the_newest_ping_alone_is_answered) /* W4 */
{
    static char text[100000];
    begin();
    ck_assert_int_eq(bight_transport_set_backpressure(bight_websocket_transport(ws_socket), false), 0);
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_websocket_send_binary(ws_socket, text, sizeof text), 0);
    settle();
    for (int i = 0; i < 100; i++) {
        ws_say(WS_PING, i < 99 ? "old" : "new");
    }
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    size_t size;
    const uint8_t *written = bight_string_written(peer, &size);
    ck_assert_uint_eq(size, sizeof text + 10 + 5);
    ck_assert_mem_eq(written + size - 5, "\x8a\x03new", 5);
    ws_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, who_is_silent_is_pinged_and_then_dead);
    tcase_add_test(tests, who_says_anything_lives);
    tcase_add_test(tests, times_are_options);
    tcase_add_test(tests, a_message_that_trickles_is_1008);
    tcase_add_test(tests, what_goes_on_without_end_is_not_slow);
    tcase_add_test(tests, a_drain_says_going_away);
    tcase_add_test(tests, a_reactor_that_is_freed_ends_its_sockets);
    tcase_add_test(tests, a_message_to_many_is_the_same_bytes);
    tcase_add_test(tests, messages_to_many_and_what_one_sends_keep_their_order);
    tcase_add_test(tests, a_slow_receiver_is_dropped);
    tcase_add_test(tests, or_it_is_skipped);
    tcase_add_test(tests, what_is_sent_and_never_taken_ends_the_connection);
    tcase_add_test(tests, under_pressure_the_newest_ping_alone_is_answered);
}

BIGHT_TEST_MAIN("http_ws_time", add_tests)
