/* SPDX-License-Identifier: MIT */
/* Tests of connections and their exchanges (protocols/http/server): order, keep-alive, what is left unread, ends. */
#include "site_support.h"

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static struct bight_http_request *kept[8];
static size_t kept_count;

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept[kept_count++] = bight_http_request_hold(request);
}

static void answer_kept(size_t index, const char *text)
{
    (void)bight_http_respond_text(kept[index], 200, text);
    bight_http_request_release(kept[index]);
}

static void begin(void)
{
    kept_count = 0;
    begin_site(NULL);
    ck_assert_int_eq(bight_http_route(site, "GET /", say_hello, NULL), 0);
    ck_assert_int_eq(bight_http_route(site, "/keep", keep, NULL), 0);
    connect_peer();
}

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define KEEP "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n"

START_TEST(a_request_is_answered_with_its_length_and_a_date) /* H6 */
{
    begin();
    const char *answer = say(GET);
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Content-Length: 5"));
    ck_assert(has_line(answer, "Content-Type: text/plain; charset=utf-8"));
    ck_assert_ptr_nonnull(strstr(answer, "\r\nDate: "));
    ck_assert_str_eq(body_of(answer), "Hello");
    end_site();
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_their_order) /* H4 */
{
    begin();
    say(KEEP GET KEEP);
    ck_assert_uint_eq(kept_count, 1);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    answer_kept(0, "first");
    bight_testing_settle(reactor, 100);
    const char *answer = take_answer();
    ck_assert(strstr(answer, "first") < strstr(answer, "Hello"));
    ck_assert_uint_eq(kept_count, 2);
    answer_kept(1, "third");
    bight_testing_settle(reactor, 100);
    ck_assert_str_eq(body_of(take_answer()), "third");
    end_site();
}
END_TEST

START_TEST(an_answer_that_comes_later_leaves_the_connection_as_it_was) /* H4 */
{
    begin();
    say(KEEP);
    answer_kept(0, "later");
    bight_testing_settle(reactor, 100);
    ck_assert_str_eq(body_of(take_answer()), "later");
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(a_request_that_is_let_go_is_answered_500) /* A2 */
{
    begin();
    say(KEEP);
    bight_http_request_release(kept[0]);
    bight_testing_settle(reactor, 100);
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    end_site();
}
END_TEST

START_TEST(a_head_that_is_refused_ends_the_connection) /* H2 */
{
    begin();
    const char *answer = say("GET / HTTP/1.1\r\nHost : x\r\n\r\n" GET);
    ck_assert(has_line(answer, "HTTP/1.1 400 Bad Request"));
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
    ck_assert(bight_string_is_shut(peer));
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_request_is_answered_with_its_length_and_a_date);
    tcase_add_test(tests, pipelined_requests_are_answered_in_their_order);
    tcase_add_test(tests, an_answer_that_comes_later_leaves_the_connection_as_it_was);
    tcase_add_test(tests, a_request_that_is_let_go_is_answered_500);
    tcase_add_test(tests, a_head_that_is_refused_ends_the_connection);
}

BIGHT_TEST_MAIN("http_server", add_tests)
