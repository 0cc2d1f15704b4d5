/* SPDX-License-Identifier: MIT */
/* levels.h - the queues of input of a connection's levels: its layers, and on top the facade, which is named by NULL.
 *
 * What cannot enter a level when it comes waits in the level's queue, bytes first and then the end. All that
 * holds input up is this one thing: a pause, pressure, a switch, a layer that was pushed, input that was given back. */
#ifndef BI_TRANSPORT_LEVELS_H
#define BI_TRANSPORT_LEVELS_H

#include "transport/state.h"

/* The protocol cannot be called with input while one of these is set. */
#define BI_LEVELS_NOT_NOW (BI_PAUSED | BI_THROTTLED | BI_SWITCHING | BI_IN_HANDLER | BI_IN_CALL)

/* With none of these it takes what a receive returns at once, wherever in the layers that comes from. */
#define BI_LEVELS_NOT_PLAIN (BI_LEVELS_NOT_NOW | BI_LIFE | BI_EOF_DELIVERED | BI_WAITING)

/* Behind a handler that was given input of layers, when something was marked: as bi_levels_take_back. */
void bi_levels_left(struct bight_transport *transport);

static inline void bi_levels_call(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bight_protocol *protocol = transport->protocol;
    bi_enter_handler(transport);
    if (BI_LIKELY(protocol->ops->data_received != NULL)) {
        protocol->ops->data_received(protocol, data, size);
    }
    bi_leave_handler(transport);
}

/* To a protocol for which nothing is NOT_PLAIN, at most BI_RECEIVE_SIZE bytes and not none. */
static inline void bi_levels_give(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    bi_levels_call(transport, data, size);
    if (BI_UNLIKELY(transport->state & BI_CHANGED)) {
        bi_levels_left(transport);
    }
}

/* Into a level, or those above it that care, at last to the protocol; what cannot enter waits. Empty data, and what the
 * protocol must not be given any more, are dropped. */
void bi_levels_enter(struct bight_transport *transport, struct bight_layer *level, const uint8_t *data, size_t size);
void bi_levels_enter_end(struct bight_transport *transport, struct bight_layer *level);

/* Lets in what waits, the highest level first, as far as it can. */
void bi_levels_run(struct bight_transport *transport);

/* Something stood in the way of what waits for the facade, and does no more: it goes on on a later turn. */
void bi_levels_put_off(struct bight_transport *transport);
/* What was deferred to a later turn can go on. */
void bi_levels_begin_turn(struct bight_transport *transport);

/* Behind a handler: what is left of its input, and before that what it gave back, waits for the level next to the
 * sender now: the facade, or the first layer that the handler pushed. */
void bi_levels_take_back(struct bight_transport *transport, const uint8_t *rest, size_t size);

/* The protocol may give back input. Once it has been notified of the end it keeps what it has: nothing follows that. */
bool bi_levels_can_return(const struct bight_transport *transport);
/* The protocol returns what it was handed, or something in its place. 0 or OUT_OF_MEMORY. */
int bi_levels_return(struct bight_transport *transport, const void *data, size_t size);

/* A layer is being pushed on top: what waited for the facade waits for it. */
void bi_levels_pushed(struct bight_transport *transport, struct bight_layer *layer);
/* A layer is being popped: what waited for it waits for the level above. */
void bi_levels_popped(struct bight_transport *transport, struct bight_layer *layer);

/* A layer has become secure, and the protocol is to be notified before it gets the input that comes from now on. */
void bi_levels_secured(struct bight_transport *transport);

/* The facade's end is to be told once more, to another protocol. */
void bi_levels_end_again(struct bight_transport *transport);

/* A layer can go on no more: nothing enters it or one below it any more, and the end enters those above. */
void bi_levels_failed(struct bight_transport *transport, struct bight_layer *layer);

/* What the layer delivers now enters a hungry layer or the protocol, or is dropped: in any case it need not wait. */
bool bi_levels_are_wanted(const struct bight_transport *transport, const struct bight_layer *layer);
/* Nothing waits for the facade, and it would take input now. */
bool bi_levels_facade_is_open(const struct bight_transport *transport);
/* Comes before what waits for the level. Ends the connection when it cannot be kept. */
void bi_levels_hold_before(
    struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size);

/* There is a level that would take what the bottom has now. */
bool bi_levels_want_input(const struct bight_transport *transport);

/* Forgets the bytes that wait for the facade, or were given back. */
void bi_levels_forget(struct bight_transport *transport);
/* Forgets what waits: for the facade; for all. */
void bi_levels_drop_facade(struct bight_transport *transport);
void bi_levels_drop(struct bight_transport *transport);

#endif
