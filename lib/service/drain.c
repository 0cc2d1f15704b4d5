/* SPDX-License-Identifier: MIT */
/* drain.c - letting the connections of a port end when the reactor shuts down.
 *
 * A before-trigger stops the port, tells its protocols to finish, loses those that do not know how when that was
 * wanted, and gives a Deferred that fires with the last connection. How long that is waited for, and what ends the
 * waiting early, is the reactor's (R3); what is left then is disconnected with the rest. */
#include <bight/sys/service.h>

#include <bight/memory.h>
#include <bight/transport.h>

#include "transport/port.h"

struct drain {
    struct bi_port_waiter waiter; /* first; in the port's list while its connections are waited for */
    struct bight_port *port;      /* held */
    struct bight_promise promise;
    bool lose;
};

static void port_emptied(struct bi_port_waiter *waiter)
{
    struct drain *drain = (struct drain *)waiter;
    bi_list_init(&waiter->link);
    (void)bight_callback(drain->promise, NULL, NULL);
}

static void stop_waiting(struct drain *drain)
{
    bi_list_remove(&drain->waiter.link);
    bi_list_init(&drain->waiter.link);
    (void)bight_abandon(drain->promise);
}

/* A protocol that is told may do anything, but connections end on a later turn, and the table only grows. */
static void tell_connections(const struct drain *drain)
{
    const struct bi_hub *hub = bi_hub_of(drain->port->reactor);
    struct bight_transport *transport;
    for (size_t cursor = 0; hub != NULL && (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        if (transport->bottom_memory == drain->port) {
            bi_close_drain(transport, drain->lose);
        }
    }
}

static struct bight_deferred *begin(void *context)
{
    struct drain *drain = context;
    struct bight_port *port = drain->port;
    bight_deferred_release(bight_port_stop_listening(port));
    if (bight_port_connections(port) == 0) {
        return NULL;
    }
    tell_connections(drain);
    stop_waiting(drain); /* of an earlier shutdown that did not wait for it */
    struct bight_deferred *deferred = bight_deferred_new(&drain->promise, NULL, NULL);
    bi_list_append(&port->end_waiters, &drain->waiter.link);
    return deferred;
}

static void free_drain(void *context)
{
    struct drain *drain = context;
    stop_waiting(drain);
    bight_port_release(drain->port);
    bight_free(drain);
}

int bight_drain_at_shutdown(struct bight_reactor *reactor, struct bight_port *port, bool lose)
{
    struct drain *drain = bight_calloc(1, sizeof *drain);
    if (drain == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    bi_list_init(&drain->waiter.link);
    drain->waiter.emptied = port_emptied;
    drain->port = bight_port_hold(port);
    drain->lose = lose;
    int code = bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, begin, drain, free_drain, NULL);
    if (code != 0) {
        free_drain(drain);
    }
    return code;
}
