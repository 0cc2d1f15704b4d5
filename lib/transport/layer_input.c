/* SPDX-License-Identifier: MIT */
/* layer_input.c - what a layer says of the input that it has been given: that it has no time for the rest on this turn
 * (and that another turn begins), that nothing above wants it now. What happens to it is in levels.c. */
#include "transport/level_queue.h"
#include "transport/levels.h"
#include "transport/state.h"

bool bight_layer_hold_input(struct bight_layer *layer, const uint8_t *data, size_t size, uint64_t cost)
{
    struct bight_transport *transport = layer->transport;
    if (bi_is_over(transport) || layer->is_popped || bi_hub_spend(transport->hub, cost)) {
        return false;
    }
    bi_level_hold_before(transport, layer, data, size);
    layer->waiting.waits = true;
    bi_transport_later(transport);
    return true;
}

void bi_levels_begin_turn(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    extension->facade.waits = false;
    for (struct bight_layer *layer = extension->top; layer != NULL; layer = layer->below) {
        layer->waiting.waits = false;
    }
}

static bool is_waiting(const struct bight_layer *layer)
{
    return layer->waiting.input != NULL || layer->waiting.is_ended;
}

bool bi_levels_are_wanted(const struct bight_transport *transport, const struct bight_layer *layer)
{
    for (layer = layer->above; layer != NULL; layer = layer->above) {
        if (is_waiting(layer)) {
            return false;
        }
        if (bi_level_is_hungry(layer)) {
            return true;
        }
    }
    return !bi_is_heard(transport) || (transport->state & BI_EOF_DELIVERED) || bi_levels_facade_is_open(transport);
}

/* With none of these, what is delivered enters the protocol at once. */
#define NOT_PLAIN (BI_PAUSED | BI_THROTTLED | BI_SWITCHING | BI_IN_HANDLER | BI_IN_CALL | BI_WAITING)

bool bight_layer_hold_unwanted(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct bight_transport *transport = layer->transport;
    if (BI_LIKELY(!(transport->state & NOT_PLAIN))) {
        return false;
    }
    if (bi_is_over(transport) || layer->is_popped || bi_levels_are_wanted(transport, layer)) {
        return false;
    }
    bi_level_hold_before(transport, layer, data, size);
    layer->waiting.is_unwanted = true;
    return true;
}
