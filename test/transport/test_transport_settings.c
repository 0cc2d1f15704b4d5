/* SPDX-License-Identifier: MIT */
/* Everything that can be asked of a connection, one asking at a time: on a fresh connection, on one that has ended, and
 * on one while memory runs out at each place in turn. Then it either was done or answers OUT_OF_MEMORY with nothing
 * changed, and the connection goes on. */
#include "transport_support.h"

#include <errno.h>
#include <math.h>

#include <bight/bytes.h>

#include <bight/log.h>

static void nothing(void *context)
{
    (void)context;
}

static const struct bight_producer_ops quiet_ops = { .pause = nothing, .resume = nothing, .stop = nothing };
static const struct bight_producer_ops silent_ops = { .pause = NULL };
static char large[200000];
static int released;

static int write_small(void)
{
    return bight_transport_write(transport, "hello", 5);
}

static int write_large(void)
{
    return bight_transport_write(transport, large, sizeof large);
}

/* More than the window takes. */
static int write_stuck(void)
{
    bight_string_set_window(peer, 10);
    return bight_transport_write(transport, large, sizeof large);
}

static int write_sequence(void)
{
    struct iovec parts[20];
    for (size_t i = 0; i < 20; i++) {
        parts[i] = (struct iovec) { large + i, i == 3 ? 0 : 3000 };
    }
    return bight_transport_write_sequence(transport, parts, 20);
}

static int write_bytes(void)
{
    struct bight_bytes *bytes = bight_bytes_new("hello", 5);
    int code = bytes == NULL ? BIGHT_E_OUT_OF_MEMORY : bight_transport_write_bytes(transport, bytes);
    bight_bytes_release(bytes);
    return code;
}

static int write_lent(void)
{
    int before = released;
    int code = bight_transport_write_lent(transport, large, sizeof large, count_release, &released);
    ck_assert_int_eq(released, before); /* never inside the call */
    return code;
}

static int produce(void)
{
    return bight_transport_register_producer(transport, &quiet_ops, NULL, true);
}

static int produce_silently(void)
{
    int code = bight_transport_register_producer(transport, &silent_ops, NULL, true);
    if (code == BIGHT_OK) {
        (void)write_stuck();
        bight_string_set_window(peer, SIZE_MAX);
    }
    return code;
}

static int hold_input(void)
{
    int code = bight_transport_pause(transport);
    bight_string_feed_text(peer, "held");
    return code;
}

static int set_watermarks(void)
{
    return bight_transport_set_watermarks(transport, 10, 20);
}

static int set_backpressure(void)
{
    return bight_transport_set_backpressure(transport, false);
}

static int set_output_limit(void)
{
    return bight_transport_set_output_limit(transport, 1000000);
}

static int set_idle_timeout(void)
{
    return bight_transport_set_idle_timeout(transport, 5);
}

static int set_total_timeout(void)
{
    return bight_transport_set_total_timeout(transport, 5);
}

static int set_flush_timeout(void)
{
    return bight_transport_set_flush_timeout(transport, 5);
}

static int set_linger(void)
{
    return bight_transport_set_linger(transport, 1, 1000);
}

static int log_traffic(void)
{
    struct bight_layer *layer = bight_traffic_log_new("test", 100);
    int code = layer == NULL ? BIGHT_E_OUT_OF_MEMORY : bight_transport_push_layer(transport, layer);
    if (layer != NULL && code != BIGHT_OK) {
        layer->ops->free(layer); /* was not taken */
    }
    return code;
}

static int half_close(void)
{
    return bight_transport_lose_write(transport);
}

static int switch_protocol(void)
{
    struct bight_protocol *next = bight_protocol_new(&probe_factory);
    if (next == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bight_transport_switch_protocol(transport, next, "first", 5);
    if (code != BIGHT_OK) {
        bight_protocol_free(next);
    }
    return code;
}

static const struct asking {
    const char *name;
    int (*ask)(void);
    int ended; /* the answer after the end */
} askings[] = {
    { "write", write_small, BIGHT_E_CLOSED },
    { "a large write", write_large, BIGHT_E_CLOSED },
    { "a write that is stuck", write_stuck, BIGHT_E_CLOSED },
    { "a sequence", write_sequence, BIGHT_E_CLOSED },
    { "bytes", write_bytes, BIGHT_E_CLOSED },
    { "lent memory", write_lent, BIGHT_E_CLOSED },
    { "a producer", produce, BIGHT_E_CLOSED },
    { "a producer without functions", produce_silently, BIGHT_E_CLOSED },
    { "holding input", hold_input, BIGHT_E_CLOSED },
    { "watermarks", set_watermarks, BIGHT_E_CLOSED },
    { "backpressure", set_backpressure, BIGHT_E_CLOSED },
    { "an output limit", set_output_limit, BIGHT_E_CLOSED },
    { "an idle timeout", set_idle_timeout, BIGHT_E_CLOSED },
    { "a total timeout", set_total_timeout, BIGHT_E_CLOSED },
    { "a flush timeout", set_flush_timeout, BIGHT_E_CLOSED },
    { "a linger", set_linger, BIGHT_E_CLOSED },
    { "a traffic log", log_traffic, BIGHT_E_CLOSED },
    { "half a close", half_close, BIGHT_E_CLOSED },
    { "another protocol", switch_protocol, BIGHT_E_CLOSED },
};
enum { ASKINGS = sizeof askings / sizeof askings[0] };

START_TEST(a_fresh_connection_does_what_it_is_asked) /* T12 .. T15 */
{
    const struct asking *asking = &askings[_i];
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    set_up();
    ck_assert_msg(asking->ask() == BIGHT_OK, "%s", asking->name);
    settle();
    tear_down();
}
END_TEST

START_TEST(an_ended_connection_answers_closed) /* T6 */
{
    const struct asking *asking = &askings[_i];
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    set_up();
    bight_protocol_hold(protocol);
    bight_transport_abort_connection(transport);
    settle();
    transport = protocol->transport;
    int code = asking->ask();
    ck_assert_msg(code == asking->ended, "%s: %s", asking->name, bight_error_name(code));
    settle();
    bight_protocol_release(protocol);
    tear_down();
    ck_assert_int_eq(released, 0);
}
END_TEST

static bool ask_without_memory(void *context)
{
    const struct asking *asking = context;
    int code = BIGHT_E_OUT_OF_MEMORY;
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    protocol = peer == NULL ? NULL : bight_string_protocol(peer);
    if (protocol != NULL) {
        transport = protocol->transport;
        code = asking->ask();
        bight_testing_settle(reactor, 10000);
        bight_string_feed_text(peer, "more");
        bight_testing_advance(reactor, 1);
    }
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    return probe_factory.connections == 0 &&
           (code == BIGHT_OK || (code == BIGHT_E_OUT_OF_MEMORY && bight_testing_fault_injected()));
}

START_TEST(without_memory_it_is_done_or_refused) /* T15, D34 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    size_t findings = bight_testing_with_faults(ask_without_memory, (void *)(uintptr_t)&askings[_i], 0);
    ck_assert_msg(findings == 0, "%s: %zu", askings[_i].name, findings);
}
END_TEST

START_TEST(a_connection_says_what_was_set) /* T7 T13 T24 */
{
    size_t low, high, bytes;
    double seconds;
    set_up();
    bight_transport_get_watermarks(transport, &low, &high);
    ck_assert_uint_eq(low, 16384);
    ck_assert_uint_eq(high, 65536);
    ck_assert(bight_transport_get_backpressure(transport));
    ck_assert_uint_eq(bight_transport_get_output_limit(transport), 16u << 20);
    ck_assert_double_eq(bight_transport_get_idle_timeout(transport), 0);
    ck_assert_double_eq(bight_transport_get_total_timeout(transport), 0);
    ck_assert_double_eq(bight_transport_get_write_timeout(transport), 0);
    ck_assert_double_eq(bight_transport_get_flush_timeout(transport), 30);
    ck_assert_uint_eq(bight_transport_get_least_progress(transport), 1024);
    bight_transport_get_linger(transport, &seconds, &bytes);
    ck_assert_double_eq(seconds, 5);
    ck_assert_uint_eq(bytes, 16u << 20);
    ck_assert_int_eq(set_watermarks() | set_backpressure() | set_output_limit() | set_idle_timeout() |
                         set_total_timeout() | set_flush_timeout() | set_linger() |
                         bight_transport_set_write_timeout(transport, INFINITY) |
                         bight_transport_set_least_progress(transport, 0),
        0);
    bight_transport_get_watermarks(transport, &low, &high);
    ck_assert_uint_eq(low, 10);
    ck_assert_uint_eq(high, 20);
    ck_assert(!bight_transport_get_backpressure(transport));
    ck_assert_uint_eq(bight_transport_get_output_limit(transport), 1000000);
    ck_assert(bight_transport_get_idle_timeout(transport) >= 5 && bight_transport_get_idle_timeout(transport) < 5.32);
    bight_testing_advance(reactor, 1);
    ck_assert_double_eq(bight_transport_get_total_timeout(transport), 4);
    ck_assert_double_eq(bight_transport_get_write_timeout(transport), INFINITY);
    ck_assert_double_eq(bight_transport_get_flush_timeout(transport), 5);
    ck_assert_uint_eq(bight_transport_get_least_progress(transport), 1);
    bight_transport_get_linger(transport, &seconds, &bytes);
    ck_assert_double_eq(seconds, 1);
    ck_assert_uint_eq(bytes, 1000);
    ck_assert_int_eq(bight_reactor_set_held_limit(reactor, 77), 0);
    ck_assert_uint_eq(bight_reactor_get_held_limit(reactor), 77);
    tear_down();
}
END_TEST

START_TEST(an_ended_connection_has_no_settings) /* T3 */
{
    size_t low, high, bytes;
    double seconds;
    set_up();
    bight_protocol_hold(protocol);
    bight_transport_abort_connection(transport);
    settle();
    transport = protocol->transport;
    bight_transport_get_watermarks(transport, &low, &high);
    bight_transport_get_linger(transport, &seconds, &bytes);
    ck_assert_uint_eq(low | high | bytes, 0);
    ck_assert_double_eq(seconds, 0);
    ck_assert(!bight_transport_get_backpressure(transport));
    ck_assert_uint_eq(bight_transport_get_output_limit(transport) | bight_transport_get_least_progress(transport), 0);
    ck_assert_double_eq(bight_transport_get_idle_timeout(transport), 0);
    ck_assert_double_eq(bight_transport_get_total_timeout(transport), 0);
    ck_assert_double_eq(bight_transport_get_write_timeout(transport), 0);
    ck_assert_double_eq(bight_transport_get_flush_timeout(transport), 0);
    bight_protocol_release(protocol);
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_connection_says_what_was_set);
    tcase_add_test(tests, an_ended_connection_has_no_settings);
    tcase_add_loop_test(tests, a_fresh_connection_does_what_it_is_asked, 0, ASKINGS);
    tcase_add_loop_test(tests, an_ended_connection_answers_closed, 0, ASKINGS);
    tcase_add_loop_test(tests, without_memory_it_is_done_or_refused, 0, ASKINGS);
}

BIGHT_TEST_MAIN("transport_settings", add_tests)
