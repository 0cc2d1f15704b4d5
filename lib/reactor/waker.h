/* SPDX-License-Identifier: MIT */
/* waker.h - a descriptor that one side makes readable to wake the other's loop: an eventfd, or a pipe where there is
 * none. Writing is safe in any thread and in a signal handler, if the system table's write is. */
#ifndef BI_REACTOR_WAKER_H
#define BI_REACTOR_WAKER_H

#include <bight/sys/system.h>

struct bi_waker {
    struct bight_system *system; /* borrowed */
    int read_fd, write_fd;       /* the same for an eventfd; -1: closed */
    unsigned forks;              /* the count of forks when it was opened */
};

/* 0 or a code; on a code the waker is closed. */
int bi_waker_open(struct bi_waker *waker, struct bight_system *system);

/* Does nothing when it is closed. */
void bi_waker_close(struct bi_waker *waker);

/* Makes it readable, if it is not already. In the child of a fork it does nothing: the parent's loop would wake. */
void bi_waker_write(const struct bi_waker *waker);

/* Makes it unreadable. */
void bi_waker_drain(const struct bi_waker *waker);

#endif
