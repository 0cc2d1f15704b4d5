/* SPDX-License-Identifier: MIT */
/* socket.c - the bottom of a connection over a stream socket, TCP or UNIX.
 *
 * One system call a slot and no state: the descriptor is the facade's, the watch for reading lies behind the facade and
 * calls straight into it. Options such as TCP_NODELAY are inherited from the listening socket or set before
 * connecting, so that an accepted connection costs accept4 and one epoll_ctl; and not even that when it is over before
 * it is watched (receive.c). */
#include "transport/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/quiet.h"
#include "transport/file.h"
#include "transport/transport.h"

static struct bight_system *system_of(const struct bight_transport *transport)
{
    return transport->hub->system;
}

static struct bight_loop *loop_of(const struct bight_transport *transport)
{
    return transport->hub->reactor->loop;
}

/* -------------------------------------------------------------------------------------- moving bytes */

BI_HOT static ssize_t socket_receive(struct bight_transport *transport, void *buffer, size_t size)
{
    struct bight_system *system = system_of(transport);
    ssize_t got;
    do {
        got = system->ops->recv(system, transport->descriptor, buffer, size, 0);
    } while (got == -EINTR);
    return got;
}

BI_HOT static ssize_t __attribute__((noinline))
send_many(struct bight_transport *transport, const struct iovec *parts, int count, int flags)
{
    struct bight_system *system = system_of(transport);
    struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count };
    ssize_t sent;
    do {
        sent = system->ops->sendmsg(system, transport->descriptor, &message, flags);
    } while (sent == -EINTR);
    return sent;
}

BI_HOT static ssize_t socket_send(struct bight_transport *transport, const struct iovec *parts, int count)
{
    if (count != 1) {
        return send_many(transport, parts, count, MSG_NOSIGNAL);
    }
    struct bight_system *system = system_of(transport);
    ssize_t sent;
    do {
        sent = system->ops->send(system, transport->descriptor, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    } while (sent == -EINTR);
    return sent;
}

static ssize_t socket_send_more(struct bight_transport *transport, const struct iovec *parts, int count)
{
    return send_many(transport, parts, count, MSG_NOSIGNAL | MSG_MORE);
}

/* An empty send moves nothing and fails as one of data would. */
static int socket_probe(struct bight_transport *transport)
{
    struct bight_system *system = system_of(transport);
    ssize_t result;
    do {
        result = system->ops->send(system, transport->descriptor, "", 0, MSG_NOSIGNAL);
    } while (result == -EINTR);
    return result < 0 && result != -EAGAIN && result != -EWOULDBLOCK ? (int)result : 0;
}

/* In windows, until one is not taken whole. What was sent before an error counts; the next call has the error. */
static ssize_t send_windows(struct bight_transport *transport, int file, uint64_t offset, size_t size, int *error)
{
    struct bight_system *system = system_of(transport);
    size_t done = 0, window;
    ssize_t sent;
    do {
        window = size - done < BI_FILE_WINDOW ? size - done : BI_FILE_WINDOW;
        sent = system->ops->sendfile(system, transport->descriptor, file, offset + done, window);
        done += sent > 0 ? (size_t)sent : 0;
    } while (sent == -EINTR || (sent > 0 && (size_t)sent == window && done < size));
    *error = sent < 0 ? (int)-sent : 0;
    return done > 0 ? (ssize_t)done : sent;
}

/* There is no flag against the signal of a peer that has gone; it is held back once for all windows. */
static ssize_t socket_send_file(struct bight_transport *transport, int file, uint64_t offset, size_t size)
{
    struct bi_quiet quiet;
    int error;
    if (system_of(transport)->ops->sendfile == NULL) {
        return -ENOSYS;
    }
    bi_quiet_begin(&quiet);
    ssize_t sent = send_windows(transport, file, offset, size, &error);
    bi_quiet_end(&quiet, error);
    return sent;
}

/* ----------------------------------------------------------------------------------------- watching */

static int watch(
    struct bight_transport *transport, struct bight_watch *watch, short what, bight_watch_function function, bool on)
{
    struct bight_loop *loop = loop_of(transport);
    if (!on) {
        loop->ops->watch_remove(loop, watch);
        return 0;
    }
    loop->ops->watch_init(loop, watch, transport->descriptor, what, function, transport);
    return bi_reactor_add_watch(transport->hub->reactor, watch, transport->descriptor);
}

static int socket_watch_reading(struct bight_transport *transport, bool on)
{
    if (BI_UNLIKELY(transport->idle.is_early)) {
        return 0;
    }
    short what = (short)(BIGHT_READABLE | loop_of(transport)->edge);
    return watch(transport, bight_transport_watch(transport), what, bi_transport_readable_event, on);
}

static int socket_watch_writing(struct bight_transport *transport, struct bight_watch *memory, bool on)
{
    short what = (short)(BIGHT_WRITABLE | (loop_of(transport)->edge & BIGHT_EDGE));
    return watch(transport, memory, what, bi_transport_writable_event, on);
}

/* ------------------------------------------------------------------------------------------ closing */

static void socket_shut_writing(struct bight_transport *transport)
{
    struct bight_system *system = system_of(transport);
    (void)system->ops->shutdown(system, transport->descriptor, SHUT_WR); /* ENOTCONN: the peer was faster */
}

static void socket_close(struct bight_transport *transport, bool reset)
{
    struct bight_system *system = system_of(transport);
    if (reset) {
        static const struct linger now = { .l_onoff = 1, .l_linger = 0 };
        (void)system->ops->setsockopt(system, transport->descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    (void)system->ops->close(system, transport->descriptor); /* EINTR: closed all the same */
    if (transport->bottom_memory != NULL) {
        bi_port_connection_ended(transport->bottom_memory, transport->descriptor);
    }
}

/* --------------------------------------------------------------------------------------------- facts */

static int socket_address(struct bight_transport *transport, bool peer, struct bight_address *address)
{
    struct bight_system *system = system_of(transport);
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    memset(&storage, 0, sizeof storage);
    int (*ask)(struct bight_system *, int, struct sockaddr *, socklen_t *) =
        peer ? system->ops->getpeername : system->ops->getsockname;
    int result = ask(system, transport->descriptor, (struct sockaddr *)&storage, &size);
    if (result < 0) {
        return bight_error_from_errno(-result);
    }
    return bight_address_from_sockaddr(address, (struct sockaddr *)&storage, size);
}

static bool is_tcp(struct bight_transport *transport)
{
    struct bight_system *system = system_of(transport);
    int domain = AF_UNSPEC;
    socklen_t size = sizeof domain;
    int result = system->ops->getsockopt(system, transport->descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return result >= 0 && (domain == AF_INET || domain == AF_INET6);
}

static int socket_set_option(struct bight_transport *transport, enum bight_transport_option option, bool on)
{
    struct bight_system *system = system_of(transport);
    if (!is_tcp(transport)) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    bool is_nodelay = option == BIGHT_OPTION_NODELAY;
    int value = on;
    int result = system->ops->setsockopt(system, transport->descriptor, is_nodelay ? IPPROTO_TCP : SOL_SOCKET,
        is_nodelay ? TCP_NODELAY : SO_KEEPALIVE, &value, sizeof value);
    return result < 0 ? bight_error_from_errno(-result) : 0;
}

const struct bight_bottom_ops bi_socket_bottom = {
    .size = sizeof(struct bight_bottom_ops),
    .receive = socket_receive,
    .send = socket_send,
    .watch_reading = socket_watch_reading,
    .watch_writing = socket_watch_writing,
    .shut_writing = socket_shut_writing,
    .close = socket_close,
    .address = socket_address,
    .set_option = socket_set_option,
    .probe = socket_probe,
    .short_read_is_empty = true, /* but for marks: doubt.c */
    .send_file = socket_send_file,
    .send_more = socket_send_more,
};
