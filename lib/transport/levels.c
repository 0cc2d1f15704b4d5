/* SPDX-License-Identifier: MIT */
/* levels.c - input on its way up, and when what waits of it goes on: into a layer, or to the protocol. The queues are
 * in level_queue.c.
 *
 * A level takes what comes when nothing waits before it; the protocol, moreover, when it has not paused and nothing of
 * it is on the stack. The rest waits in the level's queue. So a push takes over the facade's queue and nothing that
 * came before it is seen as if it had come through the new layer; and what a handler leaves of its input goes to the
 * layer or protocol that stands there when the handler has returned. What the layers do with input is theirs; the
 * bottom is read in receive.c. */
#include "transport/levels.h"

#include <bight/memory.h>

#include "transport/establish.h"
#include "transport/layer_talk.h"
#include "transport/level_queue.h"

/* What waits for the facade before the layers' queues stand still. */
#define FACADE_BOUND BI_RECEIVE_SIZE

/* -------------------------------------------------------------------------------- into the facade */

/* May be given input at all. */
static bool facade_listens(const struct bight_transport *transport)
{
    return bi_is_heard(transport) && !(transport->state & BI_EOF_DELIVERED);
}

static bool facade_takes(const struct bight_transport *transport)
{
    return facade_listens(transport) && !(transport->state & BI_LEVELS_NOT_NOW) &&
           (transport->extension == NULL ||
               !(transport->extension->facade.waits || transport->extension->facade.is_closed));
}

bool bi_levels_facade_is_open(const struct bight_transport *transport)
{
    return facade_takes(transport) &&
           (transport->extension == NULL || bi_level_is_empty(&transport->extension->facade));
}

/* The handler has given back some of its input, or has put a layer in its way. */
static bool is_diverted(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    return extension != NULL && (extension->pushed != NULL || extension->returned != NULL);
}

/* As much as the protocol takes. */
static void feed(struct bight_transport *transport, struct bi_rest *rest)
{
    while (rest->size > 0 && facade_takes(transport) && !is_diverted(transport)) {
        const uint8_t *piece = rest->data;
        size_t size = rest->size < BI_RECEIVE_SIZE ? rest->size : BI_RECEIVE_SIZE;
        rest->data += size;
        rest->size -= size;
        bi_levels_call(transport, piece, size);
    }
}

/* Behind what a handler did with its input: no layer counts as just pushed any more. Returns the level next to the
 * sender, which `returned` is for; NULL: the facade. */
static struct bight_layer *forget_pushed(struct bi_extension *extension)
{
    struct bight_layer *level = extension->pushed;
    extension->pushed = NULL;
    extension->facade.waits = extension->facade.waits && level == NULL; /* it comes in another shape */
    return level;
}

/* Takes `input`. */
static void hold_block_before(struct bight_transport *transport, struct bight_layer *layer, struct bight_input *input)
{
    if (input != NULL && bi_is_heard(transport)) {
        bi_level_note_waiting(transport, bi_input_give_back(&bi_level_of(transport, layer)->input, input));
    } else {
        bight_free(input);
    }
}

static void hold_returned(struct bight_transport *transport, struct bight_layer *layer)
{
    struct bi_extension *extension = transport->extension;
    struct bight_input *returned = bi_input_take(&extension->returned);
    extension->facade.before += layer == NULL && extension->facade.is_secured ? bi_input_size(returned) : 0;
    hold_block_before(transport, layer, returned);
}

void bi_levels_take_back(struct bight_transport *transport, const uint8_t *rest, size_t size)
{
    struct bi_extension *extension = transport->extension;
    struct bight_layer *level = extension == NULL ? NULL : forget_pushed(extension);
    if (size > 0 && bi_is_heard(transport)) {
        bi_level_hold_before(transport, level, rest, size);
    }
    if (extension != NULL) {
        hold_returned(transport, level);
    }
}

/* The same for a rest that has a block of its own already, which is taken. */
static void take_back_block(struct bight_transport *transport, struct bight_input *rest)
{
    struct bight_layer *level = forget_pushed(transport->extension);
    hold_block_before(transport, level, rest);
    hold_returned(transport, level);
}

void bi_levels_left(struct bight_transport *transport)
{
    if (is_diverted(transport)) {
        bi_levels_take_back(transport, NULL, 0);
    }
}

static void __attribute__((noinline))
enter_facade_if_it_takes(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    if (size == 0 || !facade_listens(transport)) {
        return;
    }
    if ((transport->state & BI_WAITING) && !bi_level_is_empty(&transport->extension->facade)) {
        if (!transport->extension->facade.is_ended) { /* there is nothing behind an end */
            bi_level_hold_behind(transport, NULL, data, size);
        }
        return;
    }
    struct bi_rest rest = { .data = data, .size = size };
    feed(transport, &rest);
    if (rest.size > 0 || is_diverted(transport)) {
        bi_levels_take_back(transport, rest.data, rest.size);
    }
}

static inline void enter_facade(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    if (BI_UNLIKELY((transport->state & BI_LEVELS_NOT_PLAIN) || size - 1 >= BI_RECEIVE_SIZE)) {
        enter_facade_if_it_takes(transport, data, size);
    } else {
        bi_levels_give(transport, data, size);
    }
}

static bool ask_about_end(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    if (protocol->ops->read_connection_lost == NULL) {
        return false;
    }
    bi_enter_handler(transport);
    bool handled = protocol->ops->read_connection_lost(protocol);
    bi_leave_handler(transport);
    bi_levels_take_back(transport, NULL, 0);
    return handled || transport->protocol != protocol;
}

/* T11, T12. A producer is not waited for unless one's own lose or lose_write came first (T8). It is stopped when writes
 * are refused already. A protocol that comes by a switch gets the end too. */
static void lose_unless_handled(struct bight_transport *transport)
{
    if (bi_has_failed(transport)) {
        bi_begin_close(transport);
        return;
    }
    bool handled = ask_about_end(transport);
    if (handled || bi_life_of(transport) != BI_OPEN || (transport->state & BI_SWITCHING)) {
        return;
    }
    bool is_first = bi_write_end_of(transport) == BI_WRITE_OPEN;
    bi_begin_close(transport);
    if (is_first) {
        bi_flow_stop_producer(transport);
    }
}

/* Nothing else is decided before it is clear what the end means: the caller goes on to advance. */
static void tell_end(struct bight_transport *transport)
{
    uint32_t outer = transport->state & BI_ADVANCING;
    transport->state |= BI_EOF_DELIVERED | BI_ADVANCING;
    lose_unless_handled(transport);
    transport->state = (transport->state & ~BI_ADVANCING) | outer | BI_CHANGED;
}

/* Behind all that waits: a layer may have been pushed since, and have what was given back. */
static struct bight_layer *find_lowest_waiting(const struct bight_transport *transport)
{
    struct bight_layer *layer = transport->state & BI_LAYERED ? transport->extension->lowest : NULL;
    while (layer != NULL && bi_level_is_empty(&layer->waiting)) {
        layer = layer->above;
    }
    return layer;
}

void bi_levels_end_again(struct bight_transport *transport)
{
    if (transport->state & BI_EOF_DELIVERED) {
        transport->state &= ~BI_EOF_DELIVERED;
        bi_level_hold_end(transport, find_lowest_waiting(transport));
    }
}

static void enter_facade_end(struct bight_transport *transport)
{
    if (bi_is_losing(transport)) {
        transport->state |= BI_EOF_DELIVERED | BI_CHANGED;
    } else if (bi_life_of(transport) == BI_ESTABLISHING) {
        bi_level_hold_end(transport, NULL);
    } else if (bi_life_of(transport) != BI_OPEN || (transport->state & BI_EOF_DELIVERED)) {
        return; /* an EOF behind a failure is no graceful end */
    } else if ((transport->state & BI_WAITING) || !facade_takes(transport)) {
        bi_level_hold_end(transport, NULL);
    } else {
        tell_end(transport);
    }
}

/* -------------------------------------------------------------------------------------- into a level */

static inline void call_received(
    struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size)
{
    if (transport->state & BI_IN_LAYER) {
        layer->ops->received(layer, data, size); /* the outermost call decides */
        return;
    }
    bool is_outermost = bi_layers_enter(transport);
    layer->ops->received(layer, data, size);
    bi_layers_leave(transport, is_outermost);
}

/* Something waits: perhaps before this. */
static void __attribute__((noinline))
enter_behind(struct bight_transport *transport, struct bight_layer *level, const uint8_t *data, size_t size)
{
    while (level != NULL && level->ops->received == NULL && !bi_level_is_waiting(level)) {
        level = level->above;
    }
    if (level == NULL) {
        enter_facade(transport, data, size);
    } else if (bi_level_is_waiting(level)) {
        bi_level_hold_behind(transport, level, data, size);
    } else {
        call_received(transport, level, data, size);
    }
}

void bi_levels_enter(struct bight_transport *transport, struct bight_layer *level, const uint8_t *data, size_t size)
{
    if (BI_UNLIKELY(transport->state & BI_WAITING)) {
        enter_behind(transport, level, data, size);
        return;
    }
    while (level != NULL && level->ops->received == NULL) {
        level = level->above;
    }
    if (level == NULL) {
        enter_facade(transport, data, size);
    } else {
        call_received(transport, level, data, size);
    }
}

void bi_levels_enter_end(struct bight_transport *transport, struct bight_layer *level)
{
    while (level != NULL && level->ops->received_end == NULL && !bi_level_is_waiting(level)) {
        level = level->above;
    }
    if (BI_UNLIKELY(bi_life_of(transport) == BI_ESTABLISHING) && bi_establish_refuses_end(transport, level)) {
        return;
    }
    if (level == NULL) {
        enter_facade_end(transport);
    } else if (bi_level_is_waiting(level)) {
        bi_level_hold_end(transport, level);
    } else {
        bool is_outermost = bi_layers_enter(transport);
        level->ops->received_end(level);
        bi_layers_leave(transport, is_outermost);
    }
}

/* ------------------------------------------------------------------------------------- what waited */

/* T19. A pause stops data, not this. */
static void tell_secured(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    if (!bi_is_heard(transport) || (transport->state & (BI_SWITCHING | BI_IN_HANDLER | BI_IN_CALL))) {
        return;
    }
    transport->extension->facade.is_secured = false;
    transport->state |= BI_CHANGED;
    if (protocol->ops->handshake_completed != NULL) {
        bi_enter_handler(transport);
        protocol->ops->handshake_completed(protocol);
        bi_leave_handler(transport);
        bi_levels_take_back(transport, NULL, 0);
    }
}

/* A protocol that comes when all of this is over has nothing to wait for. */
void bi_levels_secured(struct bight_transport *transport)
{
    if (bi_life_of(transport) == BI_ESTABLISHING) {
        return;
    }
    transport->extension->facade.is_secured = true;
    bi_level_note_waiting(transport, BIGHT_OK);
    transport->extension->facade.before = bi_input_size(transport->extension->facade.input);
    if (transport->extension->facade.before == 0) {
        tell_secured(transport);
        bi_level_update_flag(transport);
    }
}

static void feed_own(struct bight_transport *transport, struct bi_rest *rest)
{
    struct bi_hub *hub = transport->hub;
    struct bi_own_input outer = hub->own;
    hub->own = (struct bi_own_input) { rest->data, rest->size };
    feed(transport, rest);
    hub->own = outer;
}

/* It is taken out meanwhile, since the handler may cause more to wait. One that hands it out bit by bit and returns
 * the end of its piece only moves `rest`: what waits long must not be copied each time. */
static void run_input(struct bight_transport *transport, struct bight_level *facade)
{
    struct bight_input *taken = bi_input_take(&facade->input);
    size_t most = facade->is_secured ? facade->before : bi_input_size(taken);
    struct bi_rest rest = { .data = bi_input_bytes(taken), .size = most };
    transport->extension->rest = &rest;
    feed_own(transport, &rest);
    transport->extension->rest = NULL;
    size_t done = most - rest.size;
    facade->before -= done < facade->before ? done : facade->before;
    transport->state |= BI_CHANGED;
    bi_input_consume(&taken, done);
    take_back_block(transport, taken);
}

static bool is_only_ended(const struct bight_level *level)
{
    return level->is_ended && level->input == NULL && !level->is_secured;
}

static void run_facade(struct bight_transport *transport)
{
    struct bight_level *facade = &transport->extension->facade;
    if (facade->is_secured && facade->before == 0) {
        tell_secured(transport);
    }
    if (facade->input != NULL && facade_takes(transport)) {
        run_input(transport, facade);
    }
    if (is_only_ended(facade) && facade_takes(transport)) {
        facade->is_ended = false;
        bi_level_update_flag(transport);
        tell_end(transport);
    }
}

/* Whether what waits for a layer may go on: levels above might fill up, and a lost connection wants nothing. */
static bool layer_takes(const struct bight_transport *transport, const struct bight_layer *layer)
{
    if (!bi_level_is_waiting(layer) || layer->waiting.waits || layer->waiting.is_closed || bi_is_over(transport)) {
        return false;
    }
    if (layer->waiting.is_unwanted && !bi_levels_are_wanted(transport, layer)) {
        return false;
    }
    return bi_level_is_hungry(layer) || bi_input_size(transport->extension->facade.input) < FACADE_BOUND;
}

/* Into the layer itself, or past it if it does not care. */
static void feed_layer(struct bight_transport *transport, struct bight_layer *layer, const uint8_t *data, size_t size)
{
    if (layer->is_popped || layer->ops->received == NULL) {
        bi_levels_enter(transport, layer->above, data, size);
    } else {
        layer->ops->received(layer, data, size);
    }
}

/* Until the layer keeps some of it; then the rest waits behind that. */
static void feed_all(struct bight_transport *transport, struct bight_layer *layer, const struct bight_input *taken)
{
    const uint8_t *data = bi_input_bytes(taken);
    size_t left = bi_input_size(taken);
    while (left > 0 && !bi_level_is_waiting(layer) && !bi_is_over(transport)) {
        size_t size = left < BI_RECEIVE_SIZE ? left : BI_RECEIVE_SIZE;
        feed_layer(transport, layer, data, size);
        data += size;
        left -= size;
    }
    if (left > 0 && !bi_is_over(transport)) {
        bi_level_hold_behind(transport, layer, data, left);
    }
}

static void run_layer(struct bight_transport *transport, struct bight_layer *layer)
{
    struct bight_level taken = layer->waiting;
    layer->waiting = (struct bight_level) { 0 };
    bool is_outermost = bi_layers_enter(transport);
    feed_all(transport, layer, taken.input);
    if (taken.is_ended && !bi_is_over(transport)) {
        bi_levels_enter_end(transport, layer->is_popped ? layer->above : layer);
    }
    bight_free(taken.input);
    bi_layers_leave(transport, is_outermost);
}

static struct bight_layer *find_layer_to_run(const struct bight_transport *transport)
{
    struct bight_layer *layer = transport->extension->top;
    while (layer != NULL && !layer_takes(transport, layer)) {
        layer = layer->below;
    }
    return layer;
}

/* Nothing is delivered any more: layers that have an end of their own to bring about go on. */
static void run_losing(struct bight_transport *transport)
{
    if (!(transport->state & BI_LAYERED) || !bi_layers_are_busy(transport)) {
        bi_levels_drop(transport);
    }
}

void bi_levels_run(struct bight_transport *transport)
{
    if (!(transport->state & BI_WAITING)) {
        return;
    }
    if (bi_is_losing(transport)) {
        run_losing(transport);
    }
    run_facade(transport);
    struct bight_layer *layer;
    if (!bi_is_over(transport) && (layer = find_layer_to_run(transport)) != NULL) {
        run_layer(transport, layer);
        transport->state |= BI_CHANGED;
    }
    if (!bi_is_over(transport)) {
        bi_level_update_flag(transport);
    }
}

void bi_levels_put_off(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (extension != NULL && !bi_level_is_empty(&extension->facade)) {
        extension->facade.waits = true;
        bi_transport_later(transport);
    }
}

/* ------------------------------------------------------------------------------------ push and pop */

void bi_levels_pushed(struct bight_transport *transport, struct bight_layer *layer)
{
    struct bi_extension *extension = transport->extension;
    struct bight_level *facade = &extension->facade;
    if (transport->protocol->ops->return_input != NULL && bi_levels_can_return(transport)) {
        transport->protocol->ops->return_input(transport->protocol);
    }
    bool in_handler = (transport->state & BI_IN_HANDLER) != 0;
    if (!in_handler) {
        hold_returned(transport, NULL);
    }
    layer->waiting =
        (struct bight_level) { .input = facade->input, .is_ended = facade->is_ended, .is_closed = !layer->is_prepared };
    *facade = (struct bight_level) {
        .is_secured = facade->is_secured, .waits = facade->waits, .is_closed = facade->is_closed
    };
    transport->state |= layer->waiting.is_closed ? BI_WAITING : 0;
    if (in_handler && extension->pushed == NULL) {
        extension->pushed =
            layer; /* outside one there is no piece whose rest would enter here, but there may be later */
    }
}

void bi_levels_popped(struct bight_transport *transport, struct bight_layer *layer)
{
    struct bi_extension *extension = transport->extension;
    struct bight_level waiting = layer->waiting;
    layer->waiting = (struct bight_level) { 0 };
    extension->pushed = extension->pushed == layer ? layer->above : extension->pushed;
    if (waiting.input != NULL) {
        bi_level_hold_behind(transport, layer->above, bi_input_bytes(waiting.input), bi_input_size(waiting.input));
        bight_free(waiting.input);
    }
    if (waiting.is_ended) {
        bi_level_hold_end(transport, layer->above);
    }
}

void bi_levels_failed(struct bight_transport *transport, struct bight_layer *layer)
{
    for (struct bight_layer *each = layer; each != NULL; each = each->below) {
        bi_level_drop(&each->waiting);
    }
    bi_levels_enter_end(transport, layer->above);
    bi_level_update_flag(transport);
}

bool bi_levels_want_input(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    if (!(transport->state & (BI_WAITING | BI_PAUSED | BI_THROTTLED | BI_SWITCHING))) {
        return true;
    }
    if (!(transport->state & BI_LAYERED)) {
        return false;
    }
    for (const struct bight_layer *layer = extension->lowest; layer != NULL; layer = layer->above) {
        if (bi_level_is_hungry(layer)) {
            return bi_input_size(layer->waiting.input) < FACADE_BOUND &&
                   bi_input_size(extension->facade.input) < 2 * FACADE_BOUND;
        }
    }
    return !(transport->state & (BI_WAITING | BI_THROTTLED | BI_SWITCHING));
}
