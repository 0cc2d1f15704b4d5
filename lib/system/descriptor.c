/* SPDX-License-Identifier: MIT */
/* descriptor.c - the numbers of new descriptors.
 *
 * The kernel returns the lowest free number, and has no call that returns another. One that is too low is copied to a
 * higher one, which costs nothing where 0, 1 and 2 are open, as they should be. Whether there will be descriptors can
 * only be found out by taking them: another thread may be faster afterwards. */
#include "system/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { COUNT_AT_MOST = 8 };

int bi_real_lift(int fd)
{
    if (fd < 0) {
        return -errno;
    }
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, BI_STANDARD_DESCRIPTORS);
    int result = higher < 0 ? -errno : higher;
    (void)close(fd);
    return result;
}

int bi_real_clear_both(int ends[2])
{
    ends[0] = bi_real_clear(ends[0]);
    ends[1] = bi_real_clear(ends[1]);
    int result = ends[0] < 0 ? ends[0] : ends[1] < 0 ? ends[1] : 0;
    for (int i = 0; result < 0 && i < 2; i++) {
        if (ends[i] >= 0) {
            (void)close(ends[i]);
        }
    }
    return result;
}

/* 0 or a positive errno. Where there are no eventfds nothing can be said. */
static int take(struct bi_room *room, int taken[COUNT_AT_MOST], int count)
{
    int got = 0;
    int number = 0;
    while (got < count && number == 0) {
        int fd = eventfd(0, EFD_CLOEXEC);
        if (fd < 0) {
            number = errno == ENOSYS || errno == EPERM ? -1 : errno;
        } else if (fd < BI_STANDARD_DESCRIPTORS) {
            room->standard[room->standard_count++] = fd;
        } else {
            taken[got++] = fd;
            room->highest = fd > room->highest ? fd : room->highest;
        }
    }
    while (got > 0) {
        (void)close(taken[--got]);
    }
    return number < 0 ? 0 : number;
}

int bi_room_begin(struct bi_room *room, int count)
{
    int taken[COUNT_AT_MOST];
    *room = (struct bi_room) { .highest = -1 };
    return take(room, taken, count);
}

void bi_room_end(struct bi_room *room)
{
    while (room->standard_count > 0) {
        (void)close(room->standard[--room->standard_count]);
    }
}

bool bi_room_allows(int fd)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || (rlim_t)fd < limit.rlim_cur);
}
