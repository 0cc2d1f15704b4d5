/* SPDX-License-Identifier: MIT */
/* Tests of answers that come later (A2, A3: protocols/http/server/later.c): from Deferreds of every type, coroutines,
 * under holds; behind a client that has gone, beyond a route's time. */
#include <bight/memory.h>

#include "site_support.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct bight_http_request *kept;
static struct bight_promise promise;
static int cancels, ended;

static void count_cancel(struct bight_promise cancelled, void *context)
{
    (void)cancelled;
    (void)context;
    cancels++;
}

static void wait_for(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = request;
    ck_assert_int_eq(bight_http_respond_later(request, bight_deferred_new(&promise, count_cancel, NULL)), 0);
}

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void begin(void)
{
    cancels = ended = 0;
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/later", wait_for);
    connect_peer();
}

/* ------------------------------------------------------------------------------------------ what comes */

static void count_destroyed(void *value)
{
    (void)value;
    ended++;
}

static const struct bight_type strange = { .name = "strange thing", .destroy = count_destroyed };

static void fire(int kind)
{
    static char value;
    struct bight_http_response *response;
    switch (kind) {
    case 0:
        (void)bight_callback(promise, NULL, NULL);
        break;
    case 1:
        (void)bight_callback(promise, &bight_type_text, bight_strdup("words"));
        break;
    case 2:
        (void)bight_callback(promise, &bight_type_bytes, bight_bytes_new("\0\1", 2));
        break;
    case 3:
        response = bight_http_response_new(402);
        (void)bight_http_response_set_body(response, "text/css", "pay", 3);
        (void)bight_callback(promise, &bight_type_http_response, response);
        break;
    case 4:
        (void)bight_errback(promise, bight_http_failure(409, "taken"));
        break;
    case 5:
        (void)bight_errback(promise, bight_failure_new(BIGHT_E_LIMIT, 0, NULL, "internal"));
        break;
    case 6:
        (void)bight_callback(promise, &strange, &value);
        break;
    case 7:
        (void)bight_abandon(promise);
        break;
    }
}

static const struct {
    const char *line, *type, *length, *body;
    size_t errors;
} outcomes[] = {
    { "HTTP/1.1 204 No Content", NULL, NULL, "", 0 },
    { "HTTP/1.1 200 OK", "Content-Type: text/plain; charset=utf-8", "Content-Length: 5", "words", 0 },
    { "HTTP/1.1 200 OK", "Content-Type: application/octet-stream", "Content-Length: 2", NULL, 0 },
    { "HTTP/1.1 402 Payment Required", "Content-Type: text/css", "Content-Length: 3", "pay", 0 },
    { "HTTP/1.1 409 Conflict", NULL, NULL, "409 Conflict\ntaken\n", 0 },
    { "HTTP/1.1 500 Internal Server Error", NULL, NULL, "500 Internal Server Error\n", 1 },
    { "HTTP/1.1 500 Internal Server Error", NULL, NULL, "500 Internal Server Error\n", 1 },
    { "HTTP/1.1 500 Internal Server Error", NULL, NULL, "500 Internal Server Error\n", 1 },
};
#define OUTCOMES (int)(sizeof outcomes / sizeof *outcomes)

static void check_outcome(const char *answer, int kind)
{
    ck_assert_msg(has_line(answer, outcomes[kind].line), "%s", answer);
    ck_assert(outcomes[kind].type == NULL || has_line(answer, outcomes[kind].type));
    ck_assert(outcomes[kind].length == NULL || has_line(answer, outcomes[kind].length));
    ck_assert(outcomes[kind].body == NULL || strcmp(body_of(answer), outcomes[kind].body) == 0);
    ck_assert_uint_eq(other_errors, outcomes[kind].errors);
    ck_assert_int_eq(ended, kind == 6 ? 1 : 0);
    bight_string_clear(peer);
    ck_assert_str_eq(body_of(say(GET("/"))), "Hello");
}

START_TEST(what_a_deferred_brings_is_the_answer) /* A2 */
{
    begin();
    say(GET("/later"));
    ck_assert_str_eq(bight_string_written_text(peer), "");
    fire(_i);
    settle();
    check_outcome(take_answer(), _i);
    end_site();
}
END_TEST

static void fire_inside(struct bight_http_request *request, void *context)
{
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    fire(*(int *)context);
    ck_assert_int_eq(bight_http_respond_later(request, deferred), 0);
}

START_TEST(one_that_has_fired_already_answers_at_once) /* A2 */
{
    begin();
    int kind = _i;
    ck_assert_int_eq(bight_http_route(site, "/inside", fire_inside, &kind), 0);
    check_outcome(say(GET("/inside")), _i);
    end_site();
}
END_TEST

static void await_it(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    kept = request;
    (void)bight_await(bight_deferred_new(&promise, count_cancel, NULL), result);
}

START_TEST(what_a_coroutine_returns_is_the_answer) /* A2 */
{
    begin();
    ck_assert_int_eq(bight_http_route_coroutine(site, "/coroutine", await_it, NULL), 0);
    say(GET("/coroutine"));
    fire(_i);
    settle();
    check_outcome(take_answer(), _i);
    end_site();
}
END_TEST

static void read_and_answer(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(bight_http_request_collect(request, 4), result) == 0) {
        (void)bight_http_respond_set(request, "X-Method", bight_http_request_method(request));
    }
}

START_TEST(a_coroutine_that_reads_a_body_fails_with_its_status) /* A2, A4 */
{
    begin();
    ck_assert_int_eq(bight_http_route_coroutine(site, "POST /read", read_and_answer, NULL), 0);
    say("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
    const char *answer = say("body");
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "X-Method: POST"));
    ck_assert_str_eq(body_of(answer), "body");
    bight_string_clear(peer);
    ck_assert(has_line(
        say("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"), "HTTP/1.1 413 Content Too Large"));
    ck_assert(is_over());
    ck_assert_uint_eq(other_errors, 0);
    end_site();
}
END_TEST

static void answer_and_go_on(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "answered");
    ck_assert(!bight_http_request_is_open(request));
    (void)bight_await(bight_deferred_new(&promise, count_cancel, NULL), result);
    ck_assert_str_eq(bight_http_request_path(request), "/coroutine");
    ended++;
}

START_TEST(a_coroutine_may_answer_and_go_on) /* A1, A2 */
{
    begin();
    ck_assert_int_eq(bight_http_route_coroutine(site, "/coroutine", answer_and_go_on, NULL), 0);
    ck_assert_str_eq(body_of(say(GET("/coroutine"))), "answered");
    bight_string_clear(peer);
    ck_assert_str_eq(body_of(say(GET("/"))), "Hello");
    bight_string_clear(peer);
    (void)bight_callback(promise, &bight_type_text, bight_strdup("nobody's"));
    settle();
    ck_assert_int_eq(ended, 1);
    ck_assert_str_eq(take_answer(), "");
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

static void stream_pieces(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)bight_http_respond_begin(request, 200, "text/plain", -1);
    (void)bight_http_respond_write(request, "one", 3);
    (void)bight_await(bight_deferred_new(&promise, NULL, NULL), result);
    (void)bight_http_respond_write(request, "two", 3);
    if (*(bool *)context) {
        (void)bight_http_respond_finish(request);
    }
}

START_TEST(a_coroutine_that_streams_ends_its_answer_or_it_is_aborted) /* A2, H6 */
{
    begin();
    bool finishes = _i == 1;
    ck_assert_int_eq(bight_http_route_coroutine(site, "/coroutine", stream_pieces, &finishes), 0);
    ck_assert_str_eq(body_of(say(GET("/coroutine"))), "3\r\none\r\n");
    (void)bight_callback(promise, NULL, NULL);
    settle();
    ck_assert_int_eq(bight_string_was_reset(peer), !finishes);
    ck_assert_int_eq(strstr(take_answer(), "3\r\ntwo\r\n0\r\n\r\n") != NULL, finishes);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------ when the client goes */

static void note_end(struct bight_http_request *request, struct bight_result *result, void *context)
{
    await_it(request, result, context);
    ended++;
    ck_assert_int_eq(bight_http_respond_text(request, 200, "late"), BIGHT_E_CLOSED);
}

START_TEST(what_a_coroutine_waits_for_runs_on_or_is_cancelled_as_its_route_says) /* A3 */
{
    begin();
    ck_assert_int_eq(bight_http_route_coroutine(site, "/coroutine", note_end, NULL), 0);
    say(GET("/coroutine"));
    bight_string_reset(peer, 0);
    ck_assert_int_eq(cancels, 0);
    ck_assert_int_eq(ended, 0);
    ck_assert_str_eq(bight_http_request_path(kept), "/coroutine");
    (void)bight_errback(promise, bight_failure_of(BIGHT_E_LIMIT));
    settle();
    ck_assert_int_eq(ended, 1);
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

START_TEST(a_deferred_is_cancelled_with_the_client_when_its_route_says_so) /* A3 */
{
    const struct bight_http_route_options options = { .size = sizeof options, .cancel_when_gone = _i == 1 };
    begin();
    ck_assert_int_eq(bight_http_route_full(site, "/gone", wait_for, NULL, NULL, &options), 0);
    say(GET("/gone"));
    bight_string_reset(peer, 0);
    ck_assert_int_eq(cancels, _i);
    ck_assert_int_eq(bight_promise_is_open(promise), _i == 0);
    (void)bight_callback(promise, NULL, NULL);
    settle();
    ck_assert_uint_eq(other_errors, 0);
    end_site();
}
END_TEST

static void tie_and_wait(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_deferred_new(&promise, count_cancel, NULL);
    (void)bight_deferred_tie(deferred, bight_http_request_owner(request));
    ck_assert_int_eq(bight_http_respond_later(request, deferred), 0);
}

START_TEST(what_was_tied_is_cancelled_with_the_client_or_behind_the_time_of_its_route) /* A2, A3, D32 */
{
    static const struct bight_http_route_options options = { .size = sizeof options, .seconds = 2 };
    begin();
    ck_assert_int_eq(bight_http_route_full(site, "/tied", tie_and_wait, NULL, NULL, &options), 0);
    say(GET("/tied"));
    if (_i == 0) {
        bight_string_reset(peer, 0);
    } else {
        bight_testing_advance(reactor, 1.9);
        ck_assert_int_eq(cancels, 0);
        bight_testing_advance(reactor, 0.2);
        ck_assert(has_line(take_answer(), "HTTP/1.1 503 Service Unavailable"));
        ck_assert_str_eq(body_of(say(GET("/"))), "Hello");
    }
    ck_assert_int_eq(cancels, 1);
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------- who may answer */

static void wait_and_answer(struct bight_http_request *request, void *context)
{
    wait_for(request, context);
    (void)bight_http_respond_text(request, 200, "sooner");
}

START_TEST(an_answer_that_comes_sooner_wins) /* A2 */
{
    begin();
    add_route("/sooner", wait_and_answer);
    ck_assert_str_eq(body_of(say(GET("/sooner"))), "sooner");
    bight_string_clear(peer);
    ck_assert_str_eq(body_of(say(GET("/"))), "Hello");
    bight_string_clear(peer);
    (void)bight_callback(promise, &bight_type_text, bight_strdup("too late"));
    settle();
    ck_assert_str_eq(take_answer(), "");
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

START_TEST(a_hold_answers_in_place_of_what_is_waited_for) /* A2 */
{
    begin();
    say(GET("/later"));
    bight_http_request_hold(kept);
    (void)bight_http_respond_text(kept, 200, "held");
    bight_http_request_release(kept);
    settle();
    ck_assert_str_eq(body_of(take_answer()), "held");
    (void)bight_errback(promise, bight_failure_of(BIGHT_E_LIMIT));
    ck_assert_str_eq(body_of(say(GET("/"))), "Hello");
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_a_deferred_brings_is_the_answer, 0, OUTCOMES);
    tcase_add_loop_test(tests, one_that_has_fired_already_answers_at_once, 0, OUTCOMES);
    tcase_add_loop_test(tests, what_a_coroutine_returns_is_the_answer, 0, OUTCOMES);
    tcase_add_test(tests, a_coroutine_that_reads_a_body_fails_with_its_status);
    tcase_add_test(tests, a_coroutine_may_answer_and_go_on);
    tcase_add_loop_test(tests, a_coroutine_that_streams_ends_its_answer_or_it_is_aborted, 0, 2);
    tcase_add_test(tests, what_a_coroutine_waits_for_runs_on_or_is_cancelled_as_its_route_says);
    tcase_add_loop_test(tests, a_deferred_is_cancelled_with_the_client_when_its_route_says_so, 0, 2);
    tcase_add_loop_test(tests, what_was_tied_is_cancelled_with_the_client_or_behind_the_time_of_its_route, 0, 2);
    tcase_add_test(tests, an_answer_that_comes_sooner_wins);
    tcase_add_test(tests, a_hold_answers_in_place_of_what_is_waited_for);
}

BIGHT_TEST_MAIN("http_later", add_tests)
