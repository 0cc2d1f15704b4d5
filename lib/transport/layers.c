/* SPDX-License-Identifier: MIT */
/* layers.c - what stands between the facade and the bottom: pushing, popping, and handing on. How input finds its way
 * up, and what of it waits, is in levels.c; how output finds its way down, in write.c.
 *
 * The layers of a connection are a list from the top, below the facade, to the lowest, above the bottom. A slot that is
 * NULL passes through. A popped layer is out of the list at once but freed only when no slot of any layer of the
 * connection is on the stack, since it may be the very one that runs; what it still hands on goes where it would have
 * gone. */
#include "transport/layer_talk.h"
#include "transport/levels.h"
#include "transport/output.h"

static void free_layer(struct bight_layer *layer)
{
    bi_held_drop(layer);
    (void)bi_cap_update(layer->transport->hub, &layer->kept, 0);
    if (layer->ops->free != NULL) {
        layer->ops->free(layer);
    }
}

static void free_popped(struct bi_extension *extension)
{
    while (extension->popped != NULL) {
        struct bight_layer *layer = extension->popped;
        extension->popped = layer->next_popped;
        free_layer(layer);
    }
}

void bi_layers_left(struct bight_transport *transport)
{
    if (transport->extension->popped != NULL) {
        free_popped(transport->extension);
    }
    bi_transport_advance(transport);
}

/* ------------------------------------------------------------------------------------------------ up */

static void __attribute__((noinline))
deliver_if_it_lives(struct bight_transport *transport, struct bight_layer *above, const uint8_t *data, size_t size)
{
    if (!bi_is_over(transport) && size > 0) {
        bool is_outermost = bi_layers_enter(transport);
        bi_levels_enter(transport, above, data, size);
        bi_layers_leave(transport, is_outermost);
    }
}

/* Nearly always by a layer that is at work, to a protocol that takes it. What the input brings about is decided when
 * all of it is there. */
void bight_layer_deliver(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct bight_transport *transport = layer->transport;
    struct bight_layer *above = layer->above;
    if (BI_UNLIKELY(
            (transport->state & (BI_IN_LAYER | BI_LEVELS_NOT_PLAIN)) != BI_IN_LAYER || size - 1 >= BI_RECEIVE_SIZE)) {
        deliver_if_it_lives(transport, above, data, size);
        return;
    }
    while (above != NULL && above->ops->received == NULL) {
        above = above->above;
    }
    if (above == NULL) {
        bi_levels_give(transport, data, size);
    } else {
        above->ops->received(above, data, size);
    }
}

void bight_layer_deliver_end(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    if (!bi_is_over(transport)) {
        bool is_outermost = bi_layers_enter(transport);
        bi_levels_enter_end(transport, layer->above);
        bi_layers_leave(transport, is_outermost);
    }
}

/* ---------------------------------------------------------------------------------------------- down */

static void pass_end_down(struct bight_transport *transport, struct bight_layer *layer)
{
    while (layer != NULL && layer->ops->write_end == NULL) {
        layer = layer->below;
    }
    if (layer == NULL) {
        bi_close_end_reached(transport);
        return;
    }
    layer->is_ending = true;
    bool is_outermost = bi_layers_enter(transport);
    layer->ops->write_end(layer);
    bi_layers_leave(transport, is_outermost);
}

void bi_layers_write_end(struct bight_transport *transport)
{
    pass_end_down(transport, transport->extension->top);
}

static bool is_ending_below(const struct bight_layer *layer)
{
    while ((layer = layer->below) != NULL && !layer->is_ending) {
    }
    return layer != NULL;
}

/* What is written above it goes nowhere, so those above are not asked for an end; those below gather what it has said,
 * and may have last words of their own. */
void bi_layers_end_below(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    bi_layers_flush(transport);
    for (struct bight_layer *each = layer; each != NULL; each = each->above) {
        each->is_ending = false;
    }
    if (bi_write_end_of(transport) < BI_END_IN_LAYERS) {
        bi_set_write_end(transport, BI_END_IN_LAYERS);
    }
    if (bi_write_end_of(transport) == BI_END_IN_LAYERS && !is_ending_below(layer)) {
        pass_end_down(transport, layer->below);
    }
}

void bight_layer_send_end(struct bight_layer *layer)
{
    bool is_late = !layer->is_ending && bi_has_failed(layer->transport); /* those below have been told already */
    layer->is_ending = false;
    if (!bi_is_cut(layer->transport) && !is_late) {
        pass_end_down(layer->transport, layer->below);
    }
}

/* What the layer has sent (an alert) goes out first, and the peer has time to see it: input that the kernel still had
 * would make a close a reset, which destroys what was sent. */
void bight_layer_fail(struct bight_layer *layer, struct bight_failure *reason)
{
    struct bight_transport *transport = layer->transport;
    if (bi_is_cut(transport)) {
        bight_failure_release(reason);
        return;
    }
    bool is_outermost = bi_layers_enter(transport);
    bi_close_failed(transport, layer, reason);
    bi_layers_leave(transport, is_outermost);
}

/* Those that were popped from the top and are still at work hand on to it, as all that comes from now on. */
static void link_on_top(struct bi_extension *extension, struct bight_layer *layer)
{
    *(extension->top != NULL ? &extension->top->above : &extension->lowest) = layer;
    extension->top = layer;
    for (struct bight_layer *each = extension->popped; each != NULL; each = each->next_popped) {
        each->above = each->above == NULL ? layer : each->above;
    }
}

int bight_transport_push_layer(struct bight_transport *transport, struct bight_layer *layer)
{
    if (layer->ops == NULL || layer->ops->size < offsetof(struct bight_layer_ops, flush)) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            layer->ops == NULL ? "bight_transport_push_layer: the layer has no table of functions"
                               : "bight_transport_push_layer: the layer's table does not say its size");
    }
    if (bi_is_cut(transport) || bi_is_losing(transport) || bi_write_end_of(transport) != BI_WRITE_OPEN) {
        return BIGHT_E_CLOSED;
    }
    if (BI_UNLIKELY(transport->state & BI_RESERVED)) {
        return bi_reserve_refuse("bight_transport_push_layer");
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    layer->transport = transport;
    layer->above = NULL;
    layer->below = extension->top;
    layer->next_popped = NULL;
    layer->held = NULL;
    layer->kept = 0;
    layer->is_popped = false;
    layer->is_hungry = layer->is_ending = layer->wants_flush = layer->wants_room = false;
    layer->is_prepared = layer->is_ready = bi_life_of(transport) != BI_ESTABLISHING;
    bi_levels_pushed(transport, layer);
    link_on_top(extension, layer);
    transport->state |= BI_LAYERED;
    bi_transport_changed(transport);
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
        extension->transport->state &= ~BI_LAYERED;
    }
}

void bight_layer_pop(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    if (layer->is_popped || bi_life_of(transport) == BI_LOST) {
        return; /* it is freed with the connection, or has been taken out already */
    }
    struct bi_extension *extension = transport->extension;
    bi_levels_popped(transport, layer);
    bi_held_popped(layer);
    unlink_layer(extension, layer);
    layer->is_popped = true;
    layer->next_popped = extension->popped;
    extension->popped = layer;
    if (layer->is_ending) {
        bight_layer_send_end(layer); /* it was asked for, and will not come from this layer any more */
    }
    if (!(transport->state & BI_IN_LAYER)) {
        free_popped(extension);
    }
    bi_transport_changed(transport);
}

void bi_layers_free(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    bi_levels_drop(transport);
    while (extension->top != NULL) {
        struct bight_layer *layer = extension->top;
        extension->top = layer->below;
        free_layer(layer);
    }
    extension->lowest = NULL;
    transport->state &= ~BI_LAYERED;
    if (extension->flush_task.run != NULL) {
        bi_reactor_unqueue(transport->hub->reactor, &extension->flush_task);
    }
}
