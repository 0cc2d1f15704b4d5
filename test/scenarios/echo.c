/* SPDX-License-Identifier: MIT */
/* echo.c - scenario: many clients of the production echo, with random sizes and chunking.
 *
 * Each client sends its own stream in pieces at random moments, the beginning perhaps from a file on its disk, and
 * checks what comes back against it. Whoever is not lost has everything in the end; where nothing went wrong that a
 * program can see, nobody is lost. */
#include "scenario.h"

#include <bight/protocols/wire.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reactor/reactor.h"

#define MAX_CLIENTS 30
#define MAX_BYTES 60000
#define FILE_BYTES 8000 /* of a stream, that its client may have in a file */

struct echo {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *clients[2];
    struct bight_factory server_factory, client_factories[2];
    size_t started, complete;
    size_t files; /* that are open */
    uint32_t next_key;
};

/* A file that is sent from stays open until nobody reads it any more. */
struct source {
    struct echo *echo;
    struct bight_system *system;
    int descriptor;
    unsigned holds;
};

struct client {
    struct bight_protocol base;
    struct source *source; /* NULL: it has no file */
    struct end end;
    uint32_t key;
    size_t size, sent, received;
    struct bight_timer timer;
};

static struct echo *echo_of(const struct client *client)
{
    return client->base.factory->context;
}

static void release_source(void *context)
{
    struct source *source = context;
    if (--source->holds == 0) {
        (void)source->system->ops->close(source->system, source->descriptor);
        source->echo->files--;
        free(source);
    }
}

static bool fill(const struct source *source, uint32_t key)
{
    uint8_t bytes[FILE_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = stream_byte(key, i);
    }
    return source->system->ops->write(source->system, source->descriptor, bytes, sizeof bytes) == sizeof bytes;
}

static struct source *open_source(struct echo *echo, struct bight_reactor *reactor, uint32_t key)
{
    struct source *source = calloc(1, sizeof *source);
    char path[40];
    (void)snprintf(path, sizeof path, "/streams/%u", (unsigned)key);
    source->echo = echo;
    source->system = reactor->system;
    source->descriptor = source->system->ops->open(source->system, path, O_RDWR | O_CREAT, 0600);
    source->holds = 1;
    echo->files++;
    if (source->descriptor < 0 || !fill(source, key)) {
        audit_wrong("a file could not be made");
    }
    return source;
}

static int send_bytes(struct client *client, size_t size)
{
    struct source *source = client->source;
    if (source == NULL || client->sent + size > FILE_BYTES || !draw(&source->echo->audit, 70)) {
        return stream_write(client->base.transport, client->key, client->sent, size);
    }
    source->holds++;
    int code = bight_transport_send_file(
        client->base.transport, source->descriptor, client->sent, size, release_source, source);
    if (code != 0) {
        release_source(source);
    }
    return code;
}

static void send_piece(void *context)
{
    struct client *client = context;
    struct echo *echo = echo_of(client);
    size_t left = client->size - client->sent;
    size_t piece = 1 + draw_size(&echo->audit, left - 1);
    if (send_bytes(client, piece) != 0) {
        return;
    }
    client->sent += piece;
    if (client->sent < client->size) {
        (void)bight_call_later(bight_transport_reactor(client->base.transport), draw_seconds(&echo->audit, 0.05),
            send_piece, client, &client->timer);
    }
}

static void client_made(struct bight_protocol *protocol)
{
    struct client *client = bight_self(struct client, protocol);
    struct echo *echo = echo_of(client);
    end_made(&client->end, protocol);
    client->key = echo->next_key++;
    client->size = 1 + draw_size(&echo->audit, MAX_BYTES);
    client->source =
        draw(&echo->audit, 40) ? open_source(echo, bight_transport_reactor(protocol->transport), client->key) : NULL;
    send_piece(client);
}

static void client_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct client *client = bight_self(struct client, protocol);
    end_hears(&client->end);
    if (client->received + size > client->sent) {
        audit_wrong("more came back than was sent");
    }
    stream_check(client->key, client->received, data, size);
    client->received += size;
    if (client->received == client->size) {
        echo_of(client)->complete++;
        (void)bight_transport_lose_connection(protocol->transport);
    }
}

static void client_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct client *client = bight_self(struct client, protocol);
    end_lost(&client->end, reason);
    (void)bight_timer_cancel(client->timer);
    if (client->source != NULL) {
        release_source(client->source);
    }
    /* a server without descriptors closes what it accepts */
    if (client->end.reason == BIGHT_E_CONNECTION_DONE && client->received != client->size &&
        !echo_of(client)->trouble.files) {
        audit_wrong("done, with %zu of %zu bytes", client->received, client->size);
    }
}

static const struct bight_protocol_ops client_ops = {
    .connection_made = client_made, .data_received = client_received, .connection_lost = client_lost
};

static void start_client(void *context)
{
    struct echo *echo = context;
    size_t which = draw(&echo->audit, 50) ? 0 : 1;
    bight_deferred_release(audit_connect(&echo->audit, echo->clients[which],
        draw(&echo->audit, 50) ? "tcp:server:7" : "tcp:10.0.0.1:7", &echo->client_factories[which]));
    echo->started++;
}

static void check_complete(const struct echo *echo, size_t count)
{
    const struct trouble *trouble = &echo->trouble;
    if (echo->started != count || echo->audit.pending != 0 || echo->audit.made != echo->audit.lost) {
        audit_wrong("something has not come to an end: %zu of %zu ends", echo->audit.lost, echo->audit.made);
    }
    if (!trouble->resets && !trouble->refusals && !trouble->names && !trouble->files && echo->complete != count) {
        audit_wrong("nothing was wrong, and complete are %zu of %zu", echo->complete, count);
    }
}

static void run_echo(struct echo *echo)
{
    struct audit *audit = &echo->audit;
    struct bight_host *hosts[3] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "one"), bight_simulation_host(audit->simulation, "other") };
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CLIENTS);
    struct bight_reactor *server = audit_reactor(audit, hosts[0], 192 * 1024);
    echo->clients[0] = audit_reactor(audit, hosts[1], MAX_BYTES);
    echo->clients[1] = audit_reactor(audit, hosts[2], MAX_BYTES);
    (void)audit_listen(audit, server, "tcp:7", &echo->server_factory);
    echo->trouble = draw_trouble(audit);
    set_trouble(audit, &echo->trouble, hosts, 3);
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(echo->clients[0], draw_seconds(audit, 2), start_client, echo, NULL);
    }
    bight_simulation_run(audit->simulation, 120);
    check_complete(echo, count);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct echo echo = {
        .server_factory = BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops),
        .client_factories = { BIGHT_FACTORY(struct client, &client_ops), BIGHT_FACTORY(struct client, &client_ops) },
    };
    (void)context;
    echo.client_factories[0].context = echo.client_factories[1].context = &echo;
    audit_begin(&echo.audit, simulation);
    run_echo(&echo);
    const char *wrong = audit_end(&echo.audit);
    return wrong == NULL && echo.files != 0 ? "a file that was sent has not been released" : wrong;
}

const struct bight_scenario echo_scenario = { "echo", run, NULL };
