/* SPDX-License-Identifier: MIT */
/* establish.c - what happens to a connection whose layers must be ready before it has a protocol (L3, L4): the layers
 * are prepared one after the other, the lowest first, then the factory is asked; and what bounds that.
 *
 * Until a layer has been prepared nothing enters it, and nothing enters the facade before there is a protocol: their
 * levels are closed (levels.c), so a header and what follows it may come in one segment. In the protocol's place there
 * is one that does nothing, so that no code has to ask whether there is any. Whose layers they are is in wrapper.c. */
#include "transport/establish.h"

#include <stdio.h>

#include <bight/log.h>
#include <bight/memory.h>

#include "base/moment.h"
#include "transport/close.h"
#include "transport/layer_talk.h"
#include "transport/level_queue.h"
#include "transport/levels.h"
#include "transport/port.h"
#include "transport/state.h"
#include "transport/wrapper.h"

/* Lines a second about connections that failed; those beyond are counted. */
#define LOGGED_PER_SECOND 10

static const struct bight_protocol_ops nothing;
const struct bight_protocol bi_stand_in = { .ops = &nothing, .transport = BI_TRANSPORT_CLOSED };

static struct bi_establishing *establishing_of(const struct bight_transport *transport)
{
    return transport->extension == NULL ? NULL : transport->extension->establishing;
}

/* ------------------------------------------------------------------------------------------ the queue */

static void leave_port(struct bi_establishing *establishing)
{
    struct bight_port *port = bi_port_of(establishing->transport);
    if (port != NULL && establishing->link.next != NULL) {
        bi_list_remove(&establishing->link);
        establishing->link.next = NULL;
        port->establishing--;
    }
}

static void give_up_longest_waiting(struct bight_port *port)
{
    struct bi_link *list = bi_list_is_empty(&port->silent) ? &port->greeted : &port->silent;
    struct bi_establishing *longest = BI_CONTAINER(list->next, struct bi_establishing, link);
    struct bight_transport *transport = longest->transport;
    leave_port(longest);
    bi_close_end(transport,
        bight_failure_new(BIGHT_E_OVERFLOW, 0, NULL, "too many connections of the port are being established"), true);
}

static void join_port(struct bi_establishing *establishing, size_t limit)
{
    struct bight_port *port = bi_port_of(establishing->transport);
    if (port == NULL) {
        return;
    }
    if (port->establishing >= limit) {
        give_up_longest_waiting(port);
    }
    bi_list_append(&port->silent, &establishing->link);
    port->establishing++;
}

void bight_layer_greeted(struct bight_layer *layer)
{
    struct bi_establishing *establishing = establishing_of(layer->transport);
    if (establishing != NULL && establishing->link.next != NULL) {
        bi_list_remove(&establishing->link);
        bi_list_append(&bi_port_of(layer->transport)->greeted, &establishing->link);
    }
}

/* ------------------------------------------------------------------------------------------ beginning */

int bi_establish_prepare(
    struct bight_transport *transport, struct bight_factory *wrapped, const struct bight_address *peer)
{
    struct bi_extension *extension = bi_extension_of(transport);
    struct bi_establishing *establishing = extension == NULL ? NULL : bight_calloc(1, sizeof *establishing);
    if (establishing == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    establishing->transport = transport;
    if (peer != NULL) {
        establishing->peer = *peer;
    }
    extension->establishing = establishing;
    extension->factory = wrapped;
    transport->protocol = BI_STAND_IN;
    return BIGHT_OK;
}

bool bi_establish_then(struct bight_transport *transport, bi_established_function done, void *context)
{
    struct bi_establishing *establishing = establishing_of(transport);
    if (establishing == NULL) {
        return false;
    }
    establishing->done = done;
    establishing->context = context;
    return true;
}

void bi_establish_forget(struct bight_transport *transport)
{
    struct bi_establishing *establishing = establishing_of(transport);
    if (establishing != NULL) {
        establishing->done = NULL;
    }
}

void bi_establish_stop(struct bight_transport *transport)
{
    struct bi_establishing *establishing = establishing_of(transport);
    if (establishing != NULL) {
        bi_reactor_disarm(transport->hub->reactor, &establishing->deadline);
        leave_port(establishing);
    }
}

void bi_establish_drop(struct bight_transport *transport)
{
    struct bi_establishing *establishing = establishing_of(transport);
    if (establishing != NULL) {
        transport->extension->establishing = NULL;
        bight_free(establishing);
    }
}

static void time_is_up(struct bi_wheel_entry *entry)
{
    struct bight_transport *transport = BI_CONTAINER(entry, struct bi_establishing, deadline)->transport;
    bi_close_end(transport,
        bight_failure_new(BIGHT_E_TIMED_OUT, 0, NULL, "%s: the connection was not established in time",
            bi_wrapper_name(transport->extension->factory)),
        true);
}

static void bound(struct bight_transport *transport)
{
    struct bi_establishing *establishing = establishing_of(transport);
    struct bi_wrapper_limits limits = bi_wrapper_limits_of(transport->extension->factory);
    uint64_t now = bi_reactor_now(transport->hub->reactor);
    establishing->max_received = limits.max_received;
    establishing->deadline.function = time_is_up;
    bi_reactor_arm(transport->hub->reactor, &establishing->deadline, bi_moment_after(now, limits.timeout));
    join_port(establishing, limits.max_establishing);
}

/* No layer begins before all are there. */
void bi_establish_start(struct bight_transport *transport)
{
    bi_set_life(transport, BI_ESTABLISHING);
    transport->extension->facade.is_closed = true;
    bound(transport);
    transport->state |= BI_ADVANCING;
    struct bight_failure *failure = bi_wrapper_push_layers(transport->extension->factory, transport);
    transport->state &= ~BI_ADVANCING;
    if (failure != NULL) {
        bi_close_end(transport, failure, true);
    }
    bi_transport_advance(transport);
}

/* ------------------------------------------------------------------------------------------- going on */

static struct bight_layer *find_unready(const struct bight_transport *transport)
{
    struct bight_layer *layer = transport->extension->lowest;
    while (layer != NULL && layer->is_ready) {
        layer = layer->above;
    }
    return layer;
}

/* It may be popped in there, but is freed only behind the bracket; and what it sends may end the connection. */
static void prepare(struct bight_transport *transport, struct bight_layer *layer)
{
    layer->is_prepared = true;
    layer->waiting.is_closed = false;
    transport->state |= BI_CHANGED;
    bool is_outermost = bi_layers_enter(transport);
    int code = BI_LAYER_HAS(layer, prepare) ? layer->ops->prepare(layer) : 0;
    if (code == 0) {
        layer->is_ready = true;
    } else if (code < 0 && !bi_is_cut(transport)) {
        bi_close_failed(transport, layer, bight_failure_of(code));
    }
    bi_layers_leave(transport, is_outermost);
}

/* What the layers have to say about the end is said. */
static void refuse(struct bight_transport *transport, int code)
{
    transport->extension->reason = bight_failure_of(code);
    bi_begin_close(transport);
}

/* From here on the connection is as any other; the switch that connection_made may have asked for comes first, so that
 * the callback finds the protocol that stays. */
static void become_open(struct bight_transport *transport)
{
    struct bi_establishing *establishing = establishing_of(transport);
    bi_establish_stop(transport);
    bi_set_life(transport, BI_OPEN);
    transport->extension->facade.is_closed = false;
    bi_transport_made(transport);
    bi_switch_now(transport);
    bi_established_function done = establishing->done;
    void *context = establishing->context;
    bool is_drained = establishing->is_drained, is_lost = establishing->is_lost_when_drained;
    bi_establish_drop(transport);
    if (done != NULL) {
        done(context, transport, NULL);
    }
    if (is_drained) {
        bi_close_drain(transport, is_lost);
    }
}

/* The factory is the program's, and may do anything, even end the connection. */
static void finish(struct bight_transport *transport)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bight_address peer = establishing_of(transport)->peer;
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    int code = bi_transport_build(transport, transport->extension->factory, &peer);
    if (!bi_is_over(transport)) {
        code == BIGHT_OK ? become_open(transport) : refuse(transport, code);
    }
    bi_reactor_leave(reactor);
}

void bi_establish_go_on(struct bight_transport *transport, bool quiet)
{
    while (bi_life_of(transport) == BI_ESTABLISHING) {
        struct bight_layer *layer = find_unready(transport);
        if (layer == NULL) {
            quiet ? bi_transport_later(transport) : finish(transport);
            return;
        }
        if (layer->is_prepared) {
            return;
        }
        prepare(transport, layer);
    }
}

void bight_layer_ready(struct bight_layer *layer)
{
    if (!layer->is_ready && !layer->is_popped) {
        layer->is_ready = layer->is_prepared = true;
        layer->waiting.is_closed = false;
        bi_transport_changed(layer->transport);
    }
}

int bight_layer_set_peer(struct bight_layer *layer, const struct bight_address *peer)
{
    struct bight_transport *transport = layer->transport;
    struct bi_establishing *establishing = establishing_of(transport);
    int code = bi_transport_remember_peer(transport, peer);
    if (code != BIGHT_OK || establishing == NULL) {
        return code;
    }
    establishing->peer = *peer;
    struct bight_port *port = bi_port_of(transport);
    bool is_admitted = bi_factory_admits(transport->extension->factory, peer) &&
                       (port == NULL || bi_port_peer_learnt(port, transport->descriptor, peer));
    return is_admitted ? BIGHT_OK : BIGHT_E_CONNECTION_REFUSED;
}

/* ------------------------------------------------------------------------------------------- failing */

void bi_establish_received(struct bight_transport *transport, size_t size)
{
    struct bi_establishing *establishing = establishing_of(transport);
    if (bi_life_of(transport) != BI_ESTABLISHING) {
        return;
    }
    establishing->received += size;
    if (establishing->received > establishing->max_received) {
        bi_close_end(transport,
            bight_failure_new(BIGHT_E_OVERFLOW, 0, NULL,
                "%s: the peer sent more than %zu bytes before the connection was established",
                bi_wrapper_name(transport->extension->factory), establishing->max_received),
            true);
    }
}

bool bi_establish_refuses_end(struct bight_transport *transport, const struct bight_layer *level)
{
    struct bight_layer *layer = find_unready(transport);
    for (const struct bight_layer *each = layer; each != level; each = each->above) {
        if (each == NULL) {
            return false; /* it is at a level below the one that is not ready */
        }
    }
    if (layer == NULL || layer == level) {
        return false;
    }
    bi_close_failed(transport, layer,
        bight_failure_new(BIGHT_E_CONNECTION_LOST, 0, NULL,
            "%s: the peer closed the connection before it was established",
            bi_wrapper_name(transport->extension->factory)));
    return true;
}

void bi_establish_broken(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    extension->facade.is_closed = false;
    while (extension->top != NULL && !extension->top->is_prepared) {
        bight_layer_pop(extension->top);
    }
    bi_level_update_flag(transport);
}

/* L3. What ends with its reactor's run is no news. */
static void log_failure(struct bight_transport *transport, const struct bight_failure *reason)
{
    struct bi_establish_log *log = &transport->hub->establish_log;
    uint64_t now = bi_reactor_now(transport->hub->reactor);
    char peer[BIGHT_ADDRESS_TEXT_SIZE] = "a peer without an address", more[64] = "";
    if (!(transport->state & BI_ACCEPTED) || transport->hub->disconnecting) {
        return;
    }
    if (now - log->second >= BIGHT_NANOSECONDS_PER_SECOND) {
        if (log->count > LOGGED_PER_SECOND) {
            snprintf(more, sizeof more, " (and %llu before it)", (unsigned long long)log->count - LOGGED_PER_SECOND);
        }
        *log = (struct bi_establish_log) { .second = now };
    }
    if (log->count++ < LOGGED_PER_SECOND) {
        if (establishing_of(transport)->peer.family != BIGHT_ADDRESS_NONE) {
            bight_address_format(&establishing_of(transport)->peer, peer, sizeof peer);
        }
        bight_log(BIGHT_LOG_INFO, "port", reason, "a connection from %s was not established%s", peer, more);
    }
}

void bi_establish_lost(struct bight_transport *transport, const struct bight_failure *reason)
{
    struct bi_establishing *establishing = establishing_of(transport);
    if (establishing == NULL) {
        return;
    }
    log_failure(transport, reason);
    bi_established_function done = establishing->done;
    void *context = establishing->context;
    bi_establish_drop(transport);
    if (done != NULL) {
        done(context, transport, reason);
    }
}
