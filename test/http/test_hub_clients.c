/* SPDX-License-Identifier: MIT */
/* Tests of a hub's clients: streams of events, and polls (protocols/http/hub/listen_events.c, poll.c). */
#include "hub_support.h"

static struct bight_http_event_options event_options;
static int begun; /* what beginning an answer returned */

static void answer_unless_done(struct bight_http_request *request)
{
    if (begun != BIGHT_OK && bight_http_request_is_open(request)) {
        (void)bight_http_respond_error(request, 400, bight_error_name(begun));
    }
}

static void listen_by_events(struct bight_http_request *request, void *context)
{
    (void)context;
    begun = bight_http_hub_respond_events(
        hub, request, bight_http_request_parameter(request, "topic"), event_options.size > 0 ? &event_options : NULL);
    answer_unless_done(request);
}

static void listen_by_polls(struct bight_http_request *request, void *context)
{
    (void)context;
    begun = bight_http_hub_respond_poll(hub, request, bight_http_request_parameter(request, "topic"), 0);
    answer_unless_done(request);
}

static void begin_clients(void)
{
    event_options = (struct bight_http_event_options) { .size = 0 };
    begin_hub();
    add_route("GET /events/{topic}", listen_by_events);
    add_route("GET /poll/{topic}", listen_by_polls);
    connect_peer();
}

static void ask(const char *target, const char *fields)
{
    char request[300];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, fields);
    (void)bight_string_feed_text(peer, request);
    settle();
}

static bool has_come(const char *text)
{
    settle();
    return strstr(take_answer(), text) != NULL;
}

static void check_polled(const char *json)
{
    settle();
    const char *body = body_of(take_answer());
    ck_assert_ptr_nonnull(body);
    ck_assert_str_eq(body, json);
}

/* ------------------------------------------------------------------------------------------- events */

START_TEST(a_stream_has_messages_with_their_ids) /* W9, A13 */
{
    begin_clients();
    ask("/events/t", "");
    ck_assert_int_eq(begun, 0);
    publish("one\ntwo");
    ck_assert(has_come("id: e-1\ndata: one\ndata: two\n\n"));
    end_hub();
}
END_TEST

START_TEST(a_stream_goes_on_where_the_client_says_it_was) /* W9, A13 */
{
    begin_clients();
    publish("1");
    publish("2");
    ask("/events/t", "Last-Event-ID: e-1\r\n");
    const char *answer = take_answer();
    ck_assert_ptr_nonnull(strstr(answer, "id: e-2\ndata: 2\n\n"));
    ck_assert_ptr_null(strstr(answer, "e-1"));
    bight_string_peer_free(peer);
    connect_peer();
    ask("/events/t?lastEventId=f-1", "");
    ck_assert(has_come("id: e-0\nevent: gap\ndata: lost\n\n"));
    end_hub();
}
END_TEST

START_TEST(a_client_that_has_left_is_not_told) /* W9 */
{
    begin_clients();
    ask("/events/t", "");
    bight_string_reset(peer, 0);
    settle();
    hub_options.max_topics = 1;
    publish("1");
    ck_noted("e-1! ");
    end_hub();
}
END_TEST

START_TEST(a_hub_that_ends_ends_its_streams_whole) /* W9 */
{
    begin_clients();
    ask("/events/t", "");
    bight_http_hub_free(hub);
    hub = NULL;
    settle();
    ck_assert(has_come("0\r\n\r\n"));
    end_hub();
}
END_TEST

/* All that it could not take comes from the history. */
START_TEST(a_slow_client_gets_all_of_it_later) /* W5, W9 */
{
    static char part[100];
    begin_clients();
    event_options =
        (struct bight_http_event_options) { .size = sizeof event_options, .policy = BIGHT_HTTP_EVENT_SKIP, .limit = 1 };
    ask("/events/t", "");
    bight_string_set_window(peer, 0);
    publish_large(10, true);
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    const char *answer = take_answer();
    for (int i = 1; i <= 10; i++) {
        (void)snprintf(part, sizeof part, "id: e-%d\n", i);
        ck_assert_uint_eq(count_of(answer, part), 1);
    }
    ck_assert_uint_eq(count_of(answer, "gap"), 0);
    end_hub();
}
END_TEST

START_TEST(a_slow_client_is_dropped_unless_it_is_to_be_skipped) /* W5, W9 */
{
    begin_clients();
    ask("/events/t", "");
    bight_string_set_window(peer, 0);
    publish_large(10, true);
    ck_assert(bight_string_is_closed(peer));
    end_hub();
}
END_TEST

/* The connection's end is reported later. */
START_TEST(a_hub_may_end_when_it_has_just_dropped_a_client) /* W5, W9 */
{
    begin_clients();
    ask("/events/t", "");
    bight_string_set_window(peer, 0);
    publish_large(10, false);
    bight_http_hub_free(hub);
    hub = NULL;
    settle();
    ck_assert(bight_string_is_closed(peer));
    end_hub();
}
END_TEST

static void free_hub(struct bight_http_request *request, int status, void *context)
{
    (void)request;
    (void)status;
    (void)context;
    bight_http_hub_free(hub);
    hub = NULL;
}

START_TEST(middleware_may_free_the_hub_when_a_stream_begins) /* W9, A6 */
{
    static const struct bight_http_middleware_ops freeing = { .size = sizeof freeing, .head = free_hub };
    begin_clients();
    ck_assert_int_eq(bight_http_use(site, &freeing, NULL), 0);
    ask("/events/t", "");
    ck_assert_int_eq(begun, BIGHT_E_CLOSED);
    ck_assert(has_come("0\r\n\r\n"));
    end_hub();
}
END_TEST

START_TEST(a_topic_that_is_none_is_not_answered_for_the_program) /* W9 */
{
    static const char *const targets[] = { "/events/%01", "/poll/%01" };
    begin_clients();
    ask(targets[_i], "");
    ck_assert_int_eq(begun, BIGHT_E_INVALID_ARGUMENT);
    ck_assert(has_come("400 Bad Request"));
    end_hub();
}
END_TEST

START_TEST(who_asks_for_the_head_has_no_stream) /* W9 */
{
    begin_clients();
    (void)say("HEAD /events/t HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(begun, BIGHT_E_CLOSED);
    publish("1");
    ck_assert(has_come("200 OK"));
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- polls */

START_TEST(a_first_poll_says_where_the_topic_stands) /* W9 */
{
    begin_clients();
    publish("1");
    ask("/poll/t", "");
    const char *answer = take_answer();
    ck_assert(has_line(answer, "Content-Type: application/json"));
    ck_assert(has_line(answer, "Cache-Control: no-store"));
    ck_assert_str_eq(body_of(answer), "{\"id\":\"e-1\",\"gap\":false,\"messages\":[]}");
    end_hub();
}
END_TEST

START_TEST(a_poll_waits_until_there_is_something) /* W9 */
{
    begin_clients();
    ask("/poll/t?after=e-0", "");
    bight_testing_advance(reactor, 24);
    ck_assert_str_eq(take_answer(), "");
    publish("say \"\\\n\x01\xc3\xa9\"");
    check_polled("{\"id\":\"e-1\",\"gap\":false,\"messages\":[{\"id\":\"e-1\",\"text\":"
                 "\"say \\u0022\\u005c\\u000a\\u0001\xc3\xa9\\u0022\"}]}");
    end_hub();
}
END_TEST

START_TEST(a_poll_without_anything_is_answered_in_the_end) /* W9 */
{
    begin_clients();
    bight_deferred_release(publish_to("other", "x"));
    ask("/poll/t?after=e-0", "");
    bight_testing_advance(reactor, 26);
    check_polled("{\"id\":\"e-0\",\"gap\":false,\"messages\":[]}");
    end_hub();
}
END_TEST

START_TEST(a_poll_has_all_that_came_meanwhile_and_what_comes_at_the_same_time) /* W9 */
{
    begin_clients();
    publish("1");
    publish("2");
    ask("/poll/t?after=e-1", "");
    check_polled("{\"id\":\"e-2\",\"gap\":false,\"messages\":[{\"id\":\"e-2\",\"text\":\"2\"}]}");
    ask("/poll/t?after=e-2", "");
    publish("3");
    publish("4");
    check_polled("{\"id\":\"e-4\",\"gap\":false,\"messages\":[{\"id\":\"e-3\",\"text\":\"3\"},"
                 "{\"id\":\"e-4\",\"text\":\"4\"}]}");
    end_hub();
}
END_TEST

START_TEST(a_poll_is_told_of_a_gap) /* W9 */
{
    begin_clients();
    ask("/poll/t?after=f-1", "");
    check_polled("{\"id\":\"e-0\",\"gap\":true,\"messages\":[]}");
    publish("1");
    ask("/poll/t?after=f-1", "");
    check_polled("{\"id\":\"e-1\",\"gap\":true,\"messages\":[{\"id\":\"e-1\",\"text\":\"1\"}]}");
    end_hub();
}
END_TEST

START_TEST(a_poll_has_so_much_and_the_next_one_more) /* W9 */
{
    static char text[60001];
    memset(text, 'x', sizeof text - 1);
    begin_clients();
    for (int i = 0; i < 6; i++) {
        publish(text);
    }
    ask("/poll/t?after=e-0", "");
    settle();
    ck_assert_ptr_nonnull(strstr(take_answer(), "{\"id\":\"e-4\",\"gap\""));
    ask("/poll/t?after=e-4", "");
    settle();
    ck_assert_ptr_nonnull(strstr(take_answer(), "{\"id\":\"e-6\",\"gap\""));
    end_hub();
}
END_TEST

START_TEST(a_port_that_is_drained_does_not_wait_for_polls) /* W9, H9 */
{
    begin_clients();
    ask("/poll/t?after=e-0", "");
    struct bight_protocol *protocol = bight_string_protocol(peer);
    ck_assert(protocol->ops->drain(protocol));
    check_polled("{\"id\":\"e-0\",\"gap\":false,\"messages\":[]}");
    end_hub();
}
END_TEST

/* Also when it is answered before the hub has looked. */
START_TEST(a_poll_at_a_port_that_is_drained_is_told_of_a_gap_too) /* W9, H9 */
{
    begin_clients();
    publish("1");
    struct bight_protocol *protocol = bight_string_protocol(peer);
    ck_assert(protocol->ops->drain(protocol));
    ask("/poll/t?after=f-1", "");
    check_polled("{\"id\":\"e-0\",\"gap\":true,\"messages\":[]}");
    end_hub();
}
END_TEST

START_TEST(a_hub_that_ends_answers_polls) /* W9 */
{
    begin_clients();
    ask("/poll/t?after=e-0", "");
    bight_http_hub_free(hub);
    hub = NULL;
    check_polled("{\"id\":\"e-0\",\"gap\":false,\"messages\":[]}");
    end_hub();
}
END_TEST

START_TEST(who_leaves_while_he_waits_is_forgotten) /* W9, A3 */
{
    begin_clients();
    ask("/poll/t?after=e-0", "");
    bight_string_reset(peer, 0);
    settle();
    publish("1");
    bight_testing_advance(reactor, 30);
    end_hub();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_stream_has_messages_with_their_ids);
    tcase_add_test(tests, a_stream_goes_on_where_the_client_says_it_was);
    tcase_add_test(tests, a_client_that_has_left_is_not_told);
    tcase_add_test(tests, a_hub_that_ends_ends_its_streams_whole);
    tcase_add_test(tests, a_slow_client_gets_all_of_it_later);
    tcase_add_test(tests, a_slow_client_is_dropped_unless_it_is_to_be_skipped);
    tcase_add_test(tests, a_hub_may_end_when_it_has_just_dropped_a_client);
    tcase_add_test(tests, middleware_may_free_the_hub_when_a_stream_begins);
    tcase_add_loop_test(tests, a_topic_that_is_none_is_not_answered_for_the_program, 0, 2);
    tcase_add_test(tests, who_asks_for_the_head_has_no_stream);
    tcase_add_test(tests, a_first_poll_says_where_the_topic_stands);
    tcase_add_test(tests, a_poll_waits_until_there_is_something);
    tcase_add_test(tests, a_poll_without_anything_is_answered_in_the_end);
    tcase_add_test(tests, a_poll_has_all_that_came_meanwhile_and_what_comes_at_the_same_time);
    tcase_add_test(tests, a_poll_is_told_of_a_gap);
    tcase_add_test(tests, a_poll_has_so_much_and_the_next_one_more);
    tcase_add_test(tests, a_port_that_is_drained_does_not_wait_for_polls);
    tcase_add_test(tests, a_poll_at_a_port_that_is_drained_is_told_of_a_gap_too);
    tcase_add_test(tests, a_hub_that_ends_answers_polls);
    tcase_add_test(tests, who_leaves_while_he_waits_is_forgotten);
}

BIGHT_TEST_MAIN("http_hub_clients", add_tests)
