/* SPDX-License-Identifier: MIT */
/* Tests of clients with a jar (protocols/http/client/cookie_jar_call.c): what calls send and take, and what becomes of
 * it at redirects. */
#include "cookies_support.h"

#define WITH(fields, body_size, body) HEAD_200 fields "Content-Length: " #body_size "\r\n\r\n" body

static struct peer *server, *other;
static struct bight_http_client *second;

static void begin(const char *text)
{
    begin_world(NULL);
    jar = bight_http_cookie_jar_new(client_reactor, NULL);
    bight_http_client_free(client);
    const struct bight_http_client_options options = { .size = sizeof options, .cookies = jar };
    client = bight_http_client_new(client_reactor, &options);
    second = bight_http_client_new(client_reactor, &options);
    server = add_peer("server", NULL, text);
    other = add_peer("other", NULL, ANSWER(0, ""));
}

static void end(void)
{
    bight_http_client_free(second);
    bight_http_cookie_jar_release(jar);
    end_world();
}

/* Of the last request; "" if it has none. */
static const char *cookie_of(const struct peer *peer)
{
    static char value[1000];
    const char *line = strcasestr(peer->last, "\r\nCookie: ");
    value[0] = '\0';
    if (line != NULL) {
        ck_assert_ptr_null(strcasestr(line + 2, "\r\nCookie:"));
        (void)sscanf(line, "\r\nCookie: %999[^\r]", value);
    }
    return value;
}

START_TEST(what_a_response_sets_is_sent_with_the_next_call) /* C6 */
{
    begin(WITH("Set-Cookie: a=b; Path=/\r\nX: y\r\nset-cookie: c=d; Path=/x\r\nSet-Cookie: =\r\n", 2, "Hi"));
    get("http://server/", "");
    pass(1);
    ck_assert_str_eq(cookie_of(server), "");
    get("http://server/x", "");
    pass(1);
    ck_assert_str_eq(cookie_of(server), "c=d; a=b");
    get("http://other/x", "");
    pass(1);
    ck_assert_str_eq(cookie_of(other), "");
    ck_heard("200 'Hi' 200 'Hi' 200 ''");
    end();
}
END_TEST

START_TEST(clients_of_one_reactor_may_share_a_jar) /* C6 */
{
    begin(WITH("Set-Cookie: a=b\r\n", 0, ""));
    get("http://server/", "");
    pass(1);
    note(bight_http_get(second, "http://server/"), "");
    pass(1);
    ck_assert_str_eq(cookie_of(server), "a=b");
    end();
}
END_TEST

START_TEST(a_client_without_a_jar_keeps_nothing) /* C6 */
{
    begin(WITH("Set-Cookie: a=b\r\n", 0, ""));
    bight_http_client_free(client);
    client = bight_http_client_new(client_reactor, NULL);
    get("http://server/", "");
    pass(1);
    get("http://server/", "");
    pass(1);
    ck_assert_str_eq(cookie_of(server), "");
    ck_assert_uint_eq(count_cookies(), 0);
    end();
}
END_TEST

START_TEST(a_cookie_field_of_the_program_goes_in_place_of_the_jars) /* C6 */
{
    begin(ANSWER(0, ""));
    set("http://server/", "a=b");
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    ck_assert_int_eq(bight_http_call_set(call, "Cookie", "mine=1"), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_assert_str_eq(cookie_of(server), "mine=1");
    end();
}
END_TEST

START_TEST(cookies_are_taken_from_failures_and_streams_too) /* C6 */
{
    begin("HTTP/1.1 404 X\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nHi");
    const struct bight_http_call_options options = { .size = sizeof options, .fail_on_status = BIGHT_HTTP_YES };
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    note(_i == 0 ? bight_http_call_send(call) : bight_http_call_stream(call), "");
    pass(1);
    ck_assert_str_eq(sent_to("http://server/"), "a=b");
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- redirects */

static void redirect(struct talk *talk, const char *request)
{
    if (strstr(request, "GET /1 ") != NULL) {
        say(talk, "HTTP/1.1 302 X\r\nSet-Cookie: hop=1; Path=/\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n");
    } else if (strstr(request, "GET /2 ") != NULL) {
        say(talk,
            "HTTP/1.1 302 X\r\nSet-Cookie: hop=2; Path=/\r\nLocation: http://other/3\r\nContent-Length: 0\r\n\r\n");
    } else if (strstr(request, "GET /3 ") != NULL) {
        say(talk, "HTTP/1.1 302 X\r\nSet-Cookie: o=3; Path=/\r\nSet-Cookie: x=y; Domain=server\r\n"
                  "Location: http://server/4\r\nContent-Length: 0\r\n\r\n");
    } else {
        say(talk, ANSWER(4, "Here"));
    }
}

START_TEST(each_hop_takes_and_sends_by_the_jar) /* C6, C4 */
{
    begin(NULL);
    server->script = other->script = redirect;
    set("http://other/", "before=0");
    get("http://server/1", "");
    pass(1);
    ck_heard("200 'Here'");
    ck_assert_str_eq(cookie_of(server), "hop=2");
    ck_assert_ptr_nonnull(strstr(server->last, "GET /4 "));
    ck_assert_str_eq(cookie_of(other), "before=0");
    ck_assert_str_eq(sent_to("http://other/"), "before=0; o=3");
    end();
}
END_TEST

START_TEST(across_origins_the_programs_field_is_dropped_for_the_jars) /* C6, C4 */
{
    begin(NULL);
    server->script = other->script = redirect;
    set("http://other/", "theirs=1");
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/1");
    ck_assert_int_eq(bight_http_call_set(call, "Cookie", "mine=1"), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_assert_str_eq(cookie_of(other), "theirs=1");
    ck_assert_str_eq(cookie_of(server), "hop=2"); /* and it has not come back */
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- options */

START_TEST(a_jar_of_another_reactor_is_a_usage_error) /* C6 */
{
    begin(NULL);
    struct bight_reactor *elsewhere = bight_host_reactor(bight_simulation_host(network, "elsewhere"));
    struct bight_http_cookie_jar *theirs = bight_http_cookie_jar_new(elsewhere, NULL);
    const struct bight_http_client_options options = { .size = sizeof options, .cookies = theirs };
    ck_assert_ptr_null(bight_http_client_new(client_reactor, &options));
    ck_assert_uint_eq(usage_errors, 1);
    bight_http_cookie_jar_release(theirs);
    bight_reactor_free(elsewhere);
    end();
}
END_TEST

START_TEST(a_client_holds_its_jar) /* C6 */
{
    begin(WITH("Set-Cookie: a=b\r\n", 0, ""));
    bight_http_cookie_jar_release(jar);
    get("http://server/", "");
    pass(1);
    get("http://server/", "");
    pass(1);
    ck_assert_str_eq(cookie_of(server), "a=b");
    bight_http_cookie_jar_hold(jar);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_a_response_sets_is_sent_with_the_next_call);
    tcase_add_test(tests, clients_of_one_reactor_may_share_a_jar);
    tcase_add_test(tests, a_client_without_a_jar_keeps_nothing);
    tcase_add_test(tests, a_cookie_field_of_the_program_goes_in_place_of_the_jars);
    tcase_add_loop_test(tests, cookies_are_taken_from_failures_and_streams_too, 0, 2);
    tcase_add_test(tests, each_hop_takes_and_sends_by_the_jar);
    tcase_add_test(tests, across_origins_the_programs_field_is_dropped_for_the_jars);
    tcase_add_test(tests, a_jar_of_another_reactor_is_a_usage_error);
    tcase_add_test(tests, a_client_holds_its_jar);
}

BIGHT_TEST_MAIN("http_client_cookies", add_tests)
