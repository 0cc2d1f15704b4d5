/* SPDX-License-Identifier: MIT */
/* connector.c - one attempt to connect to one address, without blocking.
 *
 * connect(2) is begun, the descriptor becomes writable when it has been decided, SO_ERROR tells how. The memory is the
 * caller's, with the loop's watch behind, so that an attempt allocates nothing. Deadlines, order and repetition are
 * the endpoints' affair. */
#include "transport/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static size_t header_size(void)
{
    size_t strictest = _Alignof(max_align_t);
    return (sizeof(struct bi_connector) + strictest - 1) / strictest * strictest;
}

size_t bi_connector_size(const struct bight_reactor *reactor)
{
    size_t strictest = _Alignof(max_align_t);
    return header_size() + (reactor->loop->ops->watch_size + strictest - 1) / strictest * strictest;
}

static struct bight_watch *watch_of(struct bi_connector *connector)
{
    return (struct bight_watch *)(void *)((char *)connector + header_size());
}

static void stop_watching(struct bi_connector *connector)
{
    struct bight_loop *loop = connector->reactor->loop;
    loop->ops->watch_remove(loop, watch_of(connector));
}

static int close_with(struct bi_connector *connector, int result)
{
    struct bight_system *system = connector->reactor->system;
    (void)system->ops->close(system, connector->descriptor);
    connector->descriptor = -1;
    return result;
}

static int ask_error(struct bi_connector *connector)
{
    struct bight_system *system = connector->reactor->system;
    int number = 0;
    socklen_t size = sizeof number;
    int result = system->ops->getsockopt(system, connector->descriptor, SOL_SOCKET, SO_ERROR, &number, &size);
    return result < 0 ? result : -number;
}

/* -errno; without it the address is zeroed. */
static int ask_name(struct bi_connector *connector, bool peer, struct bight_address *address)
{
    struct bight_system *system = connector->reactor->system;
    struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof storage;
    int (*ask)(struct bight_system *, int, struct sockaddr *, socklen_t *) =
        peer ? system->ops->getpeername : system->ops->getsockname;
    int result = ask(system, connector->descriptor, (struct sockaddr *)&storage, &size);
    *address = (struct bight_address) { .family = BIGHT_ADDRESS_NONE };
    (void)bight_address_from_sockaddr(address, (struct sockaddr *)&storage, result < 0 ? 0 : size);
    return result;
}

/* A socket that connects to a port of its own machine may be given that very port as its own, and then meets itself
 * (RFC 9293, 3.5: a simultaneous open). Nothing listens there, so this is a refusal; and a server that wants to listen
 * there is not kept from it by a connection that lingers. 1 or -errno. */
static int refuse_self(struct bi_connector *connector, const struct bight_address *peer)
{
    struct bight_system *system = connector->reactor->system;
    static const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    struct bight_address host;
    if (peer->family == BIGHT_ADDRESS_UNIX || ask_name(connector, false, &host) < 0 ||
        !bight_address_equal(&host, peer)) {
        return 1;
    }
    (void)system->ops->setsockopt(system, connector->descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return -ECONNREFUSED;
}

/* 1: connected, 0: nothing has been decided yet, for readiness is a hint; -errno. */
static int outcome(struct bi_connector *connector)
{
    struct bight_address peer;
    int result = ask_error(connector);
    if (result < 0) {
        return result;
    }
    if (ask_name(connector, true, &peer) == -ENOTCONN) {
        return 0;
    }
    return refuse_self(connector, &peer);
}

static void decided(int fd, short what, void *context)
{
    struct bi_connector *connector = context;
    struct bight_reactor *reactor = connector->reactor;
    (void)fd;
    (void)what;
    bi_reactor_enter_for(reactor, "attempt to connect", NULL, 0);
    int result = outcome(connector);
    if (result != 0) {
        stop_watching(connector);
        connector->done(connector, result < 0 ? close_with(connector, result) : 0);
    }
    bi_reactor_leave(reactor);
}

/* bind or connect. */
static int name_socket(struct bight_system *system, int fd, const struct bight_address *address,
    int (*call)(struct bight_system *, int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (bight_address_to_sockaddr(address, &storage, &size) != 0) {
        return -EINVAL;
    }
    return call(system, fd, (struct sockaddr *)&storage, size);
}

/* A port that is not given is chosen when connecting, by both ends of the connection: more can be had so. One that is
 * given may be another connection's, to another peer, or that of one which has just ended. */
static int bind_to(struct bight_system *system, int fd, const struct bight_address *address)
{
    static const int on = 1;
    if (address->port == 0) {
        (void)system->ops->setsockopt(system, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    } else {
        (void)system->ops->setsockopt(system, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    return name_socket(system, fd, address, system->ops->bind);
}

static int connect_to(struct bight_system *system, int fd, const struct bight_address *address)
{
    static const int on = 1;
    if (address->family != BIGHT_ADDRESS_UNIX) {
        (void)system->ops->setsockopt(system, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return name_socket(system, fd, address, system->ops->connect);
}

static int domain_of(const struct bight_address *address)
{
    switch (address->family) {
    case BIGHT_ADDRESS_IPV4:
        return AF_INET;
    case BIGHT_ADDRESS_IPV6:
        return AF_INET6;
    default:
        return AF_UNIX;
    }
}

static int wait_for_decision(struct bi_connector *connector)
{
    int code = bi_reactor_add_watch(connector->reactor, watch_of(connector), connector->descriptor);
    return code == 0 ? 0 : close_with(connector, code == BIGHT_E_OUT_OF_MEMORY ? -ENOMEM : -EIO);
}

int bi_connector_begin(struct bi_connector *connector, struct bight_reactor *reactor,
    void (*done)(struct bi_connector *connector, int result), void *context, const struct bight_address *address,
    const struct bight_address *bind)
{
    struct bight_system *system = reactor->system;
    *connector = (struct bi_connector) {
        .reactor = reactor, .descriptor = -1, .forks = bi_fork_count, .context = context, .done = done
    };
    int fd = system->ops->socket(system, domain_of(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fd;
    }
    connector->descriptor = fd;
    reactor->loop->ops->watch_init(reactor->loop, watch_of(connector), fd, BIGHT_WRITABLE, decided, connector);
    int result = bind == NULL ? 0 : bind_to(system, fd, bind);
    if (result >= 0) {
        result = connect_to(system, fd, address);
    }
    if (result == 0) {
        result = address->family == BIGHT_ADDRESS_UNIX ? 1 : outcome(connector);
    } else if (result == -EINPROGRESS || result == -EINTR) { /* connect(2): after EINTR it goes on by itself */
        result = 0;
    }
    if (result == 0) {
        return wait_for_decision(connector);
    }
    return result > 0 ? result : close_with(connector, result);
}

/* Connecting a datagram socket sends nothing and takes a port of another kind: what it lacks is no port. */
bool bi_connector_has_source(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bight_address *bind)
{
    struct bight_system *system = reactor->system;
    int fd = system->ops->socket(system, domain_of(address), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fd != -EAFNOSUPPORT;
    }
    int result = bind == NULL ? 0 : bind_to(system, fd, bind);
    if (result >= 0) {
        result = name_socket(system, fd, address, system->ops->connect);
    }
    (void)system->ops->close(system, fd);
    return result != -EADDRNOTAVAIL;
}

bool bi_connector_is_inherited(const struct bi_connector *connector)
{
    return connector->forks != bi_fork_count;
}

int bi_connector_take(struct bi_connector *connector)
{
    int fd = connector->descriptor;
    connector->descriptor = -1;
    return fd;
}

void bi_connector_close(struct bi_connector *connector)
{
    if (connector->reactor != NULL && connector->descriptor >= 0) {
        stop_watching(connector);
        (void)close_with(connector, 0);
    }
}
