/* SPDX-License-Identifier: MIT */
/* layer_talk.c - what layers say and are asked apart from bytes: flushing, being secure, hunger, what they have queued,
 * what they know. How bytes pass, and how layers come and go, is in layers.c and levels.c. */
#include "transport/layer_talk.h"

#include "transport/levels.h"
#include "transport/state.h"

/* ---------------------------------------------------------------------------------------- flushing */

/* Higher layers first: what they send is for those below. */
static struct bight_layer *find_unflushed(const struct bi_extension *extension)
{
    struct bight_layer *layer = extension->top;
    while (layer != NULL && !layer->wants_flush) {
        layer = layer->below;
    }
    return layer;
}

void bi_layers_flush(struct bight_transport *transport)
{
    struct bight_layer *layer;
    int code = BIGHT_OK;
    bool is_outermost = bi_layers_enter(transport);
    while (!bi_is_cut(transport) && code == BIGHT_OK && (layer = find_unflushed(transport->extension)) != NULL) {
        layer->wants_flush = false;
        layer->is_flushing = true;
        code = layer->ops->flush(layer);
        layer->is_flushing = false; /* one that was popped is still there */
        code = code == BIGHT_E_CLOSED ? BIGHT_OK : code;
    }
    if (code != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
    bi_layers_leave(transport, is_outermost);
}

static void run_flush(struct bi_task *task)
{
    bi_layers_flush(BI_CONTAINER(task, struct bi_extension, flush_task)->transport);
}

void bight_layer_flush_later(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    if (!BI_LAYER_HAS(layer, flush) || layer->is_popped || bi_is_cut(transport)) {
        return;
    }
    struct bi_extension *extension = transport->extension;
    layer->wants_flush = true;
    if (extension->flush_task.run == NULL) {
        bi_reactor_afterwards(transport->hub->reactor, &extension->flush_task, run_flush);
    }
}

void bight_layer_flush_with_room(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    if (BI_LAYER_HAS(layer, flush) && !layer->is_popped && !bi_is_cut(transport)) {
        layer->wants_room = true;
        transport->state |= BI_HELD;
        bi_transport_changed(transport);
    }
}

int bight_layer_keeps(struct bight_layer *layer, size_t counted)
{
    struct bight_transport *transport = layer->transport;
    size_t below = transport->output == NULL ? 0 : transport->output->counted;
    if (layer->is_popped || bi_is_cut(transport)) {
        return BIGHT_OK;
    }
    bool grows = counted > layer->kept;
    bool fits = bi_cap_update(transport->hub, &layer->kept, counted);
    size_t limit = bi_flow_limit(transport);
    if (grows && (!fits || counted > limit || below > limit - counted)) {
        return BIGHT_E_OVERFLOW;
    }
    bi_flow_check_watermarks(transport);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- telling */

void bight_layer_secured(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    struct bight_layer *above = layer->above;
    while (above != NULL && !BI_LAYER_HAS(above, secured)) {
        above = above->above;
    }
    if (bi_is_over(transport)) {
        return;
    }
    bool is_outermost = bi_layers_enter(transport);
    if (above != NULL) {
        above->ops->secured(above);
    } else {
        bi_levels_secured(transport);
    }
    bi_layers_leave(transport, is_outermost);
}

void bi_layers_lost(struct bight_transport *transport, const struct bight_failure *reason)
{
    struct bight_layer *layer = transport->extension->lowest;
    for (; layer != NULL; layer = layer->above) {
        if (BI_LAYER_HAS(layer, lost)) {
            layer->ops->lost(layer, reason);
        }
    }
}

void bight_layer_set_hungry(struct bight_layer *layer, bool hungry)
{
    layer->is_hungry = hungry;
    if (!layer->is_popped && !bi_is_over(layer->transport)) {
        bi_transport_changed(layer->transport);
    }
}

bool bight_layer_get_hungry(const struct bight_layer *layer)
{
    return layer->is_hungry;
}

/* -------------------------------------------------------------------------------------------- asking */

size_t bi_layers_queued(const struct bight_transport *transport)
{
    size_t queued = 0;
    for (const struct bight_layer *layer = transport->extension->top; layer != NULL; layer = layer->below) {
        queued += BI_LAYER_HAS(layer, queued) ? layer->ops->queued(layer) : 0;
    }
    return queued;
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

const void *bight_transport_facts(const struct bight_transport *transport, const void *key)
{
    const struct bight_layer *layer = transport->state & BI_LAYERED ? transport->extension->top : NULL;
    for (; layer != NULL; layer = layer->below) {
        const void *fact = BI_LAYER_HAS(layer, facts) ? layer->ops->facts(layer, key) : NULL;
        if (fact != NULL) {
            return fact;
        }
    }
    return NULL;
}
