/* SPDX-License-Identifier: MIT */
/* Tests of large bodies, about which a server is asked first (protocols/http/client/sending.c). */
#include "client_support.h"

#define HELLO ANSWER(5, "Hello")

static struct peer *server;

static void begin(const char *text)
{
    begin_world(NULL);
    server = add_peer("server", NULL, text);
}

/* Takes the call. */
static void send_it(struct bight_http_call *call)
{
    note(bight_http_call_send(call), "");
}

static char large[70000];

static struct bight_http_call *asking(size_t size, uint64_t from)
{
    const struct bight_http_call_options options = { .size = sizeof options, .expect_from = from };
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://server/");
    memset(large, 'x', sizeof large);
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    ck_assert_int_eq(bight_http_call_body(call, large, size, NULL), 0);
    return call;
}

static const char *to_the_head; /* what is said to it, once */
static bool was_told;

static void answer_head(struct talk *talk)
{
    size_t size = request_size(talk);
    if (size > 0) {
        answer(talk, size);
    } else if (to_the_head != NULL && strstr(talk->input, "\r\n\r\n") != NULL && talk->requests == 0 && !was_told) {
        was_told = true;
        ck_assert_ptr_nonnull(strstr(talk->input, "Expect: 100-continue\r\n"));
        ck_assert_str_eq(strstr(talk->input, "\r\n\r\n"), "\r\n\r\n"); /* no body yet */
        say(talk, to_the_head);
    }
}

static void say_to_the_head(const char *text)
{
    was_told = false;
    to_the_head = text;
    server->hears = answer_head;
}

START_TEST(a_large_body_goes_when_the_server_says_so) /* C8 */
{
    begin(HELLO);
    say_to_the_head("HTTP/1.1 100 Continue\r\n\r\n");
    send_it(asking(sizeof large, 70000));
    pass(0.5);
    ck_heard("200 'Hello'");
    ck_assert_uint_eq(strlen(strstr(server->last, "\r\n\r\n") + 4), sizeof large);
    get("http://server/", "");
    pass(0.5);
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

START_TEST(a_server_that_says_nothing_is_sent_the_body_a_second_later) /* C8 */
{
    begin(HELLO);
    say_to_the_head(NULL);
    send_it(asking(100, 100));
    pass(0.9);
    ck_heard("");
    ck_assert_uint_eq(server->requests, 0);
    pass(0.2);
    ck_heard("200 'Hello'");
    end_world();
}
END_TEST

START_TEST(a_body_that_is_not_wanted_is_not_sent) /* C8 */
{
    begin(HELLO);
    say_to_the_head("HTTP/1.1 403 X\r\nContent-Length: 2\r\n\r\nNo");
    send_it(asking(100, 100));
    pass(2);
    ck_heard("403 'No'");
    ck_assert_uint_eq(server->requests, 0);
    ck_assert_uint_eq(server->open, 0); /* nobody could tell what comes next on it */
    end_world();
}
END_TEST

static char talked[1000];

static void refuse_slowly(struct talk *talk)
{
    (void)snprintf(talked, sizeof talked, "%.900s", talk->input);
    if (strstr(talk->input, "\r\n\r\n") != NULL && talk->requests++ == 0) {
        say(talk, "HTTP/1.1 403 X\r\nContent-Length: 2\r\n\r\n");
        say_after(talk, 5, "No");
    }
}

START_TEST(not_even_when_the_refusal_takes_its_time) /* C8 */
{
    begin(NULL);
    server->hears = refuse_slowly;
    send_it(asking(100, 100));
    pass(10);
    ck_heard("403 'No'");
    ck_assert_ptr_null(strstr(strstr(talked, "\r\n\r\n"), "xxx"));
    end_world();
}
END_TEST

static void answer_second(struct talk *talk, const char *request)
{
    ck_assert_ptr_null(strstr(request, "Expect:"));
    say(talk, HELLO);
}

START_TEST(a_server_that_takes_no_questions_is_not_asked_again) /* C8 */
{
    begin(NULL);
    server->script = answer_second;
    say_to_the_head("HTTP/1.1 417 X\r\nContent-Length: 2\r\n\r\nNo");
    send_it(asking(100, 100));
    pass(0.1);
    to_the_head = NULL;
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_uint_eq(server->accepted, 2);
    end_world();
}
END_TEST

START_TEST(only_large_bodies_are_asked_about) /* C8 */
{
    begin(HELLO);
    send_it(asking(99, 100));
    pass(0.1);
    ck_heard("200 'Hello'");
    ck_assert_ptr_null(strstr(server->last, "Expect:"));
    send_it(asking(sizeof large, UINT64_MAX));
    pass(0.5);
    ck_heard("200 'Hello'");
    ck_assert_ptr_null(strstr(server->last, "Expect:"));
    end_world();
}
END_TEST

START_TEST(a_call_may_end_while_it_waits_to_be_told) /* C1 C8 */
{
    begin(HELLO);
    say_to_the_head(NULL);
    struct bight_deferred *sent = bight_http_call_send(asking(100, 100));
    pass(0.5);
    bight_deferred_cancel(sent);
    note(sent, "");
    pass(2);
    ck_heard("CANCELLED");
    ck_assert_uint_eq(server->requests, 0);
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_large_body_goes_when_the_server_says_so);
    tcase_add_test(tests, a_server_that_says_nothing_is_sent_the_body_a_second_later);
    tcase_add_test(tests, a_body_that_is_not_wanted_is_not_sent);
    tcase_add_test(tests, not_even_when_the_refusal_takes_its_time);
    tcase_add_test(tests, a_server_that_takes_no_questions_is_not_asked_again);
    tcase_add_test(tests, only_large_bodies_are_asked_about);
    tcase_add_test(tests, a_call_may_end_while_it_waits_to_be_told);
}

BIGHT_TEST_MAIN("http_client_expect", add_tests)
