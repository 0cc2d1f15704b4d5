/* SPDX-License-Identifier: MIT */
/* drain.c - scenario: a server that is stopped in the middle of its traffic, and may be stopped again.
 *
 * Its port is drained, before-triggers wait, timers and clients go on meanwhile. The run ends within the time for a
 * shutdown, triggers have run once and in order, every connection of the server has been lost by then, and it may run
 * once more. What a client got back is a beginning of what it sent. */
#include "scenario.h"

#include <bight/service.h>

#include <math.h>

#include <string.h>

#define MAX_CLIENTS 12
#define MAX_BYTES 30000
#define SHUTDOWN_SECONDS 10
#define MAX_RUNS 2

struct drain {
    struct audit audit;
    struct trouble trouble;
    struct bight_host *hosts[2];
    struct bight_reactor *server, *client;
    struct bight_factory servers, clients;
    unsigned stops, before, during, after;
    size_t server_open;
    double stopped_at, trigger_seconds;
    struct bight_promise waiting;
    struct bight_timer waiter;
};

struct talker {
    struct bight_protocol base;
    struct end end;
    size_t sent, received;
    struct bight_timer timer;
};

static struct drain *scenario_of(const struct bight_protocol *protocol)
{
    return protocol->factory->context;
}

/* ----------------------------------------------------------------------------------------- both ends */

static void server_made(struct bight_protocol *protocol)
{
    end_made(&bight_self(struct talker, protocol)->end, protocol);
    scenario_of(protocol)->server_open++;
}

static void server_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    end_hears(&bight_self(struct talker, protocol)->end);
    (void)bight_transport_write(protocol->transport, data, size);
}

static void server_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    end_lost(&bight_self(struct talker, protocol)->end, reason);
    scenario_of(protocol)->server_open--;
}

static void talk_on(void *context)
{
    struct talker *talker = context;
    struct drain *scenario = scenario_of(&talker->base);
    size_t size = 1 + draw_size(&scenario->audit, 2000);
    if (stream_write(talker->base.transport, 1, talker->sent, size) != 0) {
        return;
    }
    talker->sent += size;
    if (talker->sent > MAX_BYTES) {
        (void)bight_transport_lose_connection(talker->base.transport);
        return;
    }
    (void)bight_call_later(scenario->client, draw_seconds(&scenario->audit, 0.5), talk_on, talker, &talker->timer);
}

static void client_made(struct bight_protocol *protocol)
{
    struct talker *talker = bight_self(struct talker, protocol);
    end_made(&talker->end, protocol);
    talk_on(talker);
}

static void client_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct talker *talker = bight_self(struct talker, protocol);
    end_hears(&talker->end);
    stream_check(1, talker->received, data, size);
    talker->received += size;
    if (talker->received > talker->sent) {
        audit_wrong("more came back than was sent");
    }
}

static void client_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct talker *talker = bight_self(struct talker, protocol);
    end_lost(&talker->end, reason);
    (void)bight_timer_cancel(talker->timer);
}

static const struct bight_protocol_ops server_ops = {
    .connection_made = server_made, .data_received = server_received, .connection_lost = server_lost
};
static const struct bight_protocol_ops client_ops = {
    .connection_made = client_made, .data_received = client_received, .connection_lost = client_lost
};

/* ------------------------------------------------------------------------------------------ stopping */

static void stop(void *context)
{
    struct drain *scenario = context;
    if (!bight_reactor_is_running(scenario->server)) {
        return;
    }
    if (scenario->stops++ == 0) {
        scenario->stopped_at = bight_simulation_now(scenario->audit.simulation);
    }
    if (bight_reactor_stop(scenario->server) != 0) {
        audit_wrong("a running reactor cannot be stopped");
    }
}

static void end_waiting(void *context)
{
    struct drain *scenario = context;
    (void)bight_callback(scenario->waiting, NULL, NULL);
}

static struct bight_deferred *before(void *context)
{
    struct drain *scenario = context;
    scenario->before++;
    if (scenario->during != scenario->before - 1 || scenario->after != scenario->during) {
        audit_wrong("a before-trigger out of order");
    }
    if (scenario->trigger_seconds <= 0) {
        return NULL;
    }
    (void)bight_timer_cancel(scenario->waiter);
    (void)bight_abandon(scenario->waiting); /* of a run that did not wait for it */
    struct bight_deferred *waiting = bight_deferred_new(&scenario->waiting, NULL, NULL);
    (void)bight_call_later(scenario->server, scenario->trigger_seconds, end_waiting, scenario, &scenario->waiter);
    audit_watch(&scenario->audit, bight_deferred_hold(waiting));
    return waiting;
}

static struct bight_deferred *during(void *context)
{
    struct drain *scenario = context;
    scenario->during++;
    if (scenario->during != scenario->before || scenario->after != scenario->during - 1) {
        audit_wrong("a during-trigger out of order");
    }
    return NULL;
}

static struct bight_deferred *after(void *context)
{
    struct drain *scenario = context;
    scenario->after++;
    if (scenario->after != scenario->during) {
        audit_wrong("an after-trigger out of order");
    }
    return NULL;
}

static void add_triggers(struct drain *scenario)
{
    struct bight_reactor *server = scenario->server;
    (void)bight_add_trigger(server, BIGHT_SHUTDOWN, BIGHT_AFTER, after, scenario, NULL, NULL);
    (void)bight_add_trigger(server, BIGHT_SHUTDOWN, BIGHT_DURING, during, scenario, NULL, NULL);
    (void)bight_add_trigger(server, BIGHT_SHUTDOWN, BIGHT_BEFORE, before, scenario, NULL, NULL);
}

/* ------------------------------------------------------------------------------------------- the run */

static void start(void *context)
{
    struct drain *scenario = context;
    bight_deferred_release(audit_connect(&scenario->audit, scenario->client, "tcp:10.0.0.1:7", &scenario->clients));
}

static void prepare_run(struct drain *scenario)
{
    struct audit *audit = &scenario->audit;
    size_t count = (size_t)bight_simulation_draw(audit->simulation, MAX_CLIENTS + 1);
    double when = draw_seconds(audit, 6);
    if (audit_listen(audit, scenario->server, "tcp:7", &scenario->servers) && draw(audit, 70)) {
        (void)bight_drain_at_shutdown(audit->ports[audit->port_count - 1],
            draw(audit, 50) ? INFINITY : draw_seconds(audit, 0.9 * SHUTDOWN_SECONDS), draw(audit, 50));
    }
    scenario->stops = 0;
    scenario->trigger_seconds = draw(audit, 50) ? draw_seconds(audit, 1.2 * SHUTDOWN_SECONDS) : 0;
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(scenario->client, draw_seconds(audit, 8), start, scenario, NULL);
    }
    (void)bight_call_later(scenario->server, when, stop, scenario, NULL);
    if (draw(audit, 40)) {
        (void)bight_call_later(scenario->server, when + draw_seconds(audit, 3), stop, scenario, NULL);
    }
}

static void run_server(struct drain *scenario, unsigned runs)
{
    int status = bight_reactor_run(scenario->server);
    double took = bight_simulation_now(scenario->audit.simulation) - scenario->stopped_at;
    if (status != 0 || took > SHUTDOWN_SECONDS + 0.1) {
        audit_wrong("the run ended with status %d, %.3f s after the stop", status, took);
    }
    if (scenario->before != runs || scenario->during != runs || scenario->after != runs) {
        audit_wrong("triggers ran %u, %u and %u times", scenario->before, scenario->during, scenario->after);
    }
    if (scenario->server_open != 0) {
        audit_wrong("after the run the server has %zu connections", scenario->server_open);
    }
}

static void run_drain(struct drain *scenario)
{
    struct audit *audit = &scenario->audit;
    scenario->hosts[0] = bight_simulation_host(audit->simulation, "server");
    scenario->hosts[1] = bight_simulation_host(audit->simulation, "client");
    scenario->server = audit_reactor(audit, scenario->hosts[0], 192 * 1024);
    scenario->client = audit_reactor(audit, scenario->hosts[1], 2 * MAX_BYTES);
    add_triggers(scenario);
    scenario->trouble = draw_trouble(audit);
    set_trouble(audit, &scenario->trouble, scenario->hosts, 2);
    for (unsigned runs = 1; runs <= MAX_RUNS && !audit_is_wrong(); runs++) {
        prepare_run(scenario);
        run_server(scenario, runs);
    }
    bight_simulation_run(audit->simulation, 200);
    if (audit->made != audit->lost || audit->pending != 0) {
        audit_wrong("something has not come to an end: %zu of %zu ends", audit->lost, audit->made);
    }
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct drain scenario = {
        .servers = BIGHT_FACTORY(struct talker, &server_ops),
        .clients = BIGHT_FACTORY(struct talker, &client_ops),
    };
    (void)context;
    scenario.servers.context = scenario.clients.context = &scenario;
    audit_begin(&scenario.audit, simulation);
    run_drain(&scenario);
    return audit_end(&scenario.audit);
}

const struct bight_scenario drain_scenario = { "drain", run, NULL };
