/* SPDX-License-Identifier: MIT */
/* idle_echo.c - gives back what it is sent, and drops a connection on which nothing moves for SECONDS: what an idle
 * timeout takes of each connection's memory shows beside bight-echo, which has none.
 *
 * Usage: idle_echo SECONDS ENDPOINT */
#include <stdio.h>
#include <stdlib.h>

#include <bight/bight.h>

static double seconds;

static void made(struct bight_protocol *protocol)
{
    if (bight_transport_set_idle_timeout(protocol->transport, seconds) != 0) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

static const struct bight_protocol_ops ops = { .connection_made = made, .data_received = received };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: idle_echo SECONDS ENDPOINT\n");
        return 64;
    }
    seconds = atof(argv[1]);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[2], &factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
