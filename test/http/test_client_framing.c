/* SPDX-License-Identifier: MIT */
/* Tests of what a client makes of a server's bytes (protocols/http/client/exchange.c): what it takes, what it tolerates
 * but once, what it refuses; however the bytes are cut. */
#include "client_support.h"

#define CHUNKED HEAD_200 "Transfer-Encoding: chunked\r\n\r\n"
#define HI "Content-Length: 2\r\n\r\nHi"

static struct peer *server;
static bool ends;

static const struct {
    const char *bytes, *expected;
    bool ends, kept; /* the server closes behind it; the connection may be used again */
} rows[] = {
    { HEAD_200 HI, "200 'Hi'", false, true },
    { HEAD_200 "Content-Length: 0\r\n\r\n", "200 ''", false, true },
    { CHUNKED "2\r\nHi\r\n0\r\n\r\n", "200 'Hi'", false, true },
    { CHUNKED "1;a=b\r\nH\r\n01\r\ni\r\n0\r\nX: y\r\n\r\n", "200 'Hi'", false, true },
    { "HTTP/1.1 204 None\r\n\r\n", "204 ''", false, true },
    { "HTTP/1.1 304 Not\r\nContent-Length: 7\r\n\r\n", "304 ''", false, true },
    { "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" HEAD_200 HI, "200 'Hi'", false, true },
    { HEAD_200 "\r\nHi", "200 'Hi'", true, false },
    { "HTTP/1.0 200 OK\r\n\r\nHi", "200 'Hi'", true, false },
    { "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" HI, "200 'Hi'", false, true },

    /* Tolerated, once. */
    { HEAD_200 "A: b\r\n c\r\n" HI, "200 'Hi'", false, false },
    { "HTTP/1.1 200 OK\nContent-Length: 2\n\nHi", "200 'Hi'", false, false },
    { "HTTP/1.1 200\r\n" HI, "200 'Hi'", false, false },
    { CHUNKED "2 \t\r\nHi\r\n0\r\n\r\n", "200 'Hi'", false, false },
    { HEAD_200 "Content-Length: 2\r\n" HI, "200 'Hi'", false, false },
    { HEAD_200 "Content-Length: 2, 2\r\n\r\nHi", "200 'Hi'", false, false },
    { HEAD_200 "Transfer-Encoding: gzip\r\n\r\nHi", "200 'Hi'", true, false },
    { "HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n", "204 ''", false, false },
    { "HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n", "204 ''", false, false },

    /* Refused. */
    { HEAD_200 "Transfer-Encoding: chunked\r\n" HI, "SYNTAX", false, false },
    { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "SYNTAX", false, false },
    { "HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "SYNTAX", false, false },
    { HEAD_200 "Content-Length: 5\r\n\r\nHi", "INCOMPLETE", true, false },
    { CHUNKED "2\r\nHi\r\n", "INCOMPLETE", true, false },
    { CHUNKED "5\r\nHi", "INCOMPLETE", true, false },
    { CHUNKED "0\r\n", "INCOMPLETE", true, false },
    { "HTTP/1.1 200 O", "INCOMPLETE", true, false },
    { "", "INCOMPLETE", true, false },
    { HEAD_200 "Content-Length: 2\r\nContent-Length: 3\r\n\r\nHi", "SYNTAX", false, false },
    { HEAD_200 "Content-Length: -2\r\n\r\nHi", "SYNTAX", false, false },
    { HEAD_200 "Content-Length: +2\r\n\r\nHi", "SYNTAX", false, false },
    { HEAD_200 "Content-Length: 0x2\r\n\r\nHi", "SYNTAX", false, false },
    { HEAD_200 "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "SYNTAX", false, false },
    { HEAD_200 "A : b\r\n" HI, "SYNTAX", false, false },
    { HEAD_200 "A: \001\r\n" HI, "SYNTAX", false, false },
    { CHUNKED "Hi\r\n", "SYNTAX", false, false },
    { CHUNKED "12345678123456781\r\n", "SYNTAX", false, false },
    { CHUNKED "2\r\nHix\r\n", "SYNTAX", false, false },
    { CHUNKED "0\r\nContent-Length: 5\r\n\r\n", "SYNTAX", false, false },
    { "SSH-2.0-OpenSSH\r\n", "SYNTAX", false, false },
    { "HTTP/2 200 OK\r\n\r\n", "SYNTAX", false, false },
    { "HTTP/1.1 2000 OK\r\n\r\n", "SYNTAX", false, false },
};

static void say_row(struct talk *talk, const char *request)
{
    static char text[4096];
    int row = atoi(strchr(request, '/') + 1);
    (void)snprintf(text, sizeof text, "%s", rows[row].bytes);
    say(talk, text);
    if (ends) {
        hang_up(talk);
    }
}

static void ask(int row)
{
    char url[64];
    ends = rows[row].ends;
    (void)snprintf(url, sizeof url, "http://server/%d", row);
    get(url, "");
    pass(1);
}

START_TEST(a_response_is_taken_tolerated_or_refused) /* C5 */
{
    begin_world(NULL);
    server = add_peer("server", NULL, NULL);
    server->script = say_row;
    ask(_i);
    ck_heard(rows[_i].expected);
    ck_assert_uint_eq(server->open, rows[_i].kept);
    ask(0);
    ck_heard("200 'Hi'");
    ck_assert_uint_eq(server->accepted, rows[_i].kept ? 1 : 2);
    end_world();
}
END_TEST

START_TEST(it_is_the_same_however_it_is_cut) /* C5 H1 */
{
    const struct bight_link_conditions cut = { .latency = 0.0001, .split = 900 };
    begin_world(NULL);
    server = add_peer("server", NULL, NULL);
    server->script = say_row;
    bight_simulation_link(network, NULL, NULL, &cut);
    for (int i = 0; i < 10; i++) {
        ask(_i);
        ck_heard(rows[_i].expected);
    }
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- limits */

static const struct {
    struct bight_http_client_options options;
    const char *bytes, *expected;
} limits[] = {
    { { .max_head = 57 }, HEAD_200 "Content-Length: 2\r\nX-Long-Field: 1234\r\n\r\nHi", "TOO_LONG" },
    { { .max_head = 58 }, HEAD_200 "Content-Length: 2\r\nX-Long-Field: 1234\r\n\r\nHi", "200 'Hi'" },
    { { .max_fields = 2 }, HEAD_200 "A: b\r\n" HI, "200 'Hi'" },
    { { .max_fields = 2 }, HEAD_200 "A: b\r\nC: d\r\n" HI, "TOO_LONG" },
    { { .max_interim = 1 }, "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\n" HEAD_200 HI, "TOO_LONG" },
    { { .max_interim = 2 }, "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\n" HEAD_200 HI, "200 'Hi'" },
    { { .size = 0 }, HEAD_200 "Content-Length: 11\r\n\r\n", "TOO_LONG" },
    { { .size = 0 }, HEAD_200 "Content-Length: 10\r\n\r\n0123456789", "200 '0123456789'" },
    { { .size = 0 }, HEAD_200 "\r\n0123456789a", "TOO_LONG" },
    { { .size = 0 }, CHUNKED "5\r\n01234\r\n6\r\n56789a\r\n", "TOO_LONG" },
};

START_TEST(what_a_server_may_send_is_limited) /* C3 */
{
    const struct bight_http_call_options ten = { .size = sizeof ten, .max_body = 10 };
    struct bight_http_client_options options = limits[_i].options;
    options.size = sizeof options;
    options.calls = &ten;
    begin_world(&options);
    server = add_peer("server", NULL, limits[_i].bytes);
    get("http://server/", "");
    pass(1);
    ck_heard(limits[_i].expected);
    end_world();
}
END_TEST

START_TEST(trailers_are_kept_apart_from_the_head) /* C1 */
{
    begin_world(NULL);
    server = add_peer("server", NULL, CHUNKED "2\r\nHi\r\n0\r\nX-Sum: 7\r\nx-other:  8 \r\n\r\n");
    struct bight_deferred *asked = bight_http_get(client, "http://server/");
    pass(1);
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    ck_assert_str_eq(bight_http_response_trailer(response, "x-sum"), "7");
    ck_assert_str_eq(bight_http_response_trailer(response, "X-Other"), "8");
    ck_assert_ptr_null(bight_http_response_trailer(response, "Transfer-Encoding"));
    ck_assert_ptr_null(bight_http_response_field(response, "X-Sum"));
    bight_http_response_release(response);
    bight_deferred_release(asked);
    end_world();
}
END_TEST

START_TEST(a_head_has_no_body_whatever_it_says) /* C5 */
{
    begin_world(NULL);
    server = add_peer("server", NULL, HEAD_200 "Content-Length: 1000000000\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        note(bight_http_call_send(bight_http_call_new(client, "HEAD", "http://server/")), "");
        pass(1);
    }
    ck_heard("200 '' 200 ''");
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_response_is_taken_tolerated_or_refused, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(tests, it_is_the_same_however_it_is_cut, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(tests, what_a_server_may_send_is_limited, 0, sizeof limits / sizeof *limits);
    tcase_add_test(tests, trailers_are_kept_apart_from_the_head);
    tcase_add_test(tests, a_head_has_no_body_whatever_it_says);
}

BIGHT_TEST_MAIN("http_client_framing", add_tests)
