/* SPDX-License-Identifier: MIT */
/* recorder_socket.c - the sockets of a recording reactor: the calls that the production code makes on them.
 *
 * They take the place of the calls that a testing reactor refuses. A socket only has what a test may ask for: where it
 * listens, where it connects to, and as its stream an end of stream.c, whose far side is a string peer. Descriptors are
 * large numbers that never come again, so the kernel's own, eventfds for instance, are told apart and passed on. The
 * memory stands for the kernel's, and is past the hook. */
#include "testing/kit/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

/* Behind the kernel's own choice of ports. */
#define FIRST_PORT 49152

static struct bight_recorder *recorder_of(struct bight_system *system)
{
    return (struct bight_recorder *)bi_testing_sockets_of(system);
}

static struct bi_recorded_socket *find(struct bight_recorder *recorder, int fd)
{
    for (struct bi_link *link = recorder->all.next; link != &recorder->all; link = link->next) {
        struct bi_recorded_socket *socket = BI_CONTAINER(link, struct bi_recorded_socket, link);
        if (socket->fd == fd) {
            return socket;
        }
    }
    return NULL;
}

static struct bi_recorded_socket *find_in(struct bight_system *system, int fd)
{
    return fd < BI_TESTING_FIRST_SOCKET ? NULL : find(recorder_of(system), fd);
}

struct bi_recorded_socket *bi_recorded_find(
    const struct bight_recorder *recorder, enum bi_recorded_state state, size_t index)
{
    for (struct bi_link *link = recorder->all.next; link != &recorder->all; link = link->next) {
        struct bi_recorded_socket *socket = BI_CONTAINER(link, struct bi_recorded_socket, link);
        if (socket->state == state && index-- == 0) {
            return socket;
        }
    }
    return NULL;
}

/* ----------------------------------------------------------------------------------------- readiness */

static bool is_ready(const struct bi_recorded_socket *socket, short *what)
{
    *what = socket->state == BI_RECORDED_LISTENING ? BIGHT_READABLE : BIGHT_WRITABLE;
    return socket->state == BI_RECORDED_LISTENING ? !bi_list_is_empty(&socket->queue)
                                                  : socket->state == BI_RECORDED_DECIDED;
}

static void tell(struct bi_task *task)
{
    struct bi_recorded_socket *socket = BI_CONTAINER(task, struct bi_recorded_socket, task);
    short what;
    if (is_ready(socket, &what)) {
        bi_recorded_announce(socket); /* comes again, until it is taken out */
        bi_testing_call_watch(socket->recorder->reactor, socket->fd, what);
    }
}

void bi_recorded_announce(struct bi_recorded_socket *socket)
{
    struct bight_reactor *reactor = socket->recorder->reactor;
    short what;
    if (is_ready(socket, &what) && socket->task.run == NULL && (bi_testing_watched(reactor, socket->fd) & what)) {
        bi_reactor_soon(reactor, &socket->task, tell);
    }
}

static void watched(struct bi_testing_sockets *sockets, int fd)
{
    struct bight_recorder *recorder = (struct bight_recorder *)sockets;
    struct bi_recorded_socket *socket = find(recorder, fd);
    if (socket == NULL) {
        return;
    }
    if (socket->peer != NULL && socket->state == BI_RECORDED_CONNECTED) {
        short what = bi_testing_watched(recorder->reactor, fd);
        socket->peer->end.reading = (what & BIGHT_READABLE) != 0;
        socket->peer->end.writing = (what & BIGHT_WRITABLE) != 0;
        bi_stream_announce(&socket->peer->end);
    }
    bi_recorded_announce(socket);
}

static void stream_readable(struct bi_stream_end *end)
{
    bi_testing_call_watch(end->reactor, bi_string_peer_of(end)->descriptor, BIGHT_READABLE);
}

static void stream_writable(struct bi_stream_end *end)
{
    bi_testing_call_watch(end->reactor, bi_string_peer_of(end)->descriptor, BIGHT_WRITABLE);
}

static const struct bi_stream_end_ops stream_ops = { .readable = stream_readable, .writable = stream_writable };

/* ------------------------------------------------------------------------------------ making, ending */

struct bi_recorded_socket *bi_recorded_new(struct bight_recorder *recorder, int domain)
{
    struct bi_recorded_socket *socket = bi_testing_plain_realloc(NULL, sizeof *socket);
    if (socket != NULL) {
        *socket = (struct bi_recorded_socket) { .recorder = recorder, .domain = domain };
        socket->fd = recorder->next_descriptor++;
        bi_list_init(&socket->link);
        bi_list_init(&socket->queue);
    }
    return socket;
}

bool bi_recorded_connect(struct bi_recorded_socket *socket)
{
    socket->peer = bi_string_peer_new(&stream_ops, socket->recorder->reactor);
    if (socket->peer != NULL) {
        socket->peer->descriptor = socket->fd;
    }
    return socket->peer != NULL;
}

static void end_socket(struct bi_recorded_socket *socket)
{
    bi_list_remove(&socket->link);
    if (socket->task.run != NULL) {
        bi_reactor_unqueue(socket->recorder->reactor, &socket->task);
    }
    while (!bi_list_is_empty(&socket->queue)) {
        struct bi_recorded_socket *waiting = BI_CONTAINER(socket->queue.next, struct bi_recorded_socket, link);
        waiting->resets = true;
        end_socket(waiting);
    }
    if (socket->peer != NULL) {
        bi_stream_hang_up(&socket->peer->end, socket->resets);
        bi_string_peer_over(socket->peer);
    }
    bi_testing_plain_free(socket);
}

static int recorded_socket(struct bight_system *system, int domain, int type, int protocol)
{
    struct bight_recorder *recorder = recorder_of(system);
    struct bi_recorded_socket *socket = bi_recorded_new(recorder, domain);
    (void)type;
    (void)protocol;
    if (socket == NULL) {
        return -ENOMEM;
    }
    bi_list_append(&recorder->all, &socket->link);
    return socket->fd;
}

static int recorded_close(struct bight_system *system, int fd)
{
    struct bi_recorded_socket *socket = find_in(system, fd);
    if (socket == NULL) {
        return bight_system_real()->ops->close(bight_system_real(), fd);
    }
    end_socket(socket);
    return 0;
}

/* --------------------------------------------------------------------------------------- addresses */

static int recorded_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct bi_recorded_socket *socket = find_in(system, fd);
    struct bight_recorder *recorder = recorder_of(system);
    if (socket == NULL || bight_address_from_sockaddr(&socket->local, address, size) != 0) {
        return -EINVAL;
    }
    if (socket->local.port == 0 && socket->local.family != BIGHT_ADDRESS_UNIX) {
        socket->local.port = (uint16_t)(FIRST_PORT + recorder->next_port++ % (UINT16_MAX - FIRST_PORT));
    }
    return 0;
}

static int give_address(const struct bight_address *from, struct sockaddr *address, socklen_t *size)
{
    struct sockaddr_storage storage;
    socklen_t needed = sizeof storage;
    if (bight_address_to_sockaddr(from, &storage, &needed) != 0) {
        storage.ss_family = AF_UNIX; /* nameless */
        needed = sizeof storage.ss_family;
    }
    memcpy(address, &storage, needed < *size ? needed : *size);
    *size = needed;
    return 0;
}

static int recorded_getsockname(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    const struct bi_recorded_socket *socket = find_in(system, fd);
    return socket == NULL ? -EBADF : give_address(&socket->local, address, size);
}

static int recorded_getpeername(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    const struct bi_recorded_socket *socket = find_in(system, fd);
    return socket == NULL ? -EBADF : give_address(&socket->remote, address, size);
}

/* ---------------------------------------------------------------------------- listening, connecting */

static int recorded_listen(struct bight_system *system, int fd, int backlog)
{
    struct bi_recorded_socket *socket = find_in(system, fd);
    (void)backlog;
    if (socket == NULL || socket->recorder->listen_error != 0) {
        return socket == NULL ? -EBADF : -socket->recorder->listen_error;
    }
    socket->state = BI_RECORDED_LISTENING;
    return 0;
}

static int recorded_accept4(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    struct bi_recorded_socket *port = find_in(system, fd);
    (void)flags;
    if (port == NULL || bi_list_is_empty(&port->queue)) {
        return port == NULL ? -EBADF : -EAGAIN;
    }
    struct bi_recorded_socket *socket = BI_CONTAINER(port->queue.next, struct bi_recorded_socket, link);
    bi_list_remove(&socket->link);
    bi_list_append(&socket->recorder->all, &socket->link);
    if (address != NULL) {
        (void)give_address(&socket->remote, address, size);
    }
    return socket->fd;
}

static int recorded_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct bi_recorded_socket *socket = find_in(system, fd);
    if (socket == NULL || bight_address_from_sockaddr(&socket->remote, address, size) != 0) {
        return -EINVAL;
    }
    socket->state = BI_RECORDED_CONNECTING;
    return -EINPROGRESS;
}

/* ------------------------------------------------------------------------------------------ options */

/* SO_ERROR tells how an attempt went; what it is about is a stream from then on. */
static int take_error(struct bi_recorded_socket *socket)
{
    int error = socket->error;
    if (socket->state == BI_RECORDED_DECIDED) {
        socket->state = error == 0 ? BI_RECORDED_CONNECTED : BI_RECORDED_FRESH;
    }
    socket->error = 0;
    return error;
}

static int recorded_getsockopt(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    struct bi_recorded_socket *socket = find_in(system, fd);
    int number = 0;
    if (socket == NULL || *size < sizeof number) {
        return socket == NULL ? -EBADF : -EINVAL;
    }
    if (level == SOL_SOCKET && name == SO_ERROR) {
        number = take_error(socket);
    } else if (level == SOL_SOCKET && name == SO_DOMAIN) {
        number = socket->domain;
    } else if (level == SOL_SOCKET && name == SO_ACCEPTCONN) {
        number = socket->state == BI_RECORDED_LISTENING;
    }
    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

static int recorded_setsockopt(
    struct bight_system *system, int fd, int level, int name, const void *value, socklen_t size)
{
    struct bi_recorded_socket *socket = find_in(system, fd);
    (void)size;
    if (socket != NULL && level == SOL_SOCKET && name == SO_LINGER) {
        const struct linger *linger = value;
        socket->resets = linger->l_onoff != 0 && linger->l_linger == 0;
    }
    return socket == NULL ? -EBADF : 0;
}

static int recorded_fcntl(struct bight_system *system, int fd, int command, long argument)
{
    if (find_in(system, fd) != NULL) {
        return command == F_GETFL ? O_NONBLOCK : 0;
    }
    return bight_system_real()->ops->fcntl(bight_system_real(), fd, command, argument);
}

/* Files of UNIX sockets are not made either. */
static int no_file(struct bight_system *system, const char *path)
{
    (void)system;
    (void)path;
    return 0;
}

static int no_mode(struct bight_system *system, const char *path, mode_t mode)
{
    (void)system;
    (void)path;
    (void)mode;
    return 0;
}

/* ------------------------------------------------------------------------------------------ streams */

static struct bi_stream_end *stream_of(struct bight_system *system, int fd)
{
    struct bi_recorded_socket *socket = find_in(system, fd);
    return socket == NULL || socket->peer == NULL ? NULL : &socket->peer->end;
}

static ssize_t recorded_recv(struct bight_system *system, int fd, void *buffer, size_t size, int flags)
{
    struct bi_stream_end *end = stream_of(system, fd);
    (void)flags;
    return end == NULL ? -ENOTCONN : bi_stream_receive(end, buffer, size);
}

static ssize_t recorded_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    struct bi_stream_end *end = stream_of(system, fd);
    (void)flags;
    return end == NULL ? -ENOTCONN : bi_stream_send(end, message->msg_iov, (int)message->msg_iovlen);
}

static ssize_t recorded_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    struct iovec part = { (void *)(uintptr_t)data, size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    return recorded_sendmsg(system, fd, &message, flags);
}

static int recorded_shutdown(struct bight_system *system, int fd, int how)
{
    struct bi_stream_end *end = stream_of(system, fd);
    if (end == NULL) {
        return -ENOTCONN;
    }
    if (how != SHUT_RD) {
        bi_stream_shut(end);
    }
    return 0;
}

static void replace(struct bight_system_ops *calls)
{
    calls->recv = recorded_recv;
    calls->send = recorded_send;
    calls->sendmsg = recorded_sendmsg;
    calls->accept4 = recorded_accept4;
    calls->close = recorded_close;
    calls->shutdown = recorded_shutdown;
    calls->socket = recorded_socket;
    calls->bind = recorded_bind;
    calls->listen = recorded_listen;
    calls->connect = recorded_connect;
    calls->getsockopt = recorded_getsockopt;
    calls->setsockopt = recorded_setsockopt;
    calls->getsockname = recorded_getsockname;
    calls->getpeername = recorded_getpeername;
    calls->fcntl = recorded_fcntl;
    calls->unlink = no_file;
    calls->chmod = no_mode;
}

const struct bi_testing_sockets bi_recorder_sockets = { .replace = replace, .watched = watched };
