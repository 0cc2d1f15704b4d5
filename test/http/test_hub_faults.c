/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused to a hub (W9, T15): each allocation fails once, and all from it on. What was
 * acknowledged gets to each listener once and in order, or he is told of a gap, or his connection has ended; what has
 * failed gets to none. */
#include "site_support.h"

static struct bight_http_hub *hub;
static unsigned acknowledged, refused, told, gaps;
static uint64_t last;

static void listen_by_events(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_hub_respond_events(hub, request, "t", NULL);
}

static void listen_by_polls(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_hub_respond_poll(hub, request, "t", 5);
}

static bool count_message(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    (void)subscription;
    (void)context;
    told += bight_http_hub_message_number(message) > last;
    last = bight_http_hub_message_number(message);
    return true;
}

static bool count_gap(struct bight_http_hub_subscription *subscription, const char *id, void *context)
{
    (void)subscription;
    (void)id;
    (void)context;
    gaps++;
    return true;
}

static const struct bight_http_hub_listener counting = {
    .size = sizeof counting, .message = count_message, .gap = count_gap
};

static void count_outcome(struct bight_result *result, void *context)
{
    (void)context;
    acknowledged += bight_result_failure(result) == NULL;
    refused += bight_result_failure(result) != NULL;
    bight_result_clear(result);
}

static void publish_some(void)
{
    for (int i = 0; i < 20; i++) {
        struct bight_deferred *published = bight_http_hub_publish(hub, "t", "hello", 5);
        (void)bight_deferred_add_both(published, count_outcome, NULL);
        bight_deferred_release(published);
    }
    bight_deferred_release(bight_http_hub_publish(hub, "other", "hello", 5));
}

static bool set_up(void)
{
    const struct bight_http_hub_options options = { .size = sizeof options, .epoch = "e", .max_messages = 10 };
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    hub = reactor != NULL ? bight_http_hub_new(reactor, &options) : NULL;
    acknowledged = refused = told = gaps = 0;
    last = 0;
    bool is_fine = hub != NULL && bight_http_route(site, "GET /events", listen_by_events, NULL) == BIGHT_OK &&
                   bight_http_route(site, "GET /poll", listen_by_polls, NULL) == BIGHT_OK;
    peer = is_fine ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    return peer != NULL;
}

static bool play(void *context)
{
    bool good = true;
    (void)context;
    if (set_up()) {
        struct bight_string_peer *events = bight_string_connect(reactor, bight_http_site_factory(site), true);
        struct bight_http_hub_subscription *listener = bight_http_hub_subscribe(hub, "t", NULL, &counting, NULL, NULL);
        (void)bight_string_feed_text(peer, "GET /poll?after=e-0 HTTP/1.1\r\nHost: x\r\n\r\n");
        if (events != NULL) {
            (void)bight_string_feed_text(events, "GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: f-1\r\n\r\n");
        }
        (void)bight_testing_settle(reactor, 1000);
        publish_some();
        (void)bight_testing_settle(reactor, 1000);
        good = (listener == NULL || gaps > 0 || told >= acknowledged) && told + refused <= 20;
        bight_http_hub_unsubscribe(listener);
        bight_testing_advance(reactor, 700);
        publish_some();
        good = good && (bight_testing_fault_injected() || (told == 20 && acknowledged == 40 && gaps == 0));
        bight_string_peer_free(events);
    }
    bight_http_hub_free(hub);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    hub = NULL;
    return good;
}

START_TEST(every_allocation_of_a_hub_may_fail) /* W9, T15 */
{
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_allocation_of_a_hub_may_fail);
}

BIGHT_TEST_MAIN("http_hub_faults", add_tests)
