/* SPDX-License-Identifier: MIT */
/* Tests of the client's pool (protocols/http/client/pool.c): what shares a connection, how many there are, who is
 * next, and when a kept connection is not used. */
#include "client_support.h"

#define HELLO ANSWER(5, "Hello")

static struct peer *server;

static void begin_with(const struct bight_http_client_options *options, const char *text)
{
    begin_world(options);
    server = add_peer("server", NULL, text);
}

static void begin(const char *text)
{
    begin_with(NULL, text);
}

/* ------------------------------------------------------------------------------------------- the key */

static struct bight_http_call *call_of(const char *url)
{
    struct bight_http_call *call = bight_http_call_new(client, "GET", url);
    ck_assert_ptr_nonnull(call);
    return call;
}

static void send_call(struct bight_http_call *call)
{
    note(bight_http_call_send(call), "");
    pass(1);
    heard[0] = '\0';
}

static void alter_nothing(void)
{
    send_call(call_of("http://server/other?x"));
}

static void alter_case(void)
{
    send_call(call_of("HTTP://SeRvEr:80/"));
}

static void alter_host(void)
{
    send_call(call_of("http://alias/"));
}

static void alter_port(void)
{
    send_call(call_of("http://server:8080/"));
}

static void alter_scheme(void)
{
    send_call(call_of("https://server:80/"));
}

static void alter_endpoint(void)
{
    struct bight_http_call *call = call_of("http://server/");
    ck_assert_int_eq(bight_http_call_endpoint(call, "tcp:server:80"), 0);
    send_call(call);
}

static void alter_local_address(void)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    struct bight_http_call_options options = { .size = sizeof options, .local_address = text };
    struct bight_http_call *call = call_of("http://server/");
    (void)snprintf(text, sizeof text, "%s", "10.0.0.1");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    send_call(call);
}

static void alter_tls(void)
{
    const struct bight_tls_client_options lax = { .size = sizeof lax, .without_verification = true };
    struct bight_failure *failure = NULL;
    struct bight_tls *tls = bight_tls_client_new(&lax, &failure);
    const struct bight_http_call_options options = { .size = sizeof options, .tls = tls };
    struct bight_http_call *call = call_of("http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    bight_tls_release(tls);
    send_call(call);
}

static void alter_fields(void)
{
    struct bight_http_call *call = call_of("http://server/");
    ck_assert_int_eq(bight_http_call_bearer(call, "token"), 0);
    send_call(call);
}

static const struct {
    void (*alter)(void);
    unsigned connections;
} keys[] = { { alter_nothing, 1 }, { alter_case, 1 }, { alter_fields, 1 }, { alter_host, 2 }, { alter_port, 2 },
    { alter_scheme, 2 }, { alter_endpoint, 2 }, { alter_local_address, 2 }, { alter_tls, 2 } };

START_TEST(whatever_makes_a_difference_needs_a_connection_of_its_own) /* C2 */
{
    begin(HELLO);
    struct peer *alias = add_peer("alias", NULL, HELLO);
    ck_assert_int_eq(bight_serve(server->reactor, "tcp:8080", &server->factory), 0);
    get("http://server/", "");
    pass(1);
    ck_heard("200 'Hello'");
    keys[_i].alter();
    ck_assert_uint_eq(server->accepted + alias->accepted, keys[_i].connections);
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- the limits */

START_TEST(a_host_has_at_most_eight_connections_and_its_calls_go_out_in_order) /* C2 */
{
    begin(HELLO);
    for (int i = 0; i < 50; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "http://server/%d", i);
        get(url, "");
    }
    ck_assert_uint_eq(server->accepted, 0);
    pass(1);
    ck_assert_uint_eq(server->accepted, 8);
    ck_assert_uint_eq(server->requests, 50);
    ck_assert_ptr_nonnull(strstr(server->last, "GET /49 "));
    end_world();
}
END_TEST

START_TEST(a_client_has_at_most_so_many_and_an_idle_one_makes_room) /* C2 */
{
    const struct bight_http_client_options two = { .size = sizeof two, .max_connections = 2 };
    begin_with(&two, HELLO);
    struct peer *second = add_peer("second", NULL, HELLO), *third = add_peer("third", NULL, HELLO);
    get("http://server/", "1 ");
    pass(1);
    get("http://second/", "2 ");
    pass(1);
    get("http://third/", "3 ");
    pass(1);
    ck_heard("1 200 'Hello' 2 200 'Hello' 3 200 'Hello'");
    ck_assert_uint_eq(server->open, 0);
    ck_assert_uint_eq(second->open, 1);
    ck_assert_uint_eq(third->open, 1);
    end_world();
}
END_TEST

static void answer_slowly(struct talk *talk, const char *request)
{
    (void)request;
    say_after(talk, 1, HELLO);
}

START_TEST(a_host_without_a_connection_does_not_wait_for_another_ones_queue) /* C2 */
{
    const struct bight_http_client_options one = { .size = sizeof one, .max_connections = 1 };
    begin_with(&one, NULL);
    server->script = answer_slowly;
    struct peer *second = add_peer("second", NULL, HELLO);
    for (int i = 0; i < 3; i++) {
        get("http://server/", "a");
    }
    get("http://second/", "b");
    for (int i = 0; i < 3; i++) {
        get("http://server/", "c");
    }
    pass(20);
    ck_heard("a200 'Hello' a200 'Hello' a200 'Hello' b200 'Hello' c200 'Hello' c200 'Hello' c200 'Hello'");
    ck_assert_uint_eq(second->accepted, 1);
    ck_assert_uint_eq(server->accepted, 2);
    end_world();
}
END_TEST

START_TEST(a_call_that_is_cancelled_in_the_queue_makes_no_gap) /* C1 C2 */
{
    const struct bight_http_client_options one = { .size = sizeof one, .max_per_host = 1 };
    begin_with(&one, NULL);
    server->script = answer_slowly;
    get("http://server/", "1 ");
    struct bight_deferred *second = bight_http_get(client, "http://server/");
    note(bight_deferred_hold(second), "2 ");
    get("http://server/", "3 ");
    pass(0.5);
    bight_deferred_cancel(second);
    bight_deferred_release(second);
    pass(5);
    ck_heard("2 CANCELLED 1 200 'Hello' 3 200 'Hello'");
    ck_assert_uint_eq(server->requests, 2);
    end_world();
}
END_TEST

START_TEST(what_is_connecting_for_a_cancelled_call_is_for_the_next) /* C2 */
{
    const struct bight_http_client_options one = { .size = sizeof one, .max_per_host = 1 };
    begin_with(&one, HELLO);
    struct bight_deferred *first = bight_http_get(client, "http://server/");
    note(bight_deferred_hold(first), "1 ");
    get("http://server/", "2 ");
    bight_deferred_cancel(first);
    bight_deferred_release(first);
    pass(1);
    ck_heard("1 CANCELLED 2 200 'Hello'");
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- keeping */

START_TEST(the_connection_that_was_used_last_is_used_first) /* C2 */
{
    begin(HELLO);
    get("http://server/", "");
    get("http://server/", "");
    pass(1);
    ck_assert_uint_eq(server->open, 2);
    for (int i = 0; i < 20; i++) {
        get("http://server/", "");
        pass(1);
    }
    ck_assert_uint_eq(server->open, 1); /* the other one has been idle for 15 s */
    ck_assert_uint_eq(server->accepted, 2);
    end_world();
}
END_TEST

static const struct {
    const char *field;
    double used_after, gone_after; /* seconds */
} times[] = {
    { "", 14, 17 },
    { "Keep-Alive: timeout=5, max=100\r\n", 3.5, 5 },
    { "Keep-Alive: max=1, Timeout=5\r\n", 3.5, 5 },
    { "Keep-Alive: timeout=1000\r\n", 14, 17 },
    { "Keep-Alive: timeout=99999999999\r\n", 14, 17 },
    { "Keep-Alive: timeout=-1\r\n", 14, 17 },
    { "Keep-Alive: timeout=x\r\n", 14, 17 },
};

START_TEST(an_idle_connection_is_kept_for_a_time) /* C2 */
{
    char text[200];
    (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n", times[_i].field);
    begin(text);
    get("http://server/", "");
    pass(times[_i].used_after);
    get("http://server/", "");
    pass(1);
    ck_assert_uint_eq(server->accepted, 1);
    ck_assert_uint_eq(server->open, 1);
    pass(times[_i].gone_after);
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

static const char *const not_kept[] = {
    HEAD_200 "Connection: close\r\nContent-Length: 5\r\n\r\nHello",
    "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nHello",
    HEAD_200 "Content-Length: 5\r\n\r\nHelloHTTP/1.1 200 OK\r\n",
    HEAD_200 "Content-Length: 5\r\nKeep-Alive: timeout=1\r\n\r\nHello",
};

START_TEST(a_connection_that_is_not_to_be_used_again_is_not) /* C2 */
{
    begin(not_kept[_i]);
    get("http://server/", "1 ");
    pass(1);
    get("http://server/", "2 ");
    pass(1);
    ck_heard("1 200 'Hello' 2 200 'Hello'");
    ck_assert_uint_eq(server->accepted, 2);
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

static void answer_and_say_more(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HELLO);
    say_after(talk, 1, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(a_kept_connection_that_says_something_is_dropped) /* C2 */
{
    begin(NULL);
    server->script = answer_and_say_more;
    get("http://server/", "1 ");
    pass(2);
    ck_assert_uint_eq(server->open, 0);
    get("http://server/", "2 ");
    pass(0.5);
    ck_heard("1 200 'Hello' 2 200 'Hello'");
    ck_assert_uint_eq(server->accepted, 2);
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- dead ones */

/* The second request on a connection meets its end. */
static void answer_once(struct talk *talk, const char *request)
{
    (void)request;
    if (talk->requests > 1) {
        hang_up(talk);
    } else {
        say(talk, HELLO);
    }
}

static const struct {
    const char *method, *body, *expected;
    enum bight_http_choice repeat;
    unsigned requests;
} repeats[] = {
    { "GET", NULL, "200 'Hello'", BIGHT_HTTP_BY_DEFAULT, 3 },
    { "PUT", "abc", "200 'Hello'", BIGHT_HTTP_BY_DEFAULT, 3 },
    { "DELETE", NULL, "200 'Hello'", BIGHT_HTTP_YES, 3 },
    { "POST", "abc", "INCOMPLETE", BIGHT_HTTP_BY_DEFAULT, 2 },
    { "PATCH", NULL, "INCOMPLETE", BIGHT_HTTP_BY_DEFAULT, 2 },
    { "FROB", NULL, "INCOMPLETE", BIGHT_HTTP_YES, 2 },
    { "GET", NULL, "INCOMPLETE", BIGHT_HTTP_NO, 2 },
};

START_TEST(a_call_that_is_safe_to_repeat_is_sent_again_when_its_connection_was_dead) /* C2 */
{
    const struct bight_http_call_options options = { .size = sizeof options, .repeat = repeats[_i].repeat };
    begin(NULL);
    server->script = answer_once;
    send_call(call_of("http://server/"));
    struct bight_http_call *call = bight_http_call_new(client, repeats[_i].method, "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    if (repeats[_i].body != NULL) {
        ck_assert_int_eq(bight_http_call_body(call, repeats[_i].body, strlen(repeats[_i].body), NULL), 0);
    }
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard(repeats[_i].expected);
    ck_assert_uint_eq(server->requests, repeats[_i].requests);
    end_world();
}
END_TEST

static void answer_the_first_alone(struct talk *talk, const char *request)
{
    (void)request;
    if (talk->peer->requests > 1) {
        hang_up(talk);
    } else {
        say(talk, HELLO);
    }
}

START_TEST(it_is_sent_again_once) /* C2 */
{
    begin(NULL);
    server->script = answer_the_first_alone;
    send_call(call_of("http://server/"));
    get("http://server/", "");
    pass(1);
    ck_heard("INCOMPLETE");
    ck_assert_uint_eq(server->requests, 3);
    end_world();
}
END_TEST

static void begin_an_answer(struct talk *talk, const char *request)
{
    (void)request;
    if (talk->requests > 1) {
        say(talk, "H");
        hang_up(talk);
    } else {
        say(talk, HELLO);
    }
}

START_TEST(it_is_not_once_a_byte_has_come_nor_on_a_new_connection) /* C2 */
{
    begin(NULL);
    server->script = begin_an_answer;
    send_call(call_of("http://server/"));
    get("http://server/", "kept ");
    pass(1);
    server->script = answer_the_first_alone;
    get("http://server/", "new ");
    pass(1);
    ck_heard("kept INCOMPLETE new INCOMPLETE");
    ck_assert_uint_eq(server->requests, 3);
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(
        tests, whatever_makes_a_difference_needs_a_connection_of_its_own, 0, sizeof keys / sizeof *keys);
    tcase_add_test(tests, a_host_has_at_most_eight_connections_and_its_calls_go_out_in_order);
    tcase_add_test(tests, a_client_has_at_most_so_many_and_an_idle_one_makes_room);
    tcase_add_test(tests, a_host_without_a_connection_does_not_wait_for_another_ones_queue);
    tcase_add_test(tests, a_call_that_is_cancelled_in_the_queue_makes_no_gap);
    tcase_add_test(tests, what_is_connecting_for_a_cancelled_call_is_for_the_next);
    tcase_add_test(tests, the_connection_that_was_used_last_is_used_first);
    tcase_add_loop_test(tests, an_idle_connection_is_kept_for_a_time, 0, sizeof times / sizeof *times);
    tcase_add_loop_test(tests, a_connection_that_is_not_to_be_used_again_is_not, 0, sizeof not_kept / sizeof *not_kept);
    tcase_add_test(tests, a_kept_connection_that_says_something_is_dropped);
    tcase_add_loop_test(tests, a_call_that_is_safe_to_repeat_is_sent_again_when_its_connection_was_dead, 0,
        sizeof repeats / sizeof *repeats);
    tcase_add_test(tests, it_is_sent_again_once);
    tcase_add_test(tests, it_is_not_once_a_byte_has_come_nor_on_a_new_connection);
}

BIGHT_TEST_MAIN("http_client_pool", add_tests)
