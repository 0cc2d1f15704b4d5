/* SPDX-License-Identifier: MIT */
/* Tests of clients that do not take a stream of events as it comes (A13): what waits for them is bounded. */
#include "events_support.h"

#define PIECE 1000 /* bytes of an event */

static char text[PIECE - 8 + 1];

/* A client that takes nothing from now on, of a stream with the options. */
static void go_slowly(enum bight_http_event_policy policy)
{
    event_options.policy = policy;
    memset(text, 'x', sizeof text - 1);
    say(LISTEN);
    bight_string_clear(peer);
    bight_string_set_window(peer, 0);
}

/* How many of `count` events were not refused. */
static size_t send_events(size_t count)
{
    size_t sent = 0;
    for (size_t i = 0; i < count; i++) {
        sent += bight_http_event_stream_send_text(stream, NULL, text) == 0;
    }
    return sent;
}

/* What it gets when it reads again. */
static const char *read_again(void)
{
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    return take_events();
}

START_TEST(a_client_that_takes_nothing_is_dropped) /* A13 */
{
    begin_events();
    event_options.limit = 1; /* the least */
    go_slowly(BIGHT_HTTP_EVENT_DROP_CLIENT);
    size_t sent = send_events(1000);
    ck_assert_uint_ge(sent, 65);
    ck_assert_uint_lt(sent, 70);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), BIGHT_E_CLOSED);
    ck_assert_uint_eq(ended, 0); /* not inside the program's call */
    settle();
    ck_assert_uint_eq(ended, 1);
    ck_assert(bight_string_was_reset(peer));
    end_events();
}
END_TEST

START_TEST(events_are_skipped_until_the_client_has_caught_up) /* A13 */
{
    begin_events();
    event_options.limit = 1; /* the least */
    go_slowly(BIGHT_HTTP_EVENT_SKIP);
    size_t sent = send_events(1000);
    ck_assert_uint_lt(sent, 70);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "x"), BIGHT_E_OVERFLOW);
    ck_assert_int_eq(bight_http_event_stream_send_comment(stream, "x"), BIGHT_E_OVERFLOW);
    char gap[64];
    (void)snprintf(gap, sizeof gap, "event: gap\ndata: %zu\n\n", 1001 - sent); /* a comment is no event */
    const char *got = read_again();
    ck_assert_uint_eq(count_of(got, "data: xxx"), sent);
    ck_assert_str_eq(got + sent * PIECE, gap);
    ck_assert_int_eq(bight_http_event_stream_send_text(stream, NULL, "again"), 0);
    settle();
    ck_assert_str_eq(take_events(), "data: again\n\n");
    ck_assert_uint_eq(ended, 0);
    end_events();
}
END_TEST

START_TEST(the_program_may_say_itself_what_was_missed) /* A13 */
{
    begin_events();
    event_options.limit = 1;
    event_options.caught_up = has_caught_up;
    go_slowly(BIGHT_HTTP_EVENT_SKIP);
    size_t sent = send_events(100);
    ck_assert_uint_eq(caught_up, 0);
    const char *got = read_again();
    ck_assert_uint_eq(caught_up, 1);
    ck_assert_uint_eq(missed, 100 - sent);
    ck_assert_str_eq(got + sent * PIECE, "event: sorry\ndata: again\n\n");
    end_events();
}
END_TEST

/* What has gathered in a turn has not been refused by anybody yet. */
START_TEST(a_burst_is_no_slowness) /* T6, A13 */
{
    begin_events();
    memset(text, 'x', sizeof text - 1);
    say(LISTEN);
    bight_string_clear(peer);
    ck_assert_uint_eq(send_events(500), 500);
    settle();
    ck_assert_uint_eq(count_of(take_events(), "data: xxx"), 500);
    end_events();
}
END_TEST

START_TEST(more_may_wait_when_it_is_told_so) /* A13 */
{
    static const size_t limits[] = { 0, 300000 }, events[] = { 261, 298 };
    for (size_t i = 0; i < 2; i++) {
        begin_events();
        event_options.limit = limits[i];
        go_slowly(BIGHT_HTTP_EVENT_DROP_CLIENT);
        size_t sent = send_events(1000);
        ck_assert_uint_ge(sent, events[i]);
        ck_assert_uint_lt(sent, events[i] + 3);
        settle();
        ck_assert_uint_eq(ended, 1);
        end_events();
    }
}
END_TEST

/* What waits is sign enough; and it is counted against the rate at which a client has to read (H3). */
START_TEST(nothing_is_added_for_a_client_that_takes_nothing) /* H3, A13 */
{
    begin_events();
    event_options.limit = 1; /* the least */
    go_slowly(BIGHT_HTTP_EVENT_SKIP);
    send_events(1000);
    settle();
    size_t queued = bight_transport_queued(bight_http_request_transport(bight_http_event_stream_request(stream)));
    bight_testing_advance(reactor, 25);
    ck_assert_uint_eq(
        bight_transport_queued(bight_http_request_transport(bight_http_event_stream_request(stream))), queued);
    bight_testing_advance(reactor, 40);
    ck_assert_uint_eq(ended, 1);
    end_events();
}
END_TEST

START_TEST(a_client_may_leave_while_it_is_behind) /* A3, A13 */
{
    begin_events();
    event_options.limit = 1;
    event_options.caught_up = has_caught_up;
    go_slowly(BIGHT_HTTP_EVENT_SKIP);
    send_events(1000);
    settle();
    bight_string_reset(peer, 0);
    ck_assert_uint_eq(ended, 1);
    ck_assert_uint_eq(caught_up, 0);
    end_events();
}
END_TEST

static void close_it(struct bight_http_event_stream *which, uint64_t events, void *context)
{
    (void)events;
    (void)context;
    ck_assert_int_eq(bight_http_event_stream_close(which), 0);
    bight_http_event_stream_release(which);
    stream = NULL;
    caught_up++;
}

START_TEST(anything_may_be_done_when_it_has_caught_up) /* A13 */
{
    begin_events();
    event_options.caught_up = close_it;
    go_slowly(BIGHT_HTTP_EVENT_SKIP);
    send_events(1000);
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    ck_assert_uint_eq(caught_up, 1);
    ck_assert_uint_eq(ended, 0);
    ck_assert_ptr_nonnull(strstr(take_answer(), "\r\n0\r\n\r\n"));
    end_events();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_client_that_takes_nothing_is_dropped);
    tcase_add_test(tests, events_are_skipped_until_the_client_has_caught_up);
    tcase_add_test(tests, the_program_may_say_itself_what_was_missed);
    tcase_add_test(tests, a_burst_is_no_slowness);
    tcase_add_test(tests, more_may_wait_when_it_is_told_so);
    tcase_add_test(tests, nothing_is_added_for_a_client_that_takes_nothing);
    tcase_add_test(tests, a_client_may_leave_while_it_is_behind);
    tcase_add_test(tests, anything_may_be_done_when_it_has_caught_up);
}

BIGHT_TEST_MAIN("http_event_flow", add_tests)
