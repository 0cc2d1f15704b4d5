/* SPDX-License-Identifier: MIT */
/* real.c - the kernel's body of the table of system calls.
 *
 * Nothing is decided here: each function is one call, with -errno in place of -1 and errno; what makes a descriptor
 * keeps it clear of 0, 1 and 2. It has no state, so one object serves every reactor and thread of the process. */
#include <bight/clock.h>
#include <bight/sys/system.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "system/descriptor.h"
#include "system/memory.h"
#include "system/spawn.h"

static inline int or_errno(int answer)
{
    return answer < 0 ? -errno : answer;
}

static inline ssize_t size_or_errno(ssize_t answer)
{
    return answer < 0 ? -errno : answer;
}

/* ------------------------------------------------------------------------------------------ streams */

BI_HOT static ssize_t real_recv(struct bight_system *system, int fd, void *buffer, size_t size, int flags)
{
    (void)system;
    return size_or_errno(recv(fd, buffer, size, flags));
}

BI_HOT static ssize_t real_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    (void)system;
    return size_or_errno(send(fd, data, size, flags));
}

BI_HOT static ssize_t real_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    (void)system;
    return size_or_errno(sendmsg(fd, message, flags));
}

static ssize_t real_recvmsg(struct bight_system *system, int fd, struct msghdr *message, int flags)
{
    (void)system;
    return size_or_errno(recvmsg(fd, message, flags));
}

static ssize_t real_read(struct bight_system *system, int fd, void *buffer, size_t size)
{
    (void)system;
    return size_or_errno(read(fd, buffer, size));
}

static ssize_t real_write(struct bight_system *system, int fd, const void *data, size_t size)
{
    (void)system;
    return size_or_errno(write(fd, data, size));
}

static ssize_t real_writev(struct bight_system *system, int fd, const struct iovec *parts, int count)
{
    (void)system;
    return size_or_errno(writev(fd, parts, count));
}

static int real_accept4(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    (void)system;
    return bi_real_clear(accept4(fd, address, size, flags | SOCK_CLOEXEC | SOCK_NONBLOCK));
}

static int real_close(struct bight_system *system, int fd)
{
    (void)system;
    return or_errno(close(fd));
}

static int real_shutdown(struct bight_system *system, int fd, int how)
{
    (void)system;
    return or_errno(shutdown(fd, how));
}

/* ------------------------------------------------------------------------------- making and asking */

static int real_socket(struct bight_system *system, int domain, int type, int protocol)
{
    (void)system;
    return bi_real_clear(socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

static int real_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    (void)system;
    return or_errno(bind(fd, address, size));
}

static int real_listen(struct bight_system *system, int fd, int backlog)
{
    (void)system;
    return or_errno(listen(fd, backlog));
}

static int real_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    (void)system;
    return or_errno(connect(fd, address, size));
}

static int real_getsockopt(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    (void)system;
    return or_errno(getsockopt(fd, level, name, value, size));
}

static int real_setsockopt(struct bight_system *system, int fd, int level, int name, const void *value, socklen_t size)
{
    (void)system;
    return or_errno(setsockopt(fd, level, name, value, size));
}

static int real_getsockname(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    (void)system;
    return or_errno(getsockname(fd, address, size));
}

static int real_getpeername(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size)
{
    (void)system;
    return or_errno(getpeername(fd, address, size));
}

static int real_fcntl(struct bight_system *system, int fd, int command, long argument)
{
    (void)system;
    return or_errno(fcntl(fd, command, argument));
}

/* -------------------------------------------------------------------------------------------- files */

static int real_open(struct bight_system *system, const char *path, int flags, mode_t mode)
{
    (void)system;
    return bi_real_clear(open(path, flags | O_CLOEXEC, mode));
}

static int real_unlink(struct bight_system *system, const char *path)
{
    (void)system;
    return or_errno(unlink(path));
}

static int real_chmod(struct bight_system *system, const char *path, mode_t mode)
{
    (void)system;
    return or_errno(chmod(path, mode));
}

static int real_lstat(struct bight_system *system, const char *path, mode_t *type)
{
    struct stat status;
    (void)system;
    if (lstat(path, &status) < 0) {
        return -errno;
    }
    *type = status.st_mode & S_IFMT;
    return 0;
}

static int real_identity(struct bight_system *system, const char *path, uint64_t identity[2])
{
    struct stat status;
    (void)system;
    if (lstat(path, &status) < 0) {
        return -errno;
    }
    identity[0] = status.st_dev;
    identity[1] = status.st_ino;
    return 0;
}

static int real_file_identity(struct bight_system *system, int fd, uint64_t identity[2])
{
    struct stat status;
    (void)system;
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    identity[0] = status.st_dev;
    identity[1] = status.st_ino;
    return 0;
}

static int real_flock(struct bight_system *system, int fd, int operation)
{
    (void)system;
    return or_errno(flock(fd, operation));
}

static ssize_t real_preadv2(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    (void)system;
    return size_or_errno(preadv2(fd, parts, count, (off_t)offset, flags));
}

static ssize_t real_sendfile(struct bight_system *system, int to, int file, uint64_t offset, size_t size)
{
    off_t place = (off_t)offset;
    (void)system;
    return size_or_errno(sendfile(to, file, &place, size));
}

/* ------------------------------------------------------------------------------- clocks and wake-ups */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time = { 0, 0 };
    (void)clock_gettime(clock, &time); /* cannot fail for the two clocks asked for */
    return (uint64_t)time.tv_sec * BIGHT_NANOSECONDS_PER_SECOND + (uint64_t)time.tv_nsec;
}

static uint64_t real_now(struct bight_system *system)
{
    (void)system;
    return read_clock(CLOCK_MONOTONIC);
}

static uint64_t real_wall_time(struct bight_system *system)
{
    (void)system;
    return read_clock(CLOCK_REALTIME);
}

static int real_eventfd(struct bight_system *system, unsigned initial, int flags)
{
    (void)system;
    return bi_real_clear(eventfd(initial, flags | EFD_CLOEXEC | EFD_NONBLOCK));
}

static int real_pipe2(struct bight_system *system, int ends[2], int flags)
{
    (void)system;
    if (pipe2(ends, flags) < 0) {
        return -errno;
    }
    return bi_real_clear_both(ends);
}

static int real_timerfd_create(struct bight_system *system)
{
    (void)system;
    return bi_real_clear(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

static int real_timerfd_set(struct bight_system *system, int fd, uint64_t deadline)
{
    struct itimerspec setting = {
        .it_value = { .tv_sec = (time_t)(deadline / BIGHT_NANOSECONDS_PER_SECOND),
            .tv_nsec = (long)(deadline % BIGHT_NANOSECONDS_PER_SECOND) },
    };
    (void)system;
    return or_errno(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL));
}

static int real_random(struct bight_system *system, void *buffer, size_t size)
{
    (void)system;
    int code = bi_random_openssl(NULL, buffer, size);
    return code == BIGHT_OK ? 0 : code == BIGHT_E_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

static const struct bight_system_ops real_ops = {
    .size = sizeof(struct bight_system_ops),
    .recv = real_recv,
    .send = real_send,
    .sendmsg = real_sendmsg,
    .read = real_read,
    .write = real_write,
    .writev = real_writev,
    .accept4 = real_accept4,
    .close = real_close,
    .shutdown = real_shutdown,
    .socket = real_socket,
    .bind = real_bind,
    .listen = real_listen,
    .connect = real_connect,
    .getsockopt = real_getsockopt,
    .setsockopt = real_setsockopt,
    .getsockname = real_getsockname,
    .getpeername = real_getpeername,
    .fcntl = real_fcntl,
    .open = real_open,
    .unlink = real_unlink,
    .chmod = real_chmod,
    .lstat = real_lstat,
    .now = real_now,
    .wall_time = real_wall_time,
    .eventfd = real_eventfd,
    .pipe2 = real_pipe2,
    .timerfd_create = real_timerfd_create,
    .timerfd_set = real_timerfd_set,
    .random = real_random,
    .identity = real_identity,
    .recvmsg = real_recvmsg,
    .flock = real_flock,
    .spawn = bi_real_spawn,
    .wait_child = bi_real_wait_child,
    .signal_child = bi_real_signal_child,
    .open_terminal = bi_real_open_terminal,
    .set_window = bi_real_set_window,
    .map_stack = bi_real_map_stack,
    .unmap_stack = bi_real_unmap_stack,
    .file_identity = real_file_identity,
    .preadv2 = real_preadv2,
    .sendfile = real_sendfile,
};

struct bight_system *bight_system_real(void)
{
    /* Never written to: it holds nothing but its table. */
    static struct bight_system real = { &real_ops };
    return &real;
}
