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

START_TEST(what_was_asked_before_the_end_is_answered_though_it_waits_for_the_next_turn) /* A3, H4 */
{
    const struct bight_http_site_options options = { .size = sizeof options, .half_close = true };
    kept_count = 0;
    begin_site(&options);
    add_route("GET /", say_hello);
    add_route("/keep", keep);
    connect_peer();
    say(KEEP GET);
    answer_kept(0, "first");
    bight_string_end(peer);
    settle();
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200 OK"), 2);
    ck_assert(is_over());
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

/* ------------------------------------------------------------------------------------------------ keep-alive */

START_TEST(the_connection_goes_on_as_the_versions_have_it) /* H5 */
{
    static const struct {
        const char *request, *line;
        bool goes_on;
    } rows[] = {
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL, true },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "Connection: close", false },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, CLOSE\r\n\r\n", "Connection: close", false },
        { "GET / HTTP/1.0\r\n\r\n", "Connection: close", false },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive", true },
        { "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "Connection: close", false },
    };
    begin();
    const char *answer = say(rows[_i].request);
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert_uint_eq(count_of(answer, "Connection: "), rows[_i].line == NULL ? 0 : 1);
    ck_assert(rows[_i].line == NULL || has_line(answer, rows[_i].line));
    ck_assert_int_eq(is_over(), !rows[_i].goes_on);
    end_site();
}
END_TEST

/* Where nothing can come that would have the kernel reset the connection, nobody waits for the client's end. */
START_TEST(behind_a_clients_last_request_the_connection_is_closed_at_once) /* H5, T7 */
{
    static const struct {
        const char *request;
        bool waits;
    } rows[] = {
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false },
        { "GET / HTTP/1.0\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n\r\n", true },
        { "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", true },
        { "GET /../ HTTP/1.1\r\nHost: x\r\n\r\n", true },
        { "GET / HTTP/1.1\r\nHost : x\r\nConnection: close\r\n\r\n", true },
    };
    begin();
    say(rows[_i].request);
    ck_assert(is_over());
    ck_assert_int_eq(bight_string_is_closed(peer), !rows[_i].waits);
    ck_assert(!bight_string_was_reset(peer));
    end_site();
}
END_TEST

START_TEST(what_comes_behind_a_clients_last_request_is_waited_out) /* H5, T7 */
{
    begin();
    say("GET /keep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    say(_i == 0 ? "" : GET);
    answer_kept(0, "last");
    settle();
    ck_assert_str_eq(body_of(take_answer()), "last");
    ck_assert_int_eq(bight_string_is_closed(peer), _i == 0);
    end_site();
}
END_TEST

START_TEST(a_handler_may_end_the_connection_behind_its_answer) /* H5 */
{
    begin();
    say(KEEP GET);
    bight_http_respond_close(kept[0]);
    answer_kept(0, "last");
    settle();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_str_eq(body_of(answer), "last");
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_connection_ends_at_its_limit_of_requests) /* H3 */
{
    struct bight_http_site_options options = { .size = sizeof options, .request_limit = 3 };
    begin_site(&options);
    add_route("/", say_hello);
    connect_peer();
    const char *answer = say(GET GET GET GET);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 200"), 3);
    ck_assert_uint_eq(count_of(answer, "Connection: close"), 1);
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n\r\nHello"));
    ck_assert(is_over());
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- what waits */

START_TEST(input_behind_an_outstanding_answer_is_read_up_to_its_bound) /* H4 */
{
    static char text[200000];
    begin();
    memset(text, 'x', sizeof text);
    say(KEEP);
    size_t left = bight_string_feed(peer, text, sizeof text);
    ck_assert_uint_gt(left, 0);
    ck_assert_uint_le(sizeof text - left, 2 * 65536);
    bight_http_request_release(kept[0]);
    end_site();
}
END_TEST

START_TEST(many_that_wait_are_all_answered_in_order) /* H4 */
{
    static char text[(sizeof GET - 1) * 10000 + 1];
    for (size_t i = 0; i < 10000; i++) {
        memcpy(text + i * (sizeof GET - 1), GET, sizeof GET);
    }
    begin();
    say(KEEP);
    (void)bight_string_feed_text(peer, text);
    answer_kept(0, "first");
    size_t count = 0;
    for (int i = 0; i < 1000 && count < 999; i++) {
        settle();
        count += count_of(take_answer(), "Hello");
    }
    ck_assert_uint_eq(count, 999); /* a connection's limit is 1000 */
    end_site();
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read_from) /* H4, T13 */
{
    static char text[(sizeof GET - 1) * 900 + 1];
    for (size_t i = 0; i < 900; i++) {
        memcpy(text + i * (sizeof GET - 1), GET, sizeof GET);
    }
    begin();
    bight_string_set_window(peer, 0);
    (void)bight_string_feed_text(peer, text);
    ck_assert_uint_lt(bight_transport_queued(bight_string_protocol(peer)->transport), 80000);
    bight_string_set_window(peer, SIZE_MAX);
    size_t count = 0;
    for (int i = 0; i < 1000 && count < 900; i++) {
        settle();
        count += count_of(take_answer(), "Hello");
    }
    ck_assert_uint_eq(count, 900);
    end_site();
}
END_TEST

START_TEST(any_cutting_of_the_input_has_the_same_answers) /* H1, H4 */
{
    static const char text[] =
        GET "POST /keepx HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\n12345\r\n0\r\nA: b\r\n\r\n\r\n" GET "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" GET;
    begin();
    const char *answer = say(text);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 5);
    char *whole = strdup(answer);
    for (size_t chunk = 1; chunk < 40; chunk++) {
        bight_string_peer_free(peer);
        connect_peer();
        (void)bight_string_feed_chunked(peer, text, sizeof text - 1, chunk);
        ck_assert_str_eq(bight_string_written_text(peer), whole);
    }
    free(whole);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------ the client goes */

static size_t gone;

static void client_has_gone(struct bight_http_request *request, void *context)
{
    (void)context;
    gone++;
    ck_assert_int_eq(bight_http_respond_text(request, 200, "late"), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_set(request, "A", "b"), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, -1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_write(request, "x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_finish(request), BIGHT_E_CLOSED);
    ck_assert(!bight_http_request_is_open(request));
}

static void count_end(struct bight_promise promise, void *context)
{
    (void)promise;
    ++*(size_t *)context;
}

START_TEST(a_client_that_leaves_before_its_answer_is_told_of) /* A3 */
{
    size_t cancelled = 0;
    begin();
    gone = 0;
    say(KEEP);
    struct bight_promise promise;
    struct bight_deferred *tied = bight_deferred_new(&promise, count_end, &cancelled);
    (void)bight_deferred_tie(tied, bight_http_request_owner(kept[0]));
    bight_http_request_set_gone(kept[0], client_has_gone, NULL);
    if (_i == 0) {
        bight_string_end(peer);
    } else {
        bight_string_reset(peer, 0);
    }
    ck_assert_uint_eq(gone, 1);
    ck_assert_uint_eq(cancelled, 1);
    ck_assert_uint_eq(usage_errors, 0);
    bight_deferred_release(tied);
    bight_http_request_release(kept[0]);
    settle();
    ck_assert(bight_string_is_closed(peer));
    end_site();
}
END_TEST

START_TEST(the_end_of_what_a_client_says_is_seen_behind_what_waits) /* A3, H4 */
{
    begin();
    gone = 0;
    say(KEEP GET GET);
    bight_http_request_set_gone(kept[0], client_has_gone, NULL);
    bight_string_end(peer);
    ck_assert_uint_eq(gone, 1);
    bight_http_request_release(kept[0]);
    end_site();
}
END_TEST

START_TEST(a_client_that_has_only_ended_its_side_gets_all_its_answers_if_that_is_wanted) /* A3 */
{
    struct bight_http_site_options options = { .size = sizeof options, .half_close = true };
    begin_site(&options);
    kept_count = 0;
    add_route("/", say_hello);
    add_route("/keep", keep);
    connect_peer();
    say(KEEP GET GET KEEP GET GET);
    bight_string_end(peer);
    ck_assert(!is_over());
    answer_kept(0, "one");
    settle();
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200"), 3);
    ck_assert(!is_over());
    answer_kept(1, "two");
    settle();
    ck_assert_uint_eq(count_of(take_answer(), "HTTP/1.1 200"), 3);
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_body_that_a_client_ends_early_ends_the_connection) /* A3 */
{
    struct bight_http_site_options options = { .size = sizeof options, .half_close = _i == 1 };
    begin_site(&options);
    add_route("/", say_hello);
    connect_peer();
    say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    bight_string_end(peer);
    bight_testing_advance(reactor, 6);
    ck_assert(bight_string_is_closed(peer));
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_request_is_answered_with_its_length_and_a_date);
    tcase_add_test(tests, pipelined_requests_are_answered_in_their_order);
    tcase_add_test(tests, an_answer_that_comes_later_leaves_the_connection_as_it_was);
    tcase_add_test(tests, what_was_asked_before_the_end_is_answered_though_it_waits_for_the_next_turn);
    tcase_add_test(tests, a_request_that_is_let_go_is_answered_500);
    tcase_add_test(tests, a_head_that_is_refused_ends_the_connection);
    tcase_add_loop_test(tests, the_connection_goes_on_as_the_versions_have_it, 0, 6);
    tcase_add_loop_test(tests, behind_a_clients_last_request_the_connection_is_closed_at_once, 0, 6);
    tcase_add_loop_test(tests, what_comes_behind_a_clients_last_request_is_waited_out, 0, 2);
    tcase_add_test(tests, a_handler_may_end_the_connection_behind_its_answer);
    tcase_add_test(tests, a_connection_ends_at_its_limit_of_requests);
    tcase_add_test(tests, input_behind_an_outstanding_answer_is_read_up_to_its_bound);
    tcase_add_test(tests, many_that_wait_are_all_answered_in_order);
    tcase_add_test(tests, a_client_that_does_not_read_is_not_read_from);
    tcase_add_test(tests, any_cutting_of_the_input_has_the_same_answers);
    tcase_add_loop_test(tests, a_client_that_leaves_before_its_answer_is_told_of, 0, 2);
    tcase_add_test(tests, the_end_of_what_a_client_says_is_seen_behind_what_waits);
    tcase_add_test(tests, a_client_that_has_only_ended_its_side_gets_all_its_answers_if_that_is_wanted);
    tcase_add_loop_test(tests, a_body_that_a_client_ends_early_ends_the_connection, 0, 2);
}

BIGHT_TEST_MAIN("http_server", add_tests)
