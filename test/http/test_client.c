/* SPDX-License-Identifier: MIT */
/* Tests of the client (protocols/http/client): what is sent, what comes of it, how calls and clients end. */
#include "client_support.h"

#define HELLO ANSWER(5, "Hello")

static struct peer *server;

static void begin(const char *text)
{
    const struct bight_http_call_options plain = { .size = sizeof plain, .decompress = BIGHT_HTTP_NO };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &plain };
    begin_world(&options);
    server = add_peer("server", NULL, text);
}

static struct bight_http_call *call_of(const char *method, const char *url)
{
    struct bight_http_call *call = bight_http_call_new(client, method, url);
    ck_assert_ptr_nonnull(call);
    return call;
}

/* ------------------------------------------------------------------------------------------- what is sent */

START_TEST(a_get_brings_a_response) /* C1 */
{
    begin(HEAD_200 "X-A: b\r\nContent-Length: 5\r\n\r\nHello");
    struct bight_deferred *asked = bight_http_get(client, "http://server/a/b?c=d#e");
    pass(1);
    ck_assert_str_eq(
        server->last, "GET /a/b?c=d HTTP/1.1\r\nHost: server\r\nUser-Agent: bight/" BIGHT_VERSION "\r\n\r\n");
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    ck_assert_int_eq(bight_http_response_status(response), 200);
    ck_assert_str_eq(bight_http_response_field(response, "x-a"), "b");
    ck_assert_str_eq((const char *)bight_bytes_data(bight_http_response_body(response)), "Hello");
    ck_assert_str_eq(bight_http_response_url(response), "http://server/a/b?c=d");
    ck_assert(!bight_http_response_hop(response, 0, NULL, NULL));
    ck_assert_int_eq(bight_http_response_set(response, "A", "b"), BIGHT_E_INVALID_ARGUMENT);
    bight_http_response_release(response);
    bight_deferred_release(asked);
    end_world();
}
END_TEST

START_TEST(a_call_says_what_it_was_told) /* C8 H6 */
{
    begin(HELLO);
    struct bight_http_call *call = call_of("POST", "http://server:80");
    ck_assert_int_eq(bight_http_call_set(call, "Accept", "text/plain"), 0);
    ck_assert_int_eq(bight_http_call_set(call, "accept", "text/html"), 0);
    ck_assert_int_eq(bight_http_call_add(call, "X-A", "1"), 0);
    ck_assert_int_eq(bight_http_call_add(call, "X-A", "2"), 0);
    ck_assert_int_eq(bight_http_call_set(call, "User-Agent", "me"), 0);
    ck_assert_int_eq(bight_http_call_basic_auth(call, "Aladdin", "open sesame"), 0);
    ck_assert_int_eq(bight_http_call_body_text(call, "abc"), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_str_eq(server->last, "POST / HTTP/1.1\r\nHost: server\r\naccept: text/html\r\nX-A: 1\r\nX-A: 2\r\n"
                                   "User-Agent: me\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\nabc");
    end_world();
}
END_TEST

static const struct {
    const char *method, *url, *line, *host;
} targets[] = {
    { "GET", "http://server?q", "GET /?q HTTP/1.1\r\n", "Host: server\r\n" },
    { "HEAD", "HTTP://SERVER/", "HEAD / HTTP/1.1\r\n", "Host: SERVER\r\n" },
    { "PROPFIND", "http://server:080/%7e", "PROPFIND /%7e HTTP/1.1\r\n", "Host: server\r\n" },
    { "GET", "http://server:8080/", "GET / HTTP/1.1\r\n", "Host: server:8080\r\n" },
    { "GET", "http://[fd00::2]/", "GET / HTTP/1.1\r\n", "Host: [fd00::2]\r\n" },
    { "PUT", "http://server/", "PUT / HTTP/1.1\r\n", "Content-Length: 0\r\n" },
};

START_TEST(a_url_becomes_target_and_host) /* C11 */
{
    begin_world(NULL);
    server = add_peer("server", "tcp:80", HELLO);
    ck_assert_int_eq(bight_serve(server->reactor, "tcp6:80", &server->factory) <= 0, 1);
    ck_assert_int_eq(bight_serve(server->reactor, "tcp:8080", &server->factory), 0);
    note(bight_http_call_send(call_of(targets[_i].method, targets[_i].url)), "");
    pass(1);
    ck_assert_ptr_eq(strstr(server->last, targets[_i].line), server->last);
    ck_assert_ptr_nonnull(strstr(server->last, targets[_i].host));
    end_world();
}
END_TEST

START_TEST(a_large_body_is_sent_whole) /* C8 */
{
    static char large[60000];
    begin(HELLO);
    memset(large, 'x', sizeof large);
    struct bight_http_call *call = call_of("PUT", "http://server/");
    ck_assert_int_eq(bight_http_call_body(call, large, sizeof large, NULL), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("200 'Hello'");
    const char *body = strstr(server->last, "\r\n\r\n") + 4;
    ck_assert_uint_eq(strlen(body), sizeof large);
    end_world();
}
END_TEST

START_TEST(a_form_is_a_body) /* C8 A11 */
{
    begin(HELLO);
    struct bight_http_call *call = call_of("POST", "http://server/");
    ck_assert_int_eq(bight_http_call_form_field(call, "name", "Ann & Bob"), 0);
    ck_assert_int_eq(bight_http_call_form_field(call, "a=b", ""), 0);
    ck_assert_int_eq(bight_http_call_form_field(call, "*-._~", "\xc3\xa4+%\r\n"), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_ptr_nonnull(strstr(server->last, "Content-Type: application/x-www-form-urlencoded\r\n"));
    ck_assert_str_eq(strstr(server->last, "\r\n\r\n") + 4, "name=Ann+%26+Bob&a%3Db=&*-._%7E=%C3%A4%2B%25%0D%0A");
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- what is wrong */

static const char *const bad_urls[] = { "", "server", "/a", "ftp://server/", "ws://server/", "http://", "http://a b/",
    "http://server/\r\nX: y", "http://server/a b", "http://ser%76er/", "http://127.1/", "http://server\\@other/",
    "http://server:99999/", "http://user@server/", "http://user:secret@server/" };

START_TEST(a_bad_url_is_a_failure) /* C11 */
{
    begin(HELLO);
    get(bad_urls[_i], "");
    ck_heard("SYNTAX");
    pass(1);
    ck_assert_uint_eq(server->accepted, 0);
    end_world();
}
END_TEST

static const char *const bad_methods[] = { "", "G T", "GET\r\n", "CONNECT", "G\x80T" };

START_TEST(a_bad_method_is_a_failure) /* C11 */
{
    begin(HELLO);
    note(bight_http_call_send(call_of(bad_methods[_i], "http://server/")), "");
    ck_heard("SYNTAX");
    end_world();
}
END_TEST

static const char *const bad_fields[][2] = { { "A B", "c" }, { "", "c" }, { "A", "b\r\nC: d" }, { "A", "b\n" },
    { "A:", "b" }, { "Content-Length", "5" }, { "transfer-encoding", "chunked" }, { "Connection", "close" },
    { "Upgrade", "x" }, { "Expect", "100-continue" }, { "TE", "trailers" }, { "Proxy-Authorization", "Basic x" } };

START_TEST(what_no_request_may_say_is_refused_when_it_is_set_and_when_it_is_sent) /* C11 H6 */
{
    begin(HELLO);
    struct bight_http_call *call = call_of("GET", "http://server/");
    ck_assert_int_eq(bight_http_call_set(call, bad_fields[_i][0], bad_fields[_i][1]), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_call_add(call, bad_fields[_i][0], bad_fields[_i][1]), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 2);
    note(bight_http_call_send(call), "");
    ck_heard("INVALID_ARGUMENT");
    end_world();
}
END_TEST

START_TEST(the_null_of_a_failed_new_is_accepted_everywhere) /* C1 */
{
    struct bight_bytes *bytes = bight_bytes_new("x", 1);
    heard[0] = '\0';
    note(bight_http_get(NULL, "http://server/"), "get ");
    note(bight_http_client_close(NULL), "close ");
    bight_http_client_free(NULL);
    struct bight_http_call *call = bight_http_call_new(NULL, "GET", "http://server/");
    ck_assert_ptr_null(call);
    ck_assert_int_eq(bight_http_call_set(call, "A", "b"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_add(call, "A", "b"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_secret(call, "A"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_body_text(call, "x"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_body_bytes(call, bytes, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_basic_auth(call, "a", "b"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_bearer(call, "a"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_form_field(call, "a", "b"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_endpoint(call, "unix:/a"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_configure(call, NULL), BIGHT_E_OUT_OF_MEMORY);
    bight_http_call_free(call);
    note(bight_http_call_send(call), "send ");
    ck_heard("get OUT_OF_MEMORY close OUT_OF_MEMORY send OUT_OF_MEMORY");
    bight_bytes_release(bytes);
}
END_TEST

START_TEST(a_status_is_a_failure_only_if_that_was_asked_for) /* C1 */
{
    const struct bight_http_call_options strict = { .size = sizeof strict, .fail_on_status = BIGHT_HTTP_YES };
    begin("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nNone");
    get("http://server/", "plain ");
    pass(1);
    struct bight_http_call *call = call_of("GET", "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &strict), 0);
    note(bight_http_call_send(call), "strict ");
    pass(1);
    ck_heard("plain 404 'None' strict HTTP_STATUS/404");
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

START_TEST(a_name_that_is_not_known_and_a_port_that_is_closed_are_failures) /* C1 */
{
    begin(HELLO);
    get("http://nobody/", "name ");
    pass(1);
    get("http://server:81/", "port ");
    pass(1);
    ck_heard("name NAME_NOT_FOUND port ALL_FAILED");
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- any endpoint */

START_TEST(any_endpoint_may_carry_a_call) /* C7 */
{
    begin(HELLO);
    struct bight_http_call *call = call_of("GET", "http://not.a.host/");
    ck_assert_int_eq(bight_http_call_endpoint(call, "tcp:server:80"), 0);
    note(bight_http_call_send(call), "");
    call = call_of("GET", "http://not.a.host/");
    ck_assert_int_eq(bight_http_call_endpoint(call, "nonsense:"), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("UNKNOWN_TYPE 200 'Hello'");
    ck_assert_ptr_nonnull(strstr(server->last, "Host: not.a.host\r\n"));
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- the ends */

static void say_nothing(struct talk *talk, const char *request)
{
    (void)talk;
    (void)request;
}

START_TEST(cancelling_at_any_step_ends_what_is_under_way) /* C1 */
{
    static const char *const answers[] = { NULL, "HTTP/1.1 200 OK\r\nA", HEAD_200 "Content-Length: 5\r\n\r\nHel" };
    begin(answers[_i % 3]);
    server->script = answers[_i % 3] == NULL ? say_nothing : NULL;
    for (int step = 0; step < 60; step++) {
        struct bight_deferred *asked = bight_http_get(client, "http://server/");
        note(bight_deferred_hold(asked), "");
        for (int i = 0; i < step; i++) {
            (void)bight_simulation_step(network);
        }
        bight_deferred_cancel(asked);
        bight_deferred_release(asked);
        ck_heard("CANCELLED");
        pass(1);
        ck_assert_uint_eq(server->open, 0);
    }
    server->script = NULL;
    server->answer = HELLO;
    get("http://server/", "");
    pass(1);
    ck_heard("200 'Hello'");
    end_world();
}
END_TEST

START_TEST(closing_waits_for_what_is_under_way_and_in_the_queue) /* C1 */
{
    const struct bight_http_client_options one = { .size = sizeof one, .max_per_host = 1 };
    begin_world(&one);
    server = add_peer("server", NULL, HELLO);
    get("http://server/", "1 ");
    get("http://server/", "2 ");
    note(bight_http_client_close(client), "closed ");
    get("http://server/", "3 ");
    note(bight_http_client_close(client), "again ");
    pass(1);
    ck_heard("3 CLOSED again CLOSED 1 200 'Hello' 2 200 'Hello' closed -");
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

START_TEST(closing_closes_what_is_kept) /* C2 */
{
    begin(HELLO);
    get("http://server/", "");
    pass(1);
    ck_assert_uint_eq(server->open, 1);
    note(bight_http_client_close(client), "closed ");
    pass(0.1);
    ck_heard("200 'Hello' closed -");
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

START_TEST(freeing_fails_what_is_under_way) /* C1 */
{
    const struct bight_http_client_options one = { .size = sizeof one, .max_per_host = 1 };
    begin_world(&one);
    server = add_peer("server", NULL, NULL);
    get("http://server/", "1 ");
    get("http://server/", "2 ");
    struct bight_http_call *call = call_of("GET", "http://server/");
    for (int i = 0; i < _i; i++) {
        (void)bight_simulation_step(network);
    }
    bight_http_client_free(client);
    client = NULL;
    ck_heard("1 ABANDONED 2 ABANDONED");
    note(bight_http_call_send(call), "3 ");
    ck_heard("3 CLOSED");
    pass(1);
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

static void free_it(struct bight_result *result, void *context)
{
    struct bight_http_client *one = client;
    client = NULL;
    bight_result_clear(result);
    bight_http_client_free(one);
    hear("freed");
    get("http://server/", context);
}

START_TEST(a_client_may_be_freed_in_a_callback) /* C1 */
{
    begin(HELLO);
    struct bight_deferred *asked = bight_http_get(client, _i == 0 ? "http://server/" : "http://nobody/");
    bight_deferred_add_both(asked, free_it, (void *)(uintptr_t) "after ");
    bight_deferred_release(asked);
    get("http://server/2", "2 ");
    pass(1);
    ck_assert_ptr_nonnull(strstr(heard, "after OUT_OF_MEMORY"));
    ck_assert_ptr_nonnull(strstr(heard, "freed"));
    end_world();
}
END_TEST

static void ask_again(struct bight_result *result, void *context)
{
    unsigned *left = context;
    bight_result_clear(result);
    if (--*left > 0) {
        struct bight_deferred *asked = bight_http_get(client, "http://server/");
        bight_deferred_add_both(asked, ask_again, left);
        bight_deferred_release(asked);
    }
}

START_TEST(a_callback_may_ask_again_on_the_same_connection) /* C2 */
{
    unsigned left = 100;
    begin(HELLO);
    struct bight_deferred *asked = bight_http_get(client, "http://server/");
    bight_deferred_add_both(asked, ask_again, &left);
    bight_deferred_release(asked);
    pass(10);
    ck_assert_uint_eq(left, 0);
    ck_assert_uint_eq(server->requests, 100);
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

START_TEST(options_out_of_range_are_refused) /* C3 */
{
    const struct bight_http_call_options late = { .size = sizeof late, .total_seconds = -1 };
    const struct bight_http_client_options rows[] = {
        { .size = sizeof rows[0], .idle_seconds = -1 },
        { .size = sizeof rows[0], .max_head = 65536 },
        { .size = sizeof rows[0], .max_fields = 1001 },
        { .size = sizeof rows[0], .user_agent = "a\r\nb" },
        { .size = sizeof rows[0], .calls = &late },
    };
    begin(HELLO);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_ptr_null(bight_http_client_new(client_reactor, &rows[i]));
        ck_assert_uint_eq(usage_errors, i + 1);
    }
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_get_brings_a_response);
    tcase_add_test(tests, a_call_says_what_it_was_told);
    tcase_add_loop_test(tests, a_url_becomes_target_and_host, 0, sizeof targets / sizeof *targets);
    tcase_add_test(tests, a_large_body_is_sent_whole);
    tcase_add_test(tests, a_form_is_a_body);
    tcase_add_loop_test(tests, a_bad_url_is_a_failure, 0, sizeof bad_urls / sizeof *bad_urls);
    tcase_add_loop_test(tests, a_bad_method_is_a_failure, 0, sizeof bad_methods / sizeof *bad_methods);
    tcase_add_loop_test(tests, what_no_request_may_say_is_refused_when_it_is_set_and_when_it_is_sent, 0,
        sizeof bad_fields / sizeof *bad_fields);
    tcase_add_test(tests, the_null_of_a_failed_new_is_accepted_everywhere);
    tcase_add_test(tests, a_status_is_a_failure_only_if_that_was_asked_for);
    tcase_add_test(tests, a_name_that_is_not_known_and_a_port_that_is_closed_are_failures);
    tcase_add_test(tests, any_endpoint_may_carry_a_call);
    tcase_add_loop_test(tests, cancelling_at_any_step_ends_what_is_under_way, 0, 3);
    tcase_add_test(tests, closing_waits_for_what_is_under_way_and_in_the_queue);
    tcase_add_test(tests, closing_closes_what_is_kept);
    tcase_add_loop_test(tests, freeing_fails_what_is_under_way, 0, 20);
    tcase_add_loop_test(tests, a_client_may_be_freed_in_a_callback, 0, 2);
    tcase_add_test(tests, a_callback_may_ask_again_on_the_same_connection);
    tcase_add_test(tests, options_out_of_range_are_refused);
}

BIGHT_TEST_MAIN("http_client", add_tests)
