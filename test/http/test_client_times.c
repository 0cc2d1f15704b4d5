/* SPDX-License-Identifier: MIT */
/* Tests of the client's times and limits (protocols/http/client/limits.c): each ends a call with a failure of its own,
 * never early, and not much later. */
#include "client_support.h"

#include <math.h>

#define HELLO ANSWER(5, "Hello")

static struct peer *server;

static void send_with(const struct bight_http_call_options *options, const char *name)
{
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, options), 0);
    note(bight_http_call_send(call), name);
}

static void say_nothing(struct talk *talk, const char *request)
{
    (void)talk;
    (void)request;
}

static void say_a_part(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200 "Content-Length: 5\r\n\r\nHel");
}

static void begin_a_head(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, "HTTP/1.1 2");
}

/* A byte now and then, but never long enough apart. */
static void trickle(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200 "Content-Length: 1000\r\n\r\n");
    for (int i = 1; i < 500; i++) {
        say_after(talk, 0.5 * i, "x");
    }
}

static const struct {
    struct bight_http_call_options options;
    void (*script)(struct talk *talk, const char *request);
    double not_before, at_most;
    const char *expected;
} rows[] = {
    { { .first_byte_seconds = 2 }, say_nothing, 2, 2.2, "TIMED_OUT/2" },
    { { .first_byte_seconds = 0.01 }, say_nothing, 0.01, 0.015, "TIMED_OUT/2" },
    { { .size = 0 }, say_nothing, 60, 64, "TIMED_OUT/2" },
    { { .first_byte_seconds = 1, .between_seconds = 2 }, say_a_part, 2, 2.2, "TIMED_OUT/3" },
    { { .first_byte_seconds = 1, .between_seconds = 2 }, begin_a_head, 2, 2.2, "TIMED_OUT/3" },
    { { .size = 0 }, say_a_part, 60, 64, "TIMED_OUT/3" },
    { { .total_seconds = 3 }, trickle, 3, 3.3, "TIMED_OUT/4" },
    { { .total_seconds = 3, .first_byte_seconds = 100 }, say_nothing, 3, 3.3, "TIMED_OUT/4" },
};

START_TEST(each_time_that_is_up_is_a_failure_of_its_own) /* C3 */
{
    struct bight_http_call_options options = rows[_i].options;
    options.size = sizeof options;
    begin_world(NULL);
    server = add_peer("server", NULL, NULL);
    server->script = rows[_i].script;
    send_with(&options, "");
    pass(rows[_i].not_before);
    ck_heard("");
    pass(rows[_i].at_most - rows[_i].not_before);
    ck_heard(rows[_i].expected);
    pass(1);
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

START_TEST(connecting_has_a_time_of_its_own) /* C3 */
{
    const struct bight_link_conditions lost = { .lose_attempt = 1000 };
    const struct bight_http_call_options options = { .size = sizeof options, .first_byte_seconds = 1 };
    begin_world(NULL);
    server = add_peer("server", NULL, HELLO);
    bight_simulation_link(network, NULL, NULL, &lost);
    send_with(&options, "");
    pass(10);
    ck_heard("");
    pass(1);
    ck_heard("CONNECT_TIMED_OUT/1");
    end_world();
}
END_TEST

START_TEST(a_server_that_does_not_go_on_with_tls_has_the_time_of_connecting) /* C3 */
{
    const struct bight_http_call_options options = { .size = sizeof options, .connect_seconds = 3 };
    begin_world(NULL);
    server = add_peer("server", "tcp:443", NULL);
    struct bight_http_call *call = bight_http_call_new(client, "GET", "https://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    note(bight_http_call_send(call), "");
    pass(2.9);
    ck_heard("");
    ck_assert_uint_eq(server->open, 1);
    pass(1);
    ck_heard("CONNECT_TIMED_OUT/1");
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

START_TEST(waiting_for_a_connection_counts_in_all_and_is_told_apart) /* C3 */
{
    const struct bight_http_call_options slow = { .size = sizeof slow, .first_byte_seconds = 100 };
    const struct bight_http_call_options all = { .size = sizeof all, .total_seconds = 5 };
    const struct bight_http_call_options others = {
        .size = sizeof others, .connect_seconds = 1, .first_byte_seconds = 1, .between_seconds = 1
    };
    const struct bight_http_client_options one = { .size = sizeof one, .max_per_host = 1, .calls = &slow };
    begin_world(&one);
    server = add_peer("server", NULL, NULL);
    server->script = say_nothing;
    send_with(NULL, "1 ");
    pass(1);
    send_with(&all, "2 ");
    send_with(&others, "3 ");
    pass(20);
    ck_heard("2 TIMED_OUT/5");
    end_world();
}
END_TEST

START_TEST(without_a_limit_a_call_waits) /* C3 */
{
    const struct bight_http_call_options none = {
        .size = sizeof none, .first_byte_seconds = INFINITY, .between_seconds = INFINITY, .connect_seconds = INFINITY
    };
    begin_world(NULL);
    server = add_peer("server", NULL, NULL);
    server->script = say_nothing;
    send_with(&none, "");
    pass(100000);
    ck_heard("");
    end_world();
    ck_heard("ABANDONED");
}
END_TEST

START_TEST(an_upload_that_is_not_taken_times_out) /* C3 */
{
    static char large[400000];
    const struct bight_http_call_options options = { .size = sizeof options, .between_seconds = 3 };
    begin_world(NULL);
    server = add_peer("server", NULL, HELLO);
    server->is_deaf = true;
    struct bight_http_call *call = bight_http_call_new(client, "PUT", "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    ck_assert_int_eq(bight_http_call_body(call, large, sizeof large, NULL), 0);
    note(bight_http_call_send(call), "");
    pass(2.9);
    ck_heard("");
    pass(0.5);
    ck_heard("TIMED_OUT/3");
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, each_time_that_is_up_is_a_failure_of_its_own, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, connecting_has_a_time_of_its_own);
    tcase_add_test(tests, a_server_that_does_not_go_on_with_tls_has_the_time_of_connecting);
    tcase_add_test(tests, waiting_for_a_connection_counts_in_all_and_is_told_apart);
    tcase_add_test(tests, without_a_limit_a_call_waits);
    tcase_add_test(tests, an_upload_that_is_not_taken_times_out);
}

BIGHT_TEST_MAIN("http_client_times", add_tests)
