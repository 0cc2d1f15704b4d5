/* SPDX-License-Identifier: MIT */
/* Tests of calls through proxies (protocols/http/client/proxy.c, tunnel.c): what a proxy is asked, what an origin must
 * not see, and proxies that misbehave. */
#include "client_support.h"

#include <stdlib.h>

#define HI ANSWER(2, "Hi")

static struct bight_testing_ca *ca;
static struct bight_tls *trusting, *serving;
static struct peer *proxy, *server;
static const char *tunnel_answer; /* to CONNECT; NULL: 200, and the target is the proxy itself */

static struct bight_tls *make_trusting(void)
{
    struct bight_failure *failure = NULL;
    struct bight_tls_client_options options = { .size = sizeof options };
    options.ca.text = bight_testing_ca_pem(ca);
    options.ca.size = strlen(options.ca.text);
    return bight_tls_client_new(&options, &failure);
}

static struct bight_tls *make_serving(void)
{
    struct bight_failure *failure = NULL;
    const struct bight_testing_certificate_options wanted = {
        .size = sizeof wanted, .names = "server,other", .begins = -1e9, .ends = 1e9
    };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &wanted);
    struct bight_tls_identity identity = bight_testing_identity(certificate);
    const struct bight_tls_server_options options = {
        .size = sizeof options, .identities = &identity, .identity_count = 1
    };
    struct bight_tls *tls = bight_tls_server_new(&options, &failure);
    bight_testing_certificate_free(certificate);
    return tls;
}

/* As far as the end of the line, with nothing between it and what was heard before but `before`. */
static void hear_more(const char *before, const char *line)
{
    size_t size = strlen(heard);
    ck_assert_uint_lt(size + 256, sizeof heard);
    (void)snprintf(
        heard + size, 256, "%s%s%.*s", *before == '[' && size > 0 ? " " : "", before, (int)strcspn(line, "\r"), line);
}

/* "|" and the field's line, if it is there. */
static void hear_field(const char *request, const char *name)
{
    const char *line = strstr(request, name);
    if (line != NULL) {
        hear_more("|", line);
    }
}

/* Notes the request's line and what it says to a proxy. */
static void be_proxy(struct talk *talk, const char *request)
{
    hear_more("[", request);
    hear_field(request, "Host: ");
    hear_field(request, "Proxy-Authorization: ");
    strcat(heard, "]");
    if (strncmp(request, "CONNECT ", 8) != 0) {
        say(talk, HI);
    } else if (tunnel_answer != NULL) {
        say(talk, tunnel_answer);
    } else {
        say(talk, HEAD_200 "Via: 1.1 proxy\r\n\r\n");
        (void)bight_transport_start_tls(talk->base.transport, serving, NULL);
    }
}

static void begin(const struct bight_http_call_options *given)
{
    ca = bight_testing_ca_new("Test", NULL);
    trusting = make_trusting();
    serving = make_serving();
    struct bight_http_call_options calls = *given;
    calls.size = sizeof calls;
    calls.tls = trusting;
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls };
    tunnel_answer = NULL;
    begin_world(&options);
    proxy = add_peer("proxy", "tcp:3128", NULL);
    proxy->script = be_proxy;
    server = add_peer("server", NULL, ANSWER(6, "Direct"));
}

static void begin_with(const char *url)
{
    begin(&(struct bight_http_call_options) { .proxy = url });
}

static void end(void)
{
    end_world();
    bight_tls_release(trusting);
    bight_tls_release(serving);
    bight_testing_ca_free(ca);
}

/* ------------------------------------------------------------------------------------------- asking */

START_TEST(a_proxy_is_asked_for_the_whole_url) /* C7 */
{
    begin_with("http://proxy:3128");
    get("http://server/a?b#c", "");
    pass(1);
    get("http://server:81", "");
    pass(1);
    ck_heard("[GET http://server/a?b HTTP/1.1|Host: server] 200 'Hi' "
             "[GET http://server:81/ HTTP/1.1|Host: server:81] 200 'Hi'");
    ck_assert_uint_eq(server->accepted, 0);
    end();
}
END_TEST

START_TEST(https_goes_through_a_tunnel) /* C7 */
{
    begin_with("proxy:3128");
    get("https://server/a", "");
    pass(1);
    ck_heard("[CONNECT server:443 HTTP/1.1|Host: server:443] [GET /a HTTP/1.1|Host: server] 200 'Hi'");
    get("https://server/b", "");
    pass(1);
    ck_heard("[GET /b HTTP/1.1|Host: server] 200 'Hi'"); /* it is kept */
    end();
}
END_TEST

START_TEST(credentials_are_for_the_proxy_alone) /* C7 C4 */
{
    begin_with("http://us%65r:p%40ss@proxy:3128");
    get("http://server/", "");
    pass(1);
    ck_heard("[GET http://server/ HTTP/1.1|Host: server|Proxy-Authorization: Basic dXNlcjpwQHNz] 200 'Hi'");
    get("https://server/", "");
    pass(1);
    ck_heard("[CONNECT server:443 HTTP/1.1|Host: server:443|Proxy-Authorization: Basic dXNlcjpwQHNz] "
             "[GET / HTTP/1.1|Host: server] 200 'Hi'");
    end();
}
END_TEST

START_TEST(the_certificate_is_the_targets) /* C7 C9 */
{
    begin_with("http://proxy:3128");
    get("https://elsewhere/", "");
    pass(1);
    ck_heard("[CONNECT elsewhere:443 HTTP/1.1|Host: elsewhere:443] WRONG_NAME");
    end();
}
END_TEST

START_TEST(an_ipv6_address_has_brackets) /* C7 */
{
    begin_with("http://proxy:3128");
    get("http://[::1]/", "");
    pass(1);
    get("https://[::1]:8443/", "");
    pass(1);
    ck_heard("[GET http://[::1]/ HTTP/1.1|Host: [::1]] 200 'Hi' [CONNECT [::1]:8443 HTTP/1.1|Host: [::1]:8443] "
             "WRONG_NAME");
    end();
}
END_TEST

START_TEST(what_is_excepted_is_asked_directly) /* C7 */
{
    begin(&(struct bight_http_call_options) { .proxy = "http://proxy:3128", .no_proxy = "other,server" });
    get("http://server/", "");
    pass(1);
    ck_heard("200 'Direct'");
    ck_assert_uint_eq(proxy->accepted, 0);
    end();
}
END_TEST

static void redirect(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, "HTTP/1.1 302 X\r\nLocation: http://server/\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(each_hop_decides_anew) /* C7 C4 */
{
    begin(&(struct bight_http_call_options) { .proxy = "http://proxy:3128", .no_proxy = "server" });
    proxy->script = redirect;
    get("http://other/", "");
    pass(1);
    ck_heard("200 'Direct'");
    ck_assert_uint_eq(proxy->requests, 1);
    ck_assert_ptr_null(strstr(server->last, "http://"));
    end();
}
END_TEST

static void get_through(const char *url, const char *name)
{
    const struct bight_http_call_options options = { .size = sizeof options, .proxy = url };
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    (void)bight_http_call_configure(call, &options);
    note(bight_http_call_send(call), name);
    pass(1);
}

START_TEST(a_call_may_have_another_or_none) /* C7 */
{
    begin_with("http://nobody:3128");
    get_through("http://proxy:3128", "1 ");
    get_through("", "2 ");
    get_through(NULL, "3 ");
    ck_heard("[GET http://server/ HTTP/1.1|Host: server] 1 200 'Hi' 2 200 'Direct' 3 NAME_NOT_FOUND");
    end();
}
END_TEST

START_TEST(connections_are_shared_by_those_with_equal_credentials) /* C2 C7 */
{
    begin_with("http://proxy:3128");
    get_through("http://a:b@proxy:3128", "");
    get_through("http://a:c@proxy:3128", "");
    get_through(NULL, "");
    ck_assert_uint_eq(proxy->accepted, 3);
    get_through("http://a:b@proxy:3128", "");
    get_through("http://proxy:3128", "");
    ck_assert_uint_eq(proxy->accepted, 3);
    end();
}
END_TEST

START_TEST(an_endpoint_of_the_programs_goes_through_no_proxy) /* C7 */
{
    begin_with("http://proxy:3128");
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://anything/");
    bight_http_call_endpoint(call, "tcp:server:80");
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("200 'Direct'");
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- misbehaving */

static const struct {
    const char *answer, *heard; /* NULL: it hangs up */
} answers[] = {
    { "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nNope", "HTTP_STATUS/407" },
    { "HTTP/1.1 502 Bad Gateway\r\n\r\n", "HTTP_STATUS/502" },
    { "HTTP/1.1 302 X\r\nLocation: http://server/\r\n\r\n", "HTTP_STATUS/302" },
    { "HTTP/1.1 101 X\r\n\r\n", "SYNTAX" },
    { "SSH-2.0-OpenSSH\r\n\r\n", "SYNTAX" },
    { "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", "SYNTAX" },
};

START_TEST(no_tunnel_is_a_failure_that_says_why) /* C7 */
{
    begin_with("http://proxy:3128");
    tunnel_answer = answers[_i].answer;
    get("https://server/", "");
    pass(1);
    ck_assert_ptr_nonnull(strstr(heard, answers[_i].heard));
    ck_assert_uint_eq(proxy->open, 0);
    end();
}
END_TEST

static void pour(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200);
    for (int i = 0; i < 3000; i++) {
        say(talk, "A: b\r\nA: b\r\nA: b\r\n");
    }
}

static void interim(struct talk *talk, const char *request)
{
    (void)request;
    for (int i = 0; i < 100; i++) {
        say(talk, "HTTP/1.1 103 X\r\n\r\n");
    }
}

static void trickle(struct talk *talk, const char *request)
{
    static const char text[] = HEAD_200 "\r\n";
    static char pieces[sizeof text][2];
    (void)request;
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        pieces[i][0] = text[i];
        say_after(talk, 2.0 * (double)i, pieces[i]);
    }
}

static void hang(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, "HTTP/1.1 20");
    hang_up(talk);
}

START_TEST(a_proxys_answer_is_limited) /* C7 C3 */
{
    void (*const scripts[])(struct talk *, const char *) = { pour, interim, trickle, hang };
    const char *const codes[] = { "TOO_LONG", "TOO_LONG", "CONNECT_TIMED_OUT/1", "CONNECTION_LOST" };
    begin_with("http://proxy:3128");
    proxy->script = scripts[_i];
    get("https://server/", "");
    pass(12);
    ck_heard(codes[_i]);
    end();
}
END_TEST

START_TEST(a_407_to_http_is_a_response) /* C7 */
{
    begin_with("http://proxy:3128");
    proxy->script = NULL;
    proxy->answer = "HTTP/1.1 407 X\r\nContent-Length: 4\r\n\r\nNope";
    get("http://server/", "");
    pass(1);
    ck_heard("407 'Nope'");
    end();
}
END_TEST

START_TEST(a_call_may_be_cancelled_while_its_tunnel_is_made) /* C1 C7 */
{
    begin_with("http://proxy:3128");
    tunnel_answer = "";
    struct bight_deferred *asked = bight_http_get(client, "https://server/");
    pass(1);
    bight_deferred_cancel(asked);
    bight_result_clear(bight_deferred_result(asked));
    bight_deferred_release(asked);
    pass(1);
    ck_assert_uint_eq(proxy->open, 0);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- options */

START_TEST(a_proxy_that_is_none_is_a_mistake) /* C7 */
{
    static const char *const urls[] = { "socks5://proxy", "https://proxy", "http://", "http://a%@proxy", "a b" };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        const struct bight_http_call_options calls = { .size = sizeof calls, .proxy = urls[i] };
        const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls };
        begin_world(&options);
        ck_assert_ptr_null(client);
        ck_assert_uint_eq(usage_errors, 1);
        end_world();
    }
}
END_TEST

START_TEST(what_a_proxy_looks_up_cannot_be_public_only) /* C7 C11 */
{
    const struct bight_http_call_options calls = { .size = sizeof calls, .proxy = "http://proxy" };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls, .public_only = true };
    begin_world(&options);
    ck_assert_ptr_null(client);
    ck_assert_uint_eq(usage_errors, 1);
    end_world();
}
END_TEST

START_TEST(the_environment_is_read_if_asked) /* C7 */
{
    setenv("HTTP_PROXY", "http://nobody:1", 1); /* may come from a client of a CGI program */
    setenv("http_proxy", "http://proxy:3128", 1);
    setenv("HTTPS_PROXY", "http://proxy:3128", 1);
    setenv("no_proxy", "server", 1);
    begin(&(struct bight_http_call_options) { .proxy_environment = BIGHT_HTTP_YES });
    get("http://server/", "");
    pass(1);
    get("http://other/", "");
    pass(1);
    get("https://other/", "");
    pass(1);
    ck_heard("200 'Direct' [GET http://other/ HTTP/1.1|Host: other] 200 'Hi' "
             "[CONNECT other:443 HTTP/1.1|Host: other:443] [GET / HTTP/1.1|Host: other] 200 'Hi'");
    end();
    begin(&(struct bight_http_call_options) { .max_redirects = 1 });
    get("http://server/", "");
    unsetenv("no_proxy");
    pass(1);
    ck_heard("200 'Direct'");
    end();
    unsetenv("http_proxy");
    begin(&(struct bight_http_call_options) { .proxy_environment = BIGHT_HTTP_YES });
    get("http://server/", "");
    pass(1);
    ck_heard("200 'Direct'"); /* never HTTP_PROXY */
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- endpoint strings */

static void note_connected(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    hear_more(" ", failure == NULL ? "connected" : bight_failure_message(failure));
    bight_result_clear(result);
}

static const struct {
    const char *endpoint, *answer, *heard;
} endpoints[] = {
    { "connect:other:22:tcp:proxy:3128", "HTTP/1.1 200 X\r\n\r\n",
        "[CONNECT other:22 HTTP/1.1|Host: other:22] connected" },
    { "connect:[2001\\:db8\\:\\:1]:22:tcp:proxy:3128", "HTTP/1.1 200 X\r\n\r\n",
        "[CONNECT [2001:db8::1]:22 HTTP/1.1|Host: [2001:db8::1]:22] connected" },
    { "connect:other:22:user=me:password=it:tcp:proxy:3128", "HTTP/1.1 200 X\r\n\r\n",
        "[CONNECT other:22 HTTP/1.1|Host: other:22|Proxy-Authorization: Basic bWU6aXQ=] connected" },
};

START_TEST(an_endpoint_string_leads_through_a_proxy) /* C7 */
{
    static const struct bight_protocol_ops silent = { .connection_made = NULL };
    struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &silent);
    ck_assert_int_eq(bight_http_register_endpoints(), 0);
    ck_assert_int_eq(bight_http_register_endpoints(), 0);
    begin(&(struct bight_http_call_options) { .size = 0 });
    tunnel_answer = endpoints[_i].answer;
    struct bight_deferred *connecting = bight_connect(client_reactor, endpoints[_i].endpoint, &factory);
    (void)bight_deferred_add_both(connecting, note_connected, NULL);
    bight_deferred_release(connecting);
    pass(1);
    ck_assert_str_eq(heard, endpoints[_i].heard);
    end();
}
END_TEST

START_TEST(a_proxy_that_refuses_an_endpoint_is_a_failure_that_says_so) /* C7 */
{
    static const struct bight_protocol_ops silent = { .connection_made = NULL };
    struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &silent);
    ck_assert_int_eq(bight_http_register_endpoints(), 0);
    begin(&(struct bight_http_call_options) { .size = 0 });
    tunnel_answer = "HTTP/1.1 403 X\r\n\r\n";
    struct bight_deferred *connecting = bight_connect(client_reactor, "connect:other:22:tcp:proxy:3128", &factory);
    pass(1);
    const struct bight_failure *failure = bight_result_failure(bight_deferred_result(connecting));
    ck_assert_ptr_nonnull(failure);
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_HTTP_STATUS);
    bight_deferred_release(connecting);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_endpoint_string_leads_through_a_proxy, 0, sizeof endpoints / sizeof *endpoints);
    tcase_add_test(tests, a_proxy_that_refuses_an_endpoint_is_a_failure_that_says_so);
    tcase_add_test(tests, a_proxy_is_asked_for_the_whole_url);
    tcase_add_test(tests, https_goes_through_a_tunnel);
    tcase_add_test(tests, credentials_are_for_the_proxy_alone);
    tcase_add_test(tests, the_certificate_is_the_targets);
    tcase_add_test(tests, an_ipv6_address_has_brackets);
    tcase_add_test(tests, what_is_excepted_is_asked_directly);
    tcase_add_test(tests, each_hop_decides_anew);
    tcase_add_test(tests, a_call_may_have_another_or_none);
    tcase_add_test(tests, connections_are_shared_by_those_with_equal_credentials);
    tcase_add_test(tests, an_endpoint_of_the_programs_goes_through_no_proxy);
    tcase_add_loop_test(tests, no_tunnel_is_a_failure_that_says_why, 0, sizeof answers / sizeof *answers);
    tcase_add_loop_test(tests, a_proxys_answer_is_limited, 0, 4);
    tcase_add_test(tests, a_407_to_http_is_a_response);
    tcase_add_test(tests, a_call_may_be_cancelled_while_its_tunnel_is_made);
    tcase_add_test(tests, a_proxy_that_is_none_is_a_mistake);
    tcase_add_test(tests, what_a_proxy_looks_up_cannot_be_public_only);
    tcase_add_test(tests, the_environment_is_read_if_asked);
}

BIGHT_TEST_MAIN("http_client_proxy", add_tests)
