/* SPDX-License-Identifier: MIT */
/* receive.c - reading from the bottom, and when it is watched for that. Where input goes from here is in levels.c.
 *
 * The usual case is one test of the state, one receive into the hub's buffer, one call of data_received or of the
 * lowest layer. Everything else (paused, losing ...) is a bit that sends it to receive_unusual. Reading is switched off
 * lazily: by the first readiness that finds it unwanted. After a peer's end that was handled the watch stays, to notice
 * when the peer goes altogether. */
#include <errno.h>

#include "transport/close.h"
#include "transport/establish.h"
#include "transport/layer_talk.h"
#include "transport/levels.h"
#include "transport/port.h"
#include "transport/state.h"

/* With one of these set a readiness is no plain piece of input. */
#define UNUSUAL (BI_LIFE | BI_EOF_RECEIVED | BI_EOF_DELIVERED | BI_PAUSED | BI_THROTTLED | BI_SWITCHING | BI_WAITING)

static bool wants_input(const struct bight_transport *transport)
{
    uint32_t life = bi_life_of(transport);
    if (transport->state & BI_EOF_RECEIVED) {
        return false;
    }
    if (life == BI_LOSING || life == BI_LINGERING) {
        return true;
    }
    bool is_open = life == BI_OPEN || life == BI_ESTABLISHING;
    return is_open && !bi_has_failed(transport) && bi_levels_want_input(transport);
}

/* T11: the peer's end was handled, and there is something to lose. The watch must tell news alone, since the end itself
 * would be told for ever: a loop does on edges, and a bottom without a descriptor is asked for it. A shut output
 * answers the question by itself. */
static bool wants_probe(const struct bight_transport *transport)
{
    const uint32_t ended = BI_EOF_RECEIVED | BI_EOF_DELIVERED;
    return (transport->state & ended) == ended && bi_life_of(transport) == BI_OPEN &&
           bi_write_end_of(transport) != BI_SHUT && transport->bottom->probe != NULL &&
           (transport->hub->is_edge || transport->descriptor < 0);
}

/* To a receive a reset behind the end is the end once more. */
static void probe(struct bight_transport *transport)
{
    int result = transport->bottom->probe(transport);
    if (result < 0) {
        bi_close_broken(transport, -result, "send");
    }
}

static void set_reading(struct bight_transport *transport, bool on)
{
    transport->state &= ~(BI_READING | BI_UNREAD);
    int code = transport->bottom->watch_reading(transport, on);
    if (!on) {
        return;
    }
    if (code != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(code), true);
        return;
    }
    transport->state |= BI_READING;
}

/* A watch that is added reports what is there already, on a later turn. */
static void read_again(struct bight_transport *transport)
{
    if (transport->state & BI_READING) {
        set_reading(transport, false);
    }
    set_reading(transport, true);
}

void bi_receive_update(struct bight_transport *transport)
{
    bool wanted = wants_input(transport) || wants_probe(transport);
    bool reading = (transport->state & BI_READING) != 0;
    if (wanted != reading) {
        set_reading(transport, wanted);
    } else if (wanted && (transport->state & BI_UNREAD)) {
        read_again(transport);
    }
}

/* Layers of which one has failed (T5) get nothing more. */
static bool has_layers(const struct bight_transport *transport)
{
    return (transport->state & BI_LAYERED) && !bi_has_failed(transport);
}

static void eof_received(struct bight_transport *transport)
{
    transport->state |= BI_EOF_RECEIVED | BI_CHANGED;
    if (has_layers(transport)) {
        bi_levels_enter_end(transport, transport->extension->lowest);
    } else {
        bi_levels_enter_end(transport, NULL);
    }
    bi_transport_advance(transport);
    if (wants_probe(transport)) { /* it may have gone before its end was read */
        probe(transport);
    }
}

static void receive_failed(struct bight_transport *transport, ssize_t result)
{
    if (result == 0) {
        eof_received(transport);
    } else if (result != -EAGAIN && result != -EWOULDBLOCK && result != -EINTR) {
        transport->state |= BI_EOF_RECEIVED;
        bi_close_broken(transport, (int)-result, "receive");
    }
}

/* Through the layers if there are any. What comes while losing is thrown away, unless a layer still wants it. */
static void take(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    bool losing = bi_is_losing(transport);
    if (has_layers(transport) && (!losing || bi_layers_are_busy(transport))) {
        bi_levels_enter(transport, transport->extension->lowest, data, size);
    } else if (!losing) {
        bi_levels_enter(transport, NULL, data, size);
    }
    if (losing) {
        bi_close_discarded(transport, size);
    }
}

/* Into the hub's buffer; returns what the bottom gave. */
static inline ssize_t fetch(struct bight_transport *transport)
{
    transport->state &= ~(BI_SENT | BI_LOOK_LATER);
    ssize_t size = transport->bottom->receive(transport, transport->hub->receive_buffer, BI_RECEIVE_SIZE);
    if (BI_LIKELY(size > 0)) {
        bi_count_received(transport, (size_t)size);
    }
    return size;
}

static ssize_t __attribute__((noinline)) receive_unusual(struct bight_transport *transport)
{
    if (!wants_input(transport)) {
        wants_probe(transport) ? probe(transport) : bi_receive_update(transport);
        return 0;
    }
    ssize_t size = fetch(transport);
    if (size <= 0) {
        receive_failed(transport, size);
        return size;
    }
    take(transport, transport->hub->receive_buffer, (size_t)size);
    if (transport->state & (BI_CHANGED | BI_SWITCHING)) {
        bi_transport_advance(transport);
    }
    bi_establish_received(transport, (size_t)size);
    return size;
}

static inline ssize_t receive(struct bight_transport *transport)
{
    if (BI_UNLIKELY(transport->state & UNUSUAL)) {
        return receive_unusual(transport);
    }
    ssize_t size = fetch(transport);
    if (BI_UNLIKELY(size <= 0)) {
        receive_failed(transport, size);
    } else if (BI_UNLIKELY(transport->state & BI_LAYERED)) {
        bi_levels_enter(transport, transport->extension->lowest, transport->hub->receive_buffer, (size_t)size);
    } else {
        bi_levels_call(transport, transport->hub->receive_buffer, (size_t)size);
    }
    return size;
}

/* As a handler of its own. */
static inline ssize_t read_once(struct bight_transport *transport)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    ssize_t size = receive(transport);
    bi_reactor_leave(reactor);
    return size;
}

/* ------------------------------------------------------------------------------------ edge-triggered */

/* Where the loop reports news only, nothing may be left behind unseen. A short read of a socket has emptied the
 * kernel's buffer, and what comes after it is news again: so one read is enough, unless the peer's end or an error had
 * come together with the data. CLOSED announces the end. An error is not reported apart, but makes the next send fail:
 * a send that succeeded after the read proves that there was none. Thus an answered request costs one receive and one
 * send; a protocol that does not answer at once costs one more receive. That a short read can leave something all the
 * same is for doubt.c. */
static inline bool is_emptied(const struct bight_transport *transport, ssize_t size, short what)
{
    const uint32_t answered = BI_SENT | BI_DOUBTED;
    return (size_t)size < BI_RECEIVE_SIZE && (transport->state & (answered | BI_LOOKS_ON)) == answered &&
           !(what & BIGHT_CLOSED);
}

/* Of what is not plainly settled. A bottom that says nothing of short reads is read until there is nothing. */
static bool must_look_again(struct bight_transport *transport, ssize_t size, short what)
{
    if (size <= 0 || bi_is_cut(transport)) {
        return false;
    }
    if (transport->state & BI_LOOKS_ON) {
        return true;
    }
    if (!transport->hub->is_edge) {
        return false;
    }
    bool is_answered = size < BI_RECEIVE_SIZE && (transport->state & BI_SENT) && !(what & BIGHT_CLOSED);
    return !is_answered || (!(transport->state & BI_DOUBTED) && !bi_doubt_note(transport));
}

/* So that a peer that sends without end does not hold up the others. */
#define LOOKS_PER_TURN 8

static void look_again(struct bight_transport *transport, short what)
{
    for (int looks = 1; looks < LOOKS_PER_TURN; looks++) {
        if (bi_is_cut(transport) || (transport->state & BI_EOF_RECEIVED)) {
            return;
        }
        if (transport->state & BI_LOOK_LATER) {
            break;
        }
        if (!wants_input(transport)) {
            transport->state |= BI_UNREAD;
            return;
        }
        ssize_t size = read_once(transport);
        if (!must_look_again(transport, size, what)) {
            return;
        }
    }
    transport->state |= BI_UNREAD;
    bi_receive_update(transport);
}

static void __attribute__((noinline)) finish_receive(struct bight_transport *transport, ssize_t size, short what)
{
    if (must_look_again(transport, size, what)) {
        look_again(transport, what);
    }
}

BI_HOT void bi_transport_readable_event(int fd, short what, void *context)
{
    (void)fd;
    struct bight_transport *transport = context;
    ssize_t size = read_once(transport);
    if (BI_UNLIKELY(!is_emptied(transport, size, what))) {
        finish_receive(transport, size, what);
    }
    if (BI_UNLIKELY(bi_life_of(transport) == BI_LOSS_DUE)) {
        bi_close_deliver(transport);
    }
}

#define FINDS_THAT_PROVE 2

void bi_receive_look(struct bight_transport *transport)
{
    if (!(transport->state & BI_READING) || bi_close_is_inherited(transport)) {
        return;
    }
    if (!wants_input(transport)) {
        transport->state |= BI_UNREAD;
        return;
    }
    ssize_t size = read_once(transport);
    transport->idle.finds = size > 0 ? transport->idle.finds + 1 : 0;
    if (transport->idle.finds == FINDS_THAT_PROVE) {
        transport->state |= BI_LOOKS_ON;
    }
    finish_receive(transport, size, 0);
}

void bight_transport_readable(struct bight_transport *transport)
{
    bi_reactor_name_handler(transport->hub->reactor, "connection", transport, transport->id);
    bi_transport_readable_event(-1, BIGHT_READABLE, transport);
}

/* ------------------------------------------------------------------------------------------- early looks */

/* The obvious way, a watch for each accepted connection, costs two system calls for nothing where the client has sent
 * its request by then and is done with the answer: the watch is added, and removed. Therefore it is added late, behind
 * the turn's other events, and behind what the first piece has made the connection send. Nothing is missed, since a
 * watch reports what is there already. The task lies where the watch will be. */
static struct bi_task *early_task_of(struct bight_transport *transport)
{
    return (struct bi_task *)(void *)bi_watch_of(transport);
}

static struct bight_transport *transport_of(struct bi_task *task)
{
    return (struct bight_transport *)(void *)task - 1;
}

void bi_receive_end_early(struct bight_transport *transport)
{
    if (transport->idle.is_early) {
        transport->idle.is_early = false;
        bi_reactor_unqueue(transport->hub->reactor, early_task_of(transport));
        if (transport->state & BI_READING) {
            set_reading(transport, true);
        }
    }
}

static void end_early(struct bi_task *task)
{
    bi_receive_end_early(transport_of(task));
}

/* In a child that does not say so the loop is the parent's, and not touched (R13). */
static void look_early(struct bi_task *task)
{
    struct bight_transport *transport = transport_of(task);
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bight_port *port = bi_port_of(transport);
    if (bi_reactor_is_parents(reactor)) {
        return;
    }
    bi_reactor_name_handler(reactor, "connection", transport, transport->id);
    if ((transport->state & BI_READING) && !bi_reactor_is_asked_to_stop(reactor)) {
        bi_port_looked_early(port, read_once(transport) > 0);
    }
    if (transport->idle.is_early) { /* else it is over, and the memory is its loss's */
        bi_reactor_afterwards(reactor, task, end_early);
    }
}

void bi_receive_put_off(struct bight_transport *transport)
{
    transport->idle.is_early = true;
    bi_reactor_soon(transport->hub->reactor, early_task_of(transport), look_early);
}

void bi_receive_put_off_to_the_end(struct bight_transport *transport)
{
    transport->idle.is_early = true;
    bi_reactor_afterwards(transport->hub->reactor, early_task_of(transport), look_early);
}

bool bi_receive_forget_early(struct bight_transport *transport)
{
    bool is_early = transport->idle.is_early;
    if (is_early) {
        transport->idle.is_early = false;
        transport->state &= ~(BI_READING | BI_UNREAD);
        bi_reactor_unqueue(transport->hub->reactor, early_task_of(transport));
    }
    return is_early;
}

/* ------------------------------------------------------------------------------------ what was left */

/* A call of the bottom has failed, and took the error with it: whatever else than data is the end now. */
void bi_receive_rest(struct bight_transport *transport)
{
    for (int looks = 0; looks < LOOKS_PER_TURN; looks++) {
        if (bi_life_of(transport) != BI_BROKEN || (transport->state & BI_EOF_RECEIVED) ||
            !bi_levels_want_input(transport)) {
            return;
        }
        ssize_t size = fetch(transport);
        if (size > 0) {
            take(transport, transport->hub->receive_buffer, (size_t)size);
        } else if (size != -EINTR) {
            transport->state |= BI_EOF_RECEIVED;
        }
    }
}
