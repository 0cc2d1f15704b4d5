/* SPDX-License-Identifier: MIT */
/* level_queue.c - what waits to enter a layer or the facade: kept, counted, dropped. When something waits and when it
 * goes on is decided in levels.c; the bytes are in an input buffer (input.h), the sum over all connections is cap.c's.
 */
#include "transport/level_queue.h"

#include "transport/close.h"
#include "transport/levels.h"
#include "transport/state.h"

struct bight_level *bi_level_of(struct bight_transport *transport, struct bight_layer *layer)
{
    if (layer != NULL) {
        return &layer->waiting;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    return extension == NULL ? NULL : &extension->facade;
}

static bool count_held(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    size_t size = bi_input_size(extension->facade.input);
    for (const struct bight_layer *layer = extension->top; layer != NULL; layer = layer->below) {
        size += bi_input_size(layer->waiting.input);
    }
    return bi_cap_update(transport->hub, &extension->held, size);
}

void bi_level_update_flag(struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    bool any = extension != NULL && !bi_level_is_empty(&extension->facade);
    for (const struct bight_layer *layer = extension == NULL ? NULL : extension->top; layer != NULL && !any;
         layer = layer->below) {
        any = bi_level_is_waiting(layer);
    }
    transport->state = (transport->state & ~BI_WAITING) | (any ? BI_WAITING : 0);
    if (extension != NULL) {
        (void)count_held(transport);
    }
}

void bi_level_note_waiting(struct bight_transport *transport, int code)
{
    if (code == BIGHT_OK && !count_held(transport)) {
        code = BIGHT_E_OVERFLOW;
    }
    if (code == BIGHT_OK) {
        transport->state |= BI_WAITING | BI_CHANGED;
    } else {
        bi_close_end(transport, bight_failure_of(code), true);
    }
}

void bi_level_hold_behind(
    struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct bight_level *level = bi_level_of(transport, layer);
    bi_level_note_waiting(
        transport, level == NULL ? BIGHT_E_OUT_OF_MEMORY : bi_input_append(&level->input, data, size));
}

void bi_level_hold_before(
    struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct bight_level *level = bi_level_of(transport, layer);
    bi_level_note_waiting(
        transport, level == NULL ? BIGHT_E_OUT_OF_MEMORY : bi_input_prepend(&level->input, data, size));
}

void bi_level_hold_end(struct bight_transport *transport, struct bight_layer *layer)
{
    struct bight_level *level = bi_level_of(transport, layer);
    if (level != NULL) {
        level->is_ended = true;
    }
    bi_level_note_waiting(transport, level == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK);
}

void bi_level_drop(struct bight_level *level)
{
    bi_input_drop(&level->input);
    *level = (struct bight_level) { 0 };
}

void bi_levels_forget(struct bight_transport *transport)
{
    bi_input_drop(&transport->extension->facade.input);
    bi_input_drop(&transport->extension->returned);
    bi_level_update_flag(transport);
}

void bi_levels_drop_facade(struct bight_transport *transport)
{
    if (transport->extension != NULL) {
        bi_level_drop(&transport->extension->facade);
        bi_levels_forget(transport);
    }
}

void bi_levels_drop(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    for (struct bight_layer *layer = extension == NULL ? NULL : extension->top; layer != NULL; layer = layer->below) {
        bi_level_drop(&layer->waiting);
    }
    bi_levels_drop_facade(transport);
}
