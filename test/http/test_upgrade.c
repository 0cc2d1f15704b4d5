/* SPDX-License-Identifier: MIT */
/* Tests of connections that become something else (A14): Upgrade and CONNECT, at once and later, with what has come. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define UPGRADE(target, version, more) \
    "GET " target " HTTP/" version "\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n" more "\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"

/* -------------------------------------------------------------------------------------- the other protocol */

static size_t made, lost, received;

static void echo_made(struct bight_protocol *protocol)
{
    (void)protocol;
    made++;
}

static void echo_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    received += size;
    (void)bight_transport_write(protocol->transport, data, size);
}

static void echo_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    (void)reason;
    lost++;
}

static const struct bight_protocol_ops echo_ops = {
    .connection_made = echo_made, .data_received = echo_received, .connection_lost = echo_lost
};
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

/* --------------------------------------------------------------------------------------------- the site */

static struct bight_http_request *kept;
static int code;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void upgrade(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "A", "b");
    code = bight_http_respond_upgrade(request, "echo", bight_protocol_new(&echo_factory));
}

static void upgrade_kept(void *context)
{
    upgrade(kept, context);
    bight_http_request_release(kept);
}

static void accept_tunnel(struct bight_http_request *request, void *context)
{
    (void)context;
    code = bight_http_respond_upgrade(request, NULL, bight_protocol_new(&echo_factory));
}

static void begin(const struct bight_http_site_options *options)
{
    made = lost = received = 0;
    code = 1;
    begin_site(options);
    add_route("/", say_hello);
    add_route("/keep", keep);
    add_route("/upgrade", upgrade);
    connect_peer();
}

/* ------------------------------------------------------------------------------------------------ upgrades */

START_TEST(what_comes_behind_an_upgrade_is_the_other_protocols) /* A14 */
{
    begin(NULL);
    const char *answer = say(UPGRADE("/upgrade", "1.1", "") "hello");
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(answer, SWITCHED "A: b\r\n\r\nhello");
    bight_string_clear(peer);
    ck_assert_str_eq(say("GET / "), "GET / ");
    bight_string_end(peer);
    ck_assert_uint_eq(made, 1);
    ck_assert_uint_eq(lost, 1);
    end_site();
}
END_TEST

static int status_told, status_ended;

static void note_head(struct bight_http_request *request, int status, void *context)
{
    (void)context;
    status_told = status_told * 1000 + status;
    (void)bight_http_respond_set(request, "C", "d");
}

static void note_end(struct bight_http_request *request, const struct bight_http_outcome *outcome, void *context)
{
    (void)request;
    (void)context;
    status_ended = outcome->status;
}

static const struct bight_http_middleware_ops noting = { .size = sizeof noting, .head = note_head, .done = note_end };

static void upgrade_to_much(struct bight_http_request *request, void *context)
{
    static char name[300];
    (void)memset(name, 'n', sizeof name - 1);
    ck_assert_int_eq(
        bight_http_respond_upgrade(request, name, bight_protocol_new(&echo_factory)), BIGHT_E_INVALID_ARGUMENT);
    upgrade(request, context);
}

START_TEST(an_upgrade_is_an_answer_of_which_middleware_is_told_once) /* A14, A6 */
{
    begin(NULL);
    status_told = status_ended = 0;
    ck_assert_int_eq(bight_http_use(site, &noting, NULL), 0);
    add_route("/much", upgrade_to_much);
    const char *answer = say(_i == 0 ? UPGRADE("/upgrade", "1.1", "") "hello" : UPGRADE("/much", "1.1", "") "hello");
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(answer, SWITCHED "A: b\r\nC: d\r\n\r\nhello");
    ck_assert_int_eq(status_told, 101);
    ck_assert_int_eq(status_ended, 101);
    ck_assert_uint_eq(usage_errors, (size_t)_i);
    end_site();
}
END_TEST

START_TEST(an_upgrade_works_however_the_input_is_cut) /* A14, H1 */
{
    static const char text[] = GET UPGRADE("/upgrade", "1.1", "") "hello";
    begin(NULL);
    for (size_t chunk = 1; chunk < 30; chunk++) {
        (void)bight_string_feed_chunked(peer, text, sizeof text - 1, chunk);
        ck_assert_ptr_nonnull(strstr(bight_string_written_text(peer), "Hello" SWITCHED "A: b\r\n\r\nhello"));
        bight_string_peer_free(peer);
        connect_peer();
    }
    end_site();
}
END_TEST

START_TEST(an_upgrade_may_come_later) /* A14 */
{
    begin(NULL);
    say(UPGRADE("/keep", "1.1", ""));
    if (_i == 1) {
        say("hel");
        say("lo");
    }
    upgrade_kept(NULL);
    settle();
    if (_i == 0) {
        say("hello");
    }
    ck_assert_str_eq(bight_string_written_text(peer), SWITCHED "A: b\r\n\r\nhello");
    end_site();
}
END_TEST

START_TEST(input_between_the_answer_and_the_change_keeps_its_order) /* A14 */
{
    begin(NULL);
    say(UPGRADE("/keep", "1.1", "") "first");
    (void)bight_call_later(reactor, 0, upgrade_kept, NULL, NULL);
    say(" second");
    ck_assert_str_eq(bight_string_written_text(peer), SWITCHED "A: b\r\n\r\nfirst second");
    end_site();
}
END_TEST

START_TEST(a_backlog_that_has_paused_the_connection_is_handed_over_whole) /* A14, H4 */
{
    static char text[300000];
    begin(NULL);
    memset(text, 'x', sizeof text);
    say(UPGRADE("/keep", "1.1", ""));
    (void)bight_string_feed(peer, text, sizeof text);
    upgrade_kept(NULL);
    settle();
    for (int i = 0; i < 100 && received < sizeof text; i++) {
        bight_string_clear(peer);
    }
    ck_assert_uint_eq(received, sizeof text);
    end_site();
}
END_TEST

START_TEST(an_upgraded_connection_has_no_deadlines_of_http) /* A14, H3 */
{
    begin(NULL);
    say(UPGRADE("/upgrade", "1.1", ""));
    bight_testing_advance(reactor, 10000);
    ck_assert_uint_eq(lost, 0);
    end_site();
}
END_TEST

START_TEST(an_upgrade_that_is_not_answered_as_one_is_ignored) /* A14 */
{
    begin(NULL);
    const char *answer = say(UPGRADE("/", "1.1", "") GET);
    ck_assert_uint_eq(count_of(answer, "Hello"), 2);
    end_site();
}
END_TEST

START_TEST(what_cannot_be_upgraded_is_a_usage_error) /* A14 */
{
    static const char *const requests[] = {
        UPGRADE("/upgrade", "1.0", "Connection: keep-alive\r\n"),
        UPGRADE("/upgrade", "1.1", "Content-Length: 3\r\n") "abc",
        UPGRADE("/upgrade", "1.1", "Transfer-Encoding: chunked\r\n") "0\r\n\r\n",
        "GET /upgrade HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\n\r\n",
        "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\r\n",
    };
    begin(NULL);
    const char *answer = say(requests[_i]);
    ck_assert_int_eq(code, BIGHT_E_USAGE);
    ck_assert(has_line(answer, "HTTP/1.1 500 Internal Server Error"));
    bight_string_clear(peer);
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    ck_assert_uint_eq(made, 0);
    end_site();
}
END_TEST

START_TEST(an_upgrade_with_a_length_of_nothing_is_one) /* A14 */
{
    begin(NULL);
    ck_assert_ptr_nonnull(strstr(say(UPGRADE("/upgrade", "1.1", "Content-Length: 0\r\n")), SWITCHED));
    end_site();
}
END_TEST

START_TEST(a_client_that_goes_while_an_upgrade_is_under_way_harms_nobody) /* A3, A14 */
{
    begin(NULL);
    say(UPGRADE("/keep", "1.1", "") "first");
    if (_i < 2) {
        (void)bight_call_later(reactor, 0, upgrade_kept, NULL, NULL);
    }
    if (_i % 2 == 0) {
        bight_string_end(peer);
    } else {
        bight_string_reset(peer, 0);
    }
    if (_i >= 2) {
        upgrade_kept(NULL);
        ck_assert_int_eq(code, BIGHT_E_CLOSED);
    }
    settle();
    ck_assert_uint_eq(made, lost);
    end_site();
}
END_TEST

START_TEST(a_client_that_ends_its_side_may_still_have_its_upgrade) /* A3, A14 */
{
    struct bight_http_site_options options = { .size = sizeof options, .half_close = true };
    begin(&options);
    say(UPGRADE("/keep", "1.1", "") "first");
    bight_string_end(peer);
    upgrade_kept(NULL);
    settle();
    ck_assert_uint_eq(made, 1);
    bight_testing_advance(reactor, 100);
    end_site();
}
END_TEST

static void abort_upgraded(struct bight_http_request *request, void *context)
{
    upgrade(request, context);
    ck_assert_int_eq(bight_http_respond_text(request, 200, "too"), BIGHT_E_USAGE);
    bight_http_respond_abort(request);
}

static void lose_upgraded(struct bight_http_request *request, void *context)
{
    upgrade(request, context);
    (void)bight_transport_lose_connection(bight_http_request_transport(request));
}

START_TEST(a_handler_may_upgrade_and_close) /* A14, T22 */
{
    begin(NULL);
    add_route("/abort", abort_upgraded);
    add_route("/lose", lose_upgraded);
    say(_i == 0 ? UPGRADE("/abort", "1.1", "") "more" : UPGRADE("/lose", "1.1", "") "more");
    bight_testing_advance(reactor, 10);
    ck_assert_uint_eq(made, lost);
    ck_assert(bight_string_is_closed(peer));
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- CONNECT */

#define CONNECT "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n"

START_TEST(connect_without_a_route_is_501) /* A14 */
{
    begin(NULL);
    ck_assert(has_line(say(CONNECT "\r\n"), "HTTP/1.1 501 Not Implemented"));
    end_site();
}
END_TEST

START_TEST(connect_with_a_route_is_a_tunnel) /* A14 */
{
    begin(NULL);
    add_route("CONNECT /", accept_tunnel);
    ck_assert_str_eq(say(CONNECT "\r\nbytes"), "HTTP/1.1 200 OK\r\n\r\nbytes");
    end_site();
}
END_TEST

START_TEST(a_tunnel_that_is_answered_like_a_request_ends_at_once) /* A14, H8 */
{
    begin(NULL);
    add_route("CONNECT /", say_hello);
    const char *answer = say(CONNECT "\r\nbytes");
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert_ptr_null(strstr(answer, "Content-Length"));
    ck_assert_str_eq(body_of(answer), "");
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(connect_with_a_body_is_none) /* A14, H8 */
{
    begin(NULL);
    add_route("CONNECT /", accept_tunnel);
    say(CONNECT "Content-Length: 3\r\n\r\nabc");
    ck_assert_uint_eq(made, 0);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_upgrade_is_an_answer_of_which_middleware_is_told_once, 0, 2);
    tcase_add_test(tests, what_comes_behind_an_upgrade_is_the_other_protocols);
    tcase_add_test(tests, an_upgrade_works_however_the_input_is_cut);
    tcase_add_loop_test(tests, an_upgrade_may_come_later, 0, 2);
    tcase_add_test(tests, input_between_the_answer_and_the_change_keeps_its_order);
    tcase_add_test(tests, a_backlog_that_has_paused_the_connection_is_handed_over_whole);
    tcase_add_test(tests, an_upgraded_connection_has_no_deadlines_of_http);
    tcase_add_test(tests, an_upgrade_that_is_not_answered_as_one_is_ignored);
    tcase_add_loop_test(tests, what_cannot_be_upgraded_is_a_usage_error, 0, 5);
    tcase_add_test(tests, an_upgrade_with_a_length_of_nothing_is_one);
    tcase_add_loop_test(tests, a_client_that_goes_while_an_upgrade_is_under_way_harms_nobody, 0, 4);
    tcase_add_test(tests, a_client_that_ends_its_side_may_still_have_its_upgrade);
    tcase_add_loop_test(tests, a_handler_may_upgrade_and_close, 0, 2);
    tcase_add_test(tests, connect_without_a_route_is_501);
    tcase_add_test(tests, connect_with_a_route_is_a_tunnel);
    tcase_add_test(tests, a_tunnel_that_is_answered_like_a_request_ends_at_once);
    tcase_add_test(tests, connect_with_a_body_is_none);
}

BIGHT_TEST_MAIN("http_upgrade", add_tests)
