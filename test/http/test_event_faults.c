/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused while events are sent (A13, T15): each allocation fails once, and all from it on.
 * What a client reads is whole events, and then the end of the stream or of the connection. */
#include "site_support.h"

#define LISTEN "GET /join HTTP/1.1\r\nHost: x\r\n\r\n"

static struct bight_http_event_channel *channel;
static unsigned begun, ended;

static void has_gone(struct bight_http_event_stream *stream, void *context)
{
    (void)stream;
    (void)context;
    ended++;
}

static void join(struct bight_http_request *request, void *context)
{
    static const struct bight_http_event_options options = {
        .size = sizeof options, .retry = 1000, .limit = 1, .policy = BIGHT_HTTP_EVENT_SKIP, .gone = has_gone
    };
    (void)context;
    (void)bight_http_request_last_event_id(request);
    struct bight_http_event_stream *stream = bight_http_respond_events(request, &options);
    begun += stream != NULL;
    (void)bight_http_event_stream_send_text(stream, "welcome", "hello");
    (void)bight_http_event_stream_send_comment(stream, "hello");
    (void)bight_http_event_channel_add(channel, stream);
}

static bool set_up(void)
{
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    channel = bight_http_event_channel_new();
    begun = ended = 0;
    bool is_fine = reactor != NULL && channel != NULL && bight_http_route(site, "GET /join", join, NULL) == BIGHT_OK;
    peer = is_fine ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    return peer != NULL;
}

/* Large ones, small ones, more than the client takes, and the end of it. */
static void publish(void)
{
    static char text[30001];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 5; i++) {
        (void)bight_http_event_channel_send_text(channel, NULL, text);
        (void)bight_http_event_channel_send_text(channel, "small", "y");
    }
}

static bool play(void *context)
{
    bool good = true;
    (void)context;
    if (set_up()) {
        (void)bight_string_feed_text(peer, LISTEN);
        publish();
        bight_string_set_window(peer, 0);
        publish();
        (void)bight_testing_settle(reactor, 1000);
        bight_string_set_window(peer, SIZE_MAX);
        (void)bight_testing_settle(reactor, 1000);
        bight_testing_advance(reactor, 16);
        bight_http_event_channel_close(channel);
        (void)bight_testing_settle(reactor, 1000);
        const char *written = bight_string_written_text(peer);
        good = bight_testing_fault_injected() ||
               (written != NULL && begun == 1 && ended == 0 && strstr(written, "event: gap\n") != NULL &&
                   strstr(written, ":\n\n") != NULL && strstr(written, "0\r\n\r\n") != NULL);
    }
    bight_http_event_channel_free(channel);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    return good && ended <= begun;
}

START_TEST(every_allocation_of_a_stream_may_fail) /* A13, T15 */
{
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_allocation_of_a_stream_may_fail);
}

BIGHT_TEST_MAIN("http_event_faults", add_tests)
