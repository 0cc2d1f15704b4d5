/* SPDX-License-Identifier: MIT */
/* Tests of bodies with a Content-Encoding (protocols/http/server/encoding.c): refused when they are asked for, unless
 * the program takes them as they are. */
#include "http/coding/gzip.h"
#include "site_support.h"

#define BEHIND "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define FIVE "Content-Length: 5\r\n"
#define GZIP "Content-Encoding: gzip\r\n"

static int ended, failed;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void give_back(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        (void)bight_http_respond_failure(request, failure);
    } else {
        (void)bight_http_respond_bytes(request, 200, NULL, result->value);
    }
    bight_result_discard(result);
}

static void collect(struct bight_http_request *request, void *context)
{
    struct bight_deferred *deferred = bight_http_request_collect(request, 0);
    (void)context;
    (void)bight_deferred_add_both(deferred, give_back, request);
    bight_deferred_release(deferred);
}

static void collect_encoded(struct bight_http_request *request, void *context)
{
    bight_http_request_accept_encoded(request);
    collect(request, context);
}

static void read_all(struct bight_http_request *request, void *context)
{
    struct bight_deferred *deferred = bight_http_request_read(request, 0);
    (void)context;
    (void)bight_deferred_add_both(deferred, give_back, request);
    bight_deferred_release(deferred);
}

static void note_end(struct bight_http_request *request, void *context)
{
    (void)context;
    ended++;
    (void)bight_http_respond_empty(request, 204);
}

static void note_failure(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)context;
    failed++;
    (void)bight_http_respond_failure(request, bight_failure_hold(failure));
}

static const struct bight_http_consumer consumer = { .size = sizeof consumer, .end = note_end, .failed = note_failure };

static void consume(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_request_consume(request, 0, &consumer, NULL), 0);
}

static void begin(void)
{
    ended = failed = 0;
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/collect", collect);
    add_route("/read", read_all);
    add_route("/consume", consume);
    add_route("/encoded", collect_encoded);
    connect_peer();
}

static void check_refused(const char *answer)
{
    ck_assert(has_line(answer, "HTTP/1.1 415 Unsupported Media Type"));
    ck_assert(has_line(answer, "Accept-Encoding: identity"));
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_ptr_nonnull(strstr(body_of(answer), "the body is encoded"));
}

START_TEST(an_encoded_body_is_415_in_whatever_way_it_is_asked_for) /* A4 */
{
    static const char *const requests[] = {
        POST("/collect", FIVE GZIP) "12345",
        POST("/read", FIVE GZIP) "12345",
        POST("/consume", FIVE GZIP) "12345",
        POST("/collect", FIVE "Content-Encoding: identity, x-unknown\r\n") "12345",
        POST("/collect", FIVE "Content-Encoding: identity\r\n" GZIP) "12345",
        POST("/collect", "Transfer-Encoding: chunked\r\nCONTENT-ENCODING: GZIP\r\n") "0\r\n\r\n",
    };
    begin();
    say(requests[_i]);
    settle();
    check_refused(take_answer());
    ck_assert(is_over());
    ck_assert_int_eq(failed, _i == 2);
    ck_assert_int_eq(ended, 0);
    end_site();
}
END_TEST

START_TEST(who_waits_for_100_is_told_415_before_sending_anything) /* A4, H5 */
{
    begin();
    say(POST("/collect", FIVE GZIP "Expect: 100-continue\r\n"));
    settle();
    const char *answer = take_answer();
    check_refused(answer);
    ck_assert_ptr_null(strstr(answer, "100 Continue"));
    end_site();
}
END_TEST

START_TEST(a_body_that_is_as_it_says_is_read) /* A4 */
{
    static const char *const requests[] = {
        POST("/collect", FIVE "Content-Encoding: Identity\r\n") "12345",
        POST("/collect", FIVE "Content-Encoding: \r\n") "12345",
        POST("/collect", FIVE "Content-Encoding: , identity ,\r\n") "12345",
        POST("/encoded", FIVE GZIP) "12345",
    };
    begin();
    say(requests[_i]);
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert_str_eq(body_of(answer), "12345");
    end_site();
}
END_TEST

START_TEST(nothing_is_refused_where_there_is_no_body) /* A4 */
{
    begin();
    say(POST("/collect", GZIP "Content-Length: 0\r\n"));
    ck_assert(has_line(take_answer(), "HTTP/1.1 200 OK"));
    say(POST("/encoded", GZIP));
    ck_assert(has_line(take_answer(), "HTTP/1.1 200 OK"));
    end_site();
}
END_TEST

START_TEST(an_encoded_body_that_nobody_asks_for_is_thrown_away_as_any_other) /* A4, H5 */
{
    begin();
    say(POST("/", FIVE GZIP) "12345" BEHIND);
    settle();
    const char *answers = take_answer();
    ck_assert_uint_eq(count_of(answers, "HTTP/1.1 200 OK"), 2);
    ck_assert_ptr_null(strstr(answers, "Accept-Encoding"));
    ck_assert(!is_over());
    end_site();
}
END_TEST

static void collect_decoded(struct bight_http_request *request, void *context)
{
    bight_http_request_decode(request);
    collect(request, context);
}

START_TEST(without_zlib_nothing_is_decoded) /* A4 */
{
    begin();
    add_route("/decoded", collect_decoded);
    say(POST("/decoded", FIVE GZIP) "12345");
    const char *answer = take_answer();
    if (bi_gzip_is_built_in()) {
        ck_assert(has_line(answer, "HTTP/1.1 400 Bad Request"));
    } else {
        check_refused(answer);
    }
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- no memory */

/* A 415 or nothing, and never a body. */
static bool refuse_without_memory(void *context)
{
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    if (reactor != NULL && bight_http_route(site, "/", collect, NULL) == BIGHT_OK) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        const char *answer = say(context);
        good = answer == NULL || (strstr(answer, " 200 ") == NULL && strstr(answer, "12345") == NULL);
        good = good && (bight_testing_fault_injected() || strstr(answer, " 415 ") != NULL);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(a_refusal_without_memory_is_no_acceptance) /* A4 */
{
    static char sent[] = POST("/", FIVE GZIP) "12345";
    ck_assert_uint_eq(bight_testing_with_faults(refuse_without_memory, sent, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_encoded_body_is_415_in_whatever_way_it_is_asked_for, 0, 6);
    tcase_add_test(tests, who_waits_for_100_is_told_415_before_sending_anything);
    tcase_add_loop_test(tests, a_body_that_is_as_it_says_is_read, 0, 4);
    tcase_add_test(tests, nothing_is_refused_where_there_is_no_body);
    tcase_add_test(tests, without_zlib_nothing_is_decoded);
    tcase_add_test(tests, an_encoded_body_that_nobody_asks_for_is_thrown_away_as_any_other);
    tcase_add_test(tests, a_refusal_without_memory_is_no_acceptance);
}

BIGHT_TEST_MAIN("http_encoding", add_tests)
