/* SPDX-License-Identifier: MIT */
/* logged_echo.c - an echo server that says who came, how many bytes they sent, and how it ended. With a protocol;
 * logged_echo_await.c is the same with a stream and a coroutine.
 *
 * Usage: logged_echo [ENDPOINT] */
#include <bight/bight.h>

#include <stdio.h>

struct client {
    struct bight_protocol base;
    char name[BIGHT_ADDRESS_TEXT_SIZE];
    unsigned long bytes;
};

static void came(struct bight_protocol *protocol)
{
    struct client *client = bight_self(struct client, protocol);
    struct bight_address peer = { .family = BIGHT_ADDRESS_NONE };
    (void)bight_transport_peer(protocol->transport, &peer);
    bight_address_format(&peer, client->name, sizeof client->name);
    printf("%s came\n", client->name);
}

static void echo(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct client *client = bight_self(struct client, protocol);
    client->bytes += size;
    printf("%s sent %zu bytes\n", client->name, size);
    bight_transport_write(protocol->transport, data, size);
}

static void went(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct client *client = bight_self(struct client, protocol);
    const char *how = bight_error_text(bight_failure_code(reason));
    printf("%s went after %lu bytes: %s\n", client->name, client->bytes, how);
}

static const struct bight_protocol_ops ops = {
    .connection_made = came, .data_received = echo, .connection_lost = went
};
static struct bight_factory clients = BIGHT_FACTORY(struct client, &ops);

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:1234", &clients);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
