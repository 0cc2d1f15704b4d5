/* SPDX-License-Identifier: MIT */
/* syscall_table.c - the faulty system's body: which calls there are, how each may fail, and the wrappers.
 *
 * The errnos are those of the manual pages of section 2 with tcp(7), ip(7) and unix(7), less those that only a mistake
 * of the caller's brings about. A wrapper asks the plan, and passes the call on when it is not meant. close(2) closes
 * whatever it says; connect(2) that was interrupted goes on by itself. eventfds and timerfds are never read or written
 * in part, so read and write have no short counts. */
#include <errno.h>
#include <pthread.h>

#include <bight/sys/spawn.h>

#include "base/fork.h"
#include "testing/faults/blame.h"
#include "testing/faults/syscalls.h"

#define E(name)     \
    {               \
        name, #name \
    }
/* The step at which a start of a child fails is above its errno. */
#define STEP_SHIFT 16
#define S(step, name)                                                        \
    {                                                                        \
        name | BIGHT_SPAWN_##step << STEP_SHIFT, #name " at its step " #step \
    }
#define LIST(name, ...) static const struct bi_errno_name name##_errnos[] = { __VA_ARGS__, { 0, NULL } };

LIST(recv, E(EAGAIN), E(EINTR), E(ENOMEM), E(ECONNREFUSED), E(ECONNRESET), E(ENOTCONN), E(ETIMEDOUT), E(EHOSTUNREACH))
LIST(send, E(EAGAIN), E(EINTR), E(ENOMEM), E(ENOBUFS), E(EACCES), E(ECONNRESET), E(EDESTADDRREQ), E(EMSGSIZE),
    E(ENOTCONN), E(EPIPE), E(ETIMEDOUT), E(EHOSTUNREACH))
LIST(read, E(EAGAIN), E(EINTR), E(EIO))
LIST(write, E(EAGAIN), E(EINTR), E(EIO), E(ENOSPC), E(EDQUOT), E(EFBIG), E(EPERM), E(EPIPE))
LIST(accept4, E(EAGAIN), E(EINTR), E(ECONNABORTED), E(EMFILE), E(ENFILE), E(ENOBUFS), E(ENOMEM), E(EPERM), E(EPROTO),
    E(ENETDOWN), E(ENOPROTOOPT), E(EHOSTDOWN), E(ENONET), E(EHOSTUNREACH), E(ENETUNREACH), E(ETIMEDOUT))
LIST(close, E(EINTR), E(EIO), E(ENOSPC), E(EDQUOT))
LIST(shutdown, E(ENOTCONN))
LIST(socket, E(EACCES), E(EAFNOSUPPORT), E(EMFILE), E(ENFILE), E(ENOBUFS), E(ENOMEM), E(EPROTONOSUPPORT))
LIST(bind, E(EACCES), E(EADDRINUSE), E(EADDRNOTAVAIL), E(ELOOP), E(ENAMETOOLONG), E(ENOENT), E(ENOMEM), E(ENOTDIR),
    E(EROFS))
LIST(listen, E(EADDRINUSE))
LIST(connect, E(EACCES), E(EPERM), E(EADDRINUSE), E(EADDRNOTAVAIL), E(EAFNOSUPPORT), E(EAGAIN), E(ECONNREFUSED),
    E(EINTR), E(ENETUNREACH), E(EHOSTUNREACH), E(EPROTOTYPE), E(ETIMEDOUT), E(ENOENT))
LIST(getsockopt, E(ENOPROTOOPT), E(ENOBUFS))
LIST(setsockopt, E(ENOPROTOOPT), E(ENOMEM), E(ENOBUFS), E(EPERM))
LIST(getsockname, E(ENOBUFS))
LIST(getpeername, E(ENOBUFS), E(ENOTCONN))
LIST(fcntl, E(EACCES), E(EAGAIN), E(EINTR), E(EMFILE), E(ENOLCK), E(EPERM))
LIST(open, E(EACCES), E(EINTR), E(ELOOP), E(EMFILE), E(ENFILE), E(ENODEV), E(ENOENT), E(ENOMEM), E(ENOTDIR), E(ENXIO))
LIST(unlink, E(EACCES), E(EBUSY), E(EIO), E(EISDIR), E(ELOOP), E(ENOENT), E(ENOMEM), E(ENOTDIR), E(EPERM), E(EROFS))
LIST(chmod, E(EACCES), E(EIO), E(ELOOP), E(ENOENT), E(ENOMEM), E(ENOTDIR), E(EPERM), E(EROFS))
LIST(lstat, E(EACCES), E(ELOOP), E(ENOENT), E(ENOMEM), E(ENOTDIR))
LIST(eventfd, E(EMFILE), E(ENFILE), E(ENODEV), E(ENOMEM), E(ENOSYS))
LIST(pipe2, E(EMFILE), E(ENFILE))
LIST(timerfd_create, E(EMFILE), E(ENFILE), E(ENODEV), E(ENOMEM), E(EPERM), E(ENOSYS))
LIST(random, E(EAGAIN), E(EINTR), E(ENOSYS))
LIST(spawn, S(START, EAGAIN), S(START, ENOMEM), S(START, EMFILE), S(START, ENFILE), S(SESSION, EPERM), S(GROUP, EPERM),
    S(TERMINAL, EPERM), S(DESCRIPTORS, EMFILE), S(SETGROUPS, EPERM), S(SETGID, EPERM), S(SETUID, EAGAIN),
    S(SETUID, EPERM), S(DIRECTORY, ENOENT), S(DIRECTORY, EACCES), S(PROGRAM, ENOENT), S(PROGRAM, EACCES),
    S(PROGRAM, E2BIG), S(PROGRAM, ENOEXEC), S(PROGRAM, ENOMEM), S(PROGRAM, ETXTBSY))
LIST(wait_child, E(EINTR), E(ECHILD))
LIST(signal_child, E(EPERM))
LIST(open_terminal, E(EMFILE), E(ENFILE), E(ENOMEM), E(ENOENT), E(ENOSPC))
LIST(set_window, E(EIO), E(ENOTTY))
LIST(flock, E(EWOULDBLOCK), E(EINTR), E(ENOLCK))
LIST(preadv2, E(EAGAIN), E(EINTR), E(EIO), E(EOPNOTSUPP))
LIST(sendfile, E(EAGAIN), E(EINTR), E(EINVAL), E(EIO), E(ENOMEM), E(EPIPE), E(ECONNRESET))
LIST(map_stack, E(ENOMEM), E(EAGAIN))
LIST(unmap_stack, E(ENOMEM))

/* X(name, how it does less without failing, errnos) */
#define SYSCALLS(X)                                 \
    X(recv, "is short", recv)                       \
    X(send, "is short", send)                       \
    X(sendmsg, "is short", send)                    \
    X(read, NULL, read)                             \
    X(write, NULL, write)                           \
    X(writev, "is short", write)                    \
    X(accept4, NULL, accept4)                       \
    X(close, NULL, close)                           \
    X(shutdown, NULL, shutdown)                     \
    X(socket, NULL, socket)                         \
    X(bind, NULL, bind)                             \
    X(listen, NULL, listen)                         \
    X(connect, NULL, connect)                       \
    X(getsockopt, NULL, getsockopt)                 \
    X(setsockopt, NULL, setsockopt)                 \
    X(getsockname, NULL, getsockname)               \
    X(getpeername, NULL, getpeername)               \
    X(fcntl, NULL, fcntl)                           \
    X(open, NULL, open)                             \
    X(unlink, NULL, unlink)                         \
    X(chmod, NULL, chmod)                           \
    X(lstat, NULL, lstat)                           \
    X(eventfd, NULL, eventfd)                       \
    X(pipe2, NULL, pipe2)                           \
    X(timerfd_create, NULL, timerfd_create)         \
    X(random, NULL, random)                         \
    X(identity, NULL, lstat)                        \
    X(recvmsg, "is short", recv)                    \
    X(flock, NULL, flock)                           \
    X(spawn, "gives no pidfd", spawn)               \
    X(wait_child, "says that it lives", wait_child) \
    X(signal_child, NULL, signal_child)             \
    X(open_terminal, NULL, open_terminal)           \
    X(set_window, NULL, set_window)                 \
    X(preadv2, "is short", preadv2)                 \
    X(sendfile, "is short", sendfile)               \
    X(map_stack, NULL, map_stack)                   \
    X(unmap_stack, NULL, unmap_stack)

enum syscall {
#define CALL(name, less, errnos) CALL_##name,
    SYSCALLS(CALL) CALL_COUNT
#undef CALL
};

const struct bi_syscall bi_syscalls[] = {
#define CALL(name, less, errnos) { #name, less, errnos##_errnos },
    SYSCALLS(CALL)
#undef CALL
};
const size_t bi_syscall_count = CALL_COUNT;

/* ------------------------------------------------------------------------------------------ the plan */

static struct {
    pthread_mutex_t lock;
    size_t call, n;
    int number;
    size_t made; /* of that call */
    bool hit;
} plan = { .lock = PTHREAD_MUTEX_INITIALIZER };
BI_FORK_GUARD(plan.lock, BI_FORK_KIT, NULL)

void bi_syscall_plan(size_t call, size_t n, int number)
{
    pthread_mutex_lock(&plan.lock);
    plan.call = call;
    plan.n = n;
    plan.number = number;
    plan.made = 0;
    plan.hit = false;
    pthread_mutex_unlock(&plan.lock);
}

bool bi_syscall_was_hit(void)
{
    pthread_mutex_lock(&plan.lock);
    bool hit = plan.hit;
    pthread_mutex_unlock(&plan.lock);
    return hit;
}

bool bi_syscall_has_failed(void)
{
    return bi_syscall_was_hit() && plan.number != 0;
}

/* True when this is the one that goes wrong; then *number is the errno, 0 for a short count. */
static bool goes_wrong(enum syscall call, int *number)
{
    pthread_mutex_lock(&plan.lock);
    bool is_meant = plan.n != 0 && plan.call == (size_t)call && ++plan.made == plan.n;
    if (is_meant) {
        plan.hit = true;
        *number = plan.number;
    }
    pthread_mutex_unlock(&plan.lock);
    if (is_meant) {
        bi_blame_here();
    }
    return is_meant;
}

/* ---------------------------------------------------------------------------------------- the wrappers */

static struct bight_system *inner_of(struct bight_system *system)
{
    return ((struct bight_faulty_system *)system)->inner;
}

/* For calls that fail and do nothing. */
#define FAIL_OR_PASS(name, ...)                    \
    struct bight_system *inner = inner_of(system); \
    int number = 0;                                \
    if (goes_wrong(CALL_##name, &number)) {        \
        return -number;                            \
    }                                              \
    return inner->ops->name(inner, __VA_ARGS__)

/* A datagram is moved whole. */
static bool may_be_short(struct bight_system *inner, int fd)
{
    int type = SOCK_STREAM;
    socklen_t size = sizeof type;
    (void)inner->ops->getsockopt(inner, fd, SOL_SOCKET, SO_TYPE, &type, &size);
    return type == SOCK_STREAM;
}

/* For those that may be short: by half. */
#define FAIL_OR_SHORTEN(name, size)         \
    int number = 0;                         \
    if (goes_wrong(CALL_##name, &number)) { \
        if (number != 0) {                  \
            return -number;                 \
        }                                   \
        if (may_be_short(inner, fd)) {      \
            (size) = ((size) + 1) / 2;      \
        }                                   \
    }

static ssize_t faulty_recv(struct bight_system *system, int fd, void *buffer, size_t size, int flags)
{
    struct bight_system *inner = inner_of(system);
    int number = 0;
    if (goes_wrong(CALL_recv, &number)) {
        if (number != 0) {
            return -number;
        }
        /* the buffer is larger than what there is: a half would be no less */
        size = size > 0 && may_be_short(inner, fd) ? 1 : size;
    }
    return inner->ops->recv(inner, fd, buffer, size, flags);
}

static ssize_t faulty_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    struct bight_system *inner = inner_of(system);
    FAIL_OR_SHORTEN(send, size)
    return inner->ops->send(inner, fd, data, size, flags);
}

static ssize_t faulty_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    struct bight_system *inner = inner_of(system);
    size_t parts = message->msg_iovlen;
    FAIL_OR_SHORTEN(sendmsg, parts)
    if (parts == message->msg_iovlen) {
        return inner->ops->sendmsg(inner, fd, message, flags);
    }
    struct iovec first = message->msg_iov[0];
    struct msghdr shorter = { .msg_iov = &first, .msg_iovlen = 1 };
    first.iov_len = (first.iov_len + 1) / 2;
    return inner->ops->sendmsg(inner, fd, &shorter, flags);
}

static ssize_t faulty_read(struct bight_system *system, int fd, void *buffer, size_t size)
{
    FAIL_OR_PASS(read, fd, buffer, size);
}

static ssize_t faulty_write(struct bight_system *system, int fd, const void *data, size_t size)
{
    FAIL_OR_PASS(write, fd, data, size);
}

static ssize_t faulty_writev(struct bight_system *system, int fd, const struct iovec *parts, int count)
{
    struct bight_system *inner = inner_of(system);
    FAIL_OR_SHORTEN(writev, count)
    return inner->ops->writev(inner, fd, parts, count);
}

static int faulty_accept4(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    FAIL_OR_PASS(accept4, fd, address, size, flags);
}

static int faulty_close(struct bight_system *system, int fd)
{
    struct bight_system *inner = inner_of(system);
    int number = 0;
    int result = inner->ops->close(inner, fd);
    return goes_wrong(CALL_close, &number) ? -number : result;
}

static int faulty_shutdown(struct bight_system *system, int fd, int how)
{
    FAIL_OR_PASS(shutdown, fd, how);
}

static int faulty_socket(struct bight_system *system, int domain, int type, int protocol)
{
    FAIL_OR_PASS(socket, domain, type, protocol);
}

static int faulty_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    FAIL_OR_PASS(bind, fd, address, size);
}

static int faulty_listen(struct bight_system *system, int fd, int backlog)
{
    FAIL_OR_PASS(listen, fd, backlog);
}

static int faulty_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct bight_system *inner = inner_of(system);
    int number = 0;
    if (!goes_wrong(CALL_connect, &number)) {
        return inner->ops->connect(inner, fd, address, size);
    }
    if (number == EINTR) {
        int result = inner->ops->connect(inner, fd, address, size);
        return result == 0 || result == -EINPROGRESS ? -EINTR : result;
    }
    return -number;
}

static int faulty_getsockopt(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    FAIL_OR_PASS(getsockopt, fd, level, name, value, size);
}

static int faulty_setsockopt(
    struct bight_system *system, int fd, int level, int name, const void *value, socklen_t size)
{
    FAIL_OR_PASS(setsockopt, fd, level, name, value, size);
}

static int faulty_getsockname(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    FAIL_OR_PASS(getsockname, fd, address, size);
}

static int faulty_getpeername(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    FAIL_OR_PASS(getpeername, fd, address, size);
}

static int faulty_fcntl(struct bight_system *system, int fd, int command, long argument)
{
    FAIL_OR_PASS(fcntl, fd, command, argument);
}

static int faulty_open(struct bight_system *system, const char *path, int flags, mode_t mode)
{
    FAIL_OR_PASS(open, path, flags, mode);
}

static int faulty_unlink(struct bight_system *system, const char *path)
{
    FAIL_OR_PASS(unlink, path);
}

static int faulty_chmod(struct bight_system *system, const char *path, mode_t mode)
{
    FAIL_OR_PASS(chmod, path, mode);
}

static int faulty_lstat(struct bight_system *system, const char *path, mode_t *type)
{
    FAIL_OR_PASS(lstat, path, type);
}

static uint64_t faulty_now(struct bight_system *system)
{
    struct bight_system *inner = inner_of(system);
    return inner->ops->now(inner);
}

static uint64_t faulty_wall_time(struct bight_system *system)
{
    struct bight_system *inner = inner_of(system);
    return inner->ops->wall_time(inner);
}

static int faulty_eventfd(struct bight_system *system, unsigned initial, int flags)
{
    FAIL_OR_PASS(eventfd, initial, flags);
}

/* An inner table without one has none to pass on to. */
static int faulty_pipe2(struct bight_system *system, int ends[2], int flags)
{
    if (inner_of(system)->ops->pipe2 == NULL) {
        return -ENOSYS;
    }
    FAIL_OR_PASS(pipe2, ends, flags);
}

static int faulty_timerfd_create(struct bight_system *system)
{
    struct bight_system *inner = inner_of(system);
    int number = 0;
    return goes_wrong(CALL_timerfd_create, &number) ? -number : inner->ops->timerfd_create(inner);
}

static int faulty_timerfd_set(struct bight_system *system, int fd, uint64_t deadline)
{
    struct bight_system *inner = inner_of(system);
    return inner->ops->timerfd_set(inner, fd, deadline);
}

static int faulty_random(struct bight_system *system, void *buffer, size_t size)
{
    FAIL_OR_PASS(random, buffer, size);
}

static int faulty_identity(struct bight_system *system, const char *path, uint64_t identity[2])
{
    if (inner_of(system)->ops->identity == NULL) {
        return -ENOSYS;
    }
    FAIL_OR_PASS(identity, path, identity);
}

/* Of a stream one byte, as of recv. */
static ssize_t faulty_recvmsg(struct bight_system *system, int fd, struct msghdr *message, int flags)
{
    struct bight_system *inner = inner_of(system);
    int number = 0;
    if (inner->ops->recvmsg == NULL) {
        return -ENOSYS;
    }
    if (!goes_wrong(CALL_recvmsg, &number)) {
        return inner->ops->recvmsg(inner, fd, message, flags);
    }
    if (number != 0) {
        return -number;
    }
    if (message->msg_iovlen == 0 || message->msg_iov[0].iov_len == 0 || !may_be_short(inner, fd)) {
        return inner->ops->recvmsg(inner, fd, message, flags);
    }
    struct iovec first = { message->msg_iov[0].iov_base, 1 };
    struct msghdr shorter = *message;
    shorter.msg_iov = &first;
    shorter.msg_iovlen = 1;
    ssize_t result = inner->ops->recvmsg(inner, fd, &shorter, flags);
    message->msg_namelen = shorter.msg_namelen;
    message->msg_controllen = shorter.msg_controllen;
    message->msg_flags = shorter.msg_flags;
    return result;
}

static int faulty_flock(struct bight_system *system, int fd, int operation)
{
    if (inner_of(system)->ops->flock == NULL) {
        return -ENOSYS;
    }
    FAIL_OR_PASS(flock, fd, operation);
}

/* Doing less: as on a kernel without pidfds. */
static int faulty_spawn(
    struct bight_system *system, const struct bight_spawn_plan *child, struct bight_spawned *spawned)
{
    struct bight_system *inner = inner_of(system);
    int number = 0;
    if (inner->ops->spawn == NULL) {
        return -ENOSYS;
    }
    bool is_wrong = goes_wrong(CALL_spawn, &number);
    if (is_wrong && number != 0) {
        spawned->step = (enum bight_spawn_step)(number >> STEP_SHIFT);
        return -(number & ((1 << STEP_SHIFT) - 1));
    }
    int result = inner->ops->spawn(inner, child, spawned);
    if (is_wrong && result == 0 && spawned->pidfd >= 0) {
        (void)inner->ops->close(inner, spawned->pidfd);
        spawned->pidfd = -1;
    }
    return result;
}

/* ECHILD: other code has reaped it, if it has ended. Doing less: a debugger has it and has not looked yet. */
static int faulty_wait_child(struct bight_system *system, pid_t pid, int pidfd, unsigned how, int *status)
{
    struct bight_system *inner = inner_of(system);
    int number = 0;
    if (inner->ops->wait_child == NULL) {
        return -ENOSYS;
    }
    if (!goes_wrong(CALL_wait_child, &number)) {
        return inner->ops->wait_child(inner, pid, pidfd, how, status);
    }
    if (number == ECHILD) {
        (void)inner->ops->wait_child(inner, pid, pidfd, how & ~BIGHT_WAIT_KEEP, status);
    }
    return -number;
}

static int faulty_signal_child(struct bight_system *system, pid_t pid, int pidfd, int signal, bool group)
{
    if (inner_of(system)->ops->signal_child == NULL) {
        return -ENOSYS;
    }
    FAIL_OR_PASS(signal_child, pid, pidfd, signal, group);
}

static int faulty_open_terminal(struct bight_system *system, int ends[2])
{
    if (inner_of(system)->ops->open_terminal == NULL) {
        return -ENOSYS;
    }
    FAIL_OR_PASS(open_terminal, ends);
}

static int faulty_set_window(struct bight_system *system, int fd, unsigned short rows, unsigned short columns)
{
    if (inner_of(system)->ops->set_window == NULL) {
        return -ENOSYS;
    }
    FAIL_OR_PASS(set_window, fd, rows, columns);
}

/* Of a table without it nothing can be read. */
static ssize_t faulty_preadv2(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    struct bight_system *inner = inner_of(system);
    struct iovec first = parts[0];
    int number = 0;
    if (inner->ops->preadv2 == NULL) {
        return -ENOSYS;
    }
    if (!goes_wrong(CALL_preadv2, &number)) {
        return inner->ops->preadv2(inner, fd, parts, count, offset, flags);
    }
    first.iov_len = (first.iov_len + 1) / 2;
    return number != 0 ? -number : inner->ops->preadv2(inner, fd, &first, 1, offset, flags);
}

static ssize_t faulty_sendfile(struct bight_system *system, int fd, int file, uint64_t offset, size_t size)
{
    struct bight_system *inner = inner_of(system);
    if (inner->ops->sendfile == NULL) {
        return -ENOSYS;
    }
    FAIL_OR_SHORTEN(sendfile, size)
    return inner->ops->sendfile(inner, fd, file, offset, size);
}

/* A table without these has no memory of its own. */
static struct bight_system *mapper_of(struct bight_system *system)
{
    struct bight_system *inner = inner_of(system);
    return inner->ops->map_stack != NULL ? inner : bight_system_real();
}

static int faulty_map_stack(struct bight_system *system, size_t size, size_t guard, void **memory)
{
    struct bight_system *mapper = mapper_of(system);
    int number = 0;
    return goes_wrong(CALL_map_stack, &number) ? -number : mapper->ops->map_stack(mapper, size, guard, memory);
}

static int faulty_unmap_stack(struct bight_system *system, void *memory, size_t size)
{
    struct bight_system *mapper = mapper_of(system);
    int number = 0;
    return goes_wrong(CALL_unmap_stack, &number) ? -number : mapper->ops->unmap_stack(mapper, memory, size);
}

const struct bight_system_ops bi_faulty_ops = { .size = sizeof(struct bight_system_ops),
    .now = faulty_now,
    .wall_time = faulty_wall_time,
    .timerfd_set = faulty_timerfd_set,
#define CALL(name, less, errnos) .name = faulty_##name,
    SYSCALLS(CALL)
#undef CALL
};
