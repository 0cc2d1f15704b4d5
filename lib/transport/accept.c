/* SPDX-License-Identifier: MIT */
/* accept.c - accepting connections, in batches, on good days and bad ones (T17).
 *
 * A readiness takes at most a batch, so that one port does not starve the rest; the loop is level-triggered and calls
 * again. When descriptors run out the connection that waits would make every poll return at once for ever: a spare
 * descriptor is spent to accept and close it. Where that does not help (the system's own limits) the port does not
 * look for a while. Nothing here is ever a busy loop. */
#include "transport/port.h"

#include <errno.h>
#include <string.h>

#include <bight/log.h>

#include "base/places.h"
#include "deferred/deferred.h"

#define BATCH 64
#define FIRST_BACKOFF (BIGHT_NANOSECONDS_PER_SECOND / 10)
#define LONGEST_BACKOFF BIGHT_NANOSECONDS_PER_SECOND

/* Descriptors that ran out again within this time ran out once, as far as the log is concerned. */
#define EPISODE (10 * BIGHT_NANOSECONDS_PER_SECOND)

/* ------------------------------------------------------------------------------------------ bad days */

static void log_trouble(struct bight_port *port, int number, const char *consequence)
{
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    uint64_t now = bight_reactor_now(port->reactor);
    bool is_new = port->starved_at == 0 || now - port->starved_at > EPISODE;
    port->starved_at = now;
    if (is_new) {
        bight_address_format(&port->address, address, sizeof address);
        bight_log(BIGHT_LOG_ERROR, "port", NULL, "cannot accept on %s: %s (errno %d); %s", address,
            bight_error_text(bight_error_from_errno(number)), number, consequence);
    }
}

void bight_port_back_off(struct bight_port *port)
{
    uint64_t longer = port->backoff == 0 ? FIRST_BACKOFF : port->backoff * 2;
    port->backoff = longer < LONGEST_BACKOFF ? longer : LONGEST_BACKOFF;
    port->is_backing_off = true;
    bight_reactor_arm(port->reactor, &port->backoff_timer, bight_reactor_now(port->reactor) + port->backoff);
    bight_port_update(port);
}

void bight_port_backoff_ended(struct bight_wheel_entry *timer)
{
    struct bight_port *port = BIGHT_CONTAINER(timer, struct bight_port, backoff_timer);
    port->is_backing_off = false;
    bight_port_update(port);
}

/* Accepts and closes the connection that waits. 0, or -errno. */
static int refuse_one(struct bight_port *port)
{
    struct bight_system *system = port->reactor->system;
    if (!bight_open_spend_spare(port->reactor)) {
        bight_open_restore_spare(port->reactor);
        return -EMFILE;
    }
    int fd = system->ops->accept4(system, port->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        (void)system->ops->close(system, fd);
    }
    bight_open_restore_spare(port->reactor);
    return fd < 0 ? fd : 0;
}

/* The kernel looks for a descriptor before it looks for a connection: perhaps nobody waits. True when the batch goes
 * on. */
static bool descriptors_ran_out(struct bight_port *port)
{
    int result = refuse_one(port);
    if (result == -EAGAIN) {
        return false;
    }
    log_trouble(port, EMFILE, "connections are closed until there are descriptors again");
    if (result == 0 || result == -ECONNABORTED || result == -EINTR) {
        return true;
    }
    bight_port_back_off(port);
    return false;
}

/* True when the batch goes on. */
static bool accept_failed(struct bight_port *port, int number)
{
    switch (number) {
    case EAGAIN:
        return false;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:    /* accept(2): a firewall's rule */
    case ENETDOWN: /* and the errors that a new connection already has */
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ETIMEDOUT:
        return true;
    case EMFILE:
        return descriptors_ran_out(port);
    default:
        log_trouble(port, number, "trying again in a moment");
        bight_port_back_off(port);
        return false;
    }
}

/* ----------------------------------------------------------------------------------------- good days */

static void accepted(struct bight_port *port, int fd, const struct bight_address *peer)
{
    int code = 0;
    port->backoff = 0;
    port->connections++;
    const char *before = bight_deferred_debug() ? bight_places_here(bight_places_find(&port->open, 0, NULL)) : NULL;
    struct bight_transport *transport =
        bight_transport_new(port->reactor, port->factory, &bight_socket_bottom, port, fd, peer, true, &code);
    bight_places_here(before);
    if (transport == NULL) {
        struct bight_system *system = port->reactor->system;
        (void)system->ops->close(system, fd);
        port->connections--;
        return;
    }
    bight_transport_start(transport);
}

static bool wants_peer(const struct bight_port *port)
{
    return port->factory->ops != NULL && port->factory->ops->build_protocol != NULL;
}

static int accept_one(struct bight_port *port)
{
    struct bight_system *system = port->reactor->system;
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (!wants_peer(port)) {
        int fd = system->ops->accept4(system, port->descriptor, NULL, NULL, flags);
        if (fd >= 0) {
            accepted(port, fd, NULL);
        }
        return fd;
    }
    struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof storage;
    int fd = system->ops->accept4(system, port->descriptor, (struct sockaddr *)&storage, &size, flags);
    if (fd >= 0) {
        struct bight_address peer;
        (void)bight_address_from_sockaddr(&peer, (struct sockaddr *)&storage, size);
        accepted(port, fd, &peer);
    }
    return fd;
}

static bool is_full(const struct bight_port *port)
{
    return port->max_connections != 0 && port->connections >= port->max_connections;
}

static bool may_accept(const struct bight_port *port)
{
    return port->descriptor >= 0 && !port->is_paused && !port->is_backing_off && !is_full(port);
}

static void accept_batch(struct bight_port *port)
{
    for (int count = 0; count < BATCH && may_accept(port); count++) {
        int fd = accept_one(port);
        if (fd < 0 && !accept_failed(port, -fd)) {
            return;
        }
    }
}

void bight_port_acceptable(int fd, short what, void *context)
{
    struct bight_port *port = bight_port_hold(context);
    struct bight_reactor *reactor = port->reactor;
    (void)fd;
    (void)what;
    bight_reactor_enter_for(reactor, "port", &port->open, 0);
    port->is_accepting = true;
    accept_batch(port);
    port->is_accepting = false;
    if (port->descriptor < 0) {
        bight_port_leave_factory(port);
    } else {
        bight_port_update(port);
    }
    bight_port_release(port);
    bight_reactor_leave(reactor);
}

void bight_port_update(struct bight_port *port)
{
    if (port->descriptor < 0 || port->is_accepting) {
        return; /* closed, or looked at again behind the batch */
    }
    struct bight_loop *loop = port->reactor->loop;
    if (!may_accept(port)) {
        loop->ops->watch_remove(loop, bight_port_watch(port));
        return;
    }
    if (loop->ops->watch_add(loop, bight_port_watch(port)) != 0) {
        log_trouble(port, ENOMEM, "trying again in a moment");
        bight_port_back_off(port);
    }
}
