/* SPDX-License-Identifier: MIT */
/* receive.c - the way in: from the bottom, through layers if there are any, to the protocol.
 *
 * The usual case is one test of the state, one receive into the hub's buffer, one call of data_received. Everything
 * else (paused, layered, losing ...) is a bit that sends it to receive_unusual. What cannot be delivered
 * when it is there is held in the extension and delivered on a later turn (T2); while something is held the bottom is
 * not read from. Reading is switched off lazily: by the first readiness that finds it unwanted. */
#include <bight/memory.h>

#include <errno.h>
#include <string.h>

#include "transport/transport.h"

/* With one of these set, or without STARTED, a readiness is no plain piece of input for the protocol. */
#define UNUSUAL                                                                                                   \
    (BIGHT_STATE_PAUSED | BIGHT_STATE_PRESSED | BIGHT_STATE_LOSING | BIGHT_STATE_INPUT_ENDED | BIGHT_STATE_OVER | \
        BIGHT_STATE_LAYERED | BIGHT_STATE_HELD_INPUT | BIGHT_STATE_SWITCHING | BIGHT_STATE_END_HELD)

/* The protocol cannot be given data while one of these is set. */
#define UNDELIVERABLE (BIGHT_STATE_PAUSED | BIGHT_STATE_LOSING | BIGHT_STATE_OVER | BIGHT_STATE_SWITCHING)

static void hand_over(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bight_protocol *protocol = transport->protocol;
    uint32_t outer = transport->state & BIGHT_STATE_IN_HANDLER;
    transport->state |= BIGHT_STATE_IN_HANDLER;
    if (BIGHT_LIKELY(protocol->ops->data_received != NULL)) {
        protocol->ops->data_received(protocol, data, size);
    }
    if (BIGHT_LIKELY(outer == 0)) {
        transport->state &= ~BIGHT_STATE_IN_HANDLER;
        if (BIGHT_UNLIKELY(transport->state & BIGHT_STATE_SWITCHING)) {
            bight_receive_go_on(transport);
        }
    }
}

/* ------------------------------------------------------------------------------------------- holding */

void bight_receive_drop_held(struct bight_transport *transport)
{
    struct bight_extension *extension = transport->extension;
    if (extension != NULL) {
        bight_free(extension->held.data);
        extension->held = (struct bight_held) { NULL, 0, 0, 0 };
    }
    transport->state &= ~(BIGHT_STATE_HELD_INPUT | BIGHT_STATE_END_HELD);
}

/* Room for `size` bytes behind what is held, which moves to the very front or behind a gap of `front` bytes. */
static bool make_room(struct bight_held *held, size_t front, size_t size)
{
    size_t used = held->end - held->start;
    if (size > SIZE_MAX / 2 - used || front > SIZE_MAX / 2 - used - size) {
        return false;
    }
    size_t needed = front + used + size;
    size_t capacity = held->capacity;
    if (capacity < needed) {
        capacity = needed + needed / 2;
    }
    uint8_t *data = bight_malloc(capacity);
    if (data == NULL) {
        return false;
    }
    if (used > 0) {
        memcpy(data + front, held->data + held->start, used);
    }
    bight_free(held->data);
    *held = (struct bight_held) { data, front, front + used, capacity };
    return true;
}

int bight_receive_hold(struct bight_transport *transport, const uint8_t *data, size_t size, bool front)
{
    struct bight_extension *extension = bight_extension_of(transport);
    if (size == 0) {
        return BIGHT_OK;
    }
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct bight_held *held = &extension->held;
    bool fits = front ? held->start >= size : held->capacity - held->end >= size;
    if (!fits && !make_room(held, front ? size : 0, front ? 0 : size)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (front) {
        held->start -= size;
        memcpy(held->data + held->start, data, size);
    } else {
        memcpy(held->data + held->end, data, size);
        held->end += size;
    }
    transport->state |= BIGHT_STATE_HELD_INPUT;
    return BIGHT_OK;
}

/* Puts back what was taken out to be delivered, in front of what has come meanwhile. */
static void put_back(struct bight_transport *transport, struct bight_held *rest)
{
    struct bight_held *held = &transport->extension->held;
    if (held->data == NULL) {
        *held = *rest;
        transport->state |= BIGHT_STATE_HELD_INPUT;
        return;
    }
    int code = bight_receive_hold(transport, rest->data + rest->start, rest->end - rest->start, true);
    bight_free(rest->data);
    if (code != BIGHT_OK) {
        bight_close_end(transport, bight_failure_of(code), true);
    }
}

/* Delivers what is held as far as the protocol takes it. The buffer is taken out meanwhile, since the handler may cause
 * more to be held. */
static void deliver_held(struct bight_transport *transport)
{
    struct bight_extension *extension = transport->extension;
    struct bight_held held = extension->held;
    extension->held = (struct bight_held) { NULL, 0, 0, 0 };
    transport->state &= ~BIGHT_STATE_HELD_INPUT;
    while (held.start < held.end && !(transport->state & UNDELIVERABLE)) {
        size_t size = held.end - held.start;
        size = size < BIGHT_RECEIVE_SIZE ? size : BIGHT_RECEIVE_SIZE;
        const uint8_t *data = held.data + held.start;
        held.start += size;
        struct bight_protocol *protocol = transport->protocol;
        uint32_t outer = transport->state & BIGHT_STATE_IN_HANDLER;
        transport->state |= BIGHT_STATE_IN_HANDLER;
        if (protocol->ops->data_received != NULL) {
            protocol->ops->data_received(protocol, data, size);
        }
        transport->state = (transport->state & ~BIGHT_STATE_IN_HANDLER) | outer;
    }
    if (held.start < held.end && !(transport->state & (BIGHT_STATE_OVER | BIGHT_STATE_LOSING))) {
        put_back(transport, &held);
        return;
    }
    bight_free(held.data);
}

void bight_receive_go_on(struct bight_transport *transport)
{
    do {
        bight_switch_now(transport);
        if ((transport->state & BIGHT_STATE_HELD_INPUT) && !(transport->state & UNDELIVERABLE)) {
            deliver_held(transport);
        }
    } while ((transport->state & (BIGHT_STATE_SWITCHING | BIGHT_STATE_OVER)) == BIGHT_STATE_SWITCHING);
    if ((transport->state & BIGHT_STATE_END_HELD) && !(transport->state & (UNDELIVERABLE | BIGHT_STATE_HELD_INPUT))) {
        transport->state &= ~BIGHT_STATE_END_HELD;
        bight_receive_deliver_end(transport);
    }
    bight_receive_update(transport);
}

static void run_later(struct bight_task *task)
{
    struct bight_transport *transport = BIGHT_CONTAINER(task, struct bight_extension, task)->transport;
    if (transport->state & BIGHT_STATE_OVER) {
        return;
    }
    bight_receive_go_on(transport);
}

void bight_receive_later(struct bight_transport *transport)
{
    struct bight_extension *extension = transport->extension;
    if (extension->task.run == NULL) {
        bight_reactor_soon(transport->hub->reactor, &extension->task, run_later);
    }
}

/* ---------------------------------------------------------------------------------------- delivering */

void bight_receive_deliver(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    if (size == 0 || (transport->state & (BIGHT_STATE_OVER | BIGHT_STATE_LOSING | BIGHT_STATE_END_DELIVERED))) {
        return;
    }
    while (size > 0 && !(transport->state & (UNDELIVERABLE | BIGHT_STATE_HELD_INPUT | BIGHT_STATE_IN_HANDLER))) {
        size_t piece = size < BIGHT_RECEIVE_SIZE ? size : BIGHT_RECEIVE_SIZE;
        hand_over(transport, data, piece);
        data += piece;
        size -= piece;
    }
    if (size == 0 || (transport->state & (BIGHT_STATE_OVER | BIGHT_STATE_LOSING))) {
        return;
    }
    int code = bight_receive_hold(transport, data, size, false);
    if (code != BIGHT_OK) {
        bight_close_end(transport, bight_failure_of(code), true);
        return;
    }
    if (!(transport->state & BIGHT_STATE_PAUSED)) {
        bight_receive_later(transport);
    }
}

/* True when the protocol wants to go on writing (T11). */
static bool tell_end(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    if (protocol->ops->read_connection_lost == NULL) {
        return false;
    }
    transport->state |= BIGHT_STATE_IN_HANDLER;
    bool handled = protocol->ops->read_connection_lost(protocol);
    transport->state &= ~BIGHT_STATE_IN_HANDLER;
    return handled;
}

void bight_receive_deliver_end(struct bight_transport *transport)
{
    const uint32_t later = BIGHT_STATE_PAUSED | BIGHT_STATE_SWITCHING | BIGHT_STATE_HELD_INPUT | BIGHT_STATE_IN_HANDLER;
    if (transport->state & (BIGHT_STATE_OVER | BIGHT_STATE_END_DELIVERED)) {
        return;
    }
    if (transport->state & BIGHT_STATE_LOSING) {
        transport->state |= BIGHT_STATE_END_DELIVERED;
        bight_close_advance(transport);
        return;
    }
    if (transport->state & later) {
        transport->state |= BIGHT_STATE_END_HELD;
        if (!(transport->state & BIGHT_STATE_PAUSED) && transport->extension != NULL) {
            bight_receive_later(transport);
        }
        return;
    }
    transport->state |= BIGHT_STATE_END_DELIVERED;
    bool handled = tell_end(transport);
    if (transport->state & BIGHT_STATE_SWITCHING) {
        bight_receive_go_on(transport); /* the new one hears of it too */
        return;
    }
    if (!handled && !(transport->state & (BIGHT_STATE_OVER | BIGHT_STATE_LOSING))) {
        bight_close_lose(transport);
        return;
    }
    bight_close_advance(transport);
}

/* ------------------------------------------------------------------------------------- from the bottom */

static bool wants_input(const struct bight_transport *transport)
{
    uint32_t state = transport->state;
    if ((state & (BIGHT_STATE_OVER | BIGHT_STATE_INPUT_ENDED)) || !(state & BIGHT_STATE_STARTED)) {
        return false;
    }
    if (state & BIGHT_STATE_LOSING) {
        return true;
    }
    if (state & (BIGHT_STATE_PRESSED | BIGHT_STATE_HELD_INPUT | BIGHT_STATE_SWITCHING)) {
        return false;
    }
    return !(state & BIGHT_STATE_PAUSED) || (state & BIGHT_STATE_LAYERED);
}

static void set_reading(struct bight_transport *transport, bool on)
{
    transport->state &= ~(BIGHT_STATE_READING | BIGHT_STATE_UNREAD);
    int code = transport->bottom->watch_reading(transport, on);
    if (!on) {
        return;
    }
    if (code != BIGHT_OK) {
        bight_close_end(transport, bight_failure_of(code), true);
        return;
    }
    transport->state |= BIGHT_STATE_READING;
}

/* A watch that is added tells what is there already, on a later turn. */
static void read_anew(struct bight_transport *transport)
{
    if (transport->state & BIGHT_STATE_READING) {
        set_reading(transport, false);
    }
    set_reading(transport, true);
}

void bight_receive_update(struct bight_transport *transport)
{
    bool wanted = wants_input(transport);
    bool reading = (transport->state & BIGHT_STATE_READING) != 0;
    if (wanted != reading) {
        set_reading(transport, wanted);
    } else if (wanted && (transport->state & BIGHT_STATE_UNREAD)) {
        read_anew(transport);
    }
}

static void input_ended(struct bight_transport *transport)
{
    transport->state |= BIGHT_STATE_INPUT_ENDED;
    bight_receive_update(transport);
    if (transport->state & BIGHT_STATE_LAYERED) {
        bight_layers_received_end(transport);
        bight_close_advance(transport);
    } else {
        bight_receive_deliver_end(transport);
    }
}

static void receive_failed(struct bight_transport *transport, ssize_t result)
{
    if (result == 0) {
        input_ended(transport);
    } else if (result != -EAGAIN && result != -EWOULDBLOCK && result != -EINTR) {
        bight_close_broken(transport, (int)-result, "receive");
    }
}

static ssize_t receive_unusual(struct bight_transport *transport)
{
    if (!wants_input(transport)) {
        bight_receive_update(transport);
        return 0;
    }
    struct bight_hub *hub = transport->hub;
    transport->state &= ~(BIGHT_STATE_SENT | BIGHT_STATE_LOOK_LATER);
    ssize_t size = transport->bottom->receive(transport, hub->receive_buffer, BIGHT_RECEIVE_SIZE);
    if (size <= 0) {
        receive_failed(transport, size);
        return size;
    }
    bight_count_received(transport, (size_t)size);
    bool losing = transport->state & BIGHT_STATE_LOSING;
    if ((transport->state & BIGHT_STATE_LAYERED) && (!losing || bight_layers_are_busy(transport))) {
        bight_layers_received(transport, hub->receive_buffer, (size_t)size);
    } else if (!losing) {
        bight_receive_deliver(transport, hub->receive_buffer, (size_t)size);
    }
    if (losing) {
        bight_close_discarded(transport, (size_t)size);
    }
    return size;
}

/* Gives what the bottom gave. */
static inline ssize_t receive(struct bight_transport *transport)
{
    if (BIGHT_UNLIKELY((transport->state & (UNUSUAL | BIGHT_STATE_STARTED)) != BIGHT_STATE_STARTED)) {
        return receive_unusual(transport);
    }
    uint8_t *buffer = transport->hub->receive_buffer;
    transport->state &= ~(BIGHT_STATE_SENT | BIGHT_STATE_LOOK_LATER);
    ssize_t size = transport->bottom->receive(transport, buffer, BIGHT_RECEIVE_SIZE);
    if (BIGHT_UNLIKELY(size <= 0)) {
        receive_failed(transport, size);
        return size;
    }
    bight_count_received(transport, (size_t)size);
    hand_over(transport, buffer, (size_t)size);
    return size;
}

/* ------------------------------------------------------------------------------------ edge-triggered */

/* Where the loop tells news only, nothing may be left behind unseen. A short read has emptied the kernel's buffer, and
 * what comes after it is news again: so one read is enough, unless the peer's end or an error had come together with
 * the data. The end is told by CLOSED. An error is not told apart, but makes the next send fail: a send that succeeded
 * after the read proves that there was none. Thus an answered request costs one receive and one send; whoever does not
 * answer at once costs one more receive. */
static inline bool must_look_again(const struct bight_transport *transport, ssize_t size, short what)
{
    if (size <= 0 || !transport->hub->is_edge) {
        return false;
    }
    return size == BIGHT_RECEIVE_SIZE || !(transport->state & BIGHT_STATE_SENT) || (what & BIGHT_CLOSED);
}

/* So that a peer that sends without end does not hold up the others. */
#define LOOKS_A_TURN 8

static void __attribute__((noinline)) look_again(struct bight_transport *transport, short what)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    for (int looks = 1; looks < LOOKS_A_TURN; looks++) {
        if (transport->state & (BIGHT_STATE_OVER | BIGHT_STATE_INPUT_ENDED)) {
            return;
        }
        if (transport->state & BIGHT_STATE_LOOK_LATER) {
            break;
        }
        if (!wants_input(transport)) {
            transport->state |= BIGHT_STATE_UNREAD;
            return;
        }
        bight_reactor_enter_for(reactor, "connection", transport, transport->id);
        ssize_t size = receive(transport);
        bight_reactor_leave(reactor);
        if (!must_look_again(transport, size, what)) {
            return;
        }
    }
    transport->state |= BIGHT_STATE_UNREAD;
    bight_receive_update(transport);
}

void bight_transport_readable_event(int fd, short what, void *context)
{
    (void)fd;
    struct bight_transport *transport = context;
    struct bight_reactor *reactor = transport->hub->reactor;
    bight_reactor_enter_for(reactor, "connection", transport, transport->id);
    ssize_t size = receive(transport);
    bight_reactor_leave(reactor);
    if (BIGHT_UNLIKELY(must_look_again(transport, size, what))) {
        look_again(transport, what);
    }
}

void bight_transport_readable(struct bight_transport *transport)
{
    bight_reactor_name_handler(transport->hub->reactor, "connection", transport, transport->id);
    bight_transport_readable_event(-1, BIGHT_READABLE, transport);
}
