/* SPDX-License-Identifier: MIT */
/* rot13.c - a layer: letters are turned by thirteen places on their way in, so the echo of a text is its rot13. */
#include <bight/bight.h>
#include <bight/sys/layer.h>

static uint8_t turned(uint8_t byte)
{
    uint8_t lower = byte | 0x20;
    if (lower < 'a' || lower > 'z') {
        return byte;
    }
    return lower <= 'm' ? (uint8_t)(byte + 13) : (uint8_t)(byte - 13);
}

static void received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    uint8_t block[4096];
    while (size > 0) {
        size_t part = size < sizeof block ? size : sizeof block;
        for (size_t i = 0; i < part; i++) {
            block[i] = turned(data[i]);
        }
        bight_layer_deliver(layer, block, part);
        data += part;
        size -= part;
    }
}

static void free_layer(struct bight_layer *layer)
{
    bight_free(layer);
}

static const struct bight_layer_ops rot13_ops = { .size = sizeof rot13_ops, .received = received, .free = free_layer };

static void connection_made(struct bight_protocol *p)
{
    struct bight_layer *layer = bight_calloc(1, sizeof *layer);
    if (layer == NULL) {
        bight_transport_abort_connection(p->transport);
        return;
    }
    layer->ops = &rot13_ops;
    if (bight_transport_push_layer(p->transport, layer) != 0) {
        bight_free(layer);
    }
}

static void echo(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    bight_transport_write(p->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .connection_made = connection_made, .data_received = echo };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:1234", &factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
