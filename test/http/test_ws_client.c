/* SPDX-License-Identifier: MIT */
/* Tests of clients of WebSockets (W7), against a site of bight's and against servers that answer as they like, on a
 * recorder's network: connecting, the handshake, messages both ways, ends. */
#include <bight/testing/simulation.h>

#include "http/coding/gzip.h"
#include "ws_client_support.h"

static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ws_ops);
static struct bight_websocket *connected;
static struct bight_failure *failed;
static struct bight_deferred *connecting;

static void note_socket(struct bight_result *result, void *context)
{
    (void)context;
    failed = bight_result_take_failure(result);
    if (failed == NULL) {
        connected = bight_result_take(result, &bight_type_websocket);
        ws_note("connected.");
    }
}

static void dial(const char *url, const struct bight_websocket_connect_options *options)
{
    ws_events[0] = '\0';
    usage_errors = 0;
    connected = NULL;
    failed = NULL;
    bight_log_set_observer(count_errors, NULL);
    recorder = bight_recorder_new();
    reactor = bight_recorder_reactor(recorder);
    connecting = bight_websocket_connect(reactor, url, &plain, options);
    ck_assert_int_eq(bight_deferred_add_both(connecting, note_socket, NULL), 0);
    bight_deferred_release(connecting);
    settle();
}

static void end(void)
{
    bight_websocket_release(connected);
    bight_failure_release(failed);
    bight_recorder_free(recorder);
    bight_string_peer_free(peer);
    peer = NULL;
}

static void open_one(void)
{
    dial("ws://192.0.2.7:8080/chat?x=1", NULL);
    agree(answer_call(), "");
    ck_assert_str_eq(ws_happened(), "open().connected.");
}

START_TEST(a_client_asks_as_it_should) /* W7 */
{
    static const char *const subprotocols[] = { "one", "two", NULL };
    static const char *const fields[] = { "Authorization: Bearer x", "X-Other:y", NULL };
    static const struct bight_websocket_connect_options options = {
        .size = sizeof options, .subprotocols = subprotocols, .fields = fields, .origin = "https://example.org"
    };
    struct bight_address address;
    char text[100];
    dial("ws://192.0.2.7:8080/chat?x=1", &options);
    ck_assert(bight_recorder_attempt(recorder, 0, &address));
    (void)bight_address_format(&address, text, sizeof text);
    ck_assert_str_eq(text, "192.0.2.7:8080");
    const char *request = answer_call();
    ck_assert_int_eq(strncmp(request, "GET /chat?x=1 HTTP/1.1\r\nHost: 192.0.2.7:8080\r\n", 46), 0);
    ck_assert(has_line(request, "Connection: Upgrade"));
    ck_assert(has_line(request, "Upgrade: websocket"));
    ck_assert(has_line(request, "Sec-WebSocket-Version: 13"));
    ck_assert(has_line(request, "Sec-WebSocket-Protocol: one, two"));
    ck_assert(has_line(request, "Authorization: Bearer x"));
    ck_assert(has_line(request, "X-Other:y"));
    ck_assert(has_line(request, "Origin: https://example.org"));
    agree(request, "Sec-WebSocket-Protocol: two\r\n");
    ck_assert_str_eq(ws_happened(), "open().connected.");
    ck_assert_str_eq(bight_websocket_subprotocol(connected), "two");
    end();
}
END_TEST

START_TEST(a_client_masks_what_it_sends) /* W3 */
{
    static const size_t sizes[] = { 0, 5, 126, 5000, 70000, 200000 };
    size_t size = sizes[_i], written_size;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    open_one();
    bight_string_clear(peer);
    ck_assert_int_eq(bight_websocket_send_text(connected, text, size), 0);
    settle();
    const uint8_t *written = bight_string_written(peer, &written_size);
    size_t head = bi_frame_head_size(size, true);
    ck_assert_uint_eq(written_size, head + size);
    ck_assert_uint_eq(written[0], 0x81);
    ck_assert_uint_ge(written[1], 0x80);
    bi_mask mask;
    memcpy(&mask, written + head - 4, sizeof mask);
    uint8_t *plain_text = malloc(size + 1);
    (void)bi_mask_apply(plain_text, written + head, size, mask);
    ck_assert_mem_eq(plain_text, text, size);
    bight_string_clear(peer);
    ck_assert_int_eq(bight_websocket_sendf(connected, "%d", 7), 0);
    settle();
    written = bight_string_written(peer, &written_size);
    ck_assert_uint_eq(written_size, 7);
    ck_assert_mem_ne(&mask, written + 2, 4);
    ck_assert_uint_eq(written[6] ^ written[2], '7');
    free(plain_text);
    free(text);
    end();
}
END_TEST

START_TEST(a_client_receives_messages_even_right_behind_the_answer) /* W1, W7 */
{
    char text[1000];
    dial("ws://192.0.2.7/", NULL);
    const char *request = answer_call();
    ck_assert(has_line(request, "Host: 192.0.2.7"));
    (void)snprintf(text, sizeof text,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n\r\n\x81\x05"
        "early\x82\x01"
        "b",
        accept_of(request));
    (void)bight_string_feed_chunked(peer, text, strlen(text), 3 + (size_t)_i * 50);
    ck_assert_str_eq(ws_happened(), "open().connected.text(early).binary(b).");
    (void)bight_string_feed(peer,
        "\x89\x82"
        "maskp",
        8);
    ck_assert_str_eq(ws_happened(), "");
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1002 a server's frame has a mask unclean).");
    end();
}
END_TEST

START_TEST(the_server_ends_the_connection) /* W4 */
{
    open_one();
    (void)bight_string_feed(peer,
        "\x88\x05\x03\xe8"
        "bye",
        7);
    settle();
    ck_assert(!is_over());
    if (_i == 0) {
        bight_string_end(peer);
        ck_assert_str_eq(ws_happened(), "closed(1000 bye clean).");
    } else {
        bight_testing_advance(reactor, 6);
        settle();
        ck_assert(is_over());
    }
    end();
}
END_TEST

static const struct {
    const char *answer;
    int code, status;
} refused[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", BIGHT_E_HTTP_STATUS, 200 },
    { "HTTP/1.1 302 Found\r\nLocation: ws://192.0.2.8/\r\nContent-Length: 0\r\n\r\n", BIGHT_E_HTTP_STATUS, 302 },
    { "HTTP/1.1 403 Forbidden\r\n\r\n", BIGHT_E_HTTP_STATUS, 403 },
    { "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        BIGHT_E_SYNTAX, 0 },
    { "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", BIGHT_E_SYNTAX, 0 },
    { "SSH-2.0-OpenSSH\r\n\r\n", BIGHT_E_SYNTAX, 0 },
};

START_TEST(an_answer_that_is_no_agreement_fails) /* W7 */
{
    dial("ws://192.0.2.7/", NULL);
    (void)answer_call();
    (void)bight_string_feed_text(peer, refused[_i].answer);
    ck_assert_str_eq(ws_happened(), "");
    ck_assert_ptr_nonnull(failed);
    ck_assert_int_eq(bight_failure_code(failed), refused[_i].code);
    ck_assert_int_eq(bight_failure_status(failed), refused[_i].status);
    ck_assert(is_over());
    end();
}
END_TEST

static const struct bight_websocket_options deflating = { .size = sizeof deflating, .deflate = true };
static const struct {
    const char *answer;
    bool agreed;
} extensions[] = {
    { "permessage-deflate; server_no_context_takeover; client_no_context_takeover", true },
    { "permessage-deflate; server_no_context_takeover; server_max_window_bits=9", true },
    { "permessage-deflate", false },
    { "permessage-deflate; server_no_context_takeover; client_max_window_bits=10", true },
    { "permessage-deflate; server_no_context_takeover; client_max_window_bits", false },
    { "permessage-deflate; server_no_context_takeover; server_max_window_bits=7", false },
    { "permessage-deflate; server_no_context_takeover; server_no_context_takeover", false },
    { "permessage-deflate; server_no_context_takeover; more", false },
    { "permessage-deflate; server_no_context_takeover, x", false },
    { "x", false },
};

START_TEST(a_client_asks_for_compression_and_looks_at_the_terms) /* W6, W7 */
{
    char field[200];
    size_t size;
    plain.options = &deflating;
    dial("ws://192.0.2.7/", NULL);
    const char *request = answer_call();
    ck_assert(has_line(request,
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "client_max_window_bits"));
    (void)snprintf(field, sizeof field, "Sec-WebSocket-Extensions: %s\r\n", extensions[_i].answer);
    agree(request, field);
    settle();
    plain.options = NULL;
    ck_assert_int_eq(failed == NULL, extensions[_i].agreed);
    if (failed == NULL) {
        char text[1000];
        memset(text, 'x', sizeof text);
        bight_string_clear(peer);
        (void)bight_string_feed(peer, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9);
        ck_assert_str_eq(ws_happened(), "open().connected.text(Hello).");
        ck_assert_int_eq(bight_websocket_send_text(connected, text, sizeof text), 0);
        settle();
        ck_assert_uint_eq(bight_string_written(peer, &size)[0], 0xc1);
        ck_assert_uint_lt(size, 100);
    }
    end();
}
END_TEST

static const char *const unasked[] = { "Sec-WebSocket-Protocol: one\r\n", "Sec-WebSocket-Extensions: x\r\n" };

START_TEST(what_was_not_asked_for_is_refused) /* W7 */
{
    dial("ws://192.0.2.7/", NULL);
    agree(answer_call(), unasked[_i]);
    settle();
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_SYNTAX);
    end();
}
END_TEST

static const struct {
    const char *url;
    int code;
} urls[] = { { "http://example.org/", BIGHT_E_SYNTAX }, { "ws://", BIGHT_E_SYNTAX },
    { "ws://user@example.org/", BIGHT_E_SYNTAX }, { "ws://example.org/ x", BIGHT_E_SYNTAX },
    { "ws://example.org/#part", BIGHT_E_SYNTAX } };

START_TEST(a_url_that_is_none_fails) /* W7, C11 */
{
    dial(urls[_i].url, NULL);
    ck_assert_int_eq(bight_failure_code(failed), urls[_i].code);
    end();
}
END_TEST

static const char *const own_fields[] = { "Host: other.example", "host:", "Connection: close", "UPGRADE: h2c",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version: 8", "Sec-WebSocket-Extensions: x",
    "Sec-WebSocket-Protocol: one", "SEC-WEBSOCKET-ANYTHING: 1", "Content-Length: 5", "Transfer-Encoding: chunked",
    "Expect: 100-continue", "Keep-Alive: timeout=5", "Proxy-Connection: close", "TE: trailers", "Trailer: x",
    "Origin: https://example.com" };

START_TEST(fields_that_make_the_request_what_it_is_are_a_usage_error) /* W7 */
{
    const char *const fields[] = { "X-Fine: 1", own_fields[_i], NULL };
    const struct bight_websocket_connect_options options = {
        .size = sizeof options, .fields = fields, .origin = "https://example.org"
    };
    dial("ws://192.0.2.7/", &options);
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_str_eq(
        bight_failure_message(failed), "a WebSocket's request: a field is one that the library sets itself");
    ck_assert_uint_eq(usage_errors, 1);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    end();
}
END_TEST

START_TEST(an_origin_may_be_a_field_when_it_is_no_option) /* W7 */
{
    static const char *const fields[] = { "Origin: https://example.com", "Sec-WebSocke: y", "Hosts: z", NULL };
    static const struct bight_websocket_connect_options options = { .size = sizeof options, .fields = fields };
    dial("ws://192.0.2.7/", &options);
    const char *request = answer_call();
    ck_assert(has_line(request, "Origin: https://example.com"));
    ck_assert(has_line(request, "Sec-WebSocke: y"));
    ck_assert(has_line(request, "Hosts: z"));
    end();
}
END_TEST

START_TEST(options_that_cannot_be_are_a_usage_error) /* W7 */
{
    static const char *const split[] = { "A: b\r\nC: d", NULL };
    static const char *const spaced[] = { "a b", NULL };
    static const struct bight_websocket_connect_options options[] = {
        { .size = sizeof *options, .fields = split },
        { .size = sizeof *options, .subprotocols = spaced },
        { .size = sizeof *options, .origin = "a\r\nb: c" },
    };
    dial("ws://192.0.2.7/", &options[_i]);
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 1);
    end();
}
END_TEST

START_TEST(connecting_takes_its_time_and_no_longer) /* W7 */
{
    dial("ws://192.0.2.7/", NULL);
    if (_i == 1) {
        (void)answer_call();
    }
    bight_testing_advance(reactor, 9.9);
    ck_assert_ptr_null(failed);
    bight_testing_advance(reactor, 0.2);
    settle();
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_TIMED_OUT);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    end();
}
END_TEST

START_TEST(a_server_that_just_leaves_is_told) /* W7 */
{
    dial("ws://192.0.2.7/", NULL);
    if (_i == 0) {
        ck_assert(bight_recorder_fail(recorder, 0, 0));
    } else {
        (void)answer_call();
        bight_string_end(peer);
    }
    settle();
    ck_assert_int_eq(bight_failure_code(failed), _i == 0 ? BIGHT_E_CONNECTION_REFUSED : BIGHT_E_INCOMPLETE);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_client_asks_as_it_should);
    tcase_add_loop_test(tests, a_client_masks_what_it_sends, 0, 6);
    tcase_add_loop_test(tests, a_client_receives_messages_even_right_behind_the_answer, 0, 20);
    tcase_add_loop_test(tests, the_server_ends_the_connection, 0, 2);
    tcase_add_loop_test(tests, an_answer_that_is_no_agreement_fails, 0, (int)(sizeof refused / sizeof *refused));
    if (bi_gzip_is_built_in()) {
        tcase_add_loop_test(tests, a_client_asks_for_compression_and_looks_at_the_terms, 0,
            (int)(sizeof extensions / sizeof *extensions));
    }
    tcase_add_loop_test(tests, what_was_not_asked_for_is_refused, 0, 2);
    tcase_add_loop_test(tests, a_url_that_is_none_fails, 0, (int)(sizeof urls / sizeof *urls));
    tcase_add_loop_test(tests, fields_that_make_the_request_what_it_is_are_a_usage_error, 0,
        (int)(sizeof own_fields / sizeof *own_fields));
    tcase_add_test(tests, an_origin_may_be_a_field_when_it_is_no_option);
    tcase_add_loop_test(tests, options_that_cannot_be_are_a_usage_error, 0, 3);
    tcase_add_loop_test(tests, connecting_takes_its_time_and_no_longer, 0, 2);
    tcase_add_loop_test(tests, a_server_that_just_leaves_is_told, 0, 2);
}

BIGHT_TEST_MAIN("http_ws_client", add_tests)
