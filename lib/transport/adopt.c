/* SPDX-License-Identifier: MIT */
/* adopt.c - descriptors that come from elsewhere: sockets that listen, and connections (bight_adopt_connection).
 *
 * Another program, or another part of this one, has made them, so nothing is taken for granted: what they are is asked
 * before anything of them is changed, and then what bight relies on is set. Everything internal returns -errno. */
#include "transport/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/check.h"
#include "transport/transport.h"

/* --------------------------------------------------------------------------------------------- what it is */

struct kind {
    int type, domain, listens;
};

static int ask(struct bight_system *system, int fd, int name, int *value)
{
    socklen_t size = sizeof *value;
    return system->ops->getsockopt(system, fd, SOL_SOCKET, name, value, &size);
}

static int ask_kind(struct bight_system *system, int fd, struct kind *kind)
{
    int result = ask(system, fd, SO_TYPE, &kind->type);
    if (result >= 0) {
        result = ask(system, fd, SO_DOMAIN, &kind->domain);
    }
    if (result >= 0) {
        result = ask(system, fd, SO_ACCEPTCONN, &kind->listens);
    }
    return result;
}

static bool is_ip(const struct kind *kind)
{
    return kind->domain == AF_INET || kind->domain == AF_INET6;
}

static bool is_stream(const struct kind *kind)
{
    return kind->type == SOCK_STREAM && (is_ip(kind) || kind->domain == AF_UNIX);
}

/* ------------------------------------------------------------------------------------- what it is to be */

static int set(struct bight_system *system, int fd, int level, int name, int value)
{
    return system->ops->setsockopt(system, fd, level, name, &value, sizeof value);
}

/* What bight does not expect: a close that blocks or resets, input that is told only when there is much of it, output
 * that is held back. Connections inherit it from what listens, and cost no call for it. */
static int reset_options(struct bight_system *system, int fd, const struct kind *kind)
{
    static const struct linger none = { 0 };
    int result = system->ops->setsockopt(system, fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (result >= 0) {
        result = set(system, fd, SOL_SOCKET, SO_RCVLOWAT, 1);
    }
#ifdef TCP_CORK
    if (result >= 0 && is_ip(kind)) {
        result = set(system, fd, IPPROTO_TCP, TCP_CORK, 0);
    }
#endif
    return result;
}

static int set_flags(struct bight_system *system, int fd)
{
    int flags = system->ops->fcntl(system, fd, F_GETFL, 0);
    int result = flags < 0 ? flags : system->ops->fcntl(system, fd, F_SETFL, (long)(flags | O_NONBLOCK));
    return result < 0 ? result : system->ops->fcntl(system, fd, F_SETFD, FD_CLOEXEC);
}

static int prepare(struct bight_system *system, int fd, const struct kind *kind, bool no_delay, bool keepalive)
{
    int result = reset_options(system, fd, kind);
    if (result >= 0 && no_delay && is_ip(kind)) {
        result = set(system, fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (result >= 0 && keepalive && is_ip(kind)) {
        result = set(system, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    return result < 0 ? result : set_flags(system, fd);
}

int bi_listen_prepare(struct bight_reactor *reactor, int fd, const struct bi_listen_options *options)
{
    struct kind kind = { 0 };
    int result = ask_kind(reactor->system, fd, &kind);
    if (result >= 0 && (!kind.listens || !is_stream(&kind))) {
        result = -EINVAL;
    }
    return result < 0 ? result : prepare(reactor->system, fd, &kind, options->no_delay, options->keepalive);
}

/* -------------------------------------------------------------------------------------------- connections */

/* Why it cannot be adopted, in words; NULL: it can. */
static const char *find_fault(int result, const struct kind *kind)
{
    if (result == -EBADF || result == -ENOTSOCK) {
        return result == -EBADF ? "not open" : "not a socket";
    }
    if (kind->type != SOCK_STREAM) {
        return "not a stream socket";
    }
    if (!is_stream(kind)) {
        return "neither a TCP nor a UNIX socket";
    }
    return kind->listens ? "a socket that listens, which is for endpoints such as fd:3" : NULL;
}

/* Whether it is connected, and with whom. */
static int ask_peer(struct bight_system *system, int fd, struct bight_address *peer)
{
    struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof storage;
    int result = system->ops->getpeername(system, fd, (struct sockaddr *)&storage, &size);
    if (result >= 0) {
        (void)bight_address_from_sockaddr(peer, (struct sockaddr *)&storage, size);
    }
    return result;
}

static int check(const char *place, struct bight_system *system, int fd, struct kind *kind, struct bight_address *peer)
{
    int result = ask_kind(system, fd, kind);
    if (result < 0 && result != -EBADF && result != -ENOTSOCK) {
        return bight_error_from_errno(-result);
    }
    const char *fault = find_fault(result, kind);
    if (fault != NULL) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, place, "bight_adopt_connection: descriptor %d is %s", fd, fault);
    }
    result = ask_peer(system, fd, peer);
    if (result == -ENOTCONN || result == -EINVAL) { /* EINVAL: BSD's word for one that was reset */
        return BIGHT_E_CONNECTION_LOST;
    }
    return result < 0 ? bight_error_from_errno(-result) : BIGHT_OK;
}

int bi_adopt(const char *place, struct bight_reactor *reactor, int fd, struct bight_factory *factory,
    struct bight_protocol **protocol)
{
    struct kind kind = { 0 };
    struct bight_address peer = { .family = BIGHT_ADDRESS_NONE };
    int code = check(place, reactor->system, fd, &kind, &peer);
    if (code != BIGHT_OK) {
        return code;
    }
    int result = prepare(reactor->system, fd, &kind, true, false);
    if (result < 0) {
        return bight_error_from_errno(-result);
    }
    struct bight_transport *transport =
        bight_transport_new(reactor, factory, &bi_socket_bottom, NULL, fd, &peer, true, &code);
    if (transport == NULL) {
        return code;
    }
    if (protocol != NULL) {
        *protocol = bight_protocol_hold(bight_transport_protocol(transport));
    }
    bight_transport_start(transport);
    return BIGHT_OK;
}
