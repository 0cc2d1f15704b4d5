/* SPDX-License-Identifier: MIT */
/* test_serve.c - serving with limits and draining, in the simulated network (V4, T16, T18, R3). */
#include <bight/service.h>

#include <bight/figures.h>
#include <bight/testing.h>

#include <math.h>

#include "testing/simulation_support.h"
#include "transport/peers.h"
#include "transport/port.h"

static struct bight_serve_options options = { .size = sizeof options };

static int keep(struct world *world, struct bight_deferred *deferred)
{
    int code = bight_deferred_has_fired(deferred) ? 0 : 1;
    world->last_failure = 0;
    bight_deferred_add_both(deferred, swallow_port, world);
    bight_deferred_release(deferred);
    return code != 0 ? code : world->last_failure;
}

static int serve(struct world *world, const char *endpoint)
{
    return keep(world, bight_serve_full(world->server, endpoint, &world->echo, &options));
}

static void connect_many(struct world *world, size_t count, const char *endpoint)
{
    for (size_t i = 0; i < count; i++) {
        world_connect(world, endpoint);
    }
}

/* ---------------------------------------------------------------------------------------------- serving */

START_TEST(serving_with_options_tells_the_port_and_every_error) /* E1 */
{
    struct world *world = world_new(1);
    ck_assert_int_eq(serve(world, "tcp:what"), BIGHT_E_BAD_VALUE);
    ck_assert_int_eq(keep(world, bight_serve_full(world->server, "tcp:7", &world->echo, NULL)), 0);
    ck_assert_uint_eq(bight_port_get_max_connections(world->port), 0);
    ck_assert_uint_eq(bight_port_get_max_per_peer(world->port), 0);
    ck_assert_int_eq(serve(world, "tcp:7"), BIGHT_E_ADDRESS_IN_USE);
    options.drain_seconds = -1;
    ck_assert_int_eq(serve(world, "tcp:8"), BIGHT_E_INVALID_ARGUMENT);
    options.drain_seconds = NAN;
    ck_assert_int_eq(serve(world, "tcp:8"), BIGHT_E_INVALID_ARGUMENT);
    world_free(world);
}
END_TEST

static bool was_released;

static void release(struct bight_factory *factory)
{
    was_released = true;
    free(factory);
}

START_TEST(a_factory_from_the_heap_is_taken_though_the_options_are_wrong)
{
    static const struct bight_factory_ops ops = { .release = release };
    struct world *world = world_new(1);
    struct bight_factory *factory = malloc(sizeof *factory);
    *factory = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops);
    factory->ops = &ops;
    options.drain_seconds = -1;
    ck_assert_int_eq(
        keep(world, bight_serve_full(world->server, "tcp:7", factory, &options)), BIGHT_E_INVALID_ARGUMENT);
    ck_assert(was_released);
    world_free(world);
}
END_TEST

START_TEST(the_lower_of_the_limits_of_string_and_options_counts)
{
    struct world *world = world_new(1);
    options.max_connections = 5;
    ck_assert_int_eq(serve(world, "tcp:7:maxconn=3"), 0);
    ck_assert_uint_eq(bight_port_get_max_connections(world->port), 3);
    ck_assert_int_eq(serve(world, "tcp:8:maxconn=30"), 0);
    ck_assert_uint_eq(bight_port_get_max_connections(world->port), 5);
    world_free(world);
}
END_TEST

START_TEST(over_the_limit_in_all_others_wait_and_are_served_later)
{
    struct world *world = world_new(1);
    options.max_connections = 2;
    world->keep = true;
    ck_assert_int_eq(serve(world, "tcp:7"), 0);
    connect_many(world, 5, "tcp:server:7");
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(bight_port_connections(world->port), 2);
    ck_assert_uint_eq(world->done, 2);
    ck_assert_uint_eq(bight_port_refused(world->port), 0);
    ck_assert_int_eq(bight_port_set_max_connections(world->port, 4), 0);
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->done, 4);
    ck_assert_int_eq(bight_port_set_max_connections(world->port, 1), 0);
    ck_assert_uint_eq(bight_port_connections(world->port), 4);
    ck_assert_int_eq(bight_port_set_max_connections(world->port, 0), 0);
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->done, 5);
    world_free(world);
}
END_TEST

/* ---------------------------------------------------------------------------------------- a limit per peer */

static uint64_t refused_by(struct bight_reactor *reactor)
{
    struct bight_reactor_figures figures = { .size = sizeof figures };
    ck_assert_int_eq(bight_reactor_read_figures(reactor, &figures), 0);
    return figures.connections_refused;
}

START_TEST(a_peer_with_as_many_connections_as_it_may_have_is_closed_at_once_and_others_are_served)
{
    struct world *world = world_new(1);
    struct bight_host *friend = bight_simulation_host(world->simulation, "friend");
    options.max_per_peer = 3;
    world->keep = true;
    ck_assert_int_eq(serve(world, "tcp:7"), 0);
    connect_many(world, 50, "tcp:10.0.0.1:7");
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(bight_port_connections(world->port), 3);
    ck_assert_uint_eq(bight_port_refused(world->port), 47);
    ck_assert_uint_eq(refused_by(world->server), 47);
    ck_assert_uint_eq(world->done, 3);
    ck_assert_uint_eq(bi_peers_count(world->port->peers), 1);

    struct bight_reactor *reactor = bight_host_reactor(friend);
    struct bight_factory talkers = BIGHT_FACTORY(struct talker, &talker_ops);
    talkers.context = world;
    bight_deferred_release(bight_connect(reactor, "tcp:10.0.0.1:7", &talkers));
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->done, 4);
    bight_reactor_free(reactor);
    world_free(world);
}
END_TEST

/* What connects again as soon as it has been thrown out, for as long as the test goes on. */
static bool is_over;

static void come_again(struct bight_factory *factory, const struct bight_failure *reason)
{
    struct world *world = factory->context;
    (void)reason;
    if (!is_over) {
        bight_deferred_release(bight_connect(world->client, "tcp:10.0.0.1:7", factory));
    }
}

START_TEST(peers_that_come_again_and_again_keep_nobody_out_and_leave_nothing_behind)
{
    static const struct bight_factory_ops hostile_ops = { .connection_ended = come_again };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world *world = world_new(seed);
        struct bight_host *friend = bight_simulation_host(world->simulation, "friend");
        struct bight_factory hostile = BIGHT_FACTORY(struct talker, &talker_ops);
        struct bight_factory friendly = hostile;
        struct bight_reactor *reactor = bight_host_reactor(friend);
        hostile.ops = &hostile_ops;
        hostile.context = friendly.context = world;
        options.max_per_peer = 2;
        options.max_connections = 8;
        is_over = false;
        world->keep = true;
        ck_assert_int_eq(serve(world, "tcp:7"), 0);
        for (int i = 0; i < 40; i++) {
            bight_deferred_release(bight_connect(world->client, "tcp:10.0.0.1:7", &hostile));
        }
        bight_simulation_run(world->simulation, 0.2);
        size_t before = world->done;
        ck_assert_uint_eq(before, 2);
        bight_deferred_release(bight_connect(reactor, "tcp:10.0.0.1:7", &friendly));
        bight_simulation_run(world->simulation, 0.05);
        ck_assert_uint_eq(world->done, before + 1);
        ck_assert_uint_eq(bi_peers_count(world->port->peers), 2);
        ck_assert_uint_gt(bight_port_refused(world->port), 1000);
        is_over = true;
        bight_reactor_free(reactor);
        bight_reactor_free(world->client);
        world->client = bight_host_reactor(world->client_host);
        bight_simulation_run(world->simulation, 10);
        ck_assert_uint_eq(bight_port_connections(world->port), 0);
        ck_assert_uint_eq(bi_peers_count(world->port->peers), 0);
        world_free(world);
    }
}
END_TEST

static int join(struct bi_peers *peers, int fd, const char *text)
{
    struct bight_address address;
    ck_assert_int_eq(bight_address_parse_ip(&address, text, (uint16_t)(1000 + fd)), 0);
    return bi_peers_join(peers, fd, &address);
}

START_TEST(a_peer_of_ipv6_is_its_first_64_bits)
{
    struct world *world = world_new(1);
    struct bi_peers *peers = bi_peers_new(world->server);
    bi_peers_set_limit(peers, 2);
    ck_assert_int_eq(join(peers, 3, "2001:db8:1:2::1"), 0);
    ck_assert_int_eq(join(peers, 4, "2001:db8:1:2:3:4:5:6"), 0);
    ck_assert_int_eq(join(peers, 5, "2001:db8:1:2:ffff::1"), BIGHT_E_OVERFLOW);
    ck_assert_int_eq(join(peers, 5, "2001:db8:1:3::1"), 0);
    bi_peers_leave(peers, 4);
    ck_assert_int_eq(join(peers, 4, "2001:db8:1:2:ffff::1"), 0);
    ck_assert_uint_eq(bi_peers_count(peers), 2);
    bi_peers_free(peers);
    world_free(world);
}
END_TEST

START_TEST(mapped_ipv4_is_ipv4_link_local_counts_in_full_and_paths_are_nobodys)
{
    struct world *world = world_new(1);
    struct bi_peers *peers = bi_peers_new(world->server);
    struct bight_address path = { .family = BIGHT_ADDRESS_UNIX };
    bi_peers_set_limit(peers, 1);
    ck_assert_int_eq(join(peers, 1000, "10.0.0.1"), 0);
    ck_assert_int_eq(join(peers, 4, "::ffff:10.0.0.1"), BIGHT_E_OVERFLOW);
    ck_assert_int_eq(join(peers, 4, "10.0.0.2"), 0);
    ck_assert_int_eq(join(peers, 5, "fe80::1"), 0);
    ck_assert_int_eq(join(peers, 6, "fe80::2"), 0);
    ck_assert_int_eq(join(peers, 7, "fe80::2"), BIGHT_E_OVERFLOW);
    ck_assert_int_eq(bi_peers_join(peers, 7, &path), 0);
    ck_assert_int_eq(bi_peers_join(peers, 8, &path), 0);
    ck_assert_uint_eq(bi_peers_count(peers), 4);
    bi_peers_leave(peers, 5000);
    bi_peers_free(peers);
    bi_peers_free(NULL);
    world_free(world);
}
END_TEST

START_TEST(a_closed_port_has_its_limits_set_no_more) /* T18 */
{
    struct world *world = world_new(1);
    ck_assert_int_eq(serve(world, "tcp:7"), 0);
    ck_assert_int_eq(bight_port_set_max_per_peer(world->port, 0), 0);
    bight_deferred_release(bight_port_stop_listening(world->port));
    ck_assert_int_eq(bight_port_set_max_per_peer(world->port, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_port_set_max_connections(world->port, 1), BIGHT_E_CLOSED);
    world_free(world);
}
END_TEST

/* --------------------------------------------------------------------------------------------- draining */

struct cut {
    int code;
    intptr_t count; /* -1: not told yet */
    double at;
};

static struct world *timed;

static void told(struct bight_result *result, void *context)
{
    struct cut *cut = context;
    cut->at = bight_simulation_now(timed->simulation);
    const struct bight_failure *failure = bight_result_failure(result);
    cut->code = failure == NULL ? 0 : bight_failure_code(failure);
    cut->count = result->type == &bight_type_integer ? bight_integer_value(result->value) : -2;
    bight_result_clear(result);
}

static struct bight_deferred *drain(struct world *world, double seconds, bool lose, struct cut *cut)
{
    *cut = (struct cut) { .count = -1 };
    timed = world;
    struct bight_deferred *draining = bight_drain(world->port, seconds, lose);
    bight_deferred_add_both(draining, told, cut);
    return draining;
}

static struct world *world_with(size_t count)
{
    struct world *world = world_new(1);
    world->keep = true;
    ck_assert_int_eq(serve(world, "tcp:7"), 0);
    connect_many(world, count, "tcp:10.0.0.1:7");
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(bight_port_connections(world->port), count);
    return world;
}

START_TEST(a_drain_cuts_what_has_not_ended_in_time_and_tells_how_much) /* V4 */
{
    struct cut cut;
    struct world *world = world_with(3);
    bight_deferred_release(drain(world, 2, false, &cut));
    world_connect(world, "tcp:10.0.0.1:7");
    bight_simulation_run(world->simulation, 1);
    ck_assert_uint_eq(world->failed, 1); /* nothing is accepted any more */
    bight_transport_lose_connection(world->last->transport);
    bight_simulation_run(world->simulation, 0.9);
    ck_assert_int_eq(cut.count, -1);
    ck_assert_uint_eq(bight_port_connections(world->port), 2);
    bight_simulation_run(world->simulation, 0.2);
    ck_assert_int_eq(cut.count, 2);
    ck_assert_uint_eq(world->server_ended, 3); /* each has notified of its end by then */
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_ABORTED);
    world_free(world);
}
END_TEST

START_TEST(a_drain_ends_with_the_last_connection_and_then_has_cut_none) /* V4 */
{
    struct cut cut;
    struct world *world = world_with(2);
    bight_deferred_release(drain(world, INFINITY, true, &cut));
    bight_simulation_run(world->simulation, 10);
    ck_assert_int_eq(cut.count, 0);
    ck_assert_uint_eq(world->server_ended, 2);
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_DONE);
    world_free(world);
}
END_TEST

START_TEST(a_drain_of_a_port_without_connections_and_one_of_no_time_end_at_once) /* V4 */
{
    struct cut cut;
    struct world *world = world_with(0);
    bight_deferred_release(drain(world, 100, false, &cut));
    ck_assert_int_eq(cut.count, -1);
    bight_simulation_run(world->simulation, 0.01);
    ck_assert_int_eq(cut.count, 0);
    world_free(world);
    world = world_with(2);
    bight_deferred_release(drain(world, 0, false, &cut));
    bight_simulation_run(world->simulation, 0.01);
    ck_assert_int_eq(cut.count, 2);
    world_free(world);
}
END_TEST

START_TEST(a_drain_that_is_cancelled_cuts_nothing) /* D14 */
{
    struct cut cut;
    struct world *world = world_with(1);
    struct bight_deferred *draining = drain(world, 1, false, &cut);
    bight_simulation_run(world->simulation, 0.5);
    bight_deferred_cancel(draining);
    bight_deferred_release(draining);
    ck_assert_int_eq(cut.code, BIGHT_E_CANCELLED);
    bight_simulation_run(world->simulation, 5);
    ck_assert_uint_eq(bight_port_connections(world->port), 1);
    draining = drain(world, 1, false, &cut); /* before it has begun */
    bight_deferred_cancel(draining);
    bight_deferred_release(draining);
    bight_simulation_run(world->simulation, 5);
    ck_assert_uint_eq(bight_port_connections(world->port), 1);
    world_free(world);
}
END_TEST

static struct bight_deferred *to_cancel;

static bool cancel_the_drain(struct bight_protocol *protocol)
{
    (void)protocol;
    bight_deferred_cancel(to_cancel);
    return false;
}

START_TEST(a_protocol_that_is_told_may_cancel_the_drain) /* T22 */
{
    static struct bight_protocol_ops ops;
    struct cut cut;
    struct world *world = world_new(1);
    ops = bight_echo_ops;
    ops.drain = cancel_the_drain;
    world->echo.protocol_ops = &ops;
    world->keep = true;
    ck_assert_int_eq(serve(world, "tcp:7"), 0);
    connect_many(world, 3, "tcp:10.0.0.1:7");
    bight_simulation_run(world->simulation, 1);
    to_cancel = drain(world, 1, true, &cut);
    bight_simulation_run(world->simulation, 5);
    ck_assert_int_eq(cut.code, BIGHT_E_CANCELLED);
    ck_assert_uint_eq(bight_port_connections(world->port), 2); /* the first one was told, and then lost */
    bight_deferred_release(to_cancel);
    world_free(world);
}
END_TEST

START_TEST(of_several_drains_the_first_whose_time_is_up_cuts_and_all_end) /* V4 */
{
    struct cut early, late;
    struct world *world = world_with(2);
    bight_deferred_release(drain(world, 5, false, &late));
    bight_deferred_release(drain(world, 1, false, &early));
    bight_simulation_run(world->simulation, 2);
    ck_assert_int_eq(early.count, 2);
    ck_assert_int_eq(late.count, 0);
    world_free(world);
}
END_TEST

START_TEST(no_time_is_no_time_to_drain_in)
{
    struct cut cut;
    struct world *world = world_with(1);
    bight_deferred_release(drain(world, -1, false, &cut));
    ck_assert_int_eq(cut.code, BIGHT_E_INVALID_ARGUMENT);
    bight_deferred_release(drain(world, NAN, false, &cut));
    ck_assert_int_eq(cut.code, BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_drain_at_shutdown(world->port, -1, false), BIGHT_E_INVALID_ARGUMENT);
    struct bight_address address;
    ck_assert_int_eq(bight_port_address(world->port, &address), 0);
    world_free(world);
}
END_TEST

START_TEST(a_reactor_that_is_freed_ends_its_drains) /* D31 */
{
    struct cut cut;
    struct world *world = world_with(2);
    bight_deferred_release(drain(world, 100, false, &cut));
    bight_simulation_run(world->simulation, 1);
    ck_assert_int_eq(cut.count, -1);
    bight_reactor_free(world->server);
    world->server = NULL;
    ck_assert_int_eq(cut.count, 0);
    world_free(world);
}
END_TEST

/* ---------------------------------------------------------------------------------------- at a shutdown */

static void stop(void *context)
{
    struct world *world = context;
    (void)bight_reactor_stop(world->server);
}

/* Returns how long the run went on after the stop. */
static double stop_and_run(struct world *world)
{
    double now = bight_simulation_now(world->simulation);
    bight_call_later(world->server, 1, stop, world, NULL);
    ck_assert_int_eq(bight_reactor_run(world->server), 0);
    return bight_simulation_now(world->simulation) - now - 1;
}

START_TEST(a_shutdown_waits_as_long_as_a_drain_may_take) /* R3 */
{
    options.drain_seconds = 60; /* the reactor's own limit is 10 s */
    struct world *world = world_with(2);
    double taken = stop_and_run(world);
    ck_assert(taken > 59.9 && taken < 60.1);
    ck_assert_uint_eq(world->server_ended, 2);
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_ABORTED);
    world_free(world);
}
END_TEST

START_TEST(a_shutdown_with_nothing_to_wait_for_is_over_at_once_and_without_a_drain_too) /* R3 */
{
    options.drain_seconds = 60;
    struct world *world = world_with(0);
    ck_assert(stop_and_run(world) < 0.1);
    world_free(world);
    options.drain_seconds = 0;
    world = world_with(2);
    ck_assert(stop_and_run(world) < 0.1);
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_LOST);
    world_free(world);
}
END_TEST

START_TEST(protocols_that_cannot_finish_are_lost_when_that_is_an_option) /* V4 */
{
    options.drain_seconds = 60;
    options.drain_loses = true;
    struct world *world = world_with(2);
    ck_assert(stop_and_run(world) < 6); /* the peers have T7's time */
    ck_assert_int_eq(world->server_reason, BIGHT_E_CONNECTION_DONE);
    world_free(world);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- memory */

static bool serve_with_little_memory(void *context)
{
    struct world world = { .keep = true };
    struct cut cut;
    (void)context;
    struct bight_simulation *simulation = bight_simulation_new(1);
    if (simulation == NULL) {
        return true;
    }
    world_init_on(&world, simulation);
    if (world.server != NULL && world.client != NULL && serve(&world, "tcp:7") == 0) {
        connect_many(&world, 4, "tcp:10.0.0.1:7");
        bight_simulation_run(simulation, 1);
        bight_deferred_release(drain(&world, 1, false, &cut));
        bight_simulation_run(simulation, 20);
    }
    bight_port_release(world.port);
    bight_reactor_free(world.client);
    bight_reactor_free(world.server);
    bight_simulation_free(simulation);
    return true;
}

START_TEST(serving_and_draining_survive_every_failed_allocation) /* D34 */
{
    options.max_per_peer = 2;
    options.drain_seconds = 5;
    ck_assert_uint_eq(bight_testing_with_faults(serve_with_little_memory, NULL, 400), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, serving_with_options_tells_the_port_and_every_error);
    tcase_add_test(tests, a_factory_from_the_heap_is_taken_though_the_options_are_wrong);
    tcase_add_test(tests, the_lower_of_the_limits_of_string_and_options_counts);
    tcase_add_test(tests, over_the_limit_in_all_others_wait_and_are_served_later);
    tcase_add_test(tests, a_peer_with_as_many_connections_as_it_may_have_is_closed_at_once_and_others_are_served);
    tcase_add_test(tests, peers_that_come_again_and_again_keep_nobody_out_and_leave_nothing_behind);
    tcase_add_test(tests, a_peer_of_ipv6_is_its_first_64_bits);
    tcase_add_test(tests, mapped_ipv4_is_ipv4_link_local_counts_in_full_and_paths_are_nobodys);
    tcase_add_test(tests, a_closed_port_has_its_limits_set_no_more);
    tcase_add_test(tests, a_drain_cuts_what_has_not_ended_in_time_and_tells_how_much);
    tcase_add_test(tests, a_drain_ends_with_the_last_connection_and_then_has_cut_none);
    tcase_add_test(tests, a_drain_of_a_port_without_connections_and_one_of_no_time_end_at_once);
    tcase_add_test(tests, a_drain_that_is_cancelled_cuts_nothing);
    tcase_add_test(tests, a_protocol_that_is_told_may_cancel_the_drain);
    tcase_add_test(tests, of_several_drains_the_first_whose_time_is_up_cuts_and_all_end);
    tcase_add_test(tests, no_time_is_no_time_to_drain_in);
    tcase_add_test(tests, a_reactor_that_is_freed_ends_its_drains);
    tcase_add_test(tests, a_shutdown_waits_as_long_as_a_drain_may_take);
    tcase_add_test(tests, a_shutdown_with_nothing_to_wait_for_is_over_at_once_and_without_a_drain_too);
    tcase_add_test(tests, protocols_that_cannot_finish_are_lost_when_that_is_an_option);
    tcase_add_test(tests, serving_and_draining_survive_every_failed_allocation);
}

BIGHT_TEST_MAIN("serve", add_tests)
