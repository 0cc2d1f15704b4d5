/* SPDX-License-Identifier: MIT */
/* child.c - the kernel's table, about children that run: reaping, signals, terminals.
 *
 * A child is named by its pidfd where there is one. By its number it is named just as safely as long as only we reap
 * it: a number is free for others only after that. A table of system calls has no more state than that. */
#include "system/descriptor.h"
#include "system/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* Of the pauses between two looks at one that is waited for, in ms: four seconds in all. */
enum { LONGEST_PAUSE = 2048 };

/* ------------------------------------------------------------------------------------------ reaping */

/* As waitpid would tell it. */
static int status_of(const siginfo_t *info)
{
    int status = info->si_status;
    return info->si_code == CLD_EXITED ? (status & 0xff) << 8 : status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

static int wait_for(idtype_t kind, id_t id, siginfo_t *info, int options)
{
    int result;
    do {
        info->si_pid = 0;
        result = waitid(kind, id, info, options);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

static int look_at(pid_t pid, int pidfd, siginfo_t *info, int options)
{
    int result = pidfd < 0 ? -EINVAL : wait_for((idtype_t)P_PIDFD, (id_t)pidfd, info, options);
    if (result == -EINVAL) { /* P_PIDFD came after pidfd */
        result = wait_for(P_PID, (id_t)pid, info, options);
    }
    return result;
}

int bi_real_wait_child(struct bight_system *system, pid_t pid, int pidfd, unsigned how, int *status)
{
    siginfo_t info;
    int options = WEXITED | WNOHANG | (how & BIGHT_WAIT_KEEP ? WNOWAIT : 0);
    (void)system;
    int result = look_at(pid, pidfd, &info, options);
    for (int pause = 1; pause <= LONGEST_PAUSE && how & BIGHT_WAIT_BLOCK && result == 0 && info.si_pid == 0;
         pause *= 2) {
        struct pollfd polled = { pidfd, POLLIN, 0 }; /* just a pause where there is none */
        (void)poll(&polled, 1, pause);
        result = look_at(pid, pidfd, &info, options);
    }
    if (result < 0 || info.si_pid == 0) {
        return result;
    }
    *status = status_of(&info);
    return 1;
}

/* ------------------------------------------------------------------------------------------ signals */

static int send_to_one(pid_t pid, int pidfd, int number)
{
#ifdef SYS_pidfd_send_signal
    if (pidfd >= 0) {
        long result = syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
        if (result == 0 || errno != ENOSYS) {
            return (int)result;
        }
    }
#else
    (void)pidfd;
#endif
    return kill(pid, number);
}

int bi_real_signal_child(struct bight_system *system, pid_t pid, int pidfd, int number, bool group)
{
    (void)system;
    int result = group ? kill(-pid, number) : send_to_one(pid, pidfd, number);
    return result < 0 ? -errno : 0;
}

/* ---------------------------------------------------------------------------------------- terminals */

/* The child's end of a terminal whose master is `master`. */
static int open_other_end(int master)
{
    char name[64];
    if (grantpt(master) < 0 || unlockpt(master) < 0) {
        return -errno;
    }
    int error = ptsname_r(master, name, sizeof name);
    if (error != 0) {
        return -error;
    }
    int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int bi_real_open_terminal(struct bight_system *system, int ends[2])
{
    (void)system;
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0) {
        return -errno;
    }
    ends[1] = open_other_end(ends[0]);
    if (ends[1] < 0) {
        (void)close(ends[0]);
        return ends[1];
    }
    return bi_real_clear_both(ends);
}

int bi_real_set_window(struct bight_system *system, int fd, unsigned short rows, unsigned short columns)
{
    struct winsize size = { .ws_row = rows, .ws_col = columns };
    (void)system;
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
