/* SPDX-License-Identifier: MIT */
/* layer_talk.h - what layers are given from above, and what they are told and asked apart from bytes. Each needs a
 * LAYERED transport. */
#ifndef BI_TRANSPORT_LAYER_TALK_H
#define BI_TRANSPORT_LAYER_TALK_H

#include "transport/held.h"
#include "transport/state.h"

/* Tables made for an earlier bight end before the slots that came later. */
#define BI_LAYER_HAS(layer, slot)                                                               \
    ((layer)->ops->size >= offsetof(struct bight_layer_ops, slot) + sizeof(layer)->ops->slot && \
        (layer)->ops->slot != NULL)

/* To a layer, or those below it that care, at last to the output. The codes of write. */
static inline int bi_layers_pass_down(
    struct bight_transport *transport, struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    layer = bi_held_level(layer);
    if (layer == NULL) {
        return bi_write_down(transport, pieces, count);
    }
    if (BI_UNLIKELY(transport->state & BI_HELD) && bi_held_has(layer)) {
        return bi_held_add(layer, pieces, count);
    }
    if (BI_LIKELY(transport->state & BI_IN_LAYER)) {
        return layer->ops->write(layer, pieces, count); /* the outermost call decides */
    }
    bool is_outermost = bi_layers_enter(transport);
    int code = layer->ops->write(layer, pieces, count);
    bi_layers_leave(transport, is_outermost);
    return code;
}

/* What was to be flushed later is flushed now. */
void bi_layers_flush(struct bight_transport *transport);
/* At the loss, before connection_lost. */
void bi_layers_lost(struct bight_transport *transport, const struct bight_failure *reason);
/* lose_connection must wait for one of them. */
bool bi_layers_are_busy(const struct bight_transport *transport);
/* What they have taken and not yet sent. */
size_t bi_layers_queued(const struct bight_transport *transport);

#endif
