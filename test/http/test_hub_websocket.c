/* SPDX-License-Identifier: MIT */
/* Tests of a hub's sockets (protocols/http/hub/listen_websocket.c): what they are told, slow ones, either end that goes
 * first, and memory that is refused. */
#include "hub_support.h"
#include "ws_support.h"

struct visitor {
    struct bight_websocket base;
    struct bight_http_hub_subscription *subscription;
};

static unsigned visitors; /* that are subscribed */

static void come(struct bight_websocket *socket, struct bight_http_request *request)
{
    int code;
    struct visitor *visitor = bight_websocket_self(struct visitor, socket);
    visitor->subscription =
        bight_http_hub_subscribe_websocket(hub, "t", bight_http_request_query(request, "after"), socket, &code);
    visitors += visitor->subscription != NULL;
    if (visitor->subscription == NULL) {
        (void)bight_websocket_close(socket, BIGHT_WEBSOCKET_INTERNAL_ERROR, NULL);
    }
}

static void find_room(struct bight_websocket *socket)
{
    bight_http_hub_resume(bight_websocket_self(struct visitor, socket)->subscription);
}

static void leave(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    struct visitor *visitor = bight_websocket_self(struct visitor, socket);
    (void)code;
    (void)reason;
    (void)clean;
    visitors -= visitor->subscription != NULL;
    bight_http_hub_unsubscribe(visitor->subscription);
}

static const struct bight_websocket_ops visitor_ops = { .opened = come, .room = find_room, .closed = leave };
static struct bight_websocket_options socket_options;
static struct bight_websocket_factory factory =
    BIGHT_WEBSOCKET_FACTORY_FULL(struct visitor, &visitor_ops, &socket_options);

static void begin(void)
{
    socket_options = (struct bight_websocket_options) { .size = sizeof socket_options };
    visitors = 0;
    begin_hub();
    ck_assert_int_eq(bight_websocket_route(site, "/ws", &factory), 0);
}

static void open_socket(const char *request)
{
    connect_peer();
    (void)say(request);
    settle();
}

/* Behind the handshake. */
#define WAS_TOLD(text) WS_WROTE(WS_ANSWER "\r\n" text)

/* ------------------------------------------------------------------------------------------- told */

START_TEST(a_socket_is_told_of_messages_from_now_on) /* W9 */
{
    begin();
    publish("before");
    open_socket(WS_REQUEST("/ws", ""));
    publish("hello");
    publish("a\"b");
    settle();
    WAS_TOLD("\x81\x1b{\"id\":\"e-2\",\"text\":\"hello\"}"
             "\x81\x1e{\"id\":\"e-3\",\"text\":\"a\\u0022b\"}");
    end_hub();
}
END_TEST

START_TEST(a_socket_goes_on_behind_the_id_that_it_names) /* W9 */
{
    begin();
    publish("one");
    publish("two");
    open_socket(WS_REQUEST("/ws?after=e-1", ""));
    WAS_TOLD("\x81\x19{\"id\":\"e-2\",\"text\":\"two\"}");
    end_hub();
}
END_TEST

START_TEST(a_socket_is_told_of_a_gap) /* W9 */
{
    begin();
    publish("one");
    open_socket(WS_REQUEST("/ws?after=f-1", ""));
    WAS_TOLD("\x81\x17{\"id\":\"e-0\",\"gap\":true}\x81\x19{\"id\":\"e-1\",\"text\":\"one\"}");
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- ends */

START_TEST(a_hub_that_ends_closes_its_sockets) /* W9 */
{
    begin();
    open_socket(WS_REQUEST("/ws", ""));
    bight_http_hub_free(hub);
    hub = NULL;
    settle();
    WAS_TOLD("\x88\x02\x03\xe9");
    ck_assert_uint_eq(visitors, 1);
    ws_say_frame(WS_CLOSE, "\x03\xe9", 2);
    bight_string_end(peer);
    settle();
    ck_assert_uint_eq(visitors, 0);
    end_hub();
}
END_TEST

START_TEST(a_hub_may_end_together_with_the_reactor_of_its_sockets) /* W9 */
{
    begin();
    open_socket(WS_REQUEST("/ws", ""));
    bight_http_hub_free(hub);
    hub = NULL;
    end_site();
    ck_assert_uint_eq(visitors, 0);
}
END_TEST

START_TEST(a_socket_that_has_gone_is_not_told) /* W9 */
{
    begin();
    open_socket(WS_REQUEST("/ws", ""));
    bight_string_reset(peer, 0);
    publish("meanwhile");
    settle();
    ck_assert_uint_eq(visitors, 0);
    publish("afterwards");
    settle();
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- slow sockets */

/* Each once, and no gap. */
static void check_has_all(int count)
{
    char part[40];
    settle();
    const char *answer = take_answer();
    for (int i = 1; i <= count; i++) {
        (void)snprintf(part, sizeof part, "{\"id\":\"e-%d\",", i);
        ck_assert_uint_eq(count_of(answer, part), 1);
    }
    ck_assert_uint_eq(count_of(answer, "\"gap\""), 0);
}

START_TEST(a_slow_socket_that_is_skipped_gets_all_of_it_later) /* W5, W9 */
{
    begin();
    socket_options.skip_slow = true;
    socket_options.slow_limit = (size_t[]) { 1, 100000, 0 }[_i];
    open_socket(WS_REQUEST("/ws", ""));
    bight_string_set_window(peer, 0);
    publish_large(10, true);
    bight_string_set_window(peer, SIZE_MAX);
    check_has_all(10);
    end_hub();
}
END_TEST

/* What a turn writes is queued, though the client takes all of it, and then there is nothing that tells of room. */
START_TEST(a_fast_socket_that_comes_back_for_more_than_may_wait_gets_all_of_it) /* W5, W9 */
{
    static char text[1101]; /* none of the frames' lengths has a NUL */
    memset(text, 'x', sizeof text - 1);
    begin();
    socket_options.skip_slow = true;
    socket_options.slow_limit = 1;
    for (int i = 0; i < 300; i++) {
        publish(text);
    }
    open_socket(WS_REQUEST("/ws?after=e-0", ""));
    check_has_all(300);
    end_hub();
}
END_TEST

START_TEST(a_slow_socket_is_dropped_unless_it_is_to_be_skipped) /* W5, W9 */
{
    begin();
    socket_options.slow_limit = 100000;
    open_socket(WS_REQUEST("/ws", ""));
    bight_string_set_window(peer, 0);
    publish_large(10, true);
    ck_assert(bight_string_is_closed(peer));
    ck_assert_uint_eq(visitors, 0);
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- memory */

static unsigned acknowledged;

static void count_outcome(struct bight_result *result, void *context)
{
    (void)context;
    acknowledged += bight_result_failure(result) == NULL;
    bight_result_clear(result);
}

static bool set_up(void)
{
    static const struct bight_http_hub_options options = { .size = sizeof options, .epoch = "e" };
    socket_options = (struct bight_websocket_options) { .size = sizeof socket_options, .skip_slow = true };
    socket_options.slow_limit = 1;
    acknowledged = visitors = 0;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    hub = reactor != NULL ? bight_http_hub_new(reactor, &options) : NULL;
    bool is_fine = hub != NULL && bight_websocket_route(site, "/ws", &factory) == BIGHT_OK;
    peer = is_fine ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    return peer != NULL;
}

static void publish_some(void)
{
    static char text[30000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 6; i++) {
        struct bight_deferred *published = bight_http_hub_publish(hub, "t", text, sizeof text);
        (void)bight_deferred_add_both(published, count_outcome, NULL);
        bight_deferred_release(published);
    }
    (void)bight_testing_settle(reactor, 1000);
}

/* A client that is still there has got what was acknowledged. */
static bool has_all(void)
{
    size_t size, got = 0;
    const char *written = (const char *)bight_string_written(peer, &size), *end = written + size;
    if (visitors == 0 || bight_string_is_closed(peer)) {
        return true;
    }
    while ((written = memmem(written, (size_t)(end - written), "\",\"text\":", 9)) != NULL) {
        written += 9;
        got++;
    }
    return got >= acknowledged;
}

static bool play(void *context)
{
    bool is_good = true;
    (void)context;
    if (set_up()) {
        (void)bight_string_feed_text(peer, WS_REQUEST("/ws?after=f-7", ""));
        (void)bight_testing_settle(reactor, 1000);
        publish_some();
        bight_string_set_window(peer, 0);
        publish_some();
        bight_string_set_window(peer, SIZE_MAX);
        (void)bight_testing_settle(reactor, 1000);
        is_good = has_all() && (bight_testing_fault_injected() || (acknowledged == 12 && visitors == 1));
    }
    bight_http_hub_free(hub);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    hub = NULL;
    return is_good && visitors == 0;
}

START_TEST(every_allocation_of_a_hubs_socket_may_fail) /* W9, T15 */
{
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_socket_is_told_of_messages_from_now_on);
    tcase_add_test(tests, a_socket_goes_on_behind_the_id_that_it_names);
    tcase_add_test(tests, a_socket_is_told_of_a_gap);
    tcase_add_test(tests, a_hub_that_ends_closes_its_sockets);
    tcase_add_test(tests, a_hub_may_end_together_with_the_reactor_of_its_sockets);
    tcase_add_test(tests, a_socket_that_has_gone_is_not_told);
    tcase_add_loop_test(tests, a_slow_socket_that_is_skipped_gets_all_of_it_later, 0, 3);
    tcase_add_test(tests, a_fast_socket_that_comes_back_for_more_than_may_wait_gets_all_of_it);
    tcase_add_test(tests, a_slow_socket_is_dropped_unless_it_is_to_be_skipped);
    tcase_add_test(tests, every_allocation_of_a_hubs_socket_may_fail);
}

BIGHT_TEST_MAIN("http_hub_websocket", add_tests)
