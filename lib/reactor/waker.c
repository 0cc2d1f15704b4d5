/* SPDX-License-Identifier: MIT */
/* waker.c - the descriptor by which other threads and signal handlers wake a loop.
 *
 * Watching it is its owner's. The owner must look for what it announces after draining, not before: then what comes in
 * between is found early and the next wake-up is idle, while the other way round one could be lost. */
#include "reactor/waker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include "base/check.h"
#include "base/fork.h"

static int open_pipe(struct bi_waker *waker)
{
    int ends[2];
    if (waker->system->ops->pipe2 == NULL) {
        return BIGHT_E_SYSTEM;
    }
    int code = waker->system->ops->pipe2(waker->system, ends, O_CLOEXEC | O_NONBLOCK);
    if (code < 0) {
        return bight_error_from_errno(-code);
    }
    waker->read_fd = ends[0];
    waker->write_fd = ends[1];
    return 0;
}

int bi_waker_open(struct bi_waker *waker, struct bight_system *system)
{
    *waker = (struct bi_waker) { .system = system, .read_fd = -1, .write_fd = -1, .forks = bi_fork_count };
    int fd = system->ops->eventfd(system, 0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return open_pipe(waker);
    }
    waker->read_fd = waker->write_fd = fd;
    return 0;
}

void bi_waker_close(struct bi_waker *waker)
{
    struct bight_system *system = waker->system;
    if (waker->write_fd >= 0 && waker->write_fd != waker->read_fd) {
        system->ops->close(system, waker->write_fd);
    }
    if (waker->read_fd >= 0) {
        system->ops->close(system, waker->read_fd);
    }
    waker->read_fd = waker->write_fd = -1;
}

/* EAGAIN means that it is readable, which is all that is wanted. */
void bi_waker_write(const struct bi_waker *waker)
{
    static const uint64_t one = 1;
    ssize_t written;
    if (BI_UNLIKELY(waker->forks != bi_fork_count)) {
        return;
    }
    do {
        written = waker->system->ops->write(waker->system, waker->write_fd, &one, sizeof one);
    } while (written == -EINTR);
}

void bi_waker_drain(const struct bi_waker *waker)
{
    uint64_t scratch[8];
    ssize_t got;
    do {
        got = waker->system->ops->read(waker->system, waker->read_fd, scratch, sizeof scratch);
    } while (got == -EINTR || got == (ssize_t)sizeof scratch);
}
