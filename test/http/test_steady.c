/* SPDX-License-Identifier: MIT */
/* Tests of what a request costs in steady state (H7): allocations, receives, sends, counted on a real socket. */
#include <bight/testing/trial.h>

#include "counted_calls.h"
#include "site_support.h"

#define GET "GET /users/7 HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
#define ROUNDS 100
#define WARM 10

/* ----------------------------------------------------------------------------------------------- the client */

static const char *question;
static size_t question_size, answer_size, taken, rounds, allocations;

static void ask(struct bight_protocol *client)
{
    taken = 0;
    (void)bight_transport_write(client->transport, question, question_size);
}

static void client_received(struct bight_protocol *client, const uint8_t *data, size_t size)
{
    (void)data;
    taken += size;
    if (taken < answer_size) {
        return;
    }
    if (++rounds == WARM) {
        allocations = bight_testing_allocation_count();
        receives = sends = 0;
    } else if (rounds == WARM + ROUNDS) {
        allocations = bight_testing_allocation_count() - allocations;
        (void)bight_reactor_stop(bight_transport_reactor(client->transport));
        return;
    }
    ask(client);
}

static const struct bight_protocol_ops client_ops = { .connection_made = ask, .data_received = client_received };
static struct bight_factory client_factory = BIGHT_FACTORY(struct bight_protocol, &client_ops);

/* ------------------------------------------------------------------------------------------------- the server */

static void show_user(struct bight_http_request *request, void *context)
{
    (void)context;
    watched = bight_transport_descriptor(bight_http_request_transport(request));
    (void)bight_http_request_parameter(request, "id");
    (void)bight_http_request_field(request, "User-Agent");
    struct bight_promise promise;
    bight_deferred_release(
        bight_deferred_tie(bight_deferred_new(&promise, NULL, NULL), bight_http_request_owner(request)));
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void has_been_collected(struct bight_result *result, void *context)
{
    watched = bight_transport_descriptor(bight_http_request_transport(context));
    (void)bight_http_respond_bytes(context, 200, "text/plain", result->value);
    bight_result_discard(result);
}

static void collect(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_collect(request, 0);
    ck_assert_int_eq(bight_deferred_add_both(deferred, has_been_collected, request), 0);
    bight_deferred_release(deferred);
}

#define ONE_ANSWER                                                                        \
    (sizeof "HTTP/1.1 200 OK\r\nDate: Sun, 09 Sep 2001 01:46:41 GMT\r\n"                  \
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nHello" - \
        1)

static bool has_middleware;

static void use_middleware(void)
{
    const struct bight_http_access_log_options log = { .size = sizeof log, .path = "/dev/null" };
    if (has_middleware) {
        ck_assert_int_eq(bight_http_use_access_log(site, &log), 0);
        ck_assert_int_eq(bight_http_use_request_id(site, NULL), 0);
        ck_assert_int_eq(bight_http_use_limits(site, NULL), 0);
    }
}

/* Asks `text` in one write, over and over; each returns so many bytes of answers. */
static void run(const char *text, size_t size)
{
    begin_counting();
    struct bight_reactor_options options = { .size = sizeof options, .system = &counting, .leave_signals = true };
    rounds = 0;
    question = text;
    question_size = strlen(text);
    answer_size = size;
    reactor = bight_reactor_new_full(&options);
    site = bight_http_site_new();
    const struct bight_http_route_options timed = { .size = sizeof timed, .seconds = 10 };
    ck_assert_int_eq(bight_http_route_full(site, "GET /users/{id}", show_user, NULL, NULL, &timed), 0);
    add_route("/collect", collect);
    use_middleware();
    struct bight_deferred *listening =
        bight_listen(reactor, "tcp:0:interface=127.0.0.1", bight_http_site_factory(site));
    struct bight_port *port = bight_expect_value(listening, &bight_type_port);
    struct bight_address address;
    char endpoint[64];
    ck_assert_int_eq(bight_port_address(port, &address), 0);
    (void)snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", address.port);
    bight_deferred_release(listening);
    bight_deferred_release(bight_connect(reactor, endpoint, &client_factory));
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_uint_eq(rounds, WARM + ROUNDS);
    bight_port_release(port);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
}

START_TEST(a_request_costs_one_receive_one_send_and_no_allocation) /* H7 */
{
    bight_testing_count_allocations(true);
    run(GET, ONE_ANSWER);
    ck_assert_uint_eq(receives, ROUNDS);
    ck_assert_uint_eq(sends, ROUNDS);
    ck_assert_uint_eq(allocations, 0);
}
END_TEST

START_TEST(pipelined_ones_share_them) /* H7, H4 */
{
    bight_testing_count_allocations(true);
    run(GET GET GET GET GET GET GET GET, 8 * ONE_ANSWER);
    ck_assert_uint_eq(receives, ROUNDS);
    ck_assert_uint_eq(sends, ROUNDS);
    ck_assert_uint_eq(allocations, 0);
}
END_TEST

START_TEST(a_body_that_came_with_its_head_costs_no_more_calls) /* H7 */
{
    bight_testing_count_allocations(true);
    run("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345", ONE_ANSWER - 15);
    ck_assert_uint_eq(receives, ROUNDS);
    ck_assert_uint_eq(sends, ROUNDS);
}
END_TEST

START_TEST(middleware_costs_no_more_calls_and_no_allocation) /* H7, A6 */
{
    has_middleware = true;
    bight_testing_count_allocations(true);
    run(GET, ONE_ANSWER + sizeof "X-Request-ID: 0123456789abcdef0123456789abcdef\r\n" - 1);
    ck_assert_uint_eq(receives, ROUNDS);
    ck_assert_uint_eq(sends, ROUNDS);
    ck_assert_uint_eq(allocations, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_request_costs_one_receive_one_send_and_no_allocation);
    tcase_add_test(tests, pipelined_ones_share_them);
    tcase_add_test(tests, middleware_costs_no_more_calls_and_no_allocation);
    tcase_add_test(tests, a_body_that_came_with_its_head_costs_no_more_calls);
}

BIGHT_TEST_MAIN("http_steady", add_tests)
