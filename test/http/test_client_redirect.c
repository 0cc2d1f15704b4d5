/* SPDX-License-Identifier: MIT */
/* Tests of redirects (protocols/http/client/redirect.c): where they lead, what goes along, and what does not. */
#include "client_support.h"

#define TO(status, location) "HTTP/1.1 " status " X\r\nLocation: " location "\r\nContent-Length: 4\r\n\r\nGone"

static struct peer *server, *other;
static const char *first_answer;

/* The first request is answered with what the test says, others are echoed. */
static void redirect_first(struct talk *talk, const char *request)
{
    char answer[2048];
    if (first_answer != NULL) {
        say(talk, first_answer);
        first_answer = NULL;
        return;
    }
    (void)snprintf(answer, sizeof answer, HEAD_200 "Content-Length: %zu\r\n\r\n%s", strlen(request), request);
    say(talk, answer);
}

static void begin(const char *text)
{
    begin_world(NULL);
    first_answer = text;
    server = add_peer("server", NULL, NULL);
    other = add_peer("other", NULL, NULL);
    server->script = other->script = redirect_first;
}

/* ------------------------------------------------------------------------------------------- where to */

static const struct {
    const char *answer, *url; /* NULL: it is not followed, or fails with the code */
    int code, status;
} rows[] = {
    { TO("301", "http://other/b"), "http://other/b", 0, 0 },
    { TO("302", "/b?c"), "http://server/b?c", 0, 0 },
    { TO("303", "b"), "http://server/x/b", 0, 0 },
    { TO("307", "../b"), "http://server/b", 0, 0 },
    { TO("308", "?q"), "http://server/x/y?q", 0, 0 },
    { TO("302", "//other"), "http://other", 0, 0 },
    { TO("302", "/b#fragment"), "http://server/b", 0, 0 },
    { TO("302", "http://user:password@other/b"), "http://other/b", 0, 0 },
    { TO("300", "/b"), NULL, 0, 300 },
    { TO("304", "/b"), NULL, 0, 304 },
    { "HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n", NULL, 0, 302 },
    { TO("302", "ftp://other/"), NULL, BIGHT_E_SYNTAX, 0 },
    { TO("302", "ws://other/"), NULL, BIGHT_E_HTTP_STATUS, 0 },
    { TO("302", "http://a b/"), NULL, BIGHT_E_SYNTAX, 0 },
    { TO("302", "http:///"), NULL, BIGHT_E_SYNTAX, 0 },
    { TO("302", "http://ser%76er/"), NULL, BIGHT_E_SYNTAX, 0 },
    { TO("302", "/\\other/"), NULL, BIGHT_E_SYNTAX, 0 },
    { TO("302", "javascript:alert(1)"), NULL, BIGHT_E_SYNTAX, 0 },
};

START_TEST(a_redirect_leads_where_its_location_says) /* C4 */
{
    const char *url;
    int status;
    begin(rows[_i].answer);
    struct bight_deferred *asked = bight_http_get(client, "http://server/x/y?z");
    pass(1);
    if (rows[_i].code != 0) {
        struct bight_failure *failure = bight_expect_failure(asked, rows[_i].code);
        ck_assert_int_eq(bight_failure_status(failure), 302);
        bight_failure_release(failure);
    } else {
        struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
        ck_assert_str_eq(
            bight_http_response_url(response), rows[_i].url != NULL ? rows[_i].url : "http://server/x/y?z");
        ck_assert_int_eq(bight_http_response_status(response), rows[_i].url != NULL ? 200 : rows[_i].status);
        ck_assert(bight_http_response_hop(response, 0, &url, &status) == (rows[_i].url != NULL));
        if (rows[_i].url != NULL) {
            ck_assert_str_eq(url, "http://server/x/y?z");
            ck_assert_int_eq(status / 100, 3);
            ck_assert(!bight_http_response_hop(response, 1, NULL, NULL));
        }
        bight_http_response_release(response);
    }
    bight_deferred_release(asked);
    end_world();
}
END_TEST

static void go_round(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, TO("302", "/again"));
}

START_TEST(there_are_at_most_ten) /* C4 */
{
    begin(NULL);
    server->script = go_round;
    get("http://server/", "");
    pass(1);
    ck_heard("LIMIT/302");
    ck_assert_uint_eq(server->requests, 11);
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

static struct bight_http_call *call_with(const char *method, const struct bight_http_call_options *options)
{
    struct bight_http_call *call = bight_http_call_new(client, method, "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, options), 0);
    return call;
}

START_TEST(they_may_be_looked_at_instead) /* C4 */
{
    const struct bight_http_call_options none = { .size = sizeof none, .follow_redirects = BIGHT_HTTP_NO };
    begin(TO("302", "/b"));
    note(bight_http_call_send(call_with("GET", &none)), "");
    pass(1);
    ck_heard("302 'Gone'");
    end_world();
}
END_TEST

/* A body that is long is not read for the connection's sake. */
START_TEST(the_body_of_a_redirect_is_no_obstacle) /* C4 */
{
    static char text[200000];
    size_t size =
        (size_t)snprintf(text, sizeof text, "HTTP/1.1 302 X\r\nLocation: /b\r\nContent-Length: 1000000\r\n\r\n");
    memset(text + size, 'x', sizeof text - size - 1);
    begin(text);
    get("http://server/", "");
    pass(2);
    ck_heard("200 'GET /b HTTP/1.1\r\nHost: server\r\nUser-Agen'");
    ck_assert_uint_eq(server->accepted, 2);
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- what goes along */

static const struct {
    const char *method, *status, *becomes;
    bool has_body;
} methods[] = {
    { "GET", "301", "GET", true },
    { "POST", "301", "GET", false },
    { "POST", "302", "GET", false },
    { "POST", "303", "GET", false },
    { "PUT", "303", "GET", false },
    { "HEAD", "303", "HEAD", true },
    { "PUT", "301", "PUT", true },
    { "DELETE", "302", "DELETE", true },
    { "POST", "307", "POST", true },
    { "POST", "308", "POST", true },
};

START_TEST(what_becomes_a_get_loses_its_body) /* C4 */
{
    char text[200];
    (void)snprintf(text, sizeof text, "HTTP/1.1 %s X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", methods[_i].status);
    begin(strcmp(methods[_i].method, "HEAD") == 0 ? "HTTP/1.1 303 X\r\nLocation: /b\r\n\r\n" : text);
    struct bight_http_call *call = call_with(methods[_i].method, NULL);
    ck_assert_int_eq(bight_http_call_body(call, "abc", 3, "text/plain"), 0);
    ck_assert_int_eq(bight_http_call_set(call, "Content-Language", "en"), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_assert_int_eq(strncmp(server->last, methods[_i].becomes, strlen(methods[_i].becomes)), 0);
    ck_assert((strstr(server->last, "\r\n\r\nabc") != NULL) == methods[_i].has_body);
    ck_assert((strcasestr(server->last, "\r\nContent-") != NULL) == methods[_i].has_body);
    ck_assert_uint_eq(server->requests, 2);
    end_world();
}
END_TEST

static void send_with_secrets(void)
{
    struct bight_http_call *call = call_with("GET", NULL);
    ck_assert_int_eq(bight_http_call_bearer(call, "token"), 0);
    ck_assert_int_eq(bight_http_call_set(call, "Cookie", "a=b"), 0);
    ck_assert_int_eq(bight_http_call_set(call, "X-Key", "secret"), 0);
    ck_assert_int_eq(bight_http_call_add(call, "x-key", "second"), 0);
    ck_assert_int_eq(bight_http_call_secret(call, "X-Key"), 0);
    ck_assert_int_eq(bight_http_call_set(call, "Host", "virtual"), 0);
    ck_assert_int_eq(bight_http_call_set(call, "X-Open", "open"), 0);
    note(bight_http_call_send(call), "");
    pass(1);
}

static bool has_secrets(const struct peer *peer)
{
    return strcasestr(peer->last, "authorization:") != NULL || strcasestr(peer->last, "cookie:") != NULL ||
           strcasestr(peer->last, "x-key:") != NULL || strstr(peer->last, "virtual") != NULL;
}

START_TEST(secrets_stay_with_their_origin) /* C4 */
{
    begin(TO("302", "/b"));
    send_with_secrets();
    ck_assert(has_secrets(server));
    ck_assert_ptr_nonnull(strstr(server->last, "GET /b "));
    ck_assert_ptr_nonnull(strstr(server->last, "X-Open: open"));
    end_world();
}
END_TEST

static void send_back(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, TO("302", "http://server/home"));
}

START_TEST(at_the_first_hop_elsewhere_they_are_dropped_and_never_come_back) /* C4 */
{
    begin(TO("302", "http://other/b"));
    other->script = send_back;
    send_with_secrets();
    ck_assert_uint_eq(other->requests, 1);
    ck_assert(!has_secrets(other));
    ck_assert_ptr_nonnull(strstr(other->last, "X-Open: open"));
    ck_assert_ptr_nonnull(strstr(server->last, "GET /home "));
    ck_assert(!has_secrets(server));
    end_world();
}
END_TEST

START_TEST(another_port_is_another_origin) /* C4 */
{
    begin(TO("302", "http://server:8080/b"));
    ck_assert_int_eq(bight_serve(server->reactor, "tcp:8080", &server->factory), 0);
    send_with_secrets();
    ck_assert_uint_eq(server->requests, 2);
    ck_assert(!has_secrets(server));
    end_world();
}
END_TEST

START_TEST(a_body_goes_to_another_origin_only_if_asked) /* C4 */
{
    const struct bight_http_call_options asked = { .size = sizeof asked, .repeat_body = BIGHT_HTTP_YES };
    begin(TO("307", "http://other/"));
    struct bight_http_call *call = call_with("POST", _i == 0 ? NULL : &asked);
    ck_assert_int_eq(bight_http_call_body(call, "abc", 3, NULL), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_assert_uint_eq(other->requests, (unsigned)_i);
    if (_i == 0) {
        ck_heard("HTTP_STATUS/307");
    } else {
        ck_assert_ptr_nonnull(strstr(other->last, "\r\n\r\nabc"));
    }
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- links */

#define LINK_BASE "http://server/x/y?z"

static const struct {
    const char *reference, *url;
    int code;
} links[] = {
    { "", LINK_BASE, 0 },
    { "#here", LINK_BASE, 0 },
    { "a", "http://server/x/a", 0 },
    { "../a#b", "http://server/a", 0 },
    { "?q", "http://server/x/y?q", 0 },
    { "//other:8080/a", "http://other:8080/a", 0 },
    { "https://other/a?b", "https://other/a?b", 0 },
    { "mailto:a@b", NULL, BIGHT_E_SYNTAX },
    { "javascript:alert(1)", NULL, BIGHT_E_SYNTAX },
    { "ws://other/", NULL, BIGHT_E_SYNTAX },
    { "http://user@other/", NULL, BIGHT_E_SYNTAX },
    { "a b", NULL, BIGHT_E_SYNTAX },
    { "http://1.2.3/", NULL, BIGHT_E_SYNTAX },
};

START_TEST(a_link_leads_where_it_says_from_where_it_was_found) /* C11 */
{
    char url[100];
    ck_assert_int_eq(bight_http_resolve(LINK_BASE, links[_i].reference, url, sizeof url), links[_i].code);
    if (links[_i].url != NULL) {
        ck_assert_str_eq(url, links[_i].url);
    }
}
END_TEST

START_TEST(there_is_room_for_a_link_or_it_is_refused) /* C11 */
{
    char url[sizeof "http://server/x/abc"];
    ck_assert_int_eq(bight_http_resolve(LINK_BASE, "abc", url, sizeof url), 0);
    ck_assert_str_eq(url, "http://server/x/abc");
    for (size_t size = 0; size < sizeof url; size++) {
        ck_assert_int_eq(bight_http_resolve(LINK_BASE, "abc", url, size), BIGHT_E_TOO_LONG);
    }
    ck_assert_int_eq(bight_http_resolve("no URL", "abc", url, sizeof url), BIGHT_E_SYNTAX);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_redirect_leads_where_its_location_says, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, there_are_at_most_ten);
    tcase_add_test(tests, they_may_be_looked_at_instead);
    tcase_add_test(tests, the_body_of_a_redirect_is_no_obstacle);
    tcase_add_loop_test(tests, what_becomes_a_get_loses_its_body, 0, sizeof methods / sizeof *methods);
    tcase_add_test(tests, secrets_stay_with_their_origin);
    tcase_add_test(tests, at_the_first_hop_elsewhere_they_are_dropped_and_never_come_back);
    tcase_add_test(tests, another_port_is_another_origin);
    tcase_add_loop_test(tests, a_body_goes_to_another_origin_only_if_asked, 0, 2);
    tcase_add_loop_test(tests, a_link_leads_where_it_says_from_where_it_was_found, 0, sizeof links / sizeof *links);
    tcase_add_test(tests, there_is_room_for_a_link_or_it_is_refused);
}

BIGHT_TEST_MAIN("http_client_redirect", add_tests)
