/* SPDX-License-Identifier: MIT */
/* Tests of how answers are framed (H6): lengths, chunks, ends; what has no body; producers; what comes later. */
#include <bight/testing/trial.h>

#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

enum way { AT_ONCE, AS_BYTES, LARGE, WITH_LENGTH, CHUNKED, EMPTY, LATER_TEXT, LATER_NOTHING, LATER_RESPONSE };

static enum way way;
static int status;
static char large[20000];

static void respond(struct bight_http_request *request, void *context)
{
    struct bight_bytes *bytes;
    struct bight_http_response *response;
    (void)context;
    switch (way) {
    case AT_ONCE:
        (void)bight_http_respond(request, status, "text/plain", "body", 4);
        break;
    case AS_BYTES:
        bytes = bight_bytes_new(large, sizeof large);
        (void)bight_http_respond_bytes(request, status, "text/plain", bytes);
        bight_bytes_release(bytes);
        break;
    case LARGE:
        (void)bight_http_respond(request, status, "text/plain", large, sizeof large);
        break;
    case WITH_LENGTH:
        (void)bight_http_respond_begin(request, status, "text/plain", 4);
        (void)bight_http_respond_write(request, "bo", 2);
        (void)bight_http_respond_writef(request, "%s", "dy");
        (void)bight_http_respond_finish(request);
        break;
    case CHUNKED:
        (void)bight_http_respond_begin(request, status, "text/plain", -1);
        (void)bight_http_respond_write(request, "bo", 2);
        (void)bight_http_respond_write(request, "", 0);
        (void)bight_http_respond_write(request, "dy", 2);
        (void)bight_http_respond_finish(request);
        break;
    case EMPTY:
        (void)bight_http_respond_empty(request, status);
        break;
    case LATER_TEXT:
        (void)bight_http_respond_later(request, bight_succeed(&bight_type_text, bight_strdup("body")));
        break;
    case LATER_NOTHING:
        (void)bight_http_respond_later(request, bight_succeed(NULL, NULL));
        break;
    case LATER_RESPONSE:
        response = bight_http_response_new(status);
        (void)bight_http_response_set(response, "A", "b");
        (void)bight_http_response_set_body(response, "text/plain", "body", 4);
        (void)bight_http_respond_later(request, bight_succeed(&bight_type_http_response, response));
        break;
    }
}

static struct bight_http_request *kept;

static void keep_it(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void begin(void)
{
    memset(large, 'x', sizeof large);
    begin_site(NULL);
    add_route("/", respond);
    connect_peer();
}

#define LENGTH "Content-Length: 4"
#define CHUNKS "Transfer-Encoding: chunked"
#define CHUNKED_BODY "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"

START_TEST(an_answer_is_framed_by_what_is_known_of_it) /* H6 */
{
    static const struct {
        enum way way;
        int status;
        const char *method, *line, *body; /* line NULL: neither */
        int minor;
        bool closes;
    } rows[] = {
        { AT_ONCE, 200, "GET", LENGTH, "body", 1, false },
        { WITH_LENGTH, 200, "GET", LENGTH, "body", 1, false },
        { CHUNKED, 200, "GET", CHUNKS, CHUNKED_BODY, 1, false },
        { EMPTY, 200, "GET", "Content-Length: 0", "", 1, false },
        { AT_ONCE, 200, "HEAD", LENGTH, "", 1, false },
        { WITH_LENGTH, 200, "HEAD", LENGTH, "", 1, false },
        { CHUNKED, 200, "HEAD", CHUNKS, "", 1, false },
        { LARGE, 200, "HEAD", "Content-Length: 20000", "", 1, false },
        { AS_BYTES, 200, "HEAD", "Content-Length: 20000", "", 1, false },
        { AT_ONCE, 204, "GET", NULL, "", 1, false },
        { WITH_LENGTH, 204, "GET", NULL, "", 1, false },
        { CHUNKED, 204, "GET", NULL, "", 1, false },
        { EMPTY, 204, "GET", NULL, "", 1, false },
        { LARGE, 204, "GET", NULL, "", 1, false },
        { AT_ONCE, 304, "GET", NULL, "", 1, false },
        { CHUNKED, 304, "GET", NULL, "", 1, false },
        { AS_BYTES, 304, "GET", NULL, "", 1, false },
        { AT_ONCE, 200, "GET", LENGTH, "body", 0, false },
        { WITH_LENGTH, 200, "GET", LENGTH, "body", 0, false },
        { CHUNKED, 200, "GET", NULL, "body", 0, true },
        { CHUNKED, 304, "GET", NULL, "", 0, false },
        { LATER_TEXT, 200, "GET", LENGTH, "body", 1, false },
        { LATER_NOTHING, 204, "GET", NULL, "", 1, false },
        { LATER_RESPONSE, 404, "GET", LENGTH, "body", 1, false },
    };
    char request[128], line[64];
    begin();
    way = rows[_i].way;
    status = rows[_i].status;
    (void)snprintf(request, sizeof request, "%s / HTTP/1.%d\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
        rows[_i].method, rows[_i].minor);
    const char *answer = say(request);
    (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", rows[_i].status);
    ck_assert_int_eq(strncmp(answer, line, strlen(line)), 0);
    ck_assert_uint_eq(
        count_of(answer, "Content-Length: ") + count_of(answer, "Transfer-Encoding: "), rows[_i].line == NULL ? 0 : 1);
    ck_assert(rows[_i].line == NULL || has_line(answer, rows[_i].line));
    ck_assert_uint_eq(count_of(answer, "\r\nDate: "), 1);
    ck_assert_str_eq(body_of(answer), rows[_i].body);
    ck_assert_int_eq(is_over(), rows[_i].closes);
    ck_assert_int_eq(has_line(answer, "Connection: close"), rows[_i].closes);
    ck_assert_uint_eq(usage_errors, 0);
    end_site();
}
END_TEST

/* The head of an answer is put together once, and then used again for those like it. */
START_TEST(the_last_answer_of_a_connection_differs_in_one_line) /* H6 */
{
    begin();
    way = AT_ONCE;
    status = 200;
    say(GET);
    take_answer();
    say(GET);
    char *first = strdup(take_answer()), *end = strstr(first, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    say("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const char *last = take_answer(), *line = "\r\nConnection: close";
    size_t before = (size_t)(end - first);
    ck_assert_mem_eq(last, first, before);
    ck_assert_mem_eq(last + before, line, strlen(line));
    ck_assert_str_eq(last + before + strlen(line), end);
    ck_assert(is_over());
    free(first);
    end_site();
}
END_TEST

static char huge[20 << 20];

static void respond_hugely(struct bight_http_request *request, void *context)
{
    if (context == NULL) {
        ck_assert_int_eq(bight_http_respond(request, 200, NULL, huge, sizeof huge), 0);
        return;
    }
    struct bight_bytes *bytes = bight_bytes_new(huge, sizeof huge);
    ck_assert_int_eq(bight_http_respond_bytes(request, 200, NULL, bytes), 0);
    bight_bytes_release(bytes);
}

START_TEST(an_answer_may_be_larger_than_what_a_transport_lets_wait) /* H6, T13 */
{
    begin();
    ck_assert_int_eq(bight_http_route(site, "/huge", respond_hugely, _i == 0 ? NULL : huge), 0);
    bight_string_set_window(peer, 1000);
    say("GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_string_set_window(peer, SIZE_MAX);
    size_t taken = 0, size;
    for (int i = 0; i < 100 && taken < sizeof huge; i++) {
        (void)bight_string_written(peer, &size);
        taken += size;
        bight_string_clear(peer);
    }
    ck_assert_uint_gt(taken, sizeof huge);
    ck_assert(!is_over());
    end_site();
}
END_TEST

START_TEST(a_stream_that_grows_without_being_taken_is_aborted) /* H6, T13 */
{
    int code = 0;
    begin();
    add_route("/keep", keep_it);
    bight_string_set_window(peer, 1000);
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)bight_http_respond_begin(kept, 200, NULL, -1);
    for (int i = 0; i < 2000 && code == 0; i++) {
        code = bight_http_respond_write(kept, large, sizeof large);
    }
    ck_assert_int_eq(code, BIGHT_E_OVERFLOW);
    ck_assert_int_eq(bight_http_respond_write(kept, large, sizeof large), BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    settle();
    ck_assert(bight_string_was_reset(peer));
    end_site();
}
END_TEST

START_TEST(the_date_is_that_of_its_second) /* H6 */
{
    begin();
    way = AT_ONCE;
    status = 200;
    say(GET GET);
    char first[64];
    (void)snprintf(first, sizeof first, "%.37s", strstr(bight_string_written_text(peer), "Date: "));
    ck_assert_uint_eq(count_of(take_answer(), first), 2);
    bight_testing_advance(reactor, 1.5);
    ck_assert_uint_eq(count_of(say(GET), first), 0);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ producers */

static size_t produced, stopped, paused;
static bool finishes_inside;

static void produce(void *context)
{
    (void)context;
    if (produced < 10) {
        produced++;
        (void)bight_http_respond_write(kept, large, sizeof large);
    }
    if (produced == 10 || finishes_inside) {
        (void)bight_http_respond_finish(kept);
    }
}

static void pause_producer(void *context)
{
    (void)context;
    paused++;
}

static void stop_producer(void *context)
{
    (void)context;
    stopped++;
}

static const struct bight_producer_ops producer = { .pause = pause_producer, .resume = produce, .stop = stop_producer };

static void pull(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
    ck_assert_int_eq(bight_http_respond_register_producer(request, &producer, NULL, false), BIGHT_E_USAGE);
    (void)bight_http_respond_begin(request, 200, NULL, -1);
    (void)bight_http_respond_register_producer(request, &producer, NULL, false);
}

static void begin_producing(void)
{
    produced = stopped = paused = 0;
    begin();
    add_route("/pull", pull);
}

#define PULL "GET /pull HTTP/1.1\r\nHost: x\r\n\r\n"

START_TEST(a_producer_is_asked_for_more_until_it_finishes) /* H6, T13 */
{
    begin_producing();
    finishes_inside = _i == 1;
    way = AT_ONCE;
    status = 200;
    say(PULL GET);
    for (int i = 0; i < 20; i++) {
        settle();
    }
    ck_assert_uint_eq(produced, _i == 1 ? 1 : 10);
    ck_assert_uint_eq(stopped, 0);
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200 OK"), 2);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_producer_is_not_asked_while_the_client_takes_nothing_and_stopped_when_it_goes) /* A3, T13 */
{
    begin_producing();
    finishes_inside = false;
    bight_string_set_window(peer, 100);
    say(PULL);
    settle();
    ck_assert_uint_lt(produced, 5);
    bight_string_reset(peer, 0);
    ck_assert_uint_eq(stopped, 1);
    ck_assert_int_eq(bight_http_respond_finish(kept), BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_producer_of_a_body_that_is_not_sent_is_stopped_and_the_answer_over) /* H6 */
{
    begin_producing();
    finishes_inside = false;
    way = AT_ONCE;
    status = 200;
    say("HEAD /pull HTTP/1.1\r\nHost: x\r\n\r\n" GET);
    settle();
    ck_assert_uint_eq(produced, 0);
    ck_assert_uint_eq(stopped, 1);
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200 OK"), 2);
    ck_assert_uint_eq(usage_errors, 1); /* of the one too early */
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_producer_that_comes_when_the_client_has_gone_is_stopped) /* A3, T14 */
{
    begin_producing();
    bight_string_set_window(peer, 100);
    say(PULL);
    bight_string_reset(peer, 0);
    ck_assert_uint_eq(stopped, 1);
    ck_assert_int_eq(bight_http_respond_register_producer(kept, &producer, NULL, false), BIGHT_E_CLOSED);
    ck_assert_uint_eq(stopped, 2);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(what_is_aborted_in_its_middle_is_reset) /* H6 */
{
    begin_producing();
    finishes_inside = false;
    bight_string_set_window(peer, 30000);
    say(PULL);
    bight_http_respond_abort(kept);
    settle();
    ck_assert(bight_string_was_reset(peer));
    ck_assert_uint_eq(stopped, 1);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

/* ----------------------------------------------------------------------------------------------------- later */

static struct bight_promise promise;
static size_t cancelled;

static void note_cancel(struct bight_promise given, void *context)
{
    (void)given;
    (void)context;
    cancelled++;
}

static void wait_for_promise(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = request;
    (void)bight_http_respond_later(request, bight_deferred_new(&promise, note_cancel, NULL));
}

START_TEST(what_is_waited_for_runs_on_when_the_client_goes_unless_its_route_says_otherwise) /* A3 */
{
    struct bight_http_route_options options = { .size = sizeof options, .cancel_when_gone = _i == 1 };
    begin();
    cancelled = 0;
    ck_assert_int_eq(bight_http_route_full(site, "/wait", wait_for_promise, NULL, NULL, &options), 0);
    say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_string_end(peer);
    ck_assert_uint_eq(cancelled, (size_t)_i);
    ck_assert_int_eq(bight_promise_is_open(promise), _i == 0);
    (void)bight_callback(promise, &bight_type_text, bight_strdup("late"));
    settle();
    ck_assert_uint_eq(other_errors, 0);
    end_site();
}
END_TEST

START_TEST(one_answer_is_waited_for_at_a_time) /* A2 */
{
    begin();
    cancelled = 0;
    add_route("/wait", wait_for_promise);
    say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    struct bight_promise second;
    ck_assert_int_eq(bight_http_respond_later(kept, bight_deferred_new(&second, note_cancel, NULL)), BIGHT_E_USAGE);
    ck_assert_uint_eq(cancelled, 1);
    (void)bight_callback(promise, &bight_type_text, bight_strdup("first"));
    settle();
    ck_assert_str_eq(body_of(take_answer()), "first");
    end_site();
}
END_TEST

START_TEST(what_found_no_memory_is_answered_500) /* A2 */
{
    static const struct bight_type *const types[] = { &bight_type_text, &bight_type_bytes, &bight_type_http_response };
    begin();
    add_route("/wait", wait_for_promise);
    say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)bight_callback(promise, types[_i], NULL);
    settle();
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    end_site();
}
END_TEST

START_TEST(a_failure_in_the_middle_of_an_answer_aborts_it) /* A2 */
{
    begin();
    add_route("/wait", wait_for_promise);
    say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(bight_http_respond_begin(kept, 200, NULL, -1), 0);
    (void)bight_errback(promise, bight_failure_of(BIGHT_E_LIMIT));
    settle();
    ck_assert(bight_string_was_reset(peer) || bight_string_is_closed(peer));
    end_site();
}
END_TEST

static void take_back(struct bight_promise given, void *context)
{
    (void)given;
    bight_http_request_set_gone(context, NULL, NULL);
}

static void must_not_be_told(struct bight_http_request *request, void *context)
{
    (void)request;
    (void)context;
    ck_abort_msg("told of what it had taken back");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
    bight_http_request_set_gone(request, must_not_be_told, NULL);
    struct bight_deferred *tied = bight_deferred_new(&promise, take_back, request);
    (void)bight_deferred_tie(tied, bight_http_request_owner(request));
    bight_deferred_release(tied);
}

START_TEST(a_hook_may_be_taken_back_while_the_client_goes) /* A3 */
{
    begin();
    add_route("/keep", keep);
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_string_end(peer);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_answer_is_framed_by_what_is_known_of_it, 0, 24);
    tcase_add_loop_test(tests, an_answer_may_be_larger_than_what_a_transport_lets_wait, 0, 2);
    tcase_add_test(tests, a_stream_that_grows_without_being_taken_is_aborted);
    tcase_add_test(tests, the_date_is_that_of_its_second);
    tcase_add_loop_test(tests, a_producer_is_asked_for_more_until_it_finishes, 0, 2);
    tcase_add_test(tests, a_producer_of_a_body_that_is_not_sent_is_stopped_and_the_answer_over);
    tcase_add_test(tests, a_producer_that_comes_when_the_client_has_gone_is_stopped);
    tcase_add_test(tests, a_producer_is_not_asked_while_the_client_takes_nothing_and_stopped_when_it_goes);
    tcase_add_test(tests, the_last_answer_of_a_connection_differs_in_one_line);
    tcase_add_test(tests, what_is_aborted_in_its_middle_is_reset);
    tcase_add_loop_test(tests, what_is_waited_for_runs_on_when_the_client_goes_unless_its_route_says_otherwise, 0, 2);
    tcase_add_test(tests, one_answer_is_waited_for_at_a_time);
    tcase_add_loop_test(tests, what_found_no_memory_is_answered_500, 0, 3);
    tcase_add_test(tests, a_failure_in_the_middle_of_an_answer_aborts_it);
    tcase_add_test(tests, a_hook_may_be_taken_back_while_the_client_goes);
}

BIGHT_TEST_MAIN("http_answers", add_tests)
