/* SPDX-License-Identifier: MIT */
/* layered_echo.c - gives back what it is sent, through LAYERS layers that hand everything on: what a layer costs a
 * message shows beside bight-echo, which has none.
 *
 * Usage: layered_echo LAYERS ENDPOINT */
#include <stdio.h>
#include <stdlib.h>

#include <bight/bight.h>
#include <bight/sys/layer.h>

static unsigned layers;

static void hand_on(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    bight_layer_deliver(layer, data, size);
}

static int send_on(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    return bight_layer_send(layer, pieces, count);
}

static void free_layer(struct bight_layer *layer)
{
    free(layer);
}

static const struct bight_layer_ops layer_ops = {
    .size = sizeof layer_ops,
    .received = hand_on,
    .write = send_on,
    .free = free_layer,
};

static void made(struct bight_protocol *protocol)
{
    for (unsigned i = 0; i < layers; i++) {
        struct bight_layer *layer = calloc(1, sizeof *layer);
        if (layer != NULL) {
            layer->ops = &layer_ops;
        }
        if (layer == NULL || bight_transport_push_layer(protocol->transport, layer) != 0) {
            free(layer);
            (void)bight_transport_abort_connection(protocol->transport);
            return;
        }
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
        fprintf(stderr, "usage: layered_echo LAYERS ENDPOINT\n");
        return 64;
    }
    layers = (unsigned)atoi(argv[1]);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[2], &factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
