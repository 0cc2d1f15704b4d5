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
    return (struct bight_recorder *)bight_testing_sockets_of(system);
}

static struct bight_recorded_socket *find(struct bight_recorder *recorder, int fd)
{
    for (struct bight_link *link = recorder->all.next; link != &recorder->all; link = link->next) {
        struct bight_recorded_socket *socket = BIGHT_CONTAINER(link, struct bight_recorded_socket, link);
        if (socket->fd == fd) {
            return socket;
        }
    }
    return NULL;
}

static struct bight_recorded_socket *find_in(struct bight_system *system, int fd)
{
    return fd < BIGHT_TESTING_FIRST_SOCKET ? NULL : find(recorder_of(system), fd);
}

struct bight_recorded_socket *bight_recorded_find(
    const struct bight_recorder *recorder, enum bight_recorded_state state, size_t index)
{
    for (struct bight_link *link = recorder->all.next; link != &recorder->all; link = link->next) {
        struct bight_recorded_socket *socket = BIGHT_CONTAINER(link, struct bight_recorded_socket, link);
        if (socket->state == state && index-- == 0) {
            return socket;
        }
    }
    return NULL;
}

/* ----------------------------------------------------------------------------------------- readiness */

static bool is_ready(const struct bight_recorded_socket *socket, short *what)
{
    *what = socket->state == BIGHT_RECORDED_LISTENING ? BIGHT_READABLE : BIGHT_WRITABLE;
    return socket->state == BIGHT_RECORDED_LISTENING ? !bight_list_is_empty(&socket->queue)
                                                     : socket->state == BIGHT_RECORDED_DECIDED;
}

static void tell(struct bight_task *task)
{
    struct bight_recorded_socket *socket = BIGHT_CONTAINER(task, struct bight_recorded_socket, task);
    short what;
    if (is_ready(socket, &what)) {
        bight_recorded_announce(socket); /* comes again, until somebody takes it out */
        bight_testing_call_watch(socket->recorder->reactor, socket->fd, what);
    }
}

void bight_recorded_announce(struct bight_recorded_socket *socket)
{
    struct bight_reactor *reactor = socket->recorder->reactor;
    short what;
    if (is_ready(socket, &what) && socket->task.run == NULL && (bight_testing_watched(reactor, socket->fd) & what)) {
        bight_reactor_soon(reactor, &socket->task, tell);
    }
}

static void watched(struct bight_testing_sockets *sockets, int fd)
{
    struct bight_recorder *recorder = (struct bight_recorder *)sockets;
    struct bight_recorded_socket *socket = find(recorder, fd);
    if (socket == NULL) {
        return;
    }
    if (socket->peer != NULL && socket->state == BIGHT_RECORDED_CONNECTED) {
        short what = bight_testing_watched(recorder->reactor, fd);
        socket->peer->end.reading = (what & BIGHT_READABLE) != 0;
        socket->peer->end.writing = (what & BIGHT_WRITABLE) != 0;
        bight_stream_announce(&socket->peer->end);
    }
    bight_recorded_announce(socket);
}

static void stream_readable(struct bight_stream_end *end)
{
    bight_testing_call_watch(end->reactor, bight_string_peer_of(end)->descriptor, BIGHT_READABLE);
}

static void stream_writable(struct bight_stream_end *end)
{
    bight_testing_call_watch(end->reactor, bight_string_peer_of(end)->descriptor, BIGHT_WRITABLE);
}

static const struct bight_stream_end_ops stream_ops = { .readable = stream_readable, .writable = stream_writable };

/* ------------------------------------------------------------------------------------ making, ending */

struct bight_recorded_socket *bight_recorded_new(struct bight_recorder *recorder, int domain)
{
    struct bight_recorded_socket *socket = bight_testing_plain_realloc(NULL, sizeof *socket);
    if (socket != NULL) {
        *socket = (struct bight_recorded_socket) { .recorder = recorder, .domain = domain };
        socket->fd = recorder->next_descriptor++;
        bight_list_init(&socket->link);
        bight_list_init(&socket->queue);
    }
    return socket;
}

bool bight_recorded_connect(struct bight_recorded_socket *socket)
{
    socket->peer = bight_string_peer_new(&stream_ops, socket->recorder->reactor);
    if (socket->peer != NULL) {
        socket->peer->descriptor = socket->fd;
    }
    return socket->peer != NULL;
}

static void end_socket(struct bight_recorded_socket *socket)
{
    bight_list_remove(&socket->link);
    if (socket->task.run != NULL) {
        bight_reactor_unqueue(socket->recorder->reactor, &socket->task);
    }
    while (!bight_list_is_empty(&socket->queue)) {
        struct bight_recorded_socket *waiting = BIGHT_CONTAINER(socket->queue.next, struct bight_recorded_socket, link);
        waiting->resets = true;
        end_socket(waiting);
    }
    if (socket->peer != NULL) {
        bight_stream_hang_up(&socket->peer->end, socket->resets);
        bight_string_peer_over(socket->peer);
    }
    bight_testing_plain_free(socket);
}

static int recorded_socket(struct bight_system *system, int domain, int type, int protocol)
{
    struct bight_recorder *recorder = recorder_of(system);
    struct bight_recorded_socket *socket = bight_recorded_new(recorder, domain);
    (void)type;
    (void)protocol;
    if (socket == NULL) {
        return -ENOMEM;
    }
    bight_list_append(&recorder->all, &socket->link);
    return socket->fd;
}

static int recorded_close(struct bight_system *system, int fd)
{
    struct bight_recorded_socket *socket = find_in(system, fd);
    if (socket == NULL) {
        return bight_system_real()->ops->close(bight_system_real(), fd);
    }
    end_socket(socket);
    return 0;
}

/* --------------------------------------------------------------------------------------- addresses */

static int recorded_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct bight_recorded_socket *socket = find_in(system, fd);
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
    const struct bight_recorded_socket *socket = find_in(system, fd);
    return socket == NULL ? -EBADF : give_address(&socket->local, address, size);
}

static int recorded_getpeername(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    const struct bight_recorded_socket *socket = find_in(system, fd);
    return socket == NULL ? -EBADF : give_address(&socket->remote, address, size);
}

/* ---------------------------------------------------------------------------- listening, connecting */

static int recorded_listen(struct bight_system *system, int fd, int backlog)
{
    struct bight_recorded_socket *socket = find_in(system, fd);
    (void)backlog;
    if (socket == NULL || socket->recorder->listen_error != 0) {
        return socket == NULL ? -EBADF : -socket->recorder->listen_error;
    }
    socket->state = BIGHT_RECORDED_LISTENING;
    return 0;
}

static int recorded_accept4(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    struct bight_recorded_socket *port = find_in(system, fd);
    (void)flags;
    if (port == NULL || bight_list_is_empty(&port->queue)) {
        return port == NULL ? -EBADF : -EAGAIN;
    }
    struct bight_recorded_socket *socket = BIGHT_CONTAINER(port->queue.next, struct bight_recorded_socket, link);
    bight_list_remove(&socket->link);
    bight_list_append(&socket->recorder->all, &socket->link);
    if (address != NULL) {
        (void)give_address(&socket->remote, address, size);
    }
    return socket->fd;
}

static int recorded_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct bight_recorded_socket *socket = find_in(system, fd);
    if (socket == NULL || bight_address_from_sockaddr(&socket->remote, address, size) != 0) {
        return -EINVAL;
    }
    socket->state = BIGHT_RECORDED_CONNECTING;
    return -EINPROGRESS;
}

/* ------------------------------------------------------------------------------------------ options */

/* SO_ERROR tells how an attempt went; what it is about is a stream from then on. */
static int take_error(struct bight_recorded_socket *socket)
{
    int error = socket->error;
    if (socket->state == BIGHT_RECORDED_DECIDED) {
        socket->state = error == 0 ? BIGHT_RECORDED_CONNECTED : BIGHT_RECORDED_FRESH;
    }
    socket->error = 0;
    return error;
}

static int recorded_getsockopt(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    struct bight_recorded_socket *socket = find_in(system, fd);
    int number = 0;
    if (socket == NULL || *size < sizeof number) {
        return socket == NULL ? -EBADF : -EINVAL;
    }
    if (level == SOL_SOCKET && name == SO_ERROR) {
        number = take_error(socket);
    } else if (level == SOL_SOCKET && name == SO_DOMAIN) {
        number = socket->domain;
    } else if (level == SOL_SOCKET && name == SO_ACCEPTCONN) {
        number = socket->state == BIGHT_RECORDED_LISTENING;
    }
    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

static int recorded_setsockopt(
    struct bight_system *system, int fd, int level, int name, const void *value, socklen_t size)
{
    struct bight_recorded_socket *socket = find_in(system, fd);
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

static struct bight_stream_end *stream_of(struct bight_system *system, int fd)
{
    struct bight_recorded_socket *socket = find_in(system, fd);
    return socket == NULL || socket->peer == NULL ? NULL : &socket->peer->end;
}

static ssize_t recorded_recv(struct bight_system *system, int fd, void *buffer, size_t size, int flags)
{
    struct bight_stream_end *end = stream_of(system, fd);
    (void)flags;
    return end == NULL ? -ENOTCONN : bight_stream_receive(end, buffer, size);
}

static ssize_t recorded_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    struct bight_stream_end *end = stream_of(system, fd);
    (void)flags;
    return end == NULL ? -ENOTCONN : bight_stream_send(end, message->msg_iov, (int)message->msg_iovlen);
}

static ssize_t recorded_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    struct iovec part = { (void *)(uintptr_t)data, size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    return recorded_sendmsg(system, fd, &message, flags);
}

static int recorded_shutdown(struct bight_system *system, int fd, int how)
{
    struct bight_stream_end *end = stream_of(system, fd);
    if (end == NULL) {
        return -ENOTCONN;
    }
    if (how != SHUT_RD) {
        bight_stream_shut(end);
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

const struct bight_testing_sockets bight_recorder_sockets = { .replace = replace, .watched = watched };
