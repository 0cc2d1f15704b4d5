/* SPDX-License-Identifier: MIT */
/* Tests of what a message of a WebSocket costs in steady state (W1): allocations, receives, sends, counted on a real
 * socket. */
#include <bight/testing/trial.h>

#include "counted_calls.h"
#include "ws_support.h"

#define ROUNDS 100
#define WARM 10

/* ----------------------------------------------------------------------------------------------- the client */

static size_t rounds, allocations, wanted, expected;
static char text[4000];

static void ask(struct bight_websocket *socket)
{
    size_t messages = wanted;
    expected = messages;
    for (size_t i = 0; i < messages; i++) {
        ck_assert_int_eq(bight_websocket_send_text(socket, text, i % 2 == 0 ? 10 : sizeof text), 0);
    }
}

static void begin_asking(struct bight_websocket *socket, struct bight_http_request *request)
{
    (void)request;
    ask(socket);
}

static void heard(struct bight_websocket *socket, const char *data, size_t size)
{
    (void)data;
    (void)size;
    if (--expected > 0) {
        return;
    }
    if (++rounds == WARM) {
        allocations = bight_testing_allocation_count();
        receives = sends = 0;
    } else if (rounds == WARM + ROUNDS) {
        allocations = bight_testing_allocation_count() - allocations;
        (void)bight_reactor_stop(bight_websocket_reactor(socket));
        return;
    }
    ask(socket);
}

static const struct bight_websocket_ops client_ops = { .opened = begin_asking, .text_received = heard };
static struct bight_websocket_factory client_factory = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &client_ops);

/* ----------------------------------------------------------------------------------------------- the server */

static void watch(struct bight_websocket *socket, struct bight_http_request *request)
{
    (void)request;
    watched = bight_transport_descriptor(bight_websocket_transport(socket));
}

static void echo(struct bight_websocket *socket, const char *data, size_t size)
{
    ck_assert_int_eq(bight_websocket_send_text(socket, data, size), 0);
}

static const struct bight_websocket_ops echo_ops = { .opened = watch, .text_received = echo };
static struct bight_websocket_factory echoes = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &echo_ops);

static void run(size_t messages)
{
    struct bight_port *port;
    char url[64];
    begin_counting();
    struct bight_reactor_options options = { .size = sizeof options, .system = &counting, .leave_signals = true };
    rounds = 0;
    wanted = messages;
    memset(text, 'x', sizeof text);
    reactor = bight_reactor_new_full(&options);
    site = bight_http_site_new();
    (void)snprintf(url, sizeof url, "ws://127.0.0.1:%u/echo", (unsigned)ws_listen("/echo", &echoes, &port));
    bight_deferred_release(bight_websocket_connect(reactor, url, &client_factory, NULL));
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_uint_eq(rounds, WARM + ROUNDS);
    bight_port_release(port);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
}

START_TEST(an_echo_costs_one_receive_one_send_and_no_allocation) /* W1 */
{
    bight_testing_count_allocations(true);
    run(1);
    ck_assert_uint_eq(receives, ROUNDS);
    ck_assert_uint_eq(sends, ROUNDS);
    ck_assert_uint_eq(allocations, 0);
}
END_TEST

START_TEST(messages_that_come_together_share_them) /* W1 */
{
    bight_testing_count_allocations(true);
    run(8);
    ck_assert_uint_eq(receives, ROUNDS);
    ck_assert_uint_eq(sends, ROUNDS);
    ck_assert_uint_eq(allocations, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_echo_costs_one_receive_one_send_and_no_allocation);
    tcase_add_test(tests, messages_that_come_together_share_them);
}

BIGHT_TEST_MAIN("http_ws_steady", add_tests)
