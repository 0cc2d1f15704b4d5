/* SPDX-License-Identifier: MIT */
/* Tests of how much a peer may send (H3): request lines, heads, fields, bodies; and of what is no request at all. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static size_t calls;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    calls++;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void has_been_collected(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        (void)bight_http_respond_failure(context, failure);
    } else {
        char text[32];
        (void)snprintf(text, sizeof text, "%zu bytes", bight_bytes_size(result->value));
        (void)bight_http_respond_text(context, 200, text);
    }
    bight_result_discard(result);
}

/* With the limit in its context. */
static void collect(struct bight_http_request *request, void *context)
{
    struct bight_deferred *deferred = bight_http_request_collect(request, context != NULL ? *(size_t *)context : 0);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_collected, request), 0);
    bight_deferred_release(deferred);
}

static size_t call_limit = 50;

static void begin(const struct bight_http_site_options *options)
{
    struct bight_http_route_options route = { .size = sizeof route, .body_limit = 2 << 20 };
    calls = 0;
    begin_site(options);
    add_route("/", say_hello);
    add_route("/collect", collect);
    ck_assert_int_eq(bight_http_route_full(site, "/long", collect, NULL, NULL, &route), 0);
    ck_assert_int_eq(bight_http_route(site, "/short", collect, &call_limit), 0);
    connect_peer();
}

static char text[3 << 20];

/* A request whose target, field or fields are as long as is said; NUL-terminated. */
static char *put(char *at, const char *piece, size_t times)
{
    size_t size = strlen(piece);
    for (size_t i = 0; i < times; i++) {
        memcpy(at, piece, size);
        at += size;
    }
    *at = '\0';
    return at;
}

/* A head of `size` bytes in all. */
static void put_head(size_t size)
{
    char *at = put(text, "GET / HTTP/1.1\r\nHost: x\r\n", 1);
    while (size - (size_t)(at - text) > 4000) {
        at = put(put(put(at, "A: ", 1), "b", 1995), "\r\n", 1);
    }
    at = put(at, "A: ", 1);
    at = put(put(at, "b", size - (size_t)(at - text) - 4), "\r\n\r\n", 1);
    ck_assert_uint_eq((size_t)(at - text), size);
}

static void expect_refused(const char *status)
{
    char line[64];
    (void)snprintf(line, sizeof line, "HTTP/1.1 %s", status);
    const char *answer = take_answer();
    ck_assert(has_line(answer, line));
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
    ck_assert(is_over());
    ck_assert_uint_eq(calls, 0);
}

START_TEST(a_request_line_over_its_limit_is_414) /* H3 */
{
    size_t chunk = _i % 2 == 0 ? SIZE_MAX : 1000;
    begin(NULL);
    char *at = put(put(text, "GET /", 1), "a", 8192 - 14 + (size_t)(_i / 2));
    put(put(at, " HTTP/1.1\r\n", 1), "Host: x\r\n\r\n", 1);
    (void)bight_string_feed_chunked(peer, text, strlen(text), chunk < SIZE_MAX ? chunk : strlen(text));
    if (_i / 2 == 0) {
        ck_assert(has_line(take_answer(), "HTTP/1.1 404 Not Found"));
    } else {
        expect_refused("414 URI Too Long");
    }
    end_site();
}
END_TEST

START_TEST(a_request_line_without_an_end_is_414_at_its_limit) /* H3 */
{
    begin(NULL);
    put(put(text, "GET /", 1), "a", 9000);
    (void)bight_string_feed_chunked(peer, text, strlen(text), 100);
    expect_refused("414 URI Too Long");
    end_site();
}
END_TEST

START_TEST(a_head_over_its_limit_is_431) /* H3 */
{
    begin(NULL);
    put_head(32768);
    ck_assert_str_eq(body_of(say(text)), "Hello");
    (void)take_answer();
    calls = 0;
    put_head(32769);
    (void)bight_string_feed_chunked(peer, text, strlen(text), _i == 0 ? 32769 : 1111);
    expect_refused("431 Request Header Fields Too Large");
    end_site();
}
END_TEST

START_TEST(more_than_100_fields_are_431) /* H3 */
{
    begin(NULL);
    put(put(put(text, "GET / HTTP/1.1\r\nHost: x\r\n", 1), "A: b\r\n", 99), "\r\n", 1);
    ck_assert_str_eq(body_of(say(text)), "Hello");
    (void)take_answer();
    calls = 0;
    put(put(put(text, "GET / HTTP/1.1\r\nHost: x\r\n", 1), "A: b\r\n", 100), "\r\n", 1);
    say(text);
    expect_refused("431 Request Header Fields Too Large");
    end_site();
}
END_TEST

START_TEST(limits_are_options) /* H3 */
{
    struct bight_http_site_options options = {
        .size = sizeof options, .line_limit = 100, .head_limit = 200, .field_limit = 3
    };
    begin(&options);
    if (_i == 0) {
        put(put(put(text, "GET /", 1), "a", 100), " HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    } else if (_i == 1) {
        put_head(201);
    } else {
        put(put(put(text, "GET / HTTP/1.1\r\nHost: x\r\n", 1), "A: b\r\n", 3), "\r\n", 1);
    }
    say(text);
    expect_refused(_i == 0 ? "414 URI Too Long" : "431 Request Header Fields Too Large");
    end_site();
}
END_TEST

START_TEST(a_body_over_its_limit_is_413_when_it_is_asked_for) /* H3 */
{
    static const struct {
        const char *target;
        size_t limit;
    } rows[] = { { "/collect", 1 << 20 }, { "/long", 2 << 20 }, { "/short", 50 } };
    size_t size = rows[_i / 2].limit + (size_t)(_i % 2);
    begin(NULL);
    (void)snprintf(
        text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", rows[_i / 2].target, size);
    if (_i % 2 == 1) {
        say(text);
        expect_refused("413 Content Too Large");
    } else {
        say(text);
        put(text, "x", size);
        say(text);
        (void)snprintf(text, sizeof text, "%zu bytes", size);
        ck_assert_str_eq(body_of(take_answer()), text);
    }
    end_site();
}
END_TEST

START_TEST(a_chunked_body_over_its_limit_is_413_where_it_passes_it) /* H3 */
{
    begin(NULL);
    say("POST /short HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n");
    say("0123456789012345678901234567890123456789012345678");
    ck_assert_str_eq(bight_string_written_text(peer), "");
    say("01");
    expect_refused("413 Content Too Large");
    end_site();
}
END_TEST

START_TEST(a_body_that_nobody_asks_for_has_no_limit_of_its_own) /* H3, H5 */
{
    begin(NULL);
    const char *answer = say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Connection: close"));
    end_site();
}
END_TEST

START_TEST(what_is_refused_behind_others_is_answered_behind_them) /* H2, H4 */
{
    begin(NULL);
    const char *answer = say(GET "NONSENSE\r\n\r\n" GET);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 2);
    ck_assert(strstr(answer, "200 OK") < strstr(answer, "400 Bad Request"));
    ck_assert(is_over());
    ck_assert_uint_eq(calls, 1);
    end_site();
}
END_TEST

START_TEST(a_coding_that_is_broken_is_400) /* H2 */
{
    static const char *const bodies[] = { "x\r\n", "1\r\nab", "1;\n", "0\r\nContent-Length: 1\r\n\r\n",
        "0\r\nA b\r\n\r\n" };
    begin(NULL);
    say("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    say(bodies[_i]);
    expect_refused("400 Bad Request");
    end_site();
}
END_TEST

START_TEST(so_it_is_when_it_is_thrown_away_or_trails_what_was_answered) /* H2, H5 */
{
    begin(NULL);
    say("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n" GET);
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 "), 1);
    ck_assert(is_over());
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_request_line_over_its_limit_is_414, 0, 4);
    tcase_add_test(tests, a_request_line_without_an_end_is_414_at_its_limit);
    tcase_add_loop_test(tests, a_head_over_its_limit_is_431, 0, 2);
    tcase_add_test(tests, more_than_100_fields_are_431);
    tcase_add_loop_test(tests, limits_are_options, 0, 3);
    tcase_add_loop_test(tests, a_body_over_its_limit_is_413_when_it_is_asked_for, 0, 6);
    tcase_add_test(tests, a_chunked_body_over_its_limit_is_413_where_it_passes_it);
    tcase_add_test(tests, a_body_that_nobody_asks_for_has_no_limit_of_its_own);
    tcase_add_test(tests, what_is_refused_behind_others_is_answered_behind_them);
    tcase_add_loop_test(tests, a_coding_that_is_broken_is_400, 0, 5);
    tcase_add_test(tests, so_it_is_when_it_is_thrown_away_or_trails_what_was_answered);
}

BIGHT_TEST_MAIN("http_limits", add_tests)
