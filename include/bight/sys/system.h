/* SPDX-License-Identifier: MIT */
/* bight/sys/system.h - the table of system calls: the seam below which bight meets the kernel.
 *
 * Every system call that lib/ makes for a reactor goes through the reactor's table; what libevent's own polling does is
 * behind bight/sys/loop.h. The real body (bight_system_real) costs an indirect call; a test's body counts, fails,
 * shortens or simulates. Each call returns what the kernel's does, with -errno in place of -1 and errno. A body embeds
 * struct bight_system first. Descriptors are made close-on-exec, and sockets non-blocking too; the real body returns
 * none of the numbers 0, 1 and 2, also where these are closed. */
#ifndef BIGHT_SYS_SYSTEM_H
#define BIGHT_SYS_SYSTEM_H

#include <bight/error.h>

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

BIGHT_BEGIN

struct bight_reactor;
struct bight_system;
struct bight_spawn_plan; /* bight/sys/spawn.h */
struct bight_spawned;

struct bight_system_ops {
    size_t size; /* sizeof(struct bight_system_ops) */
    /* streams, in the order of their heat */
    ssize_t (*recv)(struct bight_system *system, int fd, void *buffer, size_t size, int flags);
    ssize_t (*send)(struct bight_system *system, int fd, const void *data, size_t size, int flags);
    ssize_t (*sendmsg)(struct bight_system *system, int fd, const struct msghdr *message, int flags);
    ssize_t (*read)(struct bight_system *system, int fd, void *buffer, size_t size);
    ssize_t (*write)(struct bight_system *system, int fd, const void *data, size_t size);
    ssize_t (*writev)(struct bight_system *system, int fd, const struct iovec *parts, int count);
    int (*accept4)(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size, int flags);
    int (*close)(struct bight_system *system, int fd);
    int (*shutdown)(struct bight_system *system, int fd, int how);
    /* making and asking */
    int (*socket)(struct bight_system *system, int domain, int type, int protocol);
    int (*bind)(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size);
    int (*listen)(struct bight_system *system, int fd, int backlog);
    int (*connect)(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size);
    int (*getsockopt)(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size);
    int (*setsockopt)(struct bight_system *system, int fd, int level, int name, const void *value, socklen_t size);
    int (*getsockname)(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size);
    int (*getpeername)(struct bight_system *system, int fd, struct sockaddr *address, socklen_t *size);
    int (*fcntl)(struct bight_system *system, int fd, int command, long argument);
    /* files that listening on a UNIX socket touches; and the spare descriptor (T17) */
    int (*open)(struct bight_system *system, const char *path, int flags, mode_t mode);
    int (*unlink)(struct bight_system *system, const char *path);
    int (*chmod)(struct bight_system *system, const char *path, mode_t mode);
    /* Fills *type with the S_IFMT bits of what is at `path`, without following a link. */
    int (*lstat)(struct bight_system *system, const char *path, mode_t *type);
    /* clocks and wake-ups */
    uint64_t (*now)(struct bight_system *system);       /* CLOCK_MONOTONIC in nanoseconds; cannot fail */
    uint64_t (*wall_time)(struct bight_system *system); /* CLOCK_REALTIME in nanoseconds */
    int (*eventfd)(struct bight_system *system, unsigned initial, int flags);
    /* Where there is no eventfd. NULL: not there either. */
    int (*pipe2)(struct bight_system *system, int ends[2], int flags);
    int (*timerfd_create)(struct bight_system *system);
    /* Absolute on CLOCK_MONOTONIC; 0 disarms. */
    int (*timerfd_set)(struct bight_system *system, int fd, uint64_t deadline);
    int (*random)(struct bight_system *system, void *buffer, size_t size);
    /* Fills device and inode of what is at `path`, without following a link. NULL: not available. */
    int (*identity)(struct bight_system *system, const char *path, uint64_t identity[2]);
    /* Sees to it that run(context) is called once, soon, outside any handler: a body without threads runs the jobs of
     * the pool so. 0 or -errno. NULL, as in the kernel's body: the pool has threads. */
    int (*start_job)(struct bight_system *system, void (*run)(void *context), void *context);
    /* Datagrams with their sender: fills the message's parts, msg_name and msg_flags. NULL: not there. */
    ssize_t (*recvmsg)(struct bight_system *system, int fd, struct msghdr *message, int flags);
    /* NULL: files cannot be locked. */
    int (*flock)(struct bight_system *system, int fd, int operation);
    /* Child processes; all NULL where there are none. spawn: 0 when the program runs, or -errno with the step. */
    int (*spawn)(struct bight_system *system, const struct bight_spawn_plan *plan, struct bight_spawned *spawned);
    /* Reaps a child. `how` is the sum of BIGHT_WAIT_BLOCK (some seconds at most) and BIGHT_WAIT_KEEP (it stays to be
     * reaped), or 0. 1 with *status as of waitpid; 0: it lives, or is kept by its tracer; -errno. pidfd may be -1.
     */
    int (*wait_child)(struct bight_system *system, pid_t pid, int pidfd, unsigned how, int *status);
    /* To a child that has not been reaped, or to the group that it leads. */
    int (*signal_child)(struct bight_system *system, pid_t pid, int pidfd, int number, bool group);
    /* A pseudo-terminal: ours and the child's end. */
    int (*open_terminal)(struct bight_system *system, int ends[2]);
    int (*set_window)(struct bight_system *system, int fd, unsigned short rows, unsigned short columns);
    /* A coroutine's stack: `size` bytes of zeroed memory, of which each page is allocated when it is touched; the
     * lowest `guard` bytes may not be touched. 0 or -errno. NULL: the kernel's own is used. */
    int (*map_stack)(struct bight_system *system, size_t size, size_t guard, void **memory);
    int (*unmap_stack)(struct bight_system *system, void *memory, size_t size);
    /* Fills device and inode of what `fd` is. NULL: not available. */
    int (*file_identity)(struct bight_system *system, int fd, uint64_t identity[2]);
    /* Reads from a place in a file. RWF_NOWAIT among the flags: only what is in memory, else -EAGAIN. An offset of
     * UINT64_MAX: as read. Called in threads of the pool too. NULL: files cannot be sent. */
    ssize_t (*preadv2)(
        struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags);
    /* From a place in a file to a stream socket; 0 at the file's end. Raises SIGPIPE. NULL: it is read and sent. */
    ssize_t (*sendfile)(struct bight_system *system, int socket, int file, uint64_t offset, size_t size);
    const void *reserved[1];
};

struct bight_system {
    const struct bight_system_ops *ops;
};

/* The kernel's own; shared by every reactor of the process, never freed. */
BIGHT_API struct bight_system *bight_system_real(void);

/* What a reactor makes its system calls through: borrowed, for as long as the reactor lives. */
BIGHT_API struct bight_system *bight_reactor_system(const struct bight_reactor *reactor);

BIGHT_END

#endif
