/* SPDX-License-Identifier: MIT */
/* Tests of bodies that a handler leaves unread, and of Expect (protocols/http/server): what is thrown away, and when
 * the connection ends instead. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define EXPECT "Expect: 100-continue\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static struct bight_http_request *kept;
static int ended, failed;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void answer_kept(const char *text)
{
    (void)bight_http_respond_text(kept, 200, text);
    bight_http_request_release(kept);
    settle();
}

static void has_been_collected(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        failed = bight_failure_code(failure);
        (void)bight_http_respond_failure(context, failure);
    } else {
        struct bight_http_response *response = bight_http_response_new(200);
        (void)bight_http_response_take_bytes(response, "text/plain", bight_bytes_hold(result->value));
        (void)bight_http_respond_response(context, response);
        bight_http_response_release(response);
    }
    bight_result_discard(result);
}

static void ask(struct bight_http_request *request)
{
    struct bight_deferred *deferred = bight_http_request_collect(request, 0);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_collected, request), 0);
    bight_deferred_release(deferred);
}

static void collect(struct bight_http_request *request, void *context)
{
    (void)context;
    ask(request);
}

static bool consume_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)data;
    if (context != NULL) {
        (void)bight_http_respond_text(request, 400, "enough");
    } else {
        (void)bight_http_respond_write(request, data, size);
    }
    return true;
}

static void consume_end(struct bight_http_request *request, void *context)
{
    (void)context;
    ended++;
    (void)bight_http_respond_finish(request);
}

static void consume_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    (void)context;
    failed = bight_failure_code(failure);
}

static const struct bight_http_consumer consumer = {
    .size = sizeof consumer, .data = consume_data, .end = consume_end, .failed = consume_failed
};

/* Answers with what comes while it comes. */
static void echo(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_respond_begin(request, 200, "text/plain", -1), 0);
    ck_assert_int_eq(bight_http_request_consume(request, 0, &consumer, NULL), 0);
}

static void answer_in_the_middle(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_request_consume(request, UINT64_MAX, &consumer, request), 0);
}

static void begin(void)
{
    ended = failed = 0;
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/keep", keep);
    add_route("/collect", collect);
    add_route("/echo", echo);
    add_route("/middle", answer_in_the_middle);
    connect_peer();
}

static char large[300001];

static const char *large_text(size_t size)
{
    memset(large, 'x', size);
    large[size] = '\0';
    return large;
}

/* ----------------------------------------------------------------------------------------- thrown away */

START_TEST(an_unread_body_is_thrown_away_and_the_connection_goes_on) /* H5 */
{
    begin();
    const char *answer = say(POST("/", "Content-Length: 11\r\n") "GET / no me" GET);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 200"), 2);
    ck_assert_ptr_null(strstr(answer, "Connection: close"));
    ck_assert(!is_over());
    end_site();
}
END_TEST

START_TEST(an_unread_body_of_256_KiB_is_thrown_away) /* H5 */
{
    begin();
    say(POST("/", "Content-Length: 262144\r\n"));
    say(large_text(262144));
    ck_assert_ptr_null(strstr(take_answer(), "Connection: close"));
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(a_longer_one_ends_the_connection) /* H5 */
{
    begin();
    const char *answer = say(POST("/", "Content-Length: 262145\r\n"));
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_str_eq(body_of(answer), "Hello");
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(an_unread_chunked_body_is_thrown_away_up_to_its_limit) /* H5 */
{
    begin();
    say(POST("/", "Transfer-Encoding: chunked\r\n") "5\r\nGET /\r\n0\r\nA: b\r\n\r\n");
    ck_assert_str_eq(body_of(take_answer()), "Hello");
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    (void)take_answer();
    say(POST("/", "Transfer-Encoding: chunked\r\n") "fffff\r\n");
    (void)bight_string_feed_text(peer, large_text(262144));
    ck_assert(!is_over());
    say("x");
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_body_whose_answer_comes_later_waits_and_is_thrown_away_then) /* H4, H5 */
{
    begin();
    say(POST("/keep", "Content-Length: 100000\r\n"));
    (void)bight_string_feed_text(peer, large_text(100000));
    answer_kept("kept");
    ck_assert_str_eq(body_of(take_answer()), "kept");
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(whoever_reads_when_the_answer_is_whole_hears_that_no_more_comes) /* H5 */
{
    begin();
    say(POST("/middle", "Content-Length: 20\r\n") "0123456789");
    ck_assert_str_eq(body_of(take_answer()), "enough");
    ck_assert_int_eq(failed, BIGHT_E_CANCELLED);
    ck_assert_str_eq(body_of(say("0123456789" GET)), "Hello");
    ck_assert_int_eq(ended, 0);
    end_site();
}
END_TEST

START_TEST(a_body_that_is_read_on_while_the_answer_goes_out_ends_nothing) /* H5 */
{
    begin();
    say(POST("/echo", "Content-Length: 300000\r\n"));
    ck_assert_ptr_null(strstr(bight_string_written_text(peer), "Connection: close"));
    (void)bight_string_feed_text(peer, large_text(300000));
    ck_assert_int_eq(ended, 1);
    (void)take_answer();
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(too_long_a_body_is_told_of_later_not_inside_consume) /* A4, H3 */
{
    begin();
    say(POST("/keep", "Content-Length: 2000\r\n"));
    ck_assert_int_eq(bight_http_request_consume(kept, 1000, &consumer, NULL), 0);
    ck_assert_int_eq(failed, 0);
    settle();
    ck_assert_int_eq(failed, BIGHT_E_TOO_LONG);
    (void)bight_http_respond_text(kept, 413, "too long");
    bight_http_request_release(kept);
    settle();
    ck_assert(has_line(take_answer(), "Connection: close"));
    end_site();
}
END_TEST

static bool resume_inside(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)data;
    (void)size;
    (void)context;
    bight_http_request_resume(request);
    return false;
}

static void consume_and_resume(struct bight_http_request *request, void *context)
{
    static const struct bight_http_consumer resumer = {
        .size = sizeof resumer, .data = resume_inside, .end = consume_end
    };
    (void)context;
    (void)bight_http_respond_begin(request, 200, NULL, -1);
    (void)bight_http_request_consume(request, 0, &resumer, NULL);
}

START_TEST(a_consumer_that_resumes_inside_goes_on) /* A4 */
{
    begin();
    add_route("/resume", consume_and_resume);
    say(POST("/resume", "Content-Length: 10\r\n") "12345");
    say("67890");
    ck_assert_int_eq(ended, 1);
    end_site();
}
END_TEST

/* --------------------------------------------------------------------------------------------- 100-continue */

START_TEST(expect_is_answered_when_the_body_is_asked_for) /* H5 */
{
    begin();
    ck_assert_str_eq(say(POST("/collect", EXPECT "Content-Length: 5\r\n")), CONTINUE);
    bight_string_clear(peer);
    const char *answer = say("12345");
    ck_assert_str_eq(body_of(answer), "12345");
    ck_assert_ptr_null(strstr(answer, "Connection: close"));
    bight_string_clear(peer);
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(expect_is_not_answered_before_the_body_is_asked_for) /* H5 */
{
    begin();
    ck_assert_str_eq(say(POST("/keep", EXPECT "Content-Length: 5\r\n")), "");
    ask(kept);
    settle();
    ck_assert_str_eq(take_answer(), CONTINUE);
    bight_http_request_release(kept);
    ck_assert_str_eq(body_of(say("12345")), "12345");
    end_site();
}
END_TEST

START_TEST(expect_is_not_answered_once_bytes_have_come) /* H5 */
{
    begin();
    ck_assert_str_eq(say(POST("/collect", EXPECT "Content-Length: 5\r\n") "1"), "");
    ck_assert_str_eq(body_of(say("2345")), "12345");
    bight_string_clear(peer);
    say(POST("/keep", EXPECT "Content-Length: 5\r\n"));
    say("12");
    ask(kept);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "");
    bight_http_request_release(kept);
    ck_assert_str_eq(body_of(say("345")), "12345");
    end_site();
}
END_TEST

START_TEST(expect_is_ignored_in_1_0_and_417_for_anything_else) /* H5 */
{
    begin();
    const char *answer = say("POST /collect HTTP/1.0\r\nConnection: keep-alive\r\n" EXPECT "Content-Length: 1\r\n\r\n");
    ck_assert_str_eq(answer, "");
    ck_assert_str_eq(body_of(say("1")), "1");
    bight_string_clear(peer);
    answer = say(POST("/", "Expect: 200-ok\r\nContent-Length: 1\r\n"));
    ck_assert(has_line(answer, "HTTP/1.1 417 Expectation Failed"));
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_final_answer_instead_of_100_ends_the_connection) /* H5 */
{
    static const char *const heads[] = {
        POST("/", EXPECT "Content-Length: 5\r\n"),
        POST("/", EXPECT "Content-Length: 5\r\n") "12",
        POST("/", EXPECT "Transfer-Encoding: chunked\r\n"),
    };
    begin();
    const char *answer = say(heads[_i]);
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_final_answer_behind_the_whole_body_ends_nothing) /* H5 */
{
    begin();
    const char *answer = say(POST("/", EXPECT "Content-Length: 5\r\n") "12345" GET);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 200"), 2);
    ck_assert_ptr_null(strstr(answer, "Connection: close"));
    bight_string_clear(peer);
    say(POST("/keep", EXPECT "Content-Length: 5\r\n"));
    say("12345");
    answer_kept("kept");
    ck_assert_ptr_null(strstr(take_answer(), "Connection: close"));
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(no_100_goes_out_behind_a_final_head) /* H5 */
{
    begin();
    const char *answer = say(POST("/echo", EXPECT "Content-Length: 5\r\n"));
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_ptr_nonnull(strstr(say("12345"), "5\r\n12345\r\n0\r\n\r\n"));
    ck_assert(is_over());
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_unread_body_is_thrown_away_and_the_connection_goes_on);
    tcase_add_test(tests, an_unread_body_of_256_KiB_is_thrown_away);
    tcase_add_test(tests, a_longer_one_ends_the_connection);
    tcase_add_test(tests, an_unread_chunked_body_is_thrown_away_up_to_its_limit);
    tcase_add_test(tests, a_body_whose_answer_comes_later_waits_and_is_thrown_away_then);
    tcase_add_test(tests, whoever_reads_when_the_answer_is_whole_hears_that_no_more_comes);
    tcase_add_test(tests, a_body_that_is_read_on_while_the_answer_goes_out_ends_nothing);
    tcase_add_test(tests, too_long_a_body_is_told_of_later_not_inside_consume);
    tcase_add_test(tests, a_consumer_that_resumes_inside_goes_on);
    tcase_add_test(tests, expect_is_answered_when_the_body_is_asked_for);
    tcase_add_test(tests, expect_is_not_answered_before_the_body_is_asked_for);
    tcase_add_test(tests, expect_is_not_answered_once_bytes_have_come);
    tcase_add_test(tests, expect_is_ignored_in_1_0_and_417_for_anything_else);
    tcase_add_loop_test(tests, a_final_answer_instead_of_100_ends_the_connection, 0, 3);
    tcase_add_test(tests, a_final_answer_behind_the_whole_body_ends_nothing);
    tcase_add_test(tests, no_100_goes_out_behind_a_final_head);
}

BIGHT_TEST_MAIN("http_unread", add_tests)
