/* SPDX-License-Identifier: MIT */
/* Tests of the server that misbehaves on demand (protocols/http/testing/misbehaving.c and its files): that it says just
 * what its scripts say, when they say it, and counts. */
#include <bight/protocols/http_client.h>
#include <bight/protocols/http_client_testing.h>
#include <bight/testing.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

#include <bight/testing/check.h>

static struct bight_reactor *reactor;
static struct bight_http_misbehaving *server;
static struct bight_string_peer *peer;

static void begin(void)
{
    reactor = bight_testing_reactor_new();
    server = bight_http_misbehaving_new();
    peer = bight_string_connect(reactor, bight_http_misbehaving_factory(server), true);
    ck_assert_ptr_nonnull(peer);
}

static void end(void)
{
    bight_string_peer_free(peer);
    bight_http_misbehaving_free(server);
    bight_reactor_free(reactor);
}

static void ask(const char *script)
{
    char text[2000];
    (void)snprintf(text, sizeof text, "GET /x?%s HTTP/1.1\r\nHost: x\r\n\r\n", script);
    (void)bight_string_feed_text(peer, text);
}

static bool is_over(void)
{
    return bight_string_protocol(peer) == NULL;
}

static struct bight_http_misbehaving_figures figures_now(void)
{
    struct bight_http_misbehaving_figures figures = { .size = sizeof figures };
    ck_assert_int_eq(bight_http_misbehaving_read_figures(server, &figures), 0);
    return figures;
}

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *script, *answer;
    bool closes;
} rows[] = {
    { "", OK "Content-Length: 5\r\n\r\nxocuk", false },
    { "size=2", OK "Content-Length: 2\r\n\r\nxo", false },
    { "size=2&length=3", OK "Content-Length: 3\r\n\r\nxo", false },
    { "size=5&framing=chunked&chunk=3", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nxoc\r\n2\r\nuk\r\n0\r\n\r\n",
        false },
    { "framing=close", OK "\r\nxocuk", true },
    { "size=1&framing=both", OK "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\nx\r\n0\r\n\r\n", false },
    { "size=1&framing=twice", OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", false },
    { "status=204", "HTTP/1.1 204 So\r\n\r\n", false },
    { "status=404&size=0", "HTTP/1.1 404 So\r\nContent-Length: 0\r\n\r\n", false },
    { "field=A%3A+b&field=C%3A+d&size=0", OK "A: b\r\nC: d\r\nContent-Length: 0\r\n\r\n", false },
    { "to=http%3A%2F%2Fy%2F", "HTTP/1.1 302 So\r\nLocation: http://y/\r\nContent-Length: 0\r\n\r\n", false },
    { "to=y&via=307", "HTTP/1.1 307 So\r\nLocation: y\r\nContent-Length: 0\r\n\r\n", false },
    { "loop=yes", "HTTP/1.1 302 So\r\nLocation: /x?loop=yes\r\nContent-Length: 0\r\n\r\n", false },
    { "hops=2", "HTTP/1.1 302 So\r\nLocation: /x?hops=2&hops=1\r\nContent-Length: 0\r\n\r\n", false },
    { "hops=2&hops=0", OK "Content-Length: 5\r\n\r\nxocuk", false },
    { "cut=0&end=close", "", true },
    { "cut=12&end=close", "HTTP/1.1 200", true },
    { "cut=12&end=reset", "HTTP/1.1 200", true },
    { "cut=1000&end=reset", OK "Content-Length: 5\r\n\r\nxocuk", true },
    { "unasked=%21%0A", OK "Content-Length: 5\r\n\r\nxocuk!\n", false },
    { "endless=head&cut=27&end=close", OK "X-Filler: ", true },
    { "endless=body&framing=close&cut=24&end=close", OK "\r\nxocuk", true },
    { "garbage=1&end=close", "\x16", true },
    { "siez=5", "HTTP/1.1 400 So\r\nContent-Length: 5\r\n\r\nxocuk", false },
    { "size=x", "HTTP/1.1 400 So\r\nContent-Length: 5\r\n\r\nxocuk", false },
    { "framing=chunky", "HTTP/1.1 400 So\r\nContent-Length: 5\r\n\r\nxocuk", false },
    { "wait=-1", "HTTP/1.1 400 So\r\nContent-Length: 5\r\n\r\nxocuk", false },
};

START_TEST(a_script_says_what_the_answer_is)
{
    begin();
    ask(rows[_i].script);
    ck_assert_str_eq(bight_string_written_text(peer), rows[_i].answer);
    if (rows[_i].closes) {
        bight_string_end(peer);
    }
    ck_assert(is_over() == rows[_i].closes);
    ck_assert_uint_eq(figures_now().refused, strstr(rows[_i].answer, "400") != NULL);
    ck_assert_uint_eq(figures_now().answers, 1);
    end();
}
END_TEST

START_TEST(requests_come_one_after_the_other_however_they_are_cut)
{
    static const char text[] =
        "GET /?size=1 HTTP/1.1\r\n\r\nPOST /?size=2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        "POST /?size=3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n"
        "HEAD / HTTP/1.1\r\nA: b\r\n\r\n";
    for (size_t chunk = 1; chunk <= sizeof text - 1; chunk++) {
        begin();
        (void)bight_string_feed_chunked(peer, text, sizeof text - 1, chunk);
        ck_assert_str_eq(bight_string_written_text(peer),
            OK "Content-Length: 1\r\n\r\nx" OK "Content-Length: 2\r\n\r\nxo" OK "Content-Length: 3\r\n\r\nxoc" OK
               "Content-Length: 5\r\n\r\n");
        ck_assert_uint_eq(figures_now().requests, 4);
        ck_assert_str_eq(bight_http_misbehaving_request(server), "HEAD / HTTP/1.1\r\nA: b");
        end();
    }
}
END_TEST

START_TEST(time_is_the_reactors)
{
    begin();
    ask("wait=10&pace=2&size=1&after=5&end=close&field=A%3A+b");
    bight_testing_advance(reactor, 9.9);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    bight_testing_advance(reactor, 2.2);
    ck_assert_str_eq(bight_string_written_text(peer), "HT");
    bight_testing_advance(reactor, 2 * 44);
    ck_assert_str_eq(bight_string_written_text(peer), OK "A: b\r\nContent-Length: 1\r\n\r\nx");
    ck_assert(bight_transport_is_open(bight_string_protocol(peer)->transport));
    bight_testing_advance(reactor, 5);
    bight_string_end(peer);
    ck_assert(is_over());
    end();
}
END_TEST

START_TEST(an_answer_may_come_before_its_request_has)
{
    begin();
    (void)bight_string_feed_text(peer, "POST /?when=line HTTP/1.1\r\n");
    ck_assert_str_eq(bight_string_written_text(peer), OK "Content-Length: 5\r\n\r\nxocuk");
    bight_string_clear(peer);
    (void)bight_string_feed_text(peer, "Content-Length: 3\r\n\r\nabc");
    (void)bight_string_feed_text(peer, "POST /?when=head HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
    ck_assert_str_eq(bight_string_written_text(peer), OK "Content-Length: 5\r\n\r\nxocuk");
    bight_string_clear(peer);
    (void)bight_string_feed_text(peer, "abc");
    ask("size=1");
    ck_assert_str_eq(bight_string_written_text(peer), OK "Content-Length: 1\r\n\r\nx");
    ck_assert_uint_eq(figures_now().requests, 3);
    end();
}
END_TEST

static const char *const next_ones[] = { "next=close", "next=reset", "next=silence" };

START_TEST(the_next_request_may_meet_the_end)
{
    begin();
    ask(next_ones[_i]);
    bight_testing_advance(reactor, 100);
    ck_assert(!is_over());
    bight_string_clear(peer);
    ask("");
    ck_assert_str_eq(bight_string_written_text(peer), "");
    if (_i == 0) {
        bight_string_end(peer);
    }
    ck_assert(is_over() == (_i < 2));
    ck_assert_uint_eq(figures_now().requests, 2);
    end();
}
END_TEST

START_TEST(a_deaf_server_reads_on_after_its_time)
{
    begin();
    (void)bight_string_feed_text(peer, "POST /?deaf=10 HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
    ck_assert_uint_eq(bight_string_feed_text(peer, "abc"), 3);
    bight_testing_advance(reactor, 9.9);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    bight_testing_advance(reactor, 0.2);
    ck_assert_str_eq(bight_string_written_text(peer), OK "Content-Length: 5\r\n\r\nxocuk");
    end();
}
END_TEST

START_TEST(paths_have_scripts_and_queries_change_them)
{
    begin();
    ck_assert_int_eq(bight_http_misbehaving_rule(server, "/x", "size=1&status=201"), 0);
    ck_assert_int_eq(bight_http_misbehaving_rule(server, NULL, "size=2"), 0);
    ck_assert_int_eq(bight_http_misbehaving_rule(server, "/x", "what=5"), BIGHT_E_INVALID_ARGUMENT);
    ask("page=7&status=202");
    (void)bight_string_feed_text(peer, "GET /y HTTP/1.1\r\n\r\n");
    ck_assert_int_eq(bight_http_misbehaving_rule(server, "/x", NULL), 0);
    ck_assert_int_eq(bight_http_misbehaving_rule(server, NULL, NULL), 0);
    ck_assert_int_eq(bight_http_misbehaving_rule(server, NULL, NULL), 0);
    ask("size=3");
    ck_assert_str_eq(bight_string_written_text(peer), "HTTP/1.1 202 So\r\nContent-Length: 1\r\n\r\nx" OK
                                                      "Content-Length: 2\r\n\r\nxo" OK "Content-Length: 3\r\n\r\nxoc");
    end();
}
END_TEST

START_TEST(a_connection_may_be_greeted)
{
    begin();
    ck_assert_int_eq(bight_http_misbehaving_greet(server, "size=1"), 0);
    struct bight_string_peer *second = bight_string_connect(reactor, bight_http_misbehaving_factory(server), true);
    ck_assert_str_eq(bight_string_written_text(second), OK "Content-Length: 1\r\n\r\nx");
    ck_assert_uint_eq(figures_now().most_open, 2);
    bight_string_peer_free(second);
    bight_testing_settle(reactor, 10);
    ck_assert_uint_eq(figures_now().open, 1);
    ck_assert_uint_eq(figures_now().leftovers, 0);
    end();
}
END_TEST

static const struct {
    const char *script;
    int code;
} fetches[] = { { "size=1000000", 0 }, { "size=1000000&cut=900000&end=reset", BIGHT_E_INCOMPLETE },
    { "coding=bomb", BIGHT_E_TOO_LONG }, { "endless=body&framing=chunked", BIGHT_E_TOO_LONG }, { "hops=3", 0 } };
enum { FETCHES = sizeof fetches / sizeof *fetches };
static int codes[FETCHES];
static unsigned left;

static void note_end(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    *(int *)context = failure != NULL ? bight_failure_code(failure) : 0;
    bight_result_clear(result);
    if (--left == 0) {
        (void)bight_reactor_stop(reactor);
    }
}

static void fetch(struct bight_http_client *client, unsigned port, unsigned number)
{
    char url[200];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/?%s", port, fetches[number].script);
    struct bight_deferred *asked = bight_http_get(client, url);
    bight_deferred_add_both(asked, note_end, &codes[number]);
    bight_deferred_release(asked);
}

START_TEST(it_serves_on_the_loopback_too)
{
    reactor = bight_reactor_new();
    server = bight_http_misbehaving_new();
    struct bight_http_client *client = bight_http_client_new(reactor, NULL);
    struct bight_deferred *listening =
        bight_listen(reactor, "tcp:0:interface=127.0.0.1", bight_http_misbehaving_factory(server));
    struct bight_port *port = bight_expect_value(listening, &bight_type_port);
    struct bight_address address;
    ck_assert_int_eq(bight_port_address(port, &address), 0);
    for (left = 0; left < FETCHES; left++) {
        fetch(client, address.port, left);
    }
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    for (unsigned i = 0; i < FETCHES; i++) {
        ck_assert_int_eq(codes[i], fetches[i].code);
    }
    ck_assert_uint_eq(figures_now().requests, FETCHES + 3);
    bight_http_client_free(client);
    bight_port_release(port);
    bight_deferred_release(listening);
    bight_reactor_free(reactor);
    bight_http_misbehaving_free(server);
}
END_TEST

/* ------------------------------------------------------------------------------------------- memory */

static bool talk(void *context)
{
    (void)context;
    reactor = bight_testing_reactor_new();
    server = reactor != NULL ? bight_http_misbehaving_new() : NULL;
    peer = NULL;
    (void)bight_http_misbehaving_rule(server, "/y", "size=10");
    (void)bight_http_misbehaving_greet(server, "size=10&end=stay");
    if (server != NULL && reactor != NULL) {
        peer = bight_string_connect(reactor, bight_http_misbehaving_factory(server), true);
    }
    if (peer != NULL) {
        ask("coding=gzip&framing=chunked&field=A%3A+b&pace=1&unasked=xyz&end=reset&after=3");
        bight_testing_advance(reactor, 1000);
        (void)bight_string_written_text(peer);
    }
    end();
    return true;
}

START_TEST(memory_that_is_refused_ends_a_connection_and_nothing_else)
{
    ck_assert_uint_eq(bight_testing_with_faults(talk, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_script_says_what_the_answer_is, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, requests_come_one_after_the_other_however_they_are_cut);
    tcase_add_test(tests, time_is_the_reactors);
    tcase_add_test(tests, an_answer_may_come_before_its_request_has);
    tcase_add_loop_test(tests, the_next_request_may_meet_the_end, 0, 3);
    tcase_add_test(tests, a_deaf_server_reads_on_after_its_time);
    tcase_add_test(tests, paths_have_scripts_and_queries_change_them);
    tcase_add_test(tests, a_connection_may_be_greeted);
    tcase_add_test(tests, it_serves_on_the_loopback_too);
    tcase_add_test(tests, memory_that_is_refused_ends_a_connection_and_nothing_else);
}

BIGHT_TEST_MAIN("http_misbehaving", add_tests)
