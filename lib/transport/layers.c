/* SPDX-License-Identifier: MIT */
/* layers.c - what stands between the facade and the bottom: pushing, popping, and handing on in both directions.
 *
 * The layers of a connection are a list from the top, below the facade, to the lowest, above the bottom. A slot that is
 * NULL passes through. A popped layer is out of the list at once but freed only when no slot of any layer of the
 * connection is on the stack, since it may be the very one that runs; what it still hands on goes where it would have
 * gone. */
#include "transport/transport.h"

static void enter(struct bight_transport *transport)
{
    transport->extension->layer_depth++;
}

static void free_layer(struct bight_layer *layer)
{
    if (layer->ops->free != NULL) {
        layer->ops->free(layer);
    }
}

static void leave(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (--extension->layer_depth > 0) {
        return;
    }
    while (extension->popped != NULL) {
        struct bight_layer *layer = extension->popped;
        extension->popped = layer->next_popped;
        free_layer(layer);
    }
}

/* ------------------------------------------------------------------------------------------------ up */

/* To `layer` or the layers above it that care, at last to the protocol. */
static void pass_up(struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size)
{
    while (layer != NULL && layer->ops->received == NULL) {
        layer = layer->above;
    }
    if (layer == NULL) {
        bi_receive_deliver(transport, data, size);
        return;
    }
    enter(transport);
    layer->ops->received(layer, data, size);
    leave(transport);
}

static void pass_end_up(struct bight_transport *transport, struct bight_layer *layer)
{
    while (layer != NULL && layer->ops->received_end == NULL) {
        layer = layer->above;
    }
    if (layer == NULL) {
        bi_receive_deliver_end(transport);
        return;
    }
    enter(transport);
    layer->ops->received_end(layer);
    leave(transport);
}

void bi_layers_received(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    pass_up(transport, transport->extension->lowest, data, size);
}

void bi_layers_received_end(struct bight_transport *transport)
{
    pass_end_up(transport, transport->extension->lowest);
}

void bight_layer_deliver(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    if (!(layer->transport->state & BI_STATE_OVER) && size > 0) {
        pass_up(layer->transport, layer->above, data, size);
    }
}

void bight_layer_deliver_end(struct bight_layer *layer)
{
    if (!(layer->transport->state & BI_STATE_OVER)) {
        pass_end_up(layer->transport, layer->above);
    }
}

/* ---------------------------------------------------------------------------------------------- down */

static int pass_down(
    struct bight_transport *transport, struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    while (layer != NULL && layer->ops->write == NULL) {
        layer = layer->below;
    }
    if (layer == NULL) {
        return bi_output_write(transport, pieces, count);
    }
    enter(transport);
    int code = layer->ops->write(layer, pieces, count);
    leave(transport);
    return code;
}

static void pass_end_down(struct bight_transport *transport, struct bight_layer *layer)
{
    while (layer != NULL && layer->ops->write_end == NULL) {
        layer = layer->below;
    }
    if (layer == NULL) {
        bi_close_shut_wanted(transport);
        return;
    }
    enter(transport);
    layer->ops->write_end(layer);
    leave(transport);
}

int bi_layers_write(struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    return pass_down(transport, transport->extension->top, pieces, count);
}

void bi_layers_write_end(struct bight_transport *transport)
{
    pass_end_down(transport, transport->extension->top);
}

/* A layer may send of its own accord, where no write would see the code: so the connection is ended from here. */
int bight_layer_send(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct bight_transport *transport = layer->transport;
    if (transport->state & (BI_STATE_OVER | BI_STATE_SHUT_WANTED)) {
        return BIGHT_E_CLOSED;
    }
    int code = pass_down(transport, layer->below, pieces, count);
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
    return code;
}

void bight_layer_send_end(struct bight_layer *layer)
{
    if (!(layer->transport->state & BI_STATE_OVER)) {
        pass_end_down(layer->transport, layer->below);
    }
}

bool bi_layers_are_busy(const struct bight_transport *transport)
{
    for (struct bight_layer *layer = transport->extension->top; layer != NULL; layer = layer->below) {
        if (layer->ops->is_busy != NULL && layer->ops->is_busy(layer)) {
            return true;
        }
    }
    return false;
}

/* What the layer has sent (an alert) goes first, as far as it can at once. */
void bight_layer_fail(struct bight_layer *layer, struct bight_failure *reason)
{
    struct bight_transport *transport = layer->transport;
    if (!(transport->state & BI_STATE_OVER)) {
        bi_output_flush(transport);
    }
    bi_close_end(transport, reason, false);
}

/* -------------------------------------------------------------------------------------- push and pop */

int bight_transport_push_layer(struct bight_transport *transport, struct bight_layer *layer)
{
    if (layer->ops == NULL) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_transport_push_layer: the layer has no table of functions");
    }
    if (transport->state & (BI_STATE_OVER | BI_STATE_LOSING | BI_STATE_WRITE_ENDED)) {
        return BIGHT_E_CLOSED;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    layer->transport = transport;
    layer->above = NULL;
    layer->below = extension->top;
    layer->next_popped = NULL;
    layer->is_popped = false;
    if (extension->top != NULL) {
        extension->top->above = layer;
    } else {
        extension->lowest = layer;
    }
    extension->top = layer;
    transport->state |= BI_STATE_LAYERED;
    return BIGHT_OK;
}

/* Those that were popped before and stood beside this one hand on past it. */
static void mend_popped(struct bi_extension *extension, const struct bight_layer *layer)
{
    for (struct bight_layer *each = extension->popped; each != NULL; each = each->next_popped) {
        each->above = each->above == layer ? layer->above : each->above;
        each->below = each->below == layer ? layer->below : each->below;
    }
}

static void unlink_layer(struct bi_extension *extension, struct bight_layer *layer)
{
    *(layer->above != NULL ? &layer->above->below : &extension->top) = layer->below;
    *(layer->below != NULL ? &layer->below->above : &extension->lowest) = layer->above;
    mend_popped(extension, layer);
    if (extension->top == NULL) {
        extension->transport->state &= ~BI_STATE_LAYERED;
    }
}

void bight_layer_pop(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    if (layer->is_popped || (transport->state & BI_STATE_ENDED)) {
        return; /* it is freed with the connection, or has been taken out already */
    }
    struct bi_extension *extension = transport->extension;
    unlink_layer(extension, layer);
    layer->is_popped = true;
    layer->next_popped = extension->popped;
    extension->popped = layer;
    enter(transport);
    leave(transport);
}

void bi_layers_free(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    while (extension->top != NULL) {
        struct bight_layer *layer = extension->top;
        extension->top = layer->below;
        free_layer(layer);
    }
    extension->lowest = NULL;
    transport->state &= ~BI_STATE_LAYERED;
}
