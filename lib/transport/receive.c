/* SPDX-License-Identifier: MIT */
/* receive.c - the way in: from the bottom, through layers if there are any, to the protocol.
 *
 * The usual case is one test of the state, one receive into the hub's buffer, one call of data_received. Everything
 * else (paused, layered, losing ...) is a bit that sends it to receive_unusual. What cannot be delivered
 * when it is there is held in the extension and delivered on a later turn (T2); while something is held the bottom is
 * not read from. Reading is switched off lazily: by the first readiness that finds it unwanted. */
#include <errno.h>

#include "transport/transport.h"

/* With one of these set, or without STARTED, a readiness is no plain piece of input for the protocol. */
#define UNUSUAL                                                                                                       \
    (BI_STATE_PAUSED | BI_STATE_PRESSED | BI_STATE_LOSING | BI_STATE_INPUT_ENDED | BI_STATE_OVER | BI_STATE_LAYERED | \
        BI_STATE_HELD_INPUT | BI_STATE_SWITCHING | BI_STATE_END_HELD)

/* The protocol cannot be given data while one of these is set. */
#define UNDELIVERABLE (BI_STATE_PAUSED | BI_STATE_LOSING | BI_STATE_OVER | BI_STATE_SWITCHING)

static inline void give(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bight_protocol *protocol = transport->protocol;
    uint32_t outer = transport->state & BI_STATE_IN_HANDLER;
    transport->state |= BI_STATE_IN_HANDLER;
    if (BI_LIKELY(protocol->ops->data_received != NULL)) {
        protocol->ops->data_received(protocol, data, size);
    }
    transport->state &= ~BI_STATE_IN_HANDLER | outer;
}

static void hand_over(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    give(transport, data, size);
    if (BI_UNLIKELY((transport->state & (BI_STATE_SWITCHING | BI_STATE_IN_HANDLER)) == BI_STATE_SWITCHING)) {
        bi_receive_go_on(transport);
    }
}

/* ------------------------------------------------------------------------------------------- holding */

void bi_receive_drop_held(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (extension != NULL) {
        bi_input_drop(&extension->held);
    }
    transport->state &= ~(BI_STATE_HELD_INPUT | BI_STATE_END_HELD);
}

int bi_receive_give_back(struct bight_transport *transport, struct bight_input *rest)
{
    int code = bi_input_give_back(&transport->extension->held, rest);
    if (transport->extension->held != NULL) {
        transport->state |= BI_STATE_HELD_INPUT;
    }
    return code;
}

/* Delivers what is held as far as the protocol takes it. It is taken out meanwhile, since the handler may cause more to
 * be held. */
static void deliver_held(struct bight_transport *transport)
{
    struct bight_input *held = bi_input_take(&transport->extension->held);
    transport->state &= ~BI_STATE_HELD_INPUT;
    while (held != NULL && !(transport->state & UNDELIVERABLE)) {
        size_t size = bi_input_size(held);
        size = size < BI_RECEIVE_SIZE ? size : BI_RECEIVE_SIZE;
        give(transport, bi_input_bytes(held), size);
        bi_input_consume(&held, size);
    }
    if (transport->state & (BI_STATE_OVER | BI_STATE_LOSING)) {
        bi_input_drop(&held);
        return;
    }
    int code = bi_receive_give_back(transport, held);
    if (code != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
}

void bi_receive_go_on(struct bight_transport *transport)
{
    do {
        bi_switch_now(transport);
        if ((transport->state & BI_STATE_HELD_INPUT) && !(transport->state & UNDELIVERABLE)) {
            deliver_held(transport);
        }
    } while ((transport->state & (BI_STATE_SWITCHING | BI_STATE_OVER)) == BI_STATE_SWITCHING);
    if ((transport->state & BI_STATE_END_HELD) && !(transport->state & (UNDELIVERABLE | BI_STATE_HELD_INPUT))) {
        transport->state &= ~BI_STATE_END_HELD;
        bi_receive_deliver_end(transport);
    }
    bi_receive_update(transport);
}

static void run_later(struct bi_task *task)
{
    struct bight_transport *transport = BI_CONTAINER(task, struct bi_extension, task)->transport;
    if (transport->state & BI_STATE_OVER) {
        return;
    }
    bi_receive_go_on(transport);
}

void bi_receive_later(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (extension->task.run == NULL) {
        bi_reactor_soon(transport->hub->reactor, &extension->task, run_later);
    }
}

/* ---------------------------------------------------------------------------------------- delivering */

void bi_receive_deliver(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    if (size == 0 || (transport->state & (BI_STATE_OVER | BI_STATE_LOSING | BI_STATE_END_DELIVERED))) {
        return;
    }
    while (size > 0 && !(transport->state & (UNDELIVERABLE | BI_STATE_HELD_INPUT | BI_STATE_IN_HANDLER))) {
        size_t piece = size < BI_RECEIVE_SIZE ? size : BI_RECEIVE_SIZE;
        hand_over(transport, data, piece);
        data += piece;
        size -= piece;
    }
    if (size == 0 || (transport->state & (BI_STATE_OVER | BI_STATE_LOSING))) {
        return;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL || bi_input_append(&extension->held, data, size) != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(BIGHT_E_OUT_OF_MEMORY), true);
        return;
    }
    transport->state |= BI_STATE_HELD_INPUT;
    if (!(transport->state & BI_STATE_PAUSED)) {
        bi_receive_later(transport);
    }
}

/* True when the protocol wants to go on writing (T11). */
static bool tell_end(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    if (protocol->ops->read_connection_lost == NULL) {
        return false;
    }
    transport->state |= BI_STATE_IN_HANDLER;
    bool handled = protocol->ops->read_connection_lost(protocol);
    transport->state &= ~BI_STATE_IN_HANDLER;
    return handled;
}

void bi_receive_deliver_end(struct bight_transport *transport)
{
    const uint32_t later = BI_STATE_PAUSED | BI_STATE_SWITCHING | BI_STATE_HELD_INPUT | BI_STATE_IN_HANDLER;
    if (transport->state & (BI_STATE_OVER | BI_STATE_END_DELIVERED)) {
        return;
    }
    if (transport->state & BI_STATE_LOSING) {
        transport->state |= BI_STATE_END_DELIVERED;
        bi_close_advance(transport);
        return;
    }
    if (transport->state & later) {
        transport->state |= BI_STATE_END_HELD;
        if (!(transport->state & BI_STATE_PAUSED) && transport->extension != NULL) {
            bi_receive_later(transport);
        }
        return;
    }
    transport->state |= BI_STATE_END_DELIVERED;
    bool handled = tell_end(transport);
    if (transport->state & BI_STATE_SWITCHING) {
        bi_receive_go_on(transport); /* the new one hears of it too */
        return;
    }
    if (!handled && !(transport->state & (BI_STATE_OVER | BI_STATE_LOSING))) {
        bi_close_lose(transport);
        return;
    }
    bi_close_advance(transport);
}

/* ------------------------------------------------------------------------------------- from the bottom */

static bool wants_input(const struct bight_transport *transport)
{
    uint32_t state = transport->state;
    if ((state & (BI_STATE_OVER | BI_STATE_INPUT_ENDED)) || !(state & BI_STATE_STARTED)) {
        return false;
    }
    if (state & BI_STATE_LOSING) {
        return true;
    }
    if (state & (BI_STATE_PRESSED | BI_STATE_HELD_INPUT | BI_STATE_SWITCHING)) {
        return false;
    }
    return !(state & BI_STATE_PAUSED) || (state & BI_STATE_LAYERED);
}

static void set_reading(struct bight_transport *transport, bool on)
{
    transport->state &= ~(BI_STATE_READING | BI_STATE_UNREAD);
    int code = transport->bottom->watch_reading(transport, on);
    if (!on) {
        return;
    }
    if (code != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(code), true);
        return;
    }
    transport->state |= BI_STATE_READING;
}

/* A watch that is added tells what is there already, on a later turn. */
static void read_anew(struct bight_transport *transport)
{
    if (transport->state & BI_STATE_READING) {
        set_reading(transport, false);
    }
    set_reading(transport, true);
}

void bi_receive_update(struct bight_transport *transport)
{
    bool wanted = wants_input(transport);
    bool reading = (transport->state & BI_STATE_READING) != 0;
    if (wanted != reading) {
        set_reading(transport, wanted);
    } else if (wanted && (transport->state & BI_STATE_UNREAD)) {
        read_anew(transport);
    }
}

static void input_ended(struct bight_transport *transport)
{
    transport->state |= BI_STATE_INPUT_ENDED;
    bi_receive_update(transport);
    if (transport->state & BI_STATE_LAYERED) {
        bi_layers_received_end(transport);
        bi_close_advance(transport);
    } else {
        bi_receive_deliver_end(transport);
    }
}

static void receive_failed(struct bight_transport *transport, ssize_t result)
{
    if (result == 0) {
        input_ended(transport);
    } else if (result != -EAGAIN && result != -EWOULDBLOCK && result != -EINTR) {
        bi_close_broken(transport, (int)-result, "receive");
    }
}

static ssize_t receive_unusual(struct bight_transport *transport)
{
    if (!wants_input(transport)) {
        bi_receive_update(transport);
        return 0;
    }
    struct bi_hub *hub = transport->hub;
    transport->state &= ~(BI_STATE_SENT | BI_STATE_LOOK_LATER);
    ssize_t size = transport->bottom->receive(transport, hub->receive_buffer, BI_RECEIVE_SIZE);
    if (size <= 0) {
        receive_failed(transport, size);
        return size;
    }
    bi_count_received(transport, (size_t)size);
    bool losing = transport->state & BI_STATE_LOSING;
    if ((transport->state & BI_STATE_LAYERED) && (!losing || bi_layers_are_busy(transport))) {
        bi_layers_received(transport, hub->receive_buffer, (size_t)size);
    } else if (!losing) {
        bi_receive_deliver(transport, hub->receive_buffer, (size_t)size);
    }
    if (losing) {
        bi_close_discarded(transport, (size_t)size);
    }
    return size;
}

/* Gives what the bottom gave. */
static inline ssize_t receive(struct bight_transport *transport)
{
    if (BI_UNLIKELY((transport->state & (UNUSUAL | BI_STATE_STARTED)) != BI_STATE_STARTED)) {
        return receive_unusual(transport);
    }
    uint8_t *buffer = transport->hub->receive_buffer;
    transport->state &= ~(BI_STATE_SENT | BI_STATE_LOOK_LATER);
    ssize_t size = transport->bottom->receive(transport, buffer, BI_RECEIVE_SIZE);
    if (BI_UNLIKELY(size <= 0)) {
        receive_failed(transport, size);
        return size;
    }
    bi_count_received(transport, (size_t)size);
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
    return size == BI_RECEIVE_SIZE || !(transport->state & BI_STATE_SENT) || (what & BIGHT_CLOSED);
}

/* So that a peer that sends without end does not hold up the others. */
#define LOOKS_A_TURN 8

static void __attribute__((noinline)) look_again(struct bight_transport *transport, short what)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    for (int looks = 1; looks < LOOKS_A_TURN; looks++) {
        if (transport->state & (BI_STATE_OVER | BI_STATE_INPUT_ENDED)) {
            return;
        }
        if (transport->state & BI_STATE_LOOK_LATER) {
            break;
        }
        if (!wants_input(transport)) {
            transport->state |= BI_STATE_UNREAD;
            return;
        }
        bi_reactor_enter_for(reactor, "connection", transport, transport->id);
        ssize_t size = receive(transport);
        bi_reactor_leave(reactor);
        if (!must_look_again(transport, size, what)) {
            return;
        }
    }
    transport->state |= BI_STATE_UNREAD;
    bi_receive_update(transport);
}

void bi_transport_readable_event(int fd, short what, void *context)
{
    (void)fd;
    struct bight_transport *transport = context;
    struct bight_reactor *reactor = transport->hub->reactor;
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    ssize_t size = receive(transport);
    bi_reactor_leave(reactor);
    if (BI_UNLIKELY(must_look_again(transport, size, what))) {
        look_again(transport, what);
    }
}

void bight_transport_readable(struct bight_transport *transport)
{
    bi_reactor_name_handler(transport->hub->reactor, "connection", transport, transport->id);
    bi_transport_readable_event(-1, BIGHT_READABLE, transport);
}
