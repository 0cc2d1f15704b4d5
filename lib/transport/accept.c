/* SPDX-License-Identifier: MIT */
/* accept.c - accepting connections, in batches, on good days and bad ones (T17).
 *
 * A readiness takes at most a batch, so that one port does not starve the rest; the loop is level-triggered and calls
 * again. When descriptors run out the connection that waits would make every poll return at once for ever: a spare
 * descriptor is spent to accept and close it. Where that does not help (the system's own limits) the port does not
 * look for a while. An error that is the waiting connection's own takes it off the queue, as a rule; where it does not
 * (a filter that forbids accepting), it comes again at once, and many in a row are met with a pause too. Nothing here
 * is ever a busy loop.
 *
 * Where clients speak first their bytes are mostly there by the end of the turn in which they are accepted. A port
 * learns whether that is so, and then has connections looked at before they are watched. Where the kernel defers
 * accepting until they are there (E7) each is served before the next is accepted: further ones come meanwhile, and the
 * batch goes on without a poll. */
#include "transport/port.h"

#include <errno.h>
#include <string.h>

#include <bight/log.h>

#include "base/errno_text.h"
#include "base/places.h"
#include "deferred/deferred.h"

#define BATCH 64
#define FIRST_BACKOFF (BIGHT_NANOSECONDS_PER_SECOND / 10)
#define LONGEST_BACKOFF BIGHT_NANOSECONDS_PER_SECOND

/* Descriptors that ran out again within this time ran out once, as far as the log is concerned; and so the rest. */
#define EPISODE (10 * BIGHT_NANOSECONDS_PER_SECOND)

/* ------------------------------------------------------------------------------------------ bad days */

/* What has been so within the last EPISODE is not. */
static bool is_news(const struct bight_port *port, uint64_t *last)
{
    uint64_t now = bi_reactor_now(port->reactor);
    bool is_new = *last == 0 || now - *last > EPISODE;
    *last = now;
    return is_new;
}

static void log_trouble(struct bight_port *port, int number, const char *consequence)
{
    char address[BIGHT_ADDRESS_TEXT_SIZE], words[BI_ERRNO_TEXT_SIZE];
    int code = bight_error_from_errno(number);
    if (is_news(port, &port->starved_at)) {
        bight_address_format(&port->address, address, sizeof address);
        bight_log(BIGHT_LOG_ERROR, "port", NULL, "cannot accept on %s: %s (errno %d); %s", address,
            code == BIGHT_E_SYSTEM ? bi_errno_text(number, words) : bight_error_text(code), number, consequence);
    }
}

static void log_full(struct bight_port *port)
{
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    if (is_news(port, &port->full_at)) {
        bight_address_format(&port->address, address, sizeof address);
        bight_log(BIGHT_LOG_WARNING, "port", NULL, "%s has its %zu connections (maxconn): others wait until one ends",
            address, port->max_connections);
    }
}

static void log_crowded(struct bight_port *port, const struct bight_address *peer)
{
    char address[BIGHT_ADDRESS_TEXT_SIZE], from[BIGHT_ADDRESS_TEXT_SIZE];
    if (is_news(port, &port->crowded_at)) {
        bight_address_format(&port->address, address, sizeof address);
        bight_address_format(peer, from, sizeof from);
        bight_log(BIGHT_LOG_WARNING, "port", NULL,
            "%s refuses %s, which has its %zu connections; %llu were refused before", address, from,
            bi_peers_limit(port->peers), (unsigned long long)port->refused);
    }
}

void bi_port_back_off(struct bight_port *port)
{
    uint64_t longer = port->backoff == 0 ? FIRST_BACKOFF : port->backoff * 2;
    port->backoff = longer < LONGEST_BACKOFF ? longer : LONGEST_BACKOFF;
    port->is_backing_off = true;
    bi_reactor_arm(port->reactor, &port->backoff_timer, bi_reactor_now(port->reactor) + port->backoff);
    bi_port_update(port);
}

void bi_port_backoff_ended(struct bi_wheel_entry *timer)
{
    struct bight_port *port = BI_CONTAINER(timer, struct bight_port, backoff_timer);
    port->is_backing_off = false;
    bi_port_update(port);
}

/* Accepts and closes the connection that waits. 0, or -errno. */
static int refuse_one(struct bight_port *port)
{
    struct bight_system *system = port->reactor->system;
    if (!bi_open_spend_spare(port->reactor)) {
        bi_open_restore_spare(port->reactor);
        return -EMFILE;
    }
    int fd = system->ops->accept4(system, port->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        (void)system->ops->close(system, fd);
    }
    bi_open_restore_spare(port->reactor);
    return fd < 0 ? fd : 0;
}

/* The kernel looks for a descriptor before it looks for a connection: perhaps no peer waits. True when the batch goes
 * on. */
static bool descriptors_ran_out(struct bight_port *port)
{
    int result = refuse_one(port);
    if (result == -EAGAIN) {
        return false;
    }
    log_trouble(port, EMFILE, "connections are closed until there are descriptors again");
    if (result == 0 || ((result == -ECONNABORTED || result == -EINTR) && port->failures++ < BATCH)) {
        return true;
    }
    bi_port_back_off(port);
    return false;
}

/* Logs, pauses, and ends the batch. */
static bool pause_for(struct bight_port *port, int number)
{
    log_trouble(port, number, "trying again in a moment");
    bi_port_back_off(port);
    return false;
}

/* True when the batch goes on. */
static bool accept_failed(struct bight_port *port, int number)
{
    switch (number) {
    case EAGAIN:
        port->failures = 0;
        return false;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:    /* accept(2): a firewall's rule */
    case EACCES:   /* or another's */
    case ENETDOWN: /* and the errors that a new connection already has */
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ETIMEDOUT:
        return port->failures++ < BATCH || pause_for(port, number);
    case EMFILE:
        return descriptors_ran_out(port);
    default:
        return pause_for(port, number);
    }
}

/* ----------------------------------------------------------------------------------------- good days */

static void close_accepted(struct bight_port *port, int fd)
{
    struct bight_system *system = port->reactor->system;
    (void)system->ops->close(system, fd);
}

static bool joins_peer(struct bight_port *port, int fd, const struct bight_address *peer)
{
    int code = port->peers == NULL ? BIGHT_OK : bi_peers_join(port->peers, fd, peer);
    if (code == BIGHT_E_OVERFLOW) {
        log_crowded(port, peer);
    }
    return code == BIGHT_OK;
}

static bool admits(struct bight_port *port, int fd, const struct bight_address *peer)
{
    return peer == NULL || (bi_factory_admits(port->factory, peer) && joins_peer(port, fd, peer));
}

static void count_refused(struct bight_port *port)
{
    port->refused++;
    port->reactor->traffic.refused++;
}

bool bi_port_peer_learnt(struct bight_port *port, int descriptor, const struct bight_address *peer)
{
    if (port->peers != NULL) {
        bi_peers_leave(port->peers, descriptor);
    }
    if (joins_peer(port, descriptor, peer)) {
        return true;
    }
    count_refused(port);
    return false;
}

static void leave(struct bight_port *port, int fd)
{
    if (port->peers != NULL) {
        bi_peers_leave(port->peers, fd);
    }
    close_accepted(port, fd);
}

/* A look that finds nothing costs half of what one that finds something saves. */
#define EARLY_MOST 8      /* what speaks for it, or, below 0, against it: each look counts for one */
#define EARLY_TRIES_IN 32 /* where more speaks against it one of so many is looked at all the same */

static bool expects_early(struct bight_port *port)
{
    return port->early >= 0 || ++port->passed % EARLY_TRIES_IN == 0;
}

void bi_port_looked_early(struct bight_port *port, bool finds)
{
    if (finds) {
        port->early += port->early < EARLY_MOST ? 1 : 0;
    } else {
        port->early -= port->early > -EARLY_MOST ? 1 : 0;
    }
}

static void accepted(struct bight_port *port, int fd, const struct bight_address *peer)
{
    int code = 0;
    port->backoff = port->failures = 0;
    if (!admits(port, fd, peer)) {
        count_refused(port);
        close_accepted(port, fd);
        return;
    }
    port->connections++;
    const char *before = bi_deferred_debug() ? bi_places_here(bi_places_find(&port->open, 0, NULL)) : NULL;
    struct bight_transport *transport =
        bight_transport_new(port->reactor, port->factory, &bi_socket_bottom, port, fd, peer, true, &code);
    bi_places_here(before);
    if (transport == NULL) {
        leave(port, fd);
        port->connections--;
        return;
    }
    if (port->is_deferring) {
        bi_receive_put_off_to_the_end(transport);
    } else if (expects_early(port)) {
        bi_receive_put_off(transport);
    }
    bight_transport_start(transport);
}

static bool wants_peer(const struct bight_port *port)
{
    return port->peers != NULL || bi_factory_asks_peer(port->factory);
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

/* What waits for the handler's end is done: the first piece, what it was answered with, a close. */
static void begin_another_handler(struct bight_port *port)
{
    bi_reactor_leave(port->reactor);
    bi_reactor_enter_for(port->reactor, "port", &port->open, 0);
}

static void accept_batch(struct bight_port *port)
{
    for (int count = 0; count < BATCH && may_accept(port); count++) {
        int fd = accept_one(port);
        if (fd < 0 && !accept_failed(port, -fd)) {
            return;
        }
        if (port->is_deferring) {
            begin_another_handler(port);
        }
    }
}

void bi_port_acceptable(int fd, short what, void *context)
{
    struct bight_port *port = bight_port_hold(context);
    struct bight_reactor *reactor = port->reactor;
    (void)fd;
    (void)what;
    bi_reactor_enter_for(reactor, "port", &port->open, 0);
    port->is_accepting = true;
    accept_batch(port);
    port->is_accepting = false;
    if (port->descriptor < 0) {
        bi_port_leave_factory(port);
    } else {
        bi_port_update(port);
    }
    bight_port_release(port);
    bi_reactor_leave(reactor);
}

void bi_port_update(struct bight_port *port)
{
    if (port->descriptor < 0 || port->is_accepting) {
        return; /* closed, or looked at again behind the batch */
    }
    struct bight_loop *loop = port->reactor->loop;
    if (!may_accept(port)) {
        loop->ops->watch_remove(loop, bi_port_watch(port));
        if (is_full(port)) {
            log_full(port);
        }
        return;
    }
    if (bi_reactor_add_watch(port->reactor, bi_port_watch(port), port->descriptor) != 0) {
        log_trouble(port, ENOMEM, "trying again in a moment");
        bi_port_back_off(port);
    }
}
