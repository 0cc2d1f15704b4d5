/* SPDX-License-Identifier: MIT */
/* Tests of streams of events (bight/protocols/http_events.h): how they begin, what is sent, how they end. Slow clients
 * and channels are test_event_flow.c's and test_event_channel.c's. */
#include <math.h>

#include "events_support.h"

/* --------------------------------------------------------------------------------------- its beginning */

START_TEST(the_head_says_what_comes) /* A13 */
{
    begin_events();
    const char *answer = say(LISTEN);
    ck_assert(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) == 0);
    ck_assert(has_line(answer, "Content-Type: text/event-stream"));
    ck_assert(has_line(answer, "Cache-Control: no-store"));
    ck_assert(has_line(answer, "X-Accel-Buffering: no"));
    ck_assert(has_line(answer, "Transfer-Encoding: chunked"));
    ck_assert_ptr_nonnull(stream);
    ck_assert(bight_http_event_stream_is_open(stream));
    ck_assert_str_eq(bight_http_request_path(bight_http_event_stream_request(stream)), "/events");
    end_events();
}
END_TEST

static void listen_with_fields(struct bight_http_request *request, void *context)
{
    ck_assert_int_eq(bight_http_respond_set(request, "Cache-Control", "no-cache, no-transform"), 0);
    listen_to(request, context);
}

START_TEST(fields_of_the_program_stay) /* A13 */
{
    begin_events();
    add_route("/own", listen_with_fields);
    const char *answer = say("GET /own HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(has_line(answer, "Cache-Control: no-cache, no-transform"));
    ck_assert_uint_eq(count_of(answer, "Cache-Control"), 1);
    ck_assert(has_line(answer, "X-Accel-Buffering: no"));
    end_events();
}
END_TEST

START_TEST(the_retry_is_told_first) /* A13 */
{
    begin_events();
    event_options.retry = 2500;
    say(LISTEN);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), 0);
    ck_assert_int_eq(bight_http_event_stream_send_retry(stream, 60000), 0);
    settle();
    ck_assert_str_eq(take_events(), "retry: 2500\n\ndata: x\n\nretry: 60000\n\n");
    end_events();
}
END_TEST

START_TEST(who_asks_for_the_head_gets_no_stream) /* H6, A13 */
{
    begin_events();
    const char *answer = say("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_null(stream);
    ck_assert(has_line(answer, "Content-Type: text/event-stream"));
    ck_assert(strstr(answer, "\r\n\r\nHTTP/1.1 404 Not Found\r\n") != NULL);
    end_events();
    ck_assert_uint_eq(ended, 0);
}
END_TEST

START_TEST(a_client_of_1_0_reads_until_the_end) /* H6, A13 */
{
    begin_events();
    say("GET /events HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), 0);
    ck_assert_int_eq(bight_http_event_stream_close(stream), 0);
    settle();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_str_eq(body_of(answer), "data: x\n\n");
    ck_assert(is_over());
    end_events();
}
END_TEST

/* A body that nobody reads does not keep the events back, nor the connection's end. */
START_TEST(a_request_may_have_a_body) /* A4, A13 */
{
    begin_events();
    say("POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n123");
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), 0);
    settle();
    ck_assert_str_eq(take_events(), "data: x\n\n");
    say("45GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(bight_http_event_stream_close(stream), 0);
    settle();
    ck_assert(strncmp(take_answer(), "0\r\n\r\nHTTP/1.1 404", 17) == 0);
    end_events();
}
END_TEST

static void answer_twice(struct bight_http_request *request, void *context)
{
    (void)bight_http_respond_text(request, 200, "once");
    listen_to(request, context);
}

START_TEST(an_answer_is_no_stream_as_well) /* A2 */
{
    begin_events();
    add_route("/twice", answer_twice);
    bight_http_event_stream_release(stream);
    ck_assert_str_eq(body_of(say("GET /twice HTTP/1.1\r\nHost: x\r\n\r\n")), "once");
    ck_assert_ptr_null(stream);
    end_events();
}
END_TEST

START_TEST(options_that_cannot_be_are_a_usage_error)
{
    const struct bight_http_event_options wrong[] = {
        { .size = sizeof *wrong, .heartbeat = -1 },
        { .size = sizeof *wrong, .heartbeat = NAN },
        { .size = sizeof *wrong, .policy = (enum bight_http_event_policy)7 },
    };
    begin_events();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        event_options = wrong[i];
        say(LISTEN);
        ck_assert_ptr_null(stream);
        ck_assert(strncmp(take_answer(), "HTTP/1.1 500", 12) == 0);
    }
    ck_assert_uint_eq(usage_errors, 3);
    end_events();
}
END_TEST

static void listen_by_default(struct bight_http_request *request, void *context)
{
    (void)context;
    stream = bight_http_respond_events(request, NULL);
}

START_TEST(there_need_be_no_options)
{
    begin_events();
    add_route("/default", listen_by_default);
    say("GET /default HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_string_clear(peer);
    bight_testing_advance(reactor, 15);
    ck_assert_str_eq(take_events(), ":\n\n");
    end_events();
}
END_TEST

/* --------------------------------------------------------------------------------------------- sending */

START_TEST(events_are_sent_in_order) /* A13 */
{
    begin_events();
    say(LISTEN);
    struct bight_http_event *event = bight_http_event_new("7", "price", "4\r\n2", 4);
    ck_assert_int_eq(bight_http_event_stream_send(stream, event), 0);
    ck_assert_ptr_eq(bight_http_event_hold(event), event);
    bight_http_event_release(event);
    ck_assert_int_eq(bight_http_event_stream_send_comment(stream, "a\nb"), 0);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, "note", "said"), 0);
    ck_assert_int_eq(bight_http_event_stream_send(stream, event), 0);
    bight_http_event_release(event);
    settle();
    ck_assert_str_eq(take_events(), "id: 7\nevent: price\ndata: 4\ndata: 2\n\n: a\n: b\n\nevent: note\ndata: said\n\n"
                                    "id: 7\nevent: price\ndata: 4\ndata: 2\n\n");
    end_events();
}
END_TEST

START_TEST(a_large_event_goes_whole) /* A13 */
{
    static char text[100001];
    begin_events();
    memset(text, 'x', sizeof text - 1);
    for (int version = 0; version < 2; version++) {
        say(version == 1 ? LISTEN : "GET /events HTTP/1.0\r\n\r\n");
        bight_string_clear(peer);
        ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, text), 0);
        settle();
        const char *got = version == 1 ? take_events() : take_answer();
        ck_assert_uint_eq(strlen(got), sizeof text - 1 + 8);
        ck_assert(strncmp(got, "data: x", 7) == 0);
        bight_http_event_stream_release(stream);
        settle();
        bight_string_peer_free(peer);
        connect_peer();
    }
    stream = NULL;
    end_events();
}
END_TEST

START_TEST(what_could_be_another_event_is_refused) /* A13 */
{
    char long_id[258];
    memset(long_id, '1', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    begin_events();
    ck_assert_ptr_null(bight_http_event_new("a\nb", NULL, "x", 1));
    ck_assert_ptr_null(bight_http_event_new("a\rb", NULL, "x", 1));
    ck_assert_ptr_null(bight_http_event_new(long_id, NULL, "x", 1));
    ck_assert_ptr_null(bight_http_event_new(NULL, "a\n\ndata: b", "x", 1));
    ck_assert_ptr_null(bight_http_event_new(NULL, "\xff", "x", 1));
    ck_assert_uint_eq(usage_errors, 5);
    say(LISTEN);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, "a\nb", "x"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 6);
    settle();
    ck_assert_str_eq(take_events(), "");
    end_events();
}
END_TEST

/* It may well be a client's, so the log is not filled with it. */
START_TEST(data_that_is_no_utf8_is_refused) /* A13 */
{
    begin_events();
    say(LISTEN);
    ck_assert_ptr_null(bight_http_event_new(NULL, NULL, "\xc3", 1));
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "\xed\xa0\x80"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_event_stream_send_comment(stream, "\x80"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 0);
    ck_assert_int_eq(bight_http_event_stream_send(stream, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert(bight_http_event_stream_is_open(stream));
    end_events();
}
END_TEST

START_TEST(nothing_is_sent_to_no_stream)
{
    struct bight_http_event *event = bight_http_event_new(NULL, NULL, "x", 1);
    ck_assert_int_eq(bight_http_event_stream_send(NULL, event), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_event_stream_send_text(NULL, NULL, "x"), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_event_stream_send_comment(NULL, "x"), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_event_stream_send_retry(NULL, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_event_stream_close(NULL), BIGHT_E_CLOSED);
    ck_assert_ptr_null(bight_http_event_stream_request(NULL));
    ck_assert_ptr_null(bight_http_event_stream_hold(NULL));
    ck_assert_ptr_null(bight_http_event_hold(NULL));
    bight_http_event_stream_release(NULL);
    bight_http_event_release(NULL);
    bight_http_event_release(event);
}
END_TEST

START_TEST(there_is_a_comment_every_15_s) /* A13 */
{
    begin_events();
    say(LISTEN);
    bight_string_clear(peer);
    bight_testing_advance(reactor, 14.9);
    ck_assert_str_eq(take_events(), "");
    bight_testing_advance(reactor, 0.2);
    ck_assert_str_eq(take_events(), ":\n\n");
    bight_testing_advance(reactor, 45);
    ck_assert_str_eq(take_events(), ":\n\n:\n\n:\n\n");
    end_events();
}
END_TEST

START_TEST(the_heart_beats_as_it_is_told) /* A13 */
{
    static const double beats[] = { 1, INFINITY };
    static const size_t times[] = { 100, 0 };
    begin_events();
    for (size_t i = 0; i < 2; i++) {
        event_options.heartbeat = beats[i];
        say(LISTEN);
        bight_string_clear(peer);
        bight_testing_advance(reactor, 100.5);
        ck_assert_uint_eq(count_of(take_events(), ":\n\n"), times[i]);
        bight_http_event_stream_release(stream);
        settle();
        bight_string_clear(peer);
    }
    stream = NULL;
    end_events();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- the end */

START_TEST(the_connection_goes_on_behind_a_stream) /* H5, A13 */
{
    begin_events();
    say(LISTEN);
    bight_string_clear(peer);
    ck_assert_int_eq(bight_http_event_stream_close(stream), 0);
    settle();
    ck_assert_str_eq(take_answer(), "0\r\n\r\n");
    ck_assert_int_eq(bight_http_event_stream_close(stream), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), BIGHT_E_CLOSED);
    ck_assert_uint_eq(ended, 0);
    bight_http_event_stream_release(stream);
    say(LISTEN);
    ck_assert(bight_http_event_stream_is_open(stream));
    end_events();
}
END_TEST

START_TEST(the_last_hold_ends_it) /* A13 */
{
    begin_events();
    say(LISTEN);
    bight_string_clear(peer);
    ck_assert_ptr_eq(bight_http_event_stream_hold(stream), stream);
    bight_http_event_stream_release(stream);
    settle();
    ck_assert_str_eq(take_answer(), "");
    bight_http_event_stream_release(stream);
    settle();
    ck_assert_str_eq(take_answer(), "0\r\n\r\n");
    ck_assert_uint_eq(ended, 0);
    stream = NULL;
    end_events();
}
END_TEST

START_TEST(the_program_is_told_once_that_the_client_has_left) /* A3, A13 */
{
    for (int way = 0; way < 3; way++) {
        begin_events();
        say(way == 2 ? "GET /events HTTP/1.0\r\n\r\n" : LISTEN);
        if (way == 0) {
            bight_string_reset(peer, 0);
        } else {
            bight_string_end(peer);
        }
        ck_assert_uint_eq(ended, 1);
        ck_assert_int_eq(bight_http_event_stream_close(stream), BIGHT_E_CLOSED);
        bight_testing_advance(reactor, 100);
        ck_assert_uint_eq(bight_testing_timers(reactor), 0);
        end_events();
        ck_assert_uint_eq(ended, 1);
    }
}
END_TEST

START_TEST(draining_ends_streams) /* H9, A13 */
{
    begin_events();
    say(LISTEN);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "last"), 0);
    drain();
    ck_assert_str_eq(take_events(), "data: last\n\n");
    ck_assert_uint_eq(ended, 1);
    ck_assert(is_over());
    end_events();
}
END_TEST

START_TEST(a_stream_that_begins_while_draining_ends_at_once) /* H9, A13 */
{
    begin_events();
    event_options.retry = 100;
    drain();
    const char *answer = say(LISTEN);
    ck_assert_ptr_null(stream);
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_str_eq(body_of(answer), "0\r\n\r\n");
    ck_assert(is_over());
    end_events();
    ck_assert_uint_eq(ended, 0);
}
END_TEST

START_TEST(a_stream_outlives_its_site) /* A5, A13 */
{
    begin_events();
    say(LISTEN);
    bight_http_site_free(site);
    site = NULL;
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), 0);
    bight_testing_advance(reactor, 15);
    ck_assert_str_eq(take_events(), "data: x\n\n:\n\n");
    end_events();
}
END_TEST

START_TEST(a_stream_ends_with_its_reactor)
{
    begin_events();
    say(LISTEN);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), BIGHT_E_CLOSED);
    bight_http_event_stream_release(stream);
    bight_string_peer_free(peer);
    peer = NULL;
    bight_http_site_free(site);
}
END_TEST

static void release_it(struct bight_http_event_stream *which, void *context)
{
    (void)context;
    bight_http_event_stream_release(which);
    bight_http_site_free(site);
    site = NULL;
    ended++;
}

START_TEST(anything_may_be_done_when_it_has_gone) /* A3 */
{
    begin_events();
    event_options.gone = release_it;
    say(LISTEN);
    bight_string_end(peer);
    ck_assert_uint_eq(ended, 1);
    stream = NULL;
    end_events();
}
END_TEST

static void finish_it(struct bight_http_request *request, void *context)
{
    listen_to(request, context);
    (void)bight_http_respond_finish(request);
}

/* By the functions below it. */
START_TEST(a_stream_whose_answer_is_finished_has_gone)
{
    begin_events();
    add_route("/finished", finish_it);
    say("GET /finished HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_uint_eq(ended, 1);
    end_events();
}
END_TEST

START_TEST(the_time_of_the_route_ends_a_stream) /* A2 */
{
    struct bight_http_route_options options = { .size = sizeof options, .seconds = 5 };
    begin_events();
    ck_assert_int_eq(bight_http_route_full(site, "/short", listen_to, NULL, NULL, &options), 0);
    say("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_testing_advance(reactor, 6);
    ck_assert_uint_eq(ended, 1);
    ck_assert(bight_string_was_reset(peer));
    end_events();
}
END_TEST

static void abort_it(struct bight_http_request *request, int status, void *context)
{
    (void)status;
    (void)context;
    bight_http_respond_abort(request);
}

static void release_in_the_end(
    struct bight_http_request *request, const struct bight_http_outcome *outcome, void *context)
{
    (void)request;
    *(bool *)context = outcome->is_whole;
    bight_http_event_stream_release(stream);
    stream = NULL;
}

START_TEST(middleware_may_forbid_a_stream) /* A6 */
{
    static const struct bight_http_middleware_ops ops = { .size = sizeof ops, .head = abort_it };
    begin_events();
    ck_assert_int_eq(bight_http_use(site, &ops, NULL), 0);
    say(LISTEN);
    ck_assert_ptr_null(stream);
    ck_assert(bight_string_was_reset(peer));
    end_events();
    ck_assert_uint_eq(ended, 0);
}
END_TEST

START_TEST(middleware_may_release_a_stream_that_ends) /* A6 */
{
    static const struct bight_http_middleware_ops ops = { .size = sizeof ops, .done = release_in_the_end };
    for (int way = 0; way < 2; way++) {
        bool is_whole = way == 0;
        begin_events();
        ck_assert_int_eq(bight_http_use(site, &ops, &is_whole), 0);
        say(LISTEN);
        if (way == 0) {
            bight_string_end(peer);
        } else {
            ck_assert_int_eq(bight_http_event_stream_close(stream), 0);
        }
        ck_assert_ptr_null(stream);
        ck_assert_int_eq(is_whole, way == 1);
        end_events();
        ck_assert_uint_eq(ended, 0);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_head_says_what_comes);
    tcase_add_test(tests, fields_of_the_program_stay);
    tcase_add_test(tests, the_retry_is_told_first);
    tcase_add_test(tests, who_asks_for_the_head_gets_no_stream);
    tcase_add_test(tests, a_client_of_1_0_reads_until_the_end);
    tcase_add_test(tests, a_request_may_have_a_body);
    tcase_add_test(tests, an_answer_is_no_stream_as_well);
    tcase_add_test(tests, options_that_cannot_be_are_a_usage_error);
    tcase_add_test(tests, there_need_be_no_options);
    tcase_add_test(tests, events_are_sent_in_order);
    tcase_add_test(tests, a_large_event_goes_whole);
    tcase_add_test(tests, what_could_be_another_event_is_refused);
    tcase_add_test(tests, data_that_is_no_utf8_is_refused);
    tcase_add_test(tests, nothing_is_sent_to_no_stream);
    tcase_add_test(tests, there_is_a_comment_every_15_s);
    tcase_add_test(tests, the_heart_beats_as_it_is_told);
    tcase_add_test(tests, the_connection_goes_on_behind_a_stream);
    tcase_add_test(tests, the_last_hold_ends_it);
    tcase_add_test(tests, the_program_is_told_once_that_the_client_has_left);
    tcase_add_test(tests, draining_ends_streams);
    tcase_add_test(tests, a_stream_that_begins_while_draining_ends_at_once);
    tcase_add_test(tests, a_stream_outlives_its_site);
    tcase_add_test(tests, a_stream_ends_with_its_reactor);
    tcase_add_test(tests, anything_may_be_done_when_it_has_gone);
    tcase_add_test(tests, a_stream_whose_answer_is_finished_has_gone);
    tcase_add_test(tests, the_time_of_the_route_ends_a_stream);
    tcase_add_test(tests, middleware_may_forbid_a_stream);
    tcase_add_test(tests, middleware_may_release_a_stream_that_ends);
}

BIGHT_TEST_MAIN("http_events", add_tests)
