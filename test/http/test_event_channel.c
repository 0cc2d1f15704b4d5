/* SPDX-License-Identifier: MIT */
/* Tests of channels: the same events to many (bight/protocols/http_events.h). */
#include "events_support.h"

#define MANY 1000

static struct bight_http_event_channel *channel;
static struct bight_string_peer *peers[MANY];

static void join(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_event_channel_add(channel, bight_http_respond_events(request, &event_options));
}

static void begin_channel(void)
{
    begin_events();
    channel = bight_http_event_channel_new();
    ck_assert_ptr_nonnull(channel);
    add_route("/join", join);
}

/* The last one that has joined is `peer`. */
static struct bight_string_peer *add_listener(void)
{
    connect_peer();
    say("GET /join HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_string_clear(peer);
    return peer;
}

static void add_listeners(size_t count)
{
    bight_string_peer_free(peer);
    for (size_t i = 0; i < count; i++) {
        peers[i] = add_listener();
    }
    peer = NULL;
}

static const char *heard_by(size_t which)
{
    settle();
    peer = peers[which];
    const char *heard = take_events();
    peer = NULL;
    return heard;
}

static void end_channel(size_t count)
{
    bight_http_event_channel_free(channel);
    settle();
    for (size_t i = 0; i < count; i++) {
        bight_string_peer_free(peers[i]);
    }
    end_events();
}

START_TEST(all_get_the_same) /* A13 */
{
    begin_channel();
    add_listeners(3);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 3);
    struct bight_http_event *event = bight_http_event_new("1", "a", "b", 1);
    ck_assert_int_eq(bight_http_event_channel_send(channel, event), 0);
    bight_http_event_release(event);
    ck_assert_int_eq(bight_http_event_channel_send_text(channel, NULL, "c"), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(heard_by(i), "id: 1\nevent: a\ndata: b\n\ndata: c\n\n");
    }
    end_channel(3);
}
END_TEST

START_TEST(an_event_to_a_thousand_is_written_down_once) /* A13 */
{
    bight_testing_count_allocations(true);
    begin_channel();
    add_listeners(MANY);
    for (int round = 0; round < 3; round++) {
        bight_testing_count_allocations(true);
        ck_assert_int_eq(bight_http_event_channel_send_text(channel, "price", "42"), 0);
        size_t allocations = bight_testing_allocation_count();
        bight_testing_count_allocations(false);
        settle();
        for (size_t i = 0; i < MANY; i++) {
            ck_assert_str_eq(heard_by(i), "event: price\ndata: 42\n\n");
        }
        ck_assert_uint_le(allocations, round == 0 ? MANY : 1); /* at first what gathers their output is made, too */
    }
    end_channel(MANY);
}
END_TEST

START_TEST(who_leaves_is_no_more_in_the_channel) /* A3, A13 */
{
    begin_channel();
    add_listeners(3);
    bight_string_reset(peers[1], 0);
    ck_assert_uint_eq(ended, 1);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 2);
    bight_string_end(peers[2]);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 1);
    ck_assert_int_eq(bight_http_event_channel_send_text(channel, NULL, "x"), 0);
    ck_assert_str_eq(heard_by(0), "data: x\n\n");
    bight_string_reset(peers[0], 0);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 0);
    end_channel(3);
}
END_TEST

/* The others get all, and the slow one costs no more than its limit. */
START_TEST(a_slow_one_does_not_hold_up_the_others) /* A13 */
{
    static char text[1001];
    begin_channel();
    add_listeners(2);
    memset(text, 'x', sizeof text - 1);
    bight_string_set_window(peers[0], 0);
    for (int i = 0; i < 400; i++) {
        ck_assert_int_eq(bight_http_event_channel_send_text(channel, NULL, text), 0);
        settle();
    }
    ck_assert_uint_eq(ended, 1);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 1);
    ck_assert_uint_eq(count_of(heard_by(1), "data: xxx"), 400);
    end_channel(2);
}
END_TEST

START_TEST(closing_ends_them_and_others_may_join) /* A13 */
{
    begin_channel();
    add_listeners(2);
    bight_http_event_channel_close(channel);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(heard_by(i), "");
        bight_string_peer_free(peers[i]);
    }
    ck_assert_uint_eq(ended, 0);
    add_listeners(1);
    ck_assert_int_eq(bight_http_event_channel_send_text(channel, NULL, "x"), 0);
    ck_assert_str_eq(heard_by(0), "data: x\n\n");
    end_channel(1);
}
END_TEST

START_TEST(a_stream_is_in_one_channel) /* A13 */
{
    begin_channel();
    say(LISTEN);
    ck_assert_int_eq(bight_http_event_channel_add(channel, bight_http_event_stream_hold(stream)), 0);
    ck_assert_int_eq(bight_http_event_channel_add(channel, bight_http_event_stream_hold(stream)), BIGHT_E_USAGE);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 1);
    ck_assert_int_eq(bight_http_event_stream_close(stream), 0);
    ck_assert_uint_eq(bight_http_event_channel_size(channel), 0);
    ck_assert_int_eq(bight_http_event_channel_add(channel, bight_http_event_stream_hold(stream)), BIGHT_E_CLOSED);
    ck_assert_uint_eq(usage_errors, 1);
    end_channel(0);
}
END_TEST

START_TEST(the_channel_that_could_not_be_made_ends_streams)
{
    begin_events();
    say(LISTEN);
    bight_string_clear(peer);
    ck_assert_int_eq(bight_http_event_channel_add(NULL, stream), BIGHT_E_OUT_OF_MEMORY);
    settle();
    ck_assert_str_eq(take_answer(), "0\r\n\r\n");
    ck_assert_int_eq(bight_http_event_channel_add(NULL, NULL), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_event_channel_send(NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_event_channel_send_text(NULL, NULL, "x"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(bight_http_event_channel_size(NULL), 0);
    bight_http_event_channel_close(NULL);
    bight_http_event_channel_free(NULL);
    stream = NULL;
    end_events();
}
END_TEST

START_TEST(an_event_that_could_not_be_made_is_not_sent) /* A13 */
{
    begin_channel();
    add_listeners(1);
    ck_assert_int_eq(bight_http_event_channel_send(channel, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_event_channel_send_text(channel, NULL, "\xff"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_event_channel_send_text(channel, "\n", "x"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_str_eq(heard_by(0), "");
    end_channel(1);
}
END_TEST

static void free_it(struct bight_result *result, void *context)
{
    (void)context;
    bight_http_event_channel_free(channel);
    channel = NULL;
    bight_result_discard(result);
}

static void join_and_tie(struct bight_http_request *request, void *context)
{
    struct bight_promise promise;
    struct bight_deferred *tied = bight_deferred_new(&promise, NULL, NULL);
    ck_assert_int_eq(bight_deferred_add_both(tied, free_it, NULL), 0);
    bight_deferred_release(bight_deferred_tie(tied, bight_http_request_owner(request)));
    join(request, context);
}

/* What is tied to a request is cancelled inside. */
START_TEST(a_channel_may_be_freed_while_it_is_closed)
{
    begin_channel();
    add_route("/tied", join_and_tie);
    add_listeners(1);
    connect_peer();
    say("GET /tied HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_http_event_channel_close(channel);
    ck_assert_ptr_null(channel);
    end_channel(1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, all_get_the_same);
    tcase_add_test(tests, an_event_to_a_thousand_is_written_down_once);
    tcase_add_test(tests, who_leaves_is_no_more_in_the_channel);
    tcase_add_test(tests, a_slow_one_does_not_hold_up_the_others);
    tcase_add_test(tests, closing_ends_them_and_others_may_join);
    tcase_add_test(tests, a_stream_is_in_one_channel);
    tcase_add_test(tests, the_channel_that_could_not_be_made_ends_streams);
    tcase_add_test(tests, an_event_that_could_not_be_made_is_not_sent);
    tcase_add_test(tests, a_channel_may_be_freed_while_it_is_closed);
}

BIGHT_TEST_MAIN("http_event_channel", add_tests)
