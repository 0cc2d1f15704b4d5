/* SPDX-License-Identifier: MIT */
/* level_queue.h - the queue of a level: what waits to enter a layer or, named by NULL, the facade. When something waits
 * and when it goes on is decided in levels.c. */
#ifndef BI_TRANSPORT_LEVEL_QUEUE_H
#define BI_TRANSPORT_LEVEL_QUEUE_H

#include "transport/transport.h"

static inline bool bi_level_is_empty(const struct bight_level *level)
{
    return level->input == NULL && !level->is_ended && !level->is_secured && !level->is_closed;
}

static inline bool bi_level_is_waiting(const struct bight_layer *layer)
{
    return !bi_level_is_empty(&layer->waiting);
}

/* Pause and pressure do not stop its input. */
static inline bool bi_level_is_hungry(const struct bight_layer *layer)
{
    return layer->is_hungry || !layer->is_ready;
}

/* The level; NULL when there is no memory for the facade's. */
struct bight_level *bi_level_of(struct bight_transport *transport, struct bight_layer *layer);

/* Behind or in front of what waits already. When out of memory, or past the cap, the connection ends: a stream never
 * has a gap. */
void bi_level_hold_behind(
    struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size);
void bi_level_hold_before(
    struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size);
void bi_level_hold_end(struct bight_transport *transport, struct bight_layer *layer);
/* Forgets what waits, and why. */
void bi_level_drop(struct bight_level *level);
/* Something waits; or, by its code, could not. */
void bi_level_note_waiting(struct bight_transport *transport, int code);

/* WAITING again says whether anything waits. */
void bi_level_update_flag(struct bight_transport *transport);

#endif
