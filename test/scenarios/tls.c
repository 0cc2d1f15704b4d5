/* SPDX-License-Identifier: MIT */
/* tls.c - scenario: many clients of an echo over TLS, which is started at once or after a word in the clear.
 *
 * Each client sends its own stream in pieces at random moments and checks what comes back. Some pause, some want a
 * server of another name and must get nothing, some go away in the midst, be it of the handshake. Nobody is notified of
 * data before it is secure, and whoever ends gracefully has everything.
 *
 * OpenSSL's randomness is drawn from the seed, and the clock that certificates are made by stands still, so that the
 * same seed returns the same bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED /* there is no other way to give it numbers of one's own */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bight/testing/ca.h>

#include <openssl/rand.h>

#define MAX_CLIENTS 8
#define MAX_BYTES 100000

/* ---------------------------------------------------------------------------- randomness, and the time */

static struct bight_simulation *source;

static int draw_bytes(unsigned char *bytes, int size)
{
    for (int i = 0; i < size; i++) {
        bytes[i] = (unsigned char)bight_simulation_draw(source, 256);
    }
    return 1;
}

static int is_seeded(void)
{
    return 1;
}

static const RAND_METHOD drawn = { .bytes = draw_bytes, .pseudorand = draw_bytes, .status = is_seeded };

time_t __wrap_time(time_t *where);
time_t __real_time(time_t *where);

time_t __wrap_time(time_t *where)
{
    static time_t first;
    first = first == 0 ? __real_time(NULL) : first;
    if (where != NULL) {
        *where = first;
    }
    return first;
}

/* -------------------------------------------------------------------------------------------- the ends */

struct tls_world {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *clients[2];
    struct bight_factory server_factory, late_server_factory, client_factories[2];
    struct bight_tls *server, *client;
    size_t started, complete, fickle;
    uint32_t next_key;
};

struct server {
    struct bight_protocol base;
    struct end end;
    bool is_secure, is_asked;
};

struct client {
    struct bight_protocol base;
    struct end end;
    uint32_t key;
    size_t size, sent, received;
    bool is_late, is_wrong, is_secure, is_fickle;
    struct bight_timer timer, pause;
};

static struct tls_world *world_of(const struct bight_protocol *protocol)
{
    return protocol->factory->context;
}

static void become_secure(struct end *end, bool *is_secure)
{
    end_hears(end);
    if (*is_secure) {
        audit_wrong("secure twice");
    }
    *is_secure = true;
}

static void start(struct bight_protocol *protocol, struct bight_tls *tls, const char *name)
{
    int code = bight_transport_start_tls(protocol->transport, tls, name);
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        audit_wrong("TLS could not be started: %s", bight_error_name(code));
    }
}

/* --------------------------------------------------------------------------------------------- servers */

static void server_made(struct bight_protocol *protocol)
{
    struct server *server = bight_self(struct server, protocol);
    end_made(&server->end, protocol);
    server->is_asked = protocol->factory == &world_of(protocol)->server_factory;
    if (server->is_asked) {
        start(protocol, world_of(protocol)->server, NULL);
    }
}

static void server_secure(struct bight_protocol *protocol)
{
    struct server *server = bight_self(struct server, protocol);
    become_secure(&server->end, &server->is_secure);
}

static void server_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct server *server = bight_self(struct server, protocol);
    end_hears(&server->end);
    if (server->is_secure) {
        (void)bight_transport_write(protocol->transport, data, size);
        return;
    }
    if (server->is_asked || size != 1 || data[0] != 'S') {
        audit_wrong("data that did not come through TLS");
    }
    server->is_asked = true;
    (void)bight_transport_write(protocol->transport, "K", 1);
    start(protocol, world_of(protocol)->server, NULL);
}

static void server_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    end_lost(&bight_self(struct server, protocol)->end, reason);
}

static const struct bight_protocol_ops server_ops = {
    .connection_made = server_made,
    .data_received = server_received,
    .handshake_completed = server_secure,
    .connection_lost = server_lost,
};

/* --------------------------------------------------------------------------------------------- clients */

static void send_piece(void *context)
{
    struct client *client = context;
    struct tls_world *world = world_of(&client->base);
    struct bight_transport *transport = client->base.transport;
    if (client->is_fickle && draw(&world->audit, 20)) {
        (void)(draw(&world->audit, 50) ? bight_transport_abort_connection(transport)
                                       : bight_transport_lose_connection(transport));
        return;
    }
    size_t left = client->size - client->sent, piece = 1 + draw_size(&world->audit, left - 1);
    if (stream_write(transport, client->key, client->sent, piece) != 0) {
        return;
    }
    client->sent += piece;
    if (client->sent < client->size) {
        (void)bight_call_later(
            bight_transport_reactor(transport), draw_seconds(&world->audit, 0.05), send_piece, client, &client->timer);
    }
}

/* What is written before the handshake is done goes out behind it. */
static void client_starts(struct client *client)
{
    start(&client->base, world_of(&client->base)->client, client->is_wrong ? "other.example" : "server.example");
    send_piece(client);
}

static void client_made(struct bight_protocol *protocol)
{
    struct client *client = bight_self(struct client, protocol);
    struct audit *audit = &world_of(protocol)->audit;
    end_made(&client->end, protocol);
    client->key = world_of(protocol)->next_key++;
    client->size = 1 + draw_size(audit, MAX_BYTES);
    client->is_late = protocol->factory == &world_of(protocol)->client_factories[1];
    client->is_wrong = draw(audit, 15);
    client->is_fickle = draw(audit, 15);
    if (client->is_wrong || client->is_fickle) {
        world_of(protocol)->fickle++;
    }
    if (client->is_late) {
        (void)bight_transport_write(protocol->transport, "S", 1);
    } else {
        client_starts(client);
    }
}

static void client_secure(struct bight_protocol *protocol)
{
    struct client *client = bight_self(struct client, protocol);
    become_secure(&client->end, &client->is_secure);
    if (client->is_wrong) {
        audit_wrong("a server of another name was believed");
    }
}

static void go_on(void *context)
{
    (void)bight_transport_resume(((struct client *)context)->base.transport);
}

static void pause_sometimes(struct client *client)
{
    struct audit *audit = &world_of(&client->base)->audit;
    if (draw(audit, 20) && bight_transport_pause(client->base.transport) == BIGHT_OK) {
        (void)bight_call_later(
            bight_transport_reactor(client->base.transport), draw_seconds(audit, 0.1), go_on, client, &client->pause);
    }
}

static void hear_echo(struct client *client, const uint8_t *data, size_t size)
{
    if (client->received + size > client->sent) {
        audit_wrong("more came back than was sent");
    }
    stream_check(client->key, client->received, data, size);
    client->received += size;
    if (client->received == client->size) {
        world_of(&client->base)->complete += client->is_fickle ? 0 : 1;
        (void)bight_transport_lose_connection(client->base.transport);
    } else {
        pause_sometimes(client);
    }
}

static void client_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct client *client = bight_self(struct client, protocol);
    end_hears(&client->end);
    if (client->is_secure) {
        hear_echo(client, data, size);
    } else if (client->is_late && size == 1 && data[0] == 'K') {
        client_starts(client);
    } else {
        audit_wrong("data that did not come through TLS");
    }
}

static void client_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct client *client = bight_self(struct client, protocol);
    end_lost(&client->end, reason);
    (void)bight_timer_cancel(client->timer);
    (void)bight_timer_cancel(client->pause);
    bool is_all = client->received == client->size || client->is_fickle;
    if (client->end.reason == BIGHT_E_CONNECTION_DONE && client->is_secure && !is_all) {
        audit_wrong("done, with %zu of %zu bytes", client->received, client->size);
    }
}

static const struct bight_protocol_ops client_ops = {
    .connection_made = client_made,
    .data_received = client_received,
    .handshake_completed = client_secure,
    .connection_lost = client_lost,
};

/* ------------------------------------------------------------------------------------------------ runs */

static void start_client(void *context)
{
    struct tls_world *world = context;
    size_t which = draw(&world->audit, 50) ? 0 : 1;
    bight_deferred_release(audit_connect(&world->audit, world->clients[which],
        which == 0 ? "tcp:server:443" : "tcp:server:25", &world->client_factories[which]));
    world->started++;
}

static bool nothing_was_wrong(const struct trouble *trouble)
{
    return !trouble->resets && !trouble->refusals && !trouble->names && !trouble->files;
}

static void check_complete(const struct tls_world *world, size_t count)
{
    if (world->started != count || world->audit.pending != 0 || world->audit.made != world->audit.lost) {
        audit_wrong("something has not come to an end: %zu of %zu ends", world->audit.lost, world->audit.made);
    }
    if (nothing_was_wrong(&world->trouble) && world->complete + world->fickle < count) {
        audit_wrong("nothing was wrong, and complete are %zu of %zu", world->complete, count);
    }
}

static void run_tls(struct tls_world *world)
{
    struct audit *audit = &world->audit;
    struct bight_host *hosts[3] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "one"), bight_simulation_host(audit->simulation, "other") };
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CLIENTS);
    struct bight_reactor *server = audit_reactor(audit, hosts[0], 512 * 1024);
    world->clients[0] = audit_reactor(audit, hosts[1], MAX_BYTES * 2);
    world->clients[1] = audit_reactor(audit, hosts[2], MAX_BYTES * 2);
    (void)audit_listen(audit, server, "tcp:443", &world->server_factory);
    (void)audit_listen(audit, server, "tcp:25", &world->late_server_factory);
    world->trouble = draw_trouble(audit);
    set_trouble(audit, &world->trouble, hosts, 3);
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(world->clients[0], draw_seconds(audit, 2), start_client, world, NULL);
    }
    bight_simulation_run(audit->simulation, 120);
    check_complete(world, count);
}

/* Tickets have the time of day in them. */
static void make_contexts(struct tls_world *world)
{
    struct bight_failure *failure;
    struct bight_testing_ca *ca = bight_testing_ca_new("Root", NULL);
    const struct bight_testing_certificate_options names = { .size = sizeof names, .names = "server.example" };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &names);
    const struct bight_tls_identity identity = bight_testing_identity(certificate);
    const struct bight_tls_server_options server = {
        .size = sizeof server, .identities = &identity, .identity_count = 1, .without_tickets = true
    };
    const char *root = bight_testing_ca_pem(ca);
    const struct bight_tls_client_options client = { .size = sizeof client,
        .ca = { .text = root, .size = strlen(root) } };
    world->server = bight_tls_server_new(&server, &failure);
    world->client = bight_tls_client_new(&client, &failure);
    bight_testing_certificate_free(certificate);
    bight_testing_ca_free(ca);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct tls_world world = {
        .server_factory = BIGHT_FACTORY(struct server, &server_ops),
        .late_server_factory = BIGHT_FACTORY(struct server, &server_ops),
        .client_factories = { BIGHT_FACTORY(struct client, &client_ops), BIGHT_FACTORY(struct client, &client_ops) },
    };
    (void)context;
    world.server_factory.context = world.late_server_factory.context = &world;
    world.client_factories[0].context = world.client_factories[1].context = &world;
    source = simulation;
    (void)RAND_set_rand_method(&drawn);
    make_contexts(&world);
    audit_begin(&world.audit, simulation);
    run_tls(&world);
    const char *wrong = audit_end(&world.audit);
    bight_tls_release(world.server);
    bight_tls_release(world.client);
    return wrong;
}

const struct bight_scenario tls_scenario = { "tls", run, NULL };
