/* SPDX-License-Identifier: MIT */
/* test_pair.c - the loopback pair: what tests of two protocols rely on.
 *
 * Bytes, ends and resets cross in order, in the chunks that were asked for, and no side is notified of anything twice.
 */
#include <bight/testing.h>
#include <bight/testing/pair.h>

#include <errno.h>

#include "support.h"

struct end {
    struct bight_protocol base;
    char received[4096];
    size_t size, pieces, largest, losses;
    int lost_code;
    bool input_ended;
};

static struct bight_reactor *reactor;
static struct end *client, *server;
static bool server_echoes, half_close;
static struct bight_factory server_factory, client_factory;
static const char *greeting;

static void on_made(struct bight_protocol *protocol)
{
    struct end *end = bight_self(struct end, protocol);
    if (protocol->factory == &server_factory) {
        server = end;
    } else {
        client = end;
    }
    bight_protocol_hold(protocol);
    if (greeting != NULL && end == client) {
        bight_transport_write(protocol->transport, greeting, strlen(greeting));
    }
}

static void on_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct end *end = bight_self(struct end, protocol);
    size_t room = sizeof end->received - 1 - end->size;
    memcpy(end->received + end->size, data, size < room ? size : room);
    end->size += size < room ? size : room;
    end->pieces++;
    end->largest = size > end->largest ? size : end->largest;
    if (server_echoes && end == server) {
        bight_transport_write(protocol->transport, data, size);
    }
}

static bool on_end(struct bight_protocol *protocol)
{
    bight_self(struct end, protocol)->input_ended = true;
    return half_close;
}

static void on_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct end *end = bight_self(struct end, protocol);
    end->losses++;
    end->lost_code = bight_failure_code(reason);
}

static const struct bight_protocol_ops end_ops = {
    .connection_made = on_made,
    .data_received = on_data,
    .read_connection_lost = on_end,
    .connection_lost = on_lost,
};
static struct bight_factory server_factory = BIGHT_FACTORY(struct end, &end_ops);
static struct bight_factory client_factory = BIGHT_FACTORY(struct end, &end_ops);

static struct bight_pair *join(void)
{
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    struct bight_pair *pair = bight_pair_connect(reactor, &server_factory, &client_factory);
    ck_assert_ptr_nonnull(pair);
    return pair;
}

static void finish(struct bight_pair *pair)
{
    bight_pair_free(pair);
    ck_assert_uint_eq(client->losses, 1);
    ck_assert_uint_eq(server->losses, 1);
    bight_protocol_release(&client->base);
    bight_protocol_release(&server->base);
    bight_reactor_free(reactor);
}

static void say(struct end *end, const char *text)
{
    ck_assert_int_eq(bight_transport_write(end->base.transport, text, strlen(text)), 0);
}

START_TEST(what_one_side_writes_the_other_receives)
{
    server_echoes = true;
    struct bight_pair *pair = join();
    say(client, "hello, ");
    say(client, "world");
    bight_testing_settle(reactor, 100);
    ck_assert_str_eq(server->received, "hello, world");
    ck_assert_str_eq(client->received, "hello, world");
    ck_assert_ptr_eq(bight_pair_protocol(pair, BIGHT_PAIR_SERVER), &server->base);
    ck_assert_ptr_eq(bight_pair_protocol(pair, BIGHT_PAIR_CLIENT), &client->base);
    finish(pair);
}
END_TEST

START_TEST(nothing_crosses_before_the_reactor_turns)
{
    greeting = "first";
    struct bight_pair *pair = join();
    ck_assert_uint_eq(server->size, 0);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_str_eq(server->received, "first");
    finish(pair);
}
END_TEST

START_TEST(every_size_of_chunk_gives_the_same_bytes)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    server_echoes = true;
    for (size_t chunk = 1; chunk <= sizeof text; chunk++) {
        struct bight_pair *pair = join();
        bight_pair_set_chunk(pair, chunk);
        say(client, text);
        ck_assert(bight_pair_pump(pair, 0));
        ck_assert_str_eq(client->received, text);
        size_t pieces = (strlen(text) + chunk - 1) / chunk;
        ck_assert_uint_eq(server->pieces, pieces);
        ck_assert_uint_le(server->largest, chunk);
        finish(pair);
    }
}
END_TEST

static size_t choose(enum bight_pair_side from, size_t available, void *context)
{
    size_t *calls = context;
    (void)available;
    ck_assert_int_eq(from, BIGHT_PAIR_CLIENT);
    return (*calls)++ % 3; /* none, one, two */
}

START_TEST(a_function_may_choose_the_chunks)
{
    size_t calls = 0;
    struct bight_pair *pair = join();
    bight_pair_set_chunk_function(pair, choose, &calls);
    say(client, "abcdef");
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_str_eq(server->received, "abcdef");
    ck_assert_uint_eq(server->pieces, 4);
    ck_assert_uint_eq(server->largest, 2);
    ck_assert_uint_eq(calls, 6);
    finish(pair);
}
END_TEST

START_TEST(closing_comes_behind_the_bytes) /* T7 */
{
    struct bight_pair *pair = join();
    bight_pair_set_chunk(pair, 1);
    say(client, "last words");
    bight_transport_lose_connection(client->base.transport);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_str_eq(server->received, "last words");
    ck_assert(bight_pair_is_over(pair));
    ck_assert_int_eq(server->lost_code, BIGHT_E_CONNECTION_DONE);
    ck_assert_int_eq(client->lost_code, BIGHT_E_CONNECTION_DONE);
    finish(pair);
}
END_TEST

START_TEST(a_half_close_leaves_the_other_direction_open) /* T11 */
{
    half_close = true;
    struct bight_pair *pair = join();
    say(client, "question");
    bight_transport_lose_write(client->base.transport);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert(server->input_ended);
    ck_assert_uint_eq(server->losses, 0);
    say(server, "answer");
    bight_transport_lose_connection(server->base.transport);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_str_eq(client->received, "answer");
    bight_transport_lose_connection(client->base.transport);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert(bight_pair_is_over(pair));
    finish(pair);
}
END_TEST

START_TEST(an_abort_is_a_reset_for_the_other_side) /* T8 */
{
    struct bight_pair *pair = join();
    say(client, "never read");
    bight_transport_abort_connection(client->base.transport);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_int_eq(client->lost_code, BIGHT_E_CONNECTION_ABORTED);
    ck_assert_int_eq(server->lost_code, BIGHT_E_CONNECTION_LOST);
    ck_assert_uint_eq(server->size, 0);
    finish(pair);
}
END_TEST

START_TEST(a_reset_from_outside_ends_both_sides)
{
    struct bight_pair *pair = join();
    bight_pair_reset(pair, ETIMEDOUT);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert(bight_pair_is_over(pair));
    ck_assert_int_eq(client->lost_code, BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(server->lost_code, BIGHT_E_CONNECTION_LOST);
    finish(pair);
}
END_TEST

START_TEST(a_side_that_does_not_read_fills_the_window) /* T13 */
{
    static char much[50000];
    memset(much, 'x', sizeof much);
    struct bight_pair *pair = join();
    bight_pair_set_window(pair, BIGHT_PAIR_CLIENT, 1000);
    bight_pair_set_chunk(pair, 100);
    bight_transport_pause(server->base.transport);
    bight_transport_write(client->base.transport, much, sizeof much);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_uint_eq(server->size, 0);
    ck_assert_uint_le(bight_pair_under_way(pair, BIGHT_PAIR_CLIENT), 1100);
    ck_assert_uint_ge(bight_pair_under_way(pair, BIGHT_PAIR_CLIENT), 1000);
    bight_transport_resume(server->base.transport);
    ck_assert(bight_pair_pump(pair, 0));
    ck_assert_uint_eq(bight_pair_under_way(pair, BIGHT_PAIR_CLIENT), 0);
    ck_assert_uint_eq(server->pieces, sizeof much / 100);
    finish(pair);
}
END_TEST

START_TEST(a_blocked_wire_lets_nothing_through_until_it_is_let_through)
{
    struct bight_pair *pair = join();
    say(client, "early");
    bight_pair_block(pair, true);
    bight_testing_advance(reactor, 5);
    ck_assert_uint_eq(server->size, 0);
    bight_pair_block(pair, false);
    bight_testing_advance(reactor, 0);
    ck_assert_str_eq(server->received, "early");
    finish(pair);
}
END_TEST

START_TEST(the_pair_may_outlive_its_reactor)
{
    struct bight_pair *pair = join();
    say(client, "unsent");
    bight_reactor_free(reactor);
    ck_assert(bight_pair_is_over(pair));
    ck_assert_ptr_null(bight_pair_protocol(pair, BIGHT_PAIR_CLIENT));
    ck_assert(bight_pair_pump(pair, 0));
    reactor = NULL;
    finish(pair);
}
END_TEST

static bool talk_without_memory(void *context)
{
    (void)context;
    struct bight_reactor *own = bight_testing_reactor_new();
    if (own == NULL) {
        return true;
    }
    client = server = NULL;
    struct bight_pair *pair = bight_pair_connect(own, &server_factory, &client_factory);
    if (pair != NULL) {
        bight_transport_write(client->base.transport, "hello", 5);
        bight_transport_lose_connection(client->base.transport);
        bight_pair_pump(pair, 0);
        bight_pair_free(pair);
    }
    bool well = (client == NULL || client->losses == 1) && (server == NULL || server->losses == 1);
    if (client != NULL) {
        bight_protocol_release(&client->base);
    }
    if (server != NULL) {
        bight_protocol_release(&server->base);
    }
    bight_reactor_free(own);
    return well;
}

START_TEST(a_pair_survives_each_failed_allocation)
{
    ck_assert_uint_eq(bight_testing_with_faults(talk_without_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_one_side_writes_the_other_receives);
    tcase_add_test(tests, nothing_crosses_before_the_reactor_turns);
    tcase_add_test(tests, every_size_of_chunk_gives_the_same_bytes);
    tcase_add_test(tests, a_function_may_choose_the_chunks);
    tcase_add_test(tests, closing_comes_behind_the_bytes);
    tcase_add_test(tests, a_half_close_leaves_the_other_direction_open);
    tcase_add_test(tests, an_abort_is_a_reset_for_the_other_side);
    tcase_add_test(tests, a_reset_from_outside_ends_both_sides);
    tcase_add_test(tests, a_side_that_does_not_read_fills_the_window);
    tcase_add_test(tests, a_blocked_wire_lets_nothing_through_until_it_is_let_through);
    tcase_add_test(tests, the_pair_may_outlive_its_reactor);
    tcase_add_test(tests, a_pair_survives_each_failed_allocation);
}

BIGHT_TEST_MAIN("pair", add_tests)
