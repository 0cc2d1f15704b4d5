/* SPDX-License-Identifier: MIT */
/* Tests of endpoint strings that lead through a WebSocket (W8), on a recorder's network: what is asked, bytes both
 * ways, pings, ends, what the peer must not do; and with memory that is refused. */
#include <bight/protocols/http_client.h>

#include "ws_client_support.h"

static struct bight_protocol *protocol;
static struct bight_deferred *connecting;

static void made(struct bight_protocol *p)
{
    protocol = p;
    ws_note("made.");
}

static void received(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    ws_note("%.*s", (int)size, (const char *)data);
}

static void lost(struct bight_protocol *p, const struct bight_failure *reason)
{
    (void)p;
    protocol = NULL;
    ws_note("lost(%s).", bight_error_name(bight_failure_code(reason)));
}

static const struct bight_protocol_ops ops = {
    .connection_made = made, .data_received = received, .connection_lost = lost
};
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

static void note_connected(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    if (failure != NULL) {
        ws_note("failed(%s).", bight_error_name(bight_failure_code(failure)));
    }
    bight_result_clear(result);
}

static const char *ask(const char *endpoint)
{
    ws_events[0] = '\0';
    usage_errors = 0;
    bight_log_set_observer(count_errors, NULL);
    ck_assert_int_eq(bight_http_register_endpoints(), 0);
    recorder = bight_recorder_new();
    reactor = bight_recorder_reactor(recorder);
    connecting = bight_connect(reactor, endpoint, &factory);
    ck_assert_int_eq(bight_deferred_add_both(connecting, note_connected, NULL), 0);
    bight_deferred_release(connecting);
    settle();
    return bight_recorder_attempts(recorder) > 0 ? answer_call() : NULL;
}

static void begin(void)
{
    agree(ask("ws:192.0.2.7:80"), "");
    ck_assert_str_eq(ws_happened(), "made.");
    bight_string_clear(peer);
}

static void end(void)
{
    bight_recorder_free(recorder);
    bight_string_peer_free(peer);
    peer = NULL;
}

/* A frame of the client's, unmasked; its first byte is given back. */
static unsigned said(char *text, size_t room)
{
    size_t size;
    settle();
    const uint8_t *written = bight_string_written(peer, &size);
    ck_assert_uint_ge(size, 6);
    size_t head = (written[1] & 127) < 126 ? 6 : (written[1] & 127) == 126 ? 8 : 14;
    bi_mask mask;
    memcpy(&mask, written + head - 4, sizeof mask);
    ck_assert_uint_lt(size - head, room);
    (void)bi_mask_apply((uint8_t *)text, written + head, size - head, mask);
    text[size - head] = '\0';
    unsigned first = written[0];
    bight_string_clear(peer);
    return first;
}

START_TEST(a_string_asks_for_a_websocket) /* W8 */
{
    const char *request =
        ask("ws:192.0.2.7:8080:path=/chat?x=1:subprotocol=binary:origin=https\\://example.org:timeout=5");
    ck_assert_int_eq(strncmp(request, "GET /chat?x=1 HTTP/1.1\r\nHost: 192.0.2.7:8080\r\n", 46), 0);
    ck_assert(has_line(request, "Sec-WebSocket-Protocol: binary"));
    ck_assert(has_line(request, "Origin: https://example.org"));
    agree(request, "Sec-WebSocket-Protocol: binary\r\n");
    ck_assert_str_eq(ws_happened(), "made.");
    end();
}
END_TEST

START_TEST(ipv6_and_plain_paths_are_fine) /* W8 */
{
    const char *request = ask("ws:[2001:db8::1]:80:path=chat");
    ck_assert_int_eq(strncmp(request, "GET /chat HTTP/1.1\r\nHost: [2001:db8::1]\r\n", 39), 0);
    end();
}
END_TEST

START_TEST(bytes_go_out_in_binary_messages) /* W8 */
{
    char text[200];
    begin();
    (void)bight_transport_write(protocol->transport, "hello", 5);
    ck_assert_uint_eq(said(text, sizeof text), WS_BINARY);
    ck_assert_str_eq(text, "hello");
    char words[] = "abc";
    struct iovec parts[] = { { words, 1 }, { words, 0 }, { words + 1, 2 } };
    (void)bight_transport_write_sequence(protocol->transport, parts, 3);
    ck_assert_uint_eq(said(text, sizeof text), WS_BINARY);
    ck_assert_str_eq(text, "abc");
    end();
}
END_TEST

START_TEST(large_writes_are_several_messages) /* W8 */
{
    static uint8_t large[150000];
    size_t size, at = 0, total = 0;
    begin();
    struct bight_bytes *bytes = bight_bytes_new(large, sizeof large);
    int code = _i == 0 ? bight_transport_write(protocol->transport, large, sizeof large)
                       : bight_transport_write_bytes(protocol->transport, bytes);
    bight_bytes_release(bytes);
    ck_assert_int_eq(code, 0);
    settle();
    const uint8_t *written = bight_string_written(peer, &size);
    while (at < size) {
        ck_assert_uint_eq(written[at], WS_BINARY);
        bool is_wide = (written[at + 1] & 127) == 127;
        size_t length = is_wide ? (size_t)written[at + 7] << 16 | (size_t)written[at + 8] << 8 | written[at + 9]
                                : (size_t)written[at + 2] << 8 | written[at + 3];
        ck_assert_uint_le(length, 65536);
        total += length;
        at += length + (is_wide ? 14 : 8);
    }
    ck_assert_uint_eq(total, sizeof large);
    end();
}
END_TEST

static const char incoming[] = "\x82\x03"
                               "one"
                               "\x89\x02hi"
                               "\x02\x01 \x00\x03two\x80\x00"
                               "\x8a\x00\x82\x00";

START_TEST(binary_messages_are_received_however_they_are_cut) /* W8 */
{
    char text[200];
    begin();
    (void)bight_string_feed_chunked(peer, incoming, sizeof incoming - 1, 1 + (size_t)_i);
    ck_assert_str_eq(ws_happened(), "one two");
    ck_assert_uint_eq(said(text, sizeof text), WS_PONG);
    ck_assert_str_eq(text, "hi");
    end();
}
END_TEST

START_TEST(what_comes_right_behind_the_answer_is_received) /* W8 */
{
    agree(ask("ws:192.0.2.7:80"), "\r\n\x82\x04yo"); /* and what ends a head */
    ck_assert_str_eq(ws_happened(), "made.yo\r\n");
    end();
}
END_TEST

static const struct {
    const char *frame;
    size_t size;
    const char *happened;
    unsigned code; /* of the close frame that answers */
} ends[] = {
    { "\x88\x00", 2, "lost(CONNECTION_DONE).", 0 },
    { "\x88\x02\x03\xe8", 4, "lost(CONNECTION_DONE).", 1000 },
    { "\x88\x02\x03\xe9", 4, "lost(CONNECTION_DONE).", 1001 },
    { "\x88\x02\x0f\xa0", 4, "lost(CONNECTION_LOST).", 4000 },
    { "\x81\x01x", 3, "lost(SYNTAX).", 1003 },
    { "\xc2\x01x", 3, "lost(SYNTAX).", 1002 },
    { "\x82\x81", 2, "lost(SYNTAX).", 1002 },
};

START_TEST(a_peer_ends_it) /* W8 */
{
    char text[200];
    begin();
    (void)bight_string_feed(peer, ends[_i].frame, ends[_i].size);
    ck_assert_uint_eq(said(text, sizeof text), WS_CLOSE);
    unsigned code = text[0] == '\0' ? 0 : (unsigned)(uint8_t)text[0] << 8 | (uint8_t)text[1];
    ck_assert_uint_eq(code, ends[_i].code);
    bight_string_end(peer);
    bight_testing_advance(reactor, 30);
    ck_assert_str_eq(ws_happened(), ends[_i].happened);
    end();
}
END_TEST

START_TEST(an_end_without_a_close_frame_is_truncated) /* W8 */
{
    begin();
    bight_string_end(peer);
    bight_testing_advance(reactor, 30);
    ck_assert_str_eq(ws_happened(), "lost(TRUNCATED).");
    end();
}
END_TEST

START_TEST(the_program_ends_it) /* W8 */
{
    char text[200];
    begin();
    if (_i == 0) {
        (void)bight_transport_lose_connection(protocol->transport);
    } else {
        (void)bight_transport_lose_write(protocol->transport);
    }
    ck_assert_uint_eq(said(text, sizeof text), WS_CLOSE);
    ck_assert_str_eq(text, "\x03\xe8");
    ck_assert_str_eq(ws_happened(), "");
    if (_i == 1) {
        (void)bight_string_feed(peer, "\x82\x04last\x88\x02\x03\xe8", 10);
    }
    bight_string_end(peer);
    bight_testing_advance(reactor, 30);
    ck_assert_str_eq(ws_happened(), _i == 1 ? "lastlost(CONNECTION_DONE)." : "lost(CONNECTION_DONE).");
    end();
}
END_TEST

static const struct {
    const char *answer, *happened;
} refused[] = {
    { "HTTP/1.1 403 Forbidden\r\n\r\n", "failed(HTTP_STATUS)." },
    { "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        "failed(SYNTAX)." },
    { "SSH-2.0-OpenSSH\r\n\r\n", "failed(SYNTAX)." },
};

START_TEST(a_server_refuses) /* W8 */
{
    (void)ask("ws:192.0.2.7:80");
    (void)bight_string_feed_text(peer, refused[_i].answer);
    bight_testing_advance(reactor, 30);
    ck_assert_str_eq(ws_happened(), refused[_i].happened);
    end();
}
END_TEST

START_TEST(a_server_that_just_leaves_is_a_failure) /* W8 */
{
    (void)ask("ws:192.0.2.7:80");
    bight_string_end(peer);
    bight_testing_advance(reactor, 30);
    ck_assert_int_eq(strncmp(ws_happened(), "failed(", 7), 0);
    end();
}
END_TEST

START_TEST(a_silent_peer_is_pinged_and_is_dead_then) /* W8 */
{
    char text[200];
    begin();
    bight_testing_advance(reactor, 31);
    ck_assert_uint_eq(said(text, sizeof text), WS_PING);
    if (_i == 0) {
        (void)bight_string_feed(peer, "\x8a\x00", 2);
        settle();
        bight_testing_advance(reactor, 31);
        ck_assert_str_eq(ws_happened(), "");
        bight_testing_advance(reactor, 61);
    } else {
        bight_testing_advance(reactor, 31);
    }
    bight_string_end(peer);
    bight_testing_advance(reactor, 30);
    ck_assert_str_eq(ws_happened(), "lost(TIMED_OUT).");
    end();
}
END_TEST

START_TEST(strings_that_cannot_be_fail) /* W8 */
{
    static const char *const strings[] = { "ws:192.0.2.7", "ws:192.0.2.7:80:path=/a b",
        "ws:192.0.2.7:80:subprotocol=a b", "ws:192.0.2.7:80:timeout=soon" };
    (void)ask(strings[_i]);
    ck_assert_int_eq(strncmp(ws_happened(), "failed(", 7), 0);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- without memory */

static bool play(void *context)
{
    (void)context;
    ws_events[0] = '\0';
    peer = NULL;
    protocol = NULL;
    recorder = bight_recorder_new();
    if (recorder == NULL) {
        return true;
    }
    reactor = bight_recorder_reactor(recorder);
    bight_deferred_release(bight_connect(reactor, "ws:192.0.2.7:80", &factory));
    (void)bight_testing_settle(reactor, 1000);
    peer = bight_recorder_complete(recorder, 0);
    (void)bight_testing_settle(reactor, 1000);
    const char *request = peer != NULL ? bight_string_written_text(peer) : NULL;
    if (request != NULL && strstr(request, "Sec-WebSocket-Key: ") != NULL) {
        agree(request, "");
        (void)bight_string_feed_chunked(peer, incoming, sizeof incoming - 1, 3);
        if (protocol != NULL) {
            struct bight_bytes *bytes = bight_bytes_new(incoming, sizeof incoming);
            if (bytes != NULL) {
                (void)bight_transport_write_bytes(protocol->transport, bytes);
            }
            bight_bytes_release(bytes);
        }
        bight_testing_advance(reactor, 31);
        (void)bight_string_feed(peer, "\x88\x02\x03\xe8", 4);
        bight_string_end(peer);
    }
    bight_testing_advance(reactor, 100);
    (void)bight_testing_settle(reactor, 1000);
    bight_recorder_free(recorder);
    bight_string_peer_free(peer);
    peer = NULL;
    return protocol == NULL && factory.connections == 0;
}

START_TEST(every_allocation_may_fail) /* W8, T15 */
{
    ck_assert_int_eq(bight_http_register_endpoints(), 0);
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_string_asks_for_a_websocket);
    tcase_add_test(tests, ipv6_and_plain_paths_are_fine);
    tcase_add_test(tests, bytes_go_out_in_binary_messages);
    tcase_add_loop_test(tests, large_writes_are_several_messages, 0, 2);
    tcase_add_loop_test(tests, binary_messages_are_received_however_they_are_cut, 0, 25);
    tcase_add_test(tests, what_comes_right_behind_the_answer_is_received);
    tcase_add_loop_test(tests, a_peer_ends_it, 0, (int)(sizeof ends / sizeof *ends));
    tcase_add_test(tests, an_end_without_a_close_frame_is_truncated);
    tcase_add_loop_test(tests, the_program_ends_it, 0, 2);
    tcase_add_loop_test(tests, a_server_refuses, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, a_server_that_just_leaves_is_a_failure);
    tcase_add_loop_test(tests, a_silent_peer_is_pinged_and_is_dead_then, 0, 2);
    tcase_add_loop_test(tests, strings_that_cannot_be_fail, 0, 4);
    tcase_add_test(tests, every_allocation_may_fail);
}

BIGHT_TEST_MAIN("http_ws_endpoint", add_tests)
