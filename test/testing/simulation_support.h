/* SPDX-License-Identifier: MIT */
/* simulation_support.h - two hosts with a reactor each, an echo on one, talkers on the other that check what they get.
 *
 * A talker sends a pattern, checks each byte that comes back against it, and loses the connection when it has had all.
 * Everything is counted in one `struct world` a test. */
#ifndef BIGHT_TEST_SIMULATION_SUPPORT_H
#define BIGHT_TEST_SIMULATION_SUPPORT_H

#include "support.h"

#include <bight/log.h>
#include <bight/protocols/line.h>
#include <bight/protocols/wire.h>
#include <bight/sys/system.h>
#include <bight/testing/simulation.h>
#include <bight/thread.h>

#include "reactor/reactor.h"

static inline struct bight_system *system_of(struct bight_reactor *reactor)
{
    return reactor->system;
}

struct world {
    struct bight_simulation *simulation;
    struct bight_host *server_host, *client_host;
    struct bight_reactor *server, *client;
    struct bight_factory echo, talkers;
    /* what talkers do */
    size_t bytes;
    bool keep; /* do not lose when all has come back */
    bool half_close;
    double idle_timeout;
    /* what they saw */
    size_t made, lost, done, received, failed, server_ended;
    bool out_of_order;
    int last_reason, last_failure, server_reason;
    double last_lost_at, last_failed_at;
    struct bight_protocol *last;
    struct bight_port *port;
};

struct talker {
    struct bight_protocol base;
    size_t received;
    bool lost;
};

static inline uint8_t pattern_byte(size_t position)
{
    return (uint8_t)(position * 7 + (position >> 8) * 13);
}

static inline struct world *world_of_talker(struct talker *talker)
{
    return talker->base.factory->context;
}

static inline void talker_made(struct bight_protocol *protocol)
{
    struct talker *talker = bight_self(struct talker, protocol);
    struct world *world = world_of_talker(talker);
    uint8_t *bytes = malloc(world->bytes + 1);
    for (size_t i = 0; i < world->bytes; i++) {
        bytes[i] = pattern_byte(i);
    }
    world->made++;
    world->last = protocol;
    if (world->idle_timeout > 0) {
        bight_transport_set_idle_timeout(protocol->transport, world->idle_timeout);
    }
    (void)bight_transport_write(protocol->transport, bytes, world->bytes);
    free(bytes);
    if (world->half_close) {
        (void)bight_transport_lose_write(protocol->transport);
    }
}

static inline void talker_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct talker *talker = bight_self(struct talker, protocol);
    struct world *world = world_of_talker(talker);
    ck_assert(!talker->lost);
    for (size_t i = 0; i < size; i++) {
        world->out_of_order |= data[i] != pattern_byte(talker->received + i);
    }
    talker->received += size;
    world->received += size;
    if (talker->received == world->bytes) {
        world->done++;
        if (!world->keep) {
            bight_transport_lose_connection(protocol->transport);
        }
    }
}

static inline void talker_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct talker *talker = bight_self(struct talker, protocol);
    struct world *world = world_of_talker(talker);
    ck_assert(!talker->lost); /* T3 */
    talker->lost = true;
    world->lost++;
    world->last_reason = bight_failure_code(reason);
    world->last_lost_at = bight_simulation_now(world->simulation);
}

static const struct bight_protocol_ops talker_ops = {
    .connection_made = talker_made, .data_received = talker_received, .connection_lost = talker_lost
};

static inline void echo_ended(struct bight_factory *factory, const struct bight_failure *reason)
{
    struct world *world = factory->context;
    world->server_ended++;
    world->server_reason = bight_failure_code(reason);
}

static const struct bight_factory_ops echo_factory_ops = { .connection_ended = echo_ended };

static inline void hear_nothing(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

/* Hosts and reactors may be NULL when memory is short. */
static inline void world_init_on(struct world *world, struct bight_simulation *simulation)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    world->echo = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops);
    world->echo.ops = &echo_factory_ops;
    world->talkers = (struct bight_factory)BIGHT_FACTORY(struct talker, &talker_ops);
    world->echo.context = world->talkers.context = world;
    world->bytes = 1000;
    world->simulation = simulation;
    world->server_host = bight_simulation_host(world->simulation, "server");
    world->client_host = bight_simulation_host(world->simulation, "client");
    world->server = world->server_host == NULL ? NULL : bight_host_reactor(world->server_host);
    world->client = world->client_host == NULL ? NULL : bight_host_reactor(world->client_host);
}

static inline void world_init(struct world *world, uint64_t seed)
{
    world_init_on(world, bight_simulation_new(seed));
}

static inline struct world *world_new(uint64_t seed)
{
    struct world *world = calloc(1, sizeof *world);
    world_init(world, seed);
    ck_assert_ptr_nonnull(world->server);
    ck_assert_ptr_nonnull(world->client);
    return world;
}

static inline void swallow_port(struct bight_result *result, void *context)
{
    struct world *world = context;
    struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        world->last_failure = bight_failure_code(failure);
        world->failed++;
        bight_result_clear(result);
        return;
    }
    bight_port_release(world->port);
    world->port = bight_result_take(result, &bight_type_port);
}

static inline void world_listen(struct world *world, const char *endpoint)
{
    struct bight_deferred *listening = bight_listen(world->server, endpoint, &world->echo);
    bight_deferred_add_both(listening, swallow_port, world);
    bight_deferred_release(listening);
}

static inline void connected(struct bight_result *result, void *context)
{
    struct world *world = context;
    struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        world->failed++;
        world->last_failure = bight_failure_code(failure);
        world->last_failed_at = bight_simulation_now(world->simulation);
    }
    bight_result_clear(result);
}

/* The talkers are one reactor's at a time. */
static inline void world_connect_from(struct world *world, struct bight_reactor *reactor, const char *endpoint)
{
    struct bight_deferred *connecting = bight_connect(reactor, endpoint, &world->talkers);
    bight_deferred_add_both(connecting, connected, world);
    bight_deferred_release(connecting);
}

static inline void world_connect(struct world *world, const char *endpoint)
{
    world_connect_from(world, world->client, endpoint);
}

/* Ends everything; false unless each connection was lost once and no descriptor is left. */
static inline bool world_finish(struct world *world)
{
    bight_port_release(world->port);
    bight_reactor_free(world->client);
    bight_reactor_free(world->server);
    bool is_clean = world->made == world->lost && !world->out_of_order &&
                    bight_host_descriptors(world->server_host) == 0 && bight_host_descriptors(world->client_host) == 0;
    bight_simulation_free(world->simulation);
    return is_clean;
}

/* The same for a world of world_new. Returns the hash before the end. */
static inline uint64_t world_free(struct world *world)
{
    uint64_t hash = bight_simulation_trace_hash(world->simulation);
    ck_assert(world_finish(world));
    free(world);
    return hash;
}

#endif
