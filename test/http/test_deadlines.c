/* SPDX-License-Identifier: MIT */
/* Tests of how long a peer may take (protocols/http/server/deadlines.c): heads, bodies, answers, idling. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD_OF(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static struct bight_http_request *kept;

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
        (void)bight_http_respond_failure(context, failure);
    } else {
        (void)bight_http_respond_text(context, 200, "collected");
    }
    bight_result_discard(result);
}

static void collect(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_collect(request, 0);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_collected, request), 0);
    bight_deferred_release(deferred);
}

/* Pulls its body piece by piece, and answers at the end. */
static void pull(struct bight_http_request *request, void *context);

static void has_been_pulled(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        (void)bight_http_respond_failure(context, failure);
    } else if (bight_bytes_size(result->value) == 0) {
        (void)bight_http_respond_text(context, 200, "pulled");
    } else {
        pull(context, NULL);
    }
    bight_result_discard(result);
}

static void pull(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_read(request, 0);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_pulled, request), 0);
    bight_deferred_release(deferred);
}

static size_t consumed;
static bool is_blocked;

static bool consume_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)request;
    (void)data;
    (void)context;
    consumed += size;
    return !is_blocked;
}

static void consume_end(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "consumed");
}

static void consume(struct bight_http_request *request, void *context)
{
    static const struct bight_http_consumer consumer = {
        .size = sizeof consumer, .data = consume_data, .end = consume_end
    };
    (void)context;
    kept = request;
    ck_assert_int_eq(bight_http_request_consume(request, UINT64_MAX, &consumer, NULL), 0);
}

static void answer_large(struct bight_http_request *request, void *context)
{
    static char large[200000];
    (void)context;
    (void)bight_http_respond(request, 200, NULL, large, sizeof large);
}

static void begin(const struct bight_http_site_options *options)
{
    begin_site(options);
    add_route("/", say_hello);
    add_route("/keep", keep);
    add_route("/collect", collect);
    add_route("/pull", pull);
    add_route("/consume", consume);
    add_route("/large", answer_large);
    connect_peer();
}

/* ---------------------------------------------------------------------------------------------- heads */

START_TEST(a_head_that_trickles_is_answered_408_at_its_deadline) /* H3 */
{
    begin(NULL);
    say("GET / HTTP/1.1\r\n");
    ck_assert(trickle("A: b\r\n", 9));
    ck_assert_str_eq(bight_string_written_text(peer), "");
    ck_assert(!trickle("A: b\r\n", 2));
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 408 Request Timeout"));
    ck_assert(has_line(answer, "Connection: close"));
    end_site();
}
END_TEST

START_TEST(the_time_of_a_head_ends_with_it) /* H3 */
{
    begin(NULL);
    say("GET /keep HTTP/1.1\r\n");
    say("Host: x\r\n\r\n");
    bight_testing_advance(reactor, 60);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    answer_kept("late");
    ck_assert_str_eq(body_of(take_answer()), "late");
    end_site();
}
END_TEST

START_TEST(the_time_of_a_head_is_longer_than_a_short_idle_time) /* H3 */
{
    struct bight_http_site_options options = { .size = sizeof options, .idle_seconds = 2 };
    begin(&options);
    say("GET /");
    bight_testing_advance(reactor, 9.9);
    ck_assert_str_eq(body_of(say(" HTTP/1.1\r\nHost: x\r\n\r\n")), "Hello");
    bight_testing_advance(reactor, 4);
    ck_assert(bight_string_is_closed(peer));
    end_site();
}
END_TEST

START_TEST(a_connection_without_a_byte_of_a_head_is_closed_without_an_answer) /* H3 */
{
    begin(NULL);
    bight_testing_advance(reactor, 74.9);
    ck_assert(!bight_string_is_closed(peer));
    bight_testing_advance(reactor, 6);
    ck_assert(bight_string_is_closed(peer));
    ck_assert_str_eq(bight_string_written_text(peer), "");
    end_site();
}
END_TEST

START_TEST(a_line_end_behind_a_request_begins_no_head) /* H2, H3 */
{
    begin(NULL);
    say(GET "\r\n");
    (void)take_answer();
    bight_testing_advance(reactor, 30);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    (void)take_answer();
    say("\r");
    bight_testing_advance(reactor, 90);
    ck_assert(bight_string_is_closed(peer));
    ck_assert_str_eq(bight_string_written_text(peer), "");
    end_site();
}
END_TEST

START_TEST(a_connection_is_not_idle_while_an_answer_is_outstanding) /* H3 */
{
    begin(NULL);
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_testing_advance(reactor, 1000);
    answer_kept("at last");
    ck_assert_str_eq(body_of(take_answer()), "at last");
    bight_testing_advance(reactor, 74.9);
    ck_assert(!bight_string_is_closed(peer));
    bight_testing_advance(reactor, 6);
    ck_assert(bight_string_is_closed(peer));
    end_site();
}
END_TEST

/* --------------------------------------------------------------------------------------------- bodies */

START_TEST(a_body_that_trickles_is_answered_408) /* H3 */
{
    static const char *const targets[] = { "/collect", "/pull", "/consume" };
    begin(NULL);
    bight_testing_advance(reactor, 0.5);
    char head[128];
    (void)snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", targets[_i]);
    is_blocked = false;
    say(head);
    ck_assert(trickle("one hundred bytes or not quite so many", 9));
    ck_assert(!trickle("one hundred bytes or not quite so many", 2));
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 408 Request Timeout"));
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
    end_site();
}
END_TEST

START_TEST(a_chunked_body_of_nothing_but_framing_is_answered_408) /* H3 */
{
    begin(NULL);
    say(HEAD_OF("/collect", "Transfer-Encoding: chunked\r\n"));
    ck_assert(!trickle("000000001\r\nx\r\n", 12));
    ck_assert(has_line(take_answer(), "HTTP/1.1 408 Request Timeout"));
    end_site();
}
END_TEST

START_TEST(trailers_that_trickle_are_answered_408) /* H3 */
{
    begin(NULL);
    say(HEAD_OF("/collect", "Transfer-Encoding: chunked\r\n") "1\r\nx\r\n0\r\n");
    ck_assert(!trickle("A: b\r\n", 12));
    ck_assert(has_line(take_answer(), "HTTP/1.1 408 Request Timeout"));
    end_site();
}
END_TEST

START_TEST(a_body_that_comes_fast_enough_may_take_as_long_as_it_likes) /* H3 */
{
    static char piece[2001];
    memset(piece, 'x', sizeof piece - 1);
    begin(NULL);
    say(_i == 0 ? HEAD_OF("/pull", "Content-Length: 200000\r\n") : HEAD_OF("/collect", "Content-Length: 200000\r\n"));
    ck_assert(trickle(piece, 100));
    ck_assert(has_line(take_answer(), "HTTP/1.1 200 OK"));
    end_site();
}
END_TEST

START_TEST(time_in_which_a_body_is_not_wanted_is_not_the_peers) /* H3 */
{
    begin(NULL);
    is_blocked = true;
    say(HEAD_OF("/consume", "Content-Length: 30000\r\n") "x");
    bight_testing_advance(reactor, 100);
    is_blocked = false;
    bight_http_request_resume(kept);
    bight_testing_advance(reactor, 9);
    is_blocked = true;
    say("x");
    bight_testing_advance(reactor, 100);
    ck_assert(!is_over());
    is_blocked = false;
    bight_http_request_resume(kept);
    bight_testing_advance(reactor, 2);
    ck_assert(has_line(take_answer(), "HTTP/1.1 408 Request Timeout"));
    end_site();
}
END_TEST

START_TEST(a_body_that_nobody_wants_has_the_same_time) /* H3, H5 */
{
    begin(NULL);
    const char *answer = say(HEAD_OF("/", "Content-Length: 1000\r\n"));
    ck_assert_str_eq(body_of(answer), "Hello");
    ck_assert(!trickle("x", 12));
    end_site();
}
END_TEST

/* --------------------------------------------------------------------------------------------- answers */

START_TEST(a_client_that_takes_nothing_goes) /* H3 */
{
    begin(NULL);
    bight_string_set_window(peer, 50000);
    say("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_testing_advance(reactor, 29);
    ck_assert(!bight_string_is_closed(peer));
    bight_testing_advance(reactor, 3);
    ck_assert(bight_string_is_closed(peer));
    end_site();
}
END_TEST

/* Gives back its body while it comes. */
static bool mirror_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)context;
    (void)bight_http_respond_write(request, data, size);
    return true;
}

static void mirror_end(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_finish(request);
}

static void mirror(struct bight_http_request *request, void *context)
{
    static const struct bight_http_consumer consumer = {
        .size = sizeof consumer, .data = mirror_data, .end = mirror_end
    };
    (void)context;
    (void)bight_http_respond_begin(request, 200, NULL, -1);
    ck_assert_int_eq(bight_http_request_consume(request, UINT64_MAX, &consumer, NULL), 0);
}

/* Takes `bytes` a second; how long the connection lasted, at most 300 s. */
static unsigned take_slowly(size_t bytes)
{
    for (unsigned second = 0; second < 300; second++) {
        if (bight_string_is_closed(peer)) {
            return second;
        }
        bight_string_set_window(peer, bytes);
        bight_string_clear(peer);
        bight_testing_advance(reactor, 1);
    }
    return 300;
}

START_TEST(a_client_that_takes_too_little_goes) /* H3 */
{
    begin(NULL);
    bight_string_set_window(peer, 1000);
    say("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_uint_lt(take_slowly(100), 62);
    end_site();
}
END_TEST

START_TEST(a_client_that_takes_enough_gets_all_of_it) /* H3 */
{
    begin(NULL);
    bight_string_set_window(peer, 1000);
    say("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_uint_gt(take_slowly(1500), 150);
    end_site();
}
END_TEST

START_TEST(a_client_that_asks_on_and_takes_nothing_goes) /* H3 */
{
    begin(NULL);
    bight_string_set_window(peer, 10);
    unsigned seconds = 0;
    while (seconds < 300 && !bight_string_is_closed(peer)) {
        say(GET);
        bight_testing_advance(reactor, 5);
        seconds += 5;
    }
    ck_assert_uint_lt(seconds, 100);
    end_site();
}
END_TEST

static void stream(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, -1), 0);
}

START_TEST(a_client_that_takes_little_of_many_small_pieces_goes) /* H3 */
{
    static const char piece[1000];
    begin(NULL);
    add_route("/stream", stream);
    bight_string_set_window(peer, 1000);
    say("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    unsigned seconds = 0;
    for (; seconds < 300 && !bight_string_is_closed(peer); seconds++) {
        for (int i = 0; i < 10; i++) {
            (void)bight_http_respond_write(kept, piece, sizeof piece);
        }
        bight_string_set_window(peer, 10);
        bight_string_clear(peer);
        bight_testing_advance(reactor, 1);
    }
    ck_assert_uint_lt(seconds, 100);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------- its route's */

START_TEST(a_route_with_a_time_is_answered_503_and_what_comes_later_is_dropped) /* A2 */
{
    struct bight_http_route_options options = { .size = sizeof options, .seconds = 3 };
    begin(NULL);
    ck_assert_int_eq(bight_http_route_full(site, "/slow", keep, NULL, NULL, &options), 0);
    say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_testing_advance(reactor, 2.9);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    bight_testing_advance(reactor, 0.2);
    ck_assert(has_line(take_answer(), "HTTP/1.1 503 Service Unavailable"));
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "late"), BIGHT_E_CLOSED);
    ck_assert_uint_eq(usage_errors, 0);
    bight_http_request_release(kept);
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(a_peer_is_not_blamed_while_its_input_is_not_read) /* H3, T13 */
{
    static char body[300000];
    begin(NULL);
    add_route("/mirror", mirror);
    bight_string_set_window(peer, 3000);
    say(HEAD_OF("/mirror", "Content-Length: 300000\r\n"));
    (void)bight_string_feed(peer, body, sizeof body);
    ck_assert_uint_gt(take_slowly(3000), 100); /* what 300,000 bytes take */
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_head_that_trickles_is_answered_408_at_its_deadline);
    tcase_add_test(tests, the_time_of_a_head_ends_with_it);
    tcase_add_test(tests, the_time_of_a_head_is_longer_than_a_short_idle_time);
    tcase_add_test(tests, a_connection_without_a_byte_of_a_head_is_closed_without_an_answer);
    tcase_add_test(tests, a_line_end_behind_a_request_begins_no_head);
    tcase_add_test(tests, a_connection_is_not_idle_while_an_answer_is_outstanding);
    tcase_add_loop_test(tests, a_body_that_trickles_is_answered_408, 0, 3);
    tcase_add_test(tests, a_chunked_body_of_nothing_but_framing_is_answered_408);
    tcase_add_test(tests, trailers_that_trickle_are_answered_408);
    tcase_add_loop_test(tests, a_body_that_comes_fast_enough_may_take_as_long_as_it_likes, 0, 2);
    tcase_add_test(tests, time_in_which_a_body_is_not_wanted_is_not_the_peers);
    tcase_add_test(tests, a_peer_is_not_blamed_while_its_input_is_not_read);
    tcase_add_test(tests, a_body_that_nobody_wants_has_the_same_time);
    tcase_add_test(tests, a_client_that_takes_nothing_goes);
    tcase_add_test(tests, a_client_that_takes_too_little_goes);
    tcase_add_test(tests, a_client_that_takes_enough_gets_all_of_it);
    tcase_add_test(tests, a_client_that_asks_on_and_takes_nothing_goes);
    tcase_add_test(tests, a_client_that_takes_little_of_many_small_pieces_goes);
    tcase_add_test(tests, a_route_with_a_time_is_answered_503_and_what_comes_later_is_dropped);
}

BIGHT_TEST_MAIN("http_deadlines", add_tests)
