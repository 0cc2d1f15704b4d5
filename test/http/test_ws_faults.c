/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused to WebSockets (T15): each allocation fails once, and all from it on. A socket that
 * was opened is closed, once, and nothing that it says is cut in a message's middle. */
#include <bight/testing/recorder.h>

#include "http/coding/gzip.h"
#include "http/websocket/handshake.h"
#include "ws_support.h"

static unsigned opened, closed, received;

static void note_opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    opened++;
    if (request != NULL) {
        (void)bight_http_request_path(request);
    }
    (void)bight_websocket_send_text(socket, "welcome", 7);
}

static void echo(struct bight_websocket *socket, const char *text, size_t size)
{
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, text, size);
    received++;
    (void)bight_websocket_send_message(socket, message);
    (void)bight_websocket_send_text(socket, text, size);
    (void)bight_websocket_sendf(socket, "%zu", size);
    (void)bight_websocket_send_piece(socket, BIGHT_WEBSOCKET_TEXT, text, size, true);
    bight_websocket_message_release(message);
}

static void note_closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    (void)socket;
    (void)code;
    (void)reason;
    (void)clean;
    closed++;
}

static const struct bight_websocket_ops ops = { .opened = note_opened, .text_received = echo, .closed = note_closed };
static const struct bight_websocket_options deflating = { .size = sizeof deflating, .deflate = true };
static const struct bight_websocket_options taking_over = {
    .size = sizeof taking_over, .deflate = true, .takeover = true
};
static struct bight_websocket_factory factory = BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ops, &deflating);

static bool set_up(void)
{
    static const char *const subprotocols[] = { "one", NULL };
    static const struct bight_websocket_accept_options options = { .size = sizeof options,
        .subprotocols = subprotocols };
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    opened = closed = received = 0;
    bool is_fine = reactor != NULL && bight_websocket_route_full(site, "/ws", &factory, &options) == BIGHT_OK;
    peer = is_fine ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    return peer != NULL;
}

static void say_all(void)
{
    static char large[70000];
    memset(large, 'x', sizeof large);
    (void)bight_string_feed_text(
        peer, WS_REQUEST("/ws", "Sec-WebSocket-Protocol: one\r\n"
                                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
    ws_say(WS_TEXT, "Hello");
    if (bi_gzip_is_built_in()) {
        ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
        ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8);
    }
    ws_say_frame(WS_TEXT, large, sizeof large);
    uint8_t ping[32];
    size_t size = ws_frame(ping, WS_PING, "ping", 4);
    (void)bight_string_feed_chunked(peer, ping, size, 1);
    bight_testing_advance(reactor, 31);
    size = ws_frame(ping, WS_CLOSE,
        "\x03\xe8"
        "bye",
        5);
    (void)bight_string_feed_chunked(peer, ping, size, 3);
    bight_string_end(peer);
    (void)bight_testing_settle(reactor, 1000);
}

static bool play(void *context)
{
    bool is_good = true;
    (void)context;
    if (set_up()) {
        say_all();
        is_good = bight_testing_fault_injected() || (received == 2u + 2u * bi_gzip_is_built_in() && closed == 1);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    return is_good && opened == closed && factory.own == NULL;
}

START_TEST(every_allocation_of_a_socket_may_fail) /* W1, W6, T15 */
{
    factory.options = _i == 0 ? &deflating : &taking_over;
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------- a client */

static void count_outcome(struct bight_result *result, void *outcomes)
{
    bight_result_discard(result);
    ++*(unsigned *)outcomes;
}

static void agree(void)
{
    const char *request = bight_string_written_text(peer);
    const char *key = request != NULL ? strstr(request, "Sec-WebSocket-Key: ") : NULL;
    char accept[BI_ACCEPT_TEXT + 1], text[500];
    if (key != NULL && bi_accept_of((struct bi_view) { (const uint8_t *)key + 19, 24 }, accept) == 0) {
        (void)snprintf(text, sizeof text,
            "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
            "Sec-WebSocket-Protocol: one\r\n\r\n\x81\x02hi",
            accept);
        (void)bight_string_feed_chunked(peer, text, strlen(text), 50);
    }
}

/* It is told one outcome, whatever happens. */
static bool dial(void *context)
{
    static const char *const subprotocols[] = { "one", NULL };
    static const struct bight_websocket_connect_options options = { .size = sizeof options,
        .subprotocols = subprotocols };
    struct bight_recorder *recorder = bight_recorder_new();
    unsigned outcomes = 0;
    (void)context;
    opened = closed = received = 0;
    if (recorder == NULL) {
        return true;
    }
    reactor = bight_recorder_reactor(recorder);
    struct bight_deferred *dialled = bight_websocket_connect(reactor, "ws://192.0.2.7/", &factory, &options);
    bool is_watched = bight_deferred_add_both(dialled, count_outcome, &outcomes) == BIGHT_OK;
    if (!is_watched) {
        bight_deferred_cancel(dialled);
    }
    bight_deferred_release(dialled);
    (void)bight_testing_settle(reactor, 1000);
    peer = bight_recorder_complete(recorder, 0);
    if (peer != NULL) {
        (void)bight_testing_settle(reactor, 1000);
        agree();
    }
    bight_testing_advance(reactor, 20);
    bool is_good = !is_watched || outcomes == 1;
    bight_recorder_free(recorder);
    bight_string_peer_free(peer);
    peer = NULL;
    return is_good && opened == closed && factory.own == NULL;
}

START_TEST(every_allocation_of_connecting_may_fail) /* W7, T15 */
{
    ck_assert_uint_eq(bight_testing_with_faults(dial, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_allocation_of_connecting_may_fail);
    tcase_add_loop_test(tests, every_allocation_of_a_socket_may_fail, 0, 2);
}

BIGHT_TEST_MAIN("http_ws_faults", add_tests)
