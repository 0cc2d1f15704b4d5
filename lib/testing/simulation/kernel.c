/* SPDX-License-Identifier: MIT */
/* kernel.c - the simulated table of system calls: looks descriptors up, lets things go wrong, keeps the trace.
 *
 * Each function does what its namesake of the kernel does and returns -errno. What stands behind descriptors is in
 * file.c, disk.c, socket.c and datagram.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define EPOCH_SECONDS UINT64_C(1893456000) /* 2030-01-01, when the simulation begins */
#define CALLER __builtin_return_address(0)

static struct bi_sim_loop *loop_of(struct bight_system *system)
{
    return bi_sim_loop_of(system);
}

static struct bi_sim_socket *socket_at(const struct bi_sim_loop *loop, int fd, const char *call, const void *caller)
{
    struct bi_sim_file *file = bi_sim_file_get(loop, fd, call, caller);
    if (BI_UNLIKELY(!bi_sim_is_socket(file))) {
        bi_sim_broken(loop->host, call, fd, "not a socket", caller);
    }
    return bi_sim_socket_of(file);
}

static bool fault(const struct bi_sim_loop *loop, unsigned chance, const char *what)
{
    return bi_sim_fault(loop->simulation, chance, what);
}

/* ------------------------------------------------------------------------------------------- streams */

static ssize_t received(
    const struct bi_sim_loop *loop, enum bi_sim_call call, int fd, const void *buffer, size_t size, ssize_t result)
{
    bi_sim_trace(loop->host, call, fd, (int64_t)size, result);
    if (result > 0) {
        bi_sim_trace_bytes(loop->simulation, buffer, (size_t)result);
    }
    return result;
}

/* Of a datagram that was cut short `result` may say more than was moved. */
static ssize_t moved(const struct bi_sim_loop *loop, enum bi_sim_call call, int fd, const struct iovec *parts,
    size_t count, ssize_t result)
{
    size_t left = result > 0 ? (size_t)result : 0;
    bi_sim_trace(loop->host, call, fd, (int64_t)count, result);
    for (size_t i = 0; left > 0 && i < count; i++) {
        size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
        bi_sim_trace_bytes(loop->simulation, parts[i].iov_base, size);
        left -= size;
    }
    return result;
}

static ssize_t send_parts(struct bi_sim_socket *socket, const struct iovec *parts, size_t count, int flags)
{
    return bi_sim_is_datagram(socket) ? bi_sim_datagram_send(socket, parts, count, NULL, 0)
                                      : bi_sim_stream_send(socket, parts, count, flags);
}

static ssize_t sim_recv(struct bight_system *system, int fd, void *buffer, size_t size, int flags)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_socket *socket = socket_at(loop, fd, "recv", CALLER);
    if (BI_UNLIKELY(bi_sim_is_datagram(socket))) {
        struct iovec part = { buffer, size };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        ssize_t result = bi_sim_datagram_receive(socket, &message, flags);
        return moved(loop, BI_SIM_recv, fd, &part, 1, result);
    }
    return received(loop, BI_SIM_recv, fd, buffer, size, bi_sim_stream_receive(socket, buffer, size));
}

static ssize_t sim_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    struct bi_sim_loop *loop = loop_of(system);
    const struct iovec part = { (void *)(uintptr_t)data, size };
    struct bi_sim_socket *socket = socket_at(loop, fd, "send", CALLER);
    return moved(loop, BI_SIM_send, fd, &part, 1, send_parts(socket, &part, 1, flags));
}

static ssize_t sim_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    struct bi_sim_loop *loop = loop_of(system);
    const struct iovec *parts = message->msg_iov;
    size_t count = message->msg_iovlen;
    struct bi_sim_socket *socket = socket_at(loop, fd, "sendmsg", CALLER);
    if (message->msg_name == NULL || message->msg_namelen == 0 || !bi_sim_is_datagram(socket)) {
        return moved(loop, BI_SIM_sendmsg, fd, parts, count, send_parts(socket, parts, count, flags));
    }
    ssize_t result = bi_sim_datagram_send(socket, parts, count, message->msg_name, message->msg_namelen);
    bi_sim_trace_bytes(loop->simulation, message->msg_name, message->msg_namelen);
    return moved(loop, BI_SIM_sendmsg, fd, parts, count, result);
}

/* Of a stream one part is filled. */
static ssize_t receive_stream(struct bi_sim_socket *socket, struct msghdr *message)
{
    size_t i = 0;
    while (i + 1 < message->msg_iovlen && message->msg_iov[i].iov_len == 0) {
        i++;
    }
    message->msg_namelen = message->msg_name != NULL ? 0 : message->msg_namelen;
    message->msg_controllen = 0;
    message->msg_flags = 0;
    return message->msg_iovlen == 0
               ? 0
               : bi_sim_stream_receive(socket, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
}

static ssize_t sim_recvmsg(struct bight_system *system, int fd, struct msghdr *message, int flags)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_socket *socket = socket_at(loop, fd, "recvmsg", CALLER);
    socklen_t room = message->msg_namelen;
    bool is_datagram = bi_sim_is_datagram(socket);
    ssize_t result = is_datagram ? bi_sim_datagram_receive(socket, message, flags) : receive_stream(socket, message);
    if (result >= 0 && message->msg_name != NULL) {
        socklen_t given = message->msg_namelen < room ? message->msg_namelen : room;
        bi_sim_trace_bytes(loop->simulation, message->msg_name, given);
        bi_sim_mix(loop->simulation, (uint64_t)message->msg_flags);
    }
    return moved(loop, BI_SIM_recvmsg, fd, message->msg_iov, message->msg_iovlen, result);
}

static ssize_t sim_read(struct bight_system *system, int fd, void *buffer, size_t size)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_file *file = bi_sim_file_get(loop, fd, "read", CALLER);
    return received(loop, BI_SIM_read, fd, buffer, size, file->ops->read(file, buffer, size));
}

static ssize_t sim_write(struct bight_system *system, int fd, const void *data, size_t size)
{
    struct bi_sim_loop *loop = loop_of(system);
    const struct iovec part = { (void *)(uintptr_t)data, size };
    struct bi_sim_file *file = bi_sim_file_get(loop, fd, "write", CALLER);
    if (bi_sim_is_disk(file)) {
        ssize_t result = file->ops->write(file, data, size); /* process ids, which are not the seed's */
        bi_sim_trace(loop->host, BI_SIM_write, fd, (int64_t)size, result);
        return result;
    }
    return moved(loop, BI_SIM_write, fd, &part, 1, file->ops->write(file, data, size));
}

static ssize_t sim_writev(struct bight_system *system, int fd, const struct iovec *parts, int count)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_socket *socket = socket_at(loop, fd, "writev", CALLER);
    ssize_t result = send_parts(socket, parts, (size_t)count, 0);
    return moved(loop, BI_SIM_writev, fd, parts, (size_t)count, result);
}

static int sim_accept4(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_socket_accept(socket_at(loop, fd, "accept4", CALLER), address, size);
    bi_sim_trace(loop->host, BI_SIM_accept4, fd, flags, result);
    if (result >= 0) {
        socket_at(loop, result, "accept4", NULL)->status_flags = O_RDWR | (flags & SOCK_NONBLOCK);
        if (address != NULL) {
            bi_sim_trace_bytes(loop->simulation, address, *size);
        }
    }
    return result;
}

static int sim_close(struct bight_system *system, int fd)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_file *file = bi_sim_file_get(loop, fd, "close", CALLER);
    bi_sim_trace(loop->host, BI_SIM_close, fd, 0, 0);
    bi_sim_file_close(file, CALLER);
    return 0;
}

static int sim_shutdown(struct bight_system *system, int fd, int how)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_socket *socket = socket_at(loop, fd, "shutdown", CALLER);
    int result = socket->state == BI_SIM_CONNECTED && !socket->was_reset ? 0 : -ENOTCONN;
    if (result == 0 && how != SHUT_WR) {
        socket->shut_reading = true;
        bi_sim_socket_update(socket);
    }
    if (result == 0 && how != SHUT_RD && bi_sim_is_datagram(socket)) {
        socket->shut_writing = true;
    } else if (result == 0 && how != SHUT_RD) {
        bi_sim_stream_shut(socket);
    }
    bi_sim_trace(loop->host, BI_SIM_shutdown, fd, how, result);
    return result;
}

/* -------------------------------------------------------------------------------- making and asking */

static int refuse_making(const struct bi_sim_loop *loop)
{
    const struct bight_kernel_conditions *kernel = &loop->host->kernel;
    if (fault(loop, kernel->no_files, "EMFILE")) {
        return -EMFILE;
    }
    if (fault(loop, kernel->no_buffers, "no buffers")) {
        return bi_sim_detail(loop->simulation, 2) == 0 ? -ENOBUFS : -ENOMEM;
    }
    return 0;
}

static int make_socket(const struct bi_sim_loop *loop, int domain, int type)
{
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX) {
        return -EAFNOSUPPORT;
    }
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool is_datagram = kind == SOCK_DGRAM && domain != AF_UNIX;
    if (kind != SOCK_STREAM && !is_datagram) {
        return -EPROTONOSUPPORT;
    }
    int result = refuse_making(loop);
    if (result != 0) {
        return result;
    }
    struct bi_sim_socket *socket =
        is_datagram ? bi_sim_datagram_new(loop->host, domain) : bi_sim_socket_new(loop->host, domain);
    if (socket == NULL) {
        return -ENOBUFS;
    }
    socket->status_flags = O_RDWR | (type & SOCK_NONBLOCK);
    result = bi_sim_file_open(&socket->file);
    if (result < 0) {
        socket->file.ops->close(&socket->file);
    }
    return result;
}

static int sim_socket(struct bight_system *system, int domain, int type, int protocol)
{
    struct bi_sim_loop *loop = loop_of(system);
    (void)protocol;
    int result = make_socket(loop, domain, type);
    bi_sim_trace(loop->host, BI_SIM_socket, domain, type, result);
    return result;
}

static int sim_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_socket_bind(socket_at(loop, fd, "bind", CALLER), address, size);
    bi_sim_trace(loop->host, BI_SIM_bind, fd, size, result);
    bi_sim_trace_bytes(loop->simulation, address, size);
    return result;
}

static int sim_listen(struct bight_system *system, int fd, int backlog)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_socket_listen(socket_at(loop, fd, "listen", CALLER), backlog);
    bi_sim_trace(loop->host, BI_SIM_listen, fd, backlog, result);
    return result;
}

static int sim_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_socket_connect(socket_at(loop, fd, "connect", CALLER), address, size);
    bi_sim_trace(loop->host, BI_SIM_connect, fd, size, result);
    bi_sim_trace_bytes(loop->simulation, address, size);
    return result;
}

/* A number that was never a descriptor may come from the program ("fd:3"): it gets an answer. */
static int sim_getsockopt(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_file *file = bi_sim_file_find(loop, fd, "getsockopt", CALLER);
    int result = -EBADF;
    if (file != NULL) {
        bool is_socket = bi_sim_is_socket(file);
        result = is_socket ? bi_sim_get_option(bi_sim_socket_of(file), level, name, value, size) : -ENOTSOCK;
    }
    bi_sim_trace(loop->host, BI_SIM_getsockopt, fd, name, result);
    if (result == 0) {
        bi_sim_trace_bytes(loop->simulation, value, *size);
    }
    return result;
}

static int sim_setsockopt(struct bight_system *system, int fd, int level, int name, const void *value, socklen_t size)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_socket *socket = socket_at(loop, fd, "setsockopt", CALLER);
    int result = bi_sim_set_option(socket, level, name, value, size);
    bi_sim_trace(loop->host, BI_SIM_setsockopt, fd, name, result);
    bi_sim_trace_bytes(loop->simulation, value, size);
    return result;
}

static int tell_name(const struct bi_sim_loop *loop, enum bi_sim_call call, const struct bi_sim_socket *socket,
    struct sockaddr *address, socklen_t *size)
{
    int result = bi_sim_socket_get_name(socket, call == BI_SIM_getpeername, address, size);
    bi_sim_trace(loop->host, call, socket->file.fd, 0, result);
    if (result == 0) {
        bi_sim_trace_bytes(loop->simulation, address, *size);
    }
    return result;
}

static int sim_getsockname(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    struct bi_sim_loop *loop = loop_of(system);
    return tell_name(loop, BI_SIM_getsockname, socket_at(loop, fd, "getsockname", CALLER), address, size);
}

static int sim_getpeername(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    struct bi_sim_loop *loop = loop_of(system);
    return tell_name(loop, BI_SIM_getpeername, socket_at(loop, fd, "getpeername", CALLER), address, size);
}

static int sim_fcntl(struct bight_system *system, int fd, int command, long argument)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_socket *socket = socket_at(loop, fd, "fcntl", CALLER);
    int result = 0;
    switch (command) {
    case F_GETFL:
        result = socket->status_flags;
        break;
    case F_SETFL:
        socket->status_flags = (int)argument;
        break;
    case F_GETFD:
        result = FD_CLOEXEC;
        break;
    case F_SETFD:
        break;
    default:
        result = -EINVAL;
    }
    bi_sim_trace(loop->host, BI_SIM_fcntl, fd, command, result);
    return result;
}

/* --------------------------------------------------------------------------------------------- files */

static int traced_path(const struct bi_sim_loop *loop, enum bi_sim_call call, const char *path, int result)
{
    bi_sim_trace(loop->host, call, 0, 0, result);
    bi_sim_trace_bytes(loop->simulation, path, strlen(path));
    return result;
}

static int sim_open(struct bight_system *system, const char *path, int flags, mode_t mode)
{
    struct bi_sim_loop *loop = loop_of(system);
    bool is_null = strcmp(path, "/dev/null") == 0;
    int fd = is_null ? bi_sim_null_device(loop->host) : bi_sim_open(loop->host, path, flags, mode);
    return traced_path(loop, BI_SIM_open, path, fd);
}

/* As from a page's beginning on, of one part; what is not in memory now may be so the next time. */
static ssize_t sim_preadv2(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_file *file = bi_sim_file_get(loop, fd, "preadv2", CALLER);
    const char *bytes;
    if (flags != 0 && fault(loop, loop->host->kernel.not_cached, "not in memory")) {
        bi_sim_trace(loop->host, BI_SIM_preadv2, fd, count, -EAGAIN);
        return -EAGAIN;
    }
    ssize_t result = bi_sim_file_look(file, offset, parts[0].iov_len, &bytes);
    if (result > 0) {
        memcpy(parts[0].iov_base, bytes, (size_t)result);
    }
    return received(loop, BI_SIM_preadv2, fd, parts[0].iov_base, parts[0].iov_len, result);
}

static ssize_t sim_sendfile(struct bight_system *system, int to, int fd, uint64_t offset, size_t size)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_file *file = bi_sim_file_get(loop, fd, "sendfile", CALLER);
    struct bi_sim_socket *socket = socket_at(loop, to, "sendfile", CALLER);
    const char *bytes;
    ssize_t there = bi_sim_file_look(file, offset, size, &bytes);
    if (there <= 0) {
        bi_sim_trace(loop->host, BI_SIM_sendfile, to, fd, there);
        return there == -ESPIPE ? -EINVAL : there;
    }
    const struct iovec part = { (void *)(uintptr_t)bytes, (size_t)there };
    return moved(loop, BI_SIM_sendfile, to, &part, 1, bi_sim_stream_send(socket, &part, 1, MSG_NOSIGNAL));
}

static int sim_flock(struct bight_system *system, int fd, int operation)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_flock(bi_sim_file_get(loop, fd, "flock", CALLER), operation);
    bi_sim_trace(loop->host, BI_SIM_flock, fd, operation, result);
    return result;
}

static int sim_unlink(struct bight_system *system, const char *path)
{
    struct bi_sim_loop *loop = loop_of(system);
    return traced_path(loop, BI_SIM_unlink, path, bi_sim_unlink(loop->host, path));
}

static int sim_chmod(struct bight_system *system, const char *path, mode_t mode)
{
    struct bi_sim_loop *loop = loop_of(system);
    struct bi_sim_node *node = bi_sim_find_path(loop->host, path);
    if (node != NULL) {
        node->mode = (node->mode & S_IFMT) | mode;
    }
    return traced_path(loop, BI_SIM_chmod, path, node == NULL ? -ENOENT : 0);
}

static int sim_lstat(struct bight_system *system, const char *path, mode_t *type)
{
    struct bi_sim_loop *loop = loop_of(system);
    const struct bi_sim_node *node = bi_sim_find_path(loop->host, path);
    if (node != NULL) {
        *type = node->mode & S_IFMT;
    }
    return traced_path(loop, BI_SIM_lstat, path, node == NULL ? -ENOENT : 0);
}

static int sim_identity(struct bight_system *system, const char *path, uint64_t identity[2])
{
    struct bi_sim_loop *loop = loop_of(system);
    const struct bi_sim_node *node = bi_sim_find_path(loop->host, path);
    if (node != NULL) {
        identity[0] = loop->host->index + 1;
        identity[1] = node->inode;
    }
    return traced_path(loop, BI_SIM_identity, path, node == NULL ? -ENOENT : 0);
}

/* ------------------------------------------------------------------------------ clocks and wake-ups */

static uint64_t sim_now(struct bight_system *system)
{
    struct bi_sim_loop *loop = loop_of(system);
    bi_sim_mix(loop->simulation, (uint64_t)BI_SIM_now << 56);
    return loop->simulation->now;
}

static uint64_t sim_wall_time(struct bight_system *system)
{
    struct bi_sim_loop *loop = loop_of(system);
    const struct bight_simulation *simulation = loop->simulation;
    uint64_t since = simulation->now - BIGHT_NANOSECONDS_PER_SECOND;
    uint64_t time = EPOCH_SECONDS * BIGHT_NANOSECONDS_PER_SECOND + since + (uint64_t)simulation->wall_offset;
    bi_sim_trace(loop->host, BI_SIM_wall_time, 0, (int64_t)time, 0);
    return time;
}

static int sim_eventfd(struct bight_system *system, unsigned initial, int flags)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_eventfd(loop->host, initial);
    bi_sim_trace(loop->host, BI_SIM_eventfd, (int64_t)initial, flags, result);
    return result;
}

static int sim_timerfd_create(struct bight_system *system)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_timerfd(loop->host);
    bi_sim_trace(loop->host, BI_SIM_timerfd_create, 0, 0, result);
    return result;
}

static int sim_timerfd_set(struct bight_system *system, int fd, uint64_t deadline)
{
    struct bi_sim_loop *loop = loop_of(system);
    int result = bi_sim_timerfd_set(bi_sim_file_get(loop, fd, "timerfd_set", CALLER), deadline);
    bi_sim_trace(loop->host, BI_SIM_timerfd_set, fd, (int64_t)deadline, result);
    return result;
}

static int sim_random(struct bight_system *system, void *buffer, size_t size)
{
    struct bi_sim_loop *loop = loop_of(system);
    uint8_t *at = buffer;
    for (size_t left = size; left > 0;) {
        uint64_t word = bi_sim_random(loop->simulation);
        size_t part = left < sizeof word ? left : sizeof word;
        memcpy(at, &word, part);
        at += part;
        left -= part;
    }
    bi_sim_trace(loop->host, BI_SIM_random, 0, (int64_t)size, 0);
    return 0;
}

const struct bight_system_ops bi_sim_system_ops = {
    .size = sizeof(struct bight_system_ops),
    .recv = sim_recv,
    .send = sim_send,
    .sendmsg = sim_sendmsg,
    .read = sim_read,
    .write = sim_write,
    .writev = sim_writev,
    .accept4 = sim_accept4,
    .close = sim_close,
    .shutdown = sim_shutdown,
    .socket = sim_socket,
    .bind = sim_bind,
    .listen = sim_listen,
    .connect = sim_connect,
    .getsockopt = sim_getsockopt,
    .setsockopt = sim_setsockopt,
    .getsockname = sim_getsockname,
    .getpeername = sim_getpeername,
    .fcntl = sim_fcntl,
    .open = sim_open,
    .unlink = sim_unlink,
    .chmod = sim_chmod,
    .lstat = sim_lstat,
    .now = sim_now,
    .wall_time = sim_wall_time,
    .eventfd = sim_eventfd,
    .timerfd_create = sim_timerfd_create,
    .timerfd_set = sim_timerfd_set,
    .random = sim_random,
    .identity = sim_identity,
    .start_job = bi_sim_start_job,
    .recvmsg = sim_recvmsg,
    .flock = sim_flock,
    .preadv2 = sim_preadv2,
    .sendfile = sim_sendfile,
};
