/* SPDX-License-Identifier: MIT */
/* Tests of who may ask for a body (protocols/http/server/body.c): once, again behind a cancel, no more when the client
 * has gone; and of asking when out of memory. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

static struct bight_http_request *kept;
static struct bight_deferred *waiting;
static char received[64];
static int ended, cancelled;

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

static void begin(void)
{
    ended = cancelled = 0;
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/keep", keep);
    connect_peer();
}

static void count_end(struct bight_http_request *request, void *context)
{
    (void)request;
    (void)context;
    ended++;
}

static const struct bight_http_consumer silent = { .size = sizeof silent, .end = count_end };

static int code_of(struct bight_deferred *deferred)
{
    struct bight_result *result = bight_deferred_result(deferred);
    struct bight_failure *failure = result != NULL ? bight_result_take_failure(result) : NULL;
    int code = failure != NULL ? bight_failure_code(failure) : 0;
    bight_failure_release(failure);
    bight_deferred_release(deferred);
    return code;
}

START_TEST(a_body_is_asked_for_in_one_way_once) /* A4 */
{
    begin();
    say(POST("/keep", "Content-Length: 5\r\n") "12");
    waiting = bight_http_request_collect(kept, 0);
    ck_assert_int_eq(code_of(bight_http_request_collect(kept, 0)), BIGHT_E_USAGE);
    ck_assert_int_eq(code_of(bight_http_request_read(kept, 0)), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_request_consume(kept, 0, &silent, NULL), BIGHT_E_USAGE);
    ck_assert_uint_eq(usage_errors, 3);
    say("345");
    ck_assert(bight_deferred_has_fired(waiting));
    ck_assert_uint_eq(bight_bytes_size(bight_deferred_result(waiting)->value), 5);
    bight_deferred_release(waiting);
    ck_assert_int_eq(code_of(bight_http_request_read(kept, 0)), BIGHT_E_USAGE);
    ck_assert_int_eq(code_of(bight_http_request_read(kept, 0)), BIGHT_E_USAGE); /* nor by what asked in vain */
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_second_read_changes_nothing_of_the_first) /* A4 */
{
    begin();
    say(POST("/keep", "Content-Length: 5\r\n"));
    waiting = bight_http_request_read(kept, 2);
    ck_assert_int_eq(code_of(bight_http_request_read(kept, 100)), BIGHT_E_USAGE);
    say("12345");
    ck_assert(bight_deferred_has_fired(waiting));
    ck_assert_uint_eq(bight_bytes_size(bight_deferred_result(waiting)->value), 2);
    bight_deferred_release(waiting);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_read_that_was_cancelled_may_be_asked_again_and_loses_nothing) /* A4 */
{
    begin();
    say(POST("/keep", "Content-Length: 5\r\n"));
    waiting = bight_http_request_read(kept, 0);
    bight_deferred_cancel(waiting);
    ck_assert_int_eq(code_of(waiting), BIGHT_E_CANCELLED);
    say("12345");
    waiting = bight_http_request_read(kept, 0);
    settle();
    ck_assert_uint_eq(bight_bytes_size(bight_deferred_result(waiting)->value), 5);
    bight_deferred_release(waiting);
    (void)bight_http_respond_empty(kept, 204);
    bight_http_request_release(kept);
    settle();
    bight_string_clear(peer);
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(a_collect_that_was_cancelled_leaves_the_connection_sound) /* A2, A4 */
{
    begin();
    say(POST("/keep", "Content-Length: 5\r\n") "12");
    waiting = bight_http_request_collect(kept, 0);
    settle();
    bight_deferred_cancel(waiting);
    ck_assert_int_eq(code_of(waiting), BIGHT_E_CANCELLED);
    bight_http_request_release(kept);
    settle();
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    ck_assert_str_eq(body_of(say("345" GET)), "Hello");
    end_site();
}
END_TEST

START_TEST(a_consumer_of_no_body_does_not_undo_an_upgrade) /* A4, A14 */
{
    begin();
    say("GET /keep HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: more\r\n\r\n");
    ck_assert_int_eq(bight_http_request_consume(kept, 0, &silent, NULL), 0);
    struct bight_protocol *protocol = bight_protocol_new(bight_http_site_factory(site));
    ck_assert_int_eq(bight_http_respond_upgrade(kept, "more", protocol), 0);
    bight_http_request_release(kept);
    settle();
    ck_assert(has_line(take_answer(), "HTTP/1.1 101 Switching Protocols"));
    ck_assert_str_eq(body_of(say(GET)), "Hello");
    ck_assert_int_eq(ended, 1);
    end_site();
}
END_TEST

static void consume_silently(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_request_consume(request, 8, &silent, NULL), 0);
}

static void drop(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_discard(result);
}

static void collect_carelessly(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_collect(request, 8);
    (void)bight_deferred_add_errback(deferred, drop, NULL);
    bight_deferred_release(deferred);
}

static const struct {
    const char *body, *answer;
} failing[] = {
    { "Content-Length: 9\r\n\r\n123456789", "HTTP/1.1 413 Content Too Large" },
    { "Transfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n", "HTTP/1.1 413 Content Too Large" },
    { "Transfer-Encoding: chunked\r\n\r\nx", "HTTP/1.1 400 Bad Request" },
};
#define FAILING ((int)(sizeof failing / sizeof *failing))

START_TEST(a_body_whose_failure_nobody_answers_is_answered_as_it_says) /* A2 */
{
    char request[160];
    begin();
    add_route("/consume", consume_silently);
    add_route("/collect", collect_carelessly);
    (void)snprintf(request, sizeof request, "POST /%s HTTP/1.1\r\nHost: x\r\n%s\n",
        _i < FAILING ? "consume" : "collect", failing[_i % FAILING].body);
    ck_assert(has_line(say(request), failing[_i % FAILING].answer));
    ck_assert_int_eq(ended, 0);
    end_site();
}
END_TEST

static void note_fired(struct bight_result *result, void *context)
{
    (void)context;
    cancelled++;
    bight_result_discard(result);
}

START_TEST(what_reads_is_ended_with_its_owner) /* A3, A4, D32 */
{
    begin();
    say(POST("/keep", "Content-Length: 5\r\n") "12");
    waiting = bight_deferred_tie(bight_http_request_collect(kept, 0), bight_http_request_owner(kept));
    ck_assert_int_eq(bight_deferred_add_both(waiting, note_fired, NULL), 0);
    bight_deferred_release(waiting);
    bight_string_reset(peer, 0);
    ck_assert_int_eq(cancelled, 1);
    ck_assert_int_eq(code_of(bight_http_request_collect(kept, 0)), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_request_consume(kept, 0, &silent, NULL), BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    ck_assert_uint_eq(usage_errors, 0);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- no memory */

static int refusals;

static void read_carelessly(struct bight_http_request *request, void *context);

/* Goes on reading behind a failure, as one that it takes for passing. */
static void has_been_read_carelessly(struct bight_result *result, void *request)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL && ++refusals > 2) {
        (void)bight_http_respond_failure(request, bight_failure_hold(failure));
    } else if (failure == NULL && bight_bytes_size(result->value) == 0) {
        (void)bight_http_respond_text(request, 200, received);
    } else {
        if (failure == NULL) {
            (void)strncat(received, (const char *)bight_bytes_data(result->value), bight_bytes_size(result->value));
        }
        read_carelessly(request, NULL);
    }
    bight_failure_release(failure);
    bight_result_discard(result);
}

static void read_carelessly(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_read(request, 4);
    if (bight_deferred_add_both(deferred, has_been_read_carelessly, request) != BIGHT_OK) {
        bight_deferred_cancel(deferred);
    }
    bight_deferred_release(deferred);
}

/* A 200 has all of it. */
static bool read_without_memory(void *context)
{
    bool whole = true;
    received[0] = '\0';
    refusals = 0;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    if (reactor != NULL && bight_http_route(site, "/", read_carelessly, NULL) == BIGHT_OK) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        const char *answers = say(context);
        whole = strstr(answers, " 200 ") == NULL || strcmp(body_of(answers), "hello world") == 0;
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return whole;
}

START_TEST(a_piece_for_which_there_is_no_memory_does_not_go_missing) /* A4, H6 */
{
    static char sent[] = POST("/", "Content-Length: 11\r\n") "hello world";
    ck_assert_uint_eq(bight_testing_with_faults(read_without_memory, sent, 0), 0);
}
END_TEST

static struct bight_http_request *outliving;

static void answer_and_keep(struct bight_http_request *request, void *context)
{
    (void)context;
    outliving = bight_http_request_hold(request);
    (void)bight_http_respond_text(request, 200, "done");
}

START_TEST(a_consumer_of_a_request_whose_site_is_served_no_more_is_told_that_it_is_over) /* A1, A4 */
{
    begin_site(NULL);
    add_route("/", answer_and_keep);
    connect_peer();
    (void)say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_string_reset(peer, 0);
    ck_assert_ptr_null(bight_http_request_reactor(outliving));
    ck_assert_int_eq(bight_http_request_consume(outliving, 0, &silent, NULL), BIGHT_E_CLOSED);
    ck_assert_uint_eq(usage_errors, 0);
    bight_http_request_release(outliving);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_consumer_of_a_request_whose_site_is_served_no_more_is_told_that_it_is_over);
    tcase_add_test(tests, a_body_is_asked_for_in_one_way_once);
    tcase_add_test(tests, a_second_read_changes_nothing_of_the_first);
    tcase_add_test(tests, a_read_that_was_cancelled_may_be_asked_again_and_loses_nothing);
    tcase_add_test(tests, a_collect_that_was_cancelled_leaves_the_connection_sound);
    tcase_add_test(tests, a_consumer_of_no_body_does_not_undo_an_upgrade);
    tcase_add_loop_test(tests, a_body_whose_failure_nobody_answers_is_answered_as_it_says, 0, 2 * FAILING);
    tcase_add_test(tests, what_reads_is_ended_with_its_owner);
    tcase_add_test(tests, a_piece_for_which_there_is_no_memory_does_not_go_missing);
}

BIGHT_TEST_MAIN("http_body_asked", add_tests)
