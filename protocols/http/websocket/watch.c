/* SPDX-License-Identifier: MIT */
/* watch.c - time: who has been silent for too long, what takes too long to come whole, to close (W2, W4).
 *
 * A factory's sockets share one timer. Each is in one of the rings, by the tick at which it is to be looked at; what
 * comes from its peer only notes the tick, and a socket that was heard of meanwhile is moved on when its turn comes. So
 * an idle socket costs a look in half a minute, and a message nothing. Nothing here calls a handler: ends are reported
 * from the loop. */
#include "http/websocket/socket.h"

static bool is_due(const struct bi_shared *shared, uint32_t due)
{
    return (int32_t)(shared->tick - due) >= 0;
}

/* ---------------------------------------------------------------------------------------------- rings */

static void unlink_from(struct bi_watch_link *link)
{
    link->next->previous = link->previous;
    link->previous->next = link->next;
    link->next = link->previous = NULL;
}

static void append_to(struct bi_watch_link *ring, struct bi_watch_link *link)
{
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

void bi_watch_stop(struct bight_websocket *socket)
{
    if (socket->own->link.next != NULL) {
        unlink_from(&socket->own->link);
    }
}

void bi_watch_want(struct bight_websocket *socket, uint32_t due)
{
    struct bight_websocket_state *own = socket->own;
    bool is_linked = own->link.next != NULL;
    if (is_linked && (int32_t)(own->due - due) <= 0) {
        return;
    }
    bi_watch_stop(socket);
    own->due = due;
    append_to(&own->shared->slots[due % BI_WATCH_SLOTS], &own->link);
}

void bi_watch_want_within(struct bight_websocket *socket, uint32_t ticks)
{
    if (ticks != BI_NEVER) {
        bi_watch_want(socket, socket->own->shared->tick + ticks);
    }
}

/* ---------------------------------------------------------------------------------------------- a look */

/* The peer may have said something that is not wanted now. */
static bool is_deaf(const struct bight_websocket *socket)
{
    return !bight_transport_takes_input(socket->base.transport);
}

/* Whether it lives cannot be told while its input is not taken; what waits for it must go on, then. Before, that is the
 * peer's to say, and the transport has nothing to remember. */
static void bound_output(struct bight_websocket *socket)
{
    struct bight_transport *transport = socket->base.transport;
    double seconds = socket->own->shared->settings.write_seconds;
    if (seconds > 0 && bight_transport_get_write_timeout(transport) == 0) {
        (void)bight_transport_set_write_timeout(transport, seconds);
    }
}

/* False: it is dead. */
static bool look_for_silence(struct bight_websocket *socket)
{
    struct bight_websocket_state *own = socket->own;
    const struct bi_shared *shared = own->shared;
    if (is_deaf(socket)) {
        bound_output(socket);
        bi_watch_heard(own);
    } else if (own->is_pinged) {
        return shared->settings.pong == BI_NEVER || !is_due(shared, own->asked + shared->settings.pong);
    } else if (shared->settings.ping != BI_NEVER && is_due(shared, own->heard + shared->settings.ping)) {
        own->is_pinged = true;
        own->asked = shared->tick;
        (void)bi_socket_send(socket, BI_FRAME_FINAL | BI_OPCODE_PING, NULL, 0);
    }
    return true;
}

/* When there may be something to see. */
static void plan(struct bight_websocket *socket)
{
    struct bight_websocket_state *own = socket->own;
    const struct bi_settings *settings = &own->shared->settings;
    uint32_t silence = own->is_pinged ? settings->pong : settings->ping;
    if (silence != BI_NEVER) {
        bi_watch_want(socket, (own->is_pinged ? own->asked : own->heard) + silence);
    }
    if (own->incoming != NULL && settings->fragment != BI_NEVER) {
        bi_watch_want(socket, own->incoming->begun + settings->fragment);
    }
}

static void look_at_open(struct bight_websocket *socket)
{
    struct bight_websocket_state *own = socket->own;
    struct bi_incoming *incoming = own->incoming;
    uint32_t fragment = own->shared->settings.fragment;
    if (incoming != NULL && is_deaf(socket)) {
        incoming->begun = own->shared->tick;
    }
    if (incoming != NULL && fragment != BI_NEVER && is_due(own->shared, incoming->begun + fragment)) {
        bi_socket_fail(socket, BI_VIOLATION_TOO_SLOW);
    } else if (!look_for_silence(socket)) {
        bi_socket_abort(socket);
    } else if (own->phase == BI_PHASE_OPEN) {
        plan(socket);
    }
}

static void look_at(struct bight_websocket *socket)
{
    if (socket->own->phase == BI_PHASE_OPEN) {
        look_at_open(socket);
    } else {
        bi_socket_close_expired(socket);
    }
}

static struct bight_websocket *socket_of(struct bi_watch_link *link)
{
    return bi_websocket_of_state((void *)((char *)link - offsetof(struct bight_websocket_state, link)));
}

/* Those that are not due are to stay in the ring for another round. */
void bi_watch_tick(struct bi_shared *shared)
{
    struct bi_watch_link *ring = &shared->slots[++shared->tick % BI_WATCH_SLOTS];
    struct bi_watch_link due = { &due, &due };
    struct bi_watch_link *next;
    for (struct bi_watch_link *link = ring->next; link != ring; link = next) {
        next = link->next;
        if (is_due(shared, socket_of(link)->own->due)) {
            unlink_from(link);
            append_to(&due, link);
        }
    }
    while (due.next != &due) {
        struct bight_websocket *socket = socket_of(due.next);
        bi_watch_stop(socket);
        look_at(socket);
    }
}

/* ------------------------------------------------------------------------------------------- the timer */

static void tick(void *context)
{
    struct bi_shared *shared = context;
    bi_watch_arm(shared);
    bi_watch_tick(shared);
}

/* Without memory the ticks stand still until something comes, or another socket. */
void bi_watch_arm(struct bi_shared *shared)
{
    double seconds = shared->settings.tick;
    int code = bight_call_later(shared->reactor, seconds, tick, shared, &shared->timer);
    shared->is_still = code != BIGHT_OK;
}
