/* SPDX-License-Identifier: MIT */
/* knock.c - scenario: connections that have to be established first (support/knock.h), once or twice over.
 *
 * Some clients know the password and some do not, some say nothing, some speak of something else, some lose patience.
 * Who does not know it never meets a protocol of the server's, and nobody's attempt is left without an outcome. Who
 * knows it gets its echo, where nothing went wrong that a program can see; silent ones are gone in time. */
#include "scenario.h"

#include <bight/protocols/wire.h>

#include <string.h>

#include "knock.h"

#define MAX_CLIENTS 20
#define MAX_BYTES 20000

enum kind { RIGHT, WRONG, SILENT, TALKATIVE, KINDS };

struct knocking {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *client;
    struct bight_factory right, stranger;
    struct bight_factory_ops server_ops;
    struct bight_factory server;
    bool is_double;
    size_t right_ones, cancelled, complete, served;
    uint32_t next_key;
};

struct caller {
    struct bight_protocol base;
    struct end end;
    uint32_t key;
    size_t size, received;
};

static struct knocking *scenario_of(const struct bight_protocol *protocol)
{
    return protocol->factory->context;
}

/* ------------------------------------------------------------------------------------ who is let in */

static void right_made(struct bight_protocol *protocol)
{
    struct caller *caller = bight_self(struct caller, protocol);
    struct knocking *scenario = scenario_of(protocol);
    end_made(&caller->end, protocol);
    caller->key = scenario->next_key++;
    caller->size = 1 + draw_size(&scenario->audit, MAX_BYTES);
    (void)stream_write(protocol->transport, caller->key, 0, caller->size);
}

static void right_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct caller *caller = bight_self(struct caller, protocol);
    end_hears(&caller->end);
    stream_check(caller->key, caller->received, data, size);
    caller->received += size;
    if (caller->received == caller->size) {
        scenario_of(protocol)->complete++;
        (void)bight_transport_lose_connection(protocol->transport);
    }
}

static void caller_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    end_lost(&bight_self(struct caller, protocol)->end, reason);
}

static const struct bight_protocol_ops right_ops = {
    .connection_made = right_made, .data_received = right_received, .connection_lost = caller_lost
};

/* ------------------------------------------------------------------------------------- who is not */

/* A plain connection: it says nothing, or something that is no knocking. */
static void stranger_made(struct bight_protocol *protocol)
{
    struct caller *caller = bight_self(struct caller, protocol);
    struct knocking *scenario = scenario_of(protocol);
    end_made(&caller->end, protocol);
    if (draw(&scenario->audit, 50)) {
        (void)stream_write(protocol->transport, 0, 0, draw_size(&scenario->audit, 5 * MAX_BYTES));
    }
}

static void stranger_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    static const char answer[] = "go away\n";
    struct caller *caller = bight_self(struct caller, protocol);
    end_hears(&caller->end);
    if (caller->received + size >= sizeof answer || memcmp(answer + caller->received, data, size) != 0) {
        audit_wrong("a stranger hears what is not for him");
    }
    caller->received += size;
}

static const struct bight_protocol_ops stranger_ops = {
    .connection_made = stranger_made, .data_received = stranger_received, .connection_lost = caller_lost
};

/* ------------------------------------------------------------------------------------------ the server */

static struct bight_protocol *serve(struct bight_factory *factory, const struct bight_address *peer)
{
    struct knocking *scenario = factory->context;
    (void)peer; /* of one that was reset before it was accepted there is nothing to tell */
    scenario->served++;
    return bight_protocol_new(factory);
}

/* --------------------------------------------------------------------------------------------- a run */

static void give_up(void *context)
{
    struct bight_deferred *connecting = context;
    bight_deferred_cancel(connecting);
    bight_deferred_release(connecting);
}

static void connect_right(struct knocking *scenario)
{
    const char *endpoint =
        scenario->is_double ? "knock:inner:knock:outer:tcp:10.0.0.1:7" : "knock:outer:tcp:10.0.0.1:7";
    struct bight_deferred *connecting = audit_connect(&scenario->audit, scenario->client, endpoint, &scenario->right);
    scenario->right_ones++;
    if (draw(&scenario->audit, 20)) {
        scenario->cancelled++;
        (void)bight_call_later(scenario->client, draw_seconds(&scenario->audit, 0.3), give_up, connecting, NULL);
    } else {
        bight_deferred_release(connecting);
    }
}

static void start_caller(void *context)
{
    struct knocking *scenario = context;
    struct audit *audit = &scenario->audit;
    enum kind kind = draw(audit, 50) ? RIGHT : (enum kind)bight_simulation_draw(audit->simulation, KINDS);
    if (kind == RIGHT) {
        connect_right(scenario);
    } else if (kind == WRONG) {
        bight_deferred_release(
            audit_connect(audit, scenario->client, "knock:guess:tcp:10.0.0.1:7", &scenario->stranger));
    } else {
        bight_deferred_release(audit_connect(audit, scenario->client, "tcp:10.0.0.1:7", &scenario->stranger));
    }
}

static void check_all(const struct knocking *scenario)
{
    const struct trouble *trouble = &scenario->trouble;
    const struct audit *audit = &scenario->audit;
    if (audit->pending != 0 || audit->made != audit->lost) {
        audit_wrong("something has not come to an end: %zu of %zu ends", audit->lost, audit->made);
    }
    if (scenario->served > scenario->right_ones) {
        audit_wrong("served are %zu, of whom %zu know the password", scenario->served, scenario->right_ones);
    }
    size_t least = scenario->right_ones - scenario->cancelled;
    if (!trouble->resets && !trouble->refusals && !trouble->files && scenario->complete < least) {
        audit_wrong("nothing was wrong, and complete are %zu of %zu", scenario->complete, least);
    }
}

static void run_knocking(struct knocking *scenario)
{
    struct audit *audit = &scenario->audit;
    struct bight_host *hosts[2] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "client") };
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CLIENTS);
    struct bight_reactor *server = audit_reactor(audit, hosts[0], 192 * 1024);
    scenario->client = audit_reactor(audit, hosts[1], 6 * MAX_BYTES);
    scenario->is_double = draw(audit, 50);
    (void)audit_listen(
        audit, server, scenario->is_double ? "knock:inner:knock:outer:tcp:7" : "knock:outer:tcp:7", &scenario->server);
    scenario->trouble = draw_trouble(audit);
    set_trouble(audit, &scenario->trouble, hosts, 2);
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(scenario->client, draw_seconds(audit, 2), start_caller, scenario, NULL);
    }
    bight_simulation_run(audit->simulation, 120);
    check_all(scenario);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct knocking scenario = {
        .right = BIGHT_FACTORY(struct caller, &right_ops),
        .stranger = BIGHT_FACTORY(struct caller, &stranger_ops),
        .server_ops = { .build_protocol = serve },
        .server = BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops),
    };
    (void)context;
    scenario.right.context = scenario.stranger.context = scenario.server.context = &scenario;
    scenario.server.ops = &scenario.server_ops;
    audit_begin(&scenario.audit, simulation);
    run_knocking(&scenario);
    const char *wrong = audit_end(&scenario.audit);
    return wrong == NULL && (knock_layers != 0 || knock_doors != 0) ? "a layer or its context has not been freed"
                                                                    : wrong;
}

void register_knock(void)
{
    (void)bight_endpoint_register(&knock_type);
}

const struct bight_scenario knock_scenario = { "knock", run, NULL };
