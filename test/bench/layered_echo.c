/* SPDX-License-Identifier: MIT */
/* layered_echo.c - gives back what it is sent, through LAYERS layers that hand everything on, by functions of their own
 * or, "empty", without any: what a layer costs a message shows beside LAYERS 0.
 *
 * Usage: layered_echo LAYERS ENDPOINT [empty] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/sys/layer.h>

static unsigned layers;
static bool are_empty;

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

static const struct bight_layer_ops empty_ops = { .size = sizeof empty_ops, .free = free_layer };

static const struct bight_layer_ops handing_ops = {
    .size = sizeof handing_ops,
    .received = hand_on,
    .write = send_on,
    .free = free_layer,
};

static void made(struct bight_protocol *protocol)
{
    for (unsigned i = 0; i < layers; i++) {
        struct bight_layer *layer = calloc(1, sizeof *layer);
        if (layer != NULL) {
            layer->ops = are_empty ? &empty_ops : &handing_ops;
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
    if (argc < 3) {
        fprintf(stderr, "usage: layered_echo LAYERS ENDPOINT [empty]\n");
        return 64;
    }
    layers = (unsigned)atoi(argv[1]);
    are_empty = argc > 3 && strcmp(argv[3], "empty") == 0;
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[2], &factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
