/* SPDX-License-Identifier: MIT */
/* Tests of the handshake with a site (W7): what is a request for a WebSocket, and what is answered to others. */
#include "ws_support.h"

static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ws_ops);
static struct bight_http_request *kept;
static int code;

static void begin(const struct bight_websocket_accept_options *options)
{
    ws_events[0] = '\0';
    ws_socket = NULL;
    code = 1;
    begin_site(NULL);
    ck_assert_int_eq(bight_websocket_route_full(site, "/ws", &plain, options), 0);
    connect_peer();
}

START_TEST(a_request_for_a_websocket_is_answered_with_one) /* W7 */
{
    begin(NULL);
    ck_assert_str_eq(say(WS_REQUEST("/ws", "Origin: http://example.org\r\n")), WS_ANSWER "\r\n");
    ck_assert_str_eq(ws_happened(), "open(/ws).");
    ck_assert_ptr_null(bight_websocket_subprotocol(ws_socket));
    ws_end();
}
END_TEST

START_TEST(frames_right_behind_the_request_are_received) /* W7, A14 */
{
    uint8_t bytes[1000];
    static const char request[] = WS_REQUEST("/ws", "");
    memcpy(bytes, request, sizeof request - 1);
    size_t size = sizeof request - 1 + ws_frame(bytes + sizeof request - 1, WS_TEXT, "early", 5);
    for (size_t chunk = 1; chunk <= size; chunk += 7) {
        begin(NULL);
        (void)bight_string_feed_chunked(peer, bytes, size, chunk);
        ck_assert_str_eq(ws_happened(), "open(/ws).text(early).");
        ws_end();
    }
}
END_TEST

#define FIELDS "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" WS_KEY
#define ASK(method, version, more) method " /ws HTTP/" version "\r\nHost: example.org\r\n" more "\r\n"

static const struct {
    const char *request;
    int status;
} refused[] = {
    { ASK("GET", "1.1", ""), 426 },
    { ASK("GET", "1.0", FIELDS), 426 },
    { ASK("GET", "1.1", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" WS_KEY), 426 },
    { ASK("GET", "1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Version: 13\r\n" WS_KEY), 426 },
    { ASK("GET", "1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n" WS_KEY), 426 },
    { ASK("GET", "1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n" WS_KEY), 426 },
    { ASK("HEAD", "1.1", FIELDS), 405 },
    { ASK("POST", "1.1", "Content-Length: 0\r\n" FIELDS), 405 },
    { ASK("GET", "1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"), 400 },
    { ASK("GET", "1.1",
          "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n"),
        400 },
    { ASK("GET", "1.1", FIELDS WS_KEY), 400 }, /* twice */
    { ASK("GET", "1.1", FIELDS "Origin: http://example.com\r\n"), 403 },
    { ASK("GET", "1.1", FIELDS "Origin: http://example.org:8080\r\n"), 403 },
    { ASK("GET", "1.1", FIELDS "Origin: null\r\n"), 403 },
    { ASK("GET", "1.1", FIELDS "Origin: \r\n"), 403 },
};

START_TEST(what_is_no_such_request_is_told_why) /* W7 */
{
    begin(NULL);
    const char *answer = say(refused[_i].request);
    ck_assert_int_eq(atoi(answer + sizeof "HTTP/1.1"), refused[_i].status);
    bool is_426 = refused[_i].status == 426;
    ck_assert_int_eq(has_line(answer, "Sec-WebSocket-Version: 13"), is_426);
    ck_assert_int_eq(has_line(answer, "Upgrade: websocket"), is_426);
    ck_assert_int_eq(has_line(answer, "Connection: Upgrade"), is_426);
    ck_assert_int_eq(strstr(answer, "Allow: ") != NULL, refused[_i].status == 405);
    ck_assert_str_eq(ws_happened(), "");
    ck_assert_uint_eq(usage_errors, 0);
    ws_end();
}
END_TEST

START_TEST(origins_that_are_listed_may_connect) /* W7 */
{
    static const char *const origins[] = { "https://example.com", NULL };
    static const struct bight_websocket_accept_options listed = { .size = sizeof listed, .origins = origins };
    static const struct bight_websocket_accept_options any = { .size = sizeof any, .any_origin = true };
    begin(&listed);
    ck_assert_int_eq(strncmp(say(WS_REQUEST("/ws", "Origin: https://example.net\r\n")), "HTTP/1.1 403", 12), 0);
    bight_string_clear(peer);
    ck_assert_str_eq(say(WS_REQUEST("/ws", "Origin: https://example.com\r\n")), WS_ANSWER "\r\n");
    ws_end();
    begin(&any);
    ck_assert_str_eq(say(WS_REQUEST("/ws", "Origin: null\r\n")), WS_ANSWER "\r\n");
    ws_end();
}
END_TEST

START_TEST(the_subprotocol_is_the_servers_choice_among_the_clients) /* W7 */
{
    static const char *const subprotocols[] = { "chat.v2", "chat.v1", NULL };
    static const struct bight_websocket_accept_options options = { .size = sizeof options,
        .subprotocols = subprotocols };
    begin(&options);
    ck_assert_str_eq(
        say(WS_REQUEST("/ws", "Sec-WebSocket-Protocol: other, chat.v1\r\nSec-WebSocket-Protocol: chat.v2\r\n")),
        WS_ANSWER "Sec-WebSocket-Protocol: chat.v2\r\n\r\n");
    (void)ws_happened();
    ck_assert_str_eq(bight_websocket_subprotocol(ws_socket), "chat.v2");
    ws_end();
    begin(&options);
    ck_assert_str_eq(say(WS_REQUEST("/ws", "Sec-WebSocket-Protocol: chat.v3\r\n")), WS_ANSWER "\r\n");
    ws_end();
}
END_TEST

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void answer_kept(void *context)
{
    (void)context;
    code = bight_http_respond_websocket(kept, &plain, NULL);
    bight_http_request_release(kept);
}

START_TEST(a_websocket_may_be_the_answer_later) /* W7 */
{
    begin(NULL);
    add_route("/later", keep);
    ck_assert_str_eq(say(WS_REQUEST("/later", "")), "");
    ck_assert_int_eq(bight_call_later(reactor, 1, answer_kept, NULL, NULL), 0);
    bight_testing_advance(reactor, 1);
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(bight_string_written_text(peer), WS_ANSWER "\r\n");
    ck_assert_str_eq(ws_happened(), "open(/later).");
    ws_end();
}
END_TEST

START_TEST(who_has_gone_meanwhile_gets_none) /* W7 */
{
    begin(NULL);
    add_route("/later", keep);
    ck_assert_str_eq(say(WS_REQUEST("/later", "")), "");
    bight_string_reset(peer, 0);
    settle();
    answer_kept(NULL);
    ck_assert_int_eq(code, BIGHT_E_CLOSED);
    ck_assert_str_eq(ws_happened(), "");
    ws_end();
}
END_TEST

static bool before(struct bight_http_request *request, void *context)
{
    (void)context;
    if (bight_http_request_query(request, "secret") != NULL) {
        return true;
    }
    (void)bight_http_respond_text(request, 401, "no");
    return false;
}

static int status_ended;

static void done(struct bight_http_request *request, const struct bight_http_outcome *outcome, void *context)
{
    (void)request;
    (void)context;
    status_ended = outcome->status;
}

START_TEST(middleware_comes_before_a_websocket) /* W7, A6 */
{
    static const struct bight_http_middleware_ops ops = { .size = sizeof ops, .before = before, .done = done };
    begin(NULL);
    ck_assert_int_eq(bight_http_use(site, &ops, NULL), 0);
    ck_assert_int_eq(strncmp(say(WS_REQUEST("/ws", "")), "HTTP/1.1 401", 12), 0);
    bight_string_clear(peer);
    ck_assert_str_eq(say(WS_REQUEST("/ws?secret=1", "")), WS_ANSWER "\r\n");
    ck_assert_str_eq(ws_happened(), "open(/ws).");
    ck_assert_int_eq(status_ended, 101);
    ws_end();
}
END_TEST

static struct bight_protocol *build_none(struct bight_factory *factory, const struct bight_address *peer_address)
{
    (void)factory;
    (void)peer_address;
    return NULL;
}

static void respond_refusing(struct bight_http_request *request, void *context)
{
    static const struct bight_factory_ops ops = { .build_protocol = build_none };
    static struct bight_websocket_factory refusing = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ws_ops);
    (void)context;
    refusing.base.ops = &ops;
    code = bight_http_respond_websocket(request, &refusing, NULL);
}

START_TEST(a_factory_may_refuse) /* W7 */
{
    begin(NULL);
    add_route("/no", respond_refusing);
    ck_assert_int_eq(strncmp(say(WS_REQUEST("/no", "")), "HTTP/1.1 503", 12), 0);
    ck_assert_int_eq(code, BIGHT_E_NO_PROTOCOL);
    ws_end();
}
END_TEST

START_TEST(a_pattern_that_conflicts_is_told) /* W7, A5 */
{
    begin(NULL);
    ck_assert_int_eq(bight_websocket_route(site, "/ws", &plain), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_websocket_route(NULL, "/other", &plain), BIGHT_E_OUT_OF_MEMORY);
    ws_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_request_for_a_websocket_is_answered_with_one);
    tcase_add_test(tests, frames_right_behind_the_request_are_received);
    tcase_add_loop_test(tests, what_is_no_such_request_is_told_why, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, origins_that_are_listed_may_connect);
    tcase_add_test(tests, the_subprotocol_is_the_servers_choice_among_the_clients);
    tcase_add_test(tests, a_websocket_may_be_the_answer_later);
    tcase_add_test(tests, who_has_gone_meanwhile_gets_none);
    tcase_add_test(tests, middleware_comes_before_a_websocket);
    tcase_add_test(tests, a_factory_may_refuse);
    tcase_add_test(tests, a_pattern_that_conflicts_is_told);
}

BIGHT_TEST_MAIN("http_ws_handshake", add_tests)
