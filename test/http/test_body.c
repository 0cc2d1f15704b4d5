/* SPDX-License-Identifier: MIT */
/* Tests of bodies that are read (protocols/http/server/body.c): collected, pulled piece by piece, pushed to a consumer;
 * limits, trailers, cancelling, what is not received because nobody reads. What is left unread is test_unread.c's. */
#include <bight/memory.h>

#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static struct bight_http_request *kept;
static struct bight_deferred *waiting;
static char received[1 << 20];
static size_t received_size, pieces, largest, limit, wanted;
static int failed, ended;

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

static void take(const void *data, size_t size)
{
    ck_assert_uint_le(size, sizeof received - received_size);
    memcpy(received + received_size, data, size);
    received_size += size;
    pieces++;
    largest = size > largest ? size : largest;
}

/* What was received, and the trailer that came with it. */
static void answer(struct bight_http_request *request)
{
    const char *sum = bight_http_request_trailer(request, "x-sum");
    if (sum != NULL) {
        (void)bight_http_respond_set(request, "X-Sum", sum);
    }
    (void)bight_http_respond(request, 200, "text/plain", received, received_size);
}

/* ------------------------------------------------------------------------------------------- ways of reading */

/* Takes the failure of a body and answers with it. */
static bool has_failed(struct bight_http_request *request, struct bight_result *result)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure == NULL) {
        return false;
    }
    failed = bight_failure_code(failure);
    (void)bight_http_respond_failure(request, failure);
    return true;
}

static void has_been_collected(struct bight_result *result, void *request)
{
    if (!has_failed(request, result)) {
        take(bight_bytes_data(result->value), bight_bytes_size(result->value));
        answer(request);
    }
    bight_result_discard(result);
}

static void collect(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_collect(request, limit);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_collected, request), 0);
    bight_deferred_release(deferred);
}

static void read_on(struct bight_http_request *request, void *context);

static void has_been_read(struct bight_result *result, void *request)
{
    if (!has_failed(request, result)) {
        size_t size = bight_bytes_size(result->value);
        ck_assert_uint_le(size, wanted);
        if (size == 0) {
            answer(request);
        } else {
            take(bight_bytes_data(result->value), size);
            read_on(request, NULL);
        }
    }
    bight_result_discard(result);
}

static void read_on(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_read(request, wanted);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_read, request), 0);
    bight_deferred_release(deferred);
}

static bool blocks;

static void resume(void *request)
{
    bight_http_request_resume(request);
}

static bool consume_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    ck_assert_ptr_eq(context, &received);
    take(data, size);
    if (blocks) {
        ck_assert_int_eq(bight_call_later(reactor, 0, resume, request, NULL), 0);
    }
    return !blocks;
}

static void consume_end(struct bight_http_request *request, void *context)
{
    (void)context;
    ended++;
    answer(request);
}

static void consume_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)context;
    failed = bight_failure_code(failure);
    (void)bight_http_respond_failure(request, bight_failure_hold((struct bight_failure *)(uintptr_t)failure));
}

static const struct bight_http_consumer consumer = {
    .size = sizeof consumer, .data = consume_data, .end = consume_end, .failed = consume_failed
};

static void consume(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_request_consume(request, limit, &consumer, &received), 0);
    ck_assert_int_eq(ended + failed, 0);
}

static void forget(void)
{
    received_size = pieces = largest = 0;
    failed = ended = 0;
}

static void begin(void)
{
    forget();
    limit = 0;
    wanted = 65536;
    blocks = false;
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/collect", collect);
    add_route("/read", read_on);
    add_route("/consume", consume);
    add_route("/keep", keep);
    connect_peer();
}

/* ----------------------------------------------------------------------------------------- whole, in any cut */

static const struct {
    const char *name, *target;
    size_t wanted;
    bool blocks;
} ways[] = {
    { "collect", "/collect", 65536, false },
    { "read", "/read", 65536, false },
    { "read of one byte", "/read", 1, false },
    { "consume", "/consume", 65536, false },
    { "consume and block", "/consume", 65536, true },
};
#define WAYS (int)(sizeof ways / sizeof *ways)

static const struct {
    const char *head, *bytes, *body, *sum;
} bodies[] = {
    { "", "", "", NULL },
    { "Content-Length: 0\r\n", "", "", NULL },
    { "Content-Length: 11\r\n", "hello world", "hello world", NULL },
    { CHUNKED, "0\r\n\r\n", "", NULL },
    { CHUNKED, "6\r\nhello \r\n5;a=b\r\nworld\r\n0\r\n\r\n", "hello world", NULL },
    { CHUNKED, "b\r\nhello world\r\n0\r\nA: b\r\nX-Sum:  17 \r\n\r\n", "hello world", "X-Sum: 17" },
};
#define BODIES (sizeof bodies / sizeof *bodies)

static void check_whole(const char *answers, size_t row)
{
    ck_assert(has_line(answers, "HTTP/1.1 200 OK"));
    ck_assert_int_eq(strncmp(body_of(answers), bodies[row].body, strlen(bodies[row].body)), 0);
    ck_assert_int_eq(strstr(answers, "X-Sum") != NULL, bodies[row].sum != NULL);
    ck_assert(bodies[row].sum == NULL || has_line(answers, bodies[row].sum));
    ck_assert_uint_eq(count_of(answers, "HTTP/1.1 200 OK"), 2);
    ck_assert_uint_eq(count_of(answers, "Hello"), 1);
    ck_assert(!is_over());
}

START_TEST(a_body_is_the_same_in_any_way_and_any_cut) /* A4, H1 */
{
    char text[1024];
    begin();
    wanted = ways[_i].wanted;
    blocks = ways[_i].blocks;
    for (size_t row = 0; row < BODIES; row++) {
        size_t size = (size_t)snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n%s" GET,
            ways[_i].target, bodies[row].head, bodies[row].bytes);
        for (size_t cut = 0; cut < size; cut++) {
            forget();
            (void)bight_string_feed(peer, text, cut);
            (void)bight_string_feed(peer, text + cut, size - cut);
            check_whole(take_answer(), row);
        }
        forget();
        (void)bight_string_feed_chunked(peer, text, size, 1);
        settle();
        check_whole(take_answer(), row);
        bight_string_peer_free(peer);
        connect_peer();
    }
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

START_TEST(a_body_that_is_asked_for_behind_the_handler_is_whole) /* A4 */
{
    static const char *const sent[] = { POST("/keep", "Content-Length: 11\r\n") "hello world",
        POST("/keep", CHUNKED) "6\r\nhello \r\n5\r\nworld\r\n0\r\nX-Sum: 1\r\n\r\n" };
    static const bight_http_handler handlers[] = { collect, read_on, consume };
    begin();
    for (size_t row = 0; row < 2; row++) {
        for (size_t cut = strlen(sent[row]) - 5; cut <= strlen(sent[row]); cut++) {
            forget();
            (void)bight_string_feed(peer, sent[row], cut);
            handlers[_i](kept, NULL);
            settle();
            (void)bight_string_feed_text(peer, sent[row] + cut);
            bight_http_request_release(kept);
            settle();
            ck_assert_str_eq(body_of(take_answer()), "hello world");
        }
    }
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(a_read_gives_what_is_there_and_no_more_than_was_asked_for) /* A4 */
{
    begin();
    wanted = 4;
    say(POST("/read", "Content-Length: 11\r\n") "hello");
    ck_assert_uint_eq(received_size, 5);
    ck_assert_uint_eq(pieces, 2);
    say(" world");
    ck_assert_uint_eq(largest, 4);
    ck_assert_str_eq(body_of(take_answer()), "hello world");
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- its size */

START_TEST(the_length_of_a_body_is_told_when_it_is_known) /* A4 */
{
    begin();
    say(POST("/keep", "Content-Length: 5\r\n") "12345");
    ck_assert_int_eq(bight_http_request_content_length(kept), 5);
    (void)bight_http_respond_empty(kept, 204);
    bight_http_request_release(kept);
    settle();
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(bight_http_request_content_length(kept), 0);
    (void)bight_http_respond_empty(kept, 204);
    bight_http_request_release(kept);
    settle();
    say(POST("/keep", CHUNKED));
    ck_assert_int_eq(bight_http_request_content_length(kept), -1);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_body_of_its_limit_is_whole_and_one_byte_more_is_413) /* A4, H3 */
{
    static const char *const sent[][2] = {
        { "Content-Length: 10\r\n\r\n0123456789", "Content-Length: 11\r\n\r\n" },
        { CHUNKED "\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", CHUNKED "\r\n5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n" },
    };
    char text[256];
    begin();
    limit = 10;
    const char *target = _i / 2 == 0 ? "/collect" : "/consume";
    (void)snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\n%s", target, sent[_i % 2][0]);
    ck_assert_str_eq(body_of(say(text)), "0123456789");
    bight_string_clear(peer);
    forget();
    (void)snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\n%s", target, sent[_i % 2][1]);
    const char *answers = say(text);
    ck_assert(has_line(answers, "HTTP/1.1 413 Content Too Large"));
    ck_assert(has_line(answers, "Connection: close"));
    ck_assert_int_eq(failed, BIGHT_E_TOO_LONG);
    ck_assert_int_eq(ended, 0);
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(the_limit_is_that_of_the_call_the_route_or_the_site) /* A4, H3 */
{
    static const struct bight_http_route_options options = { .size = sizeof options, .body_limit = 4 };
    static const struct {
        const char *target;
        size_t limit;
        bool fits;
    } rows[] = { { "/collect", 0, true }, { "/route", 0, false }, { "/route", 5, true }, { "/collect", 4, false },
        { "/read", 0, true }, { "/read-route", 0, false } };
    char text[256];
    begin();
    ck_assert_int_eq(bight_http_route_full(site, "/route", collect, NULL, NULL, &options), 0);
    ck_assert_int_eq(bight_http_route_full(site, "/read-route", read_on, NULL, NULL, &options), 0);
    limit = rows[_i].limit;
    (void)snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345", rows[_i].target);
    ck_assert_int_eq(has_line(say(text), "HTTP/1.1 200 OK"), rows[_i].fits);
    ck_assert_int_eq(failed, rows[_i].fits ? 0 : BIGHT_E_TOO_LONG);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ its failures */

START_TEST(a_broken_coding_is_400_and_ends_the_connection) /* A2, A4, H2 */
{
    static const char *const rows[] = { "5\r\nhelloX", "g\r\n", "5 \r\nhello\r\n", "0\r\nContent-Length: 5\r\n\r\n",
        "0\r\nA : b\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n" };
    for (int way = 0; way < WAYS; way++) {
        char text[256];
        begin();
        blocks = ways[way].blocks;
        (void)snprintf(
            text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\n" CHUNKED "\r\n%s", ways[way].target, rows[_i]);
        ck_assert(has_line(say(text), "HTTP/1.1 400 Bad Request"));
        ck_assert_int_eq(failed, BIGHT_E_SYNTAX);
        ck_assert(is_over());
        end_site();
    }
}
END_TEST

START_TEST(trailers_are_limited) /* H2 */
{
    begin();
    say(POST("/collect", CHUNKED) "0\r\n");
    for (int i = 0; i < 90 && !is_over(); i++) {
        say("A: "
            "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    }
    ck_assert(has_line(take_answer(), "HTTP/1.1 431 Request Header Fields Too Large"));
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_client_that_goes_in_the_middle_of_a_body_is_closed) /* A3, A4 */
{
    for (int way = 0; way < WAYS; way++) {
        char text[256];
        begin();
        (void)snprintf(
            text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", ways[way].target);
        say(text);
        if (_i == 0) {
            bight_string_reset(peer, 0);
        } else {
            bight_string_end(peer);
        }
        ck_assert_int_eq(failed, BIGHT_E_CLOSED);
        ck_assert_uint_eq(usage_errors + other_errors, 0);
        end_site();
    }
}
END_TEST

START_TEST(a_body_that_ends_early_is_incomplete_when_only_half_is_closed) /* A3, A4 */
{
    static const struct bight_http_site_options options = { .size = sizeof options, .half_close = true };
    begin();
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    begin_site(&options);
    add_route("/collect", collect);
    connect_peer();
    say(POST("/collect", "Content-Length: 9\r\n") "abc");
    bight_string_end(peer);
    ck_assert_int_eq(failed, BIGHT_E_INCOMPLETE);
    ck_assert(has_line(take_answer(), "Connection: close"));
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- backpressure */

static char many[1 << 18];

START_TEST(who_does_not_read_does_not_receive) /* A4, H4 */
{
    begin();
    memset(many, 'x', sizeof many);
    limit = SIZE_MAX;
    say(POST("/keep", "Content-Length: 1048576\r\n"));
    size_t unread = 0;
    for (int i = 0; i < 4; i++) {
        unread = bight_string_feed(peer, many, sizeof many);
    }
    ck_assert_uint_ge(unread, (1 << 20) - (size_t)(1 << 18));
    waiting = bight_http_request_read(kept, 1000);
    settle();
    ck_assert_uint_eq(bight_bytes_size(bight_deferred_result(waiting)->value), 1000);
    bight_deferred_release(waiting);
    ck_assert_uint_ge(bight_string_feed(peer, "", 0), (1 << 20) - (size_t)(1 << 18));
    read_on(kept, NULL);
    bight_http_request_release(kept);
    settle();
    ck_assert_uint_eq(received_size, (1 << 20) - 1000);
    ck_assert(has_line(take_answer(), "Content-Length: 1047576"));
    end_site();
}
END_TEST

static bool block(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)request;
    (void)context;
    take(data, size);
    return false;
}

START_TEST(a_consumer_that_wants_no_more_gets_no_more_until_it_resumes) /* A4 */
{
    static const struct bight_http_consumer blocking = { .size = sizeof blocking, .data = block, .end = consume_end };
    begin();
    memset(many, 'x', sizeof many);
    say(POST("/keep", "Content-Length: 262144\r\n") "1");
    ck_assert_int_eq(bight_http_request_consume(kept, 0, &blocking, NULL), 0);
    ck_assert_uint_eq(pieces, 0);
    settle();
    ck_assert_uint_eq(pieces, 1);
    ck_assert_uint_gt(bight_string_feed(peer, many, sizeof many - 1), 0);
    ck_assert_uint_eq(pieces, 1);
    for (size_t i = 2; ended == 0; i++) {
        bight_http_request_resume(kept);
        settle();
        ck_assert_uint_le(pieces, i);
    }
    ck_assert_uint_le(largest, 65536);
    ck_assert_uint_eq(received_size, sizeof many);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_body_is_the_same_in_any_way_and_any_cut, 0, WAYS);
    tcase_add_loop_test(tests, a_body_that_is_asked_for_behind_the_handler_is_whole, 0, 3);
    tcase_add_test(tests, a_read_gives_what_is_there_and_no_more_than_was_asked_for);
    tcase_add_test(tests, the_length_of_a_body_is_told_when_it_is_known);
    tcase_add_loop_test(tests, a_body_of_its_limit_is_whole_and_one_byte_more_is_413, 0, 4);
    tcase_add_loop_test(tests, the_limit_is_that_of_the_call_the_route_or_the_site, 0, 6);
    tcase_add_loop_test(tests, a_broken_coding_is_400_and_ends_the_connection, 0, 6);
    tcase_add_test(tests, trailers_are_limited);
    tcase_add_loop_test(tests, a_client_that_goes_in_the_middle_of_a_body_is_closed, 0, 2);
    tcase_add_test(tests, a_body_that_ends_early_is_incomplete_when_only_half_is_closed);
    tcase_add_test(tests, who_does_not_read_does_not_receive);
    tcase_add_test(tests, a_consumer_that_wants_no_more_gets_no_more_until_it_resumes);
}

BIGHT_TEST_MAIN("http_body", add_tests)
